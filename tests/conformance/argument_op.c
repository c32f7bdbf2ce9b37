/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conformance/transfer.h"

/*
 * Bad operations: each is refused with its code, nothing is started, and it
 * stays the caller's.
 */

/* A pointer that nobody may follow, to see whether it was touched. */
#define UNTOUCHED	((void *)(uintptr_t)0x5555)

/* What submit says of it; it must not be called back later. */
static int
refuse(struct world *w, struct proactor_op *op)
{
	int status = proactor_submit_one(w->p, op);

	CHECK(status != 0);
	CHECK_INT(proactor_cancel(w->p, op), PROACTOR_ENOENT);
	return status;
}

/* --- what all have --- */

/* One of each type, good as it is, of one proactor. */
struct zoo {
	struct proactor_event *event;
	struct proactor_socket *listener;
	struct proactor_socket *stream;
	struct proactor_socket *datagram;
	struct proactor_socket *fresh;
	struct proactor_file *file;
	struct proactor_address address;
	int fd;
	char path[PATH_ROOM];
	char memory[8];
	struct proactor_nop_op nop;
	struct proactor_timer_op timer;
	struct proactor_event_wait_op event_wait;
	struct proactor_handle_poll_op handle_poll;
	struct proactor_accept_op accept;
	struct proactor_connect_op connect;
	struct proactor_recv_op recv;
	struct proactor_send_op send;
	struct proactor_recvfrom_op recvfrom;
	struct proactor_sendto_op sendto;
	struct proactor_socket_close_op socket_close;
	struct proactor_file_open_op file_open;
	struct proactor_file_read_op file_read;
	struct proactor_file_write_op file_write;
	struct proactor_file_close_op file_close;
	struct proactor_message_op message;
	struct proactor_op *ops[16];
};

static void
zoo_operations(struct zoo *z, struct world *w)
{
	struct proactor_span span = proactor_span(z->memory, 8);
	struct recorder *r = &w->r;
	struct proactor_op *const ops[] = {
		&z->nop.base, &z->timer.base, &z->event_wait.base,
		&z->handle_poll.base, &z->accept.base, &z->connect.base,
		&z->recv.base, &z->send.base, &z->recvfrom.base,
		&z->sendto.base, &z->socket_close.base, &z->file_open.base,
		&z->file_read.base, &z->file_write.base,
		&z->file_close.base, &z->message.base,
	};

	memcpy(z->ops, ops, sizeof(ops));
	proactor_nop_op_init(&z->nop, record, r);
	proactor_timer_op_init(&z->timer, 1, record, r);
	proactor_event_wait_op_init(&z->event_wait, z->event, record, r);
	proactor_handle_poll_op_init(&z->handle_poll,
	    proactor_handle_fd(z->fd), PROACTOR_POLL_IN, record, r);
	proactor_accept_op_init(&z->accept, z->listener, record, r);
	proactor_connect_op_init(&z->connect, z->fresh, &z->address, record,
	    r);
	proactor_recv_op_init(&z->recv, z->stream, &span, 1, record, r);
	proactor_send_op_init(&z->send, z->stream, &span, 1, 0, record, r);
	proactor_recvfrom_op_init(&z->recvfrom, z->datagram, &span, 1, record,
	    r);
	proactor_sendto_op_init(&z->sendto, z->datagram, &span, 1,
	    &z->address, 0, record, r);
	proactor_socket_close_op_init(&z->socket_close, z->stream, record,
	    r);
	proactor_file_open_op_init(&z->file_open, z->path,
	    PROACTOR_FILE_READ, 0, record, r);
	proactor_file_read_op_init(&z->file_read, z->file, 0, span, record,
	    r);
	proactor_file_write_op_init(&z->file_write, z->file, 0, span, record,
	    r);
	proactor_file_close_op_init(&z->file_close, z->file, record, r);
	proactor_message_op_init(&z->message, w->p, 1, 0, record, r);
}

