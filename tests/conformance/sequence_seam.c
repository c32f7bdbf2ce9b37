/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conformance/sequence.h"

/* Sequences where they meet timeouts, pools and what a step function does. */

/* --- steps that nobody is told of, and deadlines --- */

/*
 * A request, its answer and the time for that: silent are the first steps, so
 * that nobody hears when the time begins.
 */
static void
answer_is_late(struct world *w, unsigned int kind, size_t requests,
    bool each_timed)
{
	struct proactor_send_op sends[3];
	struct proactor_timeout_op timeouts[4];
	struct proactor_recv_op recv;
	struct proactor_op *steps[8];
	struct proactor_sequence_op q;
	struct proactor_socket *s;
	size_t count = 0, i;
	char memory[4];
	int fd;

	s = half_pair(w, kind, 0, &fd);
	poll_barrier(w);
	for (i = 0; i < requests; i++) {
		send_init(&sends[i], w, s, "x", 1);
		sends[i].base.callback = NULL;
		steps[count++] = &sends[i].base;
		proactor_timeout_op_init(&timeouts[i], PROACTOR_FOREVER, NULL,
		    NULL);
		if (each_timed)
			steps[count++] = &timeouts[i].base;
	}
	recv_init(&recv, w, s, memory, sizeof(memory));
	proactor_timeout_op_init(&timeouts[3], proactor_deadline_after(3000000),
	    record, &w->r);
	steps[count++] = &recv.base;
	steps[count++] = &timeouts[3].base;
	proactor_sequence_op_init(&q, steps, count, NULL, record, &w->r);
	CHECK_INT(proactor_submit_one(w->p, &q.base), 0);
	CHECK(poll_finals(w, &q, 1));
	CHECK_INT(status_of(&w->r, &recv), PROACTOR_ECANCELED);
	CHECK_INT(status_of(&w->r, &timeouts[3]), PROACTOR_ETIMEDOUT);
	CHECK_INT(status_of(&w->r, &q), PROACTOR_ETIMEDOUT);
	CHECK_INT(q.completed, count - 2);
	CHECK_INT(close_socket(w, s), 0);
	CHECK_INT(fd_drain(fd), requests);
	close(fd);
	recorder_clear(&w->r);
}

static void
late_of(struct world *w, unsigned int kind)
{
	size_t requests;

	for (requests = 1; requests <= 3; requests++) {
		answer_is_late(w, kind, requests, false);
		answer_is_late(w, kind, requests, true);
	}
}

static void
late_answers(void)
{
	each_stream(late_of);
}

/* What was to be slept before the step that nobody is told of was done. */
static void
not_overslept(void)
{
	struct proactor_sequence_op sequence;
	struct proactor_timer_op timer;
	struct proactor_recv_op recv;
	struct proactor_op *steps[2] = { &recv.base, &timer.base };
	struct proactor_span span;
	struct proactor_socket *s;
	struct world w;
	int64_t deadline;
	char byte;
	int fd, i;

	world_open(&w, NULL);
	s = half_pair(&w, PROACTOR_SOCKET_UNIX_STREAM, 0, &fd);
	span = proactor_span(&byte, 1);
	for (i = 0; i < 8; i++) {
		proactor_recv_op_init(&recv, s, &span, 1, NULL, NULL);
		proactor_timer_op_init(&timer, proactor_deadline_after(5000000),
		    NULL, NULL);
		sequence_init(&sequence, &w, steps, 2, NULL);
		if (i % 2 == 0)
			fd_write_all(fd, "x", 1);
		CHECK_INT(proactor_submit_one(w.p, &sequence.base), 0);
		if (i % 2 != 0)
			fd_write_all(fd, "x", 1);
		deadline = patience();
		CHECK_INT(proactor_poll(w.p, deadline, NULL), 0);
		CHECK(proactor_now() < deadline);
		CHECK_INT(status_of(&w.r, &sequence), 0);
	}
	close(fd);
	proactor_socket_release(s);
	world_close(&w);
}

/* --- and what they lead to --- */

/* A poll that nothing else ends does not sleep over what it has begun. */
static void
goes_on(struct world *w, struct proactor_op **steps, size_t count, int status)
{
	struct proactor_sequence_op q;
	int64_t until = patience();

	proactor_sequence_op_init(&q, steps, count, NULL, record, &w->r);
	CHECK_INT(proactor_submit_one(w->p, &q.base), 0);
	while (w->r.calls == 0 && proactor_now() < until)
		CHECK_INT(proactor_poll(w->p, until, NULL), 0);
	CHECK(proactor_now() < until);
	CHECK_INT(status_of(&w->r, &q), status);
	recorder_clear(&w->r);
}

