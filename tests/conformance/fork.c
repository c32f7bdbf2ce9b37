/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <sys/eventfd.h>
#include <sys/wait.h>

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conformance/conformance.h"

/* After fork(): the child is told, the parent does not notice. */

/* What parent and child both have. */
struct legacy {
	struct world w;
	struct proactor_event *event;
	struct proactor_socket *s;
	int peer;
	struct proactor_recv_op recv;
	struct proactor_timer_op timer;
	struct proactor_event_wait_op wait;
	char bytes[16];
};

static void
legacy_open(struct legacy *l)
{
	struct proactor_span span = proactor_span(l->bytes, sizeof(l->bytes));

	world_open(&l->w, NULL);
	CHECK_INT(proactor_event_create(l->w.p, &l->event), 0);
	l->s = half_pair(&l->w, PROACTOR_SOCKET_TCP, 0, &l->peer);
	proactor_recv_op_init(&l->recv, l->s, &span, 1, record, &l->w.r);
	proactor_timer_op_init(&l->timer, PROACTOR_FOREVER, record, &l->w.r);
	proactor_event_wait_op_init(&l->wait, l->event, record, &l->w.r);
	CHECK_INT(proactor_submit_one(l->w.p, &l->recv.base), 0);
	CHECK_INT(proactor_submit_one(l->w.p, &l->timer.base), 0);
	CHECK_INT(proactor_submit_one(l->w.p, &l->wait.base), 0);
	CHECK(poll_quiet(&l->w));
}

/* All that was in flight still is, and completes as it should. */
static void
legacy_close(struct legacy *l)
{
	CHECK_INT(l->w.r.calls, 0);
	CHECK(poll_quiet(&l->w));
	fd_write_all(l->peer, "still here", 10);
	CHECK_INT(proactor_event_set(l->event), 0);
	CHECK_INT(proactor_cancel(l->w.p, &l->timer.base), 0);
	CHECK(poll_until(&l->w, &l->w.r.finals, 3));
	CHECK_INT(status_of(&l->w.r, &l->recv), 0);
	CHECK_MEM(l->bytes, "still here", 10);
	CHECK_INT(status_of(&l->w.r, &l->wait), 0);
	CHECK_INT(status_of(&l->w.r, &l->timer), PROACTOR_ECANCELED);
	CHECK_INT(close_socket(&l->w, l->s), 0);
	CHECK_INT(close(l->peer), 0);
	proactor_event_release(l->event);
	world_close(&l->w);
}

/* Runs fn in a child, which must leave by itself with status 0. */
static void
in_child(void (*fn)(struct legacy *), struct legacy *l)
{
	pid_t child, found;
	int status;

	child = fork();
	CHECK(child != -1);
	if (child == 0) {
		fn(l);
		_exit(0);
	}
	do
		found = waitpid(child, &status, 0);
	while (found == -1 && errno == EINTR);
	CHECK_INT(found, child);
	CHECK_INT(status, 0);
}

static void
child_uses(struct legacy *l)
{
	struct proactor *p = l->w.p;
	struct proactor_nop_op nop;
	size_t completed = 4711;

	proactor_nop_op_init(&nop, record, &l->w.r);
	CHECK_INT(proactor_submit_one(p, &nop.base), PROACTOR_ECHILD);
	CHECK_INT(proactor_poll(p, PROACTOR_IMMEDIATE, &completed),
	    PROACTOR_ECHILD);
	CHECK_INT(proactor_poll(p, PROACTOR_FOREVER, &completed),
	    PROACTOR_ECHILD);
	CHECK_INT(completed, 4711);
	CHECK_INT(proactor_wake(p), PROACTOR_ECHILD);
	CHECK_INT(proactor_flush(p), PROACTOR_ECHILD);
	CHECK_INT(proactor_cancel(p, &l->timer.base), PROACTOR_ECHILD);
	CHECK_INT(proactor_shutdown(p, PROACTOR_IMMEDIATE), PROACTOR_ECHILD);
	CHECK_INT(proactor_send_message(p, 1), PROACTOR_ECHILD);
	CHECK_INT(proactor_event_set(l->event), PROACTOR_ECHILD);
	CHECK_INT(l->w.r.calls, 0);
}

