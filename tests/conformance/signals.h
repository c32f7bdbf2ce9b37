/* SPDX-License-Identifier: ISC */
/* Signals and who was called: from a descriptor, or by the handler. */
#ifndef SIGNALS_H
#define SIGNALS_H

#include <signal.h>

#include "conformance/conformance.h"

/*
 * What matters is shown in both ways that a signal can come: read from a
 * descriptor, since it is blocked, and by the handler.
 */

/* The six. */
#define SIGNALS	6
extern const struct signal_names {
	unsigned int sig;
	int number;
	const char *name;
} signal_six[SIGNALS];

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

/* The callback, whose user data is a listener. */
void	 log_called(void *user_data, struct proactor_signal_subscription *sub,
	    unsigned int sig);

int	 log_subscribe(struct log *log, struct listener *l, unsigned int sig);
void	 log_unsubscribe(struct listener *l);

/*
 * A process that has no descriptor left to make has the handler only.  The
 * first subscription decides.
 */
int	 log_first(struct log *log, struct listener *l, unsigned int sig);

void	 log_open(struct log *log, bool by_handler);

/* fn with a log of its own for each way. */
void	 log_both_ways(void (*fn)(struct log *log));

/* Polls until there were that many calls, and no more. */
void	 log_await(struct log *log, size_t calls);

/* No call comes. */
void	 log_still(struct log *log);

void	 signal_send_me(int number);
bool	 signal_is_blocked(int number);
void	 signal_block(int number, int how);

/* The mask of the calling thread and the dispositions of the six. */
struct state {
	sigset_t mask;
	struct sigaction actions[SIGNALS];
};

void	 signal_state_read(struct state *s);

/* It is as it was. */
void	 signal_state_check(const struct state *s);

#endif
