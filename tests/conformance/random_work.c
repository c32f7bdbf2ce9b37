/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "conformance/random.h"

/* What random work is done on, made and closed. */

/* --- sockets that come and go --- */

static unsigned int
end_kind(const struct work *k, const struct end *end)
{
	static const unsigned int kinds[SOCKETS / 2] = {
		PROACTOR_SOCKET_UNIX_STREAM, PROACTOR_SOCKET_TCP,
		PROACTOR_SOCKET_TCP, PROACTOR_SOCKET_UNIX_STREAM,
		PROACTOR_SOCKET_UDP, PROACTOR_SOCKET_UNIX_DATAGRAM,
	};

	return kinds[(end - k->ends) / 2];
}

void
work_open_ends(struct work *k, struct end *pair)
{
	unsigned int kind = end_kind(k, pair);
	int fds[2], i;

	fd_pair(kind, fds);
	for (i = 0; i < 2; i++) {
		proactor_socket_release(pair[i].s);
		CHECK_INT(proactor_socket_import(k->w.p,
		    proactor_handle_fd(fds[i]), kind, 0, &pair[i].s), 0);
		CHECK_INT(proactor_socket_query_local_address(pair[i].s,
		    &pair[i].address), 0);
		pair[i].work = k;
		pair[i].closing = pair[i].closed = false;
		CHECK_INT(pair[i].pending, 0);
	}
}

static void
end_closed(void *user_data, struct proactor_op *op, int status,
    unsigned int flags)
{
	struct end *end = user_data;

	CHECK(op == &end->close.base);
	CHECK_INT(flags, 0);
	CHECK(end->closing && !end->closed);
	if (status == PROACTOR_ECANCELED && end->work->over) {
		/* It had not begun; the reference has come back. */
		proactor_socket_release(end->s);
		end->closing = false;
		return;
	}
	CHECK_INT(status, 0);
	/* Those before it have all been called back. */
	CHECK_INT(end->pending, 0);
	end->closed = true;
	end->work->closes++;
}

void
work_close_end(struct work *k, struct end *end)
{
	if (end->closing)
		return;
	/* The close consumes this reference; the other one stays here. */
	CHECK(proactor_socket_retain(end->s) == end->s);
	proactor_socket_close_op_init(&end->close, end->s, end_closed, end);
	CHECK_INT(proactor_submit_one(k->w.p, &end->close.base), 0);
	end->closing = true;
}

/* --- the whole --- */

static void
take_message(void *user_data, struct proactor *p, uint64_t data)
{
	(void)user_data;
	(void)p;
	CHECK_INT(data, 1);
}

struct work *
work_open(const struct proactor_options *options, uint64_t salt)
{
	const char *text = getenv("PROACTOR_TEST_SEED");
	struct work *k = calloc(1, sizeof(*k));
	char path[PATH_ROOM];
	uint64_t seed;
	int fd, i;

	CHECK(k != NULL);
	seed = text != NULL ? strtoull(text, NULL, 0) :
	    (uint64_t)proactor_now();
	tap_diag("PROACTOR_TEST_SEED=%llu", (unsigned long long)seed);
	k->random = seed ^ salt;
	world_open(&k->w, options);
	CHECK_INT(proactor_set_message_callback(k->w.p, take_message, k), 0);
	for (i = 0; i < EVENTS; i++)
		CHECK_INT(proactor_event_create(k->w.p, &k->events[i]), 0);
	CHECK_INT(proactor_notification_create(k->w.p, &k->notification), 0);
	for (i = 0; i < SEMAPHORES; i++)
		CHECK_INT(proactor_semaphore_create(k->w.p, 0,
		    &k->semaphores[i]), 0);
	k->futexes = (proactor_query_capabilities(k->w.p) &
	    PROACTOR_CAP_FUTEX_OPERATIONS) != 0;
	for (i = 0; i < SOCKETS; i += 2)
		work_open_ends(k, &k->ends[i]);
	k->listener = listener_open(&k->w, PROACTOR_SOCKET_TCP, 0,
	    &k->address);
	fd = open(temp_path(path, "random"), O_RDWR | O_CREAT | O_CLOEXEC,
	    0600);
	CHECK(fd != -1);
	CHECK_INT(proactor_file_import(k->w.p, proactor_handle_fd(fd),
	    &k->file), 0);
	CHECK_INT(pipe2(k->fds, O_CLOEXEC | O_NONBLOCK), 0);
	for (i = 0; i < SLOTS; i++)
		work_init_slot(k, &k->slots[i],
		    (enum kind)(i / SLOTS_PER_KIND));
	return k;
}

void
work_close(struct work *k)
{
	int i;

	k->over = true;
	CHECK_INT(proactor_shutdown(k->w.p, patience()), 0);
	for (i = 0; i < SLOTS; i++)
		CHECK_INT(k->slots[i].finals, k->slots[i].submitted);
	CHECK_INT(k->finals, k->submits);
	tap_diag("%zu operations, %zu closes", k->submits, k->closes);
	for (i = 0; i < SOCKETS; i++) {
		CHECK_INT(k->ends[i].closing, k->ends[i].closed);
		proactor_socket_release(k->ends[i].s);
	}
	for (i = 0; i < EVENTS; i++)
		proactor_event_release(k->events[i]);
	for (i = 0; i < SEMAPHORES; i++)
		proactor_semaphore_release(k->semaphores[i]);
	proactor_notification_release(k->notification);
	proactor_socket_release(k->listener);
	proactor_file_release(k->file);
	close_fds(k->fds);
	world_close(&k->w);
	free(k);
}
