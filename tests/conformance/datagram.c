/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <string.h>

#include "conformance/transfer.h"

/* Datagrams: whole ones, with addresses. */

/* A bound socket of the library's that is not connected. */
static struct proactor_socket *
bound(struct world *w, unsigned int kind, struct proactor_address *ret)
{
	struct proactor_socket *s;

	address_to_bind(kind, ret);
	CHECK_INT(proactor_socket_create(w->p, kind, 0, &s), 0);
	CHECK_INT(proactor_socket_bind(s, ret), 0);
	CHECK_INT(proactor_socket_query_local_address(s, ret), 0);
	return s;
}

static void
sendto_init(struct proactor_sendto_op *op, struct world *w,
    struct proactor_socket *s, const void *memory, size_t length,
    const struct proactor_address *address)
{
	struct proactor_span span = proactor_span(memory, length);

	proactor_sendto_op_init(op, s, &span, 1, address, 0, record, &w->r);
}

static void
recvfrom_init(struct proactor_recvfrom_op *op, struct world *w,
    struct proactor_socket *s, void *memory, size_t length)
{
	struct proactor_span span = proactor_span(memory, length);

	proactor_recvfrom_op_init(op, s, &span, 1, record, &w->r);
}

/* Sends and must succeed. */
static void
send_now(struct world *w, struct proactor_socket *s, const void *memory,
    size_t length, const struct proactor_address *address)
{
	struct proactor_sendto_op op;

	sendto_init(&op, w, s, memory, length, address);
	CHECK_INT(run_one(w, &op.base), 0);
	CHECK_INT(op.bytes, length);
}

/* --- connected --- */

static void
keep_boundaries(struct world *w, unsigned int kind)
{
	struct pair pair;
	char memory[100];
	size_t bytes;

	pair_open(w, kind, 0, &pair);
	check_connected(w, pair.a, pair.b);
	send_all(w, pair.a, "one", 3);
	send_all(w, pair.a, "three", 5);
	CHECK_INT(recv_bytes(w, pair.b, memory, sizeof(memory), &bytes), 0);
	CHECK_INT(bytes, 3);
	CHECK_MEM(memory, "one", 3);
	CHECK_INT(recv_bytes(w, pair.b, memory, sizeof(memory), &bytes), 0);
	CHECK_INT(bytes, 5);
	CHECK_MEM(memory, "three", 5);
	pair_close(w, &pair);
}

static void
boundaries(void)
{
	each_datagram(keep_boundaries);
}

static void
lose_the_rest(struct world *w, unsigned int kind)
{
	struct pair pair;
	char memory[4];
	size_t bytes;

	pair_open(w, kind, 0, &pair);
	send_all(w, pair.a, "too long", 8);
	send_all(w, pair.a, "next", 4);
	CHECK_INT(recv_bytes(w, pair.b, memory, 4, &bytes), 0);
	CHECK_INT(bytes, 4);
	CHECK_MEM(memory, "too ", 4);
	CHECK_INT(recv_bytes(w, pair.b, memory, 4, &bytes), 0);
	CHECK_INT(bytes, 4);
	CHECK_MEM(memory, "next", 4);
	pair_close(w, &pair);
}

static void
recv_truncates(void)
{
	each_datagram(lose_the_rest);
}

static void
connected_refused(void)
{
	struct proactor_address address;
	struct proactor_socket *s, *gone;
	struct world w;
	size_t bytes = 99;
	char byte;

	world_open(&w, NULL);
	gone = bound(&w, PROACTOR_SOCKET_UDP, &address);
	CHECK_INT(close_socket(&w, gone), 0);
	CHECK_INT(proactor_socket_create(w.p, PROACTOR_SOCKET_UDP, 0, &s), 0);
	CHECK_INT(connect_socket(&w, s, &address), 0);
	CHECK_INT(send_bytes(&w, s, "x", 1, &bytes), 0);
	CHECK_INT(recv_bytes(&w, s, &byte, 1, &bytes),
	    PROACTOR_ECONNREFUSED);
	CHECK_INT(bytes, 0);
	CHECK_INT(close_socket(&w, s), 0);
	world_close(&w);
}

static void
send_without_peer(void)
{
	struct proactor_socket *s;
	struct world w;
	size_t bytes = 0;

	world_open(&w, NULL);
	CHECK_INT(proactor_socket_create(w.p, PROACTOR_SOCKET_UDP, 0, &s), 0);
	CHECK(send_bytes(&w, s, "x", 1, &bytes) < 0);
	CHECK_INT(bytes, 0);
	CHECK_INT(close_socket(&w, s), 0);
	world_close(&w);
}

