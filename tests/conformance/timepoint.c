/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "conformance/semaphore.h"

/* Timepoints: callbacks at a value of a semaphore, and their withdrawal. */

static void
mark_called(void *user_data, struct proactor_timepoint *point, int status)
{
	struct mark *m = user_data;

	CHECK(point == &m->point);
	m->calls++;
	m->status = status;
	m->thread = pthread_self();
	if (m->clock != NULL)
		m->place = ++*m->clock;
}

void
mark_init(struct mark *m, size_t *clock)
{
	m->calls = 0;
	m->status = 1;
	m->clock = clock;
	m->place = 0;
	proactor_timepoint_init(&m->point, mark_called, m);
}

void
mark_at(struct mark *m, struct proactor_semaphore *s, uint64_t value)
{
	CHECK_INT(proactor_semaphore_acquire_timepoint(s, value, &m->point),
	    0);
}

void
mark_check(const struct mark *m, size_t calls, int status)
{
	CHECK_INT(m->calls, calls);
	if (calls != 0)
		CHECK_INT(m->status, status);
}

static int
cancel(struct mark *m, struct proactor_semaphore *s)
{
	return proactor_semaphore_cancel_timepoint(s, &m->point);
}

struct scene {
	struct world w;
	struct proactor_semaphore *s;
	struct mark marks[64];
	size_t clock;
};

static void
scene_open(struct scene *c)
{
	size_t i;

	world_open(&c->w, NULL);
	c->s = semaphore_open(&c->w, 0);
	c->clock = 0;
	for (i = 0; i < 64; i++)
		mark_init(&c->marks[i], &c->clock);
}

static void
scene_close(struct scene *c)
{
	proactor_semaphore_release(c->s);
	world_close(&c->w);
}

static void *
signal_two(void *arg)
{
	signal_to(arg, 2);
	return NULL;
}

static void
called_when_reached(void)
{
	pthread_t thread;
	struct scene c;

	scene_open(&c);
	mark_at(&c.marks[0], c.s, 1);
	mark_at(&c.marks[1], c.s, 2);
	mark_check(&c.marks[0], 0, 0);
	signal_to(c.s, 1);
	mark_check(&c.marks[0], 1, 0);
	CHECK(pthread_equal(c.marks[0].thread, pthread_self()));
	mark_check(&c.marks[1], 0, 0);
	thread_start(&thread, signal_two, c.s);
	thread_join(thread);
	mark_check(&c.marks[1], 1, 0);
	CHECK(!pthread_equal(c.marks[1].thread, pthread_self()));
	mark_check(&c.marks[0], 1, 0);
	scene_close(&c);
}

static void
called_at_once(void)
{
	struct scene c;

	scene_open(&c);
	mark_at(&c.marks[0], c.s, 0);
	mark_check(&c.marks[0], 1, 0);
	signal_to(c.s, 9);
	mark_at(&c.marks[0], c.s, 3);
	mark_check(&c.marks[0], 2, 0);
	mark_at(&c.marks[0], c.s, 9);
	mark_check(&c.marks[0], 3, 0);
	mark_at(&c.marks[0], c.s, 10);
	mark_check(&c.marks[0], 3, 0);
	CHECK_INT(proactor_semaphore_fail(c.s, PROACTOR_EIO), 0);
	mark_check(&c.marks[0], 4, PROACTOR_EIO);
	/* A failure is for all, those that come later too. */
	mark_at(&c.marks[0], c.s, 3);
	mark_check(&c.marks[0], 5, PROACTOR_EIO);
	scene_close(&c);
}

static void
called_in_order(void)
{
	/* 48 timepoints, 3 of each of 16 values, not in order. */
	struct scene c;
	size_t i, j;
	uint64_t values[48];

	scene_open(&c);
	for (i = 0; i < 48; i++) {
		values[i] = 1 + i * 7 % 16;
		mark_at(&c.marks[i], c.s, values[i]);
	}
	signal_to(c.s, 5);
	CHECK_INT(c.clock, 15);
	signal_to(c.s, 1000);
	CHECK_INT(c.clock, 48);
	for (i = 0; i < 48; i++)
		for (j = i + 1; j < 48; j++)
			CHECK((values[i] <= values[j]) ==
			    (c.marks[i].place < c.marks[j].place));
	scene_close(&c);
}

static void
failure_calls_all(void)
{
	struct scene c;
	size_t i;

	scene_open(&c);
	for (i = 0; i < 64; i++)
		mark_at(&c.marks[i], c.s, i + 1);
	signal_to(c.s, 10);
	CHECK_INT(proactor_semaphore_fail(c.s, PROACTOR_ECONNRESET), 0);
	for (i = 0; i < 64; i++)
		mark_check(&c.marks[i], 1, i < 10 ? 0 :
		    PROACTOR_ECONNRESET);
	scene_close(&c);
}

