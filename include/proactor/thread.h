/* SPDX-License-Identifier: ISC */
#ifndef PROACTOR_THREAD_H
#define PROACTOR_THREAD_H

#include <stddef.h>
#include <stdint.h>

#include <proactor/api.h>
#include <proactor/operation.h>

#ifdef __cplusplus
extern "C" {
#endif

struct proactor_thread;

/* Called on the polling thread when polling fails; the thread then ends. */
typedef void (*proactor_thread_error_fn)(void *user_data, int status);

struct proactor_thread_options {
	size_t size;			/* sizeof(struct proactor_thread_options) */
	const char *name;		/* NULL: none; 15 bytes are kept */
	int cpu;			/* -1: anywhere */
	unsigned int flags;		/* 0 */
	proactor_thread_error_fn error_fn;
	void *error_data;
};

PROACTOR_API void proactor_thread_options_init(
    struct proactor_thread_options *options);
PROACTOR_API int proactor_thread_create(struct proactor *p,
    const struct proactor_thread_options *options,
    struct proactor_thread **ret_thread);
PROACTOR_API struct proactor_thread *proactor_thread_retain(
    struct proactor_thread *thread);
PROACTOR_API void proactor_thread_release(struct proactor_thread *thread);
PROACTOR_API int proactor_thread_request_stop(struct proactor_thread *thread);
PROACTOR_API int proactor_thread_join(struct proactor_thread *thread,
    int64_t deadline);
PROACTOR_API int proactor_thread_consume_status(
    struct proactor_thread *thread);

#ifdef __cplusplus
}
#endif

#endif
