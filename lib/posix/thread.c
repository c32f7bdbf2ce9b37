/* SPDX-License-Identifier: ISC */
/* A thread that polls, for programs that want one. */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "core/affinity.h"
#include "core/core.h"
#include "posix/condition.h"

struct proactor_thread {
	_Atomic uint32_t references;	/* the user's */
	_Atomic uint32_t holds;		/* the user's one, and the thread's */
	struct proactor *p;
	pthread_t thread;
	pthread_mutex_t mutex;		/* ended, joined, status */
	pthread_cond_t change;
	bool ended;			/* no more callbacks */
	bool joined;
	int status;
	_Atomic bool stop;
	char name[16];
	proactor_thread_error_fn error_fn;
	void *error_data;
};

void
proactor_thread_options_init(struct proactor_thread_options *options)
{
	if (options == NULL)
		return;
	memset(options, 0, sizeof(*options));
	options->size = sizeof(*options);
	options->cpu = -1;
}

static void
thread_free(struct proactor_thread *t)
{
	struct proactor *p = t->p;

	pthread_cond_destroy(&t->change);
	pthread_mutex_destroy(&t->mutex);
	proactor__free(p, t);
	proactor__unhold(p);
}

static void
thread_unhold(struct proactor_thread *t)
{
	if (atomic_fetch_sub_explicit(&t->holds, 1,
	    memory_order_acq_rel) == 1)
		thread_free(t);
}

static void *
run(void *argument)
{
	struct proactor_thread *t = argument;
	int status = 0;

#ifdef __linux__
	if (t->name[0] != '\0')
		(void)pthread_setname_np(pthread_self(), t->name);
#endif
	while (status == 0 && !atomic_load(&t->stop)) {
		status = proactor_poll(t->p, PROACTOR_FOREVER, NULL);
		if (status == PROACTOR_ETIMEDOUT)
			status = 0;
	}
	if (status == PROACTOR_ESHUTDOWN)
		status = 0;
	/* Nobody else can: what is in flight is cancelled and told so. */
	if (status == 0)
		status = proactor_shutdown(t->p, PROACTOR_FOREVER);
	if (status != 0 && t->error_fn != NULL)
		t->error_fn(t->error_data, status);
	pthread_mutex_lock(&t->mutex);
	t->status = status;
	t->ended = true;
	pthread_cond_broadcast(&t->change);
	pthread_mutex_unlock(&t->mutex);
	proactor_release(t->p);
	thread_unhold(t);
	return NULL;
}

static int
init(struct proactor_thread *t)
{
	int error;

	error = -pthread_mutex_init(&t->mutex, NULL);
	if (error != 0)
		return error;
	error = condition_init(&t->change);
	if (error != 0)
		pthread_mutex_destroy(&t->mutex);
	return error;
}

#if !defined(__linux__)

static int
create_on(struct proactor_thread *t, const struct cpu_set *cpus)
{
	/* They are a wish; who insists on one was refused before. */
	(void)cpus;
	return pthread_create(&t->thread, NULL, run, t);
}

#else

/* As many bits as a cpu_set has; the C library's own type may have fewer. */
#define CPU_WORDS	(CPU_LIMIT / (8 * sizeof(unsigned long)))

static void
to_words(unsigned long words[CPU_WORDS], const struct cpu_set *cpus)
{
	const unsigned int bits = 8 * sizeof(unsigned long);
	unsigned int cpu;

	memset(words, 0, CPU_WORDS * sizeof(words[0]));
	for (cpu = cpu_set_next(cpus, 0); cpu < CPU_LIMIT;
	    cpu = cpu_set_next(cpus, cpu + 1))
		words[cpu / bits] |= 1ul << cpu % bits;
}

#ifdef HAVE_PTHREAD_ATTR_SETAFFINITY_NP

static int
create_on(struct proactor_thread *t, const struct cpu_set *cpus)
{
	unsigned long words[CPU_WORDS];
	pthread_attr_t attributes;
	int error;

	error = pthread_attr_init(&attributes);
	if (error != 0)
		return error;
	to_words(words, cpus);
	error = pthread_attr_setaffinity_np(&attributes, sizeof(words),
	    (cpu_set_t *)(void *)words);
	if (error == 0)
		error = pthread_create(&t->thread, &attributes, run, t);
	pthread_attr_destroy(&attributes);
	return error;
}

#else

/* musl: a thread inherits where the one that makes it may run. */
static int
create_on(struct proactor_thread *t, const struct cpu_set *cpus)
{
	unsigned long before[CPU_WORDS], words[CPU_WORDS];
	int error;

	to_words(words, cpus);
	memset(before, 0, sizeof(before));
	if (sched_getaffinity(0, sizeof(before),
	    (cpu_set_t *)(void *)before) != 0 ||
	    sched_setaffinity(0, sizeof(words),
	    (cpu_set_t *)(void *)words) != 0)
		return errno;
	error = pthread_create(&t->thread, NULL, run, t);
	(void)sched_setaffinity(0, sizeof(before),
	    (cpu_set_t *)(void *)before);
	return error;
}

