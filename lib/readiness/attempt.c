/* SPDX-License-Identifier: ISC */
/* Attempts of the operations on sockets and handles. */
#include "readiness/engine.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL	0
#endif

static enum need
over(int *status, int result)
{
	*status = result;
	return NEED_NOTHING;
}

static bool
would_block(int error)
{
	return error == EAGAIN || error == EWOULDBLOCK;
}

/*
 * Fills the vector with what is left of the spans after done bytes; *ret_total
 * is how much that is.
 */
static size_t
fill(struct iovec *iov, const struct proactor_span *spans, size_t count,
    size_t done, size_t *ret_total)
{
	size_t i, n = 0, total = 0;

	for (i = 0; i < count; i++) {
		if (done >= spans[i].length && done != 0) {
			done -= spans[i].length;
			continue;
		}
		iov[n].iov_base = (void *)(spans[i].offset + done);
		iov[n].iov_len = spans[i].length - done;
		total += iov[n].iov_len;
		done = 0;
		n++;
	}
	*ret_total = total;
	return n;
}

/* A header for the vector alone. */
static void
head(struct msghdr *header, struct iovec *iov, size_t count)
{
	memset(header, 0, sizeof(*header));
	header->msg_iov = iov;
	header->msg_iovlen = (__typeof__(header->msg_iovlen))count;
}

static size_t
at_most(size_t length)
{
	return length < BACKEND_LENGTH_MAX ? length : BACKEND_LENGTH_MAX;
}

enum need
proactor__attempt_recv(struct proactor_recv_op *op, int *status)
{
	struct proactor_socket *s = op->socket;
	struct iovec iov[PROACTOR_SPAN_MAX];
	struct msghdr header;
	size_t total;
	ssize_t n;

	if (s->drained)
		return NEED_IN;
	do {
		if (op->span_count == 1) {
			total = at_most(op->spans[0].length);
			n = recv(s->fd, (void *)op->spans[0].offset, total,
			    MSG_DONTWAIT);
		} else {
			head(&header, iov, fill(iov, op->spans,
			    op->span_count, 0, &total));
			n = recvmsg(s->fd, &header, MSG_DONTWAIT);
		}
	} while (n < 0 && errno == EINTR);
	if (n < 0) {
		op->bytes = 0;
		return would_block(errno) ? NEED_IN : over(status, -errno);
	}
	op->bytes = (size_t)n;
	s->drained = n > 0 && (size_t)n < total && s->hinted;
	s->hot_in = !is_datagram(s);
	return over(status, 0);
}

