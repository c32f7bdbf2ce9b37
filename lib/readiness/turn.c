/* SPDX-License-Identifier: ISC */
/*
 * The turn: attempts, what the demultiplexer tells, and the only place from
 * which the engine calls back.
 */
#include "readiness/engine.h"

#include <errno.h>
#include <sys/socket.h>

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL	0
#endif

/*
 * Turns, and completions, that make a look at the demultiplexer superfluous:
 * then others have waited for long enough.
 */
#define SKIP_TURNS	16u
#define SKIP_WORK	128u

/* Attempts of one turn. */
#define ATTEMPT_MAX	1024u

/* Callbacks of a multishot operation in one turn. */
#define MULTISHOT_MAX	64u

static bool
is_transfer(const struct proactor_op *op)
{
	return op->type == PROACTOR_OP_RECV || op->type == PROACTOR_OP_SEND ||
	    op->type == PROACTOR_OP_RECVFROM || op->type == PROACTOR_OP_SENDTO;
}

/* It is final, in a poll. */
static void
finish(struct engine *e, struct proactor_op *op, int status)
{
	switch (op->type) {
	case PROACTOR_OP_CONNECT:
		proactor__socket_connected(op, status);
		break;
	case PROACTOR_OP_RECV:
		if (status != 0)
			AS(recv, op)->bytes = 0;
		break;
	case PROACTOR_OP_ACCEPT:
		if (status != 0) {
			AS(accept, op)->accepted = NULL;
			AS(accept, op)->peer.length = 0;
		}
		break;
	case PROACTOR_OP_SOCKET_CLOSE:
		if (!proactor__socket_closed(e->p, op, status))
			return;
		break;
	}
	if (status < 0 && status != PROACTOR_ECANCELED && is_transfer(op))
		proactor__socket_fail(socket_of(op), status);
	proactor__complete(e->p, op, status, 0);
}

/*
 * A multishot receive or accept has something: calls back with MORE.  True
 * when the operation is final, with *status; else it needs what is in *next.
 */
static bool
deliver(struct engine *e, struct proactor_op *op, int *status,
    enum need *next)
{
	struct op_state *s = op_state(op);

	*next = NEED_TURN;
	if (op->type == PROACTOR_OP_RECV) {
		if (*status != 0 || (AS(recv, op)->bytes == 0 &&
		    !is_datagram(AS(recv, op)->socket)))
			return true;
	} else if (*status != 0) {
		if (!accept_survives(*status))
			return true;
		if (*status != PROACTOR_ECONNABORTED)
			*next = NEED_PAUSE;
	}
	s->stage = STAGE_CALLBACK;
	if (proactor__complete_more(e->p, op, *status, 0)) {
		s->stage = STAGE_KERNEL;
		return false;
	}
	*status = PROACTOR_ECANCELED;
	return true;
}

static void
run_multishot(struct engine *e, struct proactor_op *op)
{
	enum need need = NEED_TURN;
	unsigned int n;
	int status;

	for (n = 0; n < MULTISHOT_MAX && need == NEED_TURN; n++) {
		need = proactor__attempt(e, op, &status);
		if (need == NEED_NOTHING && deliver(e, op, &status, &need)) {
			finish(e, op, status);
			return;
		}
	}
	proactor__engine_await(e, op, need);
}

/* One operation that is nowhere, in a poll: it may call back. */
static void
run_any(struct engine *e, struct proactor_op *op)
{
	struct op_state *s = op_state(op);
	enum need need;
	int status;

	if (s->shape & SHAPE_DONE) {
		if (s->status == 0 && op->type == PROACTOR_OP_SEND &&
		    socket_of(op)->out.prev == NULL)
			proactor__stream_done(e->p, op, socket_of(op),
			    &socket_of(op)->out);
		else
			finish(e, op, s->status);
		return;
	}
	if ((s->bits & OPB_CANCEL) && op->type != PROACTOR_OP_SOCKET_CLOSE &&
	    op->type != PROACTOR_OP_FILE_CLOSE) {
		finish(e, op, PROACTOR_ECANCELED);
		return;
	}
	if (op->flags & PROACTOR_OP_MULTISHOT) {
		run_multishot(e, op);
		return;
	}
	need = proactor__attempt(e, op, &status);
	if (need == NEED_NOTHING)
		finish(e, op, status);
	else
		proactor__engine_await(e, op, need);
}

/*
 * What came by start_recv() and is alone in its queue: one span, no flags.
 * Only the usual is done here.
 */
