/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <sys/wait.h>

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

#include "conformance/signals.h"

/* Whose signals they are: a proactor's, a thread's, a child's. */

/* --- whose signals --- */

static void
one_proactor(struct log *log)
{
	struct log other;
	struct listener a, b, c;

	log_open(&other, log->by_handler);
	CHECK_INT(log_first(log, &a, PROACTOR_SIGNAL_USER1), 0);
	CHECK_INT(log_first(&other, &c, PROACTOR_SIGNAL_USER1), PROACTOR_EPERM);
	CHECK_INT(log_first(&other, &c, PROACTOR_SIGNAL_USER2), PROACTOR_EPERM);
	CHECK(c.sub == NULL);
	CHECK(!signal_is_blocked(SIGUSR2));
	CHECK_INT(log_subscribe(log, &b, PROACTOR_SIGNAL_USER2), 0);
	log_unsubscribe(&a);
	CHECK_INT(log_first(&other, &c, PROACTOR_SIGNAL_USER1), PROACTOR_EPERM);
	log_unsubscribe(&b);
	CHECK_INT(log_first(&other, &c, PROACTOR_SIGNAL_USER1), 0);
	CHECK_INT(log_first(log, &a, PROACTOR_SIGNAL_USER1), PROACTOR_EPERM);
	signal_send_me(SIGUSR1);
	log_await(&other, 1);
	log_still(log);
	CHECK_INT(log->calls, 0);
	world_close(&other.w);
	CHECK_INT(log_first(log, &a, PROACTOR_SIGNAL_USER1), 0);
	signal_send_me(SIGUSR1);
	log_await(log, 1);
}

static void
one_owner(void)
{
	log_both_ways(one_proactor);
}

static void
bad_arguments(void)
{
	struct log log, other;
	struct listener l = { .sub = NULL };
	struct proactor_signal_subscription *sub = NULL;
	struct state before;
	unsigned int sig;

	log_open(&log, false);
	log_open(&other, false);
	signal_state_read(&before);
	CHECK_INT(proactor_subscribe_signal(NULL, PROACTOR_SIGNAL_USER1,
	    log_called, &l, &sub), PROACTOR_EINVAL);
	for (sig = 0; sig < 200; sig += sig == 0 ? 7 : 1)
		CHECK_INT(proactor_subscribe_signal(log.w.p, sig, log_called,
		    &l, &sub), PROACTOR_EINVAL);
	CHECK_INT(proactor_subscribe_signal(log.w.p, PROACTOR_SIGNAL_USER1,
	    NULL, &l, &sub), PROACTOR_EINVAL);
	CHECK_INT(proactor_subscribe_signal(log.w.p, PROACTOR_SIGNAL_USER1,
	    log_called, &l, NULL), PROACTOR_EINVAL);
	CHECK(sub == NULL);
	signal_state_check(&before);
	CHECK_INT(proactor_unsubscribe_signal(log.w.p, NULL),
	    PROACTOR_EINVAL);
	CHECK_INT(log_subscribe(&log, &l, PROACTOR_SIGNAL_USER1), 0);
	CHECK_INT(proactor_unsubscribe_signal(NULL, l.sub), PROACTOR_EINVAL);
	CHECK_INT(proactor_unsubscribe_signal(other.w.p, l.sub),
	    PROACTOR_EINVAL);
	log_unsubscribe(&l);
	signal_state_check(&before);
	world_close(&other.w);
	world_close(&log.w);
}

struct guard {
	struct log log;
	struct listener l;
	pthread_t sender;
	atomic_size_t calls;
};

static void
on_other_thread(struct listener *l)
{
	struct guard *g = (struct guard *)(void *)l->log;

	CHECK(!pthread_equal(g->sender, pthread_self()));
	atomic_fetch_add(&g->calls, 1);
}

/* Subscribed to before the thread is there, which inherits the mask. */
static void
on_polling_thread(void)
{
	static struct guard g;
	struct proactor_thread *thread;
	size_t i;

	log_open(&g.log, false);
	CHECK_INT(log_subscribe(&g.log, &g.l, PROACTOR_SIGNAL_TERMINATE), 0);
	g.l.then = on_other_thread;
	g.sender = pthread_self();
	CHECK_INT(proactor_thread_create(g.log.w.p, NULL, &thread), 0);
	for (i = 1; i <= 20; i++) {
		signal_send_me(SIGTERM);
		while (atomic_load(&g.calls) < i)
			continue;
	}
	CHECK_INT(proactor_thread_request_stop(thread), 0);
	CHECK_INT(proactor_thread_join(thread, patience()), 0);
	proactor_thread_release(thread);
	proactor_release(g.log.w.p);
}

