/* SPDX-License-Identifier: ISC */
/*
 * What is measured, how much of it, and what the library is to reach.
 * Operations are as many as take a few tenths of a second.
 */
#include "config.h"

#include <string.h>

#include "bench/bench.h"

#define CPU		(1u << METRIC_CPU)
#define WALL		(1u << METRIC_WALL)
#define RATE		(1u << METRIC_RATE)
#define BANDWIDTH	(1u << METRIC_BANDWIDTH)
#define P50		(1u << METRIC_P50)
#define P99		(1u << METRIC_P99)
#define COUNTS		(1u << METRIC_SYSCALLS | 1u << METRIC_ALLOCATIONS)
#define MEMORY		(1u << METRIC_HELD | 1u << METRIC_RESIDENT)

#define RAW			PEER_REFERENCE
#define AT_MOST(m, x)		{ true, METRIC_##m, NULL, false, x, NULL }
#define AT_LEAST(m, x)		{ true, METRIC_##m, NULL, true, x, NULL }
#define AT_MOST_OF(p, m, x)	{ true, METRIC_##m, p, false, x, NULL }
#define AT_LEAST_OF(p, m, x)	{ true, METRIC_##m, p, true, x, NULL }
#define NO_ALLOCATION		AT_MOST(ALLOCATIONS, 0)

