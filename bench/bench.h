/* SPDX-License-Identifier: ISC */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

/*
 * A *workload* is a kind of work and its size: "echo, 64 connections".  A
 * *peer* is a way of doing it: the library, a program on a bare ring.  A
 * *cell* is the function with which a peer does one kind of work.  Each run
 * of a cell is a process of its own, and the peers take turns, so that what
 * else the machine does falls on all of them alike.
 *
 * A new peer is a file with its cells and a row in peers.c.
 */

#ifdef __cplusplus
# include <atomic>
# define _Atomic(type) std::atomic<type>	/* as C++23 has it */
#else
# include <stdatomic.h>
#endif
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

enum slot {
	SLOT_NOP,		/* size: operations a batch */
	SLOT_SEQUENCE,		/* size: steps, in order */
	SLOT_POST,		/* size: in flight, each resubmits itself */
	SLOT_TIMER_ARM,		/* size: timers */
	SLOT_TIMER_CANCEL,	/* size: timers, in the order of arming */
	SLOT_TIMER_CANCEL_RANDOM,
	SLOT_TIMER_CANCEL_CALLBACK,
	SLOT_TIMER_FIRE,	/* size: timers, all due at once */
	SLOT_TIMER_LATENESS,	/* size: timers, spread over a second */
	SLOT_MESSAGE_SELF,	/* size: messages a batch, by the receiver */
	SLOT_MESSAGE_BURST,	/* size: messages under way at the most */
	SLOT_MESSAGE_PING,
	SLOT_NOTIFICATION_PING,	/* two threads that block */
	SLOT_NOTIFICATION_LOOPS,	/* ... that wait in a loop */
	SLOT_SEMAPHORE_PING,
	SLOT_SEMAPHORE_LOOPS,
	SLOT_SEMAPHORE_PENDING,	/* size: timepoints that wait */
	SLOT_RELAY,		/* size: relays with nothing to do */
	SLOT_RELAY_NOTIFICATION,
	SLOT_ECHO,		/* a server; size: connections */
	SLOT_ACCEPT,		/* a server; accepts and closes */
	SLOT_STREAM_OUT,	/* a server; size: bytes of a send */
	SLOT_STREAM_IN,		/* a server; size: bytes of a receive */
	SLOT_READ,		/* size: reads in flight */
	SLOT_CREATE,
	SLOT_IDLE,		/* a server; size: connections */
	SLOT_COUNT
};

enum metric {
	METRIC_WALL,		/* ns an operation */
	METRIC_CPU,		/* ns an operation, of the measured side */
	METRIC_RATE,		/* operations a second */
	METRIC_BANDWIDTH,	/* GiB a second */
	METRIC_P50,		/* ns */
	METRIC_P99,
	METRIC_SYSCALLS,	/* an operation */
	METRIC_ALLOCATIONS,	/* an operation */
	METRIC_HELD,		/* bytes of the heap a connection */
	METRIC_RESIDENT,	/* bytes of resident memory a connection */
	METRIC_COUNT
};

/* How the processes of a run work together. */
enum shape {
	SHAPE_ALONE,		/* the cell measures itself */
	SHAPE_SERVED		/* a client loads and measures the cell */
};

/* One run of one cell: shared memory between it, its client and the tracer. */
struct run {
	/* What to do. */
	const char *backend;		/* of the library, NULL: by default */
	uint64_t operations;		/* in the part that is measured */
	uint64_t warm_up;		/* ... and before it */
	unsigned int size;
	int cpu;			/* of the cell; -1: any */
	int other_cpu;			/* of the client or second thread */
	int listener;			/* of a server */
	int file;			/* to read, FILE_BLOCKS of FILE_BLOCK */

	/* What is counted while it goes on. */
	_Atomic(uint64_t) syscalls;
	_Atomic(uint64_t) allocations;
	_Atomic(uint64_t) held;		/* bytes allocated and not freed */
	_Atomic(unsigned int) arrived;	/* SLOT_IDLE: connections so far */
	_Atomic(unsigned int) settled;	/* SLOT_IDLE: all is in place */
	_Atomic(unsigned int) measured;	/* the client is done with the server */
	bool traced;			/* syscalls is kept */

	/* When the measured part began, and the sum of all such parts. */
	struct counters {
		int64_t wall;
		int64_t cpu;
		uint64_t syscalls;
		uint64_t allocations;
		uint64_t operations;
	} begin, total;

	/* What came out; NAN where nothing did. */
	double result[METRIC_COUNT];
};

#define FILE_BLOCK	4096		/* what a read reads */
#define FILE_BLOCKS	8192
#define MESSAGE_SIZE	64		/* of the echo */
#define ECHO_BUFFER	512		/* a server's, who does not know */

typedef void (*cell)(struct run *run);

struct peer {
	const char *name;
	const char *words;
	const char *backend;		/* for struct run */
	const char *reference;		/* its ratios are to this one; NULL */
	cell cells[SLOT_COUNT];
};

