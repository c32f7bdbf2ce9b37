/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <stdatomic.h>

#include "conformance/op_pool.h"

/* Pools of operations that threads share. */

#define THREADS		8
#define SHARED		64

struct crowd {
	struct proactor_op_pool *pool;
	struct proactor *p;
	pthread_t threads[THREADS];
	atomic_size_t done;
	size_t rounds;
};

struct stamped {
	struct proactor_nop_op nop;
	uint64_t stamp;
};

/* Each writes what is its own: a slot that two have is seen. */
static void *
take_and_return(void *arg)
{
	struct crowd *c = arg;
	struct proactor_op *ops[16];
	size_t i, n, round;

	for (round = 0; round < c->rounds; round++) {
		for (n = 0; n < 1 + round % 16; n++) {
			if (proactor_op_pool_acquire(c->pool,
			    sizeof(struct stamped), &ops[n]) != 0)
				break;
			((struct stamped *)ops[n])->stamp =
			    (uintptr_t)ops + round * 64 + n;
		}
		for (i = 0; i < n; i++) {
			CHECK_INT(((struct stamped *)ops[i])->stamp,
			    (uintptr_t)ops + round * 64 + i);
			CHECK_INT(proactor_op_pool_return(c->pool, ops[i]),
			    0);
		}
	}
	return NULL;
}

static void
count_done(void *user_data, struct proactor_op *op, int status,
    unsigned int flags)
{
	struct crowd *c = user_data;

	(void)flags;
	CHECK_INT(status, 0);
	CHECK_INT(((struct stamped *)op)->stamp, (uintptr_t)op);
	atomic_fetch_add(&c->done, 1);
}

/* Taken on many threads, returned on the polling one. */
static void *
take_and_submit(void *arg)
{
	struct crowd *c = arg;
	struct proactor_op *op;
	size_t round;

	for (round = 0; round < c->rounds; round++) {
		while (proactor_op_pool_acquire(c->pool,
		    sizeof(struct stamped), &op) == PROACTOR_EAGAIN)
			continue;
		proactor_nop_op_init((struct proactor_nop_op *)op,
		    count_done, c);
		op->pool = c->pool;
		((struct stamped *)op)->stamp = (uintptr_t)op;
		CHECK_INT(proactor_submit_one(c->p, op), 0);
	}
	return NULL;
}

static void
crowd_open(struct crowd *c, size_t rounds)
{
	struct proactor_op_pool_options o;

	proactor_op_pool_options_init(&o);
	o.class_count = 1;
	o.classes[0].size = sizeof(struct stamped);
	o.classes[0].count = SHARED;
	CHECK_INT(proactor_op_pool_create(&o, &c->pool), 0);
	c->rounds = rounds;
}

/* As many are left as there were, and no two are the same. */
static void
crowd_check(struct crowd *c)
{
	struct proactor_op *ops[SHARED], *one_more;
	size_t i, j;

	for (i = 0; i < SHARED; i++) {
		ops[i] = take(c->pool, sizeof(struct stamped));
		for (j = 0; j < i; j++)
			CHECK(ops[i] != ops[j]);
	}
	CHECK_INT(proactor_op_pool_acquire(c->pool, sizeof(struct stamped),
	    &one_more), PROACTOR_EAGAIN);
	for (i = 0; i < SHARED; i++)
		CHECK_INT(proactor_op_pool_return(c->pool, ops[i]), 0);
	proactor_op_pool_release(c->pool);
}

static void
eight_threads(void)
{
	static struct crowd c;
	size_t i;

	crowd_open(&c, 5000);
	for (i = 0; i < THREADS; i++)
		thread_start(&c.threads[i], take_and_return, &c);
	for (i = 0; i < THREADS; i++)
		thread_join(c.threads[i]);
	crowd_check(&c);
}

static void
eight_threads_submit(void)
{
	static struct crowd c;
	struct world w;
	size_t i;

	crowd_open(&c, 1000);
	world_open(&w, NULL);
	c.p = w.p;
	CHECK(poll_quiet(&w));
	for (i = 0; i < THREADS; i++)
		thread_start(&c.threads[i], take_and_submit, &c);
	while (atomic_load(&c.done) < THREADS * c.rounds)
		CHECK_INT(proactor_poll(w.p, patience(), NULL), 0);
	for (i = 0; i < THREADS; i++)
		thread_join(c.threads[i]);
	crowd_check(&c);
	world_close(&w);
}

const struct tap_case op_pool_thread_cases[] = {
	{ "op pool: eight threads share it", eight_threads },
	{ "op pool: eight threads submit, the polling one returns",
	    eight_threads_submit },
	{ NULL, NULL }
};
