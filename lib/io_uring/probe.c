/* SPDX-License-Identifier: ISC */
/*
 * What this kernel can do, found out by asking and by trying, never by its
 * version: distributions carry features back, and sandboxes pretend.
 */
#include "ring.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#define PROBE_ENTRIES	4

/*
 * The trials of the clock: how many are to be good, how long one is, 50 us or
 * when we are held up to 5 ms, and when the wait is given up, 0.1 s.
 */
#define TRIALS		2
#define TRIAL_NS	50000
#define TRIAL_MAX_NS	5000000
#define LATE_NS		100000000

/* Set-up flags in groups, newest first: each is dropped on EINVAL. */
static const uint64_t groups[] = {
	IORING_SETUP_DEFER_TASKRUN,
	IORING_SETUP_SINGLE_ISSUER,
	IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
	IORING_SETUP_SUBMIT_ALL,
};
#define GROUPS	(sizeof(groups) / sizeof(groups[0]))

/*
 * The probe of this process, and the generation that has it.  A child of
 * fork(2) may be in another time namespace, and probes for itself.
 */
static struct ring_probe cache;
static _Atomic uint32_t claimed, cached;

/*
 * Sets a ring up with the flags, or with those of them that the kernel takes:
 * *flags is what it took.  0 or a negative errno.
 */
int
proactor__ring_setup(struct io_uring *uring, unsigned int entries,
    uint64_t *flags)
{
	struct io_uring_params params;
	size_t group = 0;
	int error;

	for (;;) {
		memset(&params, 0, sizeof(params));
		params.flags = (unsigned int)*flags;
		params.cq_entries = entries * 4;
		error = io_uring_queue_init_params(entries, uring, &params);
		if (error != -EINVAL)
			return error;
		while (group < GROUPS && !(*flags & groups[group]))
			group++;
		if (group == GROUPS)
			return error;
		*flags &= ~groups[group];
	}
}

static bool
is_refusal(int error)
{
	return error == EPERM || error == EACCES || error == ENOSYS;
}

/*
 * Words for the ways in which io_uring is refused, and the code for a user
 * who cannot have made the argument bad.
 */
int
proactor__ring_refused(int error, char *why, size_t size)
{
	struct rlimit limit;

	switch (error) {
	case -ENOSYS:
		snprintf(why, size, "the kernel or a seccomp filter has no "
		    "io_uring (ENOSYS)");
		break;
	case -EPERM:
	case -EACCES:
		snprintf(why, size, "io_uring is forbidden here (%s): a "
		    "seccomp filter, or the sysctl kernel.io_uring_disabled",
		    error == -EPERM ? "EPERM" : "EACCES");
		break;
	case -ENOMEM:
		if (getrlimit(RLIMIT_MEMLOCK, &limit) != 0)
			limit.rlim_cur = 0;
		snprintf(why, size, "no memory for a ring (ENOMEM): "
		    "RLIMIT_MEMLOCK is %llu KiB, see ulimit -l",
		    (unsigned long long)limit.rlim_cur / 1024);
		break;
	default:
		snprintf(why, size, "no ring could be set up (%s)",
		    strerror(-error));
		break;
	}
	return error == -ENOSYS || error == -EINVAL || error == -EOPNOTSUPP ?
	    PROACTOR_ENOTSUP : error;
}

/*
 * May this ring, which is still disabled, be entered and registered with?  A
 * filter may have come after the probe, and may know three calls.
 */
int
proactor__ring_allowed(struct io_uring *uring)
{
	struct io_uring_probe none;
	int error;

	error = proactor_uring_enter(uring->ring_fd, 0, 0, 0);
	if (is_refusal(-error))
		return error;
	memset(&none, 0, sizeof(none));
	if (proactor_uring_register(uring->ring_fd, IORING_REGISTER_PROBE,
	    &none, 0) < 0 && is_refusal(errno))
		return -errno;
	return 0;
}

/* A NOP through the ring: an emulation may take everything and do nothing. */
static int
self_test(struct io_uring *uring)
{
	struct __kernel_timespec second = { 1, 0 };
	struct io_uring_cqe *cqe;
	struct io_uring_sqe *sqe;
	int error;

	sqe = io_uring_get_sqe(uring);
	if (sqe == NULL)
		return -EIO;
	io_uring_prep_nop(sqe);
	sqe->user_data = 1;
	error = io_uring_submit(uring);
	if (error != 1)
		return error < 0 ? error : -EIO;
	error = io_uring_wait_cqe_timeout(uring, &cqe, &second);
	if (error != 0)
		return error;
	error = cqe->user_data == 1 ? cqe->res : -EIO;
	io_uring_cqe_seen(uring, cqe);
	return error;
}

