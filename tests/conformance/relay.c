/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conformance/allocator.h"
#include "conformance/relay.h"

/* Relays: a source that is ready fires a sink. */

static void
fires_once(void)
{
	struct relay r;
	struct world w;
	int kind, late;

	for (kind = 0; kind < RELAY_KINDS; kind++)
		for (late = 0; late < 2; late++) {
			world_open(&w, NULL);
			relay_open(&w, &r, kind, 0);
			if (late)
				end_quiet(&w, &r.to);
			end_touch(&r.from);
			CHECK_INT(end_wait(&w, &r.to), 1);
			end_touch(&r.from);
			end_quiet(&w, &r.to);
			/* It has drained nothing. */
			CHECK_INT(end_count(&r.from), 2);
			relay_close(&r);
			world_close(&w);
		}
}

static void
fires_for_ever(void)
{
	struct relay r;
	struct world w;
	int kind, i;

	for (kind = 0; kind < RELAY_KINDS; kind++) {
		world_open(&w, NULL);
		relay_open(&w, &r, kind, PROACTOR_RELAY_PERSISTENT);
		end_quiet(&w, &r.to);
		for (i = 0; i < 200; i++) {
			end_touch(&r.from);
			CHECK(end_wait(&w, &r.to) > 0);
		}
		end_quiet(&w, &r.to);
		relay_close(&r);
		world_close(&w);
	}
}

/* What was ready before is ready; a notification has to be signalled. */
static void
source_was_ready(void)
{
	struct relay r;
	struct world w;
	int kind;

	for (kind = 0; kind < RELAY_KINDS; kind++) {
		world_open(&w, NULL);
		relay_prepare(&w, &r, kind, 0);
		end_touch(&r.from);
		relay_register(&r);
		if (kind & 1)
			end_quiet(&w, &r.to);
		else
			CHECK_INT(end_wait(&w, &r.to), 1);
		relay_close(&r);
		world_close(&w);
	}
}

static void
registered_before_the_first_poll(void)
{
	struct relay r[RELAY_KINDS];
	struct world w;
	int kind;

	world_open(&w, NULL);
	for (kind = 0; kind < RELAY_KINDS; kind++) {
		relay_open(&w, &r[kind], kind, PROACTOR_RELAY_PERSISTENT);
		end_touch(&r[kind].from);
	}
	for (kind = 0; kind < RELAY_KINDS; kind++) {
		CHECK_INT(end_wait(&w, &r[kind].to), 1);
		relay_close(&r[kind]);
	}
	world_close(&w);
}

static void
firing_is_no_callback(void)
{
	struct relay r;
	struct world w;
	size_t completed = 77;
	int kind;

	for (kind = 0; kind < RELAY_KINDS; kind++) {
		world_open(&w, NULL);
		relay_open(&w, &r, kind, PROACTOR_RELAY_PERSISTENT);
		end_touch(&r.from);
		CHECK_INT(proactor_poll(w.p,
		    proactor_deadline_after(10000000), &completed),
		    PROACTOR_ETIMEDOUT);
		CHECK_INT(completed, 77);
		CHECK_INT(end_count(&r.to), 1);
		relay_close(&r);
		world_close(&w);
	}
}

static void
value_is_written(void)
{
	struct relay r;
	struct world w;

	world_open(&w, NULL);
	relay_prepare(&w, &r, 0, PROACTOR_RELAY_PERSISTENT);
	r.o.value = UINT64_C(0x123456789);
	relay_register(&r);
	end_touch(&r.from);
	CHECK(end_wait(&w, &r.to) == UINT64_C(0x123456789));
	relay_close(&r);
	world_close(&w);
}

