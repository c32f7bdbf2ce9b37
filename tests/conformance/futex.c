/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <unistd.h>

#include "conformance/conformance.h"

/* Futex operations, and threads in plain futex system calls. */

#define U32		PROACTOR_FUTEX_32
#define U32P		(PROACTOR_FUTEX_32 | PROACTOR_FUTEX_PRIVATE)

static bool
have_futexes(struct world *w)
{
	return (proactor_query_capabilities(w->p) &
	    PROACTOR_CAP_FUTEX_OPERATIONS) != 0;
}

static void
open_or_skip(struct world *w)
{
	world_open(w, NULL);
	if (!have_futexes(w)) {
		world_close(w);
		SKIP("no futex operations here");
	}
}

/* Where the capability is missing, and what is never good. */
static void
refused(void)
{
	struct proactor_futex_wait_op wait;
	struct proactor_futex_wake_op wake;
	static _Alignas(8) uint64_t word;
	struct world w;
	int good;

	world_open(&w, NULL);
	good = have_futexes(&w) ? 0 : PROACTOR_ENOTSUP;
#define WAIT(address, expected, flags, status)				\
	proactor_futex_wait_op_init(&wait, (address), (expected),	\
	    (flags), record, &w.r);					\
	CHECK_INT(run_one(&w, &wait.base), (status))
#define WAKE(address, count, flags, status)				\
	proactor_futex_wake_op_init(&wake, (address), (count), (flags),	\
	    record, &w.r);						\
	CHECK_INT(run_one(&w, &wake.base), (status))
	WAIT(&word, 1, U32, good);
	WAKE(&word, 1, U32, good);
	WAIT(NULL, 1, U32, PROACTOR_EINVAL);
	WAKE(NULL, 1, U32, PROACTOR_EINVAL);
	WAIT((char *)&word + 2, 1, U32, PROACTOR_EINVAL);
	WAKE((char *)&word + 1, 1, U32, PROACTOR_EINVAL);
	WAIT(&word, 1, 0, PROACTOR_EINVAL);
	WAIT(&word, 1, PROACTOR_FUTEX_PRIVATE, PROACTOR_EINVAL);
	WAIT(&word, 1, PROACTOR_FUTEX_8 | U32, PROACTOR_EINVAL);
	WAIT(&word, 1, 0x20 | U32, PROACTOR_EINVAL);
	WAKE(&word, 1, 0x20 | U32, PROACTOR_EINVAL);
	WAIT(&word, UINT64_C(1) << 32, U32, PROACTOR_EINVAL);
	WAIT(&word, 256, PROACTOR_FUTEX_8, PROACTOR_EINVAL);
	WAKE(&word, 0, U32, PROACTOR_EINVAL);
	WAKE(&word, -1, U32, PROACTOR_EINVAL);
	wait.base.flags = PROACTOR_OP_MULTISHOT;
	CHECK_INT(proactor_submit_one(w.p, &wait.base), PROACTOR_EINVAL);
	proactor_futex_wait_op_init(NULL, &word, 0, U32, record, NULL);
	proactor_futex_wake_op_init(NULL, &word, 1, U32, record, NULL);
	CHECK_STR(proactor_op_name(PROACTOR_OP_FUTEX_WAIT), "futex wait");
	CHECK_STR(proactor_op_name(PROACTOR_OP_FUTEX_WAKE), "futex wake");
	world_close(&w);
}

