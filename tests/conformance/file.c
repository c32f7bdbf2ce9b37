/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conformance/files.h"

/* Files: opening, importing, closing, and cancel of all they do. */

/* --- open --- */

static void
create_write_read(void)
{
	struct proactor_file *f;
	char path[PATH_ROOM];
	struct world w;

	world_open(&w, NULL);
	f = new_file(&w, path);
	CHECK(fcntl(file_fd(f), F_GETFD) & FD_CLOEXEC);
	put_bytes(&w, f, 0, "hello, world", 12);
	check_bytes(&w, f, 0, "hello, world", 12);
	CHECK_INT(size_of(path), 12);
	CHECK_INT(close_file(&w, f), 0);
	CHECK_INT(open_path(&w, path, PROACTOR_FILE_READ, 0, &f), 0);
	check_bytes(&w, f, 7, "world", 5);
	CHECK_INT(close_file(&w, f), 0);
	world_close(&w);
}

static void
bad_flags(void)
{
	static const unsigned int bad[] = {
		0,
		PROACTOR_FILE_CREATE,
		PROACTOR_FILE_CREATE | PROACTOR_FILE_EXCLUSIVE,
		PROACTOR_FILE_APPEND,
		PROACTOR_FILE_DIRECT,
		PROACTOR_FILE_READ | PROACTOR_FILE_CREATE,
		PROACTOR_FILE_READ | PROACTOR_FILE_APPEND,
		PROACTOR_FILE_READ | PROACTOR_FILE_TRUNCATE,
		PROACTOR_FILE_READ | PROACTOR_FILE_EXCLUSIVE,
		PROACTOR_FILE_WRITE | PROACTOR_FILE_EXCLUSIVE,
		RW | PROACTOR_FILE_TRUNCATE | PROACTOR_FILE_EXCLUSIVE,
		RW | 0x80,
		PROACTOR_FILE_READ | 0x80000000u,
	};
	struct proactor_file_open_op op;
	char path[PATH_ROOM];
	struct world w;
	size_t i;

	world_open(&w, NULL);
	temp_path(path, "f");
	for (i = 0; i < COUNT(bad); i++) {
		proactor_file_open_op_init(&op, path, bad[i], 0600, record,
		    &w.r);
		if (proactor_submit_one(w.p, &op.base) != PROACTOR_EINVAL)
			FAIL("flags 0x%x are not refused", bad[i]);
	}
	proactor_file_open_op_init(&op, path, RWC, 010000, record, &w.r);
	CHECK_INT(proactor_submit_one(w.p, &op.base), PROACTOR_EINVAL);
	CHECK_INT(access(path, F_OK), -1);
	CHECK(poll_quiet(&w));
	world_close(&w);
}

static void
good_flags(void)
{
	static const unsigned int good[] = {
		PROACTOR_FILE_READ,
		PROACTOR_FILE_WRITE,
		RW,
		RWC,
		PROACTOR_FILE_WRITE | PROACTOR_FILE_CREATE,
		PROACTOR_FILE_WRITE | PROACTOR_FILE_TRUNCATE,
		PROACTOR_FILE_WRITE | PROACTOR_FILE_APPEND,
		RWC | PROACTOR_FILE_APPEND | PROACTOR_FILE_TRUNCATE,
	};
	struct proactor_file *f;
	char path[PATH_ROOM];
	struct world w;
	size_t i;

	world_open(&w, NULL);
	temp_path(path, "f");
	for (i = 0; i < COUNT(good); i++) {
		make_file(path, "full", 4);
		CHECK_INT(open_path(&w, path, good[i], 0600, &f), 0);
		CHECK_INT(size_of(path),
		    good[i] & PROACTOR_FILE_TRUNCATE ? 0 : 4);
		CHECK_INT((fcntl(file_fd(f), F_GETFL) & O_APPEND) != 0,
		    (good[i] & PROACTOR_FILE_APPEND) != 0);
		CHECK_INT(close_file(&w, f), 0);
	}
	world_close(&w);
}

