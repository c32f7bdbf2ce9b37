/* SPDX-License-Identifier: ISC */
/*
 * A pipeline that is submitted before any of it has happened.
 *
 *	09-gate from to
 *
 * Copies a text file in capital letters.  Each piece of it goes through three
 * stages: this loop reads it, a thread converts it, this loop writes it.
 * Three timelines say how far they are, and a fourth one is the gate:
 *
 *	 gate            filled              converted            written
 *	  |                 |                    |                   |
 *	  +--> [ read i ] --+--> [ convert i ] --+--> [ write i ] ---+
 *	           ^                                                 |
 *	           +------ [ read i + BUFFERS ] needs the buffer <---+
 *
 * A read and a write are a sequence each, whose first step is a wait.  All of
 * them are submitted at once and cost nothing until the gate is opened; then
 * nobody in this program decides what comes next.  What fails, fails the
 * timelines, and so everybody who waits for them.
 */
#include <sys/stat.h>

#include <ctype.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include <proactor.h>

#define PIECES		64u	/* at most */
#define PIECE_MIN	4096u	/* bytes */
#define BUFFERS		4u

struct job;

/* One piece on its way through one stage of the loop. */
struct passage {
	struct job *job;
	const char *name;		/* of the file, for complaints */
	struct proactor_semaphore_wait_op begin;
	union {
		struct proactor_file_read_op read;
		struct proactor_file_write_op write;
	} u;
	struct proactor_semaphore_wait_op turn;
	struct proactor_semaphore_signal_op end;
	struct proactor_op *steps[4];
	struct proactor_sequence_op sequence;
};

struct job {
	struct proactor *p;
	/* Timelines: gate is opened with 1, the others count pieces. */
	struct proactor_semaphore *gate, *filled, *converted, *written;
	const char *from_name, *to_name;
	struct proactor_file *from, *to;
	size_t size, pieces, piece_size;
	char *buffers;
	struct proactor_file_open_op open;
	struct proactor_file_close_op close;
	struct passage in[PIECES], out[PIECES];
	size_t in_flight;		/* callbacks still to come */
	int status;			/* the first failure, or 0 */
	const char *failed;		/* what it is about */
};

static void
fail(struct job *j, const char *name, int status)
{
	struct proactor_semaphore *timelines[] = { j->gate, j->filled,
	    j->converted, j->written };
	size_t i;

	if (j->status != 0)
		return;
	j->status = status;
	j->failed = name;
	/* Nobody waits any more, here or in the thread. */
	for (i = 0; i < sizeof(timelines) / sizeof(timelines[0]); i++)
		(void)proactor_semaphore_fail(timelines[i], status);
}

static void
finish(struct job *j)
{
	int status;

	while (j->in_flight > 0) {
		status = proactor_poll(j->p, PROACTOR_FOREVER, NULL);
		if (status != 0) {
			fail(j, "poll", status);
			return;
		}
	}
}

static size_t
length_of(const struct job *j, size_t i)
{
	size_t left = j->size - i * j->piece_size;

	return left < j->piece_size ? left : j->piece_size;
}

static char *
buffer_of(const struct job *j, size_t i)
{
	return j->buffers + i % BUFFERS * j->piece_size;
}

/*
 * Between two steps: a short count is no failure of a step, but it is one of
 * this program's.
 */
static int
after_step(void *user_data, struct proactor_sequence_op *sequence,
    size_t completed_index, struct proactor_op *next)
{
	struct passage *e = user_data;

	(void)sequence, (void)next;
	if (completed_index != 1)
		return 0;
	if (e->steps[1]->type == PROACTOR_OP_FILE_READ)
		return e->u.read.bytes == e->u.read.span.length ? 0 :
		    PROACTOR_EIO;
	return e->u.write.bytes == e->u.write.span.length ? 0 :
	    PROACTOR_ENOSPC;
}

