/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <unistd.h>

#include "conformance/chain.h"

/* Chains that end early, by failure or cancel, and their neighbours. */

/* --- failure --- */

/* A chain of writes in which one is to a file that is for reading. */
static void
fail_at(struct world *w, size_t count, size_t place)
{
	static struct proactor_file_write_op writes[LONGEST];
	struct proactor_op *ops[LONGEST];
	struct proactor_file *good, *bad;
	size_t i;

	good = file_open(w, PROACTOR_FILE_WRITE);
	bad = file_open(w, PROACTOR_FILE_READ);
	for (i = 0; i < count; i++) {
		proactor_file_write_op_init(&writes[i],
		    i == place ? bad : good, i, proactor_span("x", 1),
		    record, &w->r);
		ops[i] = &writes[i].base;
	}
	submit_chain(w, ops, count);
	CHECK(poll_until(w, &w->r.finals, count));
	check_failed_at(&w->r, ops, count, place, PROACTOR_EBADF);
	for (i = 0; i < count; i++)
		CHECK_INT(writes[i].bytes, i < place);
	CHECK_INT(lseek(proactor_file_handle(good).u.fd, 0, SEEK_END), place);
	poll_barrier(w);
	CHECK_INT(w->r.calls, count);
	proactor_file_release(good);
	proactor_file_release(bad);
	recorder_clear(&w->r);
}

static void
failures(void)
{
	struct world w;

	world_open(&w, NULL);
	fail_at(&w, 2, 0);
	fail_at(&w, 2, 1);
	fail_at(&w, 9, 0);
	fail_at(&w, 9, 4);
	fail_at(&w, 9, 8);
	fail_at(&w, LONGEST, 0);
	fail_at(&w, LONGEST, 100);
	world_close(&w);
}

static void
failures_of_a_small_ring(void)
{
	struct proactor_options o;
	struct world w;

	world_options(&o);
	o.max_concurrent_operations = 8;
	world_open(&w, &o);
	fail_at(&w, 10, 0);
	fail_at(&w, 10, 5);
	fail_at(&w, LONGEST, 100);
	world_close(&w);
}

/* What waits on a failure is of every kind. */
static void
failure_cancels_any_kind(void)
{
	struct proactor_address nobody, other;
	struct proactor_socket *silent, *s;
	struct proactor_connect_op connect_op;
	struct proactor_timer_op timer;
	struct proactor_event_wait_op wait_op;
	struct proactor_send_op send;
	struct proactor_file_open_op open_op;
	struct proactor_message_op message;
	struct proactor_nop_op nop;
	struct proactor_op *ops[] = {
		&nop.base, &connect_op.base, &timer.base, &wait_op.base,
		&send.base, &open_op.base, &message.base,
	};
	struct proactor_event *event;
	char path[PATH_ROOM];
	struct world w;

	world_open(&w, NULL);
	address_to_bind(PROACTOR_SOCKET_TCP, &other);
	CHECK_INT(proactor_socket_create(w.p, PROACTOR_SOCKET_TCP, 0,
	    &silent), 0);
	CHECK_INT(proactor_socket_bind(silent, &other), 0);
	CHECK_INT(proactor_socket_query_local_address(silent, &nobody), 0);
	CHECK_INT(proactor_socket_create(w.p, PROACTOR_SOCKET_TCP, 0, &s), 0);
	CHECK_INT(proactor_event_create(w.p, &event), 0);
	nop_init(&nop, &w);
	proactor_connect_op_init(&connect_op, s, &nobody, record, &w.r);
	proactor_timer_op_init(&timer, PROACTOR_FOREVER - 1, record, &w.r);
	proactor_event_wait_op_init(&wait_op, event, record, &w.r);
	send_init(&send, &w, s, "x", 1);
	proactor_file_open_op_init(&open_op, temp_path(path, "f"),
	    PROACTOR_FILE_WRITE | PROACTOR_FILE_CREATE, 0600, record, &w.r);
	proactor_message_op_init(&message, w.p, 1, 0, record, &w.r);
	submit_chain(&w, ops, COUNT(ops));
	CHECK(poll_until(&w, &w.r.finals, COUNT(ops)));
	check_failed_at(&w.r, ops, COUNT(ops), 1, PROACTOR_ECONNREFUSED);
	CHECK_INT(access(path, F_OK), -1);
	CHECK(open_op.file == NULL);
	proactor_event_release(event);
	proactor_socket_release(silent);
	proactor_socket_release(s);
	world_close(&w);
}

