/* SPDX-License-Identifier: ISC */
/* The report as text. */
#include "config.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "bench/bench.h"

static unsigned int goals_met, goals_missed;

/* Four digits or so, with a prefix for what is large. */
static void
print_value(double v)
{
	if (v >= 1e7)
		printf(" %9.1fM", v / 1e6);
	else if (v >= 1e5)
		printf(" %9.1fk", v / 1e3);
	else if (v >= 100 || v == 0)
		printf(" %9.0f ", v);
	else if (v >= 10)
		printf(" %9.1f ", v);
	else
		printf(" %9.3f ", v);
}

static bool
took_part(const struct results *r, unsigned int peer, unsigned int shown)
{
	enum metric m;

	for (m = 0; m < METRIC_COUNT; m++)
		if ((shown & 1u << m) != 0 &&
		    !isnan(median(r->samples[peer][m], r->rounds)))
			return true;
	return false;
}

static void
print_metric(const struct results *r, enum metric m, unsigned int shown)
{
	int i, reference = peer_index(PEER_REFERENCE);
	double ratio, v;

	printf("  %-16s", metric_name(m));
	for (i = 0; bench_peers[i] != NULL; i++) {
		if (!took_part(r, i, shown))
			continue;
		v = median(r->samples[i][m], r->rounds);
		if (isnan(v)) {
			printf(" %9s         ", "-");
			continue;
		}
		print_value(v);
		ratio = NAN;
		if (reference >= 0 && i != reference)
			ratio = median_ratio(r->samples[i][m],
			    r->samples[reference][m], r->rounds);
		if (!isnan(ratio))
			printf(ratio < 10 ? " x%-6.3f" : " x%-6.0f", ratio);
		else
			printf("        ");
	}
	printf("\n");
}

static void
print_goal(const struct goal *g, const struct results *r)
{
	double v;

	v = goal_value(g, r);
	if (isnan(v))
		return;
	printf("  goal: %s %s %s%g%s%s:", metric_name(g->metric),
	    g->at_least ? "at least" : "at most", g->against ? "x" : "",
	    g->limit, g->against ? " of " : "", g->against ? g->against : "");
	print_value(v);
	if (goal_met(g, v)) {
		goals_met++;
		printf(" met\n");
	} else {
		goals_missed++;
		printf(" MISSED\n");
	}
}

static void
table_begin(const struct settings *settings)
{
	struct utsname name;
	unsigned int i;

	uname(&name);
	printf("%s %s, %s, %ld processors; medians of %u rounds\n",
	    name.sysname, name.release, name.machine,
	    sysconf(_SC_NPROCESSORS_ONLN), settings->rounds);
	for (i = 0; bench_peers[i] != NULL; i++)
		printf("  %-10s %s\n", bench_peers[i]->name,
		    bench_peers[i]->words);
}

static void
table_add(const struct workload *w, const struct results *r)
{
	unsigned int i;
	enum metric m;

	printf("\n%s: %s\n  %-16s", w->name, w->words, "an operation");
	for (i = 0; bench_peers[i] != NULL; i++)
		if (took_part(r, i, w->shown))
			printf(" %9s         ", bench_peers[i]->name);
	printf("\n");
	for (m = 0; m < METRIC_COUNT; m++)
		if ((w->shown & 1u << m) != 0)
			print_metric(r, m, w->shown);
	for (i = 0; i < GOALS_MAX && w->goals[i].set; i++)
		print_goal(&w->goals[i], r);
	if (r->failed)
		printf("  FAILED: see standard error\n");
	fflush(stdout);
}

static void
table_end(double others)
{
	printf("\n%u goals met, %u missed; other processes used %.0f %% of the "
	       "machine\n",
	    goals_met, goals_missed, others * 100);
}

const struct report table_report = { table_begin, table_add, table_end };
