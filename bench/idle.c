/* SPDX-License-Identifier: ISC */
/* What a connection costs that waits for something to receive. */
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
	char buffer[MESSAGE_SIZE];
};

static void
on_recv(void *user, struct proactor_op *op, int status, unsigned int flags)
{
	struct connection *c = user;

	(void)op;
	(void)status;
	(void)flags;
	proactor_socket_release(c->socket);
	c->server->closed++;
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
	check(proactor_submit_one(s->p, &c->recv.base), "proactor_submit_one");
}

/* The operations are the caller's memory, the rest is the library's. */
void
library_idle(struct run *run)
{
	struct server s = { .accepted = 0 };
	struct proactor_socket *listener;
	uint64_t held, resident;

	net_more_files();
	s.p = library_create(run);
	s.connections = allocate(run->size, sizeof(*s.connections));
	listener = library_listener(s.p, run);
	held = run->held;
	resident = run_resident();
	proactor_accept_op_init(&s.accept, listener, on_accept, &s);
	s.accept.base.flags = PROACTOR_OP_MULTISHOT;
	check(proactor_submit_one(s.p, &s.accept.base), "proactor_submit_one");
	while (s.accepted < run->size) {
		check(proactor_poll(s.p, PROACTOR_FOREVER, NULL),
		    "proactor_poll");
		run->arrived = s.accepted;
	}
	/* The last receives reach the kernel. */
	library_own(s.p);
	run->result[METRIC_HELD] = (double)(run->held - held) / run->size;
	run->result[METRIC_RESIDENT] =
	    (double)(run_resident() - resident) / run->size;
	run->settled = 1;
	library_until(s.p, &s.closed, run->size);
	proactor_socket_release(listener);
	library_release(s.p);
	free(s.connections);
}