/* peers.c; ended by NULL. */
extern const struct peer *const bench_peers[];

/* Those that goals name: by hand and the library, on either interface. */
#define PEER_REFERENCE	"raw"
#define PEER_MEASURED	"proactor"
#define PEER_RAW_EPOLL	"raw-epoll"
#define PEER_EPOLL	"proactor-epoll"

/* Two threads without a loop. */
#define PEER_FUTEX	"futex"
#define PEER_EVENTFD	"eventfd"

/* The library with one of those that wait, where a workload has many. */
#define PEER_ONE	"proactor-1"
#define PEER_EPOLL_ONE	"proactor-epoll-1"

struct goal {
	bool set;
	enum metric metric;
	const char *against;		/* a peer, or NULL: absolute */
	bool at_least;
	double limit;
	const char *of;			/* whose goal; NULL: PEER_MEASURED */
};

#define GOALS_MAX	10

struct workload {
	const char *name;
	const char *words;
	enum slot slot;
	enum shape shape;
	unsigned int size;
	unsigned int cores;
	uint64_t operations;
	const char *once;		/* a peer too slow for every round */
	const char *reference;		/* of all ratios; NULL: each its own */
	unsigned int shown;		/* bits 1 << METRIC_ */
	struct goal goals[GOALS_MAX];
};

/* workloads.c; ended by a NULL name. */
extern const struct workload bench_workloads[];
const struct workload *workload_find(const char *name);

/* What came out of all rounds; peers are numbered as in bench_peers. */
#define PEERS_MAX	16
#define ROUNDS_MAX	64

struct results {
	unsigned int rounds;
	bool failed;
	double samples[PEERS_MAX][METRIC_COUNT][ROUNDS_MAX];
};

struct settings {
	unsigned int rounds;
	double scale;			/* of each workload's operations */
	bool json;
	const char *only;		/* names that begin so; NULL: all */
	const char *peers;		/* names and commas; NULL: all */
};

/* measure.c: for cells and clients, in the process of the run. */
void	 run_begin(struct run *run);
void	 run_end(struct run *run, uint64_t operations);
void	 run_begin_of(struct run *run, pid_t server);
void	 run_end_of(struct run *run, pid_t server, uint64_t operations);
void	 run_leave(struct run *run);
void	 run_latencies(struct run *run, int64_t *samples, size_t count);
uint64_t run_resident(void);
int64_t now_ns(void);
int	 processor(unsigned int number);
void	 pin(int cpu);
uint32_t random_next(uint32_t *state);
void	*allocate(size_t count, size_t size);
void	 die(const char *what, int status) __attribute__((noreturn));

/* count.c */
void	 count_into(struct run *run);
void	*count_realloc(void *run, void *memory, size_t size);

/* trace.c: counts the system calls of a process into run->syscalls. */
bool	 trace_begin(pid_t pid);
bool	 trace_works(void);
int	 trace_until_exit(pid_t traced, struct run *run, pid_t other,
    int *ret_other_status);

/* net.c */
int	 net_listen(unsigned int *ret_port, enum slot slot);
int	 net_connect(unsigned int port, bool wait);
int	 net_event(void);
void	 net_more_files(void);

/*
 * load-echo.c, load.c: the clients of the servers.  They measure server,
 * unless it is 0.
 */
typedef void (*load)(struct run *run, unsigned int port, pid_t server);
void	 load_echo(struct run *run, unsigned int port, pid_t server);
void	 load_accept(struct run *run, unsigned int port, pid_t server);
void	 load_stream_out(struct run *run, unsigned int port, pid_t server);
void	 load_stream_in(struct run *run, unsigned int port, pid_t server);
void	 load_idle(struct run *run, unsigned int port, pid_t server);
load	 load_of(enum slot slot);

/* run.c */
struct run *run_create(void);
int	 run_file(void);
bool	 run_cell(const struct workload *w, const struct peer *peer,
    struct run *run, uint64_t operations, bool traced);

/* stats.c; NAN among the values is left out, and the answer if all are. */
double	 median(const double *values, unsigned int count);
double	 lowest(const double *values, unsigned int count);
double	 highest(const double *values, unsigned int count);
double	 median_ratio(const double *values, const double *reference,
    unsigned int count);
int	 peer_index(const char *name);
unsigned int metrics_of(const struct workload *w,
    const struct results *results, unsigned int peer);
int	 reference_of(const struct workload *w, const struct results *results,
    unsigned int peer);
double	 goal_value(const struct goal *goal, const struct results *results);
bool	 goal_met(const struct goal *goal, double value);
const char *metric_name(enum metric metric);

/* table.c, json.c: two forms of the report. */
struct report {
	void (*begin)(const struct settings *settings);
	void (*add)(const struct workload *w, const struct results *results);
	/* others: the share of the machine that other processes used. */
	void (*end)(double others);
};

extern const struct report table_report, json_report;

#ifdef __cplusplus
}
#endif
#endif
