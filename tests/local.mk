# SPDX-License-Identifier: ISC
# Every test speaks TAP.  `make check TESTS=tests/unit/heap' runs one.

TEST_EXTENSIONS = .tap
LOG_DRIVER = env AM_TAP_AWK='$(AWK)' $(SHELL) $(top_srcdir)/build-aux/tap-driver.sh
TAP_LOG_DRIVER = $(LOG_DRIVER)
LOG_COMPILER = $(RUN)
TAP_LOG_COMPILER = $(SHELL)
AM_TESTS_ENVIRONMENT = \
	top_srcdir='$(top_srcdir)'; export top_srcdir; \
	AWK='$(AWK)'; export AWK; \
	CC='$(CC)'; export CC; \
	CFLAGS='$(CFLAGS)'; export CFLAGS; \
	LDFLAGS='$(LDFLAGS)'; export LDFLAGS; \
	TEST_CXX='$(TEST_CXX)'; export TEST_CXX; \
	EXEEXT='$(EXEEXT)'; export EXEEXT; \
	MAKE='$(MAKE)'; export MAKE; \
	MANDOC='$(MANDOC)'; export MANDOC; \
	NM='$(NM)'; export NM; \
	PKG_CONFIG='$(PKG_CONFIG)'; export PKG_CONFIG; \
	PRIVATE_LIBS='$(LIBURING_LIBS) $(LIBKQUEUE_LIBS) $(PTHREAD_LIBS)'; export PRIVATE_LIBS; \
	RUN='$(RUN)'; export RUN; \
	prefix='$(prefix)'; export prefix; \
	libdir='$(libdir)'; export libdir; \
	pkgconfigdir='$(pkgconfigdir)'; export pkgconfigdir; \
	# EOL

# The harness.
check_LTLIBRARIES += tests/tap/libtap.la
tests_tap_libtap_la_SOURCES = tests/tap/tap.c tests/tap/tap.h
tests_tap_libtap_la_LDFLAGS =

