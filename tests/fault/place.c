/* SPDX-License-Identifier: ISC */
/*
 * Places that are not as usual, for the backends that are fallen back to: no
 * /proc and no /sys, hardly any descriptors, very many.
 */
#include "config.h"

#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fault/support.h"

/* Makes a file and reads it back, which takes threads here and there. */
static void
use_a_file(struct proactor *p, const char *path)
{
	struct proactor_file_open_op open_op;
	struct proactor_file_write_op write_op;
	struct proactor_file_read_op read_op;
	struct proactor_file_close_op close_op;
	char bytes[1000], text[1000];
	int calls = 0;

	memset(text, 'x', sizeof(text));
	proactor_file_open_op_init(&open_op, path, PROACTOR_FILE_READ |
	    PROACTOR_FILE_WRITE | PROACTOR_FILE_CREATE, 0600, count_success,
	    &calls);
	CHECK_INT(proactor_submit_one(p, &open_op.base), 0);
	poll_calls(p, &calls, 1);
	proactor_file_write_op_init(&write_op, open_op.file, 0,
	    proactor_span(text, sizeof(text)), count_success, &calls);
	CHECK_INT(proactor_submit_one(p, &write_op.base), 0);
	poll_calls(p, &calls, 2);
	proactor_file_read_op_init(&read_op, open_op.file, 0,
	    proactor_span(bytes, sizeof(bytes)), count_success, &calls);
	CHECK_INT(proactor_submit_one(p, &read_op.base), 0);
	poll_calls(p, &calls, 3);
	CHECK_INT(read_op.bytes, sizeof(bytes));
	CHECK_MEM(bytes, text, sizeof(text));
	proactor_file_close_op_init(&close_op, open_op.file, count_success,
	    &calls);
	CHECK_INT(proactor_submit_one(p, &close_op.base), 0);
	poll_calls(p, &calls, 4);
	CHECK_INT(unlink(path), 0);
}

/* --- an empty directory for a root --- */

struct root {
	int outside;
	char path[PATH_MAX];
};

static void
enter_empty_root(struct root *root)
{
	const char *parent = getenv("TMPDIR");
	char path[160];

	snprintf(path, sizeof(path), "%.120s/proactor-XXXXXX",
	    parent != NULL ? parent : "/tmp");
	CHECK(mkdtemp(path) != NULL);
	CHECK(realpath(path, root->path) != NULL);
	CHECK_INT(chdir(path), 0);
	root->outside = open("..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CHECK(root->outside != -1);
	if ((geteuid() != 0 && unshare(CLONE_NEWUSER) != 0) ||
	    chroot(".") != 0) {
		(void)rmdir(root->path);
		SKIP("chroot: %s", strerror(errno));
	}
	CHECK_INT(access("/proc", F_OK), -1);
	CHECK_INT(access("/sys", F_OK), -1);
}

/* Who looks for leaks at exit wants to see /proc again. */
static void
leave_empty_root(struct root *root)
{
	int i;

	CHECK_INT(fchdir(root->outside), 0);
	for (i = 0; i < 100; i++)
		CHECK_INT(chdir(".."), 0);
	CHECK_INT(chroot("."), 0);
	CHECK_INT(close(root->outside), 0);
	CHECK_INT(rmdir(root->path), 0);
}

static void
empty_root(const char *name)
{
	struct proactor *p;
	struct root root;
	char reason[256];

	if (name != NULL)
		end_proactor(create_or_skip(name));
	enter_empty_root(&root);
	CHECK_INT(create(name, reason, &p), 0);
	works(p);
	use_a_file(p, "/file");
	end_proactor(p);
	leave_empty_root(&root);
}

static void
default_empty_root(void)
{
	unsetenv("PROACTOR_BACKEND");
	empty_root(NULL);
}

static void
epoll_empty_root(void)
{
	empty_root("epoll");
}

static void
poll_empty_root(void)
{
	empty_root("poll");
}

/* --- descriptors --- */

/* Connections until there is no descriptor left, and again when there is. */
static void
few_descriptors(const char *name)
{
	struct proactor_socket *sockets[16];
	struct proactor *p;
	char reason[256];
	int again, i, n;

	end_proactor(create_or_skip(name));
	/* Some may have been inherited. */
	i = next_descriptor() + 8;
	lower_limit(RLIMIT_NOFILE, i < 16 ? 16 : (rlim_t)i);
	CHECK_INT(create(name, reason, &p), 0);
	works(p);
	for (again = 0; again < 3; again++) {
		for (n = 0; n < 16; n++)
			if (proactor_socket_create(p, PROACTOR_SOCKET_TCP, 0,
			    &sockets[n]) != 0)
				break;
		CHECK(n > 0 && n < 16);
		CHECK_INT(proactor_socket_create(p, PROACTOR_SOCKET_TCP, 0,
		    &sockets[n]), PROACTOR_EMFILE);
		for (i = 0; i < n; i++)
			proactor_socket_release(sockets[i]);
	}
	works(p);
	end_proactor(p);
}

static void
epoll_few_descriptors(void)
{
	few_descriptors("epoll");
}

static void
poll_few_descriptors(void)
{
	few_descriptors("poll");
}

#define MANY	10000
#define ROUNDS	3

struct end_of_many {
	struct proactor_recv_op recv;
	struct proactor_send_op send;
	struct proactor_socket *socket;
	char byte;
};

/* As many as the limit allows, an even number up to MANY. */
static int
raise_limit(void)
{
	struct rlimit limit;

	CHECK_INT(getrlimit(RLIMIT_NOFILE, &limit), 0);
	if (limit.rlim_cur < MANY + 100) {
		limit.rlim_cur = limit.rlim_max < MANY + 100 ?
		    limit.rlim_max : MANY + 100;
		CHECK_INT(setrlimit(RLIMIT_NOFILE, &limit), 0);
	}
	if (limit.rlim_cur < 1000)
		SKIP("no more than %ju descriptors",
		    (uintmax_t)limit.rlim_cur);
	return limit.rlim_cur >= MANY + 100 ? MANY :
	    (int)(limit.rlim_cur - 100) & ~1;
}

static void
open_many(struct proactor *p, struct end_of_many *ends, int n, int *calls)
{
	struct proactor_span span;
	int fds[2], i, j;

	for (i = 0; i < n; i += 2) {
		CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0,
		    fds), 0);
		for (j = 0; j < 2; j++) {
			CHECK_INT(proactor_socket_import(p,
			    proactor_handle_fd(fds[j]),
			    PROACTOR_SOCKET_UNIX_STREAM, 0,
			    &ends[i + j].socket), 0);
			span = proactor_span(&ends[i + j].byte, 1);
			proactor_recv_op_init(&ends[i + j].recv,
			    ends[i + j].socket, &span, 1, count_success,
			    calls);
			proactor_send_op_init(&ends[i + j].send,
			    ends[i + j].socket, &span, 1, 0, count_success,
			    calls);
		}
	}
}

