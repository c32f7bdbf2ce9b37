/* SPDX-License-Identifier: ISC */
/*
 * The conformance suite: cases are sentences of the contract, in terms of
 * the public interface only, run against the backend that the command line
 * names.  Every case runs in a child of its own with a time limit, so it may
 * leave things behind when it fails, and never has to clean up to be fair to
 * the next.
 */
#ifndef CONFORMANCE_H
#define CONFORMANCE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <proactor.h>

#include "tap/tap.h"

/* What one file brings; a table ends with a case whose name is NULL. */
extern const struct tap_case core_cases[];
extern const struct tap_case value_cases[];
extern const struct tap_case capability_cases[];
extern const struct tap_case allocation_cases[];
extern const struct tap_case allocator_cases[];
extern const struct tap_case submit_cases[];
extern const struct tap_case resubmit_cases[];
extern const struct tap_case flight_cases[];
extern const struct tap_case poll_cases[];
extern const struct tap_case wake_cases[];
extern const struct tap_case timer_cases[];
extern const struct tap_case timer_many_cases[];
extern const struct tap_case event_cases[];
extern const struct tap_case pool_cases[];
extern const struct tap_case op_pool_cases[];
extern const struct tap_case op_pool_return_cases[];
extern const struct tap_case op_pool_thread_cases[];
extern const struct tap_case notification_cases[];
extern const struct tap_case notification_signal_cases[];
extern const struct tap_case notification_peer_cases[];
extern const struct tap_case notification_shared_cases[];
extern const struct tap_case notification_wait_cases[];
extern const struct tap_case relay_cases[];
extern const struct tap_case relay_end_cases[];
extern const struct tap_case relay_kernel_cases[];
extern const struct tap_case futex_cases[];
extern const struct tap_case futex_plain_cases[];
extern const struct tap_case source_cases[];
extern const struct tap_case readiness_cases[];
extern const struct tap_case message_cases[];
extern const struct tap_case message_order_cases[];
extern const struct tap_case semaphore_cases[];
extern const struct tap_case timepoint_cases[];
extern const struct tap_case timepoint_callback_cases[];
extern const struct tap_case timepoint_thread_cases[];
extern const struct tap_case semaphore_link_cases[];
extern const struct tap_case semaphore_multi_cases[];
extern const struct tap_case semaphore_op_cases[];
extern const struct tap_case semaphore_end_cases[];
extern const struct tap_case semaphore_race_cases[];
extern const struct tap_case fence_cases[];
extern const struct tap_case fence_export_cases[];
extern const struct tap_case signal_cases[];
extern const struct tap_case signal_several_cases[];
extern const struct tap_case signal_mask_cases[];
extern const struct tap_case signal_owner_cases[];
extern const struct tap_case thread_cases[];
extern const struct tap_case affinity_cases[];
extern const struct tap_case proactor_pool_cases[];
extern const struct tap_case proactor_pool_end_cases[];
extern const struct tap_case crowd_cases[];
extern const struct tap_case shutdown_cases[];
extern const struct tap_case release_cases[];
extern const struct tap_case fork_cases[];
extern const struct tap_case random_cases[];
extern const struct tap_case socket_cases[];
extern const struct tap_case endpoint_cases[];
extern const struct tap_case stream_cases[];
extern const struct tap_case order_cases[];
extern const struct tap_case multishot_cases[];
extern const struct tap_case zero_copy_cases[];
extern const struct tap_case datagram_cases[];
extern const struct tap_case datagram_address_cases[];
extern const struct tap_case datagram_many_cases[];
extern const struct tap_case accept_cases[];
extern const struct tap_case accept_many_cases[];
extern const struct tap_case connect_cases[];
extern const struct tap_case close_cases[];
extern const struct tap_case closed_cases[];
extern const struct tap_case cancel_cases[];
extern const struct tap_case cancel_send_cases[];
extern const struct tap_case cancel_kinds_cases[];
extern const struct tap_case codes_cases[];
extern const struct tap_case file_cases[];
extern const struct tap_case file_io_cases[];
extern const struct tap_case file_pipe_cases[];
extern const struct tap_case link_cases[];
extern const struct tap_case link_end_cases[];
extern const struct tap_case timeout_cases[];
extern const struct tap_case timeout_chain_cases[];
extern const struct tap_case timeout_end_cases[];
extern const struct tap_case sequence_cases[];
extern const struct tap_case sequence_step_cases[];
extern const struct tap_case sequence_nested_cases[];
extern const struct tap_case sequence_refuse_cases[];
extern const struct tap_case sequence_cancel_cases[];
extern const struct tap_case sequence_end_cases[];
extern const struct tap_case sequence_seam_cases[];
extern const struct tap_case argument_cases[];
extern const struct tap_case argument_op_cases[];
extern const struct tap_case argument_input_cases[];

#define COUNT(array)	(sizeof(array) / sizeof((array)[0]))

/* What the command line selected. */
struct selection {
	const char *backend;
	uint64_t masked;	/* capabilities that are not allowed */
	const char *directory;	/* of this run; removed with all in it */
};

extern struct selection selected;

