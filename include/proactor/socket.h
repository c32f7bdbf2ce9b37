/* SPDX-License-Identifier: ISC */
#ifndef PROACTOR_SOCKET_H
#define PROACTOR_SOCKET_H

#include <proactor/address.h>
#include <proactor/handle.h>
#include <proactor/operation.h>

#ifdef __cplusplus
extern "C" {
#endif

struct proactor_socket;

/* Kinds. */
#define PROACTOR_SOCKET_TCP		1u	/* over IPv4 */
#define PROACTOR_SOCKET_TCP6		2u
#define PROACTOR_SOCKET_UDP		3u
#define PROACTOR_SOCKET_UDP6		4u
#define PROACTOR_SOCKET_UNIX_STREAM	5u
#define PROACTOR_SOCKET_UNIX_DATAGRAM	6u

/* Options of create; import takes those that the caller has set up. */
#define PROACTOR_SOCKET_REUSE_ADDRESS	0x01u
#define PROACTOR_SOCKET_REUSE_PORT	0x02u
#define PROACTOR_SOCKET_NO_DELAY	0x04u
#define PROACTOR_SOCKET_KEEP_ALIVE	0x08u
#define PROACTOR_SOCKET_ZERO_COPY	0x10u
#define PROACTOR_SOCKET_LINGER_ZERO	0x20u

/* proactor_socket_shutdown(). */
#define PROACTOR_SHUTDOWN_READ		0x1u
#define PROACTOR_SHUTDOWN_WRITE		0x2u
#define PROACTOR_SHUTDOWN_BOTH		0x3u

/* proactor_socket_query_state(). */
#define PROACTOR_SOCKET_STATE_CREATED	0u
#define PROACTOR_SOCKET_STATE_BOUND	1u
#define PROACTOR_SOCKET_STATE_LISTENING	2u
#define PROACTOR_SOCKET_STATE_CONNECTING	3u
#define PROACTOR_SOCKET_STATE_CONNECTED	4u
#define PROACTOR_SOCKET_STATE_CLOSING	5u
#define PROACTOR_SOCKET_STATE_CLOSED	6u

/* Send flags. */
#define PROACTOR_SEND_MORE		0x1u

struct proactor_accept_op {
	struct proactor_op base;
	struct proactor_socket *listener;
	/* results */
	struct proactor_socket *accepted;	/* the callback's to release */
	struct proactor_address peer;
	uint64_t opaque[2];
};

struct proactor_connect_op {
	struct proactor_op base;
	struct proactor_socket *socket;
	struct proactor_address address;
	uint64_t opaque[2];
};

struct proactor_recv_op {
	struct proactor_op base;
	struct proactor_socket *socket;
	struct proactor_span spans[PROACTOR_SPAN_MAX];
	size_t span_count;
	/* results */
	size_t bytes;
	uint64_t opaque[24];
};

struct proactor_send_op {
	struct proactor_op base;
	struct proactor_socket *socket;
	struct proactor_span spans[PROACTOR_SPAN_MAX];
	size_t span_count;
	unsigned int send_flags;	/* PROACTOR_SEND_MORE */
	unsigned int reserved;		/* 0 */
	/* results */
	size_t bytes;
	uint64_t opaque[26];
};

struct proactor_recvfrom_op {
	struct proactor_op base;
	struct proactor_socket *socket;
	struct proactor_span spans[PROACTOR_SPAN_MAX];
	size_t span_count;
	/* results */
	size_t bytes;
	unsigned int truncated;		/* 1: the datagram was larger */
	unsigned int reserved;		/* 0 */
	struct proactor_address peer;
	uint64_t opaque[26];
};

struct proactor_sendto_op {
	struct proactor_op base;
	struct proactor_socket *socket;
	struct proactor_span spans[PROACTOR_SPAN_MAX];
	size_t span_count;
	unsigned int send_flags;	/* PROACTOR_SEND_MORE */
	unsigned int reserved;		/* 0 */
	struct proactor_address address;
	/* results */
	size_t bytes;
	uint64_t opaque[26];
};

struct proactor_socket_close_op {
	struct proactor_op base;
	struct proactor_socket *socket;
	uint64_t opaque[2];
};

PROACTOR_API int proactor_socket_create(struct proactor *p,
    unsigned int kind, unsigned int options,
    struct proactor_socket **ret_socket);
PROACTOR_API int proactor_socket_import(struct proactor *p,
    struct proactor_handle handle, unsigned int kind, unsigned int options,
    struct proactor_socket **ret_socket);
PROACTOR_API struct proactor_socket *proactor_socket_retain(
    struct proactor_socket *socket);
PROACTOR_API void proactor_socket_release(struct proactor_socket *socket);

PROACTOR_API int proactor_socket_bind(struct proactor_socket *socket,
    const struct proactor_address *address);
PROACTOR_API int proactor_socket_listen(struct proactor_socket *socket,
    int backlog);
PROACTOR_API int proactor_socket_shutdown(struct proactor_socket *socket,
    unsigned int how);
PROACTOR_API int proactor_socket_query_local_address(
    struct proactor_socket *socket, struct proactor_address *ret_address);
PROACTOR_API int proactor_socket_query_state(struct proactor_socket *socket,
    unsigned int *ret_state);
PROACTOR_API int proactor_socket_query_failure(
    struct proactor_socket *socket);
PROACTOR_API int proactor_socket_query_send_space(
    struct proactor_socket *socket, size_t *ret_bytes);
PROACTOR_API struct proactor_handle proactor_socket_handle(
    struct proactor_socket *socket);

PROACTOR_API void proactor_accept_op_init(struct proactor_accept_op *op,
    struct proactor_socket *listener, proactor_callback callback,
    void *user_data);
PROACTOR_API void proactor_connect_op_init(struct proactor_connect_op *op,
    struct proactor_socket *socket, const struct proactor_address *address,
    proactor_callback callback, void *user_data);
PROACTOR_API void proactor_recv_op_init(struct proactor_recv_op *op,
    struct proactor_socket *socket, const struct proactor_span *spans,
    size_t span_count, proactor_callback callback, void *user_data);
PROACTOR_API void proactor_send_op_init(struct proactor_send_op *op,
    struct proactor_socket *socket, const struct proactor_span *spans,
    size_t span_count, unsigned int send_flags, proactor_callback callback,
    void *user_data);
PROACTOR_API void proactor_recvfrom_op_init(struct proactor_recvfrom_op *op,
    struct proactor_socket *socket, const struct proactor_span *spans,
    size_t span_count, proactor_callback callback, void *user_data);
PROACTOR_API void proactor_sendto_op_init(struct proactor_sendto_op *op,
    struct proactor_socket *socket, const struct proactor_span *spans,
    size_t span_count, const struct proactor_address *address,
    unsigned int send_flags, proactor_callback callback, void *user_data);
PROACTOR_API void proactor_socket_close_op_init(
    struct proactor_socket_close_op *op, struct proactor_socket *socket,
    proactor_callback callback, void *user_data);

#ifdef __cplusplus
}
#endif

#endif
