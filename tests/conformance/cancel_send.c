/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <stdlib.h>
#include <unistd.h>

#include "conformance/transfer.h"

/* Cancel of what sends. */

/*
 * A send far longer than what the peer takes, and one behind it.  The one
 * that which says is cancelled.
 */
static void
cancel_send(struct world *w, unsigned int kind, size_t which)
{
	struct proactor_send_op sends[2];
	struct proactor_span span;
	struct proactor_socket *s;
	char *memory, *read;
	int fd;

	s = half_pair(w, kind, 0, &fd);
	memory = malloc(BLOCKING_SIZE);
	read = malloc(BLOCKING_SIZE);
	CHECK(memory != NULL && read != NULL);
	fill(memory, BLOCKING_SIZE, kind);
	span = proactor_span(memory, BLOCKING_SIZE);
	proactor_send_op_init(&sends[0], s, &span, 1, 0, record, &w->r);
	CHECK_INT(proactor_submit_one(w->p, &sends[0].base), 0);
	span = proactor_span("behind", 6);
	proactor_send_op_init(&sends[1], s, &span, 1, 0, record, &w->r);
	CHECK_INT(proactor_submit_one(w->p, &sends[1].base), 0);
	poll_barrier(w);
	CHECK(poll_quiet(w));
	CHECK(!fd_is_silent(fd));
	CHECK_INT(proactor_cancel(w->p, &sends[which].base), 0);
	CHECK(poll_finals(w, &sends[which], 1));
	CHECK_INT(status_of(&w->r, &sends[which]), PROACTOR_ECANCELED);
	if (which == 1) {
		CHECK_INT(sends[1].bytes, 0);
		CHECK_INT(finals_of(&w->r, &sends[0]), 0);
		CHECK_INT(proactor_cancel(w->p, &sends[0].base), 0);
	}
	CHECK(poll_finals(w, &sends[0], 1));
	CHECK_INT(status_of(&w->r, &sends[0]), PROACTOR_ECANCELED);
	CHECK(sends[0].bytes > 0 && sends[0].bytes < BLOCKING_SIZE);
	fd_read_all(fd, read, sends[0].bytes);
	CHECK(is_filled(read, sends[0].bytes, kind));
	if (which == 0) {
		CHECK(poll_finals(w, &sends[1], 1));
		CHECK_INT(status_of(&w->r, &sends[1]), 0);
		fd_read_all(fd, read, 6);
		CHECK_MEM(read, "behind", 6);
	}
	send_all(w, s, "next", 4);
	fd_read_all(fd, read, 4);
	CHECK_MEM(read, "next", 4);
	CHECK(fd_is_silent(fd));
	CHECK_INT(w->r.calls, 2);
	CHECK_INT(close_socket(w, s), 0);
	close(fd);
	free(memory);
	free(read);
	recorder_clear(&w->r);
}

static void
cancel_first_send(struct world *w, unsigned int kind)
{
	cancel_send(w, kind, 0);
}

static void
cancel_second_send(struct world *w, unsigned int kind)
{
	cancel_send(w, kind, 1);
}

static void
send_waiting(void)
{
	each_stream(cancel_first_send);
}

static void
send_queued(void)
{
	each_stream(cancel_second_send);
}

static void
send_before_poll(void)
{
	struct proactor_send_op send;
	struct proactor_span span;
	struct proactor_socket *s;
	struct world w;
	int fd, status;

	world_open(&w, NULL);
	s = half_pair(&w, PROACTOR_SOCKET_TCP, 0, &fd);
	span = proactor_span("hello", 5);
	proactor_send_op_init(&send, s, &span, 1, 0, record, &w.r);
	CHECK_INT(proactor_submit_one(w.p, &send.base), 0);
	CHECK_INT(proactor_cancel(w.p, &send.base), 0);
	CHECK(poll_finals(&w, &send, 1));
	status = status_of(&w.r, &send);
	CHECK(status == 0 || status == PROACTOR_ECANCELED);
	CHECK_INT(send.bytes, status == 0 ? 5 : 0);
	CHECK_INT(close_socket(&w, s), 0);
	CHECK_INT(fd_drain(fd), send.bytes);
	close(fd);
	world_close(&w);
}

const struct tap_case cancel_send_cases[] = {
	{ "cancel: a send that waits completes short, with its count",
	    send_waiting },
	{ "cancel: a send queued behind another transmits nothing",
	    send_queued },
	{ "cancel: a send before the first poll is all or nothing",
	    send_before_poll },
	{ NULL, NULL }
};
