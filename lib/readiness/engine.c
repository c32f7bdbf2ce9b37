/* SPDX-License-Identifier: ISC */
/*
 * The engine: operations on their way from one attempt to the next, and the
 * turn.
 */
#include "readiness/engine.h"

#include <stdio.h>

/*
 * Turns, and completions, that make a look at the demultiplexer superfluous:
 * then others have waited for long enough.
 */
#define SKIP_TURNS	16u
#define SKIP_WORK	128u

/* Attempts of one turn. */
#define ATTEMPT_MAX	1024u

/* How long an operation rests that nothing tells of: 5 ms. */
#define PAUSE_NS	5000000

static void
list_clear(struct op_list *list)
{
	list->first = NULL;
	list->end = &list->first;
}

/* Appends an operation that is nowhere. */
void
proactor__engine_list(struct op_list *list, struct proactor_op *op)
{
	struct op_state *s = op_state(op);

	s->shape |= SHAPE_LISTED;
	s->mail.next = NULL;
	*list->end = &s->mail;
	list->end = &s->mail.next;
}

static void
splice(struct op_list *to, struct op_list *from)
{
	if (from->first == NULL)
		return;
	*to->end = from->first;
	to->end = from->end;
	list_clear(from);
}

static struct proactor_op *
take_first(struct op_list *list)
{
	struct mail *mail = list->first;

	list->first = mail->next;
	if (list->first == NULL)
		list->end = &list->first;
	op_state(op_of_mail(mail))->shape &= (uint8_t)~SHAPE_LISTED;
	return op_of_mail(mail);
}

int
proactor__engine_create(struct proactor *p, const struct demux *demux,
    const struct backend_options *options, char *why, size_t size)
{
	struct engine *e;
	int error;

	e = proactor__allocate(p, sizeof(*e));
	if (e == NULL) {
		snprintf(why, size, "out of memory");
		return PROACTOR_ENOMEM;
	}
	e->p = p;
	e->demux = demux;
	list_clear(&e->fresh);
	list_clear(&e->work);
	list_clear(&e->due);
	list_clear(&e->paused);
	list_init(&e->duplicates);
	list_init(&e->restless);
	proactor__offload_init(&e->offload, p, proactor__file_execute,
	    options->file_threads);
	error = demux->create(e, why, size);
	if (error != 0) {
		proactor__free(p, e);
		return error;
	}
	p->state = e;
	p->capabilities = 0;
	return 0;
}

int
proactor__engine_attach(struct proactor *p)
{
	(void)p;
	return 0;
}

/* Every socket operation has its socket first. */
static struct proactor_socket *
socket_of(struct proactor_op *op)
{
	return AS(recv, op)->socket;
}
_Static_assert(offsetof(struct proactor_recv_op, socket) ==
    offsetof(struct proactor_send_op, socket) &&
    offsetof(struct proactor_recv_op, socket) ==
    offsetof(struct proactor_sendto_op, socket) &&
    offsetof(struct proactor_recv_op, socket) ==
    offsetof(struct proactor_recvfrom_op, socket) &&
    offsetof(struct proactor_recv_op, socket) ==
    offsetof(struct proactor_connect_op, socket) &&
    offsetof(struct proactor_recv_op, socket) ==
    offsetof(struct proactor_accept_op, listener), "the socket is first");

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

static void
done(struct engine *e, struct proactor_op *op, int status)
{
	struct op_state *s = op_state(op);

	s->shape |= SHAPE_DONE;
	s->status = status;
	proactor__engine_list(&e->due, op);
}

