/* SPDX-License-Identifier: ISC */
/* One connection that sends, or receives, much. */
#include "config.h"

#include <stdlib.h>
#include <unistd.h>

#include "bench/raw.h"

/* One operation and its result. */
static int
run_one(struct io_uring *ring)
{
	struct io_uring_cqe *cqe;
	int r;

	raw_turn(ring, 1);
	while (io_uring_peek_cqe(ring, &cqe) != 0)
		raw_turn(ring, 1);
	r = cqe->res;
	io_uring_cqe_seen(ring, cqe);
	return r;
}

static int
accept_one(struct io_uring *ring, int listener)
{
	int fd;

	io_uring_prep_accept(raw_sqe(ring), listener, NULL, NULL, 0);
	fd = run_one(ring);
	if (fd < 0)
		die("accept", fd);
	return fd;
}

void
raw_stream_out(struct run *run)
{
	struct io_uring ring;
	uint64_t i, total;
	char *buffer;
	int fd, r;

	raw_ring_init(&ring, 64);
	buffer = allocate(1, run->size);
	fd = accept_one(&ring, run->listener);
	total = run->warm_up + run->operations;
	for (i = 0; i < total; i++) {
		io_uring_prep_send(raw_sqe(&ring), fd, buffer, run->size,
		    MSG_WAITALL);
		r = run_one(&ring);
		if (r != (int)run->size)
			die("send", r);
	}
	close(fd);
	run_leave(run);
	io_uring_queue_exit(&ring);
	free(buffer);
}

void
raw_stream_in(struct run *run)
{
	struct io_uring ring;
	char *buffer;
	int fd, r;

	raw_ring_init(&ring, 64);
	buffer = allocate(1, run->size);
	fd = accept_one(&ring, run->listener);
	do {
		io_uring_prep_recv(raw_sqe(&ring), fd, buffer, run->size, 0);
		r = run_one(&ring);
		if (r < 0)
			die("recv", r);
	} while (r > 0);
	close(fd);
	run_leave(run);
	io_uring_queue_exit(&ring);
	free(buffer);
}
