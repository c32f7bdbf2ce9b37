/* SPDX-License-Identifier: ISC */
/* Waiting for semaphores, and signalling them, as operations. */
#include "config.h"

#include <string.h>

#include "core/class.h"
#include "core/semaphore.h"

/* The library's part of a wait. */
struct wait_state {
	struct wait_set set;
	struct point points[PROACTOR_SEMAPHORE_MAX];
};
_Static_assert(sizeof(struct wait_state) <=
    sizeof(((struct proactor_semaphore_wait_op *)0)->opaque), "wait fits");

static struct proactor_semaphore_wait_op *
wait_of(struct proactor_op *op)
{
	return container_of(op, struct proactor_semaphore_wait_op, base);
}

static struct wait_state *
state_of(struct proactor_semaphore_wait_op *w)
{
	return (struct wait_state *)(void *)w->opaque;
}

static void
retain_all(struct proactor_semaphore *const *semaphores, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		proactor_semaphore_retain(semaphores[i]);
}

static void
release_all(struct proactor_semaphore *const *semaphores, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		proactor_semaphore_release(semaphores[i]);
}

static int
wait_check(struct proactor *p, struct proactor_op *op)
{
	struct proactor_semaphore_wait_op *w = wait_of(op);

	(void)p;
	return proactor__wait_check(w->wait_flags, w->semaphores, w->count,
	    PROACTOR_SEMAPHORE_MAX);
}

static void
wait_retain(struct proactor_op *op)
{
	retain_all(wait_of(op)->semaphores, wait_of(op)->count);
}

static void
wait_begin(struct proactor *p, struct proactor_op *op)
{
	struct proactor_semaphore_wait_op *w = wait_of(op);
	struct wait_state *ws = state_of(w);
	struct op_state *s = op_state(op);

	ws->set.kind = WAIT_OPERATION;
	s->stage = STAGE_EVENT;
	list_append(&p->loose, &s->link);
	if (proactor__wait_begin(&ws->set, ws->points, w->wait_flags,
	    w->semaphores, w->values, w->count)) {
		list_remove(&s->link);
		proactor__post(p, op, ws->set.status, 0);
	}
}

/*
 * Whoever has decided it says so by a letter, the owner too: he may be walking
 * the list that the operation is on.  A dead proactor abandons its operations
 * by itself.
 */
void
proactor__wait_op_decided(struct wait_set *set, struct wakeup *wake)
{
	struct wait_state *ws = container_of(set, struct wait_state, set);
	struct op_state *s = op_state(&container_of(ws,
	    struct proactor_semaphore_wait_op, opaque)->base);
	struct proactor *p;

	p = atomic_load_explicit(&s->p, memory_order_relaxed);
	if (atomic_load(&p->phase) == PHASE_DEAD)
		return;
	/* Until it is woken: the operation may be over before. */
	proactor__hold(p);
	wake->p = p;
	s->mail.kind = MAIL_DONE;
	mailbox_post(&p->mailbox, &s->mail);
}

/* The letter that says that it is decided. */
void
proactor__wait_op_mailed(struct proactor *p, struct proactor_op *op)
{
	list_remove(&op_state(op)->link);
	proactor__post(p, op, state_of(wait_of(op))->set.status, 0);
}

static void
wait_cancel(struct proactor *p, struct proactor_op *op)
{
	struct wait_state *ws = state_of(wait_of(op));

	/* Else the letter is on its way. */
	if (!proactor__wait_decide(&ws->set, 0, PROACTOR_ECANCELED))
		return;
	list_remove(&op_state(op)->link);
	proactor__post(p, op, PROACTOR_ECANCELED, 0);
}

static void
wait_abandon(struct proactor_op *op)
{
	struct proactor_semaphore_wait_op *w = wait_of(op);

	proactor__wait_end(state_of(w)->points, w->semaphores, w->count, true);
	release_all(w->semaphores, w->count);
}

static void
wait_leave(struct proactor *p, struct proactor_op *op)
{
	struct proactor_semaphore_wait_op *w = wait_of(op);
	struct wait_state *ws = state_of(w);

	(void)p;
	proactor__wait_end(ws->points, w->semaphores, w->count, false);
	w->index = ws->set.index;
	release_all(w->semaphores, w->count);
}

