/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <sys/prctl.h>

#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "conformance/allocator.h"

/* The polling thread of the library; creating and polling threads. */

#define MILLISECOND	INT64_C(1000000)

/* --- proactor_thread --- */

/* A callback on the polling thread says what it saw there. */
struct visit {
	atomic_size_t calls;
	pthread_t thread;
	char name[32];
	int cpu;
	int status;
};

static void
visit(void *user_data, struct proactor_op *op, int status, unsigned int flags)
{
	struct visit *v = user_data;

	(void)op;
	(void)flags;
	v->thread = pthread_self();
	prctl(PR_GET_NAME, v->name);
	v->cpu = sched_getcpu();
	v->status = status;
	atomic_fetch_add(&v->calls, 1);
}

static void
await_calls(struct visit *v, size_t n)
{
	int64_t deadline = patience();

	while (atomic_load(&v->calls) < n) {
		CHECK(proactor_now() < deadline);
		sched_yield();
	}
}

static void
stop_and_join(struct proactor_thread *thread)
{
	CHECK_INT(proactor_thread_request_stop(thread), 0);
	CHECK_INT(proactor_thread_join(thread, patience()), 0);
	CHECK_INT(proactor_thread_consume_status(thread), 0);
	proactor_thread_release(thread);
}

static void
thread_polls(void)
{
	struct proactor_thread *thread;
	struct visit v = {0};
	struct proactor_nop_op nop;
	struct proactor_timer_op timer;
	struct world w;

	world_open(&w, NULL);
	CHECK_INT(proactor_thread_create(w.p, NULL, &thread), 0);
	proactor_nop_op_init(&nop, visit, &v);
	CHECK_INT(proactor_submit_one(w.p, &nop.base), 0);
	await_calls(&v, 1);
	CHECK(!pthread_equal(v.thread, pthread_self()));
	proactor_timer_op_init(&timer, proactor_deadline_after(MILLISECOND),
	    visit, &v);
	CHECK_INT(proactor_submit_one(w.p, &timer.base), 0);
	await_calls(&v, 2);
	CHECK_INT(v.status, 0);
	stop_and_join(thread);
	proactor_release(w.p);
}

static void
thread_ends_all(void)
{
	struct proactor_thread *thread;
	struct visit v = {0};
	struct proactor_timer_op timers[10];
	struct proactor_nop_op late;
	struct world w;
	size_t i;

	world_open(&w, NULL);
	CHECK_INT(proactor_thread_create(w.p, NULL, &thread), 0);
	for (i = 0; i < 10; i++) {
		proactor_timer_op_init(&timers[i], PROACTOR_FOREVER, visit,
		    &v);
		CHECK_INT(proactor_submit_one(w.p, &timers[i].base), 0);
	}
	CHECK_INT(atomic_load(&v.calls), 0);
	stop_and_join(thread);
	CHECK_INT(atomic_load(&v.calls), 10);
	CHECK_INT(v.status, PROACTOR_ECANCELED);
	proactor_nop_op_init(&late, visit, &v);
	CHECK_INT(proactor_submit_one(w.p, &late.base), PROACTOR_ESHUTDOWN);
	proactor_release(w.p);
}

static void
thread_keeps_proactor(void)
{
	struct proactor_thread *thread;
	struct visit v = {0};
	struct proactor_nop_op nop;
	struct world w;

	world_open(&w, NULL);
	CHECK_INT(proactor_thread_create(w.p, NULL, &thread), 0);
	proactor_nop_op_init(&nop, visit, &v);
	CHECK_INT(proactor_submit_one(w.p, &nop.base), 0);
	proactor_release(w.p);
	await_calls(&v, 1);
	stop_and_join(thread);
}

static void
thread_name(void)
{
	struct proactor_thread_options o;
	struct proactor_thread *thread;
	struct visit v = {0};
	struct proactor_nop_op nop;
	struct world w;
	char name[] = "a polling thread";

	world_open(&w, NULL);
	proactor_thread_options_init(&o);
	o.name = name;
	CHECK_INT(proactor_thread_create(w.p, &o, &thread), 0);
	memset(name, 'x', sizeof(name) - 1);
	proactor_nop_op_init(&nop, visit, &v);
	CHECK_INT(proactor_submit_one(w.p, &nop.base), 0);
	await_calls(&v, 1);
	CHECK_STR(v.name, "a polling threa");
	stop_and_join(thread);
	proactor_release(w.p);
}

