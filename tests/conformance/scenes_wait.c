/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <fcntl.h>
#include <unistd.h>

#include "conformance/differential.h"

/* Scenes of waits: for notifications, for semaphores, and in vain. */

/* --- notifications: as many as a signal says, the first ones --- */

#define WAITS	6
#define SIGNALS	4

struct notes {
	struct proactor_notification *n;
	struct act waits[WAITS], signals[SIGNALS];
	unsigned int count, signal_count, signals_done;
	int32_t woken, gone_on;
};

/* Those that no signal has reached are canceled when the others are over. */
static void
cancel_rest(struct scene *scene)
{
	struct notes *n = scene->state;
	unsigned int i;

	if (n->signals_done == n->signal_count && n->gone_on == n->woken)
		for (i = (unsigned int)n->woken; i < n->count; i++)
			CHECK_INT(proactor_cancel(scene->w->p,
			    &n->waits[i].op.base), 0);
}

static void
notes_waited(struct act *act, int status, unsigned int flags)
{
	struct proactor_notification_wait_op *op = &act->op.notification_wait;
	struct notes *n = act->scene->state;

	CHECK_INT(flags, 0);
	note(act->scene, 0, "%u: %d", act->number, status);
	if (status != 0)
		return;
	CHECK(op->epoch != op->token);
	n->gone_on++;
	cancel_rest(act->scene);
}

static void
notes_signaled(struct act *act, int status, unsigned int flags)
{
	struct notes *n = act->scene->state;
	int32_t woken = act->op.notification_signal.woken;

	CHECK_INT(flags, 0);
	note(act->scene, 1, "signal %u: %d, woken %d", act->number, status,
	    (int)woken);
	n->woken += woken;
	n->signals_done++;
	if (act->number + 1 < n->signal_count)
		act_submit(&n->signals[act->number + 1]);
	cancel_rest(act->scene);
}

static void
notes_begin(struct scene *scene)
{
	struct notes *n = scene->state;
	struct act *batch[WAITS + 1];
	struct act *act;
	unsigned int i;

	CHECK_INT(proactor_notification_create(scene->w->p, &n->n), 0);
	n->count = 1 + pick(scene, WAITS);
	n->signal_count = 1 + pick(scene, SIGNALS);
	for (i = 0; i < n->count; i++) {
		batch[i] = act = &n->waits[i];
		act_init(act, scene, i, notes_waited);
		proactor_notification_wait_op_init(&act->op.notification_wait,
		    n->n, called_back, act);
	}
	for (i = 0; i < n->signal_count; i++) {
		act = &n->signals[i];
		act_init(act, scene, i, notes_signaled);
		proactor_notification_signal_op_init(
		    &act->op.notification_signal, n->n,
		    1 + (int32_t)pick(scene, 3), called_back, act);
	}
	batch[n->count] = &n->signals[0];
	if (pick(scene, 2) == 0) {
		act_submit_all(batch, n->count + 1);
		return;
	}
	act_submit_all(batch, n->count);
	maybe_poll(scene);
	act_submit(&n->signals[0]);
}

static void
notes_end(struct scene *scene)
{
	proactor_notification_release(((struct notes *)scene->state)->n);
}

const struct scene_kind notification_scene = {
	"notifications", sizeof(struct notes), notes_begin, notes_end
};

/* --- semaphores: reached one after the other, then they fail --- */

struct semaphores {
	struct proactor_semaphore *s[2];
	uint64_t values[2];
	struct act waits[WAITS], signals[SIGNALS];
	unsigned int waiting;		/* that were submitted */
	unsigned int signal_count;
	bool over[WAITS];
	int status[WAITS];
	unsigned int index[WAITS];
};

static void
semaphore_waited(struct act *act, int status, unsigned int flags)
{
	struct semaphores *m = act->scene->state;

	CHECK_INT(flags, 0);
	CHECK(!m->over[act->number]);
	m->over[act->number] = true;
	m->status[act->number] = status;
	m->index[act->number] = status == 0 && act->op.semaphore_wait.wait_flags
	    == PROACTOR_WAIT_ANY ? act->op.semaphore_wait.index : 0;
}

