/* SPDX-License-Identifier: ISC */
/*
 * kqueue(2) as a demultiplexer.  Changes are collected and go with the call
 * that waits.  What is done here is what FreeBSD, NetBSD, OpenBSD, DragonFly
 * and macOS have in common: filters are added and deleted, never disabled, a
 * filter that is to behave otherwise is deleted first, and no timer is used.
 */
#include "config.h"

#include <sys/types.h>
#include <sys/event.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "readiness/engine.h"

/* Changes that are collected and events that are taken at once. */
#define ROOM		128

/* Of these, so many that a set() or a forget() still has room. */
#define COLLECTED	(ROOM - 6)

/* Seconds; some systems refuse to wait for more than 100,000,000. */
#define WAIT_MOST	86400

_Static_assert(sizeof(((struct kevent *)0)->udata) == sizeof(uintptr_t),
    "udata, an integer here and a pointer there, is a word");

/* What a wait has found out about one descriptor. */
struct told {
	uint64_t key;
	unsigned int events;
	unsigned int heard;		/* filters that said so, as events */
	unsigned int failed;		/* ... that cannot be had */
	int error;
};

struct queue {
	int fd;
	bool user_event;		/* that wakes; else the pipe does */
	struct wake wake;
	int change_count;
	uint32_t told_count;
	struct kevent changes[ROOM];
	struct kevent events[ROOM];
	struct told told[ROOM];
};

static const struct timespec at_once;

static struct queue *
queue_of(const struct engine *e)
{
	return e->demux_state;
}

static void
fill(struct kevent *c, int fd, int filter, unsigned int flags, uintptr_t word)
{
	memset(c, 0, sizeof(*c));
	c->ident = (uintptr_t)fd;
	c->filter = filter;
	c->flags = flags;
	memcpy(&c->udata, &word, sizeof(word));
}

/* A change of the filters for events. */
static void
change(struct queue *q, int fd, unsigned int events, unsigned int flags,
    uint32_t generation)
{
	if (events & PROACTOR_POLL_IN)
		fill(&q->changes[q->change_count++], fd, EVFILT_READ, flags,
		    generation);
	if (events & PROACTOR_POLL_OUT)
		fill(&q->changes[q->change_count++], fd, EVFILT_WRITE, flags,
		    generation);
}

/*
 * Adds filters for events; the descriptor and its generation make the key
 * again.
 */
static void
add(struct queue *q, int fd, unsigned int events, enum slot_mode mode,
    uint64_t key)
{
	unsigned int flags = mode == MODE_EDGE ? EV_ADD | EV_CLEAR :
	    mode == MODE_ONCE ? EV_ADD | EV_ONESHOT : EV_ADD;

	change(q, fd, events, flags, (uint32_t)(key >> 32));
}

/*
 * Deletes the filters for events.  That there is none is no error: what says
 * so has a generation that is not the slot's.
 */
static void
delete(struct queue *q, int fd, unsigned int events, const struct slot *slot)
{
	change(q, fd, events, EV_DELETE, ~slot->generation);
}

/*
 * Hands over what was collected.  0, or a code when all additions of fd have
 * failed; those of others stay for wait() to hear of.  Each change asks for a
 * receipt: without room for all that may fail, the first would keep the rest
 * from being made.
 */
static int
flush(struct queue *q, int fd)
{
	struct kevent *c;
	int error, i, n, kept = 0, result = 0;
	bool added = false;

	for (i = 0; i < q->change_count; i++)
		q->changes[i].flags |= EV_RECEIPT;
	n = kevent(q->fd, q->changes, q->change_count, q->events,
	    q->change_count, &at_once);
	for (i = 0; i < q->change_count; i++) {
		c = &q->changes[i];
		error = i < n ? (int)q->events[i].data : errno;
		if (c->flags & EV_DELETE)
			continue;
		if (c->ident == (uintptr_t)fd) {
			if (error != 0)
				result = -error;
			else
				added = true;
		} else if (error != 0) {
			q->changes[kept] = *c;
			q->changes[kept++].flags &= ~EV_RECEIPT;
		}
	}
	q->change_count = kept;
	return added ? 0 : result;
}

/*
 * 0 when the descriptor is one to be watched.  Files are not: their filter is
 * silent at the end, where poll(2) and read(2) are ready.
 */