/* Each size is refused as a whole or works. */
static void
sizes(void)
{
	static const unsigned int flags[] = { PROACTOR_FUTEX_8,
		PROACTOR_FUTEX_16, PROACTOR_FUTEX_32, PROACTOR_FUTEX_64 };
	struct proactor_futex_wait_op wait;
	struct proactor_futex_wake_op wake;
	static _Alignas(8) uint64_t word;
	struct world w;
	size_t i, finals;
	int status;

	open_or_skip(&w);
	for (i = 0; i < COUNT(flags); i++) {
		proactor_futex_wait_op_init(&wait, &word, 0, flags[i],
		    record, &w.r);
		proactor_futex_wake_op_init(&wake, &word, 1, flags[i],
		    record, &w.r);
		finals = w.r.finals;
		status = proactor_submit_one(w.p, &wait.base);
		if (status == PROACTOR_ENOTSUP && flags[i] != U32) {
			CHECK_INT(proactor_submit_one(w.p, &wake.base),
			    PROACTOR_ENOTSUP);
			continue;
		}
		CHECK_INT(status, 0);
		CHECK(poll_quiet(&w));
		CHECK_INT(run_one(&w, &wake.base), 0);
		CHECK_INT(wake.woken, 1);
		CHECK(poll_until(&w, &w.r.finals, finals + 2));
		CHECK_INT(status_of(&w.r, &wait), 0);
	}
	world_close(&w);
}

static void
differs_already(void)
{
	struct proactor_futex_wait_op wait;
	static uint32_t word = 7;
	struct world w;
	int i;

	open_or_skip(&w);
	for (i = 0; i < 10; i++) {
		proactor_futex_wait_op_init(&wait, &word, 8, i % 2 ? U32 :
		    U32P, record, &w.r);
		CHECK_INT(run_one(&w, &wait.base), 0);
	}
	/* No such memory: 0 is never mapped, nor are its neighbours. */
	proactor_futex_wait_op_init(&wait, (void *)8, 0, U32, record, &w.r);
	CHECK_INT(run_one(&w, &wait.base), PROACTOR_EFAULT);
	world_close(&w);
}

static void
wakes_count(void)
{
	struct proactor_futex_wait_op waits[6];
	struct proactor_futex_wake_op wake;
	static uint32_t word, other;
	struct world w;
	unsigned int flags;
	size_t i;
	int private;

	for (private = 0; private < 2; private++) {
		open_or_skip(&w);
		flags = private ? U32P : U32;
		for (i = 0; i < COUNT(waits); i++) {
			proactor_futex_wait_op_init(&waits[i], &word, 0,
			    flags, record, &w.r);
			CHECK_INT(proactor_submit_one(w.p, &waits[i].base),
			    0);
		}
		CHECK(poll_quiet(&w));
		proactor_futex_wake_op_init(&wake, &other, INT32_MAX, flags,
		    record, &w.r);
		CHECK_INT(run_one(&w, &wake.base), 0);
		CHECK_INT(wake.woken, 0);
		proactor_futex_wake_op_init(&wake, &word, 2, flags, record,
		    &w.r);
		CHECK_INT(run_one(&w, &wake.base), 0);
		CHECK_INT(wake.woken, 2);
		CHECK(poll_until(&w, &w.r.finals, 4));
		CHECK(poll_quiet(&w));
		wake.count = INT32_MAX;
		CHECK_INT(run_one(&w, &wake.base), 0);
		CHECK_INT(wake.woken, 4);
		CHECK(poll_until(&w, &w.r.finals, 9));
		for (i = 0; i < COUNT(waits); i++)
			CHECK_INT(status_of(&w.r, &waits[i]), 0);
		world_close(&w);
	}
}

static void
cancelled(void)
{
	struct proactor_futex_wait_op waits[2];
	struct proactor_futex_wake_op wake;
	static uint32_t word;
	struct world w;
	int i;

	open_or_skip(&w);
	for (i = 0; i < 2; i++) {
		proactor_futex_wait_op_init(&waits[i], &word, 0, U32P,
		    record, &w.r);
		CHECK_INT(proactor_submit_one(w.p, &waits[i].base), 0);
	}
	CHECK(poll_quiet(&w));
	CHECK_INT(proactor_cancel(w.p, &waits[0].base), 0);
	CHECK(poll_until(&w, &w.r.finals, 1));
	CHECK_INT(status_of(&w.r, &waits[0]), PROACTOR_ECANCELED);
	proactor_futex_wake_op_init(&wake, &word, 1, U32P, record, &w.r);
	CHECK_INT(run_one(&w, &wake.base), 0);
	CHECK_INT(wake.woken, 1);
	CHECK(poll_finals(&w, &waits[1], 1));
	/* At once, before the kernel has seen it. */
	CHECK_INT(proactor_submit_one(w.p, &waits[0].base), 0);
	CHECK_INT(proactor_cancel(w.p, &waits[0].base), 0);
	CHECK(poll_finals(&w, &waits[0], 2));
	CHECK_INT(status_of(&w.r, &waits[0]), PROACTOR_ECANCELED);
	world_close(&w);
}

