/* SPDX-License-Identifier: ISC */
#ifndef PROACTOR_CORE_CLASS_H
#define PROACTOR_CORE_CLASS_H

#include "core/core.h"

/* The classes, one for each type, and what their files share. */
extern const struct op_class proactor__nop_class;
extern const struct op_class proactor__timer_class;
extern const struct op_class proactor__event_wait_class;
extern const struct op_class proactor__handle_poll_class;
extern const struct op_class proactor__accept_class;
extern const struct op_class proactor__connect_class;
extern const struct op_class proactor__recv_class;
extern const struct op_class proactor__send_class;
extern const struct op_class proactor__recvfrom_class;
extern const struct op_class proactor__sendto_class;
extern const struct op_class proactor__socket_close_class;
extern const struct op_class proactor__file_open_class;
extern const struct op_class proactor__file_read_class;
extern const struct op_class proactor__file_write_class;
extern const struct op_class proactor__file_close_class;
extern const struct op_class proactor__message_class;
extern const struct op_class proactor__semaphore_wait_class;
extern const struct op_class proactor__semaphore_signal_class;
extern const struct op_class proactor__notification_wait_class;
extern const struct op_class proactor__notification_signal_class;
extern const struct op_class proactor__futex_wait_class;
extern const struct op_class proactor__futex_wake_class;
extern const struct op_class proactor__sequence_class;
extern const struct op_class proactor__timeout_class;

void	 proactor__op_init(struct proactor_op *op, unsigned int type,
	    proactor_callback callback, void *user_data);
size_t	 proactor__spans_init(struct proactor_span *to,
	    const struct proactor_span *from, size_t count);
int	 proactor__span_check(const struct proactor_span *span);
int	 proactor__spans_check_all(const struct proactor_span *spans,
	    size_t count);

/* Good spans: 0 or a code.  Mostly there is one. */
static inline int
proactor__spans_check(const struct proactor_span *spans, size_t count)
{
	if (count == 1 && spans[0].region == NULL && spans[0].offset != 0 &&
	    (intptr_t)spans[0].length >= 0)
		return 0;
	return proactor__spans_check_all(spans, count);
}

#endif
