/* SPDX-License-Identifier: ISC */
#ifndef PROACTOR_CORE_CORE_H
#define PROACTOR_CORE_CORE_H

/*
 * What the files of core/ and the backends share: the private view of the
 * public operation structs, the proactor, and the functions between them.
 * "The owner" is the thread that polls; unless a comment says otherwise a
 * function here is called by the owner only.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <proactor.h>

#include "core/backend.h"
#include "core/list.h"
#include "core/mailbox.h"
#include "core/system.h"
#include "core/timers.h"

/* Where an operation is.  Written by the owner once it has the operation. */
enum stage {
	STAGE_IDLE,		/* the caller's */
	STAGE_MAIL,		/* accepted, on its way to the owner */
	STAGE_CHAINED,		/* waits for the one before it in its chain */
	STAGE_QUEUED,		/* waits its turn on its socket */
	STAGE_KERNEL,		/* the backend has it */
	STAGE_TIMER,		/* armed */
	STAGE_EVENT,		/* waits for its event, its semaphores */
	STAGE_SEQUENCE,		/* its steps run */
	STAGE_DEADLINE,		/* a timeout whose operation is under way */
	STAGE_CLOSING,		/* a close that waits for its socket or file */
	STAGE_CLOSED,		/* ... or has closed it and waits for memory */
	STAGE_READY,		/* done; on the ready list */
	STAGE_CALLBACK,		/* in a callback with MORE */
	STAGE_AWAIT_MAIL	/* done; a foreign cancel is still under way */
};

/* Owner's bits of an operation. */
#define OPB_CANCEL	0x01u	/* cancel was asked for */
#define OPB_LINKED	0x02u	/* in a chain that the kernel runs */
#define OPB_BEFORE_OK	0x04u	/* ... whose member before it succeeded */
#define OPB_BEFORE_FAILED 0x08u	/* ... or failed */
#define OPB_EARLY	0x10u	/* ... and whose completion came early */
#define OPB_POLLING	0x20u	/* the kernel has a poll on its behalf */
#define OPB_TIED	0x40u	/* tie it to the one after it when started */
#define OPB_POSTED	0x80u	/* off its object's list, not called back */
#define OPB_HELD	0x100u	/* done but for the kernel's hold on memory */
#define OPB_ASKED	0x200u	/* the backend was asked to cancel it */
#define OPB_COPY	0x400u	/* a send that cannot do without a copy */
#define OPB_EXPIRED	0x800u	/* a timeout that has cancelled its operation */
#define OPB_BARE	0x1000u	/* a step that was never accepted */
#define OPB_REACHED	0x2000u	/* ASKED is one after it, for the chain */

/* The life word, the one member that other threads write. */
#define LIFE_IDLE		0u
#define LIFE_FLIGHT		1u
#define LIFE_CANCEL_MAILED	2u
#define LIFE_ENDING		8u	/* a pool's, in its final callback */
/* While a batch is being checked; seen by no other thread as in flight. */
#define LIFE_CHECKED		4u
/* A step that a step function may change before it is accepted. */
#define LIFE_RESERVED		16u

/*
 * The private view of proactor_op.opaque.  A cancel touches what comes first:
 * with many timers its cost is cache misses.
 */
struct op_state {
	_Atomic uint32_t life;
	uint8_t stage;
	uint8_t shape;			/* the backend's: what was encoded */
	uint16_t bits;
	_Atomic(struct proactor *) p;	/* read by foreign cancels, relaxed */
	int32_t status;			/* while READY or EARLY */
	uint32_t completion_flags;
	union {
		struct {
			struct link link;	/* the list of its stage */
			struct mail mail;
		};
		struct timer_node timer;	/* while TIMER */
	};
	struct proactor_op *chain;	/* the next one of its chain */
	struct proactor_op *before;	/* the one before it, if in flight */
	struct mail cancel_mail;
	struct proactor_op *parent;	/* the sequence it is a step of */
};
_Static_assert(sizeof(struct op_state) <=
    sizeof(((struct proactor_op *)0)->opaque), "operation state fits");
_Static_assert(_Alignof(struct op_state) <= _Alignof(struct proactor_op),
    "operation state is aligned");

static inline struct op_state *
op_state(struct proactor_op *op)
{
	return (struct op_state *)(void *)op->opaque;
}