# conformance: the contract, by the public API only, once per wrapper.
check_PROGRAMS += tests/conformance/conformance
tests_conformance_conformance_SOURCES = \
	tests/conformance/accept.c \
	tests/conformance/accept_many.c \
	tests/conformance/affinity.c \
	tests/conformance/allocation.c \
	tests/conformance/allocator.c \
	tests/conformance/allocator.h \
	tests/conformance/any_op.h \
	tests/conformance/argument.c \
	tests/conformance/argument.h \
	tests/conformance/argument_input.c \
	tests/conformance/argument_op.c \
	tests/conformance/argument_zoo.c \
	tests/conformance/cancel.c \
	tests/conformance/cancel_send.c \
	tests/conformance/cancel_kinds.c \
	tests/conformance/capability.c \
	tests/conformance/chain.c \
	tests/conformance/chain.h \
	tests/conformance/close.c \
	tests/conformance/closed.c \
	tests/conformance/codes.c \
	tests/conformance/conformance.h \
	tests/conformance/connect.c \
	tests/conformance/core.c \
	tests/conformance/crowd.c \
	tests/conformance/datagram.c \
	tests/conformance/datagram.h \
	tests/conformance/datagram_address.c \
	tests/conformance/datagram_many.c \
	tests/conformance/endpoint.c \
	tests/conformance/event.c \
	tests/conformance/everything.c \
	tests/conformance/everything.h \
	tests/conformance/fence.c \
	tests/conformance/fence.h \
	tests/conformance/fence_export.c \
	tests/conformance/file.c \
	tests/conformance/file_io.c \
	tests/conformance/file_pipe.c \
	tests/conformance/files.c \
	tests/conformance/files.h \
	tests/conformance/flight.c \
	tests/conformance/fork.c \
	tests/conformance/futex.c \
	tests/conformance/futex_plain.c \
	tests/conformance/link.c \
	tests/conformance/link_end.c \
	tests/conformance/main.c \
	tests/conformance/message.c \
	tests/conformance/message_order.c \
	tests/conformance/multishot.c \
	tests/conformance/op_pool.c \
	tests/conformance/op_pool.h \
	tests/conformance/op_pool_return.c \
	tests/conformance/op_pool_thread.c \
	tests/conformance/notification.c \
	tests/conformance/notification.h \
	tests/conformance/notification_signal.c \
	tests/conformance/notification_peer.c \
	tests/conformance/notification_shared.c \
	tests/conformance/notification_wait.c \
	tests/conformance/order.c \
	tests/conformance/poll.c \
	tests/conformance/pools.c \
	tests/conformance/proactor_pool.c \
	tests/conformance/proactor_pool.h \
	tests/conformance/proactor_pool_end.c \
	tests/conformance/random.c \
	tests/conformance/random.h \
	tests/conformance/random_slot.c \
	tests/conformance/random_work.c \
	tests/conformance/readiness.c \
	tests/conformance/relay.c \
	tests/conformance/relay.h \
	tests/conformance/relay_end.c \
	tests/conformance/relay_ends.c \
	tests/conformance/relay_kernel.c \
	tests/conformance/release.c \
	tests/conformance/resubmit.c \
	tests/conformance/run.c \
	tests/conformance/semaphore.c \
	tests/conformance/semaphore.h \
	tests/conformance/semaphore_end.c \
	tests/conformance/semaphore_link.c \
	tests/conformance/semaphore_multi.c \
	tests/conformance/semaphore_op.c \
	tests/conformance/semaphore_race.c \
	tests/conformance/sequence.c \
	tests/conformance/sequence.h \
	tests/conformance/sequence_cancel.c \
	tests/conformance/sequence_end.c \
	tests/conformance/sequence_nested.c \
	tests/conformance/sequence_quartet.c \
	tests/conformance/sequence_quartet.h \
	tests/conformance/sequence_refuse.c \
	tests/conformance/sequence_seam.c \
	tests/conformance/sequence_step.c \
	tests/conformance/shutdown.c \
	tests/conformance/signal.c \
	tests/conformance/signal_mask.c \
	tests/conformance/signal_owner.c \
	tests/conformance/signal_several.c \
	tests/conformance/signals.c \
	tests/conformance/signals.h \
	tests/conformance/socket.c \
	tests/conformance/sockets.c \
	tests/conformance/source.c \
	tests/conformance/stream.c \
	tests/conformance/submit.c \
	tests/conformance/support.c \
	tests/conformance/thread.c \
	tests/conformance/timepoint.c \
	tests/conformance/timepoint.h \
	tests/conformance/timepoint_callback.c \
	tests/conformance/timepoint_thread.c \
	tests/conformance/timeout.c \
	tests/conformance/timeout.h \
	tests/conformance/timeout_chain.c \
	tests/conformance/timeout_end.c \
	tests/conformance/timer.c \
	tests/conformance/timer_many.c \
	tests/conformance/transfer.c \
	tests/conformance/transfer.h \
	tests/conformance/value.c \
	tests/conformance/wake.c \
	tests/conformance/zero_copy.c \
	# EOL
tests_conformance_conformance_LDADD = \
	tests/tap/libtap.la libproactor.la $(PTHREAD_LIBS)

# differential: the same random programs on all backends.
check_PROGRAMS += tests/conformance/differential
TESTS += tests/conformance/differential
tests_conformance_differential_SOURCES = \
	tests/conformance/any_op.h \
	tests/conformance/conformance.h \
	tests/conformance/differential.c \
	tests/conformance/differential.h \
	tests/conformance/files.c \
	tests/conformance/run.c \
	tests/conformance/scenes_chain.c \
	tests/conformance/scenes_core.c \
	tests/conformance/scenes_file.c \
	tests/conformance/scenes_socket.c \
	tests/conformance/scenes_wait.c \
	tests/conformance/sockets.c \
	tests/conformance/support.c \
	# EOL
tests_conformance_differential_LDADD = \
	tests/tap/libtap.la libproactor.la $(PTHREAD_LIBS)

conformance_scripts = \
	tests/conformance/differential-kqueue.tap \
	tests/conformance/epoll.tap \
	tests/conformance/io_uring-no-absolute-timeout.tap \
	tests/conformance/io_uring-no-device-fence.tap \
	tests/conformance/io_uring-no-fixed-files.tap \
	tests/conformance/io_uring-no-futex.tap \
	tests/conformance/io_uring-no-linked.tap \
	tests/conformance/io_uring-no-messaging.tap \
	tests/conformance/io_uring-no-multishot.tap \
	tests/conformance/io_uring-no-zero-copy.tap \
	tests/conformance/io_uring-none.tap \
	tests/conformance/io_uring-plain.tap \
	tests/conformance/io_uring.tap \
	tests/conformance/kqueue-no-user-event.tap \
	tests/conformance/kqueue.tap \
	tests/conformance/poll.tap \
	tests/conformance/time-namespace.tap \
	# EOL

