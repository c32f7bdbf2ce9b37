/* SPDX-License-Identifier: ISC */
/* A MSG_RING operation for each message. */
#include "config.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#include "bench/raw.h"

#define STOP	UINT64_MAX
#define BATCH	32u			/* messages of one submission */

/* Two threads, each with its ring.  The first one measures. */
struct pair {
	struct run *run;
	struct io_uring rings[2];
	pthread_barrier_t ready;
	_Atomic uint64_t taken;
};

static void
send_to(struct io_uring *from, struct io_uring *to, uint64_t data)
{
	struct io_uring_sqe *sqe;

	sqe = raw_sqe(from);
	io_uring_prep_msg_ring(sqe, to->ring_fd, 0, data, 0);
	sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
}

/* Sends what is prepared and waits for a message. */
static uint64_t
await(struct io_uring *ring)
{
	struct io_uring_cqe *cqe;
	uint64_t data;

	do {
		raw_turn(ring, 1);
	} while (io_uring_peek_cqe(ring, &cqe) != 0);
	if (cqe->res < 0)
		die("message", cqe->res);
	data = cqe->user_data;
	io_uring_cqe_seen(ring, cqe);
	return data;
}

static void *
answer(void *user)
{
	struct pair *p = user;
	uint64_t data;

	pin(p->run->other_cpu);
	raw_ring_init(&p->rings[1], 64);
	pthread_barrier_wait(&p->ready);
	while ((data = await(&p->rings[1])) != STOP)
		send_to(&p->rings[1], &p->rings[0], data);
	io_uring_queue_exit(&p->rings[1]);
	return NULL;
}

static void
start(struct pair *p, struct run *run, pthread_t *thread,
    void *(*fn)(void *user))
{
	p->run = run;
	pthread_barrier_init(&p->ready, NULL, 2);
	raw_ring_init(&p->rings[0], 4096);
	if (pthread_create(thread, NULL, fn, p) != 0)
		die("pthread_create", -1);
	pthread_barrier_wait(&p->ready);
}

static void
round_trip(struct pair *p)
{
	send_to(&p->rings[0], &p->rings[1], 1);
	await(&p->rings[0]);
}

void
raw_message_ping(struct run *run)
{
	struct pair p = { .taken = 0 };
	pthread_t thread;
	int64_t begin, *trips;
	uint64_t i;

	trips = allocate(run->operations, sizeof(*trips));
	start(&p, run, &thread, answer);
	for (i = 0; i < run->warm_up; i++)
		round_trip(&p);
	run_begin(run);
	for (i = 0; i < run->operations; i++) {
		begin = now_ns();
		round_trip(&p);
		trips[i] = now_ns() - begin;
	}
	run_end(run, run->operations);
	run_latencies(run, trips, run->operations);
	send_to(&p.rings[0], &p.rings[1], STOP);
	io_uring_submit(&p.rings[0]);
	pthread_join(thread, NULL);
	io_uring_queue_exit(&p.rings[0]);
	free(trips);
}

/* No more than run->size messages are on their way. */
static void *
pour(void *user)
{
	struct pair *p = user;
	uint64_t i;

	pin(p->run->other_cpu);
	raw_ring_init(&p->rings[1], BATCH);
	pthread_barrier_wait(&p->ready);
	for (i = 0; i < p->run->operations; i++) {
		while (i - p->taken >= p->run->size) {
			io_uring_submit(&p->rings[1]);
			sched_yield();
		}
		send_to(&p->rings[1], &p->rings[0], i);
	}
	io_uring_submit(&p->rings[1]);
	io_uring_queue_exit(&p->rings[1]);
	return NULL;
}

static void
take(void *user, struct io_uring_cqe *cqe)
{
	(void)user;
	if (cqe->res < 0)
		die("message", cqe->res);
}

void
raw_message_burst(struct run *run)
{
	struct pair p = { .taken = 0 };
	pthread_t thread;

	start(&p, run, &thread, pour);
	run_begin(run);
	while (p.taken < run->operations) {
		raw_turn(&p.rings[0], 1);
		p.taken += raw_reap(&p.rings[0], take, NULL);
	}
	run_end(run, run->operations);
	pthread_join(thread, NULL);
	io_uring_queue_exit(&p.rings[0]);
}
