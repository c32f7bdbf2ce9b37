/* SPDX-License-Identifier: ISC */
#ifndef PROACTOR_CORE_SYSTEM_H
#define PROACTOR_CORE_SYSTEM_H

/*
 * The seams: what core asks of the system, defined in posix/ (and later in
 * windows/).  All return 0 or a code of <proactor/error.h> unless they say
 * otherwise, and may be called on any thread.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <proactor.h>

#if defined(__GNUC__)
#define PROACTOR_TLS_MODEL __attribute__((tls_model("initial-exec")))
#else
#define PROACTOR_TLS_MODEL
#endif

/*
 * A store that what the thread loads afterwards does not overtake: the first
 * half of "I say that I sleep, then look for work".  In C11 a store and a load
 * that are both sequentially consistent do, but qemu runs arm64's pair of them
 * on x86 without a barrier between (seen in 7.2: a wake-up in some thousands
 * lost).  On x86 itself the exchange is what such a store is compiled to.
 */
#define store_before_loads(object, value)				\
	((void)atomic_exchange((object), (value)))

/*
 * A number for each thread, never used twice and never 0; SELF_NONE until
 * asked for.
 */
#define SELF_NONE	1
extern _Thread_local uint64_t proactor__self PROACTOR_TLS_MODEL;
uint64_t proactor__self_claim(void);

/*
 * fork(2): the generation of this process.  A proactor remembers the one it
 * was created in; 0 from _current means that it cannot be had (ENOMEM).
 */
uint32_t proactor__generation_create(void);
extern _Atomic(_Atomic uint32_t *) proactor__fork_page;

/*
 * A word that a child of fork(2) finds to be 0.  NULL when there is none
 * left; _give takes NULL too.
 */
_Atomic uint64_t *proactor__gate_take(void);
void	 proactor__gate_give(_Atomic uint64_t *gate);

static inline bool
proactor__forked(uint32_t generation)
{
	_Atomic uint32_t *word = atomic_load_explicit(&proactor__fork_page,
	    memory_order_relaxed);

	return atomic_load_explicit(word, memory_order_relaxed) != generation;
}

/* True when the environment is to be ignored (set-uid and the like). */
const char *proactor__environment(const char *name);

/*
 * Sleeps while *word is expected, until a wake or the deadline (of
 * proactor_now(); one in the past only looks).  0, also for no reason;
 * ETIMEDOUT; or what makes sleeping impossible here, so that a loop must end.
 * shared: the word is in memory of several processes, ENOTSUP where the system
 * has no futex(2).
 */
int	 proactor__futex_wait(_Atomic uint32_t *word, uint32_t expected,
	    int64_t deadline, bool shared);
/*
 * Wakes up to count that sleep on word, and says how many.  Async-signal-safe
 * where the system has a futex(2): elsewhere it takes a lock.
 */
uint32_t proactor__futex_wake(_Atomic uint32_t *word, uint32_t count,
	    bool shared);

/* Sockets.  options are PROACTOR_SOCKET_*. */
int	proactor__sys_socket(unsigned int kind, unsigned int options,
	    int *ret_fd);
int	proactor__sys_check_socket(int fd, unsigned int kind,
	    unsigned int *ret_state);
int	proactor__sys_bind(int fd, const struct proactor_address *address);
void	proactor__sys_disconnect(int fd, unsigned int kind);
int	proactor__sys_listen(int fd, int backlog);
int	proactor__sys_shutdown(int fd, unsigned int how);
int	proactor__sys_local_address(int fd,
	    struct proactor_address *ret_address);
void	proactor__sys_peer_address(int fd,
	    struct proactor_address *ret_address);
int	proactor__sys_send_space(int fd, size_t *ret_bytes);
int	proactor__sys_check_fd(int fd);
int	proactor__sys_watchable(int fd, unsigned int *ret_wanted);
void	proactor__sys_close(int fd);

/* Descriptors of fences. */
int	proactor__sys_fence_open(int *ret_fd, int *ret_signal_fd);
void	proactor__sys_fence_signal(int fd);
int	proactor__sys_fence_status(int fd);

/* open(2)'s flags for PROACTOR_FILE_*, poll(2)'s events for PROACTOR_POLL_*. */
int	 proactor__sys_open_flags(unsigned int flags);
unsigned int proactor__sys_poll_mask(unsigned int events);
unsigned int proactor__sys_poll_events(int mask);

/* A descriptor to end a wait with: readable after a signal, until drained. */
struct wake {
	int read_fd;
	int write_fd;		/* the same with eventfd(2) */
};
int	 proactor__sys_wake_create(struct wake *ret_wake);
void	 proactor__sys_wake_signal(const struct wake *wake);
void	 proactor__sys_wake_drain(const struct wake *wake);
void	 proactor__sys_wake_close(struct wake *wake);

/*
 * A handle that counts, an eventfd or a pipe: raise adds value, and is
 * async-signal-safe; drain takes what is there and says 1, or 0 when nothing
 * is, or EPIPE at the end of a pipe.  look is kept for the handle, false at
 * first: it must be looked at before each read.
 */
int	proactor__sys_raise(int fd, uint64_t value);
int	proactor__sys_drain(int fd, bool *look, uint64_t *ret_sum);

/* Has it no offsets, as a pipe or a terminal? */
bool	proactor__sys_is_stream(int fd);

/*
 * One read or write that does not wait, at an offset or, of what has none, at
 * -1.  How much, or a code: EAGAIN when it would wait, ENOTSUP when not waiting
 * cannot be had, of the system or of this descriptor.
 */
int64_t	proactor__sys_read_now(int fd, void *memory, size_t length,
	    int64_t at);
int64_t	proactor__sys_write_now(int fd, const void *memory, size_t length,
	    int64_t at);

/* True when the address is one that kind can use. */
bool	proactor__address_fits(const struct proactor_address *address,
	    unsigned int kind);

#endif
