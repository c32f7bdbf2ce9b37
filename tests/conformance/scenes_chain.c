/* SPDX-License-Identifier: ISC */
#include "config.h"

#include <fcntl.h>
#include <unistd.h>

#include "conformance/differential.h"

/* Operations one after the other: linked, or as the steps of a sequence. */

#define MEMBERS	10

struct chain {
	struct pair pair;
	struct proactor_file *file, *read_only;
	struct proactor_event_pool events;
	struct proactor_event *event[MEMBERS];
	struct proactor_notification *notification;
	struct proactor_semaphore *semaphores[2];	/* 1: at 0 for ever */
	uint64_t value;		/* of the first, when a member is there */
	uint32_t token;
	struct act acts[MEMBERS];
	struct act loose[2];
	struct act sequence;
	struct proactor_op *steps[MEMBERS];
	struct proactor_nop_op inner[MEMBERS][2];	/* steps of members */
	struct proactor_op *inner_steps[MEMBERS][2];
	char bytes[MEMBERS][100];
	char missing[PATH_ROOM];
	size_t sent, received;	/* if none fails */
	int fds[2];
};

/* What it tells beside its status, that is the same everywhere. */
static size_t
result_of(const struct act *act)
{
	switch (act->op.base.type) {
	case PROACTOR_OP_RECV:
		return act->op.recv.bytes;
	case PROACTOR_OP_SEND:
		return act->op.send.bytes;
	case PROACTOR_OP_FILE_READ:
		return act->op.read.bytes;
	case PROACTOR_OP_FILE_WRITE:
		return act->op.write.bytes;
	case PROACTOR_OP_SEMAPHORE_WAIT:
		return act->op.semaphore_wait.index;
	case PROACTOR_OP_SEMAPHORE_SIGNAL:
		return act->op.semaphore_signal.signaled;
	case PROACTOR_OP_NOTIFICATION_SIGNAL:
		return (size_t)act->op.notification_signal.woken;
	case PROACTOR_OP_SEQUENCE:
		return act->op.sequence.completed;
	default:
		return 0;
	}
}

static void
member_called(struct act *act, int status, unsigned int flags)
{
	struct chain *c = act->scene->state;
	size_t result = status == 0 ? result_of(act) : 0;
	bool in = act->op.base.type == PROACTOR_OP_RECV ||
	    act->op.base.type == PROACTOR_OP_FILE_READ;

	CHECK_INT(flags, 0);
	note(act->scene, 0, "%u, %s: %d, %zu, sum %016llx", act->number,
	    proactor_op_name(act->op.base.type), status, result,
	    (unsigned long long)sum_bytes(0, c->bytes[act->number],
	    in ? result : 0));
	if (act->op.base.type == PROACTOR_OP_MESSAGE && status == 0)
		message_sent(act->scene);
}

static void
loose_called(struct act *act, int status, unsigned int flags)
{
	CHECK_INT(flags, 0);
	note(act->scene, 1 + act->number, "loose: %d", status);
}

/* --- members that can start as soon as their turn has come --- */

static void
draw_bytes(struct scene *scene, struct act *act)
{
	struct chain *c = scene->state;
	unsigned int i = act->number;
	struct proactor_span span = proactor_span(c->bytes[i],
	    1 + pick(scene, (unsigned int)sizeof(c->bytes[0])));
	size_t there = c->sent - c->received;

	fill(c->bytes[i], sizeof(c->bytes[i]), i);
	switch (pick(scene, 4)) {
	case 0:
		proactor_file_read_op_init(&act->op.read, c->file,
		    pick(scene, 200), span, called_back, act);
		return;
	case 1:
		proactor_file_write_op_init(&act->op.write, c->file,
		    pick(scene, 200), span, called_back, act);
		return;
	case 2:
		/* Only what is there by then, or it would wait for ever. */
		if (there == 0)
			break;
		proactor_recv_op_init(&act->op.recv, c->pair.b, &span, 1,
		    called_back, act);
		c->received += span.length < there ? span.length : there;
		return;
	}
	proactor_send_op_init(&act->op.send, c->pair.a, &span, 1, 0,
	    called_back, act);
	c->sent += span.length;
}

static void
draw_waiting(struct scene *scene, struct act *act)
{
	struct chain *c = scene->state;
	unsigned int i = act->number, other = pick(scene, 2);
	struct proactor_semaphore *both[2];
	uint64_t values[2];

	switch (pick(scene, 4)) {
	case 0:
		proactor_timer_op_init(&act->op.timer,
		    proactor_deadline_after(pick(scene, 200000)), called_back,
		    act);
		break;
	case 1:
		CHECK_INT(proactor_event_pool_acquire(&c->events,
		    &c->event[i]), 0);
		CHECK_INT(proactor_event_set(c->event[i]), 0);
		proactor_event_wait_op_init(&act->op.wait, c->event[i],
		    called_back, act);
		break;
	case 2:
		proactor_notification_wait_op_init(&act->op.notification_wait,
		    c->notification, called_back, act);
		act->op.notification_wait.wait_flags =
		    PROACTOR_NOTIFICATION_TOKEN;
		act->op.notification_wait.token = c->token;
		break;
	default:
		both[other] = c->semaphores[1];
		values[other] = 1;
		both[1 - other] = c->semaphores[0];
		values[1 - other] = c->value;
		proactor_semaphore_wait_op_init(&act->op.semaphore_wait,
		    PROACTOR_WAIT_ANY, both, values, 2, called_back, act);
		break;
	}
}

