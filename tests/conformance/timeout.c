/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conformance/chain.h"
#include "conformance/everything.h"

/* Linked timeouts: the deadline of the operation before them. */

#define SOON		INT64_C(3000000)
#define MILLISECOND	INT64_C(1000000)

static void
timeout_init(struct proactor_timeout_op *op, struct world *w, int64_t deadline)
{
	proactor_timeout_op_init(op, deadline, record, &w->r);
}

/* The operation, a timeout after it, and a nop. */
struct trio {
	struct proactor_op *ops[3];
	struct proactor_timeout_op timeout;
	struct proactor_nop_op nop;
};

static void
trio_submit(struct trio *t, struct world *w, struct proactor_op *op,
    int64_t deadline)
{
	timeout_init(&t->timeout, w, deadline);
	nop_init(&t->nop, w);
	t->ops[0] = op;
	t->ops[1] = &t->timeout.base;
	t->ops[2] = &t->nop.base;
	submit_chain(w, t->ops, 3);
}

/* All have been called back, once and in order. */
static void
trio_check(struct trio *t, struct world *w, int status, int timeout, int nop)
{
	CHECK(poll_finals(w, &t->nop, 1));
	CHECK_INT(w->r.calls, 3);
	CHECK(w->r.seen[0].op == t->ops[0] && w->r.seen[1].op == t->ops[1]);
	CHECK_INT(w->r.seen[0].status, status);
	CHECK_INT(w->r.seen[1].status, timeout);
	CHECK_INT(w->r.seen[1].flags, 0);
	CHECK_INT(w->r.seen[2].status, nop);
	poll_barrier(w);
	CHECK_INT(w->r.calls, 3);
	recorder_clear(&w->r);
}

/* --- the deadline comes first --- */

static void
expires(struct world *w, struct proactor_op *op)
{
	int64_t deadlines[] = {
		proactor_deadline_after(SOON), PROACTOR_IMMEDIATE, -1,
	};
	struct trio t;
	size_t i;

	for (i = 0; i < COUNT(deadlines); i++) {
		op->flags = 0;
		trio_submit(&t, w, op, deadlines[i]);
		trio_check(&t, w, PROACTOR_ECANCELED, PROACTOR_ETIMEDOUT,
		    PROACTOR_ECANCELED);
		CHECK(proactor_now() >= deadlines[i]);
	}
}

static void
any_kind_expires(void)
{
	static struct everything f;
	struct proactor_op *ops[] = { &f.timer.base, &f.wait.base,
		&f.poll.base, &f.recv.base, &f.recvfrom.base, &f.accept.base,
		&f.notified.base, &f.reached.base };
	size_t i;

	everything_open(&f, NULL);
	everything_submit(&f);
	poll_barrier(&f.w);
	for (i = 0; i < COUNT(ops); i++)
		CHECK_INT(proactor_cancel(f.w.p, ops[i]), 0);
	CHECK_INT(proactor_cancel(f.w.p, &f.recv_behind.base), 0);
	CHECK(poll_until(&f.w, &f.w.r.finals, EVERYTHING));
	recorder_clear(&f.w.r);
	for (i = 0; i < COUNT(ops); i++)
		expires(&f.w, ops[i]);
	everything_drop(&f);
	world_close(&f.w);
}

/* One that stands behind another on its socket has begun all the same. */
static void
queued_expires(void)
{
	struct proactor_recv_op first, second;
	struct proactor_socket *s;
	struct world w;
	char memory[2];
	int fd;

	world_open(&w, NULL);
	s = half_pair(&w, PROACTOR_SOCKET_TCP, 0, &fd);
	proactor_recv_op_init(&first, s, (struct proactor_span[]){
	    proactor_span(memory, 1) }, 1, record, &w.r);
	recv_init(&second, &w, s, memory + 1, 1);
	CHECK_INT(proactor_submit_one(w.p, &first.base), 0);
	poll_barrier(&w);
	expires(&w, &second.base);
	CHECK_INT(proactor_cancel(w.p, &first.base), 0);
	CHECK(poll_finals(&w, &first, 1));
	CHECK_INT(close_socket(&w, s), 0);
	close(fd);
	world_close(&w);
}

