/* SPDX-License-Identifier: ISC */
#ifndef TESTS_UNIT_ENDING_H
#define TESTS_UNIT_ENDING_H

/*
 * What the files of io_uring/ see before all else that are linked with
 * ending.c: it counts what they do to end operations.
 */
#include "io_uring/ring.h"

void	 ending_cancel(struct io_uring_sqe *sqe, uint64_t user_data,
	    int flags);
struct proactor_op *ending_before(struct proactor_op *op);

#define io_uring_prep_cancel64	ending_cancel
#define proactor__ring_before	ending_before

#endif
