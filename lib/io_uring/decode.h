/* SPDX-License-Identifier: ISC */
#ifndef PROACTOR_IO_URING_DECODE_H
#define PROACTOR_IO_URING_DECODE_H

/* What the files that make completions of completion entries share. */

#include "ring.h"

#include <poll.h>

#define AS(type, op)	container_of(op, struct proactor_ ## type ## _op, base)

/*
 * The kernel's ways to say that a signal, or a cancel, broke a call off: the
 * last four never leave a system call but may leave a ring.
 */
static inline bool
is_interrupted(int result)
{
	return result == -EINTR || (result <= -512 && result >= -516);
}

/* As the last step of what decodes: the operation goes on. */
static inline bool
begin_again(struct proactor *p, struct proactor_op *op)
{
	proactor__ring_start(p, op);
	return false;
}

/* decode.c: an operation's completion. */
void	 proactor__ring_decode_op(struct proactor *p, struct proactor_op *op,
	    int result, unsigned int cqe_flags);

/*
 * decode_socket.c: what the kernel's result is to an operation on a socket
 * other than its close.  True when the operation is final, with *status and
 * *flags; else it goes on, or was called back with MORE.
 */
size_t	 proactor__ring_total(const struct proactor_send_op *op);
bool	 proactor__ring_decode_socket(struct proactor *p,
	    struct proactor_op *op, int result, unsigned int cqe_flags,
	    int *status, unsigned int *flags);

#endif