/* --- with addresses --- */

static void
know_the_sender(struct world *w, unsigned int kind)
{
	struct proactor_address at_a, at_b, at_c;
	struct proactor_socket *a, *b, *c;
	struct proactor_recvfrom_op from;
	char memory[16];

	a = bound(w, kind, &at_a);
	b = bound(w, kind, &at_b);
	c = bound(w, kind, &at_c);
	recvfrom_init(&from, w, c, memory, sizeof(memory));
	send_now(w, a, "from a", 6, &at_c);
	CHECK_INT(run_one(w, &from.base), 0);
	CHECK_INT(from.bytes, 6);
	CHECK_INT(from.truncated, 0);
	CHECK_MEM(memory, "from a", 6);
	CHECK(proactor_address_equal(&from.peer, &at_a));
	/* The peer is assigned each time, and can be answered. */
	send_now(w, b, "b", 1, &at_c);
	CHECK_INT(run_one(w, &from.base), 0);
	CHECK_INT(from.bytes, 1);
	CHECK(proactor_address_equal(&from.peer, &at_b));
	send_now(w, c, "answer", 6, &from.peer);
	recvfrom_init(&from, w, b, memory, sizeof(memory));
	CHECK_INT(run_one(w, &from.base), 0);
	CHECK_MEM(memory, "answer", 6);
	CHECK(proactor_address_equal(&from.peer, &at_c));
	CHECK_INT(close_socket(w, a), 0);
	CHECK_INT(close_socket(w, b), 0);
	CHECK_INT(close_socket(w, c), 0);
}

static void
peers_v4(void)
{
	struct world w;

	world_open(&w, NULL);
	know_the_sender(&w, PROACTOR_SOCKET_UDP);
	world_close(&w);
}

static void
peers_v6(void)
{
	struct world w;

	if (!kind_works(PROACTOR_SOCKET_UDP6))
		SKIP("IPv6 does not work here");
	world_open(&w, NULL);
	know_the_sender(&w, PROACTOR_SOCKET_UDP6);
	world_close(&w);
}

static void
peers_unix(void)
{
	struct world w;

	world_open(&w, NULL);
	know_the_sender(&w, PROACTOR_SOCKET_UNIX_DATAGRAM);
	world_close(&w);
}

static void
unbound_sender(void)
{
	struct proactor_address address, named;
	struct proactor_socket *a, *b, *c;
	struct proactor_recvfrom_op from;
	char memory[16], text[PROACTOR_ADDRESS_TEXT_MAX];
	struct world w;

	world_open(&w, NULL);
	CHECK_INT(proactor_socket_create(w.p, PROACTOR_SOCKET_UNIX_DATAGRAM,
	    0, &a), 0);
	c = bound(&w, PROACTOR_SOCKET_UNIX_DATAGRAM, &named);
	b = bound(&w, PROACTOR_SOCKET_UNIX_DATAGRAM, &address);
	recvfrom_init(&from, &w, b, memory, sizeof(memory));
	/* A peer with a name first: nothing of it must stay behind. */
	send_now(&w, c, "c", 1, &address);
	CHECK_INT(run_one(&w, &from.base), 0);
	CHECK(proactor_address_equal(&from.peer, &named));
	send_now(&w, a, "x", 1, &address);
	CHECK_INT(run_one(&w, &from.base), 0);
	CHECK_INT(from.bytes, 1);
	CHECK(!proactor_address_equal(&from.peer, &named));
	if (from.peer.length > 0 &&
	    proactor_address_format(&from.peer, text, sizeof(text)) == 0)
		CHECK(strchr(text, '/') == NULL);
	CHECK_INT(close_socket(&w, a), 0);
	CHECK_INT(close_socket(&w, b), 0);
	CHECK_INT(close_socket(&w, c), 0);
	world_close(&w);
}

