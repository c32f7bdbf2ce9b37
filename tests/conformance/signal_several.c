/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <signal.h>

#include "conformance/signals.h"

/* Several subscriptions to signals, and what their callbacks may do. */

static void
called_in_order(struct log *log)
{
	struct listener l[8];
	size_t completed, i;

	CHECK_INT(log_first(log, &l[0], PROACTOR_SIGNAL_USER1), 0);
	for (i = 1; i < COUNT(l); i++)
		CHECK_INT(log_subscribe(log, &l[i], PROACTOR_SIGNAL_USER1), 0);
	signal_send_me(SIGUSR1);
	CHECK_INT(proactor_poll(log->w.p, PROACTOR_FOREVER, &completed), 0);
	CHECK_INT(completed, COUNT(l));
	for (i = 0; i < COUNT(l); i++)
		CHECK(log->who[i] == &l[i]);
	log_unsubscribe(&l[3]);
	log_unsubscribe(&l[0]);
	signal_send_me(SIGUSR1);
	log_await(log, COUNT(l) + 6);
	CHECK(log->who[COUNT(l)] == &l[1]);
	CHECK(log->who[COUNT(l) + 2] == &l[4]);
}

static void
in_order(void)
{
	log_both_ways(called_in_order);
}

static void
drop_self(struct listener *l)
{
	log_unsubscribe(l);
}

static void
drop_other(struct listener *l)
{
	if (l->other->sub != NULL)
		log_unsubscribe(l->other);
}

static void
ends_itself(struct log *log)
{
	struct listener a, b;

	CHECK_INT(log_first(log, &a, PROACTOR_SIGNAL_USER1), 0);
	CHECK_INT(log_subscribe(log, &b, PROACTOR_SIGNAL_USER1), 0);
	a.then = drop_self;
	signal_send_me(SIGUSR1);
	log_await(log, 2);
	signal_send_me(SIGUSR1);
	log_await(log, 3);
	CHECK_INT(a.calls, 1);
	CHECK_INT(b.calls, 2);
	b.then = drop_self;
	signal_send_me(SIGUSR1);
	log_await(log, 4);
	log_still(log);
	CHECK(!signal_is_blocked(SIGUSR1));
}

static void
unsubscribes_itself(void)
{
	log_both_ways(ends_itself);
}

static void
ends_another(struct log *log)
{
	struct listener a, b, c;

	CHECK_INT(log_first(log, &a, PROACTOR_SIGNAL_USER1), 0);
	CHECK_INT(log_subscribe(log, &b, PROACTOR_SIGNAL_USER1), 0);
	CHECK_INT(log_subscribe(log, &c, PROACTOR_SIGNAL_USER1), 0);
	/* The one before, which was called, and the one after, which is not. */
	b.then = drop_other;
	b.other = &c;
	signal_send_me(SIGUSR1);
	log_await(log, 2);
	CHECK_INT(c.calls, 0);
	b.other = &a;
	signal_send_me(SIGUSR1);
	log_await(log, 4);
	signal_send_me(SIGUSR1);
	log_await(log, 5);
	CHECK_INT(a.calls, 2);
	CHECK_INT(b.calls, 3);
}

static void
unsubscribes_another(void)
{
	log_both_ways(ends_another);
}

static void
join_in(struct listener *l)
{
	if (l->other->sub == NULL)
		CHECK_INT(log_subscribe(l->log, l->other, l->sig), 0);
}

static void
subscribes_in_callback(struct log *log)
{
	struct listener a, b = { .sub = NULL };

	CHECK_INT(log_first(log, &a, PROACTOR_SIGNAL_USER1), 0);
	a.then = join_in;
	a.other = &b;
	signal_send_me(SIGUSR1);
	log_await(log, 1);
	log_still(log);
	signal_send_me(SIGUSR1);
	log_await(log, 3);
	CHECK_INT(b.calls, 1);
}

static void
from_the_next_on(void)
{
	log_both_ways(subscribes_in_callback);
}

static void
renew(struct listener *l)
{
	size_t calls = l->calls;

	log_unsubscribe(l);
	CHECK_INT(log_first(l->log, l, PROACTOR_SIGNAL_USER1), 0);
	l->calls = calls;
	l->then = renew;
}

static void
renewed_in_callback(struct log *log)
{
	struct listener l;
	size_t i;

	CHECK_INT(log_first(log, &l, PROACTOR_SIGNAL_USER1), 0);
	l.then = renew;
	for (i = 1; i <= 20; i++) {
		signal_send_me(SIGUSR1);
		log_await(log, i);
	}
	log_still(log);
	CHECK_INT(l.calls, 20);
}

static void
renewed(void)
{
	log_both_ways(renewed_in_callback);
}

static void
drop_twice(struct listener *l)
{
	struct proactor *p = l->log->w.p;

	CHECK_INT(proactor_unsubscribe_signal(p, l->sub), 0);
	CHECK_INT(proactor_unsubscribe_signal(p, l->sub), PROACTOR_ENOENT);
}

static void
unsubscribed_twice(void)
{
	struct log log;
	struct listener l;

	log_open(&log, false);
	CHECK_INT(log_subscribe(&log, &l, PROACTOR_SIGNAL_USER1), 0);
	l.then = drop_twice;
	signal_send_me(SIGUSR1);
	log_await(&log, 1);
	log_still(&log);
	world_close(&log.w);
}

static void
release_in_callback(struct listener *l)
{
	proactor_release(l->log->w.p);
}

static void
released_in_callback(void)
{
	struct log log;
	struct listener l[2];
	struct state before;

	signal_state_read(&before);
	log_open(&log, false);
	CHECK_INT(log_subscribe(&log, &l[0], PROACTOR_SIGNAL_USER1), 0);
	CHECK_INT(log_subscribe(&log, &l[1], PROACTOR_SIGNAL_USER1), 0);
	l[0].then = release_in_callback;
	signal_send_me(SIGUSR1);
	CHECK_INT(proactor_poll(log.w.p, PROACTOR_FOREVER, NULL), 0);
	CHECK_INT(log.calls, 2);
	signal_state_check(&before);
}

const struct tap_case signal_several_cases[] = {
	{ "signal: several subscriptions are called in their order",
	    in_order },
	{ "signal: may be unsubscribed in its own callback",
	    unsubscribes_itself },
	{ "signal: may be unsubscribed in another's callback",
	    unsubscribes_another },
	{ "signal: subscribed to in a callback, called from the next on",
	    from_the_next_on },
	{ "signal: may be subscribed to anew in its own callback", renewed },
	{ "signal: unsubscribed twice is ENOENT", unsubscribed_twice },
	{ "signal: the proactor may be released in the callback",
	    released_in_callback },
	{ NULL, NULL }
};
