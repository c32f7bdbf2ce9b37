/* SPDX-License-Identifier: ISC */
#ifndef PROACTOR_CORE_TIMERS_H
#define PROACTOR_CORE_TIMERS_H

#include <stdint.h>

/*
 * Timers of one proactor: a hierarchical wheel in front of a heap of what is
 * due soon.  Intrusive; nothing here allocates or fails.  The owner thread
 * only.
 */

/*
 * All zeros is an idle node.  What cancel touches, in the node and in its
 * neighbours, comes first: with many timers its cost is cache misses.
 */
struct timer_node {
	struct timer_node *next;	/* in a slot, or among siblings */
	struct timer_node **link;	/* what points here */
	uint32_t place;			/* idle, heap, or 2 + list's index */
	struct timer_node *child;	/* heap: the first of those below */
	int64_t deadline;
	uint64_t sequence;	/* breaks ties: equal deadlines fire in order */
};

/*
 * A slot of level 0 is a tick, 2^17 ns; one of level n is 64^n ticks.  Eight
 * levels are more than the 2^46 ticks of an int64_t.
 */
#define TIMERS_TICK_SHIFT	17
#define TIMERS_LEVEL_SHIFT	6
#define TIMERS_LEVELS		8
#define TIMERS_SLOTS		(1 << TIMERS_LEVEL_SHIFT)

/*
 * A slot is several lists that are walked side by side, so that the cache
 * misses of their nodes overlap.
 */
#define TIMERS_LISTS		4

/* Expiries less than this apart share a wake-up: 0.75 ms. */
#define TIMERS_GAP		((int64_t)750000)

struct timers {
	struct timer_node *heap;	/* min of what is due soon */
	uint64_t tick;			/* slots up to here are in the heap */
	uint64_t sequence;
	uint64_t count;
	int64_t last_fired;		/* INT64_MAX: never */
	uint64_t occupied[TIMERS_LEVELS];	/* a bit a slot */
	struct timer_node *lists[TIMERS_LEVELS][TIMERS_SLOTS][TIMERS_LISTS];
};

void	 proactor__timers_init(struct timers *t, int64_t now);

/* The node is idle; it is the wheel's until it is popped or cancelled. */
void	 proactor__timers_arm(struct timers *t, struct timer_node *n,
	    int64_t deadline);

/* Makes the node idle; one that is idle already stays so. */
void	 proactor__timers_cancel(struct timers *t, struct timer_node *n);

/*
 * Until when to sleep if nothing else happens: PROACTOR_FOREVER when nothing
 * is armed; now or earlier when something is due; else never later than the
 * earliest deadline, or than TIMERS_GAP after the last expiry if that is
 * later.  It may be earlier than need be when many timers are far ahead.
 */
int64_t	 proactor__timers_next(struct timers *t, int64_t now);

/*
 * Takes the first of the timers that are due at now, in the order of their
 * deadlines and then of arming, and makes it idle.  NULL: none is due.
 */
struct timer_node *proactor__timers_pop(struct timers *t, int64_t now);

#endif
