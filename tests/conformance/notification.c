/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "conformance/allocator.h"
#include "conformance/notification.h"

/* Notifications: the epoch, and operations that wait for it. */

static void
epoch_counts(void)
{
	struct scene s;
	uint32_t first, i;

	scene_open(&s, NULL);
	first = proactor_notification_query_epoch(s.n);
	CHECK_INT(proactor_notification_query_epoch(s.n), first);
	for (i = 1; i <= 100; i++) {
		signal_n(&s, i % 2 ? 1 : INT32_MAX);
		CHECK_INT(proactor_notification_query_epoch(s.n), first + i);
	}
	scene_close(&s);
}

static void
wait_then_signal(void)
{
	struct scene s;
	size_t i, completed;
	uint32_t epoch;

	scene_open(&s, NULL);
	for (i = 1; i <= 3; i++) {
		epoch = proactor_notification_query_epoch(s.n);
		await(&s, 0);
		CHECK(poll_quiet(&s.w));
		signal_n(&s, INT32_MAX);
		CHECK_INT(s.w.r.calls, i - 1);
		CHECK_INT(proactor_poll(s.w.p, patience(), &completed), 0);
		CHECK_INT(completed, 1);
		CHECK_INT(status_of(&s.w.r, &s.waits[0]), 0);
		CHECK_INT(s.waits[0].token, epoch);
		CHECK_INT(s.waits[0].epoch, epoch + 1);
	}
	scene_close(&s);
}

/* What was signalled before the submit is past. */
static void
signal_then_wait(void)
{
	struct scene s;

	scene_open(&s, NULL);
	signal_n(&s, INT32_MAX);
	await(&s, 0);
	CHECK(poll_quiet(&s.w));
	signal_n(&s, INT32_MAX);
	CHECK(poll_until(&s.w, &s.w.r.finals, 1));
	scene_close(&s);
}

static void
signals_coalesce(void)
{
	struct scene s;
	int i;

	scene_open(&s, NULL);
	await(&s, 0);
	for (i = 0; i < 1000; i++)
		signal_n(&s, INT32_MAX);
	CHECK(poll_until(&s.w, &s.w.r.finals, 1));
	await(&s, 0);
	CHECK(poll_quiet(&s.w));
	CHECK_INT(s.w.r.calls, 1);
	signal_n(&s, 1);
	CHECK(poll_until(&s.w, &s.w.r.finals, 2));
	scene_close(&s);
}

static void
signal_wakes_all(void)
{
	struct scene s;
	size_t i;

	scene_open(&s, NULL);
	for (i = 0; i < COUNT(s.waits); i++)
		await(&s, i);
	CHECK(poll_quiet(&s.w));
	signal_n(&s, INT32_MAX);
	CHECK(poll_until(&s.w, &s.w.r.finals, COUNT(s.waits)));
	for (i = 0; i < COUNT(s.waits); i++)
		CHECK(s.w.r.seen[i].op == &s.waits[i].base);
	scene_close(&s);
}

static void
signal_wakes_some(void)
{
	struct scene s;
	size_t i;

	scene_open(&s, NULL);
	for (i = 0; i < COUNT(s.waits); i++)
		await(&s, i);
	signal_n(&s, 1);
	CHECK(poll_until(&s.w, &s.w.r.finals, 1));
	CHECK(poll_quiet(&s.w));
	CHECK(s.w.r.seen[0].op == &s.waits[0].base);
	signal_n(&s, 2);
	CHECK(poll_until(&s.w, &s.w.r.finals, 3));
	CHECK(poll_quiet(&s.w));
	/* Two before the loop looks are two. */
	signal_n(&s, 1);
	signal_n(&s, 1);
	CHECK(poll_until(&s.w, &s.w.r.finals, 5));
	CHECK(poll_quiet(&s.w));
	signal_n(&s, 100);
	CHECK(poll_until(&s.w, &s.w.r.finals, COUNT(s.waits)));
	for (i = 0; i < COUNT(s.waits); i++)
		CHECK(s.w.r.seen[i].op == &s.waits[i].base);
	scene_close(&s);
}

