/* SPDX-License-Identifier: ISC */
/* Who takes part.  To add one, give it a row. */
#include "config.h"

#include "bench/library.h"
#include "bench/others.h"
#include "bench/ping.h"
#include "bench/raw-epoll.h"

#ifdef PROACTOR_HAVE_IO_URING
# include "bench/raw.h"

static const struct peer raw = {
	.name = PEER_REFERENCE,
	.words = "liburing on a bare ring, single-shot receives",
	.cells = {
		[SLOT_NOP] = raw_nop,
		[SLOT_SEQUENCE] = raw_sequence,
		[SLOT_TIMER_ARM] = raw_timer_arm,
		[SLOT_TIMER_CANCEL] = raw_timer_cancel,
		[SLOT_TIMER_CANCEL_RANDOM] = raw_timer_cancel_random,
		[SLOT_TIMER_LATENESS] = raw_timer_lateness,
		[SLOT_MESSAGE_BURST] = raw_message_burst,
		[SLOT_MESSAGE_PING] = raw_message_ping,
		[SLOT_NOTIFICATION_LOOPS] = raw_message_ping,
		[SLOT_SEMAPHORE_LOOPS] = raw_message_ping,
		[SLOT_RELAY] = raw_relay,
		[SLOT_ECHO] = raw_echo,
		[SLOT_ACCEPT] = raw_accept,
		[SLOT_STREAM_OUT] = raw_stream_out,
		[SLOT_STREAM_IN] = raw_stream_in,
		[SLOT_READ] = raw_read,
		[SLOT_CREATE] = raw_create,
		[SLOT_IDLE] = raw_idle,
	},
};

static const struct peer raw_multishot = {
	.name = "multishot",
	.words = "the same, multishot receives into provided buffers",
	.reference = PEER_REFERENCE,
	.cells = {
		[SLOT_ECHO] = raw_echo_multishot,
	},
};

static const struct peer raw_fixed = {
	.name = "fixed",
	.words = "the same, with a registered file",
	.reference = PEER_REFERENCE,
	.cells = {
		[SLOT_READ] = raw_read_fixed,
	},
};

static const struct peer hand = {
	.name = "hand",
	.words = "a timer wheel, or a lock-free queue, over a bare ring",
	.reference = PEER_REFERENCE,
	.cells = {
		[SLOT_TIMER_ARM] = hand_timer_arm,
		[SLOT_TIMER_CANCEL] = hand_timer_cancel,
		[SLOT_TIMER_CANCEL_RANDOM] = hand_timer_cancel_random,
		[SLOT_TIMER_FIRE] = hand_timer_fire,
		[SLOT_TIMER_LATENESS] = hand_timer_lateness,
		[SLOT_MESSAGE_SELF] = hand_message_self,
		[SLOT_MESSAGE_BURST] = hand_message_burst,
		[SLOT_MESSAGE_PING] = hand_message_ping,
	},
};
#endif

#define LIBRARY_CELLS							\
	{								\
		[SLOT_NOP] = library_nop,				\
		[SLOT_SEQUENCE] = library_sequence,			\
		[SLOT_POST] = library_post,				\
		[SLOT_TIMER_ARM] = library_timer_arm,			\
		[SLOT_TIMER_CANCEL] = library_timer_cancel,		\
		[SLOT_TIMER_CANCEL_RANDOM] = library_timer_cancel_random, \
		[SLOT_TIMER_CANCEL_CALLBACK] =				\
		    library_timer_cancel_callback,			\
		[SLOT_TIMER_FIRE] = library_timer_fire,			\
		[SLOT_TIMER_LATENESS] = library_timer_lateness,		\
		[SLOT_MESSAGE_SELF] = library_message_self,		\
		[SLOT_MESSAGE_BURST] = library_message_burst,		\
		[SLOT_MESSAGE_PING] = library_message_ping,		\
		[SLOT_NOTIFICATION_PING] = library_notification_ping,	\
		[SLOT_NOTIFICATION_LOOPS] = library_notification_loops,	\
		[SLOT_SEMAPHORE_PING] = library_semaphore_ping,		\
		[SLOT_SEMAPHORE_LOOPS] = library_semaphore_loops,	\
		[SLOT_SEMAPHORE_PENDING] = library_semaphore_pending,	\
		[SLOT_RELAY] = library_relay,				\
		[SLOT_RELAY_NOTIFICATION] = library_relay_notification,	\
		[SLOT_ECHO] = library_echo,				\
		[SLOT_ACCEPT] = library_accept,				\
		[SLOT_STREAM_OUT] = library_stream_out,			\
		[SLOT_STREAM_IN] = library_stream_in,			\
		[SLOT_READ] = library_read,				\
		[SLOT_CREATE] = library_create_release,			\
		[SLOT_IDLE] = library_idle,				\
	}

/* Of what others wait for beside what is measured, they have one. */
#define ONE_CELLS							\
	{								\
		[SLOT_SEMAPHORE_PENDING] =				\
		    library_semaphore_pending_one,			\
		[SLOT_RELAY] = library_relay_one,			\
		[SLOT_RELAY_NOTIFICATION] =				\
		    library_relay_notification_one,			\
	}

#ifdef PROACTOR_HAVE_IO_URING
static const struct peer library = {
	.name = PEER_MEASURED,
	.words = "libproactor, io_uring",
	.backend = "io_uring",
	.reference = PEER_REFERENCE,
	.cells = LIBRARY_CELLS,
};

