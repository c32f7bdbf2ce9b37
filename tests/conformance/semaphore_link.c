/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <sys/wait.h>

#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "conformance/semaphore.h"

/* Semaphores that follow others. */

struct scene {
	struct world w;
	struct proactor_semaphore *a;
	struct proactor_semaphore *b;
	struct proactor_semaphore_link *link;
};

static void
scene_open(struct scene *c)
{
	world_open(&c->w, NULL);
	c->a = semaphore_open(&c->w, 0);
	c->b = semaphore_open(&c->w, 0);
	c->link = NULL;
}

static void
scene_close(struct scene *c)
{
	proactor_semaphore_release(c->a);
	proactor_semaphore_release(c->b);
	world_close(&c->w);
}

static void
link_up_to(struct scene *c, uint64_t from, uint64_t to)
{
	CHECK_INT(proactor_semaphore_link(c->a, from, c->b, to, &c->link), 0);
	CHECK(c->link != NULL);
}

static void
target_follows(void)
{
	struct scene c;

	scene_open(&c);
	link_up_to(&c, 2, 20);
	signal_to(c.a, 1);
	CHECK_INT(value_of(c.b), 0);
	signal_to(c.a, 3);
	CHECK_INT(value_of(c.b), 20);
	CHECK_INT(proactor_semaphore_unlink(c.link), PROACTOR_ENOENT);
	/* What is reached already, at once. */
	link_up_to(&c, 1, 30);
	CHECK_INT(value_of(c.b), 30);
	CHECK_INT(proactor_semaphore_unlink(c.link), PROACTOR_ENOENT);
	scene_close(&c);
}

static void
failure_follows(void)
{
	struct proactor_semaphore *other;
	struct scene c;

	scene_open(&c);
	link_up_to(&c, 2, 20);
	CHECK_INT(proactor_semaphore_fail(c.a, PROACTOR_EIO), 0);
	CHECK_INT(proactor_semaphore_query_status(c.b), PROACTOR_EIO);
	CHECK_INT(value_of(c.b), 0);
	CHECK_INT(proactor_semaphore_unlink(c.link), PROACTOR_ENOENT);
	/* A failed source fails the target at once. */
	other = semaphore_open(&c.w, 5);
	CHECK_INT(proactor_semaphore_link(c.a, 1, other, 6, NULL), 0);
	CHECK_INT(proactor_semaphore_query_status(other), PROACTOR_EIO);
	proactor_semaphore_release(other);
	scene_close(&c);
}

static void
unlink_in_time(void)
{
	struct scene c;

	scene_open(&c);
	link_up_to(&c, 2, 20);
	CHECK_INT(proactor_semaphore_unlink(c.link), 0);
	signal_to(c.a, 2);
	CHECK_INT(value_of(c.b), 0);
	link_up_to(&c, 3, 20);
	CHECK_INT(proactor_semaphore_unlink(c.link), 0);
	CHECK_INT(proactor_semaphore_fail(c.a, PROACTOR_EIO), 0);
	CHECK_INT(proactor_semaphore_query_status(c.b), 0);
	scene_close(&c);
}

static void
target_is_further(void)
{
	struct scene c;

	scene_open(&c);
	link_up_to(&c, 1, 20);
	signal_to(c.b, 21);
	signal_to(c.a, 1);
	CHECK_INT(value_of(c.b), 21);
	CHECK_INT(proactor_semaphore_query_status(c.b), 0);
	CHECK_INT(proactor_semaphore_unlink(c.link), PROACTOR_ENOENT);
	link_up_to(&c, 2, 30);
	CHECK_INT(proactor_semaphore_fail(c.b, PROACTOR_EIO), 0);
	signal_to(c.a, 2);
	CHECK_INT(proactor_semaphore_query_status(c.b), PROACTOR_EIO);
	CHECK_INT(proactor_semaphore_unlink(c.link), PROACTOR_ENOENT);
	scene_close(&c);
}

