/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conformance/transfer.h"

/* Closed sockets, and closing them from everywhere. */

/* --- after it --- */

static void
twice(void)
{
	struct proactor_socket_close_op first, second;
	struct proactor_recv_op recv;
	struct proactor_span span;
	struct proactor_socket *s;
	struct world w;
	char byte;
	int fd;

	world_open(&w, NULL);
	s = half_pair(&w, PROACTOR_SOCKET_TCP, 0, &fd);
	CHECK(proactor_socket_retain(s) == s);
	span = proactor_span(&byte, 1);
	proactor_recv_op_init(&recv, s, &span, 1, record, &w.r);
	CHECK_INT(proactor_submit_one(w.p, &recv.base), 0);
	poll_barrier(&w);
	proactor_socket_close_op_init(&first, s, record, &w.r);
	proactor_socket_close_op_init(&second, s, record, &w.r);
	CHECK_INT(proactor_submit_one(w.p, &first.base), 0);
	/* While it is closing, and when it is closed. */
	CHECK_INT(proactor_submit_one(w.p, &second.base), PROACTOR_EBADF);
	CHECK(poll_finals(&w, &first, 1));
	CHECK_INT(proactor_submit_one(w.p, &second.base), PROACTOR_EBADF);
	CHECK_INT(proactor_submit_one(w.p, &first.base), PROACTOR_EBADF);
	poll_barrier(&w);
	CHECK_INT(w.r.calls, 2);
	/* A refused close has not consumed the other reference. */
	proactor_socket_release(s);
	close(fd);
	world_close(&w);
}

/* Every operation and every function on the socket. */
static void
refused_everywhere(struct world *w, struct proactor_socket *s)
{
	struct proactor_address address, untouched;
	struct proactor_span span;
	struct proactor_accept_op accept_op;
	struct proactor_connect_op connect_op;
	struct proactor_recv_op recv_op;
	struct proactor_send_op send_op;
	struct proactor_recvfrom_op recvfrom_op;
	struct proactor_sendto_op sendto_op;
	size_t space = 77;
	char byte;

	address_to_bind(PROACTOR_SOCKET_TCP, &address);
	span = proactor_span(&byte, 1);
	proactor_accept_op_init(&accept_op, s, record, &w->r);
	CHECK_INT(proactor_submit_one(w->p, &accept_op.base),
	    PROACTOR_EBADF);
	proactor_connect_op_init(&connect_op, s, &address, record, &w->r);
	CHECK_INT(proactor_submit_one(w->p, &connect_op.base),
	    PROACTOR_EBADF);
	proactor_recv_op_init(&recv_op, s, &span, 1, record, &w->r);
	CHECK_INT(proactor_submit_one(w->p, &recv_op.base), PROACTOR_EBADF);
	proactor_send_op_init(&send_op, s, &span, 1, 0, record, &w->r);
	CHECK_INT(proactor_submit_one(w->p, &send_op.base), PROACTOR_EBADF);
	proactor_recvfrom_op_init(&recvfrom_op, s, &span, 1, record, &w->r);
	CHECK_INT(proactor_submit_one(w->p, &recvfrom_op.base),
	    PROACTOR_EBADF);
	proactor_sendto_op_init(&sendto_op, s, &span, 1, &address, 0, record,
	    &w->r);
	CHECK_INT(proactor_submit_one(w->p, &sendto_op.base),
	    PROACTOR_EBADF);
	CHECK_INT(proactor_socket_bind(s, &address), PROACTOR_EBADF);
	CHECK_INT(proactor_socket_listen(s, 0), PROACTOR_EBADF);
	CHECK_INT(proactor_socket_shutdown(s, PROACTOR_SHUTDOWN_BOTH),
	    PROACTOR_EBADF);
	memset(&untouched, 0x55, sizeof(untouched));
	address = untouched;
	CHECK_INT(proactor_socket_query_local_address(s, &address),
	    PROACTOR_EBADF);
	CHECK_MEM(&address, &untouched, sizeof(address));
	CHECK_INT(proactor_socket_query_send_space(s, &space),
	    PROACTOR_EBADF);
	CHECK_INT(space, 77);
}

