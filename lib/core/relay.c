/* SPDX-License-Identifier: ISC */
/*
 * Relays: when a source is ready, a sink is fired, and no program is asked.
 * A backend that can has the kernel do both; else the source is watched, or
 * listed with its notification, and the sink fired from here.
 */
#include "config.h"

#include <string.h>

#include "core/relay.h"

#define RELAY_FLAGS	(PROACTOR_RELAY_PERSISTENT |			\
    PROACTOR_RELAY_OWN_SOURCE | PROACTOR_RELAY_ERROR_SENSITIVE)

/* Sets the defaults, and the size by which register knows the version. */
void
proactor_relay_options_init(struct proactor_relay_options *options)
{
	if (options == NULL)
		return;
	memset(options, 0, sizeof(*options));
	options->size = sizeof(*options);
	options->source_handle = proactor_handle_none();
	options->sink_handle = proactor_handle_none();
	options->value = 1;
	options->count = INT32_MAX;
}

/*
 * It fires no more: what it has goes, and itself too unless the user has its
 * address.
 */
static void
end(struct proactor *p, struct proactor_relay *r)
{
	list_remove(&r->link);
	if (r->source_fd >= 0)
		proactor__sys_close(r->source_fd);
	if (r->sink_fd >= 0)
		proactor__sys_close(r->sink_fd);
	if (r->sequence_fd >= 0)
		proactor__sys_close(r->sequence_fd);
	if (r->source != NULL)
		count_observers(r->source, ONE_LESS);
	proactor_notification_release(r->source);
	proactor_notification_release(r->sink);
	r->state = RELAY_SPENT;
	r->dead = true;
	if (r->held)
		list_append(&p->spent_relays, &r->link);
	else
		proactor__free(p, r);
}

static void
unlist(struct proactor *p, struct proactor_relay *r)
{
	list_remove(&r->source_link);
	proactor__notification_unlisted(p, r->source);
}

/* Nobody is to wait for the source any more; ends now or when that is so. */
static void
drop(struct proactor *p, struct proactor_relay *r)
{
	r->dead = true;
	switch (r->state) {
	case RELAY_WATCHED:
		if (!r->watch.dead)
			proactor__source_drop(p, &r->watch);
		break;
	case RELAY_KERNEL:
		p->backend->unrelay(p, r);
		break;
	case RELAY_LISTED:
		unlist(p, r);
		end(p, r);
		break;
	default:
		end(p, r);
		break;
	}
}

/* It cannot go on, and says so. */
static void
fault(struct proactor *p, struct proactor_relay *r, int error)
{
	if (r->dead)
		return;
	r->dead = true;
	if (r->error_fn == NULL)
		return;
	r->calling = true;
	p->completed++;
	r->error_fn(r->user_data, r, error);
	r->calling = false;
}

static int
fire(struct proactor_relay *r)
{
	if (r->sink_fd >= 0)
		return proactor__sys_raise(r->sink_fd, r->value);
	(void)proactor__notify(r->sink, r->count);
	return 0;
}

/* The source is ready, for the last time if error says so. */
static void
source_ready(struct proactor *p, struct proactor_relay *r, int error)
{
	int result;

	if (r->dead)
		return;
	result = fire(r);
	if (error == 0)
		error = result;
	if (error != 0)
		fault(p, r, error);
	else if (!(r->flags & PROACTOR_RELAY_PERSISTENT))
		r->dead = true;
}

/* What suppresses the sink of a relay that is sensitive to errors. */
static int
error_of(const struct proactor_relay *r, unsigned int events)
{
	if (!(r->flags & PROACTOR_RELAY_ERROR_SENSITIVE))
		return 0;
	if (events & PROACTOR_POLL_ERR)
		return PROACTOR_EIO;
	return (events & (PROACTOR_POLL_HUP | PROACTOR_POLL_IN)) ==
	    PROACTOR_POLL_HUP ? PROACTOR_EPIPE : 0;
}

/* The watch has seen something. */
static void
watched(void *user_data, struct proactor_event_source *source,
    unsigned int events)
{
	struct proactor_relay *r = user_data;
	struct proactor *p = r->p;
	uint64_t sum;
	int error, n = 1;

	error = source->failed ? PROACTOR_EIO : error_of(r, events);
	if (error != 0)
		fault(p, r, error);
	else {
		if (r->flags & PROACTOR_RELAY_PERSISTENT)
			n = proactor__sys_drain(r->source_fd, &r->look,
			    &sum);
		if (n != 0)
			source_ready(p, r, n < 0 ? n : 0);
	}
	if (r->dead && !source->dead)
		proactor__source_drop(p, source);
}

static void
watch_gone(struct proactor_event_source *source)
{
	struct proactor_relay *r =
	    container_of(source, struct proactor_relay, watch);

	end(r->p, r);
}

static bool
start_in_kernel(struct proactor *p, struct proactor_relay *r)
{
	if (p->backend->relay == NULL)
		return false;
	/* Known as a sleeper first: the kernel looks at the epoch then. */
	if (r->source != NULL)
		count_sleepers(r->source, ONE_MORE);
	if (p->backend->relay(p, r)) {
		r->state = RELAY_KERNEL;
		return true;
	}
	if (r->source != NULL)
		count_sleepers(r->source, ONE_LESS);
	return false;
}

