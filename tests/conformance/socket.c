/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <sys/socket.h>

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

#include "conformance/transfer.h"

/* Sockets as objects: made, imported, counted. */

static int
option_of(struct proactor_socket *s, int level, int name)
{
	socklen_t length = sizeof(int);
	int value;

	CHECK_INT(getsockopt(socket_fd(s), level, name, &value, &length), 0);
	return value;
}

static bool
fd_is_open(int fd)
{
	return fcntl(fd, F_GETFD) != -1;
}

/* --- create --- */

static void
check_kind(unsigned int kind, int domain, int type)
{
	struct proactor_socket *s;
	struct world w;

	if (!kind_works(kind))
		SKIP("%s does not work here", kind_name(kind));
	world_open(&w, NULL);
	CHECK_INT(proactor_socket_create(w.p, kind, 0, &s), 0);
	CHECK_INT(option_of(s, SOL_SOCKET, SO_DOMAIN), domain);
	CHECK_INT(option_of(s, SOL_SOCKET, SO_TYPE), type);
	CHECK_INT(socket_state(s), PROACTOR_SOCKET_STATE_CREATED);
	CHECK_INT(proactor_socket_query_failure(s), 0);
	proactor_socket_release(s);
	world_close(&w);
}

static void
creates_tcp(void)
{
	check_kind(PROACTOR_SOCKET_TCP, AF_INET, SOCK_STREAM);
}

static void
creates_tcp6(void)
{
	check_kind(PROACTOR_SOCKET_TCP6, AF_INET6, SOCK_STREAM);
}

static void
creates_udp(void)
{
	check_kind(PROACTOR_SOCKET_UDP, AF_INET, SOCK_DGRAM);
}

static void
creates_udp6(void)
{
	check_kind(PROACTOR_SOCKET_UDP6, AF_INET6, SOCK_DGRAM);
}

static void
creates_unix_stream(void)
{
	check_kind(PROACTOR_SOCKET_UNIX_STREAM, AF_UNIX, SOCK_STREAM);
}

static void
creates_unix_datagram(void)
{
	check_kind(PROACTOR_SOCKET_UNIX_DATAGRAM, AF_UNIX, SOCK_DGRAM);
}

static void
created_is_close_on_exec(void)
{
	struct proactor_socket *s;
	struct world w;
	unsigned int kind;

	world_open(&w, NULL);
	for (kind = KIND_FIRST; kind <= KIND_LAST; kind++) {
		if (!kind_works(kind))
			continue;
		CHECK_INT(proactor_socket_create(w.p, kind, 0, &s), 0);
		CHECK(fcntl(socket_fd(s), F_GETFD) & FD_CLOEXEC);
		proactor_socket_release(s);
	}
	world_close(&w);
}

/* What create sets, and where it is read back. */
static const struct {
	unsigned int option;
	int level;
	int name;
} readable[] = {
	{ PROACTOR_SOCKET_REUSE_ADDRESS, SOL_SOCKET, SO_REUSEADDR },
	{ PROACTOR_SOCKET_REUSE_PORT, SOL_SOCKET, SO_REUSEPORT },
	{ PROACTOR_SOCKET_KEEP_ALIVE, SOL_SOCKET, SO_KEEPALIVE },
	{ PROACTOR_SOCKET_NO_DELAY, IPPROTO_TCP, TCP_NODELAY },
};

static void
options_are_set(void)
{
	struct proactor_socket *s;
	struct world w;
	size_t i, j;

	world_open(&w, NULL);
	for (i = 0; i < COUNT(readable); i++) {
		CHECK_INT(proactor_socket_create(w.p, PROACTOR_SOCKET_TCP,
		    readable[i].option, &s), 0);
		for (j = 0; j < COUNT(readable); j++)
			CHECK_INT(option_of(s, readable[j].level,
			    readable[j].name) != 0, i == j);
		proactor_socket_release(s);
	}
	world_close(&w);
}

