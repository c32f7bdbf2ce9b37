/* SPDX-License-Identifier: ISC */
/*
 * Notifications: an epoch that any thread, or a signal handler, moves on, and
 * whoever waits for that.  Threads sleep on the epoch itself.  Operations are
 * listed by the owner, to whom a signal grants, by mail, how many of them it
 * wakes.  A signal moves the epoch first and looks for waiters then; a waiter
 * makes itself known first and looks at the epoch then: one of them sees the
 * other.
 */
#include "config.h"

#include "core/class.h"
#include "core/notification.h"

_Static_assert(sizeof(struct notification_words) <=
    sizeof(struct proactor_notification_memory) &&
    _Alignof(struct notification_words) ==
    _Alignof(struct proactor_notification_memory), "shared memory");

static struct proactor_notification *
make(struct proactor *p)
{
	struct proactor_notification *n;

	n = proactor__object_create(p, OBJECT_NOTIFICATION, sizeof(*n), false);
	if (n == NULL)
		return NULL;
	n->words = &n->own;
	n->wide = (p->capabilities & PROACTOR_CAP_FUTEX_OPERATIONS) != 0;
	n->wake_fd = n->peer_fd = -1;
	n->sequence_fd[0] = n->sequence_fd[1] = -1;
	list_init(&n->waits);
	list_init(&n->relays);
	return n;
}

/* Makes a notification whose operations run on p.  Any thread. */
int
proactor_notification_create(struct proactor *p,
    struct proactor_notification **ret_n)
{
	struct proactor_notification *n;

	if (p == NULL || ret_n == NULL)
		return PROACTOR_EINVAL;
	if (proactor__forked(p->generation))
		return PROACTOR_ECHILD;
	n = make(p);
	if (n == NULL)
		return PROACTOR_ENOMEM;
	*ret_n = n;
	return 0;
}

/* A duplicate in *fd; it stays -1 for none. */
static int
take_handle(struct proactor_handle handle, int *fd)
{
	struct proactor_handle copy;
	int error;

	if (handle.type == PROACTOR_HANDLE_NONE)
		return 0;
	if (handle.type != PROACTOR_HANDLE_FD)
		return PROACTOR_EINVAL;
	error = proactor_handle_dup(handle, &copy);
	if (error == 0)
		*fd = copy.u.fd;
	return error;
}

/*
 * The same over memory that another process maps: p watches wake, which that
 * process writes to, and signals write to peer.  Any thread.
 */
int
proactor_notification_create_shared(struct proactor *p,
    struct proactor_notification_memory *memory, struct proactor_handle wake,
    struct proactor_handle peer,
    struct proactor_notification **ret_n)
{
	struct proactor_notification *n;
	int error;

	if (p == NULL || memory == NULL || ret_n == NULL ||
	    (uintptr_t)memory % _Alignof(struct notification_words) != 0)
		return PROACTOR_EINVAL;
	if (proactor__forked(p->generation))
		return PROACTOR_ECHILD;
	n = make(p);
	if (n == NULL)
		return PROACTOR_ENOMEM;
	n->shared = n->wide = true;
	n->words = (struct notification_words *)(void *)memory;
	error = take_handle(wake, &n->wake_fd);
	if (error == 0)
		error = take_handle(peer, &n->peer_fd);
	if (error != 0) {
		proactor_notification_release(n);
		return error;
	}
	*ret_n = n;
	return 0;
}

struct proactor_notification *
proactor_notification_retain(struct proactor_notification *n)
{
	if (n != NULL)
		object_retain(&n->object);
	return n;
}

static void
close_open(int fd)
{
	if (fd >= 0)
		proactor__sys_close(fd);
}

void
proactor_notification_release(struct proactor_notification *n)
{
	if (n == NULL || !object_drop(&n->object))
		return;
	close_open(n->wake_fd);
	close_open(n->peer_fd);
	close_open(n->sequence_fd[0]);
	close_open(n->sequence_fd[1]);
	proactor__object_destroy(&n->object);
}

static uint32_t
least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/*
 * Those of this process are awake, or find that the epoch has moved.  Of the
 * other's, who may have died asleep, only those count whom the system knows.
 */
static uint32_t
wake_sleepers(struct proactor_notification *n, uint32_t count)
{
	uint32_t sleepers = atomic_load(&n->own.sleepers), woken;

	if (sleepers == 0 && atomic_load(&n->words->sleepers) == 0)
		return 0;
	woken = proactor__futex_wake(&n->words->epoch, count, n->wide);
	return woken > sleepers ? woken : least(count, sleepers);
}

/*
 * The owner is to wake so many of what it has listed; how many there are.  Any
 * thread, async-signal-safe.
 */
uint32_t
proactor__notification_grant(struct proactor_notification *n, uint32_t count)
{
	struct proactor *p = n->object.p;
	uint32_t granted, more, none = 0, listed = atomic_load(&n->listed);

	/* Nobody reads the mail of a dead proactor. */
	if (listed == 0 || atomic_load(&p->phase) == PHASE_DEAD)
		return 0;
	granted = atomic_load(&n->granted);
	do {
		if (granted >= listed)
			return 0;
		more = least(count, listed - granted);
	} while (!atomic_compare_exchange_weak(&n->granted, &granted,
	    granted + more));
	if (!atomic_compare_exchange_strong(&n->mailed, &none, 1))
		return more;
	object_retain(&n->object);
	n->mail.kind = MAIL_NOTIFICATION;
	mailbox_post(&p->mailbox, &n->mail);
	proactor__wake_up(p);
	/* It may have died just before, and its mail been read. */
	if (atomic_load(&p->phase) == PHASE_DEAD)
		proactor__notification_abandon(n);
	return more;
}

