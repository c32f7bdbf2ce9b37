/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <sys/wait.h>

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conformance/allocator.h"

/* Pools of events. */

#define EVENTS	16

struct scene {
	struct world w;
	struct proactor_event_pool pool;
	struct proactor_event *events[EVENTS];
};

static void
scene_open(struct scene *s, const struct proactor_options *o)
{
	memset(s, 0, sizeof(*s));
	world_open(&s->w, o);
	CHECK_INT(proactor_event_pool_init(s->w.p, &s->pool, EVENTS), 0);
}

static void
scene_close(struct scene *s)
{
	CHECK_INT(proactor_event_pool_deinit(&s->pool), 0);
	world_close(&s->w);
}

static void
take_all(struct scene *s)
{
	size_t i;

	for (i = 0; i < EVENTS; i++) {
		CHECK_INT(s->pool.available, EVENTS - i);
		CHECK_INT(proactor_event_pool_acquire(&s->pool,
		    &s->events[i]), 0);
	}
}

static void
give_all(struct scene *s)
{
	size_t i;

	for (i = 0; i < EVENTS; i++)
		CHECK_INT(proactor_event_pool_release(&s->pool,
		    s->events[i]), 0);
}

static void
acquires_and_releases(void)
{
	struct scene s;
	struct proactor_event *one_more = NULL;
	size_t i, j;
	int round;

	scene_open(&s, NULL);
	CHECK_INT(s.pool.count, EVENTS);
	for (round = 0; round < 3; round++) {
		take_all(&s);
		for (i = 0; i < EVENTS; i++)
			for (j = 0; j < i; j++)
				CHECK(s.events[i] != s.events[j]);
		CHECK_INT(s.pool.available, 0);
		CHECK_INT(proactor_event_pool_acquire(&s.pool, &one_more),
		    PROACTOR_EAGAIN);
		CHECK(one_more == NULL);
		give_all(&s);
		CHECK_INT(s.pool.available, EVENTS);
	}
	scene_close(&s);
}

static void
works_as_any_event(void)
{
	struct scene s;
	struct proactor_event_wait_op wait;
	size_t i;

	scene_open(&s, NULL);
	take_all(&s);
	for (i = 0; i < EVENTS; i++) {
		proactor_event_wait_op_init(&wait, s.events[i], record,
		    &s.w.r);
		CHECK_INT(proactor_submit_one(s.w.p, &wait.base), 0);
		CHECK_INT(proactor_event_set(s.events[i]), 0);
		CHECK(poll_until(&s.w, &s.w.r.finals, i + 1));
		CHECK_INT(status_of(&s.w.r, &wait), 0);
	}
	give_all(&s);
	scene_close(&s);
}

/* Whether the letter of the last set has been read or not. */
static void
comes_back_clear(void)
{
	struct scene s;
	struct proactor_event_wait_op wait;
	size_t i;
	int way;

	scene_open(&s, NULL);
	for (way = 0; way < 4; way++) {
		take_all(&s);
		for (i = 0; i < EVENTS; i++)
			CHECK_INT(proactor_event_set(s.events[i]), 0);
		if (way & 1)
			CHECK(poll_quiet(&s.w));
		give_all(&s);
		if (way & 2)
			CHECK(poll_quiet(&s.w));
		recorder_clear(&s.w.r);
		take_all(&s);
		proactor_event_wait_op_init(&wait, s.events[0], record,
		    &s.w.r);
		CHECK_INT(proactor_submit_one(s.w.p, &wait.base), 0);
		CHECK(poll_quiet(&s.w));
		CHECK_INT(proactor_event_set(s.events[0]), 0);
		CHECK(poll_until(&s.w, &s.w.r.finals, 1));
		CHECK_INT(status_of(&s.w.r, &wait), 0);
		give_all(&s);
	}
	scene_close(&s);
}

static void
busy_while_waited_for(void)
{
	struct scene s;
	struct proactor_event_wait_op wait;

	scene_open(&s, NULL);
	take_all(&s);
	proactor_event_wait_op_init(&wait, s.events[3], record, &s.w.r);
	CHECK_INT(proactor_submit_one(s.w.p, &wait.base), 0);
	CHECK_INT(proactor_event_pool_release(&s.pool, s.events[3]),
	    PROACTOR_EBUSY);
	CHECK(poll_quiet(&s.w));
	CHECK_INT(proactor_event_pool_release(&s.pool, s.events[3]),
	    PROACTOR_EBUSY);
	CHECK_INT(proactor_cancel(s.w.p, &wait.base), 0);
	CHECK(poll_until(&s.w, &s.w.r.finals, 1));
	CHECK(proactor_event_retain(s.events[4]) == s.events[4]);
	CHECK_INT(proactor_event_pool_release(&s.pool, s.events[4]),
	    PROACTOR_EBUSY);
	proactor_event_release(s.events[4]);
	give_all(&s);
	scene_close(&s);
}