dist_check_SCRIPTS += $(conformance_scripts)
TESTS += $(conformance_scripts)

unit_ldadd = tests/tap/libtap.la libproactor-internal.la $(LIBURING_LIBS) \
	$(LIBKQUEUE_LIBS) $(PTHREAD_LIBS)

# unit: one module each, linked with the internal library.  A program takes a
# line in the list and one of its own below it.
unit_programs = \
	tests/unit/address \
	tests/unit/affinity \
	tests/unit/drain \
	tests/unit/fence \
	tests/unit/fence-portable \
	tests/unit/futex \
	tests/unit/futex-portable \
	tests/unit/letter \
	tests/unit/mailbox \
	tests/unit/message \
	tests/unit/points \
	tests/unit/signal \
	tests/unit/timers \
	$(io_uring_programs) \
	$(readiness_programs) \
	# EOL

io_uring_programs =
if BACKEND_IO_URING
io_uring_programs += tests/unit/ending tests/unit/trial
endif

readiness_programs =
if BACKEND_READINESS
readiness_programs += \
	tests/unit/offload \
	tests/unit/offload-hasty \
	# EOL
endif

tests_unit_address_SOURCES = \
	tests/unit/address.c \
	tests/unit/address.h \
	tests/unit/address_from.c \
	tests/unit/address_random.c \
	tests/unit/random.c \
	tests/unit/random.h \
	# EOL
tests_unit_address_LDADD = $(unit_ldadd)
tests_unit_drain_LDADD = $(unit_ldadd)
# Counts what these files do.
tests_unit_ending_SOURCES = \
	lib/io_uring/decode.c \
	lib/io_uring/request.c \
	lib/io_uring/ring.c \
	lib/io_uring/start.c \
	tests/unit/ending.c \
	tests/unit/ending.h \
	# EOL
tests_unit_ending_CPPFLAGS = \
	$(AM_CPPFLAGS) -include $(top_srcdir)/tests/unit/ending.h
tests_unit_ending_LDADD = $(unit_ldadd)
tests_unit_fence_LDADD = $(unit_ldadd)
# What systems without an eventfd(2) get, whichever this is.
tests_unit_fence_portable_SOURCES = tests/unit/fence.c lib/posix/fence.c
tests_unit_fence_portable_CPPFLAGS = $(AM_CPPFLAGS) -DFENCE_PORTABLE
tests_unit_fence_portable_LDADD = $(unit_ldadd)
tests_unit_affinity_LDADD = $(unit_ldadd)
tests_unit_futex_LDADD = $(unit_ldadd)
# What systems without a futex(2) get, whichever this is.
tests_unit_futex_portable_SOURCES = tests/unit/futex.c lib/posix/futex.c
tests_unit_futex_portable_CPPFLAGS = $(AM_CPPFLAGS) -DFUTEX_PORTABLE
tests_unit_futex_portable_LDADD = $(unit_ldadd)
tests_unit_letter_LDADD = $(unit_ldadd)
tests_unit_mailbox_LDADD = $(unit_ldadd)
tests_unit_message_LDADD = $(unit_ldadd)
tests_unit_points_LDADD = $(unit_ldadd)
tests_unit_offload_SOURCES = \
	tests/unit/offload-race.c tests/unit/offload.c tests/unit/offload.h
tests_unit_offload_LDADD = $(unit_ldadd)
# Threads that end after 20 microseconds, and can be refused.
tests_unit_offload_hasty_SOURCES = \
	$(tests_unit_offload_SOURCES) lib/readiness/offload.c
tests_unit_offload_hasty_CPPFLAGS = \
	$(AM_CPPFLAGS) -DOFFLOAD_PATIENCE=20000 -Dpthread_create=offload_create
