/* SPDX-License-Identifier: ISC */
#ifndef PROACTOR_SEQUENCE_H
#define PROACTOR_SEQUENCE_H

#include <proactor/operation.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Sequences within one another, the outermost one included. */
#define PROACTOR_SEQUENCE_DEPTH_MAX	8u

struct proactor_sequence_op;

/*
 * Called between two steps: the one that has completed, and the next, which
 * it may change.  0, or a code that ends the sequence.
 */
typedef int (*proactor_step_fn)(void *user_data,
    struct proactor_sequence_op *sequence, size_t completed_index,
    struct proactor_op *next);

struct proactor_sequence_op {
	struct proactor_op base;
	struct proactor_op *const *steps;
	size_t count;
	proactor_step_fn step_fn;	/* NULL: none */
	size_t completed;		/* steps that went well */
	uint64_t opaque[4];
};

PROACTOR_API void proactor_sequence_op_init(struct proactor_sequence_op *op,
    struct proactor_op *const *steps, size_t count, proactor_step_fn step_fn,
    proactor_callback callback, void *user_data);

#ifdef __cplusplus
}
#endif

#endif
