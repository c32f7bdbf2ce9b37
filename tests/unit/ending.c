/* SPDX-License-Identifier: ISC */
/*
 * What it takes to end very many operations on io_uring: as many requests and
 * looks as there are operations, not that many for each of them.
 */
#include "unit/ending.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tap/tap.h"

#undef io_uring_prep_cancel64
#undef proactor__ring_before

#define MANY	4000
#define OBJECTS	300
#define OTHERS	8		/* requests for what is the library's own */

/* The kernel's cancels by name and wholesale, looks at who is before. */
static size_t named, wholesale, looks;

/* So many cancels by name are to find nothing. */
static size_t misses;

void
ending_cancel(struct io_uring_sqe *sqe, uint64_t user_data, int flags)
{
	if (flags & IORING_ASYNC_CANCEL_ANY)
		wholesale++;
	else
		named++;
	if (misses != 0) {
		misses--;
		user_data = (uintptr_t)&misses;
	}
	io_uring_prep_cancel64(sqe, user_data, flags);
}

struct proactor_op *
ending_before(struct proactor_op *op)
{
	looks++;
	return proactor__ring_before(op);
}

struct many {
	struct proactor *p;
	size_t objects;
	struct proactor_socket *sockets[OBJECTS];
	struct proactor_file *files[OBJECTS];
	struct proactor_recv_op receives[MANY];
	struct proactor_file_write_op writes[OBJECTS];
	struct proactor_op *ops[MANY];
	char byte;
	size_t calls;
};

static void
called(void *user_data, struct proactor_op *op, int status, unsigned int flags)
{
	struct many *m = user_data;

	(void)op;
	(void)status;
	CHECK_INT(flags, 0);
	m->calls++;
}

static struct many *
many_open(void)
{
	struct many *m = calloc(1, sizeof(*m));
	struct proactor_options o;
	char reason[256] = "";

	CHECK(m != NULL);
	proactor_options_init(&o);
	o.backend = "io_uring";
	o.max_concurrent_operations = MANY;
	o.reason = reason;
	o.reason_size = sizeof(reason);
	if (proactor_create(&o, &m->p) != 0)
		SKIP("%s", reason);
	return m;
}

static void
many_sockets(struct many *m, size_t count)
{
	for (m->objects = 0; m->objects < count; m->objects++)
		CHECK_INT(proactor_socket_create(m->p, PROACTOR_SOCKET_UDP, 0,
		    &m->sockets[m->objects]), 0);
}

static void
many_free(struct many *m)
{
	size_t i;

	for (i = 0; i < OBJECTS; i++) {
		proactor_socket_release(m->sockets[i]);
		proactor_file_release(m->files[i]);
	}
	free(m);
}

/* Receives that wait, in chains of so many, and on one socket after another. */
static void
receive(struct many *m, size_t count, size_t chained)
{
	struct proactor_span span = proactor_span(&m->byte, 1);
	struct proactor_recv_op *r;
	size_t i;

	for (i = 0; i < count; i++) {
		r = &m->receives[i];
		proactor_recv_op_init(r, m->sockets[i % m->objects], &span, 1,
		    called, m);
		if (i % chained != chained - 1 && i != count - 1)
			r->base.flags = PROACTOR_OP_LINKED;
		m->ops[i] = &r->base;
	}
	CHECK_INT(proactor_submit(m->p, m->ops, count), 0);
	(void)proactor_poll(m->p, PROACTOR_IMMEDIATE, NULL);
	CHECK_INT(m->calls, 0);
	named = wholesale = looks = 0;
}

/*
 * How much it was.  A kernel that is slow to say something is asked for all
 * that is left: that may be, if not for each of them.
 */
static void
check_counts(size_t max_named, size_t max_looks)
{
	tap_diag("%zu by name, %zu wholesale, %zu looks", named, wholesale,
	    looks);
	CHECK(wholesale <= OTHERS);
	CHECK(named > 0);
	CHECK(named <= max_named + OTHERS);
	CHECK(looks <= max_looks);
}

