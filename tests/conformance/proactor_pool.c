/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "conformance/proactor_pool.h"

/* Pools of proactors, and what they are made of. */

static void
counts(void)
{
	struct proactor_affinity *a;
	struct stage s;

	CHECK_INT(proactor_affinity_query(&a), 0);
	stage_open(&s, PROACTOR_POOL_PER_CPU, 0);
	CHECK_INT(proactor_pool_count(s.pool), a->cpu_count);
	CHECK_INT(proactor_pool_cpu(s.pool, 0), a->cpus[0]->number);
	CHECK_INT(proactor_pool_cpu(s.pool, a->cpu_count - 1),
	    a->cpus[a->cpu_count - 1]->number);
	CHECK_INT(proactor_pool_cpu(s.pool, a->cpu_count), -1);
	proactor_pool_release(s.pool);
	stage_open(&s, PROACTOR_POOL_PER_NODE, 0);
	CHECK_INT(proactor_pool_count(s.pool), a->domain_count);
	CHECK_INT(proactor_pool_cpu(s.pool, 0),
	    a->domains[0]->cpus[0]->number);
	proactor_pool_release(s.pool);
	stage_options(&s, PROACTOR_POOL_PER_CPU, 0);
	s.options.count_max = 1;
	CHECK_INT(proactor_pool_create(&s.options, &s.pool), 0);
	CHECK_INT(proactor_pool_count(s.pool), 1);
	proactor_pool_release(s.pool);
	CHECK_INT(proactor_pool_create(NULL, &s.pool), 0);
	CHECK_INT(proactor_pool_count(s.pool), a->cpu_count);
	proactor_pool_release(s.pool);
	proactor_affinity_free(a);
}

static void
made_on_first_use(void)
{
	struct proactor *seen[SLOTS_MAX];
	struct stage s;
	char name[] = "loop", wanted[40];
	size_t i, j, n;

	stage_options(&s, PROACTOR_POOL_PER_CPU, 0);
	s.options.name = name;
	CHECK_INT(proactor_pool_create(&s.options, &s.pool), 0);
	memset(name, 'x', 4);
	memset(&s.proactor, 0, sizeof(s.proactor));
	n = count(&s);
	CHECK_INT(atomic_load(&s.started), 0);
	for (i = n; i > 0; i--) {
		seen[i - 1] = get(&s, i - 1);
		CHECK_INT(atomic_load(&s.started), n - i + 1);
		CHECK(get(&s, i - 1) == seen[i - 1]);
		CHECK_INT(atomic_load(&s.started), n - i + 1);
		snprintf(wanted, sizeof(wanted), "loop-%zu", i - 1);
		CHECK_STR(proactor_debug_name(seen[i - 1]), wanted);
		CHECK_STR(proactor_backend_name(seen[i - 1]),
		    selected.backend);
		for (j = n; j > i; j--)
			CHECK(seen[j - 1] != seen[i - 1]);
	}
	proactor_pool_release(s.pool);
}

static void
polled_by_the_caller(void)
{
	struct proactor_nop_op nop;
	struct proactor *p;
	struct stage s;

	stage_open(&s, PROACTOR_POOL_PER_CPU, 0);
	p = get(&s, 0);
	proactor_nop_op_init(&nop, called, &s);
	CHECK_INT(proactor_submit_one(p, &nop.base), 0);
	CHECK_INT(proactor_poll(p, PROACTOR_FOREVER, NULL), 0);
	CHECK_INT(atomic_load(&s.calls), 1);
	CHECK(!atomic_load(&s.elsewhere));
	CHECK_INT(proactor_pool_shutdown(s.pool, patience()), 0);
	CHECK_INT(proactor_submit_one(p, &nop.base), PROACTOR_ESHUTDOWN);
	CHECK_INT(proactor_pool_shutdown(s.pool, PROACTOR_IMMEDIATE), 0);
	proactor_pool_release(s.pool);
}

static void
has_threads(void)
{
	struct proactor_nop_op nop;
	struct stage s;
	size_t i;
	int round;

	stage_open(&s, PROACTOR_POOL_PER_CPU, PROACTOR_POOL_THREADS);
	for (round = 0; round < 3; round++)
		for (i = 0; i < count(&s); i++) {
			atomic_store(&s.calls, 0);
			proactor_nop_op_init(&nop, called, &s);
			CHECK_INT(proactor_submit_one(get(&s, i), &nop.base),
			    0);
			await(&s, 1);
			CHECK(atomic_load(&s.elsewhere));
#ifdef __linux__
			CHECK_INT(atomic_load(&s.cpu),
			    proactor_pool_cpu(s.pool, i));
#endif
		}
	CHECK_INT(proactor_pool_shutdown(s.pool, patience()), 0);
	proactor_pool_release(s.pool);
}

