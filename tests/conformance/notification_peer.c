/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <sys/mman.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "conformance/conformance.h"

/*
 * Shared notifications whose other side is not to be relied on: it may write
 * anything to the counts, end at any moment, or be a child of this process.
 */

struct peer {
	struct world w;
	struct proactor_notification_memory *memory;
	int fds[2];			/* wake: a pipe */
	struct proactor_notification *n;
};

static void
peer_open(struct peer *e)
{
	world_open(&e->w, NULL);
	e->memory = mmap(NULL, sizeof(*e->memory), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(e->memory != MAP_FAILED);
	CHECK_INT(pipe2(e->fds, O_CLOEXEC | O_NONBLOCK), 0);
	CHECK_INT(proactor_notification_create_shared(e->w.p, e->memory,
	    proactor_handle_fd(e->fds[0]), proactor_handle_none(), &e->n), 0);
}

static void
peer_close(struct peer *e)
{
	proactor_notification_release(e->n);
	world_close(&e->w);
	CHECK_INT(munmap(e->memory, sizeof(*e->memory)), 0);
	close(e->fds[0]);
	if (e->fds[1] >= 0)
		close(e->fds[1]);
}

#define COUNTS	(sizeof(((struct proactor_notification_memory *)0)->opaque) / \
		    sizeof(uint32_t))

static _Atomic uint32_t *
counts_of(struct peer *e)
{
	return (_Atomic uint32_t *)(void *)e->memory->opaque;
}

/* How many of the counts are not 0. */
static size_t
counts(struct peer *e)
{
	size_t i, n = 0;

	for (i = 0; i < COUNTS; i++)
		if (atomic_load(&counts_of(e)[i]) != 0)
			n++;
	return n;
}

static const uint32_t scribbles[] = { 0, UINT32_MAX, 0x55555555 };
#define SCRIBBLES	(sizeof(scribbles) / sizeof(scribbles[0]))

static void
scribble(struct peer *e, size_t i)
{
	size_t k;

	for (k = 0; k < COUNTS; k++)
		atomic_store(&counts_of(e)[k], scribbles[i]);
}

static void
scribbled_wait(void)
{
	struct proactor_notification_wait_op wait;
	struct peer e;
	size_t i;

	for (i = 0; i < SCRIBBLES; i++) {
		peer_open(&e);
		proactor_notification_wait_op_init(&wait, e.n, record,
		    &e.w.r);
		CHECK_INT(proactor_submit_one(e.w.p, &wait.base), 0);
		CHECK(poll_quiet(&e.w));
		scribble(&e, i);
		CHECK_INT(proactor_notification_signal(e.n, 1), 0);
		CHECK(poll_until(&e.w, &e.w.r.finals, 1));
		CHECK_INT(proactor_submit_one(e.w.p, &wait.base), 0);
		CHECK(poll_quiet(&e.w));
		scribble(&e, i);
		CHECK_INT(proactor_notification_signal_if_observed(e.n, 1),
		    1);
		CHECK(poll_until(&e.w, &e.w.r.finals, 2));
		peer_close(&e);
	}
}

static void *
block(void *arg)
{
	struct peer *e = arg;

	CHECK_INT(proactor_notification_wait_for_token(e->n, 0, patience()),
	    0);
	return NULL;
}

static void
scribbled_thread(void)
{
	pthread_t thread;
	struct peer e;
	size_t i;

	for (i = 0; i < SCRIBBLES; i++) {
		peer_open(&e);
		CHECK_INT(pthread_create(&thread, NULL, block, &e), 0);
		while (counts(&e) < 2)
			sched_yield();
		/* Time to fall asleep; it passes too when it has not. */
		CHECK(poll_quiet(&e.w));
		scribble(&e, i);
		CHECK_INT(proactor_notification_signal(e.n, 1), 0);
		CHECK_INT(pthread_join(thread, NULL), 0);
		peer_close(&e);
	}
}

static void
scribbled_observer(void)
{
	struct peer e;
	size_t i;

	for (i = 0; i < SCRIBBLES; i++) {
		peer_open(&e);
		CHECK_INT(proactor_notification_begin_observe(e.n), 0);
		scribble(&e, i);
		CHECK_INT(proactor_notification_signal_if_observed(e.n, 1),
		    1);
		CHECK_INT(proactor_notification_end_observe(e.n), 0);
		CHECK_INT(proactor_notification_end_observe(e.n),
		    PROACTOR_EINVAL);
		peer_close(&e);
	}
}

static void
relay_failed(void *user_data, struct proactor_relay *relay, int status)
{
	int *told = user_data;

	(void)relay;
	CHECK_INT(*told, 0);
	*told = status;
}

/* A relay from the notification to the pipe sink. */
static struct proactor_relay *
relay_from(struct peer *e, int sink, int *told)
{
	struct proactor_relay_options o;
	struct proactor_relay *relay;

	proactor_relay_options_init(&o);
	o.flags = PROACTOR_RELAY_PERSISTENT;
	o.source = e->n;
	o.sink_handle = proactor_handle_fd(sink);
	o.error_fn = relay_failed;
	o.user_data = told;
	CHECK_INT(proactor_register_relay(e->w.p, &o, &relay), 0);
	poll_barrier(&e->w);
	return relay;
}

/* Polls until there are 8 bytes in the pipe, or time is over. */
static bool
poll_readable(struct peer *e, int fd)
{
	int64_t deadline = patience();
	uint64_t value;

	while (proactor_now() < deadline) {
		if (read(fd, &value, sizeof(value)) == sizeof(value))
			return true;
		(void)proactor_poll(e->w.p, proactor_deadline_after(1000000),
		    NULL);
	}
	return false;
}

