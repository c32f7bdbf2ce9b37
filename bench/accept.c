/* SPDX-License-Identifier: ISC */
/* Accepts by one multishot operation and closes at once. */
#include "config.h"

#include <stdlib.h>

#include "bench/library.h"

struct server {
	struct proactor *p;
	struct proactor_accept_op accept;
	struct close *idle;
	uint64_t closed;
};

/* A close under way, or one to be used again. */
struct close {
	struct proactor_socket_close_op op;
	struct server *server;
	struct close *next;
};

static void
on_close(void *user, struct proactor_op *op, int status, unsigned int flags)
{
	struct close *c = user;
	struct server *s = c->server;

	(void)op;
	(void)flags;
	check(status, "close");
	c->next = s->idle;
	s->idle = c;
	s->closed++;
}

static void
on_accept(void *user, struct proactor_op *op, int status, unsigned int flags)
{
	struct server *s = user;
	struct close *c = s->idle;

	(void)flags;
	if (status == PROACTOR_ECANCELED)
		return;
	check(status, "accept");
	if (c == NULL)
		die("more connections than the client has", -1);
	s->idle = c->next;
	c->server = s;
	proactor_socket_close_op_init(&c->op,
	    ((struct proactor_accept_op *)op)->accepted, on_close, c);
	check(proactor_submit_one(s->p, &c->op.base), "proactor_submit_one");
}

void
library_accept(struct run *run)
{
	struct server s = { .closed = 0 };
	struct proactor_socket *listener;
	struct close *closes;
	unsigned int i;

	net_more_files();
	s.p = library_create(run);
	/* A connection may be gone before its close is called back. */
	closes = allocate(run->size * 2, sizeof(*closes));
	for (i = 0; i < run->size * 2; i++) {
		closes[i].next = s.idle;
		s.idle = &closes[i];
	}
	listener = library_listener(s.p, run);
	proactor_accept_op_init(&s.accept, listener, on_accept, &s);
	s.accept.base.flags = PROACTOR_OP_MULTISHOT;
	check(proactor_submit_one(s.p, &s.accept.base), "proactor_submit_one");
	library_until(s.p, &s.closed, run->warm_up + run->operations);
	run_leave(run);
	proactor_socket_release(listener);
	library_release(s.p);
	free(closes);
}
