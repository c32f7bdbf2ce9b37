/* SPDX-License-Identifier: ISC */
/*
 * A system that refuses: io_uring forbidden by a seccomp filter, no memory to
 * lock, no descriptors left, a child of fork().  What cannot be had is said
 * in words; what can be had instead is taken; nothing crashes.
 */
#include "config.h"

#include <sys/resource.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fault/support.h"

/* By this name, or by none: it works, or the words say why it does not. */
static int
try(const char *backend)
{
	struct proactor *p = NULL;
	char reason[256];
	int status;

	status = create(backend, reason, &p);
	if (status != 0) {
		CHECK(status < 0);
		CHECK(p == NULL);
		CHECK(strlen(reason) >= 10);
		CHECK(proactor_strerror(status)[0] != '\0');
		tap_diag("%s: %s: %s", backend != NULL ? backend : "default",
		    proactor_errname(status), reason);
		return status;
	}
	if (backend != NULL)
		CHECK_INT(strcmp(proactor_backend_name(p), backend), 0);
	else
		tap_diag("default: %s, %s", proactor_backend_name(p),
		    proactor_backend_reason(p));
	works(p);
	CHECK_INT(proactor_shutdown(p, PROACTOR_IMMEDIATE), 0);
	proactor_release(p);
	return 0;
}

/* io_uring is refused by its name; the default is another one, or refused. */
static void
must_be_refused(void)
{
	struct proactor *p;
	int status;

	CHECK(try("io_uring") != 0);
	(void)try(NULL);
	/* Without room for a reason, and without options. */
	status = proactor_create(NULL, &p);
	if (status == 0) {
		CHECK(strcmp(proactor_backend_name(p), "io_uring") != 0);
		CHECK(strstr(proactor_backend_reason(p), "io_uring") != NULL);
		proactor_release(p);
	}
}

static void
need_io_uring(void)
{
	struct proactor *p;
	char reason[256];

	unsetenv("PROACTOR_BACKEND");
	if (create("io_uring", reason, &p) != 0)
		SKIP("%s", reason);
	proactor_release(p);
}

static void
all_calls_eperm(void)
{
	need_io_uring();
	forbid(SETUP, REGISTER, EPERM);
	must_be_refused();
}

static void
all_calls_enosys(void)
{
	need_io_uring();
	forbid(SETUP, REGISTER, ENOSYS);
	must_be_refused();
}

static void
setup_eacces(void)
{
	need_io_uring();
	forbid(SETUP, SETUP, EACCES);
	must_be_refused();
}

static void
setup_enomem(void)
{
	need_io_uring();
	forbid(SETUP, SETUP, ENOMEM);
	must_be_refused();
}

/* A ring can be made, but not entered: only the self-test can tell. */
static void
enter_eperm(void)
{
	need_io_uring();
	forbid(ENTER, ENTER, EPERM);
	must_be_refused();
}

/* Registration is a help, not a need: either outcome, but a clear one. */
static void
register_eperm(void)
{
	need_io_uring();
	forbid(REGISTER, REGISTER, EPERM);
	(void)try("io_uring");
	(void)try(NULL);
}

static void
register_enosys(void)
{
	need_io_uring();
	forbid(REGISTER, REGISTER, ENOSYS);
	(void)try("io_uring");
	(void)try(NULL);
}

static void
refusals_leave_nothing(void)
{
	struct proactor_options o;
	struct proactor *p;
	int before, i;

	need_io_uring();
	forbid(ENTER, ENTER, EPERM);
	proactor_options_init(&o);
	o.backend = "io_uring";
	(void)proactor_create(&o, &p);
	before = next_descriptor();
	for (i = 0; i < 20; i++)
		CHECK(proactor_create(&o, &p) != 0);
	CHECK_INT(next_descriptor(), before);
}

/* --- limits --- */

static void
no_locked_memory(void)
{
	need_io_uring();
	lower_limit(RLIMIT_MEMLOCK, 0);
	become_ordinary();
	(void)try("io_uring");
	(void)try(NULL);
}

static void
no_locked_memory_many(void)
{
	struct proactor_options o;
	struct proactor *p[32];
	char reason[256];
	int i, n, status;

	need_io_uring();
	lower_limit(RLIMIT_MEMLOCK, 65536);
	become_ordinary();
	proactor_options_init(&o);
	o.max_concurrent_operations = 4096;
	o.reason = reason;
	o.reason_size = sizeof(reason);
	for (n = 0; n < 32; n++) {
		reason[0] = '\0';
		status = proactor_create(&o, &p[n]);
		if (status != 0)
			break;
		works(p[n]);
	}
	if (n < 32) {
		tap_diag("number %d: %s: %s", n, proactor_errname(status),
		    reason);
		CHECK(strlen(reason) >= 10);
	}
	for (i = 0; i < n; i++)
		proactor_release(p[i]);
}

