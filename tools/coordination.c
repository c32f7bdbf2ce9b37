/* SPDX-License-Identifier: ISC */
/*
 * Who carries out the operations that make others wait or go on.  What has a
 * capability is told as the library tells it; relays need two capabilities and
 * a feature of the ring; the rest is the library's on every backend.
 */
#include "config.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#ifdef PROACTOR_HAVE_IO_URING
#include <sys/syscall.h>

#include <linux/io_uring.h>
#include <unistd.h>
#endif

#include <proactor.h>

#include "coordination.h"

/* In Linux 5.17; headers may be older. */
#ifndef IORING_FEAT_CQE_SKIP
#define IORING_FEAT_CQE_SKIP	(1u << 11)
#endif

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

static bool
is_native(const struct proactor *p, uint64_t capability)
{
	unsigned int tier;

	return proactor_explain_capability(p, capability, &tier, NULL) == 0 &&
	    tier == PROACTOR_TIER_NATIVE;
}

/*
 * Can a chain in the kernel tell of its end only?  It is no capability: the
 * library knows it of its ring, and here another one is asked.
 */
static bool
has_quiet_chains(const struct proactor *p)
{
#ifdef PROACTOR_HAVE_IO_URING
	struct io_uring_params params;
	int fd;

	if (strcmp(proactor_backend_name(p), "io_uring") != 0)
		return false;
	/* Those are younger. */
	if (is_native(p, PROACTOR_CAP_FUTEX_OPERATIONS))
		return true;
	memset(&params, 0, sizeof(params));
	fd = (int)syscall(SYS_io_uring_setup, 1, &params);
	if (fd < 0)
		return false;
	close(fd);
	return (params.features & IORING_FEAT_CQE_SKIP) != 0;
#else
	(void)p;
	return false;
#endif
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
query_relays(const struct proactor *p, struct coordination *handles,
    struct coordination *notifications)
{
	bool linked = is_native(p, PROACTOR_CAP_LINKED_OPERATIONS);
	bool quiet = linked && has_quiet_chains(p);
	const char *reason = quiet ?
	    "poll and write are one chain of the kernel's" : linked ?
	    "the polling thread fires the sink: the ring's chains cannot "
	    "tell of their end only (Linux 5.17)" :
	    "the polling thread fires the sink: LINKED_OPERATIONS is not "
	    "native";

	set(handles, "handle_relays", tier_name(quiet ?
	    PROACTOR_TIER_NATIVE : PROACTOR_TIER_EMULATED), reason);
	set(notifications, "notification_relays", handles->tier, reason);
	if (!quiet)
		return;
	if (is_native(p, PROACTOR_CAP_FUTEX_OPERATIONS))
		notifications->reason = "a futex wait or wake is part of the "
		    "kernel's chain";
	else
		set(notifications, "notification_relays",
		    tier_name(PROACTOR_TIER_EMULATED),
		    "the polling thread fires the sink: FUTEX_OPERATIONS is "
		    "not native");
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
