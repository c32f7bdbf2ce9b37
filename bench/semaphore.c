/* SPDX-License-Identifier: ISC */
/*
 * Semaphores: a signal of one timepoint among many, and a value that goes to
 * another thread and back, beside a bare futex and an eventfd.
 */
#include "config.h"

#include <sys/eventfd.h>
#include <sys/syscall.h>

#include <linux/futex.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench/library.h"

/* --- one of many --- */

struct pending {
	struct proactor_semaphore *semaphore;
	struct proactor_timepoint *points;	/* they wait for what never is */
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

/* --- to another thread and back --- */

/* How a peer does it: tell the other side, wait for it.  Side 0 measures. */
struct way {
	void (*tell)(void *user, unsigned int side, uint64_t value);
	void (*await)(void *user, unsigned int side, uint64_t value);
};

struct ping {
	const struct way *way;
	void *user;
	struct run *run;
	uint64_t rounds;
	pthread_barrier_t ready;
};

static void *
answer(void *user)
{
	struct ping *g = user;
	uint64_t value;

	pin(g->run->other_cpu);
	pthread_barrier_wait(&g->ready);
	for (value = 1; value <= g->rounds; value++) {
		g->way->await(g->user, 1, value);
		g->way->tell(g->user, 0, value);
	}
	return NULL;
}

static void
ping(struct run *run, const struct way *way, void *user)
{
	struct ping g = {
		.way = way,
		.user = user,
		.run = run,
		.rounds = run->warm_up + run->operations,
	};
	pthread_t thread;
	int64_t begin, *trips;
	uint64_t value;

	trips = allocate(run->operations, sizeof(*trips));
	pthread_barrier_init(&g.ready, NULL, 2);
	if (pthread_create(&thread, NULL, answer, &g) != 0)
		die("pthread_create", -1);
	pthread_barrier_wait(&g.ready);
	for (value = 1; value <= g.rounds; value++) {
		if (value == run->warm_up + 1)
			run_begin(run);
		begin = now_ns();
		way->tell(user, 1, value);
		way->await(user, 0, value);
		if (value > run->warm_up)
			trips[value - run->warm_up - 1] = now_ns() - begin;
	}
	run_end(run, run->operations);
	run_latencies(run, trips, run->operations);
	pthread_join(thread, NULL);
	free(trips);
}

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

struct futex_side {
	_Alignas(64) _Atomic uint32_t word;
};

static void
futex_tell(void *user, unsigned int side, uint64_t value)
{
	struct futex_side *sides = user;

	atomic_store(&sides[side].word, (uint32_t)value);
	syscall(SYS_futex, &sides[side].word, FUTEX_WAKE_PRIVATE, 1, NULL,
	    NULL, 0);
}

static void
futex_await(void *user, unsigned int side, uint64_t value)
{
	struct futex_side *sides = user;
	uint32_t seen;

	while ((seen = atomic_load(&sides[side].word)) != (uint32_t)value)
		syscall(SYS_futex, &sides[side].word, FUTEX_WAIT_PRIVATE,
		    seen, NULL, NULL, 0);
}

void
futex_semaphore_ping(struct run *run)
{
	static const struct way way = { futex_tell, futex_await };
	struct futex_side sides[2] = {{ 0 }};

	ping(run, &way, sides);
}

static void
eventfd_tell(void *user, unsigned int side, uint64_t value)
{
	uint64_t one = 1;

	(void)value;
	if (write(((int *)user)[side], &one, sizeof(one)) != sizeof(one))
		die("write", -1);
}

static void
eventfd_await(void *user, unsigned int side, uint64_t value)
{
	uint64_t count;

	(void)value;
	if (read(((int *)user)[side], &count, sizeof(count)) != sizeof(count))
		die("read", -1);
}

void
eventfd_semaphore_ping(struct run *run)
{
	static const struct way way = { eventfd_tell, eventfd_await };
	int fds[2];

	fds[0] = eventfd(0, EFD_CLOEXEC);
	fds[1] = eventfd(0, EFD_CLOEXEC);
	if (fds[0] < 0 || fds[1] < 0)
		die("eventfd", -1);
	ping(run, &way, fds);
	(void)close(fds[0]);
	(void)close(fds[1]);
}

/* --- from loop to loop --- */

struct side {
	struct proactor *p;
	struct proactor_semaphore_wait_op wait;
	struct proactor_semaphore **semaphores;
	uint64_t got;
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
	struct side *s = (struct side *)user + i;

	s->wait.values[0] = value;
	check(proactor_submit_one(s->p, &s->wait.base),
	    "proactor_submit_one");
	library_until(s->p, &s->got, value);
}

static void
loop_tell(void *user, unsigned int i, uint64_t value)
{
	struct side *s = user;

	check(proactor_semaphore_signal(s->semaphores[i], value),
	    "proactor_semaphore_signal");
}

/* Both sides wait in a loop, by an operation. */
void
library_semaphore_loops(struct run *run)
{
	static const struct way way = { loop_tell, loop_await };
	struct proactor_semaphore *semaphores[2];
	struct proactor_options options;
	struct side sides[2];
	unsigned int i;

	for (i = 0; i < 2; i++) {
		library_options(run, &options);
		check(proactor_create(&options, &sides[i].p),
		    "proactor_create");
		check(proactor_semaphore_create(sides[i].p, 0,
		    &semaphores[i]), "proactor_semaphore_create");
		sides[i].semaphores = semaphores;
		sides[i].got = 0;
		proactor_semaphore_wait_op_init(&sides[i].wait,
		    PROACTOR_WAIT_ALL, &semaphores[i],
		    &(const uint64_t){ 1 }, 1, on_wait, &sides[i]);
	}
	ping(run, &way, sides);
	for (i = 0; i < 2; i++) {
		proactor_semaphore_release(semaphores[i]);
		proactor_release(sides[i].p);
	}
}