static void
refused_after(void)
{
	struct proactor_socket_close_op op;
	struct proactor_recv_op recv;
	struct proactor_span span;
	struct proactor_socket *s;
	unsigned int state;
	struct world w;
	char byte;
	int fd;

	world_open(&w, NULL);
	s = half_pair(&w, PROACTOR_SOCKET_TCP, 0, &fd);
	CHECK(proactor_socket_retain(s) == s);
	span = proactor_span(&byte, 1);
	proactor_recv_op_init(&recv, s, &span, 1, record, &w.r);
	CHECK_INT(proactor_submit_one(w.p, &recv.base), 0);
	poll_barrier(&w);
	proactor_socket_close_op_init(&op, s, record, &w.r);
	CHECK_INT(proactor_submit_one(w.p, &op.base), 0);
	CHECK_INT(proactor_socket_query_state(s, &state), 0);
	CHECK_INT(state, PROACTOR_SOCKET_STATE_CLOSING);
	refused_everywhere(&w, s);
	CHECK(poll_finals(&w, &op, 1));
	CHECK_INT(proactor_socket_query_state(s, &state), 0);
	CHECK_INT(state, PROACTOR_SOCKET_STATE_CLOSED);
	refused_everywhere(&w, s);
	CHECK_INT(proactor_socket_handle(s).type, PROACTOR_HANDLE_NONE);
	CHECK_INT(w.r.calls, 2);
	proactor_socket_release(s);
	close(fd);
	world_close(&w);
}

static void
listener_is_gone(struct world *w, unsigned int kind)
{
	struct proactor_address address;
	struct proactor_socket *listener, *s;

	listener = listener_open(w, kind, 0, &address);
	CHECK_INT(close_socket(w, listener), 0);
	CHECK_INT(proactor_socket_create(w->p, kind, 0, &s), 0);
	CHECK_INT(connect_socket(w, s, &address), PROACTOR_ECONNREFUSED);
	CHECK_INT(close_socket(w, s), 0);
}

static void
listener_closed(void)
{
	each_stream(listener_is_gone);
}

/* --- callbacks, cancel, threads --- */

struct closer {
	struct world *w;
	struct proactor_socket *s;
	struct proactor_socket_close_op op;
};

static void
close_in_callback(void *user_data, struct proactor_op *op, int status,
    unsigned int flags)
{
	struct closer *closer = user_data;

	record(&closer->w->r, op, status, flags);
	proactor_socket_close_op_init(&closer->op, closer->s, record,
	    &closer->w->r);
	CHECK_INT(proactor_submit_one(closer->w->p, &closer->op.base), 0);
}

static void
from_callback(void)
{
	struct proactor_recv_op recvs[2];
	struct proactor_span span;
	struct closer closer;
	struct world w;
	char byte;
	int fd;

	world_open(&w, NULL);
	closer.w = &w;
	closer.s = half_pair(&w, PROACTOR_SOCKET_TCP, 0, &fd);
	span = proactor_span(&byte, 1);
	proactor_recv_op_init(&recvs[0], closer.s, &span, 1,
	    close_in_callback, &closer);
	proactor_recv_op_init(&recvs[1], closer.s, &span, 1, record, &w.r);
	CHECK_INT(proactor_submit_one(w.p, &recvs[0].base), 0);
	CHECK_INT(proactor_submit_one(w.p, &recvs[1].base), 0);
	poll_barrier(&w);
	fd_write_all(fd, "x", 1);
	CHECK(poll_until(&w, &w.r.finals, 3));
	CHECK_INT(place_of(&w.r, &recvs[0]), 0);
	CHECK_INT(place_of(&w.r, &recvs[1]), 1);
	CHECK_INT(status_of(&w.r, &recvs[1]), PROACTOR_ECANCELED);
	CHECK_INT(status_of(&w.r, &closer.op), 0);
	CHECK_INT(fd_drain(fd), 0);
	close(fd);
	world_close(&w);
}