static void
say_truncated(struct world *w, unsigned int kind)
{
	struct proactor_address at_a, at_b;
	struct proactor_socket *a, *b;
	struct proactor_recvfrom_op from;
	char memory[10];

	a = bound(w, kind, &at_a);
	b = bound(w, kind, &at_b);
	send_now(w, a, "eleven char", 11, &at_b);
	send_now(w, a, "ten chars.", 10, &at_b);
	recvfrom_init(&from, w, b, memory, sizeof(memory));
	CHECK_INT(run_one(w, &from.base), 0);
	CHECK_INT(from.bytes, 10);
	CHECK_INT(from.truncated, 1);
	CHECK_MEM(memory, "eleven cha", 10);
	CHECK(proactor_address_equal(&from.peer, &at_a));
	CHECK_INT(run_one(w, &from.base), 0);
	CHECK_INT(from.bytes, 10);
	CHECK_INT(from.truncated, 0);
	CHECK_MEM(memory, "ten chars.", 10);
	CHECK_INT(close_socket(w, a), 0);
	CHECK_INT(close_socket(w, b), 0);
}

static void
truncated_is_said(void)
{
	each_datagram(say_truncated);
}

static void
carry_nothing(struct world *w, unsigned int kind)
{
	struct proactor_address at_a, at_b;
	struct proactor_socket *a, *b;
	struct proactor_recvfrom_op from;
	struct pair pair;
	char memory[10];
	size_t bytes = 99;

	a = bound(w, kind, &at_a);
	b = bound(w, kind, &at_b);
	recvfrom_init(&from, w, b, memory, sizeof(memory));
	send_now(w, a, "full", 4, &at_b);
	CHECK_INT(run_one(w, &from.base), 0);
	CHECK_INT(from.bytes, 4);
	send_now(w, a, "", 0, &at_b);
	CHECK_INT(run_one(w, &from.base), 0);
	CHECK_INT(from.bytes, 0);
	CHECK_INT(from.truncated, 0);
	CHECK(proactor_address_equal(&from.peer, &at_a));
	CHECK_INT(close_socket(w, a), 0);
	CHECK_INT(close_socket(w, b), 0);
	pair_open(w, kind, 0, &pair);
	send_all(w, pair.a, "", 0);
	CHECK_INT(recv_bytes(w, pair.b, memory, sizeof(memory), &bytes), 0);
	CHECK_INT(bytes, 0);
	check_connected(w, pair.a, pair.b);
	pair_close(w, &pair);
}

static void
empty_ones(void)
{
	each_datagram(carry_nothing);
}

static void
scatter_and_gather(struct world *w, unsigned int kind)
{
	struct proactor_span spans[PROACTOR_SPAN_MAX];
	struct proactor_address at_a, at_b;
	struct proactor_socket *a, *b;
	struct proactor_recvfrom_op from;
	struct proactor_sendto_op to;
	char wanted[800], memory[800];
	size_t i;

	a = bound(w, kind, &at_a);
	b = bound(w, kind, &at_b);
	fill(wanted, sizeof(wanted), kind);
	for (i = 0; i < PROACTOR_SPAN_MAX; i++)
		spans[i] = proactor_span(wanted + i * 100, 100);
	proactor_sendto_op_init(&to, a, spans, PROACTOR_SPAN_MAX, &at_b, 0,
	    record, &w->r);
	CHECK_INT(run_one(w, &to.base), 0);
	CHECK_INT(to.bytes, sizeof(wanted));
	for (i = 0; i < PROACTOR_SPAN_MAX; i++)
		spans[i] = proactor_span(memory + i * 100, 100);
	proactor_recvfrom_op_init(&from, b, spans, PROACTOR_SPAN_MAX, record,
	    &w->r);
	CHECK_INT(run_one(w, &from.base), 0);
	CHECK_INT(from.bytes, sizeof(wanted));
	CHECK_MEM(memory, wanted, sizeof(wanted));
	CHECK_INT(close_socket(w, a), 0);
	CHECK_INT(close_socket(w, b), 0);
}

static void
spans_of_datagrams(void)
{
	each_datagram(scatter_and_gather);
}

/* --- errors --- */

static void
too_long(void)
{
	static char memory[70000];
	struct proactor_address at_a, at_b;
	struct proactor_socket *a, *b;
	struct proactor_sendto_op to;
	struct world w;

	world_open(&w, NULL);
	a = bound(&w, PROACTOR_SOCKET_UDP, &at_a);
	b = bound(&w, PROACTOR_SOCKET_UDP, &at_b);
	sendto_init(&to, &w, a, memory, sizeof(memory), &at_b);
	CHECK_INT(run_one(&w, &to.base), PROACTOR_EMSGSIZE);
	CHECK_INT(to.bytes, 0);
	to.spans[0].length = 1000;
	CHECK_INT(run_one(&w, &to.base), 0);
	CHECK_INT(to.bytes, 1000);
	CHECK_INT(close_socket(&w, a), 0);
	CHECK_INT(close_socket(&w, b), 0);
	world_close(&w);
}

