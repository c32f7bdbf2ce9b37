/* SPDX-License-Identifier: ISC */
/*
 * Semaphores: a signal of one timepoint among many, and a value that goes to
 * another thread and back.
 */
#include "config.h"

#include <stdlib.h>

#include "bench/library.h"
#include "bench/ping.h"

/* --- one of many --- */

struct pending {
	struct proactor_semaphore *semaphore;
	struct proactor_timepoint *points;	/* for what never comes */
	struct proactor_timepoint one;
	uint64_t value, called;
};

static void
on_point(void *user, struct proactor_timepoint *point, int status)
{
	struct pending *n = user;

	(void)point;
	check(status, "timepoint");
	n->called++;
}

static void
signal_one(struct pending *n, uint64_t count)
{
	uint64_t i;

	for (i = 0; i < count; i++) {
		n->value++;
		check(proactor_semaphore_acquire_timepoint(n->semaphore,
		    n->value, &n->one), "proactor_semaphore_acquire_timepoint");
		check(proactor_semaphore_signal(n->semaphore, n->value),
		    "proactor_semaphore_signal");
	}
}

/* size wait; one more is acquired and signalled, again and again. */
void
library_semaphore_pending(struct run *run)
{
	struct pending n = { .value = 0 };
	struct proactor *p;
	unsigned int i;

	p = library_create(run);
	n.points = allocate(run->size, sizeof(*n.points));
	check(proactor_semaphore_create(p, 0, &n.semaphore),
	    "proactor_semaphore_create");
	for (i = 0; i < run->size; i++) {
		proactor_timepoint_init(&n.points[i], on_point, &n);
		check(proactor_semaphore_acquire_timepoint(n.semaphore,
		    UINT64_MAX - i % 1000, &n.points[i]),
		    "proactor_semaphore_acquire_timepoint");
	}
	proactor_timepoint_init(&n.one, on_point, &n);
	signal_one(&n, run->operations / 10);
	n.called = 0;
	run_begin(run);
	signal_one(&n, run->operations);
	run_end(run, run->operations);
	if (n.called != run->operations)
		die("timepoints", -1);
	for (i = 0; i < run->size; i++)
		check(proactor_semaphore_cancel_timepoint(n.semaphore,
		    &n.points[i]), "proactor_semaphore_cancel_timepoint");
	proactor_semaphore_release(n.semaphore);
	library_release(p);
	free(n.points);
}

/* The same while one waits. */
void
library_semaphore_pending_one(struct run *run)
{
	run->size = 1;
	library_semaphore_pending(run);
}

/* --- to another thread and back --- */

static void
semaphore_tell(void *user, unsigned int side, uint64_t value)
{
	struct proactor_semaphore **semaphores = user;

	check(proactor_semaphore_signal(semaphores[side], value),
	    "proactor_semaphore_signal");
}

static void
semaphore_await(void *user, unsigned int side, uint64_t value)
{
	struct proactor_semaphore **semaphores = user;

	check(proactor_semaphore_multi_wait(PROACTOR_WAIT_ALL,
	    &semaphores[side], &value, 1, PROACTOR_FOREVER, 0, NULL),
	    "proactor_semaphore_multi_wait");
}

/* Both sides block; no loop has a part in it. */
void
library_semaphore_ping(struct run *run)
{
	static const struct way way = { semaphore_tell, semaphore_await };
	struct proactor_semaphore *semaphores[2];
	struct proactor *p;
	unsigned int i;

	p = library_create(run);
	for (i = 0; i < 2; i++)
		check(proactor_semaphore_create(p, 0, &semaphores[i]),
		    "proactor_semaphore_create");
	ping(run, &way, semaphores);
	for (i = 0; i < 2; i++)
		proactor_semaphore_release(semaphores[i]);
	library_release(p);
}

/* --- from loop to loop --- */

/* What one of the threads writes, the other one does not look at. */
struct side {
	_Alignas(64) struct proactor *p;
	struct proactor_semaphore_wait_op wait;
	uint64_t got;
};

struct pair {
	struct proactor_semaphore *semaphores[2];
	struct side sides[2];
};

static void
on_wait(void *user, struct proactor_op *op, int status, unsigned int flags)
{
	struct side *s = user;

	(void)op;
	(void)flags;
	check(status, "semaphore wait");
	s->got++;
}

static void
loop_await(void *user, unsigned int i, uint64_t value)
{
	struct side *s = &((struct pair *)user)->sides[i];

	s->wait.values[0] = value;
	check(proactor_submit_one(s->p, &s->wait.base), "proactor_submit_one");
	library_until(s->p, &s->got, value);
}

static void
loop_tell(void *user, unsigned int i, uint64_t value)
{
	struct pair *pair = user;

	check(proactor_semaphore_signal(pair->semaphores[i], value),
	    "proactor_semaphore_signal");
}

/* Both sides wait in a loop, by an operation. */
void
library_semaphore_loops(struct run *run)
{
	static const struct way way = { loop_tell, loop_await };
	struct proactor_options options;
	struct pair pair;
	struct side *s;
	unsigned int i;

	for (i = 0; i < 2; i++) {
		s = &pair.sides[i];
		library_options(run, &options);
		check(proactor_create(&options, &s->p), "proactor_create");
		check(proactor_semaphore_create(s->p, 0,
		    &pair.semaphores[i]), "proactor_semaphore_create");
		s->got = 0;
		proactor_semaphore_wait_op_init(&s->wait, PROACTOR_WAIT_ALL,
		    &pair.semaphores[i], &(const uint64_t){ 1 }, 1, on_wait,
		    s);
	}
	ping(run, &way, &pair);
	for (i = 0; i < 2; i++) {
		proactor_semaphore_release(pair.semaphores[i]);
		proactor_release(pair.sides[i].p);
	}
}
