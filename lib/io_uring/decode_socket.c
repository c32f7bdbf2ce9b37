/* SPDX-License-Identifier: ISC */
/* Completion entries of the operations on sockets. */
#include "decode.h"

#include <errno.h>

static bool
failed(struct proactor *p, struct proactor_op *op, struct proactor_socket *s,
    unsigned int events, int result, int *status)
{
	bool canceled = (op_state(op)->bits & OPB_CANCEL) != 0;

	*status = result;
	if (canceled && (is_interrupted(result) || result == -EAGAIN))
		*status = PROACTOR_ECANCELED;
	else if (is_interrupted(result))
		return begin_again(p, op);
	else if (result == -EAGAIN && op->type == PROACTOR_OP_SENDTO &&
	    s->kind == PROACTOR_SOCKET_UNIX_DATAGRAM) {
		/* It can be written to; it is the receiver that is full. */
		proactor__ring_pause(p, op);
		return false;
	}
	else if (result == -EAGAIN) {
		proactor__ring_wait_ready(p, op, s->fd, events);
		return false;
	}
	if (*status != PROACTOR_ECANCELED)
		proactor__socket_fail(s, *status);
	return true;
}

static bool
decode_recv(struct proactor *p, struct proactor_recv_op *op, int result,
    unsigned int cqe_flags, int *status)
{
	struct proactor_socket *s = op->socket;
	struct op_state *state = op_state(&op->base);

	if (result < 0) {
		op->bytes = 0;
		return failed(p, &op->base, s, PROACTOR_POLL_IN, result,
		    status);
	}
	op->bytes = (size_t)result;
	s->drained = ring_of(p)->probe.poll_first &&
	    !(cqe_flags & IORING_CQE_F_SOCK_NONEMPTY);
	*status = 0;
	if (!(op->base.flags & PROACTOR_OP_MULTISHOT) ||
	    (result == 0 && !is_datagram(s)))
		return true;
	if (state->bits & OPB_CANCEL)
		/* What it has is delivered, as the last. */
		return true;
	state->stage = STAGE_CALLBACK;
	if (!proactor__complete_more(p, &op->base, 0, 0)) {
		op->bytes = 0;
		*status = PROACTOR_ECANCELED;
		return true;
	}
	state->stage = STAGE_KERNEL;
	op->bytes = 0;
	return begin_again(p, &op->base);
}

/* The bytes of a send. */
size_t
proactor__ring_total(const struct proactor_send_op *op)
{
	size_t i, total = 0;

	for (i = 0; i < op->span_count; i++)
		total += op->spans[i].length;
	return total;
}

static bool
decode_send(struct proactor *p, struct proactor_send_op *op, int result,
    int *status)
{
	struct op_state *state = op_state(&op->base);

	if (result < 0)
		return failed(p, &op->base, op->socket, PROACTOR_POLL_OUT,
		    result, status);
	op->bytes += (size_t)result;
	*status = 0;
	if (op->bytes >= proactor__ring_total(op) || is_datagram(op->socket))
		return true;
	if (state->bits & OPB_CANCEL) {
		*status = PROACTOR_ECANCELED;
		return true;
	}
	return begin_again(p, &op->base);
}

/*
 * Without a copy there are two completions: the result, which is kept, and
 * the notification that the memory is free.  A failure may come with or
 * without the second one; MORE tells.
 */
static bool
decode_send_zc(struct proactor *p, struct proactor_send_op *op, int result,
    unsigned int cqe_flags, int *status, unsigned int *flags)
{
	struct op_state *state = op_state(&op->base);
	unsigned int shape = state->shape;

	if (cqe_flags & IORING_CQE_F_NOTIF) {
		if ((unsigned int)result & IORING_NOTIF_USAGE_ZC_COPIED)
			shape |= SHAPE_COPIED;
		result = state->status;
		state->bits &= (uint16_t)~OPB_HELD;
	} else if (cqe_flags & IORING_CQE_F_MORE) {
		state->status = result;
		if ((state->bits & OPB_CANCEL) || result < 0 ||
		    op->bytes + (size_t)result >= proactor__ring_total(op)) {
			state->bits |= OPB_HELD;
			proactor__socket_held(p, op->socket);
		}
		return false;
	} else
		shape |= SHAPE_COPIED;
	if (result == -EOPNOTSUPP) {
		/* The protocol has no such thing: copy from now on. */
		op->socket->options &= (uint8_t)~PROACTOR_SOCKET_ZERO_COPY;
		return begin_again(p, &op->base);
	}
	if ((result == -ENOMEM || result == -ENOBUFS) &&
	    !(state->bits & OPB_CANCEL)) {
		/* RLIMIT_MEMLOCK, or net.core.optmem_max: copy this one. */
		state->bits |= OPB_COPY;
		return begin_again(p, &op->base);
	}
	if (!decode_send(p, op, result, status))
		return false;
	if (*status == 0 && !(shape & SHAPE_COPIED))
		*flags |= PROACTOR_COMPLETION_ZERO_COPY_ACHIEVED;
	return true;
}

/* A connection: 0, or why it was lost. */
static int
take_connection(struct proactor_accept_op *op, int fd)
{
	op->accepted = proactor__socket_accepted(op->listener, fd);
	if (op->accepted == NULL)
		return PROACTOR_ENOMEM;
	/*
	 * The kernel has one place for the address, which several connections
	 * of a multishot share; of those the sockets are asked.  The peer may
	 * be gone already, and then there is none.
	 */
	if (op_state(&op->base)->shape & SHAPE_MULTISHOT)
		proactor__sys_peer_address(fd, &op->peer);
	else if (op->peer.length > sizeof(op->peer.storage.bytes))
		op->peer.length = sizeof(op->peer.storage.bytes);
	return 0;
}

