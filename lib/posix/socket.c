/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#ifdef __linux__
#include <linux/sockios.h>
#endif

#include "core/system.h"

static int
family_of(unsigned int kind)
{
	switch (kind) {
	case PROACTOR_SOCKET_TCP:
	case PROACTOR_SOCKET_UDP:
		return AF_INET;
	case PROACTOR_SOCKET_TCP6:
	case PROACTOR_SOCKET_UDP6:
		return AF_INET6;
	default:
		return AF_UNIX;
	}
}

static int
type_of(unsigned int kind)
{
	switch (kind) {
	case PROACTOR_SOCKET_UDP:
	case PROACTOR_SOCKET_UDP6:
	case PROACTOR_SOCKET_UNIX_DATAGRAM:
		return SOCK_DGRAM;
	default:
		return SOCK_STREAM;
	}
}

static int
set(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value)) != 0 ?
	    -errno : 0;
}

/*
 * Applies the options that concern the descriptor; ZERO_COPY is how sends
 * are made.  An option that the kind has not is EINVAL.
 */
static int
apply(int fd, unsigned int kind, unsigned int options)
{
	const struct linger zero = { 1, 0 };
	bool tcp = kind == PROACTOR_SOCKET_TCP || kind == PROACTOR_SOCKET_TCP6;
	int error = 0;

	if ((options & (PROACTOR_SOCKET_NO_DELAY |
	    PROACTOR_SOCKET_KEEP_ALIVE)) != 0 && !tcp)
		return PROACTOR_EINVAL;
	if ((options & (PROACTOR_SOCKET_REUSE_PORT |
	    PROACTOR_SOCKET_LINGER_ZERO)) != 0 && family_of(kind) == AF_UNIX)
		return PROACTOR_EINVAL;
	if (options & PROACTOR_SOCKET_REUSE_ADDRESS)
		error = set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (error == 0 && (options & PROACTOR_SOCKET_REUSE_PORT))
		error = set(fd, SOL_SOCKET, SO_REUSEPORT, 1);
	if (error == 0 && (options & PROACTOR_SOCKET_NO_DELAY))
		error = set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	if (error == 0 && (options & PROACTOR_SOCKET_KEEP_ALIVE))
		error = set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
	if (error == 0 && (options & PROACTOR_SOCKET_LINGER_ZERO) &&
	    setsockopt(fd, SOL_SOCKET, SO_LINGER, &zero, sizeof(zero)) != 0)
		error = -errno;
	/* One family a socket: a program binds both and knows what it has. */
	if (error == 0 && family_of(kind) == AF_INET6)
		error = set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	return error;
}

static int
open_socket(unsigned int kind)
{
#ifdef SOCK_CLOEXEC
	return socket(family_of(kind), type_of(kind) | SOCK_CLOEXEC, 0);
#else
	int fd = socket(family_of(kind), type_of(kind), 0);

	if (fd >= 0)
		(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
	return fd;
#endif
}

int
proactor__sys_socket(unsigned int kind, unsigned int options, int *ret_fd)
{
	int error, fd;

	fd = open_socket(kind);
	if (fd < 0)
		return -errno;
	error = apply(fd, kind, options);
	if (error != 0) {
		close(fd);
		return error;
	}
	*ret_fd = fd;
	return 0;
}

/* Is it a socket of that kind, and what has been done with it? */
int
proactor__sys_check_socket(int fd, unsigned int kind,
    unsigned int *ret_state)
{
	struct sockaddr_storage address;
	socklen_t length = sizeof(int);
	int listening, type;

	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) != 0)
		return -errno;
	memset(&address, 0, sizeof(address));
	length = sizeof(address);
	if (getsockname(fd, (struct sockaddr *)&address, &length) != 0)
		return -errno;
	if (type != type_of(kind) || address.ss_family != family_of(kind))
		return PROACTOR_EINVAL;
	*ret_state = PROACTOR_SOCKET_STATE_CREATED;
	length = sizeof(listening);
	if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &length) ==
	    0 && listening) {
		*ret_state = PROACTOR_SOCKET_STATE_LISTENING;
		return 0;
	}
	length = sizeof(address);
	if (getpeername(fd, (struct sockaddr *)&address, &length) == 0)
		*ret_state = PROACTOR_SOCKET_STATE_CONNECTED;
	return 0;
}

bool
proactor__address_fits(const struct proactor_address *address,
    unsigned int kind)
{
	unsigned int family;

	if (address == NULL)
		return false;
	family = proactor_address_family(address);
	switch (family_of(kind)) {
	case AF_INET:
		return family == PROACTOR_ADDRESS_IPV4;
	case AF_INET6:
		return family == PROACTOR_ADDRESS_IPV6;
	default:
		return family == PROACTOR_ADDRESS_UNIX;
	}
}

int
proactor__sys_bind(int fd, const struct proactor_address *address)
{
	return bind(fd, (const struct sockaddr *)(const void *)
	    address->storage.bytes, (socklen_t)address->length) != 0 ?
	    -errno : 0;
}

/* Ends a connection attempt of TCP's; the socket stays bound. */
void
proactor__sys_disconnect(int fd, unsigned int kind)
{
	struct sockaddr none;

	if (kind != PROACTOR_SOCKET_TCP && kind != PROACTOR_SOCKET_TCP6)
		return;
	memset(&none, 0, sizeof(none));
	none.sa_family = AF_UNSPEC;
	(void)connect(fd, &none, sizeof(none));
}

int
proactor__sys_listen(int fd, int backlog)
{
	return listen(fd, backlog > 0 ? backlog : SOMAXCONN) != 0 ?
	    -errno : 0;
}

int
proactor__sys_shutdown(int fd, unsigned int how)
{
	int sys = how == PROACTOR_SHUTDOWN_READ ? SHUT_RD :
	    how == PROACTOR_SHUTDOWN_WRITE ? SHUT_WR : SHUT_RDWR;

	return shutdown(fd, sys) != 0 ? -errno : 0;
}

int
proactor__sys_local_address(int fd, struct proactor_address *ret_address)
{
	struct proactor_address a;
	socklen_t length = sizeof(a.storage.bytes);

	memset(&a, 0, sizeof(a));
	if (getsockname(fd, (struct sockaddr *)(void *)a.storage.bytes,
	    &length) != 0)
		return -errno;
	a.length = length < sizeof(a.storage.bytes) ? length :
	    (uint32_t)sizeof(a.storage.bytes);
	*ret_address = a;
	return 0;
}

/* Of a connection that was just accepted: length is 0 when there is none. */
void
proactor__sys_peer_address(int fd, struct proactor_address *ret_address)
{
	socklen_t length = sizeof(ret_address->storage.bytes);

	if (getpeername(fd, (struct sockaddr *)(void *)
	    ret_address->storage.bytes, &length) != 0)
		length = 0;
	ret_address->length = length < sizeof(ret_address->storage.bytes) ?
	    length : (uint32_t)sizeof(ret_address->storage.bytes);
}

/* The send buffer's size less what is still in it. */
int
proactor__sys_send_space(int fd, size_t *ret_bytes)
{
	socklen_t length = sizeof(int);
	int size, used = 0;

	if (getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, &length) != 0)
		return -errno;
#ifdef SIOCOUTQ
	if (ioctl(fd, SIOCOUTQ, &used) != 0)
		return -errno;
#endif
	*ret_bytes = used < size ? (size_t)(size - used) : 0;
	return 0;
}
