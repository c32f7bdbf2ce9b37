/* SPDX-License-Identifier: ISC */
/*
 * poll(2): every wait names all descriptors, so that only those which somebody
 * waits for are in the table.
 */
#include "readiness/engine.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define TABLE_MIN	64u

/* A ready descriptor, until it is told of. */
struct ready {
	uint64_t key;
	unsigned int events;		/* 0: it was closed */
};

struct poll_demux {
	struct pollfd *fds;		/* the first is the wake descriptor */
	uint64_t *keys;
	struct ready *ready;
	uint32_t count;
	uint32_t size;
	struct wake wake;
};

static struct poll_demux *
demux_of(struct engine *e)
{
	return e->demux_state;
}

static void
free_table(struct proactor *p, struct poll_demux *d)
{
	proactor__free(p, d->fds);
	proactor__free(p, d->keys);
	proactor__free(p, d->ready);
}

/* Room for one more.  False: there is no memory. */
static bool
grow(struct proactor *p, struct poll_demux *d)
{
	struct poll_demux fresh = *d;

	if (d->count < d->size)
		return true;
	fresh.size = d->size != 0 ? d->size * 2 : TABLE_MIN;
	fresh.fds = proactor__allocate(p, fresh.size * sizeof(*fresh.fds));
	fresh.keys = proactor__allocate(p, fresh.size * sizeof(*fresh.keys));
	fresh.ready = proactor__allocate(p, fresh.size * sizeof(*fresh.ready));
	if (fresh.fds == NULL || fresh.keys == NULL || fresh.ready == NULL) {
		free_table(p, &fresh);
		return false;
	}
	if (d->count != 0) {
		memcpy(fresh.fds, d->fds, d->count * sizeof(*d->fds));
		memcpy(fresh.keys, d->keys, d->count * sizeof(*d->keys));
		memcpy(fresh.ready, d->ready, d->count * sizeof(*d->ready));
	}
	free_table(p, d);
	*d = fresh;
	return true;
}

static int
poll_demux_create(struct engine *e, char *why, size_t size)
{
	struct poll_demux *d;
	int error;

	d = proactor__allocate(e->p, sizeof(*d));
	if (d == NULL || !grow(e->p, d)) {
		proactor__free(e->p, d);
		snprintf(why, size, "out of memory");
		return PROACTOR_ENOMEM;
	}
	error = proactor__sys_wake_create(&d->wake);
	if (error != 0) {
		snprintf(why, size, "no descriptor to wake with: %s",
		    strerror(-error));
		free_table(e->p, d);
		proactor__free(e->p, d);
		return error;
	}
	d->fds[0].fd = d->wake.read_fd;
	d->fds[0].events = POLLIN;
	d->count = 1;
	e->demux_state = d;
	return 0;
}

static int
poll_demux_set(struct engine *e, struct slot *slot, int fd,
    unsigned int wanted, enum slot_mode mode, uint64_t key)
{
	struct poll_demux *d = demux_of(e);

	(void)mode;
	if (slot->place == 0) {
		if (!grow(e->p, d))
			return PROACTOR_ENOMEM;
		slot->place = d->count++;
		d->fds[slot->place].fd = fd;
		d->fds[slot->place].revents = 0;
	}
	d->fds[slot->place].events = (short)proactor__sys_poll_mask(wanted);
	d->keys[slot->place] = key;
	return 0;
}

/* The last of the table takes the place. */
static void
poll_demux_forget(struct engine *e, struct slot *slot, int fd)
{
	struct poll_demux *d = demux_of(e);
	uint32_t place = slot->place, last;

	(void)fd;
	if (place == 0)
		return;
	last = --d->count;
	if (place != last) {
		d->fds[place] = d->fds[last];
		d->keys[place] = d->keys[last];
		e->slots[d->fds[place].fd].place = place;
	}
	slot->place = 0;
}

static int
wait_some(struct poll_demux *d, int64_t timeout)
{
#ifdef HAVE_PPOLL
	struct timespec ts;

	ts.tv_sec = (time_t)(timeout / 1000000000);
	ts.tv_nsec = (long)(timeout % 1000000000);
	return ppoll(d->fds, d->count, timeout < 0 ? NULL : &ts, NULL);
#else
	/* Never early: up to the next millisecond. */
	int64_t ms = timeout <= 0 ? timeout : timeout / 1000000 +
	    (timeout % 1000000 != 0);

	return poll(d->fds, d->count, ms > INT_MAX ? INT_MAX : (int)ms);
#endif
}

/*
 * What is ready is noted before anybody is told of it, for that changes the
 * table.
 */
static int
poll_demux_wait(struct engine *e, int64_t timeout)
{
	struct poll_demux *d = demux_of(e);
	uint32_t i, n = 0;
	struct slot *slot;
	int left;

	left = wait_some(d, timeout);
	if (left < 0)
		return errno == EINTR || errno == EAGAIN ? 0 : -errno;
	if (left > 0 && d->fds[0].revents != 0) {
		proactor__sys_wake_drain(&d->wake);
		left--;
	}
	/* From the end: what is removed is replaced by what was looked at. */
	for (i = d->count - 1; i > 0 && left > 0; i--) {
		if (d->fds[i].revents == 0)
			continue;
		left--;
		d->ready[n].key = d->keys[i];
		d->ready[n].events = (d->fds[i].revents & POLLNVAL) ? 0 :
		    proactor__sys_poll_events(d->fds[i].revents);
		slot = &e->slots[d->fds[i].fd];
		if (slot->mode == MODE_ONCE || d->ready[n].events == 0)
			poll_demux_forget(e, slot, d->fds[i].fd);
		n++;
	}
	for (i = 0; i < n; i++)
		if (d->ready[i].events != 0)
			proactor__engine_fired(e, d->ready[i].key,
			    d->ready[i].events);
		else
			proactor__engine_failed(e, d->ready[i].key,
			    PROACTOR_EBADF);
	return 0;
}

static void
poll_demux_wake(struct engine *e)
{
	proactor__sys_wake_signal(&demux_of(e)->wake);
}

static void
poll_demux_destroy(struct engine *e)
{
	free_table(e->p, demux_of(e));
}

static void
poll_demux_dispose(struct engine *e)
{
	proactor__sys_wake_close(&demux_of(e)->wake);
	proactor__free(e->p, e->demux_state);
}

const struct demux proactor__poll_demux = {
	.name = "poll",
	.create = poll_demux_create,
	.set = poll_demux_set,
	.forget = poll_demux_forget,
	.wait = poll_demux_wait,
	.wake = poll_demux_wake,
	.destroy = poll_demux_destroy,
	.dispose = poll_demux_dispose,
};

static int
poll_create_backend(struct proactor *p, const struct backend_options *options,
    char *why, size_t size)
{
	return proactor__engine_create(p, &proactor__poll_demux, options,
	    why, size);
}

extern const struct backend proactor__poll;

const struct backend proactor__poll = {
	.name = "poll",
	.create = poll_create_backend,
	ENGINE_BACKEND
};
