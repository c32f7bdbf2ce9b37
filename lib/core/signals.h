/* SPDX-License-Identifier: ISC */
#ifndef PROACTOR_CORE_SIGNALS_H
#define PROACTOR_CORE_SIGNALS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <proactor/signal.h>

#include "core/list.h"
#include "core/mailbox.h"

struct proactor;
struct proactor_event_source;

/* PROACTOR_SIGNAL_* are 1 to this; in a set, bit 1 << sig. */
#define SIGNAL_LAST	PROACTOR_SIGNAL_USER2

/*
 * The signals of one proactor.  Made with its first subscription, freed with
 * the proactor: its letter may be in the mailbox until then.
 */
struct signals {
	struct proactor *p;
	struct link subscriptions[SIGNAL_LAST + 1];
	size_t live[SIGNAL_LAST + 1];	/* of those, not unsubscribed */
	size_t all;			/* the sum */
	uint32_t set;			/* of the signals with live ones */
	bool calling;			/* the lists are being walked */
	int fd;				/* reads blocked signals, or -1 */
	struct proactor_event_source *source;	/* of fd */

	/* What the handler writes. */
	_Atomic uint32_t caught;	/* a set */
	_Atomic uint32_t mailed;
	struct mail mail;
};

/* signal.c; the handler's, on any thread. */
void	 proactor__signal_caught(struct signals *s, unsigned int sig);

/*
 * The seam.  The process' signals are one proactor's at a time: _claim is 0
 * when they are s's now, PROACTOR_EPERM when another has them.
 */
int	 proactor__sys_signals_claim(struct signals *s);
/* They are nobody's; no handler looks at s any more. */
void	 proactor__sys_signals_disclaim(void);

/*
 * The handler tells of sig from now on.  blocked: it is to be blocked in the
 * calling thread, because a descriptor reads it; else not to be.
 */
int	 proactor__sys_signal_take(unsigned int sig, bool blocked);
/* One that was to be blocked is not to be after all. */
void	 proactor__sys_signal_unblock(unsigned int sig);
/*
 * As it was before; the mask in the thread that took it or, for the owner of
 * the loop, in the calling one.
 */
void	 proactor__sys_signal_give(unsigned int sig, bool owner);

/*
 * A descriptor that is readable while a signal of the set is pending and
 * blocked: fd with another set, or for -1 a new one.  Or a code.
 */
int	 proactor__sys_signal_fd(int fd, uint32_t set);
/* Takes what is pending; the set of what was. */
uint32_t proactor__sys_signal_read(int fd);

#endif