/* --- fork --- */

static int
child_status(void (*fn)(struct log *log), struct log *log)
{
	pid_t child;
	int status;

	child = fork();
	CHECK(child != -1);
	if (child == 0) {
		fn(log);
		_exit(0);
	}
	while (waitpid(child, &status, 0) == -1)
		CHECK_INT(errno, EINTR);
	return status;
}

static void
child_dies(struct log *log)
{
	(void)log;
	signal_send_me(SIGTERM);
	pause();
}

static void
child_sees_defaults(struct log *log)
{
	struct sigaction now;

	(void)log;
	CHECK(!signal_is_blocked(SIGTERM));
	CHECK_INT(sigaction(SIGTERM, NULL, &now), 0);
	CHECK(now.sa_handler == SIG_DFL);
}

static void
child_may_die(struct log *log)
{
	struct listener l;
	int status;

	CHECK_INT(log_first(log, &l, PROACTOR_SIGNAL_TERMINATE), 0);
	log_still(log);
	CHECK_INT(child_status(child_sees_defaults, log), 0);
	status = child_status(child_dies, log);
	CHECK(WIFSIGNALED(status));
	CHECK_INT(WTERMSIG(status), SIGTERM);
	log_still(log);
	CHECK_INT(log->calls, 0);
	signal_send_me(SIGTERM);
	log_await(log, 1);
}

static void
child_as_before(void)
{
	log_both_ways(child_may_die);
}

static void
child_subscribes(struct log *log)
{
	struct log mine;
	struct listener l;
	struct proactor_signal_subscription *sub = NULL;

	log_open(&mine, log->by_handler);
	CHECK_INT(log_first(&mine, &l, PROACTOR_SIGNAL_TERMINATE), 0);
	signal_send_me(SIGTERM);
	log_await(&mine, 1);
	CHECK_INT(proactor_subscribe_signal(log->w.p, PROACTOR_SIGNAL_USER1,
	    log_called, NULL, &sub), PROACTOR_ECHILD);
	world_close(&mine.w);
	child_sees_defaults(log);
	proactor_release(log->w.p);
}

static void
child_has_own(struct log *log)
{
	struct listener l;

	CHECK_INT(log_first(log, &l, PROACTOR_SIGNAL_TERMINATE), 0);
	CHECK_INT(child_status(child_subscribes, log), 0);
	log_still(log);
	CHECK_INT(log->calls, 0);
	signal_send_me(SIGTERM);
	log_await(log, 1);
	CHECK_INT(child_status(child_subscribes, log), 0);
}

static void
child_with_its_own(void)
{
	log_both_ways(child_has_own);
}

static struct listener *of_parent;

static void
child_unsubscribes(struct log *log)
{
	CHECK_INT(proactor_unsubscribe_signal(log->w.p, of_parent->sub),
	    PROACTOR_ECHILD);
}

static void
child_is_refused(void)
{
	struct log log;
	struct listener l;

	log_open(&log, false);
	CHECK_INT(log_subscribe(&log, &l, PROACTOR_SIGNAL_TERMINATE), 0);
	of_parent = &l;
	CHECK_INT(child_status(child_unsubscribes, &log), 0);
	signal_send_me(SIGTERM);
	log_await(&log, 1);
	log_unsubscribe(&l);
	world_close(&log.w);
}

const struct tap_case signal_owner_cases[] = {
	{ "signal: another proactor is EPERM until the last one is gone",
	    one_owner },
	{ "signal: bad arguments are EINVAL", bad_arguments },
	{ "signal: the library's thread is called back", on_polling_thread },
	{ "signal: a child of fork has its own as before", child_as_before },
	{ "signal: a child of fork may subscribe with its own",
	    child_with_its_own },
	{ "signal: a child of fork is refused the parent's",
	    child_is_refused },
	{ NULL, NULL }
};