static void
cancel_in_time(void)
{
	struct scene c;
	size_t i;

	scene_open(&c);
	for (i = 0; i < 64; i++)
		mark_at(&c.marks[i], c.s, 1 + i * 5 % 8);
	for (i = 0; i < 64; i += 3)
		CHECK_INT(cancel(&c.marks[i], c.s), 0);
	for (i = 0; i < 64; i += 3)
		CHECK_INT(cancel(&c.marks[i], c.s), PROACTOR_ENOENT);
	signal_to(c.s, 8);
	for (i = 0; i < 64; i++)
		mark_check(&c.marks[i], i % 3 == 0 ? 0 : 1, 0);
	/* It can be acquired again. */
	mark_at(&c.marks[0], c.s, 9);
	signal_to(c.s, 9);
	mark_check(&c.marks[0], 1, 0);
	scene_close(&c);
}

static void
cancel_too_late(void)
{
	struct proactor_semaphore *other;
	struct scene c;

	scene_open(&c);
	CHECK_INT(cancel(&c.marks[0], c.s), PROACTOR_ENOENT);
	mark_at(&c.marks[0], c.s, 1);
	signal_to(c.s, 1);
	CHECK_INT(cancel(&c.marks[0], c.s), PROACTOR_ENOENT);
	mark_check(&c.marks[0], 1, 0);
	/* Nor by way of another semaphore. */
	other = semaphore_open(&c.w, 0);
	mark_at(&c.marks[0], c.s, 2);
	CHECK_INT(cancel(&c.marks[0], other), PROACTOR_ENOENT);
	signal_to(c.s, 2);
	mark_check(&c.marks[0], 2, 0);
	proactor_semaphore_release(other);
	scene_close(&c);
}

static void
acquired_twice(void)
{
	struct scene c;

	scene_open(&c);
	mark_at(&c.marks[0], c.s, 2);
	CHECK_INT(proactor_semaphore_acquire_timepoint(c.s, 1,
	    &c.marks[0].point), PROACTOR_EBUSY);
	signal_to(c.s, 1);
	mark_check(&c.marks[0], 0, 0);
	signal_to(c.s, 2);
	mark_check(&c.marks[0], 1, 0);
	scene_close(&c);
}

/* --- in callbacks --- */

struct repeat {
	struct proactor_timepoint point;
	struct proactor_semaphore *s;
	uint64_t calls;
	uint64_t last;
};

static void
acquire_again(void *user_data, struct proactor_timepoint *point, int status)
{
	struct repeat *r = user_data;

	CHECK_INT(status, 0);
	/* It is called, so it is too late, and nothing is waited for. */
	CHECK_INT(proactor_semaphore_cancel_timepoint(r->s, point),
	    PROACTOR_ENOENT);
	r->calls++;
	if (r->calls < r->last)
		CHECK_INT(proactor_semaphore_acquire_timepoint(r->s,
		    r->calls + 1, point), 0);
}

static void
again_in_its_callback(void)
{
	struct repeat r = { .last = 100000 };
	struct scene c;

	scene_open(&c);
	r.s = c.s;
	proactor_timepoint_init(&r.point, acquire_again, &r);
	CHECK_INT(proactor_semaphore_acquire_timepoint(c.s, 1, &r.point), 0);
	signal_to(c.s, 1);
	CHECK_INT(r.calls, 1);
	signal_to(c.s, 2);
	CHECK_INT(r.calls, 2);
	/* All of these are due at once; the stack must not grow. */
	signal_to(c.s, r.last);
	CHECK_INT(r.calls, r.last);
	scene_close(&c);
}

static void
free_it(void *user_data, struct proactor_timepoint *point, int status)
{
	CHECK_INT(status, 0);
	(*(size_t *)user_data)++;
	free(point);
}

static void
freed_in_its_callback(void)
{
	struct proactor_timepoint *point;
	struct scene c;
	size_t freed = 0;
	uint64_t i;

	scene_open(&c);
	for (i = 0; i < 100; i++) {
		point = malloc(sizeof(*point));
		CHECK(point != NULL);
		proactor_timepoint_init(point, free_it, &freed);
		CHECK_INT(proactor_semaphore_acquire_timepoint(c.s, i / 4,
		    point), 0);
	}
	signal_to(c.s, 10);
	signal_to(c.s, 100);
	CHECK_INT(freed, 100);
	scene_close(&c);
}

struct canceler {
	struct proactor_timepoint point;
	struct scene *c;
};

static void
cancel_the_others(void *user_data, struct proactor_timepoint *point,
    int status)
{
	struct canceler *e = user_data;
	size_t i;

	(void)point;
	CHECK_INT(status, 0);
	for (i = 0; i < 64; i++)
		CHECK_INT(cancel(&e->c->marks[i], e->c->s), i < 10 ?
		    PROACTOR_ENOENT : 0);
}

/* What the same signal has made due can still be called off. */
static void
cancel_in_a_callback(void)
{
	struct canceler e;
	struct scene c;
	size_t i;

	scene_open(&c);
	e.c = &c;
	for (i = 0; i < 10; i++)
		mark_at(&c.marks[i], c.s, 1);
	proactor_timepoint_init(&e.point, cancel_the_others, &e);
	CHECK_INT(proactor_semaphore_acquire_timepoint(c.s, 1, &e.point), 0);
	for (; i < 64; i++)
		mark_at(&c.marks[i], c.s, 1 + i % 2);
	signal_to(c.s, 1);
	for (i = 0; i < 64; i++)
		mark_check(&c.marks[i], i < 10, 0);
	signal_to(c.s, 5);
	CHECK_INT(c.clock, 10);
	scene_close(&c);
}

