/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <fcntl.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conformance/conformance.h"

/*
 * Random work: operations of every kind are submitted, cancelled, run into
 * each other's closes; each must have exactly one final callback, with a
 * status that makes sense.  The seed is told; PROACTOR_TEST_SEED sets it.
 */

enum kind {
	NOP, TIMER, WAIT, POLL, RECV, SEND, RECVFROM, SENDTO, ACCEPT, CONNECT,
	READ, WRITE, SEQUENCE, MESSAGE, NOTIFICATION_WAIT, NOTIFICATION_SIGNAL,
	SEMAPHORE_WAIT, SEMAPHORE_SIGNAL, FUTEX_WAIT, FUTEX_WAKE, KINDS
};

#define SLOTS_PER_KIND	6
#define SLOTS		(KINDS * SLOTS_PER_KIND)
#define SOCKETS		12	/* two at a time are a pair */
#define EVENTS		3
#define SEMAPHORES	2
#define SCRATCH		65536
#define STEPS		5

struct work;

/* A socket that is closed at times, and what is in flight on it. */
struct end {
	struct proactor_socket *s;
	struct proactor_socket_close_op close;
	struct proactor_address address;
	struct work *work;
	size_t pending;
	bool closing;
	bool closed;
};

/* Storage of one operation that is submitted again and again. */
struct slot {
	union {
		struct proactor_op base;
		struct proactor_nop_op nop;
		struct proactor_timer_op timer;
		struct proactor_event_wait_op wait;
		struct proactor_handle_poll_op poll;
		struct proactor_recv_op recv;
		struct proactor_send_op send;
		struct proactor_recvfrom_op recvfrom;
		struct proactor_sendto_op sendto;
		struct proactor_accept_op accept;
		struct proactor_connect_op connect;
		struct proactor_file_read_op read;
		struct proactor_file_write_op write;
		struct proactor_sequence_op sequence;
		struct proactor_message_op message;
		struct proactor_notification_wait_op notification_wait;
		struct proactor_notification_signal_op notification_signal;
		struct proactor_semaphore_wait_op semaphore_wait;
		struct proactor_semaphore_signal_op semaphore_signal;
		struct proactor_futex_wait_op futex_wait;
		struct proactor_futex_wake_op futex_wake;
	} op;
	/* A sequence's, in this order. */
	struct proactor_nop_op nop;
	struct proactor_event_wait_op wait;
	struct proactor_timeout_op timeout;
	struct proactor_file_write_op write;
	struct proactor_timer_op timer;
	struct proactor_op *steps[STEPS];
	size_t stepped;
	enum kind kind;
	struct work *work;
	struct end *end;
	size_t submitted;
	size_t finals;
};

struct work {
	struct world w;
	uint64_t random;
	struct slot slots[SLOTS];
	struct end ends[SOCKETS];
	struct proactor_event *events[EVENTS];
	struct proactor_notification *notification;
	struct proactor_semaphore *semaphores[SEMAPHORES];
	uint64_t values[SEMAPHORES];	/* that were signalled, or will be */
	uint32_t word;			/* of the futex operations */
	bool futexes;
	struct proactor_socket *listener;
	struct proactor_address address;
	struct proactor_file *file;
	int fds[2];
	size_t submits;
	size_t finals;
	size_t closes;
	bool over;
	atomic_bool stop;
	atomic_uint next_thread;
	char scratch[SCRATCH];
	char data[SCRATCH];
};

static unsigned int
pick(uint64_t *random, unsigned int below)
{
	*random = *random * UINT64_C(6364136223846793005) +
	    UINT64_C(1442695040888963407);
	return (unsigned int)(*random >> 33) % below;
}

static bool
in_flight(const struct slot *slot)
{
	return slot->submitted != slot->finals;
}

/* --- sockets that come and go --- */