static int
check_kind(int fd)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return -errno;
	return S_ISREG(st.st_mode) || S_ISDIR(st.st_mode) ?
	    PROACTOR_EPERM : 0;
}

static int
kqueue_demux_set(struct engine *e, struct slot *slot, int fd,
    unsigned int wanted, enum slot_mode mode, uint64_t key)
{
	struct queue *q = queue_of(e);
	unsigned int old = slot->known ? slot->wanted : 0;
	int error;

	/* What has told once may be another file now; edges are sockets'. */
	if (old == 0 && mode != MODE_EDGE && (error = check_kind(fd)) != 0)
		return error;
	/* Adding what is there tells again, but does not change the mode. */
	delete(q, fd, mode == slot->mode ? old & ~wanted : old, slot);
	add(q, fd, wanted, mode, key);
	if (q->change_count <= COLLECTED)
		return 0;
	error = flush(q, fd);
	if (error == -EPIPE && q->change_count < COLLECTED) {
		/* Wait will tell of it, as it does otherwise. */
		add(q, fd, PROACTOR_POLL_OUT, mode, key);
		return 0;
	}
	return error;
}

/*
 * Most sockets never wait for room, and an edge would be told whenever the
 * peer has acknowledged something.
 */
static int
kqueue_demux_await_out(struct engine *e, int fd, uint64_t key)
{
	struct queue *q = queue_of(e);

	add(q, fd, PROACTOR_POLL_OUT, MODE_ONCE, key);
	return q->change_count <= COLLECTED ? 0 : flush(q, fd);
}

/*
 * The filters that are left go now: the descriptor may be closed next, and an
 * error of a change that comes late would end a wait.
 */
static void
kqueue_demux_forget(struct engine *e, struct slot *slot, int fd)
{
	struct queue *q = queue_of(e);

	if (slot->wanted == 0)
		return;
	delete(q, fd, slot->wanted, slot);
	(void)flush(q, fd);
}

/*
 * A filter says that something has ended, poll(2) what: handle polls and
 * sources tell of the two in one way on all backends.
 */
static unsigned int
ask_poll(int fd, unsigned int wanted, unsigned int events)
{
	struct pollfd pfd = {
		.fd = fd, .events = proactor__sys_poll_mask(wanted)
	};

	/* Not all systems can poll all they can filter. */
	if (poll(&pfd, 1, 0) != 1 || (pfd.revents & POLLNVAL))
		return events;
	return proactor__sys_poll_events(pfd.revents) |
	    (events & (READY_END | READY_URGENT));
}

/* May a receive be short and leave data?  Most systems do not tell. */
static bool
is_urgent(const struct kevent *event)
{
#ifdef EV_OOBAND
	return (event->flags & EV_OOBAND) != 0;
#else
	return event->filter == EVFILT_READ;
#endif
}

static unsigned int
decode(const struct kevent *event, const struct slot *slot)
{
	unsigned int events;

	events = event->filter == EVFILT_READ ? PROACTOR_POLL_IN :
	    PROACTOR_POLL_OUT;
	if (is_urgent(event))
		events |= READY_URGENT;
	if (!(event->flags & EV_EOF))
		return events;
	events |= event->filter == EVFILT_READ ? READY_END :
	    PROACTOR_POLL_HUP;
	if (event->fflags != 0)
		events |= PROACTOR_POLL_ERR | PROACTOR_POLL_HUP;
	if (slot->kind == SLOT_WATCH)
		events = ask_poll((int)event->ident, slot->wanted, events);
	return events;
}

/*
 * Both filters of a descriptor are told as one; the slot knows the place of
 * what is told already.
 */
static struct told *
told_of(struct queue *q, struct slot *slot, uint64_t key)
{
	struct told *t;

	if (slot->place < q->told_count && q->told[slot->place].key == key)
		return &q->told[slot->place];
	slot->place = q->told_count++;
	t = &q->told[slot->place];
	memset(t, 0, sizeof(*t));
	t->key = key;
	return t;
}

static bool
is_wake(struct queue *q, const struct kevent *event)
{
	if (q->user_event)
		return event->filter != EVFILT_READ &&
		    event->filter != EVFILT_WRITE;
	if (event->ident != (uintptr_t)q->wake.read_fd)
		return false;
	proactor__sys_wake_drain(&q->wake);
	return true;
}

