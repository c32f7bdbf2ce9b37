/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/eventfd.h>
#endif

#include "conformance/relay.h"

/* The ends of relays. */

void
end_open(struct world *w, struct relay_end *e, bool handle)
{
#ifndef __linux__
	int fds[2];
#endif

	memset(e, 0, sizeof(*e));
	e->read_fd = e->write_fd = -1;
	if (!handle) {
		CHECK_INT(proactor_notification_create(w->p, &e->n), 0);
		return;
	}
#ifdef __linux__
	e->read_fd = e->write_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	CHECK(e->read_fd >= 0);
#else
	CHECK_INT(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
	e->read_fd = fds[0];
	e->write_fd = fds[1];
#endif
}

void
end_close(struct relay_end *e)
{
	proactor_notification_release(e->n);
	if (e->write_fd >= 0 && e->write_fd != e->read_fd)
		CHECK_INT(close(e->write_fd), 0);
	if (e->read_fd >= 0)
		CHECK_INT(close(e->read_fd), 0);
}

void
end_touch(struct relay_end *e)
{
	const uint64_t one = 1;

	if (e->n != NULL)
		CHECK_INT(proactor_notification_signal(e->n, INT32_MAX), 0);
	else
		CHECK_INT(write(e->write_fd, &one, sizeof(one)), sizeof(one));
}

uint64_t
end_count(struct relay_end *e)
{
	uint64_t value, sum = 0;
	uint32_t epoch;

	if (e->n != NULL) {
		epoch = proactor_notification_query_epoch(e->n);
		/* Relays in the kernel count in the upper byte. */
		sum = (epoch - e->seen) >> 24;
		sum += (epoch - e->seen) & 0xffffff;
		e->seen = epoch;
		return sum;
	}
	while (read(e->read_fd, &value, sizeof(value)) == sizeof(value))
		sum += value;
	CHECK_INT(errno, EAGAIN);
	return sum;
}

uint64_t
end_wait(struct world *w, struct relay_end *e)
{
	int64_t deadline = patience();
	uint64_t sum;

	while ((sum = end_count(e)) == 0) {
		CHECK(proactor_now() < deadline);
		(void)proactor_poll(w->p, proactor_deadline_after(1000000),
		    NULL);
	}
	return sum;
}

void
end_quiet(struct world *w, struct relay_end *e)
{
	CHECK(poll_quiet(w));
	CHECK_INT(end_count(e), 0);
}

static void
count_error(void *user_data, struct proactor_relay *relay, int status)
{
	struct relay *r = user_data;

	CHECK(r->relay == NULL || relay == r->relay);
	CHECK(status < 0);
	r->errors++;
	r->status = status;
}

void
relay_prepare(struct world *w, struct relay *r, int kind, unsigned int flags)
{
	memset(r, 0, sizeof(*r));
	r->w = w;
	end_open(w, &r->from, !(kind & 1));
	end_open(w, &r->to, !(kind & 2));
	proactor_relay_options_init(&r->o);
	r->o.flags = flags;
	if (kind & 1)
		r->o.source = r->from.n;
	else
		r->o.source_handle = proactor_handle_fd(r->from.read_fd);
	if (kind & 2)
		r->o.sink = r->to.n;
	else
		r->o.sink_handle = proactor_handle_fd(r->to.write_fd);
	r->o.error_fn = count_error;
	r->o.user_data = r;
}

void
relay_register(struct relay *r)
{
	CHECK_INT(proactor_register_relay(r->w->p, &r->o, &r->relay), 0);
}

void
relay_open(struct world *w, struct relay *r, int kind, unsigned int flags)
{
	relay_prepare(w, r, kind, flags);
	relay_register(r);
}

void
relay_close(struct relay *r)
{
	if (r->relay != NULL)
		CHECK_INT(proactor_unregister_relay(r->w->p, r->relay), 0);
	CHECK_INT(r->errors, 0);
	end_close(&r->from);
	end_close(&r->to);
}
