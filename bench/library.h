/* SPDX-License-Identifier: ISC */
#ifndef BENCH_LIBRARY_H
#define BENCH_LIBRARY_H

/* The same work with libproactor, as its users write it. */

#include <proactor.h>

#include "bench/bench.h"

/* Dies of any status but 0. */
static inline void
check(int status, const char *what)
{
	if (status != 0)
		die(what, status);
}

/* A proactor on run->backend that the calling thread polls from now on. */
struct proactor *library_create(struct run *run);
void	 library_options(struct run *run, struct proactor_options *options);
void	 library_own(struct proactor *p);
/* Runs callbacks until *value is at least limit. */
void	 library_until(struct proactor *p, const uint64_t *value,
    uint64_t limit);
void	 library_release(struct proactor *p);
struct proactor_socket *library_listener(struct proactor *p, struct run *run);

void	 library_nop(struct run *run);
void	 library_sequence(struct run *run);
void	 library_post(struct run *run);
void	 library_timer_arm(struct run *run);
void	 library_timer_cancel(struct run *run);
void	 library_timer_cancel_random(struct run *run);
void	 library_timer_cancel_callback(struct run *run);
void	 library_timer_fire(struct run *run);
void	 library_timer_lateness(struct run *run);
void	 library_message_self(struct run *run);
void	 library_message_burst(struct run *run);
void	 library_message_ping(struct run *run);
void	 library_notification_ping(struct run *run);
void	 library_notification_loops(struct run *run);
void	 library_semaphore_ping(struct run *run);
void	 library_semaphore_loops(struct run *run);
void	 library_semaphore_pending(struct run *run);
void	 library_semaphore_pending_one(struct run *run);
void	 library_relay(struct run *run);
void	 library_relay_one(struct run *run);
void	 library_relay_notification(struct run *run);
void	 library_relay_notification_one(struct run *run);
void	 library_echo(struct run *run);
void	 library_accept(struct run *run);
void	 library_stream_out(struct run *run);
void	 library_stream_in(struct run *run);
void	 library_read(struct run *run);
void	 library_create_release(struct run *run);
void	 library_idle(struct run *run);

#endif
