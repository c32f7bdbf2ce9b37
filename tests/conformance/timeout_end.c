/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "conformance/timeout.h"

/* Linked timeouts cancelled, submitted again, by threads, and at the end. */

/* --- cancel --- */

static void
operation_cancelled(void)
{
	struct proactor_event_wait_op wait_op;
	struct proactor_event *event;
	struct trio t;
	struct world w;

	world_open(&w, NULL);
	CHECK_INT(proactor_event_create(w.p, &event), 0);
	proactor_event_wait_op_init(&wait_op, event, record, &w.r);
	trio_submit(&t, &w, &wait_op.base, PROACTOR_FOREVER);
	CHECK_INT(proactor_cancel(w.p, &wait_op.base), 0);
	trio_check(&t, &w, PROACTOR_ECANCELED, PROACTOR_ECANCELED,
	    PROACTOR_ECANCELED);
	CHECK_INT(proactor_cancel(w.p, &t.timeout.base), PROACTOR_ENOENT);
	proactor_event_release(event);
	world_close(&w);
}

/* Its cancel calls off the deadline, nothing else. */
static void
called_off(bool begun)
{
	struct proactor_event_wait_op waits[2];
	struct proactor_timeout_op timeout;
	struct proactor_nop_op nop;
	struct proactor_op *ops[] = {
		&waits[0].base, &waits[1].base, &timeout.base, &nop.base,
	};
	struct proactor_event *event;
	struct world w;
	int i;

	world_open(&w, NULL);
	CHECK_INT(proactor_event_create(w.p, &event), 0);
	for (i = 0; i < 2; i++)
		proactor_event_wait_op_init(&waits[i], event, record, &w.r);
	timeout_init(&timeout, &w, proactor_deadline_after(5 * SOON));
	nop_init(&nop, &w);
	submit_chain(&w, ops, 4);
	if (begun) {
		CHECK_INT(proactor_event_set(event), 0);
		CHECK(poll_finals(&w, &waits[0], 1));
	}
	CHECK_INT(proactor_cancel(w.p, &timeout.base), 0);
	CHECK_INT(proactor_cancel(w.p, &timeout.base), 0);
	if (!begun) {
		CHECK_INT(proactor_event_set(event), 0);
		CHECK(poll_finals(&w, &waits[0], 1));
	}
	while (proactor_now() < timeout.deadline + SOON)
		poll_barrier(&w);
	CHECK_INT(w.r.calls, 1);
	CHECK_INT(proactor_event_set(event), 0);
	CHECK(poll_until(&w, &w.r.finals, 4));
	CHECK_INT(status_of(&w.r, &waits[1]), 0);
	CHECK_INT(status_of(&w.r, &timeout), PROACTOR_ECANCELED);
	CHECK_INT(status_of(&w.r, &nop), 0);
	proactor_event_release(event);
	world_close(&w);
}

static void
timeout_cancelled(void)
{
	called_off(true);
	called_off(false);
}

/* --- its life --- */

struct again {
	struct world w;
	struct proactor_event_wait_op wait;
	struct proactor_timeout_op timeout;
	struct proactor_op *ops[2];
	size_t turns;
};

static void
submit_again(void *user_data, struct proactor_op *op, int status,
    unsigned int flags)
{
	struct again *a = user_data;

	record(&a->w.r, op, status, flags);
	CHECK(op == &a->timeout.base);
	CHECK_INT(status, a->turns % 2 == 0 ? PROACTOR_ETIMEDOUT :
	    PROACTOR_ECANCELED);
	if (++a->turns == 50)
		return;
	if (a->turns % 2 != 0)
		CHECK_INT(proactor_event_set(a->wait.event), 0);
	a->timeout.deadline = a->turns % 2 == 0 ?
	    proactor_deadline_after(MILLISECOND) : PROACTOR_FOREVER;
	CHECK_INT(proactor_submit(a->w.p, a->ops, 2), 0);
}

