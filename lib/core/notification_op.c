/* SPDX-License-Identifier: ISC */
/*
 * Notifications in the loop: operations that wait for one and that signal
 * one.  Of the shared form, the other process grants by what it writes to a
 * descriptor, which is watched while anything is listed.
 */
#include "config.h"

#include "core/class.h"
#include "core/relay.h"

static struct proactor_notification_wait_op *
wait_of(struct proactor_op *op)
{
	return container_of(op, struct proactor_notification_wait_op, base);
}

/* Completes a wait that is on no list. */
static void
end_wait(struct proactor *p, struct proactor_notification_wait_op *op,
    int status)
{
	op->epoch = epoch_of(op->notification);
	proactor__post(p, &op->base, status, 0);
}

static struct proactor_notification_wait_op *
first_wait(struct proactor_notification *n)
{
	return wait_of(op_of_link(n->waits.next));
}

/* The first of the list leaves it. */
static void
complete_first(struct proactor *p, struct proactor_notification *n,
    int status)
{
	struct proactor_notification_wait_op *op = first_wait(n);

	list_remove(&op_state(&op->base)->link);
	proactor__notification_unlisted(p, n);
	end_wait(p, op, status);
}

/*
 * Wakes so many of those whose epoch has passed.  Each was listed with the
 * epoch of its time, so that behind one whose epoch is now all are.
 */
static void
give(struct proactor *p, struct proactor_notification *n, uint32_t count)
{
	uint32_t epoch = epoch_of(n);

	for (; count != 0 && !list_empty(&n->waits) &&
	    first_wait(n)->token != epoch; count--)
		complete_first(p, n, 0);
	proactor__relays_give(p, n, count);
}

/* The notification's letter has come. */
void
proactor__notification_mailed(struct proactor *p,
    struct proactor_notification *n)
{
	atomic_store(&n->mailed, 0);
	give(p, n, atomic_exchange(&n->granted, 0));
	proactor_notification_release(n);
}

/*
 * The proactor is dead: the letter will not be read, and no other is written.
 * Any thread, also twice.
 */
void
proactor__notification_abandon(struct proactor_notification *n)
{
	if (atomic_exchange(&n->mailed, 2) == 1)
		proactor_notification_release(n);
}

/*
 * The other process has written, or never will again: then nobody must wait
 * for it.
 */
static void
woken(void *user_data, struct proactor_event_source *source,
    unsigned int events)
{
	struct proactor_notification *n = user_data;
	uint64_t granted = 0;
	int error;

	(void)events;
	error = source->failed ? PROACTOR_EIO :
	    proactor__sys_drain(n->wake_fd, &n->look, &granted);
	if (granted > UINT32_MAX)
		granted = UINT32_MAX;
	give(n->object.p, n, (uint32_t)granted);
	while (error < 0 && !list_empty(&n->waits))
		complete_first(n->object.p, n, error);
	if (error < 0)
		proactor__relays_fault(n->object.p, n, error);
}

static void	watch_gone(struct proactor_event_source *source);

static void
watch_begin(struct proactor *p, struct proactor_notification *n)
{
	n->watching = true;
	object_retain(&n->object);
	proactor__source_init(&n->watch, n->wake_fd, woken, n, watch_gone);
	proactor__source_start(p, &n->watch);
}

/* The end of a watch takes its time, and another may be needed by then. */
static void
watch_gone(struct proactor_event_source *source)
{
	struct proactor_notification *n =
	    container_of(source, struct proactor_notification, watch);
	struct proactor *p = n->object.p;

	n->watching = false;
	if (atomic_load(&n->listed) != 0 &&
	    atomic_load(&p->phase) == PHASE_RUNNING)
		watch_begin(p, n);
	proactor_notification_release(n);
}

/*
 * Something of n was put on one of its lists.  At any moment all processes'
 * waits are at least those that are listed here, and who has not read both at
 * one moment reads them again.
 */
void
proactor__notification_listed(struct proactor *p,
    struct proactor_notification *n)
{
	proactor__object_list(&n->object);
	if (n->shared) {
		atomic_fetch_add(&n->words->waits, 1);
		atomic_fetch_add(&n->listings, 1);
	}
	if (atomic_fetch_add(&n->listed, 1) == 0 && n->wake_fd >= 0 &&
	    !n->watching)
		watch_begin(p, n);
}

/* ... and was taken off. */
void
proactor__notification_unlisted(struct proactor *p,
    struct proactor_notification *n)
{
	if (proactor__notification_forgotten(n) && n->watching &&
	    !n->watch.dead)
		proactor__source_drop(p, &n->watch);
}

/* The same of a dead proactor, which watches nothing.  Was it the last? */
bool
proactor__notification_forgotten(struct proactor_notification *n)
{
	bool last = atomic_fetch_sub(&n->listed, 1) == 1;

	if (is_counted(n)) {
		atomic_fetch_add(&n->listings, 1);
		atomic_fetch_sub(&n->words->waits, 1);
	}
	return last;
}