static struct zoo *
zoo_open(struct world *w)
{
	struct zoo *z = calloc(1, sizeof(*z));
	int fd;

	CHECK(z != NULL);
	CHECK_INT(proactor_event_create(w->p, &z->event), 0);
	z->listener = listener_open(w, PROACTOR_SOCKET_TCP, 0, &z->address);
	z->stream = half_pair(w, PROACTOR_SOCKET_TCP, 0, &z->fd);
	CHECK_INT(proactor_socket_create(w->p, PROACTOR_SOCKET_UDP, 0,
	    &z->datagram), 0);
	CHECK_INT(proactor_socket_create(w->p, PROACTOR_SOCKET_TCP, 0,
	    &z->fresh), 0);
	fd = open(temp_path(z->path, "f"), O_RDWR | O_CREAT | O_CLOEXEC,
	    0600);
	CHECK(fd != -1);
	CHECK_INT(proactor_file_import(w->p, proactor_handle_fd(fd),
	    &z->file), 0);
	zoo_operations(z, w);
	return z;
}

static void
zoo_close(struct zoo *z)
{
	proactor_event_release(z->event);
	proactor_socket_release(z->listener);
	proactor_socket_release(z->stream);
	proactor_socket_release(z->datagram);
	proactor_socket_release(z->fresh);
	proactor_file_release(z->file);
	close(z->fd);
	free(z);
}

static void
check_refused(struct world *w, struct proactor_op *op, int wanted)
{
	int status = refuse(w, op);

	if (status != wanted)
		FAIL("%s: %s, wanted %s", proactor_op_name(op->type),
		    proactor_errname(status), proactor_errname(wanted));
}

static void
unknown_types(void)
{
	static const unsigned int types[] = {
		0, PROACTOR_OP_TIMEOUT + 1, 1000, ~0u
	};
	struct proactor_nop_op nop;
	struct world w;
	size_t i;

	world_open(&w, NULL);
	for (i = 0; i < COUNT(types); i++) {
		proactor_nop_op_init(&nop, record, &w.r);
		nop.base.type = types[i];
		check_refused(&w, &nop.base, PROACTOR_EINVAL);
	}
	world_close(&w);
}

static void
unknown_flags(void)
{
	static const unsigned int flags[] = { 0x4, 0x80000000u, 0x5, ~0u };
	struct zoo *z;
	struct world w;
	size_t i, j;

	world_open(&w, NULL);
	z = zoo_open(&w);
	for (i = 0; i < COUNT(z->ops); i++) {
		for (j = 0; j < COUNT(flags); j++) {
			z->ops[i]->flags = flags[j];
			check_refused(&w, z->ops[i], PROACTOR_EINVAL);
		}
		/* Linked to nothing. */
		z->ops[i]->flags = PROACTOR_OP_LINKED;
		check_refused(&w, z->ops[i], PROACTOR_EINVAL);
	}
	CHECK(poll_quiet(&w));
	zoo_close(z);
	world_close(&w);
}

static void
multishot_elsewhere(void)
{
	struct zoo *z;
	struct world w;
	size_t i;

	world_open(&w, NULL);
	z = zoo_open(&w);
	for (i = 0; i < COUNT(z->ops); i++) {
		if (z->ops[i]->type == PROACTOR_OP_ACCEPT ||
		    z->ops[i]->type == PROACTOR_OP_RECV)
			continue;
		z->ops[i]->flags = PROACTOR_OP_MULTISHOT;
		check_refused(&w, z->ops[i], PROACTOR_EINVAL);
	}
	CHECK(poll_quiet(&w));
	zoo_close(z);
	world_close(&w);
}

static void
no_callback_no_pool(void)
{
	struct zoo *z;
	struct world w;
	size_t i;

	world_open(&w, NULL);
	z = zoo_open(&w);
	for (i = 0; i < COUNT(z->ops); i++) {
		z->ops[i]->callback = NULL;
		check_refused(&w, z->ops[i], PROACTOR_EINVAL);
		z->ops[i]->callback = record;
		z->ops[i]->pool = UNTOUCHED;
		check_refused(&w, z->ops[i], PROACTOR_EINVAL);
	}
	CHECK(poll_quiet(&w));
	zoo_close(z);
	world_close(&w);
}

