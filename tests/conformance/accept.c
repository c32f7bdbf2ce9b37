/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "conformance/transfer.h"

/* Accepting, an operation for each connection. */

static void
take_one(struct world *w, unsigned int kind)
{
	struct proactor_address address, local, client;
	struct proactor_socket *listener;
	struct proactor_accept_op op;
	unsigned int state;
	char text[6];
	int fd;

	listener = listener_open(w, kind, 0, &address);
	proactor_accept_op_init(&op, listener, record, &w->r);
	CHECK_INT(proactor_submit_one(w->p, &op.base), 0);
	CHECK(poll_quiet(w));
	fd = client_open(&address, &client);
	CHECK(poll_finals(w, &op, 1));
	CHECK_INT(status_of(&w->r, &op), 0);
	CHECK_INT(w->r.seen[0].flags, 0);
	CHECK(op.accepted != NULL && op.accepted != listener);
	CHECK_INT(proactor_socket_query_state(op.accepted, &state), 0);
	CHECK_INT(state, PROACTOR_SOCKET_STATE_CONNECTED);
	CHECK_INT(proactor_socket_query_local_address(op.accepted, &local),
	    0);
	CHECK(proactor_address_equal(&local, &address));
	if (kind != PROACTOR_SOCKET_UNIX_STREAM)
		CHECK(proactor_address_equal(&op.peer, &client));
	CHECK(fcntl(socket_fd(op.accepted), F_GETFD) &
	    FD_CLOEXEC);
	fd_write_all(fd, "hello", 6);
	recv_all(w, op.accepted, text, 6);
	CHECK_STR(text, "hello");
	CHECK_INT(close_socket(w, op.accepted), 0);
	CHECK_INT(close_socket(w, listener), 0);
	close(fd);
	recorder_clear(&w->r);
}

static void
one(void)
{
	each_stream(take_one);
}

static void
take_waiting(struct world *w, unsigned int kind)
{
	struct proactor_address address;
	struct proactor_socket *listener, *s[3];
	char text[3];
	int fds[3], i;

	listener = listener_open(w, kind, 0, &address);
	for (i = 0; i < 3; i++) {
		fds[i] = client_open(&address, NULL);
		fd_write_all(fds[i], &"abc"[i], 1);
	}
	for (i = 0; i < 3; i++) {
		CHECK_INT(accept_socket(w, listener, &s[i]), 0);
		recv_all(w, s[i], &text[i], 1);
	}
	CHECK_MEM(text, "abc", 3);
	for (i = 0; i < 3; i++) {
		CHECK_INT(close_socket(w, s[i]), 0);
		close(fds[i]);
	}
	CHECK_INT(close_socket(w, listener), 0);
}

static void
waiting_ones(void)
{
	each_stream(take_waiting);
}

static void
unix_peer(void)
{
	struct proactor_address address, named;
	struct proactor_socket *listener, *client;
	struct proactor_accept_op op;
	struct world w;
	int fd;

	world_open(&w, NULL);
	listener = listener_open(&w, PROACTOR_SOCKET_UNIX_STREAM, 0,
	    &address);
	address_to_bind(PROACTOR_SOCKET_UNIX_STREAM, &named);
	CHECK_INT(proactor_socket_create(w.p, PROACTOR_SOCKET_UNIX_STREAM, 0,
	    &client), 0);
	CHECK_INT(proactor_socket_bind(client, &named), 0);
	CHECK_INT(connect_socket(&w, client, &address), 0);
	proactor_accept_op_init(&op, listener, record, &w.r);
	CHECK_INT(run_one(&w, &op.base), 0);
	CHECK(proactor_address_equal(&op.peer, &named));
	proactor_socket_release(op.accepted);
	/* And nothing of it is left for one without a name. */
	fd = client_open(&address, NULL);
	CHECK_INT(run_one(&w, &op.base), 0);
	CHECK(!proactor_address_equal(&op.peer, &named));
	proactor_socket_release(op.accepted);
	proactor_socket_release(client);
	proactor_socket_release(listener);
	close(fd);
	world_close(&w);
}

