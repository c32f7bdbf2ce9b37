/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conformance/argument.h"

/* One operation of each type, and the refusal of those that are made bad. */

static void
zoo_operations(struct zoo *z, struct world *w)
{
	struct proactor_span span = proactor_span(z->memory, 8);
	struct recorder *r = &w->r;
	struct proactor_op *const ops[] = {
		&z->nop.base, &z->timer.base, &z->event_wait.base,
		&z->handle_poll.base, &z->accept.base, &z->connect.base,
		&z->recv.base, &z->send.base, &z->recvfrom.base,
		&z->sendto.base, &z->socket_close.base, &z->file_open.base,
		&z->file_read.base, &z->file_write.base,
		&z->file_close.base, &z->message.base,
	};

	memcpy(z->ops, ops, sizeof(ops));
	proactor_nop_op_init(&z->nop, record, r);
	proactor_timer_op_init(&z->timer, 1, record, r);
	proactor_event_wait_op_init(&z->event_wait, z->event, record, r);
	proactor_handle_poll_op_init(&z->handle_poll,
	    proactor_handle_fd(z->fd), PROACTOR_POLL_IN, record, r);
	proactor_accept_op_init(&z->accept, z->listener, record, r);
	proactor_connect_op_init(&z->connect, z->fresh, &z->address, record,
	    r);
	proactor_recv_op_init(&z->recv, z->stream, &span, 1, record, r);
	proactor_send_op_init(&z->send, z->stream, &span, 1, 0, record, r);
	proactor_recvfrom_op_init(&z->recvfrom, z->datagram, &span, 1, record,
	    r);
	proactor_sendto_op_init(&z->sendto, z->datagram, &span, 1,
	    &z->address, 0, record, r);
	proactor_socket_close_op_init(&z->socket_close, z->stream, record,
	    r);
	proactor_file_open_op_init(&z->file_open, z->path,
	    PROACTOR_FILE_READ, 0, record, r);
	proactor_file_read_op_init(&z->file_read, z->file, 0, span, record,
	    r);
	proactor_file_write_op_init(&z->file_write, z->file, 0, span, record,
	    r);
	proactor_file_close_op_init(&z->file_close, z->file, record, r);
	proactor_message_op_init(&z->message, w->p, 1, 0, record, r);
}

struct zoo *
zoo_open(struct world *w)
{
	struct zoo *z = calloc(1, sizeof(*z));
	int fd;

	CHECK(z != NULL);
	CHECK_INT(proactor_event_create(w->p, &z->event), 0);
	z->listener = listener_open(w, PROACTOR_SOCKET_TCP, 0, &z->address);
	z->stream = half_pair(w, PROACTOR_SOCKET_TCP, 0, &z->fd);
	CHECK_INT(proactor_socket_create(w->p, PROACTOR_SOCKET_UDP, 0,
	    &z->datagram), 0);
	CHECK_INT(proactor_socket_create(w->p, PROACTOR_SOCKET_TCP, 0,
	    &z->fresh), 0);
	fd = open(temp_path(z->path, "f"), O_RDWR | O_CREAT | O_CLOEXEC,
	    0600);
	CHECK(fd != -1);
	CHECK_INT(proactor_file_import(w->p, proactor_handle_fd(fd),
	    &z->file), 0);
	zoo_operations(z, w);
	return z;
}

void
zoo_close(struct zoo *z)
{
	proactor_event_release(z->event);
	proactor_socket_release(z->listener);
	proactor_socket_release(z->stream);
	proactor_socket_release(z->datagram);
	proactor_socket_release(z->fresh);
	proactor_file_release(z->file);
	close(z->fd);
	free(z);
}

int
refuse(struct world *w, struct proactor_op *op)
{
	int status = proactor_submit_one(w->p, op);

	CHECK(status != 0);
	CHECK_INT(proactor_cancel(w->p, op), PROACTOR_ENOENT);
	return status;
}

void
check_refused(struct world *w, struct proactor_op *op, int wanted)
{
	int status = refuse(w, op);

	if (status != wanted)
		FAIL("%s: %s, wanted %s", proactor_op_name(op->type),
		    proactor_errname(status), proactor_errname(wanted));
}
