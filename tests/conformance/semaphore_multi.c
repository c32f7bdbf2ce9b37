/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <sched.h>
#include <stdatomic.h>

#include "conformance/semaphore.h"

/* Threads that block until all or any of some semaphores are reached. */

#define MILLISECOND	INT64_C(1000000)
#define MOST		PROACTOR_MULTI_WAIT_MAX

struct scene {
	struct world w;
	struct proactor_semaphore *s[MOST + 1];
	uint64_t values[MOST + 1];
};

static void
scene_open(struct scene *c)
{
	size_t i;

	world_open(&c->w, NULL);
	for (i = 0; i <= MOST; i++) {
		c->s[i] = semaphore_open(&c->w, 0);
		c->values[i] = 1;
	}
}

static void
scene_close(struct scene *c)
{
	size_t i;

	for (i = 0; i <= MOST; i++)
		proactor_semaphore_release(c->s[i]);
	world_close(&c->w);
}

static int
wait_for(struct scene *c, unsigned int flags, size_t count, int64_t deadline,
    size_t *ret_index)
{
	return proactor_semaphore_multi_wait(flags, c->s, c->values, count,
	    deadline, 0, ret_index);
}

static void
reached_already(void)
{
	struct scene c;
	size_t index = 77;

	scene_open(&c);
	signal_to(c.s[2], 1);
	signal_to(c.s[3], 1);
	CHECK_INT(wait_for(&c, PROACTOR_WAIT_ANY, 4, PROACTOR_IMMEDIATE,
	    &index), 0);
	CHECK_INT(index, 2);
	CHECK_INT(wait_for(&c, PROACTOR_WAIT_ALL, 4, PROACTOR_IMMEDIATE,
	    NULL), PROACTOR_ETIMEDOUT);
	signal_to(c.s[0], 5);
	signal_to(c.s[1], 1);
	CHECK_INT(wait_for(&c, PROACTOR_WAIT_ALL, 4, PROACTOR_FOREVER,
	    &index), 0);
	CHECK_INT(index, 0);
	CHECK_INT(wait_for(&c, PROACTOR_WAIT_ANY, 4, PROACTOR_FOREVER,
	    NULL), 0);
	scene_close(&c);
}

static void
deadline_passes(void)
{
	static const int64_t spins[] = { 0, MILLISECOND, PROACTOR_FOREVER };
	struct scene c;
	int64_t deadline;
	size_t i, index = 77;

	scene_open(&c);
	for (i = 0; i < 3; i++) {
		deadline = proactor_deadline_after(5 * MILLISECOND);
		CHECK_INT(proactor_semaphore_multi_wait(PROACTOR_WAIT_ANY,
		    c.s, c.values, 8, deadline, spins[i], &index),
		    PROACTOR_ETIMEDOUT);
		CHECK(proactor_now() >= deadline);
	}
	CHECK_INT(wait_for(&c, PROACTOR_WAIT_ALL, 8, 1, &index),
	    PROACTOR_ETIMEDOUT);
	CHECK_INT(wait_for(&c, PROACTOR_WAIT_ALL, 8, -5, &index),
	    PROACTOR_ETIMEDOUT);
	CHECK_INT(index, 77);
	/* Nothing of it is left behind. */
	for (i = 0; i < 8; i++)
		signal_to(c.s[i], 1);
	scene_close(&c);
}

static void
failure_ends_it(void)
{
	struct scene c;
	size_t index = 77;

	scene_open(&c);
	signal_to(c.s[0], 1);
	CHECK_INT(proactor_semaphore_fail(c.s[1], PROACTOR_EIO), 0);
	CHECK_INT(wait_for(&c, PROACTOR_WAIT_ALL, 3, PROACTOR_FOREVER,
	    &index), PROACTOR_EIO);
	CHECK_INT(index, 77);
	/* For ANY the first in order decides. */
	CHECK_INT(wait_for(&c, PROACTOR_WAIT_ANY, 3, PROACTOR_FOREVER,
	    &index), 0);
	CHECK_INT(index, 0);
	CHECK_INT(proactor_semaphore_multi_wait(PROACTOR_WAIT_ANY, c.s + 1,
	    c.values, 2, PROACTOR_FOREVER, 0, &index), PROACTOR_EIO);
	scene_close(&c);
}

