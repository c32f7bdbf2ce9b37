/* SPDX-License-Identifier: ISC */
#ifndef PROACTOR_RELAY_H
#define PROACTOR_RELAY_H

#include <proactor/notification.h>

#ifdef __cplusplus
extern "C" {
#endif

struct proactor_relay;

/* Flags of a relay. */
#define PROACTOR_RELAY_PERSISTENT	0x1u	/* again and again */
#define PROACTOR_RELAY_OWN_SOURCE	0x2u	/* the handle is the relay's */
#define PROACTOR_RELAY_ERROR_SENSITIVE	0x4u	/* an error fires nothing */

/* The relay has ended with status. */
typedef void (*proactor_relay_error_fn)(void *user_data,
    struct proactor_relay *relay, int status);

struct proactor_relay_options {
	size_t size;		/* sizeof(struct proactor_relay_options) */
	unsigned int flags;	/* PROACTOR_RELAY_* */
	/* One of the two: what to wait for. */
	struct proactor_handle source_handle;
	struct proactor_notification *source;
	/* One of the two: what to do then, with value or count. */
	struct proactor_handle sink_handle;
	struct proactor_notification *sink;
	uint64_t value;		/* to be written; 1 */
	int32_t count;		/* to be woken at most; INT32_MAX */
	proactor_relay_error_fn error_fn;	/* NULL: silence */
	void *user_data;
};

PROACTOR_API void proactor_relay_options_init(
    struct proactor_relay_options *options);
PROACTOR_API int proactor_register_relay(struct proactor *p,
    const struct proactor_relay_options *options,
    struct proactor_relay **ret_relay);
PROACTOR_API int proactor_unregister_relay(struct proactor *p,
    struct proactor_relay *relay);

#ifdef __cplusplus
}
#endif

#endif