static unsigned int
end_kind(const struct work *k, const struct end *end)
{
	static const unsigned int kinds[SOCKETS / 2] = {
		PROACTOR_SOCKET_UNIX_STREAM, PROACTOR_SOCKET_TCP,
		PROACTOR_SOCKET_TCP, PROACTOR_SOCKET_UNIX_STREAM,
		PROACTOR_SOCKET_UDP, PROACTOR_SOCKET_UNIX_DATAGRAM,
	};

	return kinds[(end - k->ends) / 2];
}

static void
open_ends(struct work *k, struct end *pair)
{
	unsigned int kind = end_kind(k, pair);
	int fds[2], i;

	fd_pair(kind, fds);
	for (i = 0; i < 2; i++) {
		proactor_socket_release(pair[i].s);
		CHECK_INT(proactor_socket_import(k->w.p,
		    proactor_handle_fd(fds[i]), kind, 0, &pair[i].s), 0);
		CHECK_INT(proactor_socket_query_local_address(pair[i].s,
		    &pair[i].address), 0);
		pair[i].work = k;
		pair[i].closing = pair[i].closed = false;
		CHECK_INT(pair[i].pending, 0);
	}
}

static void
end_closed(void *user_data, struct proactor_op *op, int status,
    unsigned int flags)
{
	struct end *end = user_data;

	CHECK(op == &end->close.base);
	CHECK_INT(flags, 0);
	CHECK(end->closing && !end->closed);
	if (status == PROACTOR_ECANCELED && end->work->over) {
		/* It had not begun; the reference has come back. */
		proactor_socket_release(end->s);
		end->closing = false;
		return;
	}
	CHECK_INT(status, 0);
	/* Those before it have all been called back. */
	CHECK_INT(end->pending, 0);
	end->closed = true;
	end->work->closes++;
}

static void
close_end(struct work *k, struct end *end)
{
	if (end->closing)
		return;
	/* The close consumes this reference; the other one stays here. */
	CHECK(proactor_socket_retain(end->s) == end->s);
	proactor_socket_close_op_init(&end->close, end->s, end_closed, end);
	CHECK_INT(proactor_submit_one(k->w.p, &end->close.base), 0);
	end->closing = true;
}

/* --- slots --- */

static bool
status_makes_sense(const struct slot *slot, int status)
{
	switch (slot->kind) {
	case NOP:
	case TIMER:
	case WAIT:
	case POLL:
	case ACCEPT:
	case CONNECT:
	case READ:
	case WRITE:
	case NOTIFICATION_WAIT:
	case NOTIFICATION_SIGNAL:
	case SEMAPHORE_WAIT:
	case FUTEX_WAIT:
	case FUTEX_WAKE:
		return status == 0 || status == PROACTOR_ECANCELED;
	case SEMAPHORE_SIGNAL:
		/* Another one has come before it. */
		return status == 0 || status == PROACTOR_ECANCELED ||
		    status == PROACTOR_EINVAL;
	case SEQUENCE:
		return status == 0 || status == PROACTOR_ECANCELED ||
		    status == PROACTOR_ETIMEDOUT;
	case MESSAGE:
		return status == 0 || status == PROACTOR_ECANCELED ||
		    status == PROACTOR_EAGAIN;
	default:
		/* The other end may be gone. */
		return status == 0 || status == PROACTOR_ECANCELED ||
		    status == PROACTOR_ECONNRESET || status == PROACTOR_EPIPE ||
		    status == PROACTOR_ECONNREFUSED ||
		    status == PROACTOR_ENOTCONN;
	}
}