static void
thread_cpu(void)
{
	struct proactor_thread_options o;
	struct proactor_thread *thread;
	struct visit v = {0};
	struct proactor_nop_op nop;
	struct world w;
	cpu_set_t cpus;
	int cpu;

	CHECK_INT(sched_getaffinity(0, sizeof(cpus), &cpus), 0);
	for (cpu = CPU_SETSIZE - 1; cpu > 0 && !CPU_ISSET(cpu, &cpus); cpu--)
		continue;
	world_open(&w, NULL);
	proactor_thread_options_init(&o);
	CHECK_INT(o.cpu, -1);
	o.cpu = cpu;
	CHECK_INT(proactor_thread_create(w.p, &o, &thread), 0);
	proactor_nop_op_init(&nop, visit, &v);
	CHECK_INT(proactor_submit_one(w.p, &nop.base), 0);
	await_calls(&v, 1);
	CHECK_INT(v.cpu, cpu);
	stop_and_join(thread);
	proactor_release(w.p);
}

static void
thread_join_deadline(void)
{
	struct proactor_thread *thread;
	struct world w;
	int64_t deadline;

	world_open(&w, NULL);
	CHECK_INT(proactor_thread_create(w.p, NULL, &thread), 0);
	CHECK_INT(proactor_thread_join(thread, PROACTOR_IMMEDIATE),
	    PROACTOR_ETIMEDOUT);
	deadline = proactor_deadline_after(3 * MILLISECOND);
	CHECK_INT(proactor_thread_join(thread, deadline), PROACTOR_ETIMEDOUT);
	CHECK(proactor_now() >= deadline);
	CHECK_INT(proactor_thread_request_stop(thread), 0);
	CHECK_INT(proactor_thread_request_stop(thread), 0);
	CHECK_INT(proactor_thread_join(thread, PROACTOR_FOREVER), 0);
	CHECK_INT(proactor_thread_request_stop(thread), 0);
	CHECK_INT(proactor_thread_join(thread, PROACTOR_IMMEDIATE), 0);
	proactor_thread_release(thread);
	proactor_release(w.p);
}

static void
thread_arguments(void)
{
	struct proactor_thread_options o;
	struct proactor_thread *thread = NULL;
	struct world w;

	world_open(&w, NULL);
	CHECK_INT(proactor_thread_create(NULL, NULL, &thread),
	    PROACTOR_EINVAL);
	CHECK_INT(proactor_thread_create(w.p, NULL, NULL), PROACTOR_EINVAL);
	proactor_thread_options_init(&o);
	o.flags = 0x10;
	CHECK_INT(proactor_thread_create(w.p, &o, &thread), PROACTOR_EINVAL);
	proactor_thread_options_init(&o);
	o.size = 0;
	CHECK_INT(proactor_thread_create(w.p, &o, &thread), PROACTOR_EINVAL);
	proactor_thread_options_init(&o);
	o.cpu = 1 << 30;
	CHECK(proactor_thread_create(w.p, &o, &thread) < 0);
	CHECK(thread == NULL);
	CHECK_INT(proactor_thread_request_stop(NULL), PROACTOR_EINVAL);
	CHECK_INT(proactor_thread_join(NULL, PROACTOR_IMMEDIATE),
	    PROACTOR_EINVAL);
	CHECK_INT(proactor_thread_consume_status(NULL), PROACTOR_EINVAL);
	CHECK(proactor_thread_retain(NULL) == NULL);
	proactor_thread_release(NULL);
	world_close(&w);
}

static void
poll_failed(void *user_data, int status)
{
	atomic_store((atomic_int *)user_data, status);
}

/*
 * Whoever polls first owns it.  The thread that does not tells why, once, and
 * ends.
 */
static void
thread_error(void)
{
	struct proactor_thread_options o;
	struct proactor_thread *thread;
	struct world w;
	atomic_int error;
	int i, status, wanted;

	for (i = 0; i < 20; i++) {
		atomic_store(&error, 0);
		world_open(&w, NULL);
		proactor_thread_options_init(&o);
		o.error_fn = poll_failed;
		o.error_data = &error;
		CHECK_INT(proactor_thread_create(w.p, &o, &thread), 0);
		if (i % 2 == 1)
			sched_yield();
		status = proactor_poll(w.p, PROACTOR_IMMEDIATE, NULL);
		CHECK(status == PROACTOR_EPERM ||
		    status == PROACTOR_ETIMEDOUT);
		wanted = status == PROACTOR_EPERM ? 0 : PROACTOR_EPERM;
		CHECK_INT(proactor_thread_request_stop(thread), 0);
		CHECK_INT(proactor_thread_join(thread, patience()), 0);
		if (atomic_load(&error) != 0)
			CHECK_INT(atomic_load(&error), wanted);
		status = proactor_thread_consume_status(thread);
		CHECK_INT(status, atomic_load(&error));
		CHECK_INT(proactor_thread_consume_status(thread), 0);
		CHECK(proactor_thread_retain(thread) == thread);
		proactor_thread_release(thread);
		proactor_thread_release(thread);
		proactor_release(w.p);
	}
}

