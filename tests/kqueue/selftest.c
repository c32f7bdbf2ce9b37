/* SPDX-License-Identifier: ISC */
/*
 * tests/kqueue/kqueue.c against the manual page of kqueue(2): what it gets
 * wrong would be believed of the backend.
 */
#include "config.h"

#include <sys/types.h>
#include <sys/event.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tap/tap.h"

static const struct timespec at_once;

static int
open_queue(void)
{
	int kq = kqueue();

	CHECK(kq >= 0);
	return kq;
}

static void
open_pair(int fds[2])
{
	CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	CHECK_INT(fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
	CHECK_INT(fcntl(fds[1], F_SETFL, O_NONBLOCK), 0);
}

/* A connected pair over TCP. */
static void
open_tcp(int fds[2])
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	socklen_t size = sizeof(sin);
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	CHECK(listener >= 0);
	CHECK_INT(bind(listener, (struct sockaddr *)&sin, size), 0);
	CHECK_INT(listen(listener, 1), 0);
	CHECK_INT(getsockname(listener, (struct sockaddr *)&sin, &size), 0);
	fds[0] = socket(AF_INET, SOCK_STREAM, 0);
	CHECK(fds[0] >= 0);
	CHECK_INT(connect(fds[0], (struct sockaddr *)&sin, size), 0);
	fds[1] = accept(listener, NULL, NULL);
	CHECK(fds[1] >= 0);
	close(listener);
}

static struct kevent
change_of(int ident, int filter, int flags)
{
	struct kevent c;

	memset(&c, 0, sizeof(c));
	c.ident = (uintptr_t)ident;
	c.filter = filter;
	c.flags = flags;
	return c;
}

/* 0 or the errno of one change. */
static int
change(int kq, int ident, int filter, int flags)
{
	struct kevent c = change_of(ident, filter, flags);

	return kevent(kq, &c, 1, NULL, 0, NULL) == 0 ? 0 : errno;
}

static void
trigger(int kq, unsigned int fflags)
{
	struct kevent c = change_of(7, EVFILT_USER, 0);

	c.fflags = NOTE_TRIGGER | fflags;
	CHECK_INT(kevent(kq, &c, 1, NULL, 0, NULL), 0);
}

/* How many events there are now; the first is *ret. */
static int
look(int kq, struct kevent *ret)
{
	struct kevent events[8];
	int n = kevent(kq, NULL, 0, events, 8, &at_once);

	CHECK(n >= 0);
	if (n > 0 && ret != NULL)
		*ret = events[0];
	return n;
}

static void
put(int fd, int count)
{
	while (count-- > 0)
		CHECK_INT(write(fd, "x", 1), 1);
}

static void
take(int fd, int count)
{
	char byte;

	while (count-- > 0)
		CHECK_INT(read(fd, &byte, 1), 1);
}

static void
read_is_level(void)
{
	int kq = open_queue(), fds[2];
	struct kevent event;

	open_pair(fds);
	CHECK_INT(change(kq, fds[0], EVFILT_READ, EV_ADD), 0);
	CHECK_INT(look(kq, NULL), 0);
	put(fds[1], 3);
	CHECK_INT(look(kq, &event), 1);
	CHECK_INT(look(kq, &event), 1);
	CHECK_INT(event.ident, fds[0]);
	CHECK_INT(event.filter, EVFILT_READ);
	CHECK_INT(event.data, 3);
	CHECK_INT(event.flags & (EV_EOF | EV_ERROR), 0);
	take(fds[0], 3);
	CHECK_INT(look(kq, NULL), 0);
}

