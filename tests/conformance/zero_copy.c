/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <sys/socket.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conformance/transfer.h"

/*
 * Zero copy is a socket's property that nobody has to notice: one callback,
 * after which the memory is the caller's.
 */

#define PARTS	40
#define LARGEST	((size_t)200000)

static size_t
length_of(unsigned int part)
{
	return part % 5 == 0 ? part + 1 : LARGEST / (part % 5 + 1);
}

/* Sends part after part out of one buffer that is spoilt in between. */
struct source {
	struct world *w;
	struct proactor_send_op send;
	char *memory;
	unsigned int part;
	unsigned int achieved;
	size_t ended;
};

static void
next_part(struct source *source)
{
	size_t length = length_of(source->part);

	fill(source->memory, length, source->part);
	source->send.spans[0] = proactor_span(source->memory, length);
	CHECK_INT(proactor_submit_one(source->w->p, &source->send.base), 0);
}

static void
part_sent(void *user_data, struct proactor_op *op, int status,
    unsigned int flags)
{
	struct source *source = user_data;

	CHECK(op == &source->send.base);
	CHECK_INT(status, 0);
	CHECK_INT(flags & PROACTOR_COMPLETION_MORE, 0);
	CHECK_INT(source->send.bytes, length_of(source->part));
	if (flags & PROACTOR_COMPLETION_ZERO_COPY_ACHIEVED)
		source->achieved++;
	memset(source->memory, 0xee, LARGEST);
	if (++source->part == PARTS)
		source->ended = 1;
	else
		next_part(source);
}

static void *
read_parts(void *arg)
{
	char *memory = malloc(LARGEST);
	int fd = *(int *)arg;
	unsigned int i;

	CHECK(memory != NULL);
	for (i = 0; i < PARTS; i++) {
		fd_read_all(fd, memory, length_of(i));
		CHECK(is_filled(memory, length_of(i), i));
	}
	free(memory);
	return NULL;
}

static void
send_parts(struct world *w, struct proactor_socket *s, int fd,
    struct source *source)
{
	struct proactor_span span;
	pthread_t thread;

	memset(source, 0, sizeof(*source));
	source->w = w;
	source->memory = malloc(LARGEST);
	CHECK(source->memory != NULL);
	span = proactor_span(source->memory, 0);
	proactor_send_op_init(&source->send, s, &span, 1, 0, part_sent,
	    source);
	thread_start(&thread, read_parts, &fd);
	next_part(source);
	CHECK(poll_until(w, &source->ended, 1));
	thread_join(thread);
	poll_barrier(w);
	CHECK_INT(source->part, PARTS);
	free(source->memory);
}

static void
check_stream(unsigned int kind, bool never)
{
	struct proactor_socket *s;
	struct source source;
	struct world w;
	int fd;

	world_open(&w, NULL);
	s = half_pair(&w, kind, PROACTOR_SOCKET_ZERO_COPY, &fd);
	send_parts(&w, s, fd, &source);
	if (never)
		CHECK_INT(source.achieved, 0);
	CHECK_INT(close_socket(&w, s), 0);
	close(fd);
	world_close(&w);
}

static void
tcp_memory_is_free(void)
{
	check_stream(PROACTOR_SOCKET_TCP, false);
}

static void
unix_falls_back(void)
{
	check_stream(PROACTOR_SOCKET_UNIX_STREAM, true);
}

static void
masked_never_achieves(void)
{
	struct proactor_options o;
	struct proactor_socket *s;
	struct source source;
	struct world w;
	int fd;

	world_options(&o);
	o.allowed_capabilities &= ~PROACTOR_CAP_ZERO_COPY_SEND;
	world_open(&w, &o);
	s = half_pair(&w, PROACTOR_SOCKET_TCP, PROACTOR_SOCKET_ZERO_COPY,
	    &fd);
	send_parts(&w, s, fd, &source);
	CHECK_INT(source.achieved, 0);
	CHECK_INT(close_socket(&w, s), 0);
	close(fd);
	world_close(&w);
}

static void
plain_never_achieves(void)
{
	struct proactor_socket *s;
	struct source source;
	struct world w;
	int fd;

	world_open(&w, NULL);
	s = half_pair(&w, PROACTOR_SOCKET_TCP, 0, &fd);
	send_parts(&w, s, fd, &source);
	CHECK_INT(source.achieved, 0);
	CHECK_INT(close_socket(&w, s), 0);
	close(fd);
	world_close(&w);
}

