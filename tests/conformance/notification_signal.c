/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "conformance/notification.h"

/*
 * Who signals notifications: operations, other proactors, who asks first if
 * anybody observes, callbacks, signal handlers.
 */

static void
signal_operation(void)
{
	struct proactor_notification_signal_op op;
	struct scene s;

	scene_open(&s, NULL);
	proactor_notification_signal_op_init(&op, s.n, INT32_MAX, record,
	    &s.w.r);
	CHECK_INT(run_one(&s.w, &op.base), 0);
	CHECK_INT(op.woken, 0);
	await(&s, 0);
	await(&s, 1);
	await(&s, 2);
	op.count = 2;
	CHECK_INT(run_one(&s.w, &op.base), 0);
	CHECK_INT(op.woken, 2);
	CHECK(poll_finals(&s.w, &s.waits[1], 1));
	op.count = INT32_MAX;
	CHECK_INT(run_one(&s.w, &op.base), 0);
	CHECK_INT(op.woken, 1);
	CHECK(poll_finals(&s.w, &s.waits[2], 1));
	scene_close(&s);
}

/* A chain of waits and signals is a relay race. */
static void
signal_in_a_chain(void)
{
	struct proactor_notification_signal_op signals[3];
	struct proactor_notification *n[4];
	struct proactor_notification_wait_op waits[3], last;
	struct proactor_op *ops[2];
	struct world w;
	size_t i;

	world_open(&w, NULL);
	for (i = 0; i < 4; i++)
		CHECK_INT(proactor_notification_create(w.p, &n[i]), 0);
	proactor_notification_wait_op_init(&last, n[3], record, &w.r);
	CHECK_INT(proactor_submit_one(w.p, &last.base), 0);
	for (i = 0; i < 3; i++) {
		proactor_notification_wait_op_init(&waits[i], n[i], record,
		    &w.r);
		waits[i].base.flags = PROACTOR_OP_LINKED;
		proactor_notification_signal_op_init(&signals[i], n[i + 1],
		    1, record, &w.r);
		ops[0] = &waits[i].base;
		ops[1] = &signals[i].base;
		CHECK_INT(proactor_submit(w.p, ops, 2), 0);
	}
	CHECK(poll_quiet(&w));
	CHECK_INT(proactor_notification_signal(n[0], 1), 0);
	CHECK(poll_until(&w, &w.r.finals, 7));
	CHECK_INT(status_of(&w.r, &last), 0);
	for (i = 0; i < 3; i++)
		CHECK_INT(signals[i].woken, 1);
	for (i = 0; i < 4; i++)
		proactor_notification_release(n[i]);
	world_close(&w);
}

/* Any proactor may signal; only its own may wait. */
static void
other_proactors(void)
{
	struct proactor_notification_signal_op op;
	struct world other;
	struct scene s;

	scene_open(&s, NULL);
	world_open(&other, NULL);
	CHECK_INT(proactor_submit_one(other.p, &s.waits[0].base),
	    PROACTOR_EINVAL);
	await(&s, 0);
	CHECK(poll_quiet(&s.w));
	proactor_notification_signal_op_init(&op, s.n, 1, record, &other.r);
	CHECK_INT(run_one(&other, &op.base), 0);
	CHECK_INT(op.woken, 1);
	CHECK(poll_until(&s.w, &s.w.r.finals, 1));
	world_close(&other);
	scene_close(&s);
}

static void
observed_by_count(void)
{
	struct scene s;
	uint32_t token;

	scene_open(&s, NULL);
	CHECK_INT(proactor_notification_signal_if_observed(s.n, 1), 0);
	token = proactor_notification_begin_observe(s.n);
	CHECK_INT(token, proactor_notification_query_epoch(s.n));
	CHECK_INT(proactor_notification_begin_observe(s.n), token);
	CHECK_INT(proactor_notification_signal_if_observed(s.n, 1), 1);
	CHECK_INT(proactor_notification_query_epoch(s.n), token + 1);
	CHECK_INT(proactor_notification_end_observe(s.n), 0);
	CHECK_INT(proactor_notification_signal_if_observed(s.n, 1), 1);
	CHECK_INT(proactor_notification_end_observe(s.n), 0);
	CHECK_INT(proactor_notification_signal_if_observed(s.n, 1), 0);
	CHECK_INT(proactor_notification_query_epoch(s.n), token + 2);
	CHECK_INT(proactor_notification_end_observe(s.n), PROACTOR_EINVAL);
	scene_close(&s);
}

static void
observed_by_wait(void)
{
	struct scene s;

	scene_open(&s, NULL);
	await(&s, 0);
	CHECK_INT(proactor_notification_signal_if_observed(s.n, 1), 1);
	CHECK(poll_until(&s.w, &s.w.r.finals, 1));
	CHECK_INT(proactor_notification_signal_if_observed(s.n, 1), 0);
	await(&s, 0);
	CHECK_INT(proactor_cancel(s.w.p, &s.waits[0].base), 0);
	CHECK(poll_until(&s.w, &s.w.r.finals, 2));
	CHECK_INT(proactor_notification_signal_if_observed(s.n, 1), 0);
	scene_close(&s);
}

static void
signal_and_wait_again(void *user_data, struct proactor_op *op, int status,
    unsigned int flags)
{
	struct scene *s = user_data;

	record(&s->w.r, op, status, flags);
	if (s->w.r.finals < 20) {
		CHECK_INT(proactor_submit_one(s->w.p, op), 0);
		signal_n(s, 1);
	}
}

static void
signal_in_callback(void)
{
	struct proactor_notification_wait_op wait;
	struct scene s;

	scene_open(&s, NULL);
	proactor_notification_wait_op_init(&wait, s.n, signal_and_wait_again,
	    &s);
	CHECK_INT(proactor_submit_one(s.w.p, &wait.base), 0);
	signal_n(&s, 1);
	CHECK(poll_until(&s.w, &s.w.r.finals, 20));
	CHECK(poll_quiet(&s.w));
	scene_close(&s);
}

static struct proactor_notification *handler_signals;

static void
on_signal(int sig)
{
	int before = errno;

	(void)sig;
	errno = 77;
	(void)proactor_notification_signal(handler_signals, INT32_MAX);
	if (errno != 77)
		abort();
	errno = before;
}

static void *
signal_it(void *arg)
{
	CHECK_INT(pthread_kill(*(pthread_t *)arg, SIGUSR1), 0);
	return NULL;
}

static void
signal_from_handler(void)
{
	struct scene s;
	struct sigaction sa;
	pthread_t thread, self = pthread_self();
	size_t i;

	scene_open(&s, NULL);
	handler_signals = s.n;
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
		if (i % 2 == 1)
			thread_join(thread);
	}
	scene_close(&s);
}

const struct tap_case notification_signal_cases[] = {
	{ "notification: a signal operation tells how many were woken",
	    signal_operation },
	{ "notification: waits and signals make chains",
	    signal_in_a_chain },
	{ "notification: any proactor signals, its own waits",
	    other_proactors },
	{ "notification: signal_if_observed signals between begin and end",
	    observed_by_count },
	{ "notification: a wait in flight observes", observed_by_wait },
	{ "notification: may be signalled in its own callback",
	    signal_in_callback },
	{ "notification: may be signalled in a signal handler",
	    signal_from_handler },
	{ NULL, NULL }
};