static void
clear_is_edge(void)
{
	int kq = open_queue(), fds[2];
	struct kevent event;

	open_pair(fds);
	put(fds[1], 1);
	CHECK_INT(change(kq, fds[0], EVFILT_READ, EV_ADD | EV_CLEAR), 0);
	CHECK_INT(look(kq, NULL), 1);
	CHECK_INT(look(kq, NULL), 0);
	put(fds[1], 1);
	CHECK_INT(look(kq, &event), 1);
	CHECK_INT(event.data, 2);
	CHECK_INT(look(kq, NULL), 0);
	/* Added again, it tells of what is there, and is as it was. */
	CHECK_INT(change(kq, fds[0], EVFILT_READ, EV_ADD), 0);
	CHECK_INT(look(kq, NULL), 1);
	CHECK_INT(look(kq, NULL), 0);
	/* What was taken before the look is not told. */
	put(fds[1], 1);
	take(fds[0], 3);
	CHECK_INT(look(kq, NULL), 0);
}

static void
filters_are_apart(void)
{
	int kq = open_queue(), fds[2];
	struct kevent event;

	open_pair(fds);
	CHECK_INT(change(kq, fds[0], EVFILT_READ, EV_ADD | EV_CLEAR), 0);
	CHECK_INT(change(kq, fds[0], EVFILT_WRITE, EV_ADD | EV_CLEAR), 0);
	CHECK_INT(look(kq, &event), 1);
	CHECK_INT(event.filter, EVFILT_WRITE);
	CHECK(event.data > 0);
	put(fds[1], 1);
	CHECK_INT(look(kq, &event), 1);
	CHECK_INT(event.filter, EVFILT_READ);
	CHECK_INT(change(kq, fds[0], EVFILT_READ, EV_DELETE), 0);
	CHECK_INT(change(kq, fds[0], EVFILT_READ, EV_DELETE), ENOENT);
	put(fds[1], 1);
	CHECK_INT(look(kq, NULL), 0);
	CHECK_INT(change(kq, fds[0], EVFILT_WRITE, EV_DELETE), 0);
}

static void
room_comes_back(void)
{
	static char bytes[65536];
	int kq = open_queue(), fds[2];
	struct kevent event;

	open_pair(fds);
	while (write(fds[0], bytes, sizeof(bytes)) > 0)
		continue;
	CHECK_INT(errno, EAGAIN);
	CHECK_INT(change(kq, fds[0], EVFILT_WRITE, EV_ADD | EV_CLEAR), 0);
	CHECK_INT(look(kq, NULL), 0);
	while (read(fds[1], bytes, sizeof(bytes)) > 0)
		continue;
	CHECK(look(kq, &event) == 1);
	CHECK_INT(event.filter, EVFILT_WRITE);
	CHECK_INT(event.flags & EV_EOF, 0);
}

static void
oneshot_goes(void)
{
	int kq = open_queue(), fds[2];

	open_pair(fds);
	put(fds[1], 1);
	CHECK_INT(change(kq, fds[0], EVFILT_READ, EV_ADD | EV_ONESHOT), 0);
	CHECK_INT(look(kq, NULL), 1);
	put(fds[1], 1);
	CHECK_INT(look(kq, NULL), 0);
	CHECK_INT(change(kq, fds[0], EVFILT_READ, EV_DELETE), ENOENT);
	CHECK_INT(change(kq, fds[0], EVFILT_READ, EV_ENABLE), ENOENT);
	CHECK_INT(change(kq, fds[0], EVFILT_READ, EV_ADD | EV_ONESHOT), 0);
	CHECK_INT(look(kq, NULL), 1);
}

static void
dispatch_disables(void)
{
	int kq = open_queue(), fds[2];

	open_pair(fds);
	put(fds[1], 1);
	CHECK_INT(change(kq, fds[0], EVFILT_READ, EV_ADD | EV_DISPATCH), 0);
	CHECK_INT(look(kq, NULL), 1);
	put(fds[1], 1);
	CHECK_INT(look(kq, NULL), 0);
	CHECK_INT(change(kq, fds[0], EVFILT_READ, EV_ENABLE), 0);
	CHECK_INT(look(kq, NULL), 1);
	CHECK_INT(look(kq, NULL), 0);
	CHECK_INT(change(kq, fds[0], EVFILT_READ, EV_DELETE), 0);
}