/* Puts the operation where what it needs finds it.  It does not call back. */
static void
await(struct engine *e, struct proactor_op *op, enum need need)
{
	struct op_state *s = op_state(op);
	int error = 0;

	switch (need) {
	case NEED_IN:
	case NEED_OUT:
		error = proactor__socket_park(e, socket_of(op),
		    need == NEED_IN ? PROACTOR_POLL_IN : PROACTOR_POLL_OUT);
		if (error == 0)
			s->shape |= SHAPE_PARKED;
		break;
	case NEED_FILE_IN:
	case NEED_FILE_OUT:
		error = proactor__watch_op(e, need == NEED_FILE_IN ?
		    AS(file_read, op)->file->fd : AS(file_write, op)->file->fd,
		    op);
		break;
	case NEED_HANDLE:
		error = proactor__watch_op(e, AS(handle_poll, op)->handle.u.fd,
		    op);
		break;
	case NEED_PAUSE:
		if (e->paused.first == NULL)
			e->resume_at = proactor_now() + PAUSE_NS;
		proactor__engine_list(&e->paused, op);
		break;
	case NEED_THREAD:
		s->shape |= SHAPE_THREAD;
		if (proactor__offload(&e->offload, &s->mail) == 0)
			break;
		/* Late is better than never. */
		s->shape &= (uint8_t)~SHAPE_THREAD;
		proactor__file_execute(&s->mail);
		done(e, op, proactor__file_returned(e->p, op));
		break;
	default:
		proactor__engine_list(&e->work, op);
		break;
	}
	if (error != 0)
		done(e, op, error);
}

/*
 * A multishot receive or accept has something: calls back with MORE.  True
 * when the operation is final, with *status.
 */
static bool
deliver(struct engine *e, struct proactor_op *op, int *status)
{
	struct op_state *s = op_state(op);
	enum need next = NEED_TURN;

	if (op->type == PROACTOR_OP_RECV) {
		if (*status != 0 || (AS(recv, op)->bytes == 0 &&
		    !is_datagram(AS(recv, op)->socket)))
			return true;
	} else if (*status != 0) {
		if (!accept_survives(*status))
			return true;
		if (*status != PROACTOR_ECONNABORTED)
			next = NEED_PAUSE;
	}
	s->stage = STAGE_CALLBACK;
	if (proactor__complete_more(e->p, op, *status, 0)) {
		s->stage = STAGE_KERNEL;
		await(e, op, next);
		return false;
	}
	*status = PROACTOR_ECANCELED;
	return true;
}

/*
 * A success, in a poll.  Receives and sends that came by the short way go by
 * it.
 */
static void
succeed(struct engine *e, struct proactor_op *op)
{
	struct proactor_socket *s = socket_of(op);

	if (op->type == PROACTOR_OP_RECV && s->in.prev == NULL)
		proactor__stream_done(e->p, op, s, &s->in);
	else if (op->type == PROACTOR_OP_SEND && s->out.prev == NULL)
		proactor__stream_done(e->p, op, s, &s->out);
	else
		finish(e, op, 0);
}

/* One operation that is nowhere, in a poll: it may call back. */
static void
run(struct engine *e, struct proactor_op *op)
{
	struct op_state *s = op_state(op);
	enum need need;
	int status;

	if (s->shape & SHAPE_DONE) {
		finish(e, op, s->status);
		return;
	}
	if ((s->bits & OPB_CANCEL) && op->type != PROACTOR_OP_SOCKET_CLOSE &&
	    op->type != PROACTOR_OP_FILE_CLOSE) {
		finish(e, op, PROACTOR_ECANCELED);
		return;
	}
	if (op->type == PROACTOR_OP_RECV)
		need = proactor__attempt_recv(e, AS(recv, op), &status);
	else if (op->type == PROACTOR_OP_SEND)
		need = proactor__attempt_send(e, AS(send, op), &status);
	else
		need = proactor__attempt(e, op, &status);
	if (need != NEED_NOTHING)
		await(e, op, need);
	else if ((op->flags & PROACTOR_OP_MULTISHOT) == 0 && status == 0)
		succeed(e, op);
	else if ((op->flags & PROACTOR_OP_MULTISHOT) == 0 ||
	    deliver(e, op, &status))
		finish(e, op, status);
}

static void
run_all(struct engine *e, struct op_list *list)
{
	while (list->first != NULL)
		run(e, take_first(list));
}

void
proactor__engine_start(struct proactor *p, struct proactor_op *op)
{
	op_state(op)->shape = 0;
	proactor__engine_list(&engine_of(p)->fresh, op);
}