/* Several in flight: each has a connection and the address of its peer. */
static void
take_many(struct world *w, unsigned int kind)
{
	struct proactor_accept_op *ops;
	struct proactor_address address, client[20];
	struct proactor_socket *listener;
	unsigned char number, taken[20] = {0};
	int fds[20], i;

	ops = calloc(20, sizeof(*ops));
	CHECK(ops != NULL);
	listener = listener_open(w, kind, 0, &address);
	for (i = 0; i < 20; i++) {
		proactor_accept_op_init(&ops[i], listener, record, &w->r);
		CHECK_INT(proactor_submit_one(w->p, &ops[i].base), 0);
	}
	poll_barrier(w);
	for (i = 0; i < 20; i++) {
		fds[i] = client_open(&address, &client[i]);
		number = (unsigned char)i;
		fd_write_all(fds[i], &number, 1);
	}
	CHECK(poll_until(w, &w->r.finals, 20));
	for (i = 0; i < 20; i++) {
		CHECK_INT(status_of(&w->r, &ops[i]), 0);
		recv_all(w, ops[i].accepted, &number, 1);
		CHECK(number < 20);
		CHECK_INT(taken[number]++, 0);
		if (kind != PROACTOR_SOCKET_UNIX_STREAM)
			CHECK(proactor_address_equal(&ops[i].peer,
			    &client[number]));
		CHECK_INT(close_socket(w, ops[i].accepted), 0);
		close(fds[i]);
	}
	CHECK_INT(close_socket(w, listener), 0);
	free(ops);
	recorder_clear(&w->r);
}

static void
several(void)
{
	each_stream(take_many);
}

static void
results_are_assigned(void)
{
	struct proactor_address address;
	struct proactor_socket *listener;
	struct proactor_accept_op op;
	struct world w;
	int fd;

	world_open(&w, NULL);
	listener = listener_open(&w, PROACTOR_SOCKET_TCP, 0, &address);
	fd = client_open(&address, NULL);
	proactor_accept_op_init(&op, listener, record, &w.r);
	CHECK_INT(run_one(&w, &op.base), 0);
	proactor_socket_release(op.accepted);
	CHECK_INT(proactor_submit_one(w.p, &op.base), 0);
	poll_barrier(&w);
	CHECK_INT(proactor_cancel(w.p, &op.base), 0);
	CHECK(poll_finals(&w, &op, 2));
	CHECK_INT(status_of(&w.r, &op), PROACTOR_ECANCELED);
	CHECK(op.accepted == NULL);
	CHECK_INT(close_socket(&w, listener), 0);
	close(fd);
	world_close(&w);
}

static void
not_listening(void)
{
	struct proactor_address address;
	struct proactor_socket *s;
	struct proactor_accept_op op;
	struct world w;

	world_open(&w, NULL);
	CHECK_INT(proactor_socket_create(w.p, PROACTOR_SOCKET_TCP, 0, &s), 0);
	address_to_bind(PROACTOR_SOCKET_TCP, &address);
	CHECK_INT(proactor_socket_bind(s, &address), 0);
	proactor_accept_op_init(&op, s, record, &w.r);
	CHECK_INT(run_one(&w, &op.base), PROACTOR_EINVAL);
	CHECK(op.accepted == NULL);
	op.base.flags = PROACTOR_OP_MULTISHOT;
	CHECK_INT(run_one(&w, &op.base), PROACTOR_EINVAL);
	CHECK_INT(proactor_socket_listen(s, 0), 0);
	op.base.flags = 0;
	CHECK_INT(proactor_submit_one(w.p, &op.base), 0);
	CHECK_INT(close_socket(&w, s), 0);
	CHECK_INT(proactor_socket_create(w.p, PROACTOR_SOCKET_UDP, 0, &s), 0);
	proactor_accept_op_init(&op, s, record, &w.r);
	CHECK(run_one(&w, &op.base) < 0);
	CHECK(op.accepted == NULL);
	CHECK_INT(close_socket(&w, s), 0);
	world_close(&w);
}

