/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <sys/resource.h>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "conformance/fence.h"

/* Fences: semaphores that are seen by descriptors. */

static bool
is_readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	CHECK(poll(&p, 1, 0) >= 0);
	return (p.revents & POLLIN) != 0;
}

static int
export(struct scene *c, uint64_t value)
{
	struct proactor_handle handle;

	CHECK_INT(proactor_export_fence(c->w.p, c->s, value, &handle), 0);
	CHECK_INT(handle.type, PROACTOR_HANDLE_FD);
	CHECK(fcntl(handle.u.fd, F_GETFD) & FD_CLOEXEC);
	return handle.u.fd;
}

static void
export_becomes_readable(void)
{
	struct scene c;
	char bytes[8];
	size_t before;
	int fd, i, late;

	scene_open(&c);
	before = open_fds();
	fd = export(&c, 3);
	CHECK(!is_readable(fd));
	signal_to(c.s, 2);
	CHECK(!is_readable(fd));
	signal_to(c.s, 3);
	CHECK(is_readable(fd));
	late = export(&c, 1);
	CHECK(is_readable(late));
	/* And stays so, even if somebody reads. */
	for (i = 0; i < 10; i++) {
		CHECK(read(fd, bytes, sizeof(bytes)) >= 0);
		CHECK(is_readable(fd));
	}
	CHECK_INT(close(fd), 0);
	CHECK_INT(close(late), 0);
	CHECK_INT(open_fds(), before);
	CHECK_INT(close(c.fds[0]), 0);
	scene_close(&c);
}

static void
export_ends_with_a_failure(void)
{
	struct proactor_handle handle = proactor_handle_none();
	struct scene c;
	int fd;

	scene_open(&c);
	fd = export(&c, 3);
	CHECK_INT(proactor_semaphore_fail(c.s, PROACTOR_EIO), 0);
	CHECK(is_readable(fd));
	CHECK_INT(close(fd), 0);
	CHECK_INT(proactor_export_fence(c.w.p, c.s, 3, &handle),
	    PROACTOR_EIO);
	CHECK_INT(handle.type, PROACTOR_HANDLE_NONE);
	proactor_semaphore_release(c.s);
	/* The last reference is an end too. */
	c.s = semaphore_open(&c.w, 0);
	fd = export(&c, 3);
	proactor_semaphore_release(c.s);
	CHECK(is_readable(fd));
	CHECK_INT(close(fd), 0);
	c.s = semaphore_open(&c.w, 0);
	CHECK_INT(close(c.fds[0]), 0);
	scene_close(&c);
}

static void
export_outlives(void)
{
	struct proactor_semaphore *s;
	struct scene c;
	size_t before;
	int fd[2];

	before = open_fds();
	scene_open(&c);
	fd[0] = export(&c, 1);
	fd[1] = export(&c, 2);
	/* Closed before it is signalled: nobody minds. */
	CHECK_INT(close(fd[0]), 0);
	CHECK_INT(close(c.fds[0]), 0);
	s = proactor_semaphore_retain(c.s);
	scene_close(&c);
	signal_to(s, 1);
	CHECK(!is_readable(fd[1]));
	signal_to(s, 2);
	CHECK(is_readable(fd[1]));
	CHECK_INT(close(fd[1]), 0);
	proactor_semaphore_release(s);
	CHECK_INT(open_fds(), before);
}

static void
export_refused(void)
{
	struct proactor_handle handle;
	struct rlimit limit;
	struct scene c;
	int last;

	scene_open(&c);
	CHECK_INT(proactor_export_fence(NULL, c.s, 1, &handle),
	    PROACTOR_EINVAL);
	CHECK_INT(proactor_export_fence(c.w.p, NULL, 1, &handle),
	    PROACTOR_EINVAL);
	CHECK_INT(proactor_export_fence(c.w.p, c.s, 1, NULL),
	    PROACTOR_EINVAL);
	/* With no descriptor left, then with one, of the two that it takes. */
	last = dup(c.fds[0]);
	CHECK(last != -1);
	limit.rlim_cur = limit.rlim_max = (rlim_t)last + 1;
	CHECK_INT(setrlimit(RLIMIT_NOFILE, &limit), 0);
	CHECK_INT(proactor_export_fence(c.w.p, c.s, 1, &handle),
	    PROACTOR_EMFILE);
	CHECK_INT(close(last), 0);
	CHECK_INT(proactor_export_fence(c.w.p, c.s, 1, &handle),
	    PROACTOR_EMFILE);
	signal_to(c.s, 1);
	CHECK_INT(close(c.fds[0]), 0);
	scene_close(&c);
}

/* From one proactor to another, by a descriptor, 20 times in a row. */
static void
export_and_import(void)
{
	struct scene a, b;
	uint64_t value;

	scene_open(&a);
	scene_open(&b);
	for (value = 1; value <= 20; value++) {
		CHECK_INT(import(&b, export(&a, value), value), 0);
		mark_at(&b.m, b.s, value);
		CHECK_INT(proactor_poll(b.w.p, PROACTOR_IMMEDIATE, NULL),
		    PROACTOR_ETIMEDOUT);
		signal_to(a.s, value);
		poll_mark(&b, value);
		mark_check(&b.m, value, 0);
	}
	CHECK_INT(close(a.fds[0]), 0);
	CHECK_INT(close(b.fds[0]), 0);
	scene_close(&a);
	scene_close(&b);
}

static void
masked_is_refused(void)
{
	struct proactor_handle handle;
	struct proactor_options o;
	struct proactor_semaphore *s;
	struct world w;
	unsigned int tier = 77;
	const char *reason = "";
	int fds[2];

	world_options(&o);
	o.allowed_capabilities &= ~PROACTOR_CAP_DEVICE_FENCE;
	world_open(&w, &o);
	s = semaphore_open(&w, 0);
	CHECK_INT(pipe2(fds, O_CLOEXEC), 0);
	CHECK_INT(proactor_import_fence(w.p, proactor_handle_fd(fds[0]), s,
	    1), PROACTOR_ENOTSUP);
	CHECK_INT(proactor_import_fence(w.p, proactor_handle_fd(-1), s, 1),
	    PROACTOR_ENOTSUP);
	CHECK_INT(proactor_export_fence(w.p, s, 1, &handle),
	    PROACTOR_ENOTSUP);
	CHECK_INT(proactor_explain_capability(w.p, PROACTOR_CAP_DEVICE_FENCE,
	    &tier, &reason), 0);
	CHECK_INT(tier, PROACTOR_TIER_ABSENT);
	CHECK(reason[0] != '\0');
	close_fds(fds);
	proactor_semaphore_release(s);
	world_close(&w);
}

const struct tap_case fence_export_cases[] = {
	{ "export fence: becomes readable at its value, and stays so",
	    export_becomes_readable },
	{ "export fence: becomes readable by a failure, or at the end",
	    export_ends_with_a_failure },
	{ "export fence: outlives the proactor's user", export_outlives },
	{ "export fence: bad arguments, and no descriptors",
	    export_refused },
	{ "export fence: imported elsewhere", export_and_import },
	{ "import and export fence: masked they are ENOTSUP",
	    masked_is_refused },
	{ NULL, NULL }
};