/* Waits for the source. */
static void
arm(struct proactor *p, struct proactor_relay *r)
{
	if (start_in_kernel(p, r))
		return;
	if (r->source == NULL) {
		r->state = RELAY_WATCHED;
		proactor__source_init(&r->watch, r->source_fd, watched, r,
		    watch_gone);
		proactor__source_start(p, &r->watch);
		return;
	}
	r->state = RELAY_LISTED;
	/* Those whose epoch has passed are before those whose epoch is now. */
	list_append(epoch_of(r->source) != r->token ? r->source->relays.next :
	    &r->source->relays, &r->source_link);
	proactor__notification_listed(p, r->source);
	/* A signal that has not seen it was before this. */
	if (epoch_of(r->source) != r->token)
		(void)proactor__notification_grant(r->source, 1);
}

static void
go_on(struct proactor *p, struct proactor_relay *r)
{
	r->state = RELAY_IDLE;
	if (r->dead)
		end(p, r);
	else
		arm(p, r);
}

/* Signals of its notification have reached so many of its relays. */
void
proactor__relays_give(struct proactor *p, struct proactor_notification *n,
    uint32_t count)
{
	uint32_t epoch = epoch_of(n);
	struct proactor_relay *r;

	for (; count != 0 && !list_empty(&n->relays); count--) {
		r = container_of(n->relays.next, struct proactor_relay,
		    source_link);
		if (r->token == epoch)
			break;
		unlist(p, r);
		r->token = epoch;
		source_ready(p, r, 0);
		go_on(p, r);
	}
}

/* Its notification can be waited for no more. */
void
proactor__relays_fault(struct proactor *p, struct proactor_notification *n,
    int error)
{
	struct proactor_relay *r;

	while (!list_empty(&n->relays)) {
		r = container_of(n->relays.next, struct proactor_relay,
		    source_link);
		unlist(p, r);
		fault(p, r, error);
		go_on(p, r);
	}
}

/*
 * The token of a relay that the kernel has fired, but may have done so before
 * the latest signals: one signal on.
 */
static uint32_t
token_after(uint32_t token, uint32_t epoch)
{
	if ((token ^ epoch) & EPOCH_COUNT)
		return epoch_next(token);
	return token == epoch ? token : token + EPOCH_BYTE;
}

/*
 * The backend's relay() is over.  value: those that were woken when it has
 * FIRED, a code when it has FAILED.
 */
void
proactor__relay_done(struct proactor *p, struct proactor_relay *r,
    enum relay_outcome outcome, int value)
{
	struct proactor_notification *n = r->source;
	uint32_t epoch;

	if (n != NULL) {
		count_sleepers(n, ONE_LESS);
		epoch = epoch_of(n);
		if (outcome == RELAY_READY)
			r->token = epoch;
		else if (outcome == RELAY_FIRED)
			r->token = token_after(r->token, epoch);
	}
	switch (outcome) {
	case RELAY_FIRED:
		/* The epoch has moved and threads are awake. */
		if (r->sink != NULL && (uint32_t)value < r->count)
			(void)proactor__notification_grant(r->sink, r->count -
			    (uint32_t)value);
		if (!(r->flags & PROACTOR_RELAY_PERSISTENT))
			r->dead = true;
		break;
	case RELAY_READY:
		source_ready(p, r, 0);
		break;
	case RELAY_ENDED:
		source_ready(p, r, PROACTOR_EPIPE);
		break;
	case RELAY_FAILED:
		fault(p, r, value);
		break;
	default:
		break;
	}
	go_on(p, r);
}

static int
check(struct proactor *p, const struct proactor_relay_options *o)
{
	bool source_handle = o->source_handle.type != PROACTOR_HANDLE_NONE;
	bool sink_handle = o->sink_handle.type != PROACTOR_HANDLE_NONE;
	unsigned int wanted;
	int error;

	if (o->size != sizeof(*o) || (o->flags & ~RELAY_FLAGS) != 0 ||
	    source_handle == (o->source != NULL) ||
	    sink_handle == (o->sink != NULL))
		return PROACTOR_EINVAL;
	if (o->source != NULL && (o->source->object.p != p ||
	    o->source == o->sink || (o->flags & PROACTOR_RELAY_OWN_SOURCE)))
		return PROACTOR_EINVAL;
	if (o->source != NULL && o->source->shared && o->source->wake_fd < 0)
		return PROACTOR_ENOTSUP;
	if (o->sink != NULL && o->count <= 0)
		return PROACTOR_EINVAL;
	if (sink_handle) {
		if (o->sink_handle.type != PROACTOR_HANDLE_FD)
			return PROACTOR_EINVAL;
		error = proactor__sys_check_fd(o->sink_handle.u.fd);
		if (error != 0)
			return error;
	}
	if (!source_handle)
		return 0;
	if (o->source_handle.type != PROACTOR_HANDLE_FD)
		return PROACTOR_EINVAL;
	error = proactor__sys_watchable(o->source_handle.u.fd, &wanted);
	if (error == 0 && wanted != PROACTOR_POLL_IN)
		error = PROACTOR_EINVAL;
	return error;
}

