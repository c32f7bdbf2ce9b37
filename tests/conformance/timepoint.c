/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "conformance/timepoint.h"

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
	{ NULL, NULL }
};
