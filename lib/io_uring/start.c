/* SPDX-License-Identifier: ISC */
/*
 * The submission queue: an operation's way in, the short one of what is
 * started most, and the wait for what the kernel does not wait for.
 */
#include "encode.h"

#include <string.h>

/* How long an operation rests that the kernel cannot wait with: 5 ms. */
static const struct __kernel_timespec pause_time = { 0, 5000000 };

static unsigned int
limit_of(struct ring *r)
{
	return io_uring_smp_load_acquire(r->uring.sq.khead) + r->entries;
}

/* The queue may be full: looks again, and flushes if it is. */
struct io_uring_sqe *
proactor__ring_sqe_more(struct ring *r)
{
	r->limit = limit_of(r);
	if (r->uring.sq.sqe_tail == r->limit) {
		(void)proactor__ring_enter(r, 0, 0);
		r->limit = limit_of(r);
		if (r->uring.sq.sqe_tail == r->limit)
			return NULL;
	}
	return proactor__ring_sqe(r);
}

/* The kernel takes nothing now: the next wait tries again. */
static void
put_back(struct ring *r, struct proactor_op *op)
{
	struct mail *mail = &op_state(op)->mail;

	mail->next = NULL;
	r->p->special |= SPECIAL_LEFT;
	*r->backlog_end = mail;
	r->backlog_end = &mail->next;
}

static bool
has_timeout(const struct op_state *s)
{
	return s->chain != NULL && s->chain->type == PROACTOR_OP_TIMEOUT;
}

/*
 * May the kernel keep the success of a member of its chain to itself?  Nobody
 * is told of it, what it did is known then, and the same goes for those before
 * it.  So whatever the kernel tells of its chain, they have succeeded; and
 * after the failure of one it tells of no other.  But the time of the next one
 * may count from then on.
 */
static bool
is_silent(struct ring *r, struct proactor_op *op)
{
	struct op_state *s = op_state(op);
	struct proactor_op *before;

	if (op->callback != NULL || !(r->probe.features & IORING_FEAT_CQE_SKIP))
		return false;
	if (op->type != PROACTOR_OP_FILE_READ &&
	    op->type != PROACTOR_OP_FILE_WRITE &&
	    (op->type != PROACTOR_OP_SEND || is_datagram(AS(send, op)->socket)))
		return false;
	if (has_timeout(s) || has_timeout(op_state(s->chain)))
		return false;
	if (s->bits & OPB_BEFORE_OK)
		return true;
	before = proactor__ring_before(op);
	return (op_state(before)->shape & SHAPE_SILENT) != 0;
}

void
proactor__ring_start(struct proactor *p, struct proactor_op *op)
{
	struct ring *r = ring_of(p);
	struct op_state *s = op_state(op);
	struct io_uring_sqe *sqe;

	s->shape = SHAPE_PLAIN;
	sqe = proactor__ring_sqe(r);
	if (sqe == NULL) {
		put_back(r, op);
		return;
	}
	proactor__ring_encode(p, r, op, sqe);
	if (s->bits & OPB_TIED) {
		s->bits &= (uint16_t)~OPB_TIED;
		sqe->flags |= IOSQE_IO_LINK;
		if (is_silent(r, op)) {
			s->shape |= SHAPE_SILENT;
			sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
		}
	}
	sqe->user_data = tagged(op, TAG_OP);
}

static int __attribute__((noinline))
start_other(struct proactor *p, struct proactor_op *op)
{
	if (op->type == PROACTOR_OP_RECV)
		AS(recv, op)->bytes = 0;
	else if (op->type == PROACTOR_OP_SEND)
		AS(send, op)->bytes = 0;
	proactor__ring_start(p, op);
	return flush_outside(p);
}

static int __attribute__((noinline))
flush_now(struct proactor *p)
{
	return p->backend->flush(p);
}

/* What an entry has after its user data is not for receives and sends. */
#define REST	(offsetof(struct io_uring_sqe, user_data) + sizeof(uint64_t))

