/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "conformance/conformance.h"

/* The operation that polls a handle. */

static void
open_pipe(int fds[2])
{
	CHECK_INT(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
}

static void
close_pipe(int fds[2])
{
	CHECK_INT(close(fds[0]), 0);
	CHECK_INT(close(fds[1]), 0);
}

static void
put(int fd)
{
	CHECK_INT(write(fd, "x", 1), 1);
}

static void
poll_op(struct world *w, struct proactor_handle_poll_op *op, int fd,
    unsigned int wanted)
{
	proactor_handle_poll_op_init(op, proactor_handle_fd(fd), wanted,
	    record, &w->r);
	CHECK_INT(proactor_submit_one(w->p, &op->base), 0);
}

static void
poll_drains_nothing(void)
{
	struct world w;
	struct proactor_handle_poll_op op;
	int fds[2];
	char byte;
	size_t i;

	world_open(&w, NULL);
	open_pipe(fds);
	for (i = 1; i <= 4; i++) {
		poll_op(&w, &op, fds[0], PROACTOR_POLL_IN);
		if (i <= 2)
			CHECK(poll_quiet(&w));
		put(fds[1]);
		CHECK(poll_until(&w, &w.r.finals, i));
		CHECK_INT(status_of(&w.r, &op), 0);
		CHECK_INT(op.fired, PROACTOR_POLL_IN);
		CHECK_INT(w.r.seen[i - 1].flags, 0);
		/* One shot: more does not call back again. */
		put(fds[1]);
		CHECK(poll_quiet(&w));
		CHECK_INT(read(fds[0], &byte, 1), 1);
		CHECK_INT(read(fds[0], &byte, 1), 1);
	}
	close_pipe(fds);
	world_close(&w);
}

static void
poll_for_room(void)
{
	struct world w;
	struct proactor_handle_poll_op op, in_out;
	char bytes[4096] = "";
	int fds[2];

	world_open(&w, NULL);
	open_pipe(fds);
	poll_op(&w, &op, fds[1], PROACTOR_POLL_OUT);
	CHECK(poll_until(&w, &w.r.finals, 1));
	CHECK_INT(op.fired, PROACTOR_POLL_OUT);
	while (write(fds[1], bytes, sizeof(bytes)) > 0)
		continue;
	CHECK_INT(errno, EAGAIN);
	poll_op(&w, &op, fds[1], PROACTOR_POLL_OUT);
	poll_op(&w, &in_out, fds[0], PROACTOR_POLL_IN | PROACTOR_POLL_OUT);
	CHECK(poll_until(&w, &w.r.finals, 2));
	CHECK_INT(in_out.fired, PROACTOR_POLL_IN);
	CHECK(poll_quiet(&w));
	while (read(fds[0], bytes, sizeof(bytes)) > 0)
		continue;
	CHECK(poll_until(&w, &w.r.finals, 3));
	CHECK_INT(status_of(&w.r, &op), 0);
	CHECK_INT(op.fired, PROACTOR_POLL_OUT);
	close_pipe(fds);
	world_close(&w);
}

static void
poll_hangup(void)
{
	struct world w;
	struct proactor_handle_poll_op reader, writer;
	int a[2], b[2];

	world_open(&w, NULL);
	open_pipe(a);
	open_pipe(b);
	poll_op(&w, &reader, a[0], PROACTOR_POLL_IN);
	CHECK(poll_quiet(&w));
	CHECK_INT(close(a[1]), 0);
	CHECK_INT(close(b[0]), 0);
	poll_op(&w, &writer, b[1], PROACTOR_POLL_IN);
	CHECK(poll_until(&w, &w.r.finals, 2));
	CHECK_INT(status_of(&w.r, &reader), 0);
	CHECK(reader.fired & PROACTOR_POLL_HUP);
	CHECK_INT(status_of(&w.r, &writer), 0);
	CHECK(writer.fired & PROACTOR_POLL_ERR);
	CHECK_INT(close(a[0]), 0);
	CHECK_INT(close(b[1]), 0);
	world_close(&w);
}

static void
poll_result_is_assigned(void)
{
	struct world w;
	struct proactor_handle_poll_op op;
	int fds[2];

	world_open(&w, NULL);
	open_pipe(fds);
	poll_op(&w, &op, fds[1], PROACTOR_POLL_OUT);
	CHECK(poll_until(&w, &w.r.finals, 1));
	CHECK_INT(op.fired, PROACTOR_POLL_OUT);
	op.handle = proactor_handle_fd(fds[0]);
	op.wanted = PROACTOR_POLL_IN;
	put(fds[1]);
	CHECK_INT(run_one(&w, &op.base), 0);
	CHECK_INT(op.fired, PROACTOR_POLL_IN);
	close_pipe(fds);
	world_close(&w);
}

static void
poll_cancelled(void)
{
	struct world w;
	struct proactor_handle_poll_op op;
	int fds[2], status;
	size_t i;

	world_open(&w, NULL);
	open_pipe(fds);
	for (i = 1; i <= 3; i++) {
		poll_op(&w, &op, fds[0], PROACTOR_POLL_IN);
		if (i == 3)
			CHECK(poll_quiet(&w));
		CHECK_INT(proactor_cancel(w.p, &op.base), 0);
		CHECK(poll_until(&w, &w.r.finals, i));
		CHECK_INT(status_of(&w.r, &op), PROACTOR_ECANCELED);
		CHECK_INT(proactor_cancel(w.p, &op.base), PROACTOR_ENOENT);
	}
	/* Fired already, not yet called back. */
	poll_op(&w, &op, fds[0], PROACTOR_POLL_IN);
	CHECK(poll_quiet(&w));
	put(fds[1]);
	CHECK_INT(proactor_cancel(w.p, &op.base), 0);
	CHECK(poll_until(&w, &w.r.finals, 4));
	status = status_of(&w.r, &op);
	CHECK(status == 0 || status == PROACTOR_ECANCELED);
	CHECK(poll_quiet(&w));
	close_pipe(fds);
	world_close(&w);
}

static void
poll_bad_handles(void)
{
	struct world w;
	struct proactor_handle_poll_op op;
	int fds[2];

	world_open(&w, NULL);
	open_pipe(fds);
	proactor_handle_poll_op_init(&op, proactor_handle_none(),
	    PROACTOR_POLL_IN, record, &w.r);
	CHECK_INT(proactor_submit_one(w.p, &op.base), PROACTOR_EINVAL);
	op.handle = proactor_handle_fd(fds[0]);
	op.wanted = 0x4000;
	CHECK_INT(proactor_submit_one(w.p, &op.base), PROACTOR_EINVAL);
	op.wanted = 0;
	CHECK_INT(proactor_submit_one(w.p, &op.base), PROACTOR_EINVAL);
	close_pipe(fds);
	op.wanted = PROACTOR_POLL_IN;
	CHECK_INT(run_one(&w, &op.base), PROACTOR_EBADF);
	op.handle = proactor_handle_fd(-1);
	CHECK_INT(run_one(&w, &op.base), PROACTOR_EBADF);
	world_close(&w);
}

const struct tap_case readiness_cases[] = {
	{ "handle poll: one shot, and drains nothing", poll_drains_nothing },
	{ "handle poll: waits for room to write", poll_for_room },
	{ "handle poll: hang-up and error are told unasked", poll_hangup },
	{ "handle poll: the result is assigned at each completion",
	    poll_result_is_assigned },
	{ "handle poll: cancel at any moment", poll_cancelled },
	{ "handle poll: bad handles and events are EBADF or EINVAL",
	    poll_bad_handles },
	{ NULL, NULL }
};
