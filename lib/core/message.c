/* SPDX-License-Identifier: ISC */
/*
 * Messages: 64 bits into another proactor.  The pool of messages is a bounded
 * ring of cells: a sender reserves one by advancing the tail, its only atomic
 * change, and fills it; the owner frees them in the same order.  So a send
 * neither allocates nor locks and may be made in a signal handler.
 *
 * What the owner sends to itself goes into a ring of its own, which takes no
 * atomic change at all and is called back first.  A signal handler that finds
 * the owner at it takes a cell, and after it so does the owner until that has
 * been called back.
 */
#include "config.h"

#include "core/class.h"

#define CAPACITY_DEFAULT	256

/* Makes the pool; the capacity is rounded up to a power of two. */
int
proactor__messages_init(struct proactor *p, uint32_t capacity)
{
	struct message_queue *q = &p->messages;
	const size_t each = sizeof(*q->cells) + sizeof(*q->own);
	uint64_t i, n = 1;

	if (capacity == 0)
		capacity = CAPACITY_DEFAULT;
	while (n < capacity)
		n *= 2;
	if (n > SIZE_MAX / each)
		return PROACTOR_ENOMEM;
	q->cells = proactor__allocate(p, (size_t)n * each);
	if (q->cells == NULL)
		return PROACTOR_ENOMEM;
	for (i = 0; i < n; i++)
		atomic_init(&q->cells[i].sequence, 0);
	q->own = (uint64_t *)(void *)&q->cells[n];
	q->mask = n - 1;
	/* What was sent before there was an owner is ahead of its own. */
	q->shut = true;
	return 0;
}

void
proactor__messages_free(struct proactor *p)
{
	proactor__free(p, p->messages.cells);
}

/*
 * Reserves the cell that is the caller's to fill; NULL when the pool is full.
 * Any thread, async-signal-safe.  Whoever reserves sees the words that the
 * owner sleeps by as they are after it, and the owner, who looks at the tail
 * after it has changed them, sees the reservation.
 */
static inline struct message_cell *
reserve(struct message_queue *q, uint64_t *ret_position)
{
	uint64_t head, position, latest;

	position = atomic_load_explicit(&q->tail, memory_order_relaxed);
	for (;;) {
		if (position - atomic_load_explicit(&q->seen,
		    memory_order_acquire) > q->mask) {
			head = atomic_load_explicit(&q->head,
			    memory_order_acquire);
			if (position - head > q->mask) {
				latest = atomic_load_explicit(&q->tail,
				    memory_order_relaxed);
				if (latest == position)
					return NULL;
				position = latest;
				continue;
			}
			atomic_store_explicit(&q->seen, head,
			    memory_order_release);
		}
		if (atomic_compare_exchange_weak(&q->tail, &position,
		    position + 1)) {
			*ret_position = position;
			return &q->cells[position & q->mask];
		}
	}
}

/* A cell holds a message when its sequence is one more than its position. */
static inline void
fill(struct message_cell *cell, uint64_t position, uint64_t data)
{
	cell->data = data;
	atomic_store_explicit(&cell->sequence, position + 1,
	    memory_order_release);
}

static inline bool
is_filled(struct message_queue *q, uint64_t position)
{
	return atomic_load_explicit(&q->cells[position & q->mask].sequence,
	    memory_order_acquire) == position + 1;
}

static inline uint64_t
own_load(const _Atomic uint64_t *word)
{
	return atomic_load_explicit(word, memory_order_relaxed);
}

static inline void
own_store(_Atomic uint64_t *word, uint64_t value)
{
	atomic_store_explicit(word, value, memory_order_relaxed);
}

/* Is there a message, and somebody to tell of it? */
bool
proactor__messages_pending(struct proactor *p)
{
	struct message_queue *q = &p->messages;

	return p->message_callback != NULL &&
	    (own_load(&q->own_head) != own_load(&q->own_tail) ||
	    is_filled(q, own_load(&q->head)));
}

