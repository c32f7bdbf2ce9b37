/* SPDX-License-Identifier: ISC */
/*
 * Who carries out the operations that make others wait or go on.  What has a
 * capability is told as the library tells it, and so are relays; the rest is
 * the library's on every backend.
 */
#include "config.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

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

/*
 * So does it of relays: the reason of a capability has these words if they run
 * in the kernel.
 */
static bool
ask_relays(const struct proactor *p, struct coordination *row,
    const char *name, uint64_t capability, const char *words)
{
	bool native;

	ask(p, row, name, capability);
	native = strstr(row->reason, words) != NULL;
	row->tier = tier_name(native ? PROACTOR_TIER_NATIVE :
	    PROACTOR_TIER_EMULATED);
	return native;
}

/* What keeps those of handles out of the kernel keeps out the others. */
static void
query_relays(const struct proactor *p, struct coordination *handles,
    struct coordination *notifications)
{
	static const char name[] = "notification_relays";

	if (ask_relays(p, handles, "handle_relays",
	    PROACTOR_CAP_LINKED_OPERATIONS, "handle relays run in the kernel"))
		(void)ask_relays(p, notifications, name,
		    PROACTOR_CAP_FUTEX_OPERATIONS,
		    "notification relays run in the kernel");
	else
		set(notifications, name, handles->tier, handles->reason);
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
	query_relays(p, row, row + 1);
	row += 2;
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
