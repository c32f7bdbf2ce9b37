/* SPDX-License-Identifier: ISC */
/*
 * Sleeping on a word: futex(2) where there is one, else sleepers in a table.
 * FUTEX_PORTABLE takes the table everywhere, so that it can be tested.
 */
#include "config.h"

#include "core/system.h"

#if defined(__linux__) && !defined(FUTEX_PORTABLE)

#include <sys/syscall.h>

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <unistd.h>

/*
 * The time as the system call has it, whatever the C library's time_t is.
 * The monotonic clock begins with the system: 32 bits last for 68 years.
 */
#ifdef SYS_futex
#define FUTEX_CALL	SYS_futex
#define SECONDS_MAX	LONG_MAX
struct futex_time {
	long seconds;
	long nanoseconds;
};
#else
#define FUTEX_CALL	SYS_futex_time64
#define SECONDS_MAX	INT64_MAX
struct futex_time {
	int64_t seconds;
	int64_t nanoseconds;
};
#endif

int
proactor__futex_wait(_Atomic uint32_t *word, uint32_t expected,
    int64_t deadline, bool shared)
{
	struct futex_time time, *until = NULL;
	int operation = FUTEX_WAIT_BITSET;

	if (deadline < 0)
		deadline = 0;
	if (deadline != PROACTOR_FOREVER &&
	    deadline / 1000000000 <= SECONDS_MAX) {
		time.seconds = deadline / 1000000000;
		time.nanoseconds = deadline % 1000000000;
		until = &time;
	}
	if (!shared)
		operation |= FUTEX_PRIVATE_FLAG;
	if (syscall(FUTEX_CALL, word, operation, expected, until, NULL,
	    FUTEX_BITSET_MATCH_ANY) == 0)
		return 0;
	return errno == EAGAIN || errno == EINTR ? 0 : -errno;
}

uint32_t
proactor__futex_wake(_Atomic uint32_t *word, uint32_t count, bool shared)
{
	int operation = FUTEX_WAKE;
	int before = errno;
	long woken;

	/* To the system call 0 is 1. */
	if (count == 0)
		return 0;
	if (count > INT_MAX)
		count = INT_MAX;
	if (!shared)
		operation |= FUTEX_PRIVATE_FLAG;
	/* A signal handler leaves errno alone. */
	woken = syscall(FUTEX_CALL, word, operation, count, NULL, NULL, 0);
	if (woken < 0)
		errno = before;
	return woken < 0 ? 0 : (uint32_t)woken;
}

#else

#include <pthread.h>
#include <sched.h>

#include "core/list.h"
#include "posix/condition.h"

#define BUCKETS		16

struct sleeper {
	struct link link;
	const _Atomic uint32_t *word;
	pthread_cond_t woken;
};

struct bucket {
	pthread_mutex_t mutex;
	struct link sleepers;		/* oldest first */
};

/*
 * The one table of the process, since a word names no proactor.  A child of
 * fork(2) may find mutexes that are locked for ever, and begins afresh:
 * table_state is twice the generation that has the table, and one more when it
 * is ready.
 */
static struct bucket table[BUCKETS];
static _Atomic uint32_t table_state;

static void
table_make(uint32_t generation)
{
	static const pthread_mutex_t fresh = PTHREAD_MUTEX_INITIALIZER;
	uint32_t state = atomic_load(&table_state);
	int i;

	while (state >> 1 != generation)
		if (atomic_compare_exchange_weak(&table_state, &state,
		    generation << 1)) {
			for (i = 0; i < BUCKETS; i++) {
				table[i].mutex = fresh;
				list_init(&table[i].sleepers);
			}
			atomic_store(&table_state, generation << 1 | 1);
			return;
		}
	while (atomic_load(&table_state) == generation << 1)
		sched_yield();
}

/* The bucket of a word, locked, or NULL when there is no memory. */
static struct bucket *
bucket_lock(const _Atomic uint32_t *word)
{
	uint32_t generation = proactor__generation_create();
	uintptr_t bits = (uintptr_t)word >> 2;
	struct bucket *b;

	if (generation == 0)
		return NULL;
	if (atomic_load_explicit(&table_state, memory_order_acquire) !=
	    (generation << 1 | 1))
		table_make(generation);
	b = &table[(bits ^ bits >> 4 ^ bits >> 10) % BUCKETS];
	pthread_mutex_lock(&b->mutex);
	return b;
}

/* The bucket is locked.  A sleeper that was woken is on no list. */
static int
sleep_in(struct bucket *b, const _Atomic uint32_t *word, int64_t deadline)
{
	struct sleeper s = { .word = word };
	int error;

	error = condition_init(&s.woken);
	if (error != 0)
		return error;
	list_append(&b->sleepers, &s.link);
	while (s.word != NULL && error == 0)
		error = condition_wait(&s.woken, &b->mutex, deadline);
	if (s.word == NULL)
		error = 0;
	else
		list_remove(&s.link);
	pthread_cond_destroy(&s.woken);
	return error;
}

int
proactor__futex_wait(_Atomic uint32_t *word, uint32_t expected,
    int64_t deadline, bool shared)
{
	struct bucket *b;
	int error = 0;

	if (shared)
		return PROACTOR_ENOTSUP;
	b = bucket_lock(word);
	if (b == NULL)
		return PROACTOR_ENOMEM;
	if (atomic_load(word) == expected)
		error = sleep_in(b, word, deadline);
	pthread_mutex_unlock(&b->mutex);
	return error;
}

uint32_t
proactor__futex_wake(_Atomic uint32_t *word, uint32_t count, bool shared)
{
	struct sleeper *s;
	struct bucket *b;
	struct link *l, *next;
	uint32_t woken = 0;

	b = shared ? NULL : bucket_lock(word);
	if (b == NULL)
		return 0;
	for (l = b->sleepers.next; l != &b->sleepers && woken < count;
	    l = next) {
		next = l->next;
		s = container_of(l, struct sleeper, link);
		if (s->word != word)
			continue;
		s->word = NULL;
		list_remove(l);
		pthread_cond_signal(&s->woken);
		woken++;
	}
	pthread_mutex_unlock(&b->mutex);
	return woken;
}

#endif
