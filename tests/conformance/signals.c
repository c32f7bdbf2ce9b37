/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <sys/resource.h>

#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "conformance/signals.h"

/* Listening to signals, and sending them. */

#ifdef HAVE_SIGNALFD
#define HANDLER_ONLY	false
#else
#define HANDLER_ONLY	true
#endif

const struct signal_names signal_six[SIGNALS] = {
	{ PROACTOR_SIGNAL_INTERRUPT, SIGINT, "interrupt" },
	{ PROACTOR_SIGNAL_TERMINATE, SIGTERM, "terminate" },
	{ PROACTOR_SIGNAL_HANGUP, SIGHUP, "hangup" },
	{ PROACTOR_SIGNAL_QUIT, SIGQUIT, "quit" },
	{ PROACTOR_SIGNAL_USER1, SIGUSR1, "user1" },
	{ PROACTOR_SIGNAL_USER2, SIGUSR2, "user2" },
};

void
log_called(void *user_data, struct proactor_signal_subscription *sub,
    unsigned int sig)
{
	struct listener *l = user_data;

	CHECK(sub == l->sub);
	CHECK_INT(sig, l->sig);
	if (l->log->calls < COUNT(l->log->who))
		l->log->who[l->log->calls] = l;
	l->log->calls++;
	l->calls++;
	if (l->then != NULL)
		l->then(l);
}

int
log_subscribe(struct log *log, struct listener *l, unsigned int sig)
{
	memset(l, 0, sizeof(*l));
	l->log = log;
	l->sig = sig;
	return proactor_subscribe_signal(log->w.p, sig, log_called, l, &l->sub);
}

void
log_unsubscribe(struct listener *l)
{
	CHECK_INT(proactor_unsubscribe_signal(l->log->w.p, l->sub), 0);
	l->sub = NULL;
}

int
log_first(struct log *log, struct listener *l, unsigned int sig)
{
	struct rlimit before, none;
	int status;

	CHECK_INT(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = before;
	none.rlim_cur = 0;
	if (log->by_handler)
		CHECK_INT(setrlimit(RLIMIT_NOFILE, &none), 0);
	status = log_subscribe(log, l, sig);
	CHECK_INT(setrlimit(RLIMIT_NOFILE, &before), 0);
	return status;
}

void
log_open(struct log *log, bool by_handler)
{
	memset(log, 0, sizeof(*log));
	world_open(&log->w, NULL);
	log->by_handler = by_handler || HANDLER_ONLY;
}

void
log_both_ways(void (*fn)(struct log *log))
{
	struct log log;
	int way;

	for (way = 0; way < 2; way++) {
		log_open(&log, way == 1);
		fn(&log);
		world_close(&log.w);
	}
}

void
signal_send_me(int number)
{
	CHECK_INT(kill(getpid(), number), 0);
}

/*
 * ThreadSanitizer keeps a signal back from its handler until the thread calls
 * something that it knows, which a sleep in the kernel does not.
 */
#ifdef __SANITIZE_THREAD__
#define SLICE	INT64_C(2000000)
#endif

void
log_await(struct log *log, size_t calls)
{
#ifdef SLICE
	while (log->calls < calls)
		(void)proactor_poll(log->w.p, proactor_deadline_after(SLICE),
		    NULL);
#endif
	CHECK(poll_until(&log->w, &log->calls, calls));
	CHECK_INT(log->calls, calls);
}

void
log_still(struct log *log)
{
	size_t before = log->calls;

	CHECK(poll_quiet(&log->w));
	CHECK_INT(log->calls, before);
}

bool
signal_is_blocked(int number)
{
	sigset_t now;

	CHECK_INT(pthread_sigmask(SIG_SETMASK, NULL, &now), 0);
	return sigismember(&now, number) == 1;
}

void
signal_block(int number, int how)
{
	sigset_t one;

	sigemptyset(&one);
	sigaddset(&one, number);
	CHECK_INT(pthread_sigmask(how, &one, NULL), 0);
}

void
signal_state_read(struct state *s)
{
	size_t i;

	CHECK_INT(pthread_sigmask(SIG_SETMASK, NULL, &s->mask), 0);
	for (i = 0; i < COUNT(signal_six); i++)
		CHECK_INT(sigaction(signal_six[i].number, NULL,
		    &s->actions[i]), 0);
}

void
signal_state_check(const struct state *s)
{
	struct state now;
	size_t i;
	int number;

	signal_state_read(&now);
	for (number = 1; number < 32; number++)
		CHECK_INT(sigismember(&now.mask, number),
		    sigismember(&s->mask, number));
	for (i = 0; i < COUNT(signal_six); i++)
		CHECK(now.actions[i].sa_handler == s->actions[i].sa_handler);
}
