/* SPDX-License-Identifier: ISC */
/*
 * A client for 02-echo-server that checks what comes back.
 *
 *	03-echo-client address [count [bytes]]
 *
 * Sends count messages of so many bytes, one after the other.  The send and
 * the receive of a message are in flight together: with a message larger than
 * what the sockets hold, a client that first sends all and then receives
 * would wait for a server that waits for it.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <proactor.h>

#define SECOND	INT64_C(1000000000)

struct client {
	struct proactor *p;
	struct proactor_socket *socket;
	struct proactor_connect_op connect;
	struct proactor_send_op send;
	struct proactor_recv_op recv;
	unsigned char *out, *in;
	size_t size;			/* of a message */
	size_t received;		/* of this message */
	bool sent;			/* all of this message */
	unsigned long count, done;	/* messages */
	int status;			/* the first error, or 0 */
	const char *failed;		/* doing what */
	bool finished;
};

static void
fail(struct client *c, const char *what, int status)
{
	if (c->status == 0) {
		c->status = status;
		c->failed = what;
	}
	c->finished = true;
}

static void
receive(struct client *c)
{
	int status;

	/* A receive completes with what is there: ask for the rest. */
	c->recv.spans[0] = proactor_span(c->in + c->received,
	    c->size - c->received);
	status = proactor_submit_one(c->p, &c->recv.base);
	if (status != 0)
		fail(c, "receive", status);
}

static void
next_message(struct client *c)
{
	size_t i;
	int status;

	for (i = 0; i < c->size; i++)
		c->out[i] = (unsigned char)(c->done + i * 31);
	c->sent = false;
	c->received = 0;
	status = proactor_submit_one(c->p, &c->send.base);
	if (status != 0)
		fail(c, "send", status);
	else
		receive(c);
}

/* A message is over when all of it was sent and all of it came back. */
static void
check_message(struct client *c)
{
	if (!c->sent || c->received < c->size)
		return;
	if (memcmp(c->in, c->out, c->size) != 0)
		fail(c, "the echo differs", PROACTOR_EIO);
	else if (++c->done == c->count)
		c->finished = true;
	else
		next_message(c);
}

static void
on_connect(void *user_data, struct proactor_op *op, int status,
    unsigned int flags)
{
	struct client *c = user_data;

	(void)op;
	(void)flags;
	if (status != 0)
		fail(c, "connect", status);
	else
		next_message(c);
}

static void
on_send(void *user_data, struct proactor_op *op, int status,
    unsigned int flags)
{
	struct client *c = user_data;

	(void)op;
	(void)flags;
	if (status != 0) {
		fail(c, "send", status);
		return;
	}
	c->sent = true;
	check_message(c);
}

static void
on_recv(void *user_data, struct proactor_op *op, int status,
    unsigned int flags)
{
	struct client *c = user_data;

	(void)op;
	(void)flags;
	if (status == 0 && c->recv.bytes == 0)
		status = PROACTOR_ECONNRESET;	/* the end, too early */
	if (status != 0) {
		fail(c, "receive", status);
		return;
	}
	c->received += c->recv.bytes;
	if (c->received < c->size)
		receive(c);
	else
		check_message(c);
}

/* Runs the loop until the last message or the first error. */
static void
run(struct client *c, const struct proactor_address *address)
{
	struct proactor_span span = proactor_span(c->out, c->size);
	int status;

	proactor_connect_op_init(&c->connect, c->socket, address, on_connect,
	    c);
	proactor_send_op_init(&c->send, c->socket, &span, 1, 0, on_send, c);
	span = proactor_span(c->in, c->size);
	proactor_recv_op_init(&c->recv, c->socket, &span, 1, on_recv, c);
	status = proactor_submit_one(c->p, &c->connect.base);
	if (status != 0)
		fail(c, "connect", status);
	while (!c->finished) {
		/* Ten seconds in which nothing at all happens are enough. */
		status = proactor_poll(c->p, proactor_deadline_after(
		    10 * SECOND), NULL);
		if (status != 0)
			fail(c, "poll", status);
	}
}

int
main(int argc, char **argv)
{
	struct client c = { .count = 1, .size = 64 };
	struct proactor_address address;
	unsigned int kind = PROACTOR_SOCKET_UNIX_STREAM;
	int64_t began;
	int status;

	if (argc > 2)
		c.count = strtoul(argv[2], NULL, 10);
	if (argc > 3)
		c.size = strtoul(argv[3], NULL, 10);
	if (argc < 2 || argc > 4 || c.count == 0 || c.size == 0 ||
	    proactor_address_parse(argv[1], &address) != 0) {
		fprintf(stderr,
		    "usage: 03-echo-client address [count [bytes]]\n");
		return 2;
	}
	if (proactor_address_family(&address) == PROACTOR_ADDRESS_IPV4)
		kind = PROACTOR_SOCKET_TCP;
	else if (proactor_address_family(&address) == PROACTOR_ADDRESS_IPV6)
		kind = PROACTOR_SOCKET_TCP6;

	c.out = malloc(c.size);
	c.in = malloc(c.size);
	if (c.out == NULL || c.in == NULL)
		fail(&c, "memory", PROACTOR_ENOMEM);
	if (c.status == 0) {
		status = proactor_create(NULL, &c.p);
		if (status != 0)
			fail(&c, "create", status);
	}
	if (c.status == 0) {
		status = proactor_socket_create(c.p, kind,
		    kind == PROACTOR_SOCKET_UNIX_STREAM ? 0 :
		    PROACTOR_SOCKET_NO_DELAY, &c.socket);
		if (status != 0)
			fail(&c, "socket", status);
	}
	began = proactor_now();
	if (c.status == 0)
		run(&c, &address);
	if (c.status == 0) {
		printf("%lu messages of %zu bytes came back\n", c.done,
		    c.size);
		printf("%" PRId64 " us each\n", (proactor_now() - began) /
		    1000 / (int64_t)c.count);
	} else {
		fprintf(stderr, "03-echo-client: %s: %s\n", c.failed,
		    proactor_strerror(c.status));
	}

	/* After an error the other operation may still be in flight. */
	if (c.p != NULL)
		proactor_shutdown(c.p, proactor_deadline_after(SECOND));
	proactor_socket_release(c.socket);
	proactor_release(c.p);
	free(c.in);
	free(c.out);
	return c.status == 0 ? 0 : 1;
}
