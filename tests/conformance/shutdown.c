/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <sys/stat.h>

#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conformance/everything.h"

/* The orderly end, and what is refused afterwards. */

static void
shutdown_idle(void)
{
	struct world w;

	world_open(&w, NULL);
	CHECK_INT(proactor_shutdown(w.p, PROACTOR_IMMEDIATE), 0);
	CHECK_INT(proactor_shutdown_remaining(w.p, NULL, NULL), 0);
	proactor_release(w.p);
	world_open(&w, NULL);
	poll_barrier(&w);
	CHECK_INT(proactor_shutdown(w.p, PROACTOR_FOREVER), 0);
	CHECK_INT(proactor_shutdown(w.p, PROACTOR_IMMEDIATE), 0);
	proactor_release(w.p);
}

static void
shutdown_everything(void)
{
	static struct everything f;

	everything_open(&f, NULL);
	everything_submit(&f);
	(void)proactor_poll(f.w.p, PROACTOR_IMMEDIATE, NULL);
	CHECK_INT(proactor_shutdown(f.w.p, patience()), 0);
	everything_ended(&f);
	CHECK_INT(proactor_shutdown_remaining(f.w.p, NULL, NULL), 0);
	everything_drop(&f);
	world_close(&f.w);
}

/* What no poll has seen yet is in flight as well. */
static void
shutdown_unseen(void)
{
	static struct everything f;
	struct proactor_nop_op nop;
	struct world w;

	everything_open(&f, NULL);
	everything_submit(&f);
	CHECK_INT(proactor_shutdown(f.w.p, patience()), 0);
	everything_ended(&f);
	everything_drop(&f);
	world_close(&f.w);
	world_open(&w, NULL);
	proactor_nop_op_init(&nop, record, &w.r);
	CHECK_INT(proactor_submit_one(w.p, &nop.base), 0);
	CHECK_INT(proactor_shutdown(w.p, patience()), 0);
	CHECK_INT(finals_of(&w.r, &nop), 1);
	world_close(&w);
}

static void
source_fired(void *user_data, struct proactor_event_source *source,
    unsigned int events)
{
	(void)source;
	(void)events;
	(*(size_t *)user_data)++;
}

static void
refused_afterwards(void)
{
	struct world w;
	struct proactor_nop_op nop;
	struct proactor_event_source *source;
	size_t calls = 0;
	int fds[2];

	CHECK_INT(pipe2(fds, O_CLOEXEC), 0);
	world_open(&w, NULL);
	CHECK_INT(proactor_shutdown(w.p, patience()), 0);
	proactor_nop_op_init(&nop, record, &w.r);
	CHECK_INT(proactor_submit_one(w.p, &nop.base), PROACTOR_ESHUTDOWN);
	CHECK_INT(proactor_poll(w.p, PROACTOR_IMMEDIATE, NULL),
	    PROACTOR_ESHUTDOWN);
	CHECK_INT(proactor_poll(w.p, PROACTOR_FOREVER, NULL),
	    PROACTOR_ESHUTDOWN);
	CHECK_INT(proactor_cancel(w.p, &nop.base), PROACTOR_ENOENT);
	CHECK_INT(proactor_send_message(w.p, 1), PROACTOR_ESHUTDOWN);
	CHECK_INT(proactor_register_event_source(w.p,
	    proactor_handle_fd(fds[0]), source_fired, &calls, &source),
	    PROACTOR_ESHUTDOWN);
	(void)proactor_wake(w.p);
	(void)proactor_flush(w.p);
	CHECK_STR(proactor_backend_name(w.p), selected.backend);
	CHECK_INT(w.r.calls, 0);
	close_fds(fds);
	world_close(&w);
}

struct late {
	struct world *w;
	struct proactor_nop_op nop;
	int seen;
	size_t calls;
};

static void
submit_late(void *user_data, struct proactor_op *op, int status,
    unsigned int flags)
{
	struct late *l = user_data;

	(void)flags;
	CHECK_INT(status, PROACTOR_ECANCELED);
	CHECK_INT(proactor_submit_one(l->w->p, op), PROACTOR_ESHUTDOWN);
	l->seen = proactor_submit_one(l->w->p, &l->nop.base);
	l->calls++;
}

static void
refused_in_callbacks(void)
{
	struct world w;
	struct late l = { .w = &w };
	struct proactor_timer_op timer;

	world_open(&w, NULL);
	poll_barrier(&w);
	proactor_nop_op_init(&l.nop, record, &w.r);
	proactor_timer_op_init(&timer, PROACTOR_FOREVER, submit_late, &l);
	CHECK_INT(proactor_submit_one(w.p, &timer.base), 0);
	CHECK_INT(proactor_shutdown(w.p, patience()), 0);
	CHECK_INT(l.calls, 1);
	CHECK_INT(l.seen, PROACTOR_ESHUTDOWN);
	CHECK_INT(w.r.calls, 0);
	world_close(&w);
}

