/* SPDX-License-Identifier: ISC */
/*
 * An echo server: one multishot accept, and a receive and a send per client.
 *
 *	02-echo-server [address]
 *
 * The address is as proactor_address_parse(3) takes it: 127.0.0.1:7007,
 * [::1]:7007, unix:/run/echo.  Port 0 lets the system choose; the server
 * prints where it listens.  SIGINT and SIGTERM end it.
 */
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <proactor.h>

struct server {
	struct proactor *p;
	struct proactor_socket *listener;
	struct proactor_accept_op accept;
	struct proactor_handle_poll_op signalled;
	bool stop;
};

/*
 * Everything a client needs in one piece, the operations too: the library
 * allocates nothing for them.  One of the two is in flight at any time, so
 * that they can share the buffer.
 */
struct client {
	struct server *server;
	struct proactor_socket *socket;
	struct proactor_recv_op recv;
	struct proactor_send_op send;
	char buffer[16384];
};

static void
complain(const char *what, int status)
{
	fprintf(stderr, "02-echo-server: %s: %s\n", what,
	    proactor_strerror(status));
}

static void
client_end(struct client *c)
{
	/* Nothing is in flight here, so the last reference closes. */
	proactor_socket_release(c->socket);
	free(c);
}

static void
on_recv(void *user_data, struct proactor_op *op, int status,
    unsigned int flags)
{
	struct client *c = user_data;

	(void)op;
	(void)flags;
	if (status != 0 || c->recv.bytes == 0) {
		/* A failure, PROACTOR_ECANCELED at shutdown, or the end. */
		client_end(c);
		return;
	}
	/* Only the length changes: no need to initialise again. */
	c->send.spans[0].length = c->recv.bytes;
	if (proactor_submit_one(c->server->p, &c->send.base) != 0)
		client_end(c);
}

static void
on_send(void *user_data, struct proactor_op *op, int status,
    unsigned int flags)
{
	struct client *c = user_data;

	(void)op;
	(void)flags;
	/* A send on a stream that succeeds has taken every byte. */
	if (status != 0 ||
	    proactor_submit_one(c->server->p, &c->recv.base) != 0)
		client_end(c);
}

static void
client_start(struct server *s, struct proactor_socket *socket)
{
	struct client *c = calloc(1, sizeof(*c));
	struct proactor_span span;

	if (c == NULL) {
		proactor_socket_release(socket);
		return;
	}
	c->server = s;
	c->socket = socket;
	span = proactor_span(c->buffer, sizeof(c->buffer));
	proactor_recv_op_init(&c->recv, socket, &span, 1, on_recv, c);
	proactor_send_op_init(&c->send, socket, &span, 1, 0, on_send, c);
	if (proactor_submit_one(s->p, &c->recv.base) != 0)
		client_end(c);
}

/* Called once for each connection, for as long as the flags say MORE. */
static void
on_accept(void *user_data, struct proactor_op *op, int status,
    unsigned int flags)
{
	struct server *s = user_data;

	(void)op;
	if (status == 0)
		client_start(s, s->accept.accepted);
	else if (status != PROACTOR_ECANCELED)
		complain("accept", status);
	if ((flags & PROACTOR_COMPLETION_MORE) == 0)
		s->stop = true;		/* no more connections, no server */
}

static void
on_signal(void *user_data, struct proactor_op *op, int status,
    unsigned int flags)
{
	struct server *s = user_data;

	(void)op;
	(void)status;
	(void)flags;
	s->stop = true;
}

/* Listens on the address and prints where. */
static int
listen_on(struct server *s, const struct proactor_address *address)
{
	struct proactor_address local;
	char text[PROACTOR_ADDRESS_TEXT_MAX];
	unsigned int kind;
	int status;

	switch (proactor_address_family(address)) {
	case PROACTOR_ADDRESS_IPV4:
		kind = PROACTOR_SOCKET_TCP;
		break;
	case PROACTOR_ADDRESS_IPV6:
		kind = PROACTOR_SOCKET_TCP6;
		break;
	default:
		kind = PROACTOR_SOCKET_UNIX_STREAM;
		break;
	}
	status = proactor_socket_create(s->p, kind,
	    kind == PROACTOR_SOCKET_UNIX_STREAM ? 0 :
	    PROACTOR_SOCKET_REUSE_ADDRESS | PROACTOR_SOCKET_NO_DELAY,
	    &s->listener);
	if (status == 0)
		status = proactor_socket_bind(s->listener, address);
	if (status == 0)
		status = proactor_socket_listen(s->listener, 0);
	if (status == 0)
		status = proactor_socket_query_local_address(s->listener,
		    &local);
	if (status == 0)
		status = proactor_address_format(&local, text, sizeof(text));
	if (status == 0) {
		printf("listening on %s\n", text);
		fflush(stdout);
	}
	return status;
}

int
main(int argc, char **argv)
{
	struct server s = { .stop = false };
	struct proactor_address address;
	const char *text = argc > 1 ? argv[1] : "127.0.0.1:7007";
	sigset_t signals;
	int signal_fd, status;

	if (argc > 2 || proactor_address_parse(text, &address) != 0) {
		fprintf(stderr, "usage: 02-echo-server [address]\n");
		return 2;
	}

	/* Signals come as something to poll, like everything else. */
	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	signal_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	if (signal_fd < 0) {
		perror("02-echo-server: signalfd");
		return 1;
	}

	status = proactor_create(NULL, &s.p);
	if (status != 0) {
		complain("create", status);
		return 1;
	}
	status = listen_on(&s, &address);
	if (status != 0) {
		complain(text, status);
		goto out;
	}

	proactor_handle_poll_op_init(&s.signalled,
	    proactor_handle_fd(signal_fd), PROACTOR_POLL_IN, on_signal, &s);
	proactor_accept_op_init(&s.accept, s.listener, on_accept, &s);
	s.accept.base.flags |= PROACTOR_OP_MULTISHOT;
	status = proactor_submit(s.p, (struct proactor_op *[]){
	    &s.signalled.base, &s.accept.base }, 2);
	while (status == 0 && !s.stop)
		status = proactor_poll(s.p, PROACTOR_FOREVER, NULL);
	if (status != 0)
		complain("poll", status);

	/* Cancels what is in flight and runs the callbacks, which free. */
	proactor_shutdown(s.p, proactor_deadline_after(INT64_C(1000000000)));
out:
	proactor_socket_release(s.listener);
	proactor_release(s.p);
	close(signal_fd);
	return status == 0 ? 0 : 1;
}
