/* SPDX-License-Identifier: ISC */
/* The clients of the servers, but for the echo's. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/bench.h"

#define EVENTS_MAX	256
#define CHUNK	   (1u << 20)

/* A connection that waits to be closed by the server. */
static void
churn_one(int epoll, unsigned int port)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLRDHUP };
	int fd;

	fd = net_connect(port, false);
	event.data.fd = fd;
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0)
		die("epoll_ctl", -errno);
}

void
load_accept(struct run *run, unsigned int port, pid_t server)
{
	struct epoll_event events[EVENTS_MAX];
	uint64_t closed = 0, opened = 0, total;
	int epoll, i, n;

	total = run->warm_up + run->operations;
	epoll = epoll_create1(EPOLL_CLOEXEC);
	while (opened < run->size && opened < total) {
		churn_one(epoll, port);
		opened++;
	}
	while (closed < total) {
		n = epoll_wait(epoll, events, EVENTS_MAX, -1);
		if (n < 0 && errno != EINTR)
			die("epoll_wait", -errno);
		for (i = 0; i < n; i++) {
			close(events[i].data.fd);
			closed++;
			if (server != 0 && closed == run->warm_up)
				run_begin_of(run, server);
			if (server != 0 && closed == total)
				run_end_of(run, server, run->operations);
			if (opened < total) {
				churn_one(epoll, port);
				opened++;
			}
		}
	}
	close(epoll);
}

/* Begins and ends the measured part as bytes of the stream go by. */
static void
on_bytes(struct run *run, pid_t server, uint64_t before, uint64_t after)
{
	uint64_t first, last;

	first = run->warm_up * run->size;
	last = first + run->operations * run->size;
	if (server == 0)
		return;
	if (before < first && after >= first)
		run_begin_of(run, server);
	if (before < last && after >= last) {
		run_end_of(run, server, run->operations);
		run->result[METRIC_BANDWIDTH] =
		    run->result[METRIC_RATE] * run->size / (1 << 30);
	}
}

/* The server sends. */
void
load_stream_out(struct run *run, unsigned int port, pid_t server)
{
	uint64_t bytes = 0;
	ssize_t got;
	char *buffer;
	int fd;

	buffer = allocate(1, CHUNK);
	fd = net_connect(port, true);
	while ((got = recv(fd, buffer, CHUNK, 0)) > 0) {
		on_bytes(run, server, bytes, bytes + got);
		bytes += got;
	}
	if (got < 0)
		die("recv", -errno);
	close(fd);
	free(buffer);
}

/* The server receives. */
void
load_stream_in(struct run *run, unsigned int port, pid_t server)
{
	uint64_t bytes = 0, total;
	ssize_t put;
	char *buffer;
	int fd;

	total = (run->warm_up + run->operations) * run->size;
	buffer = allocate(1, CHUNK);
	fd = net_connect(port, true);
	while (bytes < total) {
		put = send(fd, buffer, CHUNK, 0);
		if (put < 0)
			die("send", -errno);
		on_bytes(run, server, bytes, bytes + put);
		bytes += put;
	}
	shutdown(fd, SHUT_WR);
	while (recv(fd, buffer, CHUNK, 0) > 0)
		continue;
	close(fd);
	free(buffer);
}

/* The listener's queue must not overflow: nobody would send a byte again. */
#define AHEAD		1000u

/* Connects and keeps still until the server has taken its measure. */
void
load_idle(struct run *run, unsigned int port, pid_t server)
{
	unsigned int i;
	int *fds;

	(void)server;
	net_more_files();
	fds = allocate(run->size, sizeof(*fds));
	for (i = 0; i < run->size; i++) {
		while (i - run->arrived >= AHEAD)
			usleep(100);
		fds[i] = net_connect(port, true);
	}
	while (run->settled == 0)
		usleep(1000);
	for (i = 0; i < run->size; i++)
		close(fds[i]);
	free(fds);
}

load
load_of(enum slot slot)
{
	switch (slot) {
	case SLOT_ECHO:
		return load_echo;
	case SLOT_ACCEPT:
		return load_accept;
	case SLOT_STREAM_OUT:
		return load_stream_out;
	case SLOT_STREAM_IN:
		return load_stream_in;
	case SLOT_IDLE:
		return load_idle;
	default:
		return NULL;
	}
}
