/* SPDX-License-Identifier: ISC */
/* Reads of cached blocks, size of them in flight. */
#include "config.h"

#include <stdlib.h>

#include "bench/raw.h"

struct reader {
	struct io_uring ring;
	char *buffers;
	uint32_t seed;
	uint64_t left;
	unsigned int in_flight;
	unsigned int flags;		/* of each entry */
	int file;
};

static void
start(struct reader *r, unsigned int buffer)
{
	struct io_uring_sqe *sqe;
	uint64_t block;

	block = random_next(&r->seed) % FILE_BLOCKS;
	sqe = raw_sqe(&r->ring);
	io_uring_prep_read(sqe, r->file, r->buffers + buffer * FILE_BLOCK,
	    FILE_BLOCK, block * FILE_BLOCK);
	sqe->flags |= r->flags;
	io_uring_sqe_set_data64(sqe, buffer);
	r->left--;
	r->in_flight++;
}

static void
take(void *user, struct io_uring_cqe *cqe)
{
	struct reader *r = user;

	if (cqe->res != FILE_BLOCK)
		die("read", cqe->res);
	r->in_flight--;
	if (r->left > 0)
		start(r, cqe->user_data);
}

static void
read_blocks(struct reader *r, unsigned int depth, uint64_t count)
{
	unsigned int i;

	r->left = count;
	for (i = 0; i < depth && r->left > 0; i++)
		start(r, i);
	while (r->in_flight > 0) {
		raw_turn(&r->ring, 1);
		raw_reap(&r->ring, take, r);
	}
}

static void
read_file(struct run *run, bool fixed)
{
	struct reader r = { .seed = 1, .file = run->file };
	int e;

	raw_ring_init(&r.ring, 64);
	if (fixed) {
		e = io_uring_register_files(&r.ring, &run->file, 1);
		if (e != 0)
			die("io_uring_register_files", e);
		r.file = 0;
		r.flags = IOSQE_FIXED_FILE;
	}
	r.buffers = allocate(run->size, FILE_BLOCK);
	read_blocks(&r, run->size, run->warm_up);
	run_begin(run);
	read_blocks(&r, run->size, run->operations);
	run_end(run, run->operations);
	io_uring_queue_exit(&r.ring);
	free(r.buffers);
}

void
raw_read(struct run *run)
{
	read_file(run, false);
}

void
raw_read_fixed(struct run *run)
{
	read_file(run, true);
}
