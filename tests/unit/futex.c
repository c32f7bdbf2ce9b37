/* SPDX-License-Identifier: ISC */
/* Sleeping on a word: no wake is missed, no deadline comes early. */
#include "config.h"

#include <sys/mman.h>
#include <sys/wait.h>

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "core/system.h"
#include "tap/tap.h"

#define ROUNDS		20000
#define SLEEPERS	4
#define WORDS		40
#define LONG		INT64_C(30000000000)

static void
differs_returns_at_once(void)
{
	_Atomic uint32_t word = 1;

	CHECK_INT(proactor__futex_wait(&word, 2, PROACTOR_FOREVER, false), 0);
	CHECK_INT(proactor__futex_wait(&word, 2, 0, false), 0);
}

static void
past_deadline(void)
{
	_Atomic uint32_t word = 1;

	CHECK_INT(proactor__futex_wait(&word, 1, 0, false),
	    PROACTOR_ETIMEDOUT);
	CHECK_INT(proactor__futex_wait(&word, 1, -1, false),
	    PROACTOR_ETIMEDOUT);
	CHECK_INT(proactor__futex_wait(&word, 1, INT64_MIN, false),
	    PROACTOR_ETIMEDOUT);
	CHECK_INT(proactor__futex_wait(&word, 1, proactor_now(), false),
	    PROACTOR_ETIMEDOUT);
}

static void
never_early(void)
{
	_Atomic uint32_t word = 1;
	int64_t deadline;
	int i, error;

	for (i = 0; i < 20; i++) {
		deadline = proactor_deadline_after(i * INT64_C(150000));
		do {
			error = proactor__futex_wait(&word, 1, deadline,
			    false);
		} while (error == 0);
		CHECK_INT(error, PROACTOR_ETIMEDOUT);
		CHECK(proactor_now() >= deadline);
	}
}

/* Sleeps until *word is not value, and says what it is then. */
static uint32_t
wait_while(_Atomic uint32_t *word, uint32_t value, bool shared)
{
	int64_t deadline = proactor_deadline_after(LONG);
	uint32_t seen;

	while ((seen = atomic_load(word)) == value)
		CHECK_INT(proactor__futex_wait(word, value, deadline, shared),
		    0);
	return seen;
}

struct table_tennis {
	_Atomic uint32_t word;
	pthread_t thread;
};

static void *
return_ball(void *argument)
{
	struct table_tennis *t = argument;
	uint32_t i;

	for (i = 0; i < ROUNDS; i++) {
		CHECK_INT(wait_while(&t->word, 2 * i, false), 2 * i + 1);
		atomic_store(&t->word, 2 * i + 2);
		proactor__futex_wake(&t->word, 1, false);
	}
	return NULL;
}

static void
no_wake_is_missed(void)
{
	struct table_tennis t = { .word = 0 };
	uint32_t i;

	CHECK_INT(pthread_create(&t.thread, NULL, return_ball, &t), 0);
	for (i = 0; i < ROUNDS; i++) {
		atomic_store(&t.word, 2 * i + 1);
		proactor__futex_wake(&t.word, 1, false);
		CHECK_INT(wait_while(&t.word, 2 * i + 1, false), 2 * i + 2);
	}
	CHECK_INT(pthread_join(t.thread, NULL), 0);
}

struct crowd {
	_Atomic uint32_t words[WORDS];
	_Atomic uint32_t through;
};

struct member {
	struct crowd *crowd;
	unsigned int number;
	pthread_t thread;
};

/* Each has words of its own, and all have the first one. */
static void *
pass(void *argument)
{
	struct member *m = argument;
	struct crowd *c = m->crowd;
	unsigned int i;

	for (i = 0; i < WORDS; i++)
		if (i == 0 || i % SLEEPERS == m->number)
			CHECK_INT(wait_while(&c->words[i], 0, false), 1);
	atomic_fetch_add(&c->through, 1);
	proactor__futex_wake(&c->through, 1, false);
	return NULL;
}

static void
all_are_woken(void)
{
	struct crowd c = { .through = 0 };
	struct member members[SLEEPERS];
	uint32_t through;
	unsigned int i;

	for (i = 0; i < SLEEPERS; i++) {
		members[i].crowd = &c;
		members[i].number = i;
		CHECK_INT(pthread_create(&members[i].thread, NULL, pass,
		    &members[i]), 0);
	}
	for (i = 0; i < WORDS; i++) {
		atomic_store(&c.words[i], 1);
		proactor__futex_wake(&c.words[i], UINT32_MAX, false);
	}
	while ((through = atomic_load(&c.through)) != SLEEPERS)
		(void)wait_while(&c.through, through, false);
	for (i = 0; i < SLEEPERS; i++)
		CHECK_INT(pthread_join(members[i].thread, NULL), 0);
}

