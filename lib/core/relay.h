/* SPDX-License-Identifier: ISC */
#ifndef PROACTOR_CORE_RELAY_H
#define PROACTOR_CORE_RELAY_H

#include "core/notification.h"

/* Who waits for the source. */
enum relay_state {
	RELAY_IDLE,		/* nobody; before the first poll */
	RELAY_WATCHED,		/* the backend, with watch */
	RELAY_LISTED,		/* its notification has it on a list */
	RELAY_KERNEL,		/* the backend, and it fires the sink too */
	RELAY_SPENT		/* it has ended, but the user has its address */
};

/* What a backend's relay() came to. */
enum relay_outcome {
	RELAY_FIRED,		/* the sink is done */
	RELAY_READY,		/* the source was ready, the sink is not done */
	RELAY_ENDED,		/* the same; it is ready for the last time */
	RELAY_NOTHING,		/* somebody else has taken it */
	RELAY_CANCELED,
	RELAY_FAILED
};

/* The steps of a relay in the kernel; their addresses name them. */
enum relay_step { STEP_SOURCE, STEP_DRAIN, STEP_EPOCH, STEP_SINK, STEPS };

struct proactor_relay {
	struct proactor *p;
	struct link link;		/* p->relays or p->spent_relays */
	struct link source_link;	/* while LISTED */
	struct proactor_event_source watch;
	int source_fd;			/* -1: there is source */
	int sink_fd;			/* -1: there is sink */
	int sequence_fd;		/* the sink's, or -1: the backend's */
	struct proactor_notification *source;
	struct proactor_notification *sink;
	uint64_t value;
	uint64_t drained;
	uint64_t steps[STEPS];		/* their numbers */
	uint32_t count;
	uint32_t token;
	unsigned int flags;
	uint8_t state;
	bool held;			/* the user has its address */
	bool dead;			/* it is to fire no more */
	bool calling;
	bool look;			/* see proactor__sys_drain() */
	proactor_relay_error_fn error_fn;
	void *user_data;
};

/* relay.c; the owner. */
void	 proactor__relay_done(struct proactor *p, struct proactor_relay *r,
	    enum relay_outcome outcome, int value);
void	 proactor__relays_give(struct proactor *p,
	    struct proactor_notification *n, uint32_t count);
void	 proactor__relays_fault(struct proactor *p,
	    struct proactor_notification *n, int error);

#endif