/*
 * Has a sender reserved a cell that it is yet to fill?  It wakes the owner
 * then, unless its look at the words that the owner sleeps by and its filling
 * of the cell came to the owner the wrong way round: so that one who sleeps
 * must look again after a while.
 */
bool
proactor__messages_coming(struct proactor *p)
{
	struct message_queue *q = &p->messages;

	return p->message_callback != NULL &&
	    atomic_load(&q->tail) != own_load(&q->head);
}

/* Begins and ends what a signal handler must know of. */
static inline void
set_busy(struct message_queue *q, bool busy)
{
	atomic_signal_fence(memory_order_seq_cst);
	atomic_store_explicit(&q->busy, busy, memory_order_relaxed);
	atomic_signal_fence(memory_order_seq_cst);
}

/* Lets the owner's messages go by its own ring again if no cell is taken. */
static void
reopen(struct message_queue *q)
{
	set_busy(q, true);
	atomic_store_explicit(&q->shut, false, memory_order_relaxed);
	if (atomic_load(&q->tail) != own_load(&q->head))
		atomic_store_explicit(&q->shut, true, memory_order_relaxed);
	set_busy(q, false);
}

/* Calls back the messages that are there; what they send is for later. */
void
proactor__messages_dispatch(struct proactor *p)
{
	struct message_queue *q = &p->messages;
	const struct message_cell *cells = q->cells;
	const uint64_t *own = q->own;
	uint64_t data, end, head, mask = q->mask, own_end;

	/* In this order: what was sent before a cell is called back before. */
	end = atomic_load(&q->tail);
	atomic_signal_fence(memory_order_seq_cst);
	own_end = own_load(&q->own_tail);
	atomic_signal_fence(memory_order_acquire);
	head = own_load(&q->own_head);
	while (p->message_callback != NULL && head != own_end) {
		data = own[head & mask];
		/* Then its place may be a signal handler's. */
		atomic_signal_fence(memory_order_release);
		own_store(&q->own_head, ++head);
		p->completed++;
		p->message_callback(p->message_data, p, data);
	}
	head = own_load(&q->head);
	while (p->message_callback != NULL && head != end &&
	    is_filled(q, head)) {
		data = cells[head & mask].data;
		atomic_store_explicit(&q->head, ++head, memory_order_release);
		p->completed++;
		p->message_callback(p->message_data, p, data);
	}
	if (p->message_callback == NULL)
		return;
	if (atomic_load_explicit(&q->shut, memory_order_relaxed))
		reopen(q);
	/* The short ways of poll do not look for the rest. */
	if (head != end)
		atomic_store_explicit(&p->posted, 1, memory_order_relaxed);
}

/*
 * Sets, or with NULL removes, what is called for each message; messages wait
 * while there is none.  Serialised with poll by the caller.
 */
int
proactor_set_message_callback(struct proactor *p,
    proactor_message_fn callback, void *user_data)
{
	if (p == NULL)
		return PROACTOR_EINVAL;
	if (proactor__forked(p->generation))
		return PROACTOR_ECHILD;
	atomic_store(&p->posted, 1);
	p->message_callback = callback;
	p->message_data = user_data;
	return 0;
}

static int __attribute__((noinline))
send_foreign(struct proactor *target, uint64_t data)
{
	struct message_cell *cell;
	uint64_t position;

	if (target == NULL)
		return PROACTOR_EINVAL;
	if (proactor__forked(target->generation))
		return PROACTOR_ECHILD;
	if (atomic_load_explicit(&target->phase, memory_order_relaxed) !=
	    PHASE_RUNNING)
		return PROACTOR_ESHUTDOWN;
	cell = reserve(&target->messages, &position);
	if (cell == NULL)
		return PROACTOR_EAGAIN;
	fill(cell, position, data);
	proactor__wake_up(target);
	return 0;
}

/*
 * Sends 64 bits; see proactor_send_message(3).  Any thread.  The target's own
 * thread, or a signal handler on it, sees its words in order as they are; it
 * sleeps only when the handler came just before the wait.
 */
