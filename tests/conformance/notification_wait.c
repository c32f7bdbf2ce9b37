/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <stdatomic.h>
#include <string.h>

#include "conformance/conformance.h"

/* Notifications among threads: those that block, and the loop. */

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SLOW		1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SLOW		1
#endif

#define THREADS		4
#ifdef SLOW
#define ROUNDS		UINT32_C(20000)
#else
#define ROUNDS		UINT32_C(1000000)
#endif

static void
wait_times_out(void)
{
	struct proactor_notification *n;
	struct world w;
	int64_t deadline;
	uint32_t token;

	world_open(&w, NULL);
	CHECK_INT(proactor_notification_create(w.p, &n), 0);
	token = proactor_notification_query_epoch(n);
	CHECK_INT(proactor_notification_wait(n, PROACTOR_IMMEDIATE),
	    PROACTOR_ETIMEDOUT);
	CHECK_INT(proactor_notification_wait(n, 1), PROACTOR_ETIMEDOUT);
	deadline = proactor_deadline_after(3000000);
	CHECK_INT(proactor_notification_wait(n, deadline),
	    PROACTOR_ETIMEDOUT);
	CHECK(proactor_now() >= deadline);
	deadline = proactor_deadline_after(3000000);
	CHECK_INT(proactor_notification_wait_for_token(n, token, deadline),
	    PROACTOR_ETIMEDOUT);
	CHECK(proactor_now() >= deadline);
	CHECK_INT(proactor_notification_signal_if_observed(n, 1), 0);
	proactor_notification_release(n);
	world_close(&w);
}

static void
wait_for_old_token(void)
{
	struct proactor_notification *n;
	struct world w;
	uint32_t token;

	world_open(&w, NULL);
	CHECK_INT(proactor_notification_create(w.p, &n), 0);
	token = proactor_notification_query_epoch(n);
	CHECK_INT(proactor_notification_signal(n, 1), 0);
	CHECK_INT(proactor_notification_wait_for_token(n, token,
	    PROACTOR_IMMEDIATE), 0);
	CHECK_INT(proactor_notification_wait_for_token(n, token,
	    PROACTOR_FOREVER), 0);
	CHECK_INT(proactor_notification_wait(n, PROACTOR_IMMEDIATE),
	    PROACTOR_ETIMEDOUT);
	proactor_notification_release(n);
	world_close(&w);
}

struct sleeper {
	struct proactor_notification *n;
	atomic_int woken;
	int status;
};

static void *
sleep_until_woken(void *arg)
{
	struct sleeper *s = arg;

	s->status = proactor_notification_wait(s->n, PROACTOR_FOREVER);
	atomic_fetch_add(&s->woken, 1);
	proactor_notification_release(s->n);
	return NULL;
}

/* Signals only when somebody is there to be woken. */
static void
signal_sleepers(struct proactor_notification *n, atomic_int *woken, int count)
{
	while (atomic_load(woken) < count)
		(void)proactor_notification_signal_if_observed(n, INT32_MAX);
}

static void
signal_wakes_thread(void)
{
	struct sleeper s;
	struct world w;
	pthread_t thread;
	int i;

	world_open(&w, NULL);
	for (i = 0; i < 200; i++) {
		memset(&s, 0, sizeof(s));
		CHECK_INT(proactor_notification_create(w.p, &s.n), 0);
		(void)proactor_notification_retain(s.n);
		thread_start(&thread, sleep_until_woken, &s);
		signal_sleepers(s.n, &s.woken, 1);
		/* The last reference may be the sleeper's. */
		proactor_notification_release(s.n);
		thread_join(thread);
		CHECK_INT(s.status, 0);
	}
	world_close(&w);
}

