/* SPDX-License-Identifier: ISC */
/*
 * What is watched for others than a socket's operations: handle polls, event
 * sources, files that can be waited for.  Nothing here calls back but
 * proactor__due_sources().
 */
#include "readiness/engine.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static unsigned int
wanted_by(struct proactor_op *op)
{
	switch (op->type) {
	case PROACTOR_OP_HANDLE_POLL:
		return AS(handle_poll, op)->wanted;
	case PROACTOR_OP_FILE_WRITE:
		return PROACTOR_POLL_OUT;
	default:
		return PROACTOR_POLL_IN;
	}
}

static bool
is_used(const struct watch *w)
{
	return w->ops != NULL || w->sources != NULL;
}

/* A watch in a slot that is free, or NULL when there is no memory. */
static struct watch *
make_watch(struct engine *e, int origin, int fd)
{
	struct watch *w = proactor__allocate(e->p, sizeof(*w));

	if (w == NULL)
		return NULL;
	list_init(&w->link);
	w->origin = origin;
	w->fd = fd;
	e->slots[fd].kind = SLOT_WATCH;
	e->slots[fd].who = w;
	return w;
}

/* A free slot of a new descriptor of what fd names: that, or a code. */
static int
duplicate(struct engine *e, int fd)
{
	struct slot *slot;
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	if (copy < 0)
		return -errno;
	slot = proactor__slot(e, copy);
	if (slot == NULL) {
		close(copy);
		return PROACTOR_ENOMEM;
	}
	/* What it was had been closed without a word. */
	if (slot->kind == SLOT_WATCH && !is_used(slot->who)) {
		proactor__free(e->p, slot->who);
		proactor__slot_forget(e, copy);
	}
	if (slot->kind != SLOT_FREE) {
		close(copy);
		return PROACTOR_EBADF;
	}
	return copy;
}

static struct watch *
find(struct engine *e, int fd)
{
	struct slot *slot;
	struct watch *w;
	struct link *l;

	if ((uint32_t)fd >= e->slot_count)
		return NULL;
	slot = &e->slots[fd];
	if (slot->kind == SLOT_WATCH &&
	    ((struct watch *)slot->who)->origin == fd)
		return slot->who;
	for (l = e->duplicates.next; l != &e->duplicates; l = l->next) {
		w = container_of(l, struct watch, link);
		if (w->origin == fd)
			return w;
	}
	return NULL;
}

/* The watch of a descriptor; *ret_watch, 0 or a code. */
static int
watch_of(struct engine *e, int fd, struct watch **ret_watch)
{
	struct watch *w = find(e, fd);
	struct slot *slot;
	int copy;

	*ret_watch = w;
	if (w != NULL)
		return 0;
	slot = proactor__slot(e, fd);
	if (slot == NULL)
		return PROACTOR_ENOMEM;
	if (slot->kind == SLOT_FREE) {
		*ret_watch = w = make_watch(e, fd, fd);
		return w != NULL ? 0 : PROACTOR_ENOMEM;
	}
	copy = duplicate(e, fd);
	if (copy < 0)
		return copy;
	w = make_watch(e, fd, copy);
	if (w == NULL) {
		close(copy);
		return PROACTOR_ENOMEM;
	}
	list_append(&e->duplicates, &w->link);
	*ret_watch = w;
	return 0;
}

/* Nobody uses the watch: it ends if it is one of a duplicate. */
void
proactor__watch_idle(struct engine *e, struct watch *w)
{
	struct slot *slot = &e->slots[w->fd];

	if (is_used(w))
		return;
	if (w->restless) {
		list_remove(&w->link);
		list_init(&w->link);
		w->restless = false;
	}
	if (w->origin == w->fd) {
		/* What tells once has told, and is silent already. */
		if (slot->known && slot->wanted != 0) {
			e->demux->forget(e, slot, w->fd);
			slot->known = false;
			slot->wanted = 0;
			slot->generation++;
		}
		return;
	}
	list_remove(&w->link);
	proactor__slot_forget(e, w->fd);
	close(w->fd);
	proactor__free(e->p, w);
}