static inline struct proactor_op *
op_of_state(struct op_state *s)
{
	return container_of(s, struct proactor_op, opaque);
}

/* The operation of a node that came out of the wheel. */
static inline struct proactor_op *
op_of_timer(struct timer_node *node)
{
	return op_of_state(container_of(node, struct op_state, timer));
}

static inline struct proactor_op *
op_of_link(struct link *l)
{
	return op_of_state(container_of(l, struct op_state, link));
}

/*
 * Reference-counted things that operations name.  Of one size, so that those
 * made by accept and open come from the proactor's slabs.
 */
enum object_type {
	OBJECT_SOCKET = 1,
	OBJECT_FILE,
	OBJECT_EVENT,
	OBJECT_NOTIFICATION
};

struct object {
	_Atomic uint32_t references;
	uint8_t type;
	bool slab;			/* from the proactor's slabs */
	bool listed;			/* on p->objects; the owner's */
	uint8_t uses;			/* operations, until it is hot */
	struct proactor *p;
	struct link link;
	struct mail mail;
};
#define OBJECT_SIZE	120

/* The state of sockets and files that other threads may ask for. */
struct proactor_socket {
	struct object object;
	struct link in;			/* accept, recv, recvfrom */
	struct link out;		/* connect, send, sendto */
	struct proactor_op *close;
	/* How io_uring's entries begin, see encode.c. */
	unsigned char ring_in[8];
	unsigned char ring_out[8];
	int fd;
	uint32_t posted;		/* operations with OPB_POSTED */
	_Atomic int16_t failure;	/* the first, sticky */
	int16_t slot;			/* in the fixed-file table, or -1 */
	uint8_t kind;
	uint8_t options;
	_Atomic uint8_t state;		/* PROACTOR_SOCKET_STATE_* */
	bool drained : 1;		/* by the last receive */
	bool ended : 1;			/* an end or an error was seen */
	bool nonblocking : 1;		/* the engine has seen to it */
	bool hinted : 1;		/* a short receive has drained it */
	/*
	 * The backend's word that operations of this direction can go by
	 * start_recv(), start_send().
	 */
	bool hot_in : 1;
	bool hot_out : 1;
};
_Static_assert(sizeof(struct proactor_socket) <= OBJECT_SIZE, "socket");

static inline bool
is_datagram(const struct proactor_socket *s)
{
	return s->kind == PROACTOR_SOCKET_UDP ||
	    s->kind == PROACTOR_SOCKET_UDP6 ||
	    s->kind == PROACTOR_SOCKET_UNIX_DATAGRAM;
}

struct proactor_file {
	struct object object;
	int fd;
	int16_t slot;
	_Atomic uint8_t closing;
	bool hot;			/* by start_read(), start_write() */
	uint8_t ways;			/* the readiness engine's, files.c */
	unsigned char ring_head[8];	/* as a socket's ring_in */
	uint32_t posted;
	struct link pending;
	struct proactor_op *close;
};
_Static_assert(sizeof(struct proactor_file) <= OBJECT_SIZE, "file");

struct proactor_event {
	struct object object;
	_Atomic uint32_t set;
	_Atomic uint32_t mailed;
	struct mail mail;
	struct link waiters;
	/* Of a pool, else NULL: the owner's. */
	struct proactor_event_pool *pool;
	struct proactor_event *next;	/* that is not acquired */
	bool acquired;
};

struct proactor_event_source {
	struct proactor *p;
	struct link link;
	struct proactor_handle handle;
	proactor_event_source_fn callback;
	void *user_data;
	bool armed;			/* the backend has it */
	bool dead;			/* unregistered; freed when not armed */
	bool calling;
	bool failed;			/* the watch could not be kept */
	unsigned int wanted;		/* PROACTOR_POLL_* */
	/* The readiness engine's, see watch.c. */
	struct proactor_event_source *next;
	struct proactor_event_source *due_next;
	unsigned int fired;
	bool watched;
	/*
	 * It is part of something of the library's, which is told when it is
	 * off all lists; its calls are not counted.  NULL: it is freed.
	 */
	void (*gone)(struct proactor_event_source *source);
};

struct message_cell {
	_Atomic uint64_t sequence;
	uint64_t data;
};

