/* SPDX-License-Identifier: ISC */
/* Signals when the descriptor that reads them cannot be watched. */
#include "config.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "core/core.h"
#include "core/signals.h"
#include "tap/tap.h"

static void
count(void *user_data, struct proactor_signal_subscription *sub,
    unsigned int sig)
{
	(void)sub;
	CHECK_INT(sig, PROACTOR_SIGNAL_USER1);
	(*(int *)user_data)++;
}

static bool
is_blocked(int number)
{
	sigset_t now;

	CHECK_INT(pthread_sigmask(SIG_SETMASK, NULL, &now), 0);
	return sigismember(&now, number) == 1;
}

static void
open_one(struct proactor **ret_p)
{
	struct proactor_options o;
	char reason[256] = "";

	proactor_options_init(&o);
	o.reason = reason;
	o.reason_size = sizeof(reason);
	if (proactor_create(&o, ret_p) != 0)
		SKIP("no backend: %s", reason);
}

/* Before the first poll nothing is armed: the test is the backend. */
static void
handler_takes_over(void)
{
	struct proactor_signal_subscription *sub, *second;
	struct proactor *p;
	int calls = 0;

	open_one(&p);
	CHECK_INT(proactor_subscribe_signal(p, PROACTOR_SIGNAL_USER1, count,
	    &calls, &sub), 0);
	if (p->signals->fd < 0)
		SKIP("no signalfd here");
	CHECK(is_blocked(SIGUSR1));
	/* It is pending by now, and comes with the change. */
	CHECK_INT(kill(getpid(), SIGUSR1), 0);
	proactor__source_fired(p, p->signals->source, PROACTOR_ENOSPC);
	CHECK(!is_blocked(SIGUSR1));
	CHECK_INT(p->signals->fd, -1);
	CHECK_INT(proactor_poll(p, PROACTOR_FOREVER, NULL), 0);
	CHECK_INT(calls, 1);
	CHECK_INT(kill(getpid(), SIGUSR1), 0);
	CHECK_INT(proactor_poll(p, PROACTOR_FOREVER, NULL), 0);
	CHECK_INT(calls, 2);
	/* Those that come later have no descriptor either. */
	CHECK_INT(proactor_subscribe_signal(p, PROACTOR_SIGNAL_USER2, count,
	    &calls, &second), 0);
	CHECK(!is_blocked(SIGUSR2));
	CHECK_INT(proactor_unsubscribe_signal(p, second), 0);
	CHECK_INT(proactor_unsubscribe_signal(p, sub), 0);
	CHECK(!is_blocked(SIGUSR1));
	proactor_release(p);
}

static const struct tap_case cases[] = {
	{ "signal: the handler takes over when the watch fails",
	    handler_takes_over },
	{ NULL, NULL }
};

int
main(void)
{
	return tap_run(cases);
}