/* A connection as programs have it: all in one, freed when it is closed. */
struct connection {
	struct recorder *r;
	struct proactor_recv_op recv;
	struct proactor_send_op sends[2];
	struct proactor_socket_close_op close;
	char memory[1];
};

static void
free_connection(void *user_data, struct proactor_op *op, int status,
    unsigned int flags)
{
	struct connection *c = user_data;

	record(c->r, op, status, flags);
	free(c);
}

static void
freed_at_the_end(struct world *w, unsigned int kind)
{
	struct proactor_span span;
	struct proactor_socket *s;
	struct connection *c;
	void *memory;
	int fd, i;

	c = malloc(sizeof(*c));
	memory = calloc(1, BLOCKING_SIZE);
	CHECK(c != NULL && memory != NULL);
	s = half_pair(w, kind, 0, &fd);
	c->r = &w->r;
	span = proactor_span(c->memory, sizeof(c->memory));
	proactor_recv_op_init(&c->recv, s, &span, 1, record, &w->r);
	c->recv.base.flags = PROACTOR_OP_MULTISHOT;
	CHECK_INT(proactor_submit_one(w->p, &c->recv.base), 0);
	span = proactor_span(memory, BLOCKING_SIZE);
	for (i = 0; i < 2; i++) {
		proactor_send_op_init(&c->sends[i], s, &span, 1, 0, record,
		    &w->r);
		CHECK_INT(proactor_submit_one(w->p, &c->sends[i].base), 0);
	}
	poll_barrier(w);
	proactor_socket_close_op_init(&c->close, s, free_connection, c);
	CHECK_INT(proactor_submit_one(w->p, &c->close.base), 0);
	CHECK(poll_until(w, &w->r.finals, 4));
	CHECK_INT(w->r.seen[3].status, 0);
	poll_barrier(w);
	CHECK_INT(w->r.calls, 4);
	close(fd);
	free(memory);
	recorder_clear(&w->r);
}

static void
callback_frees(void)
{
	each_stream(freed_at_the_end);
}

/*
 * A close cannot be undone: its reference is gone, so whatever cancel says,
 * there is one callback and the descriptor is closed.
 */
static void
cancel_close(bool poll_first)
{
	struct proactor_socket_close_op op;
	struct proactor_recv_op recv;
	struct proactor_span span;
	struct proactor_socket *s;
	struct world w;
	char byte;
	int fd, status;

	world_open(&w, NULL);
	s = half_pair(&w, PROACTOR_SOCKET_TCP, 0, &fd);
	span = proactor_span(&byte, 1);
	proactor_recv_op_init(&recv, s, &span, 1, record, &w.r);
	CHECK_INT(proactor_submit_one(w.p, &recv.base), 0);
	if (poll_first)
		poll_barrier(&w);
	proactor_socket_close_op_init(&op, s, record, &w.r);
	CHECK_INT(proactor_cancel(w.p, &op.base), PROACTOR_ENOENT);
	CHECK_INT(proactor_submit_one(w.p, &op.base), 0);
	CHECK_INT(proactor_cancel(w.p, &op.base), 0);
	CHECK(poll_finals(&w, &op, 1));
	status = status_of(&w.r, &op);
	CHECK(status == 0 || status == PROACTOR_ECANCELED);
	CHECK_INT(proactor_cancel(w.p, &op.base), PROACTOR_ENOENT);
	poll_barrier(&w);
	CHECK_INT(w.r.calls, 2);
	CHECK_INT(status_of(&w.r, &recv), PROACTOR_ECANCELED);
	CHECK_INT(fd_drain(fd), 0);
	close(fd);
	world_close(&w);
}

static void
cancel_is_harmless(void)
{
	cancel_close(true);
	cancel_close(false);
}

struct stranger {
	struct world *w;
	struct proactor_socket *s;
	struct proactor_socket_close_op op;
};

