/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <errno.h>
#include <stdlib.h>

#include <event2/event.h>
#include <event2/event_struct.h>
#include <event2/thread.h>

#include "bench/loop-messages.h"
#include "bench/loop-nops.h"
#include "bench/loop-timers.h"
#include "bench/others.h"

const char libevent_words[] = "libevent " LIBEVENT_VERSION;

struct loop {
	struct event_base *base;
	struct event *events;
	void *run;
};

static struct event_base *
base_new(void)
{
	struct event_base *base;

	base = event_base_new();
	if (base == NULL)
		die("event_base_new", -errno);
	return base;
}

static struct loop *
loop_new(void *run, unsigned int count, event_callback_fn callback)
{
	struct loop *l;
	unsigned int i;

	l = allocate(1, sizeof(*l));
	l->base = base_new();
	l->run = run;
	l->events = allocate(count, sizeof(*l->events));
	for (i = 0; i < count; i++)
		event_assign(&l->events[i], l->base, -1, 0, callback, l);
	return l;
}

static void
turn(void *loop)
{
	struct loop *l = loop;

	event_base_loop(l->base, EVLOOP_ONCE);
}

static void
loop_free(void *loop)
{
	struct loop *l = loop;

	event_base_free(l->base);
	free(l->events);
	free(l);
}

/* A callback is not told which event it is of. */
static unsigned int
current(struct loop *l)
{
	return event_base_get_running_event(l->base) - l->events;
}

static void
on_timer(evutil_socket_t fd, short what, void *user)
{
	struct loop *l = user;
	struct timer_run *t = l->run;

	(void)fd;
	(void)what;
	loop_timer_fired(t, t->late != NULL ? current(l) : 0);
}

static void *
timers_create(struct timer_run *t)
{
	return loop_new(t, t->count, on_timer);
}

static void
timers_arm(void *loop, unsigned int i, int64_t deadline, int64_t now)
{
	int64_t us = (deadline - now + 999) / 1000;
	struct timeval tv = { us / 1000000, us % 1000000 };
	struct loop *l = loop;

	event_add(&l->events[i], &tv);
}

static void
timers_cancel(void *loop, unsigned int i)
{
	struct loop *l = loop;

	event_del(&l->events[i]);
}

static const struct timer_loop timers = {
	.create = timers_create,
	.arm = timers_arm,
	.cancel = timers_cancel,
	.turn = turn,
	.destroy = loop_free,
};

LOOP_TIMER_CELLS(libevent, timers)

static void
on_nop(evutil_socket_t fd, short what, void *user)
{
	struct loop *l = user;

	(void)fd;
	(void)what;
	if (loop_nop_done(l->run))
		event_active(event_base_get_running_event(l->base), EV_TIMEOUT,
		    0);
}

static void *
nops_create(unsigned int count, struct nop_run *n)
{
	return loop_new(n, count, on_nop);
}

static void
nops_post(void *loop, unsigned int i)
{
	struct loop *l = loop;

	event_active(&l->events[i], EV_TIMEOUT, 0);
}

static void
nops_turn(void *loop)
{
	struct loop *l = loop;

	event_base_loop(l->base, EVLOOP_NONBLOCK);
}

static const struct nop_loop nops = {
	.create = nops_create,
	.post = nops_post,
	.turn = nops_turn,
	.destroy = loop_free,
};

LOOP_NOP_CELLS(libevent, nops)

struct receiver {
	struct event_base *base;
	struct event event;
	void (*woken)(void *user);
	void *user;
};

static void
on_wake(evutil_socket_t fd, short what, void *user)
{
	struct receiver *r = user;

	(void)fd;
	(void)what;
	r->woken(r->user);
}

static void *
messages_create(void (*woken)(void *user), void *user)
{
	struct receiver *r;

	evthread_use_pthreads();
	r = allocate(1, sizeof(*r));
	r->woken = woken;
	r->user = user;
	r->base = base_new();
	event_assign(&r->event, r->base, -1, EV_PERSIST, on_wake, r);
	return r;
}

static void
messages_wake(void *loop, void *from)
{
	struct receiver *r = loop;

	(void)from;
	event_active(&r->event, EV_READ, 0);
}

/* The event is never pending: an empty loop has to wait. */
static void
messages_turn(void *loop)
{
	struct receiver *r = loop;

	event_base_loop(r->base, EVLOOP_ONCE | EVLOOP_NO_EXIT_ON_EMPTY);
}

static void
messages_destroy(void *loop)
{
	struct receiver *r = loop;

	event_base_free(r->base);
	free(r);
}

static const struct message_loop messages = {
	.create = messages_create,
	.wake = messages_wake,
	.turn = messages_turn,
	.destroy = messages_destroy,
};

LOOP_MESSAGE_CELLS(libevent, messages)

void
libevent_create(struct run *run)
{
	uint64_t i;

	for (i = 0; i < run->warm_up + run->operations; i++) {
		if (i == run->warm_up)
			run_begin(run);
		event_base_free(base_new());
	}
	run_end(run, run->operations);
}
