/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "conformance/signals.h"

/* Signals: masks and dispositions, and that they are restored. */

static void
some_handler(int number)
{
	(void)number;
}

static void
restores(struct log *log)
{
	struct listener a, b, c;
	struct state before;
	struct sigaction now;

	CHECK(signal(SIGHUP, SIG_IGN) != SIG_ERR);
	CHECK(signal(SIGUSR2, some_handler) != SIG_ERR);
	signal_block(SIGQUIT, SIG_BLOCK);
	signal_block(SIGPIPE, SIG_BLOCK);
	signal_state_read(&before);
	CHECK_INT(log_first(log, &a, PROACTOR_SIGNAL_HANGUP), 0);
	CHECK_INT(log_subscribe(log, &b, PROACTOR_SIGNAL_USER2), 0);
	CHECK_INT(log_subscribe(log, &c, PROACTOR_SIGNAL_QUIT), 0);
	CHECK_INT(signal_is_blocked(SIGHUP), !log->by_handler);
	CHECK_INT(signal_is_blocked(SIGQUIT), !log->by_handler);
	CHECK(!signal_is_blocked(SIGTERM));
	CHECK_INT(sigaction(SIGTERM, NULL, &now), 0);
	CHECK(now.sa_handler == SIG_DFL);
	signal_send_me(SIGHUP);
	signal_send_me(SIGUSR2);
	signal_send_me(SIGQUIT);
	log_await(log, 3);
	log_unsubscribe(&b);
	log_unsubscribe(&a);
	log_unsubscribe(&c);
	signal_state_check(&before);
	log_still(log);
	signal_state_check(&before);
}

static void
restored(void)
{
	log_both_ways(restores);
}

static void
restored_one_by_one(void)
{
	struct log log;
	struct listener a, b, c;

	log_open(&log, false);
	CHECK_INT(log_subscribe(&log, &a, PROACTOR_SIGNAL_USER1), 0);
	CHECK_INT(log_subscribe(&log, &b, PROACTOR_SIGNAL_USER1), 0);
	CHECK_INT(log_subscribe(&log, &c, PROACTOR_SIGNAL_USER2), 0);
	log_unsubscribe(&a);
	CHECK_INT(signal_is_blocked(SIGUSR1), !log.by_handler);
	log_unsubscribe(&b);
	CHECK(!signal_is_blocked(SIGUSR1));
	CHECK_INT(signal_is_blocked(SIGUSR2), !log.by_handler);
	signal_send_me(SIGUSR2);
	log_await(&log, 1);
	log_unsubscribe(&c);
	CHECK(!signal_is_blocked(SIGUSR2));
	world_close(&log.w);
}

static void
shutdown_restores(struct log *log)
{
	struct listener l[3];
	struct state before;

	signal_state_read(&before);
	CHECK_INT(log_first(log, &l[0], PROACTOR_SIGNAL_TERMINATE), 0);
	CHECK_INT(log_subscribe(log, &l[1], PROACTOR_SIGNAL_TERMINATE), 0);
	CHECK_INT(log_subscribe(log, &l[2], PROACTOR_SIGNAL_USER1), 0);
	signal_send_me(SIGTERM);
	log_await(log, 2);
	/* The last of these is still there when the end comes. */
	signal_send_me(SIGUSR1);
	CHECK_INT(proactor_shutdown(log->w.p, patience()), 0);
	CHECK(log->calls <= 3);
	signal_state_check(&before);
	CHECK_INT(log_subscribe(log, &l[0], PROACTOR_SIGNAL_TERMINATE),
	    PROACTOR_ESHUTDOWN);
}

static void
ends_with_shutdown(void)
{
	log_both_ways(shutdown_restores);
}

static void
ends_with_release(void)
{
	struct log log;
	struct listener l[2];
	struct state before;
	int way;

	signal_state_read(&before);
	for (way = 0; way < 4; way++) {
		log_open(&log, (way & 1) != 0);
		CHECK_INT(log_first(&log, &l[0], PROACTOR_SIGNAL_USER1), 0);
		CHECK_INT(log_subscribe(&log, &l[1],
		    PROACTOR_SIGNAL_HANGUP), 0);
		if (way & 2) {
			signal_send_me(SIGHUP);
			log_await(&log, 1);
		}
		signal_send_me(SIGUSR1);
		proactor_release(log.w.p);
		signal_state_check(&before);
	}
}

