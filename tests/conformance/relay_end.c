/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "conformance/relay.h"

/* How relays end: unregistered, fired, faulted, shut down. */

static void
unregistered_idle(void)
{
	struct relay r;
	struct world w;
	int kind, polled;

	for (kind = 0; kind < RELAY_KINDS; kind++)
		for (polled = 0; polled < 3; polled++) {
			world_open(&w, NULL);
			if (polled == 2)
				poll_barrier(&w);
			relay_open(&w, &r, kind, polled == 1 ?
			    PROACTOR_RELAY_PERSISTENT : 0);
			if (polled == 1)
				poll_barrier(&w);
			CHECK_INT(proactor_unregister_relay(w.p, r.relay), 0);
			r.relay = NULL;
			end_touch(&r.from);
			end_quiet(&w, &r.to);
			relay_close(&r);
			world_close(&w);
		}
}

/* It was ready: what the sink has then, it has once or not at all. */
static void
unregistered_ready(void)
{
	struct relay r;
	struct world w;
	int kind, i;

	for (kind = 0; kind < RELAY_KINDS; kind++)
		for (i = 0; i < 20; i++) {
			world_open(&w, NULL);
			relay_open(&w, &r, kind, PROACTOR_RELAY_PERSISTENT);
			poll_barrier(&w);
			end_touch(&r.from);
			CHECK_INT(proactor_unregister_relay(w.p, r.relay), 0);
			r.relay = NULL;
			CHECK(poll_quiet(&w));
			CHECK(end_count(&r.to) <= 1);
			end_touch(&r.from);
			end_quiet(&w, &r.to);
			relay_close(&r);
			world_close(&w);
		}
}

struct unregistrar {
	struct relay r;
	struct proactor_notification_wait_op wait;
};

static void
unregister_it(void *user_data, struct proactor_op *op, int status,
    unsigned int flags)
{
	struct unregistrar *u = user_data;

	record(&u->r.w->r, op, status, flags);
	CHECK_INT(proactor_unregister_relay(u->r.w->p, u->r.relay), 0);
	u->r.relay = NULL;
}

/* In the callback of what it has woken. */
static void
unregistered_in_callback(void)
{
	struct unregistrar u;
	struct world w;
	int kind;

	for (kind = 2; kind < RELAY_KINDS; kind++) {
		world_open(&w, NULL);
		relay_open(&w, &u.r, kind, PROACTOR_RELAY_PERSISTENT);
		proactor_notification_wait_op_init(&u.wait, u.r.to.n,
		    unregister_it, &u);
		CHECK_INT(proactor_submit_one(w.p, &u.wait.base), 0);
		end_touch(&u.r.from);
		CHECK(poll_until(&w, &w.r.finals, 1));
		(void)end_count(&u.r.to);
		end_touch(&u.r.from);
		end_quiet(&w, &u.r.to);
		relay_close(&u.r);
		world_close(&w);
	}
}

static void
nobody_holds_it(void)
{
	struct relay r;
	struct world w;
	size_t before = open_fds();
	int kind;

	for (kind = 0; kind < RELAY_KINDS; kind++) {
		world_open(&w, NULL);
		relay_prepare(&w, &r, kind, 0);
		CHECK_INT(proactor_register_relay(w.p, &r.o, NULL), 0);
		CHECK_INT(proactor_register_relay(w.p, &r.o, NULL), 0);
		end_touch(&r.from);
		while (end_wait(&w, &r.to) != 2 && end_wait(&w, &r.to) != 1)
			continue;
		/* This one is for the shutdown. */
		CHECK_INT(proactor_register_relay(w.p, &r.o, NULL), 0);
		relay_close(&r);
		world_close(&w);
	}
	CHECK_INT(open_fds(), before);
}

/* --- handles --- */