/* The same of the other process. */
static uint32_t
tell_peer(struct proactor_notification *n, uint32_t count)
{
	uint32_t all, listed, listings;

	/* What is of this process must be among all. */
	do {
		listings = atomic_load(&n->listings);
		all = atomic_load(&n->words->waits);
		listed = atomic_load(&n->listed);
	} while (atomic_load(&n->listings) != listings);
	if (n->peer_fd < 0 || all <= listed)
		return 0;
	count = least(count, all - listed);
	return proactor__sys_raise(n->peer_fd, count) == 0 ? count : 0;
}

/* The epoch has moved: wakes at most count, and says how many. */
static uint32_t
wake(struct proactor_notification *n, uint32_t count)
{
	uint32_t woken;

	woken = wake_sleepers(n, count);
	if (woken < count)
		woken += proactor__notification_grant(n, count - woken);
	if (n->shared && woken < count)
		woken += tell_peer(n, count - woken);
	return woken;
}

/*
 * Moves the epoch, wakes at most count, and says how many.  Any thread,
 * async-signal-safe.
 */
uint32_t
proactor__notify(struct proactor_notification *n, uint32_t count)
{
	uint32_t epoch = epoch_of(n);

	while (!atomic_compare_exchange_weak(&n->words->epoch, &epoch,
	    epoch_next(epoch)))
		continue;
	return wake(n, count);
}

static int
check(struct proactor_notification *n)
{
	if (n == NULL)
		return PROACTOR_EINVAL;
	return proactor__forked(n->object.p->generation) ?
	    PROACTOR_ECHILD : 0;
}

/*
 * Moves the epoch and wakes at most count of those who wait.  Any thread,
 * async-signal-safe.
 */
int
proactor_notification_signal(struct proactor_notification *n, int32_t count)
{
	int error = check(n);

	if (error == 0 && count <= 0)
		error = PROACTOR_EINVAL;
	if (error == 0)
		(void)proactor__notify(n, (uint32_t)count);
	return error;
}

/* The same if anybody observes, and then 1; else 0. */
int
proactor_notification_signal_if_observed(struct proactor_notification *n,
    int32_t count)
{
	int error = check(n);

	if (error == 0 && count <= 0)
		error = PROACTOR_EINVAL;
	if (error != 0)
		return error;
	/*
	 * It adds nothing, but has a place among the additions: an observer
	 * that comes after it sees what was written before it.
	 */
	if (atomic_fetch_add(&n->own.observers, 0) == 0 && (!n->shared ||
	    atomic_fetch_add(&n->words->observers, 0) == 0))
		return 0;
	(void)proactor__notify(n, (uint32_t)count);
	return 1;
}

/* The epoch now; 0 without a notification.  Any thread. */
uint32_t
proactor_notification_query_epoch(struct proactor_notification *n)
{
	return n != NULL ? epoch_of(n) : 0;
}

/* Makes signal_if_observed signal; a token to wait with.  Any thread. */
uint32_t
proactor_notification_begin_observe(struct proactor_notification *n)
{
	if (n == NULL)
		return 0;
	atomic_fetch_add(&n->observed, 1);
	count_observers(n, ONE_MORE);
	return epoch_of(n);
}

/* Undoes one begin_observe; EINVAL when there was none. */
int
proactor_notification_end_observe(struct proactor_notification *n)
{
	uint32_t observed;

	if (n == NULL)
		return PROACTOR_EINVAL;
	observed = atomic_load(&n->observed);
	do {
		if (observed == 0)
			return PROACTOR_EINVAL;
	} while (!atomic_compare_exchange_weak(&n->observed, &observed,
	    observed - 1));
	count_observers(n, ONE_LESS);
	return 0;
}

/* Sleeps until the epoch is another one than token, or the deadline. */
static int
sleep_on(struct proactor_notification *n, uint32_t token, int64_t deadline)
{
	int error = 0;

	count_observers(n, ONE_MORE);
	count_sleepers(n, ONE_MORE);
	while (error == 0 && epoch_of(n) == token)
		error = proactor__futex_wait(&n->words->epoch, token, deadline,
		    n->wide);
	count_sleepers(n, ONE_LESS);
	count_observers(n, ONE_LESS);
	/* A signal that has counted on this sleeper is not lost on it. */
	return epoch_of(n) != token ? 0 : error;
}

/*
 * Blocks until the epoch has moved past token (0) or the deadline passes
 * (ETIMEDOUT).  Any thread.
 */
int
proactor_notification_wait_for_token(struct proactor_notification *n,
    uint32_t token, int64_t deadline)
{
	int error = check(n);

	if (error != 0)
		return error;
	if (epoch_of(n) != token)
		return 0;
	if (deadline <= 0)
		return PROACTOR_ETIMEDOUT;
	object_retain(&n->object);
	error = sleep_on(n, token, deadline);
	proactor_notification_release(n);
	return error;
}

/* The same with the epoch of this moment.  Any thread. */
int
proactor_notification_wait(struct proactor_notification *n, int64_t deadline)
{
	return proactor_notification_wait_for_token(n,
	    proactor_notification_query_epoch(n), deadline);
}
