/* SPDX-License-Identifier: ISC */
/* What runs again and again asks for no memory. */
#include "config.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "conformance/allocator.h"
#include "conformance/files.h"

/* Rounds of which the first may prepare something for all that follow. */
#define WARM_UP		300
#define ROUNDS		200

struct scene {
	struct allocator a;
	struct world w;
	size_t messages;
};

static void
scene_open(struct scene *s)
{
	struct proactor_options o;

	memset(s, 0, sizeof(*s));
	allocator_options(&o, &s->a);
	world_open(&s->w, &o);
}

static void
scene_close(struct scene *s)
{
	world_close(&s->w);
	CHECK_INT(s->a.live, 0);
}

/* One round after the other; the later ones ask for nothing. */
static void
repeat(struct scene *s, void (*round)(struct scene *, void *), void *argument)
{
	long calls = 0;
	int i;

	for (i = 0; i < WARM_UP + ROUNDS; i++) {
		if (i == WARM_UP)
			calls = s->a.calls;
		round(s, argument);
	}
	CHECK(calls > 0);
	CHECK_INT(s->a.calls, calls);
}

static void
run_all(struct scene *s, struct proactor_op **ops, size_t count)
{
	size_t finals = s->w.r.finals;

	CHECK_INT(proactor_submit(s->w.p, ops, count), 0);
	CHECK(poll_until(&s->w, &s->w.r.finals, finals + count));
}

/* --- sockets, events --- */

struct plain {
	struct proactor_event *event;
	struct pair stream, datagrams;
	struct proactor_address at_a;
};

static void
plain_round(struct scene *s, void *argument)
{
	struct plain *p = argument;
	struct proactor_nop_op nop;
	struct proactor_timer_op timer;
	struct proactor_event_wait_op wait;
	struct proactor_recv_op recv;
	struct proactor_send_op send;
	struct proactor_recvfrom_op from;
	struct proactor_sendto_op to;
	struct proactor_op *ops[] = { &nop.base, &timer.base, &wait.base,
		&recv.base, &send.base, &from.base, &to.base };
	char in[2][8], out[8] = "eight b";
	struct proactor_span spans[2], span = proactor_span(out, sizeof(out));
	size_t i;

	for (i = 0; i < 2; i++)
		spans[i] = proactor_span(in[i], sizeof(in[i]));
	proactor_nop_op_init(&nop, record, &s->w.r);
	proactor_timer_op_init(&timer, proactor_now(), record, &s->w.r);
	proactor_event_wait_op_init(&wait, p->event, record, &s->w.r);
	proactor_recv_op_init(&recv, p->stream.a, &spans[0], 1, record,
	    &s->w.r);
	proactor_send_op_init(&send, p->stream.b, &span, 1, 0, record,
	    &s->w.r);
	proactor_recvfrom_op_init(&from, p->datagrams.a, &spans[1], 1, record,
	    &s->w.r);
	proactor_sendto_op_init(&to, p->datagrams.b, &span, 1, &p->at_a, 0,
	    record, &s->w.r);
	CHECK_INT(proactor_event_set(p->event), 0);
	run_all(s, ops, COUNT(ops));
	for (i = 0; i < 2; i++)
		CHECK_MEM(in[i], out, sizeof(out));
}

static void
sockets_and_events(void)
{
	struct plain p;
	struct scene s;

	scene_open(&s);
	CHECK_INT(proactor_event_create(s.w.p, &p.event), 0);
	pair_open(&s.w, PROACTOR_SOCKET_TCP, 0, &p.stream);
	pair_open(&s.w, PROACTOR_SOCKET_UDP, 0, &p.datagrams);
	CHECK_INT(proactor_socket_query_local_address(p.datagrams.a, &p.at_a),
	    0);
	repeat(&s, plain_round, &p);
	pair_close(&s.w, &p.stream);
	pair_close(&s.w, &p.datagrams);
	proactor_event_release(p.event);
	scene_close(&s);
}

/* --- files, handles --- */

struct handles {
	struct proactor_file *file;
	int fds[2];
};

static void
handles_round(struct scene *s, void *argument)
{
	struct handles *h = argument;
	struct proactor_file_write_op write_op;
	struct proactor_file_read_op read_op;
	struct proactor_handle_poll_op poll;
	struct proactor_op *first[] = { &write_op.base, &poll.base };
	struct proactor_op *second[] = { &read_op.base };
	char in[8], out[8] = "eight b", byte;

	proactor_file_write_op_init(&write_op, h->file, 0,
	    proactor_span(out, sizeof(out)), record, &s->w.r);
	proactor_handle_poll_op_init(&poll, proactor_handle_fd(h->fds[0]),
	    PROACTOR_POLL_IN, record, &s->w.r);
	CHECK_INT(write(h->fds[1], "x", 1), 1);
	run_all(s, first, COUNT(first));
	CHECK_INT(read(h->fds[0], &byte, 1), 1);
	proactor_file_read_op_init(&read_op, h->file, 0,
	    proactor_span(in, sizeof(in)), record, &s->w.r);
	run_all(s, second, COUNT(second));
	CHECK_MEM(in, out, sizeof(in));
}