/* Each number of descriptors that create may run out at. */
static void
no_descriptors(void)
{
	int next, room, status = -1;

	need_io_uring();
	next = next_descriptor();
	for (room = 0; room < 16; room++) {
		struct rlimit limit = { (rlim_t)(next + room), 65536 };
		struct proactor *p;

		if (setrlimit(RLIMIT_NOFILE, &limit) != 0) {
			CHECK_INT(getrlimit(RLIMIT_NOFILE, &limit), 0);
			limit.rlim_cur = (rlim_t)(next + room);
			CHECK_INT(setrlimit(RLIMIT_NOFILE, &limit), 0);
		}
		status = proactor_create(NULL, &p);
		if (room == 0)
			CHECK(status == PROACTOR_EMFILE ||
			    status == PROACTOR_ENFILE);
		if (status == 0)
			proactor_release(p);
	}
	CHECK_INT(status, 0);
}

/* --- processes --- */

static void
refused_in_child(void)
{
	forbid(SETUP, REGISTER, EPERM);
	must_be_refused();
}

/* What a child may not do the parent still can, before and after. */
static void
children(void)
{
	struct proactor *p;
	int i;

	need_io_uring();
	CHECK_INT(proactor_create(NULL, &p), 0);
	works(p);
	for (i = 0; i < 3; i++) {
		in_child(need_io_uring);
		in_child(refused_in_child);
	}
	works(p);
	CHECK_INT(try("io_uring"), 0);
	proactor_release(p);
}

/* The filter comes when a proactor is already at work. */
static void
refused_later(void)
{
	struct proactor *p;
	struct proactor_nop_op nop;
	int calls = 0, status = 0, i;

	need_io_uring();
	CHECK_INT(proactor_create(NULL, &p), 0);
	works(p);
	forbid(SETUP, REGISTER, EPERM);
	proactor_nop_op_init(&nop, count_success, &calls);
	CHECK_INT(proactor_submit_one(p, &nop.base), 0);
	for (i = 0; i < 3 && calls == 0; i++)
		status = proactor_poll(p, PROACTOR_IMMEDIATE, NULL);
	CHECK(calls == 1 || status < 0);
	proactor_release(p);
}

/* --- names --- */

static void
unknown_names(void)
{
	CHECK(try("abacus") != 0);
	CHECK(try("") != 0);
	CHECK(try("io_uring ") != 0);
	CHECK(try("IO_URING") != 0);
	CHECK(try("a name that is much longer than that of any backend which "
	    "somebody may have thought of, and then some more of it, until "
	    "no buffer that somebody thought long enough can hold it, since "
	    "that is where such names go, and it is not long enough even "
	    "now, so that a few more words are needed, and here they are") !=
	    0);
	CHECK_INT(setenv("PROACTOR_BACKEND", "abacus", 1), 0);
	CHECK(try(NULL) != 0);
}

static const struct tap_case cases[] = {
	{ "refused: EPERM for all of io_uring is told in words",
	    all_calls_eperm },
	{ "refused: ENOSYS for all of io_uring is told in words",
	    all_calls_enosys },
	{ "refused: EACCES for the set-up is told in words", setup_eacces },
	{ "refused: ENOMEM for the set-up is told in words", setup_enomem },
	{ "refused: a ring that cannot be entered is found out",
	    enter_eperm },
	{ "refused: EPERM for registration fails clearly or does without",
	    register_eperm },
	{ "refused: ENOSYS for registration fails clearly or does without",
	    register_enosys },
	{ "refused: a refusal leaves no descriptor behind",
	    refusals_leave_nothing },
	{ "refused: no locked memory, as an ordinary user",
	    no_locked_memory },
	{ "refused: little locked memory and many proactors",
	    no_locked_memory_many },
	{ "refused: no descriptor left, at every point of create",
	    no_descriptors },
	{ "refused: in children, and not in their parent", children },
	{ "refused: a filter that comes later is an error, not a crash",
	    refused_later },
	{ "refused: unknown backends are told in words", unknown_names },
	{ NULL, NULL }
};

int
main(void)
{
	return tap_run(cases);
}
