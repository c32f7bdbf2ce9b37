/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "conformance/everything.h"

/* The end without an orderly one. */

struct log {
	size_t lines;
	char text[1024];
};

static void
log_line(void *user_data, int level, const char *message)
{
	struct log *log = user_data;
	size_t used = strlen(log->text);

	CHECK(level >= PROACTOR_LOG_ERROR && level <= PROACTOR_LOG_NOTICE);
	log->lines++;
	snprintf(log->text + used, sizeof(log->text) - used, "%s\n", message);
}

/* The number stands alone in the text, not as part of another one. */
static bool
mentions(const char *text, size_t number)
{
	char *end;

	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '9')
			continue;
		if (strtoul(text, &end, 10) == number)
			return true;
		text = end - 1;
	}
	return false;
}

static void
release_idle_says_nothing(void)
{
	struct proactor_options o;
	struct log log = {0};
	struct world w;

	world_options(&o);
	o.log_fn = log_line;
	o.log_data = &log;
	world_open(&w, &o);
	poll_barrier(&w);
	proactor_release(w.p);
	CHECK_INT(log.lines, 0);
}

static void
release_in_flight(bool polled)
{
	static struct everything f;
	struct proactor_options o;
	struct log log = {0};
	size_t before;

	before = open_fds();
	world_options(&o);
	o.log_fn = log_line;
	o.log_data = &log;
	everything_open(&f, &o);
	everything_submit(&f);
	if (polled) {
		CHECK(poll_until(&f.w, &f.w.r.finals, 1));
		CHECK_INT(finals_of(&f.w.r, &f.nop), 1);
	}
	proactor_release(f.w.p);
	CHECK_INT(f.w.r.calls, polled ? 1 : 0);
	CHECK(log.lines > 0);
	if (!mentions(log.text, EVERYTHING - f.w.r.calls))
		FAIL("the log says: %s", log.text);
	everything_drop(&f);
	CHECK_INT(f.w.r.calls, polled ? 1 : 0);
	CHECK_INT(open_fds(), before);
	recorder_clear(&f.w.r);
}

static void
release_in_flight_polled(void)
{
	release_in_flight(true);
}

static void
release_in_flight_unseen(void)
{
	release_in_flight(false);
}

/* After release the kernel must not write to what it was to receive into. */
static void
release_lets_go_of_memory(void)
{
	struct proactor_recv_op recv_op;
	struct proactor_socket *s;
	struct proactor_span span;
	struct world w;
	char *memory;
	int fd, i;

	for (i = 0; i < 20; i++) {
		memory = malloc(4096);
		CHECK(memory != NULL);
		memset(memory, '-', 4096);
		world_open(&w, NULL);
		s = half_pair(&w, PROACTOR_SOCKET_TCP, 0, &fd);
		span = proactor_span(memory, 4096);
		proactor_recv_op_init(&recv_op, s, &span, 1, record, &w.r);
		CHECK_INT(proactor_submit_one(w.p, &recv_op.base), 0);
		CHECK(poll_quiet(&w));
		proactor_release(w.p);
		CHECK(send(fd, "0123456789", 10, MSG_NOSIGNAL) == 10 ||
		    errno == EPIPE || errno == ECONNRESET);
		CHECK_MEM(memory, "----------", 10);
		proactor_socket_release(s);
		CHECK_INT(close(fd), 0);
		CHECK_INT(w.r.calls, 0);
		free(memory);
	}
}

#define CROWD	4000

/* More than a ring has entries, alone or linked in fours. */
static void
release_crowd(void)
{
	struct proactor_recv_op *ops;
	struct proactor_op **batch;
	struct proactor_socket *s;
	struct proactor_span span;
	struct world w;
	char byte;
	int i, round;

	ops = calloc(CROWD, sizeof(*ops));
	batch = calloc(CROWD, sizeof(struct proactor_op *));
	CHECK(ops != NULL && batch != NULL);
	span = proactor_span(&byte, 1);
	for (round = 0; round < 2; round++) {
		world_open(&w, NULL);
		CHECK_INT(proactor_socket_create(w.p, PROACTOR_SOCKET_UDP, 0,
		    &s), 0);
		for (i = 0; i < CROWD; i++) {
			proactor_recv_op_init(&ops[i], s, &span, 1, record,
			    &w.r);
			if (round == 1 && i % 4 != 3)
				ops[i].base.flags = PROACTOR_OP_LINKED;
			batch[i] = &ops[i].base;
		}
		CHECK_INT(proactor_submit(w.p, batch, CROWD), 0);
		poll_barrier(&w);
		proactor_release(w.p);
		CHECK_INT(w.r.calls, 0);
		proactor_socket_release(s);
	}
	free(batch);
	free(ops);
}

static void *
poll_then_leave(void *arg)
{
	struct everything *f = arg;

	everything_submit(f);
	CHECK(poll_until(&f->w, &f->w.r.finals, 1));
	return NULL;
}

