/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <sched.h>
#include <stdatomic.h>

#include "conformance/chain.h"
#include "conformance/semaphore.h"

/* Semaphores by operations: waiting for them, signalling them. */

#define MOST	PROACTOR_SEMAPHORE_MAX

struct scene {
	struct world w;
	struct proactor_semaphore *s[MOST + 1];
	uint64_t values[MOST + 1];
	struct proactor_semaphore_wait_op waits[4];
	struct proactor_semaphore_signal_op signals[4];
};

static void
scene_open(struct scene *c)
{
	size_t i;

	world_open(&c->w, NULL);
	for (i = 0; i <= MOST; i++) {
		c->s[i] = semaphore_open(&c->w, 0);
		c->values[i] = 1;
	}
	for (i = 0; i < 4; i++) {
		proactor_semaphore_wait_op_init(&c->waits[i],
		    PROACTOR_WAIT_ALL, &c->s[i], c->values, 1, record,
		    &c->w.r);
		proactor_semaphore_signal_op_init(&c->signals[i], &c->s[i],
		    c->values, 1, record, &c->w.r);
	}
}

static void
scene_drop(struct scene *c)
{
	size_t i;

	for (i = 0; i <= MOST; i++)
		proactor_semaphore_release(c->s[i]);
}

static void
scene_close(struct scene *c)
{
	scene_drop(c);
	world_close(&c->w);
}

static void
submit(struct scene *c, struct proactor_semaphore_wait_op *wait)
{
	CHECK_INT(proactor_submit_one(c->w.p, &wait->base), 0);
}

/* It completes with the next polls, with this. */
static void
ends(struct scene *c, struct proactor_semaphore_wait_op *wait, int status)
{
	size_t before = finals_of(&c->w.r, wait);

	CHECK(poll_finals(&c->w, wait, before + 1));
	CHECK_INT(status_of(&c->w.r, wait), status);
}

static void
many_init(struct scene *c, unsigned int flags, size_t count)
{
	proactor_semaphore_wait_op_init(&c->waits[0], flags, c->s, c->values,
	    count, record, &c->w.r);
}

/* --- wait --- */

static void
reached_before(void)
{
	struct scene c;
	size_t completed;

	scene_open(&c);
	signal_to(c.s[0], 1);
	submit(&c, &c.waits[0]);
	CHECK_INT(c.w.r.calls, 0);
	CHECK_INT(proactor_poll(c.w.p, patience(), &completed), 0);
	CHECK_INT(completed, 1);
	CHECK_INT(status_of(&c.w.r, &c.waits[0]), 0);
	scene_close(&c);
}

static void
reached_after(void)
{
	struct scene c;
	uint64_t value;

	scene_open(&c);
	for (value = 1; value <= 20; value++) {
		c.waits[0].values[0] = value;
		submit(&c, &c.waits[0]);
		CHECK_INT(proactor_poll(c.w.p, PROACTOR_IMMEDIATE, NULL),
		    PROACTOR_ETIMEDOUT);
		signal_to(c.s[0], value);
		CHECK_INT(c.w.r.calls, value - 1);
		ends(&c, &c.waits[0], 0);
	}
	CHECK(poll_quiet(&c.w));
	scene_close(&c);
}

static void
waits_for_any(void)
{
	struct scene c;
	size_t i;

	scene_open(&c);
	many_init(&c, PROACTOR_WAIT_ANY, MOST);
	for (i = 0; i < MOST; i++) {
		submit(&c, &c.waits[0]);
		CHECK(poll_quiet(&c.w));
		signal_to(c.s[i], c.values[i]);
		ends(&c, &c.waits[0], 0);
		CHECK_INT(c.waits[0].index, i);
		c.waits[0].values[i] = ++c.values[i];
	}
	/* Of several the first in order. */
	signal_to(c.s[6], 9);
	signal_to(c.s[3], 9);
	submit(&c, &c.waits[0]);
	ends(&c, &c.waits[0], 0);
	CHECK_INT(c.waits[0].index, 3);
	scene_close(&c);
}