/* Watches for what its users want now.  0 or a code. */
static int
update(struct engine *e, struct watch *w)
{
	enum slot_mode mode = w->sources != NULL ? MODE_LEVEL : MODE_ONCE;
	struct slot *slot = &e->slots[w->fd];
	struct proactor_event_source *source;
	unsigned int wanted = 0;
	struct mail *mail;
	int error;

	for (mail = w->ops; mail != NULL; mail = mail->next)
		wanted |= wanted_by(op_of_mail(mail));
	for (source = w->sources; source != NULL; source = source->next)
		wanted |= source->wanted;
	if (w->restless || (slot->known && slot->wanted == wanted &&
	    slot->mode == mode))
		return 0;
	error = proactor__slot_set(e, w->fd, wanted, mode);
	if (error != PROACTOR_EPERM)
		return error;
	/* A duplicate is on a list already, and is made for a socket only. */
	if (w->origin == w->fd) {
		w->restless = true;
		list_append(&e->restless, &w->link);
		return 0;
	}
	return error;
}

/* The operation waits for fd.  0 or a code. */
int
proactor__watch_op(struct engine *e, int fd, struct proactor_op *op)
{
	struct mail *mail = &op_state(op)->mail, **m;
	struct watch *w;
	int error;

	error = watch_of(e, fd, &w);
	if (error != 0)
		return error;
	mail->next = NULL;
	for (m = &w->ops; *m != NULL; m = &(*m)->next)
		;
	*m = mail;
	error = update(e, w);
	if (error != 0) {
		*m = NULL;
		proactor__watch_idle(e, w);
		return error;
	}
	op_state(op)->shape |= SHAPE_WATCHED;
	return 0;
}

static int
descriptor_of(struct proactor_op *op)
{
	switch (op->type) {
	case PROACTOR_OP_HANDLE_POLL:
		return AS(handle_poll, op)->handle.u.fd;
	case PROACTOR_OP_FILE_WRITE:
		return AS(file_write, op)->file->fd;
	default:
		return AS(file_read, op)->file->fd;
	}
}

/* An operation that is watched for is canceled. */
void
proactor__unwatch_op(struct engine *e, struct proactor_op *op)
{
	struct mail *mail = &op_state(op)->mail, **m;
	struct watch *w = find(e, descriptor_of(op));

	op_state(op)->shape &= (uint8_t)~SHAPE_WATCHED;
	for (m = &w->ops; *m != mail; m = &(*m)->next)
		;
	*m = mail->next;
	if (!is_used(w))
		proactor__watch_idle(e, w);
	else
		(void)update(e, w);
}

static void
due_source(struct engine *e, struct proactor_event_source *source,
    unsigned int events)
{
	struct proactor_event_source **s;

	source->fired |= events;
	for (s = &e->due_sources; *s != NULL; s = &(*s)->due_next)
		if (*s == source)
			return;
	source->due_next = NULL;
	*s = source;
}

/* What waits for any of the events is due. */
void
proactor__watch_fired(struct engine *e, struct watch *w, unsigned int events)
{
	struct slot *slot = &e->slots[w->fd];
	struct proactor_event_source *source;
	struct mail *mail, **m = &w->ops;
	unsigned int fired;
	struct op_state *s;

	events &= PROACTOR_POLL_IN | PROACTOR_POLL_OUT | PROACTOR_POLL_ERR |
	    PROACTOR_POLL_HUP;
	if (slot->mode == MODE_ONCE)
		slot->wanted = 0;
	while ((mail = *m) != NULL) {
		fired = events & (wanted_by(op_of_mail(mail)) |
		    PROACTOR_POLL_ERR | PROACTOR_POLL_HUP);
		if (fired == 0) {
			m = &mail->next;
			continue;
		}
		*m = mail->next;
		s = op_state(op_of_mail(mail));
		s->shape &= (uint8_t)~SHAPE_WATCHED;
		if (op_of_mail(mail)->type == PROACTOR_OP_HANDLE_POLL) {
			AS(handle_poll, op_of_mail(mail))->fired = fired;
			s->shape |= SHAPE_DONE;
			s->status = 0;
		}
		op_list_append(&e->due, op_of_mail(mail));
	}
	for (source = w->sources; source != NULL; source = source->next) {
		fired = events & (source->wanted | PROACTOR_POLL_ERR |
		    PROACTOR_POLL_HUP);
		if (fired != 0)
			due_source(e, source, fired);
	}
	if (!is_used(w))
		proactor__watch_idle(e, w);
	else if (update(e, w) != 0)
		proactor__watch_failed(e, w, PROACTOR_ENOMEM);
}

