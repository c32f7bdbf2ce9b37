/* SPDX-License-Identifier: ISC */
#ifndef PROACTOR_CORE_MAILBOX_H
#define PROACTOR_CORE_MAILBOX_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * Many threads in, the owner out: a lock-free stack that is taken whole and
 * turned round, so that there is neither an ABA problem nor an allocation.
 * Posting is async-signal-safe.
 */

enum mail_kind {
	MAIL_SUBMIT,		/* struct op_state.mail */
	MAIL_CANCEL,		/* struct op_state.cancel_mail */
	MAIL_EVENT,		/* struct proactor_event.mail */
	MAIL_DONE,		/* struct op_state.mail: of a semaphore wait */
	MAIL_NOTIFICATION,	/* struct proactor_notification.mail */
	MAIL_OBJECT,		/* struct object.mail: free it */
	MAIL_SIGNAL		/* struct signals.mail */
};

struct mail {
	struct mail *next;
	unsigned int kind;
};

struct mailbox {
	_Atomic(struct mail *) top;
};

/* Any thread.  first..last are linked from the newest to the oldest. */
static inline void
mailbox_post_list(struct mailbox *m, struct mail *newest, struct mail *oldest)
{
	struct mail *top;

	top = atomic_load_explicit(&m->top, memory_order_relaxed);
	do {
		oldest->next = top;
	} while (!atomic_compare_exchange_weak_explicit(&m->top, &top, newest,
	    memory_order_seq_cst, memory_order_relaxed));
}

static inline void
mailbox_post(struct mailbox *m, struct mail *mail)
{
	mailbox_post_list(m, mail, mail);
}

static inline bool
mailbox_empty(struct mailbox *m)
{
	return atomic_load_explicit(&m->top, memory_order_seq_cst) == NULL;
}

/* The owner.  Everything that was posted, oldest first. */
static inline struct mail *
mailbox_take(struct mailbox *m)
{
	struct mail *mail, *next, *list = NULL;

	/* In one order with the word that says that there is something. */
	if (atomic_load(&m->top) == NULL)
		return NULL;
	mail = atomic_exchange_explicit(&m->top, NULL, memory_order_acquire);
	for (; mail != NULL; mail = next) {
		next = mail->next;
		mail->next = list;
		list = mail;
	}
	return list;
}

#endif
