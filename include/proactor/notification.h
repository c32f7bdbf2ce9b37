/* SPDX-License-Identifier: ISC */
#ifndef PROACTOR_NOTIFICATION_H
#define PROACTOR_NOTIFICATION_H

#include <proactor/handle.h>
#include <proactor/operation.h>

#ifdef __cplusplus
extern "C" {
#endif

struct proactor_notification;

/* What processes share: in memory that all of them map, zero at first. */
struct proactor_notification_memory {
	uint32_t epoch;
	uint32_t opaque[15];
};

/* Flags of a wait: token is the caller's, not that of the submit. */
#define PROACTOR_NOTIFICATION_TOKEN	0x1u

struct proactor_notification_wait_op {
	struct proactor_op base;
	struct proactor_notification *notification;
	unsigned int wait_flags;	/* PROACTOR_NOTIFICATION_TOKEN */
	uint32_t token;		/* the epoch that must have passed */
	uint32_t epoch;		/* result: that of the completion */
	uint64_t opaque[2];
};

struct proactor_notification_signal_op {
	struct proactor_op base;
	struct proactor_notification *notification;
	int32_t count;		/* to be woken at most; INT32_MAX: all */
	int32_t woken;		/* result */
	uint64_t opaque[2];
};

PROACTOR_API int proactor_notification_create(struct proactor *p,
    struct proactor_notification **ret_n);
PROACTOR_API int proactor_notification_create_shared(struct proactor *p,
    struct proactor_notification_memory *memory,
    struct proactor_handle wake, struct proactor_handle peer,
    struct proactor_notification **ret_n);
PROACTOR_API struct proactor_notification *proactor_notification_retain(
    struct proactor_notification *n);
PROACTOR_API void proactor_notification_release(
    struct proactor_notification *n);

PROACTOR_API int proactor_notification_signal(
    struct proactor_notification *n, int32_t count);
PROACTOR_API int proactor_notification_signal_if_observed(
    struct proactor_notification *n, int32_t count);
PROACTOR_API uint32_t proactor_notification_query_epoch(
    struct proactor_notification *n);
PROACTOR_API uint32_t proactor_notification_begin_observe(
    struct proactor_notification *n);
PROACTOR_API int proactor_notification_end_observe(
    struct proactor_notification *n);
PROACTOR_API int proactor_notification_wait(
    struct proactor_notification *n, int64_t deadline);
PROACTOR_API int proactor_notification_wait_for_token(
    struct proactor_notification *n, uint32_t token,
    int64_t deadline);

PROACTOR_API void proactor_notification_wait_op_init(
    struct proactor_notification_wait_op *op,
    struct proactor_notification *n, proactor_callback callback,
    void *user_data);
PROACTOR_API void proactor_notification_signal_op_init(
    struct proactor_notification_signal_op *op,
    struct proactor_notification *n, int32_t count,
    proactor_callback callback, void *user_data);

#ifdef __cplusplus
}
#endif

#endif
