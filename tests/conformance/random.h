/* SPDX-License-Identifier: ISC */
/* Random work: its operations, and the sockets that come and go. */
#ifndef RANDOM_H
#define RANDOM_H

#include <stdatomic.h>

#include "conformance/any_op.h"
#include "conformance/conformance.h"

enum kind {
	NOP, TIMER, WAIT, POLL, RECV, SEND, RECVFROM, SENDTO, ACCEPT, CONNECT,
	READ, WRITE, SEQUENCE, MESSAGE, NOTIFICATION_WAIT, NOTIFICATION_SIGNAL,
	SEMAPHORE_WAIT, SEMAPHORE_SIGNAL, FUTEX_WAIT, FUTEX_WAKE, KINDS
};

#define SLOTS_PER_KIND	6
#define SLOTS		(KINDS * SLOTS_PER_KIND)
#define SOCKETS		12	/* two at a time are a pair */
#define EVENTS		3
#define SEMAPHORES	2
#define SCRATCH		65536
#define STEPS		5

struct work;

/* A socket that is closed at times, and what is in flight on it. */
struct end {
	struct proactor_socket *s;
	struct proactor_socket_close_op close;
	struct proactor_address address;
	struct work *work;
	size_t pending;
	bool closing;
	bool closed;
};

/* Storage of one operation that is submitted again and again. */
struct slot {
	union any_op op;
	/* A sequence's, in this order. */
	struct proactor_nop_op nop;
	struct proactor_event_wait_op wait;
	struct proactor_timeout_op timeout;
	struct proactor_file_write_op write;
	struct proactor_timer_op timer;
	struct proactor_op *steps[STEPS];
	size_t stepped;
	enum kind kind;
	struct work *work;
	struct end *end;
	size_t submitted;
	size_t finals;
};

struct work {
	struct world w;
	uint64_t random;
	struct slot slots[SLOTS];
	struct end ends[SOCKETS];
	struct proactor_event *events[EVENTS];
	struct proactor_notification *notification;
	struct proactor_semaphore *semaphores[SEMAPHORES];
	uint64_t values[SEMAPHORES];	/* that were signalled, or will be */
	uint32_t word;			/* of the futex operations */
	bool futexes;
	struct proactor_socket *listener;
	struct proactor_address address;
	struct proactor_file *file;
	int fds[2];
	size_t submits;
	size_t finals;
	size_t closes;
	bool over;
	atomic_bool stop;
	atomic_uint next_thread;
	char scratch[SCRATCH];
	char data[SCRATCH];
};

static inline unsigned int
pick(uint64_t *random, unsigned int below)
{
	*random = *random * UINT64_C(6364136223846793005) +
	    UINT64_C(1442695040888963407);
	return (unsigned int)(*random >> 33) % below;
}

static inline bool
in_flight(const struct slot *slot)
{
	return slot->submitted != slot->finals;
}

/* Everything that the work is done on; the seed is told. */
struct work *work_open(const struct proactor_options *options, uint64_t salt);

/* Shuts down, and checks that each had its one final callback. */
void	 work_close(struct work *k);

/* A new pair of sockets, in place of one that is closed, or the first. */
void	 work_open_ends(struct work *k, struct end *pair);

/* Submits the close, unless that was done. */
void	 work_close_end(struct work *k, struct end *end);

/* Once; work_submit_slot() gives it new inputs each time. */
void	 work_init_slot(struct work *k, struct slot *slot, enum kind kind);
void	 work_submit_slot(struct work *k, struct slot *slot);

#endif
