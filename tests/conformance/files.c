/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <sys/stat.h>

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "conformance/files.h"

int
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

struct proactor_file *
new_file(struct world *w, char path[PATH_ROOM])
{
	struct proactor_file *f;

	CHECK_INT(open_path(w, temp_path(path, "f"), RWC, 0600, &f), 0);
	return f;
}

int
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

int
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

void
put_bytes(struct world *w, struct proactor_file *f, uint64_t offset,
    const void *memory, size_t length)
{
	size_t bytes;

	CHECK_INT(write_bytes(w, f, offset, memory, length, &bytes), 0);
	CHECK_INT(bytes, length);
}

void
check_bytes(struct world *w, struct proactor_file *f, uint64_t offset,
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

int
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

int
file_fd(struct proactor_file *f)
{
	struct proactor_handle handle = proactor_file_handle(f);

	CHECK_INT(handle.type, PROACTOR_HANDLE_FD);
	return handle.u.fd;
}

void
make_file(const char *path, const void *memory, size_t length)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	CHECK(fd != -1);
	fd_write_all(fd, memory, length);
	close(fd);
}

size_t
size_of(const char *path)
{
	struct stat st;

	CHECK_INT(stat(path, &st), 0);
	return (size_t)st.st_size;
}
