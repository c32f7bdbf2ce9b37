/* SPDX-License-Identifier: ISC */
/* Completion entries to completions: of any operation, of chains. */
#include "decode.h"

#include "core/file.h"

#include <errno.h>

static bool
decode_file(struct proactor *p, struct proactor_file_read_op *op, int result,
    int *status)
{
	*status = result < 0 ? result : 0;
	if (result >= 0)
		op->bytes = (size_t)result;
	else if (is_interrupted(result)) {
		if (!(op_state(&op->base)->bits & OPB_CANCEL))
			return begin_again(p, &op->base);
		*status = PROACTOR_ECANCELED;
	}
	return true;
}

static bool
decode_open(struct proactor *p, struct proactor_file_open_op *op, int result,
    int *status)
{
	if (is_interrupted(result)) {
		if (!(op_state(&op->base)->bits & OPB_CANCEL))
			return begin_again(p, &op->base);
		result = PROACTOR_ECANCELED;
	}
	*status = result < 0 ? result : 0;
	if (result < 0)
		return true;
	op->file = proactor__file_opened(p, result);
	if (op->file == NULL)
		*status = PROACTOR_ENOMEM;
	return true;
}

static bool
decode(struct proactor *p, struct proactor_op *op, int result,
    unsigned int cqe_flags, int *status, unsigned int *flags)
{
	switch (op->type) {
	case PROACTOR_OP_RECV:
	case PROACTOR_OP_SEND:
	case PROACTOR_OP_ACCEPT:
	case PROACTOR_OP_CONNECT:
	case PROACTOR_OP_RECVFROM:
	case PROACTOR_OP_SENDTO:
		return proactor__ring_decode_socket(p, op, result, cqe_flags,
		    status, flags);
	case PROACTOR_OP_FILE_READ:
	case PROACTOR_OP_FILE_WRITE:
		return decode_file(p, file_io_of(op), result, status);
	case PROACTOR_OP_FILE_OPEN:
		return decode_open(p, AS(file_open, op), result, status);
	case PROACTOR_OP_HANDLE_POLL:
		if (result >= 0)
			AS(handle_poll, op)->fired =
			    proactor__sys_poll_events(result);
		*status = result < 0 ? result : 0;
		return true;
	case PROACTOR_OP_FUTEX_WAIT:
	case PROACTOR_OP_FUTEX_WAKE:
		return proactor__ring_decode_futex(p, op, result, status);
	case PROACTOR_OP_SOCKET_CLOSE:
		*status = result < 0 ? result : 0;
		return proactor__socket_closed(p, op, *status);
	default:
		*status = result < 0 ? result : 0;
		return true;
	}
}

/*
 * The poll, or the pause, on behalf of an operation has ended: it starts
 * again unless that was a cancel.
 */
static bool
decode_poll(struct proactor *p, struct proactor_op *op, int result,
    int *status)
{
	struct op_state *s = op_state(op);

	s->bits &= (uint16_t)~OPB_POLLING;
	if (s->bits & OPB_CANCEL)
		*status = PROACTOR_ECANCELED;
	else if (result < 0 && result != -ETIME && result != -ECANCELED)
		*status = result;
	else
		return begin_again(p, op);
	if (op->type == PROACTOR_OP_CONNECT)
		proactor__socket_connected(op, *status);
	return true;
}

/* What the kernel would have said of a silent member's success. */
static int
result_of(struct proactor_op *op)
{
	size_t length;

	if (op->type == PROACTOR_OP_SEND)
		length = proactor__ring_total(AS(send, op));
	else
		length = file_io_of(op)->span.length;
	return length < BACKEND_LENGTH_MAX ? (int)length :
	    (int)BACKEND_LENGTH_MAX;
}

/* A member of which no completion comes. */
static void
put_aside(struct ring *r, struct proactor_op *op, int result)
{
	struct op_state *s = op_state(op);

	s->shape &= (uint8_t)~SHAPE_SILENT;
	s->bits |= OPB_EARLY;
	s->status = result;
	s->completion_flags = 0;
	r->ended++;
}

/*
 * What a completion of a member of a chain says of those that the kernel does
 * not tell of: see is_silent().  The first of those before it, whose turn it
 * is now, or NULL.  What is before one that came early is known already.
 */
struct proactor_op *
proactor__ring_infer(struct ring *r, struct proactor_op *op)
{
	struct proactor_op *first = NULL, *o;

	for (o = proactor__ring_before(op);
	    o != NULL && !(op_state(o)->bits & OPB_EARLY);
	    o = proactor__ring_before(o))
		if (op_state(o)->shape & SHAPE_SILENT) {
			put_aside(r, o, result_of(o));
			first = o;
		}
	if (!(op_state(op)->shape & SHAPE_SILENT))
		return first;
	op_state(op)->shape &= (uint8_t)~SHAPE_SILENT;
	for (o = proactor__ring_after(op); o != NULL;
	    o = proactor__ring_after(o))
		put_aside(r, o, -ECANCELED);
	return first;
}

/*
 * A member of a chain in the kernel.  True when its completion is to be
 * looked at now; false when it is put aside until its turn, or begins again:
 * the kernel ends a chain after a short transfer, which is a success here.
 */
static bool
linked_due(struct proactor *p, struct proactor_op *op, int result,
    unsigned int cqe_flags)
{
	struct op_state *s = op_state(op);

	if (!(s->bits & (OPB_BEFORE_OK | OPB_BEFORE_FAILED))) {
		s->bits |= OPB_EARLY;
		s->status = result;
		s->completion_flags = cqe_flags;
		return false;
	}
	if (result != -ECANCELED || !(s->bits & OPB_BEFORE_OK) ||
	    (s->bits & (OPB_CANCEL | OPB_POLLING)))
		return true;
	proactor__ring_start(p, op);
	return false;
}

bool
proactor__ring_resume(struct proactor *p, struct proactor_op *op,
    int *ret_status, unsigned int *ret_flags)
{
	struct op_state *s = op_state(op);

	s->bits &= (uint16_t)~OPB_EARLY;
	*ret_flags = 0;
	if (!linked_due(p, op, s->status, s->completion_flags) ||
	    !decode(p, op, s->status, s->completion_flags, ret_status,
	    ret_flags))
		return false;
	proactor__ring_canceled(ring_of(p), op);
	return true;
}

void
proactor__ring_decode_op(struct proactor *p, struct proactor_op *op, int result,
    unsigned int cqe_flags)
{
	struct op_state *s = op_state(op);
	struct proactor_op *first;
	unsigned int flags = 0;
	int status;
	bool final;

	if (s->bits & OPB_LINKED) {
		first = proactor__ring_infer(ring_of(p), op);
		if (!linked_due(p, op, result, cqe_flags)) {
			if (first != NULL && proactor__ring_resume(p, first,
			    &status, &flags))
				proactor__complete(p, first, status, flags);
			return;
		}
	}
	final = (s->bits & OPB_POLLING) ?
	    decode_poll(p, op, result, &status) :
	    decode(p, op, result, cqe_flags, &status, &flags);
	if (!final)
		return;
	proactor__ring_canceled(ring_of(p), op);
	proactor__complete(p, op, status, flags);
}
