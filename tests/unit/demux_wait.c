/* SPDX-License-Identifier: ISC */
/* Waits and wakes, crowds, callbacks, fork(2). */
#include "config.h"

#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "unit/demux.h"

static void
timeouts(void)
{
	struct world *w = world_open();
	int64_t before = proactor_now();

	CHECK_INT(wait_for(w, 0), 0);
	CHECK_INT(wait_for(w, 20000000), 0);
	CHECK(proactor_now() - before >= 20000000);
	world_close(w);
}

static void *
wake_thread(void *argument)
{
	struct world *w = argument;

	demux->wake(&w->e);
	return NULL;
}

static void
wakes(void)
{
	struct world *w = world_open();
	pthread_t thread;
	int i;

	/* The next wait, however many there were; and that is all. */
	for (i = 0; i < 1000; i++)
		demux->wake(&w->e);
	CHECK_INT(wait_for(w, FOREVER), 0);
	CHECK_INT(wait_for(w, 1000000), 0);
	for (i = 0; i < 500; i++) {
		CHECK_INT(pthread_create(&thread, NULL, wake_thread, w), 0);
		CHECK_INT(wait_for(w, i % 2 ? FOREVER : INT64_MAX), 0);
		CHECK_INT(pthread_join(thread, NULL), 0);
	}
	world_close(w);
}

static struct world *woken;

static void
wake_handler(int sig)
{
	int saved = errno;

	(void)sig;
	errno = 4711;
	demux->wake(&woken->e);
	if (errno != 4711)
		_exit(1);
	errno = saved;
}

static void *
signal_thread(void *argument)
{
	while (!atomic_load((_Atomic bool *)argument)) {
		kill(getpid(), SIGUSR1);
		sched_yield();
	}
	return NULL;
}

static void
wakes_from_handlers(void)
{
	struct sigaction action = { .sa_handler = wake_handler };
	_Atomic bool done = false;
	pthread_t thread;
	sigset_t set;
	int fds[2], i;

	woken = world_open();
	open_pair(fds);
	CHECK_INT(sigaction(SIGUSR1, &action, NULL), 0);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	CHECK_INT(pthread_create(&thread, NULL, signal_thread, &done), 0);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	for (i = 0; i < 500; i++) {
		watch(woken, fds[0], IN, MODE_ONCE);
		CHECK_INT(wait_for(woken, FOREVER), 0);
		forget(woken, fds[0]);
	}
	atomic_store(&done, true);
	CHECK_INT(pthread_join(thread, NULL), 0);
	/* No change was lost on the way. */
	watch(woken, fds[0], IN, MODE_LEVEL);
	put(fds[1]);
	while (wait_for(woken, FOREVER) == 0)
		continue;
	CHECK(woken->said[0].events & IN);
}

static void
crowd(void)
{
	struct world *w = world_open();
	int fds[CROWD][2], seen[CROWD] = { 0 }, i, j, total;

	for (i = 0; i < CROWD; i++) {
		open_pair(fds[i]);
		put(fds[i][1]);
		watch(w, fds[i][0], IN | OUT, MODE_ONCE);
	}
	for (total = 0; total < CROWD; total += w->count) {
		CHECK(wait_for(w, 0) > 0);
		for (i = 0; i < w->count; i++)
			for (j = 0; j < CROWD; j++)
				if (w->said[i].key == slot_key(&w->e,
				    fds[j][0]))
					seen[j]++;
	}
	for (i = 0; i < CROWD; i++)
		CHECK_INT(seen[i], 1);
	expect_nothing(w);
	for (i = 0; i < CROWD; i++) {
		watch(w, fds[i][0], IN, MODE_LEVEL);
		if (i % 2)
			forget(w, fds[i][0]);
	}
	/* Of what is level each gets its turn. */
	memset(seen, 0, sizeof(seen));
	for (total = 0; total < 3 * CROWD; total += w->count) {
		CHECK(wait_for(w, 0) > 0);
		for (i = 0; i < w->count; i++)
			for (j = 0; j < CROWD; j++)
				if (w->said[i].key == slot_key(&w->e,
				    fds[j][0]))
					seen[j]++;
	}
	for (i = 0; i < CROWD; i++)
		CHECK(i % 2 ? seen[i] == 0 : seen[i] > 0);
	world_close(w);
}

