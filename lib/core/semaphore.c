/* SPDX-License-Identifier: ISC */
/* Timeline semaphores: the value, the failure, and who is told of them. */
#include "config.h"

#include "core/semaphore.h"

/* Semaphores that this thread has made due while it was in a callback. */
struct firing {
	struct proactor_semaphore *first;
	struct proactor_semaphore **end;
};

static _Thread_local struct firing *firing PROACTOR_TLS_MODEL;

/* A semaphore of p's memory.  Any thread. */
int
proactor_semaphore_create(struct proactor *p, uint64_t initial,
    struct proactor_semaphore **ret_semaphore)
{
	struct proactor_semaphore *s;

	if (p == NULL || ret_semaphore == NULL)
		return PROACTOR_EINVAL;
	if (proactor__forked(p->generation))
		return PROACTOR_ECHILD;
	s = proactor__allocate(p, sizeof(*s));
	if (s == NULL)
		return PROACTOR_ENOMEM;
	s->p = p;
	atomic_init(&s->references, 1);
	atomic_init(&s->value, initial);
	proactor__hold(p);
	*ret_semaphore = s;
	return 0;
}

struct proactor_semaphore *
proactor_semaphore_retain(struct proactor_semaphore *s)
{
	if (s != NULL)
		atomic_fetch_add_explicit(&s->references, 1,
		    memory_order_relaxed);
	return s;
}

/* True when the caller held the last reference and must destroy it. */
static bool
drop(struct proactor_semaphore *s)
{
	return atomic_fetch_sub_explicit(&s->references, 1,
	    memory_order_acq_rel) == 1;
}

static struct point *
take_first(struct proactor_semaphore *s)
{
	struct point *point = s->points.first;

	if (point != NULL) {
		proactor__points_remove(&s->points, point);
		atomic_store_explicit(&point->armed, false,
		    memory_order_relaxed);
	}
	return point;
}

static void
semaphore_free(struct proactor_semaphore *s)
{
	struct proactor *p = s->p;

	proactor__free(p, s);
	proactor__unhold(p);
}

/*
 * In a child of fork(2) nobody is told, and the parent notices nothing.  The
 * semaphores that were the targets of links only go with s.
 */
static void
forget(struct proactor_semaphore *s)
{
	struct proactor_semaphore *left = s, *target;
	struct point *point;

	s->next = NULL;
	while ((s = left) != NULL) {
		left = s->next;
		while ((point = take_first(s)) != NULL) {
			if (point->kind == POINT_EXPORT)
				proactor__export_forget(point);
			if (point->kind != POINT_LINK)
				continue;
			target = proactor__link_forget(point);
			if (drop(target)) {
				target->next = left;
				left = target;
			}
		}
		semaphore_free(s);
	}
}

/* What is neither a wait nor one that somebody can still withdraw. */
static void
reach(struct point *point, int status)
{
	struct timepoint *t;

	switch (point->kind) {
	case POINT_CALL:
		t = container_of(point, struct timepoint, point);
		t->callback(t->user_data, (struct proactor_timepoint *)(void *)
		    t, status);
		break;
	case POINT_LINK:
		proactor__link_reached(point, status);
		break;
	case POINT_EXPORT:
		proactor__export_reached(point, status);
		break;
	}
}

/* Nobody can signal it any more: what still waits is told so. */
static void
destroy(struct proactor_semaphore *s)
{
	struct point *point;

	if (proactor__forked(s->p->generation)) {
		forget(s);
		return;
	}
	while ((point = take_first(s)) != NULL)
		reach(point, PROACTOR_ECANCELED);
	semaphore_free(s);
}

void
proactor_semaphore_release(struct proactor_semaphore *s)
{
	if (s != NULL && drop(s))
		destroy(s);
}

/* The value, which only grows.  Any thread. */
int
proactor_semaphore_query(const struct proactor_semaphore *s,
    uint64_t *ret_value)
{
	if (s == NULL || ret_value == NULL)
		return PROACTOR_EINVAL;
	*ret_value = atomic_load_explicit(&s->value, memory_order_acquire);
	return 0;
}

/* 0, or what the semaphore has failed with.  Any thread. */
int
proactor_semaphore_query_status(const struct proactor_semaphore *s)
{
	return s != NULL ? failure_of(s) : PROACTOR_EINVAL;
}

static bool
is_due(const struct proactor_semaphore *s)
{
	const struct point *first = s->points.first;

	return first != NULL &&
	    (failure_of(s) != 0 || is_reached(s, first->value));
}

/*
 * Calls a timepoint back.  The lock is held and taken again.  The timepoint
 * is the caller's from the moment that the callback begins.
 */