/* Those who come after the signal are not woken in place of others. */
static void
signal_is_for_those_before(void)
{
	struct scene s;

	scene_open(&s, NULL);
	await(&s, 0);
	signal_n(&s, 5);
	await(&s, 1);
	CHECK(poll_until(&s.w, &s.w.r.finals, 1));
	CHECK(poll_quiet(&s.w));
	CHECK_INT(finals_of(&s.w.r, &s.waits[0]), 1);
	CHECK_INT(proactor_cancel(s.w.p, &s.waits[1].base), 0);
	CHECK(poll_until(&s.w, &s.w.r.finals, 2));
	scene_close(&s);
}

static void
given_token(void)
{
	struct scene s;
	uint32_t token;

	scene_open(&s, NULL);
	token = proactor_notification_query_epoch(s.n);
	signal_n(&s, 1);
	s.waits[0].wait_flags = PROACTOR_NOTIFICATION_TOKEN;
	s.waits[0].token = token;
	await(&s, 0);
	CHECK_INT(s.w.r.calls, 0);
	CHECK(poll_until(&s.w, &s.w.r.finals, 1));
	CHECK_INT(status_of(&s.w.r, &s.waits[0]), 0);
	CHECK_INT(s.waits[0].token, token);
	CHECK_INT(s.waits[0].epoch, token + 1);
	/* The epoch that it saw is the next token. */
	s.waits[0].token = s.waits[0].epoch;
	await(&s, 0);
	CHECK(poll_quiet(&s.w));
	signal_n(&s, 1);
	CHECK(poll_until(&s.w, &s.w.r.finals, 2));
	scene_close(&s);
}

/* In a chain the token is that of the submit, not that of its turn. */
static void
token_of_a_chain(void)
{
	struct scene s;
	struct proactor_event *event;
	struct proactor_event_wait_op first;
	struct proactor_op *ops[2] = { &first.base, &s.waits[0].base };

	scene_open(&s, NULL);
	CHECK_INT(proactor_event_create(s.w.p, &event), 0);
	proactor_event_wait_op_init(&first, event, record, &s.w.r);
	first.base.flags = PROACTOR_OP_LINKED;
	CHECK_INT(proactor_submit(s.w.p, ops, 2), 0);
	CHECK(poll_quiet(&s.w));
	signal_n(&s, INT32_MAX);
	CHECK(poll_quiet(&s.w));
	CHECK_INT(proactor_event_set(event), 0);
	CHECK(poll_until(&s.w, &s.w.r.finals, 2));
	CHECK_INT(status_of(&s.w.r, &s.waits[0]), 0);
	proactor_event_release(event);
	scene_close(&s);
}

static void
cancelled_wait(void)
{
	struct scene s;

	scene_open(&s, NULL);
	await(&s, 0);
	await(&s, 1);
	CHECK_INT(proactor_cancel(s.w.p, &s.waits[0].base), 0);
	CHECK(poll_until(&s.w, &s.w.r.finals, 1));
	CHECK_INT(status_of(&s.w.r, &s.waits[0]), PROACTOR_ECANCELED);
	CHECK_INT(proactor_cancel(s.w.p, &s.waits[0].base), PROACTOR_ENOENT);
	signal_n(&s, 1);
	CHECK(poll_until(&s.w, &s.w.r.finals, 2));
	CHECK_INT(status_of(&s.w.r, &s.waits[1]), 0);
	scene_close(&s);
}

/* One that is cancelled leaves its wake to the next. */
static void
cancel_eats_no_wake(void)
{
	struct scene s;
	int i;

	for (i = 0; i < 3; i++) {
		scene_open(&s, NULL);
		await(&s, 0);
		await(&s, 1);
		if (i == 0)
			CHECK(poll_quiet(&s.w));
		signal_n(&s, 1);
		if (i == 2)
			signal_n(&s, 1);
		CHECK_INT(proactor_cancel(s.w.p, &s.waits[0].base), 0);
		CHECK(poll_until(&s.w, &s.w.r.finals, 2));
		CHECK_INT(status_of(&s.w.r, &s.waits[1]), 0);
		scene_close(&s);
	}
}