static void
count_is_woken(void)
{
	struct proactor_notification_wait_op waits[4];
	struct relay r;
	struct world w;
	size_t i;
	int kind;

	for (kind = 2; kind < RELAY_KINDS; kind++) {
		world_open(&w, NULL);
		relay_prepare(&w, &r, kind, PROACTOR_RELAY_PERSISTENT);
		r.o.count = 2;
		relay_register(&r);
		for (i = 0; i < 4; i++) {
			proactor_notification_wait_op_init(&waits[i], r.to.n,
			    record, &w.r);
			CHECK_INT(proactor_submit_one(w.p, &waits[i].base),
			    0);
		}
		end_touch(&r.from);
		CHECK(poll_until(&w, &w.r.finals, 2));
		CHECK(poll_quiet(&w));
		end_touch(&r.from);
		CHECK(poll_until(&w, &w.r.finals, 4));
		relay_close(&r);
		world_close(&w);
	}
}

/* The sink's threads are woken, whoever fires. */
struct sleeper {
	struct proactor_notification *n;
	size_t times;
	atomic_size_t woken;
};

static void *
sleep_on_sink(void *arg)
{
	struct sleeper *s = arg;
	uint32_t token = 0;
	size_t i;

	for (i = 0; i < s->times; i++) {
		CHECK_INT(proactor_notification_wait_for_token(s->n, token,
		    patience()), 0);
		token++;
		atomic_fetch_add(&s->woken, 1);
	}
	return NULL;
}

static void
threads_are_woken(void)
{
	struct sleeper s;
	struct relay r;
	struct world w;
	pthread_t thread;
	size_t i;
	int kind;

	for (kind = 2; kind < RELAY_KINDS; kind++) {
		world_open(&w, NULL);
		relay_open(&w, &r, kind, PROACTOR_RELAY_PERSISTENT);
		memset(&s, 0, sizeof(s));
		s.n = r.to.n;
		s.times = 300;
		thread_start(&thread, sleep_on_sink, &s);
		for (i = 1; i <= s.times; i++) {
			end_touch(&r.from);
			while (atomic_load(&s.woken) < i)
				(void)proactor_poll(w.p,
				    proactor_deadline_after(1000000), NULL);
		}
		thread_join(thread);
		relay_close(&r);
		world_close(&w);
	}
}

/* --- several --- */

static void
relays_in_a_row(void)
{
	struct proactor_relay_options o;
	struct proactor_relay *relays[4];
	struct relay_end ends[5];
	struct world w;
	int i, round;

	world_open(&w, NULL);
	for (i = 0; i < 5; i++)
		end_open(&w, &ends[i], i % 2 == 0);
	for (i = 0; i < 4; i++) {
		proactor_relay_options_init(&o);
		o.flags = PROACTOR_RELAY_PERSISTENT;
		if (i % 2 == 0) {
			o.source_handle = proactor_handle_fd(ends[i].read_fd);
			o.sink = ends[i + 1].n;
		} else {
			o.source = ends[i].n;
			o.sink_handle =
			    proactor_handle_fd(ends[i + 1].write_fd);
		}
		CHECK_INT(proactor_register_relay(w.p, &o, &relays[i]), 0);
	}
	for (round = 0; round < 100; round++) {
		end_touch(&ends[0]);
		CHECK_INT(end_wait(&w, &ends[4]), 1);
	}
	for (i = 0; i < 4; i++)
		CHECK_INT(proactor_unregister_relay(w.p, relays[i]), 0);
	for (i = 0; i < 5; i++)
		end_close(&ends[i]);
	world_close(&w);
}

/* Notifications in a ring: the loop turns it and lives. */
static void
relays_in_a_ring(void)
{
	struct proactor_relay_options o;
	struct proactor_relay *relays[3];
	struct relay_end ends[3];
	struct proactor_nop_op nop;
	struct world w;
	int i;

	world_open(&w, NULL);
	for (i = 0; i < 3; i++)
		end_open(&w, &ends[i], false);
	for (i = 0; i < 3; i++) {
		proactor_relay_options_init(&o);
		o.flags = PROACTOR_RELAY_PERSISTENT;
		o.source = ends[i].n;
		o.sink = ends[(i + 1) % 3].n;
		CHECK_INT(proactor_register_relay(w.p, &o, &relays[i]), 0);
	}
	end_touch(&ends[0]);
	proactor_nop_op_init(&nop, record, &w.r);
	for (i = 0; i < 200; i++)
		CHECK_INT(run_one(&w, &nop.base), 0);
	while (proactor_notification_query_epoch(ends[0].n) < 20)
		(void)proactor_poll(w.p, proactor_deadline_after(1000000),
		    NULL);
	for (i = 0; i < 3; i++)
		CHECK_INT(proactor_unregister_relay(w.p, relays[i]), 0);
	for (i = 0; i < 3; i++)
		end_close(&ends[i]);
	world_close(&w);
}

