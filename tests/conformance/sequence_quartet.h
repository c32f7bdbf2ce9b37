/* SPDX-License-Identifier: ISC */
/* A sequence of four, of which one waits, and how it must have ended. */
#ifndef SEQUENCE_QUARTET_H
#define SEQUENCE_QUARTET_H

#include "conformance/chain.h"

/* nop, wait, nop, nop; or with a step function. */
struct quartet {
	struct world w;
	struct proactor_event *event;
	struct proactor_nop_op nops[3];
	struct proactor_event_wait_op wait;
	struct proactor_op *steps[4];
	struct proactor_sequence_op sequence;
	struct proactor_op *victim;
	size_t calls;
	size_t act_at;
};

void	 quartet_open(struct quartet *x, proactor_step_fn step_fn);
void	 quartet_close(struct quartet *x);

/* Again, as if it were new. */
void	 quartet_init(struct quartet *x, proactor_step_fn step_fn);

/* Ended in order; the step at place and all after it, by a cancel. */
void	 quartet_ended(struct quartet *x, size_t place);

/* ... when that has been waited for. */
void	 quartet_check(struct quartet *x, size_t place);

/* A step function that counts its calls. */
int	 pass_on(void *user_data, struct proactor_sequence_op *sequence,
	    size_t completed_index, struct proactor_op *next);

/* None, and that one. */
extern proactor_step_fn const functions[2];

#endif
