/* SPDX-License-Identifier: ISC */
#ifndef PROACTOR_IO_URING_ENCODE_H
#define PROACTOR_IO_URING_ENCODE_H

/* What the files that fill the submission queue share. */

#include "ring.h"

#include <poll.h>

#define AS(type, op)	container_of(op, struct proactor_ ## type ## _op, base)

/* encode.c: all of an operation's entry but its user data. */
void	 proactor__ring_encode(struct proactor *p, struct ring *r,
	    struct proactor_op *op, struct io_uring_sqe *sqe);

#endif
