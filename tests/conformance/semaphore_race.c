/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "conformance/semaphore.h"

/*
 * Semaphores between threads: no wake-up may be lost, no wait be left, and
 * every operation be called back once.
 */

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define SANITIZED	1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#define SANITIZED	1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED	0
#endif

#define PLAYERS	4
#define ROUNDS	(SANITIZED ? 20000u : 1000000u)

/* --- a value that goes round --- */

/* Player i waits for i, i + 4, i + 8 and signals the next value. */
struct player {
	struct world w;
	struct proactor_semaphore *s;
	struct proactor_semaphore_wait_op wait;
	uint64_t next;
	uint64_t last;
	int64_t spin;
	size_t waits;
	pthread_t thread;
};

static void *
play_blocking(void *arg)
{
	struct player *g = arg;

	for (; g->next <= g->last; g->next += PLAYERS) {
		CHECK_INT(proactor_semaphore_multi_wait(PROACTOR_WAIT_ANY,
		    &g->s, &g->next, 1, PROACTOR_FOREVER, g->spin, NULL), 0);
		g->waits++;
		signal_to(g->s, g->next + 1);
	}
	return NULL;
}

static void
play(void *(*how)(void *), uint64_t last)
{
	static struct player g[PLAYERS];
	struct world w;
	struct proactor_semaphore *s;
	size_t i, waits = 0;

	world_open(&w, NULL);
	s = semaphore_open(&w, 0);
	for (i = 0; i < PLAYERS; i++) {
		g[i].s = s;
		g[i].next = i + 1;
		g[i].last = last;
		g[i].waits = 0;
		/* One of them spins a little first. */
		g[i].spin = i == 0 ? 2000 : 0;
		thread_start(&g[i].thread, how, &g[i]);
	}
	signal_to(s, 1);
	for (i = 0; i < PLAYERS; i++) {
		thread_join(g[i].thread);
		waits += g[i].waits;
	}
	CHECK_INT(waits, last);
	CHECK_INT(value_of(s), last + 1);
	proactor_semaphore_release(s);
	world_close(&w);
}

/* No backend has a part in it: with capabilities masked a tenth is enough. */
static void
ping_pong_of_threads(void)
{
	play(play_blocking, selected.masked == 0 ? ROUNDS : ROUNDS / 10);
}

static void
turn(void *user_data, struct proactor_op *op, int status, unsigned int flags)
{
	struct player *g = user_data;

	(void)flags;
	CHECK_INT(status, 0);
	g->waits++;
	g->next += PLAYERS;
	g->wait.values[0] = g->next;
	if (g->next <= g->last)
		CHECK_INT(proactor_submit_one(g->w.p, op), 0);
	signal_to(g->s, g->next - PLAYERS + 1);
}

static void *
play_polling(void *arg)
{
	struct player *g = arg;
	int64_t deadline = proactor_deadline_after(INT64_C(300000000000));

	world_open(&g->w, NULL);
	proactor_semaphore_wait_op_init(&g->wait, PROACTOR_WAIT_ALL, &g->s,
	    &g->next, 1, turn, g);
	CHECK_INT(proactor_submit_one(g->w.p, &g->wait.base), 0);
	while (g->next <= g->last)
		CHECK_INT(proactor_poll(g->w.p, deadline, NULL), 0);
	world_close(&g->w);
	return NULL;
}

static void
ping_pong_of_loops(void)
{
	play(play_polling, ROUNDS / 10);
}

/* --- everything at once --- */

#define SEMAPHORES	5
#define WAITS		12
#define TURNS		(SANITIZED ? 3000u : 20000u)

struct melee {
	struct world w;
	struct proactor_semaphore *s[SEMAPHORES];
	struct proactor_semaphore_wait_op waits[WAITS];
	size_t submitted[WAITS];
	size_t finals[WAITS];
	atomic_size_t turns;
	atomic_bool stop;
};

static uint64_t
random_next(uint64_t *state)
{
	*state = *state * UINT64_C(6364136223846793005) +
	    UINT64_C(1442695040888963407);
	return *state >> 33;
}

static void
melee_submit(struct melee *m, size_t i, uint64_t *state)
{
	struct proactor_semaphore_wait_op *w = &m->waits[i];
	struct proactor_semaphore *semaphores[PROACTOR_SEMAPHORE_MAX];
	uint64_t values[PROACTOR_SEMAPHORE_MAX];
	size_t j, count = 1 + random_next(state) % PROACTOR_SEMAPHORE_MAX;
	proactor_callback callback = w->base.callback;

	for (j = 0; j < count; j++) {
		semaphores[j] = m->s[random_next(state) % SEMAPHORES];
		values[j] = value_of(semaphores[j]) + random_next(state) % 4;
	}
	proactor_semaphore_wait_op_init(w, 1 + random_next(state) % 2,
	    semaphores, values, count, callback, m);
	CHECK_INT(proactor_submit_one(m->w.p, &w->base), 0);
	m->submitted[i]++;
}

