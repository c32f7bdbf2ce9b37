/* SPDX-License-Identifier: ISC */
/*
 * A small pool of threads.
 *
 * A thread looks for a job, executes it, sends it home, and looks again; when
 * there is none it sleeps, and the one that fell asleep last is the first to
 * be woken: its caches are warm, and the others reach the end of their
 * patience.  A job that is handed over wakes a sleeper, or starts a thread,
 * unless there are threads enough that are about to look.
 */
#include "config.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/core.h"
#include "readiness/offload.h"

#define THREADS_DEFAULT	4

/* How long a thread is idle before it ends.  Some tests cannot wait. */
#ifndef OFFLOAD_PATIENCE
#define OFFLOAD_PATIENCE	INT64_C(2000000000)
#endif

/* On the stack of a thread that sleeps. */
struct sleeper {
	struct sleeper *next;
	_Atomic uint32_t woken;
};

struct offload_pool {
	uint32_t generation;		/* the process it belongs to */
	unsigned int clients;		/* under pool_lock() */
	pthread_mutex_t mutex;		/* all below */
	pthread_cond_t change;		/* none running, or no threads */
	struct link ring;		/* clients with jobs, next one first */
	unsigned int queued;		/* jobs */
	unsigned int threads;
	unsigned int most;		/* asked for by any client so far */
	_Atomic unsigned int looking;	/* threads that will look at the ring */
	struct sleeper *sleepers;	/* the last one first */
	bool closing;
	bool joinable;			/* ended is valid */
	pthread_t ended;
};

/*
 * What proactors share must be found by those that know nothing of each other,
 * so this is the one thing of the process that changes.  A child of fork(2)
 * inherits the pool without its threads, perhaps with locks that nobody gives
 * back: what belongs to another generation is free to be taken.
 */
static struct offload_pool *shared;
static _Atomic uint32_t shared_lock;	/* the generation that has it */

/* The caller's generation, not 0. */
static void
pool_lock(uint32_t generation)
{
	uint32_t seen = atomic_load(&shared_lock);

	for (;;) {
		while (seen != generation)
			if (atomic_compare_exchange_weak(&shared_lock, &seen,
			    generation))
				return;
		(void)proactor__futex_wait(&shared_lock, generation,
		    PROACTOR_FOREVER, false);
		seen = atomic_load(&shared_lock);
	}
}

static void
pool_unlock(void)
{
	atomic_store(&shared_lock, 0);
	(void)proactor__futex_wake(&shared_lock, 1, false);
}

/* The memory is nobody's proactor's, so no proactor's allocator is asked. */
static struct offload_pool *
pool_create(uint32_t generation)
{
	struct offload_pool *pool = calloc(1, sizeof(*pool));

	if (pool == NULL)
		return NULL;
	if (pthread_mutex_init(&pool->mutex, NULL) != 0)
		goto no_mutex;
	if (pthread_cond_init(&pool->change, NULL) != 0)
		goto no_change;
	pool->generation = generation;
	list_init(&pool->ring);
	return pool;

no_change:
	pthread_mutex_destroy(&pool->mutex);
no_mutex:
	free(pool);
	return NULL;
}

/*
 * Takes the last sleeper off its list; the pool is locked and there is one.
 * Its word is to be woken next, when it may be gone already: only the address
 * is used.
 */
static _Atomic uint32_t *
rouse(struct offload_pool *pool)
{
	struct sleeper *s = pool->sleepers;

	pool->sleepers = s->next;
	atomic_fetch_add_explicit(&pool->looking, 1, memory_order_relaxed);
	atomic_store(&s->woken, 1);
	return &s->woken;
}

/* Nobody knows the pool any more, and its threads have nothing to do. */
static void
pool_destroy(struct offload_pool *pool)
{
	pthread_mutex_lock(&pool->mutex);
	pool->closing = true;
	while (pool->sleepers != NULL)
		(void)proactor__futex_wake(rouse(pool), 1, false);
	while (pool->threads != 0)
		pthread_cond_wait(&pool->change, &pool->mutex);
	pthread_mutex_unlock(&pool->mutex);
	/* Each thread has joined the one that ended before it. */
	if (pool->joinable)
		pthread_join(pool->ended, NULL);
	pthread_cond_destroy(&pool->change);
	pthread_mutex_destroy(&pool->mutex);
	free(pool);
}

#ifdef __linux__

