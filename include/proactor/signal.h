/* SPDX-License-Identifier: ISC */
#ifndef PROACTOR_SIGNAL_H
#define PROACTOR_SIGNAL_H

#include <proactor/operation.h>

#ifdef __cplusplus
extern "C" {
#endif

struct proactor_signal_subscription;

#define PROACTOR_SIGNAL_INTERRUPT	1u	/* SIGINT */
#define PROACTOR_SIGNAL_TERMINATE	2u	/* SIGTERM */
#define PROACTOR_SIGNAL_HANGUP		3u	/* SIGHUP */
#define PROACTOR_SIGNAL_QUIT		4u	/* SIGQUIT */
#define PROACTOR_SIGNAL_USER1		5u	/* SIGUSR1 */
#define PROACTOR_SIGNAL_USER2		6u	/* SIGUSR2 */

/* Called on the polling thread, from proactor_poll() only. */
typedef void (*proactor_signal_fn)(void *user_data,
    struct proactor_signal_subscription *subscription, unsigned int sig);

PROACTOR_API int proactor_supports_signals(const struct proactor *p);
PROACTOR_API const char *proactor_signal_name(unsigned int sig);
PROACTOR_API int proactor_subscribe_signal(struct proactor *p,
    unsigned int sig, proactor_signal_fn callback, void *user_data,
    struct proactor_signal_subscription **ret_subscription);
PROACTOR_API int proactor_unsubscribe_signal(struct proactor *p,
    struct proactor_signal_subscription *subscription);
PROACTOR_API int proactor_signal_block_default(void);
PROACTOR_API int proactor_signal_ignore_broken_pipe(void);

#ifdef __cplusplus
}
#endif

#endif
