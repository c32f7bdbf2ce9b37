/* SPDX-License-Identifier: ISC */
/*
 * A pipeline of linked operations: connect, send, receive, write to a file.
 *
 *	05-pipeline address file [text]
 *
 * Sends a text to an echo server (02-echo-server) and saves the answer.  All
 * four steps are submitted at once.  Each starts when the one before has
 * succeeded; where the kernel can, it goes from step to step by itself and
 * this program sleeps.  When a step fails, those after it are called back in
 * order with PROACTOR_ECANCELED.
 *
 * One thing a chain cannot know is how much a receive will bring.  A short
 * one counts as success, and the write that follows writes its whole span.
 * So the answer is looked at when the chain has ended, and the rest, if any,
 * is fetched with another chain of receive and write.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <proactor.h>

#define SECOND		INT64_C(1000000000)
#define TEXT_MAX	4096

struct pipeline {
	struct proactor *p;
	struct proactor_socket *socket;
	struct proactor_file *file;
	struct proactor_file_open_op open;
	struct proactor_connect_op connect;
	struct proactor_send_op send;
	struct proactor_recv_op recv;
	struct proactor_file_write_op write;
	struct proactor_timer_op timeout;
	const char *text;
	size_t size;			/* of the text, and of the answer */
	size_t saved;			/* bytes of the answer in the file */
	char answer[TEXT_MAX];
	unsigned int steps;		/* final callbacks still to come */
	bool timing;			/* the timer is in flight */
	int status;			/* the first error, or 0 */
	const char *failed;		/* doing what */
};

static void
fail(struct pipeline *l, const char *what, int status)
{
	if (l->status == 0) {
		l->status = status;
		l->failed = what;
	}
}

/* Submits a batch, all of it or nothing. */
static void
start(struct pipeline *l, struct proactor_op *const *ops, size_t count)
{
	int status = proactor_submit(l->p, ops, count);

	if (status == 0)
		l->steps += (unsigned int)count;
	else
		fail(l, "submit", status);
}

static void
run(struct pipeline *l)
{
	int status;

	while (l->steps > 0) {
		status = proactor_poll(l->p, PROACTOR_FOREVER, NULL);
		if (status != 0) {
			fail(l, "poll", status);
			return;
		}
	}
}

/* All steps say how they ended, and the last one what comes next. */
static void
on_step(void *user_data, struct proactor_op *op, int status,
    unsigned int flags)
{
	struct pipeline *l = user_data;
	const char *name = proactor_op_name(op->type);

	(void)flags;
	l->steps--;
	printf("%s: %s\n", name, status == 0 ? "done" :
	    proactor_strerror(status));
	if (status == 0 && op == &l->recv.base && l->recv.bytes == 0)
		status = PROACTOR_ECONNRESET;	/* the end, too early */
	if (status == 0 && op == &l->write.base &&
	    l->write.bytes < l->write.span.length)
		status = PROACTOR_ENOSPC;
	if (status != 0)
		fail(l, name, status);
	if (op != &l->write.base || l->status != 0)
		return;

	l->saved += l->recv.bytes;
	if (l->saved < l->size) {
		l->recv.spans[0] = proactor_span(l->answer + l->saved,
		    l->size - l->saved);
		l->write.span = l->recv.spans[0];
		l->write.offset = l->saved;
		start(l, (struct proactor_op *[]){ &l->recv.base,
		    &l->write.base }, 2);
	}
}

/*
 * Time is up.  Cancelling a step that runs ends it and so the chain; those
 * not in flight answer PROACTOR_ENOENT, which does no harm.
 */
static void
on_timeout(void *user_data, struct proactor_op *op, int status,
    unsigned int flags)
{
	struct pipeline *l = user_data;

	(void)op;
	(void)flags;
	l->timing = false;
	if (status != 0)
		return;
	fail(l, "the server", PROACTOR_ETIMEDOUT);
	proactor_cancel(l->p, &l->connect.base);
	proactor_cancel(l->p, &l->send.base);
	proactor_cancel(l->p, &l->recv.base);
	proactor_cancel(l->p, &l->write.base);
}

static void
open_file(struct pipeline *l, const char *name)
{
	proactor_file_open_op_init(&l->open, name, PROACTOR_FILE_WRITE |
	    PROACTOR_FILE_CREATE | PROACTOR_FILE_TRUNCATE, 0666, on_step, l);
	start(l, (struct proactor_op *[]){ &l->open.base }, 1);
	run(l);
	if (l->status == 0)
		l->file = l->open.file;
}

static void
open_socket(struct pipeline *l, const struct proactor_address *address)
{
	unsigned int kind = PROACTOR_SOCKET_UNIX_STREAM;
	int status;

	if (proactor_address_family(address) == PROACTOR_ADDRESS_IPV4)
		kind = PROACTOR_SOCKET_TCP;
	else if (proactor_address_family(address) == PROACTOR_ADDRESS_IPV6)
		kind = PROACTOR_SOCKET_TCP6;
	status = proactor_socket_create(l->p, kind, 0, &l->socket);
	if (status != 0)
		fail(l, "socket", status);
}

/* The chain: LINKED ties an operation to the next one of its batch. */
static void
start_chain(struct pipeline *l, const struct proactor_address *address)
{
	struct proactor_span out = proactor_span(l->text, l->size);
	struct proactor_span in = proactor_span(l->answer, l->size);

	proactor_connect_op_init(&l->connect, l->socket, address, on_step, l);
	proactor_send_op_init(&l->send, l->socket, &out, 1, 0, on_step, l);
	proactor_recv_op_init(&l->recv, l->socket, &in, 1, on_step, l);
	proactor_file_write_op_init(&l->write, l->file, 0, in, on_step, l);
	l->connect.base.flags |= PROACTOR_OP_LINKED;
	l->send.base.flags |= PROACTOR_OP_LINKED;
	l->recv.base.flags |= PROACTOR_OP_LINKED;
	start(l, (struct proactor_op *[]){ &l->connect.base, &l->send.base,
	    &l->recv.base, &l->write.base }, 4);

	proactor_timer_op_init(&l->timeout, proactor_deadline_after(
	    10 * SECOND), on_timeout, l);
	l->timing = proactor_submit_one(l->p, &l->timeout.base) == 0;
}

int
main(int argc, char **argv)
{
	struct pipeline l = { .text = "a text that comes back\n" };
	struct proactor_address address;
	int status;

	if (argc == 4)
		l.text = argv[3];
	l.size = strlen(l.text);
	if (argc < 3 || argc > 4 || l.size == 0 || l.size > TEXT_MAX ||
	    proactor_address_parse(argv[1], &address) != 0) {
		fprintf(stderr, "usage: 05-pipeline address file [text]\n");
		return 2;
	}

	status = proactor_create(NULL, &l.p);
	if (status != 0)
		fail(&l, "create", status);
	if (l.status == 0)
		open_socket(&l, &address);
	if (l.status == 0)
		open_file(&l, argv[2]);
	if (l.status == 0) {
		start_chain(&l, &address);
		run(&l);
	}
	if (l.status == 0)
		printf("%zu bytes saved\n", l.saved);
	else
		fprintf(stderr, "05-pipeline: %s: %s\n", l.failed,
		    proactor_strerror(l.status));

	/* Ends the timer, which nobody needs any more. */
	if (l.p != NULL)
		proactor_shutdown(l.p, proactor_deadline_after(SECOND));
	proactor_socket_release(l.socket);
	proactor_file_release(l.file);
	proactor_release(l.p);
	return l.status == 0 ? 0 : 1;
}