static void
in_order_of_submission(void)
{
	static struct proactor_send_op sends[PARTS];
	struct proactor_span spans[2];
	struct proactor_socket *s;
	pthread_t thread;
	struct world w;
	char *memory[PARTS];
	unsigned int i;
	size_t length;
	int fd;

	world_open(&w, NULL);
	s = half_pair(&w, PROACTOR_SOCKET_TCP, PROACTOR_SOCKET_ZERO_COPY,
	    &fd);
	for (i = 0; i < PARTS; i++) {
		length = length_of(i);
		memory[i] = malloc(length);
		CHECK(memory[i] != NULL);
		fill(memory[i], length, i);
		spans[0] = proactor_span(memory[i], length / 3);
		spans[1] = proactor_span(memory[i] + length / 3,
		    length - length / 3);
		proactor_send_op_init(&sends[i], s, spans, 2, 0, record,
		    &w.r);
		CHECK_INT(proactor_submit_one(w.p, &sends[i].base), 0);
	}
	thread_start(&thread, read_parts, &fd);
	CHECK(poll_until(&w, &w.r.finals, PARTS));
	thread_join(thread);
	poll_barrier(&w);
	CHECK_INT(w.r.calls, PARTS);
	for (i = 0; i < PARTS; i++) {
		CHECK(w.r.seen[i].op == &sends[i].base);
		CHECK_INT(w.r.seen[i].status, 0);
		CHECK_INT(sends[i].bytes, length_of(i));
		free(memory[i]);
	}
	CHECK_INT(close_socket(&w, s), 0);
	close(fd);
	world_close(&w);
}

static void
accepted_from(void)
{
	struct proactor_address address;
	struct proactor_socket *listener, *s;
	struct source source;
	struct world w;
	int fd;

	world_open(&w, NULL);
	listener = listener_open(&w, PROACTOR_SOCKET_TCP,
	    PROACTOR_SOCKET_ZERO_COPY, &address);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CHECK(fd != -1);
	CHECK_INT(connect(fd, (void *)address.storage.bytes, address.length),
	    0);
	CHECK_INT(accept_socket(&w, listener, &s), 0);
	send_parts(&w, s, fd, &source);
	CHECK_INT(close_socket(&w, s), 0);
	close(fd);
	proactor_socket_release(listener);
	world_close(&w);
}

static void
status_is_the_sends(void)
{
	struct proactor_socket *s;
	struct world w;
	size_t bytes = 99;
	char *memory;
	int fd, i, status = 0;

	world_open(&w, NULL);
	memory = calloc(1, LARGEST);
	CHECK(memory != NULL);
	s = half_pair(&w, PROACTOR_SOCKET_TCP, PROACTOR_SOCKET_ZERO_COPY,
	    &fd);
	close(fd);
	for (i = 0; i < 100 && status == 0; i++)
		status = send_bytes(&w, s, memory, LARGEST, &bytes);
	CHECK(status == PROACTOR_EPIPE || status == PROACTOR_ECONNRESET);
	poll_barrier(&w);
	CHECK_INT(close_socket(&w, s), 0);
	free(memory);
	world_close(&w);
}

/* What a peer reads until the end of the stream. */
struct drain {
	int fd;
	size_t bytes;
};

static void *
drain_run(void *arg)
{
	struct drain *drain = arg;

	drain->bytes = fd_drain(drain->fd);
	return NULL;
}

/* Called back before the peer has read, or after: the count is right. */
static void
cancel_counts(void)
{
	struct proactor_send_op send;
	struct proactor_socket *s;
	struct proactor_span span;
	struct drain drain;
	pthread_t thread;
	struct world w;
	char *memory;

	world_open(&w, NULL);
	memory = calloc(1, BLOCKING_SIZE);
	CHECK(memory != NULL);
	s = half_pair(&w, PROACTOR_SOCKET_TCP, PROACTOR_SOCKET_ZERO_COPY,
	    &drain.fd);
	span = proactor_span(memory, BLOCKING_SIZE);
	proactor_send_op_init(&send, s, &span, 1, 0, record, &w.r);
	CHECK_INT(proactor_submit_one(w.p, &send.base), 0);
	poll_barrier(&w);
	CHECK(poll_quiet(&w));
	CHECK_INT(proactor_cancel(w.p, &send.base), 0);
	poll_barrier(&w);
	CHECK_INT(proactor_socket_shutdown(s, PROACTOR_SHUTDOWN_WRITE), 0);
	thread_start(&thread, drain_run, &drain);
	CHECK(poll_finals(&w, &send, 1));
	thread_join(thread);
	CHECK_INT(status_of(&w.r, &send), PROACTOR_ECANCELED);
	CHECK_INT(send.bytes, drain.bytes);
	poll_barrier(&w);
	CHECK_INT(w.r.calls, 1);
	CHECK_INT(close_socket(&w, s), 0);
	close(drain.fd);
	free(memory);
	world_close(&w);
}