static void
call(struct proactor_semaphore *s, struct timepoint *t, int status)
{
	struct call self = { t, proactor__self_claim(), s->calls }, **place;

	s->calls = &self;
	lock_drop(&s->lock);
	reach(&t->point, status);
	lock_take(&s->lock);
	for (place = &s->calls; *place != &self; place = &(*place)->next)
		continue;
	*place = self.next;
	if (s->cancelers != 0) {
		atomic_fetch_add(&s->ended, 1);
		(void)proactor__futex_wake(&s->ended, UINT32_MAX, false);
	}
}

static void
wake_up(const struct wakeup *wake)
{
	if (wake->word != NULL)
		(void)proactor__futex_wake(wake->word, 1, false);
	if (wake->p != NULL) {
		proactor__wake_up(wake->p);
		proactor__unhold(wake->p);
	}
}

/*
 * Takes one point that is due out of the heap and tells who waits.  The lock
 * is held.  False when it was dropped, because nothing else is due: s may be
 * gone.
 */
static bool
drain_one(struct proactor_semaphore *s)
{
	struct point *point = s->points.first;
	struct wakeup wake = { NULL, NULL };
	int status = failure_of(s);
	bool more;

	proactor__points_remove(&s->points, point);
	if (point->kind == POINT_WAIT) {
		proactor__wait_reached(point, status, &wake);
		if (wake.p == NULL && wake.word == NULL)
			return true;
		more = is_due(s);
		lock_drop(&s->lock);
		wake_up(&wake);
		if (more)
			lock_take(&s->lock);
		return more;
	}
	atomic_store_explicit(&point->armed, false, memory_order_relaxed);
	if (point->kind == POINT_CALL)
		call(s, container_of(point, struct timepoint, point), status);
	else {
		lock_drop(&s->lock);
		reach(point, status);
		lock_take(&s->lock);
	}
	return true;
}

/* Tells whoever is due.  The lock is held, and dropped. */
static void
drain(struct proactor_semaphore *s)
{
	while (is_due(s))
		if (!drain_one(s))
			return;
	lock_drop(&s->lock);
}

static void
drain_queue(struct firing *f)
{
	struct proactor_semaphore *s;

	while ((s = f->first) != NULL) {
		f->first = s->next;
		if (f->first == NULL)
			f->end = &f->first;
		lock_take(&s->lock);
		s->queued = false;
		drain(s);
		proactor_semaphore_release(s);
	}
}

/*
 * Tells whoever is due, now or, inside a callback, when that has returned.
 * The lock is held, and dropped; the caller has a reference, which a
 * callback may release.
 */
void
proactor__semaphore_fire(struct proactor_semaphore *s)
{
	struct firing f;

	if (!is_due(s)) {
		lock_drop(&s->lock);
		return;
	}
	if (firing != NULL) {
		if (!s->queued) {
			s->queued = true;
			s->next = NULL;
			*firing->end = proactor_semaphore_retain(s);
			firing->end = &s->next;
		}
		lock_drop(&s->lock);
		return;
	}
	f.first = NULL;
	f.end = &f.first;
	firing = &f;
	proactor_semaphore_retain(s);
	drain(s);
	proactor_semaphore_release(s);
	drain_queue(&f);
	firing = NULL;
}

/* This thread is about to sleep: what its callbacks have made due is told. */
void
proactor__semaphores_flush(void)
{
	if (firing != NULL)
		drain_queue(firing);
}

/*
 * The value is reached; see proactor_semaphore_signal(3).  Any thread.
 */
int
proactor_semaphore_signal(struct proactor_semaphore *s, uint64_t value)
{
	int error;

	if (s == NULL)
		return PROACTOR_EINVAL;
	if (proactor__forked(s->p->generation))
		return PROACTOR_ECHILD;
	lock_take(&s->lock);
	error = failure_of(s);
	if (error == 0 && is_reached(s, value))
		error = PROACTOR_EINVAL;
	if (error != 0) {
		lock_drop(&s->lock);
		return error;
	}
	atomic_store_explicit(&s->value, value, memory_order_release);
	proactor__semaphore_fire(s);
	return 0;
}

/* It will not come further: everybody is told status.  Any thread. */
int
proactor_semaphore_fail(struct proactor_semaphore *s, int status)
{
	if (s == NULL || status >= 0)
		return PROACTOR_EINVAL;
	if (proactor__forked(s->p->generation))
		return PROACTOR_ECHILD;
	lock_take(&s->lock);
	if (failure_of(s) != 0) {
		lock_drop(&s->lock);
		return PROACTOR_EALREADY;
	}
	atomic_store_explicit(&s->status, status, memory_order_release);
	proactor__semaphore_fire(s);
	return 0;
}
