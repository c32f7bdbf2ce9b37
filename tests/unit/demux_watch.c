/* SPDX-License-Identifier: ISC */
/* Watches: set, changed, forgotten. */
#include "config.h"

#include <sys/socket.h>

#include <errno.h>
#include <unistd.h>

#include "unit/demux.h"

static void
edges(void)
{
	struct world *w;
	int fds[2];

	need_edges();
	w = world_open();
	open_pair(fds);
	watch(w, fds[0], IN, MODE_EDGE);
	expect_nothing(w);
	put(fds[1]);
	expect(w, fds[0], IN);
	expect_nothing(w);
	put(fds[1]);
	expect(w, fds[0], IN);
	/* What is ready already is told, each time that it is set. */
	watch(w, fds[0], IN | OUT, MODE_EDGE);
	expect(w, fds[0], IN | OUT);
	expect_nothing(w);
	watch(w, fds[0], OUT, MODE_EDGE);
	expect(w, fds[0], OUT);
	/* What arrives may set off a look at the rest. */
	put(fds[1]);
	if (wait_for(w, 0) != 0)
		CHECK_INT(w->said[0].events, OUT);
	expect_nothing(w);
	forget(w, fds[0]);
	world_close(w);
}

static void
edge_of_room(void)
{
	static char bytes[65536];
	struct world *w;
	int fds[2];

	need_edges();
	w = world_open();
	open_pair(fds);
	while (write(fds[0], bytes, sizeof(bytes)) > 0)
		continue;
	CHECK_INT(errno, EAGAIN);
	watch(w, fds[0], IN | OUT, MODE_EDGE);
	expect_nothing(w);
	while (read(fds[1], bytes, sizeof(bytes)) > 0)
		continue;
	expect(w, fds[0], OUT);
	world_close(w);
}

/* Output beside the edges of input: told once each time it is asked for. */
static void
output_once(void)
{
	static char bytes[65536];
	struct world *w;
	int fds[2], i;

	need_edges();
	if (demux->await_out == NULL)
		SKIP("%s has edges of output from the start", demux->name);
	w = world_open();
	open_pair(fds);
	watch(w, fds[0], IN, MODE_EDGE);
	expect_nothing(w);
	for (i = 0; i < 2; i++) {
		await_out(w, fds[0]);
		expect(w, fds[0], OUT);
		expect_nothing(w);
		put(fds[1]);
		expect(w, fds[0], IN);
	}
	while (write(fds[0], bytes, sizeof(bytes)) > 0)
		continue;
	CHECK_INT(errno, EAGAIN);
	await_out(w, fds[0]);
	expect_nothing(w);
	put(fds[1]);
	expect(w, fds[0], IN);
	while (read(fds[1], bytes, sizeof(bytes)) > 0)
		continue;
	expect(w, fds[0], OUT);
	put(fds[0]);
	take(fds[1]);
	expect_nothing(w);
	/* It is forgotten with the rest, handed over or not. */
	await_out(w, fds[0]);
	forget(w, fds[0]);
	expect_nothing(w);
	watch(w, fds[0], IN, MODE_EDGE);
	expect(w, fds[0], IN);
	world_close(w);
}

/*
 * Input that is watched does not hide that output cannot be; who waits for it
 * fails, or attempts again when there is input.
 */
static void
output_refused(void)
{
	struct world *w;
	int fds[2];

	need_edges();
	if (demux->await_out == NULL)
		SKIP("%s has edges of output from the start", demux->name);
	w = world_open();
	CHECK_INT(pipe(fds), 0);
	watch(w, fds[0], IN, MODE_EDGE);
	expect_nothing(w);
	put(fds[1]);
	await_out(w, fds[0]);
	expect(w, fds[0], IN | OUT);
	await_out(w, fds[0]);
	CHECK_INT(wait_for(w, 0), 1);
	/* Some systems have pipes that go both ways. */
	CHECK(w->said[0].error < 0 || (w->said[0].events & OUT));
	close(fds[0]);
	close(fds[1]);
	world_close(w);
}

static void
once(void)
{
	struct world *w = world_open();
	int fds[2];

	open_pair(fds);
	watch(w, fds[0], IN, MODE_ONCE);
	expect_nothing(w);
	put(fds[1]);
	expect(w, fds[0], IN);
	put(fds[1]);
	expect_nothing(w);
	watch(w, fds[0], IN, MODE_ONCE);
	expect(w, fds[0], IN);
	expect_nothing(w);
	/* Both at once are one. */
	watch(w, fds[0], IN | OUT, MODE_ONCE);
	expect(w, fds[0], IN | OUT);
	expect_nothing(w);
	/* One of two silences the other. */
	take(fds[0]);
	take(fds[0]);
	watch(w, fds[0], IN | OUT, MODE_ONCE);
	expect(w, fds[0], OUT);
	put(fds[1]);
	expect_nothing(w);
	expect_nothing(w);
	/* Set again before it was told: once all the same. */
	watch(w, fds[0], OUT, MODE_ONCE);
	watch(w, fds[0], IN, MODE_ONCE);
	expect(w, fds[0], IN);
	expect_nothing(w);
	world_close(w);
}