static int
copy_fd(struct proactor_handle handle, int *fd)
{
	struct proactor_handle copy;
	int error;

	*fd = -1;
	if (handle.type == PROACTOR_HANDLE_NONE)
		return 0;
	error = proactor_handle_dup(handle, &copy);
	if (error == 0)
		*fd = copy.u.fd;
	return error;
}

/* The relay's own names of its ends. */
static int
take_ends(struct proactor_relay *r, const struct proactor_relay_options *o)
{
	int error;

	error = copy_fd(o->sink_handle, &r->sink_fd);
	if (error != 0)
		return error;
	if (o->flags & PROACTOR_RELAY_OWN_SOURCE)
		r->source_fd = o->source_handle.u.fd;
	else
		error = copy_fd(o->source_handle, &r->source_fd);
	if (error != 0) {
		if (r->sink_fd >= 0)
			proactor__sys_close(r->sink_fd);
		return error;
	}
	r->source = proactor_notification_retain(o->source);
	r->sink = proactor_notification_retain(o->sink);
	if (r->source != NULL) {
		count_observers(r->source, ONE_MORE);
		r->token = epoch_of(r->source);
	}
	return 0;
}

/*
 * Fires the sink when the source is ready; see proactor_register_relay(3).
 * Serialised with poll by the caller.
 */
int
proactor_register_relay(struct proactor *p,
    const struct proactor_relay_options *options,
    struct proactor_relay **ret_relay)
{
	struct proactor_relay *r;
	uint64_t i;
	int error;

	if (p == NULL || options == NULL)
		return PROACTOR_EINVAL;
	if (proactor__forked(p->generation))
		return PROACTOR_ECHILD;
	error = check(p, options);
	if (error != 0)
		return error;
	if (atomic_load(&p->phase) != PHASE_RUNNING)
		return PROACTOR_ESHUTDOWN;
	r = proactor__allocate(p, sizeof(*r));
	if (r == NULL)
		return PROACTOR_ENOMEM;
	r->p = p;
	r->flags = options->flags;
	r->value = options->value;
	r->count = (uint32_t)options->count;
	r->error_fn = options->error_fn;
	r->user_data = options->user_data;
	r->held = ret_relay != NULL;
	r->sequence_fd = -1;
	for (i = 0; i < STEPS; i++)
		r->steps[i] = i;
	error = take_ends(r, options);
	if (error != 0) {
		proactor__free(p, r);
		return error;
	}
	list_append(&p->relays, &r->link);
	if (ret_relay != NULL)
		*ret_relay = r;
	/* Before the first poll there is nobody to arm it: attach does. */
	if (is_owner(p)) {
		arm(p, r);
		(void)flush_outside(p);
	}
	return 0;
}

/* Ends a relay, or forgets one that has ended. */
int
proactor_unregister_relay(struct proactor *p, struct proactor_relay *relay)
{
	if (p == NULL || relay == NULL || relay->p != p)
		return PROACTOR_EINVAL;
	if (proactor__forked(p->generation))
		return PROACTOR_ECHILD;
	if (relay->calling)
		return PROACTOR_EBUSY;
	relay->held = false;
	if (relay->state == RELAY_SPENT) {
		list_remove(&relay->link);
		proactor__free(p, relay);
		return 0;
	}
	drop(p, relay);
	if (is_owner(p))
		(void)flush_outside(p);
	return 0;
}

/* The polling thread has come: arms what was registered before. */
void
proactor__relays_arm(struct proactor *p)
{
	struct proactor_relay *r;
	struct link *l, *next;

	for (l = p->relays.next; l != &p->relays; l = next) {
		next = l->next;
		r = container_of(l, struct proactor_relay, link);
		if (r->state == RELAY_IDLE)
			arm(p, r);
	}
}

/* Shutdown: ends them all. */
void
proactor__relays_drop(struct proactor *p)
{
	struct proactor_relay *r;
	struct link *l, *next;

	for (l = p->relays.next; l != &p->relays; l = next) {
		next = l->next;
		r = container_of(l, struct proactor_relay, link);
		if (!r->dead)
			drop(p, r);
	}
}

/*
 * The proactor is dead, or its parent's: the backend has nothing of a relay,
 * and nothing is asked of it.
 */
void
proactor__relays_free(struct proactor *p)
{
	struct proactor_relay *r;

	list_splice(&p->relays, &p->spent_relays);
	while (!list_empty(&p->relays)) {
		r = container_of(p->relays.next, struct proactor_relay, link);
		if (r->state == RELAY_KERNEL && r->source != NULL)
			count_sleepers(r->source, ONE_LESS);
		else if (r->state == RELAY_LISTED) {
			list_remove(&r->source_link);
			(void)proactor__notification_forgotten(r->source);
		}
		if (r->state != RELAY_SPENT) {
			r->held = false;
			end(p, r);
			continue;
		}
		list_remove(&r->link);
		proactor__free(p, r);
	}
}
