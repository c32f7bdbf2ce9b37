/* SPDX-License-Identifier: ISC */
#ifndef PROACTOR_CORE_POINTS_H
#define PROACTOR_CORE_POINTS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * What waits for the values of one semaphore: a leftist heap, ordered by
 * value and then by arrival.  Intrusive; every step is O(log n) even in the
 * worst case, so that a signal never pays for what only waits.  The caller
 * holds the semaphore's lock.
 */

struct wait_set;

/* What reaching a point does. */
enum point_kind {
	POINT_WAIT,		/* counts for a wait_set */
	POINT_CALL,		/* calls back: struct timepoint */
	POINT_LINK,		/* signals another: proactor_semaphore_link */
	POINT_EXPORT		/* makes a descriptor readable */
};

/* All zeros is an idle point. */
struct point {
	struct point *parent;
	struct point *left;
	struct point *right;
	uint64_t value;
	uint64_t sequence;
	struct wait_set *set;		/* WAIT: what it counts for */
	uint32_t rank;			/* steps to a missing child */
	uint8_t kind;
	uint8_t index;			/* WAIT: its place in the set */
	/*
	 * In the heap, or just taken out of it and still in use.  Who finds
	 * it false without the lock may do with the point what he likes.
	 */
	_Atomic bool armed;
};

struct points {
	struct point *first;		/* the next to be reached, or NULL */
	uint64_t sequence;
};

/* The point is idle.  It is armed afterwards. */
void	 proactor__points_insert(struct points *heap, struct point *n);

/* Takes n out of the heap that it is in; armed stays as it is. */
void	 proactor__points_remove(struct points *heap, struct point *n);

#endif
