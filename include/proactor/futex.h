/* SPDX-License-Identifier: ISC */
#ifndef PROACTOR_FUTEX_H
#define PROACTOR_FUTEX_H

#include <proactor/operation.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Flags of futex operations: one size, and whether it is this process's. */
#define PROACTOR_FUTEX_8	0x01u
#define PROACTOR_FUTEX_16	0x02u
#define PROACTOR_FUTEX_32	0x04u
#define PROACTOR_FUTEX_64	0x08u
#define PROACTOR_FUTEX_PRIVATE	0x10u

struct proactor_futex_wait_op {
	struct proactor_op base;
	const void *address;
	uint64_t expected;
	unsigned int futex_flags;	/* PROACTOR_FUTEX_* */
	uint64_t opaque[2];
};

struct proactor_futex_wake_op {
	struct proactor_op base;
	const void *address;
	int32_t count;		/* to be woken at most; INT32_MAX: all */
	int32_t woken;		/* result */
	unsigned int futex_flags;	/* PROACTOR_FUTEX_* */
	uint64_t opaque[2];
};

PROACTOR_API void proactor_futex_wait_op_init(
    struct proactor_futex_wait_op *op, const void *address,
    uint64_t expected, unsigned int futex_flags, proactor_callback callback,
    void *user_data) PROACTOR_ADDRESS_ONLY(2);
PROACTOR_API void proactor_futex_wake_op_init(
    struct proactor_futex_wake_op *op, const void *address, int32_t count,
    unsigned int futex_flags, proactor_callback callback, void *user_data)
    PROACTOR_ADDRESS_ONLY(2);

#ifdef __cplusplus
}
#endif

#endif