tests_unit_offload_hasty_LDADD = $(unit_ldadd)
tests_unit_signal_LDADD = $(unit_ldadd)
tests_unit_timers_SOURCES = \
	tests/unit/random.c \
	tests/unit/random.h \
	tests/unit/timers.c \
	tests/unit/timers.h \
	tests/unit/timers_leave.c \
	tests/unit/timers_model.c \
	tests/unit/timers_wake.c \
	# EOL
tests_unit_timers_LDADD = $(unit_ldadd)
# Takes the time from the program.
tests_unit_trial_SOURCES = lib/io_uring/probe.c tests/unit/trial.c
tests_unit_trial_CPPFLAGS = $(AM_CPPFLAGS) -Dproactor_now=trial_now
tests_unit_trial_LDADD = $(unit_ldadd)

# demux-NAME: what the engine asks of the demultiplexer that DEMUX names.  The
# program has functions of its own where the demultiplexer calls the engine's.
demux_programs =
demux_sources = \
	tests/unit/demux.c \
	tests/unit/demux.h \
	tests/unit/demux_end.c \
	tests/unit/demux_wait.c \
	tests/unit/demux_watch.c \
	# EOL
demux_cppflags = $(AM_CPPFLAGS) \
	-Dproactor__engine_fired=test_engine_fired \
	-Dproactor__engine_failed=test_engine_failed

if BACKEND_EPOLL
demux_programs += tests/unit/demux-epoll
endif
tests_unit_demux_epoll_SOURCES = $(demux_sources) lib/readiness/epoll.c
tests_unit_demux_epoll_CPPFLAGS = $(demux_cppflags) \
	-DDEMUX=proactor__epoll_demux
tests_unit_demux_epoll_LDADD = $(unit_ldadd)

if BACKEND_POLL
demux_programs += tests/unit/demux-poll
endif
tests_unit_demux_poll_SOURCES = $(demux_sources) lib/readiness/poll.c
tests_unit_demux_poll_CPPFLAGS = $(demux_cppflags) \
	-DDEMUX=proactor__poll_demux
tests_unit_demux_poll_LDADD = $(unit_ldadd)

# kqueue: where the system has one that is used.  On Linux one of our own stands
# in, with the whole library around it, and is tested itself.
if BACKEND_KQUEUE
demux_programs += tests/unit/demux-kqueue
kqueue_cppflags =
kqueue_ldadd = $(unit_ldadd)
else
kqueue_cppflags = -I$(top_srcdir)/tests/kqueue -DPROACTOR_HAVE_KQUEUE
kqueue_ldadd = tests/tap/libtap.la tests/kqueue/libproactor-kqueue.la \
	$(LIBURING_LIBS) $(PTHREAD_LIBS)
if HOST_LINUX
demux_programs += tests/unit/demux-kqueue tests/kqueue/output \
	tests/kqueue/selftest
check_PROGRAMS += \
	tests/conformance/conformance-kqueue \
	tests/conformance/differential-kqueue
check_LTLIBRARIES += tests/kqueue/libproactor-kqueue.la
endif
endif

tests_kqueue_libproactor_kqueue_la_SOURCES = \
	$(libproactor_internal_la_SOURCES) \
	lib/readiness/kqueue.c \
	tests/kqueue/kqueue.c \
	tests/kqueue/sys/event.h \
	# EOL
if !BACKEND_READINESS
tests_kqueue_libproactor_kqueue_la_SOURCES += $(readiness_sources)
endif
tests_kqueue_libproactor_kqueue_la_CPPFLAGS = $(kqueue_cppflags) \
	$(libproactor_internal_la_CPPFLAGS)
tests_kqueue_libproactor_kqueue_la_CFLAGS = $(libproactor_internal_la_CFLAGS)
tests_kqueue_libproactor_kqueue_la_LDFLAGS =

tests_conformance_conformance_kqueue_SOURCES = \
	$(tests_conformance_conformance_SOURCES)
tests_conformance_conformance_kqueue_LDADD = $(kqueue_ldadd)

tests_conformance_differential_kqueue_SOURCES = \
	$(tests_conformance_differential_SOURCES)
tests_conformance_differential_kqueue_LDADD = $(kqueue_ldadd)

tests_kqueue_output_CPPFLAGS = $(kqueue_cppflags) $(AM_CPPFLAGS)
tests_kqueue_output_LDADD = $(kqueue_ldadd)

