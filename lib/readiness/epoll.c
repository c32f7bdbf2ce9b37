/* SPDX-License-Identifier: ISC */
/* epoll(7): each socket is registered once, edge-triggered. */
#include "readiness/engine.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* Events of one wait. */
#define EVENTS		512

/* Events after which what their callbacks have started is attempted. */
#define FLUSH_EVENTS	128

/* No slot has this key: the wake descriptor. */
#define KEY_WAKE	UINT64_MAX

struct epoll_demux {
	int fd;
	bool no_pwait2;			/* before Linux 5.11 */
	struct wake wake;
	struct epoll_event events[EVENTS];
};

static struct epoll_demux *
demux_of(struct engine *e)
{
	return e->demux_state;
}

static int
control(struct epoll_demux *d, int operation, int fd, uint32_t events,
    uint64_t key)
{
	struct epoll_event event;

	event.events = events;
	event.data.u64 = key;
	return epoll_ctl(d->fd, operation, fd, &event) != 0 ? -errno : 0;
}

static int
epoll_demux_create(struct engine *e, char *why, size_t size)
{
	struct epoll_demux *d;
	int error;

	d = proactor__allocate(e->p, sizeof(*d));
	if (d == NULL) {
		snprintf(why, size, "out of memory");
		return PROACTOR_ENOMEM;
	}
	d->fd = epoll_create1(EPOLL_CLOEXEC);
	if (d->fd < 0) {
		error = -errno;
		snprintf(why, size, "epoll_create1: %s", strerror(-error));
		goto free;
	}
	error = proactor__sys_wake_create(&d->wake);
	if (error != 0) {
		snprintf(why, size, "no descriptor to wake with: %s",
		    strerror(-error));
		goto close;
	}
	error = control(d, EPOLL_CTL_ADD, d->wake.read_fd, EPOLLIN | EPOLLET,
	    KEY_WAKE);
	if (error != 0) {
		snprintf(why, size, "epoll_ctl: %s", strerror(-error));
		goto wake;
	}
	e->demux_state = d;
	return 0;
wake:
	proactor__sys_wake_close(&d->wake);
close:
	close(d->fd);
free:
	proactor__free(e->p, d);
	return error;
}

static int
epoll_demux_set(struct engine *e, struct slot *slot, int fd,
    unsigned int wanted, enum slot_mode mode, uint64_t key)
{
	struct epoll_demux *d = demux_of(e);
	int operation = slot->known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
	uint32_t events = 0;
	int error;

	if (wanted & PROACTOR_POLL_IN)
		events |= EPOLLIN;
	if (wanted & PROACTOR_POLL_OUT)
		events |= EPOLLOUT;
	if (mode == MODE_EDGE)
		events |= EPOLLRDHUP | EPOLLPRI | EPOLLET;
	else if (mode == MODE_ONCE)
		events |= EPOLLONESHOT;
	error = control(d, operation, fd, events, key);
	/* The number was closed, or duplicated, behind our back. */
	if (error == -ENOENT && operation == EPOLL_CTL_MOD)
		error = control(d, EPOLL_CTL_ADD, fd, events, key);
	else if (error == -EEXIST)
		error = control(d, EPOLL_CTL_MOD, fd, events, key);
	return error;
}

static void
epoll_demux_forget(struct engine *e, struct slot *slot, int fd)
{
	(void)slot;
	/* It fails when the number was closed behind our back. */
	(void)control(demux_of(e), EPOLL_CTL_DEL, fd, 0, 0);
}

static int
wait_some(struct epoll_demux *d, int64_t timeout)
{
	int64_t ms;
#ifdef SYS_epoll_pwait2
	struct timespec ts;
	int n;

	if (timeout > 0 && !d->no_pwait2) {
		ts.tv_sec = (time_t)(timeout / 1000000000);
		ts.tv_nsec = (long)(timeout % 1000000000);
		n = (int)syscall(SYS_epoll_pwait2, d->fd, d->events, EVENTS,
		    &ts, NULL, 0);
		if (n >= 0 || (errno != ENOSYS && errno != EPERM))
			return n;
		d->no_pwait2 = true;
	}
#endif
	/* Never early: up to the next millisecond. */
	ms = timeout <= 0 ? timeout : timeout / 1000000 +
	    (timeout % 1000000 != 0);
	return epoll_wait(d->fd, d->events, EVENTS,
	    ms > INT32_MAX ? INT32_MAX : (int)ms);
}

static unsigned int
events_of(uint32_t events)
{
	return ((events & EPOLLIN) ? PROACTOR_POLL_IN : 0u) |
	    ((events & EPOLLOUT) ? PROACTOR_POLL_OUT : 0u) |
	    ((events & EPOLLERR) ? PROACTOR_POLL_ERR : 0u) |
	    ((events & EPOLLHUP) ? PROACTOR_POLL_HUP : 0u) |
	    ((events & EPOLLRDHUP) ? READY_END : 0u) |
	    ((events & EPOLLPRI) ? READY_URGENT : 0u);
}

static int
epoll_demux_wait(struct engine *e, int64_t timeout)
{
	struct epoll_demux *d = demux_of(e);
	uint32_t events;
	int i, n;

	n = wait_some(d, timeout);
	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	for (i = 0; i < n; i++) {
		events = d->events[i].events;
		if (d->events[i].data.u64 != KEY_WAKE)
			proactor__engine_fired(e, d->events[i].data.u64,
			    events == (EPOLLIN | EPOLLOUT) ?
			    PROACTOR_POLL_IN | PROACTOR_POLL_OUT :
			    events_of(events));
		/* Each write is an edge; only a pipe has to be emptied. */
		else if (d->wake.read_fd != d->wake.write_fd)
			proactor__sys_wake_drain(&d->wake);
		/* What was answered leaves while it is in the cache. */
		if (i % FLUSH_EVENTS == FLUSH_EVENTS - 1)
			(void)proactor__engine_flush(e->p);
	}
	return 0;
}

static void
epoll_demux_wake(struct engine *e)
{
	proactor__sys_wake_signal(&demux_of(e)->wake);
}

static void
epoll_demux_destroy(struct engine *e)
{
	close(demux_of(e)->fd);
}

static void
epoll_demux_dispose(struct engine *e)
{
	proactor__sys_wake_close(&demux_of(e)->wake);
	proactor__free(e->p, e->demux_state);
}

const struct demux proactor__epoll_demux = {
	.name = "epoll",
	.edge = true,
	.create = epoll_demux_create,
	.set = epoll_demux_set,
	.forget = epoll_demux_forget,
	.wait = epoll_demux_wait,
	.wake = epoll_demux_wake,
	.destroy = epoll_demux_destroy,
	.dispose = epoll_demux_dispose,
};

static int
epoll_create_backend(struct proactor *p, const struct backend_options *options,
    char *why, size_t size)
{
	return proactor__engine_create(p, &proactor__epoll_demux, options,
	    why, size);
}

extern const struct backend proactor__epoll;

const struct backend proactor__epoll = {
	.name = "epoll",
	.create = epoll_create_backend,
	ENGINE_BACKEND
};
