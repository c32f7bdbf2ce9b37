/* SPDX-License-Identifier: ISC */
/*
 * echo BACKEND ROUNDS: serves a few connections of a child process, which sends
 * a message on each and reads it back, so often.  The system calls of this
 * process are for echo.tap to count.  Prints requests and polls; exit status
 * 77 and a reason when the backend does not work.
 */
#include "config.h"

#include <sys/socket.h>
#include <sys/wait.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <proactor.h>

#define CONNECTIONS	8
#define MESSAGE		100

struct server;

struct connection {
	struct server *server;
	struct proactor_recv_op recv;
	struct proactor_send_op send;
	char bytes[4096];
};

static void
must(const char *what, int status)
{
	if (status == 0)
		return;
	fprintf(stderr, "echo: %s: %s\n", what, proactor_strerror(status));
	exit(1);
}

/* --- the child: blocking, and without the library --- */

static void
move_all(int fd, char *bytes, size_t length, int out)
{
	ssize_t n;

	while (length > 0) {
		n = out ? write(fd, bytes, length) : read(fd, bytes, length);
		if (n <= 0)
			_exit(1);
		bytes += n;
		length -= (size_t)n;
	}
}

static void
be_client(const struct proactor_address *address, unsigned long rounds)
{
	char bytes[MESSAGE] = "message";
	int fds[CONNECTIONS], i;

	for (i = 0; i < CONNECTIONS; i++) {
		fds[i] = socket(AF_INET, SOCK_STREAM, 0);
		if (fds[i] == -1 || connect(fds[i],
		    (const struct sockaddr *)(const void *)
		    address->storage.bytes, address->length) != 0)
			_exit(1);
	}
	while (rounds-- > 0) {
		for (i = 0; i < CONNECTIONS; i++)
			move_all(fds[i], bytes, sizeof(bytes), 1);
		for (i = 0; i < CONNECTIONS; i++)
			move_all(fds[i], bytes, sizeof(bytes), 0);
	}
	_exit(0);
}

/* --- the server --- */

struct server {
	struct proactor *p;
	struct proactor_accept_op accept;
	struct connection connections[CONNECTIONS];
	unsigned int accepted, open;
	unsigned long bytes;
};

static void
received(void *user_data, struct proactor_op *op, int status,
    unsigned int flags)
{
	struct connection *c = user_data;

	(void)op;
	(void)flags;
	must("recv", status);
	if (c->recv.bytes == 0) {
		proactor_socket_release(c->recv.socket);
		c->server->open--;
		return;
	}
	c->send.spans[0].length = c->recv.bytes;
	must("send", proactor_submit_one(c->server->p, &c->send.base));
}

static void
sent(void *user_data, struct proactor_op *op, int status, unsigned int flags)
{
	struct connection *c = user_data;

	(void)op;
	(void)flags;
	must("send", status);
	c->server->bytes += c->send.bytes;
	must("recv", proactor_submit_one(c->server->p, &c->recv.base));
}

static void
accepted(void *user_data, struct proactor_op *op, int status,
    unsigned int flags)
{
	struct server *server = user_data;
	struct connection *c = &server->connections[server->accepted++];
	struct proactor_span span = proactor_span(c->bytes, sizeof(c->bytes));

	(void)flags;
	must("accept", status);
	c->server = server;
	server->open++;
	proactor_recv_op_init(&c->recv, server->accept.accepted, &span, 1,
	    received, c);
	proactor_send_op_init(&c->send, server->accept.accepted, &span, 1, 0,
	    sent, c);
	must("recv", proactor_submit_one(server->p, &c->recv.base));
	if (server->accepted < CONNECTIONS)
		must("accept", proactor_submit_one(server->p, op));
}

static struct proactor *
create(const char *backend)
{
	struct proactor_options o;
	struct proactor *p;
	char reason[256] = "";

	proactor_options_init(&o);
	o.backend = backend;
	o.reason = reason;
	o.reason_size = sizeof(reason);
	if (proactor_create(&o, &p) == 0)
		return p;
	printf("%s\n", reason);
	exit(77);
}

int
main(int argc, char **argv)
{
	static struct server server;
	struct proactor_address address;
	struct proactor_socket *listener;
	unsigned long polls = 0;
	int status;
	pid_t child;

	if (argc != 3)
		return 2;
	server.p = create(argv[1]);
	must("address", proactor_address_from_ipv4("127.0.0.1", 0, &address));
	must("socket", proactor_socket_create(server.p, PROACTOR_SOCKET_TCP, 0,
	    &listener));
	must("bind", proactor_socket_bind(listener, &address));
	must("listen", proactor_socket_listen(listener, 0));
	must("address", proactor_socket_query_local_address(listener,
	    &address));
	child = fork();
	if (child == 0)
		be_client(&address, strtoul(argv[2], NULL, 10));
	proactor_accept_op_init(&server.accept, listener, accepted, &server);
	must("accept", proactor_submit_one(server.p, &server.accept.base));
	for (; server.accepted < CONNECTIONS || server.open > 0; polls++)
		must("poll", proactor_poll(server.p, PROACTOR_FOREVER, NULL));
	proactor_socket_release(listener);
	must("shutdown", proactor_shutdown(server.p, PROACTOR_FOREVER));
	proactor_release(server.p);
	printf("%lu %lu\n", server.bytes / MESSAGE, polls);
	return waitpid(child, &status, 0) == child && status == 0 ? 0 : 1;
}
