/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conformance/transfer.h"

/* In which order a stream socket serves what is in flight on it. */

/* --- sends do not interleave --- */

/* Reads all of a stream on a thread of its own, checking each part. */
struct reader {
	int fd;
	size_t parts;
	size_t part_length;
	bool good;
};

static void *
reader_run(void *arg)
{
	struct reader *reader = arg;
	char *memory = malloc(reader->part_length);
	unsigned int i;

	CHECK(memory != NULL);
	reader->good = true;
	for (i = 0; i < reader->parts; i++) {
		fd_read_all(reader->fd, memory, reader->part_length);
		if (!is_filled(memory, reader->part_length, i))
			reader->good = false;
	}
	free(memory);
	return NULL;
}

#define BIG_SENDS	8
#define BIG_LENGTH	((size_t)1 << 20)

/* Each of the sends is a megabyte; the socket takes a few parts of it. */
static void
send_big_ones(struct world *w, unsigned int kind)
{
	struct proactor_send_op sends[BIG_SENDS];
	struct proactor_span spans[3];
	struct proactor_socket *s;
	struct reader reader;
	pthread_t thread;
	char *memory;
	unsigned int i;

	s = half_pair(w, kind, 0, &reader.fd);
	small_buffer(s, 65536);
	memory = malloc(BIG_SENDS * BIG_LENGTH);
	CHECK(memory != NULL);
	for (i = 0; i < BIG_SENDS; i++) {
		fill(memory + i * BIG_LENGTH, BIG_LENGTH, i);
		cut_spans(spans, i % 3 + 1, memory + i * BIG_LENGTH,
		    BIG_LENGTH);
		proactor_send_op_init(&sends[i], s, spans, i % 3 + 1, 0,
		    record, &w->r);
		CHECK_INT(proactor_submit_one(w->p, &sends[i].base), 0);
	}
	poll_barrier(w);
	CHECK(w->r.calls < BIG_SENDS);
	reader.parts = BIG_SENDS;
	reader.part_length = BIG_LENGTH;
	thread_start(&thread, reader_run, &reader);
	CHECK(poll_until(w, &w->r.finals, BIG_SENDS));
	thread_join(thread);
	CHECK(reader.good);
	CHECK_INT(w->r.calls, BIG_SENDS);
	for (i = 0; i < BIG_SENDS; i++) {
		CHECK_INT(place_of(&w->r, &sends[i]), i);
		CHECK_INT(status_of(&w->r, &sends[i]), 0);
		CHECK_INT(sends[i].bytes, BIG_LENGTH);
	}
	free(memory);
	CHECK_INT(close_socket(w, s), 0);
	close(reader.fd);
	recorder_clear(&w->r);
}

static void
sends_never_interleave(void)
{
	each_stream(send_big_ones);
}

/* Several threads send parts of PART bytes on one socket. */
#define SENDERS		4
#define PARTS_EACH	50
#define PART		3000

struct sender {
	struct world *w;
	struct proactor_socket *s;
	struct proactor_send_op *sends;
	char memory[PART];
	unsigned int number;
};

static void *
sender_run(void *arg)
{
	struct sender *sender = arg;
	struct proactor_span span;
	unsigned int i;

	memset(sender->memory, 'a' + (int)sender->number, PART);
	span = proactor_span(sender->memory, PART);
	for (i = 0; i < PARTS_EACH; i++) {
		proactor_send_op_init(&sender->sends[i], sender->s, &span, 1,
		    0, record, &sender->w->r);
		CHECK_INT(proactor_submit_one(sender->w->p,
		    &sender->sends[i].base), 0);
	}
	return NULL;
}

/* Every part is of one sender's letter; returns the parts of all. */
static void *
check_parts(void *arg)
{
	int fd = *(int *)arg;
	size_t of[SENDERS] = {0};
	char part[PART];
	unsigned int i, j;

	for (i = 0; i < SENDERS * PARTS_EACH; i++) {
		fd_read_all(fd, part, PART);
		for (j = 1; j < PART; j++)
			CHECK_INT(part[j], part[0]);
		CHECK(part[0] >= 'a' && part[0] < 'a' + SENDERS);
		of[part[0] - 'a']++;
	}
	for (i = 0; i < SENDERS; i++)
		CHECK_INT(of[i], PARTS_EACH);
	return NULL;
}

static void
threads_never_interleave(void)
{
	struct sender senders[SENDERS];
	pthread_t threads[SENDERS], checker;
	struct proactor_socket *s;
	struct world w;
	unsigned int i;
	int fd;

	world_open(&w, NULL);
	s = half_pair(&w, PROACTOR_SOCKET_UNIX_STREAM, 0, &fd);
	thread_start(&checker, check_parts, &fd);
	for (i = 0; i < SENDERS; i++) {
		senders[i].w = &w;
		senders[i].s = s;
		senders[i].number = i;
		senders[i].sends = calloc(PARTS_EACH,
		    sizeof(*senders[i].sends));
		CHECK(senders[i].sends != NULL);
		thread_start(&threads[i], sender_run, &senders[i]);
	}
	CHECK(poll_until(&w, &w.r.finals, SENDERS * PARTS_EACH));
	for (i = 0; i < SENDERS; i++) {
		thread_join(threads[i]);
		free(senders[i].sends);
	}
	thread_join(checker);
	for (i = 0; i < w.r.calls; i++)
		CHECK_INT(w.r.seen[i].status, 0);
	CHECK_INT(close_socket(&w, s), 0);
	close(fd);
	world_close(&w);
}

