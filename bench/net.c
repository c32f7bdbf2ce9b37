/* SPDX-License-Identifier: ISC */
/* Sockets, and event descriptors, set up alike for every peer and client. */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/bench.h"

/*
 * A congestion control that paces (bbr) would measure its clock.  Accepted
 * sockets inherit this from the listener.
 */
static void
set_up(int fd)
{
	int one = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "cubic", 5) != 0)
		setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "reno", 4);
}

/*
 * Connections that are churned must not stay behind in TIME_WAIT: whoever
 * closes them resets them.
 */
static void
reset_on_close(int fd)
{
	struct linger l = { 1, 0 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l));
}

int
net_listen(unsigned int *ret_port, enum slot slot)
{
	struct sockaddr_in sin;
	socklen_t length = sizeof(sin);
	int fd;

	memset(&sin, 0, sizeof(sin));
	sin.sin_family = AF_INET;
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		die("socket", -errno);
	set_up(fd);
	if (slot == SLOT_ACCEPT)
		reset_on_close(fd);
	if (bind(fd, (struct sockaddr *)&sin, sizeof(sin)) != 0 ||
	    listen(fd, 4096) != 0 ||
	    getsockname(fd, (struct sockaddr *)&sin, &length) != 0)
		die("listen", -errno);
	*ret_port = ntohs(sin.sin_port);
	return fd;
}

/* wait: until it is connected, and the socket blocks; else it does not. */
int
net_connect(unsigned int port, bool wait)
{
	struct sockaddr_in sin;
	int fd;

	memset(&sin, 0, sizeof(sin));
	sin.sin_family = AF_INET;
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	sin.sin_port = htons(port);
	fd = socket(AF_INET,
	    SOCK_STREAM | SOCK_CLOEXEC | (wait ? 0 : SOCK_NONBLOCK), 0);
	if (fd < 0)
		die("socket", -errno);
	set_up(fd);
	reset_on_close(fd);
	if (connect(fd, (struct sockaddr *)&sin, sizeof(sin)) != 0 &&
	    errno != EINPROGRESS)
		die("connect", -errno);
	return fd;
}

/* An event descriptor that does not block. */
int
net_event(void)
{
	int fd;

	fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (fd < 0)
		die("eventfd", -errno);
	return fd;
}

/* As many descriptors as the system lets us have. */
void
net_more_files(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}
