/* SPDX-License-Identifier: ISC */
#ifndef PROACTOR_CORE_OP_POOL_H
#define PROACTOR_CORE_OP_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct proactor_op;
struct proactor_op_pool;

/* What submit and the end of an operation ask of its pool; op_pool.c. */
bool	 proactor__op_pool_has(struct proactor_op_pool *pool,
	    struct proactor_op *op, size_t size);
uint32_t proactor__op_pool_turn(struct proactor_op *op);
void	 proactor__op_pool_ended(struct proactor_op_pool *pool,
	    struct proactor_op *op, uint32_t turn);

#endif