/* What a send has accepted of its bytes by then is told. */
static void
part_of_a_send(void)
{
	struct proactor_send_op send;
	struct proactor_socket *s;
	struct trio t;
	struct world w;
	char *memory;
	int fd;

	world_open(&w, NULL);
	memory = calloc(1, BLOCKING_SIZE);
	CHECK(memory != NULL);
	s = half_pair(&w, PROACTOR_SOCKET_TCP, 0, &fd);
	send_init(&send, &w, s, memory, BLOCKING_SIZE);
	trio_submit(&t, &w, &send.base, proactor_deadline_after(10 * SOON));
	trio_check(&t, &w, PROACTOR_ECANCELED, PROACTOR_ETIMEDOUT,
	    PROACTOR_ECANCELED);
	CHECK(send.bytes < BLOCKING_SIZE);
	CHECK_INT(close_socket(&w, s), 0);
	CHECK_INT(fd_drain(fd), send.bytes);
	close(fd);
	free(memory);
	world_close(&w);
}

/* --- the operation comes first --- */

static void
in_time(void)
{
	struct proactor_event_wait_op wait_op;
	struct proactor_event *event;
	struct trio t;
	struct world w;
	int64_t begun;

	world_open(&w, NULL);
	CHECK_INT(proactor_event_create(w.p, &event), 0);
	proactor_event_wait_op_init(&wait_op, event, record, &w.r);
	begun = proactor_now();
	trio_submit(&t, &w, &wait_op.base, PROACTOR_FOREVER);
	poll_barrier(&w);
	CHECK_INT(w.r.calls, 0);
	CHECK_INT(proactor_event_set(event), 0);
	trio_check(&t, &w, 0, PROACTOR_ECANCELED, 0);
	/* Nor does a deadline hold up the end. */
	wait_op.base.flags = 0;
	CHECK_INT(proactor_event_set(event), 0);
	trio_submit(&t, &w, &wait_op.base,
	    proactor_deadline_after(1000000 * MILLISECOND));
	trio_check(&t, &w, 0, PROACTOR_ECANCELED, 0);
	CHECK(proactor_now() - begun < 500000 * MILLISECOND);
	proactor_event_release(event);
	world_close(&w);
}

static void
at_once(void)
{
	struct proactor_nop_op nop;
	struct trio t;
	struct world w;

	/* A nop needs no time at all. */
	world_open(&w, NULL);
	nop_init(&nop, &w);
	trio_submit(&t, &w, &nop.base, PROACTOR_IMMEDIATE);
	trio_check(&t, &w, 0, PROACTOR_ECANCELED, 0);
	world_close(&w);
}

static void
timer_against_timeout(void)
{
	int64_t now = proactor_now();
	struct proactor_timer_op timer;
	struct trio t;
	struct world w;

	world_open(&w, NULL);
	proactor_timer_op_init(&timer, now + SOON, record, &w.r);
	trio_submit(&t, &w, &timer.base, now + SOON + 1);
	trio_check(&t, &w, 0, PROACTOR_ECANCELED, 0);
	timer.deadline = proactor_now() + SOON;
	timer.base.flags = 0;
	trio_submit(&t, &w, &timer.base, timer.deadline);
	trio_check(&t, &w, 0, PROACTOR_ECANCELED, 0);
	timer.deadline = proactor_now() + SOON;
	timer.base.flags = 0;
	trio_submit(&t, &w, &timer.base, timer.deadline - 1);
	trio_check(&t, &w, PROACTOR_ECANCELED, PROACTOR_ETIMEDOUT,
	    PROACTOR_ECANCELED);
	world_close(&w);
}

static void
own_failure(void)
{
	struct proactor_file_write_op write_op;
	struct proactor_file *f;
	struct trio t;
	struct world w;

	world_open(&w, NULL);
	f = file_open(&w, PROACTOR_FILE_READ);
	proactor_file_write_op_init(&write_op, f, 0, proactor_span("x", 1),
	    record, &w.r);
	trio_submit(&t, &w, &write_op.base, PROACTOR_FOREVER);
	trio_check(&t, &w, PROACTOR_EBADF, PROACTOR_ECANCELED,
	    PROACTOR_ECANCELED);
	proactor_file_release(f);
	world_close(&w);
}

