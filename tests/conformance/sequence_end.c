/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conformance/sequence_quartet.h"

/* Sequences of other threads, those that come again, shutdown and release. */

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