static void
wait_retains(void)
{
	struct scene s;

	scene_open(&s, NULL);
	await(&s, 0);
	proactor_notification_release(s.n);
	CHECK(poll_quiet(&s.w));
	CHECK_INT(proactor_cancel(s.w.p, &s.waits[0].base), 0);
	CHECK(poll_until(&s.w, &s.w.r.finals, 1));
	proactor_notification_release(NULL);
	CHECK(proactor_notification_retain(NULL) == NULL);
	world_close(&s.w);
}

static void
bad_arguments(void)
{
	struct proactor_notification_signal_op op;
	struct proactor_notification *n = NULL;
	struct scene s;

	scene_open(&s, NULL);
	CHECK_INT(proactor_notification_create(NULL, &n), PROACTOR_EINVAL);
	CHECK_INT(proactor_notification_create(s.w.p, NULL),
	    PROACTOR_EINVAL);
	CHECK(n == NULL);
	CHECK_INT(proactor_notification_signal(NULL, 1), PROACTOR_EINVAL);
	CHECK_INT(proactor_notification_signal(s.n, 0), PROACTOR_EINVAL);
	CHECK_INT(proactor_notification_signal(s.n, -1), PROACTOR_EINVAL);
	CHECK_INT(proactor_notification_signal_if_observed(NULL, 1),
	    PROACTOR_EINVAL);
	CHECK_INT(proactor_notification_signal_if_observed(s.n, 0),
	    PROACTOR_EINVAL);
	CHECK_INT(proactor_notification_query_epoch(NULL), 0);
	CHECK_INT(proactor_notification_begin_observe(NULL), 0);
	CHECK_INT(proactor_notification_end_observe(NULL), PROACTOR_EINVAL);
	CHECK_INT(proactor_notification_end_observe(s.n), PROACTOR_EINVAL);
	CHECK_INT(proactor_notification_wait(NULL, 0), PROACTOR_EINVAL);
	CHECK_INT(proactor_notification_wait_for_token(NULL, 0, 0),
	    PROACTOR_EINVAL);
	s.waits[0].notification = NULL;
	CHECK_INT(proactor_submit_one(s.w.p, &s.waits[0].base),
	    PROACTOR_EINVAL);
	s.waits[1].wait_flags = 0x2;
	CHECK_INT(proactor_submit_one(s.w.p, &s.waits[1].base),
	    PROACTOR_EINVAL);
	s.waits[2].base.flags = PROACTOR_OP_MULTISHOT;
	CHECK_INT(proactor_submit_one(s.w.p, &s.waits[2].base),
	    PROACTOR_EINVAL);
	await(&s, 3);
	CHECK_INT(proactor_submit_one(s.w.p, &s.waits[3].base),
	    PROACTOR_EBUSY);
	proactor_notification_signal_op_init(&op, s.n, 0, record, &s.w.r);
	CHECK_INT(proactor_submit_one(s.w.p, &op.base), PROACTOR_EINVAL);
	op.count = 1;
	op.notification = NULL;
	CHECK_INT(proactor_submit_one(s.w.p, &op.base), PROACTOR_EINVAL);
	proactor_notification_wait_op_init(NULL, s.n, record, NULL);
	proactor_notification_signal_op_init(NULL, s.n, 1, record, NULL);
	scene_close(&s);
}

static void
allocates_nothing(void)
{
	struct proactor_notification_signal_op op;
	struct proactor_options o;
	struct scene s;
	struct allocator a = { 0 };
	long before;
	size_t i;

	allocator_options(&o, &a);
	scene_open(&s, &o);
	proactor_notification_signal_op_init(&op, s.n, INT32_MAX, record,
	    &s.w.r);
	/* The first poll may prepare something for all that follow. */
	CHECK_INT(run_one(&s.w, &op.base), 0);
	before = a.calls;
	for (i = 0; i < 200; i++) {
		await(&s, i % COUNT(s.waits));
		CHECK_INT(run_one(&s.w, &op.base), 0);
		CHECK(poll_finals(&s.w, &s.waits[i % COUNT(s.waits)],
		    i / COUNT(s.waits) + 1));
	}
	CHECK_INT(a.calls, before);
	scene_close(&s);
}