static void
ended_in_flight(void)
{
	struct proactor_futex_wait_op waits[2];
	static uint32_t word;
	struct world w;
	int how, i;

	for (how = 0; how < 4; how++) {
		open_or_skip(&w);
		for (i = 0; i < 2; i++) {
			proactor_futex_wait_op_init(&waits[i], &word, 0,
			    i ? U32P : U32, record, &w.r);
			CHECK_INT(proactor_submit_one(w.p, &waits[i].base),
			    0);
		}
		if (how & 1)
			CHECK(poll_quiet(&w));
		if (how & 2)
			CHECK_INT(proactor_shutdown(w.p, patience()), 0);
		CHECK_INT(w.r.finals, how & 2 ? 2 : 0);
		proactor_release(w.p);
		recorder_clear(&w.r);
	}
}

/* --- chains --- */

/* The head's word differs, or comes to differ: the rest goes on. */
static void
head_differs(void)
{
	struct proactor_futex_wait_op head;
	struct proactor_futex_wake_op middle;
	struct proactor_send_op send;
	struct proactor_nop_op last;
	struct proactor_op *ops[] = { &head.base, &middle.base, &send.base,
		&last.base };
	struct proactor_socket *s;
	struct proactor_span span;
	static uint32_t word;
	struct world w;
	char byte;
	size_t i, n;
	int fd, private;

	for (private = 0; private < 2; private++)
		for (n = 3; n <= 4; n++) {
			open_or_skip(&w);
			s = half_pair(&w, PROACTOR_SOCKET_UNIX_STREAM, 0,
			    &fd);
			word = 5;
			proactor_futex_wait_op_init(&head, &word, 4,
			    private ? U32P : U32, record, &w.r);
			proactor_futex_wake_op_init(&middle, &word, 1,
			    private ? U32P : U32, record, &w.r);
			span = proactor_span("x", 1);
			proactor_send_op_init(&send, s, &span, 1, 0, record,
			    &w.r);
			proactor_nop_op_init(&last, record, &w.r);
			for (i = 0; i + 1 < n; i++)
				ops[i]->flags = PROACTOR_OP_LINKED;
			CHECK_INT(proactor_submit(w.p, ops, n), 0);
			CHECK(poll_until(&w, &w.r.finals, n));
			for (i = 0; i < n; i++) {
				CHECK(w.r.seen[i].op == ops[i]);
				CHECK_INT(w.r.seen[i].status, 0);
			}
			fd_read_all(fd, &byte, 1);
			CHECK_INT(close_socket(&w, s), 0);
			CHECK_INT(close(fd), 0);
			world_close(&w);
		}
}

/* ... and so it is in the middle, and at the end. */
static void
wait_in_a_chain(void)
{
	struct proactor_futex_wait_op waits[3];
	struct proactor_futex_wake_op wake;
	struct proactor_op *ops[3];
	static uint32_t words[3];
	struct world w;
	size_t i;

	open_or_skip(&w);
	for (i = 0; i < 3; i++) {
		proactor_futex_wait_op_init(&waits[i], &words[i], 0, U32,
		    record, &w.r);
		waits[i].base.flags = i < 2 ? PROACTOR_OP_LINKED : 0;
		ops[i] = &waits[i].base;
	}
	words[1] = 1;
	CHECK_INT(proactor_submit(w.p, ops, 3), 0);
	CHECK(poll_quiet(&w));
	proactor_futex_wake_op_init(&wake, &words[0], 1, U32, record, &w.r);
	CHECK_INT(run_one(&w, &wake.base), 0);
	CHECK(poll_finals(&w, &waits[1], 1));
	CHECK(poll_quiet(&w));
	CHECK_INT(finals_of(&w.r, &waits[2]), 0);
	wake.address = &words[2];
	do
		CHECK_INT(run_one(&w, &wake.base), 0);
	while (wake.woken == 0);
	CHECK(poll_finals(&w, &waits[2], 1));
	for (i = 0; i < 3; i++)
		CHECK_INT(status_of(&w.r, &waits[i]), 0);
	world_close(&w);
}

