/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "conformance/random.h"

/* The operations of random work: inputs, callbacks, what makes sense. */

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
		work_submit_slot(k, slot);
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

void
work_submit_slot(struct work *k, struct slot *slot)
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

void
work_init_slot(struct work *k, struct slot *slot, enum kind kind)
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
