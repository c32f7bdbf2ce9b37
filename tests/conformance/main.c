/* SPDX-License-Identifier: ISC */
/*
 * conformance BACKEND [mask=WHAT ...]: the cases of the contract against one
 * backend.  WHAT is a capability by name, "all", or its bits in hexadecimal;
 * a masked capability is not allowed, so what stands in for it is tested.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conformance/conformance.h"

static const struct {
	const char *name;
	uint64_t bits;
} capabilities[] = {
	{ "all", PROACTOR_CAP_ALL },
	{ "multishot", PROACTOR_CAP_MULTISHOT },
	{ "fixed-files", PROACTOR_CAP_FIXED_FILES },
	{ "registered-buffers", PROACTOR_CAP_REGISTERED_BUFFERS },
	{ "linked", PROACTOR_CAP_LINKED_OPERATIONS },
	{ "zero-copy", PROACTOR_CAP_ZERO_COPY_SEND },
	{ "device-fence", PROACTOR_CAP_DEVICE_FENCE },
	{ "futex", PROACTOR_CAP_FUTEX_OPERATIONS },
	{ "absolute-timeout", PROACTOR_CAP_ABSOLUTE_TIMEOUT },
	{ "messaging", PROACTOR_CAP_PROACTOR_MESSAGING },
};

static const struct tap_case *const tables[] = {
	core_cases,
	value_cases,
	capability_cases,
	allocation_cases,
	allocator_cases,
	submit_cases,
	resubmit_cases,
	flight_cases,
	poll_cases,
	wake_cases,
	timer_cases,
	timer_many_cases,
	event_cases,
	pool_cases,
	op_pool_cases,
	op_pool_return_cases,
	op_pool_thread_cases,
	notification_cases,
	notification_signal_cases,
	notification_peer_cases,
	notification_shared_cases,
	notification_wait_cases,
	relay_cases,
	relay_end_cases,
	relay_kernel_cases,
	futex_cases,
	futex_plain_cases,
	source_cases,
	readiness_cases,
	message_cases,
	message_order_cases,
	semaphore_cases,
	timepoint_cases,
	timepoint_callback_cases,
	timepoint_thread_cases,
	semaphore_link_cases,
	semaphore_multi_cases,
	semaphore_op_cases,
	semaphore_end_cases,
	semaphore_race_cases,
	fence_cases,
	fence_export_cases,
	signal_cases,
	signal_several_cases,
	signal_mask_cases,
	signal_owner_cases,
	thread_cases,
	affinity_cases,
	proactor_pool_cases,
	proactor_pool_end_cases,
	crowd_cases,
	shutdown_cases,
	release_cases,
	fork_cases,
	socket_cases,
	endpoint_cases,
	stream_cases,
	order_cases,
	multishot_cases,
	zero_copy_cases,
	datagram_cases,
	datagram_address_cases,
	datagram_many_cases,
	accept_cases,
	accept_many_cases,
	connect_cases,
	close_cases,
	closed_cases,
	cancel_cases,
	cancel_send_cases,
	cancel_kinds_cases,
	file_cases,
	file_io_cases,
	file_pipe_cases,
	link_cases,
	link_end_cases,
	timeout_cases,
	timeout_chain_cases,
	timeout_end_cases,
	sequence_cases,
	sequence_step_cases,
	sequence_nested_cases,
	sequence_refuse_cases,
	sequence_cancel_cases,
	sequence_end_cases,
	sequence_seam_cases,
	argument_cases,
	argument_op_cases,
	argument_input_cases,
	codes_cases,
	random_cases,
	NULL
};

static void
usage(void)
{
	fprintf(stderr, "usage: conformance backend [mask=capability ...]\n");
	exit(2);
}

static uint64_t
parse_mask(const char *text)
{
	uint64_t bits;
	char *end;
	size_t i;

	for (i = 0; i < sizeof(capabilities) / sizeof(capabilities[0]); i++)
		if (strcmp(text, capabilities[i].name) == 0)
			return capabilities[i].bits;
	errno = 0;
	bits = strtoull(text, &end, 16);
	if (errno != 0 || end == text || *end != '\0')
		usage();
	return bits;
}

int
main(int argc, char **argv)
{
	char why[WHY_ROOM];
	int i;

	if (argc < 2)
		usage();
	selected.backend = argv[1];
	for (i = 2; i < argc; i++) {
		if (strncmp(argv[i], "mask=", 5) != 0)
			usage();
		selected.masked |= parse_mask(argv[i] + 5);
	}
	if (!backend_works(why))
		tap_skip_all("%s", why);
	return run_tables(tables);
}