static void
names_nothing(void)
{
	struct zoo *z;
	struct world w;

	world_open(&w, NULL);
	z = zoo_open(&w);
	z->event_wait.event = NULL;
	check_refused(&w, &z->event_wait.base, PROACTOR_EINVAL);
	z->accept.listener = NULL;
	check_refused(&w, &z->accept.base, PROACTOR_EINVAL);
	z->connect.socket = NULL;
	check_refused(&w, &z->connect.base, PROACTOR_EINVAL);
	z->recv.socket = NULL;
	check_refused(&w, &z->recv.base, PROACTOR_EINVAL);
	z->send.socket = NULL;
	check_refused(&w, &z->send.base, PROACTOR_EINVAL);
	z->recvfrom.socket = NULL;
	check_refused(&w, &z->recvfrom.base, PROACTOR_EINVAL);
	z->sendto.socket = NULL;
	check_refused(&w, &z->sendto.base, PROACTOR_EINVAL);
	z->socket_close.socket = NULL;
	check_refused(&w, &z->socket_close.base, PROACTOR_EINVAL);
	z->file_open.path = NULL;
	check_refused(&w, &z->file_open.base, PROACTOR_EINVAL);
	z->file_read.file = NULL;
	check_refused(&w, &z->file_read.base, PROACTOR_EINVAL);
	z->file_write.file = NULL;
	check_refused(&w, &z->file_write.base, PROACTOR_EINVAL);
	z->file_close.file = NULL;
	check_refused(&w, &z->file_close.base, PROACTOR_EINVAL);
	z->message.target = NULL;
	check_refused(&w, &z->message.base, PROACTOR_EINVAL);
	zoo_close(z);
	world_close(&w);
}

static void
of_another_proactor(void)
{
	struct world w, other;
	struct zoo *z;
	size_t i;

	world_open(&w, NULL);
	world_open(&other, NULL);
	z = zoo_open(&other);
	for (i = 0; i < COUNT(z->ops); i++) {
		switch (z->ops[i]->type) {
		case PROACTOR_OP_NOP:
		case PROACTOR_OP_TIMER:
		case PROACTOR_OP_HANDLE_POLL:
		case PROACTOR_OP_FILE_OPEN:
		case PROACTOR_OP_MESSAGE:
			break;
		default:
			check_refused(&w, z->ops[i], PROACTOR_EINVAL);
		}
	}
	CHECK(poll_quiet(&w));
	/* It was not taken for closing by that. */
	send_all(&other, z->stream, "x", 1);
	zoo_close(z);
	world_close(&w);
	world_close(&other);
}

static void
cancel_elsewhere(void)
{
	struct world w, other;
	struct zoo *z;
	int status;

	world_open(&w, NULL);
	world_open(&other, NULL);
	z = zoo_open(&w);
	CHECK_INT(proactor_cancel(w.p, NULL), PROACTOR_EINVAL);
	CHECK_INT(proactor_submit_one(w.p, &z->recv.base), 0);
	poll_barrier(&w);
	status = proactor_cancel(other.p, &z->recv.base);
	CHECK(status == PROACTOR_ENOENT || status == PROACTOR_EINVAL);
	poll_barrier(&other);
	CHECK(poll_quiet(&w));
	CHECK_INT(proactor_submit_one(other.p, &z->recv.base),
	    PROACTOR_EBUSY);
	fd_write_all(z->fd, "text", 4);
	CHECK(poll_finals(&w, &z->recv, 1));
	CHECK_INT(status_of(&w.r, &z->recv), 0);
	CHECK_INT(z->recv.bytes, 4);
	zoo_close(z);
	world_close(&w);
	world_close(&other);
}