static void
bad_arguments(void)
{
	struct scene s;
	struct proactor_event_pool other, never;
	struct proactor_event *own, *event = NULL;

	scene_open(&s, NULL);
	memset(&never, 0, sizeof(never));
	CHECK_INT(proactor_event_pool_init(NULL, &never, 1), PROACTOR_EINVAL);
	CHECK_INT(proactor_event_pool_init(s.w.p, NULL, 1), PROACTOR_EINVAL);
	CHECK_INT(proactor_event_pool_init(s.w.p, &never, 0),
	    PROACTOR_EINVAL);
	CHECK_INT(proactor_event_pool_acquire(NULL, &event), PROACTOR_EINVAL);
	CHECK_INT(proactor_event_pool_acquire(&never, &event),
	    PROACTOR_EINVAL);
	CHECK_INT(proactor_event_pool_acquire(&s.pool, NULL),
	    PROACTOR_EINVAL);
	CHECK_INT(proactor_event_pool_deinit(NULL), PROACTOR_EINVAL);
	CHECK_INT(proactor_event_pool_deinit(&never), PROACTOR_EINVAL);
	CHECK(event == NULL);

	/* Of another pool, of none, of this one and not acquired. */
	CHECK_INT(proactor_event_pool_init(s.w.p, &other, 1), 0);
	CHECK_INT(proactor_event_pool_acquire(&other, &event), 0);
	CHECK_INT(proactor_event_create(s.w.p, &own), 0);
	CHECK_INT(proactor_event_pool_release(&s.pool, event),
	    PROACTOR_EINVAL);
	CHECK_INT(proactor_event_pool_release(&s.pool, own), PROACTOR_EINVAL);
	CHECK_INT(proactor_event_pool_release(&s.pool, NULL),
	    PROACTOR_EINVAL);
	CHECK_INT(proactor_event_pool_release(NULL, event), PROACTOR_EINVAL);
	CHECK_INT(proactor_event_pool_release(&other, event), 0);
	CHECK_INT(proactor_event_pool_release(&other, event),
	    PROACTOR_ENOENT);
	CHECK_INT(other.available, 1);
	CHECK_INT(proactor_event_pool_deinit(&other), 0);
	CHECK_INT(proactor_event_pool_acquire(&other, &event),
	    PROACTOR_EINVAL);
	proactor_event_release(own);
	scene_close(&s);
}

static void
ends_when_all_are_back(void)
{
	struct scene s;

	scene_open(&s, NULL);
	CHECK_INT(proactor_event_pool_acquire(&s.pool, &s.events[0]), 0);
	CHECK_INT(proactor_event_pool_deinit(&s.pool), PROACTOR_EBUSY);
	CHECK_INT(s.pool.available, EVENTS - 1);
	CHECK_INT(proactor_event_pool_release(&s.pool, s.events[0]), 0);
	scene_close(&s);
}

/* The events hold the memory of the proactor, as others do. */
static void
ends_after_proactor(void)
{
	struct scene s;

	scene_open(&s, NULL);
	take_all(&s);
	world_close(&s.w);
	give_all(&s);
	CHECK_INT(proactor_event_pool_deinit(&s.pool), 0);
}

static void *
use_elsewhere(void *arg)
{
	struct scene *s = arg;
	struct proactor_event *event = NULL;

	CHECK_INT(proactor_event_pool_acquire(&s->pool, &event),
	    PROACTOR_EPERM);
	CHECK_INT(proactor_event_pool_release(&s->pool, s->events[0]),
	    PROACTOR_EPERM);
	CHECK(event == NULL);
	return NULL;
}

static void
polling_thread_only(void)
{
	struct scene s;
	pthread_t thread;

	scene_open(&s, NULL);
	take_all(&s);
	CHECK(poll_quiet(&s.w));
	thread_start(&thread, use_elsewhere, &s);
	thread_join(thread);
	give_all(&s);
	scene_close(&s);
}