/* All: each is reached.  Any: the one that it names is. */
static void
melee_done(void *user_data, struct proactor_op *op, int status,
    unsigned int flags)
{
	struct proactor_semaphore_wait_op *w =
	    (struct proactor_semaphore_wait_op *)op;
	struct melee *m = user_data;
	uint64_t state;
	size_t i, j;

	CHECK_INT(flags, 0);
	i = (size_t)(w - m->waits);
	m->finals[i]++;
	CHECK_INT(m->finals[i], m->submitted[i]);
	if (status != 0)
		CHECK_INT(status, PROACTOR_ECANCELED);
	else if (w->wait_flags == PROACTOR_WAIT_ANY)
		CHECK(value_of(w->semaphores[w->index]) >=
		    w->values[w->index]);
	else
		for (j = 0; j < w->count; j++)
			CHECK(value_of(w->semaphores[j]) >= w->values[j]);
	state = atomic_fetch_add(&m->turns, 1) * 31 + i;
	if (!atomic_load(&m->stop))
		melee_submit(m, i, &state);
}

static void *
melee_signal(void *arg)
{
	struct melee *m = arg;
	struct proactor_semaphore *s;
	uint64_t state = (uint64_t)(uintptr_t)&state;
	int status;

	while (!atomic_load(&m->stop)) {
		s = m->s[random_next(&state) % SEMAPHORES];
		status = proactor_semaphore_signal(s, value_of(s) + 1);
		CHECK(status == 0 || status == PROACTOR_EINVAL);
		if (random_next(&state) % 8 == 0)
			sched_yield();
	}
	return NULL;
}

static void *
melee_cancel(void *arg)
{
	struct melee *m = arg;
	uint64_t state = 77;
	int status;

	while (!atomic_load(&m->stop)) {
		status = proactor_cancel(m->w.p,
		    &m->waits[random_next(&state) % WAITS].base);
		CHECK(status == 0 || status == PROACTOR_ENOENT);
		sched_yield();
	}
	return NULL;
}

/*
 * Two threads and the owner signal, the owner may cancel; operations are made
 * anew and submitted in their callbacks.
 */
static void
melee(bool with_cancel)
{
	static struct melee m;
	pthread_t threads[3];
	uint64_t state = 5;
	size_t i;

	world_open(&m.w, NULL);
	for (i = 0; i < SEMAPHORES; i++)
		m.s[i] = semaphore_open(&m.w, 0);
	for (i = 0; i < WAITS; i++) {
		m.waits[i].base.callback = melee_done;
		melee_submit(&m, i, &state);
	}
	thread_start(&threads[0], melee_signal, &m);
	thread_start(&threads[1], melee_signal, &m);
	while (atomic_load(&m.turns) < TURNS) {
		CHECK_INT(proactor_poll(m.w.p, patience(), NULL), 0);
		if (with_cancel && random_next(&state) % 4 == 0)
			(void)proactor_cancel(m.w.p,
			    &m.waits[random_next(&state) % WAITS].base);
		i = random_next(&state) % SEMAPHORES;
		(void)proactor_semaphore_signal(m.s[i],
		    value_of(m.s[i]) + 1);
	}
	atomic_store(&m.stop, true);
	thread_join(threads[0]);
	thread_join(threads[1]);
	CHECK_INT(proactor_shutdown(m.w.p, patience()), 0);
	for (i = 0; i < WAITS; i++)
		CHECK_INT(m.finals[i], m.submitted[i]);
	proactor_release(m.w.p);
	for (i = 0; i < SEMAPHORES; i++)
		proactor_semaphore_release(m.s[i]);
}

static void
random_waits(void)
{
	melee(false);
}

static void
random_waits_and_cancels(void)
{
	melee(true);
}

/* The callback submits it again as it is, for one value more. */
static void
again(void *user_data, struct proactor_op *op, int status, unsigned int flags)
{
	struct melee *m = user_data;
	struct proactor_semaphore_wait_op *w =
	    (struct proactor_semaphore_wait_op *)op;
	size_t i = (size_t)(w - m->waits);

	(void)flags;
	CHECK(status == 0 || status == PROACTOR_ECANCELED);
	m->finals[i]++;
	atomic_fetch_add(&m->turns, 1);
	if (atomic_load(&m->stop))
		return;
	w->values[0]++;
	CHECK_INT(proactor_submit_one(m->w.p, op), 0);
	m->submitted[i]++;
}

