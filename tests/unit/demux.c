/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <sys/socket.h>

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "unit/demux.h"

static void
say(struct engine *e, uint64_t key, unsigned int events, int error)
{
	struct world *w = container_of(e, struct world, e);

	CHECK(w->count < SLOTS);
	w->said[w->count].key = key;
	w->said[w->count].events = events;
	w->said[w->count++].error = error;
	/* Output is asked for once, which the demultiplexer has noted. */
	if (demux->await_out != NULL && (events & OUT) &&
	    w->slots[(uint32_t)key].mode == MODE_EDGE)
		CHECK_INT(w->slots[(uint32_t)key].wanted & OUT, 0);
	if (w->hook != NULL)
		w->hook(w, (int)(uint32_t)key);
}

void
proactor__engine_fired(struct engine *e, uint64_t key, unsigned int events)
{
	CHECK(events != 0);
	say(e, key, events, 0);
}

void
proactor__engine_failed(struct engine *e, uint64_t key, int error)
{
	CHECK(error < 0);
	say(e, key, 0, error);
}

static void *
test_realloc(void *user_data, void *memory, size_t size)
{
	(void)user_data;
	if (size != 0)
		return realloc(memory, size);
	free(memory);
	return NULL;
}

struct world *
world_open(void)
{
	struct world *w = calloc(1, sizeof(*w));
	char why[256] = "";
	int i;

	CHECK(w != NULL);
	w->p.realloc_fn = test_realloc;
	w->p.generation = proactor__generation_create();
	w->p.state = &w->e;
	w->e.p = &w->p;
	w->e.demux = demux;
	w->e.slots = w->slots;
	w->e.slot_count = SLOTS;
	for (i = 0; i < SLOTS; i++)
		w->slots[i].generation = 0x80000000u + (uint32_t)i;
	if (demux->create(&w->e, why, sizeof(why)) != 0)
		FAIL("%s: %s", demux->name, why);
	return w;
}

void
world_close(struct world *w)
{
	demux->destroy(&w->e);
	demux->dispose(&w->e);
	free(w);
}

void
need_edges(void)
{
	if (!demux->edge)
		SKIP("%s knows no edges", demux->name);
}

int
try_watch(struct world *w, int fd, unsigned int wanted, enum slot_mode mode)
{
	struct slot *slot = &w->slots[fd];
	int error;

	error = demux->set(&w->e, slot, fd, wanted, mode,
	    slot_key(&w->e, fd));
	if (error != 0)
		return error;
	slot->kind = mode == MODE_EDGE ? SLOT_SOCKET : SLOT_WATCH;
	slot->mode = (uint8_t)mode;
	slot->wanted = (uint8_t)wanted;
	slot->known = true;
	return 0;
}

void
watch(struct world *w, int fd, unsigned int wanted, enum slot_mode mode)
{
	CHECK_INT(try_watch(w, fd, wanted, mode), 0);
}

/* Told, it is not wanted any more: say() checks that. */
void
await_out(struct world *w, int fd)
{
	CHECK_INT(demux->await_out(&w->e, fd, slot_key(&w->e, fd)), 0);
	w->slots[fd].wanted |= OUT;
}

void
forget(struct world *w, int fd)
{
	CHECK(w->slots[fd].known);
	demux->forget(&w->e, &w->slots[fd], fd);
	w->slots[fd].known = false;
	w->slots[fd].kind = SLOT_FREE;
	w->slots[fd].generation++;
}

int
wait_for(struct world *w, int64_t timeout)
{
	w->count = 0;
	CHECK_INT(demux->wait(&w->e, timeout), 0);
	return w->count;
}

void
expect(struct world *w, int fd, unsigned int events)
{
	CHECK_INT(wait_for(w, 0), 1);
	CHECK_INT(w->said[0].error, 0);
	CHECK_INT(w->said[0].key, slot_key(&w->e, fd));
	/* Not all systems tell that from the rest. */
	CHECK_INT(w->said[0].events & ~READY_URGENT, events);
}

void
expect_nothing(struct world *w)
{
	CHECK_INT(wait_for(w, 0), 0);
}

void
open_pair(int fds[2])
{
	CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	CHECK_INT(fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
	CHECK_INT(fcntl(fds[1], F_SETFL, O_NONBLOCK), 0);
}

void
put(int fd)
{
	CHECK_INT(write(fd, "x", 1), 1);
}

void
take(int fd)
{
	char byte;

	CHECK_INT(read(fd, &byte, 1), 1);
}

int
main(void)
{
	const struct tap_case *const tables[] = {
		watch_cases, end_cases, wait_cases, NULL
	};

	return tap_run_tables(tables);
}
