/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "core/class.h"

_Static_assert(sizeof(struct timer_node) <=
    sizeof(((struct proactor_timer_op *)0)->opaque), "timer node fits");

static struct timer_node *
node_of(struct proactor_op *op)
{
	struct proactor_timer_op *timer =
	    container_of(op, struct proactor_timer_op, base);

	return (struct timer_node *)(void *)timer->opaque;
}

/* The operation of a node that came out of the wheel. */
struct proactor_op *
proactor__timer_op(struct timer_node *node)
{
	return &container_of(node, struct proactor_timer_op, opaque)->base;
}

static void
timer_begin(struct proactor *p, struct proactor_op *op)
{
	struct proactor_timer_op *timer =
	    container_of(op, struct proactor_timer_op, base);

	op_state(op)->stage = STAGE_TIMER;
	p->special |= SPECIAL_TIMERS;
	proactor__timers_arm(&p->timers, node_of(op), timer->deadline);
}

int
proactor__timer_submit(struct proactor *p, struct proactor_op *op)
{
	op_accept(p, op, STAGE_TIMER);
	timer_begin(p, op);
	return 0;
}

void
proactor__timer_cancel(struct proactor *p, struct proactor_op *op)
{
	proactor__timers_cancel(&p->timers, node_of(op));
	proactor__post(p, op, PROACTOR_ECANCELED, 0);
}

const struct op_class proactor__timer_class = {
	.name = "timer",
	.size = sizeof(struct proactor_timer_op),
	.begin = timer_begin,
	.cancel = proactor__timer_cancel,
};

void
proactor_timer_op_init(struct proactor_timer_op *op, int64_t deadline,
    proactor_callback callback, void *user_data)
{
	if (op == NULL)
		return;
	proactor__op_init(&op->base, PROACTOR_OP_TIMER, callback, user_data);
	op->deadline = deadline;
}
