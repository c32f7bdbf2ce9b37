/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <unistd.h>

#include "conformance/sequence.h"

/* Sequences that are refused, and what they leave as it was. */

static void
refused(proactor_step_fn step_fn)
{
	struct proactor_timeout_op timeout, second;
	struct proactor_nop_op a, b;
	struct proactor_timer_op busy;
	struct proactor_op *steps[3], *ops[2];
	struct proactor_sequence_op q;
	struct world w;

	world_open(&w, NULL);
	nop_init(&a, &w);
	nop_init(&b, &w);
	proactor_timeout_op_init(&timeout, 0, record, &w.r);
	proactor_timeout_op_init(&second, 0, record, &w.r);
	proactor_timer_op_init(&busy, PROACTOR_FOREVER, record, &w.r);
	CHECK_INT(proactor_submit_one(w.p, &busy.base), 0);
	steps[0] = &a.base;
	steps[1] = &b.base;
	steps[2] = &a.base;
	sequence_init(&q, &w, NULL, 1, step_fn);
	CHECK_INT(proactor_submit_one(w.p, &q.base), PROACTOR_EINVAL);
	sequence_init(&q, &w, steps, 3, step_fn);
	CHECK_INT(proactor_submit_one(w.p, &q.base), PROACTOR_EBUSY);
	steps[2] = NULL;
	CHECK_INT(proactor_submit_one(w.p, &q.base), PROACTOR_EINVAL);
	steps[2] = &busy.base;
	CHECK_INT(proactor_submit_one(w.p, &q.base), PROACTOR_EBUSY);
	q.count = 2;
	b.base.flags = PROACTOR_OP_LINKED;
	CHECK_INT(proactor_submit_one(w.p, &q.base), PROACTOR_EINVAL);
	b.base.flags = PROACTOR_OP_MULTISHOT;
	CHECK_INT(proactor_submit_one(w.p, &q.base), PROACTOR_EINVAL);
	b.base.flags = 0;
	b.base.type = 77;
	CHECK_INT(proactor_submit_one(w.p, &q.base), PROACTOR_EINVAL);
	b.base.type = PROACTOR_OP_NOP;
	b.base.pool = (struct proactor_op_pool *)(void *)&b;
	CHECK_INT(proactor_submit_one(w.p, &q.base), PROACTOR_EINVAL);
	b.base.pool = NULL;
	steps[0] = &timeout.base;
	CHECK_INT(proactor_submit_one(w.p, &q.base), PROACTOR_EINVAL);
	steps[0] = &a.base;
	steps[1] = &timeout.base;
	steps[2] = &second.base;
	q.count = 3;
	CHECK_INT(proactor_submit_one(w.p, &q.base), PROACTOR_EINVAL);
	/* A step is not in the batch as well. */
	steps[1] = &b.base;
	q.count = 2;
	ops[0] = &q.base;
	ops[1] = &b.base;
	CHECK_INT(proactor_submit(w.p, ops, 2), PROACTOR_EBUSY);
	ops[0] = &b.base;
	ops[1] = &q.base;
	CHECK_INT(proactor_submit(w.p, ops, 2), PROACTOR_EBUSY);
	q.base.callback = NULL;
	CHECK_INT(proactor_submit_one(w.p, &q.base), PROACTOR_EINVAL);
	q.base.callback = record;
	q.base.flags = PROACTOR_OP_MULTISHOT;
	CHECK_INT(proactor_submit_one(w.p, &q.base), PROACTOR_EINVAL);
	q.base.flags = 0;
	CHECK_INT(proactor_cancel(w.p, &busy.base), 0);
	CHECK(poll_finals(&w, &busy, 1));
	recorder_clear(&w.r);
	/* Nothing of them has begun, and all are good for another try. */
	steps[2] = &busy.base;
	busy.deadline = 0;
	q.count = 3;
	CHECK_INT(proactor_submit_one(w.p, &q.base), 0);
	CHECK_INT(proactor_submit_one(w.p, &q.base), PROACTOR_EBUSY);
	CHECK_INT(proactor_submit_one(w.p, &a.base), PROACTOR_EBUSY);
	CHECK_INT(proactor_submit_one(w.p, &busy.base), PROACTOR_EBUSY);
	check_sequence(&w, &q, 3, 0);
	world_close(&w);
}

static void
refusals(void)
{
	refused(NULL);
	refused(always);
}

/* A close in a sequence that is refused has not closed. */
static void
refused_close(void)
{
	struct proactor_socket_close_op close_op;
	struct proactor_send_op send;
	struct proactor_nop_op nop;
	struct proactor_op *steps[] = { &send.base, &close_op.base, NULL };
	struct proactor_op *late[] = { &nop.base, &close_op.base, &send.base };
	struct proactor_sequence_op q;
	struct proactor_socket *s;
	struct world w;
	int fd;

	world_open(&w, NULL);
	s = half_pair(&w, PROACTOR_SOCKET_TCP, 0, &fd);
	nop_init(&nop, &w);
	send_init(&send, &w, s, "x", 1);
	proactor_socket_close_op_init(&close_op, s, record, &w.r);
	sequence_init(&q, &w, steps, 3, NULL);
	CHECK_INT(proactor_submit_one(w.p, &q.base), PROACTOR_EINVAL);
	q.steps = late;
	CHECK_INT(proactor_submit_one(w.p, &q.base), PROACTOR_EBADF);
	/*
	 * With a function the close is no matter before its turn; nor has
	 * what comes after it a reference.
	 */
	q.step_fn = always;
	CHECK(proactor_socket_retain(s) == s);
	CHECK_INT(proactor_submit_one(w.p, &q.base), 0);
	check_sequence(&w, &q, 2, PROACTOR_EBADF);
	proactor_socket_release(s);
	CHECK_INT(fd_drain(fd), 0);
	close(fd);
	world_close(&w);
}

const struct tap_case sequence_refuse_cases[] = {
	{ "sequence: what cannot be a step is refused", refusals },
	{ "sequence: a close that was refused has not closed",
	    refused_close },
	{ NULL, NULL }
};