/*
 * Two bounded queues of messages, see message.c: any thread in and the owner
 * out, and the owner to itself.
 */
struct message_queue {
	struct message_cell *cells;
	uint64_t *own;
	uint64_t mask;			/* of both */
	/* What the owner writes; a signal handler on its thread, too. */
	_Alignas(64) _Atomic uint64_t head; /* cells before it are free */
	_Atomic uint64_t own_head;
	_Atomic uint64_t own_tail;
	_Atomic bool busy;		/* it is at its own ring */
	_Atomic bool shut;		/* it sends by cells, too */
	/* What senders write. */
	_Alignas(64) _Atomic uint64_t tail; /* the first cell not reserved */
	_Atomic uint64_t seen;		/* head, as they last saw it */
};

enum proactor_phase {
	PHASE_RUNNING,
	PHASE_STOPPING,		/* shutdown has begun */
	PHASE_STOPPED,		/* shutdown is complete */
	PHASE_DEAD		/* the last user reference is gone */
};

/* What the owner's short ways must not overlook. */
#define SPECIAL_DISPATCHING	0x01u	/* in a poll */
#define SPECIAL_DEFER		0x02u	/* submissions wait for the next poll */
#define SPECIAL_COLLECT		(SPECIAL_DISPATCHING | SPECIAL_DEFER)
#define SPECIAL_RELEASE		0x04u	/* released in a callback */
#define SPECIAL_READY		0x08u	/* the ready list is not empty */
#define SPECIAL_TIMERS		0x10u	/* timers are armed */
#define SPECIAL_LEFT		0x20u	/* the backend has not done all */

struct proactor {
	/* The owner's working set. */
	const struct backend *backend;
	void *state;			/* the backend's */
	_Atomic uint64_t owner;		/* proactor__self of the owner, or 0 */
	uint32_t generation;		/* see proactor__forked() */
	uint32_t special;		/* SPECIAL_* */
	/* The owner's number while it may submit here, else 0. */
	_Atomic uint64_t *gate;
	_Atomic uint64_t no_gate;	/* for when there is none */
	uint64_t capabilities;
	size_t chain_max;		/* members the backend ties, or 0 */
	size_t completed;		/* callbacks of this poll */
	int64_t until;			/* the backend waits until, or 0 */
	size_t untold;			/* what was final without one, ever */
	struct link ready;
	size_t in_flight;		/* accepted by the owner, not final */
	struct timers timers;
	struct link loose;		/* in flight, on no list of an object */
	struct link objects;		/* that operations have named */
	struct link sources;
	struct link relays;
	struct link spent_relays;	/* ended, to be unregistered */
	proactor_message_fn message_callback;
	void *message_data;
	struct link free_objects;	/* of the slabs */
	struct slab *slabs;

	/* What other threads write. */
	_Alignas(64) struct mailbox mailbox;
	_Atomic uint32_t asleep;
	_Atomic uint32_t posted;	/* something of this is new */
	_Atomic uint32_t woken;
	_Atomic uint32_t phase;
	_Atomic uint32_t references;	/* the user's */
	_Atomic uint32_t holds;		/* objects', and one for the user's */
	_Atomic size_t mailed;		/* operations on their way */

	struct message_queue messages;
	struct signals *signals;	/* NULL before the first */

	/* Cold. */
	unsigned int futex_sizes;	/* PROACTOR_FUTEX_8 ... */
	void *block;			/* what was allocated */
	proactor_realloc_fn realloc_fn;
	void *realloc_data;
	proactor_log_fn log_fn;
	void *log_data;
	char *debug_name;
	char reason[256];
};

