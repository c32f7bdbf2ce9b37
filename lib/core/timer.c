/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "core/class.h"

static inline void
arm(struct proactor *p, struct proactor_op *op)
{
	struct proactor_timer_op *timer =
	    container_of(op, struct proactor_timer_op, base);

	p->special |= SPECIAL_TIMERS;
	proactor__timers_arm(&p->timers, &op_state(op)->timer,
	    timer->deadline);
}

static void
timer_begin(struct proactor *p, struct proactor_op *op)
{
	op_state(op)->stage = STAGE_TIMER;
	arm(p, op);
}

int
proactor__timer_submit(struct proactor *p, struct proactor_op *op)
{
	op_accept(p, op, STAGE_TIMER);
	arm(p, op);
	return 0;
}

static void
timer_cancel(struct proactor *p, struct proactor_op *op)
{
	/* They are called back in the order in which they were cancelled. */
	proactor__cancel_rest(p);
	proactor__timers_cancel(&p->timers, &op_state(op)->timer);
	proactor__post(p, op, PROACTOR_ECANCELED, 0);
}

const struct op_class proactor__timer_class = {
	.name = "timer",
	.size = sizeof(struct proactor_timer_op),
	.begin = timer_begin,
	.cancel = timer_cancel,
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
