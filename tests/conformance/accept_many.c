/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <stdlib.h>
#include <unistd.h>

#include "conformance/transfer.h"

/* Accepting, one operation for all connections. */

#define MANY	100

/* Takes every connection, with the address it was told then. */
struct door {
	struct world *w;
	struct proactor_accept_op op;
	struct proactor_socket *listener;
	struct proactor_address address;
	struct proactor_socket *sockets[MANY];
	struct proactor_address peers[MANY];
	size_t taken;
	size_t errors;
	size_t finals;
	size_t calls;
	int status;		/* of the last */
	int error;		/* the last that was not final */
	void (*then)(struct door *);
};

static void
door_called(void *user_data, struct proactor_op *op, int status,
    unsigned int flags)
{
	struct door *door = user_data;

	CHECK(op == &door->op.base);
	CHECK_INT(flags & ~PROACTOR_COMPLETION_MORE, 0);
	CHECK_INT(door->finals, 0);
	door->calls++;
	door->status = status;
	if (status == 0) {
		CHECK(door->op.accepted != NULL);
		CHECK(door->taken < MANY);
		door->peers[door->taken] = door->op.peer;
		door->sockets[door->taken++] = door->op.accepted;
	} else {
		CHECK(door->op.accepted == NULL);
		if (flags & PROACTOR_COMPLETION_MORE) {
			door->errors++;
			door->error = status;
		}
	}
	if ((flags & PROACTOR_COMPLETION_MORE) == 0)
		door->finals++;
	else if (door->then != NULL)
		door->then(door);
}

static struct door *
door_make(struct world *w, unsigned int kind)
{
	struct door *door = calloc(1, sizeof(*door));

	CHECK(door != NULL);
	door->w = w;
	door->listener = listener_open(w, kind, 0, &door->address);
	proactor_accept_op_init(&door->op, door->listener, door_called, door);
	door->op.base.flags = PROACTOR_OP_MULTISHOT;
	return door;
}

static struct door *
door_open(struct world *w, unsigned int kind)
{
	struct door *door = door_make(w, kind);

	CHECK_INT(proactor_submit_one(w->p, &door->op.base), 0);
	return door;
}

/* The accept is over. */
static void
door_close(struct door *door)
{
	size_t i;

	for (i = 0; i < door->taken; i++)
		CHECK_INT(close_socket(door->w, door->sockets[i]), 0);
	if (door->listener != NULL)
		CHECK_INT(close_socket(door->w, door->listener), 0);
	CHECK_INT(door->finals, 1);
	free(door);
}

/* All clients are there before the first callback: a batch of completions. */
static void
take_all(struct world *w, unsigned int kind)
{
	struct proactor_address client[MANY];
	unsigned char number, taken[MANY] = {0};
	struct door *door;
	int fds[MANY], i;

	door = door_open(w, kind);
	poll_barrier(w);
	for (i = 0; i < MANY; i++) {
		fds[i] = client_open(&door->address, &client[i]);
		number = (unsigned char)i;
		fd_write_all(fds[i], &number, 1);
	}
	CHECK(poll_until(w, &door->taken, MANY));
	CHECK_INT(door->calls, MANY);
	CHECK_INT(door->finals, 0);
	for (i = 0; i < MANY; i++) {
		recv_all(w, door->sockets[i], &number, 1);
		CHECK(number < MANY);
		CHECK_INT(taken[number]++, 0);
		if (kind != PROACTOR_SOCKET_UNIX_STREAM)
			CHECK(proactor_address_equal(&door->peers[i],
			    &client[number]));
		close(fds[i]);
	}
	CHECK_INT(proactor_cancel(w->p, &door->op.base), 0);
	CHECK(poll_until(w, &door->finals, 1));
	CHECK_INT(door->status, PROACTOR_ECANCELED);
	door_close(door);
}

static void
one_callback_each(void)
{
	each_stream(take_all);
}

static void
small_ring(void)
{
	struct proactor_options o;
	struct world w;

	world_options(&o);
	o.max_concurrent_operations = 8;
	world_open(&w, &o);
	take_all(&w, PROACTOR_SOCKET_TCP);
	world_close(&w);
}

static void
cancel_door(struct world *w, unsigned int kind)
{
	struct proactor_socket *s;
	struct door *door;
	size_t before;
	int fds[2];

	door = door_open(w, kind);
	fds[0] = client_open(&door->address, NULL);
	CHECK(poll_until(w, &door->taken, 1));
	poll_barrier(w);
	CHECK_INT(proactor_cancel(w->p, &door->op.base), 0);
	CHECK(poll_until(w, &door->finals, 1));
	CHECK_INT(door->status, PROACTOR_ECANCELED);
	CHECK_INT(proactor_cancel(w->p, &door->op.base), PROACTOR_ENOENT);
	before = open_fds();
	/* Who comes now waits for the next one to accept. */
	fds[1] = client_open(&door->address, NULL);
	fd_write_all(fds[1], "x", 1);
	poll_barrier(w);
	CHECK_INT(open_fds(), before + 1);
	CHECK_INT(accept_socket(w, door->listener, &s), 0);
	CHECK_INT(close_socket(w, s), 0);
	door_close(door);
	close(fds[0]);
	close(fds[1]);
}

static void
cancelled(void)
{
	each_stream(cancel_door);
}

static void
cancel_now(struct door *door)
{
	CHECK_INT(proactor_cancel(door->w->p, &door->op.base), 0);
}

