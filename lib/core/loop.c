/* SPDX-License-Identifier: ISC */
/* The loop: what a poll does in a turn, and the short ways of most polls. */
#include "config.h"

#include "core/class.h"

/* Timers that one pass takes, so that other sources are not starved. */
#define EXPIRE_BATCH	1024

/* Until when a sender has filled the cell that it has reserved: 1 ms. */
#define MESSAGE_COMES	1000000

static void
expire(struct proactor *p, int64_t now)
{
	struct timer_node *node;
	struct proactor_op *op;
	int i;

	for (i = 0; i < EXPIRE_BATCH; i++) {
		node = proactor__timers_pop(&p->timers, now);
		if (node == NULL)
			break;
		op = op_of_timer(node);
		if (op_state(op)->stage == STAGE_DEADLINE)
			proactor__timeout_expired(p, op);
		else
			proactor__post(p, op, 0, 0);
	}
}

/*
 * The short way of proactor__complete() for what has no list to leave, no
 * reference to drop, no chain and no pool: timers, no-ops.  False: it is the
 * long one.
 */
static inline bool
complete_light(struct proactor *p, struct proactor_op *op)
{
	struct op_state *s = op_state(op);

	if (proactor__class(op->type)->leave != NULL || s->chain != NULL ||
	    op->pool != NULL)
		return false;
	if (atomic_fetch_sub_explicit(&s->life, LIFE_FLIGHT,
	    memory_order_acq_rel) != LIFE_FLIGHT) {
		atomic_fetch_add_explicit(&s->life, LIFE_FLIGHT,
		    memory_order_relaxed);
		return false;
	}
	p->in_flight--;
	p->completed++;
	op->callback(op->user_data, op, s->status, s->completion_flags);
	return true;
}

/*
 * Calls back a batch that was taken off the ready list.  Nobody else has the
 * list, so that it is walked and not taken apart; it is spent then.
 */
static void
run(struct proactor *p, const struct link *batch)
{
	const struct op_class *c;
	struct proactor_op *op;
	struct op_state *s;
	struct link *l, *next;

	for (l = batch->next; l != batch; l = next) {
		next = l->next;
		op = op_of_link(l);
		/* To the processor an atomic subtraction is a barrier. */
		__builtin_prefetch(op_of_link(next));
		if (complete_light(p, op))
			continue;
		list_init(l);
		s = op_state(op);
		c = proactor__class(op->type);
		if (c->act != NULL && s->status == 0)
			s->status = c->act(op);
		proactor__complete(p, op, s->status, s->completion_flags);
	}
}

static bool
anything_ready(struct proactor *p)
{
	return !list_empty(&p->ready) ||
	    atomic_load_explicit(&p->woken, memory_order_acquire) != 0 ||
	    proactor__messages_pending(p);
}

/*
 * How long the backend may wait: nanoseconds or BACKEND_FOREVER.  0 with
 * *passed set when the deadline is over.
 */
static int64_t
time_to_wait(struct proactor *p, int64_t deadline, int64_t now, bool *passed)
{
	int64_t next = PROACTOR_FOREVER;

	*passed = deadline <= 0;
	if (*passed)
		return 0;
	if (p->timers.count != 0)
		next = proactor__timers_next(&p->timers, now);
	if (next == PROACTOR_FOREVER && deadline == PROACTOR_FOREVER)
		return BACKEND_FOREVER;
	if (now == 0)
		now = proactor_now();
	if (deadline <= now) {
		*passed = true;
		return 0;
	}
	if (next > deadline)
		next = deadline;
	p->until = next;
	return next <= now ? 0 : next - now;
}

/*
 * The same, and not for long when a message has its place but is not there:
 * see proactor__messages_coming().
 */
static int64_t
time_to_rest(struct proactor *p, int64_t deadline, int64_t now, bool *passed)
{
	int64_t timeout = time_to_wait(p, deadline, now, passed);

	if (proactor__messages_coming(p) &&
	    (timeout == BACKEND_FOREVER || timeout > MESSAGE_COMES)) {
		p->until = 0;
		timeout = MESSAGE_COMES;
	}
	return timeout;
}

/* Has a shutdown that has begun nothing left to wait for? */
static bool
is_over(struct proactor *p)
{
	return atomic_load(&p->phase) != PHASE_RUNNING && p->in_flight == 0 &&
	    list_empty(&p->sources) && list_empty(&p->relays) &&
	    atomic_load(&p->mailed) == 0 && mailbox_empty(&p->mailbox);
}

/*
 * Turns until something was called back, a wake came (0) or the deadline
 * passed (ETIMEDOUT).
 */