static void
disabled_is_silent(void)
{
	int kq = open_queue(), fds[2];

	open_pair(fds);
	put(fds[1], 1);
	CHECK_INT(change(kq, fds[0], EVFILT_READ, EV_ADD | EV_DISABLE), 0);
	CHECK_INT(look(kq, NULL), 0);
	CHECK_INT(change(kq, fds[0], EVFILT_READ, EV_ENABLE), 0);
	CHECK_INT(look(kq, NULL), 1);
	CHECK_INT(change(kq, fds[0], EVFILT_READ, EV_DISABLE), 0);
	CHECK_INT(look(kq, NULL), 0);
}

static void
eof_with_data(void)
{
	int kq = open_queue(), fds[2];
	struct kevent event;
	char byte;

	open_tcp(fds);
	CHECK_INT(change(kq, fds[0], EVFILT_READ, EV_ADD), 0);
	put(fds[1], 2);
	CHECK_INT(shutdown(fds[1], SHUT_WR), 0);
	do
		CHECK_INT(kevent(kq, NULL, 0, &event, 1, NULL), 1);
	while (!(event.flags & EV_EOF));
	CHECK_INT(event.data, 2);
	CHECK_INT(event.fflags, 0);
	take(fds[0], 2);
	CHECK_INT(look(kq, &event), 1);
	CHECK(event.flags & EV_EOF);
	CHECK_INT(event.data, 0);
	CHECK_INT(read(fds[0], &byte, 1), 0);
	/* The other direction goes on. */
	CHECK_INT(change(kq, fds[0], EVFILT_READ, EV_DELETE), 0);
	CHECK_INT(change(kq, fds[0], EVFILT_WRITE, EV_ADD), 0);
	CHECK_INT(look(kq, &event), 1);
	CHECK_INT(event.flags & EV_EOF, 0);
}

static void
out_of_band(void)
{
	int kq = open_queue(), fds[2];
	struct kevent event;

	open_tcp(fds);
	CHECK_INT(change(kq, fds[0], EVFILT_READ, EV_ADD), 0);
	put(fds[1], 1);
	CHECK_INT(kevent(kq, NULL, 0, &event, 1, NULL), 1);
	CHECK_INT(event.flags & EV_OOBAND, 0);
	CHECK_INT(send(fds[1], "!", 1, MSG_OOB), 1);
	do
		CHECK_INT(kevent(kq, NULL, 0, &event, 1, NULL), 1);
	while (!(event.flags & EV_OOBAND));
}

static void
reset_has_an_error(void)
{
	struct linger linger = { 1, 0 };
	int kq = open_queue(), fds[2];
	struct kevent event;
	char byte;

	open_tcp(fds);
	CHECK_INT(change(kq, fds[0], EVFILT_READ, EV_ADD), 0);
	CHECK_INT(setsockopt(fds[1], SOL_SOCKET, SO_LINGER, &linger,
	    sizeof(linger)), 0);
	CHECK_INT(close(fds[1]), 0);
	CHECK_INT(kevent(kq, NULL, 0, &event, 1, NULL), 1);
	CHECK(event.flags & EV_EOF);
	CHECK_INT(event.fflags, ECONNRESET);
	/* It was looked at, and not taken. */
	CHECK_INT(read(fds[0], &byte, 1), -1);
	CHECK_INT(errno, ECONNRESET);
}

static void
pipes_end(void)
{
	int kq = open_queue(), a[2], b[2];
	struct kevent event;

	CHECK_INT(pipe(a), 0);
	CHECK_INT(pipe(b), 0);
	CHECK_INT(change(kq, a[0], EVFILT_READ, EV_ADD), 0);
	put(a[1], 1);
	CHECK_INT(close(a[1]), 0);
	CHECK_INT(look(kq, &event), 1);
	CHECK(event.flags & EV_EOF);
	CHECK_INT(event.data, 1);
	/* As those of FIFOs. */
	CHECK_INT(change(kq, a[0], EVFILT_WRITE, EV_ADD), EINVAL);
	CHECK_INT(close(a[0]), 0);
	CHECK_INT(change(kq, b[1], EVFILT_WRITE, EV_ADD | EV_CLEAR), 0);
	CHECK_INT(look(kq, &event), 1);
	CHECK_INT(event.flags & EV_EOF, 0);
	CHECK_INT(close(b[0]), 0);
	CHECK_INT(look(kq, &event), 1);
	CHECK(event.flags & EV_EOF);
	CHECK_INT(change(kq, b[1], EVFILT_WRITE, EV_DELETE), 0);
	CHECK_INT(change(kq, b[1], EVFILT_WRITE, EV_ADD), EPIPE);
}

