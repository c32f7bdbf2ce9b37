/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "conformance/allocator.h"
#include "conformance/op_pool.h"

/* Pools of operations by themselves: classes, arguments, memory. */

static void
classes_of_sizes(void)
{
	struct proactor_op_pool *pool = make_pool();
	struct proactor_op *ops[SMALL + LARGE], *none = NULL;
	size_t i, j;

	for (i = 0; i < SMALL + LARGE; i++) {
		ops[i] = take(pool, sizeof(struct proactor_op));
		CHECK_INT((uintptr_t)ops[i] % 16, 0);
		for (j = 0; j < i; j++)
			CHECK(ops[j] != ops[i]);
		memset(ops[i], 0xff, i < SMALL ? SMALL_SIZE : LARGE_SIZE);
	}
	CHECK_INT(proactor_op_pool_acquire(pool, sizeof(struct proactor_op),
	    &none), PROACTOR_EAGAIN);
	CHECK_INT(proactor_op_pool_acquire(pool, LARGE_SIZE, &none),
	    PROACTOR_EAGAIN);
	CHECK(none == NULL);
	for (i = 0; i < SMALL + LARGE; i++) {
		/* It was never submitted: whatever is in it is no matter. */
		memset(ops[i], 0, sizeof(struct proactor_op));
		CHECK_INT(proactor_op_pool_return(pool, ops[i]), 0);
	}
	CHECK_INT(count_free(pool, SMALL_SIZE), SMALL + LARGE);
	CHECK_INT(count_free(pool, SMALL_SIZE + 1), LARGE);
	CHECK_INT(count_free(pool, LARGE_SIZE), LARGE);
	proactor_op_pool_release(pool);
}

static void
default_classes(void)
{
	struct proactor_op_pool *pool;
	struct proactor_op *op;
	unsigned int type;
	size_t size;

	CHECK_INT(proactor_op_pool_create(NULL, &pool), 0);
	for (type = 1; type <= PROACTOR_OP_TIMEOUT; type++) {
		size = proactor_op_size(type);
		if (size == 0)
			continue;
		op = take(pool, size);
		memset(op, 0, size);
		CHECK_INT(proactor_op_pool_return(pool, op), 0);
	}
	proactor_op_pool_release(pool);
}

static void
bad_arguments(void)
{
	struct proactor_op_pool *pool = make_pool(), *other = make_pool();
	struct proactor_nop_op own;
	struct proactor_op *op = NULL, *taken = take(pool, SMALL_SIZE);

	CHECK_INT(proactor_op_pool_create(NULL, NULL), PROACTOR_EINVAL);
	CHECK_INT(proactor_op_pool_acquire(NULL, SMALL_SIZE, &op),
	    PROACTOR_EINVAL);
	CHECK_INT(proactor_op_pool_acquire(pool, SMALL_SIZE, NULL),
	    PROACTOR_EINVAL);
	CHECK_INT(proactor_op_pool_acquire(pool,
	    sizeof(struct proactor_op) - 1, &op), PROACTOR_EINVAL);
	CHECK_INT(proactor_op_pool_acquire(pool, LARGE_SIZE + 1, &op),
	    PROACTOR_EINVAL);
	CHECK_INT(proactor_op_pool_acquire(pool, SIZE_MAX, &op),
	    PROACTOR_EINVAL);
	CHECK(op == NULL);
	memset(&own, 0, sizeof(own));
	CHECK_INT(proactor_op_pool_return(pool, NULL), PROACTOR_EINVAL);
	CHECK_INT(proactor_op_pool_return(NULL, taken), PROACTOR_EINVAL);
	CHECK_INT(proactor_op_pool_return(pool, &own.base), PROACTOR_EINVAL);
	CHECK_INT(proactor_op_pool_return(other, taken), PROACTOR_EINVAL);
	CHECK_INT(proactor_op_pool_return(pool, (struct proactor_op *)
	    (void *)((char *)taken + 16)), PROACTOR_EINVAL);
	CHECK_INT(proactor_op_pool_return(pool, (struct proactor_op *)
	    (void *)((char *)taken - 16)), PROACTOR_EINVAL);
	CHECK_INT(proactor_op_pool_return(pool, taken), 0);
	CHECK_INT(proactor_op_pool_return(pool, taken), PROACTOR_ENOENT);
	proactor_op_pool_release(NULL);
	CHECK(proactor_op_pool_retain(NULL) == NULL);
	proactor_op_pool_options_init(NULL);
	proactor_op_pool_release(other);
	proactor_op_pool_release(pool);
}

