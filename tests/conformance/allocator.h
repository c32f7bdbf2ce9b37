/* SPDX-License-Identifier: ISC */
/* An allocator that counts, and refuses when it is told to. */
#ifndef ALLOCATOR_H
#define ALLOCATOR_H

#include <stdatomic.h>
#include <stdlib.h>

#include "conformance/conformance.h"

struct allocator {
	atomic_long calls;	/* that asked for memory */
	atomic_long live;
	long fail_at;		/* the call, from 1, that gets none; or 0 */
};

static inline void *
allocator_realloc(void *user_data, void *memory, size_t size)
{
	struct allocator *a = user_data;

	if (size == 0) {
		atomic_fetch_sub(&a->live, memory != NULL);
		free(memory);
		return NULL;
	}
	if (atomic_fetch_add(&a->calls, 1) + 1 == a->fail_at)
		return NULL;
	atomic_fetch_add(&a->live, memory == NULL);
	return realloc(memory, size);
}

static inline void
allocator_use(struct allocator *a, struct proactor_options *o)
{
	o->realloc_fn = allocator_realloc;
	o->realloc_data = a;
}

static inline void
allocator_options(struct proactor_options *o, struct allocator *a)
{
	world_options(o);
	allocator_use(a, o);
}

#endif