static void
ends_meet(void)
{
	struct proactor_semaphore_link *back, *self;
	struct scene c;

	scene_open(&c);
	link_up_to(&c, 1, 1);
	CHECK_INT(proactor_semaphore_link(c.b, 1, c.a, 2, &back), 0);
	CHECK_INT(proactor_semaphore_link(c.a, 2, c.a, 3, &self), 0);
	signal_to(c.a, 1);
	CHECK_INT(value_of(c.a), 3);
	CHECK_INT(value_of(c.b), 1);
	CHECK_INT(proactor_semaphore_unlink(c.link), PROACTOR_ENOENT);
	CHECK_INT(proactor_semaphore_unlink(back), PROACTOR_ENOENT);
	CHECK_INT(proactor_semaphore_unlink(self), PROACTOR_ENOENT);
	scene_close(&c);
}

static void
link_keeps_both(void)
{
	struct mark m;
	struct scene c;

	scene_open(&c);
	mark_init(&m, NULL);
	mark_at(&m, c.b, 20);
	link_up_to(&c, 2, 20);
	/* The link has the one reference that is left. */
	proactor_semaphore_release(c.b);
	mark_check(&m, 0, 0);
	signal_to(c.a, 2);
	mark_check(&m, 1, 0);
	proactor_semaphore_release(c.a);
	CHECK_INT(proactor_semaphore_unlink(c.link), PROACTOR_ENOENT);
	world_close(&c.w);

	scene_open(&c);
	mark_init(&m, NULL);
	mark_at(&m, c.b, 20);
	link_up_to(&c, 2, 20);
	proactor_semaphore_release(c.a);
	proactor_semaphore_release(c.b);
	mark_check(&m, 0, 0);
	CHECK_INT(proactor_semaphore_unlink(c.link), 0);
	mark_check(&m, 1, PROACTOR_ECANCELED);
	world_close(&c.w);
}

static void
loose_link_ends(void)
{
	struct scene c;

	scene_open(&c);
	CHECK_INT(proactor_semaphore_link(c.a, 2, c.b, 20, NULL), 0);
	signal_to(c.a, 2);
	CHECK_INT(value_of(c.b), 20);
	CHECK_INT(proactor_semaphore_link(c.a, 3, c.b, 30, NULL), 0);
	CHECK_INT(proactor_semaphore_query_status(c.b), 0);
	proactor_semaphore_release(c.a);
	CHECK_INT(proactor_semaphore_query_status(c.b), PROACTOR_ECANCELED);
	CHECK_INT(value_of(c.b), 20);
	proactor_semaphore_release(c.b);
	world_close(&c.w);
}

#define CHAIN	10000

static void
signal_it(void *s)
{
	signal_to(s, 1);
	proactor_semaphore_release(s);
}

static void
fail_it(void *s)
{
	CHECK_INT(proactor_semaphore_fail(s, PROACTOR_EIO), 0);
	proactor_semaphore_release(s);
}

static void
release_it(void *s)
{
	proactor_semaphore_release(s);
}

/* Something happens to the first, and it is released; then see the last. */
static void
long_chain(void (*fn)(void *), uint64_t value, int status)
{
	struct proactor_semaphore **s;
	struct world w;
	size_t i;

	world_open(&w, NULL);
	s = calloc(CHAIN + 1, sizeof(*s));
	CHECK(s != NULL);
	for (i = 0; i <= CHAIN; i++)
		s[i] = semaphore_open(&w, 0);
	for (i = 0; i < CHAIN; i++)
		CHECK_INT(proactor_semaphore_link(s[i], 1, s[i + 1], 1, NULL),
		    0);
	for (i = 1; i < CHAIN; i++)
		proactor_semaphore_release(s[i]);
	with_little_stack(fn, s[0]);
	CHECK_INT(value_of(s[CHAIN]), value);
	CHECK_INT(proactor_semaphore_query_status(s[CHAIN]), status);
	proactor_semaphore_release(s[CHAIN]);
	free(s);
	world_close(&w);
}

static void
long_chain_signals(void)
{
	long_chain(signal_it, 1, 0);
}

static void
long_chain_fails(void)
{
	long_chain(fail_it, 0, PROACTOR_EIO);
}

