/* SPDX-License-Identifier: ISC */
/* One connection that sends, or receives, much. */
#include "config.h"

#include <stdlib.h>

#include "bench/library.h"

struct stream {
	struct proactor *p;
	struct proactor_socket *socket;
	struct proactor_accept_op accept;
	struct proactor_recv_op recv;
	struct proactor_send_op send;
	uint64_t accepted, sends, ended;
	uint64_t left;			/* sends to do */
};

static void
on_accept(void *user, struct proactor_op *op, int status, unsigned int flags)
{
	struct stream *s = user;

	(void)flags;
	check(status, "accept");
	s->socket = ((struct proactor_accept_op *)op)->accepted;
	s->accepted = 1;
}

static void
init(struct stream *s, struct run *run)
{
	struct proactor_socket *listener;

	s->p = library_create(run);
	listener = library_listener(s->p, run);
	proactor_accept_op_init(&s->accept, listener, on_accept, s);
	check(proactor_submit_one(s->p, &s->accept.base),
	    "proactor_submit_one");
	library_until(s->p, &s->accepted, 1);
	proactor_socket_release(listener);
}

static void
fini(struct stream *s, struct run *run)
{
	proactor_socket_release(s->socket);
	run_leave(run);
	library_release(s->p);
}

static void
on_send(void *user, struct proactor_op *op, int status, unsigned int flags)
{
	struct stream *s = user;

	(void)flags;
	check(status, "send");
	s->sends++;
	if (--s->left > 0)
		check(proactor_submit_one(s->p, op), "proactor_submit_one");
}

void
library_stream_out(struct run *run)
{
	struct stream s = { .sends = 0 };
	struct proactor_span span;
	uint64_t total;
	char *buffer;

	init(&s, run);
	buffer = allocate(1, run->size);
	span = proactor_span(buffer, run->size);
	proactor_send_op_init(&s.send, s.socket, &span, 1, 0, on_send, &s);
	total = run->warm_up + run->operations;
	s.left = total;
	check(proactor_submit_one(s.p, &s.send.base), "proactor_submit_one");
	library_until(s.p, &s.sends, total);
	fini(&s, run);
	free(buffer);
}

static void
on_recv(void *user, struct proactor_op *op, int status, unsigned int flags)
{
	struct stream *s = user;

	(void)flags;
	check(status, "recv");
	if (((struct proactor_recv_op *)op)->bytes == 0)
		s->ended = 1;
	else
		check(proactor_submit_one(s->p, op), "proactor_submit_one");
}

void
library_stream_in(struct run *run)
{
	struct stream s = { .ended = 0 };
	struct proactor_span span;
	char *buffer;

	init(&s, run);
	buffer = allocate(1, run->size);
	span = proactor_span(buffer, run->size);
	proactor_recv_op_init(&s.recv, s.socket, &span, 1, on_recv, &s);
	check(proactor_submit_one(s.p, &s.recv.base), "proactor_submit_one");
	library_until(s.p, &s.ended, 1);
	fini(&s, run);
	free(buffer);
}
