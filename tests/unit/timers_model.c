/* SPDX-License-Identifier: ISC */
/*
 * The timer wheel against a model that is too simple to be wrong: an array
 * that is searched for the earliest, and a million timers.
 */
#include "config.h"

#include "unit/random.h"
#include "unit/timers.h"

#define MANY		1000000

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
	/* Cancelled and not yet out, the first first. */
	int leaving[MODEL_MAX];
	int left;
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

/* Must the memory of one be left alone? */
static bool
model_is_leaving(const struct model *m, int i)
{
	int j;

	for (j = 0; j < m->left; j++)
		if (m->leaving[j] == i)
			return true;
	return false;
}

/* One has come out: the first. */
static void
model_left(struct model *m, const struct timer_node *got)
{
	CHECK(m->left > 0);
	CHECK(got == &m->nodes[m->leaving[0]]);
	m->left--;
	memmove(m->leaving, m->leaving + 1, (size_t)m->left * sizeof(int));
}

/* As if there were many. */
static void
model_cancel_later(struct model *m, int i)
{
	struct timer_node *got;

	if (!proactor__timers_is_far(&m->nodes[i]))
		return;
	m->count--;
	m->order[i] = 0;
	m->leaving[m->left++] = i;
	m->t->many = 0;
	got = proactor__timers_cancel_far(m->t, &m->nodes[i]);
	CHECK_INT(got != NULL, m->left > (int)TIMERS_LEAVING);
	if (got != NULL)
		model_left(m, got);
}

/* Before what does not expect them. */
static void
model_leave(struct model *m)
{
	struct timer_node *got;

	while ((got = proactor__timers_leave(m->t)) != NULL)
		model_left(m, got);
	CHECK_INT(m->left, 0);
}

static void
model_pop(struct model *m, int limit)
{
	struct timer_node *got;
	bool quiet;
	int first;

	model_leave(m);
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

	model_leave(m);
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
		switch (random_below(10)) {
		case 0:
		case 1:
		case 2:
			if (m->order[i] == 0 && !model_is_leaving(m, i))
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
		case 6:
		case 7:
			model_cancel_later(m, i);
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
	struct timer_node *n = make_nodes(MANY), *victim;
	size_t i, out = 0;
	int level, slot;

	for (i = 0; i < MANY; i++)
		proactor__timers_arm(t, &n[i],
		    START + (int64_t)(random_bits() >> (1 + i % 60)));
	/* An odd stride visits each once, in no order. */
	for (i = 0; i < MANY; i++) {
		victim = &n[i * 611953 % MANY];
		if (!proactor__timers_is_far(victim)) {
			proactor__timers_cancel(t, victim);
			out++;
		} else if (proactor__timers_cancel_far(t, victim) != NULL)
			out++;
	}
	while (proactor__timers_leave(t) != NULL)
		out++;
	CHECK_INT(out, MANY);
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

const struct tap_case timers_model_cases[] = {
	{ "timers: random use agrees with the model", agrees_with_model },
	{ "timers: a million fire in order", million_fires_in_order },
	{ "timers: a million cancelled leave nothing",
	    million_cancelled_leaves_nothing },
	{ NULL, NULL }
};