#ifdef __linux__
static void
see_cpus(void *user_data, struct proactor_op *op, int status,
    unsigned int flags)
{
	struct stage *s = user_data;
	cpu_set_t cpus;

	CHECK_INT(sched_getaffinity(0, sizeof(cpus), &cpus), 0);
	called(s, op, CPU_COUNT(&cpus), flags);
	(void)status;
}

static void
threads_of_nodes(void)
{
	struct proactor_affinity *a;
	struct proactor_nop_op nop;
	struct stage s;
	size_t i;

	CHECK_INT(proactor_affinity_query(&a), 0);
	stage_open(&s, PROACTOR_POOL_PER_NODE, PROACTOR_POOL_THREADS);
	for (i = 0; i < count(&s); i++) {
		atomic_store(&s.calls, 0);
		proactor_nop_op_init(&nop, see_cpus, &s);
		CHECK_INT(proactor_submit_one(get(&s, i), &nop.base), 0);
		await(&s, 1);
		CHECK_INT(atomic_load(&s.last), a->domains[i]->cpu_count);
	}
	proactor_pool_release(s.pool);
	proactor_affinity_free(a);
}

static void
of_this_cpu(void)
{
	struct proactor *p;
	struct stage s;
	cpu_set_t one;
	size_t i;

	stage_open(&s, PROACTOR_POOL_PER_CPU, 0);
	for (i = 0; i < count(&s); i++) {
		CPU_ZERO(&one);
		CPU_SET(proactor_pool_cpu(s.pool, i), &one);
		CHECK_INT(sched_setaffinity(0, sizeof(one), &one), 0);
		CHECK_INT(proactor_pool_current(s.pool, &p), 0);
		CHECK(p == get(&s, i));
	}
	proactor_pool_release(s.pool);
}
#endif

static void
some_current(void)
{
	struct proactor *p = NULL;
	struct stage s;
	size_t i, found = 0;

	stage_open(&s, PROACTOR_POOL_PER_NODE, 0);
	CHECK_INT(proactor_pool_current(s.pool, &p), 0);
	CHECK_INT(atomic_load(&s.started), 1);
	for (i = 0; i < count(&s); i++)
		found += get(&s, i) == p;
	CHECK_INT(found, 1);
	proactor_pool_release(s.pool);
}

static void
start_refuses(void)
{
	struct proactor *p = NULL;
	struct stage s;

	stage_options(&s, PROACTOR_POOL_PER_CPU, PROACTOR_POOL_THREADS);
	CHECK_INT(proactor_pool_create(&s.options, &s.pool), 0);
	s.status = PROACTOR_EACCES;
	CHECK_INT(proactor_pool_get(s.pool, 0, &p), PROACTOR_EACCES);
	CHECK_INT(proactor_pool_get(s.pool, 0, &p), PROACTOR_EACCES);
	CHECK(p == NULL);
	CHECK_INT(atomic_load(&s.started), 2);
	s.status = 0;
	CHECK(get(&s, 0) != NULL);
	CHECK_INT(atomic_load(&s.started), 3);
	proactor_pool_release(s.pool);
}

static int
ask_in_start(void *user_data, struct proactor *p, size_t index)
{
	struct stage *s = user_data;
	struct proactor *other = NULL;

	CHECK_INT(proactor_pool_get(s->pool, index, &other), PROACTOR_EBUSY);
	CHECK_INT(proactor_pool_shutdown(s->pool, PROACTOR_IMMEDIATE),
	    PROACTOR_EBUSY);
	CHECK(other == NULL);
	return on_start(user_data, p, index);
}

static void
start_may_not_ask(void)
{
	struct stage s;

	stage_options(&s, PROACTOR_POOL_PER_CPU, 0);
	s.options.start_fn = ask_in_start;
	CHECK_INT(proactor_pool_create(&s.options, &s.pool), 0);
	CHECK(get(&s, 0) != NULL);
	proactor_pool_release(s.pool);
}

