/* SPDX-License-Identifier: ISC */
/* The ring: made, entered, ended. */
#include "ring.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "core/relay.h"

#define ENTRIES_DEFAULT	256u
#define ENTRIES_MIN	8u
#define ENTRIES_MAX	4096u

/* The longest wait while the kernel has not taken the wake poll: 1 ms. */
#define UNWAKABLE_NS	1000000

#ifndef IORING_POLL_ADD_MULTI
#define IORING_POLL_ADD_MULTI	(1U << 0)
#endif

static unsigned int
entries_for(uint32_t concurrency)
{
	unsigned int n = ENTRIES_MIN;

	if (concurrency == 0)
		return ENTRIES_DEFAULT;
	while (n < concurrency && n < ENTRIES_MAX)
		n *= 2;
	return n;
}

/*
 * The ring of this proactor, disabled until its thread comes.  Locked memory
 * may be short: a smaller ring is better than none, for its size limits
 * nobody.
 */
static int
set_up(struct proactor *p, struct ring *r, uint32_t concurrency)
{
	unsigned int wanted = entries_for(concurrency);
	uint64_t flags;
	int error;

	for (r->entries = wanted;; r->entries /= 2) {
		flags = r->probe.setup_flags | IORING_SETUP_R_DISABLED;
		error = proactor__ring_setup(&r->uring, r->entries, &flags);
		if (error != -ENOMEM || r->entries / 2 < ENTRIES_MIN)
			break;
	}
	if (error == 0 && r->entries != wanted)
		proactor__log(p, PROACTOR_LOG_NOTICE, "io_uring: memory for "
		    "%u of %u entries, see RLIMIT_MEMLOCK", r->entries,
		    wanted);
	r->get_events = (flags & IORING_SETUP_DEFER_TASKRUN) != 0;
	return error;
}

/*
 * Entries are used in the order of the queue: its array of indices is filled
 * once and for all.
 */
static void
number_entries(struct ring *r)
{
	struct io_uring_sq *sq = &r->uring.sq;
	unsigned int i;

	r->entries = *sq->kring_entries;
	r->mask = *sq->kring_mask;
	r->cq_mask = *r->uring.cq.kring_mask;
	r->limit = r->entries;
	if (sq->array != NULL)
		for (i = 0; i < r->entries; i++)
			sq->array[i] = i;
}

/*
 * Hands the queue to the kernel and waits for completions; what the kernel
 * answers.
 */
int
proactor__ring_enter(struct ring *r, unsigned int wait, unsigned int flags)
{
	return ring_enter(r, wait, flags);
}

static int
ring_create(struct proactor *p, const struct backend_options *options,
    char *why, size_t size)
{
	struct ring *r;
	int error;

	r = proactor__allocate(p, sizeof(*r));
	if (r == NULL) {
		snprintf(why, size, "out of memory");
		return PROACTOR_ENOMEM;
	}
	r->backlog_end = &r->backlog;
	r->sentinel = -1;
	r->dummy_fd = -1;
	p->special |= SPECIAL_LEFT;
	r->wake_events = IORING_POLL_ADD_MULTI;
	error = proactor__ring_probe(&r->probe, why, size);
	if (error != 0)
		goto free;
	r->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (r->wake_fd < 0) {
		error = -errno;
		snprintf(why, size, "no event descriptor (%s)",
		    strerror(-error));
		goto free;
	}
	error = set_up(p, r, options->concurrency);
	if (error != 0) {
		error = proactor__ring_refused(error, why, size);
		goto close;
	}
	error = proactor__ring_allowed(&r->uring);
	if (error != 0) {
		error = proactor__ring_refused(error, why, size);
		io_uring_queue_exit(&r->uring);
		goto close;
	}
	number_entries(r);
	r->p = p;
	p->state = r;
	p->capabilities = proactor__ring_capabilities(&r->probe) &
	    options->allowed;
	p->futex_sizes = r->probe.futex_sizes;
	if (p->capabilities & PROACTOR_CAP_LINKED_OPERATIONS)
		p->chain_max = r->entries;
	return 0;
close:
	close(r->wake_fd);
free:
	proactor__free(p, r);
	return error;
}

/*
 * The polling thread is the ring's only issuer from here on.  Its descriptor
 * is not registered with that thread, which would save a look-up in each
 * enter: the thread would then keep the ring alive, and with it operations of
 * a proactor that another thread has released.
 */
static int
ring_attach(struct proactor *p)
{
	struct ring *r = ring_of(p);

	if (proactor_uring_register(r->uring.ring_fd,
	    IORING_REGISTER_ENABLE_RINGS, NULL, 0) != 0)
		return -errno;
	proactor__ring_plant(p, r);
	r->attached = true;
	return 0;
}

