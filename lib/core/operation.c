/* SPDX-License-Identifier: ISC */
/* Sizes and names of the operations, and the one that does nothing. */
#include "config.h"

#include <string.h>

#include "core/class.h"

const struct op_class *const proactor__classes[CLASSES] = {
	[PROACTOR_OP_NOP] = &proactor__nop_class,
	[PROACTOR_OP_TIMER] = &proactor__timer_class,
	[PROACTOR_OP_EVENT_WAIT] = &proactor__event_wait_class,
	[PROACTOR_OP_HANDLE_POLL] = &proactor__handle_poll_class,
	[PROACTOR_OP_ACCEPT] = &proactor__accept_class,
	[PROACTOR_OP_CONNECT] = &proactor__connect_class,
	[PROACTOR_OP_RECV] = &proactor__recv_class,
	[PROACTOR_OP_SEND] = &proactor__send_class,
	[PROACTOR_OP_RECVFROM] = &proactor__recvfrom_class,
	[PROACTOR_OP_SENDTO] = &proactor__sendto_class,
	[PROACTOR_OP_SOCKET_CLOSE] = &proactor__socket_close_class,
	[PROACTOR_OP_FILE_OPEN] = &proactor__file_open_class,
	[PROACTOR_OP_FILE_READ] = &proactor__file_read_class,
	[PROACTOR_OP_FILE_WRITE] = &proactor__file_write_class,
	[PROACTOR_OP_FILE_CLOSE] = &proactor__file_close_class,
	[PROACTOR_OP_MESSAGE] = &proactor__message_class,
	[PROACTOR_OP_SEMAPHORE_WAIT] = &proactor__semaphore_wait_class,
	[PROACTOR_OP_SEMAPHORE_SIGNAL] = &proactor__semaphore_signal_class,
	[PROACTOR_OP_NOTIFICATION_WAIT] = &proactor__notification_wait_class,
	[PROACTOR_OP_NOTIFICATION_SIGNAL] =
	    &proactor__notification_signal_class,
	[PROACTOR_OP_FUTEX_WAIT] = &proactor__futex_wait_class,
	[PROACTOR_OP_FUTEX_WAKE] = &proactor__futex_wake_class,
	[PROACTOR_OP_SEQUENCE] = &proactor__sequence_class,
	[PROACTOR_OP_TIMEOUT] = &proactor__timeout_class,
};

/* Bytes of the struct of that type, 0 for an unknown one. */
size_t
proactor_op_size(unsigned int type)
{
	const struct op_class *c = proactor__class(type);

	return c != NULL ? c->size : 0;
}

/* A name for people, "unknown" for an unknown one. */
const char *
proactor_op_name(unsigned int type)
{
	const struct op_class *c = proactor__class(type);

	return c != NULL ? c->name : "unknown";
}

struct proactor_span
proactor_span(const void *memory, size_t length)
{
	struct proactor_span span;

	span.region = NULL;
	span.offset = (uintptr_t)memory;
	span.length = length;
	return span;
}

/* What every initialiser does with the base. */
void
proactor__op_init(struct proactor_op *op, unsigned int type,
    proactor_callback callback, void *user_data)
{
	clear(op, sizeof(*op));
	op->type = type;
	op->callback = callback;
	op->user_data = user_data;
}

/*
 * Copies what fits; a count that does not fit is kept, so that submit refuses
 * it, and nothing is written past the end.
 */
size_t
proactor__spans_init(struct proactor_span *to, const struct proactor_span *from,
    size_t count)
{
	size_t n = count < PROACTOR_SPAN_MAX ? count : PROACTOR_SPAN_MAX;

	if (from == NULL)
		return count == 0 ? 0 : SIZE_MAX;
	memcpy(to, from, n * sizeof(*to));
	return count;
}

/* Registered regions are not part of this release. */
int
proactor__span_check(const struct proactor_span *span)
{
	if (span->region != NULL)
		return PROACTOR_EINVAL;
	if (span->length > (size_t)PTRDIFF_MAX)
		return PROACTOR_EINVAL;
	if (span->offset == 0 && span->length != 0)
		return PROACTOR_EFAULT;
	return 0;
}

int
proactor__spans_check_all(const struct proactor_span *spans, size_t count)
{
	size_t i, total = 0;
	int error;

	if (count == 0 || count > PROACTOR_SPAN_MAX)
		return PROACTOR_EINVAL;
	for (i = 0; i < count; i++) {
		error = proactor__span_check(&spans[i]);
		if (error != 0)
			return error;
		if (spans[i].length > (size_t)PTRDIFF_MAX - total)
			return PROACTOR_EINVAL;
		total += spans[i].length;
	}
	return 0;
}

static void
nop_begin(struct proactor *p, struct proactor_op *op)
{
	op_post(p, op_state(op), 0, 0);
}

int
proactor__nop_submit(struct proactor *p, struct proactor_op *op)
{
	op_accept(p, op, STAGE_READY);
	op_post(p, op_state(op), 0, 0);
	return 0;
}

const struct op_class proactor__nop_class = {
	.name = "nop",
	.size = sizeof(struct proactor_nop_op),
	.begin = nop_begin,
};

void
proactor_nop_op_init(struct proactor_nop_op *op, proactor_callback callback,
    void *user_data)
{
	if (op == NULL)
		return;
	proactor__op_init(&op->base, PROACTOR_OP_NOP, callback, user_data);
}
