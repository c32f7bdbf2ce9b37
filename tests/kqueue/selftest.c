/* SPDX-License-Identifier: ISC */
/*
 * tests/kqueue/kqueue.c against the manual page of kqueue(2): what it gets
 * wrong would be believed of the backend.  Here, what descriptors tell.
 */
#include "config.h"

#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "kqueue/selftest.h"

const struct timespec at_once = { 0, 0 };

int
open_queue(void)
{
	int kq = kqueue();

	CHECK(kq >= 0);
	return kq;
}

void
open_pair(int fds[2])
{
	CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	CHECK_INT(fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
	CHECK_INT(fcntl(fds[1], F_SETFL, O_NONBLOCK), 0);
}

struct kevent
change_of(int ident, int filter, int flags)
{
	struct kevent c;

	memset(&c, 0, sizeof(c));
	c.ident = (uintptr_t)ident;
	c.filter = filter;
	c.flags = flags;
	return c;
}

int
change(int kq, int ident, int filter, int flags)
{
	struct kevent c = change_of(ident, filter, flags);

	return kevent(kq, &c, 1, NULL, 0, NULL) == 0 ? 0 : errno;
}

int
look(int kq, struct kevent *ret)
{
	struct kevent events[8];
	int n = kevent(kq, NULL, 0, events, 8, &at_once);

	CHECK(n >= 0);
	if (n > 0 && ret != NULL)
		*ret = events[0];
	return n;
}

void
put(int fd, int count)
{
	while (count-- > 0)
		CHECK_INT(write(fd, "x", 1), 1);
}

/* A connected pair over TCP. */
static void
open_tcp(int fds[2])
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	socklen_t size = sizeof(sin);
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	CHECK(listener >= 0);
	CHECK_INT(bind(listener, (struct sockaddr *)&sin, size), 0);
	CHECK_INT(listen(listener, 1), 0);
	CHECK_INT(getsockname(listener, (struct sockaddr *)&sin, &size), 0);
	fds[0] = socket(AF_INET, SOCK_STREAM, 0);
	CHECK(fds[0] >= 0);
	CHECK_INT(connect(fds[0], (struct sockaddr *)&sin, size), 0);
	fds[1] = accept(listener, NULL, NULL);
	CHECK(fds[1] >= 0);
	close(listener);
}

static void
take(int fd, int count)
{
	char byte;

	while (count-- > 0)
		CHECK_INT(read(fd, &byte, 1), 1);
}

static void
read_is_level(void)
{
	int kq = open_queue(), fds[2];
	struct kevent event;

	open_pair(fds);
	CHECK_INT(change(kq, fds[0], EVFILT_READ, EV_ADD), 0);
	CHECK_INT(look(kq, NULL), 0);
	put(fds[1], 3);
	CHECK_INT(look(kq, &event), 1);
	CHECK_INT(look(kq, &event), 1);
	CHECK_INT(event.ident, fds[0]);
	CHECK_INT(event.filter, EVFILT_READ);
	CHECK_INT(event.data, 3);
	CHECK_INT(event.flags & (EV_EOF | EV_ERROR), 0);
	take(fds[0], 3);
	CHECK_INT(look(kq, NULL), 0);
}

static void
clear_is_edge(void)
{
	int kq = open_queue(), fds[2];
	struct kevent event;

	open_pair(fds);
	put(fds[1], 1);
	CHECK_INT(change(kq, fds[0], EVFILT_READ, EV_ADD | EV_CLEAR), 0);
	CHECK_INT(look(kq, NULL), 1);
	CHECK_INT(look(kq, NULL), 0);
	put(fds[1], 1);
	CHECK_INT(look(kq, &event), 1);
	CHECK_INT(event.data, 2);
	CHECK_INT(look(kq, NULL), 0);
	/* Added again, it tells of what is there, and is as it was. */
	CHECK_INT(change(kq, fds[0], EVFILT_READ, EV_ADD), 0);
	CHECK_INT(look(kq, NULL), 1);
	CHECK_INT(look(kq, NULL), 0);
	/* What was taken before the look is not told. */
	put(fds[1], 1);
	take(fds[0], 3);
	CHECK_INT(look(kq, NULL), 0);
}

static void
filters_are_apart(void)
{
	int kq = open_queue(), fds[2];
	struct kevent event;

	open_pair(fds);
	CHECK_INT(change(kq, fds[0], EVFILT_READ, EV_ADD | EV_CLEAR), 0);
	CHECK_INT(change(kq, fds[0], EVFILT_WRITE, EV_ADD | EV_CLEAR), 0);
	CHECK_INT(look(kq, &event), 1);
	CHECK_INT(event.filter, EVFILT_WRITE);
	CHECK(event.data > 0);
	put(fds[1], 1);
	CHECK_INT(look(kq, &event), 1);
	CHECK_INT(event.filter, EVFILT_READ);
	CHECK_INT(change(kq, fds[0], EVFILT_READ, EV_DELETE), 0);
	CHECK_INT(change(kq, fds[0], EVFILT_READ, EV_DELETE), ENOENT);
	put(fds[1], 1);
	CHECK_INT(look(kq, NULL), 0);
	CHECK_INT(change(kq, fds[0], EVFILT_WRITE, EV_DELETE), 0);
}