static void
check_result(struct slot *slot, int status, unsigned int flags)
{
	struct proactor_send_op *send = &slot->op.send;

	if (!status_makes_sense(slot, status))
		FAIL("%s: %s", proactor_op_name(slot->op.base.type),
		    proactor_errname(status));
	if (slot->kind == SEND && status == 0)
		CHECK_INT(send->bytes, send->spans[0].length);
	if (slot->kind == SEND)
		CHECK(send->bytes <= send->spans[0].length);
	if (slot->kind == SEQUENCE) {
		CHECK_INT(slot->stepped, STEPS);
		CHECK((slot->op.sequence.completed == STEPS) == (status == 0));
	}
	if (slot->kind == RECV)
		CHECK(slot->op.recv.bytes <= SCRATCH);
	if (slot->kind == NOTIFICATION_WAIT && status == 0)
		CHECK(slot->op.notification_wait.epoch !=
		    slot->op.notification_wait.token);
	if (slot->kind == SEMAPHORE_SIGNAL)
		CHECK((slot->op.semaphore_signal.signaled == SEMAPHORES) ==
		    (status == 0));
	if (slot->kind == FUTEX_WAKE)
		CHECK(slot->op.futex_wake.woken <= SLOTS_PER_KIND);
	if (flags & PROACTOR_COMPLETION_MORE) {
		CHECK(slot->op.base.flags & PROACTOR_OP_MULTISHOT);
		CHECK_INT(status, 0);
	}
}

static void submit_slot(struct work *k, struct slot *slot);

/* A step is final: each is, in order, and none after the sequence. */
static void
step_called(void *user_data, struct proactor_op *op, int status,
    unsigned int flags)
{
	struct slot *slot = user_data;

	CHECK(in_flight(slot) && slot->stepped < STEPS);
	CHECK(op == slot->steps[slot->stepped++]);
	CHECK_INT(flags, 0);
	CHECK(status_makes_sense(slot, status));
	CHECK(status != PROACTOR_ETIMEDOUT || op == &slot->timeout.base);
}

static int
step(void *user_data, struct proactor_sequence_op *sequence,
    size_t completed_index, struct proactor_op *next)
{
	(void)user_data;
	CHECK_INT(sequence->completed, completed_index + 1);
	CHECK(next == sequence->steps[completed_index + 1]);
	return 0;
}

static void
prepare_steps(struct work *k, struct slot *slot, unsigned int random)
{
	slot->stepped = 0;
	slot->op.sequence.step_fn = random & 1 ? step : NULL;
	slot->wait.event = k->events[random % EVENTS];
	slot->timeout.deadline = proactor_deadline_after(random % 1000000);
	slot->timer.deadline = proactor_deadline_after(random % 500000);
}

static void
init_steps(struct work *k, struct slot *slot)
{
	proactor_nop_op_init(&slot->nop, step_called, slot);
	proactor_event_wait_op_init(&slot->wait, NULL, step_called, slot);
	proactor_timeout_op_init(&slot->timeout, 0, step_called, slot);
	proactor_file_write_op_init(&slot->write, k->file, 0,
	    proactor_span(k->data, 512), step_called, slot);
	proactor_timer_op_init(&slot->timer, 0, step_called, slot);
	slot->steps[0] = &slot->nop.base;
	slot->steps[1] = &slot->wait.base;
	slot->steps[2] = &slot->timeout.base;
	slot->steps[3] = &slot->write.base;
	slot->steps[4] = &slot->timer.base;
}

static void
slot_called(void *user_data, struct proactor_op *op, int status,
    unsigned int flags)
{
	struct slot *slot = user_data;
	struct work *k = slot->work;

	CHECK(op == &slot->op.base);
	CHECK(in_flight(slot));
	check_result(slot, status, flags);
	if (slot->kind == ACCEPT && status == 0)
		proactor_socket_release(slot->op.accept.accepted);
	if (flags & PROACTOR_COMPLETION_MORE)
		return;
	slot->finals++;
	k->finals++;
	if (slot->kind == CONNECT) {
		proactor_socket_release(slot->op.connect.socket);
		slot->op.connect.socket = NULL;
	}
	if (slot->end != NULL)
		slot->end->pending--;
	if (!k->over && pick(&k->random, 4) == 0)
		submit_slot(k, slot);
}

/* An end of the right type at random. */
static struct end *
pick_end(struct work *k, enum kind kind)
{
	if (kind == RECV || kind == SEND)
		return &k->ends[pick(&k->random, 8)];
	return &k->ends[8 + pick(&k->random, 4)];
}