/* --- order, both ways --- */

#define MANY	300

/* One byte each; more receives than the ring has entries. */
static void
receives_in_order(void)
{
	struct proactor_options o;
	static struct proactor_recv_op recvs[MANY];
	unsigned char wanted[MANY], memory[MANY];
	struct proactor_span span;
	struct proactor_socket *s;
	struct world w;
	unsigned int i;
	int fd;

	world_options(&o);
	o.max_concurrent_operations = 8;
	world_open(&w, &o);
	s = half_pair(&w, PROACTOR_SOCKET_TCP, 0, &fd);
	fill(wanted, MANY, 1);
	for (i = 0; i < MANY; i++) {
		span = proactor_span(&memory[i], 1);
		proactor_recv_op_init(&recvs[i], s, &span, 1, record, &w.r);
		CHECK_INT(proactor_submit_one(w.p, &recvs[i].base), 0);
	}
	poll_barrier(&w);
	CHECK_INT(w.r.calls, 0);
	fd_write_all(fd, wanted, MANY / 2);
	CHECK(poll_until(&w, &w.r.finals, MANY / 2));
	poll_barrier(&w);
	CHECK_INT(w.r.calls, MANY / 2);
	fd_write_all(fd, wanted + MANY / 2, MANY / 2);
	CHECK(poll_until(&w, &w.r.finals, MANY));
	for (i = 0; i < MANY; i++) {
		CHECK(w.r.seen[i].op == &recvs[i].base);
		CHECK_INT(w.r.seen[i].status, 0);
		CHECK_INT(recvs[i].bytes, 1);
	}
	CHECK_MEM(memory, wanted, MANY);
	CHECK_INT(close_socket(&w, s), 0);
	close(fd);
	world_close(&w);
}

/* In one batch with sizes that differ, and the end in the middle. */
static void
receives_at_the_end(struct world *w, unsigned int kind)
{
	struct proactor_recv_op recvs[6];
	struct proactor_op *batch[6];
	struct proactor_span span;
	struct proactor_socket *s;
	char memory[6][4];
	size_t i;
	int fd;

	s = half_pair(w, kind, 0, &fd);
	for (i = 0; i < 6; i++) {
		span = proactor_span(memory[i], 4);
		proactor_recv_op_init(&recvs[i], s, &span, 1, record, &w->r);
		batch[i] = &recvs[i].base;
	}
	CHECK_INT(proactor_submit(w->p, batch, 6), 0);
	poll_barrier(w);
	fd_write_all(fd, "0123456789", 10);
	close(fd);
	CHECK(poll_until(w, &w->r.finals, 6));
	for (i = 0; i < 6; i++) {
		CHECK(w->r.seen[i].op == batch[i]);
		CHECK_INT(w->r.seen[i].status, 0);
		CHECK_INT(recvs[i].bytes, i < 2 ? 4 : i == 2 ? 2 : 0);
	}
	CHECK_MEM(memory[0], "0123", 4);
	CHECK_MEM(memory[1], "4567", 4);
	CHECK_MEM(memory[2], "89", 2);
	CHECK_INT(close_socket(w, s), 0);
	recorder_clear(&w->r);
}

static void
receives_end_in_order(void)
{
	each_stream(receives_at_the_end);
}

static void
small_sends_in_order(void)
{
	static struct proactor_send_op sends[MANY];
	unsigned char wanted[MANY], memory[MANY];
	struct proactor_options o;
	struct proactor_span span;
	struct proactor_socket *s;
	struct world w;
	unsigned int i;
	int fd;

	world_options(&o);
	o.max_concurrent_operations = 8;
	world_open(&w, &o);
	s = half_pair(&w, PROACTOR_SOCKET_TCP, 0, &fd);
	fill(wanted, MANY, 2);
	for (i = 0; i < MANY; i++) {
		span = proactor_span(&wanted[i], 1);
		proactor_send_op_init(&sends[i], s, &span, 1, 0, record,
		    &w.r);
		CHECK_INT(proactor_submit_one(w.p, &sends[i].base), 0);
	}
	CHECK(poll_until(&w, &w.r.finals, MANY));
	fd_read_all(fd, memory, MANY);
	CHECK_MEM(memory, wanted, MANY);
	for (i = 0; i < MANY; i++)
		CHECK(w.r.seen[i].op == &sends[i].base);
	CHECK_INT(close_socket(&w, s), 0);
	close(fd);
	world_close(&w);
}

