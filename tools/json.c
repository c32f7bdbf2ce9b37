/* SPDX-License-Identifier: ISC */
/* What proactor-info prints as JSON. */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>

#include <proactor.h>

#include "coordination.h"
#include "report.h"

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

void
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
