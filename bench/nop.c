/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <stdlib.h>

#include "bench/library.h"

struct nops {
	struct proactor *p;
	struct proactor_nop_op *nops;
	struct proactor_op **ops;
	uint64_t completed, posted, limit;
};

static void
init(struct nops *n, struct run *run, proactor_callback callback)
{
	unsigned int i;

	n->p = library_create(run);
	n->nops = allocate(run->size, sizeof(*n->nops));
	n->ops = allocate(run->size, sizeof(*n->ops));
	for (i = 0; i < run->size; i++) {
		proactor_nop_op_init(&n->nops[i], callback, n);
		n->ops[i] = &n->nops[i].base;
	}
}

static void
fini(struct nops *n)
{
	library_release(n->p);
	free(n->nops);
	free(n->ops);
}

static void
on_nop(void *user, struct proactor_op *op, int status, unsigned int flags)
{
	struct nops *n = user;

	(void)op;
	(void)flags;
	check(status, "nop");
	n->completed++;
}

/* Batches of run->size, submitted and polled for. */
static void
batches(struct nops *n, unsigned int size, uint64_t count)
{
	uint64_t i;

	n->completed = 0;
	for (i = 0; i < count; i++) {
		check(proactor_submit(n->p, n->ops, size), "proactor_submit");
		library_until(n->p, &n->completed, (i + 1) * size);
	}
}

void
library_nop(struct run *run)
{
	struct nops n = { .completed = 0 };
	uint64_t count;

	init(&n, run, on_nop);
	count = run->operations / run->size;
	batches(&n, run->size, count / 10);
	run_begin(run);
	batches(&n, run->size, count);
	run_end(run, count * run->size);
	fini(&n);
}

static void
on_post(void *user, struct proactor_op *op, int status, unsigned int flags)
{
	struct nops *n = user;

	(void)flags;
	check(status, "nop");
	n->completed++;
	if (n->posted < n->limit) {
		n->posted++;
		check(proactor_submit_one(n->p, op), "proactor_submit_one");
	}
}

/* size at a time, no fewer; each submits itself again on completion. */
static void
post(struct nops *n, unsigned int size, uint64_t count)
{
	n->completed = 0;
	n->posted = size;
	n->limit = count;
	check(proactor_submit(n->p, n->ops, size), "proactor_submit");
	library_until(n->p, &n->completed, count);
}

void
library_post(struct run *run)
{
	struct nops n = { .completed = 0 };

	init(&n, run, on_post);
	if (run->warm_up >= run->size)
		post(&n, run->size, run->warm_up);
	run_begin(run);
	post(&n, run->size, run->operations);
	run_end(run, run->operations);
	fini(&n);
}