static void
waits_for_all(void)
{
	struct proactor_semaphore *twice[2];
	struct scene c;
	size_t i;

	scene_open(&c);
	signal_to(c.s[4], 1);
	many_init(&c, PROACTOR_WAIT_ALL, MOST);
	submit(&c, &c.waits[0]);
	for (i = 0; i < MOST; i++) {
		CHECK(poll_quiet(&c.w));
		if (i != 4)
			signal_to(c.s[i], 1);
	}
	ends(&c, &c.waits[0], 0);
	/* The same one in two places, at two values. */
	twice[0] = twice[1] = c.s[0];
	proactor_semaphore_wait_op_init(&c.waits[0], PROACTOR_WAIT_ALL, twice,
	    (const uint64_t[]){ 3, 2 }, 2, record, &c.w.r);
	submit(&c, &c.waits[0]);
	signal_to(c.s[0], 2);
	CHECK(poll_quiet(&c.w));
	signal_to(c.s[0], 3);
	ends(&c, &c.waits[0], 0);
	scene_close(&c);
}

static void
fails_with_it(void)
{
	struct scene c;

	scene_open(&c);
	many_init(&c, PROACTOR_WAIT_ALL, 3);
	submit(&c, &c.waits[0]);
	CHECK(poll_quiet(&c.w));
	CHECK_INT(proactor_semaphore_fail(c.s[1], PROACTOR_EIO), 0);
	ends(&c, &c.waits[0], PROACTOR_EIO);
	/* One that has failed, at once; the value does not matter. */
	submit(&c, &c.waits[0]);
	ends(&c, &c.waits[0], PROACTOR_EIO);
	c.waits[1].values[0] = 0;
	submit(&c, &c.waits[1]);
	ends(&c, &c.waits[1], PROACTOR_EIO);
	many_init(&c, PROACTOR_WAIT_ANY, 3);
	submit(&c, &c.waits[0]);
	ends(&c, &c.waits[0], PROACTOR_EIO);
	CHECK_INT(c.waits[0].index, 1);
	signal_to(c.s[0], 1);
	submit(&c, &c.waits[0]);
	ends(&c, &c.waits[0], 0);
	CHECK_INT(c.waits[0].index, 0);
	scene_close(&c);
}

static void
cancelled_wait(void)
{
	struct scene c;

	scene_open(&c);
	many_init(&c, PROACTOR_WAIT_ALL, MOST);
	submit(&c, &c.waits[0]);
	submit(&c, &c.waits[1]);
	CHECK(poll_quiet(&c.w));
	signal_to(c.s[0], 1);
	CHECK_INT(proactor_cancel(c.w.p, &c.waits[0].base), 0);
	ends(&c, &c.waits[0], PROACTOR_ECANCELED);
	CHECK_INT(proactor_cancel(c.w.p, &c.waits[0].base),
	    PROACTOR_ENOENT);
	/* Nothing of it is left on the semaphores. */
	signal_to(c.s[1], 1);
	signal_to(c.s[2], 1);
	ends(&c, &c.waits[1], 0);
	CHECK(poll_quiet(&c.w));
	/* Reached and cancelled before the callback: it is not lost. */
	c.waits[1].values[0] = 2;
	submit(&c, &c.waits[1]);
	signal_to(c.s[1], 2);
	CHECK_INT(proactor_cancel(c.w.p, &c.waits[1].base), 0);
	ends(&c, &c.waits[1], 0);
	scene_close(&c);
}

static void
wait_keeps_it(void)
{
	struct proactor_semaphore *s;
	struct scene c;

	scene_open(&c);
	s = semaphore_open(&c.w, 0);
	proactor_semaphore_wait_op_init(&c.waits[0], PROACTOR_WAIT_ALL, &s,
	    c.values, 1, record, &c.w.r);
	submit(&c, &c.waits[0]);
	proactor_semaphore_release(s);
	CHECK(poll_quiet(&c.w));
	CHECK_INT(proactor_cancel(c.w.p, &c.waits[0].base), 0);
	ends(&c, &c.waits[0], PROACTOR_ECANCELED);
	scene_close(&c);
}

