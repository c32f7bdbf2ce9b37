/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <sys/wait.h>

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conformance/conformance.h"

/* Pools of operations, which return by themselves. */

#define SMALL		4
#define LARGE		2
#define SMALL_SIZE	sizeof(struct proactor_timer_op)
#define LARGE_SIZE	sizeof(struct proactor_recvfrom_op)

static void
two_classes(struct proactor_op_pool_options *o)
{
	proactor_op_pool_options_init(o);
	o->class_count = 2;
	o->classes[0].size = SMALL_SIZE;
	o->classes[0].count = SMALL;
	o->classes[1].size = LARGE_SIZE;
	o->classes[1].count = LARGE;
}

static struct proactor_op_pool *
make_pool(void)
{
	struct proactor_op_pool_options o;
	struct proactor_op_pool *pool;

	two_classes(&o);
	CHECK_INT(proactor_op_pool_create(&o, &pool), 0);
	return pool;
}

static struct proactor_op *
take(struct proactor_op_pool *pool, size_t size)
{
	struct proactor_op *op;

	CHECK_INT(proactor_op_pool_acquire(pool, size, &op), 0);
	return op;
}

/* How many of that size are free, in their own class and larger ones. */
static size_t
count_free(struct proactor_op_pool *pool, size_t size)
{
	struct proactor_op *ops[SMALL + LARGE + 1];
	size_t n = 0, i;

	while (n < SMALL + LARGE + 1 &&
	    proactor_op_pool_acquire(pool, size, &ops[n]) == 0)
		n++;
	for (i = 0; i < n; i++)
		CHECK_INT(proactor_op_pool_return(pool, ops[i]), 0);
	return n;
}

static struct proactor_op *
take_nop(struct proactor_op_pool *pool, proactor_callback callback,
    void *user_data)
{
	struct proactor_op *op = take(pool, sizeof(struct proactor_nop_op));

	proactor_nop_op_init((struct proactor_nop_op *)op, callback,
	    user_data);
	op->pool = pool;
	return op;
}

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

/* --- the pool by itself --- */

static void
classes_of_sizes(void)
{
	struct proactor_op_pool *pool = make_pool();
	struct proactor_op *ops[SMALL + LARGE], *none = NULL;
	size_t i, j;

	for (i = 0; i < SMALL + LARGE; i++) {
		ops[i] = take(pool, sizeof(struct proactor_op));
		CHECK_INT((uintptr_t)ops[i] % 16, 0);
		for (j = 0; j < i; j++)
			CHECK(ops[j] != ops[i]);
		memset(ops[i], 0xff, i < SMALL ? SMALL_SIZE : LARGE_SIZE);
	}
	CHECK_INT(proactor_op_pool_acquire(pool, sizeof(struct proactor_op),
	    &none), PROACTOR_EAGAIN);
	CHECK_INT(proactor_op_pool_acquire(pool, LARGE_SIZE, &none),
	    PROACTOR_EAGAIN);
	CHECK(none == NULL);
	for (i = 0; i < SMALL + LARGE; i++) {
		/* It was never submitted: whatever is in it is no matter. */
		memset(ops[i], 0, sizeof(struct proactor_op));
		CHECK_INT(proactor_op_pool_return(pool, ops[i]), 0);
	}
	CHECK_INT(count_free(pool, SMALL_SIZE), SMALL + LARGE);
	CHECK_INT(count_free(pool, SMALL_SIZE + 1), LARGE);
	CHECK_INT(count_free(pool, LARGE_SIZE), LARGE);
	proactor_op_pool_release(pool);
}

static void
default_classes(void)
{
	struct proactor_op_pool *pool;
	struct proactor_op *op;
	unsigned int type;
	size_t size;

	CHECK_INT(proactor_op_pool_create(NULL, &pool), 0);
	for (type = 1; type <= PROACTOR_OP_TIMEOUT; type++) {
		size = proactor_op_size(type);
		if (size == 0)
			continue;
		op = take(pool, size);
		memset(op, 0, size);
		CHECK_INT(proactor_op_pool_return(pool, op), 0);
	}
	proactor_op_pool_release(pool);
}

