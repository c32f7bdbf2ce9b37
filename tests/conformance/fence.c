/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <fcntl.h>
#include <unistd.h>

#include "conformance/fence.h"

/* Fences: descriptors that signal semaphores. */

static bool
is_open(int fd)
{
	return fcntl(fd, F_GETFD) != -1;
}

static void
import_signals(void)
{
	struct scene c;

	scene_open(&c);
	CHECK_INT(import(&c, c.fds[0], 5), 0);
	mark_at(&c.m, c.s, 4);
	CHECK(poll_quiet(&c.w));
	CHECK_INT(value_of(c.s), 0);
	CHECK(is_open(c.fds[0]));
	fd_write_all(c.fds[1], "x", 1);
	poll_mark(&c, 1);
	mark_check(&c.m, 1, 0);
	CHECK_INT(value_of(c.s), 5);
	/* It was the library's. */
	CHECK(!is_open(c.fds[0]));
	scene_close(&c);
}

static void
import_of_readable(void)
{
	struct scene c;

	scene_open(&c);
	fd_write_all(c.fds[1], "x", 1);
	CHECK_INT(import(&c, c.fds[0], 1), 0);
	mark_at(&c.m, c.s, 1);
	mark_check(&c.m, 0, 0);
	poll_mark(&c, 1);
	mark_check(&c.m, 1, 0);
	scene_close(&c);
}

static void
import_of_none(void)
{
	struct scene c;

	scene_open(&c);
	mark_at(&c.m, c.s, 3);
	CHECK_INT(import(&c, -1, 3), 0);
	mark_check(&c.m, 1, 0);
	CHECK_INT(value_of(c.s), 3);
	CHECK_INT(import(&c, -1, 3), PROACTOR_EINVAL);
	CHECK_INT(close(c.fds[0]), 0);
	scene_close(&c);
}

static void
import_refused(void)
{
	struct proactor_handle good;
	struct scene c;
	size_t before;

	scene_open(&c);
	good = proactor_handle_fd(c.fds[0]);
	before = open_fds();
	CHECK_INT(proactor_import_fence(NULL, good, c.s, 1),
	    PROACTOR_EINVAL);
	CHECK_INT(proactor_import_fence(c.w.p, good, NULL, 1),
	    PROACTOR_EINVAL);
	CHECK_INT(proactor_import_fence(c.w.p, proactor_handle_none(), c.s,
	    1), PROACTOR_EINVAL);
	CHECK_INT(import(&c, -2, 1), PROACTOR_EBADF);
	CHECK_INT(import(&c, 1 << 20, 1), PROACTOR_EBADF);
	CHECK_INT(import(&c, c.fds[0], 0), PROACTOR_EINVAL);
	signal_to(c.s, 3);
	CHECK_INT(import(&c, c.fds[0], 3), PROACTOR_EINVAL);
	CHECK_INT(proactor_semaphore_fail(c.s, PROACTOR_EIO), 0);
	CHECK_INT(import(&c, c.fds[0], 4), PROACTOR_EIO);
	CHECK_INT(import(&c, -1, 4), PROACTOR_EIO);
	/* A handle that was refused is the caller's. */
	CHECK_INT(open_fds(), before);
	CHECK(poll_quiet(&c.w));
	CHECK_INT(close(c.fds[0]), 0);
	scene_close(&c);
}

static void
import_overtaken(void)
{
	struct scene c;

	scene_open(&c);
	CHECK_INT(import(&c, c.fds[0], 5), 0);
	signal_to(c.s, 9);
	mark_at(&c.m, c.s, 10);
	fd_write_all(c.fds[1], "x", 1);
	while (is_open(c.fds[0]))
		CHECK_INT(proactor_poll(c.w.p, patience(), NULL), 0);
	CHECK_INT(value_of(c.s), 9);
	CHECK_INT(proactor_semaphore_query_status(c.s), 0);
	mark_check(&c.m, 0, 0);
	CHECK_INT(proactor_semaphore_cancel_timepoint(c.s, &c.m.point), 0);
	scene_close(&c);
}

/* The other end goes without a signal: nobody is left waiting. */
static void
import_of_the_dead(void)
{
	struct scene c;

	scene_open(&c);
	CHECK_INT(import(&c, c.fds[0], 5), 0);
	mark_at(&c.m, c.s, 5);
	CHECK(poll_quiet(&c.w));
	CHECK_INT(close(c.fds[1]), 0);
	poll_mark(&c, 1);
	mark_check(&c.m, 1, PROACTOR_EPIPE);
	CHECK(!is_open(c.fds[0]));
	proactor_semaphore_release(c.s);
	world_close(&c.w);
}

static void
import_retains(void)
{
	struct scene c;

	scene_open(&c);
	mark_at(&c.m, c.s, 5);
	CHECK_INT(import(&c, c.fds[0], 5), 0);
	proactor_semaphore_release(c.s);
	CHECK(poll_quiet(&c.w));
	mark_check(&c.m, 0, 0);
	fd_write_all(c.fds[1], "x", 1);
	poll_mark(&c, 1);
	mark_check(&c.m, 1, 0);
	world_close(&c.w);
	CHECK_INT(close(c.fds[1]), 0);
}

