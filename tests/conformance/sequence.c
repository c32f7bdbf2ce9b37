/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <stdlib.h>
#include <unistd.h>

#include "conformance/sequence.h"

/* Sequences that run to their end. */

/* --- nops --- */

static void
any_length(void)
{
	static const size_t lengths[] = { 1, 2, 3, 63, 64, 65, 66, 1000 };
	struct nops n;
	struct world w;
	size_t i;

	world_open(&w, NULL);
	for (i = 0; i < 2 * COUNT(lengths); i++) {
		nops_init(&n, &w, lengths[i / 2], i % 2 == 0 ? NULL : always);
		CHECK_INT(proactor_submit_one(w.p, &n.sequence.base), 0);
		CHECK_INT(w.r.calls, 0);
		check_sequence(&w, &n.sequence, lengths[i / 2], 0);
		nops_free(&n);
	}
	world_close(&w);
}

static void
no_steps(void)
{
	struct proactor_sequence_op q;
	struct world w;

	world_open(&w, NULL);
	sequence_init(&q, &w, NULL, 0, NULL);
	CHECK_INT(run_one(&w, &q.base), 0);
	q.completed = 7;
	q.step_fn = always;
	CHECK_INT(run_one(&w, &q.base), 0);
	CHECK_INT(q.completed, 0);
	CHECK_INT(proactor_submit_one(w.p, &q.base), 0);
	CHECK_INT(proactor_cancel(w.p, &q.base), 0);
	CHECK(poll_finals(&w, &q, 3));
	world_close(&w);
}

#define VERY_MANY	100000

/* Neither deep nor long: a turn does a part of it, deadlines are kept. */
static void
very_many(void)
{
	struct proactor_nop_op nop;
	struct nops n;
	struct world w;
	size_t i, polls = 0;
	int status;

	world_open(&w, NULL);
	nops_init(&n, &w, VERY_MANY, NULL);
	for (i = 0; i < VERY_MANY; i++)
		n.nops[i].base.callback = NULL;
	CHECK_INT(proactor_submit_one(w.p, &n.sequence.base), 0);
	nop_init(&nop, &w);
	CHECK_INT(proactor_submit_one(w.p, &nop.base), 0);
	while (w.r.calls < 2) {
		status = proactor_poll(w.p, PROACTOR_IMMEDIATE, NULL);
		CHECK(status == 0 || status == PROACTOR_ETIMEDOUT);
		polls++;
	}
	CHECK_INT(place_of(&w.r, &nop), 0);
	CHECK(polls > 10);
	CHECK_INT(status_of(&w.r, &n.sequence), 0);
	CHECK_INT(n.sequence.completed, VERY_MANY);
	/* The same, skipped. */
	CHECK_INT(proactor_submit_one(w.p, &n.sequence.base), 0);
	CHECK_INT(proactor_cancel(w.p, &n.sequence.base), 0);
	CHECK(poll_until(&w, &w.r.calls, 3));
	CHECK_INT(status_of(&w.r, &n.sequence), PROACTOR_ECANCELED);
	CHECK_INT(n.sequence.completed, 0);
	nops_free(&n);
	world_close(&w);
}

/* --- what the steps are --- */

/* One byte in, the same byte read, the next in its place: no overlap. */
static void
write_and_read(struct world *w, size_t pairs, proactor_step_fn step_fn,
    bool silent)
{
	struct proactor_file_write_op *writes;
	struct proactor_file_read_op *reads;
	struct proactor_sequence_op q;
	struct proactor_op *steps[2 * LONGEST];
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
		    proactor_span(&out[i], 1), silent ? NULL : record, &w->r);
		proactor_file_read_op_init(&reads[i], f, 0,
		    proactor_span(&in[i], 1), silent ? NULL : record, &w->r);
		steps[2 * i] = &writes[i].base;
		steps[2 * i + 1] = &reads[i].base;
	}
	sequence_init(&q, w, steps, 2 * pairs, step_fn);
	CHECK_INT(proactor_submit_one(w->p, &q.base), 0);
	if (silent) {
		CHECK(poll_until(w, &w->r.calls, 1));
		CHECK_INT(status_of(&w->r, &q), 0);
		CHECK_INT(q.completed, 2 * pairs);
		recorder_clear(&w->r);
	} else
		check_sequence(w, &q, 2 * pairs, 0);
	CHECK_MEM(in, out, pairs);
	for (i = 0; i < pairs; i++)
		CHECK(writes[i].bytes == 1 && reads[i].bytes == 1);
	proactor_file_release(f);
	free(writes);
	free(reads);
}

