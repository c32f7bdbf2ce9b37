/* SPDX-License-Identifier: ISC */
/* Accepts by one multishot operation and closes at once. */
#include "config.h"

#include "bench/raw.h"

struct server {
	struct io_uring ring;
	uint64_t closed;
	int listener;
};

static void
take(void *user, struct io_uring_cqe *cqe)
{
	struct io_uring_sqe *sqe;
	struct server *s = user;

	if (cqe->user_data != 0) {
		s->closed++;
		return;
	}
	if (cqe->res < 0)
		die("accept", cqe->res);
	sqe = raw_sqe(&s->ring);
	io_uring_prep_close(sqe, cqe->res);
	io_uring_sqe_set_data64(sqe, 1);
	if ((cqe->flags & IORING_CQE_F_MORE) == 0)
		raw_listen(&s->ring, s->listener, 0);
}

void
raw_accept(struct run *run)
{
	struct server s = { .listener = run->listener };
	uint64_t total;

	net_more_files();
	raw_ring_init(&s.ring, 256);
	raw_listen(&s.ring, s.listener, 0);
	total = run->warm_up + run->operations;
	while (s.closed < total) {
		raw_turn(&s.ring, 1);
		raw_reap(&s.ring, take, &s);
	}
	run_leave(run);
	io_uring_queue_exit(&s.ring);
}
