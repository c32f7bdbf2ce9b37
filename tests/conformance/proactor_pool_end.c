/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <sys/wait.h>

#include <errno.h>
#include <sched.h>
#include <stdatomic.h>
#include <unistd.h>

#include "conformance/allocator.h"
#include "conformance/proactor_pool.h"

/* The end of pools of proactors. */

static void
shutdown_cancels(void)
{
	struct proactor_timer_op timers[SLOTS_MAX];
	struct proactor *p = NULL;
	struct stage s;
	size_t i, n;
	int way;

	for (way = 0; way < 2; way++) {
		stage_open(&s, PROACTOR_POOL_PER_CPU, PROACTOR_POOL_THREADS);
		n = count(&s);
		/* One is never made, if there are two. */
		n -= n > 1;
		for (i = 0; i < n; i++) {
			proactor_timer_op_init(&timers[i], PROACTOR_FOREVER,
			    called, &s);
			CHECK_INT(proactor_submit_one(get(&s, i),
			    &timers[i].base), 0);
		}
		if (way == 0) {
			CHECK_INT(proactor_pool_shutdown(s.pool, patience()),
			    0);
			CHECK_INT(proactor_submit_one(get(&s, 0),
			    &timers[0].base), PROACTOR_ESHUTDOWN);
			if (n < count(&s))
				CHECK_INT(proactor_pool_get(s.pool, n, &p),
				    PROACTOR_ESHUTDOWN);
		}
		proactor_pool_release(s.pool);
		CHECK_INT(atomic_load(&s.calls), n);
		CHECK_INT(atomic_load(&s.last), PROACTOR_ECANCELED);
		CHECK_INT(atomic_load(&s.started), n);
	}
}

static void
shutdown_deadline(void)
{
	struct proactor_nop_op nop;
	struct stage s;

	stage_open(&s, PROACTOR_POOL_PER_CPU, PROACTOR_POOL_THREADS);
	atomic_store(&s.hold, true);
	proactor_nop_op_init(&nop, called, &s);
	CHECK_INT(proactor_submit_one(get(&s, 0), &nop.base), 0);
	CHECK_INT(proactor_pool_shutdown(s.pool, PROACTOR_IMMEDIATE),
	    PROACTOR_ETIMEDOUT);
	atomic_store(&s.hold, false);
	CHECK_INT(proactor_pool_shutdown(s.pool, patience()), 0);
	CHECK_INT(atomic_load(&s.calls), 1);
	proactor_pool_release(s.pool);
}

static void *
poll_elsewhere(void *arg)
{
	struct stage *s = arg;
	struct proactor *p = get(s, 0);

	CHECK_INT(proactor_poll(p, PROACTOR_IMMEDIATE, NULL),
	    PROACTOR_ETIMEDOUT);
	atomic_store(&s->calls, 1);
	while (atomic_load(&s->hold))
		sched_yield();
	CHECK_INT(proactor_shutdown(p, PROACTOR_FOREVER), 0);
	return NULL;
}

/* Who polls shuts down: the pool cannot, and need not afterwards. */
static void
shut_down_by_its_thread(void)
{
	struct stage s;
	pthread_t thread;

	stage_open(&s, PROACTOR_POOL_PER_CPU, 0);
	atomic_store(&s.hold, true);
	thread_start(&thread, poll_elsewhere, &s);
	await(&s, 1);
	CHECK_INT(proactor_pool_shutdown(s.pool, patience()), PROACTOR_EPERM);
	atomic_store(&s.hold, false);
	thread_join(thread);
	CHECK_INT(proactor_pool_shutdown(s.pool, patience()), 0);
	proactor_pool_release(s.pool);
}

static void
release_inside(void *user_data, struct proactor_op *op, int status,
    unsigned int flags)
{
	struct stage *s = user_data;

	CHECK_INT(proactor_pool_shutdown(s->pool, PROACTOR_FOREVER),
	    PROACTOR_EBUSY);
	proactor_pool_release(s->pool);
	called(s, op, status, flags);
}

/* Its threads end by themselves, and what was in flight is told. */
static void
released_on_its_thread(void)
{
	static struct proactor_timer_op timer;
	static struct proactor_nop_op nop;
	static struct stage s;
	struct proactor *p;

	stage_open(&s, PROACTOR_POOL_PER_CPU, PROACTOR_POOL_THREADS);
	proactor_timer_op_init(&timer, PROACTOR_FOREVER, called, &s);
	CHECK_INT(proactor_submit_one(get(&s, count(&s) - 1), &timer.base),
	    0);
	proactor_nop_op_init(&nop, release_inside, &s);
	/* The submit may be the last to know of it. */
	p = proactor_retain(get(&s, 0));
	CHECK_INT(proactor_submit_one(p, &nop.base), 0);
	proactor_release(p);
	await(&s, 2);
}

static void
nothing_is_left(void)
{
	struct allocator a = { 0 };
	struct stage s;
	size_t before = open_fds(), i;

	stage_options(&s, PROACTOR_POOL_PER_CPU, PROACTOR_POOL_THREADS);
	allocator_use(&a, &s.proactor);
	CHECK_INT(proactor_pool_create(&s.options, &s.pool), 0);
	for (i = 0; i < count(&s); i++)
		(void)get(&s, i);
	CHECK(a.live > 0);
	proactor_pool_release(s.pool);
	CHECK_INT(a.live, 0);
	CHECK_INT(open_fds(), before);
}

static void
in_a_child(void)
{
	struct proactor *p = NULL;
	struct stage s;
	pid_t child;
	int status;

	stage_open(&s, PROACTOR_POOL_PER_CPU, PROACTOR_POOL_THREADS);
	(void)get(&s, 0);
	child = fork();
	CHECK(child != -1);
	if (child == 0) {
		CHECK_INT(proactor_pool_get(s.pool, 0, &p), PROACTOR_ECHILD);
		CHECK_INT(proactor_pool_current(s.pool, &p),
		    PROACTOR_ECHILD);
		CHECK_INT(proactor_pool_shutdown(s.pool, PROACTOR_FOREVER),
		    PROACTOR_ECHILD);
		CHECK(p == NULL);
		proactor_pool_release(s.pool);
		_exit(0);
	}
	while (waitpid(child, &status, 0) == -1)
		CHECK_INT(errno, EINTR);
	CHECK_INT(status, 0);
	CHECK_INT(proactor_pool_shutdown(s.pool, patience()), 0);
	proactor_pool_release(s.pool);
}

const struct tap_case proactor_pool_end_cases[] = {
	{ "proactor pool: shutdown and release cancel what is in flight",
	    shutdown_cancels },
	{ "proactor pool: shutdown keeps its deadline", shutdown_deadline },
	{ "proactor pool: who polls without its threads shuts down",
	    shut_down_by_its_thread },
	{ "proactor pool: may be released on its own thread",
	    released_on_its_thread },
	{ "proactor pool: no memory and no descriptor is left",
	    nothing_is_left },
	{ "proactor pool: a child of fork is told", in_a_child },
	{ NULL, NULL }
};