static int
probe_opcodes(struct io_uring *uring, struct ring_probe *probe)
{
	struct proactor_uring_opcodes opcodes;
	struct proactor_uring_query query;
	struct io_uring_probe *old;
	int i;

	/* Newer kernels say it without a ring. */
	memset(&opcodes, 0, sizeof(opcodes));
	memset(&query, 0, sizeof(query));
	query.operation = PROACTOR_URING_QUERY_OPCODES;
	query.data = (uint64_t)(uintptr_t)&opcodes;
	query.size = sizeof(opcodes);
	if (proactor_uring_register(-1, PROACTOR_URING_REGISTER_QUERY, &query,
	    0) == 0 && query.result == 0 && opcodes.request_opcodes > 0) {
		probe->opcodes = opcodes.request_opcodes >= 64 ? UINT64_MAX :
		    (UINT64_C(1) << opcodes.request_opcodes) - 1;
		return 0;
	}
	old = io_uring_get_probe_ring(uring);
	if (old == NULL)
		return -EOPNOTSUPP;
	for (i = 0; i < 64 && i <= old->last_op; i++)
		if (io_uring_opcode_supported(old, i))
			probe->opcodes |= UINT64_C(1) << i;
	io_uring_free_probe(old);
	return 0;
}

/* It is handed over, with its length, by the next system call. */
static void
prepare_timeout(struct io_uring *uring, struct __kernel_timespec *length,
    int64_t nanoseconds)
{
	struct io_uring_sq *sq = &uring->sq;
	unsigned int place = sq->sqe_tail & *sq->kring_mask;

	length->tv_sec = 0;
	length->tv_nsec = nanoseconds;
	io_uring_prep_timeout(&sq->sqes[place], length, 0, 0);
	if (sq->array != NULL)
		sq->array[place] = place;
	sq->sqe_tail++;
}

/*
 * Begins two timeouts and waits until a time, by the kernel's own clock.  How
 * many of them have ended by then, or a negative code: they begin in the system
 * call that waits, and any that ends, ends that.  The caller blocks signals: a
 * wait that one ends cannot be told from a whole one.
 */
static int
ended_before(struct io_uring *uring, int64_t until, int64_t early,
    int64_t late)
{
	struct __kernel_timespec lengths[2], second = { .tv_sec = 1 }, end = {
		.tv_sec = until / 1000000000,
		.tv_nsec = until % 1000000000,
	};
	struct io_uring_sq *sq = &uring->sq;
	int fd = uring->ring_fd, count;

	prepare_timeout(uring, &lengths[0], early);
	prepare_timeout(uring, &lengths[1], late);
	io_uring_smp_store_release(sq->ktail, sq->sqe_tail);
	sq->sqe_head = sq->sqe_tail;
	count = proactor_uring_enter_timed(fd, 2, 2,
	    PROACTOR_URING_ENTER_ABS_TIMER, &end);
	if (count < 0)
		return count;
	count = (int)io_uring_cq_ready(uring);
	if (count == 1) {
		(void)proactor_uring_enter_timed(fd, 0, 2,
		    PROACTOR_URING_ENTER_ABS_TIMER, &end);
		count = (int)io_uring_cq_ready(uring);
	} else if (count == 0)
		/* Nor is it to be taken for one of the next trial's. */
		(void)proactor_uring_enter_timed(fd, 0, 1, 0, &second);
	io_uring_cq_advance(uring, io_uring_cq_ready(uring));
	return count;
}

/*
 * Does the kernel wait until a time of our clock?  Since Linux 6.12 it can, but
 * goes by the host's, and in a time namespace that is another: tried on 6.18.
 * What ends before tells where the kernel's clock is, however long we are held
 * up meanwhile.  If none does, that clock is ahead, or it took us that long
 * from our look at the time into the kernel: the next trial is longer.
 */
