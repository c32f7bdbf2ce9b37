/* SPDX-License-Identifier: ISC */
/*
 * A turn of a relay: its source is made ready, and the loop waits until it
 * hears that the sink has been fired, while as many relays as the size says
 * have nothing to do.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench/library.h"

struct relays {
	struct proactor *p;
	int source_fd, sink_fd;
	struct proactor_event_source *watch;
	struct proactor_notification **sources, *sink;
	struct proactor_notification_wait_op wait;
	unsigned int count;		/* of the idle ones */
	uint64_t got;
};

static void
on_sink_fd(void *user, struct proactor_event_source *source,
    unsigned int events)
{
	struct relays *r = user;
	uint64_t value;

	(void)source;
	(void)events;
	if (read(r->sink_fd, &value, sizeof(value)) == sizeof(value))
		r->got++;
}

static void
on_sink(void *user, struct proactor_op *op, int status, unsigned int flags)
{
	struct relays *r = user;

	(void)op;
	(void)flags;
	check(status, "notification wait");
	r->got++;
}

static void
fire_handle(struct relays *r)
{
	uint64_t value = 1;

	if (write(r->source_fd, &value, sizeof(value)) != sizeof(value))
		die("write", -errno);
	library_until(r->p, &r->got, r->got + 1);
}

static void
fire_notification(struct relays *r)
{
	check(proactor_submit_one(r->p, &r->wait.base), "proactor_submit_one");
	check(proactor_notification_signal(r->sources[r->count], 1),
	    "proactor_notification_signal");
	library_until(r->p, &r->got, r->got + 1);
}

/* Relays from descriptors, each its own, to one; the last one is used. */
static void
handles_init(struct relays *r)
{
	struct proactor_relay_options options;
	unsigned int i;

	r->sink_fd = net_event();
	check(proactor_register_event_source(r->p,
	    proactor_handle_fd(r->sink_fd), on_sink_fd, r, &r->watch),
	    "proactor_register_event_source");
	proactor_relay_options_init(&options);
	options.flags = PROACTOR_RELAY_PERSISTENT | PROACTOR_RELAY_OWN_SOURCE;
	options.sink_handle = proactor_handle_fd(r->sink_fd);
	for (i = 0; i <= r->count; i++) {
		r->source_fd = net_event();
		options.source_handle = proactor_handle_fd(r->source_fd);
		check(proactor_register_relay(r->p, &options, NULL),
		    "proactor_register_relay");
	}
}

/* The same from notifications to one. */
static void
notifications_init(struct relays *r)
{
	struct proactor_relay_options options;
	unsigned int i;

	r->sources = allocate(r->count + 1, sizeof(*r->sources));
	check(proactor_notification_create(r->p, &r->sink),
	    "proactor_notification_create");
	proactor_notification_wait_op_init(&r->wait, r->sink, on_sink, r);
	proactor_relay_options_init(&options);
	options.flags = PROACTOR_RELAY_PERSISTENT;
	options.sink = r->sink;
	for (i = 0; i <= r->count; i++) {
		check(proactor_notification_create(r->p, &r->sources[i]),
		    "proactor_notification_create");
		options.source = r->sources[i];
		check(proactor_register_relay(r->p, &options, NULL),
		    "proactor_register_relay");
	}
}

static void
notifications_fini(struct relays *r)
{
	unsigned int i;

	for (i = 0; i <= r->count; i++)
		proactor_notification_release(r->sources[i]);
	proactor_notification_release(r->sink);
	free(r->sources);
}

static void
measure(struct relays *r, struct run *run, void (*fire)(struct relays *r))
{
	uint64_t i;

	for (i = 0; i < run->warm_up; i++)
		fire(r);
	run_begin(run);
	for (i = 0; i < run->operations; i++)
		fire(r);
	run_end(run, run->operations);
}

void
library_relay(struct run *run)
{
	struct relays r = { .p = library_create(run), .count = run->size };

	net_more_files();
	handles_init(&r);
	measure(&r, run, fire_handle);
	library_release(r.p);
	close(r.sink_fd);
}

void
library_relay_one(struct run *run)
{
	run->size = 1;
	library_relay(run);
}

void
library_relay_notification(struct run *run)
{
	struct relays r = { .p = library_create(run), .count = run->size };

	net_more_files();
	notifications_init(&r);
	measure(&r, run, fire_notification);
	notifications_fini(&r);
	library_release(r.p);
}

void
library_relay_notification_one(struct run *run)
{
	run->size = 1;
	library_relay_notification(run);
}