static void
silence_is_no_rest(void)
{
	static struct proactor_file_write_op writes[LONGEST];
	struct proactor_event_wait_op wait_op;
	struct proactor_timeout_op timeout;
	struct proactor_timer_op timer;
	struct proactor_op *steps[LONGEST];
	struct proactor_event *event;
	struct proactor_file *f;
	struct world w;
	size_t i;

	world_open(&w, NULL);
	f = file_open(&w, PROACTOR_FILE_WRITE);
	CHECK_INT(proactor_event_create(w.p, &event), 0);
	poll_barrier(&w);
	for (i = 0; i < LONGEST; i++) {
		proactor_file_write_op_init(&writes[i], f, i,
		    proactor_span("x", 1), NULL, NULL);
		steps[i] = &writes[i].base;
	}
	writes[LONGEST / 2].span.offset = 1;
	goes_on(&w, steps, LONGEST, PROACTOR_EFAULT);
	proactor_timer_op_init(&timer, proactor_deadline_after(3000000), NULL,
	    NULL);
	steps[1] = &timer.base;
	goes_on(&w, steps, 2, 0);
	proactor_event_wait_op_init(&wait_op, event, NULL, NULL);
	proactor_timeout_op_init(&timeout, proactor_deadline_after(3000000),
	    NULL, NULL);
	steps[1] = &wait_op.base;
	steps[2] = &timeout.base;
	goes_on(&w, steps, 3, PROACTOR_ETIMEDOUT);
	proactor_event_release(event);
	proactor_file_release(f);
	world_close(&w);
}

/* --- pools --- */

#define POOLED	3

struct pooled {
	struct world w;
	struct proactor_op_pool *pool;
	struct proactor_nop_op step;
	struct proactor_nop_op busy;
	struct proactor_op *steps[2];
	size_t calls;
	bool batch;
};

/* Refused in its final callback it is as it was: it returns. */
static void
submit_in_vain(void *user_data, struct proactor_op *op, int status,
    unsigned int flags)
{
	struct pooled *x = user_data;
	struct proactor_op *ops[] = { op, &x->busy.base };

	(void)flags;
	CHECK_INT(status, 0);
	x->calls++;
	((struct proactor_sequence_op *)(void *)op)->count = x->batch ? 1 : 2;
	CHECK_INT(proactor_submit(x->w.p, ops, x->batch ? 2 : 1),
	    PROACTOR_EBUSY);
	CHECK_INT(proactor_cancel(x->w.p, op), PROACTOR_ENOENT);
}

static void
refused_in_callback(struct pooled *x)
{
	struct proactor_op *op, *ops[POOLED];
	size_t i;

	CHECK_INT(proactor_op_pool_acquire(x->pool,
	    sizeof(struct proactor_sequence_op), &op), 0);
	proactor_sequence_op_init((struct proactor_sequence_op *)(void *)op,
	    x->steps, 1, NULL, submit_in_vain, x);
	op->pool = x->pool;
	x->calls = 0;
	CHECK_INT(proactor_submit_one(x->w.p, op), 0);
	CHECK(poll_until(&x->w, &x->calls, 1));
	poll_barrier(&x->w);
	CHECK_INT(x->calls, 1);
	for (i = 0; i < POOLED; i++)
		CHECK_INT(proactor_op_pool_acquire(x->pool,
		    sizeof(struct proactor_sequence_op), &ops[i]), 0);
	for (i = 0; i < POOLED; i++)
		CHECK_INT(proactor_op_pool_return(x->pool, ops[i]), 0);
}

static void
pooled_and_refused(void)
{
	struct proactor_op_pool_options o;
	struct proactor_event_wait_op wait_op;
	struct proactor_event *event;
	struct proactor_op *busy[2];
	struct proactor_sequence_op q;
	struct pooled x;

	memset(&x, 0, sizeof(x));
	world_open(&x.w, NULL);
	proactor_op_pool_options_init(&o);
	o.class_count = 1;
	o.classes[0].size = sizeof(struct proactor_sequence_op);
	o.classes[0].count = POOLED;
	CHECK_INT(proactor_op_pool_create(&o, &x.pool), 0);
	CHECK_INT(proactor_event_create(x.w.p, &event), 0);
	/* What is a step of another sequence is in flight. */
	proactor_event_wait_op_init(&wait_op, event, record, &x.w.r);
	nop_init(&x.busy, &x.w);
	busy[0] = &wait_op.base;
	busy[1] = &x.busy.base;
	proactor_sequence_op_init(&q, busy, 2, NULL, record, &x.w.r);
	CHECK_INT(proactor_submit_one(x.w.p, &q.base), 0);
	nop_init(&x.step, &x.w);
	x.steps[0] = &x.step.base;
	x.steps[1] = &x.busy.base;
	refused_in_callback(&x);
	x.batch = true;
	refused_in_callback(&x);
	CHECK_INT(proactor_event_set(event), 0);
	CHECK(poll_finals(&x.w, &q, 1));
	proactor_event_release(event);
	proactor_op_pool_release(x.pool);
	world_close(&x.w);
}

/* One that brings its steps with it, in the memory of the pool. */
struct parcel {
	struct proactor_sequence_op q;
	struct proactor_recv_op recv;
	struct proactor_send_op send;
	struct proactor_op *steps[2];
	char memory[4];
};

