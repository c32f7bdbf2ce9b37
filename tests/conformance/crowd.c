/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "conformance/any_op.h"
#include "conformance/conformance.h"

/* Many threads at one proactor. */

#define THREADS	8
#define ROUNDS	400
#define SLOTS	8

/* An operation with what its final callbacks were. */
struct slot {
	union any_op op;
	atomic_uint submitted;
	atomic_uint finals;
};

struct crowd {
	struct world w;
	struct proactor_event *event;
	struct slot slots[THREADS][SLOTS];
	atomic_uint next_thread;
	atomic_uint running;
	int fd;				/* never readable */
};

static void
slot_done(void *user_data, struct proactor_op *op, int status,
    unsigned int flags)
{
	struct slot *slot = user_data;

	CHECK(op == &slot->op.base);
	CHECK_INT(flags, 0);
	CHECK(status == 0 || status == PROACTOR_ECANCELED);
	CHECK_INT(atomic_fetch_add(&slot->finals, 1) + 1,
	    atomic_load(&slot->submitted));
}

static void
slot_submit(struct crowd *c, struct slot *slot, unsigned int what)
{
	int64_t soon = proactor_deadline_after(what % 5 * 100000);

	switch (what % 4) {
	case 0:
		proactor_nop_op_init(&slot->op.nop, slot_done, slot);
		break;
	case 1:
		proactor_timer_op_init(&slot->op.timer, what % 8 == 1 ?
		    PROACTOR_FOREVER : soon, slot_done, slot);
		break;
	case 2:
		proactor_event_wait_op_init(&slot->op.wait, c->event,
		    slot_done, slot);
		break;
	default:
		proactor_handle_poll_op_init(&slot->op.poll,
		    proactor_handle_fd(c->fd), PROACTOR_POLL_IN, slot_done,
		    slot);
		break;
	}
	atomic_fetch_add(&slot->submitted, 1);
	CHECK_INT(proactor_submit_one(c->w.p, &slot->op.base), 0);
}

static bool
slot_idle(struct slot *slot)
{
	return atomic_load(&slot->finals) == atomic_load(&slot->submitted);
}

static void *
act(void *arg)
{
	struct crowd *c = arg;
	unsigned int me = atomic_fetch_add(&c->next_thread, 1);
	unsigned int random = me * 2654435761u + 1, i;
	struct slot *slot;
	int status;

	for (i = 0; i < ROUNDS; i++) {
		random = random * 1664525u + 1013904223u;
		slot = &c->slots[me][(random >> 8) % SLOTS];
		if (slot_idle(slot))
			slot_submit(c, slot, random >> 16);
		else if (random >> 31) {
			status = proactor_cancel(c->w.p, &slot->op.base);
			CHECK(status == 0 || status == PROACTOR_ENOENT);
		}
		if ((random >> 12) % 4 == 0)
			CHECK_INT(proactor_wake(c->w.p), 0);
		if ((random >> 14) % 4 == 0)
			CHECK_INT(proactor_event_set(c->event), 0);
	}
	for (i = 0; i < SLOTS; i++) {
		/* Until it has ended, by this or by itself. */
		while (!slot_idle(&c->slots[me][i])) {
			status = proactor_cancel(c->w.p,
			    &c->slots[me][i].op.base);
			CHECK(status == 0 || status == PROACTOR_ENOENT);
			sched_yield();
		}
	}
	atomic_fetch_sub(&c->running, 1);
	CHECK_INT(proactor_wake(c->w.p), 0);
	return NULL;
}

static void
eight_threads(void)
{
	struct crowd *c = calloc(1, sizeof(*c));
	pthread_t threads[THREADS];
	int fds[2], i, j;

	CHECK(c != NULL);
	fd_pair(PROACTOR_SOCKET_UNIX_STREAM, fds);
	c->fd = fds[0];
	world_open(&c->w, NULL);
	CHECK_INT(proactor_event_create(c->w.p, &c->event), 0);
	c->running = THREADS;
	for (i = 0; i < THREADS; i++)
		thread_start(&threads[i], act, c);
	while (atomic_load(&c->running) > 0)
		CHECK_INT(proactor_poll(c->w.p, patience(), NULL), 0);
	for (i = 0; i < THREADS; i++)
		thread_join(threads[i]);
	for (i = 0; i < THREADS; i++)
		for (j = 0; j < SLOTS; j++)
			CHECK(slot_idle(&c->slots[i][j]));
	proactor_event_release(c->event);
	world_close(&c->w);
	close_fds(fds);
	free(c);
}

/* --- batches from threads --- */

#define BATCH	16

struct batches {
	struct world w;
	atomic_uint next_thread;
	struct proactor_nop_op nops[THREADS][BATCH];
	atomic_uint finals[THREADS];
};

static void
count_final(void *user_data, struct proactor_op *op, int status,
    unsigned int flags)
{
	(void)op;
	CHECK_INT(status, 0);
	CHECK_INT(flags, 0);
	atomic_fetch_add((atomic_uint *)user_data, 1);
}