static int
wait_check(struct proactor *p, struct proactor_op *op)
{
	struct proactor_notification_wait_op *w = wait_of(op);
	struct proactor_notification *n = w->notification;

	if (n == NULL || n->object.p != p ||
	    (w->wait_flags & ~PROACTOR_NOTIFICATION_TOKEN) != 0)
		return PROACTOR_EINVAL;
	return n->shared && n->wake_fd < 0 ? PROACTOR_ENOTSUP : 0;
}

static void
wait_retain(struct proactor_op *op)
{
	struct proactor_notification_wait_op *w = wait_of(op);

	object_retain(&w->notification->object);
	count_observers(w->notification, ONE_MORE);
	if (!(w->wait_flags & PROACTOR_NOTIFICATION_TOKEN))
		w->token = epoch_of(w->notification);
}

static void
wait_begin(struct proactor *p, struct proactor_op *op)
{
	struct proactor_notification_wait_op *w = wait_of(op);
	struct proactor_notification *n = w->notification;
	struct op_state *s = op_state(op);

	if (epoch_of(n) != w->token) {
		end_wait(p, w, 0);
		return;
	}
	s->stage = STAGE_EVENT;
	list_append(&n->waits, &s->link);
	proactor__notification_listed(p, n);
	/* A signal that has not seen it was before this. */
	if (epoch_of(n) != w->token) {
		list_remove(&s->link);
		proactor__notification_unlisted(p, n);
		end_wait(p, w, 0);
	}
}

static void
wait_cancel(struct proactor *p, struct proactor_op *op)
{
	list_remove(&op_state(op)->link);
	proactor__notification_unlisted(p, wait_of(op)->notification);
	end_wait(p, wait_of(op), PROACTOR_ECANCELED);
}

static void
wait_leave(struct proactor *p, struct proactor_op *op)
{
	struct proactor_notification *n = wait_of(op)->notification;

	(void)p;
	count_observers(n, ONE_LESS);
	proactor_notification_release(n);
}

static void
wait_abandon(struct proactor_op *op)
{
	struct proactor_notification *n = wait_of(op)->notification;

	if (op_state(op)->stage == STAGE_EVENT) {
		list_remove(&op_state(op)->link);
		(void)proactor__notification_forgotten(n);
	}
	wait_leave(n->object.p, op);
}

const struct op_class proactor__notification_wait_class = {
	.name = "notification wait",
	.size = sizeof(struct proactor_notification_wait_op),
	.check = wait_check,
	.retain = wait_retain,
	.begin = wait_begin,
	.cancel = wait_cancel,
	.abandon = wait_abandon,
	.leave = wait_leave,
};

void
proactor_notification_wait_op_init(struct proactor_notification_wait_op *op,
    struct proactor_notification *notification, proactor_callback callback,
    void *user_data)
{
	if (op == NULL)
		return;
	proactor__op_init(&op->base, PROACTOR_OP_NOTIFICATION_WAIT, callback,
	    user_data);
	op->notification = notification;
	op->wait_flags = 0;
	op->token = op->epoch = 0;
}

static struct proactor_notification_signal_op *
signal_of(struct proactor_op *op)
{
	return container_of(op, struct proactor_notification_signal_op, base);
}

static int
signal_check(struct proactor *p, struct proactor_op *op)
{
	struct proactor_notification_signal_op *s = signal_of(op);

	(void)p;
	return s->notification == NULL || s->count <= 0 ? PROACTOR_EINVAL : 0;
}

static void
signal_retain(struct proactor_op *op)
{
	object_retain(&signal_of(op)->notification->object);
}

static void
signal_begin(struct proactor *p, struct proactor_op *op)
{
	struct proactor_notification_signal_op *s = signal_of(op);

	s->woken = (int32_t)proactor__notify(s->notification,
	    (uint32_t)s->count);
	proactor__post(p, op, 0, 0);
}

static void
signal_abandon(struct proactor_op *op)
{
	proactor_notification_release(signal_of(op)->notification);
}

static void
signal_leave(struct proactor *p, struct proactor_op *op)
{
	(void)p;
	proactor_notification_release(signal_of(op)->notification);
}

const struct op_class proactor__notification_signal_class = {
	.name = "notification signal",
	.size = sizeof(struct proactor_notification_signal_op),
	.check = signal_check,
	.retain = signal_retain,
	.begin = signal_begin,
	.abandon = signal_abandon,
	.leave = signal_leave,
};

void
proactor_notification_signal_op_init(
    struct proactor_notification_signal_op *op,
    struct proactor_notification *notification, int32_t count,
    proactor_callback callback, void *user_data)
{
	if (op == NULL)
		return;
	proactor__op_init(&op->base, PROACTOR_OP_NOTIFICATION_SIGNAL,
	    callback, user_data);
	op->notification = notification;
	op->count = count;
	op->woken = 0;
}