/* The same for those that wait for each other. */
static void
prepare_wait(struct work *k, struct slot *slot, unsigned int random)
{
	struct proactor_semaphore_wait_op *wait = &slot->op.semaphore_wait;
	int i;

	switch (slot->kind) {
	case NOTIFICATION_SIGNAL:
		slot->op.notification_signal.count = random & 1 ? INT32_MAX :
		    1 + (int32_t)(random % 4);
		break;
	case SEMAPHORE_WAIT:
		wait->wait_flags = random & 1 ? PROACTOR_WAIT_ALL :
		    PROACTOR_WAIT_ANY;
		for (i = 0; i < SEMAPHORES; i++)
			wait->values[i] = k->values[i] + (random >> i) % 8;
		break;
	case SEMAPHORE_SIGNAL:
		for (i = 0; i < SEMAPHORES; i++)
			slot->op.semaphore_signal.values[i] =
			    k->values[i] += 1 + (random >> i) % 3;
		break;
	case FUTEX_WAIT:
		/* Now and then it differs already. */
		slot->op.futex_wait.expected = random % 4 == 0;
		break;
	case FUTEX_WAKE:
		slot->op.futex_wake.count = 1 + (int32_t)(random % 4);
		break;
	default:
		break;
	}
}

/* New inputs for an operation that was initialised once. */
static void
prepare(struct work *k, struct slot *slot)
{
	unsigned int random = pick(&k->random, 1u << 30);
	size_t length = 1 + random % (random & 0x100000 ? SCRATCH : 512);
	struct proactor_span in = proactor_span(k->scratch, length);
	struct proactor_span out = proactor_span(k->data, length);

	slot->op.base.flags = 0;
	slot->end = NULL;
	switch (slot->kind) {
	case TIMER:
		slot->op.timer.deadline = random & 1 ? PROACTOR_FOREVER :
		    proactor_deadline_after(random % 2000000);
		break;
	case WAIT:
		slot->op.wait.event = k->events[random % EVENTS];
		break;
	case POLL:
		slot->op.poll.handle = proactor_handle_fd(k->fds[0]);
		slot->op.poll.wanted = PROACTOR_POLL_IN;
		break;
	case RECV:
		slot->end = pick_end(k, RECV);
		slot->op.recv.socket = slot->end->s;
		slot->op.recv.spans[0] = in;
		if (random & 1)
			slot->op.base.flags = PROACTOR_OP_MULTISHOT;
		break;
	case SEND:
		slot->end = pick_end(k, SEND);
		slot->op.send.socket = slot->end->s;
		slot->op.send.spans[0] = out;
		break;
	case RECVFROM:
		slot->end = pick_end(k, RECVFROM);
		slot->op.recvfrom.socket = slot->end->s;
		slot->op.recvfrom.spans[0] = in;
		break;
	case SENDTO:
		slot->end = pick_end(k, SENDTO);
		slot->op.sendto.socket = slot->end->s;
		slot->op.sendto.address =
		    k->ends[(slot->end - k->ends) ^ 1].address;
		slot->op.sendto.spans[0] = proactor_span(k->data,
		    length % 2000 + 1);
		break;
	case ACCEPT:
		if (random & 1)
			slot->op.base.flags = PROACTOR_OP_MULTISHOT;
		break;
	case CONNECT:
		CHECK_INT(proactor_socket_create(k->w.p, PROACTOR_SOCKET_TCP,
		    PROACTOR_SOCKET_LINGER_ZERO, &slot->op.connect.socket), 0);
		break;
	case READ:
		slot->op.read.offset = random % 4096;
		slot->op.read.span = in;
		break;
	case WRITE:
		slot->op.write.offset = random % 4096;
		slot->op.write.span = out;
		break;
	case SEQUENCE:
		prepare_steps(k, slot, random);
		break;
	default:
		prepare_wait(k, slot, random);
		break;
	}
}

