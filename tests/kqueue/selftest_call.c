/* SPDX-License-Identifier: ISC */
/*
 * What is not about descriptors: user events, changes that fail, ends of the
 * wait, room; and queues when descriptors close and processes fork.
 */
#include "config.h"

#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "kqueue/selftest.h"

static void
trigger(int kq, unsigned int fflags)
{
	struct kevent c = change_of(7, EVFILT_USER, 0);

	c.fflags = NOTE_TRIGGER | fflags;
	CHECK_INT(kevent(kq, &c, 1, NULL, 0, NULL), 0);
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

const struct tap_case selftest_call_cases[] = {
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