struct turnstile {
	_Atomic uint32_t gate;		/* never changes: only wakes count */
	_Atomic uint32_t woken;
};

/* No reason to return but a wake counts; a signal does not come. */
static void *
go_through(void *argument)
{
	struct turnstile *t = argument;

	CHECK_INT(proactor__futex_wait(&t->gate, 0,
	    proactor_deadline_after(LONG), false), 0);
	atomic_fetch_add(&t->woken, 1);
	proactor__futex_wake(&t->woken, 1, false);
	return NULL;
}

/* A wake before the sleep is none, so they are repeated until it was one. */
static void
one_wake_one_sleeper(void)
{
	struct turnstile t = { .gate = 0 };
	pthread_t threads[SLEEPERS];
	uint32_t i, woken, wakes = 0;

	for (i = 0; i < SLEEPERS; i++)
		CHECK_INT(pthread_create(&threads[i], NULL, go_through, &t),
		    0);
	do {
		proactor__futex_wake(&t.gate, 0, false);
		woken = atomic_load(&t.woken);
		CHECK(woken <= wakes);
		proactor__futex_wake(&t.gate, 1, false);
		wakes++;
		(void)proactor__futex_wait(&t.woken, woken,
		    proactor_deadline_after(1000000), false);
		woken = atomic_load(&t.woken);
		CHECK(woken <= wakes);
	} while (woken != SLEEPERS);
	for (i = 0; i < SLEEPERS; i++)
		CHECK_INT(pthread_join(threads[i], NULL), 0);
}

static void
between_processes(void)
{
	_Atomic uint32_t *word;
	int status;
	pid_t child;

	word = mmap(NULL, sizeof(*word), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(word != MAP_FAILED);
	if (proactor__futex_wait(word, 0, 0, true) == PROACTOR_ENOTSUP)
		SKIP("not between processes here");
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		(void)wait_while(word, 0, true);
		atomic_store(word, 2);
		proactor__futex_wake(word, 1, true);
		_exit(0);
	}
	atomic_store(word, 1);
	proactor__futex_wake(word, UINT32_MAX, true);
	(void)wait_while(word, 1, true);
	CHECK_INT(waitpid(child, &status, 0), child);
	CHECK_INT(status, 0);
	munmap(word, sizeof(*word));
}

struct sender {
	_Atomic uint32_t word;
	_Atomic bool over;
};

static void *
wake_on_and_on(void *argument)
{
	struct sender *s = argument;

	while (!atomic_load(&s->over))
		proactor__futex_wake(&s->word, 1, false);
	return NULL;
}

/* Whatever another thread was at when the child was made. */
static void
child_of_fork(void)
{
	struct sender s = { .word = 0 };
	pthread_t thread;
	pid_t child;
	int i, status;

	CHECK_INT(pthread_create(&thread, NULL, wake_on_and_on, &s), 0);
	for (i = 0; i < 50; i++) {
		child = fork();
		CHECK(child >= 0);
		if (child == 0) {
			proactor__futex_wake(&s.word, 1, false);
			_exit(proactor__futex_wait(&s.word, 0, 0, false) ==
			    PROACTOR_ETIMEDOUT ? 0 : 1);
		}
		CHECK_INT(waitpid(child, &status, 0), child);
		CHECK_INT(status, 0);
	}
	atomic_store(&s.over, true);
	CHECK_INT(pthread_join(thread, NULL), 0);
}

static const struct tap_case cases[] = {
	{ "futex: another value returns at once", differs_returns_at_once },
	{ "futex: a deadline in the past is ETIMEDOUT", past_deadline },
	{ "futex: never before the deadline", never_early },
	{ "futex: no wake is missed", no_wake_is_missed },
	{ "futex: all that sleep on a word are woken", all_are_woken },
	{ "futex: a wake of one wakes one", one_wake_one_sleeper },
	{ "futex: from one process to another", between_processes },
	{ "futex: works in a child of fork", child_of_fork },
	{ NULL, NULL }
};

int
main(void)
{
	return tap_run(cases);
}