/* --- a deadline that is too short --- */

#define MANY	5000

static void
mark(void *user_data, struct proactor_op *op)
{
	size_t *told = user_data;

	CHECK(op->user_data != NULL);
	((struct proactor_handle_poll_op *)op)->wanted++;
	(*told)++;
}

/* Those told as remaining, and those called back, are together all. */
static void
deadline_passes(void)
{
	struct proactor_handle_poll_op *polls;
	struct world w;
	size_t i, left, told = 0;
	int fds[2], status;

	polls = calloc(MANY, sizeof(*polls));
	CHECK(polls != NULL);
	CHECK_INT(pipe2(fds, O_CLOEXEC), 0);
	world_open(&w, NULL);
	poll_barrier(&w);
	for (i = 0; i < MANY; i++) {
		proactor_handle_poll_op_init(&polls[i],
		    proactor_handle_fd(fds[0]), PROACTOR_POLL_IN, record,
		    &w.r);
		CHECK_INT(proactor_submit_one(w.p, &polls[i].base), 0);
	}
	status = proactor_shutdown(w.p, PROACTOR_IMMEDIATE);
	CHECK(status == 0 || status == PROACTOR_ETIMEDOUT);
	left = proactor_shutdown_remaining(w.p, mark, &told);
	CHECK_INT(told, left);
	CHECK_INT(w.r.finals + left, MANY);
	CHECK(status == 0 ? left == 0 : left > 0);
	for (i = 0; i < w.r.calls; i++)
		((struct proactor_handle_poll_op *)w.r.seen[i].op)->wanted++;
	for (i = 0; i < MANY; i++)
		CHECK_INT(polls[i].wanted, PROACTOR_POLL_IN + 1);
	CHECK_INT(proactor_poll(w.p, PROACTOR_IMMEDIATE, NULL),
	    PROACTOR_ESHUTDOWN);
	CHECK_INT(proactor_shutdown(w.p, patience()), 0);
	CHECK_INT(w.r.calls, MANY);
	world_close(&w);
	close_fds(fds);
	free(polls);
}

static void
count_remaining(void *user_data, struct proactor_op *op)
{
	struct proactor_op **told = user_data;

	CHECK(*told == NULL);
	*told = op;
}

/*
 * The open of a FIFO waits for a reader, in a place where a cancel takes
 * its time: as a rule the first shutdown does not see the end of it.
 */
static void
deadline_passes_at_once(void)
{
	struct proactor_file_open_op op;
	struct proactor_op *told = NULL;
	char path[PATH_ROOM];
	struct world w;
	int fd, status;

	CHECK_INT(mkfifo(temp_path(path, "fifo"), 0600), 0);
	world_open(&w, NULL);
	proactor_file_open_op_init(&op, path, PROACTOR_FILE_WRITE |
	    PROACTOR_FILE_CREATE, 0600, record, &w.r);
	CHECK_INT(proactor_submit_one(w.p, &op.base), 0);
	if (!poll_quiet(&w))
		SKIP("a FIFO does not make it wait: %s",
		    proactor_errname(w.r.seen[0].status));
	status = proactor_shutdown(w.p, PROACTOR_IMMEDIATE);
	if (status != 0) {
		CHECK_INT(status, PROACTOR_ETIMEDOUT);
		CHECK_INT(w.r.calls, 0);
		CHECK_INT(proactor_shutdown_remaining(w.p, NULL, NULL), 1);
		CHECK_INT(proactor_shutdown_remaining(w.p, count_remaining,
		    &told), 1);
		CHECK(told == &op.base);
		CHECK_INT(proactor_poll(w.p, PROACTOR_IMMEDIATE, NULL),
		    PROACTOR_ESHUTDOWN);
	}
	fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	CHECK(fd != -1);
	CHECK_INT(proactor_shutdown(w.p, patience()), 0);
	CHECK_INT(proactor_shutdown_remaining(w.p, NULL, NULL), 0);
	CHECK_INT(w.r.calls, 1);
	status = status_of(&w.r, &op);
	CHECK(status == 0 || status == PROACTOR_ECANCELED);
	proactor_file_release(op.file);
	CHECK_INT(close(fd), 0);
	world_close(&w);
}

/* --- with others still at work --- */

struct crowd {
	struct world w;
	atomic_size_t accepted;
	atomic_size_t finals;
	atomic_uint running;
};

static void
crowd_final(void *user_data, struct proactor_op *op, int status,
    unsigned int flags)
{
	struct crowd *c = user_data;

	(void)flags;
	CHECK(status == 0 || status == PROACTOR_ECANCELED);
	free(op);
	atomic_fetch_add(&c->finals, 1);
}

static void *
submit_until_refused(void *arg)
{
	struct crowd *c = arg;
	struct proactor_nop_op *nop;
	int status;

	for (;;) {
		nop = malloc(sizeof(*nop));
		CHECK(nop != NULL);
		proactor_nop_op_init(nop, crowd_final, c);
		status = proactor_submit_one(c->w.p, &nop->base);
		if (status != 0)
			break;
		atomic_fetch_add(&c->accepted, 1);
	}
	free(nop);
	CHECK_INT(status, PROACTOR_ESHUTDOWN);
	return NULL;
}

