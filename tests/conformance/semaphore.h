/* SPDX-License-Identifier: ISC */
#ifndef CONFORMANCE_SEMAPHORE_H
#define CONFORMANCE_SEMAPHORE_H

#include "conformance/conformance.h"

/* A semaphore of the world's, or a failed case. */
struct proactor_semaphore *semaphore_open(struct world *w, uint64_t initial);

void	 signal_to(struct proactor_semaphore *s, uint64_t value);
uint64_t value_of(const struct proactor_semaphore *s);

/* Calls fn on a thread whose stack is small, and waits for it. */
void	 with_little_stack(void (*fn)(void *), void *arg);

/* A timepoint that counts and remembers. */
struct mark {
	struct proactor_timepoint point;
	size_t calls;
	int status;
	pthread_t thread;
	size_t *clock;		/* counts the calls of all that share it */
	size_t place;		/* what it said then */
};

void	 mark_init(struct mark *m, size_t *clock);

/* Acquires it, or the case has failed. */
void	 mark_at(struct mark *m, struct proactor_semaphore *s, uint64_t value);

/* ... and it has been called that often, the last time with status. */
void	 mark_check(const struct mark *m, size_t calls, int status);

#endif
