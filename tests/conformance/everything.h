/* SPDX-License-Identifier: ISC */
#ifndef CONFORMANCE_EVERYTHING_H
#define CONFORMANCE_EVERYTHING_H

#include "conformance/conformance.h"

/* One in flight of every kind that can wait for ever. */
struct everything {
	struct world w;
	struct proactor_event *event;
	struct proactor_notification *notification;
	struct proactor_semaphore *semaphore;
	struct pair pair;
	struct pair datagrams;
	struct proactor_socket *listener;
	int fds[2];
	char bytes[4][64];
	struct proactor_timer_op timer;
	struct proactor_event_wait_op wait;
	struct proactor_handle_poll_op poll;
	struct proactor_recv_op recv, recv_behind;
	struct proactor_recvfrom_op recvfrom;
	struct proactor_accept_op accept;
	struct proactor_notification_wait_op notified;
	struct proactor_semaphore_wait_op reached;
	struct proactor_nop_op nop;
};

#define EVERYTHING	10

void	 everything_open(struct everything *f,
	    const struct proactor_options *options);
void	 everything_submit(struct everything *f);

/* Releases and closes what the operations were about. */
void	 everything_drop(struct everything *f);

/* Each has been called back once, with what an end at once gives. */
void	 everything_ended(struct everything *f);

#endif
