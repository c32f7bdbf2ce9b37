/* SPDX-License-Identifier: ISC */
/* The operations on datagrams with an address: recvfrom and sendto. */
#include "config.h"

#include "core/stream.h"

/* Receive with an address. */

static int
recvfrom_check(struct proactor *p, struct proactor_op *op)
{
	struct proactor_recvfrom_op *r =
	    container_of(op, struct proactor_recvfrom_op, base);
	int error = check_socket(p, op);

	return error != 0 ? error :
	    proactor__spans_check(r->spans, r->span_count);
}

static bool
recvfrom_enter(struct proactor *p, struct proactor_op *op)
{
	struct proactor_recvfrom_op *r =
	    container_of(op, struct proactor_recvfrom_op, base);

	(void)p;
	r->bytes = 0;
	r->truncated = 0;
	r->peer.length = 0;
	return proactor__stream_enqueue(op);
}

const struct op_class proactor__recvfrom_class = {
	.name = "socket recvfrom",
	.size = sizeof(struct proactor_recvfrom_op),
	.check = recvfrom_check,
	.retain = proactor__stream_retain,
	.begin = proactor__stream_begin,
	.enter = recvfrom_enter,
	.linkable = proactor__stream_linkable,
	.cancel = proactor__stream_cancel,
	.abandon = proactor__stream_abandon,
	.leave = proactor__stream_leave,
};

void
proactor_recvfrom_op_init(struct proactor_recvfrom_op *op,
    struct proactor_socket *socket, const struct proactor_span *spans,
    size_t span_count, proactor_callback callback, void *user_data)
{
	if (op == NULL)
		return;
	proactor__op_init(&op->base, PROACTOR_OP_RECVFROM, callback,
	    user_data);
	op->socket = socket;
	op->span_count = proactor__spans_init(op->spans, spans, span_count);
	op->bytes = 0;
	op->truncated = 0;
	op->reserved = 0;
	op->peer.length = 0;
	op->peer.reserved = 0;
}

/* Send to an address. */

static int
sendto_check(struct proactor *p, struct proactor_op *op)
{
	struct proactor_sendto_op *s =
	    container_of(op, struct proactor_sendto_op, base);
	int error = check_socket(p, op);

	if (error != 0)
		return error;
	if ((s->send_flags & ~PROACTOR_SEND_MORE) != 0 ||
	    !is_datagram(s->socket) ||
	    !proactor__address_fits(&s->address, s->socket->kind))
		return PROACTOR_EINVAL;
	return proactor__spans_check(s->spans, s->span_count);
}

static bool
sendto_enter(struct proactor *p, struct proactor_op *op)
{
	(void)p;
	container_of(op, struct proactor_sendto_op, base)->bytes = 0;
	return proactor__stream_enqueue(op);
}

const struct op_class proactor__sendto_class = {
	.name = "socket sendto",
	.size = sizeof(struct proactor_sendto_op),
	.check = sendto_check,
	.retain = proactor__stream_retain,
	.begin = proactor__stream_begin,
	.enter = sendto_enter,
	.linkable = proactor__stream_linkable,
	.cancel = proactor__stream_cancel,
	.abandon = proactor__stream_abandon,
	.leave = proactor__stream_leave,
};

void
proactor_sendto_op_init(struct proactor_sendto_op *op,
    struct proactor_socket *socket, const struct proactor_span *spans,
    size_t span_count, const struct proactor_address *address,
    unsigned int send_flags, proactor_callback callback, void *user_data)
{
	if (op == NULL)
		return;
	proactor__op_init(&op->base, PROACTOR_OP_SENDTO, callback, user_data);
	op->socket = socket;
	op->span_count = proactor__spans_init(op->spans, spans, span_count);
	op->send_flags = send_flags;
	op->reserved = 0;
	op->address.length = 0;
	if (address != NULL)
		op->address = *address;
	op->bytes = 0;
}
