/* SPDX-License-Identifier: ISC */
/*
 * Single system calls that are refused, by a filter or because the kernel is
 * old: what they were to do is done by other means.
 */
#include "config.h"

#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "fault/support.h"

#define ROUNDS	1000

struct waker {
	struct proactor *p;
	_Atomic int round;
};

/* A wake for each round, when the poller sleeps, as far as one can tell. */
static void *
wake_often(void *argument)
{
	struct waker *w = argument;
	int round, i;

	for (round = 0; round < ROUNDS; round++) {
		while (atomic_load(&w->round) < round)
			(void)sched_yield();
		for (i = 0; i < 20; i++)
			(void)sched_yield();
		CHECK_INT(proactor_wake(w->p), 0);
	}
	return NULL;
}

/*
 * Waking has another way: a pipe, made so small here that it would be full if
 * nobody read it.
 */
static void
no_eventfd(const char *name, unsigned int error)
{
	struct waker w = { .p = create_or_skip(name) };
	char reason[256];
	pthread_t thread;
	int next, i;

	end_proactor(w.p);
	forbid(SYS_eventfd2, SYS_eventfd2, error);
	next = next_descriptor();
	CHECK_INT(create(name, reason, &w.p), 0);
	for (i = next; i < next + 8; i++)
		(void)fcntl(i, F_SETPIPE_SZ, 4096);
	works(w.p);
	CHECK_INT(pthread_create(&thread, NULL, wake_often, &w), 0);
	for (i = 1; i <= ROUNDS; i++) {
		CHECK_INT(proactor_poll(w.p, proactor_deadline_after(
		    INT64_C(20000000000)), NULL), 0);
		atomic_store(&w.round, i);
	}
	CHECK_INT(pthread_join(thread, NULL), 0);
	/* It is quiet once the wakes are over. */
	CHECK_INT(proactor_poll(w.p, proactor_deadline_after(1000000), NULL),
	    PROACTOR_ETIMEDOUT);
	end_proactor(w.p);
}

static void
epoll_no_eventfd(void)
{
	no_eventfd("epoll", ENOSYS);
}

static void
epoll_no_eventfd_eperm(void)
{
	no_eventfd("epoll", EPERM);
}

static void
poll_no_eventfd(void)
{
	no_eventfd("poll", ENOSYS);
}

struct alarm {
	struct proactor_timer_op op;
	int *calls;
};

static void
not_early(void *user_data, struct proactor_op *op, int status,
    unsigned int flags)
{
	struct alarm *alarm = user_data;

	(void)op;
	(void)flags;
	CHECK_INT(status, 0);
	CHECK(proactor_now() >= alarm->op.deadline);
	(*alarm->calls)++;
}

/* Timers, and a poll's own deadline, to the microsecond. */
static void
never_early(const char *name, unsigned int call, unsigned int error)
{
	struct proactor *p;
	struct alarm alarm;
	char reason[256];
	int64_t deadline;
	int calls = 0, i;

	end_proactor(create_or_skip(name));
	forbid(call, call, error);
	CHECK_INT(create(name, reason, &p), 0);
	alarm.calls = &calls;
	for (i = 0; i < 60; i++) {
		proactor_timer_op_init(&alarm.op, proactor_deadline_after(
		    i * 33333 + 1), not_early, &alarm);
		CHECK_INT(proactor_submit_one(p, &alarm.op.base), 0);
		poll_calls(p, &calls, i + 1);
		deadline = proactor_deadline_after(i * 21013 + 1);
		CHECK_INT(proactor_poll(p, deadline, NULL),
		    PROACTOR_ETIMEDOUT);
		CHECK(proactor_now() >= deadline);
	}
	end_proactor(p);
}

static void
epoll_no_pwait2(void)
{
#ifdef SYS_epoll_pwait2
	never_early("epoll", SYS_epoll_pwait2, ENOSYS);
#else
	SKIP("the headers do not know of epoll_pwait2");
#endif
}

static void
epoll_no_pwait2_eperm(void)
{
#ifdef SYS_epoll_pwait2
	never_early("epoll", SYS_epoll_pwait2, EPERM);
#else
	SKIP("the headers do not know of epoll_pwait2");
#endif
}

/* Reads what it wrote, from a file and from a pipe. */
static void
use_files(struct proactor *p)
{
	struct proactor_file_read_op in;
	struct proactor_file_write_op out;
	struct proactor_file *file, *ends[2];
	char bytes[100], text[100];
	int calls = 0, fd, fds[2];

	fd = file_of(10);
	memset(text, 'y', sizeof(text));
	CHECK_INT(proactor_file_import(p, proactor_handle_fd(fd), &file), 0);
	proactor_file_write_op_init(&out, file, 10, proactor_span(text,
	    sizeof(text)), count_success, &calls);
	CHECK_INT(proactor_submit_one(p, &out.base), 0);
	poll_calls(p, &calls, 1);
	CHECK_INT(out.bytes, sizeof(text));
	proactor_file_read_op_init(&in, file, 10, proactor_span(bytes,
	    sizeof(bytes)), count_success, &calls);
	CHECK_INT(proactor_submit_one(p, &in.base), 0);
	poll_calls(p, &calls, 2);
	CHECK_INT(in.bytes, sizeof(bytes));
	CHECK_MEM(bytes, text, sizeof(text));
	proactor_file_release(file);

	CHECK_INT(pipe(fds), 0);
	CHECK_INT(proactor_file_import(p, proactor_handle_fd(fds[0]),
	    &ends[0]), 0);
	CHECK_INT(proactor_file_import(p, proactor_handle_fd(fds[1]),
	    &ends[1]), 0);
	memset(bytes, 0, sizeof(bytes));
	in.file = ends[0];
	out.file = ends[1];
	CHECK_INT(proactor_submit_one(p, &in.base), 0);
	CHECK_INT(proactor_poll(p, PROACTOR_IMMEDIATE, NULL),
	    PROACTOR_ETIMEDOUT);
	CHECK_INT(proactor_submit_one(p, &out.base), 0);
	poll_calls(p, &calls, 4);
	CHECK_INT(in.bytes, sizeof(bytes));
	CHECK_MEM(bytes, text, sizeof(text));
	proactor_file_release(ends[0]);
	proactor_file_release(ends[1]);
}