static int
turn(struct proactor *p, int64_t deadline)
{
	struct link batch;
	int64_t now, timeout;
	bool passed, sleep, turned = false;
	int error;

	for (;;) {
		passed = false;
		now = 0;
		timeout = BACKEND_GLANCE;
		list_init(&batch);
		if (atomic_load_explicit(&p->posted, memory_order_relaxed))
			atomic_exchange(&p->posted, 0);
		proactor__receive(p);
		/*
		 * What is ready now is this pass; what its callbacks, the
		 * kernel's completions first, make ready is the next.
		 */
		if (p->completed == 0) {
			if (proactor__timers_are_leaving(&p->timers))
				proactor__cancel_rest(p);
			if (p->timers.count != 0) {
				now = proactor_now();
				expire(p, now);
			}
			list_take(&batch, &p->ready);
			p->special &= ~SPECIAL_READY;
			if (p->timers.count == 0)
				p->special &= ~SPECIAL_TIMERS;
			if (list_empty(&batch) && !anything_ready(p))
				timeout = time_to_rest(p, deadline, now,
				    &passed);
			else if (turned && deadline != PROACTOR_FOREVER)
				/* Steps that nobody is told of. */
				passed = deadline <= proactor_now();
			turned = true;
		}
		sleep = timeout != 0 && timeout != BACKEND_GLANCE;
		if (sleep) {
			if (is_over(p))
				return 0;
			store_before_loads(&p->asleep, 1);
			if (atomic_load(&p->posted) != 0 ||
			    !mailbox_empty(&p->mailbox) || anything_ready(p)) {
				atomic_store_explicit(&p->asleep, 0,
				    memory_order_relaxed);
				continue;
			}
		}
		error = p->backend->wait(p, timeout);
		if (sleep)
			atomic_store_explicit(&p->asleep, 0,
			    memory_order_relaxed);
		run(p, &batch);
		proactor__messages_dispatch(p);
		if (atomic_load_explicit(&p->woken, memory_order_relaxed) &&
		    atomic_exchange(&p->woken, 0) != 0)
			return 0;
		if (p->completed != 0)
			return 0;
		if (error != 0)
			return error;
		if (passed)
			return PROACTOR_ETIMEDOUT;
	}
}

static int
claim(struct proactor *p)
{
	uint64_t self = proactor__self_claim(), none = 0;
	int error;

	if (!atomic_compare_exchange_strong(&p->owner, &none, self))
		return PROACTOR_EPERM;
	error = p->backend->attach(p);
	if (error != 0) {
		atomic_store(&p->owner, 0);
		return error;
	}
	proactor__sources_arm(p);
	proactor__relays_arm(p);
	if (atomic_load(&p->phase) == PHASE_RUNNING)
		atomic_store(p->gate, p->gate == &p->no_gate ? 0 : self);
	return 0;
}

/* 0 when the calling thread owns p and may poll it now. */
static int
enter(struct proactor *p)
{
	int error;

	if (p == NULL)
		return PROACTOR_EINVAL;
	if (proactor__forked(p->generation))
		return PROACTOR_ECHILD;
	if (!is_owner(p)) {
		if (atomic_load(&p->phase) != PHASE_RUNNING &&
		    atomic_load(&p->owner) == 0)
			return PROACTOR_ESHUTDOWN;
		error = claim(p);
		if (error != 0)
			return error;
	}
	return (p->special & SPECIAL_DISPATCHING) ? PROACTOR_EBUSY : 0;
}

/* After the callbacks: the release that one of them made. */
static void
leave(struct proactor *p)
{
	p->special &= ~SPECIAL_DISPATCHING;
	if (p->special & SPECIAL_RELEASE)
		proactor__destroy(p);
}

/*
 * All that may be: the first poll, timers, operations that are ready, other
 * threads' letters and messages.
 */
static int __attribute__((noinline))
poll_all(struct proactor *p, int64_t deadline, size_t *ret_completed,
    bool begun)
{
	size_t completed;
	int error = 0;

	if (!begun) {
		error = enter(p);
		if (error != 0)
			return error;
		if (atomic_load_explicit(&p->phase, memory_order_relaxed) !=
		    PHASE_RUNNING)
			return PROACTOR_ESHUTDOWN;
		p->special |= SPECIAL_DISPATCHING;
		p->completed = 0;
	}
	error = turn(p, deadline);
	completed = p->completed;
	leave(p);
	if (error == 0 && ret_completed != NULL)
		*ret_completed = completed;
	return error;
}

/*
 * How long the short way may wait, as time_to_wait(); false when it is not
 * for this poll: a timer is due or was just now, the deadline has passed.
 */
static bool
time_to_wait_short(struct proactor *p, int64_t deadline, int64_t *ret_timeout)
{
	int64_t now, until = PROACTOR_FOREVER;

	*ret_timeout = BACKEND_GLANCE;
	if (!(p->special & SPECIAL_TIMERS) && (p->special & SPECIAL_READY))
		return true;
	now = proactor_now();
	if (p->special & SPECIAL_TIMERS) {
		if (proactor__timers_are_leaving(&p->timers))
			proactor__cancel_rest(p);
		if (!proactor__timers_are_quiet(&p->timers, now))
			return false;
		until = p->timers.quiet;
	}
	if (p->special & SPECIAL_READY)
		return true;
	if (deadline < until)
		until = deadline;
	if (until <= now)
		return false;
	p->until = until;
	*ret_timeout = until == PROACTOR_FOREVER ? BACKEND_FOREVER :
	    until - now;
	return true;
}

