/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <string.h>
#include <unistd.h>

#include "conformance/transfer.h"

/*
 * Cancel of what receives, at every moment of its life.  Sends, accept,
 * connect, close and files have theirs in their own files.
 */

/* A receive that waits, on a socket of the library's. */
struct waiting {
	struct proactor_socket *s;
	int fd;
	struct proactor_recv_op recv;
	char memory[16];
};

static void
waiting_init(struct waiting *x, struct world *w, unsigned int kind)
{
	struct proactor_span span;

	memset(x, 0, sizeof(*x));
	x->s = half_pair(w, kind, 0, &x->fd);
	span = proactor_span(x->memory, sizeof(x->memory));
	proactor_recv_op_init(&x->recv, x->s, &span, 1, record, &w->r);
}

static void
waiting_end(struct waiting *x, struct world *w)
{
	CHECK_INT(close_socket(w, x->s), 0);
	close(x->fd);
}

static void
never_submitted(void)
{
	struct waiting x;
	struct world w;

	world_open(&w, NULL);
	waiting_init(&x, &w, PROACTOR_SOCKET_TCP);
	CHECK_INT(proactor_cancel(w.p, &x.recv.base), PROACTOR_ENOENT);
	CHECK(poll_quiet(&w));
	/* And it is not remembered. */
	CHECK_INT(proactor_submit_one(w.p, &x.recv.base), 0);
	CHECK(poll_quiet(&w));
	fd_write_all(x.fd, "data", 4);
	CHECK(poll_finals(&w, &x.recv, 1));
	CHECK_INT(status_of(&w.r, &x.recv), 0);
	CHECK_INT(x.recv.bytes, 4);
	waiting_end(&x, &w);
	world_close(&w);
}

static void
after_completion(void)
{
	struct waiting x;
	struct world w;
	int i;

	world_open(&w, NULL);
	waiting_init(&x, &w, PROACTOR_SOCKET_TCP);
	for (i = 0; i < 3; i++) {
		fd_write_all(x.fd, "data", 4);
		CHECK_INT(run_one(&w, &x.recv.base), 0);
		CHECK_INT(x.recv.bytes, 4);
		CHECK_INT(proactor_cancel(w.p, &x.recv.base),
		    PROACTOR_ENOENT);
		CHECK_INT(proactor_cancel(w.p, &x.recv.base),
		    PROACTOR_ENOENT);
	}
	poll_barrier(&w);
	CHECK_INT(w.r.calls, 3);
	waiting_end(&x, &w);
	world_close(&w);
}

static void
before_first_poll(void)
{
	struct waiting x;
	struct world w;

	world_open(&w, NULL);
	waiting_init(&x, &w, PROACTOR_SOCKET_TCP);
	CHECK_INT(proactor_submit_one(w.p, &x.recv.base), 0);
	CHECK_INT(proactor_cancel(w.p, &x.recv.base), 0);
	CHECK(poll_finals(&w, &x.recv, 1));
	CHECK_INT(status_of(&w.r, &x.recv), PROACTOR_ECANCELED);
	poll_barrier(&w);
	CHECK_INT(w.r.calls, 1);
	waiting_end(&x, &w);
	world_close(&w);
}

static void
right_after_submit(void)
{
	struct waiting x;
	struct world w;

	world_open(&w, NULL);
	waiting_init(&x, &w, PROACTOR_SOCKET_TCP);
	poll_barrier(&w);
	CHECK_INT(proactor_submit_one(w.p, &x.recv.base), 0);
	CHECK_INT(proactor_cancel(w.p, &x.recv.base), 0);
	CHECK(poll_finals(&w, &x.recv, 1));
	CHECK_INT(status_of(&w.r, &x.recv), PROACTOR_ECANCELED);
	poll_barrier(&w);
	CHECK_INT(w.r.calls, 1);
	waiting_end(&x, &w);
	world_close(&w);
}

