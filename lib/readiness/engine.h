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

	/*
	 * Tells once of output, of a slot that is known in MODE_EDGE with or
	 * without it.  0 or a code; the engine writes the slot afterwards,
	 * and this takes output from what is wanted when it tells of it.
	 * NULL: MODE_EDGE is for both directions from the start, because one
	 * that nobody waits for costs nothing.
	 */
	int	(*await_out)(struct engine *e, int fd, uint64_t key);

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

/*
 * A descriptor that is watched for others than a socket's operations.  When a
 * socket has the slot of its number it is a duplicate that is watched.
 */
struct watch {
	struct link link;		/* duplicates, restless, or none */
	struct mail *ops;		/* handle polls, file operations */
	struct proactor_event_source *sources;
	int origin;			/* the descriptor that was named */
	int fd;				/* the one that is watched */
	bool restless;			/* always ready, cannot be watched */
};

struct engine {
	struct proactor *p;
	const struct demux *demux;
	void *demux_state;
	struct slot *slots;
	uint32_t slot_count;
	uint32_t skipped;		/* turns without a look at the demux */
	size_t skipped_work;		/* ... and completions in them */
	struct op_list fresh;		/* not yet attempted */
	struct op_list work;		/* to be attempted in the next turn */
	struct op_list due;		/* what the demux has brought */
	struct op_list paused;		/* to be attempted at resume_at */
	int64_t resume_at;
	struct proactor_event_source *due_sources;
	struct link duplicates;
	struct link restless;
	struct offload_client offload;
};

/* op_state.shape: where an operation is. */
#define SHAPE_LISTED	0x01u	/* on fresh, work, due or paused */
#define SHAPE_PARKED	0x02u	/* its socket's readiness is waited for */
#define SHAPE_WATCHED	0x04u	/* on the list of a watch */
#define SHAPE_THREAD	0x08u	/* with the threads */
#define SHAPE_DONE	0x10u	/* over, with op_state.status */
#define SHAPE_UNDER_WAY	0x20u	/* a connect that the system has begun */

