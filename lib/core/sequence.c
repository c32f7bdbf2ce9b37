/* SPDX-License-Identifier: ISC */
/*
 * Sequences: operations that run in order, as one.  The steps are a chain
 * whose last member is tied to the sequence, so that they go the way of every
 * chain, in the kernel where it can; the sequence hears of each that is final,
 * and is advanced when there are no more.  With a step function each step is a
 * chain of its own.
 */
#include "config.h"

#include "core/sequence.h"

/*
 * In the sequence's private words: the number of steps that are final.  The
 * first failure is its op_state's status.
 */
static uint64_t *
done_of(struct proactor_sequence_op *q)
{
	return &q->opaque[0];
}

static int
sequence_check(struct proactor *p, struct proactor_op *op)
{
	struct op_state *s = op_state(op);
	uint32_t life = atomic_load_explicit(&s->life, memory_order_relaxed);
	int error;

	/* A sequence that has itself for a step finds it busy. */
	atomic_store_explicit(&s->life, life | LIFE_CHECKED,
	    memory_order_relaxed);
	atomic_store_explicit(&s->p, p, memory_order_relaxed);
	error = proactor__steps_check(p, sequence_of(op));
	if (error != 0)
		atomic_store_explicit(&s->life, life, memory_order_relaxed);
	return error;
}

static void
sequence_uncheck(struct proactor_op *op)
{
	proactor__steps_uncheck(sequence_of(op));
}

static void
sequence_retain(struct proactor_op *op)
{
	proactor__steps_retain(sequence_of(op));
}

/* Also of one that is cancelled: its steps are then skipped in order. */
static void
sequence_begin(struct proactor *p, struct proactor_op *op)
{
	struct proactor_sequence_op *q = sequence_of(op);
	struct op_state *s = op_state(op);

	q->completed = 0;
	*done_of(q) = 0;
	s->status = 0;
	if (q->count == 0) {
		proactor__post(p, op, s->bits & OPB_CANCEL ?
		    PROACTOR_ECANCELED : 0, 0);
		return;
	}
	s->stage = STAGE_SEQUENCE;
	p->in_flight += proactor__steps_accepted(q);
	if (s->bits & OPB_CANCEL)
		op_state(q->steps[0])->bits |= OPB_CANCEL;
	proactor__chain_begin(p, q->steps[0]);
}

/*
 * A step of the sequence is final: outcome is what the steps after it go by,
 * told its status.
 */
void
proactor__sequence_note(struct proactor_op *op, int outcome, int told)
{
	struct proactor_sequence_op *q = sequence_of(op);
	struct op_state *s = op_state(op);

	(*done_of(q))++;
	if (s->status == 0 && outcome == 0)
		q->completed++;
	else if (s->status == 0)
		s->status = outcome;
	else if (s->status == PROACTOR_ECANCELED &&
	    told == PROACTOR_ETIMEDOUT)
		/* By its own timeout, which is the step after it. */
		s->status = PROACTOR_ETIMEDOUT;
}

/*
 * The next step, if there is a step function: asks it, and begins the step.
 * 0, or why the step ends at once.
 */
static int
step(struct proactor *p, struct proactor_sequence_op *q)
{
	struct op_state *s = op_state(&q->base);
	size_t i = *done_of(q);
	int error;

	if (s->status != 0 || (s->bits & OPB_CANCEL))
		return PROACTOR_ECANCELED;
	error = q->step_fn(q->base.user_data, q, i - 1, q->steps[i]);
	if (error != 0) {
		s->status = error < 0 ? error : PROACTOR_EINVAL;
		return PROACTOR_ECANCELED;
	}
	return (s->bits & OPB_CANCEL) ? PROACTOR_ECANCELED :
	    proactor__steps_take(p, q, i);
}

/*
 * The chain of steps has come to its end.  What is final now: the sequence, a
 * step that is skipped, with its status; or NULL, a step has begun.
 */
struct proactor_op *
proactor__sequence_advance(struct proactor *p, struct proactor_op *op,
    int *status)
{
	struct proactor_sequence_op *q = sequence_of(op);
	size_t i;

	while ((i = *done_of(q)) != q->count) {
		*status = step(p, q);
		if (*status == 0)
			return proactor__chain_enter(p, q->steps[i], status);
		if (proactor__step_bare(p, q, i))
			return q->steps[i];
		proactor__sequence_note(op, *status, *status);
	}
	*status = op_state(op)->status;
	op_state(op)->stage = STAGE_CHAINED;
	return op;
}

/* Cancels the step that is under way, if it has begun. */
static void
sequence_cancel(struct proactor *p, struct proactor_op *op)
{
	struct proactor_sequence_op *q = sequence_of(op);
	size_t i = *done_of(q);

	if (i < q->count && (atomic_load_explicit(
	    &op_state(q->steps[i])->life, memory_order_relaxed) & LIFE_FLIGHT))
		proactor__cancel(p, q->steps[i]);
}

static void
sequence_abandon(struct proactor_op *op)
{
	struct proactor_sequence_op *q = sequence_of(op);

	proactor__steps_abandon(q, op_state(op)->stage == STAGE_SEQUENCE ?
	    *done_of(q) : 0);
}

const struct op_class proactor__sequence_class = {
	.name = "sequence",
	.size = sizeof(struct proactor_sequence_op),
	.check = sequence_check,
	.uncheck = sequence_uncheck,
	.retain = sequence_retain,
	.begin = sequence_begin,
	.cancel = sequence_cancel,
	.abandon = sequence_abandon,
};

void
proactor_sequence_op_init(struct proactor_sequence_op *op,
    struct proactor_op *const *steps, size_t count, proactor_step_fn step_fn,
    proactor_callback callback, void *user_data)
{
	if (op == NULL)
		return;
	proactor__op_init(&op->base, PROACTOR_OP_SEQUENCE, callback,
	    user_data);
	op->steps = steps;
	op->count = count;
	op->step_fn = step_fn;
	op->completed = 0;
}
