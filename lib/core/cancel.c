/* SPDX-License-Identifier: ISC */
/* Cancellation of one operation, and of all at shutdown. */
#include "config.h"

#include "core/notification.h"
#include "core/stream.h"

static bool
is_close(const struct proactor_op *op)
{
	return op->type == PROACTOR_OP_SOCKET_CLOSE ||
	    op->type == PROACTOR_OP_FILE_CLOSE;
}

/* It is ready, and what it is for has not been done yet. */
static bool
is_undone(struct proactor_op *op)
{
	return op->type == PROACTOR_OP_NOP ||
	    proactor__class(op->type)->act != NULL ||
	    (op->type == PROACTOR_OP_MESSAGE &&
	    proactor__message_is_unsent(op));
}

/*
 * Cancels an operation in flight.  What can be undone here is; the rest is
 * asked of whoever has it.
 */
void
proactor__cancel(struct proactor *p, struct proactor_op *op)
{
	struct op_state *s = op_state(op);

	if (s->bits & OPB_CANCEL)
		return;
	/* A close that has begun goes on. */
	if (is_close(op) &&
	    (s->stage == STAGE_CLOSING || s->stage == STAGE_KERNEL ||
	    s->stage == STAGE_CLOSED))
		return;
	s->bits |= OPB_CANCEL;
	switch (s->stage) {
	case STAGE_KERNEL:
		p->backend->cancel(p, op);
		break;
	case STAGE_QUEUED:
	case STAGE_TIMER:
	case STAGE_EVENT:
	case STAGE_SEQUENCE:
	case STAGE_DEADLINE:
		proactor__class(op->type)->cancel(p, op);
		break;
	case STAGE_READY:
		if (is_undone(op))
			s->status = PROACTOR_ECANCELED;
		break;
	default:
		/*
		 * MAIL, CHAINED: seen when its turn comes.  CALLBACK: when
		 * the callback returns.
		 */
		break;
	}
}

static int
cancel_foreign(struct proactor *p, struct proactor_op *op)
{
	struct op_state *s = op_state(op);
	uint32_t life = LIFE_FLIGHT;

	if (!atomic_compare_exchange_strong(&s->life, &life,
	    LIFE_FLIGHT | LIFE_CANCEL_MAILED))
		return (life & LIFE_CANCEL_MAILED) ? 0 : PROACTOR_ENOENT;
	s->cancel_mail.kind = MAIL_CANCEL;
	mailbox_post(&p->mailbox, &s->cancel_mail);
	proactor__wake_up(p);
	return 0;
}

static int __attribute__((noinline))
cancel_any(struct proactor *p, struct proactor_op *op)
{
	struct op_state *s;

	if (p == NULL || op == NULL)
		return PROACTOR_EINVAL;
	if (proactor__forked(p->generation))
		return PROACTOR_ECHILD;
	s = op_state(op);
	/* Another thread may be about to submit it. */
	if (!(atomic_load_explicit(&s->life, memory_order_acquire) &
	    LIFE_FLIGHT) ||
	    atomic_load_explicit(&s->p, memory_order_relaxed) != p)
		return PROACTOR_ENOENT;
	if (!is_owner(p))
		return cancel_foreign(p, op);
	proactor__cancel(p, op);
	if (!(p->special & SPECIAL_COLLECT))
		(void)p->backend->flush(p);
	return 0;
}

/*
 * What is cancelled and not yet on the ready list comes there.  Before it the
 * owner must neither look for it there nor ask the wheel for what is next.
 */
void
proactor__cancel_rest(struct proactor *p)
{
	struct timer_node *done;

	while ((done = proactor__timers_leave(&p->timers)) != NULL)
		list_append(&p->ready, &op_state(op_of_timer(done))->link);
}

/*
 * Asks for the end of an operation; see proactor_cancel(3).  Any thread, as
 * long as the operation's memory is there.  What most programs cancel most, a
 * far timer on the polling thread, takes a short way.
 */
int
proactor_cancel(struct proactor *p, struct proactor_op *op)
{
	struct timer_node *done;
	struct op_state *s;

	if (p == NULL || op == NULL || atomic_load_explicit(p->gate,
	    memory_order_relaxed) != proactor__self)
		return cancel_any(p, op);
	s = op_state(op);
	if (atomic_load_explicit(&s->life, memory_order_acquire) ==
	    LIFE_IDLE || s->stage != STAGE_TIMER ||
	    !proactor__timers_is_far(&s->timer) ||
	    atomic_load_explicit(&s->p, memory_order_relaxed) != p)
		return cancel_any(p, op);
	s->bits |= OPB_CANCEL;
	op_done(p, s, PROACTOR_ECANCELED, 0);
	done = proactor__timers_cancel_far(&p->timers, &s->timer);
	if (done != NULL)
		list_append(&p->ready, &op_state(op_of_timer(done))->link);
	return 0;
}

