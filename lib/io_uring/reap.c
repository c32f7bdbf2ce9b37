/* SPDX-License-Identifier: ISC */
/*
 * The completion queue: takes what is there, a batch at a time, and tells
 * whom it concerns.
 */
#include "decode.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "core/file.h"

/* Completions of one advance of the queue, and of one pass. */
#define REAP_BATCH	64u
#define REAP_MAX	1024u

static void
decode_wake(struct ring *r, int result, unsigned int cqe_flags)
{
	uint64_t count;

	if (cqe_flags & IORING_CQE_F_MORE)
		return;
	r->wake_armed = false;
	r->p->special |= SPECIAL_LEFT;
	if (result == -EINVAL)
		r->wake_events = 0;
	/* A poll that fires once finds the next wake only after a read. */
	(void)!read(r->wake_fd, &count, sizeof(count));
}

/* What is not usual.  It was taken for a request that has ended. */
static void
decode_other(struct proactor *p, struct ring *r, uint64_t user_data,
    int result, unsigned int cqe_flags)
{
	void *pointer = (void *)(uintptr_t)(user_data & ~(uint64_t)TAG_MASK);

	switch (user_data & TAG_MASK) {
	case TAG_OP:
		if (cqe_flags & IORING_CQE_F_MORE)
			r->ended--;
		proactor__ring_decode_op(p, pointer, result, cqe_flags);
		break;
	case TAG_SOURCE:
		proactor__source_fired(p, pointer, result < 0 ? result :
		    (int)proactor__sys_poll_events(result));
		break;
	case TAG_WAKE:
		if (cqe_flags & IORING_CQE_F_MORE)
			r->ended--;
		decode_wake(r, result, cqe_flags);
		break;
	case TAG_RELAY:
		if (user_data != LIBURING_UDATA_TIMEOUT)
			proactor__ring_relay_done(p, pointer, result);
		break;
	default:
		/*
		 * A cancel that found nothing: its operation is final by now,
		 * or was between two attempts and must be asked again.
		 */
		if (result == -ENOENT && r->canceling != 0) {
			r->again = true;
			p->special |= SPECIAL_LEFT;
		}
		/* A cancel counts as ended from the beginning. */
		if (user_data != LIBURING_UDATA_TIMEOUT)
			r->ended--;
		break;
	}
}

/*
 * The short way of what most completions are: bytes came, or all went.  The
 * kernel has no more of the operation, no chain is about it.
 */
static inline void
decode_recv_short(struct proactor *p, struct ring *r, uint64_t user_data,
    struct io_uring_cqe *cqe)
{
	struct proactor_recv_op *op = (struct proactor_recv_op *)(uintptr_t)
	    (user_data - TAG_RECV);
	struct proactor_socket *s = op->socket;
	uint16_t priority;

	if (cqe->res <= 0) {
		op->bytes = 0;
		op_state(&op->base)->shape = SHAPE_PLAIN;
		decode_other(p, r, (uintptr_t)op, cqe->res, cqe->flags);
		return;
	}
	op->bytes = (unsigned int)cqe->res;
	/* IORING_RECVSEND_POLL_FIRST is 1, and ioprio where it goes. */
	priority = !(cqe->flags & IORING_CQE_F_SOCK_NONEMPTY);
	memcpy(&s->ring_in[offsetof(struct io_uring_sqe, ioprio)],
	    &priority, sizeof(priority));
	proactor__stream_done(p, &op->base, s, &s->in);
}

static inline void
decode_send_short(struct proactor *p, struct ring *r, uint64_t user_data,
    struct io_uring_cqe *cqe)
{
	struct proactor_send_op *op = (struct proactor_send_op *)(uintptr_t)
	    (user_data - TAG_SEND);

	if ((uint64_t)(int64_t)cqe->res != op->spans[0].length) {
		op->bytes = 0;
		op_state(&op->base)->shape = SHAPE_PLAIN;
		decode_other(p, r, (uintptr_t)op, cqe->res, cqe->flags);
		return;
	}
	op->bytes = (unsigned int)cqe->res;
	proactor__stream_done(p, &op->base, op->socket, &op->socket->out);
}

