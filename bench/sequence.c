/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <stdlib.h>

#include "bench/library.h"

static void
on_sequence(void *user, struct proactor_op *op, int status,
    unsigned int flags)
{
	(void)op;
	(void)flags;
	check(status, "sequence");
	++*(uint64_t *)user;
}

/* Sequences of run->size no-ops, one after the other. */
void
library_sequence(struct run *run)
{
	struct proactor *p = library_create(run);
	struct proactor_nop_op *nops = allocate(run->size, sizeof(*nops));
	struct proactor_op **steps = allocate(run->size, sizeof(*steps));
	struct proactor_sequence_op sequence;
	uint64_t completed = 0, count = run->operations / run->size, i;
	unsigned int j;

	for (j = 0; j < run->size; j++) {
		proactor_nop_op_init(&nops[j], NULL, NULL);
		steps[j] = &nops[j].base;
	}
	proactor_sequence_op_init(&sequence, steps, run->size, NULL,
	    on_sequence, &completed);
	for (i = 0; i < count / 10 + count; i++) {
		if (i == count / 10)
			run_begin(run);
		check(proactor_submit_one(p, &sequence.base), "submit");
		library_until(p, &completed, i + 1);
	}
	run_end(run, count * run->size);
	library_release(p);
	free(nops);
	free(steps);
}
