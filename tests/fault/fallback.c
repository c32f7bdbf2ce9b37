/* SPDX-License-Identifier: ISC */
/*
 * What a program gets where a system call is refused: by seccomp, a limit or a
 * setting.  It asks for no backend and gets the best that works, with the
 * reason in words; what it asks for by name is never replaced.
 */
#include "config.h"

#include <sys/auxv.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
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
		end_proactor(p);
	/* The same without options. */
	status = proactor_create(NULL, &p);
	CHECK_INT(status == 0, expected != NULL);
	if (status == 0) {
		CHECK_STR(proactor_backend_name(p), expected);
		end_proactor(p);
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
	end_proactor(p);
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
		end_proactor(p);
	}
	/* A name in the options is stronger. */
	if (have_backend("poll")) {
		CHECK_INT(setenv("PROACTOR_BACKEND", "abacus", 1), 0);
		CHECK_INT(create("poll", reason, &p), 0);
		end_proactor(p);
	}
	/* One that is empty is none. */
	CHECK_INT(setenv("PROACTOR_BACKEND", "", 1), 0);
	CHECK_INT(create(NULL, reason, &p), 0);
	end_proactor(p);
}

static void
environment_does_not_fall_back(void)
{
	struct proactor *p;
	char reason[256];

	end_proactor(create_or_skip("epoll"));
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
	(void)fflush(stdout);
	/* Not exit(): nobody may look for leaks in a set-uid program. */
	_exit(0);
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
	end_proactor(create_or_skip("poll"));
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

	end_proactor(create_or_skip("epoll"));
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

	end_proactor(create_or_skip("epoll"));
	forbid(SYS_epoll_ctl, SYS_epoll_ctl, EPERM);
	before = next_descriptor();
	CHECK_INT(create("epoll", reason, &p), PROACTOR_EPERM);
	CHECK(strstr(reason, "epoll_ctl") != NULL);
	CHECK_INT(next_descriptor(), before);
}

/* Each number of descriptors that create may run out at. */
static void
no_descriptors(const char *name)
{
	struct rlimit limit;
	struct proactor *p;
	char reason[256];
	int next, room, status = -1;

	end_proactor(create_or_skip(name));
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
			end_proactor(p);
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
	{ NULL, NULL }
};

int
main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "print-default") == 0)
		return print_default();
	return tap_run(cases);
}
