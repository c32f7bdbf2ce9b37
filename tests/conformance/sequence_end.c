/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conformance/chain.h"

/* Sequences that are ended early: cancel, shutdown, release; and threads. */

/* nop, wait, nop, nop; or with a step function. */
struct quartet {
	struct world w;
	struct proactor_event *event;
	struct proactor_nop_op nops[3];
	struct proactor_event_wait_op wait;
	struct proactor_op *steps[4];
	struct proactor_sequence_op sequence;
	struct proactor_op *victim;
	size_t calls;
	size_t act_at;
};

static void
quartet_called(void *user_data, struct proactor_op *op, int status,
    unsigned int flags)
{
	struct quartet *x = user_data;

	record(&x->w.r, op, status, flags);
	if (x->victim != NULL && x->w.r.calls == x->act_at)
		CHECK_INT(proactor_cancel(x->w.p, x->victim), 0);
}

static void
quartet_init(struct quartet *x, proactor_step_fn step_fn)
{
	size_t i;

	for (i = 0; i < 3; i++)
		proactor_nop_op_init(&x->nops[i], quartet_called, x);
	proactor_event_wait_op_init(&x->wait, x->event, quartet_called, x);
	x->steps[0] = &x->nops[0].base;
	x->steps[1] = &x->wait.base;
	x->steps[2] = &x->nops[1].base;
	x->steps[3] = &x->nops[2].base;
	proactor_sequence_op_init(&x->sequence, x->steps, 4, step_fn,
	    quartet_called, x);
	x->victim = NULL;
	x->calls = 0;
	x->act_at = 0;
}

static void
quartet_open(struct quartet *x, proactor_step_fn step_fn)
{
	memset(x, 0, sizeof(*x));
	world_open(&x->w, NULL);
	CHECK_INT(proactor_event_create(x->w.p, &x->event), 0);
	quartet_init(x, step_fn);
}

static void
quartet_close(struct quartet *x)
{
	proactor_event_release(x->event);
	world_close(&x->w);
}

/* Ended in order; the step at place and all after it, by a cancel. */
static void
quartet_ended(struct quartet *x, size_t place)
{
	size_t i;

	CHECK_INT(x->w.r.calls, 5);
	for (i = 0; i < 4; i++) {
		CHECK(x->w.r.seen[i].op == x->steps[i]);
		CHECK_INT(x->w.r.seen[i].status,
		    i < place ? 0 : PROACTOR_ECANCELED);
	}
	CHECK_INT(x->w.r.seen[4].status, place < 4 ? PROACTOR_ECANCELED : 0);
	CHECK_INT(x->sequence.completed, place);
	for (i = 0; i < 4; i++)
		CHECK_INT(proactor_cancel(x->w.p, x->steps[i]),
		    PROACTOR_ENOENT);
	CHECK_INT(proactor_cancel(x->w.p, &x->sequence.base), PROACTOR_ENOENT);
	recorder_clear(&x->w.r);
}

static void
quartet_check(struct quartet *x, size_t place)
{
	CHECK(poll_finals(&x->w, &x->sequence, 1));
	poll_barrier(&x->w);
	quartet_ended(x, place);
}

static int
pass_on(void *user_data, struct proactor_sequence_op *sequence,
    size_t completed_index, struct proactor_op *next)
{
	struct quartet *x = user_data;

	CHECK(sequence == &x->sequence);
	CHECK(next == x->steps[completed_index + 1]);
	x->calls++;
	return 0;
}

static proactor_step_fn const functions[] = { NULL, pass_on };

/* --- cancel --- */