#endif
#endif

/* cpus: those to run on where the system lets us, or NULL.  0 or an errno. */
static int
start(struct proactor_thread *t, const struct cpu_set *cpus)
{
	return cpus != NULL ? create_on(t, cpus) :
	    pthread_create(&t->thread, NULL, run, t);
}

/* The options are good; the CPUs as for start(). */
int
proactor__thread_create(struct proactor *p,
    const struct proactor_thread_options *o, const struct cpu_set *cpus,
    struct proactor_thread **ret_thread)
{
	struct proactor_thread *t;
	int error;

	if (proactor__forked(p->generation))
		return PROACTOR_ECHILD;
	/* Somebody polls already: the thread could only fail. */
	if (atomic_load(&p->owner) != 0)
		return PROACTOR_EPERM;
	t = proactor__allocate(p, sizeof(*t));
	if (t == NULL)
		return PROACTOR_ENOMEM;
	error = init(t);
	if (error != 0) {
		proactor__free(p, t);
		return error;
	}
	atomic_init(&t->references, 1);
	atomic_init(&t->holds, 2);
	t->p = p;
	t->error_fn = o->error_fn;
	t->error_data = o->error_data;
	if (o->name != NULL)
		snprintf(t->name, sizeof(t->name), "%s", o->name);
	proactor__hold(p);
	proactor_retain(p);
	error = start(t, cpus);
	if (error != 0) {
		proactor_release(p);
		thread_free(t);
		return -error;
	}
	*ret_thread = t;
	return 0;
}

/*
 * Starts a thread that polls p; see proactor_thread_create(3).  Any thread.
 */
int
proactor_thread_create(struct proactor *p,
    const struct proactor_thread_options *options,
    struct proactor_thread **ret_thread)
{
	struct proactor_thread_options o;
	struct cpu_set one;

	if (p == NULL || ret_thread == NULL)
		return PROACTOR_EINVAL;
	proactor_thread_options_init(&o);
	if (options != NULL) {
		if (options->size != sizeof(o))
			return PROACTOR_EINVAL;
		o = *options;
	}
	if (o.flags != 0 || o.cpu < -1 || o.cpu >= (int)CPU_LIMIT)
		return PROACTOR_EINVAL;
	if (o.cpu < 0)
		return proactor__thread_create(p, &o, NULL, ret_thread);
#ifndef __linux__
	return PROACTOR_ENOTSUP;
#endif
	memset(&one, 0, sizeof(one));
	cpu_set_add(&one, (unsigned int)o.cpu);
	return proactor__thread_create(p, &o, &one, ret_thread);
}

struct proactor_thread *
proactor_thread_retain(struct proactor_thread *t)
{
	if (t != NULL)
		atomic_fetch_add_explicit(&t->references, 1,
		    memory_order_relaxed);
	return t;
}

/* Drops a reference; a thread that was not joined goes on by itself. */
void
proactor_thread_release(struct proactor_thread *t)
{
	bool joined;

	if (t == NULL || atomic_fetch_sub_explicit(&t->references, 1,
	    memory_order_acq_rel) != 1)
		return;
	pthread_mutex_lock(&t->mutex);
	joined = t->joined;
	pthread_mutex_unlock(&t->mutex);
	if (!joined)
		(void)pthread_detach(t->thread);
	thread_unhold(t);
}

/*
 * Asks the thread to end after the callbacks of its present turn.  Any
 * thread, async-signal-safe.
 */
int
proactor_thread_request_stop(struct proactor_thread *t)
{
	if (t == NULL)
		return PROACTOR_EINVAL;
	atomic_store(&t->stop, true);
	return proactor_wake(t->p);
}

/*
 * Waits until the thread is gone: 0, or ETIMEDOUT.  EBUSY on the thread
 * itself, which would wait for ever.
 */
int
proactor_thread_join(struct proactor_thread *t, int64_t deadline)
{
	int error = 0;

	if (t == NULL)
		return PROACTOR_EINVAL;
	if (pthread_equal(pthread_self(), t->thread))
		return PROACTOR_EBUSY;
	pthread_mutex_lock(&t->mutex);
	while (!t->ended && error == 0)
		error = condition_wait(&t->change, &t->mutex, deadline);
	if (t->ended) {
		error = 0;
		if (!t->joined)
			error = -pthread_join(t->thread, NULL);
		t->joined = true;
	}
	pthread_mutex_unlock(&t->mutex);
	return error;
}

/*
 * Why the thread ended: 0 when it was asked to or the proactor was shut down,
 * else the status of the poll that failed, which is told once.  EBUSY while
 * it runs.
 */
int
proactor_thread_consume_status(struct proactor_thread *t)
{
	int status;

	if (t == NULL)
		return PROACTOR_EINVAL;
	pthread_mutex_lock(&t->mutex);
	status = t->ended ? t->status : PROACTOR_EBUSY;
	if (t->ended)
		t->status = 0;
	pthread_mutex_unlock(&t->mutex);
	return status;
}
