/* SPDX-License-Identifier: ISC */
/*
 * Chains: each member begins when the one before it has completed
 * successfully; after a failure the rest complete with ECANCELED, in order.
 * The kernel runs a chain by itself when all members are kernel operations
 * that could start now.  Its rules are not quite ours (a short read ends its
 * chain, completions of a broken chain may come in any order), so members
 * that it gave up without a cause of ours are begun again from here.
 */
#include "config.h"

#include "core/class.h"

static bool
native(struct proactor *p, struct proactor_op *head)
{
	const struct op_class *c;
	struct proactor_op *op;
	size_t count = 0;

	if (p->backend->reserve == NULL ||
	    !(p->capabilities & PROACTOR_CAP_LINKED_OPERATIONS))
		return false;
	for (op = head; op != NULL; op = op_state(op)->chain) {
		c = proactor__class(op->type);
		if (c->linkable == NULL || !c->linkable(op) ||
		    (op_state(op)->bits & OPB_CANCEL))
			return false;
		count++;
	}
	return p->backend->reserve(p, count);
}

/* Starts a chain: whole in the kernel, or its first member. */
void
proactor__chain_begin(struct proactor *p, struct proactor_op *head)
{
	struct proactor_op *op;
	struct op_state *s;

	if (!native(p, head)) {
		proactor__begin(p, head);
		return;
	}
	for (op = head; op != NULL; op = s->chain) {
		s = op_state(op);
		s->bits = OPB_LINKED;
		if (op == head)
			s->bits |= OPB_BEFORE_OK;
		if (s->chain != NULL)
			s->bits |= OPB_TIED;
		(void)proactor__class(op->type)->enter(p, op);
		s->stage = STAGE_KERNEL;
		p->backend->start(p, op);
	}
}

/*
 * The member before next is final with *status.  True when next is final too,
 * with what is then in *status and *flags: its completion came early.
 */
bool
proactor__chain_advance(struct proactor *p, struct proactor_op *next,
    int *status, unsigned int *flags)
{
	struct op_state *s = op_state(next);
	struct proactor_op *after;

	s->before = NULL;
	if (s->bits & OPB_LINKED) {
		s->bits |= *status == 0 ? OPB_BEFORE_OK : OPB_BEFORE_FAILED;
		if (s->bits & OPB_EARLY)
			return p->backend->resume(p, next, status, flags);
		/* It has begun: now a cancel finds it. */
		if (*status == 0 && (s->bits & OPB_CANCEL))
			p->backend->cancel(p, next);
		return false;
	}
	if (*status == 0) {
		proactor__begin(p, next);
		return false;
	}
	for (; next != NULL; next = after) {
		after = op_state(next)->chain;
		op_state(next)->chain = NULL;
		op_state(next)->before = NULL;
		proactor__post(p, next, PROACTOR_ECANCELED, 0);
	}
	return false;
}
