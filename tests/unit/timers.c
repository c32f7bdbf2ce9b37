/* SPDX-License-Identifier: ISC */
/*
 * The timer wheel against a model that is too simple to be wrong: an array
 * that is searched for the earliest.  PROACTOR_TEST_SEED repeats a run.
 */
#include "config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <proactor/clock.h>

#include "core/timers.h"
#include "tap/tap.h"

#define MILLISECOND	((int64_t)1000000)
#define SECOND		(1000 * MILLISECOND)
#define START		(1000 * SECOND)
#define MANY		1000000

static uint64_t random_state;

/* xorshift64*; any seed but 0. */
static uint64_t
random_bits(void)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return random_state * UINT64_C(2685821657736338717);
}

static uint64_t
random_below(uint64_t limit)
{
	return (random_bits() >> 11) % limit;
}

static int64_t
add(int64_t a, int64_t b)
{
	int64_t sum;

	if (__builtin_add_overflow(a, b, &sum))
		return b < 0 ? INT64_MIN : INT64_MAX;
	return sum;
}

static struct timers *
make(int64_t now)
{
	struct timers *t;

	t = malloc(sizeof(*t));
	CHECK(t != NULL);
	memset(t, 0xa5, sizeof(*t));
	proactor__timers_init(t, now);
	return t;
}

static struct timer_node *
make_nodes(size_t count)
{
	struct timer_node *nodes;

	nodes = calloc(count, sizeof(*nodes));
	CHECK(nodes != NULL);
	return nodes;
}

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

/*
 * The model.  A timer's number is its place in nodes[]; what was armed later
 * has the greater order.
 */
enum { MODEL_MAX = 120 };

struct model {
	struct timers *t;
	struct timer_node nodes[MODEL_MAX];
	int64_t deadline[MODEL_MAX];
	uint64_t order[MODEL_MAX];	/* 0: idle */
	uint64_t orders;
	uint64_t count;
	int64_t now;
	int64_t last_fired;
	int has_fired;
};

/* The number of the earliest, -1 when all are idle. */
static int
model_first(const struct model *m)
{
	int i, first = -1;

	for (i = 0; i < MODEL_MAX; i++) {
		if (m->order[i] == 0)
			continue;
		if (first < 0 || m->deadline[i] < m->deadline[first] ||
		    (m->deadline[i] == m->deadline[first] &&
		    m->order[i] < m->order[first]))
			first = i;
	}
	return first;
}

static int64_t
model_deadline(const struct model *m)
{
	int64_t distance;

	switch (random_below(10)) {
	case 0:		/* one that there is or was */
		return m->deadline[random_below(MODEL_MAX)];
	case 1:
		return add(m->now, -(int64_t)random_below(SECOND));
	case 2:
		switch (random_below(4)) {
		case 0:
			return INT64_MIN;
		case 1:
			return INT64_MAX;
		case 2:
			return -(int64_t)random_below(10);
		}
		return m->now;
	case 3:		/* around the slots that are being loaded */
	case 4:
		return add(m->now, (int64_t)random_below(MILLISECOND));
	default:
		distance = (int64_t)(random_bits() >> (1 + random_below(60)));
		return add(m->now, distance);
	}
}

static void
model_arm(struct model *m, int i)
{
	m->deadline[i] = model_deadline(m);
	m->order[i] = ++m->orders;
	m->count++;
	proactor__timers_arm(m->t, &m->nodes[i], m->deadline[i]);
}

static void
model_cancel(struct model *m, int i)
{
	if (m->order[i] != 0)
		m->count--;
	m->order[i] = 0;
	proactor__timers_cancel(m->t, &m->nodes[i]);
}

static void
model_pop(struct model *m, int limit)
{
	struct timer_node *got;
	bool quiet;
	int first;

	for (; limit > 0; limit--) {
		first = model_first(m);
		quiet = proactor__timers_are_quiet(m->t, m->now);
		got = proactor__timers_pop(m->t, m->now);
		if (first < 0 || m->deadline[first] > m->now) {
			CHECK(got == NULL);
			return;
		}
		CHECK(!quiet);
		CHECK(got == &m->nodes[first]);
		m->order[first] = 0;
		m->count--;
		m->last_fired = m->now;
		m->has_fired = 1;
	}
}

static int64_t
model_next(struct model *m)
{
	int64_t earliest, latest, until;
	int first;

	until = proactor__timers_next(m->t, m->now);
	first = model_first(m);
	if (first < 0) {
		CHECK_INT(until, PROACTOR_FOREVER);
		return until;
	}
	earliest = m->deadline[first];
	if (earliest <= m->now) {
		CHECK(until <= m->now);
		return until;
	}

	latest = earliest;
	if (m->has_fired && m->last_fired <= m->now &&
	    latest < add(m->last_fired, TIMERS_GAP))
		latest = add(m->last_fired, TIMERS_GAP);
	CHECK(until > m->now);
	CHECK(until <= latest);
	if (m->count <= 16)
		CHECK_INT(until, latest);
	return until;
}

/* Time goes on: to where next() said, a little, far, or just short of it. */
static void
model_advance(struct model *m)
{
	int64_t until = model_next(m), now = m->now;

	switch (random_below(8)) {
	case 0:
		now = add(now, (int64_t)(random_bits() >>
		    (2 + random_below(60))));
		break;
	case 1:
	case 2:
		now = add(now, (int64_t)random_below(MILLISECOND));
		break;
	case 3:
		now = add(until, -1);
		break;
	default:
		if (until != PROACTOR_FOREVER)
			now = until;
	}
	if (now > m->now)
		m->now = now;
}

