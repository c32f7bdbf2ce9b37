/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "conformance/differential.h"

/* Scenes on files. */

#define ROOM	20000

/* --- one file, one step after the other --- */

struct files {
	char path[PATH_ROOM];
	char missing[PATH_ROOM];
	struct act act;
	struct proactor_file *file;
	unsigned char *bytes;
	unsigned int left;
};

static void	 file_step(struct scene *scene);

static void
file_opened(struct act *act, int status, unsigned int flags)
{
	struct files *f = act->scene->state;

	CHECK_INT(flags, 0);
	note(act->scene, 0, "open %#x: %d", act->op.open.open_flags, status);
	if (status == 0) {
		CHECK(f->file == NULL);
		f->file = act->op.open.file;
	}
	file_step(act->scene);
}

static void
file_read(struct act *act, int status, unsigned int flags)
{
	struct files *f = act->scene->state;
	size_t bytes = act->op.read.bytes;

	CHECK_INT(flags, 0);
	note(act->scene, 0, "read at %llu: %d, %zu bytes, sum %016llx",
	    (unsigned long long)act->op.read.offset, status, bytes,
	    (unsigned long long)sum_bytes(0, f->bytes + ROOM, bytes));
	file_step(act->scene);
}

static void
file_written(struct act *act, int status, unsigned int flags)
{
	CHECK_INT(flags, 0);
	note(act->scene, 0, "write at %llu: %d, %zu bytes",
	    (unsigned long long)act->op.write.offset, status,
	    act->op.write.bytes);
	file_step(act->scene);
}

static void
file_closed(struct act *act, int status, unsigned int flags)
{
	CHECK_INT(flags, 0);
	note(act->scene, 0, "close: %d", status);
	file_step(act->scene);
}

/* One that works or one that is refused, for different reasons. */
static void
file_open(struct scene *scene)
{
	static const unsigned int good[] = {
		PROACTOR_FILE_READ | PROACTOR_FILE_WRITE,
		PROACTOR_FILE_READ | PROACTOR_FILE_WRITE |
		    PROACTOR_FILE_APPEND,
		PROACTOR_FILE_READ | PROACTOR_FILE_WRITE |
		    PROACTOR_FILE_TRUNCATE | PROACTOR_FILE_CREATE,
		PROACTOR_FILE_READ,
		PROACTOR_FILE_WRITE,
	};
	struct files *f = scene->state;
	const char *path = f->path;
	unsigned int flags = good[pick(scene, 5)];

	switch (pick(scene, 6)) {
	case 0:
		flags = PROACTOR_FILE_WRITE | PROACTOR_FILE_CREATE |
		    PROACTOR_FILE_EXCLUSIVE;
		break;
	case 1:
		flags &= ~PROACTOR_FILE_CREATE;
		path = f->missing;
		break;
	case 2:
		path = selected.directory;
		flags = PROACTOR_FILE_WRITE;
		break;
	}
	act_init(&f->act, scene, 0, file_opened);
	proactor_file_open_op_init(&f->act.op.open, path, flags, 0600,
	    called_back, &f->act);
}

static void
file_step(struct scene *scene)
{
	struct files *f = scene->state;
	struct proactor_span span;
	uint64_t offset = pick(scene, 3 * ROOM);

	if (f->left == 0)
		return;
	f->left--;
	if (f->file == NULL)
		file_open(scene);
	else if (f->left < 2 || pick(scene, 6) == 0) {
		act_init(&f->act, scene, 0, file_closed);
		proactor_file_close_op_init(&f->act.op.file_close, f->file,
		    called_back, &f->act);
		f->file = NULL;
	} else if (pick(scene, 2) == 0) {
		span = proactor_span(f->bytes, pick(scene, ROOM));
		act_init(&f->act, scene, 0, file_written);
		proactor_file_write_op_init(&f->act.op.write, f->file, offset,
		    span, called_back, &f->act);
	} else {
		span = proactor_span(f->bytes + ROOM, pick(scene, ROOM));
		act_init(&f->act, scene, 0, file_read);
		proactor_file_read_op_init(&f->act.op.read, f->file, offset,
		    span, called_back, &f->act);
	}
	act_submit(&f->act);
}

static void
file_begin(struct scene *scene)
{
	struct files *f = scene->state;
	int fd;

	temp_path(f->path, "f");
	temp_path(f->missing, "m");
	fd = open(f->path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	CHECK(fd != -1);
	f->bytes = calloc(2, ROOM);
	CHECK(f->bytes != NULL);
	fill(f->bytes, ROOM, pick(scene, 1u << 20));
	CHECK_INT(write(fd, f->bytes, ROOM / 2), ROOM / 2);
	CHECK_INT(close(fd), 0);
	f->left = 3 + pick(scene, 12);
	file_step(scene);
}

/* What is in the file in the end. */
static void
file_end(struct scene *scene)
{
	struct files *f = scene->state;
	uint64_t sum = 0;
	size_t length = 0;
	ssize_t n;
	int fd;

	proactor_file_release(f->file);
	fd = open(f->path, O_RDONLY | O_CLOEXEC);
	CHECK(fd != -1);
	while ((n = read(fd, f->bytes, ROOM)) > 0) {
		sum = sum_bytes(sum, f->bytes, (size_t)n);
		length += (size_t)n;
	}
	note(scene, 0, "%zu bytes, sum %016llx", length,
	    (unsigned long long)sum);
	CHECK_INT(close(fd), 0);
	CHECK_INT(unlink(f->path), 0);
	free(f->bytes);
}

const struct scene_kind file_scene = {
	"file", sizeof(struct files), file_begin, file_end
};