static inline void
run_recv(struct engine *e, struct proactor_recv_op *op,
    struct proactor_socket *s)
{
	size_t length = op->spans[0].length;
	ssize_t n;

	n = recv(s->fd, (void *)op->spans[0].offset, length, MSG_DONTWAIT);
	if (n > 0) {
		op->bytes = (size_t)n;
		s->drained = (size_t)n < length && s->hinted;
		proactor__stream_done(e->p, &op->base, s, &s->in);
	} else if (n < 0 && errno == EAGAIN)
		proactor__engine_await(e, &op->base, NEED_IN);
	else
		run_any(e, &op->base);
}

/* The same for start_send(); what was sent before is none of it. */
static inline void
run_send(struct engine *e, struct proactor_send_op *op,
    struct proactor_socket *s)
{
	size_t length = op->spans[0].length;
	ssize_t n;

	n = send(s->fd, (void *)op->spans[0].offset, length,
	    MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n >= 0 && (size_t)n == length) {
		op->bytes = length;
		proactor__stream_done(e->p, &op->base, s, &s->out);
	} else if (n > 0) {
		op->bytes = (size_t)n;
		proactor__engine_await(e, &op->base, NEED_OUT);
	} else
		run_any(e, &op->base);
}

static void
run(struct engine *e, struct proactor_op *op)
{
	struct proactor_socket *s;

	if ((op_state(op)->bits | op_state(op)->shape) == 0) {
		if (op->type == PROACTOR_OP_SEND) {
			s = AS(send, op)->socket;
			if (s->out.prev == NULL && AS(send, op)->bytes == 0) {
				run_send(e, AS(send, op), s);
				return;
			}
		} else if (op->type == PROACTOR_OP_RECV) {
			s = AS(recv, op)->socket;
			if (s->in.prev == NULL) {
				run_recv(e, AS(recv, op), s);
				return;
			}
		}
	}
	run_any(e, op);
}

/* Does anything wait in the queue of a socket? */
static bool
is_awaited(const struct link *queue)
{
	return queue->next != NULL && queue->next != queue;
}

/* What waits in the queue of a socket that is ready. */
static void
queue_ready(struct engine *e, struct proactor_socket *s, struct link *queue)
{
	struct op_state *state;
	struct link *l = queue->next;

	if (!is_awaited(queue))
		return;
	if (queue->prev == NULL || !is_datagram(s)) {
		state = container_of(l, struct op_state, link);
		if (state->shape & SHAPE_PARKED) {
			state->shape &= (uint8_t)~SHAPE_PARKED;
			run(e, op_of_state(state));
		}
		return;
	}
	for (; l != queue; l = l->next) {
		state = container_of(l, struct op_state, link);
		if (state->shape & SHAPE_PARKED) {
			state->shape &= (uint8_t)~SHAPE_PARKED;
			op_list_append(&e->due, op_of_state(state));
		}
	}
}

static struct slot *
slot_of_key(struct engine *e, uint64_t key)
{
	uint32_t fd = (uint32_t)key;

	if (fd >= e->slot_count || e->slots[fd].generation != key >> 32)
		return NULL;
	return &e->slots[fd];
}

static void
socket_fired(struct engine *e, uint64_t key, struct slot *slot,
    unsigned int events)
{
	const unsigned int end = PROACTOR_POLL_ERR | PROACTOR_POLL_HUP;
	const unsigned int last = end | READY_END | READY_URGENT;
	struct proactor_socket *s = slot->who;
	unsigned int left;
	bool in, out;

	in = (events & (PROACTOR_POLL_IN | last)) != 0;
	out = (events & (PROACTOR_POLL_OUT | end)) != 0;
	if (events & last) {
		s->ended = true;
		s->hinted = false;
	}
	if (in)
		s->drained = false;
	if (slot->mode == MODE_ONCE) {
		left = slot->wanted;
		if (in)
			left &= ~PROACTOR_POLL_IN;
		if (out)
			left &= ~PROACTOR_POLL_OUT;
		slot->wanted = 0;
		if (left != 0 &&
		    proactor__slot_set(e, s->fd, left, MODE_ONCE) != 0)
			in = out = true;
	}
	out = out && is_awaited(&s->out);
	if (in)
		queue_ready(e, s, &s->in);
	if (out && (slot = slot_of_key(e, key)) != NULL &&
	    slot->kind == SLOT_SOCKET)
		queue_ready(e, slot->who,
		    &((struct proactor_socket *)slot->who)->out);
}