/* A close is not called off: it says itself how it went. */
static void
close_is_not_cancelled(void)
{
	struct proactor_socket_close_op close_op;
	struct proactor_recv_op recv;
	struct proactor_socket *s;
	struct trio t;
	struct world w;
	char byte;
	int fd;

	world_open(&w, NULL);
	s = half_pair(&w, PROACTOR_SOCKET_TCP, 0, &fd);
	recv_init(&recv, &w, s, &byte, 1);
	CHECK_INT(proactor_submit_one(w.p, &recv.base), 0);
	poll_barrier(&w);
	proactor_socket_close_op_init(&close_op, s, record, &w.r);
	trio_submit(&t, &w, &close_op.base, PROACTOR_IMMEDIATE);
	CHECK(poll_until(&w, &w.r.finals, 4));
	CHECK_INT(status_of(&w.r, &recv), PROACTOR_ECANCELED);
	CHECK_INT(status_of(&w.r, &close_op), 0);
	CHECK_INT(status_of(&w.r, &t.timeout), PROACTOR_ECANCELED);
	CHECK_INT(status_of(&w.r, &t.nop), 0);
	CHECK_INT(fd_drain(fd), 0);
	close(fd);
	world_close(&w);
}

/* --- in longer chains --- */

static void
many_in_a_chain(size_t pairs)
{
	static struct proactor_file_write_op writes[LONGEST];
	static struct proactor_timeout_op timeouts[LONGEST];
	struct proactor_op *ops[LONGEST];
	struct proactor_options o;
	struct proactor_file *f;
	struct world w;
	size_t i;

	world_options(&o);
	o.max_concurrent_operations = 8;
	world_open(&w, &o);
	f = file_open(&w, PROACTOR_FILE_WRITE);
	for (i = 0; i < pairs; i++) {
		proactor_file_write_op_init(&writes[i], f, i,
		    proactor_span(&"0123456789"[i % 10], 1), record, &w.r);
		timeout_init(&timeouts[i], &w, patience());
		ops[2 * i] = &writes[i].base;
		ops[2 * i + 1] = &timeouts[i].base;
	}
	submit_chain(&w, ops, 2 * pairs);
	CHECK(poll_until(&w, &w.r.finals, 2 * pairs));
	for (i = 0; i < 2 * pairs; i++) {
		CHECK(w.r.seen[i].op == ops[i]);
		CHECK_INT(w.r.seen[i].status,
		    i % 2 == 0 ? 0 : PROACTOR_ECANCELED);
	}
	CHECK_INT(lseek(proactor_file_handle(f).u.fd, 0, SEEK_END), pairs);
	proactor_file_release(f);
	world_close(&w);
}

static void
each_has_its_own(void)
{
	many_in_a_chain(2);
	many_in_a_chain(4);
	many_in_a_chain(LONGEST / 2);
}

/* Of several operations of the kernel's, the last has not enough time. */
static void
fails_in_the_middle(void)
{
	struct proactor_send_op sends[2];
	struct proactor_recv_op recv;
	struct proactor_timeout_op timeouts[3];
	struct proactor_op *ops[] = {
		&sends[0].base, &timeouts[0].base, &recv.base,
		&timeouts[1].base, &sends[1].base, &timeouts[2].base,
	};
	static const int statuses[] = {
		0, PROACTOR_ECANCELED, PROACTOR_ECANCELED,
		PROACTOR_ETIMEDOUT, PROACTOR_ECANCELED, PROACTOR_ECANCELED,
	};
	struct proactor_socket *s;
	struct world w;
	char memory[4];
	size_t i;
	int fd;

	world_open(&w, NULL);
	s = half_pair(&w, PROACTOR_SOCKET_TCP, 0, &fd);
	for (i = 0; i < 2; i++)
		send_init(&sends[i], &w, s, "x", 1);
	recv_init(&recv, &w, s, memory, sizeof(memory));
	for (i = 0; i < 3; i++)
		timeout_init(&timeouts[i], &w, i == 1 ?
		    proactor_deadline_after(SOON) : PROACTOR_FOREVER);
	submit_chain(&w, ops, COUNT(ops));
	CHECK(poll_until(&w, &w.r.finals, COUNT(ops)));
	for (i = 0; i < COUNT(ops); i++) {
		CHECK(w.r.seen[i].op == ops[i]);
		CHECK_INT(w.r.seen[i].status, statuses[i]);
	}
	CHECK(proactor_now() >= timeouts[1].deadline);
	CHECK_INT(close_socket(&w, s), 0);
	CHECK_INT(fd_drain(fd), 1);
	close(fd);
	world_close(&w);
}