/*
 * After a cancel there must be no callback with MORE: one connection that
 * was late is kept for the final callback, others are turned away.
 */
static bool
accept_late(struct proactor_accept_op *op, int result, bool more, int *status)
{
	struct op_state *s = op_state(&op->base);

	if (result >= 0 && !(s->shape & SHAPE_STASHED)) {
		s->shape |= SHAPE_STASHED;
		s->status = result;
	} else if (result >= 0)
		proactor__sys_close(result);
	if (more)
		return false;
	if (s->shape & SHAPE_STASHED)
		*status = take_connection(op, s->status);
	else
		*status = result < 0 && !is_interrupted(result) &&
		    result != -EAGAIN ? result : PROACTOR_ECANCELED;
	return true;
}

static bool
decode_accept(struct proactor *p, struct proactor_accept_op *op, int result,
    unsigned int cqe_flags, int *status)
{
	struct op_state *s = op_state(&op->base);
	bool armed = (cqe_flags & IORING_CQE_F_MORE) != 0;
	bool rest = false;

	op->accepted = NULL;
	if (result < 0)
		op->peer.length = 0;
	if (s->bits & OPB_CANCEL)
		return accept_late(op, result, armed, status);
	if (is_interrupted(result) || result == -EAGAIN)
		return failed(p, &op->base, op->listener, PROACTOR_POLL_IN,
		    result, status);
	*status = result < 0 ? result : take_connection(op, result);
	if (!(op->base.flags & PROACTOR_OP_MULTISHOT))
		return true;
	if (*status != 0) {
		if (!accept_survives(*status))
			return true;
		rest = *status != PROACTOR_ECONNABORTED;
	}
	if (!armed)
		s->stage = STAGE_CALLBACK;
	if (proactor__complete_more(p, &op->base, *status, 0)) {
		if (armed)
			return false;
		s->stage = STAGE_KERNEL;
		if (rest)
			proactor__ring_pause(p, &op->base);
		else
			proactor__ring_start(p, &op->base);
		return false;
	}
	/* Canceled meanwhile; an armed one has a completion to come. */
	op->accepted = NULL;
	op->peer.length = 0;
	*status = PROACTOR_ECANCELED;
	return !armed;
}

static bool
decode_connect(struct proactor *p, struct proactor_connect_op *op, int result,
    int *status)
{
	bool canceled = (op_state(&op->base)->bits & OPB_CANCEL) != 0;

	*status = result;
	if (result == -EINPROGRESS || result == -EALREADY ||
	    is_interrupted(result)) {
		if (!canceled) {
			proactor__ring_wait_ready(p, &op->base,
			    op->socket->fd, PROACTOR_POLL_OUT);
			return false;
		}
		*status = PROACTOR_ECANCELED;
	}
	if (result == -EAGAIN && !canceled &&
	    op->socket->kind == PROACTOR_SOCKET_UNIX_STREAM) {
		/* The backlog is full, and nobody tells when it is not. */
		proactor__ring_pause(p, &op->base);
		return false;
	}
	proactor__socket_connected(&op->base, *status);
	return true;
}

static bool
decode_recvfrom(struct proactor *p, struct proactor_recvfrom_op *op,
    int result, int *status)
{
	struct message_area *area = (struct message_area *)(void *)op->opaque;

	if (result < 0)
		return failed(p, &op->base, op->socket, PROACTOR_POLL_IN,
		    result, status);
	op->bytes = (size_t)result;
	op->truncated = (area->header.msg_flags & MSG_TRUNC) != 0;
	op->peer.length = area->header.msg_namelen <
	    sizeof(op->peer.storage.bytes) ? area->header.msg_namelen :
	    (uint32_t)sizeof(op->peer.storage.bytes);
	*status = 0;
	return true;
}

static bool
decode_sendto(struct proactor *p, struct proactor_sendto_op *op, int result,
    int *status)
{
	if (result < 0)
		return failed(p, &op->base, op->socket, PROACTOR_POLL_OUT,
		    result, status);
	op->bytes = (size_t)result;
	*status = 0;
	return true;
}

bool
proactor__ring_decode_socket(struct proactor *p, struct proactor_op *op,
    int result, unsigned int cqe_flags, int *status, unsigned int *flags)
{
	switch (op->type) {
	case PROACTOR_OP_RECV:
		return decode_recv(p, AS(recv, op), result, cqe_flags, status);
	case PROACTOR_OP_SEND:
		if (op_state(op)->shape & SHAPE_ZC)
			return decode_send_zc(p, AS(send, op), result,
			    cqe_flags, status, flags);
		return decode_send(p, AS(send, op), result, status);
	case PROACTOR_OP_ACCEPT:
		return decode_accept(p, AS(accept, op), result, cqe_flags,
		    status);
	case PROACTOR_OP_CONNECT:
		return decode_connect(p, AS(connect, op), result, status);
	case PROACTOR_OP_RECVFROM:
		return decode_recvfrom(p, AS(recvfrom, op), result, status);
	default:
		return decode_sendto(p, AS(sendto, op), result, status);
	}
}
