/* SPDX-License-Identifier: ISC */
/*
 * Futex operations: waits for a word in memory, and wakes of those who wait
 * for it, for backends that have them of the kernel.
 */
#include "config.h"

#include "core/class.h"

#define SIZES	(PROACTOR_FUTEX_8 | PROACTOR_FUTEX_16 | PROACTOR_FUTEX_32 | \
    PROACTOR_FUTEX_64)

static struct proactor_futex_wait_op *
wait_of(struct proactor_op *op)
{
	return container_of(op, struct proactor_futex_wait_op, base);
}

static struct proactor_futex_wake_op *
wake_of(struct proactor_op *op)
{
	return container_of(op, struct proactor_futex_wake_op, base);
}

/* Good arguments, of a size (its flag is its bytes) that is to be had? */
static int
check(struct proactor *p, const void *address, unsigned int flags)
{
	unsigned int size = flags & SIZES;

	if ((flags & ~(SIZES | PROACTOR_FUTEX_PRIVATE)) != 0 || size == 0 ||
	    (size & (size - 1)) != 0 || address == NULL ||
	    (uintptr_t)address % size != 0)
		return PROACTOR_EINVAL;
	return (p->capabilities & PROACTOR_CAP_FUTEX_OPERATIONS) &&
	    (p->futex_sizes & size) ? 0 : PROACTOR_ENOTSUP;
}

static int
wait_check(struct proactor *p, struct proactor_op *op)
{
	struct proactor_futex_wait_op *w = wait_of(op);
	unsigned int size = w->futex_flags & SIZES;
	int error;

	error = check(p, w->address, w->futex_flags);
	if (error == PROACTOR_EINVAL)
		return error;
	if (size < 8 && w->expected >> 8 * size != 0)
		return PROACTOR_EINVAL;
	return error;
}

static int
wake_check(struct proactor *p, struct proactor_op *op)
{
	struct proactor_futex_wake_op *w = wake_of(op);

	if (w->count <= 0)
		return PROACTOR_EINVAL;
	return check(p, w->address, w->futex_flags);
}

static bool
wait_enter(struct proactor *p, struct proactor_op *op)
{
	list_append(&p->loose, &op_state(op)->link);
	return true;
}

static bool
wake_enter(struct proactor *p, struct proactor_op *op)
{
	wake_of(op)->woken = 0;
	list_append(&p->loose, &op_state(op)->link);
	return true;
}

/*
 * A chain in the kernel goes on after a wait that was canceled (seen on 6.18):
 * only at its end may one be.
 */
static bool
wait_linkable(struct proactor_op *op)
{
	return op_state(op)->chain == NULL;
}

static bool
wake_linkable(struct proactor_op *op)
{
	(void)op;
	return true;
}

static void
futex_begin(struct proactor *p, struct proactor_op *op)
{
	(void)proactor__class(op->type)->enter(p, op);
	op_state(op)->stage = STAGE_KERNEL;
	p->backend->start(p, op);
}

static void
futex_leave(struct proactor *p, struct proactor_op *op)
{
	(void)p;
	list_remove(&op_state(op)->link);
	list_init(&op_state(op)->link);
}

const struct op_class proactor__futex_wait_class = {
	.name = "futex wait",
	.size = sizeof(struct proactor_futex_wait_op),
	.check = wait_check,
	.enter = wait_enter,
	.linkable = wait_linkable,
	.begin = futex_begin,
	.leave = futex_leave,
};

const struct op_class proactor__futex_wake_class = {
	.name = "futex wake",
	.size = sizeof(struct proactor_futex_wake_op),
	.check = wake_check,
	.enter = wake_enter,
	.linkable = wake_linkable,
	.begin = futex_begin,
	.leave = futex_leave,
};

void
proactor_futex_wait_op_init(struct proactor_futex_wait_op *op,
    const void *address, uint64_t expected, unsigned int futex_flags,
    proactor_callback callback, void *user_data)
{
	if (op == NULL)
		return;
	proactor__op_init(&op->base, PROACTOR_OP_FUTEX_WAIT, callback,
	    user_data);
	op->address = address;
	op->expected = expected;
	op->futex_flags = futex_flags;
}

void
proactor_futex_wake_op_init(struct proactor_futex_wake_op *op,
    const void *address, int32_t count, unsigned int futex_flags,
    proactor_callback callback, void *user_data)
{
	if (op == NULL)
		return;
	proactor__op_init(&op->base, PROACTOR_OP_FUTEX_WAKE, callback,
	    user_data);
	op->address = address;
	op->count = count;
	op->woken = 0;
	op->futex_flags = futex_flags;
}
