/* SPDX-License-Identifier: ISC */
/*
 * The backends of this build in order of preference: the one file that knows
 * which were compiled in.
 */
#include "config.h"

#include "core/backend.h"

#ifdef PROACTOR_HAVE_IO_URING
extern const struct backend proactor__io_uring;
#endif
#ifdef PROACTOR_HAVE_EPOLL
extern const struct backend proactor__epoll;
#endif
#ifdef PROACTOR_HAVE_KQUEUE
extern const struct backend proactor__kqueue;
#endif
#ifdef PROACTOR_HAVE_POLL
extern const struct backend proactor__poll;
#endif

const struct backend *const proactor__backends[] = {
#ifdef PROACTOR_HAVE_IO_URING
	&proactor__io_uring,
#endif
#ifdef PROACTOR_HAVE_EPOLL
	&proactor__epoll,
#endif
#ifdef PROACTOR_HAVE_KQUEUE
	&proactor__kqueue,
#endif
#ifdef PROACTOR_HAVE_POLL
	&proactor__poll,
#endif
	NULL
};
