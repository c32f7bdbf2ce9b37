/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "conformance/allocator.h"

/* The allocator of the options. */

static void
allocator_balances(void)
{
	struct allocator a = { 0 };
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
	a = (struct allocator){ 0 };
	CHECK_INT(proactor_create(&o, &p), 0);
	proactor_release(p);
	before = open_fds();
	for (n = 1, status = PROACTOR_ENOMEM; status != 0; n++) {
		a = (struct allocator){ .fail_at = n };
		status = proactor_create(&o, &p);
		if (status != 0)
			CHECK_INT(status, PROACTOR_ENOMEM);
		else
			proactor_release(p);
		CHECK_INT(a.live, 0);
	}
	CHECK(n > 2);
	CHECK_INT(open_fds(), before);
}

const struct tap_case allocator_cases[] = {
	{ "allocator: what it gave comes back with the last release",
	    allocator_balances },
	{ "allocator: each refusal in create is ENOMEM and leaks nothing",
	    allocator_fails },
	{ NULL, NULL }
};
