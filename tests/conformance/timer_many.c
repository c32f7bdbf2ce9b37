/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "conformance/conformance.h"

/* Timers cancelled among thousands, and what comes right after. */

#define SECOND	INT64_C(1000000000)
#define MANY	20000

struct crowd {
	struct world w;
	struct proactor_timer_op *timers;
	size_t cancelled;
	size_t victims;		/* that are cancelled next */
};

static void
was_cancelled(void *user_data, struct proactor_op *op, int status,
    unsigned int flags)
{
	struct crowd *c = user_data;

	(void)op;
	CHECK_INT(status, PROACTOR_ECANCELED);
	CHECK_INT(flags, 0);
	c->cancelled++;
}

static struct proactor_op *
of(struct crowd *c, size_t i)
{
	return &c->timers[i % MANY].base;
}

/* All are armed, an hour ahead and more. */
static void
crowd_open(struct crowd *c, const struct proactor_options *o)
{
	int64_t far = proactor_deadline_after(3600 * SECOND);
	size_t i;

	c->timers = calloc(MANY, sizeof(*c->timers));
	CHECK(c->timers != NULL);
	c->cancelled = c->victims = 0;
	world_open(&c->w, o);
	poll_barrier(&c->w);
	for (i = 0; i < MANY; i++) {
		proactor_timer_op_init(&c->timers[i],
		    far + (int64_t)(i % 7) * SECOND / 10, was_cancelled, c);
		CHECK_INT(proactor_submit_one(c->w.p, of(c, i)), 0);
	}
	CHECK_INT(proactor_poll(c->w.p, PROACTOR_IMMEDIATE, NULL),
	    PROACTOR_ETIMEDOUT);
	recorder_clear(&c->w.r);
}

/* Orderly: each has had one callback then. */
static void
crowd_close(struct crowd *c)
{
	world_close(&c->w);
	CHECK_INT(c->cancelled, MANY);
	free(c->timers);
}

static void
next_poll_calls_back(void)
{
	static const int64_t deadlines[] = {
		PROACTOR_IMMEDIATE, PROACTOR_FOREVER, 1, INT64_MIN
	};
	struct crowd c;
	size_t completed, count, i, j, next = 0;

	crowd_open(&c, NULL);
	for (i = 0; i < 400; i++) {
		/* Alone, a few, more. */
		count = i % 4 == 3 ? 40 : 1 + i % 4;
		for (j = 0; j < count; j++)
			CHECK_INT(proactor_cancel(c.w.p, of(&c, next + j)), 0);
		/* It is on its way; and there is no second time. */
		CHECK_INT(proactor_cancel(c.w.p, of(&c, next)), 0);
		CHECK_INT(proactor_submit_one(c.w.p, of(&c, next)),
		    PROACTOR_EBUSY);
		CHECK_INT(c.cancelled, next);
		if (i % 5 == 0)
			CHECK_INT(proactor_wake(c.w.p), 0);
		CHECK_INT(proactor_poll(c.w.p, deadlines[i % 3 + i / 3 % 2],
		    &completed), 0);
		CHECK_INT(completed, count);
		next += count;
		CHECK_INT(c.cancelled, next);
		CHECK_INT(proactor_cancel(c.w.p, of(&c, next - 1)),
		    PROACTOR_ENOENT);
		CHECK_INT(proactor_poll(c.w.p, PROACTOR_IMMEDIATE, NULL),
		    PROACTOR_ETIMEDOUT);
	}
	crowd_close(&c);
}

/* With something that is ready, and something that is due. */
static void
with_others(void)
{
	struct crowd c;
	struct proactor_nop_op nop;
	struct proactor_timer_op due;
	size_t i;

	crowd_open(&c, NULL);
	for (i = 0; i < 100; i++) {
		proactor_nop_op_init(&nop, record, &c.w.r);
		proactor_timer_op_init(&due, 1, record, &c.w.r);
		if (i % 2 == 0)
			CHECK_INT(proactor_submit_one(c.w.p, &nop.base), 0);
		CHECK_INT(proactor_cancel(c.w.p, of(&c, i)), 0);
		if (i % 3 == 0)
			CHECK_INT(proactor_submit_one(c.w.p, &due.base), 0);
		CHECK_INT(proactor_poll(c.w.p, PROACTOR_IMMEDIATE, NULL), 0);
		CHECK_INT(c.cancelled, i + 1);
		CHECK_INT(c.w.r.finals, (i % 2 == 0) + (i % 3 == 0));
		recorder_clear(&c.w.r);
	}
	crowd_close(&c);
}

