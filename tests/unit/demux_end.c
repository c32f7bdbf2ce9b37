/* SPDX-License-Identifier: ISC */
/* The ends of things, and what cannot be watched. */
#include "config.h"

#include <sys/socket.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "unit/demux.h"

static void
ends_of_pipes(void)
{
	struct world *w = world_open();
	int a[2], b[2], i;

	CHECK_INT(pipe(a), 0);
	CHECK_INT(pipe(b), 0);
	watch(w, a[0], IN, MODE_LEVEL);
	watch(w, b[1], OUT, MODE_ONCE);
	expect(w, b[1], OUT);
	put(a[1]);
	close(a[1]);
	close(b[0]);
	CHECK_INT(wait_for(w, 0), 1);
	CHECK(w->said[0].events & IN);
	CHECK(w->said[0].events & PROACTOR_POLL_HUP);
	take(a[0]);
	CHECK_INT(wait_for(w, 0), 1);
	CHECK(w->said[0].events & PROACTOR_POLL_HUP);
	forget(w, a[0]);
	/* Watched after the end, and for either. */
	for (i = 0; i < 2; i++) {
		watch(w, b[1], i == 0 ? OUT : IN, MODE_ONCE);
		CHECK_INT(wait_for(w, 0), 1);
		CHECK_INT(w->said[0].error, 0);
		CHECK(w->said[0].events &
		    (PROACTOR_POLL_ERR | PROACTOR_POLL_HUP));
		expect_nothing(w);
	}
	world_close(w);
}

static void
end_of_socket(void)
{
	struct world *w = world_open();
	enum slot_mode mode = demux->edge ? MODE_EDGE : MODE_ONCE;
	int fds[2];

	open_pair(fds);
	watch(w, fds[0], IN | OUT, mode);
	expect(w, fds[0], OUT);
	put(fds[1]);
	CHECK_INT(shutdown(fds[1], SHUT_WR), 0);
	if (mode == MODE_ONCE)
		watch(w, fds[0], IN, mode);
	CHECK_INT(wait_for(w, 0), 1);
	CHECK(w->said[0].events & IN);
	if (demux->edge)
		CHECK(w->said[0].events & READY_END);
	CHECK_INT(w->said[0].events & (PROACTOR_POLL_HUP | PROACTOR_POLL_ERR),
	    0);
	/* Gone altogether. */
	take(fds[0]);
	close(fds[1]);
	if (mode == MODE_ONCE)
		watch(w, fds[0], IN | OUT, mode);
	CHECK_INT(wait_for(w, 0), 1);
	CHECK(w->said[0].events & PROACTOR_POLL_HUP);
	world_close(w);
}

/* A pipe's reader is never written to; that it is readable is told. */
static void
one_of_two(void)
{
	struct world *w = world_open();
	enum slot_mode mode;
	int fds[2];

	for (mode = MODE_ONCE; mode <= MODE_LEVEL; mode++) {
		CHECK_INT(pipe(fds), 0);
		watch(w, fds[0], IN | OUT, mode);
		expect_nothing(w);
		put(fds[1]);
		expect(w, fds[0], IN);
		watch(w, fds[0], IN | OUT, mode);
		expect(w, fds[0], IN);
		forget(w, fds[0]);
		expect_nothing(w);
		close(fds[0]);
		close(fds[1]);
	}
	world_close(w);
}

/* It says so at once or later; an error of the descriptor does as well. */
static void
no_descriptor(void)
{
	struct world *w = world_open();
	int fds[2], error, i, told = 0;

	open_pair(fds);
	put(fds[1]);
	for (i = SLOTS - 400; i < SLOTS; i++) {
		error = try_watch(w, i, IN | OUT, demux->edge && i % 2 == 0 ?
		    MODE_EDGE : MODE_ONCE);
		CHECK(error <= 0);
		told += error != 0;
	}
	watch(w, fds[0], IN, MODE_ONCE);
	do {
		for (i = 0; i < w->count; i++) {
			if (w->said[i].key == slot_key(&w->e, fds[0]))
				continue;
			told++;
			CHECK(w->said[i].error != 0 ||
			    w->said[i].events & PROACTOR_POLL_ERR);
			forget(w, (int)(uint32_t)w->said[i].key);
		}
	} while (wait_for(w, 0) > 0);
	CHECK_INT(told, 400);
	world_close(w);
}

/* Of the crowd every other one has gone. */
static void
no_descriptor_in_crowd(void)
{
	struct world *w = world_open();
	int fds[CROWD][2], i, fired = 0, failed = 0;

	for (i = 0; i < CROWD; i++) {
		open_pair(fds[i]);
		watch(w, fds[i][0], IN | OUT,
		    demux->edge ? MODE_EDGE : MODE_ONCE);
		if (i % 2 == 0)
			close(fds[i][0]);
	}
	while (wait_for(w, 0) > 0)
		for (i = 0; i < w->count; i++) {
			if (w->said[i].error == 0 &&
			    !(w->said[i].events & PROACTOR_POLL_ERR)) {
				CHECK_INT(w->said[i].events, OUT);
				fired++;
				continue;
			}
			failed++;
			forget(w, (int)(uint32_t)w->said[i].key);
		}
	CHECK_INT(fired, CROWD / 2);
	/* epoll has not noticed that what it watched is gone. */
	CHECK(failed == CROWD / 2 || failed == 0);
	world_close(w);
}

/* The end of a file is ready too. */
static void
files(void)
{
	struct world *w = world_open();
	const char *parent = getenv("TMPDIR");
	char path[256];
	int fd, error;

	snprintf(path, sizeof(path), "%s/proactor-demux-XXXXXX",
	    parent != NULL ? parent : "/tmp");
	fd = mkstemp(path);
	CHECK(fd >= 0);
	CHECK_INT(unlink(path), 0);
	error = try_watch(w, fd, IN | OUT, MODE_ONCE);
	if (error == 0)
		expect(w, fd, IN | OUT);
	else
		CHECK_INT(error, PROACTOR_EPERM);
	world_close(w);
}

const struct tap_case end_cases[] = {
	{ "pipes: hang-up with data left, and for who writes",
	    ends_of_pipes },
	{ "sockets: the end with data left", end_of_socket },
	{ "what can be only one of read and written is watched for that",
	    one_of_two },
	{ "failures are told, by set or by the next waits", no_descriptor },
	{ "failures do not keep others from being watched",
	    no_descriptor_in_crowd },
	{ "files are ready always", files },
	{ NULL, NULL }
};