static void
one_source_many_sinks(void)
{
	struct relay r[6];
	struct world w;
	struct relay_end from;
	int i, notification;

	for (notification = 0; notification < 2; notification++) {
		world_open(&w, NULL);
		end_open(&w, &from, !notification);
		for (i = 0; i < 6; i++) {
			relay_prepare(&w, &r[i], (i & 1) << 1 | notification,
			    0);
			if (notification)
				r[i].o.source = from.n;
			else
				r[i].o.source_handle =
				    proactor_handle_fd(from.read_fd);
			relay_register(&r[i]);
		}
		end_quiet(&w, &r[0].to);
		end_touch(&from);
		for (i = 0; i < 6; i++)
			CHECK_INT(end_wait(&w, &r[i].to), 1);
		for (i = 0; i < 6; i++)
			relay_close(&r[i]);
		end_close(&from);
		world_close(&w);
	}
}

/* A relay is one who waits: a count reaches so many of them. */
static void
source_counts_relays(void)
{
	struct relay r[3];
	struct world w;
	uint64_t sum = 0;
	int i;

	world_open(&w, NULL);
	for (i = 0; i < 3; i++) {
		relay_prepare(&w, &r[i], 1, 0);
		r[i].o.source = r[0].from.n;
		relay_register(&r[i]);
	}
	end_quiet(&w, &r[0].to);
	CHECK_INT(proactor_notification_signal(r[0].from.n, 2), 0);
	CHECK(poll_quiet(&w));
	for (i = 0; i < 3; i++)
		sum += end_count(&r[i].to);
	CHECK_INT(sum, 2);
	/* And it observes. */
	CHECK_INT(proactor_notification_signal_if_observed(r[0].from.n,
	    INT32_MAX), 1);
	CHECK(poll_quiet(&w));
	for (i = 0; i < 3; i++)
		sum += end_count(&r[i].to);
	CHECK_INT(sum, 3);
	CHECK_INT(proactor_notification_signal_if_observed(r[0].from.n,
	    INT32_MAX), 0);
	for (i = 0; i < 3; i++)
		relay_close(&r[i]);
	world_close(&w);
}

/* --- among threads --- */

struct storm {
	struct relay r;
	atomic_bool stop;
};

static void *
touch_all_the_time(void *arg)
{
	struct storm *s = arg;

	while (!atomic_load(&s->stop))
		end_touch(&s->r.from);
	return NULL;
}

/* Whatever came before: the last touch is followed by a firing. */
static void
last_touch_fires(void)
{
	static struct storm s;
	struct world w;
	pthread_t thread;
	uint64_t sum;
	int kind, round;

	for (kind = 0; kind < RELAY_KINDS; kind++) {
		world_open(&w, NULL);
		memset(&s, 0, sizeof(s));
		relay_open(&w, &s.r, kind, PROACTOR_RELAY_PERSISTENT);
		for (round = 0; round < 5; round++) {
			atomic_store(&s.stop, false);
			thread_start(&thread, touch_all_the_time, &s);
			for (sum = 0; sum < 30;)
				sum += end_wait(&w, &s.r.to);
			atomic_store(&s.stop, true);
			thread_join(thread);
			while (!poll_quiet(&w) || end_count(&s.r.to) != 0)
				continue;
			end_touch(&s.r.from);
			CHECK(end_wait(&w, &s.r.to) > 0);
			end_quiet(&w, &s.r.to);
		}
		relay_close(&s.r);
		world_close(&w);
	}
}

