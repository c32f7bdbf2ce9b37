/* SPDX-License-Identifier: ISC */
/* A ring that is asked only to wake a receiver that sleeps. */
#include "config.h"

#include <stdlib.h>

#include "bench/loop-messages.h"
#include "bench/raw.h"

static void *
create(void (*woken)(void *user), void *user)
{
	struct io_uring *ring;

	(void)woken;
	(void)user;
	ring = allocate(1, sizeof(*ring));
	raw_ring_init(ring, 64);
	return ring;
}

/* Goes out with the sender's next turn. */
static void
wake(void *loop, void *from)
{
	struct io_uring *ring = loop;
	struct io_uring_sqe *sqe;

	sqe = raw_sqe(from);
	io_uring_prep_msg_ring(sqe, ring->ring_fd, 0, 0, 0);
	sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
}

static void
flush(void *from)
{
	io_uring_submit(from);
}

static void
turn(void *loop)
{
	struct io_uring *ring = loop;
	struct io_uring_cqe *cqe;
	unsigned int head, n = 0;

	raw_turn(ring, 1);
	io_uring_for_each_cqe(ring, head, cqe) n++;
	io_uring_cq_advance(ring, n);
}

static void
destroy(void *loop)
{
	io_uring_queue_exit(loop);
	free(loop);
}

static const struct message_loop way = {
	.looks = true,
	.create = create,
	.wake = wake,
	.flush = flush,
	.turn = turn,
	.destroy = destroy,
};

LOOP_MESSAGE_CELLS(hand, way)
