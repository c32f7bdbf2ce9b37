/* SPDX-License-Identifier: ISC */
/* Operations to submission entries. */
#include "ring.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>

/* The most that the kernel moves at once: MAX_RW_COUNT. */
#define LENGTH_MAX	0x7ffff000u

/* Below this a copy is cheaper than pinning pages (measured by others). */
#define ZC_THRESHOLD	3072u

/* How long an operation rests that the kernel cannot wait with: 5 ms. */
static const struct __kernel_timespec pause_time = { 0, 5000000 };

_Static_assert(sizeof(struct message_area) <=
    sizeof(((struct proactor_recv_op *)0)->opaque), "recv area");
_Static_assert(sizeof(struct message_area) <=
    sizeof(((struct proactor_send_op *)0)->opaque), "send area");
_Static_assert(sizeof(struct message_area) <=
    sizeof(((struct proactor_recvfrom_op *)0)->opaque), "recvfrom area");
_Static_assert(sizeof(struct message_area) <=
    sizeof(((struct proactor_sendto_op *)0)->opaque), "sendto area");

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

static unsigned int
length_of(const struct proactor_span *span, size_t done)
{
	size_t length = span->length - done;

	return length < LENGTH_MAX ? (unsigned int)length : LENGTH_MAX;
}

static void *
memory_of(const struct proactor_span *span, size_t done)
{
	return (void *)(span->offset + done);
}

/* Fills the area with what is left of the spans after done bytes. */
static struct msghdr *
fill(uint64_t *opaque, const struct proactor_span *spans, size_t count,
    size_t done)
{
	struct message_area *area = (struct message_area *)(void *)opaque;
	size_t i, n = 0;

	for (i = 0; i < count; i++) {
		if (done >= spans[i].length && done != 0) {
			done -= spans[i].length;
			continue;
		}
		area->iov[n].iov_base = memory_of(&spans[i], done);
		area->iov[n].iov_len = spans[i].length - done;
		done = 0;
		n++;
	}
	memset(&area->header, 0, sizeof(area->header));
	area->header.msg_iov = area->iov;
	area->header.msg_iovlen = n;
	return &area->header;
}

/*
 * The entries of a socket's receives and sends begin with the same 8 bytes
 * each time, once it is settled which descriptor it goes by.
 */
static void
note_head(unsigned char head[8], uint8_t opcode,
    const struct io_uring_sqe *sqe)
{
	memcpy(head, sqe, 8);
	head[offsetof(struct io_uring_sqe, opcode)] = opcode;
}

static void
encode_recv(struct proactor *p, struct ring *r, struct proactor_recv_op *op,
    struct io_uring_sqe *sqe)
{
	struct proactor_socket *s = op->socket;

	if (op->span_count == 1)
		io_uring_prep_recv(sqe, s->fd, memory_of(&op->spans[0], 0),
		    length_of(&op->spans[0], 0), 0);
	else
		io_uring_prep_recvmsg(sqe, s->fd, fill(op->opaque, op->spans,
		    op->span_count, 0), 0);
	proactor__ring_use(p, r, sqe, &s->slot, &s->object.uses);
	if (s->drained)
		sqe->ioprio |= IORING_RECVSEND_POLL_FIRST;
	if (s->object.uses >= USES_HOT) {
		note_head(s->ring_in, IORING_OP_RECV, sqe);
		s->hot_in = r->probe.poll_first;
	}
}

static bool
wants_zero_copy(struct proactor *p, struct proactor_send_op *op)
{
	struct proactor_socket *s = op->socket;
	size_t i, total = 0;

	if (!(s->options & PROACTOR_SOCKET_ZERO_COPY) ||
	    !(p->capabilities & PROACTOR_CAP_ZERO_COPY_SEND) ||
	    s->kind >= PROACTOR_SOCKET_UNIX_STREAM ||
	    (op_state(&op->base)->bits & (OPB_LINKED | OPB_COPY)))
		return false;
	for (i = 0; i < op->span_count; i++)
		total += op->spans[i].length;
	return total - op->bytes >= ZC_THRESHOLD;
}

static void
encode_send(struct proactor *p, struct ring *r, struct proactor_send_op *op,
    struct io_uring_sqe *sqe)
{
	struct proactor_socket *s = op->socket;
	int flags = MSG_NOSIGNAL;

