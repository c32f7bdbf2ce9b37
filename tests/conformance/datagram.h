/* SPDX-License-Identifier: ISC */
/* Datagrams that are sent and received with addresses, in a line each. */
#ifndef DATAGRAM_H
#define DATAGRAM_H

#include "conformance/transfer.h"

/* A bound socket of the library's that is not connected. */
static inline struct proactor_socket *
bound(struct world *w, unsigned int kind, struct proactor_address *ret)
{
	struct proactor_socket *s;

	address_to_bind(kind, ret);
	CHECK_INT(proactor_socket_create(w->p, kind, 0, &s), 0);
	CHECK_INT(proactor_socket_bind(s, ret), 0);
	CHECK_INT(proactor_socket_query_local_address(s, ret), 0);
	return s;
}

static inline void
sendto_init(struct proactor_sendto_op *op, struct world *w,
    struct proactor_socket *s, const void *memory, size_t length,
    const struct proactor_address *address)
{
	struct proactor_span span = proactor_span(memory, length);

	proactor_sendto_op_init(op, s, &span, 1, address, 0, record, &w->r);
}

static inline void
recvfrom_init(struct proactor_recvfrom_op *op, struct world *w,
    struct proactor_socket *s, void *memory, size_t length)
{
	struct proactor_span span = proactor_span(memory, length);

	proactor_recvfrom_op_init(op, s, &span, 1, record, &w->r);
}

/* Sends and must succeed. */
static inline void
send_now(struct world *w, struct proactor_socket *s, const void *memory,
    size_t length, const struct proactor_address *address)
{
	struct proactor_sendto_op op;

	sendto_init(&op, w, s, memory, length, address);
	CHECK_INT(run_one(w, &op.base), 0);
	CHECK_INT(op.bytes, length);
}

#endif
