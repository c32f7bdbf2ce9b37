/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <fcntl.h>
#include <unistd.h>

#include "conformance/chain.h"

void
link_up(struct proactor_op **ops, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (i + 1 < count)
			ops[i]->flags |= PROACTOR_OP_LINKED;
		else
			ops[i]->flags &= ~PROACTOR_OP_LINKED;
	}
}

void
submit_chain(struct world *w, struct proactor_op **ops, size_t count)
{
	link_up(ops, count);
	CHECK_INT(proactor_submit(w->p, ops, count), 0);
}

/* Called back once each, in order, with these statuses. */
static void
check_chain(const struct recorder *r, struct proactor_op *const *ops,
    const int *statuses, size_t count)
{
	size_t i, last = 0, place;

	for (i = 0; i < count; i++) {
		CHECK_INT(calls_of(r, ops[i]), 1);
		if (status_of(r, ops[i]) != statuses[i])
			FAIL("member %zu: %s, wanted %s", i,
			    proactor_errname(status_of(r, ops[i])),
			    proactor_errname(statuses[i]));
		place = place_of(r, ops[i]);
		if (i > 0 && place <= last)
			FAIL("member %zu came before the one before it", i);
		last = place;
	}
}

void
check_failed_at(const struct recorder *r, struct proactor_op *const *ops,
    size_t count, size_t place, int status)
{
	int statuses[LONGEST];
	size_t i;

	for (i = 0; i < count; i++)
		statuses[i] = i < place ? 0 :
		    i == place ? status : PROACTOR_ECANCELED;
	check_chain(r, ops, statuses, count);
}

void
check_all_good(const struct recorder *r, struct proactor_op *const *ops,
    size_t count)
{
	check_failed_at(r, ops, count, count, 0);
}

void
nop_init(struct proactor_nop_op *op, struct world *w)
{
	proactor_nop_op_init(op, record, &w->r);
}

void
send_init(struct proactor_send_op *op, struct world *w,
    struct proactor_socket *s, const void *memory, size_t length)
{
	struct proactor_span span = proactor_span(memory, length);

	proactor_send_op_init(op, s, &span, 1, 0, record, &w->r);
}

void
recv_init(struct proactor_recv_op *op, struct world *w,
    struct proactor_socket *s, void *memory, size_t length)
{
	struct proactor_span span = proactor_span(memory, length);

	proactor_recv_op_init(op, s, &span, 1, record, &w->r);
}

struct proactor_file *
file_open(struct world *w, unsigned int flags)
{
	struct proactor_file_open_op op;
	char path[PATH_ROOM];
	int fd;

	fd = open(temp_path(path, "f"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	CHECK(fd != -1);
	close(fd);
	proactor_file_open_op_init(&op, path, flags, 0, record, &w->r);
	CHECK_INT(run_one(w, &op.base), 0);
	recorder_clear(&w->r);
	return op.file;
}