static void
bad_arguments(void)
{
	struct proactor_op_pool *pool = make_pool(), *other = make_pool();
	struct proactor_nop_op own;
	struct proactor_op *op = NULL, *taken = take(pool, SMALL_SIZE);

	CHECK_INT(proactor_op_pool_create(NULL, NULL), PROACTOR_EINVAL);
	CHECK_INT(proactor_op_pool_acquire(NULL, SMALL_SIZE, &op),
	    PROACTOR_EINVAL);
	CHECK_INT(proactor_op_pool_acquire(pool, SMALL_SIZE, NULL),
	    PROACTOR_EINVAL);
	CHECK_INT(proactor_op_pool_acquire(pool,
	    sizeof(struct proactor_op) - 1, &op), PROACTOR_EINVAL);
	CHECK_INT(proactor_op_pool_acquire(pool, LARGE_SIZE + 1, &op),
	    PROACTOR_EINVAL);
	CHECK_INT(proactor_op_pool_acquire(pool, SIZE_MAX, &op),
	    PROACTOR_EINVAL);
	CHECK(op == NULL);
	memset(&own, 0, sizeof(own));
	CHECK_INT(proactor_op_pool_return(pool, NULL), PROACTOR_EINVAL);
	CHECK_INT(proactor_op_pool_return(NULL, taken), PROACTOR_EINVAL);
	CHECK_INT(proactor_op_pool_return(pool, &own.base), PROACTOR_EINVAL);
	CHECK_INT(proactor_op_pool_return(other, taken), PROACTOR_EINVAL);
	CHECK_INT(proactor_op_pool_return(pool, (struct proactor_op *)
	    (void *)((char *)taken + 16)), PROACTOR_EINVAL);
	CHECK_INT(proactor_op_pool_return(pool, (struct proactor_op *)
	    (void *)((char *)taken - 16)), PROACTOR_EINVAL);
	CHECK_INT(proactor_op_pool_return(pool, taken), 0);
	CHECK_INT(proactor_op_pool_return(pool, taken), PROACTOR_ENOENT);
	proactor_op_pool_release(NULL);
	CHECK(proactor_op_pool_retain(NULL) == NULL);
	proactor_op_pool_options_init(NULL);
	proactor_op_pool_release(other);
	proactor_op_pool_release(pool);
}

static void
spoil(struct proactor_op_pool_options *o, int way)
{
	two_classes(o);
	switch (way) {
	case 0: o->size--; break;
	case 1: o->flags = 1; break;
	case 2: o->class_count = 0; break;
	case 3: o->class_count = PROACTOR_OP_POOL_CLASS_MAX + 1; break;
	case 4: o->classes[0].size = sizeof(struct proactor_op) - 1; break;
	case 5: o->classes[1].size = o->classes[0].size; break;
	case 6: o->classes[1].size = o->classes[0].size - 1; break;
	case 7: o->classes[0].count = 0; break;
	case 8: o->classes[1].count = SIZE_MAX; break;
	case 9: o->classes[1].size = SIZE_MAX; break;
	case 10: o->classes[1].size = SIZE_MAX - 64; break;
	default: o->classes[0].count = UINT32_MAX; break;
	}
}

static void
bad_options(void)
{
	struct proactor_op_pool_options o;
	struct proactor_op_pool *pool = NULL;
	int way;

	for (way = 0; way < 12; way++) {
		spoil(&o, way);
		CHECK_INT(proactor_op_pool_create(&o, &pool),
		    PROACTOR_EINVAL);
		CHECK(pool == NULL);
	}
}

struct counter {
	long calls, live;
	bool refuse;
};

static void *
counting_realloc(void *user_data, void *memory, size_t size)
{
	struct counter *c = user_data;

	if (size == 0) {
		c->live -= memory != NULL;
		free(memory);
		return NULL;
	}
	if (c->refuse)
		return NULL;
	c->calls++;
	c->live += memory == NULL;
	return realloc(memory, size);
}

static void
one_allocation(void)
{
	struct proactor_op_pool_options o;
	struct proactor_op_pool *pool = NULL;
	struct counter c = { .refuse = true };
	struct world w;
	int i;

	two_classes(&o);
	o.realloc_fn = counting_realloc;
	o.realloc_data = &c;
	CHECK_INT(proactor_op_pool_create(&o, &pool), PROACTOR_ENOMEM);
	CHECK(pool == NULL);
	c.refuse = false;
	CHECK_INT(proactor_op_pool_create(&o, &pool), 0);
	CHECK_INT(c.calls, 1);
	world_open(&w, NULL);
	for (i = 0; i < 20; i++) {
		CHECK_INT(proactor_submit_one(w.p, take_nop(pool, record,
		    &w.r)), 0);
		CHECK(poll_until(&w, &w.r.finals, (size_t)i + 1));
	}
	world_close(&w);
	CHECK_INT(c.calls, 1);
	CHECK(proactor_op_pool_retain(pool) == pool);
	proactor_op_pool_release(pool);
	CHECK_INT(c.live, 1);
	proactor_op_pool_release(pool);
	CHECK_INT(c.live, 0);
}

