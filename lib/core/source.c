/* SPDX-License-Identifier: ISC */
/*
 * Event sources: a handle that is watched until it is unregistered.  The
 * watch is armed again after each callback, which makes it level-triggered:
 * a handle that was not drained calls back again.
 */
#include "config.h"

#include <string.h>

#include "core/core.h"

/*
 * Calls back whenever the handle has input (output, if it is open for
 * writing only), an error or a hang-up; see
 * proactor_register_event_source(3).  Serialised with poll by the caller.
 */
int
proactor_register_event_source(struct proactor *p,
    struct proactor_handle handle, proactor_event_source_fn callback,
    void *user_data, struct proactor_event_source **ret_source)
{
	struct proactor_event_source *source;
	unsigned int wanted;
	int error;

	if (p == NULL || callback == NULL || ret_source == NULL)
		return PROACTOR_EINVAL;
	if (proactor__forked(p->generation))
		return PROACTOR_ECHILD;
	if (handle.type != PROACTOR_HANDLE_FD)
		return PROACTOR_EINVAL;
	error = proactor__sys_watchable(handle.u.fd, &wanted);
	if (error != 0)
		return error;
	if (atomic_load(&p->phase) != PHASE_RUNNING)
		return PROACTOR_ESHUTDOWN;
	source = proactor__allocate(p, sizeof(*source));
	if (source == NULL)
		return PROACTOR_ENOMEM;
	proactor__source_init(source, handle.u.fd, callback, user_data, NULL);
	source->wanted = wanted;
	proactor__source_start(p, source);
	if (is_owner(p))
		(void)flush_outside(p);
	*ret_source = source;
	return 0;
}

/* One of the library's own, for input, in memory that gone takes back. */
void
proactor__source_init(struct proactor_event_source *source, int fd,
    proactor_event_source_fn callback, void *user_data,
    void (*gone)(struct proactor_event_source *source))
{
	memset(source, 0, sizeof(*source));
	source->handle = proactor_handle_fd(fd);
	source->wanted = PROACTOR_POLL_IN;
	source->callback = callback;
	source->user_data = user_data;
	source->gone = gone;
}

/* Before the first poll there is nobody to arm it: attach does. */
void
proactor__source_start(struct proactor *p,
    struct proactor_event_source *source)
{
	source->p = p;
	list_append(&p->sources, &source->link);
	if (is_owner(p)) {
		source->armed = true;
		p->backend->watch(p, source);
	}
}

static void
source_free(struct proactor_event_source *source)
{
	list_remove(&source->link);
	if (source->gone != NULL)
		source->gone(source);
	else
		proactor__free(source->p, source);
}

/* It calls back no more, and is gone now or when the backend lets go. */
void
proactor__source_drop(struct proactor *p,
    struct proactor_event_source *source)
{
	source->dead = true;
	if (source->armed || source->calling)
		p->backend->unwatch(p, source);
	else
		source_free(source);
}

/*
 * Ends a source; also inside a callback, its own included.  No callback of it
 * comes after that.
 */
int
proactor_unregister_event_source(struct proactor *p,
    struct proactor_event_source *source)
{
	if (p == NULL || source == NULL || source->p != p)
		return PROACTOR_EINVAL;
	if (proactor__forked(p->generation))
		return PROACTOR_ECHILD;
	if (source->dead)
		return PROACTOR_ENOENT;
	proactor__source_drop(p, source);
	if (is_owner(p) && !(p->special & SPECIAL_COLLECT))
		(void)p->backend->flush(p);
	return 0;
}

/* The polling thread has come: arms what was registered before. */
void
proactor__sources_arm(struct proactor *p)
{
	struct proactor_event_source *source;
	struct link *l;

	for (l = p->sources.next; l != &p->sources; l = l->next) {
		source = container_of(l, struct proactor_event_source, link);
		if (!source->armed && !source->dead && !source->failed) {
			source->armed = true;
			p->backend->watch(p, source);
		}
	}
}

/*
 * The watch has ended with the events (PROACTOR_POLL_*) that it saw, or with
 * a code when it could not be kept: such a source reports an error once and
 * stays silent.
 */
void
proactor__source_fired(struct proactor *p,
    struct proactor_event_source *source, int result)
{
	unsigned int events;

	source->armed = false;
	if (!source->dead) {
		source->failed = result < 0;
		events = result < 0 ? PROACTOR_POLL_ERR : (unsigned int)result;
		source->calling = true;
		if (source->gone == NULL)
			p->completed++;
		source->callback(source->user_data, source, events);
		source->calling = false;
	}
	if (source->dead) {
		source_free(source);
		return;
	}
	if (!source->failed) {
		source->armed = true;
		p->backend->watch(p, source);
	}
}

/* Shutdown: ends them all. */
void
proactor__sources_drop(struct proactor *p)
{
	struct proactor_event_source *source;
	struct link *l, *next;

	for (l = p->sources.next; l != &p->sources; l = next) {
		next = l->next;
		source = container_of(l, struct proactor_event_source, link);
		if (!source->dead)
			proactor__source_drop(p, source);
	}
}

/* The proactor is dead and the backend watches nothing. */
void
proactor__sources_free(struct proactor *p)
{
	while (!list_empty(&p->sources))
		source_free(container_of(p->sources.next,
		    struct proactor_event_source, link));
}
