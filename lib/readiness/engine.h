/* SPDX-License-Identifier: ISC */
#ifndef PROACTOR_READINESS_ENGINE_H
#define PROACTOR_READINESS_ENGINE_H

#include "config.h"

#include "core/core.h"
#include "readiness/offload.h"

/*
 * The engine that makes completion out of readiness: an operation is
 * attempted; if it would block, its descriptor is watched; when that is
 * ready, the operation is attempted again.  A demultiplexer does the
 * watching.
 *
 * Each descriptor number has a slot.  It is a socket's from the first
 * operation that would have blocked until the socket is closed, or a
 * watch's, which stands for handle polls, event sources and files that can be
 * waited for.
 */

/* What a slot is for. */
enum slot_kind {
	SLOT_FREE,
	SLOT_SOCKET,
	SLOT_WATCH
};

/* How the demultiplexer is to tell of it. */
enum slot_mode {
	MODE_EDGE,	/* each time that something becomes ready */
	MODE_ONCE,	/* once; then it is silent until set() again */
	MODE_LEVEL	/* in each wait, as long as something is ready */
};

/* What a demultiplexer tells, beside PROACTOR_POLL_*. */
#define READY_END	0x100u	/* the peer sends no more; data may be left */
#define READY_URGENT	0x200u	/* out-of-band data: a receive may be short */

struct slot {
	void *who;		/* struct proactor_socket, struct watch */
	uint32_t generation;	/* in the key; what it tells late is dropped */
	uint32_t place;		/* the demultiplexer's own */
	uint8_t kind;
	uint8_t mode;
	uint8_t wanted;		/* PROACTOR_POLL_IN, _OUT as last set */
	bool known;		/* set() succeeded, forget() was not called */
};

struct engine;

/*
 * The contract between the engine and a demultiplexer.  All but create and
 * wake are called by the owner, or with nobody else about.
 */
struct demux {
	const char *name;
	bool edge;		/* it has MODE_EDGE */

	/*
	 * Makes e->demux_state.  On failure nothing is left, a code is
	 * returned and why (size bytes) says in words what is missing.
	 */
	int	(*create)(struct engine *e, char *why, size_t size);

	/*
	 * Watches descriptor fd, whose slot has the old mode and wanted, for
	 * wanted (not 0) in mode, telling key.  What is ready already is told
	 * too.  0 or a code; EPERM: it can always be read and written, and
	 * not be watched.  The engine writes the slot afterwards.
	 */
	int	(*set)(struct engine *e, struct slot *slot, int fd,
		    unsigned int wanted, enum slot_mode mode, uint64_t key);

	/* Ends the watch of a slot that is known; fd may be closed next. */
	void	(*forget)(struct engine *e, struct slot *slot, int fd);

	/*
	 * Waits as backend.wait does, and tells of each descriptor that is
	 * ready with proactor__engine_fired(), which calls back: slots may
	 * move and change meanwhile.  A wake is not told.  0, also after a
	 * signal, or a code when nothing will ever work.
	 */
	int	(*wait)(struct engine *e, int64_t timeout);

	/* Ends a wait under way, or the next.  Any thread, signal-safe. */
	void	(*wake)(struct engine *e);

	/* Closes what create has opened but what wake uses. */
	void	(*destroy)(struct engine *e);

	/* The rest: nobody wakes any more. */
	void	(*dispose)(struct engine *e);
};

extern const struct demux proactor__epoll_demux;
extern const struct demux proactor__poll_demux;
extern const struct demux proactor__kqueue_demux;

/* Operations, singly linked by op_state.mail, oldest first. */
struct op_list {
	struct mail *first;
	struct mail **end;
};

struct engine {
	struct proactor *p;
	const struct demux *demux;
	void *demux_state;
	struct slot *slots;
	uint32_t slot_count;
	uint32_t skipped;		/* turns without a look at the demux */
	struct op_list work;		/* to be attempted in the next turn */
	struct op_list paused;		/* to be attempted at resume_at */
	int64_t resume_at;
	struct link duplicates;		/* watches of a duplicate */
	struct watch *free_watches;
	struct link restless;		/* watches that are always ready */
	struct offload_client offload;
};

static inline struct engine *
engine_of(const struct proactor *p)
{
	return p->state;
}

static inline uint64_t
slot_key(const struct engine *e, int fd)
{
	return (uint64_t)e->slots[fd].generation << 32 | (uint32_t)fd;
}

/* engine.c */

/*
 * Descriptor and generation of key are ready for events (PROACTOR_POLL_*,
 * READY_*).  Called by demux.wait only; it calls back.
 */
void	 proactor__engine_fired(struct engine *e, uint64_t key,
	    unsigned int events);

/* The watch of key could not be made after all; as _fired(). */
void	 proactor__engine_failed(struct engine *e, uint64_t key, int error);

#endif
