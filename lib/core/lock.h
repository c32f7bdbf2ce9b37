/* SPDX-License-Identifier: ISC */
#ifndef PROACTOR_CORE_LOCK_H
#define PROACTOR_CORE_LOCK_H

#include <stdatomic.h>
#include <stdint.h>

#include "core/system.h"

/*
 * A lock of four bytes for a few instructions, on any thread but not in a
 * signal handler.  All zeros is free.
 */
struct lock {
	_Atomic uint32_t word;
};

#define LOCK_FREE	0u
#define LOCK_TAKEN	1u
#define LOCK_AWAITED	2u	/* taken, and somebody may sleep */

void	 proactor__lock_wait(struct lock *l);

static inline void
lock_take(struct lock *l)
{
	uint32_t free = LOCK_FREE;

	if (!atomic_compare_exchange_strong_explicit(&l->word, &free,
	    LOCK_TAKEN, memory_order_acquire, memory_order_relaxed))
		proactor__lock_wait(l);
}

static inline void
lock_drop(struct lock *l)
{
	if (atomic_exchange_explicit(&l->word, LOCK_FREE,
	    memory_order_release) == LOCK_AWAITED)
		(void)proactor__futex_wake(&l->word, 1, false);
}

/* In a loop that waits for another processor. */
static inline void
cpu_relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__) && defined(__GNUC__)
	__asm__ __volatile__("yield");
#endif
}

#endif