static void
listener_counts(void)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	socklen_t size = sizeof(sin);
	int kq = open_queue(), listener = socket(AF_INET, SOCK_STREAM, 0);
	struct kevent event;
	int i, fd;

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	CHECK_INT(bind(listener, (struct sockaddr *)&sin, size), 0);
	CHECK_INT(listen(listener, 8), 0);
	CHECK_INT(getsockname(listener, (struct sockaddr *)&sin, &size), 0);
	CHECK_INT(change(kq, listener, EVFILT_READ, EV_ADD | EV_CLEAR), 0);
	for (i = 1; i <= 2; i++) {
		fd = socket(AF_INET, SOCK_STREAM, 0);
		CHECK_INT(connect(fd, (struct sockaddr *)&sin, size), 0);
		CHECK_INT(kevent(kq, NULL, 0, &event, 1, NULL), 1);
		CHECK_INT(event.data, i);
	}
}

static void
user_events(void)
{
	int kq = open_queue();
	struct kevent event;

	CHECK_INT(change(kq, 7, EVFILT_USER, 0), ENOENT);
	CHECK_INT(change(kq, 7, EVFILT_USER, EV_ADD | EV_CLEAR), 0);
	CHECK_INT(look(kq, NULL), 0);
	trigger(kq, NOTE_FFOR | 5);
	trigger(kq, NOTE_FFAND | 4);
	CHECK_INT(look(kq, &event), 1);
	CHECK_INT(event.ident, 7);
	CHECK_INT(event.filter, EVFILT_USER);
	CHECK_INT(event.fflags & NOTE_FFLAGSMASK, 4);
	CHECK_INT(look(kq, NULL), 0);
	CHECK_INT(change(kq, 7, EVFILT_USER, EV_DELETE), 0);
	/* Without EV_CLEAR it stays. */
	CHECK_INT(change(kq, 7, EVFILT_USER, EV_ADD), 0);
	trigger(kq, NOTE_FFCOPY | 9);
	CHECK_INT(look(kq, NULL), 1);
	CHECK_INT(look(kq, &event), 1);
	CHECK_INT(event.fflags & NOTE_FFLAGSMASK, 9);
	CHECK_INT(change(kq, 7, EVFILT_USER, EV_DELETE), 0);
	CHECK_INT(look(kq, NULL), 0);
}

static void *
trigger_thread(void *argument)
{
	trigger(*(int *)argument, 0);
	return NULL;
}

static void
user_event_wakes(void)
{
	int kq = open_queue(), i;
	struct kevent event;
	pthread_t thread;

	CHECK_INT(change(kq, 7, EVFILT_USER, EV_ADD | EV_CLEAR), 0);
	for (i = 0; i < 200; i++) {
		CHECK_INT(pthread_create(&thread, NULL, trigger_thread, &kq),
		    0);
		CHECK_INT(kevent(kq, NULL, 0, &event, 1, NULL), 1);
		CHECK_INT(pthread_join(thread, NULL), 0);
	}
}

