/* SPDX-License-Identifier: ISC */
#ifndef BENCH_LOOP_NOPS_H
#define BENCH_LOOP_NOPS_H

/*
 * What another's loop has for "call me back in your next turn".  Inlined, as
 * its timers are.
 */

#include "bench/bench.h"

#ifdef __cplusplus
extern "C" {
#endif

struct nop_run {
	uint64_t completed, posted;
	uint64_t limit;			/* of posted, by callbacks */
};

struct nop_loop {
	void	*(*create)(unsigned int count, struct nop_run *n);
	/* The i-th one calls loop_nop_done() in a turn to come. */
	void	 (*post)(void *loop, unsigned int i);
	/* Calls back what was posted, without waiting. */
	void	 (*turn)(void *loop);
	void	 (*destroy)(void *loop);
};

#define LOOP_NOP_INLINE static inline __attribute__((always_inline))

/* In the callback.  Is it to be posted again? */
LOOP_NOP_INLINE bool
loop_nop_done(struct nop_run *n)
{
	n->completed++;
	if (n->posted >= n->limit)
		return false;
	n->posted++;
	return true;
}

LOOP_NOP_INLINE void
loop_nop_batch(const struct nop_loop *way, void *loop, struct nop_run *n,
    unsigned int size, uint64_t limit)
{
	unsigned int i;

	n->completed = 0;
	n->posted = size;
	n->limit = limit;
	for (i = 0; i < size; i++)
		way->post(loop, i);
	while (n->completed < n->posted)
		way->turn(loop);
}

LOOP_NOP_INLINE void
loop_nop(struct run *run, const struct nop_loop *way)
{
	struct nop_run n;
	uint64_t batches, i;
	void *loop;

	loop = way->create(run->size, &n);
	batches = run->operations / run->size;
	for (i = 0; i < batches / 10; i++)
		loop_nop_batch(way, loop, &n, run->size, 0);
	run_begin(run);
	for (i = 0; i < batches; i++)
		loop_nop_batch(way, loop, &n, run->size, 0);
	run_end(run, batches * run->size);
	way->destroy(loop);
}

LOOP_NOP_INLINE void
loop_post(struct run *run, const struct nop_loop *way)
{
	struct nop_run n;
	void *loop;

	loop = way->create(run->size, &n);
	loop_nop_batch(way, loop, &n, run->size, run->warm_up);
	run_begin(run);
	loop_nop_batch(way, loop, &n, run->size, run->operations);
	run_end(run, n.completed);
	way->destroy(loop);
}

/* The cells of a peer. */
#define LOOP_NOP_CELLS(peer, way)					\
void									\
peer##_nop(struct run *run)						\
{									\
	loop_nop(run, &way);						\
}									\
									\
void									\
peer##_post(struct run *run)						\
{									\
	loop_post(run, &way);						\
}

#ifdef __cplusplus
}
#endif
#endif