static void
draw_telling(struct scene *scene, struct act *act)
{
	struct chain *c = scene->state;

	switch (pick(scene, 3)) {
	case 0:
		proactor_notification_signal_op_init(
		    &act->op.notification_signal, c->notification, 1,
		    called_back, act);
		break;
	case 1:
		c->value += 1 + pick(scene, 5);
		proactor_semaphore_signal_op_init(&act->op.semaphore_signal,
		    c->semaphores, &c->value, 1, called_back, act);
		break;
	default:
		proactor_message_op_init(&act->op.message, scene->w->p,
		    (uintptr_t)act, 0, called_back, act);
		break;
	}
}

static void
draw_inner(struct scene *scene, struct act *act)
{
	struct chain *c = scene->state;
	unsigned int i = act->number, j;

	for (j = 0; j < 2; j++) {
		proactor_nop_op_init(&c->inner[i][j], NULL, NULL);
		c->inner_steps[i][j] = &c->inner[i][j].base;
	}
	proactor_sequence_op_init(&act->op.sequence, c->inner_steps[i],
	    pick(scene, 3), NULL, called_back, act);
}

static void
draw_member(struct scene *scene, struct act *act)
{
	struct chain *c = scene->state;

	switch (pick(scene, 10)) {
	case 0:
		proactor_handle_poll_op_init(&act->op.poll,
		    proactor_handle_fd(c->fds[1]), PROACTOR_POLL_OUT,
		    called_back, act);
		break;
	case 1:
		draw_inner(scene, act);
		break;
	case 2:
		proactor_nop_op_init(&act->op.nop, called_back, act);
		break;
	case 3:
	case 4:
		draw_waiting(scene, act);
		break;
	case 5:
	case 6:
		draw_telling(scene, act);
		break;
	default:
		draw_bytes(scene, act);
		break;
	}
}

/* --- members that fail --- */

static void
draw_failing(struct scene *scene, struct act *act)
{
	static const uint64_t zero = 0;
	struct chain *c = scene->state;
	struct proactor_span span = proactor_span(c->bytes[act->number], 10);
	struct proactor_address address;

	switch (pick(scene, 5)) {
	case 0:
		proactor_file_write_op_init(&act->op.write, c->read_only, 0,
		    span, called_back, act);
		break;
	case 1:
		proactor_file_open_op_init(&act->op.open,
		    temp_path(c->missing, "m"), PROACTOR_FILE_READ, 0,
		    called_back, act);
		break;
	case 2:
		/* It is there already. */
		proactor_semaphore_signal_op_init(&act->op.semaphore_signal,
		    c->semaphores, &zero, 1, called_back, act);
		break;
	case 3:
		/* Nobody sends; a timeout comes next. */
		proactor_recv_op_init(&act->op.recv, c->pair.a, &span, 1,
		    called_back, act);
		break;
	default:
		/* It is connected. */
		CHECK_INT(proactor_socket_query_local_address(c->pair.b,
		    &address), 0);
		proactor_connect_op_init(&act->op.connect, c->pair.b, &address,
		    called_back, act);
		break;
	}
}

/* A deadline that ends what waits for ever, or that never comes. */
static void
draw_timeout(struct scene *scene, struct act *act, const struct act *before)
{
	bool ends = before->op.base.type == PROACTOR_OP_RECV &&
	    before->op.recv.socket ==
	    ((struct chain *)scene->state)->pair.a;

	proactor_timeout_op_init(&act->op.timeout, ends ?
	    proactor_deadline_after(pick(scene, 300000)) : PROACTOR_FOREVER,
	    called_back, act);
}

/* --- the whole --- */

static void
chain_open(struct scene *scene)
{
	struct proactor *p = scene->w->p;
	struct chain *c = scene->state;
	char path[PATH_ROOM];
	int fd, i;

	pair_open(scene->w, PROACTOR_SOCKET_UNIX_STREAM, 0, &c->pair);
	CHECK_INT(pipe(c->fds), 0);
	temp_path(path, "c");
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	CHECK(fd != -1);
	CHECK_INT(pwrite(fd, "0123456789", 10, 140), 10);
	CHECK_INT(proactor_file_import(p, proactor_handle_fd(fd), &c->file),
	    0);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	CHECK(fd != -1);
	CHECK_INT(proactor_file_import(p, proactor_handle_fd(fd),
	    &c->read_only), 0);
	CHECK_INT(unlink(path), 0);
	CHECK_INT(proactor_event_pool_init(p, &c->events, MEMBERS), 0);
	for (i = 0; i < 2; i++)
		CHECK_INT(proactor_semaphore_create(p, 0, &c->semaphores[i]),
		    0);
	CHECK_INT(proactor_notification_create(p, &c->notification), 0);
	c->token = proactor_notification_query_epoch(c->notification);
	CHECK_INT(proactor_notification_signal(c->notification, INT32_MAX),
	    0);
}