static void
allocates_nothing(void)
{
	struct allocator a = { 0 };
	struct proactor_options o;
	struct scene s;
	long before;
	int i;

	allocator_options(&o, &a);
	scene_open(&s, &o);
	before = a.calls;
	for (i = 0; i < 100; i++) {
		take_all(&s);
		give_all(&s);
	}
	CHECK_INT(a.calls, before);
	scene_close(&s);
}

static void
no_memory(void)
{
	struct allocator a = { 0 };
	struct proactor_event_pool pool;
	struct proactor_options o;
	struct world w;
	long i;

	allocator_options(&o, &a);
	world_open(&w, &o);
	memset(&pool, 0x5a, sizeof(pool));
	for (i = 1; i <= EVENTS; i++) {
		a.fail_at = a.calls + i;
		CHECK_INT(proactor_event_pool_init(w.p, &pool, EVENTS),
		    PROACTOR_ENOMEM);
		CHECK_INT(((unsigned char *)&pool)[0], 0x5a);
	}
	world_close(&w);
}

/* --- set by another thread, and given back in the wait's callback --- */

struct relay {
	struct scene s;
	struct proactor_event_wait_op wait;
	_Atomic(struct proactor_event *) current;
	size_t rounds, done;
};

static void
next_round(struct relay *r)
{
	struct proactor_event *event;

	CHECK_INT(proactor_event_pool_acquire(&r->s.pool, &event), 0);
	proactor_event_wait_op_init(&r->wait, event,
	    r->wait.base.callback, r);
	CHECK_INT(proactor_submit_one(r->s.w.p, &r->wait.base), 0);
	atomic_store(&r->current, event);
}

static void
round_over(void *user_data, struct proactor_op *op, int status,
    unsigned int flags)
{
	struct relay *r = user_data;

	(void)op;
	(void)flags;
	CHECK_INT(status, 0);
	CHECK_INT(proactor_event_pool_release(&r->s.pool, r->wait.event), 0);
	if (++r->done < r->rounds)
		next_round(r);
}

static void *
set_each(void *arg)
{
	struct relay *r = arg;
	struct proactor_event *event;
	size_t i;

	for (i = 0; i < r->rounds; i++) {
		while ((event = atomic_exchange(&r->current, NULL)) == NULL)
			continue;
		CHECK_INT(proactor_event_set(event), 0);
	}
	return NULL;
}

static void
set_from_thread(void)
{
	static struct relay r;
	pthread_t thread;

	scene_open(&r.s, NULL);
	r.rounds = 3000;
	r.wait.base.callback = round_over;
	thread_start(&thread, set_each, &r);
	next_round(&r);
	CHECK(poll_until(&r.s.w, &r.done, r.rounds));
	thread_join(thread);
	CHECK_INT(r.s.pool.available, EVENTS);
	scene_close(&r.s);
}

static void
in_a_child(void)
{
	struct scene s;
	struct proactor_event *event = NULL;
	pid_t child;
	int status;

	scene_open(&s, NULL);
	child = fork();
	CHECK(child != -1);
	if (child == 0) {
		CHECK_INT(proactor_event_pool_acquire(&s.pool, &event),
		    PROACTOR_ECHILD);
		CHECK_INT(proactor_event_pool_init(s.w.p, &s.pool, 1),
		    PROACTOR_ECHILD);
		CHECK_INT(proactor_event_pool_deinit(&s.pool), 0);
		proactor_release(s.w.p);
		_exit(0);
	}
	while (waitpid(child, &status, 0) == -1)
		CHECK_INT(errno, EINTR);
	CHECK_INT(status, 0);
	take_all(&s);
	give_all(&s);
	scene_close(&s);
}

const struct tap_case pool_cases[] = {
	{ "event pool: has as many as it was made with, then EAGAIN",
	    acquires_and_releases },
	{ "event pool: its events are like any other", works_as_any_event },
	{ "event pool: an event comes back not set", comes_back_clear },
	{ "event pool: one that is waited for, or held, is EBUSY",
	    busy_while_waited_for },
	{ "event pool: bad arguments are EINVAL, a second release ENOENT",
	    bad_arguments },
	{ "event pool: ends when all are back, else EBUSY",
	    ends_when_all_are_back },
	{ "event pool: may end after its proactor", ends_after_proactor },
	{ "event pool: another thread is EPERM", polling_thread_only },
	{ "event pool: allocates nothing once it is made",
	    allocates_nothing },
	{ "event pool: without memory it is ENOMEM, and nothing is left",
	    no_memory },
	{ "event pool: given back in the callback while it is being set",
	    set_from_thread },
	{ "event pool: a child of fork is told", in_a_child },
	{ NULL, NULL }
};
