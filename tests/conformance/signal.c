/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <sys/wait.h>

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

#include "conformance/signals.h"

/* Signals: what comes, and when. */

static void
names(void)
{
	struct world w;
	size_t i;

	world_open(&w, NULL);
	CHECK(proactor_supports_signals(w.p));
	CHECK(!proactor_supports_signals(NULL));
	for (i = 0; i < COUNT(signal_six); i++)
		CHECK_STR(proactor_signal_name(signal_six[i].sig),
		    signal_six[i].name);
	CHECK_STR(proactor_signal_name(0), "unknown");
	CHECK_STR(proactor_signal_name(7), "unknown");
	CHECK_STR(proactor_signal_name(UINT32_MAX), "unknown");
	world_close(&w);
}

static void
each_of_six(struct log *log)
{
	struct listener l[COUNT(signal_six)];
	size_t i;

	CHECK_INT(log_first(log, &l[0], signal_six[0].sig), 0);
	for (i = 1; i < COUNT(signal_six); i++)
		CHECK_INT(log_subscribe(log, &l[i], signal_six[i].sig), 0);
	for (i = 0; i < COUNT(signal_six); i++) {
		signal_send_me(signal_six[i].number);
		log_await(log, i + 1);
		CHECK_INT(l[i].calls, 1);
	}
	log_still(log);
}

static void
all_six(void)
{
	log_both_ways(each_of_six);
}

static void
in_poll_only(struct log *log)
{
	struct listener l;

	CHECK_INT(log_first(log, &l, PROACTOR_SIGNAL_USER1), 0);
	signal_send_me(SIGUSR1);
	CHECK_INT(log->calls, 0);
	log_await(log, 1);
	signal_send_me(SIGUSR1);
	CHECK_INT(log->calls, 1);
	log_await(log, 2);
}

static void
only_in_poll(void)
{
	log_both_ways(in_poll_only);
}

/* Subscribed on the polling thread, after its first poll. */
static void
late(struct log *log)
{
	struct listener l;

	log_still(log);
	CHECK_INT(log_first(log, &l, PROACTOR_SIGNAL_HANGUP), 0);
	log_still(log);
	signal_send_me(SIGHUP);
	log_await(log, 1);
	log_unsubscribe(&l);
	log_still(log);
	CHECK_INT(log_first(log, &l, PROACTOR_SIGNAL_HANGUP), 0);
	signal_send_me(SIGHUP);
	log_await(log, 2);
}

static void
any_time(void)
{
	log_both_ways(late);
}

static void
six_at_once(struct log *log)
{
	struct listener l[COUNT(signal_six)];
	size_t completed = 0, i;

	CHECK_INT(log_first(log, &l[0], signal_six[0].sig), 0);
	for (i = 1; i < COUNT(signal_six); i++)
		CHECK_INT(log_subscribe(log, &l[i], signal_six[i].sig), 0);
	log_still(log);
	for (i = 0; i < COUNT(signal_six); i++)
		signal_send_me(signal_six[i].number);
	CHECK_INT(proactor_poll(log->w.p, PROACTOR_FOREVER, &completed), 0);
	CHECK_INT(log->calls, 6);
	CHECK_INT(completed, 6);
	for (i = 0; i < COUNT(signal_six); i++)
		CHECK_INT(l[i].calls, 1);
}

static void
one_poll(void)
{
	log_both_ways(six_at_once);
}

static void
many_are_one(struct log *log)
{
	struct listener l;
	int i;

	CHECK_INT(log_first(log, &l, PROACTOR_SIGNAL_USER2), 0);
	for (i = 0; i < 100; i++)
		signal_send_me(SIGUSR2);
	log_await(log, 1);
	log_still(log);
	signal_send_me(SIGUSR2);
	log_await(log, 2);
}

static void
coalesce(void)
{
	log_both_ways(many_are_one);
}

struct killer {
	atomic_size_t answered;
	size_t rounds;
};

static void *
kill_each_round(void *arg)
{
	struct killer *k = arg;
	size_t i;

	for (i = 0; i < k->rounds; i++) {
		while (atomic_load(&k->answered) < i)
			continue;
		signal_send_me(SIGUSR1);
	}
	return NULL;
}

static struct killer killer;

static void
answer(struct listener *l)
{
	(void)l;
	atomic_fetch_add(&killer.answered, 1);
}

/* The thread inherits the mask: the signal is blocked everywhere, or here. */
static void
ping_pong(struct log *log)
{
	struct listener l;
	pthread_t thread;

	CHECK_INT(log_first(log, &l, PROACTOR_SIGNAL_USER1), 0);
	l.then = answer;
	atomic_store(&killer.answered, 0);
	killer.rounds = 500;
	thread_start(&thread, kill_each_round, &killer);
	log_await(log, killer.rounds);
	thread_join(thread);
	log_still(log);
}

static void
none_is_lost(void)
{
	log_both_ways(ping_pong);
}

static void *
kill_unblocked(void *arg)
{
	signal_block(SIGUSR1, SIG_UNBLOCK);
	return kill_each_round(arg);
}

/* A thread that does not know of it, and does not die of it. */
static void
unprepared_thread(void)
{
	struct log log;
	struct listener l;
	pthread_t thread;

	log_open(&log, false);
	if (log.by_handler)
		SKIP("there is no signalfd here");
	CHECK_INT(log_subscribe(&log, &l, PROACTOR_SIGNAL_USER1), 0);
	l.then = answer;
	killer.rounds = 500;
	thread_start(&thread, kill_unblocked, &killer);
	log_await(&log, killer.rounds);
	thread_join(thread);
	world_close(&log.w);
}

static void
other_process(struct log *log)
{
	struct listener l;
	pid_t child, parent = getpid();
	int status;

	CHECK_INT(log_first(log, &l, PROACTOR_SIGNAL_TERMINATE), 0);
	child = fork();
	CHECK(child != -1);
	if (child == 0)
		_exit(kill(parent, SIGTERM) != 0);
	log_await(log, 1);
	while (waitpid(child, &status, 0) == -1)
		CHECK_INT(errno, EINTR);
	CHECK_INT(status, 0);
}

static void
from_process(void)
{
	log_both_ways(other_process);
}

/* raise(3) is for the calling thread. */
static void
to_this_thread(struct log *log)
{
	struct listener l;
	size_t i;

	CHECK_INT(log_first(log, &l, PROACTOR_SIGNAL_QUIT), 0);
	for (i = 1; i <= 10; i++) {
		CHECK_INT(raise(SIGQUIT), 0);
		log_await(log, i);
	}
}

static void
raised(void)
{
	log_both_ways(to_this_thread);
}

const struct tap_case signal_cases[] = {
	{ "signal: there are six, and they have names", names },
	{ "signal: each of the six calls back", all_six },
	{ "signal: called back in poll only", only_in_poll },
	{ "signal: subscribed to after polls as well", any_time },
	{ "signal: six at once are six callbacks of one poll", one_poll },
	{ "signal: those that wait for a poll are one", coalesce },
	{ "signal: 500, each sent when the last was answered, are 500",
	    none_is_lost },
	{ "signal: a thread that does not block it loses none",
	    unprepared_thread },
	{ "signal: from another process", from_process },
	{ "signal: raised in the polling thread", raised },
	{ NULL, NULL }
};
