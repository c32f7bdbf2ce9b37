/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <sys/socket.h>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "conformance/transfer.h"

/* Sockets as ends of something: bound, listening, asked, shut down. */

/* --- bind, listen --- */

static void
bind_in_use(void)
{
	struct proactor_socket *a, *b;
	struct proactor_address address;
	struct world w;

	world_open(&w, NULL);
	a = listener_open(&w, PROACTOR_SOCKET_TCP, 0, &address);
	CHECK_INT(proactor_socket_create(w.p, PROACTOR_SOCKET_TCP, 0, &b), 0);
	CHECK_INT(proactor_socket_bind(b, &address), PROACTOR_EADDRINUSE);
	CHECK_INT(socket_state(b), PROACTOR_SOCKET_STATE_CREATED);
	proactor_socket_release(a);
	proactor_socket_release(b);
	a = listener_open(&w, PROACTOR_SOCKET_UNIX_STREAM, 0, &address);
	CHECK_INT(proactor_socket_create(w.p, PROACTOR_SOCKET_UNIX_STREAM, 0,
	    &b), 0);
	CHECK_INT(proactor_socket_bind(b, &address), PROACTOR_EADDRINUSE);
	proactor_socket_release(a);
	proactor_socket_release(b);
	world_close(&w);
}

static void
bind_twice(void)
{
	struct proactor_address address;
	struct proactor_socket *s;
	struct world w;

	world_open(&w, NULL);
	address_to_bind(PROACTOR_SOCKET_TCP, &address);
	CHECK_INT(proactor_socket_create(w.p, PROACTOR_SOCKET_TCP, 0, &s), 0);
	CHECK_INT(proactor_socket_bind(s, &address), 0);
	CHECK_INT(proactor_socket_bind(s, &address), PROACTOR_EINVAL);
	CHECK_INT(socket_state(s), PROACTOR_SOCKET_STATE_BOUND);
	proactor_socket_release(s);
	world_close(&w);
}

static void
bind_other_family(void)
{
	struct proactor_address v4, path;
	struct proactor_socket *s;
	struct world w;
	int status;

	world_open(&w, NULL);
	address_to_bind(PROACTOR_SOCKET_TCP, &v4);
	address_to_bind(PROACTOR_SOCKET_UNIX_STREAM, &path);
	CHECK_INT(proactor_socket_create(w.p, PROACTOR_SOCKET_TCP, 0, &s), 0);
	status = proactor_socket_bind(s, &path);
	CHECK(status == PROACTOR_EAFNOSUPPORT || status == PROACTOR_EINVAL);
	CHECK_INT(proactor_socket_bind(s, &v4), 0);
	proactor_socket_release(s);
	world_close(&w);
}

static void
bind_abstract(void)
{
#ifdef __linux__
	struct proactor_address address, local;
	struct proactor_socket *listener, *a, *b;
	struct world w;
	char name[64];

	world_open(&w, NULL);
	snprintf(name, sizeof(name), "@proactor-conformance-%ld",
	    (long)getpid());
	CHECK_INT(proactor_address_from_unix(name, &address), 0);
	CHECK_INT(proactor_socket_create(w.p, PROACTOR_SOCKET_UNIX_STREAM, 0,
	    &listener), 0);
	CHECK_INT(proactor_socket_bind(listener, &address), 0);
	CHECK_INT(proactor_socket_listen(listener, 0), 0);
	CHECK_INT(proactor_socket_query_local_address(listener, &local), 0);
	CHECK(proactor_address_equal(&address, &local));
	CHECK_INT(proactor_socket_create(w.p, PROACTOR_SOCKET_UNIX_STREAM, 0,
	    &a), 0);
	CHECK_INT(connect_socket(&w, a, &address), 0);
	CHECK_INT(accept_socket(&w, listener, &b), 0);
	check_connected(&w, a, b);
	proactor_socket_release(a);
	proactor_socket_release(b);
	proactor_socket_release(listener);
	world_close(&w);
#else
	SKIP("abstract names are Linux's");
#endif
}

#if defined(__linux__)
/* The limit of a TCP listener's queue, as the kernel has it. */
static unsigned int
backlog_of(struct proactor_socket *s)
{
	struct tcp_info info;
	socklen_t length = sizeof(info);

	CHECK_INT(getsockopt(socket_fd(s), IPPROTO_TCP, TCP_INFO, &info,
	    &length), 0);
	/* An emulator of the system may have an int of it. */
	if (length < offsetof(struct tcp_info, tcpi_sacked) + sizeof(uint32_t))
		SKIP("the backlog cannot be read back here");
	return info.tcpi_sacked;
}
#endif