static void
end_while_waiting(bool shutdown, bool polled, bool signalled)
{
	struct scene s;
	size_t i;

	scene_open(&s, NULL);
	for (i = 0; i < COUNT(s.waits); i++)
		await(&s, i);
	if (polled)
		CHECK_INT(proactor_poll(s.w.p, PROACTOR_IMMEDIATE, NULL),
		    PROACTOR_ETIMEDOUT);
	if (signalled)
		signal_n(&s, 1);
	if (shutdown) {
		CHECK_INT(proactor_shutdown(s.w.p, patience()), 0);
		CHECK_INT(s.w.r.finals, COUNT(s.waits));
	}
	proactor_release(s.w.p);
	CHECK_INT(s.w.r.finals, shutdown ? COUNT(s.waits) : 0);
	/* The rest of it works as before. */
	signal_n(&s, INT32_MAX);
	CHECK_INT(proactor_notification_signal_if_observed(s.n, 1), 0);
	CHECK_INT(proactor_notification_wait(s.n, PROACTOR_IMMEDIATE),
	    PROACTOR_ETIMEDOUT);
	proactor_notification_release(s.n);
	recorder_clear(&s.w.r);
}

static void
ends_while_waiting(void)
{
	int i;

	for (i = 0; i < 8; i++)
		end_while_waiting(i & 1, i & 2, i & 4);
}

/* A signal in the mail, and the last reference goes. */
static void
released_with_mail(void)
{
	struct scene s;
	int i;

	for (i = 0; i < 4; i++) {
		scene_open(&s, NULL);
		await(&s, 0);
		await(&s, 1);
		CHECK_INT(proactor_poll(s.w.p, PROACTOR_IMMEDIATE, NULL),
		    PROACTOR_ETIMEDOUT);
		signal_n(&s, i & 1 ? 1 : INT32_MAX);
		proactor_notification_release(s.n);
		if (i & 2) {
			CHECK_INT(proactor_cancel(s.w.p, &s.waits[0].base), 0);
			CHECK_INT(proactor_cancel(s.w.p, &s.waits[1].base), 0);
			CHECK(poll_until(&s.w, &s.w.r.finals, 2));
		} else
			CHECK(poll_until(&s.w, &s.w.r.finals, 1));
		world_close(&s.w);
	}
}

const struct tap_case notification_cases[] = {
	{ "notification: each signal moves the epoch by one", epoch_counts },
	{ "notification: a wait completes at the next signal",
	    wait_then_signal },
	{ "notification: a signal before the wait is past",
	    signal_then_wait },
	{ "notification: signals coalesce", signals_coalesce },
	{ "notification: INT32_MAX wakes all, in order", signal_wakes_all },
	{ "notification: a count wakes so many, in order",
	    signal_wakes_some },
	{ "notification: a signal wakes none who comes after it",
	    signal_is_for_those_before },
	{ "notification: a token that is past completes at once",
	    given_token },
	{ "notification: in a chain the token is that of the submit",
	    token_of_a_chain },
	{ "notification: a cancelled wait is ECANCELED and off the list",
	    cancelled_wait },
	{ "notification: a cancelled wait leaves its wake to the next",
	    cancel_eats_no_wake },
	{ "notification: a wait keeps what is released", wait_retains },
	{ "notification: bad arguments have their codes", bad_arguments },
	{ "notification: operations allocate nothing", allocates_nothing },
	{ "notification: shutdown and release while operations wait",
	    ends_while_waiting },
	{ "notification: released while a signal is in the mail",
	    released_with_mail },
	{ NULL, NULL }
};
