/* SPDX-License-Identifier: ISC */
#ifndef PROACTOR_CORE_BACKEND_H
#define PROACTOR_CORE_BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct link;
struct proactor;
struct proactor_event_source;
struct proactor_file;
struct proactor_op;
struct proactor_recv_op;
struct proactor_send_op;
struct proactor_file_read_op;
struct proactor_file_write_op;
struct proactor_relay;
struct proactor_socket;

/* Timeouts of wait() that are none. */
#define BACKEND_FOREVER	(-1)
#define BACKEND_GLANCE	INT64_MIN	/* do not wait; looking can wait, too */

/* The most that a backend moves at once; Linux' MAX_RW_COUNT. */
#define BACKEND_LENGTH_MAX	0x7ffff000u

struct backend_options {
	uint32_t concurrency;		/* hint, 0: the backend's default */
	uint64_t allowed;		/* capabilities */
	uint32_t file_threads;		/* at most; 0: the default */
};

/*
 * The contract between core and a backend.  Unless a slot says otherwise it
 * is called by the owner, and it never calls back but in wait().
 */
struct backend {
	const char *name;

	/*
	 * Makes p->state and sets p->capabilities to what was detected and is
	 * allowed, and p->chain_max if it ties chains.  On failure nothing is
	 * left, and why (size bytes) says in words what is missing.  Any
	 * thread.
	 */
	int	(*create)(struct proactor *p,
		    const struct backend_options *options, char *why,
		    size_t size);

	/* The first poll: the calling thread is the owner from now on. */
	int	(*attach)(struct proactor *p);

	/*
	 * Starts an operation whose stage is KERNEL.  It cannot fail: what
	 * goes wrong comes as a completion.  For the operations of a socket's
	 * or a file's close it ends the descriptor.
	 */
	void	(*start)(struct proactor *p, struct proactor_op *op);

	/*
	 * The same for what is started most: in one piece, of no chain, on a
	 * stream or by a datagram receive.  Flushes unless SPECIAL_COLLECT is
	 * set, and returns 0: it is accepted.
	 */
	int	(*start_recv)(struct proactor *p,
		    struct proactor_recv_op *op);
	int	(*start_send)(struct proactor *p,
		    struct proactor_send_op *op);
	int	(*start_read)(struct proactor *p,
		    struct proactor_file_read_op *op);
	int	(*start_write)(struct proactor *p,
		    struct proactor_file_write_op *op);

	/*
	 * Makes sure that the next count starts, members of a chain and at
	 * most p->chain_max, can be tied together; a member with OPB_LINKED
	 * begins when the one before it has succeeded.  False: not that many
	 * now.  Needs p->chain_max.
	 */
	bool	(*reserve)(struct proactor *p, size_t count);

	/*
	 * The member before op in its chain is final, and op's completion,
	 * put aside with OPB_EARLY, is due.  True when it is final, with the
	 * status and flags of its callback.
	 */
	bool	(*resume)(struct proactor *p, struct proactor_op *op,
		    int *ret_status, unsigned int *ret_flags);

	/* Asks for the end of an operation that is KERNEL. */
	void	(*cancel)(struct proactor *p, struct proactor_op *op);

	/* Watches a source once, calls proactor__source_fired(). */
	void	(*watch)(struct proactor *p,
		    struct proactor_event_source *source);
	/*
	 * Ends the watch of a source that is armed or is just called back;
	 * for an armed one _fired() comes with PROACTOR_ECANCELED or more.
	 */
	void	(*unwatch)(struct proactor *p,
		    struct proactor_event_source *source);

	/*
	 * Waits for the relay's source once and fires its sink, without p:
	 * calls proactor__relay_done(), once.  False: it cannot, or not now.
	 * NULL: never.
	 */
	bool	(*relay)(struct proactor *p, struct proactor_relay *relay);
	/* Ends that; _done() comes, with RELAY_CANCELED or more. */
	void	(*unrelay)(struct proactor *p, struct proactor_relay *relay);

	/*
	 * A socket or file is about to be closed, with nothing in flight:
	 * undoes what start() has set *slot to, if it has.
	 */
	void	(*forget)(struct proactor *p, int fd, int16_t *slot);

	/* Hands to the kernel what start() has collected.  Does not block. */
	int	(*flush)(struct proactor *p);

	/*
	 * Hands over, waits until something has completed or until timeout
	 * nanoseconds have passed (0: not at all; or one of the above), and
	 * completes what is there.  0, or a code when nothing will ever work.
	 * p->until is the end of the timeout by proactor_now(), unless it is
	 * 0.
	 */
	int	(*wait)(struct proactor *p, int64_t timeout);

	/* wait(p, BACKEND_FOREVER); what goes wrong is left to the next. */
	void	(*wait_long)(struct proactor *p);

	/* Ends a wait() under way.  Any thread, async-signal-safe. */
	void	(*wake)(struct proactor *p);

	/*
	 * Cancels all the kernel has and waits until it touches no memory of
	 * the caller's any more; completes nothing.  The owner, or any thread
	 * when there is no owner or it does not poll any more.
	 */
	void	(*abandon)(struct proactor *p);

	/* Ends it.  forked: in a child, where only memory is freed. */
	void	(*destroy)(struct proactor *p, bool forked);

	/*
	 * Frees p->state, which wake() may have used until now: other threads
	 * hold p for their objects' sake.  Any thread, after destroy.
	 */
	void	(*dispose)(struct proactor *p);

	/*
	 * Of one of PROACTOR_CAP_* or PROACTOR_EXPLAIN_*: one of
	 * PROACTOR_TIER_*, and why in words.  Any thread.
	 */
	unsigned int	(*explain)(const struct proactor *p,
		    uint64_t capability, const char **ret_reason);
};

/* In order of preference, ended by NULL: backends.c. */
extern const struct backend *const proactor__backends[];

#endif
