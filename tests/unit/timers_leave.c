/* SPDX-License-Identifier: ISC */
/*
 * The timer wheel: far timers that were cancelled and are in their slot yet.
 * It keeps them when there are many; here there are few, and it is told so.
 */
#include "config.h"

#include "unit/random.h"
#include "unit/timers.h"

/* As if there were many. */
static struct timer_node *
cancel_of_many(struct timers *t, struct timer_node *n)
{
	t->many = 0;
	return proactor__timers_cancel_far(t, n);
}

static void
kept_come_out_in_order(void)
{
	enum { COUNT = 3 * TIMERS_LEAVING };
	struct timers *t = make(START);
	struct timer_node *n = make_nodes(COUNT);
	size_t i, out = 0;

	for (i = 0; i < COUNT; i++)
		proactor__timers_arm(t, &n[i], START + SECOND);
	CHECK(!proactor__timers_are_leaving(t));
	CHECK(proactor__timers_leave(t) == NULL);
	for (i = 0; i < COUNT; i++) {
		CHECK(proactor__timers_is_far(&n[i]));
		if (cancel_of_many(t, &n[i]) != NULL)
			out++;
		CHECK(!proactor__timers_is_far(&n[i]));
		CHECK_INT(t->count, COUNT - 1 - i);
		CHECK_INT(out, i < TIMERS_LEAVING ? 0 : i + 1 -
		    TIMERS_LEAVING);
	}
	CHECK(proactor__timers_are_leaving(t));
	for (; out < COUNT; out++)
		CHECK(proactor__timers_leave(t) == &n[out]);
	CHECK(proactor__timers_leave(t) == NULL);
	CHECK(!proactor__timers_are_leaving(t));
	CHECK_INT(proactor__timers_next(t, START), PROACTOR_FOREVER);
	CHECK(proactor__timers_pop(t, INT64_MAX) == NULL);
	free(n);
	free(t);
}

static void
few_are_not_kept(void)
{
	enum { COUNT = TIMERS_MANY + 2 };
	struct timers *t = make(START);
	struct timer_node *n = make_nodes(COUNT);
	size_t i;

	for (i = 0; i < COUNT; i++)
		proactor__timers_arm(t, &n[i], START + SECOND);
	CHECK(proactor__timers_cancel_far(t, &n[0]) == NULL);
	CHECK(proactor__timers_cancel_far(t, &n[1]) == NULL);
	CHECK(proactor__timers_leave(t) == &n[0]);
	CHECK(proactor__timers_leave(t) == &n[1]);
	CHECK(proactor__timers_leave(t) == NULL);
	for (i = 2; i < COUNT; i++) {
		CHECK(proactor__timers_cancel_far(t, &n[i]) == &n[i]);
		CHECK(!proactor__timers_are_leaving(t));
	}
	CHECK_INT(t->count, 0);
	free(n);
	free(t);
}

/*
 * Neighbours in one list of a slot, cancelled in the order of a permutation:
 * those of the set later, the others at once; the last of all stays armed.
 */
static void
neighbours_in(const unsigned int *permutation, unsigned int later)
{
	enum { COUNT = 5, LAST = COUNT - 1 };
	struct timers *t = make(START);
	struct timer_node n[COUNT * TIMERS_LISTS], *got;
	unsigned int i, victim;

	memset(n, 0, sizeof(n));
	for (i = 0; i < COUNT * TIMERS_LISTS; i++)
		proactor__timers_arm(t, &n[i], START +
		    (i % TIMERS_LISTS == 0 ? 1 : 3600) * SECOND);
	for (i = 0; i < LAST; i++) {
		victim = permutation[i];
		if (later & 1u << victim)
			CHECK(cancel_of_many(t, &n[victim * TIMERS_LISTS]) ==
			    NULL);
		else
			proactor__timers_cancel(t, &n[victim * TIMERS_LISTS]);
	}
	for (i = 0; i < LAST; i++)
		if (later & 1u << permutation[i]) {
			got = proactor__timers_leave(t);
			CHECK(got == &n[permutation[i] * TIMERS_LISTS]);
		}
	CHECK(proactor__timers_leave(t) == NULL);
	got = proactor__timers_pop(t, START + SECOND);
	CHECK(got == &n[permutation[LAST] * TIMERS_LISTS]);
	CHECK(proactor__timers_pop(t, START + SECOND) == NULL);
	CHECK_INT(t->count, COUNT * (TIMERS_LISTS - 1));
	free(t);
}

static void
neighbours_in_every_order(void)
{
	unsigned int permutation[5] = { 0, 1, 2, 3, 4 }, turn[5] = { 0 };
	unsigned int i = 0, later, other, swap;

	for (later = 0; later < 32; later++)
		neighbours_in(permutation, later);
	/* Heap's way through the others. */
	while (i < 5) {
		if (turn[i] >= i) {
			turn[i++] = 0;
			continue;
		}
		other = i % 2 == 0 ? 0 : turn[i];
		swap = permutation[other];
		permutation[other] = permutation[i];
		permutation[i] = swap;
		turn[i]++;
		i = 0;
		for (later = 0; later < 32; later++)
			neighbours_in(permutation, later);
	}
}

/* Those that are armed in between, in the same lists, are not touched. */
static void
armed_among_kept(void)
{
	enum { COUNT = 400 };
	struct timers *t = make(START);
	struct timer_node *old = make_nodes(COUNT), *n = make_nodes(COUNT);
	struct timer_node *got;
	int i, out = 0;

	for (i = 0; i < COUNT; i++)
		proactor__timers_arm(t, &old[i], START + SECOND);
	for (i = 0; i < COUNT; i++) {
		got = cancel_of_many(t, &old[i]);
		if (got != NULL)
			CHECK(got == &old[out++]);
		proactor__timers_arm(t, &n[i], START + SECOND);
		/* What has come out may be armed again, even there. */
		if (got != NULL) {
			proactor__timers_arm(t, got, START + SECOND);
			proactor__timers_cancel(t, got);
		}
	}
	while ((got = proactor__timers_leave(t)) != NULL)
		CHECK(got == &old[out++]);
	CHECK_INT(out, COUNT);
	CHECK_INT(t->count, COUNT);
	for (i = 0; i < COUNT; i++)
		CHECK(proactor__timers_pop(t, START + SECOND) == &n[i]);
	CHECK_INT(t->count, 0);
	free(n);
	free(old);
	free(t);
}

const struct tap_case timers_leave_cases[] = {
	{ "timers: what is kept comes out in the order of cancelling",
	    kept_come_out_in_order },
	{ "timers: of a few none is kept", few_are_not_kept },
	{ "timers: neighbours leave in any order", neighbours_in_every_order },
	{ "timers: arming goes on among those that are kept",
	    armed_among_kept },
	{ NULL, NULL }
};
