/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "conformance/conformance.h"

/* Pairs of sockets over loopback, listeners, and paths of their own. */

union any_address {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	struct sockaddr_un un;
	struct sockaddr_storage storage;
};

const char *
kind_name(unsigned int kind)
{
	static const char *const names[] = {
		"?", "tcp", "tcp6", "udp", "udp6", "unix", "unix datagram",
	};

	return names[kind <= KIND_LAST ? kind : 0];
}

bool
kind_is_stream(unsigned int kind)
{
	return kind == PROACTOR_SOCKET_TCP || kind == PROACTOR_SOCKET_TCP6 ||
	    kind == PROACTOR_SOCKET_UNIX_STREAM;
}

static int
kind_domain(unsigned int kind)
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
kind_type(unsigned int kind)
{
	return kind_is_stream(kind) ? SOCK_STREAM : SOCK_DGRAM;
}

static socklen_t
any_to_bind(unsigned int kind, union any_address *a)
{
	char path[PATH_ROOM];

	memset(a, 0, sizeof(*a));
	switch (kind_domain(kind)) {
	case AF_INET:
		a->in.sin_family = AF_INET;
		a->in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		return sizeof(a->in);
	case AF_INET6:
		a->in6.sin6_family = AF_INET6;
		a->in6.sin6_addr = in6addr_loopback;
		return sizeof(a->in6);
	default:
		temp_path(path, "s");
		CHECK(strlen(path) < sizeof(a->un.sun_path));
		a->un.sun_family = AF_UNIX;
		memcpy(a->un.sun_path, path, strlen(path) + 1);
		return sizeof(a->un);
	}
}

