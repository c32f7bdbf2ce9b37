/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <stdlib.h>

#include "conformance/conformance.h"

/* The allocator of the options. */

#define COUNT(array)	(sizeof(array) / sizeof((array)[0]))

struct allocator {
	long calls;		/* that asked for memory */
	long live;
	long fail_at;		/* the call that gets none; -1: no one */
};

static void *
counting_realloc(void *user_data, void *memory, size_t size)
{
	struct allocator *a = user_data;

	if (size == 0) {
		a->live -= memory != NULL;
		free(memory);
		return NULL;
	}
	if (a->calls++ == a->fail_at)
		return NULL;
	a->live += memory == NULL;
	return realloc(memory, size);
}

static void
allocator_options(struct proactor_options *o, struct allocator *a)
{
	world_options(o);
	o->realloc_fn = counting_realloc;
	o->realloc_data = a;
}

static void
allocator_balances(void)
{
	struct allocator a = { .fail_at = -1 };
	struct proactor_options o;
	struct proactor_event *event;
	struct pair pair;
	struct world w;

	allocator_options(&o, &a);
	world_open(&w, &o);
	CHECK(a.live > 0);
	CHECK_INT(proactor_event_create(w.p, &event), 0);
	pair_open(&w, PROACTOR_SOCKET_UNIX_STREAM, 0, &pair);
	pair_close(&w, &pair);
	proactor_event_release(event);
	world_close(&w);
	CHECK_INT(a.live, 0);
}

static void
allocator_fails(void)
{
	struct proactor_options o;
	struct allocator a;
	struct proactor *p;
	size_t before;
	long n;
	int status;

	allocator_options(&o, &a);
	a = (struct allocator){ .fail_at = -1 };
	CHECK_INT(proactor_create(&o, &p), 0);
	proactor_release(p);
	before = open_fds();
	for (n = 0, status = PROACTOR_ENOMEM; status != 0; n++) {
		a = (struct allocator){ .fail_at = n };
		status = proactor_create(&o, &p);
		if (status != 0)
			CHECK_INT(status, PROACTOR_ENOMEM);
		else
			proactor_release(p);
		CHECK_INT(a.live, 0);
	}
	CHECK(n > 1);
	CHECK_INT(open_fds(), before);
}

/* One turn of every kind that needs nothing from outside. */
static void
turn(struct world *w, struct proactor_event *event, struct pair *pair)
{
	struct proactor_nop_op nop;
	struct proactor_timer_op timer;
	struct proactor_event_wait_op wait;
	struct proactor_recv_op recv;
	struct proactor_send_op send;
	struct proactor_span span;
	struct proactor_op *ops[] = { &nop.base, &timer.base, &wait.base,
		&recv.base, &send.base };
	char in[8], out[8] = "eight b";
	size_t before = w->r.finals;

	proactor_nop_op_init(&nop, record, &w->r);
	proactor_timer_op_init(&timer, proactor_now(), record, &w->r);
	proactor_event_wait_op_init(&wait, event, record, &w->r);
	span = proactor_span(in, sizeof(in));
	proactor_recv_op_init(&recv, pair->a, &span, 1, record, &w->r);
	span = proactor_span(out, sizeof(out));
	proactor_send_op_init(&send, pair->b, &span, 1, 0, record, &w->r);
	CHECK_INT(proactor_submit(w->p, ops, COUNT(ops)), 0);
	CHECK_INT(proactor_event_set(event), 0);
	CHECK(poll_until(w, &w->r.finals, before + COUNT(ops)));
	CHECK_MEM(in, out, sizeof(in));
}

static void
no_allocation_per_operation(void)
{
	struct allocator a = { .fail_at = -1 };
	struct proactor_options o;
	struct proactor_event *event;
	struct pair pair;
	struct world w;
	long calls;
	int i;

	allocator_options(&o, &a);
	world_open(&w, &o);
	CHECK_INT(proactor_event_create(w.p, &event), 0);
	pair_open(&w, PROACTOR_SOCKET_TCP, 0, &pair);
	/* The first of a kind may prepare something for all that follow. */
	for (i = 0; i < 300; i++)
		turn(&w, event, &pair);
	calls = a.calls;
	for (i = 0; i < 200; i++)
		turn(&w, event, &pair);
	CHECK_INT(a.calls, calls);
	pair_close(&w, &pair);
	proactor_event_release(event);
	world_close(&w);
}

const struct tap_case allocator_cases[] = {
	{ "allocator: what it gave comes back with the last release",
	    allocator_balances },
	{ "allocator: each refusal in create is ENOMEM and leaks nothing",
	    allocator_fails },
	{ "allocator: operations allocate nothing",
	    no_allocation_per_operation },
	{ NULL, NULL }
};
