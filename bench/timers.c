/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <stdlib.h>

#include "bench/library.h"
#include "bench/timers.h"

struct timers {
	struct proactor *p;
	struct proactor_timer_op *ops;
	uint32_t *order;
	int64_t *late;
	uint64_t completed;
	unsigned int count;
};

static void
on_timer(void *user, struct proactor_op *op, int status, unsigned int flags)
{
	struct timers *t = user;

	(void)op;
	(void)status;
	(void)flags;
	t->completed++;
}

static void
on_late_timer(void *user, struct proactor_op *op, int status,
    unsigned int flags)
{
	struct timers *t = user;

	(void)flags;
	check(status, "timer");
	t->late[t->completed++] =
	    now_ns() - ((struct proactor_timer_op *)op)->deadline;
}

static void
init(struct timers *t, struct run *run, proactor_callback callback)
{
	unsigned int i;

	t->p = library_create(run);
	t->count = run->size;
	t->ops = allocate(t->count, sizeof(*t->ops));
	t->order = timer_order(t->count);
	t->completed = 0;
	for (i = 0; i < t->count; i++)
		proactor_timer_op_init(&t->ops[i], 0, callback, t);
}

static void
fini(struct timers *t)
{
	library_release(t->p);
	free(t->ops);
	free(t->order);
}

static void
arm_all(struct timers *t)
{
	int64_t now = proactor_now();
	uint32_t seed = 1;
	unsigned int i;

	for (i = 0; i < t->count; i++) {
		t->ops[i].deadline = timer_far(now, &seed);
		check(proactor_submit_one(t->p, &t->ops[i].base),
		    "proactor_submit_one");
	}
}

static void
cancel_all(struct timers *t, bool shuffled)
{
	struct proactor_timer_op *op;
	unsigned int i;

	t->completed = 0;
	for (i = 0; i < t->count; i++) {
		op = &t->ops[shuffled ? t->order[i] : i];
		check(proactor_cancel(t->p, &op->base), "proactor_cancel");
	}
}

/* Of arming, cancelling and calling back, one is measured. */
enum part { ARM, CANCEL, CALL_BACK };

static void
begin_if(struct run *run, bool measured)
{
	if (measured)
		run_begin(run);
}

static void
end_if(struct run *run, bool measured)
{
	if (measured)
		run_end(run, run->size);
}

static void
arm_and_cancel(struct run *run, enum part part, bool shuffled)
{
	struct timers t;
	uint64_t i;

	init(&t, run, on_timer);
	for (i = 0; i < run->operations; i += run->size) {
		begin_if(run, part == ARM);
		arm_all(&t);
		end_if(run, part == ARM);
		begin_if(run, part == CANCEL);
		cancel_all(&t, shuffled);
		end_if(run, part == CANCEL);
		begin_if(run, part == CALL_BACK);
		library_until(t.p, &t.completed, t.count);
		end_if(run, part == CALL_BACK);
	}
	fini(&t);
}

void
library_timer_arm(struct run *run)
{
	arm_and_cancel(run, ARM, false);
}

void
library_timer_cancel(struct run *run)
{
	arm_and_cancel(run, CANCEL, false);
}

void
library_timer_cancel_random(struct run *run)
{
	arm_and_cancel(run, CANCEL, true);
}

void
library_timer_cancel_callback(struct run *run)
{
	arm_and_cancel(run, CALL_BACK, false);
}

/* Deadlines from start on, within spread. */
static void
arm_soon(struct timers *t, int64_t start, int64_t spread)
{
	uint32_t seed = 1;
	unsigned int i;

	for (i = 0; i < t->count; i++) {
		t->ops[i].deadline = timer_soon(start, spread, &seed);
		check(proactor_submit_one(t->p, &t->ops[i].base),
		    "proactor_submit_one");
	}
}

void
library_timer_fire(struct run *run)
{
	struct timers t;
	int64_t start;

	init(&t, run, on_timer);
	start = proactor_now() + TIMER_LEAD;
	arm_soon(&t, start, TIMER_SPREAD);
	while (proactor_now() < start + TIMER_SPREAD)
		continue;
	run_begin(run);
	library_until(t.p, &t.completed, t.count);
	run_end(run, t.count);
	fini(&t);
}

void
library_timer_lateness(struct run *run)
{
	struct timers t;

	init(&t, run, on_late_timer);
	t.late = allocate(t.count, sizeof(*t.late));
	arm_soon(&t, proactor_now() + TIMER_LEAD, TIMER_SECOND);
	run_begin(run);
	library_until(t.p, &t.completed, t.count);
	run_end(run, t.count);
	run_latencies(run, t.late, t.count);
	free(t.late);
	fini(&t);
}
