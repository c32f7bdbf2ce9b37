/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "conformance/everything.h"

void
everything_open(struct everything *f, const struct proactor_options *options)
{
	struct proactor_address address;

	memset(f, 0, sizeof(*f));
	world_open(&f->w, options);
	CHECK_INT(proactor_event_create(f->w.p, &f->event), 0);
	CHECK_INT(proactor_notification_create(f->w.p, &f->notification), 0);
	CHECK_INT(proactor_semaphore_create(f->w.p, 0, &f->semaphore), 0);
	pair_open(&f->w, PROACTOR_SOCKET_UNIX_STREAM, 0, &f->pair);
	pair_open(&f->w, PROACTOR_SOCKET_UDP, 0, &f->datagrams);
	f->listener = listener_open(&f->w, PROACTOR_SOCKET_TCP, 0, &address);
	CHECK_INT(pipe2(f->fds, O_CLOEXEC), 0);
}

void
everything_submit(struct everything *f)
{
	static const uint64_t one = 1;
	struct proactor_span spans[4];
	struct proactor_op *ops[EVERYTHING] = { &f->timer.base, &f->wait.base,
		&f->poll.base, &f->recv.base, &f->recv_behind.base,
		&f->recvfrom.base, &f->accept.base, &f->notified.base,
		&f->reached.base, &f->nop.base };
	size_t i;

	for (i = 0; i < 4; i++)
		spans[i] = proactor_span(f->bytes[i], sizeof(f->bytes[i]));
	proactor_timer_op_init(&f->timer, PROACTOR_FOREVER, record, &f->w.r);
	proactor_event_wait_op_init(&f->wait, f->event, record, &f->w.r);
	proactor_handle_poll_op_init(&f->poll, proactor_handle_fd(f->fds[0]),
	    PROACTOR_POLL_IN, record, &f->w.r);
	proactor_recv_op_init(&f->recv, f->pair.a, &spans[0], 1, record,
	    &f->w.r);
	proactor_recv_op_init(&f->recv_behind, f->pair.a, &spans[1], 1,
	    record, &f->w.r);
	proactor_recvfrom_op_init(&f->recvfrom, f->datagrams.a, &spans[2], 1,
	    record, &f->w.r);
	proactor_accept_op_init(&f->accept, f->listener, record, &f->w.r);
	proactor_notification_wait_op_init(&f->notified, f->notification,
	    record, &f->w.r);
	proactor_semaphore_wait_op_init(&f->reached, PROACTOR_WAIT_ALL,
	    &f->semaphore, &one, 1, record, &f->w.r);
	proactor_nop_op_init(&f->nop, record, &f->w.r);
	CHECK_INT(proactor_submit(f->w.p, ops, EVERYTHING), 0);
}

void
everything_drop(struct everything *f)
{
	proactor_event_release(f->event);
	proactor_notification_release(f->notification);
	proactor_semaphore_release(f->semaphore);
	proactor_socket_release(f->pair.a);
	proactor_socket_release(f->pair.b);
	proactor_socket_release(f->datagrams.a);
	proactor_socket_release(f->datagrams.b);
	proactor_socket_release(f->listener);
	close_fds(f->fds);
}

void
everything_ended(struct everything *f)
{
	struct proactor_op *ops[EVERYTHING] = { &f->timer.base, &f->wait.base,
		&f->poll.base, &f->recv.base, &f->recv_behind.base,
		&f->recvfrom.base, &f->accept.base, &f->notified.base,
		&f->reached.base, &f->nop.base };
	size_t i;
	int status;

	CHECK_INT(f->w.r.calls, EVERYTHING);
	for (i = 0; i < EVERYTHING; i++) {
		CHECK_INT(finals_of(&f->w.r, ops[i]), 1);
		status = status_of(&f->w.r, ops[i]);
		CHECK(status == PROACTOR_ECANCELED ||
		    (ops[i] == &f->nop.base && status == 0));
	}
}
