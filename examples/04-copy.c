/* SPDX-License-Identifier: ISC */
/*
 * Copies a file with several reads and writes in flight.
 *
 *	04-copy [-b bytes] [-n buffers] from to
 *
 * Each buffer goes its own way: read a block, write it, take the next block
 * that nobody has.  With n buffers up to n operations are in flight, reads
 * beside writes, in whatever order the device finishes them.
 *
 * A read may bring less than was asked for, and so may a write: both go on
 * where they stopped.  Only a read of 0 bytes is the end of the file.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <proactor.h>

struct copy;

struct block {
	struct copy *copy;
	struct proactor_file_read_op read;
	struct proactor_file_write_op write;
	char *buffer;
	uint64_t offset;		/* of the block in both files */
	size_t filled;			/* bytes read */
	size_t written;
};

struct copy {
	struct proactor *p;
	const char *from_name, *to_name;
	struct proactor_file *from, *to;
	struct proactor_file_open_op open;
	struct proactor_file_close_op close;
	size_t block_size;
	uint64_t next_offset;		/* of the first block not yet taken */
	uint64_t total;			/* bytes written */
	bool at_end;			/* a read has seen the end */
	unsigned int in_flight;		/* final callbacks still to come */
	int status;			/* the first error, or 0 */
	const char *failed;		/* the name it is about */
};

static void
fail(struct copy *c, const char *name, int status)
{
	if (c->status == 0) {
		c->status = status;
		c->failed = name;
	}
}

static void
start(struct copy *c, struct proactor_op *op, const char *name)
{
	int status = proactor_submit_one(c->p, op);

	if (status == 0)
		c->in_flight++;
	else
		fail(c, name, status);
}

/* Runs callbacks until everything that was started has ended. */
static void
finish(struct copy *c)
{
	int status;

	while (c->in_flight > 0) {
		status = proactor_poll(c->p, PROACTOR_FOREVER, NULL);
		if (status != 0) {
			fail(c, "poll", status);
			return;
		}
	}
}

static void
read_more(struct block *b)
{
	struct copy *c = b->copy;

	b->read.offset = b->offset + b->filled;
	b->read.span = proactor_span(b->buffer + b->filled,
	    c->block_size - b->filled);
	start(c, &b->read.base, c->from_name);
}

static void
write_more(struct block *b)
{
	struct copy *c = b->copy;

	b->write.offset = b->offset + b->written;
	b->write.span = proactor_span(b->buffer + b->written,
	    b->filled - b->written);
	start(c, &b->write.base, c->to_name);
}

/* After the end, or an error, a block has nothing left to do. */
static void
next_block(struct block *b)
{
	struct copy *c = b->copy;

	if (c->at_end || c->status != 0)
		return;
	b->offset = c->next_offset;
	c->next_offset += c->block_size;
	b->filled = 0;
	b->written = 0;
	read_more(b);
}

static void
on_read(void *user_data, struct proactor_op *op, int status,
    unsigned int flags)
{
	struct block *b = user_data;
	struct copy *c = b->copy;

	(void)op;
	(void)flags;
	c->in_flight--;
	if (status != 0) {
		fail(c, c->from_name, status);
		return;
	}
	if (b->read.bytes == 0)
		c->at_end = true;
	b->filled += b->read.bytes;
	if (b->read.bytes > 0 && b->filled < c->block_size)
		read_more(b);
	else if (b->filled > 0)
		write_more(b);
}

static void
on_write(void *user_data, struct proactor_op *op, int status,
    unsigned int flags)
{
	struct block *b = user_data;
	struct copy *c = b->copy;

	(void)op;
	(void)flags;
	c->in_flight--;
	if (status == 0 && b->write.bytes == 0)
		status = PROACTOR_EIO;		/* no error, no progress */
	if (status != 0) {
		fail(c, c->to_name, status);
		return;
	}
	b->written += b->write.bytes;
	c->total += b->write.bytes;
	if (b->written < b->filled)
		write_more(b);
	else
		next_block(b);
}

/* For open and close, of which there is one at a time. */
static void
on_done(void *user_data, struct proactor_op *op, int status,
    unsigned int flags)
{
	struct copy *c = user_data;

	(void)op;
	(void)flags;
	c->in_flight--;
	if (status != 0)
		fail(c, c->open.path, status);
}

static struct proactor_file *
open_file(struct copy *c, const char *name, unsigned int open_flags)
{
	proactor_file_open_op_init(&c->open, name, open_flags, 0600, on_done,
	    c);
	start(c, &c->open.base, name);
	finish(c);
	return c->status == 0 ? c->open.file : NULL;
}

/*
 * Looks at a file that is open.  What the library has no operation for is
 * done with the system's own calls on the handle.
 */
