/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/uio.h>
#include <unistd.h>

#include "core/system.h"

#if defined(RWF_NOWAIT) && defined(HAVE_PREADV2)
#define HAVE_NOWAIT	1
#else
#define HAVE_NOWAIT	0
#endif

/* A second descriptor of the same thing, close-on-exec.  Any thread. */
int
proactor_handle_dup(struct proactor_handle handle,
    struct proactor_handle *ret_handle)
{
	int fd;

	if (ret_handle == NULL)
		return PROACTOR_EINVAL;
	if (handle.type != PROACTOR_HANDLE_FD)
		return PROACTOR_ENOTSUP;
	fd = fcntl(handle.u.fd, F_DUPFD_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	*ret_handle = proactor_handle_fd(fd);
	return 0;
}

/* Closes what the handle names; closing none does nothing.  Any thread. */
int
proactor_handle_close(struct proactor_handle handle)
{
	if (handle.type == PROACTOR_HANDLE_NONE)
		return 0;
	if (handle.type != PROACTOR_HANDLE_FD)
		return PROACTOR_ENOTSUP;
	/* After EINTR the descriptor is gone on the systems that matter. */
	if (close(handle.u.fd) != 0 && errno != EINTR)
		return -errno;
	return 0;
}

void
proactor__sys_close(int fd)
{
	(void)close(fd);
}

int
proactor__sys_check_fd(int fd)
{
	return fcntl(fd, F_GETFD) < 0 ? -errno : 0;
}

/*
 * What a watch of the descriptor is for: input, or output when it cannot be
 * read from.
 */
int
proactor__sys_watchable(int fd, unsigned int *ret_wanted)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0)
		return -errno;
	*ret_wanted = (flags & O_ACCMODE) == O_WRONLY ? PROACTOR_POLL_OUT :
	    PROACTOR_POLL_IN;
	return 0;
}

/* A count that is full can be read already: nothing to add. */
int
proactor__sys_raise(int fd, uint64_t value)
{
	int error = 0, saved = errno;
	ssize_t n;

	do
		n = write(fd, &value, sizeof(value));
	while (n < 0 && errno == EINTR);
	if (n < 0 && errno != EAGAIN)
		error = -errno;
	errno = saved;
	return error;
}

/* Reads without waiting, whatever the descriptor does; if it can be done. */
static ssize_t
read_now(int fd, void *memory, size_t size, bool *look)
{
#if HAVE_NOWAIT
	struct iovec iov = { .iov_base = memory, .iov_len = size };
	ssize_t n;

	n = preadv2(fd, &iov, 1, -1, RWF_NOWAIT);
	if (n >= 0)
		return n;
	*look = errno == EOPNOTSUPP || errno == ENOTSUP || errno == ENOSYS ||
	    errno == EPERM;
#else
	(void)fd;
	(void)memory;
	(void)size;
	*look = true;
#endif
	return -1;
}

int
proactor__sys_drain(int fd, bool *look, uint64_t *ret_sum)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	uint64_t values[16], sum = 0;
	ssize_t i, n = -1;

	*ret_sum = 0;
	if (!*look)
		n = read_now(fd, values, sizeof(values), look);
	/*
	 * It may block, and somebody else may have read it.  A file says that
	 * it would wait when it is not in memory.
	 */
	if (n < 0 && (*look || errno == EAGAIN)) {
		if (poll(&poll_fd, 1, 0) == 0)
			return 0;
		n = read(fd, values, sizeof(values));
	}
	if (n == 0)
		return PROACTOR_EPIPE;
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	for (i = 0; i < n / (ssize_t)sizeof(values[0]); i++)
		sum += values[i];
	*ret_sum = sum;
	return 1;
}
