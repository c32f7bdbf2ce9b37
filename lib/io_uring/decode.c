/* SPDX-License-Identifier: ISC */
/* Completion entries to completions. */
#include "ring.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

/* Completions of one advance of the queue, and of one pass. */
#define REAP_BATCH	64u
#define REAP_MAX	1024u

#define AS(type, op)	container_of(op, struct proactor_ ## type ## _op, base)

static unsigned int
poll_events(int mask)
{
	return ((mask & POLLIN) ? PROACTOR_POLL_IN : 0u) |
	    ((mask & POLLOUT) ? PROACTOR_POLL_OUT : 0u) |
	    ((mask & (POLLERR | POLLNVAL)) ? PROACTOR_POLL_ERR : 0u) |
	    ((mask & POLLHUP) ? PROACTOR_POLL_HUP : 0u);
}

/*
 * The kernel's ways to say that a signal, or a cancel, broke a call off: the
 * last four never leave a system call but may leave a ring.
 */
static bool
is_interrupted(int result)
{
	return result == -EINTR || (result <= -512 && result >= -516);
}

static bool
begin_again(struct proactor *p, struct proactor_op *op)
{
	proactor__ring_start(p, op);
	return false;
}

/*
 * The decode_* below are told of the kernel's result.  They return true when
 * the operation is final, with *status; else it goes on, or was called back
 * with MORE.
 */

static bool
failed(struct proactor *p, struct proactor_op *op, struct proactor_socket *s,
    unsigned int events, int result, int *status)
{
	bool canceled = (op_state(op)->bits & OPB_CANCEL) != 0;

	*status = result;
	if (canceled && (is_interrupted(result) || result == -EAGAIN))
		*status = PROACTOR_ECANCELED;
	else if (is_interrupted(result))
		return begin_again(p, op);
	else if (result == -EAGAIN && op->type == PROACTOR_OP_SENDTO &&
	    s->kind == PROACTOR_SOCKET_UNIX_DATAGRAM) {
		/* It can be written to; it is the receiver that is full. */
		proactor__ring_pause(p, op);
		return false;
	}
	else if (result == -EAGAIN) {
		proactor__ring_wait_ready(p, op, s->fd, events);
		return false;
	}
	if (*status != PROACTOR_ECANCELED)
		proactor__socket_fail(s, *status);
	return true;
}

static bool
decode_recv(struct proactor *p, struct proactor_recv_op *op, int result,
    unsigned int cqe_flags, int *status)
{
	struct proactor_socket *s = op->socket;
	struct op_state *state = op_state(&op->base);

	if (result < 0) {
		op->bytes = 0;
		return failed(p, &op->base, s, PROACTOR_POLL_IN, result,
		    status);
	}
	op->bytes = (size_t)result;
	s->drained = ring_of(p)->probe.poll_first &&
	    !(cqe_flags & IORING_CQE_F_SOCK_NONEMPTY);
	*status = 0;
	if (!(op->base.flags & PROACTOR_OP_MULTISHOT) ||
	    (result == 0 && !is_datagram(s)))
		return true;
	if (state->bits & OPB_CANCEL)
		/* What it has is delivered, as the last. */
		return true;
	state->stage = STAGE_CALLBACK;
	if (!proactor__complete_more(p, &op->base, 0, 0)) {
		op->bytes = 0;
		*status = PROACTOR_ECANCELED;
		return true;
	}
	state->stage = STAGE_KERNEL;
	op->bytes = 0;
	return begin_again(p, &op->base);
}

static size_t
total_of(const struct proactor_send_op *op)
{
	size_t i, total = 0;

	for (i = 0; i < op->span_count; i++)
		total += op->spans[i].length;
	return total;
}

static bool
decode_send(struct proactor *p, struct proactor_send_op *op, int result,
    int *status)
{
	struct op_state *state = op_state(&op->base);

	if (result < 0)
		return failed(p, &op->base, op->socket, PROACTOR_POLL_OUT,
		    result, status);
	op->bytes += (size_t)result;
	*status = 0;
	if (op->bytes >= total_of(op) || is_datagram(op->socket))
		return true;
	if (state->bits & OPB_CANCEL) {
		*status = PROACTOR_ECANCELED;
		return true;
	}
	return begin_again(p, &op->base);
}

/*
 * Without a copy there are two completions: the result, which is kept, and
 * the notification that the memory is free.  A failure may come with or
 * without the second one; MORE tells.
 */