static void __attribute__((noinline))
decode_file_short(struct proactor *p, struct ring *r, uint64_t user_data,
    struct io_uring_cqe *cqe)
{
	struct proactor_file_read_op *op = file_io_of((struct proactor_op *)
	    (uintptr_t)(user_data - TAG_FILE));

	if (cqe->res < 0) {
		op_state(&op->base)->shape = SHAPE_PLAIN;
		decode_other(p, r, (uintptr_t)op, cqe->res, cqe->flags);
		return;
	}
	op->bytes = (unsigned int)cqe->res;
	proactor__file_done(p, &op->base, op->file);
}

/* Completes n entries of the queue and gives them back to the kernel. */
static inline __attribute__((always_inline)) void
decode_some(struct ring *r, unsigned int head, unsigned int n)
{
	struct io_uring_cq *cq = &r->uring.cq;
	struct io_uring_cqe *cqe;
	unsigned int end = head + n, tag;
	uint64_t user_data;

	r->ended += n;
	for (; head != end; head++) {
		cqe = &cq->cqes[head & r->cq_mask];
		user_data = cqe->user_data;
		tag = user_data & TAG_MASK;
		/* By how many there are of each. */
		if (tag == TAG_RECV)
			decode_recv_short(r->p, r, user_data, cqe);
		else if (tag == TAG_SEND)
			decode_send_short(r->p, r, user_data, cqe);
		else if (tag == TAG_FILE)
			decode_file_short(r->p, r, user_data, cqe);
		else
			decode_other(r->p, r, user_data, cqe->res, cqe->flags);
	}
	io_uring_smp_store_release(cq->khead, end);
}

/* Completes what is in the queue, a pass's worth. */
void
proactor__ring_decode(struct ring *r)
{
	unsigned int n, left = REAP_MAX;

	do {
		n = io_uring_cq_ready(&r->uring);
		if (n > REAP_BATCH)
			n = REAP_BATCH;
		decode_some(r, *r->uring.cq.khead, n);
		left -= n;
	} while (n == REAP_BATCH && left != 0);
	if (left == 0)
		r->p->special |= SPECIAL_LEFT;
}

/* The short wait: submits, waits for one completion, takes what is there. */
void
proactor__ring_wait_long(struct proactor *p)
{
	struct ring *r = ring_of(p);
	struct io_uring_cq *cq = &r->uring.cq;
	unsigned int head, n;

	(void)ring_enter(r, 1, IORING_ENTER_GETEVENTS);
	head = *cq->khead;
	n = io_uring_smp_load_acquire(cq->ktail) - head;
	if (n <= REAP_BATCH)
		decode_some(r, head, n);
	else
		proactor__ring_decode(r);
}

/*
 * A completion that nobody is told of: what it brought is closed, what it
 * took away is known to be gone.
 */
void
proactor__ring_void(struct ring *r, struct io_uring_cqe *cqe)
{
	struct proactor_op *op;

	if ((cqe->user_data & TAG_MASK) == TAG_VOID)
		return;
	if (!(cqe->flags & IORING_CQE_F_MORE))
		r->ended++;
	if ((cqe->user_data & TAG_MASK) != TAG_OP)
		return;
	op = (struct proactor_op *)(uintptr_t)cqe->user_data;
	if (op_state(op)->bits & OPB_LINKED) {
		(void)proactor__ring_infer(r, op);
		op_state(op)->bits |= OPB_EARLY;
	}
	if (op->type == PROACTOR_OP_SOCKET_CLOSE)
		AS(socket_close, op)->socket->fd = -1;
	else if (op->type == PROACTOR_OP_FILE_CLOSE)
		AS(file_close, op)->file->fd = -1;
	else if (cqe->res >= 0 && !(op_state(op)->bits & OPB_POLLING) &&
	    (op->type == PROACTOR_OP_ACCEPT ||
	    op->type == PROACTOR_OP_FILE_OPEN))
		proactor__sys_close(cqe->res);
}