static void
spoil(struct proactor_op_pool_options *o, int way)
{
	two_classes(o);
	switch (way) {
	case 0: o->size--; break;
	case 1: o->flags = 1; break;
	case 2: o->class_count = 0; break;
	case 3: o->class_count = PROACTOR_OP_POOL_CLASS_MAX + 1; break;
	case 4: o->classes[0].size = sizeof(struct proactor_op) - 1; break;
	case 5: o->classes[1].size = o->classes[0].size; break;
	case 6: o->classes[1].size = o->classes[0].size - 1; break;
	case 7: o->classes[0].count = 0; break;
	case 8: o->classes[1].count = SIZE_MAX; break;
	case 9: o->classes[1].size = SIZE_MAX; break;
	case 10: o->classes[1].size = SIZE_MAX - 64; break;
	default: o->classes[0].count = UINT32_MAX; break;
	}
}

static void
bad_options(void)
{
	struct proactor_op_pool_options o;
	struct proactor_op_pool *pool = NULL;
	int way;

	for (way = 0; way < 12; way++) {
		spoil(&o, way);
		CHECK_INT(proactor_op_pool_create(&o, &pool),
		    PROACTOR_EINVAL);
		CHECK(pool == NULL);
	}
}

static void
one_allocation(void)
{
	struct proactor_op_pool_options o;
	struct proactor_op_pool *pool = NULL;
	struct allocator a = { .fail_at = 1 };
	struct world w;
	int i;

	two_classes(&o);
	o.realloc_fn = allocator_realloc;
	o.realloc_data = &a;
	CHECK_INT(proactor_op_pool_create(&o, &pool), PROACTOR_ENOMEM);
	CHECK(pool == NULL);
	CHECK_INT(proactor_op_pool_create(&o, &pool), 0);
	CHECK_INT(a.calls, 2);
	world_open(&w, NULL);
	for (i = 0; i < 20; i++) {
		CHECK_INT(proactor_submit_one(w.p, take_nop(pool, record,
		    &w.r)), 0);
		CHECK(poll_until(&w, &w.r.finals, (size_t)i + 1));
	}
	world_close(&w);
	CHECK_INT(a.calls, 2);
	CHECK(proactor_op_pool_retain(pool) == pool);
	proactor_op_pool_release(pool);
	CHECK_INT(a.live, 1);
	proactor_op_pool_release(pool);
	CHECK_INT(a.live, 0);
}

/* The memory stays until the last operation has come back. */
static void
released_before_operations(void)
{
	struct proactor_op_pool_options o;
	struct proactor_op_pool *pool;
	struct allocator a = { 0 };
	struct proactor_op *own, *op;
	struct world w;

	two_classes(&o);
	o.realloc_fn = allocator_realloc;
	o.realloc_data = &a;
	world_open(&w, NULL);
	CHECK_INT(proactor_op_pool_create(&o, &pool), 0);
	own = take(pool, LARGE_SIZE);
	CHECK_INT(proactor_submit_one(w.p, take_nop(pool, record, &w.r)), 0);
	CHECK_INT(proactor_submit_one(w.p, take_nop(pool, record, &w.r)), 0);
	proactor_op_pool_release(pool);
	CHECK_INT(a.live, 1);
	CHECK_INT(proactor_op_pool_acquire(pool, SMALL_SIZE, &op),
	    PROACTOR_EAGAIN);
	CHECK(poll_until(&w, &w.r.finals, 2));
	CHECK_INT(a.live, 1);
	CHECK_INT(proactor_op_pool_return(pool, own), 0);
	CHECK_INT(a.live, 0);
	world_close(&w);
}

const struct tap_case op_pool_cases[] = {
	{ "op pool: the smallest class that fits and is not empty",
	    classes_of_sizes },
	{ "op pool: every type fits in a default pool", default_classes },
	{ "op pool: bad arguments are EINVAL, a second return ENOENT",
	    bad_arguments },
	{ "op pool: bad options are EINVAL", bad_options },
	{ "op pool: one allocation, and none later", one_allocation },
	{ "op pool: lives until its last operation is back",
	    released_before_operations },
	{ NULL, NULL }
};
