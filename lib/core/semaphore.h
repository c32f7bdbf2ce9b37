/* SPDX-License-Identifier: ISC */
#ifndef PROACTOR_CORE_SEMAPHORE_H
#define PROACTOR_CORE_SEMAPHORE_H

#include "core/core.h"
#include "core/lock.h"
#include "core/points.h"

/*
 * A timeline semaphore.  Whoever makes points due takes them out of the heap
 * one by one, so that a point which is not yet being called can be withdrawn
 * until the last moment.  Points of waits are the library's own and are
 * counted under the lock; what may call the user, or take another
 * semaphore's lock, is done without.
 *
 * What a callback makes due is left to the loop that has called it, on the
 * same thread: chains of any length take one frame of stack.
 */
struct proactor_semaphore {
	struct proactor *p;		/* its memory */
	_Atomic uint32_t references;
	struct lock lock;		/* all that follows */
	_Atomic uint64_t value;		/* read without, too */
	_Atomic int status;		/* likewise; 0 until it fails */
	struct points points;
	struct call *calls;		/* under way */
	uint32_t cancelers;		/* that wait for one of those */
	_Atomic uint32_t ended;		/* they sleep on this */
	bool queued;			/* in a thread's struct firing */
	struct proactor_semaphore *next;	/* there */
};

/* The private view of proactor_timepoint. */
struct timepoint {
	struct point point;
	struct proactor_semaphore *semaphore;
	proactor_timepoint_fn callback;
	void *user_data;
};
_Static_assert(sizeof(struct timepoint) <= sizeof(struct proactor_timepoint),
    "timepoint fits");

/* A timepoint's callback under way, in the frame of who calls it. */
struct call {
	const struct timepoint *timepoint;
	uint64_t thread;
	struct call *next;
};

/* Who waits with several points. */
enum wait_kind {
	WAIT_OPERATION,
	WAIT_SLEEPER
};

/*
 * One wait for ALL or ANY of some semaphores.  It is decided once: by the
 * point that was missing, by a failure, or by who gives it up.
 */
struct wait_set {
	_Atomic uint32_t remaining;	/* points that are missing */
	_Atomic bool decided;
	uint8_t kind;
	uint8_t index;			/* by whoever has decided */
	int status;			/* likewise */
};

/* What is to be woken when the lock is dropped. */
struct wakeup {
	struct proactor *p;		/* with a hold */
	_Atomic uint32_t *word;
};

static inline bool
is_reached(const struct proactor_semaphore *s, uint64_t value)
{
	return atomic_load_explicit(&s->value, memory_order_acquire) >= value;
}

static inline int
failure_of(const struct proactor_semaphore *s)
{
	return atomic_load_explicit(&s->status, memory_order_acquire);
}

/* semaphore.c; any thread. */
void	 proactor__semaphore_fire(struct proactor_semaphore *s);
void	 proactor__semaphores_flush(void);

/* wait_set.c; any thread. */
int	 proactor__wait_check(unsigned int wait_flags,
	    struct proactor_semaphore *const *semaphores, size_t count,
	    size_t most);
bool	 proactor__wait_begin(struct wait_set *set, struct point *points,
	    unsigned int wait_flags,
	    struct proactor_semaphore *const *semaphores,
	    const uint64_t *values, size_t count);
void	 proactor__wait_end(struct point *points,
	    struct proactor_semaphore *const *semaphores, size_t count,
	    bool settle);
bool	 proactor__wait_decide(struct wait_set *set, uint8_t index,
	    int status);
void	 proactor__wait_reached(struct point *point, int status,
	    struct wakeup *wake);

/* The waiter is told that its set is decided; the semaphore is locked. */
void	 proactor__wait_op_decided(struct wait_set *set, struct wakeup *wake);
void	 proactor__sleeper_decided(struct wait_set *set, struct wakeup *wake);

/* It was reached, or failed with status; it is in no heap, no lock is held. */
void	 proactor__link_reached(struct point *point, int status);
void	 proactor__export_reached(struct point *point, int status);

/* A child of fork(2) frees its copy. */
struct proactor_semaphore *proactor__link_forget(struct point *point);
void	 proactor__export_forget(struct point *point);

#endif
