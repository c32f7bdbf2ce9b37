/* SPDX-License-Identifier: ISC */
#ifndef PROACTOR_EVENT_H
#define PROACTOR_EVENT_H

#include <proactor/handle.h>
#include <proactor/operation.h>

#ifdef __cplusplus
extern "C" {
#endif

struct proactor_event;
struct proactor_event_source;

struct proactor_event_wait_op {
	struct proactor_op base;
	struct proactor_event *event;
	uint64_t opaque[2];
};

/*
 * Events that are made beforehand.  The caller's struct, filled in by
 * proactor_event_pool_init(); it stays where it is until _deinit().
 */
struct proactor_event_pool {
	struct proactor *p;
	size_t count;			/* events in all */
	size_t available;		/* that are not acquired */
	uint64_t opaque[4];
};

/* events: PROACTOR_POLL_IN, _OUT, _ERR, _HUP. */
typedef void (*proactor_event_source_fn)(void *user_data,
    struct proactor_event_source *source, unsigned int events);

PROACTOR_API int proactor_event_create(struct proactor *p,
    struct proactor_event **ret_event);
PROACTOR_API struct proactor_event *proactor_event_retain(
    struct proactor_event *event);
PROACTOR_API void proactor_event_release(struct proactor_event *event);
PROACTOR_API int proactor_event_set(struct proactor_event *event);
PROACTOR_API void proactor_event_wait_op_init(
    struct proactor_event_wait_op *op, struct proactor_event *event,
    proactor_callback callback, void *user_data);

PROACTOR_API int proactor_event_pool_init(struct proactor *p,
    struct proactor_event_pool *pool, size_t count);
PROACTOR_API int proactor_event_pool_acquire(struct proactor_event_pool *pool,
    struct proactor_event **ret_event);
PROACTOR_API int proactor_event_pool_release(struct proactor_event_pool *pool,
    struct proactor_event *event);
PROACTOR_API int proactor_event_pool_deinit(struct proactor_event_pool *pool);

PROACTOR_API int proactor_register_event_source(struct proactor *p,
    struct proactor_handle handle, proactor_event_source_fn callback,
    void *user_data, struct proactor_event_source **ret_source);
PROACTOR_API int proactor_unregister_event_source(struct proactor *p,
    struct proactor_event_source *source);

#ifdef __cplusplus
}
#endif

#endif
