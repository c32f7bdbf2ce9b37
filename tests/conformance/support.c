/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "conformance/conformance.h"

/* Worlds, recorders, bytes and threads: what every case stands on. */

#define PATIENCE	INT64_C(20000000000)
#define QUIET		INT64_C(15000000)

/* --- recorder --- */

static size_t
bytes_of(const struct proactor_op *op)
{
	switch (op->type) {
	case PROACTOR_OP_RECV:
		return ((const struct proactor_recv_op *)op)->bytes;
	case PROACTOR_OP_SEND:
		return ((const struct proactor_send_op *)op)->bytes;
	case PROACTOR_OP_RECVFROM:
		return ((const struct proactor_recvfrom_op *)op)->bytes;
	case PROACTOR_OP_SENDTO:
		return ((const struct proactor_sendto_op *)op)->bytes;
	case PROACTOR_OP_FILE_READ:
		return ((const struct proactor_file_read_op *)op)->bytes;
	case PROACTOR_OP_FILE_WRITE:
		return ((const struct proactor_file_write_op *)op)->bytes;
	default:
		return 0;
	}
}

void
record(void *recorder, struct proactor_op *op, int status, unsigned int flags)
{
	struct recorder *r = recorder;

	if (r->calls == r->room) {
		r->room = r->room == 0 ? 64 : r->room * 2;
		r->seen = realloc(r->seen, r->room * sizeof(*r->seen));
		CHECK(r->seen != NULL);
	}
	r->seen[r->calls].op = op;
	r->seen[r->calls].status = status;
	r->seen[r->calls].flags = flags;
	r->seen[r->calls].bytes = bytes_of(op);
	r->calls++;
	if ((flags & PROACTOR_COMPLETION_MORE) == 0)
		r->finals++;
}

void
recorder_clear(struct recorder *r)
{
	free(r->seen);
	memset(r, 0, sizeof(*r));
}

size_t
calls_of(const struct recorder *r, const void *op)
{
	size_t i, n = 0;

	for (i = 0; i < r->calls; i++)
		n += (const void *)r->seen[i].op == op;
	return n;
}

size_t
finals_of(const struct recorder *r, const void *op)
{
	size_t i, n = 0;

	for (i = 0; i < r->calls; i++)
		n += (const void *)r->seen[i].op == op &&
		    (r->seen[i].flags & PROACTOR_COMPLETION_MORE) == 0;
	return n;
}

int
status_of(const struct recorder *r, const void *op)
{
	size_t i;

	for (i = r->calls; i > 0; i--)
		if ((const void *)r->seen[i - 1].op == op)
			return r->seen[i - 1].status;
	return 1;
}

size_t
place_of(const struct recorder *r, const void *op)
{
	size_t i;

	for (i = 0; i < r->calls; i++)
		if ((const void *)r->seen[i].op == op)
			return i;
	return SIZE_MAX;
}

/* --- world --- */

void
world_options(struct proactor_options *o)
{
	proactor_options_init(o);
	o->backend = selected.backend;
	o->allowed_capabilities = PROACTOR_CAP_ALL & ~selected.masked;
}

void
world_open(struct world *w, const struct proactor_options *options)
{
	struct proactor_options o;
	char reason[256] = "";
	int status;

	memset(w, 0, sizeof(*w));
	if (options != NULL)
		o = *options;
	else
		world_options(&o);
	if (o.reason == NULL) {
		o.reason = reason;
		o.reason_size = sizeof(reason);
	}
	status = proactor_create(&o, &w->p);
	if (status != 0)
		tap_diag("%s: %s", selected.backend, o.reason);
	CHECK_INT(status, 0);
}

void
world_close(struct world *w)
{
	CHECK_INT(proactor_shutdown(w->p, patience()), 0);
	proactor_release(w->p);
	recorder_clear(&w->r);
	w->p = NULL;
}

int64_t
patience(void)
{
	return proactor_deadline_after(PATIENCE);
}

bool
poll_until(struct world *w, const size_t *counter, size_t n)
{
	int64_t deadline = patience();
	int status;

	while (*counter < n) {
		status = proactor_poll(w->p, deadline, NULL);
		if (status != 0) {
			tap_diag("poll: %s, counted %zu of %zu",
			    proactor_errname(status), *counter, n);
			return false;
		}
	}
	return true;
}

bool
poll_finals(struct world *w, const void *op, size_t n)
{
	int64_t deadline = patience();
	int status;

	while (finals_of(&w->r, op) < n) {
		status = proactor_poll(w->p, deadline, NULL);
		if (status != 0) {
			tap_diag("poll: %s, final callbacks %zu of %zu",
			    proactor_errname(status), finals_of(&w->r, op), n);
			return false;
		}
	}
	return true;
}

bool
poll_quiet(struct world *w)
{
	int64_t deadline = proactor_deadline_after(QUIET);
	size_t before = w->r.calls;
	int status;

	do
		status = proactor_poll(w->p, deadline, NULL);
	while (status == 0 && w->r.calls == before);
	return status == PROACTOR_ETIMEDOUT && w->r.calls == before;
}

int
run_one(struct world *w, struct proactor_op *op)
{
	size_t before = finals_of(&w->r, op);
	int status;

	status = proactor_submit_one(w->p, op);
	if (status != 0)
		return status;
	CHECK(poll_finals(w, op, before + 1));
	return status_of(&w->r, op);
}

void
poll_barrier(struct world *w)
{
	struct recorder r = {0};
	struct proactor_nop_op nop;
	int turn;

	for (turn = 0; turn < 2; turn++) {
		proactor_nop_op_init(&nop, record, &r);
		CHECK_INT(proactor_submit_one(w->p, &nop.base), 0);
		CHECK(poll_until(w, &r.finals, (size_t)turn + 1));
	}
	recorder_clear(&r);
}

/* --- bytes --- */

static unsigned char
byte_at(size_t place, unsigned int seed)
{
	return (unsigned char)((place * 2654435761u + seed * 40503u) >> 7);
}

void
fill(void *memory, size_t length, unsigned int seed)
{
	unsigned char *bytes = memory;
	size_t i;

	for (i = 0; i < length; i++)
		bytes[i] = byte_at(i, seed);
}

bool
is_filled(const void *memory, size_t length, unsigned int seed)
{
	const unsigned char *bytes = memory;
	size_t i;

	for (i = 0; i < length; i++) {
		if (bytes[i] != byte_at(i, seed)) {
			tap_diag("byte %zu of %zu is wrong", i, length);
			return false;
		}
	}
	return true;
}

/* --- threads, descriptors --- */

void
thread_start(pthread_t *ret, void *(*fn)(void *), void *arg)
{
	CHECK_INT(pthread_create(ret, NULL, fn, arg), 0);
}

void
thread_join(pthread_t thread)
{
	CHECK_INT(pthread_join(thread, NULL), 0);
}

size_t
open_fds(void)
{
	struct dirent *entry;
	DIR *dir = opendir("/proc/self/fd");
	size_t n = 0;

	CHECK(dir != NULL);
	while ((entry = readdir(dir)) != NULL)
		n += entry->d_name[0] != '.';
	closedir(dir);
	return n - 1;
}
