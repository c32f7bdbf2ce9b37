/* SPDX-License-Identifier: ISC */
/*
 * The steps of a sequence on their way in.  Without a step function all of
 * them are checked and accepted with the sequence and tied to a chain, which
 * ends in the sequence itself.  With one, what it may yet change is only
 * reserved: a step is checked and accepted when its turn comes, together with
 * a timeout after it.
 */
#include "config.h"

#include "core/sequence.h"

/* Steps from i on that begin together: one, and its timeout. */
static size_t
unit(const struct proactor_sequence_op *q, size_t i)
{
	return i + 1 < q->count &&
	    q->steps[i + 1]->type == PROACTOR_OP_TIMEOUT ? 2 : 1;
}

static unsigned int
depth(const struct proactor_op *op)
{
	const struct proactor_op *parent;
	unsigned int n = 1;

	while ((parent = ((const struct op_state *)(const void *)
	    op->opaque)->parent) != NULL) {
		op = parent;
		n++;
	}
	return n;
}

/* What must be right of any step, from the beginning. */
static int
check_base(struct proactor_sequence_op *q, size_t i)
{
	struct proactor_op *op = q->steps[i];

	if (op == NULL || proactor__class(op->type) == NULL || op->flags != 0 ||
	    op->pool != NULL)
		return PROACTOR_EINVAL;
	/* A timeout needs an operation before it. */
	if (op->type == PROACTOR_OP_TIMEOUT && (i == 0 ||
	    q->steps[i - 1]->type == PROACTOR_OP_TIMEOUT))
		return PROACTOR_EINVAL;
	return 0;
}

/* All of it; the step is then CHECKED. */
static int
check_whole(struct proactor *p, struct proactor_sequence_op *q, size_t i)
{
	struct proactor_op *op = q->steps[i];
	const struct op_class *c = proactor__class(op->type);
	int error = 0;

	op_state(op)->parent = &q->base;
	if (c->check != NULL)
		error = c->check(p, op);
	if (error != 0) {
		op_state(op)->parent = NULL;
		return error;
	}
	atomic_store_explicit(&op_state(op)->life, LIFE_CHECKED,
	    memory_order_relaxed);
	return 0;
}

static void
uncheck(struct proactor_op *op, bool whole)
{
	const struct op_class *c = proactor__class(op->type);

	op_state(op)->parent = NULL;
	atomic_store_explicit(&op_state(op)->life, LIFE_IDLE,
	    memory_order_relaxed);
	if (whole && c->uncheck != NULL)
		c->uncheck(op);
}

/* How many are accepted with the sequence. */
size_t
proactor__steps_accepted(const struct proactor_sequence_op *q)
{
	return q->step_fn == NULL || q->count == 0 ? q->count : unit(q, 0);
}

static void
uncheck_first(struct proactor_sequence_op *q, size_t count, size_t whole)
{
	while (count > 0) {
		count--;
		uncheck(q->steps[count], count < whole);
	}
}

/*
 * Any thread.  On success all steps are CHECKED; on failure none of them is
 * any different.
 */
int
proactor__steps_check(struct proactor *p, struct proactor_sequence_op *q)
{
	_Atomic uint32_t *life;
	size_t i, whole = q->count;
	int error = 0;

	if (q->steps == NULL && q->count != 0)
		return PROACTOR_EINVAL;
	if (depth(&q->base) > PROACTOR_SEQUENCE_DEPTH_MAX)
		return PROACTOR_EINVAL;
	for (i = 0; i < q->count; i++) {
		error = check_base(q, i);
		if (error != 0)
			break;
		if (q->step_fn != NULL && i > 0 &&
		    (i > 1 || q->steps[i]->type != PROACTOR_OP_TIMEOUT) &&
		    whole > i)
			whole = i;
		life = &op_state(q->steps[i])->life;
		if (atomic_load_explicit(life, memory_order_relaxed) !=
		    LIFE_IDLE)
			error = PROACTOR_EBUSY;
		else if (i < whole)
			error = check_whole(p, q, i);
		else
			atomic_store_explicit(life, LIFE_CHECKED,
			    memory_order_relaxed);
		if (error != 0)
			break;
	}
	if (error != 0)
		uncheck_first(q, i, whole);
	return error;
}

