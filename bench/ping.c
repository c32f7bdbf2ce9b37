/* SPDX-License-Identifier: ISC */
/*
 * Two threads, one of which tells the other, and is told in turn: the frame of
 * it, and the two ways that the kernel has for threads that block.
 */
#include "config.h"

#include <sys/eventfd.h>
#include <sys/syscall.h>

#include <linux/futex.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench/ping.h"

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

/* A word to another thread and back, operations times. */
void
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
futex_ping(struct run *run)
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
eventfd_ping(struct run *run)
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