static void
linked_to_nothing(void)
{
	struct proactor_nop_op nops[3];
	struct proactor_op *ops[] = {
		&nops[0].base, &nops[1].base, &nops[2].base,
	};
	struct world w;
	int i;

	world_open(&w, NULL);
	for (i = 0; i < 3; i++)
		nop_init(&nops[i], &w);
	nops[2].base.flags = PROACTOR_OP_LINKED;
	CHECK_INT(proactor_submit(w.p, ops, 3), PROACTOR_EINVAL);
	CHECK_INT(proactor_submit_one(w.p, ops[2]), PROACTOR_EINVAL);
	CHECK(poll_quiet(&w));
	/* Nothing of the batch was started: it can be put right. */
	nops[2].base.flags = 0;
	CHECK_INT(proactor_submit(w.p, ops, 3), 0);
	CHECK(poll_until(&w, &w.r.finals, 3));
	world_close(&w);
}

static void
no_multishot_members(void)
{
	struct proactor_recv_op recv;
	struct proactor_nop_op nop;
	struct proactor_op *ops[] = { &recv.base, &nop.base };
	struct proactor_socket *s;
	struct world w;
	char byte;
	int fd;

	world_open(&w, NULL);
	s = half_pair(&w, PROACTOR_SOCKET_TCP, 0, &fd);
	recv_init(&recv, &w, s, &byte, 1);
	nop_init(&nop, &w);
	recv.base.flags = PROACTOR_OP_MULTISHOT | PROACTOR_OP_LINKED;
	CHECK_INT(proactor_submit(w.p, ops, 2), PROACTOR_EINVAL);
	recv.base.flags = PROACTOR_OP_MULTISHOT;
	nop.base.flags = PROACTOR_OP_LINKED;
	ops[0] = &nop.base;
	ops[1] = &recv.base;
	CHECK_INT(proactor_submit(w.p, ops, 2), PROACTOR_EINVAL);
	CHECK(poll_quiet(&w));
	CHECK_INT(close_socket(&w, s), 0);
	close(fd);
	world_close(&w);
}

/* --- several --- */

static void
two_in_a_batch(void)
{
	struct proactor_file_write_op writes[6];
	struct proactor_nop_op between;
	struct proactor_op *ops[7];
	struct proactor_file *good, *bad;
	struct world w;
	size_t i;

	world_open(&w, NULL);
	good = file_open(&w, PROACTOR_FILE_WRITE);
	bad = file_open(&w, PROACTOR_FILE_READ);
	for (i = 0; i < 6; i++)
		proactor_file_write_op_init(&writes[i], i == 1 ? bad : good,
		    i, proactor_span("x", 1), record, &w.r);
	nop_init(&between, &w);
	for (i = 0; i < 3; i++) {
		ops[i] = &writes[i].base;
		ops[4 + i] = &writes[3 + i].base;
	}
	ops[3] = &between.base;
	link_up(ops, 3);
	link_up(ops + 4, 3);
	CHECK_INT(proactor_submit(w.p, ops, 7), 0);
	CHECK(poll_until(&w, &w.r.finals, 7));
	check_failed_at(&w.r, ops, 3, 1, PROACTOR_EBADF);
	CHECK_INT(status_of(&w.r, &between), 0);
	check_all_good(&w.r, ops + 4, 3);
	proactor_file_release(good);
	proactor_file_release(bad);
	world_close(&w);
}

