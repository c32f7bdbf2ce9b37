/* SPDX-License-Identifier: ISC */
/* What proactor-info prints in words. */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <proactor.h>

#include "coordination.h"
#include "report.h"

#define WIDTH		79

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

void
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
