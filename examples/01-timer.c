/* SPDX-License-Identifier: ISC */
/*
 * Timers: the smallest whole program.
 *
 *	01-timer [count [milliseconds]]
 *
 * A ticker submits itself again from its own callback.  It counts from the
 * deadline that has passed and not from the moment the callback ran, so that
 * it does not drift.  A watchdog, set far in the future, is cancelled when
 * the last tick has come.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <proactor.h>

#define MILLISECOND	INT64_C(1000000)

struct ticker {
	struct proactor *p;
	struct proactor_timer_op tick;
	struct proactor_timer_op watchdog;
	int64_t interval;
	long count;			/* ticks wanted */
	long ticks;			/* ticks seen */
	int in_flight;			/* final callbacks still to come */
	int status;			/* the first error, or 0 */
};

/*
 * A submit that succeeds means one final callback later, and one that fails
 * means none: this is the place to count.
 */
static void
start(struct ticker *t, struct proactor_op *op)
{
	int status = proactor_submit_one(t->p, op);

	if (status == 0)
		t->in_flight++;
	else if (t->status == 0)
		t->status = status;
}

static void
on_tick(void *user_data, struct proactor_op *op, int status,
    unsigned int flags)
{
	struct ticker *t = user_data;

	(void)op;
	(void)flags;
	t->in_flight--;
	if (status != 0) {
		t->status = status;
		return;
	}
	printf("tick %ld of %ld\n", ++t->ticks, t->count);
	if (t->ticks < t->count) {
		/* The operation is ours again: change it, submit it again. */
		t->tick.deadline += t->interval;
		start(t, &t->tick.base);
	} else {
		/* The callback will come, with PROACTOR_ECANCELED. */
		status = proactor_cancel(t->p, &t->watchdog.base);
		if (status != 0)
			t->status = status;
	}
}

static void
on_watchdog(void *user_data, struct proactor_op *op, int status,
    unsigned int flags)
{
	struct ticker *t = user_data;

	(void)op;
	(void)flags;
	t->in_flight--;
	if (status == PROACTOR_ECANCELED) {
		printf("watchdog cancelled\n");
	} else {
		printf("watchdog fired\n");
		t->status = PROACTOR_ETIMEDOUT;
		proactor_cancel(t->p, &t->tick.base);
	}
}

int
main(int argc, char **argv)
{
	struct ticker t = { .count = 5, .interval = 100 * MILLISECOND };
	int64_t began;
	int status;

	if (argc > 1)
		t.count = strtol(argv[1], NULL, 10);
	if (argc > 2)
		t.interval = strtol(argv[2], NULL, 10) * MILLISECOND;
	if (argc > 3 || t.count < 1 || t.count > 1000 || t.interval < 0 ||
	    t.interval > 60000 * MILLISECOND) {
		fprintf(stderr, "usage: 01-timer [count [milliseconds]]\n");
		return 2;
	}

	status = proactor_create(NULL, &t.p);
	if (status != 0) {
		fprintf(stderr, "01-timer: create: %s\n",
		    proactor_strerror(status));
		return 1;
	}

	began = proactor_now();
	proactor_timer_op_init(&t.tick, began + t.interval, on_tick, &t);
	proactor_timer_op_init(&t.watchdog, began + t.count * t.interval +
	    60000 * MILLISECOND, on_watchdog, &t);
	start(&t, &t.watchdog.base);
	start(&t, &t.tick.base);

	/* Callbacks run inside proactor_poll(), and nowhere else. */
	while (t.in_flight > 0 && status == 0)
		status = proactor_poll(t.p, PROACTOR_FOREVER, NULL);
	if (status == 0)
		status = t.status;
	if (status != 0)
		fprintf(stderr, "01-timer: %s\n", proactor_strerror(status));
	else
		printf("%ld ticks took %" PRId64 " ms\n", t.ticks,
		    (proactor_now() - began) / MILLISECOND);
	proactor_release(t.p);
	return status == 0 ? 0 : 1;
}
