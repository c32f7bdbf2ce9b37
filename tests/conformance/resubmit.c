/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "conformance/conformance.h"

/* Callbacks that submit. */

struct chain {
	struct proactor *p;
	size_t left;
	size_t finals;
	size_t polls_at_last;
	size_t polls;
};

static void
submit_again(void *user_data, struct proactor_op *op, int status,
    unsigned int flags)
{
	struct chain *c = user_data;

	CHECK_INT(status, 0);
	CHECK_INT(flags, 0);
	/* In a later poll than the callback that submitted it. */
	CHECK(c->finals == 0 || c->polls > c->polls_at_last);
	c->polls_at_last = c->polls;
	c->finals++;
	if (c->left-- > 0)
		CHECK_INT(proactor_submit_one(c->p, op), 0);
}

static void
again_from_callback(void)
{
	struct chain c = { .left = 1000 };
	struct proactor_nop_op nop;
	struct world w;
	size_t completed;

	world_open(&w, NULL);
	c.p = w.p;
	proactor_nop_op_init(&nop, submit_again, &c);
	CHECK_INT(proactor_submit_one(w.p, &nop.base), 0);
	while (c.finals < 1001) {
		c.polls++;
		CHECK_INT(proactor_poll(w.p, patience(), &completed), 0);
		CHECK_INT(completed, 1);
	}
	CHECK_INT(c.polls, 1001);
	CHECK(poll_quiet(&w));
	world_close(&w);
}

static void
expired_again(void)
{
	struct chain c = { .left = 100 };
	struct proactor_timer_op timer;
	struct world w;
	size_t completed;

	world_open(&w, NULL);
	c.p = w.p;
	proactor_timer_op_init(&timer, 1, submit_again, &c);
	CHECK_INT(proactor_submit_one(w.p, &timer.base), 0);
	while (c.finals < 101) {
		c.polls++;
		CHECK_INT(proactor_poll(w.p, patience(), &completed), 0);
		CHECK_INT(completed, 1);
	}
	world_close(&w);
}

struct fan {
	struct proactor *p;
	struct proactor_nop_op nops[500];
	struct proactor_op *ops[500];
	struct recorder r;
	int submitted;
};

static void
submit_many(void *user_data, struct proactor_op *op, int status,
    unsigned int flags)
{
	struct fan *f = user_data;
	size_t i;

	(void)op;
	(void)flags;
	CHECK_INT(status, 0);
	for (i = 0; i < COUNT(f->nops); i++) {
		proactor_nop_op_init(&f->nops[i], record, &f->r);
		f->ops[i] = &f->nops[i].base;
	}
	f->submitted = proactor_submit(f->p, f->ops, COUNT(f->ops));
}

static void
batch_from_callback(void)
{
	static struct fan f;
	struct proactor_nop_op nop;
	struct world w;
	size_t i;

	world_open(&w, NULL);
	f.p = w.p;
	f.submitted = 1;
	proactor_nop_op_init(&nop, submit_many, &f);
	CHECK_INT(proactor_submit_one(w.p, &nop.base), 0);
	CHECK(poll_until(&w, &f.r.finals, COUNT(f.nops)));
	CHECK_INT(f.submitted, 0);
	for (i = 0; i < COUNT(f.nops); i++)
		CHECK(f.r.seen[i].op == f.ops[i]);
	recorder_clear(&f.r);
	world_close(&w);
}

static void
free_it(void *user_data, struct proactor_op *op, int status,
    unsigned int flags)
{
	size_t *calls = user_data;

	(void)flags;
	CHECK_INT(status, 0);
	memset(op, 0xa5, sizeof(struct proactor_nop_op));
	free(op);
	(*calls)++;
}

static void
freed_in_callback(void)
{
	struct world w;
	struct proactor_nop_op *nop;
	struct proactor_timer_op *timer;
	size_t calls = 0, i;

	world_open(&w, NULL);
	for (i = 0; i < 100; i++) {
		nop = malloc(sizeof(*nop));
		timer = malloc(sizeof(*timer));
		CHECK(nop != NULL && timer != NULL);
		proactor_nop_op_init(nop, free_it, &calls);
		proactor_timer_op_init(timer, proactor_now(), free_it, &calls);
		CHECK_INT(proactor_submit_one(w.p, &nop->base), 0);
		CHECK_INT(proactor_submit_one(w.p, &timer->base), 0);
	}
	CHECK(poll_until(&w, &calls, 200));
	world_close(&w);
}

const struct tap_case resubmit_cases[] = {
	{ "submit: a nop from its callback completes in the next poll",
	    again_from_callback },
	{ "submit: an expired timer from its callback too", expired_again },
	{ "submit: a batch of 500 from a callback", batch_from_callback },
	{ "submit: the final callback may free the operation",
	    freed_in_callback },
	{ NULL, NULL }
};
