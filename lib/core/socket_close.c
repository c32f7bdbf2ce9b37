/* SPDX-License-Identifier: ISC */
/*
 * The end of a socket, which is CLOSING from the moment that the close is
 * accepted; the state before it is kept for a batch that is refused and for a
 * chain that does not come this far.
 */
#include "config.h"

#include "core/stream.h"

static struct proactor_socket_close_op *
close_of(struct proactor_op *op)
{
	return container_of(op, struct proactor_socket_close_op, base);
}

static int
close_check(struct proactor *p, struct proactor_op *op)
{
	struct proactor_socket *s = socket_of(op);
	uint8_t state;

	if (s == NULL || s->object.p != p)
		return PROACTOR_EINVAL;
	state = atomic_load(&s->state);
	do {
		if (state >= PROACTOR_SOCKET_STATE_CLOSING)
			return PROACTOR_EBADF;
	} while (!atomic_compare_exchange_weak(&s->state, &state,
	    PROACTOR_SOCKET_STATE_CLOSING));
	close_of(op)->opaque[0] = state;
	return 0;
}

static void
close_uncheck(struct proactor_op *op)
{
	atomic_store(&socket_of(op)->state, (uint8_t)close_of(op)->opaque[0]);
}

/* Those that have not begun end in their turn, after those that have. */
static void
cancel_queue(struct proactor *p, struct link *queue)
{
	struct op_state *s;
	struct link *l, *next;

	for (l = queue->next; l != queue; l = next) {
		next = l->next;
		s = container_of(l, struct op_state, link);
		if (s->stage == STAGE_QUEUED)
			s->bits |= OPB_CANCEL;
		else
			proactor__cancel(p, op_of_state(s));
	}
}

static void
close_begin(struct proactor *p, struct proactor_op *op)
{
	struct proactor_socket *s = socket_of(op);

	s->close = op;
	op_state(op)->stage = STAGE_CLOSING;
	if (!s->object.listed)
		proactor__object_list(&s->object);
	proactor__socket_settle(s);
	cancel_queue(p, &s->in);
	cancel_queue(p, &s->out);
	proactor__stream_close_if_idle(p, s);
}

static void
close_abandon(struct proactor_op *op)
{
	struct proactor_socket *s = socket_of(op);

	if (s->close == op) {
		s->close = NULL;
		proactor_socket_release(s);
	} else
		close_uncheck(op);
}

static void
close_leave(struct proactor *p, struct proactor_op *op)
{
	struct proactor_socket *s = socket_of(op);

	(void)p;
	if (s->close == op) {
		s->close = NULL;
		s->fd = -1;
		atomic_store(&s->state, PROACTOR_SOCKET_STATE_CLOSED);
		proactor_socket_release(s);
	} else
		close_uncheck(op);
}

const struct op_class proactor__socket_close_class = {
	.name = "socket close",
	.size = sizeof(struct proactor_socket_close_op),
	.check = close_check,
	.uncheck = close_uncheck,
	.begin = close_begin,
	.abandon = close_abandon,
	.leave = close_leave,
};

void
proactor_socket_close_op_init(struct proactor_socket_close_op *op,
    struct proactor_socket *socket, proactor_callback callback,
    void *user_data)
{
	if (op == NULL)
		return;
	proactor__op_init(&op->base, PROACTOR_OP_SOCKET_CLOSE, callback,
	    user_data);
	op->socket = socket;
}
