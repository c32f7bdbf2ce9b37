/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conformance/conformance.h"

/* Submission: batches, order, refusals. */

#define MANY		100000

static void
nop_next_poll(void)
{
	struct world w;
	struct proactor_nop_op nop;
	size_t completed = 99;

	world_open(&w, NULL);
	proactor_nop_op_init(&nop, record, &w.r);
	CHECK_INT(proactor_submit_one(w.p, &nop.base), 0);
	CHECK_INT(w.r.calls, 0);
	CHECK_INT(proactor_poll(w.p, PROACTOR_IMMEDIATE, &completed), 0);
	CHECK_INT(completed, 1);
	CHECK_INT(w.r.calls, 1);
	CHECK_INT(w.r.seen[0].status, 0);
	CHECK_INT(w.r.seen[0].flags, 0);
	CHECK(w.r.seen[0].op == &nop.base);
	/* And from now on without a mailbox between. */
	CHECK_INT(proactor_submit_one(w.p, &nop.base), 0);
	CHECK_INT(w.r.calls, 1);
	CHECK_INT(proactor_poll(w.p, PROACTOR_IMMEDIATE, &completed), 0);
	CHECK_INT(completed, 1);
	CHECK_INT(w.r.calls, 2);
	world_close(&w);
}

static void
nops_in_order(void)
{
	static struct proactor_nop_op nops[1000];
	struct world w;
	size_t i, round;

	world_open(&w, NULL);
	for (round = 0; round < 2; round++) {
		for (i = 0; i < COUNT(nops); i++) {
			proactor_nop_op_init(&nops[i], record, &w.r);
			CHECK_INT(proactor_submit_one(w.p, &nops[i].base), 0);
		}
		CHECK(poll_until(&w, &w.r.finals, COUNT(nops)));
		for (i = 0; i < COUNT(nops); i++)
			CHECK(w.r.seen[i].op == &nops[i].base);
		recorder_clear(&w.r);
	}
	world_close(&w);
}

static void
user_data_unchanged(void)
{
	struct recorder mine = {0};
	struct world w;
	struct proactor_nop_op a, b;

	world_open(&w, NULL);
	proactor_nop_op_init(&a, record, &w.r);
	proactor_nop_op_init(&b, record, &mine);
	CHECK_INT(proactor_submit_one(w.p, &a.base), 0);
	CHECK_INT(proactor_submit_one(w.p, &b.base), 0);
	CHECK(poll_until(&w, &w.r.finals, 1));
	CHECK(poll_until(&w, &mine.finals, 1));
	CHECK_INT(finals_of(&w.r, &a), 1);
	CHECK_INT(finals_of(&mine, &b), 1);
	CHECK(a.base.callback == record && a.base.user_data == &w.r);
	recorder_clear(&mine);
	world_close(&w);
}

static void
empty_batch(void)
{
	struct world w;
	struct proactor_nop_op nop;
	struct proactor_op *ops[] = { &nop.base };

	world_open(&w, NULL);
	proactor_nop_op_init(&nop, record, &w.r);
	CHECK_INT(proactor_submit(w.p, ops, 0), 0);
	CHECK(poll_quiet(&w));
	CHECK_INT(run_one(&w, &nop.base), 0);
	world_close(&w);
}

static void
before_first_poll(void)
{
	struct proactor_nop_op *nops;
	struct world w;
	size_t i;

	nops = calloc(MANY, sizeof(*nops));
	CHECK(nops != NULL);
	world_open(&w, NULL);
	for (i = 0; i < MANY; i++) {
		proactor_nop_op_init(&nops[i], record, &w.r);
		CHECK_INT(proactor_submit_one(w.p, &nops[i].base), 0);
	}
	CHECK_INT(w.r.calls, 0);
	CHECK(poll_until(&w, &w.r.finals, MANY));
	for (i = 0; i < MANY; i++)
		CHECK(w.r.seen[i].op == &nops[i].base);
	CHECK(poll_quiet(&w));
	world_close(&w);
	free(nops);
}

