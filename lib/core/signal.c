/* SPDX-License-Identifier: ISC */
/*
 * Subscriptions to signals.  A signal comes in two ways, which both end in
 * deliver(): a descriptor reads those that are blocked, watched like any
 * other event source; and a handler, which every subscribed signal has,
 * posts a letter when a thread takes one that is not blocked there.  So no
 * thread need be prepared, and where there is no such descriptor the handler
 * does by itself.
 */
#include "config.h"

#include "core/core.h"
#include "core/signals.h"

struct proactor_signal_subscription {
	struct link link;
	struct proactor *p;
	proactor_signal_fn callback;
	void *user_data;
	unsigned int sig;
	bool dead;			/* freed when no list is walked */
};

static bool
is_known(unsigned int sig)
{
	return sig >= PROACTOR_SIGNAL_INTERRUPT && sig <= SIGNAL_LAST;
}

/* Nonzero when the process can have signals of a proactor's.  Any thread. */
int
proactor_supports_signals(const struct proactor *p)
{
	return p != NULL;
}

/* A name for people, "unknown" for an unknown one.  Any thread. */
const char *
proactor_signal_name(unsigned int sig)
{
	static const char names[SIGNAL_LAST + 1][10] = {
		[PROACTOR_SIGNAL_INTERRUPT] = "interrupt",
		[PROACTOR_SIGNAL_TERMINATE] = "terminate",
		[PROACTOR_SIGNAL_HANGUP] = "hangup",
		[PROACTOR_SIGNAL_QUIT] = "quit",
		[PROACTOR_SIGNAL_USER1] = "user1",
		[PROACTOR_SIGNAL_USER2] = "user2",
	};

	return is_known(sig) ? names[sig] : "unknown";
}

static void
subscription_free(struct proactor_signal_subscription *sub)
{
	list_remove(&sub->link);
	proactor__free(sub->p, sub);
}

/* Frees the subscriptions; all: those that are alive as well. */
static void
sweep(struct signals *s, bool all)
{
	struct proactor_signal_subscription *sub;
	struct link *l, *next;
	unsigned int sig;

	for (sig = 1; sig <= SIGNAL_LAST; sig++)
		for (l = s->subscriptions[sig].next;
		    l != &s->subscriptions[sig]; l = next) {
			next = l->next;
			sub = container_of(l,
			    struct proactor_signal_subscription, link);
			if (all || sub->dead)
				subscription_free(sub);
		}
}

/* Calls back who had subscribed when the signal came, in their order. */
static void
deliver(struct signals *s, unsigned int sig)
{
	struct proactor_signal_subscription *sub;
	struct link *l = &s->subscriptions[sig], *last = l->prev;

	while (l != last) {
		l = l->next;
		sub = container_of(l, struct proactor_signal_subscription,
		    link);
		if (!sub->dead) {
			s->p->completed++;
			sub->callback(sub->user_data, sub, sig);
		}
	}
}

static void
deliver_set(struct signals *s, uint32_t set)
{
	unsigned int sig;

	s->calling = true;
	for (sig = 1; sig <= SIGNAL_LAST; sig++)
		if (set & UINT32_C(1) << sig)
			deliver(s, sig);
	s->calling = false;
	sweep(s, false);
}

static void
close_fd(struct signals *s)
{
	if (s->fd >= 0)
		proactor__sys_close(s->fd);
	s->fd = -1;
}

static void
close_source(struct signals *s)
{
	if (s->source != NULL)
		(void)proactor_unregister_event_source(s->p, s->source);
	s->source = NULL;
	close_fd(s);
}

static void
readable(void *user_data, struct proactor_event_source *source,
    unsigned int events)
{
	struct signals *s = user_data;
	unsigned int sig;

	(void)source;
	/* What counts is the subscribers' callbacks. */
	s->p->completed--;
	if (events & PROACTOR_POLL_ERR) {
		/* It cannot be watched any more: the handler takes over. */
		for (sig = 1; sig <= SIGNAL_LAST; sig++)
			if (s->live[sig] != 0)
				proactor__sys_signal_unblock(sig);
		close_source(s);
		return;
	}
	deliver_set(s, proactor__sys_signal_read(s->fd));
}

/* Async-signal-safe.  A signal that is not delivered yet counts once. */
void
proactor__signal_caught(struct signals *s, unsigned int sig)
{
	atomic_fetch_or(&s->caught, UINT32_C(1) << sig);
	if (atomic_exchange(&s->mailed, 1) != 0)
		return;
	s->mail.kind = MAIL_SIGNAL;
	mailbox_post(&s->p->mailbox, &s->mail);
	proactor__wake_up(s->p);
}

/* The handler's letter has come. */
void
proactor__signals_mailed(struct proactor *p)
{
	struct signals *s = p->signals;

	atomic_store(&s->mailed, 0);
	deliver_set(s, atomic_exchange(&s->caught, 0));
}

