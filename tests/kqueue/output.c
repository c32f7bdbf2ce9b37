/* SPDX-License-Identifier: ISC */
/*
 * The kqueue backend on tests/kqueue: an event for output is told when an
 * operation has waited for it, and at no other time.
 */
#include "config.h"

#include <sys/types.h>
#include <sys/event.h>
#include <sys/socket.h>

#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#include <proactor.h>

#include "tap/tap.h"

#define ROUNDS	100

struct world {
	struct proactor *p;
	struct proactor_socket *socket;
	int peer;
	int left;			/* callbacks to come */
};

static void
done(void *user_data, struct proactor_op *op, int status, unsigned int flags)
{
	struct world *w = user_data;

	(void)op;
	(void)flags;
	CHECK_INT(status, 0);
	w->left--;
}

static void
start(struct world *w, struct proactor_op *op)
{
	w->left++;
	CHECK_INT(proactor_submit_one(w->p, op), 0);
}

/* Polls until so many callbacks are still to come. */
static void
poll_until(struct world *w, int left)
{
	while (w->left > left)
		CHECK_INT(proactor_poll(w->p, PROACTOR_FOREVER, NULL), 0);
}

static void
open_world(struct world *w)
{
	struct proactor_options o;

	memset(w, 0, sizeof(*w));
	proactor_options_init(&o);
	o.backend = "kqueue";
	CHECK_INT(proactor_create(&o, &w->p), 0);
}

static void
close_world(struct world *w)
{
	proactor_socket_release(w->socket);
	close(w->peer);
	CHECK_INT(proactor_shutdown(w->p, PROACTOR_FOREVER), 0);
	proactor_release(w->p);
}

/* With a socket whose peer is an end of a pair. */
static void
open_pair(struct world *w)
{
	int fds[2];

	open_world(w);
	CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	w->peer = fds[1];
	CHECK_INT(proactor_socket_import(w->p, proactor_handle_fd(fds[0]),
	    PROACTOR_SOCKET_UNIX_STREAM, 0, &w->socket), 0);
}

/*
 * Asks and is answered, again and again; each time that the peer reads what
 * was asked, the system could tell of room.
 */
static void
talk(struct world *w)
{
	struct proactor_recv_op recv;
	struct proactor_send_op send;
	struct proactor_span span;
	char answer, question = 'q';
	int i;

	for (i = 0; i < ROUNDS; i++) {
		span = proactor_span(&answer, 1);
		proactor_recv_op_init(&recv, w->socket, &span, 1, done, w);
		start(w, &recv.base);
		span = proactor_span(&question, 1);
		proactor_send_op_init(&send, w->socket, &span, 1, 0, done, w);
		start(w, &send.base);
		poll_until(w, 1);
		CHECK_INT(read(w->peer, &answer, 1), 1);
		/* A look at what there is; the next finds the answer. */
		(void)proactor_poll(w->p, PROACTOR_IMMEDIATE, NULL);
		CHECK_INT(write(w->peer, "a", 1), 1);
		poll_until(w, 0);
		CHECK_INT(answer, 'a');
	}
}

static void
never_full(void)
{
	struct world w;

	open_pair(&w);
	talk(&w);
	CHECK_INT(kqueue_told(EVFILT_WRITE), 0);
	CHECK(kqueue_told(EVFILT_READ) >= ROUNDS);
	close_world(&w);
}

static void
full_once(void)
{
	static char bytes[1 << 22];
	struct proactor_send_op send;
	struct proactor_span span;
	struct world w;
	size_t taken = 0;
	ssize_t n;
	unsigned int told;

	open_pair(&w);
	CHECK_INT(fcntl(w.peer, F_SETFL, O_NONBLOCK), 0);
	span = proactor_span(bytes, sizeof(bytes));
	proactor_send_op_init(&send, w.socket, &span, 1, 0, done, &w);
	start(&w, &send.base);
	while (w.left > 0) {
		while ((n = read(w.peer, bytes, sizeof(bytes))) > 0)
			taken += (size_t)n;
		(void)proactor_poll(w.p, PROACTOR_IMMEDIATE, NULL);
	}
	while ((n = read(w.peer, bytes, sizeof(bytes))) > 0)
		taken += (size_t)n;
	CHECK_INT(taken, sizeof(bytes));
	CHECK_INT(fcntl(w.peer, F_SETFL, 0), 0);
	told = kqueue_told(EVFILT_WRITE);
	CHECK(told > 0);
	talk(&w);
	CHECK_INT(kqueue_told(EVFILT_WRITE), told);
	close_world(&w);
}

static void
connected(void)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	socklen_t size = sizeof(sin);
	struct proactor_connect_op connect;
	struct proactor_address address;
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	struct world w;

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	CHECK(listener >= 0);
	CHECK_INT(bind(listener, (struct sockaddr *)&sin, size), 0);
	CHECK_INT(listen(listener, 1), 0);
	CHECK_INT(getsockname(listener, (struct sockaddr *)&sin, &size), 0);
	open_world(&w);
	CHECK_INT(proactor_address_from_sockaddr(&sin, size, &address), 0);
	CHECK_INT(proactor_socket_create(w.p, PROACTOR_SOCKET_TCP, 0,
	    &w.socket), 0);
	proactor_connect_op_init(&connect, w.socket, &address, done, &w);
	start(&w, &connect.base);
	poll_until(&w, 0);
	w.peer = accept(listener, NULL, NULL);
	CHECK(w.peer >= 0);
	close(listener);
	talk(&w);
	CHECK(kqueue_told(EVFILT_WRITE) <= 1);
	close_world(&w);
}

static const struct tap_case cases[] = {
	{ "output: never told of a socket that was never full", never_full },
	{ "output: not told any more when a send has had its room",
	    full_once },
	{ "output: told of a connect, and of nothing after it", connected },
	{ NULL, NULL }
};

int
main(void)
{
	return tap_run(cases);
}
