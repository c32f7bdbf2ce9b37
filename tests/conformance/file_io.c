/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <sys/mman.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conformance/files.h"

/* Files: reading and writing at offsets. */

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
	put_bytes(&w, f, 0, "0123456789", 10);
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
	put_bytes(&w, f, 0, "0123456789", 10);
	CHECK_INT(lseek(file_fd(f), 0, SEEK_CUR), 0);
	CHECK_INT(lseek(file_fd(f), 3, SEEK_SET), 3);
	CHECK_INT(read_bytes(&w, f, 5, memory, 4, &bytes), 0);
	CHECK_MEM(memory, "5678", 4);
	put_bytes(&w, f, 8, "ab", 2);
	put_bytes(&w, f, 20, "c", 1);
	CHECK_INT(lseek(file_fd(f), 0, SEEK_CUR), 3);
	check_bytes(&w, f, 0, "01234567ab\0\0\0\0\0\0\0\0\0\0c", 21);
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
	put_bytes(&w, f, 0, "new ", 4);
	put_bytes(&w, f, 100000, "newer", 5);
	CHECK_INT(size_of(path), 13);
	check_bytes(&w, f, 0, "old new newer", 13);
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

/* One that is opened with the flags, too; false: it cannot be. */
static bool
wrong_way(struct world *w, uint32_t flags, size_t length)
{
	struct proactor_file *f;
	char path[PATH_ROOM], memory[4] = "text";
	size_t bytes = 0;
	int status;

	make_file(temp_path(path, "f"), memory, sizeof(memory));
	status = open_path(w, path, PROACTOR_FILE_READ | flags, 0, &f);
	if (status == PROACTOR_EINVAL && flags != 0)
		return false;
	CHECK_INT(status, 0);
	CHECK_INT(write_bytes(w, f, 0, memory, length, &bytes),
	    PROACTOR_EBADF);
	CHECK_INT(bytes, 0);
	CHECK_INT(close_file(w, f), 0);
	CHECK_INT(open_path(w, path, PROACTOR_FILE_WRITE | flags, 0, &f), 0);
	CHECK_INT(read_bytes(w, f, 0, memory, length, &bytes),
	    PROACTOR_EBADF);
	CHECK_INT(bytes, 0);
	CHECK_INT(close_file(w, f), 0);
	return true;
}

static void
wrong_direction(void)
{
	struct world w;

	world_open(&w, NULL);
	CHECK(wrong_way(&w, 0, 4));
	CHECK(wrong_way(&w, 0, 0));
	world_close(&w);
}

/* Which is a thread's work where the backend does not do it itself. */
static void
wrong_direct_direction(void)
{
	struct world w;

	world_open(&w, NULL);
	if (!wrong_way(&w, PROACTOR_FILE_DIRECT, 4))
		SKIP("the file system has no direct access");
	CHECK(wrong_way(&w, PROACTOR_FILE_DIRECT, 0));
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
	put_bytes(&w, f, 0, "text", 4);
	/* What a descriptor's own position would be must not come in. */
	CHECK_INT(lseek(file_fd(f), 1, SEEK_SET), 1);
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
	CHECK_INT(lseek(file_fd(f), 0, SEEK_CUR), 1);
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
	check_bytes(&w, f, far, "far", 3);
	check_bytes(&w, f, far - 2, "\0\0far", 5);
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
	put_bytes(&w, f, 0, "0123456789", 10);
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
	put_bytes(&w, f, 0, "text", 4);
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
	put_bytes(&w, f, 4096, memory, 8192);
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
		put_bytes(&w, ops[i].file, 0, &i, sizeof(i));
	}
	for (i = 0; i < 40; i++) {
		check_bytes(&w, ops[i].file, 0, &i, sizeof(i));
		if (i % 2 == 0)
			proactor_file_release(ops[i].file);
		else
			CHECK_INT(close_file(&w, ops[i].file), 0);
	}
	poll_barrier(&w);
	CHECK_INT(open_fds(), before);
	world_close(&w);
}

const struct tap_case file_io_cases[] = {
	{ "file: a read at the end is 0 bytes and status 0",
	    read_at_the_end },
	{ "file: offsets are honoured, the position is not touched",
	    position_is_untouched },
	{ "file: append ignores the offset", append_ignores_offset },
	{ "file: results are assigned when an operation is used again",
	    results_are_assigned },
	{ "file: reading and writing against the open flags is EBADF",
	    wrong_direction },
	{ "file: against the open flags with direct access is EBADF",
	    wrong_direct_direction },
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
	{ NULL, NULL }
};
