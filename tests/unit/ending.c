/* SPDX-License-Identifier: ISC */
/*
 * What it takes to end very many operations on io_uring: as many requests and
 * looks as there are operations, not that many for each of them.
 */
#include "unit/ending.h"

#include <fcntl.h>
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

void
ending_cancel(struct io_uring_sqe *sqe, uint64_t user_data, int flags)
{
	if (flags & IORING_ASYNC_CANCEL_ANY)
		wholesale++;
	else
		named++;
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

static const struct tap_case cases[] = {
	{ "ending: a release asks for each of thousands once", release_alone },
	{ "ending: ... that are in chains of four", release_fours },
	{ "ending: ... that are one chain", release_chain },
	{ NULL, NULL }
};

int
main(void)
{
	return tap_run(cases);
}
