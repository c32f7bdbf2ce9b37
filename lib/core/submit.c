/* SPDX-License-Identifier: ISC */
/*
 * The way in: check every operation of a batch, take references, tie chains,
 * and then either begin (the owner) or post to the owner's mailbox.
 */
#include "config.h"

#include "core/class.h"
#include "core/op_pool.h"

#define OP_FLAGS	(PROACTOR_OP_MULTISHOT | PROACTOR_OP_LINKED)

/* The way in of one operation of no chain, by its type. */
static int (*const submit_by_type[CLASSES])(struct proactor *p,
    struct proactor_op *op) = {
	[PROACTOR_OP_NOP] = proactor__nop_submit,
	[PROACTOR_OP_TIMER] = proactor__timer_submit,
	[PROACTOR_OP_EVENT_WAIT] = proactor__submit_plain,
	[PROACTOR_OP_HANDLE_POLL] = proactor__submit_plain,
	[PROACTOR_OP_ACCEPT] = proactor__submit_plain,
	[PROACTOR_OP_CONNECT] = proactor__submit_plain,
	[PROACTOR_OP_RECV] = proactor__recv_submit,
	[PROACTOR_OP_SEND] = proactor__send_submit,
	[PROACTOR_OP_RECVFROM] = proactor__submit_plain,
	[PROACTOR_OP_SENDTO] = proactor__submit_plain,
	[PROACTOR_OP_SOCKET_CLOSE] = proactor__submit_plain,
	[PROACTOR_OP_FILE_OPEN] = proactor__submit_plain,
	[PROACTOR_OP_FILE_READ] = proactor__read_submit,
	[PROACTOR_OP_FILE_WRITE] = proactor__write_submit,
	[PROACTOR_OP_FILE_CLOSE] = proactor__submit_plain,
	[PROACTOR_OP_MESSAGE] = proactor__submit_plain,
	[PROACTOR_OP_NOTIFICATION_WAIT] = proactor__submit_plain,
	[PROACTOR_OP_NOTIFICATION_SIGNAL] = proactor__submit_plain,
	[PROACTOR_OP_SEMAPHORE_WAIT] = proactor__submit_plain,
	[PROACTOR_OP_SEMAPHORE_SIGNAL] = proactor__submit_plain,
	[PROACTOR_OP_FUTEX_WAIT] = proactor__submit_plain,
	[PROACTOR_OP_FUTEX_WAKE] = proactor__submit_plain,
	[PROACTOR_OP_SEQUENCE] = proactor__submit_plain,
};

/*
 * Has it neither flags nor a pool, and is its base good?  Then it may take a
 * short way, which is that of most operations of most programs.
 */
static inline bool
is_plain(struct proactor_op *op)
{
	/* Its type, if it has no flags; else a large number. */
	uint64_t kind = (uint64_t)op->flags << 32 | op->type;

	/* Types count from 1; the last is the timeout, which is never alone. */
	return kind - 1 < PROACTOR_OP_TIMEOUT - 1 &&
	    atomic_load_explicit(&op_state(op)->life,
	    memory_order_relaxed) == LIFE_IDLE &&
	    op->callback != NULL && op->pool == NULL;
}

/* One operation of a batch; previous is the one before it, or NULL. */
static int
check(struct proactor *p, struct proactor_op *op,
    const struct proactor_op *previous)
{
	const struct op_class *c;
	bool after;

	if (op == NULL)
		return PROACTOR_EINVAL;
	c = proactor__class(op->type);
	if (c == NULL || (op->flags & ~OP_FLAGS) != 0)
		return PROACTOR_EINVAL;
	/* A pool's may be submitted again in its final callback. */
	if ((atomic_load_explicit(&op_state(op)->life,
	    memory_order_relaxed) & ~LIFE_ENDING) != LIFE_IDLE)
		return PROACTOR_EBUSY;
	if (op->callback == NULL || (op->pool != NULL &&
	    !proactor__op_pool_has(op->pool, op, c->size)))
		return PROACTOR_EINVAL;
	after = previous != NULL && (previous->flags & PROACTOR_OP_LINKED);
	if (op->flags & PROACTOR_OP_MULTISHOT) {
		/* A chain goes on after a completion, which one is moot. */
		if (!(c->flags & PROACTOR_OP_MULTISHOT) || after ||
		    (op->flags & PROACTOR_OP_LINKED))
			return PROACTOR_EINVAL;
	}
	if (op->type == PROACTOR_OP_TIMEOUT && (!after ||
	    previous->type == PROACTOR_OP_TIMEOUT))
		return PROACTOR_EINVAL;
	return c->check != NULL ? c->check(p, op) : 0;
}