static void
files_and_handles(void)
{
	char path[PATH_ROOM];
	struct handles h;
	struct scene s;

	scene_open(&s);
	h.file = new_file(&s.w, path);
	CHECK_INT(pipe2(h.fds, O_CLOEXEC), 0);
	repeat(&s, handles_round, &h);
	close_fds(h.fds);
	CHECK_INT(close_file(&s.w, h.file), 0);
	scene_close(&s);
}

/* --- what waits for others --- */

static void
heard(void *user_data, struct proactor *p, uint64_t data)
{
	struct scene *s = user_data;

	(void)p;
	(void)data;
	s->messages++;
}

static int
any_step(void *user_data, struct proactor_sequence_op *q, size_t completed,
    struct proactor_op *next)
{
	(void)user_data;
	(void)q;
	(void)completed;
	(void)next;
	return 0;
}

/* Sequences of either kind, and operations that end by their timeout. */
static void
sequences_round(struct scene *s, void *argument)
{
	struct proactor_event *event = argument;
	struct proactor_nop_op nops[2];
	struct proactor_message_op messages[2];
	struct proactor_timer_op timers[2];
	struct proactor_sequence_op sequences[2];
	struct proactor_event_wait_op wait;
	struct proactor_timeout_op timeout;
	struct proactor_op *steps[2][3], *ops[] = { &sequences[0].base,
		&sequences[1].base, &wait.base, &timeout.base };
	size_t heard_before = s->messages, i;

	for (i = 0; i < 2; i++) {
		proactor_nop_op_init(&nops[i], NULL, NULL);
		proactor_message_op_init(&messages[i], s->w.p, i,
		    i == 0 ? 0 : PROACTOR_MESSAGE_SKIP_SOURCE, NULL, NULL);
		proactor_timer_op_init(&timers[i], proactor_now(), NULL, NULL);
		steps[i][0] = &nops[i].base;
		steps[i][1] = &messages[i].base;
		steps[i][2] = &timers[i].base;
		proactor_sequence_op_init(&sequences[i], steps[i], 3,
		    i == 0 ? NULL : any_step, record, &s->w.r);
	}
	proactor_event_wait_op_init(&wait, event, record, &s->w.r);
	wait.base.flags |= PROACTOR_OP_LINKED;
	proactor_timeout_op_init(&timeout, proactor_now(), record, &s->w.r);
	run_all(s, ops, COUNT(ops));
	while (s->messages < heard_before + 2)
		CHECK_INT(proactor_poll(s->w.p, patience(), NULL), 0);
	CHECK_INT(sequences[0].completed, 3);
	CHECK_INT(sequences[1].completed, 3);
	CHECK_INT(status_of(&s->w.r, &wait), PROACTOR_ECANCELED);
}

static void
sequences_and_timeouts(void)
{
	struct proactor_event *event;
	struct scene s;

	scene_open(&s);
	CHECK_INT(proactor_event_create(s.w.p, &event), 0);
	CHECK_INT(proactor_set_message_callback(s.w.p, heard, &s), 0);
	repeat(&s, sequences_round, event);
	proactor_event_release(event);
	scene_close(&s);
}

/* One that is canceled, one that finds another value, one that is woken. */
static void
futexes_round(struct scene *s, void *argument)
{
	const unsigned int flags = PROACTOR_FUTEX_32 | PROACTOR_FUTEX_PRIVATE;
	uint32_t *words = argument;
	struct proactor_futex_wait_op waits[3];
	struct proactor_futex_wake_op wake;
	struct proactor_op *ops[] = { &waits[0].base, &waits[1].base,
		&waits[2].base, &wake.base };
	size_t finals = s->w.r.finals, i;

	for (i = 0; i < 3; i++)
		proactor_futex_wait_op_init(&waits[i], &words[i], i == 1,
		    flags, record, &s->w.r);
	proactor_futex_wake_op_init(&wake, &words[2], 1, flags, record,
	    &s->w.r);
	CHECK_INT(proactor_submit(s->w.p, ops, COUNT(ops)), 0);
	CHECK_INT(proactor_cancel(s->w.p, &waits[0].base), 0);
	CHECK(poll_until(&s->w, &s->w.r.finals, finals + COUNT(ops)));
}

static void
futexes(void)
{
	static uint32_t words[3];
	struct scene s;

	scene_open(&s);
	if (!(proactor_query_capabilities(s.w.p) &
	    PROACTOR_CAP_FUTEX_OPERATIONS)) {
		scene_close(&s);
		SKIP("no futex operations here");
	}
	repeat(&s, futexes_round, words);
	scene_close(&s);
}

const struct tap_case allocation_cases[] = {
	{ "allocation: none for sockets, events and timers",
	    sockets_and_events },
	{ "allocation: none for files and handles", files_and_handles },
	{ "allocation: none for sequences, messages and timeouts",
	    sequences_and_timeouts },
	{ "allocation: none for futexes", futexes },
	{ NULL, NULL }
};
