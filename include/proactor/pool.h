/* SPDX-License-Identifier: ISC */
#ifndef PROACTOR_POOL_H
#define PROACTOR_POOL_H

#include <stddef.h>

#include <proactor/core.h>
#include <proactor/thread.h>

#ifdef __cplusplus
extern "C" {
#endif

struct proactor_pool;

/* What there is a proactor for. */
#define PROACTOR_POOL_PER_CPU	0u
#define PROACTOR_POOL_PER_NODE	1u

/* Flags of struct proactor_pool_options. */
#define PROACTOR_POOL_THREADS	0x1u

/*
 * Called when a proactor was made, before its thread is.  A status that is
 * not 0 is what makes whoever asked for it fail.
 */
typedef int (*proactor_pool_start_fn)(void *user_data, struct proactor *p,
    size_t index);

struct proactor_pool_options {
	size_t size;			/* sizeof(struct proactor_pool_options) */
	unsigned int per;		/* PROACTOR_POOL_PER_CPU, _NODE */
	unsigned int flags;		/* PROACTOR_POOL_THREADS */
	size_t count_max;		/* 0: as many as there are */
	const char *name;		/* NULL: none; copied */
	const struct proactor_options *proactor;	/* NULL: defaults */
	proactor_pool_start_fn start_fn;
	void *start_data;
	proactor_thread_error_fn error_fn;
	void *error_data;
};

PROACTOR_API void proactor_pool_options_init(
    struct proactor_pool_options *options);
PROACTOR_API int proactor_pool_create(
    const struct proactor_pool_options *options,
    struct proactor_pool **ret_pool);
PROACTOR_API struct proactor_pool *proactor_pool_retain(
    struct proactor_pool *pool);
PROACTOR_API void proactor_pool_release(struct proactor_pool *pool);
PROACTOR_API size_t proactor_pool_count(const struct proactor_pool *pool);
PROACTOR_API int proactor_pool_cpu(const struct proactor_pool *pool,
    size_t index);
PROACTOR_API int proactor_pool_get(struct proactor_pool *pool, size_t index,
    struct proactor **ret_p);
PROACTOR_API int proactor_pool_current(struct proactor_pool *pool,
    struct proactor **ret_p);
PROACTOR_API int proactor_pool_shutdown(struct proactor_pool *pool,
    int64_t deadline);

#ifdef __cplusplus
}
#endif

#endif