/* What core does with one type of operation. */
struct op_class {
	const char *name;
	size_t size;
	unsigned int flags;		/* operation flags it takes */
	/* Any thread: are the arguments good?  0 or a code. */
	int	(*check)(struct proactor *p, struct proactor_op *op);
	/* Any thread: the batch is refused after all.  NULL: nothing. */
	void	(*uncheck)(struct proactor_op *op);
	/* Any thread, after check: take references.  NULL: none to take. */
	void	(*retain)(struct proactor_op *op);
	/* Start it.  It may be put on the ready list, never called back. */
	void	(*begin)(struct proactor *p, struct proactor_op *op);
	/*
	 * The part of begin that a chain in the kernel needs: reset results,
	 * take a place on the object's list.  True when it may start now.
	 */
	bool	(*enter)(struct proactor *p, struct proactor_op *op);
	/* Could start now, in the kernel?  NULL: never. */
	bool	(*linkable)(struct proactor_op *op);
	/*
	 * Its stage is QUEUED, TIMER or EVENT: post it, canceled.  DEADLINE:
	 * call it off.  SEQUENCE: cancel the step that is under way.
	 */
	void	(*cancel)(struct proactor *p, struct proactor_op *op);
	/*
	 * It is ready and not cancelled: do in the poll what must not be done
	 * in a submit.  The status; NULL: nothing.
	 */
	int	(*act)(struct proactor_op *op);
	/* Drop the references and no more: p is dead.  NULL: none. */
	void	(*abandon)(struct proactor_op *op);
	/* It is final: leave lists, drop references.  NULL: nothing. */
	void	(*leave)(struct proactor *p, struct proactor_op *op);
};

/* operation.c; a class for each type from 1 on, NULL where there is none. */
#define CLASSES	(PROACTOR_OP_TIMEOUT + 1)
extern const struct op_class *const proactor__classes[CLASSES];

/* The class of a type, or NULL when there is none. */
static inline const struct op_class *
proactor__class(unsigned int type)
{
	return type < CLASSES ? proactor__classes[type] : NULL;
}

/* memory.c; any thread. */
void	*proactor__realloc(void *user_data, void *memory, size_t size);
void	*proactor__allocate(struct proactor *p, size_t size);
void	 proactor__free(struct proactor *p, void *memory);
void	 proactor__log(struct proactor *p, int level, const char *format, ...)
	    __attribute__((format(printf, 3, 4)));

/* object.c */
void	*proactor__object_create(struct proactor *p, enum object_type type,
	    size_t size, bool owner);
void	 proactor__object_list(struct object *o);
void	 proactor__object_destroy(struct object *o);
void	 proactor__object_close(struct object *o, int *fd, int16_t *slot);
void	 proactor__object_mailed(struct proactor *p, struct object *o);
void	 proactor__slabs_free(struct proactor *p);

static inline void
object_retain(struct object *o)
{
	atomic_fetch_add_explicit(&o->references, 1, memory_order_relaxed);
}

/* True when the caller held the last reference and must destroy it. */
static inline bool
object_drop(struct object *o)
{
	return atomic_fetch_sub_explicit(&o->references, 1,
	    memory_order_acq_rel) == 1;
}

/*
 * All zeros, for a constant size: halves are stores where the whole would be
 * a loop that takes long to begin.
 */
static inline void
clear(void *memory, size_t size)
{
	memset(memory, 0, size / 2);
	memset((unsigned char *)memory + size / 2, 0, size - size / 2);
}

/* proactor.c */
void	 proactor__hold(struct proactor *p);		/* any thread */
void	 proactor__unhold(struct proactor *p);		/* any thread */

/* release.c; the last reference is gone. */
void	 proactor__destroy(struct proactor *p);

/* submit.c */
void	 proactor__begin(struct proactor *p, struct proactor_op *op);

/* dispatch.c */
void	 proactor__post(struct proactor *p, struct proactor_op *op, int status,
	    unsigned int completion_flags);
void	 proactor__complete(struct proactor *p, struct proactor_op *op,
	    int status, unsigned int completion_flags);
bool	 proactor__complete_more(struct proactor *p, struct proactor_op *op,
	    int status, unsigned int completion_flags);
void	 proactor__receive(struct proactor *p);
void	 proactor__wake_up(struct proactor *p);		/* any thread */

/* chain.c */
void	 proactor__chain_begin(struct proactor *p, struct proactor_op *head);
struct proactor_op *proactor__chain_advance(struct proactor *p,
	    struct proactor_op *next, int *status, unsigned int *flags);
struct proactor_op *proactor__chain_enter(struct proactor *p,
	    struct proactor_op *op, int *status);

/* sequence.c */
void	 proactor__sequence_note(struct proactor_op *op, int outcome,
	    int told);
struct proactor_op *proactor__sequence_advance(struct proactor *p,
	    struct proactor_op *op, int *status);