static void
exclusive(void)
{
	struct proactor_file *f;
	char path[PATH_ROOM];
	struct world w;

	world_open(&w, NULL);
	temp_path(path, "f");
	CHECK_INT(open_path(&w, path, RWC | PROACTOR_FILE_EXCLUSIVE, 0600,
	    &f), 0);
	put_bytes(&w, f, 0, "mine", 4);
	CHECK_INT(close_file(&w, f), 0);
	CHECK_INT(open_path(&w, path, RWC | PROACTOR_FILE_EXCLUSIVE |
	    PROACTOR_FILE_TRUNCATE, 0600, &f), PROACTOR_EEXIST);
	CHECK_INT(size_of(path), 4);
	world_close(&w);
}

static void
open_fails(void)
{
	struct proactor_file *f;
	char path[PATH_ROOM], below[PATH_ROOM + 8], *longest;
	struct world w;

	world_open(&w, NULL);
	temp_path(path, "f");
	CHECK_INT(open_path(&w, path, RW, 0, &f), PROACTOR_ENOENT);
	CHECK_INT(open_path(&w, "", RW, 0, &f), PROACTOR_ENOENT);
	make_file(path, "", 0);
	snprintf(below, sizeof(below), "%s/below", path);
	CHECK_INT(open_path(&w, below, RWC, 0, &f), PROACTOR_ENOTDIR);
	CHECK_INT(open_path(&w, selected.directory, PROACTOR_FILE_WRITE, 0,
	    &f), PROACTOR_EISDIR);
	CHECK_INT(unlink(path), 0);
	CHECK_INT(symlink(path, path), 0);
	CHECK_INT(open_path(&w, path, PROACTOR_FILE_READ, 0, &f),
	    PROACTOR_ELOOP);
	longest = malloc(PATH_MAX + 2);
	CHECK(longest != NULL);
	memset(longest, 'x', PATH_MAX + 1);
	longest[PATH_MAX + 1] = '\0';
	CHECK_INT(open_path(&w, longest, PROACTOR_FILE_READ, 0, &f),
	    PROACTOR_ENAMETOOLONG);
	free(longest);
	world_close(&w);
}

static void
open_denied(void)
{
	struct proactor_file *f;
	char path[PATH_ROOM];
	struct world w;

	world_open(&w, NULL);
	make_file(temp_path(path, "f"), "", 0);
	CHECK_INT(chmod(path, 0), 0);
	/* To root all is open that has an owner. */
	if (geteuid() == 0)
		strcpy(path, "/proc/sys/kernel/ostype");
	if (open(path, O_WRONLY | O_CLOEXEC) != -1 || errno != EACCES)
		SKIP("nothing is denied to root here");
	CHECK_INT(open_path(&w, path, PROACTOR_FILE_WRITE, 0, &f),
	    PROACTOR_EACCES);
	world_close(&w);
}

static void
mode_and_umask(void)
{
	static const struct {
		mode_t mask, mode, wanted;
	} modes[] = {
		{ 022, 0666, 0644 },
		{ 027, 0777, 0750 },
		{ 077, 0666, 0600 },
		{ 000, 0640, 0640 },
	};
	struct proactor_file *f;
	char path[PATH_ROOM];
	struct stat st;
	struct world w;
	size_t i;

	world_open(&w, NULL);
	for (i = 0; i < COUNT(modes); i++) {
		umask(modes[i].mask);
		CHECK_INT(open_path(&w, temp_path(path, "f"), RWC,
		    modes[i].mode, &f), 0);
		CHECK_INT(stat(path, &st), 0);
		CHECK_INT(st.st_mode & 07777, modes[i].wanted);
		CHECK_INT(close_file(&w, f), 0);
	}
	world_close(&w);
}

static void
relative_path(void)
{
	struct proactor_file *f;
	char path[PATH_ROOM];
	struct world w;

	world_open(&w, NULL);
	make_file(temp_path(path, "f"), "here", 4);
	CHECK_INT(chdir(selected.directory), 0);
	CHECK_INT(open_path(&w, strrchr(path, '/') + 1, PROACTOR_FILE_READ, 0,
	    &f), 0);
	check_bytes(&w, f, 0, "here", 4);
	CHECK_INT(close_file(&w, f), 0);
	world_close(&w);
}

/* --- import, references, close --- */

