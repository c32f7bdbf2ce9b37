/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>

#include "conformance/conformance.h"

/* Wakes, and signals while poll sleeps. */

#define MILLISECOND	INT64_C(1000000)

static void
wake_before_poll(void)
{
	struct world w;
	size_t completed = 99;

	world_open(&w, NULL);
	CHECK_INT(proactor_wake(w.p), 0);
	CHECK_INT(proactor_poll(w.p, patience(), &completed), 0);
	CHECK_INT(completed, 0);
	CHECK_INT(proactor_poll(w.p, PROACTOR_IMMEDIATE, NULL),
	    PROACTOR_ETIMEDOUT);
	/* And again, now that there is an owner. */
	completed = 99;
	CHECK_INT(proactor_wake(w.p), 0);
	CHECK_INT(proactor_poll(w.p, patience(), &completed), 0);
	CHECK_INT(completed, 0);
	CHECK_INT(proactor_poll(w.p, PROACTOR_IMMEDIATE, NULL),
	    PROACTOR_ETIMEDOUT);
	world_close(&w);
}

static void
wakes_coalesce(void)
{
	struct world w;
	int round, i;

	world_open(&w, NULL);
	for (round = 0; round < 10; round++) {
		for (i = 0; i < 100; i++)
			CHECK_INT(proactor_wake(w.p), 0);
		CHECK_INT(proactor_poll(w.p, patience(), NULL), 0);
		CHECK_INT(proactor_poll(w.p, PROACTOR_IMMEDIATE, NULL),
		    PROACTOR_ETIMEDOUT);
	}
	CHECK(poll_quiet(&w));
	world_close(&w);
}

struct waker {
	struct proactor *p;
	atomic_uint wanted;		/* wakes that were asked for */
	atomic_bool stop;
};

static void *
wake_on_demand(void *arg)
{
	struct waker *k = arg;
	unsigned int done = 0;

	while (!atomic_load(&k->stop)) {
		if (done != atomic_load(&k->wanted)) {
			done++;
			CHECK_INT(proactor_wake(k->p), 0);
		}
	}
	return NULL;
}

/* Each wake races with falling asleep; none may be lost. */
static void
wakes_sleepers(void)
{
	struct world w;
	struct waker k = {0};
	pthread_t thread;
	size_t completed;
	int i;

	world_open(&w, NULL);
	k.p = w.p;
	thread_start(&thread, wake_on_demand, &k);
	for (i = 0; i < 2000; i++) {
		atomic_fetch_add(&k.wanted, 1);
		CHECK_INT(proactor_poll(w.p, patience(), &completed), 0);
		CHECK_INT(completed, 0);
	}
	atomic_store(&k.stop, true);
	thread_join(thread);
	world_close(&w);
}

static void
wake_back(void *user_data, struct proactor_op *op, int status,
    unsigned int flags)
{
	(void)op;
	(void)flags;
	CHECK_INT(status, 0);
	CHECK_INT(proactor_wake(user_data), 0);
}

/* The poll that runs returns anyway; at most the next one does as well. */
static void
wake_from_callback(void)
{
	struct world w;
	struct proactor_nop_op nops[3];
	size_t completed, i;
	int status;

	world_open(&w, NULL);
	for (i = 0; i < 3; i++)
		proactor_nop_op_init(&nops[i], wake_back, w.p);
	for (i = 0; i < 3; i++)
		CHECK_INT(proactor_submit_one(w.p, &nops[i].base), 0);
	CHECK_INT(proactor_poll(w.p, patience(), &completed), 0);
	CHECK_INT(completed, 3);
	status = proactor_poll(w.p, PROACTOR_IMMEDIATE, &completed);
	CHECK(status == PROACTOR_ETIMEDOUT || (status == 0 && completed == 0));
	CHECK_INT(proactor_poll(w.p, PROACTOR_IMMEDIATE, NULL),
	    PROACTOR_ETIMEDOUT);
	world_close(&w);
}

