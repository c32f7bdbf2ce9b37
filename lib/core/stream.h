/* SPDX-License-Identifier: ISC */
#ifndef PROACTOR_CORE_STREAM_H
#define PROACTOR_CORE_STREAM_H

/*
 * What the classes of socket operations share: a socket's two queues, and the
 * members of a class that are the same for all that stand in them.
 */

#include "core/class.h"

/* Every socket operation has its socket first. */
struct socket_op {
	struct proactor_op base;
	struct proactor_socket *socket;
};

static inline struct proactor_socket *
socket_of(struct proactor_op *op)
{
	return container_of(op, struct socket_op, base)->socket;
}

static inline int
check_socket(struct proactor *p, struct proactor_op *op)
{
	struct proactor_socket *s = socket_of(op);

	if (s == NULL || s->object.p != p)
		return PROACTOR_EINVAL;
	if (atomic_load_explicit(&s->state, memory_order_relaxed) >=
	    PROACTOR_SOCKET_STATE_CLOSING)
		return PROACTOR_EBADF;
	return 0;
}

/* stream.c: of a class. */
void	 proactor__stream_retain(struct proactor_op *op);
void	 proactor__stream_begin(struct proactor *p, struct proactor_op *op);
bool	 proactor__stream_linkable(struct proactor_op *op);
void	 proactor__stream_cancel(struct proactor *p, struct proactor_op *op);
void	 proactor__stream_abandon(struct proactor_op *op);
void	 proactor__stream_leave(struct proactor *p, struct proactor_op *op);

/* stream.c: the steps. */
bool	 proactor__stream_enqueue(struct proactor_op *op);
void	 proactor__stream_post(struct proactor *p, struct proactor_op *op,
	    int status);
void	 proactor__stream_close_if_idle(struct proactor *p,
	    struct proactor_socket *s);

#endif
