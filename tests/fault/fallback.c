/* SPDX-License-Identifier: ISC */
/*
 * What a program gets where a system call is refused: by seccomp, a limit or a
 * setting.  It asks for no backend and gets the best that works, with the
 * reason in words; what it asks for by name is never replaced.  And nothing
 * happens behind its back: no thread, no signal mask, no disposition.
 */
#include "config.h"

#include <sys/auxv.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fault/support.h"

/* In the order of preference. */
static const char *const names[] = { "io_uring", "epoll", "poll" };
#define NAMES	(sizeof(names) / sizeof(names[0]))

/* Those that work before anything is refused. */
static void
look(bool works_here[NAMES])
{
	size_t i;

	unsetenv("PROACTOR_BACKEND");
	for (i = 0; i < NAMES; i++)
		works_here[i] = have_backend(names[i]);
}

static void
refuse_epoll(unsigned int error)
{
#ifdef SYS_epoll_create
	forbid(SYS_epoll_create, SYS_epoll_create, error);
#endif
	forbid(SYS_epoll_create1, SYS_epoll_create1, error);
}

/* By name, it must work, or the case is skipped: it is not in this build. */
static struct proactor *
create_or_skip(const char *name)
{
	struct proactor *p;
	char reason[256];

	unsetenv("PROACTOR_BACKEND");
	if (create(name, reason, &p) != 0)
		SKIP("%s", reason);
	return p;
}

static void
end(struct proactor *p)
{
	CHECK_INT(proactor_shutdown(p, PROACTOR_IMMEDIATE), 0);
	proactor_release(p);
}

/*
 * The first refused of those that worked are refused now: the default is the
 * next, and says why each of them is not taken; or there is none, and the
 * error says so.
 */
static void
falls_back(const bool worked[NAMES], size_t refused)
{
	const char *why, *expected = NULL;
	struct proactor *p = NULL;
	char reason[256];
	size_t i;
	int status;

	for (i = refused; i < NAMES && expected == NULL; i++)
		if (worked[i])
			expected = names[i];
	for (i = 0; i < refused; i++)
		if (worked[i]) {
			CHECK(create(names[i], reason, &p) < 0);
			CHECK(strstr(reason, names[i]) != NULL);
		}
	status = create(NULL, reason, &p);
	if (expected == NULL) {
		CHECK(status < 0);
		CHECK(p == NULL);
		why = reason;
	} else {
		CHECK_INT(status, 0);
		CHECK_STR(proactor_backend_name(p), expected);
		why = proactor_backend_reason(p);
		works(p);
	}
	tap_diag("%s: %s", expected != NULL ? expected : "none", why);
	for (i = 0; i < refused; i++)
		if (worked[i])
			CHECK(strstr(why, names[i]) != NULL);
	if (p != NULL)
		end(p);
	/* The same without options. */
	status = proactor_create(NULL, &p);
	CHECK_INT(status == 0, expected != NULL);
	if (status == 0) {
		CHECK_STR(proactor_backend_name(p), expected);
		end(p);
	}
}

static void
ring_refused(unsigned int error)
{
	bool worked[NAMES];

	look(worked);
	if (!worked[0])
		SKIP("io_uring does not work here");
	forbid(SETUP, REGISTER, error);
	falls_back(worked, 1);
}

static void
ring_refused_eperm(void)
{
	ring_refused(EPERM);
}

static void
ring_refused_enosys(void)
{
	ring_refused(ENOSYS);
}

static void
epoll_refused_too(unsigned int error)
{
	bool worked[NAMES];

	look(worked);
	if (!worked[0] && !worked[1])
		SKIP("neither io_uring nor epoll works here");
	forbid(SETUP, REGISTER, error);
	refuse_epoll(error);
	falls_back(worked, 2);
}

static void
epoll_refused_eperm(void)
{
	epoll_refused_too(EPERM);
}

static void
epoll_refused_enosys(void)
{
	epoll_refused_too(ENOSYS);
}