static bool
decode_send_zc(struct proactor *p, struct proactor_send_op *op, int result,
    unsigned int cqe_flags, int *status, unsigned int *flags)
{
	struct op_state *state = op_state(&op->base);
	unsigned int shape = state->shape;

	if (cqe_flags & IORING_CQE_F_NOTIF) {
		if ((unsigned int)result & IORING_NOTIF_USAGE_ZC_COPIED)
			shape |= SHAPE_COPIED;
		result = state->status;
		state->bits &= (uint16_t)~OPB_HELD;
	} else if (cqe_flags & IORING_CQE_F_MORE) {
		state->status = result;
		if ((state->bits & OPB_CANCEL) || result < 0 ||
		    op->bytes + (size_t)result >= total_of(op)) {
			state->bits |= OPB_HELD;
			proactor__socket_held(p, op->socket);
		}
		return false;
	} else
		shape |= SHAPE_COPIED;
	if (result == -EOPNOTSUPP) {
		/* The protocol has no such thing: copy from now on. */
		op->socket->options &= (uint8_t)~PROACTOR_SOCKET_ZERO_COPY;
		return begin_again(p, &op->base);
	}
	if ((result == -ENOMEM || result == -ENOBUFS) &&
	    !(state->bits & OPB_CANCEL)) {
		/* RLIMIT_MEMLOCK, or net.core.optmem_max: copy this one. */
		state->bits |= OPB_COPY;
		return begin_again(p, &op->base);
	}
	if (!decode_send(p, op, result, status))
		return false;
	if (*status == 0 && !(shape & SHAPE_COPIED))
		*flags |= PROACTOR_COMPLETION_ZERO_COPY_ACHIEVED;
	return true;
}

static bool
is_temporary(int result)
{
	return result == -EMFILE || result == -ENFILE || result == -ENOBUFS ||
	    result == -ENOMEM || result == -ECONNABORTED || result == -EPROTO;
}

/* A connection: 0, or why it was lost. */
static int
take_connection(struct proactor_accept_op *op, int fd)
{
	op->accepted = proactor__socket_accepted(op->listener, fd);
	if (op->accepted == NULL)
		return PROACTOR_ENOMEM;
	/*
	 * The kernel has one place for the address, which several connections
	 * of a multishot share; of those the sockets are asked.  The peer may
	 * be gone already, and then there is none.
	 */
	if (op_state(&op->base)->shape & SHAPE_MULTISHOT) {
		if (proactor__sys_peer_address(fd, &op->peer) != 0)
			op->peer.length = 0;
	} else if (op->peer.length > sizeof(op->peer.storage.bytes))
		op->peer.length = sizeof(op->peer.storage.bytes);
	return 0;
}

/*
 * After a cancel there must be no callback with MORE: one connection that
 * was late is kept for the final callback, others are turned away.
 */
static bool
accept_late(struct proactor_accept_op *op, int result, bool more, int *status)
{
	struct op_state *s = op_state(&op->base);

	if (result >= 0 && !(s->shape & SHAPE_STASHED)) {
		s->shape |= SHAPE_STASHED;
		s->status = result;
	} else if (result >= 0)
		proactor__sys_close(result);
	if (more)
		return false;
	if (s->shape & SHAPE_STASHED)
		*status = take_connection(op, s->status);
	else
		*status = result < 0 && !is_interrupted(result) &&
		    result != -EAGAIN ? result : PROACTOR_ECANCELED;
	return true;
}

static bool
decode_accept(struct proactor *p, struct proactor_accept_op *op, int result,
    unsigned int cqe_flags, int *status)
{
	struct op_state *s = op_state(&op->base);
	bool armed = (cqe_flags & IORING_CQE_F_MORE) != 0;
	bool rest = false;

	op->accepted = NULL;
	if (result < 0)
		op->peer.length = 0;
	if (s->bits & OPB_CANCEL)
		return accept_late(op, result, armed, status);
	if (is_interrupted(result) || result == -EAGAIN)
		return failed(p, &op->base, op->listener, PROACTOR_POLL_IN,
		    result, status);
	*status = result < 0 ? result : take_connection(op, result);
	if (!(op->base.flags & PROACTOR_OP_MULTISHOT))
		return true;
	if (*status != 0) {
		if (!is_temporary(*status))
			return true;
		rest = *status != PROACTOR_ECONNABORTED;
	}
	if (!armed)
		s->stage = STAGE_CALLBACK;
	if (proactor__complete_more(p, &op->base, *status, 0)) {
		if (armed)
			return false;
		s->stage = STAGE_KERNEL;
		if (rest)
			proactor__ring_pause(p, &op->base);
		else
			proactor__ring_start(p, &op->base);
		return false;
	}
	/* Canceled meanwhile; an armed one has a completion to come. */
	op->accepted = NULL;
	op->peer.length = 0;
	*status = PROACTOR_ECANCELED;
	return !armed;
}

