/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <unistd.h>
#include <string.h>

#include "conformance/argument.h"

/*
 * Bad arguments of functions: each is refused with its code and nothing is
 * returned.  What only one subject has is tested with the subject.
 */

/* --- NULL --- */

static void
no_proactor(void)
{
	struct proactor_handle none = proactor_handle_none();
	struct proactor_event_source *source = UNTOUCHED;
	struct proactor_thread *thread = UNTOUCHED;
	struct proactor_socket *s = UNTOUCHED;
	struct proactor_event *event = UNTOUCHED;
	struct proactor_file *f = UNTOUCHED;
	struct proactor_nop_op nop;
	struct proactor_op *op = &nop.base;
	unsigned int tier = 77;
	const char *reason = UNTOUCHED;
	size_t completed = 77;

	proactor_nop_op_init(&nop, record, NULL);
	CHECK_INT(proactor_submit(NULL, &op, 1), PROACTOR_EINVAL);
	CHECK_INT(proactor_submit_one(NULL, op), PROACTOR_EINVAL);
	CHECK_INT(proactor_flush(NULL), PROACTOR_EINVAL);
	CHECK_INT(proactor_cancel(NULL, op), PROACTOR_EINVAL);
	CHECK_INT(proactor_poll(NULL, PROACTOR_IMMEDIATE, &completed),
	    PROACTOR_EINVAL);
	CHECK_INT(completed, 77);
	CHECK_INT(proactor_wake(NULL), PROACTOR_EINVAL);
	CHECK_INT(proactor_shutdown(NULL, PROACTOR_IMMEDIATE),
	    PROACTOR_EINVAL);
	CHECK_INT(proactor_shutdown_remaining(NULL, NULL, NULL), 0);
	CHECK_INT(proactor_explain_capability(NULL, PROACTOR_CAP_MULTISHOT,
	    &tier, &reason), PROACTOR_EINVAL);
	CHECK_INT(tier, 77);
	CHECK(reason == UNTOUCHED);
	CHECK_INT(proactor_query_capabilities(NULL), 0);
	CHECK(proactor_backend_name(NULL) == NULL);
	CHECK(proactor_backend_reason(NULL) == NULL);
	CHECK(proactor_debug_name(NULL) == NULL);
	CHECK(proactor_retain(NULL) == NULL);
	proactor_release(NULL);
	CHECK_INT(proactor_event_create(NULL, &event), PROACTOR_EINVAL);
	CHECK(event == UNTOUCHED);
	CHECK_INT(proactor_register_event_source(NULL, none, NULL, NULL,
	    &source), PROACTOR_EINVAL);
	CHECK(source == UNTOUCHED);
	CHECK_INT(proactor_unregister_event_source(NULL, NULL),
	    PROACTOR_EINVAL);
	CHECK_INT(proactor_set_message_callback(NULL, NULL, NULL),
	    PROACTOR_EINVAL);
	CHECK_INT(proactor_send_message(NULL, 1), PROACTOR_EINVAL);
	CHECK_INT(proactor_thread_create(NULL, NULL, &thread),
	    PROACTOR_EINVAL);
	CHECK(thread == UNTOUCHED);
	CHECK_INT(proactor_socket_create(NULL, PROACTOR_SOCKET_TCP, 0, &s),
	    PROACTOR_EINVAL);
	CHECK_INT(proactor_socket_import(NULL, none, PROACTOR_SOCKET_TCP, 0,
	    &s), PROACTOR_EINVAL);
	CHECK(s == UNTOUCHED);
	CHECK_INT(proactor_file_import(NULL, none, &f), PROACTOR_EINVAL);
	CHECK(f == UNTOUCHED);
}

