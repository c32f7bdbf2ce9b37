/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "conformance/conformance.h"

/* Events, set and waited for. */

struct scene {
	struct world w;
	struct proactor_event *event;
	struct proactor_event_wait_op waits[8];
};

static void
scene_open(struct scene *s)
{
	size_t i;

	world_open(&s->w, NULL);
	CHECK_INT(proactor_event_create(s->w.p, &s->event), 0);
	for (i = 0; i < COUNT(s->waits); i++)
		proactor_event_wait_op_init(&s->waits[i], s->event, record,
		    &s->w.r);
}

static void
scene_close(struct scene *s)
{
	proactor_event_release(s->event);
	world_close(&s->w);
}

static void
await(struct scene *s, size_t i)
{
	CHECK_INT(proactor_submit_one(s->w.p, &s->waits[i].base), 0);
}

static void
set(struct scene *s)
{
	CHECK_INT(proactor_event_set(s->event), 0);
}

static void
set_before_wait(void)
{
	struct scene s;
	size_t completed, i;

	scene_open(&s);
	for (i = 1; i <= 3; i++) {
		set(&s);
		await(&s, 0);
		CHECK_INT(s.w.r.calls, i - 1);
		CHECK_INT(proactor_poll(s.w.p, patience(), &completed), 0);
		CHECK_INT(completed, 1);
		CHECK_INT(status_of(&s.w.r, &s.waits[0]), 0);
	}
	/* Set long before, with polls between. */
	set(&s);
	CHECK_INT(proactor_poll(s.w.p, PROACTOR_IMMEDIATE, NULL),
	    PROACTOR_ETIMEDOUT);
	CHECK(poll_quiet(&s.w));
	await(&s, 0);
	CHECK(poll_until(&s.w, &s.w.r.finals, 4));
	scene_close(&s);
}

static void
set_after_wait(void)
{
	struct scene s;
	size_t i;

	scene_open(&s);
	for (i = 1; i <= 3; i++) {
		await(&s, 0);
		CHECK(poll_quiet(&s.w));
		set(&s);
		CHECK(poll_until(&s.w, &s.w.r.finals, i));
		CHECK_INT(status_of(&s.w.r, &s.waits[0]), 0);
	}
	scene_close(&s);
}

static void
sets_coalesce(void)
{
	struct scene s;
	int i;

	scene_open(&s);
	for (i = 0; i < 100; i++)
		set(&s);
	await(&s, 0);
	CHECK(poll_until(&s.w, &s.w.r.finals, 1));
	await(&s, 1);
	CHECK(poll_quiet(&s.w));
	set(&s);
	CHECK(poll_until(&s.w, &s.w.r.finals, 2));
	CHECK_INT(finals_of(&s.w.r, &s.waits[1]), 1);
	scene_close(&s);
}

static void
one_waiter_per_set(void)
{
	struct scene s;
	size_t i;

	scene_open(&s);
	for (i = 0; i < COUNT(s.waits); i++)
		await(&s, i);
	CHECK(poll_quiet(&s.w));
	for (i = 0; i < COUNT(s.waits); i++) {
		set(&s);
		CHECK(poll_until(&s.w, &s.w.r.finals, i + 1));
		CHECK(poll_quiet(&s.w));
		/* And the one that has waited longest. */
		CHECK(s.w.r.seen[i].op == &s.waits[i].base);
	}
	scene_close(&s);
}

static void
cancelled_wait(void)
{
	struct scene s;

	scene_open(&s);
	await(&s, 0);
	await(&s, 1);
	await(&s, 2);
	CHECK(poll_quiet(&s.w));
	CHECK_INT(proactor_cancel(s.w.p, &s.waits[0].base), 0);
	CHECK(poll_until(&s.w, &s.w.r.finals, 1));
	CHECK_INT(status_of(&s.w.r, &s.waits[0]), PROACTOR_ECANCELED);
	CHECK_INT(proactor_cancel(s.w.p, &s.waits[0].base), PROACTOR_ENOENT);
	set(&s);
	CHECK(poll_until(&s.w, &s.w.r.finals, 2));
	CHECK_INT(status_of(&s.w.r, &s.waits[1]), 0);
	CHECK_INT(proactor_cancel(s.w.p, &s.waits[2].base), 0);
	CHECK(poll_until(&s.w, &s.w.r.finals, 3));
	CHECK_INT(status_of(&s.w.r, &s.waits[2]), PROACTOR_ECANCELED);
	CHECK_INT(s.w.r.calls, 3);
	scene_close(&s);
}

/* When the wait says cancelled, the signal is still there for the next. */
static void
cancel_eats_no_signal(void)
{
	struct scene s;
	int i, status;

	scene_open(&s);
	for (i = 0; i < 4; i++) {
		recorder_clear(&s.w.r);
		await(&s, 0);
		if (i & 1)
			CHECK(poll_quiet(&s.w));
		if (i & 2)
			set(&s);
		CHECK_INT(proactor_cancel(s.w.p, &s.waits[0].base), 0);
		if (!(i & 2))
			set(&s);
		CHECK(poll_until(&s.w, &s.w.r.finals, 1));
		status = status_of(&s.w.r, &s.waits[0]);
		CHECK(status == 0 || status == PROACTOR_ECANCELED);
		if (status == 0)
			set(&s);
		await(&s, 1);
		CHECK(poll_until(&s.w, &s.w.r.finals, 2));
		CHECK_INT(status_of(&s.w.r, &s.waits[1]), 0);
		CHECK(poll_quiet(&s.w));
	}
	scene_close(&s);
}

