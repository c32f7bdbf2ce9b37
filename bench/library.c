/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <stdio.h>

#include "bench/library.h"

void
library_options(struct run *run, struct proactor_options *options)
{
	proactor_options_init(options);
	options->backend = run->backend;
	options->realloc_fn = count_realloc;
	options->realloc_data = run;
}

struct proactor *
library_create(struct run *run)
{
	struct proactor_options options;
	struct proactor *p;
	char reason[256] = "";
	int r;

	library_options(run, &options);
	options.reason = reason;
	options.reason_size = sizeof(reason);
	r = proactor_create(&options, &p);
	if (r != 0) {
		fprintf(stderr, "bench: %s\n", reason);
		die("proactor_create", r);
	}
	library_own(p);
	return p;
}

/* Only then are submissions not those of a foreign thread. */
void
library_own(struct proactor *p)
{
	int r;

	r = proactor_poll(p, PROACTOR_IMMEDIATE, NULL);
	if (r != PROACTOR_ETIMEDOUT)
		check(r, "proactor_poll");
}

void
library_until(struct proactor *p, const uint64_t *value, uint64_t limit)
{
	while (*value < limit)
		check(proactor_poll(p, PROACTOR_FOREVER, NULL),
		    "proactor_poll");
}

void
library_release(struct proactor *p)
{
	check(proactor_shutdown(p, PROACTOR_FOREVER), "proactor_shutdown");
	proactor_release(p);
}

struct proactor_socket *
library_listener(struct proactor *p, struct run *run)
{
	struct proactor_socket *listener;

	check(proactor_socket_import(p, proactor_handle_fd(run->listener),
		  PROACTOR_SOCKET_TCP, 0, &listener),
	    "proactor_socket_import");
	return listener;
}
