/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <string.h>

#include "conformance/datagram.h"

/* Datagrams with addresses: whose they are, and what is wrong with some. */

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

const struct tap_case datagram_address_cases[] = {
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
	{ NULL, NULL }
};
