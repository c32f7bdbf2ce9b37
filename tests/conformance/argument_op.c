/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "conformance/argument.h"

/*
 * Bad operations: each is refused with its code, nothing is started, and it
 * stays the caller's.
 */

static void
unknown_types(void)
{
	static const unsigned int types[] = {
		0, PROACTOR_OP_TIMEOUT + 1, 1000, ~0u
	};
	struct proactor_nop_op nop;
	struct world w;
	size_t i;

	world_open(&w, NULL);
	for (i = 0; i < COUNT(types); i++) {
		proactor_nop_op_init(&nop, record, &w.r);
		nop.base.type = types[i];
		check_refused(&w, &nop.base, PROACTOR_EINVAL);
	}
	world_close(&w);
}

static void
unknown_flags(void)
{
	static const unsigned int flags[] = { 0x4, 0x80000000u, 0x5, ~0u };
	struct zoo *z;
	struct world w;
	size_t i, j;

	world_open(&w, NULL);
	z = zoo_open(&w);
	for (i = 0; i < COUNT(z->ops); i++) {
		for (j = 0; j < COUNT(flags); j++) {
			z->ops[i]->flags = flags[j];
			check_refused(&w, z->ops[i], PROACTOR_EINVAL);
		}
		/* Linked to nothing. */
		z->ops[i]->flags = PROACTOR_OP_LINKED;
		check_refused(&w, z->ops[i], PROACTOR_EINVAL);
	}
	CHECK(poll_quiet(&w));
	zoo_close(z);
	world_close(&w);
}

static void
multishot_elsewhere(void)
{
	struct zoo *z;
	struct world w;
	size_t i;

	world_open(&w, NULL);
	z = zoo_open(&w);
	for (i = 0; i < COUNT(z->ops); i++) {
		if (z->ops[i]->type == PROACTOR_OP_ACCEPT ||
		    z->ops[i]->type == PROACTOR_OP_RECV)
			continue;
		z->ops[i]->flags = PROACTOR_OP_MULTISHOT;
		check_refused(&w, z->ops[i], PROACTOR_EINVAL);
	}
	CHECK(poll_quiet(&w));
	zoo_close(z);
	world_close(&w);
}

static void
no_callback_no_pool(void)
{
	struct zoo *z;
	struct world w;
	size_t i;

	world_open(&w, NULL);
	z = zoo_open(&w);
	for (i = 0; i < COUNT(z->ops); i++) {
		z->ops[i]->callback = NULL;
		check_refused(&w, z->ops[i], PROACTOR_EINVAL);
		z->ops[i]->callback = record;
		z->ops[i]->pool = UNTOUCHED;
		check_refused(&w, z->ops[i], PROACTOR_EINVAL);
	}
	CHECK(poll_quiet(&w));
	zoo_close(z);
	world_close(&w);
}

static void
names_nothing(void)
{
	struct zoo *z;
	struct world w;

	world_open(&w, NULL);
	z = zoo_open(&w);
	z->event_wait.event = NULL;
	check_refused(&w, &z->event_wait.base, PROACTOR_EINVAL);
	z->accept.listener = NULL;
	check_refused(&w, &z->accept.base, PROACTOR_EINVAL);
	z->connect.socket = NULL;
	check_refused(&w, &z->connect.base, PROACTOR_EINVAL);
	z->recv.socket = NULL;
	check_refused(&w, &z->recv.base, PROACTOR_EINVAL);
	z->send.socket = NULL;
	check_refused(&w, &z->send.base, PROACTOR_EINVAL);
	z->recvfrom.socket = NULL;
	check_refused(&w, &z->recvfrom.base, PROACTOR_EINVAL);
	z->sendto.socket = NULL;
	check_refused(&w, &z->sendto.base, PROACTOR_EINVAL);
	z->socket_close.socket = NULL;
	check_refused(&w, &z->socket_close.base, PROACTOR_EINVAL);
	z->file_open.path = NULL;
	check_refused(&w, &z->file_open.base, PROACTOR_EINVAL);
	z->file_read.file = NULL;
	check_refused(&w, &z->file_read.base, PROACTOR_EINVAL);
	z->file_write.file = NULL;
	check_refused(&w, &z->file_write.base, PROACTOR_EINVAL);
	z->file_close.file = NULL;
	check_refused(&w, &z->file_close.base, PROACTOR_EINVAL);
	z->message.target = NULL;
	check_refused(&w, &z->message.base, PROACTOR_EINVAL);
	zoo_close(z);
	world_close(&w);
}

