/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <sys/wait.h>

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "conformance/allocator.h"
#include "conformance/semaphore.h"

/*
 * Semaphores at the end of things: shutdown, release, fork; and what they
 * cost in memory.
 */

#define WAITS	16

struct scene {
	struct world w;
	struct proactor_semaphore *a;
	struct proactor_semaphore *b;
	struct proactor_semaphore_wait_op waits[WAITS];
	struct proactor_semaphore_signal_op signal;
};

/* For all or any of both, in turn. */
static void
waits_init(struct scene *c)
{
	struct proactor_semaphore *both[2] = { c->a, c->b };
	uint64_t values[2] = { 1, 1 };
	size_t i;

	for (i = 0; i < WAITS; i++)
		proactor_semaphore_wait_op_init(&c->waits[i], i % 2 == 0 ?
		    PROACTOR_WAIT_ALL : PROACTOR_WAIT_ANY, both, values, 2,
		    record, &c->w.r);
	values[0] = 9;
	proactor_semaphore_signal_op_init(&c->signal, both, values, 1,
	    record, &c->w.r);
}

static void
scene_open(struct scene *c, const struct proactor_options *options)
{
	world_open(&c->w, options);
	c->a = semaphore_open(&c->w, 0);
	c->b = semaphore_open(&c->w, 0);
	waits_init(c);
}

static void
scene_drop(struct scene *c)
{
	proactor_semaphore_release(c->a);
	proactor_semaphore_release(c->b);
}

static void
submit_all(struct scene *c, struct proactor *p)
{
	size_t i;

	for (i = 0; i < WAITS; i++)
		CHECK_INT(proactor_submit_one(p, &c->waits[i].base), 0);
}

/* --- shutdown --- */

static void
shutdown_cancels(void)
{
	struct scene c;
	size_t i;

	scene_open(&c, NULL);
	submit_all(&c, c.w.p);
	CHECK(poll_quiet(&c.w));
	CHECK_INT(proactor_submit_one(c.w.p, &c.signal.base), 0);
	CHECK_INT(proactor_shutdown(c.w.p, patience()), 0);
	CHECK_INT(c.w.r.finals, WAITS + 1);
	for (i = 0; i < WAITS; i++)
		CHECK_INT(status_of(&c.w.r, &c.waits[i]),
		    PROACTOR_ECANCELED);
	CHECK_INT(status_of(&c.w.r, &c.signal), PROACTOR_ECANCELED);
	CHECK_INT(value_of(c.a), 0);
	CHECK_INT(proactor_submit_one(c.w.p, &c.waits[0].base),
	    PROACTOR_ESHUTDOWN);
	signal_to(c.a, 1);
	signal_to(c.b, 1);
	scene_drop(&c);
	proactor_release(c.w.p);
	recorder_clear(&c.w.r);
}

static void *
signal_both(void *arg)
{
	struct scene *c = arg;

	signal_to(c->a, 1);
	signal_to(c->b, 1);
	return NULL;
}

/* Whichever comes first, each wait has one callback, and none comes after. */
static void
shutdown_races(void)
{
	struct scene c;
	pthread_t thread;
	int round, status;
	size_t i;

	for (round = 0; round < 100; round++) {
		scene_open(&c, NULL);
		submit_all(&c, c.w.p);
		CHECK_INT(proactor_poll(c.w.p, PROACTOR_IMMEDIATE, NULL),
		    PROACTOR_ETIMEDOUT);
		thread_start(&thread, signal_both, &c);
		CHECK_INT(proactor_shutdown(c.w.p, patience()), 0);
		for (i = 0; i < WAITS; i++) {
			CHECK_INT(finals_of(&c.w.r, &c.waits[i]), 1);
			status = status_of(&c.w.r, &c.waits[i]);
			CHECK(status == 0 || status == PROACTOR_ECANCELED);
		}
		proactor_release(c.w.p);
		thread_join(thread);
		recorder_clear(&c.w.r);
		scene_drop(&c);
	}
}

struct census {
	struct scene *c;
	size_t told;
};

static void
signal_at_the_first(void *user_data, struct proactor_op *op)
{
	struct census *n = user_data;

	CHECK_INT(op->type, PROACTOR_OP_SEMAPHORE_WAIT);
	if (n->told++ == 0)
		(void)signal_both(n->c);
}

/* What waits is told of, also when that decides it all. */
static void
remaining_and_signalled(void)
{
	struct census n;
	struct scene c;

	scene_open(&c, NULL);
	submit_all(&c, c.w.p);
	CHECK(poll_quiet(&c.w));
	n.c = &c;
	n.told = 0;
	CHECK_INT(proactor_shutdown_remaining(c.w.p, signal_at_the_first, &n),
	    WAITS);
	CHECK_INT(n.told, WAITS);
	CHECK(poll_until(&c.w, &c.w.r.finals, WAITS));
	scene_drop(&c);
	world_close(&c.w);
}

/* --- release without shutdown --- */

