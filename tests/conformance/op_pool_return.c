/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "conformance/op_pool.h"

/* Operations of pools, which return by themselves. */

static struct proactor_op *
take_timer(struct proactor_op_pool *pool, int64_t deadline,
    struct recorder *r)
{
	struct proactor_op *op = take(pool,
	    sizeof(struct proactor_timer_op));

	proactor_timer_op_init((struct proactor_timer_op *)op, deadline,
	    record, r);
	op->pool = pool;
	return op;
}

/* --- operations that return by themselves --- */

static void
returns_after_callback(void)
{
	struct proactor_op_pool *pool = make_pool();
	struct world w;
	size_t i, n;

	world_open(&w, NULL);
	for (n = 1; n <= 5; n++) {
		for (i = 0; i < SMALL + LARGE; i++)
			CHECK_INT(proactor_submit_one(w.p, take_nop(pool,
			    record, &w.r)), 0);
		CHECK_INT(count_free(pool, SMALL_SIZE), 0);
		CHECK(poll_until(&w, &w.r.finals, n * (SMALL + LARGE)));
		CHECK_INT(count_free(pool, SMALL_SIZE), SMALL + LARGE);
	}
	proactor_op_pool_release(pool);
	world_close(&w);
}

static void
no_pool_no_return(void)
{
	struct proactor_op_pool *pool = make_pool();
	struct proactor_op *op;
	struct world w;

	world_open(&w, NULL);
	op = take_nop(pool, record, &w.r);
	op->pool = NULL;
	CHECK_INT(run_one(&w, op), 0);
	CHECK_INT(run_one(&w, op), 0);
	CHECK_INT(count_free(pool, SMALL_SIZE), SMALL + LARGE - 1);
	CHECK_INT(proactor_op_pool_return(pool, op), 0);
	CHECK_INT(count_free(pool, SMALL_SIZE), SMALL + LARGE);
	proactor_op_pool_release(pool);
	world_close(&w);
}

static void
refused_is_not_returned(void)
{
	struct proactor_op_pool *pool = make_pool(), *other = make_pool();
	struct proactor_op *ops[2], *small;
	struct proactor_recvfrom_op *r;
	struct proactor_nop_op own;
	struct world w;

	world_open(&w, NULL);
	ops[0] = take_nop(pool, record, &w.r);
	ops[1] = take_nop(pool, NULL, &w.r);
	CHECK_INT(proactor_submit(w.p, ops, 2), PROACTOR_EINVAL);
	ops[1]->callback = record;
	ops[1]->pool = other;
	CHECK_INT(proactor_submit(w.p, ops, 2), PROACTOR_EINVAL);
	CHECK_INT(proactor_submit_one(w.p, ops[1]), PROACTOR_EINVAL);
	ops[1]->pool = pool;
	/* Not a pool's, and too small for what it says it is. */
	proactor_nop_op_init(&own, record, &w.r);
	own.base.pool = pool;
	CHECK_INT(proactor_submit_one(w.p, &own.base), PROACTOR_EINVAL);
	small = take(pool, SMALL_SIZE);
	r = calloc(1, sizeof(*r));
	CHECK(r != NULL);
	proactor_recvfrom_op_init(r, NULL, NULL, 0, record, &w.r);
	memcpy(small, r, sizeof(*small));
	free(r);
	small->pool = pool;
	CHECK_INT(proactor_submit_one(w.p, small), PROACTOR_EINVAL);
	CHECK_INT(proactor_op_pool_return(pool, small), 0);
	/* It has been returned: the pool's, and nobody may submit it. */
	proactor_nop_op_init((struct proactor_nop_op *)small, record, &w.r);
	small->pool = pool;
	CHECK_INT(proactor_submit_one(w.p, small), PROACTOR_EINVAL);
	CHECK_INT(count_free(pool, SMALL_SIZE), SMALL + LARGE - 2);
	CHECK_INT(proactor_submit(w.p, ops, 2), 0);
	CHECK(poll_until(&w, &w.r.finals, 2));
	CHECK_INT(count_free(pool, SMALL_SIZE), SMALL + LARGE);
	proactor_op_pool_release(other);
	proactor_op_pool_release(pool);
	world_close(&w);
}

static void
busy_in_flight(void)
{
	struct proactor_op_pool *pool = make_pool();
	struct proactor_op *op;
	struct world w;

	world_open(&w, NULL);
	op = take_timer(pool, PROACTOR_FOREVER, &w.r);
	CHECK_INT(proactor_submit_one(w.p, op), 0);
	CHECK_INT(proactor_op_pool_return(pool, op), PROACTOR_EBUSY);
	CHECK_INT(proactor_submit_one(w.p, op), PROACTOR_EBUSY);
	CHECK(poll_quiet(&w));
	CHECK_INT(proactor_op_pool_return(pool, op), PROACTOR_EBUSY);
	CHECK_INT(proactor_cancel(w.p, op), 0);
	CHECK(poll_until(&w, &w.r.finals, 1));
	CHECK_INT(status_of(&w.r, op), PROACTOR_ECANCELED);
	CHECK_INT(count_free(pool, SMALL_SIZE), SMALL + LARGE);
	proactor_op_pool_release(pool);
	world_close(&w);
}

