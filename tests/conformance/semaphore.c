/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "conformance/semaphore.h"

/* Semaphores: value, failure, references. */

struct proactor_semaphore *
semaphore_open(struct world *w, uint64_t initial)
{
	struct proactor_semaphore *s;

	CHECK_INT(proactor_semaphore_create(w->p, initial, &s), 0);
	return s;
}

void
signal_to(struct proactor_semaphore *s, uint64_t value)
{
	CHECK_INT(proactor_semaphore_signal(s, value), 0);
}

uint64_t
value_of(const struct proactor_semaphore *s)
{
	uint64_t value;

	CHECK_INT(proactor_semaphore_query(s, &value), 0);
	return value;
}

struct errand {
	void (*fn)(void *);
	void *arg;
};

static void *
run_errand(void *arg)
{
	struct errand *e = arg;

	e->fn(e->arg);
	return NULL;
}

void
with_little_stack(void (*fn)(void *), void *arg)
{
	struct errand e = { fn, arg };
	pthread_attr_t attributes;
	pthread_t thread;

	CHECK_INT(pthread_attr_init(&attributes), 0);
	CHECK_INT(pthread_attr_setstacksize(&attributes, 256 * 1024), 0);
	CHECK_INT(pthread_create(&thread, &attributes, run_errand, &e), 0);
	CHECK_INT(pthread_attr_destroy(&attributes), 0);
	thread_join(thread);
}

static void
value_grows(void)
{
	struct proactor_semaphore *s;
	struct world w;

	world_open(&w, NULL);
	s = semaphore_open(&w, 7);
	CHECK_INT(value_of(s), 7);
	CHECK_INT(proactor_semaphore_query_status(s), 0);
	signal_to(s, 8);
	CHECK_INT(value_of(s), 8);
	signal_to(s, 1000);
	CHECK_INT(value_of(s), 1000);
	proactor_semaphore_release(s);
	world_close(&w);
}

static void
value_never_shrinks(void)
{
	struct proactor_semaphore *s;
	struct world w;

	world_open(&w, NULL);
	s = semaphore_open(&w, 7);
	CHECK_INT(proactor_semaphore_signal(s, 7), PROACTOR_EINVAL);
	CHECK_INT(proactor_semaphore_signal(s, 6), PROACTOR_EINVAL);
	CHECK_INT(proactor_semaphore_signal(s, 0), PROACTOR_EINVAL);
	CHECK_INT(value_of(s), 7);
	signal_to(s, UINT64_MAX);
	CHECK(value_of(s) == UINT64_MAX);
	CHECK_INT(proactor_semaphore_signal(s, UINT64_MAX), PROACTOR_EINVAL);
	CHECK_INT(proactor_semaphore_signal(s, 0), PROACTOR_EINVAL);
	proactor_semaphore_release(s);
	world_close(&w);
}

static void
first_failure_stays(void)
{
	struct proactor_semaphore *s;
	struct world w;

	world_open(&w, NULL);
	s = semaphore_open(&w, 1);
	signal_to(s, 5);
	CHECK_INT(proactor_semaphore_fail(s, PROACTOR_EIO), 0);
	CHECK_INT(proactor_semaphore_query_status(s), PROACTOR_EIO);
	CHECK_INT(proactor_semaphore_fail(s, PROACTOR_EPIPE),
	    PROACTOR_EALREADY);
	CHECK_INT(proactor_semaphore_query_status(s), PROACTOR_EIO);
	CHECK_INT(proactor_semaphore_signal(s, 6), PROACTOR_EIO);
	CHECK_INT(proactor_semaphore_signal(s, 2), PROACTOR_EIO);
	CHECK_INT(value_of(s), 5);
	proactor_semaphore_release(s);
	world_close(&w);
}

static void
failure_is_negative(void)
{
	struct proactor_semaphore *s;
	struct world w;

	world_open(&w, NULL);
	s = semaphore_open(&w, 0);
	CHECK_INT(proactor_semaphore_fail(s, 0), PROACTOR_EINVAL);
	CHECK_INT(proactor_semaphore_fail(s, 5), PROACTOR_EINVAL);
	CHECK_INT(proactor_semaphore_query_status(s), 0);
	signal_to(s, 1);
	CHECK_INT(proactor_semaphore_fail(s, -12345), 0);
	CHECK_INT(proactor_semaphore_query_status(s), -12345);
	proactor_semaphore_release(s);
	world_close(&w);
}

