/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <sys/mman.h>
#include <sys/socket.h>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conformance/transfer.h"

/* What is sent on a stream, and what is received. */

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
		cut_spans(spans, count, memory, sizeof(memory));
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

/* A receive ends where urgent data was taken out, and the next goes on. */
static void
recv_around_urgent(void)
{
	struct proactor_recv_op recv;
	struct proactor_socket *s;
	struct proactor_span span;
	struct world w;
	char memory[100];
	size_t bytes;
	int fd;

	world_open(&w, NULL);
	s = half_pair(&w, PROACTOR_SOCKET_TCP, 0, &fd);
	/* Once it has waited the socket is watched, if it ever is. */
	span = proactor_span(memory, sizeof(memory));
	proactor_recv_op_init(&recv, s, &span, 1, record, &w.r);
	CHECK_INT(proactor_submit_one(w.p, &recv.base), 0);
	poll_barrier(&w);
	fd_write_all(fd, "a", 1);
	CHECK(poll_finals(&w, &recv, 1));
	CHECK_INT(recv.bytes, 1);
	fd_write_all(fd, "b", 1);
	CHECK_INT(send(fd, "!", 1, MSG_OOB), 1);
	fd_write_all(fd, "c", 1);
	do
		CHECK_INT(recv_bytes(&w, s, memory, sizeof(memory), &bytes),
		    0);
	while (memory[bytes - 1] != 'c');
	CHECK_INT(close_socket(&w, s), 0);
	close(fd);
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
		cut_spans(spans, count, wanted, sizeof(wanted));
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
	{ "stream: urgent data does not hold up what comes after it",
	    recv_around_urgent },
	{ "stream: a receive without connection is ENOTCONN",
	    recv_not_connected },
	{ "stream: a send gathers 1 to 8 spans in order", send_spans },
	{ "stream: a send's bytes are assigned when it is used again",
	    send_assigns },
	{ "stream: a send to a closed peer fails and raises no signal",
	    send_to_closed_peer },
	{ "stream: sends that wait fail in order when the peer goes",
	    send_fails_with_the_peer },
	{ "stream: empty spans are no error and no end", empty_spans },
	{ "stream: a send with the more flag is held back for the next",
	    send_more },
	{ NULL, NULL }
};
