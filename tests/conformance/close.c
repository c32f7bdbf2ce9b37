/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "conformance/transfer.h"

/* Closing sockets: what ends first, what the peer sees. */

static void
consume_reference(struct world *w, unsigned int kind)
{
	struct proactor_socket *s;
	size_t before;
	int fd, own;

	/* The first poll may open what the backend keeps. */
	poll_barrier(w);
	before = open_fds();
	s = half_pair(w, kind, 0, &fd);
	own = proactor_socket_handle(s).u.fd;
	CHECK_INT(close_socket(w, s), 0);
	CHECK_INT(fcntl(own, F_GETFD), -1);
	CHECK_INT(errno, EBADF);
	CHECK_INT(fd_drain(fd), 0);
	close(fd);
	CHECK_INT(open_fds(), before);
}

static void
consumes(void)
{
	each_stream(consume_reference);
}

static void
closed_unused(void)
{
	struct proactor_socket *s;
	struct world w;
	unsigned int kind;

	world_open(&w, NULL);
	for (kind = KIND_FIRST; kind <= KIND_LAST; kind++) {
		if (!kind_works(kind))
			continue;
		CHECK_INT(proactor_socket_create(w.p, kind, 0, &s), 0);
		CHECK_INT(close_socket(&w, s), 0);
	}
	world_close(&w);
}

static void
keep_what_was_sent(struct world *w, unsigned int kind)
{
	struct proactor_socket *s;
	char *memory = calloc(1, 50000);
	int fd;

	CHECK(memory != NULL);
	s = half_pair(w, kind, 0, &fd);
	send_all(w, s, memory, 50000);
	CHECK_INT(close_socket(w, s), 0);
	CHECK_INT(fd_drain(fd), 50000);
	close(fd);
	free(memory);
}

static void
sent_arrives(void)
{
	each_stream(keep_what_was_sent);
}

static void
linger_zero_resets(void)
{
	struct proactor_address address;
	struct proactor_socket *listener, *s;
	struct world w;
	char byte;
	int fd;

	world_open(&w, NULL);
	listener = listener_open(&w, PROACTOR_SOCKET_TCP, 0, &address);
	CHECK_INT(proactor_socket_create(w.p, PROACTOR_SOCKET_TCP,
	    PROACTOR_SOCKET_LINGER_ZERO, &s), 0);
	CHECK_INT(connect_socket(&w, s, &address), 0);
	fd = accept(proactor_socket_handle(listener).u.fd, NULL, NULL);
	CHECK(fd != -1);
	CHECK_INT(close_socket(&w, s), 0);
	CHECK_INT(read(fd, &byte, 1), -1);
	CHECK_INT(errno, ECONNRESET);
	close(fd);
	proactor_socket_release(listener);
	world_close(&w);
}

#define EACH	5

/*
 * Receives and sends, in front and queued; poll_first: they have begun when
 * the close comes.
 */
static void
close_busy(struct world *w, unsigned int kind, bool poll_first)
{
	struct proactor_socket_close_op close_op;
	struct proactor_recv_op recvs[EACH];
	struct proactor_send_op sends[EACH];
	struct proactor_span span;
	struct proactor_socket *s;
	char *memory, byte;
	size_t i;
	int fd, status;

	s = half_pair(w, kind, 0, &fd);
	memory = calloc(1, BLOCKING_SIZE);
	CHECK(memory != NULL);
	for (i = 0; i < EACH; i++) {
		span = proactor_span(&byte, 1);
		proactor_recv_op_init(&recvs[i], s, &span, 1, record, &w->r);
		CHECK_INT(proactor_submit_one(w->p, &recvs[i].base), 0);
		span = proactor_span(memory, BLOCKING_SIZE);
		proactor_send_op_init(&sends[i], s, &span, 1, 0, record,
		    &w->r);
		CHECK_INT(proactor_submit_one(w->p, &sends[i].base), 0);
	}
	if (poll_first)
		poll_barrier(w);
	proactor_socket_close_op_init(&close_op, s, record, &w->r);
	CHECK_INT(proactor_submit_one(w->p, &close_op.base), 0);
	CHECK(poll_finals(w, &close_op, 1));
	CHECK_INT(status_of(&w->r, &close_op), 0);
	CHECK_INT(w->r.calls, 2 * EACH + 1);
	CHECK_INT(place_of(&w->r, &close_op), 2 * EACH);
	for (i = 0; i < EACH; i++) {
		CHECK_INT(finals_of(&w->r, &recvs[i]), 1);
		CHECK_INT(status_of(&w->r, &recvs[i]), PROACTOR_ECANCELED);
		CHECK_INT(finals_of(&w->r, &sends[i]), 1);
		status = status_of(&w->r, &sends[i]);
		CHECK_INT(status, PROACTOR_ECANCELED);
		CHECK(sends[i].bytes < BLOCKING_SIZE);
		if (i > 0) {
			CHECK_INT(sends[i].bytes, 0);
			CHECK(place_of(&w->r, &recvs[i]) >
			    place_of(&w->r, &recvs[i - 1]));
			CHECK(place_of(&w->r, &sends[i]) >
			    place_of(&w->r, &sends[i - 1]));
		}
	}
	poll_barrier(w);
	CHECK_INT(w->r.calls, 2 * EACH + 1);
	close(fd);
	free(memory);
	recorder_clear(&w->r);
}

static void
close_waiting(struct world *w, unsigned int kind)
{
	close_busy(w, kind, true);
}

