/* SPDX-License-Identifier: ISC */
/* Who takes part.  To add one, give it a row. */
#include "config.h"

#include "bench/library.h"

#ifdef PROACTOR_HAVE_IO_URING
# include "bench/raw.h"

static const struct peer raw = {
	.name = PEER_REFERENCE,
	.words = "liburing on a bare ring, single-shot receives",
	.cells = {
		[SLOT_NOP] = raw_nop,
		[SLOT_TIMER_ARM] = raw_timer_arm,
		[SLOT_TIMER_CANCEL] = raw_timer_cancel,
		[SLOT_TIMER_CANCEL_RANDOM] = raw_timer_cancel_random,
		[SLOT_TIMER_LATENESS] = raw_timer_lateness,
		[SLOT_MESSAGE_BURST] = raw_message_burst,
		[SLOT_MESSAGE_PING] = raw_message_ping,
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
	.cells = {
		[SLOT_ECHO] = raw_echo_multishot,
	},
};

static const struct peer raw_fixed = {
	.name = "fixed",
	.words = "the same, with a registered file",
	.cells = {
		[SLOT_READ] = raw_read_fixed,
	},
};

static const struct peer hand = {
	.name = "hand",
	.words = "a timer wheel, or a lock-free queue, over a bare ring",
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

static const struct peer library = {
	.name = PEER_MEASURED,
	.words = "libproactor",
#ifdef PROACTOR_HAVE_IO_URING
	.backend = "io_uring",
#endif
	.cells = {
		[SLOT_NOP] = library_nop,
		[SLOT_POST] = library_post,
		[SLOT_TIMER_ARM] = library_timer_arm,
		[SLOT_TIMER_CANCEL] = library_timer_cancel,
		[SLOT_TIMER_CANCEL_RANDOM] = library_timer_cancel_random,
		[SLOT_TIMER_CANCEL_CALLBACK] = library_timer_cancel_callback,
		[SLOT_TIMER_FIRE] = library_timer_fire,
		[SLOT_TIMER_LATENESS] = library_timer_lateness,
		[SLOT_MESSAGE_SELF] = library_message_self,
		[SLOT_MESSAGE_BURST] = library_message_burst,
		[SLOT_MESSAGE_PING] = library_message_ping,
		[SLOT_ECHO] = library_echo,
		[SLOT_ACCEPT] = library_accept,
		[SLOT_STREAM_OUT] = library_stream_out,
		[SLOT_STREAM_IN] = library_stream_in,
		[SLOT_READ] = library_read,
		[SLOT_CREATE] = library_create_release,
		[SLOT_IDLE] = library_idle,
	},
};

const struct peer *const bench_peers[] = {
#ifdef PROACTOR_HAVE_IO_URING
	&raw,
#endif
	&library,
#ifdef PROACTOR_HAVE_IO_URING
	&raw_multishot,
	&raw_fixed,
	&hand,
#endif
	NULL,
};
