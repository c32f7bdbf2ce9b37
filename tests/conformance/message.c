/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "conformance/conformance.h"

/* Messages: fire and forget, and the operation that sends one. */

/* What a target has been told. */
struct inbox {
	struct proactor *p;
	size_t count;
	uint64_t data[4096];
};

static void
receive(void *user_data, struct proactor *p, uint64_t data)
{
	struct inbox *in = user_data;

	CHECK(p == in->p);
	CHECK(in->count < 4096);
	in->data[in->count++] = data;
}

static void
inbox_open(struct world *w, struct inbox *in)
{
	memset(in, 0, sizeof(*in));
	in->p = w->p;
	CHECK_INT(proactor_set_message_callback(w->p, receive, in), 0);
}

static void
sent_and_received(void)
{
	static struct inbox in;
	struct world w;
	size_t completed, i;

	world_open(&w, NULL);
	inbox_open(&w, &in);
	CHECK_INT(proactor_send_message(w.p, UINT64_MAX), 0);
	CHECK_INT(in.count, 0);
	CHECK_INT(proactor_poll(w.p, patience(), &completed), 0);
	CHECK_INT(completed, 1);
	CHECK_INT(in.count, 1);
	CHECK(in.data[0] == UINT64_MAX);
	for (i = 1; i <= 200; i++)
		CHECK_INT(proactor_send_message(w.p, i), 0);
	CHECK(poll_until(&w, &in.count, 201));
	for (i = 1; i <= 200; i++)
		CHECK_INT(in.data[i], i);
	CHECK(poll_quiet(&w));
	CHECK_INT(in.count, 201);
	world_close(&w);
}

/* Rounds for capacities; returns how many were accepted before EAGAIN. */
static size_t
fill_pool(struct world *w, uint64_t first)
{
	size_t n = 0;
	int status;

	while ((status = proactor_send_message(w->p, first + n)) == 0)
		CHECK(++n < 4096);
	CHECK_INT(status, PROACTOR_EAGAIN);
	return n;
}

static void
full_is_eagain(void)
{
	static const uint32_t capacities[] = { 0, 1, 2, 5, 64, 1000 };
	static struct inbox in;
	struct proactor_options o;
	struct world w;
	size_t capacity, i, k, n, round;

	for (i = 0; i < sizeof(capacities) / sizeof(capacities[0]); i++) {
		world_options(&o);
		o.message_pool_capacity = capacities[i];
		capacity = capacities[i] == 0 ? 256 : capacities[i];
		world_open(&w, &o);
		for (round = 0; round < 3; round++) {
			inbox_open(&w, &in);
			n = fill_pool(&w, round);
			/* A power of two, perhaps, but not boundless. */
			CHECK(n >= capacity && n < 2 * capacity + 2);
			CHECK_INT(proactor_send_message(w.p, 0),
			    PROACTOR_EAGAIN);
			CHECK(poll_until(&w, &in.count, n));
			CHECK_INT(in.count, n);
			for (k = 0; k < n; k++)
				CHECK_INT(in.data[k], round + k);
		}
		world_close(&w);
	}
}

/* --- from callbacks and handlers --- */

static void
send_onward(void *user_data, struct proactor *p, uint64_t data)
{
	struct inbox *in = user_data;

	receive(in, p, data);
	if (data < 100)
		CHECK_INT(proactor_send_message(p, data + 1), 0);
}

static void
from_message_callback(void)
{
	static struct inbox in;
	struct world w;
	size_t i;

	world_open(&w, NULL);
	inbox_open(&w, &in);
	CHECK_INT(proactor_set_message_callback(w.p, send_onward, &in), 0);
	CHECK_INT(proactor_send_message(w.p, 0), 0);
	CHECK(poll_until(&w, &in.count, 101));
	for (i = 0; i <= 100; i++)
		CHECK_INT(in.data[i], i);
	CHECK(poll_quiet(&w));
	CHECK_INT(in.count, 101);
	world_close(&w);
}

static void
before_the_callback(void)
{
	static struct inbox in;
	struct world w;

	world_open(&w, NULL);
	CHECK_INT(proactor_send_message(w.p, 7), 0);
	CHECK(poll_quiet(&w));
	inbox_open(&w, &in);
	CHECK(poll_until(&w, &in.count, 1));
	CHECK_INT(in.data[0], 7);
	CHECK_INT(proactor_set_message_callback(w.p, NULL, NULL), 0);
	CHECK_INT(proactor_send_message(w.p, 8), 0);
	CHECK(poll_quiet(&w));
	CHECK_INT(in.count, 1);
	CHECK_INT(proactor_set_message_callback(w.p, receive, &in), 0);
	CHECK(poll_until(&w, &in.count, 2));
	CHECK_INT(in.data[1], 8);
	world_close(&w);
}

