/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "conformance/transfer.h"

static void
each_kind(const unsigned int *kinds, size_t count,
    void (*fn)(struct world *, unsigned int))
{
	struct world w;
	size_t i;

	for (i = 0; i < count; i++) {
		if (!kind_works(kinds[i])) {
			tap_diag("not here: %s", kind_name(kinds[i]));
			continue;
		}
		world_open(&w, NULL);
		fn(&w, kinds[i]);
		world_close(&w);
	}
}

void
each_stream(void (*fn)(struct world *, unsigned int))
{
	static const unsigned int kinds[] = {
		PROACTOR_SOCKET_TCP,
		PROACTOR_SOCKET_TCP6,
		PROACTOR_SOCKET_UNIX_STREAM,
	};

	each_kind(kinds, COUNT(kinds), fn);
}

void
each_datagram(void (*fn)(struct world *, unsigned int))
{
	static const unsigned int kinds[] = {
		PROACTOR_SOCKET_UDP,
		PROACTOR_SOCKET_UDP6,
		PROACTOR_SOCKET_UNIX_DATAGRAM,
	};

	each_kind(kinds, COUNT(kinds), fn);
}

/* Submits op, whose callback is record() with r, and polls to its end. */
static int
finish(struct world *w, struct recorder *r, struct proactor_op *op)
{
	int status;

	status = proactor_submit_one(w->p, op);
	if (status == 0) {
		CHECK(poll_until(w, &r->finals, 1));
		CHECK_INT(r->calls, 1);
		status = r->seen[0].status;
	}
	return status;
}

int
send_bytes(struct world *w, struct proactor_socket *s, const void *memory,
    size_t length, size_t *bytes)
{
	struct recorder r = {0};
	struct proactor_span span = proactor_span(memory, length);
	struct proactor_send_op op;
	int status;

	proactor_send_op_init(&op, s, &span, 1, 0, record, &r);
	status = finish(w, &r, &op.base);
	if (r.calls > 0)
		*bytes = op.bytes;
	recorder_clear(&r);
	return status;
}

int
recv_bytes(struct world *w, struct proactor_socket *s, void *memory,
    size_t length, size_t *bytes)
{
	struct recorder r = {0};
	struct proactor_span span = proactor_span(memory, length);
	struct proactor_recv_op op;
	int status;

	proactor_recv_op_init(&op, s, &span, 1, record, &r);
	status = finish(w, &r, &op.base);
	if (r.calls > 0)
		*bytes = op.bytes;
	recorder_clear(&r);
	return status;
}

int
connect_socket(struct world *w, struct proactor_socket *s,
    const struct proactor_address *address)
{
	struct recorder r = {0};
	struct proactor_connect_op op;
	int status;

	proactor_connect_op_init(&op, s, address, record, &r);
	status = finish(w, &r, &op.base);
	recorder_clear(&r);
	return status;
}

int
accept_socket(struct world *w, struct proactor_socket *listener,
    struct proactor_socket **ret)
{
	struct recorder r = {0};
	struct proactor_accept_op op;
	int status;

	proactor_accept_op_init(&op, listener, record, &r);
	status = finish(w, &r, &op.base);
	if (status == 0)
		*ret = op.accepted;
	recorder_clear(&r);
	return status;
}

void
send_all(struct world *w, struct proactor_socket *s, const void *memory,
    size_t length)
{
	size_t bytes;

	CHECK_INT(send_bytes(w, s, memory, length, &bytes), 0);
	CHECK_INT(bytes, length);
}

void
recv_all(struct world *w, struct proactor_socket *s, void *memory,
    size_t length)
{
	size_t bytes, done;

	for (done = 0; done < length; done += bytes) {
		CHECK_INT(recv_bytes(w, s, (char *)memory + done,
		    length - done, &bytes), 0);
		CHECK(bytes > 0 && bytes <= length - done);
	}
}

void
check_connected(struct world *w, struct proactor_socket *a,
    struct proactor_socket *b)
{
	char text[6];