static void
one_large_batch(void)
{
	struct proactor_nop_op *nops;
	struct proactor_op **ops;
	struct world w;
	size_t i, round;

	nops = calloc(MANY, sizeof(*nops));
	ops = calloc(MANY, sizeof(*ops));
	CHECK(nops != NULL && ops != NULL);
	world_open(&w, NULL);
	for (i = 0; i < MANY; i++) {
		proactor_nop_op_init(&nops[i], record, &w.r);
		ops[i] = &nops[i].base;
	}
	for (round = 1; round <= 2; round++) {
		CHECK_INT(proactor_submit(w.p, ops, MANY), 0);
		CHECK(poll_until(&w, &w.r.finals, round * MANY));
	}
	for (i = 0; i < 2 * MANY; i++)
		CHECK(w.r.seen[i].op == ops[i % MANY]);
	world_close(&w);
	free(ops);
	free(nops);
}

static void
busy_twice(void)
{
	struct world w;
	struct proactor_timer_op timer;
	struct proactor_nop_op nop;
	struct proactor_op *ops[] = { &nop.base, &timer.base };

	world_open(&w, NULL);
	proactor_timer_op_init(&timer, PROACTOR_FOREVER, record, &w.r);
	proactor_nop_op_init(&nop, record, &w.r);
	CHECK_INT(proactor_submit_one(w.p, &timer.base), 0);
	CHECK_INT(proactor_submit_one(w.p, &timer.base), PROACTOR_EBUSY);
	CHECK(poll_quiet(&w));
	CHECK_INT(proactor_submit_one(w.p, &timer.base), PROACTOR_EBUSY);
	CHECK_INT(proactor_submit(w.p, ops, COUNT(ops)), PROACTOR_EBUSY);
	CHECK(poll_quiet(&w));
	CHECK_INT(proactor_cancel(w.p, &timer.base), 0);
	CHECK(poll_until(&w, &w.r.finals, 1));
	CHECK(poll_quiet(&w));
	CHECK_INT(w.r.calls, 1);
	CHECK_INT(status_of(&w.r, &timer), PROACTOR_ECANCELED);
	world_close(&w);
}

static void
twice_in_one_batch(void)
{
	struct world w;
	struct proactor_nop_op a, b;
	struct proactor_op *ops[] = { &a.base, &b.base, &a.base };

	world_open(&w, NULL);
	proactor_nop_op_init(&a, record, &w.r);
	proactor_nop_op_init(&b, record, &w.r);
	CHECK_INT(proactor_submit(w.p, ops, COUNT(ops)), PROACTOR_EBUSY);
	CHECK(poll_quiet(&w));
	CHECK_INT(run_one(&w, &a.base), 0);
	CHECK_INT(run_one(&w, &b.base), 0);
	CHECK_INT(w.r.calls, 2);
	world_close(&w);
}

/* Spoils one of a batch in the way of its number; false after the last. */
static bool
spoil(struct proactor_op **op, struct proactor_nop_op *good, unsigned int way,
    int *ret_status)
{
	*ret_status = PROACTOR_EINVAL;
	switch (way) {
	case 0:
		*op = NULL;
		return true;
	case 1:
		good->base.type = 0;
		return true;
	case 2:
		good->base.type = 4711;
		return true;
	case 3:
		good->base.flags = 0x80000000u;
		return true;
	case 4:
		good->base.flags = PROACTOR_OP_MULTISHOT;
		return true;
	case 5:
		good->base.pool = (struct proactor_op_pool *)good;
		return true;
	default:
		return false;
	}
}

