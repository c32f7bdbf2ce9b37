/* SPDX-License-Identifier: ISC */
/*
 * A kqueue(2) for Linux that is as strict as FreeBSD's and made of epoll(7),
 * so that the backend is tried where no BSD is at hand.
 *
 * The descriptor of a queue is an epoll that watches three things: an epoll of
 * what is to be read, one of what is to be written, and an eventfd for user
 * events.  The two filters of a descriptor are in different epolls so that
 * what happens to one does not set off the other.  EV_CLEAR and the like are
 * edges there, so an event is lost here when it would be lost on a BSD.
 *
 * close() is defined here as well: it takes the descriptor out of the queues,
 * also when a duplicate stays open.  What cannot be had: the error of a
 * socket, which Linux tells once only, is always ECONNRESET; files that epoll
 * does not take are EINVAL.
 */
#include "config.h"

#include <sys/epoll.h>
#include <sys/event.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* One filter of one descriptor, or a user event. */
struct note {
	struct note *next;
	struct kevent event;		/* as it was added */
	bool disabled;
	bool triggered;			/* user events */
	unsigned int fflags;		/* user events */
};

#define SIDES	2			/* to be read, to be written */
#define BUCKETS	256			/* by descriptor */
#define BATCH	64

/* Seconds; NetBSD and OpenBSD wait no longer than that. */
#define LONGEST	100000000

struct queue {
	struct queue *next;
	int fd;
	int epolls[SIDES];
	int kick;
	struct note *notes[BUCKETS];
};

/* Signals are blocked while it is held: handlers wake queues, and close. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct queue *queues;
static bool handles_fork;
static unsigned int told_of_side[SIDES];

static void
lock(sigset_t *ret_signals)
{
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, ret_signals);
	pthread_mutex_lock(&mutex);
}

static void
unlock(const sigset_t *signals)
{
	pthread_mutex_unlock(&mutex);
	pthread_sigmask(SIG_SETMASK, signals, NULL);
}

static int
really_close(int fd)
{
	return (int)syscall(SYS_close, fd);
}

static int
side_of(const struct note *note)
{
	return note->event.filter == EVFILT_READ ? 0 : 1;
}

static bool
is_socket(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode);
}

/* --- notes --- */

static struct note **
find_note(struct queue *q, uintptr_t ident, int filter)
{
	struct note **n;

	for (n = &q->notes[ident % BUCKETS]; *n != NULL; n = &(*n)->next)
		if ((*n)->event.ident == ident && (*n)->event.filter == filter)
			break;
	return n;
}

/* Puts the note into its epoll, or sets it off again there.  0 or an errno. */
static int
watch(struct queue *q, struct note *note, int how)
{
	struct epoll_event e = { .data.ptr = note };

	if (note->event.filter == EVFILT_USER)
		return 0;
	e.events = note->event.filter == EVFILT_READ ?
	    EPOLLIN | EPOLLPRI | EPOLLRDHUP : EPOLLOUT;
	if (note->event.flags & (EV_CLEAR | EV_ONESHOT | EV_DISPATCH))
		e.events |= EPOLLET;
	if (epoll_ctl(q->epolls[side_of(note)], how, (int)note->event.ident,
	    &e) != 0)
		return errno == EPERM ? EINVAL : errno;
	return 0;
}

static void
unwatch(struct queue *q, struct note *note)
{
	if (note->event.filter != EVFILT_USER)
		(void)epoll_ctl(q->epolls[side_of(note)], EPOLL_CTL_DEL,
		    (int)note->event.ident, NULL);
}

static void
drop(struct queue *q, struct note **n)
{
	struct note *note = *n;

	if (!note->disabled)
		unwatch(q, note);
	*n = note->next;
	free(note);
}

static void
disable(struct queue *q, struct note *note)
{
	if (!note->disabled)
		unwatch(q, note);
	note->disabled = true;
}

static void
kick(struct queue *q)
{
	const uint64_t one = 1;

	(void)!write(q->kick, &one, sizeof(one));
}

/* A FIFO that is open for reading only. */
static bool
is_reader(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode) &&
	    (fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDONLY;
}

/* The writing end of a pipe that nobody reads any more. */
static bool
is_broken_pipe(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLOUT };
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode) &&
	    poll(&pfd, 1, 0) == 1 && (pfd.revents & POLLERR);
}