static void *
import_it(void *arg)
{
	struct scene *c = arg;

	CHECK_INT(import(c, c->fds[0], 5), 0);
	return NULL;
}

/* What cannot be watched fails the semaphore. */
static void
import_of_what_is_gone(void)
{
	struct scene c;
	pthread_t thread;

	scene_open(&c);
	/* From a thread it is watched from the next poll on. */
	CHECK_INT(proactor_poll(c.w.p, PROACTOR_IMMEDIATE, NULL),
	    PROACTOR_ETIMEDOUT);
	thread_start(&thread, import_it, &c);
	thread_join(thread);
	CHECK_INT(close(c.fds[0]), 0);
	mark_at(&c.m, c.s, 5);
	poll_mark(&c, 1);
	mark_check(&c.m, 1, PROACTOR_EBADF);
	CHECK_INT(proactor_semaphore_query_status(c.s), PROACTOR_EBADF);
	scene_close(&c);
}

static void
import_from_thread(void)
{
	struct scene c;
	pthread_t thread;
	int i;

	for (i = 0; i < 50; i++) {
		scene_open(&c);
		CHECK_INT(proactor_poll(c.w.p, PROACTOR_IMMEDIATE, NULL),
		    PROACTOR_ETIMEDOUT);
		mark_at(&c.m, c.s, 5);
		thread_start(&thread, import_it, &c);
		fd_write_all(c.fds[1], "x", 1);
		poll_mark(&c, 1);
		mark_check(&c.m, 1, 0);
		thread_join(thread);
		scene_close(&c);
	}
}

struct importer {
	struct proactor_timepoint point;
	struct scene *c;
};

static void
import_in_call(void *user_data, struct proactor_timepoint *point, int status)
{
	struct importer *i = user_data;

	(void)point;
	CHECK_INT(status, 0);
	CHECK_INT(import(i->c, i->c->fds[0], 2), 0);
}

static void
import_in_a_callback(void)
{
	struct importer i;
	struct scene c;
	int other[2];

	scene_open(&c);
	i.c = &c;
	CHECK_INT(pipe2(other, O_CLOEXEC), 0);
	proactor_timepoint_init(&i.point, import_in_call, &i);
	CHECK_INT(proactor_semaphore_acquire_timepoint(c.s, 1, &i.point), 0);
	mark_at(&c.m, c.s, 2);
	CHECK_INT(import(&c, other[0], 1), 0);
	fd_write_all(c.fds[1], "x", 1);
	CHECK(poll_quiet(&c.w));
	fd_write_all(other[1], "x", 1);
	poll_mark(&c, 1);
	mark_check(&c.m, 1, 0);
	CHECK_INT(close(other[1]), 0);
	scene_close(&c);
}

static void
import_and_shutdown(void)
{
	struct scene c;

	scene_open(&c);
	CHECK_INT(import(&c, c.fds[0], 5), 0);
	mark_at(&c.m, c.s, 5);
	CHECK(poll_quiet(&c.w));
	CHECK_INT(proactor_shutdown(c.w.p, patience()), 0);
	mark_check(&c.m, 1, PROACTOR_ESHUTDOWN);
	CHECK(!is_open(c.fds[0]));
	CHECK_INT(proactor_shutdown_remaining(c.w.p, NULL, NULL), 0);
	proactor_release(c.w.p);
	proactor_semaphore_release(c.s);
	CHECK_INT(close(c.fds[1]), 0);

	/* Afterwards it is refused, and the handle the caller's. */
	scene_open(&c);
	CHECK_INT(proactor_shutdown(c.w.p, patience()), 0);
	CHECK_INT(import(&c, c.fds[0], 5), PROACTOR_ESHUTDOWN);
	CHECK_INT(proactor_semaphore_query_status(c.s), 0);
	CHECK_INT(close(c.fds[0]), 0);
	proactor_release(c.w.p);
	proactor_semaphore_release(c.s);
	CHECK_INT(close(c.fds[1]), 0);
}

static void
tell_none(void *user_data, struct proactor_op *op)
{
	size_t *told = user_data;

	(void)op;
	++*told;
}

/* The operation of a fence is not the caller's to look at. */
static void
import_remains(void)
{
	struct scene c;
	size_t told = 0;

	scene_open(&c);
	CHECK_INT(import(&c, c.fds[0], 5), 0);
	CHECK(poll_quiet(&c.w));
	(void)proactor_shutdown(c.w.p, PROACTOR_IMMEDIATE);
	CHECK(proactor_shutdown_remaining(c.w.p, tell_none, &told) <= 1);
	CHECK_INT(told, 0);
	CHECK_INT(proactor_shutdown(c.w.p, patience()), 0);
	CHECK_INT(proactor_semaphore_query_status(c.s), PROACTOR_ESHUTDOWN);
	proactor_semaphore_release(c.s);
	proactor_release(c.w.p);
	CHECK_INT(close(c.fds[1]), 0);
}