static void
was_third(void *user_data, struct proactor_op *op, int status,
    unsigned int flags)
{
	struct crowd *c = user_data;

	(void)op;
	CHECK_INT(status, PROACTOR_ECANCELED);
	CHECK_INT(flags, 0);
	CHECK_INT(c->cancelled, 2);
	c->w.r.calls++;
}

/* One that is due among those that are not. */
static void
in_their_order(void)
{
	struct proactor_timer_op due;
	struct crowd c;
	size_t completed;

	crowd_open(&c, NULL);
	proactor_timer_op_init(&due, 1, was_third, &c);
	CHECK_INT(proactor_submit_one(c.w.p, &due.base), 0);
	CHECK_INT(proactor_cancel(c.w.p, of(&c, 0)), 0);
	CHECK_INT(proactor_cancel(c.w.p, of(&c, 1)), 0);
	CHECK_INT(proactor_cancel(c.w.p, &due.base), 0);
	CHECK_INT(proactor_cancel(c.w.p, of(&c, 2)), 0);
	CHECK_INT(proactor_poll(c.w.p, PROACTOR_IMMEDIATE, &completed), 0);
	CHECK_INT(completed, 4);
	CHECK_INT(c.w.r.calls, 1);
	c.w.r.calls = 0;
	crowd_close(&c);
}

static void
cancel_victims(void *user_data, struct proactor_op *op, int status,
    unsigned int flags)
{
	struct crowd *c = user_data;
	size_t i, before = c->cancelled;

	(void)op;
	CHECK_INT(status, 0);
	CHECK_INT(flags, 0);
	for (i = 0; i < c->victims; i++)
		CHECK_INT(proactor_cancel(c->w.p, of(c, (before + i) * 7)), 0);
	CHECK_INT(c->cancelled, before);
}

/* A callback cancels some, then all of the others; something follows it. */
static void
in_a_callback(void)
{
	struct crowd c;
	struct proactor_timer_op due;
	struct proactor_nop_op ready, nop;
	struct proactor_op *batch[] = { &ready.base, &nop.base };
	size_t after, completed, i;

	crowd_open(&c, NULL);
	proactor_timer_op_init(&due, 1, cancel_victims, &c);
	proactor_nop_op_init(&ready, cancel_victims, &c);
	due.base.flags = ready.base.flags = PROACTOR_OP_LINKED;
	proactor_nop_op_init(&nop, record, &c.w.r);
	for (i = 0; i < 10; i++) {
		c.victims = i < 9 ? i + 1 : MANY - c.cancelled;
		after = c.cancelled + c.victims;
		CHECK_INT(proactor_poll(c.w.p, PROACTOR_IMMEDIATE, NULL),
		    PROACTOR_ETIMEDOUT);
		batch[0] = i % 2 == 0 ? &ready.base : &due.base;
		CHECK_INT(proactor_submit(c.w.p, batch, 2), 0);
		CHECK(poll_until(&c.w, &c.w.r.finals, i + 1));
		while (c.cancelled < after) {
			CHECK_INT(proactor_poll(c.w.p, PROACTOR_FOREVER,
			    &completed), 0);
			CHECK(completed > 0);
		}
		CHECK_INT(c.cancelled, after);
	}
	CHECK_INT(proactor_poll(c.w.p, PROACTOR_IMMEDIATE, NULL),
	    PROACTOR_ETIMEDOUT);
	recorder_clear(&c.w.r);
	crowd_close(&c);
}

/* The callback arms it again, and cancels its neighbour. */
static void
rearm(void *user_data, struct proactor_op *op, int status, unsigned int flags)
{
	struct crowd *c = user_data;

	CHECK_INT(status, PROACTOR_ECANCELED);
	CHECK_INT(flags, 0);
	op->callback = was_cancelled;
	CHECK_INT(proactor_submit_one(c->w.p, op), 0);
	CHECK_INT(proactor_cancel(c->w.p, of(c, (size_t)(
	    (struct proactor_timer_op *)op - c->timers) + 7)), 0);
	c->w.r.calls++;
}

