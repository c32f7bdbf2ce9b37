/* SPDX-License-Identifier: ISC */
/* Counts the system calls of a process and its threads by ptrace(2). */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/bench.h"

#define OPTIONS \
 (PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_EXITKILL)

/* Stop events by which a thread shows itself, not its work. */
#ifndef PTRACE_EVENT_STOP
# define PTRACE_EVENT_STOP 128
#endif

/* pid waits for us to have begun; it is stopped afterwards. */
bool
trace_begin(pid_t pid)
{
	if (ptrace(PTRACE_SEIZE, pid, NULL, (void *)OPTIONS) != 0)
		return false;
	return ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) == 0;
}

/* Is tracing permitted here at all? */
bool
trace_works(void)
{
	pid_t pid;
	bool works;

	pid = fork();
	if (pid < 0)
		return false;
	if (pid == 0) {
		pause();
		_exit(0);
	}
	works = ptrace(PTRACE_SEIZE, pid, NULL, NULL) == 0;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return works;
}

/* One stop of a thread: count it if it enters the kernel, let it go on. */
static void
on_stop(pid_t tid, int status, struct run *run)
{
	struct __ptrace_syscall_info info;
	unsigned int event = (unsigned int)status >> 16;
	int sig = WSTOPSIG(status);

	if (sig == (SIGTRAP | 0x80)) {
		if (ptrace(PTRACE_GET_SYSCALL_INFO, tid, (void *)sizeof(info),
			&info) > 0 &&
		    info.op == PTRACE_SYSCALL_INFO_ENTRY)
			run->syscalls++;
		sig = 0;
	} else if (event != 0)
		sig = 0;
	ptrace(PTRACE_SYSCALL, tid, NULL, (void *)(long)sig);
}

/*
 * Runs traced, and other beside it if not 0, to their ends.  Returns
 * traced's exit status.
 */
int
trace_until_exit(pid_t traced, struct run *run, pid_t other,
    int *ret_other_status)
{
	bool other_lives = other != 0;
	int status, result = -1;
	pid_t pid;

	*ret_other_status = 0;
	for (;;) {
		pid = waitpid(-1, &status, __WALL);
		if (pid < 0 && errno == EINTR)
			continue;
		if (pid < 0)
			return result;
		if (WIFSTOPPED(status))
			on_stop(pid, status, run);
		else if (pid == other) {
			other_lives = false;
			*ret_other_status = status;
		} else if (pid == traced) {
			result = status;
			traced = 0;
		}
		if (traced == 0 && !other_lives)
			return result;
	}
}
