/* SPDX-License-Identifier: ISC */
#ifndef PROACTOR_CORE_FILE_H
#define PROACTOR_CORE_FILE_H

/* What the operations on files share. */

#include "core/class.h"

/* Read, write and close have their file first. */
struct file_op {
	struct proactor_op base;
	struct proactor_file *file;
};

static inline struct proactor_file *
file_of(struct proactor_op *op)
{
	return container_of(op, struct file_op, base)->file;
}

/* A read and a write are alike but for their names: here both are reads. */
#define SAME(member) \
	_Static_assert(offsetof(struct proactor_file_read_op, member) == \
	    offsetof(struct proactor_file_write_op, member) && \
	    sizeof(((struct proactor_file_read_op *)0)->member) == \
	    sizeof(((struct proactor_file_write_op *)0)->member), #member)
SAME(file);
SAME(offset);
SAME(span);
SAME(bytes);
SAME(opaque);
#undef SAME
_Static_assert(sizeof(struct proactor_file_read_op) ==
    sizeof(struct proactor_file_write_op), "file operations");

static inline struct proactor_file_read_op *
file_io_of(struct proactor_op *op)
{
	return container_of(op, struct proactor_file_read_op, base);
}

/* file.c: a close that waited for the last operation goes on. */
void	 proactor__file_close_if_idle(struct proactor *p,
	    struct proactor_file *f);

#endif
