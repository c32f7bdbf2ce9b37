/* SPDX-License-Identifier: ISC */
/*
 * Chains: each member begins when the one before it has completed
 * successfully; after a failure the rest complete with ECANCELED, in order.
 * The kernel runs consecutive members by itself when they are kernel
 * operations that could start now.  Its rules are not quite ours (a short
 * read ends its chain, completions of a broken chain may come in any order),
 * so members that it gave up without a cause of ours are begun again from
 * here.
 */
#include "config.h"

#include "core/class.h"

/*
 * How many operations from head on the kernel can run as one chain now; fewer
 * than two are none.  A timeout among them is not the kernel's.
 */
static size_t
native(struct proactor *p, struct proactor_op *head)
{
	const struct op_class *c;
	struct proactor_op *op;
	size_t count = 0;

	for (op = head; op != NULL && count < p->chain_max;
	    op = op_state(op)->chain) {
		if (op->type == PROACTOR_OP_TIMEOUT)
			continue;
		c = proactor__class(op->type);
		if (c->linkable == NULL || !c->linkable(op) ||
		    (op_state(op)->bits & OPB_CANCEL))
			break;
		count++;
	}
	return count >= 2 && p->backend->reserve(p, count) ? count : 0;
}

/* It has begun: so does the time of a timeout after it. */
static void
watch(struct proactor *p, struct proactor_op *op)
{
	struct proactor_op *next = op_state(op)->chain;

	if (next != NULL && next->type == PROACTOR_OP_TIMEOUT &&
	    op_state(op)->stage != STAGE_READY)
		proactor__timeout_arm(p, next);
}

/* Starts a chain: as much of it as the kernel runs, or its first member. */
void
proactor__chain_begin(struct proactor *p, struct proactor_op *head)
{
	size_t left = native(p, head);
	struct proactor_op *op;
	struct op_state *s;

	if (left == 0)
		proactor__begin(p, head);
	for (op = head; left != 0; op = s->chain) {
		s = op_state(op);
		if (op->type == PROACTOR_OP_TIMEOUT)
			continue;
		left--;
		s->bits = OPB_LINKED;
		if (op == head)
			s->bits |= OPB_BEFORE_OK;
		if (left != 0)
			s->bits |= OPB_TIED;
		(void)proactor__class(op->type)->enter(p, op);
		s->stage = STAGE_KERNEL;
		p->backend->start(p, op);
	}
	watch(p, head);
}

/* Has it, or the sequence that it is a step of, been cancelled? */
static bool
is_called_off(struct proactor_op *op)
{
	struct op_state *s = op_state(op);

	return (s->bits & OPB_CANCEL) || (s->parent != NULL &&
	    (op_state(s->parent)->bits & OPB_CANCEL));
}

/* The member before next, of the same chain in the kernel, is final. */
static bool
advance_native(struct proactor *p, struct proactor_op *next, int *status,
    unsigned int *flags)
{
	struct op_state *s = op_state(next);

	s->bits |= *status == 0 ? OPB_BEFORE_OK : OPB_BEFORE_FAILED;
	if (is_called_off(next))
		s->bits |= OPB_CANCEL;
	if (s->bits & OPB_EARLY) {
		if (p->backend->resume(p, next, status, flags))
			return true;
	} else if (*status == 0 && (s->bits & OPB_CANCEL))
		/* It has begun: now a cancel finds it. */
		p->backend->cancel(p, next);
	if (s->bits & OPB_BEFORE_OK)
		watch(p, next);
	return false;
}

/*
 * The turn of a member has come: begins it.  The member if it is final
 * thereby, with *status; else NULL.
 */
struct proactor_op *
proactor__chain_enter(struct proactor *p, struct proactor_op *op, int *status)
{
	struct op_state *s = op_state(op);

	proactor__chain_begin(p, op);
	/* What has something to do yet has its turn. */
	if (s->stage != STAGE_READY ||
	    proactor__class(op->type)->act != NULL)
		return NULL;
	list_remove(&s->link);
	list_init(&s->link);
	if (list_empty(&p->ready) &&
	    !proactor__timers_are_leaving(&p->timers))
		p->special &= ~SPECIAL_READY;
	*status = s->status;
	return op;
}

/* A member that will not begin is final, unless it has steps to skip. */
static struct proactor_op *
skip(struct proactor *p, struct proactor_op *op, int *status)
{
	*status = PROACTOR_ECANCELED;
	if (op->type != PROACTOR_OP_SEQUENCE)
		return op;
	op_state(op)->bits |= OPB_CANCEL;
	return proactor__chain_enter(p, op, status);
}

/*
 * The member before next is final with *status.  What is final now, without
 * another turn, with what is then in *status and *flags: next, or if that is
 * a sequence whose steps have come to their end, one of its own; or NULL.
 */
struct proactor_op *
proactor__chain_advance(struct proactor *p, struct proactor_op *next,
    int *status, unsigned int *flags)
{
	struct op_state *s = op_state(next);

	if (s->stage == STAGE_SEQUENCE) {
		*flags = 0;
		return proactor__sequence_advance(p, next, status);
	}
	s->before = NULL;
	if (s->bits & OPB_LINKED)
		return advance_native(p, next, status, flags) ? next : NULL;
	*flags = 0;
	if (next->type == PROACTOR_OP_TIMEOUT) {
		*status = proactor__timeout_settle(p, next, *status);
		return next;
	}
	if (*status != 0 || is_called_off(next))
		return skip(p, next, status);
	return proactor__chain_enter(p, next, status);
}
