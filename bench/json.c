/* SPDX-License-Identifier: ISC */
/* The report as JSON: one object, figures that are not known are null. */
#include "config.h"

#include <math.h>
#include <stdio.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "bench/bench.h"

static unsigned int workloads;

static const char *
metric_key(enum metric metric)
{
	static const char *const keys[METRIC_COUNT] = {
		[METRIC_WALL] = "wall_ns",
		[METRIC_CPU] = "cpu_ns",
		[METRIC_RATE] = "rate",
		[METRIC_BANDWIDTH] = "gib_per_s",
		[METRIC_P50] = "p50_ns",
		[METRIC_P99] = "p99_ns",
		[METRIC_SYSCALLS] = "syscalls",
		[METRIC_ALLOCATIONS] = "allocations",
		[METRIC_HELD] = "heap_bytes",
		[METRIC_RESIDENT] = "resident_bytes",
	};

	return keys[metric];
}

static void
number(const char *key, double v, const char *after)
{
	if (isnan(v))
		printf("\"%s\": null%s", key, after);
	else
		printf("\"%s\": %.9g%s", key, v, after);
}

static void
json_begin(const struct settings *settings)
{
	struct utsname name;

	uname(&name);
	printf("{\"system\": \"%s %s %s\", \"processors\": %ld, "
	       "\"rounds\": %u, \"scale\": %g,\n \"workloads\": [",
	    name.sysname, name.release, name.machine,
	    sysconf(_SC_NPROCESSORS_ONLN), settings->rounds, settings->scale);
}

/* All metrics that one peer has. */
static void
add_peer(const struct workload *w, const struct results *r, unsigned int peer)
{
	int reference = reference_of(w, r, peer);
	const double *samples, *base;
	const char *comma = "";
	enum metric m;

	if (reference >= 0) {
		printf("\n    \"reference\": \"%s\"",
		    bench_peers[reference]->name);
		comma = ",";
	}
	for (m = 0; m < METRIC_COUNT; m++) {
		samples = r->samples[peer][m];
		if (isnan(median(samples, r->rounds)))
			continue;
		printf("%s\n    \"%s\": {", comma, metric_key(m));
		comma = ",";
		number("median", median(samples, r->rounds), ", ");
		number("low", lowest(samples, r->rounds), ", ");
		number("high", highest(samples, r->rounds), ", ");
		base = reference < 0 ? NULL : r->samples[reference][m];
		number("ratio",
		    base == NULL ? NAN : median_ratio(samples, base, r->rounds),
		    "}");
	}
}

static void
add_goals(const struct workload *w, const struct results *r)
{
	const struct goal *g;
	unsigned int i;
	double v;

	for (i = 0; i < GOALS_MAX && w->goals[i].set; i++) {
		g = &w->goals[i];
		v = goal_value(g, r);
		printf("%s\n   {\"of\": \"%s\", \"metric\": \"%s\", "
		       "\"against\": ",
		    i == 0 ? "" : ",", g->of != NULL ? g->of : PEER_MEASURED,
		    metric_key(g->metric));
		printf(g->against != NULL ? "\"%s\", " : "null, ", g->against);
		number(g->at_least ? "at_least" : "at_most", g->limit, ", ");
		number("value", v, ", ");
		printf("\"met\": %s}",
		    isnan(v)		 ? "null"
			: goal_met(g, v) ? "true"
					 : "false");
	}
}

static void
json_add(const struct workload *w, const struct results *r)
{
	unsigned int i;

	printf("%s\n {\"name\": \"%s\", \"words\": \"%s\", \"failed\": %s,\n"
	       "  \"peers\": {",
	    workloads++ == 0 ? "" : ",", w->name, w->words,
	    r->failed ? "true" : "false");
	for (i = 0; bench_peers[i] != NULL; i++) {
		printf("%s\n   \"%s\": {", i == 0 ? "" : ",",
		    bench_peers[i]->name);
		add_peer(w, r, i);
		printf("}");
	}
	printf("},\n  \"goals\": [");
	add_goals(w, r);
	printf("]}");
	fflush(stdout);
}

static void
json_end(double others)
{
	printf("],\n ");
	number("others", others, "}\n");
}

const struct report json_report = { json_begin, json_add, json_end };