enum need
proactor__attempt_send(struct proactor_send_op *op, int *status)
{
	struct proactor_socket *s = op->socket;
	struct iovec iov[PROACTOR_SPAN_MAX];
	struct msghdr header;
	int flags = MSG_NOSIGNAL | MSG_DONTWAIT;
	size_t total;
	ssize_t n;

	if (op->send_flags & PROACTOR_SEND_MORE)
#ifdef MSG_MORE
		flags |= MSG_MORE;
#else
		flags |= 0;
#endif
	do {
		if (op->span_count == 1) {
			total = op->spans[0].length - op->bytes;
			n = send(s->fd, (void *)(op->spans[0].offset +
			    op->bytes), at_most(total), flags);
		} else {
			head(&header, iov, fill(iov, op->spans,
			    op->span_count, op->bytes, &total));
			n = sendmsg(s->fd, &header, flags);
		}
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return would_block(errno) ? NEED_OUT : over(status, -errno);
	op->bytes += (size_t)n;
	s->hot_out = !is_datagram(s);
	if ((size_t)n >= total || is_datagram(s))
		return over(status, 0);
	/* It is full, unless the most that a call moves was reached. */
	return (size_t)n >= BACKEND_LENGTH_MAX ? NEED_TURN : NEED_OUT;
}

enum need
proactor__attempt_recvfrom(struct proactor_recvfrom_op *op, int *status)
{
	struct iovec iov[PROACTOR_SPAN_MAX];
	struct msghdr header;
	size_t total;
	ssize_t n;

	head(&header, iov, fill(iov, op->spans, op->span_count, 0, &total));
	do {
		header.msg_name = op->peer.storage.bytes;
		header.msg_namelen = sizeof(op->peer.storage.bytes);
		n = recvmsg(op->socket->fd, &header, MSG_DONTWAIT);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return would_block(errno) ? NEED_IN : over(status, -errno);
	op->bytes = (size_t)n;
	op->truncated = (header.msg_flags & MSG_TRUNC) != 0;
	op->peer.length = header.msg_namelen < sizeof(op->peer.storage.bytes) ?
	    header.msg_namelen : (uint32_t)sizeof(op->peer.storage.bytes);
	return over(status, 0);
}

enum need
proactor__attempt_sendto(struct proactor_sendto_op *op, int *status)
{
	struct proactor_socket *s = op->socket;
	struct iovec iov[PROACTOR_SPAN_MAX];
	struct msghdr header;
	size_t total;
	ssize_t n;

	head(&header, iov, fill(iov, op->spans, op->span_count, 0, &total));
	header.msg_name = op->address.storage.bytes;
	header.msg_namelen = (socklen_t)op->address.length;
	do
		n = sendmsg(s->fd, &header, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n >= 0) {
		op->bytes = (size_t)n;
		return over(status, 0);
	}
	if (!would_block(errno))
		return over(status, -errno);
	/* A receiver that is full is nothing that the sender is told of. */
	return s->kind == PROACTOR_SOCKET_UNIX_DATAGRAM ? NEED_PAUSE :
	    NEED_OUT;
}

/*
 * Accept and connect have no flag to make them not block: the descriptor has.
 */
static void
make_nonblocking(struct proactor_socket *s)
{
	int flags;

	if (s->nonblocking)
		return;
	flags = fcntl(s->fd, F_GETFL);
	if (flags >= 0 && !(flags & O_NONBLOCK))
		(void)fcntl(s->fd, F_SETFL, flags | O_NONBLOCK);
	s->nonblocking = true;
}

static int
accept_cloexec(int fd, struct sockaddr *address, socklen_t *length)
{
#ifdef HAVE_ACCEPT4
	return accept4(fd, address, length, SOCK_CLOEXEC);
#else
	int accepted = accept(fd, address, length);

	if (accepted >= 0)
		(void)fcntl(accepted, F_SETFD, FD_CLOEXEC);
	return accepted;
#endif
}

enum need
proactor__attempt_accept(struct proactor_accept_op *op, int *status)
{
	struct proactor_socket *s = op->listener;
	socklen_t length;
	int fd;

	make_nonblocking(s);
	op->accepted = NULL;
	op->peer.length = 0;
	do {
		length = sizeof(op->peer.storage.bytes);
		fd = accept_cloexec(s->fd,
		    (struct sockaddr *)(void *)op->peer.storage.bytes, &length);
	} while (fd < 0 && errno == EINTR);
	if (fd < 0)
		return would_block(errno) ? NEED_IN : over(status, -errno);
	op->accepted = proactor__socket_accepted(s, fd);
	if (op->accepted == NULL)
		return over(status, PROACTOR_ENOMEM);
	op->peer.length = length < sizeof(op->peer.storage.bytes) ? length :
	    (uint32_t)sizeof(op->peer.storage.bytes);
	return over(status, 0);
}

static int
call_connect(struct proactor_connect_op *op)
{
	return connect(op->socket->fd, (const struct sockaddr *)(const void *)
	    op->address.storage.bytes, (socklen_t)op->address.length) != 0 ?
	    -errno : 0;
}

/*
 * A connect that the system has begun: is it over?  Linux tells with a second
 * call, and must be asked so, or it takes the next connect for this one; to
 * others a second call is one more connect.
 */
static enum need
look_at_connect(struct proactor_connect_op *op, int *status)
{
#ifdef __linux__
	int error = call_connect(op);

	if (error == PROACTOR_EALREADY || error == -EINPROGRESS ||
	    error == -EINTR)
		return NEED_OUT;
	return over(status, error == PROACTOR_EISCONN ? 0 : error);
#else
	struct proactor_address peer;
	socklen_t length = sizeof(int);
	int error = 0;

	if (getsockopt(op->socket->fd, SOL_SOCKET, SO_ERROR, &error,
	    &length) != 0)
		error = errno;
	proactor__sys_peer_address(op->socket->fd, &peer);
	if (error == 0 && peer.length == 0)
		return NEED_OUT;
	return over(status, -error);
#endif
}

enum need
proactor__attempt_connect(struct proactor_connect_op *op, int *status)
{
	struct op_state *state = op_state(&op->base);
	struct proactor_socket *s = op->socket;
	int error;

	if (state->shape & SHAPE_UNDER_WAY)
		return look_at_connect(op, status);
	make_nonblocking(s);
	error = call_connect(op);
	if (error == -EINPROGRESS || error == -EINTR ||
	    error == PROACTOR_EALREADY) {
		state->shape |= SHAPE_UNDER_WAY;
		return NEED_OUT;
	}
	/* A Unix listener whose backlog is full tells nobody when it is not. */
	if (error == PROACTOR_EAGAIN && s->kind == PROACTOR_SOCKET_UNIX_STREAM)
		return NEED_PAUSE;
	return over(status, error);
}

static enum need
attempt_handle(struct proactor_handle_poll_op *op, int *status)
{
	struct pollfd fd = { .fd = op->handle.u.fd };
	int n;

	fd.events = (short)proactor__sys_poll_mask(op->wanted);
	do
		n = poll(&fd, 1, 0);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return over(status, -errno);
	if (n == 0)
		return NEED_HANDLE;
	if (fd.revents & POLLNVAL)
		return over(status, PROACTOR_EBADF);
	op->fired = proactor__sys_poll_events(fd.revents);
	return over(status, 0);
}

static enum need
attempt_close(struct engine *e, struct proactor_socket *s, int *status)
{
	int fd = s->fd;

	proactor__engine_forget(e->p, fd, &s->slot);
	s->fd = -1;
	/* After EINTR the descriptor is gone on the systems that matter. */
	return over(status, close(fd) != 0 && errno != EINTR ? -errno : 0);
}

enum need
proactor__attempt(struct engine *e, struct proactor_op *op, int *status)
{
	switch (op->type) {
	case PROACTOR_OP_RECV:
		return proactor__attempt_recv(AS(recv, op), status);
	case PROACTOR_OP_SEND:
		return proactor__attempt_send(AS(send, op), status);
	case PROACTOR_OP_RECVFROM:
		return proactor__attempt_recvfrom(AS(recvfrom, op), status);
	case PROACTOR_OP_SENDTO:
		return proactor__attempt_sendto(AS(sendto, op), status);
	case PROACTOR_OP_ACCEPT:
		return proactor__attempt_accept(AS(accept, op), status);
	case PROACTOR_OP_CONNECT:
		return proactor__attempt_connect(AS(connect, op), status);
	case PROACTOR_OP_SOCKET_CLOSE:
		return attempt_close(e, AS(socket_close, op)->socket, status);
	case PROACTOR_OP_HANDLE_POLL:
		return attempt_handle(AS(handle_poll, op), status);
	default:
		return proactor__attempt_file(e, op, status);
	}
}
