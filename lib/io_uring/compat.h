/* SPDX-License-Identifier: ISC */
#ifndef PROACTOR_IO_URING_COMPAT_H
#define PROACTOR_IO_URING_COMPAT_H

/*
 * The kernel's constants that an older liburing's header lacks.  What works
 * is asked of the kernel at run time; this is only how to ask.  Numbers are
 * those of the kernel's include/uapi/linux/io_uring.h, which never change.
 */

#include <errno.h>
#include <liburing.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "config.h"

/* 6.0, 6.1 */
#define PROACTOR_URING_OP_SEND_ZC	47
#define PROACTOR_URING_OP_SENDMSG_ZC	48
/* 5.18, 5.19 */
#define PROACTOR_URING_OP_MSG_RING	40
#define PROACTOR_URING_OP_SOCKET	45
/* 6.7 */
#define PROACTOR_URING_OP_FUTEX_WAIT	51
#define PROACTOR_URING_OP_FUTEX_WAKE	52

#ifndef IORING_SETUP_SINGLE_ISSUER
#define IORING_SETUP_SINGLE_ISSUER	(1U << 12)
#endif
#ifndef IORING_SETUP_DEFER_TASKRUN
#define IORING_SETUP_DEFER_TASKRUN	(1U << 13)
#endif
#ifndef IORING_SEND_ZC_REPORT_USAGE
#define IORING_SEND_ZC_REPORT_USAGE	(1U << 3)
#endif
#ifndef IORING_NOTIF_USAGE_ZC_COPIED
#define IORING_NOTIF_USAGE_ZC_COPIED	(1U << 31)
#endif
#ifndef IORING_CQE_F_NOTIF
#define IORING_CQE_F_NOTIF		(1U << 3)
#endif

/* Flags of futex operations: the size, and whether processes share it. */
#define PROACTOR_FUTEX2_U8	0
#define PROACTOR_FUTEX2_U16	1
#define PROACTOR_FUTEX2_U32	2
#define PROACTOR_FUTEX2_U64	3
#define PROACTOR_FUTEX2_PRIVATE	128

/* 6.16: where the process keeps those who wait on private words. */
#define PROACTOR_PR_FUTEX_HASH		78
#define PROACTOR_PR_FUTEX_HASH_GET_SLOTS	2

/* 6.12 */
#define PROACTOR_URING_ENTER_ABS_TIMER	(1U << 5)

/* 6.18: what the kernel knows, without a ring. */
#define PROACTOR_URING_REGISTER_QUERY	35
#define PROACTOR_URING_QUERY_OPCODES	0

struct proactor_uring_query {
	uint64_t next;
	uint64_t data;
	uint32_t operation;
	uint32_t size;
	int32_t result;
	uint32_t reserved[3];
};

struct proactor_uring_opcodes {
	uint32_t request_opcodes;
	uint32_t register_opcodes;
	uint64_t features;
	uint64_t setup_flags;
	uint64_t enter_flags;
	uint64_t sqe_flags;
};

/* An older header has padding where the entry's third address is. */
static inline void
proactor_uring_set_addr3(struct io_uring_sqe *sqe, uint64_t value)
{
	memcpy((unsigned char *)sqe + 48, &value, sizeof(value));
}

static inline int
proactor_uring_register(int fd, unsigned int operation, void *argument,
    unsigned int count)
{
	return (int)syscall(__NR_io_uring_register, fd, operation, argument,
	    count);
}

/* liburing has the call since 2.3.  Entries taken, or a negative errno. */
static inline int
proactor_uring_enter(int fd, unsigned int submit, unsigned int wait,
    unsigned int flags)
{
#if HAVE_DECL_IO_URING_ENTER
	return io_uring_enter((unsigned int)fd, submit, wait, flags, NULL);
#else
	long result = syscall(__NR_io_uring_enter, fd, submit, wait, flags,
	    NULL, 0);

	return result < 0 ? -errno : (int)result;
#endif
}

/*
 * Waits for completions until a timeout is over, or with ENTER_ABS_TIMER until
 * its time has come; the kernel has IORING_FEAT_EXT_ARG.
 */
static inline int
proactor_uring_enter_timed(int fd, unsigned int submit, unsigned int wait,
    unsigned int flags, struct __kernel_timespec *timeout)
{
	struct io_uring_getevents_arg argument = {
		.ts = (uint64_t)(uintptr_t)timeout,
	};
	long result = syscall(__NR_io_uring_enter, fd, submit, wait,
	    IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG | flags, &argument,
	    sizeof(argument));

	return result < 0 ? -errno : (int)result;
}

#endif
