/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conformance/chain.h"

/* Chains that go well: each member begins when the one before succeeded. */

/* --- lengths --- */

static void
any_length(void)
{
	static struct proactor_nop_op nops[LONGEST];
	static const size_t lengths[] = { 1, 2, 3, 7, 8, 9, 64, LONGEST };
	struct proactor_op *ops[LONGEST];
	struct world w;
	size_t i, n;

	world_open(&w, NULL);
	for (n = 0; n < COUNT(lengths); n++) {
		for (i = 0; i < lengths[n]; i++) {
			nop_init(&nops[i], &w);
			ops[i] = &nops[i].base;
		}
		submit_chain(&w, ops, lengths[n]);
		CHECK(poll_until(&w, &w.r.finals, lengths[n]));
		check_all_good(&w.r, ops, lengths[n]);
		recorder_clear(&w.r);
	}
	world_close(&w);
}

/* One byte in, the same byte read, the next in its place: no overlap. */
static void
write_and_read(struct world *w, size_t pairs)
{
	struct proactor_file_write_op *writes;
	struct proactor_file_read_op *reads;
	struct proactor_op *ops[LONGEST];
	unsigned char out[LONGEST], in[LONGEST];
	struct proactor_file *f;
	size_t i;

	f = file_open(w, PROACTOR_FILE_READ | PROACTOR_FILE_WRITE);
	writes = calloc(pairs, sizeof(*writes));
	reads = calloc(pairs, sizeof(*reads));
	CHECK(writes != NULL && reads != NULL);
	for (i = 0; i < pairs; i++) {
		out[i] = (unsigned char)(i + 1);
		in[i] = 0;
		proactor_file_write_op_init(&writes[i], f, 0,
		    proactor_span(&out[i], 1), record, &w->r);
		proactor_file_read_op_init(&reads[i], f, 0,
		    proactor_span(&in[i], 1), record, &w->r);
		ops[2 * i] = &writes[i].base;
		ops[2 * i + 1] = &reads[i].base;
	}
	submit_chain(w, ops, 2 * pairs);
	CHECK(poll_until(w, &w->r.finals, 2 * pairs));
	check_all_good(&w->r, ops, 2 * pairs);
	CHECK_MEM(in, out, pairs);
	proactor_file_release(f);
	free(writes);
	free(reads);
	recorder_clear(&w->r);
}

static void
one_after_the_other(void)
{
	struct world w;

	world_open(&w, NULL);
	write_and_read(&w, 1);
	write_and_read(&w, 5);
	write_and_read(&w, LONGEST / 2);
	world_close(&w);
}

static void
longer_than_the_ring(void)
{
	struct proactor_options o;
	struct world w;

	world_options(&o);
	o.max_concurrent_operations = 8;
	world_open(&w, &o);
	write_and_read(&w, 5);
	write_and_read(&w, LONGEST / 2);
	world_close(&w);
}

/* --- what members are --- */

static void
connect_send_receive(struct world *w, unsigned int kind)
{
	struct proactor_address address;
	struct proactor_socket *listener, *client, *server;
	struct proactor_connect_op connect_op;
	struct proactor_send_op hello;
	struct proactor_recv_op answer;
	struct proactor_socket_close_op close_op;
	struct proactor_op *ops[] = {
		&connect_op.base, &hello.base, &answer.base, &close_op.base,
	};
	char memory[16], text[8];
	size_t bytes;

	listener = listener_open(w, kind, 0, &address);
	CHECK_INT(proactor_socket_create(w->p, kind, 0, &client), 0);
	proactor_connect_op_init(&connect_op, client, &address, record,
	    &w->r);
	send_init(&hello, w, client, "hello", 6);
	recv_init(&answer, w, client, memory, sizeof(memory));
	proactor_socket_close_op_init(&close_op, client, record, &w->r);
	submit_chain(w, ops, COUNT(ops));
	CHECK_INT(accept_socket(w, listener, &server), 0);
	recv_all(w, server, text, 6);
	CHECK_STR(text, "hello");
	poll_barrier(w);
	CHECK_INT(finals_of(&w->r, &answer), 0);
	/* Shorter than asked for: still a success. */
	send_all(w, server, "hi", 3);
	CHECK(poll_finals(w, &close_op, 1));
	check_all_good(&w->r, ops, COUNT(ops));
	CHECK_INT(answer.bytes, 3);
	CHECK_STR(memory, "hi");
	CHECK_INT(recv_bytes(w, server, text, 1, &bytes), 0);
	CHECK_INT(bytes, 0);
	CHECK_INT(close_socket(w, server), 0);
	CHECK_INT(close_socket(w, listener), 0);
	recorder_clear(&w->r);
}

static void
whole_conversation(void)
{
	each_stream(connect_send_receive);
}