const struct op_class proactor__semaphore_wait_class = {
	.name = "semaphore wait",
	.size = sizeof(struct proactor_semaphore_wait_op),
	.check = wait_check,
	.retain = wait_retain,
	.begin = wait_begin,
	.cancel = wait_cancel,
	.abandon = wait_abandon,
	.leave = wait_leave,
};

static struct proactor_semaphore_signal_op *
signal_of(struct proactor_op *op)
{
	return container_of(op, struct proactor_semaphore_signal_op, base);
}

static int
signal_check(struct proactor *p, struct proactor_op *op)
{
	struct proactor_semaphore_signal_op *g = signal_of(op);

	(void)p;
	return proactor__wait_check(PROACTOR_WAIT_ALL, g->semaphores,
	    g->count, PROACTOR_SEMAPHORE_MAX);
}

static void
signal_retain(struct proactor_op *op)
{
	retain_all(signal_of(op)->semaphores, signal_of(op)->count);
}

static void
signal_begin(struct proactor *p, struct proactor_op *op)
{
	signal_of(op)->signaled = 0;
	proactor__post(p, op, 0, 0);
}

/* Timepoints are called back: in a poll, not in the submit. */
static int
signal_act(struct proactor_op *op)
{
	struct proactor_semaphore_signal_op *g = signal_of(op);
	int error = 0;

	while (error == 0 && g->signaled < g->count) {
		error = proactor_semaphore_signal(g->semaphores[g->signaled],
		    g->values[g->signaled]);
		if (error == 0)
			g->signaled++;
	}
	return error;
}

static void
signal_abandon(struct proactor_op *op)
{
	release_all(signal_of(op)->semaphores, signal_of(op)->count);
}

static void
signal_leave(struct proactor *p, struct proactor_op *op)
{
	(void)p;
	release_all(signal_of(op)->semaphores, signal_of(op)->count);
}

const struct op_class proactor__semaphore_signal_class = {
	.name = "semaphore signal",
	.size = sizeof(struct proactor_semaphore_signal_op),
	.check = signal_check,
	.retain = signal_retain,
	.begin = signal_begin,
	.act = signal_act,
	.abandon = signal_abandon,
	.leave = signal_leave,
};

/*
 * Copies what fits; a count that does not fit, or comes with no array, is kept
 * or made one that submit refuses.
 */
static size_t
copy(struct proactor_semaphore **to, uint64_t *to_values,
    struct proactor_semaphore *const *from, const uint64_t *values,
    size_t count)
{
	size_t n = count < PROACTOR_SEMAPHORE_MAX ? count :
	    PROACTOR_SEMAPHORE_MAX;

	if (from == NULL || values == NULL)
		return 0;
	memcpy(to, from, n * sizeof(*to));
	memcpy(to_values, values, n * sizeof(*to_values));
	return count;
}

void
proactor_semaphore_wait_op_init(struct proactor_semaphore_wait_op *op,
    unsigned int wait_flags, struct proactor_semaphore *const *semaphores,
    const uint64_t *values, size_t count, proactor_callback callback,
    void *user_data)
{
	if (op == NULL)
		return;
	memset(op, 0, sizeof(*op));
	proactor__op_init(&op->base, PROACTOR_OP_SEMAPHORE_WAIT, callback,
	    user_data);
	op->wait_flags = wait_flags;
	op->count = copy(op->semaphores, op->values, semaphores, values,
	    count);
}

void
proactor_semaphore_signal_op_init(struct proactor_semaphore_signal_op *op,
    struct proactor_semaphore *const *semaphores, const uint64_t *values,
    size_t count, proactor_callback callback, void *user_data)
{
	if (op == NULL)
		return;
	memset(op, 0, sizeof(*op));
	proactor__op_init(&op->base, PROACTOR_OP_SEMAPHORE_SIGNAL, callback,
	    user_data);
	op->count = copy(op->semaphores, op->values, semaphores, values,
	    count);
}
