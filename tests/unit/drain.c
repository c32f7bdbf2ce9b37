/* SPDX-License-Identifier: ISC */
/*
 * proactor__sys_drain(): it takes what is there and does not wait for more,
 * however it has to go about it.  All descriptors here block.
 */
#include "config.h"

#include <sys/socket.h>

#include <stdio.h>
#include <unistd.h>

#ifdef HAVE_EVENTFD
#include <sys/eventfd.h>
#endif

#include "core/system.h"
#include "tap/tap.h"

/* Look first, or only when it must be. */
#define WAYS	2

static void
check_drain(int fd, int way, int result, uint64_t sum)
{
	bool look = way != 0;
	uint64_t seen = 4711;

	CHECK_INT(proactor__sys_drain(fd, &look, &seen), result);
	if (result >= 0)
		CHECK_INT(seen, sum);
	CHECK(look || way == 0);
}

#ifdef HAVE_EVENTFD
static void
counter(void)
{
	int fd, way;

	for (way = 0; way < WAYS; way++) {
		fd = eventfd(0, EFD_CLOEXEC);
		CHECK(fd >= 0);
		check_drain(fd, way, 0, 0);
		CHECK_INT(proactor__sys_raise(fd, 3), 0);
		CHECK_INT(proactor__sys_raise(fd, 4), 0);
		check_drain(fd, way, 1, 7);
		check_drain(fd, way, 0, 0);
		close(fd);
	}
}
#endif

/* The same for both ends of a pipe and of a connection. */
static void
numbers(const int fds[2], int way)
{
	check_drain(fds[0], way, 0, 0);
	CHECK_INT(proactor__sys_raise(fds[1], 3), 0);
	CHECK_INT(proactor__sys_raise(fds[1], 4), 0);
	check_drain(fds[0], way, 1, 7);
	check_drain(fds[0], way, 0, 0);
	/* A part of a number is none. */
	CHECK_INT(write(fds[1], "abc", 3), 3);
	check_drain(fds[0], way, 1, 0);
	check_drain(fds[0], way, 0, 0);
	CHECK_INT(proactor__sys_raise(fds[1], 5), 0);
	close(fds[1]);
	check_drain(fds[0], way, 1, 5);
	check_drain(fds[0], way, PROACTOR_EPIPE, 0);
	close(fds[0]);
}

static void
pipes(void)
{
	int fds[2], way;

	for (way = 0; way < WAYS; way++) {
		CHECK_INT(pipe(fds), 0);
		numbers(fds, way);
	}
}

static void
connections(void)
{
	int fds[2], way;

	for (way = 0; way < WAYS; way++) {
		CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
		numbers(fds, way);
	}
}

/* An error is told once: it must not be read past. */
static void
reset(void)
{
	int fds[2], way;

	for (way = 0; way < WAYS; way++) {
		CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
		CHECK_INT(write(fds[0], "x", 1), 1);
		close(fds[1]);
		check_drain(fds[0], way, PROACTOR_ECONNRESET, 0);
		close(fds[0]);
	}
}

static void
files(void)
{
	const uint64_t number = 9;
	FILE *file;
	int way;

	for (way = 0; way < WAYS; way++) {
		file = tmpfile();
		CHECK(file != NULL);
		CHECK_INT(fwrite(&number, sizeof(number), 1, file), 1);
		rewind(file);
		check_drain(fileno(file), way, 1, 9);
		check_drain(fileno(file), way, PROACTOR_EPIPE, 0);
		fclose(file);
	}
}

static const struct tap_case cases[] = {
#ifdef HAVE_EVENTFD
	{ "drain: a counter, which is then empty", counter },
#endif
	{ "drain: a pipe, up to its end", pipes },
	{ "drain: a connection, up to its end", connections },
	{ "drain: an error is the result", reset },
	{ "drain: a file, up to its end", files },
	{ NULL, NULL }
};

int
main(void)
{
	return tap_run(cases);
}
