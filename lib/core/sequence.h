/* SPDX-License-Identifier: ISC */
#ifndef PROACTOR_CORE_SEQUENCE_H
#define PROACTOR_CORE_SEQUENCE_H

#include "core/class.h"

static inline struct proactor_sequence_op *
sequence_of(struct proactor_op *op)
{
	return container_of(op, struct proactor_sequence_op, base);
}

/*
 * The steps of a sequence, up to its end, as they are in flight: a step that
 * was accepted is IDLE no more; those that a step function has yet to see are
 * RESERVED.
 */
int	 proactor__steps_check(struct proactor *p,
	    struct proactor_sequence_op *q);
void	 proactor__steps_uncheck(struct proactor_sequence_op *q);
size_t	 proactor__steps_accepted(const struct proactor_sequence_op *q);
void	 proactor__steps_retain(struct proactor_sequence_op *q);
int	 proactor__steps_take(struct proactor *p,
	    struct proactor_sequence_op *q, size_t i);
bool	 proactor__step_bare(struct proactor *p,
	    struct proactor_sequence_op *q, size_t i);
void	 proactor__steps_abandon(struct proactor_sequence_op *q, size_t first);

#endif
