/* SPDX-License-Identifier: ISC */
#ifndef PROACTOR_CORE_LIST_H
#define PROACTOR_CORE_LIST_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Intrusive circular list: a head and its members are the same struct.  A
 * member that is on no list is not to be removed.
 */
struct link {
	struct link *next;
	struct link *prev;
};

#define container_of(pointer, type, member) \
	((type *)(void *)((char *)(pointer) - offsetof(type, member)))

static inline void
list_init(struct link *head)
{
	head->next = head;
	head->prev = head;
}

static inline bool
list_empty(const struct link *head)
{
	return head->next == head;
}

static inline void
list_append(struct link *head, struct link *l)
{
	struct link *last = head->prev;

	l->next = head;
	l->prev = last;
	last->next = l;
	head->prev = l;
}

static inline void
list_remove(struct link *l)
{
	l->prev->next = l->next;
	l->next->prev = l->prev;
}

/* Moves all members of from to the end of to; from is empty afterwards. */
static inline void
list_splice(struct link *to, struct link *from)
{
	if (list_empty(from))
		return;
	from->next->prev = to->prev;
	to->prev->next = from->next;
	from->prev->next = to;
	to->prev = from->prev;
	list_init(from);
}

/* Makes a head, to, of all that from has; from is empty afterwards. */
static inline void
list_take(struct link *to, struct link *from)
{
	struct link *first = from->next, *last = from->prev;

	if (first == from) {
		list_init(to);
		return;
	}
	to->next = first;
	to->prev = last;
	first->prev = to;
	last->next = to;
	list_init(from);
}

#endif