static void
release_elsewhere(void)
{
	struct proactor_event_wait_op wait;
	struct proactor_timer_op timer;
	struct proactor_event *event;
	struct proactor_address address;
	static struct everything f;
	struct world w;
	pthread_t thread;

	/* The thread that polled has ended. */
	memset(&f, 0, sizeof(f));
	world_open(&f.w, NULL);
	CHECK_INT(proactor_event_create(f.w.p, &f.event), 0);
	CHECK_INT(proactor_notification_create(f.w.p, &f.notification), 0);
	CHECK_INT(proactor_semaphore_create(f.w.p, 0, &f.semaphore), 0);
	f.listener = listener_open(&f.w, PROACTOR_SOCKET_TCP, 0, &address);
	CHECK_INT(proactor_socket_create(f.w.p, PROACTOR_SOCKET_UDP, 0,
	    &f.datagrams.a), 0);
	fd_pair(PROACTOR_SOCKET_UNIX_STREAM, f.fds);
	CHECK_INT(proactor_socket_import(f.w.p, proactor_handle_fd(f.fds[0]),
	    PROACTOR_SOCKET_UNIX_STREAM, 0, &f.pair.a), 0);
	thread_start(&thread, poll_then_leave, &f);
	thread_join(thread);
	proactor_release(f.w.p);
	CHECK_INT(f.w.r.calls, 1);
	proactor_event_release(f.event);
	proactor_notification_release(f.notification);
	proactor_semaphore_release(f.semaphore);
	proactor_socket_release(f.listener);
	proactor_socket_release(f.datagrams.a);
	proactor_socket_release(f.pair.a);
	CHECK_INT(close(f.fds[1]), 0);
	recorder_clear(&f.w.r);
	/* Nobody has ever polled. */
	world_open(&w, NULL);
	CHECK_INT(proactor_event_create(w.p, &event), 0);
	proactor_event_wait_op_init(&wait, event, record, &w.r);
	proactor_timer_op_init(&timer, 1, record, &w.r);
	CHECK_INT(proactor_submit_one(w.p, &wait.base), 0);
	CHECK_INT(proactor_submit_one(w.p, &timer.base), 0);
	proactor_release(w.p);
	CHECK_INT(w.r.calls, 0);
	proactor_event_release(event);
}

static void
release_it(void *user_data, struct proactor_op *op, int status,
    unsigned int flags)
{
	struct world *w = user_data;

	record(&w->r, op, status, flags);
	proactor_release(w->p);
}

static void
release_in_callback(void)
{
	struct proactor_timer_op timer;
	struct proactor_nop_op nop;
	struct world w;

	world_open(&w, NULL);
	proactor_nop_op_init(&nop, release_it, &w);
	proactor_timer_op_init(&timer, PROACTOR_FOREVER, record, &w.r);
	CHECK_INT(proactor_submit_one(w.p, &nop.base), 0);
	CHECK_INT(proactor_submit_one(w.p, &timer.base), 0);
	(void)proactor_poll(w.p, patience(), NULL);
	CHECK_INT(w.r.calls, 1);
	recorder_clear(&w.r);
}

/* Objects may be released after their proactor. */
static void
objects_outlive_it(void)
{
	struct proactor_event *event;
	struct pair pair;
	struct world w;

	world_open(&w, NULL);
	CHECK_INT(proactor_event_create(w.p, &event), 0);
	pair_open(&w, PROACTOR_SOCKET_TCP, 0, &pair);
	world_close(&w);
	(void)proactor_event_set(event);
	proactor_event_release(event);
	proactor_socket_release(pair.b);
	proactor_socket_release(pair.a);
}

/* Whoever holds an event may set it at any time, the last moment included. */
struct setter {
	struct proactor_event *event;
	atomic_bool stop;
};

static void *
set_until_stopped(void *arg)
{
	struct setter *s = arg;

	while (!atomic_load(&s->stop))
		(void)proactor_event_set(s->event);
	proactor_event_release(s->event);
	return NULL;
}

static void
release_among_sets(void)
{
	struct proactor_event_wait_op wait;
	struct setter s;
	struct world w;
	pthread_t thread;
	int i;

	for (i = 0; i < 200; i++) {
		world_open(&w, NULL);
		memset(&s, 0, sizeof(s));
		CHECK_INT(proactor_event_create(w.p, &s.event), 0);
		proactor_event_wait_op_init(&wait, s.event, record, &w.r);
		CHECK_INT(proactor_submit_one(w.p, &wait.base), 0);
		thread_start(&thread, set_until_stopped, &s);
		CHECK(poll_until(&w, &w.r.finals, 1));
		if (i % 2 == 0) {
			CHECK_INT(proactor_submit_one(w.p, &wait.base), 0);
			CHECK_INT(proactor_shutdown(w.p, patience()), 0);
			CHECK_INT(w.r.calls, 2);
		}
		proactor_release(w.p);
		atomic_store(&s.stop, true);
		thread_join(thread);
		recorder_clear(&w.r);
	}
}

const struct tap_case release_cases[] = {
	{ "release: of an idle one says nothing to the log",
	    release_idle_says_nothing },
	{ "release: in flight, the log is told the number, no callback",
	    release_in_flight_polled },
	{ "release: of what no poll has seen, the same",
	    release_in_flight_unseen },
	{ "release: the kernel lets go of the memory",
	    release_lets_go_of_memory },
	{ "release: thousands in flight are let go", release_crowd },
	{ "release: after the polling thread ended, or without one",
	    release_elsewhere },
	{ "release: in a callback", release_in_callback },
	{ "release: events and sockets may be released after it",
	    objects_outlive_it },
	{ "release: while a thread sets an event", release_among_sets },
	{ NULL, NULL }
};