static void
no_object(void)
{
	struct proactor_address address;
	unsigned int state = 77;
	size_t space = 77;

	address_to_bind(PROACTOR_SOCKET_TCP, &address);
	CHECK(proactor_socket_retain(NULL) == NULL);
	proactor_socket_release(NULL);
	CHECK_INT(proactor_socket_bind(NULL, &address), PROACTOR_EINVAL);
	CHECK_INT(proactor_socket_listen(NULL, 0), PROACTOR_EINVAL);
	CHECK_INT(proactor_socket_shutdown(NULL, PROACTOR_SHUTDOWN_BOTH),
	    PROACTOR_EINVAL);
	CHECK_INT(proactor_socket_query_local_address(NULL, &address),
	    PROACTOR_EINVAL);
	CHECK_INT(proactor_socket_query_state(NULL, &state),
	    PROACTOR_EINVAL);
	CHECK_INT(state, 77);
	CHECK_INT(proactor_socket_query_failure(NULL), PROACTOR_EINVAL);
	CHECK_INT(proactor_socket_query_send_space(NULL, &space),
	    PROACTOR_EINVAL);
	CHECK_INT(space, 77);
	CHECK_INT(proactor_socket_handle(NULL).type, PROACTOR_HANDLE_NONE);
	CHECK(proactor_file_retain(NULL) == NULL);
	proactor_file_release(NULL);
	CHECK_INT(proactor_file_handle(NULL).type, PROACTOR_HANDLE_NONE);
	CHECK(proactor_event_retain(NULL) == NULL);
	proactor_event_release(NULL);
	CHECK_INT(proactor_event_set(NULL), PROACTOR_EINVAL);
	CHECK(proactor_thread_retain(NULL) == NULL);
	proactor_thread_release(NULL);
	CHECK_INT(proactor_thread_request_stop(NULL), PROACTOR_EINVAL);
	CHECK_INT(proactor_thread_join(NULL, PROACTOR_IMMEDIATE),
	    PROACTOR_EINVAL);
	CHECK_INT(proactor_thread_consume_status(NULL), PROACTOR_EINVAL);
}

static void
nowhere_to_return(void)
{
	struct proactor_handle handle;
	struct proactor_socket *s;
	struct world w;
	int fd;

	world_open(&w, NULL);
	s = half_pair(&w, PROACTOR_SOCKET_TCP, 0, &fd);
	CHECK_INT(proactor_create(NULL, NULL), PROACTOR_EINVAL);
	CHECK_INT(proactor_event_create(w.p, NULL), PROACTOR_EINVAL);
	CHECK_INT(proactor_thread_create(w.p, NULL, NULL), PROACTOR_EINVAL);
	CHECK_INT(proactor_socket_create(w.p, PROACTOR_SOCKET_TCP, 0, NULL),
	    PROACTOR_EINVAL);
	CHECK_INT(proactor_socket_query_local_address(s, NULL),
	    PROACTOR_EINVAL);
	CHECK_INT(proactor_socket_query_state(s, NULL), PROACTOR_EINVAL);
	CHECK_INT(proactor_socket_query_send_space(s, NULL),
	    PROACTOR_EINVAL);
	CHECK_INT(proactor_socket_bind(s, NULL), PROACTOR_EINVAL);
	CHECK_INT(proactor_handle_dup(proactor_handle_fd(fd), &handle), 0);
	CHECK_INT(proactor_socket_import(w.p, handle, PROACTOR_SOCKET_TCP, 0,
	    NULL), PROACTOR_EINVAL);
	CHECK_INT(proactor_file_import(w.p, handle, NULL), PROACTOR_EINVAL);
	CHECK_INT(proactor_handle_close(handle), 0);
	CHECK_INT(proactor_handle_dup(proactor_handle_fd(fd), NULL),
	    PROACTOR_EINVAL);
	CHECK_INT(close_socket(&w, s), 0);
	close(fd);
	world_close(&w);
}

