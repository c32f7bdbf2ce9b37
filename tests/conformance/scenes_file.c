/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "conformance/differential.h"

/* Scenes on files, and chains. */

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

/* --- a chain, perhaps with a member that fails --- */

#define MEMBERS	10

struct chain {
	struct pair pair;
	struct proactor_file *file, *read_only;
	struct proactor_event *events[MEMBERS];
	struct act acts[MEMBERS];
	struct act loose[2];
	char bytes[MEMBERS][100];
	char missing[PATH_ROOM];
	size_t sent, received;	/* if none fails */
	int fds[2];
};

static size_t
member_bytes(const struct act *act)
{
	switch (act->op.base.type) {
	case PROACTOR_OP_RECV:
		return act->op.recv.bytes;
	case PROACTOR_OP_SEND:
		return act->op.send.bytes;
	case PROACTOR_OP_FILE_READ:
		return act->op.read.bytes;
	case PROACTOR_OP_FILE_WRITE:
		return act->op.write.bytes;
	default:
		return 0;
	}
}

static void
member_called(struct act *act, int status, unsigned int flags)
{
	struct chain *c = act->scene->state;
	size_t bytes = status == 0 ? member_bytes(act) : 0;
	bool in = act->op.base.type == PROACTOR_OP_RECV ||
	    act->op.base.type == PROACTOR_OP_FILE_READ;

	CHECK_INT(flags, 0);
	note(act->scene, 0, "%u, %s: %d, %zu bytes, sum %016llx", act->number,
	    proactor_op_name(act->op.base.type), status, bytes,
	    (unsigned long long)sum_bytes(0, c->bytes[act->number],
	    in ? bytes : 0));
}

static void
loose_called(struct act *act, int status, unsigned int flags)
{
	CHECK_INT(flags, 0);
	note(act->scene, 1 + act->number, "loose: %d", status);
}

/* What a member is; a good one can start as soon as its turn has come. */
static void
draw_member(struct scene *scene, struct act *act)
{
	struct chain *c = scene->state;
	unsigned int i = act->number;
	struct proactor_span span = proactor_span(c->bytes[i],
	    1 + pick(scene, (unsigned int)sizeof(c->bytes[0])));

	fill(c->bytes[i], sizeof(c->bytes[i]), i);
	switch (pick(scene, 8)) {
	case 0:
		proactor_timer_op_init(&act->op.timer,
		    proactor_deadline_after(pick(scene, 200000)), called_back,
		    act);
		break;
	case 1:
		CHECK_INT(proactor_event_create(scene->w->p, &c->events[i]),
		    0);
		CHECK_INT(proactor_event_set(c->events[i]), 0);
		proactor_event_wait_op_init(&act->op.wait, c->events[i],
		    called_back, act);
		break;
	case 2:
		proactor_handle_poll_op_init(&act->op.poll,
		    proactor_handle_fd(c->fds[1]), PROACTOR_POLL_OUT,
		    called_back, act);
		break;
	case 3:
		proactor_file_read_op_init(&act->op.read, c->file,
		    pick(scene, 200), span, called_back, act);
		break;
	case 4:
		proactor_file_write_op_init(&act->op.write, c->file,
		    pick(scene, 200), span, called_back, act);
		break;
	case 5:
		proactor_send_op_init(&act->op.send, c->pair.a, &span, 1, 0,
		    called_back, act);
		c->sent += span.length;
		break;
	case 6:
		/* Only what is there by then, or it would wait for ever. */
		if (c->received < c->sent) {
			proactor_recv_op_init(&act->op.recv, c->pair.b, &span,
			    1, called_back, act);
			c->received += span.length < c->sent - c->received ?
			    span.length : c->sent - c->received;
			break;
		}
		/* FALLTHROUGH */
	default:
		proactor_nop_op_init(&act->op.nop, called_back, act);
		break;
	}
}

/* A member that fails, for one of a few reasons. */
static void
draw_failing(struct scene *scene, struct act *act)
{
	struct chain *c = scene->state;
	struct proactor_span span = proactor_span(c->bytes[act->number], 10);
	struct proactor_address address;

	switch (pick(scene, 3)) {
	case 0:
		proactor_file_write_op_init(&act->op.write, c->read_only, 0,
		    span, called_back, act);
		break;
	case 1:
		proactor_file_open_op_init(&act->op.open,
		    temp_path(c->missing, "m"), PROACTOR_FILE_READ, 0,
		    called_back, act);
		break;
	default:
		/* It is connected. */
		CHECK_INT(proactor_socket_query_local_address(c->pair.b,
		    &address), 0);
		proactor_connect_op_init(&act->op.connect, c->pair.b, &address,
		    called_back, act);
		break;
	}
}

static void
chain_open(struct scene *scene)
{
	struct chain *c = scene->state;
	char path[PATH_ROOM];
	int fd;

	pair_open(scene->w, PROACTOR_SOCKET_UNIX_STREAM, 0, &c->pair);
	CHECK_INT(pipe(c->fds), 0);
	temp_path(path, "c");
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	CHECK(fd != -1);
	CHECK_INT(pwrite(fd, "0123456789", 10, 140), 10);
	CHECK_INT(proactor_file_import(scene->w->p, proactor_handle_fd(fd),
	    &c->file), 0);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	CHECK(fd != -1);
	CHECK_INT(proactor_file_import(scene->w->p, proactor_handle_fd(fd),
	    &c->read_only), 0);
	CHECK_INT(unlink(path), 0);
}

static void
chain_begin(struct scene *scene)
{
	struct chain *c = scene->state;
	unsigned int i, n = 0, count = 2 + pick(scene, MEMBERS - 1);
	unsigned int failing = pick(scene, 2 * MEMBERS);
	struct act *batch[MEMBERS + 2];

	chain_open(scene);
	for (i = 0; i < 2; i++) {
		act_init(&c->loose[i], scene, i, loose_called);
		proactor_nop_op_init(&c->loose[i].op.nop, called_back,
		    &c->loose[i]);
	}
	batch[n++] = &c->loose[0];
	for (i = 0; i < count; i++) {
		act_init(&c->acts[i], scene, i, member_called);
		if (i == failing)
			draw_failing(scene, &c->acts[i]);
		else
			draw_member(scene, &c->acts[i]);
		if (i + 1 < count)
			c->acts[i].op.base.flags |= PROACTOR_OP_LINKED;
		batch[n++] = &c->acts[i];
	}
	batch[n++] = &c->loose[1];
	act_submit_all(batch, n);
	maybe_poll(scene);
}

static void
chain_end(struct scene *scene)
{
	struct chain *c = scene->state;
	unsigned int i;

	for (i = 0; i < MEMBERS; i++)
		proactor_event_release(c->events[i]);
	proactor_file_release(c->file);
	proactor_file_release(c->read_only);
	proactor_socket_release(c->pair.a);
	proactor_socket_release(c->pair.b);
	close_fds(c->fds);
}

const struct scene_kind chain_scene = {
	"chain", sizeof(struct chain), chain_begin, chain_end
};
