/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <stdlib.h>

#include "conformance/timepoint.h"

/* Timepoints: what their callbacks may do, up to the last release. */

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

const struct tap_case timepoint_callback_cases[] = {
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
	{ NULL, NULL }
};
