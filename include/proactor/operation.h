/* SPDX-License-Identifier: ISC */
#ifndef PROACTOR_OPERATION_H
#define PROACTOR_OPERATION_H

#include <stddef.h>
#include <stdint.h>

#include <proactor/api.h>

#ifdef __cplusplus
extern "C" {
#endif

struct proactor;
struct proactor_op;
struct proactor_op_pool;
struct proactor_region;

/* What an operation is: the type member, set by the initialisers. */
#define PROACTOR_OP_NOP			1u
#define PROACTOR_OP_TIMER		2u
#define PROACTOR_OP_EVENT_WAIT		3u
#define PROACTOR_OP_HANDLE_POLL		4u
#define PROACTOR_OP_ACCEPT		5u
#define PROACTOR_OP_CONNECT		6u
#define PROACTOR_OP_RECV		7u
#define PROACTOR_OP_SEND		8u
#define PROACTOR_OP_RECVFROM		9u
#define PROACTOR_OP_SENDTO		10u
#define PROACTOR_OP_SOCKET_CLOSE	11u
#define PROACTOR_OP_FILE_OPEN		12u
#define PROACTOR_OP_FILE_READ		13u
#define PROACTOR_OP_FILE_WRITE		14u
#define PROACTOR_OP_FILE_CLOSE		15u
#define PROACTOR_OP_MESSAGE		16u
#define PROACTOR_OP_NOTIFICATION_WAIT	17u
#define PROACTOR_OP_NOTIFICATION_SIGNAL	18u
#define PROACTOR_OP_SEMAPHORE_WAIT	19u
#define PROACTOR_OP_SEMAPHORE_SIGNAL	20u
#define PROACTOR_OP_SEQUENCE		21u
#define PROACTOR_OP_FUTEX_WAIT		22u
#define PROACTOR_OP_FUTEX_WAKE		23u
#define PROACTOR_OP_TIMEOUT		24u

/* Operation flags. */
#define PROACTOR_OP_MULTISHOT		0x1u
#define PROACTOR_OP_LINKED		0x2u

/* Completion flags. */
#define PROACTOR_COMPLETION_MORE		0x1u
#define PROACTOR_COMPLETION_ZERO_COPY_ACHIEVED	0x2u

/* Spans that an operation holds. */
#define PROACTOR_SPAN_MAX	8u

/* Called on the polling thread, from proactor_poll() only. */
typedef void (*proactor_callback)(void *user_data, struct proactor_op *op,
    int status, unsigned int flags);

/*
 * What every operation begins with.  An initialiser clears it; between a
 * successful submit and the final callback it is the library's.
 */
struct proactor_op {
	unsigned int type;		/* PROACTOR_OP_NOP ... */
	unsigned int flags;		/* PROACTOR_OP_MULTISHOT, _LINKED */
	proactor_callback callback;
	void *user_data;
	struct proactor_op_pool *pool;	/* NULL, or where it returns to */
	uint64_t opaque[14];
};

/*
 * Memory to send from, to receive into: an offset in a registered region or,
 * when region is NULL, an address.  Made by proactor_span().
 */
struct proactor_span {
	struct proactor_region *region;
	uintptr_t offset;
	size_t length;
};

struct proactor_nop_op {
	struct proactor_op base;
};

PROACTOR_API struct proactor_span proactor_span(const void *memory,
    size_t length) PROACTOR_ADDRESS_ONLY(1);
PROACTOR_API size_t proactor_op_size(unsigned int type);
PROACTOR_API const char *proactor_op_name(unsigned int type);
PROACTOR_API void proactor_nop_op_init(struct proactor_nop_op *op,
    proactor_callback callback, void *user_data);

#ifdef __cplusplus
}
#endif

#endif