static void
wait_retains(void)
{
	struct scene s;

	scene_open(&s);
	await(&s, 0);
	proactor_event_release(s.event);
	CHECK(poll_quiet(&s.w));
	CHECK_INT(proactor_cancel(s.w.p, &s.waits[0].base), 0);
	CHECK(poll_until(&s.w, &s.w.r.finals, 1));
	proactor_event_release(NULL);
	CHECK(proactor_event_retain(NULL) == NULL);
	world_close(&s.w);
}

static void
other_proactors_event(void)
{
	struct scene s;
	struct world other;

	scene_open(&s);
	world_open(&other, NULL);
	CHECK_INT(proactor_submit_one(other.p, &s.waits[0].base),
	    PROACTOR_EINVAL);
	s.waits[1].event = NULL;
	CHECK_INT(proactor_submit_one(s.w.p, &s.waits[1].base),
	    PROACTOR_EINVAL);
	world_close(&other);
	scene_close(&s);
}

/* --- set from elsewhere --- */

struct pingpong {
	struct scene s;
	atomic_size_t served;
	size_t rounds;
};

static void *
set_each_round(void *arg)
{
	struct pingpong *g = arg;
	size_t i;

	for (i = 0; i < g->rounds; i++) {
		while (atomic_load(&g->served) < i)
			continue;
		set(&g->s);
	}
	return NULL;
}

static void
serve(void *user_data, struct proactor_op *op, int status, unsigned int flags)
{
	struct pingpong *g = user_data;

	(void)flags;
	CHECK_INT(status, 0);
	g->s.w.r.finals++;
	if (g->s.w.r.finals < g->rounds)
		CHECK_INT(proactor_submit_one(g->s.w.p, op), 0);
	atomic_fetch_add(&g->served, 1);
}

/* Every set is answered before the next one: none may be lost. */
static void
set_from_thread(void)
{
	static struct pingpong g;
	struct proactor_event_wait_op wait;
	pthread_t thread;

	scene_open(&g.s);
	g.rounds = 5000;
	proactor_event_wait_op_init(&wait, g.s.event, serve, &g);
	CHECK_INT(proactor_submit_one(g.s.w.p, &wait.base), 0);
	thread_start(&thread, set_each_round, &g);
	CHECK(poll_until(&g.s.w, &g.s.w.r.finals, g.rounds));
	thread_join(thread);
	CHECK_INT(g.s.w.r.finals, g.rounds);
	scene_close(&g.s);
}

static struct proactor_event *handler_sets;

static void
on_signal(int sig)
{
	int saved = errno;

	(void)sig;
	(void)proactor_event_set(handler_sets);
	errno = saved;
}

static void *
signal_it(void *arg)
{
	CHECK_INT(pthread_kill(*(pthread_t *)arg, SIGUSR1), 0);
	return NULL;
}

static void
set_from_handler(void)
{
	struct scene s;
	struct sigaction sa;
	pthread_t thread, self = pthread_self();
	size_t i;

	scene_open(&s);
	handler_sets = s.event;
	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = on_signal;
	CHECK_INT(sigaction(SIGUSR1, &sa, NULL), 0);
	for (i = 1; i <= 50; i++) {
		await(&s, 0);
		if (i % 2 == 0)
			CHECK_INT(raise(SIGUSR1), 0);
		else
			thread_start(&thread, signal_it, &self);
		CHECK(poll_until(&s.w, &s.w.r.finals, i));
		CHECK_INT(status_of(&s.w.r, &s.waits[0]), 0);
		if (i % 2 == 1)
			thread_join(thread);
	}
	scene_close(&s);
}

static void
set_and_wait_again(void *user_data, struct proactor_op *op, int status,
    unsigned int flags)
{
	struct scene *s = user_data;

	record(&s->w.r, op, status, flags);
	if (s->w.r.finals < 20) {
		set(s);
		CHECK_INT(proactor_submit_one(s->w.p, op), 0);
	}
}

static void
set_in_callback(void)
{
	struct scene s;
	struct proactor_event_wait_op wait;

	scene_open(&s);
	proactor_event_wait_op_init(&wait, s.event, set_and_wait_again, &s);
	set(&s);
	CHECK_INT(proactor_submit_one(s.w.p, &wait.base), 0);
	CHECK(poll_until(&s.w, &s.w.r.finals, 20));
	CHECK(poll_quiet(&s.w));
	scene_close(&s);
}

const struct tap_case event_cases[] = {
	{ "event: one that is set completes the next wait",
	    set_before_wait },
	{ "event: a wait completes when it is set", set_after_wait },
	{ "event: sets before a wait are one", sets_coalesce },
	{ "event: one set completes one waiter, the first",
	    one_waiter_per_set },
	{ "event: a cancelled wait is ECANCELED and out of the queue",
	    cancelled_wait },
	{ "event: a cancelled wait eats no signal", cancel_eats_no_signal },
	{ "event: a wait keeps the event that is released", wait_retains },
	{ "event: another proactor's or none is EINVAL",
	    other_proactors_event },
	{ "event: 5,000 sets from a thread are 5,000 waits",
	    set_from_thread },
	{ "event: may be set in a signal handler", set_from_handler },
	{ "event: may be set and waited for in its own callback",
	    set_in_callback },
	{ NULL, NULL }
};
