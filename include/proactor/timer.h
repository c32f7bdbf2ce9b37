/* SPDX-License-Identifier: ISC */
#ifndef PROACTOR_TIMER_H
#define PROACTOR_TIMER_H

#include <proactor/clock.h>
#include <proactor/operation.h>

#ifdef __cplusplus
extern "C" {
#endif

struct proactor_timer_op {
	struct proactor_op base;
	int64_t deadline;		/* of proactor_now()'s clock */
	uint64_t opaque[2];
};

/* Linked after another operation: the deadline of that one. */
struct proactor_timeout_op {
	struct proactor_op base;
	int64_t deadline;		/* of proactor_now()'s clock */
	uint64_t opaque[2];
};

PROACTOR_API void proactor_timeout_op_init(struct proactor_timeout_op *op,
    int64_t deadline, proactor_callback callback, void *user_data);
PROACTOR_API void proactor_timer_op_init(struct proactor_timer_op *op,
    int64_t deadline, proactor_callback callback, void *user_data);

#ifdef __cplusplus
}
#endif

#endif
