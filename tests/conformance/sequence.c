/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conformance/chain.h"

/* Sequences that run to their end, or to that of a step. */

static void
sequence_init(struct proactor_sequence_op *op, struct world *w,
    struct proactor_op *const *steps, size_t count, proactor_step_fn step_fn)
{
	proactor_sequence_op_init(op, steps, count, step_fn, record, &w->r);
}

/*
 * The sequence and all its steps were called back, in order: steps before
 * place with success, that one with status, those after it with ECANCELED,
 * the sequence last and with status.
 */
static void
check_sequence(struct world *w, struct proactor_sequence_op *q, size_t place,
    int status)
{
	size_t i;

	CHECK(poll_finals(w, q, 1));
	poll_barrier(w);
	CHECK_INT(w->r.calls, q->count + 1);
	for (i = 0; i < q->count; i++) {
		CHECK(w->r.seen[i].op == q->steps[i]);
		CHECK_INT(w->r.seen[i].status, i < place ? 0 :
		    i == place ? status : PROACTOR_ECANCELED);
	}
	CHECK(w->r.seen[i].op == &q->base);
	CHECK_INT(w->r.seen[i].flags, 0);
	CHECK_INT(w->r.seen[i].status, status);
	CHECK_INT(q->completed, place);
	recorder_clear(&w->r);
}

/* --- nops --- */

struct nops {
	struct proactor_nop_op *nops;
	struct proactor_op **steps;
	struct proactor_sequence_op sequence;
};

static void
nops_init(struct nops *n, struct world *w, size_t count,
    proactor_step_fn step_fn)
{
	size_t i;

	n->nops = calloc(count + 1, sizeof(*n->nops));
	n->steps = calloc(count + 1, sizeof(*n->steps));
	CHECK(n->nops != NULL && n->steps != NULL);
	for (i = 0; i < count; i++) {
		nop_init(&n->nops[i], w);
		n->steps[i] = &n->nops[i].base;
	}
	sequence_init(&n->sequence, w, n->steps, count, step_fn);
}

static void
nops_free(struct nops *n)
{
	free(n->nops);
	free(n->steps);
}

static int
always(void *user_data, struct proactor_sequence_op *sequence,
    size_t completed_index, struct proactor_op *next)
{
	(void)user_data;
	CHECK(sequence->completed == completed_index + 1);
	CHECK(next == sequence->steps[completed_index + 1]);
	return 0;
}

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

/* --- failure --- */

static void
fail_at(struct world *w, size_t count, size_t place, proactor_step_fn step_fn,
    bool silent)
{
	static struct proactor_file_write_op writes[LONGEST];
	struct proactor_op *steps[LONGEST];
	struct proactor_sequence_op q;
	struct proactor_file *good, *bad;
	size_t i;

	good = file_open(w, PROACTOR_FILE_WRITE);
	bad = file_open(w, PROACTOR_FILE_READ);
	for (i = 0; i < count; i++) {
		proactor_file_write_op_init(&writes[i],
		    i == place ? bad : good, i, proactor_span("x", 1),
		    silent ? NULL : record, &w->r);
		steps[i] = &writes[i].base;
	}
	sequence_init(&q, w, steps, count, step_fn);
	CHECK_INT(proactor_submit_one(w->p, &q.base), 0);
	if (silent) {
		CHECK(poll_until(w, &w->r.calls, 1));
		poll_barrier(w);
		CHECK_INT(w->r.calls, 1);
		CHECK_INT(status_of(&w->r, &q), PROACTOR_EBADF);
		CHECK_INT(q.completed, place);
	} else
		check_sequence(w, &q, place, PROACTOR_EBADF);
	for (i = 0; i < count; i++)
		CHECK_INT(writes[i].bytes, i < place);
	CHECK_INT(lseek(proactor_file_handle(good).u.fd, 0, SEEK_END), place);
	proactor_file_release(good);
	proactor_file_release(bad);
	recorder_clear(&w->r);
}

