/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "conformance/timepoint.h"

/* Timepoints: what other threads do while a callback runs, or is due. */

struct visitor {
	struct proactor_timepoint point;
	struct scene *c;
	atomic_bool inside;
	atomic_bool leave;
	atomic_bool left;
};

static void
stay(void *user_data, struct proactor_timepoint *point, int status)
{
	struct visitor *v = user_data;

	(void)point;
	CHECK_INT(status, 0);
	atomic_store(&v->inside, true);
	while (!atomic_load(&v->leave))
		sched_yield();
	atomic_store(&v->left, true);
}

static void *
signal_one(void *arg)
{
	struct visitor *v = arg;

	signal_to(v->c->s, 1);
	return NULL;
}

static void
visitor_enter(struct visitor *v, struct scene *c, pthread_t *thread)
{
	scene_open(c);
	v->c = c;
	atomic_init(&v->inside, false);
	atomic_init(&v->leave, false);
	atomic_init(&v->left, false);
	proactor_timepoint_init(&v->point, stay, v);
	CHECK_INT(proactor_semaphore_acquire_timepoint(c->s, 1, &v->point),
	    0);
	thread_start(thread, signal_one, v);
	while (!atomic_load(&v->inside))
		sched_yield();
}

/* While a callback runs, everything else about its semaphore works. */
static void
no_lock_is_held(void)
{
	pthread_t thread;
	struct visitor v;
	struct scene c;

	visitor_enter(&v, &c, &thread);
	CHECK_INT(value_of(c.s), 1);
	mark_at(&c.marks[0], c.s, 1);
	mark_check(&c.marks[0], 1, 0);
	mark_at(&c.marks[1], c.s, 2);
	mark_at(&c.marks[2], c.s, 3);
	signal_to(c.s, 2);
	mark_check(&c.marks[1], 1, 0);
	CHECK_INT(cancel(&c.marks[2], c.s), 0);
	mark_at(&c.marks[2], c.s, 4);
	CHECK_INT(proactor_semaphore_fail(c.s, PROACTOR_EIO), 0);
	mark_check(&c.marks[2], 1, PROACTOR_EIO);
	atomic_store(&v.leave, true);
	thread_join(thread);
	scene_close(&c);
}

struct waiter {
	struct visitor *v;
	atomic_bool begun;
	bool left_first;
	int result;
};

static void *
cancel_visit(void *arg)
{
	struct waiter *wait = arg;

	atomic_store(&wait->begun, true);
	wait->result = proactor_semaphore_cancel_timepoint(wait->v->c->s,
	    &wait->v->point);
	wait->left_first = atomic_load(&wait->v->left);
	return NULL;
}

static void
cancel_waits_for_the_callback(void)
{
	pthread_t threads[3];
	struct waiter waits[2];
	struct visitor v;
	struct scene c;
	int i;

	visitor_enter(&v, &c, &threads[2]);
	for (i = 0; i < 2; i++) {
		waits[i].v = &v;
		atomic_init(&waits[i].begun, false);
		thread_start(&threads[i], cancel_visit, &waits[i]);
	}
	for (i = 0; i < 2; i++)
		while (!atomic_load(&waits[i].begun))
			sched_yield();
	for (i = 0; i < 100; i++)
		sched_yield();
	atomic_store(&v.leave, true);
	for (i = 0; i < 3; i++)
		thread_join(threads[i]);
	for (i = 0; i < 2; i++) {
		CHECK_INT(waits[i].result, PROACTOR_ENOENT);
		CHECK(waits[i].left_first);
	}
	scene_close(&c);
}

/* A timepoint that is freed as soon as cancel has returned. */
struct frail {
	struct proactor_timepoint point;
	atomic_size_t *calls;
	uint64_t alive;
};

static void
touch(void *user_data, struct proactor_timepoint *point, int status)
{
	struct frail *f = user_data;

	(void)point;
	CHECK_INT(status, 0);
	CHECK_INT(f->alive, 0x11fe);
	atomic_fetch_add(f->calls, 1);
	CHECK_INT(f->alive, 0x11fe);
}

#define ROUNDS	5000

struct climb {
	struct proactor_semaphore *s;
	_Atomic uint64_t armed;
};

static void *
climb(void *arg)
{
	struct climb *m = arg;
	uint64_t value;

	for (value = 1; value <= ROUNDS; value++) {
		while (atomic_load(&m->armed) < value)
			sched_yield();
		signal_to(m->s, value);
	}
	return NULL;
}

static void
freed_after_cancel(void)
{
	atomic_size_t calls;
	struct frail *f;
	struct climb m;
	struct scene c;
	pthread_t thread;
	size_t late = 0;
	uint64_t value;
	int result;

	scene_open(&c);
	m.s = c.s;
	atomic_init(&m.armed, 0);
	atomic_init(&calls, 0);
	thread_start(&thread, climb, &m);
	for (value = 1; value <= ROUNDS; value++) {
		f = malloc(sizeof(*f));
		CHECK(f != NULL);
		f->calls = &calls;
		f->alive = 0x11fe;
		proactor_timepoint_init(&f->point, touch, f);
		CHECK_INT(proactor_semaphore_acquire_timepoint(c.s, value,
		    &f->point), 0);
		atomic_store(&m.armed, value);
		if (value % 3 == 0)
			sched_yield();
		result = proactor_semaphore_cancel_timepoint(c.s, &f->point);
		CHECK(result == 0 || result == PROACTOR_ENOENT);
		late += result != 0;
		f->alive = 0;
		free(f);
	}
	thread_join(thread);
	CHECK_INT(atomic_load(&calls), late);
	scene_close(&c);
}

const struct tap_case timepoint_thread_cases[] = {
	{ "timepoint: no lock is held during a callback", no_lock_is_held },
	{ "timepoint: a late cancel waits for the callback to return",
	    cancel_waits_for_the_callback },
	{ "timepoint: may be freed after any cancel, 5,000 races",
	    freed_after_cancel },
	{ NULL, NULL }
};
