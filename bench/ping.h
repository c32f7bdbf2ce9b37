/* SPDX-License-Identifier: ISC */
#ifndef BENCH_PING_H
#define BENCH_PING_H

#include "bench/bench.h"

/*
 * How one side of two threads is told that value has come, and how it waits
 * for that.  Values are 1, 2 and so on; side 0 measures.
 */
struct way {
	void (*tell)(void *user, unsigned int side, uint64_t value);
	void (*await)(void *user, unsigned int side, uint64_t value);
};

void	 ping(struct run *run, const struct way *way, void *user);

void	 futex_ping(struct run *run);
void	 eventfd_ping(struct run *run);

#endif