static void
child_makes(struct legacy *l)
{
	struct proactor *p = l->w.p;
	struct proactor_event_source *source = NULL;
	struct proactor_thread *thread = NULL;
	struct proactor_event *event = NULL;
	struct proactor_socket *s = NULL;
	struct proactor_file *file = NULL;
	struct proactor_handle handle;

	handle = proactor_handle_fd(eventfd(0, EFD_CLOEXEC));
	CHECK(handle.u.fd != -1);
	CHECK_INT(proactor_event_create(p, &event), PROACTOR_ECHILD);
	CHECK_INT(proactor_socket_create(p, PROACTOR_SOCKET_TCP, 0, &s),
	    PROACTOR_ECHILD);
	CHECK_INT(proactor_socket_import(p, handle, PROACTOR_SOCKET_TCP, 0,
	    &s), PROACTOR_ECHILD);
	CHECK_INT(proactor_file_import(p, handle, &file), PROACTOR_ECHILD);
	CHECK_INT(proactor_register_event_source(p, handle,
	    (proactor_event_source_fn)(void (*)(void))record, NULL, &source),
	    PROACTOR_ECHILD);
	CHECK_INT(proactor_thread_create(p, NULL, &thread), PROACTOR_ECHILD);
	CHECK(event == NULL && s == NULL && file == NULL && source == NULL &&
	    thread == NULL);
	CHECK_INT(proactor_handle_close(handle), 0);
}

static void
child_releases(struct legacy *l)
{
	proactor_release(l->w.p);
	CHECK_INT(l->w.r.calls, 0);
}

static void
child_releases_all(struct legacy *l)
{
	proactor_event_release(l->event);
	proactor_socket_release(l->s);
	proactor_release(l->w.p);
	CHECK_INT(l->w.r.calls, 0);
	/* The connection is the parent's as much as it was. */
	CHECK_INT(close(l->peer), 0);
}

static void
child_has_its_own(struct legacy *l)
{
	struct world mine;
	struct proactor_nop_op nop;
	struct pair pair;

	world_open(&mine, NULL);
	proactor_nop_op_init(&nop, record, &mine.r);
	CHECK_INT(run_one(&mine, &nop.base), 0);
	pair_open(&mine, PROACTOR_SOCKET_UNIX_STREAM, 0, &pair);
	pair_close(&mine, &pair);
	CHECK_INT(proactor_poll(l->w.p, PROACTOR_IMMEDIATE, NULL),
	    PROACTOR_ECHILD);
	world_close(&mine);
}

static void
grandchild(struct legacy *l)
{
	in_child(child_uses, l);
	in_child(child_has_its_own, l);
	in_child(child_releases, l);
}

static void
run(void (*fn)(struct legacy *))
{
	static struct legacy l;

	legacy_open(&l);
	in_child(fn, &l);
	legacy_close(&l);
}

static void
uses(void)
{
	run(child_uses);
}

static void
makes(void)
{
	run(child_makes);
}

static void
releases(void)
{
	run(child_releases);
}

static void
releases_all(void)
{
	run(child_releases_all);
}

static void
has_its_own(void)
{
	run(child_has_its_own);
}

static void
has_children(void)
{
	run(grandchild);
}

struct spoiled {
	_Alignas(max_align_t) size_t size;
};

/* Memory that was freed is overwritten, and what is left is counted. */
static void *
spoiling_realloc(void *user_data, void *memory, size_t size)
{
	long *live = user_data;
	struct spoiled *block = NULL;
	size_t before = 0;

	if (memory != NULL) {
		block = (struct spoiled *)memory - 1;
		before = block->size;
	}
	if (size == 0) {
		*live -= memory != NULL;
		if (memory != NULL)
			memset(memory, 0xa5, before);
		free(block);
		return NULL;
	}
	block = realloc(block, sizeof(*block) + size);
	if (block == NULL)
		return NULL;
	block->size = size;
	*live += memory == NULL;
	return block + 1;
}