static void
cancelled_at_once(void)
{
	struct quartet x;
	size_t i;

	for (i = 0; i < COUNT(functions); i++) {
		quartet_open(&x, functions[i]);
		/* Before the first poll: no thread has it yet. */
		CHECK_INT(proactor_submit_one(x.w.p, &x.sequence.base), 0);
		CHECK_INT(proactor_cancel(x.w.p, &x.sequence.base), 0);
		CHECK_INT(x.w.r.calls, 0);
		quartet_check(&x, 0);
		CHECK_INT(x.calls, 0);
		/* The same on the polling thread. */
		CHECK_INT(proactor_submit_one(x.w.p, &x.sequence.base), 0);
		CHECK_INT(proactor_cancel(x.w.p, &x.sequence.base), 0);
		CHECK_INT(proactor_cancel(x.w.p, &x.sequence.base), 0);
		quartet_check(&x, 0);
		quartet_close(&x);
	}
}

static void
cancelled_in_the_middle(void)
{
	struct quartet x;
	size_t i, j;

	for (i = 0; i < COUNT(functions); i++) {
		quartet_open(&x, functions[i]);
		for (j = 0; j < 2; j++) {
			CHECK_INT(proactor_submit_one(x.w.p,
			    &x.sequence.base), 0);
			CHECK(poll_until(&x.w, &x.w.r.calls, 1));
			poll_barrier(&x.w);
			CHECK_INT(x.w.r.calls, 1);
			/* The whole, or the step that waits. */
			CHECK_INT(proactor_cancel(x.w.p, j == 0 ?
			    &x.sequence.base : x.steps[1]), 0);
			quartet_check(&x, 1);
		}
		quartet_close(&x);
	}
}

static void
cancelled_in_callbacks(void)
{
	struct quartet x;
	size_t i, at;

	for (i = 0; i < COUNT(functions); i++) {
		quartet_open(&x, functions[i]);
		for (at = 1; at <= 4; at++) {
			quartet_init(&x, functions[i]);
			x.victim = &x.sequence.base;
			x.act_at = at;
			CHECK_INT(proactor_event_set(x.event), 0);
			CHECK_INT(proactor_submit_one(x.w.p,
			    &x.sequence.base), 0);
			/* After the last step nothing is left to cancel. */
			quartet_check(&x, at);
			CHECK_INT(x.calls, i == 0 ? 0 : at < 4 ? at - 1 : 3);
			/* If nobody waited for it, the event is still set. */
			if (at == 1) {
				x.victim = NULL;
				CHECK_INT(proactor_submit_one(x.w.p,
				    &x.wait.base), 0);
				CHECK(poll_finals(&x.w, &x.wait, 1));
				recorder_clear(&x.w.r);
			}
		}
		quartet_close(&x);
	}
}

/* A step that has not begun is cancelled when its turn comes. */
static void
step_cancelled(void)
{
	struct quartet x;

	quartet_open(&x, NULL);
	CHECK_INT(proactor_submit_one(x.w.p, &x.sequence.base), 0);
	CHECK(poll_until(&x.w, &x.w.r.calls, 1));
	CHECK_INT(proactor_cancel(x.w.p, x.steps[3]), 0);
	poll_barrier(&x.w);
	CHECK_INT(x.w.r.calls, 1);
	CHECK_INT(proactor_event_set(x.event), 0);
	quartet_check(&x, 3);
	/* With a function it is not accepted before that. */
	quartet_init(&x, pass_on);
	CHECK_INT(proactor_submit_one(x.w.p, &x.sequence.base), 0);
	CHECK(poll_until(&x.w, &x.w.r.calls, 1));
	CHECK_INT(proactor_cancel(x.w.p, x.steps[3]), PROACTOR_ENOENT);
	CHECK_INT(proactor_submit_one(x.w.p, x.steps[3]), PROACTOR_EBUSY);
	CHECK_INT(proactor_event_set(x.event), 0);
	quartet_check(&x, 4);
	quartet_close(&x);
}

static int
cancel_it(void *user_data, struct proactor_sequence_op *sequence,
    size_t completed_index, struct proactor_op *next)
{
	struct quartet *x = user_data;

	(void)next;
	if (++x->calls == x->act_at)
		CHECK_INT(proactor_cancel(x->w.p, &sequence->base), 0);
	return completed_index == 2 ? PROACTOR_EIO : 0;
}

