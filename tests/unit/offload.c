/* SPDX-License-Identifier: ISC */
/* The threads for files: what one owner can rely on. */
#include "config.h"

#include <sys/wait.h>

#include <dirent.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "unit/offload.h"

_Atomic unsigned int executed;

void
gate_add(struct gate *g)
{
	atomic_fetch_add(&g->count, 1);
	proactor__futex_wake(&g->count, UINT32_MAX, false);
}

/* Until the count is reached; not for ever. */
void
gate_wait(struct gate *g, uint32_t count)
{
	int64_t deadline = proactor_deadline_after(30 * SECOND);
	uint32_t seen;

	while ((seen = atomic_load(&g->count)) < count)
		CHECK_INT(proactor__futex_wait(&g->count, seen, deadline,
		    false), 0);
}

static void
execute(struct mail *mail)
{
	struct job *job = container_of(mail, struct job, mail);

	if (job->begun != NULL)
		gate_add(job->begun);
	if (job->gate != NULL)
		gate_wait(job->gate, 1);
	if (job->more != NULL)
		job->seen = job->more();
	job->place = atomic_fetch_add(&executed, 1);
	job->times++;
}

static void
owner_wake(struct proactor *p)
{
	struct owner *o = p->state;

	gate_add(&o->woken);
}

static const struct backend backend = { .name = "test", .wake = owner_wake };

void
owner_init(struct owner *o, unsigned int threads)
{
	unsigned int i;

	memset(o, 0, sizeof(*o));
	o->p = aligned_alloc(_Alignof(struct proactor), sizeof(*o->p));
	CHECK(o->p != NULL);
	memset(o->p, 0, sizeof(*o->p));
	o->p->backend = &backend;
	o->p->state = o;
	for (i = 0; i < JOBS; i++)
		o->jobs[i].number = i;
	proactor__offload_init(&o->client, o->p, execute, threads);
}

/* Whatever touches the client or its proactor afterwards is found out. */
void
owner_free(struct owner *o)
{
	memset(o->p, 0xa5, sizeof(*o->p));
	free(o->p);
	memset(o, 0xa5, sizeof(*o));
}

void
owner_end(struct owner *o)
{
	proactor__offload_drain(&o->client);
	proactor__offload_release(&o->client);
	owner_free(o);
}

void
hand_over(struct owner *o, struct job *job)
{
	job->mail.kind = 1000 + job->number;
	CHECK_INT(proactor__offload(&o->client, &job->mail), 0);
}

/* Sleeps as an owner does until something is home; linked by mail.next. */
struct job *
collect(struct owner *o)
{
	struct mail *mail;
	uint32_t seen;

	for (;;) {
		seen = atomic_load(&o->woken.count);
		mail = proactor__offload_take(&o->client);
		if (mail != NULL)
			return container_of(mail, struct job, mail);
		atomic_store(&o->p->asleep, 1);
		if (mailbox_empty(&o->client.returned))
			gate_wait(&o->woken, seen + 1);
		atomic_store(&o->p->asleep, 0);
	}
}

struct job *
job_after(const struct job *job)
{
	return job->mail.next == NULL ? NULL :
	    container_of(job->mail.next, struct job, mail);
}

/* So many come home, each executed once and otherwise left alone. */
void
collect_count(struct owner *o, unsigned int count)
{
	struct job *job = NULL, *next;

	for (; count != 0; count--, job = next) {
		if (job == NULL)
			job = collect(o);
		next = job_after(job);
		CHECK_INT(job->times, 1);
		CHECK_INT(job->mail.kind, 1000 + job->number);
		job->times = 0;
	}
	CHECK(job == NULL);
	CHECK(proactor__offload_take(&o->client) == NULL);
}

/* The threads of the pool, by their name. */
unsigned int
pool_threads(void)
{
	unsigned int count = 0;
	struct dirent *entry;
	char path[300], name[32];
	FILE *file;
	DIR *tasks;

	tasks = opendir("/proc/self/task");
	if (tasks == NULL)
		SKIP("the threads of a process cannot be listed");
	while ((entry = readdir(tasks)) != NULL) {
		snprintf(path, sizeof(path), "/proc/self/task/%s/comm",
		    entry->d_name);
		file = fopen(path, "r");
		if (file == NULL)
			continue;
		if (fgets(name, sizeof(name), file) != NULL &&
		    strcmp(name, "proactor-file\n") == 0)
			count++;
		fclose(file);
	}
	closedir(tasks);
	return count;
}

/* Waits until there are no more threads than that. */
static void
threads_come_to(unsigned int count)
{
	int64_t deadline = proactor_deadline_after(30 * SECOND);
	_Atomic uint32_t never = 0;

	while (pool_threads() > count) {
		CHECK(proactor_now() < deadline);
		(void)proactor__futex_wait(&never, 0,
		    proactor_deadline_after(SECOND / 100), false);
	}
}

static void
nothing_is_nothing(void)
{
	struct owner o;

	owner_init(&o, 0);
	CHECK(!proactor__offload_cancel(&o.client, &o.jobs[0].mail));
	CHECK(proactor__offload_take(&o.client) == NULL);
	owner_end(&o);
}

