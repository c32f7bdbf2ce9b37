/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <errno.h>

#include "bench/raw.h"

#define RING_FLAGS \
 (IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | \
     IORING_SETUP_COOP_TASKRUN | IORING_SETUP_SUBMIT_ALL | \
     IORING_SETUP_CLAMP | IORING_SETUP_CQSIZE)

void
raw_ring_init(struct io_uring *ring, unsigned int entries)
{
	struct io_uring_params params = {
		.flags = RING_FLAGS,
		.cq_entries = entries * 4,
	};
	int r;

	r = io_uring_queue_init_params(entries, ring, &params);
	if (r == -EINVAL) {
		/* A kernel before 6.1. */
		params = (struct io_uring_params){
			.flags = IORING_SETUP_CLAMP | IORING_SETUP_CQSIZE,
			.cq_entries = entries * 4,
		};
		r = io_uring_queue_init_params(entries, ring, &params);
	}
	if (r != 0)
		die("io_uring_queue_init_params", r);
	io_uring_register_ring_fd(ring);
}

/* Submits and waits in one system call. */
void
raw_turn(struct io_uring *ring, unsigned int wait)
{
	int r;

	r = io_uring_submit_and_wait(ring, wait);
	if (r < 0 && r != -EINTR && r != -EAGAIN && r != -EBUSY)
		die("io_uring_submit_and_wait", r);
}

void
raw_listen(struct io_uring *ring, int listener, uint64_t user_data)
{
	struct io_uring_sqe *sqe;

	sqe = raw_sqe(ring);
	io_uring_prep_multishot_accept(sqe, listener, NULL, NULL, 0);
	io_uring_sqe_set_data64(sqe, user_data);
}