static void
sockets_and_files(void)
{
	struct proactor_op_pool_options o;
	struct proactor_op_pool *pool;
	struct proactor_recv_op *recv;
	struct proactor_send_op *send;
	struct proactor_span span;
	struct pair pair;
	struct world w;
	char from[64], to[64];
	size_t n;

	proactor_op_pool_options_init(&o);
	o.class_count = 1;
	o.classes[0].size = 1024;
	o.classes[0].count = 2;
	CHECK_INT(proactor_op_pool_create(&o, &pool), 0);
	world_open(&w, NULL);
	pair_open(&w, PROACTOR_SOCKET_TCP, 0, &pair);
	w.r.finals = w.r.calls = 0;
	for (n = 0; n < 50; n++) {
		recv = (struct proactor_recv_op *)take(pool, sizeof(*recv));
		send = (struct proactor_send_op *)take(pool, sizeof(*send));
		fill(from, sizeof(from), (unsigned int)n);
		span = proactor_span(to, sizeof(to));
		proactor_recv_op_init(recv, pair.b, &span, 1, record, &w.r);
		recv->base.pool = pool;
		span = proactor_span(from, sizeof(from));
		proactor_send_op_init(send, pair.a, &span, 1, 0, record,
		    &w.r);
		send->base.pool = pool;
		CHECK_INT(proactor_submit_one(w.p, &recv->base), 0);
		CHECK_INT(proactor_submit_one(w.p, &send->base), 0);
		CHECK(poll_until(&w, &w.r.finals, 2 * n + 2));
		CHECK(is_filled(to, sizeof(to), (unsigned int)n));
	}
	pair_close(&w, &pair);
	proactor_op_pool_release(pool);
	world_close(&w);
}

static void
chains(void)
{
	struct proactor_op_pool *pool = make_pool();
	struct proactor_op *ops[3];
	struct world w;
	size_t i;
	int n;

	world_open(&w, NULL);
	for (n = 0; n < 2; n++) {
		recorder_clear(&w.r);
		for (i = 0; i < 3; i++) {
			ops[i] = take_timer(pool, proactor_deadline_after(
			    1000), &w.r);
			if (i < 2)
				ops[i]->flags = PROACTOR_OP_LINKED;
		}
		CHECK_INT(proactor_submit(w.p, ops, 3), 0);
		/* The first fails, and the others with it. */
		if (n == 1)
			CHECK_INT(proactor_cancel(w.p, ops[0]), 0);
		CHECK(poll_until(&w, &w.r.finals, 3));
		for (i = 0; i < 3; i++)
			CHECK_INT(w.r.seen[i].status, n == 0 ? 0 :
			    PROACTOR_ECANCELED);
		CHECK_INT(count_free(pool, SMALL_SIZE), SMALL + LARGE);
	}
	proactor_op_pool_release(pool);
	world_close(&w);
}

static void
skipped_source(void)
{
	struct proactor_op_pool *pool = make_pool();
	struct proactor_op *op;
	struct world from, to;
	size_t i;

	world_open(&from, NULL);
	world_open(&to, NULL);
	for (i = 0; i < 20; i++) {
		op = take(pool, sizeof(struct proactor_message_op));
		proactor_message_op_init((struct proactor_message_op *)op,
		    to.p, i, PROACTOR_MESSAGE_SKIP_SOURCE, record, &from.r);
		op->pool = pool;
		CHECK_INT(proactor_submit_one(from.p, op), 0);
		poll_barrier(&from);
		CHECK_INT(count_free(pool, SMALL_SIZE), SMALL + LARGE);
	}
	CHECK_INT(from.r.calls, 0);
	proactor_op_pool_release(pool);
	world_close(&from);
	world_close(&to);
}

static void
returned_by_shutdown(void)
{
	struct proactor_op_pool *pool = make_pool();
	struct world w;
	size_t i;

	for (i = 0; i < 4; i++) {
		world_open(&w, NULL);
		CHECK_INT(proactor_submit_one(w.p, take_timer(pool,
		    PROACTOR_FOREVER, &w.r)), 0);
		CHECK_INT(proactor_submit_one(w.p, take_nop(pool, record,
		    &w.r)), 0);
		if (i & 1)
			CHECK(poll_until(&w, &w.r.finals, 1));
		if (i & 2) {
			/* No callback comes: the pool has them all the same. */
			proactor_release(w.p);
			recorder_clear(&w.r);
		} else
			world_close(&w);
		CHECK_INT(count_free(pool, SMALL_SIZE), SMALL + LARGE);
	}
	proactor_op_pool_release(pool);
}

