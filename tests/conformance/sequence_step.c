/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <string.h>
#include <unistd.h>

#include "conformance/sequence.h"

/* Sequences that a step or the step function ends, or changes. */

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

const struct tap_case sequence_step_cases[] = {
	{ "sequence: the first failure skips the rest and is its status",
	    failures },
	{ "sequence: the step function makes the next step of the last",
	    steps_are_changed },
	{ "sequence: the step function may end it", ended_by_function },
	{ "sequence: a step is refused when its turn comes, or at the submit",
	    bad_when_its_turn_comes },
	{ NULL, NULL }
};