static void
release_receives(size_t chained)
{
	struct many *m = many_open();

	many_sockets(m, 1);
	receive(m, MANY, chained);
	proactor_release(m->p);
	check_counts(MANY, 4 * MANY);
	CHECK_INT(m->calls, 0);
	many_free(m);
}

static void
release_alone(void)
{
	release_receives(1);
}

static void
release_fours(void)
{
	release_receives(4);
}

static void
release_chain(void)
{
	release_receives(MANY);
}

/*
 * A chain over objects that the proactor knows in this or in the other order,
 * which is the one that a release has.
 */
static void
release_over_sockets(bool backwards)
{
	struct proactor_span span;
	struct many *m = many_open();
	struct proactor_recv_op *r;
	size_t i;

	span = proactor_span(&m->byte, 1);
	many_sockets(m, OBJECTS);
	for (i = 0; i < OBJECTS; i++) {
		r = &m->receives[i];
		proactor_recv_op_init(r, m->sockets[backwards ?
		    OBJECTS - 1 - i : i], &span, 1, called, m);
		CHECK_INT(proactor_submit_one(m->p, &r->base), 0);
		CHECK_INT(proactor_cancel(m->p, &r->base), 0);
	}
	while (m->calls != OBJECTS)
		CHECK_INT(proactor_poll(m->p, PROACTOR_FOREVER, NULL), 0);
	m->calls = 0;
	receive(m, OBJECTS, OBJECTS);
	proactor_release(m->p);
	check_counts(OBJECTS, 4 * OBJECTS);
	many_free(m);
}

static void
release_forwards(void)
{
	release_over_sockets(false);
}

static void
release_backwards(void)
{
	release_over_sockets(true);
}

static void
cancel_backwards(void)
{
	struct many *m = many_open();
	size_t i;

	many_sockets(m, 1);
	receive(m, MANY, MANY);
	for (i = MANY; i-- > 0;)
		CHECK_INT(proactor_cancel(m->p, m->ops[i]), 0);
	while (m->calls != MANY)
		CHECK_INT(proactor_poll(m->p, PROACTOR_FOREVER, NULL), 0);
	check_counts(MANY, 8 * MANY);
	proactor_release(m->p);
	many_free(m);
}

/* One file, as many; the last one is known first. */
static void
many_files(struct many *m)
{
	FILE *stream = tmpfile();
	struct proactor_span span = proactor_span(&m->byte, 1);
	size_t i;
	int fd;

	CHECK(stream != NULL);
	for (i = OBJECTS; i-- > 0;) {
		fd = dup(fileno(stream));
		CHECK(fd != -1);
		CHECK_INT(proactor_file_import(m->p, proactor_handle_fd(fd),
		    &m->files[i]), 0);
		proactor_file_write_op_init(&m->writes[i], m->files[i], 0,
		    span, called, m);
		CHECK_INT(proactor_submit_one(m->p, &m->writes[i].base), 0);
	}
	CHECK_INT(fclose(stream), 0);
	while (m->calls != OBJECTS)
		CHECK_INT(proactor_poll(m->p, PROACTOR_FOREVER, NULL), 0);
	m->calls = 0;
}