/* What an attempt has come to: the operation is over, or needs ... */
enum need {
	NEED_NOTHING,		/* it is over */
	NEED_IN,		/* its socket to be readable */
	NEED_OUT,		/* ... writable */
	NEED_FILE_IN,		/* its file to be readable */
	NEED_FILE_OUT,
	NEED_HANDLE,		/* its handle */
	NEED_PAUSE,		/* time */
	NEED_TURN,		/* others to have their turn */
	NEED_THREAD		/* a thread that may block */
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

static inline struct proactor_op *
op_of_mail(struct mail *mail)
{
	return op_of_state(container_of(mail, struct op_state, mail));
}

#define AS(type, op)	container_of(op, struct proactor_ ## type ## _op, base)

static inline void
op_list_clear(struct op_list *list)
{
	list->first = NULL;
	list->end = &list->first;
}

/* Appends an operation that is nowhere. */
static inline void
op_list_append(struct op_list *list, struct proactor_op *op)
{
	struct op_state *s = op_state(op);

	s->shape |= SHAPE_LISTED;
	s->mail.next = NULL;
	*list->end = &s->mail;
	list->end = &s->mail.next;
}

/* Moves all of from to the end of to. */
static inline void
op_list_splice(struct op_list *to, struct op_list *from)
{
	if (from->first == NULL)
		return;
	*to->end = from->first;
	to->end = from->end;
	op_list_clear(from);
}

/* The oldest of a list that is not empty; it is nowhere then. */
static inline struct proactor_op *
op_list_take(struct op_list *list)
{
	struct mail *mail = list->first;

	list->first = mail->next;
	if (list->first == NULL)
		list->end = &list->first;
	op_state(op_of_mail(mail))->shape &= (uint8_t)~SHAPE_LISTED;
	return op_of_mail(mail);
}

/* Every socket operation has its socket first. */
static inline struct proactor_socket *
socket_of(struct proactor_op *op)
{
	return AS(recv, op)->socket;
}
_Static_assert(offsetof(struct proactor_recv_op, socket) ==
    offsetof(struct proactor_send_op, socket) &&
    offsetof(struct proactor_recv_op, socket) ==
    offsetof(struct proactor_sendto_op, socket) &&
    offsetof(struct proactor_recv_op, socket) ==
    offsetof(struct proactor_recvfrom_op, socket) &&
    offsetof(struct proactor_recv_op, socket) ==
    offsetof(struct proactor_connect_op, socket) &&
    offsetof(struct proactor_recv_op, socket) ==
    offsetof(struct proactor_accept_op, listener), "the socket is first");

/* engine.c */

int	 proactor__engine_create(struct proactor *p, const struct demux *demux,
	    const struct backend_options *options, char *why, size_t size);
void	 proactor__engine_await(struct engine *e, struct proactor_op *op,
	    enum need need);
void	 proactor__engine_fail(struct engine *e, struct proactor_op *op,
	    int status);

/* What the backends of all demultiplexers have in common: after .create. */
#define ENGINE_BACKEND \
	.attach = proactor__engine_attach, \
	.start = proactor__engine_start, \
	.start_recv = proactor__engine_start_recv, \
	.start_send = proactor__engine_start_send, \
	.start_read = proactor__engine_start_read, \
	.start_write = proactor__engine_start_write, \
	.cancel = proactor__engine_cancel, \
	.watch = proactor__engine_watch, \
	.unwatch = proactor__engine_unwatch, \
	.forget = proactor__engine_forget, \
	.flush = proactor__engine_flush, \
	.wait = proactor__engine_wait, \
	.wait_long = proactor__engine_wait_long, \
	.wake = proactor__engine_wake, \
	.abandon = proactor__engine_abandon, \
	.destroy = proactor__engine_destroy, \
	.dispose = proactor__engine_dispose, \
	.explain = proactor__engine_explain

int	 proactor__engine_attach(struct proactor *p);
void	 proactor__engine_start(struct proactor *p, struct proactor_op *op);
int	 proactor__engine_start_recv(struct proactor *p,
	    struct proactor_recv_op *op);
int	 proactor__engine_start_send(struct proactor *p,
	    struct proactor_send_op *op);
int	 proactor__engine_start_read(struct proactor *p,
	    struct proactor_file_read_op *op);
int	 proactor__engine_start_write(struct proactor *p,
	    struct proactor_file_write_op *op);
void	 proactor__engine_cancel(struct proactor *p, struct proactor_op *op);
int	 proactor__engine_flush(struct proactor *p);
void	 proactor__engine_wake(struct proactor *p);
void	 proactor__engine_abandon(struct proactor *p);
void	 proactor__engine_destroy(struct proactor *p, bool forked);
void	 proactor__engine_dispose(struct proactor *p);
unsigned int proactor__engine_explain(const struct proactor *p,
	    uint64_t capability, const char **ret_reason);

/* turn.c */

/*
 * Descriptor and generation of key are ready for events (PROACTOR_POLL_*,
 * READY_*).  Called by demux.wait only; it calls back.
 */
void	 proactor__engine_fired(struct engine *e, uint64_t key,
	    unsigned int events);

/* The watch of key could not be made after all; as _fired(). */
void	 proactor__engine_failed(struct engine *e, uint64_t key, int error);

int	 proactor__engine_wait(struct proactor *p, int64_t timeout);
void	 proactor__engine_wait_long(struct proactor *p);

/* slots.c */
struct slot *proactor__slot(struct engine *e, int fd);
int	 proactor__slot_set(struct engine *e, int fd, unsigned int wanted,
	    enum slot_mode mode);
void	 proactor__slot_forget(struct engine *e, int fd);
int	 proactor__socket_park(struct engine *e, struct proactor_socket *s,
	    unsigned int events);
void	 proactor__engine_forget(struct proactor *p, int fd, int16_t *slot);

/* watch.c */
int	 proactor__watch_op(struct engine *e, int fd, struct proactor_op *op);
void	 proactor__unwatch_op(struct engine *e, struct proactor_op *op);
void	 proactor__watch_fired(struct engine *e, struct watch *w,
	    unsigned int events);
void	 proactor__watch_failed(struct engine *e, struct watch *w, int error);
int	 proactor__watch_move(struct engine *e, struct watch *w);
void	 proactor__watch_idle(struct engine *e, struct watch *w);
void	 proactor__watch_free_all(struct engine *e);
void	 proactor__restless_fired(struct engine *e);
void	 proactor__due_sources(struct engine *e);
void	 proactor__engine_watch(struct proactor *p,
	    struct proactor_event_source *source);
void	 proactor__engine_unwatch(struct proactor *p,
	    struct proactor_event_source *source);

/*
 * attempt_*.c: one attempt that does not block.  *status is set with
 * NEED_NOTHING.  None calls back.
 */
enum need proactor__attempt(struct engine *e, struct proactor_op *op,
	    int *status);
enum need proactor__attempt_recv(struct proactor_recv_op *op, int *status);
enum need proactor__attempt_send(struct proactor_send_op *op, int *status);
enum need proactor__attempt_recvfrom(struct proactor_recvfrom_op *op,
	    int *status);
enum need proactor__attempt_sendto(struct proactor_sendto_op *op, int *status);
enum need proactor__attempt_accept(struct proactor_accept_op *op, int *status);
enum need proactor__attempt_connect(struct proactor_connect_op *op,
	    int *status);
enum need proactor__attempt_file(struct engine *e, struct proactor_op *op,
	    int *status);
void	 proactor__file_execute(struct mail *job);
int	 proactor__file_returned(struct proactor *p, struct proactor_op *op);
void	 proactor__file_void(struct proactor_op *op);

#endif
