/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <stdatomic.h>
#include <string.h>

#include "conformance/relay.h"

/*
 * Where the kernel runs relays, the polling thread sleeps on while a sink is
 * fired.  The proof: that thread is forbidden the system calls with which it
 * could have done it itself.
 */

#if defined(__linux__)

#include <sys/prctl.h>
#include <sys/syscall.h>

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

#define CALL(number)							\
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (number), 0, 1),		\
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM)

/* This thread may neither write nor wake; false where it cannot be so. */
static bool
forbid_writing(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
		    offsetof(struct seccomp_data, nr)),
		CALL(SYS_write),
		CALL(SYS_writev),
		CALL(SYS_futex),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {
		.len = sizeof(code) / sizeof(code[0]),
		.filter = code,
	};

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

/* Is that thread of this process asleep?  Only Linux's /proc knows. */
static bool
is_asleep(long tid)
{
	char path[64], line[256];
	const char *state;
	FILE *f;
	bool asleep = false;

	snprintf(path, sizeof(path), "/proc/self/task/%ld/stat", tid);
	f = fopen(path, "r");
	CHECK(f != NULL);
	/* The state is after the name, which is in parentheses. */
	if (fgets(line, sizeof(line), f) != NULL) {
		state = strrchr(line, ')');
		asleep = state != NULL && state[1] == ' ' && state[2] == 'S';
	}
	(void)fclose(f);
	return asleep;
}

struct loop {
	struct relay r;
	struct world w;
	int kind;
	atomic_int armed;		/* 1; or -1, no filter; -2, no relays */
	atomic_int returned;
	atomic_long waiter;		/* its next sleep is for the sink */
};

/* The library says so, and must when there is all that they need. */
static bool
kernel_relays(struct world *w, int kind)
{
	uint64_t bits = proactor_query_capabilities(w->p);
	unsigned int tier;
	bool native;

	CHECK_INT(proactor_explain_capability(w->p, kind == 0 ?
	    PROACTOR_EXPLAIN_HANDLE_RELAYS :
	    PROACTOR_EXPLAIN_NOTIFICATION_RELAYS, &tier, NULL), 0);
	native = tier == PROACTOR_TIER_NATIVE;
	if ((bits & PROACTOR_CAP_LINKED_OPERATIONS) &&
	    (bits & PROACTOR_CAP_FUTEX_OPERATIONS))
		CHECK(native);
	else if (!(bits & PROACTOR_CAP_LINKED_OPERATIONS) || kind != 0)
		CHECK(!native);
	return native;
}

/*
 * All that has to do with the ring is this thread's: the kernel interrupts
 * who has had one, also when it is closed, and an interrupted waiter looks at
 * the epoch.
 */
static void *
poll_once(void *arg)
{
	struct loop *l = arg;
	const uint64_t one = 1;

	world_open(&l->w, NULL);
	if (!kernel_relays(&l->w, l->kind)) {
		world_close(&l->w);
		atomic_store(&l->armed, -2);
		return NULL;
	}
	relay_open(&l->w, &l->r, l->kind, 0);
	CHECK_INT(proactor_poll(l->w.p, PROACTOR_IMMEDIATE, NULL),
	    PROACTOR_ETIMEDOUT);
	if (!forbid_writing()) {
		atomic_store(&l->armed, -1);
		return NULL;
	}
	if (l->r.to.write_fd >= 0)
		CHECK_INT(write(l->r.to.write_fd, &one, sizeof(one)), -1);
	atomic_store(&l->armed, 1);
	CHECK_INT(proactor_poll(l->w.p, PROACTOR_FOREVER, NULL), 0);
	atomic_store(&l->returned, 1);
	return NULL;
}

/*
 * Who is not asleep yet would find the sink fired without having been woken,
 * which is what the polling thread could have done.
 */
static void *
touch_source(void *arg)
{
	struct loop *l = arg;
	long tid;

	while ((tid = atomic_load(&l->waiter)) == 0 || !is_asleep(tid))
		sched_yield();
	end_touch(&l->r.from);
	return NULL;
}

static void
wait_for_sink(struct loop *l, uint32_t token)
{
	struct pollfd poll_fd = { .fd = l->r.to.read_fd, .events = POLLIN };
	int64_t deadline = patience();

	if (l->r.to.n == NULL) {
		CHECK_INT(poll(&poll_fd, 1, 20000), 1);
		return;
	}
	CHECK_INT(proactor_notification_wait_for_token(l->r.to.n, token,
	    deadline), 0);
	/* Who was not woken finds at the end that the epoch is another. */
	CHECK(proactor_now() < deadline);
}

static void
fires_while_asleep(int kind)
{
	static struct loop l;
	pthread_t thread, toucher;
	uint32_t token;

	l.kind = kind;
	thread_start(&thread, poll_once, &l);
	/* Not joined: musl wakes who joins by a futex call of the thread. */
	CHECK_INT(pthread_detach(thread), 0);
	while (atomic_load(&l.armed) == 0)
		sched_yield();
	if (atomic_load(&l.armed) < 0) {
		if (atomic_load(&l.armed) == -2)
			SKIP("no relays in the kernel here");
		SKIP("no seccomp filter");
	}
	token = proactor_notification_query_epoch(l.r.to.n);
	thread_start(&toucher, touch_source, &l);
	atomic_store(&l.waiter, syscall(SYS_gettid));
	wait_for_sink(&l, token);
	thread_join(toucher);
	CHECK_INT(atomic_load(&l.returned), 0);
	CHECK_INT(proactor_wake(l.w.p), 0);
	while (atomic_load(&l.returned) == 0)
		sched_yield();
	proactor_release(l.w.p);
	CHECK_INT(l.r.errors, 0);
}

#else

static void
fires_while_asleep(int kind)
{
	(void)kind;
	SKIP("no relays in the kernel here");
}

#endif

static void
poll_to_write(void)
{
	fires_while_asleep(0);
}

static void
futex_wait_to_write(void)
{
	fires_while_asleep(1);
}

static void
poll_to_futex_wake(void)
{
	fires_while_asleep(2);
}

static void
futex_wait_to_futex_wake(void)
{
	fires_while_asleep(3);
}

/* More firings than the kernel has bytes for at once. */
static void
many_firings(void)
{
	struct relay r;
	struct world w;
	int kind, i;

	for (kind = 2; kind < RELAY_KINDS; kind++) {
		world_open(&w, NULL);
		relay_open(&w, &r, kind, PROACTOR_RELAY_PERSISTENT);
		for (i = 0; i < 9000; i++) {
			end_touch(&r.from);
			while (end_count(&r.to) == 0)
				(void)proactor_poll(w.p,
				    proactor_deadline_after(20000), NULL);
		}
		relay_close(&r);
		world_close(&w);
	}
}

const struct tap_case relay_kernel_cases[] = {
	{ "relay kernel: poll to write while the loop sleeps",
	    poll_to_write },
	{ "relay kernel: futex wait to write while the loop sleeps",
	    futex_wait_to_write },
	{ "relay kernel: poll to futex wake while the loop sleeps",
	    poll_to_futex_wake },
	{ "relay kernel: futex wait to futex wake while the loop sleeps",
	    futex_wait_to_futex_wake },
	{ "relay kernel: 9,000 firings of a notification", many_firings },
	{ NULL, NULL }
};
