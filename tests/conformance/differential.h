/* SPDX-License-Identifier: ISC */
/*
 * What differential.c and its scenes share.  A program is a few scenes side by
 * side on one proactor.  A scene draws what it does from numbers of its own,
 * so that it does the same on every backend, and writes down what it was
 * promised: that must be the same on every backend.  What the contract leaves
 * open, how a stream is cut for instance, it does not write down.
 */
#ifndef DIFFERENTIAL_H
#define DIFFERENTIAL_H

#include "conformance/conformance.h"

struct scene;

/* Order is promised for each object; what is noted of one is kept apart. */
#define OBJECTS	8

struct page {
	char *text;
	size_t length;
	size_t room;
};

struct scene_kind {
	const char *name;
	size_t size;		/* of its state, zeroed */
	/* Submits; may poll. */
	void	(*begin)(struct scene *scene);
	/* All that was submitted is final: drops what it holds. */
	void	(*end)(struct scene *scene);
};

struct scene {
	const struct scene_kind *kind;
	struct world *w;
	uint64_t random;
	size_t pending;		/* operations without their final callback */
	size_t sent, received;	/* messages */
	struct page pages[OBJECTS];
	void *state;
};

/* A number below limit, which is not 0. */
unsigned int pick(struct scene *scene, unsigned int limit);

/* Writes a line down on the page of an object. */
void	 note(struct scene *scene, unsigned int object, const char *format, ...)
	    TAP_PRINTF(3, 4);

/*
 * An operation of a scene, with its number there.  The callback of its own
 * initialiser is called_back(), the user data this.
 */
struct act;
typedef void (*act_fn)(struct act *act, int status, unsigned int flags);

struct act {
	struct scene *scene;
	act_fn fn;
	unsigned int number;
	union {
		struct proactor_op base;
		struct proactor_nop_op nop;
		struct proactor_timer_op timer;
		struct proactor_event_wait_op wait;
		struct proactor_handle_poll_op poll;
		struct proactor_accept_op accept;
		struct proactor_connect_op connect;
		struct proactor_recv_op recv;
		struct proactor_send_op send;
		struct proactor_recvfrom_op recvfrom;
		struct proactor_sendto_op sendto;
		struct proactor_socket_close_op close;
		struct proactor_file_open_op open;
		struct proactor_file_read_op read;
		struct proactor_file_write_op write;
		struct proactor_file_close_op file_close;
		struct proactor_message_op message;
		struct proactor_notification_wait_op notification_wait;
		struct proactor_notification_signal_op notification_signal;
		struct proactor_semaphore_wait_op semaphore_wait;
		struct proactor_semaphore_signal_op semaphore_signal;
		struct proactor_sequence_op sequence;
		struct proactor_timeout_op timeout;
	} op;
};

void	 called_back(void *act, struct proactor_op *op, int status,
	    unsigned int flags);
void	 act_init(struct act *act, struct scene *scene, unsigned int number,
	    act_fn fn);

/*
 * A message operation has sent its act to the scene's own proactor, which
 * notes the arrival.
 */
void	 message_sent(struct scene *scene);

/* Must be accepted. */
void	 act_submit(struct act *act);
void	 act_submit_all(struct act *const *acts, size_t count);

/* Now and then a poll that does not wait. */
void	 maybe_poll(struct scene *scene);

/* A sum over bytes that goes on from another. */
uint64_t sum_bytes(uint64_t sum, const void *memory, size_t length);

extern const struct scene_kind stream_scene;
extern const struct scene_kind datagram_scene;
extern const struct scene_kind accept_scene;
extern const struct scene_kind close_scene;
extern const struct scene_kind file_scene;
extern const struct scene_kind chain_scene;
extern const struct scene_kind sequence_scene;
extern const struct scene_kind notification_scene;
extern const struct scene_kind semaphore_scene;
extern const struct scene_kind timer_scene;
extern const struct scene_kind event_scene;
extern const struct scene_kind cancel_scene;
extern const struct scene_kind nop_scene;

#endif
