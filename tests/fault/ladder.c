/* SPDX-License-Identifier: ISC */
/*
 * Older kernels, and those with little memory to lock: each group of set-up
 * flags that is refused is done without, and a ring that is too large is made
 * smaller.  lib/io_uring/probe.c is compiled again for this program, in
 * which io_uring_queue_init_params is another name of ladder_init_params.
 */
#include "config.h"

#include <errno.h>
#include <liburing.h>
#include <string.h>
#include <unistd.h>

#include "fault/support.h"
#include "io_uring/compat.h"

/* The name has become that of the function here, also in the header. */
#undef io_uring_queue_init_params
int	 io_uring_queue_init_params(unsigned int entries,
	    struct io_uring *uring, struct io_uring_params *params);

/* What is refused, and what came of the last attempt that was not. */
static struct {
	unsigned int flags;
	unsigned int most;		/* entries; 0: as many as wanted */
	unsigned int taken_flags;
	unsigned int taken_entries;
	unsigned int attempts;		/* of all */
	unsigned int notices;		/* of the library, of its size */
} kernel;

int
ladder_init_params(unsigned int entries, struct io_uring *uring,
    struct io_uring_params *params)
{
	unsigned int flags = params->flags;
	int error;

	kernel.attempts++;
	if (flags & kernel.flags)
		return -EINVAL;
	if (kernel.most != 0 && entries > kernel.most)
		return -ENOMEM;
	error = io_uring_queue_init_params(entries, uring, params);
	if (error == 0) {
		kernel.taken_flags = flags;
		kernel.taken_entries = entries;
	}
	return error;
}

/* The groups, newest first. */
static const unsigned int groups[] = {
	IORING_SETUP_DEFER_TASKRUN,
	IORING_SETUP_SINGLE_ISSUER,
	IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
	IORING_SETUP_SUBMIT_ALL,
};
#define GROUPS	(sizeof(groups) / sizeof(groups[0]))

/* Skips the case where the kernel itself does not take them all. */
static void
need_all(void)
{
	struct io_uring_params params;
	struct io_uring uring;
	size_t i;
	int error;

	memset(&params, 0, sizeof(params));
	for (i = 0; i < GROUPS; i++)
		params.flags |= groups[i];
	error = io_uring_queue_init_params(4, &uring, &params);
	if (error != 0)
		SKIP("no ring with all flags here: %s", strerror(-error));
	io_uring_queue_exit(&uring);
}

/* Without the newest of them, so many. */
static void
without(size_t count)
{
	struct proactor *p;
	char reason[256];
	size_t i;

	need_all();
	for (i = 0; i < count; i++)
		kernel.flags |= groups[i];
	CHECK_INT(create("io_uring", reason, &p), 0);
	CHECK_INT(kernel.taken_flags & kernel.flags, 0);
	for (i = 0; i < GROUPS; i++)
		if ((kernel.flags & groups[i]) == 0)
			CHECK_INT(kernel.taken_flags & groups[i], groups[i]);
	works(p);
	end_proactor(p);
}

static void
without_1(void)
{
	without(1);
}

static void
without_2(void)
{
	without(2);
}

static void
without_3(void)
{
	without(3);
}

static void
without_all(void)
{
	without(GROUPS);
}

/* What every ring of ours must have. */
static void
without_what_is_needed(void)
{
	struct proactor *p;
	char reason[256];

	need_all();
	kernel.flags = IORING_SETUP_CQSIZE;
	CHECK_INT(create("io_uring", reason, &p), PROACTOR_ENOTSUP);
	CHECK(strlen(reason) >= 10);
	tap_diag("%s", reason);
	CHECK_INT(kernel.attempts, GROUPS + 1);
}

static void
count_notices(void *data, int level, const char *text)
{
	(void)data;
	if (level == PROACTOR_LOG_NOTICE && strstr(text, "entries") != NULL)
		kernel.notices++;
}

/* Its size limits nobody: more are in flight than it has entries. */
static void
many(struct proactor *p)
{
	static struct proactor_handle_poll_op polls[1000];
	int calls = 0, fds[2];
	size_t i;

	CHECK_INT(pipe(fds), 0);
	for (i = 0; i < 1000; i++) {
		proactor_handle_poll_op_init(&polls[i],
		    proactor_handle_fd(fds[1]), PROACTOR_POLL_OUT,
		    count_success, &calls);
		CHECK_INT(proactor_submit_one(p, &polls[i].base), 0);
	}
	poll_calls(p, &calls, 1000);
	CHECK_INT(close(fds[0]), 0);
	CHECK_INT(close(fds[1]), 0);
}

static void
little_memory(void)
{
	struct proactor_options o;
	struct proactor *p;

	end_proactor(create_or_skip("io_uring"));
	kernel.most = 32;
	proactor_options_init(&o);
	o.backend = "io_uring";
	o.max_concurrent_operations = 1024;
	o.log_fn = count_notices;
	CHECK_INT(proactor_create(&o, &p), 0);
	CHECK_INT(kernel.taken_entries, 32);
	CHECK_INT(kernel.notices, 1);
	works(p);
	many(p);
	end_proactor(p);
}

static void
no_memory(void)
{
	struct proactor *p;
	char reason[256];

	end_proactor(create_or_skip("io_uring"));
	kernel.most = 4;
	CHECK_INT(create("io_uring", reason, &p), PROACTOR_ENOMEM);
	CHECK(strstr(reason, "RLIMIT_MEMLOCK") != NULL);
}

static const struct tap_case cases[] = {
	{ "ladder: without deferred task run", without_1 },
	{ "ladder: without a single issuer either", without_2 },
	{ "ladder: without cooperative task run either", without_3 },
	{ "ladder: without any of the flags", without_all },
	{ "ladder: without what is needed it is told, after five attempts",
	    without_what_is_needed },
	{ "ladder: little memory makes a smaller ring, and a notice",
	    little_memory },
	{ "ladder: no memory for the smallest is ENOMEM, in words",
	    no_memory },
	{ NULL, NULL }
};

int
main(void)
{
	return tap_run(cases);
}
