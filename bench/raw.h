/* SPDX-License-Identifier: ISC */
#ifndef BENCH_RAW_H
#define BENCH_RAW_H

/*
 * The same work on a bare ring by liburing, as one would write it by hand
 * for speed: deferred work, a registered ring, one system call a turn.
 */

#include <liburing.h>

#include "bench/bench.h"

#ifndef IORING_SETUP_SINGLE_ISSUER
# define IORING_SETUP_SINGLE_ISSUER (1U << 12)
#endif
#ifndef IORING_SETUP_DEFER_TASKRUN
# define IORING_SETUP_DEFER_TASKRUN (1U << 13)
#endif
#ifndef IORING_RECV_MULTISHOT
# define IORING_RECV_MULTISHOT (1U << 1)
#endif

void	 raw_ring_init(struct io_uring *ring, unsigned int entries);
void	 raw_turn(struct io_uring *ring, unsigned int wait);

/* An entry; what is in a full queue goes to the kernel first. */
static inline struct io_uring_sqe *
raw_sqe(struct io_uring *ring)
{
	struct io_uring_sqe *sqe;

	while ((sqe = io_uring_get_sqe(ring)) == NULL)
		io_uring_submit(ring);
	return sqe;
}

/*
 * Runs take(user, cqe) on each completion that is there; the queue's head
 * moves once.
 */
static inline unsigned int
raw_reap(struct io_uring *ring,
    void (*take)(void *user, struct io_uring_cqe *cqe), void *user)
{
	struct io_uring_cqe *cqe;
	unsigned int head, n = 0;

	io_uring_for_each_cqe(ring, head, cqe)
	{
		take(user, cqe);
		n++;
	}
	io_uring_cq_advance(ring, n);
	return n;
}

/*
 * A multishot accept.  It ends, without MORE, when the completion queue is
 * full.
 */
void	 raw_listen(struct io_uring *ring, int listener, uint64_t user_data);

void	 raw_nop(struct run *run);
void	 raw_sequence(struct run *run);
void	 raw_timer_arm(struct run *run);
void	 raw_timer_cancel(struct run *run);
void	 raw_timer_cancel_random(struct run *run);
void	 raw_timer_lateness(struct run *run);
void	 raw_message_burst(struct run *run);
void	 raw_message_ping(struct run *run);
void	 raw_relay(struct run *run);
void	 raw_echo(struct run *run);
void	 raw_echo_multishot(struct run *run);
void	 raw_accept(struct run *run);
void	 raw_stream_out(struct run *run);
void	 raw_stream_in(struct run *run);
void	 raw_read(struct run *run);
void	 raw_read_fixed(struct run *run);
void	 raw_create(struct run *run);
void	 raw_idle(struct run *run);

void	 hand_timer_arm(struct run *run);
void	 hand_timer_cancel(struct run *run);
void	 hand_timer_cancel_random(struct run *run);
void	 hand_timer_fire(struct run *run);
void	 hand_timer_lateness(struct run *run);
void	 hand_message_self(struct run *run);
void	 hand_message_burst(struct run *run);
void	 hand_message_ping(struct run *run);

#endif