static void
backlog_is_given(void)
{
#if defined(__linux__)
	struct proactor_socket *s, *other;
	struct proactor_address address;
	unsigned int most;
	struct world w;
	FILE *f;

	world_open(&w, NULL);
	f = fopen("/proc/sys/net/core/somaxconn", "r");
	if (f == NULL || fscanf(f, "%u", &most) != 1)
		SKIP("the system's limit cannot be read");
	fclose(f);
	s = listener_open(&w, PROACTOR_SOCKET_TCP, 0, &address);
	CHECK(backlog_of(s) > 1);
	CHECK(backlog_of(s) <= most);
	address_to_bind(PROACTOR_SOCKET_TCP, &address);
	CHECK_INT(proactor_socket_create(w.p, PROACTOR_SOCKET_TCP, 0, &other),
	    0);
	CHECK_INT(proactor_socket_bind(other, &address), 0);
	CHECK_INT(proactor_socket_listen(other, 7), 0);
	CHECK_INT(backlog_of(other), 7);
	proactor_socket_release(s);
	proactor_socket_release(other);
	world_close(&w);
#else
	SKIP("the backlog cannot be read back here");
#endif
}

static void
listen_refuses(void)
{
	struct proactor_socket *s;
	struct proactor_address address;
	struct world w;

	world_open(&w, NULL);
	CHECK_INT(proactor_socket_create(w.p, PROACTOR_SOCKET_UDP, 0, &s), 0);
	CHECK(proactor_socket_listen(s, 0) < 0);
	proactor_socket_release(s);
	CHECK_INT(proactor_socket_create(w.p, PROACTOR_SOCKET_TCP, 0, &s), 0);
	address_to_bind(PROACTOR_SOCKET_TCP, &address);
	CHECK_INT(proactor_socket_bind(s, &address), 0);
	CHECK_INT(proactor_socket_listen(s, -1), PROACTOR_EINVAL);
	CHECK_INT(socket_state(s), PROACTOR_SOCKET_STATE_BOUND);
	proactor_socket_release(s);
	world_close(&w);
}

/* --- queries --- */

static void
local_address_is_the_bound_one(void)
{
	struct proactor_address wanted, local;
	struct proactor_socket *s;
	struct world w;
	unsigned int kind;

	world_open(&w, NULL);
	for (kind = KIND_FIRST; kind <= KIND_LAST; kind++) {
		if (!kind_works(kind))
			continue;
		address_to_bind(kind, &wanted);
		CHECK_INT(proactor_socket_create(w.p, kind, 0, &s), 0);
		CHECK_INT(proactor_socket_bind(s, &wanted), 0);
		CHECK_INT(proactor_socket_query_local_address(s, &local), 0);
		CHECK_INT(proactor_address_family(&local),
		    proactor_address_family(&wanted));
		if (proactor_address_family(&local) == PROACTOR_ADDRESS_UNIX)
			CHECK(proactor_address_equal(&local, &wanted));
		else
			CHECK(proactor_address_port(&local) != 0);
		proactor_socket_release(s);
	}
	world_close(&w);
}

static void
follow_states(struct world *w, unsigned int kind)
{
	struct proactor_address address;
	struct proactor_socket *listener, *a, *b;

	address_to_bind(kind, &address);
	CHECK_INT(proactor_socket_create(w->p, kind, 0, &listener), 0);
	CHECK_INT(socket_state(listener), PROACTOR_SOCKET_STATE_CREATED);
	CHECK_INT(proactor_socket_bind(listener, &address), 0);
	CHECK_INT(socket_state(listener), PROACTOR_SOCKET_STATE_BOUND);
	CHECK_INT(proactor_socket_listen(listener, 0), 0);
	CHECK_INT(socket_state(listener), PROACTOR_SOCKET_STATE_LISTENING);
	CHECK_INT(proactor_socket_query_local_address(listener, &address), 0);
	CHECK_INT(proactor_socket_create(w->p, kind, 0, &a), 0);
	CHECK_INT(connect_socket(w, a, &address), 0);
	CHECK_INT(socket_state(a), PROACTOR_SOCKET_STATE_CONNECTED);
	CHECK_INT(accept_socket(w, listener, &b), 0);
	CHECK_INT(socket_state(b), PROACTOR_SOCKET_STATE_CONNECTED);
	CHECK(proactor_socket_retain(a) == a);
	CHECK_INT(close_socket(w, a), 0);
	CHECK_INT(socket_state(a), PROACTOR_SOCKET_STATE_CLOSED);
	proactor_socket_release(a);
	proactor_socket_release(b);
	proactor_socket_release(listener);
}