static void
cancelled_in_step_function(void)
{
	struct quartet x;
	size_t at;

	quartet_open(&x, NULL);
	for (at = 1; at <= 2; at++) {
		quartet_init(&x, cancel_it);
		x.act_at = at;
		if (at == 2)
			CHECK_INT(proactor_event_set(x.event), 0);
		CHECK_INT(proactor_submit_one(x.w.p, &x.sequence.base), 0);
		quartet_check(&x, at);
		CHECK_INT(x.calls, at);
	}
	quartet_close(&x);
}

/* Operations of the kernel's that it runs as one chain. */
static void
cancel_native(struct world *w, unsigned int kind, size_t which, bool silent)
{
	struct proactor_recv_op recv;
	struct proactor_send_op sends[3];
	struct proactor_op *steps[] = {
		&sends[0].base, &recv.base, &sends[1].base, &sends[2].base,
	};
	struct proactor_sequence_op q;
	struct proactor_socket *s;
	char memory[8];
	size_t i;
	int fd;

	s = half_pair(w, kind, 0, &fd);
	recv_init(&recv, w, s, memory, sizeof(memory));
	for (i = 0; i < 3; i++)
		send_init(&sends[i], w, s, &"abc"[i], 1);
	for (i = 0; i < 4; i++)
		if (silent)
			steps[i]->callback = NULL;
	proactor_sequence_op_init(&q, steps, 4, NULL, record, &w->r);
	poll_barrier(w);
	CHECK_INT(proactor_submit_one(w->p, &q.base), 0);
	poll_barrier(w);
	fd_read_all(fd, memory, 1);
	CHECK_INT(w->r.calls, silent ? 0 : 1);
	/* A step, or with one more than there are the sequence. */
	CHECK_INT(proactor_cancel(w->p, which < 4 ? steps[which] : &q.base), 0);
	if (which > 1 && which < 4) {
		poll_barrier(w);
		CHECK_INT(finals_of(&w->r, &recv), 0);
		fd_write_all(fd, "x", 1);
	}
	CHECK(poll_finals(w, &q, 1));
	poll_barrier(w);
	CHECK_INT(w->r.calls, silent ? 1 : 5);
	CHECK_INT(status_of(&w->r, &q), PROACTOR_ECANCELED);
	CHECK_INT(q.completed, which < 4 ? which : 1);
	CHECK_INT(close_socket(w, s), 0);
	CHECK_INT(fd_drain(fd), which < 4 ? which - 2 + (which == 1) : 0);
	close(fd);
	recorder_clear(&w->r);
}

static void
native_of(struct world *w, unsigned int kind)
{
	size_t which;

	for (which = 1; which <= 4; which++) {
		cancel_native(w, kind, which, false);
		cancel_native(w, kind, which, true);
	}
}

static void
cancelled_in_kernel(void)
{
	each_stream(native_of);
}

/*
 * Steps that nobody is told of, and one of them waits: the end of the
 * sequence finds it.
 */
static void
silent_step_waits(struct world *w, unsigned int kind, bool released)
{
	struct proactor_send_op sends[4];
	struct proactor_op *steps[4];
	struct proactor_sequence_op q;
	struct proactor_socket *s;
	char *memory;
	size_t i;
	int fd;

	memory = calloc(1, BLOCKING_SIZE);
	CHECK(memory != NULL);
	s = half_pair(w, kind, 0, &fd);
	poll_barrier(w);
	for (i = 0; i < 4; i++) {
		send_init(&sends[i], w, s, memory, i == 2 ? BLOCKING_SIZE : 1);
		sends[i].base.callback = NULL;
		steps[i] = &sends[i].base;
	}
	proactor_sequence_op_init(&q, steps, 4, NULL, record, &w->r);
	CHECK_INT(proactor_submit_one(w->p, &q.base), 0);
	poll_barrier(w);
	CHECK_INT(w->r.calls, 0);
	if (released) {
		proactor_socket_release(s);
		proactor_release(w->p);
		CHECK_INT(w->r.calls, 0);
		world_open(w, NULL);
	} else {
		CHECK_INT(proactor_cancel(w->p, &q.base), 0);
		CHECK(poll_finals(w, &q, 1));
		CHECK_INT(w->r.calls, 1);
		CHECK_INT(status_of(&w->r, &q), PROACTOR_ECANCELED);
		CHECK_INT(q.completed, 2);
		CHECK_INT(sends[1].bytes, 1);
		CHECK(sends[2].bytes < BLOCKING_SIZE);
		CHECK_INT(close_socket(w, s), 0);
		CHECK_INT(fd_drain(fd), sends[2].bytes + 2);
	}
	close(fd);
	free(memory);
	recorder_clear(&w->r);
}

