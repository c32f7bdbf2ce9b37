/* SPDX-License-Identifier: ISC */
#ifndef PROACTOR_READINESS_OFFLOAD_H
#define PROACTOR_READINESS_OFFLOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "core/list.h"
#include "core/mailbox.h"

/*
 * The threads of this process that execute what may block and cannot be
 * waited for: operations on files.  They are shared by all proactors, started
 * when jobs queue up, end when they have been idle for two seconds, and never
 * call back: a job that was executed goes home to its client.  Clients with
 * jobs take turns; the jobs of one client begin in their order.
 *
 * A client that a child of fork(2) has inherited takes no jobs and can only be
 * released.
 */

struct offload_pool;
struct proactor;

/* A user of the threads: an engine. */
struct offload_client {
	struct proactor *p;		/* woken when a job comes home */
	void	(*execute)(struct mail *job);	/* on a thread of the pool */
	struct offload_pool *pool;	/* NULL before the first job */
	unsigned int threads;		/* at most; 0: the default */
	struct mailbox returned;
	/* Under the pool's lock. */
	struct link link;		/* among those with jobs in the queue */
	struct mail *first;		/* the queue, oldest first */
	struct mail **end;
	unsigned int queued;
	unsigned int running;
};

/*
 * Prepares a client; no thread is started.  execute is called with the job,
 * on a thread of the pool, and must touch nothing but what the job owns.
 * threads is the most that may run for all clients, unless another client
 * asks for more; 0: the processors of this process, but 4 at the most.
 */
void	 proactor__offload_init(struct offload_client *c, struct proactor *p,
	    void (*execute)(struct mail *job), unsigned int threads);

/*
 * Hands a job over, linked by job->next and found again by the client from
 * its address; job->kind is left alone.  0, or a code when there is no thread
 * and none can be started (or no memory, for the first job): nothing was
 * handed over.  The owner.
 */
int	 proactor__offload(struct offload_client *c, struct mail *job);

/*
 * True when the job had not begun and was taken out of the queue: it does not
 * come home.  The owner.
 */
bool	 proactor__offload_cancel(struct offload_client *c, struct mail *job);

/* Jobs that have come home, oldest first, linked by next.  The owner. */
static inline struct mail *
proactor__offload_take(struct offload_client *c)
{
	return mailbox_take(&c->returned);
}

/*
 * Takes what has not begun out of the queue and waits for what has: on return
 * no thread touches the client or its jobs.  Any thread.
 */
void	 proactor__offload_drain(struct offload_client *c);

/*
 * The end of a client that was drained.  The last one joins the threads.  Any
 * thread.
 */
void	 proactor__offload_release(struct offload_client *c);

#endif