/*
 * The short way of check() for what proactor_submit_one() takes by a short
 * way too: no flags, no pool.  False: it is the long one.
 */
static inline bool
check_plain(struct proactor *p, struct proactor_op *op, int *ret_error)
{
	const struct op_class *c;

	if (!is_plain(op))
		return false;
	c = proactor__classes[op->type];
	*ret_error = c->check != NULL ? c->check(p, op) : 0;
	return true;
}

static void
uncheck(struct proactor_op *op)
{
	const struct op_class *c = proactor__class(op->type);

	atomic_fetch_and_explicit(&op_state(op)->life, ~LIFE_CHECKED,
	    memory_order_relaxed);
	if (c->uncheck != NULL)
		c->uncheck(op);
}

static int
check_batch(struct proactor *p, struct proactor_op *const *ops, size_t count,
    bool *ret_linked)
{
	_Atomic uint32_t *life;
	unsigned int flags = 0;
	size_t i;
	int error = 0;

	for (i = 0; i < count; i++) {
		if (ops[i] == NULL || !check_plain(p, ops[i], &error)) {
			error = check(p, ops[i], i > 0 ? ops[i - 1] : NULL);
			flags |= error == 0 ? ops[i]->flags : 0;
		}
		if (error != 0)
			break;
		life = &op_state(ops[i])->life;
		atomic_store_explicit(life, atomic_load_explicit(life,
		    memory_order_relaxed) | LIFE_CHECKED,
		    memory_order_relaxed);
	}
	if (error == 0 && (ops[count - 1]->flags & PROACTOR_OP_LINKED))
		error = PROACTOR_EINVAL;
	if (error != 0)
		while (i > 0)
			uncheck(ops[--i]);
	*ret_linked = (flags & PROACTOR_OP_LINKED) != 0;
	return error;
}

/* Before the operation is seen by others: its private part. */
static void
prepare(struct proactor *p, struct proactor_op *op, enum stage stage)
{
	const struct op_class *c = proactor__class(op->type);
	struct op_state *s = op_state(op);

	if (c->retain != NULL)
		c->retain(op);
	if (op->pool != NULL)
		(void)proactor__op_pool_turn(op);
	s->stage = (uint8_t)stage;
	s->bits = 0;
	atomic_store_explicit(&s->p, p, memory_order_relaxed);
	s->chain = NULL;
	s->before = NULL;
	list_init(&s->link);
}

/* From here on the operation is the library's. */
static void
accept_op(struct proactor_op *op)
{
	atomic_store_explicit(&op_state(op)->life, LIFE_FLIGHT,
	    memory_order_release);
}

/* Ties the chains of a batch that is prepared. */
static void
tie(struct proactor_op *const *ops, size_t count)
{
	struct op_state *s;
	size_t i;

	for (i = 0; i + 1 < count; i++) {
		if (!(ops[i]->flags & PROACTOR_OP_LINKED))
			continue;
		op_state(ops[i])->chain = ops[i + 1];
		s = op_state(ops[i + 1]);
		s->before = ops[i];
		s->stage = STAGE_CHAINED;
	}
}

/* Starts an operation of no chain, or the member whose turn it is. */
void
proactor__begin(struct proactor *p, struct proactor_op *op)
{
	/* A sequence has steps to call back. */
	if ((op_state(op)->bits & OPB_CANCEL) &&
	    op->type != PROACTOR_OP_SEQUENCE)
		proactor__post(p, op, PROACTOR_ECANCELED, 0);
	else
		proactor__class(op->type)->begin(p, op);
}

/* The owner: one that is of no chain and good. */
static inline void
begin_loose(struct proactor *p, struct proactor_op *op)
{
	const struct op_class *c = proactor__class(op->type);

	if (c->retain != NULL)
		c->retain(op);
	if (op->pool != NULL)
		(void)proactor__op_pool_turn(op);
	op_accept(p, op, STAGE_IDLE);
	list_init(&op_state(op)->link);
	c->begin(p, op);
}

