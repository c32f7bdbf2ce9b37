/* SPDX-License-Identifier: ISC */
/*
 * A proactor for each CPU or NUMA node, made when it is first asked for.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "core/affinity.h"
#include "core/core.h"

#define NAME_MAX_BYTES	32

struct pool_slot {
	_Atomic(struct proactor *) p;	/* NULL before the first use */
	struct proactor_thread *thread;
	unsigned int cpu;		/* the first of those it is for */
	size_t cpu_count;
	const struct proactor_affinity_cpu *const *cpus;
};

struct proactor_pool {
	_Atomic uint32_t references;
	uint32_t generation;		/* see proactor__forked() */
	/* Held while one is made; by whom, so that it is not asked again. */
	_Atomic uint32_t lock;
	_Atomic uint64_t holder;
	_Atomic bool closed;
	struct proactor_affinity *affinity;
	uint16_t *index_of;		/* of a CPU */
	struct proactor_pool_options options;
	struct proactor_options proactor;
	char name[NAME_MAX_BYTES];
	char backend[NAME_MAX_BYTES];
	size_t count;
	struct pool_slot slots[];
};

void
proactor_pool_options_init(struct proactor_pool_options *options)
{
	if (options == NULL)
		return;
	memset(options, 0, sizeof(*options));
	options->size = sizeof(*options);
}

static int
options_check(const struct proactor_pool_options *o)
{
	if (o->size != sizeof(*o) || o->per > PROACTOR_POOL_PER_NODE ||
	    (o->flags & ~PROACTOR_POOL_THREADS) != 0)
		return PROACTOR_EINVAL;
	if (o->proactor != NULL &&
	    (o->proactor->size != sizeof(*o->proactor) ||
	    (o->proactor->backend != NULL &&
	    strlen(o->proactor->backend) >= NAME_MAX_BYTES)))
		return PROACTOR_EINVAL;
	return 0;
}

/* Copies what the options point to and may be gone later. */
static void
options_copy(struct proactor_pool *pool, const struct proactor_pool_options *o)
{
	pool->options = *o;
	proactor_options_init(&pool->proactor);
	if (o->proactor != NULL)
		pool->proactor = *o->proactor;
	pool->options.proactor = NULL;
	pool->proactor.reason = NULL;
	pool->proactor.reason_size = 0;
	pool->proactor.debug_name = NULL;
	if (pool->proactor.backend != NULL) {
		snprintf(pool->backend, sizeof(pool->backend), "%s",
		    pool->proactor.backend);
		pool->proactor.backend = pool->backend;
	}
	if (o->name != NULL)
		snprintf(pool->name, sizeof(pool->name), "%s", o->name);
}

/* Which slot is for which CPU, and the other way round. */
static void
assign(struct proactor_pool *pool)
{
	struct proactor_affinity *a = pool->affinity;
	bool per_node = pool->options.per == PROACTOR_POOL_PER_NODE;
	struct pool_slot *slot;
	size_t i;

	for (i = 0; i < a->cpu_count; i++)
		pool->index_of[a->cpus[i]->number] = (uint16_t)
		    ((per_node ? a->cpus[i]->domain : i) % pool->count);
	for (i = 0; i < pool->count; i++) {
		slot = &pool->slots[i];
		slot->cpus = per_node ? a->domains[i]->cpus : &a->cpus[i];
		slot->cpu_count = per_node ? a->domains[i]->cpu_count : 1;
		slot->cpu = slot->cpus[0]->number;
	}
}

static struct proactor_pool *
allocate(const struct proactor_pool_options *o, struct proactor_affinity *a)
{
	proactor_realloc_fn fn = proactor__realloc;
	void *data = NULL;
	struct proactor_pool *pool;
	size_t count, bytes;

	if (o->proactor != NULL && o->proactor->realloc_fn != NULL) {
		fn = o->proactor->realloc_fn;
		data = o->proactor->realloc_data;
	}
	count = o->per == PROACTOR_POOL_PER_NODE ? a->domain_count :
	    a->cpu_count;
	if (o->count_max != 0 && count > o->count_max)
		count = o->count_max;
	bytes = sizeof(*pool) + count * sizeof(pool->slots[0]) +
	    CPU_LIMIT * sizeof(pool->index_of[0]);
	pool = fn(data, NULL, bytes);
	if (pool == NULL)
		return NULL;
	memset(pool, 0, bytes);
	pool->count = count;
	pool->index_of = (uint16_t *)(void *)&pool->slots[count];
	pool->affinity = a;
	atomic_init(&pool->references, 1);
	options_copy(pool, o);
	pool->proactor.realloc_fn = fn;
	assign(pool);
	return pool;
}

