/* SPDX-License-Identifier: ISC */
#ifndef BENCH_TIMERS_H
#define BENCH_TIMERS_H

/* The deadlines that each peer is given. */

#include "bench/bench.h"

#ifdef __cplusplus
extern "C" {
#endif

#define TIMER_SECOND	INT64_C(1000000000)
/* All are armed before the first of those that fire. */
#define TIMER_LEAD	(TIMER_SECOND / 4)
/* Those that fire all at once were due within this. */
#define TIMER_SPREAD	(TIMER_SECOND / 10)

/* One that will not fire: within a minute, though not soon. */
static inline int64_t
timer_far(int64_t now, uint32_t *seed)
{
	return now + 20 * TIMER_SECOND +
	    random_next(seed) % 40000u * INT64_C(1000000);
}

/* One that will, within spread from start. */
static inline int64_t
timer_soon(int64_t start, int64_t spread, uint32_t *seed)
{
	return start + random_next(seed) % (uint64_t)spread;
}

/* The numbers below count in random order. */
uint32_t *timer_order(unsigned int count);

#ifdef __cplusplus
}
#endif
#endif
