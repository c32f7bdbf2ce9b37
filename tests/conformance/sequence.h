/* SPDX-License-Identifier: ISC */
/* Sequences that are recorded, and how they must have ended. */
#ifndef SEQUENCE_H
#define SEQUENCE_H

#include <stdlib.h>

#include "conformance/chain.h"

static inline void
sequence_init(struct proactor_sequence_op *op, struct world *w,
    struct proactor_op *const *steps, size_t count, proactor_step_fn step_fn)
{
	proactor_sequence_op_init(op, steps, count, step_fn, record, &w->r);
}

/*
 * The sequence and all its steps were called back, in order: steps before
 * place with success, that one with status, those after it with ECANCELED,
 * the sequence last and with status.
 */
static inline void
check_sequence(struct world *w, struct proactor_sequence_op *q, size_t place,
    int status)
{
	size_t i;

	CHECK(poll_finals(w, q, 1));
	poll_barrier(w);
	CHECK_INT(w->r.calls, q->count + 1);
	for (i = 0; i < q->count; i++) {
		CHECK(w->r.seen[i].op == q->steps[i]);
		CHECK_INT(w->r.seen[i].status, i < place ? 0 :
		    i == place ? status : PROACTOR_ECANCELED);
	}
	CHECK(w->r.seen[i].op == &q->base);
	CHECK_INT(w->r.seen[i].flags, 0);
	CHECK_INT(w->r.seen[i].status, status);
	CHECK_INT(q->completed, place);
	recorder_clear(&w->r);
}

struct nops {
	struct proactor_nop_op *nops;
	struct proactor_op **steps;
	struct proactor_sequence_op sequence;
};

static inline void
nops_init(struct nops *n, struct world *w, size_t count,
    proactor_step_fn step_fn)
{
	size_t i;

	n->nops = calloc(count + 1, sizeof(*n->nops));
	n->steps = calloc(count + 1, sizeof(*n->steps));
	CHECK(n->nops != NULL && n->steps != NULL);
	for (i = 0; i < count; i++) {
		nop_init(&n->nops[i], w);
		n->steps[i] = &n->nops[i].base;
	}
	sequence_init(&n->sequence, w, n->steps, count, step_fn);
}

static inline void
nops_free(struct nops *n)
{
	free(n->nops);
	free(n->steps);
}

static inline int
always(void *user_data, struct proactor_sequence_op *sequence,
    size_t completed_index, struct proactor_op *next)
{
	(void)user_data;
	CHECK(sequence->completed == completed_index + 1);
	CHECK(next == sequence->steps[completed_index + 1]);
	return 0;
}

#endif