int
proactor__engine_start_recv(struct proactor *p, struct proactor_recv_op *op)
{
	op->bytes = 0;
	if (op->socket->drained)
		op_state(&op->base)->shape = SHAPE_PARKED;
	else
		proactor__engine_list(&engine_of(p)->fresh, &op->base);
	return 0;
}

static int
start_outward(struct proactor *p, struct proactor_op *op)
{
	proactor__engine_list(&engine_of(p)->fresh, op);
	return flush_outside(p);
}

int
proactor__engine_start_send(struct proactor *p, struct proactor_send_op *op)
{
	op->bytes = 0;
	return start_outward(p, &op->base);
}

int
proactor__engine_start_read(struct proactor *p,
    struct proactor_file_read_op *op)
{
	return start_outward(p, &op->base);
}

int
proactor__engine_start_write(struct proactor *p,
    struct proactor_file_write_op *op)
{
	return start_outward(p, &op->base);
}

/* Has its attempt an effect that others see, or takes it long? */
static bool
is_outward(const struct proactor_op *op)
{
	switch (op->type) {
	case PROACTOR_OP_ACCEPT:
	case PROACTOR_OP_RECV:
	case PROACTOR_OP_RECVFROM:
	case PROACTOR_OP_HANDLE_POLL:
		return false;
	default:
		return true;
	}
}

/*
 * Attempts what is new, outside a poll as well: what is over by that waits
 * for the poll to be called back.
 */
int
proactor__engine_flush(struct proactor *p)
{
	struct engine *e = engine_of(p);
	struct proactor_op *op;
	struct op_state *s;
	enum need need;
	int status;

	while (e->fresh.first != NULL) {
		op = take_first(&e->fresh);
		s = op_state(op);
		need = NEED_TURN;
		if (is_outward(op) && !(s->bits & OPB_CANCEL))
			need = proactor__attempt(e, op, &status);
		if (need == NEED_NOTHING) {
			s->shape |= SHAPE_DONE;
			s->status = status;
		}
		await(e, op, need);
	}
	return 0;
}

void
proactor__engine_cancel(struct proactor *p, struct proactor_op *op)
{
	struct engine *e = engine_of(p);
	struct op_state *s = op_state(op);

	if (s->shape & SHAPE_LISTED) {
		e->resume_at = 0;
		return;
	}
	if (s->shape & SHAPE_WATCHED)
		proactor__unwatch_op(e, op);
	else if (s->shape & SHAPE_THREAD) {
		/* What has begun says what it did. */
		if (!proactor__offload_cancel(&e->offload, &s->mail))
			return;
		s->shape &= (uint8_t)~SHAPE_THREAD;
	}
	s->shape &= (uint8_t)~SHAPE_PARKED;
	proactor__engine_list(&e->work, op);
}