static void
released_listener(void)
{
	struct proactor_address address;
	struct proactor_socket *listener;
	struct proactor_accept_op op;
	struct world w;
	int fd;

	world_open(&w, NULL);
	listener = listener_open(&w, PROACTOR_SOCKET_TCP, 0, &address);
	proactor_accept_op_init(&op, listener, record, &w.r);
	CHECK_INT(proactor_submit_one(w.p, &op.base), 0);
	proactor_socket_release(listener);
	poll_barrier(&w);
	fd = client_open(&address, NULL);
	CHECK(poll_finals(&w, &op, 1));
	CHECK_INT(status_of(&w.r, &op), 0);
	CHECK_INT(close_socket(&w, op.accepted), 0);
	close(fd);
	world_close(&w);
}

static void
single_cancelled(struct world *w, unsigned int kind)
{
	struct proactor_accept_op ops[3];
	struct proactor_address address;
	struct proactor_socket *listener;
	int fd, i;

	listener = listener_open(w, kind, 0, &address);
	for (i = 0; i < 3; i++) {
		proactor_accept_op_init(&ops[i], listener, record, &w->r);
		CHECK_INT(proactor_cancel(w->p, &ops[i].base),
		    PROACTOR_ENOENT);
		CHECK_INT(proactor_submit_one(w->p, &ops[i].base), 0);
		if (i == 0)
			poll_barrier(w);
	}
	CHECK_INT(proactor_cancel(w->p, &ops[0].base), 0);
	CHECK_INT(proactor_cancel(w->p, &ops[2].base), 0);
	CHECK(poll_finals(w, &ops[0], 1));
	CHECK(poll_finals(w, &ops[2], 1));
	CHECK_INT(status_of(&w->r, &ops[0]), PROACTOR_ECANCELED);
	CHECK_INT(status_of(&w->r, &ops[2]), PROACTOR_ECANCELED);
	CHECK(ops[0].accepted == NULL);
	fd = client_open(&address, NULL);
	CHECK(poll_finals(w, &ops[1], 1));
	CHECK_INT(status_of(&w->r, &ops[1]), 0);
	CHECK_INT(w->r.calls, 3);
	CHECK_INT(close_socket(w, ops[1].accepted), 0);
	CHECK_INT(close_socket(w, listener), 0);
	close(fd);
	recorder_clear(&w->r);
}

static void
cancelled_single(void)
{
	each_stream(single_cancelled);
}

static void
single_without_descriptors(void)
{
	struct proactor_address address;
	struct proactor_socket *listener;
	struct proactor_accept_op op;
	struct rlimit limit;
	struct world w;
	int fd;

	world_open(&w, NULL);
	listener = listener_open(&w, PROACTOR_SOCKET_TCP, 0, &address);
	poll_barrier(&w);
	fd = client_open(&address, NULL);
	limit_descriptors(&limit);
	proactor_accept_op_init(&op, listener, record, &w.r);
	CHECK_INT(run_one(&w, &op.base), PROACTOR_EMFILE);
	CHECK(op.accepted == NULL);
	CHECK_INT(setrlimit(RLIMIT_NOFILE, &limit), 0);
	/* The connection was not lost. */
	CHECK_INT(run_one(&w, &op.base), 0);
	CHECK_INT(close_socket(&w, op.accepted), 0);
	CHECK_INT(close_socket(&w, listener), 0);
	close(fd);
	world_close(&w);
}

const struct tap_case accept_cases[] = {
	{ "accept: a connection is a socket, connected, with its peer", one },
	{ "accept: connections that wait are taken in order", waiting_ones },
	{ "accept: a Unix peer has its path, or none", unix_peer },
	{ "accept: several in flight take one connection each", several },
	{ "accept: results are assigned when it is used again",
	    results_are_assigned },
	{ "accept: what does not listen is refused", not_listening },
	{ "accept: an accept in flight keeps a released listener",
	    released_listener },
	{ "accept: cancel ends the one that waits and the one behind",
	    cancelled_single },
	{ "accept: without descriptors it is EMFILE, and nobody is lost",
	    single_without_descriptors },
	{ NULL, NULL }
};