static void
other_proactors_semaphore(void)
{
	struct world other;
	struct scene c;

	scene_open(&c);
	world_open(&other, NULL);
	CHECK_INT(proactor_submit_one(other.p, &c.waits[0].base), 0);
	CHECK(poll_quiet(&other));
	signal_to(c.s[0], 1);
	CHECK(poll_finals(&c.w, &c.waits[0], 0));
	while (c.w.r.calls == 0)
		CHECK_INT(proactor_poll(other.p, patience(), NULL), 0);
	CHECK_INT(status_of(&c.w.r, &c.waits[0]), 0);
	world_close(&other);
	scene_close(&c);
}

static void
refused(void)
{
	struct proactor_semaphore *none[2];
	struct scene c;
	struct proactor_semaphore_wait_op *w = &c.waits[0];
	struct proactor_semaphore_signal_op *g = &c.signals[0];

	scene_open(&c);
	none[0] = c.s[0];
	none[1] = NULL;
	proactor_semaphore_wait_op_init(NULL, 0, NULL, NULL, 0, NULL, NULL);
	proactor_semaphore_signal_op_init(NULL, NULL, NULL, 0, NULL, NULL);
#define WAIT(flags, semaphores, values, count)				\
	(proactor_semaphore_wait_op_init(w, flags, semaphores, values,	\
	    count, record, &c.w.r), proactor_submit_one(c.w.p, &w->base))
	CHECK_INT(WAIT(0, c.s, c.values, 1), PROACTOR_EINVAL);
	CHECK_INT(WAIT(3, c.s, c.values, 1), PROACTOR_EINVAL);
	CHECK_INT(WAIT(5, c.s, c.values, 1), PROACTOR_EINVAL);
	CHECK_INT(WAIT(PROACTOR_WAIT_ALL, c.s, c.values, 0),
	    PROACTOR_EINVAL);
	CHECK_INT(WAIT(PROACTOR_WAIT_ALL, c.s, c.values, MOST + 1),
	    PROACTOR_EINVAL);
	CHECK_INT(WAIT(PROACTOR_WAIT_ALL, c.s, c.values, SIZE_MAX),
	    PROACTOR_EINVAL);
	CHECK_INT(WAIT(PROACTOR_WAIT_ALL, none, c.values, 2),
	    PROACTOR_EINVAL);
	CHECK_INT(WAIT(PROACTOR_WAIT_ALL, NULL, c.values, 1),
	    PROACTOR_EINVAL);
	CHECK_INT(WAIT(PROACTOR_WAIT_ALL, c.s, NULL, 1), PROACTOR_EINVAL);
#undef WAIT
#define SIGNAL(semaphores, values, count)				\
	(proactor_semaphore_signal_op_init(g, semaphores, values,	\
	    count, record, &c.w.r), proactor_submit_one(c.w.p, &g->base))
	CHECK_INT(SIGNAL(c.s, c.values, 0), PROACTOR_EINVAL);
	CHECK_INT(SIGNAL(c.s, c.values, MOST + 1), PROACTOR_EINVAL);
	CHECK_INT(SIGNAL(none, c.values, 2), PROACTOR_EINVAL);
	CHECK_INT(SIGNAL(NULL, c.values, 1), PROACTOR_EINVAL);
	CHECK_INT(SIGNAL(c.s, NULL, 1), PROACTOR_EINVAL);
#undef SIGNAL
	c.waits[1].base.flags = PROACTOR_OP_MULTISHOT;
	CHECK_INT(proactor_submit_one(c.w.p, &c.waits[1].base),
	    PROACTOR_EINVAL);
	submit(&c, &c.waits[2]);
	CHECK_INT(proactor_submit_one(c.w.p, &c.waits[2].base),
	    PROACTOR_EBUSY);
	CHECK_INT(value_of(c.s[0]), 0);
	scene_close(&c);
}

/* --- signal --- */

static void
note_poll(void *user_data, struct proactor_timepoint *point, int status)
{
	(void)point;
	CHECK_INT(status, 0);
	CHECK_INT(proactor_poll(user_data, PROACTOR_IMMEDIATE, NULL),
	    PROACTOR_EBUSY);
}

