/* SPDX-License-Identifier: ISC */
#ifndef PROACTOR_SEMAPHORE_H
#define PROACTOR_SEMAPHORE_H

#include <proactor/handle.h>
#include <proactor/operation.h>

#ifdef __cplusplus
extern "C" {
#endif

struct proactor_semaphore;
struct proactor_semaphore_link;
struct proactor_timepoint;

/* Wait flags: one of them. */
#define PROACTOR_WAIT_ALL	0x1u
#define PROACTOR_WAIT_ANY	0x2u

/* Semaphores that an operation names. */
#define PROACTOR_SEMAPHORE_MAX	8u
/* Semaphores that a thread waits for. */
#define PROACTOR_MULTI_WAIT_MAX	64u

/*
 * status: 0, or the semaphore's failure.  Called on the thread that made it
 * due, with no lock held.
 */
typedef void (*proactor_timepoint_fn)(void *user_data,
    struct proactor_timepoint *timepoint, int status);

/* Between acquire and callback it is the library's. */
struct proactor_timepoint {
	uint64_t opaque[12];
};

struct proactor_semaphore_wait_op {
	struct proactor_op base;
	struct proactor_semaphore *semaphores[PROACTOR_SEMAPHORE_MAX];
	uint64_t values[PROACTOR_SEMAPHORE_MAX];
	size_t count;
	unsigned int wait_flags;	/* PROACTOR_WAIT_ALL or _ANY */
	unsigned int index;		/* result */
	uint64_t opaque[64];
};

struct proactor_semaphore_signal_op {
	struct proactor_op base;
	struct proactor_semaphore *semaphores[PROACTOR_SEMAPHORE_MAX];
	uint64_t values[PROACTOR_SEMAPHORE_MAX];
	size_t count;
	size_t signaled;		/* result */
	uint64_t opaque[2];
};

PROACTOR_API int proactor_semaphore_create(struct proactor *p,
    uint64_t initial, struct proactor_semaphore **ret_semaphore);
PROACTOR_API struct proactor_semaphore *proactor_semaphore_retain(
    struct proactor_semaphore *semaphore);
PROACTOR_API void proactor_semaphore_release(
    struct proactor_semaphore *semaphore);
PROACTOR_API int proactor_semaphore_query(
    const struct proactor_semaphore *semaphore, uint64_t *ret_value);
PROACTOR_API int proactor_semaphore_query_status(
    const struct proactor_semaphore *semaphore);
PROACTOR_API int proactor_semaphore_signal(
    struct proactor_semaphore *semaphore, uint64_t value);
PROACTOR_API int proactor_semaphore_fail(
    struct proactor_semaphore *semaphore, int status);

PROACTOR_API void proactor_timepoint_init(
    struct proactor_timepoint *timepoint, proactor_timepoint_fn callback,
    void *user_data);
PROACTOR_API int proactor_semaphore_acquire_timepoint(
    struct proactor_semaphore *semaphore, uint64_t value,
    struct proactor_timepoint *timepoint);
PROACTOR_API int proactor_semaphore_cancel_timepoint(
    struct proactor_semaphore *semaphore,
    struct proactor_timepoint *timepoint);

PROACTOR_API int proactor_semaphore_link(struct proactor_semaphore *source,
    uint64_t source_value, struct proactor_semaphore *target,
    uint64_t target_value, struct proactor_semaphore_link **ret_link);
PROACTOR_API int proactor_semaphore_unlink(
    struct proactor_semaphore_link *link);

PROACTOR_API int proactor_semaphore_multi_wait(unsigned int wait_flags,
    struct proactor_semaphore *const *semaphores, const uint64_t *values,
    size_t count, int64_t deadline, int64_t spin_nanoseconds,
    size_t *ret_index);

PROACTOR_API void proactor_semaphore_wait_op_init(
    struct proactor_semaphore_wait_op *op, unsigned int wait_flags,
    struct proactor_semaphore *const *semaphores, const uint64_t *values,
    size_t count, proactor_callback callback, void *user_data);
PROACTOR_API void proactor_semaphore_signal_op_init(
    struct proactor_semaphore_signal_op *op,
    struct proactor_semaphore *const *semaphores, const uint64_t *values,
    size_t count, proactor_callback callback, void *user_data);

PROACTOR_API int proactor_import_fence(struct proactor *p,
    struct proactor_handle handle, struct proactor_semaphore *semaphore,
    uint64_t value);
PROACTOR_API int proactor_export_fence(struct proactor *p,
    struct proactor_semaphore *semaphore, uint64_t value,
    struct proactor_handle *ret_handle);

#ifdef __cplusplus
}
#endif

#endif