/* The memory stays until the last operation has come back. */
static void
released_before_operations(void)
{
	struct proactor_op_pool_options o;
	struct proactor_op_pool *pool;
	struct counter c = { .refuse = false };
	struct proactor_op *own, *op;
	struct world w;

	two_classes(&o);
	o.realloc_fn = counting_realloc;
	o.realloc_data = &c;
	world_open(&w, NULL);
	CHECK_INT(proactor_op_pool_create(&o, &pool), 0);
	own = take(pool, LARGE_SIZE);
	CHECK_INT(proactor_submit_one(w.p, take_nop(pool, record, &w.r)), 0);
	CHECK_INT(proactor_submit_one(w.p, take_nop(pool, record, &w.r)), 0);
	proactor_op_pool_release(pool);
	CHECK_INT(c.live, 1);
	CHECK_INT(proactor_op_pool_acquire(pool, SMALL_SIZE, &op),
	    PROACTOR_EAGAIN);
	CHECK(poll_until(&w, &w.r.finals, 2));
	CHECK_INT(c.live, 1);
	CHECK_INT(proactor_op_pool_return(pool, own), 0);
	CHECK_INT(c.live, 0);
	world_close(&w);
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

/* --- threads --- */

#define THREADS		8
#define SHARED		64

struct crowd {
	struct proactor_op_pool *pool;
	struct proactor *p;
	pthread_t threads[THREADS];
	atomic_size_t done;
	size_t rounds;
};

struct stamped {
	struct proactor_nop_op nop;
	uint64_t stamp;
};

/* Each writes what is its own: a slot that two have is seen. */
static void *
take_and_return(void *arg)
{
	struct crowd *c = arg;
	struct proactor_op *ops[16];
	size_t i, n, round;

	for (round = 0; round < c->rounds; round++) {
		for (n = 0; n < 1 + round % 16; n++) {
			if (proactor_op_pool_acquire(c->pool,
			    sizeof(struct stamped), &ops[n]) != 0)
				break;
			((struct stamped *)ops[n])->stamp =
			    (uintptr_t)ops + round * 64 + n;
		}
		for (i = 0; i < n; i++) {
			CHECK_INT(((struct stamped *)ops[i])->stamp,
			    (uintptr_t)ops + round * 64 + i);
			CHECK_INT(proactor_op_pool_return(c->pool, ops[i]),
			    0);
		}
	}
	return NULL;
}

static void
count_done(void *user_data, struct proactor_op *op, int status,
    unsigned int flags)
{
	struct crowd *c = user_data;

	(void)flags;
	CHECK_INT(status, 0);
	CHECK_INT(((struct stamped *)op)->stamp, (uintptr_t)op);
	atomic_fetch_add(&c->done, 1);
}

/* Taken on many threads, returned on the polling one. */
static void *
take_and_submit(void *arg)
{
	struct crowd *c = arg;
	struct proactor_op *op;
	size_t round;

	for (round = 0; round < c->rounds; round++) {
		while (proactor_op_pool_acquire(c->pool,
		    sizeof(struct stamped), &op) == PROACTOR_EAGAIN)
			continue;
		proactor_nop_op_init((struct proactor_nop_op *)op,
		    count_done, c);
		op->pool = c->pool;
		((struct stamped *)op)->stamp = (uintptr_t)op;
		CHECK_INT(proactor_submit_one(c->p, op), 0);
	}
	return NULL;
}

static void
crowd_open(struct crowd *c, size_t rounds)
{
	struct proactor_op_pool_options o;

	proactor_op_pool_options_init(&o);
	o.class_count = 1;
	o.classes[0].size = sizeof(struct stamped);
	o.classes[0].count = SHARED;
	CHECK_INT(proactor_op_pool_create(&o, &c->pool), 0);
	c->rounds = rounds;
}

/* As many are left as there were, and no two are the same. */
static void
crowd_check(struct crowd *c)
{
	struct proactor_op *ops[SHARED], *one_more;
	size_t i, j;

	for (i = 0; i < SHARED; i++) {
		ops[i] = take(c->pool, sizeof(struct stamped));
		for (j = 0; j < i; j++)
			CHECK(ops[i] != ops[j]);
	}
	CHECK_INT(proactor_op_pool_acquire(c->pool, sizeof(struct stamped),
	    &one_more), PROACTOR_EAGAIN);
	for (i = 0; i < SHARED; i++)
		CHECK_INT(proactor_op_pool_return(c->pool, ops[i]), 0);
	proactor_op_pool_release(c->pool);
}

static void
eight_threads(void)
{
	static struct crowd c;
	size_t i;

	crowd_open(&c, 5000);
	for (i = 0; i < THREADS; i++)
		thread_start(&c.threads[i], take_and_return, &c);
	for (i = 0; i < THREADS; i++)
		thread_join(c.threads[i]);
	crowd_check(&c);
}

static void
eight_threads_submit(void)
{
	static struct crowd c;
	struct world w;
	size_t i;

	crowd_open(&c, 1000);
	world_open(&w, NULL);
	c.p = w.p;
	CHECK(poll_quiet(&w));
	for (i = 0; i < THREADS; i++)
		thread_start(&c.threads[i], take_and_submit, &c);
	while (atomic_load(&c.done) < THREADS * c.rounds)
		CHECK_INT(proactor_poll(w.p, patience(), NULL), 0);
	for (i = 0; i < THREADS; i++)
		thread_join(c.threads[i]);
	crowd_check(&c);
	world_close(&w);
}

const struct tap_case op_pool_cases[] = {
	{ "op pool: the smallest class that fits and is not empty",
	    classes_of_sizes },
	{ "op pool: every type fits in a default pool", default_classes },
	{ "op pool: bad arguments are EINVAL, a second return ENOENT",
	    bad_arguments },
	{ "op pool: bad options are EINVAL", bad_options },
	{ "op pool: one allocation, and none later", one_allocation },
	{ "op pool: lives until its last operation is back",
	    released_before_operations },
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
	{ "op pool: eight threads share it", eight_threads },
	{ "op pool: eight threads submit, the polling one returns",
	    eight_threads_submit },
	{ NULL, NULL }
};