static void
recv_in_kernel(struct world *w, unsigned int kind)
{
	struct waiting x;
	char text[8];

	waiting_init(&x, w, kind);
	CHECK_INT(proactor_submit_one(w->p, &x.recv.base), 0);
	CHECK(poll_quiet(w));
	CHECK_INT(proactor_cancel(w->p, &x.recv.base), 0);
	CHECK(poll_finals(w, &x.recv, 1));
	CHECK_INT(status_of(&w->r, &x.recv), PROACTOR_ECANCELED);
	CHECK_INT(x.recv.bytes, 0);
	/* No data went with it. */
	fd_write_all(x.fd, "later", 6);
	recv_all(w, x.s, text, 6);
	CHECK_STR(text, "later");
	CHECK_INT(w->r.calls, 1);
	waiting_end(&x, w);
	recorder_clear(&w->r);
}

static void
recv_waiting(void)
{
	each_stream(recv_in_kernel);
	each_datagram(recv_in_kernel);
}

static void
twice(void)
{
	struct waiting x;
	struct world w;
	int status;

	world_open(&w, NULL);
	waiting_init(&x, &w, PROACTOR_SOCKET_TCP);
	CHECK_INT(proactor_submit_one(w.p, &x.recv.base), 0);
	poll_barrier(&w);
	CHECK_INT(proactor_cancel(w.p, &x.recv.base), 0);
	status = proactor_cancel(w.p, &x.recv.base);
	CHECK(status == 0 || status == PROACTOR_ENOENT);
	CHECK(poll_finals(&w, &x.recv, 1));
	poll_barrier(&w);
	CHECK_INT(w.r.calls, 1);
	waiting_end(&x, &w);
	world_close(&w);
}

/* Which of three queued receives is cancelled. */
static void
cancel_queued(size_t which)
{
	struct proactor_recv_op recvs[3];
	struct proactor_socket *s;
	struct proactor_span span;
	char memory[3];
	struct world w;
	size_t i, served = 0;
	int fd;

	world_open(&w, NULL);
	s = half_pair(&w, PROACTOR_SOCKET_TCP, 0, &fd);
	for (i = 0; i < 3; i++) {
		span = proactor_span(&memory[i], 1);
		proactor_recv_op_init(&recvs[i], s, &span, 1, record, &w.r);
		CHECK_INT(proactor_submit_one(w.p, &recvs[i].base), 0);
	}
	poll_barrier(&w);
	CHECK_INT(proactor_cancel(w.p, &recvs[which].base), 0);
	CHECK(poll_finals(&w, &recvs[which], 1));
	CHECK_INT(status_of(&w.r, &recvs[which]), PROACTOR_ECANCELED);
	CHECK_INT(recvs[which].bytes, 0);
	poll_barrier(&w);
	CHECK_INT(w.r.calls, 1);
	fd_write_all(fd, "ab", 2);
	CHECK(poll_until(&w, &w.r.finals, 3));
	for (i = 0; i < 3; i++) {
		if (i == which)
			continue;
		CHECK_INT(status_of(&w.r, &recvs[i]), 0);
		CHECK_INT(place_of(&w.r, &recvs[i]), served + 1);
		CHECK_INT(memory[i], "ab"[served++]);
	}
	CHECK_INT(close_socket(&w, s), 0);
	close(fd);
	world_close(&w);
}

static void
recv_queued(void)
{
	cancel_queued(1);
	cancel_queued(2);
}

static void
recv_in_front(void)
{
	cancel_queued(0);
}

static void
recv_all_queued(void)
{
	static struct proactor_recv_op recvs[50];
	struct proactor_socket *s;
	struct proactor_span span;
	struct world w;
	char byte;
	size_t i;
	int fd;

	world_open(&w, NULL);
	s = half_pair(&w, PROACTOR_SOCKET_TCP, 0, &fd);
	span = proactor_span(&byte, 1);
	for (i = 0; i < COUNT(recvs); i++) {
		proactor_recv_op_init(&recvs[i], s, &span, 1, record, &w.r);
		CHECK_INT(proactor_submit_one(w.p, &recvs[i].base), 0);
	}
	poll_barrier(&w);
	for (i = COUNT(recvs); i > 0; i--)
		CHECK_INT(proactor_cancel(w.p, &recvs[i - 1].base), 0);
	CHECK(poll_until(&w, &w.r.finals, COUNT(recvs)));
	poll_barrier(&w);
	CHECK_INT(w.r.calls, COUNT(recvs));
	for (i = 0; i < COUNT(recvs); i++) {
		CHECK_INT(finals_of(&w.r, &recvs[i]), 1);
		CHECK_INT(status_of(&w.r, &recvs[i]), PROACTOR_ECANCELED);
	}
	CHECK_INT(close_socket(&w, s), 0);
	close(fd);
	world_close(&w);
}

