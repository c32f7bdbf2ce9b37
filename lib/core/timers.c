/* SPDX-License-Identifier: ISC */
/*
 * Far timers wait unsorted in the wheel, where arming and cancelling are a
 * list insertion and removal.  A slot's timers go to the heap when time gets
 * there, and only the heap is in order.
 *
 * A timer's level is that of the highest digit (base 64) in which its tick
 * differs from t->tick, its slot is that digit.  So whatever is on a level
 * comes before all that is on a higher one, slots of a level never wrap
 * around, and no slot has to be looked at before t->tick reaches it.
 */
#include "config.h"

#include <stddef.h>

#include <proactor/clock.h>

#include "core/timers.h"

#define PLACE_IDLE	0
#define PLACE_HEAP	1
#define PLACE_WHEEL	2	/* plus the index of the list */

/* Timers of a slot that are compared to find the earliest of them. */
#define SCAN_MAX	16

/* Timers that are sorted together on their way into the heap. */
#define RUN_MAX		32

struct run_item {
	int64_t deadline;
	uint64_t sequence;
	struct timer_node *node;
};

/* What is still to be visited of a slot. */
struct walk {
	struct timer_node *lists[TIMERS_LISTS];
	unsigned int turn;
};

static uint64_t
tick_of(int64_t deadline)
{
	if (deadline < 0)
		return 0;
	return (uint64_t)deadline >> TIMERS_TICK_SHIFT;
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
	return a->sequence < b->sequence;
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
		n->place = PLACE_HEAP;
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

static void
wheel_insert(struct timers *t, struct timer_node *n, uint64_t tick)
{
	struct timer_node *head, **list;
	unsigned int digit, level, which;

	level = (63 - __builtin_clzll(tick ^ t->tick)) / TIMERS_LEVEL_SHIFT;
	digit = (tick >> (level * TIMERS_LEVEL_SHIFT)) & (TIMERS_SLOTS - 1);
	which = n->sequence % TIMERS_LISTS;
	list = &t->lists[level][digit][which];

	n->place = PLACE_WHEEL +
	    (level * TIMERS_SLOTS + digit) * TIMERS_LISTS + which;
	n->link = list;
	head = *list;
	n->next = head;
	*list = n;
	if (head != NULL)
		head->link = &n->next;
	t->occupied[level] |= UINT64_C(1) << digit;
}

static void
wheel_remove(struct timers *t, struct timer_node *n)
{
	struct timer_node **link, *next;
	unsigned int digit, i, level, slot;

	/* All loads before the stores, which wait for the neighbours. */
	link = n->link;
	next = n->next;
	slot = (n->place - PLACE_WHEEL) / TIMERS_LISTS;
	n->place = PLACE_IDLE;
	t->count--;

	*link = next;
	if (next != NULL) {
		next->link = link;
		return;
	}

	level = slot / TIMERS_SLOTS;
	digit = slot % TIMERS_SLOTS;
	for (i = 0; i < TIMERS_LISTS; i++)
		if (t->lists[level][digit][i] != NULL)
			return;
	t->occupied[level] &= ~(UINT64_C(1) << digit);
}

/* The lowest level with timers, TIMERS_LEVELS when the wheel is empty. */
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
static uint64_t
first_tick(const struct timers *t, unsigned int level)
{
	unsigned int digit, shift;

	digit = __builtin_ctzll(t->occupied[level]);
	shift = level * TIMERS_LEVEL_SHIFT;
	return (t->tick >> shift >> TIMERS_LEVEL_SHIFT << TIMERS_LEVEL_SHIFT |
	    digit) << shift;
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
			    run[i - 1].sequence > n->sequence))
				break;
			run[i] = run[i - 1];
		}
		run[i].deadline = n->deadline;
		run[i].sequence = n->sequence;
		run[i].node = n;
		if (count == RUN_MAX) {
			heap_insert_run(t, run, count);
			count = 0;
		}
	}
	if (count > 0)
		heap_insert_run(t, run, count);
}

/* Files a node by its deadline. */
static void
file(struct timers *t, struct timer_node *n)
{
	uint64_t tick;

	tick = tick_of(n->deadline);
	if (tick > t->tick) {
		wheel_insert(t, n, tick);
		return;
	}
	n->place = PLACE_HEAP;
	n->child = NULL;
	heap_insert(t, n);
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
	uint64_t tick;
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
			return (int64_t)(first_tick(t, level) <<
			    TIMERS_TICK_SHIFT);
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
	};
}

void
proactor__timers_arm(struct timers *t, struct timer_node *n, int64_t deadline)
{
	n->deadline = deadline;
	n->sequence = t->sequence++;
	t->count++;
	file(t, n);
}

void
proactor__timers_cancel(struct timers *t, struct timer_node *n)
{
	if (n->place >= PLACE_WHEEL)
		wheel_remove(t, n);
	else if (n->place == PLACE_HEAP) {
		heap_remove(t, n);
		n->place = PLACE_IDLE;
		t->count--;
	}
}

int64_t
proactor__timers_next(struct timers *t, int64_t now)
{
	int64_t earliest, rested;
	unsigned int level;

	if (t->count == 0)
		return PROACTOR_FOREVER;

	advance(t, now);
	level = first_level(t);
	if (t->heap == NULL && level == 0)
		open_slot(t, level);
	if (t->heap != NULL)
		earliest = t->heap->deadline;
	else
		earliest = earliest_in_slot(t, level);

	/* Let what comes soon after the last expiry gather. */
	rested = PROACTOR_FOREVER;
	if (t->last_fired < PROACTOR_FOREVER - TIMERS_GAP)
		rested = t->last_fired + TIMERS_GAP;
	if (t->last_fired <= now && now < earliest && earliest < rested)
		return rested;
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
	n->place = PLACE_IDLE;
	t->count--;
	t->last_fired = now;
	return n;
}
