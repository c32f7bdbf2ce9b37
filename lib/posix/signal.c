/* SPDX-License-Identifier: ISC */
/*
 * The process' signals: handlers, the calling thread's mask, signalfd(2).
 * There is one set of dispositions, so what was there before is kept here,
 * for the one proactor that may change it.
 */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#ifdef HAVE_SIGNALFD
#include <sys/signalfd.h>
#endif

#include "core/signals.h"
#include "core/system.h"

static const int numbers[SIGNAL_LAST + 1] = {
	[PROACTOR_SIGNAL_INTERRUPT] = SIGINT,
	[PROACTOR_SIGNAL_TERMINATE] = SIGTERM,
	[PROACTOR_SIGNAL_HANGUP] = SIGHUP,
	[PROACTOR_SIGNAL_QUIT] = SIGQUIT,
	[PROACTOR_SIGNAL_USER1] = SIGUSR1,
	[PROACTOR_SIGNAL_USER2] = SIGUSR2,
};

/* What a signal that was taken was before. */
struct taken {
	bool is;
	bool blocked;			/* by the library */
	bool was_blocked;		/* in that thread */
	uint64_t thread;
	struct sigaction action;
};

/* Written by the one that has claimed, except for inside. */
static struct {
	_Atomic uint32_t claimed;	/* by a proactor of this generation */
	_Atomic(struct signals *) listener;
	_Atomic uint32_t inside;	/* handlers that look at the listener */
	struct taken taken[SIGNAL_LAST + 1];
} process;

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void	 caught(int number);

static unsigned int
sig_of(int number)
{
	unsigned int sig;

	for (sig = SIGNAL_LAST; sig > 0; sig--)
		if (numbers[sig] == number)
			break;
	return sig;
}

static void
set_of(sigset_t *to, uint32_t set)
{
	unsigned int sig;

	sigemptyset(to);
	for (sig = 1; sig <= SIGNAL_LAST; sig++)
		if (set & UINT32_C(1) << sig)
			sigaddset(to, numbers[sig]);
}

/*
 * Blocks or unblocks in the calling thread; true when it was blocked.
 */
static bool
mask(int number, bool block)
{
	sigset_t one, before;

	sigemptyset(&one);
	sigaddset(&one, number);
	pthread_sigmask(block ? SIG_BLOCK : SIG_UNBLOCK, &one, &before);
	return sigismember(&before, number) == 1;
}

/* The disposition from before, unless somebody has set another since. */
static void
restore_action(unsigned int sig)
{
	struct sigaction now;

	if (sigaction(numbers[sig], NULL, &now) == 0 &&
	    now.sa_handler == caught)
		(void)sigaction(numbers[sig], &process.taken[sig].action, NULL);
}

/*
 * A child that has not come to forget() yet has no listener of its own: the
 * signal does what it would do without one, when the handler returns.
 */
static void
caught(int number)
{
	struct signals *s;
	int saved = errno;
	uint32_t claimed;

	atomic_fetch_add(&process.inside, 1);
	s = atomic_load(&process.listener);
	claimed = atomic_load(&process.claimed);
	if (claimed != 0 && proactor__forked(claimed)) {
		restore_action(sig_of(number));
		(void)raise(number);
	} else if (s != NULL)
		proactor__signal_caught(s, sig_of(number));
	atomic_fetch_sub(&process.inside, 1);
	errno = saved;
}

static void
restore_mask(unsigned int sig)
{
	struct taken *t = &process.taken[sig];

	if (t->blocked != t->was_blocked)
		(void)mask(numbers[sig], t->was_blocked);
}

/*
 * In a child of fork(2): it has nothing of what its parent has subscribed to,
 * and its signals do what they did before.
 */
static void
forget(void)
{
	struct taken *t;
	unsigned int sig;

	if (atomic_load(&process.claimed) == 0)
		return;
	atomic_store(&process.listener, NULL);
	atomic_store(&process.inside, 0);
	for (sig = 1; sig <= SIGNAL_LAST; sig++) {
		t = &process.taken[sig];
		if (!t->is)
			continue;
		t->is = false;
		restore_action(sig);
		if (t->thread == proactor__self)
			restore_mask(sig);
	}
	atomic_store(&process.claimed, 0);
}