static void
import(void)
{
	struct proactor_file *f;
	char path[PATH_ROOM], memory[4];
	struct world w;
	size_t bytes;
	int fd, flags;

	world_open(&w, NULL);
	make_file(temp_path(path, "f"), "0123456789", 10);
	fd = open(path, O_RDWR);
	CHECK(fd != -1);
	CHECK_INT(lseek(fd, 5, SEEK_SET), 5);
	flags = fcntl(fd, F_GETFL);
	CHECK_INT(proactor_file_import(w.p, proactor_handle_fd(fd), &f), 0);
	CHECK_INT(file_fd(f), fd);
	CHECK_INT(read_bytes(&w, f, 2, memory, 4, &bytes), 0);
	CHECK_MEM(memory, "2345", 4);
	put_bytes(&w, f, 0, "x", 1);
	CHECK_INT(lseek(fd, 0, SEEK_CUR), 5);
	CHECK_INT(fcntl(fd, F_GETFL), flags);
	CHECK_INT(fcntl(fd, F_GETFD), 0);
	CHECK_INT(close_file(&w, f), 0);
	CHECK_INT(fcntl(fd, F_GETFD), -1);
	CHECK_INT(errno, EBADF);
	world_close(&w);
}

static void
released_in_flight(void)
{
	struct proactor_file_read_op op;
	struct proactor_file *f;
	char path[PATH_ROOM], memory[4];
	struct world w;
	size_t before;

	world_open(&w, NULL);
	make_file(temp_path(path, "f"), "text", 4);
	poll_barrier(&w);
	before = open_fds();
	CHECK_INT(open_path(&w, path, PROACTOR_FILE_READ, 0, &f), 0);
	CHECK(proactor_file_retain(f) == f);
	proactor_file_release(f);
	proactor_file_read_op_init(&op, f, 0, proactor_span(memory, 4),
	    record, &w.r);
	CHECK_INT(proactor_submit_one(w.p, &op.base), 0);
	proactor_file_release(f);
	CHECK(poll_finals(&w, &op, 1));
	CHECK_INT(status_of(&w.r, &op), 0);
	CHECK_MEM(memory, "text", 4);
	poll_barrier(&w);
	CHECK_INT(open_fds(), before);
	world_close(&w);
}

#define WRITES	32
#define BLOCK	((size_t)64 << 10)

static void
close_after_pending(void)
{
	struct proactor_file_close_op close_op;
	struct proactor_file_write_op ops[WRITES];
	struct proactor_file *f;
	char path[PATH_ROOM], *memory;
	struct world w;
	size_t i, written = 0;
	int status;

	world_open(&w, NULL);
	f = new_file(&w, path);
	memory = calloc(WRITES, BLOCK);
	CHECK(memory != NULL);
	for (i = 0; i < WRITES; i++) {
		proactor_file_write_op_init(&ops[i], f, i * BLOCK,
		    proactor_span(memory + i * BLOCK, BLOCK), record, &w.r);
		CHECK_INT(proactor_submit_one(w.p, &ops[i].base), 0);
	}
	proactor_file_close_op_init(&close_op, f, record, &w.r);
	CHECK_INT(proactor_submit_one(w.p, &close_op.base), 0);
	CHECK(poll_finals(&w, &close_op, 1));
	CHECK_INT(status_of(&w.r, &close_op), 0);
	CHECK_INT(w.r.calls, WRITES + 1);
	CHECK_INT(place_of(&w.r, &close_op), WRITES);
	for (i = 0; i < WRITES; i++) {
		CHECK_INT(finals_of(&w.r, &ops[i]), 1);
		status = status_of(&w.r, &ops[i]);
		CHECK(status == 0 || status == PROACTOR_ECANCELED);
		if (ops[i].bytes > 0 && i * BLOCK + ops[i].bytes > written)
			written = i * BLOCK + ops[i].bytes;
	}
	CHECK_INT(size_of(path), written);
	free(memory);
	world_close(&w);
}

