/* SPDX-License-Identifier: ISC */
/* A kernel timeout for each timer: what one should not do, and why. */
#include "config.h"

#include <stdlib.h>

#include "bench/raw.h"
#include "bench/timers.h"

/* Finding one timeout among n is a walk of half the list. */
#define CANCEL_STEPS	10000000u

struct timers {
	struct io_uring ring;
	struct __kernel_timespec *deadlines;
	uint32_t *order;
	unsigned int done;
	unsigned int count;
};

static void
arm(struct timers *t, unsigned int i, int64_t deadline)
{
	struct io_uring_sqe *sqe;

	t->deadlines[i].tv_sec = deadline / 1000000000;
	t->deadlines[i].tv_nsec = deadline % 1000000000;
	sqe = raw_sqe(&t->ring);
	io_uring_prep_timeout(sqe, &t->deadlines[i], 0, IORING_TIMEOUT_ABS);
	io_uring_sqe_set_data64(sqe, i + 1);
}

static void
init(struct timers *t, struct run *run)
{
	raw_ring_init(&t->ring, 4096);
	t->count = run->size;
	t->done = 0;
	t->deadlines = allocate(t->count, sizeof(*t->deadlines));
	t->order = timer_order(t->count);
}

static void
fini(struct timers *t)
{
	io_uring_queue_exit(&t->ring);
	free(t->deadlines);
	free(t->order);
}

static void
arm_all(struct timers *t)
{
	int64_t now = now_ns();
	uint32_t seed = 1;
	unsigned int i;

	for (i = 0; i < t->count; i++)
		arm(t, i, timer_far(now, &seed));
	io_uring_submit(&t->ring);
}

void
raw_timer_arm(struct run *run)
{
	struct timers t;

	init(&t, run);
	run_begin(run);
	arm_all(&t);
	run_end(run, run->size);
	fini(&t);
}

/* A cancelled timeout completes, and so does its removal. */
static void
cancel(struct timers *t, unsigned int i)
{
	struct io_uring_sqe *sqe;

	sqe = raw_sqe(&t->ring);
	io_uring_prep_timeout_remove(sqe, i + 1, 0);
	io_uring_sqe_set_data64(sqe, 0);
}

static void
take_cancelled(void *user, struct io_uring_cqe *cqe)
{
	struct timers *t = user;

	if (cqe->user_data == 0 && cqe->res < 0)
		die("timeout remove", cqe->res);
	t->done++;
}

static void
cancel_timers(struct run *run, unsigned int count, bool shuffled)
{
	struct timers t;
	unsigned int i;

	init(&t, run);
	arm_all(&t);
	run_begin(run);
	for (i = 0; i < count; i++) {
		cancel(&t, shuffled ? t.order[i] : i);
		if (i % 1024 == 1023)
			raw_turn(&t.ring, 1);
		raw_reap(&t.ring, take_cancelled, &t);
	}
	while (t.done < 2 * count) {
		raw_turn(&t.ring, 1);
		raw_reap(&t.ring, take_cancelled, &t);
	}
	run_end(run, count);
	fini(&t);
}

void
raw_timer_cancel(struct run *run)
{
	cancel_timers(run, run->size, false);
}

void
raw_timer_cancel_random(struct run *run)
{
	cancel_timers(run, CANCEL_STEPS / run->size, true);
}

struct lateness {
	struct timers *timers;
	int64_t *late;
};

static void
take_fired(void *user, struct io_uring_cqe *cqe)
{
	struct lateness *l = user;
	struct __kernel_timespec *d;

	d = &l->timers->deadlines[cqe->user_data - 1];
	l->late[l->timers->done++] =
	    now_ns() - (d->tv_sec * 1000000000 + d->tv_nsec);
}

void
raw_timer_lateness(struct run *run)
{
	struct lateness l;
	struct timers t;
	int64_t start;
	uint32_t seed = 1;
	unsigned int i;

	init(&t, run);
	l.timers = &t;
	l.late = allocate(t.count, sizeof(*l.late));
	start = now_ns() + TIMER_LEAD;
	for (i = 0; i < t.count; i++)
		arm(&t, i, timer_soon(start, TIMER_SECOND, &seed));
	io_uring_submit(&t.ring);
	run_begin(run);
	while (t.done < t.count) {
		raw_turn(&t.ring, 1);
		raw_reap(&t.ring, take_fired, &l);
	}
	run_end(run, t.count);
	run_latencies(run, l.late, t.count);
	free(l.late);
	fini(&t);
}
