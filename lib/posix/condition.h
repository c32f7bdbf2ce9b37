/* SPDX-License-Identifier: ISC */
#ifndef PROACTOR_POSIX_CONDITION_H
#define PROACTOR_POSIX_CONDITION_H

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <time.h>

#include "core/system.h"

/*
 * Condition variables that count time as proactor_now() does: a clock that is
 * set must not make anybody wait longer.
 */

/* 0 or a code. */
static inline int
condition_init(pthread_cond_t *condition)
{
#ifdef __APPLE__
	return -pthread_cond_init(condition, NULL);
#else
	pthread_condattr_t attributes;
	int error;

	error = pthread_condattr_init(&attributes);
	if (error != 0)
		return -error;
	error = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	if (error == 0)
		error = pthread_cond_init(condition, &attributes);
	pthread_condattr_destroy(&attributes);
	return -error;
#endif
}

/*
 * Waits, with the mutex held, until the condition is signalled or the
 * deadline has passed: 0, also for no reason, or ETIMEDOUT.
 */
static inline int
condition_wait(pthread_cond_t *condition, pthread_mutex_t *mutex,
    int64_t deadline)
{
	struct timespec ts;

	if (deadline == PROACTOR_FOREVER)
		return -pthread_cond_wait(condition, mutex);
#ifdef __APPLE__
	deadline -= proactor_now();
#endif
	if (deadline < 0)
		deadline = 0;
	ts.tv_sec = (time_t)(deadline / 1000000000);
	ts.tv_nsec = (long)(deadline % 1000000000);
#ifdef __APPLE__
	return -pthread_cond_timedwait_relative_np(condition, mutex, &ts);
#else
	return -pthread_cond_timedwait(condition, mutex, &ts);
#endif
}

#endif
