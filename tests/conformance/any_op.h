/* SPDX-License-Identifier: ISC */
/* Storage of one operation of whichever type. */
#ifndef ANY_OP_H
#define ANY_OP_H

#include <proactor.h>

union any_op {
	struct proactor_op base;
	struct proactor_nop_op nop;
	struct proactor_timer_op timer;
	struct proactor_timeout_op timeout;
	struct proactor_event_wait_op wait;
	struct proactor_handle_poll_op poll;
	struct proactor_accept_op accept;
	struct proactor_connect_op connect;
	struct proactor_recv_op recv;
	struct proactor_send_op send;
	struct proactor_recvfrom_op recvfrom;
	struct proactor_sendto_op sendto;
	struct proactor_socket_close_op close;
	struct proactor_file_open_op open;
	struct proactor_file_read_op read;
	struct proactor_file_write_op write;
	struct proactor_file_close_op file_close;
	struct proactor_futex_wait_op futex_wait;
	struct proactor_futex_wake_op futex_wake;
	struct proactor_message_op message;
	struct proactor_notification_wait_op notification_wait;
	struct proactor_notification_signal_op notification_signal;
	struct proactor_semaphore_wait_op semaphore_wait;
	struct proactor_semaphore_signal_op semaphore_signal;
	struct proactor_sequence_op sequence;
};

#endif