static bool
decode_connect(struct proactor *p, struct proactor_connect_op *op, int result,
    int *status)
{
	bool canceled = (op_state(&op->base)->bits & OPB_CANCEL) != 0;

	*status = result;
	if (result == -EINPROGRESS || result == -EALREADY ||
	    is_interrupted(result)) {
		if (!canceled) {
			proactor__ring_wait_ready(p, &op->base,
			    op->socket->fd, PROACTOR_POLL_OUT);
			return false;
		}
		*status = PROACTOR_ECANCELED;
	}
	proactor__socket_connected(&op->base, *status);
	return true;
}

static bool
decode_recvfrom(struct proactor *p, struct proactor_recvfrom_op *op,
    int result, int *status)
{
	struct message_area *area = (struct message_area *)(void *)op->opaque;

	if (result < 0)
		return failed(p, &op->base, op->socket, PROACTOR_POLL_IN,
		    result, status);
	op->bytes = (size_t)result;
	op->truncated = (area->header.msg_flags & MSG_TRUNC) != 0;
	op->peer.length = area->header.msg_namelen <
	    sizeof(op->peer.storage.bytes) ? area->header.msg_namelen :
	    (uint32_t)sizeof(op->peer.storage.bytes);
	*status = 0;
	return true;
}

static bool
decode_sendto(struct proactor *p, struct proactor_sendto_op *op, int result,
    int *status)
{
	if (result < 0)
		return failed(p, &op->base, op->socket, PROACTOR_POLL_OUT,
		    result, status);
	op->bytes = (size_t)result;
	*status = 0;
	return true;
}

/* Of a read or a write: true, *bytes and *status; false to try again. */
static bool
decode_file(struct proactor_op *op, int result, size_t *bytes, int *status)
{
	*status = result < 0 ? result : 0;
	if (result >= 0)
		*bytes = (size_t)result;
	else if (is_interrupted(result)) {
		if (!(op_state(op)->bits & OPB_CANCEL))
			return false;
		*status = PROACTOR_ECANCELED;
	}
	return true;
}

static bool
decode_open(struct proactor *p, struct proactor_file_open_op *op, int result,
    int *status)
{
	if (is_interrupted(result)) {
		if (!(op_state(&op->base)->bits & OPB_CANCEL))
			return begin_again(p, &op->base);
		result = PROACTOR_ECANCELED;
	}
	*status = result < 0 ? result : 0;
	if (result < 0)
		return true;
	op->file = proactor__file_opened(p, result);
	if (op->file == NULL)
		*status = PROACTOR_ENOMEM;
	return true;
}

static bool
decode(struct proactor *p, struct proactor_op *op, int result,
    unsigned int cqe_flags, int *status, unsigned int *flags)
{
	switch (op->type) {
	case PROACTOR_OP_RECV:
		return decode_recv(p, AS(recv, op), result, cqe_flags, status);
	case PROACTOR_OP_SEND:
		if (op_state(op)->shape & SHAPE_ZC)
			return decode_send_zc(p, AS(send, op), result,
			    cqe_flags, status, flags);
		return decode_send(p, AS(send, op), result, status);
	case PROACTOR_OP_FILE_READ:
		return decode_file(op, result, &AS(file_read, op)->bytes,
		    status) || begin_again(p, op);
	case PROACTOR_OP_FILE_WRITE:
		return decode_file(op, result, &AS(file_write, op)->bytes,
		    status) || begin_again(p, op);
	case PROACTOR_OP_ACCEPT:
		return decode_accept(p, AS(accept, op), result, cqe_flags,
		    status);
	case PROACTOR_OP_CONNECT:
		return decode_connect(p, AS(connect, op), result, status);
	case PROACTOR_OP_RECVFROM:
		return decode_recvfrom(p, AS(recvfrom, op), result, status);
	case PROACTOR_OP_SENDTO:
		return decode_sendto(p, AS(sendto, op), result, status);
	case PROACTOR_OP_FILE_OPEN:
		return decode_open(p, AS(file_open, op), result, status);
	case PROACTOR_OP_HANDLE_POLL:
		if (result >= 0)
			AS(handle_poll, op)->fired = poll_events(result);
		*status = result < 0 ? result : 0;
		return true;
	case PROACTOR_OP_SOCKET_CLOSE:
		*status = result < 0 ? result : 0;
		return proactor__socket_closed(p, op, *status);
	default:
		*status = result < 0 ? result : 0;
		return true;
	}
}

/*
 * The poll, or the pause, on behalf of an operation has ended: it starts
 * again unless that was a cancel.
 */
