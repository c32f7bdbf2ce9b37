/* SPDX-License-Identifier: ISC */
/*
 * The operations on sockets.  A socket has a queue for each direction.  On a
 * stream only the first of a queue is with the backend, which is what keeps
 * the order and the bytes of sends together; on a datagram socket all are.
 */
#include "config.h"

#include "core/stream.h"

static bool
is_out(const struct proactor_op *op)
{
	return op->type == PROACTOR_OP_SEND || op->type == PROACTOR_OP_SENDTO ||
	    op->type == PROACTOR_OP_CONNECT;
}

static struct link *
queue_of(struct proactor_op *op)
{
	struct proactor_socket *s = socket_of(op);

	return is_out(op) ? &s->out : &s->in;
}

/*
 * Most of the time a direction has one operation at a time, and is not worth
 * a list.  A queue is in one of three forms:
 *   ready: next and prev are NULL, and the short way may be taken;
 *   alone: next is the link of the one operation, prev is NULL;
 *   settled: a list like others.
 * All but the short way settles it first.
 */
static void
settle(struct link *queue)
{
	struct link *l = queue->next;

	if (queue->prev != NULL)
		return;
	list_init(queue);
	if (l != NULL)
		list_append(queue, l);
}

void
proactor__socket_settle(struct proactor_socket *s)
{
	settle(&s->in);
	settle(&s->out);
}

static void
unsettle(struct link *queue)
{
	if (list_empty(queue))
		queue->next = queue->prev = NULL;
}

/* Takes its place; true when it is its turn. */
bool
proactor__stream_enqueue(struct proactor_op *op)
{
	struct proactor_socket *s = socket_of(op);
	struct link *queue = queue_of(op);
	bool first;

	settle(queue);
	first = list_empty(queue) || is_datagram(s);
	if (!s->object.listed)
		proactor__object_list(&s->object);
	list_append(queue, &op_state(op)->link);
	return first;
}

/* A close of the socket waits until it has been called back. */
void
proactor__stream_post(struct proactor *p, struct proactor_op *op, int status)
{
	op_state(op)->bits |= OPB_POSTED;
	socket_of(op)->posted++;
	proactor__post(p, op, status, 0);
}

void
proactor__stream_cancel(struct proactor *p, struct proactor_op *op)
{
	list_remove(&op_state(op)->link);
	proactor__stream_post(p, op, PROACTOR_ECANCELED);
}

/* A member of a chain whose turn comes when its socket is being closed. */
static bool
is_late(struct proactor *p, struct proactor_op *op)
{
	struct proactor_socket *s = socket_of(op);

	if (s->close == NULL && s->fd >= 0)
		return false;
	proactor__stream_post(p, op, s->fd < 0 ? PROACTOR_EBADF :
	    PROACTOR_ECANCELED);
	return true;
}

static void
start(struct proactor *p, struct proactor_op *op, bool first)
{
	if (first) {
		op_state(op)->stage = STAGE_KERNEL;
		p->backend->start(p, op);
	} else
		op_state(op)->stage = STAGE_QUEUED;
}

/* Begins what its class lets enter. */
void
proactor__stream_begin(struct proactor *p, struct proactor_op *op)
{
	if (!is_late(p, op))
		start(p, op, proactor__class(op->type)->enter(p, op));
}

/* A close that waited for the last operation goes on. */
void
proactor__stream_close_if_idle(struct proactor *p, struct proactor_socket *s)
{
	struct op_state *close, *state;
	struct link *l;

	if (s->close == NULL || s->posted != 0)
		return;
	proactor__socket_settle(s);
	if (!list_empty(&s->in))
		return;
	close = op_state(s->close);
	if (close->stage == STAGE_CLOSED && list_empty(&s->out))
		proactor__post(p, s->close, close->status, 0);
	if (close->stage != STAGE_CLOSING)
		return;
	/* The end of the connection may be what sets their memory free. */
	for (l = s->out.next; l != &s->out; l = l->next) {
		state = container_of(l, struct op_state, link);
		if (!(state->bits & OPB_HELD) && state->stage != STAGE_QUEUED)
			return;
	}
	close->stage = STAGE_KERNEL;
	p->backend->start(p, s->close);
}

/* A send of the socket has come to wait for its memory only. */
void
proactor__socket_held(struct proactor *p, struct proactor_socket *s)
{
	if (s->close != NULL)
		proactor__stream_close_if_idle(p, s);
}

/*
 * The backend has closed the descriptor.  True when that completes op; else
 * sends still wait for their memory, and it completes after them.
 */
bool
proactor__socket_closed(struct proactor *p, struct proactor_op *op, int status)
{
	struct proactor_socket *s = socket_of(op);

	(void)p;
	s->fd = -1;
	settle(&s->out);
	if (list_empty(&s->out))
		return true;
	op_state(op)->status = status;
	op_state(op)->stage = STAGE_CLOSED;
	return false;
}

/*
 * The first of a queue has left: the next begins, or ends if the socket's
 * close has cancelled it.
 */
static void
go_on(struct proactor *p, struct link *queue)
{
	struct op_state *next;

	while (!list_empty(queue)) {
		next = container_of(queue->next, struct op_state, link);
		if (next->stage != STAGE_QUEUED)
			break;
		if (!(next->bits & OPB_CANCEL)) {
			start(p, op_of_state(next), true);
			break;
		}
		proactor__stream_cancel(p, op_of_state(next));
	}
}

void
proactor__stream_leave(struct proactor *p, struct proactor_op *op)
{
	struct proactor_socket *s = socket_of(op);
	struct link *queue = queue_of(op);
	struct op_state *state = op_state(op);

	settle(queue);
	if (state->bits & OPB_POSTED)
		s->posted--;
	list_remove(&state->link);
	list_init(&state->link);
	go_on(p, queue);
	if (s->close != NULL)
		proactor__stream_close_if_idle(p, s);
	else if (queue == &s->in ? s->hot_in : s->hot_out)
		unsettle(queue);
	proactor_socket_release(s);
}

void
proactor__stream_retain(struct proactor_op *op)
{
	object_retain(&socket_of(op)->object);
}

void
proactor__stream_abandon(struct proactor_op *op)
{
	proactor_socket_release(socket_of(op));
}

/* In a chain of the kernel's nothing may stand before it in its queue. */
bool
proactor__stream_linkable(struct proactor_op *op)
{
	struct proactor_socket *s = socket_of(op);

	settle(queue_of(op));
	return s->close == NULL && (is_datagram(s) || list_empty(queue_of(op)));
}