static void
signal_the_next(void *user_data, struct proactor_timepoint *point, int status)
{
	struct proactor_semaphore **next = user_data;

	(void)point;
	if (status != 0)
		CHECK_INT(proactor_semaphore_fail(*next, status), 0);
	else
		signal_to(*next, 1);
}

static void
signal_it(void *s)
{
	signal_to(s, 1);
}

static void
fail_it(void *s)
{
	CHECK_INT(proactor_semaphore_fail(s, PROACTOR_EIO), 0);
}

#define CHAIN	10000

/* A callback's signal is told when the callback has returned. */
static void
callbacks_do_not_nest(void)
{
	struct proactor_semaphore **s;
	struct proactor_timepoint *points;
	struct world w;
	size_t i;
	int round;

	world_open(&w, NULL);
	s = calloc(CHAIN + 1, sizeof(*s));
	points = calloc(CHAIN, sizeof(*points));
	CHECK(s != NULL && points != NULL);
	for (round = 0; round < 2; round++) {
		for (i = 0; i <= CHAIN; i++)
			s[i] = semaphore_open(&w, 0);
		for (i = 0; i < CHAIN; i++) {
			proactor_timepoint_init(&points[i], signal_the_next,
			    &s[i + 1]);
			CHECK_INT(proactor_semaphore_acquire_timepoint(s[i],
			    1, &points[i]), 0);
		}
		with_little_stack(round == 0 ? signal_it : fail_it, s[0]);
		CHECK_INT(value_of(s[CHAIN]), round == 0);
		CHECK_INT(proactor_semaphore_query_status(s[CHAIN]),
		    round == 0 ? 0 : PROACTOR_EIO);
		for (i = 0; i <= CHAIN; i++)
			proactor_semaphore_release(s[i]);
	}
	free(points);
	free(s);
	world_close(&w);
}

static void
release_it(void *user_data, struct proactor_timepoint *point, int status)
{
	struct scene *c = user_data;

	(void)point;
	CHECK_INT(status, 0);
	proactor_semaphore_release(c->s);
}

static void
released_in_a_callback(void)
{
	struct proactor_timepoint point;
	struct scene c;

	scene_open(&c);
	mark_at(&c.marks[0], c.s, 1);
	proactor_timepoint_init(&point, release_it, &c);
	CHECK_INT(proactor_semaphore_acquire_timepoint(c.s, 1, &point), 0);
	mark_at(&c.marks[1], c.s, 1);
	mark_at(&c.marks[2], c.s, 2);
	signal_to(c.s, 1);
	mark_check(&c.marks[0], 1, 0);
	mark_check(&c.marks[1], 1, 0);
	mark_check(&c.marks[2], 1, PROACTOR_ECANCELED);
	world_close(&c.w);
}

static void
last_release_calls(void)
{
	struct scene c;
	size_t i;

	scene_open(&c);
	for (i = 0; i < 64; i++)
		mark_at(&c.marks[i], c.s, i + 1);
	signal_to(c.s, 3);
	proactor_semaphore_retain(c.s);
	proactor_semaphore_release(c.s);
	CHECK_INT(c.clock, 3);
	proactor_semaphore_release(c.s);
	for (i = 0; i < 64; i++)
		mark_check(&c.marks[i], 1, i < 3 ? 0 : PROACTOR_ECANCELED);
	world_close(&c.w);
}

/* --- with other threads --- */

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

const struct tap_case timepoint_cases[] = {
	{ "timepoint: is called when its value is reached, by who does",
	    called_when_reached },
	{ "timepoint: of a value that is reached, or of a failure, is "
	    "called at once", called_at_once },
	{ "timepoint: those that are due are called by value, then by age",
	    called_in_order },
	{ "timepoint: a failure calls all that are left",
	    failure_calls_all },
	{ "timepoint: a cancel in time is 0 and there is no callback",
	    cancel_in_time },
	{ "timepoint: a cancel too late is ENOENT", cancel_too_late },
	{ "timepoint: one that is acquired is EBUSY", acquired_twice },
	{ "timepoint: may be acquired again in its callback, 100,000 times "
	    "in a row", again_in_its_callback },
	{ "timepoint: may be freed in its callback", freed_in_its_callback },
	{ "timepoint: a callback may cancel others that are due",
	    cancel_in_a_callback },
	{ "timepoint: 10,000 callbacks that signal the next do not nest",
	    callbacks_do_not_nest },
	{ "timepoint: a callback may drop the last reference",
	    released_in_a_callback },
	{ "timepoint: the last release calls what is left with ECANCELED",
	    last_release_calls },
	{ "timepoint: no lock is held during a callback", no_lock_is_held },
	{ "timepoint: a late cancel waits for the callback to return",
	    cancel_waits_for_the_callback },
	{ "timepoint: may be freed after any cancel, 5,000 races",
	    freed_after_cancel },
	{ NULL, NULL }
};