static void
unix_nobody_there(void)
{
	struct proactor_address nowhere, at_a, at_b;
	struct proactor_socket *a, *b;
	struct proactor_sendto_op to;
	struct world w;

	world_open(&w, NULL);
	a = bound(&w, PROACTOR_SOCKET_UNIX_DATAGRAM, &at_a);
	address_to_bind(PROACTOR_SOCKET_UNIX_DATAGRAM, &nowhere);
	sendto_init(&to, &w, a, "x", 1, &nowhere);
	CHECK_INT(run_one(&w, &to.base), PROACTOR_ENOENT);
	b = bound(&w, PROACTOR_SOCKET_UNIX_DATAGRAM, &at_b);
	CHECK_INT(close_socket(&w, b), 0);
	sendto_init(&to, &w, a, "x", 1, &at_b);
	CHECK_INT(run_one(&w, &to.base), PROACTOR_ECONNREFUSED);
	CHECK_INT(to.bytes, 0);
	CHECK_INT(close_socket(&w, a), 0);
	world_close(&w);
}

static void
other_family(void)
{
	struct proactor_address at_a, path;
	struct proactor_socket *a;
	struct proactor_sendto_op to;
	struct world w;
	int status;

	world_open(&w, NULL);
	a = bound(&w, PROACTOR_SOCKET_UDP, &at_a);
	address_to_bind(PROACTOR_SOCKET_UNIX_DATAGRAM, &path);
	sendto_init(&to, &w, a, "x", 1, &path);
	status = run_one(&w, &to.base);
	CHECK(status == PROACTOR_EAFNOSUPPORT || status == PROACTOR_EINVAL);
	CHECK_INT(close_socket(&w, a), 0);
	world_close(&w);
}

/* --- many --- */

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

/* Connecting makes a peer that others are not. */
static void
hear_one_only(struct world *w, unsigned int kind)
{
	struct proactor_address at_a, at_b, at_c;
	struct proactor_socket *a, *b, *c;
	struct proactor_sendto_op to;
	unsigned int state;
	char text[8];
	size_t bytes;

	a = bound(w, kind, &at_a);
	b = bound(w, kind, &at_b);
	c = bound(w, kind, &at_c);
	CHECK_INT(connect_socket(w, c, &at_a), 0);
	CHECK_INT(proactor_socket_query_state(c, &state), 0);
	CHECK_INT(state, PROACTOR_SOCKET_STATE_CONNECTED);
	sendto_init(&to, w, b, "from b", 6, &at_c);
	run_one(w, &to.base);
	send_now(w, a, "from a", 6, &at_c);
	CHECK_INT(recv_bytes(w, c, text, sizeof(text), &bytes), 0);
	CHECK_INT(bytes, 6);
	CHECK_MEM(text, "from a", 6);
	CHECK_INT(close_socket(w, a), 0);
	CHECK_INT(close_socket(w, b), 0);
	CHECK_INT(close_socket(w, c), 0);
}

static void
connected_hears_its_peer(void)
{
	each_datagram(hear_one_only);
}

const struct tap_case datagram_cases[] = {
	{ "datagram: connected pairs exchange whole datagrams", boundaries },
	{ "datagram: a receive without address loses what does not fit",
	    recv_truncates },
	{ "datagram: a closed port refuses a connected sender",
	    connected_refused },
	{ "datagram: a send without peer is refused", send_without_peer },
	{ "datagram: a connected one hears its peer only",
	    connected_hears_its_peer },
	{ "datagram: the peer's address comes with it, IPv4", peers_v4 },
	{ "datagram: the peer's address comes with it, IPv6", peers_v6 },
	{ "datagram: the peer's address comes with it, Unix", peers_unix },
	{ "datagram: a sender without a name has none", unbound_sender },
	{ "datagram: one that is larger than the spans is said to be "
	    "truncated", truncated_is_said },
	{ "datagram: an empty one arrives as such", empty_ones },
	{ "datagram: eight spans are gathered and filled",
	    spans_of_datagrams },
	{ "datagram: one too long for the protocol is EMSGSIZE", too_long },
	{ "datagram: nobody at a path is ENOENT or ECONNREFUSED",
	    unix_nobody_there },
	{ "datagram: an address of another family is refused",
	    other_family },
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
