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

#include "conformance/any_op.h"
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
	union any_op op;
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
