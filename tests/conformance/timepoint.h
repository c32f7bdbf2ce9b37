/* SPDX-License-Identifier: ISC */
/* A semaphore at 0, and timepoints for it. */
#ifndef TIMEPOINT_H
#define TIMEPOINT_H

#include "conformance/semaphore.h"

struct scene {
	struct world w;
	struct proactor_semaphore *s;
	struct mark marks[64];
	size_t clock;
};

static inline void
scene_open(struct scene *c)
{
	size_t i;

	world_open(&c->w, NULL);
	c->s = semaphore_open(&c->w, 0);
	c->clock = 0;
	for (i = 0; i < 64; i++)
		mark_init(&c->marks[i], &c->clock);
}

static inline void
scene_close(struct scene *c)
{
	proactor_semaphore_release(c->s);
	world_close(&c->w);
}

static inline int
cancel(struct mark *m, struct proactor_semaphore *s)
{
	return proactor_semaphore_cancel_timepoint(s, &m->point);
}

#endif
