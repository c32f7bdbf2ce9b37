/* SPDX-License-Identifier: ISC */
/* The engine: operations on their way from one attempt to the next. */
#include "readiness/engine.h"

#include <stdio.h>

/* How long an operation rests that nothing tells of: 5 ms. */
#define PAUSE_NS	5000000

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
	op_list_clear(&e->fresh);
	op_list_clear(&e->work);
	op_list_clear(&e->due);
	op_list_clear(&e->paused);
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
	p->capabilities = options->allowed & PROACTOR_CAP_DEVICE_FENCE;
	return 0;
}

int
proactor__engine_attach(struct proactor *p)
{
	(void)p;
	return 0;
}

/* It is over with a status that the next turn calls it back with. */
void
proactor__engine_fail(struct engine *e, struct proactor_op *op, int status)
{
	struct op_state *s = op_state(op);

	s->shape |= SHAPE_DONE;
	s->status = status;
	op_list_append(&e->due, op);
}

/* Puts the operation where what it needs finds it.  It does not call back. */
void
proactor__engine_await(struct engine *e, struct proactor_op *op, enum need need)
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
		op_list_append(&e->paused, op);
		break;
	case NEED_THREAD:
		s->shape |= SHAPE_THREAD;
		if (proactor__offload(&e->offload, &s->mail) == 0)
			break;
		/* Late is better than never. */
		s->shape &= (uint8_t)~SHAPE_THREAD;
		proactor__file_execute(&s->mail);
		proactor__engine_fail(e, op, proactor__file_returned(e->p, op));
		break;
	default:
		op_list_append(&e->work, op);
		break;
	}
	if (error != 0)
		proactor__engine_fail(e, op, error);
}

void
proactor__engine_start(struct proactor *p, struct proactor_op *op)
{
	op_state(op)->shape = 0;
	op_list_append(&engine_of(p)->fresh, op);
}

int
proactor__engine_start_recv(struct proactor *p, struct proactor_recv_op *op)
{
	op->bytes = 0;
	if (op->socket->drained)
		op_state(&op->base)->shape = SHAPE_PARKED;
	else
		op_list_append(&engine_of(p)->fresh, &op->base);
	return 0;
}

static int
start_outward(struct proactor *p, struct proactor_op *op)
{
	op_list_append(&engine_of(p)->fresh, op);
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
		op = op_list_take(&e->fresh);
		s = op_state(op);
		need = NEED_TURN;
		if (is_outward(op) && !(s->bits & OPB_CANCEL))
			need = proactor__attempt(e, op, &status);
		if (need == NEED_NOTHING) {
			s->shape |= SHAPE_DONE;
			s->status = status;
		}
		proactor__engine_await(e, op, need);
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
	op_list_append(&e->work, op);
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
	{ PROACTOR_CAP_FIXED_FILES, PROACTOR_TIER_EMULATED,
	    "descriptors are looked up for each operation" },
	{ PROACTOR_CAP_REGISTERED_BUFFERS, PROACTOR_TIER_ABSENT,
	    "this release has no registered memory" },
	{ PROACTOR_CAP_LINKED_OPERATIONS, PROACTOR_TIER_EMULATED,
	    "each step of a chain goes through a poll" },
	{ PROACTOR_CAP_ZERO_COPY_SEND, PROACTOR_TIER_EMULATED, "copied" },
	{ PROACTOR_CAP_DMABUF, PROACTOR_TIER_ABSENT,
	    "this release has no registered memory" },
	{ PROACTOR_CAP_DEVICE_FENCE, PROACTOR_TIER_NATIVE,
	    "a fence is watched; a sync_file's error is read" },
	{ PROACTOR_CAP_ABSOLUTE_TIMEOUT, PROACTOR_TIER_EMULATED,
	    "the next deadline bounds the wait" },
	{ PROACTOR_CAP_FUTEX_OPERATIONS, PROACTOR_TIER_ABSENT,
	    "a matter of io_uring" },
	{ PROACTOR_CAP_PROACTOR_MESSAGING, PROACTOR_TIER_EMULATED,
	    "messages go through memory and wake only a sleeper" },
	{ PROACTOR_EXPLAIN_HANDLE_RELAYS, PROACTOR_TIER_EMULATED,
	    "each turn of a relay goes through a poll" },
	{ PROACTOR_EXPLAIN_NOTIFICATION_RELAYS, PROACTOR_TIER_EMULATED,
	    "each turn of a relay goes through a poll" },
};

unsigned int
proactor__engine_explain(const struct proactor *p, uint64_t capability,
    const char **ret_reason)
{
	size_t i;

	if (capability == PROACTOR_CAP_DEVICE_FENCE &&
	    !(p->capabilities & capability)) {
		*ret_reason = "masked: fences are refused";
		return PROACTOR_TIER_ABSENT;
	}
	for (i = 0; i < sizeof(explanations) / sizeof(explanations[0]); i++)
		if (explanations[i].capability == capability) {
			*ret_reason = explanations[i].reason;
			return explanations[i].tier;
		}
	*ret_reason = "unknown";
	return PROACTOR_TIER_ABSENT;
}
