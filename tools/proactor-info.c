/* SPDX-License-Identifier: ISC */
/* What libproactor finds on this machine, and why; see proactor-info(1). */
#include "config.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <proactor.h>

#include "report.h"

const struct capability capabilities[CAPABILITIES] = {
	{ PROACTOR_CAP_MULTISHOT, "MULTISHOT" },
	{ PROACTOR_CAP_FIXED_FILES, "FIXED_FILES" },
	{ PROACTOR_CAP_REGISTERED_BUFFERS, "REGISTERED_BUFFERS" },
	{ PROACTOR_CAP_LINKED_OPERATIONS, "LINKED_OPERATIONS" },
	{ PROACTOR_CAP_ZERO_COPY_SEND, "ZERO_COPY_SEND" },
	{ PROACTOR_CAP_DMABUF, "DMABUF" },
	{ PROACTOR_CAP_DEVICE_FENCE, "DEVICE_FENCE" },
	{ PROACTOR_CAP_ABSOLUTE_TIMEOUT, "ABSOLUTE_TIMEOUT" },
	{ PROACTOR_CAP_FUTEX_OPERATIONS, "FUTEX_OPERATIONS" },
	{ PROACTOR_CAP_PROACTOR_MESSAGING, "PROACTOR_MESSAGING" },
};

const char *const backend_names[BACKENDS] = {
	"io_uring", "epoll", "kqueue", "poll", "iocp"
};

static void __attribute__((format(printf, 2, 3)))
advise(struct report *r, const char *format, ...)
{
	va_list arguments;

	if (r->advices == ADVICE_MAX)
		return;
	va_start(arguments, format);
	vsnprintf(r->advice[r->advices++], WORDS_MAX, format, arguments);
	va_end(arguments);
}

/*
 * Looking.
 */

/* The number that a line of the file has after the prefix, or -1. */
static long
number_in(const char *path, const char *prefix)
{
	FILE *file = fopen(path, "re");
	char line[256];
	long value = -1;

	if (file == NULL)
		return -1;
	while (value == -1 && fgets(line, sizeof(line), file) != NULL)
		if (strncmp(line, prefix, strlen(prefix)) == 0)
			value = strtol(line + strlen(prefix), NULL, 10);
	fclose(file);
	return value;
}

/*
 * The liburing that is loaded has its version in the name of its file.  One
 * that is linked statically says nothing.
 */
static void
find_liburing(char *version, size_t size)
{
	static const char name[] = "/liburing.so.";
	FILE *file = fopen("/proc/self/maps", "re");
	char line[4096], *found;

	version[0] = '\0';
	if (file == NULL)
		return;
	while (version[0] == '\0' && fgets(line, sizeof(line), file) != NULL) {
		found = strstr(line, name);
		if (found != NULL) {
			found += strlen(name);
			found[strspn(found, "0123456789.")] = '\0';
			snprintf(version, size, "%s", found);
		}
	}
	fclose(file);
}

/*
 * Would this backend work here, if it were asked for?  The reason begins with
 * its name, which is printed anyway.
 */
static void
try_backend(struct report *r, size_t i)
{
	struct proactor_options options;
	char *reason = r->backend_reason[i];
	size_t name = strlen(backend_names[i]);
	struct proactor *p;

	proactor_options_init(&options);
	options.backend = backend_names[i];
	options.reason = reason;
	options.reason_size = WORDS_MAX;
	r->backend_status[i] = proactor_create(&options, &p);
	if (r->backend_status[i] == 0)
		proactor_release(p);
	else if (strncmp(reason, backend_names[i], name) == 0 &&
	    strncmp(reason + name, ": ", 2) == 0)
		memmove(reason, reason + name + 2,
		    strlen(reason + name + 2) + 1);
}

/* 0 when the proactor that the user asked for was made. */
static int
look(struct report *r, const char *backend)
{
	struct proactor_options options;
	size_t i;

	proactor_options_init(&options);
	options.backend = backend;
	options.allowed_capabilities = ~r->masked;
	options.reason = r->reason;
	options.reason_size = sizeof(r->reason);
	r->status = proactor_create(&options, &r->p);
	if (r->status == 0)
		snprintf(r->reason, sizeof(r->reason), "%s",
		    proactor_backend_reason(r->p));
	for (i = 0; i < BACKENDS; i++)
		try_backend(r, i);
	uname(&r->system);
	find_liburing(r->liburing, sizeof(r->liburing));
	getrlimit(RLIMIT_NOFILE, &r->files);
	getrlimit(RLIMIT_MEMLOCK, &r->memlock);
	r->uring_disabled = number_in("/proc/sys/kernel/io_uring_disabled",
	    "");
	r->uring_group = number_in("/proc/sys/kernel/io_uring_group", "");
	r->seccomp = number_in("/proc/self/status", "Seccomp:\t");
	return r->status;
}

/*
 * Advising.
 */

static bool
runs_on(const struct report *r, const char *name)
{
	return r->p != NULL && strcmp(proactor_backend_name(r->p), name) == 0;
}

#ifdef PROACTOR_HAVE_IO_URING