static void
failures_on(uint32_t concurrency)
{
	static const size_t places[] = { 0, 1, 4, 8 };
	struct proactor_options o;
	struct world w;
	size_t i;

	world_options(&o);
	o.max_concurrent_operations = concurrency;
	world_open(&w, &o);
	for (i = 0; i < COUNT(places); i++) {
		fail_at(&w, 9, places[i], NULL, false);
		fail_at(&w, 9, places[i], NULL, true);
		fail_at(&w, 9, places[i], always, false);
		fail_at(&w, 9, places[i], always, true);
	}
	fail_at(&w, 1, 0, NULL, false);
	fail_at(&w, LONGEST, 0, NULL, false);
	fail_at(&w, LONGEST, 100, NULL, true);
	fail_at(&w, LONGEST, 100, NULL, false);
	fail_at(&w, LONGEST, 100, always, false);
	world_close(&w);
}

static void
failures(void)
{
	failures_on(0);
	failures_on(8);
}

/* --- the step function --- */

struct script {
	struct world *w;
	size_t calls;
	size_t end_at;
	int error;
	struct proactor_file_open_op open_op;
	struct proactor_file_write_op write_op;
	struct proactor_file_read_op read_op;
	struct proactor_file_close_op close_op;
	char memory[32];
};

/* Each step works on what the one before it has brought. */
static int
open_to_close(void *user_data, struct proactor_sequence_op *sequence,
    size_t completed_index, struct proactor_op *next)
{
	struct script *x = user_data;

	CHECK_INT(completed_index, x->calls++);
	CHECK(next == sequence->steps[x->calls]);
	switch (completed_index) {
	case 0:
		/* Members changed... */
		x->write_op.file = x->open_op.file;
		break;
	case 1:
		/* ... or the whole initialised anew. */
		proactor_file_read_op_init(&x->read_op, x->open_op.file, 0,
		    proactor_span(x->memory, x->write_op.bytes), record,
		    &x->w->r);
		break;
	default:
		CHECK_MEM(x->memory, "text", 4);
		x->close_op.file = x->open_op.file;
		break;
	}
	return 0;
}

static void
script_called(void *user_data, struct proactor_op *op, int status,
    unsigned int flags)
{
	struct script *x = user_data;

	record(&x->w->r, op, status, flags);
}

static void
steps_are_changed(void)
{
	struct proactor_op *steps[4];
	struct proactor_sequence_op q;
	char path[PATH_ROOM];
	struct script x;
	struct world w;

	world_open(&w, NULL);
	memset(&x, 0, sizeof(x));
	x.w = &w;
	proactor_file_open_op_init(&x.open_op, temp_path(path, "f"),
	    PROACTOR_FILE_READ | PROACTOR_FILE_WRITE | PROACTOR_FILE_CREATE,
	    0600, record, &w.r);
	proactor_file_write_op_init(&x.write_op, NULL, 0,
	    proactor_span("text", 4), record, &w.r);
	proactor_nop_op_init((struct proactor_nop_op *)(void *)&x.read_op,
	    record, &w.r);
	proactor_file_close_op_init(&x.close_op, NULL, record, &w.r);
	steps[0] = &x.open_op.base;
	steps[1] = &x.write_op.base;
	steps[2] = &x.read_op.base;
	steps[3] = &x.close_op.base;
	proactor_sequence_op_init(&q, steps, 4, open_to_close, script_called,
	    &x);
	CHECK_INT(proactor_submit_one(w.p, &q.base), 0);
	check_sequence(&w, &q, 4, 0);
	CHECK_INT(x.calls, 3);
	CHECK_INT(x.read_op.bytes, 4);
	world_close(&w);
}

static int
end_at(void *user_data, struct proactor_sequence_op *sequence,
    size_t completed_index, struct proactor_op *next)
{
	struct script *x = user_data;

	(void)sequence;
	(void)next;
	x->calls++;
	return completed_index + 1 == x->end_at ? x->error : 0;
}

static void
ended_by_function(void)
{
	static const struct {
		int error, status;
	} ends[] = {
		{ PROACTOR_ENOSPC, PROACTOR_ENOSPC },
		{ PROACTOR_ECANCELED, PROACTOR_ECANCELED },
		{ 1, PROACTOR_EINVAL },
	};
	struct script x;
	struct nops n;
	struct world w;
	size_t i, j;

	world_open(&w, NULL);
	for (i = 0; i < COUNT(ends); i++) {
		memset(&x, 0, sizeof(x));
		x.w = &w;
		x.end_at = 3;
		x.error = ends[i].error;
		nops_init(&n, &w, 200, end_at);
		n.sequence.base.callback = script_called;
		n.sequence.base.user_data = &x;
		CHECK_INT(proactor_submit_one(w.p, &n.sequence.base), 0);
		CHECK(poll_finals(&w, &n.sequence, 1));
		CHECK_INT(w.r.calls, 201);
		for (j = 0; j < 200; j++) {
			CHECK(w.r.seen[j].op == n.steps[j]);
			CHECK_INT(w.r.seen[j].status,
			    j < 3 ? 0 : PROACTOR_ECANCELED);
		}
		CHECK_INT(status_of(&w.r, &n.sequence), ends[i].status);
		CHECK_INT(n.sequence.completed, 3);
		CHECK_INT(x.calls, 3);
		/* All of them are the caller's again. */
		for (j = 0; j < 3; j++)
			CHECK_INT(proactor_submit_one(w.p,
			    n.steps[j * 99]), 0);
		CHECK(poll_until(&w, &w.r.calls, 204));
		recorder_clear(&w.r);
		nops_free(&n);
	}
	world_close(&w);
}

