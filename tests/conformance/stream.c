/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <sys/mman.h>
#include <sys/socket.h>

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conformance/transfer.h"

/* What is sent on a stream, what is received, and in which order. */

/* length bytes cut into count spans of lengths that differ. */
static void
cut(struct proactor_span *spans, size_t count, char *memory, size_t length)
{
	size_t i, piece;

	for (i = 0; i < count; i++) {
		piece = i + 1 == count ? length : length / (count - i) + i;
		CHECK(piece <= length);
		spans[i] = proactor_span(memory, piece);
		memory += piece;
		length -= piece;
	}
}

/* --- receive --- */

static void
receive_what_is_there(struct world *w, unsigned int kind)
{
	struct proactor_socket *s;
	char memory[100];
	size_t bytes;
	int fd;

	s = half_pair(w, kind, 0, &fd);
	fd_write_all(fd, "abc", 3);
	CHECK_INT(recv_bytes(w, s, memory, sizeof(memory), &bytes), 0);
	CHECK_INT(bytes, 3);
	CHECK_MEM(memory, "abc", 3);
	CHECK_INT(close_socket(w, s), 0);
	close(fd);
}

static void
recv_what_is_there(void)
{
	each_stream(receive_what_is_there);
}

static void
receive_when_it_comes(struct world *w, unsigned int kind)
{
	struct proactor_recv_op recv;
	struct proactor_span span;
	struct proactor_socket *s;
	char memory[100];
	int fd;

	s = half_pair(w, kind, 0, &fd);
	span = proactor_span(memory, sizeof(memory));
	proactor_recv_op_init(&recv, s, &span, 1, record, &w->r);
	CHECK_INT(proactor_submit_one(w->p, &recv.base), 0);
	CHECK(poll_quiet(w));
	fd_write_all(fd, "abc", 3);
	CHECK(poll_finals(w, &recv, 1));
	CHECK_INT(status_of(&w->r, &recv), 0);
	CHECK_INT(w->r.seen[0].flags, 0);
	CHECK_INT(recv.bytes, 3);
	CHECK_MEM(memory, "abc", 3);
	CHECK_INT(close_socket(w, s), 0);
	close(fd);
}

static void
recv_when_it_comes(void)
{
	each_stream(receive_when_it_comes);
}

static void
receive_end(struct world *w, unsigned int kind)
{
	struct proactor_socket *s;
	char memory[8];
	size_t bytes;
	int fd, i;

	s = half_pair(w, kind, 0, &fd);
	fd_write_all(fd, "last", 4);
	close(fd);
	CHECK_INT(recv_bytes(w, s, memory, sizeof(memory), &bytes), 0);
	CHECK_INT(bytes, 4);
	for (i = 0; i < 3; i++) {
		bytes = 99;
		CHECK_INT(recv_bytes(w, s, memory, sizeof(memory), &bytes),
		    0);
		CHECK_INT(bytes, 0);
	}
	CHECK_INT(close_socket(w, s), 0);
}

static void
recv_end_of_stream(void)
{
	each_stream(receive_end);
}

static void
receive_into_spans(struct world *w, unsigned int kind)
{
	struct proactor_span spans[PROACTOR_SPAN_MAX];
	struct proactor_recv_op recv;
	struct proactor_socket *s;
	char wanted[1000], memory[1000];
	size_t count;
	int fd;

	s = half_pair(w, kind, 0, &fd);
	fill(wanted, sizeof(wanted), kind);
	for (count = 1; count <= PROACTOR_SPAN_MAX; count++) {
		memset(memory, 0, sizeof(memory));
		cut(spans, count, memory, sizeof(memory));
		fd_write_all(fd, wanted, sizeof(wanted));
		proactor_recv_op_init(&recv, s, spans, count, record, &w->r);
		CHECK_INT(run_one(w, &recv.base), 0);
		CHECK_INT(recv.bytes, sizeof(memory));
		CHECK_MEM(memory, wanted, sizeof(memory));
	}
	CHECK_INT(close_socket(w, s), 0);
	close(fd);
}