/* --- what the final callback may do with it --- */

struct again {
	struct world w;
	struct proactor_op_pool *pool;
	size_t calls, wanted;
	int way;
};

static void
go_on(void *user_data, struct proactor_op *op, int status,
    unsigned int flags)
{
	struct again *a = user_data;

	CHECK_INT(status, 0);
	CHECK_INT(flags, 0);
	CHECK_INT(proactor_cancel(a->w.p, op), PROACTOR_ENOENT);
	if (++a->calls == a->wanted)
		return;
	switch (a->way) {
	case 0:
		CHECK_INT(proactor_submit_one(a->w.p, op), 0);
		break;
	case 1:
		proactor_nop_op_init((struct proactor_nop_op *)op, go_on, a);
		op->pool = a->pool;
		CHECK_INT(proactor_submit(a->w.p, &op, 1), 0);
		break;
	case 2:
		CHECK_INT(proactor_submit_one(a->w.p, take_nop(a->pool, go_on,
		    a)), 0);
		break;
	default:
		CHECK_INT(proactor_op_pool_return(a->pool, op), 0);
		CHECK_INT(proactor_submit_one(a->w.p, take_nop(a->pool, go_on,
		    a)), 0);
		break;
	}
}

/* As it is; initialised anew; another one; returned, which gives it again. */
static void
submitted_again(void)
{
	struct again a = { .wanted = 50 };

	for (a.way = 0; a.way < 4; a.way++) {
		a.calls = 0;
		a.pool = make_pool();
		world_open(&a.w, NULL);
		CHECK_INT(proactor_submit_one(a.w.p, take_nop(a.pool, go_on,
		    &a)), 0);
		CHECK(poll_until(&a.w, &a.calls, a.wanted));
		CHECK_INT(count_free(a.pool, SMALL_SIZE), SMALL + LARGE);
		proactor_op_pool_release(a.pool);
		world_close(&a.w);
	}
}

static void
keep(void *user_data, struct proactor_op *op, int status,
    unsigned int flags)
{
	struct world *w = user_data;

	proactor_nop_op_init((struct proactor_nop_op *)op, record, &w->r);
	record(&w->r, op, status, flags);
}

static void
initialised_is_kept(void)
{
	struct proactor_op_pool *pool = make_pool();
	struct proactor_op *op;
	struct world w;

	world_open(&w, NULL);
	op = take_nop(pool, keep, &w);
	CHECK_INT(proactor_submit_one(w.p, op), 0);
	CHECK(poll_until(&w, &w.r.finals, 1));
	CHECK_INT(count_free(pool, SMALL_SIZE), SMALL + LARGE - 1);
	CHECK_INT(run_one(&w, op), 0);
	CHECK_INT(proactor_op_pool_return(pool, op), 0);
	CHECK_INT(count_free(pool, SMALL_SIZE), SMALL + LARGE);
	proactor_op_pool_release(pool);
	world_close(&w);
}

static void
refuse(void *user_data, struct proactor_op *op, int status,
    unsigned int flags)
{
	struct world *w = user_data;
	struct proactor_op *ops[2];

	ops[0] = op;
	ops[1] = NULL;
	CHECK_INT(proactor_submit(w->p, ops, 2), PROACTOR_EINVAL);
	record(&w->r, op, status, flags);
}

static void
refused_again(void)
{
	struct proactor_op_pool *pool = make_pool();
	struct world w;

	world_open(&w, NULL);
	CHECK_INT(proactor_submit_one(w.p, take_nop(pool, refuse, &w)), 0);
	CHECK(poll_until(&w, &w.r.finals, 1));
	CHECK_INT(count_free(pool, SMALL_SIZE), SMALL + LARGE);
	proactor_op_pool_release(pool);
	world_close(&w);
}

const struct tap_case op_pool_return_cases[] = {
	{ "op pool: an operation returns after its final callback",
	    returns_after_callback },
	{ "op pool: one without pool set does not", no_pool_no_return },
	{ "op pool: a refused one stays its owner's",
	    refused_is_not_returned },
	{ "op pool: one in flight is EBUSY", busy_in_flight },
	{ "op pool: receives and sends return", sockets_and_files },
	{ "op pool: members of chains return", chains },
	{ "op pool: a message that skips its source returns",
	    skipped_source },
	{ "op pool: all return with shutdown, and with release",
	    returned_by_shutdown },
	{ "op pool: the callback may submit it again, or another",
	    submitted_again },
	{ "op pool: one that the callback initialises is kept",
	    initialised_is_kept },
	{ "op pool: one whose submit is refused in the callback returns",
	    refused_again },
	{ NULL, NULL }
};
