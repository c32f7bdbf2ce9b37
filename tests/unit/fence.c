/* SPDX-License-Identifier: ISC */
/*
 * How a fence has ended: what a driver's sync_file says.  Few machines have
 * one to test with, so the system call is ours.
 */
#include "config.h"

#include <sys/ioctl.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include <proactor.h>

#include "core/system.h"
#include "tap/tap.h"

/* The start of struct sync_file_info. */
struct information {
	char name[32];
	int32_t status;
};

/* What the sync_file of this test says; all other descriptors are none. */
static int sync_file = -1;
static int32_t sync_status;

#ifdef __GLIBC__
int
ioctl(int fd, unsigned long request, ...)
#else
int
ioctl(int fd, int request, ...)
#endif
{
	struct information *information;
	va_list arguments;

	va_start(arguments, request);
	information = va_arg(arguments, struct information *);
	va_end(arguments);
	if (fd != sync_file) {
		errno = ENOTTY;
		return -1;
	}
	CHECK_INT((unsigned int)request, 0xc0383e04u);
	information->status = sync_status;
	return 0;
}

static void
no_sync_file(void)
{
	int fds[2];

	CHECK_INT(pipe(fds), 0);
	errno = 77;
	CHECK_INT(proactor__sys_fence_status(fds[0]), 0);
	CHECK_INT(errno, 77);
}

static bool
is_readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	CHECK(poll(&p, 1, 0) >= 0);
	return (p.revents & POLLIN) != 0;
}

static void
own_descriptors(void)
{
	int fd, signal_fd;

	CHECK_INT(proactor__sys_fence_open(&fd, &signal_fd), 0);
	CHECK(fd >= 0 && signal_fd >= 0 && fd != signal_fd);
	CHECK(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	CHECK(fcntl(signal_fd, F_GETFD) & FD_CLOEXEC);
	CHECK(!is_readable(fd));
	proactor__sys_fence_signal(signal_fd);
	CHECK(is_readable(fd));
	proactor__sys_close(signal_fd);
	CHECK(is_readable(fd));
	CHECK_INT(proactor__sys_fence_status(fd), 0);
	CHECK_INT(close(fd), 0);
}

/* Whoever waits for it may be gone first. */
static void
reader_is_gone(void)
{
	int fd, signal_fd;

	CHECK_INT(proactor__sys_fence_open(&fd, &signal_fd), 0);
	CHECK_INT(close(fd), 0);
	proactor__sys_fence_signal(signal_fd);
	proactor__sys_close(signal_fd);
}

#if defined(__linux__) && !defined(FENCE_PORTABLE)

static void
sync_file_status(void)
{
	sync_file = 5;
	sync_status = 1;
	CHECK_INT(proactor__sys_fence_status(5), 0);
	sync_status = 0;
	CHECK_INT(proactor__sys_fence_status(5), 0);
	sync_status = -EIO;
	CHECK_INT(proactor__sys_fence_status(5), PROACTOR_EIO);
	sync_status = -ETIMEDOUT;
	CHECK_INT(proactor__sys_fence_status(5), PROACTOR_ETIMEDOUT);
	CHECK_INT(proactor__sys_fence_status(6), 0);
}

static void
note(void *user_data, struct proactor_timepoint *point, int status)
{
	(void)point;
	*(int *)user_data = status;
}

/* By way of an import: the error of the driver is the semaphore's. */
static void
import_fails(void)
{
	struct proactor_semaphore *s;
	struct proactor_timepoint point;
	struct proactor *p;
	int fds[2], status = 1;

	if (proactor_create(NULL, &p) != 0)
		SKIP("no proactor here");
	if (!(proactor_query_capabilities(p) & PROACTOR_CAP_DEVICE_FENCE))
		SKIP("no fences here");
	CHECK_INT(proactor_semaphore_create(p, 0, &s), 0);
	proactor_timepoint_init(&point, note, &status);
	CHECK_INT(proactor_semaphore_acquire_timepoint(s, 1, &point), 0);
	CHECK_INT(pipe(fds), 0);
	sync_file = fds[0];
	sync_status = -ENODEV;
	CHECK_INT(proactor_import_fence(p, proactor_handle_fd(fds[0]), s, 1),
	    0);
	CHECK_INT(write(fds[1], "x", 1), 1);
	while (status == 1)
		CHECK_INT(proactor_poll(p, PROACTOR_FOREVER, NULL), 0);
	CHECK_INT(status, PROACTOR_ENODEV);
	CHECK_INT(proactor_semaphore_query_status(s), PROACTOR_ENODEV);
	proactor_semaphore_release(s);
	CHECK_INT(proactor_shutdown(p, PROACTOR_FOREVER), 0);
	proactor_release(p);
}

#endif

static const struct tap_case cases[] = {
	{ "fence: other descriptors have no more to say", no_sync_file },
	{ "fence: its own become readable and stay so", own_descriptors },
	{ "fence: its own may be closed before", reader_is_gone },
#if defined(__linux__) && !defined(FENCE_PORTABLE)
	{ "fence: the error of a sync_file is read", sync_file_status },
	{ "fence: and fails the semaphore", import_fails },
#endif
	{ NULL, NULL }
};

int
main(void)
{
	return tap_run(cases);
}
