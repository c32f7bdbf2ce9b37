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

static void
print_ratio(double ratio)
{
	if (isnan(ratio))
		printf("        ");
	else
		printf(ratio < 10 ? " x%-6.3f" : " x%-6.0f", ratio);
}

/* A peer's figures, and its ratios to reference's; -1: none. */
static void
print_peer(const struct results *r, unsigned int peer, int reference,
    unsigned int shown)
{
	enum metric m;
	double ratio, v;

	printf("  %-16s", bench_peers[peer]->name);
	for (m = 0; m < METRIC_COUNT; m++) {
		if ((shown & 1u << m) == 0)
			continue;
		v = median(r->samples[peer][m], r->rounds);
		if (isnan(v)) {
			printf(" %9s         ", "-");
			continue;
		}
		print_value(v);
		ratio = NAN;
		if (reference >= 0)
			ratio = median_ratio(r->samples[peer][m],
			    r->samples[reference][m], r->rounds);
		print_ratio(ratio);
	}
	if (reference >= 0)
		printf(" of %s", bench_peers[reference]->name);
	printf("\n");
}

/* What the library's epoll backend costs, were io_uring's cost 1. */
static void
print_backends(const struct workload *w, const struct results *r,
    unsigned int shown)
{
	int epoll = peer_index(PEER_EPOLL), ring = peer_index(PEER_MEASURED);
	enum metric m;

	if (epoll < 0 || ring < 0 || metrics_of(w, r, epoll) == 0 ||
	    metrics_of(w, r, ring) == 0)
		return;
	printf("  %-16s", "epoll/io_uring");
	for (m = 0; m < METRIC_COUNT; m++) {
		if ((shown & 1u << m) == 0)
			continue;
		printf(" %9s ", "");
		print_ratio(median_ratio(r->samples[epoll][m],
		    r->samples[ring][m], r->rounds));
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
	printf("  goal: %s: %s %s %s%g%s%s:",
	    g->of ? g->of : PEER_MEASURED, metric_name(g->metric),
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
		printf("  %-16s %s\n", bench_peers[i]->name,
		    bench_peers[i]->words);
}

static void
table_add(const struct workload *w, const struct results *r)
{
	unsigned int i, shown = 0;
	enum metric m;

	for (i = 0; bench_peers[i] != NULL; i++)
		shown |= metrics_of(w, r, i);
	printf("\n%s: %s\n  %-16s", w->name, w->words, "an operation");
	for (m = 0; m < METRIC_COUNT; m++)
		if ((shown & 1u << m) != 0)
			printf("   %-16s", metric_name(m));
	printf("\n");
	for (i = 0; bench_peers[i] != NULL; i++)
		if (metrics_of(w, r, i) != 0)
			print_peer(r, i, reference_of(w, r, i), shown);
	print_backends(w, r, shown);
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
