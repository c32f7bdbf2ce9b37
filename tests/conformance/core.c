/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conformance/conformance.h"

/* Creation, options, reference counts, capabilities. */

static const uint64_t capabilities[] = {
	PROACTOR_CAP_MULTISHOT,
	PROACTOR_CAP_FIXED_FILES,
	PROACTOR_CAP_REGISTERED_BUFFERS,
	PROACTOR_CAP_LINKED_OPERATIONS,
	PROACTOR_CAP_ZERO_COPY_SEND,
	PROACTOR_CAP_DMABUF,
	PROACTOR_CAP_DEVICE_FENCE,
	PROACTOR_CAP_ABSOLUTE_TIMEOUT,
	PROACTOR_CAP_FUTEX_OPERATIONS,
	PROACTOR_CAP_PROACTOR_MESSAGING,
};

/* It does what a proactor is for. */
static void
works(struct proactor *p)
{
	struct recorder r = {0};
	struct proactor_nop_op nop;

	proactor_nop_op_init(&nop, record, &r);
	CHECK_INT(proactor_submit_one(p, &nop.base), 0);
	while (r.finals == 0)
		CHECK_INT(proactor_poll(p, patience(), NULL), 0);
	CHECK_INT(status_of(&r, &nop), 0);
	recorder_clear(&r);
}

/* Must be refused with words and without touching what it would return. */
static int
refused(struct proactor_options *o)
{
	struct proactor *p = (struct proactor *)&p;
	char reason[256] = "";
	int status;

	o->reason = reason;
	o->reason_size = sizeof(reason);
	status = proactor_create(o, &p);
	CHECK(status < 0);
	CHECK(p == (struct proactor *)&p);
	CHECK(reason[0] != '\0');
	return status;
}

static void
default_options(void)
{
	struct proactor *p;

	unsetenv("PROACTOR_BACKEND");
	CHECK_INT(proactor_create(NULL, &p), 0);
	CHECK(proactor_backend_name(p)[0] != '\0');
	CHECK(proactor_backend_reason(p) != NULL);
	works(p);
	proactor_release(p);
}

static void
named_backend(void)
{
	struct world w;

	world_open(&w, NULL);
	CHECK_STR(proactor_backend_name(w.p), selected.backend);
	works(w.p);
	world_close(&w);
}

static void
environment_chooses(void)
{
	struct proactor *p;

	CHECK_INT(setenv("PROACTOR_BACKEND", selected.backend, 1), 0);
	CHECK_INT(proactor_create(NULL, &p), 0);
	CHECK_STR(proactor_backend_name(p), selected.backend);
	proactor_release(p);
}

static void
environment_unknown(void)
{
	struct proactor_options o;

	CHECK_INT(setenv("PROACTOR_BACKEND", "abacus", 1), 0);
	proactor_options_init(&o);
	refused(&o);
}

static void
environment_empty(void)
{
	struct proactor *p;

	CHECK_INT(setenv("PROACTOR_BACKEND", "", 1), 0);
	CHECK_INT(proactor_create(NULL, &p), 0);
	proactor_release(p);
}

static void
environment_yields(void)
{
	struct world w;

	CHECK_INT(setenv("PROACTOR_BACKEND", "abacus", 1), 0);
	world_open(&w, NULL);
	CHECK_STR(proactor_backend_name(w.p), selected.backend);
	world_close(&w);
}

static void
unknown_backend(void)
{
	struct proactor_options o;

	world_options(&o);
	o.backend = "abacus";
	refused(&o);
	o.backend = "";
	refused(&o);
}

static void
unknown_flags(void)
{
	struct proactor_options o;

	world_options(&o);
	o.flags = UINT64_C(1) << 63;
	CHECK_INT(refused(&o), PROACTOR_EINVAL);
	o.flags = PROACTOR_DEFER_SUBMIT << 1;
	CHECK_INT(refused(&o), PROACTOR_EINVAL);
}

static void
wrong_size(void)
{
	struct proactor_options o;
	struct proactor *p;

	world_options(&o);
	o.size = 0;
	CHECK_INT(proactor_create(&o, &p), PROACTOR_EINVAL);
	o.size = 1;
	CHECK_INT(proactor_create(&o, &p), PROACTOR_EINVAL);
	CHECK_INT(proactor_create(NULL, NULL), PROACTOR_EINVAL);
}

/* The words are cut to the room there is, never written past it. */
static void
short_reason(void)
{
	struct proactor_options o;
	struct proactor *p;
	char room[16];
	size_t size;

	for (size = 0; size < 8; size++) {
		memset(room, '#', sizeof(room));
		world_options(&o);
		o.backend = "abacus";
		o.reason = room;
		o.reason_size = size;
		CHECK(proactor_create(&o, &p) < 0);
		CHECK(size == 0 || memchr(room, '\0', size) != NULL);
		CHECK_MEM(room + size, "########", 8);
	}
	o.reason = NULL;
	o.reason_size = sizeof(room);
	CHECK(proactor_create(&o, &p) < 0);
}

static void
name_is_copied(void)
{
	struct proactor_options o;
	struct world w;
	char name[] = "listener";

	world_options(&o);
	o.debug_name = name;
	world_open(&w, &o);
	memset(name, 'x', sizeof(name) - 1);
	CHECK_STR(proactor_debug_name(w.p), "listener");
	world_close(&w);
}

