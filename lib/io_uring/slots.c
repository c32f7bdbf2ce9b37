/* SPDX-License-Identifier: ISC */
/*
 * The ring's table of fixed files.  A descriptor moves in when it has proved
 * to be busy, so that a connection of a few operations costs nothing more,
 * and moves out before it is closed: the table keeps a file open.
 */
#include "ring.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <unistd.h>

#define SLOTS_MAX	4096u

/* How long the end of a ring may take: 10 s, then something is wrong. */
#define END_MS		10000

/* Makes the table on first use.  Without it nothing is ever fixed. */
static bool
make_table(struct proactor *p, struct ring *r)
{
	struct rlimit limit;
	unsigned int i, n = SLOTS_MAX;

	if (r->slots_made)
		return r->slots != NULL;
	r->slots_made = true;
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < n)
		n = (unsigned int)limit.rlim_cur;
	r->slots = proactor__allocate(p, n * sizeof(*r->slots));
	if (r->slots == NULL)
		return false;
	if (io_uring_register_files_sparse(&r->uring, n) != 0) {
		proactor__free(p, r->slots);
		r->slots = NULL;
		return false;
	}
	for (i = 0; i < n; i++)
		r->slots[i] = (int)(n - 1 - i);
	r->slots_free = n;
	return true;
}

/* Moves a busy descriptor in; the slot, or -1 when there is none. */
static int
move_in(struct proactor *p, struct ring *r, int fd)
{
	int slot;

	if (!make_table(p, r) || r->slots_free == 0)
		return -1;
	slot = r->slots[r->slots_free - 1];
	if (io_uring_register_files_update(&r->uring, (unsigned int)slot, &fd,
	    1) != 1)
		return -1;
	r->slots_free--;
	return slot;
}

/*
 * A pipe whose other end only the table keeps open.  The table goes when the
 * ring has no request left, so that the end of the pipe is the end of all the
 * kernel does with memory of ours; a thread that may not enter the ring can
 * wait for that.  Without it (no table, no descriptors) it cannot.
 */
void
proactor__ring_plant(struct proactor *p, struct ring *r)
{
	int fds[2], slot;

	r->sentinel = -1;
	if (!r->probe.fixed_files || pipe2(fds, O_CLOEXEC) != 0)
		return;
	slot = move_in(p, r, fds[1]);
	close(fds[1]);
	if (slot >= 0)
		r->sentinel = fds[0];
	else
		close(fds[0]);
}

/* The ring has been closed: waits until the kernel has ended it. */
void
proactor__ring_wait_end(struct proactor *p, struct ring *r)
{
	struct pollfd end = { .fd = r->sentinel };
	int n;

	if (r->sentinel < 0)
		return;
	if (proactor__ring_pending(r) != 0) {
		do {
			n = poll(&end, 1, END_MS);
		} while (n < 0 && errno == EINTR);
		if (n == 0)
			proactor__log(p, PROACTOR_LOG_ERROR, "io_uring: the "
			    "kernel has not ended the operations of a "
			    "released proactor");
	}
	close(r->sentinel);
}

/* The owner, with no operation on it in flight. */
void
proactor__ring_forget(struct proactor *p, int fd, int16_t *slot)
{
	struct ring *r = ring_of(p);
	int none = -1;

	(void)fd;
	if (*slot < 0)
		return;
	(void)io_uring_register_files_update(&r->uring, (unsigned int)*slot,
	    &none, 1);
	r->slots[r->slots_free++] = *slot;
	*slot = -1;
}

/* Counts up to the move; true when it has come. */
bool
proactor__ring_warm_up(struct proactor *p, struct ring *r, int fd,
    int16_t *slot, uint8_t *uses)
{
	if (++*uses < USES_HOT || !(p->capabilities & PROACTOR_CAP_FIXED_FILES))
		return false;
	*slot = (int16_t)move_in(p, r, fd);
	return *slot >= 0;
}
