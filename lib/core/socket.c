/* SPDX-License-Identifier: ISC */
/* Sockets as objects; the operations on them are in stream.c. */
#include "config.h"

#include "core/core.h"

#define OPTIONS_ALL	(PROACTOR_SOCKET_REUSE_ADDRESS | \
			PROACTOR_SOCKET_REUSE_PORT | \
			PROACTOR_SOCKET_NO_DELAY | \
			PROACTOR_SOCKET_KEEP_ALIVE | \
			PROACTOR_SOCKET_ZERO_COPY | \
			PROACTOR_SOCKET_LINGER_ZERO)

static struct proactor_socket *
make(struct proactor *p, int fd, unsigned int kind, unsigned int options,
    unsigned int state, bool owner)
{
	struct proactor_socket *s;

	s = proactor__object_create(p, OBJECT_SOCKET, sizeof(*s), owner);
	if (s == NULL)
		return NULL;
	s->fd = fd;
	s->slot = -1;
	s->kind = (uint8_t)kind;
	s->options = (uint8_t)options;
	atomic_init(&s->state, (uint8_t)state);
	list_init(&s->in);
	list_init(&s->out);
	return s;
}

static bool
kind_known(unsigned int kind)
{
	return kind >= PROACTOR_SOCKET_TCP &&
	    kind <= PROACTOR_SOCKET_UNIX_DATAGRAM;
}

/* A new socket of p; see proactor_socket_create(3).  Any thread. */
int
proactor_socket_create(struct proactor *p, unsigned int kind,
    unsigned int options, struct proactor_socket **ret_socket)
{
	struct proactor_socket *s;
	int error, fd;

	if (p == NULL || ret_socket == NULL || !kind_known(kind) ||
	    (options & ~OPTIONS_ALL) != 0)
		return PROACTOR_EINVAL;
	if (proactor__forked(p->generation))
		return PROACTOR_ECHILD;
	error = proactor__sys_socket(kind, options, &fd);
	if (error != 0)
		return error;
	s = make(p, fd, kind, options, PROACTOR_SOCKET_STATE_CREATED, false);
	if (s == NULL) {
		proactor__sys_close(fd);
		return PROACTOR_ENOMEM;
	}
	*ret_socket = s;
	return 0;
}

/* Takes a descriptor over as it is.  Any thread. */
int
proactor_socket_import(struct proactor *p, struct proactor_handle handle,
    unsigned int kind, unsigned int options,
    struct proactor_socket **ret_socket)
{
	struct proactor_socket *s;
	unsigned int state;
	int error;

	if (p == NULL || ret_socket == NULL || !kind_known(kind) ||
	    (options & ~OPTIONS_ALL) != 0 || handle.type != PROACTOR_HANDLE_FD)
		return PROACTOR_EINVAL;
	if (proactor__forked(p->generation))
		return PROACTOR_ECHILD;
	error = proactor__sys_check_socket(handle.u.fd, kind, &state);
	if (error != 0)
		return error;
	s = make(p, handle.u.fd, kind, options, state, false);
	if (s == NULL)
		return PROACTOR_ENOMEM;
	*ret_socket = s;
	return 0;
}

/*
 * The socket of a connection that the backend accepted; the descriptor is
 * closed when there is no memory for it.
 */
struct proactor_socket *
proactor__socket_accepted(struct proactor_socket *listener, int fd)
{
	struct proactor_socket *s;

	s = make(listener->object.p, fd, listener->kind, listener->options,
	    PROACTOR_SOCKET_STATE_CONNECTED, true);
	if (s == NULL)
		proactor__sys_close(fd);
	return s;
}

struct proactor_socket *
proactor_socket_retain(struct proactor_socket *s)
{
	if (s != NULL)
		object_retain(&s->object);
	return s;
}

/* Drops a reference; the last one closes the socket.  Any thread. */
void
proactor_socket_release(struct proactor_socket *s)
{
	if (s != NULL && object_drop(&s->object))
		proactor__socket_destroy(s);
}

