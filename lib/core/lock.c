/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "core/lock.h"

/* Looks at a lock that is taken before sleep: a microsecond or so. */
#define LOOKS	30

/* The slow way of lock_take(). */
void
proactor__lock_wait(struct lock *l)
{
	uint32_t free;
	int i;

	for (i = 0; i < LOOKS; i++) {
		free = LOCK_FREE;
		if (atomic_load_explicit(&l->word, memory_order_relaxed) ==
		    LOCK_FREE && atomic_compare_exchange_strong_explicit(
		    &l->word, &free, LOCK_TAKEN, memory_order_acquire,
		    memory_order_relaxed))
			return;
		cpu_relax();
	}
	while (atomic_exchange_explicit(&l->word, LOCK_AWAITED,
	    memory_order_acquire) != LOCK_FREE)
		(void)proactor__futex_wait(&l->word, LOCK_AWAITED,
		    PROACTOR_FOREVER, false);
}
