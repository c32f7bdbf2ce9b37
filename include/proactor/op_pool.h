/* SPDX-License-Identifier: ISC */
#ifndef PROACTOR_OP_POOL_H
#define PROACTOR_OP_POOL_H

#include <stddef.h>
#include <stdint.h>

#include <proactor/core.h>
#include <proactor/operation.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Classes that a pool can have. */
#define PROACTOR_OP_POOL_CLASS_MAX	8u

struct proactor_op_pool_class {
	size_t size;			/* bytes of an operation */
	size_t count;			/* operations of that size */
};

struct proactor_op_pool_options {
	size_t size;			/* sizeof(struct proactor_op_pool_options) */
	unsigned int flags;		/* 0 */
	unsigned int class_count;
	/* In ascending order of their sizes. */
	struct proactor_op_pool_class classes[PROACTOR_OP_POOL_CLASS_MAX];
	proactor_realloc_fn realloc_fn;	/* NULL: the C library's */
	void *realloc_data;
};

PROACTOR_API void proactor_op_pool_options_init(
    struct proactor_op_pool_options *options);
PROACTOR_API int proactor_op_pool_create(
    const struct proactor_op_pool_options *options,
    struct proactor_op_pool **ret_pool);
PROACTOR_API struct proactor_op_pool *proactor_op_pool_retain(
    struct proactor_op_pool *pool);
PROACTOR_API void proactor_op_pool_release(struct proactor_op_pool *pool);

PROACTOR_API int proactor_op_pool_acquire(struct proactor_op_pool *pool,
    size_t size, struct proactor_op **ret_op);
PROACTOR_API int proactor_op_pool_return(struct proactor_op_pool *pool,
    struct proactor_op *op);

#ifdef __cplusplus
}
#endif

#endif