static void
states_follow_life(void)
{
	each_stream(follow_states);
}

static void
failure_sticks(void)
{
	struct proactor_socket *s;
	struct linger reset = { .l_onoff = 1, .l_linger = 0 };
	struct world w;
	size_t bytes;
	char byte;
	int fd;

	world_open(&w, NULL);
	s = half_pair(&w, PROACTOR_SOCKET_TCP, 0, &fd);
	CHECK_INT(proactor_socket_query_failure(s), 0);
	CHECK_INT(setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset,
	    sizeof(reset)), 0);
	close(fd);
	CHECK_INT(recv_bytes(&w, s, &byte, 1, &bytes), PROACTOR_ECONNRESET);
	CHECK_INT(proactor_socket_query_failure(s), PROACTOR_ECONNRESET);
	CHECK_INT(send_bytes(&w, s, "x", 1, &bytes), PROACTOR_EPIPE);
	CHECK_INT(proactor_socket_query_failure(s), PROACTOR_ECONNRESET);
	CHECK_INT(close_socket(&w, s), 0);
	world_close(&w);
}

static void
cancel_is_no_failure(void)
{
	struct proactor_recv_op recv;
	struct proactor_span span;
	struct proactor_socket *s;
	struct world w;
	char byte;
	int fd;

	world_open(&w, NULL);
	s = half_pair(&w, PROACTOR_SOCKET_TCP, 0, &fd);
	span = proactor_span(&byte, 1);
	proactor_recv_op_init(&recv, s, &span, 1, record, &w.r);
	CHECK_INT(proactor_submit_one(w.p, &recv.base), 0);
	poll_barrier(&w);
	CHECK_INT(proactor_cancel(w.p, &recv.base), 0);
	CHECK(poll_finals(&w, &recv, 1));
	CHECK_INT(status_of(&w.r, &recv), PROACTOR_ECANCELED);
	CHECK_INT(proactor_socket_query_failure(s), 0);
	close(fd);
	CHECK_INT(recv_bytes(&w, s, &byte, 1, &(size_t){0}), 0);
	CHECK_INT(proactor_socket_query_failure(s), 0);
	CHECK_INT(close_socket(&w, s), 0);
	world_close(&w);
}

static void
check_send_space(struct world *w, unsigned int kind)
{
	struct proactor_send_op send;
	struct proactor_span span;
	struct proactor_socket *s;
	size_t empty, full;
	void *memory;
	int fd;

	s = half_pair(w, kind, 0, &fd);
	memory = calloc(1, BLOCKING_SIZE);
	CHECK(memory != NULL);
	CHECK_INT(proactor_socket_query_send_space(s, &empty), 0);
	CHECK(empty > 0);
	span = proactor_span(memory, BLOCKING_SIZE);
	proactor_send_op_init(&send, s, &span, 1, 0, record, &w->r);
	CHECK_INT(proactor_submit_one(w->p, &send.base), 0);
	poll_barrier(w);
	CHECK(poll_quiet(w));
	CHECK_INT(proactor_socket_query_send_space(s, &full), 0);
	CHECK(full < empty);
	CHECK_INT(close_socket(w, s), 0);
	CHECK_INT(finals_of(&w->r, &send), 1);
	close(fd);
	free(memory);
}

static void
send_space_shrinks(void)
{
	each_stream(check_send_space);
}

/* --- shutdown --- */

static void
shut_down_write(struct world *w, unsigned int kind)
{
	struct pair pair;
	size_t bytes;
	char text[8];

	pair_open(w, kind, 0, &pair);
	CHECK_INT(proactor_socket_shutdown(pair.a, PROACTOR_SHUTDOWN_WRITE),
	    0);
	CHECK_INT(recv_bytes(w, pair.b, text, 8, &bytes), 0);
	CHECK_INT(bytes, 0);
	CHECK_INT(send_bytes(w, pair.a, "x", 1, &bytes), PROACTOR_EPIPE);
	send_all(w, pair.b, "still", 6);
	recv_all(w, pair.a, text, 6);
	CHECK_STR(text, "still");
	pair_close(w, &pair);
}

