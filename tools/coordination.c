/* SPDX-License-Identifier: ISC */
/*
 * Who carries out the operations that make others wait or go on.  What has a
 * capability is told as the library tells it, and so are relays; the rest is
 * the library's on every backend.
 */
#include "config.h"

#include <stdint.h>

#include <proactor.h>

#include "coordination.h"

const char *
tier_name(unsigned int tier)
{
	static const char *const names[] = {
		[PROACTOR_TIER_ABSENT] = "absent",
		[PROACTOR_TIER_EMULATED] = "emulated",
		[PROACTOR_TIER_NATIVE] = "native"
	};

	return tier < sizeof(names) / sizeof(names[0]) ? names[tier] :
	    "unknown";
}

static void
set(struct coordination *row, const char *name, const char *tier,
    const char *reason)
{
	row->name = name;
	row->tier = tier;
	row->reason = reason;
}

/* The library knows. */
static void
ask(const struct proactor *p, struct coordination *row, const char *name,
    uint64_t capability)
{
	const char *reason = "unknown";
	unsigned int tier = PROACTOR_TIER_ABSENT;

	(void)proactor_explain_capability(p, capability, &tier, &reason);
	set(row, name, tier_name(tier), reason);
}

static void
query_signals(const struct proactor *p, struct coordination *row)
{
	if (!proactor_supports_signals(p))
		set(row, "signals", tier_name(PROACTOR_TIER_ABSENT),
		    "the system has none");
	else
#ifdef HAVE_SIGNALFD
		set(row, "signals", "library",
		    "read from a signalfd, which is watched; a handler takes "
		    "those that are not blocked");
#else
		set(row, "signals", "library",
		    "a handler takes them and wakes the loop");
#endif
}

void
coordination_query(const struct proactor *p, struct coordination *ret_rows)
{
	struct coordination *row = ret_rows;

	set(row++, "notifications", "library",
	    "a number in memory; a signal wakes the loop if that sleeps");
	ask(p, row++, "handle_relays", PROACTOR_EXPLAIN_HANDLE_RELAYS);
	ask(p, row++, "notification_relays",
	    PROACTOR_EXPLAIN_NOTIFICATION_RELAYS);
	set(row++, "semaphores", "library",
	    "a number in memory; a signal wakes the loop if that sleeps");
	ask(p, row++, "fences", PROACTOR_CAP_DEVICE_FENCE);
	ask(p, row++, "sequences", PROACTOR_CAP_LINKED_OPERATIONS);
	set(row++, "timeouts", "library",
	    "kept with the timers; the kernel knows the next deadline");
	ask(p, row++, "futexes", PROACTOR_CAP_FUTEX_OPERATIONS);
	ask(p, row++, "messages", PROACTOR_CAP_PROACTOR_MESSAGING);
	query_signals(p, row);
}