static void
on_passage(void *user_data, struct proactor_op *op, int status,
    unsigned int flags)
{
	struct passage *e = user_data;

	(void)op, (void)flags;
	e->job->in_flight--;
	if (status != 0)
		fail(e->job, e->name, status);
}

/*
 * The four steps, of which the second is made already: wait for the others;
 * read or write; wait for the piece before this one; say that this one is
 * done.  Reads are in flight side by side and may end in any order, but a
 * timeline only grows.
 */
static void
tie(struct passage *e, struct job *j, size_t i, struct proactor_op *step,
    struct proactor_semaphore *timeline)
{
	const uint64_t before = i, done = i + 1;

	e->job = j;
	proactor_semaphore_wait_op_init(&e->turn, PROACTOR_WAIT_ALL,
	    &timeline, &before, 1, NULL, NULL);
	proactor_semaphore_signal_op_init(&e->end, &timeline, &done, 1, NULL,
	    NULL);
	e->steps[0] = &e->begin.base;
	e->steps[1] = step;
	e->steps[2] = &e->turn.base;
	e->steps[3] = &e->end.base;
	proactor_sequence_op_init(&e->sequence, e->steps, 4, after_step,
	    on_passage, e);
}

static void
make_read(struct job *j, size_t i)
{
	struct proactor_semaphore *wanted[2] = { j->gate, j->written };
	const uint64_t values[2] = { 1, i < BUFFERS ? 0 : i + 1 - BUFFERS };
	struct passage *e = &j->in[i];

	e->name = j->from_name;
	proactor_semaphore_wait_op_init(&e->begin, PROACTOR_WAIT_ALL, wanted,
	    values, 2, NULL, NULL);
	proactor_file_read_op_init(&e->u.read, j->from, i * j->piece_size,
	    proactor_span(buffer_of(j, i), length_of(j, i)), NULL, NULL);
	tie(e, j, i, &e->u.read.base, j->filled);
}

static void
make_write(struct job *j, size_t i)
{
	const uint64_t value = i + 1;
	struct passage *e = &j->out[i];

	e->name = j->to_name;
	proactor_semaphore_wait_op_init(&e->begin, PROACTOR_WAIT_ALL,
	    &j->converted, &value, 1, NULL, NULL);
	proactor_file_write_op_init(&e->u.write, j->to, i * j->piece_size,
	    proactor_span(buffer_of(j, i), length_of(j, i)), NULL, NULL);
	tie(e, j, i, &e->u.write.base, j->written);
}

/* The stage that computes: a thread that has no loop and may block. */
static void *
convert(void *argument)
{
	const struct job *j = argument;
	uint64_t i, k, next;
	char *text;

	for (i = 0; i < j->pieces; i++) {
		next = i + 1;
		if (proactor_semaphore_multi_wait(PROACTOR_WAIT_ALL, &j->filled,
		    &next, 1, PROACTOR_FOREVER, 0, NULL) != 0)
			break;
		text = buffer_of(j, i);
		for (k = 0; k < length_of(j, i); k++)
			text[k] = (char)toupper((unsigned char)text[k]);
		if (proactor_semaphore_signal(j->converted, next) != 0)
			break;
	}
	return NULL;
}

/* The whole work, in one batch; then the gate. */
static void
run(struct job *j)
{
	struct proactor_op *ops[2 * PIECES];
	int status;
	size_t i;

	for (i = 0; i < j->pieces; i++) {
		make_read(j, i);
		make_write(j, i);
		ops[2 * i] = &j->in[i].sequence.base;
		ops[2 * i + 1] = &j->out[i].sequence.base;
	}
	status = j->pieces == 0 ? 0 : proactor_submit(j->p, ops,
	    2 * j->pieces);
	if (status != 0) {
		fail(j, "submit", status);
		return;
	}
	j->in_flight = 2 * j->pieces;

	/* Nothing has happened, and nothing will. */
	(void)proactor_poll(j->p, PROACTOR_IMMEDIATE, NULL);
	printf("%zu sequences wait for the gate\n", j->in_flight);
	status = proactor_semaphore_signal(j->gate, 1);
	if (status != 0)
		fail(j, "gate", status);
	finish(j);
}