static void
forget_other(struct world *w, int fd)
{
	int other = w->other == fd ? -1 : w->other;

	if (other >= 0 && w->slots[other].known) {
		forget(w, other);
		close(other);
	}
}

/* Set, and later forgotten, by what it tells of. */
static void
set_again(struct world *w, int fd)
{
	if (w->other-- > 0)
		watch(w, fd, IN | OUT, MODE_ONCE);
	else
		forget(w, fd);
}

static void
from_callbacks(void)
{
	struct world *w = world_open();
	int a[2], b[2], i;

	open_pair(a);
	open_pair(b);
	watch(w, a[0], OUT, MODE_LEVEL);
	watch(w, b[0], OUT, MODE_LEVEL);
	w->hook = forget_other;
	w->other = b[0];
	/* It may have been found ready before it was forgotten. */
	CHECK(wait_for(w, 0) >= 1);
	for (i = 0; i < 3; i++)
		expect(w, a[0], OUT);
	forget(w, a[0]);
	w->hook = set_again;
	w->other = 3;
	watch(w, a[0], IN | OUT, MODE_ONCE);
	for (i = 0; i < 3; i++)
		expect(w, a[0], OUT);
	CHECK_INT(wait_for(w, 0), 1);
	expect_nothing(w);
	world_close(w);
}

static void
forked(void)
{
	struct world *w = world_open();
	int fds[2], status, taken[8], i;
	pid_t pid;

	open_pair(fds);
	watch(w, fds[0], IN, MODE_LEVEL);
	expect_nothing(w);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		/* A number that the child has for something else. */
		for (i = 0; i < 8; i++)
			taken[i] = dup(fds[0]);
		demux->destroy(&w->e);
		demux->dispose(&w->e);
		for (i = 0; i < 8; i++)
			if (fcntl(taken[i], F_GETFD) < 0)
				_exit(1);
		free(w);
		_exit(0);
	}
	CHECK_INT(waitpid(pid, &status, 0), pid);
	CHECK_INT(status, 0);
	put(fds[1]);
	expect(w, fds[0], IN);
	demux->wake(&w->e);
	forget(w, fds[0]);
	CHECK_INT(wait_for(w, FOREVER), 0);
	world_close(w);
}

static void
leaves_nothing(void)
{
	bool before[64];
	struct world *w;
	int fd, flags;

	for (fd = 0; fd < 64; fd++)
		before[fd] = fcntl(fd, F_GETFD) >= 0;
	w = world_open();
	for (fd = 0; fd < 64; fd++) {
		flags = fcntl(fd, F_GETFD);
		CHECK(before[fd] || flags < 0 || (flags & FD_CLOEXEC));
	}
	demux->destroy(&w->e);
	/* Others may wake until it is disposed of. */
	demux->wake(&w->e);
	demux->dispose(&w->e);
	free(w);
	for (fd = 0; fd < 64; fd++)
		CHECK_INT(fcntl(fd, F_GETFD) >= 0, before[fd]);
}

const struct tap_case wait_cases[] = {
	{ "wait: as long as it is told to", timeouts },
	{ "wake: ends one wait, is not told", wakes },
	{ "wake: from a signal handler", wakes_from_handlers },
	{ "a crowd is told whole, each in its turn", crowd },
	{ "callbacks may set and forget", from_callbacks },
	{ "fork: the child ends its own", forked },
	{ "leaves no descriptor, and none over exec", leaves_nothing },
	{ NULL, NULL }
};