/* Of the kernel's and of user space's, in turn. */
static void
mixed(void)
{
	struct proactor_nop_op nops[2];
	struct proactor_timer_op timer;
	struct proactor_event_wait_op wait_op;
	struct proactor_send_op sends[2];
	struct proactor_file_write_op write_op;
	struct proactor_recv_op recv;
	struct proactor_handle_poll_op poll_op;
	struct proactor_op *ops[] = {
		&nops[0].base, &sends[0].base, &timer.base, &write_op.base,
		&wait_op.base, &sends[1].base, &poll_op.base, &recv.base,
		&nops[1].base,
	};
	struct proactor_event *event;
	struct proactor_socket *s;
	struct proactor_file *f;
	struct world w;
	char text[8];
	int fd;

	world_open(&w, NULL);
	s = half_pair(&w, PROACTOR_SOCKET_UNIX_STREAM, 0, &fd);
	f = file_open(&w, PROACTOR_FILE_WRITE);
	CHECK_INT(proactor_event_create(w.p, &event), 0);
	nop_init(&nops[0], &w);
	send_init(&sends[0], &w, s, "1", 1);
	proactor_timer_op_init(&timer,
	    proactor_deadline_after(INT64_C(5000000)), record, &w.r);
	proactor_file_write_op_init(&write_op, f, 0,
	    proactor_span("text", 4), record, &w.r);
	proactor_event_wait_op_init(&wait_op, event, record, &w.r);
	send_init(&sends[1], &w, s, "2", 1);
	proactor_handle_poll_op_init(&poll_op, proactor_socket_handle(s),
	    PROACTOR_POLL_IN, record, &w.r);
	recv_init(&recv, &w, s, text, sizeof(text));
	nop_init(&nops[1], &w);
	submit_chain(&w, ops, COUNT(ops));
	CHECK(poll_finals(&w, &write_op, 1));
	CHECK(proactor_now() >= timer.deadline);
	poll_barrier(&w);
	CHECK_INT(w.r.calls, 4);
	fd_read_all(fd, text, 1);
	CHECK_INT(text[0], '1');
	CHECK(fd_is_silent(fd));
	CHECK_INT(proactor_event_set(event), 0);
	CHECK(poll_finals(&w, &sends[1], 1));
	poll_barrier(&w);
	CHECK_INT(w.r.calls, 6);
	fd_read_all(fd, text, 1);
	CHECK_INT(text[0], '2');
	fd_write_all(fd, "abc", 3);
	CHECK(poll_finals(&w, &nops[1], 1));
	check_all_good(&w.r, ops, COUNT(ops));
	CHECK_INT(recv.bytes, 3);
	CHECK(poll_op.fired & PROACTOR_POLL_IN);
	proactor_event_release(event);
	proactor_file_release(f);
	CHECK_INT(close_socket(&w, s), 0);
	close(fd);
	world_close(&w);
}

static void
accept_goes_on(void)
{
	struct proactor_address address;
	struct proactor_socket *listener, *client;
	struct proactor_accept_op accept_op;
	struct proactor_recv_op recv;
	struct proactor_socket_close_op close_op;
	struct proactor_op *ops[] = {
		&accept_op.base, &recv.base, &close_op.base,
	};
	struct world w;
	char text[8];

	/* A server that greets whom it connects to, once a client came. */
	world_open(&w, NULL);
	listener = listener_open(&w, PROACTOR_SOCKET_TCP, 0, &address);
	CHECK_INT(proactor_socket_create(w.p, PROACTOR_SOCKET_TCP, 0,
	    &client), 0);
	proactor_accept_op_init(&accept_op, listener, record, &w.r);
	CHECK_INT(connect_socket(&w, client, &address), 0);
	recv_init(&recv, &w, client, text, sizeof(text));
	proactor_socket_close_op_init(&close_op, listener, record, &w.r);
	submit_chain(&w, ops, COUNT(ops));
	CHECK(poll_finals(&w, &accept_op, 1));
	send_all(&w, accept_op.accepted, "welcome", 8);
	CHECK(poll_finals(&w, &close_op, 1));
	check_all_good(&w.r, ops, COUNT(ops));
	CHECK_STR(text, "welcome");
	CHECK_INT(close_socket(&w, accept_op.accepted), 0);
	CHECK_INT(close_socket(&w, client), 0);
	world_close(&w);
}

struct post {
	size_t count;
	uint64_t data;
};

static void
posted(void *user_data, struct proactor *p, uint64_t data)
{
	struct post *post = user_data;

	(void)p;
	post->count++;
	post->data = data;
}