/* A wait that is cancelled lets nothing go on behind it. */
static void
cancelled_head(void)
{
	struct proactor_futex_wait_op head;
	struct proactor_send_op send;
	struct proactor_op *ops[] = { &head.base, &send.base };
	struct proactor_socket *s;
	struct proactor_span span;
	static uint32_t word;
	struct world w;
	int fd, shutdown;
	char byte;

	for (shutdown = 0; shutdown < 2; shutdown++) {
		open_or_skip(&w);
		s = half_pair(&w, PROACTOR_SOCKET_UNIX_STREAM, 0, &fd);
		proactor_futex_wait_op_init(&head, &word, 0, U32, record,
		    &w.r);
		head.base.flags = PROACTOR_OP_LINKED;
		span = proactor_span("x", 1);
		proactor_send_op_init(&send, s, &span, 1, 0, record, &w.r);
		CHECK_INT(proactor_submit(w.p, ops, 2), 0);
		CHECK(poll_quiet(&w));
		if (shutdown)
			CHECK_INT(proactor_shutdown(w.p, patience()), 0);
		else
			CHECK_INT(proactor_cancel(w.p, &head.base), 0);
		while (w.r.finals < 2)
			CHECK_INT(proactor_poll(w.p, patience(), NULL), 0);
		CHECK_INT(status_of(&w.r, &head), PROACTOR_ECANCELED);
		CHECK_INT(status_of(&w.r, &send), PROACTOR_ECANCELED);
		proactor_socket_release(s);
		proactor_release(w.p);
		/* The end of the stream, and nothing before it. */
		CHECK_INT(read(fd, &byte, 1), 0);
		CHECK_INT(close(fd), 0);
		recorder_clear(&w.r);
	}
}

/* --- the proactor's other threads --- */

struct submitter {
	struct world *w;
	struct proactor_futex_wake_op wake;
};

static void *
submit_wake(void *arg)
{
	struct submitter *s = arg;

	CHECK_INT(proactor_submit_one(s->w->p, &s->wake.base), 0);
	return NULL;
}

static void
submitted_by_thread(void)
{
	struct proactor_futex_wait_op wait;
	struct submitter s;
	static uint32_t word;
	struct world w;
	pthread_t thread;

	open_or_skip(&w);
	proactor_futex_wait_op_init(&wait, &word, 0, U32P, record, &w.r);
	CHECK_INT(proactor_submit_one(w.p, &wait.base), 0);
	CHECK(poll_quiet(&w));
	s.w = &w;
	proactor_futex_wake_op_init(&s.wake, &word, 1, U32P, record, &w.r);
	thread_start(&thread, submit_wake, &s);
	CHECK(poll_until(&w, &w.r.finals, 2));
	thread_join(thread);
	CHECK_INT(s.wake.woken, 1);
	CHECK_INT(status_of(&w.r, &wait), 0);
	world_close(&w);
}

const struct tap_case futex_cases[] = {
	{ "futex: ENOTSUP where it is not, EINVAL for what is never good",
	    refused },
	{ "futex: a size works, or is ENOTSUP at the start", sizes },
	{ "futex: a word that differs completes the wait at once",
	    differs_already },
	{ "futex: a wake wakes its count and tells it", wakes_count },
	{ "futex: a cancelled wait is ECANCELED and takes no wake",
	    cancelled },
	{ "futex: shutdown and release while waits are in flight",
	    ended_in_flight },
	{ "futex: a head whose word differs continues the chain",
	    head_differs },
	{ "futex: waits in a chain take their turns", wait_in_a_chain },
	{ "futex: a cancelled head lets nothing go on", cancelled_head },
	{ "futex: a thread submits the wake", submitted_by_thread },
	{ NULL, NULL }
};