static int
ring_flush(struct proactor *p)
{
	struct ring *r = ring_of(p);

	if (io_uring_sq_ready(&r->uring) != 0)
		(void)proactor__ring_enter(r, 0, 0);
	return 0;
}

/* Must the kernel be entered for completions that it holds? */
static bool
has_work(struct ring *r)
{
	return (IO_URING_READ_ONCE(*r->uring.sq.kflags) &
	    (IORING_SQ_CQ_OVERFLOW | IORING_SQ_TASKRUN)) != 0;
}

static int
enter_timed(struct ring *r, int64_t timeout)
{
	bool absolute = r->p->until != 0 &&
	    (r->p->capabilities & PROACTOR_CAP_ABSOLUTE_TIMEOUT) != 0;
	int64_t time = absolute ? r->p->until : timeout;
	struct __kernel_timespec ts = {
		.tv_sec = time / 1000000000,
		.tv_nsec = time % 1000000000,
	};
	struct io_uring_sq *sq = &r->uring.sq;
	struct io_uring_cqe *cqe;

	if (r->probe.features & IORING_FEAT_EXT_ARG) {
		io_uring_smp_store_release(sq->ktail, sq->sqe_tail);
		return proactor_uring_enter_timed(r->uring.ring_fd,
		    sq->sqe_tail - IO_URING_READ_ONCE(*sq->khead), 1,
		    absolute ? PROACTOR_URING_ENTER_ABS_TIMER : 0, &ts);
	}
	/* liburing makes it a request, and hands over from here on. */
	sq->sqe_head = *sq->ktail;
	return io_uring_submit_and_wait_timeout(&r->uring, &cqe, 1, &ts, NULL);
}

static int
enter(struct ring *r, int64_t timeout)
{
	if (timeout > 0)
		return enter_timed(r, timeout);
	if (has_work(r))
		return proactor__ring_enter(r, 0, IORING_ENTER_GETEVENTS);
	if (io_uring_sq_ready(&r->uring) != 0)
		return proactor__ring_enter(r, 0, 0);
	return 0;
}

/* What a wait returns in the ordinary course of things. */
static bool
is_ordinary(int error)
{
	return error >= 0 || error == -ETIME || error == -EINTR ||
	    error == -EAGAIN || error == -EBUSY || error == -ENOMEM;
}

/* The wake poll, and what the kernel did not take before; the new timeout. */
static int64_t __attribute__((noinline))
attend(struct proactor *p, struct ring *r, int64_t timeout)
{
	if (!r->wake_armed) {
		proactor__ring_arm_wake(r);
		/* Without it nobody could end the wait. */
		if (!r->wake_armed &&
		    (timeout < 0 || timeout > UNWAKABLE_NS)) {
			p->until = 0;
			timeout = UNWAKABLE_NS;
		}
	}
	if (r->backlog != NULL || r->again) {
		proactor__ring_retry(p, r);
		timeout = 0;
	}
	if (r->wake_armed && r->backlog == NULL && !r->again)
		p->special &= ~SPECIAL_LEFT;
	return timeout;
}

static int
ring_wait(struct proactor *p, int64_t timeout)
{
	struct ring *r = ring_of(p);
	int error;

	if (timeout == BACKEND_GLANCE)
		timeout = 0;
	if (p->special & SPECIAL_LEFT)
		timeout = attend(p, r, timeout);
	if (timeout != 0 && io_uring_cq_ready(&r->uring) != 0)
		timeout = 0;
	error = timeout < 0 ?
	    proactor__ring_enter(r, 1, IORING_ENTER_GETEVENTS) :
	    enter(r, timeout);
	if (io_uring_cq_ready(&r->uring) != 0)
		proactor__ring_decode(r);
	return is_ordinary(error) ? 0 : error;
}

/* Any thread, async-signal-safe. */
static void
ring_wake(struct proactor *p)
{
	const uint64_t one = 1;
	int saved = errno;

	/* It fails only when the count is at its end, and then it is awake. */
	(void)!write(ring_of(p)->wake_fd, &one, sizeof(one));
	errno = saved;
}

static void
cancel_one(void *user_data, struct proactor_op *op)
{
	if (op_state(op)->stage == STAGE_KERNEL)
		proactor__ring_cancel(user_data, op);
}

/*
 * One by one, each is found at once.  The kernel's way to name them all finds
 * what is not listed, too, but each time goes past those that it has found.
 */