/* Makes of n events what is to be told.  Nobody is called back. */
static void
collect(struct engine *e, struct queue *q, int n)
{
	const struct kevent *event;
	struct slot *slot;
	struct told *t;
	unsigned int side;
	uintptr_t word;
	uint64_t key;
	int i;

	for (i = 0; i < n; i++) {
		event = &q->events[i];
		if (is_wake(q, event))
			continue;
		memcpy(&word, &event->udata, sizeof(word));
		key = (uint64_t)(uint32_t)word << 32 | (uint32_t)event->ident;
		if (event->ident >= e->slot_count ||
		    key != slot_key(e, (int)event->ident))
			continue;
		slot = &e->slots[event->ident];
		t = told_of(q, slot, key);
		side = event->filter == EVFILT_READ ? PROACTOR_POLL_IN :
		    PROACTOR_POLL_OUT;
		t->heard |= side;
		if (!(event->flags & EV_ERROR))
			t->events |= decode(event, slot);
		else if (event->data == EPIPE)
			/* The reader of this pipe is gone. */
			t->events |= PROACTOR_POLL_OUT | PROACTOR_POLL_ERR;
		else {
			t->failed |= side;
			t->error = -(int)event->data;
		}
	}
}

/*
 * What one of two filters has said, for both: with MODE_ONCE the other must
 * not tell any more, and where one cannot be had, as that for output of a
 * FIFO that is open for reading, the other is enough.  Not so for a socket:
 * of its two directions each is waited for by somebody else, who is to attempt
 * again if it is not told of the failure.
 */
static void
settle(struct engine *e, struct queue *q)
{
	struct slot *slot;
	struct told *t;
	uint32_t i;

	for (i = 0; i < q->told_count; i++) {
		t = &q->told[i];
		slot = &e->slots[(uint32_t)t->key];
		if (t->events == 0 && slot->mode != MODE_EDGE &&
		    (slot->wanted & ~t->failed) != 0) {
			t->error = 0;
			continue;
		}
		if (t->events != 0 && slot->mode == MODE_EDGE)
			t->events |= t->failed;
		/* See kqueue_demux_await_out(). */
		if ((t->events & PROACTOR_POLL_OUT) && slot->mode == MODE_EDGE)
			slot->wanted &= (uint8_t)~PROACTOR_POLL_OUT;
		if (slot->mode == MODE_ONCE)
			delete(q, (int)(uint32_t)t->key,
			    slot->wanted & ~t->heard, slot);
		if (q->change_count > COLLECTED)
			(void)flush(q, -1);
	}
}

/* Hands over, waits, and puts what is to be told into q->told. */
static int
enter(struct engine *e, struct queue *q, int64_t timeout)
{
	struct timespec ts = { .tv_sec = WAIT_MOST };
	int n;

	if (timeout / 1000000000 < WAIT_MOST) {
		ts.tv_sec = (time_t)(timeout / 1000000000);
		ts.tv_nsec = (long)(timeout % 1000000000);
	}
	q->told_count = 0;
	n = kevent(q->fd, q->changes, q->change_count, q->events, ROOM,
	    timeout < 0 ? NULL : &ts);
	/* A signal interrupts the wait, which comes after the changes. */
	if (n < 0 && errno != EINTR)
		return -errno;
	q->change_count = 0;
	collect(e, q, n);
	/* Changes that failed are told first, and alone. */
	if (n > 0 && (q->events[0].flags & EV_ERROR)) {
		n = kevent(q->fd, NULL, 0, q->events,
		    (int)(ROOM - q->told_count), &at_once);
		collect(e, q, n);
	}
	settle(e, q);
	return 0;
}

static int
kqueue_demux_wait(struct engine *e, int64_t timeout)
{
	struct queue *q = queue_of(e);
	uint32_t i;
	int error;

	error = enter(e, q, timeout);
	if (error != 0)
		return error;
	for (i = 0; i < q->told_count; i++) {
		if (q->told[i].events != 0)
			proactor__engine_fired(e, q->told[i].key,
			    q->told[i].events);
		else if (q->told[i].error != 0)
			proactor__engine_failed(e, q->told[i].key,
			    q->told[i].error);
	}
	return 0;
}

