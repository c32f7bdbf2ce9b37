/* SPDX-License-Identifier: ISC */
/* Event descriptors that epoll_wait(2) watches: a read of one, a write. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "bench/raw-epoll.h"

/* True when the sink has been fired. */
static bool
turn(int epoll, int sink)
{
	struct epoll_event e[64];
	bool fired = false;
	uint64_t value;
	int i, n;

	n = epoll_wait(epoll, e, 64, -1);
	if (n < 0 && errno != EINTR)
		die("epoll_wait", -errno);
	for (i = 0; i < n; i++) {
		if (read(e[i].data.fd, &value, sizeof(value)) !=
		    sizeof(value))
			continue;
		value = 1;
		if (e[i].data.fd == sink)
			fired = true;
		else if (write(sink, &value, sizeof(value)) != sizeof(value))
			die("write", -errno);
	}
	return fired;
}

static void
fire(int epoll, int source, int sink)
{
	uint64_t value = 1;

	if (write(source, &value, sizeof(value)) != sizeof(value))
		die("write", -errno);
	while (!turn(epoll, sink))
		continue;
}

static int
watched(int epoll)
{
	struct epoll_event e = { .events = EPOLLIN };
	int fd;

	fd = e.data.fd = net_event();
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e) != 0)
		die("epoll_ctl", -errno);
	return fd;
}

void
raw_epoll_relay(struct run *run)
{
	int epoll, sink, *sources;
	uint64_t i;

	net_more_files();
	epoll = epoll_create1(EPOLL_CLOEXEC);
	if (epoll < 0)
		die("epoll_create1", -errno);
	sink = watched(epoll);
	sources = allocate(run->size + 1, sizeof(*sources));
	for (i = 0; i <= run->size; i++)
		sources[i] = watched(epoll);
	for (i = 0; i < run->warm_up + run->operations; i++) {
		if (i == run->warm_up)
			run_begin(run);
		fire(epoll, sources[run->size], sink);
	}
	run_end(run, run->operations);
	for (i = 0; i <= run->size; i++)
		close(sources[i]);
	free(sources);
	close(epoll);
	close(sink);
}
