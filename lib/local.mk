# SPDX-License-Identifier: ISC
# libproactor-internal is the library before its symbols are hidden: the unit
# tests reach proactor__ names in it.

lib_LTLIBRARIES += libproactor.la
noinst_LTLIBRARIES += libproactor-internal.la

libproactor_internal_la_SOURCES = \
	lib/core/affinity.h \
	lib/core/backend.h \
	lib/core/backends.c \
	lib/core/cancel.c \
	lib/core/chain.c \
	lib/core/class.h \
	lib/core/connection.c \
	lib/core/core.h \
	lib/core/datagram.c \
	lib/core/dispatch.c \
	lib/core/error.c \
	lib/core/event.c \
	lib/core/fence.c \
	lib/core/event_pool.c \
	lib/core/file.c \
	lib/core/file.h \
	lib/core/file_io.c \
	lib/core/futex.c \
	lib/core/handle.c \
	lib/core/list.h \
	lib/core/lock.c \
	lib/core/lock.h \
	lib/core/loop.c \
	lib/core/mailbox.h \
	lib/core/memory.c \
	lib/core/message.c \
	lib/core/multi_wait.c \
	lib/core/notification.c \
	lib/core/notification.h \
	lib/core/notification_op.c \
	lib/core/object.c \
	lib/core/op_pool.c \
	lib/core/op_pool.h \
	lib/core/operation.c \
	lib/core/points.c \
	lib/core/points.h \
	lib/core/poll.c \
	lib/core/pool.c \
	lib/core/proactor.c \
	lib/core/semaphore.c \
	lib/core/semaphore.h \
	lib/core/semaphore_link.c \
	lib/core/semaphore_op.c \
	lib/core/signal.c \
	lib/core/signals.h \
	lib/core/relay.c \
	lib/core/release.c \
	lib/core/relay.h \
	lib/core/sequence.c \
	lib/core/sequence.h \
	lib/core/socket.c \
	lib/core/socket_close.c \
	lib/core/source.c \
	lib/core/steps.c \
	lib/core/stream.c \
	lib/core/stream.h \
	lib/core/submit.c \
	lib/core/system.h \
	lib/core/timepoint.c \
	lib/core/timeout.c \
	lib/core/timer.c \
	lib/core/timers.c \
	lib/core/timers.h \
	lib/core/transfer.c \
	lib/core/version.c \
	lib/core/wait_set.c \
	# EOL

if HOST_WINDOWS
libproactor_internal_la_SOURCES += \
	# EOL
else
libproactor_internal_la_SOURCES += \
	lib/posix/address.c \
	lib/posix/affinity.c \
	lib/posix/clock.c \
	lib/posix/condition.h \
	lib/posix/descriptor.c \
	lib/posix/fence.c \
	lib/posix/futex.c \
	lib/posix/handle.c \
	lib/posix/process.c \
	lib/posix/signal.c \
	lib/posix/socket.c \
	lib/posix/thread.c \
	# EOL
endif

if BACKEND_IO_URING
libproactor_internal_la_SOURCES += \
	lib/io_uring/compat.h \
	lib/io_uring/decode.c \
	lib/io_uring/decode.h \
	lib/io_uring/decode_socket.c \
	lib/io_uring/encode.c \
	lib/io_uring/encode.h \
	lib/io_uring/futex.c \
	lib/io_uring/probe.c \
	lib/io_uring/reap.c \
	lib/io_uring/relay.c \
	lib/io_uring/request.c \
	lib/io_uring/ring.c \
	lib/io_uring/ring.h \
	lib/io_uring/slots.c \
	lib/io_uring/start.c \
	# EOL
endif

# What epoll, kqueue and poll have in common.
readiness_sources = \
	lib/readiness/attempt.c \
	lib/readiness/engine.c \
	lib/readiness/engine.h \
	lib/readiness/files.c \
	lib/readiness/offload.c \
	lib/readiness/offload.h \
	lib/readiness/slots.c \
	lib/readiness/turn.c \
	lib/readiness/watch.c \
	# EOL

if BACKEND_READINESS
libproactor_internal_la_SOURCES += $(readiness_sources)
endif

if BACKEND_EPOLL
libproactor_internal_la_SOURCES += \
	lib/readiness/epoll.c \
	# EOL
endif

if BACKEND_KQUEUE
libproactor_internal_la_SOURCES += \
	lib/readiness/kqueue.c \
	# EOL
endif

if BACKEND_POLL
libproactor_internal_la_SOURCES += \
	lib/readiness/poll.c \
	# EOL
endif

libproactor_internal_la_CPPFLAGS = $(AM_CPPFLAGS) -DPROACTOR_BUILDING
libproactor_internal_la_CFLAGS = $(AM_CFLAGS) $(ALIASING_CFLAGS)
libproactor_internal_la_LDFLAGS =

libproactor_la_SOURCES =
libproactor_la_LIBADD = libproactor-internal.la $(LIBURING_LIBS) \
	$(LIBKQUEUE_LIBS) $(PTHREAD_LIBS)
libproactor_la_LDFLAGS = -no-undefined -version-info $(LT_VERSION)
EXTRA_libproactor_la_DEPENDENCIES = $(top_srcdir)/lib/libproactor.map
EXTRA_DIST += lib/libproactor.map
if HAVE_VERSION_SCRIPT
libproactor_la_LDFLAGS += -Wl,--version-script=$(top_srcdir)/lib/libproactor.map
else
libproactor_la_LDFLAGS += -export-symbols-regex '^proactor_[^_]'
endif

pkgconfig_DATA = lib/libproactor.pc
