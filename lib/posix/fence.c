/* SPDX-License-Identifier: ISC */
/*
 * What the descriptors of fences are made of.  FENCE_PORTABLE takes what other
 * systems have, so that it can be tested.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "core/system.h"

#if defined(__linux__) && !defined(FENCE_PORTABLE)

#include <sys/eventfd.h>
#include <sys/ioctl.h>

#include <string.h>

/*
 * Of <linux/sync_file.h>, which is not everywhere where the kernel is.  status
 * is 0 for one that is active, 1 for one that is signalled, or an error.
 */
struct sync_file_information {
	char name[32];
	int32_t status;
	uint32_t flags;
	uint32_t count;
	uint32_t padding;
	uint64_t fences;
};
#define SYNC_FILE_INFORMATION	_IOWR('>', 4, struct sync_file_information)

/*
 * 0, or the error that a sync_file ended with.  Other descriptors that became
 * readable have nothing more to say.
 */
int
proactor__sys_fence_status(int fd)
{
	struct sync_file_information information;
	int before = errno;

	memset(&information, 0, sizeof(information));
	if (ioctl(fd, SYNC_FILE_INFORMATION, &information) != 0) {
		errno = before;
		return 0;
	}
	return information.status < 0 ? information.status : 0;
}

/* Each read takes one away, and that many reads nobody makes. */
#define FENCE_SIGNALED	UINT64_C(0xfffffffffffffffe)

/*
 * A descriptor to give away and one to signal it by, both close-on-exec: two
 * of the same eventfd, for the first may be closed at any time.
 */
int
proactor__sys_fence_open(int *ret_fd, int *ret_signal_fd)
{
	int error, fd, signal_fd;

	fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE);
	if (fd < 0)
		return -errno;
	signal_fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (signal_fd < 0) {
		error = -errno;
		(void)close(fd);
		return error;
	}
	*ret_fd = fd;
	*ret_signal_fd = signal_fd;
	return 0;
}

/* From now on the other one is readable. */
void
proactor__sys_fence_signal(int fd)
{
	uint64_t value = FENCE_SIGNALED;
	ssize_t written;

	do
		written = write(fd, &value, sizeof(value));
	while (written < 0 && errno == EINTR);
}

#else

#include <sys/socket.h>

int
proactor__sys_fence_status(int fd)
{
	(void)fd;
	return 0;
}

/*
 * A descriptor to give away and one to signal it by, both close-on-exec: a
 * pair of sockets.  The end of the stream can be read for ever, and unlike a
 * pipe's it sends nobody a signal.
 */
int
proactor__sys_fence_open(int *ret_fd, int *ret_signal_fd)
{
	int error, fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) != 0)
		return -errno;
	if (fcntl(fds[0], F_SETFD, FD_CLOEXEC) != 0 ||
	    fcntl(fds[1], F_SETFD, FD_CLOEXEC) != 0) {
		error = -errno;
		(void)close(fds[0]);
		(void)close(fds[1]);
		return error;
	}
	*ret_fd = fds[0];
	*ret_signal_fd = fds[1];
	return 0;
}

/* From now on the other one is readable. */
void
proactor__sys_fence_signal(int fd)
{
	(void)shutdown(fd, SHUT_WR);
}

#endif