static void
submit_slot(struct work *k, struct slot *slot)
{
	int status, wanted = 0;

	prepare(k, slot);
	if (slot->end != NULL && slot->end->closing)
		wanted = PROACTOR_EBADF;
	if (!k->futexes && (slot->kind == FUTEX_WAIT ||
	    slot->kind == FUTEX_WAKE))
		wanted = PROACTOR_ENOTSUP;
	status = proactor_submit_one(k->w.p, &slot->op.base);
	CHECK_INT(status, wanted);
	if (status != 0) {
		slot->end = NULL;
		return;
	}
	slot->submitted++;
	k->submits++;
	if (slot->end != NULL)
		slot->end->pending++;
}

static void
init_wait(struct work *k, struct slot *slot)
{
	static const uint64_t values[SEMAPHORES] = { 0 };
	proactor_callback fn = slot_called;

	switch (slot->kind) {
	case NOTIFICATION_WAIT:
		proactor_notification_wait_op_init(
		    &slot->op.notification_wait, k->notification, fn, slot);
		break;
	case NOTIFICATION_SIGNAL:
		proactor_notification_signal_op_init(
		    &slot->op.notification_signal, k->notification, 1, fn,
		    slot);
		break;
	case SEMAPHORE_WAIT:
		proactor_semaphore_wait_op_init(&slot->op.semaphore_wait,
		    PROACTOR_WAIT_ALL, k->semaphores, values, SEMAPHORES, fn,
		    slot);
		break;
	case SEMAPHORE_SIGNAL:
		proactor_semaphore_signal_op_init(&slot->op.semaphore_signal,
		    k->semaphores, values, SEMAPHORES, fn, slot);
		break;
	case FUTEX_WAIT:
		proactor_futex_wait_op_init(&slot->op.futex_wait, &k->word, 0,
		    PROACTOR_FUTEX_32 | PROACTOR_FUTEX_PRIVATE, fn, slot);
		break;
	default:
		proactor_futex_wake_op_init(&slot->op.futex_wake, &k->word, 1,
		    PROACTOR_FUTEX_32 | PROACTOR_FUTEX_PRIVATE, fn, slot);
		break;
	}
}

static void
init_slot(struct work *k, struct slot *slot, enum kind kind)
{
	struct proactor_span span = proactor_span(k->scratch, 1);
	struct proactor_address *address = &k->address;
	proactor_callback fn = slot_called;

	slot->kind = kind;
	slot->work = k;
	switch (kind) {
	case NOP:
		proactor_nop_op_init(&slot->op.nop, fn, slot);
		break;
	case TIMER:
		proactor_timer_op_init(&slot->op.timer, 0, fn, slot);
		break;
	case WAIT:
		proactor_event_wait_op_init(&slot->op.wait, NULL, fn, slot);
		break;
	case POLL:
		proactor_handle_poll_op_init(&slot->op.poll,
		    proactor_handle_none(), PROACTOR_POLL_IN, fn, slot);
		break;
	case RECV:
		proactor_recv_op_init(&slot->op.recv, NULL, &span, 1, fn,
		    slot);
		break;
	case SEND:
		proactor_send_op_init(&slot->op.send, NULL, &span, 1, 0, fn,
		    slot);
		break;
	case RECVFROM:
		proactor_recvfrom_op_init(&slot->op.recvfrom, NULL, &span, 1,
		    fn, slot);
		break;
	case SENDTO:
		proactor_sendto_op_init(&slot->op.sendto, NULL, &span, 1,
		    NULL, 0, fn, slot);
		break;
	case ACCEPT:
		proactor_accept_op_init(&slot->op.accept, k->listener, fn,
		    slot);
		break;
	case CONNECT:
		proactor_connect_op_init(&slot->op.connect, NULL, address, fn,
		    slot);
		break;
	case READ:
		proactor_file_read_op_init(&slot->op.read, k->file, 0, span,
		    fn, slot);
		break;
	case WRITE:
		proactor_file_write_op_init(&slot->op.write, k->file, 0, span,
		    fn, slot);
		break;
	case SEQUENCE:
		init_steps(k, slot);
		proactor_sequence_op_init(&slot->op.sequence, slot->steps,
		    STEPS, NULL, fn, slot);
		break;
	case MESSAGE:
		proactor_message_op_init(&slot->op.message, k->w.p, 1, 0, fn,
		    slot);
		break;
	default:
		init_wait(k, slot);
		break;
	}
}