static void
level(void)
{
	struct world *w = world_open();
	int fds[2], i;

	open_pair(fds);
	watch(w, fds[0], IN, MODE_LEVEL);
	expect_nothing(w);
	put(fds[1]);
	for (i = 0; i < 3; i++)
		expect(w, fds[0], IN);
	take(fds[0]);
	expect_nothing(w);
	watch(w, fds[0], IN | OUT, MODE_LEVEL);
	expect(w, fds[0], OUT);
	put(fds[1]);
	expect(w, fds[0], IN | OUT);
	forget(w, fds[0]);
	expect_nothing(w);
	world_close(w);
}

static void
change_of_mode(void)
{
	struct world *w = world_open();
	int fds[2], i;

	open_pair(fds);
	put(fds[1]);
	watch(w, fds[0], IN, MODE_LEVEL);
	expect(w, fds[0], IN);
	watch(w, fds[0], IN | OUT, MODE_ONCE);
	expect(w, fds[0], IN | OUT);
	expect_nothing(w);
	watch(w, fds[0], IN, MODE_LEVEL);
	for (i = 0; i < 2; i++)
		expect(w, fds[0], IN);
	if (demux->edge) {
		watch(w, fds[0], IN | OUT, MODE_EDGE);
		expect(w, fds[0], IN | OUT);
		expect_nothing(w);
		put(fds[1]);
		CHECK_INT(wait_for(w, 0), 1);
		CHECK(w->said[0].events & IN);
	}
	watch(w, fds[0], OUT, MODE_ONCE);
	watch(w, fds[0], IN, MODE_LEVEL);
	for (i = 0; i < 2; i++)
		expect(w, fds[0], IN);
	world_close(w);
}

static void
forgotten(void)
{
	struct world *w = world_open();
	enum slot_mode mode;
	int fds[2], copy;

	for (mode = MODE_EDGE; mode <= MODE_LEVEL; mode++) {
		if (mode == MODE_EDGE && !demux->edge)
			continue;
		open_pair(fds);
		put(fds[1]);
		/* Before anything was handed over, and after. */
		watch(w, fds[0], IN | OUT, mode);
		forget(w, fds[0]);
		expect_nothing(w);
		watch(w, fds[0], IN | OUT, mode);
		expect(w, fds[0], IN | OUT);
		forget(w, fds[0]);
		put(fds[1]);
		expect_nothing(w);
		/* A duplicate keeps the socket, and not the watch. */
		copy = dup(fds[0]);
		CHECK(copy >= 0);
		watch(w, fds[0], IN, mode);
		forget(w, fds[0]);
		close(fds[0]);
		put(fds[1]);
		expect_nothing(w);
		close(copy);
		close(fds[1]);
	}
	world_close(w);
}

static void
number_again(void)
{
	struct world *w = world_open();
	int a[2], b[2], number;

	open_pair(a);
	open_pair(b);
	number = a[0];
	watch(w, number, IN | OUT, MODE_LEVEL);
	expect(w, number, OUT);
	forget(w, number);
	close(number);
	CHECK_INT(dup2(b[0], number), number);
	put(b[1]);
	watch(w, number, IN, MODE_ONCE);
	expect(w, number, IN);
	expect_nothing(w);
	/* Without a word: the watch of what is gone was told already. */
	close(number);
	CHECK_INT(dup2(b[1], number), number);
	w->slots[number].generation++;
	watch(w, number, OUT, MODE_ONCE);
	expect(w, number, OUT);
	world_close(w);
}

static void
new_key(void)
{
	struct world *w = world_open();
	int fds[2];

	open_pair(fds);
	watch(w, fds[0], IN, MODE_LEVEL);
	expect_nothing(w);
	w->slots[fds[0]].generation = UINT32_MAX;
	watch(w, fds[0], IN, MODE_LEVEL);
	put(fds[1]);
	expect(w, fds[0], IN);
	w->slots[fds[0]].generation = 0;
	watch(w, fds[0], IN, MODE_LEVEL);
	expect(w, fds[0], IN);
	world_close(w);
}

const struct tap_case watch_cases[] = {
	{ "edge: each time that something becomes ready, and when set",
	    edges },
	{ "edge: when there is room again", edge_of_room },
	{ "edge: output is told once when it is asked for", output_once },
	{ "edge: ... and where it cannot be had, that is told",
	    output_refused },
	{ "once: told once, for all that is wanted", once },
	{ "level: as long as something is ready", level },
	{ "mode and events may be changed", change_of_mode },
	{ "forget: it is silent, whatever keeps the file open", forgotten },
	{ "a descriptor number that is used again is another", number_again },
	{ "the key is that of the last set", new_key },
	{ NULL, NULL }
};
