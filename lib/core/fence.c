/* SPDX-License-Identifier: ISC */
/*
 * Fences: a descriptor of somebody else's that signals a semaphore, and a
 * semaphore that makes a descriptor readable.
 */
#include "config.h"

#include "core/class.h"
#include "core/semaphore.h"

/* An imported one: a handle poll of the library's own. */
struct fence {
	struct proactor_handle_poll_op poll;
	struct proactor *p;		/* its memory */
	struct proactor_semaphore *semaphore;
	uint64_t value;
};

/* The semaphore's value will come from a descriptor: 0 or a code. */
static int
check(struct proactor *p, struct proactor_semaphore *s)
{
	if (p == NULL || s == NULL)
		return PROACTOR_EINVAL;
	if (proactor__forked(p->generation) ||
	    proactor__forked(s->p->generation))
		return PROACTOR_ECHILD;
	if (!(p->capabilities & PROACTOR_CAP_DEVICE_FENCE))
		return PROACTOR_ENOTSUP;
	return 0;
}

static void
fence_free(struct fence *f)
{
	struct proactor *p = f->p;

	proactor__free(p, f);
	proactor__unhold(p);
}

/* Nothing watches the descriptor any more. */
static void
fence_end(struct fence *f, int status)
{
	struct proactor_semaphore *s = f->semaphore;
	uint64_t value = f->value;

	proactor__sys_close(f->poll.handle.u.fd);
	fence_free(f);
	/* It may be further than that, or have failed, by itself. */
	if (status == 0)
		(void)proactor_semaphore_signal(s, value);
	else
		(void)proactor_semaphore_fail(s, status);
	proactor_semaphore_release(s);
}

/* The callback of the handle poll, by which others know whose it is. */
void
proactor__fence_fired(void *user_data, struct proactor_op *op, int status,
    unsigned int flags)
{
	struct fence *f = user_data;

	(void)op;
	(void)flags;
	if (status == 0) {
		if (f->poll.fired & PROACTOR_POLL_ERR)
			status = PROACTOR_EIO;
		else if (f->poll.fired & PROACTOR_POLL_IN)
			status = proactor__sys_fence_status(
			    f->poll.handle.u.fd);
		else
			status = PROACTOR_EPIPE;
	} else if (status == PROACTOR_ECANCELED)
		status = PROACTOR_ESHUTDOWN;
	fence_end(f, status);
}

/* The proactor was released: nobody may be left waiting. */
void
proactor__fence_abandon(struct proactor_op *op)
{
	fence_end(op->user_data, PROACTOR_ESHUTDOWN);
}

static int
fence_submit(struct proactor *p, struct proactor_handle handle,
    struct proactor_semaphore *s, uint64_t value)
{
	struct fence *f;
	int error;

	f = proactor__allocate(p, sizeof(*f));
	if (f == NULL)
		return PROACTOR_ENOMEM;
	f->p = p;
	f->value = value;
	proactor__hold(p);
	f->semaphore = proactor_semaphore_retain(s);
	proactor_handle_poll_op_init(&f->poll, handle, PROACTOR_POLL_IN,
	    proactor__fence_fired, f);
	error = proactor_submit_one(p, &f->poll.base);
	if (error != 0) {
		proactor_semaphore_release(s);
		fence_free(f);
	}
	return error;
}

/*
 * When handle becomes readable, semaphore is signalled with value; see
 * proactor_import_fence(3).  Any thread.  Success takes the handle.
 */
int
proactor_import_fence(struct proactor *p, struct proactor_handle handle,
    struct proactor_semaphore *s, uint64_t value)
{
	int error;

	error = check(p, s);
	if (error != 0)
		return error;
	if (handle.type != PROACTOR_HANDLE_FD)
		return PROACTOR_EINVAL;
	error = failure_of(s);
	if (error != 0)
		return error;
	/* No descriptor is what a driver gives for work that is done. */
	if (handle.u.fd == -1)
		return proactor_semaphore_signal(s, value);
	if (is_reached(s, value))
		return PROACTOR_EINVAL;
	return fence_submit(p, handle, s, value);
}

/* An exported one, until the point is reached. */
struct export {
	struct point point;
	struct proactor *p;		/* its memory */
	int fd;				/* to make the other one readable */
};

static void
export_free(struct export *e)
{
	struct proactor *p = e->p;

	proactor__sys_close(e->fd);
	proactor__free(p, e);
	proactor__unhold(p);
}

/* As with a sync_file, an error is an end too. */
void
proactor__export_reached(struct point *point, int status)
{
	struct export *e = container_of(point, struct export, point);

	(void)status;
	proactor__sys_fence_signal(e->fd);
	export_free(e);
}

void
proactor__export_forget(struct point *point)
{
	export_free(container_of(point, struct export, point));
}

/*
 * A descriptor that becomes and stays readable when the value is reached; see
 * proactor_export_fence(3).  Any thread.
 */
int
proactor_export_fence(struct proactor *p, struct proactor_semaphore *s,
    uint64_t value, struct proactor_handle *ret_handle)
{
	struct export *e;
	int error, fd;

	error = ret_handle == NULL ? PROACTOR_EINVAL : check(p, s);
	if (error == 0)
		error = failure_of(s);
	if (error != 0)
		return error;
	/* It is the semaphore's: it may outlive p. */
	e = proactor__allocate(s->p, sizeof(*e));
	if (e == NULL)
		return PROACTOR_ENOMEM;
	error = proactor__sys_fence_open(&fd, &e->fd);
	if (error != 0) {
		proactor__free(s->p, e);
		return error;
	}
	e->p = s->p;
	proactor__hold(e->p);
	e->point.kind = POINT_EXPORT;
	e->point.value = value;
	*ret_handle = proactor_handle_fd(fd);
	lock_take(&s->lock);
	proactor__points_insert(&s->points, &e->point);
	proactor__semaphore_fire(s);
	return 0;
}
