/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/raw-epoll.h"

#define EVENTS_MAX	1024

struct connection {
	int fd;
	char buffer[ECHO_BUFFER];
};

struct server {
	int epoll;
	int listener;
	struct connection *connections;
	unsigned int accepted, closed;
	uint64_t resident;		/* before the first of them */
	void (*on_ready)(struct server *s, struct connection *c);
};

static int
epoll_new(void)
{
	int epoll;

	epoll = epoll_create1(EPOLL_CLOEXEC);
	if (epoll < 0)
		die("epoll_create1", -errno);
	return epoll;
}

/* One that is told with data, NULL being the listener. */
static void
watch(int epoll, int fd, unsigned int events, void *data)
{
	struct epoll_event event = { .events = events, .data.ptr = data };

	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0)
		die("epoll_ctl", -errno);
}

static int
wait_for(int epoll, struct epoll_event *events, int max)
{
	int n;

	n = epoll_wait(epoll, events, max, -1);
	if (n < 0 && errno != EINTR)
		die("epoll_wait", -errno);
	return n;
}

static void
listen_on(int epoll, int listener)
{
	if (fcntl(listener, F_SETFL, O_NONBLOCK) != 0)
		die("fcntl", -errno);
	watch(epoll, listener, EPOLLIN, NULL);
}

/* -1: there is none. */
static int
accept_one(int listener)
{
	int fd;

	fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0 && errno != EAGAIN)
		die("accept4", -errno);
	return fd;
}

static void
accept_all(struct server *s)
{
	struct connection *c;
	int fd;

	while ((fd = accept_one(s->listener)) >= 0) {
		c = &s->connections[s->accepted++];
		c->fd = fd;
		watch(s->epoll, fd, EPOLLIN, c);
	}
}

/*
 * A server of run->size connections; turned(), if not NULL, is called after
 * each turn.
 */
static void
serve(struct server *s, struct run *run,
    void (*turned)(struct server *s, struct run *run))
{
	struct epoll_event events[EVENTS_MAX];
	int i, n;

	net_more_files();
	s->listener = run->listener;
	s->epoll = epoll_new();
	s->connections = allocate(run->size, sizeof(*s->connections));
	listen_on(s->epoll, s->listener);
	s->resident = run_resident();
	while (s->closed < run->size) {
		n = wait_for(s->epoll, events, EVENTS_MAX);
		for (i = 0; i < n; i++)
			if (events[i].data.ptr != NULL)
				s->on_ready(s, events[i].data.ptr);
			else
				accept_all(s);
		if (turned != NULL)
			turned(s, run);
	}
	close(s->epoll);
	free(s->connections);
}

static void
end(struct server *s, struct connection *c)
{
	close(c->fd);
	s->closed++;
}

/* What the client has under way fits the socket's buffer. */
static void
echo(struct server *s, struct connection *c)
{
	ssize_t got;

	got = recv(c->fd, c->buffer, sizeof(c->buffer), 0);
	if (got < 0 && errno == EAGAIN)
		return;
	if (got <= 0)
		end(s, c);
	else if (send(c->fd, c->buffer, got, MSG_NOSIGNAL) != got)
		die("send", -errno);
}

void
raw_epoll_echo(struct run *run)
{
	struct server s = { .on_ready = echo };

	serve(&s, run, NULL);
}

static void
measure_idle(struct server *s, struct run *run)
{
	run->arrived = s->accepted;
	if (s->accepted < run->size || run->settled != 0)
		return;
	run->result[METRIC_HELD] = 0;
	run->result[METRIC_RESIDENT] =
	    (double)(run_resident() - s->resident) / run->size;
	run->settled = 1;
}

void
raw_epoll_idle(struct run *run)
{
	struct server s = { .on_ready = end };

	serve(&s, run, measure_idle);
}

void
raw_epoll_accept(struct run *run)
{
	struct epoll_event event;
	uint64_t closed = 0, total;
	int epoll, fd;

	epoll = epoll_new();
	listen_on(epoll, run->listener);
	total = run->warm_up + run->operations;
	while (closed < total) {
		wait_for(epoll, &event, 1);
		while ((fd = accept_one(run->listener)) >= 0) {
			close(fd);
			closed++;
		}
	}
	run_leave(run);
	close(epoll);
}

/* The one connection of a stream. */
static int
accept_stream(struct run *run, int epoll, unsigned int events)
{
	struct epoll_event event;
	int fd;

	listen_on(epoll, run->listener);
	while ((fd = accept_one(run->listener)) < 0)
		wait_for(epoll, &event, 1);
	epoll_ctl(epoll, EPOLL_CTL_DEL, run->listener, NULL);
	watch(epoll, fd, events, NULL);
	return fd;
}

void
raw_epoll_stream_out(struct run *run)
{
	struct epoll_event event;
	uint64_t i, total;
	size_t done;
	ssize_t put;
	char *buffer;
	int epoll, fd;

	epoll = epoll_new();
	buffer = allocate(1, run->size);
	fd = accept_stream(run, epoll, EPOLLOUT | EPOLLET);
	total = run->warm_up + run->operations;
	for (i = 0; i < total; i++)
		for (done = 0; done < run->size; done += put) {
			put = send(fd, buffer + done, run->size - done,
			    MSG_NOSIGNAL);
			if (put >= 0)
				continue;
			if (errno != EAGAIN)
				die("send", -errno);
			put = 0;
			wait_for(epoll, &event, 1);
		}
	close(fd);
	run_leave(run);
	close(epoll);
	free(buffer);
}

void
raw_epoll_stream_in(struct run *run)
{
	struct epoll_event event;
	ssize_t got;
	char *buffer;
	int epoll, fd;

	epoll = epoll_new();
	buffer = allocate(1, run->size);
	fd = accept_stream(run, epoll, EPOLLIN);
	while ((got = recv(fd, buffer, run->size, 0)) != 0) {
		if (got < 0 && errno != EAGAIN)
			die("recv", -errno);
		/* A full buffer may not have been all there is. */
		if (got < (ssize_t)run->size)
			wait_for(epoll, &event, 1);
	}
	close(fd);
	run_leave(run);
	close(epoll);
	free(buffer);
}