/* A wait for one or both, for values that may never be reached. */
static void
semaphore_wait(struct scene *scene)
{
	struct semaphores *m = scene->state;
	struct act *act = &m->waits[m->waiting];
	unsigned int first = pick(scene, 2), i;
	struct proactor_semaphore *both[2] = { m->s[first], m->s[1 - first] };
	uint64_t values[2];

	for (i = 0; i < 2; i++)
		values[i] = 1 + pick(scene, 12);
	act_init(act, scene, m->waiting++, semaphore_waited);
	proactor_semaphore_wait_op_init(&act->op.semaphore_wait,
	    pick(scene, 2) ? PROACTOR_WAIT_ALL : PROACTOR_WAIT_ANY, both,
	    values, 1 + pick(scene, 2), called_back, act);
	act_submit(act);
}

static void
semaphore_signaled(struct act *act, int status, unsigned int flags)
{
	struct semaphores *m = act->scene->state;

	CHECK_INT(flags, 0);
	note(act->scene, 1, "signal %u: %d, %zu", act->number, status,
	    act->op.semaphore_signal.signaled);
	if (m->waiting < WAITS)
		semaphore_wait(act->scene);
	if (act->number + 1 < m->signal_count)
		act_submit(&m->signals[act->number + 1]);
	else
		/* What waits by now waits for this. */
		CHECK_INT(proactor_semaphore_fail(m->s[0], PROACTOR_EIO), 0);
	if (act->number + 1 == m->signal_count)
		CHECK_INT(proactor_semaphore_fail(m->s[1], PROACTOR_EPIPE), 0);
}

static void
semaphore_begin(struct scene *scene)
{
	struct semaphores *m = scene->state;
	struct act *act;
	unsigned int i, which;

	for (i = 0; i < 2; i++)
		CHECK_INT(proactor_semaphore_create(scene->w->p, 0, &m->s[i]),
		    0);
	m->signal_count = 1 + pick(scene, SIGNALS);
	for (i = 0; i < m->signal_count; i++) {
		act = &m->signals[i];
		act_init(act, scene, i, semaphore_signaled);
		which = pick(scene, 2);
		/* Now and then one that is refused. */
		m->values[which] += pick(scene, 6);
		proactor_semaphore_signal_op_init(&act->op.semaphore_signal,
		    &m->s[which], &m->values[which], 1, called_back, act);
	}
	for (i = pick(scene, WAITS); i > 0; i--)
		semaphore_wait(scene);
	maybe_poll(scene);
	act_submit(&m->signals[0]);
}

static void
semaphore_end(struct scene *scene)
{
	struct semaphores *m = scene->state;
	unsigned int i;

	for (i = 0; i < m->waiting; i++)
		note(scene, 0, "%u: %d, index %u", i, m->status[i],
		    m->index[i]);
	for (i = 0; i < 2; i++)
		proactor_semaphore_release(m->s[i]);
}

const struct scene_kind semaphore_scene = {
	"semaphores", sizeof(struct semaphores), semaphore_begin, semaphore_end
};

/* --- what never happens, canceled or ended by a timeout --- */

#define NEVERS	8

struct cancels {
	struct pair pair;
	struct proactor_socket *listener;
	struct proactor_event *event;
	struct proactor_notification *notification;
	struct proactor_semaphore *semaphore;
	struct act acts[NEVERS], timeouts[NEVERS];
	int fds[2];
	char bytes[100];
};

static void
cancel_called(struct act *act, int status, unsigned int flags)
{
	CHECK_INT(flags, 0);
	note(act->scene, act->number, "%d", status);
	/* It is not in flight any more. */
	note(act->scene, act->number, "once more: %d",
	    proactor_cancel(act->scene->w->p, &act->op.base));
}

static void
cancel_open(struct scene *scene)
{
	struct proactor *p = scene->w->p;
	struct cancels *c = scene->state;
	struct proactor_address address;

	pair_open(scene->w, pick(scene, 2) ? PROACTOR_SOCKET_TCP :
	    PROACTOR_SOCKET_UNIX_STREAM, 0, &c->pair);
	c->listener = listener_open(scene->w, PROACTOR_SOCKET_TCP, 0,
	    &address);
	CHECK_INT(proactor_event_create(p, &c->event), 0);
	CHECK_INT(proactor_notification_create(p, &c->notification), 0);
	CHECK_INT(proactor_semaphore_create(p, 0, &c->semaphore), 0);
	CHECK_INT(pipe(c->fds), 0);
}

