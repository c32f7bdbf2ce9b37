/* SPDX-License-Identifier: ISC */
/*
 * A hashed wheel with ticks of a millisecond over a bare ring: the least that
 * timers can cost.  It knows no order within a tick and no minute beyond its
 * first.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>

#include "bench/raw.h"
#include "bench/timers.h"

#define SLOTS	65536u			/* milliseconds */
#define TICK	INT64_C(1000000)
#define BITS	64

struct timer {
	struct timer *next, *previous;
	int64_t deadline;
	void (*callback)(struct timer *timer);
};

struct wheel {
	struct timer slots[SLOTS];	/* heads of rings */
	uint64_t occupied[SLOTS / BITS];
	uint64_t tick;			/* fired up to here */
};

struct cell_state {
	struct io_uring ring;
	struct wheel *wheel;
	struct timer *timers;
	uint32_t *order;
	unsigned int count;
};

/* Of the cell, for callbacks. */
static unsigned int fired;
static int64_t *late;

static void
on_timer(struct timer *timer)
{
	(void)timer;
	fired++;
}

static void
on_late_timer(struct timer *timer)
{
	late[fired++] = now_ns() - timer->deadline;
}

static void
arm(struct wheel *w, struct timer *t, int64_t deadline)
{
	struct timer *head;
	unsigned int slot;

	/* Rounded up: never early. */
	slot = (uint64_t)((deadline + TICK - 1) / TICK) % SLOTS;
	head = &w->slots[slot];
	t->deadline = deadline;
	t->next = head;
	t->previous = head->previous;
	head->previous->next = t;
	head->previous = t;
	w->occupied[slot / BITS] |= UINT64_C(1) << slot % BITS;
}

static void
cancel(struct timer *t)
{
	t->previous->next = t->next;
	t->next->previous = t->previous;
	t->next = NULL;
}

static void
fire_slot(struct wheel *w, unsigned int slot)
{
	struct timer *head = &w->slots[slot], *t;

	while ((t = head->next) != head) {
		cancel(t);
		t->callback(t);
	}
	w->occupied[slot / BITS] &= ~(UINT64_C(1) << slot % BITS);
}

static void
fire(struct wheel *w, int64_t now)
{
	uint64_t tick = now / TICK;

	while (w->tick < tick) {
		w->tick++;
		fire_slot(w, w->tick % SLOTS);
	}
}

/* Sleeps until the next tick that has timers. */
static void
sleep_on(struct io_uring *ring, const struct wheel *w)
{
	struct __kernel_timespec ts = { 0 };
	struct io_uring_cqe *cqe;
	uint64_t bits, tick = w->tick + 1;
	int64_t wait;
	int r;

	while ((bits = w->occupied[tick % SLOTS / BITS] >> tick % BITS) == 0)
		tick = (tick / BITS + 1) * BITS;
	tick += __builtin_ctzll(bits);
	wait = (int64_t)tick * TICK - now_ns();
	if (wait <= 0)
		return;
	ts.tv_sec = wait / 1000000000;
	ts.tv_nsec = wait % 1000000000;
	r = io_uring_submit_and_wait_timeout(ring, &cqe, 1, &ts, NULL);
	if (r < 0 && r != -ETIME && r != -EINTR)
		die("io_uring_submit_and_wait_timeout", r);
}

static void
init(struct cell_state *s, struct run *run,
    void (*callback)(struct timer *timer))
{
	unsigned int i;

	raw_ring_init(&s->ring, 64);
	s->count = run->size;
	s->timers = allocate(s->count, sizeof(*s->timers));
	s->wheel = allocate(1, sizeof(*s->wheel));
	s->order = timer_order(s->count);
	for (i = 0; i < s->count; i++)
		s->timers[i].callback = callback;
	for (i = 0; i < SLOTS; i++)
		s->wheel->slots[i].next = s->wheel->slots[i].previous =
		    &s->wheel->slots[i];
	s->wheel->tick = now_ns() / TICK;
	fired = 0;
}

static void
fini(struct cell_state *s)
{
	io_uring_queue_exit(&s->ring);
	free(s->timers);
	free(s->wheel);
	free(s->order);
}

static void
arm_all(struct cell_state *s)
{
	int64_t now = now_ns();
	uint32_t seed = 1;
	unsigned int i;

	for (i = 0; i < s->count; i++)
		arm(s->wheel, &s->timers[i], timer_far(now, &seed));
}

static void
cancel_all(struct cell_state *s, bool shuffled)
{
	unsigned int i;

	for (i = 0; i < s->count; i++)
		cancel(&s->timers[shuffled ? s->order[i] : i]);
}

void
hand_timer_arm(struct run *run)
{
	struct cell_state s;
	uint64_t i;

	init(&s, run, on_timer);
	for (i = 0; i < run->operations; i += run->size) {
		run_begin(run);
		arm_all(&s);
		run_end(run, run->size);
		cancel_all(&s, false);
	}
	fini(&s);
}

static void
cancel_timers(struct run *run, bool shuffled)
{
	struct cell_state s;
	uint64_t i;

	init(&s, run, on_timer);
	for (i = 0; i < run->operations; i += run->size) {
		arm_all(&s);
		run_begin(run);
		cancel_all(&s, shuffled);
		run_end(run, run->size);
	}
	fini(&s);
}

void
hand_timer_cancel(struct run *run)
{
	cancel_timers(run, false);
}

void
hand_timer_cancel_random(struct run *run)
{
	cancel_timers(run, true);
}

void
hand_timer_fire(struct run *run)
{
	struct cell_state s;
	int64_t start;
	uint32_t seed = 1;
	unsigned int i;

	init(&s, run, on_timer);
	start = now_ns() + TIMER_LEAD;
	for (i = 0; i < s.count; i++)
		arm(s.wheel, &s.timers[i],
		    timer_soon(start, TIMER_SPREAD, &seed));
	while (now_ns() < start + TIMER_SPREAD + TICK)
		continue;
	run_begin(run);
	fire(s.wheel, now_ns());
	run_end(run, s.count);
	if (fired != s.count)
		die("firing", -1);
	fini(&s);
}

void
hand_timer_lateness(struct run *run)
{
	struct cell_state s;
	int64_t start;
	uint32_t seed = 1;
	unsigned int i;

	init(&s, run, on_late_timer);
	late = allocate(s.count, sizeof(*late));
	start = now_ns() + TIMER_LEAD;
	for (i = 0; i < s.count; i++)
		arm(s.wheel, &s.timers[i],
		    timer_soon(start, TIMER_SECOND, &seed));
	run_begin(run);
	while (fired < s.count) {
		sleep_on(&s.ring, s.wheel);
		fire(s.wheel, now_ns());
	}
	run_end(run, s.count);
	run_latencies(run, late, s.count);
	free(late);
	fini(&s);
}