bool
kind_works(unsigned int kind)
{
	union any_address a;
	socklen_t length;
	bool works;
	int fd;

	fd = socket(kind_domain(kind), kind_type(kind) | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return false;
	length = any_to_bind(kind, &a);
	works = bind(fd, &a.sa, length) == 0;
	close(fd);
	return works;
}

void
address_to_bind(unsigned int kind, struct proactor_address *ret)
{
	char path[PATH_ROOM];

	switch (kind_domain(kind)) {
	case AF_INET:
		CHECK_INT(proactor_address_from_ipv4("127.0.0.1", 0, ret), 0);
		break;
	case AF_INET6:
		CHECK_INT(proactor_address_from_ipv6("::1", 0, ret), 0);
		break;
	default:
		CHECK_INT(proactor_address_from_unix(temp_path(path, "s"),
		    ret), 0);
	}
}

static struct proactor_socket *
bound_open(struct world *w, unsigned int kind, unsigned int options,
    struct proactor_address *ret_address)
{
	struct proactor_address address;
	struct proactor_socket *s;

	address_to_bind(kind, &address);
	CHECK_INT(proactor_socket_create(w->p, kind, options, &s), 0);
	CHECK_INT(proactor_socket_bind(s, &address), 0);
	CHECK_INT(proactor_socket_query_local_address(s, ret_address), 0);
	return s;
}

struct proactor_socket *
listener_open(struct world *w, unsigned int kind, unsigned int options,
    struct proactor_address *ret_address)
{
	struct proactor_socket *s;

	s = bound_open(w, kind, options, ret_address);
	CHECK_INT(proactor_socket_listen(s, 0), 0);
	return s;
}

static void
connect_to(struct world *w, struct proactor_socket *s,
    const struct proactor_address *address)
{
	struct recorder r = {0};
	struct proactor_connect_op op;

	proactor_connect_op_init(&op, s, address, record, &r);
	CHECK_INT(proactor_submit_one(w->p, &op.base), 0);
	CHECK(poll_until(w, &r.finals, 1));
	CHECK_INT(r.seen[0].status, 0);
	recorder_clear(&r);
}

static void
stream_pair(struct world *w, unsigned int kind, unsigned int options,
    struct pair *ret)
{
	struct recorder r = {0};
	struct proactor_address address;
	struct proactor_socket *listener;
	struct proactor_accept_op accept;
	struct proactor_connect_op connect;

	listener = listener_open(w, kind, options, &address);
	CHECK_INT(proactor_socket_create(w->p, kind, options, &ret->a), 0);
	proactor_accept_op_init(&accept, listener, record, &r);
	proactor_connect_op_init(&connect, ret->a, &address, record, &r);
	CHECK_INT(proactor_submit_one(w->p, &accept.base), 0);
	CHECK_INT(proactor_submit_one(w->p, &connect.base), 0);
	CHECK(poll_until(w, &r.finals, 2));
	CHECK_INT(status_of(&r, &accept), 0);
	CHECK_INT(status_of(&r, &connect), 0);
	ret->b = accept.accepted;
	CHECK(ret->b != NULL);
	recorder_clear(&r);
	proactor_socket_release(listener);
}

void
pair_open(struct world *w, unsigned int kind, unsigned int options,
    struct pair *ret)
{
	struct proactor_address a, b;

	if (kind_is_stream(kind)) {
		stream_pair(w, kind, options, ret);
		return;
	}
	ret->a = bound_open(w, kind, options, &a);
	ret->b = bound_open(w, kind, options, &b);
	connect_to(w, ret->a, &b);
	connect_to(w, ret->b, &a);
}

static int
fd_bound(unsigned int kind, union any_address *ret, socklen_t *ret_length)
{
	int fd;

	fd = socket(kind_domain(kind), kind_type(kind) | SOCK_CLOEXEC, 0);
	CHECK(fd != -1);
	*ret_length = any_to_bind(kind, ret);
	CHECK_INT(bind(fd, &ret->sa, *ret_length), 0);
	*ret_length = sizeof(*ret);
	CHECK_INT(getsockname(fd, &ret->sa, ret_length), 0);
	return fd;
}

static void
fd_stream_pair(unsigned int kind, int fds[2])
{
	union any_address a;
	socklen_t length;
	int listener;

	listener = fd_bound(kind, &a, &length);
	CHECK_INT(listen(listener, 1), 0);
	fds[0] = socket(kind_domain(kind), SOCK_STREAM | SOCK_CLOEXEC, 0);
	CHECK(fds[0] != -1);
	CHECK_INT(connect(fds[0], &a.sa, length), 0);
	fds[1] = accept(listener, NULL, NULL);
	CHECK(fds[1] != -1);
	close(listener);
}

void
fd_pair(unsigned int kind, int fds[2])
{
	union any_address a, b;
	socklen_t a_length, b_length;
	int i;

	if (kind_is_stream(kind)) {
		fd_stream_pair(kind, fds);
	} else {
		fds[0] = fd_bound(kind, &a, &a_length);
		fds[1] = fd_bound(kind, &b, &b_length);
		CHECK_INT(connect(fds[0], &b.sa, b_length), 0);
		CHECK_INT(connect(fds[1], &a.sa, a_length), 0);
	}
	for (i = 0; i < 2; i++) {
		CHECK(fcntl(fds[i], F_SETFL, O_NONBLOCK) != -1);
		CHECK(fcntl(fds[i], F_SETFD, FD_CLOEXEC) != -1);
	}
}

void
close_fds(int fds[2])
{
	CHECK_INT(close(fds[0]), 0);
	CHECK_INT(close(fds[1]), 0);
}

struct proactor_socket *
half_pair(struct world *w, unsigned int kind, unsigned int options,
    int *ret_fd)
{
	struct proactor_socket *s;
	int fds[2];

	fd_pair(kind, fds);
	CHECK_INT(proactor_socket_import(w->p, proactor_handle_fd(fds[0]),
	    kind, options, &s), 0);
	*ret_fd = fds[1];
	return s;
}

int
close_socket(struct world *w, struct proactor_socket *s)
{
	struct recorder r = {0};
	struct proactor_socket_close_op op;
	int status;

	proactor_socket_close_op_init(&op, s, record, &r);
	CHECK_INT(proactor_submit_one(w->p, &op.base), 0);
	CHECK(poll_until(w, &r.finals, 1));
	status = r.seen[0].status;
	recorder_clear(&r);
	return status;
}

void
pair_close(struct world *w, struct pair *pair)
{
	CHECK_INT(close_socket(w, pair->a), 0);
	CHECK_INT(close_socket(w, pair->b), 0);
	pair->a = pair->b = NULL;
}

static void
fd_wait(int fd, short events)
{
	struct pollfd p = {.fd = fd, .events = events};

	CHECK_INT(poll(&p, 1, 20000), 1);
}

void
fd_write_all(int fd, const void *memory, size_t length)
{
	const char *bytes = memory;
	ssize_t n;

	while (length > 0) {
		n = write(fd, bytes, length);
		if (n == -1 && (errno == EAGAIN || errno == EINTR)) {
			fd_wait(fd, POLLOUT);
			continue;
		}
		CHECK(n > 0);
		bytes += n;
		length -= (size_t)n;
	}
}

void
fd_read_all(int fd, void *memory, size_t length)
{
	char *bytes = memory;
	ssize_t n;

	while (length > 0) {
		n = read(fd, bytes, length);
		if (n == -1 && (errno == EAGAIN || errno == EINTR)) {
			fd_wait(fd, POLLIN);
			continue;
		}
		CHECK(n > 0);
		bytes += n;
		length -= (size_t)n;
	}
}

char *
temp_path(char ret[PATH_ROOM], const char *name)
{
	static atomic_uint serial;
	int n;

	n = snprintf(ret, PATH_ROOM, "%s/%s-%ld-%u", selected.directory, name,
	    (long)getpid(), atomic_fetch_add(&serial, 1));
	CHECK(n > 0 && n < PATH_ROOM);
	return ret;
}