static void
holes_in_a_batch(void)
{
	struct proactor_op *ops[3];
	struct world w;
	struct zoo *z;

	world_open(&w, NULL);
	z = zoo_open(&w);
	ops[0] = &z->nop.base;
	ops[1] = NULL;
	ops[2] = &z->send.base;
	CHECK_INT(proactor_submit(w.p, ops, 3), PROACTOR_EINVAL);
	CHECK_INT(proactor_submit(w.p, NULL, 3), PROACTOR_EINVAL);
	CHECK_INT(proactor_submit_one(w.p, NULL), PROACTOR_EINVAL);
	CHECK(poll_quiet(&w));
	CHECK(fd_is_silent(z->fd));
	/* A close that is refused with its batch has not closed. */
	ops[0] = &z->socket_close.base;
	ops[2] = &z->file_close.base;
	CHECK_INT(proactor_submit(w.p, ops, 3), PROACTOR_EINVAL);
	ops[1] = ops[2];
	ops[2] = NULL;
	CHECK_INT(proactor_submit(w.p, ops, 3), PROACTOR_EINVAL);
	CHECK(poll_quiet(&w));
	CHECK_INT(run_one(&w, &z->send.base), 0);
	CHECK_INT(run_one(&w, &z->file_write.base), 0);
	zoo_close(z);
	world_close(&w);
}

/* --- spans, addresses, flags --- */

/* The four that have several, with these; each keeps its results. */
static void
check_spans(struct zoo *z, struct world *w, const struct proactor_span *spans,
    size_t count, int wanted)
{
	proactor_recv_op_init(&z->recv, z->stream, spans, count, record,
	    &w->r);
	z->recv.bytes = 77;
	check_refused(w, &z->recv.base, wanted);
	CHECK_INT(z->recv.bytes, 77);
	z->recv.base.flags = PROACTOR_OP_MULTISHOT;
	check_refused(w, &z->recv.base, wanted);
	proactor_send_op_init(&z->send, z->stream, spans, count, 0, record,
	    &w->r);
	z->send.bytes = 77;
	check_refused(w, &z->send.base, wanted);
	CHECK_INT(z->send.bytes, 77);
	proactor_recvfrom_op_init(&z->recvfrom, z->datagram, spans, count,
	    record, &w->r);
	z->recvfrom.bytes = 77;
	check_refused(w, &z->recvfrom.base, wanted);
	CHECK_INT(z->recvfrom.bytes, 77);
	proactor_sendto_op_init(&z->sendto, z->datagram, spans, count,
	    &z->address, 0, record, &w->r);
	z->sendto.bytes = 77;
	check_refused(w, &z->sendto.base, wanted);
	CHECK_INT(z->sendto.bytes, 77);
}

static void
too_many_spans(void)
{
	struct proactor_span spans[PROACTOR_SPAN_MAX + 1];
	struct world w;
	struct zoo *z;
	size_t i;

	world_open(&w, NULL);
	z = zoo_open(&w);
	for (i = 0; i < COUNT(spans); i++)
		spans[i] = proactor_span(z->memory, 1);
	check_spans(z, &w, spans, 0, PROACTOR_EINVAL);
	check_spans(z, &w, NULL, 0, PROACTOR_EINVAL);
	check_spans(z, &w, NULL, 1, PROACTOR_EINVAL);
	check_spans(z, &w, spans, PROACTOR_SPAN_MAX + 1, PROACTOR_EINVAL);
	check_spans(z, &w, spans, 1000, PROACTOR_EINVAL);
	check_spans(z, &w, spans, SIZE_MAX, PROACTOR_EINVAL);
	CHECK(poll_quiet(&w));
	CHECK(fd_is_silent(z->fd));
	zoo_close(z);
	world_close(&w);
}

