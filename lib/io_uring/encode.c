/* SPDX-License-Identifier: ISC */
/* Operations to submission entries. */
#include "encode.h"

#include <fcntl.h>
#include <string.h>

#include "core/file.h"

/* Below this a copy is cheaper than pinning pages (measured by others). */
#define ZC_THRESHOLD	3072u

_Static_assert(sizeof(struct message_area) <=
    sizeof(((struct proactor_recv_op *)0)->opaque), "recv area");
_Static_assert(sizeof(struct message_area) <=
    sizeof(((struct proactor_send_op *)0)->opaque), "send area");
_Static_assert(sizeof(struct message_area) <=
    sizeof(((struct proactor_recvfrom_op *)0)->opaque), "recvfrom area");
_Static_assert(sizeof(struct message_area) <=
    sizeof(((struct proactor_sendto_op *)0)->opaque), "sendto area");

static unsigned int
length_of(const struct proactor_span *span, size_t done)
{
	size_t length = span->length - done;

	return length < BACKEND_LENGTH_MAX ? (unsigned int)length :
	    BACKEND_LENGTH_MAX;
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

/* A pipe, a terminal and the like, open for this. */
static bool
is_stream_for(int fd, bool write)
{
	int flags = fcntl(fd, F_GETFL), mode = flags & O_ACCMODE;

	return flags >= 0 && mode != (write ? O_RDONLY : O_WRONLY) &&
	    proactor__sys_is_stream(fd);
}

static void
encode_file(struct proactor *p, struct ring *r,
    struct proactor_file_read_op *op, struct io_uring_sqe *sqe)
{
	struct proactor_file *f = op->file;

	/* The kernel may wait until it is ready, 6.1 does for a pipe. */
	if (op->span.length == 0 && is_stream_for(f->fd,
	    op->base.type == PROACTOR_OP_FILE_WRITE)) {
		io_uring_prep_nop(sqe);
		return;
	}
	io_uring_prep_read(sqe, f->fd, memory_of(&op->span, 0),
	    length_of(&op->span, 0), op->offset);
	if (op->base.type == PROACTOR_OP_FILE_WRITE)
		sqe->opcode = IORING_OP_WRITE;
	proactor__ring_use(p, r, sqe, &f->slot, &f->object.uses);
	if (f->object.uses >= USES_HOT) {
		note_head(f->ring_head, IORING_OP_READ, sqe);
		f->hot = true;
	}
}

/* All of an entry but its user data. */
void
proactor__ring_encode(struct proactor *p, struct ring *r,
    struct proactor_op *op, struct io_uring_sqe *sqe)
{
	struct proactor_file_open_op *o;
	struct proactor_connect_op *c;

	switch (op->type) {
	case PROACTOR_OP_RECV:
		encode_recv(p, r, AS(recv, op), sqe);
		break;
	case PROACTOR_OP_SEND:
		encode_send(p, r, AS(send, op), sqe);
		break;
	case PROACTOR_OP_FILE_READ:
	case PROACTOR_OP_FILE_WRITE:
		encode_file(p, r, file_io_of(op), sqe);
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
		    proactor__sys_open_flags(o->open_flags), (mode_t)o->mode);
		break;
	case PROACTOR_OP_FUTEX_WAIT:
	case PROACTOR_OP_FUTEX_WAKE:
		proactor__ring_encode_futex(r, op, sqe);
		break;
	case PROACTOR_OP_HANDLE_POLL:
		io_uring_prep_poll_add(sqe, AS(handle_poll, op)->handle.u.fd,
		    proactor__sys_poll_mask(AS(handle_poll, op)->wanted));
		break;
	}
}
