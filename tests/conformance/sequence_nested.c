/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "conformance/sequence.h"

/* Sequences in batches, in chains, in one another, and with timeouts. */

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

const struct tap_case sequence_nested_cases[] = {
	{ "sequence: several in a batch, and in a chain", in_a_batch },
	{ "sequence: skipped by a failure before it in a chain", in_a_chain },
	{ "sequence: in one another, cancelled from above and below",
	    nested },
	{ "sequence: too deep, or in itself, it is refused",
	    nested_too_deep },
	{ "sequence: steps with timeouts, and a timeout of the whole",
	    with_timeouts },
	{ NULL, NULL }
};
