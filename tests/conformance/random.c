/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <sched.h>
#include <stdatomic.h>
#include <unistd.h>

#include "conformance/random.h"

/*
 * Random work: operations of every kind are submitted, cancelled, run into
 * each other's closes; each must have exactly one final callback, with a
 * status that makes sense.  The seed is told; PROACTOR_TEST_SEED sets it.
 */

static void
act(struct work *k, bool alone)
{
	struct slot *slot = &k->slots[pick(&k->random, SLOTS)];
	struct end *pair;
	int status;
	char byte;

	switch (pick(&k->random, 16)) {
	case 0:
	case 1:
		status = proactor_cancel(k->w.p, &slot->op.base);
		CHECK(status == (in_flight(slot) ? 0 : PROACTOR_ENOENT));
		if (slot->kind == SEQUENCE)
			(void)proactor_cancel(k->w.p,
			    slot->steps[pick(&k->random, STEPS)]);
		break;
	case 2:
		CHECK_INT(proactor_event_set(k->events[pick(&k->random,
		    EVENTS)]), 0);
		break;
	case 3:
		(void)!write(k->fds[1], "x", 1);
		break;
	case 4:
		(void)!read(k->fds[0], &byte, 1);
		break;
	case 5:
		status = proactor_poll(k->w.p, PROACTOR_IMMEDIATE, NULL);
		CHECK(status == 0 || status == PROACTOR_ETIMEDOUT);
		break;
	case 6:
		if (pick(&k->random, 8) == 0)
			work_close_end(k, &k->ends[pick(&k->random, SOCKETS)]);
		break;
	case 7:
		pair = &k->ends[pick(&k->random, SOCKETS / 2) * 2];
		if (pair[0].closed && pair[1].closed)
			work_open_ends(k, pair);
		break;
	case 8:
		if (alone)
			CHECK_INT(proactor_wake(k->w.p), 0);
		break;
	default:
		if (!in_flight(slot))
			work_submit_slot(k, slot);
		else
			CHECK_INT(proactor_submit_one(k->w.p, &slot->op.base),
			    PROACTOR_EBUSY);
		break;
	}
}

static void
run_alone(uint64_t flags, uint32_t concurrency, uint64_t salt, size_t steps)
{
	struct proactor_options o;
	struct work *k;
	size_t before, i;

	before = open_fds();
	world_options(&o);
	o.flags = flags;
	o.max_concurrent_operations = concurrency;
	k = work_open(&o, salt);
	for (i = 0; i < steps; i++)
		act(k, true);
	work_close(k);
	CHECK_INT(open_fds(), before);
}

static void
random_alone(void)
{
	run_alone(0, 0, 1, 40000);
}

static void
random_small_ring(void)
{
	run_alone(0, 8, 2, 40000);
}

static void
random_deferred(void)
{
	run_alone(PROACTOR_DEFER_SUBMIT, 16, 3, 40000);
}

/* Ends within a few steps, at a different moment each time. */
static void
random_short(void)
{
	int i;

	for (i = 0; i < 40; i++)
		run_alone(0, i % 2 == 0 ? 0 : 8, (uint64_t)i << 8, 20 +
		    (size_t)i * 7);
}

static void *
disturb(void *arg)
{
	struct work *k = arg;
	uint64_t random = atomic_fetch_add(&k->next_thread, 1) + 1;
	struct slot *slot;
	int status;

	while (!atomic_load(&k->stop)) {
		slot = &k->slots[pick(&random, SLOTS)];
		status = proactor_cancel(k->w.p, &slot->op.base);
		CHECK(status == 0 || status == PROACTOR_ENOENT);
		if (pick(&random, 4) == 0)
			CHECK_INT(proactor_event_set(k->events[pick(&random,
			    EVENTS)]), 0);
		if (pick(&random, 4) == 0)
			CHECK_INT(proactor_wake(k->w.p), 0);
		if (pick(&random, 4) == 0)
			CHECK_INT(proactor_notification_signal(k->notification,
			    1), 0);
		sched_yield();
	}
	return NULL;
}

static void
random_disturbed(void)
{
	struct work *k = work_open(NULL, 4);
	pthread_t threads[3];
	size_t i;

	for (i = 0; i < 3; i++)
		thread_start(&threads[i], disturb, k);
	for (i = 0; i < 20000; i++)
		act(k, false);
	atomic_store(&k->stop, true);
	for (i = 0; i < 3; i++)
		thread_join(threads[i]);
	work_close(k);
}

const struct tap_case random_cases[] = {
	{ "random: exactly one final callback each", random_alone },
	{ "random: the same on a ring of 8 entries", random_small_ring },
	{ "random: the same with deferred submission", random_deferred },
	{ "random: the same, shut down after a few steps", random_short },
	{ "random: the same while three threads cancel, set, signal and wake",
	    random_disturbed },
	{ NULL, NULL }
};
