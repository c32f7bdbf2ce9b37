/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/uio.h>
#include <unistd.h>

#include "core/system.h"

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

#if defined(RWF_NOWAIT) && defined(HAVE_PREADV2)
/* The names that the system, a seccomp filter or a driver has for it. */
static int64_t
now_result(ssize_t n)
{
	if (n >= 0)
		return n;
	if (errno == EOPNOTSUPP || errno == ENOSYS || errno == EPERM)
		return PROACTOR_ENOTSUP;
	return -errno;
}

int64_t
proactor__sys_read_now(int fd, void *memory, size_t length, int64_t at)
{
	struct iovec iov = { .iov_base = memory, .iov_len = length };

	return now_result(preadv2(fd, &iov, 1, (off_t)at, RWF_NOWAIT));
}

int64_t
proactor__sys_write_now(int fd, const void *memory, size_t length, int64_t at)
{
	struct iovec iov;

	iov.iov_base = (void *)(uintptr_t)memory;
	iov.iov_len = length;
	return now_result(pwritev2(fd, &iov, 1, (off_t)at, RWF_NOWAIT));
}
#else
int64_t
proactor__sys_read_now(int fd, void *memory, size_t length, int64_t at)
{
	(void)fd;
	(void)memory;
	(void)length;
	(void)at;
	return PROACTOR_ENOTSUP;
}

int64_t
proactor__sys_write_now(int fd, const void *memory, size_t length, int64_t at)
{
	(void)fd;
	(void)memory;
	(void)length;
	(void)at;
	return PROACTOR_ENOTSUP;
}
#endif

/* A call that is refused does not tell what it would have met. */
bool
proactor__sys_is_stream(int fd)
{
	return lseek(fd, 0, SEEK_CUR) < 0 && errno == ESPIPE;
}

int
proactor__sys_drain(int fd, bool *look, uint64_t *ret_sum)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	uint64_t values[16], sum = 0;
	int64_t i, n = PROACTOR_ENOTSUP;

	*ret_sum = 0;
	if (!*look)
		n = proactor__sys_read_now(fd, values, sizeof(values), -1);
	if (n == PROACTOR_ENOTSUP)
		*look = true;
	/*
	 * It may block, and somebody else may have read it.  A file says that
	 * it would wait when it is not in memory.
	 */
	if (*look || n == PROACTOR_EAGAIN) {
		if (poll(&poll_fd, 1, 0) == 0)
			return 0;
		n = read(fd, values, sizeof(values));
		if (n < 0)
			n = -errno;
	}
	if (n == 0)
		return PROACTOR_EPIPE;
	if (n < 0)
		return n == PROACTOR_EAGAIN || n == -EINTR ? 0 : (int)n;
	for (i = 0; i < n / (int64_t)sizeof(values[0]); i++)
		sum += values[i];
	*ret_sum = sum;
	return 1;
}