static int
submit_owner(struct proactor *p, struct proactor_op *const *ops, size_t count)
{
	bool linked;
	size_t i;
	int error;

	if (atomic_load_explicit(&p->phase, memory_order_relaxed) !=
	    PHASE_RUNNING)
		return PROACTOR_ESHUTDOWN;
	error = check_batch(p, ops, count, &linked);
	if (error != 0)
		return error;
	if (!linked) {
		for (i = 0; i < count; i++)
			begin_loose(p, ops[i]);
		(void)flush_outside(p);
		return 0;
	}
	for (i = 0; i < count; i++) {
		prepare(p, ops[i], STAGE_IDLE);
		accept_op(ops[i]);
	}
	p->in_flight += count;
	tie(ops, count);
	for (i = 0; i < count; i++) {
		if (op_state(ops[i])->before != NULL)
			continue;
		if (op_state(ops[i])->chain != NULL)
			proactor__chain_begin(p, ops[i]);
		else
			proactor__begin(p, ops[i]);
	}
	/* A kernel that takes nothing now is asked again by the next poll. */
	(void)flush_outside(p);
	return 0;
}

/*
 * Another thread, or no owner yet: everything in one post.  Announced before
 * the phase is read, so that a shutdown which this does not see waits for it.
 */
static int
submit_foreign(struct proactor *p, struct proactor_op *const *ops,
    size_t count)
{
	struct mail *newest = NULL, *oldest = NULL;
	struct op_state *s;
	bool linked;
	size_t i;
	int error;

	atomic_fetch_add(&p->mailed, count);
	error = atomic_load(&p->phase) != PHASE_RUNNING ?
	    PROACTOR_ESHUTDOWN : check_batch(p, ops, count, &linked);
	if (error != 0) {
		/* A shutdown may be waiting for just this. */
		if (atomic_fetch_sub(&p->mailed, count) == count &&
		    atomic_load(&p->phase) != PHASE_RUNNING)
			(void)proactor_wake(p);
		return error;
	}
	for (i = 0; i < count; i++)
		prepare(p, ops[i], STAGE_MAIL);
	if (linked)
		tie(ops, count);
	for (i = 0; i < count; i++) {
		s = op_state(ops[i]);
		if (s->before == NULL) {
			s->mail.kind = MAIL_SUBMIT;
			s->mail.next = newest;
			newest = &s->mail;
			if (oldest == NULL)
				oldest = &s->mail;
		}
		accept_op(ops[i]);
	}
	mailbox_post_list(&p->mailbox, newest, oldest);
	proactor__wake_up(p);
	return 0;
}

static int
submit(struct proactor *p, struct proactor_op *const *ops,
    size_t count)
{
	if (p == NULL || (ops == NULL && count != 0))
		return PROACTOR_EINVAL;
	if (proactor__forked(p->generation))
		return PROACTOR_ECHILD;
	if (count == 0)
		return 0;
	return is_owner(p) ? submit_owner(p, ops, count) :
	    submit_foreign(p, ops, count);
}

/*
 * Accepts the whole batch, or nothing of it and says why.  Any thread.
 */
int
proactor_submit(struct proactor *p, struct proactor_op *const *ops,
    size_t count)
{
	return count == 1 && ops != NULL ? proactor_submit_one(p, ops[0]) :
	    submit(p, ops, count);
}

/* One operation of the owner's, of any class, its base checked. */
int
proactor__submit_plain(struct proactor *p, struct proactor_op *op)
{
	const struct op_class *c = proactor__class(op->type);
	int error;

	if (c->check != NULL) {
		error = c->check(p, op);
		if (error != 0)
			return error;
	}
	begin_loose(p, op);
	return flush_outside(p);
}

static int __attribute__((noinline))
submit_any_one(struct proactor *p, struct proactor_op *op)
{
	return submit(p, &op, 1);
}

/*
 * The same for one operation.  What most programs submit most, an operation
 * of no chain and no pool on the polling thread, takes a short way.
 */
int
proactor_submit_one(struct proactor *p, struct proactor_op *op)
{
	if (p == NULL || op == NULL)
		return PROACTOR_EINVAL;
	if (atomic_load_explicit(p->gate, memory_order_relaxed) !=
	    proactor__self || !is_plain(op))
		return submit_any_one(p, op);
	return submit_by_type[op->type](p, op);
}

/*
 * Hands what was submitted and not yet handed over to the kernel.  On any
 * other thread than the polling one there is nothing to hand over.
 */
int
proactor_flush(struct proactor *p)
{
	if (p == NULL)
		return PROACTOR_EINVAL;
	if (proactor__forked(p->generation))
		return PROACTOR_ECHILD;
	return is_owner(p) ? p->backend->flush(p) : 0;
}
