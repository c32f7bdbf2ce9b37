/* SPDX-License-Identifier: ISC */
/*
 * The trial of whether the kernel waits until a time of our clock, with a clock
 * that may be another than the kernel's, as in a time namespace, and whose
 * readers may be held up.
 */
#include "config.h"

#include <sys/types.h>
#include <sys/wait.h>

#include <string.h>
#include <time.h>
#include <unistd.h>

#include "io_uring/ring.h"
#include "tap/tap.h"

#define SECOND	INT64_C(1000000000)

static int64_t ahead;		/* of the kernel's */
static long held_up;		/* nanoseconds, after each look */

/* The name has become that of the function here, also in the header. */
#undef proactor_now
int64_t	 proactor_now(void);

/* What probe.c takes for proactor_now(). */
int64_t
trial_now(void)
{
	struct timespec ts = { .tv_nsec = held_up };
	int64_t now = proactor_now() + ahead;

	if (held_up != 0)
		(void)nanosleep(&ts, NULL);
	return now;
}

static bool
waits_until(int64_t clock_ahead, long delay)
{
	struct ring_probe probe;
	char why[256] = "";

	ahead = clock_ahead;
	held_up = delay;
	memset(&probe, 0, sizeof(probe));
	if (proactor__ring_probe(&probe, why, sizeof(why)) != 0)
		SKIP("%s", why);
	return probe.waits_until;
}

static void
behind(void)
{
	CHECK(!waits_until(-10 * SECOND, 0));
}

static void
behind_and_held_up(void)
{
	CHECK(!waits_until(-10 * SECOND, 1000000));
}

static void
in_front(void)
{
	CHECK(!waits_until(10 * SECOND, 0));
}

static void
in_front_and_held_up(void)
{
	CHECK(!waits_until(10 * SECOND, 1000000));
}

/* In a child, which may be in another time namespace. */
static void
of_a_child(void)
{
	int status;
	pid_t pid;

	(void)waits_until(0, 0);
	pid = fork();
	CHECK(pid != -1);
	if (pid == 0)
		_exit(waits_until(10 * SECOND, 0));
	CHECK_INT(waitpid(pid, &status, 0), pid);
	CHECK_INT(status, 0);
}

static const struct tap_case cases[] = {
	{ "trial: a clock behind the kernel's is not waited for", behind },
	{ "trial: a clock behind it, whose reader is held up",
	    behind_and_held_up },
	{ "trial: a clock ahead of the kernel's is not waited for", in_front },
	{ "trial: a clock ahead of it, whose reader is held up",
	    in_front_and_held_up },
	{ "trial: a child has its own", of_a_child },
	{ NULL, NULL }
};

int
main(void)
{
	return tap_run(cases);
}
