/* SPDX-License-Identifier: ISC */
/* Making chains, and how they must have ended. */
#ifndef CHAIN_H
#define CHAIN_H

#include "conformance/transfer.h"

#define LONGEST	200

/* Marks all but the last, so that count operations are a chain. */
void	 link_up(struct proactor_op **ops, size_t count);
void	 submit_chain(struct world *w, struct proactor_op **ops,
	    size_t count);

/*
 * All were called back once, in order: those before place with success, that
 * one with status, those after it with ECANCELED.
 */
void	 check_failed_at(const struct recorder *r,
	    struct proactor_op *const *ops, size_t count, size_t place,
	    int status);
void	 check_all_good(const struct recorder *r,
	    struct proactor_op *const *ops, size_t count);

/* Operations that are recorded. */
void	 nop_init(struct proactor_nop_op *op, struct world *w);
void	 send_init(struct proactor_send_op *op, struct world *w,
	    struct proactor_socket *s, const void *memory, size_t length);
void	 recv_init(struct proactor_recv_op *op, struct world *w,
	    struct proactor_socket *s, void *memory, size_t length);

/* A new file, open for these. */
struct proactor_file *file_open(struct world *w, unsigned int flags);

#endif
