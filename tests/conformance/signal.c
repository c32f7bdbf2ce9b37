/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <sys/resource.h>
#include <sys/wait.h>

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conformance/conformance.h"

/*
 * Signals.  What matters is shown in both ways that a signal can come: read
 * from a descriptor, since it is blocked, and by the handler.
 */

#ifdef HAVE_SIGNALFD
#define HANDLER_ONLY	false
#else
#define HANDLER_ONLY	true
#endif

#define COUNT(array)	(sizeof(array) / sizeof((array)[0]))

static const struct {
	unsigned int sig;
	int number;
	const char *name;
} six[] = {
	{ PROACTOR_SIGNAL_INTERRUPT, SIGINT, "interrupt" },
	{ PROACTOR_SIGNAL_TERMINATE, SIGTERM, "terminate" },
	{ PROACTOR_SIGNAL_HANGUP, SIGHUP, "hangup" },
	{ PROACTOR_SIGNAL_QUIT, SIGQUIT, "quit" },
	{ PROACTOR_SIGNAL_USER1, SIGUSR1, "user1" },
	{ PROACTOR_SIGNAL_USER2, SIGUSR2, "user2" },
};

/* Who was called, in the order of the calls. */
struct log {
	struct world w;
	bool by_handler;
	size_t calls;
	struct listener *who[64];
};

struct listener {
	struct log *log;
	struct proactor_signal_subscription *sub;
	unsigned int sig;
	size_t calls;
	void (*then)(struct listener *l);	/* in the callback */
	struct listener *other;
};

