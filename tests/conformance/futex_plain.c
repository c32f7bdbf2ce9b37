/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "conformance/conformance.h"

/* Futex operations and threads, and processes, in plain system calls. */

#if defined(__linux__)

#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <errno.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#ifndef SYS_futex
#define SYS_futex	SYS_futex_time64
#endif

struct word {
	_Atomic uint32_t value;
	atomic_int woken;
	unsigned int flags;
	int status;
};

static int
plain(struct word *w)
{
	return w->flags & PROACTOR_FUTEX_PRIVATE ? FUTEX_PRIVATE_FLAG : 0;
}

static long
plain_wake(struct word *w, int count)
{
	return syscall(SYS_futex, &w->value, FUTEX_WAKE | plain(w), count,
	    NULL, NULL, 0);
}

static void *
wake_once(void *arg)
{
	struct word *w = arg;

	while (plain_wake(w, 1) == 0)
		continue;
	return NULL;
}

static void *
wait_once(void *arg)
{
	struct word *w = arg;

	while (syscall(SYS_futex, &w->value, FUTEX_WAIT | plain(w), 0, NULL,
	    NULL, 0) != 0 && errno == EINTR)
		continue;
	atomic_fetch_add(&w->woken, 1);
	return NULL;
}

static void
open_or_skip(struct world *w)
{
	world_open(w, NULL);
	if ((proactor_query_capabilities(w->p) &
	    PROACTOR_CAP_FUTEX_OPERATIONS) == 0) {
		world_close(w);
		SKIP("no futex operations here");
	}
}

static const unsigned int both[] = { PROACTOR_FUTEX_32,
	PROACTOR_FUTEX_32 | PROACTOR_FUTEX_PRIVATE };

/* The thread is the first that the process makes, in its own child. */
static void
woken_by_thread(unsigned int flags)
{
	struct proactor_futex_wait_op wait;
	static struct word word;
	struct world w;
	pthread_t thread;
	size_t i;

	open_or_skip(&w);
	word.flags = flags;
	for (i = 1; i <= 200; i++) {
		proactor_futex_wait_op_init(&wait, &word.value, 0, flags,
		    record, &w.r);
		CHECK_INT(proactor_submit_one(w.p, &wait.base), 0);
		if (i == 1)
			CHECK(poll_quiet(&w));
		thread_start(&thread, wake_once, &word);
		CHECK(poll_until(&w, &w.r.finals, i));
		thread_join(thread);
		CHECK_INT(status_of(&w.r, &wait), 0);
	}
	world_close(&w);
}

static void
woken_by_thread_shared(void)
{
	woken_by_thread(both[0]);
}

static void
woken_by_thread_private(void)
{
	woken_by_thread(both[1]);
}

static void
wakes_threads(void)
{
	struct proactor_futex_wake_op wake;
	static struct word word;
	struct world w;
	pthread_t threads[4];
	size_t i, k, sum;

	for (k = 0; k < 2; k++) {
		open_or_skip(&w);
		memset(&word, 0, sizeof(word));
		word.flags = both[k];
		for (i = 0; i < 4; i++)
			thread_start(&threads[i], wait_once, &word);
		proactor_futex_wake_op_init(&wake, &word.value, 1, both[k],
		    record, &w.r);
		for (sum = 0; sum < 4; sum += (size_t)wake.woken) {
			CHECK_INT(run_one(&w, &wake.base), 0);
			CHECK(wake.woken >= 0 && wake.woken <= 1);
		}
		for (i = 0; i < 4; i++)
			thread_join(threads[i]);
		CHECK_INT(atomic_load(&word.woken), 4);
		world_close(&w);
	}
}

/* Back and forth: each waits for the other in its own way. */
static struct word ping, pong;
#define ROUNDS	2000

static void *
plain_player(void *arg)
{
	uint32_t i;

	(void)arg;
	for (i = 0; i < ROUNDS; i++) {
		while (atomic_load(&ping.value) <= i)
			(void)syscall(SYS_futex, &ping.value, FUTEX_WAIT |
			    plain(&ping), i, NULL, NULL, 0);
		atomic_fetch_add(&pong.value, 1);
		(void)plain_wake(&pong, 1);
	}
	return NULL;
}

static void
ping_pong(void)
{
	struct proactor_futex_wait_op wait;
	struct proactor_futex_wake_op wake;
	struct world w;
	pthread_t thread;
	uint32_t i;
	size_t k;

	for (k = 0; k < 2; k++) {
		open_or_skip(&w);
		memset(&ping, 0, sizeof(ping));
		memset(&pong, 0, sizeof(pong));
		ping.flags = pong.flags = both[k];
		proactor_futex_wake_op_init(&wake, &ping.value, 1, both[k],
		    record, &w.r);
		thread_start(&thread, plain_player, NULL);
		for (i = 0; i < ROUNDS; i++) {
			atomic_fetch_add(&ping.value, 1);
			CHECK_INT(run_one(&w, &wake.base), 0);
			while (atomic_load(&pong.value) <= i) {
				proactor_futex_wait_op_init(&wait,
				    &pong.value, i, both[k], record, &w.r);
				recorder_clear(&w.r);
				CHECK_INT(run_one(&w, &wait.base), 0);
			}
		}
		thread_join(thread);
		world_close(&w);
	}
}

static void
woken_by_process(void)
{
	struct proactor_futex_wait_op wait;
	struct word *word;
	struct world w;
	int status;
	pid_t child;
	size_t i;

	word = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(word != MAP_FAILED);
	open_or_skip(&w);
	word->flags = PROACTOR_FUTEX_32;
	proactor_futex_wait_op_init(&wait, &word->value, 0, word->flags,
	    record, &w.r);
	for (i = 1; i <= 3; i++) {
		CHECK_INT(proactor_submit_one(w.p, &wait.base), 0);
		child = fork();
		CHECK(child >= 0);
		if (child == 0) {
			wake_once(word);
			_exit(0);
		}
		CHECK(poll_until(&w, &w.r.finals, i));
		CHECK_INT(status_of(&w.r, &wait), 0);
		CHECK_INT(waitpid(child, &status, 0), child);
		CHECK_INT(status, 0);
	}
	world_close(&w);
	CHECK_INT(munmap(word, 4096), 0);
}

const struct tap_case futex_plain_cases[] = {
	{ "futex plain: a thread's system call wakes the operation",
	    woken_by_thread_shared },
	{ "futex plain: ... on a private word, by the first thread made",
	    woken_by_thread_private },
	{ "futex plain: an operation wakes threads, one at a time",
	    wakes_threads },
	{ "futex plain: an operation and a thread answer each other",
	    ping_pong },
	{ "futex plain: another process wakes the operation",
	    woken_by_process },
	{ NULL, NULL }
};

#else

const struct tap_case futex_plain_cases[] = {
	{ NULL, NULL }
};

#endif