static bool
is_known_close(struct proactor_op *op)
{
	switch (op->type) {
	case PROACTOR_OP_SOCKET_CLOSE:
		return container_of(op, struct proactor_socket_close_op,
		    base)->socket->close == op;
	case PROACTOR_OP_FILE_CLOSE:
		return container_of(op, struct proactor_file_close_op,
		    base)->file->close == op;
	default:
		return false;
	}
}

/*
 * The operation is done, but a letter about it is on its way.  Until that has
 * come shutdown and release find it where they find the others.
 */
void
proactor__await_mail(struct proactor *p, struct proactor_op *op)
{
	struct op_state *s = op_state(op);

	if (proactor__class(op->type)->leave == proactor__stream_leave)
		proactor__socket_settle(socket_of(op));
	if (list_empty(&s->link) && !is_known_close(op))
		list_append(&p->loose, &s->link);
}

/* Members that the kernel ties are on lists of their own. */
static void
each(struct link *head, proactor_remaining_fn fn, void *user_data)
{
	struct link *l, *next;
	struct proactor_op *after, *op;

	for (l = head->next; l != head; l = next) {
		next = l->next;
		for (op = op_of_link(l); op != NULL; op = after) {
			after = op_state(op)->chain;
			if (after != NULL &&
			    (op_state(after)->bits & OPB_LINKED))
				after = NULL;
			fn(user_data, op);
		}
	}
}

/*
 * Tells of every operation in flight that an object, the ready list or the
 * list of loose ones knows, and of those chained to it; timers are not among
 * them.
 */
static void
each_listed(struct proactor *p, proactor_remaining_fn fn, void *user_data)
{
	struct link *l, *next;
	struct object *o;
	struct proactor_socket *s;
	struct proactor_file *f;

	each(&p->loose, fn, user_data);
	for (l = p->objects.next; l != &p->objects; l = next) {
		next = l->next;
		o = container_of(l, struct object, link);
		switch (o->type) {
		case OBJECT_SOCKET:
			s = container_of(o, struct proactor_socket, object);
			proactor__socket_settle(s);
			each(&s->in, fn, user_data);
			each(&s->out, fn, user_data);
			if (s->close != NULL)
				fn(user_data, s->close);
			break;
		case OBJECT_FILE:
			f = container_of(o, struct proactor_file, object);
			each(&f->pending, fn, user_data);
			if (f->close != NULL)
				fn(user_data, f->close);
			break;
		case OBJECT_EVENT:
			each(&container_of(o, struct proactor_event,
			    object)->waiters, fn, user_data);
			break;
		case OBJECT_NOTIFICATION:
			each(&container_of(o, struct proactor_notification,
			    object)->waits, fn, user_data);
			break;
		}
	}
}

void
proactor__for_each(struct proactor *p, proactor_remaining_fn fn,
    void *user_data)
{
	each(&p->ready, fn, user_data);
	each_listed(p, fn, user_data);
}

static void
cancel_one(void *user_data, struct proactor_op *op)
{
	proactor__cancel(user_data, op);
}

/* Shutdown: cancels everything in flight. */
void
proactor__cancel_all(struct proactor *p)
{
	struct timer_node *node;
	struct proactor_op *op;

	proactor__cancel_rest(p);
	while ((node = proactor__timers_pop(&p->timers, INT64_MAX)) != NULL) {
		op = op_of_timer(node);
		op_state(op)->bits |= OPB_CANCEL;
		/* A timeout ends after the operation that it is for. */
		if (op_state(op)->stage == STAGE_DEADLINE)
			op_state(op)->stage = STAGE_CHAINED;
		else
			proactor__post(p, op, PROACTOR_ECANCELED, 0);
	}
	proactor__for_each(p, cancel_one, p);
}

/*
 * A released proactor's operation: it is the caller's again and the references
 * that it had are gone.  The proactor is dead.
 */
void
proactor__abandon(struct proactor_op *op)
{
	const struct op_class *c = proactor__class(op->type);

	/* The library's own, which is freed. */
	if (op->callback == proactor__fence_fired) {
		proactor__fence_abandon(op);
		return;
	}
	if (c->abandon != NULL && !(op_state(op)->bits & OPB_BARE))
		c->abandon(op);
	op_state(op)->stage = STAGE_IDLE;
	op_state(op)->chain = NULL;
	op_state(op)->before = NULL;
	op_state(op)->parent = NULL;
	atomic_store_explicit(&op_state(op)->life, LIFE_IDLE,
	    memory_order_release);
}