/* Only some kernels count a ring's memory: it may work all the same. */
static void
no_locked_memory(void)
{
	bool worked[NAMES];
	struct proactor *p;
	char reason[256];

	look(worked);
	if (!worked[1] && !worked[2])
		SKIP("there is nothing to fall back to in this build");
	lower_limit(RLIMIT_MEMLOCK, 0);
	become_ordinary();
	CHECK_INT(create(NULL, reason, &p), 0);
	tap_diag("%s: %s", proactor_backend_name(p),
	    proactor_backend_reason(p));
	if (strcmp(proactor_backend_name(p), "io_uring") != 0 && worked[0])
		CHECK(strstr(proactor_backend_reason(p), "io_uring") != NULL);
	works(p);
	end(p);
}

/* --- the sysctl, which is the whole machine's --- */

#define SYSCTL	"/proc/sys/kernel/io_uring_disabled"

static int
read_sysctl(void)
{
	int fd = open(SYSCTL, O_RDONLY | O_CLOEXEC);
	char digit = '0';

	if (fd == -1)
		SKIP("%s: %s", SYSCTL, strerror(errno));
	CHECK_INT(read(fd, &digit, 1), 1);
	CHECK_INT(close(fd), 0);
	return digit - '0';
}

static void
write_sysctl(int value)
{
	int fd = open(SYSCTL, O_WRONLY | O_CLOEXEC);
	char digit = (char)('0' + value);

	if (fd == -1 || write(fd, &digit, 1) != 1)
		SKIP("%s: %s", SYSCTL, strerror(errno));
	CHECK_INT(close(fd), 0);
}

static void
look_at_disabled(void)
{
	bool worked[NAMES] = { true, have_backend("epoll"),
	    have_backend("poll") };

	falls_back(worked, 1);
}

static void
switched_off(void)
{
	const char *may = getenv("PROACTOR_TEST_SYSCTL");
	int before = read_sysctl();
	pid_t child;
	int status;

	unsetenv("PROACTOR_BACKEND");
	if (before != 2 && (may == NULL || strcmp(may, "1") != 0))
		SKIP("%s is the whole machine's: PROACTOR_TEST_SYSCTL=1 "
		    "lets this case set it", SYSCTL);
	if (before != 2 && !have_backend("io_uring"))
		SKIP("io_uring does not work here");
	if (before != 2)
		write_sysctl(2);
	/* Whatever becomes of the child, the setting comes back. */
	child = fork();
	if (child == 0) {
		look_at_disabled();
		_exit(0);
	}
	if (child != -1)
		(void)waitpid(child, &status, 0);
	if (before != 2)
		write_sysctl(before);
	CHECK(child != -1);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* --- the environment --- */

static void
environment(void)
{
	struct proactor *p;
	char reason[256];
	size_t i;

	for (i = 0; i < NAMES; i++) {
		CHECK_INT(setenv("PROACTOR_BACKEND", names[i], 1), 0);
		if (create(NULL, reason, &p) != 0) {
			CHECK(strstr(reason, names[i]) != NULL);
			continue;
		}
		CHECK_STR(proactor_backend_name(p), names[i]);
		CHECK(strstr(proactor_backend_reason(p), names[i]) != NULL);
		works(p);
		end(p);
	}
	/* A name in the options is stronger. */
	if (have_backend("poll")) {
		CHECK_INT(setenv("PROACTOR_BACKEND", "abacus", 1), 0);
		CHECK_INT(create("poll", reason, &p), 0);
		end(p);
	}
	/* One that is empty is none. */
	CHECK_INT(setenv("PROACTOR_BACKEND", "", 1), 0);
	CHECK_INT(create(NULL, reason, &p), 0);
	end(p);
}

static void
environment_does_not_fall_back(void)
{
	struct proactor *p;
	char reason[256];

	end(create_or_skip("epoll"));
	refuse_epoll(EPERM);
	CHECK_INT(setenv("PROACTOR_BACKEND", "epoll", 1), 0);
	CHECK(create(NULL, reason, &p) < 0);
	CHECK(strstr(reason, "epoll") != NULL);
}

/* What the set-uid copy of this program does. */
static int
print_default(void)
{
	struct proactor *p;

	if (proactor_create(NULL, &p) != 0)
		return 1;
	printf("%s %s", getauxval(AT_SECURE) != 0 ? "secure" : "plain",
	    proactor_backend_name(p));
	proactor_release(p);
	return 0;
}

/* Copies this program, so that a mode can be set on the copy. */
static void
copy_program(const char *path)
{
	char bytes[65536];
	int from, to;
	ssize_t n;

	from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	if (from == -1)
		SKIP("/proc/self/exe: %s", strerror(errno));
	to = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0700);
	CHECK(to != -1);
	while ((n = read(from, bytes, sizeof(bytes))) > 0)
		CHECK_INT(write(to, bytes, (size_t)n), n);
	CHECK_INT(n, 0);
	CHECK_INT(fchown(to, 65534, 65534), 0);
	CHECK_INT(fchmod(to, 04755), 0);
	CHECK_INT(close(from), 0);
	CHECK_INT(close(to), 0);
}