static void *
submit_batches(void *arg)
{
	struct batches *b = arg;
	unsigned int me = atomic_fetch_add(&b->next_thread, 1), i, round;
	struct proactor_op *ops[BATCH];

	for (i = 0; i < BATCH; i++) {
		proactor_nop_op_init(&b->nops[me][i], count_final,
		    &b->finals[me]);
		ops[i] = &b->nops[me][i].base;
	}
	for (round = 0; round < ROUNDS; round++) {
		CHECK_INT(proactor_submit(b->w.p, ops, BATCH), 0);
		while (atomic_load(&b->finals[me]) < BATCH * (round + 1))
			sched_yield();
	}
	return NULL;
}

static void
batches_from_threads(void)
{
	struct batches *b = calloc(1, sizeof(*b));
	pthread_t threads[THREADS];
	unsigned int sum, i;

	CHECK(b != NULL);
	world_open(&b->w, NULL);
	for (i = 0; i < THREADS; i++)
		thread_start(&threads[i], submit_batches, b);
	do {
		CHECK_INT(proactor_poll(b->w.p, patience(), NULL), 0);
		for (sum = 0, i = 0; i < THREADS; i++)
			sum += atomic_load(&b->finals[i]);
	} while (sum < THREADS * BATCH * ROUNDS);
	for (i = 0; i < THREADS; i++)
		thread_join(threads[i]);
	CHECK(poll_quiet(&b->w));
	world_close(&b->w);
	free(b);
}

/* --- a canceller against completion and resubmission --- */

struct duel {
	struct world w;
	struct proactor_timer_op timer;
	size_t fired;
	size_t cancelled;
	atomic_bool over;
};

static void
again(void *user_data, struct proactor_op *op, int status, unsigned int flags)
{
	struct duel *d = user_data;

	CHECK_INT(flags, 0);
	CHECK(status == 0 || status == PROACTOR_ECANCELED);
	if (status == 0)
		d->fired++;
	else
		d->cancelled++;
	if (d->fired + d->cancelled == 5000) {
		atomic_store(&d->over, true);
		return;
	}
	d->timer.deadline = proactor_deadline_after(
	    (int64_t)(d->fired % 3) * 2000);
	CHECK_INT(proactor_submit_one(d->w.p, op), 0);
}

static void *
cancel_until_over(void *arg)
{
	struct duel *d = arg;
	int status;

	while (!atomic_load(&d->over)) {
		status = proactor_cancel(d->w.p, &d->timer.base);
		CHECK(status == 0 || status == PROACTOR_ENOENT);
		sched_yield();
	}
	return NULL;
}

static void
cancel_against_resubmit(void)
{
	struct duel d = {0};
	pthread_t threads[2];
	int i;

	world_open(&d.w, NULL);
	proactor_timer_op_init(&d.timer, 0, again, &d);
	CHECK_INT(proactor_submit_one(d.w.p, &d.timer.base), 0);
	for (i = 0; i < 2; i++)
		thread_start(&threads[i], cancel_until_over, &d);
	while (!atomic_load(&d.over))
		CHECK_INT(proactor_poll(d.w.p, patience(), NULL), 0);
	for (i = 0; i < 2; i++)
		thread_join(threads[i]);
	CHECK_INT(d.fired + d.cancelled, 5000);
	CHECK(poll_quiet(&d.w));
	world_close(&d.w);
}

/* --- objects from everywhere --- */

struct makers {
	struct world w;
	atomic_uint running;
};

static void *
make_and_drop(void *arg)
{
	struct makers *m = arg;
	struct proactor *p = m->w.p;
	struct proactor_event *event;
	struct proactor_socket *s;
	int i;

	for (i = 0; i < 50; i++) {
		CHECK_INT(proactor_event_create(p, &event), 0);
		CHECK(proactor_event_retain(event) == event);
		CHECK_INT(proactor_event_set(event), 0);
		proactor_event_release(event);
		proactor_event_release(event);
		CHECK_INT(proactor_socket_create(p, PROACTOR_SOCKET_TCP, 0,
		    &s), 0);
		CHECK(proactor_socket_retain(s) == s);
		proactor_socket_release(s);
		proactor_socket_release(s);
		CHECK(proactor_retain(p) == p);
		proactor_release(p);
	}
	atomic_fetch_sub(&m->running, 1);
	CHECK_INT(proactor_wake(p), 0);
	return NULL;
}

static void
objects_from_threads(void)
{
	struct makers m = { .running = THREADS };
	pthread_t threads[THREADS];
	size_t before;
	int i;

	world_open(&m.w, NULL);
	poll_barrier(&m.w);
	before = open_fds();
	for (i = 0; i < THREADS; i++)
		thread_start(&threads[i], make_and_drop, &m);
	while (atomic_load(&m.running) > 0)
		CHECK_INT(proactor_poll(m.w.p, patience(), NULL), 0);
	for (i = 0; i < THREADS; i++)
		thread_join(threads[i]);
	poll_barrier(&m.w);
	CHECK_INT(open_fds(), before);
	world_close(&m.w);
}

const struct tap_case crowd_cases[] = {
	{ "threads: eight submit, cancel, set and wake at once",
	    eight_threads },
	{ "threads: eight submit batches and wait for them",
	    batches_from_threads },
	{ "threads: cancel races with completion and resubmission",
	    cancel_against_resubmit },
	{ "threads: eight make and drop events and sockets",
	    objects_from_threads },
	{ NULL, NULL }
};
