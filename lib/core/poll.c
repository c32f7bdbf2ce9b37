/* SPDX-License-Identifier: ISC */
/* Readiness of a handle as an operation. */
#include "config.h"

#include "core/class.h"

static int
handle_poll_check(struct proactor *p, struct proactor_op *op)
{
	struct proactor_handle_poll_op *poll =
	    container_of(op, struct proactor_handle_poll_op, base);

	(void)p;
	if (poll->handle.type != PROACTOR_HANDLE_FD || poll->wanted == 0 ||
	    (poll->wanted & ~(PROACTOR_POLL_IN | PROACTOR_POLL_OUT)) != 0)
		return PROACTOR_EINVAL;
	return proactor__sys_check_fd(poll->handle.u.fd);
}

static bool
handle_poll_enter(struct proactor *p, struct proactor_op *op)
{
	container_of(op, struct proactor_handle_poll_op, base)->fired = 0;
	list_append(&p->loose, &op_state(op)->link);
	return true;
}

static bool
handle_poll_linkable(struct proactor_op *op)
{
	(void)op;
	return true;
}

static void
handle_poll_begin(struct proactor *p, struct proactor_op *op)
{
	(void)handle_poll_enter(p, op);
	op_state(op)->stage = STAGE_KERNEL;
	p->backend->start(p, op);
}

static void
handle_poll_leave(struct proactor *p, struct proactor_op *op)
{
	(void)p;
	list_remove(&op_state(op)->link);
	list_init(&op_state(op)->link);
}

const struct op_class proactor__handle_poll_class = {
	.name = "handle poll",
	.size = sizeof(struct proactor_handle_poll_op),
	.check = handle_poll_check,
	.enter = handle_poll_enter,
	.linkable = handle_poll_linkable,
	.begin = handle_poll_begin,
	.leave = handle_poll_leave,
};

void
proactor_handle_poll_op_init(struct proactor_handle_poll_op *op,
    struct proactor_handle handle, unsigned int wanted,
    proactor_callback callback, void *user_data)
{
	if (op == NULL)
		return;
	proactor__op_init(&op->base, PROACTOR_OP_HANDLE_POLL, callback,
	    user_data);
	op->handle = handle;
	op->wanted = wanted;
	op->fired = 0;
}
