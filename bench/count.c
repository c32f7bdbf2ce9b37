/* SPDX-License-Identifier: ISC */
/*
 * Counts what is allocated: every call of the C library's allocator by
 * taking its place, and the library's own by its realloc_fn.  The calls are
 * what METRIC_ALLOCATIONS shows, the library's bytes METRIC_HELD.
 */
#include "config.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>

#include "bench/bench.h"

/* The run of this process; NULL before there is one. */
static struct run *counted;

void
count_into(struct run *run)
{
	counted = run;
}

/* For struct proactor_options: whose bytes these are is known. */
void *
count_realloc(void *run, void *memory, size_t size)
{
	struct run *r = run;
	void *fresh;

	r->held -= malloc_usable_size(memory);
	if (size == 0) {
		free(memory);
		return NULL;
	}
	fresh = realloc(memory, size);
	r->held += malloc_usable_size(fresh != NULL ? fresh : memory);
	return fresh;
}

/* A sanitizer takes the allocator's place itself. */
#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

static void
count(void)
{
	if (counted != NULL)
		atomic_fetch_add_explicit(&counted->allocations, 1,
		    memory_order_relaxed);
}

void *
malloc(size_t size)
{
	count();
	return __libc_malloc(size);
}

void *
calloc(size_t number, size_t size)
{
	count();
	return __libc_calloc(number, size);
}

void *
realloc(void *memory, size_t size)
{
	count();
	return __libc_realloc(memory, size);
}

void *
aligned_alloc(size_t alignment, size_t size)
{
	count();
	return __libc_memalign(alignment, size);
}

int
posix_memalign(void **ret_memory, size_t alignment, size_t size)
{
	void *memory;

	memory = aligned_alloc(alignment, size);
	if (memory == NULL)
		return ENOMEM;
	*ret_memory = memory;
	return 0;
}

#endif