static void
errors_have_room(void)
{
	int kq = open_queue(), fds[2], bad;
	struct kevent changes[3], events[3];

	open_pair(fds);
	bad = dup(fds[0]);
	CHECK_INT(close(bad), 0);
	put(fds[1], 1);
	changes[0] = change_of(bad, EVFILT_READ, EV_ADD);
	changes[1] = change_of(fds[0], EVFILT_WRITE, EV_DELETE);
	changes[2] = change_of(fds[0], EVFILT_READ, EV_ADD);
	changes[0].udata = &changes[0];
	/* Room for the errors: they come alone, and all is done. */
	CHECK_INT(kevent(kq, changes, 3, events, 3, NULL), 2);
	CHECK_INT(events[0].flags & EV_ERROR, EV_ERROR);
	CHECK_INT(events[0].data, EBADF);
	CHECK_INT(events[0].ident, bad);
	CHECK(events[0].udata == changes[0].udata);
	CHECK_INT(events[1].flags & EV_ERROR, EV_ERROR);
	CHECK_INT(events[1].data, ENOENT);
	CHECK_INT(look(kq, &events[0]), 1);
	CHECK_INT(events[0].ident, fds[0]);
	/* None: the first error ends it. */
	changes[2].flags = EV_DELETE;
	CHECK_INT(kevent(kq, changes, 3, NULL, 0, NULL), -1);
	CHECK_INT(errno, EBADF);
	CHECK_INT(look(kq, NULL), 1);
}

static void
receipts(void)
{
	int kq = open_queue(), fds[2];
	struct kevent changes[2];

	open_pair(fds);
	put(fds[1], 1);
	CHECK_INT(change(kq, fds[0], EVFILT_READ, EV_ADD), 0);
	changes[0] = change_of(fds[0], EVFILT_WRITE, EV_ADD | EV_RECEIPT);
	changes[1] = change_of(fds[1], EVFILT_READ, EV_DELETE | EV_RECEIPT);
	/* One list for both is allowed. */
	CHECK_INT(kevent(kq, changes, 2, changes, 2, NULL), 2);
	CHECK_INT(changes[0].flags & EV_ERROR, EV_ERROR);
	CHECK_INT(changes[0].data, 0);
	CHECK_INT(changes[1].data, ENOENT);
	CHECK_INT(look(kq, NULL), 2);
}

static void
close_removes(void)
{
	int kq = open_queue(), fds[2], copy;
	struct kevent event;

	open_pair(fds);
	put(fds[1], 1);
	copy = dup(fds[0]);
	CHECK(copy >= 0);
	CHECK_INT(change(kq, fds[0], EVFILT_READ, EV_ADD), 0);
	CHECK_INT(change(kq, copy, EVFILT_READ, EV_ADD), 0);
	CHECK_INT(look(kq, NULL), 2);
	CHECK_INT(close(fds[0]), 0);
	CHECK_INT(look(kq, &event), 1);
	CHECK_INT(event.ident, copy);
	CHECK_INT(change(kq, fds[0], EVFILT_READ, EV_DELETE), EBADF);
	CHECK_INT(dup2(copy, fds[0]), fds[0]);
	CHECK_INT(change(kq, fds[0], EVFILT_READ, EV_DELETE), ENOENT);
	CHECK_INT(close(kq), 0);
	CHECK_INT(kevent(kq, NULL, 0, &event, 1, &at_once), -1);
	CHECK_INT(errno, EBADF);
}

static void
not_inherited(void)
{
	int kq = open_queue(), fds[2], status;
	pid_t pid;

	open_pair(fds);
	CHECK_INT(change(kq, fds[0], EVFILT_READ, EV_ADD), 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		if (fcntl(kq, F_GETFD) >= 0 || kqueue() < 0)
			_exit(1);
		close(fds[0]);
		_exit(0);
	}
	CHECK_INT(waitpid(pid, &status, 0), pid);
	CHECK_INT(status, 0);
	put(fds[1], 1);
	CHECK_INT(look(kq, NULL), 1);
}

static void
handler(int sig)
{
	(void)sig;
}

static void *
kill_thread(void *argument)
{
	/* Until it has said that it was interrupted. */
	while (!__atomic_load_n((int *)argument, __ATOMIC_ACQUIRE)) {
		kill(getpid(), SIGUSR1);
		sched_yield();
	}
	return NULL;
}

