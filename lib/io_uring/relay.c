/* SPDX-License-Identifier: ISC */
/*
 * Relays as chains of the kernel's, which need nobody awake in user space:
 *
 *	source: poll, then a read that drains it if there is a next time; or a
 *	futex wait on the epoch of a notification
 *	sink: a write; or a read of the next byte into the epoch of a
 *	notification, and a futex wake
 *
 * A chain has one completion: that of its last member, or of the one that has
 * broken it.
 */
#include "decode.h"
#include "encode.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "core/relay.h"

#define FUTEX_BITS_ANY	0xffffffffu

/* Numbers that are made at once. */
#define SEQUENCE	2048

_Static_assert(_Alignof(struct proactor_relay) > TAG_MASK, "steps have tags");

static void
prepare_futex(struct io_uring_sqe *sqe, unsigned int opcode,
    struct proactor_notification *n, uint32_t value)
{
	io_uring_prep_rw((int)opcode, sqe, PROACTOR_FUTEX2_U32,
	    &n->words->epoch, 0, value);
	proactor_uring_set_addr3(sqe, FUTEX_BITS_ANY);
}

/* What each member but the last has besides. */
static void
tie_entry(struct ring *r, struct io_uring_sqe *sqe,
    struct proactor_relay *relay, enum relay_step step)
{
	sqe->flags |= IOSQE_IO_LINK | IOSQE_CQE_SKIP_SUCCESS;
	sqe->user_data = tagged(&relay->steps[step], TAG_RELAY);
	r->ended++;
}

/* There is room for all: reserve() has seen to that. */
static void
encode_source(struct ring *r, struct proactor_relay *relay)
{
	struct io_uring_sqe *sqe = proactor__ring_sqe(r);

	if (relay->source != NULL)
		prepare_futex(sqe, PROACTOR_URING_OP_FUTEX_WAIT,
		    relay->source, relay->token);
	else
		io_uring_prep_poll_add(sqe, relay->source_fd, POLLIN);
	tie_entry(r, sqe, relay, STEP_SOURCE);
	if (relay->source != NULL ||
	    !(relay->flags & PROACTOR_RELAY_PERSISTENT))
		return;
	sqe = proactor__ring_sqe(r);
	io_uring_prep_read(sqe, relay->source_fd, &relay->drained,
	    sizeof(relay->drained), (uint64_t)-1);
	tie_entry(r, sqe, relay, STEP_DRAIN);
}

/* The byte of an epoch that is not EPOCH_COUNT. */
static unsigned char *
epoch_byte(struct proactor_notification *n)
{
	unsigned char *bytes = (unsigned char *)&n->words->epoch;

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return bytes + 3;
#else
	return bytes;
#endif
}

static void
encode_sink(struct ring *r, struct proactor_relay *relay)
{
	struct io_uring_sqe *sqe = proactor__ring_sqe(r);

	if (relay->sink == NULL) {
		io_uring_prep_write(sqe, relay->sink_fd, &relay->value,
		    sizeof(relay->value), (uint64_t)-1);
	} else {
		io_uring_prep_read(sqe, relay->sequence_fd,
		    epoch_byte(relay->sink), 1, (uint64_t)-1);
		tie_entry(r, sqe, relay, STEP_EPOCH);
		sqe = proactor__ring_sqe(r);
		prepare_futex(sqe, PROACTOR_URING_OP_FUTEX_WAKE, relay->sink,
		    relay->count);
	}
	sqe->user_data = tagged(&relay->steps[STEP_SINK], TAG_RELAY);
}

/* The pipe from which each read takes the next number for the epoch. */
static bool
make_sequence(struct proactor_notification *n)
{
	int fds[2];

	if (n->sequence_fd[0] >= 0)
		return true;
	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) != 0)
		return false;
	n->sequence_fd[0] = fds[0];
	n->sequence_fd[1] = fds[1];
	return true;
}

/*
 * A read of an empty pipe would fail: each relay that is begun has a number in
 * there, and leaves it for others when it does not come to it.
 */
static bool
take_number(struct proactor_notification *n)
{
	unsigned char bytes[SEQUENCE];
	ssize_t i;

	if (n->sequence_left == 0) {
		for (i = 0; i < SEQUENCE; i++)
			bytes[i] = (unsigned char)(n->sequence_last + i + 1);
		i = write(n->sequence_fd[1], bytes, SEQUENCE);
		if (i <= 0)
			return false;
		n->sequence_last += (unsigned int)i;
		n->sequence_left = (unsigned int)i;
	}
	n->sequence_left--;
	return true;
}

/*
 * The relay's own descriptor of its sink's sequence.  The epoch has one
 * writer, this ring, so that the numbers come in order.
 */