static void
no_semaphore(void)
{
	struct proactor_semaphore *s = NULL;
	struct proactor_timepoint t;
	struct world w;
	uint64_t value = 77;

	world_open(&w, NULL);
	CHECK_INT(proactor_semaphore_create(NULL, 0, &s), PROACTOR_EINVAL);
	CHECK_INT(proactor_semaphore_create(w.p, 0, NULL), PROACTOR_EINVAL);
	CHECK(s == NULL);
	CHECK(proactor_semaphore_retain(NULL) == NULL);
	proactor_semaphore_release(NULL);
	CHECK_INT(proactor_semaphore_query(NULL, &value), PROACTOR_EINVAL);
	CHECK_INT(value, 77);
	CHECK_INT(proactor_semaphore_query_status(NULL), PROACTOR_EINVAL);
	CHECK_INT(proactor_semaphore_signal(NULL, 1), PROACTOR_EINVAL);
	CHECK_INT(proactor_semaphore_fail(NULL, -1), PROACTOR_EINVAL);
	s = semaphore_open(&w, 0);
	CHECK_INT(proactor_semaphore_query(s, NULL), PROACTOR_EINVAL);
	proactor_timepoint_init(NULL, NULL, NULL);
	proactor_timepoint_init(&t, NULL, NULL);
	CHECK_INT(proactor_semaphore_acquire_timepoint(s, 1, NULL),
	    PROACTOR_EINVAL);
	CHECK_INT(proactor_semaphore_acquire_timepoint(NULL, 1, &t),
	    PROACTOR_EINVAL);
	CHECK_INT(proactor_semaphore_acquire_timepoint(s, 1, &t),
	    PROACTOR_EINVAL);
	CHECK_INT(proactor_semaphore_cancel_timepoint(s, NULL),
	    PROACTOR_EINVAL);
	CHECK_INT(proactor_semaphore_cancel_timepoint(NULL, &t),
	    PROACTOR_EINVAL);
	CHECK_INT(proactor_semaphore_link(s, 1, NULL, 1, NULL),
	    PROACTOR_EINVAL);
	CHECK_INT(proactor_semaphore_link(NULL, 1, s, 1, NULL),
	    PROACTOR_EINVAL);
	CHECK_INT(proactor_semaphore_unlink(NULL), PROACTOR_EINVAL);
	proactor_semaphore_release(s);
	world_close(&w);
}

static void
references_count(void)
{
	struct proactor_semaphore *s;
	struct world w;
	int i;

	world_open(&w, NULL);
	s = semaphore_open(&w, 0);
	for (i = 0; i < 3; i++)
		CHECK(proactor_semaphore_retain(s) == s);
	for (i = 1; i <= 3; i++) {
		proactor_semaphore_release(s);
		signal_to(s, (uint64_t)i);
	}
	proactor_semaphore_release(s);
	world_close(&w);
}

static void
outlives_the_release(void)
{
	struct proactor_semaphore *s;
	struct world w;

	world_open(&w, NULL);
	s = semaphore_open(&w, 0);
	world_close(&w);
	signal_to(s, 3);
	CHECK_INT(value_of(s), 3);
	CHECK_INT(proactor_semaphore_fail(s, PROACTOR_EIO), 0);
	proactor_semaphore_release(s);
}

/* --- from many threads --- */

#define RACERS	4

struct race {
	struct proactor_semaphore *s;
	size_t won;
	pthread_t thread;
	uint64_t last;
};

static void *
signal_upwards(void *arg)
{
	struct race *r = arg;
	uint64_t value, seen = 0;

	for (value = 1; value <= r->last; value++) {
		r->won += proactor_semaphore_signal(r->s, value) == 0;
		CHECK(value_of(r->s) >= value);
		CHECK(value_of(r->s) >= seen);
		seen = value_of(r->s);
	}
	return NULL;
}

/* Each value is one thread's: the signals that succeed are not too many. */
static void
threads_race(void)
{
	struct race r[RACERS] = {{0}};
	struct proactor_semaphore *s;
	struct world w;
	size_t won = 0;
	int i;

	world_open(&w, NULL);
	s = semaphore_open(&w, 0);
	for (i = 0; i < RACERS; i++) {
		r[i].s = s;
		r[i].last = 5000;
		thread_start(&r[i].thread, signal_upwards, &r[i]);
	}
	for (i = 0; i < RACERS; i++) {
		thread_join(r[i].thread);
		won += r[i].won;
	}
	CHECK_INT(value_of(s), 5000);
	CHECK(won >= 1 && won <= 5000);
	proactor_semaphore_release(s);
	world_close(&w);
}

const struct tap_case semaphore_cases[] = {
	{ "semaphore: has its first value, and grows when signalled",
	    value_grows },
	{ "semaphore: a signal that is not greater is EINVAL",
	    value_never_shrinks },
	{ "semaphore: the first failure stays, and answers signals",
	    first_failure_stays },
	{ "semaphore: fails with negative codes only", failure_is_negative },
	{ "semaphore: no object or no output is EINVAL", no_semaphore },
	{ "semaphore: lives as long as its references", references_count },
	{ "semaphore: works after the proactor's release",
	    outlives_the_release },
	{ "semaphore: four threads signal it upwards", threads_race },
	{ NULL, NULL }
};