static void
model_run(int steps)
{
	static const int64_t starts[] = {
		INT64_MIN, -SECOND, 0, START, START, START,
		(int64_t)1 << 46, INT64_MAX - 10 * SECOND,
	};
	struct model *m;
	int busy, i, step;

	m = calloc(1, sizeof(*m));
	CHECK(m != NULL);
	m->now = add(starts[random_below(8)], (int64_t)random_below(SECOND));
	m->t = make(m->now);
	/* Some runs have few timers, so that they are often alone. */
	busy = 1 + (int)random_below(random_below(2) ? 8 : MODEL_MAX);
	for (step = 0; step < steps; step++) {
		i = (int)random_below((uint64_t)busy);
		switch (random_below(8)) {
		case 0:
		case 1:
		case 2:
			if (m->order[i] == 0)
				model_arm(m, i);
			break;
		case 3:
			model_cancel(m, i);
			break;
		case 4:
			model_pop(m, 1 + (int)random_below(3));
			break;
		case 5:
			model_next(m);
			break;
		default:
			model_advance(m);
			model_pop(m, MODEL_MAX + 1);
		}
		CHECK_INT(m->t->count, m->count);
	}
	m->now = INT64_MAX;
	model_pop(m, MODEL_MAX + 1);
	CHECK_INT(m->t->count, 0);
	free(m->t);
	free(m);
}

static void
agrees_with_model(void)
{
	int i;

	for (i = 0; i < 1000; i++)
		model_run(200);
}

static int
compare_deadlines(const void *a, const void *b)
{
	const struct timer_node *x = *(struct timer_node *const *)a;
	const struct timer_node *y = *(struct timer_node *const *)b;

	if (x->deadline != y->deadline)
		return x->deadline < y->deadline ? -1 : 1;
	return x < y ? -1 : x > y;
}

/* Armed in the order of the array, so an address also breaks ties. */
static void
million_fires_in_order(void)
{
	struct timers *t = make(START);
	struct timer_node *n = make_nodes(MANY), **sorted, *got;
	int64_t now = START;
	size_t i, left = 0, next = 0;

	sorted = malloc(MANY * sizeof(struct timer_node *));
	CHECK(sorted != NULL);
	for (i = 0; i < MANY; i++)
		proactor__timers_arm(t, &n[i],
		    START + (int64_t)random_below(10000) * MILLISECOND / 3);
	for (i = 0; i < MANY; i++) {
		size_t victim = random_below(MANY);

		if (random_below(3) == 0)
			proactor__timers_cancel(t, &n[victim]);
	}
	for (i = 0; i < MANY; i++)
		if (n[i].order != 0)
			sorted[left++] = &n[i];
	CHECK_INT(t->count, left);
	qsort(sorted, left, sizeof(sorted[0]), compare_deadlines);

	while (next < left) {
		now += (int64_t)random_below(20 * MILLISECOND);
		while ((got = proactor__timers_pop(t, now)) != NULL) {
			CHECK(got == sorted[next]);
			next++;
		}
		if (next < left)
			CHECK(sorted[next]->deadline > now);
	}
	CHECK_INT(t->count, 0);
	CHECK_INT(proactor__timers_next(t, now), PROACTOR_FOREVER);
	free(sorted);
	free(n);
	free(t);
}

/* The library's promise to programs: all of them cancelled leaves nothing. */
static void
million_cancelled_leaves_nothing(void)
{
	struct timers *t = make(START);
	struct timer_node *n = make_nodes(MANY);
	size_t i;
	int level, slot;

	for (i = 0; i < MANY; i++)
		proactor__timers_arm(t, &n[i],
		    START + (int64_t)(random_bits() >> (1 + i % 60)));
	/* An odd stride visits each once, in no order. */
	for (i = 0; i < MANY; i++)
		proactor__timers_cancel(t, &n[i * 611953 % MANY]);
	CHECK_INT(t->count, 0);
	CHECK(t->heap == NULL);
	for (level = 0; level < TIMERS_LEVELS; level++)
		for (slot = 0; slot < TIMERS_SLOTS; slot++)
			for (i = 0; i < TIMERS_LISTS; i++)
				CHECK(t->lists[level][slot][i] == NULL);
	CHECK_INT(proactor__timers_next(t, START), PROACTOR_FOREVER);
	CHECK(proactor__timers_pop(t, INT64_MAX) == NULL);
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

static const struct tap_case cases[] = {
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
	{ "timers: dense timers share wake-ups and are late by a gap at most",
	    dense_timers_share_wakes },
	{ "timers: only what follows an expiry closely is delayed",
	    gap_is_for_neighbours_only },
	{ "timers: a far crowd costs few wake-ups", far_crowd_costs_few_wakes },
	{ "timers: a cancelled one wakes nobody", cancelled_wakes_nobody },
	{ "timers: none is due while they are quiet", quiet_is_true },
	{ "timers: random use agrees with the model", agrees_with_model },
	{ "timers: a million fire in order", million_fires_in_order },
	{ "timers: a million cancelled leave nothing",
	    million_cancelled_leaves_nothing },
	{ NULL, NULL }
};

int
main(void)
{
	const char *seed = getenv("PROACTOR_TEST_SEED");

	random_state = seed != NULL ? strtoull(seed, NULL, 0) :
	    (uint64_t)time(NULL);
	if (random_state == 0)
		random_state = 1;
	tap_diag("PROACTOR_TEST_SEED=%" PRIu64, random_state);
	return tap_run(cases);
}