static void
one_comes_home(void)
{
	struct owner o;

	owner_init(&o, 0);
	hand_over(&o, &o.jobs[0]);
	collect_count(&o, 1);
	owner_end(&o);
	threads_come_to(0);
}

static void
in_order(void)
{
	struct gate begun = { 0 }, gate = { 0 };
	struct owner o;
	unsigned int i;

	owner_init(&o, 1);
	o.jobs[0].begun = &begun;
	o.jobs[0].gate = &gate;
	for (i = 0; i < JOBS; i++)
		hand_over(&o, &o.jobs[i]);
	gate_wait(&begun, 1);
	gate_add(&gate);
	collect_count(&o, JOBS);
	for (i = 0; i < JOBS; i++)
		CHECK_INT(o.jobs[i].place, i);
	owner_end(&o);
}

/* Hands over count jobs that all wait, and waits until begin of them run. */
static void
crowd(struct owner *o, unsigned int count, struct gate *begun,
    struct gate *gate, unsigned int begin)
{
	unsigned int i;

	for (i = 0; i < count; i++) {
		o->jobs[i].begun = begun;
		o->jobs[i].gate = gate;
		hand_over(o, &o->jobs[i]);
	}
	gate_wait(begun, begin);
}

static void
no_more_threads(void)
{
	struct gate begun = { 0 }, gate = { 0 };
	struct owner o, more;

	owner_init(&o, 3);
	crowd(&o, 10, &begun, &gate, 3);
	CHECK_INT(atomic_load(&begun.count), 3);
	CHECK_INT(pool_threads(), 3);

	/* Who asks for more gets more, for all. */
	owner_init(&more, 5);
	crowd(&more, 10, &begun, &gate, 5);
	CHECK_INT(atomic_load(&begun.count), 5);
	CHECK_INT(pool_threads(), 5);

	gate_add(&gate);
	collect_count(&o, 10);
	collect_count(&more, 10);
	owner_end(&o);
	owner_end(&more);
	threads_come_to(0);
}

static void
as_many_as_processors(void)
{
	struct gate begun = { 0 }, gate = { 0 };
	unsigned int most = 4;
	struct owner o;
#ifdef __linux__
	cpu_set_t cpus;

	CHECK_INT(sched_getaffinity(0, sizeof(cpus), &cpus), 0);
	if (CPU_COUNT(&cpus) < 4)
		most = (unsigned int)CPU_COUNT(&cpus);
#endif
	owner_init(&o, 0);
	crowd(&o, 10, &begun, &gate, 1);
	CHECK(pool_threads() <= most);
	gate_add(&gate);
	collect_count(&o, 10);
	owner_end(&o);
}

/* One after the other needs one thread: its return is told early. */
static void
one_at_a_time(void)
{
	struct owner o;
	unsigned int i;

	owner_init(&o, 4);
	for (i = 0; i < 2000; i++) {
		hand_over(&o, &o.jobs[i % JOBS]);
		collect_count(&o, 1);
#ifndef HASTY
		if (i % 100 == 0)
			CHECK_INT(pool_threads(), 1);
#endif
	}
	owner_end(&o);
}

static void
takes_out(void)
{
	static const unsigned int taken[] = { 1, 5, 6, 9 };
	struct gate begun = { 0 }, gate = { 0 };
	struct owner o;
	unsigned int i;

	owner_init(&o, 1);
	o.jobs[0].begun = &begun;
	o.jobs[0].gate = &gate;
	for (i = 0; i < 10; i++)
		hand_over(&o, &o.jobs[i]);
	gate_wait(&begun, 1);
	/* It runs; it was never handed over. */
	CHECK(!proactor__offload_cancel(&o.client, &o.jobs[0].mail));
	CHECK(!proactor__offload_cancel(&o.client, &o.jobs[10].mail));
	for (i = 0; i < 4; i++)
		CHECK(proactor__offload_cancel(&o.client,
		    &o.jobs[taken[i]].mail));
	CHECK(!proactor__offload_cancel(&o.client, &o.jobs[5].mail));
	hand_over(&o, &o.jobs[10]);
	gate_add(&gate);
	collect_count(&o, 7);
	for (i = 0; i < 4; i++)
		CHECK_INT(o.jobs[taken[i]].place, 0);
	CHECK(o.jobs[8].place < o.jobs[10].place);
	CHECK(!proactor__offload_cancel(&o.client, &o.jobs[8].mail));

	/* All that wait: then there is nothing to take turns with. */
	atomic_store(&gate.count, 0);
	hand_over(&o, &o.jobs[0]);
	hand_over(&o, &o.jobs[1]);
	gate_wait(&begun, 2);
	CHECK(proactor__offload_cancel(&o.client, &o.jobs[1].mail));
	hand_over(&o, &o.jobs[2]);
	gate_add(&gate);
	collect_count(&o, 2);
	CHECK_INT(o.jobs[1].times, 0);
	owner_end(&o);
}