void
proactor__socket_destroy(struct proactor_socket *s)
{
	proactor__object_close(&s->object, &s->fd, &s->slot);
}

/* The first failure is the one that is remembered. */
void
proactor__socket_fail(struct proactor_socket *s, int status)
{
	int16_t none = 0;

	atomic_compare_exchange_strong(&s->failure, &none, (int16_t)status);
}

/* 0 when the socket may be used. */
static int
usable(struct proactor_socket *s)
{
	if (s == NULL)
		return PROACTOR_EINVAL;
	if (proactor__forked(s->object.p->generation))
		return PROACTOR_ECHILD;
	if (atomic_load(&s->state) >= PROACTOR_SOCKET_STATE_CLOSING)
		return PROACTOR_EBADF;
	return 0;
}

int
proactor_socket_bind(struct proactor_socket *s,
    const struct proactor_address *address)
{
	uint8_t created = PROACTOR_SOCKET_STATE_CREATED;
	int error;

	error = usable(s);
	if (error != 0)
		return error;
	if (!proactor__address_fits(address, s->kind))
		return PROACTOR_EINVAL;
	error = proactor__sys_bind(s->fd, address);
	if (error == 0)
		atomic_compare_exchange_strong(&s->state, &created,
		    PROACTOR_SOCKET_STATE_BOUND);
	return error;
}

int
proactor_socket_listen(struct proactor_socket *s, int backlog)
{
	uint8_t state;
	int error;

	error = usable(s);
	if (error != 0)
		return error;
	if (backlog < 0 || is_datagram(s))
		return PROACTOR_EINVAL;
	state = atomic_load(&s->state);
	if (state == PROACTOR_SOCKET_STATE_CONNECTING ||
	    state == PROACTOR_SOCKET_STATE_CONNECTED)
		return PROACTOR_EISCONN;
	error = proactor__sys_listen(s->fd, backlog);
	if (error == 0)
		atomic_compare_exchange_strong(&s->state, &state,
		    PROACTOR_SOCKET_STATE_LISTENING);
	return error;
}

int
proactor_socket_shutdown(struct proactor_socket *s, unsigned int how)
{
	int error;

	error = usable(s);
	if (error != 0)
		return error;
	if (how == 0 || (how & ~PROACTOR_SHUTDOWN_BOTH) != 0)
		return PROACTOR_EINVAL;
	return proactor__sys_shutdown(s->fd, how);
}

int
proactor_socket_query_local_address(struct proactor_socket *s,
    struct proactor_address *ret_address)
{
	int error;

	error = usable(s);
	if (error != 0)
		return error;
	if (ret_address == NULL)
		return PROACTOR_EINVAL;
	return proactor__sys_local_address(s->fd, ret_address);
}

int
proactor_socket_query_state(struct proactor_socket *s,
    unsigned int *ret_state)
{
	if (s == NULL || ret_state == NULL)
		return PROACTOR_EINVAL;
	*ret_state = atomic_load(&s->state);
	return 0;
}

/* 0, or the status of the first operation on it that failed. */
int
proactor_socket_query_failure(struct proactor_socket *s)
{
	return s != NULL ? atomic_load(&s->failure) : PROACTOR_EINVAL;
}

/* Bytes that a send could hand to the system now. */
int
proactor_socket_query_send_space(struct proactor_socket *s,
    size_t *ret_bytes)
{
	int error;

	error = usable(s);
	if (error != 0)
		return error;
	if (ret_bytes == NULL)
		return PROACTOR_EINVAL;
	return proactor__sys_send_space(s->fd, ret_bytes);
}

/* The descriptor, for calls that the library has not; still the socket's. */
struct proactor_handle
proactor_socket_handle(struct proactor_socket *s)
{
	return usable(s) == 0 ? proactor_handle_fd(s->fd) :
	    proactor_handle_none();
}
