/* SPDX-License-Identifier: ISC */
/* From the samples of all rounds to figures. */
#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/bench.h"

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Copies what is a number, in order; how many there are. */
static unsigned int
sorted(const double *values, unsigned int count, double *ret_sorted)
{
	unsigned int i, n = 0;

	for (i = 0; i < count; i++)
		if (!isnan(values[i]))
			ret_sorted[n++] = values[i];
	qsort(ret_sorted, n, sizeof(*ret_sorted), compare);
	return n;
}

double
median(const double *values, unsigned int count)
{
	double s[ROUNDS_MAX];
	unsigned int n;

	n = sorted(values, count, s);
	if (n == 0)
		return NAN;
	return n % 2 == 1 ? s[n / 2] : (s[n / 2 - 1] + s[n / 2]) / 2;
}

double
lowest(const double *values, unsigned int count)
{
	double s[ROUNDS_MAX];

	return sorted(values, count, s) == 0 ? NAN : s[0];
}

double
highest(const double *values, unsigned int count)
{
	double s[ROUNDS_MAX];
	unsigned int n;

	n = sorted(values, count, s);
	return n == 0 ? NAN : s[n - 1];
}

/* Of the ratios within each round: what slows a round slows both. */
double
median_ratio(const double *values, const double *reference, unsigned int count)
{
	double ratios[ROUNDS_MAX];
	unsigned int i;

	for (i = 0; i < count; i++)
		ratios[i] = reference[i] > 0 ? values[i] / reference[i] : NAN;
	return median(ratios, count);
}

int
peer_index(const char *name)
{
	int i;

	for (i = 0; bench_peers[i] != NULL; i++)
		if (strcmp(bench_peers[i]->name, name) == 0)
			return i;
	return -1;
}

/* Of the metrics that are shown, those that peer has a figure for: bits. */
unsigned int
metrics_of(const struct workload *w, const struct results *results,
    unsigned int peer)
{
	unsigned int m, metrics = 0;

	for (m = 0; m < METRIC_COUNT; m++)
		if (!isnan(median(results->samples[peer][m], results->rounds)))
			metrics |= 1u << m;
	return metrics & w->shown;
}

/*
 * To whom peer's ratios are: its reference or, where that one did not take
 * part, the reference's.  -1: nobody.
 */
int
reference_of(const struct workload *w, const struct results *results,
    unsigned int peer)
{
	int i = peer;

	if (w->reference != NULL) {
		i = peer_index(w->reference);
		return i == (int)peer ? -1 : i;
	}
	do {
		if (bench_peers[i]->reference == NULL)
			return -1;
		i = peer_index(bench_peers[i]->reference);
	} while (i >= 0 && metrics_of(w, results, i) == 0);
	return i;
}

/* What is held against the goal: a ratio, or the figure; NAN: not known. */
double
goal_value(const struct goal *goal, const struct results *results)
{
	const double *measured, *reference;
	int against, of;

	of = peer_index(goal->of != NULL ? goal->of : PEER_MEASURED);
	if (of < 0)
		return NAN;
	measured = results->samples[of][goal->metric];
	if (goal->against != NULL) {
		against = peer_index(goal->against);
		if (against < 0)
			return NAN;
		reference = results->samples[against][goal->metric];
		return median_ratio(measured, reference, results->rounds);
	}
	/* One allocation in one round is one too many. */
	if (goal->metric == METRIC_ALLOCATIONS)
		return highest(measured, results->rounds);
	return median(measured, results->rounds);
}

bool
goal_met(const struct goal *goal, double value)
{
	return goal->at_least ? value >= goal->limit : value <= goal->limit;
}

const char *
metric_name(enum metric metric)
{
	static const char *const names[METRIC_COUNT] = {
		[METRIC_WALL] = "time, ns",
		[METRIC_CPU] = "CPU, ns",
		[METRIC_RATE] = "rate, /s",
		[METRIC_BANDWIDTH] = "GiB/s",
		[METRIC_P50] = "p50, ns",
		[METRIC_P99] = "p99, ns",
		[METRIC_SYSCALLS] = "system calls",
		[METRIC_ALLOCATIONS] = "allocations",
		[METRIC_HELD] = "heap, bytes",
		[METRIC_RESIDENT] = "resident, bytes",
	};

	return names[metric];
}
