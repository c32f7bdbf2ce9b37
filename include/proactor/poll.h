/* SPDX-License-Identifier: ISC */
#ifndef PROACTOR_POLL_H
#define PROACTOR_POLL_H

#include <proactor/handle.h>
#include <proactor/operation.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ERR and HUP are always reported, asked for or not. */
#define PROACTOR_POLL_IN	0x1u
#define PROACTOR_POLL_OUT	0x2u
#define PROACTOR_POLL_ERR	0x4u
#define PROACTOR_POLL_HUP	0x8u

struct proactor_handle_poll_op {
	struct proactor_op base;
	struct proactor_handle handle;
	unsigned int wanted;		/* PROACTOR_POLL_IN | _OUT */
	unsigned int fired;		/* result */
	uint64_t opaque[2];
};

PROACTOR_API void proactor_handle_poll_op_init(
    struct proactor_handle_poll_op *op, struct proactor_handle handle,
    unsigned int wanted, proactor_callback callback, void *user_data);

#ifdef __cplusplus
}
#endif

#endif
