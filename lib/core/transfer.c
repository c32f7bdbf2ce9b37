/* SPDX-License-Identifier: ISC */
/* The operations that move bytes: recv and send. */
#include "config.h"

#include "core/stream.h"

/* Receive. */

static inline int
recv_check(struct proactor *p, struct proactor_op *op)
{
	struct proactor_recv_op *r =
	    container_of(op, struct proactor_recv_op, base);
	int error = check_socket(p, op);

	return error != 0 ? error :
	    proactor__spans_check(r->spans, r->span_count);
}

/* Can a stream operation go to the backend at once, and in one piece? */
static inline bool
is_usual(struct proactor *p, struct proactor_socket *s,
    const struct proactor_span *spans, size_t count)
{
	return s->object.p == p && atomic_load_explicit(&s->state,
	    memory_order_relaxed) < PROACTOR_SOCKET_STATE_CLOSING &&
	    count == 1 && spans[0].region == NULL && spans[0].offset != 0 &&
	    spans[0].length <= BACKEND_LENGTH_MAX;
}

/* The last reference to the socket was the operation's. */
void
proactor__stream_done_last(struct proactor *p, struct proactor_op *op,
    struct proactor_socket *s)
{
	(void)p;
	proactor__socket_destroy(s);
	op->callback(op->user_data, op, 0, 0);
}

static bool
recv_enter(struct proactor *p, struct proactor_op *op)
{
	(void)p;
	container_of(op, struct proactor_recv_op, base)->bytes = 0;
	return proactor__stream_enqueue(op);
}

int
proactor__recv_submit(struct proactor *p, struct proactor_op *op)
{
	struct proactor_recv_op *r =
	    container_of(op, struct proactor_recv_op, base);
	struct proactor_socket *s = r->socket;

	if (s == NULL || s->in.next != NULL ||
	    !is_usual(p, s, r->spans, r->span_count))
		return proactor__submit_plain(p, op);
	s->in.next = &op_state(op)->link;
	object_retain(&s->object);
	op_accept(p, op, STAGE_KERNEL);
	return p->backend->start_recv(p, r);
}

const struct op_class proactor__recv_class = {
	.name = "socket recv",
	.size = sizeof(struct proactor_recv_op),
	.flags = PROACTOR_OP_MULTISHOT,
	.check = recv_check,
	.retain = proactor__stream_retain,
	.begin = proactor__stream_begin,
	.enter = recv_enter,
	.linkable = proactor__stream_linkable,
	.cancel = proactor__stream_cancel,
	.abandon = proactor__stream_abandon,
	.leave = proactor__stream_leave,
};

void
proactor_recv_op_init(struct proactor_recv_op *op,
    struct proactor_socket *socket, const struct proactor_span *spans,
    size_t span_count, proactor_callback callback, void *user_data)
{
	if (op == NULL)
		return;
	proactor__op_init(&op->base, PROACTOR_OP_RECV, callback, user_data);
	op->socket = socket;
	op->span_count = proactor__spans_init(op->spans, spans, span_count);
	op->bytes = 0;
}

/* Send. */

static inline int
send_check(struct proactor *p, struct proactor_op *op)
{
	struct proactor_send_op *s =
	    container_of(op, struct proactor_send_op, base);
	int error = check_socket(p, op);

	if (error != 0)
		return error;
	if ((s->send_flags & ~PROACTOR_SEND_MORE) != 0)
		return PROACTOR_EINVAL;
	return proactor__spans_check(s->spans, s->span_count);
}

static bool
send_enter(struct proactor *p, struct proactor_op *op)
{
	(void)p;
	container_of(op, struct proactor_send_op, base)->bytes = 0;
	return proactor__stream_enqueue(op);
}

int
proactor__send_submit(struct proactor *p, struct proactor_op *op)
{
	struct proactor_send_op *o =
	    container_of(op, struct proactor_send_op, base);
	struct proactor_socket *s = o->socket;

	if (s == NULL || s->out.next != NULL || o->send_flags != 0 ||
	    !is_usual(p, s, o->spans, o->span_count))
		return proactor__submit_plain(p, op);
	s->out.next = &op_state(op)->link;
	object_retain(&s->object);
	op_accept(p, op, STAGE_KERNEL);
	return p->backend->start_send(p, o);
}

const struct op_class proactor__send_class = {
	.name = "socket send",
	.size = sizeof(struct proactor_send_op),
	.check = send_check,
	.retain = proactor__stream_retain,
	.begin = proactor__stream_begin,
	.enter = send_enter,
	.linkable = proactor__stream_linkable,
	.cancel = proactor__stream_cancel,
	.abandon = proactor__stream_abandon,
	.leave = proactor__stream_leave,
};

void
proactor_send_op_init(struct proactor_send_op *op,
    struct proactor_socket *socket, const struct proactor_span *spans,
    size_t span_count, unsigned int send_flags, proactor_callback callback,
    void *user_data)
{
	if (op == NULL)
		return;
	proactor__op_init(&op->base, PROACTOR_OP_SEND, callback, user_data);
	op->socket = socket;
	op->span_count = proactor__spans_init(op->spans, spans, span_count);
	op->send_flags = send_flags;
	op->reserved = 0;
	op->bytes = 0;
}
