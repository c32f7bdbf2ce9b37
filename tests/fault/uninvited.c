/* SPDX-License-Identifier: ISC */
/*
 * Nothing happens behind a program's back: no thread is made before there is
 * something that waits, no signal mask or disposition is touched.
 */
#include "config.h"

#include <sys/uio.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fault/support.h"

static size_t
count_threads(void)
{
	struct dirent *entry;
	DIR *dir = opendir("/proc/self/task");
	size_t n = 0;

	if (dir == NULL)
		SKIP("/proc/self/task: %s", strerror(errno));
	while ((entry = readdir(dir)) != NULL)
		n += entry->d_name[0] != '.';
	closedir(dir);
	return n;
}

struct state {
	size_t threads;
	sigset_t mask;
	struct sigaction actions[65];
};

static void
take_state(struct state *state)
{
	int sig;

	memset(state, 0, sizeof(*state));
	state->threads = count_threads();
	CHECK_INT(sigprocmask(SIG_SETMASK, NULL, &state->mask), 0);
	for (sig = 1; sig < 65; sig++)
		(void)sigaction(sig, NULL, &state->actions[sig]);
}

static void
check_state(const struct state *before)
{
	struct state now;
	int sig;

	take_state(&now);
	CHECK_INT(now.threads, before->threads);
	for (sig = 1; sig < 65; sig++) {
		CHECK_INT(sigismember(&now.mask, sig),
		    sigismember(&before->mask, sig));
		CHECK(now.actions[sig].sa_handler ==
		    before->actions[sig].sa_handler);
		CHECK_INT(now.actions[sig].sa_flags,
		    before->actions[sig].sa_flags);
	}
}

static void
nothing_uninvited(const char *name)
{
	struct state before;
	struct proactor *p;
	char reason[256];

	unsetenv("PROACTOR_BACKEND");
	take_state(&before);
	if (create(name, reason, &p) != 0)
		SKIP("%s", reason);
	check_state(&before);
	CHECK_INT(proactor_poll(p, PROACTOR_IMMEDIATE, NULL),
	    PROACTOR_ETIMEDOUT);
	check_state(&before);
	works(p);
	check_state(&before);
	end_proactor(p);
	check_state(&before);
}

static void
ring_nothing_uninvited(void)
{
	nothing_uninvited("io_uring");
}

static void
epoll_nothing_uninvited(void)
{
	nothing_uninvited("epoll");
}

static void
poll_nothing_uninvited(void)
{
	nothing_uninvited("poll");
}

/* Does the file's system know of reads that do not wait? */
static bool
reads_at_once(int fd)
{
#ifdef RWF_NOWAIT
	char byte;
	struct iovec iov = { &byte, 1 };

	return preadv2(fd, &iov, 1, 0, RWF_NOWAIT) == 1;
#else
	(void)fd;
	return false;
#endif
}

static void
cached_reads(const char *name)
{
	struct proactor *p = create_or_skip(name);
	struct proactor_file_read_op op;
	struct proactor_file_close_op close_op;
	struct proactor_file *file;
	struct state before;
	char bytes[4096], path[64];
	int calls = 0, fd, reader, i;

	fd = file_of(sizeof(bytes));
	if (!reads_at_once(fd))
		SKIP("the file system has no reads that do not wait");
	/* To be read only, or its close would have to wait for writes. */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	reader = open(path, O_RDONLY | O_CLOEXEC);
	CHECK(reader != -1);
	take_state(&before);
	CHECK_INT(proactor_file_import(p, proactor_handle_fd(reader), &file),
	    0);
	proactor_file_read_op_init(&op, file, 0, proactor_span(bytes,
	    sizeof(bytes)), count_success, &calls);
	for (i = 1; i <= 100; i++) {
		CHECK_INT(proactor_submit_one(p, &op.base), 0);
		poll_calls(p, &calls, i);
		CHECK_INT(op.bytes, sizeof(bytes));
	}
	/* What is short at the end of the file is short, not waited for. */
	op.offset = sizeof(bytes) - 10;
	CHECK_INT(proactor_submit_one(p, &op.base), 0);
	poll_calls(p, &calls, 101);
	CHECK_INT(op.bytes, 10);
	proactor_file_close_op_init(&close_op, file, count_success, &calls);
	CHECK_INT(proactor_submit_one(p, &close_op.base), 0);
	poll_calls(p, &calls, 102);
	check_state(&before);
	end_proactor(p);
	CHECK_INT(close(fd), 0);
}

static void
epoll_cached_reads(void)
{
	cached_reads("epoll");
}

static void
poll_cached_reads(void)
{
	cached_reads("poll");
}

static const struct tap_case cases[] = {
	{ "uninvited: io_uring makes no thread and touches no signal",
	    ring_nothing_uninvited },
	{ "uninvited: epoll makes no thread and touches no signal",
	    epoll_nothing_uninvited },
	{ "uninvited: poll makes no thread and touches no signal",
	    poll_nothing_uninvited },
	{ "uninvited: epoll reads without a thread what the cache has",
	    epoll_cached_reads },
	{ "uninvited: poll reads without a thread what the cache has",
	    poll_cached_reads },
	{ NULL, NULL }
};

int
main(void)
{
	return tap_run(cases);
}