/* Connections that were there already must not come with MORE any more. */
static void
cancelled_inside(void)
{
	struct door *door;
	struct world w;
	size_t before;
	int fds[10], i;

	world_open(&w, NULL);
	door = door_open(&w, PROACTOR_SOCKET_TCP);
	door->then = cancel_now;
	poll_barrier(&w);
	before = open_fds();
	for (i = 0; i < 10; i++)
		fds[i] = client_open(&door->address, NULL);
	CHECK(poll_until(&w, &door->finals, 1));
	CHECK(door->calls <= 2);
	CHECK(door->status == PROACTOR_ECANCELED || door->status == 0);
	poll_barrier(&w);
	/* What was taken and not handed out is closed. */
	CHECK_INT(open_fds(), before + 10 + door->taken);
	for (i = 0; i < 10; i++)
		close(fds[i]);
	door_close(door);
	world_close(&w);
}

static void
cancelled_before_poll(void)
{
	struct door *door;
	struct world w;

	world_open(&w, NULL);
	door = door_open(&w, PROACTOR_SOCKET_TCP);
	CHECK_INT(proactor_cancel(w.p, &door->op.base), 0);
	CHECK(poll_until(&w, &door->finals, 1));
	CHECK_INT(door->status, PROACTOR_ECANCELED);
	CHECK_INT(door->calls, 1);
	door_close(door);
	world_close(&w);
}

static void
close_under(struct world *w, unsigned int kind, unsigned int flags)
{
	struct proactor_socket_close_op close_op;
	struct proactor_address address;
	struct proactor_socket *listener;
	struct proactor_accept_op op;

	listener = listener_open(w, kind, 0, &address);
	proactor_accept_op_init(&op, listener, record, &w->r);
	op.base.flags = flags;
	CHECK_INT(proactor_submit_one(w->p, &op.base), 0);
	poll_barrier(w);
	proactor_socket_close_op_init(&close_op, listener, record, &w->r);
	CHECK_INT(proactor_submit_one(w->p, &close_op.base), 0);
	CHECK(poll_finals(w, &close_op, 1));
	CHECK_INT(status_of(&w->r, &close_op), 0);
	CHECK_INT(w->r.calls, 2);
	CHECK_INT(place_of(&w->r, &op), 0);
	CHECK_INT(status_of(&w->r, &op), PROACTOR_ECANCELED);
	CHECK_INT(w->r.seen[0].flags, 0);
	CHECK(op.accepted == NULL);
	recorder_clear(&w->r);
}

static void
close_under_both(struct world *w, unsigned int kind)
{
	close_under(w, kind, 0);
	close_under(w, kind, PROACTOR_OP_MULTISHOT);
}

static void
listener_closed(void)
{
	each_stream(close_under_both);
}

static void
close_now(struct door *door)
{
	static struct proactor_socket_close_op op;

	door->then = NULL;
	proactor_socket_close_op_init(&op, door->listener, record,
	    &door->w->r);
	CHECK_INT(proactor_submit_one(door->w->p, &op.base), 0);
	door->listener = NULL;
}

static void
listener_closed_inside(void)
{
	struct door *door;
	struct world w;
	int fd;

	world_open(&w, NULL);
	door = door_open(&w, PROACTOR_SOCKET_TCP);
	door->then = close_now;
	fd = client_open(&door->address, NULL);
	CHECK(poll_until(&w, &w.r.finals, 1));
	CHECK_INT(w.r.seen[0].status, 0);
	CHECK_INT(door->finals, 1);
	CHECK_INT(door->status, PROACTOR_ECANCELED);
	CHECK_INT(door->taken, 1);
	door_close(door);
	close(fd);
	world_close(&w);
}

static void
multishot_without_descriptors(void)
{
	struct rlimit limit;
	struct door *door;
	struct world w;
	int64_t end;
	int fd;

	world_open(&w, NULL);
	poll_barrier(&w);
	door = door_make(&w, PROACTOR_SOCKET_TCP);
	fd = client_open(&door->address, NULL);
	/* Linux looks at the limit when the accept is started. */
	limit_descriptors(&limit);
	CHECK_INT(proactor_submit_one(w.p, &door->op.base), 0);
	CHECK(poll_until(&w, &door->calls, 1));
	CHECK_INT(door->errors, 1);
	CHECK_INT(door->error, PROACTOR_EMFILE);
	CHECK_INT(door->finals, 0);
	/* It goes on without a storm of callbacks. */
	end = proactor_deadline_after(INT64_C(100000000));
	while (proactor_now() < end)
		proactor_poll(w.p, end, NULL);
	CHECK(door->errors < 200);
	CHECK_INT(door->finals, 0);
	CHECK_INT(setrlimit(RLIMIT_NOFILE, &limit), 0);
	CHECK(poll_until(&w, &door->taken, 1));
	CHECK_INT(proactor_cancel(w.p, &door->op.base), 0);
	CHECK(poll_until(&w, &door->finals, 1));
	CHECK_INT(door->status, PROACTOR_ECANCELED);
	door_close(door);
	close(fd);
	world_close(&w);
}

const struct tap_case accept_many_cases[] = {
	{ "accept: multishot has one callback, socket and peer for each",
	    one_callback_each },
	{ "accept: multishot takes more than a small ring holds",
	    small_ring },
	{ "accept: cancel ends multishot, and the backlog is the next's",
	    cancelled },
	{ "accept: after cancel in the callback no MORE comes, nothing "
	    "leaks", cancelled_inside },
	{ "accept: multishot can be cancelled before the first poll",
	    cancelled_before_poll },
	{ "accept: closing the listener ends what accepts, then itself",
	    listener_closed },
	{ "accept: the callback may close the listener",
	    listener_closed_inside },
	{ "accept: multishot survives EMFILE and goes on",
	    multishot_without_descriptors },
	{ NULL, NULL }
};
