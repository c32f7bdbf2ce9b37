/* SPDX-License-Identifier: ISC */
/* What a run is measured with. */
#include "config.h"

#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bench/bench.h"
#include "bench/timers.h"

static int64_t
clock_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

int64_t
now_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

static void
begin(struct run *run, clockid_t cpu)
{
	run->begin.allocations = run->allocations;
	run->begin.cpu = clock_ns(cpu);
	run->begin.syscalls = run->syscalls;
	run->begin.wall = now_ns();
}

static void
end(struct run *run, clockid_t cpu, uint64_t operations)
{
	struct counters *t = &run->total;
	double n;

	t->wall += now_ns() - run->begin.wall;
	t->syscalls += run->syscalls - run->begin.syscalls;
	t->cpu += clock_ns(cpu) - run->begin.cpu;
	t->allocations += run->allocations - run->begin.allocations;
	t->operations += operations;

	n = t->operations;
	run->result[METRIC_CPU] = t->cpu / n;
	run->result[METRIC_WALL] = t->wall / n;
	run->result[METRIC_RATE] = n / t->wall * 1e9;
	run->result[METRIC_ALLOCATIONS] = t->allocations / n;
	run->result[METRIC_SYSCALLS] = run->traced ? t->syscalls / n : NAN;
}

/*
 * Brackets what is measured, in the process that does it.  A cell may do so
 * several times: the parts add up.
 */
void
run_begin(struct run *run)
{
	begin(run, CLOCK_PROCESS_CPUTIME_ID);
}

void
run_end(struct run *run, uint64_t operations)
{
	end(run, CLOCK_PROCESS_CPUTIME_ID, operations);
}

static clockid_t
clock_of(pid_t pid)
{
	clockid_t clock;

	if (clock_getcpuclockid(pid, &clock) != 0)
		die("clock_getcpuclockid", -1);
	return clock;
}

/* The same by the client, about the server. */
void
run_begin_of(struct run *run, pid_t server)
{
	begin(run, clock_of(server));
}

void
run_end_of(struct run *run, pid_t server, uint64_t operations)
{
	end(run, clock_of(server), operations);
	run->measured = 1;
}

/* A server stays until its client has read its clock. */
void
run_leave(struct run *run)
{
	while (run->measured == 0)
		usleep(1000);
}

static int
compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* Sorts samples. */
void
run_latencies(struct run *run, int64_t *samples, size_t count)
{
	if (count == 0)
		return;
	qsort(samples, count, sizeof(*samples), compare);
	run->result[METRIC_P50] = samples[count / 2];
	run->result[METRIC_P99] = samples[count - 1 - count / 100];
}

/* Bytes of this process that are in memory. */
uint64_t
run_resident(void)
{
	unsigned long size, resident;
	FILE *f;

	f = fopen("/proc/self/statm", "r");
	if (f == NULL)
		return 0;
	if (fscanf(f, "%lu %lu", &size, &resident) != 2)
		resident = 0;
	fclose(f);
	return (uint64_t)resident * sysconf(_SC_PAGESIZE);
}

/* The number-th processor that we may use, -1 if there are not so many. */
int
processor(unsigned int number)
{
	cpu_set_t set;
	int cpu;

	if (sched_getaffinity(0, sizeof(set), &set) != 0)
		return -1;
	for (cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &set) && number-- == 0)
			return cpu;
	return -1;
}

/* Keeps the calling thread on one processor; where that fails it roams. */
void
pin(int cpu)
{
	cpu_set_t set;

	if (cpu < 0)
		return;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

/* xorshift: the same sequence for each peer. */
uint32_t
random_next(uint32_t *state)
{
	uint32_t x = *state;

	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	*state = x;
	return x;
}

/* The numbers below count in random order. */
uint32_t *
timer_order(unsigned int count)
{
	uint32_t *order, seed = 7, swap;
	unsigned int i, j;

	order = allocate(count, sizeof(*order));
	for (i = 0; i < count; i++)
		order[i] = i;
	for (i = count; i-- > 1;) {
		j = random_next(&seed) % (i + 1);
		swap = order[i];
		order[i] = order[j];
		order[j] = swap;
	}
	return order;
}

/* Zeroed memory that has its pages already. */
void *
allocate(size_t count, size_t size)
{
	void *memory;

	memory = malloc(count * size);
	if (memory == NULL)
		die("malloc", -1);
	memset(memory, 1, count * size);
	return memset(memory, 0, count * size);
}

/* A cell that cannot go on; status is 0, a negative errno, or -1. */
void
die(const char *what, int status)
{
	if (status < -1)
		fprintf(stderr, "bench: %s: %s\n", what, strerror(-status));
	else
		fprintf(stderr, "bench: %s failed\n", what);
	fflush(NULL);
	_exit(1);
}