static void
recv_spans(void)
{
	each_stream(receive_into_spans);
}

static void
recv_assigns(void)
{
	struct proactor_recv_op recv;
	struct proactor_span span;
	struct proactor_socket *s;
	struct world w;
	char memory[100];
	int fd;

	world_open(&w, NULL);
	s = half_pair(&w, PROACTOR_SOCKET_TCP, 0, &fd);
	span = proactor_span(memory, sizeof(memory));
	proactor_recv_op_init(&recv, s, &span, 1, record, &w.r);
	fd_write_all(fd, "0123456789", 10);
	CHECK_INT(run_one(&w, &recv.base), 0);
	CHECK_INT(recv.bytes, 10);
	fd_write_all(fd, "abc", 3);
	CHECK_INT(run_one(&w, &recv.base), 0);
	CHECK_INT(recv.bytes, 3);
	CHECK_INT(proactor_submit_one(w.p, &recv.base), 0);
	poll_barrier(&w);
	CHECK_INT(proactor_cancel(w.p, &recv.base), 0);
	CHECK(poll_finals(&w, &recv, 3));
	CHECK_INT(status_of(&w.r, &recv), PROACTOR_ECANCELED);
	CHECK_INT(recv.bytes, 0);
	fd_write_all(fd, "d", 1);
	CHECK_INT(run_one(&w, &recv.base), 0);
	CHECK_INT(recv.bytes, 1);
	close(fd);
	CHECK_INT(run_one(&w, &recv.base), 0);
	CHECK_INT(recv.bytes, 0);
	CHECK_INT(close_socket(&w, s), 0);
	world_close(&w);
}