static void
watch_fork(void)
{
	(void)pthread_atfork(NULL, NULL, forget);
}

int
proactor__sys_signals_claim(struct signals *s)
{
	uint32_t nobody = 0;

	(void)pthread_once(&once, watch_fork);
	if (!atomic_compare_exchange_strong(&process.claimed, &nobody,
	    proactor__generation_create()))
		return PROACTOR_EPERM;
	atomic_store(&process.listener, s);
	return 0;
}

void
proactor__sys_signals_disclaim(void)
{
	store_before_loads(&process.listener, NULL);
	/* On other threads; a few instructions each. */
	while (atomic_load(&process.inside) != 0)
		sched_yield();
	atomic_store(&process.claimed, 0);
}

int
proactor__sys_signal_take(unsigned int sig, bool blocked)
{
	struct taken *t = &process.taken[sig];
	struct sigaction action;

	memset(&action, 0, sizeof(action));
	action.sa_handler = caught;
	action.sa_flags = SA_RESTART;
	sigemptyset(&action.sa_mask);
	if (sigaction(numbers[sig], &action, &t->action) != 0)
		return -errno;
	t->blocked = blocked;
	t->was_blocked = mask(numbers[sig], blocked);
	t->thread = proactor__self_claim();
	t->is = true;
	return 0;
}

void
proactor__sys_signal_unblock(unsigned int sig)
{
	process.taken[sig].blocked = false;
	(void)mask(numbers[sig], false);
}

/*
 * What came while there was a subscription, and was not read, must not do now
 * what the subscription was there to prevent.
 */
static void
discard(int number)
{
#ifdef HAVE_SIGNALFD
	const struct timespec no_time = { 0, 0 };
	sigset_t one;

	sigemptyset(&one);
	sigaddset(&one, number);
	while (sigtimedwait(&one, NULL, &no_time) > 0)
		continue;
#else
	(void)number;
#endif
}

void
proactor__sys_signal_give(unsigned int sig, bool owner)
{
	struct taken *t = &process.taken[sig];
	bool restore = owner || t->thread == proactor__self;

	if (restore && t->blocked && !t->was_blocked)
		discard(numbers[sig]);
	restore_action(sig);
	if (restore)
		restore_mask(sig);
	t->is = false;
}

int
proactor__sys_signal_fd(int fd, uint32_t set)
{
#ifdef HAVE_SIGNALFD
	sigset_t signals;

	set_of(&signals, set);
	fd = signalfd(fd, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
	return fd < 0 ? -errno : fd;
#else
	(void)fd;
	(void)set;
	return PROACTOR_ENOTSUP;
#endif
}

uint32_t
proactor__sys_signal_read(int fd)
{
	uint32_t set = 0;
#ifdef HAVE_SIGNALFD
	struct signalfd_siginfo infos[2 * SIGNAL_LAST];
	ssize_t n, i;

	n = read(fd, infos, sizeof(infos)) / (ssize_t)sizeof(infos[0]);
	for (i = 0; i < n; i++)
		set |= UINT32_C(1) << sig_of((int)infos[i].ssi_signo);
#else
	(void)fd;
#endif
	return set;
}

/*
 * Blocks the six signals in the calling thread, and so in those that it makes
 * from now on.
 */
int
proactor_signal_block_default(void)
{
	sigset_t six;

	set_of(&six, (UINT32_C(1) << (SIGNAL_LAST + 1)) - 2);
	return -pthread_sigmask(SIG_BLOCK, &six, NULL);
}

/* A write to a pipe that nobody reads is an error and no more. */
int
proactor_signal_ignore_broken_pipe(void)
{
	struct sigaction action;

	memset(&action, 0, sizeof(action));
	action.sa_handler = SIG_IGN;
	sigemptyset(&action.sa_mask);
	return sigaction(SIGPIPE, &action, NULL) != 0 ? -errno : 0;
}