/* One that waits does not hold up another. */
static void
one_waits(void)
{
	struct proactor_event_wait_op wait_op;
	struct proactor_nop_op nops[4];
	struct proactor_op *ops[] = {
		&wait_op.base, &nops[0].base, &nops[1].base,
		&nops[2].base, &nops[3].base,
	};
	struct proactor_event *event;
	struct world w;
	int i;

	world_open(&w, NULL);
	CHECK_INT(proactor_event_create(w.p, &event), 0);
	proactor_event_wait_op_init(&wait_op, event, record, &w.r);
	for (i = 0; i < 4; i++)
		nop_init(&nops[i], &w);
	link_up(ops, 3);
	link_up(ops + 3, 2);
	CHECK_INT(proactor_submit(w.p, ops, 5), 0);
	CHECK(poll_until(&w, &w.r.finals, 2));
	poll_barrier(&w);
	CHECK_INT(w.r.calls, 2);
	check_all_good(&w.r, ops + 3, 2);
	CHECK_INT(proactor_event_set(event), 0);
	CHECK(poll_until(&w, &w.r.finals, 5));
	check_all_good(&w.r, ops, 3);
	proactor_event_release(event);
	world_close(&w);
}

#define CHAINS	50
#define MEMBERS	4

static void
many(uint32_t concurrency)
{
	static struct proactor_file_write_op writes[CHAINS][MEMBERS];
	struct proactor_op *ops[CHAINS * MEMBERS];
	struct proactor_options o;
	struct proactor_file *good, *bad;
	struct world w;
	size_t i, j;

	world_options(&o);
	o.max_concurrent_operations = concurrency;
	world_open(&w, &o);
	good = file_open(&w, PROACTOR_FILE_WRITE);
	bad = file_open(&w, PROACTOR_FILE_READ);
	for (i = 0; i < CHAINS; i++) {
		for (j = 0; j < MEMBERS; j++) {
			proactor_file_write_op_init(&writes[i][j],
			    i % (MEMBERS + 1) == j ? bad : good, i,
			    proactor_span("x", 1), record, &w.r);
			ops[i * MEMBERS + j] = &writes[i][j].base;
		}
		link_up(ops + i * MEMBERS, MEMBERS);
	}
	CHECK_INT(proactor_submit(w.p, ops, CHAINS * MEMBERS), 0);
	CHECK(poll_until(&w, &w.r.finals, CHAINS * MEMBERS));
	for (i = 0; i < CHAINS; i++)
		check_failed_at(&w.r, ops + i * MEMBERS, MEMBERS,
		    i % (MEMBERS + 1), PROACTOR_EBADF);
	proactor_file_release(good);
	proactor_file_release(bad);
	world_close(&w);
}

static void
many_chains(void)
{
	many(0);
	many(8);
}

/* --- cancel --- */

/*
 * A receive that waits and three sends; the one that which says is
 * cancelled, then data comes for the receive.
 */
static void
cancel_member(struct world *w, unsigned int kind, size_t which,
    bool poll_first)
{
	struct proactor_recv_op recv;
	struct proactor_send_op sends[3];
	struct proactor_op *ops[] = {
		&recv.base, &sends[0].base, &sends[1].base, &sends[2].base,
	};
	struct proactor_socket *s;
	char memory[8];
	size_t i;
	int fd;

	s = half_pair(w, kind, 0, &fd);
	recv_init(&recv, w, s, memory, sizeof(memory));
	for (i = 0; i < 3; i++)
		send_init(&sends[i], w, s, &"abc"[i], 1);
	submit_chain(w, ops, 4);
	if (poll_first)
		poll_barrier(w);
	CHECK_INT(proactor_cancel(w->p, ops[which]), 0);
	if (which > 0) {
		/* The head was not asked to end. */
		poll_barrier(w);
		CHECK_INT(finals_of(&w->r, &recv), 0);
		fd_write_all(fd, "x", 1);
	}
	CHECK(poll_until(w, &w->r.finals, 4));
	check_failed_at(&w->r, ops, 4, which, PROACTOR_ECANCELED);
	for (i = 0; i < 4; i++)
		CHECK_INT(proactor_cancel(w->p, ops[i]), PROACTOR_ENOENT);
	poll_barrier(w);
	CHECK_INT(w->r.calls, 4);
	CHECK_INT(close_socket(w, s), 0);
	CHECK_INT(fd_drain(fd), which == 0 ? 0 : which - 1);
	close(fd);
	recorder_clear(&w->r);
}