static void
armed_again(void)
{
	struct crowd c;
	size_t i;

	crowd_open(&c, NULL);
	for (i = 0; i < MANY; i += 14) {
		c.timers[i].base.callback = rearm;
		CHECK_INT(proactor_cancel(c.w.p, of(&c, i)), 0);
	}
	CHECK(poll_until(&c.w, &c.w.r.calls, (MANY + 13) / 14));
	CHECK(poll_until(&c.w, &c.cancelled, (MANY + 13) / 14));
	CHECK_INT(proactor_poll(c.w.p, PROACTOR_IMMEDIATE, NULL),
	    PROACTOR_ETIMEDOUT);
	c.w.r.calls = 0;
	crowd_close(&c);
}

/* The rest of a chain, a timeout whose deadline has passed too. */
static void
in_a_chain(void)
{
	struct crowd c;
	struct proactor_timer_op timer;
	struct proactor_timeout_op timeout;
	struct proactor_nop_op nop;
	struct proactor_op *batch[] = { &timer.base, &timeout.base,
		&nop.base };
	int64_t soon;
	size_t i;

	crowd_open(&c, NULL);
	for (i = 0; i < 20; i++) {
		soon = proactor_now() + (i % 2 == 0 ? 3600 * SECOND :
		    SECOND / 1000);
		proactor_timer_op_init(&timer, c.timers[i].deadline, record,
		    &c.w.r);
		timer.base.flags = PROACTOR_OP_LINKED;
		proactor_timeout_op_init(&timeout, soon, record, &c.w.r);
		timeout.base.flags = PROACTOR_OP_LINKED;
		proactor_nop_op_init(&nop, record, &c.w.r);
		CHECK_INT(proactor_submit(c.w.p, batch, COUNT(batch)), 0);
		CHECK_INT(proactor_cancel(c.w.p, &timer.base), 0);
		while (i % 2 == 1 && proactor_now() <= soon)
			continue;
		CHECK(poll_until(&c.w, &c.w.r.finals, COUNT(batch)));
		CHECK_INT(c.w.r.calls, COUNT(batch));
		CHECK_INT(status_of(&c.w.r, &timer), PROACTOR_ECANCELED);
		CHECK_INT(status_of(&c.w.r, &timeout), PROACTOR_ECANCELED);
		CHECK_INT(status_of(&c.w.r, &nop), PROACTOR_ECANCELED);
		recorder_clear(&c.w.r);
	}
	crowd_close(&c);
}

static void
before_shutdown(void)
{
	struct crowd c;
	size_t i, count;

	for (count = 1; count <= MANY; count *= 27) {
		crowd_open(&c, NULL);
		for (i = 0; i < count; i++)
			CHECK_INT(proactor_cancel(c.w.p, of(&c, i * 3)), 0);
		CHECK_INT(c.cancelled, 0);
		crowd_close(&c);
	}
}

struct log {
	size_t lines;
	char text[256];
};

static void
log_line(void *user_data, int level, const char *message)
{
	struct log *log = user_data;

	(void)level;
	log->lines++;
	CHECK(strlen(message) < sizeof(log->text));
	strcpy(log->text, message);
}

/* Without a poll: they are the caller's, and were counted. */
static void
before_release(void)
{
	struct proactor_options o;
	struct log log = {0};
	struct crowd c;
	size_t i, count;

	world_options(&o);
	o.log_fn = log_line;
	o.log_data = &log;
	for (count = 1; count <= MANY; count *= 27) {
		crowd_open(&c, &o);
		log.lines = 0;
		for (i = 0; i < count; i++)
			CHECK_INT(proactor_cancel(c.w.p, of(&c, i * 3)), 0);
		proactor_release(c.w.p);
		CHECK_INT(c.cancelled, 0);
		CHECK_INT(log.lines, 1);
		if (strstr(log.text, "20000") == NULL)
			FAIL("the log says: %s", log.text);
		free(c.timers);
	}
}

const struct tap_case timer_many_cases[] = {
	{ "timer: cancelled among thousands, called back in the next poll",
	    next_poll_calls_back },
	{ "timer: ... with what is ready and what is due", with_others },
	{ "timer: cancelled among thousands, called back in that order",
	    in_their_order },
	{ "timer: thousands may be cancelled in a callback", in_a_callback },
	{ "timer: cancelled among thousands, armed again in the callback",
	    armed_again },
	{ "timer: cancelled among thousands, so is the rest of its chain",
	    in_a_chain },
	{ "timer: thousands cancelled before shutdown, each called back once",
	    before_shutdown },
	{ "timer: thousands cancelled before release, none called back",
	    before_release },
	{ NULL, NULL }
};
