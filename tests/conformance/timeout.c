/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <stdlib.h>
#include <unistd.h>

#include "conformance/everything.h"
#include "conformance/timeout.h"

/* Linked timeouts: the deadline of the operation before them. */

/* --- the deadline comes first --- */

static void
expires(struct world *w, struct proactor_op *op)
{
	int64_t deadlines[] = {
		proactor_deadline_after(SOON), PROACTOR_IMMEDIATE, -1,
	};
	struct trio t;
	size_t i;

	for (i = 0; i < COUNT(deadlines); i++) {
		op->flags = 0;
		trio_submit(&t, w, op, deadlines[i]);
		trio_check(&t, w, PROACTOR_ECANCELED, PROACTOR_ETIMEDOUT,
		    PROACTOR_ECANCELED);
		CHECK(proactor_now() >= deadlines[i]);
	}
}

static void
any_kind_expires(void)
{
	static struct everything f;
	struct proactor_op *ops[] = { &f.timer.base, &f.wait.base,
		&f.poll.base, &f.recv.base, &f.recvfrom.base, &f.accept.base,
		&f.notified.base, &f.reached.base };
	size_t i;

	everything_open(&f, NULL);
	everything_submit(&f);
	poll_barrier(&f.w);
	for (i = 0; i < COUNT(ops); i++)
		CHECK_INT(proactor_cancel(f.w.p, ops[i]), 0);
	CHECK_INT(proactor_cancel(f.w.p, &f.recv_behind.base), 0);
	CHECK(poll_until(&f.w, &f.w.r.finals, EVERYTHING));
	recorder_clear(&f.w.r);
	for (i = 0; i < COUNT(ops); i++)
		expires(&f.w, ops[i]);
	everything_drop(&f);
	world_close(&f.w);
}

/* One that stands behind another on its socket has begun all the same. */
static void
queued_expires(void)
{
	struct proactor_recv_op first, second;
	struct proactor_socket *s;
	struct world w;
	char memory[2];
	int fd;

	world_open(&w, NULL);
	s = half_pair(&w, PROACTOR_SOCKET_TCP, 0, &fd);
	proactor_recv_op_init(&first, s, (struct proactor_span[]){
	    proactor_span(memory, 1) }, 1, record, &w.r);
	recv_init(&second, &w, s, memory + 1, 1);
	CHECK_INT(proactor_submit_one(w.p, &first.base), 0);
	poll_barrier(&w);
	expires(&w, &second.base);
	CHECK_INT(proactor_cancel(w.p, &first.base), 0);
	CHECK(poll_finals(&w, &first, 1));
	CHECK_INT(close_socket(&w, s), 0);
	close(fd);
	world_close(&w);
}

/* What a send has accepted of its bytes by then is told. */
static void
part_of_a_send(void)
{
	struct proactor_send_op send;
	struct proactor_socket *s;
	struct trio t;
	struct world w;
	char *memory;
	int fd;

	world_open(&w, NULL);
	memory = calloc(1, BLOCKING_SIZE);
	CHECK(memory != NULL);
	s = half_pair(&w, PROACTOR_SOCKET_TCP, 0, &fd);
	send_init(&send, &w, s, memory, BLOCKING_SIZE);
	trio_submit(&t, &w, &send.base, proactor_deadline_after(10 * SOON));
	trio_check(&t, &w, PROACTOR_ECANCELED, PROACTOR_ETIMEDOUT,
	    PROACTOR_ECANCELED);
	CHECK(send.bytes < BLOCKING_SIZE);
	CHECK_INT(close_socket(&w, s), 0);
	CHECK_INT(fd_drain(fd), send.bytes);
	close(fd);
	free(memory);
	world_close(&w);
}

/* --- the operation comes first --- */

static void
in_time(void)
{
	struct proactor_event_wait_op wait_op;
	struct proactor_event *event;
	struct trio t;
	struct world w;
	int64_t begun;

	world_open(&w, NULL);
	CHECK_INT(proactor_event_create(w.p, &event), 0);
	proactor_event_wait_op_init(&wait_op, event, record, &w.r);
	begun = proactor_now();
	trio_submit(&t, &w, &wait_op.base, PROACTOR_FOREVER);
	poll_barrier(&w);
	CHECK_INT(w.r.calls, 0);
	CHECK_INT(proactor_event_set(event), 0);
	trio_check(&t, &w, 0, PROACTOR_ECANCELED, 0);
	/* Nor does a deadline hold up the end. */
	wait_op.base.flags = 0;
	CHECK_INT(proactor_event_set(event), 0);
	trio_submit(&t, &w, &wait_op.base,
	    proactor_deadline_after(1000000 * MILLISECOND));
	trio_check(&t, &w, 0, PROACTOR_ECANCELED, 0);
	CHECK(proactor_now() - begun < 500000 * MILLISECOND);
	proactor_event_release(event);
	world_close(&w);
}

