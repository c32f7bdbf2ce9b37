/* SPDX-License-Identifier: ISC */
/* A notification with operations to wait for it. */
#ifndef NOTIFICATION_H
#define NOTIFICATION_H

#include "conformance/conformance.h"

struct scene {
	struct world w;
	struct proactor_notification *n;
	struct proactor_notification_wait_op waits[8];
};

static inline void
scene_open(struct scene *s, const struct proactor_options *o)
{
	size_t i;

	world_open(&s->w, o);
	CHECK_INT(proactor_notification_create(s->w.p, &s->n), 0);
	for (i = 0; i < COUNT(s->waits); i++)
		proactor_notification_wait_op_init(&s->waits[i], s->n, record,
		    &s->w.r);
}

static inline void
scene_close(struct scene *s)
{
	proactor_notification_release(s->n);
	world_close(&s->w);
}

static inline void
await(struct scene *s, size_t i)
{
	CHECK_INT(proactor_submit_one(s->w.p, &s->waits[i].base), 0);
}

static inline void
signal_n(struct scene *s, int32_t count)
{
	CHECK_INT(proactor_notification_signal(s->n, count), 0);
}

#endif