	if (!is_datagram(s))
		flags |= MSG_WAITALL;
	else if (s->kind == PROACTOR_SOCKET_UNIX_DATAGRAM)
		flags |= MSG_DONTWAIT;
	if (op->send_flags & PROACTOR_SEND_MORE)
		flags |= MSG_MORE;
	if (op->span_count == 1)
		io_uring_prep_send(sqe, s->fd, memory_of(&op->spans[0],
		    op->bytes), length_of(&op->spans[0], op->bytes), flags);
	else
		io_uring_prep_sendmsg(sqe, s->fd, fill(op->opaque, op->spans,
		    op->span_count, op->bytes), (unsigned int)flags);
	proactor__ring_use(p, r, sqe, &s->slot, &s->object.uses);
	if (s->object.uses >= USES_HOT) {
		note_head(s->ring_out, IORING_OP_SEND, sqe);
		s->hot_out = !is_datagram(s) &&
		    !(s->options & PROACTOR_SOCKET_ZERO_COPY);
	}
	if (!wants_zero_copy(p, op))
		return;
	sqe->opcode = op->span_count == 1 ? PROACTOR_URING_OP_SEND_ZC :
	    PROACTOR_URING_OP_SENDMSG_ZC;
	sqe->ioprio |= IORING_SEND_ZC_REPORT_USAGE;
	op_state(&op->base)->shape |= SHAPE_ZC;
}

static void
encode_recvfrom(struct proactor *p, struct ring *r,
    struct proactor_recvfrom_op *op, struct io_uring_sqe *sqe)
{
	struct msghdr *header;

	header = fill(op->opaque, op->spans, op->span_count, 0);
	header->msg_name = op->peer.storage.bytes;
	header->msg_namelen = sizeof(op->peer.storage.bytes);
	io_uring_prep_recvmsg(sqe, op->socket->fd, header, 0);
	proactor__ring_use(p, r, sqe, &op->socket->slot,
	    &op->socket->object.uses);
}

static void
encode_sendto(struct proactor *p, struct ring *r,
    struct proactor_sendto_op *op, struct io_uring_sqe *sqe)
{
	struct msghdr *header;
	unsigned int flags = MSG_NOSIGNAL;

	header = fill(op->opaque, op->spans, op->span_count, 0);
	header->msg_name = op->address.storage.bytes;
	header->msg_namelen = (socklen_t)op->address.length;
	/*
	 * A retry inside the kernel (seen on 6.18) would send what the failed
	 * attempt has left of the datagram, which is nothing.
	 */
	if (op->socket->kind == PROACTOR_SOCKET_UNIX_DATAGRAM)
		flags |= MSG_DONTWAIT;
	if (op->send_flags & PROACTOR_SEND_MORE)
		flags |= MSG_MORE;
	io_uring_prep_sendmsg(sqe, op->socket->fd, header, flags);
	proactor__ring_use(p, r, sqe, &op->socket->slot,
	    &op->socket->object.uses);
}

static void
encode_accept(struct proactor *p, struct ring *r,
    struct proactor_accept_op *op, struct io_uring_sqe *sqe)
{
	if ((op->base.flags & PROACTOR_OP_MULTISHOT) &&
	    (p->capabilities & PROACTOR_CAP_MULTISHOT) &&
	    r->probe.multishot_accept) {
		io_uring_prep_multishot_accept(sqe, op->listener->fd, NULL,
		    NULL, SOCK_CLOEXEC);
		op_state(&op->base)->shape |= SHAPE_MULTISHOT;
		return;
	}
	op->peer.length = sizeof(op->peer.storage.bytes);
	io_uring_prep_accept(sqe, op->listener->fd,
	    (struct sockaddr *)(void *)op->peer.storage.bytes,
	    &op->peer.length, SOCK_CLOEXEC);
}

static void
use_file(struct proactor *p, struct ring *r, struct io_uring_sqe *sqe,
    struct proactor_file *f)
{
	proactor__ring_use(p, r, sqe, &f->slot, &f->object.uses);
	if (f->object.uses >= USES_HOT) {
		note_head(f->ring_head, IORING_OP_READ, sqe);
		f->hot = true;
	}
}

static int
open_flags(unsigned int flags)
{
	int sys = O_CLOEXEC | O_NOCTTY;

	if ((flags & PROACTOR_FILE_READ) && (flags & PROACTOR_FILE_WRITE))
		sys |= O_RDWR;
	else
		sys |= (flags & PROACTOR_FILE_WRITE) ? O_WRONLY : O_RDONLY;
	if (flags & PROACTOR_FILE_CREATE)
		sys |= O_CREAT;
	if (flags & PROACTOR_FILE_TRUNCATE)
		sys |= O_TRUNC;
	if (flags & PROACTOR_FILE_APPEND)
		sys |= O_APPEND;
	if (flags & PROACTOR_FILE_DIRECT)
		sys |= O_DIRECT;
	if (flags & PROACTOR_FILE_EXCLUSIVE)
		sys |= O_EXCL;
	return sys;
}

static unsigned int
poll_mask(unsigned int events)
{
	return ((events & PROACTOR_POLL_IN) ? POLLIN : 0u) |
	    ((events & PROACTOR_POLL_OUT) ? POLLOUT : 0u);
}

#define AS(type, op)	container_of(op, struct proactor_ ## type ## _op, base)