static void
cancel_head(struct world *w, unsigned int kind)
{
	cancel_member(w, kind, 0, true);
	cancel_member(w, kind, 0, false);
}

static void
cancel_rest(struct world *w, unsigned int kind)
{
	size_t which;

	for (which = 1; which < 4; which++) {
		cancel_member(w, kind, which, true);
		cancel_member(w, kind, which, false);
	}
}

static void
head_cancelled(void)
{
	each_stream(cancel_head);
}

static void
not_begun_cancelled(void)
{
	each_stream(cancel_rest);
}

/* The same where user space runs the chain. */
static void
cancel_in_user_space(size_t which)
{
	struct proactor_event_wait_op wait_op;
	struct proactor_nop_op nops[3];
	struct proactor_op *ops[] = {
		&wait_op.base, &nops[0].base, &nops[1].base, &nops[2].base,
	};
	struct proactor_event *event;
	struct world w;
	int i;

	world_open(&w, NULL);
	CHECK_INT(proactor_event_create(w.p, &event), 0);
	proactor_event_wait_op_init(&wait_op, event, record, &w.r);
	for (i = 0; i < 3; i++)
		nop_init(&nops[i], &w);
	submit_chain(&w, ops, 4);
	poll_barrier(&w);
	CHECK_INT(proactor_cancel(w.p, ops[which]), 0);
	if (which > 0) {
		poll_barrier(&w);
		CHECK_INT(finals_of(&w.r, &wait_op), 0);
		CHECK_INT(proactor_event_set(event), 0);
	}
	CHECK(poll_until(&w, &w.r.finals, 4));
	check_failed_at(&w.r, ops, 4, which, PROACTOR_ECANCELED);
	poll_barrier(&w);
	CHECK_INT(w.r.calls, 4);
	proactor_event_release(event);
	world_close(&w);
}

static void
user_space_cancelled(void)
{
	size_t which;

	for (which = 0; which < 4; which++)
		cancel_in_user_space(which);
}

/* The callback of the first member cancels the last. */
struct betrayal {
	struct world *w;
	struct proactor_op *victim;
	int answer;
};

static void
betray(void *user_data, struct proactor_op *op, int status,
    unsigned int flags)
{
	struct betrayal *b = user_data;

	record(&b->w->r, op, status, flags);
	b->answer = proactor_cancel(b->w->p, b->victim);
}

static void
cancelled_by_a_member(void)
{
	struct proactor_recv_op recv;
	struct proactor_nop_op nop;
	struct proactor_send_op send;
	struct proactor_op *ops[] = { &recv.base, &nop.base, &send.base };
	struct proactor_socket *s;
	struct betrayal b;
	struct world w;
	char memory[4];
	int fd, status;

	world_open(&w, NULL);
	s = half_pair(&w, PROACTOR_SOCKET_TCP, 0, &fd);
	recv_init(&recv, &w, s, memory, 4);
	nop_init(&nop, &w);
	send_init(&send, &w, s, "x", 1);
	b.w = &w;
	b.victim = &send.base;
	b.answer = 1;
	recv.base.callback = betray;
	recv.base.user_data = &b;
	submit_chain(&w, ops, 3);
	poll_barrier(&w);
	fd_write_all(fd, "go", 2);
	CHECK(poll_until(&w, &w.r.finals, 3));
	CHECK_INT(b.answer, 0);
	CHECK_INT(status_of(&w.r, &recv), 0);
	CHECK_INT(status_of(&w.r, &nop), 0);
	status = status_of(&w.r, &send);
	CHECK(status == 0 || status == PROACTOR_ECANCELED);
	CHECK_INT(place_of(&w.r, &nop), 1);
	CHECK_INT(place_of(&w.r, &send), 2);
	CHECK_INT(close_socket(&w, s), 0);
	CHECK_INT(fd_drain(fd), status == 0);
	close(fd);
	world_close(&w);
}

/* --- with what is not in the chain --- */

