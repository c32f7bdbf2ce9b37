/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <string.h>

#include "conformance/sequence_quartet.h"

/* nop, wait, nop, nop: what those that end sequences early have in common. */

static void
quartet_called(void *user_data, struct proactor_op *op, int status,
    unsigned int flags)
{
	struct quartet *x = user_data;

	record(&x->w.r, op, status, flags);
	if (x->victim != NULL && x->w.r.calls == x->act_at)
		CHECK_INT(proactor_cancel(x->w.p, x->victim), 0);
}

void
quartet_init(struct quartet *x, proactor_step_fn step_fn)
{
	size_t i;

	for (i = 0; i < 3; i++)
		proactor_nop_op_init(&x->nops[i], quartet_called, x);
	proactor_event_wait_op_init(&x->wait, x->event, quartet_called, x);
	x->steps[0] = &x->nops[0].base;
	x->steps[1] = &x->wait.base;
	x->steps[2] = &x->nops[1].base;
	x->steps[3] = &x->nops[2].base;
	proactor_sequence_op_init(&x->sequence, x->steps, 4, step_fn,
	    quartet_called, x);
	x->victim = NULL;
	x->calls = 0;
	x->act_at = 0;
}

void
quartet_open(struct quartet *x, proactor_step_fn step_fn)
{
	memset(x, 0, sizeof(*x));
	world_open(&x->w, NULL);
	CHECK_INT(proactor_event_create(x->w.p, &x->event), 0);
	quartet_init(x, step_fn);
}

void
quartet_close(struct quartet *x)
{
	proactor_event_release(x->event);
	world_close(&x->w);
}

void
quartet_ended(struct quartet *x, size_t place)
{
	size_t i;

	CHECK_INT(x->w.r.calls, 5);
	for (i = 0; i < 4; i++) {
		CHECK(x->w.r.seen[i].op == x->steps[i]);
		CHECK_INT(x->w.r.seen[i].status,
		    i < place ? 0 : PROACTOR_ECANCELED);
	}
	CHECK_INT(x->w.r.seen[4].status, place < 4 ? PROACTOR_ECANCELED : 0);
	CHECK_INT(x->sequence.completed, place);
	for (i = 0; i < 4; i++)
		CHECK_INT(proactor_cancel(x->w.p, x->steps[i]),
		    PROACTOR_ENOENT);
	CHECK_INT(proactor_cancel(x->w.p, &x->sequence.base), PROACTOR_ENOENT);
	recorder_clear(&x->w.r);
}

void
quartet_check(struct quartet *x, size_t place)
{
	CHECK(poll_finals(&x->w, &x->sequence, 1));
	poll_barrier(&x->w);
	quartet_ended(x, place);
}

int
pass_on(void *user_data, struct proactor_sequence_op *sequence,
    size_t completed_index, struct proactor_op *next)
{
	struct quartet *x = user_data;

	CHECK(sequence == &x->sequence);
	CHECK(next == x->steps[completed_index + 1]);
	x->calls++;
	return 0;
}

proactor_step_fn const functions[] = { NULL, pass_on };