static void
of_another_proactor(void)
{
	struct world w, other;
	struct zoo *z;
	size_t i;

	world_open(&w, NULL);
	world_open(&other, NULL);
	z = zoo_open(&other);
	for (i = 0; i < COUNT(z->ops); i++) {
		switch (z->ops[i]->type) {
		case PROACTOR_OP_NOP:
		case PROACTOR_OP_TIMER:
		case PROACTOR_OP_HANDLE_POLL:
		case PROACTOR_OP_FILE_OPEN:
		case PROACTOR_OP_MESSAGE:
			break;
		default:
			check_refused(&w, z->ops[i], PROACTOR_EINVAL);
		}
	}
	CHECK(poll_quiet(&w));
	/* It was not taken for closing by that. */
	send_all(&other, z->stream, "x", 1);
	zoo_close(z);
	world_close(&w);
	world_close(&other);
}

static void
cancel_elsewhere(void)
{
	struct world w, other;
	struct zoo *z;
	int status;

	world_open(&w, NULL);
	world_open(&other, NULL);
	z = zoo_open(&w);
	CHECK_INT(proactor_cancel(w.p, NULL), PROACTOR_EINVAL);
	CHECK_INT(proactor_submit_one(w.p, &z->recv.base), 0);
	poll_barrier(&w);
	status = proactor_cancel(other.p, &z->recv.base);
	CHECK(status == PROACTOR_ENOENT || status == PROACTOR_EINVAL);
	poll_barrier(&other);
	CHECK(poll_quiet(&w));
	CHECK_INT(proactor_submit_one(other.p, &z->recv.base),
	    PROACTOR_EBUSY);
	fd_write_all(z->fd, "text", 4);
	CHECK(poll_finals(&w, &z->recv, 1));
	CHECK_INT(status_of(&w.r, &z->recv), 0);
	CHECK_INT(z->recv.bytes, 4);
	zoo_close(z);
	world_close(&w);
	world_close(&other);
}

static void
holes_in_a_batch(void)
{
	struct proactor_op *ops[3];
	struct world w;
	struct zoo *z;

	world_open(&w, NULL);
	z = zoo_open(&w);
	ops[0] = &z->nop.base;
	ops[1] = NULL;
	ops[2] = &z->send.base;
	CHECK_INT(proactor_submit(w.p, ops, 3), PROACTOR_EINVAL);
	CHECK_INT(proactor_submit(w.p, NULL, 3), PROACTOR_EINVAL);
	CHECK_INT(proactor_submit_one(w.p, NULL), PROACTOR_EINVAL);
	CHECK(poll_quiet(&w));
	CHECK(fd_is_silent(z->fd));
	/* A close that is refused with its batch has not closed. */
	ops[0] = &z->socket_close.base;
	ops[2] = &z->file_close.base;
	CHECK_INT(proactor_submit(w.p, ops, 3), PROACTOR_EINVAL);
	ops[1] = ops[2];
	ops[2] = NULL;
	CHECK_INT(proactor_submit(w.p, ops, 3), PROACTOR_EINVAL);
	CHECK(poll_quiet(&w));
	CHECK_INT(run_one(&w, &z->send.base), 0);
	CHECK_INT(run_one(&w, &z->file_write.base), 0);
	zoo_close(z);
	world_close(&w);
}

/* --- in flight, and good again --- */

