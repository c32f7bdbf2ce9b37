/* SPDX-License-Identifier: ISC */
/* The timer wheel: how long may be slept, and how often that is interrupted. */
#include "config.h"

#include "unit/random.h"
#include "unit/timers.h"

/* Sleeping as next() says, dense timers share wake-ups, each a gap at most. */
static void
dense_timers_share_wakes(void)
{
	enum { COUNT = 20000 };
	struct timers *t = make(START);
	struct timer_node *n = make_nodes(COUNT), *got;
	int64_t now = START, previous = INT64_MIN;
	int i, fired = 0, wakes = 0;

	/* 20 to the millisecond, in no order. */
	for (i = 0; i < COUNT; i++)
		proactor__timers_arm(t, &n[i],
		    START + (int64_t)random_below(SECOND));
	while (fired < COUNT) {
		now = proactor__timers_next(t, now);
		CHECK(now != PROACTOR_FOREVER);
		wakes++;
		while ((got = proactor__timers_pop(t, now)) != NULL) {
			CHECK(got->deadline <= now);
			CHECK(now - got->deadline <= TIMERS_GAP);
			CHECK(got->deadline >= previous);
			previous = got->deadline;
			fired++;
		}
	}
	tap_diag("%d timers in %d wake-ups", COUNT, wakes);
	CHECK(wakes <= (int)(SECOND / TIMERS_GAP) + 50);
	free(n);
	free(t);
}

static void
gap_is_for_neighbours_only(void)
{
	struct timers *t = make(START);
	struct timer_node a, b;
	int64_t first = START + 5 * MILLISECOND;

	memset(&a, 0, sizeof(a));
	memset(&b, 0, sizeof(b));

	/* Nothing has fired yet. */
	proactor__timers_arm(t, &a, first);
	CHECK_INT(proactor__timers_next(t, START), first);
	CHECK(proactor__timers_pop(t, first) == &a);

	/* Soon after: at the end of the gap. */
	proactor__timers_arm(t, &b, first + 1);
	CHECK_INT(proactor__timers_next(t, first), first + TIMERS_GAP);
	/* Due: at once, gap or not. */
	CHECK(proactor__timers_next(t, first + 1) <= first + 1);
	proactor__timers_cancel(t, &b);

	proactor__timers_arm(t, &b, first + TIMERS_GAP - 1);
	CHECK_INT(proactor__timers_next(t, first + 100), first + TIMERS_GAP);
	proactor__timers_cancel(t, &b);

	/* At or after its end: exact. */
	proactor__timers_arm(t, &b, first + TIMERS_GAP);
	CHECK_INT(proactor__timers_next(t, first), first + TIMERS_GAP);
	proactor__timers_cancel(t, &b);
	proactor__timers_arm(t, &b, first + TIMERS_GAP + 1);
	CHECK_INT(proactor__timers_next(t, first), first + TIMERS_GAP + 1);

	/* An expiry in what is now the future must not delay anything. */
	CHECK(proactor__timers_pop(t, first + SECOND) == &b);
	proactor__timers_arm(t, &b, first + 2 * MILLISECOND);
	CHECK_INT(proactor__timers_next(t, first + MILLISECOND),
	    first + 2 * MILLISECOND);
	free(t);
}

/*
 * A crowd far ahead: next() may wake early to refine, but only a few times,
 * never past the earliest.
 */
static void
far_crowd_costs_few_wakes(void)
{
	enum { COUNT = 5000 };
	struct timers *t = make(START);
	struct timer_node *n = make_nodes(COUNT), *got;
	int64_t earliest = INT64_MAX, now = START, until;
	int i, wakes = 0;

	for (i = 0; i < COUNT; i++) {
		int64_t deadline = START + 86400 * SECOND +
		    (int64_t)random_below(3600 * SECOND);

		if (deadline < earliest)
			earliest = deadline;
		proactor__timers_arm(t, &n[i], deadline);
	}
	for (;;) {
		until = proactor__timers_next(t, now);
		CHECK(until > now);
		CHECK(until <= earliest);
		CHECK(++wakes <= TIMERS_LEVELS + 1);
		now = until;
		got = proactor__timers_pop(t, now);
		if (got != NULL)
			break;
	}
	CHECK_INT(got->deadline, earliest);
	CHECK_INT(now, earliest);
	free(n);
	free(t);
}

/* At every distance, with one that stays beyond it. */
static void
cancelled_wakes_nobody(void)
{
	struct timers *t = make(START);
	struct timer_node gone, stays;
	int64_t distance, latest = (int64_t)1 << 61;

	memset(&gone, 0, sizeof(gone));
	memset(&stays, 0, sizeof(stays));
	proactor__timers_arm(t, &stays, START + latest);
	for (distance = 1; distance < latest; distance *= 2) {
		proactor__timers_arm(t, &gone, START + distance);
		CHECK_INT(t->count, 2);
		proactor__timers_cancel(t, &gone);
		CHECK_INT(t->count, 1);
		CHECK_INT(proactor__timers_next(t, START), START + latest);
	}
	CHECK(proactor__timers_pop(t, START + latest - 1) == NULL);
	CHECK(proactor__timers_pop(t, START + latest) == &stays);
	free(t);
}

/* Quiet is what next() said, until an earlier one is armed or one fires. */
static void
quiet_is_true(void)
{
	struct timers *t = make(START);
	struct timer_node a, b;

	memset(&a, 0, sizeof(a));
	memset(&b, 0, sizeof(b));
	CHECK(proactor__timers_are_quiet(t, START));
	proactor__timers_arm(t, &a, START + SECOND);
	CHECK(proactor__timers_are_quiet(t, START + SECOND - 1));
	CHECK(!proactor__timers_are_quiet(t, START + SECOND));
	proactor__timers_arm(t, &b, START + MILLISECOND);
	CHECK(!proactor__timers_are_quiet(t, START + MILLISECOND));
	proactor__timers_cancel(t, &b);
	CHECK_INT(proactor__timers_next(t, START), START + SECOND);
	CHECK(proactor__timers_are_quiet(t, START + SECOND - 1));
	proactor__timers_arm(t, &b, START + SECOND + 1);
	CHECK(proactor__timers_pop(t, START + SECOND) == &a);
	CHECK(!proactor__timers_are_quiet(t, START + SECOND));
	CHECK_INT(proactor__timers_next(t, START + SECOND),
	    START + SECOND + TIMERS_GAP);
	CHECK(!proactor__timers_are_quiet(t, START + SECOND));
	CHECK(proactor__timers_pop(t, START + 2 * SECOND) == &b);
	CHECK_INT(proactor__timers_next(t, START + 2 * SECOND),
	    PROACTOR_FOREVER);
	CHECK(proactor__timers_are_quiet(t, START + 2 * SECOND));
	free(t);
}

const struct tap_case timers_wake_cases[] = {
	{ "timers: dense timers share wake-ups and are late by a gap at most",
	    dense_timers_share_wakes },
	{ "timers: only what follows an expiry closely is delayed",
	    gap_is_for_neighbours_only },
	{ "timers: a far crowd costs few wake-ups", far_crowd_costs_few_wakes },
	{ "timers: a cancelled one wakes nobody", cancelled_wakes_nobody },
	{ "timers: none is due while they are quiet", quiet_is_true },
	{ NULL, NULL }
};
