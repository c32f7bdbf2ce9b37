/* SPDX-License-Identifier: ISC */
/* The timer wheel: what its tests have in common. */
#ifndef TESTS_UNIT_TIMERS_H
#define TESTS_UNIT_TIMERS_H

#include <stdlib.h>
#include <string.h>

#include <proactor/clock.h>

#include "core/timers.h"
#include "tap/tap.h"

#define MILLISECOND	((int64_t)1000000)
#define SECOND		(1000 * MILLISECOND)
#define START		(1000 * SECOND)

static inline int64_t
add(int64_t a, int64_t b)
{
	int64_t sum;

	if (__builtin_add_overflow(a, b, &sum))
		return b < 0 ? INT64_MIN : INT64_MAX;
	return sum;
}

static inline struct timers *
make(int64_t now)
{
	struct timers *t;

	t = malloc(sizeof(*t));
	CHECK(t != NULL);
	memset(t, 0xa5, sizeof(*t));
	proactor__timers_init(t, now);
	return t;
}

static inline struct timer_node *
make_nodes(size_t count)
{
	struct timer_node *nodes;

	nodes = calloc(count, sizeof(*nodes));
	CHECK(nodes != NULL);
	return nodes;
}

extern const struct tap_case timers_cases[];
extern const struct tap_case timers_leave_cases[];
extern const struct tap_case timers_wake_cases[];
extern const struct tap_case timers_model_cases[];

#endif