static void
room_comes_back(void)
{
	static char bytes[65536];
	int kq = open_queue(), fds[2];
	struct kevent event;

	open_pair(fds);
	while (write(fds[0], bytes, sizeof(bytes)) > 0)
		continue;
	CHECK_INT(errno, EAGAIN);
	CHECK_INT(change(kq, fds[0], EVFILT_WRITE, EV_ADD | EV_CLEAR), 0);
	CHECK_INT(look(kq, NULL), 0);
	while (read(fds[1], bytes, sizeof(bytes)) > 0)
		continue;
	CHECK(look(kq, &event) == 1);
	CHECK_INT(event.filter, EVFILT_WRITE);
	CHECK_INT(event.flags & EV_EOF, 0);
}

static void
oneshot_goes(void)
{
	int kq = open_queue(), fds[2];

	open_pair(fds);
	put(fds[1], 1);
	CHECK_INT(change(kq, fds[0], EVFILT_READ, EV_ADD | EV_ONESHOT), 0);
	CHECK_INT(look(kq, NULL), 1);
	put(fds[1], 1);
	CHECK_INT(look(kq, NULL), 0);
	CHECK_INT(change(kq, fds[0], EVFILT_READ, EV_DELETE), ENOENT);
	CHECK_INT(change(kq, fds[0], EVFILT_READ, EV_ENABLE), ENOENT);
	CHECK_INT(change(kq, fds[0], EVFILT_READ, EV_ADD | EV_ONESHOT), 0);
	CHECK_INT(look(kq, NULL), 1);
}

static void
dispatch_disables(void)
{
	int kq = open_queue(), fds[2];

	open_pair(fds);
	put(fds[1], 1);
	CHECK_INT(change(kq, fds[0], EVFILT_READ, EV_ADD | EV_DISPATCH), 0);
	CHECK_INT(look(kq, NULL), 1);
	put(fds[1], 1);
	CHECK_INT(look(kq, NULL), 0);
	CHECK_INT(change(kq, fds[0], EVFILT_READ, EV_ENABLE), 0);
	CHECK_INT(look(kq, NULL), 1);
	CHECK_INT(look(kq, NULL), 0);
	CHECK_INT(change(kq, fds[0], EVFILT_READ, EV_DELETE), 0);
}

static void
disabled_is_silent(void)
{
	int kq = open_queue(), fds[2];

	open_pair(fds);
	put(fds[1], 1);
	CHECK_INT(change(kq, fds[0], EVFILT_READ, EV_ADD | EV_DISABLE), 0);
	CHECK_INT(look(kq, NULL), 0);
	CHECK_INT(change(kq, fds[0], EVFILT_READ, EV_ENABLE), 0);
	CHECK_INT(look(kq, NULL), 1);
	CHECK_INT(change(kq, fds[0], EVFILT_READ, EV_DISABLE), 0);
	CHECK_INT(look(kq, NULL), 0);
}

static void
eof_with_data(void)
{
	int kq = open_queue(), fds[2];
	struct kevent event;
	char byte;

	open_tcp(fds);
	CHECK_INT(change(kq, fds[0], EVFILT_READ, EV_ADD), 0);
	put(fds[1], 2);
	CHECK_INT(shutdown(fds[1], SHUT_WR), 0);
	do
		CHECK_INT(kevent(kq, NULL, 0, &event, 1, NULL), 1);
	while (!(event.flags & EV_EOF));
	CHECK_INT(event.data, 2);
	CHECK_INT(event.fflags, 0);
	take(fds[0], 2);
	CHECK_INT(look(kq, &event), 1);
	CHECK(event.flags & EV_EOF);
	CHECK_INT(event.data, 0);
	CHECK_INT(read(fds[0], &byte, 1), 0);
	/* The other direction goes on. */
	CHECK_INT(change(kq, fds[0], EVFILT_READ, EV_DELETE), 0);
	CHECK_INT(change(kq, fds[0], EVFILT_WRITE, EV_ADD), 0);
	CHECK_INT(look(kq, &event), 1);
	CHECK_INT(event.flags & EV_EOF, 0);
}