/* The proactor goes while a thread sleeps; the thread is not forgotten. */
static void
signal_wakes_after_release(void)
{
	struct sleeper s;
	struct world w;
	pthread_t thread;
	int i;

	for (i = 0; i < 20; i++) {
		memset(&s, 0, sizeof(s));
		world_open(&w, NULL);
		CHECK_INT(proactor_notification_create(w.p, &s.n), 0);
		(void)proactor_notification_retain(s.n);
		thread_start(&thread, sleep_until_woken, &s);
		if (i % 2)
			CHECK_INT(proactor_shutdown(w.p, patience()), 0);
		proactor_release(w.p);
		signal_sleepers(s.n, &s.woken, 1);
		proactor_notification_release(s.n);
		thread_join(thread);
		CHECK_INT(s.status, 0);
	}
}

static void *
signal_from_operation(void *arg)
{
	struct proactor_notification_signal_op op;
	struct sleeper *s = arg;
	struct world w;

	world_open(&w, NULL);
	proactor_notification_signal_op_init(&op, s->n, INT32_MAX, record,
	    &w.r);
	while (!atomic_load(&s->woken))
		CHECK_INT(run_one(&w, &op.base), 0);
	world_close(&w);
	return NULL;
}

static void
operation_wakes_thread(void)
{
	struct sleeper s;
	struct world w;
	pthread_t thread;

	memset(&s, 0, sizeof(s));
	world_open(&w, NULL);
	CHECK_INT(proactor_notification_create(w.p, &s.n), 0);
	thread_start(&thread, signal_from_operation, &s);
	CHECK_INT(proactor_notification_wait(s.n, patience()), 0);
	atomic_store(&s.woken, 1);
	thread_join(thread);
	proactor_notification_release(s.n);
	world_close(&w);
}

/* --- a ring of threads --- */

struct ring {
	struct proactor_notification *n[THREADS];
	_Atomic uint32_t turn[THREADS];
	uint32_t rounds;
	_Atomic size_t number;
	int32_t count;
};

/* Waits for its turn, hands it on; nobody else helps if a wake is lost. */
static void *
run_in_ring(void *arg)
{
	struct ring *r = arg;
	size_t me = atomic_fetch_add(&r->number, 1);
	size_t next = (me + 1) % THREADS;
	uint32_t i, token;

	for (i = 1; i <= r->rounds; i++) {
		for (;;) {
			token = proactor_notification_query_epoch(r->n[me]);
			if (atomic_load(&r->turn[me]) >= i)
				break;
			CHECK_INT(proactor_notification_wait_for_token(
			    r->n[me], token, patience()), 0);
		}
		atomic_store(&r->turn[next], me + 1 == THREADS ? i + 1 : i);
		CHECK_INT(proactor_notification_signal(r->n[next],
		    r->count), 0);
	}
	return NULL;
}

static void
ping_pong(uint32_t rounds, int32_t count, bool one_for_all)
{
	static struct ring r;
	pthread_t threads[THREADS];
	struct world w;
	size_t i;

	memset(&r, 0, sizeof(r));
	r.rounds = rounds;
	r.count = count;
	world_open(&w, NULL);
	for (i = 0; i < THREADS; i++)
		if (i == 0 || !one_for_all)
			CHECK_INT(proactor_notification_create(w.p, &r.n[i]),
			    0);
		else
			r.n[i] = proactor_notification_retain(r.n[0]);
	atomic_store(&r.turn[0], 1);
	for (i = 0; i < THREADS; i++)
		thread_start(&threads[i], run_in_ring, &r);
	for (i = 0; i < THREADS; i++)
		thread_join(threads[i]);
	for (i = 0; i < THREADS; i++)
		proactor_notification_release(r.n[i]);
	world_close(&w);
}

static void
ping_pong_of_threads(void)
{
	ping_pong(ROUNDS / THREADS, 1, false);
}

static void
ping_pong_on_one(void)
{
	ping_pong(ROUNDS / 100, INT32_MAX, true);
}

/* --- a thread and the loop --- */