static void
signals_in_the_poll(void)
{
	struct proactor_timepoint point;
	struct scene c;
	size_t i;

	scene_open(&c);
	CHECK_INT(proactor_poll(c.w.p, PROACTOR_IMMEDIATE, NULL),
	    PROACTOR_ETIMEDOUT);
	proactor_timepoint_init(&point, note_poll, c.w.p);
	CHECK_INT(proactor_semaphore_acquire_timepoint(c.s[1], 1, &point), 0);
	proactor_semaphore_signal_op_init(&c.signals[0], c.s, c.values, MOST,
	    record, &c.w.r);
	CHECK_INT(proactor_submit_one(c.w.p, &c.signals[0].base), 0);
	CHECK_INT(value_of(c.s[0]), 0);
	CHECK(poll_finals(&c.w, &c.signals[0], 1));
	CHECK_INT(status_of(&c.w.r, &c.signals[0]), 0);
	CHECK_INT(c.signals[0].signaled, MOST);
	for (i = 0; i < MOST; i++)
		CHECK_INT(value_of(c.s[i]), 1);
	CHECK_INT(value_of(c.s[MOST]), 0);
	scene_close(&c);
}

static void
signal_refused(void)
{
	struct scene c;

	scene_open(&c);
	signal_to(c.s[2], 1);
	proactor_semaphore_signal_op_init(&c.signals[0], c.s, c.values, 4,
	    record, &c.w.r);
	CHECK_INT(run_one(&c.w, &c.signals[0].base), PROACTOR_EINVAL);
	CHECK_INT(c.signals[0].signaled, 2);
	CHECK_INT(value_of(c.s[0]), 1);
	CHECK_INT(value_of(c.s[1]), 1);
	CHECK_INT(value_of(c.s[3]), 0);
	CHECK_INT(proactor_semaphore_fail(c.s[3], PROACTOR_EIO), 0);
	CHECK_INT(run_one(&c.w, &c.signals[3].base), PROACTOR_EIO);
	CHECK_INT(c.signals[3].signaled, 0);
	scene_close(&c);
}

static void
signal_cancelled(void)
{
	struct scene c;

	scene_open(&c);
	CHECK_INT(proactor_submit_one(c.w.p, &c.signals[0].base), 0);
	CHECK_INT(proactor_cancel(c.w.p, &c.signals[0].base), 0);
	CHECK(poll_finals(&c.w, &c.signals[0], 1));
	CHECK_INT(status_of(&c.w.r, &c.signals[0]), PROACTOR_ECANCELED);
	CHECK_INT(value_of(c.s[0]), 0);
	scene_close(&c);
}

/* --- chains --- */

static void
chain_goes_on(void)
{
	struct scene c;
	struct proactor_nop_op nop;
	struct proactor_op *ops[] = { &c.waits[0].base, &nop.base,
		&c.signals[1].base, &c.waits[1].base, &c.signals[2].base };

	scene_open(&c);
	nop_init(&nop, &c.w);
	submit(&c, &c.waits[2]);
	submit_chain(&c.w, ops, 5);
	CHECK(poll_quiet(&c.w));
	CHECK_INT(value_of(c.s[1]), 0);
	signal_to(c.s[0], 1);
	CHECK(poll_until(&c.w, &c.w.r.finals, 6));
	CHECK_INT(value_of(c.s[1]), 1);
	CHECK_INT(value_of(c.s[2]), 1);
	CHECK(place_of(&c.w.r, ops[0]) < place_of(&c.w.r, ops[1]));
	CHECK(place_of(&c.w.r, ops[1]) < place_of(&c.w.r, ops[2]));
	CHECK(place_of(&c.w.r, ops[2]) < place_of(&c.w.r, ops[3]));
	CHECK(place_of(&c.w.r, ops[3]) < place_of(&c.w.r, ops[4]));
	scene_close(&c);
}

static void
chain_breaks(void)
{
	struct scene c;
	struct proactor_nop_op nop;
	struct proactor_op *ops[] = { &nop.base, &c.waits[0].base,
		&c.signals[1].base, &c.signals[2].base };

	scene_open(&c);
	nop_init(&nop, &c.w);
	submit_chain(&c.w, ops, 4);
	CHECK(poll_until(&c.w, &c.w.r.finals, 1));
	CHECK_INT(proactor_semaphore_fail(c.s[0], PROACTOR_EIO), 0);
	CHECK(poll_until(&c.w, &c.w.r.finals, 4));
	check_failed_at(&c.w.r, ops, 4, 1, PROACTOR_EIO);
	CHECK_INT(value_of(c.s[1]), 0);

	recorder_clear(&c.w.r);
	signal_to(c.s[1], 1);
	ops[1] = &c.signals[3].base;
	submit_chain(&c.w, ops, 4);
	CHECK(poll_until(&c.w, &c.w.r.finals, 4));
	/* Signalled before, so it is refused. */
	check_failed_at(&c.w.r, ops, 4, 2, PROACTOR_EINVAL);
	CHECK_INT(value_of(c.s[3]), 1);
	CHECK_INT(value_of(c.s[2]), 0);
	scene_close(&c);
}