/* Between two walls that the initialiser must not write to. */
static void
never_past_the_end(void)
{
	struct proactor_span spans[40];
	struct {
		uint64_t before[16];
		union {
			struct proactor_recv_op recv;
			struct proactor_send_op send;
			struct proactor_recvfrom_op recvfrom;
			struct proactor_sendto_op sendto;
		} op;
		uint64_t after[16];
	} room, walls;
	size_t i;

	for (i = 0; i < COUNT(spans); i++)
		spans[i] = proactor_span(&room, 1000);
	memset(&walls, 0x55, sizeof(walls));
	room = walls;
	proactor_recv_op_init(&room.op.recv, NULL, spans, COUNT(spans),
	    record, NULL);
	CHECK(room.op.recv.span_count > PROACTOR_SPAN_MAX);
	proactor_send_op_init(&room.op.send, NULL, spans, COUNT(spans), 0,
	    record, NULL);
	CHECK(room.op.send.span_count > PROACTOR_SPAN_MAX);
	proactor_recvfrom_op_init(&room.op.recvfrom, NULL, spans,
	    COUNT(spans), record, NULL);
	CHECK(room.op.recvfrom.span_count > PROACTOR_SPAN_MAX);
	proactor_sendto_op_init(&room.op.sendto, NULL, spans, COUNT(spans),
	    NULL, 0, record, NULL);
	CHECK(room.op.sendto.span_count > PROACTOR_SPAN_MAX);
	CHECK_MEM(room.before, walls.before, sizeof(walls.before));
	CHECK_MEM(room.after, walls.after, sizeof(walls.after));
}

/* Of one span that is wrong, in the last place of three, and of a file. */
static void
check_bad_span(struct zoo *z, struct world *w, struct proactor_span bad,
    int wanted)
{
	struct proactor_span spans[3];

	spans[0] = spans[1] = proactor_span(z->memory, 1);
	spans[2] = bad;
	check_spans(z, w, spans, 3, wanted);
	z->file_read.span = bad;
	z->file_read.bytes = 77;
	check_refused(w, &z->file_read.base, wanted);
	CHECK_INT(z->file_read.bytes, 77);
	z->file_write.span = bad;
	z->file_write.bytes = 77;
	check_refused(w, &z->file_write.base, wanted);
	CHECK_INT(z->file_write.bytes, 77);
}

static void
bad_spans(void)
{
	struct proactor_span span, two[2];
	struct world w;
	struct zoo *z;

	world_open(&w, NULL);
	z = zoo_open(&w);
	/* Registered memory is not part of this release. */
	span = proactor_span(z->memory, 1);
	span.region = UNTOUCHED;
	check_bad_span(z, &w, span, PROACTOR_EINVAL);
	check_bad_span(z, &w, proactor_span(NULL, 1), PROACTOR_EFAULT);
	check_bad_span(z, &w, proactor_span(z->memory, SIZE_MAX),
	    PROACTOR_EINVAL);
	/* Each may be, their sum is too much. */
	two[0] = two[1] = proactor_span(z->memory, SIZE_MAX / 2);
	check_spans(z, &w, two, 2, PROACTOR_EINVAL);
	CHECK(poll_quiet(&w));
	CHECK(fd_is_silent(z->fd));
	zoo_close(z);
	world_close(&w);
}

static void
bad_memory(void)
{
	struct world w;
	struct zoo *z;
	size_t bytes = 0;

	world_open(&w, NULL);
	z = zoo_open(&w);
	CHECK_INT(send_bytes(&w, z->stream, (void *)(uintptr_t)1, 8, &bytes),
	    PROACTOR_EFAULT);
	CHECK_INT(bytes, 0);
	fd_write_all(z->fd, "text", 4);
	CHECK_INT(recv_bytes(&w, z->stream, (void *)(uintptr_t)1, 8, &bytes),
	    PROACTOR_EFAULT);
	CHECK_INT(bytes, 0);
	z->file_write.span = proactor_span((void *)(uintptr_t)1, 8);
	CHECK_INT(run_one(&w, &z->file_write.base), PROACTOR_EFAULT);
	CHECK_INT(z->file_write.bytes, 0);
	/* The path's memory is the caller's mistake, too. */
	z->file_open.path = (const char *)(uintptr_t)1;
	CHECK_INT(run_one(&w, &z->file_open.base), PROACTOR_EFAULT);
	CHECK(z->file_open.file == NULL);
	zoo_close(z);
	world_close(&w);
}