static struct proactor *handler_target;

static void
on_signal(int sig)
{
	(void)proactor_send_message(handler_target, (uint64_t)sig);
}

static void
from_handler(void)
{
	static struct inbox in;
	struct sigaction sa;
	struct world w;
	size_t i;

	world_open(&w, NULL);
	inbox_open(&w, &in);
	handler_target = w.p;
	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = on_signal;
	CHECK_INT(sigaction(SIGUSR1, &sa, NULL), 0);
	for (i = 1; i <= 50; i++) {
		CHECK_INT(raise(SIGUSR1), 0);
		CHECK(poll_until(&w, &in.count, i));
		CHECK_INT(in.data[i - 1], SIGUSR1);
	}
	world_close(&w);
}

static void
bad_arguments(void)
{
	static struct inbox in;
	struct world w;
	struct proactor_message_op op;

	world_open(&w, NULL);
	inbox_open(&w, &in);
	CHECK_INT(proactor_send_message(NULL, 1), PROACTOR_EINVAL);
	CHECK_INT(proactor_set_message_callback(NULL, receive, &in),
	    PROACTOR_EINVAL);
	proactor_message_op_init(&op, NULL, 1, 0, record, &w.r);
	CHECK_INT(proactor_submit_one(w.p, &op.base), PROACTOR_EINVAL);
	proactor_message_op_init(&op, w.p, 1, 0x80, record, &w.r);
	CHECK_INT(proactor_submit_one(w.p, &op.base), PROACTOR_EINVAL);
	proactor_message_op_init(&op, w.p, 1, 0, record, &w.r);
	op.base.flags = PROACTOR_OP_MULTISHOT;
	CHECK_INT(proactor_submit_one(w.p, &op.base), PROACTOR_EINVAL);
	CHECK(poll_quiet(&w));
	CHECK_INT(in.count, 0);
	world_close(&w);
}

/* --- the operation --- */

static void
op_to_another(void)
{
	static struct inbox in;
	struct world from, to;
	struct proactor_message_op op;
	size_t i;

	world_open(&from, NULL);
	world_open(&to, NULL);
	inbox_open(&to, &in);
	proactor_message_op_init(&op, to.p, 0, 0, record, &from.r);
	for (i = 1; i <= 10; i++) {
		op.data = i * UINT64_C(0x0101010101010101);
		CHECK_INT(run_one(&from, &op.base), 0);
		CHECK(poll_until(&to, &in.count, i));
		CHECK(in.data[i - 1] == op.data);
	}
	world_close(&from);
	world_close(&to);
}

static void
op_to_itself(void)
{
	static struct inbox in;
	struct world w;
	struct proactor_message_op ops[50];
	struct proactor_op *batch[50];
	size_t i;

	world_open(&w, NULL);
	inbox_open(&w, &in);
	for (i = 0; i < 50; i++) {
		proactor_message_op_init(&ops[i], w.p, i, 0, record, &w.r);
		batch[i] = &ops[i].base;
	}
	CHECK_INT(proactor_submit(w.p, batch, 50), 0);
	CHECK_INT(in.count, 0);
	CHECK(poll_until(&w, &w.r.finals, 50));
	CHECK(poll_until(&w, &in.count, 50));
	for (i = 0; i < 50; i++) {
		CHECK_INT(in.data[i], i);
		CHECK_INT(status_of(&w.r, &ops[i]), 0);
	}
	world_close(&w);
}

static void
op_when_full(void)
{
	static struct inbox in;
	struct proactor_options o;
	struct world from, to;
	struct proactor_message_op op;
	unsigned int flags;
	size_t n;

	world_options(&o);
	o.message_pool_capacity = 4;
	world_open(&from, NULL);
	world_open(&to, &o);
	for (flags = 0; flags <= PROACTOR_MESSAGE_SKIP_SOURCE; flags++) {
		inbox_open(&to, &in);
		n = fill_pool(&to, 0);
		proactor_message_op_init(&op, to.p, 99, flags, record,
		    &from.r);
		CHECK_INT(run_one(&from, &op.base), PROACTOR_EAGAIN);
		CHECK(poll_until(&to, &in.count, n));
		CHECK(poll_quiet(&to));
		CHECK_INT(in.count, n);
	}
	world_close(&from);
	world_close(&to);
}

