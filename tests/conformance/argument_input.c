/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <string.h>

#include "conformance/argument.h"

/* Bad inputs of operations: spans, memory, flags of their own, addresses. */

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

const struct tap_case argument_input_cases[] = {
	{ "argument: no spans and more than eight are EINVAL",
	    too_many_spans },
	{ "argument: more spans than fit are never written past the end",
	    never_past_the_end },
	{ "argument: spans of bad regions, addresses and lengths",
	    bad_spans },
	{ "argument: memory that is not there is EFAULT", bad_memory },
	{ "argument: unknown flags of sends and messages are EINVAL",
	    send_flags },
	{ "argument: forged addresses are refused", forged_addresses },
	{ NULL, NULL }
};
