/* SPDX-License-Identifier: ISC */
/* A small pool of operations, and what is taken from it. */
#ifndef OP_POOL_H
#define OP_POOL_H

#include "conformance/conformance.h"

#define SMALL		4
#define LARGE		2
#define SMALL_SIZE	sizeof(struct proactor_timer_op)
#define LARGE_SIZE	sizeof(struct proactor_recvfrom_op)

static inline void
two_classes(struct proactor_op_pool_options *o)
{
	proactor_op_pool_options_init(o);
	o->class_count = 2;
	o->classes[0].size = SMALL_SIZE;
	o->classes[0].count = SMALL;
	o->classes[1].size = LARGE_SIZE;
	o->classes[1].count = LARGE;
}

static inline struct proactor_op_pool *
make_pool(void)
{
	struct proactor_op_pool_options o;
	struct proactor_op_pool *pool;

	two_classes(&o);
	CHECK_INT(proactor_op_pool_create(&o, &pool), 0);
	return pool;
}

static inline struct proactor_op *
take(struct proactor_op_pool *pool, size_t size)
{
	struct proactor_op *op;

	CHECK_INT(proactor_op_pool_acquire(pool, size, &op), 0);
	return op;
}

/* How many of that size are free, in their own class and larger ones. */
static inline size_t
count_free(struct proactor_op_pool *pool, size_t size)
{
	struct proactor_op *ops[SMALL + LARGE + 1];
	size_t n = 0, i;

	while (n < SMALL + LARGE + 1 &&
	    proactor_op_pool_acquire(pool, size, &ops[n]) == 0)
		n++;
	for (i = 0; i < n; i++)
		CHECK_INT(proactor_op_pool_return(pool, ops[i]), 0);
	return n;
}

static inline struct proactor_op *
take_nop(struct proactor_op_pool *pool, proactor_callback callback,
    void *user_data)
{
	struct proactor_op *op = take(pool, sizeof(struct proactor_nop_op));

	proactor_nop_op_init((struct proactor_nop_op *)op, callback,
	    user_data);
	op->pool = pool;
	return op;
}

#endif
