/* SPDX-License-Identifier: ISC */
/*
 * Messages: 64 bits into another proactor.  The pool of messages is a bounded
 * ring of cells, each with a sequence number that says whose turn it is
 * (Dmitry Vyukov's bounded queue, here with one consumer), so that a send
 * neither allocates nor locks and may be made in a signal handler.
 */
#include "config.h"

#include "core/class.h"

#define CAPACITY_DEFAULT	256

/*
 * Makes the pool; the capacity is rounded up to a power of two, and to two:
 * with one cell "full" and "free again" would be the same number.
 */
int
proactor__messages_init(struct proactor *p, uint32_t capacity)
{
	struct message_queue *q = &p->messages;
	uint64_t i, n = 2;

	if (capacity == 0)
		capacity = CAPACITY_DEFAULT;
	while (n < capacity)
		n *= 2;
	q->cells = proactor__allocate(p, n * sizeof(*q->cells));
	if (q->cells == NULL)
		return PROACTOR_ENOMEM;
	for (i = 0; i < n; i++)
		atomic_init(&q->cells[i].sequence, i);
	q->mask = n - 1;
	return 0;
}

void
proactor__messages_free(struct proactor *p)
{
	proactor__free(p, p->messages.cells);
}

/*
 * The cell that is the caller's to fill, and its position; NULL when the pool
 * is full.  Any thread, async-signal-safe.
 *
 * A cell's sequence is its position while it is free, one more while it holds
 * a message.
 */
static inline struct message_cell *
take(struct message_queue *q, uint64_t *ret_position)
{
	struct message_cell *cell;
	uint64_t position, sequence;

	position = atomic_load_explicit(&q->tail, memory_order_relaxed);
	for (;;) {
		cell = &q->cells[position & q->mask];
		sequence = atomic_load_explicit(&cell->sequence,
		    memory_order_acquire);
		if (sequence == position) {
			if (atomic_compare_exchange_weak_explicit(&q->tail,
			    &position, position + 1, memory_order_relaxed,
			    memory_order_relaxed)) {
				*ret_position = position;
				return cell;
			}
		} else if ((int64_t)(sequence - position) < 0)
			return NULL;
		else
			position = atomic_load_explicit(&q->tail,
			    memory_order_relaxed);
	}
}

static bool
pending(struct message_queue *q)
{
	return atomic_load(&q->cells[q->head & q->mask].sequence) ==
	    q->head + 1;
}

/* Is there a message, and somebody to tell of it? */
bool
proactor__messages_pending(struct proactor *p)
{
	return p->message_callback != NULL && pending(&p->messages);
}

/* Calls back the messages that are there, a pool's worth at the most. */
void
proactor__messages_dispatch(struct proactor *p)
{
	struct message_queue *q = &p->messages;
	struct message_cell *cell;
	uint64_t data, head = q->head, mask = q->mask, end = head + mask + 1;

	while (p->message_callback != NULL && head != end) {
		cell = &q->cells[head & mask];
		if (atomic_load_explicit(&cell->sequence,
		    memory_order_acquire) != head + 1)
			break;
		data = cell->data;
		atomic_store_explicit(&cell->sequence, head + mask + 1,
		    memory_order_release);
		q->head = ++head;
		p->completed++;
		p->message_callback(p->message_data, p, data);
	}
	if (head == end)
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
	cell = take(&target->messages, &position);
	if (cell == NULL)
		return PROACTOR_EAGAIN;
	cell->data = data;
	/* In one order with the words that the owner sleeps by. */
	store_before_loads(&cell->sequence, position + 1);
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
	struct message_cell *cell;
	uint64_t position;

	if (target == NULL || atomic_load_explicit(target->gate,
	    memory_order_relaxed) != proactor__self)
		return send_foreign(target, data);
	cell = take(&target->messages, &position);
	if (cell == NULL)
		return PROACTOR_EAGAIN;
	cell->data = data;
	atomic_store_explicit(&cell->sequence, position + 1,
	    memory_order_release);
	atomic_signal_fence(memory_order_seq_cst);
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
