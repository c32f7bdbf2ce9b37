/* SPDX-License-Identifier: ISC */
#ifndef PROACTOR_CORE_TIMERS_H
#define PROACTOR_CORE_TIMERS_H

#include <stdbool.h>
#include <stddef.h>
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
	uint64_t order;		/* equal deadlines fire in order; place */
	int64_t deadline;
	struct timer_node *child;	/* heap: the first of those below */
};

/* The low bits of order: where the node is.  0: idle. */
#define TIMERS_IN_HEAP		1u
#define TIMERS_IN_WHEEL		2u
#define TIMERS_PLACE_MASK	3u
#define TIMERS_ORDER_STEP	4u

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

/*
 * More than so many are not in the nearer caches.  What is cancelled of them
 * leaves its slot some cancels later, so that its neighbours are fetched
 * beside those of the others and not one after the other.
 */
#define TIMERS_MANY		((uint64_t)16384)
#define TIMERS_LEAVING		8u

/* Expiries less than this apart share a wake-up: 0.75 ms. */
#define TIMERS_GAP		((int64_t)750000)

struct timers {
	struct timer_node *heap;	/* min of what is due soon */
	int64_t tick;			/* slots up to here are in the heap */
	uint64_t order;			/* the last that was given */
	uint64_t count;
	int64_t last_fired;		/* INT64_MAX: never */
	int64_t quiet;			/* see proactor__timers_are_quiet() */
	/* Cancelled, but in their slots yet: ring[left] up to ring[leaving]. */
	uint32_t left, leaving;
	uint64_t many;			/* TIMERS_MANY; 0: there are such */
	struct timer_node *ring[TIMERS_LEAVING];
	/* A bit a slot; those of slots that cancels have emptied stay. */
	uint64_t occupied[TIMERS_LEVELS];
	struct timer_node *lists[TIMERS_LEVELS][TIMERS_SLOTS][TIMERS_LISTS];
};

void	 proactor__timers_init(struct timers *t, int64_t now);

/* The rest of arm for what is not for the wheel. */
void	 proactor__timers_arm_soon(struct timers *t, struct timer_node *n);

/* Makes the node idle; one that is idle already stays so. */
void	 proactor__timers_cancel(struct timers *t, struct timer_node *n);

/*
 * A timer's level is that of the highest digit (base 64) in which its tick
 * differs from t->tick, its slot is that digit.  So whatever is on a level
 * comes before all that is on a higher one, slots of a level never wrap
 * around, and no slot has to be looked at before t->tick reaches it.
 */
static inline void
proactor__timers_file(struct timers *t, struct timer_node *n, int64_t tick)
{
	uint64_t difference = (uint64_t)tick ^ (uint64_t)t->tick;
	struct timer_node *head, **list;
	unsigned int digit, level;

	level = (63u ^ (unsigned int)__builtin_clzll(difference)) /
	    TIMERS_LEVEL_SHIFT;
	digit = (unsigned int)(tick >> (level * TIMERS_LEVEL_SHIFT)) &
	    (TIMERS_SLOTS - 1);
	list = &t->lists[level][digit][n->order / TIMERS_ORDER_STEP %
	    TIMERS_LISTS];
	head = *list;
	n->link = list;
	n->next = head;
	*list = n;
	if (head != NULL)
		head->link = &n->next;
	t->occupied[level] |= UINT64_C(1) << digit;
}

/* The node is idle; it is the wheel's until it is popped or cancelled. */
static inline void
proactor__timers_arm(struct timers *t, struct timer_node *n, int64_t deadline)
{
	int64_t tick = deadline >> TIMERS_TICK_SHIFT;

	t->count++;
	t->order += TIMERS_ORDER_STEP;
	n->order = t->order | TIMERS_IN_WHEEL;
	n->deadline = deadline;
	if (deadline < t->quiet)
		t->quiet = deadline;
	if (tick > t->tick)
		proactor__timers_file(t, n, tick);
	else
		proactor__timers_arm_soon(t, n);
}

/* Is it far enough ahead for the next function? */
static inline bool
proactor__timers_is_far(const struct timer_node *n)
{
	return (n->order & TIMERS_IN_WHEEL) != 0;
}

static inline struct timer_node *
proactor__timers_unlink(struct timer_node *n)
{
	struct timer_node **link = n->link, *next = n->next;

	*link = next;
	if (next != NULL)
		next->link = link;
	return n;
}

/*
 * Cancels a far one.  Its memory is the caller's again when this, or leave(),
 * has returned it.  Both return one that was cancelled, the first first, or
 * NULL.  Nothing but arming and cancelling may come before leave() says NULL.
 */
static inline struct timer_node *
proactor__timers_cancel_far(struct timers *t, struct timer_node *n)
{
	struct timer_node *first = NULL;

	n->order = 0;
	if (t->count-- <= t->many)
		return proactor__timers_unlink(n);

	__builtin_prefetch(n->link);
	if (n->next != NULL)
		__builtin_prefetch(&n->next->link);
	if (t->leaving - t->left == TIMERS_LEAVING)
		first = proactor__timers_unlink(
		    t->ring[t->left++ % TIMERS_LEAVING]);
	t->ring[t->leaving++ % TIMERS_LEAVING] = n;
	t->many = 0;
	return first;
}

/* Has leave() something to return? */
static inline bool
proactor__timers_are_leaving(const struct timers *t)
{
	return t->many == 0;
}

struct timer_node *proactor__timers_leave(struct timers *t);

/*
 * Until when to sleep if nothing else happens: PROACTOR_FOREVER when nothing
 * is armed; now or earlier when something is due; else never later than the
 * earliest deadline, or than TIMERS_GAP after the last expiry if that is
 * later.  It may be earlier than need be when many timers are far ahead.
 */
int64_t	 proactor__timers_next(struct timers *t, int64_t now);

/*
 * True when pop() would find nothing, and t->quiet would do for next(): what
 * that said last, or the deadline of one that was armed since.
 */
static inline bool
proactor__timers_are_quiet(const struct timers *t, int64_t now)
{
	return now < t->quiet;
}

/*
 * Takes the first of the timers that are due at now, in the order of their
 * deadlines and then of arming, and makes it idle.  NULL: none is due.
 */
struct timer_node *proactor__timers_pop(struct timers *t, int64_t now);

#endif
