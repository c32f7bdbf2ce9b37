/* SPDX-License-Identifier: ISC */
/* The heap of timepoints, against a model that looks at everything. */
#include "config.h"

#include <stdlib.h>

#include "core/points.h"
#include "tap/tap.h"

#define ROOM	600

struct model {
	struct points heap;
	struct point points[ROOM];
	bool inside[ROOM];
	size_t count;
	uint64_t random;
};

static uint64_t
next(struct model *m)
{
	m->random = m->random * UINT64_C(6364136223846793005) +
	    UINT64_C(1442695040888963407);
	return m->random >> 33;
}

/* Those below n; ranks, order and parents are right. */
static size_t
check_below(const struct point *n, const struct point *parent)
{
	size_t count;

	if (n == NULL)
		return 0;
	CHECK(n->parent == parent);
	if (parent != NULL)
		CHECK(parent->value < n->value ||
		    (parent->value == n->value &&
		    parent->sequence < n->sequence));
	if (n->right == NULL)
		CHECK_INT(n->rank, 1);
	else {
		CHECK(n->left != NULL);
		CHECK(n->left->rank >= n->right->rank);
		CHECK_INT(n->rank, n->right->rank + 1);
	}
	count = check_below(n->left, n) + check_below(n->right, n);
	return count + 1;
}

static size_t
least(const struct model *m)
{
	size_t i, found = ROOM;

	for (i = 0; i < ROOM; i++)
		if (m->inside[i] && (found == ROOM ||
		    m->points[i].value < m->points[found].value ||
		    (m->points[i].value == m->points[found].value &&
		    m->points[i].sequence < m->points[found].sequence)))
			found = i;
	return found;
}

static void
insert(struct model *m, size_t i, uint64_t value)
{
	m->points[i].value = value;
	proactor__points_insert(&m->heap, &m->points[i]);
	CHECK(m->points[i].armed);
	m->inside[i] = true;
	m->count++;
}

static void
take_out(struct model *m, size_t i)
{
	proactor__points_remove(&m->heap, &m->points[i]);
	m->points[i].armed = false;
	m->inside[i] = false;
	m->count--;
}

static struct model *
model_new(uint64_t seed)
{
	struct model *m = calloc(1, sizeof(*m));

	CHECK(m != NULL);
	m->random = seed;
	return m;
}

static void
check_all(const struct model *m)
{
	size_t i = least(m);

	CHECK_INT(check_below(m->heap.first, NULL), m->count);
	CHECK(m->heap.first == (i < ROOM ? &m->points[i] : NULL));
}

static void
random_steps(void)
{
	struct model *m;
	uint64_t seed;
	size_t i;
	int step;

	for (seed = 1; seed <= 5; seed++) {
		m = model_new(seed);
		for (step = 0; step < 4000; step++) {
			i = next(m) % ROOM;
			if (m->inside[i])
				take_out(m, i);
			else
				insert(m, i, next(m) % (seed * 50));
			if (step % 3 == 0 && m->count != 0)
				take_out(m, least(m));
			if (step % 16 == 0)
				check_all(m);
		}
		while (m->count != 0) {
			CHECK(m->heap.first == &m->points[least(m)]);
			take_out(m, least(m));
		}
		CHECK(m->heap.first == NULL);
		free(m);
	}
}

static void
equal_values_keep_their_order(void)
{
	struct model *m = model_new(1);
	size_t i;

	for (i = 0; i < ROOM; i++)
		insert(m, i, 7);
	check_all(m);
	for (i = 0; i < ROOM; i++) {
		CHECK(m->heap.first == &m->points[i]);
		take_out(m, i);
	}
	free(m);
}

/* However they came, the way down that a step goes is short. */
static void
way_is_short(void)
{
	struct model *m;
	size_t i;
	int order;

	for (order = 0; order < 3; order++) {
		m = model_new(9);
		for (i = 0; i < ROOM; i++)
			insert(m, i, order == 0 ? i : order == 1 ? ROOM - i :
			    next(m));
		check_all(m);
		/* 2^rank - 1 points are needed for a rank. */
		CHECK(m->heap.first->rank <= 9);
		free(m);
	}
}

static const struct tap_case cases[] = {
	{ "points: random steps agree with a model", random_steps },
	{ "points: equal values keep their order",
	    equal_values_keep_their_order },
	{ "points: the right spine is short in any order", way_is_short },
	{ NULL, NULL }
};

int
main(void)
{
	return tap_run(cases);
}
