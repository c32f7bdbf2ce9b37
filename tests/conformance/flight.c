/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <sys/eventfd.h>

#include <stdlib.h>
#include <unistd.h>

#include "conformance/conformance.h"

/* More in flight than the ring has entries. */

#define FLIGHT	10000

struct flight {
	struct world w;
	struct proactor_handle_poll_op *polls;
	int fd;
};

static void
flight_open(struct flight *f)
{
	struct proactor_options o;
	size_t i;

	world_options(&o);
	o.max_concurrent_operations = 8;
	world_open(&f->w, &o);
	f->polls = calloc(FLIGHT, sizeof(*f->polls));
	CHECK(f->polls != NULL);
	f->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	CHECK(f->fd != -1);
	for (i = 0; i < FLIGHT; i++)
		proactor_handle_poll_op_init(&f->polls[i],
		    proactor_handle_fd(f->fd), PROACTOR_POLL_IN, record,
		    &f->w.r);
}

static void
flight_close(struct flight *f)
{
	size_t i;

	/* By address: finals_of() for each would be quadratic. */
	for (i = 0; i < f->w.r.calls; i++)
		((struct proactor_handle_poll_op *)f->w.r.seen[i].op)
		    ->wanted++;
	for (i = 0; i < FLIGHT; i++)
		CHECK_INT(f->polls[i].wanted, PROACTOR_POLL_IN + 1);
	CHECK_INT(f->w.r.calls, FLIGHT);
	world_close(&f->w);
	CHECK_INT(close(f->fd), 0);
	free(f->polls);
}

static void
flight_of_many(void)
{
	struct flight f;
	uint64_t one = 1;
	size_t i;

	flight_open(&f);
	for (i = 0; i < FLIGHT; i++) {
		CHECK_INT(proactor_submit_one(f.w.p, &f.polls[i].base), 0);
		/* Some before the first poll, some after. */
		if (i % 1000 == 500)
			CHECK_INT(proactor_poll(f.w.p, PROACTOR_IMMEDIATE,
			    NULL), PROACTOR_ETIMEDOUT);
	}
	CHECK(poll_quiet(&f.w));
	CHECK_INT(write(f.fd, &one, sizeof(one)), sizeof(one));
	CHECK(poll_until(&f.w, &f.w.r.finals, FLIGHT));
	for (i = 0; i < FLIGHT; i++) {
		CHECK_INT(f.w.r.seen[i].status, 0);
		CHECK(f.polls[i].fired & PROACTOR_POLL_IN);
	}
	flight_close(&f);
}

static void
flight_in_one_batch(void)
{
	struct proactor_op **ops;
	struct flight f;
	uint64_t one = 1;
	size_t i;

	flight_open(&f);
	ops = calloc(FLIGHT, sizeof(*ops));
	CHECK(ops != NULL);
	for (i = 0; i < FLIGHT; i++)
		ops[i] = &f.polls[i].base;
	poll_barrier(&f.w);
	CHECK_INT(proactor_submit(f.w.p, ops, FLIGHT), 0);
	CHECK(poll_quiet(&f.w));
	CHECK_INT(write(f.fd, &one, sizeof(one)), sizeof(one));
	CHECK(poll_until(&f.w, &f.w.r.finals, FLIGHT));
	free(ops);
	flight_close(&f);
}

static void
flight_cancelled(void)
{
	struct flight f;
	size_t i;

	flight_open(&f);
	poll_barrier(&f.w);
	for (i = 0; i < FLIGHT; i++)
		CHECK_INT(proactor_submit_one(f.w.p, &f.polls[i].base), 0);
	/* The newest first: kernels look for them from that end. */
	for (i = FLIGHT; i > 0; i--)
		CHECK_INT(proactor_cancel(f.w.p, &f.polls[i - 1].base), 0);
	CHECK(poll_until(&f.w, &f.w.r.finals, FLIGHT));
	for (i = 0; i < FLIGHT; i++)
		CHECK_INT(f.w.r.seen[i].status, PROACTOR_ECANCELED);
	flight_close(&f);
}

const struct tap_case flight_cases[] = {
	{ "submit: 10,000 in flight on a ring of 8 entries",
	    flight_of_many },
	{ "submit: 10,000 in one batch on a ring of 8 entries",
	    flight_in_one_batch },
	{ "submit: 10,000 cancelled on a ring of 8 entries",
	    flight_cancelled },
	{ NULL, NULL }
};
