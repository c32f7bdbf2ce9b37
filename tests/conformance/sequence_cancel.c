/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <stdlib.h>
#include <unistd.h>

#include "conformance/sequence_quartet.h"

/* Sequences that are cancelled, and what of them has begun by then. */

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

const struct tap_case sequence_cancel_cases[] = {
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
	{ NULL, NULL }
};