static void
owned_source_is_closed(void)
{
	struct relay r;
	struct world w;
	size_t before;
	int kind, how;

	for (kind = 0; kind < RELAY_KINDS; kind += 2)
		for (how = 0; how < 4; how++) {
			before = open_fds();
			world_open(&w, NULL);
			relay_prepare(&w, &r, kind, PROACTOR_RELAY_OWN_SOURCE);
			r.from.write_fd = fcntl(r.from.write_fd,
			    F_DUPFD_CLOEXEC, 0);
			CHECK(r.from.write_fd >= 0);
			relay_register(&r);
			poll_barrier(&w);
			if (how == 0) {
				end_touch(&r.from);
				CHECK_INT(end_wait(&w, &r.to), 1);
				while (fcntl(r.from.read_fd, F_GETFD) >= 0)
					CHECK(poll_quiet(&w));
			}
			if (how < 2)
				CHECK_INT(proactor_unregister_relay(w.p,
				    r.relay), 0);
			r.relay = NULL;
			if (how != 3)
				CHECK_INT(proactor_shutdown(w.p, patience()),
				    0);
			proactor_release(w.p);
			CHECK_INT(fcntl(r.from.read_fd, F_GETFD), -1);
			r.from.read_fd = -1;
			CHECK_INT(close(r.from.write_fd), 0);
			r.from.write_fd = -1;
			relay_close(&r);
			recorder_clear(&w.r);
			CHECK_INT(open_fds(), before);
		}
}

/* The caller's handles are the caller's. */
static void
handles_are_duplicated(void)
{
	const uint64_t one = 1;
	struct relay r;
	struct world w;
	uint64_t value;
	int in, out;

	world_open(&w, NULL);
	relay_open(&w, &r, 0, PROACTOR_RELAY_PERSISTENT);
	in = fcntl(r.from.write_fd, F_DUPFD_CLOEXEC, 0);
	out = fcntl(r.to.read_fd, F_DUPFD_CLOEXEC, 0);
	CHECK(in >= 0 && out >= 0);
	end_close(&r.from);
	end_close(&r.to);
	CHECK_INT(write(in, &one, sizeof(one)), sizeof(one));
	while (read(out, &value, sizeof(value)) < 0) {
		CHECK_INT(errno, EAGAIN);
		(void)proactor_poll(w.p, proactor_deadline_after(1000000),
		    NULL);
	}
	CHECK_INT(proactor_unregister_relay(w.p, r.relay), 0);
	world_close(&w);
	CHECK_INT(close(in), 0);
	CHECK_INT(close(out), 0);
}

/* --- faults --- */