static bool
have_sequence(struct proactor *p, struct proactor_relay *relay)
{
	struct proactor_notification *n = relay->sink;

	if (relay->sequence_fd < 0) {
		if (n->object.p != p || n->shared || !make_sequence(n))
			return false;
		relay->sequence_fd = fcntl(n->sequence_fd[0],
		    F_DUPFD_CLOEXEC, 0);
	}
	return relay->sequence_fd >= 0 && take_number(n);
}

/*
 * What takes the place of a sink that is not to be fired: it can neither be
 * read nor written, nor waited for.
 */
static bool
have_dummy(struct ring *r)
{
	if (r->dummy_fd < 0)
		r->dummy_fd = open("/", O_PATH | O_CLOEXEC);
	return r->dummy_fd >= 0;
}

/*
 * A relay that is sensitive to errors looks at what the poll has seen, which
 * the kernel's chains do not.
 */
bool
proactor__ring_relay(struct proactor *p, struct proactor_relay *relay)
{
	struct ring *r = ring_of(p);

	if (!proactor__ring_runs_relays(p) ||
	    ((relay->source != NULL || relay->sink != NULL) &&
	    !(p->capabilities & PROACTOR_CAP_FUTEX_OPERATIONS)) ||
	    (relay->source_fd >= 0 &&
	    (relay->flags & PROACTOR_RELAY_ERROR_SENSITIVE)) ||
	    !have_dummy(r) || !proactor__ring_reserve(p, STEPS) ||
	    (relay->sink != NULL && !have_sequence(p, relay)))
		return false;
	encode_source(r, relay);
	encode_sink(r, relay);
	return true;
}

/*
 * A chain goes on after a futex wait that was canceled (seen on 6.18), and
 * may have gone on already.  It looks its descriptors up when it comes to
 * them: that of the sink is made to fail.
 */
static void
block_sink(struct ring *r, struct proactor_relay *relay)
{
	(void)dup3(r->dummy_fd, relay->sink != NULL ? relay->sequence_fd :
	    relay->sink_fd, O_CLOEXEC);
}

/*
 * Whatever it is at; what it is not at is not found.  Where task work is not
 * deferred a chain goes on while the program runs, and would drain what comes
 * from now on: there the cancels do not wait for the next poll.
 */
void
proactor__ring_unrelay(struct proactor *p, struct proactor_relay *relay)
{
	static const enum relay_step steps[] =
	    { STEP_SOURCE, STEP_DRAIN, STEP_SINK };
	struct ring *r = ring_of(p);
	size_t i;

	block_sink(r, relay);
	for (i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		if (!proactor__ring_cancel_request(r,
		    tagged(&relay->steps[steps[i]], TAG_RELAY)))
			break;
	if (!r->get_events)
		(void)proactor__ring_enter(r, 0, 0);
}

/* Cancels that the kernel did not take before. */
void
proactor__ring_unrelay_again(struct proactor *p)
{
	struct proactor_relay *relay;
	struct link *l;

	for (l = p->relays.next; l != &p->relays; l = l->next) {
		relay = container_of(l, struct proactor_relay, link);
		if (relay->dead && relay->state == RELAY_KERNEL)
			proactor__ring_unrelay(p, relay);
	}
}

/* The proactor is dead: nothing is to be fired by its end. */
void
proactor__ring_block_relays(struct proactor *p)
{
	struct proactor_relay *relay;
	struct link *l;

	for (l = p->relays.next; l != &p->relays; l = l->next) {
		relay = container_of(l, struct proactor_relay, link);
		if (relay->state == RELAY_KERNEL)
			block_sink(ring_of(p), relay);
	}
}

static enum relay_outcome
outcome_of(const struct proactor_relay *relay, enum relay_step step,
    int result)
{
	if (result == -ECANCELED || is_interrupted(result))
		return RELAY_CANCELED;
	switch (step) {
	case STEP_SOURCE:
		/* The epoch has moved before the kernel looked. */
		return result == -EAGAIN && relay->source != NULL ?
		    RELAY_READY : RELAY_FAILED;
	case STEP_DRAIN:
		if (result == -EAGAIN)
			return RELAY_NOTHING;
		return result > 0 ? RELAY_READY :
		    result == 0 ? RELAY_ENDED : RELAY_FAILED;
	case STEP_EPOCH:
		return RELAY_READY;
	default:
		/* A count that is full can be read already. */
		return result >= 0 || result == -EAGAIN ? RELAY_FIRED :
		    RELAY_FAILED;
	}
}

/* The completion of a chain. */
void
proactor__ring_relay_done(struct proactor *p, uint64_t *step, int result)
{
	struct proactor_relay *relay = container_of(step - *step,
	    struct proactor_relay, steps);
	enum relay_outcome outcome;

	outcome = outcome_of(relay, (enum relay_step)*step, result);
	if (relay->sink != NULL && *step != STEP_SINK)
		relay->sink->sequence_left++;
	proactor__relay_done(p, relay, outcome,
	    outcome == RELAY_FIRED && result < 0 ? 0 : result);
}
