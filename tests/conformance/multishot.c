/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <sys/socket.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conformance/transfer.h"

/* Receives that go on, into the same spans each time. */

/* Takes what comes and adds it up; may do something when it does. */
struct collector {
	struct proactor_recv_op recv;
	struct world *w;
	char *taken;
	size_t room;
	size_t length;		/* bytes taken */
	size_t calls;
	size_t finals;
	int status;		/* of the last call */
	size_t last;		/* bytes of the last call */
	void (*then)(struct collector *);
	char spans[2][50];
};

static void
collect(void *user_data, struct proactor_op *op, int status,
    unsigned int flags)
{
	struct collector *c = user_data;
	size_t first;

	CHECK(op == &c->recv.base);
	CHECK_INT(flags & ~PROACTOR_COMPLETION_MORE, 0);
	CHECK_INT(c->finals, 0);
	c->calls++;
	c->status = status;
	c->last = c->recv.bytes;
	if (c->last > 0) {
		CHECK(c->length + c->last <= c->room);
		first = c->last < 50 ? c->last : 50;
		memcpy(c->taken + c->length, c->spans[0], first);
		memcpy(c->taken + c->length + first, c->spans[1],
		    c->last - first);
		c->length += c->last;
	}
	if ((flags & PROACTOR_COMPLETION_MORE) == 0)
		c->finals++;
	else if (c->then != NULL)
		c->then(c);
}

static void
collector_start(struct collector *c, struct world *w,
    struct proactor_socket *s, size_t room)
{
	struct proactor_span spans[2];

	memset(c, 0, sizeof(*c));
	c->w = w;
	c->room = room;
	c->taken = malloc(room);
	CHECK(c->taken != NULL);
	spans[0] = proactor_span(c->spans[0], sizeof(c->spans[0]));
	spans[1] = proactor_span(c->spans[1], sizeof(c->spans[1]));
	proactor_recv_op_init(&c->recv, s, spans, 2, collect, c);
	c->recv.base.flags = PROACTOR_OP_MULTISHOT;
	CHECK_INT(proactor_submit_one(w->p, &c->recv.base), 0);
}

static void
part_by_part(struct world *w, unsigned int kind)
{
	struct proactor_socket *s;
	struct collector c;
	char part[70];
	unsigned int i;
	int fd;

	s = half_pair(w, kind, 0, &fd);
	collector_start(&c, w, s, 20 * sizeof(part));
	for (i = 0; i < 20; i++) {
		fill(part, sizeof(part), i);
		fd_write_all(fd, part, sizeof(part));
		CHECK(poll_until(w, &c.length, (i + 1) * sizeof(part)));
		CHECK_INT(c.status, 0);
		CHECK_INT(c.finals, 0);
		CHECK(is_filled(c.taken + i * sizeof(part), sizeof(part), i));
	}
	close(fd);
	CHECK(poll_until(w, &c.finals, 1));
	CHECK_INT(c.status, 0);
	CHECK_INT(c.last, 0);
	poll_barrier(w);
	CHECK_INT(c.finals, 1);
	CHECK_INT(close_socket(w, s), 0);
	free(c.taken);
}

static void
each_part_calls_back(void)
{
	each_stream(part_by_part);
}

static void *
write_stream(void *arg)
{
	int fd = *(int *)arg;
	char *memory = malloc(300000);

	CHECK(memory != NULL);
	fill(memory, 300000, 7);
	fd_write_all(fd, memory, 300000);
	free(memory);
	close(fd);
	return NULL;
}

static void
long_stream(struct world *w, unsigned int kind)
{
	struct proactor_socket *s;
	struct collector c;
	pthread_t thread;
	int fd;

	s = half_pair(w, kind, 0, &fd);
	collector_start(&c, w, s, 300000);
	thread_start(&thread, write_stream, &fd);
	CHECK(poll_until(w, &c.finals, 1));
	thread_join(thread);
	CHECK_INT(c.status, 0);
	CHECK_INT(c.last, 0);
	CHECK_INT(c.length, 300000);
	CHECK(is_filled(c.taken, 300000, 7));
	CHECK(c.calls > 300000 / 100);
	CHECK_INT(close_socket(w, s), 0);
	free(c.taken);
}

static void
nothing_is_lost(void)
{
	each_stream(long_stream);
}