static void
send_beside_recv(struct world *w, unsigned int kind)
{
	struct proactor_recv_op recv;
	struct proactor_send_op send;
	struct proactor_span span;
	struct proactor_socket *s;
	char *memory, byte;
	int fd;

	s = half_pair(w, kind, 0, &fd);
	span = proactor_span(&byte, 1);
	proactor_recv_op_init(&recv, s, &span, 1, record, &w->r);
	CHECK_INT(proactor_submit_one(w->p, &recv.base), 0);
	poll_barrier(w);
	/* A send goes past a receive that waits ... */
	send_all(w, s, "abc", 3);
	memory = calloc(1, BLOCKING_SIZE);
	CHECK(memory != NULL);
	fd_read_all(fd, memory, 3);
	CHECK_INT(w->r.calls, 0);
	/* ... and a receive past a send that waits. */
	span = proactor_span(memory, BLOCKING_SIZE);
	proactor_send_op_init(&send, s, &span, 1, 0, record, &w->r);
	CHECK_INT(proactor_submit_one(w->p, &send.base), 0);
	poll_barrier(w);
	fd_write_all(fd, "x", 1);
	CHECK(poll_finals(w, &recv, 1));
	CHECK_INT(w->r.calls, 1);
	CHECK_INT(status_of(&w->r, &recv), 0);
	CHECK_INT(close_socket(w, s), 0);
	close(fd);
	free(memory);
	recorder_clear(&w->r);
}

static void
directions_are_independent(void)
{
	each_stream(send_beside_recv);
}

/* --- from callbacks --- */

#define ROUNDS	500

/* Sends back what comes, always with the same two operations. */
struct echo {
	struct world *w;
	struct proactor_recv_op recv;
	struct proactor_send_op send;
	char memory[64];
	size_t rounds;
	size_t ended;
};

static void
echo_received(void *user_data, struct proactor_op *op, int status,
    unsigned int flags)
{
	struct echo *echo = user_data;

	CHECK(op == &echo->recv.base);
	CHECK_INT(status, 0);
	CHECK_INT(flags, 0);
	if (echo->recv.bytes == 0) {
		echo->ended = 1;
		return;
	}
	echo->send.spans[0].length = echo->recv.bytes;
	CHECK_INT(proactor_submit_one(echo->w->p, &echo->send.base), 0);
}

static void
echo_sent(void *user_data, struct proactor_op *op, int status,
    unsigned int flags)
{
	struct echo *echo = user_data;

	CHECK(op == &echo->send.base);
	CHECK_INT(status, 0);
	CHECK_INT(flags & PROACTOR_COMPLETION_MORE, 0);
	CHECK_INT(echo->send.bytes, echo->recv.bytes);
	echo->rounds++;
	CHECK_INT(proactor_submit_one(echo->w->p, &echo->recv.base), 0);
}

static void
echo_start(struct echo *echo, struct world *w, struct proactor_socket *s)
{
	struct proactor_span span;

	memset(echo, 0, sizeof(*echo));
	echo->w = w;
	span = proactor_span(echo->memory, sizeof(echo->memory));
	proactor_recv_op_init(&echo->recv, s, &span, 1, echo_received, echo);
	proactor_send_op_init(&echo->send, s, &span, 1, 0, echo_sent, echo);
	CHECK_INT(proactor_submit_one(w->p, &echo->recv.base), 0);
}

static void
echo_to_and_fro(struct world *w, unsigned int kind)
{
	struct echo echo;
	struct pair pair;
	char memory[40], wanted[40];
	unsigned int i;

	pair_open(w, kind, 0, &pair);
	echo_start(&echo, w, pair.b);
	for (i = 0; i < ROUNDS; i++) {
		fill(wanted, sizeof(wanted), i);
		send_all(w, pair.a, wanted, sizeof(wanted));
		recv_all(w, pair.a, memory, sizeof(memory));
		CHECK_MEM(memory, wanted, sizeof(memory));
	}
	CHECK_INT(close_socket(w, pair.a), 0);
	CHECK(poll_until(w, &echo.ended, 1));
	CHECK(echo.rounds >= ROUNDS);
	CHECK_INT(close_socket(w, pair.b), 0);
}

static void
echo_from_callbacks(void)
{
	each_stream(echo_to_and_fro);
}

const struct tap_case order_cases[] = {
	{ "stream: big sends complete whole and never interleave",
	    sends_never_interleave },
	{ "stream: sends of several threads never interleave",
	    threads_never_interleave },
	{ "stream: receives queued on one socket are served in submission "
	    "order", receives_in_order },
	{ "stream: queued receives share data and end in order",
	    receives_end_in_order },
	{ "stream: small sends are transmitted in submission order",
	    small_sends_in_order },
	{ "stream: sends and receives do not wait for each other",
	    directions_are_independent },
	{ "stream: an echo runs from callbacks, its operations used again",
	    echo_from_callbacks },
	{ NULL, NULL }
};