/* In its own callback an operation is the caller's again. */
static void
cancel_oneself(void *user_data, struct proactor_op *op, int status,
    unsigned int flags)
{
	struct world *w = user_data;

	CHECK_INT(proactor_cancel(w->p, op), PROACTOR_ENOENT);
	record(&w->r, op, status, flags);
}

static void
own_callback(void)
{
	struct waiting x;
	struct world w;
	int i;

	world_open(&w, NULL);
	waiting_init(&x, &w, PROACTOR_SOCKET_TCP);
	x.recv.base.callback = cancel_oneself;
	x.recv.base.user_data = &w;
	for (i = 0; i < 3; i++) {
		fd_write_all(x.fd, "data", 4);
		CHECK_INT(run_one(&w, &x.recv.base), 0);
	}
	poll_barrier(&w);
	CHECK_INT(w.r.calls, 3);
	waiting_end(&x, &w);
	world_close(&w);
}

/* Submitted again in its callback and cancelled at once. */
static void
again_and_cancel(void *user_data, struct proactor_op *op, int status,
    unsigned int flags)
{
	struct world *w = user_data;

	record(&w->r, op, status, flags);
	if (w->r.calls < 4) {
		CHECK_INT(proactor_submit_one(w->p, op), 0);
		CHECK_INT(proactor_cancel(w->p, op), 0);
	}
}

static void
submitted_in_callback(void)
{
	struct waiting x;
	struct world w;
	size_t i;

	world_open(&w, NULL);
	waiting_init(&x, &w, PROACTOR_SOCKET_TCP);
	x.recv.base.callback = again_and_cancel;
	x.recv.base.user_data = &w;
	fd_write_all(x.fd, "data", 4);
	CHECK_INT(proactor_submit_one(w.p, &x.recv.base), 0);
	CHECK(poll_until(&w, &w.r.finals, 4));
	CHECK_INT(w.r.seen[0].status, 0);
	for (i = 1; i < 4; i++)
		CHECK_INT(w.r.seen[i].status, PROACTOR_ECANCELED);
	poll_barrier(&w);
	CHECK_INT(w.r.calls, 4);
	waiting_end(&x, &w);
	world_close(&w);
}

/* The first callback of several that are ready cancels the others. */
struct rivals {
	struct world *w;
	struct waiting x[4];
	size_t finals;
	size_t succeeded;
	size_t cancelled;
};

static void
cancel_rivals(void *user_data, struct proactor_op *op, int status,
    unsigned int flags)
{
	struct rivals *rivals = user_data;
	int i, answer;

	CHECK_INT(flags, 0);
	rivals->finals++;
	if (status == 0)
		rivals->succeeded++;
	else {
		CHECK_INT(status, PROACTOR_ECANCELED);
		rivals->cancelled++;
	}
	if (rivals->finals > 1)
		return;
	for (i = 0; i < 4; i++) {
		answer = proactor_cancel(rivals->w->p,
		    &rivals->x[i].recv.base);
		if (op == &rivals->x[i].recv.base)
			CHECK_INT(answer, PROACTOR_ENOENT);
		else
			CHECK(answer == 0 || answer == PROACTOR_ENOENT);
	}
}

static void
others_that_are_ready(void)
{
	static struct rivals rivals;
	struct world w;
	int i;

	world_open(&w, NULL);
	rivals.w = &w;
	for (i = 0; i < 4; i++) {
		waiting_init(&rivals.x[i], &w, PROACTOR_SOCKET_TCP);
		rivals.x[i].recv.base.callback = cancel_rivals;
		rivals.x[i].recv.base.user_data = &rivals;
		CHECK_INT(proactor_submit_one(w.p, &rivals.x[i].recv.base),
		    0);
	}
	poll_barrier(&w);
	for (i = 0; i < 4; i++)
		fd_write_all(rivals.x[i].fd, "data", 4);
	CHECK(poll_until(&w, &rivals.finals, 4));
	poll_barrier(&w);
	CHECK_INT(rivals.finals, 4);
	CHECK(rivals.succeeded >= 1);
	CHECK_INT(rivals.succeeded + rivals.cancelled, 4);
	for (i = 0; i < 4; i++)
		waiting_end(&rivals.x[i], &w);
	world_close(&w);
}