/* Makes a pool, and no proactor yet; see proactor_pool_create(3). */
int
proactor_pool_create(const struct proactor_pool_options *options,
    struct proactor_pool **ret_pool)
{
	struct proactor_pool_options o;
	struct proactor_affinity *a;
	struct proactor_pool *pool = NULL;
	uint32_t generation;
	int error;

	if (ret_pool == NULL)
		return PROACTOR_EINVAL;
	proactor_pool_options_init(&o);
	if (options != NULL) {
		error = options_check(options);
		if (error != 0)
			return error;
		o = *options;
	}
	error = proactor_affinity_query(&a);
	if (error != 0)
		return error;
	generation = proactor__generation_create();
	if (generation != 0)
		pool = allocate(&o, a);
	if (pool == NULL) {
		proactor_affinity_free(a);
		return PROACTOR_ENOMEM;
	}
	pool->generation = generation;
	*ret_pool = pool;
	return 0;
}

struct proactor_pool *
proactor_pool_retain(struct proactor_pool *pool)
{
	if (pool != NULL)
		atomic_fetch_add_explicit(&pool->references, 1,
		    memory_order_relaxed);
	return pool;
}

size_t
proactor_pool_count(const struct proactor_pool *pool)
{
	return pool != NULL ? pool->count : 0;
}

/* The CPU that a proactor is for, or the first of its node; -1: no such. */
int
proactor_pool_cpu(const struct proactor_pool *pool, size_t index)
{
	return pool != NULL && index < pool->count ?
	    (int)pool->slots[index].cpu : -1;
}

static int
start_thread(struct proactor_pool *pool, struct pool_slot *slot,
    struct proactor *p, const char *name)
{
	struct proactor_thread_options o;
	struct cpu_set cpus;
	size_t i;

	proactor_thread_options_init(&o);
	o.name = name;
	o.error_fn = pool->options.error_fn;
	o.error_data = pool->options.error_data;
	memset(&cpus, 0, sizeof(cpus));
	for (i = 0; i < slot->cpu_count; i++)
		cpu_set_add(&cpus, slot->cpus[i]->number);
	return proactor__thread_create(p, &o, &cpus, &slot->thread);
}

/* The lock is held. */
static int
make(struct proactor_pool *pool, size_t index)
{
	struct pool_slot *slot = &pool->slots[index];
	struct proactor_options o = pool->proactor;
	char name[NAME_MAX_BYTES + 24];
	struct proactor *p;
	int error;

	if (pool->name[0] != '\0') {
		snprintf(name, sizeof(name), "%s-%zu", pool->name, index);
		o.debug_name = name;
	}
	error = proactor_create(&o, &p);
	if (error != 0)
		return error;
	if (pool->options.start_fn != NULL)
		error = pool->options.start_fn(pool->options.start_data, p,
		    index);
	if (error == 0 && (pool->options.flags & PROACTOR_POOL_THREADS))
		error = start_thread(pool, slot, p, o.debug_name);
	if (error != 0) {
		proactor_release(p);
		return error;
	}
	atomic_store_explicit(&slot->p, p, memory_order_release);
	return 0;
}

static void
lock(struct proactor_pool *pool)
{
	while (atomic_exchange(&pool->lock, 1) != 0)
		(void)proactor__futex_wait(&pool->lock, 1, PROACTOR_FOREVER,
		    false);
	atomic_store(&pool->holder, proactor__self_claim());
}

static void
unlock(struct proactor_pool *pool)
{
	atomic_store(&pool->holder, 0);
	atomic_store(&pool->lock, 0);
	(void)proactor__futex_wake(&pool->lock, 1, false);
}

/*
 * The proactor with this index, which is made when it is not there.  It is
 * the pool's.  Any thread.
 */
int
proactor_pool_get(struct proactor_pool *pool, size_t index,
    struct proactor **ret_p)
{
	struct proactor *p;
	int error = 0;

