/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <sys/socket.h>

#include <netinet/in.h>
#include <netinet/tcp.h>

#include "conformance/transfer.h"

/* Connecting: success, each way of failing, and trying again. */

static struct proactor_socket *
create(struct world *w, unsigned int kind)
{
	struct proactor_socket *s;

	CHECK_INT(proactor_socket_create(w->p, kind, 0, &s), 0);
	return s;
}

/* An address where nobody listens, kept from others by the socket. */
static struct proactor_socket *
silent_address(struct world *w, unsigned int kind,
    struct proactor_address *ret)
{
	struct proactor_socket *s = create(w, kind);

	address_to_bind(kind, ret);
	CHECK_INT(proactor_socket_bind(s, ret), 0);
	CHECK_INT(proactor_socket_query_local_address(s, ret), 0);
	return s;
}

static void
connect_and_talk(struct world *w, unsigned int kind)
{
	struct proactor_address address, local;
	struct proactor_socket *listener, *a, *b;
	struct proactor_accept_op accept;

	listener = listener_open(w, kind, 0, &address);
	a = create(w, kind);
	CHECK_INT(connect_socket(w, a, &address), 0);
	CHECK_INT(socket_state(a), PROACTOR_SOCKET_STATE_CONNECTED);
	CHECK_INT(proactor_socket_query_failure(a), 0);
	proactor_accept_op_init(&accept, listener, record, &w->r);
	CHECK_INT(run_one(w, &accept.base), 0);
	b = accept.accepted;
	if (kind != PROACTOR_SOCKET_UNIX_STREAM) {
		CHECK_INT(proactor_socket_query_local_address(a, &local), 0);
		CHECK(proactor_address_port(&local) != 0);
		CHECK(proactor_address_equal(&local, &accept.peer));
	}
	check_connected(w, a, b);
	CHECK_INT(close_socket(w, a), 0);
	CHECK_INT(close_socket(w, b), 0);
	CHECK_INT(close_socket(w, listener), 0);
}

static void
connects(void)
{
	each_stream(connect_and_talk);
}

static void
connects_from_bound(void)
{
	struct proactor_address address, local, now;
	struct proactor_socket *listener, *s;
	struct proactor_accept_op accept;
	struct world w;

	world_open(&w, NULL);
	listener = listener_open(&w, PROACTOR_SOCKET_TCP, 0, &address);
	s = silent_address(&w, PROACTOR_SOCKET_TCP, &local);
	CHECK_INT(connect_socket(&w, s, &address), 0);
	CHECK_INT(proactor_socket_query_local_address(s, &now), 0);
	CHECK(proactor_address_equal(&now, &local));
	proactor_accept_op_init(&accept, listener, record, &w.r);
	CHECK_INT(run_one(&w, &accept.base), 0);
	CHECK(proactor_address_equal(&accept.peer, &local));
	CHECK_INT(close_socket(&w, s), 0);
	CHECK_INT(close_socket(&w, accept.accepted), 0);
	CHECK_INT(close_socket(&w, listener), 0);
	world_close(&w);
}

static void
be_refused(struct world *w, unsigned int kind)
{
	struct proactor_socket *silent, *s;
	struct proactor_address address;

	silent = silent_address(w, kind, &address);
	s = create(w, kind);
	CHECK_INT(connect_socket(w, s, &address), PROACTOR_ECONNREFUSED);
	CHECK_INT(proactor_socket_query_failure(s), PROACTOR_ECONNREFUSED);
	CHECK_INT(socket_state(s), PROACTOR_SOCKET_STATE_CREATED);
	CHECK_INT(close_socket(w, s), 0);
	CHECK_INT(close_socket(w, silent), 0);
}

static void
refused(void)
{
	each_stream(be_refused);
}

static void
no_path(void)
{
	struct proactor_address address;
	struct proactor_socket *s;
	struct world w;

	world_open(&w, NULL);
	address_to_bind(PROACTOR_SOCKET_UNIX_STREAM, &address);
	s = create(&w, PROACTOR_SOCKET_UNIX_STREAM);
	CHECK_INT(connect_socket(&w, s, &address), PROACTOR_ENOENT);
	CHECK_INT(close_socket(&w, s), 0);
	world_close(&w);
}

/* A multicast group is no place for a stream; nothing leaves the machine. */
static void
unreachable(void)
{
	struct proactor_address address;
	struct proactor_socket *s;
	struct world w;

	world_open(&w, NULL);
	CHECK_INT(proactor_address_from_ipv4("224.0.0.1", 9, &address), 0);
	s = create(&w, PROACTOR_SOCKET_TCP);
	CHECK_INT(connect_socket(&w, s, &address), PROACTOR_ENETUNREACH);
	CHECK_INT(proactor_socket_query_failure(s), PROACTOR_ENETUNREACH);
	CHECK_INT(close_socket(&w, s), 0);
	world_close(&w);
}