static void
silent_of(struct world *w, unsigned int kind)
{
	silent_step_waits(w, kind, false);
	silent_step_waits(w, kind, true);
}

static void
silent_steps(void)
{
	each_stream(silent_of);
}

/* --- threads --- */

struct stranger {
	struct world *w;
	struct proactor_op **ops;
	size_t count;
	atomic_bool stop;
};

static void *
interfere(void *arg)
{
	struct stranger *x = arg;
	size_t i;
	int status;

	for (i = 0; !atomic_load(&x->stop); i++) {
		status = proactor_cancel(x->w->p, x->ops[i % x->count]);
		CHECK(status == 0 || status == PROACTOR_ENOENT);
	}
	return NULL;
}

/* Each step is called back once and in order whatever is cancelled. */
static void
cancelled_by_a_thread(void)
{
	struct proactor_nop_op nops[6];
	struct proactor_timer_op timer;
	struct proactor_file_write_op write_op;
	struct proactor_op *steps[8], *victims[9];
	struct proactor_sequence_op q;
	struct proactor_file *f;
	struct stranger x;
	pthread_t thread;
	struct world w;
	size_t i, turn;

	world_open(&w, NULL);
	f = file_open(&w, PROACTOR_FILE_WRITE);
	for (i = 0; i < 6; i++)
		nop_init(&nops[i], &w);
	proactor_timer_op_init(&timer, 0, record, &w.r);
	proactor_file_write_op_init(&write_op, f, 0, proactor_span("x", 1),
	    record, &w.r);
	for (i = 0; i < 6; i++)
		steps[i < 3 ? i : i + 2] = &nops[i].base;
	steps[3] = &timer.base;
	steps[4] = &write_op.base;
	proactor_sequence_op_init(&q, steps, 8, NULL, record, &w.r);
	memcpy(victims, steps, sizeof(steps));
	victims[8] = &q.base;
	x.w = &w;
	x.ops = victims;
	x.count = 9;
	atomic_init(&x.stop, false);
	thread_start(&thread, interfere, &x);
	for (turn = 0; turn < 1000; turn++) {
		timer.deadline = proactor_now() + 5000;
		CHECK_INT(proactor_submit_one(w.p, &q.base), 0);
		CHECK(poll_until(&w, &w.r.calls, 9));
		for (i = 0; i < 9; i++) {
			CHECK(w.r.seen[i].op == victims[i]);
			CHECK_INT(w.r.seen[i].status, i < q.completed ||
			    (i == 8 && q.completed == 8) ? 0 :
			    PROACTOR_ECANCELED);
		}
		recorder_clear(&w.r);
	}
	atomic_store(&x.stop, true);
	thread_join(thread);
	proactor_file_release(f);
	world_close(&w);
}

static void *
submit_elsewhere(void *arg)
{
	struct stranger *x = arg;

	CHECK_INT(proactor_submit(x->w->p, x->ops, x->count), 0);
	return NULL;
}