/* What the function has made of a step is checked when its turn comes. */
static void
bad_when_its_turn_comes(void)
{
	struct proactor_file_write_op write_op;
	struct proactor_event_wait_op wait_op;
	struct proactor_nop_op nops[2];
	struct proactor_op *steps[] = {
		&nops[0].base, &write_op.base, &wait_op.base, &nops[1].base,
	};
	struct proactor_sequence_op q;
	struct world w;

	world_open(&w, NULL);
	nop_init(&nops[0], &w);
	nop_init(&nops[1], &w);
	proactor_file_write_op_init(&write_op, NULL, 0, proactor_span("x", 1),
	    record, &w.r);
	proactor_event_wait_op_init(&wait_op, NULL, record, &w.r);
	sequence_init(&q, &w, steps, 4, always);
	CHECK_INT(proactor_submit_one(w.p, &q.base), 0);
	check_sequence(&w, &q, 1, PROACTOR_EINVAL);
	/* Without a function, at the submit. */
	q.step_fn = NULL;
	CHECK_INT(proactor_submit_one(w.p, &q.base), PROACTOR_EINVAL);
	steps[1] = &nops[1].base;
	q.count = 2;
	CHECK_INT(proactor_submit_one(w.p, &q.base), 0);
	check_sequence(&w, &q, 2, 0);
	world_close(&w);
}

/* --- in batches, in chains, in one another --- */

static void
in_a_batch(void)
{
	struct proactor_op *ops[6];
	struct proactor_nop_op nop;
	struct nops n[5];
	struct world w;
	size_t i;

	world_open(&w, NULL);
	for (i = 0; i < 5; i++) {
		nops_init(&n[i], &w, 10 * i, i % 2 == 0 ? NULL : always);
		ops[i] = &n[i].sequence.base;
	}
	nop_init(&nop, &w);
	ops[5] = &nop.base;
	CHECK_INT(proactor_submit(w.p, ops, 6), 0);
	CHECK(poll_until(&w, &w.r.calls, 106));
	for (i = 0; i < 6; i++)
		CHECK_INT(status_of(&w.r, ops[i]), 0);
	recorder_clear(&w.r);
	/* One after the other. */
	submit_chain(&w, ops, 6);
	CHECK(poll_until(&w, &w.r.calls, 106));
	check_all_good(&w.r, ops, 6);
	CHECK_INT(place_of(&w.r, n[4].steps[39]), 103);
	for (i = 0; i < 5; i++)
		nops_free(&n[i]);
	world_close(&w);
}