struct duel {
	struct world w;
	struct proactor_notification *to_loop, *to_thread;
	struct proactor_notification_wait_op wait;
	size_t rounds;
};

static void *
answer(void *arg)
{
	struct duel *d = arg;
	uint32_t token = 0;
	size_t i;

	for (i = 0; i < d->rounds; i++) {
		CHECK_INT(proactor_notification_signal(d->to_loop, 1), 0);
		CHECK_INT(proactor_notification_wait_for_token(d->to_thread,
		    token, patience()), 0);
		token++;
	}
	return NULL;
}

static void
serve(void *user_data, struct proactor_op *op, int status, unsigned int flags)
{
	struct duel *d = user_data;

	(void)flags;
	CHECK_INT(status, 0);
	d->wait.token = d->wait.epoch;
	if (++d->w.r.finals < d->rounds)
		CHECK_INT(proactor_submit_one(d->w.p, op), 0);
	CHECK_INT(proactor_notification_signal(d->to_thread, 1), 0);
}

static void
ping_pong_with_loop(void)
{
	static struct duel d;
	pthread_t thread;

	d.rounds = ROUNDS / 20;
	world_open(&d.w, NULL);
	CHECK_INT(proactor_notification_create(d.w.p, &d.to_loop), 0);
	CHECK_INT(proactor_notification_create(d.w.p, &d.to_thread), 0);
	proactor_notification_wait_op_init(&d.wait, d.to_loop, serve, &d);
	d.wait.wait_flags = PROACTOR_NOTIFICATION_TOKEN;
	CHECK_INT(proactor_submit_one(d.w.p, &d.wait.base), 0);
	thread_start(&thread, answer, &d);
	CHECK(poll_until(&d.w, &d.w.r.finals, d.rounds));
	thread_join(thread);
	proactor_notification_release(d.to_loop);
	proactor_notification_release(d.to_thread);
	world_close(&d.w);
}

/* --- signals of one, among threads and operations --- */

struct crowd {
	struct proactor_notification *n;
	_Atomic uint32_t tickets;
	atomic_int left;
};

static bool
take(struct crowd *c)
{
	uint32_t tickets = atomic_load(&c->tickets);

	while (tickets != 0)
		if (atomic_compare_exchange_weak(&c->tickets, &tickets,
		    tickets - 1))
			return true;
	return false;
}

static void *
take_tickets(void *arg)
{
	struct crowd *c = arg;
	uint32_t token;

	while (atomic_load(&c->left) > 0) {
		token = proactor_notification_begin_observe(c->n);
		if (take(c)) {
			if (atomic_fetch_sub(&c->left, 1) == 1)
				CHECK_INT(proactor_notification_signal(c->n,
				    INT32_MAX), 0);
		} else if (atomic_load(&c->left) > 0)
			CHECK_INT(proactor_notification_wait_for_token(c->n,
			    token, patience()), 0);
		CHECK_INT(proactor_notification_end_observe(c->n), 0);
	}
	return NULL;
}

/* A ticket each and a signal if observed: no ticket is left lying. */
static void
observed_tickets(void)
{
	static struct crowd c;
	pthread_t threads[THREADS];
	struct world w;
	int i, tickets = (int)ROUNDS / 10;

	memset(&c, 0, sizeof(c));
	world_open(&w, NULL);
	CHECK_INT(proactor_notification_create(w.p, &c.n), 0);
	atomic_store(&c.left, tickets);
	for (i = 0; i < THREADS; i++)
		thread_start(&threads[i], take_tickets, &c);
	for (i = 0; i < tickets; i++) {
		atomic_fetch_add(&c.tickets, 1);
		CHECK(proactor_notification_signal_if_observed(c.n,
		    INT32_MAX) >= 0);
	}
	for (i = 0; i < THREADS; i++)
		thread_join(threads[i]);
	CHECK_INT(atomic_load(&c.left), 0);
	proactor_notification_release(c.n);
	world_close(&w);
}