/* A receive of a chain keeps its turn on the socket. */
static void
keeps_its_turn(void)
{
	struct proactor_recv_op before, member, after;
	struct proactor_nop_op nop;
	struct proactor_op *ops[] = { &member.base, &nop.base };
	struct proactor_socket *s;
	struct world w;
	char memory[3];
	int fd;

	world_open(&w, NULL);
	s = half_pair(&w, PROACTOR_SOCKET_TCP, 0, &fd);
	recv_init(&before, &w, s, &memory[0], 1);
	recv_init(&member, &w, s, &memory[1], 1);
	recv_init(&after, &w, s, &memory[2], 1);
	nop_init(&nop, &w);
	CHECK_INT(proactor_submit_one(w.p, &before.base), 0);
	poll_barrier(&w);
	submit_chain(&w, ops, 2);
	CHECK_INT(proactor_submit_one(w.p, &after.base), 0);
	poll_barrier(&w);
	CHECK_INT(w.r.calls, 0);
	fd_write_all(fd, "abc", 3);
	CHECK(poll_until(&w, &w.r.finals, 4));
	CHECK_MEM(memory, "abc", 3);
	CHECK_INT(place_of(&w.r, &before), 0);
	CHECK(place_of(&w.r, &nop) > place_of(&w.r, &member));
	CHECK_INT(close_socket(&w, s), 0);
	close(fd);
	world_close(&w);
}

/* A socket that a member will need is closed before its time. */
static void
closed_underneath(void)
{
	struct proactor_socket_close_op close_op;
	struct proactor_event_wait_op wait_op;
	struct proactor_send_op send;
	struct proactor_nop_op nop;
	struct proactor_op *ops[] = { &wait_op.base, &send.base, &nop.base };
	struct proactor_event *event;
	struct proactor_socket *s;
	struct world w;
	int fd, status;

	world_open(&w, NULL);
	s = half_pair(&w, PROACTOR_SOCKET_TCP, 0, &fd);
	CHECK_INT(proactor_event_create(w.p, &event), 0);
	proactor_event_wait_op_init(&wait_op, event, record, &w.r);
	send_init(&send, &w, s, "x", 1);
	nop_init(&nop, &w);
	submit_chain(&w, ops, 3);
	poll_barrier(&w);
	proactor_socket_close_op_init(&close_op, s, record, &w.r);
	CHECK_INT(proactor_submit_one(w.p, &close_op.base), 0);
	poll_barrier(&w);
	CHECK_INT(finals_of(&w.r, &wait_op), 0);
	CHECK_INT(proactor_event_set(event), 0);
	CHECK(poll_until(&w, &w.r.finals, 4));
	status = status_of(&w.r, &send);
	CHECK(status == PROACTOR_ECANCELED || status == PROACTOR_EBADF);
	check_failed_at(&w.r, ops, 3, 1, status);
	CHECK_INT(status_of(&w.r, &close_op), 0);
	CHECK_INT(fd_drain(fd), 0);
	close(fd);
	proactor_event_release(event);
	world_close(&w);
}

const struct tap_case link_end_cases[] = {
	{ "link: a failure cancels the rest, in chain order", failures },
	{ "link: so it does in a chain longer than the ring",
	    failures_of_a_small_ring },
	{ "link: a failure cancels operations of every kind",
	    failure_cancels_any_kind },
	{ "link: LINKED on the last of a batch is EINVAL, nothing starts",
	    linked_to_nothing },
	{ "link: a multishot member is EINVAL", no_multishot_members },
	{ "link: two chains in one batch are independent",
	    two_in_a_batch },
	{ "link: a chain that waits holds up no other", one_waits },
	{ "link: fifty chains in one batch, on a small ring too",
	    many_chains },
	{ "link: cancel of the head ends all in order", head_cancelled },
	{ "link: cancel of a member that has not begun is honoured",
	    not_begun_cancelled },
	{ "link: cancel is honoured in user space's chains too",
	    user_space_cancelled },
	{ "link: a member's callback may cancel another",
	    cancelled_by_a_member },
	{ "link: a receive of a chain keeps its turn on the socket",
	    keeps_its_turn },
	{ "link: a member whose socket is closed early ends the chain",
	    closed_underneath },
	{ NULL, NULL }
};
