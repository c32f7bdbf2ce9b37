/* SPDX-License-Identifier: ISC */
/*
 * A lock-free queue over a bare ring: the kernel is asked only to wake a
 * receiver that sleeps.  A stack that is taken whole; a sender that finds
 * the sleeper's mark on it instead of messages wakes the sleeper.
 */
#include "config.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#include "bench/raw.h"

#define STOP	UINT64_MAX

struct message {
	struct message *next;
	uint64_t data;
};

struct mailbox {
	_Alignas(64) _Atomic(struct message *) top;
	struct io_uring ring;
};

struct pair {
	struct run *run;
	struct mailbox boxes[2];
	struct message *messages;
	pthread_barrier_t ready;
	_Alignas(64) _Atomic uint64_t taken;
};

static struct message asleep;		/* its address is the mark */

/* from is the sender's own ring; the wake goes out with its next turn. */
static bool
post(struct mailbox *to, struct message *m, struct io_uring *from)
{
	struct io_uring_sqe *sqe;
	struct message *top;

	top = atomic_load_explicit(&to->top, memory_order_relaxed);
	do {
		m->next = top == &asleep ? NULL : top;
	} while (!atomic_compare_exchange_weak(&to->top, &top, m));
	if (top != &asleep)
		return false;
	sqe = raw_sqe(from);
	io_uring_prep_msg_ring(sqe, to->ring.ring_fd, 0, 0, 0);
	sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
	return true;
}

/* What there is, oldest first; NULL after a nap. */
static struct message *
take(struct mailbox *box)
{
	struct io_uring_cqe *cqe;
	struct message *list = NULL, *m, *next;
	unsigned int head, n = 0;

	m = atomic_exchange(&box->top, NULL);
	if (m == NULL) {
		if (atomic_compare_exchange_strong(&box->top, &m, &asleep))
			raw_turn(&box->ring, 1);
		io_uring_for_each_cqe(&box->ring, head, cqe) n++;
		io_uring_cq_advance(&box->ring, n);
		m = atomic_exchange(&box->top, NULL);
	}
	for (; m != NULL && m != &asleep; m = next) {
		next = m->next;
		m->next = list;
		list = m;
	}
	return list;
}

static uint64_t
await(struct mailbox *box)
{
	struct message *m;

	while ((m = take(box)) == NULL)
		continue;
	return m->data;
}

static void *
answer(void *user)
{
	struct pair *p = user;
	struct message reply;

	pin(p->run->other_cpu);
	raw_ring_init(&p->boxes[1].ring, 64);
	pthread_barrier_wait(&p->ready);
	while ((reply.data = await(&p->boxes[1])) != STOP)
		post(&p->boxes[0], &reply, &p->boxes[1].ring);
	io_uring_queue_exit(&p->boxes[1].ring);
	return NULL;
}

static void
start(struct pair *p, struct run *run, pthread_t *thread,
    void *(*fn)(void *user))
{
	p->run = run;
	pthread_barrier_init(&p->ready, NULL, 2);
	raw_ring_init(&p->boxes[0].ring, 64);
	if (pthread_create(thread, NULL, fn, p) != 0)
		die("pthread_create", -1);
	pthread_barrier_wait(&p->ready);
}

static void
round_trip(struct pair *p)
{
	struct message m = { .data = 1 };

	post(&p->boxes[1], &m, &p->boxes[0].ring);
	await(&p->boxes[0]);
}

void
hand_message_ping(struct run *run)
{
	struct message stop = { .data = STOP };
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
	post(&p.boxes[1], &stop, &p.boxes[0].ring);
	io_uring_submit(&p.boxes[0].ring);
	pthread_join(thread, NULL);
	io_uring_queue_exit(&p.boxes[0].ring);
	free(trips);
}

/* What is taken in order, and is the next one to come. */
static uint64_t
drain(struct mailbox *box, uint64_t taken)
{
	struct message *m, *next;

	for (m = take(box); m != NULL; m = next) {
		next = m->next;
		if (m->data != taken++)
			die("message order", -1);
	}
	return taken;
}

void
hand_message_self(struct run *run)
{
	struct message *messages;
	uint64_t sent = 0, taken = 0;
	struct mailbox box;
	unsigned int i;

	box.top = NULL;
	raw_ring_init(&box.ring, 64);
	messages = allocate(run->size, sizeof(*messages));
	run_begin(run);
	while (sent < run->operations) {
		for (i = 0; i < run->size; i++) {
			messages[i].data = sent++;
			post(&box, &messages[i], &box.ring);
		}
		taken = drain(&box, taken);
	}
	run_end(run, taken);
	io_uring_queue_exit(&box.ring);
	free(messages);
}

static void *
pour(void *user)
{
	struct pair *p = user;
	struct io_uring *ring = &p->boxes[1].ring;
	struct message *m = p->messages;
	uint64_t i, size = p->run->size;

	pin(p->run->other_cpu);
	raw_ring_init(ring, 64);
	pthread_barrier_wait(&p->ready);
	for (i = 0; i < p->run->operations; i++) {
		while (i - p->taken >= size)
			sched_yield();
		m->data = i;
		if (post(&p->boxes[0], m, ring))
			io_uring_submit(ring);
		if (++m == p->messages + size)
			m = p->messages;
	}
	io_uring_queue_exit(ring);
	return NULL;
}

void
hand_message_burst(struct run *run)
{
	struct pair p = { .taken = 0 };
	pthread_t thread;

	p.messages = allocate(run->size, sizeof(*p.messages));
	start(&p, run, &thread, pour);
	run_begin(run);
	while (p.taken < run->operations)
		p.taken = drain(&p.boxes[0], p.taken);
	run_end(run, run->operations);
	pthread_join(thread, NULL);
	io_uring_queue_exit(&p.boxes[0].ring);
	free(p.messages);
}