static const struct peer library_one = {
	.name = PEER_ONE,
	.words = "libproactor, io_uring, with one that waits, not many",
	.backend = "io_uring",
	.reference = PEER_MEASURED,
	.cells = ONE_CELLS,
};
#endif

#ifdef PROACTOR_HAVE_EPOLL
static const struct peer library_epoll = {
	.name = PEER_EPOLL,
	.words = "libproactor, epoll",
	.backend = "epoll",
	.reference = PEER_RAW_EPOLL,
	.cells = LIBRARY_CELLS,
};

static const struct peer library_epoll_one = {
	.name = PEER_EPOLL_ONE,
	.words = "libproactor, epoll, with one that waits, not many",
	.backend = "epoll",
	.reference = PEER_EPOLL,
	.cells = ONE_CELLS,
};
#endif

#ifdef PROACTOR_HAVE_POLL
static const struct peer library_poll = {
	.name = "proactor-poll",
	.words = "libproactor, poll",
	.backend = "poll",
	.reference = PEER_RAW_EPOLL,
	.cells = LIBRARY_CELLS,
};
#endif

static const struct peer raw_epoll = {
	.name = PEER_RAW_EPOLL,
	.words = "a loop around epoll_wait(2); plain pread(2)",
	.reference = PEER_REFERENCE,
	.cells = {
		[SLOT_MESSAGE_SELF] = raw_epoll_message_self,
		[SLOT_MESSAGE_BURST] = raw_epoll_message_burst,
		[SLOT_MESSAGE_PING] = raw_epoll_message_ping,
		[SLOT_NOTIFICATION_LOOPS] = raw_epoll_message_ping,
		[SLOT_SEMAPHORE_LOOPS] = raw_epoll_message_ping,
		[SLOT_RELAY] = raw_epoll_relay,
		[SLOT_ECHO] = raw_epoll_echo,
		[SLOT_ACCEPT] = raw_epoll_accept,
		[SLOT_STREAM_OUT] = raw_epoll_stream_out,
		[SLOT_STREAM_IN] = raw_epoll_stream_in,
		[SLOT_CREATE] = raw_epoll_create,
		[SLOT_IDLE] = raw_epoll_idle,
		[SLOT_READ] = raw_epoll_read,
	},
};

static const struct peer futex = {
	.name = PEER_FUTEX,
	.words = "threads that sleep on a word by futex(2)",
	.cells = {
		[SLOT_NOTIFICATION_PING] = futex_ping,
		[SLOT_SEMAPHORE_PING] = futex_ping,
	},
};

static const struct peer event_descriptor = {
	.name = PEER_EVENTFD,
	.words = "threads that sleep in a read(2) of an eventfd(2)",
	.cells = {
		[SLOT_NOTIFICATION_PING] = eventfd_ping,
		[SLOT_SEMAPHORE_PING] = eventfd_ping,
	},
};

#define OTHER_PEER(who, more)						\
static const struct peer who = {					\
	.name = #who,							\
	.words = who##_words,						\
	.reference = PEER_RAW_EPOLL,					\
	.cells = {							\
		[SLOT_NOP] = who##_nop,					\
		[SLOT_POST] = who##_post,				\
		[SLOT_TIMER_ARM] = who##_timer_arm,			\
		[SLOT_TIMER_CANCEL] = who##_timer_cancel,		\
		[SLOT_TIMER_CANCEL_RANDOM] = who##_timer_cancel_random,	\
		[SLOT_TIMER_FIRE] = who##_timer_fire,			\
		[SLOT_TIMER_LATENESS] = who##_timer_lateness,		\
		[SLOT_MESSAGE_SELF] = who##_message_self,		\
		[SLOT_MESSAGE_BURST] = who##_message_burst,		\
		[SLOT_MESSAGE_PING] = who##_message_ping,		\
		[SLOT_ECHO] = who##_echo,				\
		[SLOT_ACCEPT] = who##_accept,				\
		[SLOT_STREAM_OUT] = who##_stream_out,			\
		[SLOT_STREAM_IN] = who##_stream_in,			\
		[SLOT_CREATE] = who##_create,				\
		more							\
	},								\
}

#ifdef BENCH_HAVE_LIBUV
OTHER_PEER(libuv, [SLOT_READ] = libuv_read);
#endif
#ifdef BENCH_HAVE_LIBEVENT
OTHER_PEER(libevent, );
#endif
#ifdef BENCH_WITH_ASIO
OTHER_PEER(asio, );
#endif

const struct peer *const bench_peers[] = {
#ifdef PROACTOR_HAVE_IO_URING
	&raw,
	&library,
	&library_one,
	&raw_multishot,
	&raw_fixed,
	&hand,
#endif
	&raw_epoll,
#ifdef PROACTOR_HAVE_EPOLL
	&library_epoll,
	&library_epoll_one,
#endif
#ifdef PROACTOR_HAVE_POLL
	&library_poll,
#endif
	&futex,
	&event_descriptor,
#ifdef BENCH_HAVE_LIBUV
	&libuv,
#endif
#ifdef BENCH_HAVE_LIBEVENT
	&libevent,
#endif
#ifdef BENCH_WITH_ASIO
	&asio,
#endif
	NULL,
};