tests_kqueue_selftest_SOURCES = \
	tests/kqueue/selftest.c \
	tests/kqueue/selftest.h \
	tests/kqueue/selftest_call.c \
	# EOL
tests_kqueue_selftest_CPPFLAGS = $(kqueue_cppflags) $(AM_CPPFLAGS)
tests_kqueue_selftest_LDADD = $(kqueue_ldadd)

tests_unit_demux_kqueue_SOURCES = $(demux_sources) lib/readiness/kqueue.c
tests_unit_demux_kqueue_CPPFLAGS = $(kqueue_cppflags) $(demux_cppflags) \
	-DDEMUX=proactor__kqueue_demux
tests_unit_demux_kqueue_LDADD = $(kqueue_ldadd)

# The io_uring backend on rings as the first kernels had them.
if BACKEND_IO_URING
check_PROGRAMS += tests/conformance/conformance-plain-ring
check_LTLIBRARIES += tests/conformance/libplain-ring.la
endif
tests_conformance_libplain_ring_la_SOURCES = \
	lib/io_uring/probe.c tests/conformance/plain_ring.c
tests_conformance_libplain_ring_la_CPPFLAGS = $(AM_CPPFLAGS) \
	-Dio_uring_queue_init_params=plain_ring_init_params
tests_conformance_libplain_ring_la_LDFLAGS =
tests_conformance_conformance_plain_ring_SOURCES = \
	$(tests_conformance_conformance_SOURCES)
# Wanted from the start, so that it is not the library's own that is taken.
tests_conformance_conformance_plain_ring_LDFLAGS = \
	$(AM_LDFLAGS) -Wl,-u,proactor__ring_probe
tests_conformance_conformance_plain_ring_LDADD = tests/tap/libtap.la \
	tests/conformance/libplain-ring.la libproactor-internal.la \
	$(LIBURING_LIBS) $(LIBKQUEUE_LIBS) $(PTHREAD_LIBS)

# fault: what happens when memory or the system refuses.
fault_programs = \
	tests/fault/fallback \
	tests/fault/place \
	tests/fault/refused \
	tests/fault/uninvited \
	tests/fault/without \
	# EOL

fault_support = tests/fault/support.c tests/fault/support.h
fault_ldadd = tests/tap/libtap.la libproactor.la $(PTHREAD_LIBS)

tests_fault_fallback_SOURCES = tests/fault/fallback.c $(fault_support)
tests_fault_fallback_LDADD = $(fault_ldadd)
# The probe again, for which the program stands in as the kernel.
if BACKEND_IO_URING
fault_programs += tests/fault/ladder
endif
tests_fault_ladder_SOURCES = \
	tests/fault/ladder.c lib/io_uring/probe.c $(fault_support)
tests_fault_ladder_CPPFLAGS = $(AM_CPPFLAGS) \
	-Dio_uring_queue_init_params=ladder_init_params
tests_fault_ladder_LDADD = $(unit_ldadd)
tests_fault_place_SOURCES = tests/fault/place.c $(fault_support)
tests_fault_place_LDADD = $(fault_ldadd)
tests_fault_refused_SOURCES = tests/fault/refused.c $(fault_support)
tests_fault_refused_LDADD = $(fault_ldadd)
tests_fault_uninvited_SOURCES = tests/fault/uninvited.c $(fault_support)
tests_fault_uninvited_LDADD = $(fault_ldadd)
tests_fault_without_SOURCES = tests/fault/without.c $(fault_support)
tests_fault_without_LDADD = $(fault_ldadd)

check_PROGRAMS += $(unit_programs) $(demux_programs) $(fault_programs)
TESTS += $(unit_programs) $(demux_programs) $(fault_programs)

# What a server costs in system calls.
check_PROGRAMS += tests/fault/echo
tests_fault_echo_LDADD = libproactor.la $(PTHREAD_LIBS)
dist_check_SCRIPTS += tests/fault/echo.tap
TESTS += tests/fault/echo.tap
# What a sequence costs in system calls.
check_PROGRAMS += tests/fault/sequence
tests_fault_sequence_LDADD = libproactor.la $(PTHREAD_LIBS)
dist_check_SCRIPTS += tests/fault/sequence.tap
TESTS += tests/fault/sequence.tap

