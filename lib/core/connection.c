/* SPDX-License-Identifier: ISC */
/* The operations that make connections: accept and connect. */
#include "config.h"

#include "core/stream.h"

/* Accept. */

static int
accept_check(struct proactor *p, struct proactor_op *op)
{
	int error = check_socket(p, op);

	if (error != 0)
		return error;
	return atomic_load(&socket_of(op)->state) ==
	    PROACTOR_SOCKET_STATE_LISTENING ? 0 : PROACTOR_EINVAL;
}

static bool
accept_enter(struct proactor *p, struct proactor_op *op)
{
	struct proactor_accept_op *a =
	    container_of(op, struct proactor_accept_op, base);

	(void)p;
	a->accepted = NULL;
	a->peer.length = 0;
	return proactor__stream_enqueue(op);
}

const struct op_class proactor__accept_class = {
	.name = "socket accept",
	.size = sizeof(struct proactor_accept_op),
	.flags = PROACTOR_OP_MULTISHOT,
	.check = accept_check,
	.retain = proactor__stream_retain,
	.begin = proactor__stream_begin,
	.enter = accept_enter,
	.linkable = proactor__stream_linkable,
	.cancel = proactor__stream_cancel,
	.abandon = proactor__stream_abandon,
	.leave = proactor__stream_leave,
};

void
proactor_accept_op_init(struct proactor_accept_op *op,
    struct proactor_socket *listener, proactor_callback callback,
    void *user_data)
{
	if (op == NULL)
		return;
	proactor__op_init(&op->base, PROACTOR_OP_ACCEPT, callback, user_data);
	op->listener = listener;
	op->accepted = NULL;
	op->peer.length = 0;
	op->peer.reserved = 0;
}

/* Connect. */

static int
connect_check(struct proactor *p, struct proactor_op *op)
{
	struct proactor_connect_op *c =
	    container_of(op, struct proactor_connect_op, base);
	int error = check_socket(p, op);

	if (error != 0)
		return error;
	return proactor__address_fits(&c->address, c->socket->kind) ? 0 :
	    PROACTOR_EINVAL;
}

static struct proactor_connect_op *
connect_of(struct proactor_op *op)
{
	return container_of(op, struct proactor_connect_op, base);
}

static bool
connect_enter(struct proactor *p, struct proactor_op *op)
{
	struct proactor_socket *s = socket_of(op);
	uint8_t state = atomic_load(&s->state);

	(void)p;
	if (state == PROACTOR_SOCKET_STATE_CREATED ||
	    state == PROACTOR_SOCKET_STATE_BOUND) {
		connect_of(op)->opaque[0] = state;
		atomic_compare_exchange_strong(&s->state, &state,
		    PROACTOR_SOCKET_STATE_CONNECTING);
	} else
		connect_of(op)->opaque[0] = PROACTOR_SOCKET_STATE_BOUND;
	return proactor__stream_enqueue(op);
}

static void
connect_begin(struct proactor *p, struct proactor_op *op)
{
	if (atomic_load(&socket_of(op)->state) ==
	    PROACTOR_SOCKET_STATE_CONNECTING)
		proactor__stream_post(p, op, PROACTOR_EALREADY);
	else
		proactor__stream_begin(p, op);
}

const struct op_class proactor__connect_class = {
	.name = "socket connect",
	.size = sizeof(struct proactor_connect_op),
	.check = connect_check,
	.retain = proactor__stream_retain,
	.begin = connect_begin,
	.enter = connect_enter,
	.linkable = proactor__stream_linkable,
	.cancel = proactor__stream_cancel,
	.abandon = proactor__stream_abandon,
	.leave = proactor__stream_leave,
};

/*
 * The backend's word on a connect, before it is completed.  After a failure
 * the socket is what it was before.
 */
void
proactor__socket_connected(struct proactor_op *op, int status)
{
	struct proactor_socket *s = socket_of(op);
	uint8_t connecting = PROACTOR_SOCKET_STATE_CONNECTING;

	if (status == PROACTOR_EISCONN)
		return;
	/* The system would go on by itself; the socket is to be free. */
	if (status == PROACTOR_ECANCELED)
		proactor__sys_disconnect(s->fd, s->kind);
	atomic_compare_exchange_strong(&s->state, &connecting,
	    status == 0 ? PROACTOR_SOCKET_STATE_CONNECTED :
	    (uint8_t)connect_of(op)->opaque[0]);
	if (status != 0 && status != PROACTOR_ECANCELED)
		proactor__socket_fail(s, status);
}

void
proactor_connect_op_init(struct proactor_connect_op *op,
    struct proactor_socket *socket, const struct proactor_address *address,
    proactor_callback callback, void *user_data)
{
	if (op == NULL)
		return;
	proactor__op_init(&op->base, PROACTOR_OP_CONNECT, callback, user_data);
	op->socket = socket;
	op->address.length = 0;
	if (address != NULL)
		op->address = *address;
}
