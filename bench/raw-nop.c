/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "bench/raw.h"

static void
batch(struct io_uring *ring, unsigned int size)
{
	struct io_uring_cqe *cqe;
	unsigned int head, i, n = 0;

	for (i = 0; i < size; i++) {
		struct io_uring_sqe *sqe = raw_sqe(ring);

		io_uring_prep_nop(sqe);
		io_uring_sqe_set_data64(sqe, i);
	}
	raw_turn(ring, size);
	io_uring_for_each_cqe(ring, head, cqe) n++;
	io_uring_cq_advance(ring, n);
	if (n != size)
		die("a batch of nops", -1);
}

void
raw_nop(struct run *run)
{
	struct io_uring ring;
	uint64_t i, batches;

	raw_ring_init(&ring, 256);
	batches = run->operations / run->size;
	for (i = 0; i < batches / 10; i++)
		batch(&ring, run->size);
	run_begin(run);
	for (i = 0; i < batches; i++)
		batch(&ring, run->size);
	run_end(run, batches * run->size);
	io_uring_queue_exit(&ring);
}
