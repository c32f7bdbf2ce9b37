/* SPDX-License-Identifier: ISC */
/*
 * What is asked of the kernel besides operations: that one ends, that a
 * source is watched, that the owner can be woken.  And what it did not take
 * the first time.
 */
#include "encode.h"

/* The user data that an operation is under way with. */
static uint64_t
name_of(struct proactor_op *op)
{
	if (op_state(op)->shape != 0)
		return tagged(op, TAG_OP);
	switch (op->type) {
	case PROACTOR_OP_RECV:
		return tagged(op, TAG_RECV);
	case PROACTOR_OP_SEND:
		return tagged(op, TAG_SEND);
	default:
		return tagged(op, TAG_FILE);
	}
}

/* False: the next wait must ask again. */
bool
proactor__ring_cancel_request(struct ring *r, uint64_t user_data)
{
	struct io_uring_sqe *sqe;

	sqe = proactor__ring_sqe(r);
	if (sqe == NULL) {
		r->again = true;
		r->p->special |= SPECIAL_LEFT;
		return false;
	}
	io_uring_prep_cancel64(sqe, user_data, 0);
	if (r->probe.features & IORING_FEAT_CQE_SKIP)
		sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
	sqe->user_data = tagged(NULL, TAG_VOID);
	r->ended++;
	return true;
}

/*
 * Asks the kernel to end an operation.  A member of its chain that has not
 * begun is not found: the one that runs is stopped, which breaks the chain,
 * and begins again by itself.  Which one runs is not known before the first
 * that is not silent.  All that may run are asked with the first of them, and
 * by the first that is to end, in whichever order they are: on its way there
 * it leaves a mark on each member.
 */
static void
ask(struct ring *r, struct proactor_op *op)
{
	struct proactor_op *before;

	while ((before = proactor__ring_before(op)) != NULL) {
		if (op_state(before)->bits & (OPB_ASKED | OPB_REACHED))
			return;
		op_state(before)->bits |= OPB_REACHED;
		op = before;
	}
	while (proactor__ring_cancel_request(r, name_of(op)) &&
	    (op_state(op)->shape & SHAPE_SILENT)) {
		op = proactor__ring_after(op);
		if (op == NULL)
			break;
	}
}

/* Is it known whether the kernel has begun it?  If not, it may have. */
static bool
is_behind_silence(struct proactor_op *op)
{
	struct proactor_op *before = proactor__ring_before(op);

	return before != NULL && (op_state(before)->shape & SHAPE_SILENT);
}

/*
 * Entries are taken in order, so that the request cannot hit a later
 * operation at the same address.
 */
void
proactor__ring_cancel(struct proactor *p, struct proactor_op *op)
{
	struct op_state *s = op_state(op);
	struct ring *r = ring_of(p);

	if (!(s->bits & OPB_ASKED)) {
		s->bits |= OPB_ASKED;
		r->canceling++;
	}
	if (!(s->bits & OPB_EARLY))
		ask(r, op);
}

void
proactor__ring_watch(struct proactor *p, struct proactor_event_source *source)
{
	struct ring *r = ring_of(p);
	struct io_uring_sqe *sqe;

	sqe = proactor__ring_sqe(r);
	if (sqe == NULL) {
		source->armed = false;
		r->again = true;
		r->p->special |= SPECIAL_LEFT;
		return;
	}
	io_uring_prep_poll_add(sqe, source->handle.u.fd,
	    proactor__sys_poll_mask(source->wanted));
	sqe->user_data = tagged(source, TAG_SOURCE);
}

void
proactor__ring_unwatch(struct proactor *p,
    struct proactor_event_source *source)
{
	if (source->armed)
		(void)proactor__ring_cancel_request(ring_of(p),
		    tagged(source, TAG_SOURCE));
}

/* One poll of the wake descriptor that stays, where the kernel has that. */
void
proactor__ring_arm_wake(struct ring *r)
{
	struct io_uring_sqe *sqe;

	sqe = proactor__ring_sqe(r);
	if (sqe == NULL)
		return;
	io_uring_prep_poll_add(sqe, r->wake_fd, POLLIN);
	sqe->len = r->wake_events;
	sqe->user_data = tagged(NULL, TAG_WAKE);
	r->wake_armed = true;
}

/* What was asked before may have been asked in vain. */
static void
unmark(void *user_data, struct proactor_op *op)
{
	(void)user_data;
	op_state(op)->bits &= (uint16_t)~OPB_REACHED;
}

static void
cancel_again(void *user_data, struct proactor_op *op)
{
	struct op_state *s = op_state(op);
	struct ring *r = ring_of(user_data);

	if (s->stage != STAGE_KERNEL || !(s->bits & OPB_ASKED))
		return;
	r->canceling++;
	if (!(s->bits & (OPB_HELD | OPB_EARLY)) &&
	    (proactor__ring_before(op) == NULL || is_behind_silence(op)))
		ask(r, op);
}

/* What the kernel did not take before.  In a wait: it may call back. */
void
proactor__ring_retry(struct proactor *p, struct ring *r)
{
	struct mail *mail = r->backlog, *next;
	struct proactor_event_source *source;
	struct op_state *s;
	struct link *l;

	r->backlog = NULL;
	r->backlog_end = &r->backlog;
	for (; mail != NULL; mail = next) {
		next = mail->next;
		s = container_of(mail, struct op_state, mail);
		if (s->bits & OPB_CANCEL) {
			proactor__ring_canceled(r, op_of_state(s));
			proactor__complete(p, op_of_state(s),
			    PROACTOR_ECANCELED, 0);
		} else
			proactor__ring_start(p, op_of_state(s));
	}
	if (!r->again)
		return;
	r->again = false;
	/* The short way does not count those that ended well all the same. */
	r->canceling = 0;
	/* All of them first: a member may be listed before those before it. */
	proactor__for_each(p, unmark, NULL);
	proactor__for_each(p, cancel_again, p);
	for (l = p->sources.next; l != &p->sources; l = l->next) {
		source = container_of(l, struct proactor_event_source, link);
		if (source->armed && source->dead)
			proactor__ring_unwatch(p, source);
	}
	proactor__ring_unrelay_again(p);
	proactor__sources_arm(p);
}