static void
refused_after_close(void)
{
	struct proactor_file_close_op close_op;
	struct proactor_file_read_op read_op;
	struct proactor_file_write_op write_op;
	struct proactor_file *f;
	char path[PATH_ROOM], memory[4];
	struct world w;
	int i;

	world_open(&w, NULL);
	f = new_file(&w, path);
	CHECK(proactor_file_retain(f) == f);
	proactor_file_close_op_init(&close_op, f, record, &w.r);
	CHECK_INT(proactor_submit_one(w.p, &close_op.base), 0);
	proactor_file_read_op_init(&read_op, f, 0, proactor_span(memory, 4),
	    record, &w.r);
	proactor_file_write_op_init(&write_op, f, 0, proactor_span("x", 1),
	    record, &w.r);
	for (i = 0; i < 2; i++) {
		CHECK_INT(proactor_submit_one(w.p, &read_op.base),
		    PROACTOR_EBADF);
		CHECK_INT(proactor_submit_one(w.p, &write_op.base),
		    PROACTOR_EBADF);
		if (i == 0)
			CHECK(poll_finals(&w, &close_op, 1));
	}
	CHECK_INT(proactor_submit_one(w.p, &close_op.base), PROACTOR_EBADF);
	CHECK_INT(proactor_file_handle(f).type, PROACTOR_HANDLE_NONE);
	CHECK_INT(w.r.calls, 1);
	proactor_file_release(f);
	world_close(&w);
}

/* --- cancel --- */

static void
cancel_before_poll(void)
{
	struct proactor_file_read_op read_op;
	struct proactor_file_write_op write_op;
	struct proactor_file_open_op open_op;
	struct proactor_op *ops[3] = {
		&read_op.base, &write_op.base, &open_op.base,
	};
	struct proactor_file *f;
	char path[PATH_ROOM], other[PATH_ROOM], memory[4];
	struct world w;
	int i, status;

	world_open(&w, NULL);
	f = new_file(&w, path);
	put_bytes(&w, f, 0, "text", 4);
	proactor_file_read_op_init(&read_op, f, 0, proactor_span(memory, 4),
	    record, &w.r);
	proactor_file_write_op_init(&write_op, f, 4, proactor_span("x", 1),
	    record, &w.r);
	proactor_file_open_op_init(&open_op, temp_path(other, "f"), RWC,
	    0600, record, &w.r);
	for (i = 0; i < 3; i++) {
		CHECK_INT(proactor_cancel(w.p, ops[i]), PROACTOR_ENOENT);
		CHECK_INT(proactor_submit_one(w.p, ops[i]), 0);
		CHECK_INT(proactor_cancel(w.p, ops[i]), 0);
	}
	for (i = 0; i < 3; i++) {
		CHECK(poll_finals(&w, ops[i], 1));
		status = status_of(&w.r, ops[i]);
		CHECK(status == 0 || status == PROACTOR_ECANCELED);
		CHECK_INT(proactor_cancel(w.p, ops[i]), PROACTOR_ENOENT);
	}
	poll_barrier(&w);
	CHECK_INT(w.r.calls, 3);
	CHECK_INT(size_of(path), 4 + write_op.bytes);
	/* The callback is believed: what was opened is ours. */
	CHECK_INT(open_op.file != NULL, status_of(&w.r, &open_op) == 0);
	proactor_file_release(open_op.file);
	CHECK_INT(close_file(&w, f), 0);
	world_close(&w);
}

/* A pipe is not a file to seek in, but it can make a read wait. */
static void
cancel_waiting_read(void)
{
	struct proactor_file_read_op op;
	struct proactor_file *f;
	struct world w;
	char byte;
	int fds[2];

	world_open(&w, NULL);
	CHECK_INT(pipe(fds), 0);
	CHECK_INT(proactor_file_import(w.p, proactor_handle_fd(fds[0]), &f),
	    0);
	proactor_file_read_op_init(&op, f, 0, proactor_span(&byte, 1),
	    record, &w.r);
	CHECK_INT(proactor_submit_one(w.p, &op.base), 0);
	poll_barrier(&w);
	poll_quiet(&w);
	if (w.r.calls == 1)
		SKIP("a pipe does not make it wait: %s",
		    proactor_errname(w.r.seen[0].status));
	CHECK_INT(proactor_cancel(w.p, &op.base), 0);
	CHECK(poll_finals(&w, &op, 1));
	CHECK_INT(status_of(&w.r, &op), PROACTOR_ECANCELED);
	CHECK_INT(op.bytes, 0);
	/* Close ends one that waits. */
	CHECK_INT(proactor_submit_one(w.p, &op.base), 0);
	poll_barrier(&w);
	CHECK_INT(close_file(&w, f), 0);
	CHECK_INT(w.r.calls, 2);
	CHECK_INT(w.r.seen[1].status, PROACTOR_ECANCELED);
	close(fds[1]);
	world_close(&w);
}