/* A socket that takes no more. */
static void
full_socket(struct many *m, int *ret_peer)
{
	static const char bytes[4096];
	int fds[2];

	CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	while (send(fds[0], bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
		continue;
	CHECK_INT(proactor_socket_import(m->p, proactor_handle_fd(fds[0]),
	    PROACTOR_SOCKET_UNIX_STREAM, 0, &m->sockets[0]), 0);
	*ret_peer = fds[1];
}

/* Which of these steps the kernel has begun it does not tell. */
static void
release_steps(void)
{
	struct proactor_sequence_op sequence;
	struct proactor_send_op send_op;
	struct proactor_span span;
	struct many *m = many_open();
	size_t i;
	int peer;

	span = proactor_span(&m->byte, 1);
	many_files(m);
	full_socket(m, &peer);
	proactor_send_op_init(&send_op, m->sockets[0], &span, 1, 0, NULL,
	    NULL);
	m->ops[0] = &send_op.base;
	for (i = 0; i < OBJECTS; i++) {
		proactor_file_write_op_init(&m->writes[i], m->files[i], 0,
		    span, NULL, NULL);
		m->ops[i + 1] = &m->writes[i].base;
	}
	proactor_sequence_op_init(&sequence, m->ops, OBJECTS + 1, NULL,
	    called, m);
	CHECK_INT(proactor_submit_one(m->p, &sequence.base), 0);
	(void)proactor_poll(m->p, PROACTOR_IMMEDIATE, NULL);
	named = wholesale = looks = 0;
	proactor_release(m->p);
	check_counts(2 * (OBJECTS + 1), 8 * OBJECTS);
	CHECK_INT(m->calls, 0);
	CHECK_INT(close(peer), 0);
	many_free(m);
}

static void
set_status(void *user_data, struct proactor_op *op, int status,
    unsigned int flags)
{
	(void)op;
	CHECK_INT(flags, 0);
	*(int *)user_data = status;
}

/* A socket, the second, that the proactor knows before any other. */
static void
known_socket(struct many *m)
{
	struct proactor_span span = proactor_span(&m->byte, 1);
	struct proactor_recv_op *r = &m->receives[0];

	many_sockets(m, 2);
	proactor_recv_op_init(r, m->sockets[1], &span, 1, called, m);
	CHECK_INT(proactor_submit_one(m->p, &r->base), 0);
	CHECK_INT(proactor_cancel(m->p, &r->base), 0);
	while (m->calls != 1)
		CHECK_INT(proactor_poll(m->p, PROACTOR_FOREVER, NULL), 0);
	proactor_socket_release(m->sockets[0]);
}

/*
 * A receive comes after a step that the kernel is silent of, and is listed
 * before it.  The kernel has found neither, and is asked for both again.
 */
static void
cancel_in_vain(void)
{
	struct proactor_sequence_op sequence;
	struct proactor_send_op send_op;
	struct proactor_span span;
	struct many *m = many_open();
	struct proactor_recv_op *r = &m->receives[0];
	int last = 1, peer, status = 1;
	char bytes[4096];

	span = proactor_span(&m->byte, 1);
	known_socket(m);
	full_socket(m, &peer);
	proactor_send_op_init(&send_op, m->sockets[0], &span, 1, 0, NULL,
	    NULL);
	m->ops[0] = &send_op.base;
	proactor_recv_op_init(r, m->sockets[1], &span, 1, set_status, &last);
	m->ops[1] = &r->base;
	proactor_sequence_op_init(&sequence, m->ops, 2, NULL, set_status,
	    &status);
	CHECK_INT(proactor_submit_one(m->p, &sequence.base), 0);
	(void)proactor_poll(m->p, PROACTOR_IMMEDIATE, NULL);

	misses = 2;
	CHECK_INT(proactor_cancel(m->p, &r->base), 0);
	CHECK_INT(misses, 0);
	/* One to hear of it, one to ask. */
	(void)proactor_poll(m->p, PROACTOR_IMMEDIATE, NULL);
	(void)proactor_poll(m->p, PROACTOR_IMMEDIATE, NULL);
	while (recv(peer, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
		continue;
	while (status == 1)
		CHECK_INT(proactor_poll(m->p, PROACTOR_FOREVER, NULL), 0);
	CHECK_INT(last, PROACTOR_ECANCELED);
	CHECK_INT(status, PROACTOR_ECANCELED);
	proactor_release(m->p);
	CHECK_INT(close(peer), 0);
	many_free(m);
}

static const struct tap_case cases[] = {
	{ "ending: a release asks for each of thousands once", release_alone },
	{ "ending: a release, of chains of four", release_fours },
	{ "ending: a release, of one long chain", release_chain },
	{ "ending: a release, of a chain over sockets, the first known first",
	    release_forwards },
	{ "ending: a release, of a chain over sockets, the last known first",
	    release_backwards },
	{ "ending: a release, of steps without callbacks, the last known first",
	    release_steps },
	{ "ending: a chain that is cancelled from its end on",
	    cancel_backwards },
	{ "ending: a cancel that the kernel could not find is asked again",
	    cancel_in_vain },
	{ NULL, NULL }
};

int
main(void)
{
	return tap_run(cases);
}
