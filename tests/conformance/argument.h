/* SPDX-License-Identifier: ISC */
/* Bad arguments and bad operations, and how they are refused. */
#ifndef ARGUMENT_H
#define ARGUMENT_H

#include "conformance/transfer.h"

/* A pointer that nobody may follow, to see whether it was touched. */
#define UNTOUCHED	((void *)(uintptr_t)0x5555)

/* One of each type, good as it is, of one proactor. */
struct zoo {
	struct proactor_event *event;
	struct proactor_socket *listener;
	struct proactor_socket *stream;
	struct proactor_socket *datagram;
	struct proactor_socket *fresh;
	struct proactor_file *file;
	struct proactor_address address;
	int fd;
	char path[PATH_ROOM];
	char memory[8];
	struct proactor_nop_op nop;
	struct proactor_timer_op timer;
	struct proactor_event_wait_op event_wait;
	struct proactor_handle_poll_op handle_poll;
	struct proactor_accept_op accept;
	struct proactor_connect_op connect;
	struct proactor_recv_op recv;
	struct proactor_send_op send;
	struct proactor_recvfrom_op recvfrom;
	struct proactor_sendto_op sendto;
	struct proactor_socket_close_op socket_close;
	struct proactor_file_open_op file_open;
	struct proactor_file_read_op file_read;
	struct proactor_file_write_op file_write;
	struct proactor_file_close_op file_close;
	struct proactor_message_op message;
	struct proactor_op *ops[16];
};

struct zoo *zoo_open(struct world *w);
void	 zoo_close(struct zoo *z);

/* What submit says of it; it must not be called back later. */
int	 refuse(struct world *w, struct proactor_op *op);

/* ... and that is wanted. */
void	 check_refused(struct world *w, struct proactor_op *op, int wanted);

#endif