/* The listener's queue is full and it does not answer. */
static void
timed_out(void)
{
#ifdef TCP_USER_TIMEOUT
	struct full_listener full;
	struct proactor_socket *s;
	int timeout = 20;
	struct world w;

	world_open(&w, NULL);
	full_listener_open(&full, PROACTOR_SOCKET_TCP);
	s = create(&w, PROACTOR_SOCKET_TCP);
	CHECK_INT(setsockopt(socket_fd(s), IPPROTO_TCP,
	    TCP_USER_TIMEOUT, &timeout, sizeof(timeout)), 0);
	CHECK_INT(connect_socket(&w, s, &full.address),
	    PROACTOR_ETIMEDOUT);
	CHECK_INT(proactor_socket_query_failure(s), PROACTOR_ETIMEDOUT);
	CHECK_INT(close_socket(&w, s), 0);
	full_listener_close(&full);
	world_close(&w);
#else
	SKIP("the time to wait cannot be set here");
#endif
}

static void
try_again(struct world *w, unsigned int kind)
{
	struct proactor_socket *listener, *s, *b;
	struct proactor_address address;
	int i;

	listener = silent_address(w, kind, &address);
	s = create(w, kind);
	for (i = 0; i < 3; i++)
		CHECK_INT(connect_socket(w, s, &address),
		    PROACTOR_ECONNREFUSED);
	CHECK_INT(proactor_socket_listen(listener, 0), 0);
	CHECK_INT(connect_socket(w, s, &address), 0);
	CHECK_INT(socket_state(s), PROACTOR_SOCKET_STATE_CONNECTED);
	CHECK_INT(proactor_socket_query_failure(s), PROACTOR_ECONNREFUSED);
	CHECK_INT(accept_socket(w, listener, &b), 0);
	check_connected(w, s, b);
	CHECK_INT(close_socket(w, s), 0);
	CHECK_INT(close_socket(w, b), 0);
	CHECK_INT(close_socket(w, listener), 0);
}

static void
again_after_failure(void)
{
	each_stream(try_again);
}

static void
connect_connected(struct world *w, unsigned int kind)
{
	struct proactor_socket *listener, *s, *b;
	struct proactor_address address;

	listener = listener_open(w, kind, 0, &address);
	s = create(w, kind);
	CHECK_INT(connect_socket(w, s, &address), 0);
	CHECK_INT(connect_socket(w, s, &address), PROACTOR_EISCONN);
	CHECK_INT(socket_state(s), PROACTOR_SOCKET_STATE_CONNECTED);
	CHECK_INT(accept_socket(w, listener, &b), 0);
	check_connected(w, s, b);
	CHECK_INT(close_socket(w, s), 0);
	CHECK_INT(close_socket(w, b), 0);
	CHECK_INT(close_socket(w, listener), 0);
}

static void
already_connected(void)
{
	each_stream(connect_connected);
}

static void
connect_listening(void)
{
	struct proactor_socket *listener, *other;
	struct proactor_address address, elsewhere;
	struct world w;
	int status;

	world_open(&w, NULL);
	listener = listener_open(&w, PROACTOR_SOCKET_TCP, 0, &address);
	other = listener_open(&w, PROACTOR_SOCKET_TCP, 0, &elsewhere);
	status = connect_socket(&w, listener, &elsewhere);
	CHECK(status == PROACTOR_EISCONN || status == PROACTOR_EINVAL);
	CHECK_INT(socket_state(listener), PROACTOR_SOCKET_STATE_LISTENING);
	CHECK_INT(close_socket(&w, listener), 0);
	CHECK_INT(close_socket(&w, other), 0);
	world_close(&w);
}

static void
other_family(void)
{
	struct proactor_address address;
	struct proactor_socket *s;
	struct world w;
	int status;

	world_open(&w, NULL);
	address_to_bind(PROACTOR_SOCKET_UNIX_STREAM, &address);
	s = create(&w, PROACTOR_SOCKET_TCP);
	status = connect_socket(&w, s, &address);
	CHECK(status == PROACTOR_EAFNOSUPPORT || status == PROACTOR_EINVAL);
	CHECK_INT(close_socket(&w, s), 0);
	world_close(&w);
}

/* --- while it is under way --- */

struct attempt {
	struct full_listener full;
	struct proactor_socket *s;
	struct proactor_connect_op op;
};

static void
attempt_begin(struct attempt *a, struct world *w, unsigned int kind)
{
	full_listener_open(&a->full, kind);
	a->s = create(w, kind);
	proactor_connect_op_init(&a->op, a->s, &a->full.address, record,
	    &w->r);
	CHECK_INT(proactor_submit_one(w->p, &a->op.base), 0);
	poll_barrier(w);
	CHECK(poll_quiet(w));
	CHECK_INT(socket_state(a->s), PROACTOR_SOCKET_STATE_CONNECTING);
}

static void
only_one_at_a_time(struct world *w, unsigned int kind)
{
	struct attempt a;

	attempt_begin(&a, w, kind);
	CHECK_INT(connect_socket(w, a.s, &a.full.address),
	    PROACTOR_EALREADY);
	CHECK_INT(socket_state(a.s), PROACTOR_SOCKET_STATE_CONNECTING);
	CHECK_INT(close_socket(w, a.s), 0);
	CHECK_INT(status_of(&w->r, &a.op), PROACTOR_ECANCELED);
	full_listener_close(&a.full);
	recorder_clear(&w->r);
}