#ifdef EVFILT_USER

/*
 * True when the queue has an event for wake().  The header may know it and
 * the system not: it is set off once.
 */
static bool
has_user_event(const struct queue *q)
{
	struct kevent changes[2], event;

	fill(&changes[0], 0, EVFILT_USER, EV_ADD | EV_CLEAR, 0);
	fill(&changes[1], 0, EVFILT_USER, 0, 0);
	changes[1].fflags = NOTE_TRIGGER;
	return kevent(q->fd, changes, 2, &event, 1, &at_once) == 1 &&
	    event.filter == EVFILT_USER && !(event.flags & EV_ERROR);
}

static void
set_off(const struct queue *q)
{
	struct kevent trigger;
	int saved = errno;

	fill(&trigger, 0, EVFILT_USER, 0, 0);
	trigger.fflags = NOTE_TRIGGER;
	(void)kevent(q->fd, &trigger, 1, NULL, 0, &at_once);
	errno = saved;
}

#else

static bool
has_user_event(const struct queue *q)
{
	(void)q;
	return false;
}

static void
set_off(const struct queue *q)
{
	(void)q;
}

#endif

static void
kqueue_demux_wake(struct engine *e)
{
	struct queue *q = queue_of(e);

	if (q->user_event)
		set_off(q);
	else
		proactor__sys_wake_signal(&q->wake);
}

/* 0 or a code; nothing is left then. */
static int
open_wake(struct queue *q)
{
	struct kevent change;
	int error;

	q->user_event = has_user_event(q);
	if (q->user_event)
		return 0;
	error = proactor__sys_wake_create(&q->wake);
	if (error != 0)
		return error;
	fill(&change, q->wake.read_fd, EVFILT_READ, EV_ADD | EV_CLEAR, 0);
	if (kevent(q->fd, &change, 1, NULL, 0, &at_once) == 0)
		return 0;
	error = -errno;
	proactor__sys_wake_close(&q->wake);
	return error;
}

static int
kqueue_demux_create(struct engine *e, char *why, size_t size)
{
	struct queue *q;
	int error;

	q = proactor__allocate(e->p, sizeof(*q));
	if (q == NULL) {
		snprintf(why, size, "out of memory");
		return PROACTOR_ENOMEM;
	}
	q->fd = kqueue();
	if (q->fd < 0) {
		error = -errno;
		snprintf(why, size, "kqueue: %s", strerror(-error));
		goto free;
	}
	/* In time: no child of fork(2) has it. */
	(void)fcntl(q->fd, F_SETFD, FD_CLOEXEC);
	error = open_wake(q);
	if (error != 0) {
		snprintf(why, size, "no descriptor to wake with: %s",
		    strerror(-error));
		goto close;
	}
	e->demux_state = q;
	return 0;
close:
	close(q->fd);
free:
	proactor__free(e->p, q);
	return error;
}

/* The queue, with all that it watches, is what wakes. */
static void
kqueue_demux_destroy(struct engine *e)
{
	(void)e;
}

static void
kqueue_demux_dispose(struct engine *e)
{
	struct queue *q = queue_of(e);

	/* In a child of fork(2) it is none, or somebody else's. */
	if (!proactor__forked(e->p->generation))
		close(q->fd);
	if (!q->user_event)
		proactor__sys_wake_close(&q->wake);
	proactor__free(e->p, q);
}

const struct demux proactor__kqueue_demux = {
	.name = "kqueue",
	.edge = true,
	.create = kqueue_demux_create,
	.set = kqueue_demux_set,
	.await_out = kqueue_demux_await_out,
	.forget = kqueue_demux_forget,
	.wait = kqueue_demux_wait,
	.wake = kqueue_demux_wake,
	.destroy = kqueue_demux_destroy,
	.dispose = kqueue_demux_dispose,
};

static int
kqueue_create(struct proactor *p, const struct backend_options *options,
    char *why, size_t size)
{
	return proactor__engine_create(p, &proactor__kqueue_demux, options,
	    why, size);
}

extern const struct backend proactor__kqueue;

const struct backend proactor__kqueue = {
	.name = "kqueue",
	.create = kqueue_create,
	ENGINE_BACKEND
};
