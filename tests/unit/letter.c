/* SPDX-License-Identifier: ISC */
/*
 * An operation that is done while another thread is about to cancel it waits
 * for that thread's letter.  Here the thread is held up between its two steps,
 * for as long as the case likes.
 */
#include "config.h"

#include <sys/socket.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/core.h"
#include "tap/tap.h"

#define TOLD_MAX	8

struct world {
	struct proactor *p;
	int called;			/* back, with a final callback */
	int status;			/* of the last */
	const struct proactor_op *told[TOLD_MAX];
	int count;			/* of told */
	char log[200];			/* the last line */
};

static void
done(void *user_data, struct proactor_op *op, int status, unsigned int flags)
{
	struct world *w = user_data;

	(void)op;
	CHECK_INT(flags & PROACTOR_COMPLETION_MORE, 0);
	w->called++;
	w->status = status;
}

static void
note_line(void *user_data, int level, const char *line)
{
	struct world *w = user_data;

	(void)level;
	snprintf(w->log, sizeof(w->log), "%s", line);
}

static void
note_told(void *user_data, struct proactor_op *op)
{
	struct world *w = user_data;

	CHECK(w->count < TOLD_MAX);
	w->told[w->count++] = op;
}

static void
open_world(struct world *w)
{
	struct proactor_options o;

	memset(w, 0, sizeof(*w));
	proactor_options_init(&o);
	o.log_fn = note_line;
	o.log_data = w;
	CHECK_INT(proactor_create(&o, &w->p), 0);
	/* From here on this thread owns it. */
	CHECK_INT(proactor_poll(w->p, PROACTOR_IMMEDIATE, NULL),
	    PROACTOR_ETIMEDOUT);
}

/* As proactor_cancel() on another thread begins, and as it goes on. */
static void
begin_cancel(struct proactor_op *op)
{
	CHECK_INT(atomic_exchange(&op_state(op)->life,
	    LIFE_FLIGHT | LIFE_CANCEL_MAILED), LIFE_FLIGHT);
}

static void
end_cancel(struct world *w, struct proactor_op *op)
{
	op_state(op)->cancel_mail.kind = MAIL_CANCEL;
	mailbox_post(&w->p->mailbox, &op_state(op)->cancel_mail);
	proactor__wake_up(w->p);
}

/* A shutdown gets as far as it can without the letter about op. */
static void
shut_down(struct world *w, struct proactor_op *op)
{
	do
		CHECK_INT(proactor_shutdown(w->p, PROACTOR_IMMEDIATE),
		    PROACTOR_ETIMEDOUT);
	while (op_state(op)->stage != STAGE_AWAIT_MAIL);
}

/* What remains is op and, unless it is NULL, the one after it. */
static void
check_told(struct world *w, const struct proactor_op *op,
    const struct proactor_op *after)
{
	int count = after != NULL ? 2 : 1;

	w->count = 0;
	CHECK_INT(proactor_shutdown_remaining(w->p, note_told, w), count);
	CHECK_INT(w->count, count);
	CHECK(w->told[0] == op);
	CHECK(after == NULL || w->told[1] == after);
}

/* The letter comes: the rest is as ever. */
static void
close_world(struct world *w, struct proactor_op *op, int callbacks)
{
	end_cancel(w, op);
	CHECK_INT(proactor_shutdown(w->p, PROACTOR_FOREVER), 0);
	CHECK_INT(proactor_shutdown_remaining(w->p, note_told, w), 0);
	CHECK_INT(w->called, callbacks);
	proactor_release(w->p);
	CHECK_STR(w->log, "");
}

static void
timer(void)
{
	struct proactor_timer_op op;
	struct world w;

	open_world(&w);
	proactor_timer_op_init(&op, PROACTOR_FOREVER, done, &w);
	CHECK_INT(proactor_submit_one(w.p, &op.base), 0);
	begin_cancel(&op.base);
	shut_down(&w, &op.base);
	check_told(&w, &op.base, NULL);
	close_world(&w, &op.base, 1);
	CHECK_INT(w.status, PROACTOR_ECANCELED);
}