	if (pool == NULL || index >= pool->count || ret_p == NULL)
		return PROACTOR_EINVAL;
	if (proactor__forked(pool->generation))
		return PROACTOR_ECHILD;
	p = atomic_load_explicit(&pool->slots[index].p, memory_order_acquire);
	if (p == NULL) {
		/* The start function, which runs under the lock. */
		if (atomic_load(&pool->holder) == proactor__self_claim())
			return PROACTOR_EBUSY;
		lock(pool);
		if (atomic_load(&pool->closed))
			error = PROACTOR_ESHUTDOWN;
		else if (atomic_load(&pool->slots[index].p) == NULL)
			error = make(pool, index);
		p = atomic_load(&pool->slots[index].p);
		unlock(pool);
	}
	if (p == NULL)
		return error;
	*ret_p = p;
	return 0;
}

/* The one for the CPU that the calling thread is on.  Any thread. */
int
proactor_pool_current(struct proactor_pool *pool, struct proactor **ret_p)
{
	int cpu;

	if (pool == NULL)
		return PROACTOR_EINVAL;
	cpu = proactor__sys_current_cpu();
	return proactor_pool_get(pool, cpu >= 0 && cpu < (int)CPU_LIMIT ?
	    pool->index_of[cpu] : 0, ret_p);
}

/* Does the calling thread poll one that a thread of the pool polls? */
static bool
is_inside(struct proactor_pool *pool)
{
	struct proactor *p;
	size_t i;

	for (i = 0; i < pool->count; i++) {
		p = atomic_load(&pool->slots[i].p);
		if (p != NULL && pool->slots[i].thread != NULL && is_owner(p))
			return true;
	}
	return false;
}

/* No other is made from now on; all threads are asked to stop. */
static void
close_pool(struct proactor_pool *pool)
{
	size_t i;

	lock(pool);
	atomic_store(&pool->closed, true);
	for (i = 0; i < pool->count; i++)
		if (pool->slots[i].thread != NULL)
			(void)proactor_thread_request_stop(
			    pool->slots[i].thread);
	unlock(pool);
}

static int
end_slot(struct pool_slot *slot, int64_t deadline)
{
	struct proactor *p = atomic_load(&slot->p);

	if (p == NULL)
		return 0;
	if (slot->thread != NULL)
		return proactor_thread_join(slot->thread, deadline);
	/* Whoever polls it may have done it. */
	if (atomic_load(&p->phase) == PHASE_STOPPED)
		return 0;
	return proactor_shutdown(p, deadline);
}

/*
 * Shuts all proactors down: those with a thread of the pool's there, others
 * here.  The first failure is told, the rest is done all the same.
 */
int
proactor_pool_shutdown(struct proactor_pool *pool, int64_t deadline)
{
	size_t i;
	int error, first = 0;

	if (pool == NULL)
		return PROACTOR_EINVAL;
	if (proactor__forked(pool->generation))
		return PROACTOR_ECHILD;
	if (is_inside(pool) ||
	    atomic_load(&pool->holder) == proactor__self_claim())
		return PROACTOR_EBUSY;
	close_pool(pool);
	for (i = 0; i < pool->count; i++) {
		error = end_slot(&pool->slots[i], deadline);
		if (first == 0)
			first = error;
	}
	return first;
}

/*
 * Drops a reference; the last one shuts all down.  On a thread of the pool's
 * own, which cannot wait for itself, they end by themselves.
 */
void
proactor_pool_release(struct proactor_pool *pool)
{
	struct proactor *p;
	bool forked;
	size_t i;

	if (pool == NULL || atomic_fetch_sub_explicit(&pool->references, 1,
	    memory_order_acq_rel) != 1)
		return;
	forked = proactor__forked(pool->generation);
	if (!forked && is_inside(pool))
		close_pool(pool);
	else if (!forked)
		(void)proactor_pool_shutdown(pool, PROACTOR_FOREVER);
	for (i = 0; i < pool->count; i++) {
		/* A child has no such thread, nor may it ask for it. */
		if (!forked)
			proactor_thread_release(pool->slots[i].thread);
		p = atomic_load(&pool->slots[i].p);
		proactor_release(p);
	}
	proactor_affinity_free(pool->affinity);
	(void)pool->proactor.realloc_fn(pool->proactor.realloc_data, pool, 0);
}
