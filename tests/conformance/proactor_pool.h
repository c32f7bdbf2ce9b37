/* SPDX-License-Identifier: ISC */
/* A pool of proactors, with what its callbacks leave behind. */
#ifndef CONFORMANCE_PROACTOR_POOL_H
#define CONFORMANCE_PROACTOR_POOL_H

#include <sched.h>
#include <stdatomic.h>
#include <string.h>

#include "conformance/conformance.h"

#define SLOTS_MAX	64

/* What the start function and callbacks of one pool leave behind. */
struct stage {
	struct proactor_pool *pool;
	struct proactor_options proactor;
	struct proactor_pool_options options;
	atomic_size_t started;
	_Atomic(struct proactor *) first;
	int status;			/* of the start function */
	atomic_size_t calls;
	atomic_int cpu;
	atomic_int last;		/* status */
	atomic_bool hold;
	pthread_t creator;
	atomic_bool elsewhere;		/* than on that thread */
};

static inline int
on_start(void *user_data, struct proactor *p, size_t index)
{
	struct stage *s = user_data;

	CHECK(p != NULL);
	CHECK(index < proactor_pool_count(s->pool));
	atomic_fetch_add(&s->started, 1);
	return s->status;
}

static inline void
stage_options(struct stage *s, unsigned int per, unsigned int flags)
{
	memset(s, 0, sizeof(*s));
	s->creator = pthread_self();
	world_options(&s->proactor);
	proactor_pool_options_init(&s->options);
	s->options.per = per;
	s->options.flags = flags;
	s->options.proactor = &s->proactor;
	s->options.start_fn = on_start;
	s->options.start_data = s;
}

static inline void
stage_open(struct stage *s, unsigned int per, unsigned int flags)
{
	stage_options(s, per, flags);
	CHECK_INT(proactor_pool_create(&s->options, &s->pool), 0);
}

static inline struct proactor *
get(struct stage *s, size_t index)
{
	struct proactor *p = NULL;

	CHECK_INT(proactor_pool_get(s->pool, index, &p), 0);
	CHECK(p != NULL);
	return p;
}

static inline size_t
count(struct stage *s)
{
	size_t n = proactor_pool_count(s->pool);

	return n < SLOTS_MAX ? n : SLOTS_MAX;
}

static inline void
called(void *user_data, struct proactor_op *op, int status,
    unsigned int flags)
{
	struct stage *s = user_data;

	(void)op;
	(void)flags;
	while (atomic_load(&s->hold))
		sched_yield();
	atomic_store(&s->elsewhere, !pthread_equal(s->creator,
	    pthread_self()));
#ifdef __linux__
	atomic_store(&s->cpu, sched_getcpu());
#endif
	atomic_store(&s->last, status);
	atomic_fetch_add(&s->calls, 1);
}

static inline void
await(struct stage *s, size_t calls)
{
	int64_t deadline = patience();

	while (atomic_load(&s->calls) < calls) {
		CHECK(proactor_now() < deadline);
		sched_yield();
	}
}

#endif