static void
one_after_the_other_on(uint32_t concurrency)
{
	struct proactor_options o;
	struct world w;

	world_options(&o);
	o.max_concurrent_operations = concurrency;
	world_open(&w, &o);
	write_and_read(&w, 1, NULL, false);
	write_and_read(&w, 5, NULL, true);
	write_and_read(&w, LONGEST, NULL, false);
	write_and_read(&w, LONGEST, NULL, true);
	write_and_read(&w, 5, always, false);
	write_and_read(&w, LONGEST, always, true);
	world_close(&w);
}

static void
one_after_the_other(void)
{
	one_after_the_other_on(0);
	one_after_the_other_on(8);
}

static void
conversation(struct world *w, unsigned int kind)
{
	struct proactor_address address;
	struct proactor_socket *listener, *client, *server;
	struct proactor_connect_op connect_op;
	struct proactor_send_op hello;
	struct proactor_recv_op answer;
	struct proactor_socket_close_op close_op;
	struct proactor_op *steps[] = {
		&connect_op.base, &hello.base, &answer.base, &close_op.base,
	};
	struct proactor_sequence_op q;
	char memory[16], text[8];
	size_t bytes;
	int pass;

	listener = listener_open(w, kind, 0, &address);
	for (pass = 0; pass < 2; pass++) {
		CHECK_INT(proactor_socket_create(w->p, kind, 0, &client), 0);
		proactor_connect_op_init(&connect_op, client, &address,
		    record, &w->r);
		send_init(&hello, w, client, "hello", 6);
		recv_init(&answer, w, client, memory, sizeof(memory));
		proactor_socket_close_op_init(&close_op, client, record,
		    &w->r);
		sequence_init(&q, w, steps, COUNT(steps),
		    pass == 0 ? NULL : always);
		CHECK_INT(proactor_submit_one(w->p, &q.base), 0);
		CHECK_INT(accept_socket(w, listener, &server), 0);
		recv_all(w, server, text, 6);
		CHECK_STR(text, "hello");
		poll_barrier(w);
		CHECK_INT(finals_of(&w->r, &answer), 0);
		/* Shorter than asked for: still a success. */
		send_all(w, server, "hi", 3);
		check_sequence(w, &q, 4, 0);
		CHECK_INT(answer.bytes, 3);
		CHECK_INT(recv_bytes(w, server, text, 1, &bytes), 0);
		CHECK_INT(bytes, 0);
		CHECK_INT(close_socket(w, server), 0);
		recorder_clear(&w->r);
	}
	CHECK_INT(close_socket(w, listener), 0);
	recorder_clear(&w->r);
}

static void
whole_conversation(void)
{
	each_stream(conversation);
}