static void
send_flags(void)
{
	static const unsigned int flags[] = { 0x2, 0x80000000u, ~0u };
	struct world w;
	struct zoo *z;
	size_t i;

	world_open(&w, NULL);
	z = zoo_open(&w);
	for (i = 0; i < COUNT(flags); i++) {
		z->send.send_flags = flags[i];
		check_refused(&w, &z->send.base, PROACTOR_EINVAL);
		z->sendto.send_flags = flags[i];
		check_refused(&w, &z->sendto.base, PROACTOR_EINVAL);
		z->message.message_flags = flags[i];
		check_refused(&w, &z->message.base, PROACTOR_EINVAL);
		z->handle_poll.wanted = flags[i] << 1;
		check_refused(&w, &z->handle_poll.base, PROACTOR_EINVAL);
	}
	CHECK(poll_quiet(&w));
	CHECK(fd_is_silent(z->fd));
	zoo_close(z);
	world_close(&w);
}

/* Addresses that a program has put together by itself, badly. */
static void
forged_addresses(void)
{
	struct proactor_connect_op connect_op;
	struct proactor_sendto_op sendto_op;
	struct proactor_socket *tcp, *udp;
	struct proactor_address bad[6];
	struct proactor_span span;
	struct world w;
	size_t i;
	int status;

	world_open(&w, NULL);
	CHECK_INT(proactor_socket_create(w.p, PROACTOR_SOCKET_TCP, 0, &tcp),
	    0);
	CHECK_INT(proactor_socket_create(w.p, PROACTOR_SOCKET_UDP, 0, &udp),
	    0);
	for (i = 0; i < COUNT(bad); i++)
		address_to_bind(PROACTOR_SOCKET_TCP, &bad[i]);
	bad[0].length = 0;
	bad[1].length = 1;
	bad[2].length = 129;
	bad[3].length = UINT32_MAX;
	bad[4].length--;
	memset(bad[5].storage.bytes, 0xff, sizeof(bad[5].storage.bytes));
	for (i = 0; i < COUNT(bad); i++) {
		status = proactor_socket_bind(tcp, &bad[i]);
		CHECK(status == PROACTOR_EINVAL ||
		    status == PROACTOR_EAFNOSUPPORT);
		proactor_connect_op_init(&connect_op, tcp, &bad[i], record,
		    &w.r);
		status = refuse(&w, &connect_op.base);
		CHECK(status == PROACTOR_EINVAL ||
		    status == PROACTOR_EAFNOSUPPORT);
		span = proactor_span("x", 1);
		proactor_sendto_op_init(&sendto_op, udp, &span, 1, &bad[i],
		    0, record, &w.r);
		status = refuse(&w, &sendto_op.base);
		CHECK(status == PROACTOR_EINVAL ||
		    status == PROACTOR_EAFNOSUPPORT);
	}
	CHECK_INT(proactor_socket_query_failure(tcp), 0);
	proactor_socket_release(tcp);
	proactor_socket_release(udp);
	world_close(&w);
}

/* --- in flight, and good again --- */