/* It is no matter to the operations before the one that it follows. */
static void
waits_for_its_operation(void)
{
	struct proactor_event_wait_op wait_op;
	struct proactor_recv_op recv;
	struct proactor_timeout_op timeout;
	struct proactor_op *ops[] = {
		&wait_op.base, &recv.base, &timeout.base,
	};
	struct proactor_event *event;
	struct proactor_socket *s;
	struct world w;
	char byte;
	int fd;

	world_open(&w, NULL);
	s = half_pair(&w, PROACTOR_SOCKET_TCP, 0, &fd);
	CHECK_INT(proactor_event_create(w.p, &event), 0);
	proactor_event_wait_op_init(&wait_op, event, record, &w.r);
	recv_init(&recv, &w, s, &byte, 1);
	timeout_init(&timeout, &w, PROACTOR_IMMEDIATE);
	submit_chain(&w, ops, 3);
	CHECK(poll_quiet(&w));
	CHECK_INT(proactor_event_set(event), 0);
	CHECK(poll_until(&w, &w.r.finals, 3));
	CHECK_INT(status_of(&w.r, &wait_op), 0);
	CHECK_INT(status_of(&w.r, &recv), PROACTOR_ECANCELED);
	CHECK_INT(status_of(&w.r, &timeout), PROACTOR_ETIMEDOUT);
	proactor_event_release(event);
	CHECK_INT(close_socket(&w, s), 0);
	close(fd);
	world_close(&w);
}

/* --- what is refused --- */

static void
follows_nothing(void)
{
	struct proactor_timeout_op a, b;
	struct proactor_nop_op nop, other;
	struct proactor_op *alone[] = { &a.base, &nop.base };
	struct proactor_op *loose[] = { &nop.base, &a.base };
	struct proactor_op *two[] = { &nop.base, &a.base, &b.base };
	struct proactor_op *last[] = { &nop.base, &a.base, &other.base };
	struct world w;

	world_open(&w, NULL);
	nop_init(&nop, &w);
	nop_init(&other, &w);
	timeout_init(&a, &w, 0);
	timeout_init(&b, &w, 0);
	CHECK_INT(proactor_submit_one(w.p, &a.base), PROACTOR_EINVAL);
	CHECK_INT(proactor_submit(w.p, alone, 2), PROACTOR_EINVAL);
	a.base.flags = PROACTOR_OP_LINKED;
	CHECK_INT(proactor_submit(w.p, alone, 2), PROACTOR_EINVAL);
	a.base.flags = 0;
	CHECK_INT(proactor_submit(w.p, loose, 2), PROACTOR_EINVAL);
	link_up(two, 3);
	CHECK_INT(proactor_submit(w.p, two, 3), PROACTOR_EINVAL);
	/* Linked to nothing. */
	CHECK_INT(proactor_submit(w.p, two, 2), PROACTOR_EINVAL);
	a.base.flags = PROACTOR_OP_MULTISHOT;
	CHECK_INT(proactor_submit(w.p, loose, 2), PROACTOR_EINVAL);
	CHECK(poll_quiet(&w));
	/* Nothing has begun, and all of it can be put right. */
	a.base.flags = 0;
	submit_chain(&w, last, 3);
	CHECK_INT(proactor_submit_one(w.p, &a.base), PROACTOR_EBUSY);
	CHECK(poll_until(&w, &w.r.finals, 3));
	CHECK_INT(status_of(&w.r, &a), PROACTOR_ECANCELED);
	CHECK_INT(status_of(&w.r, &other), 0);
	world_close(&w);
}

/* --- cancel --- */

