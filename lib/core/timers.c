/* SPDX-License-Identifier: ISC */
/*
 * Far timers wait unsorted in the wheel, where arming and cancelling are a
 * list insertion and removal.  A slot's timers go to the heap when time gets
 * there, and only the heap is in order.
 */
#include "config.h"

#include <proactor/clock.h>

#include "core/timers.h"

/* Timers of a slot that are compared to find the earliest of them. */
#define SCAN_MAX	16

/* Timers that are sorted together on their way into the heap. */
#define RUN_MAX		32

struct run_item {
	int64_t deadline;
	uint64_t order;
	struct timer_node *node;
};

/* What is still to be visited of a slot. */
struct walk {
	struct timer_node *lists[TIMERS_LISTS];
	unsigned int turn;
};

static int64_t
tick_of(int64_t deadline)
{
	return deadline < 0 ? 0 : deadline >> TIMERS_TICK_SHIFT;
}

static void
set_heaped(struct timer_node *n)
{
	n->order = (n->order & ~(uint64_t)TIMERS_PLACE_MASK) | TIMERS_IN_HEAP;
}

/*
 * Pairing heap.  Siblings are a list; link points at what points to a node,
 * be it the parent's child, a sibling's next or t->heap.
 */

static int
is_before(const struct timer_node *a, const struct timer_node *b)
{
	if (a->deadline != b->deadline)
		return a->deadline < b->deadline;
	return a->order < b->order;
}

/* Puts the later of two trees below the other, which is returned. */
static struct timer_node *
meld(struct timer_node *a, struct timer_node *b)
{
	struct timer_node *low;

	if (is_before(b, a)) {
		low = a;
		a = b;
	} else
		low = b;

	low->next = a->child;
	if (low->next != NULL)
		low->next->link = &low->next;
	low->link = &a->child;
	a->child = low;
	return a;
}

/*
 * Makes one tree of a list of siblings, NULL of none: neighbours in pairs
 * first, then the pairs from the last to the first.  That order is what
 * keeps the heap's promise of a logarithmic cost.
 */
static struct timer_node *
meld_list(struct timer_node *a)
{
	struct timer_node *b, *rest, *pairs = NULL;

	for (; a != NULL; a = rest) {
		b = a->next;
		rest = NULL;
		if (b != NULL) {
			rest = b->next;
			a = meld(a, b);
		}
		a->next = pairs;
		pairs = a;
	}
	if (pairs == NULL)
		return NULL;

	for (a = pairs, b = a->next; b != NULL; b = rest) {
		rest = b->next;
		a = meld(a, b);
	}
	return a;
}

static void
heap_set_root(struct timers *t, struct timer_node *n)
{
	t->heap = n;
	if (n != NULL) {
		n->next = NULL;
		n->link = &t->heap;
	}
}

static void
heap_insert(struct timers *t, struct timer_node *n)
{
	heap_set_root(t, t->heap == NULL ? n : meld(t->heap, n));
}

/*
 * A sorted run, the last one first, is a tree too: each node has the one that
 * follows it for its only child.
 */
static void
heap_insert_run(struct timers *t, const struct run_item *run, size_t count)
{
	struct timer_node *below = NULL, *n;
	size_t i;

	for (i = 0; i < count; i++) {
		n = run[i].node;
		set_heaped(n);
		n->next = NULL;
		n->child = below;
		if (below != NULL)
			below->link = &n->child;
		below = n;
	}
	heap_insert(t, below);
}

static void
heap_remove(struct timers *t, struct timer_node *n)
{
	struct timer_node *below;

	below = meld_list(n->child);
	if (n == t->heap) {
		heap_set_root(t, below);
		return;
	}
	*n->link = n->next;
	if (n->next != NULL)
		n->next->link = n->link;
	if (below != NULL)
		heap_insert(t, below);
}

/*
 * The wheel.
 */

/* The lowest level that may have timers; TIMERS_LEVELS when there is none. */
static unsigned int
first_level(const struct timers *t)
{
	unsigned int level;

	for (level = 0; level < TIMERS_LEVELS; level++)
		if (t->occupied[level] != 0)
			break;
	return level;
}

/* The first tick of a level's first slot. */
static int64_t
first_tick(const struct timers *t, unsigned int level)
{
	unsigned int digit, shift;

	digit = __builtin_ctzll(t->occupied[level]);
	shift = level * TIMERS_LEVEL_SHIFT;
	return (int64_t)(((uint64_t)t->tick >> shift >> TIMERS_LEVEL_SHIFT <<
	    TIMERS_LEVEL_SHIFT | digit) << shift);
}

/* Was all that a level's first slot had cancelled? */
static bool
is_emptied(const struct timers *t, unsigned int level)
{
	struct timer_node *const *slot;
	unsigned int i;

	slot = t->lists[level][__builtin_ctzll(t->occupied[level])];
	for (i = 0; i < TIMERS_LISTS; i++)
		if (slot[i] != NULL)
			return false;
	return true;
}

/* Begins to visit a level's first slot, whose nodes may be moved. */
static void
walk_begin(struct walk *w, struct timers *t, unsigned int level)
{
	struct timer_node **slot;
	unsigned int i;

	slot = t->lists[level][__builtin_ctzll(t->occupied[level])];
	w->turn = 0;
	for (i = 0; i < TIMERS_LISTS; i++)
		w->lists[i] = slot[i];
}

static struct timer_node *
walk_next(struct walk *w)
{
	struct timer_node *n, *next;
	unsigned int i, turn;

	for (i = 0; i < TIMERS_LISTS; i++) {
		turn = w->turn++ % TIMERS_LISTS;
		n = w->lists[turn];
		if (n == NULL)
			continue;
		next = n->next;
		w->lists[turn] = next;
		if (next != NULL) {
			__builtin_prefetch(next);
			__builtin_prefetch(&next->deadline);
		}
		return n;
	}
	return NULL;
}