/* --- memory, cost --- */

static void
firing_allocates_nothing(void)
{
	struct proactor_options o;
	struct relay r[RELAY_KINDS];
	struct allocator a = { 0 };
	struct world w;
	long before = 0;
	int i, kind;

	allocator_options(&o, &a);
	world_open(&w, &o);
	for (kind = 0; kind < RELAY_KINDS; kind++)
		relay_open(&w, &r[kind], kind, PROACTOR_RELAY_PERSISTENT);
	for (i = 0; i < 50; i++)
		for (kind = 0; kind < RELAY_KINDS; kind++) {
			end_touch(&r[kind].from);
			CHECK(end_wait(&w, &r[kind].to) > 0);
			/* The first poll prepares what all use. */
			if (i == 0)
				before = a.calls;
		}
	CHECK_INT(a.calls, before);
	for (kind = 0; kind < RELAY_KINDS; kind++)
		relay_close(&r[kind]);
	world_close(&w);
}

/* The least that a hundred turns take, of many tries. */
static int64_t
cost_of_turns(struct world *w)
{
	struct proactor_nop_op nop;
	int64_t begin, cost, least = INT64_MAX;
	int i, try;

	proactor_nop_op_init(&nop, record, &w->r);
	for (try = 0; try < 100; try++) {
		recorder_clear(&w->r);
		begin = proactor_now();
		for (i = 0; i < 100; i++) {
			CHECK_INT(proactor_submit_one(w->p, &nop.base), 0);
			CHECK_INT(proactor_poll(w->p, PROACTOR_FOREVER, NULL),
			    0);
		}
		cost = proactor_now() - begin;
		if (cost < least)
			least = cost;
	}
	return least;
}

#define IDLE	4000

static void
idle_ones_cost_nothing(void)
{
	static struct proactor_relay *relays[IDLE];
	struct proactor_relay_options o;
	struct relay_end from, to;
	struct world w;
	int64_t with, without;
	size_t i;

	world_open(&w, NULL);
	end_open(&w, &from, false);
	end_open(&w, &to, false);
	proactor_relay_options_init(&o);
	o.source = from.n;
	o.sink = to.n;
	without = cost_of_turns(&w);
	for (i = 0; i < IDLE; i++)
		CHECK_INT(proactor_register_relay(w.p, &o, &relays[i]), 0);
	poll_barrier(&w);
	with = cost_of_turns(&w);
	/* One look at each would make it ten times as much and more. */
	if (with > 4 * without)
		FAIL("%lld ns with, %lld ns without", (long long)with,
		    (long long)without);
	for (i = 0; i < IDLE; i++)
		CHECK_INT(proactor_unregister_relay(w.p, relays[i]), 0);
	poll_barrier(&w);
	end_close(&from);
	end_close(&to);
	world_close(&w);
}

const struct tap_case relay_cases[] = {
	{ "relay: fires once, from and to handles and notifications",
	    fires_once },
	{ "relay: a persistent one fires again and again", fires_for_ever },
	{ "relay: a handle that is ready fires, an epoch that was does not",
	    source_was_ready },
	{ "relay: may be registered before the first poll",
	    registered_before_the_first_poll },
	{ "relay: a firing is no callback and ends no poll",
	    firing_is_no_callback },
	{ "relay: the value is written", value_is_written },
	{ "relay: the count is woken", count_is_woken },
	{ "relay: threads that wait for the sink are woken",
	    threads_are_woken },
	{ "relay: relays in a row", relays_in_a_row },
	{ "relay: a ring of relays stops nothing", relays_in_a_ring },
	{ "relay: several of one source", one_source_many_sinks },
	{ "relay: counts as one who waits and observes",
	    source_counts_relays },
	{ "relay: a touch among many is not lost", last_touch_fires },
	{ "relay: firing allocates nothing", firing_allocates_nothing },
	{ "relay: idle ones make no turn longer", idle_ones_cost_nothing },
	{ NULL, NULL }
};
