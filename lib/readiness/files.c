/* SPDX-License-Identifier: ISC */
/*
 * Operations on files.  What the page cache has is read at once; what would
 * wait for a device goes to a thread; pipes, terminals and the like are
 * waited for as sockets are.
 */
#include "readiness/engine.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <unistd.h>

/* proactor_file.ways: what was found out about a file. */
#define WAYS_KNOWN	0x01u
#define WAYS_STREAM	0x02u	/* it has no offsets */
#define WAYS_READ_LATER	0x04u	/* reads cannot but wait: a thread does */
#define WAYS_WRITE_LATER 0x08u
#define WAYS_NO_READ	0x10u	/* it is not open for that */
#define WAYS_NO_WRITE	0x20u

/* A read or a write. */
struct transfer {
	struct proactor_file *file;
	uint64_t offset;
	char *memory;
	size_t length;
	size_t *bytes;			/* done */
	bool write;
};

static struct transfer
transfer_of(struct proactor_op *op)
{
	struct proactor_file_read_op *r = AS(file_read, op);
	struct proactor_file_write_op *w = AS(file_write, op);
	struct transfer t;

	t.write = op->type == PROACTOR_OP_FILE_WRITE;
	t.file = t.write ? w->file : r->file;
	t.offset = t.write ? w->offset : r->offset;
	t.memory = (char *)(t.write ? w->span.offset : r->span.offset);
	t.length = t.write ? w->span.length : r->span.length;
	t.bytes = t.write ? &w->bytes : &r->bytes;
	if (t.length > BACKEND_LENGTH_MAX)
		t.length = BACKEND_LENGTH_MAX;
	return t;
}

static enum need
over(int *status, int result)
{
	*status = result;
	return NEED_NOTHING;
}

/*
 * What a thread does: all of it, or as much as can be had.  A length of 0 is
 * a call, too: only the kernel knows whether the file may be written.
 */