/*
 * Moves the nodes of a walk into the heap.  They come youngest first, and the
 * insertion sort is fastest when the youngest is also the last to be due.
 */
static void
load(struct timers *t, struct walk *w)
{
	struct run_item run[RUN_MAX];
	struct timer_node *n;
	size_t count = 0, i;

	while ((n = walk_next(w)) != NULL) {
		for (i = count++; i > 0; i--) {
			if (run[i - 1].deadline > n->deadline ||
			    (run[i - 1].deadline == n->deadline &&
			    run[i - 1].order > n->order))
				break;
			run[i] = run[i - 1];
		}
		run[i].deadline = n->deadline;
		run[i].order = n->order;
		run[i].node = n;
		if (count == RUN_MAX) {
			heap_insert_run(t, run, count);
			count = 0;
		}
	}
	if (count > 0)
		heap_insert_run(t, run, count);
}

/* Files a node of a slot that has been opened. */
static void
file(struct timers *t, struct timer_node *n)
{
	int64_t tick = tick_of(n->deadline);

	if (tick > t->tick)
		proactor__timers_file(t, n, tick);
	else
		proactor__timers_arm_soon(t, n);
}

/* Moves t->tick to a level's first slot and files its timers anew. */
static void
open_slot(struct timers *t, unsigned int level)
{
	struct timer_node *n, **slot;
	struct walk w;
	unsigned int i;

	slot = t->lists[level][__builtin_ctzll(t->occupied[level])];
	walk_begin(&w, t, level);
	for (i = 0; i < TIMERS_LISTS; i++)
		slot[i] = NULL;
	t->tick = first_tick(t, level);
	t->occupied[level] &= t->occupied[level] - 1;

	if (level == 0)
		load(t, &w);
	else
		while ((n = walk_next(&w)) != NULL)
			file(t, n);
}

/*
 * Opens slots up to now's until the heap has something.  When it has, its
 * root is the first of all timers; when it has not, nothing is due.
 */
static void
advance(struct timers *t, int64_t now)
{
	int64_t tick;
	unsigned int level;

	if (t->heap != NULL)
		return;

	tick = tick_of(now);
	while (t->heap == NULL) {
		level = first_level(t);
		if (level == TIMERS_LEVELS || first_tick(t, level) > tick) {
			if (t->tick < tick)
				t->tick = tick;
			break;
		}
		open_slot(t, level);
	}
}

/*
 * The earliest deadline of a level's first slot or, when that would be many
 * comparisons, the time at which the slot begins.
 */
static int64_t
earliest_in_slot(struct timers *t, unsigned int level)
{
	const struct timer_node *n;
	struct walk w;
	int64_t earliest = PROACTOR_FOREVER;
	unsigned int scanned;

	walk_begin(&w, t, level);
	for (scanned = 0; (n = walk_next(&w)) != NULL; scanned++) {
		if (scanned == SCAN_MAX)
			return first_tick(t, level) << TIMERS_TICK_SHIFT;
		if (n->deadline < earliest)
			earliest = n->deadline;
	}
	return earliest;
}

void
proactor__timers_init(struct timers *t, int64_t now)
{
	*t = (struct timers){
		.tick = tick_of(now),
		.last_fired = INT64_MAX,
		.quiet = PROACTOR_FOREVER,
		.many = TIMERS_MANY,
	};
}

void
proactor__timers_arm_soon(struct timers *t, struct timer_node *n)
{
	set_heaped(n);
	n->child = NULL;
	heap_insert(t, n);
}

void
proactor__timers_cancel(struct timers *t, struct timer_node *n)
{
	if (n->order == 0)
		return;
	if (proactor__timers_is_far(n))
		proactor__timers_unlink(n);
	else
		heap_remove(t, n);
	n->order = 0;
	t->count--;
}

struct timer_node *
proactor__timers_leave(struct timers *t)
{
	if (t->left == t->leaving) {
		t->many = TIMERS_MANY;
		return NULL;
	}
	return proactor__timers_unlink(t->ring[t->left++ % TIMERS_LEAVING]);
}

/* The earliest deadline, or earlier, of one timer at least. */
static int64_t
earliest_of(struct timers *t)
{
	unsigned int level;

	while (t->heap == NULL) {
		level = first_level(t);
		if (is_emptied(t, level))
			t->occupied[level] &= t->occupied[level] - 1;
		else if (level == 0)
			open_slot(t, level);
		else
			return earliest_in_slot(t, level);
	}
	return t->heap->deadline;
}

int64_t
proactor__timers_next(struct timers *t, int64_t now)
{
	int64_t earliest, rested;

	t->quiet = PROACTOR_FOREVER;
	if (t->count == 0)
		return PROACTOR_FOREVER;

	advance(t, now);
	earliest = earliest_of(t);

	/* Let what comes soon after the last expiry gather. */
	rested = PROACTOR_FOREVER;
	if (t->last_fired < PROACTOR_FOREVER - TIMERS_GAP)
		rested = t->last_fired + TIMERS_GAP;
	if (t->last_fired <= now && now < earliest && earliest < rested) {
		t->quiet = INT64_MIN;
		return rested;
	}
	t->quiet = earliest;
	return earliest;
}

struct timer_node *
proactor__timers_pop(struct timers *t, int64_t now)
{
	struct timer_node *n;

	advance(t, now);
	n = t->heap;
	if (n == NULL || n->deadline > now)
		return NULL;

	heap_set_root(t, meld_list(n->child));
	n->order = 0;
	t->count--;
	t->last_fired = now;
	return n;
}