static void
busy(void)
{
	struct proactor_op *waiting[4];
	struct world w;
	struct zoo *z;
	size_t i;

	world_open(&w, NULL);
	z = zoo_open(&w);
	waiting[0] = &z->event_wait.base;
	waiting[1] = &z->handle_poll.base;
	waiting[2] = &z->accept.base;
	waiting[3] = &z->recv.base;
	for (i = 0; i < COUNT(waiting); i++) {
		CHECK_INT(proactor_submit_one(w.p, waiting[i]), 0);
		CHECK_INT(proactor_submit_one(w.p, waiting[i]),
		    PROACTOR_EBUSY);
	}
	poll_barrier(&w);
	for (i = 0; i < COUNT(waiting); i++) {
		CHECK_INT(proactor_submit_one(w.p, waiting[i]),
		    PROACTOR_EBUSY);
		CHECK_INT(proactor_cancel(w.p, waiting[i]), 0);
		CHECK_INT(proactor_submit_one(w.p, waiting[i]),
		    PROACTOR_EBUSY);
	}
	CHECK(poll_until(&w, &w.r.finals, COUNT(waiting)));
	poll_barrier(&w);
	CHECK_INT(w.r.calls, COUNT(waiting));
	for (i = 0; i < COUNT(waiting); i++)
		CHECK_INT(status_of(&w.r, waiting[i]), PROACTOR_ECANCELED);
	zoo_close(z);
	world_close(&w);
}

/* A refused operation is the caller's: put right, it works. */
static void
put_right(void)
{
	struct world w;
	struct zoo *z;
	size_t i;

	world_open(&w, NULL);
	z = zoo_open(&w);
	for (i = 0; i < COUNT(z->ops); i++) {
		z->ops[i]->flags = ~0u;
		check_refused(&w, z->ops[i], PROACTOR_EINVAL);
		z->ops[i]->flags = 0;
	}
	CHECK_INT(run_one(&w, &z->nop.base), 0);
	CHECK_INT(run_one(&w, &z->timer.base), 0);
	CHECK_INT(proactor_event_set(z->event), 0);
	CHECK_INT(run_one(&w, &z->event_wait.base), 0);
	CHECK_INT(run_one(&w, &z->send.base), 0);
	CHECK_INT(run_one(&w, &z->handle_poll.base), 0);
	CHECK_INT(run_one(&w, &z->connect.base), 0);
	CHECK_INT(run_one(&w, &z->accept.base), 0);
	proactor_socket_release(z->accept.accepted);
	fd_write_all(z->fd, "text", 4);
	CHECK_INT(run_one(&w, &z->recv.base), 0);
	CHECK_INT(run_one(&w, &z->sendto.base), 0);
	CHECK_INT(run_one(&w, &z->file_write.base), 0);
	CHECK_INT(run_one(&w, &z->file_read.base), 0);
	CHECK_INT(run_one(&w, &z->file_open.base), 0);
	proactor_file_release(z->file_open.file);
	CHECK_INT(run_one(&w, &z->file_close.base), 0);
	CHECK_INT(run_one(&w, &z->socket_close.base), 0);
	z->file = NULL;
	z->stream = NULL;
	zoo_close(z);
	world_close(&w);
}

const struct tap_case argument_op_cases[] = {
	{ "argument: forged addresses are refused", forged_addresses },
	{ "argument: unknown types of operations are EINVAL",
	    unknown_types },
	{ "argument: unknown flags of operations are EINVAL",
	    unknown_flags },
	{ "argument: MULTISHOT is EINVAL but for accept and recv",
	    multishot_elsewhere },
	{ "argument: no callback, or a pool, is EINVAL",
	    no_callback_no_pool },
	{ "argument: an operation on nothing is EINVAL", names_nothing },
	{ "argument: an operation on what is another proactor's is EINVAL",
	    of_another_proactor },
	{ "argument: another proactor does not cancel or take it",
	    cancel_elsewhere },
	{ "argument: a hole in a batch refuses all of it",
	    holes_in_a_batch },
	{ "argument: no spans and more than eight are EINVAL",
	    too_many_spans },
	{ "argument: more spans than fit are never written past the end",
	    never_past_the_end },
	{ "argument: spans of bad regions, addresses and lengths",
	    bad_spans },
	{ "argument: memory that is not there is EFAULT", bad_memory },
	{ "argument: unknown flags of sends and messages are EINVAL",
	    send_flags },
	{ "argument: each that waits is EBUSY until its callback", busy },
	{ "argument: what was refused can be put right", put_right },
	{ NULL, NULL }
};
