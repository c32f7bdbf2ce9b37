/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "conformance/conformance.h"

/* Values: time, codes, handles, sizes and names. */

static void
time_is_monotonic(void)
{
	int64_t before, now;
	int i;

	before = proactor_now();
	CHECK(before > 0);
	for (i = 0; i < 1000; i++, before = now) {
		now = proactor_now();
		CHECK(now >= before);
	}
}

static void
deadlines_saturate(void)
{
	int64_t now = proactor_now(), deadline;

	deadline = proactor_deadline_after(1000000000);
	CHECK(deadline >= now + 1000000000);
	CHECK(deadline <= proactor_now() + 1000000000);
	CHECK_INT(proactor_deadline_after(INT64_MAX), PROACTOR_FOREVER);
	CHECK_INT(proactor_deadline_after(INT64_MAX - 1), PROACTOR_FOREVER);
	CHECK(proactor_deadline_after(0) >= now);
	CHECK(proactor_deadline_after(-1000) <= proactor_now());
	CHECK(proactor_deadline_after(INT64_MIN) <= proactor_now());
}

static void
sizes_of_operations(void)
{
	CHECK_INT(proactor_op_size(PROACTOR_OP_NOP),
	    sizeof(struct proactor_nop_op));
	CHECK_INT(proactor_op_size(PROACTOR_OP_TIMER),
	    sizeof(struct proactor_timer_op));
	CHECK_INT(proactor_op_size(PROACTOR_OP_EVENT_WAIT),
	    sizeof(struct proactor_event_wait_op));
	CHECK_INT(proactor_op_size(PROACTOR_OP_HANDLE_POLL),
	    sizeof(struct proactor_handle_poll_op));
	CHECK_INT(proactor_op_size(PROACTOR_OP_ACCEPT),
	    sizeof(struct proactor_accept_op));
	CHECK_INT(proactor_op_size(PROACTOR_OP_SENDTO),
	    sizeof(struct proactor_sendto_op));
	CHECK_INT(proactor_op_size(PROACTOR_OP_FILE_OPEN),
	    sizeof(struct proactor_file_open_op));
	CHECK_INT(proactor_op_size(PROACTOR_OP_MESSAGE),
	    sizeof(struct proactor_message_op));
	CHECK_INT(proactor_op_size(0), 0);
	CHECK_INT(proactor_op_size(9999), 0);
}

static void
names_of_operations(void)
{
	unsigned int a, b;

	for (a = PROACTOR_OP_NOP; a <= PROACTOR_OP_MESSAGE; a++) {
		CHECK(proactor_op_name(a)[0] != '\0');
		for (b = a + 1; b <= PROACTOR_OP_MESSAGE; b++)
			CHECK(strcmp(proactor_op_name(a),
			    proactor_op_name(b)) != 0);
	}
	(void)proactor_op_name(0);
	(void)proactor_op_name(9999);
}

static void
words_for_codes(void)
{
	CHECK_STR(proactor_errname(PROACTOR_ECANCELED), "ECANCELED");
	CHECK_STR(proactor_errname(PROACTOR_EINVAL), "EINVAL");
	CHECK_STR(proactor_errname(PROACTOR_ESHUTDOWN), "ESHUTDOWN");
	CHECK(proactor_errname(0)[0] != '\0');
	CHECK(proactor_errname(-123456)[0] != '\0');
	CHECK(proactor_errname(INT32_MIN)[0] != '\0');
	CHECK(proactor_strerror(0)[0] != '\0');
	CHECK(proactor_strerror(PROACTOR_ECANCELED)[0] != '\0');
	CHECK(strcmp(proactor_strerror(PROACTOR_ECANCELED),
	    proactor_strerror(PROACTOR_EINVAL)) != 0);
	CHECK(proactor_strerror(-123456)[0] != '\0');
	CHECK(proactor_strerror(77)[0] != '\0');
	CHECK_INT(PROACTOR_ETIMEDOUT, -ETIMEDOUT);
}

static void
handles_own_nothing(void)
{
	struct proactor_handle h, copy;
	int fds[2];

	CHECK_INT(proactor_handle_none().type, PROACTOR_HANDLE_NONE);
	CHECK_INT(pipe(fds), 0);
	h = proactor_handle_fd(fds[1]);
	CHECK_INT(h.type, PROACTOR_HANDLE_FD);
	CHECK_INT(h.u.fd, fds[1]);
	CHECK_INT(proactor_handle_dup(h, &copy), 0);
	CHECK(copy.u.fd != h.u.fd);
	CHECK_INT(proactor_handle_close(h), 0);
	CHECK_INT(write(copy.u.fd, "x", 1), 1);
	CHECK_INT(proactor_handle_close(copy), 0);
	CHECK_INT(proactor_handle_close(h), PROACTOR_EBADF);
	CHECK_INT(proactor_handle_dup(h, &copy), PROACTOR_EBADF);
	CHECK_INT(proactor_handle_dup(proactor_handle_none(), &copy),
	    PROACTOR_ENOTSUP);
	CHECK_INT(proactor_handle_dup(proactor_handle_win32(&h), &copy),
	    PROACTOR_ENOTSUP);
	CHECK_INT(proactor_handle_dup(proactor_handle_fd(fds[0]), NULL),
	    PROACTOR_EINVAL);
	CHECK_INT(proactor_handle_close(proactor_handle_none()), 0);
	CHECK_INT(close(fds[0]), 0);
}

static void
versions_agree(void)
{
	CHECK_STR(proactor_version(), PROACTOR_VERSION);
	CHECK_INT(proactor_version_number(), PROACTOR_VERSION_NUMBER);
}

const struct tap_case value_cases[] = {
	{ "clock: now never goes back", time_is_monotonic },
	{ "clock: deadline_after saturates", deadlines_saturate },
	{ "operations: sizes are those of the structs",
	    sizes_of_operations },
	{ "operations: each type has a name of its own",
	    names_of_operations },
	{ "codes: names and words for all, also unknown ones",
	    words_for_codes },
	{ "handles: own nothing, and what is wrong with them is told",
	    handles_own_nothing },
	{ "version: header and library agree", versions_agree },
	{ NULL, NULL }
};