/* A thread that cancels, one that signals, an owner that polls. */
static void
foreign_cancels(void)
{
	static struct melee m;
	pthread_t threads[2];
	size_t i;

	world_open(&m.w, NULL);
	for (i = 0; i < SEMAPHORES; i++)
		m.s[i] = semaphore_open(&m.w, 0);
	for (i = 0; i < WAITS; i++) {
		proactor_semaphore_wait_op_init(&m.waits[i],
		    PROACTOR_WAIT_ALL, &m.s[i % SEMAPHORES],
		    &(uint64_t){ 1 }, 1, again, &m);
		CHECK_INT(proactor_submit_one(m.w.p, &m.waits[i].base), 0);
		m.submitted[i]++;
	}
	thread_start(&threads[0], melee_signal, &m);
	thread_start(&threads[1], melee_cancel, &m);
	while (atomic_load(&m.turns) < TURNS)
		CHECK_INT(proactor_poll(m.w.p, patience(), NULL), 0);
	atomic_store(&m.stop, true);
	thread_join(threads[0]);
	thread_join(threads[1]);
	CHECK_INT(proactor_shutdown(m.w.p, patience()), 0);
	for (i = 0; i < WAITS; i++)
		CHECK_INT(m.finals[i], m.submitted[i]);
	proactor_release(m.w.p);
	for (i = 0; i < SEMAPHORES; i++)
		proactor_semaphore_release(m.s[i]);
}

/* --- submitted by one thread, signalled by another --- */

struct handed {
	struct proactor_semaphore_wait_op wait;
	atomic_size_t *finals;
};

static void
handed_done(void *user_data, struct proactor_op *op, int status,
    unsigned int flags)
{
	struct handed *h = user_data;

	(void)op;
	(void)flags;
	CHECK_INT(status, 0);
	atomic_fetch_add(h->finals, 1);
	free(h);
}

#define HANDED	(SANITIZED ? 2000u : 20000u)

struct hands {
	struct world w;
	struct proactor_semaphore *s;
	atomic_size_t finals;
	_Atomic uint64_t submitted;
};

static void *
hand_over(void *arg)
{
	struct hands *g = arg;
	struct handed *h;
	uint64_t value;

	for (value = 1; value <= HANDED; value++) {
		h = malloc(sizeof(*h));
		CHECK(h != NULL);
		h->finals = &g->finals;
		proactor_semaphore_wait_op_init(&h->wait, PROACTOR_WAIT_ALL,
		    &g->s, &value, 1, handed_done, h);
		CHECK_INT(proactor_submit_one(g->w.p, &h->wait.base), 0);
		atomic_store(&g->submitted, value);
	}
	return NULL;
}

static void *
signal_behind(void *arg)
{
	struct hands *g = arg;
	uint64_t value;

	while ((value = value_of(g->s)) < HANDED) {
		if (atomic_load(&g->submitted) > value)
			signal_to(g->s, value + 1);
		else
			sched_yield();
	}
	return NULL;
}

static void
freed_in_the_callback(void)
{
	static struct hands g;
	pthread_t threads[2];

	world_open(&g.w, NULL);
	g.s = semaphore_open(&g.w, 0);
	thread_start(&threads[0], hand_over, &g);
	thread_start(&threads[1], signal_behind, &g);
	while (atomic_load(&g.finals) < HANDED)
		CHECK_INT(proactor_poll(g.w.p, patience(), NULL), 0);
	thread_join(threads[0]);
	thread_join(threads[1]);
	proactor_semaphore_release(g.s);
	world_close(&g.w);
}

const struct tap_case semaphore_race_cases[] = {
	{ "semaphore: up to 1,000,000 turns of four threads, no wake-up is lost",
	    ping_pong_of_threads },
	{ "semaphore: up to 100,000 turns of four loops, no wake-up is lost",
	    ping_pong_of_loops },
	{ "semaphore: random waits and signals", random_waits },
	{ "semaphore: random waits, signals and cancels",
	    random_waits_and_cancels },
	{ "semaphore: another thread cancels what is signalled",
	    foreign_cancels },
	{ "semaphore: waits of one thread, signals of another, freed in the "
	    "callback of a third", freed_in_the_callback },
	{ NULL, NULL }
};
