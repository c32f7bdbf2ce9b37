/* SPDX-License-Identifier: ISC */
/*
 * The operations on sockets.  A socket has a queue for each direction.  On a
 * stream only the first of a queue is with the backend, which is what keeps
 * the order and the bytes of sends together; on a datagram socket all are.
 */
#include "config.h"

#include "core/class.h"

/* Every socket operation has its socket first. */
struct socket_op {
	struct proactor_op base;
	struct proactor_socket *socket;
};

static struct proactor_socket *
socket_of(struct proactor_op *op)
{
	return container_of(op, struct socket_op, base)->socket;
}

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

static inline int
check_socket(struct proactor *p, struct proactor_op *op)
{
	struct proactor_socket *s = socket_of(op);

	if (s == NULL || s->object.p != p)
		return PROACTOR_EINVAL;
	if (atomic_load_explicit(&s->state, memory_order_relaxed) >=
	    PROACTOR_SOCKET_STATE_CLOSING)
		return PROACTOR_EBADF;
	return 0;
}

static void
retain(struct proactor_op *op)
{
	object_retain(&socket_of(op)->object);
}

static void
abandon(struct proactor_op *op)
{
	proactor_socket_release(socket_of(op));
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
static bool
enqueue(struct proactor_op *op)
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
static void
post(struct proactor *p, struct proactor_op *op, int status)
{
	op_state(op)->bits |= OPB_POSTED;
	socket_of(op)->posted++;
	proactor__post(p, op, status, 0);
}

static void
cancel(struct proactor *p, struct proactor_op *op)
{
	list_remove(&op_state(op)->link);
	post(p, op, PROACTOR_ECANCELED);
}

/* A member of a chain whose turn comes when its socket is being closed. */
static bool
is_late(struct proactor *p, struct proactor_op *op)
{
	struct proactor_socket *s = socket_of(op);

	if (s->close == NULL && s->fd >= 0)
		return false;
	post(p, op, s->fd < 0 ? PROACTOR_EBADF : PROACTOR_ECANCELED);
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

/* A close that waited for the last operation goes on. */
static void
close_if_idle(struct proactor *p, struct proactor_socket *s)
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
		close_if_idle(p, s);
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
		cancel(p, op_of_state(next));
	}
}

static void
leave(struct proactor *p, struct proactor_op *op)
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
		close_if_idle(p, s);
	else if (queue == &s->in ? s->hot_in : s->hot_out)
		unsettle(queue);
	proactor_socket_release(s);
}

/* In a chain of the kernel's nothing may stand before it in its queue. */
static bool
linkable(struct proactor_op *op)
{
	struct proactor_socket *s = socket_of(op);

	settle(queue_of(op));
	return s->close == NULL && (is_datagram(s) || list_empty(queue_of(op)));
}

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
	return enqueue(op);
}

static void
accept_begin(struct proactor *p, struct proactor_op *op)
{
	if (!is_late(p, op))
		start(p, op, accept_enter(p, op));
}

const struct op_class proactor__accept_class = {
	.name = "socket accept",
	.size = sizeof(struct proactor_accept_op),
	.flags = PROACTOR_OP_MULTISHOT,
	.check = accept_check,
	.retain = retain,
	.begin = accept_begin,
	.enter = accept_enter,
	.linkable = linkable,
	.cancel = cancel,
	.abandon = abandon,
	.leave = leave,
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
	return enqueue(op);
}

static void
connect_begin(struct proactor *p, struct proactor_op *op)
{
	if (atomic_load(&socket_of(op)->state) ==
	    PROACTOR_SOCKET_STATE_CONNECTING)
		post(p, op, PROACTOR_EALREADY);
	else if (!is_late(p, op))
		start(p, op, connect_enter(p, op));
}

const struct op_class proactor__connect_class = {
	.name = "socket connect",
	.size = sizeof(struct proactor_connect_op),
	.check = connect_check,
	.retain = retain,
	.begin = connect_begin,
	.enter = connect_enter,
	.linkable = linkable,
	.cancel = cancel,
	.abandon = abandon,
	.leave = leave,
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
	return enqueue(op);
}

static void
recv_begin(struct proactor *p, struct proactor_op *op)
{
	if (!is_late(p, op))
		start(p, op, recv_enter(p, op));
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
	.retain = retain,
	.begin = recv_begin,
	.enter = recv_enter,
	.linkable = linkable,
	.cancel = cancel,
	.abandon = abandon,
	.leave = leave,
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
	return enqueue(op);
}

static void
send_begin(struct proactor *p, struct proactor_op *op)
{
	if (!is_late(p, op))
		start(p, op, send_enter(p, op));
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
	.retain = retain,
	.begin = send_begin,
	.enter = send_enter,
	.linkable = linkable,
	.cancel = cancel,
	.abandon = abandon,
	.leave = leave,
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
	return enqueue(op);
}

static void
recvfrom_begin(struct proactor *p, struct proactor_op *op)
{
	if (!is_late(p, op))
		start(p, op, recvfrom_enter(p, op));
}

const struct op_class proactor__recvfrom_class = {
	.name = "socket recvfrom",
	.size = sizeof(struct proactor_recvfrom_op),
	.check = recvfrom_check,
	.retain = retain,
	.begin = recvfrom_begin,
	.enter = recvfrom_enter,
	.linkable = linkable,
	.cancel = cancel,
	.abandon = abandon,
	.leave = leave,
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
	return enqueue(op);
}

static void
sendto_begin(struct proactor *p, struct proactor_op *op)
{
	if (!is_late(p, op))
		start(p, op, sendto_enter(p, op));
}

const struct op_class proactor__sendto_class = {
	.name = "socket sendto",
	.size = sizeof(struct proactor_sendto_op),
	.check = sendto_check,
	.retain = retain,
	.begin = sendto_begin,
	.enter = sendto_enter,
	.linkable = linkable,
	.cancel = cancel,
	.abandon = abandon,
	.leave = leave,
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

/*
 * Close.  The socket is CLOSING from the moment that the close is accepted;
 * the state before it is kept for a batch that is refused and for a chain
 * that does not come this far.
 */

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
	proactor__object_list(&s->object);
	proactor__socket_settle(s);
	cancel_queue(p, &s->in);
	cancel_queue(p, &s->out);
	close_if_idle(p, s);
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
