/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <time.h>

#include "core/system.h"

/* Nanoseconds of the monotonic clock.  Any thread, async-signal-safe. */
int64_t
proactor_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

/*
 * The deadline that is so many nanoseconds away: now for 0 and less,
 * PROACTOR_FOREVER for what is too far to count.
 */
int64_t
proactor_deadline_after(int64_t nanoseconds)
{
	int64_t now = proactor_now();

	if (nanoseconds <= 0)
		return now;
	return nanoseconds > INT64_MAX - now ? PROACTOR_FOREVER :
	    now + nanoseconds;
}
