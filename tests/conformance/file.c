/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conformance/transfer.h"

/* Files: opening, reading and writing at offsets, closing. */

#define RW	(PROACTOR_FILE_READ | PROACTOR_FILE_WRITE)
#define RWC	(RW | PROACTOR_FILE_CREATE)

static int
open_path(struct world *w, const char *path, unsigned int flags,
    unsigned int mode, struct proactor_file **ret)
{
	struct recorder r = {0};
	struct proactor_file_open_op op;
	int status;

	proactor_file_open_op_init(&op, path, flags, mode, record, &r);
	/* Results are assigned, also when there is none. */
	op.file = (struct proactor_file *)&op;
	status = proactor_submit_one(w->p, &op.base);
	if (status == 0) {
		CHECK(poll_until(w, &r.finals, 1));
		CHECK_INT(r.calls, 1);
		status = r.seen[0].status;
		if (status == 0)
			*ret = op.file;
		else
			CHECK(op.file == NULL);
	}
	recorder_clear(&r);
	return status;
}

/* A new file for reading and writing. */
static struct proactor_file *
new_file(struct world *w, char path[PATH_ROOM])
{
	struct proactor_file *f;

	CHECK_INT(open_path(w, temp_path(path, "f"), RWC, 0600, &f), 0);
	return f;
}

static int
read_bytes(struct world *w, struct proactor_file *f, uint64_t offset,
    void *memory, size_t length, size_t *bytes)
{
	struct recorder r = {0};
	struct proactor_file_read_op op;
	int status;

	proactor_file_read_op_init(&op, f, offset,
	    proactor_span(memory, length), record, &r);
	status = proactor_submit_one(w->p, &op.base);
	if (status == 0) {
		CHECK(poll_until(w, &r.finals, 1));
		CHECK_INT(r.calls, 1);
		status = r.seen[0].status;
		*bytes = op.bytes;
	}
	recorder_clear(&r);
	return status;
}

static int
write_bytes(struct world *w, struct proactor_file *f, uint64_t offset,
    const void *memory, size_t length, size_t *bytes)
{
	struct recorder r = {0};
	struct proactor_file_write_op op;
	int status;

	proactor_file_write_op_init(&op, f, offset,
	    proactor_span(memory, length), record, &r);
	status = proactor_submit_one(w->p, &op.base);
	if (status == 0) {
		CHECK(poll_until(w, &r.finals, 1));
		CHECK_INT(r.calls, 1);
		status = r.seen[0].status;
		*bytes = op.bytes;
	}
	recorder_clear(&r);
	return status;
}

/* The whole of it, or the case fails. */
static void
put(struct world *w, struct proactor_file *f, uint64_t offset,
    const void *memory, size_t length)
{
	size_t bytes;

	CHECK_INT(write_bytes(w, f, offset, memory, length, &bytes), 0);
	CHECK_INT(bytes, length);
}

static void
check_at(struct world *w, struct proactor_file *f, uint64_t offset,
    const void *wanted, size_t length)
{
	char *memory = malloc(length);
	size_t bytes;

	CHECK(memory != NULL);
	CHECK_INT(read_bytes(w, f, offset, memory, length, &bytes), 0);
	CHECK_INT(bytes, length);
	CHECK_MEM(memory, wanted, length);
	free(memory);
}

static int
close_file(struct world *w, struct proactor_file *f)
{
	struct recorder r = {0};
	struct proactor_file_close_op op;
	int status;

	proactor_file_close_op_init(&op, f, record, &r);
	CHECK_INT(proactor_submit_one(w->p, &op.base), 0);
	CHECK(poll_until(w, &r.finals, 1));
	status = r.seen[0].status;
	recorder_clear(&r);
	return status;
}

static int
fd_of(struct proactor_file *f)
{
	struct proactor_handle handle = proactor_file_handle(f);

	CHECK_INT(handle.type, PROACTOR_HANDLE_FD);
	return handle.u.fd;
}