/* timeout.c */
void	 proactor__timeout_arm(struct proactor *p, struct proactor_op *op);
void	 proactor__timeout_expired(struct proactor *p, struct proactor_op *op);
int	 proactor__timeout_settle(struct proactor *p, struct proactor_op *op,
	    int outcome);
int	 proactor__timeout_outcome(const struct proactor_op *op);

/* cancel.c */
void	 proactor__cancel(struct proactor *p, struct proactor_op *op);
void	 proactor__cancel_rest(struct proactor *p);
void	 proactor__await_mail(struct proactor *p, struct proactor_op *op);
void	 proactor__abandon(struct proactor_op *op);
void	 proactor__for_each(struct proactor *p, proactor_remaining_fn fn,
	    void *user_data);
void	 proactor__cancel_all(struct proactor *p);

/* event.c */
void	 proactor__event_mailed(struct proactor *p,
	    struct proactor_event *event);
void	 proactor__event_abandon(struct proactor_event *event);

/* notification_op.c */
void	 proactor__notification_mailed(struct proactor *p,
	    struct proactor_notification *n);
void	 proactor__notification_abandon(struct proactor_notification *n);

/* source.c */
void	 proactor__source_init(struct proactor_event_source *source, int fd,
	    proactor_event_source_fn callback, void *user_data,
	    void (*gone)(struct proactor_event_source *source));
void	 proactor__source_start(struct proactor *p,
	    struct proactor_event_source *source);
void	 proactor__source_drop(struct proactor *p,
	    struct proactor_event_source *source);
void	 proactor__source_fired(struct proactor *p,
	    struct proactor_event_source *source, int result);
void	 proactor__sources_arm(struct proactor *p);
void	 proactor__sources_free(struct proactor *p);
void	 proactor__sources_drop(struct proactor *p);

/* semaphore_op.c */
void	 proactor__wait_op_mailed(struct proactor *p,
	    struct proactor_op *op);

/* fence.c */
void	 proactor__fence_fired(void *user_data, struct proactor_op *op,
	    int status, unsigned int flags);
void	 proactor__fence_abandon(struct proactor_op *op);

/* relay.c */
void	 proactor__relays_arm(struct proactor *p);
void	 proactor__relays_drop(struct proactor *p);
void	 proactor__relays_free(struct proactor *p);

/* The way in of one operation without flags on the owner's thread. */
int	 proactor__submit_plain(struct proactor *p, struct proactor_op *op);
int	 proactor__nop_submit(struct proactor *p, struct proactor_op *op);
int	 proactor__timer_submit(struct proactor *p, struct proactor_op *op);
int	 proactor__recv_submit(struct proactor *p, struct proactor_op *op);
int	 proactor__send_submit(struct proactor *p, struct proactor_op *op);
int	 proactor__read_submit(struct proactor *p, struct proactor_op *op);
int	 proactor__write_submit(struct proactor *p, struct proactor_op *op);

void	 proactor__socket_destroy(struct proactor_socket *s);
void	 proactor__socket_settle(struct proactor_socket *s);

/* posix/thread.c; cpus: those to run on if that can be had, or NULL. */
struct cpu_set;
int	 proactor__thread_create(struct proactor *p,
	    const struct proactor_thread_options *o,
	    const struct cpu_set *cpus, struct proactor_thread **ret_thread);

/* signal.c */
void	 proactor__signals_mailed(struct proactor *p);
void	 proactor__signals_drop(struct proactor *p);
void	 proactor__signals_free(struct proactor *p);

/* message.c */
int	 proactor__messages_init(struct proactor *p, uint32_t capacity);
void	 proactor__messages_free(struct proactor *p);
bool	 proactor__messages_pending(struct proactor *p);
bool	 proactor__messages_coming(struct proactor *p);
void	 proactor__messages_dispatch(struct proactor *p);
bool	 proactor__message_is_unsent(struct proactor_op *op);
bool	 proactor__message_passed_on(struct proactor_op *op, int *status);

/* connection.c, stream.c, socket.c, file.c: what a backend tells. */
void	 proactor__socket_connected(struct proactor_op *op, int status);
void	 proactor__socket_held(struct proactor *p, struct proactor_socket *s);
bool	 proactor__socket_closed(struct proactor *p, struct proactor_op *op,
	    int status);