/* From a pipe that blocks to another one, twice. */
static void
use_relay(struct proactor *p)
{
	struct proactor_relay_options o;
	struct proactor_relay *relay;
	int i, in[2], out[2];
	uint64_t value;

	CHECK_INT(pipe(in), 0);
	CHECK_INT(pipe2(out, O_NONBLOCK), 0);
	proactor_relay_options_init(&o);
	o.flags = PROACTOR_RELAY_PERSISTENT;
	o.source_handle = proactor_handle_fd(in[0]);
	o.sink_handle = proactor_handle_fd(out[1]);
	o.value = 17;
	CHECK_INT(proactor_register_relay(p, &o, &relay), 0);
	for (i = 0; i < 2; i++) {
		value = 1;
		CHECK_INT(write(in[1], &value, sizeof(value)), sizeof(value));
		while (read(out[0], &value, sizeof(value)) < 0)
			(void)proactor_poll(p, PROACTOR_IMMEDIATE, NULL);
		CHECK_INT(value, 17);
		/* There is no more to read, and nobody waits for it. */
		(void)proactor_poll(p, PROACTOR_IMMEDIATE, NULL);
		CHECK_INT(read(out[0], &value, sizeof(value)), -1);
	}
	CHECK_INT(proactor_unregister_relay(p, relay), 0);
	for (i = 0; i < 2; i++) {
		close(in[i]);
		close(out[i]);
	}
}

static void
no_nowait(const char *name, unsigned int error)
{
	struct proactor *p = create_or_skip(name);

#if defined(SYS_preadv2) && defined(SYS_pwritev2)
	forbid(SYS_preadv2, SYS_preadv2, error);
	forbid(SYS_pwritev2, SYS_pwritev2, error);
#endif
	use_files(p);
	use_relay(p);
	end_proactor(p);
}

static void
epoll_no_nowait(void)
{
	no_nowait("epoll", ENOSYS);
}

static void
epoll_no_nowait_eperm(void)
{
	no_nowait("epoll", EPERM);
}

static void
poll_no_nowait(void)
{
	no_nowait("poll", ENOSYS);
}

/* The polling thread does itself what it has nobody for. */
static void
no_threads(const char *name)
{
	struct proactor *p = create_or_skip(name);
	struct proactor_file_open_op open_op;
	struct proactor_file_close_op close_op;
	int calls = 0;

	forbid(SYS_clone, SYS_clone, EAGAIN);
#ifdef SYS_clone3
	forbid(SYS_clone3, SYS_clone3, ENOSYS);
#endif
#if defined(SYS_preadv2) && defined(SYS_pwritev2)
	forbid(SYS_preadv2, SYS_preadv2, ENOSYS);
	forbid(SYS_pwritev2, SYS_pwritev2, ENOSYS);
#endif
	proactor_file_open_op_init(&open_op, "/", PROACTOR_FILE_READ, 0,
	    count_success, &calls);
	CHECK_INT(proactor_submit_one(p, &open_op.base), 0);
	poll_calls(p, &calls, 1);
	proactor_file_close_op_init(&close_op, open_op.file, count_success,
	    &calls);
	CHECK_INT(proactor_submit_one(p, &close_op.base), 0);
	poll_calls(p, &calls, 2);
	use_files(p);
	end_proactor(p);
}

static void
epoll_no_threads_child(void)
{
	no_threads("epoll");
}

static void
poll_no_threads_child(void)
{
	no_threads("poll");
}

/* In a child: who looks for leaks at exit may want a thread for it. */
static void
epoll_no_threads(void)
{
	end_proactor(create_or_skip("epoll"));
	in_child(epoll_no_threads_child);
}

static void
poll_no_threads(void)
{
	end_proactor(create_or_skip("poll"));
	in_child(poll_no_threads_child);
}

static const struct tap_case cases[] = {
	{ "without eventfd (ENOSYS): epoll is woken", epoll_no_eventfd },
	{ "without eventfd (EPERM): epoll is woken", epoll_no_eventfd_eperm },
	{ "without eventfd: poll is woken", poll_no_eventfd },
	{ "without epoll_pwait2 (ENOSYS): epoll is never early",
	    epoll_no_pwait2 },
	{ "without epoll_pwait2 (EPERM): epoll is never early",
	    epoll_no_pwait2_eperm },
	{ "without preadv2 (ENOSYS): epoll reads, writes, relays",
	    epoll_no_nowait },
	{ "without preadv2 (EPERM): epoll reads, writes, relays",
	    epoll_no_nowait_eperm },
	{ "without preadv2: poll reads, writes and relays", poll_no_nowait },
	{ "without threads: epoll works on files", epoll_no_threads },
	{ "without threads: poll works on files", poll_no_threads },
	{ NULL, NULL }
};

int
main(void)
{
	return tap_run(cases);
}
