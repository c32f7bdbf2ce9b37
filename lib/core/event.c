/* SPDX-License-Identifier: ISC */
/*
 * Events: a flag that any thread, or a signal handler, may set and that one
 * waiter consumes.  They need no descriptor: setting one posts it to its
 * proactor's mailbox, once until that is read.
 */
#include "config.h"

#include "core/class.h"

/* Makes an event of p that is not set.  Any thread. */
int
proactor_event_create(struct proactor *p, struct proactor_event **ret_event)
{
	struct proactor_event *event;

	if (p == NULL || ret_event == NULL)
		return PROACTOR_EINVAL;
	if (proactor__forked(p->generation))
		return PROACTOR_ECHILD;
	event = proactor__object_create(p, OBJECT_EVENT, sizeof(*event), false);
	if (event == NULL)
		return PROACTOR_ENOMEM;
	list_init(&event->waiters);
	*ret_event = event;
	return 0;
}

struct proactor_event *
proactor_event_retain(struct proactor_event *event)
{
	if (event != NULL)
		object_retain(&event->object);
	return event;
}

void
proactor_event_release(struct proactor_event *event)
{
	if (event != NULL && object_drop(&event->object))
		proactor__object_destroy(&event->object);
}

/*
 * Sets the event; setting one that is set does nothing.  Any thread,
 * async-signal-safe.
 */
int
proactor_event_set(struct proactor_event *event)
{
	uint32_t none = 0;
	struct proactor *p;

	if (event == NULL)
		return PROACTOR_EINVAL;
	p = event->object.p;
	if (proactor__forked(p->generation))
		return PROACTOR_ECHILD;
	if (atomic_exchange(&event->set, 1) != 0)
		return 0;
	/* Nobody reads the mail of a dead proactor. */
	if (atomic_load(&p->phase) == PHASE_DEAD)
		return 0;
	if (!atomic_compare_exchange_strong(&event->mailed, &none, 1))
		return 0;
	object_retain(&event->object);
	event->mail.kind = MAIL_EVENT;
	mailbox_post(&p->mailbox, &event->mail);
	proactor__wake_up(p);
	/* It may have died just before, and its mail been read. */
	if (atomic_load(&p->phase) == PHASE_DEAD)
		proactor__event_abandon(event);
	return 0;
}

/* The event's letter has come: its signal goes to the first waiter. */
void
proactor__event_mailed(struct proactor *p, struct proactor_event *event)
{
	struct op_state *s;

	atomic_store(&event->mailed, 0);
	if (!list_empty(&event->waiters) &&
	    atomic_exchange(&event->set, 0) != 0) {
		s = container_of(event->waiters.next, struct op_state, link);
		list_remove(&s->link);
		proactor__post(p, op_of_state(s), 0, 0);
	}
	proactor_event_release(event);
}

/*
 * The proactor is dead: the letter will not be read, and no other is written.
 * Any thread, also twice.
 */
void
proactor__event_abandon(struct proactor_event *event)
{
	if (atomic_exchange(&event->mailed, 2) == 1)
		proactor_event_release(event);
}

static struct proactor_event *
event_of(struct proactor_op *op)
{
	return container_of(op, struct proactor_event_wait_op, base)->event;
}

static int
event_wait_check(struct proactor *p, struct proactor_op *op)
{
	struct proactor_event *event = event_of(op);

	return event == NULL || event->object.p != p ? PROACTOR_EINVAL : 0;
}

static void
event_wait_retain(struct proactor_op *op)
{
	object_retain(&event_of(op)->object);
}

static void
event_wait_begin(struct proactor *p, struct proactor_op *op)
{
	struct proactor_event *event = event_of(op);
	struct op_state *s = op_state(op);

	if (list_empty(&event->waiters) &&
	    atomic_exchange(&event->set, 0) != 0) {
		proactor__post(p, op, 0, 0);
		return;
	}
	proactor__object_list(&event->object);
	s->stage = STAGE_EVENT;
	list_append(&event->waiters, &s->link);
}

static void
event_wait_cancel(struct proactor *p, struct proactor_op *op)
{
	list_remove(&op_state(op)->link);
	proactor__post(p, op, PROACTOR_ECANCELED, 0);
}

static void
event_wait_abandon(struct proactor_op *op)
{
	proactor_event_release(event_of(op));
}

static void
event_wait_leave(struct proactor *p, struct proactor_op *op)
{
	(void)p;
	proactor_event_release(event_of(op));
}

const struct op_class proactor__event_wait_class = {
	.name = "event wait",
	.size = sizeof(struct proactor_event_wait_op),
	.check = event_wait_check,
	.retain = event_wait_retain,
	.begin = event_wait_begin,
	.cancel = event_wait_cancel,
	.abandon = event_wait_abandon,
	.leave = event_wait_leave,
};

void
proactor_event_wait_op_init(struct proactor_event_wait_op *op,
    struct proactor_event *event, proactor_callback callback, void *user_data)
{
	if (op == NULL)
		return;
	proactor__op_init(&op->base, PROACTOR_OP_EVENT_WAIT, callback,
	    user_data);
	op->event = event;
}