/* The child releases the proactor before what was made of it. */
static void
releases_it_first(void)
{
	struct proactor_notification *n;
	struct proactor_semaphore *semaphore;
	struct proactor_options o;
	struct proactor_event *event;
	struct proactor_socket *s;
	long live = 0;
	struct world w;
	pid_t child;
	int status;

	world_options(&o);
	o.realloc_fn = spoiling_realloc;
	o.realloc_data = &live;
	world_open(&w, &o);
	poll_barrier(&w);
	CHECK_INT(proactor_event_create(w.p, &event), 0);
	CHECK_INT(proactor_notification_create(w.p, &n), 0);
	CHECK_INT(proactor_semaphore_create(w.p, 0, &semaphore), 0);
	CHECK_INT(proactor_socket_create(w.p, PROACTOR_SOCKET_TCP, 0, &s), 0);
	child = fork();
	CHECK(child != -1);
	if (child == 0) {
		proactor_release(w.p);
		CHECK_INT(proactor_event_set(event), PROACTOR_ECHILD);
		CHECK_INT(proactor_semaphore_signal(semaphore, 1),
		    PROACTOR_ECHILD);
		proactor_event_release(event);
		proactor_notification_release(n);
		proactor_semaphore_release(semaphore);
		proactor_socket_release(s);
		CHECK_INT(live, 0);
		_exit(0);
	}
	CHECK_INT(waitpid(child, &status, 0), child);
	CHECK_INT(status, 0);
	proactor_event_release(event);
	proactor_notification_release(n);
	proactor_semaphore_release(semaphore);
	proactor_socket_release(s);
	world_close(&w);
	CHECK_INT(live, 0);
}

/* Created, and not yet polled by anybody. */
static void
before_first_poll(void)
{
	struct proactor_nop_op nop;
	static struct legacy l;

	world_open(&l.w, NULL);
	CHECK_INT(proactor_event_create(l.w.p, &l.event), 0);
	proactor_timer_op_init(&l.timer, PROACTOR_FOREVER, record, &l.w.r);
	CHECK_INT(proactor_submit_one(l.w.p, &l.timer.base), 0);
	in_child(child_uses, &l);
	in_child(child_releases, &l);
	proactor_nop_op_init(&nop, record, &l.w.r);
	CHECK_INT(run_one(&l.w, &nop.base), 0);
	proactor_event_release(l.event);
	world_close(&l.w);
}

struct forker {
	struct legacy *l;
	size_t calls;
};

static void
fork_in_callback(void *user_data, struct proactor_op *op, int status,
    unsigned int flags)
{
	struct forker *f = user_data;

	(void)op;
	(void)flags;
	CHECK_INT(status, 0);
	in_child(child_uses, f->l);
	in_child(child_releases, f->l);
	f->calls++;
}

static void
in_a_callback(void)
{
	static struct legacy l;
	struct forker f = { .l = &l };
	struct proactor_nop_op nop;

	legacy_open(&l);
	proactor_nop_op_init(&nop, fork_in_callback, &f);
	CHECK_INT(proactor_submit_one(l.w.p, &nop.base), 0);
	CHECK(poll_until(&l.w, &f.calls, 1));
	legacy_close(&l);
}

const struct tap_case fork_cases[] = {
	{ "fork: whatever the child asks of it is ECHILD", uses },
	{ "fork: nothing can be made from it in the child", makes },
	{ "fork: release in the child leaves the parent alone", releases },
	{ "fork: release of all it has leaves the parent alone",
	    releases_all },
	{ "fork: the child may release it before what was made of it",
	    releases_it_first },
	{ "fork: the child may create one of its own", has_its_own },
	{ "fork: a grandchild is a child as well", has_children },
	{ "fork: before the first poll as well", before_first_poll },
	{ "fork: in a callback as well", in_a_callback },
	{ NULL, NULL }
};