/* --- the whole --- */

static void
take_message(void *user_data, struct proactor *p, uint64_t data)
{
	(void)user_data;
	(void)p;
	CHECK_INT(data, 1);
}

static struct work *
work_open(const struct proactor_options *options, uint64_t salt)
{
	const char *text = getenv("PROACTOR_TEST_SEED");
	struct work *k = calloc(1, sizeof(*k));
	char path[PATH_ROOM];
	uint64_t seed;
	int fd, i;

	CHECK(k != NULL);
	seed = text != NULL ? strtoull(text, NULL, 0) :
	    (uint64_t)proactor_now();
	tap_diag("PROACTOR_TEST_SEED=%llu", (unsigned long long)seed);
	k->random = seed ^ salt;
	world_open(&k->w, options);
	CHECK_INT(proactor_set_message_callback(k->w.p, take_message, k), 0);
	for (i = 0; i < EVENTS; i++)
		CHECK_INT(proactor_event_create(k->w.p, &k->events[i]), 0);
	CHECK_INT(proactor_notification_create(k->w.p, &k->notification), 0);
	for (i = 0; i < SEMAPHORES; i++)
		CHECK_INT(proactor_semaphore_create(k->w.p, 0,
		    &k->semaphores[i]), 0);
	k->futexes = (proactor_query_capabilities(k->w.p) &
	    PROACTOR_CAP_FUTEX_OPERATIONS) != 0;
	for (i = 0; i < SOCKETS; i += 2)
		open_ends(k, &k->ends[i]);
	k->listener = listener_open(&k->w, PROACTOR_SOCKET_TCP, 0,
	    &k->address);
	fd = open(temp_path(path, "random"), O_RDWR | O_CREAT | O_CLOEXEC,
	    0600);
	CHECK(fd != -1);
	CHECK_INT(proactor_file_import(k->w.p, proactor_handle_fd(fd),
	    &k->file), 0);
	CHECK_INT(pipe2(k->fds, O_CLOEXEC | O_NONBLOCK), 0);
	for (i = 0; i < SLOTS; i++)
		init_slot(k, &k->slots[i], (enum kind)(i / SLOTS_PER_KIND));
	return k;
}

static void
work_close(struct work *k)
{
	int i;

	k->over = true;
	CHECK_INT(proactor_shutdown(k->w.p, patience()), 0);
	for (i = 0; i < SLOTS; i++)
		CHECK_INT(k->slots[i].finals, k->slots[i].submitted);
	CHECK_INT(k->finals, k->submits);
	tap_diag("%zu operations, %zu closes", k->submits, k->closes);
	for (i = 0; i < SOCKETS; i++) {
		CHECK_INT(k->ends[i].closing, k->ends[i].closed);
		proactor_socket_release(k->ends[i].s);
	}
	for (i = 0; i < EVENTS; i++)
		proactor_event_release(k->events[i]);
	for (i = 0; i < SEMAPHORES; i++)
		proactor_semaphore_release(k->semaphores[i]);
	proactor_notification_release(k->notification);
	proactor_socket_release(k->listener);
	proactor_file_release(k->file);
	close_fds(k->fds);
	world_close(&k->w);
	free(k);
}