static struct signals *
signals_of(struct proactor *p)
{
	struct signals *s = p->signals;
	unsigned int sig;

	if (s != NULL)
		return s;
	s = proactor__allocate(p, sizeof(*s));
	if (s == NULL)
		return NULL;
	s->p = p;
	s->fd = -1;
	for (sig = 0; sig <= SIGNAL_LAST; sig++)
		list_init(&s->subscriptions[sig]);
	p->signals = s;
	return s;
}

/*
 * The first subscription of all: the process' signals are p's.  Without the
 * descriptor, which a system may not have or have no more of, it works too.
 */
static int
open_all(struct signals *s)
{
	int error;

	error = proactor__sys_signals_claim(s);
	if (error != 0)
		return error;
	s->fd = proactor__sys_signal_fd(-1, 0);
	if (s->fd < 0)
		return 0;
	error = proactor_register_event_source(s->p, proactor_handle_fd(s->fd),
	    readable, s, &s->source);
	if (error != 0) {
		close_fd(s);
		proactor__sys_signals_disclaim();
	}
	return error;
}

static void
close_all(struct signals *s)
{
	close_source(s);
	proactor__sys_signals_disclaim();
}

/* The first subscription of one signal. */
static int
begin(struct signals *s, unsigned int sig)
{
	int error;

	if (s->fd >= 0) {
		error = proactor__sys_signal_fd(s->fd,
		    s->set | UINT32_C(1) << sig);
		if (error < 0)
			return error;
	}
	error = proactor__sys_signal_take(sig, s->fd >= 0);
	if (error != 0)
		return error;
	s->set |= UINT32_C(1) << sig;
	return 0;
}

static void
end(struct signals *s, unsigned int sig)
{
	s->set &= ~(UINT32_C(1) << sig);
	if (s->fd >= 0)
		(void)proactor__sys_signal_fd(s->fd, s->set);
	proactor__sys_signal_give(sig, is_owner(s->p));
}

/*
 * Calls back for each signal of that kind that comes from now on; see
 * proactor_subscribe_signal(3).  Serialised with poll by the caller.
 */
int
proactor_subscribe_signal(struct proactor *p, unsigned int sig,
    proactor_signal_fn callback, void *user_data,
    struct proactor_signal_subscription **ret_subscription)
{
	struct proactor_signal_subscription *sub;
	struct signals *s;
	int error = 0;

	if (p == NULL || !is_known(sig) || callback == NULL ||
	    ret_subscription == NULL)
		return PROACTOR_EINVAL;
	if (proactor__forked(p->generation))
		return PROACTOR_ECHILD;
	if (atomic_load(&p->phase) != PHASE_RUNNING)
		return PROACTOR_ESHUTDOWN;
	s = signals_of(p);
	sub = proactor__allocate(p, sizeof(*sub));
	if (s == NULL || sub == NULL) {
		proactor__free(p, sub);
		return PROACTOR_ENOMEM;
	}
	sub->p = p;
	sub->callback = callback;
	sub->user_data = user_data;
	sub->sig = sig;
	if (s->all == 0)
		error = open_all(s);
	if (error == 0 && s->live[sig] == 0) {
		error = begin(s, sig);
		if (error != 0 && s->all == 0)
			close_all(s);
	}
	if (error != 0) {
		proactor__free(p, sub);
		return error;
	}
	list_append(&s->subscriptions[sig], &sub->link);
	s->live[sig]++;
	s->all++;
	*ret_subscription = sub;
	return 0;
}

/*
 * Ends a subscription; also inside a callback, its own included.  Serialised
 * with poll by the caller.
 */
int
proactor_unsubscribe_signal(struct proactor *p,
    struct proactor_signal_subscription *sub)
{
	struct signals *s;

	if (p == NULL || sub == NULL || sub->p != p)
		return PROACTOR_EINVAL;
	if (proactor__forked(p->generation))
		return PROACTOR_ECHILD;
	if (sub->dead)
		return PROACTOR_ENOENT;
	s = p->signals;
	sub->dead = true;
	if (--s->live[sub->sig] == 0)
		end(s, sub->sig);
	if (--s->all == 0)
		close_all(s);
	if (!s->calling)
		subscription_free(sub);
	return 0;
}

/*
 * Shutdown, or the end of p: the process has its signals back.  The source is
 * ended by whoever ends all.
 */
void
proactor__signals_drop(struct proactor *p)
{
	struct signals *s = p->signals;
	unsigned int sig;

	if (s == NULL || s->all == 0)
		return;
	for (sig = 1; sig <= SIGNAL_LAST; sig++)
		if (s->live[sig] != 0) {
			s->live[sig] = 0;
			end(s, sig);
		}
	s->all = 0;
	s->source = NULL;
	close_all(s);
	sweep(s, true);
}

/* Frees what is left, which is more in a child of the process only. */
void
proactor__signals_free(struct proactor *p)
{
	struct signals *s = p->signals;

	if (s == NULL)
		return;
	sweep(s, true);
	close_fd(s);
	proactor__free(p, s);
}