static bool
probe_waits_until(struct io_uring *uring)
{
	int64_t length = TRIAL_NS;
	sigset_t all, before;
	int count, good = 0;

	if (!(uring->features & IORING_FEAT_EXT_ARG))
		return false;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	while (good < TRIALS && length <= TRIAL_MAX_NS) {
		count = ended_before(uring, proactor_now() + length,
		    length / 2, LATE_NS);
		if (count == 1)
			good++;
		else if (count == 0)
			length *= 10;
		else
			break;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return good == TRIALS;
}

static bool
has(const struct ring_probe *probe, unsigned int opcode)
{
	return (probe->opcodes & (UINT64_C(1) << opcode)) != 0;
}

/* What the library cannot do without. */
static const struct {
	unsigned int opcode;
	const char *name;
} needed[] = {
	{ IORING_OP_NOP, "NOP" },
	{ IORING_OP_POLL_ADD, "POLL_ADD" },
	{ IORING_OP_TIMEOUT, "TIMEOUT" },
	{ IORING_OP_ASYNC_CANCEL, "ASYNC_CANCEL" },
	{ IORING_OP_ACCEPT, "ACCEPT" },
	{ IORING_OP_CONNECT, "CONNECT" },
	{ IORING_OP_RECV, "RECV" },
	{ IORING_OP_SEND, "SEND" },
	{ IORING_OP_RECVMSG, "RECVMSG" },
	{ IORING_OP_SENDMSG, "SENDMSG" },
	{ IORING_OP_OPENAT, "OPENAT" },
	{ IORING_OP_CLOSE, "CLOSE" },
	{ IORING_OP_READ, "READ" },
	{ IORING_OP_WRITE, "WRITE" },
};

static int
check_needed(const struct ring_probe *probe, char *why, size_t size)
{
	size_t i;

	if (!(probe->features & IORING_FEAT_NODROP)) {
		snprintf(why, size, "the kernel may lose completions (no "
		    "NODROP)");
		return PROACTOR_ENOTSUP;
	}
	for (i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
		if (!has(probe, needed[i].opcode)) {
			snprintf(why, size, "the kernel's io_uring has no %s",
			    needed[i].name);
			return PROACTOR_ENOTSUP;
		}
	return 0;
}

static int
probe_now(struct ring_probe *probe, char *why, size_t size)
{
	struct io_uring uring;
	int error;

	memset(probe, 0, sizeof(*probe));
	probe->setup_flags = IORING_SETUP_CLAMP | IORING_SETUP_CQSIZE |
	    IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_SINGLE_ISSUER |
	    IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG |
	    IORING_SETUP_SUBMIT_ALL;
	error = proactor__ring_setup(&uring, PROBE_ENTRIES,
	    &probe->setup_flags);
	if (error != 0) {
		return proactor__ring_refused(error, why, size);
	}
	probe->features = uring.features;
	error = self_test(&uring);
	if (error != 0)
		error = proactor__ring_refused(error, why, size);
	probe->fixed_files = error == 0 &&
	    io_uring_register_files_sparse(&uring, PROBE_ENTRIES) == 0;
	if (error == 0) {
		error = probe_opcodes(&uring, probe);
		if (error != 0)
			snprintf(why, size, "the kernel does not say what "
			    "its io_uring can do");
	}
	if (error == 0 && has(probe, PROACTOR_URING_OP_FUTEX_WAIT) &&
	    has(probe, PROACTOR_URING_OP_FUTEX_WAKE))
		probe->futex_sizes = proactor__ring_probe_futex(&uring);
	/* The last, for what it leaves there. */
	probe->waits_until = error == 0 && probe_waits_until(&uring);
	io_uring_queue_exit(&uring);
	if (error == 0)
		error = check_needed(probe, why, size);
	/*
	 * Not opcodes, and not to be asked for: each came in the release of
	 * the opcode named (axboe/liburing's manual pages).
	 */
	probe->multishot_accept = has(probe, PROACTOR_URING_OP_SOCKET);
	probe->poll_first = has(probe, PROACTOR_URING_OP_SOCKET);
	probe->cancel_any = has(probe, PROACTOR_URING_OP_SOCKET);
	return error;
}

/*
 * The probe of this process: kept, unless it fails, for what forbids io_uring
 * may change.  Any thread; those that come before the first is done make their
 * own.
 */
int
proactor__ring_probe(struct ring_probe *ret_probe, char *why, size_t size)
{
	uint32_t generation = proactor__generation_create();
	uint32_t claim;
	int error;

	if (generation != 0 && atomic_load(&cached) == generation) {
		*ret_probe = cache;
		return 0;
	}
	error = probe_now(ret_probe, why, size);
	claim = atomic_load(&claimed);
	if (error == 0 && claim != generation &&
	    atomic_compare_exchange_strong(&claimed, &claim, generation)) {
		cache = *ret_probe;
		atomic_store(&cached, generation);
	}
	return error;
}

uint64_t
proactor__ring_capabilities(const struct ring_probe *probe)
{
	uint64_t c = PROACTOR_CAP_DEVICE_FENCE |
	    PROACTOR_CAP_LINKED_OPERATIONS;

	if (probe->waits_until)
		c |= PROACTOR_CAP_ABSOLUTE_TIMEOUT;
	if (probe->fixed_files)
		c |= PROACTOR_CAP_FIXED_FILES;
	if (probe->multishot_accept)
		c |= PROACTOR_CAP_MULTISHOT;
	/* The report of what was copied came with SENDMSG_ZC. */
	if (has(probe, PROACTOR_URING_OP_SENDMSG_ZC))
		c |= PROACTOR_CAP_ZERO_COPY_SEND;
	/* Relays wait on 32 bits. */
	if (probe->futex_sizes & PROACTOR_FUTEX_32)
		c |= PROACTOR_CAP_FUTEX_OPERATIONS;
	return c;
}

struct explanation {
	uint64_t capability;
	unsigned int with;		/* its tier with the bit */
	unsigned int without;
	const char *present;
	const char *absent;
};

static const struct explanation explanations[] = {
	{ PROACTOR_CAP_MULTISHOT, PROACTOR_TIER_NATIVE, PROACTOR_TIER_EMULATED,
	    "accept is the kernel's; recv into the caller's spans is "
	    "armed again each time",
	    "armed again each time: masked, or the kernel has no "
	    "multishot accept (Linux 5.19)" },
	{ PROACTOR_CAP_FIXED_FILES, PROACTOR_TIER_NATIVE,
	    PROACTOR_TIER_EMULATED, "busy descriptors move to the ring's table",
	    "masked, or the kernel has no sparse table (Linux 5.19): "
	    "descriptors are looked up for each operation" },
	{ PROACTOR_CAP_REGISTERED_BUFFERS, PROACTOR_TIER_NATIVE,
	    PROACTOR_TIER_ABSENT, "",
	    "this release has no registered memory" },
	{ PROACTOR_CAP_LINKED_OPERATIONS, PROACTOR_TIER_NATIVE,
	    PROACTOR_TIER_EMULATED,
	    "chains of kernel operations run in the kernel",
	    "masked: each step of a chain goes through a poll" },
	{ PROACTOR_CAP_ZERO_COPY_SEND, PROACTOR_TIER_NATIVE,
	    PROACTOR_TIER_EMULATED,
	    "sends of 3 KiB and more on sockets that ask for it",
	    "copied: masked, or the kernel has no SENDMSG_ZC (Linux 6.1)" },
	{ PROACTOR_CAP_DMABUF, PROACTOR_TIER_NATIVE, PROACTOR_TIER_ABSENT, "",
	    "this release has no registered memory" },
	{ PROACTOR_CAP_DEVICE_FENCE, PROACTOR_TIER_NATIVE,
	    PROACTOR_TIER_ABSENT,
	    "the kernel polls a fence; a sync_file's error is read",
	    "masked: fences are refused" },
	{ PROACTOR_CAP_ABSOLUTE_TIMEOUT, PROACTOR_TIER_NATIVE,
	    PROACTOR_TIER_EMULATED,
	    "the kernel waits until the time of the first deadline",
	    "masked, before Linux 6.12, or in a time namespace: the kernel "
	    "waits for the time that is left to the first deadline" },
	{ PROACTOR_CAP_FUTEX_OPERATIONS, PROACTOR_TIER_NATIVE,
	    PROACTOR_TIER_ABSENT,
	    "waits and wakes run in the kernel",
	    "masked, or the kernel has no FUTEX_WAIT (Linux 6.7)" },
	{ PROACTOR_CAP_PROACTOR_MESSAGING, PROACTOR_TIER_NATIVE,
	    PROACTOR_TIER_EMULATED, "",
	    "messages go through memory and wake only a sleeper, which is "
	    "faster than the kernel's messages" },
};

/* Whether a relay is a chain in the kernel, which must be one that can. */
static unsigned int
explain_relays(const struct proactor *p, bool futexes, const char **ret_reason)
{
	if (!(p->capabilities & PROACTOR_CAP_LINKED_OPERATIONS))
		*ret_reason = "each turn of a relay goes through a poll: "
		    "chains are masked";
	else if (!proactor__ring_runs_relays(p))
		*ret_reason = "each turn of a relay goes through a poll: the "
		    "ring's chains cannot tell of their end only (Linux 5.17)";
	else if (futexes && !(p->capabilities & PROACTOR_CAP_FUTEX_OPERATIONS))
		*ret_reason = "each turn of a relay goes through a poll: "
		    "masked, or the kernel has no FUTEX_WAIT (Linux 6.7)";
	else {
		*ret_reason = "a chain of kernel operations, which runs while "
		    "the loop sleeps";
		return PROACTOR_TIER_NATIVE;
	}
	return PROACTOR_TIER_EMULATED;
}

unsigned int
proactor__ring_explain(const struct proactor *p, uint64_t capability,
    const char **ret_reason)
{
	const struct explanation *e;
	size_t i;

	if (capability == PROACTOR_EXPLAIN_HANDLE_RELAYS ||
	    capability == PROACTOR_EXPLAIN_NOTIFICATION_RELAYS)
		return explain_relays(p, capability !=
		    PROACTOR_EXPLAIN_HANDLE_RELAYS, ret_reason);
	for (i = 0; i < sizeof(explanations) / sizeof(explanations[0]); i++) {
		e = &explanations[i];
		if (e->capability != capability)
			continue;
		if (p->capabilities & capability) {
			*ret_reason = e->present;
			return e->with;
		}
		*ret_reason = e->absent;
		return e->without;
	}
	*ret_reason = "unknown";
	return PROACTOR_TIER_ABSENT;
}