/* The CPUs of the process are those of the thread that it began with. */
static bool
process_cpus(cpu_set_t *ret_cpus)
{
	return sched_getaffinity(getpid(), sizeof(*ret_cpus), ret_cpus) == 0;
}

static long
cpu_count(void)
{
	cpu_set_t cpus;

	return process_cpus(&cpus) ? CPU_COUNT(&cpus) :
	    sysconf(_SC_NPROCESSORS_ONLN);
}

/*
 * The thread that asked for this one may be bound to a CPU of its own: those
 * who share this one are not.
 */
static void
settle(void)
{
	cpu_set_t here, all;

	(void)pthread_setname_np(pthread_self(), "proactor-file");
	if (process_cpus(&all) &&
	    sched_getaffinity(0, sizeof(here), &here) == 0 &&
	    !CPU_EQUAL(&here, &all))
		(void)sched_setaffinity(0, sizeof(all), &all);
}

#else

static long
cpu_count(void)
{
	return sysconf(_SC_NPROCESSORS_ONLN);
}

static void
settle(void)
{
}

#endif

/* How many threads c asks for. */
static unsigned int
wanted_threads(const struct offload_client *c)
{
	long count;

	if (c->threads != 0)
		return c->threads;
	count = cpu_count();
	if (count < 1)
		return 1;
	return count > THREADS_DEFAULT ? THREADS_DEFAULT : (unsigned int)count;
}

void
proactor__offload_init(struct offload_client *c, struct proactor *p,
    void (*execute)(struct mail *job), unsigned int threads)
{
	c->p = p;
	c->execute = execute;
	c->pool = NULL;
	c->threads = threads;
	atomic_init(&c->returned.top, NULL);
	c->first = NULL;
	c->end = &c->first;
	c->queued = 0;
	c->running = 0;
}

/* Makes c a user of the pool, and the pool when c is the first. */
static int
attach(struct offload_client *c)
{
	uint32_t generation = proactor__generation_create();
	unsigned int threads = wanted_threads(c);
	struct offload_pool *pool;

	if (generation == 0)
		return PROACTOR_ENOMEM;
	pool_lock(generation);
	pool = shared;
	if (pool == NULL || pool->generation != generation)
		pool = pool_create(generation);
	if (pool != NULL) {
		shared = pool;
		pool->clients++;
	}
	pool_unlock();
	if (pool == NULL)
		return PROACTOR_ENOMEM;
	pthread_mutex_lock(&pool->mutex);
	if (pool->most < threads)
		pool->most = threads;
	pthread_mutex_unlock(&pool->mutex);
	c->pool = pool;
	return 0;
}

/* The pool is locked and has a job: the oldest of whose turn it is. */
static struct mail *
take(struct offload_pool *pool, struct offload_client **ret_client)
{
	struct offload_client *c;
	struct mail *job;

	c = container_of(pool->ring.next, struct offload_client, link);
	list_remove(&c->link);
	job = c->first;
	c->first = job->next;
	if (c->first != NULL)
		list_append(&pool->ring, &c->link);
	else
		c->end = &c->first;
	c->queued--;
	c->running++;
	pool->queued--;
	*ret_client = c;
	return job;
}

/*
 * The pool is locked.  True when somebody has woken this thread, to look;
 * false when it was idle for too long.
 */
static bool
sleep_well(struct offload_pool *pool)
{
	struct sleeper s = { .next = pool->sleepers }, **l;
	int64_t deadline;
	int error = 0;

	pool->sleepers = &s;
	pthread_mutex_unlock(&pool->mutex);
	deadline = proactor_deadline_after(OFFLOAD_PATIENCE);
	while (atomic_load(&s.woken) == 0 && error == 0)
		error = proactor__futex_wait(&s.woken, 0, deadline, false);
	pthread_mutex_lock(&pool->mutex);
	if (atomic_load(&s.woken) != 0)
		return true;
	for (l = &pool->sleepers; *l != &s; l = &(*l)->next)
		;
	*l = s.next;
	return false;
}

/* Executes a job.  The pool is locked, but not meanwhile. */
static void
work(struct offload_pool *pool)
{
	struct offload_client *c;
	struct mail *job = take(pool, &c);

	pthread_mutex_unlock(&pool->mutex);
	c->execute(job);
	/* Said first: what its return makes the owner hand over is for us. */
	atomic_fetch_add_explicit(&pool->looking, 1, memory_order_relaxed);
	mailbox_post(&c->returned, job);
	proactor__wake_up(c->p);
	pthread_mutex_lock(&pool->mutex);
	/* From here on the client may be gone. */
	if (--c->running == 0)
		pthread_cond_broadcast(&pool->change);
}

