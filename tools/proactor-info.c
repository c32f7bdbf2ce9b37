/* SPDX-License-Identifier: ISC */
/* What libproactor finds on this machine, and why; see proactor-info(1). */
#include "config.h"

#include <sys/resource.h>
#include <sys/utsname.h>

#include <getopt.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <proactor.h>

#include "coordination.h"

#define BACKENDS	5
#define ADVICE_MAX	12
#define WORDS_MAX	512
#define WIDTH		79

static const struct {
	uint64_t bit;
	const char *name;
} capabilities[] = {
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

#define CAPABILITIES	(sizeof(capabilities) / sizeof(capabilities[0]))

/* In the library's order of preference. */
static const char *const backend_names[BACKENDS] = {
	"io_uring", "epoll", "kqueue", "poll", "iocp"
};

/* All that is printed, in words or as JSON. */
struct report {
	struct utsname system;
	char liburing[32];		/* empty: not known */
	uint64_t masked;		/* capabilities not to be used */
	struct proactor *p;		/* NULL: none could be made */
	int status;			/* of the making */
	char reason[WORDS_MAX];		/* for this backend, or for none */
	int backend_status[BACKENDS];
	char backend_reason[BACKENDS][WORDS_MAX];
	struct rlimit files, memlock;
	long uring_disabled;		/* -1: no such sysctl */
	long uring_group;
	long seccomp;			/* -1: not known */
	char advice[ADVICE_MAX][WORDS_MAX];
	size_t advices;
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

/*
 * Printing in words.
 */

/* Goes on at the column and breaks lines there. */
static void
print_words(const char *words, int column)
{
	int at = column, length;

	while (*words != '\0') {
		length = (int)strcspn(words, " ");
		if (at > column && at + 1 + length > WIDTH) {
			printf("\n%*s", column, "");
			at = column;
		} else if (at > column) {
			putchar(' ');
			at++;
		}
		printf("%.*s", length, words);
		at += length;
		words += length;
		words += strspn(words, " ");
	}
	putchar('\n');
}

static void
print_row(const char *name, const char *words)
{
	printf("%-14s", name);
	print_words(words, 14);
}

static void
print_limit(const char *name, rlim_t soft, rlim_t hard)
{
	char text[2][32];
	rlim_t values[2] = { soft, hard };
	int i;

	for (i = 0; i < 2; i++)
		if (values[i] == RLIM_INFINITY)
			snprintf(text[i], sizeof(text[i]), "unlimited");
		else
			snprintf(text[i], sizeof(text[i]), "%ju",
			    (uintmax_t)values[i]);
	printf("  %-26s%s, can be raised to %s\n", name, text[0], text[1]);
}

static void
print_backends(const struct report *r)
{
	size_t i;

	printf("\nbackends\n");
	for (i = 0; i < BACKENDS; i++) {
		printf("  %-20s", backend_names[i]);
		print_words(r->backend_status[i] == 0 ? "works" :
		    r->backend_reason[i], 22);
	}
}

static void
print_capabilities(const struct report *r)
{
	const char *reason;
	unsigned int tier;
	size_t i;

	printf("\ncapabilities\n");
	for (i = 0; i < CAPABILITIES; i++) {
		if (proactor_explain_capability(r->p, capabilities[i].bit,
		    &tier, &reason) != 0)
			continue;
		printf("  %-20s%-10s", capabilities[i].name,
		    tier_name(tier));
		print_words(reason, 32);
	}
}

static void
print_coordination(const struct report *r)
{
	struct coordination rows[COORDINATIONS];
	size_t i;

	coordination_query(r->p, rows);
	printf("\ncoordination\n");
	for (i = 0; i < COORDINATIONS; i++) {
		printf("  %-20s%-10s", rows[i].name, rows[i].tier);
		print_words(rows[i].reason, 32);
	}
}

static void
print_masked(const struct report *r)
{
	char words[WORDS_MAX] = "";
	size_t i, length = 0;

	for (i = 0; i < CAPABILITIES; i++)
		if (r->masked & capabilities[i].bit)
			length += (size_t)snprintf(words + length,
			    sizeof(words) - length, "%s ",
			    capabilities[i].name);
	if (length > 0)
		print_row("masked", words);
}

static void
print_limits(const struct report *r)
{
	static const char *const meanings[] = {
		"0, everybody may use io_uring",
		"1, io_uring is for root and one group",
		"2, nobody may use io_uring"
	};
	static const char *const modes[] = {
		"off", "strict", "a filter is active"
	};

	printf("\nlimits\n");
	print_limit("open files", r->files.rlim_cur, r->files.rlim_max);
	print_limit("bytes of locked memory", r->memlock.rlim_cur,
	    r->memlock.rlim_max);
	printf("  %-26s%s\n", "kernel.io_uring_disabled",
	    r->uring_disabled < 0 || r->uring_disabled > 2 ?
	    "no such setting" : meanings[r->uring_disabled]);
	if (r->seccomp >= 0 && r->seccomp <= 2)
		printf("  %-26s%s\n", "seccomp", modes[r->seccomp]);
}

static void
print_report(const struct report *r)
{
	char words[WORDS_MAX];
	size_t i;

	snprintf(words, sizeof(words), "%s (headers %s)", proactor_version(),
	    PROACTOR_VERSION);
	print_row("libproactor", words);
	snprintf(words, sizeof(words), "%.64s %.128s %.64s",
	    r->system.sysname, r->system.release, r->system.machine);
	print_row("system", words);
	print_row("liburing", r->liburing[0] != '\0' ? r->liburing :
	    "not loaded as a shared library");
	print_row("backend", r->p != NULL ? proactor_backend_name(r->p) :
	    "none");
	print_row("because", r->reason);
	print_masked(r);
	print_backends(r);
	if (r->p != NULL) {
		print_capabilities(r);
		print_coordination(r);
	}
	print_limits(r);
	printf("\nadvice\n");
	for (i = 0; i < r->advices; i++) {
		printf("  ");
		print_words(r->advice[i], 2);
	}
	if (r->advices == 0)
		printf("  Nothing to improve.\n");
}

/*
 * Printing as JSON.
 */

static void
json_string(const char *text)
{
	const unsigned char *ch;

	putchar('"');
	for (ch = (const unsigned char *)text; *ch != '\0'; ch++) {
		if (*ch == '"' || *ch == '\\')
			printf("\\%c", *ch);
		else if (*ch < ' ' || *ch >= 0x7f)
			printf("\\u%04x", *ch);
		else
			putchar(*ch);
	}
	putchar('"');
}

/* NULL and the empty text are null. */
static void
json_member(const char *name, const char *text)
{
	printf("  \"%s\": ", name);
	if (text == NULL || text[0] == '\0')
		printf("null");
	else
		json_string(text);
	printf(",\n");
}

/* Unlimited is null. */
static void
json_limit(const char *name, rlim_t soft, rlim_t hard, const char *end)
{
	rlim_t values[2] = { soft, hard };
	static const char *const names[2] = { "soft", "hard" };
	int i;

	printf("    \"%s\": {", name);
	for (i = 0; i < 2; i++) {
		printf("%s\"%s\": ", i == 0 ? "" : ", ", names[i]);
		if (values[i] == RLIM_INFINITY)
			printf("null");
		else
			printf("%ju", (uintmax_t)values[i]);
	}
	printf("}%s\n", end);
}

static void
json_number(const char *name, long value)
{
	printf("  \"%s\": ", name);
	if (value < 0)
		printf("null");
	else
		printf("%ld", value);
	printf(",\n");
}

static void
json_capabilities(const struct report *r)
{
	const char *reason, *separator = "";
	unsigned int tier;
	size_t i;

	printf("  \"capabilities\": {");
	for (i = 0; r->p != NULL && i < CAPABILITIES; i++) {
		if (proactor_explain_capability(r->p, capabilities[i].bit,
		    &tier, &reason) != 0)
			continue;
		printf("%s\n    \"%s\": {\"tier\": \"%s\", \"reason\": ",
		    separator, capabilities[i].name, tier_name(tier));
		json_string(reason);
		printf("}");
		separator = ",";
	}
	printf("\n  },\n");
}

static void
json_coordination(const struct report *r)
{
	struct coordination rows[COORDINATIONS];
	size_t i;

	printf("  \"coordination\": {");
	if (r->p != NULL)
		coordination_query(r->p, rows);
	for (i = 0; r->p != NULL && i < COORDINATIONS; i++) {
		printf("%s\n    \"%s\": {\"tier\": \"%s\", \"reason\": ",
		    i == 0 ? "" : ",", rows[i].name, rows[i].tier);
		json_string(rows[i].reason);
		printf("}");
	}
	printf("\n  },\n");
}

static void
json_masked(const struct report *r)
{
	const char *separator = "";
	size_t i;

	printf("  \"masked\": [");
	for (i = 0; i < CAPABILITIES; i++)
		if (r->masked & capabilities[i].bit) {
			printf("%s\"%s\"", separator, capabilities[i].name);
			separator = ", ";
		}
	printf("],\n");
}

static void
json_report(const struct report *r)
{
	size_t i;

	printf("{\n");
	json_member("version", proactor_version());
	json_member("header_version", PROACTOR_VERSION);
	json_member("system", r->system.sysname);
	json_member("kernel", r->system.release);
	json_member("machine", r->system.machine);
	json_member("liburing", r->liburing);
	json_member("backend", proactor_backend_name(r->p));
	json_member("reason", r->reason);
	json_member("error", r->status == 0 ? NULL :
	    proactor_errname(r->status));
	printf("  \"backends\": {");
	for (i = 0; i < BACKENDS; i++) {
		printf("%s\n    \"%s\": {\"works\": %s, \"reason\": ",
		    i == 0 ? "" : ",", backend_names[i],
		    r->backend_status[i] == 0 ? "true" : "false");
		json_string(r->backend_status[i] == 0 ? "works" :
		    r->backend_reason[i]);
		printf("}");
	}
	printf("\n  },\n");
	json_masked(r);
	json_capabilities(r);
	json_coordination(r);
	printf("  \"limits\": {\n");
	json_limit("open_files", r->files.rlim_cur, r->files.rlim_max, ",");
	json_limit("locked_memory", r->memlock.rlim_cur, r->memlock.rlim_max,
	    "");
	printf("  },\n");
	json_number("io_uring_disabled", r->uring_disabled);
	json_number("io_uring_group", r->uring_group);
	json_number("seccomp", r->seccomp);
	printf("  \"advice\": [");
	for (i = 0; i < r->advices; i++) {
		printf("%s\n    ", i == 0 ? "" : ",");
		json_string(r->advice[i]);
	}
	printf("%s]\n}\n", r->advices == 0 ? "" : "\n  ");
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
