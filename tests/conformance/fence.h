/* SPDX-License-Identifier: ISC */
/* A semaphore, and a pipe to signal it by. */
#ifndef FENCE_H
#define FENCE_H

#include <fcntl.h>
#include <unistd.h>

#include "conformance/semaphore.h"

struct scene {
	struct world w;
	struct proactor_semaphore *s;
	struct mark m;
	int fds[2];		/* a pipe; it signals by a byte */
};

static inline void
scene_open(struct scene *c)
{
	world_open(&c->w, NULL);
	if (!(proactor_query_capabilities(c->w.p) &
	    PROACTOR_CAP_DEVICE_FENCE))
		SKIP("this proactor has no fences");
	c->s = semaphore_open(&c->w, 0);
	mark_init(&c->m, NULL);
	CHECK_INT(pipe2(c->fds, O_CLOEXEC), 0);
}

/* The read end has been taken. */
static inline void
scene_close(struct scene *c)
{
	proactor_semaphore_release(c->s);
	world_close(&c->w);
	CHECK_INT(close(c->fds[1]), 0);
}

static inline int
import(struct scene *c, int fd, uint64_t value)
{
	return proactor_import_fence(c->w.p, proactor_handle_fd(fd), c->s,
	    value);
}

static inline void
poll_mark(struct scene *c, size_t calls)
{
	CHECK(poll_until(&c->w, &c->m.calls, calls));
}

#endif