/* The watch cannot be kept: all that wait fail. */
void
proactor__watch_failed(struct engine *e, struct watch *w, int error)
{
	struct proactor_event_source *source;
	struct mail *mail;
	struct op_state *s;

	while ((mail = w->ops) != NULL) {
		w->ops = mail->next;
		s = op_state(op_of_mail(mail));
		s->shape &= (uint8_t)~SHAPE_WATCHED;
		s->shape |= SHAPE_DONE;
		s->status = error;
		op_list_append(&e->due, op_of_mail(mail));
	}
	while ((source = w->sources) != NULL) {
		w->sources = source->next;
		source->watched = false;
		due_source(e, source, 0);
	}
	proactor__watch_idle(e, w);
}

/*
 * A socket wants the slot of a watch, which gives way: what is used is watched
 * by a duplicate from now on.  0 or a code.
 */
int
proactor__watch_move(struct engine *e, struct watch *w)
{
	int copy, fd = w->fd;

	if (!is_used(w)) {
		proactor__watch_idle(e, w);
		proactor__slot_forget(e, fd);
		proactor__free(e->p, w);
		return 0;
	}
	copy = duplicate(e, fd);
	if (copy < 0)
		return copy;
	proactor__slot_forget(e, fd);
	if (w->restless)
		list_remove(&w->link);
	w->restless = false;
	list_append(&e->duplicates, &w->link);
	w->fd = copy;
	e->slots[copy].kind = SLOT_WATCH;
	e->slots[copy].who = w;
	if (update(e, w) != 0)
		proactor__watch_failed(e, w, PROACTOR_ENOMEM);
	return 0;
}

/* The end of the engine. */
void
proactor__watch_free_all(struct engine *e)
{
	struct watch *w;
	uint32_t i;

	for (i = 0; i < e->slot_count; i++) {
		if (e->slots[i].kind != SLOT_WATCH)
			continue;
		w = e->slots[i].who;
		if (w->fd != w->origin)
			close(w->fd);
		proactor__free(e->p, w);
	}
}

/* What cannot be watched is always ready. */
void
proactor__restless_fired(struct engine *e)
{
	struct link *l, *next;

	for (l = e->restless.next; l != &e->restless; l = next) {
		next = l->next;
		proactor__watch_fired(e, container_of(l, struct watch, link),
		    PROACTOR_POLL_IN | PROACTOR_POLL_OUT);
	}
}

/* Calls back the sources that are due. */
void
proactor__due_sources(struct engine *e)
{
	struct proactor_event_source *source;
	unsigned int events;

	while ((source = e->due_sources) != NULL) {
		e->due_sources = source->due_next;
		events = source->fired;
		source->fired = 0;
		proactor__source_fired(e->p, source,
		    source->watched ? (int)events : PROACTOR_EIO);
	}
}

void
proactor__engine_watch(struct proactor *p,
    struct proactor_event_source *source)
{
	struct engine *e = engine_of(p);
	struct proactor_event_source **s;
	struct watch *w;
	int error;

	if (source->watched)
		return;
	error = watch_of(e, source->handle.u.fd, &w);
	if (error == 0) {
		source->next = NULL;
		for (s = &w->sources; *s != NULL; s = &(*s)->next)
			;
		*s = source;
		source->watched = true;
		error = update(e, w);
		if (error != 0)
			proactor__watch_failed(e, w, error);
	} else
		due_source(e, source, 0);
}

void
proactor__engine_unwatch(struct proactor *p,
    struct proactor_event_source *source)
{
	struct engine *e = engine_of(p);
	struct proactor_event_source **s;
	struct watch *w;

	for (s = &e->due_sources; *s != NULL; s = &(*s)->due_next)
		if (*s == source) {
			*s = source->due_next;
			break;
		}
	if (source->watched) {
		w = find(e, source->handle.u.fd);
		for (s = &w->sources; *s != source; s = &(*s)->next)
			;
		*s = source->next;
		source->watched = false;
		if (!is_used(w))
			proactor__watch_idle(e, w);
		else
			(void)update(e, w);
	}
	if (source->armed)
		proactor__source_fired(p, source, PROACTOR_ECANCELED);
}
