/* SPDX-License-Identifier: ISC */
#ifndef BENCH_LOOP_MESSAGES_H
#define BENCH_LOOP_MESSAGES_H

/*
 * Messages for loops that have none of their own: a lock-free queue, the
 * same for all of them.  A loop is asked only to sleep and to be woken.
 */

#include "bench/bench.h"

#ifdef __cplusplus
extern "C" {
#endif

struct message_loop {
	/*
	 * The receiver looks at its queue before it sleeps, and is woken from
	 * sleep only.  Where a loop is not ours to do so, the receiver looks
	 * when it was woken, and each message to an empty queue wakes it.
	 */
	bool	 looks;

	/* A loop of the calling thread that calls woken(user) after a wake. */
	void	*(*create)(void (*woken)(void *user), void *user);

	/* From another loop's thread or its own.  Wakes may coalesce. */
	void	 (*wake)(void *loop, void *from);

	/* What wakes from this loop have left for its next turn; or NULL. */
	void	 (*flush)(void *from);

	/* Waits for something, at least a wake. */
	void	 (*turn)(void *loop);

	void	 (*destroy)(void *loop);
};

void	 loop_message_self(struct run *run, const struct message_loop *way);
void	 loop_message_burst(struct run *run, const struct message_loop *way);
void	 loop_message_ping(struct run *run, const struct message_loop *way);

/* The three cells of a peer. */
#define LOOP_MESSAGE_CELLS(peer, way)					\
void									\
peer##_message_self(struct run *run)					\
{									\
	loop_message_self(run, &way);					\
}									\
									\
void									\
peer##_message_burst(struct run *run)					\
{									\
	loop_message_burst(run, &way);					\
}									\
									\
void									\
peer##_message_ping(struct run *run)					\
{									\
	loop_message_ping(run, &way);					\
}

#ifdef __cplusplus
}
#endif
#endif
