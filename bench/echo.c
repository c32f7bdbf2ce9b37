/* SPDX-License-Identifier: ISC */
/* Echo server with single-shot receives. */
#include "config.h"

#include <stdlib.h>

#include "bench/library.h"

struct server {
	struct proactor *p;
	struct connection *connections;
	struct proactor_accept_op accept;
	unsigned int accepted;
	uint64_t closed;
};

struct connection {
	struct server *server;
	struct proactor_socket *socket;
	struct proactor_recv_op recv;
	struct proactor_send_op send;
	char buffer[ECHO_BUFFER];
};

static void
on_recv(void *user, struct proactor_op *op, int status, unsigned int flags)
{
	struct connection *c = user;

	(void)op;
	(void)flags;
	if (status != 0 || c->recv.bytes == 0) {
		proactor_socket_release(c->socket);
		c->server->closed++;
		return;
	}
	c->send.spans[0].length = c->recv.bytes;
	check(proactor_submit_one(c->server->p, &c->send.base),
	    "proactor_submit_one");
}

static void
on_send(void *user, struct proactor_op *op, int status, unsigned int flags)
{
	struct connection *c = user;

	(void)op;
	(void)flags;
	check(status, "send");
	check(proactor_submit_one(c->server->p, &c->recv.base),
	    "proactor_submit_one");
}

static void
on_accept(void *user, struct proactor_op *op, int status, unsigned int flags)
{
	struct server *s = user;
	struct proactor_span span;
	struct connection *c;

	(void)flags;
	if (status == PROACTOR_ECANCELED)
		return;
	check(status, "accept");
	c = &s->connections[s->accepted++];
	c->server = s;
	c->socket = ((struct proactor_accept_op *)op)->accepted;
	span = proactor_span(c->buffer, sizeof(c->buffer));
	proactor_recv_op_init(&c->recv, c->socket, &span, 1, on_recv, c);
	proactor_send_op_init(&c->send, c->socket, &span, 1, 0, on_send, c);
	check(proactor_submit_one(s->p, &c->recv.base), "proactor_submit_one");
}

void
library_echo(struct run *run)
{
	struct server s = { .accepted = 0 };
	struct proactor_socket *listener;

	net_more_files();
	s.p = library_create(run);
	s.connections = allocate(run->size, sizeof(*s.connections));
	listener = library_listener(s.p, run);
	proactor_accept_op_init(&s.accept, listener, on_accept, &s);
	s.accept.base.flags = PROACTOR_OP_MULTISHOT;
	check(proactor_submit_one(s.p, &s.accept.base), "proactor_submit_one");
	library_until(s.p, &s.closed, run->size);
	proactor_socket_release(listener);
	library_release(s.p);
	free(s.connections);
}