/* Of the kernel's and of user space's, in turn. */
static void
mixed(proactor_step_fn step_fn)
{
	struct proactor_nop_op nops[2];
	struct proactor_timer_op timer;
	struct proactor_event_wait_op wait_op;
	struct proactor_file_write_op writes[3];
	struct proactor_message_op message;
	struct proactor_op *steps[] = {
		&nops[0].base, &writes[0].base, &writes[1].base, &timer.base,
		&wait_op.base, &writes[2].base, &message.base, &nops[1].base,
	};
	struct proactor_sequence_op q;
	struct proactor_event *event;
	struct proactor_file *f;
	struct world w;
	size_t i;

	world_open(&w, NULL);
	f = file_open(&w, PROACTOR_FILE_WRITE);
	CHECK_INT(proactor_event_create(w.p, &event), 0);
	nop_init(&nops[0], &w);
	nop_init(&nops[1], &w);
	for (i = 0; i < 3; i++)
		proactor_file_write_op_init(&writes[i], f, i,
		    proactor_span("x", 1), record, &w.r);
	proactor_timer_op_init(&timer,
	    proactor_deadline_after(INT64_C(2000000)), record, &w.r);
	proactor_event_wait_op_init(&wait_op, event, record, &w.r);
	proactor_message_op_init(&message, w.p, 1, 0, record, &w.r);
	sequence_init(&q, &w, steps, COUNT(steps), step_fn);
	CHECK_INT(proactor_submit_one(w.p, &q.base), 0);
	CHECK(poll_finals(&w, &timer, 1));
	CHECK(proactor_now() >= timer.deadline);
	poll_barrier(&w);
	CHECK_INT(w.r.calls, 4);
	CHECK_INT(lseek(proactor_file_handle(f).u.fd, 0, SEEK_END), 2);
	CHECK_INT(proactor_event_set(event), 0);
	check_sequence(&w, &q, COUNT(steps), 0);
	CHECK_INT(lseek(proactor_file_handle(f).u.fd, 0, SEEK_END), 3);
	proactor_event_release(event);
	proactor_file_release(f);
	world_close(&w);
}

static void
any_kind(void)
{
	mixed(NULL);
	mixed(always);
}

/* Some of them end before the end, which is no failure. */
static void
short_counts(void)
{
	struct proactor_file_read_op reads[3];
	struct proactor_file_write_op writes[2];
	struct proactor_op *steps[] = {
		&writes[0].base, &reads[0].base, &reads[1].base,
		&writes[1].base, &reads[2].base,
	};
	struct proactor_sequence_op q;
	struct proactor_file *f;
	char memory[100];
	struct world w;
	size_t i;
	int pass;

	world_open(&w, NULL);
	for (pass = 0; pass < 2; pass++) {
		f = file_open(&w, PROACTOR_FILE_READ | PROACTOR_FILE_WRITE);
		for (i = 0; i < 2; i++)
			proactor_file_write_op_init(&writes[i], f, 10 * i,
			    proactor_span("0123456789", 10), NULL, NULL);
		for (i = 0; i < 3; i++)
			proactor_file_read_op_init(&reads[i], f, 4 + 6 * i,
			    proactor_span(memory, i == 2 ? 4 : 100), NULL,
			    NULL);
		if (pass == 1)
			for (i = 0; i < COUNT(steps); i++) {
				steps[i]->callback = record;
				steps[i]->user_data = &w.r;
			}
		sequence_init(&q, &w, steps, COUNT(steps), NULL);
		CHECK_INT(run_one(&w, &q.base), 0);
		CHECK_INT(w.r.calls, pass == 0 ? 1 : 6);
		CHECK_INT(q.completed, 5);
		CHECK_INT(writes[0].bytes, 10);
		CHECK_INT(reads[0].bytes, 6);
		CHECK_INT(reads[1].bytes, 0);
		CHECK_INT(writes[1].bytes, 10);
		CHECK_INT(reads[2].bytes, 4);
		CHECK_MEM(memory, "6789", 4);
		proactor_file_release(f);
		recorder_clear(&w.r);
	}
	world_close(&w);
}

const struct tap_case sequence_cases[] = {
	{ "sequence: of 1 to 1000 nops, with and without a step function",
	    any_length },
	{ "sequence: of no steps succeeds", no_steps },
	{ "sequence: of 100,000 steps, a part of it in a turn", very_many },
	{ "sequence: each step begins when the one before has succeeded",
	    one_after_the_other },
	{ "sequence: connect, send, receive and close", whole_conversation },
	{ "sequence: steps of the kernel and of user space", any_kind },
	{ "sequence: short counts are success", short_counts },
	{ NULL, NULL }
};
