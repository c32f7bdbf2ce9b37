/* SPDX-License-Identifier: ISC */
/* Files as objects, and the operations that make and end them. */
#include "config.h"

#include "core/file.h"

#define OPEN_FLAGS	(PROACTOR_FILE_READ | PROACTOR_FILE_WRITE | \
			PROACTOR_FILE_CREATE | PROACTOR_FILE_TRUNCATE | \
			PROACTOR_FILE_APPEND | PROACTOR_FILE_DIRECT | \
			PROACTOR_FILE_EXCLUSIVE)

static struct proactor_file *
make(struct proactor *p, int fd, bool owner)
{
	struct proactor_file *f;

	f = proactor__object_create(p, OBJECT_FILE, sizeof(*f), owner);
	if (f == NULL)
		return NULL;
	f->fd = fd;
	f->slot = -1;
	list_init(&f->pending);
	return f;
}

/* Takes a descriptor over as it is.  Any thread. */
int
proactor_file_import(struct proactor *p, struct proactor_handle handle,
    struct proactor_file **ret_file)
{
	struct proactor_file *f;
	int error;

	if (p == NULL || ret_file == NULL || handle.type != PROACTOR_HANDLE_FD)
		return PROACTOR_EINVAL;
	if (proactor__forked(p->generation))
		return PROACTOR_ECHILD;
	error = proactor__sys_check_fd(handle.u.fd);
	if (error != 0)
		return error;
	f = make(p, handle.u.fd, false);
	if (f == NULL)
		return PROACTOR_ENOMEM;
	*ret_file = f;
	return 0;
}

/*
 * The file that the backend opened; the descriptor is closed when there is no
 * memory for it.
 */
struct proactor_file *
proactor__file_opened(struct proactor *p, int fd)
{
	struct proactor_file *f = make(p, fd, true);

	if (f == NULL)
		proactor__sys_close(fd);
	return f;
}

struct proactor_file *
proactor_file_retain(struct proactor_file *f)
{
	if (f != NULL)
		object_retain(&f->object);
	return f;
}

/* Drops a reference; the last one closes the file.  Any thread. */
void
proactor_file_release(struct proactor_file *f)
{
	if (f != NULL && object_drop(&f->object))
		proactor__file_destroy(f);
}

void
proactor__file_destroy(struct proactor_file *f)
{
	proactor__object_close(&f->object, &f->fd, &f->slot);
}

/* The descriptor, for calls that the library has not; still the file's. */
struct proactor_handle
proactor_file_handle(struct proactor_file *f)
{
	if (f == NULL || atomic_load(&f->closing) != 0)
		return proactor_handle_none();
	return proactor_handle_fd(f->fd);
}

/* Open. */

static int
open_check(struct proactor *p, struct proactor_op *op)
{
	struct proactor_file_open_op *o =
	    container_of(op, struct proactor_file_open_op, base);
	unsigned int flags = o->open_flags;

	(void)p;
	if (o->path == NULL || (flags & ~OPEN_FLAGS) != 0 ||
	    (o->mode & ~07777u) != 0)
		return PROACTOR_EINVAL;
	if (!(flags & (PROACTOR_FILE_READ | PROACTOR_FILE_WRITE)))
		return PROACTOR_EINVAL;
	if ((flags & (PROACTOR_FILE_TRUNCATE | PROACTOR_FILE_APPEND |
	    PROACTOR_FILE_CREATE)) && !(flags & PROACTOR_FILE_WRITE))
		return PROACTOR_EINVAL;
	if ((flags & PROACTOR_FILE_EXCLUSIVE) &&
	    !(flags & PROACTOR_FILE_CREATE))
		return PROACTOR_EINVAL;
	return 0;
}

static bool
open_enter(struct proactor *p, struct proactor_op *op)
{
	container_of(op, struct proactor_file_open_op, base)->file = NULL;
	list_append(&p->loose, &op_state(op)->link);
	return true;
}

static bool
open_linkable(struct proactor_op *op)
{
	(void)op;
	return true;
}

static void
open_begin(struct proactor *p, struct proactor_op *op)
{
	(void)open_enter(p, op);
	op_state(op)->stage = STAGE_KERNEL;
	p->backend->start(p, op);
}

static void
open_leave(struct proactor *p, struct proactor_op *op)
{
	(void)p;
	list_remove(&op_state(op)->link);
	list_init(&op_state(op)->link);
}

const struct op_class proactor__file_open_class = {
	.name = "file open",
	.size = sizeof(struct proactor_file_open_op),
	.check = open_check,
	.begin = open_begin,
	.enter = open_enter,
	.linkable = open_linkable,
	.leave = open_leave,
};

void
proactor_file_open_op_init(struct proactor_file_open_op *op, const char *path,
    unsigned int open_flags, unsigned int mode, proactor_callback callback,
    void *user_data)
{
	if (op == NULL)
		return;
	proactor__op_init(&op->base, PROACTOR_OP_FILE_OPEN, callback,
	    user_data);
	op->path = path;
	op->open_flags = open_flags;
	op->mode = mode;
	op->file = NULL;
}

/* Close: as with sockets, the file is closing once it is accepted. */

static int
close_check(struct proactor *p, struct proactor_op *op)
{
	struct proactor_file *f = file_of(op);

	if (f == NULL || f->object.p != p)
		return PROACTOR_EINVAL;
	return atomic_exchange(&f->closing, 1) != 0 ? PROACTOR_EBADF : 0;
}

static void
close_uncheck(struct proactor_op *op)
{
	atomic_store(&file_of(op)->closing, 0);
}

/* A close that waited for the last operation goes on. */
void
proactor__file_close_if_idle(struct proactor *p, struct proactor_file *f)
{
	struct op_state *close;

	if (f->close == NULL || f->posted != 0 || !list_empty(&f->pending))
		return;
	close = op_state(f->close);
	if (close->stage == STAGE_CLOSING) {
		close->stage = STAGE_KERNEL;
		p->backend->start(p, f->close);
	}
}

static void
close_begin(struct proactor *p, struct proactor_op *op)
{
	struct proactor_file *f = file_of(op);
	struct link *l, *next;

	f->close = op;
	op_state(op)->stage = STAGE_CLOSING;
	proactor__object_list(&f->object);
	for (l = f->pending.next; l != &f->pending; l = next) {
		next = l->next;
		proactor__cancel(p, op_of_link(l));
	}
	proactor__file_close_if_idle(p, f);
}

static void
close_abandon(struct proactor_op *op)
{
	struct proactor_file *f = file_of(op);

	if (f->close == op) {
		f->close = NULL;
		proactor_file_release(f);
	} else
		close_uncheck(op);
}

static void
close_leave(struct proactor *p, struct proactor_op *op)
{
	struct proactor_file *f = file_of(op);

	(void)p;
	if (f->close == op) {
		f->close = NULL;
		f->fd = -1;
		proactor_file_release(f);
	} else
		close_uncheck(op);
}

const struct op_class proactor__file_close_class = {
	.name = "file close",
	.size = sizeof(struct proactor_file_close_op),
	.check = close_check,
	.uncheck = close_uncheck,
	.begin = close_begin,
	.abandon = close_abandon,
	.leave = close_leave,
};

void
proactor_file_close_op_init(struct proactor_file_close_op *op,
    struct proactor_file *file, proactor_callback callback, void *user_data)
{
	if (op == NULL)
		return;
	proactor__op_init(&op->base, PROACTOR_OP_FILE_CLOSE, callback,
	    user_data);
	op->file = file;
}
