/* SPDX-License-Identifier: ISC */
#ifndef PROACTOR_IO_URING_RING_H
#define PROACTOR_IO_URING_RING_H

#include "config.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include "core/core.h"
#include "io_uring/compat.h"

/*
 * The user data of a request is the address of what it is for, with one of
 * these in the low bits.
 */
#define TAG_OP		0u
#define TAG_SOURCE	1u
#define TAG_WAKE	2u
#define TAG_VOID	3u	/* nobody waits for it */
#define TAG_RECV	4u	/* an operation of start_recv() */
#define TAG_SEND	5u	/* ... of start_send() */
#define TAG_FILE	6u	/* ... of start_read(), start_write() */
#define TAG_RELAY	7u
#define TAG_MASK	7u

/* op_state.shape: how the operation is under way. */
#define SHAPE_ZC	0x01u	/* sent without a copy */
#define SHAPE_SILENT	0x02u	/* of a chain; its success is not told */
#define SHAPE_COPIED	0x04u	/* the kernel copied after all */
#define SHAPE_MULTISHOT	0x08u	/* the kernel's multishot */
#define SHAPE_PLAIN	0x20u	/* not by start_recv(), start_send() */
#define SHAPE_STASHED	0x10u	/* a late connection, in status */

/* What this kernel can do; asked once per process. */
struct ring_probe {
	uint64_t opcodes;		/* a bit each, 0 to 63 */
	uint64_t setup_flags;		/* that a set-up took */
	uint32_t features;
	bool multishot_accept;
	bool poll_first;
	bool cancel_any;
	unsigned int futex_sizes;	/* PROACTOR_FUTEX_8 ... */
	bool fixed_files;
	bool waits_until;		/* a time of proactor_now() */
};

struct ring {
	struct io_uring uring;
	struct ring_probe probe;
	struct proactor *p;
	unsigned int entries;		/* of the submission queue */
	unsigned int mask;
	unsigned int cq_mask;
	unsigned int limit;		/* the tail at which it may be full */
	unsigned int ended;		/* entries that complete no more */
	unsigned int wake_events;	/* flags of the wake poll */
	int wake_fd;
	bool attached;
	bool wake_armed;
	bool get_events;		/* task work waits for an enter */
	bool again;			/* cancels or watches to send again */
	unsigned int canceling;		/* operations that were asked to end */
	struct mail *backlog;		/* operations to start again */
	struct mail **backlog_end;
	int *slots;			/* free ones of the fixed-file table */
	unsigned int slots_free;
	bool slots_made;
	int sentinel;			/* or -1: see proactor__ring_plant() */
	bool private_waits;		/* see futex.c */
	int dummy_fd;			/* or -1: see relay.c */
};

/* The private part of recv, send, recvfrom and sendto. */
struct message_area {
	struct iovec iov[PROACTOR_SPAN_MAX];
	struct msghdr header;
};

static inline struct ring *
ring_of(const struct proactor *p)
{
	return p->state;
}

static inline uint64_t
tagged(const void *pointer, unsigned int tag)
{
	return (uint64_t)(uintptr_t)pointer | tag;
}

/* ring.c */
int	 proactor__ring_enter(struct ring *r, unsigned int wait,
	    unsigned int flags);

static inline int
ring_enter(struct ring *r, unsigned int wait, unsigned int flags)
{
	struct io_uring_sq *sq = &r->uring.sq;
	unsigned int tail = sq->sqe_tail;

	io_uring_smp_store_release(sq->ktail, tail);
	return proactor_uring_enter(r->uring.ring_fd,
	    tail - IO_URING_READ_ONCE(*sq->khead), wait, flags);
}

/* Entries that will complete, or complete again. */
static inline unsigned int
proactor__ring_pending(const struct ring *r)
{
	return r->uring.sq.sqe_tail - r->ended;
}

/* probe.c */
int	 proactor__ring_probe(struct ring_probe *ret_probe, char *why,
	    size_t size);
int	 proactor__ring_setup(struct io_uring *uring, unsigned int entries,
	    uint64_t *flags);
int	 proactor__ring_refused(int error, char *why, size_t size);
int	 proactor__ring_allowed(struct io_uring *uring);
unsigned int proactor__ring_explain(const struct proactor *p,
	    uint64_t capability, const char **ret_reason);
uint64_t proactor__ring_capabilities(const struct ring_probe *probe);

/* Are relays chains in the kernel, which then tell of their end only? */
static inline bool
proactor__ring_runs_relays(const struct proactor *p)
{
	return (p->capabilities & PROACTOR_CAP_LINKED_OPERATIONS) &&
	    (ring_of(p)->probe.features & IORING_FEAT_CQE_SKIP);
}

/* An operation that may have been asked to end is final. */
static inline void
proactor__ring_canceled(struct ring *r, struct proactor_op *op)
{
	if (op_state(op)->bits & OPB_ASKED)
		r->canceling--;
}