static void
chain(void)
{
	struct proactor_nop_op first;
	struct proactor_timer_op second;
	struct proactor_op *ops[2] = { &first.base, &second.base };
	struct world w;

	open_world(&w);
	proactor_nop_op_init(&first, done, &w);
	first.base.flags = PROACTOR_OP_LINKED;
	proactor_timer_op_init(&second, PROACTOR_FOREVER, done, &w);
	CHECK_INT(proactor_submit(w.p, ops, 2), 0);
	begin_cancel(&first.base);
	/* It is over before the shutdown: the second is not to begin. */
	CHECK_INT(proactor_poll(w.p, PROACTOR_IMMEDIATE, NULL),
	    PROACTOR_ETIMEDOUT);
	CHECK_INT(op_state(&first.base)->stage, STAGE_AWAIT_MAIL);
	shut_down(&w, &first.base);
	check_told(&w, &first.base, &second.base);
	close_world(&w, &first.base, 2);
	CHECK_INT(w.status, PROACTOR_ECANCELED);
}

static void
event_wait(void)
{
	struct proactor_event_wait_op op;
	struct proactor_event *event;
	struct world w;

	open_world(&w);
	CHECK_INT(proactor_event_create(w.p, &event), 0);
	proactor_event_wait_op_init(&op, event, done, &w);
	CHECK_INT(proactor_submit_one(w.p, &op.base), 0);
	proactor_event_release(event);
	begin_cancel(&op.base);
	shut_down(&w, &op.base);
	check_told(&w, &op.base, NULL);
	close_world(&w, &op.base, 1);
}

static void
import(struct world *w, struct proactor_socket **ret_socket, int *ret_peer)
{
	int fds[2];

	CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	CHECK_INT(proactor_socket_import(w->p, proactor_handle_fd(fds[0]),
	    PROACTOR_SOCKET_UNIX_STREAM, 0, ret_socket), 0);
	*ret_peer = fds[1];
}

/* Its socket has it on a list all the time. */
static void
receive(void)
{
	struct proactor_recv_op op;
	struct proactor_socket *socket;
	struct proactor_span span;
	struct world w;
	char byte;
	int peer;

	open_world(&w);
	import(&w, &socket, &peer);
	span = proactor_span(&byte, 1);
	proactor_recv_op_init(&op, socket, &span, 1, done, &w);
	CHECK_INT(proactor_submit_one(w.p, &op.base), 0);
	begin_cancel(&op.base);
	shut_down(&w, &op.base);
	check_told(&w, &op.base, NULL);
	proactor_socket_release(socket);
	close_world(&w, &op.base, 1);
	close(peer);
}

static void
close_of_socket(void)
{
	struct proactor_socket_close_op op;
	struct proactor_socket *socket;
	struct world w;
	int peer;

	open_world(&w);
	import(&w, &socket, &peer);
	proactor_socket_close_op_init(&op, socket, done, &w);
	CHECK_INT(proactor_submit_one(w.p, &op.base), 0);
	begin_cancel(&op.base);
	shut_down(&w, &op.base);
	check_told(&w, &op.base, NULL);
	close_world(&w, &op.base, 1);
	close(peer);
}

/* The second time round a receive takes the short way, past the list. */
static void
released(void)
{
	struct proactor_recv_op op;
	struct proactor_socket *socket;
	struct proactor_span span;
	struct world w;
	char byte;
	int i, peer;

	open_world(&w);
	import(&w, &socket, &peer);
	span = proactor_span(&byte, 1);
	proactor_recv_op_init(&op, socket, &span, 1, done, &w);
	for (i = 0; i < 4; i++) {
		CHECK_INT(proactor_submit_one(w.p, &op.base), 0);
		CHECK_INT(write(peer, "x", 1), 1);
		if (i < 3)
			CHECK_INT(proactor_poll(w.p, PROACTOR_FOREVER, NULL),
			    0);
	}
	begin_cancel(&op.base);
	while (op_state(&op.base)->stage != STAGE_AWAIT_MAIL)
		CHECK_INT(proactor_poll(w.p, PROACTOR_IMMEDIATE, NULL),
		    PROACTOR_ETIMEDOUT);
	end_cancel(&w, &op.base);
	proactor_release(w.p);
	CHECK(strstr(w.log, "with 1 operations") != NULL);
	CHECK_INT(w.called, 3);
	proactor_socket_release(socket);
	close(peer);
}

static const struct tap_case cases[] = {
	{ "letter: shutdown waits, and names a timer", timer },
	{ "letter: ... and the rest of a chain, which does not begin", chain },
	{ "letter: ... and what has left the list of an event", event_wait },
	{ "letter: ... and a receive, once", receive },
	{ "letter: ... and a close, once", close_of_socket },
	{ "letter: release abandons what waits for one, once", released },
	{ NULL, NULL }
};

int
main(void)
{
	return tap_run(cases);
}