void
proactor__steps_uncheck(struct proactor_sequence_op *q)
{
	uncheck_first(q, q->count, proactor__steps_accepted(q));
}

/* The private part of a step that was not checked, or not yet accepted. */
static void
prepare(struct proactor *p, struct proactor_sequence_op *q, size_t i,
    unsigned int bits)
{
	struct op_state *s = op_state(q->steps[i]);

	s->stage = STAGE_CHAINED;
	s->shape = 0;
	s->bits = (uint16_t)bits;
	atomic_store_explicit(&s->p, p, memory_order_relaxed);
	s->chain = &q->base;
	s->before = NULL;
	s->parent = &q->base;
	list_init(&s->link);
}

/* Accepts steps first to end - 1 and ties them, the last to the sequence. */
static void
accept_steps(struct proactor *p, struct proactor_sequence_op *q, size_t first,
    size_t end)
{
	const struct op_class *c;
	struct proactor_op *op;
	size_t i;

	for (i = first; i < end; i++) {
		op = q->steps[i];
		c = proactor__class(op->type);
		prepare(p, q, i, 0);
		if (i > first)
			op_state(op)->before = q->steps[i - 1];
		if (i + 1 < end)
			op_state(op)->chain = q->steps[i + 1];
		if (c->retain != NULL)
			c->retain(op);
		atomic_store_explicit(&op_state(op)->life, LIFE_FLIGHT,
		    memory_order_release);
	}
}

/* Any thread, after the check. */
void
proactor__steps_retain(struct proactor_sequence_op *q)
{
	struct proactor *p = atomic_load_explicit(&op_state(&q->base)->p,
	    memory_order_relaxed);
	size_t end = proactor__steps_accepted(q), i;

	for (i = end; i < q->count; i++)
		atomic_store_explicit(&op_state(q->steps[i])->life,
		    LIFE_RESERVED, memory_order_relaxed);
	accept_steps(p, q, 0, end);
}

/* Is it the sequence's, or what its function has made anew in its place? */
static bool
is_reserved(struct proactor_op *op)
{
	uint32_t life;

	if (op == NULL)
		return false;
	life = atomic_load_explicit(&op_state(op)->life, memory_order_relaxed);
	return life == LIFE_RESERVED || life == LIFE_IDLE;
}

/*
 * The step function has seen step i: accepts it and its timeout.  The owner.
 * On failure the step is as it was.
 */
int
proactor__steps_take(struct proactor *p, struct proactor_sequence_op *q,
    size_t i)
{
	size_t end, j;
	int error = 0;

	if (q->steps[i] == NULL || q->steps[i]->type == PROACTOR_OP_TIMEOUT)
		return PROACTOR_EINVAL;
	end = i + unit(q, i);
	for (j = i; j < end && error == 0; j++) {
		error = check_base(q, j);
		if (error == 0 && !is_reserved(q->steps[j]))
			error = PROACTOR_EBUSY;
	}
	if (error == 0)
		error = check_whole(p, q, i);
	if (error != 0)
		return error;
	accept_steps(p, q, i, end);
	p->in_flight += end - i;
	return 0;
}

/*
 * Step i will never be accepted: it has only its callback to come.  The
 * owner.  False: not even that, the step function has submitted it itself.
 */
bool
proactor__step_bare(struct proactor *p, struct proactor_sequence_op *q,
    size_t i)
{
	if (!is_reserved(q->steps[i]))
		return false;
	prepare(p, q, i, OPB_BARE);
	p->in_flight++;
	atomic_store_explicit(&op_state(q->steps[i])->life, LIFE_RESERVED,
	    memory_order_relaxed);
	return true;
}

/* Released: those that nobody else finds are the caller's again. */
void
proactor__steps_abandon(struct proactor_sequence_op *q, size_t first)
{
	struct op_state *s;
	size_t i;

	for (i = first; i < q->count; i++) {
		s = op_state(q->steps[i]);
		if (atomic_load_explicit(&s->life, memory_order_relaxed) !=
		    LIFE_RESERVED) {
			if (op_state(&q->base)->stage != STAGE_SEQUENCE)
				proactor__abandon(q->steps[i]);
			continue;
		}
		s->parent = NULL;
		atomic_store_explicit(&s->life, LIFE_IDLE,
		    memory_order_relaxed);
	}
}