static void
end_by_reset(void)
{
	struct linger reset = { .l_onoff = 1, .l_linger = 0 };
	struct proactor_socket *s;
	struct collector c;
	struct world w;
	int fd;

	world_open(&w, NULL);
	s = half_pair(&w, PROACTOR_SOCKET_TCP, 0, &fd);
	collector_start(&c, &w, s, 100);
	fd_write_all(fd, "x", 1);
	CHECK(poll_until(&w, &c.calls, 1));
	CHECK_INT(setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset,
	    sizeof(reset)), 0);
	close(fd);
	CHECK(poll_until(&w, &c.finals, 1));
	CHECK_INT(c.calls, 2);
	CHECK_INT(c.status, PROACTOR_ECONNRESET);
	CHECK_INT(c.last, 0);
	CHECK_INT(close_socket(&w, s), 0);
	free(c.taken);
	world_close(&w);
}

static void
cancel_between(struct world *w, unsigned int kind)
{
	struct proactor_socket *s;
	struct collector c;
	char text[8];
	int fd;

	s = half_pair(w, kind, 0, &fd);
	collector_start(&c, w, s, 100);
	fd_write_all(fd, "before", 6);
	CHECK(poll_until(w, &c.length, 6));
	poll_barrier(w);
	CHECK_INT(proactor_cancel(w->p, &c.recv.base), 0);
	CHECK(poll_until(w, &c.finals, 1));
	CHECK_INT(c.status, PROACTOR_ECANCELED);
	CHECK_INT(c.last, 0);
	CHECK_INT(proactor_cancel(w->p, &c.recv.base), PROACTOR_ENOENT);
	/* What comes now is the next one's. */
	fd_write_all(fd, "after", 6);
	poll_barrier(w);
	CHECK_INT(c.length, 6);
	recv_all(w, s, text, 6);
	CHECK_STR(text, "after");
	CHECK_INT(c.finals, 1);
	CHECK_INT(close_socket(w, s), 0);
	close(fd);
	free(c.taken);
}

static void
cancel_ends_it(void)
{
	each_stream(cancel_between);
}

static void
cancel_before_poll(void)
{
	struct proactor_socket *s;
	struct collector c;
	struct world w;
	int fd;

	world_open(&w, NULL);
	s = half_pair(&w, PROACTOR_SOCKET_TCP, 0, &fd);
	collector_start(&c, &w, s, 100);
	CHECK_INT(proactor_cancel(w.p, &c.recv.base), 0);
	CHECK(poll_until(&w, &c.finals, 1));
	CHECK_INT(c.status, PROACTOR_ECANCELED);
	CHECK_INT(c.calls, 1);
	CHECK_INT(close_socket(&w, s), 0);
	close(fd);
	free(c.taken);
	world_close(&w);
}

static void
cancel_now(struct collector *c)
{
	CHECK_INT(proactor_cancel(c->w->p, &c->recv.base), 0);
}

/* More is there than one call takes: it is not taken any more. */
static void
cancel_in_callback(struct world *w, unsigned int kind)
{
	struct proactor_socket *s;
	struct collector c;
	char part[500], rest[400];
	int fd;

	s = half_pair(w, kind, 0, &fd);
	fill(part, sizeof(part), 3);
	fd_write_all(fd, part, sizeof(part));
	collector_start(&c, w, s, sizeof(part));
	c.then = cancel_now;
	CHECK(poll_until(w, &c.finals, 1));
	CHECK_INT(c.calls, 2);
	CHECK_INT(c.length, 100);
	CHECK_INT(c.status, PROACTOR_ECANCELED);
	CHECK_INT(c.last, 0);
	recv_all(w, s, rest, sizeof(rest));
	CHECK_MEM(rest, part + 100, sizeof(rest));
	CHECK_INT(close_socket(w, s), 0);
	close(fd);
	free(c.taken);
}

static void
cancel_inside(void)
{
	each_stream(cancel_in_callback);
}

/* Its turn comes after the receive before it, and the next after its end. */
static void
keeps_its_turn(void)
{
	struct proactor_recv_op first, last;
	struct proactor_socket *s;
	struct proactor_span span;
	struct collector c;
	char text[8];
	struct world w;
	int fd;

	world_open(&w, NULL);
	s = half_pair(&w, PROACTOR_SOCKET_TCP, 0, &fd);
	span = proactor_span(text, 4);
	proactor_recv_op_init(&first, s, &span, 1, record, &w.r);
	span = proactor_span(text + 4, 4);
	proactor_recv_op_init(&last, s, &span, 1, record, &w.r);
	CHECK_INT(proactor_submit_one(w.p, &first.base), 0);
	collector_start(&c, &w, s, 100);
	CHECK_INT(proactor_submit_one(w.p, &last.base), 0);
	poll_barrier(&w);
	fd_write_all(fd, "abcdefgh", 8);
	CHECK(poll_until(&w, &c.length, 4));
	CHECK_INT(finals_of(&w.r, &first), 1);
	CHECK_INT(finals_of(&w.r, &last), 0);
	CHECK_MEM(c.taken, "efgh", 4);
	CHECK_INT(proactor_cancel(w.p, &c.recv.base), 0);
	CHECK(poll_until(&w, &c.finals, 1));
	fd_write_all(fd, "ijkl", 4);
	CHECK(poll_finals(&w, &last, 1));
	CHECK_INT(last.bytes, 4);
	CHECK_MEM(text, "abcdijkl", 8);
	CHECK_INT(close_socket(&w, s), 0);
	close(fd);
	free(c.taken);
	world_close(&w);
}