#define IMPORTS	20

/* Imports of fresh semaphores until one is refused; that handle is ours. */
struct crowd {
	struct scene *c;
	struct proactor_semaphore *s[IMPORTS];
	size_t count;
};

static void *
import_many(void *arg)
{
	struct crowd *w = arg;
	int fds[2], status = 0;

	for (w->count = 0; w->count < IMPORTS && status == 0; w->count++) {
		w->s[w->count] = semaphore_open(&w->c->w, 0);
		CHECK_INT(pipe2(fds, O_CLOEXEC), 0);
		/* Half of them are signalled by then. */
		if (w->count % 2 == 0)
			fd_write_all(fds[1], "x", 1);
		status = proactor_import_fence(w->c->w.p,
		    proactor_handle_fd(fds[0]), w->s[w->count], 1);
		CHECK(status == 0 || status == PROACTOR_ESHUTDOWN);
		if (status != 0) {
			CHECK_INT(proactor_semaphore_fail(w->s[w->count],
			    status), 0);
			close_fds(fds);
		} else if (w->count % 2 == 0)
			CHECK_INT(close(fds[1]), 0);
	}
	return NULL;
}

/* Whatever was taken is signalled, or failed, when the shutdown is over. */
static void
imports_and_shutdown(void)
{
	struct crowd w;
	struct scene c;
	pthread_t thread;
	uint64_t value;
	size_t i;
	int round, status;

	for (round = 0; round < 30; round++) {
		scene_open(&c);
		CHECK_INT(proactor_poll(c.w.p, PROACTOR_IMMEDIATE, NULL),
		    PROACTOR_ETIMEDOUT);
		w.c = &c;
		thread_start(&thread, import_many, &w);
		for (i = 0; i < (size_t)round; i++)
			(void)proactor_poll(c.w.p, PROACTOR_IMMEDIATE, NULL);
		CHECK_INT(proactor_shutdown(c.w.p, patience()), 0);
		thread_join(thread);
		for (i = 0; i < w.count; i++) {
			status = proactor_semaphore_query_status(w.s[i]);
			CHECK_INT(proactor_semaphore_query(w.s[i], &value),
			    0);
			CHECK(status == PROACTOR_ESHUTDOWN ||
			    (status == 0 && value == 1));
			proactor_semaphore_release(w.s[i]);
		}
		proactor_release(c.w.p);
		proactor_semaphore_release(c.s);
		close_fds(c.fds);
	}
}

/* Without shutdown, with and without a poll before. */
static void
import_and_release(void)
{
	struct proactor_semaphore_wait_op wait;
	struct scene c;
	uint64_t value = 5;
	int i;

	for (i = 0; i < 3; i++) {
		scene_open(&c);
		mark_at(&c.m, c.s, 5);
		if (i == 1)
			CHECK(poll_quiet(&c.w));
		CHECK_INT(import(&c, c.fds[0], 5), 0);
		proactor_semaphore_wait_op_init(&wait, PROACTOR_WAIT_ALL,
		    &c.s, &value, 1, record, &c.w.r);
		CHECK_INT(proactor_submit_one(c.w.p, &wait.base), 0);
		if (i == 2)
			CHECK(poll_quiet(&c.w));
		proactor_release(c.w.p);
		mark_check(&c.m, 1, PROACTOR_ESHUTDOWN);
		CHECK(!is_open(c.fds[0]));
		CHECK_INT(c.w.r.calls, 0);
		proactor_semaphore_release(c.s);
		CHECK_INT(close(c.fds[1]), 0);
	}
}

const struct tap_case fence_cases[] = {
	{ "import fence: signals when it becomes readable, and is closed",
	    import_signals },
	{ "import fence: one that is readable signals in the next poll",
	    import_of_readable },
	{ "import fence: -1 is signalled already", import_of_none },
	{ "import fence: what is refused is still the caller's",
	    import_refused },
	{ "import fence: a semaphore that is further stays as it is",
	    import_overtaken },
	{ "import fence: one whose other end has gone fails the semaphore",
	    import_of_the_dead },
	{ "import fence: one that cannot be watched fails the semaphore",
	    import_of_what_is_gone },
	{ "import fence: keeps the semaphore", import_retains },
	{ "import fence: from other threads", import_from_thread },
	{ "import fence: in a callback", import_in_a_callback },
	{ "import fence: a shutdown fails the semaphore",
	    import_and_shutdown },
	{ "import fence: one that a shutdown leaves is not told of",
	    import_remains },
	{ "import fence: imports of a thread race with a shutdown",
	    imports_and_shutdown },
	{ "import fence: a release fails the semaphore",
	    import_and_release },
	{ NULL, NULL }
};
