/* SPDX-License-Identifier: ISC */
/* Timepoints: one callback at one value, withdrawn at any time. */
#include "config.h"

#include <string.h>

#include "core/semaphore.h"

void
proactor_timepoint_init(struct proactor_timepoint *timepoint,
    proactor_timepoint_fn callback, void *user_data)
{
	struct timepoint *t = (struct timepoint *)(void *)timepoint;

	if (timepoint == NULL)
		return;
	memset(timepoint, 0, sizeof(*timepoint));
	t->point.kind = POINT_CALL;
	t->callback = callback;
	t->user_data = user_data;
}

/*
 * Calls back when value is reached or the semaphore fails, now if that has
 * happened; see proactor_semaphore_acquire_timepoint(3).  Any thread.
 */
int
proactor_semaphore_acquire_timepoint(struct proactor_semaphore *s,
    uint64_t value, struct proactor_timepoint *timepoint)
{
	struct timepoint *t = (struct timepoint *)(void *)timepoint;

	if (s == NULL || t == NULL || t->callback == NULL)
		return PROACTOR_EINVAL;
	if (proactor__forked(s->p->generation))
		return PROACTOR_ECHILD;
	lock_take(&s->lock);
	if (atomic_load_explicit(&t->point.armed, memory_order_relaxed)) {
		lock_drop(&s->lock);
		return PROACTOR_EBUSY;
	}
	t->semaphore = s;
	t->point.value = value;
	proactor__points_insert(&s->points, &t->point);
	proactor__semaphore_fire(s);
	return 0;
}

/* Is the callback under way on another thread? */
static bool
is_called(const struct proactor_semaphore *s, const struct timepoint *t)
{
	uint64_t self = proactor__self_claim();
	const struct call *c;

	for (c = s->calls; c != NULL; c = c->next)
		if (c->timepoint == t && c->thread != self)
			return true;
	return false;
}

/* Takes it out of the heap.  The lock is held.  False: it is in none. */
static bool
withdraw(struct proactor_semaphore *s, struct timepoint *t)
{
	if (!atomic_load_explicit(&t->point.armed, memory_order_relaxed) ||
	    t->semaphore != s)
		return false;
	proactor__points_remove(&s->points, &t->point);
	atomic_store_explicit(&t->point.armed, false, memory_order_relaxed);
	return true;
}

/*
 * 0: it is withdrawn, no callback comes.  ENOENT: too late, it was called, or
 * was never acquired.  In either case no callback of it is under way when
 * this returns, but the one that has called this.  Any thread.
 */
int
proactor_semaphore_cancel_timepoint(struct proactor_semaphore *s,
    struct proactor_timepoint *timepoint)
{
	struct timepoint *t = (struct timepoint *)(void *)timepoint;
	int result = PROACTOR_ENOENT;
	uint32_t seen;

	if (s == NULL || t == NULL)
		return PROACTOR_EINVAL;
	if (proactor__forked(s->p->generation))
		return PROACTOR_ECHILD;
	lock_take(&s->lock);
	for (;;) {
		/* A callback that this has waited for may acquire it again. */
		if (withdraw(s, t))
			result = 0;
		if (!is_called(s, t))
			break;
		seen = atomic_load(&s->ended);
		s->cancelers++;
		lock_drop(&s->lock);
		(void)proactor__futex_wait(&s->ended, seen, PROACTOR_FOREVER,
		    false);
		lock_take(&s->lock);
		s->cancelers--;
	}
	lock_drop(&s->lock);
	return result;
}
