/* SPDX-License-Identifier: ISC */
/* Making a proactor, and what it tells of itself. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "core/class.h"

#define EXPLAINED	(((UINT64_C(1) << 10) - 1) |			\
	PROACTOR_EXPLAIN_HANDLE_RELAYS | PROACTOR_EXPLAIN_NOTIFICATION_RELAYS)

#define FILE_THREADS_MAX	1024u

/* Sets the defaults, and the size by which create knows the version. */
void
proactor_options_init(struct proactor_options *options)
{
	if (options == NULL)
		return;
	memset(options, 0, sizeof(*options));
	options->size = sizeof(*options);
	options->allowed_capabilities = PROACTOR_CAP_ALL;
}

/*
 * A copy of what the caller's version of the struct has, over the defaults of
 * this one.
 */
static int
options_read(const struct proactor_options *from, struct proactor_options *to)
{
	proactor_options_init(to);
	if (from == NULL)
		return 0;
	/* 0.1 is the first version: there is no other size yet. */
	if (from->size != sizeof(*to))
		return PROACTOR_EINVAL;
	memcpy(to, from, from->size);
	if ((to->flags & ~PROACTOR_DEFER_SUBMIT) != 0 ||
	    to->message_pool_capacity > (UINT32_C(1) << 30) ||
	    to->file_threads > FILE_THREADS_MAX || to->reserved != 0)
		return PROACTOR_EINVAL;
	return 0;
}

static void
say(const struct proactor_options *options, const char *words)
{
	if (options->reason != NULL && options->reason_size > 0)
		snprintf(options->reason, options->reason_size, "%s", words);
	if (options->log_fn != NULL)
		options->log_fn(options->log_data, PROACTOR_LOG_ERROR, words);
}

/*
 * Tries the named backend, or all in order.  p->reason then has why those
 * before it were passed over, or why none is left.
 */
static int
choose(struct proactor *p, const struct proactor_options *options)
{
	const struct backend *const *b;
	struct backend_options bo;
	const char *name = options->backend;
	char why[192];
	size_t used = 0;
	int error = PROACTOR_ENOTSUP;

	if (name == NULL)
		name = proactor__environment("PROACTOR_BACKEND");
	bo.concurrency = options->max_concurrent_operations;
	bo.allowed = options->allowed_capabilities;
	bo.file_threads = options->file_threads;
	for (b = proactor__backends; *b != NULL; b++) {
		if (name != NULL && strcmp((*b)->name, name) != 0)
			continue;
		why[0] = '\0';
		p->backend = *b;
		error = (*b)->create(p, &bo, why, sizeof(why));
		if (error == 0) {
			if (used == 0 && name != NULL)
				snprintf(p->reason, sizeof(p->reason),
				    "%s was asked for by name", name);
			else if (used == 0)
				snprintf(p->reason, sizeof(p->reason),
				    "the best backend of this build works");
			return 0;
		}
		used += (size_t)snprintf(p->reason + used,
		    sizeof(p->reason) - used, "%s%s: %s", used ? "; " : "",
		    (*b)->name, why);
		if (used >= sizeof(p->reason))
			used = sizeof(p->reason) - 1;
	}
	p->backend = NULL;
	if (used == 0)
		snprintf(p->reason, sizeof(p->reason),
		    "%.64s: no such backend in this build",
		    name != NULL ? name : "(none)");
	return error;
}

static int
copy_name(struct proactor *p, const char *name)
{
	size_t size;

	if (name == NULL)
		return 0;
	size = strlen(name) + 1;
	p->debug_name = proactor__allocate(p, size);
	if (p->debug_name == NULL)
		return PROACTOR_ENOMEM;
	memcpy(p->debug_name, name, size);
	return 0;
}

/* The last hold is gone: nothing names p any more.  Any thread. */
static void
free_memory(struct proactor *p)
{
	struct mail *mail, *next;

	/* Objects that were released after the last poll. */
	for (mail = mailbox_take(&p->mailbox); mail != NULL; mail = next) {
		next = mail->next;
		if (mail->kind == MAIL_OBJECT)
			proactor__object_mailed(p, container_of(mail,
			    struct object, mail));
	}
	if (p->gate != &p->no_gate && !proactor__forked(p->generation))
		proactor__gate_give(p->gate);
	if (p->state != NULL)
		p->backend->dispose(p);
	proactor__messages_free(p);
	proactor__signals_free(p);
	proactor__slabs_free(p);
	proactor__free(p, p->debug_name);
	p->realloc_fn(p->realloc_data, p->block, 0);
}

