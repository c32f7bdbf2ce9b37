/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "conformance/conformance.h"

/* Polling: deadlines, ownership, nesting, deferred submission. */

#define MILLISECOND	INT64_C(1000000)

/* --- deadlines --- */

static void
deadline_with_nothing(void)
{
	struct world w;
	int64_t deadline;
	int i;

	world_open(&w, NULL);
	CHECK_INT(proactor_poll(w.p, PROACTOR_IMMEDIATE, NULL),
	    PROACTOR_ETIMEDOUT);
	CHECK_INT(proactor_poll(w.p, 1, NULL), PROACTOR_ETIMEDOUT);
	CHECK_INT(proactor_poll(w.p, -1, NULL), PROACTOR_ETIMEDOUT);
	CHECK_INT(proactor_poll(w.p, INT64_MIN, NULL), PROACTOR_ETIMEDOUT);
	for (i = 0; i < 10; i++) {
		deadline = proactor_deadline_after(i * MILLISECOND / 2);
		CHECK_INT(proactor_poll(w.p, deadline, NULL),
		    PROACTOR_ETIMEDOUT);
		CHECK(proactor_now() >= deadline);
	}
	world_close(&w);
}

static void
past_deadline_runs_ready(void)
{
	struct world w;
	struct proactor_nop_op nop;

	world_open(&w, NULL);
	proactor_nop_op_init(&nop, record, &w.r);
	CHECK_INT(proactor_submit_one(w.p, &nop.base), 0);
	CHECK_INT(proactor_poll(w.p, 1, NULL), 0);
	CHECK_INT(w.r.finals, 1);
	CHECK_INT(proactor_submit_one(w.p, &nop.base), 0);
	CHECK_INT(proactor_poll(w.p, -5, NULL), 0);
	CHECK_INT(w.r.finals, 2);
	world_close(&w);
}

static void
forever_until_timer(void)
{
	struct world w;
	struct proactor_timer_op timer;
	int64_t deadline = proactor_deadline_after(3 * MILLISECOND);

	world_open(&w, NULL);
	proactor_timer_op_init(&timer, deadline, record, &w.r);
	CHECK_INT(proactor_submit_one(w.p, &timer.base), 0);
	CHECK_INT(proactor_poll(w.p, PROACTOR_FOREVER, NULL), 0);
	CHECK(proactor_now() >= deadline);
	CHECK_INT(w.r.finals, 1);
	world_close(&w);
}

static void
counts_callbacks(void)
{
	struct world w;
	struct proactor_nop_op nops[7];
	size_t completed = 99, i;

	world_open(&w, NULL);
	for (i = 0; i < 7; i++) {
		proactor_nop_op_init(&nops[i], record, &w.r);
		CHECK_INT(proactor_submit_one(w.p, &nops[i].base), 0);
	}
	CHECK_INT(proactor_poll(w.p, patience(), &completed), 0);
	CHECK_INT(completed, 7);
	CHECK_INT(w.r.finals, 7);
	world_close(&w);
}

/* --- who polls --- */

static void *
poll_elsewhere(void *arg)
{
	struct world *w = arg;
	size_t completed = 4711;

	CHECK_INT(proactor_poll(w->p, PROACTOR_IMMEDIATE, &completed),
	    PROACTOR_EPERM);
	CHECK_INT(completed, 4711);
	CHECK_INT(proactor_poll(w->p, PROACTOR_FOREVER, NULL),
	    PROACTOR_EPERM);
	CHECK_INT(proactor_shutdown(w->p, PROACTOR_IMMEDIATE),
	    PROACTOR_EPERM);
	return NULL;
}

static void
foreign_poll(void)
{
	struct world w;
	struct proactor_nop_op nop;
	pthread_t thread;

	world_open(&w, NULL);
	poll_barrier(&w);
	proactor_nop_op_init(&nop, record, &w.r);
	CHECK_INT(proactor_submit_one(w.p, &nop.base), 0);
	thread_start(&thread, poll_elsewhere, &w);
	thread_join(thread);
	CHECK_INT(w.r.calls, 0);
	CHECK(poll_until(&w, &w.r.finals, 1));
	world_close(&w);
}

static void
nested(void *user_data, struct proactor_op *op, int status,
    unsigned int flags)
{
	struct world *w = user_data;
	size_t completed = 4711;

	(void)op;
	(void)flags;
	CHECK_INT(status, 0);
	CHECK_INT(proactor_poll(w->p, PROACTOR_IMMEDIATE, &completed),
	    PROACTOR_EBUSY);
	CHECK_INT(completed, 4711);
	CHECK_INT(proactor_shutdown(w->p, PROACTOR_IMMEDIATE),
	    PROACTOR_EBUSY);
	w->r.finals++;
}

