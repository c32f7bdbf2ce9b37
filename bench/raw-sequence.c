/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "bench/raw.h"

/* A chain of which the kernel tells the end only. */
static void
chain(struct io_uring *ring, unsigned int size)
{
	struct io_uring_cqe *cqe;
	unsigned int i;

	for (i = 0; i < size; i++) {
		struct io_uring_sqe *sqe = raw_sqe(ring);

		io_uring_prep_nop(sqe);
		io_uring_sqe_set_data64(sqe, i);
		if (i + 1 < size)
			sqe->flags |= IOSQE_IO_LINK | IOSQE_CQE_SKIP_SUCCESS;
	}
	raw_turn(ring, 1);
	if (io_uring_peek_cqe(ring, &cqe) != 0 || cqe->res != 0)
		die("a chain of nops", -1);
	io_uring_cq_advance(ring, 1);
}

void
raw_sequence(struct run *run)
{
	struct io_uring ring;
	uint64_t count = run->operations / run->size, i;

	raw_ring_init(&ring, 256);
	for (i = 0; i < count / 10 + count; i++) {
		if (i == count / 10)
			run_begin(run);
		chain(&ring, run->size);
	}
	run_end(run, count * run->size);
	io_uring_queue_exit(&ring);
}