static int
transfer_wait(const struct transfer *t)
{
	int fd = t->file->fd;
	char *memory;
	size_t left;
	off_t at;
	ssize_t n;

	for (;;) {
		memory = t->memory + *t->bytes;
		left = t->length - *t->bytes;
		at = (off_t)(t->offset + *t->bytes);
		n = t->write ? pwrite(fd, memory, left, at) :
		    pread(fd, memory, left, at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return *t->bytes != 0 ? 0 : -errno;
		*t->bytes += (size_t)n;
		if (n == 0 || *t->bytes >= t->length)
			return 0;
	}
}

/* What is left, without waiting: see proactor__sys_read_now(). */
static int64_t
transfer_now(const struct transfer *t, int64_t at)
{
	char *memory = t->memory + *t->bytes;
	size_t left = t->length - *t->bytes;

	return t->write ? proactor__sys_write_now(t->file->fd, memory, left,
	    at) : proactor__sys_read_now(t->file->fd, memory, left, at);
}

/* What may wait, after a look. */
static int64_t
transfer_some(const struct transfer *t, size_t length)
{
	ssize_t n = t->write ? write(t->file->fd, t->memory, length) :
	    read(t->file->fd, t->memory, length);

	return n < 0 ? -errno : n;
}

/* Is it worth an attempt?  That of nothing is, at any time. */
static bool
may_be_ready(const struct transfer *t)
{
	struct pollfd fd = { .fd = t->file->fd };
	int n;

	if (t->length == 0)
		return true;
	fd.events = t->write ? POLLOUT : POLLIN;
	do
		n = poll(&fd, 1, 0);
	while (n < 0 && errno == EINTR);
	return n != 0;
}

/*
 * A pipe, a terminal and the like: one transfer when it is ready.  One that
 * does not know of not waiting takes a piece that a pipe has room for.
 */
static enum need
attempt_stream(const struct transfer *t, int *status)
{
	size_t length = t->length;
	int64_t n;

	if (!may_be_ready(t))
		goto wait;
	do {
		n = transfer_now(t, -1);
		if (n == PROACTOR_ENOTSUP || n == PROACTOR_EINVAL) {
			if (t->write && length > PIPE_BUF)
				length = PIPE_BUF;
			n = transfer_some(t, length);
		}
	} while (n == -EINTR);
	if (n >= 0) {
		*t->bytes = (size_t)n;
		return over(status, 0);
	}
	if (n != PROACTOR_EAGAIN)
		return over(status, (int)n);
wait:
	/* The close must end the watch: see proactor__engine_forget(). */
	t->file->slot = 0;
	return t->write ? NEED_FILE_OUT : NEED_FILE_IN;
}

static void
find_ways(struct proactor_file *f)
{
	int flags;

	if (f->ways & WAYS_KNOWN)
		return;
	f->ways |= WAYS_KNOWN;
	f->hot = true;
	flags = fcntl(f->fd, F_GETFL);
	if (flags < 0)
		return;
	/* The wrong end of a pipe is never ready. */
	if ((flags & O_ACCMODE) == O_RDONLY)
		f->ways |= WAYS_NO_WRITE;
	else if ((flags & O_ACCMODE) == O_WRONLY)
		f->ways |= WAYS_NO_READ;
#ifdef O_DIRECT
	/* The device itself is waited for, whatever is asked. */
	if ((flags & O_DIRECT) && !proactor__sys_is_stream(f->fd))
		f->ways |= WAYS_READ_LATER | WAYS_WRITE_LATER;
#endif
}

static enum need
attempt_transfer(struct proactor_op *op, int *status)
{
	struct transfer t = transfer_of(op);
	struct proactor_file *f = t.file;
	uint8_t later = t.write ? WAYS_WRITE_LATER : WAYS_READ_LATER;
	int64_t n;

	find_ways(f);
	if (f->ways & (t.write ? WAYS_NO_WRITE : WAYS_NO_READ))
		return over(status, PROACTOR_EBADF);
	if (f->ways & WAYS_STREAM)
		return attempt_stream(&t, status);
	while (!(f->ways & later)) {
		n = transfer_now(&t, (int64_t)(t.offset + *t.bytes));
		if (n > 0) {
			*t.bytes += (size_t)n;
			if (*t.bytes >= t.length)
				return over(status, 0);
			continue;
		}
		if (n == 0)
			return over(status, 0);
		if (n == -EINTR)
			continue;
		if (n == PROACTOR_EAGAIN)
			break;
		if (n == PROACTOR_ESPIPE ||
		    (n == PROACTOR_ENOTSUP && proactor__sys_is_stream(f->fd))) {
			f->ways |= WAYS_STREAM;
			return attempt_stream(&t, status);
		}
		if (n != PROACTOR_ENOTSUP)
			return over(status, *t.bytes != 0 ? 0 : (int)n);
		f->ways |= later;
	}
	return NEED_THREAD;
}

static int
close_wait(struct proactor_file *f)
{
	int fd = f->fd;

	f->fd = -1;
	/* After EINTR the descriptor is gone on the systems that matter. */
	return close(fd) != 0 && errno != EINTR ? -errno : 0;
}

/* Only what was written has to be waited for. */
static enum need
attempt_close(struct engine *e, struct proactor_file *f, int *status)
{
	int flags = fcntl(f->fd, F_GETFL);

	proactor__engine_forget(e->p, f->fd, &f->slot);
	if (flags < 0 || (flags & O_ACCMODE) == O_RDONLY)
		return over(status, close_wait(f));
	return NEED_THREAD;
}

enum need
proactor__attempt_file(struct engine *e, struct proactor_op *op, int *status)
{
	switch (op->type) {
	case PROACTOR_OP_FILE_READ:
	case PROACTOR_OP_FILE_WRITE:
		return attempt_transfer(op, status);
	case PROACTOR_OP_FILE_CLOSE:
		return attempt_close(e, AS(file_close, op)->file, status);
	default:
		return NEED_THREAD;
	}
}

/* A job of a thread's: the operation is nobody else's meanwhile. */
void
proactor__file_execute(struct mail *job)
{
	struct proactor_op *op = op_of_mail(job);
	struct proactor_file_open_op *o;
	struct transfer t;
	int fd;

	switch (op->type) {
	case PROACTOR_OP_FILE_OPEN:
		o = AS(file_open, op);
		do
			fd = open(o->path,
			    proactor__sys_open_flags(o->open_flags),
			    (mode_t)o->mode);
		while (fd < 0 && errno == EINTR);
		op_state(op)->status = fd >= 0 ? fd : -errno;
		break;
	case PROACTOR_OP_FILE_CLOSE:
		op_state(op)->status = close_wait(AS(file_close, op)->file);
		break;
	default:
		t = transfer_of(op);
		op_state(op)->status = transfer_wait(&t);
		break;
	}
}

/* What the thread has done: the operation's status.  The owner. */
int
proactor__file_returned(struct proactor *p, struct proactor_op *op)
{
	int status = op_state(op)->status;

	if (op->type != PROACTOR_OP_FILE_OPEN || status < 0)
		return status;
	AS(file_open, op)->file = proactor__file_opened(p, status);
	return AS(file_open, op)->file != NULL ? 0 : PROACTOR_ENOMEM;
}

/* ... when nobody is told of it. */
void
proactor__file_void(struct proactor_op *op)
{
	if (op->type == PROACTOR_OP_FILE_OPEN && op_state(op)->status >= 0)
		proactor__sys_close(op_state(op)->status);
}