static void
submitted_by_a_thread(void)
{
	struct proactor_op *ops[1];
	struct stranger s;
	struct quartet x;
	pthread_t thread;
	size_t i;

	for (i = 0; i < COUNT(functions); i++) {
		quartet_open(&x, functions[i]);
		poll_barrier(&x.w);
		CHECK_INT(proactor_event_set(x.event), 0);
		ops[0] = &x.sequence.base;
		s.w = &x.w;
		s.ops = ops;
		s.count = 1;
		thread_start(&thread, submit_elsewhere, &s);
		quartet_check(&x, 4);
		thread_join(thread);
		CHECK_INT(x.calls, i == 0 ? 0 : 3);
		quartet_close(&x);
	}
}

/* --- again --- */

static void
again(void *user_data, struct proactor_op *op, int status, unsigned int flags)
{
	struct quartet *x = user_data;

	CHECK_INT(status, 0);
	CHECK_INT(flags, 0);
	if (op != &x->sequence.base)
		return;
	CHECK_INT(x->sequence.completed, 4);
	if (++x->calls == 100)
		return;
	CHECK_INT(proactor_event_set(x->event), 0);
	CHECK_INT(proactor_submit_one(x->w.p, op), 0);
}

static void
resubmitted(void)
{
	struct quartet x;
	size_t i;

	quartet_open(&x, NULL);
	x.sequence.base.callback = again;
	for (i = 0; i < 4; i++)
		x.steps[i]->callback = i % 2 == 0 ? again : NULL;
	CHECK_INT(proactor_event_set(x.event), 0);
	CHECK_INT(proactor_submit_one(x.w.p, &x.sequence.base), 0);
	CHECK(poll_until(&x.w, &x.calls, 100));
	quartet_close(&x);
}

/* A step's callback may do with it what it likes. */
struct freed {
	struct proactor_nop_op nop;
	size_t *count;
};

static void
free_step(void *user_data, struct proactor_op *op, int status,
    unsigned int flags)
{
	struct freed *freed = user_data;

	(void)flags;
	CHECK(op == &freed->nop.base);
	CHECK_INT(status, 0);
	++*freed->count;
	memset(freed, 0x55, sizeof(*freed));
	free(freed);
}

static void
steps_are_freed(void)
{
	struct proactor_op *steps[200];
	struct proactor_sequence_op q;
	struct freed *freed;
	size_t count = 0, i;
	struct world w;

	world_open(&w, NULL);
	for (i = 0; i < COUNT(steps); i++) {
		freed = malloc(sizeof(*freed));
		CHECK(freed != NULL);
		proactor_nop_op_init(&freed->nop, free_step, freed);
		freed->count = &count;
		steps[i] = &freed->nop.base;
	}
	proactor_sequence_op_init(&q, steps, COUNT(steps), NULL, record, &w.r);
	CHECK_INT(run_one(&w, &q.base), 0);
	CHECK_INT(count, COUNT(steps));
	world_close(&w);
}

/* --- the end of the proactor --- */

static void
tell(void *user_data, struct proactor_op *op)
{
	(void)op;
	++*(size_t *)user_data;
}

static void
shut_down(void)
{
	struct quartet x;
	size_t i, told;

	for (i = 0; i < 2 * COUNT(functions); i++) {
		quartet_open(&x, functions[i / 2]);
		CHECK_INT(proactor_submit_one(x.w.p, &x.sequence.base), 0);
		if (i % 2 == 0) {
			CHECK(poll_until(&x.w, &x.w.r.calls, 1));
			poll_barrier(&x.w);
			told = 0;
			CHECK_INT(proactor_shutdown_remaining(x.w.p, tell,
			    &told), functions[i / 2] == NULL ? 4 : 2);
			CHECK_INT(told, functions[i / 2] == NULL ? 4 : 2);
		}
		CHECK_INT(proactor_shutdown(x.w.p, patience()), 0);
		CHECK_INT(proactor_shutdown_remaining(x.w.p, NULL, NULL), 0);
		quartet_ended(&x, i % 2 == 0 ? 1 : 0);
		quartet_close(&x);
	}
}