static void
op_skips_source(void)
{
	static struct inbox in;
	struct world from, to;
	struct proactor_message_op op;
	size_t i;

	world_open(&from, NULL);
	world_open(&to, NULL);
	inbox_open(&to, &in);
	proactor_message_op_init(&op, to.p, 3, PROACTOR_MESSAGE_SKIP_SOURCE,
	    record, &from.r);
	for (i = 1; i <= 5; i++) {
		CHECK_INT(proactor_submit_one(from.p, &op.base), 0);
		CHECK(poll_quiet(&from));
		CHECK(poll_until(&to, &in.count, i));
		CHECK_INT(in.data[i - 1], 3);
	}
	CHECK_INT(proactor_cancel(from.p, &op.base), PROACTOR_ENOENT);
	CHECK(poll_quiet(&from));
	CHECK_INT(from.r.calls, 0);
	world_close(&from);
	world_close(&to);
}

/* The target's thread frees what the source's thread has submitted. */
struct relay {
	struct world to;
	atomic_bool stop;
	atomic_size_t freed;
};

static void
free_message(void *user_data, struct proactor *p, uint64_t data)
{
	struct relay *relay = user_data;
	struct proactor_message_op *op = (struct proactor_message_op *)
	    (uintptr_t)data;

	(void)p;
	memset(op, 0xa5, sizeof(*op));
	free(op);
	atomic_fetch_add(&relay->freed, 1);
}

static void *
poll_target(void *arg)
{
	struct relay *relay = arg;

	while (!atomic_load(&relay->stop))
		CHECK_INT(proactor_poll(relay->to.p, patience(), NULL), 0);
	CHECK_INT(proactor_shutdown(relay->to.p, patience()), 0);
	return NULL;
}

static void
op_given_back_by_target(void)
{
	static struct relay relay;
	struct proactor_message_op *op;
	struct world from;
	pthread_t thread;
	size_t i;

	world_open(&from, NULL);
	world_open(&relay.to, NULL);
	CHECK_INT(proactor_set_message_callback(relay.to.p, free_message,
	    &relay), 0);
	thread_start(&thread, poll_target, &relay);
	for (i = 1; i <= 2000; i++) {
		op = malloc(sizeof(*op));
		CHECK(op != NULL);
		proactor_message_op_init(op, relay.to.p, (uintptr_t)op,
		    PROACTOR_MESSAGE_SKIP_SOURCE, record, &from.r);
		CHECK_INT(proactor_submit_one(from.p, &op->base), 0);
		while (atomic_load(&relay.freed) < i)
			(void)proactor_poll(from.p, PROACTOR_IMMEDIATE, NULL);
	}
	CHECK_INT(from.r.calls, 0);
	atomic_store(&relay.stop, true);
	CHECK_INT(proactor_wake(relay.to.p), 0);
	thread_join(thread);
	proactor_release(relay.to.p);
	world_close(&from);
}

/* --- two that answer each other --- */

#define ROUNDS	2000

struct player {
	struct world w;
	struct player *other;
	struct proactor_message_op op;
	uint64_t last;
	bool by_operation;
};

static void
answer(void *user_data, struct proactor *p, uint64_t data)
{
	struct player *player = user_data;

	CHECK_INT(data, player->last == 0 ? data : player->last + 2);
	player->last = data;
	if (data >= ROUNDS)
		return;
	if (!player->by_operation) {
		CHECK_INT(proactor_send_message(player->other->w.p, data + 1),
		    0);
		return;
	}
	proactor_message_op_init(&player->op, player->other->w.p, data + 1,
	    PROACTOR_MESSAGE_SKIP_SOURCE, record, &player->w.r);
	CHECK_INT(proactor_submit_one(p, &player->op.base), 0);
}

static void *
play(void *arg)
{
	struct player *player = arg;

	while (player->last < ROUNDS - 1)
		CHECK_INT(proactor_poll(player->w.p, patience(), NULL), 0);
	/* The answer to the last one may still be under way. */
	poll_barrier(&player->w);
	CHECK_INT(proactor_shutdown(player->w.p, patience()), 0);
	return NULL;
}

