/* SPDX-License-Identifier: ISC */
/* The timer wheel: when timers fire, and in what order. */
#include "config.h"

#include "unit/random.h"
#include "unit/timers.h"

static void
nothing_is_for_ever(void)
{
	struct timers *t = make(START);
	struct timer_node n;

	CHECK_INT(proactor__timers_next(t, START), PROACTOR_FOREVER);
	CHECK(proactor__timers_pop(t, START) == NULL);
	CHECK(proactor__timers_pop(t, INT64_MAX) == NULL);
	CHECK_INT(t->count, 0);

	memset(&n, 0, sizeof(n));
	proactor__timers_init(t, START);
	proactor__timers_arm(t, &n, START + SECOND);
	CHECK_INT(t->count, 1);
	proactor__timers_cancel(t, &n);
	CHECK_INT(t->count, 0);
	CHECK_INT(proactor__timers_next(t, START), PROACTOR_FOREVER);
	CHECK(proactor__timers_pop(t, INT64_MAX) == NULL);
	free(t);
}

static void
node_is_small(void)
{
	CHECK(sizeof(struct timer_node) <= 40);
}

static void
idle_cancel_is_harmless(void)
{
	struct timers *t = make(START);
	struct timer_node a, b, idle;

	memset(&a, 0, sizeof(a));
	memset(&b, 0, sizeof(b));
	memset(&idle, 0, sizeof(idle));
	proactor__timers_cancel(t, &idle);
	CHECK_INT(t->count, 0);

	proactor__timers_arm(t, &a, START + MILLISECOND);
	proactor__timers_arm(t, &b, START + SECOND);
	proactor__timers_cancel(t, &idle);
	proactor__timers_cancel(t, &b);
	proactor__timers_cancel(t, &b);
	CHECK_INT(t->count, 1);
	CHECK(proactor__timers_pop(t, START + 2 * SECOND) == &a);
	proactor__timers_cancel(t, &a);
	CHECK_INT(t->count, 0);
	free(t);
}

/*
 * One timer at distances around every power of two: not early by a
 * nanosecond, not late by one, and next() never goes past it.
 */
static void
alone_is_exact_at(int64_t start, int64_t distance)
{
	struct timers *t;
	struct timer_node n;
	int64_t deadline = add(start, distance), now = start, until;
	int wakes = 0;

	if (deadline == INT64_MIN)
		return;
	t = make(start);
	memset(&n, 0, sizeof(n));
	proactor__timers_arm(t, &n, deadline);
	until = proactor__timers_next(t, now);
	if (deadline <= start)
		CHECK(until <= start);
	else
		CHECK_INT(until, deadline);
	for (; now < deadline; now = until) {
		CHECK(proactor__timers_pop(t, now) == NULL);
		until = proactor__timers_next(t, now);
		CHECK(until > now);
		CHECK(until <= deadline);
		CHECK(++wakes < TIMERS_LEVELS + 2);
	}
	CHECK(proactor__timers_pop(t, deadline - 1) == NULL);
	CHECK(proactor__timers_pop(t, deadline) == &n);
	CHECK(proactor__timers_pop(t, INT64_MAX) == NULL);
	CHECK_INT(t->count, 0);
	free(t);
}

static void
alone_is_exact(void)
{
	static const int64_t starts[] = {
		INT64_MIN, -SECOND, -1, 0, 1, START, 1 << TIMERS_TICK_SHIFT,
		(int64_t)1 << 40, ((int64_t)1 << 47) - 1, INT64_MAX - SECOND,
	};
	size_t i;
	int bit, off;

	for (i = 0; i < sizeof(starts) / sizeof(starts[0]); i++)
		for (bit = 0; bit < 63; bit++)
			for (off = -2; off <= 2; off++) {
				alone_is_exact_at(starts[i],
				    ((int64_t)1 << bit) + off);
				alone_is_exact_at(starts[i],
				    -((int64_t)1 << bit) + off);
			}
}

static void
extremes_fire(void)
{
	static const int64_t deadlines[] = {
		INT64_MIN, INT64_MIN + 1, -1, 0, 1, START - 1, START,
		START + 1, INT64_MAX - 1, INT64_MAX, INT64_MAX,
	};
	enum { COUNT = sizeof(deadlines) / sizeof(deadlines[0]) };
	struct timers *t = make(START);
	struct timer_node n[COUNT];
	int i;

	memset(n, 0, sizeof(n));
	for (i = COUNT - 1; i >= 0; i--)
		proactor__timers_arm(t, &n[i], deadlines[i]);
	CHECK(proactor__timers_next(t, START) <= START);
	for (i = 0; i < COUNT - 5; i++)
		CHECK(proactor__timers_pop(t, START) == &n[i]);
	CHECK(proactor__timers_pop(t, START) == &n[COUNT - 5]);
	CHECK(proactor__timers_pop(t, START) == NULL);
	CHECK(proactor__timers_pop(t, START + 1) == &n[COUNT - 4]);
	CHECK(proactor__timers_pop(t, INT64_MAX - 2) == NULL);
	CHECK_INT(proactor__timers_next(t, INT64_MAX - 2), INT64_MAX - 1);
	CHECK(proactor__timers_pop(t, INT64_MAX) == &n[COUNT - 3]);
	/* The two that are equal, last armed first in the array. */
	CHECK(proactor__timers_pop(t, INT64_MAX) == &n[COUNT - 1]);
	CHECK(proactor__timers_pop(t, INT64_MAX) == &n[COUNT - 2]);
	CHECK_INT(t->count, 0);
	free(t);
}