static void
message_at_the_end(void)
{
	struct proactor_file_write_op write_op;
	struct proactor_message_op message;
	struct proactor_op *ops[] = { &write_op.base, &message.base };
	struct proactor_file *f;
	struct world w, target;
	struct post post = {0};

	world_open(&w, NULL);
	world_open(&target, NULL);
	CHECK_INT(proactor_set_message_callback(target.p, posted, &post), 0);
	f = file_open(&w, PROACTOR_FILE_WRITE);
	proactor_file_write_op_init(&write_op, f, 0,
	    proactor_span("text", 4), record, &w.r);
	proactor_message_op_init(&message, target.p, 4711, 0, record, &w.r);
	submit_chain(&w, ops, 2);
	CHECK(poll_until(&w, &w.r.finals, 2));
	check_all_good(&w.r, ops, 2);
	CHECK(poll_until(&target, &post.count, 1));
	CHECK_INT(post.data, 4711);
	/* Not sent when what comes before it fails. */
	recorder_clear(&w.r);
	write_op.offset = INT64_MAX;
	submit_chain(&w, ops, 2);
	CHECK(poll_until(&w, &w.r.finals, 2));
	CHECK(status_of(&w.r, &write_op) < 0);
	CHECK_INT(status_of(&w.r, &message), PROACTOR_ECANCELED);
	poll_barrier(&target);
	CHECK_INT(post.count, 1);
	proactor_file_release(f);
	world_close(&w);
	world_close(&target);
}

/* --- what is a success --- */

static void
end_of_stream_goes_on(struct world *w, unsigned int kind)
{
	struct proactor_recv_op recvs[2];
	struct proactor_send_op send;
	struct proactor_nop_op nop;
	struct proactor_op *ops[] = {
		&recvs[0].base, &recvs[1].base, &send.base, &nop.base,
	};
	struct pair pair;
	char memory[100];

	pair_open(w, kind, 0, &pair);
	recv_init(&recvs[0], w, pair.a, memory, sizeof(memory));
	recv_init(&recvs[1], w, pair.a, memory, sizeof(memory));
	send_init(&send, w, pair.a, "end", 3);
	nop_init(&nop, w);
	submit_chain(w, ops, COUNT(ops));
	send_all(w, pair.b, "abc", 3);
	CHECK_INT(proactor_socket_shutdown(pair.b, PROACTOR_SHUTDOWN_WRITE),
	    0);
	CHECK(poll_finals(w, &nop, 1));
	check_all_good(&w->r, ops, COUNT(ops));
	CHECK_INT(recvs[0].bytes, 3);
	CHECK_INT(recvs[1].bytes, 0);
	recv_all(w, pair.b, memory, 3);
	CHECK_MEM(memory, "end", 3);
	pair_close(w, &pair);
	recorder_clear(&w->r);
}

static void
short_receives(void)
{
	each_stream(end_of_stream_goes_on);
}

static void
short_reads(void)
{
	struct proactor_file_read_op reads[2];
	struct proactor_file_write_op writes[2];
	struct proactor_op *ops[] = {
		&writes[0].base, &reads[0].base, &reads[1].base,
		&writes[1].base,
	};
	struct proactor_file *f;
	char memory[100];
	struct world w;

	world_open(&w, NULL);
	f = file_open(&w, PROACTOR_FILE_READ | PROACTOR_FILE_WRITE);
	proactor_file_write_op_init(&writes[0], f, 0,
	    proactor_span("0123456789", 10), record, &w.r);
	proactor_file_read_op_init(&reads[0], f, 4,
	    proactor_span(memory, 100), record, &w.r);
	proactor_file_read_op_init(&reads[1], f, 10,
	    proactor_span(memory, 100), record, &w.r);
	proactor_file_write_op_init(&writes[1], f, 10,
	    proactor_span("x", 1), record, &w.r);
	submit_chain(&w, ops, COUNT(ops));
	CHECK(poll_until(&w, &w.r.finals, COUNT(ops)));
	check_all_good(&w.r, ops, COUNT(ops));
	CHECK_INT(reads[0].bytes, 6);
	CHECK_INT(reads[1].bytes, 0);
	CHECK_INT(writes[1].bytes, 1);
	proactor_file_release(f);
	world_close(&w);
}

/* Sends of a chain are whole before the next begins. */
static void
big_sends(struct world *w, unsigned int kind)
{
	struct proactor_send_op sends[3];
	struct proactor_op *ops[3];
	struct proactor_socket *s;
	size_t i, length = 400000;
	char *memory, *got;
	int fd;

	s = half_pair(w, kind, 0, &fd);
	small_buffer(s, 65536);
	memory = malloc(3 * length);
	got = malloc(length);
	CHECK(memory != NULL && got != NULL);
	for (i = 0; i < 3; i++) {
		fill(memory + i * length, length, (unsigned int)i);
		send_init(&sends[i], w, s, memory + i * length, length);
		ops[i] = &sends[i].base;
	}
	submit_chain(w, ops, 3);
	for (i = 0; i < 3; i++) {
		size_t done = 0;
		ssize_t n;

		while (done < length) {
			poll_barrier(w);
			n = read(fd, got + done, length - done);
			if (n > 0)
				done += (size_t)n;
		}
		CHECK(is_filled(got, length, (unsigned int)i));
	}
	CHECK(poll_until(w, &w->r.finals, 3));
	check_all_good(&w->r, ops, 3);
	for (i = 0; i < 3; i++)
		CHECK_INT(sends[i].bytes, length);
	CHECK_INT(close_socket(w, s), 0);
	close(fd);
	free(memory);
	free(got);
	recorder_clear(&w->r);
}