static void
thread_of_owned(void)
{
	struct proactor_thread *thread = NULL;
	struct world w;

	world_open(&w, NULL);
	poll_barrier(&w);
	CHECK_INT(proactor_thread_create(w.p, NULL, &thread), PROACTOR_EPERM);
	CHECK(thread == NULL);
	world_close(&w);
}

static void
thread_leaves_nothing(void)
{
	struct proactor_options o;
	struct proactor_thread *thread;
	struct world w;
	struct allocator a = { 0 };
	int i;

	for (i = 0; i < 50; i++) {
		allocator_options(&o, &a);
		world_open(&w, &o);
		CHECK_INT(proactor_thread_create(w.p, NULL, &thread), 0);
		CHECK_INT(proactor_thread_consume_status(thread),
		    PROACTOR_EBUSY);
		stop_and_join(thread);
		proactor_release(w.p);
		CHECK_INT(a.live, 0);
	}
}

struct stopper {
	struct proactor_thread *thread;
	atomic_size_t calls;
};

static void
stop_from_inside(void *user_data, struct proactor_op *op, int status,
    unsigned int flags)
{
	struct stopper *s = user_data;

	(void)op;
	(void)flags;
	CHECK_INT(status, 0);
	CHECK_INT(proactor_thread_request_stop(s->thread), 0);
	atomic_fetch_add(&s->calls, 1);
}

static void
thread_stopped_from_inside(void)
{
	struct stopper s = {0};
	struct proactor_nop_op nop;
	struct world w;

	world_open(&w, NULL);
	CHECK_INT(proactor_thread_create(w.p, NULL, &s.thread), 0);
	proactor_nop_op_init(&nop, stop_from_inside, &s);
	CHECK_INT(proactor_submit_one(w.p, &nop.base), 0);
	CHECK_INT(proactor_thread_join(s.thread, patience()), 0);
	CHECK_INT(atomic_load(&s.calls), 1);
	proactor_thread_release(s.thread);
	proactor_release(w.p);
}

/* --- creation on one thread, polling on another --- */

static void *
poll_and_shut_down(void *arg)
{
	struct world *w = arg;

	CHECK(poll_until(w, &w->r.finals, 3));
	CHECK_INT(proactor_shutdown(w->p, patience()), 0);
	return NULL;
}

static void
created_elsewhere(void)
{
	struct world w;
	struct proactor_nop_op nop;
	struct proactor_timer_op timer;
	struct proactor_event_wait_op wait;
	struct proactor_event *event;
	pthread_t thread;

	world_open(&w, NULL);
	CHECK_INT(proactor_event_create(w.p, &event), 0);
	proactor_nop_op_init(&nop, record, &w.r);
	proactor_timer_op_init(&timer, proactor_deadline_after(MILLISECOND),
	    record, &w.r);
	proactor_event_wait_op_init(&wait, event, record, &w.r);
	CHECK_INT(proactor_submit_one(w.p, &nop.base), 0);
	CHECK_INT(proactor_submit_one(w.p, &timer.base), 0);
	CHECK_INT(proactor_submit_one(w.p, &wait.base), 0);
	thread_start(&thread, poll_and_shut_down, &w);
	CHECK_INT(proactor_event_set(event), 0);
	thread_join(thread);
	CHECK_INT(w.r.calls, 3);
	CHECK_INT(status_of(&w.r, &wait), 0);
	CHECK_INT(proactor_poll(w.p, PROACTOR_IMMEDIATE, NULL),
	    PROACTOR_EPERM);
	proactor_event_release(event);
	proactor_release(w.p);
	recorder_clear(&w.r);
}

const struct tap_case thread_cases[] = {
	{ "thread: polls, until it is asked to stop", thread_polls },
	{ "thread: shuts the proactor down when it stops", thread_ends_all },
	{ "thread: keeps its proactor", thread_keeps_proactor },
	{ "thread: 15 bytes of its name are kept", thread_name },
	{ "thread: runs on the processor it was given", thread_cpu },
	{ "thread: join is ETIMEDOUT until it has ended",
	    thread_join_deadline },
	{ "thread: bad arguments are refused", thread_arguments },
	{ "thread: when polling fails it tells why and ends", thread_error },
	{ "thread: of a proactor that somebody polls is EPERM",
	    thread_of_owned },
	{ "thread: after join and release nothing of the library runs",
	    thread_leaves_nothing },
	{ "thread: may be stopped in a callback",
	    thread_stopped_from_inside },
	{ "threads: created on one, polled and shut down on another",
	    created_elsewhere },
	{ NULL, NULL }
};