static void
busy(void)
{
	struct proactor_op *waiting[4];
	struct world w;
	struct zoo *z;
	size_t i;

	world_open(&w, NULL);
	z = zoo_open(&w);
	waiting[0] = &z->event_wait.base;
	waiting[1] = &z->handle_poll.base;
	waiting[2] = &z->accept.base;
	waiting[3] = &z->recv.base;
	for (i = 0; i < COUNT(waiting); i++) {
		CHECK_INT(proactor_submit_one(w.p, waiting[i]), 0);
		CHECK_INT(proactor_submit_one(w.p, waiting[i]),
		    PROACTOR_EBUSY);
	}
	poll_barrier(&w);
	for (i = 0; i < COUNT(waiting); i++) {
		CHECK_INT(proactor_submit_one(w.p, waiting[i]),
		    PROACTOR_EBUSY);
		CHECK_INT(proactor_cancel(w.p, waiting[i]), 0);
		CHECK_INT(proactor_submit_one(w.p, waiting[i]),
		    PROACTOR_EBUSY);
	}
	CHECK(poll_until(&w, &w.r.finals, COUNT(waiting)));
	poll_barrier(&w);
	CHECK_INT(w.r.calls, COUNT(waiting));
	for (i = 0; i < COUNT(waiting); i++)
		CHECK_INT(status_of(&w.r, waiting[i]), PROACTOR_ECANCELED);
	zoo_close(z);
	world_close(&w);
}

/* A refused operation is the caller's: put right, it works. */
static void
put_right(void)
{
	struct world w;
	struct zoo *z;
	size_t i;

	world_open(&w, NULL);
	z = zoo_open(&w);
	for (i = 0; i < COUNT(z->ops); i++) {
		z->ops[i]->flags = ~0u;
		check_refused(&w, z->ops[i], PROACTOR_EINVAL);
		z->ops[i]->flags = 0;
	}
	CHECK_INT(run_one(&w, &z->nop.base), 0);
	CHECK_INT(run_one(&w, &z->timer.base), 0);
	CHECK_INT(proactor_event_set(z->event), 0);
	CHECK_INT(run_one(&w, &z->event_wait.base), 0);
	CHECK_INT(run_one(&w, &z->send.base), 0);
	CHECK_INT(run_one(&w, &z->handle_poll.base), 0);
	CHECK_INT(run_one(&w, &z->connect.base), 0);
	CHECK_INT(run_one(&w, &z->accept.base), 0);
	proactor_socket_release(z->accept.accepted);
	fd_write_all(z->fd, "text", 4);
	CHECK_INT(run_one(&w, &z->recv.base), 0);
	CHECK_INT(run_one(&w, &z->sendto.base), 0);
	CHECK_INT(run_one(&w, &z->file_write.base), 0);
	CHECK_INT(run_one(&w, &z->file_read.base), 0);
	CHECK_INT(run_one(&w, &z->file_open.base), 0);
	proactor_file_release(z->file_open.file);
	CHECK_INT(run_one(&w, &z->file_close.base), 0);
	CHECK_INT(run_one(&w, &z->socket_close.base), 0);
	z->file = NULL;
	z->stream = NULL;
	zoo_close(z);
	world_close(&w);
}

const struct tap_case argument_op_cases[] = {
	{ "argument: unknown types of operations are EINVAL",
	    unknown_types },
	{ "argument: unknown flags of operations are EINVAL",
	    unknown_flags },
	{ "argument: MULTISHOT is EINVAL but for accept and recv",
	    multishot_elsewhere },
	{ "argument: no callback, or a pool, is EINVAL",
	    no_callback_no_pool },
	{ "argument: an operation on nothing is EINVAL", names_nothing },
	{ "argument: an operation on what is another proactor's is EINVAL",
	    of_another_proactor },
	{ "argument: another proactor does not cancel or take it",
	    cancel_elsewhere },
	{ "argument: a hole in a batch refuses all of it",
	    holes_in_a_batch },
	{ "argument: each that waits is EBUSY until its callback", busy },
	{ "argument: what was refused can be put right", put_right },
	{ NULL, NULL }
};
