/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <sys/mman.h>
#include <sys/wait.h>
#ifdef __linux__
# include <sys/prctl.h>
#endif

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tap.h"

/* How a case ends; also the exit status of its child. */
#define CASE_PASSED	0
#define CASE_FAILED	1
#define CASE_SKIPPED	77

/* A harness is a program of its own: it may have a few variables. */
static int planned = -1, ran, failed;
static char (*skip_reason)[256];	/* shared with the child */
static jmp_buf case_end;
static int in_process;
static pthread_t main_thread;

static void
point(int passed, const char *format, va_list args)
{
	printf("%sok %d - ", passed ? "" : "not ", ++ran);
	vprintf(format, args);
	putchar('\n');
	fflush(stdout);
	if (!passed)
		failed++;
}

void
tap_plan(int count)
{
	planned = count;
	printf("1..%d\n", count);
	fflush(stdout);
}

void
tap_skip_all(const char *format, ...)
{
	va_list args;

	printf("1..0 # SKIP ");
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	exit(0);
}

int
tap_ok(int passed, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	point(passed, format, args);
	va_end(args);
	return passed;
}

int
tap_is_int(int64_t seen, int64_t wanted, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	point(seen == wanted, format, args);
	va_end(args);
	if (seen != wanted)
		tap_diag("seen %" PRId64 ", wanted %" PRId64, seen, wanted);
	return seen == wanted;
}

static int
same_string(const char *a, const char *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	return strcmp(a, b) == 0;
}

static const char *
or_null(const char *s)
{
	return s != NULL ? s : "NULL";
}

int
tap_is_str(const char *seen, const char *wanted, const char *format, ...)
{
	va_list args;
	int same = same_string(seen, wanted);

	va_start(args, format);
	point(same, format, args);
	va_end(args);
	if (!same)
		tap_diag("seen \"%s\", wanted \"%s\"", or_null(seen),
		    or_null(wanted));
	return same;
}

void
tap_skip(int count, const char *format, ...)
{
	va_list args;

	while (count-- > 0) {
		printf("ok %d # SKIP ", ++ran);
		va_start(args, format);
		vprintf(format, args);
		va_end(args);
		putchar('\n');
	}
	fflush(stdout);
}

/* One write per line, so that threads and processes do not mix theirs. */
static void
diag(const char *where, int line, const char *format, va_list args)
{
	char text[2048];
	int n = 0;

	if (where != NULL)
		n = snprintf(text, sizeof(text), "# %s:%d: ", where, line);
	else
		n = snprintf(text, sizeof(text), "# ");
	if (n < 0 || (size_t)n >= sizeof(text))
		n = 0;
	vsnprintf(text + n, sizeof(text) - (size_t)n - 1, format, args);
	/* What is more than one line would not be a comment any more. */
	for (char *p = text; *p != '\0'; p++)
		if (*p == '\n')
			*p = ' ';
	strcat(text, "\n");
	fputs(text, stdout);
	fflush(stdout);
}

void
tap_diag(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	diag(NULL, 0, format, args);
	va_end(args);
}

void
tap_bail(const char *format, ...)
{
	va_list args;

	printf("Bail out! ");
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	fflush(stdout);
	_exit(99);
}

int
tap_done(void)
{
	if (planned < 0)
		tap_plan(ran);
	if (planned != ran)
		tap_diag("planned %d, ran %d", planned, ran);
	return failed > 0 || planned != ran;
}

/* Leaves the case from wherever it is. */
TAP_NORETURN static void
end_case(int how)
{
	fflush(stdout);
	if (!in_process)
		_exit(how);
	if (pthread_equal(pthread_self(), main_thread))
		longjmp(case_end, how);
	abort();
}

void
tap_case_fail(const char *file, int line, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	diag(file, line, format, args);
	va_end(args);
	end_case(CASE_FAILED);
}

void
tap_case_skip(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(*skip_reason, sizeof(*skip_reason), format, args);
	va_end(args);
	end_case(CASE_SKIPPED);
}

void
tap_case_int(const char *file, int line, const char *expression, int64_t seen,
    int64_t wanted)
{
	if (seen != wanted)
		tap_case_fail(file, line, "%s is %" PRId64 ", wanted %" PRId64,
		    expression, seen, wanted);
}

void
tap_case_str(const char *file, int line, const char *expression,
    const char *seen, const char *wanted)
{
	if (!same_string(seen, wanted))
		tap_case_fail(file, line, "%s is \"%s\", wanted \"%s\"",
		    expression, or_null(seen), or_null(wanted));
}

void
tap_case_mem(const char *file, int line, const char *expression,
    const void *seen, const void *wanted, unsigned long size)
{
	const unsigned char *a = seen, *b = wanted;

	for (unsigned long i = 0; i < size; i++)
		if (a[i] != b[i])
			tap_case_fail(file, line,
			    "%s differs at byte %lu: 0x%02x, wanted 0x%02x",
			    expression, i, a[i], b[i]);
}