static void
scribbled_relay(void)
{
	struct proactor_relay *relay;
	int fds[2], told = 0;
	struct peer e;
	size_t i;

	for (i = 0; i < SCRIBBLES; i++) {
		peer_open(&e);
		CHECK_INT(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
		relay = relay_from(&e, fds[1], &told);
		CHECK(poll_quiet(&e.w));
		scribble(&e, i);
		CHECK_INT(proactor_notification_signal(e.n, 1), 0);
		CHECK(poll_readable(&e, fds[0]));
		CHECK_INT(proactor_unregister_relay(e.w.p, relay), 0);
		close(fds[0]);
		close(fds[1]);
		peer_close(&e);
	}
	CHECK_INT(told, 0);
}

/* --- it dies --- */

static void
sleep_for_ever(struct proactor_notification_memory *memory)
{
	struct proactor_notification *n;
	struct world w;

	world_open(&w, NULL);
	CHECK_INT(proactor_notification_create_shared(w.p, memory,
	    proactor_handle_none(), proactor_handle_none(), &n), 0);
	(void)proactor_notification_wait(n, PROACTOR_FOREVER);
	_exit(1);
}

/* Its sleeper stays in the memory, and is not woken instead of ours. */
static void
sleeper_dies(void)
{
	struct proactor_notification_wait_op wait;
	struct peer e;
	pid_t child;
	int status;

	peer_open(&e);
	proactor_notification_wait_op_init(&wait, e.n, record, &e.w.r);
	child = fork();
	CHECK(child >= 0);
	if (child == 0)
		sleep_for_ever(e.memory);
	while (counts(&e) < 2)
		sched_yield();
	CHECK_INT(kill(child, SIGKILL), 0);
	CHECK_INT(waitpid(child, &status, 0), child);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	CHECK_INT(proactor_submit_one(e.w.p, &wait.base), 0);
	CHECK(poll_quiet(&e.w));
	CHECK_INT(proactor_notification_signal(e.n, 1), 0);
	CHECK(poll_until(&e.w, &e.w.r.finals, 1));
	CHECK_INT(status_of(&e.w.r, &wait), 0);
	peer_close(&e);
}

/*
 * A relay that is listed with the notification cannot go on without the pipe;
 * one in the kernel sleeps on the epoch itself.
 */
static void
relay_source_ends(void)
{
	struct proactor_relay *relay;
	int64_t deadline = patience();
	int fds[2], told = 0;
	struct peer e;
	bool kernel;

	peer_open(&e);
	kernel = (proactor_query_capabilities(e.w.p) &
	    PROACTOR_CAP_FUTEX_OPERATIONS) != 0;
	CHECK_INT(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
	relay = relay_from(&e, fds[1], &told);
	CHECK_INT(close(e.fds[1]), 0);
	e.fds[1] = -1;
	while (!kernel && told == 0 && proactor_now() < deadline)
		(void)proactor_poll(e.w.p, deadline, NULL);
	CHECK_INT(told, kernel ? 0 : PROACTOR_EPIPE);
	CHECK(poll_quiet(&e.w));
	CHECK_INT(proactor_unregister_relay(e.w.p, relay), 0);
	close(fds[0]);
	close(fds[1]);
	peer_close(&e);
}

/* --- it is a child --- */

static void
child_releases(struct peer *e)
{
	(void)proactor_notification_begin_observe(e->n);
	(void)proactor_notification_end_observe(e->n);
	(void)proactor_notification_end_observe(e->n);
	proactor_release(e->w.p);
	proactor_notification_release(e->n);
	_exit(0);
}

/* What the child of fork(2) frees is its own; the counts are the parent's. */
static void
child_forgets(void)
{
	struct proactor_notification_memory before;
	struct proactor_notification_wait_op wait;
	struct proactor_relay *relay;
	int fds[2], status, told = 0;
	struct peer e;
	pid_t child;

	peer_open(&e);
	CHECK_INT(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
	relay = relay_from(&e, fds[1], &told);
	proactor_notification_wait_op_init(&wait, e.n, record, &e.w.r);
	CHECK_INT(proactor_submit_one(e.w.p, &wait.base), 0);
	CHECK_INT(proactor_notification_begin_observe(e.n), 0);
	CHECK(poll_quiet(&e.w));
	before = *e.memory;
	child = fork();
	CHECK(child >= 0);
	if (child == 0)
		child_releases(&e);
	CHECK_INT(waitpid(child, &status, 0), child);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	CHECK(memcmp(&before, e.memory, sizeof(before)) == 0);
	CHECK_INT(proactor_notification_signal(e.n, INT32_MAX), 0);
	CHECK(poll_until(&e.w, &e.w.r.finals, 1));
	CHECK(poll_readable(&e, fds[0]));
	CHECK_INT(proactor_notification_end_observe(e.n), 0);
	CHECK_INT(proactor_unregister_relay(e.w.p, relay), 0);
	CHECK_INT(told, 0);
	close(fds[0]);
	close(fds[1]);
	peer_close(&e);
}

const struct tap_case notification_peer_cases[] = {
	{ "notification peer: what it writes to the counts loses no wait",
	    scribbled_wait },
	{ "notification peer: nor a thread that blocks", scribbled_thread },
	{ "notification peer: nor an observer", scribbled_observer },
	{ "notification peer: nor a relay", scribbled_relay },
	{ "notification peer: it dies asleep, and takes no wake",
	    sleeper_dies },
	{ "notification peer: the end of the wake handle ends relays",
	    relay_source_ends },
	{ "notification peer: a child's release leaves the counts alone",
	    child_forgets },
	{ NULL, NULL }
};