static void
operation_cancelled(void)
{
	struct proactor_event_wait_op wait_op;
	struct proactor_event *event;
	struct trio t;
	struct world w;

	world_open(&w, NULL);
	CHECK_INT(proactor_event_create(w.p, &event), 0);
	proactor_event_wait_op_init(&wait_op, event, record, &w.r);
	trio_submit(&t, &w, &wait_op.base, PROACTOR_FOREVER);
	CHECK_INT(proactor_cancel(w.p, &wait_op.base), 0);
	trio_check(&t, &w, PROACTOR_ECANCELED, PROACTOR_ECANCELED,
	    PROACTOR_ECANCELED);
	CHECK_INT(proactor_cancel(w.p, &t.timeout.base), PROACTOR_ENOENT);
	proactor_event_release(event);
	world_close(&w);
}

/* Its cancel calls off the deadline, nothing else. */
static void
called_off(bool begun)
{
	struct proactor_event_wait_op waits[2];
	struct proactor_timeout_op timeout;
	struct proactor_nop_op nop;
	struct proactor_op *ops[] = {
		&waits[0].base, &waits[1].base, &timeout.base, &nop.base,
	};
	struct proactor_event *event;
	struct world w;
	int i;

	world_open(&w, NULL);
	CHECK_INT(proactor_event_create(w.p, &event), 0);
	for (i = 0; i < 2; i++)
		proactor_event_wait_op_init(&waits[i], event, record, &w.r);
	timeout_init(&timeout, &w, proactor_deadline_after(5 * SOON));
	nop_init(&nop, &w);
	submit_chain(&w, ops, 4);
	if (begun) {
		CHECK_INT(proactor_event_set(event), 0);
		CHECK(poll_finals(&w, &waits[0], 1));
	}
	CHECK_INT(proactor_cancel(w.p, &timeout.base), 0);
	CHECK_INT(proactor_cancel(w.p, &timeout.base), 0);
	if (!begun) {
		CHECK_INT(proactor_event_set(event), 0);
		CHECK(poll_finals(&w, &waits[0], 1));
	}
	while (proactor_now() < timeout.deadline + SOON)
		poll_barrier(&w);
	CHECK_INT(w.r.calls, 1);
	CHECK_INT(proactor_event_set(event), 0);
	CHECK(poll_until(&w, &w.r.finals, 4));
	CHECK_INT(status_of(&w.r, &waits[1]), 0);
	CHECK_INT(status_of(&w.r, &timeout), PROACTOR_ECANCELED);
	CHECK_INT(status_of(&w.r, &nop), 0);
	proactor_event_release(event);
	world_close(&w);
}

static void
timeout_cancelled(void)
{
	called_off(true);
	called_off(false);
}

/* --- its life --- */

struct again {
	struct world w;
	struct proactor_event_wait_op wait;
	struct proactor_timeout_op timeout;
	struct proactor_op *ops[2];
	size_t turns;
};

static void
submit_again(void *user_data, struct proactor_op *op, int status,
    unsigned int flags)
{
	struct again *a = user_data;

	record(&a->w.r, op, status, flags);
	CHECK(op == &a->timeout.base);
	CHECK_INT(status, a->turns % 2 == 0 ? PROACTOR_ETIMEDOUT :
	    PROACTOR_ECANCELED);
	if (++a->turns == 50)
		return;
	if (a->turns % 2 != 0)
		CHECK_INT(proactor_event_set(a->wait.event), 0);
	a->timeout.deadline = a->turns % 2 == 0 ?
	    proactor_deadline_after(MILLISECOND) : PROACTOR_FOREVER;
	CHECK_INT(proactor_submit(a->w.p, a->ops, 2), 0);
}

static void
resubmitted(void)
{
	struct proactor_event *event;
	struct again a;

	memset(&a, 0, sizeof(a));
	world_open(&a.w, NULL);
	CHECK_INT(proactor_event_create(a.w.p, &event), 0);
	proactor_event_wait_op_init(&a.wait, event, record, &a.w.r);
	proactor_timeout_op_init(&a.timeout, 0, submit_again, &a);
	a.ops[0] = &a.wait.base;
	a.ops[1] = &a.timeout.base;
	submit_chain(&a.w, a.ops, 2);
	CHECK(poll_until(&a.w, &a.turns, 50));
	CHECK_INT(a.w.r.calls, 100);
	proactor_event_release(event);
	world_close(&a.w);
}

#define CROWD	500