/* A failure before a sequence skips it, one in it ends its chain. */
static void
in_a_chain_that_fails(proactor_step_fn step_fn)
{
	struct proactor_file_write_op write_op;
	struct proactor_file *bad;
	struct proactor_nop_op first, last;
	struct nops n[2];
	struct proactor_op *ops[4], *two[2];
	struct world w;
	size_t i;

	world_open(&w, NULL);
	bad = file_open(&w, PROACTOR_FILE_READ);
	nop_init(&first, &w);
	nop_init(&last, &w);
	nops_init(&n[0], &w, 100, step_fn);
	nops_init(&n[1], &w, 100, step_fn);
	proactor_file_write_op_init(&write_op, bad, 0, proactor_span("x", 1),
	    record, &w.r);
	n[0].steps[50] = &write_op.base;
	ops[0] = &first.base;
	ops[1] = &n[0].sequence.base;
	ops[2] = &n[1].sequence.base;
	ops[3] = &last.base;
	submit_chain(&w, ops, 4);
	CHECK(poll_finals(&w, &last, 1));
	check_failed_at(&w.r, ops, 4, 1, PROACTOR_EBADF);
	CHECK_INT(w.r.calls, 204);
	CHECK_INT(n[0].sequence.completed, 50);
	for (i = 0; i < 100; i++) {
		CHECK(w.r.seen[1 + i].op == n[0].steps[i]);
		CHECK(w.r.seen[102 + i].op == n[1].steps[i]);
		CHECK_INT(w.r.seen[102 + i].status, PROACTOR_ECANCELED);
	}
	recorder_clear(&w.r);
	two[0] = &write_op.base;
	two[1] = &n[1].sequence.base;
	n[1].sequence.completed = 7;
	submit_chain(&w, two, 2);
	CHECK(poll_finals(&w, two[1], 1));
	CHECK_INT(w.r.calls, 102);
	CHECK_INT(status_of(&w.r, two[1]), PROACTOR_ECANCELED);
	CHECK_INT(n[1].sequence.completed, 0);
	nops_free(&n[0]);
	nops_free(&n[1]);
	proactor_file_release(bad);
	world_close(&w);
}

static void
in_a_chain(void)
{
	in_a_chain_that_fails(NULL);
	in_a_chain_that_fails(always);
}

/* nop, the sequence below, nop; so many levels. */
struct tower {
	struct {
		struct proactor_nop_op before, after;
		struct proactor_op *steps[3];
		struct proactor_sequence_op sequence;
	} levels[PROACTOR_SEQUENCE_DEPTH_MAX + 1];
	struct proactor_event_wait_op wait;
};

static struct proactor_sequence_op *
tower_init(struct tower *t, struct world *w, size_t height,
    proactor_step_fn step_fn, struct proactor_event *event)
{
	size_t i;

	proactor_event_wait_op_init(&t->wait, event, record, &w->r);
	for (i = 0; i < height; i++) {
		nop_init(&t->levels[i].before, w);
		nop_init(&t->levels[i].after, w);
		t->levels[i].steps[0] = &t->levels[i].before.base;
		t->levels[i].steps[1] = i == 0 ? &t->wait.base :
		    &t->levels[i - 1].sequence.base;
		t->levels[i].steps[2] = &t->levels[i].after.base;
		sequence_init(&t->levels[i].sequence, w, t->levels[i].steps, 3,
		    step_fn);
	}
	return &t->levels[height - 1].sequence;
}

static void
nested_of(proactor_step_fn step_fn)
{
	size_t i, height = PROACTOR_SEQUENCE_DEPTH_MAX, place;
	struct proactor_sequence_op *top;
	struct proactor_event *event;
	struct tower t;
	struct world w;
	int pass, status;

	world_open(&w, NULL);
	CHECK_INT(proactor_event_create(w.p, &event), 0);
	for (pass = 0; pass < 3; pass++) {
		top = tower_init(&t, &w, height, step_fn, event);
		status = pass == 0 ? 0 : PROACTOR_ECANCELED;
		CHECK_INT(proactor_submit_one(w.p, &top->base), 0);
		CHECK(poll_finals(&w, &t.levels[0].before, 1));
		poll_barrier(&w);
		CHECK_INT(w.r.calls, height);
		/* Cancelled from above, or below. */
		if (pass == 0)
			CHECK_INT(proactor_event_set(event), 0);
		else if (pass == 1)
			CHECK_INT(proactor_cancel(w.p, &top->base), 0);
		else
			CHECK_INT(proactor_cancel(w.p, &t.wait.base), 0);
		CHECK(poll_finals(&w, top, 1));
		CHECK_INT(w.r.calls, 3 * height + 1);
		CHECK_INT(status_of(&w.r, &t.wait), status);
		for (i = 0; i < height; i++) {
			CHECK_INT(status_of(&w.r, &t.levels[i].after), status);
			CHECK_INT(status_of(&w.r, &t.levels[i].sequence),
			    status);
			CHECK_INT(t.levels[i].sequence.completed,
			    pass == 0 ? 3 : 1);
			place = place_of(&w.r, &t.levels[i].after);
			CHECK_INT(place, height + 1 + 2 * i);
			CHECK_INT(place_of(&w.r, &t.levels[i].sequence),
			    place + 1);
		}
		recorder_clear(&w.r);
	}
	proactor_event_release(event);
	world_close(&w);
}

