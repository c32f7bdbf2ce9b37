/* SPDX-License-Identifier: ISC */
/* What a connection costs that waits for something to receive. */
#include "config.h"

#include <stdlib.h>
#include <unistd.h>

#include "bench/raw.h"

struct connection {
	int fd;
	char buffer[MESSAGE_SIZE];
};

struct server {
	struct io_uring ring;
	struct connection *connections;
	unsigned int accepted, closed;
	int listener;
};

static void
take(void *user, struct io_uring_cqe *cqe)
{
	struct connection *c = io_uring_cqe_get_data(cqe);
	struct server *s = user;
	struct io_uring_sqe *sqe;

	if (c != NULL) {
		close(c->fd);
		s->closed++;
		return;
	}
	if (cqe->res < 0)
		die("accept", cqe->res);
	c = &s->connections[s->accepted++];
	c->fd = cqe->res;
	sqe = raw_sqe(&s->ring);
	io_uring_prep_recv(sqe, c->fd, c->buffer, sizeof(c->buffer), 0);
	io_uring_sqe_set_data(sqe, c);
	if ((cqe->flags & IORING_CQE_F_MORE) == 0)
		raw_listen(&s->ring, s->listener, 0);
}

void
raw_idle(struct run *run)
{
	struct server s = { .listener = run->listener };
	uint64_t before;

	net_more_files();
	raw_ring_init(&s.ring, 256);
	s.connections = allocate(run->size, sizeof(*s.connections));
	before = run_resident();
	raw_listen(&s.ring, run->listener, 0);
	while (s.closed < run->size) {
		raw_turn(&s.ring, 1);
		raw_reap(&s.ring, take, &s);
		run->arrived = s.accepted;
		if (s.accepted < run->size || run->settled != 0)
			continue;
		run->result[METRIC_HELD] = 0;
		run->result[METRIC_RESIDENT] =
		    (double)(run_resident() - before) / run->size;
		run->settled = 1;
	}
	io_uring_queue_exit(&s.ring);
	free(s.connections);
}