/* Effective is detected and allowed: each bit goes, and only that bit. */
static void
each_masked(void)
{
	struct proactor_options o;
	struct world w;
	uint64_t detected;
	size_t i;

	world_options(&o);
	o.allowed_capabilities = PROACTOR_CAP_ALL;
	world_open(&w, &o);
	detected = proactor_query_capabilities(w.p);
	world_close(&w);
	for (i = 0; i < COUNT(capabilities); i++) {
		o.allowed_capabilities = ~capabilities[i];
		world_open(&w, &o);
		CHECK_INT(proactor_query_capabilities(w.p),
		    detected & ~capabilities[i]);
		works(w.p);
		world_close(&w);
	}
}

static void
none_allowed(void)
{
	struct proactor_options o;
	struct world w;

	world_options(&o);
	o.allowed_capabilities = 0;
	world_open(&w, &o);
	CHECK_INT(proactor_query_capabilities(w.p), 0);
	works(w.p);
	world_close(&w);
}

/* No bit is reported that the contract does not know. */
static void
known_capabilities(void)
{
	struct world w;
	uint64_t known = 0;
	size_t i;

	for (i = 0; i < COUNT(capabilities); i++)
		known |= capabilities[i];
	world_open(&w, NULL);
	CHECK((proactor_query_capabilities(w.p) & ~known) == 0);
	CHECK((proactor_query_capabilities(w.p) & selected.masked) == 0);
	world_close(&w);
}

static void
explained(void)
{
	const char *reason;
	struct world w;
	unsigned int tier;
	uint64_t have;
	size_t i;

	world_open(&w, NULL);
	have = proactor_query_capabilities(w.p);
	for (i = 0; i < COUNT(capabilities); i++) {
		tier = 99;
		reason = NULL;
		CHECK_INT(proactor_explain_capability(w.p, capabilities[i],
		    &tier, &reason), 0);
		CHECK(tier <= PROACTOR_TIER_NATIVE);
		CHECK(reason != NULL);
		CHECK(tier == PROACTOR_TIER_NATIVE || reason[0] != '\0');
		if ((have & capabilities[i]) == 0)
			CHECK(tier != PROACTOR_TIER_NATIVE);
	}
	CHECK_INT(proactor_explain_capability(w.p, 0, &tier, &reason),
	    PROACTOR_EINVAL);
	CHECK_INT(proactor_explain_capability(w.p, PROACTOR_CAP_MULTISHOT |
	    PROACTOR_CAP_DMABUF, &tier, &reason), PROACTOR_EINVAL);
	CHECK_INT(proactor_explain_capability(w.p, UINT64_C(1) << 63, &tier,
	    &reason), PROACTOR_EINVAL);
	world_close(&w);
}

static void
counted_references(void)
{
	struct world w;

	world_open(&w, NULL);
	CHECK(proactor_retain(w.p) == w.p);
	CHECK(proactor_retain(w.p) == w.p);
	proactor_release(w.p);
	works(w.p);
	proactor_release(w.p);
	works(w.p);
	proactor_release(NULL);
	world_close(&w);
}

static void
any_capacity(void)
{
	static const uint32_t counts[] = { 1, 3, 8, 4096, 1u << 20,
		UINT32_MAX };
	struct proactor_options o;
	struct world w;
	size_t i;

	for (i = 0; i < COUNT(counts); i++) {
		world_options(&o);
		o.max_concurrent_operations = counts[i];
		world_open(&w, &o);
		works(w.p);
		world_close(&w);
	}
}

static void
no_descriptor_leaks(void)
{
	struct world w;
	size_t before;
	int i;

	world_open(&w, NULL);
	world_close(&w);
	before = open_fds();
	for (i = 0; i < 50; i++) {
		world_open(&w, NULL);
		if (i % 2 == 0)
			works(w.p);
		world_close(&w);
	}
	CHECK_INT(open_fds(), before);
}

static void
side_by_side(void)
{
	struct world w[8];
	struct proactor_nop_op nop[8];
	size_t i;

	for (i = 0; i < 8; i++) {
		world_open(&w[i], NULL);
		proactor_nop_op_init(&nop[i], record, &w[i].r);
		CHECK_INT(proactor_submit_one(w[i].p, &nop[i].base), 0);
	}
	for (i = 8; i > 0; i--) {
		CHECK(poll_until(&w[i - 1], &w[i - 1].r.finals, 1));
		CHECK_INT(w[i - 1].r.calls, 1);
	}
	for (i = 0; i < 8; i++)
		world_close(&w[i]);
}

const struct tap_case core_cases[] = {
	{ "create: no options mean defaults that work", default_options },
	{ "create: the backend asked for is the backend given",
	    named_backend },
	{ "create: PROACTOR_BACKEND overrides the default choice",
	    environment_chooses },
	{ "create: an unknown PROACTOR_BACKEND is refused with words",
	    environment_unknown },
	{ "create: an empty PROACTOR_BACKEND chooses nothing",
	    environment_empty },
	{ "create: PROACTOR_BACKEND does not override the options",
	    environment_yields },
	{ "create: an unknown backend is refused with words",
	    unknown_backend },
	{ "create: unknown flags are EINVAL", unknown_flags },
	{ "create: options of no size, or nowhere to return, are EINVAL",
	    wrong_size },
	{ "create: the reason is cut to the room there is", short_reason },
	{ "create: the debug name is copied", name_is_copied },
	{ "create: any max_concurrent_operations is only a hint",
	    any_capacity },
	{ "create: fifty proactors come and go and leave no descriptor",
	    no_descriptor_leaks },
	{ "create: eight proactors side by side do not mix", side_by_side },
	{ "create: references are counted and NULL may be released",
	    counted_references },
	{ "capabilities: a masked one is gone, and only that one",
	    each_masked },
	{ "capabilities: with none allowed none is reported", none_allowed },
	{ "capabilities: only known ones are reported", known_capabilities },
	{ "capabilities: each is explained, what is none is EINVAL",
	    explained },
	{ NULL, NULL }
};