static void
nested(void)
{
	nested_of(NULL);
	nested_of(always);
}

static void
nested_too_deep(void)
{
	struct proactor_sequence_op *top, self;
	struct proactor_op *steps[1];
	struct proactor_event *event;
	struct tower t;
	struct world w;

	world_open(&w, NULL);
	CHECK_INT(proactor_event_create(w.p, &event), 0);
	top = tower_init(&t, &w, PROACTOR_SEQUENCE_DEPTH_MAX + 1, NULL, event);
	CHECK_INT(proactor_submit_one(w.p, &top->base), PROACTOR_EINVAL);
	CHECK_INT(proactor_event_set(event), 0);
	CHECK_INT(run_one(&w, &top[0].steps[1][0]), 0);
	recorder_clear(&w.r);
	/* A step function lets the one too many fail in its turn. */
	top = tower_init(&t, &w, PROACTOR_SEQUENCE_DEPTH_MAX + 1, always,
	    event);
	CHECK_INT(run_one(&w, &top->base), PROACTOR_EINVAL);
	CHECK_INT(status_of(&w.r, &t.levels[0].sequence), PROACTOR_EINVAL);
	CHECK_INT(calls_of(&w.r, &t.wait), 0);
	CHECK_INT(calls_of(&w.r, &t.levels[1].after), 1);
	/* One within itself would be the deepest. */
	steps[0] = &self.base;
	sequence_init(&self, &w, steps, 1, NULL);
	CHECK_INT(proactor_submit_one(w.p, &self.base), PROACTOR_EBUSY);
	CHECK_INT(proactor_submit(w.p, steps, 1), PROACTOR_EBUSY);
	proactor_event_release(event);
	world_close(&w);
}

/* --- with timeouts --- */

static void
with_timeouts_of(proactor_step_fn step_fn)
{
	struct proactor_nop_op nop;
	struct proactor_event_wait_op waits[2];
	struct proactor_timeout_op timeouts[2], whole;
	struct proactor_op *steps[] = {
		&nop.base, &waits[0].base, &timeouts[0].base, &waits[1].base,
		&timeouts[1].base,
	};
	struct proactor_sequence_op q;
	struct proactor_op *ops[] = { &q.base, &whole.base };
	struct proactor_event *event;
	struct world w;
	size_t i;
	int pass;

	world_open(&w, NULL);
	CHECK_INT(proactor_event_create(w.p, &event), 0);
	for (pass = 0; pass < 3; pass++) {
		nop_init(&nop, &w);
		for (i = 0; i < 2; i++) {
			proactor_event_wait_op_init(&waits[i], event, record,
			    &w.r);
			proactor_timeout_op_init(&timeouts[i], PROACTOR_FOREVER,
			    record, &w.r);
		}
		/* The second step's own, or that of the whole. */
		if (pass == 1)
			timeouts[1].deadline =
			    proactor_deadline_after(INT64_C(3000000));
		proactor_timeout_op_init(&whole, pass == 2 ?
		    proactor_deadline_after(INT64_C(3000000)) :
		    PROACTOR_FOREVER, record, &w.r);
		sequence_init(&q, &w, steps, COUNT(steps), step_fn);
		CHECK_INT(proactor_event_set(event), 0);
		submit_chain(&w, ops, 2);
		CHECK(poll_finals(&w, &timeouts[0], 1));
		if (pass == 0)
			CHECK_INT(proactor_event_set(event), 0);
		CHECK(poll_finals(&w, &whole, 1));
		CHECK_INT(w.r.calls, 7);
		for (i = 0; i < 5; i++)
			CHECK(w.r.seen[i].op == steps[i]);
		CHECK_INT(status_of(&w.r, &timeouts[0]), PROACTOR_ECANCELED);
		CHECK_INT(status_of(&w.r, &waits[1]),
		    pass == 0 ? 0 : PROACTOR_ECANCELED);
		CHECK_INT(status_of(&w.r, &timeouts[1]), pass == 1 ?
		    PROACTOR_ETIMEDOUT : PROACTOR_ECANCELED);
		CHECK_INT(q.completed, pass == 0 ? 5 : 3);
		CHECK_INT(status_of(&w.r, &q), pass == 0 ? 0 :
		    pass == 1 ? PROACTOR_ETIMEDOUT : PROACTOR_ECANCELED);
		CHECK_INT(status_of(&w.r, &whole), pass == 2 ?
		    PROACTOR_ETIMEDOUT : PROACTOR_ECANCELED);
		recorder_clear(&w.r);
	}
	proactor_event_release(event);
	world_close(&w);
}

