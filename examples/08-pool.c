/* SPDX-License-Identifier: ISC */
/*
 * Work on all CPUs: a pool of proactors that are fed by messages.
 *
 *	08-pool [limit [tasks]]
 *
 * Counts the primes below limit.  The numbers are cut into tasks; each CPU
 * has a proactor with a thread, and works on the task whose number it is
 * sent.  The main thread, itself a loop, sends a new task to whoever answers,
 * so that the fast ones do more.  No worker ever holds more than two messages
 * and nothing is shared, so that nothing can be full and nothing is locked.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include <proactor.h>

#define AHEAD	2		/* tasks that a worker has at once */

/* What a worker and the main thread have in common; nobody writes it. */
struct work {
	struct proactor *answer_to;
	uint64_t limit, tasks;
};

/* Belongs to the thread of one proactor. */
struct worker {
	const struct work *work;
	uint64_t index;
};

struct boss {
	struct work work;
	struct proactor_pool *pool;
	struct worker *workers;
	uint64_t next;			/* task to send */
	uint64_t answers;
	uint64_t primes;
	int status;
};

static bool
is_prime(uint64_t n)
{
	uint64_t i;

	for (i = 2; i * i <= n; i++)
		if (n % i == 0)
			return false;
	return n >= 2;
}

/* An answer is who and how many: 16 bits and 48. */
static uint64_t
answer(uint64_t who, uint64_t primes)
{
	return who << 48 | primes;
}

/* On the worker's thread, once for each task. */
static void
on_task(void *user_data, struct proactor *p, uint64_t task)
{
	const struct worker *w = user_data;
	const struct work *work = w->work;
	uint64_t n, end, primes = 0;

	(void)p;
	n = work->limit * task / work->tasks;
	end = work->limit * (task + 1) / work->tasks;
	for (; n < end; n++)
		primes += is_prime(n);
	/* The boss has room for all that can be on the way: see main(). */
	(void)proactor_send_message(work->answer_to,
	    answer(w->index, primes));
}

/* The proactor is made, nobody polls it yet: now the callback is set. */
static int
on_start(void *user_data, struct proactor *p, size_t index)
{
	struct boss *boss = user_data;

	boss->workers[index].work = &boss->work;
	boss->workers[index].index = index;
	return proactor_set_message_callback(p, on_task,
	    &boss->workers[index]);
}

static int
send_next(struct boss *boss, size_t index)
{
	struct proactor *p;
	int status;

	if (boss->next == boss->work.tasks)
		return 0;
	status = proactor_pool_get(boss->pool, index, &p);
	if (status == 0)
		status = proactor_send_message(p, boss->next);
	if (status == 0)
		boss->next++;
	return status;
}

/* On the main thread, once for each answer. */
static void
on_answer(void *user_data, struct proactor *p, uint64_t data)
{
	struct boss *boss = user_data;
	int status;

	(void)p;
	boss->primes += data & ((UINT64_C(1) << 48) - 1);
	boss->answers++;
	status = send_next(boss, (size_t)(data >> 48));
	if (status != 0)
		boss->status = status;
}

/* The first tasks for everybody, then answers until there are all. */
static int
run(struct boss *boss)
{
	size_t count = proactor_pool_count(boss->pool), i;
	int status = 0;

	for (i = 0; i < AHEAD * count && status == 0; i++)
		status = send_next(boss, i % count);
	while (status == 0 && boss->answers < boss->work.tasks) {
		status = proactor_poll(boss->work.answer_to,
		    PROACTOR_FOREVER, NULL);
		if (status == 0)
			status = boss->status;
	}
	return status;
}

static int
start(struct boss *boss)
{
	struct proactor_pool_options options;
	int status;

	proactor_pool_options_init(&options);
	options.flags = PROACTOR_POOL_THREADS;
	options.name = "worker";
	options.count_max = UINT16_MAX;
	options.start_fn = on_start;
	options.start_data = boss;
	status = proactor_pool_create(&options, &boss->pool);
	if (status != 0)
		return status;
	boss->workers = calloc(proactor_pool_count(boss->pool),
	    sizeof(*boss->workers));
	return boss->workers != NULL ? 0 : PROACTOR_ENOMEM;
}

int
main(int argc, char **argv)
{
	struct proactor_options options;
	struct boss boss = { .work = { .limit = 1000000, .tasks = 1000 } };
	int status;

	if (argc > 1)
		boss.work.limit = strtoull(argv[1], NULL, 10);
	if (argc > 2)
		boss.work.tasks = strtoull(argv[2], NULL, 10);
	if (argc > 3 || boss.work.limit == 0 || boss.work.tasks == 0 ||
	    boss.work.limit > UINT32_MAX || boss.work.tasks > 1000000) {
		fprintf(stderr, "usage: 08-pool [limit [tasks]]\n");
		return 2;
	}

	status = start(&boss);
	if (status == 0) {
		proactor_options_init(&options);
		options.message_pool_capacity = (uint32_t)(AHEAD *
		    proactor_pool_count(boss.pool));
		status = proactor_create(&options, &boss.work.answer_to);
	}
	if (status == 0)
		status = proactor_set_message_callback(boss.work.answer_to,
		    on_answer, &boss);
	if (status == 0)
		status = run(&boss);

	/* The threads end, and only then what they use. */
	proactor_pool_release(boss.pool);
	proactor_release(boss.work.answer_to);
	free(boss.workers);
	if (status != 0) {
		fprintf(stderr, "08-pool: %s\n", proactor_strerror(status));
		return 1;
	}
	printf("%" PRIu64 " primes below %" PRIu64 "\n", boss.primes,
	    boss.work.limit);
	return 0;
}