static void
initialisers(void)
{
	struct proactor_handle none = proactor_handle_none();
	struct proactor_span span = proactor_span(NULL, 0);
	struct proactor_connect_op connect_op;
	struct proactor_sendto_op sendto_op;
	struct proactor_recv_op recv_op;

	proactor_options_init(NULL);
	proactor_thread_options_init(NULL);
	proactor_nop_op_init(NULL, record, NULL);
	proactor_timer_op_init(NULL, 0, record, NULL);
	proactor_event_wait_op_init(NULL, NULL, record, NULL);
	proactor_handle_poll_op_init(NULL, none, 1, record, NULL);
	proactor_accept_op_init(NULL, NULL, record, NULL);
	proactor_connect_op_init(NULL, NULL, NULL, record, NULL);
	proactor_recv_op_init(NULL, NULL, &span, 1, record, NULL);
	proactor_send_op_init(NULL, NULL, &span, 1, 0, record, NULL);
	proactor_recvfrom_op_init(NULL, NULL, &span, 1, record, NULL);
	proactor_sendto_op_init(NULL, NULL, &span, 1, NULL, 0, record, NULL);
	proactor_socket_close_op_init(NULL, NULL, record, NULL);
	proactor_file_open_op_init(NULL, NULL, 0, 0, record, NULL);
	proactor_file_read_op_init(NULL, NULL, 0, span, record, NULL);
	proactor_file_write_op_init(NULL, NULL, 0, span, record, NULL);
	proactor_file_close_op_init(NULL, NULL, record, NULL);
	proactor_message_op_init(NULL, NULL, 0, 0, record, NULL);
	/* And with nothing to copy. */
	proactor_connect_op_init(&connect_op, NULL, NULL, record, NULL);
	CHECK_INT(connect_op.address.length, 0);
	proactor_sendto_op_init(&sendto_op, NULL, NULL, 0, NULL, 0, record,
	    NULL);
	CHECK_INT(sendto_op.address.length, 0);
	proactor_recv_op_init(&recv_op, NULL, NULL, 0, record, NULL);
	CHECK_INT(recv_op.span_count, 0);
}

static void
addresses(void)
{
	struct proactor_address address, before;
	char text[PROACTOR_ADDRESS_TEXT_MAX] = "untouched";

	memset(&address, 0x55, sizeof(address));
	before = address;
	CHECK_INT(proactor_address_from_ipv4(NULL, 1, &address),
	    PROACTOR_EINVAL);
	CHECK_INT(proactor_address_from_ipv4("127.0.0.1", 1, NULL),
	    PROACTOR_EINVAL);
	CHECK_INT(proactor_address_from_ipv6(NULL, 1, &address),
	    PROACTOR_EINVAL);
	CHECK_INT(proactor_address_from_ipv6("::1", 1, NULL),
	    PROACTOR_EINVAL);
	CHECK_INT(proactor_address_from_unix(NULL, &address),
	    PROACTOR_EINVAL);
	CHECK_INT(proactor_address_from_unix("/x", NULL), PROACTOR_EINVAL);
	CHECK_INT(proactor_address_parse(NULL, &address), PROACTOR_EINVAL);
	CHECK_INT(proactor_address_parse("127.0.0.1:1", NULL),
	    PROACTOR_EINVAL);
	CHECK_INT(proactor_address_from_sockaddr(NULL, 16, &address),
	    PROACTOR_EINVAL);
	CHECK_INT(proactor_address_from_sockaddr(&before, 0, &address),
	    PROACTOR_EINVAL);
	CHECK_INT(proactor_address_from_sockaddr(&before, SIZE_MAX, &address),
	    PROACTOR_EINVAL);
	CHECK(proactor_address_from_ipv4("127.0.0.1x", 1, &address) < 0);
	CHECK(proactor_address_parse("127.0.0.1:65536", &address) < 0);
	CHECK_MEM(&address, &before, sizeof(address));
	CHECK_INT(proactor_address_format(NULL, text, sizeof(text)),
	    PROACTOR_EINVAL);
	CHECK_INT(proactor_address_from_ipv4("127.0.0.1", 1, &address), 0);
	CHECK_INT(proactor_address_format(&address, NULL, 10),
	    PROACTOR_EINVAL);
	CHECK(proactor_address_format(&address, text, 3) < 0);
	CHECK_STR(text, "untouched");
	CHECK_INT(proactor_address_family(NULL), PROACTOR_ADDRESS_NONE);
	CHECK_INT(proactor_address_port(NULL), 0);
	CHECK_INT(proactor_address_equal(&address, NULL), 0);
	CHECK_INT(proactor_address_equal(NULL, &address), 0);
}