/* Nested, in a chain, with what the kernel has; some of it has begun. */
static void
release_with(bool polled, proactor_step_fn step_fn)
{
	struct proactor_sequence_op inner, outer, last;
	struct proactor_nop_op nop, after;
	struct proactor_recv_op recv;
	struct proactor_send_op send;
	struct proactor_timeout_op timeout;
	struct proactor_op *inside[] = {
		&recv.base, &timeout.base, &send.base,
	};
	struct proactor_op *outside[] = { &nop.base, &inner.base };
	struct proactor_op *late[] = { &after.base };
	struct proactor_op *ops[] = { &outer.base, &last.base };
	struct proactor_op *all[] = { &recv.base, &timeout.base, &send.base,
		&nop.base, &inner.base, &after.base, &outer.base,
		&last.base };
	struct proactor_socket *s;
	struct world w;
	size_t calls, i;
	char byte;
	int fd;

	world_open(&w, NULL);
	s = half_pair(&w, PROACTOR_SOCKET_TCP, 0, &fd);
	recorder_clear(&w.r);
	recv_init(&recv, &w, s, &byte, 1);
	send_init(&send, &w, s, "x", 1);
	proactor_timeout_op_init(&timeout, PROACTOR_FOREVER - 1, record, &w.r);
	nop_init(&nop, &w);
	nop_init(&after, &w);
	proactor_sequence_op_init(&inner, inside, 3, step_fn, record, &w.r);
	proactor_sequence_op_init(&outer, outside, 2, step_fn, record, &w.r);
	proactor_sequence_op_init(&last, late, 1, step_fn, record, &w.r);
	link_up(ops, 2);
	CHECK_INT(proactor_submit(w.p, ops, 2), 0);
	if (polled)
		poll_barrier(&w);
	calls = w.r.calls;
	CHECK_INT(calls, polled ? 1 : 0);
	proactor_socket_release(s);
	proactor_release(w.p);
	CHECK_INT(w.r.calls, calls);
	CHECK_INT(fd_drain(fd), 0);
	close(fd);
	recorder_clear(&w.r);
	/* All are the caller's again: others take them. */
	world_open(&w, NULL);
	for (i = 0; i < COUNT(all); i++) {
		all[i]->flags = 0;
		all[i]->type = PROACTOR_OP_NOP;
		CHECK_INT(run_one(&w, all[i]), 0);
	}
	world_close(&w);
}

static int
whatever(void *user_data, struct proactor_sequence_op *sequence,
    size_t completed_index, struct proactor_op *next)
{
	(void)user_data;
	(void)sequence;
	(void)completed_index;
	(void)next;
	return 0;
}

static void
released(void)
{
	release_with(false, NULL);
	release_with(true, NULL);
	release_with(false, whatever);
	release_with(true, whatever);
}

const struct tap_case sequence_end_cases[] = {
	{ "sequence: cancelled before it has begun", cancelled_at_once },
	{ "sequence: cancel ends the step that waits, and the rest",
	    cancelled_in_the_middle },
	{ "sequence: cancelled in each step's callback",
	    cancelled_in_callbacks },
	{ "sequence: cancelled in the step function",
	    cancelled_in_step_function },
	{ "sequence: a step is cancelled when its turn comes",
	    step_cancelled },
	{ "sequence: cancel of what the kernel runs, by step and whole",
	    cancelled_in_kernel },
	{ "sequence: cancel and release find a step that nobody is told of",
	    silent_steps },
	{ "sequence: cancelled by another thread, once each and in order",
	    cancelled_by_a_thread },
	{ "sequence: submitted by another thread", submitted_by_a_thread },
	{ "sequence: submitted again and again, from its callback",
	    resubmitted },
	{ "sequence: a step may be freed in its callback", steps_are_freed },
	{ "sequence: shutdown ends it in order", shut_down },
	{ "sequence: release leaves all of it to the caller", released },
	{ NULL, NULL }
};
