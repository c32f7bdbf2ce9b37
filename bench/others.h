/* SPDX-License-Identifier: ISC */
#ifndef BENCH_OTHERS_H
#define BENCH_OTHERS_H

/*
 * The same work with others' event loops, each in the leanest way that its
 * own interface has: no buffered streams, no copies, speculative writes.
 */

#include "bench/bench.h"

#ifdef __cplusplus
extern "C" {
#endif

#define OTHER_CELLS(peer)						\
	void	 peer##_nop(struct run *run);				\
	void	 peer##_post(struct run *run);				\
	void	 peer##_timer_arm(struct run *run);			\
	void	 peer##_timer_cancel(struct run *run);			\
	void	 peer##_timer_cancel_random(struct run *run);		\
	void	 peer##_timer_fire(struct run *run);			\
	void	 peer##_timer_lateness(struct run *run);		\
	void	 peer##_message_self(struct run *run);			\
	void	 peer##_message_burst(struct run *run);			\
	void	 peer##_message_ping(struct run *run);			\
	void	 peer##_echo(struct run *run);				\
	void	 peer##_accept(struct run *run);			\
	void	 peer##_stream_out(struct run *run);			\
	void	 peer##_stream_in(struct run *run);			\
	void	 peer##_create(struct run *run)

OTHER_CELLS(libuv);
OTHER_CELLS(libevent);
OTHER_CELLS(asio);

void	 libuv_read(struct run *run);

/* "libuv 1.44.2" */
extern const char libuv_words[], libevent_words[], asio_words[];

#ifdef __cplusplus
}
#endif
#endif
