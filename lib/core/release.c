/* SPDX-License-Identifier: ISC */
/* The end of a proactor, with whatever it has not called back. */
#include "config.h"

#include "core/notification.h"

struct abandoned {
	size_t count;
	struct proactor_op *pooled;	/* linked by their chain */
};

static void
abandon_one(void *user_data, struct proactor_op *op)
{
	struct abandoned *a = user_data;
	bool pooled = op->pool != NULL;

	a->count++;
	proactor__abandon(op);
	if (pooled) {
		op_state(op)->chain = a->pooled;
		a->pooled = op;
	}
}

/* When no list leads to their memory any more: a sequence may have steps. */
static void
return_pooled(struct proactor_op *op)
{
	struct proactor_op *next;

	for (; op != NULL; op = next) {
		next = op_state(op)->chain;
		op_state(op)->chain = NULL;
		(void)proactor_op_pool_return(op->pool, op);
	}
}

/* Letters that nobody will read.  An operation is abandoned with the rest. */
static void
abandon_mail(struct proactor *p)
{
	struct mail *mail, *next;
	struct op_state *s;

	for (mail = mailbox_take(&p->mailbox); mail != NULL; mail = next) {
		next = mail->next;
		if (mail->kind == MAIL_SUBMIT) {
			s = container_of(mail, struct op_state, mail);
			list_append(&p->ready, &s->link);
		} else if (mail->kind == MAIL_EVENT)
			proactor__event_abandon(container_of(mail,
			    struct proactor_event, mail));
		else if (mail->kind == MAIL_NOTIFICATION)
			proactor__notification_abandon(container_of(mail,
			    struct proactor_notification, mail));
		else if (mail->kind == MAIL_OBJECT)
			proactor__object_mailed(p, container_of(mail,
			    struct object, mail));
	}
}

/*
 * What was accepted and never called back: its references go, its owner is
 * not told.
 */
static void
abandon_operations(struct proactor *p)
{
	struct timer_node *node;
	struct abandoned all = { 0, NULL };
	struct op_state *s;

	abandon_mail(p);
	proactor__cancel_rest(p);
	while ((node = proactor__timers_pop(&p->timers, INT64_MAX)) != NULL) {
		s = container_of(node, struct op_state, timer);
		/* A timeout is found by the operation before it. */
		if (s->stage != STAGE_DEADLINE)
			list_append(&p->ready, &s->link);
	}
	proactor__for_each(p, abandon_one, &all);
	return_pooled(all.pooled);
	list_init(&p->ready);
	/* Letters about operations that were still being written. */
	abandon_mail(p);
	if (all.count != 0)
		proactor__log(p, PROACTOR_LOG_WARNING, "proactor %s released "
		    "with %zu operations in flight and no shutdown",
		    p->debug_name != NULL ? p->debug_name : "",
		    all.count);
}

/* The last user reference is gone. */
void
proactor__destroy(struct proactor *p)
{
	if (proactor__forked(p->generation)) {
		proactor__relays_free(p);
		p->backend->destroy(p, true);
		/* What the child has not released yet names p. */
		atomic_store(&p->phase, PHASE_DEAD);
		proactor__unhold(p);
		return;
	}
	if ((p->special & SPECIAL_DISPATCHING) && is_owner(p)) {
		p->special |= SPECIAL_RELEASE;
		return;
	}
	p->backend->abandon(p);
	atomic_store(p->gate, 0);
	store_before_loads(&p->phase, PHASE_DEAD);
	abandon_operations(p);
	proactor__sources_free(p);
	proactor__relays_free(p);
	p->backend->destroy(p, false);
	proactor__signals_drop(p);
	proactor__unhold(p);
}

/* Drops a reference; see proactor_create(3).  Any thread. */
void
proactor_release(struct proactor *p)
{
	if (p == NULL)
		return;
	if (atomic_fetch_sub_explicit(&p->references, 1,
	    memory_order_acq_rel) == 1)
		proactor__destroy(p);
}