static int
add_note(struct queue *q, const struct kevent *change)
{
	struct note **n, *note;
	int error;

	if (change->filter == EVFILT_WRITE) {
		if (is_reader((int)change->ident))
			return EINVAL;
		if (is_broken_pipe((int)change->ident))
			return EPIPE;
	}
	note = calloc(1, sizeof(*note));
	if (note == NULL)
		return ENOMEM;
	note->event = *change;
	note->disabled = (change->flags & EV_DISABLE) != 0;
	error = note->disabled ? 0 : watch(q, note, EPOLL_CTL_ADD);
	if (error != 0) {
		free(note);
		return error;
	}
	n = &q->notes[change->ident % BUCKETS];
	note->next = *n;
	*n = note;
	return 0;
}

static void
touch_user(struct queue *q, struct note *note, unsigned int fflags)
{
	unsigned int value = fflags & NOTE_FFLAGSMASK;

	switch (fflags & NOTE_FFCTRLMASK) {
	case NOTE_FFAND:
		note->fflags &= value;
		break;
	case NOTE_FFOR:
		note->fflags |= value;
		break;
	case NOTE_FFCOPY:
		note->fflags = value;
		break;
	}
	if (fflags & NOTE_TRIGGER)
		note->triggered = true;
	if (note->triggered)
		kick(q);
}

/* One change; 0 or an errno. */
static int
change_note(struct queue *q, const struct kevent *change)
{
	struct note **n, *note;
	int error;

	if (change->filter == EVFILT_USER) {
		if (getenv("TEST_KQUEUE_WITHOUT_USER") != NULL)
			return EINVAL;
	} else if (change->filter != EVFILT_READ &&
	    change->filter != EVFILT_WRITE)
		return EINVAL;
	else if (fcntl((int)change->ident, F_GETFD) < 0)
		return EBADF;
	n = find_note(q, change->ident, change->filter);
	if (*n == NULL) {
		if (!(change->flags & EV_ADD))
			return ENOENT;
		error = add_note(q, change);
		if (error != 0)
			return error;
		n = find_note(q, change->ident, change->filter);
	} else if (change->flags & EV_DELETE) {
		drop(q, n);
		return 0;
	} else if (!(change->flags & EV_DISABLE) && !(*n)->disabled &&
	    (error = watch(q, *n, EPOLL_CTL_MOD)) != 0)
		return error;
	/* Flags like EV_CLEAR are those of the first EV_ADD. */
	note = *n;
	note->event.udata = change->udata;
	if (note->event.filter == EVFILT_USER)
		touch_user(q, note, change->fflags);
	if (change->flags & EV_DISABLE)
		disable(q, note);
	else if ((change->flags & EV_ENABLE) && note->disabled) {
		note->disabled = false;
		return watch(q, note, EPOLL_CTL_ADD);
	}
	return 0;
}

/* --- events --- */

static int64_t
bytes_to_read(int fd)
{
	struct tcp_info info;
	socklen_t size = sizeof(info);
	int n = 0, listens = 0;
	socklen_t length = sizeof(listens);

	if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &length) ==
	    0 && listens) {
		/* Connections that wait. */
		if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0)
			return 1;
		return info.tcpi_unacked;
	}
	return ioctl(fd, FIONREAD, &n) == 0 ? n : 0;
}

static int64_t
room_to_write(int fd)
{
	int n = 0, used = 0;
	socklen_t size = sizeof(n);

	if (getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &n, &size) == 0)
		(void)ioctl(fd, SIOCOUTQ, &used);
	else if ((n = fcntl(fd, F_GETPIPE_SZ)) >= 0)
		(void)ioctl(fd, FIONREAD, &used);
	return n > used ? n - used : 0;
}

/* What epoll says of a note, in the words of kqueue. */
static void
describe(const struct note *note, uint32_t bits, struct kevent *ret)
{
	int fd = (int)note->event.ident;
	uint32_t end = EPOLLHUP;

	if (note->event.filter == EVFILT_READ) {
		ret->data = bytes_to_read(fd);
		end |= EPOLLRDHUP;
		if (bits & EPOLLPRI)
			ret->flags |= EV_OOBAND;
	} else
		ret->data = room_to_write(fd);
	/* The other end of a pipe is gone. */
	if (!is_socket(fd))
		end |= EPOLLERR;
	if (!(bits & end))
		return;
	ret->flags |= EV_EOF;
	if ((bits & EPOLLERR) && is_socket(fd))
		ret->fflags = ECONNRESET;
}

