/* SPDX-License-Identifier: ISC */
/*
 * Waiting for all or any of several semaphores: what operations and threads
 * that sleep have in common.
 */
#include "config.h"

#include "core/semaphore.h"

/* 0 or EINVAL; ECHILD when a semaphore is of the parent process. */
int
proactor__wait_check(unsigned int wait_flags,
    struct proactor_semaphore *const *semaphores, size_t count, size_t most)
{
	size_t i;

	if ((wait_flags != PROACTOR_WAIT_ALL &&
	    wait_flags != PROACTOR_WAIT_ANY) || count == 0 || count > most)
		return PROACTOR_EINVAL;
	for (i = 0; i < count; i++)
		if (semaphores[i] == NULL)
			return PROACTOR_EINVAL;
	for (i = 0; i < count; i++)
		if (proactor__forked(semaphores[i]->p->generation))
			return PROACTOR_ECHILD;
	return 0;
}

/* False when it was decided before.  index is reported for ANY, and errors. */
bool
proactor__wait_decide(struct wait_set *set, uint8_t index, int status)
{
	if (atomic_exchange_explicit(&set->decided, true,
	    memory_order_acq_rel))
		return false;
	set->index = index;
	set->status = status;
	return true;
}

/* One point more, or a failure.  True when that has decided it. */
static bool
count_one(struct wait_set *set, uint8_t index, int status)
{
	if (status == 0 && atomic_fetch_sub_explicit(&set->remaining, 1,
	    memory_order_acq_rel) != 1)
		return false;
	return proactor__wait_decide(set, index, status);
}

/*
 * Arms a point on each semaphore whose value is not reached.  The points are
 * idle.  True when what was there already has decided the set; else its
 * waiter will be told, or has been.
 */
bool
proactor__wait_begin(struct wait_set *set, struct point *points,
    unsigned int wait_flags, struct proactor_semaphore *const *semaphores,
    const uint64_t *values, size_t count)
{
	struct proactor_semaphore *s;
	size_t i;
	int status;

	set->index = 0;
	set->status = 0;
	atomic_init(&set->decided, false);
	atomic_init(&set->remaining,
	    wait_flags == PROACTOR_WAIT_ALL ? (uint32_t)count : 1);
	for (i = 0; i < count; i++) {
		s = semaphores[i];
		points[i].kind = POINT_WAIT;
		points[i].index = wait_flags == PROACTOR_WAIT_ALL ? 0 :
		    (uint8_t)i;
		points[i].value = values[i];
		points[i].set = set;
		lock_take(&s->lock);
		status = failure_of(s);
		if (status == 0 && !is_reached(s, values[i])) {
			proactor__points_insert(&s->points, &points[i]);
			lock_drop(&s->lock);
			continue;
		}
		lock_drop(&s->lock);
		if (count_one(set, points[i].index, status))
			return true;
	}
	return false;
}

/*
 * Disarms what is left, when the set is decided.  settle: also waits until
 * nobody who has decided it is about to post the letter of that.
 */
void
proactor__wait_end(struct point *points,
    struct proactor_semaphore *const *semaphores, size_t count, bool settle)
{
	struct proactor_semaphore *s;
	size_t i;

	for (i = 0; i < count; i++) {
		if (!settle && !atomic_load_explicit(&points[i].armed,
		    memory_order_acquire))
			continue;
		s = semaphores[i];
		lock_take(&s->lock);
		if (atomic_load_explicit(&points[i].armed,
		    memory_order_relaxed)) {
			proactor__points_remove(&s->points, &points[i]);
			atomic_store_explicit(&points[i].armed, false,
			    memory_order_relaxed);
		}
		lock_drop(&s->lock);
	}
}

/*
 * A point of a wait is out of the heap; its semaphore is locked.  If it does
 * not decide the set somebody else may, and the point is not to be touched
 * once it is not armed.
 */
void
proactor__wait_reached(struct point *point, int status, struct wakeup *wake)
{
	struct wait_set *set = point->set;
	bool decided;

	decided = count_one(set, point->index, status);
	atomic_store_explicit(&point->armed, false, memory_order_release);
	if (!decided)
		return;
	if (set->kind == WAIT_OPERATION)
		proactor__wait_op_decided(set, wake);
	else
		proactor__sleeper_decided(set, wake);
}
