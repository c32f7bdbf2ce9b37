/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "conformance/argument.h"

/* Operations of every kind, cancelled at every moment. */

struct attempt {
	struct world w;
	struct zoo *z;
	struct proactor_op *op;
	struct proactor_nop_op nop;
	struct proactor_timer_op head;
	int status;		/* what cancel said */
};

/* Submits it, and cancels it at its moment. */
typedef void (*moment)(struct attempt *);

/* Those that nothing but a cancel ends here. */
static bool
waits(const struct proactor_op *op)
{
	switch (op->type) {
	case PROACTOR_OP_TIMER:
	case PROACTOR_OP_EVENT_WAIT:
	case PROACTOR_OP_HANDLE_POLL:
	case PROACTOR_OP_ACCEPT:
	case PROACTOR_OP_RECV:
	case PROACTOR_OP_RECVFROM:
		return true;
	default:
		return false;
	}
}

/* A close takes the zoo's reference; it gets another one. */
static void
keep_closed(struct attempt *a)
{
	if (a->op == &a->z->socket_close.base)
		proactor_socket_retain(a->z->stream);
	if (a->op == &a->z->file_close.base)
		proactor_file_retain(a->z->file);
}

static void
submit(struct attempt *a)
{
	CHECK_INT(proactor_submit_one(a->w.p, a->op), 0);
}

static void
cancel(struct attempt *a)
{
	a->status = proactor_cancel(a->w.p, a->op);
	CHECK_INT(a->status, finals_of(&a->w.r, a->op) == 0 ? 0 :
	    PROACTOR_ENOENT);
}

static void
before_any_poll(struct attempt *a)
{
	submit(a);
	cancel(a);
}

static void
right_after(struct attempt *a)
{
	poll_barrier(&a->w);
	submit(a);
	cancel(a);
}

static void
flushed(struct attempt *a)
{
	poll_barrier(&a->w);
	submit(a);
	CHECK_INT(proactor_flush(a->w.p), 0);
	cancel(a);
}

static void
begun(struct attempt *a)
{
	poll_barrier(&a->w);
	submit(a);
	poll_barrier(&a->w);
	cancel(a);
}

static void
twice(struct attempt *a)
{
	right_after(a);
	cancel(a);
}

static void *
cancel_there(void *argument)
{
	cancel(argument);
	return NULL;
}

static void
by_a_thread(struct attempt *a)
{
	pthread_t thread;

	poll_barrier(&a->w);
	submit(a);
	CHECK_INT(proactor_flush(a->w.p), 0);
	thread_start(&thread, cancel_there, a);
	thread_join(thread);
}

static void
cancel_here(void *user_data, struct proactor_op *op, int status,
    unsigned int flags)
{
	(void)op;
	(void)status;
	(void)flags;
	cancel(user_data);
}

static void
in_a_callback(struct attempt *a)
{
	struct proactor_op *ops[] = { &a->nop.base, a->op };

	poll_barrier(&a->w);
	proactor_nop_op_init(&a->nop, cancel_here, a);
	CHECK_INT(proactor_submit(a->w.p, ops, COUNT(ops)), 0);
}

/* Its own is the last one: there is nothing to cancel any more. */
static void
cancel_itself(void *user_data, struct proactor_op *op, int status,
    unsigned int flags)
{
	struct attempt *a = user_data;

	record(&a->w.r, op, status, flags);
	CHECK_INT(flags & PROACTOR_COMPLETION_MORE, 0);
	CHECK_INT(proactor_cancel(a->w.p, op), PROACTOR_ENOENT);
}

static void
in_its_callback(struct attempt *a)
{
	a->op->callback = cancel_itself;
	a->op->user_data = a;
	right_after(a);
}

