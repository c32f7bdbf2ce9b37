/* SPDX-License-Identifier: ISC */
/* The threads for files: several owners, children of fork, refusals. */
#include "config.h"

#include <sys/wait.h>

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "unit/offload.h"

#define OWNERS		4
#define TOTAL		100000
#define ROUNDS		500

/* Each so manieth thread is refused; 0: none. */
static _Atomic unsigned int refuse_each;

#ifdef HASTY
static _Atomic unsigned int creations;

int
offload_create(pthread_t *thread, const pthread_attr_t *attributes,
    void *(*fn)(void *), void *argument)
{
	unsigned int each = atomic_load(&refuse_each);

	if (each != 0 && atomic_fetch_add(&creations, 1) % each == 0)
		return EAGAIN;
	return pthread_create(thread, attributes, fn, argument);
}

static void
refused(void)
{
	struct gate begun = { 0 }, gate = { 0 };
	struct owner o;
	unsigned int i;

	owner_init(&o, 2);
	atomic_store(&refuse_each, 1);
	for (i = 0; i < 3; i++)
		CHECK_INT(proactor__offload(&o.client, &o.jobs[i].mail),
		    PROACTOR_EAGAIN);
	CHECK(!proactor__offload_cancel(&o.client, &o.jobs[0].mail));
	CHECK(proactor__offload_take(&o.client) == NULL);

	atomic_store(&refuse_each, 0);
	o.jobs[0].begun = &begun;
	o.jobs[0].gate = &gate;
	hand_over(&o, &o.jobs[0]);
	gate_wait(&begun, 1);
	/* There is one that will look. */
	atomic_store(&refuse_each, 1);
	hand_over(&o, &o.jobs[1]);
	hand_over(&o, &o.jobs[2]);
	gate_add(&gate);
	collect_count(&o, 3);
	owner_end(&o);
}
#endif

static unsigned int
draw(unsigned int *seed, unsigned int below)
{
	*seed = *seed * 1664525 + 1013904223;
	return (*seed >> 8) % below;
}

struct player {
	struct owner owner;
	unsigned int seed;
	unsigned int out;
	unsigned int done;
	pthread_barrier_t *start;
	pthread_t thread;
};

/* Hands over some of those that are home. */
static void
play_out(struct player *p)
{
	unsigned int i, n = draw(&p->seed, 8);
	struct job *job;
	int error;

	for (i = 0; i < n; i++) {
		job = &p->owner.jobs[draw(&p->seed, JOBS)];
		if (job->out)
			continue;
		job->mail.kind = 7;
		error = proactor__offload(&p->owner.client, &job->mail);
		if (error != 0) {
			CHECK_INT(error, PROACTOR_EAGAIN);
			CHECK(atomic_load(&refuse_each) != 0);
			return;
		}
		job->out = true;
		p->out++;
	}
}

/* Takes one back that may be anywhere. */
static void
play_back(struct player *p)
{
	struct job *job = &p->owner.jobs[draw(&p->seed, JOBS)];

	if (proactor__offload_cancel(&p->owner.client, &job->mail)) {
		CHECK(job->out);
		CHECK_INT(job->times, 0);
		job->out = false;
		p->out--;
		p->done++;
	}
}

static void
play_home(struct player *p, bool wait)
{
	struct job *job, *next;
	struct mail *mail;

	if (wait)
		job = collect(&p->owner);
	else {
		mail = proactor__offload_take(&p->owner.client);
		job = mail == NULL ? NULL :
		    container_of(mail, struct job, mail);
	}
	for (; job != NULL; job = next) {
		next = job_after(job);
		CHECK(job->out);
		CHECK_INT(job->times, 1);
		CHECK_INT(job->mail.kind, 7);
		job->out = false;
		job->times = 0;
		p->out--;
		p->done++;
	}
}

static void *
play(void *argument)
{
	struct player *p = argument;
	unsigned int quiet;

	pthread_barrier_wait(p->start);
	while (p->done < TOTAL) {
		play_out(p);
		if (draw(&p->seed, 4) == 0)
			play_back(p);
		quiet = draw(&p->seed, 64);
		if (quiet == 0)
			while (p->out != 0)
				play_home(p, true);
		else
			play_home(p, p->out > JOBS / 2);
	}
	/* Some are still out. */
	proactor__offload_drain(&p->owner.client);
	play_home(p, false);
	proactor__offload_release(&p->owner.client);
	owner_free(&p->owner);
	return NULL;
}

static void
nothing_is_lost(void)
{
	struct player *players = calloc(OWNERS, sizeof(*players));
	pthread_barrier_t start;
	unsigned int i;

	CHECK(players != NULL);
	atomic_store(&refuse_each, 3);
	CHECK_INT(pthread_barrier_init(&start, NULL, OWNERS), 0);
	for (i = 0; i < OWNERS; i++) {
		owner_init(&players[i].owner, i + 1);
		players[i].seed = i;
		players[i].start = &start;
		CHECK_INT(pthread_create(&players[i].thread, NULL, play,
		    &players[i]), 0);
	}
	for (i = 0; i < OWNERS; i++) {
		CHECK_INT(pthread_join(players[i].thread, NULL), 0);
		CHECK(players[i].done >= TOTAL);
	}
	pthread_barrier_destroy(&start);
	free(players);
}

/* First jobs and last releases at the same time, with jobs on their way. */
static void *
come_and_go(void *argument)
{
	struct player *p = argument;
	unsigned int i, j;

	for (i = 0; i < ROUNDS; i++) {
		owner_init(&p->owner, 2);
		pthread_barrier_wait(p->start);
		for (j = 0; j <= draw(&p->seed, 4); j++)
			hand_over(&p->owner, &p->owner.jobs[j]);
		if (draw(&p->seed, 2) == 0)
			(void)collect(&p->owner);
		owner_end(&p->owner);
	}
	return NULL;
}