/* Draws count members at the least; how many they are. */
static unsigned int
draw_members(struct scene *scene)
{
	struct chain *c = scene->state;
	unsigned int i, count = 2 + pick(scene, MEMBERS - 2);
	unsigned int failing = pick(scene, 2 * MEMBERS);
	struct act *act;

	for (i = 0; i < count; i++) {
		act = &c->acts[i];
		act_init(act, scene, i, member_called);
		if (i == failing)
			draw_failing(scene, act);
		else
			draw_member(scene, act);
		if (pick(scene, 4) != 0 && (i != failing ||
		    act->op.base.type != PROACTOR_OP_RECV))
			continue;
		i++;
		act_init(&c->acts[i], scene, i, member_called);
		draw_timeout(scene, &c->acts[i], act);
	}
	return i;
}

static void
chain_begin(struct scene *scene)
{
	struct chain *c = scene->state;
	struct act *batch[MEMBERS + 2];
	unsigned int i, n = 0, count;

	chain_open(scene);
	for (i = 0; i < 2; i++) {
		act_init(&c->loose[i], scene, i, loose_called);
		proactor_nop_op_init(&c->loose[i].op.nop, called_back,
		    &c->loose[i]);
	}
	count = draw_members(scene);
	batch[n++] = &c->loose[0];
	for (i = 0; i < count; i++) {
		if (i + 1 < count)
			c->acts[i].op.base.flags |= PROACTOR_OP_LINKED;
		batch[n++] = &c->acts[i];
	}
	batch[n++] = &c->loose[1];
	act_submit_all(batch, n);
	maybe_poll(scene);
}

static int
step(void *user_data, struct proactor_sequence_op *sequence, size_t index,
    struct proactor_op *next)
{
	struct act *act = user_data;

	note(act->scene, 0, "after %zu comes %s", index,
	    proactor_op_name(next->type));
	CHECK(sequence == &act->op.sequence);
	return act->number != 0 && act->number == index ? PROACTOR_EIO : 0;
}

static void
sequence_called(struct act *act, int status, unsigned int flags)
{
	CHECK_INT(flags, 0);
	note(act->scene, 0, "sequence: %d, %zu well", status,
	    act->op.sequence.completed);
}

static void
sequence_begin(struct scene *scene)
{
	struct chain *c = scene->state;
	struct act *act = &c->sequence;
	unsigned int i, count;

	chain_open(scene);
	count = draw_members(scene);
	for (i = 0; i < count; i++) {
		c->steps[i] = &c->acts[i].op.base;
		/* Without one, the kernel may keep it to itself. */
		if (pick(scene, 3) == 0 &&
		    c->steps[i]->type != PROACTOR_OP_MESSAGE)
			c->steps[i]->callback = NULL;
		else
			scene->pending++;
	}
	/* The number is the step after which the step function fails. */
	act_init(act, scene, pick(scene, 2 * MEMBERS), sequence_called);
	proactor_sequence_op_init(&act->op.sequence, c->steps, count,
	    pick(scene, 2) ? step : NULL, called_back, act);
	act_submit(act);
	maybe_poll(scene);
}

static void
chain_end(struct scene *scene)
{
	struct chain *c = scene->state;
	uint64_t value;
	unsigned int i;

	CHECK_INT(proactor_semaphore_query(c->semaphores[0], &value), 0);
	note(scene, 0, "value %llu, epoch %u", (unsigned long long)value,
	    proactor_notification_query_epoch(c->notification) - c->token);
	for (i = 0; i < MEMBERS; i++)
		if (c->event[i] != NULL)
			CHECK_INT(proactor_event_pool_release(&c->events,
			    c->event[i]), 0);
	CHECK_INT(proactor_event_pool_deinit(&c->events), 0);
	for (i = 0; i < 2; i++)
		proactor_semaphore_release(c->semaphores[i]);
	proactor_notification_release(c->notification);
	proactor_file_release(c->file);
	proactor_file_release(c->read_only);
	proactor_socket_release(c->pair.a);
	proactor_socket_release(c->pair.b);
	close_fds(c->fds);
}

const struct scene_kind chain_scene = {
	"chain", sizeof(struct chain), chain_begin, chain_end
};

const struct scene_kind sequence_scene = {
	"sequence", sizeof(struct chain), sequence_begin, chain_end
};
