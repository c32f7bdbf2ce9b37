/* SPDX-License-Identifier: ISC */
#ifndef PROACTOR_MESSAGE_H
#define PROACTOR_MESSAGE_H

#include <proactor/operation.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Message flags. */
#define PROACTOR_MESSAGE_SKIP_SOURCE	0x1u

typedef void (*proactor_message_fn)(void *user_data, struct proactor *p,
    uint64_t data);

struct proactor_message_op {
	struct proactor_op base;
	struct proactor *target;
	uint64_t data;
	unsigned int message_flags;	/* PROACTOR_MESSAGE_SKIP_SOURCE */
	unsigned int reserved;		/* 0 */
	uint64_t opaque[2];
};

PROACTOR_API int proactor_set_message_callback(struct proactor *p,
    proactor_message_fn callback, void *user_data);
PROACTOR_API int proactor_send_message(struct proactor *target,
    uint64_t data);
PROACTOR_API void proactor_message_op_init(struct proactor_message_op *op,
    struct proactor *target, uint64_t data, unsigned int message_flags,
    proactor_callback callback, void *user_data);

#ifdef __cplusplus
}
#endif

#endif