/* Goals of the epoll backend: a little less than by hand, before all others. */
#define EPOLL_AT_MOST(m, x)	{ true, METRIC_##m, NULL, false, x, PEER_EPOLL }
#define EPOLL_AT_MOST_OF(p, m, x) \
 { true, METRIC_##m, p, false, x, PEER_EPOLL }
#define EPOLL_AT_LEAST_OF(p, m, x) \
 { true, METRIC_##m, p, true, x, PEER_EPOLL }
#define EPOLL_BEFORE(p)		{ true, METRIC_RATE, p, true, 1, PEER_EPOLL }
#define EPOLL_BEFORE_OTHERS \
 EPOLL_BEFORE("libuv"), EPOLL_BEFORE("libevent"), EPOLL_BEFORE("asio")
#define EPOLL_NO_ALLOCATION	EPOLL_AT_MOST(ALLOCATIONS, 0)

#define NOP(n, text, count, goal)					\
	{								\
		.name = "nop-" #n,					\
		.words = text,						\
		.slot = SLOT_NOP,					\
		.size = n,						\
		.cores = 1,						\
		.operations = count,					\
		.shown = CPU | COUNTS,					\
		.goals = { goal, NO_ALLOCATION, EPOLL_NO_ALLOCATION },	\
	}

#define TIMERS(kind, which, n, text)					\
	{								\
		.name = "timer-" kind "-" #n,				\
		.words = text ", " #n " of them",			\
		.slot = SLOT_TIMER_##which,				\
		.size = n,						\
		.cores = 1,						\
		.operations = 1000000,					\
		.once = RAW,						\
		.reference = "hand",					\
		.shown = CPU | COUNTS,					\
		.goals = { AT_MOST(CPU, 30), NO_ALLOCATION,		\
			EPOLL_AT_MOST(CPU, 30), EPOLL_NO_ALLOCATION },	\
	}

#define TIMERS_MORE(kind, which, n, count, text)			\
	{								\
		.name = "timer-" kind "-" #n,				\
		.words = text ", " #n " of them",			\
		.slot = SLOT_TIMER_##which,				\
		.size = n,						\
		.cores = 1,						\
		.operations = count,					\
		.reference = "hand",					\
		.shown = CPU | COUNTS,					\
		.goals = { NO_ALLOCATION },				\
	}

/* 80 million where a bare lock-free queue does 239. */
#define MESSAGES(kind, which, on, text)					\
	{								\
		.name = "message-" kind,				\
		.words = text,						\
		.slot = SLOT_MESSAGE_##which,				\
		.size = 4096,						\
		.cores = on,						\
		.operations = 8000000,					\
		.once = RAW,						\
		.reference = "hand",					\
		.shown = RATE | COUNTS,					\
		.goals = { AT_LEAST(RATE, 80e6),			\
			AT_LEAST_OF("hand", RATE, 0.33),		\
			NO_ALLOCATION,					\
			EPOLL_BEFORE_OTHERS,			\
			EPOLL_NO_ALLOCATION },				\
	}

#define PING(on, text, count, goal)					\
	{								\
		.name = "message-ping-cores-" #on,			\
		.words = "message to another thread and back, " text,	\
		.slot = SLOT_MESSAGE_PING,				\
		.size = 256,						\
		.cores = on,						\
		.operations = count,					\
		.shown = P50 | P99 | COUNTS,				\
		.goals = { goal, NO_ALLOCATION,				\
			EPOLL_AT_MOST_OF("libuv", P50, 1),		\
			EPOLL_NO_ALLOCATION },				\
	}

/*
 * Two threads that block in what they wait for: a notification is a word that
 * they sleep on, a semaphore has an order, and waits for several, besides.
 */
#define THREADS(kind, which, on, text, count, most)			\
	{								\
		.name = kind "-ping-cores-" #on,			\
		.words = kind "s, to a thread that blocks and back, " text, \
		.slot = SLOT_##which##_PING,				\
		.cores = on,						\
		.operations = count,					\
		.reference = PEER_FUTEX,				\
		.shown = P50 | P99 | CPU | COUNTS,			\
		.goals = { AT_MOST_OF(PEER_FUTEX, P50, most),		\
			AT_MOST_OF(PEER_EVENTFD, P50, most),		\
			NO_ALLOCATION,					\
			EPOLL_AT_MOST_OF(PEER_FUTEX, P50, most),	\
			EPOLL_AT_MOST_OF(PEER_EVENTFD, P50, most),	\
			EPOLL_NO_ALLOCATION },				\
	}

/* The same with a loop each; by hand they send a message. */
#define LOOPS(kind, which, on, text, count)				\
	{								\
		.name = kind "-loops-cores-" #on,			\
		.words = kind "s, from loop to loop and back, " text,	\
		.slot = SLOT_##which##_LOOPS,				\
		.size = 256,						\
		.cores = on,						\
		.operations = count,					\
		.shown = P50 | P99 | CPU | COUNTS,			\
		.goals = { AT_MOST_OF(RAW, P50, 1.1), NO_ALLOCATION,	\
			EPOLL_AT_MOST_OF(PEER_RAW_EPOLL, P50, 1.25),	\
			EPOLL_NO_ALLOCATION },				\
	}

#define PAIRS(kind, which, most)					\
	THREADS(kind, which, 1, "one core", 30000, most),		\
	THREADS(kind, which, 2, "two cores", 10000, most),		\
	LOOPS(kind, which, 1, "one core", 30000),			\
	LOOPS(kind, which, 2, "two cores", 10000)

/*
 * What waits and is not concerned costs nothing, but for poll(2), which looks
 * at each descriptor each time.
 */
#define WAITING(kind, which, text, n, count)				\
	{								\
		.name = kind "-" #n,					\
		.words = text ", " #n " others wait",			\
		.slot = SLOT_##which,					\
		.size = n,						\
		.cores = 1,						\
		.operations = count,					\
		.once = "proactor-poll",				\
		.shown = CPU | COUNTS,					\
		.goals = { AT_MOST_OF(PEER_ONE, CPU, 1.1),		\
			NO_ALLOCATION,					\
			EPOLL_AT_MOST_OF(PEER_EPOLL_ONE, CPU, 1.1),	\
			EPOLL_NO_ALLOCATION },				\
	}

#define ECHO(n, on, text, count)					\
	{								\
		.name = "echo-" #n "-cores-" #on,			\
		.words = "TCP echo of 64 bytes, connections: " #n ", "	\
		    text,						\
		.slot = SLOT_ECHO,					\
		.shape = SHAPE_SERVED,					\
		.size = n,						\
		.cores = on,						\
		.operations = count,					\
		.shown = CPU | RATE | P50 | P99 | COUNTS,		\
		.goals = { AT_MOST_OF(RAW, CPU, 1.06),			\
			AT_LEAST_OF(RAW, RATE, 0.97),			\
			NO_ALLOCATION,					\
			EPOLL_AT_LEAST_OF(PEER_RAW_EPOLL, RATE, 0.97),	\
			EPOLL_BEFORE_OTHERS,			\
			EPOLL_AT_MOST_OF(PEER_RAW_EPOLL, SYSCALLS, 1.02), \
			EPOLL_NO_ALLOCATION },				\
	}

#define STREAM(way, which, text)					\
	{								\
		.name = "stream-" way,					\
		.words = text " of 1 MiB on one connection",		\
		.slot = SLOT_STREAM_##which,				\
		.shape = SHAPE_SERVED,					\
		.size = 1 << 20,					\
		.cores = 2,						\
		.operations = 1000,					\
		.shown = BANDWIDTH | CPU | COUNTS,			\
		.goals = { AT_LEAST_OF(RAW, BANDWIDTH, 0.97),		\
			NO_ALLOCATION,					\
			EPOLL_AT_LEAST_OF(PEER_RAW_EPOLL, BANDWIDTH, 0.97), \
			EPOLL_NO_ALLOCATION },				\
	}

#define READ(n, count)							\
	{								\
		.name = "read-" #n,					\
		.words = "cached reads of 4 KiB, in flight: " #n,	\
		.slot = SLOT_READ,					\
		.size = n,						\
		.cores = 1,						\
		.operations = count,					\
		.shown = CPU | RATE | COUNTS,				\
		.goals = { AT_MOST_OF(RAW, CPU, 1.06),			\
			AT_MOST_OF("fixed", CPU, 1.06),			\
			NO_ALLOCATION,					\
			EPOLL_AT_LEAST_OF(PEER_RAW_EPOLL, RATE, 0.75),	\
			EPOLL_BEFORE("libuv"),			\
			EPOLL_NO_ALLOCATION },				\
	}

#define BATCH(n)							\
	NOP(n, "no-ops, " #n " a batch", 3000000, AT_MOST(CPU, 20))

const struct workload bench_workloads[] = {
	NOP(1, "no-ops, one at a time", 500000, AT_MOST_OF(RAW, CPU, 1.05)),
	BATCH(32),
	BATCH(256),
	{
		.name = "sequence-64",
		.words = "sequences of 64 no-ops, one at a time",
		.slot = SLOT_SEQUENCE,
		.size = 64,
		.cores = 1,
		.operations = 3000000,
		.shown = CPU | COUNTS,
		.goals = { AT_MOST_OF(RAW, CPU, 1.25), NO_ALLOCATION,
			EPOLL_NO_ALLOCATION },
	},
	{
		.name = "post-256",
		.words = "256 no-ops that submit themselves again",
		.slot = SLOT_POST,
		.size = 256,
		.cores = 1,
		.operations = 3000000,
		.shown = CPU | COUNTS,
		.goals = { AT_MOST(CPU, 20), NO_ALLOCATION },
	},

	TIMERS("arm", ARM, 10000, "timers armed"),
	TIMERS("arm", ARM, 100000, "timers armed"),
	TIMERS("arm", ARM, 1000000, "timers armed"),
	TIMERS("cancel", CANCEL, 10000, "timers cancelled"),
	TIMERS("cancel", CANCEL, 100000, "timers cancelled"),
	TIMERS("cancel", CANCEL, 1000000, "timers cancelled"),
	TIMERS("cancel-random", CANCEL_RANDOM, 1000000,
	    "timers cancelled in random order"),
	TIMERS_MORE("cancel-callback", CANCEL_CALLBACK, 10000, 1000000,
	    "callbacks of timers cancelled"),
	TIMERS_MORE("cancel-callback", CANCEL_CALLBACK, 1000000, 1000000,
	    "callbacks of timers cancelled"),
	TIMERS_MORE("fire", FIRE, 10000, 10000, "timers that are due, fired"),
	TIMERS_MORE("fire", FIRE, 100000, 100000,
	    "timers that are due, fired"),
	TIMERS_MORE("fire", FIRE, 1000000, 1000000,
	    "timers that are due, fired"),
	{
		.name = "timer-late",
		.words = "100000 timers within a second, how late",
		.slot = SLOT_TIMER_LATENESS,
		.size = 100000,
		.cores = 1,
		.operations = 100000,
		.reference = "hand",
		.shown = CPU | P50 | P99 | COUNTS,
		.goals = { AT_MOST_OF("hand", CPU, 2), AT_MOST(P99, 1.2e6),
			NO_ALLOCATION },
	},

	MESSAGES("self", SELF, 1, "messages in bursts to the own loop"),
	MESSAGES("burst-cores-1", BURST, 1,
	    "messages from another thread, as many as go, one core"),
	MESSAGES("burst-cores-2", BURST, 2,
	    "messages from another thread, as many as go, two cores"),
	PING(1, "one core", 50000, AT_MOST(P50, 4800)),
	PING(2, "two cores", 10000, AT_MOST_OF(RAW, P50, 1.05)),

	PAIRS("notification", NOTIFICATION, 1.1),
	PAIRS("semaphore", SEMAPHORE, 1.2),
	WAITING("semaphore-pending", SEMAPHORE_PENDING,
	    "signals of a semaphore for one", 100000, 3000000),
	WAITING("relay", RELAY,
	    "turns of a relay from eventfd to eventfd", 4096, 20000),
	WAITING("relay-notification", RELAY_NOTIFICATION,
	    "turns of a relay between notifications", 4096, 100000),

	ECHO(1, 1, "one core", 30000),
	ECHO(64, 1, "one core", 100000),
	ECHO(1000, 1, "one core", 100000),
	ECHO(1, 2, "two cores", 20000),
	ECHO(64, 2, "two cores", 150000),
	ECHO(1000, 2, "two cores", 150000),
	{
		.name = "accept",
		.words = "connections accepted and closed",
		.slot = SLOT_ACCEPT,
		.shape = SHAPE_SERVED,
		.size = 32,
		.cores = 2,
		.operations = 20000,
		.shown = CPU | RATE | COUNTS,
		.goals = { AT_MOST_OF(RAW, CPU, 1.08), NO_ALLOCATION,
			EPOLL_AT_MOST_OF(PEER_RAW_EPOLL, CPU, 1.08),
			EPOLL_BEFORE_OTHERS, EPOLL_NO_ALLOCATION },
	},
	STREAM("out", OUT, "sends"),
	STREAM("in", IN, "receives"),

	READ(1, 150000),
	READ(32, 300000),
	{
		.name = "create",
		.words = "create and release",
		.slot = SLOT_CREATE,
		.cores = 1,
		.operations = 500,
		.shown = WALL | CPU | COUNTS,
		.goals = { AT_MOST_OF(RAW, WALL, 1.3) },
	},
	{
		.name = "idle",
		.words = "connections that wait, memory of each",
		.slot = SLOT_IDLE,
		.shape = SHAPE_SERVED,
		.size = 8000,
		.cores = 2,
		.operations = 1,
		.shown = MEMORY,
		.goals = { AT_MOST(HELD, 128) },
	},
	{ .name = NULL },
};

/* NULL: there is none. */
const struct workload *
workload_find(const char *name)
{
	const struct workload *w;

	for (w = bench_workloads; w->name != NULL; w++)
		if (strcmp(w->name, name) == 0)
			return w;
	return NULL;
}