/* io_uring is in this build and was refused: by whom? */
static void
advise_refused(struct report *r)
{
	if (r->uring_disabled == 2)
		advise(r, "io_uring is switched off for everybody: "
		    "sysctl kernel.io_uring_disabled=0 allows it.");
	else if (r->uring_disabled == 1)
		advise(r, "io_uring is for the group with the number %ld and "
		    "for root only: join the group that sysctl "
		    "kernel.io_uring_group names, or allow everybody with "
		    "sysctl kernel.io_uring_disabled=0.", r->uring_group);
	else if (r->seccomp == 2 &&
	    (r->backend_status[0] == PROACTOR_EPERM ||
	    r->backend_status[0] == PROACTOR_EACCES ||
	    r->backend_status[0] == PROACTOR_ENOTSUP))
		advise(r, "A seccomp filter is active, as in many containers, "
		    "and most likely refuses io_uring: allow "
		    "io_uring_setup, io_uring_enter and io_uring_register in "
		    "its profile.");
	else if (r->backend_status[0] == PROACTOR_ENOMEM)
		advise(r, "io_uring was refused memory: raise the limit of "
		    "locked memory (ulimit -l) or the memory of the "
		    "container.");
	else
		advise(r, "io_uring is refused: %s", r->backend_reason[0]);
}

#else

static void
advise_refused(struct report *r)
{
	advise(r, "This build has no io_uring: install liburing's header "
	    "files and configure again.");
}

#endif

static void
advise_all(struct report *r)
{
	const char *wanted = getenv("PROACTOR_BACKEND");
	unsigned int tier;
	const char *reason;
	size_t i;

	if (wanted != NULL && wanted[0] != '\0')
		advise(r, "PROACTOR_BACKEND=%.64s is set in the environment: "
		    "it decides for programs that do not name a backend.",
		    wanted);
	if (r->backend_status[0] != 0)
		advise_refused(r);
	else if (!runs_on(r, "io_uring"))
		advise(r, "io_uring works here and would be faster.");
	for (i = 0; r->p != NULL && runs_on(r, "io_uring") &&
	    i < CAPABILITIES; i++) {
		if ((capabilities[i].bit != PROACTOR_CAP_MULTISHOT &&
		    capabilities[i].bit != PROACTOR_CAP_FIXED_FILES &&
		    capabilities[i].bit != PROACTOR_CAP_LINKED_OPERATIONS) ||
		    (r->masked & capabilities[i].bit))
			continue;
		if (proactor_explain_capability(r->p, capabilities[i].bit,
		    &tier, &reason) == 0 && tier != PROACTOR_TIER_NATIVE)
			advise(r, "%s is not native, which costs speed; a "
			    "newer kernel may help.", capabilities[i].name);
	}
	if (r->files.rlim_cur != RLIM_INFINITY && r->files.rlim_cur < 4096)
		advise(r, "A process may have %ju files open, and a "
		    "connection is one: for a server raise it (ulimit -n, "
		    "LimitNOFILE= in a systemd unit).",
		    (uintmax_t)r->files.rlim_cur);
	if (runs_on(r, "io_uring") && r->memlock.rlim_cur != RLIM_INFINITY &&
	    r->memlock.rlim_cur < 1024 * 1024)
		advise(r, "Little memory may be locked, %ju bytes: rings and "
		    "registered buffers may be refused (ulimit -l, "
		    "LimitMEMLOCK= in a systemd unit).",
		    (uintmax_t)r->memlock.rlim_cur);
}

/* The bits of a list of names with commas in between; 0 when one is wrong. */
static uint64_t
bits_of(const char *names)
{
	uint64_t bits = 0;
	size_t i, length;

	for (;; names += length + 1) {
		length = strcspn(names, ",");
		for (i = 0; i < CAPABILITIES; i++)
			if (strlen(capabilities[i].name) == length &&
			    memcmp(capabilities[i].name, names, length) == 0)
				break;
		if (i == CAPABILITIES)
			return 0;
		bits |= capabilities[i].bit;
		if (names[length] == '\0')
			return bits;
	}
}

static void
usage(FILE *to)
{
	fprintf(to, "usage: proactor-info [--backend=NAME] "
	    "[--without=CAPABILITY,...] [--json]\n"
	    "       proactor-info --help | --version\n");
}

int
main(int argc, char **argv)
{
	static const struct option long_options[] = {
		{ "backend", required_argument, NULL, 'b' },
		{ "without", required_argument, NULL, 'w' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 }
	};
	struct report r = { .p = NULL };
	const char *backend = NULL;
	uint64_t bits;
	bool json = false;
	int option;

	while ((option = getopt_long(argc, argv, "b:w:jhV", long_options,
	    NULL)) != -1) {
		switch (option) {
		case 'b':
			backend = optarg;
			break;
		case 'w':
			bits = bits_of(optarg);
			if (bits == 0) {
				usage(stderr);
				return 2;
			}
			r.masked |= bits;
			break;
		case 'j':
			json = true;
			break;
		case 'h':
			usage(stdout);
			return 0;
		case 'V':
			printf("proactor-info %s\n", proactor_version());
			return 0;
		default:
			usage(stderr);
			return 2;
		}
	}
	if (optind != argc) {
		usage(stderr);
		return 2;
	}

	if (look(&r, backend) != 0)
		fprintf(stderr, "proactor-info: %s\n", r.reason);
	advise_all(&r);
	if (json)
		json_report(&r);
	else
		print_report(&r);
	proactor_release(r.p);
	if (fflush(stdout) != 0) {
		perror("proactor-info");
		return 1;
	}
	return r.status == 0 ? 0 : 1;
}