/* Bytes, then a signal that they are there; and the other way round. */
static void
chain_with_the_kernel(void)
{
	struct scene c;
	struct pair pair;
	struct proactor_send_op send;
	struct proactor_recv_op recv;
	struct proactor_op *out[] = { &send.base, &c.signals[0].base };
	struct proactor_op *in[] = { &c.waits[0].base, &recv.base,
		&c.signals[1].base };
	char memory[2][64];

	scene_open(&c);
	pair_open(&c.w, PROACTOR_SOCKET_UNIX_STREAM, 0, &pair);
	recorder_clear(&c.w.r);
	fill(memory[0], 64, 1);
	send_init(&send, &c.w, pair.a, memory[0], 64);
	recv_init(&recv, &c.w, pair.b, memory[1], 64);
	submit_chain(&c.w, in, 3);
	CHECK(poll_quiet(&c.w));
	submit_chain(&c.w, out, 2);
	CHECK(poll_until(&c.w, &c.w.r.finals, 5));
	CHECK(is_filled(memory[1], 64, 1));
	CHECK_INT(value_of(c.s[1]), 1);
	pair_close(&c.w, &pair);
	scene_close(&c);
}

static void
chain_cancelled(void)
{
	struct scene c;
	struct proactor_op *ops[] = { &c.waits[0].base, &c.waits[1].base,
		&c.signals[2].base };

	scene_open(&c);
	submit_chain(&c.w, ops, 3);
	CHECK(poll_quiet(&c.w));
	/* One that has not begun, then the one that has. */
	CHECK_INT(proactor_cancel(c.w.p, ops[1]), 0);
	CHECK(poll_quiet(&c.w));
	CHECK_INT(proactor_cancel(c.w.p, ops[0]), 0);
	CHECK(poll_until(&c.w, &c.w.r.finals, 3));
	check_failed_at(&c.w.r, ops, 3, 0, PROACTOR_ECANCELED);
	signal_to(c.s[0], 1);
	signal_to(c.s[1], 1);
	CHECK(poll_quiet(&c.w));
	CHECK_INT(value_of(c.s[2]), 0);
	scene_close(&c);
}

const struct tap_case semaphore_op_cases[] = {
	{ "semaphore wait: of a value that is reached completes in the next "
	    "poll", reached_before },
	{ "semaphore wait: completes in a poll after the signal, again and "
	    "again", reached_after },
	{ "semaphore wait: for any of eight says which", waits_for_any },
	{ "semaphore wait: for all of eight, and twice for one",
	    waits_for_all },
	{ "semaphore wait: a failed semaphore completes it with that",
	    fails_with_it },
	{ "semaphore wait: a cancelled one is ECANCELED and off the "
	    "semaphores", cancelled_wait },
	{ "semaphore wait: keeps the semaphore that is released",
	    wait_keeps_it },
	{ "semaphore wait: for another proactor's semaphore",
	    other_proactors_semaphore },
	{ "semaphore wait and signal: bad ones are refused", refused },
	{ "semaphore signal: happens in the poll, for all it names",
	    signals_in_the_poll },
	{ "semaphore signal: ends at the first that refuses it",
	    signal_refused },
	{ "semaphore signal: a cancelled one signals nothing",
	    signal_cancelled },
	{ "semaphore wait and signal: chains go on with them",
	    chain_goes_on },
	{ "semaphore wait and signal: chains break with them",
	    chain_breaks },
	{ "semaphore wait and signal: in chains with sockets",
	    chain_with_the_kernel },
	{ "semaphore wait: cancelled in a chain", chain_cancelled },
	{ NULL, NULL }
};