/* --- signals and waits from many threads --- */

struct storm {
	struct world w;
	struct proactor_notification *n;
	struct proactor_notification_wait_op waits[64];
	atomic_bool stop;
};

static void *
signal_all_the_time(void *arg)
{
	struct storm *s = arg;

	while (!atomic_load(&s->stop))
		CHECK_INT(proactor_notification_signal(s->n, INT32_MAX), 0);
	return NULL;
}

static void *
submit_waits(void *arg)
{
	struct storm *s = arg;
	size_t i;

	for (i = 0; i < 64; i++)
		CHECK_INT(proactor_submit_one(s->w.p, &s->waits[i].base), 0);
	return NULL;
}

static void
storm_of_signals(void)
{
	static struct storm s;
	pthread_t threads[2], submitter;
	size_t i, round;

	world_open(&s.w, NULL);
	CHECK_INT(proactor_notification_create(s.w.p, &s.n), 0);
	for (i = 0; i < 64; i++)
		proactor_notification_wait_op_init(&s.waits[i], s.n, record,
		    &s.w.r);
	for (i = 0; i < 2; i++)
		thread_start(&threads[i], signal_all_the_time, &s);
	for (round = 1; round <= 50; round++) {
		thread_start(&submitter, submit_waits, &s);
		CHECK(poll_until(&s.w, &s.w.r.finals, round * 64));
		thread_join(submitter);
	}
	atomic_store(&s.stop, true);
	for (i = 0; i < 2; i++)
		thread_join(threads[i]);
	for (i = 0; i < s.w.r.calls; i++)
		CHECK_INT(s.w.r.seen[i].status, 0);
	proactor_notification_release(s.n);
	world_close(&s.w);
}

/* Released, with a shutdown and without, while others signal. */
static void
ends_among_signals(void)
{
	static struct storm s;
	pthread_t thread;
	size_t i;
	int round;

	for (round = 0; round < 100; round++) {
		memset(&s, 0, sizeof(s));
		world_open(&s.w, NULL);
		CHECK_INT(proactor_notification_create(s.w.p, &s.n), 0);
		thread_start(&thread, signal_all_the_time, &s);
		for (i = 0; i < 8; i++) {
			proactor_notification_wait_op_init(&s.waits[i], s.n,
			    record, &s.w.r);
			CHECK_INT(proactor_submit_one(s.w.p,
			    &s.waits[i].base), 0);
		}
		if (round % 2)
			CHECK(poll_until(&s.w, &s.w.r.finals, 1));
		if (round % 4 < 2) {
			CHECK_INT(proactor_shutdown(s.w.p, patience()), 0);
			CHECK_INT(s.w.r.finals, 8);
		}
		proactor_release(s.w.p);
		atomic_store(&s.stop, true);
		thread_join(thread);
		proactor_notification_release(s.n);
		recorder_clear(&s.w.r);
	}
}

const struct tap_case notification_wait_cases[] = {
	{ "notification wait: the deadline is ETIMEDOUT, never early",
	    wait_times_out },
	{ "notification wait: a token that is past returns at once",
	    wait_for_old_token },
	{ "notification wait: a signal wakes the thread",
	    signal_wakes_thread },
	{ "notification wait: outlives the proactor",
	    signal_wakes_after_release },
	{ "notification wait: a signal operation wakes the thread",
	    operation_wakes_thread },
	{ "notification wait: a turn goes round four threads a million times",
	    ping_pong_of_threads },
	{ "notification wait: the same on one notification",
	    ping_pong_on_one },
	{ "notification wait: a thread and the loop answer each other",
	    ping_pong_with_loop },
	{ "notification wait: signal_if_observed loses no ticket",
	    observed_tickets },
	{ "notification wait: waits among signals of two threads complete",
	    storm_of_signals },
	{ "notification wait: shutdown and release among signals",
	    ends_among_signals },
	{ NULL, NULL }
};