/* Opening the writing end of a FIFO waits for a reader. */
static void
cancel_waiting_open(void)
{
	struct proactor_file_open_op op;
	char path[PATH_ROOM];
	struct world w;
	size_t before;
	int other = -1;

	world_open(&w, NULL);
	CHECK_INT(mkfifo(temp_path(path, "fifo"), 0600), 0);
	poll_barrier(&w);
	before = open_fds();
	proactor_file_open_op_init(&op, path, PROACTOR_FILE_WRITE |
	    PROACTOR_FILE_CREATE, 0600, record, &w.r);
	CHECK_INT(proactor_submit_one(w.p, &op.base), 0);
	poll_barrier(&w);
	poll_quiet(&w);
	if (w.r.calls == 1)
		SKIP("a FIFO does not make it wait: %s",
		    proactor_errname(w.r.seen[0].status));
	CHECK_INT(proactor_cancel(w.p, &op.base), 0);
	/* Where a thread waits in open(2), it says what it did. */
	if (strcmp(proactor_backend_name(w.p), "io_uring") != 0)
		other = open(path, O_RDONLY | O_NONBLOCK);
	CHECK(poll_finals(&w, &op, 1));
	if (other < 0 || status_of(&w.r, &op) != 0) {
		CHECK_INT(status_of(&w.r, &op), PROACTOR_ECANCELED);
		CHECK(op.file == NULL);
	}
	proactor_file_release(op.file);
	if (other >= 0)
		close(other);
	CHECK_INT(open_fds(), before);
	world_close(&w);
}

static void
cancel_close(void)
{
	struct proactor_file_close_op op;
	struct proactor_file *f;
	char path[PATH_ROOM];
	struct world w;
	int fd, status;

	world_open(&w, NULL);
	f = new_file(&w, path);
	fd = file_fd(f);
	proactor_file_close_op_init(&op, f, record, &w.r);
	CHECK_INT(proactor_cancel(w.p, &op.base), PROACTOR_ENOENT);
	CHECK_INT(proactor_submit_one(w.p, &op.base), 0);
	CHECK_INT(proactor_cancel(w.p, &op.base), 0);
	CHECK(poll_finals(&w, &op, 1));
	status = status_of(&w.r, &op);
	CHECK(status == 0 || status == PROACTOR_ECANCELED);
	poll_barrier(&w);
	CHECK_INT(w.r.calls, 1);
	CHECK_INT(fcntl(fd, F_GETFD), -1);
	world_close(&w);
}

const struct tap_case file_cases[] = {
	{ "file: created, written, read, closed, opened and read",
	    create_write_read },
	{ "file: open flags that make no sense are EINVAL at submit",
	    bad_flags },
	{ "file: open flags that make sense do what they say", good_flags },
	{ "file: exclusive makes a new one or is EEXIST", exclusive },
	{ "file: each way of not opening has its code", open_fails },
	{ "file: what is denied is EACCES", open_denied },
	{ "file: the mode of a new file honours the umask", mode_and_umask },
	{ "file: a relative path starts at the working directory",
	    relative_path },
	{ "file: import takes ownership and changes nothing", import },
	{ "file: operations in flight keep a released file",
	    released_in_flight },
	{ "file: close comes after what was pending", close_after_pending },
	{ "file: after close everything is EBADF", refused_after_close },
	{ "file: open, read and write can be cancelled before the first "
	    "poll", cancel_before_poll },
	{ "file: a read that waits can be cancelled and closed",
	    cancel_waiting_read },
	{ "file: an open that waits can be cancelled", cancel_waiting_open },
	{ "file: cancel does not keep the descriptor of a close",
	    cancel_close },
	{ NULL, NULL }
};