static void
players(bool by_operation)
{
	struct player *a = calloc(1, sizeof(*a)), *b = calloc(1, sizeof(*b));
	pthread_t thread;

	CHECK(a != NULL && b != NULL);
	a->other = b;
	b->other = a;
	a->by_operation = b->by_operation = by_operation;
	world_open(&a->w, NULL);
	world_open(&b->w, NULL);
	CHECK_INT(proactor_set_message_callback(a->w.p, answer, a), 0);
	CHECK_INT(proactor_set_message_callback(b->w.p, answer, b), 0);
	thread_start(&thread, play, b);
	CHECK_INT(proactor_send_message(b->w.p, 1), 0);
	while (a->last < ROUNDS)
		CHECK_INT(proactor_poll(a->w.p, patience(), NULL), 0);
	thread_join(thread);
	CHECK_INT(a->w.r.calls + b->w.r.calls, 0);
	proactor_release(b->w.p);
	recorder_clear(&b->w.r);
	world_close(&a->w);
	free(a);
	free(b);
}

static void
two_by_message(void)
{
	players(false);
}

static void
two_by_operation(void)
{
	players(true);
}

static void
target_shut_down(void)
{
	static struct inbox in;
	struct world from, to;
	struct proactor_message_op op;

	world_open(&from, NULL);
	world_open(&to, NULL);
	inbox_open(&to, &in);
	CHECK_INT(proactor_shutdown(to.p, patience()), 0);
	CHECK_INT(proactor_send_message(to.p, 1), PROACTOR_ESHUTDOWN);
	proactor_message_op_init(&op, to.p, 1, 0, record, &from.r);
	CHECK_INT(run_one(&from, &op.base), PROACTOR_ESHUTDOWN);
	op.message_flags = PROACTOR_MESSAGE_SKIP_SOURCE;
	CHECK_INT(run_one(&from, &op.base), PROACTOR_ESHUTDOWN);
	CHECK_INT(in.count, 0);
	proactor_release(to.p);
	world_close(&from);
}

/* What is sent at the end can be called off until then. */
static void
op_cancelled(void)
{
	static struct inbox in;
	struct proactor_message_op skips, sent;
	struct world w;

	world_open(&w, NULL);
	inbox_open(&w, &in);
	proactor_message_op_init(&skips, w.p, 1, PROACTOR_MESSAGE_SKIP_SOURCE,
	    record, &w.r);
	proactor_message_op_init(&sent, w.p, 2, 0, record, &w.r);
	poll_barrier(&w);
	CHECK_INT(proactor_submit_one(w.p, &skips.base), 0);
	CHECK_INT(proactor_submit_one(w.p, &sent.base), 0);
	CHECK_INT(proactor_cancel(w.p, &skips.base), 0);
	CHECK_INT(proactor_cancel(w.p, &sent.base), 0);
	CHECK(poll_finals(&w, &skips, 1));
	CHECK(poll_until(&w, &in.count, 1));
	poll_barrier(&w);
	CHECK_INT(status_of(&w.r, &skips), PROACTOR_ECANCELED);
	CHECK_INT(status_of(&w.r, &sent), 0);
	CHECK_INT(in.count, 1);
	CHECK_INT(in.data[0], 2);
	world_close(&w);
}

const struct tap_case message_cases[] = {
	{ "message: is received once, in a poll, in order",
	    sent_and_received },
	{ "message: EAGAIN when the pool is full, and room after a poll",
	    full_is_eagain },
	{ "message: may be sent in the message callback",
	    from_message_callback },
	{ "message: waits while there is no callback",
	    before_the_callback },
	{ "message: may be sent in a signal handler", from_handler },
	{ "message: bad arguments are EINVAL", bad_arguments },
	{ "message: two threads answer each other 2,000 times",
	    two_by_message },
	{ "message: to one that was shut down is ESHUTDOWN",
	    target_shut_down },
	{ "message op: completes, and the target is told", op_to_another },
	{ "message op: fifty to oneself arrive in order", op_to_itself },
	{ "message op: a full target is EAGAIN, called back",
	    op_when_full },
	{ "message op: SKIP_SOURCE calls back at the target only",
	    op_skips_source },
	{ "message op: SKIP_SOURCE gives it back with the target's callback",
	    op_given_back_by_target },
	{ "message op: cancelled, it is not sent, or has been", op_cancelled },
	{ "message op: two threads answer each other 2,000 times",
	    two_by_operation },
	{ NULL, NULL }
};
