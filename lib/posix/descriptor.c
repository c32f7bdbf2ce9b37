/* SPDX-License-Identifier: ISC */
/* What descriptors are opened, polled and woken with. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>
#ifdef HAVE_EVENTFD
#include <sys/eventfd.h>
#endif

#include "core/system.h"

int
proactor__sys_open_flags(unsigned int flags)
{
	int sys = O_CLOEXEC | O_NOCTTY;

	if ((flags & PROACTOR_FILE_READ) && (flags & PROACTOR_FILE_WRITE))
		sys |= O_RDWR;
	else
		sys |= (flags & PROACTOR_FILE_WRITE) ? O_WRONLY : O_RDONLY;
	if (flags & PROACTOR_FILE_CREATE)
		sys |= O_CREAT;
	if (flags & PROACTOR_FILE_TRUNCATE)
		sys |= O_TRUNC;
	if (flags & PROACTOR_FILE_APPEND)
		sys |= O_APPEND;
	if (flags & PROACTOR_FILE_EXCLUSIVE)
		sys |= O_EXCL;
#ifdef O_DIRECT
	/* Where there is none it is a hint that is not taken. */
	if (flags & PROACTOR_FILE_DIRECT)
		sys |= O_DIRECT;
#endif
	return sys;
}

unsigned int
proactor__sys_poll_mask(unsigned int events)
{
	return ((events & PROACTOR_POLL_IN) ? POLLIN : 0u) |
	    ((events & PROACTOR_POLL_OUT) ? POLLOUT : 0u);
}

unsigned int
proactor__sys_poll_events(int mask)
{
	return ((mask & POLLIN) ? PROACTOR_POLL_IN : 0u) |
	    ((mask & POLLOUT) ? PROACTOR_POLL_OUT : 0u) |
	    ((mask & (POLLERR | POLLNVAL)) ? PROACTOR_POLL_ERR : 0u) |
	    ((mask & POLLHUP) ? PROACTOR_POLL_HUP : 0u);
}

static int
prepare(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ||
	    fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
		return -errno;
	return 0;
}

static int
wake_by_pipe(struct wake *ret_wake)
{
	int error, fds[2];

	if (pipe(fds) != 0)
		return -errno;
	error = prepare(fds[0]);
	if (error == 0)
		error = prepare(fds[1]);
	if (error != 0) {
		close(fds[0]);
		close(fds[1]);
		return error;
	}
	ret_wake->read_fd = fds[0];
	ret_wake->write_fd = fds[1];
	return 0;
}

int
proactor__sys_wake_create(struct wake *ret_wake)
{
#ifdef HAVE_EVENTFD
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	if (fd >= 0) {
		ret_wake->read_fd = fd;
		ret_wake->write_fd = fd;
		return 0;
	}
	/* Two descriptors are not to be had where one is not. */
	if (errno == EMFILE || errno == ENFILE)
		return -errno;
#endif
	return wake_by_pipe(ret_wake);
}

/*
 * Any thread, async-signal-safe.  It fails only when there is no room, and
 * then the other end is readable.
 */
void
proactor__sys_wake_signal(const struct wake *wake)
{
	const uint64_t one = 1;
	int saved = errno;

	(void)!write(wake->write_fd, &one, sizeof(one));
	errno = saved;
}

void
proactor__sys_wake_drain(const struct wake *wake)
{
	uint64_t counts[16];

	while (read(wake->read_fd, counts, sizeof(counts)) ==
	    (ssize_t)sizeof(counts))
		;
}

void
proactor__sys_wake_close(struct wake *wake)
{
	close(wake->read_fd);
	if (wake->write_fd != wake->read_fd)
		close(wake->write_fd);
}
