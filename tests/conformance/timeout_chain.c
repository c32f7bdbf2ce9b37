/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <unistd.h>

#include "conformance/timeout.h"

/* Linked timeouts in longer chains, and where they may not stand. */

/* --- in longer chains --- */

static void
many_in_a_chain(size_t pairs)
{
	static struct proactor_file_write_op writes[LONGEST];
	static struct proactor_timeout_op timeouts[LONGEST];
	struct proactor_op *ops[LONGEST];
	struct proactor_options o;
	struct proactor_file *f;
	struct world w;
	size_t i;

	world_options(&o);
	o.max_concurrent_operations = 8;
	world_open(&w, &o);
	f = file_open(&w, PROACTOR_FILE_WRITE);
	for (i = 0; i < pairs; i++) {
		proactor_file_write_op_init(&writes[i], f, i,
		    proactor_span(&"0123456789"[i % 10], 1), record, &w.r);
		timeout_init(&timeouts[i], &w, patience());
		ops[2 * i] = &writes[i].base;
		ops[2 * i + 1] = &timeouts[i].base;
	}
	submit_chain(&w, ops, 2 * pairs);
	CHECK(poll_until(&w, &w.r.finals, 2 * pairs));
	for (i = 0; i < 2 * pairs; i++) {
		CHECK(w.r.seen[i].op == ops[i]);
		CHECK_INT(w.r.seen[i].status,
		    i % 2 == 0 ? 0 : PROACTOR_ECANCELED);
	}
	CHECK_INT(lseek(proactor_file_handle(f).u.fd, 0, SEEK_END), pairs);
	proactor_file_release(f);
	world_close(&w);
}

static void
each_has_its_own(void)
{
	many_in_a_chain(2);
	many_in_a_chain(4);
	many_in_a_chain(LONGEST / 2);
}

/* Of several operations of the kernel's, the last has not enough time. */
static void
fails_in_the_middle(void)
{
	struct proactor_send_op sends[2];
	struct proactor_recv_op recv;
	struct proactor_timeout_op timeouts[3];
	struct proactor_op *ops[] = {
		&sends[0].base, &timeouts[0].base, &recv.base,
		&timeouts[1].base, &sends[1].base, &timeouts[2].base,
	};
	static const int statuses[] = {
		0, PROACTOR_ECANCELED, PROACTOR_ECANCELED,
		PROACTOR_ETIMEDOUT, PROACTOR_ECANCELED, PROACTOR_ECANCELED,
	};
	struct proactor_socket *s;
	struct world w;
	char memory[4];
	size_t i;
	int fd;

	world_open(&w, NULL);
	s = half_pair(&w, PROACTOR_SOCKET_TCP, 0, &fd);
	for (i = 0; i < 2; i++)
		send_init(&sends[i], &w, s, "x", 1);
	recv_init(&recv, &w, s, memory, sizeof(memory));
	for (i = 0; i < 3; i++)
		timeout_init(&timeouts[i], &w, i == 1 ?
		    proactor_deadline_after(SOON) : PROACTOR_FOREVER);
	submit_chain(&w, ops, COUNT(ops));
	CHECK(poll_until(&w, &w.r.finals, COUNT(ops)));
	for (i = 0; i < COUNT(ops); i++) {
		CHECK(w.r.seen[i].op == ops[i]);
		CHECK_INT(w.r.seen[i].status, statuses[i]);
	}
	CHECK(proactor_now() >= timeouts[1].deadline);
	CHECK_INT(close_socket(&w, s), 0);
	CHECK_INT(fd_drain(fd), 1);
	close(fd);
	world_close(&w);
}

/* It is no matter to the operations before the one that it follows. */
static void
waits_for_its_operation(void)
{
	struct proactor_event_wait_op wait_op;
	struct proactor_recv_op recv;
	struct proactor_timeout_op timeout;
	struct proactor_op *ops[] = {
		&wait_op.base, &recv.base, &timeout.base,
	};
	struct proactor_event *event;
	struct proactor_socket *s;
	struct world w;
	char byte;
	int fd;

	world_open(&w, NULL);
	s = half_pair(&w, PROACTOR_SOCKET_TCP, 0, &fd);
	CHECK_INT(proactor_event_create(w.p, &event), 0);
	proactor_event_wait_op_init(&wait_op, event, record, &w.r);
	recv_init(&recv, &w, s, &byte, 1);
	timeout_init(&timeout, &w, PROACTOR_IMMEDIATE);
	submit_chain(&w, ops, 3);
	CHECK(poll_quiet(&w));
	CHECK_INT(proactor_event_set(event), 0);
	CHECK(poll_until(&w, &w.r.finals, 3));
	CHECK_INT(status_of(&w.r, &wait_op), 0);
	CHECK_INT(status_of(&w.r, &recv), PROACTOR_ECANCELED);
	CHECK_INT(status_of(&w.r, &timeout), PROACTOR_ETIMEDOUT);
	proactor_event_release(event);
	CHECK_INT(close_socket(&w, s), 0);
	close(fd);
	world_close(&w);
}

/* --- what is refused --- */

static void
follows_nothing(void)
{
	struct proactor_timeout_op a, b;
	struct proactor_nop_op nop, other;
	struct proactor_op *alone[] = { &a.base, &nop.base };
	struct proactor_op *loose[] = { &nop.base, &a.base };
	struct proactor_op *two[] = { &nop.base, &a.base, &b.base };
	struct proactor_op *last[] = { &nop.base, &a.base, &other.base };
	struct world w;

	world_open(&w, NULL);
	nop_init(&nop, &w);
	nop_init(&other, &w);
	timeout_init(&a, &w, 0);
	timeout_init(&b, &w, 0);
	CHECK_INT(proactor_submit_one(w.p, &a.base), PROACTOR_EINVAL);
	CHECK_INT(proactor_submit(w.p, alone, 2), PROACTOR_EINVAL);
	a.base.flags = PROACTOR_OP_LINKED;
	CHECK_INT(proactor_submit(w.p, alone, 2), PROACTOR_EINVAL);
	a.base.flags = 0;
	CHECK_INT(proactor_submit(w.p, loose, 2), PROACTOR_EINVAL);
	link_up(two, 3);
	CHECK_INT(proactor_submit(w.p, two, 3), PROACTOR_EINVAL);
	/* Linked to nothing. */
	CHECK_INT(proactor_submit(w.p, two, 2), PROACTOR_EINVAL);
	a.base.flags = PROACTOR_OP_MULTISHOT;
	CHECK_INT(proactor_submit(w.p, loose, 2), PROACTOR_EINVAL);
	CHECK(poll_quiet(&w));
	/* Nothing has begun, and all of it can be put right. */
	a.base.flags = 0;
	submit_chain(&w, last, 3);
	CHECK_INT(proactor_submit_one(w.p, &a.base), PROACTOR_EBUSY);
	CHECK(poll_until(&w, &w.r.finals, 3));
	CHECK_INT(status_of(&w.r, &a), PROACTOR_ECANCELED);
	CHECK_INT(status_of(&w.r, &other), 0);
	world_close(&w);
}

const struct tap_case timeout_chain_cases[] = {
	{ "timeout: each member of a chain may have its own",
	    each_has_its_own },
	{ "timeout: one that expires ends the chain", fails_in_the_middle },
	{ "timeout: expires when its operation has begun, not before",
	    waits_for_its_operation },
	{ "timeout: after nothing, or after a timeout, it is EINVAL",
	    follows_nothing },
	{ NULL, NULL }
};