/* The note is told; what becomes of it. */
static void
told(struct queue *q, struct note *note)
{
	if (note->event.flags & EV_ONESHOT) {
		drop(q, find_note(q, note->event.ident, note->event.filter));
		return;
	}
	if (note->event.flags & EV_DISPATCH)
		disable(q, note);
	if (note->event.flags & EV_CLEAR) {
		note->triggered = false;
		note->fflags = 0;
	}
}

static void
begin_event(const struct note *note, struct kevent *ret)
{
	*ret = note->event;
	ret->flags &= (unsigned short)~(EV_ADD | EV_DELETE | EV_ENABLE |
	    EV_DISABLE);
	ret->fflags = 0;
	ret->data = 0;
}

/* Up to room events of one side; how many. */
static int
scan_side(struct queue *q, int side, struct kevent *events, int room)
{
	struct epoll_event found[BATCH];
	struct note *note;
	int i, n = 0;

	if (room > 0)
		n = epoll_wait(q->epolls[side], found,
		    room < BATCH ? room : BATCH, 0);
	for (i = 0; i < n; i++) {
		note = found[i].data.ptr;
		begin_event(note, &events[i]);
		describe(note, found[i].events, &events[i]);
		told_of_side[side]++;
		told(q, note);
	}
	return n;
}

/* User events; what stays, and what there is no room for, is the next scan's. */
static int
scan_user(struct queue *q, struct kevent *events, int room)
{
	struct note *note, *next;
	uint64_t count;
	int i, n = 0;

	if (read(q->kick, &count, sizeof(count)) < 0)
		return 0;
	for (i = 0; i < BUCKETS; i++)
		for (note = q->notes[i]; note != NULL; note = next) {
			next = note->next;
			if (!note->triggered || note->disabled)
				continue;
			if (n == room || !(note->event.flags &
			    (EV_CLEAR | EV_ONESHOT | EV_DISPATCH)))
				kick(q);
			if (n == room)
				continue;
			begin_event(note, &events[n]);
			events[n++].fflags = note->fflags;
			told(q, note);
		}
	return n;
}

static int
scan(struct queue *q, struct kevent *events, int room)
{
	int n;

	n = scan_user(q, events, room);
	n += scan_side(q, 0, events + n, room - n);
	n += scan_side(q, 1, events + n, room - n);
	return n;
}

/* --- queues --- */

static struct queue *
find_queue(int fd)
{
	struct queue *q;

	for (q = queues; q != NULL; q = q->next)
		if (q->fd == fd)
			break;
	return q;
}

/* Frees what close(2) of its descriptor leaves. */
static void
end_queue(struct queue *q)
{
	struct queue **p;
	struct note *note;
	int i;

	for (p = &queues; *p != q; p = &(*p)->next)
		continue;
	*p = q->next;
	for (i = 0; i < BUCKETS; i++)
		while ((note = q->notes[i]) != NULL) {
			q->notes[i] = note->next;
			free(note);
		}
	really_close(q->epolls[0]);
	really_close(q->epolls[1]);
	really_close(q->kick);
	free(q);
}

static void
before_fork(void)
{
	pthread_mutex_lock(&mutex);
}

static void
after_fork(void)
{
	pthread_mutex_unlock(&mutex);
}

/* A child does not inherit queues: their descriptors are free. */
static void
in_child(void)
{
	while (queues != NULL) {
		really_close(queues->fd);
		end_queue(queues);
	}
	pthread_mutex_unlock(&mutex);
}

static bool
add_to(int epoll, int fd)
{
	struct epoll_event e = { .events = EPOLLIN };

	return fd >= 0 && epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e) == 0;
}

int
kqueue(void)
{
	struct queue *q = calloc(1, sizeof(*q));
	sigset_t signals;
	int error, fd;

	if (q == NULL)
		return -1;
	lock(&signals);
	if (!handles_fork)
		handles_fork = pthread_atfork(before_fork, after_fork,
		    in_child) == 0;
	fd = q->fd = epoll_create1(0);
	q->epolls[0] = epoll_create1(EPOLL_CLOEXEC);
	q->epolls[1] = epoll_create1(EPOLL_CLOEXEC);
	q->kick = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	q->next = queues;
	queues = q;
	if (fd < 0 || !add_to(fd, q->epolls[0]) || !add_to(fd, q->epolls[1]) ||
	    !add_to(fd, q->kick)) {
		error = errno;
		end_queue(q);
		really_close(fd);
		errno = error;
		fd = -1;
	}
	unlock(&signals);
	return fd;
}