static void
shutdown_among_submitters(void)
{
	struct crowd c;
	pthread_t threads[3];
	int i, round;

	for (round = 0; round < 4; round++) {
		memset(&c, 0, sizeof(c));
		world_open(&c.w, NULL);
		for (i = 0; i < 3; i++)
			thread_start(&threads[i], submit_until_refused, &c);
		while (atomic_load(&c.finals) < 500)
			CHECK_INT(proactor_poll(c.w.p, patience(), NULL), 0);
		CHECK_INT(proactor_shutdown(c.w.p, patience()), 0);
		for (i = 0; i < 3; i++)
			thread_join(threads[i]);
		CHECK_INT(atomic_load(&c.finals), atomic_load(&c.accepted));
		world_close(&c.w);
	}
}

#define VICTIMS	200

static void
count_told(void *user_data, struct proactor_op *op)
{
	(void)op;
	++*(size_t *)user_data;
}

struct victims {
	struct world w;
	struct proactor_timer_op timers[VICTIMS];
};

/* Some are over before their turn comes. */
static void *
cancel_victims(void *arg)
{
	struct victims *v = arg;
	int i, status;

	for (i = 0; i < VICTIMS; i++) {
		status = proactor_cancel(v->w.p, &v->timers[i].base);
		CHECK(status == 0 || status == PROACTOR_ENOENT);
	}
	return NULL;
}

static void
shutdown_among_cancels(void)
{
	struct victims v;
	pthread_t threads[2];
	size_t left, told;
	int i, round;

	for (round = 0; round < 20; round++) {
		memset(&v, 0, sizeof(v));
		world_open(&v.w, NULL);
		poll_barrier(&v.w);
		for (i = 0; i < VICTIMS; i++) {
			proactor_timer_op_init(&v.timers[i], PROACTOR_FOREVER,
			    record, &v.w.r);
			CHECK_INT(proactor_submit_one(v.w.p,
			    &v.timers[i].base), 0);
		}
		for (i = 0; i < 2; i++)
			thread_start(&threads[i], cancel_victims, &v);
		while (proactor_shutdown(v.w.p, PROACTOR_IMMEDIATE) != 0) {
			told = 0;
			left = proactor_shutdown_remaining(v.w.p, count_told,
			    &told);
			CHECK_INT(told, left);
			CHECK_INT(v.w.r.finals + left, VICTIMS);
		}
		CHECK_INT(v.w.r.finals, VICTIMS);
		for (i = 0; i < 2; i++)
			thread_join(threads[i]);
		world_close(&v.w);
	}
}

static void
shutdown_with_sources(void)
{
	struct proactor_event_source *source;
	struct world w;
	size_t calls = 0;
	int fds[2], round;

	CHECK_INT(pipe2(fds, O_CLOEXEC), 0);
	for (round = 0; round < 3; round++) {
		world_open(&w, NULL);
		CHECK_INT(proactor_register_event_source(w.p,
		    proactor_handle_fd(fds[0]), source_fired, &calls,
		    &source), 0);
		if (round > 0)
			CHECK(poll_quiet(&w));
		if (round < 2)
			CHECK_INT(proactor_shutdown(w.p, patience()), 0);
		proactor_release(w.p);
	}
	CHECK_INT(calls, 0);
	close_fds(fds);
}

static void
shutdown_with_messages(void)
{
	struct world w;

	world_open(&w, NULL);
	CHECK_INT(proactor_send_message(w.p, 1), 0);
	CHECK_INT(proactor_wake(w.p), 0);
	CHECK_INT(proactor_shutdown(w.p, patience()), 0);
	world_close(&w);
}

const struct tap_case shutdown_cases[] = {
	{ "shutdown: of an idle one is 0, and so is a second",
	    shutdown_idle },
	{ "shutdown: everything in flight ends, each with one callback",
	    shutdown_everything },
	{ "shutdown: what no poll has seen ends as well", shutdown_unseen },
	{ "shutdown: submit, poll and messages are ESHUTDOWN afterwards",
	    refused_afterwards },
	{ "shutdown: its callbacks cannot submit", refused_in_callbacks },
	{ "shutdown: what was called back and what remains are all",
	    deadline_passes },
	{ "shutdown: when the deadline passes what remains is told",
	    deadline_passes_at_once },
	{ "shutdown: among submitting threads nothing is lost",
	    shutdown_among_submitters },
	{ "shutdown: among threads that cancel all that remains is told",
	    shutdown_among_cancels },
	{ "shutdown: ends event sources", shutdown_with_sources },
	{ "shutdown: messages nobody took and wakes do not hold it up",
	    shutdown_with_messages },
	{ NULL, NULL }
};