static void
linger_zero_is_set(void)
{
	struct proactor_socket *s;
	struct linger linger;
	socklen_t length = sizeof(linger);
	struct world w;

	world_open(&w, NULL);
	CHECK_INT(proactor_socket_create(w.p, PROACTOR_SOCKET_TCP, 0, &s), 0);
	CHECK_INT(getsockopt(socket_fd(s), SOL_SOCKET, SO_LINGER, &linger,
	    &length), 0);
	CHECK_INT(linger.l_onoff, 0);
	proactor_socket_release(s);
	CHECK_INT(proactor_socket_create(w.p, PROACTOR_SOCKET_TCP,
	    PROACTOR_SOCKET_LINGER_ZERO, &s), 0);
	CHECK_INT(getsockopt(socket_fd(s), SOL_SOCKET, SO_LINGER, &linger,
	    &length), 0);
	CHECK(linger.l_onoff != 0);
	CHECK_INT(linger.l_linger, 0);
	proactor_socket_release(s);
	world_close(&w);
}

static void
reuse_port_shares(void)
{
	struct proactor_socket *a, *b, *c;
	struct proactor_address address;
	struct world w;

	world_open(&w, NULL);
	a = listener_open(&w, PROACTOR_SOCKET_TCP, PROACTOR_SOCKET_REUSE_PORT,
	    &address);
	CHECK_INT(proactor_socket_create(w.p, PROACTOR_SOCKET_TCP,
	    PROACTOR_SOCKET_REUSE_PORT, &b), 0);
	CHECK_INT(proactor_socket_bind(b, &address), 0);
	CHECK_INT(proactor_socket_listen(b, 0), 0);
	CHECK_INT(proactor_socket_create(w.p, PROACTOR_SOCKET_TCP, 0, &c), 0);
	CHECK_INT(proactor_socket_bind(c, &address), PROACTOR_EADDRINUSE);
	proactor_socket_release(a);
	proactor_socket_release(b);
	proactor_socket_release(c);
	world_close(&w);
}

/* --- import --- */

/* What an import must not have touched. */
struct settings {
	int file_flags;
	int fd_flags;
	int options[COUNT(readable)];
};

static void
settings_of(int fd, struct settings *ret)
{
	socklen_t length;
	size_t i;

	memset(ret, 0, sizeof(*ret));
	ret->file_flags = fcntl(fd, F_GETFL);
	ret->fd_flags = fcntl(fd, F_GETFD);
	for (i = 0; i < COUNT(readable); i++) {
		length = sizeof(int);
		CHECK_INT(getsockopt(fd, readable[i].level, readable[i].name,
		    &ret->options[i], &length), 0);
	}
}

/*
 * A receive on it waits without holding up the loop, and everything is as it
 * was, also after use.
 */
static void
check_import(int nonblocking, int close_on_exec, unsigned int options)
{
	struct settings before, after;
	struct proactor_socket *s;
	struct proactor_recv_op recv;
	struct proactor_span span;
	struct world w;
	char text[8];
	int fds[2];

	world_open(&w, NULL);
	fd_pair(PROACTOR_SOCKET_TCP, fds);
	CHECK(fcntl(fds[0], F_SETFL, nonblocking) != -1);
	CHECK(fcntl(fds[0], F_SETFD, close_on_exec) != -1);
	settings_of(fds[0], &before);
	CHECK_INT(proactor_socket_import(w.p, proactor_handle_fd(fds[0]),
	    PROACTOR_SOCKET_TCP, options, &s), 0);
	CHECK_INT(socket_fd(s), fds[0]);
	span = proactor_span(text, sizeof(text));
	proactor_recv_op_init(&recv, s, &span, 1, record, &w.r);
	CHECK_INT(proactor_submit_one(w.p, &recv.base), 0);
	poll_barrier(&w);
	CHECK(poll_quiet(&w));
	fd_write_all(fds[1], "eight b", 8);
	CHECK(poll_finals(&w, &recv, 1));
	CHECK_INT(status_of(&w.r, &recv), 0);
	CHECK_INT(recv.bytes, 8);
	CHECK_STR(text, "eight b");
	send_all(&w, s, "reply", 6);
	fd_read_all(fds[1], text, 6);
	CHECK_STR(text, "reply");
	settings_of(fds[0], &after);
	CHECK_MEM(&after, &before, sizeof(before));
	CHECK_INT(close_socket(&w, s), 0);
	close(fds[1]);
	world_close(&w);
}

static void
imports_blocking(void)
{
	check_import(0, 0, 0);
}