static void
look_at(struct copy *c, struct proactor_file *file, const char *name,
    struct stat *st)
{
	if (fstat(proactor_file_handle(file).u.fd, st) != 0)
		fail(c, name, -errno);
	else if (!S_ISREG(st->st_mode))
		fail(c, name, S_ISDIR(st->st_mode) ? PROACTOR_EISDIR :
		    PROACTOR_ENOTSUP);
}

/* Opens both; the target is emptied only when it is another file. */
static void
open_both(struct copy *c)
{
	struct stat from, to;
	int fd;

	c->from = open_file(c, c->from_name, PROACTOR_FILE_READ);
	if (c->status == 0)
		look_at(c, c->from, c->from_name, &from);
	if (c->status == 0)
		c->to = open_file(c, c->to_name, PROACTOR_FILE_WRITE |
		    PROACTOR_FILE_CREATE);
	if (c->status == 0)
		look_at(c, c->to, c->to_name, &to);
	if (c->status != 0)
		return;
	if (from.st_dev == to.st_dev && from.st_ino == to.st_ino) {
		fail(c, c->to_name, PROACTOR_EEXIST);
		return;
	}
	fd = proactor_file_handle(c->to).u.fd;
	if (ftruncate(fd, 0) != 0 || fchmod(fd, from.st_mode & 0777) != 0)
		fail(c, c->to_name, -errno);
}

/* Are both files as long as what went through our hands? */
static void
check_sizes(struct copy *c)
{
	struct stat from, to;

	look_at(c, c->from, c->from_name, &from);
	look_at(c, c->to, c->to_name, &to);
	if (c->status != 0)
		return;
	if ((uint64_t)from.st_size != c->total ||
	    (uint64_t)to.st_size != c->total) {
		fprintf(stderr, "04-copy: %s has %jd bytes, %s has %jd, "
		    "copied were %" PRIu64 "\n", c->from_name,
		    (intmax_t)from.st_size, c->to_name, (intmax_t)to.st_size,
		    c->total);
		fail(c, c->to_name, PROACTOR_EIO);
	}
}

/* Closing is an operation too: it may report a write that failed late. */
static void
close_target(struct copy *c)
{
	proactor_file_close_op_init(&c->close, c->to, on_done, c);
	start(c, &c->close.base, c->to_name);
	c->to = NULL;
	finish(c);
}

static size_t
number(const char *text, size_t max)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	return *end != '\0' || value > max ? 0 : (size_t)value;
}

int
main(int argc, char **argv)
{
	struct copy c = { .block_size = 128 * 1024 };
	struct block *blocks = NULL;
	char *memory = NULL;
	size_t i, count = 8;
	int option, status;

	while ((option = getopt(argc, argv, "b:n:")) != -1) {
		if (option == 'b')
			c.block_size = number(optarg, 64 * 1024 * 1024);
		else if (option == 'n')
			count = number(optarg, 1024);
		else
			count = 0;
	}
	if (argc - optind != 2 || c.block_size == 0 || count == 0) {
		fprintf(stderr,
		    "usage: 04-copy [-b bytes] [-n buffers] from to\n");
		return 2;
	}
	c.from_name = argv[optind];
	c.to_name = argv[optind + 1];

	blocks = calloc(count, sizeof(*blocks));
	memory = malloc(count * c.block_size);
	if (blocks == NULL || memory == NULL)
		fail(&c, "memory", PROACTOR_ENOMEM);
	if (c.status == 0) {
		status = proactor_create(NULL, &c.p);
		if (status != 0)
			fail(&c, "create", status);
	}
	if (c.status == 0)
		open_both(&c);
	for (i = 0; i < count && c.status == 0; i++) {
		blocks[i].copy = &c;
		blocks[i].buffer = memory + i * c.block_size;
		proactor_file_read_op_init(&blocks[i].read, c.from, 0,
		    proactor_span(NULL, 0), on_read, &blocks[i]);
		proactor_file_write_op_init(&blocks[i].write, c.to, 0,
		    proactor_span(NULL, 0), on_write, &blocks[i]);
		next_block(&blocks[i]);
	}
	/* Also after an error: the buffers are the library's until then. */
	finish(&c);
	if (c.status == 0)
		check_sizes(&c);
	if (c.status == 0)
		close_target(&c);

	if (c.status == 0)
		printf("%" PRIu64 " bytes copied\n", c.total);
	else
		fprintf(stderr, "04-copy: %s: %s\n", c.failed,
		    proactor_strerror(c.status));
	proactor_file_release(c.from);
	proactor_file_release(c.to);
	proactor_release(c.p);
	free(memory);
	free(blocks);
	return c.status == 0 ? 0 : 1;
}