/* Its memory is free when the close is called back. */
static void
close_waits(void)
{
	const struct linger zero = { 1, 0 };
	struct proactor_socket_close_op close_op;
	struct proactor_send_op sends[4];
	struct proactor_socket *s;
	struct proactor_span span;
	struct world w;
	char *memory;
	size_t i;
	int fd;

	world_open(&w, NULL);
	memory = calloc(1, BLOCKING_SIZE);
	CHECK(memory != NULL);
	s = half_pair(&w, PROACTOR_SOCKET_TCP, PROACTOR_SOCKET_ZERO_COPY |
	    PROACTOR_SOCKET_LINGER_ZERO, &fd);
	/* Import says what is set up; the peer that never reads needs it. */
	CHECK_INT(setsockopt(proactor_socket_handle(s).u.fd, SOL_SOCKET,
	    SO_LINGER, &zero, sizeof(zero)), 0);
	span = proactor_span(memory, BLOCKING_SIZE);
	for (i = 0; i < COUNT(sends); i++) {
		proactor_send_op_init(&sends[i], s, &span, 1, 0, record,
		    &w.r);
		CHECK_INT(proactor_submit_one(w.p, &sends[i].base), 0);
	}
	poll_barrier(&w);
	proactor_socket_close_op_init(&close_op, s, record, &w.r);
	CHECK_INT(proactor_submit_one(w.p, &close_op.base), 0);
	CHECK(poll_finals(&w, &close_op, 1));
	CHECK_INT(w.r.calls, COUNT(sends) + 1);
	CHECK_INT(place_of(&w.r, &close_op), COUNT(sends));
	free(memory);
	poll_barrier(&w);
	close(fd);
	world_close(&w);
}

static void
datagram_memory_is_free(struct world *w, unsigned int kind)
{
	struct proactor_socket *s;
	char memory[3000], received[3000];
	unsigned int i;
	size_t bytes;
	int fd;

	s = half_pair(w, kind, PROACTOR_SOCKET_ZERO_COPY, &fd);
	for (i = 0; i < 20; i++) {
		fill(memory, sizeof(memory), i);
		CHECK_INT(send_bytes(w, s, memory, sizeof(memory), &bytes),
		    0);
		CHECK_INT(bytes, sizeof(memory));
		memset(memory, 0xee, sizeof(memory));
		CHECK_INT(recv(fd, received, sizeof(received), 0),
		    sizeof(received));
		CHECK(is_filled(received, sizeof(received), i));
	}
	CHECK_INT(close_socket(w, s), 0);
	close(fd);
}

static void
datagrams(void)
{
	each_datagram(datagram_memory_is_free);
}

const struct tap_case zero_copy_cases[] = {
	{ "zero copy: a send calls back once, when its memory is free",
	    tcp_memory_is_free },
	{ "zero copy: on a Unix stream it falls back in silence",
	    unix_falls_back },
	{ "zero copy: where it is not allowed it is never achieved",
	    masked_never_achieves },
	{ "zero copy: without the option it is never achieved",
	    plain_never_achieves },
	{ "zero copy: sends are transmitted in submission order",
	    in_order_of_submission },
	{ "zero copy: sockets of such a listener send whole, call back once",
	    accepted_from },
	{ "zero copy: the status is the send's", status_is_the_sends },
	{ "zero copy: a cancelled send counts what was taken",
	    cancel_counts },
	{ "zero copy: a close waits for the memory of the sends",
	    close_waits },
	{ "zero copy: datagrams are sent with it too", datagrams },
	{ NULL, NULL }
};
