/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <string.h>

#include "conformance/conformance.h"

/* What a backend reports of its capabilities is what the contract says. */

#define ABSENT		PROACTOR_TIER_ABSENT
#define EMULATED	PROACTOR_TIER_EMULATED
#define NATIVE		PROACTOR_TIER_NATIVE

static const struct {
	uint64_t bit;
	unsigned int readiness;		/* epoll, poll, kqueue */
	unsigned int ring;		/* io_uring without the bit */
} table[] = {
	{ PROACTOR_CAP_MULTISHOT, EMULATED, EMULATED },
	{ PROACTOR_CAP_FIXED_FILES, EMULATED, EMULATED },
	{ PROACTOR_CAP_REGISTERED_BUFFERS, EMULATED, EMULATED },
	{ PROACTOR_CAP_LINKED_OPERATIONS, EMULATED, EMULATED },
	{ PROACTOR_CAP_ZERO_COPY_SEND, EMULATED, EMULATED },
	{ PROACTOR_CAP_DMABUF, ABSENT, ABSENT },
	{ PROACTOR_CAP_DEVICE_FENCE, ABSENT, ABSENT },
	{ PROACTOR_CAP_ABSOLUTE_TIMEOUT, EMULATED, EMULATED },
	{ PROACTOR_CAP_FUTEX_OPERATIONS, ABSENT, ABSENT },
	{ PROACTOR_CAP_PROACTOR_MESSAGING, EMULATED, EMULATED },
};
#define CAPABILITIES	(sizeof(table) / sizeof(table[0]))

static bool
is_ring(void)
{
	return strcmp(selected.backend, "io_uring") == 0;
}

static void
tiers_are_told(void)
{
	const char *reason;
	unsigned int tier, wanted;
	uint64_t bits;
	struct world w;
	size_t i;

	world_open(&w, NULL);
	bits = proactor_query_capabilities(w.p);
	for (i = 0; i < CAPABILITIES; i++) {
		CHECK_INT(proactor_explain_capability(w.p, table[i].bit, &tier,
		    &reason), 0);
		tap_diag("%zu: %u, %s", i, tier, reason);
		CHECK(strlen(reason) > 5);
		/* What the kernel does has its bit, and nothing else has. */
		CHECK_INT(tier == NATIVE, (bits & table[i].bit) != 0);
		if (tier == NATIVE) {
			CHECK(is_ring() ||
			    table[i].bit == PROACTOR_CAP_DEVICE_FENCE);
			continue;
		}
		wanted = is_ring() ? table[i].ring : table[i].readiness;
		/* What is not in this release is absent, and says so. */
		if (strncmp(reason, "this release has no ", 20) == 0)
			wanted = ABSENT;
		CHECK_INT(tier, wanted);
	}
	if (!is_ring())
		CHECK_INT(bits & ~PROACTOR_CAP_DEVICE_FENCE, 0);
	CHECK_INT(bits & selected.masked, 0);
	world_close(&w);
}

/* The same before and after the first poll, and with all masked. */
static void
tiers_do_not_change(void)
{
	struct proactor_options o;
	unsigned int tiers[CAPABILITIES], tier;
	const char *reason;
	uint64_t bits;
	struct world w;
	size_t i;

	world_open(&w, NULL);
	bits = proactor_query_capabilities(w.p);
	for (i = 0; i < CAPABILITIES; i++)
		CHECK_INT(proactor_explain_capability(w.p, table[i].bit,
		    &tiers[i], NULL), 0);
	poll_barrier(&w);
	CHECK_INT(proactor_query_capabilities(w.p), bits);
	for (i = 0; i < CAPABILITIES; i++) {
		CHECK_INT(proactor_explain_capability(w.p, table[i].bit, &tier,
		    &reason), 0);
		CHECK_INT(tier, tiers[i]);
	}
	world_close(&w);
	world_options(&o);
	o.allowed_capabilities = 0;
	world_open(&w, &o);
	CHECK_INT(proactor_query_capabilities(w.p), 0);
	for (i = 0; i < CAPABILITIES; i++) {
		CHECK_INT(proactor_explain_capability(w.p, table[i].bit, &tier,
		    NULL), 0);
		CHECK(tier != NATIVE);
	}
	world_close(&w);
}

static unsigned int
tier_of(const struct world *w, uint64_t question)
{
	unsigned int tier = 99;
	const char *reason = NULL;

	CHECK_INT(proactor_explain_capability(w->p, question, &tier,
	    &reason), 0);
	tap_diag("%u, %s", tier, reason);
	CHECK(strlen(reason) > 5);
	return tier;
}

/* They are the kernel's at most where what they are made of is. */
static void
relays_are_told(void)
{
	const uint64_t both = PROACTOR_EXPLAIN_HANDLE_RELAYS |
	    PROACTOR_EXPLAIN_NOTIFICATION_RELAYS;
	const char *reason = NULL;
	struct proactor_options o;
	unsigned int handles, notifications;
	uint64_t bits;
	struct world w;

	world_open(&w, NULL);
	bits = proactor_query_capabilities(w.p);
	handles = tier_of(&w, PROACTOR_EXPLAIN_HANDLE_RELAYS);
	notifications = tier_of(&w, PROACTOR_EXPLAIN_NOTIFICATION_RELAYS);
	CHECK(handles == EMULATED || (handles == NATIVE &&
	    (bits & PROACTOR_CAP_LINKED_OPERATIONS)));
	CHECK(notifications == EMULATED || (notifications == NATIVE &&
	    handles == NATIVE && (bits & PROACTOR_CAP_FUTEX_OPERATIONS)));
	CHECK_INT(bits & both, 0);
	CHECK_INT(proactor_explain_capability(w.p, both, &handles, &reason),
	    PROACTOR_EINVAL);
	CHECK(reason == NULL);
	world_close(&w);
	world_options(&o);
	o.allowed_capabilities = both;
	world_open(&w, &o);
	CHECK_INT(proactor_query_capabilities(w.p), 0);
	CHECK_INT(tier_of(&w, PROACTOR_EXPLAIN_HANDLE_RELAYS), EMULATED);
	CHECK_INT(tier_of(&w, PROACTOR_EXPLAIN_NOTIFICATION_RELAYS),
	    EMULATED);
	world_close(&w);
}

const struct tap_case capability_cases[] = {
	{ "capability: tiers and bits are those of the contract",
	    tiers_are_told },
	{ "capability: they do not change, and can all be masked",
	    tiers_do_not_change },
	{ "capability: how relays are had is told as well", relays_are_told },
	{ NULL, NULL }
};
