/* SPDX-License-Identifier: ISC */
/* Chains of a poll, a read that drains, and a write: each again when done. */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench/raw.h"

struct relay {
	int source;
	uint64_t drained;
};

struct relays {
	struct io_uring ring;
	struct relay *relays;
	uint64_t value, got;
	int sink;
};

/* The kernel tells its end only. */
static void
arm(struct relays *r, struct relay *relay)
{
	struct io_uring_sqe *sqe;

	/* A chain is not to be cut in two. */
	if (io_uring_sq_space_left(&r->ring) < 3)
		io_uring_submit(&r->ring);
	sqe = raw_sqe(&r->ring);
	io_uring_prep_poll_add(sqe, relay->source, POLLIN);
	io_uring_sqe_set_data(sqe, relay);
	sqe->flags |= IOSQE_IO_LINK | IOSQE_CQE_SKIP_SUCCESS;
	sqe = raw_sqe(&r->ring);
	io_uring_prep_read(sqe, relay->source, &relay->drained,
	    sizeof(relay->drained), 0);
	io_uring_sqe_set_data(sqe, relay);
	sqe->flags |= IOSQE_IO_LINK | IOSQE_CQE_SKIP_SUCCESS;
	sqe = raw_sqe(&r->ring);
	io_uring_prep_write(sqe, r->sink, &r->value, sizeof(r->value), 0);
	io_uring_sqe_set_data(sqe, relay);
}

/* A multishot poll of the sink, without an address. */
static void
watch(struct relays *r)
{
	struct io_uring_sqe *sqe;

	sqe = raw_sqe(&r->ring);
	io_uring_prep_poll_multishot(sqe, r->sink, POLLIN);
	io_uring_sqe_set_data(sqe, NULL);
}

static void
take(void *user, struct io_uring_cqe *cqe)
{
	struct relay *relay = io_uring_cqe_get_data(cqe);
	struct relays *r = user;
	uint64_t value;

	if (cqe->res < 0)
		die("a relay's chain", cqe->res);
	if (relay != NULL) {
		arm(r, relay);
		return;
	}
	if (read(r->sink, &value, sizeof(value)) == sizeof(value))
		r->got++;
	if (!(cqe->flags & IORING_CQE_F_MORE))
		watch(r);
}

static void
fire(struct relays *r, struct relay *relay)
{
	uint64_t next = r->got + 1, value = 1;

	if (write(relay->source, &value, sizeof(value)) != sizeof(value))
		die("write", -errno);
	while (r->got < next) {
		raw_turn(&r->ring, 1);
		raw_reap(&r->ring, take, r);
	}
}

void
raw_relay(struct run *run)
{
	struct relays r = { .value = 1, .sink = net_event() };
	uint64_t i;

	net_more_files();
	raw_ring_init(&r.ring, 256);
	watch(&r);
	r.relays = allocate(run->size + 1, sizeof(*r.relays));
	for (i = 0; i <= run->size; i++) {
		r.relays[i].source = net_event();
		arm(&r, &r.relays[i]);
	}
	for (i = 0; i < run->warm_up + run->operations; i++) {
		if (i == run->warm_up)
			run_begin(run);
		fire(&r, &r.relays[run->size]);
	}
	run_end(run, run->operations);
	io_uring_queue_exit(&r.ring);
	for (i = 0; i <= run->size; i++)
		close(r.relays[i].source);
	close(r.sink);
	free(r.relays);
}