/* Abandoned operations are off their semaphores and the caller's again. */
static void
release_abandons(void)
{
	struct world other;
	struct scene c;
	size_t i;

	scene_open(&c, NULL);
	world_open(&other, NULL);
	submit_all(&c, c.w.p);
	CHECK_INT(proactor_submit_one(c.w.p, &c.signal.base), 0);
	proactor_release(c.w.p);
	CHECK_INT(c.w.r.calls, 0);
	CHECK_INT(value_of(c.a), 0);
	signal_to(c.a, 1);
	CHECK_INT(c.w.r.calls, 0);
	submit_all(&c, other.p);
	signal_to(c.b, 1);
	while (c.w.r.finals < WAITS)
		CHECK_INT(proactor_poll(other.p, patience(), NULL), 0);
	for (i = 0; i < WAITS; i++)
		CHECK_INT(status_of(&c.w.r, &c.waits[i]), 0);
	world_close(&other);
	recorder_clear(&c.w.r);
	scene_drop(&c);
}

/* Operations in memory that goes with the proactor, and a signal under way. */
static void
release_races(void)
{
	struct proactor_semaphore *a, *b;
	struct scene *c;
	pthread_t thread;
	struct scene names;
	int round;

	for (round = 0; round < 200; round++) {
		c = malloc(sizeof(*c));
		CHECK(c != NULL);
		scene_open(c, NULL);
		a = c->a;
		b = c->b;
		submit_all(c, c->w.p);
		CHECK_INT(proactor_poll(c->w.p, PROACTOR_IMMEDIATE, NULL),
		    PROACTOR_ETIMEDOUT);
		names.a = a;
		names.b = b;
		thread_start(&thread, signal_both, &names);
		if (round % 2 == 0)
			(void)proactor_poll(c->w.p, PROACTOR_IMMEDIATE, NULL);
		proactor_release(c->w.p);
		recorder_clear(&c->w.r);
		free(c);
		thread_join(thread);
		proactor_semaphore_release(a);
		proactor_semaphore_release(b);
	}
}

/* Never polled: the waits have not begun. */
static void
release_before_any_poll(void)
{
	struct scene c;

	scene_open(&c, NULL);
	submit_all(&c, c.w.p);
	signal_to(c.a, 1);
	proactor_release(c.w.p);
	CHECK_INT(c.w.r.calls, 0);
	signal_to(c.b, 1);
	scene_drop(&c);
}

/* The operations had the last references: what else waits is told. */
static void
release_drops_the_last(void)
{
	struct mark marks[2];
	struct scene c;

	scene_open(&c, NULL);
	mark_init(&marks[0], NULL);
	mark_init(&marks[1], NULL);
	mark_at(&marks[0], c.a, 1);
	mark_at(&marks[1], c.b, 2);
	CHECK_INT(proactor_semaphore_link(c.a, 1, c.b, 1, NULL), 0);
	submit_all(&c, c.w.p);
	CHECK(poll_quiet(&c.w));
	scene_drop(&c);
	mark_check(&marks[0], 0, 0);
	proactor_release(c.w.p);
	mark_check(&marks[0], 1, PROACTOR_ECANCELED);
	mark_check(&marks[1], 1, PROACTOR_ECANCELED);
	CHECK_INT(c.w.r.calls, 0);
}

/* --- fork --- */

static void
child(struct scene *c, struct mark *m)
{
	struct proactor_semaphore_wait_op op = c->waits[0];
	struct proactor_semaphore *s;
	struct proactor_handle handle;
	struct mark other;
	uint64_t value = 1;

	CHECK_INT(proactor_semaphore_create(c->w.p, 0, &s), PROACTOR_ECHILD);
	CHECK_INT(proactor_semaphore_signal(c->a, 5), PROACTOR_ECHILD);
	CHECK_INT(proactor_semaphore_fail(c->a, -1), PROACTOR_ECHILD);
	mark_init(&other, NULL);
	CHECK_INT(proactor_semaphore_acquire_timepoint(c->a, 1,
	    &other.point), PROACTOR_ECHILD);
	CHECK_INT(proactor_semaphore_cancel_timepoint(c->a, &m->point),
	    PROACTOR_ECHILD);
	CHECK_INT(proactor_semaphore_link(c->a, 1, c->b, 1, NULL),
	    PROACTOR_ECHILD);
	CHECK_INT(proactor_semaphore_multi_wait(PROACTOR_WAIT_ALL, &c->a,
	    &value, 1, PROACTOR_FOREVER, 0, NULL), PROACTOR_ECHILD);
	CHECK_INT(proactor_import_fence(c->w.p, proactor_handle_fd(-1), c->a,
	    1), PROACTOR_ECHILD);
	CHECK_INT(proactor_export_fence(c->w.p, c->a, 1, &handle),
	    PROACTOR_ECHILD);
	CHECK_INT(proactor_submit_one(c->w.p, &op.base), PROACTOR_ECHILD);
	scene_drop(c);
	proactor_release(c->w.p);
	mark_check(m, 0, 0);
}

