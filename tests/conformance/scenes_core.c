/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <fcntl.h>
#include <unistd.h>

#include "conformance/differential.h"

/* Scenes without bytes: timers, events, no-ops. */

static void
note_end(struct act *act, int status, unsigned int flags)
{
	CHECK_INT(flags, 0);
	note(act->scene, 0, "%u: %d", act->number, status);
}

/* --- timers --- */

#define TIMERS	16

struct timers {
	struct act acts[TIMERS];
	unsigned int count, calls;
	bool in_time;		/* none was due when the last was armed */
	int64_t deadline;	/* of the last that was called back */
	unsigned int next;	/* ... and the number after it */
};

/* Never early; in the order of deadlines, equal ones as submitted. */
static void
timer_called(struct act *act, int status, unsigned int flags)
{
	struct timers *t = act->scene->state;
	int64_t deadline = act->op.timer.deadline;

	CHECK_INT(flags, 0);
	t->calls++;
	if (status != 0) {
		note(act->scene, act->number % 2 + 1, "%u: %d", act->number,
		    status);
		return;
	}
	CHECK(proactor_now() >= deadline);
	if (t->in_time) {
		CHECK(t->deadline <= deadline);
		CHECK(t->deadline < deadline || t->next <= act->number);
	}
	t->deadline = deadline;
	t->next = act->number + 1;
}

static void
timer_begin(struct scene *scene)
{
	struct timers *t = scene->state;
	int64_t base = proactor_deadline_after(300000);
	struct act *act;
	unsigned int i;

	t->count = 1 + pick(scene, TIMERS);
	for (i = 0; i < t->count; i++) {
		act = &t->acts[i];
		act_init(act, scene, i, timer_called);
		proactor_timer_op_init(&act->op.timer, base +
		    INT64_C(100000) * pick(scene, 5), called_back, act);
		if (pick(scene, 5) == 0)
			act->op.timer.deadline = PROACTOR_FOREVER;
		act_submit(act);
	}
	t->in_time = proactor_now() < base;
	for (i = 0; i < t->count; i++)
		if (t->acts[i].op.timer.deadline == PROACTOR_FOREVER)
			CHECK_INT(proactor_cancel(scene->w->p,
			    &t->acts[i].op.base), 0);
}

static void
timer_end(struct scene *scene)
{
	struct timers *t = scene->state;

	note(scene, 0, "%u of %u", t->calls, t->count);
}

const struct scene_kind timer_scene = {
	"timers", sizeof(struct timers), timer_begin, timer_end
};

/* --- events: one set, one waiter, the first --- */

#define WAITERS	6

struct events {
	struct proactor_event *event;
	struct act waits[WAITERS];
	unsigned int count, sets, done;
};

static void
event_called(struct act *act, int status, unsigned int flags)
{
	struct events *e = act->scene->state;
	unsigned int i;

	note_end(act, status, flags);
	e->done++;
	if (status == 0 && e->done < e->sets)
		CHECK_INT(proactor_event_set(e->event), 0);
	else if (status == 0)
		for (i = e->done; i < e->count; i++)
			CHECK_INT(proactor_cancel(act->scene->w->p,
			    &e->waits[i].op.base), 0);
}

static void
event_begin(struct scene *scene)
{
	struct events *e = scene->state;
	unsigned int i;
	bool early = pick(scene, 2) != 0;

	e->count = 1 + pick(scene, WAITERS);
	e->sets = 1 + pick(scene, e->count);
	CHECK_INT(proactor_event_create(scene->w->p, &e->event), 0);
	/* Two before anybody looks are one. */
	if (early) {
		CHECK_INT(proactor_event_set(e->event), 0);
		CHECK_INT(proactor_event_set(e->event), 0);
	}
	for (i = 0; i < e->count; i++) {
		act_init(&e->waits[i], scene, i, event_called);
		proactor_event_wait_op_init(&e->waits[i].op.wait, e->event,
		    called_back, &e->waits[i]);
		act_submit(&e->waits[i]);
	}
	if (!early) {
		maybe_poll(scene);
		CHECK_INT(proactor_event_set(e->event), 0);
	}
}

static void
event_end(struct scene *scene)
{
	proactor_event_release(((struct events *)scene->state)->event);
}

const struct scene_kind event_scene = {
	"events", sizeof(struct events), event_begin, event_end
};

/* --- no-ops, and handles that are ready --- */

#define NOPS	12

struct nops {
	struct act acts[NOPS];
	struct act polls[2];
	bool again[NOPS];
	int fds[2];
};

static void
nop_called(struct act *act, int status, unsigned int flags)
{
	struct nops *n = act->scene->state;

	note_end(act, status, flags);
	if (n->again[act->number]) {
		n->again[act->number] = false;
		act_submit(act);
	}
}

static void
nop_polled(struct act *act, int status, unsigned int flags)
{
	CHECK_INT(flags, 0);
	note(act->scene, 1 + act->number, "poll: %d, fired %u", status,
	    act->op.poll.fired);
}

static void
begin_poll(struct scene *scene, unsigned int end, unsigned int wanted)
{
	struct nops *n = scene->state;
	struct act *act = &n->polls[end];

	act_init(act, scene, end, nop_polled);
	proactor_handle_poll_op_init(&act->op.poll,
	    proactor_handle_fd(n->fds[end]), wanted, called_back, act);
	act_submit(act);
}

static void
nop_begin(struct scene *scene)
{
	struct nops *n = scene->state;
	unsigned int i, count = 1 + pick(scene, NOPS);
	struct act *batch[NOPS];

	CHECK_INT(pipe(n->fds), 0);
	begin_poll(scene, 0, PROACTOR_POLL_IN);
	for (i = 0; i < count; i++) {
		batch[i] = &n->acts[i];
		n->again[i] = pick(scene, 4) == 0;
		act_init(batch[i], scene, i, nop_called);
		proactor_nop_op_init(&batch[i]->op.nop, called_back, batch[i]);
	}
	act_submit_all(batch, count);
	maybe_poll(scene);
	begin_poll(scene, 1, PROACTOR_POLL_OUT);
	CHECK_INT(write(n->fds[1], "x", 1), 1);
}

static void
nop_end(struct scene *scene)
{
	close_fds(((struct nops *)scene->state)->fds);
}

const struct scene_kind nop_scene = {
	"no-ops", sizeof(struct nops), nop_begin, nop_end
};
