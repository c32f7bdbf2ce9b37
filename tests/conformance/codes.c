/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "conformance/files.h"

/* Mistakes that have codes of their own, which nothing else leads to. */

static void
not_a_socket(void)
{
	struct proactor_socket *s = NULL;
	struct world w;
	int fds[2];

	world_open(&w, NULL);
	CHECK_INT(pipe(fds), 0);
	CHECK_INT(proactor_socket_import(w.p, proactor_handle_fd(fds[0]),
	    PROACTOR_SOCKET_TCP, 0, &s), PROACTOR_ENOTSOCK);
	CHECK(s == NULL);
	close_fds(fds);
	world_close(&w);
}

/*
 * 192.0.2.0/24 is for documentation, and nobody's.  The sysctl
 * net.ipv4.ip_nonlocal_bind allows it all the same.
 */
static void
address_of_nobody(void)
{
	struct proactor_address address;
	struct proactor_socket *s;
	struct world w;
	int fd;

	world_open(&w, NULL);
	CHECK_INT(proactor_address_from_ipv4("192.0.2.1", 0, &address), 0);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CHECK(fd != -1);
	if (bind(fd, (struct sockaddr *)(void *)&address.storage,
	    address.length) == 0)
		SKIP("the system lets programs bind to what is nobody's");
	CHECK_INT(close(fd), 0);
	CHECK_INT(proactor_socket_create(w.p, PROACTOR_SOCKET_TCP, 0, &s),
	    0);
	CHECK_INT(proactor_socket_bind(s, &address), PROACTOR_EADDRNOTAVAIL);
	CHECK_INT(close_socket(&w, s), 0);
	world_close(&w);
}

static void
send_to_nobody(void)
{
	struct proactor_send_op op;
	struct proactor_socket *s;
	struct proactor_span span = proactor_span("x", 1);
	struct world w;

	world_open(&w, NULL);
	CHECK_INT(proactor_socket_create(w.p, PROACTOR_SOCKET_UDP, 0, &s),
	    0);
	proactor_send_op_init(&op, s, &span, 1, 0, record, &w.r);
	CHECK_INT(run_one(&w, &op.base), PROACTOR_EDESTADDRREQ);
	CHECK_INT(op.bytes, 0);
	CHECK_INT(close_socket(&w, s), 0);
	world_close(&w);
}

static void
connect_to_another_kind(void)
{
	struct proactor_connect_op op;
	struct proactor_address address;
	struct proactor_socket *s, *datagrams;
	struct world w;

	world_open(&w, NULL);
	CHECK_INT(proactor_socket_create(w.p, PROACTOR_SOCKET_UNIX_DATAGRAM,
	    0, &datagrams), 0);
	address_to_bind(PROACTOR_SOCKET_UNIX_DATAGRAM, &address);
	CHECK_INT(proactor_socket_bind(datagrams, &address), 0);
	CHECK_INT(proactor_socket_create(w.p, PROACTOR_SOCKET_UNIX_STREAM, 0,
	    &s), 0);
	proactor_connect_op_init(&op, s, &address, record, &w.r);
	CHECK_INT(run_one(&w, &op.base), PROACTOR_EPROTOTYPE);
	CHECK_INT(close_socket(&w, s), 0);
	CHECK_INT(close_socket(&w, datagrams), 0);
	world_close(&w);
}

/* A path that leads to a socket. */
static void
open_a_socket(void)
{
	struct proactor_address address;
	struct proactor_file *f;
	struct proactor_socket *s;
	char text[PATH_ROOM];
	struct world w;

	world_open(&w, NULL);
	CHECK_INT(proactor_socket_create(w.p, PROACTOR_SOCKET_UNIX_STREAM, 0,
	    &s), 0);
	address_to_bind(PROACTOR_SOCKET_UNIX_STREAM, &address);
	CHECK_INT(proactor_socket_bind(s, &address), 0);
	CHECK(proactor_address_format(&address, text, sizeof(text)) >= 0);
	CHECK_INT(strncmp(text, "unix:", 5), 0);
	CHECK_INT(open_path(&w, text + 5, RW, 0, &f), PROACTOR_ENXIO);
	CHECK_INT(close_socket(&w, s), 0);
	world_close(&w);
}

static void
open_what_runs(void)
{
	struct proactor_file *f;
	struct world w;

	world_open(&w, NULL);
	if (open("/proc/self/exe", O_WRONLY | O_CLOEXEC) != -1 ||
	    errno != ETXTBSY)
		SKIP("this program could not be written to anyway");
	CHECK_INT(open_path(&w, "/proc/self/exe", PROACTOR_FILE_WRITE, 0,
	    &f), PROACTOR_ETXTBSY);
	world_close(&w);
}

/* What create takes is checked one by one. */
static int
created(const struct proactor_options *o)
{
	struct proactor *p = NULL;
	int status = proactor_create(o, &p);

	CHECK((status == 0) == (p != NULL));
	proactor_release(p);
	return status;
}

static void
create_values(void)
{
	struct proactor_options o;

	world_options(&o);
	CHECK_INT(created(&o), 0);
	o.reserved = 1;
	CHECK_INT(created(&o), PROACTOR_EINVAL);
	o.reserved = 0;
	o.message_pool_capacity = UINT32_MAX;
	CHECK_INT(created(&o), PROACTOR_EINVAL);
	o.message_pool_capacity = 0;
	o.file_threads = UINT32_MAX;
	CHECK_INT(created(&o), PROACTOR_EINVAL);
	o.file_threads = 1;
	CHECK_INT(created(&o), 0);
	o.size--;
	CHECK_INT(created(&o), PROACTOR_EINVAL);
	o.size += 2;
	CHECK_INT(created(&o), PROACTOR_EINVAL);
}

const struct tap_case codes_cases[] = {
	{ "code: import of what is no socket is ENOTSOCK", not_a_socket },
	{ "code: bind to what is nobody's here is EADDRNOTAVAIL",
	    address_of_nobody },
	{ "code: a datagram sent to nobody is EDESTADDRREQ",
	    send_to_nobody },
	{ "code: a stream connected to datagrams is EPROTOTYPE",
	    connect_to_another_kind },
	{ "code: a socket's path is no file, ENXIO", open_a_socket },
	{ "code: a program that runs is not written to, ETXTBSY",
	    open_what_runs },
	{ "code: impossible values of create's options are EINVAL",
	    create_values },
	{ NULL, NULL }
};
