/* SPDX-License-Identifier: ISC */
/* One run of one cell, in processes of its own. */
#include "config.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/bench.h"

/* A run that takes longer than this has lost its way. */
#define PATIENCE_S	120

struct run *
run_create(void)
{
	struct run *run;

	run = mmap(NULL, sizeof(*run), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (run == MAP_FAILED)
		die("mmap", -errno);
	return run;
}

/* The file that is read: without a name, and cached. */
int
run_file(void)
{
	char block[FILE_BLOCK];
	FILE *f;
	int fd, i;

	f = tmpfile();
	if (f == NULL)
		die("tmpfile", -errno);
	memset(block, 'b', sizeof(block));
	for (i = 0; i < FILE_BLOCKS; i++)
		if (fwrite(block, sizeof(block), 1, f) != 1)
			die("tmpfile", -errno);
	fd = dup(fileno(f));
	if (fclose(f) != 0 || fd < 0 || fsync(fd) != 0)
		die("tmpfile", -errno);
	return fd;
}

static void
set_up(struct run *run, const struct workload *w, const struct peer *peer,
    uint64_t operations, bool traced)
{
	unsigned int i;
	int file = run->file;

	memset(run, 0, sizeof(*run));
	run->backend = peer->backend;
	run->operations = operations;
	/* Until everything that comes with use, has come. */
	run->warm_up = operations / 10 + 100;
	if (w->slot == SLOT_ECHO)
		run->warm_up += 40 * (uint64_t)w->size;
	run->size = w->size;
	run->cpu = processor(0);
	run->other_cpu = processor(w->cores - 1);
	run->listener = -1;
	run->file = file;
	run->traced = traced;
	for (i = 0; i < METRIC_COUNT; i++)
		run->result[i] = NAN;
}

/* A child that waits for a byte before it begins, or for its parent's end. */
static pid_t
child(int pipes[2])
{
	pid_t pid;
	char byte;

	if (pipe(pipes) != 0)
		return -1;
	fflush(NULL);
	pid = fork();
	if (pid != 0) {
		close(pipes[0]);
		return pid;
	}
	close(pipes[1]);
	if (read(pipes[0], &byte, 1) != 1)
		_exit(1);
	close(pipes[0]);
	alarm(PATIENCE_S);
	return 0;
}

static pid_t
start_cell(struct run *run, cell fn, bool traced)
{
	int pipes[2];
	pid_t pid;
	bool well;

	pid = child(pipes);
	if (pid == 0) {
		pin(run->cpu);
		count_into(run);
		fn(run);
		_exit(0);
	}
	if (pid < 0)
		return pid;
	well = !traced || trace_begin(pid);
	well = well && write(pipes[1], "", 1) == 1;
	close(pipes[1]);
	if (!well)
		kill(pid, SIGKILL);
	return pid;
}

static pid_t
start_load(struct run *run, load fn, unsigned int port, pid_t server)
{
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid != 0)
		return pid;
	alarm(PATIENCE_S);
	pin(run->other_cpu);
	close(run->listener);
	fn(run, port, server);
	_exit(0);
}

/* Why, when it could not say so itself. */
static void
say_signal(const struct workload *w, const struct peer *peer,
    const char *role, int status)
{
	if (WIFSIGNALED(status))
		fprintf(stderr, "bench: %s %s: %s: %s\n", w->name, peer->name,
		    role, strsignal(WTERMSIG(status)));
}

/*
 * Fills run->result.  False: the cell or its client failed, and has said why
 * on standard error.
 */
bool
run_cell(const struct workload *w, const struct peer *peer, struct run *run,
    uint64_t operations, bool traced)
{
	int client_status = 0, status;
	unsigned int port = 0;
	pid_t client = 0, pid;

	set_up(run, w, peer, operations, traced);
	if (w->shape == SHAPE_SERVED)
		run->listener = net_listen(&port, w->slot);
	pid = start_cell(run, peer->cells[w->slot], traced);
	if (pid < 0)
		die("fork", -errno);
	if (w->shape == SHAPE_SERVED) {
		client = start_load(run, load_of(w->slot), port, pid);
		close(run->listener);
		if (client < 0) {
			kill(pid, SIGKILL);
			client = 0;
		}
	}
	if (traced)
		status = trace_until_exit(pid, run, client, &client_status);
	else {
		if (client != 0)
			waitpid(client, &client_status, 0);
		if (client_status != 0)
			kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
	}
	say_signal(w, peer, "client", client_status);
	say_signal(w, peer, "cell", status);
	return status == 0 && client_status == 0;
}