/*
 * Does what is selected work here?  If not, says why; or leaves with a failure
 * when PROACTOR_REQUIRE_BACKENDS names it.
 */
#define WHY_ROOM	384
bool	 backend_works(char ret_why[WHY_ROOM]);

/* tap_run_tables() in a directory of this run. */
int	 run_tables(const struct tap_case *const *tables);

/*
 * One callback that ran.  bytes is the result field of an operation that has
 * one, else 0.
 */
struct seen {
	struct proactor_op *op;
	int status;
	unsigned int flags;
	size_t bytes;
};

/*
 * Callbacks in the order in which they ran.  Pass record() as the callback
 * and the recorder as its user data.
 */
struct recorder {
	size_t calls;		/* all callbacks */
	size_t finals;		/* those without PROACTOR_COMPLETION_MORE */
	struct seen *seen;	/* calls of them */
	size_t room;
};

void	 record(void *recorder, struct proactor_op *op, int status,
	    unsigned int flags);
void	 recorder_clear(struct recorder *r);

/* Callbacks that op had, and final ones. */
size_t	 calls_of(const struct recorder *r, const void *op);
size_t	 finals_of(const struct recorder *r, const void *op);

/* The last status of op, or 1 when it was never called back. */
int	 status_of(const struct recorder *r, const void *op);

/* Where op was first called back, counted from 0; SIZE_MAX when nowhere. */
size_t	 place_of(const struct recorder *r, const void *op);

/* A proactor of the selected backend, with its recorder. */
struct world {
	struct proactor *p;
	struct recorder r;
};

/* Options that select backend and capabilities; members may be changed. */
void	 world_options(struct proactor_options *o);

/* A world or a failed case.  options NULL: those of world_options(). */
void	 world_open(struct world *w, const struct proactor_options *o);

/* Orderly shutdown, which must say 0, and release. */
void	 world_close(struct world *w);

/* As patient as a case may be: far beyond what a slow machine needs. */
int64_t	 patience(void);

/*
 * Poll until *counter >= n; false when patience ran out or poll failed.  The
 * usual counters are &w->r.calls and &w->r.finals.
 */
bool	 poll_until(struct world *w, const size_t *counter, size_t n);

/* Poll until op has had n final callbacks in all. */
bool	 poll_finals(struct world *w, const void *op, size_t n);

/*
 * Poll for a short while to show that no callback comes; true when none of
 * the recorder's came.  The only thing here that takes time.
 */
bool	 poll_quiet(struct world *w);

/*
 * Submit and poll until the final callback.  Returns the final status or,
 * when submit refused, its code.
 */
int	 run_one(struct world *w, struct proactor_op *op);

/* Nops that go through the whole machine: what was ready before has run. */
void	 poll_barrier(struct world *w);

/* --- sockets, over loopback only --- */

#define KIND_FIRST	PROACTOR_SOCKET_TCP
#define KIND_LAST	PROACTOR_SOCKET_UNIX_DATAGRAM

const char *kind_name(unsigned int kind);
bool	 kind_is_stream(unsigned int kind);

/* false where the machine lacks it, which is IPv6 in some containers. */
bool	 kind_works(unsigned int kind);

/* An address of this kind to bind: port 0, or a path that is not in use. */
void	 address_to_bind(unsigned int kind, struct proactor_address *ret);

/* Bound and listening; ret_address is what to connect to. */
struct proactor_socket *listener_open(struct world *w, unsigned int kind,
	    unsigned int options, struct proactor_address *ret_address);

struct pair {
	struct proactor_socket *a;	/* connected, or bound and connected */
	struct proactor_socket *b;	/* accepted, or the other one */
};

/* Two connected sockets, made by the library: create, accept, connect. */
void	 pair_open(struct world *w, unsigned int kind, unsigned int options,
	    struct pair *ret);

/* Two connected descriptors made without the library, nonblocking. */
void	 fd_pair(unsigned int kind, int ret_fds[2]);

void	 close_fds(int fds[2]);

/* One socket of the library's and a plain descriptor at the other end. */
struct proactor_socket *half_pair(struct world *w, unsigned int kind,
	    unsigned int options, int *ret_fd);

/* Close both with close operations that must succeed. */
void	 pair_close(struct world *w, struct pair *pair);

/* Close operation, run to its end; returns its status. */
int	 close_socket(struct world *w, struct proactor_socket *s);

/* All of it, by blocking system calls, or the case fails. */
void	 fd_write_all(int fd, const void *memory, size_t length);
void	 fd_read_all(int fd, void *memory, size_t length);

/* --- files, bytes --- */

/* A path below the run's directory that nobody else has; buffer is ret. */
#define PATH_ROOM	256
char	*temp_path(char ret[PATH_ROOM], const char *name);

/* length bytes that depend on seed and place, and the check of them. */
void	 fill(void *memory, size_t length, unsigned int seed);
bool	 is_filled(const void *memory, size_t length, unsigned int seed);

/* --- threads --- */

void	 thread_start(pthread_t *ret, void *(*fn)(void *), void *arg);
void	 thread_join(pthread_t thread);

/* Descriptors this process has open: what leaked is a difference. */
size_t	 open_fds(void);

#endif