/* Each waits, each is sent a byte, each has it. */
static void
many_sockets(const char *name)
{
	struct proactor *p = create_or_skip(name);
	int calls = 0, i, n = raise_limit(), polls = 0, round;
	struct end_of_many *ends;
	int64_t deadline;

	ends = calloc((size_t)n, sizeof(*ends));
	CHECK(ends != NULL);
	open_many(p, ends, n, &calls);
	for (round = 1; round <= ROUNDS; round++) {
		for (i = 0; i < n; i++)
			CHECK_INT(proactor_submit_one(p, &ends[i].recv.base),
			    0);
		CHECK_INT(proactor_poll(p, PROACTOR_IMMEDIATE, NULL),
		    PROACTOR_ETIMEDOUT);
		for (i = 0; i < n; i++)
			CHECK_INT(proactor_submit_one(p, &ends[i].send.base),
			    0);
		deadline = proactor_deadline_after(INT64_C(20000000000));
		while (calls < round * 2 * n) {
			CHECK_INT(proactor_poll(p, deadline, NULL), 0);
			polls++;
		}
		CHECK_INT(calls, round * 2 * n);
	}
	tap_diag("%s: %d sockets, %d bytes in %d polls", name, n, ROUNDS * n,
	    polls);
	/*
	 * With poll a turn costs as much as there are sockets: there must not
	 * be one for each of them.
	 */
	CHECK(polls < n / 4);
	for (i = 0; i < n; i++)
		proactor_socket_release(ends[i].socket);
	end_proactor(p);
	free(ends);
}

static void
epoll_many_sockets(void)
{
	many_sockets("epoll");
}

static void
poll_many_sockets(void)
{
	many_sockets("poll");
}

static const struct tap_case cases[] = {
	{ "place: no /proc and no /sys, whatever is taken",
	    default_empty_root },
	{ "place: no /proc and no /sys, epoll", epoll_empty_root },
	{ "place: no /proc and no /sys, poll", poll_empty_root },
	{ "place: 16 descriptors, epoll", epoll_few_descriptors },
	{ "place: 16 descriptors, poll", poll_few_descriptors },
	{ "place: 10000 sockets, epoll", epoll_many_sockets },
	{ "place: 10000 sockets, poll", poll_many_sockets },
	{ NULL, NULL }
};

int
main(void)
{
	return tap_run(cases);
}