static void
on_signal(void *user_data, struct proactor_signal_subscription *sub,
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

static int
subscribe(struct log *log, struct listener *l, unsigned int sig)
{
	memset(l, 0, sizeof(*l));
	l->log = log;
	l->sig = sig;
	return proactor_subscribe_signal(log->w.p, sig, on_signal, l, &l->sub);
}

static void
unsubscribe(struct listener *l)
{
	CHECK_INT(proactor_unsubscribe_signal(l->log->w.p, l->sub), 0);
	l->sub = NULL;
}

/*
 * A process that has no descriptor left to make has the handler only.  The
 * first subscription decides.
 */
static int
first(struct log *log, struct listener *l, unsigned int sig)
{
	struct rlimit before, none;
	int status;

	CHECK_INT(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = before;
	none.rlim_cur = 0;
	if (log->by_handler)
		CHECK_INT(setrlimit(RLIMIT_NOFILE, &none), 0);
	status = subscribe(log, l, sig);
	CHECK_INT(setrlimit(RLIMIT_NOFILE, &before), 0);
	return status;
}

static void
log_open(struct log *log, bool by_handler)
{
	memset(log, 0, sizeof(*log));
	world_open(&log->w, NULL);
	log->by_handler = by_handler || HANDLER_ONLY;
}

static void
in_both_ways(void (*fn)(struct log *log))
{
	struct log log;
	int way;

	for (way = 0; way < 2; way++) {
		log_open(&log, way == 1);
		fn(&log);
		world_close(&log.w);
	}
}

static void
send_me(int number)
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

static void
await(struct log *log, size_t calls)
{
#ifdef SLICE
	while (log->calls < calls)
		(void)proactor_poll(log->w.p, proactor_deadline_after(SLICE),
		    NULL);
#endif
	CHECK(poll_until(&log->w, &log->calls, calls));
	CHECK_INT(log->calls, calls);
}

static void
still(struct log *log)
{
	size_t before = log->calls;

	CHECK(poll_quiet(&log->w));
	CHECK_INT(log->calls, before);
}

static bool
is_blocked(int number)
{
	sigset_t now;

	CHECK_INT(pthread_sigmask(SIG_SETMASK, NULL, &now), 0);
	return sigismember(&now, number) == 1;
}

static void
block(int number, int how)
{
	sigset_t one;

	sigemptyset(&one);
	sigaddset(&one, number);
	CHECK_INT(pthread_sigmask(how, &one, NULL), 0);
}

/* The mask of the calling thread and the dispositions of the six. */
struct state {
	sigset_t mask;
	struct sigaction actions[COUNT(six)];
};

static void
state_read(struct state *s)
{
	size_t i;

	CHECK_INT(pthread_sigmask(SIG_SETMASK, NULL, &s->mask), 0);
	for (i = 0; i < COUNT(six); i++)
		CHECK_INT(sigaction(six[i].number, NULL, &s->actions[i]), 0);
}

static void
state_check(const struct state *s)
{
	struct state now;
	size_t i;
	int number;

	state_read(&now);
	for (number = 1; number < 32; number++)
		CHECK_INT(sigismember(&now.mask, number),
		    sigismember(&s->mask, number));
	for (i = 0; i < COUNT(six); i++)
		CHECK(now.actions[i].sa_handler == s->actions[i].sa_handler);
}

/* --- what comes, and when --- */

static void
names(void)
{
	struct world w;
	size_t i;

	world_open(&w, NULL);
	CHECK(proactor_supports_signals(w.p));
	CHECK(!proactor_supports_signals(NULL));
	for (i = 0; i < COUNT(six); i++)
		CHECK_STR(proactor_signal_name(six[i].sig), six[i].name);
	CHECK_STR(proactor_signal_name(0), "unknown");
	CHECK_STR(proactor_signal_name(7), "unknown");
	CHECK_STR(proactor_signal_name(UINT32_MAX), "unknown");
	world_close(&w);
}

static void
each_of_six(struct log *log)
{
	struct listener l[COUNT(six)];
	size_t i;

	CHECK_INT(first(log, &l[0], six[0].sig), 0);
	for (i = 1; i < COUNT(six); i++)
		CHECK_INT(subscribe(log, &l[i], six[i].sig), 0);
	for (i = 0; i < COUNT(six); i++) {
		send_me(six[i].number);
		await(log, i + 1);
		CHECK_INT(l[i].calls, 1);
	}
	still(log);
}

static void
all_six(void)
{
	in_both_ways(each_of_six);
}

static void
in_poll_only(struct log *log)
{
	struct listener l;

	CHECK_INT(first(log, &l, PROACTOR_SIGNAL_USER1), 0);
	send_me(SIGUSR1);
	CHECK_INT(log->calls, 0);
	await(log, 1);
	send_me(SIGUSR1);
	CHECK_INT(log->calls, 1);
	await(log, 2);
}

static void
only_in_poll(void)
{
	in_both_ways(in_poll_only);
}

/* Subscribed on the polling thread, after its first poll. */
static void
late(struct log *log)
{
	struct listener l;

	still(log);
	CHECK_INT(first(log, &l, PROACTOR_SIGNAL_HANGUP), 0);
	still(log);
	send_me(SIGHUP);
	await(log, 1);
	unsubscribe(&l);
	still(log);
	CHECK_INT(first(log, &l, PROACTOR_SIGNAL_HANGUP), 0);
	send_me(SIGHUP);
	await(log, 2);
}

static void
any_time(void)
{
	in_both_ways(late);
}

static void
six_at_once(struct log *log)
{
	struct listener l[COUNT(six)];
	size_t completed = 0, i;

	CHECK_INT(first(log, &l[0], six[0].sig), 0);
	for (i = 1; i < COUNT(six); i++)
		CHECK_INT(subscribe(log, &l[i], six[i].sig), 0);
	still(log);
	for (i = 0; i < COUNT(six); i++)
		send_me(six[i].number);
	CHECK_INT(proactor_poll(log->w.p, PROACTOR_FOREVER, &completed), 0);
	CHECK_INT(log->calls, 6);
	CHECK_INT(completed, 6);
	for (i = 0; i < COUNT(six); i++)
		CHECK_INT(l[i].calls, 1);
}

static void
one_poll(void)
{
	in_both_ways(six_at_once);
}

static void
many_are_one(struct log *log)
{
	struct listener l;
	int i;

	CHECK_INT(first(log, &l, PROACTOR_SIGNAL_USER2), 0);
	for (i = 0; i < 100; i++)
		send_me(SIGUSR2);
	await(log, 1);
	still(log);
	send_me(SIGUSR2);
	await(log, 2);
}

static void
coalesce(void)
{
	in_both_ways(many_are_one);
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
		send_me(SIGUSR1);
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

	CHECK_INT(first(log, &l, PROACTOR_SIGNAL_USER1), 0);
	l.then = answer;
	atomic_store(&killer.answered, 0);
	killer.rounds = 500;
	thread_start(&thread, kill_each_round, &killer);
	await(log, killer.rounds);
	thread_join(thread);
	still(log);
}

static void
none_is_lost(void)
{
	in_both_ways(ping_pong);
}

static void *
kill_unblocked(void *arg)
{
	block(SIGUSR1, SIG_UNBLOCK);
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
	CHECK_INT(subscribe(&log, &l, PROACTOR_SIGNAL_USER1), 0);
	l.then = answer;
	killer.rounds = 500;
	thread_start(&thread, kill_unblocked, &killer);
	await(&log, killer.rounds);
	thread_join(thread);
	world_close(&log.w);
}

static void
other_process(struct log *log)
{
	struct listener l;
	pid_t child, parent = getpid();
	int status;

	CHECK_INT(first(log, &l, PROACTOR_SIGNAL_TERMINATE), 0);
	child = fork();
	CHECK(child != -1);
	if (child == 0)
		_exit(kill(parent, SIGTERM) != 0);
	await(log, 1);
	while (waitpid(child, &status, 0) == -1)
		CHECK_INT(errno, EINTR);
	CHECK_INT(status, 0);
}

static void
from_process(void)
{
	in_both_ways(other_process);
}

/* raise(3) is for the calling thread. */
static void
to_this_thread(struct log *log)
{
	struct listener l;
	size_t i;

	CHECK_INT(first(log, &l, PROACTOR_SIGNAL_QUIT), 0);
	for (i = 1; i <= 10; i++) {
		CHECK_INT(raise(SIGQUIT), 0);
		await(log, i);
	}
}

static void
raised(void)
{
	in_both_ways(to_this_thread);
}

/* --- several subscriptions --- */

static void
called_in_order(struct log *log)
{
	struct listener l[8];
	size_t completed, i;

	CHECK_INT(first(log, &l[0], PROACTOR_SIGNAL_USER1), 0);
	for (i = 1; i < COUNT(l); i++)
		CHECK_INT(subscribe(log, &l[i], PROACTOR_SIGNAL_USER1), 0);
	send_me(SIGUSR1);
	CHECK_INT(proactor_poll(log->w.p, PROACTOR_FOREVER, &completed), 0);
	CHECK_INT(completed, COUNT(l));
	for (i = 0; i < COUNT(l); i++)
		CHECK(log->who[i] == &l[i]);
	unsubscribe(&l[3]);
	unsubscribe(&l[0]);
	send_me(SIGUSR1);
	await(log, COUNT(l) + 6);
	CHECK(log->who[COUNT(l)] == &l[1]);
	CHECK(log->who[COUNT(l) + 2] == &l[4]);
}

static void
in_order(void)
{
	in_both_ways(called_in_order);
}

static void
drop_self(struct listener *l)
{
	unsubscribe(l);
}

static void
drop_other(struct listener *l)
{
	if (l->other->sub != NULL)
		unsubscribe(l->other);
}

static void
ends_itself(struct log *log)
{
	struct listener a, b;

	CHECK_INT(first(log, &a, PROACTOR_SIGNAL_USER1), 0);
	CHECK_INT(subscribe(log, &b, PROACTOR_SIGNAL_USER1), 0);
	a.then = drop_self;
	send_me(SIGUSR1);
	await(log, 2);
	send_me(SIGUSR1);
	await(log, 3);
	CHECK_INT(a.calls, 1);
	CHECK_INT(b.calls, 2);
	b.then = drop_self;
	send_me(SIGUSR1);
	await(log, 4);
	still(log);
	CHECK(!is_blocked(SIGUSR1));
}

static void
unsubscribes_itself(void)
{
	in_both_ways(ends_itself);
}

static void
ends_another(struct log *log)
{
	struct listener a, b, c;

	CHECK_INT(first(log, &a, PROACTOR_SIGNAL_USER1), 0);
	CHECK_INT(subscribe(log, &b, PROACTOR_SIGNAL_USER1), 0);
	CHECK_INT(subscribe(log, &c, PROACTOR_SIGNAL_USER1), 0);
	/* The one before, which was called, and the one after, which is not. */
	b.then = drop_other;
	b.other = &c;
	send_me(SIGUSR1);
	await(log, 2);
	CHECK_INT(c.calls, 0);
	b.other = &a;
	send_me(SIGUSR1);
	await(log, 4);
	send_me(SIGUSR1);
	await(log, 5);
	CHECK_INT(a.calls, 2);
	CHECK_INT(b.calls, 3);
}

static void
unsubscribes_another(void)
{
	in_both_ways(ends_another);
}

static void
join_in(struct listener *l)
{
	if (l->other->sub == NULL)
		CHECK_INT(subscribe(l->log, l->other, l->sig), 0);
}

static void
subscribes_in_callback(struct log *log)
{
	struct listener a, b = { .sub = NULL };

	CHECK_INT(first(log, &a, PROACTOR_SIGNAL_USER1), 0);
	a.then = join_in;
	a.other = &b;
	send_me(SIGUSR1);
	await(log, 1);
	still(log);
	send_me(SIGUSR1);
	await(log, 3);
	CHECK_INT(b.calls, 1);
}

static void
from_the_next_on(void)
{
	in_both_ways(subscribes_in_callback);
}

static void
renew(struct listener *l)
{
	size_t calls = l->calls;

	unsubscribe(l);
	CHECK_INT(first(l->log, l, PROACTOR_SIGNAL_USER1), 0);
	l->calls = calls;
	l->then = renew;
}

static void
renewed_in_callback(struct log *log)
{
	struct listener l;
	size_t i;

	CHECK_INT(first(log, &l, PROACTOR_SIGNAL_USER1), 0);
	l.then = renew;
	for (i = 1; i <= 20; i++) {
		send_me(SIGUSR1);
		await(log, i);
	}
	still(log);
	CHECK_INT(l.calls, 20);
}

static void
renewed(void)
{
	in_both_ways(renewed_in_callback);
}

static void
drop_twice(struct listener *l)
{
	struct proactor *p = l->log->w.p;

	CHECK_INT(proactor_unsubscribe_signal(p, l->sub), 0);
	CHECK_INT(proactor_unsubscribe_signal(p, l->sub), PROACTOR_ENOENT);
}

static void
unsubscribed_twice(void)
{
	struct log log;
	struct listener l;

	log_open(&log, false);
	CHECK_INT(subscribe(&log, &l, PROACTOR_SIGNAL_USER1), 0);
	l.then = drop_twice;
	send_me(SIGUSR1);
	await(&log, 1);
	still(&log);
	world_close(&log.w);
}

static void
release_in_callback(struct listener *l)
{
	proactor_release(l->log->w.p);
}

static void
released_in_callback(void)
{
	struct log log;
	struct listener l[2];
	struct state before;

	state_read(&before);
	log_open(&log, false);
	CHECK_INT(subscribe(&log, &l[0], PROACTOR_SIGNAL_USER1), 0);
	CHECK_INT(subscribe(&log, &l[1], PROACTOR_SIGNAL_USER1), 0);
	l[0].then = release_in_callback;
	send_me(SIGUSR1);
	CHECK_INT(proactor_poll(log.w.p, PROACTOR_FOREVER, NULL), 0);
	CHECK_INT(log.calls, 2);
	state_check(&before);
}

/* --- masks and dispositions --- */

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
	block(SIGQUIT, SIG_BLOCK);
	block(SIGPIPE, SIG_BLOCK);
	state_read(&before);
	CHECK_INT(first(log, &a, PROACTOR_SIGNAL_HANGUP), 0);
	CHECK_INT(subscribe(log, &b, PROACTOR_SIGNAL_USER2), 0);
	CHECK_INT(subscribe(log, &c, PROACTOR_SIGNAL_QUIT), 0);
	CHECK_INT(is_blocked(SIGHUP), !log->by_handler);
	CHECK_INT(is_blocked(SIGQUIT), !log->by_handler);
	CHECK(!is_blocked(SIGTERM));
	CHECK_INT(sigaction(SIGTERM, NULL, &now), 0);
	CHECK(now.sa_handler == SIG_DFL);
	send_me(SIGHUP);
	send_me(SIGUSR2);
	send_me(SIGQUIT);
	await(log, 3);
	unsubscribe(&b);
	unsubscribe(&a);
	unsubscribe(&c);
	state_check(&before);
	still(log);
	state_check(&before);
}

static void
restored(void)
{
	in_both_ways(restores);
}

static void
restored_one_by_one(void)
{
	struct log log;
	struct listener a, b, c;

	log_open(&log, false);
	CHECK_INT(subscribe(&log, &a, PROACTOR_SIGNAL_USER1), 0);
	CHECK_INT(subscribe(&log, &b, PROACTOR_SIGNAL_USER1), 0);
	CHECK_INT(subscribe(&log, &c, PROACTOR_SIGNAL_USER2), 0);
	unsubscribe(&a);
	CHECK_INT(is_blocked(SIGUSR1), !log.by_handler);
	unsubscribe(&b);
	CHECK(!is_blocked(SIGUSR1));
	CHECK_INT(is_blocked(SIGUSR2), !log.by_handler);
	send_me(SIGUSR2);
	await(&log, 1);
	unsubscribe(&c);
	CHECK(!is_blocked(SIGUSR2));
	world_close(&log.w);
}

static void
shutdown_restores(struct log *log)
{
	struct listener l[3];
	struct state before;

	state_read(&before);
	CHECK_INT(first(log, &l[0], PROACTOR_SIGNAL_TERMINATE), 0);
	CHECK_INT(subscribe(log, &l[1], PROACTOR_SIGNAL_TERMINATE), 0);
	CHECK_INT(subscribe(log, &l[2], PROACTOR_SIGNAL_USER1), 0);
	send_me(SIGTERM);
	await(log, 2);
	/* The last of these is still there when the end comes. */
	send_me(SIGUSR1);
	CHECK_INT(proactor_shutdown(log->w.p, patience()), 0);
	CHECK(log->calls <= 3);
	state_check(&before);
	CHECK_INT(subscribe(log, &l[0], PROACTOR_SIGNAL_TERMINATE),
	    PROACTOR_ESHUTDOWN);
}

static void
ends_with_shutdown(void)
{
	in_both_ways(shutdown_restores);
}

static void
ends_with_release(void)
{
	struct log log;
	struct listener l[2];
	struct state before;
	int way;

	state_read(&before);
	for (way = 0; way < 4; way++) {
		log_open(&log, (way & 1) != 0);
		CHECK_INT(first(&log, &l[0], PROACTOR_SIGNAL_USER1), 0);
		CHECK_INT(subscribe(&log, &l[1], PROACTOR_SIGNAL_HANGUP), 0);
		if (way & 2) {
			send_me(SIGHUP);
			await(&log, 1);
		}
		send_me(SIGUSR1);
		proactor_release(log.w.p);
		state_check(&before);
	}
}

/* It came while it was subscribed to: it does not kill afterwards. */
static void
unread(struct log *log)
{
	struct listener a, b;

	CHECK_INT(first(log, &a, PROACTOR_SIGNAL_TERMINATE), 0);
	CHECK_INT(subscribe(log, &b, PROACTOR_SIGNAL_USER1), 0);
	still(log);
	send_me(SIGTERM);
	unsubscribe(&a);
	still(log);
	send_me(SIGUSR1);
	unsubscribe(&b);
	CHECK_INT(log->calls, 0);
	still(log);
}

static void
unread_is_dropped(void)
{
	in_both_ways(unread);
}

static void
later_handler_stays(void)
{
	struct log log;
	struct listener l;
	struct sigaction now;

	log_open(&log, false);
	CHECK_INT(subscribe(&log, &l, PROACTOR_SIGNAL_USER1), 0);
	CHECK(signal(SIGUSR1, some_handler) != SIG_ERR);
	unsubscribe(&l);
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
	still(&log);
	before = open_fds();
	for (i = 1; i <= 10; i++) {
		CHECK_INT(subscribe(&log, &l, PROACTOR_SIGNAL_USER1), 0);
		send_me(SIGUSR1);
		await(&log, i);
		unsubscribe(&l);
		still(&log);
		CHECK_INT(open_fds(), before);
	}
	world_close(&log.w);
}

static void *
see_blocked(void *arg)
{
	size_t i;

	(void)arg;
	for (i = 0; i < COUNT(six); i++)
		CHECK(is_blocked(six[i].number));
	CHECK(!is_blocked(SIGCHLD));
	CHECK(!is_blocked(SIGPIPE));
	return NULL;
}

static void
block_default(void)
{
	pthread_t thread;
	size_t i;

	for (i = 0; i < COUNT(six); i++)
		CHECK(!is_blocked(six[i].number));
	CHECK_INT(proactor_signal_block_default(), 0);
	see_blocked(NULL);
	thread_start(&thread, see_blocked, NULL);
	thread_join(thread);
	for (i = 0; i < COUNT(six); i++)
		send_me(six[i].number);
	CHECK_INT(proactor_signal_block_default(), 0);
}

/* What came before there was a subscription waits for it. */
static void
blocked_before(struct log *log)
{
	struct listener l;

	CHECK_INT(proactor_signal_block_default(), 0);
	send_me(SIGTERM);
	CHECK_INT(first(log, &l, PROACTOR_SIGNAL_TERMINATE), 0);
	await(log, 1);
	unsubscribe(&l);
	CHECK(is_blocked(SIGTERM));
}

static void
waits_for_subscription(void)
{
	in_both_ways(blocked_before);
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

/* --- whose signals --- */

static void
one_proactor(struct log *log)
{
	struct log other;
	struct listener a, b, c;

	log_open(&other, log->by_handler);
	CHECK_INT(first(log, &a, PROACTOR_SIGNAL_USER1), 0);
	CHECK_INT(first(&other, &c, PROACTOR_SIGNAL_USER1), PROACTOR_EPERM);
	CHECK_INT(first(&other, &c, PROACTOR_SIGNAL_USER2), PROACTOR_EPERM);
	CHECK(c.sub == NULL);
	CHECK(!is_blocked(SIGUSR2));
	CHECK_INT(subscribe(log, &b, PROACTOR_SIGNAL_USER2), 0);
	unsubscribe(&a);
	CHECK_INT(first(&other, &c, PROACTOR_SIGNAL_USER1), PROACTOR_EPERM);
	unsubscribe(&b);
	CHECK_INT(first(&other, &c, PROACTOR_SIGNAL_USER1), 0);
	CHECK_INT(first(log, &a, PROACTOR_SIGNAL_USER1), PROACTOR_EPERM);
	send_me(SIGUSR1);
	await(&other, 1);
	still(log);
	CHECK_INT(log->calls, 0);
	world_close(&other.w);
	CHECK_INT(first(log, &a, PROACTOR_SIGNAL_USER1), 0);
	send_me(SIGUSR1);
	await(log, 1);
}

static void
one_owner(void)
{
	in_both_ways(one_proactor);
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
	state_read(&before);
	CHECK_INT(proactor_subscribe_signal(NULL, PROACTOR_SIGNAL_USER1,
	    on_signal, &l, &sub), PROACTOR_EINVAL);
	for (sig = 0; sig < 200; sig += sig == 0 ? 7 : 1)
		CHECK_INT(proactor_subscribe_signal(log.w.p, sig, on_signal,
		    &l, &sub), PROACTOR_EINVAL);
	CHECK_INT(proactor_subscribe_signal(log.w.p, PROACTOR_SIGNAL_USER1,
	    NULL, &l, &sub), PROACTOR_EINVAL);
	CHECK_INT(proactor_subscribe_signal(log.w.p, PROACTOR_SIGNAL_USER1,
	    on_signal, &l, NULL), PROACTOR_EINVAL);
	CHECK(sub == NULL);
	state_check(&before);
	CHECK_INT(proactor_unsubscribe_signal(log.w.p, NULL),
	    PROACTOR_EINVAL);
	CHECK_INT(subscribe(&log, &l, PROACTOR_SIGNAL_USER1), 0);
	CHECK_INT(proactor_unsubscribe_signal(NULL, l.sub), PROACTOR_EINVAL);
	CHECK_INT(proactor_unsubscribe_signal(other.w.p, l.sub),
	    PROACTOR_EINVAL);
	unsubscribe(&l);
	state_check(&before);
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
	CHECK_INT(subscribe(&g.log, &g.l, PROACTOR_SIGNAL_TERMINATE), 0);
	g.l.then = on_other_thread;
	g.sender = pthread_self();
	CHECK_INT(proactor_thread_create(g.log.w.p, NULL, &thread), 0);
	for (i = 1; i <= 20; i++) {
		send_me(SIGTERM);
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
	send_me(SIGTERM);
	pause();
}

static void
child_sees_defaults(struct log *log)
{
	struct sigaction now;

	(void)log;
	CHECK(!is_blocked(SIGTERM));
	CHECK_INT(sigaction(SIGTERM, NULL, &now), 0);
	CHECK(now.sa_handler == SIG_DFL);
}

static void
child_may_die(struct log *log)
{
	struct listener l;
	int status;

	CHECK_INT(first(log, &l, PROACTOR_SIGNAL_TERMINATE), 0);
	still(log);
	CHECK_INT(child_status(child_sees_defaults, log), 0);
	status = child_status(child_dies, log);
	CHECK(WIFSIGNALED(status));
	CHECK_INT(WTERMSIG(status), SIGTERM);
	still(log);
	CHECK_INT(log->calls, 0);
	send_me(SIGTERM);
	await(log, 1);
}

static void
child_as_before(void)
{
	in_both_ways(child_may_die);
}

static void
child_subscribes(struct log *log)
{
	struct log mine;
	struct listener l;
	struct proactor_signal_subscription *sub = NULL;

	log_open(&mine, log->by_handler);
	CHECK_INT(first(&mine, &l, PROACTOR_SIGNAL_TERMINATE), 0);
	send_me(SIGTERM);
	await(&mine, 1);
	CHECK_INT(proactor_subscribe_signal(log->w.p, PROACTOR_SIGNAL_USER1,
	    on_signal, NULL, &sub), PROACTOR_ECHILD);
	world_close(&mine.w);
	child_sees_defaults(log);
	proactor_release(log->w.p);
}

static void
child_has_own(struct log *log)
{
	struct listener l;

	CHECK_INT(first(log, &l, PROACTOR_SIGNAL_TERMINATE), 0);
	CHECK_INT(child_status(child_subscribes, log), 0);
	still(log);
	CHECK_INT(log->calls, 0);
	send_me(SIGTERM);
	await(log, 1);
	CHECK_INT(child_status(child_subscribes, log), 0);
}

static void
child_with_its_own(void)
{
	in_both_ways(child_has_own);
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
	CHECK_INT(subscribe(&log, &l, PROACTOR_SIGNAL_TERMINATE), 0);
	of_parent = &l;
	CHECK_INT(child_status(child_unsubscribes, &log), 0);
	send_me(SIGTERM);
	await(&log, 1);
	unsubscribe(&l);
	world_close(&log.w);
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
	{ "signal: several subscriptions are called in their order",
	    in_order },
	{ "signal: may be unsubscribed in its own callback",
	    unsubscribes_itself },
	{ "signal: may be unsubscribed in another's callback",
	    unsubscribes_another },
	{ "signal: subscribed to in a callback, called from the next on",
	    from_the_next_on },
	{ "signal: may be subscribed to anew in its own callback", renewed },
	{ "signal: unsubscribed twice is ENOENT", unsubscribed_twice },
	{ "signal: the proactor may be released in the callback",
	    released_in_callback },
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
