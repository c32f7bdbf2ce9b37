/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <stdlib.h>
#include <uv.h>

#include "bench/others.h"

struct connection {
	uv_tcp_t tcp;			/* its data is the server */
	struct connection *next;	/* if idle */
	char buffer[ECHO_BUFFER];
};

struct server {
	uv_loop_t loop;
	uv_tcp_t listener;		/* its data is the server */
	struct connection *connections, *idle;
	uint64_t accepted, closed, limit;
};

static void
check(int status, const char *what)
{
	if (status < 0)
		die(what, status);
}

/* Runs until the listener and everything that came of it is closed. */
static void
serve(struct server *s, struct run *run, uv_connection_cb on_connection)
{
	net_more_files();
	check(uv_loop_init(&s->loop), "uv_loop_init");
	check(uv_tcp_init(&s->loop, &s->listener), "uv_tcp_init");
	s->listener.data = s;
	check(uv_tcp_open(&s->listener, run->listener), "uv_tcp_open");
	check(uv_listen((uv_stream_t *)&s->listener, 4096, on_connection),
	    "uv_listen");
	uv_run(&s->loop, UV_RUN_DEFAULT);
	check(uv_loop_close(&s->loop), "uv_loop_close");
}

static void
accept_into(struct server *s, uv_tcp_t *tcp)
{
	check(uv_tcp_init(&s->loop, tcp), "uv_tcp_init");
	tcp->data = s;
	check(uv_accept((uv_stream_t *)&s->listener, (uv_stream_t *)tcp),
	    "uv_accept");
}

static void
on_echo_closed(uv_handle_t *handle)
{
	struct server *s = handle->data;

	if (++s->closed == s->limit)
		uv_close((uv_handle_t *)&s->listener, NULL);
}

static void
on_echo_alloc(uv_handle_t *handle, size_t size, uv_buf_t *ret_buffer)
{
	struct connection *c = (struct connection *)handle;

	(void)size;
	*ret_buffer = uv_buf_init(c->buffer, sizeof(c->buffer));
}

/* What the client has under way fits the socket's buffer. */
static void
on_echo_read(uv_stream_t *stream, ssize_t got, const uv_buf_t *buffer)
{
	uv_buf_t answer = *buffer;

	if (got < 0)
		uv_close((uv_handle_t *)stream, on_echo_closed);
	if (got <= 0)
		return;
	answer.len = got;
	if (uv_try_write(stream, &answer, 1) != got)
		die("uv_try_write", -1);
}

static void
on_echo_connection(uv_stream_t *listener, int status)
{
	struct server *s = listener->data;
	struct connection *c = &s->connections[s->accepted++];

	check(status, "connection");
	accept_into(s, &c->tcp);
	check(uv_read_start((uv_stream_t *)&c->tcp, on_echo_alloc,
		  on_echo_read),
	    "uv_read_start");
}

void
libuv_echo(struct run *run)
{
	struct server s = { .limit = run->size };

	s.connections = allocate(run->size, sizeof(*s.connections));
	serve(&s, run, on_echo_connection);
	free(s.connections);
}

static void
on_churn_closed(uv_handle_t *handle)
{
	struct connection *c = (struct connection *)handle;
	struct server *s = handle->data;

	c->next = s->idle;
	s->idle = c;
	if (++s->closed == s->limit)
		uv_close((uv_handle_t *)&s->listener, NULL);
}

static void
on_churn_connection(uv_stream_t *listener, int status)
{
	struct server *s = listener->data;
	struct connection *c = s->idle;

	check(status, "connection");
	if (c != NULL)
		s->idle = c->next;
	else
		c = &s->connections[s->accepted++];
	accept_into(s, &c->tcp);
	uv_close((uv_handle_t *)&c->tcp, on_churn_closed);
}

void
libuv_accept(struct run *run)
{
	struct server s = { .limit = run->warm_up + run->operations };

	/* One turn may accept them all before it calls back about any. */
	s.connections = allocate(s.limit, sizeof(*s.connections));
	serve(&s, run, on_churn_connection);
	run_leave(run);
	free(s.connections);
}

/* One connection that sends, or receives, much. */
struct stream {
	struct server server;		/* first: it is the handles' data */
	uv_tcp_t tcp;
	uv_write_t write;
	uv_buf_t buffer;
	uint64_t left;
};

static void
end_stream(struct stream *s)
{
	uv_close((uv_handle_t *)&s->tcp, NULL);
	uv_close((uv_handle_t *)&s->server.listener, NULL);
}

static void
on_written(uv_write_t *request, int status)
{
	struct stream *s = request->handle->data;

	check(status, "uv_write");
	if (--s->left == 0)
		end_stream(s);
	else
		check(uv_write(&s->write, (uv_stream_t *)&s->tcp, &s->buffer, 1,
			  on_written),
		    "uv_write");
}

static void
on_out_connection(uv_stream_t *listener, int status)
{
	struct stream *s = listener->data;

	check(status, "connection");
	accept_into(&s->server, &s->tcp);
	check(uv_write(&s->write, (uv_stream_t *)&s->tcp, &s->buffer, 1,
		  on_written),
	    "uv_write");
}

static void
on_in_alloc(uv_handle_t *handle, size_t size, uv_buf_t *ret_buffer)
{
	struct stream *s = handle->data;

	(void)size;
	*ret_buffer = s->buffer;
}

static void
on_in_read(uv_stream_t *stream, ssize_t got, const uv_buf_t *buffer)
{
	(void)buffer;
	if (got == UV_EOF)
		end_stream(stream->data);
	else
		check(got, "read");
}

static void
on_in_connection(uv_stream_t *listener, int status)
{
	struct stream *s = listener->data;

	check(status, "connection");
	accept_into(&s->server, &s->tcp);
	check(uv_read_start((uv_stream_t *)&s->tcp, on_in_alloc, on_in_read),
	    "uv_read_start");
}

static void
stream(struct run *run, uv_connection_cb on_connection)
{
	struct stream s = { .left = run->warm_up + run->operations };

	s.buffer = uv_buf_init(allocate(1, run->size), run->size);
	serve(&s.server, run, on_connection);
	run_leave(run);
	free(s.buffer.base);
}

void
libuv_stream_out(struct run *run)
{
	stream(run, on_out_connection);
}

void
libuv_stream_in(struct run *run)
{
	stream(run, on_in_connection);
}