/* The good ones of a refused batch are nobody's but the caller's. */
static void
whole_or_not_at_all(void)
{
	struct world w;
	struct proactor_nop_op nops[5];
	struct proactor_op *ops[5];
	unsigned int way;
	size_t i, bad, finals = 0;
	int wanted;

	world_open(&w, NULL);
	for (bad = 0; bad < 5; bad++) {
		for (way = 0;; way++) {
			for (i = 0; i < 5; i++) {
				proactor_nop_op_init(&nops[i], record, &w.r);
				ops[i] = &nops[i].base;
			}
			if (!spoil(&ops[bad], &nops[bad], way, &wanted))
				break;
			CHECK_INT(proactor_submit(w.p, ops, 5), wanted);
			for (i = 0; i < 5; i++)
				if (i != bad)
					CHECK_INT(proactor_cancel(w.p,
					    ops[i]), PROACTOR_ENOENT);
			CHECK_INT(proactor_poll(w.p, PROACTOR_IMMEDIATE, NULL),
			    PROACTOR_ETIMEDOUT);
			CHECK_INT(w.r.finals, finals);
			proactor_nop_op_init(&nops[bad], record, &w.r);
			ops[bad] = &nops[bad].base;
			CHECK_INT(proactor_submit(w.p, ops, 5), 0);
			finals += 5;
			CHECK(poll_until(&w, &w.r.finals, finals));
		}
	}
	CHECK(poll_quiet(&w));
	world_close(&w);
}

static void *
wake_it(void *arg)
{
	CHECK_INT(proactor_wake(arg), 0);
	return NULL;
}

static void *
submit_it(void *arg)
{
	struct world *w = arg;
	static struct proactor_nop_op nop;

	proactor_nop_op_init(&nop, record, &w->r);
	CHECK_INT(proactor_submit_one(w->p, &nop.base), 0);
	return NULL;
}

/* Refusals must not unbalance what decides whether the poller is woken. */
static void
refusal_keeps_wakeups(void)
{
	struct world w;
	struct proactor_nop_op good, bad;
	struct proactor_timer_op timer;
	struct proactor_op *ops[] = { &good.base, &timer.base, &bad.base };
	pthread_t thread;
	int i;

	world_open(&w, NULL);
	proactor_nop_op_init(&good, record, &w.r);
	proactor_timer_op_init(&timer, 0, record, &w.r);
	memset(&bad, 0, sizeof(bad));
	for (i = 0; i < 100; i++)
		CHECK_INT(proactor_submit(w.p, ops, 3), PROACTOR_EINVAL);
	thread_start(&thread, wake_it, w.p);
	CHECK_INT(proactor_poll(w.p, patience(), NULL), 0);
	thread_join(thread);
	CHECK_INT(w.r.calls, 0);
	for (i = 0; i < 100; i++)
		CHECK_INT(proactor_submit(w.p, ops, 3), PROACTOR_EINVAL);
	thread_start(&thread, submit_it, &w);
	CHECK(poll_until(&w, &w.r.finals, 1));
	thread_join(thread);
	CHECK(poll_quiet(&w));
	CHECK_INT(w.r.calls, 1);
	world_close(&w);
}

/* --- cancel as such --- */

static void
cancel_not_in_flight(void)
{
	struct world w;
	struct proactor_nop_op nop;
	int i;

	world_open(&w, NULL);
	proactor_nop_op_init(&nop, record, &w.r);
	for (i = 0; i < 1000; i++)
		CHECK_INT(proactor_cancel(w.p, &nop.base), PROACTOR_ENOENT);
	CHECK_INT(run_one(&w, &nop.base), 0);
	for (i = 0; i < 1000; i++)
		CHECK_INT(proactor_cancel(w.p, &nop.base), PROACTOR_ENOENT);
	CHECK(poll_quiet(&w));
	/* It costs nothing later: the next flight is not cancelled by it. */
	CHECK_INT(run_one(&w, &nop.base), 0);
	CHECK_INT(w.r.calls, 2);
	world_close(&w);
}