int
proactor_send_message(struct proactor *target, uint64_t data)
{
	struct message_queue *q;
	uint64_t tail;

	if (target == NULL || atomic_load_explicit(target->gate,
	    memory_order_relaxed) != proactor__self)
		return send_foreign(target, data);
	q = &target->messages;
	if (atomic_load_explicit(&q->busy, memory_order_relaxed))
		atomic_store_explicit(&q->shut, true, memory_order_relaxed);
	if (atomic_load_explicit(&q->shut, memory_order_relaxed))
		return send_foreign(target, data);
	set_busy(q, true);
	tail = own_load(&q->own_tail);
	if (tail - own_load(&q->own_head) > q->mask) {
		set_busy(q, false);
		return PROACTOR_EAGAIN;
	}
	q->own[tail & q->mask] = data;
	own_store(&q->own_tail, tail + 1);
	set_busy(q, false);
	if (atomic_load_explicit(&target->posted, memory_order_relaxed) == 0)
		atomic_store_explicit(&target->posted, 1,
		    memory_order_relaxed);
	atomic_signal_fence(memory_order_seq_cst);
	if (atomic_load_explicit(&target->asleep, memory_order_relaxed) != 0)
		proactor__wake_up(target);
	return 0;
}

static struct proactor_message_op *
message_of(struct proactor_op *op)
{
	return container_of(op, struct proactor_message_op, base);
}

static int
message_check(struct proactor *p, struct proactor_op *op)
{
	struct proactor_message_op *m = message_of(op);

	(void)p;
	if (m->target == NULL ||
	    (m->message_flags & ~PROACTOR_MESSAGE_SKIP_SOURCE) != 0)
		return PROACTOR_EINVAL;
	return 0;
}

/* The target's memory stays until the operation is final. */
static void
message_retain(struct proactor_op *op)
{
	proactor__hold(message_of(op)->target);
}

static int
send_to(struct proactor_message_op *m)
{
	return atomic_load(&m->target->phase) == PHASE_DEAD ?
	    PROACTOR_ESHUTDOWN : proactor_send_message(m->target, m->data);
}

static bool
skips_source(const struct proactor_message_op *m)
{
	return (m->message_flags & PROACTOR_MESSAGE_SKIP_SOURCE) != 0;
}

static void
message_begin(struct proactor *p, struct proactor_op *op)
{
	struct proactor_message_op *m = message_of(op);

	proactor__post(p, op, skips_source(m) ? 0 : send_to(m), 0);
}

/* It is in flight and ready: is it yet to be sent? */
bool
proactor__message_is_unsent(struct proactor_op *op)
{
	return skips_source(message_of(op));
}

/*
 * The last step of an operation that is not in flight any more.  With
 * SKIP_SOURCE the message is sent here, since the operation is the caller's
 * from the moment that the target knows of it: true when that succeeded, and
 * it must not be touched again.
 */
bool
proactor__message_passed_on(struct proactor_op *op, int *status)
{
	struct proactor_message_op *m = message_of(op);
	struct proactor *target = m->target;

	if (!skips_source(m))
		return false;
	if (*status == 0)
		*status = send_to(m);
	proactor__unhold(target);
	return *status == 0;
}

static void
message_abandon(struct proactor_op *op)
{
	proactor__unhold(message_of(op)->target);
}

static void
message_leave(struct proactor *p, struct proactor_op *op)
{
	(void)p;
	if (!skips_source(message_of(op)))
		proactor__unhold(message_of(op)->target);
}

const struct op_class proactor__message_class = {
	.name = "message",
	.size = sizeof(struct proactor_message_op),
	.check = message_check,
	.retain = message_retain,
	.begin = message_begin,
	.abandon = message_abandon,
	.leave = message_leave,
};

void
proactor_message_op_init(struct proactor_message_op *op,
    struct proactor *target, uint64_t data, unsigned int message_flags,
    proactor_callback callback, void *user_data)
{
	if (op == NULL)
		return;
	proactor__op_init(&op->base, PROACTOR_OP_MESSAGE, callback, user_data);
	op->target = target;
	op->data = data;
	op->message_flags = message_flags;
	op->reserved = 0;
}