/*
 * When there are but operations that are ready, timers that are not due or a
 * deadline, that is a short way too.
 */
static int __attribute__((noinline))
poll_other(struct proactor *p, int64_t deadline, size_t *ret_completed)
{
	struct link batch;
	int64_t timeout;

	if (p == NULL || atomic_load_explicit(p->gate,
	    memory_order_relaxed) != proactor__self ||
	    (p->special & ~(SPECIAL_DEFER | SPECIAL_READY | SPECIAL_TIMERS)) !=
	    0 || atomic_load_explicit(&p->posted, memory_order_relaxed) != 0 ||
	    !time_to_wait_short(p, deadline, &timeout))
		return poll_all(p, deadline, ret_completed, false);

	p->special = (p->special & ~SPECIAL_READY) | SPECIAL_DISPATCHING;
	p->completed = 0;
	list_take(&batch, &p->ready);
	if (timeout == BACKEND_GLANCE)
		(void)p->backend->wait(p, timeout);
	else {
		store_before_loads(&p->asleep, 1);
		if (atomic_load(&p->posted) == 0)
			(void)p->backend->wait(p, timeout);
		atomic_store_explicit(&p->asleep, 0, memory_order_relaxed);
	}
	run(p, &batch);
	if (p->completed == 0 || (p->special & SPECIAL_RELEASE))
		return poll_all(p, deadline, ret_completed, true);
	p->special &= ~SPECIAL_DISPATCHING;
	if (ret_completed != NULL)
		*ret_completed = p->completed;
	return 0;
}

/*
 * Runs callbacks on the polling thread; see proactor_poll(3).  A loop that
 * has but to wait for the kernel, and is called back by it, takes a short
 * way.
 */
int
proactor_poll(struct proactor *p, int64_t deadline, size_t *ret_completed)
{
	if (p == NULL || atomic_load_explicit(p->gate,
	    memory_order_relaxed) != proactor__self ||
	    deadline != PROACTOR_FOREVER ||
	    (p->special & ~SPECIAL_DEFER) != 0)
		return poll_other(p, deadline, ret_completed);

	p->special |= SPECIAL_DISPATCHING;
	p->completed = 0;
	store_before_loads(&p->asleep, 1);
	if (atomic_load(&p->posted) == 0)
		p->backend->wait_long(p);
	atomic_store_explicit(&p->asleep, 0, memory_order_relaxed);
	if (p->completed == 0 || (p->special & SPECIAL_RELEASE))
		return poll_all(p, deadline, ret_completed, true);
	p->special &= ~SPECIAL_DISPATCHING;
	if (ret_completed != NULL)
		*ret_completed = p->completed;
	return 0;
}

/* Makes a poll that blocks, or the next one, return.  Any thread. */
int
proactor_wake(struct proactor *p)
{
	if (p == NULL)
		return PROACTOR_EINVAL;
	if (proactor__forked(p->generation))
		return PROACTOR_ECHILD;
	if (atomic_exchange(&p->woken, 1) == 0)
		proactor__wake_up(p);
	return 0;
}

/*
 * The orderly end, on the polling thread; see proactor_shutdown(3).
 */
int
proactor_shutdown(struct proactor *p, int64_t deadline)
{
	int error;

	error = enter(p);
	if (error != 0)
		return error;
	if (atomic_load(&p->phase) == PHASE_STOPPED)
		return 0;
	p->special |= SPECIAL_DISPATCHING;
	atomic_store(p->gate, 0);
	store_before_loads(&p->phase, PHASE_STOPPING);
	proactor__receive(p);
	proactor__cancel_all(p);
	proactor__sources_drop(p);
	proactor__signals_drop(p);
	proactor__relays_drop(p);
	for (;;) {
		if (is_over(p)) {
			atomic_store(&p->phase, PHASE_STOPPED);
			break;
		}
		p->completed = 0;
		error = turn(p, deadline);
		if (error != 0)
			break;
	}
	leave(p);
	return error;
}

struct listener {
	proactor_remaining_fn fn;
	void *user_data;
};

/* The caller knows nothing of the operations of fences. */
static void
tell(void *user_data, struct proactor_op *op)
{
	struct listener *listener = user_data;

	if (op->callback != proactor__fence_fired)
		listener->fn(listener->user_data, op);
}

/*
 * What shutdown left in flight: their number, and each of the caller's to fn
 * when that is not NULL.  The polling thread.
 */
size_t
proactor_shutdown_remaining(struct proactor *p, proactor_remaining_fn fn,
    void *user_data)
{
	struct listener listener = { fn, user_data };

	if (p == NULL || proactor__forked(p->generation) || !is_owner(p))
		return 0;
	proactor__cancel_rest(p);
	if (fn != NULL)
		proactor__for_each(p, tell, &listener);
	return p->in_flight;
}