static size_t
output_of(const char *path, char *text, size_t size)
{
	size_t length = 0;
	int fds[2], status;
	ssize_t n;
	pid_t child;

	CHECK_INT(pipe(fds), 0);
	child = fork();
	CHECK(child != -1);
	if (child == 0) {
		(void)dup2(fds[1], 1);
		execl(path, path, "print-default", (char *)NULL);
		_exit(127);
	}
	CHECK_INT(close(fds[1]), 0);
	while ((n = read(fds[0], text + length, size - 1 - length)) > 0)
		length += (size_t)n;
	text[length] = '\0';
	CHECK_INT(close(fds[0]), 0);
	CHECK_INT(waitpid(child, &status, 0), child);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? length : 0;
}

static void
environment_set_uid(void)
{
	const char *parent = getenv("TMPDIR");
	char directory[128], path[160], text[128];
	struct proactor *p;
	size_t length;

	if (geteuid() != 0)
		SKIP("only root can make a program that is set-uid to another");
	end(create_or_skip("poll"));
	CHECK_INT(proactor_create(NULL, &p), 0);
	if (strcmp(proactor_backend_name(p), "poll") == 0)
		SKIP("nothing but poll works here");
	proactor_release(p);
	CHECK_INT(setenv("PROACTOR_BACKEND", "poll", 1), 0);
	snprintf(directory, sizeof(directory), "%.100s/proactor-XXXXXX",
	    parent != NULL ? parent : "/tmp");
	CHECK(mkdtemp(directory) != NULL);
	CHECK_INT(chmod(directory, 0755), 0);
	snprintf(path, sizeof(path), "%s/set-uid", directory);
	copy_program(path);
	length = output_of(path, text, sizeof(text));
	(void)unlink(path);
	(void)rmdir(directory);
	if (length == 0)
		SKIP("the set-uid copy cannot run as another user here");
	if (strncmp(text, "secure ", 7) != 0)
		SKIP("set-uid programs are not secure here: %s", text);
	CHECK(strcmp(text, "secure poll") != 0);
}

/* --- by name --- */

static void
named_epoll(void)
{
	struct proactor *p;
	char reason[256];

	end(create_or_skip("epoll"));
	refuse_epoll(EPERM);
	CHECK_INT(create("epoll", reason, &p), PROACTOR_EPERM);
	tap_diag("%s", reason);
	CHECK(strstr(reason, "epoll_create1") != NULL);
	CHECK(strstr(reason, strerror(EPERM)) != NULL);
}

static void
named_epoll_no_control(void)
{
	struct proactor *p;
	char reason[256];
	int before;

	end(create_or_skip("epoll"));
	forbid(SYS_epoll_ctl, SYS_epoll_ctl, EPERM);
	before = next_descriptor();
	CHECK_INT(create("epoll", reason, &p), PROACTOR_EPERM);
	CHECK(strstr(reason, "epoll_ctl") != NULL);
	CHECK_INT(next_descriptor(), before);
}

#define ROUNDS	1000

struct waker {
	struct proactor *p;
	_Atomic int round;
};

/* A wake for each round, when the poller sleeps, as far as one can tell. */
static void *
wake_often(void *argument)
{
	struct waker *w = argument;
	int round, i;

	for (round = 0; round < ROUNDS; round++) {
		while (atomic_load(&w->round) < round)
			(void)sched_yield();
		for (i = 0; i < 20; i++)
			(void)sched_yield();
		CHECK_INT(proactor_wake(w->p), 0);
	}
	return NULL;
}

