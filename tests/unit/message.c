/* SPDX-License-Identifier: ISC */
/*
 * A sender reserves its place among the messages and fills it afterwards.
 * Here it is held up between the two, for as long as the case likes.
 */
#include "config.h"

#include <pthread.h>
#include <sched.h>
#include <string.h>

#include "core/core.h"
#include "tap/tap.h"

struct world {
	struct proactor *p;
	size_t count;
};

/* The messages are 0, 1 and so on. */
static void
count_up(void *user_data, struct proactor *p, uint64_t data)
{
	struct world *w = user_data;

	CHECK(p == w->p);
	CHECK_INT(data, w->count);
	w->count++;
}

static void
open_world(struct world *w)
{
	memset(w, 0, sizeof(*w));
	CHECK_INT(proactor_create(NULL, &w->p), 0);
	CHECK_INT(proactor_set_message_callback(w->p, count_up, w), 0);
	CHECK_INT(proactor_poll(w->p, PROACTOR_IMMEDIATE, NULL),
	    PROACTOR_ETIMEDOUT);
}

static void
close_world(struct world *w)
{
	CHECK_INT(proactor_shutdown(w->p, PROACTOR_FOREVER), 0);
	proactor_release(w->p);
}

/* As proactor_send_message() on another thread begins, and as it goes on. */
static void
begin_send(struct world *w)
{
	atomic_fetch_add(&w->p->messages.tail, 1);
}

static void
fill(struct world *w, uint64_t position)
{
	struct message_queue *q = &w->p->messages;

	q->cells[position & q->mask].data = position;
	atomic_store(&q->cells[position & q->mask].sequence, position + 1);
}

static void *
send_one(void *arg)
{
	struct world *w = arg;

	CHECK_INT(proactor_send_message(w->p, 1), 0);
	return NULL;
}

static void
start(pthread_t *thread, void *(*fn)(void *arg), struct world *w)
{
	CHECK_INT(pthread_create(thread, NULL, fn, w), 0);
}

static void
waits_its_turn(void)
{
	pthread_t thread;
	struct world w;

	open_world(&w);
	begin_send(&w);
	start(&thread, send_one, &w);
	(void)pthread_join(thread, NULL);
	CHECK_INT(proactor_poll(w.p, PROACTOR_IMMEDIATE, NULL),
	    PROACTOR_ETIMEDOUT);
	CHECK_INT(w.count, 0);
	fill(&w, 0);
	proactor__wake_up(w.p);
	CHECK_INT(proactor_poll(w.p, PROACTOR_FOREVER, NULL), 0);
	CHECK_INT(w.count, 2);
	close_world(&w);
}

static void *
fill_while_asleep(void *arg)
{
	struct world *w = arg;

	while (atomic_load(&w->p->asleep) == 0)
		sched_yield();
	fill(w, 0);
	return NULL;
}

/*
 * The sender saw that the owner had been told and was awake, and the owner
 * saw the cell empty: nobody wakes it.
 */
static void
without_a_wake(void)
{
	pthread_t thread;
	struct world w;

	open_world(&w);
	begin_send(&w);
	atomic_store(&w.p->posted, 1);
	CHECK_INT(proactor_poll(w.p, PROACTOR_IMMEDIATE, NULL),
	    PROACTOR_ETIMEDOUT);
	start(&thread, fill_while_asleep, &w);
	CHECK_INT(proactor_poll(w.p, PROACTOR_FOREVER, NULL), 0);
	CHECK_INT(w.count, 1);
	(void)pthread_join(thread, NULL);
	close_world(&w);
}

/* The sender's place counts, but nothing waits for a sender for ever. */
static void
shutdown_goes_on(void)
{
	struct world w;

	open_world(&w);
	begin_send(&w);
	close_world(&w);
	CHECK_INT(w.count, 0);
}

static const struct tap_case cases[] = {
	{ "message: what is behind one that is not there yet waits for it",
	    waits_its_turn },
	{ "message: the owner looks again without being woken",
	    without_a_wake },
	{ "message: shutdown does not wait for one that is not there yet",
	    shutdown_goes_on },
	{ NULL, NULL }
};

int
main(void)
{
	return tap_run(cases);
}