static void
shutdown_write(void)
{
	each_stream(shut_down_write);
}

static void
shut_down_read(struct world *w, unsigned int kind)
{
	struct proactor_recv_op recv;
	struct proactor_span span;
	struct pair pair;
	char text[8];

	pair_open(w, kind, 0, &pair);
	span = proactor_span(text, sizeof(text));
	proactor_recv_op_init(&recv, pair.a, &span, 1, record, &w->r);
	CHECK_INT(proactor_submit_one(w->p, &recv.base), 0);
	poll_barrier(w);
	CHECK_INT(proactor_socket_shutdown(pair.a, PROACTOR_SHUTDOWN_READ),
	    0);
	CHECK(poll_finals(w, &recv, 1));
	CHECK_INT(status_of(&w->r, &recv), 0);
	CHECK_INT(recv.bytes, 0);
	send_all(w, pair.a, "still", 6);
	recv_all(w, pair.b, text, 6);
	CHECK_STR(text, "still");
	pair_close(w, &pair);
}

static void
shutdown_read(void)
{
	each_stream(shut_down_read);
}

static void
shut_down_both(struct world *w, unsigned int kind)
{
	struct pair pair;
	size_t bytes;
	char text[8];

	pair_open(w, kind, 0, &pair);
	CHECK_INT(proactor_socket_shutdown(pair.a, PROACTOR_SHUTDOWN_BOTH),
	    0);
	CHECK_INT(recv_bytes(w, pair.b, text, 8, &bytes), 0);
	CHECK_INT(bytes, 0);
	CHECK_INT(recv_bytes(w, pair.a, text, 8, &bytes), 0);
	CHECK_INT(bytes, 0);
	CHECK_INT(send_bytes(w, pair.a, "x", 1, &bytes), PROACTOR_EPIPE);
	pair_close(w, &pair);
}

static void
shutdown_both(void)
{
	each_stream(shut_down_both);
}

static void
shutdown_refuses(void)
{
	struct proactor_socket *s;
	struct world w;
	int fd;

	world_open(&w, NULL);
	CHECK_INT(proactor_socket_create(w.p, PROACTOR_SOCKET_TCP, 0, &s), 0);
	CHECK_INT(proactor_socket_shutdown(s, PROACTOR_SHUTDOWN_BOTH),
	    PROACTOR_ENOTCONN);
	proactor_socket_release(s);
	s = half_pair(&w, PROACTOR_SOCKET_TCP, 0, &fd);
	CHECK_INT(proactor_socket_shutdown(s, 0), PROACTOR_EINVAL);
	CHECK_INT(proactor_socket_shutdown(s, 4), PROACTOR_EINVAL);
	CHECK_INT(proactor_socket_shutdown(s, PROACTOR_SHUTDOWN_BOTH | 8),
	    PROACTOR_EINVAL);
	CHECK(fd_is_silent(fd));
	CHECK_INT(close_socket(&w, s), 0);
	close(fd);
	world_close(&w);
}

const struct tap_case endpoint_cases[] = {
	{ "socket: binding an address in use is EADDRINUSE", bind_in_use },
	{ "socket: binding twice is EINVAL", bind_twice },
	{ "socket: binding an address of another family is refused",
	    bind_other_family },
	{ "socket: an abstract name can be bound and connected to",
	    bind_abstract },
	{ "socket: the backlog is what listen was told, 0 a default",
	    backlog_is_given },
	{ "socket: listen refuses datagrams and negative backlogs",
	    listen_refuses },
	{ "socket: the local address is the bound one, with its port",
	    local_address_is_the_bound_one },
	{ "socket: the state follows the life of the socket",
	    states_follow_life },
	{ "socket: the first failure sticks", failure_sticks },
	{ "socket: neither cancelation nor end of stream is a failure",
	    cancel_is_no_failure },
	{ "socket: the send space shrinks while the peer does not read",
	    send_space_shrinks },
	{ "socket: shutdown of writing ends the stream for the peer only",
	    shutdown_write },
	{ "socket: shutdown of reading ends a receive that waits",
	    shutdown_read },
	{ "socket: shutdown of both ends both", shutdown_both },
	{ "socket: shutdown refuses what is not connected and unknown bits",
	    shutdown_refuses },
	{ NULL, NULL }
};