static void
imports_nonblocking(void)
{
	check_import(O_NONBLOCK, FD_CLOEXEC, 0);
}

static void
import_options_are_statements(void)
{
	check_import(0, 0, PROACTOR_SOCKET_NO_DELAY |
	    PROACTOR_SOCKET_KEEP_ALIVE | PROACTOR_SOCKET_REUSE_ADDRESS |
	    PROACTOR_SOCKET_REUSE_PORT | PROACTOR_SOCKET_ZERO_COPY);
}

static void
import_takes_ownership(void)
{
	struct proactor_socket *s;
	struct world w;
	int fd;

	world_open(&w, NULL);
	s = half_pair(&w, PROACTOR_SOCKET_TCP, 0, &fd);
	proactor_socket_release(s);
	poll_barrier(&w);
	CHECK_INT(fd_drain(fd), 0);
	close(fd);
	world_close(&w);
}

static void
refused_import_owns_nothing(void)
{
	struct proactor_socket *s = (struct proactor_socket *)&s;
	struct world w;
	int fds[2];

	world_open(&w, NULL);
	CHECK_INT(pipe(fds), 0);
	CHECK(proactor_socket_import(w.p, proactor_handle_fd(fds[0]),
	    PROACTOR_SOCKET_TCP, 0, &s) < 0);
	CHECK(s == (struct proactor_socket *)&s);
	CHECK(fd_is_open(fds[0]));
	close(fds[0]);
	close(fds[1]);
	fd_pair(PROACTOR_SOCKET_UDP, fds);
	CHECK_INT(proactor_socket_import(w.p, proactor_handle_fd(fds[0]),
	    PROACTOR_SOCKET_TCP, 0, &s), PROACTOR_EINVAL);
	CHECK(s == (struct proactor_socket *)&s);
	CHECK(fd_is_open(fds[0]));
	close(fds[0]);
	close(fds[1]);
	world_close(&w);
}

static void
import_finds_the_state(void)
{
	struct proactor_socket *connected, *listening, *copy;
	struct proactor_handle handle;
	struct proactor_address address;
	struct world w;
	int fd;

	world_open(&w, NULL);
	connected = half_pair(&w, PROACTOR_SOCKET_TCP, 0, &fd);
	CHECK_INT(socket_state(connected), PROACTOR_SOCKET_STATE_CONNECTED);
	listening = listener_open(&w, PROACTOR_SOCKET_TCP, 0, &address);
	CHECK_INT(proactor_handle_dup(proactor_socket_handle(listening),
	    &handle), 0);
	CHECK_INT(proactor_socket_import(w.p, handle, PROACTOR_SOCKET_TCP, 0,
	    &copy), 0);
	CHECK_INT(socket_state(copy), PROACTOR_SOCKET_STATE_LISTENING);
	proactor_socket_release(connected);
	proactor_socket_release(listening);
	proactor_socket_release(copy);
	close(fd);
	world_close(&w);
}

/* --- references --- */

static void
references_count(void)
{
	struct proactor_socket *s;
	struct world w;
	int fd;

	world_open(&w, NULL);
	s = half_pair(&w, PROACTOR_SOCKET_TCP, 0, &fd);
	CHECK(proactor_socket_retain(s) == s);
	CHECK(proactor_socket_retain(s) == s);
	proactor_socket_release(s);
	proactor_socket_release(s);
	poll_barrier(&w);
	CHECK(fd_is_silent(fd));
	send_all(&w, s, "here", 5);
	proactor_socket_release(s);
	poll_barrier(&w);
	CHECK_INT(fd_drain(fd), 5);
	close(fd);
	world_close(&w);
}

static void
released_while_in_flight(void)
{
	struct proactor_recv_op recv;
	struct proactor_span span;
	struct proactor_socket *s;
	struct world w;
	char text[8] = "";
	int fd;

	world_open(&w, NULL);
	s = half_pair(&w, PROACTOR_SOCKET_TCP, 0, &fd);
	span = proactor_span(text, sizeof(text));
	proactor_recv_op_init(&recv, s, &span, 1, record, &w.r);
	CHECK_INT(proactor_submit_one(w.p, &recv.base), 0);
	proactor_socket_release(s);
	poll_barrier(&w);
	CHECK(fd_is_silent(fd));
	fd_write_all(fd, "late", 5);
	CHECK(poll_finals(&w, &recv, 1));
	CHECK_INT(status_of(&w.r, &recv), 0);
	CHECK_STR(text, "late");
	poll_barrier(&w);
	CHECK_INT(fd_drain(fd), 0);
	close(fd);
	world_close(&w);
}

