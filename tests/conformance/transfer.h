/* SPDX-License-Identifier: ISC */
/* Transfers in a line each, for cases that are about something else. */
#ifndef TRANSFER_H
#define TRANSFER_H

#include <sys/resource.h>

#include "conformance/conformance.h"

/* More than the buffers of two connected sockets hold. */
#define BLOCKING_SIZE	((size_t)8 << 20)

/*
 * fn with a world of its own for each kind of stream, or of datagram socket,
 * that the machine has.
 */
void	 each_stream(void (*fn)(struct world *w, unsigned int kind));
void	 each_datagram(void (*fn)(struct world *w, unsigned int kind));

int	 socket_fd(struct proactor_socket *s);
unsigned int socket_state(struct proactor_socket *s);

/*
 * One operation, run to its end: its status, or the code of the refusal.
 * bytes is set whenever there was a callback.
 */
int	 send_bytes(struct world *w, struct proactor_socket *s,
	    const void *memory, size_t length, size_t *bytes);
int	 recv_bytes(struct world *w, struct proactor_socket *s, void *memory,
	    size_t length, size_t *bytes);
int	 connect_socket(struct world *w, struct proactor_socket *s,
	    const struct proactor_address *address);
int	 accept_socket(struct world *w, struct proactor_socket *listener,
	    struct proactor_socket **ret);

/* All of it, or the case fails. */
void	 send_all(struct world *w, struct proactor_socket *s,
	    const void *memory, size_t length);
void	 recv_all(struct world *w, struct proactor_socket *s, void *memory,
	    size_t length);

/* What is sent on one arrives at the other, both ways. */
void	 check_connected(struct world *w, struct proactor_socket *a,
	    struct proactor_socket *b);

/* length bytes cut into count spans of lengths that differ. */
void	 cut_spans(struct proactor_span *spans, size_t count, char *memory,
	    size_t length);

/* Nothing to read at fd, now. */
bool	 fd_is_silent(int fd);

/* Waits for the end of what the peer of fd sends; the bytes until then. */
size_t	 fd_drain(int fd);

/* The send buffer of a socket of the library's. */
void	 small_buffer(struct proactor_socket *s, int bytes);

/*
 * A client made without the library, connected, and its address unless that
 * is a Unix one.  ret_local may be NULL.
 */
int	 client_open(const struct proactor_address *address,
	    struct proactor_address *ret_local);

/* From now on no descriptor more than there are now; ret restores. */
void	 limit_descriptors(struct rlimit *ret);

/* A listener made without the library, whose backlog is one and full. */
struct full_listener {
	int listener;
	int first;		/* connected, not accepted */
	struct proactor_address address;
};

void	 full_listener_open(struct full_listener *l, unsigned int kind);
void	 full_listener_close(struct full_listener *l);

#endif
