# SPDX-License-Identifier: ISC
# Pages are listed here by hand.  The other names a page answers to are files
# of one line; `sh build-aux/man-aliases.sh' writes those and man/aliases.mk.

dist_man_MANS += \
	man/man1/proactor-info.1 \
	man/man3/proactor_accept_op_init.3 \
	man/man3/proactor_address.3 \
	man/man3/proactor_affinity_query.3 \
	man/man3/proactor_backend_name.3 \
	man/man3/proactor_cancel.3 \
	man/man3/proactor_connect_op_init.3 \
	man/man3/proactor_create.3 \
	man/man3/proactor_event_create.3 \
	man/man3/proactor_event_pool_init.3 \
	man/man3/proactor_file_open_op_init.3 \
	man/man3/proactor_file_read_op_init.3 \
	man/man3/proactor_futex_wait_op_init.3 \
	man/man3/proactor_handle_fd.3 \
	man/man3/proactor_handle_poll_op_init.3 \
	man/man3/proactor_import_fence.3 \
	man/man3/proactor_nop_op_init.3 \
	man/man3/proactor_notification_create.3 \
	man/man3/proactor_now.3 \
	man/man3/proactor_op_pool_create.3 \
	man/man3/proactor_op_size.3 \
	man/man3/proactor_poll.3 \
	man/man3/proactor_pool_create.3 \
	man/man3/proactor_recv_op_init.3 \
	man/man3/proactor_register_event_source.3 \
	man/man3/proactor_semaphore_acquire_timepoint.3 \
	man/man3/proactor_semaphore_create.3 \
	man/man3/proactor_semaphore_link.3 \
	man/man3/proactor_semaphore_multi_wait.3 \
	man/man3/proactor_semaphore_wait_op_init.3 \
	man/man3/proactor_register_relay.3 \
	man/man3/proactor_send_message.3 \
	man/man3/proactor_send_op_init.3 \
	man/man3/proactor_sequence_op_init.3 \
	man/man3/proactor_shutdown.3 \
	man/man3/proactor_socket_close_op_init.3 \
	man/man3/proactor_socket_create.3 \
	man/man3/proactor_socket_query_state.3 \
	man/man3/proactor_strerror.3 \
	man/man3/proactor_submit.3 \
	man/man3/proactor_subscribe_signal.3 \
	man/man3/proactor_thread_create.3 \
	man/man3/proactor_timeout_op_init.3 \
	man/man3/proactor_timer_op_init.3 \
	man/man3/proactor_version.3 \
	man/man7/proactor.7 \
	man/man7/proactor_backends.7 \
	man/man7/proactor_cancelation.7 \
	man/man7/proactor_errors.7 \
	man/man7/proactor_operations.7 \
	man/man7/proactor_sequences.7 \
	man/man7/proactor_synchronization.7 \
	man/man7/proactor_threads.7 \
	# EOL

include man/aliases.mk
