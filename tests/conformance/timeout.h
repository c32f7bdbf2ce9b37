/* SPDX-License-Identifier: ISC */
/* A linked timeout between its operation and a nop. */
#ifndef TIMEOUT_H
#define TIMEOUT_H

#include "conformance/chain.h"

#define SOON		INT64_C(3000000)
#define MILLISECOND	INT64_C(1000000)

static inline void
timeout_init(struct proactor_timeout_op *op, struct world *w, int64_t deadline)
{
	proactor_timeout_op_init(op, deadline, record, &w->r);
}

/* The operation, a timeout after it, and a nop. */
struct trio {
	struct proactor_op *ops[3];
	struct proactor_timeout_op timeout;
	struct proactor_nop_op nop;
};

static inline void
trio_submit(struct trio *t, struct world *w, struct proactor_op *op,
    int64_t deadline)
{
	timeout_init(&t->timeout, w, deadline);
	nop_init(&t->nop, w);
	t->ops[0] = op;
	t->ops[1] = &t->timeout.base;
	t->ops[2] = &t->nop.base;
	submit_chain(w, t->ops, 3);
}

/* All have been called back, once and in order. */
static inline void
trio_check(struct trio *t, struct world *w, int status, int timeout, int nop)
{
	CHECK(poll_finals(w, &t->nop, 1));
	CHECK_INT(w->r.calls, 3);
	CHECK(w->r.seen[0].op == t->ops[0] && w->r.seen[1].op == t->ops[1]);
	CHECK_INT(w->r.seen[0].status, status);
	CHECK_INT(w->r.seen[1].status, timeout);
	CHECK_INT(w->r.seen[1].flags, 0);
	CHECK_INT(w->r.seen[2].status, nop);
	poll_barrier(w);
	CHECK_INT(w->r.calls, 3);
	recorder_clear(&w->r);
}

#endif