static void
sends_are_whole(void)
{
	each_stream(big_sends);
}

/* --- from callbacks and threads --- */

struct wheel {
	struct world *w;
	struct proactor_nop_op nop;
	struct proactor_file_write_op write_op;
	struct proactor_file_read_op read_op;
	struct proactor_op *ops[3];
	unsigned char out, in;
	size_t turns;
};

#define TURNS	100

static void
turned(void *user_data, struct proactor_op *op, int status,
    unsigned int flags)
{
	struct wheel *wheel = user_data;

	CHECK(op == wheel->ops[2]);
	CHECK_INT(status, 0);
	CHECK_INT(flags, 0);
	CHECK_INT(wheel->read_op.bytes, 1);
	CHECK_INT(wheel->in, wheel->out);
	wheel->out++;
	if (++wheel->turns < TURNS)
		CHECK_INT(proactor_submit(wheel->w->p, wheel->ops, 3), 0);
}

static void
from_callback(void)
{
	struct proactor_file *f;
	struct wheel wheel;
	struct world w;

	world_open(&w, NULL);
	memset(&wheel, 0, sizeof(wheel));
	wheel.w = &w;
	f = file_open(&w, PROACTOR_FILE_READ | PROACTOR_FILE_WRITE);
	proactor_file_write_op_init(&wheel.write_op, f, 0,
	    proactor_span(&wheel.out, 1), record, &w.r);
	nop_init(&wheel.nop, &w);
	proactor_file_read_op_init(&wheel.read_op, f, 0,
	    proactor_span(&wheel.in, 1), turned, &wheel);
	wheel.ops[0] = &wheel.write_op.base;
	wheel.ops[1] = &wheel.nop.base;
	wheel.ops[2] = &wheel.read_op.base;
	submit_chain(&w, wheel.ops, 3);
	CHECK(poll_until(&w, &wheel.turns, TURNS));
	CHECK_INT(w.r.calls, 2 * TURNS);
	proactor_file_release(f);
	world_close(&w);
}

struct stranger {
	struct world *w;
	struct proactor_op **ops;
	size_t count;
};

static void *
submit_elsewhere(void *arg)
{
	struct stranger *x = arg;

	submit_chain(x->w, x->ops, x->count);
	return NULL;
}

static void
from_thread(void)
{
	struct proactor_file_write_op writes[20];
	struct proactor_op *ops[20];
	struct proactor_file *good, *bad;
	struct stranger x;
	pthread_t thread;
	struct world w;
	size_t i;

	world_open(&w, NULL);
	good = file_open(&w, PROACTOR_FILE_WRITE);
	bad = file_open(&w, PROACTOR_FILE_READ);
	for (i = 0; i < 20; i++) {
		proactor_file_write_op_init(&writes[i], i == 12 ? bad : good,
		    i, proactor_span("x", 1), record, &w.r);
		ops[i] = &writes[i].base;
	}
	x.w = &w;
	x.ops = ops;
	x.count = 20;
	thread_start(&thread, submit_elsewhere, &x);
	CHECK(poll_until(&w, &w.r.finals, 20));
	thread_join(thread);
	check_failed_at(&w.r, ops, 20, 12, PROACTOR_EBADF);
	proactor_file_release(good);
	proactor_file_release(bad);
	world_close(&w);
}

const struct tap_case link_cases[] = {
	{ "link: chains of 1 to 200 nops complete in order", any_length },
	{ "link: each member begins when the one before has succeeded",
	    one_after_the_other },
	{ "link: a chain may be longer than the ring",
	    longer_than_the_ring },
	{ "link: connect, send, receive and close in one submission",
	    whole_conversation },
	{ "link: kernel and user-space operations in one chain", mixed },
	{ "link: accept, receive and close", accept_goes_on },
	{ "link: a message at the end goes out when all went well",
	    message_at_the_end },
	{ "link: a short receive and the end of stream are success",
	    short_receives },
	{ "link: a short read and the end of file are success",
	    short_reads },
	{ "link: sends are whole before the next begins",
	    sends_are_whole },
	{ "link: a chain submitted from a callback, again and again",
	    from_callback },
	{ "link: a chain submitted by another thread", from_thread },
	{ NULL, NULL }
};