/* Everything about one entry at once; a queue that is full is for others. */
static inline int
start_short(struct proactor *p, struct proactor_op *op,
    const unsigned char head[8], unsigned int opcode, uint64_t offset,
    const struct proactor_span *span, unsigned int flags, unsigned int tag)
{
	struct ring *r = ring_of(p);
	struct io_uring_sq *sq = &r->uring.sq;
	unsigned int tail = sq->sqe_tail;
	struct io_uring_sqe *sqe;

	if (tail == r->limit)
		return start_other(p, op);
	sq->sqe_tail = tail + 1;
	sqe = &sq->sqes[tail & r->mask];
	memcpy(sqe, head, 8);
	if (opcode != 0)
		sqe->opcode = (uint8_t)opcode;
	sqe->off = offset;
	sqe->addr = span->offset;
	sqe->len = (uint32_t)span->length;
	sqe->msg_flags = flags;
	sqe->user_data = (uintptr_t)op + tag;
	memset((unsigned char *)sqe + REST, 0, sizeof(*sqe) - REST);
	return (p->special & SPECIAL_COLLECT) ? 0 : flush_now(p);
}

int
proactor__ring_start_recv(struct proactor *p, struct proactor_recv_op *op)
{
	return start_short(p, &op->base, op->socket->ring_in, 0, 0,
	    &op->spans[0], 0, TAG_RECV);
}

int
proactor__ring_start_send(struct proactor *p, struct proactor_send_op *op)
{
	return start_short(p, &op->base, op->socket->ring_out, 0, 0,
	    &op->spans[0], MSG_NOSIGNAL | MSG_WAITALL, TAG_SEND);
}

int
proactor__ring_start_read(struct proactor *p,
    struct proactor_file_read_op *op)
{
	return start_short(p, &op->base, op->file->ring_head,
	    IORING_OP_READ, op->offset, &op->span, 0, TAG_FILE);
}

int
proactor__ring_start_write(struct proactor *p,
    struct proactor_file_write_op *op)
{
	return start_short(p, &op->base, op->file->ring_head,
	    IORING_OP_WRITE, op->offset, &op->span, 0, TAG_FILE);
}

/*
 * The descriptor does not block, and would have: starts the operation again
 * when it is ready.
 */
void
proactor__ring_wait_ready(struct proactor *p, struct proactor_op *op, int fd,
    unsigned int events)
{
	struct ring *r = ring_of(p);
	struct io_uring_sqe *sqe;

	sqe = proactor__ring_sqe(r);
	if (sqe == NULL) {
		put_back(r, op);
		return;
	}
	io_uring_prep_poll_add(sqe, fd, proactor__sys_poll_mask(events));
	sqe->user_data = tagged(op, TAG_OP);
	op_state(op)->bits |= OPB_POLLING;
}

/*
 * What the operation lacks, a descriptor or room at a receiver, is nothing
 * that the kernel tells of: starts it again in a while.
 */
void
proactor__ring_pause(struct proactor *p, struct proactor_op *op)
{
	struct ring *r = ring_of(p);
	struct io_uring_sqe *sqe;

	sqe = proactor__ring_sqe(r);
	if (sqe == NULL) {
		put_back(r, op);
		return;
	}
	/* The kernel reads the time when it takes the entry. */
	io_uring_prep_timeout(sqe, (struct __kernel_timespec *)(uintptr_t)
	    &pause_time, 0, 0);
	sqe->user_data = tagged(op, TAG_OP);
	op_state(op)->bits |= OPB_POLLING;
}

/* A chain must reach the kernel in one submission. */
bool
proactor__ring_reserve(struct proactor *p, size_t count)
{
	struct ring *r = ring_of(p);

	if (r->backlog != NULL)
		return false;
	if (io_uring_sq_space_left(&r->uring) < count)
		(void)proactor__ring_enter(r, 0, 0);
	return io_uring_sq_space_left(&r->uring) >= count;
}