static void
on_done(void *user_data, struct proactor_op *op, int status,
    unsigned int flags)
{
	struct job *j = user_data;

	(void)flags;
	j->in_flight--;
	if (status != 0)
		fail(j, op == &j->open.base ? j->open.path : j->to_name,
		    status);
}

static void
do_one(struct job *j, struct proactor_op *op)
{
	int status = proactor_submit_one(j->p, op);

	if (status != 0) {
		fail(j, proactor_op_name(op->type), status);
		return;
	}
	j->in_flight++;
	finish(j);
}

static struct proactor_file *
open_file(struct job *j, const char *name, unsigned int flags)
{
	if (j->status != 0)
		return NULL;
	proactor_file_open_op_init(&j->open, name, flags, 0666, on_done, j);
	do_one(j, &j->open.base);
	return j->status == 0 ? j->open.file : NULL;
}

/* Cuts the file into pieces, not too many and not too small. */
static void
open_both(struct job *j)
{
	struct stat st;

	j->from = open_file(j, j->from_name, PROACTOR_FILE_READ);
	if (j->from != NULL && fstat(proactor_file_handle(j->from).u.fd,
	    &st) != 0)
		fail(j, j->from_name, -errno);
	j->to = open_file(j, j->to_name, PROACTOR_FILE_WRITE |
	    PROACTOR_FILE_CREATE | PROACTOR_FILE_EXCLUSIVE);
	if (j->status != 0)
		return;
	j->size = (size_t)st.st_size;
	j->piece_size = (j->size + PIECES - 1) / PIECES;
	if (j->piece_size < PIECE_MIN)
		j->piece_size = PIECE_MIN;
	j->pieces = (j->size + j->piece_size - 1) / j->piece_size;
	j->buffers = malloc(BUFFERS * j->piece_size);
	if (j->buffers == NULL)
		fail(j, "memory", PROACTOR_ENOMEM);
}

/* A write that failed late is told by the close. */
static void
close_target(struct job *j)
{
	proactor_file_close_op_init(&j->close, j->to, on_done, j);
	j->to = NULL;
	do_one(j, &j->close.base);
}

static int
create(struct job *j)
{
	int status = proactor_create(NULL, &j->p);

	if (status == 0)
		status = proactor_semaphore_create(j->p, 0, &j->gate);
	if (status == 0)
		status = proactor_semaphore_create(j->p, 0, &j->filled);
	if (status == 0)
		status = proactor_semaphore_create(j->p, 0, &j->converted);
	if (status == 0)
		status = proactor_semaphore_create(j->p, 0, &j->written);
	return status;
}

int
main(int argc, char **argv)
{
	static struct job j;
	pthread_t thread;
	int status;

	if (argc != 3) {
		fprintf(stderr, "usage: 09-gate from to\n");
		return 2;
	}
	j.from_name = argv[1];
	j.to_name = argv[2];

	status = create(&j);
	if (status != 0)
		fail(&j, "create", status);
	if (j.status == 0)
		open_both(&j);
	if (j.status == 0) {
		status = -pthread_create(&thread, NULL, convert, &j);
		if (status != 0)
			fail(&j, "thread", status);
		else {
			run(&j);
			(void)pthread_join(thread, NULL);
		}
	}
	if (j.status == 0)
		close_target(&j);

	if (j.status == 0)
		printf("%zu bytes in %zu pieces\n", j.size, j.pieces);
	else
		fprintf(stderr, "09-gate: %s: %s\n", j.failed,
		    proactor_strerror(j.status));
	proactor_file_release(j.from);
	proactor_file_release(j.to);
	proactor_semaphore_release(j.gate);
	proactor_semaphore_release(j.filled);
	proactor_semaphore_release(j.converted);
	proactor_semaphore_release(j.written);
	proactor_release(j.p);
	free(j.buffers);
	return j.status == 0 ? 0 : 1;
}