static void
last_ones_meet(void)
{
	struct player *players = calloc(2, sizeof(*players));
	pthread_barrier_t start;
	unsigned int i;

	CHECK(players != NULL);
	CHECK_INT(pthread_barrier_init(&start, NULL, 2), 0);
	for (i = 0; i < 2; i++) {
		players[i].seed = i;
		players[i].start = &start;
		CHECK_INT(pthread_create(&players[i].thread, NULL,
		    come_and_go, &players[i]), 0);
	}
	for (i = 0; i < 2; i++)
		CHECK_INT(pthread_join(players[i].thread, NULL), 0);
	pthread_barrier_destroy(&start);
	free(players);
}

/* A client whose jobs all wait for the gate is drained by another thread. */
static void *
drain_and_go(void *argument)
{
	struct owner *o = argument;

	proactor__offload_drain(&o->client);
	proactor__offload_release(&o->client);
	return NULL;
}

static void
drained_elsewhere(void)
{
	struct gate begun = { 0 }, gate = { 0 };
	struct owner o;
	pthread_t thread;
	unsigned int i, count;

	owner_init(&o, 2);
	for (i = 0; i < JOBS; i++) {
		o.jobs[i].begun = &begun;
		o.jobs[i].gate = &gate;
		hand_over(&o, &o.jobs[i]);
	}
	gate_wait(&begun, 1);
	CHECK_INT(pthread_create(&thread, NULL, drain_and_go, &o), 0);
	gate_add(&gate);
	CHECK_INT(pthread_join(thread, NULL), 0);
	/* The owner comes back to what was done for it. */
	count = atomic_load(&begun.count);
	CHECK(count >= 1);
	collect_count(&o, count);
	owner_free(&o);
}

/* In a child: what is inherited is of no use, what is new works. */
static void
child(struct owner *inherited)
{
	struct owner own;

	CHECK_INT(proactor__offload(&inherited->client,
	    &inherited->jobs[0].mail), PROACTOR_ECHILD);
	CHECK(!proactor__offload_cancel(&inherited->client,
	    &inherited->jobs[0].mail));
	owner_init(&own, 2);
	hand_over(&own, &own.jobs[0]);
	collect_count(&own, 1);
	owner_end(inherited);
	hand_over(&own, &own.jobs[1]);
	collect_count(&own, 1);
	owner_end(&own);
}

/*
 * The child ends as another program, before anybody looks for lost memory:
 * there is what the parent's threads had in hand.
 */
static void
in_children(struct owner *o)
{
	int i, status;
	pid_t pid;

	for (i = 0; i < 20; i++) {
		pid = fork();
		CHECK(pid >= 0);
		if (pid == 0) {
			child(o);
			execlp("true", "true", (char *)NULL);
			_exit(127);
		}
		CHECK_INT(waitpid(pid, &status, 0), pid);
		CHECK_INT(status, 0);
	}
}

static void
fork_makes_its_own(void)
{
	struct gate begun = { 0 }, gate = { 0 };
	struct owner o;

#ifdef NO_THREADS_IN_CHILD
	SKIP("the sanitizer has no threads in a child of threads");
#endif
	if (getenv("PROACTOR_TEST_EMULATED") != NULL)
		SKIP("the emulator aborts at threads in a child of threads");
	owner_init(&o, 1);
	o.jobs[1].begun = &begun;
	o.jobs[1].gate = &gate;
	hand_over(&o, &o.jobs[1]);
	hand_over(&o, &o.jobs[2]);
	gate_wait(&begun, 1);
	in_children(&o);
	gate_add(&gate);
	collect_count(&o, 2);
	owner_end(&o);
}

struct hammer {
	struct owner owner;
	_Atomic bool over;
	pthread_t thread;
};

/* Has the locks of the pool more often than not. */
static void *
hammer(void *argument)
{
	struct hammer *h = argument;

	while (!atomic_load(&h->over)) {
		owner_init(&h->owner, 2);
		hand_over(&h->owner, &h->owner.jobs[0]);
		hand_over(&h->owner, &h->owner.jobs[1]);
		(void)collect(&h->owner);
		owner_end(&h->owner);
	}
	return NULL;
}

static void
fork_any_time(void)
{
	struct hammer *h = calloc(1, sizeof(*h));
	struct owner o;

#ifdef NO_LOCKS_IN_CHILD
	free(h);
	SKIP("the sanitizer's locks are not for a child of threads");
#endif
	if (getenv("PROACTOR_TEST_EMULATED") != NULL) {
		free(h);
		SKIP("the emulator aborts at threads in a child of threads");
	}
	CHECK(h != NULL);
	owner_init(&o, 2);
	hand_over(&o, &o.jobs[1]);
	collect_count(&o, 1);
	CHECK_INT(pthread_create(&h->thread, NULL, hammer, h), 0);
	in_children(&o);
	atomic_store(&h->over, true);
	CHECK_INT(pthread_join(h->thread, NULL), 0);
	hand_over(&o, &o.jobs[1]);
	collect_count(&o, 1);
	owner_end(&o);
	free(h);
}

const struct tap_case offload_race_cases[] = {
#ifdef HASTY
	{ "offload: a refused thread matters when it is the only one",
	    refused },
#endif
	{ "offload: four owners lose nothing", nothing_is_lost },
	{ "offload: first jobs and last releases meet", last_ones_meet },
	{ "offload: another thread drains", drained_elsewhere },
	{ "offload: a child of fork makes its own", fork_makes_its_own },
	{ "offload: a child of fork, whatever the parent was at",
	    fork_any_time },
	{ NULL, NULL }
};