static int
not_before_timeouts(void *user_data, struct proactor_sequence_op *sequence,
    size_t completed_index, struct proactor_op *next)
{
	(void)user_data;
	(void)sequence;
	CHECK(next->type != PROACTOR_OP_TIMEOUT);
	CHECK(completed_index == 0 || completed_index == 2);
	return 0;
}

static void
with_timeouts(void)
{
	with_timeouts_of(NULL);
	with_timeouts_of(not_before_timeouts);
}

/* --- what is refused --- */

static void
refused(proactor_step_fn step_fn)
{
	struct proactor_timeout_op timeout, second;
	struct proactor_nop_op a, b;
	struct proactor_timer_op busy;
	struct proactor_op *steps[3], *ops[2];
	struct proactor_sequence_op q;
	struct world w;

	world_open(&w, NULL);
	nop_init(&a, &w);
	nop_init(&b, &w);
	proactor_timeout_op_init(&timeout, 0, record, &w.r);
	proactor_timeout_op_init(&second, 0, record, &w.r);
	proactor_timer_op_init(&busy, PROACTOR_FOREVER, record, &w.r);
	CHECK_INT(proactor_submit_one(w.p, &busy.base), 0);
	steps[0] = &a.base;
	steps[1] = &b.base;
	steps[2] = &a.base;
	sequence_init(&q, &w, NULL, 1, step_fn);
	CHECK_INT(proactor_submit_one(w.p, &q.base), PROACTOR_EINVAL);
	sequence_init(&q, &w, steps, 3, step_fn);
	CHECK_INT(proactor_submit_one(w.p, &q.base), PROACTOR_EBUSY);
	steps[2] = NULL;
	CHECK_INT(proactor_submit_one(w.p, &q.base), PROACTOR_EINVAL);
	steps[2] = &busy.base;
	CHECK_INT(proactor_submit_one(w.p, &q.base), PROACTOR_EBUSY);
	q.count = 2;
	b.base.flags = PROACTOR_OP_LINKED;
	CHECK_INT(proactor_submit_one(w.p, &q.base), PROACTOR_EINVAL);
	b.base.flags = PROACTOR_OP_MULTISHOT;
	CHECK_INT(proactor_submit_one(w.p, &q.base), PROACTOR_EINVAL);
	b.base.flags = 0;
	b.base.type = 77;
	CHECK_INT(proactor_submit_one(w.p, &q.base), PROACTOR_EINVAL);
	b.base.type = PROACTOR_OP_NOP;
	b.base.pool = (struct proactor_op_pool *)(void *)&b;
	CHECK_INT(proactor_submit_one(w.p, &q.base), PROACTOR_EINVAL);
	b.base.pool = NULL;
	steps[0] = &timeout.base;
	CHECK_INT(proactor_submit_one(w.p, &q.base), PROACTOR_EINVAL);
	steps[0] = &a.base;
	steps[1] = &timeout.base;
	steps[2] = &second.base;
	q.count = 3;
	CHECK_INT(proactor_submit_one(w.p, &q.base), PROACTOR_EINVAL);
	/* A step is not in the batch as well. */
	steps[1] = &b.base;
	q.count = 2;
	ops[0] = &q.base;
	ops[1] = &b.base;
	CHECK_INT(proactor_submit(w.p, ops, 2), PROACTOR_EBUSY);
	ops[0] = &b.base;
	ops[1] = &q.base;
	CHECK_INT(proactor_submit(w.p, ops, 2), PROACTOR_EBUSY);
	q.base.callback = NULL;
	CHECK_INT(proactor_submit_one(w.p, &q.base), PROACTOR_EINVAL);
	q.base.callback = record;
	q.base.flags = PROACTOR_OP_MULTISHOT;
	CHECK_INT(proactor_submit_one(w.p, &q.base), PROACTOR_EINVAL);
	q.base.flags = 0;
	CHECK_INT(proactor_cancel(w.p, &busy.base), 0);
	CHECK(poll_finals(&w, &busy, 1));
	recorder_clear(&w.r);
	/* Nothing of them has begun, and all are good for another try. */
	steps[2] = &busy.base;
	busy.deadline = 0;
	q.count = 3;
	CHECK_INT(proactor_submit_one(w.p, &q.base), 0);
	CHECK_INT(proactor_submit_one(w.p, &q.base), PROACTOR_EBUSY);
	CHECK_INT(proactor_submit_one(w.p, &a.base), PROACTOR_EBUSY);
	CHECK_INT(proactor_submit_one(w.p, &busy.base), PROACTOR_EBUSY);
	check_sequence(&w, &q, 3, 0);
	world_close(&w);
}