static void
encode(struct proactor *p, struct ring *r, struct proactor_op *op,
    struct io_uring_sqe *sqe)
{
	struct proactor_file_open_op *o;
	struct proactor_file_read_op *rd;
	struct proactor_file_write_op *wr;
	struct proactor_connect_op *c;

	switch (op->type) {
	case PROACTOR_OP_RECV:
		encode_recv(p, r, AS(recv, op), sqe);
		break;
	case PROACTOR_OP_SEND:
		encode_send(p, r, AS(send, op), sqe);
		break;
	case PROACTOR_OP_FILE_READ:
		rd = AS(file_read, op);
		io_uring_prep_read(sqe, rd->file->fd, memory_of(&rd->span, 0),
		    length_of(&rd->span, 0), rd->offset);
		use_file(p, r, sqe, rd->file);
		break;
	case PROACTOR_OP_FILE_WRITE:
		wr = AS(file_write, op);
		io_uring_prep_write(sqe, wr->file->fd,
		    memory_of(&wr->span, 0), length_of(&wr->span, 0),
		    wr->offset);
		use_file(p, r, sqe, wr->file);
		break;
	case PROACTOR_OP_ACCEPT:
		encode_accept(p, r, AS(accept, op), sqe);
		break;
	case PROACTOR_OP_CONNECT:
		c = AS(connect, op);
		io_uring_prep_connect(sqe, c->socket->fd,
		    (const struct sockaddr *)(const void *)
		    c->address.storage.bytes, (socklen_t)c->address.length);
		break;
	case PROACTOR_OP_RECVFROM:
		encode_recvfrom(p, r, AS(recvfrom, op), sqe);
		break;
	case PROACTOR_OP_SENDTO:
		encode_sendto(p, r, AS(sendto, op), sqe);
		break;
	case PROACTOR_OP_SOCKET_CLOSE:
		proactor__ring_forget(p, AS(socket_close, op)->socket->fd,
		    &AS(socket_close, op)->socket->slot);
		io_uring_prep_close(sqe, AS(socket_close, op)->socket->fd);
		break;
	case PROACTOR_OP_FILE_CLOSE:
		proactor__ring_forget(p, AS(file_close, op)->file->fd,
		    &AS(file_close, op)->file->slot);
		io_uring_prep_close(sqe, AS(file_close, op)->file->fd);
		break;
	case PROACTOR_OP_FILE_OPEN:
		o = AS(file_open, op);
		io_uring_prep_openat(sqe, AT_FDCWD, o->path,
		    open_flags(o->open_flags), (mode_t)o->mode);
		break;
	case PROACTOR_OP_HANDLE_POLL:
		io_uring_prep_poll_add(sqe, AS(handle_poll, op)->handle.u.fd,
		    poll_mask(AS(handle_poll, op)->wanted));
		break;
	}
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
	encode(p, r, op, sqe);
	if (s->bits & OPB_TIED) {
		s->bits &= (uint16_t)~OPB_TIED;
		sqe->flags |= IOSQE_IO_LINK;
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
	io_uring_prep_poll_add(sqe, fd, poll_mask(events));
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

static bool
cancel_request(struct ring *r, uint64_t user_data)
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
	/*
	 * A member of a kernel's chain that has not begun is not found: the
	 * one that runs is stopped, which breaks the chain, and begins again
	 * by itself.
	 */
	if (s->bits & OPB_EARLY)
		return;
	while (s->before != NULL)
		s = op_state(s->before);
	(void)cancel_request(r, name_of(op_of_state(s)));
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
	    poll_mask(source->wanted));
	sqe->user_data = tagged(source, TAG_SOURCE);
}

void
proactor__ring_unwatch(struct proactor *p,
    struct proactor_event_source *source)
{
	if (source->armed)
		(void)cancel_request(ring_of(p), tagged(source, TAG_SOURCE));
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

static void
cancel_again(void *user_data, struct proactor_op *op)
{
	struct op_state *s = op_state(op);
	struct ring *r = ring_of(user_data);

	if (s->stage != STAGE_KERNEL || !(s->bits & OPB_ASKED))
		return;
	r->canceling++;
	if (!(s->bits & (OPB_HELD | OPB_EARLY)) && s->before == NULL)
		(void)cancel_request(r, name_of(op));
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
	proactor__for_each(p, cancel_again, p);
	for (l = p->sources.next; l != &p->sources; l = l->next) {
		source = container_of(l, struct proactor_event_source, link);
		if (source->armed && source->dead)
			proactor__ring_unwatch(p, source);
	}
	proactor__sources_arm(p);
}

/* A chain must reach the kernel in one submission. */
bool
proactor__ring_reserve(struct proactor *p, size_t count)
{
	struct ring *r = ring_of(p);

	if (r->backlog != NULL || count > r->entries)
		return false;
	if (io_uring_sq_space_left(&r->uring) < count)
		(void)proactor__ring_enter(r, 0, 0);
	return io_uring_sq_space_left(&r->uring) >= count;
}
