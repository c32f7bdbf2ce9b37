/* SPDX-License-Identifier: ISC */
/* An epoll descriptor that an event descriptor wakes; and plain pread(2). */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "bench/loop-messages.h"
#include "bench/raw-epoll.h"

struct loop {
	int epoll;
	int event;
};

static void
init(struct loop *l)
{
	struct epoll_event e = { .events = EPOLLIN | EPOLLET };

	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	l->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (l->epoll < 0 || l->event < 0 ||
	    epoll_ctl(l->epoll, EPOLL_CTL_ADD, l->event, &e) != 0)
		die("epoll_ctl", -errno);
}

static void
fini(struct loop *l)
{
	close(l->event);
	close(l->epoll);
}

static void *
create(void (*woken)(void *user), void *user)
{
	struct loop *l;

	(void)woken;
	(void)user;
	l = allocate(1, sizeof(*l));
	init(l);
	return l;
}

static void
destroy(void *loop)
{
	fini(loop);
	free(loop);
}

static void
wake(void *loop, void *from)
{
	struct loop *l = loop;
	uint64_t one = 1;

	(void)from;
	if (write(l->event, &one, sizeof(one)) != sizeof(one))
		die("write", -errno);
}

/* Each write is an edge: there is nothing to be read. */
static void
turn(void *loop)
{
	struct loop *l = loop;
	struct epoll_event e;

	if (epoll_wait(l->epoll, &e, 1, -1) < 0 && errno != EINTR)
		die("epoll_wait", -errno);
}

static const struct message_loop way = {
	.looks = true,
	.create = create,
	.wake = wake,
	.turn = turn,
	.destroy = destroy,
};

LOOP_MESSAGE_CELLS(raw_epoll, way)

void
raw_epoll_create(struct run *run)
{
	struct loop l;
	uint64_t i;

	for (i = 0; i < run->warm_up + run->operations; i++) {
		if (i == run->warm_up)
			run_begin(run);
		init(&l);
		fini(&l);
	}
	run_end(run, run->operations);
}

static void
read_blocks(struct run *run, char *buffer, uint32_t *seed, uint64_t count)
{
	uint64_t block, i;
	ssize_t got;

	for (i = 0; i < count; i++) {
		block = random_next(seed) % FILE_BLOCKS;
		got = pread(run->file, buffer + i % run->size * FILE_BLOCK,
		    FILE_BLOCK, block * FILE_BLOCK);
		if (got != FILE_BLOCK)
			die("pread", -errno);
	}
}

/* One after the other, into as many buffers as others have in flight. */
void
raw_epoll_read(struct run *run)
{
	uint32_t seed = 1;
	char *buffers;

	buffers = allocate(run->size, FILE_BLOCK);
	read_blocks(run, buffers, &seed, run->warm_up);
	run_begin(run);
	read_blocks(run, buffers, &seed, run->operations);
	run_end(run, run->operations);
	free(buffers);
}
