/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "conformance/conformance.h"

/* Event sources: level-triggered, until they are unregistered. */

struct source {
	struct proactor *p;
	struct proactor_event_source *source;
	size_t calls;
	unsigned int events;		/* of the last call */
	int drain;			/* this descriptor; -1: nothing */
	struct source *unregisters;	/* in its callback */
	size_t at_call;			/* of that number */
};

static void
source_fired(void *user_data, struct proactor_event_source *source,
    unsigned int events)
{
	struct source *s = user_data;
	char byte;

	CHECK(s->source == source);
	CHECK(events != 0);
	s->calls++;
	s->events = events;
	if (s->drain != -1)
		CHECK_INT(read(s->drain, &byte, 1), 1);
	if (s->unregisters != NULL && s->calls == s->at_call) {
		CHECK_INT(proactor_unregister_event_source(s->p,
		    s->unregisters->source), 0);
		s->unregisters->source = NULL;
	}
}

static void
source_open(struct world *w, struct source *s, int fd)
{
	memset(s, 0, sizeof(*s));
	s->p = w->p;
	s->drain = -1;
	CHECK_INT(proactor_register_event_source(w->p, proactor_handle_fd(fd),
	    source_fired, s, &s->source), 0);
	CHECK_INT(s->calls, 0);
}

static void
source_close(struct source *s)
{
	CHECK_INT(proactor_unregister_event_source(s->p, s->source), 0);
}

