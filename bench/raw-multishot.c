/* SPDX-License-Identifier: ISC */
/* Echo server with multishot receives into provided buffers. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench/raw.h"

#define BUFFERS		4096	/* a power of two */
#define GROUP	   1

/* What a completion is of: the low bits of its user data. */
#define TAG_ACCEPT	0
#define TAG_RECV	1
#define TAG_SEND	2
#define TAG_BITS	2

struct server {
	struct io_uring ring;
	struct io_uring_buf_ring *group;
	char *buffers;
	int returned;			/* to the group, not yet published */
	unsigned int closed;
	int listener;
};

static void
give_back(struct server *s, unsigned int id)
{
	io_uring_buf_ring_add(s->group, s->buffers + id * MESSAGE_SIZE,
	    MESSAGE_SIZE, id, io_uring_buf_ring_mask(BUFFERS), s->returned++);
}

static void
receive(struct server *s, int fd)
{
	struct io_uring_sqe *sqe;

	sqe = raw_sqe(&s->ring);
	io_uring_prep_recv(sqe, fd, NULL, 0, 0);
	sqe->ioprio |= IORING_RECV_MULTISHOT;
	sqe->flags |= IOSQE_BUFFER_SELECT;
	sqe->buf_group = GROUP;
	io_uring_sqe_set_data64(sqe, (uint64_t)fd << TAG_BITS | TAG_RECV);
}

/* The buffer comes back when it is sent; its number is in the user data. */
static void
reply(struct server *s, int fd, unsigned int id, unsigned int length)
{
	struct io_uring_sqe *sqe;

	sqe = raw_sqe(&s->ring);
	io_uring_prep_send(sqe, fd, s->buffers + id * MESSAGE_SIZE, length,
	    MSG_WAITALL);
	io_uring_sqe_set_data64(sqe, (uint64_t)id << TAG_BITS | TAG_SEND);
}

static void
on_receive(struct server *s, int fd, struct io_uring_cqe *cqe)
{
	if (cqe->res > 0)
		reply(s, fd, cqe->flags >> IORING_CQE_BUFFER_SHIFT, cqe->res);
	else if (cqe->res != -ENOBUFS) {
		close(fd);
		s->closed++;
		return;
	}
	if ((cqe->flags & IORING_CQE_F_MORE) == 0)
		receive(s, fd);
}

static void
take(void *user, struct io_uring_cqe *cqe)
{
	struct server *s = user;
	uint64_t what = cqe->user_data >> TAG_BITS;

	switch (cqe->user_data & ((1 << TAG_BITS) - 1)) {
	case TAG_ACCEPT:
		if (cqe->res < 0)
			die("accept", cqe->res);
		receive(s, cqe->res);
		if ((cqe->flags & IORING_CQE_F_MORE) == 0)
			raw_listen(&s->ring, s->listener, TAG_ACCEPT);
		break;
	case TAG_RECV:
		on_receive(s, what, cqe);
		break;
	default:
		give_back(s, what);
		break;
	}
}

static void
provide(struct server *s)
{
	struct io_uring_buf_reg reg = { .ring_entries = BUFFERS,
		.bgid = GROUP };
	unsigned int i;
	int r;

	s->buffers = allocate(BUFFERS, MESSAGE_SIZE);
	s->group = mmap(NULL, BUFFERS * sizeof(struct io_uring_buf),
	    PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (s->group == MAP_FAILED)
		die("mmap", -errno);
	reg.ring_addr = (uintptr_t)s->group;
	r = io_uring_register_buf_ring(&s->ring, &reg, 0);
	if (r != 0)
		die("io_uring_register_buf_ring", r);
	io_uring_buf_ring_init(s->group);
	for (i = 0; i < BUFFERS; i++)
		give_back(s, i);
}

void
raw_echo_multishot(struct run *run)
{
	struct server s = { .listener = run->listener };

	net_more_files();
	raw_ring_init(&s.ring, 1024);
	provide(&s);
	raw_listen(&s.ring, run->listener, TAG_ACCEPT);
	while (s.closed < run->size) {
		io_uring_buf_ring_advance(s.group, s.returned);
		s.returned = 0;
		raw_turn(&s.ring, 1);
		raw_reap(&s.ring, take, &s);
	}
	io_uring_queue_exit(&s.ring);
	munmap(s.group, BUFFERS * sizeof(struct io_uring_buf));
	free(s.buffers);
}