/* Whatever way they come: the wheel, the heap, half of them each. */
static void
equals_fire_in_order(void)
{
	enum { COUNT = 200 };
	static const int64_t distances[] = {
		-SECOND, 0, 1, MILLISECOND, SECOND, 3600 * SECOND,
	};
	struct timer_node *n = make_nodes(COUNT), early;
	struct timers *t;
	int64_t deadline;
	size_t d;
	int i;

	for (d = 0; d < sizeof(distances) / sizeof(distances[0]); d++) {
		t = make(START);
		deadline = START + distances[d];
		memset(&early, 0, sizeof(early));
		proactor__timers_arm(t, &early, deadline - 1);
		for (i = 0; i < COUNT / 2; i++)
			proactor__timers_arm(t, &n[i], deadline);
		/* This may load the slot of the first half. */
		if (deadline > START) {
			CHECK(proactor__timers_pop(t, deadline - 1) == &early);
			proactor__timers_next(t, deadline - 1);
		} else
			proactor__timers_cancel(t, &early);
		for (; i < COUNT; i++)
			proactor__timers_arm(t, &n[i], deadline);
		for (i = 0; i < COUNT; i++)
			CHECK(proactor__timers_pop(t, START + 7200 * SECOND) ==
			    &n[i]);
		CHECK_INT(t->count, 0);
		free(t);
	}
	free(n);
}

/* More in one slot than are sorted together, some cancelled in the heap. */
static void
crowded_slot_is_in_order(void)
{
	enum { COUNT = 1000 };
	struct timers *t = make(START);
	struct timer_node *n = make_nodes(COUNT), *got;
	int64_t previous = INT64_MIN;
	int i, left = COUNT;

	for (i = 0; i < COUNT; i++)
		proactor__timers_arm(t, &n[i],
		    START + SECOND + (int64_t)random_below(1000));
	CHECK(proactor__timers_next(t, START + SECOND - 1) >= START + SECOND);
	for (i = 0; i < COUNT; i += 1 + (int)random_below(4)) {
		proactor__timers_cancel(t, &n[i]);
		left--;
	}
	CHECK_INT(t->count, left);
	while ((got = proactor__timers_pop(t, START + 2 * SECOND)) != NULL) {
		CHECK(got->deadline >= previous);
		previous = got->deadline;
		left--;
	}
	CHECK_INT(left, 0);
	free(n);
	free(t);
}

static void
jumps_lose_nothing(void)
{
	enum { COUNT = 2000 };
	struct timers *t = make(START);
	struct timer_node *n = make_nodes(COUNT), *got;
	int64_t previous = INT64_MIN;
	int i;

	for (i = 0; i < COUNT; i++)
		proactor__timers_arm(t, &n[i], START +
		    (int64_t)(random_bits() >> (2 + random_below(50))));
	for (i = 0; (got = proactor__timers_pop(t, INT64_MAX - 1)) != NULL;
	    i++) {
		CHECK(got->deadline >= previous);
		previous = got->deadline;
	}
	CHECK_INT(i, COUNT);
	CHECK_INT(t->count, 0);
	free(n);
	free(t);
}

const struct tap_case timers_cases[] = {
	{ "timers: nothing armed is nothing to wait for", nothing_is_for_ever },
	{ "timers: a node takes 40 bytes at most", node_is_small },
	{ "timers: cancelling an idle node does nothing",
	    idle_cancel_is_harmless },
	{ "timers: one alone is neither early nor late, however far",
	    alone_is_exact },
	{ "timers: extreme deadlines fire", extremes_fire },
	{ "timers: equal deadlines fire in the order of arming",
	    equals_fire_in_order },
	{ "timers: a crowded slot fires in order", crowded_slot_is_in_order },
	{ "timers: a jump of the clock loses nothing", jumps_lose_nothing },
	{ NULL, NULL }
};

int
main(void)
{
	static const struct tap_case *const tables[] = {
		timers_cases, timers_leave_cases, timers_wake_cases,
		timers_model_cases, NULL
	};

	random_start();
	return tap_run_tables(tables);
}