static void
bad_arguments(void)
{
	struct proactor_semaphore *none[2] = { NULL, NULL };
	static const unsigned int flags[] = { 0, 3, 4, 5, 0x80000001 };
	struct scene c;
	size_t i;

	scene_open(&c);
	none[0] = c.s[0];
	for (i = 0; i < 5; i++)
		CHECK_INT(wait_for(&c, flags[i], 1, PROACTOR_IMMEDIATE,
		    NULL), PROACTOR_EINVAL);
	CHECK_INT(wait_for(&c, PROACTOR_WAIT_ALL, 0, PROACTOR_IMMEDIATE,
	    NULL), PROACTOR_EINVAL);
	CHECK_INT(wait_for(&c, PROACTOR_WAIT_ALL, MOST + 1,
	    PROACTOR_IMMEDIATE, NULL), PROACTOR_EINVAL);
	CHECK_INT(wait_for(&c, PROACTOR_WAIT_ALL, SIZE_MAX,
	    PROACTOR_IMMEDIATE, NULL), PROACTOR_EINVAL);
	CHECK_INT(wait_for(&c, PROACTOR_WAIT_ALL, MOST, PROACTOR_IMMEDIATE,
	    NULL), PROACTOR_ETIMEDOUT);
	CHECK_INT(proactor_semaphore_multi_wait(PROACTOR_WAIT_ALL, none,
	    c.values, 2, 0, 0, NULL), PROACTOR_EINVAL);
	CHECK_INT(proactor_semaphore_multi_wait(PROACTOR_WAIT_ALL, NULL,
	    c.values, 2, 0, 0, NULL), PROACTOR_EINVAL);
	CHECK_INT(proactor_semaphore_multi_wait(PROACTOR_WAIT_ALL, c.s,
	    NULL, 2, 0, 0, NULL), PROACTOR_EINVAL);
	CHECK_INT(proactor_semaphore_multi_wait(PROACTOR_WAIT_ALL, c.s,
	    c.values, 2, 0, -1, NULL), PROACTOR_EINVAL);
	scene_close(&c);
}

/* --- woken by another thread --- */

struct waiter {
	struct scene *c;
	unsigned int flags;
	size_t count;
	int64_t spin;
	atomic_bool begun;
	atomic_bool done;
	int status;
	size_t index;
	pthread_t thread;
};

static void *
block(void *arg)
{
	struct waiter *v = arg;

	atomic_store(&v->begun, true);
	v->status = proactor_semaphore_multi_wait(v->flags, v->c->s,
	    v->c->values, v->count, patience(), v->spin, &v->index);
	atomic_store(&v->done, true);
	return NULL;
}

static void
block_start(struct waiter *v, struct scene *c, unsigned int flags,
    size_t count, int64_t spin)
{
	int i;

	v->c = c;
	v->flags = flags;
	v->count = count;
	v->spin = spin;
	v->index = 77;
	atomic_init(&v->begun, false);
	atomic_init(&v->done, false);
	thread_start(&v->thread, block, v);
	while (!atomic_load(&v->begun))
		sched_yield();
	/* Mostly it sleeps by now; it must be told in any case. */
	for (i = 0; i < 20; i++)
		sched_yield();
}

static void
woken_by_any(void)
{
	struct waiter v;
	struct scene c;
	int round;

	for (round = 0; round < 20; round++) {
		scene_open(&c);
		block_start(&v, &c, PROACTOR_WAIT_ANY, MOST,
		    round % 2 == 0 ? 0 : PROACTOR_FOREVER);
		CHECK(!atomic_load(&v.done));
		signal_to(c.s[MOST], 1);
		signal_to(c.s[40], 1);
		thread_join(v.thread);
		CHECK_INT(v.status, 0);
		CHECK_INT(v.index, 40);
		scene_close(&c);
	}
}

