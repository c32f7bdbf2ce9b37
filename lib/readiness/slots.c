/* SPDX-License-Identifier: ISC */
/* The table of descriptors that are watched. */
#include "readiness/engine.h"

#include <string.h>
#include <unistd.h>

#define SLOTS_MIN	64u

/*
 * The slot of a descriptor, or NULL when there is no memory.  It may move
 * with the next call.
 */
struct slot *
proactor__slot(struct engine *e, int fd)
{
	struct slot *slots;
	uint32_t n = e->slot_count;

	if ((uint32_t)fd < n)
		return &e->slots[fd];
	if (n == 0)
		n = SLOTS_MIN;
	while (n <= (uint32_t)fd)
		n *= 2;
	slots = proactor__allocate(e->p, n * sizeof(*slots));
	if (slots == NULL)
		return NULL;
	if (e->slot_count != 0)
		memcpy(slots, e->slots, e->slot_count * sizeof(*slots));
	proactor__free(e->p, e->slots);
	e->slots = slots;
	e->slot_count = n;
	return &slots[fd];
}

/* Has the demultiplexer watch a slot that is somebody's.  0 or a code. */
int
proactor__slot_set(struct engine *e, int fd, unsigned int wanted,
    enum slot_mode mode)
{
	struct slot *slot = &e->slots[fd];
	int error;

	error = e->demux->set(e, slot, fd, wanted, mode, slot_key(e, fd));
	if (error != 0)
		return error;
	slot->mode = (uint8_t)mode;
	slot->wanted = (uint8_t)wanted;
	slot->known = true;
	return 0;
}

/* Nobody has the slot any more; what is told of it late is dropped. */
void
proactor__slot_forget(struct engine *e, int fd)
{
	struct slot *slot = &e->slots[fd];

	if (slot->known)
		e->demux->forget(e, slot, fd);
	slot->known = false;
	slot->wanted = 0;
	slot->kind = SLOT_FREE;
	slot->who = NULL;
	slot->generation++;
}

static int
take_slot(struct engine *e, struct proactor_socket *s)
{
	struct slot *slot = proactor__slot(e, s->fd);
	int error;

	if (slot == NULL)
		return PROACTOR_ENOMEM;
	if (slot->kind == SLOT_WATCH) {
		error = proactor__watch_move(e, slot->who);
		if (error != 0)
			return error;
		slot = &e->slots[s->fd];
	} else if (slot->kind == SLOT_SOCKET)
		/* Two sockets of one descriptor: the first is blind now. */
		proactor__slot_forget(e, s->fd);
	slot->kind = SLOT_SOCKET;
	slot->who = s;
	s->slot = 0;
	return 0;
}

/* A socket that is watched for edges waits for output as well.  0 or a code. */
static int
await_out(struct engine *e, int fd)
{
	struct slot *slot = &e->slots[fd];
	int error;

	if (slot->wanted & PROACTOR_POLL_OUT)
		return 0;
	error = e->demux->await_out(e, fd, slot_key(e, fd));
	if (error == 0)
		slot->wanted |= PROACTOR_POLL_OUT;
	return error;
}

/*
 * An operation of the socket waits until that is ready for events; the
 * demultiplexer tells also if it has become so meanwhile.  0 or a code.
 */
int
proactor__socket_park(struct engine *e, struct proactor_socket *s,
    unsigned int events)
{
	bool out = (events & PROACTOR_POLL_OUT) && e->demux->await_out != NULL;
	enum slot_mode mode = MODE_EDGE;
	int error;

	if (s->slot >= 0 && e->demux->edge)
		return out ? await_out(e, s->fd) : 0;
	if (s->slot < 0) {
		error = take_slot(e, s);
		if (error != 0)
			return error;
	}
	if (!e->demux->edge) {
		mode = MODE_ONCE;
		events |= e->slots[s->fd].wanted;
	} else if (e->demux->await_out != NULL)
		events = PROACTOR_POLL_IN;
	else
		events = PROACTOR_POLL_IN | PROACTOR_POLL_OUT;
	error = proactor__slot_set(e, s->fd, events, mode);
	if (error != 0 && !e->slots[s->fd].known)
		proactor__engine_forget(e->p, s->fd, &s->slot);
	/*
	 * TCP that gives less than was asked for has no more, and what comes
	 * later is told as an edge.  After an end nothing more is told, and
	 * urgent data makes receives short: see socket_fired().
	 */
	s->hinted = error == 0 && mode == MODE_EDGE && !s->ended &&
	    (s->kind == PROACTOR_SOCKET_TCP || s->kind == PROACTOR_SOCKET_TCP6);
	return error == 0 && out ? await_out(e, s->fd) : error;
}

/* The owner, with no operation on it in flight: see backend.forget. */
void
proactor__engine_forget(struct proactor *p, int fd, int16_t *slot)
{
	struct engine *e = engine_of(p);

	if (*slot < 0)
		return;
	*slot = -1;
	if ((uint32_t)fd >= e->slot_count)
		return;
	if (e->slots[fd].kind == SLOT_SOCKET)
		proactor__slot_forget(e, fd);
	else if (e->slots[fd].kind == SLOT_WATCH)
		proactor__watch_idle(e, e->slots[fd].who);
}