/* The source is a pipe whose writer has gone. */
static void
source_hangs_up(unsigned int flags, uint64_t fired, size_t errors)
{
	struct relay r;
	struct world w;
	int fds[2];
	int kind;

	for (kind = 0; kind < RELAY_KINDS; kind += 2) {
		world_open(&w, NULL);
		relay_prepare(&w, &r, kind, flags);
		CHECK_INT(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
		r.o.source_handle = proactor_handle_fd(fds[0]);
		relay_register(&r);
		poll_barrier(&w);
		CHECK_INT(close(fds[1]), 0);
		if (errors != 0) {
			CHECK(poll_until(&w, &r.errors, 1));
			CHECK_INT(r.status, PROACTOR_EPIPE);
		}
		if (fired != 0)
			CHECK_INT(end_wait(&w, &r.to), fired);
		end_quiet(&w, &r.to);
		CHECK_INT(r.errors, errors);
		r.errors = 0;
		CHECK_INT(close(fds[0]), 0);
		relay_close(&r);
		world_close(&w);
	}
}

static void
hang_up_fires(void)
{
	source_hangs_up(0, 1, 0);
	source_hangs_up(PROACTOR_RELAY_PERSISTENT, 1, 1);
}

static void
hang_up_is_suppressed(void)
{
	source_hangs_up(PROACTOR_RELAY_ERROR_SENSITIVE, 0, 1);
	source_hangs_up(PROACTOR_RELAY_ERROR_SENSITIVE |
	    PROACTOR_RELAY_PERSISTENT, 0, 1);
}

/* Without an error the sensitive one is like any other. */
static void
sensitive_fires(void)
{
	struct relay r;
	struct world w;
	int kind, i;

	for (kind = 0; kind < RELAY_KINDS; kind++) {
		world_open(&w, NULL);
		relay_open(&w, &r, kind, PROACTOR_RELAY_ERROR_SENSITIVE |
		    PROACTOR_RELAY_PERSISTENT);
		for (i = 0; i < 20; i++) {
			end_touch(&r.from);
			CHECK_INT(end_wait(&w, &r.to), 1);
		}
		relay_close(&r);
		world_close(&w);
	}
}

/* Bytes of a pipe, fewer than are drained at once. */
static void
pipe_source(void)
{
	struct relay r;
	struct world w;
	char bytes[64];
	int fds[2], i, kind;

	for (kind = 0; kind < RELAY_KINDS; kind += 2) {
		world_open(&w, NULL);
		relay_prepare(&w, &r, kind, PROACTOR_RELAY_PERSISTENT);
		CHECK_INT(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
		r.o.source_handle = proactor_handle_fd(fds[0]);
		relay_register(&r);
		for (i = 0; i < 20; i++) {
			CHECK_INT(write(fds[1], "abc", 3), 3);
			CHECK_INT(end_wait(&w, &r.to), 1);
			CHECK_INT(read(fds[0], bytes, sizeof(bytes)), -1);
		}
		end_quiet(&w, &r.to);
		relay_close(&r);
		close_fds(fds);
		world_close(&w);
	}
}

/* The sink cannot be written to any more. */
static void
sink_fails(void)
{
	struct relay r;
	struct world w;
	int fds[2];
	int kind, i;

	CHECK(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
	for (kind = 0; kind < 2; kind++)
		for (i = 0; i < 2; i++) {
			world_open(&w, NULL);
			relay_prepare(&w, &r, kind, i == 0 ? 0 :
			    PROACTOR_RELAY_PERSISTENT);
			CHECK_INT(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
			r.o.sink_handle = proactor_handle_fd(fds[1]);
			relay_register(&r);
			CHECK_INT(close(fds[0]), 0);
			end_touch(&r.from);
			CHECK(poll_until(&w, &r.errors, 1));
			CHECK_INT(r.status, PROACTOR_EPIPE);
			/* Faulted: it does nothing. */
			end_touch(&r.from);
			end_quiet(&w, &r.to);
			CHECK_INT(r.errors, 1);
			r.errors = 0;
			CHECK_INT(close(fds[1]), 0);
			relay_close(&r);
			world_close(&w);
		}
}

static void
unregister_myself(void *user_data, struct proactor_relay *relay, int status)
{
	struct relay *r = user_data;

	CHECK(status < 0);
	CHECK_INT(proactor_unregister_relay(r->w->p, relay), PROACTOR_EBUSY);
	/* Another may be, and registered. */
	CHECK_INT(proactor_unregister_relay(r->w->p, r[1].relay), 0);
	relay_register(&r[1]);
	r->errors++;
}

static void
error_callback_may(void)
{
	struct relay r[2];
	struct world w;
	int fds[2];

	world_open(&w, NULL);
	relay_open(&w, &r[1], 0, PROACTOR_RELAY_PERSISTENT);
	relay_prepare(&w, &r[0], 0, PROACTOR_RELAY_ERROR_SENSITIVE);
	CHECK_INT(pipe2(fds, O_CLOEXEC), 0);
	r[0].o.source_handle = proactor_handle_fd(fds[0]);
	r[0].o.error_fn = unregister_myself;
	CHECK_INT(proactor_register_relay(w.p, &r[0].o, NULL), 0);
	CHECK_INT(close(fds[1]), 0);
	CHECK(poll_until(&w, &r[0].errors, 1));
	end_touch(&r[1].from);
	CHECK_INT(end_wait(&w, &r[1].to), 1);
	r[0].errors = 0;
	relay_close(&r[0]);
	relay_close(&r[1]);
	CHECK_INT(close(fds[0]), 0);
	world_close(&w);
}

/* --- the end of the proactor --- */

static void
ended_with_proactor(void)
{
	struct relay r[2 * RELAY_KINDS];
	struct world w;
	size_t before = open_fds();
	int i, how;

	for (how = 0; how < 6; how++) {
		world_open(&w, NULL);
		for (i = 0; i < 2 * RELAY_KINDS; i++)
			relay_open(&w, &r[i], i % RELAY_KINDS,
			    i < RELAY_KINDS ? 0 : PROACTOR_RELAY_PERSISTENT);
		if (how & 1)
			poll_barrier(&w);
		if (how & 2)
			for (i = 0; i < 2 * RELAY_KINDS; i++)
				end_touch(&r[i].from);
		if (how < 4) {
			CHECK_INT(proactor_shutdown(w.p, patience()), 0);
			CHECK_INT(proactor_register_relay(w.p, &r[0].o, NULL),
			    PROACTOR_ESHUTDOWN);
			/* An address that is held may be given back. */
			CHECK_INT(proactor_unregister_relay(w.p, r[0].relay),
			    0);
		}
		proactor_release(w.p);
		for (i = 0; i < 2 * RELAY_KINDS; i++) {
			r[i].relay = NULL;
			CHECK(end_count(&r[i].to) <= (how & 2 ? 1 : 0));
			end_touch(&r[i].from);
			CHECK_INT(end_count(&r[i].to), 0);
			relay_close(&r[i]);
		}
		recorder_clear(&w.r);
	}
	CHECK_INT(open_fds(), before);
}

/* --- arguments --- */

static void
relay_arguments(void)
{
	struct proactor_relay *relay = NULL;
	struct proactor_relay_options o;
	struct world w, other;
	struct relay r, s;
	size_t before;

	world_open(&w, NULL);
	world_open(&other, NULL);
	relay_prepare(&w, &r, 0, 0);
	relay_prepare(&w, &s, 3, 0);
	before = open_fds();
#define REFUSED(code)	CHECK_INT(proactor_register_relay(w.p, &o, &relay), \
	    code)
	CHECK_INT(proactor_register_relay(NULL, &r.o, &relay),
	    PROACTOR_EINVAL);
	CHECK_INT(proactor_register_relay(w.p, NULL, &relay),
	    PROACTOR_EINVAL);
	o = r.o;
	o.size = 8;
	REFUSED(PROACTOR_EINVAL);
	o = r.o;
	o.flags = 0x8;
	REFUSED(PROACTOR_EINVAL);
	o = r.o;
	o.source = s.from.n;
	REFUSED(PROACTOR_EINVAL);
	o = r.o;
	o.sink = s.to.n;
	REFUSED(PROACTOR_EINVAL);
	o = r.o;
	o.source_handle = proactor_handle_none();
	REFUSED(PROACTOR_EINVAL);
	o = r.o;
	o.sink_handle = proactor_handle_none();
	REFUSED(PROACTOR_EINVAL);
	o = r.o;
	o.source_handle = proactor_handle_fd(-1);
	REFUSED(PROACTOR_EBADF);
	o = r.o;
	o.sink_handle = proactor_handle_fd(-1);
	REFUSED(PROACTOR_EBADF);
	o = r.o;
	o.source_handle = proactor_handle_socket(3);
	REFUSED(PROACTOR_EINVAL);
	o = s.o;
	o.count = 0;
	REFUSED(PROACTOR_EINVAL);
	o = s.o;
	o.sink = o.source;
	REFUSED(PROACTOR_EINVAL);
	o = s.o;
	o.flags = PROACTOR_RELAY_OWN_SOURCE;
	REFUSED(PROACTOR_EINVAL);
	/* The source is one of its own; the sink may be another's. */
	CHECK_INT(proactor_register_relay(other.p, &s.o, &relay),
	    PROACTOR_EINVAL);
	CHECK(relay == NULL);
	CHECK_INT(open_fds(), before);
	relay_register(&r);
	CHECK_INT(proactor_unregister_relay(other.p, r.relay),
	    PROACTOR_EINVAL);
	CHECK_INT(proactor_unregister_relay(NULL, r.relay), PROACTOR_EINVAL);
	CHECK_INT(proactor_unregister_relay(w.p, NULL), PROACTOR_EINVAL);
	proactor_relay_options_init(NULL);
	relay_close(&r);
	relay_close(&s);
	world_close(&other);
	world_close(&w);
}

static void
sink_of_another(void)
{
	struct proactor_notification_wait_op wait;
	struct world w, other;
	struct relay r;

	world_open(&w, NULL);
	world_open(&other, NULL);
	relay_prepare(&w, &r, 2, PROACTOR_RELAY_PERSISTENT);
	proactor_notification_release(r.to.n);
	end_open(&other, &r.to, false);
	r.o.sink = r.to.n;
	relay_register(&r);
	proactor_notification_wait_op_init(&wait, r.to.n, record, &other.r);
	CHECK_INT(proactor_submit_one(other.p, &wait.base), 0);
	poll_barrier(&w);
	end_touch(&r.from);
	CHECK_INT(end_wait(&w, &r.to), 1);
	CHECK(poll_until(&other, &other.r.finals, 1));
	relay_close(&r);
	world_close(&w);
	world_close(&other);
}

static void
child_is_refused(void)
{
	struct relay r;
	struct world w;
	int status;
	pid_t child;

	world_open(&w, NULL);
	relay_open(&w, &r, 0, PROACTOR_RELAY_PERSISTENT);
	poll_barrier(&w);
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		_exit(proactor_register_relay(w.p, &r.o, NULL) ==
		    PROACTOR_ECHILD && proactor_unregister_relay(w.p,
		    r.relay) == PROACTOR_ECHILD ?
		    (proactor_release(w.p), 0) : 1);
	}
	CHECK_INT(waitpid(child, &status, 0), child);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	end_touch(&r.from);
	CHECK_INT(end_wait(&w, &r.to), 1);
	relay_close(&r);
	world_close(&w);
}

const struct tap_case relay_end_cases[] = {
	{ "relay end: unregistered, it fires no more", unregistered_idle },
	{ "relay end: unregistered while it is ready", unregistered_ready },
	{ "relay end: unregistered in the callback of what it has woken",
	    unregistered_in_callback },
	{ "relay end: one that nobody holds cleans up after itself",
	    nobody_holds_it },
	{ "relay end: the source that it owns is closed",
	    owned_source_is_closed },
	{ "relay end: handles that it does not own are duplicated",
	    handles_are_duplicated },
	{ "relay end: a hang-up fires, and a persistent one has faulted",
	    hang_up_fires },
	{ "relay end: to a sensitive one a hang-up is an error",
	    hang_up_is_suppressed },
	{ "relay end: without an error a sensitive one fires",
	    sensitive_fires },
	{ "relay end: a pipe is drained by a few bytes", pipe_source },
	{ "relay end: a sink that fails is told, once", sink_fails },
	{ "relay end: the error callback may unregister others",
	    error_callback_may },
	{ "relay end: shutdown and release end them", ended_with_proactor },
	{ "relay end: bad arguments have their codes", relay_arguments },
	{ "relay end: the sink may be another proactor's", sink_of_another },
	{ "relay end: a child of fork may not", child_is_refused },
	{ NULL, NULL }
};
