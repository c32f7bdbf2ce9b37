/* SPDX-License-Identifier: ISC */
/*
 * Stands in for io_uring_queue_init_params in lib/io_uring/probe.c, which is
 * compiled again for conformance-plain-ring: no deferred task run, and nothing
 * else that came after Linux 5.10, as far as flags go.
 */
#include "config.h"

#include <errno.h>
#include <liburing.h>

#include "io_uring/compat.h"

#define LATER	(IORING_SETUP_SUBMIT_ALL | IORING_SETUP_COOP_TASKRUN |	\
	IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_SINGLE_ISSUER |	\
	IORING_SETUP_DEFER_TASKRUN)

int	 plain_ring_init_params(unsigned int entries, struct io_uring *uring,
	    struct io_uring_params *params);

/* The name has become that of the function here, also in the header. */
#undef io_uring_queue_init_params
int	 io_uring_queue_init_params(unsigned int entries,
	    struct io_uring *uring, struct io_uring_params *params);

int
plain_ring_init_params(unsigned int entries, struct io_uring *uring,
    struct io_uring_params *params)
{
	if (params->flags & LATER)
		return -EINVAL;
	return io_uring_queue_init_params(entries, uring, params);
}