static void
act(struct work *k, bool alone)
{
	struct slot *slot = &k->slots[pick(&k->random, SLOTS)];
	struct end *pair;
	int status;
	char byte;

	switch (pick(&k->random, 16)) {
	case 0:
	case 1:
		status = proactor_cancel(k->w.p, &slot->op.base);
		CHECK(status == (in_flight(slot) ? 0 : PROACTOR_ENOENT));
		if (slot->kind == SEQUENCE)
			(void)proactor_cancel(k->w.p,
			    slot->steps[pick(&k->random, STEPS)]);
		break;
	case 2:
		CHECK_INT(proactor_event_set(k->events[pick(&k->random,
		    EVENTS)]), 0);
		break;
	case 3:
		(void)!write(k->fds[1], "x", 1);
		break;
	case 4:
		(void)!read(k->fds[0], &byte, 1);
		break;
	case 5:
		status = proactor_poll(k->w.p, PROACTOR_IMMEDIATE, NULL);
		CHECK(status == 0 || status == PROACTOR_ETIMEDOUT);
		break;
	case 6:
		if (pick(&k->random, 8) == 0)
			close_end(k, &k->ends[pick(&k->random, SOCKETS)]);
		break;
	case 7:
		pair = &k->ends[pick(&k->random, SOCKETS / 2) * 2];
		if (pair[0].closed && pair[1].closed)
			open_ends(k, pair);
		break;
	case 8:
		if (alone)
			CHECK_INT(proactor_wake(k->w.p), 0);
		break;
	default:
		if (!in_flight(slot))
			submit_slot(k, slot);
		else
			CHECK_INT(proactor_submit_one(k->w.p, &slot->op.base),
			    PROACTOR_EBUSY);
		break;
	}
}

static void
run_alone(uint64_t flags, uint32_t concurrency, uint64_t salt, size_t steps)
{
	struct proactor_options o;
	struct work *k;
	size_t before, i;

	before = open_fds();
	world_options(&o);
	o.flags = flags;
	o.max_concurrent_operations = concurrency;
	k = work_open(&o, salt);
	for (i = 0; i < steps; i++)
		act(k, true);
	work_close(k);
	CHECK_INT(open_fds(), before);
}

static void
random_alone(void)
{
	run_alone(0, 0, 1, 40000);
}

static void
random_small_ring(void)
{
	run_alone(0, 8, 2, 40000);
}

static void
random_deferred(void)
{
	run_alone(PROACTOR_DEFER_SUBMIT, 16, 3, 40000);
}

/* Ends within a few steps, at a different moment each time. */
static void
random_short(void)
{
	int i;

	for (i = 0; i < 40; i++)
		run_alone(0, i % 2 == 0 ? 0 : 8, (uint64_t)i << 8, 20 +
		    (size_t)i * 7);
}

static void *
disturb(void *arg)
{
	struct work *k = arg;
	uint64_t random = atomic_fetch_add(&k->next_thread, 1) + 1;
	struct slot *slot;
	int status;

	while (!atomic_load(&k->stop)) {
		slot = &k->slots[pick(&random, SLOTS)];
		status = proactor_cancel(k->w.p, &slot->op.base);
		CHECK(status == 0 || status == PROACTOR_ENOENT);
		if (pick(&random, 4) == 0)
			CHECK_INT(proactor_event_set(k->events[pick(&random,
			    EVENTS)]), 0);
		if (pick(&random, 4) == 0)
			CHECK_INT(proactor_wake(k->w.p), 0);
		if (pick(&random, 4) == 0)
			CHECK_INT(proactor_notification_signal(k->notification,
			    1), 0);
		sched_yield();
	}
	return NULL;
}

static void
random_disturbed(void)
{
	struct work *k = work_open(NULL, 4);
	pthread_t threads[3];
	size_t i;

	for (i = 0; i < 3; i++)
		thread_start(&threads[i], disturb, k);
	for (i = 0; i < 20000; i++)
		act(k, false);
	atomic_store(&k->stop, true);
	for (i = 0; i < 3; i++)
		thread_join(threads[i]);
	work_close(k);
}

const struct tap_case random_cases[] = {
	{ "random: exactly one final callback each", random_alone },
	{ "random: the same on a ring of 8 entries", random_small_ring },
	{ "random: the same with deferred submission", random_deferred },
	{ "random: the same, shut down after a few steps", random_short },
	{ "random: the same while three threads cancel, set, signal and wake",
	    random_disturbed },
	{ NULL, NULL }
};