static void
woken_by_all(void)
{
	struct waiter v;
	struct scene c;
	size_t i;
	int round;

	for (round = 0; round < 20; round++) {
		scene_open(&c);
		block_start(&v, &c, PROACTOR_WAIT_ALL, MOST,
		    round % 2 == 0 ? 0 : PROACTOR_FOREVER);
		for (i = 0; i < MOST; i++) {
			CHECK(!atomic_load(&v.done));
			signal_to(c.s[i * 7 % MOST], 1 + i);
		}
		thread_join(v.thread);
		CHECK_INT(v.status, 0);
		CHECK_INT(v.index, 0);
		scene_close(&c);
	}
}

static void
woken_by_failure(void)
{
	struct waiter v;
	struct scene c;
	int round;

	for (round = 0; round < 20; round++) {
		scene_open(&c);
		block_start(&v, &c, round % 2 == 0 ? PROACTOR_WAIT_ALL :
		    PROACTOR_WAIT_ANY, 8, round % 4 < 2 ? 0 : MILLISECOND);
		CHECK_INT(proactor_semaphore_fail(c.s[5], PROACTOR_EPIPE), 0);
		thread_join(v.thread);
		CHECK_INT(v.status, PROACTOR_EPIPE);
		CHECK_INT(v.index, 77);
		scene_close(&c);
	}
}

#define CROWD	8

static void
one_signal_wakes_all(void)
{
	struct waiter v[CROWD];
	struct scene c;
	int i;

	scene_open(&c);
	for (i = 0; i < CROWD; i++)
		block_start(&v[i], &c, i % 2 ? PROACTOR_WAIT_ALL :
		    PROACTOR_WAIT_ANY, 1, 0);
	signal_to(c.s[0], 1);
	for (i = 0; i < CROWD; i++) {
		thread_join(v[i].thread);
		CHECK_INT(v[i].status, 0);
		CHECK_INT(v[i].index, 0);
	}
	scene_close(&c);
}

/* --- inside a callback --- */

static void
signal_and_wait(void *user_data, struct proactor_timepoint *point, int status)
{
	struct scene *c = user_data;

	(void)point;
	CHECK_INT(status, 0);
	signal_to(c->s[1], 1);
	/* Not yet told, since this has not returned; the wait sees to it. */
	CHECK_INT(value_of(c->s[2]), 0);
	CHECK_INT(proactor_semaphore_multi_wait(PROACTOR_WAIT_ALL, c->s + 2,
	    c->values, 1, patience(), 0, NULL), 0);
}

static void
waits_in_a_callback(void)
{
	struct proactor_timepoint point;
	struct scene c;

	scene_open(&c);
	CHECK_INT(proactor_semaphore_link(c.s[1], 1, c.s[2], 1, NULL), 0);
	proactor_timepoint_init(&point, signal_and_wait, &c);
	CHECK_INT(proactor_semaphore_acquire_timepoint(c.s[0], 1, &point), 0);
	signal_to(c.s[0], 1);
	CHECK_INT(value_of(c.s[2]), 1);
	scene_close(&c);
}

const struct tap_case semaphore_multi_cases[] = {
	{ "multi wait: what is reached already needs no wait",
	    reached_already },
	{ "multi wait: ends with the deadline, not before it",
	    deadline_passes },
	{ "multi wait: ends with a failure", failure_ends_it },
	{ "multi wait: bad arguments are EINVAL", bad_arguments },
	{ "multi wait: any of 64 wakes, and is named", woken_by_any },
	{ "multi wait: all of 64 wake, the last of them", woken_by_all },
	{ "multi wait: a failure wakes", woken_by_failure },
	{ "multi wait: one signal wakes every thread",
	    one_signal_wakes_all },
	{ "multi wait: in a callback, for what the callback has signalled",
	    waits_in_a_callback },
	{ NULL, NULL }
};