static void
second_connect(void)
{
	each_stream(only_one_at_a_time);
}

static void
give_up(struct world *w, unsigned int kind)
{
	struct proactor_socket *listener, *b;
	struct proactor_address address;
	struct attempt a;

	attempt_begin(&a, w, kind);
	CHECK_INT(proactor_cancel(w->p, &a.op.base), 0);
	CHECK(poll_finals(w, &a.op, 1));
	CHECK_INT(status_of(&w->r, &a.op), PROACTOR_ECANCELED);
	CHECK_INT(socket_state(a.s), PROACTOR_SOCKET_STATE_CREATED);
	CHECK_INT(proactor_socket_query_failure(a.s), 0);
	/* The socket may try again, somewhere else. */
	listener = listener_open(w, kind, 0, &address);
	CHECK_INT(connect_socket(w, a.s, &address), 0);
	CHECK_INT(accept_socket(w, listener, &b), 0);
	check_connected(w, a.s, b);
	CHECK_INT(close_socket(w, a.s), 0);
	CHECK_INT(close_socket(w, b), 0);
	CHECK_INT(close_socket(w, listener), 0);
	full_listener_close(&a.full);
	recorder_clear(&w->r);
}

static void
cancel_under_way(void)
{
	each_stream(give_up);
}

static void
cancel_before_poll(void)
{
	struct proactor_socket *listener, *s;
	struct proactor_address address;
	struct proactor_connect_op op;
	struct world w;
	int status;

	world_open(&w, NULL);
	listener = listener_open(&w, PROACTOR_SOCKET_TCP, 0, &address);
	s = create(&w, PROACTOR_SOCKET_TCP);
	proactor_connect_op_init(&op, s, &address, record, &w.r);
	CHECK_INT(proactor_cancel(w.p, &op.base), PROACTOR_ENOENT);
	CHECK_INT(proactor_submit_one(w.p, &op.base), 0);
	CHECK_INT(proactor_cancel(w.p, &op.base), 0);
	CHECK(poll_finals(&w, &op, 1));
	status = status_of(&w.r, &op);
	CHECK(status == PROACTOR_ECANCELED || status == 0);
	CHECK_INT(proactor_cancel(w.p, &op.base), PROACTOR_ENOENT);
	poll_barrier(&w);
	CHECK_INT(w.r.calls, 1);
	/* Reusable, whichever it was. */
	if (status != 0)
		CHECK_INT(run_one(&w, &op.base), 0);
	CHECK_INT(socket_state(s), PROACTOR_SOCKET_STATE_CONNECTED);
	CHECK_INT(close_socket(&w, s), 0);
	CHECK_INT(close_socket(&w, listener), 0);
	world_close(&w);
}

#define MANY	50

static void
many(struct world *w, unsigned int kind)
{
	struct proactor_connect_op ops[MANY];
	struct proactor_op *batch[MANY];
	struct proactor_socket *listener, *s;
	struct proactor_address address;
	size_t i;

	listener = listener_open(w, kind, 0, &address);
	for (i = 0; i < MANY; i++) {
		s = create(w, kind);
		proactor_connect_op_init(&ops[i], s, &address, record,
		    &w->r);
		batch[i] = &ops[i].base;
	}
	CHECK_INT(proactor_submit(w->p, batch, MANY), 0);
	CHECK(poll_until(w, &w->r.finals, MANY));
	for (i = 0; i < MANY; i++) {
		CHECK_INT(status_of(&w->r, &ops[i]), 0);
		CHECK_INT(accept_socket(w, listener, &s), 0);
		proactor_socket_release(s);
		proactor_socket_release(ops[i].socket);
	}
	CHECK_INT(close_socket(w, listener), 0);
	recorder_clear(&w->r);
}

static void
many_at_once(void)
{
	each_stream(many);
}

const struct tap_case connect_cases[] = {
	{ "connect: every kind of stream connects", connects },
	{ "connect: a bound socket connects from its address",
	    connects_from_bound },
	{ "connect: nobody there is ECONNREFUSED", refused },
	{ "connect: a Unix path that is not there is ENOENT", no_path },
	{ "connect: no way there is ENETUNREACH", unreachable },
	{ "connect: no answer is ETIMEDOUT", timed_out },
	{ "connect: after failure the socket may try again",
	    again_after_failure },
	{ "connect: a connected socket is EISCONN", already_connected },
	{ "connect: a listener cannot", connect_listening },
	{ "connect: an address of another family is refused",
	    other_family },
	{ "connect: a second one at the same time is EALREADY",
	    second_connect },
	{ "connect: one under way can be cancelled, and another tried",
	    cancel_under_way },
	{ "connect: one can be cancelled before the first poll",
	    cancel_before_poll },
	{ "connect: many at once", many_at_once },
	{ NULL, NULL }
};