static void
nested_poll(void)
{
	struct world w;
	struct proactor_nop_op a, b;

	world_open(&w, NULL);
	proactor_nop_op_init(&a, nested, &w);
	proactor_nop_op_init(&b, nested, &w);
	CHECK_INT(proactor_submit_one(w.p, &a.base), 0);
	CHECK_INT(proactor_submit_one(w.p, &b.base), 0);
	CHECK(poll_until(&w, &w.r.finals, 2));
	CHECK_INT(proactor_submit_one(w.p, &a.base), 0);
	CHECK(poll_until(&w, &w.r.finals, 3));
	world_close(&w);
}

static void
poll_the_other(void *user_data, struct proactor_op *op, int status,
    unsigned int flags)
{
	struct world *other = user_data;

	(void)op;
	(void)flags;
	CHECK_INT(status, 0);
	CHECK(poll_until(other, &other->r.finals, 1));
}

static void
nested_in_another(void)
{
	struct world w, other;
	struct proactor_nop_op a, b;

	world_open(&w, NULL);
	world_open(&other, NULL);
	proactor_nop_op_init(&a, poll_the_other, &other);
	proactor_nop_op_init(&b, record, &other.r);
	CHECK_INT(proactor_submit_one(w.p, &a.base), 0);
	CHECK_INT(proactor_submit_one(other.p, &b.base), 0);
	CHECK(poll_until(&w, &other.r.finals, 1));
	world_close(&other);
	world_close(&w);
}

/* --- starvation --- */

struct spinner {
	struct proactor *p;
	atomic_bool stop;
};

static void
spin(void *user_data, struct proactor_op *op, int status, unsigned int flags)
{
	struct spinner *s = user_data;

	(void)flags;
	if (atomic_load(&s->stop))
		return;
	CHECK_INT(status, 0);
	CHECK_INT(proactor_submit_one(s->p, op), 0);
}

static void *
post_nop(void *arg)
{
	struct world *w = arg;
	static struct proactor_nop_op nop;

	proactor_nop_op_init(&nop, record, &w->r);
	CHECK_INT(proactor_submit_one(w->p, &nop.base), 0);
	return NULL;
}

static void
nobody_starves(void)
{
	struct spinner s = {0};
	struct proactor_nop_op nops[64];
	struct proactor_timer_op timer;
	struct proactor_handle_poll_op poll_op;
	struct world w;
	pthread_t thread;
	uint64_t one = 1;
	size_t i;
	int fd = eventfd(0, EFD_CLOEXEC);

	CHECK(fd != -1);
	world_open(&w, NULL);
	s.p = w.p;
	for (i = 0; i < 64; i++) {
		proactor_nop_op_init(&nops[i], spin, &s);
		CHECK_INT(proactor_submit_one(w.p, &nops[i].base), 0);
	}
	proactor_timer_op_init(&timer, proactor_deadline_after(MILLISECOND),
	    record, &w.r);
	proactor_handle_poll_op_init(&poll_op, proactor_handle_fd(fd),
	    PROACTOR_POLL_IN, record, &w.r);
	CHECK_INT(proactor_submit_one(w.p, &timer.base), 0);
	CHECK_INT(proactor_submit_one(w.p, &poll_op.base), 0);
	for (i = 0; i < 100; i++)
		CHECK_INT(proactor_poll(w.p, patience(), NULL), 0);
	CHECK_INT(write(fd, &one, sizeof(one)), sizeof(one));
	thread_start(&thread, post_nop, &w);
	CHECK(poll_until(&w, &w.r.finals, 3));
	thread_join(thread);
	CHECK_INT(finals_of(&w.r, &timer), 1);
	CHECK_INT(finals_of(&w.r, &poll_op), 1);
	atomic_store(&s.stop, true);
	world_close(&w);
	CHECK_INT(close(fd), 0);
}

/* --- when submitted work starts --- */

static ssize_t
peek(int fd, int flags)
{
	char byte;

	return recv(fd, &byte, 1, MSG_PEEK | flags);
}

