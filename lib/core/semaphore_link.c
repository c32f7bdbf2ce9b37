/* SPDX-License-Identifier: ISC */
/* Links: a semaphore that follows another one. */
#include "config.h"

#include "core/semaphore.h"

struct proactor_semaphore_link {
	struct point point;		/* of the source */
	_Atomic uint32_t references;	/* the point's and the user's */
	struct proactor *p;		/* its memory */
	struct proactor_semaphore *source;	/* NULL: no user has it */
	struct proactor_semaphore *target;
	uint64_t target_value;
};

static void
link_drop(struct proactor_semaphore_link *link, uint32_t count)
{
	struct proactor *p = link->p;

	if (atomic_fetch_sub_explicit(&link->references, count,
	    memory_order_acq_rel) != count)
		return;
	proactor__free(p, link);
	proactor__unhold(p);
}

/* A target that has come further by itself does not mind. */
void
proactor__link_reached(struct point *point, int status)
{
	struct proactor_semaphore_link *link =
	    container_of(point, struct proactor_semaphore_link, point);
	struct proactor_semaphore *target = link->target;

	if (status == 0)
		(void)proactor_semaphore_signal(target, link->target_value);
	else
		(void)proactor_semaphore_fail(target, status);
	proactor_semaphore_release(target);
	link_drop(link, 1);
}

/* The target, with the link's reference to it. */
struct proactor_semaphore *
proactor__link_forget(struct point *point)
{
	struct proactor_semaphore_link *link =
	    container_of(point, struct proactor_semaphore_link, point);
	struct proactor_semaphore *target = link->target;

	link_drop(link, 1);
	return target;
}

/*
 * When source reaches source_value, target is signalled with target_value;
 * when source fails, so does target.  See proactor_semaphore_link(3).  Any
 * thread.
 */
int
proactor_semaphore_link(struct proactor_semaphore *source,
    uint64_t source_value, struct proactor_semaphore *target,
    uint64_t target_value, struct proactor_semaphore_link **ret_link)
{
	struct proactor_semaphore_link *link;

	if (source == NULL || target == NULL)
		return PROACTOR_EINVAL;
	if (proactor__forked(source->p->generation) ||
	    proactor__forked(target->p->generation))
		return PROACTOR_ECHILD;
	link = proactor__allocate(source->p, sizeof(*link));
	if (link == NULL)
		return PROACTOR_ENOMEM;
	link->p = source->p;
	proactor__hold(link->p);
	link->target = proactor_semaphore_retain(target);
	link->target_value = target_value;
	link->point.kind = POINT_LINK;
	link->point.value = source_value;
	atomic_init(&link->references, ret_link != NULL ? 2 : 1);
	if (ret_link != NULL) {
		link->source = proactor_semaphore_retain(source);
		*ret_link = link;
	}
	lock_take(&source->lock);
	proactor__points_insert(&source->points, &link->point);
	proactor__semaphore_fire(source);
	return 0;
}

/*
 * Ends a link and frees it.  0: target was not signalled by it and will not
 * be.  ENOENT: it was, or is about to be.  Any thread.
 */
int
proactor_semaphore_unlink(struct proactor_semaphore_link *link)
{
	struct proactor_semaphore *source;
	bool armed;

	if (link == NULL)
		return PROACTOR_EINVAL;
	if (proactor__forked(link->p->generation))
		return PROACTOR_ECHILD;
	source = link->source;
	lock_take(&source->lock);
	armed = atomic_load_explicit(&link->point.armed,
	    memory_order_relaxed);
	if (armed)
		proactor__points_remove(&source->points, &link->point);
	lock_drop(&source->lock);
	if (armed)
		proactor_semaphore_release(link->target);
	link_drop(link, armed ? 2 : 1);
	proactor_semaphore_release(source);
	return armed ? 0 : PROACTOR_ENOENT;
}
