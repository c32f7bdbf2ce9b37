/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <sys/prctl.h>
#include <sys/wait.h>

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fault/support.h"

void
forbid(unsigned int first, unsigned int last, unsigned int error)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
		    offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, first, 0, 2),
		BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, last, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {
		.len = sizeof(code) / sizeof(code[0]),
		.filter = code,
	};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
		SKIP("no seccomp filter: %s", strerror(errno));
}

void
lower_limit(int what, rlim_t value)
{
	struct rlimit limit = { value, value };

	CHECK_INT(setrlimit(what, &limit), 0);
}

void
become_ordinary(void)
{
	if (geteuid() != 0)
		return;
	if (setgid(65534) != 0 || setuid(65534) != 0)
		SKIP("cannot become an ordinary user: %s", strerror(errno));
	/* Or leaks could not be looked for at exit. */
	(void)prctl(PR_SET_DUMPABLE, 1);
}

void
in_child(void (*fn)(void))
{
	pid_t child, found;
	int status;

	child = fork();
	CHECK(child != -1);
	if (child == 0) {
		fn();
		_exit(0);
	}
	do
		found = waitpid(child, &status, 0);
	while (found == -1 && errno == EINTR);
	CHECK_INT(found, child);
	CHECK(WIFEXITED(status) && (WEXITSTATUS(status) == 0 ||
	    WEXITSTATUS(status) == 77));
}

void
count_success(void *user_data, struct proactor_op *op, int status,
    unsigned int flags)
{
	(void)op;
	CHECK_INT(status, 0);
	CHECK_INT(flags, 0);
	(*(int *)user_data)++;
}

void
poll_calls(struct proactor *p, const int *calls, int count)
{
	int64_t deadline = proactor_deadline_after(INT64_C(20000000000));

	while (*calls < count)
		CHECK_INT(proactor_poll(p, deadline, NULL), 0);
	CHECK_INT(*calls, count);
}

void
works(struct proactor *p)
{
	struct proactor_nop_op nop;
	struct proactor_timer_op timer;
	struct proactor_handle_poll_op poll;
	int calls = 0, fds[2];

	CHECK_INT(pipe(fds), 0);
	proactor_nop_op_init(&nop, count_success, &calls);
	proactor_timer_op_init(&timer, proactor_now(), count_success, &calls);
	proactor_handle_poll_op_init(&poll, proactor_handle_fd(fds[1]),
	    PROACTOR_POLL_OUT, count_success, &calls);
	CHECK_INT(proactor_submit_one(p, &nop.base), 0);
	CHECK_INT(proactor_submit_one(p, &timer.base), 0);
	CHECK_INT(proactor_submit_one(p, &poll.base), 0);
	poll_calls(p, &calls, 3);
	CHECK_INT(close(fds[0]), 0);
	CHECK_INT(close(fds[1]), 0);
}

int
create(const char *backend, char reason[256], struct proactor **ret_p)
{
	struct proactor_options o;

	proactor_options_init(&o);
	o.backend = backend;
	o.reason = reason;
	o.reason_size = 256;
	reason[0] = '\0';
	return proactor_create(&o, ret_p);
}

bool
have_backend(const char *name)
{
	struct proactor *p;
	char reason[256];

	if (create(name, reason, &p) != 0)
		return false;
	proactor_release(p);
	return true;
}

struct proactor *
create_or_skip(const char *name)
{
	struct proactor *p;
	char reason[256];

	unsetenv("PROACTOR_BACKEND");
	if (create(name, reason, &p) != 0)
		SKIP("%s", reason);
	return p;
}

void
end_proactor(struct proactor *p)
{
	CHECK_INT(proactor_shutdown(p, PROACTOR_IMMEDIATE), 0);
	proactor_release(p);
}

int
file_of(size_t size)
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

int
next_descriptor(void)
{
	int fd = dup(0);

	CHECK(fd != -1);
	CHECK_INT(close(fd), 0);
	return fd;
}
