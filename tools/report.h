/* SPDX-License-Identifier: ISC */
#ifndef TOOLS_REPORT_H
#define TOOLS_REPORT_H

#include <sys/resource.h>
#include <sys/utsname.h>

#include <stddef.h>
#include <stdint.h>

#define BACKENDS	5
#define CAPABILITIES	10
#define ADVICE_MAX	12
#define WORDS_MAX	512

struct proactor;

struct capability {
	uint64_t bit;
	const char *name;
};

extern const struct capability capabilities[CAPABILITIES];

/* In the library's order of preference. */
extern const char *const backend_names[BACKENDS];

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

void	 print_report(const struct report *r);
void	 json_report(const struct report *r);

#endif