void
proactor__engine_fired(struct engine *e, uint64_t key, unsigned int events)
{
	struct slot *slot = slot_of_key(e, key);

	if (slot == NULL)
		return;
	if (slot->kind == SLOT_SOCKET)
		socket_fired(e, key, slot, events);
	else if (slot->kind == SLOT_WATCH)
		proactor__watch_fired(e, slot->who, events);
}

static void
fail_parked(struct engine *e, struct link *queue, int error)
{
	struct op_state *state;
	struct link *l;

	for (l = queue->next; l != queue; l = l->next) {
		state = container_of(l, struct op_state, link);
		if (state->shape & SHAPE_PARKED) {
			state->shape &= (uint8_t)~SHAPE_PARKED;
			proactor__engine_fail(e, op_of_state(state), error);
		}
	}
}

void
proactor__engine_failed(struct engine *e, uint64_t key, int error)
{
	struct slot *slot = slot_of_key(e, key);
	struct proactor_socket *s;

	if (slot == NULL)
		return;
	if (slot->kind == SLOT_WATCH)
		proactor__watch_failed(e, slot->who, error);
	if (slot->kind != SLOT_SOCKET)
		return;
	s = slot->who;
	proactor__engine_forget(e->p, s->fd, &s->slot);
	proactor__socket_settle(s);
	fail_parked(e, &s->in, error);
	fail_parked(e, &s->out, error);
}

/* What the threads have done. */
static void
take_returned(struct engine *e)
{
	struct mail *mail, *next;
	struct proactor_op *op;

	for (mail = proactor__offload_take(&e->offload); mail != NULL;
	    mail = next) {
		next = mail->next;
		op = op_of_mail(mail);
		op_state(op)->shape &= (uint8_t)~SHAPE_THREAD;
		finish(e, op, proactor__file_returned(e->p, op));
	}
}

/* Those that rest go on if it is time; the new timeout. */
static int64_t
resume(struct engine *e, int64_t timeout)
{
	int64_t left;

	left = e->resume_at - proactor_now();
	if (left <= 0)
		op_list_splice(&e->work, &e->paused);
	else if (timeout == BACKEND_FOREVER || timeout > left)
		timeout = left;
	return timeout;
}

/* Attempts what there was to attempt when the turn began. */
static void
run_work(struct engine *e)
{
	struct op_list batch;
	unsigned int n;

	op_list_clear(&batch);
	op_list_splice(&batch, &e->work);
	op_list_splice(&batch, &e->fresh);
	for (n = 0; batch.first != NULL && n < ATTEMPT_MAX; n++)
		run(e, op_list_take(&batch));
	if (batch.first != NULL) {
		op_list_splice(&batch, &e->work);
		op_list_splice(&e->work, &batch);
	}
}

/* What the demultiplexer, or the lack of it, has brought. */
static inline void
run_due(struct engine *e)
{
	while (e->due.first != NULL)
		run(e, op_list_take(&e->due));
	if (e->due_sources != NULL)
		proactor__due_sources(e);
}

/*
 * The turn.  What is ready without the demultiplexer goes first, and when
 * something has completed by that the look at it may wait a little: the next
 * turn is near, and has more for it; and what began after a step that nobody
 * is told of may be due before timeout.
 */
int
proactor__engine_wait(struct proactor *p, int64_t timeout)
{
	struct engine *e = engine_of(p);
	size_t completed = p->completed + p->untold;
	int error;

	if (!mailbox_empty(&e->offload.returned))
		take_returned(e);
	if (e->paused.first != NULL)
		timeout = resume(e, timeout);
	if (!list_empty(&e->restless))
		proactor__restless_fired(e);
	if (e->work.first != NULL || e->fresh.first != NULL)
		run_work(e);
	run_due(e);
	completed = p->completed + p->untold - completed;
	if (timeout == BACKEND_GLANCE || completed != 0) {
		e->skipped_work += completed;
		if (++e->skipped < SKIP_TURNS && e->skipped_work < SKIP_WORK)
			return 0;
		timeout = 0;
	}
	if (e->work.first != NULL || e->fresh.first != NULL)
		timeout = 0;
	e->skipped = 0;
	e->skipped_work = 0;
	error = e->demux->wait(e, timeout);
	run_due(e);
	return error;
}

void
proactor__engine_wait_long(struct proactor *p)
{
	(void)proactor__engine_wait(p, BACKEND_FOREVER);
}