static void
start_promptly(void)
{
	struct proactor_send_op send;
	struct proactor_socket *s;
	struct proactor_span span = proactor_span("hello", 5);
	struct world w;
	char got[5];
	int fd;

	world_open(&w, NULL);
	poll_barrier(&w);
	s = half_pair(&w, PROACTOR_SOCKET_UNIX_STREAM, 0, &fd);
	proactor_send_op_init(&send, s, &span, 1, 0, record, &w.r);
	CHECK_INT(proactor_submit_one(w.p, &send.base), 0);
	fd_read_all(fd, got, sizeof(got));
	CHECK_MEM(got, "hello", 5);
	CHECK_INT(w.r.calls, 0);
	CHECK(poll_until(&w, &w.r.finals, 1));
	CHECK_INT(status_of(&w.r, &send), 0);
	CHECK_INT(close_socket(&w, s), 0);
	CHECK_INT(close(fd), 0);
	world_close(&w);
}

static void
deferred_until_flush(void)
{
	struct proactor_options o;
	struct proactor_send_op send;
	struct proactor_socket *s;
	struct proactor_span span = proactor_span("hello", 5);
	struct world w;
	char got[5];
	int fd;

	world_options(&o);
	o.flags = PROACTOR_DEFER_SUBMIT;
	world_open(&w, &o);
	poll_barrier(&w);
	s = half_pair(&w, PROACTOR_SOCKET_UNIX_STREAM, 0, &fd);
	proactor_send_op_init(&send, s, &span, 1, 0, record, &w.r);
	CHECK_INT(proactor_submit_one(w.p, &send.base), 0);
	CHECK_INT(peek(fd, MSG_DONTWAIT), -1);
	CHECK_INT(proactor_flush(w.p), 0);
	fd_read_all(fd, got, sizeof(got));
	CHECK_MEM(got, "hello", 5);
	CHECK_INT(w.r.calls, 0);
	CHECK(poll_until(&w, &w.r.finals, 1));
	CHECK_INT(status_of(&w.r, &send), 0);
	CHECK_INT(close_socket(&w, s), 0);
	CHECK_INT(close(fd), 0);
	world_close(&w);
}

static void
deferred_until_poll(void)
{
	struct proactor_options o;
	struct proactor_timer_op timer;
	struct proactor_nop_op nop;
	struct world w;

	world_options(&o);
	o.flags = PROACTOR_DEFER_SUBMIT;
	world_open(&w, &o);
	poll_barrier(&w);
	proactor_nop_op_init(&nop, record, &w.r);
	proactor_timer_op_init(&timer, proactor_deadline_after(MILLISECOND),
	    record, &w.r);
	CHECK_INT(proactor_submit_one(w.p, &timer.base), 0);
	CHECK_INT(proactor_submit_one(w.p, &nop.base), 0);
	CHECK_INT(proactor_cancel(w.p, &timer.base), 0);
	CHECK(poll_until(&w, &w.r.finals, 2));
	CHECK_INT(status_of(&w.r, &nop), 0);
	CHECK_INT(status_of(&w.r, &timer), PROACTOR_ECANCELED);
	world_close(&w);
}

static void
flush_in_callback(void *user_data, struct proactor_op *op, int status,
    unsigned int flags)
{
	struct world *w = user_data;

	CHECK_INT(proactor_flush(w->p), 0);
	record(&w->r, op, status, flags);
}

static void
flush_of_nothing(void)
{
	struct world w;
	struct proactor_nop_op nop;

	world_open(&w, NULL);
	CHECK_INT(proactor_poll(w.p, PROACTOR_IMMEDIATE, NULL),
	    PROACTOR_ETIMEDOUT);
	CHECK_INT(proactor_flush(w.p), 0);
	proactor_nop_op_init(&nop, flush_in_callback, &w);
	CHECK_INT(run_one(&w, &nop.base), 0);
	world_close(&w);
}

const struct tap_case poll_cases[] = {
	{ "poll: ETIMEDOUT when the deadline passed, not before",
	    deadline_with_nothing },
	{ "poll: what is ready runs though the deadline is past",
	    past_deadline_runs_ready },
	{ "poll: without a deadline ends with the first timer",
	    forever_until_timer },
	{ "poll: counts the callbacks of this poll", counts_callbacks },
	{ "poll: from a foreign thread is EPERM and touches nothing",
	    foreign_poll },
	{ "poll: from a callback is EBUSY, and so is shutdown",
	    nested_poll },
	{ "poll: another proactor may be polled in a callback",
	    nested_in_another },
	{ "poll: operations that resubmit themselves starve nobody",
	    nobody_starves },
	{ "submit: outside poll the work starts promptly", start_promptly },
	{ "submit: deferred work starts with flush", deferred_until_flush },
	{ "submit: deferred work starts with poll, or is cancelled",
	    deferred_until_poll },
	{ "flush: nothing to flush is 0, in a callback too",
	    flush_of_nothing },
	{ NULL, NULL }
};