/* --- signals --- */

static struct proactor *handler_wakes;
static atomic_int handled;

static void
on_signal(int sig)
{
	int saved = errno;

	(void)sig;
	atomic_fetch_add(&handled, 1);
	if (handler_wakes != NULL)
		(void)proactor_wake(handler_wakes);
	errno = saved;
}

static void
handle_signal(void)
{
	struct sigaction sa;

	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = on_signal;
	CHECK_INT(sigaction(SIGUSR1, &sa, NULL), 0);
}

static void *
signal_it(void *arg)
{
	CHECK_INT(pthread_kill(*(pthread_t *)arg, SIGUSR1), 0);
	return NULL;
}

static void
wake_from_handler(void)
{
	struct world w;
	pthread_t thread, self = pthread_self();
	int i;

	world_open(&w, NULL);
	CHECK_INT(proactor_poll(w.p, PROACTOR_IMMEDIATE, NULL),
	    PROACTOR_ETIMEDOUT);
	handler_wakes = w.p;
	handle_signal();
	CHECK_INT(raise(SIGUSR1), 0);
	CHECK_INT(proactor_poll(w.p, patience(), NULL), 0);
	for (i = 0; i < 50; i++) {
		thread_start(&thread, signal_it, &self);
		CHECK_INT(proactor_poll(w.p, patience(), NULL), 0);
		thread_join(thread);
		CHECK_INT(atomic_load(&handled), i + 2);
	}
	handler_wakes = NULL;
	world_close(&w);
}

/* A signal whose handler does nothing does not become an error of poll. */
static void
interrupted(void)
{
	struct world w;
	struct proactor_timer_op timer;
	pthread_t thread, self = pthread_self();
	int i, status;

	world_open(&w, NULL);
	handle_signal();
	for (i = 0; i < 10; i++) {
		proactor_timer_op_init(&timer,
		    proactor_deadline_after(5 * MILLISECOND), record, &w.r);
		CHECK_INT(proactor_submit_one(w.p, &timer.base), 0);
		thread_start(&thread, signal_it, &self);
		while (w.r.finals <= (size_t)i) {
			status = proactor_poll(w.p, patience(), NULL);
			CHECK_INT(status, 0);
		}
		thread_join(thread);
	}
	CHECK_INT(atomic_load(&handled), 10);
	world_close(&w);
}

static void
signals_left_alone(void)
{
	struct sigaction pipe_before, pipe_after;
	sigset_t before, after;
	struct pair pair;
	struct world w;
	int sig;

	CHECK_INT(pthread_sigmask(SIG_SETMASK, NULL, &before), 0);
	CHECK_INT(sigaction(SIGPIPE, NULL, &pipe_before), 0);
	world_open(&w, NULL);
	pair_open(&w, PROACTOR_SOCKET_UNIX_STREAM, 0, &pair);
	pair_close(&w, &pair);
	poll_barrier(&w);
	world_close(&w);
	CHECK_INT(pthread_sigmask(SIG_SETMASK, NULL, &after), 0);
	for (sig = 1; sig < 32; sig++)
		CHECK_INT(sigismember(&after, sig), sigismember(&before, sig));
	CHECK_INT(sigaction(SIGPIPE, NULL, &pipe_after), 0);
	CHECK(pipe_after.sa_handler == pipe_before.sa_handler);
}

const struct tap_case wake_cases[] = {
	{ "wake: makes the next poll return 0 with nothing completed",
	    wake_before_poll },
	{ "wake: a hundred before a poll are one", wakes_coalesce },
	{ "wake: wakes a blocked poll, 2,000 times", wakes_sleepers },
	{ "wake: from callbacks makes at most one more poll return",
	    wake_from_callback },
	{ "wake: works in a signal handler", wake_from_handler },
	{ "poll: a signal is not an error", interrupted },
	{ "poll: signal masks and dispositions are left alone",
	    signals_left_alone },
	{ NULL, NULL }
};