void	 proactor__socket_fail(struct proactor_socket *s, int status);
struct proactor_socket *proactor__socket_accepted(
	    struct proactor_socket *listener, int fd);
struct proactor_file *proactor__file_opened(struct proactor *p, int fd);

/* Outside poll, what the owner submits starts promptly. */
static inline int
flush_outside(struct proactor *p)
{
	return (p->special & SPECIAL_COLLECT) ? 0 : p->backend->flush(p);
}

/* The owner: an operation of no chain is the library's from here on. */
static inline void
op_accept(struct proactor *p, struct proactor_op *op, enum stage stage)
{
	struct op_state *s = op_state(op);

	s->stage = (uint8_t)stage;
	s->bits = 0;
	s->shape = 0;
	atomic_store_explicit(&s->p, p, memory_order_relaxed);
	p->in_flight++;
	atomic_store_explicit(&s->life, LIFE_FLIGHT, memory_order_release);
}

/* Does a multishot accept survive this? */
static inline bool
accept_survives(int status)
{
	return status == PROACTOR_EMFILE || status == PROACTOR_ENFILE ||
	    status == PROACTOR_ENOBUFS || status == PROACTOR_ENOMEM ||
	    status == PROACTOR_ECONNABORTED || status == PROACTOR_EPROTO;
}

/* It is done, and is put on the ready list before the next poll looks. */
static inline void
op_done(struct proactor *p, struct op_state *s, int status,
    unsigned int completion_flags)
{
	s->status = status;
	s->completion_flags = completion_flags;
	s->stage = STAGE_READY;
	p->special |= SPECIAL_READY;
}

/* The inline form of proactor__post(). */
static inline void
op_post(struct proactor *p, struct op_state *s, int status,
    unsigned int completion_flags)
{
	op_done(p, s, status, completion_flags);
	list_append(&p->ready, &s->link);
}

/* file.c */
void	 proactor__file_destroy(struct proactor_file *f);

/* transfer.c */
void	 proactor__stream_done_last(struct proactor *p,
	    struct proactor_op *op, struct proactor_socket *s);

/*
 * Success of what start_recv() or start_send() started, with bytes set; queue
 * is s->in or s->out.  The short way of proactor__complete(): a letter about
 * the operation, and others that are queued, go the long one.
 */
static inline void
proactor__stream_done(struct proactor *p, struct proactor_op *op,
    struct proactor_socket *s, struct link *queue)
{
	_Atomic uint32_t *life = &op_state(op)->life;

	if (queue->prev != NULL) {
		proactor__complete(p, op, 0, 0);
		return;
	}
	if (atomic_fetch_sub_explicit(life, LIFE_FLIGHT,
	    memory_order_acq_rel) != LIFE_FLIGHT) {
		atomic_fetch_add_explicit(life, LIFE_FLIGHT,
		    memory_order_relaxed);
		proactor__complete(p, op, 0, 0);
		return;
	}
	queue->next = NULL;
	p->in_flight--;
	p->completed++;
	if (object_drop(&s->object))
		proactor__stream_done_last(p, op, s);
	else
		op->callback(op->user_data, op, 0, 0);
}

/* Success of what start_read() or start_write() started, with bytes set. */
static inline void
proactor__file_done(struct proactor *p, struct proactor_op *op,
    struct proactor_file *f)
{
	_Atomic uint32_t *life = &op_state(op)->life;

	if (f->close != NULL || atomic_fetch_sub_explicit(life, LIFE_FLIGHT,
	    memory_order_acq_rel) != LIFE_FLIGHT) {
		if (f->close == NULL)
			atomic_fetch_add_explicit(life, LIFE_FLIGHT,
			    memory_order_relaxed);
		proactor__complete(p, op, 0, 0);
		return;
	}
	list_remove(&op_state(op)->link);
	p->in_flight--;
	p->completed++;
	if (object_drop(&f->object))
		proactor__file_destroy(f);
	op->callback(op->user_data, op, 0, 0);
}

static inline bool
is_owner(const struct proactor *p)
{
	return atomic_load_explicit(&p->owner, memory_order_relaxed) ==
	    proactor__self;
}

#endif
