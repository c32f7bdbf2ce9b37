/* SPDX-License-Identifier: ISC */
/*
 * Storage of sockets, files and events.  Those that accept and open make on
 * the owner's thread come from slabs, so that a busy server allocates nothing
 * per connection; those that the user creates, on any thread, from the
 * allocator.  An object may be destroyed on any thread: a foreign one sends
 * it home by mail.
 */
#include "config.h"

#include "core/core.h"

#define SLAB_OBJECTS	34		/* a page, nearly */

struct slab {
	struct slab *next;
	uint64_t objects[SLAB_OBJECTS][OBJECT_SIZE / sizeof(uint64_t)];
};

static struct object *
slab_take(struct proactor *p)
{
	struct slab *slab;
	struct object *o;
	size_t i;

	if (list_empty(&p->free_objects)) {
		slab = proactor__allocate(p, sizeof(*slab));
		if (slab == NULL)
			return NULL;
		slab->next = p->slabs;
		p->slabs = slab;
		for (i = 0; i < SLAB_OBJECTS; i++) {
			o = (struct object *)(void *)slab->objects[i];
			list_append(&p->free_objects, &o->link);
		}
	}
	/* The one that was freed last is the one that is in the cache. */
	o = container_of(p->free_objects.prev, struct object, link);
	list_remove(&o->link);
	clear(o, OBJECT_SIZE);
	return o;
}

/*
 * An object with one reference that holds p, or NULL.  owner: the calling
 * thread is the owner, the slabs are used.
 */
void *
proactor__object_create(struct proactor *p, enum object_type type,
    size_t size, bool owner)
{
	struct object *o;

	o = owner ? slab_take(p) : proactor__allocate(p, size);
	if (o == NULL)
		return NULL;
	atomic_init(&o->references, 1);
	o->type = (uint8_t)type;
	o->slab = owner;
	o->p = p;
	proactor__hold(p);
	return o;
}

/* An operation has named it: shutdown must be able to find it. */
void
proactor__object_list(struct object *o)
{
	if (!o->listed) {
		o->listed = true;
		list_append(&o->p->objects, &o->link);
	}
}

static void
object_free(struct proactor *p, struct object *o)
{
	if (o->listed)
		list_remove(&o->link);
	if (o->slab)
		list_append(&p->free_objects, &o->link);
	else
		proactor__free(p, o);
}

/*
 * The last reference is gone and what the object named is closed.  Any
 * thread.  Mail that is not read any more is freed with the proactor.
 */
void
proactor__object_destroy(struct object *o)
{
	struct proactor *p = o->p;

	if (is_owner(p) && atomic_load(&p->phase) != PHASE_DEAD)
		object_free(p, o);
	else {
		o->mail.kind = MAIL_OBJECT;
		mailbox_post(&p->mailbox, &o->mail);
	}
	proactor__unhold(p);
}

static void
close_left(struct proactor *p, int *fd, int16_t *slot)
{
	if (*fd < 0)
		return;
	if (atomic_load(&p->phase) != PHASE_DEAD)
		p->backend->forget(p, *fd, slot);
	proactor__sys_close(*fd);
	*fd = -1;
}

static bool
is_dead(struct proactor *p)
{
	return atomic_load(&p->phase) == PHASE_DEAD ||
	    proactor__forked(p->generation);
}

/*
 * The same for a socket or file that may still be open.  A descriptor that
 * the backend has taken in must leave there first, which is the owner's to
 * do.
 */
void
proactor__object_close(struct object *o, int *fd, int16_t *slot)
{
	struct proactor *p = o->p;

	if (*fd >= 0 && (*slot < 0 || is_owner(p) || is_dead(p))) {
		if (!is_dead(p))
			p->backend->forget(p, *fd, slot);
		proactor__sys_close(*fd);
		*fd = -1;
	}
	if (*fd < 0) {
		proactor__object_destroy(o);
		return;
	}
	/* The owner closes it, and the peer waits for that. */
	proactor__hold(p);
	proactor__object_destroy(o);
	proactor__wake_up(p);
	proactor__unhold(p);
}

/* An object that another thread was the last to release has come home. */
void
proactor__object_mailed(struct proactor *p, struct object *o)
{
	struct proactor_socket *s;
	struct proactor_file *f;

	if (o->type == OBJECT_SOCKET) {
		s = container_of(o, struct proactor_socket, object);
		close_left(p, &s->fd, &s->slot);
	} else if (o->type == OBJECT_FILE) {
		f = container_of(o, struct proactor_file, object);
		close_left(p, &f->fd, &f->slot);
	}
	object_free(p, o);
}

void
proactor__slabs_free(struct proactor *p)
{
	struct slab *slab;

	while ((slab = p->slabs) != NULL) {
		p->slabs = slab->next;
		proactor__free(p, slab);
	}
}