	send_all(w, a, "there", 6);
	recv_all(w, b, text, 6);
	CHECK_STR(text, "there");
	send_all(w, b, "again", 6);
	recv_all(w, a, text, 6);
	CHECK_STR(text, "again");
}

void
cut_spans(struct proactor_span *spans, size_t count, char *memory,
    size_t length)
{
	size_t i, piece;

	for (i = 0; i < count; i++) {
		piece = i + 1 == count ? length : length / (count - i) + i;
		CHECK(piece <= length);
		spans[i] = proactor_span(memory, piece);
		memory += piece;
		length -= piece;
	}
}

bool
fd_is_silent(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 0) == 0;
}

size_t
fd_drain(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	static char memory[65536];
	size_t total = 0;
	ssize_t n;

	for (;;) {
		CHECK_INT(poll(&p, 1, 20000), 1);
		n = read(fd, memory, sizeof(memory));
		if (n == 0)
			return total;
		if (n == -1) {
			CHECK(errno == EAGAIN || errno == EINTR);
			continue;
		}
		total += (size_t)n;
	}
}

int
socket_fd(struct proactor_socket *s)
{
	struct proactor_handle handle = proactor_socket_handle(s);

	CHECK_INT(handle.type, PROACTOR_HANDLE_FD);
	return handle.u.fd;
}

unsigned int
socket_state(struct proactor_socket *s)
{
	unsigned int state;

	CHECK_INT(proactor_socket_query_state(s, &state), 0);
	return state;
}

void
small_buffer(struct proactor_socket *s, int bytes)
{
	CHECK_INT(setsockopt(socket_fd(s), SOL_SOCKET, SO_SNDBUF, &bytes,
	    sizeof(bytes)), 0);
}

int
client_open(const struct proactor_address *address,
    struct proactor_address *ret_local)
{
	const struct sockaddr *sa = (const void *)address->storage.bytes;
	struct sockaddr_storage local;
	socklen_t length = sizeof(local);
	int fd;

	fd = socket(sa->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CHECK(fd != -1);
	CHECK_INT(connect(fd, sa, address->length), 0);
	memset(&local, 0, sizeof(local));
	CHECK_INT(getsockname(fd, (struct sockaddr *)&local, &length), 0);
	if (ret_local != NULL && sa->sa_family != AF_UNIX)
		CHECK_INT(proactor_address_from_sockaddr(&local, length,
		    ret_local), 0);
	return fd;
}

void
limit_descriptors(struct rlimit *ret)
{
	struct rlimit limit;
	int fd;

	CHECK_INT(getrlimit(RLIMIT_NOFILE, ret), 0);
	limit = *ret;
	fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	CHECK(fd != -1);
	close(fd);
	/* The lowest that is free is the first that is refused. */
	limit.rlim_cur = (rlim_t)fd;
	CHECK_INT(setrlimit(RLIMIT_NOFILE, &limit), 0);
	CHECK_INT(open("/dev/null", O_RDONLY | O_CLOEXEC), -1);
	CHECK_INT(errno, EMFILE);
}

void
full_listener_open(struct full_listener *l, unsigned int kind)
{
	const struct sockaddr *sa = (const void *)l->address.storage.bytes;
	struct sockaddr_storage bound;
	socklen_t length = sizeof(bound);
	int type = SOCK_STREAM | SOCK_CLOEXEC;

	address_to_bind(kind, &l->address);
	l->listener = socket(sa->sa_family, type, 0);
	CHECK(l->listener != -1);
	CHECK_INT(bind(l->listener, sa, l->address.length), 0);
	CHECK_INT(listen(l->listener, 0), 0);
	CHECK_INT(getsockname(l->listener, (struct sockaddr *)&bound,
	    &length), 0);
	CHECK_INT(proactor_address_from_sockaddr(&bound, length,
	    &l->address), 0);
	l->first = socket(sa->sa_family, type, 0);
	CHECK(l->first != -1);
	CHECK_INT(connect(l->first, sa, l->address.length), 0);
}

void
full_listener_close(struct full_listener *l)
{
	close(l->first);
	close(l->listener);
}