static void
resubmitted(void)
{
	struct proactor_event *event;
	struct again a;

	memset(&a, 0, sizeof(a));
	world_open(&a.w, NULL);
	CHECK_INT(proactor_event_create(a.w.p, &event), 0);
	proactor_event_wait_op_init(&a.wait, event, record, &a.w.r);
	proactor_timeout_op_init(&a.timeout, 0, submit_again, &a);
	a.ops[0] = &a.wait.base;
	a.ops[1] = &a.timeout.base;
	submit_chain(&a.w, a.ops, 2);
	CHECK(poll_until(&a.w, &a.turns, 50));
	CHECK_INT(a.w.r.calls, 100);
	proactor_event_release(event);
	world_close(&a.w);
}

#define CROWD	500

/* Some are in time, some are not, and each is called back once. */
static void
crowd(void)
{
	struct pair {
		struct proactor_timer_op timer;
		struct proactor_timeout_op timeout;
	} *pairs = calloc(CROWD, sizeof(*pairs));
	struct proactor_op *ops[2];
	struct world w;
	int64_t now;
	size_t i;
	bool late;

	CHECK(pairs != NULL);
	world_open(&w, NULL);
	now = proactor_now();
	for (i = 0; i < CROWD; i++) {
		proactor_timer_op_init(&pairs[i].timer,
		    now + (int64_t)(i * 7919 % CROWD) * 20000, record, &w.r);
		timeout_init(&pairs[i].timeout, &w,
		    now + (int64_t)(i * 104729 % CROWD) * 20000);
		ops[0] = &pairs[i].timer.base;
		ops[1] = &pairs[i].timeout.base;
		submit_chain(&w, ops, 2);
	}
	CHECK(poll_until(&w, &w.r.finals, 2 * CROWD));
	for (i = 0; i < CROWD; i++) {
		late = pairs[i].timeout.deadline < pairs[i].timer.deadline;
		CHECK_INT(calls_of(&w.r, &pairs[i].timer), 1);
		CHECK_INT(status_of(&w.r, &pairs[i].timer),
		    late ? PROACTOR_ECANCELED : 0);
		CHECK_INT(status_of(&w.r, &pairs[i].timeout),
		    late ? PROACTOR_ETIMEDOUT : PROACTOR_ECANCELED);
	}
	world_close(&w);
	free(pairs);
}

struct stranger {
	struct world *w;
	struct proactor_op *ops[2];
	atomic_bool stop;
};

static void *
interfere(void *arg)
{
	struct stranger *x = arg;
	int i, status;

	for (i = 0; !atomic_load(&x->stop); i++) {
		status = proactor_cancel(x->w->p, x->ops[i % 2]);
		CHECK(status == 0 || status == PROACTOR_ENOENT);
	}
	return NULL;
}

static void
cancelled_by_a_thread(void)
{
	struct proactor_timer_op timer;
	struct proactor_timeout_op timeout;
	struct stranger x;
	pthread_t thread;
	struct world w;
	size_t i;
	int status, ended;

	world_open(&w, NULL);
	poll_barrier(&w);
	proactor_timer_op_init(&timer, 0, record, &w.r);
	timeout_init(&timeout, &w, 0);
	x.w = &w;
	x.ops[0] = &timer.base;
	x.ops[1] = &timeout.base;
	atomic_init(&x.stop, false);
	thread_start(&thread, interfere, &x);
	for (i = 0; i < 2000; i++) {
		timer.deadline = proactor_now() + 20000;
		timeout.deadline = proactor_now() + 20000;
		submit_chain(&w, x.ops, 2);
		CHECK(poll_until(&w, &w.r.finals, 2 * i + 2));
		CHECK(w.r.seen[2 * i].op == x.ops[0]);
		CHECK(w.r.seen[2 * i + 1].op == x.ops[1]);
		status = w.r.seen[2 * i].status;
		ended = w.r.seen[2 * i + 1].status;
		CHECK(status == 0 || status == PROACTOR_ECANCELED);
		CHECK(ended == PROACTOR_ECANCELED ||
		    (ended == PROACTOR_ETIMEDOUT &&
		    status == PROACTOR_ECANCELED));
	}
	atomic_store(&x.stop, true);
	thread_join(thread);
	world_close(&w);
}

