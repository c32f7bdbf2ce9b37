/* SPDX-License-Identifier: ISC */
#ifndef PROACTOR_CORE_H
#define PROACTOR_CORE_H

#include <stddef.h>
#include <stdint.h>

#include <proactor/api.h>
#include <proactor/operation.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Capabilities. */
#define PROACTOR_CAP_MULTISHOT			(UINT64_C(1) << 0)
#define PROACTOR_CAP_FIXED_FILES		(UINT64_C(1) << 1)
#define PROACTOR_CAP_REGISTERED_BUFFERS		(UINT64_C(1) << 2)
#define PROACTOR_CAP_LINKED_OPERATIONS		(UINT64_C(1) << 3)
#define PROACTOR_CAP_ZERO_COPY_SEND		(UINT64_C(1) << 4)
#define PROACTOR_CAP_DMABUF			(UINT64_C(1) << 5)
#define PROACTOR_CAP_DEVICE_FENCE		(UINT64_C(1) << 6)
#define PROACTOR_CAP_ABSOLUTE_TIMEOUT		(UINT64_C(1) << 7)
#define PROACTOR_CAP_FUTEX_OPERATIONS		(UINT64_C(1) << 8)
#define PROACTOR_CAP_PROACTOR_MESSAGING		(UINT64_C(1) << 9)
#define PROACTOR_CAP_ALL			UINT64_MAX

/* No capabilities, but explained as such: proactor_register_relay(). */
#define PROACTOR_EXPLAIN_HANDLE_RELAYS		(UINT64_C(1) << 32)
#define PROACTOR_EXPLAIN_NOTIFICATION_RELAYS	(UINT64_C(1) << 33)

/* How a capability is had: proactor_explain_capability(). */
#define PROACTOR_TIER_ABSENT	0u
#define PROACTOR_TIER_EMULATED	1u
#define PROACTOR_TIER_NATIVE	2u

/* Flags of struct proactor_options. */
#define PROACTOR_DEFER_SUBMIT	(UINT64_C(1) << 0)

/* Levels of the log hook. */
#define PROACTOR_LOG_ERROR	1
#define PROACTOR_LOG_WARNING	2
#define PROACTOR_LOG_NOTICE	3

typedef void (*proactor_log_fn)(void *user_data, int level,
    const char *message);

/*
 * As realloc(3): memory NULL allocates, size 0 frees and returns NULL.  Must
 * accept any thread.
 */
typedef void *(*proactor_realloc_fn)(void *user_data, void *memory,
    size_t size);

struct proactor_options {
	size_t size;			/* sizeof(struct proactor_options) */
	uint64_t flags;			/* PROACTOR_DEFER_SUBMIT */
	const char *backend;		/* NULL: the best that works */
	const char *debug_name;		/* NULL: none; copied */
	uint64_t allowed_capabilities;	/* PROACTOR_CAP_ALL */
	uint32_t max_concurrent_operations;	/* a hint; 0: default */
	uint32_t message_pool_capacity;	/* 0: 256 */
	uint32_t file_threads;		/* at most; 0: default */
	uint32_t reserved;		/* 0 */
	proactor_realloc_fn realloc_fn;	/* NULL: the C library's */
	void *realloc_data;
	proactor_log_fn log_fn;		/* NULL: silence */
	void *log_data;
	char *reason;			/* NULL, or where create says why */
	size_t reason_size;		/* bytes there */
};

/* Told by proactor_shutdown_remaining() of each operation that is left. */
typedef void (*proactor_remaining_fn)(void *user_data,
    struct proactor_op *op);

PROACTOR_API void proactor_options_init(struct proactor_options *options);
PROACTOR_API int proactor_create(const struct proactor_options *options,
    struct proactor **ret_p);
PROACTOR_API struct proactor *proactor_retain(struct proactor *p);
PROACTOR_API void proactor_release(struct proactor *p);

PROACTOR_API const char *proactor_backend_name(const struct proactor *p);
PROACTOR_API const char *proactor_backend_reason(const struct proactor *p);
PROACTOR_API const char *proactor_debug_name(const struct proactor *p);
PROACTOR_API uint64_t proactor_query_capabilities(const struct proactor *p);
PROACTOR_API int proactor_explain_capability(const struct proactor *p,
    uint64_t capability, unsigned int *ret_tier, const char **ret_reason);

PROACTOR_API int proactor_submit(struct proactor *p,
    struct proactor_op *const *ops, size_t count);
PROACTOR_API int proactor_submit_one(struct proactor *p,
    struct proactor_op *op);
PROACTOR_API int proactor_flush(struct proactor *p);
PROACTOR_API int proactor_cancel(struct proactor *p, struct proactor_op *op);

PROACTOR_API int proactor_poll(struct proactor *p, int64_t deadline,
    size_t *ret_completed);
PROACTOR_API int proactor_wake(struct proactor *p);
PROACTOR_API int proactor_shutdown(struct proactor *p, int64_t deadline);
PROACTOR_API size_t proactor_shutdown_remaining(struct proactor *p,
    proactor_remaining_fn fn, void *user_data);

#ifdef __cplusplus
}
#endif

#endif