static void
fork_tells_the_child(void)
{
	struct mark m;
	struct scene c;
	int status;
	pid_t pid;

	scene_open(&c, NULL);
	mark_init(&m, NULL);
	mark_at(&m, c.a, 1);
	CHECK_INT(proactor_semaphore_link(c.a, 1, c.b, 1, NULL), 0);
	CHECK_INT(proactor_submit_one(c.w.p, &c.waits[0].base), 0);
	CHECK(poll_quiet(&c.w));
	pid = fork();
	CHECK(pid != -1);
	if (pid == 0) {
		child(&c, &m);
		_exit(0);
	}
	while (waitpid(pid, &status, 0) == -1)
		CHECK_INT(errno, EINTR);
	CHECK_INT(status, 0);
	mark_check(&m, 0, 0);
	signal_to(c.a, 1);
	mark_check(&m, 1, 0);
	CHECK(poll_finals(&c.w, &c.waits[0], 1));
	CHECK_INT(status_of(&c.w.r, &c.waits[0]), 0);
	scene_drop(&c);
	world_close(&c.w);
}

/* --- memory --- */

/* Every way to wait and to signal, but links and fences. */
static void
turn(struct scene *c, struct mark *m, uint64_t value)
{
	struct proactor_semaphore *both[2] = { c->a, c->b };
	uint64_t values[2] = { value, value };
	size_t i, before = c->w.r.finals;

	for (i = 0; i < WAITS; i++) {
		c->waits[i].values[0] = value;
		c->waits[i].values[1] = value;
	}
	submit_all(c, c->w.p);
	mark_at(m, c->a, value);
	mark_at(m + 1, c->b, value);
	CHECK_INT(proactor_cancel(c->w.p, &c->waits[3].base), 0);
	c->signal.values[0] = value;
	CHECK_INT(proactor_submit_one(c->w.p, &c->signal.base), 0);
	CHECK_INT(proactor_semaphore_multi_wait(PROACTOR_WAIT_ALL, both,
	    values, 2, proactor_deadline_after(1), 0, NULL),
	    PROACTOR_ETIMEDOUT);
	CHECK(poll_until(&c->w, &c->w.r.finals, before + 1 + WAITS / 2));
	CHECK_INT(proactor_semaphore_cancel_timepoint(c->b, &m[1].point), 0);
	signal_to(c->b, value);
	CHECK(poll_until(&c->w, &c->w.r.finals, before + 1 + WAITS));
}

static void
nothing_is_allocated(void)
{
	struct allocator a = { 0 };
	struct proactor_options o;
	struct mark marks[2];
	struct scene c;
	uint64_t value;
	long calls = 0;

	allocator_options(&o, &a);
	scene_open(&c, &o);
	mark_init(&marks[0], NULL);
	mark_init(&marks[1], NULL);
	for (value = 1; value <= 300; value++) {
		if (value == 100)
			calls = a.calls;
		turn(&c, marks, value);
	}
	CHECK_INT(a.calls, calls);
	scene_drop(&c);
	world_close(&c.w);
	CHECK_INT(a.live, 0);
}

/* A few million pending ones would not fit a test; these show no scan. */
#define PENDING	100000

static void
many_are_pending(void)
{
	struct proactor_timepoint *points;
	struct proactor_semaphore *s;
	struct world w;
	struct mark m;
	uint64_t i;

	world_open(&w, NULL);
	s = semaphore_open(&w, 0);
	points = malloc(PENDING * sizeof(*points));
	CHECK(points != NULL);
	mark_init(&m, NULL);
	for (i = 0; i < PENDING; i++) {
		points[i] = m.point;
		CHECK_INT(proactor_semaphore_acquire_timepoint(s,
		    i * 7919 % PENDING + PENDING, &points[i]), 0);
	}
	for (i = 1; i < PENDING; i++) {
		mark_at(&m, s, i);
		signal_to(s, i);
	}
	mark_check(&m, PENDING - 1, 0);
	for (i = 0; i < PENDING; i++)
		CHECK_INT(proactor_semaphore_cancel_timepoint(s, &points[i]),
		    0);
	signal_to(s, 3 * PENDING);
	free(points);
	proactor_semaphore_release(s);
	world_close(&w);
}

const struct tap_case semaphore_end_cases[] = {
	{ "semaphore wait: shutdown cancels those that wait",
	    shutdown_cancels },
	{ "semaphore wait: signals race with a shutdown", shutdown_races },
	{ "semaphore wait: is told as remaining, and may be signalled there",
	    remaining_and_signalled },
	{ "semaphore wait: a release takes them off their semaphores",
	    release_abandons },
	{ "semaphore wait: signals race with a release", release_races },
	{ "semaphore wait: released before any poll",
	    release_before_any_poll },
	{ "semaphore wait: a release that drops the last references tells "
	    "what waits", release_drops_the_last },
	{ "semaphore: a child of fork is told ECHILD, the parent goes on",
	    fork_tells_the_child },
	{ "semaphore: waits and signals allocate nothing",
	    nothing_is_allocated },
	{ "semaphore: 100,000 timepoints that wait are not in the way",
	    many_are_pending },
	{ NULL, NULL }
};