static void
out_of_band(void)
{
	int kq = open_queue(), fds[2];
	struct kevent event;

	open_tcp(fds);
	CHECK_INT(change(kq, fds[0], EVFILT_READ, EV_ADD), 0);
	put(fds[1], 1);
	CHECK_INT(kevent(kq, NULL, 0, &event, 1, NULL), 1);
	CHECK_INT(event.flags & EV_OOBAND, 0);
	CHECK_INT(send(fds[1], "!", 1, MSG_OOB), 1);
	do
		CHECK_INT(kevent(kq, NULL, 0, &event, 1, NULL), 1);
	while (!(event.flags & EV_OOBAND));
}

static void
reset_has_an_error(void)
{
	struct linger linger = { 1, 0 };
	int kq = open_queue(), fds[2];
	struct kevent event;
	char byte;

	open_tcp(fds);
	CHECK_INT(change(kq, fds[0], EVFILT_READ, EV_ADD), 0);
	CHECK_INT(setsockopt(fds[1], SOL_SOCKET, SO_LINGER, &linger,
	    sizeof(linger)), 0);
	CHECK_INT(close(fds[1]), 0);
	CHECK_INT(kevent(kq, NULL, 0, &event, 1, NULL), 1);
	CHECK(event.flags & EV_EOF);
	CHECK_INT(event.fflags, ECONNRESET);
	/* It was looked at, and not taken. */
	CHECK_INT(read(fds[0], &byte, 1), -1);
	CHECK_INT(errno, ECONNRESET);
}

static void
pipes_end(void)
{
	int kq = open_queue(), a[2], b[2];
	struct kevent event;

	CHECK_INT(pipe(a), 0);
	CHECK_INT(pipe(b), 0);
	CHECK_INT(change(kq, a[0], EVFILT_READ, EV_ADD), 0);
	put(a[1], 1);
	CHECK_INT(close(a[1]), 0);
	CHECK_INT(look(kq, &event), 1);
	CHECK(event.flags & EV_EOF);
	CHECK_INT(event.data, 1);
	/* As those of FIFOs. */
	CHECK_INT(change(kq, a[0], EVFILT_WRITE, EV_ADD), EINVAL);
	CHECK_INT(close(a[0]), 0);
	CHECK_INT(change(kq, b[1], EVFILT_WRITE, EV_ADD | EV_CLEAR), 0);
	CHECK_INT(look(kq, &event), 1);
	CHECK_INT(event.flags & EV_EOF, 0);
	CHECK_INT(close(b[0]), 0);
	CHECK_INT(look(kq, &event), 1);
	CHECK(event.flags & EV_EOF);
	CHECK_INT(change(kq, b[1], EVFILT_WRITE, EV_DELETE), 0);
	CHECK_INT(change(kq, b[1], EVFILT_WRITE, EV_ADD), EPIPE);
}

static void
listener_counts(void)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	socklen_t size = sizeof(sin);
	int kq = open_queue(), listener = socket(AF_INET, SOCK_STREAM, 0);
	struct kevent event;
	int i, fd;

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	CHECK_INT(bind(listener, (struct sockaddr *)&sin, size), 0);
	CHECK_INT(listen(listener, 8), 0);
	CHECK_INT(getsockname(listener, (struct sockaddr *)&sin, &size), 0);
	CHECK_INT(change(kq, listener, EVFILT_READ, EV_ADD | EV_CLEAR), 0);
	for (i = 1; i <= 2; i++) {
		fd = socket(AF_INET, SOCK_STREAM, 0);
		CHECK_INT(connect(fd, (struct sockaddr *)&sin, size), 0);
		CHECK_INT(kevent(kq, NULL, 0, &event, 1, NULL), 1);
		CHECK_INT(event.data, i);
	}
}

const struct tap_case selftest_cases[] = {
	{ "EVFILT_READ: again and again while there is data", read_is_level },
	{ "EV_CLEAR: once for each arrival, and when added again",
	    clear_is_edge },
	{ "EVFILT_READ, EVFILT_WRITE: one does not set off the other",
	    filters_are_apart },
	{ "EVFILT_WRITE: when room comes back", room_comes_back },
	{ "EV_ONESHOT: told once, then gone", oneshot_goes },
	{ "EV_DISPATCH: told once, then disabled", dispatch_disables },
	{ "EV_DISABLE: silent until EV_ENABLE", disabled_is_silent },
	{ "EV_EOF: with the data before it, for one direction",
	    eof_with_data },
	{ "EV_EOF: with the error, which stays", reset_has_an_error },
	{ "EV_OOBAND: with data that is not in the band", out_of_band },
	{ "EV_EOF: pipes, with data and for who writes", pipes_end },
	{ "EVFILT_READ: a listener counts connections", listener_counts },
	{ NULL, NULL }
};

int
main(void)
{
	static const struct tap_case *const tables[] = {
		selftest_cases, selftest_call_cases, NULL
	};

	return tap_run_tables(tables);
}