static void
recv_huge_span(void)
{
#if SIZE_MAX > 0xffffffff
	size_t length = ((size_t)1 << 32) + 1;
	struct proactor_socket *s;
	struct world w;
	size_t bytes;
	char *memory;
	int fd;

	memory = mmap(NULL, length, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (memory == MAP_FAILED)
		SKIP("no 4 GiB of address space");
	world_open(&w, NULL);
	s = half_pair(&w, PROACTOR_SOCKET_TCP, 0, &fd);
	fd_write_all(fd, "0123456789", 10);
	CHECK_INT(recv_bytes(&w, s, memory, length, &bytes), 0);
	CHECK_INT(bytes, 10);
	CHECK_MEM(memory, "0123456789", 10);
	CHECK_INT(close_socket(&w, s), 0);
	close(fd);
	world_close(&w);
	munmap(memory, length);
#else
	SKIP("size_t has 32 bits");
#endif
}

static void
recv_not_connected(void)
{
	struct proactor_socket *s;
	struct world w;
	size_t bytes = 0;
	char byte;
	int status;

	world_open(&w, NULL);
	CHECK_INT(proactor_socket_create(w.p, PROACTOR_SOCKET_TCP, 0, &s), 0);
	CHECK_INT(recv_bytes(&w, s, &byte, 1, &bytes), PROACTOR_ENOTCONN);
	status = send_bytes(&w, s, "x", 1, &bytes);
	CHECK(status == PROACTOR_ENOTCONN || status == PROACTOR_EPIPE);
	CHECK_INT(close_socket(&w, s), 0);
	world_close(&w);
}

/* --- send --- */

static void
send_from_spans(struct world *w, unsigned int kind)
{
	struct proactor_span spans[PROACTOR_SPAN_MAX];
	struct proactor_send_op send;
	struct proactor_socket *s;
	char wanted[1000], memory[1000];
	size_t count;
	int fd;

	s = half_pair(w, kind, 0, &fd);
	fill(wanted, sizeof(wanted), kind);
	for (count = 1; count <= PROACTOR_SPAN_MAX; count++) {
		cut(spans, count, wanted, sizeof(wanted));
		proactor_send_op_init(&send, s, spans, count, 0, record,
		    &w->r);
		CHECK_INT(run_one(w, &send.base), 0);
		CHECK_INT(send.bytes, sizeof(wanted));
		fd_read_all(fd, memory, sizeof(memory));
		CHECK_MEM(memory, wanted, sizeof(memory));
	}
	CHECK(fd_is_silent(fd));
	CHECK_INT(close_socket(w, s), 0);
	close(fd);
}

static void
send_spans(void)
{
	each_stream(send_from_spans);
}

static void
send_assigns(void)
{
	struct proactor_send_op send;
	struct proactor_span span;
	struct proactor_socket *s;
	struct world w;
	int fd;

	world_open(&w, NULL);
	s = half_pair(&w, PROACTOR_SOCKET_TCP, 0, &fd);
	span = proactor_span("0123456789", 10);
	proactor_send_op_init(&send, s, &span, 1, 0, record, &w.r);
	CHECK_INT(run_one(&w, &send.base), 0);
	CHECK_INT(send.bytes, 10);
	CHECK_INT(run_one(&w, &send.base), 0);
	CHECK_INT(send.bytes, 10);
	send.spans[0].length = 3;
	CHECK_INT(run_one(&w, &send.base), 0);
	CHECK_INT(send.bytes, 3);
	CHECK_INT(proactor_socket_shutdown(s, PROACTOR_SHUTDOWN_WRITE), 0);
	CHECK_INT(run_one(&w, &send.base), PROACTOR_EPIPE);
	CHECK_INT(send.bytes, 0);
	CHECK_INT(fd_drain(fd), 23);
	CHECK_INT(close_socket(&w, s), 0);
	close(fd);
	world_close(&w);
}

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
		cut(spans, i % 3 + 1, memory + i * BIG_LENGTH, BIG_LENGTH);
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

static void
send_to_the_gone(struct world *w, unsigned int kind)
{
	struct proactor_socket *s;
	size_t bytes = 99;
	int fd, i, status = 0;

	s = half_pair(w, kind, 0, &fd);
	close(fd);
	/* The first may still be accepted; that nobody is there comes back. */
	for (i = 0; i < 100 && status == 0; i++)
		status = send_bytes(w, s, "x", 1, &bytes);
	CHECK(status == PROACTOR_EPIPE || status == PROACTOR_ECONNRESET);
	CHECK_INT(bytes, 0);
	CHECK_INT(close_socket(w, s), 0);
}

static void
send_to_closed_peer(void)
{
	each_stream(send_to_the_gone);
}

/* The peer goes while a send waits. */
static void
send_while_peer_goes(struct world *w, unsigned int kind)
{
	struct proactor_send_op sends[2];
	struct proactor_span span;
	struct proactor_socket *s;
	void *memory;
	int fd, i, status;

	s = half_pair(w, kind, 0, &fd);
	memory = calloc(1, BLOCKING_SIZE);
	CHECK(memory != NULL);
	span = proactor_span(memory, BLOCKING_SIZE);
	for (i = 0; i < 2; i++) {
		proactor_send_op_init(&sends[i], s, &span, 1, 0, record,
		    &w->r);
		CHECK_INT(proactor_submit_one(w->p, &sends[i].base), 0);
	}
	poll_barrier(w);
	CHECK_INT(w->r.calls, 0);
	close(fd);
	CHECK(poll_until(w, &w->r.finals, 2));
	for (i = 0; i < 2; i++) {
		CHECK_INT(place_of(&w->r, &sends[i]), i);
		status = status_of(&w->r, &sends[i]);
		CHECK(status == PROACTOR_EPIPE ||
		    status == PROACTOR_ECONNRESET);
		CHECK(sends[i].bytes < BLOCKING_SIZE);
	}
	CHECK_INT(sends[1].bytes, 0);
	CHECK_INT(close_socket(w, s), 0);
	free(memory);
	recorder_clear(&w->r);
}

static void
send_fails_with_the_peer(void)
{
	each_stream(send_while_peer_goes);
}

static void
send_zero_bytes(struct world *w, unsigned int kind)
{
	struct proactor_span spans[3];
	struct proactor_send_op send;
	struct proactor_recv_op recv;
	struct proactor_socket *s;
	char memory[8];
	size_t bytes = 99;
	int fd;

	s = half_pair(w, kind, 0, &fd);
	CHECK_INT(send_bytes(w, s, memory, 0, &bytes), 0);
	CHECK_INT(bytes, 0);
	CHECK(fd_is_silent(fd));
	/* Nothing is taken by a receive that asks for nothing. */
	fd_write_all(fd, "x", 1);
	bytes = 99;
	CHECK_INT(recv_bytes(w, s, memory, 0, &bytes), 0);
	CHECK_INT(bytes, 0);
	recv_all(w, s, memory, 1);
	CHECK_INT(memory[0], 'x');
	spans[0] = proactor_span(NULL, 0);
	spans[1] = proactor_span("ab", 2);
	spans[2] = proactor_span(NULL, 0);
	proactor_send_op_init(&send, s, spans, 3, 0, record, &w->r);
	CHECK_INT(run_one(w, &send.base), 0);
	CHECK_INT(send.bytes, 2);
	fd_read_all(fd, memory, 2);
	CHECK_MEM(memory, "ab", 2);
	fd_write_all(fd, "cd", 2);
	spans[1] = proactor_span(memory, sizeof(memory));
	proactor_recv_op_init(&recv, s, spans, 3, record, &w->r);
	CHECK_INT(run_one(w, &recv.base), 0);
	CHECK_INT(recv.bytes, 2);
	CHECK_MEM(memory, "cd", 2);
	CHECK_INT(close_socket(w, s), 0);
	close(fd);
}

static void
empty_spans(void)
{
	each_stream(send_zero_bytes);
}

#ifdef TCP_CORK
/* True when the first part was held back until the second came. */
static bool
more_holds_back(struct world *w)
{
	struct proactor_send_op send;
	struct proactor_span span;
	struct proactor_socket *s;
	char memory[10];
	bool held;
	int fd;

	s = half_pair(w, PROACTOR_SOCKET_TCP, PROACTOR_SOCKET_NO_DELAY, &fd);
	span = proactor_span("01234", 5);
	proactor_send_op_init(&send, s, &span, 1, PROACTOR_SEND_MORE, record,
	    &w->r);
	CHECK_INT(run_one(w, &send.base), 0);
	CHECK_INT(send.bytes, 5);
	held = fd_is_silent(fd);
	send_all(w, s, "56789", 5);
	fd_read_all(fd, memory, 10);
	CHECK_MEM(memory, "0123456789", 10);
	CHECK_INT(close_socket(w, s), 0);
	close(fd);
	return held;
}
#endif

static void
send_more(void)
{
#ifdef TCP_CORK
	struct world w;
	int i;

	/* The kernel waits 200 ms at the most; this may be a slow machine. */
	world_open(&w, NULL);
	for (i = 0; i < 5; i++)
		if (more_holds_back(&w))
			break;
	CHECK(i < 5);
	world_close(&w);
#else
	SKIP("the system cannot hold back a part");
#endif
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

const struct tap_case stream_cases[] = {
	{ "stream: a receive completes with what is there",
	    recv_what_is_there },
	{ "stream: a receive waits for data", recv_when_it_comes },
	{ "stream: the end is 0 bytes and status 0, as often as one asks",
	    recv_end_of_stream },
	{ "stream: a receive fills 1 to 8 spans in order", recv_spans },
	{ "stream: a receive's bytes are assigned when it is used again",
	    recv_assigns },
	{ "stream: a span may be longer than 4 GiB", recv_huge_span },
	{ "stream: a receive without connection is ENOTCONN",
	    recv_not_connected },
	{ "stream: a send gathers 1 to 8 spans in order", send_spans },
	{ "stream: a send's bytes are assigned when it is used again",
	    send_assigns },
	{ "stream: big sends complete whole and never interleave",
	    sends_never_interleave },
	{ "stream: sends of several threads never interleave",
	    threads_never_interleave },
	{ "stream: a send to a closed peer fails and raises no signal",
	    send_to_closed_peer },
	{ "stream: sends that wait fail in order when the peer goes",
	    send_fails_with_the_peer },
	{ "stream: empty spans are no error and no end", empty_spans },
	{ "stream: a send with the more flag is held back for the next",
	    send_more },
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
