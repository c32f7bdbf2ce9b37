/* SPDX-License-Identifier: ISC */
/*
 * The way out: what is done is called back, and its chain goes on.  The
 * mailbox, where other threads' wishes come in.
 */
#include "config.h"

#include "core/class.h"
#include "core/notification.h"
#include "core/op_pool.h"

/* Members of a chain that one pass completes without another's turn. */
#define CHAIN_BATCH	64

/*
 * The operation is done; its final callback comes in this pass or, when it is
 * said from a callback, in the next.  It must be on no list.
 */
void
proactor__post(struct proactor *p, struct proactor_op *op, int status,
    unsigned int completion_flags)
{
	op_post(p, op_state(op), status, completion_flags);
}

/* What the life word is for the final callback. */
static inline uint32_t
last_life(const struct proactor_op *op)
{
	return op->pool != NULL ? LIFE_ENDING : LIFE_IDLE;
}

/*
 * The operation is the caller's again, or its pool's when the callback has
 * returned; *status becomes what its chain sees.
 */
static void
call_back(struct proactor *p, struct proactor_op *op, int *status,
    unsigned int completion_flags)
{
	struct op_state *s = op_state(op);
	struct proactor_op_pool *pool = op->pool;
	struct proactor_op *parent = s->parent;
	bool bare = (s->bits & OPB_BARE) != 0, passed_on = false;
	uint32_t turn = 0;
	int told;

	s->stage = STAGE_IDLE;
	s->chain = NULL;
	s->before = NULL;
	s->parent = NULL;
	p->in_flight--;
	if (pool != NULL) {
		/* A cancel finds nothing from here on. */
		atomic_store_explicit(&s->p, NULL, memory_order_relaxed);
		turn = proactor__op_pool_turn(op);
	}
	if (op->type == PROACTOR_OP_MESSAGE && !bare)
		passed_on = proactor__message_passed_on(op, status);
	told = *status;
	if (!passed_on && op->type == PROACTOR_OP_TIMEOUT && !bare)
		*status = proactor__timeout_outcome(op);
	if (parent != NULL)
		proactor__sequence_note(parent, *status, told);
	/* Only steps may have no callback. */
	if (!passed_on && op->callback != NULL) {
		p->completed++;
		op->callback(op->user_data, op, told, completion_flags);
	} else
		p->untold++;
	if (pool != NULL)
		proactor__op_pool_ended(pool, op, turn);
}

/*
 * One operation is final: references are dropped, the owner of the operation
 * is called.  False when that must wait for a letter.
 */
static bool
finish(struct proactor *p, struct proactor_op *op, int *status,
    unsigned int completion_flags)
{
	const struct op_class *c = proactor__class(op->type);
	struct op_state *s = op_state(op);
	uint32_t life;

	life = atomic_exchange_explicit(&s->life, last_life(op),
	    memory_order_acq_rel);
	if (life & LIFE_CANCEL_MAILED) {
		/*
		 * The letter names the operation: it must arrive first, and
		 * nothing that comes after the operation overtakes it.
		 */
		atomic_store_explicit(&s->life, life, memory_order_relaxed);
		s->stage = STAGE_AWAIT_MAIL;
		s->status = *status;
		s->completion_flags = completion_flags;
		proactor__await_mail(p, op);
		return false;
	}
	if (c->leave != NULL && !(s->bits & OPB_BARE))
		c->leave(p, op);
	call_back(p, op, status, completion_flags);
	return true;
}

/*
 * The final completion, and those of its chain that need no turn of their
 * own: a batch of them, and what the kernel has completed already.  Called in
 * a poll only.
 */
