/* SPDX-License-Identifier: ISC */
#ifndef TESTS_UNIT_OFFLOAD_H
#define TESTS_UNIT_OFFLOAD_H

#include <stdbool.h>

/*
 * offload-hasty is linked with a pool whose threads hardly wait for work, and
 * that makes them by a function of ours.
 */
#ifdef pthread_create
#undef pthread_create
#define HASTY		1
#endif
#include <pthread.h>

#ifdef HASTY
int	 offload_create(pthread_t *thread, const pthread_attr_t *attributes,
	    void *(*fn)(void *), void *argument);
#endif

#include "core/core.h"
#include "readiness/offload.h"
#include "tap/tap.h"

/* Sanitizers that have threads, or locks, in no child of several threads. */
#if defined(__has_feature)
#define SANITIZER(name)	__has_feature(name ## _sanitizer)
#else
#define SANITIZER(name)	0
#endif
#if defined(__SANITIZE_THREAD__) || SANITIZER(thread)
#define NO_THREADS_IN_CHILD	1
#define NO_LOCKS_IN_CHILD	1
#elif defined(__SANITIZE_ADDRESS__) || SANITIZER(address)
#define NO_LOCKS_IN_CHILD	1
#endif

#define SECOND		INT64_C(1000000000)
#define JOBS		64

/* A word to wait at. */
struct gate {
	_Atomic uint32_t count;
};

void	 gate_add(struct gate *g);
void	 gate_wait(struct gate *g, uint32_t count);

struct job {
	struct mail mail;
	struct gate *begun;		/* if not NULL: one more is running */
	struct gate *gate;		/* if not NULL: opened by 1 */
	unsigned int number;
	unsigned int place;		/* the how manieth that was executed */
	unsigned int times;		/* that it was executed */
	int (*more)(void);		/* if not NULL: its result is for seen */
	int seen;
	bool out;			/* handed over, not home */
};

/* As much of a proactor as a client needs, and its client. */
struct owner {
	struct proactor *p;
	struct gate woken;
	struct offload_client client;
	struct job jobs[JOBS];
};

/* Executed so far, in this process. */
extern _Atomic unsigned int executed;

void	 owner_init(struct owner *o, unsigned int threads);
void	 owner_end(struct owner *o);
void	 owner_free(struct owner *o);	/* drained, released */
void	 hand_over(struct owner *o, struct job *job);
struct job *collect(struct owner *o);
struct job *job_after(const struct job *job);
void	 collect_count(struct owner *o, unsigned int count);
unsigned int pool_threads(void);

extern const struct tap_case offload_cases[];
extern const struct tap_case offload_race_cases[];

#endif