static bool
decode_poll(struct proactor *p, struct proactor_op *op, int result,
    int *status)
{
	struct op_state *s = op_state(op);

	s->bits &= (uint16_t)~OPB_POLLING;
	if (s->bits & OPB_CANCEL)
		*status = PROACTOR_ECANCELED;
	else if (result < 0 && result != -ETIME && result != -ECANCELED)
		*status = result;
	else
		return begin_again(p, op);
	if (op->type == PROACTOR_OP_CONNECT)
		proactor__socket_connected(op, *status);
	return true;
}

/*
 * A member of a chain in the kernel.  True when its completion is to be
 * looked at now; false when it is put aside until its turn, or begins again:
 * the kernel ends a chain after a short transfer, which is a success here.
 */
static bool
linked_due(struct proactor *p, struct proactor_op *op, int result,
    unsigned int cqe_flags)
{
	struct op_state *s = op_state(op);

	if (!(s->bits & (OPB_BEFORE_OK | OPB_BEFORE_FAILED))) {
		s->bits |= OPB_EARLY;
		s->status = result;
		s->completion_flags = cqe_flags;
		return false;
	}
	if (result != -ECANCELED || !(s->bits & OPB_BEFORE_OK) ||
	    (s->bits & (OPB_CANCEL | OPB_POLLING)))
		return true;
	proactor__ring_start(p, op);
	return false;
}

bool
proactor__ring_resume(struct proactor *p, struct proactor_op *op,
    int *ret_status, unsigned int *ret_flags)
{
	struct op_state *s = op_state(op);

	s->bits &= (uint16_t)~OPB_EARLY;
	*ret_flags = 0;
	if (!linked_due(p, op, s->status, s->completion_flags) ||
	    !decode(p, op, s->status, s->completion_flags, ret_status,
	    ret_flags))
		return false;
	proactor__ring_canceled(ring_of(p), op);
	return true;
}

static void
decode_op(struct proactor *p, struct proactor_op *op, int result,
    unsigned int cqe_flags)
{
	struct op_state *s = op_state(op);
	unsigned int flags = 0;
	int status;
	bool final;

	if ((s->bits & OPB_LINKED) && !linked_due(p, op, result, cqe_flags))
		return;
	final = (s->bits & OPB_POLLING) ?
	    decode_poll(p, op, result, &status) :
	    decode(p, op, result, cqe_flags, &status, &flags);
	if (!final)
		return;
	proactor__ring_canceled(ring_of(p), op);
	proactor__complete(p, op, status, flags);
}

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
		decode_op(p, pointer, result, cqe_flags);
		break;
	case TAG_SOURCE:
		proactor__source_fired(p, pointer, result < 0 ? result :
		    (int)poll_events(result));
		break;
	case TAG_WAKE:
		if (cqe_flags & IORING_CQE_F_MORE)
			r->ended--;
		decode_wake(r, result, cqe_flags);
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

/* A read and a write are alike. */
_Static_assert(offsetof(struct proactor_file_read_op, bytes) ==
    offsetof(struct proactor_file_write_op, bytes) &&
    offsetof(struct proactor_file_read_op, file) ==
    offsetof(struct proactor_file_write_op, file), "file operations");

static void __attribute__((noinline))
decode_file_short(struct proactor *p, struct ring *r, uint64_t user_data,
    struct io_uring_cqe *cqe)
{
	struct proactor_file_read_op *op = (struct proactor_file_read_op *)
	    (uintptr_t)(user_data - TAG_FILE);

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
	unsigned int end = head + n;
	uint64_t user_data;

	r->ended += n;
	for (; head != end; head++) {
		cqe = &cq->cqes[head & r->cq_mask];
		user_data = cqe->user_data;
		switch (user_data & TAG_MASK) {
		case TAG_RECV:
			decode_recv_short(r->p, r, user_data, cqe);
			break;
		case TAG_SEND:
			decode_send_short(r->p, r, user_data, cqe);
			break;
		case TAG_FILE:
			decode_file_short(r->p, r, user_data, cqe);
			break;
		default:
			decode_other(r->p, r, user_data, cqe->res, cqe->flags);
		}
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
	if (op->type == PROACTOR_OP_SOCKET_CLOSE)
		AS(socket_close, op)->socket->fd = -1;
	else if (op->type == PROACTOR_OP_FILE_CLOSE)
		AS(file_close, op)->file->fd = -1;
	else if (cqe->res >= 0 && !(op_state(op)->bits & OPB_POLLING) &&
	    (op->type == PROACTOR_OP_ACCEPT ||
	    op->type == PROACTOR_OP_FILE_OPEN))
		proactor__sys_close(cqe->res);
}