static void *
close_elsewhere(void *arg)
{
	struct stranger *x = arg;

	proactor_socket_close_op_init(&x->op, x->s, record, &x->w->r);
	CHECK_INT(proactor_submit_one(x->w->p, &x->op.base), 0);
	return NULL;
}

static void
foreign_thread(void)
{
	struct proactor_recv_op recv;
	struct proactor_span span;
	struct stranger x;
	pthread_t thread;
	struct world w;
	char byte;
	int fd;

	world_open(&w, NULL);
	x.w = &w;
	x.s = half_pair(&w, PROACTOR_SOCKET_TCP, 0, &fd);
	span = proactor_span(&byte, 1);
	proactor_recv_op_init(&recv, x.s, &span, 1, record, &w.r);
	CHECK_INT(proactor_submit_one(w.p, &recv.base), 0);
	poll_barrier(&w);
	thread_start(&thread, close_elsewhere, &x);
	CHECK(poll_until(&w, &w.r.finals, 2));
	thread_join(thread);
	CHECK_INT(status_of(&w.r, &recv), PROACTOR_ECANCELED);
	CHECK_INT(w.r.seen[1].status, 0);
	CHECK_INT(fd_drain(fd), 0);
	close(fd);
	world_close(&w);
}

/* Another thread submits until it is told that the socket is closed. */
#define STORM	200

struct storm {
	struct world *w;
	struct proactor_socket *s;
	struct proactor_recv_op recvs[STORM];
	size_t accepted;
	char byte;
};

static void *
storm_run(void *arg)
{
	struct storm *storm = arg;
	struct proactor_span span = proactor_span(&storm->byte, 1);
	struct proactor_recv_op *recv;
	int status = 0;

	while (storm->accepted < STORM && status == 0) {
		recv = &storm->recvs[storm->accepted];
		proactor_recv_op_init(recv, storm->s, &span, 1, record,
		    &storm->w->r);
		status = proactor_submit_one(storm->w->p, &recv->base);
		if (status == 0)
			storm->accepted++;
		else
			CHECK_INT(status, PROACTOR_EBADF);
	}
	return NULL;
}

static void
against_submits(void)
{
	struct storm *storm;
	pthread_t thread;
	struct world w;
	size_t i, round;
	int fd;

	world_open(&w, NULL);
	storm = malloc(sizeof(*storm));
	CHECK(storm != NULL);
	for (round = 0; round < 50; round++) {
		recorder_clear(&w.r);
		storm->w = &w;
		storm->accepted = 0;
		storm->s = half_pair(&w, PROACTOR_SOCKET_UNIX_STREAM, 0, &fd);
		CHECK(proactor_socket_retain(storm->s) == storm->s);
		thread_start(&thread, storm_run, storm);
		for (i = 0; i < round % 5; i++)
			poll_barrier(&w);
		CHECK_INT(close_socket(&w, storm->s), 0);
		thread_join(thread);
		/* What was accepted is called back, once. */
		poll_barrier(&w);
		CHECK_INT(w.r.calls, storm->accepted);
		for (i = 0; i < storm->accepted; i++)
			CHECK(w.r.seen[i].status == PROACTOR_ECANCELED ||
			    w.r.seen[i].status == PROACTOR_EBADF);
		proactor_socket_release(storm->s);
		close(fd);
	}
	free(storm);
	world_close(&w);
}

const struct tap_case closed_cases[] = {
	{ "close: twice is EBADF", twice },
	{ "close: afterwards every operation and function is EBADF",
	    refused_after },
	{ "close: a closed listener refuses connections", listener_closed },
	{ "close: from a callback of the socket's", from_callback },
	{ "close: the callback may free all that was on the socket",
	    callback_frees },
	{ "close: cancel does not keep the descriptor", cancel_is_harmless },
	{ "close: from another thread", foreign_thread },
	{ "close: against submissions of another thread", against_submits },
	{ NULL, NULL }
};
