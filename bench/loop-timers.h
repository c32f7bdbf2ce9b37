/* SPDX-License-Identifier: ISC */
#ifndef BENCH_LOOP_TIMERS_H
#define BENCH_LOOP_TIMERS_H

/*
 * The timers of another's loop.  All is inlined where a peer's functions are
 * known, so that there are only the calls that its user makes.
 */

#include <stdlib.h>

#include "bench/timers.h"

#ifdef __cplusplus
extern "C" {
#endif

struct timer_run {
	unsigned int count, fired;
	int64_t *deadlines;
	int64_t *late;			/* NULL: not wanted */
};

struct timer_loop {
	/* A loop with t->count timers, each to call loop_timer_fired(). */
	void	*(*create)(struct timer_run *t);
	/* The i-th one; now is when the first one was armed. */
	void	 (*arm)(void *loop, unsigned int i, int64_t deadline,
		    int64_t now);
	void	 (*cancel)(void *loop, unsigned int i);
	/* Before many are armed; runs what cancelling has left.  Or NULL. */
	void	 (*settle)(void *loop);
	/* Waits until something was called back. */
	void	 (*turn)(void *loop);
	void	 (*destroy)(void *loop);
};

#define LOOP_TIMER_INLINE static inline __attribute__((always_inline)) void

LOOP_TIMER_INLINE
loop_timer_fired(struct timer_run *t, unsigned int i)
{
	if (t->late != NULL)
		t->late[t->fired] = now_ns() - t->deadlines[i];
	t->fired++;
}

LOOP_TIMER_INLINE
loop_timer_init(struct timer_run *t, struct run *run)
{
	t->count = run->size;
	t->fired = 0;
	t->late = NULL;
	t->deadlines = (int64_t *)allocate(t->count, sizeof(*t->deadlines));
}

LOOP_TIMER_INLINE
loop_timer_arm_far(const struct timer_loop *way, void *loop,
    const struct timer_run *t)
{
	int64_t now = now_ns();
	uint32_t seed = 1;
	unsigned int i;

	for (i = 0; i < t->count; i++)
		way->arm(loop, i, timer_far(now, &seed), now);
}

LOOP_TIMER_INLINE
loop_timer_arm_soon(const struct timer_loop *way, void *loop,
    struct timer_run *t, int64_t spread, int64_t *ret_start)
{
	int64_t now, start;
	uint32_t seed = 1;
	unsigned int i;

	if (way->settle != NULL)
		way->settle(loop);
	now = now_ns();
	start = now + TIMER_LEAD;
	for (i = 0; i < t->count; i++) {
		t->deadlines[i] = timer_soon(start, spread, &seed);
		way->arm(loop, i, t->deadlines[i], now);
	}
	*ret_start = start;
}

LOOP_TIMER_INLINE
loop_timer_cancel_all(const struct timer_loop *way, void *loop,
    const struct timer_run *t, const uint32_t *order)
{
	unsigned int i;

	for (i = 0; i < t->count; i++)
		way->cancel(loop, order != NULL ? order[i] : i);
}

LOOP_TIMER_INLINE
loop_timer_arm(struct run *run, const struct timer_loop *way, bool arming,
    bool shuffled)
{
	struct timer_run t;
	uint32_t *order;
	uint64_t i;
	void *loop;

	loop_timer_init(&t, run);
	order = shuffled ? timer_order(t.count) : NULL;
	loop = way->create(&t);
	for (i = 0; i < run->operations; i += run->size) {
		if (way->settle != NULL)
			way->settle(loop);
		if (arming)
			run_begin(run);
		loop_timer_arm_far(way, loop, &t);
		if (arming)
			run_end(run, t.count);
		else
			run_begin(run);
		loop_timer_cancel_all(way, loop, &t, order);
		if (!arming)
			run_end(run, t.count);
	}
	way->destroy(loop);
	free(order);
	free(t.deadlines);
}

LOOP_TIMER_INLINE
loop_timer_fire(struct run *run, const struct timer_loop *way)
{
	struct timer_run t;
	int64_t start;
	void *loop;

	loop_timer_init(&t, run);
	loop = way->create(&t);
	loop_timer_arm_soon(way, loop, &t, TIMER_SPREAD, &start);
	while (now_ns() < start + TIMER_SPREAD)
		continue;
	run_begin(run);
	while (t.fired < t.count)
		way->turn(loop);
	run_end(run, t.count);
	way->destroy(loop);
	free(t.deadlines);
}

LOOP_TIMER_INLINE
loop_timer_lateness(struct run *run, const struct timer_loop *way)
{
	struct timer_run t;
	int64_t start;
	void *loop;

	loop_timer_init(&t, run);
	t.late = (int64_t *)allocate(t.count, sizeof(*t.late));
	loop = way->create(&t);
	loop_timer_arm_soon(way, loop, &t, TIMER_SECOND, &start);
	run_begin(run);
	while (t.fired < t.count)
		way->turn(loop);
	run_end(run, t.count);
	run_latencies(run, t.late, t.count);
	way->destroy(loop);
	free(t.late);
	free(t.deadlines);
}

/* The cells of a peer. */
#define LOOP_TIMER_CELLS(peer, way)					\
void									\
peer##_timer_arm(struct run *run)					\
{									\
	loop_timer_arm(run, &way, true, false);				\
}									\
									\
void									\
peer##_timer_cancel(struct run *run)					\
{									\
	loop_timer_arm(run, &way, false, false);			\
}									\
									\
void									\
peer##_timer_cancel_random(struct run *run)				\
{									\
	loop_timer_arm(run, &way, false, true);				\
}									\
									\
void									\
peer##_timer_fire(struct run *run)					\
{									\
	loop_timer_fire(run, &way);					\
}									\
									\
void									\
peer##_timer_lateness(struct run *run)					\
{									\
	loop_timer_lateness(run, &way);					\
}

#ifdef __cplusplus
}
#endif
#endif