static void
bad_arguments(void)
{
	struct proactor_pool *pool = (struct proactor_pool *)(void *)&pool;
	struct proactor_pool *before = pool;
	struct proactor *p = NULL;
	struct stage s;
	int way;

	CHECK_INT(proactor_pool_create(NULL, NULL), PROACTOR_EINVAL);
	for (way = 0; way < 4; way++) {
		stage_options(&s, PROACTOR_POOL_PER_CPU, 0);
		switch (way) {
		case 0: s.options.size = 8; break;
		case 1: s.options.per = PROACTOR_POOL_PER_NODE + 1; break;
		case 2: s.options.flags = PROACTOR_POOL_THREADS << 1; break;
		default: s.proactor.size = 8; break;
		}
		CHECK_INT(proactor_pool_create(&s.options, &pool),
		    PROACTOR_EINVAL);
		CHECK(pool == before);
	}
	stage_options(&s, PROACTOR_POOL_PER_CPU, 0);
	s.proactor.backend = "no such";
	CHECK_INT(proactor_pool_create(&s.options, &s.pool), 0);
	CHECK_INT(proactor_pool_get(s.pool, 0, &p), PROACTOR_ENOTSUP);
	CHECK_INT(proactor_pool_get(s.pool, count(&s), &p), PROACTOR_EINVAL);
	CHECK_INT(proactor_pool_get(s.pool, SIZE_MAX, &p), PROACTOR_EINVAL);
	CHECK_INT(proactor_pool_get(s.pool, 0, NULL), PROACTOR_EINVAL);
	CHECK_INT(proactor_pool_get(NULL, 0, &p), PROACTOR_EINVAL);
	CHECK_INT(proactor_pool_current(NULL, &p), PROACTOR_EINVAL);
	CHECK_INT(proactor_pool_current(s.pool, NULL), PROACTOR_EINVAL);
	CHECK_INT(proactor_pool_shutdown(NULL, 0), PROACTOR_EINVAL);
	CHECK_INT(proactor_pool_count(NULL), 0);
	CHECK_INT(proactor_pool_cpu(NULL, 0), -1);
	CHECK(p == NULL);
	CHECK(proactor_pool_retain(NULL) == NULL);
	CHECK(proactor_pool_retain(s.pool) == s.pool);
	proactor_pool_release(s.pool);
	proactor_pool_release(s.pool);
	proactor_pool_release(NULL);
	proactor_pool_options_init(NULL);
}

static void *
get_first(void *arg)
{
	struct stage *s = arg;
	struct proactor *p, *none = NULL;

	while (!atomic_load(&s->hold))
		continue;
	p = get(s, 0);
	if (!atomic_compare_exchange_strong(&s->first, &none, p))
		CHECK(none == p);
	return NULL;
}

static void
eight_threads(void)
{
	pthread_t threads[8];
	struct stage s;
	size_t i;

	stage_open(&s, PROACTOR_POOL_PER_CPU, PROACTOR_POOL_THREADS);
	for (i = 0; i < 8; i++)
		thread_start(&threads[i], get_first, &s);
	atomic_store(&s.hold, true);
	for (i = 0; i < 8; i++)
		thread_join(threads[i]);
	CHECK_INT(atomic_load(&s.started), 1);
	proactor_pool_release(s.pool);
}

struct hop {
	struct stage s;
	size_t hops;
};

static void
hop_on(void *user_data, struct proactor *p, uint64_t data)
{
	struct hop *h = user_data;

	(void)p;
	if (data < h->hops)
		CHECK_INT(proactor_send_message(get(&h->s, (data + 1) %
		    count(&h->s)), data + 1), 0);
	atomic_fetch_add(&h->s.calls, 1);
}

static int
listen_first(void *user_data, struct proactor *p, size_t index)
{
	(void)index;
	return proactor_set_message_callback(p, hop_on, user_data);
}

/* Set in the start function: no message is too early for it. */
static void
messages_go_round(void)
{
	struct hop h;

	stage_options(&h.s, PROACTOR_POOL_PER_CPU, PROACTOR_POOL_THREADS);
	h.s.options.start_fn = listen_first;
	h.s.options.start_data = &h;
	h.hops = 200;
	CHECK_INT(proactor_pool_create(&h.s.options, &h.s.pool), 0);
	CHECK_INT(proactor_send_message(get(&h.s, 0), 0), 0);
	await(&h.s, h.hops + 1);
	proactor_pool_release(h.s.pool);
	CHECK_INT(atomic_load(&h.s.calls), h.hops + 1);
}

const struct tap_case proactor_pool_cases[] = {
	{ "proactor pool: one for each CPU or node, or fewer", counts },
	{ "proactor pool: each is made on first use, once",
	    made_on_first_use },
	{ "proactor pool: without threads the caller polls",
	    polled_by_the_caller },
	{ "proactor pool: with threads each polls on its CPU", has_threads },
#ifdef __linux__
	{ "proactor pool: a node's thread may use all its CPUs",
	    threads_of_nodes },
	{ "proactor pool: current is that of the CPU we are on",
	    of_this_cpu },
#endif
	{ "proactor pool: there is always a current one", some_current },
	{ "proactor pool: a start function that refuses is asked again",
	    start_refuses },
	{ "proactor pool: a start function that asks the pool is EBUSY",
	    start_may_not_ask },
	{ "proactor pool: bad arguments are EINVAL", bad_arguments },
	{ "proactor pool: eight threads that ask make one", eight_threads },
	{ "proactor pool: messages go round", messages_go_round },
	{ NULL, NULL }
};