static void
cancel_init(struct scene *scene)
{
	static const uint64_t one = 1;
	struct cancels *c = scene->state;
	struct proactor_span span = proactor_span(c->bytes, sizeof(c->bytes));
	unsigned int i;

	for (i = 0; i < NEVERS; i++)
		act_init(&c->acts[i], scene, i, cancel_called);
	proactor_recv_op_init(&c->acts[0].op.recv, c->pair.a, &span, 1,
	    called_back, &c->acts[0]);
	proactor_recv_op_init(&c->acts[1].op.recv, c->pair.b, &span, 1,
	    called_back, &c->acts[1]);
	proactor_accept_op_init(&c->acts[2].op.accept, c->listener,
	    called_back, &c->acts[2]);
	proactor_handle_poll_op_init(&c->acts[3].op.poll,
	    proactor_handle_fd(c->fds[0]), PROACTOR_POLL_IN, called_back,
	    &c->acts[3]);
	proactor_event_wait_op_init(&c->acts[4].op.wait, c->event,
	    called_back, &c->acts[4]);
	proactor_timer_op_init(&c->acts[5].op.timer, PROACTOR_FOREVER,
	    called_back, &c->acts[5]);
	proactor_notification_wait_op_init(&c->acts[6].op.notification_wait,
	    c->notification, called_back, &c->acts[6]);
	proactor_semaphore_wait_op_init(&c->acts[7].op.semaphore_wait,
	    PROACTOR_WAIT_ALL, &c->semaphore, &one, 1, called_back,
	    &c->acts[7]);
}

static void
begin_canceled(struct scene *scene)
{
	struct cancels *c = scene->state;
	unsigned int i, first = pick(scene, NEVERS);

	c->acts[1].op.base.flags = PROACTOR_OP_MULTISHOT;
	if (pick(scene, 2))
		c->acts[2].op.base.flags = PROACTOR_OP_MULTISHOT;
	for (i = 0; i < NEVERS; i++) {
		CHECK_INT(proactor_cancel(scene->w->p, &c->acts[i].op.base),
		    PROACTOR_ENOENT);
		act_submit(&c->acts[i]);
		if (pick(scene, 3) == 0)
			maybe_poll(scene);
	}
	for (i = 0; i < NEVERS; i++)
		CHECK_INT(proactor_cancel(scene->w->p,
		    &c->acts[(first + i) % NEVERS].op.base), 0);
}

static void
begin_timed_out(struct scene *scene)
{
	struct cancels *c = scene->state;
	struct act *both[2];
	unsigned int i;

	for (i = 0; i < NEVERS; i++) {
		both[0] = &c->acts[i];
		both[1] = &c->timeouts[i];
		both[0]->op.base.flags = PROACTOR_OP_LINKED;
		act_init(both[1], scene, i, cancel_called);
		proactor_timeout_op_init(&both[1]->op.timeout,
		    proactor_deadline_after(pick(scene, 500000)), called_back,
		    both[1]);
		act_submit_all(both, 2);
		if (pick(scene, 3) == 0)
			maybe_poll(scene);
	}
}

static void
cancel_begin(struct scene *scene)
{
	cancel_open(scene);
	cancel_init(scene);
	if (pick(scene, 2))
		begin_canceled(scene);
	else
		begin_timed_out(scene);
}

static void
cancel_end(struct scene *scene)
{
	struct cancels *c = scene->state;

	close_fds(c->fds);
	proactor_event_release(c->event);
	proactor_notification_release(c->notification);
	proactor_semaphore_release(c->semaphore);
	proactor_socket_release(c->listener);
	proactor_socket_release(c->pair.a);
	proactor_socket_release(c->pair.b);
}

const struct scene_kind cancel_scene = {
	"cancels", sizeof(struct cancels), cancel_begin, cancel_end
};
