/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <string.h>

#include "conformance/datagram.h"

/* Datagrams, many in flight: those that wait, and how they are ended. */

#define MANY	64

/* Each of them gets one datagram, whole, and each datagram is got once. */
static void
receive_many(struct world *w, unsigned int kind)
{
	struct proactor_recvfrom_op from[MANY];
	struct proactor_address at_a, at_b;
	struct proactor_socket *a, *b;
	unsigned char memory[MANY][32], seen[MANY] = {0};
	char part[32];
	unsigned int i, n;

	a = bound(w, kind, &at_a);
	b = bound(w, kind, &at_b);
	for (i = 0; i < MANY; i++) {
		recvfrom_init(&from[i], w, b, memory[i], sizeof(memory[i]));
		CHECK_INT(proactor_submit_one(w->p, &from[i].base), 0);
	}
	poll_barrier(w);
	for (i = 0; i < MANY; i++) {
		memset(part, (int)i, sizeof(part));
		send_now(w, a, part, 1 + i % 32, &at_b);
	}
	for (i = 0; i < MANY; i++)
		CHECK(poll_finals(w, &from[i], 1));
	for (i = 0; i < MANY; i++) {
		CHECK_INT(status_of(&w->r, &from[i]), 0);
		CHECK(proactor_address_equal(&from[i].peer, &at_a));
		n = memory[i][0];
		CHECK(n < MANY);
		CHECK_INT(from[i].bytes, 1 + n % 32);
		CHECK_INT(seen[n]++, 0);
	}
	CHECK_INT(close_socket(w, a), 0);
	CHECK_INT(close_socket(w, b), 0);
	recorder_clear(&w->r);
}

static void
many_in_flight(void)
{
	each_datagram(receive_many);
}

/* More than the receiver queues: the sends wait, and arrive as they are. */
static void
send_more_than_queued(struct world *w, struct proactor_socket *a,
    struct proactor_socket *b, const struct proactor_address *to)
{
	struct proactor_sendto_op addressed[MANY];
	struct proactor_send_op plain[MANY];
	struct proactor_op *op;
	struct proactor_span span;
	unsigned char number[MANY], seen[MANY] = {0}, got;
	unsigned int i;
	size_t bytes;

	for (i = 0; i < MANY; i++) {
		number[i] = (unsigned char)i;
		span = proactor_span(&number[i], 1);
		if (to != NULL) {
			sendto_init(&addressed[i], w, a, &number[i], 1, to);
			op = &addressed[i].base;
		} else {
			proactor_send_op_init(&plain[i], a, &span, 1, 0,
			    record, &w->r);
			op = &plain[i].base;
		}
		CHECK_INT(proactor_submit_one(w->p, op), 0);
	}
	poll_barrier(w);
	CHECK(poll_quiet(w));
	if (w->r.calls == MANY)
		SKIP("the system queues %d datagrams", MANY);
	for (i = 0; i < MANY; i++) {
		CHECK_INT(recv_bytes(w, b, &got, 1, &bytes), 0);
		CHECK_INT(bytes, 1);
		CHECK(got < MANY);
		CHECK_INT(seen[got]++, 0);
	}
	CHECK(poll_until(w, &w->r.finals, MANY));
	for (i = 0; i < MANY; i++) {
		CHECK_INT(w->r.seen[i].status, 0);
		CHECK_INT(w->r.seen[i].bytes, 1);
	}
	recorder_clear(&w->r);
}

static void
sends_wait(void)
{
	struct proactor_address at_a, at_b;
	struct proactor_socket *a, *b;
	struct world w;

	world_open(&w, NULL);
	a = bound(&w, PROACTOR_SOCKET_UNIX_DATAGRAM, &at_a);
	b = bound(&w, PROACTOR_SOCKET_UNIX_DATAGRAM, &at_b);
	send_more_than_queued(&w, a, b, &at_b);
	CHECK_INT(close_socket(&w, a), 0);
	CHECK_INT(close_socket(&w, b), 0);
	world_close(&w);
}

/* Connected one way only: between two peers Linux has no limit. */
static void
connected_sends_wait(void)
{
	struct proactor_address at_a, at_b;
	struct proactor_socket *a, *b;
	struct world w;

	world_open(&w, NULL);
	a = bound(&w, PROACTOR_SOCKET_UNIX_DATAGRAM, &at_a);
	b = bound(&w, PROACTOR_SOCKET_UNIX_DATAGRAM, &at_b);
	CHECK_INT(connect_socket(&w, a, &at_b), 0);
	send_more_than_queued(&w, a, b, NULL);
	CHECK_INT(close_socket(&w, a), 0);
	CHECK_INT(close_socket(&w, b), 0);
	world_close(&w);
}