/* Also the manual's: a descriptor that is closed leaves all queues. */
int
close(int fd)
{
	struct queue *q, *next;
	sigset_t signals;
	struct note **n;
	int filter, result;

	lock(&signals);
	for (q = queues; q != NULL; q = next) {
		next = q->next;
		if (q->fd == fd) {
			end_queue(q);
			continue;
		}
		for (filter = EVFILT_READ; filter >= EVFILT_WRITE; filter--)
			if (*(n = find_note(q, (uintptr_t)fd, filter)) != NULL)
				drop(q, n);
	}
	result = really_close(fd);
	unlock(&signals);
	return result;
}

/* --- kevent --- */

/*
 * Makes the changes.  The number of errors and receipts, or -1 with errno
 * when one failed that there was no room for: the rest is not made.
 */
static int
make_changes(struct queue *q, const struct kevent *changes, int change_count,
    struct kevent *events, int event_count)
{
	struct kevent change;
	int error, i, n = 0;

	for (i = 0; i < change_count; i++) {
		change = changes[i];
		error = change_note(q, &change);
		if (error == 0 && !(change.flags & EV_RECEIPT))
			continue;
		if (n < event_count) {
			events[n] = change;
			events[n].flags = EV_ERROR;
			events[n++].data = error;
		} else if (error != 0) {
			errno = error;
			return -1;
		}
	}
	return n;
}

static void
deadline_after(const struct timespec *timeout, struct timespec *ret)
{
	clock_gettime(CLOCK_MONOTONIC, ret);
	ret->tv_sec += timeout->tv_sec;
	ret->tv_nsec += timeout->tv_nsec;
	if (ret->tv_nsec >= 1000000000) {
		ret->tv_nsec -= 1000000000;
		ret->tv_sec++;
	}
}

/* What is left until the deadline; false when it has passed. */
static bool
time_left(const struct timespec *deadline, struct timespec *ret)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	ret->tv_sec = deadline->tv_sec - now.tv_sec;
	ret->tv_nsec = deadline->tv_nsec - now.tv_nsec;
	if (ret->tv_nsec < 0) {
		ret->tv_nsec += 1000000000;
		ret->tv_sec--;
	}
	return ret->tv_sec > 0 || (ret->tv_sec == 0 && ret->tv_nsec > 0);
}

/* Waits until there are events; their number, 0 or -1 with errno. */
static int
wait_events(int kq, struct kevent *events, int room,
    const struct timespec *timeout)
{
	struct pollfd pfd = { .fd = kq, .events = POLLIN };
	struct timespec deadline, left;
	struct queue *q;
	sigset_t signals;
	int n;

	if (timeout != NULL)
		deadline_after(timeout, &deadline);
	for (;;) {
		lock(&signals);
		q = find_queue(kq);
		n = q != NULL ? scan(q, events, room) : -1;
		unlock(&signals);
		if (n < 0)
			errno = EBADF;
		if (n != 0)
			return n;
		if (timeout != NULL && !time_left(&deadline, &left))
			return 0;
		if (ppoll(&pfd, 1, timeout != NULL ? &left : NULL, NULL) < 0)
			return -1;
	}
}

unsigned int
kqueue_told(int filter)
{
	sigset_t signals;
	unsigned int n;

	lock(&signals);
	n = told_of_side[filter == EVFILT_READ ? 0 : 1];
	unlock(&signals);
	return n;
}

int
kevent(int kq, const struct kevent *changes, int change_count,
    struct kevent *events, int event_count, const struct timespec *timeout)
{
	struct queue *q;
	sigset_t signals;
	int error, n;

	if (timeout != NULL && (timeout->tv_sec < 0 ||
	    timeout->tv_sec > LONGEST || timeout->tv_nsec < 0 ||
	    timeout->tv_nsec >= 1000000000)) {
		errno = EINVAL;
		return -1;
	}
	lock(&signals);
	q = find_queue(kq);
	errno = EBADF;
	n = q == NULL ? -1 : make_changes(q, changes, change_count, events,
	    event_count);
	error = errno;
	unlock(&signals);
	if (n < 0)
		errno = error;
	if (n != 0 || event_count <= 0)
		return n;
	return wait_events(kq, events, event_count, timeout);
}