/* Some are in time, some are not, and each is called back once. */
static void
crowd(void)
{
	struct pair {
		struct proactor_timer_op timer;
		struct proactor_timeout_op timeout;
	} *pairs = calloc(CROWD, sizeof(*pairs));
	struct proactor_op *ops[2];
	struct world w;
	int64_t now;
	size_t i;
	bool late;

	CHECK(pairs != NULL);
	world_open(&w, NULL);
	now = proactor_now();
	for (i = 0; i < CROWD; i++) {
		proactor_timer_op_init(&pairs[i].timer,
		    now + (int64_t)(i * 7919 % CROWD) * 20000, record, &w.r);
		timeout_init(&pairs[i].timeout, &w,
		    now + (int64_t)(i * 104729 % CROWD) * 20000);
		ops[0] = &pairs[i].timer.base;
		ops[1] = &pairs[i].timeout.base;
		submit_chain(&w, ops, 2);
	}
	CHECK(poll_until(&w, &w.r.finals, 2 * CROWD));
	for (i = 0; i < CROWD; i++) {
		late = pairs[i].timeout.deadline < pairs[i].timer.deadline;
		CHECK_INT(calls_of(&w.r, &pairs[i].timer), 1);
		CHECK_INT(status_of(&w.r, &pairs[i].timer),
		    late ? PROACTOR_ECANCELED : 0);
		CHECK_INT(status_of(&w.r, &pairs[i].timeout),
		    late ? PROACTOR_ETIMEDOUT : PROACTOR_ECANCELED);
	}
	world_close(&w);
	free(pairs);
}

struct stranger {
	struct world *w;
	struct proactor_op *ops[2];
	atomic_bool stop;
};

static void *
interfere(void *arg)
{
	struct stranger *x = arg;
	int i, status;

	for (i = 0; !atomic_load(&x->stop); i++) {
		status = proactor_cancel(x->w->p, x->ops[i % 2]);
		CHECK(status == 0 || status == PROACTOR_ENOENT);
	}
	return NULL;
}

static void
cancelled_by_a_thread(void)
{
	struct proactor_timer_op timer;
	struct proactor_timeout_op timeout;
	struct stranger x;
	pthread_t thread;
	struct world w;
	size_t i;
	int status, ended;

	world_open(&w, NULL);
	poll_barrier(&w);
	proactor_timer_op_init(&timer, 0, record, &w.r);
	timeout_init(&timeout, &w, 0);
	x.w = &w;
	x.ops[0] = &timer.base;
	x.ops[1] = &timeout.base;
	atomic_init(&x.stop, false);
	thread_start(&thread, interfere, &x);
	for (i = 0; i < 2000; i++) {
		timer.deadline = proactor_now() + 20000;
		timeout.deadline = proactor_now() + 20000;
		submit_chain(&w, x.ops, 2);
		CHECK(poll_until(&w, &w.r.finals, 2 * i + 2));
		CHECK(w.r.seen[2 * i].op == x.ops[0]);
		CHECK(w.r.seen[2 * i + 1].op == x.ops[1]);
		status = w.r.seen[2 * i].status;
		ended = w.r.seen[2 * i + 1].status;
		CHECK(status == 0 || status == PROACTOR_ECANCELED);
		CHECK(ended == PROACTOR_ECANCELED ||
		    (ended == PROACTOR_ETIMEDOUT &&
		    status == PROACTOR_ECANCELED));
	}
	atomic_store(&x.stop, true);
	thread_join(thread);
	world_close(&w);
}

static void *
submit_elsewhere(void *arg)
{
	struct stranger *x = arg;

	CHECK_INT(proactor_submit(x->w->p, x->ops, 2), 0);
	return NULL;
}

static void
submitted_by_a_thread(void)
{
	struct proactor_event_wait_op wait_op;
	struct proactor_timeout_op timeout;
	struct proactor_event *event;
	struct stranger x;
	pthread_t thread;
	struct world w;

	world_open(&w, NULL);
	CHECK_INT(proactor_event_create(w.p, &event), 0);
	proactor_event_wait_op_init(&wait_op, event, record, &w.r);
	timeout_init(&timeout, &w, proactor_deadline_after(SOON));
	x.w = &w;
	x.ops[0] = &wait_op.base;
	x.ops[1] = &timeout.base;
	link_up(x.ops, 2);
	thread_start(&thread, submit_elsewhere, &x);
	CHECK(poll_until(&w, &w.r.finals, 2));
	thread_join(thread);
	CHECK_INT(status_of(&w.r, &wait_op), PROACTOR_ECANCELED);
	CHECK_INT(status_of(&w.r, &timeout), PROACTOR_ETIMEDOUT);
	proactor_event_release(event);
	world_close(&w);
}