static void
cancel_sends(void)
{
	static struct proactor_sendto_op to[MANY];
	struct proactor_address at_a, at_b;
	struct proactor_socket *a, *b;
	struct world w;
	size_t done, i;

	world_open(&w, NULL);
	a = bound(&w, PROACTOR_SOCKET_UNIX_DATAGRAM, &at_a);
	b = bound(&w, PROACTOR_SOCKET_UNIX_DATAGRAM, &at_b);
	for (i = 0; i < MANY; i++) {
		sendto_init(&to[i], &w, a, "x", 1, &at_b);
		CHECK_INT(proactor_submit_one(w.p, &to[i].base), 0);
	}
	poll_barrier(&w);
	CHECK(poll_quiet(&w));
	done = w.r.calls;
	if (done == MANY)
		SKIP("the system queues %d datagrams", MANY);
	for (i = 0; i < MANY; i++)
		CHECK_INT(proactor_cancel(w.p, &to[i].base),
		    finals_of(&w.r, &to[i]) == 1 ? PROACTOR_ENOENT : 0);
	CHECK(poll_until(&w, &w.r.finals, MANY));
	for (i = 0; i < MANY; i++) {
		CHECK_INT(finals_of(&w.r, &to[i]), 1);
		CHECK_INT(to[i].bytes, status_of(&w.r, &to[i]) == 0);
	}
	for (i = done; i < MANY; i++)
		CHECK_INT(w.r.seen[i].status, PROACTOR_ECANCELED);
	CHECK_INT(close_socket(&w, a), 0);
	CHECK_INT(close_socket(&w, b), 0);
	world_close(&w);
}

static void
cancel_receive(struct world *w, unsigned int kind)
{
	struct proactor_recvfrom_op from[3];
	struct proactor_address at_a, at_b;
	struct proactor_socket *a, *b;
	char memory[3][8];
	size_t i;

	a = bound(w, kind, &at_a);
	b = bound(w, kind, &at_b);
	for (i = 0; i < 3; i++) {
		recvfrom_init(&from[i], w, b, memory[i], 8);
		CHECK_INT(proactor_submit_one(w->p, &from[i].base), 0);
		if (i == 0)
			poll_barrier(w);
	}
	/* One that waits, one that has not begun. */
	CHECK_INT(proactor_cancel(w->p, &from[0].base), 0);
	CHECK_INT(proactor_cancel(w->p, &from[2].base), 0);
	CHECK(poll_finals(w, &from[0], 1));
	CHECK(poll_finals(w, &from[2], 1));
	CHECK_INT(status_of(&w->r, &from[0]), PROACTOR_ECANCELED);
	CHECK_INT(status_of(&w->r, &from[2]), PROACTOR_ECANCELED);
	CHECK_INT(from[0].bytes, 0);
	CHECK_INT(finals_of(&w->r, &from[1]), 0);
	send_now(w, a, "mine", 4, &at_b);
	CHECK(poll_finals(w, &from[1], 1));
	CHECK_INT(status_of(&w->r, &from[1]), 0);
	CHECK_MEM(memory[1], "mine", 4);
	CHECK_INT(close_socket(w, a), 0);
	CHECK_INT(close_socket(w, b), 0);
	recorder_clear(&w->r);
}

static void
cancel_receives(void)
{
	each_datagram(cancel_receive);
}

static void
close_ends(struct world *w, unsigned int kind)
{
	struct proactor_socket_close_op op;
	struct proactor_recvfrom_op from[4];
	struct proactor_address address;
	struct proactor_socket *s;
	char memory[8];
	size_t i;

	s = bound(w, kind, &address);
	for (i = 0; i < 4; i++) {
		recvfrom_init(&from[i], w, s, memory, sizeof(memory));
		CHECK_INT(proactor_submit_one(w->p, &from[i].base), 0);
	}
	poll_barrier(w);
	proactor_socket_close_op_init(&op, s, record, &w->r);
	CHECK_INT(run_one(w, &op.base), 0);
	CHECK_INT(w->r.calls, 5);
	CHECK_INT(place_of(&w->r, &op), 4);
	for (i = 0; i < 4; i++)
		CHECK_INT(status_of(&w->r, &from[i]), PROACTOR_ECANCELED);
	recorder_clear(&w->r);
}

static void
close_ends_receives(void)
{
	each_datagram(close_ends);
}

const struct tap_case datagram_many_cases[] = {
	{ "datagram: many receives in flight get one each", many_in_flight },
	{ "datagram: sends wait while the receiver's queue is full",
	    sends_wait },
	{ "datagram: so they do on a connected socket",
	    connected_sends_wait },
	{ "datagram: sends that wait can be cancelled", cancel_sends },
	{ "datagram: receives can be cancelled, begun or not",
	    cancel_receives },
	{ "datagram: close ends the receives first", close_ends_receives },
	{ NULL, NULL }
};
