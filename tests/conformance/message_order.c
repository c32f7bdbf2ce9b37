/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>

#include "conformance/conformance.h"

/* Messages of one sender arrive in the order in which they were sent. */

#define SENDERS	4
#define EACH	20000

struct senders {
	struct world w;
	atomic_uint next_sender;
	size_t received;
	uint64_t wanted[SENDERS];
};

static void *
send_many(void *arg)
{
	struct senders *s = arg;
	uint64_t sender = atomic_fetch_add(&s->next_sender, 1), i;
	int status;

	for (i = 0; i < EACH; i++) {
		while ((status = proactor_send_message(s->w.p,
		    sender << 32 | i)) == PROACTOR_EAGAIN)
			sched_yield();
		CHECK_INT(status, 0);
	}
	return NULL;
}

static void
receive_many(void *user_data, struct proactor *p, uint64_t data)
{
	struct senders *s = user_data;
	uint64_t sender = data >> 32;

	CHECK(p == s->w.p);
	CHECK(sender < SENDERS);
	CHECK_INT(data & UINT32_MAX, s->wanted[sender]);
	s->wanted[sender]++;
	s->received++;
}

static void
four_threads(void)
{
	static struct senders s;
	pthread_t threads[SENDERS];
	int i;

	world_open(&s.w, NULL);
	CHECK_INT(proactor_set_message_callback(s.w.p, receive_many, &s), 0);
	for (i = 0; i < SENDERS; i++)
		thread_start(&threads[i], send_many, &s);
	CHECK(poll_until(&s.w, &s.received, SENDERS * EACH));
	for (i = 0; i < SENDERS; i++)
		thread_join(threads[i]);
	CHECK(poll_quiet(&s.w));
	CHECK_INT(s.received, SENDERS * EACH);
	world_close(&s.w);
}

/* --- the polling thread's --- */

static void
count_up(void *user_data, struct proactor *p, uint64_t data)
{
	size_t *count = user_data;

	(void)p;
	CHECK_INT(data, *count);
	++*count;
}

static void
send_third(void *user_data, struct proactor_op *op, int status,
    unsigned int flags)
{
	struct proactor *p = user_data;

	(void)op;
	CHECK_INT(status, 0);
	CHECK_INT(flags & PROACTOR_COMPLETION_MORE, 0);
	CHECK_INT(proactor_send_message(p, 2), 0);
}

/* Two come before anybody polls, one from a callback of the first poll. */
static void
around_first_poll(void)
{
	struct proactor_nop_op op;
	struct proactor *p;
	struct world w;
	size_t count = 0;

	world_open(&w, NULL);
	p = w.p;
	CHECK_INT(proactor_set_message_callback(p, count_up, &count), 0);
	CHECK_INT(proactor_send_message(p, 0), 0);
	CHECK_INT(proactor_send_message(p, 1), 0);
	proactor_nop_op_init(&op, send_third, p);
	CHECK_INT(proactor_submit_one(p, &op.base), 0);
	CHECK(poll_until(&w, &count, 3));
	world_close(&w);
}

static void
answer_once(void *user_data, struct proactor *p, uint64_t data)
{
	size_t *count = user_data;

	count_up(count, p, data);
	if (data == 0)
		CHECK_INT(proactor_send_message(p, 2), 0);
}

/* Also of a loop that has not run: it has no owner when the first are sent. */
static void
answer_in_callback(bool polled)
{
	size_t completed, count = 0;
	struct world w;

	world_open(&w, NULL);
	CHECK_INT(proactor_set_message_callback(w.p, answer_once, &count), 0);
	if (polled)
		poll_barrier(&w);
	CHECK_INT(proactor_send_message(w.p, 0), 0);
	CHECK_INT(proactor_send_message(w.p, 1), 0);
	CHECK_INT(proactor_poll(w.p, patience(), &completed), 0);
	CHECK_INT(completed, 2);
	CHECK_INT(proactor_poll(w.p, patience(), &completed), 0);
	CHECK_INT(completed, 1);
	CHECK_INT(count, 3);
	world_close(&w);
}

static void
from_callback(void)
{
	answer_in_callback(false);
	answer_in_callback(true);
}

/* --- a signal handler on the polling thread --- */

#define HANDLED		2000
#define OF_HANDLER	(UINT64_C(1) << 63)

/*
 * Each message says how many of its own kind were sent before it, and of the
 * other kind at least.  One that the other has interrupted is before or after.
 */
static struct {
	struct proactor *p;
	pthread_t thread;
	volatile sig_atomic_t handled, sent;
	atomic_bool over;
	size_t received, from_handler;
} both;

static uint64_t
message_of(uint64_t own, uint64_t other)
{
	return own << 32 | other;
}

static void
on_signal(int sig)
{
	(void)sig;
	if (proactor_send_message(both.p, OF_HANDLER |
	    message_of(both.handled, both.sent)) == 0)
		both.handled++;
}

static void
receive_both(void *user_data, struct proactor *p, uint64_t data)
{
	uint64_t before = (data & ~OF_HANDLER) >> 32;
	uint64_t other = data & UINT32_MAX;

	(void)user_data;
	(void)p;
	if (data & OF_HANDLER) {
		CHECK_INT(before, both.from_handler++);
		CHECK(other <= both.received);
	} else {
		CHECK_INT(before, both.received++);
		CHECK(other <= both.from_handler);
	}
}

static void *
interrupt(void *arg)
{
	(void)arg;
	while (!atomic_load(&both.over)) {
		CHECK_INT(pthread_kill(both.thread, SIGUSR1), 0);
		sched_yield();
	}
	return NULL;
}

static void
among_handlers(void)
{
	struct sigaction sa;
	struct world w;
	pthread_t thread;
	int i;

	memset(&both, 0, sizeof(both));
	world_open(&w, NULL);
	both.p = w.p;
	both.thread = pthread_self();
	CHECK_INT(proactor_set_message_callback(w.p, receive_both, NULL), 0);
	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = on_signal;
	CHECK_INT(sigaction(SIGUSR1, &sa, NULL), 0);
	thread_start(&thread, interrupt, NULL);
	while (both.handled < HANDLED) {
		for (i = 0; i < 100; i++)
			if (proactor_send_message(w.p,
			    message_of(both.sent, both.handled)) == 0)
				both.sent++;
		CHECK_INT(proactor_poll(w.p, patience(), NULL), 0);
	}
	atomic_store(&both.over, true);
	thread_join(thread);
	while (both.received < (size_t)both.sent ||
	    both.from_handler < (size_t)both.handled)
		CHECK_INT(proactor_poll(w.p, patience(), NULL), 0);
	world_close(&w);
}

const struct tap_case message_order_cases[] = {
	{ "message order: four threads lose nothing and keep theirs",
	    four_threads },
	{ "message order: holds around the first poll", around_first_poll },
	{ "message order: what a message callback sends is for the next poll",
	    from_callback },
	{ "message order: holds between a thread and its signal handlers",
	    among_handlers },
	{ NULL, NULL }
};