static void
cancel_everything(struct proactor *p, struct ring *r, bool again)
{
	struct proactor_relay *relay;
	struct proactor_event_source *source;
	struct io_uring_sqe *sqe;
	struct link *l;

	sqe = proactor__ring_sqe(r);
	if (sqe == NULL)
		return;
	if (again && r->probe.cancel_any) {
		io_uring_prep_cancel64(sqe, 0, IORING_ASYNC_CANCEL_ANY |
		    IORING_ASYNC_CANCEL_ALL);
		sqe->user_data = tagged(NULL, TAG_VOID);
		r->ended++;
		return;
	}
	io_uring_prep_cancel64(sqe, tagged(NULL, TAG_WAKE), 0);
	sqe->user_data = tagged(NULL, TAG_VOID);
	r->ended++;
	proactor__for_each(p, cancel_one, p);
	for (l = p->sources.next; l != &p->sources; l = l->next) {
		source = container_of(l, struct proactor_event_source, link);
		if (source->armed)
			proactor__ring_unwatch(p, source);
	}
	for (l = p->relays.next; l != &p->relays; l = l->next) {
		relay = container_of(l, struct proactor_relay, link);
		if (relay->state == RELAY_KERNEL)
			proactor__ring_unrelay(p, relay);
	}
}

/*
 * Takes the completions that nobody is told of.  False when they were ends,
 * or answers to cancels: what else was asked to end may be near.  True when
 * there were none, or of one that goes on, whose cancel may have been lost.
 */
static bool
discard(struct ring *r)
{
	struct io_uring_cqe *cqe;
	unsigned int head, n = 0;
	bool goes_on = false;

	io_uring_for_each_cqe(&r->uring, head, cqe) {
		if ((cqe->flags & IORING_CQE_F_MORE) &&
		    (cqe->user_data & TAG_MASK) != TAG_VOID)
			goes_on = true;
		proactor__ring_void(r, cqe);
		n++;
	}
	io_uring_cq_advance(&r->uring, n);
	return n == 0 || goes_on;
}

/*
 * Only the ring's own thread may enter it.  On another one, and where it may
 * not be entered any more, the end of the ring ends its requests: destroy
 * waits for that.
 */
static void
ring_abandon(struct proactor *p)
{
	struct __kernel_timespec tenth = { 0, 100000000 };
	struct ring *r = ring_of(p);
	struct io_uring_cqe *cqe;
	bool again = false, ask = true;
	int error;

	if (!r->attached)
		return;
	proactor__ring_block_relays(p);
	(void)discard(r);
	if (!is_owner(p))
		return;
	while (proactor__ring_pending(r) != 0) {
		/* What was not cancelled by that is asked again. */
		if (ask) {
			cancel_everything(p, r, again);
			again = true;
		}
		r->uring.sq.sqe_head = *r->uring.sq.ktail;
		error = io_uring_submit_and_wait_timeout(&r->uring, &cqe, 1,
		    &tenth, NULL);
		ask = discard(r);
		/* It may not be entered any more: its end must do. */
		if (!is_ordinary(error))
			break;
	}
}

static void
ring_destroy(struct proactor *p, bool forked)
{
	struct ring *r = ring_of(p);

	io_uring_queue_exit(&r->uring);
	if (r->dummy_fd >= 0)
		close(r->dummy_fd);
	if (!forked)
		proactor__ring_wait_end(p, r);
	else if (r->sentinel >= 0)
		close(r->sentinel);
	proactor__free(p, r->slots);
}

static void
ring_dispose(struct proactor *p)
{
	struct ring *r = ring_of(p);

	close(r->wake_fd);
	proactor__free(p, r);
}

extern const struct backend proactor__io_uring;

const struct backend proactor__io_uring = {
	.name = "io_uring",
	.create = ring_create,
	.attach = ring_attach,
	.start = proactor__ring_start,
	.start_recv = proactor__ring_start_recv,
	.start_send = proactor__ring_start_send,
	.start_read = proactor__ring_start_read,
	.start_write = proactor__ring_start_write,
	.reserve = proactor__ring_reserve,
	.resume = proactor__ring_resume,
	.cancel = proactor__ring_cancel,
	.watch = proactor__ring_watch,
	.unwatch = proactor__ring_unwatch,
	.relay = proactor__ring_relay,
	.unrelay = proactor__ring_unrelay,
	.forget = proactor__ring_forget,
	.flush = ring_flush,
	.wait = ring_wait,
	.wait_long = proactor__ring_wait_long,
	.wake = ring_wake,
	.abandon = ring_abandon,
	.destroy = ring_destroy,
	.dispose = ring_dispose,
	.explain = proactor__ring_explain,
};