/*
 * Waking has another way: a pipe, made so small here that it would be full if
 * nobody read it.
 */
static void
no_eventfd(const char *name, unsigned int error)
{
	struct waker w = { .p = create_or_skip(name) };
	char reason[256];
	pthread_t thread;
	int next, i;

	end(w.p);
	forbid(SYS_eventfd2, SYS_eventfd2, error);
	next = next_descriptor();
	CHECK_INT(create(name, reason, &w.p), 0);
	for (i = next; i < next + 8; i++)
		(void)fcntl(i, F_SETPIPE_SZ, 4096);
	works(w.p);
	CHECK_INT(pthread_create(&thread, NULL, wake_often, &w), 0);
	for (i = 1; i <= ROUNDS; i++) {
		CHECK_INT(proactor_poll(w.p, proactor_deadline_after(
		    INT64_C(20000000000)), NULL), 0);
		atomic_store(&w.round, i);
	}
	CHECK_INT(pthread_join(thread, NULL), 0);
	/* It is quiet once the wakes are over. */
	CHECK_INT(proactor_poll(w.p, proactor_deadline_after(1000000), NULL),
	    PROACTOR_ETIMEDOUT);
	end(w.p);
}

static void
epoll_no_eventfd(void)
{
	no_eventfd("epoll", ENOSYS);
}

static void
epoll_no_eventfd_eperm(void)
{
	no_eventfd("epoll", EPERM);
}

static void
poll_no_eventfd(void)
{
	no_eventfd("poll", ENOSYS);
}

/* Each number of descriptors that create may run out at. */
static void
no_descriptors(const char *name)
{
	struct rlimit limit;
	struct proactor *p;
	char reason[256];
	int next, room, status = -1;

	end(create_or_skip(name));
	CHECK_INT(getrlimit(RLIMIT_NOFILE, &limit), 0);
	next = next_descriptor();
	for (room = 0; room < 8; room++) {
		limit.rlim_cur = (rlim_t)(next + room);
		CHECK_INT(setrlimit(RLIMIT_NOFILE, &limit), 0);
		status = create(name, reason, &p);
		if (room == 0)
			CHECK_INT(status, PROACTOR_EMFILE);
		if (status != 0) {
			CHECK_INT(status, PROACTOR_EMFILE);
			CHECK(strstr(reason, strerror(EMFILE)) != NULL);
		} else
			end(p);
		limit.rlim_cur = (rlim_t)next + 16;
		CHECK_INT(setrlimit(RLIMIT_NOFILE, &limit), 0);
		CHECK_INT(next_descriptor(), next);
	}
	CHECK_INT(status, 0);
}

static void
epoll_no_descriptors(void)
{
	no_descriptors("epoll");
}

static void
poll_no_descriptors(void)
{
	no_descriptors("poll");
}

/* --- behind the program's back --- */

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
	end(p);
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