/* Behind one that does not end: it has not begun, and never does. */
static void
in_a_chain(struct attempt *a)
{
	struct proactor_op *ops[] = { &a->head.base, a->op };

	if (a->op->flags & PROACTOR_OP_MULTISHOT) {
		right_after(a);		/* no member of chains */
		return;
	}
	poll_barrier(&a->w);
	proactor_timer_op_init(&a->head, PROACTOR_FOREVER, record, &a->w.r);
	a->head.base.flags = PROACTOR_OP_LINKED;
	CHECK_INT(proactor_submit(a->w.p, ops, COUNT(ops)), 0);
	poll_barrier(&a->w);
	cancel(a);
	CHECK_INT(a->status, 0);
	CHECK_INT(proactor_cancel(a->w.p, &a->head.base), 0);
	CHECK(poll_finals(&a->w, a->op, 1));
	CHECK_INT(status_of(&a->w.r, a->op), PROACTOR_ECANCELED);
	CHECK(poll_finals(&a->w, &a->head, 1));
}

static void
check_end(struct attempt *a)
{
	int status = status_of(&a->w.r, a->op);
	size_t calls = calls_of(&a->w.r, a->op);

	if (status != PROACTOR_ECANCELED && (waits(a->op) || status != 0))
		FAIL("%s: %s", proactor_op_name(a->op->type),
		    proactor_errname(status));
	CHECK_INT(finals_of(&a->w.r, a->op), 1);
	poll_barrier(&a->w);
	CHECK_INT(calls_of(&a->w.r, a->op), calls);
	CHECK_INT(proactor_cancel(a->w.p, a->op), PROACTOR_ENOENT);
	if (a->op == &a->z->file_open.base && status == 0)
		proactor_file_release(a->z->file_open.file);
	/* A close that was cancelled gives its reference back. */
	if (a->op == &a->z->socket_close.base && status != 0)
		proactor_socket_release(a->z->stream);
	if (a->op == &a->z->file_close.base && status != 0)
		proactor_file_release(a->z->file);
}

/* Kind i of the zoo, then those of them that can be multishot. */
static bool
choose(struct attempt *a, size_t i)
{
	if (i < COUNT(a->z->ops)) {
		a->op = a->z->ops[i];
		return true;
	}
	switch (i - COUNT(a->z->ops)) {
	case 0:
		a->op = &a->z->accept.base;
		break;
	case 1:
		a->op = &a->z->recv.base;
		break;
	default:
		return false;
	}
	a->op->flags = PROACTOR_OP_MULTISHOT;
	return true;
}

static void
each_kind(moment m)
{
	struct attempt a = {0};
	size_t before = open_fds(), i;
	bool more;

	for (i = 0, more = true; more; i++) {
		world_open(&a.w, NULL);
		a.z = zoo_open(&a.w);
		a.z->timer.deadline = PROACTOR_FOREVER;
		more = choose(&a, i);
		if (more) {
			keep_closed(&a);
			m(&a);
			CHECK(poll_finals(&a.w, a.op, 1));
			check_end(&a);
		}
		zoo_close(a.z);
		world_close(&a.w);
		CHECK_INT(open_fds(), before);
	}
}

#define MOMENT(name)							\
static void								\
name##_each(void)							\
{									\
	each_kind(name);						\
}

MOMENT(before_any_poll)
MOMENT(right_after)
MOMENT(flushed)
MOMENT(begun)
MOMENT(twice)
MOMENT(by_a_thread)
MOMENT(in_a_callback)
MOMENT(in_its_callback)
MOMENT(in_a_chain)

const struct tap_case cancel_kinds_cases[] = {
	{ "cancel each kind: before any poll", before_any_poll_each },
	{ "cancel each kind: right after its submission", right_after_each },
	{ "cancel each kind: when the system has it", flushed_each },
	{ "cancel each kind: when it has begun", begun_each },
	{ "cancel each kind: twice", twice_each },
	{ "cancel each kind: by another thread", by_a_thread_each },
	{ "cancel each kind: in a callback just before its own",
	    in_a_callback_each },
	{ "cancel each kind: in its own callback it is ENOENT",
	    in_its_callback_each },
	{ "cancel each kind: as a member of a chain that has not begun",
	    in_a_chain_each },
	{ NULL, NULL }
};