/* start.c */
struct io_uring_sqe *proactor__ring_sqe_more(struct ring *r);
void	 proactor__ring_start(struct proactor *p, struct proactor_op *op);
int	 proactor__ring_start_recv(struct proactor *p,
	    struct proactor_recv_op *op);
int	 proactor__ring_start_send(struct proactor *p,
	    struct proactor_send_op *op);
int	 proactor__ring_start_read(struct proactor *p,
	    struct proactor_file_read_op *op);
int	 proactor__ring_start_write(struct proactor *p,
	    struct proactor_file_write_op *op);
void	 proactor__ring_wait_ready(struct proactor *p, struct proactor_op *op,
	    int fd, unsigned int events);
void	 proactor__ring_pause(struct proactor *p, struct proactor_op *op);
bool	 proactor__ring_reserve(struct proactor *p, size_t count);

/* request.c */
void	 proactor__ring_cancel(struct proactor *p, struct proactor_op *op);
void	 proactor__ring_watch(struct proactor *p,
	    struct proactor_event_source *source);
void	 proactor__ring_unwatch(struct proactor *p,
	    struct proactor_event_source *source);
void	 proactor__ring_arm_wake(struct ring *r);
void	 proactor__ring_retry(struct proactor *p, struct ring *r);
bool	 proactor__ring_cancel_request(struct ring *r, uint64_t user_data);

/* futex.c */
void	 proactor__ring_encode_futex(struct ring *r, struct proactor_op *op,
	    struct io_uring_sqe *sqe);
bool	 proactor__ring_decode_futex(struct proactor *p,
	    struct proactor_op *op, int result, int *status);
unsigned int proactor__ring_probe_futex(struct io_uring *uring);

/* relay.c */
bool	 proactor__ring_relay(struct proactor *p,
	    struct proactor_relay *relay);
void	 proactor__ring_unrelay(struct proactor *p,
	    struct proactor_relay *relay);
void	 proactor__ring_unrelay_again(struct proactor *p);
void	 proactor__ring_block_relays(struct proactor *p);
void	 proactor__ring_relay_done(struct proactor *p, uint64_t *step,
	    int result);

/*
 * An entry of the submission queue, after a flush if that is full.  NULL when
 * the kernel takes nothing now.
 */
static inline struct io_uring_sqe *
proactor__ring_sqe(struct ring *r)
{
	struct io_uring_sq *sq = &r->uring.sq;
	unsigned int tail = sq->sqe_tail;

	if (tail == r->limit)
		return proactor__ring_sqe_more(r);
	sq->sqe_tail = tail + 1;
	return &sq->sqes[tail & r->mask];
}

/* slots.c */
void	 proactor__ring_plant(struct proactor *p, struct ring *r);
void	 proactor__ring_wait_end(struct proactor *p, struct ring *r);
void	 proactor__ring_forget(struct proactor *p, int fd, int16_t *slot);
bool	 proactor__ring_warm_up(struct proactor *p, struct ring *r, int fd,
	    int16_t *slot, uint8_t *uses);

/* Operations before the two system calls of moving in and out pay. */
#ifndef USES_HOT
#define USES_HOT	64
#endif

/*
 * The descriptor that an entry names, and the flag that says of which kind it
 * is.  uses counts up to the move.
 */
static inline void
proactor__ring_use(struct proactor *p, struct ring *r,
    struct io_uring_sqe *sqe, int16_t *slot, uint8_t *uses)
{
	if (*slot < 0 && (*uses >= USES_HOT ||
	    !proactor__ring_warm_up(p, r, sqe->fd, slot, uses)))
		return;
	sqe->fd = *slot;
	sqe->flags |= IOSQE_FIXED_FILE;
}

/*
 * The member before op, or after it, in the chain that the kernel runs, or
 * NULL.  Timeouts are not the kernel's.
 */
static inline struct proactor_op *
proactor__ring_before(struct proactor_op *op)
{
	do
		op = op_state(op)->before;
	while (op != NULL && op->type == PROACTOR_OP_TIMEOUT);
	return op;
}

static inline struct proactor_op *
proactor__ring_after(struct proactor_op *op)
{
	do
		op = op_state(op)->chain;
	while (op != NULL && op->type == PROACTOR_OP_TIMEOUT);
	return op != NULL && (op_state(op)->bits & OPB_LINKED) ? op : NULL;
}

/* decode.c */
struct proactor_op *proactor__ring_infer(struct ring *r,
	    struct proactor_op *op);
bool	 proactor__ring_resume(struct proactor *p, struct proactor_op *op,
	    int *ret_status, unsigned int *ret_flags);

/* reap.c */
void	 proactor__ring_wait_long(struct proactor *p);
void	 proactor__ring_decode(struct ring *r);
void	 proactor__ring_void(struct ring *r, struct io_uring_cqe *cqe);

#endif