/* --- the end of the proactor --- */

struct left {
	struct trio *t;
	size_t count;
};

static void
tell(void *user_data, struct proactor_op *op)
{
	struct left *left = user_data;

	CHECK(op == left->t->ops[0] || op == left->t->ops[1] ||
	    op == left->t->ops[2]);
	left->count++;
}

static void
ended(bool polled, bool orderly)
{
	struct proactor_event_wait_op wait_op;
	struct proactor_event *event;
	struct left left;
	struct trio t;
	struct world w;

	world_open(&w, NULL);
	CHECK_INT(proactor_event_create(w.p, &event), 0);
	proactor_event_wait_op_init(&wait_op, event, record, &w.r);
	trio_submit(&t, &w, &wait_op.base, PROACTOR_FOREVER - 1);
	if (polled) {
		poll_barrier(&w);
		left.t = &t;
		left.count = 0;
		CHECK_INT(proactor_shutdown_remaining(w.p, tell, &left), 3);
		CHECK_INT(left.count, 3);
	}
	if (orderly) {
		CHECK_INT(proactor_shutdown(w.p, patience()), 0);
		CHECK_INT(w.r.calls, 3);
		CHECK_INT(w.r.seen[0].status, PROACTOR_ECANCELED);
		CHECK_INT(w.r.seen[1].status, PROACTOR_ECANCELED);
		CHECK_INT(w.r.seen[2].status, PROACTOR_ECANCELED);
	}
	proactor_event_release(event);
	proactor_release(w.p);
	CHECK_INT(w.r.calls, orderly ? 3 : 0);
	recorder_clear(&w.r);
	/* They are the caller's again. */
	world_open(&w, NULL);
	CHECK_INT(proactor_event_create(w.p, &event), 0);
	wait_op.event = event;
	wait_op.base.user_data = &w.r;
	wait_op.base.flags = 0;
	trio_submit(&t, &w, &wait_op.base, 0);
	trio_check(&t, &w, PROACTOR_ECANCELED, PROACTOR_ETIMEDOUT,
	    PROACTOR_ECANCELED);
	proactor_event_release(event);
	world_close(&w);
}

static void
shut_down(void)
{
	ended(true, true);
	ended(false, true);
}

static void
released(void)
{
	ended(true, false);
	ended(false, false);
}

const struct tap_case timeout_cases[] = {
	{ "timeout: cancels what waits, of any kind, and says ETIMEDOUT",
	    any_kind_expires },
	{ "timeout: cancels what stands in its socket's queue",
	    queued_expires },
	{ "timeout: a send tells how much it had sent", part_of_a_send },
	{ "timeout: in time, it ends with ECANCELED and the chain goes on",
	    in_time },
	{ "timeout: what completes at once needs no time", at_once },
	{ "timeout: against a timer the earlier deadline wins",
	    timer_against_timeout },
	{ "timeout: the operation's own failure is its status", own_failure },
	{ "timeout: a close is not called off", close_is_not_cancelled },
	{ "timeout: each member of a chain may have its own",
	    each_has_its_own },
	{ "timeout: one that expires ends the chain", fails_in_the_middle },
	{ "timeout: expires when its operation has begun, not before",
	    waits_for_its_operation },
	{ "timeout: after nothing, or after a timeout, it is EINVAL",
	    follows_nothing },
	{ "timeout: cancel of its operation ends both", operation_cancelled },
	{ "timeout: its own cancel calls off the deadline",
	    timeout_cancelled },
	{ "timeout: submitted again and again, from its callback",
	    resubmitted },
	{ "timeout: five hundred against five hundred timers", crowd },
	{ "timeout: cancelled by another thread, once each",
	    cancelled_by_a_thread },
	{ "timeout: submitted by another thread", submitted_by_a_thread },
	{ "timeout: shutdown ends it in its turn", shut_down },
	{ "timeout: release leaves it to the caller", released },
	{ NULL, NULL }
};