# The programs: examples and tools, run as a user runs them.
check_PROGRAMS += tests/examples/rawclient
tests_examples_rawclient_LDADD =

program_scripts = \
	tests/examples/httpd.tap \
	tests/examples/programs.tap \
	tests/tools/proactor-info.tap \
	# EOL

dist_check_SCRIPTS += $(program_scripts)
TESTS += $(program_scripts)

# Scripts.
test_scripts = \
	tests/build/configure.tap \
	tests/build/headers.tap \
	tests/build/install.tap \
	tests/build/link.tap \
	tests/docs/archive.tap \
	tests/docs/errors.tap \
	tests/docs/man-examples.tap \
	tests/docs/man-lint.tap \
	tests/docs/pages.tap \
	tests/docs/symbols.tap \
	tests/kqueue/flavours.tap \
	# EOL

dist_check_SCRIPTS += $(test_scripts)
TESTS += $(test_scripts)
EXTRA_DIST += \
	tests/build/link.c \
	tests/fuzz/address.c \
	tests/kqueue/flavours/sys/event.h \
	tests/valgrind.supp \
	# EOL

# Of the suite, what a variant of the build could break.
quick_tests = \
	$(unit_programs) \
	$(demux_programs) \
	tests/conformance/epoll.tap \
	tests/conformance/io_uring.tap \
	tests/conformance/poll.tap \
	tests/build/headers.tap \
	tests/build/install.tap \
	tests/build/link.tap \
	tests/docs/archive.tap \
	tests/docs/symbols.tap \
	# EOL

# ... and what another system, or fewer backends, could.
backend_tests = \
	$(unit_programs) \
	$(fault_programs) \
	tests/conformance/differential \
	tests/conformance/epoll.tap \
	tests/conformance/io_uring.tap \
	tests/conformance/poll.tap \
	tests/examples/programs.tap \
	# EOL

# What runs our code, under the sanitizers and, for the unit tests, valgrind, in
# sub-builds build-asan, build-tsan and build-valgrind.
check-sanitizers:
	+MAKE='$(MAKE)' $(SHELL) $(top_srcdir)/build-aux/sanitizers.sh '$(abs_top_srcdir)'

# The suite on Debian's kernels, in qemu: build-kernels.
check-kernels:
	+MAKE='$(MAKE)' $(SHELL) $(top_srcdir)/build-aux/kernels.sh '$(abs_top_srcdir)'

# With musl, and for arm64 in qemu's user emulation: build-systems.
check-systems:
	+MAKE='$(MAKE)' $(SHELL) $(top_srcdir)/build-aux/systems.sh '$(abs_top_srcdir)'

# Some alone: the unit tests, and whatever runs our code.
code_tests = \
	$(unit_programs) \
	$(demux_programs) \
	$(fault_programs) \
	$(conformance_scripts) \
	tests/conformance/differential \
	$(program_scripts)
check-code:
	$(MAKE) $(AM_MAKEFLAGS) check TESTS='$(code_tests)'

# The same for the sanitizers, under which a run takes minutes: of the masks
# that io_uring is run with, the one that masks all.
sanitized_tests = \
	$(unit_programs) \
	$(demux_programs) \
	$(fault_programs) \
	tests/conformance/differential \
	tests/conformance/differential-kqueue.tap \
	tests/conformance/epoll.tap \
	tests/conformance/io_uring-none.tap \
	tests/conformance/io_uring.tap \
	tests/conformance/kqueue.tap \
	tests/conformance/poll.tap \
	$(program_scripts)
check-sanitized:
	$(MAKE) $(AM_MAKEFLAGS) check TESTS='$(sanitized_tests)'

check-unit:
	$(MAKE) $(AM_MAKEFLAGS) check TESTS='$(unit_programs) $(demux_programs)'

# What shows in a minute that a variant of the build is sound.
check-quick:
	$(MAKE) $(AM_MAKEFLAGS) check TESTS='$(quick_tests)'

# The same for another system.
check-backends:
	$(MAKE) $(AM_MAKEFLAGS) check TESTS='$(backend_tests)'

clean-local: clean-sanitizers
clean-sanitizers:
	rm -rf build-asan build-tsan build-valgrind build-kernels build-systems

.PHONY: check-backends check-code check-kernels check-quick check-sanitized check-sanitizers check-systems check-unit clean-sanitizers