static void
close_mailed(struct world *w, unsigned int kind)
{
	close_busy(w, kind, false);
}

static void
pending_first(void)
{
	each_stream(close_waiting);
}

static void
pending_not_begun(void)
{
	each_stream(close_mailed);
}

static void
count_is_true(struct world *w, unsigned int kind)
{
	struct proactor_send_op send;
	struct proactor_span span;
	struct proactor_socket *s;
	void *memory;
	int fd;

	s = half_pair(w, kind, 0, &fd);
	memory = calloc(1, BLOCKING_SIZE);
	CHECK(memory != NULL);
	span = proactor_span(memory, BLOCKING_SIZE);
	proactor_send_op_init(&send, s, &span, 1, 0, record, &w->r);
	CHECK_INT(proactor_submit_one(w->p, &send.base), 0);
	poll_barrier(w);
	CHECK(poll_quiet(w));
	CHECK_INT(close_socket(w, s), 0);
	CHECK_INT(status_of(&w->r, &send), PROACTOR_ECANCELED);
	CHECK(send.bytes > 0);
	CHECK_INT(fd_drain(fd), send.bytes);
	close(fd);
	free(memory);
	recorder_clear(&w->r);
}

static void
short_send_counts(void)
{
	each_stream(count_is_true);
}

static void
close_connecting(struct world *w, unsigned int kind)
{
	struct proactor_socket_close_op close_op;
	struct proactor_connect_op connect_op;
	struct full_listener full;
	struct proactor_socket *s;

	full_listener_open(&full, kind);
	CHECK_INT(proactor_socket_create(w->p, kind, 0, &s), 0);
	proactor_connect_op_init(&connect_op, s, &full.address, record,
	    &w->r);
	CHECK_INT(proactor_submit_one(w->p, &connect_op.base), 0);
	poll_barrier(w);
	proactor_socket_close_op_init(&close_op, s, record, &w->r);
	CHECK_INT(proactor_submit_one(w->p, &close_op.base), 0);
	CHECK(poll_finals(w, &close_op, 1));
	CHECK_INT(w->r.calls, 2);
	CHECK_INT(place_of(&w->r, &connect_op), 0);
	CHECK_INT(status_of(&w->r, &connect_op), PROACTOR_ECANCELED);
	CHECK_INT(status_of(&w->r, &close_op), 0);
	full_listener_close(&full);
	recorder_clear(&w->r);
}

static void
connect_ends_first(void)
{
	each_stream(close_connecting);
}

static void
same_batch(void)
{
	struct proactor_socket_close_op close_op;
	struct proactor_send_op send;
	struct proactor_recv_op recv;
	struct proactor_op *batch[3];
	struct proactor_span span;
	struct proactor_socket *s;
	struct world w;
	char memory[8];
	int fd;

	world_open(&w, NULL);
	s = half_pair(&w, PROACTOR_SOCKET_TCP, 0, &fd);
	span = proactor_span("bye", 3);
	proactor_send_op_init(&send, s, &span, 1, 0, record, &w.r);
	span = proactor_span(memory, sizeof(memory));
	proactor_recv_op_init(&recv, s, &span, 1, record, &w.r);
	proactor_socket_close_op_init(&close_op, s, record, &w.r);
	batch[0] = &send.base;
	batch[1] = &recv.base;
	batch[2] = &close_op.base;
	CHECK_INT(proactor_submit(w.p, batch, 3), 0);
	CHECK(poll_finals(&w, &close_op, 1));
	CHECK_INT(w.r.calls, 3);
	CHECK_INT(place_of(&w.r, &close_op), 2);
	CHECK_INT(status_of(&w.r, &close_op), 0);
	CHECK_INT(fd_drain(fd), send.bytes);
	close(fd);
	world_close(&w);
}

static void
descriptor_used_again(void)
{
	struct proactor_recv_op recv;
	struct proactor_socket *s;
	struct proactor_span span;
	struct pair pair;
	struct world w;
	char byte;
	int fd, i;

	world_open(&w, NULL);
	span = proactor_span(&byte, 1);
	for (i = 0; i < 20; i++) {
		s = half_pair(&w, PROACTOR_SOCKET_TCP, 0, &fd);
		proactor_recv_op_init(&recv, s, &span, 1, record, &w.r);
		CHECK_INT(proactor_submit_one(w.p, &recv.base), 0);
		if (i % 2 == 0)
			poll_barrier(&w);
		CHECK_INT(close_socket(&w, s), 0);
		CHECK_INT(status_of(&w.r, &recv), PROACTOR_ECANCELED);
		pair_open(&w, PROACTOR_SOCKET_TCP, 0, &pair);
		check_connected(&w, pair.a, pair.b);
		pair_close(&w, &pair);
		close(fd);
	}
	CHECK_INT(w.r.calls, 20);
	world_close(&w);
}

const struct tap_case close_cases[] = {
	{ "close: consumes the reference and the descriptor", consumes },
	{ "close: a socket that was never used", closed_unused },
	{ "close: what was sent before arrives, then the end",
	    sent_arrives },
	{ "close: linger zero resets the connection", linger_zero_resets },
	{ "close: pending operations end first, each direction in order",
	    pending_first },
	{ "close: operations that have not begun end first too",
	    pending_not_begun },
	{ "close: a send that is cut short has its count",
	    short_send_counts },
	{ "close: a connect under way ends first", connect_ends_first },
	{ "close: in one batch with what it ends", same_batch },
	{ "close: old operations never touch a descriptor used again",
	    descriptor_used_again },
	{ NULL, NULL }
};