static void *
submit_elsewhere(void *arg)
{
	struct stranger *x = arg;

	CHECK_INT(proactor_submit(x->w->p, x->ops, 2), 0);
	return NULL;
}

static void
submitted_by_a_thread(void)
{
	struct proactor_event_wait_op wait_op;
	struct proactor_timeout_op timeout;
	struct proactor_event *event;
	struct stranger x;
	pthread_t thread;
	struct world w;

	world_open(&w, NULL);
	CHECK_INT(proactor_event_create(w.p, &event), 0);
	proactor_event_wait_op_init(&wait_op, event, record, &w.r);
	timeout_init(&timeout, &w, proactor_deadline_after(SOON));
	x.w = &w;
	x.ops[0] = &wait_op.base;
	x.ops[1] = &timeout.base;
	link_up(x.ops, 2);
	thread_start(&thread, submit_elsewhere, &x);
	CHECK(poll_until(&w, &w.r.finals, 2));
	thread_join(thread);
	CHECK_INT(status_of(&w.r, &wait_op), PROACTOR_ECANCELED);
	CHECK_INT(status_of(&w.r, &timeout), PROACTOR_ETIMEDOUT);
	proactor_event_release(event);
	world_close(&w);
}

/* --- the end of the proactor --- */

struct left {
	struct trio *t;
	size_t count;
};

static void
tell(void *user_data, struct proactor_op *op)
{
	struct left *left = user_data;

	CHECK(op == left->t->ops[0] || op == left->t->ops[1] ||
	    op == left->t->ops[2]);
	left->count++;
}

static void
ended(bool polled, bool orderly)
{
	struct proactor_event_wait_op wait_op;
	struct proactor_event *event;
	struct left left;
	struct trio t;
	struct world w;

	world_open(&w, NULL);
	CHECK_INT(proactor_event_create(w.p, &event), 0);
	proactor_event_wait_op_init(&wait_op, event, record, &w.r);
	trio_submit(&t, &w, &wait_op.base, PROACTOR_FOREVER - 1);
	if (polled) {
		poll_barrier(&w);
		left.t = &t;
		left.count = 0;
		CHECK_INT(proactor_shutdown_remaining(w.p, tell, &left), 3);
		CHECK_INT(left.count, 3);
	}
	if (orderly) {
		CHECK_INT(proactor_shutdown(w.p, patience()), 0);
		CHECK_INT(w.r.calls, 3);
		CHECK_INT(w.r.seen[0].status, PROACTOR_ECANCELED);
		CHECK_INT(w.r.seen[1].status, PROACTOR_ECANCELED);
		CHECK_INT(w.r.seen[2].status, PROACTOR_ECANCELED);
	}
	proactor_event_release(event);
	proactor_release(w.p);
	CHECK_INT(w.r.calls, orderly ? 3 : 0);
	recorder_clear(&w.r);
	/* They are the caller's again. */
	world_open(&w, NULL);
	CHECK_INT(proactor_event_create(w.p, &event), 0);
	wait_op.event = event;
	wait_op.base.user_data = &w.r;
	wait_op.base.flags = 0;
	trio_submit(&t, &w, &wait_op.base, 0);
	trio_check(&t, &w, PROACTOR_ECANCELED, PROACTOR_ETIMEDOUT,
	    PROACTOR_ECANCELED);
	proactor_event_release(event);
	world_close(&w);
}

static void
shut_down(void)
{
	ended(true, true);
	ended(false, true);
}

static void
released(void)
{
	ended(true, false);
	ended(false, false);
}

const struct tap_case timeout_end_cases[] = {
	{ "timeout: cancel of its operation ends both", operation_cancelled },
	{ "timeout: its own cancel calls off the deadline",
	    timeout_cancelled },
	{ "timeout: submitted again and again, from its callback",
	    resubmitted },
	{ "timeout: five hundred against five hundred timers", crowd },
	{ "timeout: cancelled by another thread, once each",
	    cancelled_by_a_thread },
	{ "timeout: submitted by another thread", submitted_by_a_thread },
	{ "timeout: shutdown ends it in its turn", shut_down },
	{ "timeout: release leaves it to the caller", released },
	{ NULL, NULL }
};