/* --- sockets, handles --- */

static void
unknown_kinds(void)
{
	static const unsigned int kinds[] = { 0, 7, 99, 0x80000000u };
	static const unsigned int options[] = { 0x40, 0x80000000u, ~0u };
	struct proactor_socket *s = UNTOUCHED;
	struct world w;
	size_t before, i;
	int fds[2];

	world_open(&w, NULL);
	fd_pair(PROACTOR_SOCKET_TCP, fds);
	before = open_fds();
	for (i = 0; i < COUNT(kinds); i++) {
		CHECK_INT(proactor_socket_create(w.p, kinds[i], 0, &s),
		    PROACTOR_EINVAL);
		CHECK_INT(proactor_socket_import(w.p,
		    proactor_handle_fd(fds[0]), kinds[i], 0, &s),
		    PROACTOR_EINVAL);
	}
	for (i = 0; i < COUNT(options); i++) {
		CHECK_INT(proactor_socket_create(w.p, PROACTOR_SOCKET_TCP,
		    options[i], &s), PROACTOR_EINVAL);
		CHECK_INT(proactor_socket_import(w.p,
		    proactor_handle_fd(fds[0]), PROACTOR_SOCKET_TCP,
		    options[i], &s), PROACTOR_EINVAL);
	}
	CHECK(s == UNTOUCHED);
	CHECK_INT(open_fds(), before);
	close(fds[0]);
	close(fds[1]);
	world_close(&w);
}

static void
bad_handles(void)
{
	struct proactor_socket *s = UNTOUCHED;
	struct proactor_file *f = UNTOUCHED;
	struct proactor_handle bad[5];
	struct world w;
	int status;
	size_t i;

	world_open(&w, NULL);
	bad[0] = proactor_handle_none();
	bad[1] = proactor_handle_win32(UNTOUCHED);
	bad[2] = proactor_handle_socket(3);
	bad[3] = proactor_handle_mach_port(3);
	bad[4] = proactor_handle_none();
	bad[4].type = 99;
	for (i = 0; i < COUNT(bad); i++) {
		CHECK_INT(proactor_socket_import(w.p, bad[i],
		    PROACTOR_SOCKET_TCP, 0, &s), PROACTOR_EINVAL);
		CHECK_INT(proactor_file_import(w.p, bad[i], &f),
		    PROACTOR_EINVAL);
	}
	bad[0] = proactor_handle_fd(-1);
	bad[1] = proactor_handle_fd(-1000);
	bad[2] = proactor_handle_fd(0x3fffffff);
	bad[3] = proactor_handle_fd(dup(1));
	CHECK_INT(proactor_handle_close(bad[3]), 0);
	for (i = 0; i < 4; i++) {
		status = proactor_socket_import(w.p, bad[i],
		    PROACTOR_SOCKET_TCP, 0, &s);
		CHECK(status == PROACTOR_EBADF ||
		    (bad[i].u.fd < 0 && status == PROACTOR_EINVAL));
		status = proactor_file_import(w.p, bad[i], &f);
		CHECK(status == PROACTOR_EBADF ||
		    (bad[i].u.fd < 0 && status == PROACTOR_EINVAL));
	}
	CHECK(s == UNTOUCHED);
	CHECK(f == UNTOUCHED);
	world_close(&w);
}

const struct tap_case argument_cases[] = {
	{ "argument: no proactor is EINVAL everywhere", no_proactor },
	{ "argument: no object is EINVAL everywhere", no_object },
	{ "argument: nowhere to return is EINVAL", nowhere_to_return },
	{ "argument: initialisers of nothing do nothing", initialisers },
	{ "argument: addresses refuse NULL and leave results alone",
	    addresses },
	{ "argument: unknown kinds and options of sockets are EINVAL",
	    unknown_kinds },
	{ "argument: handles of no use are EINVAL or EBADF", bad_handles },
	{ NULL, NULL }
};