struct canceller {
	struct proactor *p;
	struct proactor_op *op;
	int status;
};

static void *
cancel_elsewhere(void *arg)
{
	struct canceller *c = arg;

	c->status = proactor_cancel(c->p, c->op);
	return NULL;
}

static void
foreign_thread(void)
{
	struct canceller c;
	struct waiting x;
	pthread_t thread;
	struct world w;

	world_open(&w, NULL);
	waiting_init(&x, &w, PROACTOR_SOCKET_TCP);
	CHECK_INT(proactor_submit_one(w.p, &x.recv.base), 0);
	poll_barrier(&w);
	c.p = w.p;
	c.op = &x.recv.base;
	thread_start(&thread, cancel_elsewhere, &c);
	CHECK(poll_finals(&w, &x.recv, 1));
	thread_join(thread);
	CHECK_INT(c.status, 0);
	CHECK_INT(status_of(&w.r, &x.recv), PROACTOR_ECANCELED);
	thread_start(&thread, cancel_elsewhere, &c);
	thread_join(thread);
	CHECK_INT(c.status, PROACTOR_ENOENT);
	waiting_end(&x, &w);
	world_close(&w);
}

/*
 * Cancel against completion, again and again: one final callback, and the
 * count is what the peer gets.
 */
#define RACES	300

static void
race(struct world *w, unsigned int kind)
{
	struct waiting x;
	size_t i, got = 0;
	int status;

	waiting_init(&x, w, kind);
	for (i = 0; i < RACES; i++) {
		recorder_clear(&w->r);
		CHECK_INT(proactor_submit_one(w->p, &x.recv.base), 0);
		if (i % 3 == 0)
			poll_barrier(w);
		fd_write_all(x.fd, "x", 1);
		if (i % 2 == 0)
			CHECK_INT(proactor_flush(w->p), 0);
		status = proactor_cancel(w->p, &x.recv.base);
		CHECK(status == 0 || status == PROACTOR_ENOENT);
		CHECK(poll_finals(w, &x.recv, 1));
		CHECK_INT(w->r.calls, 1);
		status = status_of(&w->r, &x.recv);
		CHECK(status == 0 || status == PROACTOR_ECANCELED);
		if (status == 0)
			CHECK(x.recv.bytes > 0);
		else
			CHECK_INT(x.recv.bytes, 0);
		got += x.recv.bytes;
	}
	while (got < RACES) {
		CHECK_INT(run_one(w, &x.recv.base), 0);
		CHECK(x.recv.bytes > 0);
		got += x.recv.bytes;
	}
	CHECK_INT(got, RACES);
	waiting_end(&x, w);
	recorder_clear(&w->r);
}

static void
against_completion(void)
{
	each_stream(race);
}

const struct tap_case cancel_cases[] = {
	{ "cancel: what was never submitted is ENOENT and costs nothing",
	    never_submitted },
	{ "cancel: what has completed is ENOENT and costs nothing later",
	    after_completion },
	{ "cancel: a receive before the first poll", before_first_poll },
	{ "cancel: a receive right after its submission",
	    right_after_submit },
	{ "cancel: a receive that waits, and no data is lost",
	    recv_waiting },
	{ "cancel: twice is one callback", twice },
	{ "cancel: a receive queued behind others", recv_queued },
	{ "cancel: the receive in front, and the next is served",
	    recv_in_front },
	{ "cancel: all of a queue of receives, the last first",
	    recv_all_queued },
	{ "cancel: in its own final callback an operation is ENOENT",
	    own_callback },
	{ "cancel: what a callback has just submitted",
	    submitted_in_callback },
	{ "cancel: others that are ready too call back once each",
	    others_that_are_ready },
	{ "cancel: from another thread", foreign_thread },
	{ "cancel: against completion, one callback and no byte lost",
	    against_completion },
	{ NULL, NULL }
};