/* It came while it was subscribed to: it does not kill afterwards. */
static void
unread(struct log *log)
{
	struct listener a, b;

	CHECK_INT(log_first(log, &a, PROACTOR_SIGNAL_TERMINATE), 0);
	CHECK_INT(log_subscribe(log, &b, PROACTOR_SIGNAL_USER1), 0);
	log_still(log);
	signal_send_me(SIGTERM);
	log_unsubscribe(&a);
	log_still(log);
	signal_send_me(SIGUSR1);
	log_unsubscribe(&b);
	CHECK_INT(log->calls, 0);
	log_still(log);
}

static void
unread_is_dropped(void)
{
	log_both_ways(unread);
}

static void
later_handler_stays(void)
{
	struct log log;
	struct listener l;
	struct sigaction now;

	log_open(&log, false);
	CHECK_INT(log_subscribe(&log, &l, PROACTOR_SIGNAL_USER1), 0);
	CHECK(signal(SIGUSR1, some_handler) != SIG_ERR);
	log_unsubscribe(&l);
	CHECK_INT(sigaction(SIGUSR1, NULL, &now), 0);
	CHECK(now.sa_handler == some_handler);
	world_close(&log.w);
}

static void
no_descriptor_leaks(void)
{
	struct log log;
	struct listener l;
	size_t before, i;

	log_open(&log, false);
	log_still(&log);
	before = open_fds();
	for (i = 1; i <= 10; i++) {
		CHECK_INT(log_subscribe(&log, &l, PROACTOR_SIGNAL_USER1), 0);
		signal_send_me(SIGUSR1);
		log_await(&log, i);
		log_unsubscribe(&l);
		log_still(&log);
		CHECK_INT(open_fds(), before);
	}
	world_close(&log.w);
}

static void *
see_blocked(void *arg)
{
	size_t i;

	(void)arg;
	for (i = 0; i < COUNT(signal_six); i++)
		CHECK(signal_is_blocked(signal_six[i].number));
	CHECK(!signal_is_blocked(SIGCHLD));
	CHECK(!signal_is_blocked(SIGPIPE));
	return NULL;
}

static void
block_default(void)
{
	pthread_t thread;
	size_t i;

	for (i = 0; i < COUNT(signal_six); i++)
		CHECK(!signal_is_blocked(signal_six[i].number));
	CHECK_INT(proactor_signal_block_default(), 0);
	see_blocked(NULL);
	thread_start(&thread, see_blocked, NULL);
	thread_join(thread);
	for (i = 0; i < COUNT(signal_six); i++)
		signal_send_me(signal_six[i].number);
	CHECK_INT(proactor_signal_block_default(), 0);
}

/* What came before there was a subscription waits for it. */
static void
blocked_before(struct log *log)
{
	struct listener l;

	CHECK_INT(proactor_signal_block_default(), 0);
	signal_send_me(SIGTERM);
	CHECK_INT(log_first(log, &l, PROACTOR_SIGNAL_TERMINATE), 0);
	log_await(log, 1);
	log_unsubscribe(&l);
	CHECK(signal_is_blocked(SIGTERM));
}

static void
waits_for_subscription(void)
{
	log_both_ways(blocked_before);
}

static void
broken_pipe(void)
{
	int fds[2];

	CHECK_INT(proactor_signal_ignore_broken_pipe(), 0);
	CHECK_INT(pipe(fds), 0);
	CHECK_INT(close(fds[0]), 0);
	CHECK_INT(write(fds[1], "x", 1), -1);
	CHECK_INT(errno, EPIPE);
	CHECK_INT(close(fds[1]), 0);
}

const struct tap_case signal_mask_cases[] = {
	{ "signal: mask and disposition are as before afterwards",
	    restored },
	{ "signal: each is restored with its last subscription",
	    restored_one_by_one },
	{ "signal: shutdown ends subscriptions and restores",
	    ends_with_shutdown },
	{ "signal: release ends subscriptions and restores",
	    ends_with_release },
	{ "signal: one that was not read is dropped, and kills not",
	    unread_is_dropped },
	{ "signal: a handler that was set meanwhile stays",
	    later_handler_stays },
	{ "signal: no descriptor is left behind", no_descriptor_leaks },
	{ "signal: block_default blocks the six, for new threads as well",
	    block_default },
	{ "signal: one blocked before waits for the subscription",
	    waits_for_subscription },
	{ "signal: ignore_broken_pipe makes it an error", broken_pipe },
	{ NULL, NULL }
};
