/* SPDX-License-Identifier: ISC */
/*
 * Linked timeouts: a member of a chain that is a deadline for the one before
 * it.  They are timers of the wheel that are armed when that operation begins
 * and cancel it when they expire.  They never begin, and are final right
 * after their operation.
 */
#include "config.h"

#include "core/class.h"

static struct proactor_timeout_op *
timeout_of(struct proactor_op *op)
{
	return container_of(op, struct proactor_timeout_op, base);
}

/* The operation before it has begun. */
void
proactor__timeout_arm(struct proactor *p, struct proactor_op *op)
{
	struct op_state *s = op_state(op);

	if (s->bits & OPB_CANCEL)
		return;
	s->stage = STAGE_DEADLINE;
	p->special |= SPECIAL_TIMERS;
	proactor__timers_arm(&p->timers, &s->timer, timeout_of(op)->deadline);
}

/*
 * The deadline is there.  An operation that has completed, or was cancelled
 * already, is not the timeout's any more.
 */
void
proactor__timeout_expired(struct proactor *p, struct proactor_op *op)
{
	struct proactor_op *before = op_state(op)->before;
	struct op_state *s = op_state(before);

	op_state(op)->stage = STAGE_CHAINED;
	if (s->stage == STAGE_READY || s->stage == STAGE_AWAIT_MAIL ||
	    (s->bits & OPB_CANCEL))
		return;
	op_state(op)->bits |= OPB_EXPIRED;
	proactor__cancel(p, before);
}

/*
 * The operation before it has ended with outcome, which is what the chain
 * goes on with.  The timeout's own status.
 */
int
proactor__timeout_settle(struct proactor *p, struct proactor_op *op,
    int outcome)
{
	struct op_state *s = op_state(op);

	if (s->stage == STAGE_DEADLINE)
		proactor__timers_cancel(&p->timers, &s->timer);
	s->stage = STAGE_CHAINED;
	list_init(&s->link);
	timeout_of(op)->opaque[0] = (uint64_t)(int64_t)outcome;
	return outcome == PROACTOR_ECANCELED && (s->bits & OPB_EXPIRED) ?
	    PROACTOR_ETIMEDOUT : PROACTOR_ECANCELED;
}

int
proactor__timeout_outcome(const struct proactor_op *op)
{
	const struct proactor_timeout_op *t =
	    (const struct proactor_timeout_op *)op;

	return (int)(int64_t)t->opaque[0];
}

/* The deadline is called off; the operation goes on. */
static void
timeout_cancel(struct proactor *p, struct proactor_op *op)
{
	proactor__timers_cancel(&p->timers, &op_state(op)->timer);
	op_state(op)->stage = STAGE_CHAINED;
}

const struct op_class proactor__timeout_class = {
	.name = "timeout",
	.size = sizeof(struct proactor_timeout_op),
	.cancel = timeout_cancel,
};

void
proactor_timeout_op_init(struct proactor_timeout_op *op, int64_t deadline,
    proactor_callback callback, void *user_data)
{
	if (op == NULL)
		return;
	proactor__op_init(&op->base, PROACTOR_OP_TIMEOUT, callback, user_data);
	op->deadline = deadline;
}
