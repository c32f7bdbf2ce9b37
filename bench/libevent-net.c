/* SPDX-License-Identifier: ISC */
/* Events on sockets; bufferevents would cost several times as much. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>
#include <event2/event_struct.h>

#include "bench/others.h"

struct connection {
	struct event event;
	struct server *server;
	char buffer[ECHO_BUFFER];
};

struct server {
	struct event_base *base;
	struct event listener;
	struct connection *connections;
	struct event stream;		/* if there is only one */
	char *buffer;			/* of the stream */
	size_t size, done;		/* of the buffer */
	uint64_t accepted, closed, limit;
};

static void
add(struct event *event)
{
	if (event_add(event, NULL) != 0)
		die("event_add", -errno);
}

/* Runs until the loop is broken. */
static void
serve(struct server *s, struct run *run, event_callback_fn on_connection)
{
	net_more_files();
	s->base = event_base_new();
	if (s->base == NULL || fcntl(run->listener, F_SETFL, O_NONBLOCK) != 0)
		die("event_base_new", -errno);
	event_assign(&s->listener, s->base, run->listener, EV_READ | EV_PERSIST,
	    on_connection, s);
	add(&s->listener);
	event_base_dispatch(s->base);
	event_del(&s->listener);
	event_base_free(s->base);
}

/* -1: there is none. */
static int
accept_one(evutil_socket_t listener)
{
	int fd;

	fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0 && errno != EAGAIN)
		die("accept4", -errno);
	return fd;
}

static void
closed(struct server *s, evutil_socket_t fd)
{
	close(fd);
	if (++s->closed == s->limit)
		event_base_loopbreak(s->base);
}

/* What the client has under way fits the socket's buffer. */
static void
on_echo(evutil_socket_t fd, short what, void *user)
{
	struct connection *c = user;
	ssize_t got;

	(void)what;
	got = recv(fd, c->buffer, sizeof(c->buffer), 0);
	if (got < 0 && errno == EAGAIN)
		return;
	if (got <= 0) {
		event_del(&c->event);
		closed(c->server, fd);
	} else if (send(fd, c->buffer, got, MSG_NOSIGNAL) != got)
		die("send", -errno);
}

static void
on_echo_connection(evutil_socket_t listener, short what, void *user)
{
	struct server *s = user;
	struct connection *c;
	int fd;

	(void)what;
	while ((fd = accept_one(listener)) >= 0) {
		c = &s->connections[s->accepted++];
		c->server = s;
		event_assign(&c->event, s->base, fd, EV_READ | EV_PERSIST,
		    on_echo, c);
		add(&c->event);
	}
}

void
libevent_echo(struct run *run)
{
	struct server s = { .limit = run->size };

	s.connections = allocate(run->size, sizeof(*s.connections));
	serve(&s, run, on_echo_connection);
	free(s.connections);
}

static void
on_churn_connection(evutil_socket_t listener, short what, void *user)
{
	int fd;

	(void)what;
	while ((fd = accept_one(listener)) >= 0)
		closed(user, fd);
}

void
libevent_accept(struct run *run)
{
	struct server s = { .limit = run->warm_up + run->operations };

	serve(&s, run, on_churn_connection);
	run_leave(run);
}

static void
end_stream(struct server *s, evutil_socket_t fd)
{
	event_del(&s->stream);
	close(fd);
	event_base_loopbreak(s->base);
}

/* Edge-triggered: sends until nothing more goes in. */
static void
on_out(evutil_socket_t fd, short what, void *user)
{
	struct server *s = user;
	ssize_t put;

	(void)what;
	for (;;) {
		put = send(fd, s->buffer + s->done, s->size - s->done,
		    MSG_NOSIGNAL);
		if (put < 0 && errno == EAGAIN)
			return;
		if (put < 0)
			die("send", -errno);
		s->done += put;
		if (s->done < s->size)
			continue;
		s->done = 0;
		if (++s->closed == s->limit) {
			end_stream(s, fd);
			return;
		}
	}
}

static void
on_in(evutil_socket_t fd, short what, void *user)
{
	struct server *s = user;
	ssize_t got;

	(void)what;
	got = recv(fd, s->buffer, s->size, 0);
	if (got == 0)
		end_stream(s, fd);
	else if (got < 0 && errno != EAGAIN)
		die("recv", -errno);
}

static void
start_stream(struct server *s, evutil_socket_t listener, short events,
    event_callback_fn callback)
{
	int fd;

	fd = accept_one(listener);
	if (fd < 0)
		return;
	event_assign(&s->stream, s->base, fd, events | EV_PERSIST, callback, s);
	add(&s->stream);
}

static void
on_out_connection(evutil_socket_t listener, short what, void *user)
{
	(void)what;
	start_stream(user, listener, EV_WRITE | EV_ET, on_out);
}

static void
on_in_connection(evutil_socket_t listener, short what, void *user)
{
	(void)what;
	start_stream(user, listener, EV_READ, on_in);
}

static void
stream(struct run *run, event_callback_fn on_connection)
{
	struct server s = { .limit = run->warm_up + run->operations };

	s.size = run->size;
	s.buffer = allocate(1, s.size);
	serve(&s, run, on_connection);
	run_leave(run);
	free(s.buffer);
}

void
libevent_stream_out(struct run *run)
{
	stream(run, on_out_connection);
}

void
libevent_stream_in(struct run *run)
{
	stream(run, on_in_connection);
}