static int64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/*
 * Waits for the child, at most limit_ms.  It holds the other end of the pipe,
 * whose closing tells at once; a grandchild may hold it longer, so the child
 * is asked for now and then as well.  Returns 0 when the limit has passed.
 */
static int
wait_child(pid_t pid, int fd, int64_t limit_ms, int *ret_status)
{
	int64_t end = now_ms() + limit_ms;
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	pid_t found;

	for (;;) {
		if (poll(&pfd, 1, pfd.fd < 0 ? 1 : 100) > 0)
			pfd.fd = -1;	/* it ends, or has closed everything */
		do
			found = waitpid(pid, ret_status, WNOHANG);
		while (found < 0 && errno == EINTR);
		if (found != 0)
			return 1;
		if (now_ms() >= end)
			return 0;
	}
}

/* Runs the case in a child; says how it ended. */
static int
run_forked(const struct tap_case *c, int64_t limit_ms)
{
	int fds[2], status = 0, how = CASE_FAILED;
	pid_t pid;

	fflush(stdout);
	fflush(stderr);
	if (pipe(fds) != 0 || (pid = fork()) < 0)
		tap_bail("%s", strerror(errno));
	if (pid == 0) {
		/* A group of its own: what it forks can be ended with it. */
		setpgid(0, 0);
#ifdef __linux__
		prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
		close(fds[0]);
		c->fn();
		fflush(stdout);
		/* Not _exit(): leaks are looked for at exit. */
		exit(CASE_PASSED);
	}
	close(fds[1]);
	setpgid(pid, pid);
	if (!wait_child(pid, fds[0], limit_ms, &status)) {
		tap_diag("the time limit of %" PRId64 " s has passed",
		    limit_ms / 1000);
		kill(-pid, SIGKILL);
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			continue;
	} else if (WIFSIGNALED(status)) {
		tap_diag("ended by signal %d (%s)", WTERMSIG(status),
		    strsignal(WTERMSIG(status)));
	} else if (WEXITSTATUS(status) == CASE_PASSED ||
	    WEXITSTATUS(status) == CASE_SKIPPED) {
		how = WEXITSTATUS(status);
	} else if (WEXITSTATUS(status) != CASE_FAILED) {
		tap_diag("ended with exit status %d", WEXITSTATUS(status));
	}
	kill(-pid, SIGKILL);
	close(fds[0]);
	return how;
}

static int
run_in_process(const struct tap_case *c)
{
	int how = setjmp(case_end);

	if (how == 0) {
		tap_diag("%s", c->name);
		c->fn();
	}
	return how;
}

static void
run_case(const struct tap_case *c, int64_t limit_ms)
{
	int64_t start = now_ms();
	int how;

	(*skip_reason)[0] = '\0';
	how = in_process ? run_in_process(c) : run_forked(c, limit_ms);
	if (now_ms() - start >= 5000)
		tap_diag("took %" PRId64 " s", (now_ms() - start) / 1000);
	if (how == CASE_SKIPPED) {
		printf("ok %d - %s # SKIP %s\n", ++ran, c->name, *skip_reason);
		fflush(stdout);
	} else
		tap_ok(how == CASE_PASSED, "%s", c->name);
}

static int
selected(const struct tap_case *c)
{
	const char *part = getenv("PROACTOR_TEST_CASE");

	return part == NULL || strstr(c->name, part) != NULL;
}

int
tap_run_tables(const struct tap_case *const *tables)
{
	const char *limit = getenv("PROACTOR_TEST_TIMEOUT");
	const char *nofork = getenv("PROACTOR_TEST_NOFORK");
	int64_t limit_ms = limit != NULL ? strtol(limit, NULL, 10) * 1000 : 0;
	const struct tap_case *c;
	int count = 0;

	if (limit_ms <= 0)
		limit_ms = 60 * 1000;
	in_process = nofork != NULL && strcmp(nofork, "1") == 0;
	main_thread = pthread_self();
	skip_reason = mmap(NULL, sizeof(*skip_reason), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (skip_reason == MAP_FAILED)
		tap_bail("mmap: %s", strerror(errno));
	for (size_t i = 0; tables[i] != NULL; i++)
		for (c = tables[i]; c->name != NULL; c++)
			count += selected(c);
	tap_plan(count);
	for (size_t i = 0; tables[i] != NULL; i++)
		for (c = tables[i]; c->name != NULL; c++)
			if (selected(c))
				run_case(c, limit_ms);
	return tap_done();
}

int
tap_run(const struct tap_case *cases)
{
	const struct tap_case *const tables[] = { cases, NULL };

	return tap_run_tables(tables);
}
