/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "conformance/datagram.h"

/* Datagrams of connected sockets: whole ones, from the peer. */

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
	{ NULL, NULL }
};