static void
at_once(void)
{
	struct proactor_nop_op nop;
	struct trio t;
	struct world w;

	/* A nop needs no time at all. */
	world_open(&w, NULL);
	nop_init(&nop, &w);
	trio_submit(&t, &w, &nop.base, PROACTOR_IMMEDIATE);
	trio_check(&t, &w, 0, PROACTOR_ECANCELED, 0);
	world_close(&w);
}

static void
timer_against_timeout(void)
{
	int64_t now = proactor_now();
	struct proactor_timer_op timer;
	struct trio t;
	struct world w;

	world_open(&w, NULL);
	proactor_timer_op_init(&timer, now + SOON, record, &w.r);
	trio_submit(&t, &w, &timer.base, now + SOON + 1);
	trio_check(&t, &w, 0, PROACTOR_ECANCELED, 0);
	timer.deadline = proactor_now() + SOON;
	timer.base.flags = 0;
	trio_submit(&t, &w, &timer.base, timer.deadline);
	trio_check(&t, &w, 0, PROACTOR_ECANCELED, 0);
	timer.deadline = proactor_now() + SOON;
	timer.base.flags = 0;
	trio_submit(&t, &w, &timer.base, timer.deadline - 1);
	trio_check(&t, &w, PROACTOR_ECANCELED, PROACTOR_ETIMEDOUT,
	    PROACTOR_ECANCELED);
	world_close(&w);
}

static void
own_failure(void)
{
	struct proactor_file_write_op write_op;
	struct proactor_file *f;
	struct trio t;
	struct world w;

	world_open(&w, NULL);
	f = file_open(&w, PROACTOR_FILE_READ);
	proactor_file_write_op_init(&write_op, f, 0, proactor_span("x", 1),
	    record, &w.r);
	trio_submit(&t, &w, &write_op.base, PROACTOR_FOREVER);
	trio_check(&t, &w, PROACTOR_EBADF, PROACTOR_ECANCELED,
	    PROACTOR_ECANCELED);
	proactor_file_release(f);
	world_close(&w);
}

/* A close is not called off: it says itself how it went. */
static void
close_is_not_cancelled(void)
{
	struct proactor_socket_close_op close_op;
	struct proactor_recv_op recv;
	struct proactor_socket *s;
	struct trio t;
	struct world w;
	char byte;
	int fd;

	world_open(&w, NULL);
	s = half_pair(&w, PROACTOR_SOCKET_TCP, 0, &fd);
	recv_init(&recv, &w, s, &byte, 1);
	CHECK_INT(proactor_submit_one(w.p, &recv.base), 0);
	poll_barrier(&w);
	proactor_socket_close_op_init(&close_op, s, record, &w.r);
	trio_submit(&t, &w, &close_op.base, PROACTOR_IMMEDIATE);
	CHECK(poll_until(&w, &w.r.finals, 4));
	CHECK_INT(status_of(&w.r, &recv), PROACTOR_ECANCELED);
	CHECK_INT(status_of(&w.r, &close_op), 0);
	CHECK_INT(status_of(&w.r, &t.timeout), PROACTOR_ECANCELED);
	CHECK_INT(status_of(&w.r, &t.nop), 0);
	CHECK_INT(fd_drain(fd), 0);
	close(fd);
	world_close(&w);
}

const struct tap_case timeout_cases[] = {
	{ "timeout: cancels what waits, of any kind, and says ETIMEDOUT",
	    any_kind_expires },
	{ "timeout: cancels what stands in its socket's queue",
	    queued_expires },
	{ "timeout: a send tells how much it had sent", part_of_a_send },
	{ "timeout: in time, it ends with ECANCELED and the chain goes on",
	    in_time },
	{ "timeout: what completes at once needs no time", at_once },
	{ "timeout: against a timer the earlier deadline wins",
	    timer_against_timeout },
	{ "timeout: the operation's own failure is its status", own_failure },
	{ "timeout: a close is not called off", close_is_not_cancelled },
	{ NULL, NULL }
};
