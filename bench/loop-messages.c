/* SPDX-License-Identifier: ISC */
/*
 * A stack that is taken whole.  A sender that finds the sleeper's mark on it
 * instead of messages wakes the sleeper.
 */
#include "config.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#include "bench/loop-messages.h"

#define STOP	UINT64_MAX

struct message {
	struct message *next;
	uint64_t data;
};

struct mailbox {
	_Alignas(64) _Atomic(struct message *) top;
	const struct message_loop *way;
	void *loop;
	struct message *list;		/* taken, oldest first */
};

struct pair {
	struct run *run;
	struct mailbox boxes[2];
	struct message *messages;
	pthread_barrier_t ready;
	_Alignas(64) _Atomic(uint64_t) taken;
};

static struct message asleep;		/* its address is the mark */

/* from is the sender's loop.  Was a wake needed? */
static bool
post(struct mailbox *to, struct message *m, void *from)
{
	struct message *top;

	top = atomic_load_explicit(&to->top, memory_order_relaxed);
	do {
		m->next = top == &asleep ? NULL : top;
	} while (!atomic_compare_exchange_weak(&to->top, &top, m));
	if (top != &asleep)
		return false;
	to->way->wake(to->loop, from);
	return true;
}

/* All there is, after what is in box->list; mark is for the next sender. */
static void
collect(struct mailbox *box, struct message *mark)
{
	struct message **end = &box->list, *list = NULL, *m, *next;

	m = atomic_exchange(&box->top, mark);
	for (; m != NULL && m != &asleep; m = next) {
		next = m->next;
		m->next = list;
		list = m;
	}
	while (*end != NULL)
		end = &(*end)->next;
	*end = list;
}

static void
woken(void *user)
{
	struct mailbox *box = user;

	if (!box->way->looks)
		collect(box, &asleep);
}

/* What there is, oldest first; NULL perhaps after a nap. */
static struct message *
take(struct mailbox *box)
{
	struct message *none = NULL;

	box->list = NULL;
	if (!box->way->looks) {
		box->way->turn(box->loop);
		return box->list;
	}
	collect(box, NULL);
	if (box->list == NULL) {
		if (atomic_compare_exchange_strong(&box->top, &none, &asleep))
			box->way->turn(box->loop);
		collect(box, NULL);
	}
	return box->list;
}

static uint64_t
await(struct mailbox *box)
{
	struct message *m;

	while ((m = take(box)) == NULL)
		continue;
	return m->data;
}

static void
open_box(struct mailbox *box, const struct message_loop *way)
{
	box->top = way->looks ? NULL : &asleep;
	box->way = way;
	box->loop = way->create(woken, box);
}

static void
close_box(struct mailbox *box)
{
	box->way->destroy(box->loop);
}

static void *
answer(void *user)
{
	struct pair *p = user;
	struct mailbox *own = &p->boxes[1];
	struct message reply;

	pin(p->run->other_cpu);
	open_box(own, p->boxes[0].way);
	pthread_barrier_wait(&p->ready);
	while ((reply.data = await(own)) != STOP)
		post(&p->boxes[0], &reply, own->loop);
	return NULL;
}

static void
start(struct pair *p, struct run *run, const struct message_loop *way,
    pthread_t *thread, void *(*fn)(void *user))
{
	p->run = run;
	pthread_barrier_init(&p->ready, NULL, 2);
	open_box(&p->boxes[0], way);
	if (pthread_create(thread, NULL, fn, p) != 0)
		die("pthread_create", -1);
	pthread_barrier_wait(&p->ready);
}

static void
round_trip(struct pair *p)
{
	struct message m = { .data = 1 };

	post(&p->boxes[1], &m, p->boxes[0].loop);
	await(&p->boxes[0]);
}

void
loop_message_ping(struct run *run, const struct message_loop *way)
{
	struct message stop = { .data = STOP };
	struct pair p = { .taken = 0 };
	pthread_t thread;
	int64_t begin, *trips;
	uint64_t i;

	trips = allocate(run->operations, sizeof(*trips));
	start(&p, run, way, &thread, answer);
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
	post(&p.boxes[1], &stop, p.boxes[0].loop);
	if (way->flush != NULL)
		way->flush(p.boxes[0].loop);
	pthread_join(thread, NULL);
	/* Not before: its last wake may come after the last message. */
	close_box(&p.boxes[1]);
	close_box(&p.boxes[0]);
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
loop_message_self(struct run *run, const struct message_loop *way)
{
	struct message *messages;
	uint64_t sent = 0, taken = 0;
	struct mailbox box;
	unsigned int i;

	open_box(&box, way);
	messages = allocate(run->size, sizeof(*messages));
	run_begin(run);
	while (sent < run->operations) {
		for (i = 0; i < run->size; i++) {
			messages[i].data = sent++;
			post(&box, &messages[i], box.loop);
		}
		while (taken < sent)
			taken = drain(&box, taken);
	}
	run_end(run, taken);
	close_box(&box);
	free(messages);
}

/* No more than run->size messages are on their way. */
static void *
pour(void *user)
{
	struct pair *p = user;
	struct mailbox *own = &p->boxes[1], *to = &p->boxes[0];
	struct message *m = p->messages;
	uint64_t i, size = p->run->size;

	pin(p->run->other_cpu);
	open_box(own, to->way);
	pthread_barrier_wait(&p->ready);
	for (i = 0; i < p->run->operations; i++) {
		while (i - p->taken >= size)
			sched_yield();
		m->data = i;
		if (post(to, m, own->loop) && to->way->flush != NULL)
			to->way->flush(own->loop);
		if (++m == p->messages + size)
			m = p->messages;
	}
	close_box(own);
	return NULL;
}

void
loop_message_burst(struct run *run, const struct message_loop *way)
{
	struct pair p = { .taken = 0 };
	pthread_t thread;

	p.messages = allocate(run->size, sizeof(*p.messages));
	start(&p, run, way, &thread, pour);
	run_begin(run);
	while (p.taken < run->operations)
		p.taken = drain(&p.boxes[0], p.taken);
	run_end(run, run->operations);
	pthread_join(thread, NULL);
	close_box(&p.boxes[0]);
	free(p.messages);
}