/* A file without a name, with size bytes of text in it. */
static int
open_file(size_t size)
{
	const char *parent = getenv("TMPDIR");
	char path[160], byte = 'x';
	int fd;

	snprintf(path, sizeof(path), "%.120s/proactor-XXXXXX",
	    parent != NULL ? parent : "/tmp");
	fd = mkstemp(path);
	CHECK(fd != -1);
	CHECK_INT(unlink(path), 0);
	while (size-- > 0)
		CHECK_INT(write(fd, &byte, 1), 1);
	return fd;
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

	fd = open_file(sizeof(bytes));
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
	end(p);
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

/* --- system calls of the way --- */

struct alarm {
	struct proactor_timer_op op;
	int *calls;
};

static void
not_early(void *user_data, struct proactor_op *op, int status,
    unsigned int flags)
{
	struct alarm *alarm = user_data;

	(void)op;
	(void)flags;
	CHECK_INT(status, 0);
	CHECK(proactor_now() >= alarm->op.deadline);
	(*alarm->calls)++;
}

/* Timers, and a poll's own deadline, to the microsecond. */
static void
never_early(const char *name, unsigned int call, unsigned int error)
{
	struct proactor *p;
	struct alarm alarm;
	char reason[256];
	int64_t deadline;
	int calls = 0, i;

	end(create_or_skip(name));
	forbid(call, call, error);
	CHECK_INT(create(name, reason, &p), 0);
	alarm.calls = &calls;
	for (i = 0; i < 60; i++) {
		proactor_timer_op_init(&alarm.op, proactor_deadline_after(
		    i * 33333 + 1), not_early, &alarm);
		CHECK_INT(proactor_submit_one(p, &alarm.op.base), 0);
		poll_calls(p, &calls, i + 1);
		deadline = proactor_deadline_after(i * 21013 + 1);
		CHECK_INT(proactor_poll(p, deadline, NULL),
		    PROACTOR_ETIMEDOUT);
		CHECK(proactor_now() >= deadline);
	}
	end(p);
}

static void
epoll_no_pwait2(void)
{
#ifdef SYS_epoll_pwait2
	never_early("epoll", SYS_epoll_pwait2, ENOSYS);
#else
	SKIP("the headers do not know of epoll_pwait2");
#endif
}

static void
epoll_no_pwait2_eperm(void)
{
#ifdef SYS_epoll_pwait2
	never_early("epoll", SYS_epoll_pwait2, EPERM);
#else
	SKIP("the headers do not know of epoll_pwait2");
#endif
}

/* Reads what it wrote, from a file and from a pipe. */
static void
use_files(struct proactor *p)
{
	struct proactor_file_read_op in;
	struct proactor_file_write_op out;
	struct proactor_file *file, *ends[2];
	char bytes[100], text[100];
	int calls = 0, fd, fds[2];

	fd = open_file(10);
	memset(text, 'y', sizeof(text));
	CHECK_INT(proactor_file_import(p, proactor_handle_fd(fd), &file), 0);
	proactor_file_write_op_init(&out, file, 10, proactor_span(text,
	    sizeof(text)), count_success, &calls);
	CHECK_INT(proactor_submit_one(p, &out.base), 0);
	poll_calls(p, &calls, 1);
	CHECK_INT(out.bytes, sizeof(text));
	proactor_file_read_op_init(&in, file, 10, proactor_span(bytes,
	    sizeof(bytes)), count_success, &calls);
	CHECK_INT(proactor_submit_one(p, &in.base), 0);
	poll_calls(p, &calls, 2);
	CHECK_INT(in.bytes, sizeof(bytes));
	CHECK_MEM(bytes, text, sizeof(text));
	proactor_file_release(file);

	CHECK_INT(pipe(fds), 0);
	CHECK_INT(proactor_file_import(p, proactor_handle_fd(fds[0]),
	    &ends[0]), 0);
	CHECK_INT(proactor_file_import(p, proactor_handle_fd(fds[1]),
	    &ends[1]), 0);
	memset(bytes, 0, sizeof(bytes));
	in.file = ends[0];
	out.file = ends[1];
	CHECK_INT(proactor_submit_one(p, &in.base), 0);
	CHECK_INT(proactor_poll(p, PROACTOR_IMMEDIATE, NULL),
	    PROACTOR_ETIMEDOUT);
	CHECK_INT(proactor_submit_one(p, &out.base), 0);
	poll_calls(p, &calls, 4);
	CHECK_INT(in.bytes, sizeof(bytes));
	CHECK_MEM(bytes, text, sizeof(text));
	proactor_file_release(ends[0]);
	proactor_file_release(ends[1]);
}

static void
no_nowait(const char *name, unsigned int error)
{
	struct proactor *p = create_or_skip(name);

#if defined(SYS_preadv2) && defined(SYS_pwritev2)
	forbid(SYS_preadv2, SYS_preadv2, error);
	forbid(SYS_pwritev2, SYS_pwritev2, error);
#endif
	use_files(p);
	end(p);
}

static void
epoll_no_nowait(void)
{
	no_nowait("epoll", ENOSYS);
}

static void
epoll_no_nowait_eperm(void)
{
	no_nowait("epoll", EPERM);
}

static void
poll_no_nowait(void)
{
	no_nowait("poll", ENOSYS);
}

/* The polling thread does itself what it has nobody for. */
static void
no_threads(const char *name)
{
	struct proactor *p = create_or_skip(name);
	struct proactor_file_open_op open_op;
	struct proactor_file_close_op close_op;
	struct state before;
	int calls = 0;

	forbid(SYS_clone, SYS_clone, EAGAIN);
#ifdef SYS_clone3
	forbid(SYS_clone3, SYS_clone3, ENOSYS);
#endif
#if defined(SYS_preadv2) && defined(SYS_pwritev2)
	forbid(SYS_preadv2, SYS_preadv2, ENOSYS);
	forbid(SYS_pwritev2, SYS_pwritev2, ENOSYS);
#endif
	take_state(&before);
	proactor_file_open_op_init(&open_op, "/", PROACTOR_FILE_READ, 0,
	    count_success, &calls);
	CHECK_INT(proactor_submit_one(p, &open_op.base), 0);
	poll_calls(p, &calls, 1);
	proactor_file_close_op_init(&close_op, open_op.file, count_success,
	    &calls);
	CHECK_INT(proactor_submit_one(p, &close_op.base), 0);
	poll_calls(p, &calls, 2);
	use_files(p);
	check_state(&before);
	end(p);
}

static void
epoll_no_threads_child(void)
{
	no_threads("epoll");
}

static void
poll_no_threads_child(void)
{
	no_threads("poll");
}

/* In a child: who looks for leaks at exit may want a thread for it. */
static void
epoll_no_threads(void)
{
	end(create_or_skip("epoll"));
	in_child(epoll_no_threads_child);
}

static void
poll_no_threads(void)
{
	end(create_or_skip("poll"));
	in_child(poll_no_threads_child);
}

static const struct tap_case cases[] = {
	{ "fall back: EPERM for io_uring gives the next backend",
	    ring_refused_eperm },
	{ "fall back: ENOSYS for io_uring gives the next backend",
	    ring_refused_enosys },
	{ "fall back: EPERM for epoll as well gives poll",
	    epoll_refused_eperm },
	{ "fall back: ENOSYS for epoll as well gives poll",
	    epoll_refused_enosys },
	{ "fall back: no locked memory, as an ordinary user",
	    no_locked_memory },
	{ "fall back: kernel.io_uring_disabled gives the next backend",
	    switched_off },
	{ "PROACTOR_BACKEND decides for those who name none", environment },
	{ "PROACTOR_BACKEND is not replaced by what works",
	    environment_does_not_fall_back },
	{ "PROACTOR_BACKEND means nothing to a set-uid program",
	    environment_set_uid },
	{ "by name: epoll that is refused fails with its reason",
	    named_epoll },
	{ "by name: epoll that cannot be controlled leaves nothing",
	    named_epoll_no_control },
	{ "by name: no descriptor left, at every point of epoll's create",
	    epoll_no_descriptors },
	{ "by name: no descriptor left, at every point of poll's create",
	    poll_no_descriptors },
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
	{ "refused: epoll without eventfd (ENOSYS) is woken",
	    epoll_no_eventfd },
	{ "refused: epoll without eventfd (EPERM) is woken",
	    epoll_no_eventfd_eperm },
	{ "refused: poll without eventfd is woken", poll_no_eventfd },
	{ "refused: epoll without epoll_pwait2 (ENOSYS) is never early",
	    epoll_no_pwait2 },
	{ "refused: epoll without epoll_pwait2 (EPERM) is never early",
	    epoll_no_pwait2_eperm },
	{ "refused: epoll without preadv2 (ENOSYS) reads and writes",
	    epoll_no_nowait },
	{ "refused: epoll without preadv2 (EPERM) reads and writes",
	    epoll_no_nowait_eperm },
	{ "refused: poll without preadv2 reads and writes", poll_no_nowait },
	{ "refused: epoll without threads works on files", epoll_no_threads },
	{ "refused: poll without threads works on files", poll_no_threads },
	{ NULL, NULL }
};

int
main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "print-default") == 0)
		return print_default();
	return tap_run(cases);
}