static void
cancel_nop(void)
{
	struct world w;
	struct proactor_nop_op nop;
	int status;

	world_open(&w, NULL);
	proactor_nop_op_init(&nop, record, &w.r);
	for (size_t i = 1; i <= 2; i++) {
		CHECK_INT(proactor_submit_one(w.p, &nop.base), 0);
		CHECK_INT(proactor_cancel(w.p, &nop.base), 0);
		CHECK_INT(w.r.calls, i - 1);
		CHECK(poll_until(&w, &w.r.finals, i));
		status = status_of(&w.r, &nop);
		CHECK(status == 0 || status == PROACTOR_ECANCELED);
	}
	CHECK(poll_quiet(&w));
	CHECK_INT(w.r.calls, 2);
	world_close(&w);
}

static void
cancel_twice(void)
{
	struct world w;
	struct proactor_timer_op timer;

	world_open(&w, NULL);
	proactor_timer_op_init(&timer, PROACTOR_FOREVER, record, &w.r);
	CHECK_INT(proactor_submit_one(w.p, &timer.base), 0);
	CHECK(poll_quiet(&w));
	CHECK_INT(proactor_cancel(w.p, &timer.base), 0);
	CHECK_INT(proactor_cancel(w.p, &timer.base), 0);
	CHECK(poll_until(&w, &w.r.finals, 1));
	CHECK_INT(proactor_cancel(w.p, &timer.base), PROACTOR_ENOENT);
	CHECK(poll_quiet(&w));
	CHECK_INT(w.r.calls, 1);
	world_close(&w);
}

static void
cancel_of_another(void)
{
	struct world w, other;
	struct proactor_timer_op timer;

	world_open(&w, NULL);
	world_open(&other, NULL);
	proactor_timer_op_init(&timer, PROACTOR_FOREVER, record, &w.r);
	CHECK_INT(proactor_submit_one(w.p, &timer.base), 0);
	CHECK(poll_quiet(&w));
	CHECK_INT(proactor_cancel(other.p, &timer.base), PROACTOR_ENOENT);
	CHECK_INT(proactor_submit_one(other.p, &timer.base), PROACTOR_EBUSY);
	CHECK(poll_quiet(&w));
	CHECK(poll_quiet(&other));
	CHECK_INT(proactor_cancel(w.p, &timer.base), 0);
	CHECK(poll_until(&w, &w.r.finals, 1));
	/* Now that it has ended it may fly elsewhere, and come back. */
	timer.deadline = 1;
	timer.base.user_data = &other.r;
	CHECK_INT(run_one(&other, &timer.base), 0);
	timer.base.user_data = &w.r;
	CHECK_INT(run_one(&w, &timer.base), 0);
	CHECK_INT(w.r.calls, 2);
	CHECK_INT(other.r.calls, 1);
	world_close(&other);
	world_close(&w);
}

const struct tap_case submit_cases[] = {
	{ "submit: a nop completes in the next poll, never in submit",
	    nop_next_poll },
	{ "submit: nops complete in submission order", nops_in_order },
	{ "submit: the callback gets its own user data",
	    user_data_unchanged },
	{ "submit: an empty batch is 0 and nothing", empty_batch },
	{ "submit: 100,000 before the first poll all complete in order",
	    before_first_poll },
	{ "submit: a batch of 100,000 is taken, twice", one_large_batch },
	{ "submit: an operation in flight is EBUSY and flies on",
	    busy_twice },
	{ "submit: an operation twice in one batch is EBUSY",
	    twice_in_one_batch },
	{ "submit: one bad operation refuses the batch, wherever it is",
	    whole_or_not_at_all },
	{ "submit: a refused batch loses no later wake-up",
	    refusal_keeps_wakeups },
	{ "cancel: not in flight is ENOENT and costs nothing later",
	    cancel_not_in_flight },
	{ "cancel: a nop before its poll has one callback", cancel_nop },
	{ "cancel: twice is one callback", cancel_twice },
	{ "cancel: through another proactor is ENOENT and touches nothing",
	    cancel_of_another },
	{ NULL, NULL }
};