/*
 * The memory is the last of its pool's, and goes with the release: not before
 * all of the steps have been left.
 */
static void
parcel_released(void)
{
	struct proactor_op_pool_options o;
	struct proactor_op_pool *pool;
	struct proactor_socket *early, *late;
	struct proactor_op *op;
	struct parcel *x;
	struct world w;
	int fds[2];

	world_open(&w, NULL);
	early = half_pair(&w, PROACTOR_SOCKET_UNIX_STREAM, 0, &fds[0]);
	late = half_pair(&w, PROACTOR_SOCKET_UNIX_STREAM, 0, &fds[1]);
	proactor_op_pool_options_init(&o);
	o.class_count = 1;
	o.classes[0].size = sizeof(*x);
	o.classes[0].count = 1;
	CHECK_INT(proactor_op_pool_create(&o, &pool), 0);
	CHECK_INT(proactor_op_pool_acquire(pool, sizeof(*x), &op), 0);
	proactor_op_pool_release(pool);
	x = (struct parcel *)(void *)op;
	/* So that this one is known first. */
	send_init(&x->send, &w, early, "y", 1);
	CHECK_INT(run_one(&w, &x->send.base), 0);
	recv_init(&x->recv, &w, late, x->memory, sizeof(x->memory));
	x->steps[0] = &x->recv.base;
	x->steps[1] = &x->send.base;
	proactor_sequence_op_init(&x->q, x->steps, 2, NULL, record, &w.r);
	op->pool = pool;
	CHECK_INT(proactor_submit_one(w.p, op), 0);
	poll_barrier(&w);
	recorder_clear(&w.r);
	proactor_socket_release(early);
	proactor_socket_release(late);
	proactor_release(w.p);
	CHECK_INT(w.r.calls, 0);
	CHECK_INT(fd_drain(fds[0]), 1);
	close_fds(fds);
}

/* --- step functions --- */

struct thief {
	struct world w;
	struct proactor_event *event;
	struct proactor_event_wait_op stolen;
};

/* The next step goes its own way. */
static int
steal(void *user_data, struct proactor_sequence_op *sequence,
    size_t completed_index, struct proactor_op *next)
{
	struct thief *x = user_data;

	(void)sequence;
	CHECK_INT(completed_index, 0);
	CHECK(next == &x->stolen.base);
	proactor_event_wait_op_init(&x->stolen, x->event, record, &x->w.r);
	CHECK_INT(proactor_submit_one(x->w.p, next), 0);
	return 0;
}

static void
done(void *user_data, struct proactor_op *op, int status, unsigned int flags)
{
	struct thief *x = user_data;

	record(&x->w.r, op, status, flags);
}

/* What the step function has submitted is not the sequence's any more. */
static void
step_in_flight(void)
{
	struct proactor_sequence_op q;
	struct proactor_nop_op first, last;
	struct thief x;
	struct proactor_op *steps[] = {
		&first.base, &x.stolen.base, &last.base,
	};

	memset(&x, 0, sizeof(x));
	world_open(&x.w, NULL);
	CHECK_INT(proactor_event_create(x.w.p, &x.event), 0);
	nop_init(&first, &x.w);
	nop_init(&last, &x.w);
	proactor_event_wait_op_init(&x.stolen, x.event, record, &x.w.r);
	proactor_sequence_op_init(&q, steps, 3, steal, done, &x);
	CHECK_INT(proactor_submit_one(x.w.p, &q.base), 0);
	CHECK(poll_finals(&x.w, &q, 1));
	poll_barrier(&x.w);
	CHECK_INT(status_of(&x.w.r, &q), PROACTOR_EBUSY);
	CHECK_INT(q.completed, 1);
	CHECK_INT(status_of(&x.w.r, &last), PROACTOR_ECANCELED);
	CHECK_INT(calls_of(&x.w.r, &x.stolen), 0);
	CHECK_INT(proactor_submit_one(x.w.p, &x.stolen.base), PROACTOR_EBUSY);
	CHECK_INT(proactor_event_set(x.event), 0);
	CHECK(poll_finals(&x.w, &x.stolen, 1));
	CHECK_INT(status_of(&x.w.r, &x.stolen), 0);
	CHECK_INT(x.w.r.calls, 4);
	proactor_event_release(x.event);
	world_close(&x.w);
}

const struct tap_case sequence_seam_cases[] = {
	{ "sequence: a deadline counts after steps that nobody is told of",
	    late_answers },
	{ "sequence: a deadline after a step without a callback is kept",
	    not_overslept },
	{ "sequence: steps that nobody is told of go on in the same poll",
	    silence_is_no_rest },
	{ "sequence: of a pool, refused in its callback it returns",
	    pooled_and_refused },
	{ "sequence: of a pool, with its steps, it is left by a release",
	    parcel_released },
	{ "sequence: a step that its function submits itself is in flight",
	    step_in_flight },
	{ NULL, NULL }
};