static void
empty_datagram(struct world *w, unsigned int kind)
{
	struct proactor_socket *s;
	struct collector c;
	int fd;

	s = half_pair(w, kind, 0, &fd);
	collector_start(&c, w, s, 100);
	CHECK_INT(send(fd, "one", 3, 0), 3);
	CHECK_INT(send(fd, "", 0, 0), 0);
	CHECK_INT(send(fd, "two", 3, 0), 3);
	CHECK(poll_until(w, &c.length, 6));
	CHECK_INT(c.calls, 3);
	CHECK_INT(c.finals, 0);
	CHECK_MEM(c.taken, "onetwo", 6);
	CHECK_INT(proactor_cancel(w->p, &c.recv.base), 0);
	CHECK(poll_until(w, &c.finals, 1));
	CHECK_INT(c.status, PROACTOR_ECANCELED);
	CHECK_INT(close_socket(w, s), 0);
	close(fd);
	free(c.taken);
}

static void
datagrams_have_no_end(void)
{
	each_datagram(empty_datagram);
}

static void
close_now(struct collector *c)
{
	static struct proactor_socket_close_op op;

	c->then = NULL;
	proactor_socket_close_op_init(&op, c->recv.socket, record, &c->w->r);
	CHECK_INT(proactor_submit_one(c->w->p, &op.base), 0);
}

static void
close_inside(void)
{
	struct proactor_socket *s;
	struct collector c;
	struct world w;
	int fd;

	world_open(&w, NULL);
	s = half_pair(&w, PROACTOR_SOCKET_TCP, 0, &fd);
	collector_start(&c, &w, s, 100);
	c.then = close_now;
	fd_write_all(fd, "x", 1);
	CHECK(poll_until(&w, &w.r.finals, 1));
	CHECK_INT(w.r.seen[0].status, 0);
	CHECK_INT(c.finals, 1);
	CHECK_INT(c.calls, 2);
	CHECK_INT(c.status, PROACTOR_ECANCELED);
	CHECK_INT(fd_drain(fd), 0);
	close(fd);
	free(c.taken);
	world_close(&w);
}

static void
submit_again(void)
{
	struct proactor_socket *s;
	struct collector c;
	struct world w;
	int fd;

	world_open(&w, NULL);
	s = half_pair(&w, PROACTOR_SOCKET_TCP, 0, &fd);
	collector_start(&c, &w, s, 100);
	poll_barrier(&w);
	CHECK_INT(proactor_submit_one(w.p, &c.recv.base), PROACTOR_EBUSY);
	CHECK_INT(proactor_cancel(w.p, &c.recv.base), 0);
	CHECK(poll_until(&w, &c.finals, 1));
	c.finals = 0;
	CHECK_INT(proactor_submit_one(w.p, &c.recv.base), 0);
	fd_write_all(fd, "again", 5);
	CHECK(poll_until(&w, &c.length, 5));
	CHECK_INT(c.finals, 0);
	close(fd);
	CHECK(poll_until(&w, &c.finals, 1));
	CHECK_INT(c.status, 0);
	CHECK_INT(close_socket(&w, s), 0);
	free(c.taken);
	world_close(&w);
}

const struct tap_case multishot_cases[] = {
	{ "multishot: a receive calls back for each part, and for the end",
	    each_part_calls_back },
	{ "multishot: a long stream arrives whole and in order",
	    nothing_is_lost },
	{ "multishot: a reset ends the receive with its code",
	    end_by_reset },
	{ "multishot: cancel ends the receive, and what comes is the next's",
	    cancel_ends_it },
	{ "multishot: a receive can be cancelled before the first poll",
	    cancel_before_poll },
	{ "multishot: after cancel in the callback no MORE comes",
	    cancel_inside },
	{ "multishot: a receive keeps its turn among others",
	    keeps_its_turn },
	{ "multishot: an empty datagram is not an end",
	    datagrams_have_no_end },
	{ "multishot: the callback may close the socket", close_inside },
	{ "multishot: a receive can be submitted again after its end",
	    submit_again },
	{ NULL, NULL }
};
