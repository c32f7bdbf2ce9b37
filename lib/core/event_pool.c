/* SPDX-License-Identifier: ISC */
/*
 * Pools of events, for programs that need one for a short time and often: all
 * are made at the beginning, and taking one is taking it off a list.
 */
#include "config.h"

#include <string.h>

#include "core/core.h"

/* The private view of proactor_event_pool.opaque. */
struct pool_state {
	struct proactor_event *free;
};
_Static_assert(sizeof(struct pool_state) <=
    sizeof(((struct proactor_event_pool *)0)->opaque), "pool state fits");

static struct pool_state *
state_of(struct proactor_event_pool *pool)
{
	return (struct pool_state *)(void *)pool->opaque;
}

static void
put(struct proactor_event_pool *pool, struct proactor_event *event)
{
	event->next = state_of(pool)->free;
	state_of(pool)->free = event;
	pool->available++;
}

static struct proactor_event *
get(struct proactor_event_pool *pool)
{
	struct proactor_event *event = state_of(pool)->free;

	if (event != NULL) {
		state_of(pool)->free = event->next;
		pool->available--;
	}
	return event;
}

/*
 * Fills in a pool of count events of p; see proactor_event_pool_init(3).  Any
 * thread.
 */
int
proactor_event_pool_init(struct proactor *p, struct proactor_event_pool *pool,
    size_t count)
{
	struct proactor_event_pool made;
	struct proactor_event *event;
	int error;

	if (p == NULL || pool == NULL || count == 0)
		return PROACTOR_EINVAL;
	memset(&made, 0, sizeof(made));
	for (made.count = 0; made.count < count; made.count++) {
		error = proactor_event_create(p, &event);
		if (error != 0) {
			while ((event = get(&made)) != NULL)
				proactor_event_release(event);
			return error;
		}
		event->pool = pool;
		put(&made, event);
	}
	made.p = p;
	*pool = made;
	return 0;
}

/* May the calling thread use the pool? */
static int
check(const struct proactor_event_pool *pool)
{
	struct proactor *p;

	if (pool == NULL || pool->p == NULL)
		return PROACTOR_EINVAL;
	p = pool->p;
	if (proactor__forked(p->generation))
		return PROACTOR_ECHILD;
	return is_owner(p) || atomic_load_explicit(&p->owner,
	    memory_order_relaxed) == 0 ? 0 : PROACTOR_EPERM;
}

/* An event that is not set, until it is released.  The polling thread. */
int
proactor_event_pool_acquire(struct proactor_event_pool *pool,
    struct proactor_event **ret_event)
{
	struct proactor_event *event;
	int error;

	error = check(pool);
	if (error != 0)
		return error;
	if (ret_event == NULL)
		return PROACTOR_EINVAL;
	event = get(pool);
	if (event == NULL)
		return PROACTOR_EAGAIN;
	event->acquired = true;
	*ret_event = event;
	return 0;
}

/*
 * Is the pool's the only reference?  A set that is not read yet has one too,
 * and says so before it takes it.
 */
static bool
is_idle(struct proactor_event *event)
{
	uint32_t references = atomic_load(&event->object.references);

	return references <= 1 + atomic_load(&event->mailed);
}

/*
 * Gives an event back.  The polling thread.  EBUSY while an operation waits
 * for it, or somebody else holds it.
 */
int
proactor_event_pool_release(struct proactor_event_pool *pool,
    struct proactor_event *event)
{
	int error;

	error = check(pool);
	if (error != 0)
		return error;
	if (event == NULL || event->pool != pool)
		return PROACTOR_EINVAL;
	if (!event->acquired)
		return PROACTOR_ENOENT;
	if (!is_idle(event))
		return PROACTOR_EBUSY;
	event->acquired = false;
	atomic_store(&event->set, 0);
	put(pool, event);
	return 0;
}

/*
 * Ends the pool, all of whose events have come back.  Serialised with its
 * other functions by the caller.
 */
int
proactor_event_pool_deinit(struct proactor_event_pool *pool)
{
	struct proactor_event *event;

	if (pool == NULL || pool->p == NULL)
		return PROACTOR_EINVAL;
	if (pool->available != pool->count)
		return PROACTOR_EBUSY;
	while ((event = get(pool)) != NULL)
		proactor_event_release(event);
	memset(pool, 0, sizeof(*pool));
	return 0;
}
