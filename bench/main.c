/* SPDX-License-Identifier: ISC */
/*
 * usage: bench [--quick] [--json] [--rounds=N] [--only=PREFIX] [--list]
 *              [--peers=NAME,...] [--help]
 */
#include "config.h"

#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "bench/bench.h"

#define ROUNDS	     7
#define ROUNDS_QUICK	5
#define SCALE_QUICK	0.2

/* Of the operations, those that are done under the tracer. */
#define SCALE_TRACED	0.2

static uint64_t
scaled(const struct workload *w, double scale)
{
	uint64_t n;

	n = (uint64_t)(w->operations * scale);
	return n == 0 ? 1 : n;
}

static void
keep(struct results *r, unsigned int peer, unsigned int round,
    const struct run *run, bool traced)
{
	enum metric m;

	if (traced) {
		m = METRIC_SYSCALLS;
		r->samples[peer][m][round] = run->result[m];
		return;
	}
	for (m = 0; m < METRIC_COUNT; m++)
		if (m != METRIC_SYSCALLS)
			r->samples[peer][m][round] = run->result[m];
}

/* Is name one of the names, separated by commas, in list? */
static bool
listed(const char *name, const char *list)
{
	size_t length = strlen(name);

	for (;;) {
		if (strcspn(list, ",") == length &&
		    strncmp(list, name, length) == 0)
			return true;
		list += strcspn(list, ",");
		if (*list++ == '\0')
			return false;
	}
}

static bool
takes_part(const struct workload *w, unsigned int peer, unsigned int round,
    const char *peers)
{
	const struct peer *p = bench_peers[peer];

	if (p->cells[w->slot] == NULL ||
	    (peers != NULL && !listed(p->name, peers)))
		return false;
	return round == 0 || w->once == NULL || strcmp(w->once, p->name) != 0;
}

/* Each peer once, in turn; who begins changes from round to round. */
static void
play_round(const struct workload *w, struct run *run, struct results *r,
    unsigned int round, double scale, bool traced, const char *peers)
{
	unsigned int count, i, peer;

	for (count = 0; bench_peers[count] != NULL; count++)
		continue;
	for (i = 0; i < count; i++) {
		peer = (i + round) % count;
		if (!takes_part(w, peer, round, peers))
			continue;
		if (run_cell(w, bench_peers[peer], run, scaled(w, scale),
		    traced))
			keep(r, peer, round, run, traced);
		else
			r->failed = true;
	}
}

static void
play(const struct workload *w, struct run *run, struct results *r,
    const struct settings *settings, bool can_trace)
{
	unsigned int m, peer, round;

	r->rounds = settings->rounds;
	r->failed = false;
	for (peer = 0; peer < PEERS_MAX; peer++)
		for (m = 0; m < METRIC_COUNT; m++)
			for (round = 0; round < ROUNDS_MAX; round++)
				r->samples[peer][m][round] = NAN;

	for (round = 0; round < settings->rounds; round++)
		play_round(w, run, r, round, settings->scale, false,
		    settings->peers);
	if (can_trace && (w->shown & 1u << METRIC_SYSCALLS) != 0)
		play_round(w, run, r, 0, settings->scale * SCALE_TRACED, true,
		    settings->peers);
}

/*
 * Processor time in seconds: of the whole machine, of our processes.  What the
 * kernel does in interrupts, and much of a loopback connection is done there,
 * is charged to the process that it interrupts: it counts on both sides.
 */
static double
busy_machine(void)
{
	unsigned long long user, nice, system, idle, wait, hard, soft;
	double seconds = NAN;
	FILE *f;

	f = fopen("/proc/stat", "r");
	if (f == NULL)
		return NAN;
	if (fscanf(f, "cpu %llu %llu %llu %llu %llu %llu %llu", &user, &nice,
	    &system, &idle, &wait, &hard, &soft) == 7)
		seconds = (double)(user + nice + system + hard + soft) /
		    sysconf(_SC_CLK_TCK);
	fclose(f);
	return seconds;
}

static double
busy_ours(void)
{
	struct rusage r;

	getrusage(RUSAGE_CHILDREN, &r);
	return r.ru_utime.tv_sec + r.ru_stime.tv_sec +
	    (r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6;
}

static void
list(void)
{
	const struct workload *w;

	for (w = bench_workloads; w->name != NULL; w++)
		printf("%-28s %s\n", w->name, w->words);
}

static int
bench(const struct settings *settings)
{
	const struct report *report;
	const struct workload *w;
	struct results *results;
	double busy, seconds;
	struct run *run;
	int64_t begin;
	bool can_trace, failed = false;

	report = settings->json ? &json_report : &table_report;
	results = allocate(1, sizeof(*results));
	run = run_create();
	run->file = run_file();
	can_trace = trace_works();
	begin = now_ns();
	busy = busy_machine();

	report->begin(settings);
	for (w = bench_workloads; w->name != NULL; w++) {
		if (settings->only != NULL &&
		    strncmp(w->name, settings->only, strlen(settings->only)) !=
			0)
			continue;
		play(w, run, results, settings, can_trace);
		report->add(w, results);
		failed |= results->failed;
	}
	seconds = (now_ns() - begin) / 1e9;
	busy = busy_machine() - busy - busy_ours();
	report->end(busy / (seconds * sysconf(_SC_NPROCESSORS_ONLN)));
	free(results);
	return failed ? 1 : 0;
}

static void
usage(FILE *to)
{
	fprintf(to, "usage: bench [--quick] [--json] [--rounds=N] "
	    "[--only=PREFIX] [--list]\n"
	    "             [--peers=NAME,...] [--help]\n");
}

int
main(int argc, char *argv[])
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "json", no_argument, NULL, 'j' },
		{ "list", no_argument, NULL, 'l' },
		{ "only", required_argument, NULL, 'o' },
		{ "peers", required_argument, NULL, 'p' },
		{ "quick", no_argument, NULL, 'q' },
		{ "rounds", required_argument, NULL, 'r' },
		{ NULL, 0, NULL, 0 },
	};
	struct settings settings = { .scale = 1 };
	unsigned int rounds = ROUNDS;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
		switch (c) {
		case 'h':
			usage(stdout);
			return 0;
		case 'j':
			settings.json = true;
			break;
		case 'l':
			list();
			return 0;
		case 'o':
			settings.only = optarg;
			break;
		case 'p':
			settings.peers = optarg;
			break;
		case 'q':
			rounds = ROUNDS_QUICK;
			settings.scale = SCALE_QUICK;
			break;
		case 'r':
			settings.rounds = strtoul(optarg, NULL, 10);
			break;
		default:
			usage(stderr);
			return 2;
		}
	if (settings.rounds == 0)
		settings.rounds = rounds;
	if (optind != argc || settings.rounds < 1 ||
	    settings.rounds > ROUNDS_MAX) {
		usage(stderr);
		return 2;
	}
	return bench(&settings);
}
