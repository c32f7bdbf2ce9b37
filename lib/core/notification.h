/* SPDX-License-Identifier: ISC */
#ifndef PROACTOR_CORE_NOTIFICATION_H
#define PROACTOR_CORE_NOTIFICATION_H

#include "core/core.h"

/*
 * Of an epoch, signals count the lower part.  The upper one is counted by
 * relays in the kernel, which can store the next byte but not add.
 */
#define EPOCH_COUNT	0x00ffffffu
#define EPOCH_BYTE	0x01000000u

/* The private view of struct proactor_notification_memory. */
struct notification_words {
	_Atomic uint32_t epoch;
	_Atomic uint32_t sleepers;	/* on the epoch, all processes' */
	_Atomic uint32_t waits;		/* listed ones, all processes' */
	_Atomic uint32_t observers;	/* of any kind */
};

struct proactor_notification {
	struct object object;
	struct notification_words *words;
	/*
	 * Not shared: the words.  Else this process's sleepers and observers,
	 * whom nothing that a peer has written loses a wake.
	 */
	struct notification_words own;
	bool shared;
	/*
	 * Those who sleep on the epoch are known to all processes: the kernel
	 * (seen on 6.18) forgets operations that wait on a private word when
	 * the process makes its first thread.
	 */
	bool wide;
	_Atomic uint32_t listed;	/* waits and relays; the owner's */
	_Atomic uint32_t listings;	/* changes of that, if it is shared */
	_Atomic uint32_t granted;	/* of them, to be woken */
	_Atomic uint32_t observed;	/* begun and not ended */
	_Atomic uint32_t mailed;
	struct mail mail;
	struct link waits;		/* operations, oldest first */
	struct link relays;
	int wake_fd;			/* of the shared form; or -1 */
	int peer_fd;
	int sequence_fd[2];		/* a pipe of EPOCH_BYTEs; or -1 */
	unsigned int sequence_last;	/* number in there */
	unsigned int sequence_left;	/* numbers that are not taken */
	bool look;			/* at wake_fd: proactor__sys_drain() */
	bool watching;			/* the backend has the next */
	struct proactor_event_source watch;
};

static inline uint32_t
epoch_of(struct proactor_notification *n)
{
	return atomic_load(&n->words->epoch);
}

/* A child of fork(2) leaves alone what its parent shares. */
static inline bool
is_counted(struct proactor_notification *n)
{
	return n->shared && !proactor__forked(n->object.p->generation);
}

/* By how many a count changes. */
#define ONE_MORE	1u
#define ONE_LESS	UINT32_MAX

static inline void
count_sleepers(struct proactor_notification *n, uint32_t by)
{
	atomic_fetch_add(&n->own.sleepers, by);
	if (is_counted(n))
		atomic_fetch_add(&n->words->sleepers, by);
}

static inline void
count_observers(struct proactor_notification *n, uint32_t by)
{
	atomic_fetch_add(&n->own.observers, by);
	if (is_counted(n))
		atomic_fetch_add(&n->words->observers, by);
}

/* The epoch after the next signal. */
static inline uint32_t
epoch_next(uint32_t epoch)
{
	return (epoch & ~EPOCH_COUNT) | ((epoch + 1) & EPOCH_COUNT);
}

/* notification.c; any thread, but for what the comments there say. */
uint32_t proactor__notify(struct proactor_notification *n, uint32_t count);
uint32_t proactor__notification_grant(struct proactor_notification *n,
	    uint32_t count);

/* notification_op.c; the owner. */
void	 proactor__notification_listed(struct proactor *p,
	    struct proactor_notification *n);
void	 proactor__notification_unlisted(struct proactor *p,
	    struct proactor_notification *n);
bool	 proactor__notification_forgotten(struct proactor_notification *n);

#endif
