/* SPDX-License-Identifier: ISC */
#ifndef BENCH_RAW_EPOLL_H
#define BENCH_RAW_EPOLL_H

/*
 * The same work in a loop around epoll_wait(2), as one would write it by
 * hand for speed: a descriptor is added once, one receive and one send a
 * request, no more layers than that.
 */

#include "bench/bench.h"

void	 raw_epoll_echo(struct run *run);
void	 raw_epoll_accept(struct run *run);
void	 raw_epoll_stream_out(struct run *run);
void	 raw_epoll_stream_in(struct run *run);
void	 raw_epoll_idle(struct run *run);
void	 raw_epoll_create(struct run *run);
void	 raw_epoll_message_self(struct run *run);
void	 raw_epoll_message_burst(struct run *run);
void	 raw_epoll_message_ping(struct run *run);
void	 raw_epoll_relay(struct run *run);
void	 raw_epoll_read(struct run *run);

#endif
