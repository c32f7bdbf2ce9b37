/* SPDX-License-Identifier: ISC */
/* Notifications: a signal that goes to another thread and back. */
#include "config.h"

#include "bench/library.h"
#include "bench/ping.h"

/* What one of the threads writes, the other one does not look at. */
struct side {
	_Alignas(64) struct proactor *p;
	struct proactor_notification_wait_op wait;
	uint32_t token;			/* the epoch that is known */
	uint64_t got;
};

struct pair {
	struct proactor_notification *notifications[2];
	struct side sides[2];
};

static void
pair_init(struct pair *pair, unsigned int i, struct proactor *p)
{
	struct side *s = &pair->sides[i];

	s->p = p;
	s->got = 0;
	check(proactor_notification_create(p, &pair->notifications[i]),
	    "proactor_notification_create");
	s->token = proactor_notification_query_epoch(pair->notifications[i]);
}

static void
tell(void *user, unsigned int i, uint64_t value)
{
	struct pair *pair = user;

	(void)value;
	check(proactor_notification_signal(pair->notifications[i], 1),
	    "proactor_notification_signal");
}

/* --- two threads that block --- */

static void
await(void *user, unsigned int i, uint64_t value)
{
	struct pair *pair = user;
	struct proactor_notification *n = pair->notifications[i];
	struct side *s = &pair->sides[i];

	(void)value;
	check(proactor_notification_wait_for_token(n, s->token,
	    PROACTOR_FOREVER), "proactor_notification_wait_for_token");
	s->token = proactor_notification_query_epoch(n);
}

/* No loop has a part in it. */
void
library_notification_ping(struct run *run)
{
	static const struct way way = { tell, await };
	struct proactor *p;
	struct pair pair;
	unsigned int i;

	p = library_create(run);
	for (i = 0; i < 2; i++)
		pair_init(&pair, i, p);
	ping(run, &way, &pair);
	for (i = 0; i < 2; i++)
		proactor_notification_release(pair.notifications[i]);
	library_release(p);
}

/* --- from loop to loop --- */

static void
on_wait(void *user, struct proactor_op *op, int status, unsigned int flags)
{
	struct side *s = user;

	(void)op;
	(void)flags;
	check(status, "notification wait");
	s->token = s->wait.epoch;
	s->got++;
}

static void
loop_await(void *user, unsigned int i, uint64_t value)
{
	struct side *s = &((struct pair *)user)->sides[i];

	s->wait.token = s->token;
	check(proactor_submit_one(s->p, &s->wait.base), "proactor_submit_one");
	library_until(s->p, &s->got, value);
}

/* Both sides wait in a loop, by an operation. */
void
library_notification_loops(struct run *run)
{
	static const struct way way = { tell, loop_await };
	struct proactor_options options;
	struct proactor *p;
	struct pair pair;
	struct side *s;
	unsigned int i;

	for (i = 0; i < 2; i++) {
		s = &pair.sides[i];
		library_options(run, &options);
		check(proactor_create(&options, &p), "proactor_create");
		pair_init(&pair, i, p);
		proactor_notification_wait_op_init(&s->wait,
		    pair.notifications[i], on_wait, s);
		s->wait.wait_flags = PROACTOR_NOTIFICATION_TOKEN;
	}
	ping(run, &way, &pair);
	for (i = 0; i < 2; i++) {
		proactor_notification_release(pair.notifications[i]);
		proactor_release(pair.sides[i].p);
	}
}