/* Made without the library. */
static void
make_file(const char *path, const void *memory, size_t length)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	CHECK(fd != -1);
	fd_write_all(fd, memory, length);
	close(fd);
}

static size_t
size_of(const char *path)
{
	struct stat st;

	CHECK_INT(stat(path, &st), 0);
	return (size_t)st.st_size;
}

/* --- open --- */

static void
create_write_read(void)
{
	struct proactor_file *f;
	char path[PATH_ROOM];
	struct world w;

	world_open(&w, NULL);
	f = new_file(&w, path);
	CHECK(fcntl(fd_of(f), F_GETFD) & FD_CLOEXEC);
	put(&w, f, 0, "hello, world", 12);
	check_at(&w, f, 0, "hello, world", 12);
	CHECK_INT(size_of(path), 12);
	CHECK_INT(close_file(&w, f), 0);
	CHECK_INT(open_path(&w, path, PROACTOR_FILE_READ, 0, &f), 0);
	check_at(&w, f, 7, "world", 5);
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
		CHECK_INT((fcntl(fd_of(f), F_GETFL) & O_APPEND) != 0,
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
	put(&w, f, 0, "mine", 4);
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

	if (geteuid() == 0)
		SKIP("nothing is denied to root");
	world_open(&w, NULL);
	make_file(temp_path(path, "f"), "", 0);
	CHECK_INT(chmod(path, 0), 0);
	CHECK_INT(open_path(&w, path, PROACTOR_FILE_READ, 0, &f),
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
	check_at(&w, f, 0, "here", 4);
	CHECK_INT(close_file(&w, f), 0);
	world_close(&w);
}

/* --- read, write --- */

static void
read_at_the_end(void)
{
	struct proactor_file *f;
	char path[PATH_ROOM], memory[16];
	struct world w;
	size_t bytes;

	world_open(&w, NULL);
	f = new_file(&w, path);
	bytes = 99;
	CHECK_INT(read_bytes(&w, f, 0, memory, 16, &bytes), 0);
	CHECK_INT(bytes, 0);
	put(&w, f, 0, "0123456789", 10);
	CHECK_INT(read_bytes(&w, f, 6, memory, 16, &bytes), 0);
	CHECK_INT(bytes, 4);
	CHECK_MEM(memory, "6789", 4);
	CHECK_INT(read_bytes(&w, f, 10, memory, 16, &bytes), 0);
	CHECK_INT(bytes, 0);
	CHECK_INT(read_bytes(&w, f, 1000000, memory, 16, &bytes), 0);
	CHECK_INT(bytes, 0);
	CHECK_INT(close_file(&w, f), 0);
	world_close(&w);
}

static void
position_is_untouched(void)
{
	struct proactor_file *f;
	char path[PATH_ROOM], memory[4];
	struct world w;
	size_t bytes;

	world_open(&w, NULL);
	f = new_file(&w, path);
	put(&w, f, 0, "0123456789", 10);
	CHECK_INT(lseek(fd_of(f), 0, SEEK_CUR), 0);
	CHECK_INT(lseek(fd_of(f), 3, SEEK_SET), 3);
	CHECK_INT(read_bytes(&w, f, 5, memory, 4, &bytes), 0);
	CHECK_MEM(memory, "5678", 4);
	put(&w, f, 8, "ab", 2);
	put(&w, f, 20, "c", 1);
	CHECK_INT(lseek(fd_of(f), 0, SEEK_CUR), 3);
	check_at(&w, f, 0, "01234567ab\0\0\0\0\0\0\0\0\0\0c", 21);
	CHECK_INT(close_file(&w, f), 0);
	world_close(&w);
}

static void
append_ignores_offset(void)
{
	struct proactor_file *f;
	char path[PATH_ROOM];
	struct world w;

	world_open(&w, NULL);
	make_file(temp_path(path, "f"), "old ", 4);
	CHECK_INT(open_path(&w, path, RW | PROACTOR_FILE_APPEND, 0, &f), 0);
	put(&w, f, 0, "new ", 4);
	put(&w, f, 100000, "newer", 5);
	CHECK_INT(size_of(path), 13);
	check_at(&w, f, 0, "old new newer", 13);
	CHECK_INT(close_file(&w, f), 0);
	world_close(&w);
}

static void
results_are_assigned(void)
{
	struct proactor_file_read_op read_op;
	struct proactor_file_write_op write_op;
	struct proactor_file *f;
	char path[PATH_ROOM], memory[16];
	struct world w;

	world_open(&w, NULL);
	f = new_file(&w, path);
	proactor_file_write_op_init(&write_op, f, 0,
	    proactor_span("0123456789", 10), record, &w.r);
	CHECK_INT(run_one(&w, &write_op.base), 0);
	CHECK_INT(write_op.bytes, 10);
	CHECK_INT(run_one(&w, &write_op.base), 0);
	CHECK_INT(write_op.bytes, 10);
	write_op.span.length = 3;
	CHECK_INT(run_one(&w, &write_op.base), 0);
	CHECK_INT(write_op.bytes, 3);
	proactor_file_read_op_init(&read_op, f, 0, proactor_span(memory, 16),
	    record, &w.r);
	CHECK_INT(run_one(&w, &read_op.base), 0);
	CHECK_INT(read_op.bytes, 10);
	read_op.offset = 8;
	CHECK_INT(run_one(&w, &read_op.base), 0);
	CHECK_INT(read_op.bytes, 2);
	read_op.offset = 10;
	CHECK_INT(run_one(&w, &read_op.base), 0);
	CHECK_INT(read_op.bytes, 0);
	CHECK_INT(close_file(&w, f), 0);
	world_close(&w);
}

static void
wrong_direction(void)
{
	struct proactor_file *f;
	char path[PATH_ROOM], memory[4];
	struct world w;
	size_t bytes = 0;

	world_open(&w, NULL);
	make_file(temp_path(path, "f"), "text", 4);
	CHECK_INT(open_path(&w, path, PROACTOR_FILE_READ, 0, &f), 0);
	CHECK_INT(write_bytes(&w, f, 0, "x", 1, &bytes), PROACTOR_EBADF);
	CHECK_INT(bytes, 0);
	CHECK_INT(close_file(&w, f), 0);
	CHECK_INT(open_path(&w, path, PROACTOR_FILE_WRITE, 0, &f), 0);
	CHECK_INT(read_bytes(&w, f, 0, memory, 4, &bytes), PROACTOR_EBADF);
	CHECK_INT(bytes, 0);
	CHECK_INT(close_file(&w, f), 0);
	world_close(&w);
}

static void
offsets_that_are_none(void)
{
	static const uint64_t bad[] = {
		(uint64_t)INT64_MAX + 1, UINT64_MAX - 1, UINT64_MAX,
	};
	struct proactor_file *f;
	char path[PATH_ROOM], memory[4];
	struct world w;
	size_t bytes = 99, i;
	int status;

	world_open(&w, NULL);
	f = new_file(&w, path);
	put(&w, f, 0, "text", 4);
	/* What a descriptor's own position would be must not come in. */
	CHECK_INT(lseek(fd_of(f), 1, SEEK_SET), 1);
	for (i = 0; i < COUNT(bad); i++) {
		CHECK_INT(read_bytes(&w, f, bad[i], memory, 4, &bytes),
		    PROACTOR_EINVAL);
		CHECK_INT(write_bytes(&w, f, bad[i], "x", 1, &bytes),
		    PROACTOR_EINVAL);
	}
	/* The end of what is asked for is beyond what can be. */
	status = write_bytes(&w, f, INT64_MAX, "xy", 2, &bytes);
	CHECK(status < 0);
	status = read_bytes(&w, f, INT64_MAX, memory, 4, &bytes);
	CHECK(status < 0 || bytes == 0);
	CHECK_INT(lseek(fd_of(f), 0, SEEK_CUR), 1);
	CHECK_INT(size_of(path), 4);
	CHECK_INT(close_file(&w, f), 0);
	world_close(&w);
}

static void
far_offsets(void)
{
	uint64_t far = ((uint64_t)5 << 30) + 3;
	struct proactor_file *f;
	char path[PATH_ROOM];
	struct world w;
	size_t bytes;
	int status;

	world_open(&w, NULL);
	f = new_file(&w, path);
	status = write_bytes(&w, f, far, "far", 3, &bytes);
	if (status == PROACTOR_EFBIG)
		SKIP("the file system has no files of 5 GiB");
	CHECK_INT(status, 0);
	CHECK_INT(bytes, 3);
	check_at(&w, f, far, "far", 3);
	check_at(&w, f, far - 2, "\0\0far", 5);
	CHECK_INT(close_file(&w, f), 0);
	CHECK_INT(truncate(path, 0), 0);
	world_close(&w);
}

static void
huge_lengths(void)
{
#if SIZE_MAX > 0xffffffff
	size_t length = (size_t)1 << 32;
	struct proactor_file *f;
	char path[PATH_ROOM], *memory;
	struct world w;
	size_t bytes;

	memory = mmap(NULL, length, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (memory == MAP_FAILED)
		SKIP("no 4 GiB of address space");
	world_open(&w, NULL);
	f = new_file(&w, path);
	put(&w, f, 0, "0123456789", 10);
	CHECK_INT(read_bytes(&w, f, 0, memory, length, &bytes), 0);
	CHECK_INT(bytes, 10);
	CHECK_MEM(memory, "0123456789", 10);
	CHECK_INT(close_file(&w, f), 0);
	CHECK_INT(open_path(&w, "/dev/null", PROACTOR_FILE_WRITE, 0, &f), 0);
	CHECK_INT(write_bytes(&w, f, 0, memory, length, &bytes), 0);
	CHECK(bytes > 0 && bytes <= length);
	CHECK_INT(close_file(&w, f), 0);
	world_close(&w);
	munmap(memory, length);
#else
	SKIP("size_t has 32 bits");
#endif
}

static void
zero_lengths(void)
{
	struct proactor_file *f;
	char path[PATH_ROOM], memory[4];
	struct world w;
	size_t bytes;

	world_open(&w, NULL);
	f = new_file(&w, path);
	put(&w, f, 0, "text", 4);
	bytes = 99;
	CHECK_INT(read_bytes(&w, f, 0, memory, 0, &bytes), 0);
	CHECK_INT(bytes, 0);
	bytes = 99;
	CHECK_INT(write_bytes(&w, f, 0, memory, 0, &bytes), 0);
	CHECK_INT(bytes, 0);
	CHECK_INT(size_of(path), 4);
	CHECK_INT(close_file(&w, f), 0);
	world_close(&w);
}

static void
device_is_full(void)
{
	struct proactor_file *f;
	struct world w;
	size_t bytes = 0;

	if (access("/dev/full", W_OK) != 0)
		SKIP("there is no /dev/full");
	world_open(&w, NULL);
	CHECK_INT(open_path(&w, "/dev/full", PROACTOR_FILE_WRITE, 0, &f), 0);
	CHECK_INT(write_bytes(&w, f, 0, "x", 1, &bytes), PROACTOR_ENOSPC);
	CHECK_INT(bytes, 0);
	CHECK_INT(close_file(&w, f), 0);
	world_close(&w);
}

static void
directory(void)
{
	struct proactor_file *f;
	struct world w;
	size_t bytes = 0;
	char memory[16];

	world_open(&w, NULL);
	CHECK_INT(open_path(&w, selected.directory, PROACTOR_FILE_READ, 0,
	    &f), 0);
	CHECK_INT(read_bytes(&w, f, 0, memory, sizeof(memory), &bytes),
	    PROACTOR_EISDIR);
	CHECK_INT(bytes, 0);
	CHECK_INT(close_file(&w, f), 0);
	world_close(&w);
}

static void
direct(void)
{
	struct proactor_file *f;
	char path[PATH_ROOM];
	struct world w;
	size_t bytes;
	void *memory = NULL;
	int status;

	world_open(&w, NULL);
	status = open_path(&w, temp_path(path, "f"), RWC |
	    PROACTOR_FILE_DIRECT, 0600, &f);
	if (status == PROACTOR_EINVAL)
		SKIP("the file system has no direct access");
	CHECK_INT(status, 0);
	CHECK_INT(posix_memalign(&memory, 4096, 8192), 0);
	fill(memory, 8192, 1);
	put(&w, f, 4096, memory, 8192);
	memset(memory, 0, 8192);
	CHECK_INT(read_bytes(&w, f, 4096, memory, 8192, &bytes), 0);
	CHECK_INT(bytes, 8192);
	CHECK(is_filled(memory, 8192, 1));
	CHECK_INT(read_bytes(&w, f, 12288, memory, 4096, &bytes), 0);
	CHECK_INT(bytes, 0);
	CHECK_INT(close_file(&w, f), 0);
	free(memory);
	world_close(&w);
}

/* --- many at once --- */

#define READS	32
#define BLOCK	((size_t)64 << 10)

/* Each of twice a block, one block further on: all overlap. */
static void
overlapping_reads(void)
{
	struct proactor_file_read_op ops[READS];
	struct proactor_op *batch[READS];
	struct proactor_file *f;
	char path[PATH_ROOM], *whole, *memory;
	struct world w;
	size_t i;

	world_open(&w, NULL);
	whole = malloc((READS + 1) * BLOCK);
	memory = calloc(READS, 2 * BLOCK);
	CHECK(whole != NULL && memory != NULL);
	fill(whole, (READS + 1) * BLOCK, 9);
	make_file(temp_path(path, "f"), whole, (READS + 1) * BLOCK);
	CHECK_INT(open_path(&w, path, PROACTOR_FILE_READ, 0, &f), 0);
	for (i = 0; i < READS; i++) {
		proactor_file_read_op_init(&ops[i], f, i * BLOCK,
		    proactor_span(memory + i * 2 * BLOCK, 2 * BLOCK), record,
		    &w.r);
		batch[i] = &ops[i].base;
	}
	CHECK_INT(proactor_submit(w.p, batch, READS), 0);
	CHECK(poll_until(&w, &w.r.finals, READS));
	CHECK_INT(w.r.calls, READS);
	for (i = 0; i < READS; i++) {
		CHECK_INT(status_of(&w.r, &ops[i]), 0);
		CHECK_INT(ops[i].bytes, 2 * BLOCK);
		CHECK_MEM(memory + i * 2 * BLOCK, whole + i * BLOCK,
		    2 * BLOCK);
	}
	CHECK_INT(close_file(&w, f), 0);
	free(whole);
	free(memory);
	world_close(&w);
}

#define WRITES	500

static void
many_writes(void)
{
	static struct proactor_file_write_op ops[WRITES];
	static char whole[WRITES * 100], memory[WRITES * 100];
	struct proactor_options o;
	struct proactor_file *f;
	char path[PATH_ROOM];
	struct world w;
	size_t i, place;
	int fd;

	world_options(&o);
	o.max_concurrent_operations = 8;
	world_open(&w, &o);
	f = new_file(&w, path);
	fill(whole, sizeof(whole), 4);
	for (i = 0; i < WRITES; i++) {
		place = (i * 7 % WRITES) * 100;
		proactor_file_write_op_init(&ops[i], f, place,
		    proactor_span(whole + place, 100), record, &w.r);
		CHECK_INT(proactor_submit_one(w.p, &ops[i].base), 0);
	}
	CHECK(poll_until(&w, &w.r.finals, WRITES));
	for (i = 0; i < WRITES; i++) {
		CHECK_INT(finals_of(&w.r, &ops[i]), 1);
		CHECK_INT(ops[i].bytes, 100);
	}
	CHECK_INT(size_of(path), sizeof(whole));
	fd = open(path, O_RDONLY | O_CLOEXEC);
	fd_read_all(fd, memory, sizeof(memory));
	CHECK_MEM(memory, whole, sizeof(whole));
	close(fd);
	CHECK_INT(close_file(&w, f), 0);
	world_close(&w);
}

static void
many_files(void)
{
	struct proactor_file_open_op ops[40];
	struct proactor_op *batch[40];
	char path[40][PATH_ROOM];
	struct world w;
	size_t before, i;

	world_open(&w, NULL);
	poll_barrier(&w);
	before = open_fds();
	for (i = 0; i < 40; i++) {
		proactor_file_open_op_init(&ops[i], temp_path(path[i], "f"),
		    RWC, 0600, record, &w.r);
		batch[i] = &ops[i].base;
	}
	CHECK_INT(proactor_submit(w.p, batch, 40), 0);
	CHECK(poll_until(&w, &w.r.finals, 40));
	for (i = 0; i < 40; i++) {
		CHECK_INT(status_of(&w.r, &ops[i]), 0);
		put(&w, ops[i].file, 0, &i, sizeof(i));
	}
	for (i = 0; i < 40; i++) {
		check_at(&w, ops[i].file, 0, &i, sizeof(i));
		if (i % 2 == 0)
			proactor_file_release(ops[i].file);
		else
			CHECK_INT(close_file(&w, ops[i].file), 0);
	}
	poll_barrier(&w);
	CHECK_INT(open_fds(), before);
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
	CHECK_INT(fd_of(f), fd);
	CHECK_INT(read_bytes(&w, f, 2, memory, 4, &bytes), 0);
	CHECK_MEM(memory, "2345", 4);
	put(&w, f, 0, "x", 1);
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

static void
close_after_pending(void)
{
	struct proactor_file_close_op close_op;
	struct proactor_file_write_op ops[READS];
	struct proactor_file *f;
	char path[PATH_ROOM], *memory;
	struct world w;
	size_t i, written = 0;
	int status;

	world_open(&w, NULL);
	f = new_file(&w, path);
	memory = calloc(READS, BLOCK);
	CHECK(memory != NULL);
	for (i = 0; i < READS; i++) {
		proactor_file_write_op_init(&ops[i], f, i * BLOCK,
		    proactor_span(memory + i * BLOCK, BLOCK), record, &w.r);
		CHECK_INT(proactor_submit_one(w.p, &ops[i].base), 0);
	}
	proactor_file_close_op_init(&close_op, f, record, &w.r);
	CHECK_INT(proactor_submit_one(w.p, &close_op.base), 0);
	CHECK(poll_finals(&w, &close_op, 1));
	CHECK_INT(status_of(&w.r, &close_op), 0);
	CHECK_INT(w.r.calls, READS + 1);
	CHECK_INT(place_of(&w.r, &close_op), READS);
	for (i = 0; i < READS; i++) {
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
	put(&w, f, 0, "text", 4);
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
	CHECK(poll_finals(&w, &op, 1));
	CHECK_INT(status_of(&w.r, &op), PROACTOR_ECANCELED);
	CHECK(op.file == NULL);
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
	fd = fd_of(f);
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
	{ "file: a read at the end is 0 bytes and status 0",
	    read_at_the_end },
	{ "file: offsets are honoured, the position is not touched",
	    position_is_untouched },
	{ "file: append ignores the offset", append_ignores_offset },
	{ "file: results are assigned when an operation is used again",
	    results_are_assigned },
	{ "file: reading and writing against the open flags is EBADF",
	    wrong_direction },
	{ "file: an offset beyond INT64_MAX is EINVAL",
	    offsets_that_are_none },
	{ "file: offsets beyond 4 GiB", far_offsets },
	{ "file: a length of 4 GiB is not a length of 0", huge_lengths },
	{ "file: a length of 0 does nothing", zero_lengths },
	{ "file: a full device is ENOSPC", device_is_full },
	{ "file: a directory can be opened and not read", directory },
	{ "file: direct access", direct },
	{ "file: 32 overlapping reads in flight, byte for byte",
	    overlapping_reads },
	{ "file: more writes in flight than a small ring holds",
	    many_writes },
	{ "file: many opened at once, and none leaks", many_files },
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