/* The callback's reference is the last: an operation has none by then. */
static void
release_in_callback(void *user_data, struct proactor_op *op, int status,
    unsigned int flags)
{
	struct proactor_recv_op *recv = (struct proactor_recv_op *)(void *)op;

	record(user_data, op, status, flags);
	proactor_socket_release(recv->socket);
}

static void
released_in_callback(void)
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
	proactor_recv_op_init(&recv, s, &span, 1, release_in_callback, &w.r);
	fd_write_all(fd, "x", 1);
	CHECK_INT(run_one(&w, &recv.base), 0);
	poll_barrier(&w);
	CHECK_INT(fd_drain(fd), 0);
	close(fd);
	world_close(&w);
}

static void *
release_socket(void *socket)
{
	proactor_socket_release(socket);
	return NULL;
}

static void
released_elsewhere(void)
{
	struct proactor_socket *s;
	pthread_t thread;
	struct world w;
	int fd;

	world_open(&w, NULL);
	s = half_pair(&w, PROACTOR_SOCKET_TCP, 0, &fd);
	send_all(&w, s, "warm", 5);
	thread_start(&thread, release_socket, s);
	thread_join(thread);
	poll_barrier(&w);
	CHECK_INT(fd_drain(fd), 5);
	close(fd);
	world_close(&w);
}

static void
nothing_leaks(void)
{
	struct proactor_socket *s;
	struct pair pair;
	struct world w;
	unsigned int kind, round;
	size_t before;

	world_open(&w, NULL);
	poll_barrier(&w);
	before = open_fds();
	for (round = 0; round < 4; round++) {
		for (kind = KIND_FIRST; kind <= KIND_LAST; kind++) {
			if (!kind_works(kind))
				continue;
			pair_open(&w, kind, 0, &pair);
			pair_close(&w, &pair);
			CHECK_INT(proactor_socket_create(w.p, kind, 0, &s),
			    0);
			proactor_socket_release(s);
		}
	}
	poll_barrier(&w);
	CHECK_INT(open_fds(), before);
	world_close(&w);
}

const struct tap_case socket_cases[] = {
	{ "socket: TCP over IPv4 can be created", creates_tcp },
	{ "socket: TCP over IPv6 can be created", creates_tcp6 },
	{ "socket: UDP over IPv4 can be created", creates_udp },
	{ "socket: UDP over IPv6 can be created", creates_udp6 },
	{ "socket: a Unix stream can be created", creates_unix_stream },
	{ "socket: a Unix datagram socket can be created",
	    creates_unix_datagram },
	{ "socket: a created descriptor is close-on-exec",
	    created_is_close_on_exec },
	{ "socket: each create option is set, and no other",
	    options_are_set },
	{ "socket: the linger-zero option is set", linger_zero_is_set },
	{ "socket: reuse-port listeners share a port, others may not",
	    reuse_port_shares },
	{ "socket: import works on a blocking descriptor and changes nothing",
	    imports_blocking },
	{ "socket: import works on a nonblocking one and changes nothing",
	    imports_nonblocking },
	{ "socket: import's options set nothing up",
	    import_options_are_statements },
	{ "socket: import takes ownership of the descriptor",
	    import_takes_ownership },
	{ "socket: an import that is refused owns nothing",
	    refused_import_owns_nothing },
	{ "socket: import finds out what state the socket is in",
	    import_finds_the_state },
	{ "socket: the last release closes, not those before",
	    references_count },
	{ "socket: operations in flight keep a released socket",
	    released_while_in_flight },
	{ "socket: a callback may drop the last reference",
	    released_in_callback },
	{ "socket: a foreign thread may drop the last reference",
	    released_elsewhere },
	{ "socket: no kind leaks descriptors", nothing_leaks },
	{ NULL, NULL }
};