static void
takes_turns(void)
{
	struct gate begun = { 0 }, gate = { 0 };
	struct owner a, b;
	unsigned int i;

	owner_init(&a, 1);
	owner_init(&b, 1);
	a.jobs[0].begun = &begun;
	a.jobs[0].gate = &gate;
	for (i = 0; i < JOBS; i++)
		hand_over(&a, &a.jobs[i]);
	gate_wait(&begun, 1);
	for (i = 0; i < 8; i++)
		hand_over(&b, &b.jobs[i]);
	gate_add(&gate);
	collect_count(&b, 8);
	collect_count(&a, JOBS);
	for (i = 0; i < 8; i++)
		CHECK_INT(b.jobs[i].place, 2 * i + 2);
	owner_end(&a);
	owner_end(&b);
}

static void
idle_ends(void)
{
	struct gate begun = { 0 }, gate = { 0 };
	struct owner o;
	int64_t start;
	int i;

	owner_init(&o, 2);
	for (i = 0; i < 2; i++) {
		start = proactor_now();
		crowd(&o, 2, &begun, &gate, 2);
		gate_add(&gate);
		collect_count(&o, 2);
		threads_come_to(0);
#ifndef HASTY
		CHECK(proactor_now() - start >= 2 * SECOND);
#endif
		atomic_store(&gate.count, 0);
		atomic_store(&begun.count, 0);
	}
	CHECK(proactor_now() > start);
	owner_end(&o);
}

static int
signals_blocked(void)
{
	sigset_t blocked;
	int i, count = 0;

	pthread_sigmask(SIG_SETMASK, NULL, &blocked);
	for (i = 1; i < 32; i++)
		if (i != SIGKILL && i != SIGSTOP)
			count += sigismember(&blocked, i);
	return count;
}

static void
no_signals(void)
{
	struct owner o;
	int before = signals_blocked();

	CHECK(before < 29);
	owner_init(&o, 1);
	o.jobs[0].more = signals_blocked;
	hand_over(&o, &o.jobs[0]);
	CHECK_INT(signals_blocked(), before);
	collect_count(&o, 1);
	CHECK_INT(o.jobs[0].seen, 29);
	owner_end(&o);
}

#ifdef __linux__

static int
processors(void)
{
	cpu_set_t cpus;

	return sched_getaffinity(0, sizeof(cpus), &cpus) == 0 ?
	    CPU_COUNT(&cpus) : -1;
}

/* An owner with a processor of its own. */
static void *
bound_owner(void *argument)
{
	struct owner o;
	cpu_set_t cpus;
	int cpu = sched_getcpu();

	CPU_ZERO(&cpus);
	CPU_SET((size_t)cpu, &cpus);
	CHECK_INT(sched_setaffinity(0, sizeof(cpus), &cpus), 0);
	owner_init(&o, 1);
	o.jobs[0].more = processors;
	hand_over(&o, &o.jobs[0]);
	collect_count(&o, 1);
	*(int *)argument = o.jobs[0].seen;
	owner_end(&o);
	return NULL;
}

static void
not_bound(void)
{
	pthread_t thread;
	int seen = 0;

	if (processors() < 2)
		SKIP("there is one processor only");
	CHECK_INT(pthread_create(&thread, NULL, bound_owner, &seen), 0);
	CHECK_INT(pthread_join(thread, NULL), 0);
	CHECK_INT(seen, processors());
}

#endif

static void
drain_waits(void)
{
	struct gate begun = { 0 }, gate = { 0 };
	struct owner o, other;
	unsigned int i;

	owner_init(&other, 2);
	owner_init(&o, 2);
	hand_over(&other, &other.jobs[0]);
	crowd(&o, 10, &begun, &gate, 2);
	/* The others do not begin any more, whoever opens the gate. */
	hand_over(&other, &other.jobs[1]);
	gate_add(&gate);
	proactor__offload_drain(&o.client);
	for (i = 0; i < 10; i++)
		CHECK_INT(o.jobs[i].times, i < atomic_load(&begun.count));
	CHECK(!proactor__offload_cancel(&o.client, &o.jobs[9].mail));
	collect_count(&o, atomic_load(&begun.count));
	proactor__offload_release(&o.client);
	owner_free(&o);
	collect_count(&other, 2);
	owner_end(&other);
}

const struct tap_case offload_cases[] = {
	{ "offload: a client without jobs is nothing", nothing_is_nothing },
	{ "offload: a job is executed and comes home", one_comes_home },
	{ "offload: jobs begin in their order", in_order },
	{ "offload: as many threads as were asked for", no_more_threads },
	{ "offload: by default, as many as processors, at most 4",
	    as_many_as_processors },
	{ "offload: one thread for one job after the other", one_at_a_time },
	{ "offload: what has not begun can be taken out", takes_out },
	{ "offload: clients take turns", takes_turns },
	{ "offload: idle threads end, and new ones are started", idle_ends },
	{ "offload: signals are not for its threads", no_signals },
#ifdef __linux__
	{ "offload: its threads are bound to nobody's processor", not_bound },
#endif
	{ "offload: drain waits for what has begun", drain_waits },
	{ NULL, NULL }
};

int
main(void)
{
	static const struct tap_case *const tables[] = {
		offload_cases, offload_race_cases, NULL
	};

	return tap_run_tables(tables);
}
