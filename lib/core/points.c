/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <stddef.h>

#include "core/points.h"

static bool
before(const struct point *a, const struct point *b)
{
	if (a->value != b->value)
		return a->value < b->value;
	return a->sequence < b->sequence;
}

static uint32_t
rank_of(const struct point *n)
{
	return n != NULL ? n->rank : 0;
}

/* The short way down is the right one.  True when n's rank has changed. */
static bool
lean(struct point *n)
{
	struct point *left = n->left;
	uint32_t rank = n->rank;

	if (rank_of(left) < rank_of(n->right)) {
		n->left = n->right;
		n->right = left;
	}
	n->rank = rank_of(n->right) + 1;
	return n->rank != rank;
}

/* One heap of two, either of which may be empty; its top has no parent. */
static struct point *
meld(struct point *a, struct point *b)
{
	struct point *top = NULL, *parent = NULL, *swap;
	struct point **place = &top;

	while (a != NULL && b != NULL) {
		if (before(b, a)) {
			swap = a;
			a = b;
			b = swap;
		}
		*place = a;
		a->parent = parent;
		parent = a;
		place = &a->right;
		a = a->right;
	}
	*place = a != NULL ? a : b;
	if (*place != NULL)
		(*place)->parent = parent;
	for (; parent != NULL; parent = parent->parent)
		(void)lean(parent);
	return top;
}

void
proactor__points_insert(struct points *heap, struct point *n)
{
	n->parent = NULL;
	n->left = NULL;
	n->right = NULL;
	n->rank = 1;
	n->sequence = heap->sequence++;
	atomic_store_explicit(&n->armed, true, memory_order_relaxed);
	heap->first = meld(heap->first, n);
}

void
proactor__points_remove(struct points *heap, struct point *n)
{
	struct point *parent = n->parent, *rest;

	rest = meld(n->left, n->right);
	if (rest != NULL)
		rest->parent = parent;
	if (parent == NULL)
		heap->first = rest;
	else if (parent->left == n)
		parent->left = rest;
	else
		parent->right = rest;
	while (parent != NULL && lean(parent))
		parent = parent->parent;
}