static void
signals_interrupt(void)
{
	struct sigaction action = { .sa_handler = handler };
	int kq = open_queue(), fds[2], done = 0;
	struct kevent change, event;
	pthread_t thread;
	sigset_t set;

	open_pair(fds);
	CHECK_INT(sigaction(SIGUSR1, &action, NULL), 0);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	CHECK_INT(pthread_create(&thread, NULL, kill_thread, &done), 0);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	change = change_of(fds[0], EVFILT_READ, EV_ADD);
	CHECK_INT(kevent(kq, &change, 1, &event, 1, NULL), -1);
	CHECK_INT(errno, EINTR);
	__atomic_store_n(&done, 1, __ATOMIC_RELEASE);
	CHECK_INT(pthread_join(thread, NULL), 0);
	/* The change was made. */
	put(fds[1], 1);
	CHECK_INT(look(kq, NULL), 1);
}

static void
waits_as_long(void)
{
	struct timespec tenth = { 0, 20000000 }, before, after;
	struct timespec wrong[] = { { 0, 1000000000 }, { -1, 0 } };
	int kq = open_queue(), i;
	struct kevent event;

	clock_gettime(CLOCK_MONOTONIC, &before);
	CHECK_INT(kevent(kq, NULL, 0, &event, 1, &tenth), 0);
	clock_gettime(CLOCK_MONOTONIC, &after);
	CHECK((after.tv_sec - before.tv_sec) * 1000000000 + after.tv_nsec -
	    before.tv_nsec >= tenth.tv_nsec);
	for (i = 0; i < 2; i++) {
		CHECK_INT(kevent(kq, NULL, 0, &event, 1, &wrong[i]), -1);
		CHECK_INT(errno, EINVAL);
	}
}

static void
room_is_kept(void)
{
	int kq = open_queue(), fds[5][2], i, n, seen = 0;
	struct kevent events[2];

	for (i = 0; i < 5; i++) {
		open_pair(fds[i]);
		put(fds[i][1], 1);
		CHECK_INT(change(kq, fds[i][0], EVFILT_READ,
		    EV_ADD | EV_CLEAR), 0);
	}
	while ((n = kevent(kq, NULL, 0, events, 2, &at_once)) > 0) {
		CHECK(n <= 2);
		seen += n;
	}
	CHECK_INT(seen, 5);
}

static const struct tap_case cases[] = {
	{ "EVFILT_READ: again and again while there is data", read_is_level },
	{ "EV_CLEAR: once for each arrival, and when added again",
	    clear_is_edge },
	{ "EVFILT_READ, EVFILT_WRITE: one does not set off the other",
	    filters_are_apart },
	{ "EVFILT_WRITE: when room comes back", room_comes_back },
	{ "EV_ONESHOT: told once, then gone", oneshot_goes },
	{ "EV_DISPATCH: told once, then disabled", dispatch_disables },
	{ "EV_DISABLE: silent until EV_ENABLE", disabled_is_silent },
	{ "EV_EOF: with the data before it, for one direction",
	    eof_with_data },
	{ "EV_EOF: with the error, which stays", reset_has_an_error },
	{ "EV_OOBAND: with data that is not in the band", out_of_band },
	{ "EV_EOF: pipes, with data and for who writes", pipes_end },
	{ "EVFILT_READ: a listener counts connections", listener_counts },
	{ "EVFILT_USER: NOTE_TRIGGER, flags, EV_CLEAR", user_events },
	{ "EVFILT_USER: wakes a thread that waits", user_event_wakes },
	{ "EV_ERROR: events where there is room, else errno and the end",
	    errors_have_room },
	{ "EV_RECEIPT: one for each change, and no events", receipts },
	{ "close: takes the descriptor out, a duplicate stays",
	    close_removes },
	{ "fork: the child has no queue", not_inherited },
	{ "EINTR: comes after the changes were made", signals_interrupt },
	{ "timeout: not early; nonsense is EINVAL", waits_as_long },
	{ "events: what there is no room for comes next", room_is_kept },
	{ NULL, NULL }
};

int
main(void)
{
	return tap_run(cases);
}