void
proactor__complete(struct proactor *p, struct proactor_op *op, int status,
    unsigned int completion_flags)
{
	struct proactor_op *next;
	unsigned int left = CHAIN_BATCH;

	for (;;) {
		next = op_state(op)->chain;
		if (!finish(p, op, &status, completion_flags) || next == NULL)
			return;
		op = proactor__chain_advance(p, next, &status,
		    &completion_flags);
		if (op == NULL)
			return;
		if (left != 0)
			left--;
		else if (!(op_state(op)->bits & OPB_LINKED)) {
			proactor__post(p, op, status, completion_flags);
			return;
		}
	}
}

/*
 * A completion that is not final.  False when the operation was cancelled in
 * the callback or before: the caller then ends it.  The stage is the
 * caller's.
 */
bool
proactor__complete_more(struct proactor *p, struct proactor_op *op,
    int status, unsigned int completion_flags)
{
	p->completed++;
	op->callback(op->user_data, op, status,
	    completion_flags | PROACTOR_COMPLETION_MORE);
	return !(op_state(op)->bits & OPB_CANCEL);
}

/* Ends the sleep of the owner, if it sleeps.  Any thread, signal-safe. */
void
proactor__wake_up(struct proactor *p)
{
	if (atomic_load(&p->posted) == 0)
		store_before_loads(&p->posted, 1);
	if (atomic_load(&p->asleep) != 0 && atomic_exchange(&p->asleep, 0) != 0)
		p->backend->wake(p);
}

static void
receive_submission(struct proactor *p, struct proactor_op *op)
{
	struct proactor_op *o;
	size_t count = 0;

	for (o = op; o != NULL; o = op_state(o)->chain)
		count++;
	p->in_flight += count;
	atomic_fetch_sub(&p->mailed, count);
	if (atomic_load_explicit(&p->phase, memory_order_relaxed) !=
	    PHASE_RUNNING)
		op_state(op)->bits |= OPB_CANCEL;
	if (op_state(op)->chain != NULL)
		proactor__chain_begin(p, op);
	else
		proactor__begin(p, op);
}

static void
receive_cancel(struct proactor *p, struct proactor_op *op)
{
	const struct op_class *c = proactor__class(op->type);
	struct op_state *s = op_state(op);
	struct proactor_op *next = s->chain;
	unsigned int flags;
	int status;

	if (s->stage != STAGE_AWAIT_MAIL) {
		atomic_store_explicit(&s->life, LIFE_FLIGHT,
		    memory_order_release);
		proactor__cancel(p, op);
		return;
	}
	flags = s->completion_flags;
	status = s->status;
	list_remove(&s->link);
	list_init(&s->link);
	atomic_store_explicit(&s->life, last_life(op), memory_order_release);
	if (c->leave != NULL)
		c->leave(p, op);
	call_back(p, op, &status, flags);
	if (next != NULL)
		next = proactor__chain_advance(p, next, &status, &flags);
	if (next != NULL)
		proactor__complete(p, next, status, flags);
}

/* Reads the mailbox.  Called in a poll only: it may call back. */
void
proactor__receive(struct proactor *p)
{
	struct mail *mail, *next;

	for (mail = mailbox_take(&p->mailbox); mail != NULL; mail = next) {
		next = mail->next;
		switch (mail->kind) {
		case MAIL_SUBMIT:
			receive_submission(p, op_of_state(container_of(mail,
			    struct op_state, mail)));
			break;
		case MAIL_CANCEL:
			receive_cancel(p, op_of_state(container_of(mail,
			    struct op_state, cancel_mail)));
			break;
		case MAIL_EVENT:
			proactor__event_mailed(p, container_of(mail,
			    struct proactor_event, mail));
			break;
		case MAIL_DONE:
			proactor__wait_op_mailed(p, op_of_state(container_of(
			    mail, struct op_state, mail)));
			break;
		case MAIL_NOTIFICATION:
			proactor__notification_mailed(p, container_of(mail,
			    struct proactor_notification, mail));
			break;
		case MAIL_OBJECT:
			proactor__object_mailed(p, container_of(mail,
			    struct object, mail));
			break;
		case MAIL_SIGNAL:
			proactor__signals_mailed(p);
			break;
		}
	}
}