void
proactor__hold(struct proactor *p)
{
	atomic_fetch_add_explicit(&p->holds, 1, memory_order_relaxed);
}

void
proactor__unhold(struct proactor *p)
{
	if (atomic_fetch_sub_explicit(&p->holds, 1,
	    memory_order_acq_rel) == 1)
		free_memory(p);
}

/*
 * The struct is aligned to cache lines, which an allocator need not know of.
 */
static struct proactor *
allocate(const struct proactor_options *options)
{
	proactor_realloc_fn fn = options->realloc_fn;
	struct proactor *p;
	void *block;

	if (fn == NULL)
		fn = proactor__realloc;
	block = fn(options->realloc_data, NULL,
	    sizeof(*p) + _Alignof(struct proactor));
	if (block == NULL)
		return NULL;
	p = (struct proactor *)(((uintptr_t)block + _Alignof(struct proactor) -
	    1) & ~(uintptr_t)(_Alignof(struct proactor) - 1));
	memset(p, 0, sizeof(*p));
	p->block = block;
	p->realloc_fn = fn;
	p->realloc_data = options->realloc_data;
	p->log_fn = options->log_fn;
	p->log_data = options->log_data;
	atomic_init(&p->references, 1);
	atomic_init(&p->holds, 1);
	list_init(&p->ready);
	list_init(&p->loose);
	list_init(&p->objects);
	list_init(&p->sources);
	list_init(&p->relays);
	list_init(&p->spent_relays);
	list_init(&p->free_objects);
	proactor__timers_init(&p->timers, proactor_now());
	if (options->flags & PROACTOR_DEFER_SUBMIT)
		p->special = SPECIAL_DEFER;
	p->gate = &p->no_gate;
	return p;
}

/*
 * Makes a proactor; see proactor_create(3).  Any thread.
 */
int
proactor_create(const struct proactor_options *options,
    struct proactor **ret_p)
{
	struct proactor_options o;
	_Atomic uint64_t *gate;
	struct proactor *p;
	int error;

	if (ret_p == NULL)
		return PROACTOR_EINVAL;
	error = options_read(options, &o);
	if (error != 0) {
		say(&o, "an option has a size, a flag or a value that this "
		    "version does not know");
		return error;
	}
	p = allocate(&o);
	if (p == NULL) {
		say(&o, "out of memory");
		return PROACTOR_ENOMEM;
	}
	p->generation = proactor__generation_create();
	error = p->generation == 0 ? PROACTOR_ENOMEM : 0;
	if (error == 0 && (gate = proactor__gate_take()) != NULL)
		p->gate = gate;
	if (error == 0)
		error = copy_name(p, o.debug_name);
	if (error == 0)
		error = proactor__messages_init(p, o.message_pool_capacity);
	if (error == 0)
		error = choose(p, &o);
	else
		snprintf(p->reason, sizeof(p->reason), "out of memory");
	if (error != 0) {
		say(&o, p->reason);
		free_memory(p);
		return error;
	}
	*ret_p = p;
	return 0;
}

struct proactor *
proactor_retain(struct proactor *p)
{
	if (p != NULL)
		atomic_fetch_add_explicit(&p->references, 1,
		    memory_order_relaxed);
	return p;
}

const char *
proactor_backend_name(const struct proactor *p)
{
	return p != NULL ? p->backend->name : NULL;
}

const char *
proactor_backend_reason(const struct proactor *p)
{
	return p != NULL ? p->reason : NULL;
}

const char *
proactor_debug_name(const struct proactor *p)
{
	if (p == NULL)
		return NULL;
	return p->debug_name != NULL ? p->debug_name : "";
}

uint64_t
proactor_query_capabilities(const struct proactor *p)
{
	return p != NULL ? p->capabilities : 0;
}

/* How one capability is had here, and why so.  Any thread. */
int
proactor_explain_capability(const struct proactor *p, uint64_t capability,
    unsigned int *ret_tier, const char **ret_reason)
{
	const char *reason;
	unsigned int tier;

	if (p == NULL || capability == 0 ||
	    (capability & (capability - 1)) != 0 ||
	    (capability & ~EXPLAINED) != 0)
		return PROACTOR_EINVAL;
	tier = p->backend->explain(p, capability, &reason);
	if (ret_tier != NULL)
		*ret_tier = tier;
	if (ret_reason != NULL)
		*ret_reason = reason;
	return 0;
}