static void
refusals(void)
{
	refused(NULL);
	refused(always);
}

/* A close in a sequence that is refused has not closed. */
static void
refused_close(void)
{
	struct proactor_socket_close_op close_op;
	struct proactor_send_op send;
	struct proactor_nop_op nop;
	struct proactor_op *steps[] = { &send.base, &close_op.base, NULL };
	struct proactor_op *late[] = { &nop.base, &close_op.base, &send.base };
	struct proactor_sequence_op q;
	struct proactor_socket *s;
	struct world w;
	int fd;

	world_open(&w, NULL);
	s = half_pair(&w, PROACTOR_SOCKET_TCP, 0, &fd);
	nop_init(&nop, &w);
	send_init(&send, &w, s, "x", 1);
	proactor_socket_close_op_init(&close_op, s, record, &w.r);
	sequence_init(&q, &w, steps, 3, NULL);
	CHECK_INT(proactor_submit_one(w.p, &q.base), PROACTOR_EINVAL);
	q.steps = late;
	CHECK_INT(proactor_submit_one(w.p, &q.base), PROACTOR_EBADF);
	/*
	 * With a function the close is no matter before its turn; nor has
	 * what comes after it a reference.
	 */
	q.step_fn = always;
	CHECK(proactor_socket_retain(s) == s);
	CHECK_INT(proactor_submit_one(w.p, &q.base), 0);
	check_sequence(&w, &q, 2, PROACTOR_EBADF);
	proactor_socket_release(s);
	CHECK_INT(fd_drain(fd), 0);
	close(fd);
	world_close(&w);
}

/* What was to be slept before the step that nobody is told of was done. */
static void
not_overslept(void)
{
	struct proactor_sequence_op sequence;
	struct proactor_timer_op timer;
	struct proactor_recv_op recv;
	struct proactor_op *steps[2] = { &recv.base, &timer.base };
	struct proactor_span span;
	struct proactor_socket *s;
	struct world w;
	int64_t deadline;
	char byte;
	int fd, i;

	world_open(&w, NULL);
	s = half_pair(&w, PROACTOR_SOCKET_UNIX_STREAM, 0, &fd);
	span = proactor_span(&byte, 1);
	for (i = 0; i < 8; i++) {
		proactor_recv_op_init(&recv, s, &span, 1, NULL, NULL);
		proactor_timer_op_init(&timer, proactor_deadline_after(5000000),
		    NULL, NULL);
		sequence_init(&sequence, &w, steps, 2, NULL);
		if (i % 2 == 0)
			fd_write_all(fd, "x", 1);
		CHECK_INT(proactor_submit_one(w.p, &sequence.base), 0);
		if (i % 2 != 0)
			fd_write_all(fd, "x", 1);
		deadline = patience();
		CHECK_INT(proactor_poll(w.p, deadline, NULL), 0);
		CHECK(proactor_now() < deadline);
		CHECK_INT(status_of(&w.r, &sequence), 0);
	}
	close(fd);
	proactor_socket_release(s);
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
	{ "sequence: the first failure skips the rest and is its status",
	    failures },
	{ "sequence: the step function makes the next step of the last",
	    steps_are_changed },
	{ "sequence: the step function may end it", ended_by_function },
	{ "sequence: a step is refused when its turn comes, or at the submit",
	    bad_when_its_turn_comes },
	{ "sequence: several in a batch, and in a chain", in_a_batch },
	{ "sequence: skipped by a failure before it in a chain", in_a_chain },
	{ "sequence: in one another, cancelled from above and below",
	    nested },
	{ "sequence: too deep, or in itself, it is refused",
	    nested_too_deep },
	{ "sequence: steps with timeouts, and a timeout of the whole",
	    with_timeouts },
	{ "sequence: what cannot be a step is refused", refusals },
	{ "sequence: a close that was refused has not closed",
	    refused_close },
	{ "sequence: a deadline after a step without a callback is kept",
	    not_overslept },
	{ NULL, NULL }
};
