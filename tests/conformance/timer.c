/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <stdlib.h>

#include "conformance/conformance.h"

/* Timers: never early, in order, any number, cancelled at any moment. */

#define MICROSECOND	INT64_C(1000)
#define MILLISECOND	INT64_C(1000000)
#define YEAR		(INT64_C(31556952) * 1000 * MILLISECOND)

/* A small generator, so that every run does the same. */
static uint32_t
next_random(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

/* What fire() keeps of many timers. */
struct clock {
	size_t calls;
	size_t fired;
	size_t cancelled;
	int64_t last;		/* deadline of the last that fired */
};

static void
fire(void *user_data, struct proactor_op *op, int status, unsigned int flags)
{
	struct proactor_timer_op *timer = (struct proactor_timer_op *)op;
	struct clock *c = user_data;

	CHECK_INT(flags, 0);
	c->calls++;
	if (status == PROACTOR_ECANCELED) {
		c->cancelled++;
		return;
	}
	CHECK_INT(status, 0);
	CHECK(proactor_now() >= timer->deadline);
	CHECK(timer->deadline >= c->last);
	c->last = timer->deadline;
	c->fired++;
}

static void
arm(struct world *w, struct proactor_timer_op *timer, int64_t deadline)
{
	proactor_timer_op_init(timer, deadline, record, &w->r);
	CHECK_INT(proactor_submit_one(w->p, &timer->base), 0);
}

static void
never_early(void)
{
	struct world w;
	struct proactor_timer_op timer;
	struct clock c = { .last = INT64_MIN };
	uint32_t random = 1;
	size_t i;

	world_open(&w, NULL);
	for (i = 1; i <= 100; i++) {
		proactor_timer_op_init(&timer, proactor_now() +
		    next_random(&random) % (2 * MILLISECOND), fire, &c);
		CHECK_INT(proactor_submit_one(w.p, &timer.base), 0);
		CHECK(poll_until(&w, &c.fired, i));
	}
	CHECK_INT(c.calls, 100);
	world_close(&w);
}

static void
past_fires_next_poll(void)
{
	static const int64_t past[] = { 0, 1, -1, INT64_MIN };
	struct world w;
	struct proactor_timer_op timer;
	size_t completed, i;

	world_open(&w, NULL);
	for (i = 0; i < COUNT(past); i++) {
		arm(&w, &timer, past[i]);
		CHECK_INT(w.r.calls, i);
		CHECK_INT(proactor_poll(w.p, PROACTOR_IMMEDIATE, &completed),
		    0);
		CHECK_INT(completed, 1);
		CHECK_INT(w.r.calls, i + 1);
		CHECK_INT(status_of(&w.r, &timer), 0);
		CHECK_INT(timer.deadline, past[i]);
	}
	world_close(&w);
}

static void
equal_in_submission_order(void)
{
	static struct proactor_timer_op timers[1000];
	struct world w;
	int64_t deadline;
	size_t i, round;

	world_open(&w, NULL);
	for (round = 0; round < 3; round++) {
		deadline = round == 2 ? 1 :
		    proactor_deadline_after(5 * MILLISECOND);
		for (i = 0; i < COUNT(timers); i++)
			arm(&w, &timers[i], deadline);
		CHECK(poll_until(&w, &w.r.finals, COUNT(timers)));
		for (i = 0; i < COUNT(timers); i++)
			CHECK(w.r.seen[i].op == &timers[i].base);
		recorder_clear(&w.r);
	}
	world_close(&w);
}

/* Whatever part of a timer structure deadlines fall into. */
static void
in_order_of_deadlines(void)
{
	static struct proactor_timer_op timers[500];
	struct world w;
	struct clock c = { .last = INT64_MIN };
	uint32_t random = 99;
	int64_t start;
	size_t i;

	world_open(&w, NULL);
	start = proactor_deadline_after(20 * MILLISECOND);
	for (i = 0; i < COUNT(timers); i++) {
		proactor_timer_op_init(&timers[i], start +
		    (next_random(&random) >> (8 + i % 16)) * INT64_C(10),
		    fire, &c);
		CHECK_INT(proactor_submit_one(w.p, &timers[i].base), 0);
	}
	CHECK(poll_until(&w, &c.fired, COUNT(timers)));
	CHECK_INT(c.calls, COUNT(timers));
	world_close(&w);
}

static void
far_future(void)
{
	static const int64_t ahead[] = { PROACTOR_FOREVER,
		PROACTOR_FOREVER - 1, PROACTOR_FOREVER / 2, 290 * YEAR,
		100 * YEAR, YEAR, YEAR / 365, 3600000 * MILLISECOND };
	struct proactor_timer_op timers[COUNT(ahead)], soon;
	struct world w;
	size_t i;

	world_open(&w, NULL);
	for (i = 0; i < COUNT(ahead); i++)
		arm(&w, &timers[i], i < 3 ? ahead[i] :
		    proactor_deadline_after(ahead[i]));
	CHECK(poll_quiet(&w));
	arm(&w, &soon, proactor_deadline_after(MILLISECOND));
	CHECK(poll_until(&w, &w.r.finals, 1));
	CHECK_INT(status_of(&w.r, &soon), 0);
	for (i = 0; i < COUNT(ahead); i++)
		CHECK_INT(proactor_cancel(w.p, &timers[i].base), 0);
	CHECK(poll_until(&w, &w.r.finals, 1 + COUNT(ahead)));
	for (i = 0; i < COUNT(ahead); i++) {
		CHECK_INT(finals_of(&w.r, &timers[i]), 1);
		CHECK_INT(status_of(&w.r, &timers[i]), PROACTOR_ECANCELED);
	}
	world_close(&w);
}

#define MANY	200000

static void
many_fire(void)
{
	struct proactor_timer_op *timers;
	struct world w;
	struct clock c = { .last = INT64_MIN };
	uint32_t random = 7;
	int64_t start;
	size_t i;

	timers = calloc(MANY, sizeof(*timers));
	CHECK(timers != NULL);
	world_open(&w, NULL);
	poll_barrier(&w);
	start = proactor_deadline_after(150 * MILLISECOND);
	for (i = 0; i < MANY; i++) {
		proactor_timer_op_init(&timers[i], start +
		    next_random(&random) % (100 * MILLISECOND), fire, &c);
		CHECK_INT(proactor_submit_one(w.p, &timers[i].base), 0);
	}
	CHECK(poll_until(&w, &c.fired, MANY));
	CHECK_INT(c.calls, MANY);
	world_close(&w);
	free(timers);
}

static void
many_cancelled(void)
{
	struct proactor_timer_op *timers;
	struct world w;
	struct clock c = { .last = INT64_MIN };
	uint32_t random = 3;
	size_t i;

	timers = calloc(MANY, sizeof(*timers));
	CHECK(timers != NULL);
	world_open(&w, NULL);
	poll_barrier(&w);
	for (i = 0; i < MANY; i++) {
		proactor_timer_op_init(&timers[i], proactor_deadline_after(
		    YEAR / 1000 + next_random(&random) * INT64_C(10000)),
		    fire, &c);
		CHECK_INT(proactor_submit_one(w.p, &timers[i].base), 0);
	}
	CHECK_INT(proactor_poll(w.p, PROACTOR_IMMEDIATE, NULL),
	    PROACTOR_ETIMEDOUT);
	/* Not in the order of arming, nor all in one pass. */
	for (i = 0; i < MANY; i += 2)
		CHECK_INT(proactor_cancel(w.p, &timers[i].base), 0);
	CHECK(poll_until(&w, &c.cancelled, MANY / 2));
	for (i = MANY; i > 0; i--)
		CHECK_INT(proactor_cancel(w.p, &timers[i - 1].base),
		    i % 2 == 1 ? PROACTOR_ENOENT : 0);
	CHECK(poll_until(&w, &c.cancelled, MANY));
	CHECK_INT(c.calls, MANY);
	world_close(&w);
	free(timers);
}

/* --- cancel --- */

static void
cancel_armed(void)
{
	struct world w;
	struct proactor_timer_op timer;
	size_t i;

	world_open(&w, NULL);
	for (i = 1; i <= 3; i++) {
		arm(&w, &timer, proactor_deadline_after(YEAR));
		/* Before the first poll, then after it, then seen by poll. */
		if (i == 3)
			CHECK(poll_quiet(&w));
		CHECK_INT(proactor_cancel(w.p, &timer.base), 0);
		CHECK_INT(w.r.calls, i - 1);
		CHECK(poll_until(&w, &w.r.finals, i));
		CHECK_INT(status_of(&w.r, &timer), PROACTOR_ECANCELED);
		CHECK_INT(proactor_cancel(w.p, &timer.base), PROACTOR_ENOENT);
	}
	CHECK(poll_quiet(&w));
	CHECK_INT(w.r.calls, 3);
	world_close(&w);
}

/* Due, but poll has not looked: either outcome, one callback. */
static void
cancel_due(void)
{
	struct world w;
	struct proactor_timer_op timer;
	int64_t deadline;
	size_t i;
	int status;

	world_open(&w, NULL);
	for (i = 1; i <= 20; i++) {
		deadline = proactor_deadline_after(100 * MICROSECOND);
		arm(&w, &timer, deadline);
		if (i % 2 == 0)
			(void)proactor_poll(w.p, PROACTOR_IMMEDIATE, NULL);
		while (proactor_now() <= deadline)
			continue;
		if (w.r.finals < i)
			CHECK_INT(proactor_cancel(w.p, &timer.base), 0);
		CHECK(poll_until(&w, &w.r.finals, i));
		status = status_of(&w.r, &timer);
		CHECK(status == 0 || status == PROACTOR_ECANCELED);
	}
	CHECK(poll_quiet(&w));
	CHECK_INT(w.r.calls, 20);
	world_close(&w);
}

struct canceller {
	struct recorder r;
	struct proactor *p;
	struct proactor_op *victims[2];
	int seen[2];
};

static void
cancel_others(void *user_data, struct proactor_op *op, int status,
    unsigned int flags)
{
	struct canceller *c = user_data;

	/* Itself has ended with this callback. */
	CHECK_INT(proactor_cancel(c->p, op), PROACTOR_ENOENT);
	c->seen[0] = proactor_cancel(c->p, c->victims[0]);
	c->seen[1] = proactor_cancel(c->p, c->victims[1]);
	record(&c->r, op, status, flags);
}

/* One victim is due in the same pass, the other one is not. */
static void
cancel_from_callback(void)
{
	struct world w;
	struct canceller c = {0};
	struct proactor_timer_op first, due, armed;
	size_t i;
	int status;

	world_open(&w, NULL);
	c.p = w.p;
	for (i = 0; i < 2; i++) {
		proactor_timer_op_init(&first, 1, cancel_others, &c);
		proactor_timer_op_init(&due, 2, record, &c.r);
		proactor_timer_op_init(&armed, PROACTOR_FOREVER, record, &c.r);
		c.victims[0] = &due.base;
		c.victims[1] = &armed.base;
		CHECK_INT(proactor_submit_one(w.p, &armed.base), 0);
		CHECK_INT(proactor_submit_one(w.p, &first.base), 0);
		CHECK_INT(proactor_submit_one(w.p, &due.base), 0);
		CHECK(poll_until(&w, &c.r.finals, 3));
		CHECK_INT(c.seen[0], 0);
		CHECK_INT(c.seen[1], 0);
		CHECK_INT(status_of(&c.r, &first), 0);
		CHECK_INT(status_of(&c.r, &armed), PROACTOR_ECANCELED);
		status = status_of(&c.r, &due);
		CHECK(status == 0 || status == PROACTOR_ECANCELED);
		CHECK(place_of(&c.r, &first) < place_of(&c.r, &due));
		CHECK(poll_quiet(&w));
		CHECK_INT(c.r.calls, 3);
		recorder_clear(&c.r);
	}
	world_close(&w);
}

static void *
cancel_elsewhere(void *arg)
{
	struct canceller *c = arg;

	c->seen[0] = proactor_cancel(c->p, c->victims[0]);
	return NULL;
}

static void
cancel_from_thread(void)
{
	struct world w;
	struct canceller c = {0};
	struct proactor_timer_op timer;
	pthread_t thread;
	size_t i;

	world_open(&w, NULL);
	c.p = w.p;
	for (i = 1; i <= 20; i++) {
		arm(&w, &timer, PROACTOR_FOREVER);
		if (i % 2 == 0)
			CHECK_INT(proactor_poll(w.p, PROACTOR_IMMEDIATE,
			    NULL), PROACTOR_ETIMEDOUT);
		c.victims[0] = &timer.base;
		c.seen[0] = 1;
		thread_start(&thread, cancel_elsewhere, &c);
		CHECK(poll_until(&w, &w.r.finals, i));
		thread_join(thread);
		CHECK_INT(c.seen[0], 0);
		CHECK_INT(status_of(&w.r, &timer), PROACTOR_ECANCELED);
	}
	CHECK_INT(w.r.calls, 20);
	world_close(&w);
}

/* --- again --- */

struct period {
	struct proactor *p;
	size_t fired;
	size_t times;
	int64_t step;
};

static void
tick(void *user_data, struct proactor_op *op, int status, unsigned int flags)
{
	struct proactor_timer_op *timer = (struct proactor_timer_op *)op;
	struct period *period = user_data;

	CHECK_INT(status, 0);
	CHECK_INT(flags, 0);
	CHECK(proactor_now() >= timer->deadline);
	if (++period->fired == period->times)
		return;
	timer->deadline += period->step;
	CHECK_INT(proactor_submit_one(period->p, op), 0);
}

static void
rearmed_in_callback(void)
{
	struct period period = { .times = 50, .step = 300 * MICROSECOND };
	struct proactor_timer_op timer;
	struct world w;
	int64_t start;

	world_open(&w, NULL);
	period.p = w.p;
	start = proactor_now();
	proactor_timer_op_init(&timer, start, tick, &period);
	CHECK_INT(proactor_submit_one(w.p, &timer.base), 0);
	CHECK(poll_until(&w, &period.fired, 50));
	CHECK(proactor_now() >= start + 49 * period.step);
	CHECK_INT(timer.deadline, start + 49 * period.step);
	world_close(&w);
}

static void
reused_as_it_is(void)
{
	struct world w;
	struct proactor_timer_op timer;
	size_t i;

	world_open(&w, NULL);
	proactor_timer_op_init(&timer, 1, record, &w.r);
	for (i = 1; i <= 10; i++) {
		CHECK_INT(run_one(&w, &timer.base), 0);
		CHECK_INT(finals_of(&w.r, &timer), i);
	}
	timer.deadline = proactor_deadline_after(MILLISECOND);
	CHECK_INT(run_one(&w, &timer.base), 0);
	CHECK(proactor_now() >= timer.deadline);
	timer.deadline = PROACTOR_FOREVER;
	CHECK_INT(proactor_submit_one(w.p, &timer.base), 0);
	CHECK(poll_quiet(&w));
	CHECK_INT(proactor_cancel(w.p, &timer.base), 0);
	CHECK(poll_until(&w, &w.r.finals, 12));
	CHECK_INT(status_of(&w.r, &timer), PROACTOR_ECANCELED);
	timer.deadline = 1;
	CHECK_INT(run_one(&w, &timer.base), 0);
	world_close(&w);
}

static void
resubmit_cancelled(void *user_data, struct proactor_op *op, int status,
    unsigned int flags)
{
	struct canceller *c = user_data;

	record(&c->r, op, status, flags);
	if (c->r.finals < 5) {
		CHECK_INT(status, PROACTOR_ECANCELED);
		CHECK_INT(proactor_submit_one(c->p, op), 0);
		CHECK_INT(proactor_cancel(c->p, op), 0);
	}
}

static void
cancelled_again_in_callback(void)
{
	struct world w;
	struct canceller c = {0};
	struct proactor_timer_op timer;

	world_open(&w, NULL);
	c.p = w.p;
	proactor_timer_op_init(&timer, PROACTOR_FOREVER, resubmit_cancelled,
	    &c);
	CHECK_INT(proactor_submit_one(w.p, &timer.base), 0);
	CHECK_INT(proactor_cancel(w.p, &timer.base), 0);
	CHECK(poll_until(&w, &c.r.finals, 5));
	CHECK(poll_quiet(&w));
	CHECK_INT(c.r.calls, 5);
	recorder_clear(&c.r);
	world_close(&w);
}

/* --- while poll sleeps --- */

struct latecomer {
	struct world w;
	struct proactor_timer_op timer;
};

static void *
arm_elsewhere(void *arg)
{
	struct latecomer *l = arg;

	arm(&l->w, &l->timer, proactor_deadline_after(MILLISECOND));
	return NULL;
}

static void
earlier_from_thread(void)
{
	struct latecomer l;
	struct proactor_timer_op late;
	pthread_t thread;

	world_open(&l.w, NULL);
	arm(&l.w, &late, proactor_deadline_after(YEAR));
	CHECK_INT(proactor_poll(l.w.p, PROACTOR_IMMEDIATE, NULL),
	    PROACTOR_ETIMEDOUT);
	thread_start(&thread, arm_elsewhere, &l);
	CHECK(poll_until(&l.w, &l.w.r.finals, 1));
	thread_join(thread);
	CHECK_INT(status_of(&l.w.r, &l.timer), 0);
	CHECK_INT(proactor_cancel(l.w.p, &late.base), 0);
	CHECK(poll_until(&l.w, &l.w.r.finals, 2));
	world_close(&l.w);
}

/* The poll's own deadline before, at and after that of the timer. */
static void
beside_poll_deadline(void)
{
	struct world w;
	struct proactor_timer_op timer;
	int64_t deadline;

	world_open(&w, NULL);
	arm(&w, &timer, proactor_deadline_after(YEAR));
	deadline = proactor_deadline_after(MILLISECOND);
	CHECK_INT(proactor_poll(w.p, deadline, NULL), PROACTOR_ETIMEDOUT);
	CHECK(proactor_now() >= deadline);
	CHECK_INT(w.r.calls, 0);
	CHECK_INT(proactor_cancel(w.p, &timer.base), 0);
	CHECK(poll_until(&w, &w.r.finals, 1));
	deadline = proactor_deadline_after(2 * MILLISECOND);
	arm(&w, &timer, deadline);
	CHECK_INT(proactor_poll(w.p, deadline, NULL), 0);
	CHECK_INT(w.r.calls, 2);
	world_close(&w);
}

const struct tap_case timer_cases[] = {
	{ "timer: never fires early", never_early },
	{ "timer: a deadline in the past fires in the next poll",
	    past_fires_next_poll },
	{ "timer: equal deadlines fire in submission order",
	    equal_in_submission_order },
	{ "timer: different deadlines fire in their order",
	    in_order_of_deadlines },
	{ "timer: the far future stays there until it is cancelled",
	    far_future },
	{ "timer: 200,000 fire in order and never early", many_fire },
	{ "timer: 200,000 are cancelled, each once", many_cancelled },
	{ "timer: cancel of an armed one is ECANCELED", cancel_armed },
	{ "timer: cancel of one that is due has one callback", cancel_due },
	{ "timer: a callback may cancel those due with it",
	    cancel_from_callback },
	{ "timer: any thread may cancel", cancel_from_thread },
	{ "timer: may be armed again in its callback",
	    rearmed_in_callback },
	{ "timer: may be submitted again as it is", reused_as_it_is },
	{ "timer: resubmitted and cancelled in its callback, each once",
	    cancelled_again_in_callback },
	{ "timer: an earlier one from a thread shortens the sleep",
	    earlier_from_thread },
	{ "timer: fires in a poll whose deadline is its own",
	    beside_poll_deadline },
	{ NULL, NULL }
};