static void
open_pipe(int fds[2])
{
	CHECK_INT(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
}

static void
close_pipe(int fds[2])
{
	CHECK_INT(close(fds[0]), 0);
	CHECK_INT(close(fds[1]), 0);
}

static void
put(int fd)
{
	CHECK_INT(write(fd, "x", 1), 1);
}

/* No source calls back any more: count is one that must not change. */
static void
still(struct world *w, const size_t *count)
{
	size_t before = *count;

	CHECK(poll_quiet(w));
	CHECK_INT(*count, before);
}

static void
source_stays_armed(void)
{
	struct world w;
	struct source s;
	int fds[2];
	size_t i, completed;

	world_open(&w, NULL);
	open_pipe(fds);
	source_open(&w, &s, fds[0]);
	s.drain = fds[0];
	still(&w, &s.calls);
	for (i = 1; i <= 100; i++) {
		put(fds[1]);
		CHECK_INT(proactor_poll(w.p, patience(), &completed), 0);
		CHECK(poll_until(&w, &s.calls, i));
		CHECK(s.events & PROACTOR_POLL_IN);
	}
	still(&w, &s.calls);
	CHECK_INT(s.calls, 100);
	source_close(&s);
	put(fds[1]);
	still(&w, &s.calls);
	close_pipe(fds);
	world_close(&w);
}

static void
source_level_triggered(void)
{
	struct world w;
	struct source s;
	int fds[2];

	world_open(&w, NULL);
	open_pipe(fds);
	put(fds[1]);
	source_open(&w, &s, fds[0]);
	CHECK(poll_until(&w, &s.calls, 20));
	s.drain = fds[0];
	CHECK(poll_until(&w, &s.calls, 21));
	still(&w, &s.calls);
	CHECK_INT(s.calls, 21);
	source_close(&s);
	close_pipe(fds);
	world_close(&w);
}

static void
source_counts_as_progress(void)
{
	struct world w;
	struct source s;
	int fds[2];
	size_t completed = 0;

	world_open(&w, NULL);
	open_pipe(fds);
	source_open(&w, &s, fds[0]);
	still(&w, &s.calls);
	put(fds[1]);
	CHECK_INT(proactor_poll(w.p, PROACTOR_FOREVER, &completed), 0);
	CHECK_INT(s.calls, completed);
	CHECK(completed > 0);
	source_close(&s);
	close_pipe(fds);
	world_close(&w);
}

static void
source_hangup(void)
{
	struct world w;
	struct source reader, writer;
	int a[2], b[2];

	world_open(&w, NULL);
	open_pipe(a);
	open_pipe(b);
	source_open(&w, &reader, a[0]);
	still(&w, &reader.calls);
	CHECK_INT(close(a[1]), 0);
	CHECK(poll_until(&w, &reader.calls, 1));
	CHECK(reader.events & PROACTOR_POLL_HUP);
	CHECK_INT(close(b[0]), 0);
	source_open(&w, &writer, b[1]);
	CHECK(poll_until(&w, &writer.calls, 1));
	CHECK(writer.events & PROACTOR_POLL_ERR);
	source_close(&reader);
	source_close(&writer);
	CHECK_INT(close(a[0]), 0);
	CHECK_INT(close(b[1]), 0);
	world_close(&w);
}

/* Of a handle that can only be written to, room is what is told. */
static void
source_write_only(void)
{
	struct world w;
	struct source s;
	char bytes[4096] = "";
	int fds[2];

	world_open(&w, NULL);
	open_pipe(fds);
	source_open(&w, &s, fds[1]);
	CHECK(poll_until(&w, &s.calls, 2));
	CHECK_INT(s.events, PROACTOR_POLL_OUT);
	while (write(fds[1], bytes, sizeof(bytes)) > 0)
		continue;
	/* What had fired before the pipe was full may still be told. */
	(void)proactor_poll(w.p, PROACTOR_IMMEDIATE, NULL);
	(void)proactor_poll(w.p, PROACTOR_IMMEDIATE, NULL);
	still(&w, &s.calls);
	source_close(&s);
	close_pipe(fds);
	world_close(&w);
}

static void
source_unregisters_itself(void)
{
	struct world w;
	struct source s;
	int fds[2];

	world_open(&w, NULL);
	open_pipe(fds);
	put(fds[1]);
	source_open(&w, &s, fds[0]);
	s.unregisters = &s;
	s.at_call = 3;
	CHECK(poll_until(&w, &s.calls, 3));
	still(&w, &s.calls);
	CHECK_INT(s.calls, 3);
	close_pipe(fds);
	world_close(&w);
}

/* Both are ready in the same pass; the second must stay silent. */
static void
source_unregisters_another(void)
{
	struct world w;
	struct source s[2];
	int fds[2][2];
	size_t i, sum;

	world_open(&w, NULL);
	for (i = 0; i < 2; i++) {
		open_pipe(fds[i]);
		source_open(&w, &s[i], fds[i][0]);
	}
	s[0].unregisters = &s[1];
	s[1].unregisters = &s[0];
	s[0].at_call = s[1].at_call = 1;
	CHECK_INT(proactor_poll(w.p, PROACTOR_IMMEDIATE, NULL),
	    PROACTOR_ETIMEDOUT);
	put(fds[0][1]);
	put(fds[1][1]);
	for (i = 0; i < 10; i++)
		CHECK_INT(proactor_poll(w.p, patience(), NULL), 0);
	sum = s[0].calls + s[1].calls;
	CHECK(sum == s[0].calls || sum == s[1].calls);
	CHECK(sum >= 10);
	for (i = 0; i < 2; i++) {
		if (s[i].source != NULL)
			source_close(&s[i]);
		close_pipe(fds[i]);
	}
	still(&w, &s[0].calls);
	world_close(&w);
}

/* The number of a closed descriptor comes back as something else. */
static void
source_of_reused_number(void)
{
	struct world w;
	struct source old, new;
	int a[2], b[2], number;

	world_open(&w, NULL);
	open_pipe(a);
	source_open(&w, &old, a[0]);
	still(&w, &old.calls);
	number = a[0];
	source_close(&old);
	close_pipe(a);
	open_pipe(b);
	CHECK(b[0] == number || dup2(b[0], number) == number);
	source_open(&w, &new, number);
	put(b[1]);
	CHECK(poll_until(&w, &new.calls, 2));
	CHECK_INT(old.calls, 0);
	source_close(&new);
	if (number != b[0])
		CHECK_INT(close(number), 0);
	close_pipe(b);
	world_close(&w);
}

static void
sources_share_a_handle(void)
{
	struct world w;
	struct source s[3];
	int fds[2];
	size_t i;

	world_open(&w, NULL);
	open_pipe(fds);
	for (i = 0; i < 3; i++)
		source_open(&w, &s[i], fds[0]);
	put(fds[1]);
	for (i = 0; i < 3; i++)
		CHECK(poll_until(&w, &s[i].calls, 2));
	source_close(&s[1]);
	i = s[2].calls;
	CHECK(poll_until(&w, &s[2].calls, i + 2));
	source_close(&s[0]);
	source_close(&s[2]);
	still(&w, &s[2].calls);
	close_pipe(fds);
	world_close(&w);
}

struct registrar {
	struct world *w;
	struct source *s;
	int fd;
};

static void
register_one(void *user_data, struct proactor_op *op, int status,
    unsigned int flags)
{
	struct registrar *r = user_data;

	source_open(r->w, r->s, r->fd);
	record(&r->w->r, op, status, flags);
}

static void
source_from_callback(void)
{
	struct world w;
	struct source s;
	struct registrar registrar = { .w = &w, .s = &s };
	struct proactor_nop_op nop;
	int fds[2];

	world_open(&w, NULL);
	open_pipe(fds);
	put(fds[1]);
	registrar.fd = fds[0];
	proactor_nop_op_init(&nop, register_one, &registrar);
	CHECK_INT(run_one(&w, &nop.base), 0);
	CHECK(poll_until(&w, &s.calls, 3));
	source_close(&s);
	close_pipe(fds);
	world_close(&w);
}

static void
source_bad_handles(void)
{
	struct world w;
	struct proactor_event_source *s = NULL;
	int fds[2];

	world_open(&w, NULL);
	open_pipe(fds);
	CHECK_INT(proactor_register_event_source(w.p, proactor_handle_none(),
	    source_fired, NULL, &s), PROACTOR_EINVAL);
	CHECK_INT(proactor_register_event_source(w.p, proactor_handle_fd(-1),
	    source_fired, NULL, &s), PROACTOR_EBADF);
	CHECK_INT(proactor_register_event_source(w.p,
	    proactor_handle_fd(fds[0]), NULL, NULL, &s), PROACTOR_EINVAL);
	CHECK_INT(proactor_register_event_source(w.p,
	    proactor_handle_fd(fds[0]), source_fired, NULL, NULL),
	    PROACTOR_EINVAL);
	CHECK_INT(proactor_register_event_source(NULL,
	    proactor_handle_fd(fds[0]), source_fired, NULL, &s),
	    PROACTOR_EINVAL);
	close_pipe(fds);
	CHECK_INT(proactor_register_event_source(w.p,
	    proactor_handle_fd(fds[0]), source_fired, NULL, &s),
	    PROACTOR_EBADF);
	CHECK(s == NULL);
	CHECK_INT(proactor_unregister_event_source(w.p, NULL),
	    PROACTOR_EINVAL);
	CHECK(poll_quiet(&w));
	world_close(&w);
}

static void
source_of_another_proactor(void)
{
	struct world w, other;
	struct source s;
	int fds[2];

	world_open(&w, NULL);
	world_open(&other, NULL);
	open_pipe(fds);
	source_open(&w, &s, fds[0]);
	CHECK_INT(proactor_unregister_event_source(other.p, s.source),
	    PROACTOR_EINVAL);
	put(fds[1]);
	CHECK(poll_until(&w, &s.calls, 1));
	source_close(&s);
	close_pipe(fds);
	world_close(&other);
	world_close(&w);
}

static void
source_beside_polls(void)
{
	struct world w;
	struct source s;
	struct proactor_handle_poll_op a, b;
	int fds[2];

	world_open(&w, NULL);
	open_pipe(fds);
	source_open(&w, &s, fds[0]);
	proactor_handle_poll_op_init(&a, proactor_handle_fd(fds[0]),
	    PROACTOR_POLL_IN, record, &w.r);
	CHECK_INT(proactor_submit_one(w.p, &a.base), 0);
	proactor_handle_poll_op_init(&b, proactor_handle_fd(fds[0]),
	    PROACTOR_POLL_IN, record, &w.r);
	CHECK_INT(proactor_submit_one(w.p, &b.base), 0);
	still(&w, &s.calls);
	put(fds[1]);
	CHECK(poll_until(&w, &w.r.finals, 2));
	CHECK_INT(status_of(&w.r, &a), 0);
	CHECK_INT(status_of(&w.r, &b), 0);
	CHECK(poll_until(&w, &s.calls, 3));
	source_close(&s);
	close_pipe(fds);
	world_close(&w);
}

const struct tap_case source_cases[] = {
	{ "source: stays armed and calls back for each byte",
	    source_stays_armed },
	{ "source: a handle not drained calls back again",
	    source_level_triggered },
	{ "source: its callbacks end a poll and are counted",
	    source_counts_as_progress },
	{ "source: hang-up and error are told", source_hangup },
	{ "source: room is told of a handle open for writing only",
	    source_write_only },
	{ "source: may be unregistered in its own callback",
	    source_unregisters_itself },
	{ "source: may be unregistered in another's callback",
	    source_unregisters_another },
	{ "source: a reused descriptor number is a new handle",
	    source_of_reused_number },
	{ "source: several may watch one handle", sources_share_a_handle },
	{ "source: may be registered in a callback", source_from_callback },
	{ "source: bad handles are EBADF or EINVAL", source_bad_handles },
	{ "source: another proactor's is EINVAL",
	    source_of_another_proactor },
	{ "source: is not disturbed by handle polls", source_beside_polls },
	{ NULL, NULL }
};
