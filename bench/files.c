/* SPDX-License-Identifier: ISC */
/* Reads of cached blocks, size of them in flight. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench/library.h"

struct reader {
	struct proactor *p;
	struct proactor_file_read_op *ops;
	uint32_t seed;
	uint64_t left, done;
};

static void
start(struct reader *r, struct proactor_file_read_op *op)
{
	op->offset =
	    (uint64_t)(random_next(&r->seed) % FILE_BLOCKS) * FILE_BLOCK;
	r->left--;
	check(proactor_submit_one(r->p, &op->base), "proactor_submit_one");
}

static void
on_read(void *user, struct proactor_op *op, int status, unsigned int flags)
{
	struct proactor_file_read_op *read_op = (void *)op;
	struct reader *r = user;

	(void)flags;
	check(status, "read");
	if (read_op->bytes != FILE_BLOCK)
		die("short read", -1);
	r->done++;
	if (r->left > 0)
		start(r, read_op);
}

static void
read_blocks(struct reader *r, unsigned int depth, uint64_t count)
{
	unsigned int i;

	r->left = count;
	r->done = 0;
	for (i = 0; i < depth && r->left > 0; i++)
		start(r, &r->ops[i]);
	library_until(r->p, &r->done, count);
}

void
library_read(struct run *run)
{
	struct reader r = { .seed = 1 };
	struct proactor_file *file;
	char *buffers;
	unsigned int i;
	int fd;

	r.p = library_create(run);
	fd = dup(run->file);
	if (fd < 0)
		die("dup", -errno);
	check(proactor_file_import(r.p, proactor_handle_fd(fd), &file),
	    "proactor_file_import");
	r.ops = allocate(run->size, sizeof(*r.ops));
	buffers = allocate(run->size, FILE_BLOCK);
	for (i = 0; i < run->size; i++)
		proactor_file_read_op_init(&r.ops[i], file, 0,
		    proactor_span(buffers + i * FILE_BLOCK, FILE_BLOCK),
		    on_read, &r);
	read_blocks(&r, run->size, run->warm_up);
	run_begin(run);
	read_blocks(&r, run->size, run->operations);
	run_end(run, run->operations);
	proactor_file_release(file);
	library_release(r.p);
	free(r.ops);
	free(buffers);
}
