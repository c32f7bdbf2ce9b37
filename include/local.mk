# SPDX-License-Identifier: ISC
include_HEADERS = include/proactor.h
proactorincludedir = $(includedir)/proactor
proactorinclude_HEADERS = \
	include/proactor/address.h \
	include/proactor/affinity.h \
	include/proactor/api.h \
	include/proactor/clock.h \
	include/proactor/core.h \
	include/proactor/error.h \
	include/proactor/event.h \
	include/proactor/file.h \
	include/proactor/futex.h \
	include/proactor/handle.h \
	include/proactor/message.h \
	include/proactor/notification.h \
	include/proactor/op_pool.h \
	include/proactor/operation.h \
	include/proactor/poll.h \
	include/proactor/pool.h \
	include/proactor/relay.h \
	include/proactor/semaphore.h \
	include/proactor/signal.h \
	include/proactor/sequence.h \
	include/proactor/socket.h \
	include/proactor/thread.h \
	include/proactor/timer.h \
	include/proactor/version.h \
	# EOL
