/* SPDX-License-Identifier: ISC */
/* Operations on futexes. */
#include "decode.h"

#include <sys/prctl.h>

#include <errno.h>
#include <pthread.h>
#include <signal.h>

/* Every size that a word may have. */
static const struct {
	unsigned int size;
	unsigned int flag;
} sizes[] = {
	{ PROACTOR_FUTEX_8, PROACTOR_FUTEX2_U8 },
	{ PROACTOR_FUTEX_16, PROACTOR_FUTEX2_U16 },
	{ PROACTOR_FUTEX_32, PROACTOR_FUTEX2_U32 },
	{ PROACTOR_FUTEX_64, PROACTOR_FUTEX2_U64 },
};

static void
prepare(struct io_uring_sqe *sqe, unsigned int opcode, const void *address,
    uint64_t value, unsigned int futex_flags)
{
	unsigned int size = futex_flags & ~PROACTOR_FUTEX_PRIVATE;
	unsigned int flags = 0, i;

	for (i = 0; sizes[i].size != size; i++)
		continue;
	flags = sizes[i].flag;
	if (futex_flags & PROACTOR_FUTEX_PRIVATE)
		flags |= PROACTOR_FUTEX2_PRIVATE;
	io_uring_prep_rw((int)opcode, sqe, (int)flags, address, 0, value);
	proactor_uring_set_addr3(sqe, size == 8 ? UINT64_MAX :
	    (UINT64_C(1) << 8 * size) - 1);
}

static void *
do_nothing(void *arg)
{
	return arg;
}

/*
 * The kernel (seen on 6.18) keeps those who wait on private words elsewhere
 * from the first thread that a process makes, and forgets the operations that
 * wait by then: it must have made one before.
 */
static void
make_first_thread(void)
{
	sigset_t all, before;
	pthread_t thread;

	sigfillset(&all);
	if (pthread_sigmask(SIG_SETMASK, &all, &before) != 0)
		return;
	if (pthread_create(&thread, NULL, do_nothing, NULL) == 0)
		(void)pthread_join(thread, NULL);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void
before_private_wait(struct ring *r)
{
	if (r->private_waits)
		return;
	r->private_waits = true;
	/* 0: it may change; else it has, or the kernel is an older one. */
	if (prctl(PROACTOR_PR_FUTEX_HASH, PROACTOR_PR_FUTEX_HASH_GET_SLOTS, 0,
	    0, 0) == 0)
		make_first_thread();
}

void
proactor__ring_encode_futex(struct ring *r, struct proactor_op *op,
    struct io_uring_sqe *sqe)
{
	struct proactor_futex_wait_op *wait = AS(futex_wait, op);
	struct proactor_futex_wake_op *wake = AS(futex_wake, op);

	if (op->type == PROACTOR_OP_FUTEX_WAKE) {
		prepare(sqe, PROACTOR_URING_OP_FUTEX_WAKE, wake->address,
		    (uint64_t)wake->count, wake->futex_flags);
		return;
	}
	if (wait->futex_flags & PROACTOR_FUTEX_PRIVATE)
		before_private_wait(r);
	prepare(sqe, PROACTOR_URING_OP_FUTEX_WAIT, wait->address,
	    wait->expected, wait->futex_flags);
}

/* A word that differs, EAGAIN, is what the wait has waited for. */
bool
proactor__ring_decode_futex(struct proactor *p, struct proactor_op *op,
    int result, int *status)
{
	*status = result < 0 ? result : 0;
	if (op->type == PROACTOR_OP_FUTEX_WAKE) {
		if (result >= 0)
			AS(futex_wake, op)->woken = result;
		return true;
	}
	if (result == -EAGAIN)
		*status = 0;
	else if (is_interrupted(result)) {
		if (!(op_state(op)->bits & OPB_CANCEL))
			return begin_again(p, op);
		*status = PROACTOR_ECANCELED;
	}
	return true;
}

/* The sizes that the kernel takes, found out by waking nobody. */
unsigned int
proactor__ring_probe_futex(struct io_uring *uring)
{
	struct __kernel_timespec second = { 1, 0 };
	struct io_uring_cqe *cqe;
	struct io_uring_sqe *sqe;
	unsigned int i, taken = 0;
	uint64_t word = 0;

	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		sqe = io_uring_get_sqe(uring);
		if (sqe == NULL)
			break;
		prepare(sqe, PROACTOR_URING_OP_FUTEX_WAKE, &word, 1,
		    sizes[i].size | PROACTOR_FUTEX_PRIVATE);
		if (io_uring_submit(uring) != 1 ||
		    io_uring_wait_cqe_timeout(uring, &cqe, &second) != 0)
			break;
		if (cqe->res >= 0)
			taken |= sizes[i].size;
		io_uring_cqe_seen(uring, cqe);
	}
	return taken;
}