static void *
run(void *argument)
{
	struct offload_pool *pool = argument;
	pthread_t before;
	bool join;

	settle();
	pthread_mutex_lock(&pool->mutex);
	for (;;) {
		atomic_fetch_sub_explicit(&pool->looking, 1,
		    memory_order_relaxed);
		if (!list_empty(&pool->ring))
			work(pool);
		else if (pool->closing || !sleep_well(pool))
			break;
	}
	pool->threads--;
	if (pool->threads == 0)
		pthread_cond_broadcast(&pool->change);
	before = pool->ended;
	join = pool->joinable;
	pool->ended = pthread_self();
	pool->joinable = true;
	pthread_mutex_unlock(&pool->mutex);
	if (join)
		pthread_join(before, NULL);
	return NULL;
}

/* The pool is locked.  The thread takes no signals: those are the program's. */
static int
start(struct offload_pool *pool)
{
	sigset_t all, before;
	pthread_t thread;
	int error;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&thread, NULL, run, pool);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (error != 0)
		return -error;
	pool->threads++;
	atomic_fetch_add_explicit(&pool->looking, 1, memory_order_relaxed);
	return 0;
}

/*
 * The pool is locked.  Sees to it that one more job is looked for; *ret_word is
 * to be woken for it, if not NULL.  What fails is no matter while there are
 * threads: when they are done they will look.
 */
static int
find_thread(struct offload_pool *pool, _Atomic uint32_t **ret_word)
{
	int error = 0;

	*ret_word = NULL;
	if (pool->queued < atomic_load_explicit(&pool->looking,
	    memory_order_relaxed))
		return 0;
	if (pool->sleepers != NULL)
		*ret_word = rouse(pool);
	else if (pool->threads < pool->most)
		error = start(pool);
	return pool->threads != 0 ? 0 : error;
}

int
proactor__offload(struct offload_client *c, struct mail *job)
{
	struct offload_pool *pool;
	_Atomic uint32_t *word;
	int error;

	if (c->pool == NULL) {
		error = attach(c);
		if (error != 0)
			return error;
	}
	pool = c->pool;
	if (proactor__forked(pool->generation))
		return PROACTOR_ECHILD;
	pthread_mutex_lock(&pool->mutex);
	error = find_thread(pool, &word);
	if (error == 0) {
		if (c->first == NULL)
			list_append(&pool->ring, &c->link);
		job->next = NULL;
		*c->end = job;
		c->end = &job->next;
		c->queued++;
		pool->queued++;
	}
	pthread_mutex_unlock(&pool->mutex);
	if (word != NULL)
		(void)proactor__futex_wake(word, 1, false);
	return error;
}

bool
proactor__offload_cancel(struct offload_client *c, struct mail *job)
{
	struct offload_pool *pool = c->pool;
	struct mail **m;
	bool found;

	if (pool == NULL || proactor__forked(pool->generation))
		return false;
	pthread_mutex_lock(&pool->mutex);
	for (m = &c->first; *m != NULL && *m != job; m = &(*m)->next)
		;
	found = *m != NULL;
	if (found) {
		*m = job->next;
		if (*m == NULL)
			c->end = m;
		if (c->first == NULL)
			list_remove(&c->link);
		c->queued--;
		pool->queued--;
	}
	pthread_mutex_unlock(&pool->mutex);
	return found;
}

void
proactor__offload_drain(struct offload_client *c)
{
	struct offload_pool *pool = c->pool;

	if (pool == NULL || proactor__forked(pool->generation))
		return;
	pthread_mutex_lock(&pool->mutex);
	if (c->first != NULL) {
		list_remove(&c->link);
		c->first = NULL;
		c->end = &c->first;
		pool->queued -= c->queued;
		c->queued = 0;
	}
	while (c->running != 0)
		pthread_cond_wait(&pool->change, &pool->mutex);
	pthread_mutex_unlock(&pool->mutex);
}

void
proactor__offload_release(struct offload_client *c)
{
	uint32_t generation = proactor__generation_create();
	struct offload_pool *pool = c->pool;
	bool last;

	if (pool == NULL)
		return;
	c->pool = NULL;
	pool_lock(generation);
	last = --pool->clients == 0;
	if (last && shared == pool)
		shared = NULL;
	pool_unlock();
	if (!last)
		return;
	if (pool->generation == generation)
		pool_destroy(pool);
	else
		free(pool);
}
