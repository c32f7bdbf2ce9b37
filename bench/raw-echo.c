/* SPDX-License-Identifier: ISC */
/* Echo server with single-shot receives. */
#include "config.h"

#include <stdlib.h>
#include <unistd.h>

#include "bench/raw.h"

enum state {
	RECEIVING,
	SENDING
};

struct connection {
	int fd;
	enum state state;
	char buffer[ECHO_BUFFER];
};

struct server {
	struct io_uring ring;
	struct connection *connections;
	unsigned int accepted, closed;
	int listener;
};

static void
receive(struct server *s, struct connection *c)
{
	struct io_uring_sqe *sqe;

	c->state = RECEIVING;
	sqe = raw_sqe(&s->ring);
	io_uring_prep_recv(sqe, c->fd, c->buffer, sizeof(c->buffer), 0);
	io_uring_sqe_set_data(sqe, c);
}

static void
reply(struct server *s, struct connection *c, unsigned int length)
{
	struct io_uring_sqe *sqe;

	c->state = SENDING;
	sqe = raw_sqe(&s->ring);
	io_uring_prep_send(sqe, c->fd, c->buffer, length, MSG_WAITALL);
	io_uring_sqe_set_data(sqe, c);
}

static void
on_accept(struct server *s, struct io_uring_cqe *cqe)
{
	struct connection *c = &s->connections[s->accepted++];

	if (cqe->res < 0)
		die("accept", cqe->res);
	c->fd = cqe->res;
	receive(s, c);
	if ((cqe->flags & IORING_CQE_F_MORE) == 0)
		raw_listen(&s->ring, s->listener, 0);
}

static void
take(void *user, struct io_uring_cqe *cqe)
{
	struct connection *c = io_uring_cqe_get_data(cqe);
	struct server *s = user;

	if (c == NULL)
		on_accept(s, cqe);
	else if (cqe->res <= 0) {
		close(c->fd);
		s->closed++;
	} else if (c->state == RECEIVING)
		reply(s, c, cqe->res);
	else
		receive(s, c);
}

void
raw_echo(struct run *run)
{
	struct server s = { .listener = run->listener };

	net_more_files();
	raw_ring_init(&s.ring, 1024);
	s.connections = allocate(run->size, sizeof(*s.connections));
	raw_listen(&s.ring, run->listener, 0);
	while (s.closed < run->size) {
		raw_turn(&s.ring, 1);
		raw_reap(&s.ring, take, &s);
	}
	io_uring_queue_exit(&s.ring);
	free(s.connections);
}
