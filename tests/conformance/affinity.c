/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <sched.h>
#include <stdlib.h>

#include "conformance/conformance.h"

/* The domains of the machine that this runs on, whatever it is. */

static struct proactor_affinity *
query(void)
{
	struct proactor_affinity *a = NULL;

	CHECK_INT(proactor_affinity_query(&a), 0);
	CHECK(a != NULL);
	return a;
}

static void
is_whole(void)
{
	struct proactor_affinity *a = query();
	const struct proactor_affinity_domain *domain;
	size_t i, j, n = 0;

	CHECK(a->cpu_count > 0);
	CHECK(a->domain_count > 0);
	for (i = 0; i < a->cpu_count; i++) {
		if (i > 0)
			CHECK(a->cpus[i]->number > a->cpus[i - 1]->number);
		CHECK(a->cpus[i]->domain < a->domain_count);
		CHECK(a->cpus[i]->core <= a->cpus[i]->number);
		CHECK(a->cpus[i]->cache <= a->cpus[i]->number);
	}
	for (i = 0; i < a->domain_count; i++) {
		domain = a->domains[i];
		CHECK(domain->cpu_count > 0);
		CHECK(domain->node >= 0 || a->domain_count == 1);
		for (j = 0; j < domain->cpu_count; j++)
			CHECK_INT(domain->cpus[j]->domain, i);
		n += domain->cpu_count;
	}
	CHECK_INT(n, a->cpu_count);
	proactor_affinity_free(a);
}

static void
same_twice(void)
{
	struct proactor_affinity *a = query(), *b = query();
	size_t i;

	CHECK_INT(a->cpu_count, b->cpu_count);
	CHECK_INT(a->domain_count, b->domain_count);
	for (i = 0; i < a->cpu_count; i++) {
		CHECK_INT(a->cpus[i]->number, b->cpus[i]->number);
		CHECK_INT(a->cpus[i]->core, b->cpus[i]->core);
	}
	proactor_affinity_free(a);
	proactor_affinity_free(b);
}

static void
bad_arguments(void)
{
	CHECK_INT(proactor_affinity_query(NULL), PROACTOR_EINVAL);
	proactor_affinity_free(NULL);
}

#ifdef __linux__
static void
counts_allowed(void)
{
	struct proactor_affinity *a = query();
	cpu_set_t cpus;
	size_t i;

	CHECK_INT(sched_getaffinity(0, sizeof(cpus), &cpus), 0);
	CHECK_INT(a->cpu_count, CPU_COUNT(&cpus));
	for (i = 0; i < a->cpu_count; i++)
		CHECK(CPU_ISSET(a->cpus[i]->number, &cpus));
	proactor_affinity_free(a);
}

static void
one_by_one(void)
{
	struct proactor_affinity *all = query(), *a;
	cpu_set_t one;
	size_t i;

	for (i = 0; i < all->cpu_count; i++) {
		CPU_ZERO(&one);
		CPU_SET(all->cpus[i]->number, &one);
		CHECK_INT(sched_setaffinity(0, sizeof(one), &one), 0);
		a = query();
		CHECK_INT(a->cpu_count, 1);
		CHECK_INT(a->domain_count, 1);
		CHECK_INT(a->cpus[0]->number, all->cpus[i]->number);
		CHECK_INT(a->cpus[0]->core, all->cpus[i]->number);
		CHECK_INT(a->domains[0]->cpu_count, 1);
		CHECK(a->domains[0]->cpus[0] == a->cpus[0]);
		CHECK_INT(a->domains[0]->node,
		    all->domains[all->cpus[i]->domain]->node);
		proactor_affinity_free(a);
	}
	proactor_affinity_free(all);
}

static void *
see_one(void *arg)
{
	struct proactor_affinity *a;
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(*(unsigned int *)arg, &one);
	CHECK_INT(sched_setaffinity(0, sizeof(one), &one), 0);
	a = query();
	CHECK_INT(a->cpu_count, 1);
	proactor_affinity_free(a);
	return NULL;
}

static void
of_the_thread(void)
{
	struct proactor_affinity *a = query(), *b;
	unsigned int number = a->cpus[0]->number;
	pthread_t thread;

	thread_start(&thread, see_one, &number);
	thread_join(thread);
	b = query();
	CHECK_INT(a->cpu_count, b->cpu_count);
	proactor_affinity_free(a);
	proactor_affinity_free(b);
}
#endif

const struct tap_case affinity_cases[] = {
	{ "affinity: each CPU is in one domain, in ascending order",
	    is_whole },
	{ "affinity: two queries have the same answer", same_twice },
	{ "affinity: no place for the answer is EINVAL", bad_arguments },
#ifdef __linux__
	{ "affinity: the CPUs are those that the process may use",
	    counts_allowed },
	{ "affinity: of one CPU when only that may be used", one_by_one },
	{ "affinity: is the calling thread's", of_the_thread },
#endif
	{ NULL, NULL }
};
