/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#include "bench/library.h"

#define STOP	UINT64_MAX

/* Two threads, each with its proactor.  The first one measures. */
struct pair {
	struct run *run;
	struct proactor *proactors[2];
	pthread_barrier_t ready;
	uint64_t got[2];		/* messages, each thread its own */
	uint64_t stopped;
};

static void
on_message(void *user, struct proactor *p, uint64_t data)
{
	struct pair *pair = user;

	(void)p;
	(void)data;
	pair->got[0]++;
}

static void
on_request(void *user, struct proactor *p, uint64_t data)
{
	struct pair *pair = user;

	(void)p;
	if (data == STOP)
		pair->stopped = 1;
	else
		check(proactor_send_message(pair->proactors[0], data),
		    "proactor_send_message");
}

static void
own(struct pair *pair, unsigned int i, proactor_message_fn callback)
{
	struct proactor_options options;
	struct run *run = pair->run;

	library_options(run, &options);
	options.message_pool_capacity = run->size;
	check(proactor_create(&options, &pair->proactors[i]),
	    "proactor_create");
	check(proactor_set_message_callback(pair->proactors[i], callback, pair),
	    "proactor_set_message_callback");
	library_own(pair->proactors[i]);
}

static void *
answer(void *user)
{
	struct pair *pair = user;

	pin(pair->run->other_cpu);
	own(pair, 1, on_request);
	pthread_barrier_wait(&pair->ready);
	library_until(pair->proactors[1], &pair->stopped, 1);
	return NULL;
}

static void
start(struct pair *pair, struct run *run, pthread_t *thread,
    void *(*fn)(void *user))
{
	pair->run = run;
	pthread_barrier_init(&pair->ready, NULL, 2);
	own(pair, 0, on_message);
	if (pthread_create(thread, NULL, fn, pair) != 0)
		die("pthread_create", -1);
	pthread_barrier_wait(&pair->ready);
}

static void
round_trip(struct pair *pair)
{
	uint64_t next = pair->got[0] + 1;

	check(proactor_send_message(pair->proactors[1], next),
	    "proactor_send_message");
	library_until(pair->proactors[0], &pair->got[0], next);
}

void
library_message_ping(struct run *run)
{
	struct pair pair = { .stopped = 0 };
	pthread_t thread;
	int64_t begin, *trips;
	uint64_t i;

	trips = allocate(run->operations, sizeof(*trips));
	start(&pair, run, &thread, answer);
	for (i = 0; i < run->warm_up; i++)
		round_trip(&pair);
	run_begin(run);
	for (i = 0; i < run->operations; i++) {
		begin = now_ns();
		round_trip(&pair);
		trips[i] = now_ns() - begin;
	}
	run_end(run, run->operations);
	run_latencies(run, trips, run->operations);
	check(proactor_send_message(pair.proactors[1], STOP),
	    "proactor_send_message");
	pthread_join(thread, NULL);
	proactor_release(pair.proactors[1]);
	library_release(pair.proactors[0]);
	free(trips);
}

void
library_message_self(struct run *run)
{
	struct pair pair = { .run = run };
	uint64_t sent = 0;
	unsigned int i;

	own(&pair, 0, on_message);
	run_begin(run);
	while (sent < run->operations) {
		for (i = 0; i < run->size; i++)
			check(proactor_send_message(pair.proactors[0], sent++),
			    "proactor_send_message");
		library_until(pair.proactors[0], &pair.got[0], sent);
	}
	run_end(run, sent);
	library_release(pair.proactors[0]);
}

/* Sends as fast as the target's pool lets it. */
static void *
pour(void *user)
{
	struct pair *pair = user;
	uint64_t i;
	int r;

	pin(pair->run->other_cpu);
	pthread_barrier_wait(&pair->ready);
	for (i = 0; i < pair->run->operations; i++)
		while ((r = proactor_send_message(pair->proactors[0], i)) !=
		    0) {
			if (r != PROACTOR_EAGAIN)
				die("proactor_send_message", r);
			sched_yield();
		}
	return NULL;
}

void
library_message_burst(struct run *run)
{
	struct pair pair = { .stopped = 0 };
	pthread_t thread;

	start(&pair, run, &thread, pour);
	run_begin(run);
	library_until(pair.proactors[0], &pair.got[0], run->operations);
	run_end(run, run->operations);
	pthread_join(thread, NULL);
	library_release(pair.proactors[0]);
}