static void
long_chain_goes(void)
{
	long_chain(release_it, 0, PROACTOR_ECANCELED);
}

/* A child of fork(2) first. */
static void
release_in_child(void *s)
{
	int status;
	pid_t child;

	child = fork();
	CHECK(child != -1);
	if (child == 0) {
		proactor_semaphore_release(s);
		_exit(0);
	}
	CHECK_INT(waitpid(child, &status, 0), child);
	CHECK_INT(status, 0);
	proactor_semaphore_release(s);
}

static void
long_chain_in_child(void)
{
	long_chain(release_in_child, 0, PROACTOR_ECANCELED);
}

/* Its own semaphore cannot be linked to one of its parent's. */
static void
child_links(struct proactor_semaphore *parents)
{
	struct proactor_semaphore *s;
	struct world w;

	world_open(&w, NULL);
	s = semaphore_open(&w, 0);
	CHECK_INT(proactor_semaphore_link(s, 1, parents, 1, NULL),
	    PROACTOR_ECHILD);
	CHECK_INT(proactor_semaphore_link(parents, 1, s, 1, NULL),
	    PROACTOR_ECHILD);
	proactor_semaphore_release(s);
	world_close(&w);
}

static void
child_is_refused(void)
{
	struct proactor_semaphore *s;
	struct world w;
	int status;
	pid_t child;

	world_open(&w, NULL);
	s = semaphore_open(&w, 0);
	child = fork();
	CHECK(child != -1);
	if (child == 0) {
		child_links(s);
		_exit(0);
	}
	CHECK_INT(waitpid(child, &status, 0), child);
	CHECK_INT(status, 0);
	proactor_semaphore_release(s);
	world_close(&w);
}

/* --- with other threads --- */

#define ROUNDS	2000

struct race {
	struct proactor_semaphore *a;
	_Atomic uint64_t linked;
};

static void *
signal_each(void *arg)
{
	struct race *r = arg;
	uint64_t value;

	for (value = 1; value <= ROUNDS; value++) {
		while (atomic_load(&r->linked) < value)
			sched_yield();
		signal_to(r->a, value);
	}
	return NULL;
}

static void
unlink_races(void)
{
	struct race r;
	struct scene c;
	pthread_t thread;
	uint64_t value, before;

	scene_open(&c);
	r.a = c.a;
	atomic_init(&r.linked, 0);
	thread_start(&thread, signal_each, &r);
	for (value = 1; value <= ROUNDS; value++) {
		before = value_of(c.b);
		link_up_to(&c, value, value);
		atomic_store(&r.linked, value);
		if (value % 2 == 0)
			sched_yield();
		if (proactor_semaphore_unlink(c.link) != 0)
			while (value_of(c.b) < value)
				sched_yield();
		else
			CHECK(value_of(c.b) == before);
	}
	thread_join(thread);
	scene_close(&c);
}

const struct tap_case semaphore_link_cases[] = {
	{ "semaphore link: the target follows the source", target_follows },
	{ "semaphore link: a failure follows too", failure_follows },
	{ "semaphore link: one that is undone in time does nothing",
	    unlink_in_time },
	{ "semaphore link: a target that is further stays as it is",
	    target_is_further },
	{ "semaphore link: rings, and a semaphore linked to itself",
	    ends_meet },
	{ "semaphore link: keeps source and target", link_keeps_both },
	{ "semaphore link: one without a handle ends with its source",
	    loose_link_ends },
	{ "semaphore link: a signal goes through 10,000 in a row",
	    long_chain_signals },
	{ "semaphore link: a failure goes through 10,000 in a row",
	    long_chain_fails },
	{ "semaphore link: 10,000 in a row end with the first",
	    long_chain_goes },
	{ "semaphore link: they end in a child of fork, too",
	    long_chain_in_child },
	{ "semaphore link: a child of fork may not link to its parent's",
	    child_is_refused },
	{ "semaphore link: is undone or has signalled, 2,000 races",
	    unlink_races },
	{ NULL, NULL }
};
