/* SPDX-License-Identifier: ISC */
/* The operations that move a file's bytes: read and write. */
#include "config.h"

#include "core/file.h"

static int
check(struct proactor *p, struct proactor_op *op)
{
	struct proactor_file_read_op *io = file_io_of(op);
	struct proactor_file *f = io->file;

	if (f == NULL || f->object.p != p || io->offset > INT64_MAX)
		return PROACTOR_EINVAL;
	if (atomic_load_explicit(&f->closing, memory_order_relaxed) != 0)
		return PROACTOR_EBADF;
	return proactor__span_check(&io->span);
}

static void
retain(struct proactor_op *op)
{
	object_retain(&file_of(op)->object);
}

static void
abandon(struct proactor_op *op)
{
	proactor_file_release(file_of(op));
}

static bool
enter(struct proactor *p, struct proactor_op *op)
{
	struct proactor_file *f = file_of(op);

	(void)p;
	file_io_of(op)->bytes = 0;
	if (!f->object.listed)
		proactor__object_list(&f->object);
	list_append(&f->pending, &op_state(op)->link);
	return true;
}

static void
begin(struct proactor *p, struct proactor_op *op)
{
	struct proactor_file *f = file_of(op);

	/* A member of a chain whose turn comes when its file is closed. */
	if (f->close != NULL || f->fd < 0) {
		op_state(op)->bits |= OPB_POSTED;
		f->posted++;
		proactor__post(p, op, f->fd < 0 ? PROACTOR_EBADF :
		    PROACTOR_ECANCELED, 0);
		return;
	}
	(void)enter(p, op);
	op_state(op)->stage = STAGE_KERNEL;
	p->backend->start(p, op);
}

static bool
linkable(struct proactor_op *op)
{
	return file_of(op)->close == NULL;
}

static void
leave(struct proactor *p, struct proactor_op *op)
{
	struct proactor_file *f = file_of(op);

	if (op_state(op)->bits & OPB_POSTED)
		f->posted--;
	list_remove(&op_state(op)->link);
	list_init(&op_state(op)->link);
	proactor__file_close_if_idle(p, f);
	proactor_file_release(f);
}

/*
 * Takes what can go to the backend at once and in one piece, nothing else; a
 * length of 0 is for the long way.
 */
static inline bool
accept_usual(struct proactor *p, struct proactor_op *op)
{
	struct proactor_file_read_op *io = file_io_of(op);
	const struct proactor_span *span = &io->span;
	struct proactor_file *f = io->file;

	if (f == NULL || f->object.p != p || !f->hot ||
	    io->offset > INT64_MAX || span->region != NULL ||
	    span->offset == 0 || span->length - 1 >= BACKEND_LENGTH_MAX ||
	    atomic_load_explicit(&f->closing, memory_order_relaxed) != 0)
		return false;
	io->bytes = 0;
	object_retain(&f->object);
	op_accept(p, op, STAGE_KERNEL);
	list_append(&f->pending, &op_state(op)->link);
	return true;
}

int
proactor__read_submit(struct proactor *p, struct proactor_op *op)
{
	return accept_usual(p, op) ?
	    p->backend->start_read(p, file_io_of(op)) :
	    proactor__submit_plain(p, op);
}

int
proactor__write_submit(struct proactor *p, struct proactor_op *op)
{
	return accept_usual(p, op) ?
	    p->backend->start_write(p,
	    container_of(op, struct proactor_file_write_op, base)) :
	    proactor__submit_plain(p, op);
}

const struct op_class proactor__file_read_class = {
	.name = "file read",
	.size = sizeof(struct proactor_file_read_op),
	.check = check,
	.retain = retain,
	.begin = begin,
	.enter = enter,
	.linkable = linkable,
	.abandon = abandon,
	.leave = leave,
};

const struct op_class proactor__file_write_class = {
	.name = "file write",
	.size = sizeof(struct proactor_file_write_op),
	.check = check,
	.retain = retain,
	.begin = begin,
	.enter = enter,
	.linkable = linkable,
	.abandon = abandon,
	.leave = leave,
};

static void
init(struct proactor_op *op, unsigned int type, struct proactor_file *file,
    uint64_t offset, struct proactor_span span, proactor_callback callback,
    void *user_data)
{
	proactor__op_init(op, type, callback, user_data);
	file_io_of(op)->file = file;
	file_io_of(op)->offset = offset;
	file_io_of(op)->span = span;
	file_io_of(op)->bytes = 0;
}

void
proactor_file_read_op_init(struct proactor_file_read_op *op,
    struct proactor_file *file, uint64_t offset, struct proactor_span span,
    proactor_callback callback, void *user_data)
{
	if (op != NULL)
		init(&op->base, PROACTOR_OP_FILE_READ, file, offset, span,
		    callback, user_data);
}

void
proactor_file_write_op_init(struct proactor_file_write_op *op,
    struct proactor_file *file, uint64_t offset, struct proactor_span span,
    proactor_callback callback, void *user_data)
{
	if (op != NULL)
		init(&op->base, PROACTOR_OP_FILE_WRITE, file, offset, span,
		    callback, user_data);
}