/* What waits in the queue of a socket that is ready. */
static void
queue_ready(struct engine *e, struct proactor_socket *s, struct link *queue)
{
	struct op_state *state;
	struct link *l = queue->next;
	bool all = is_datagram(s) && queue->prev != NULL;

	if (l == NULL || l == queue)
		return;
	if (!all) {
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
			proactor__engine_list(&e->due, op_of_state(state));
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
	struct proactor_socket *s = slot->who;
	unsigned int left = slot->wanted;
	bool in, out;

	in = (events & (PROACTOR_POLL_IN | READY_END | READY_URGENT |
	    end)) != 0;
	out = (events & (PROACTOR_POLL_OUT | end)) != 0;
	if (events & (READY_END | READY_URGENT | end))
		s->ended = true;
	if (in)
		s->drained = false;
	if (slot->mode == MODE_ONCE) {
		if (in)
			left &= ~PROACTOR_POLL_IN;
		if (out)
			left &= ~PROACTOR_POLL_OUT;
		slot->wanted = 0;
		if (left != 0 &&
		    proactor__slot_set(e, s->fd, left, MODE_ONCE) != 0)
			in = out = true;
	}
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
			done(e, op_of_state(state), error);
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

	if (e->paused.first == NULL)
		return timeout;
	left = e->resume_at - proactor_now();
	if (left <= 0)
		splice(&e->work, &e->paused);
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

	list_clear(&batch);
	splice(&batch, &e->work);
	splice(&batch, &e->fresh);
	for (n = 0; batch.first != NULL && n < ATTEMPT_MAX; n++)
		run(e, take_first(&batch));
	if (batch.first != NULL) {
		splice(&batch, &e->work);
		splice(&e->work, &batch);
	}
}

/*
 * The turn.  What is ready without the demultiplexer goes first, and when
 * something was called back by that the look at it may wait a little: the
 * next turn is near, and has more for it.
 */
int
proactor__engine_wait(struct proactor *p, int64_t timeout)
{
	struct engine *e = engine_of(p);
	size_t completed = p->completed;
	int error;

	take_returned(e);
	timeout = resume(e, timeout);
	proactor__restless_fired(e);
	run_work(e);
	run_all(e, &e->due);
	proactor__due_sources(e);
	completed = p->completed - completed;
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
	run_all(e, &e->due);
	proactor__due_sources(e);
	return error;
}

void
proactor__engine_wait_long(struct proactor *p)
{
	(void)proactor__engine_wait(p, BACKEND_FOREVER);
}

/* Any thread, async-signal-safe. */
void
proactor__engine_wake(struct proactor *p)
{
	struct engine *e = engine_of(p);

	e->demux->wake(e);
}

/* Only the threads touch memory of the caller's between two polls. */
void
proactor__engine_abandon(struct proactor *p)
{
	struct engine *e = engine_of(p);
	struct mail *mail, *next;

	proactor__offload_drain(&e->offload);
	for (mail = proactor__offload_take(&e->offload); mail != NULL;
	    mail = next) {
		next = mail->next;
		proactor__file_void(op_of_mail(mail));
	}
}

void
proactor__engine_destroy(struct proactor *p, bool forked)
{
	struct engine *e = engine_of(p);

	(void)forked;
	proactor__offload_release(&e->offload);
	e->demux->destroy(e);
	proactor__watch_free_all(e);
	proactor__free(p, e->slots);
	e->slots = NULL;
	e->slot_count = 0;
}

void
proactor__engine_dispose(struct proactor *p)
{
	struct engine *e = engine_of(p);

	e->demux->dispose(e);
	proactor__free(p, e);
}

static const struct {
	uint64_t capability;
	unsigned int tier;
	const char *reason;
} explanations[] = {
	{ PROACTOR_CAP_MULTISHOT, PROACTOR_TIER_EMULATED,
	    "attempted again after each callback" },
	{ PROACTOR_CAP_FIXED_FILES, PROACTOR_TIER_ABSENT,
	    "a matter of io_uring" },
	{ PROACTOR_CAP_REGISTERED_BUFFERS, PROACTOR_TIER_ABSENT,
	    "this release has no registered memory" },
	{ PROACTOR_CAP_LINKED_OPERATIONS, PROACTOR_TIER_EMULATED,
	    "each step of a chain goes through a poll" },
	{ PROACTOR_CAP_ZERO_COPY_SEND, PROACTOR_TIER_EMULATED, "copied" },
	{ PROACTOR_CAP_DMABUF, PROACTOR_TIER_ABSENT,
	    "this release has no registered memory" },
	{ PROACTOR_CAP_DEVICE_FENCE, PROACTOR_TIER_ABSENT,
	    "this release has no fences" },
	{ PROACTOR_CAP_ABSOLUTE_TIMEOUT, PROACTOR_TIER_EMULATED,
	    "the next deadline bounds the wait" },
	{ PROACTOR_CAP_FUTEX_OPERATIONS, PROACTOR_TIER_ABSENT,
	    "a matter of io_uring" },
	{ PROACTOR_CAP_PROACTOR_MESSAGING, PROACTOR_TIER_EMULATED,
	    "messages go through memory and wake only a sleeper" },
};

unsigned int
proactor__engine_explain(const struct proactor *p, uint64_t capability,
    const char **ret_reason)
{
	size_t i;

	(void)p;
	for (i = 0; i < sizeof(explanations) / sizeof(explanations[0]); i++)
		if (explanations[i].capability == capability) {
			*ret_reason = explanations[i].reason;
			return explanations[i].tier;
		}
	*ret_reason = "unknown";
	return PROACTOR_TIER_ABSENT;
}
