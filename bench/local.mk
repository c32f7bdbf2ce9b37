# SPDX-License-Identifier: ISC
# Built by `make bench' and `make check-cost' only; see bench/README.

bench_common = \
	bench/bench.h \
	bench/count.c \
	bench/load-echo.c \
	bench/load.c \
	bench/measure.c \
	bench/net.c \
	bench/run.c \
	bench/timers.h \
	bench/trace.c \
	bench/workloads.c \
	# EOL

# The library's side of each workload.
bench_cells = \
	bench/accept.c \
	bench/create.c \
	bench/echo.c \
	bench/files.c \
	bench/idle.c \
	bench/library.c \
	bench/library.h \
	bench/loop-messages.c \
	bench/loop-messages.h \
	bench/loop-nops.h \
	bench/loop-timers.h \
	bench/messages.c \
	bench/nop.c \
	bench/notification.c \
	bench/others.h \
	bench/peers.c \
	bench/ping.c \
	bench/ping.h \
	bench/raw-epoll-loop.c \
	bench/raw-epoll-relay.c \
	bench/raw-epoll.c \
	bench/raw-epoll.h \
	bench/relay.c \
	bench/semaphore.c \
	bench/sequence.c \
	bench/stats.c \
	bench/stream.c \
	bench/timers.c \
	# EOL

if BACKEND_IO_URING
bench_cells += \
	bench/hand-messages.c \
	bench/hand-timers.c \
	bench/raw-accept.c \
	bench/raw-create.c \
	bench/raw-echo.c \
	bench/raw-files.c \
	bench/raw-idle.c \
	bench/raw-messages.c \
	bench/raw-multishot.c \
	bench/raw-nop.c \
	bench/raw-relay.c \
	bench/raw-sequence.c \
	bench/raw-stream.c \
	bench/raw-timers.c \
	bench/raw.c \
	bench/raw.h \
	# EOL
endif

if BENCH_LIBUV
bench_cells += bench/libuv-loop.c bench/libuv-net.c
endif

if BENCH_LIBEVENT
bench_cells += bench/libevent-loop.c bench/libevent-net.c
endif

# Automake would link with a C++ compiler whether there is one or not.
if BENCH_ASIO
bench_asio = bench/asio-loop.o bench/asio-net.o
endif

EXTRA_DIST += bench/asio-loop.cc bench/asio-net.cc bench/asio.h

asio_headers = bench/asio.h bench/bench.h bench/loop-messages.h \
	bench/loop-nops.h bench/loop-timers.h bench/others.h bench/timers.h \
	config.h bench/$(am__dirstamp)
asio_compile = $(AM_V_GEN)$(TEST_CXX) -std=c++17 $(DEFS) $(DEFAULT_INCLUDES) \
	$(AM_CPPFLAGS) $(CPPFLAGS) $(BENCH_CXXFLAGS) -c -o $@

bench/asio-loop.o: bench/asio-loop.cc $(asio_headers)
	$(asio_compile) $(srcdir)/bench/asio-loop.cc

bench/asio-net.o: bench/asio-net.cc $(asio_headers)
	$(asio_compile) $(srcdir)/bench/asio-net.cc

bench_libs = $(bench_asio) $(LDADD) $(LIBURING_LIBS) $(LIBUV_LIBS) \
	$(LIBEVENT_LIBS) $(ASIO_LIBS)

bench_programs = \
	bench/bench \
	bench/load \
	bench/one \
	# EOL

EXTRA_PROGRAMS += $(bench_programs)
CLEANFILES += $(bench_programs) bench/asio-loop.o bench/asio-net.o
EXTRA_DIST += bench/README bench/cost.sh

bench_bench_SOURCES = $(bench_common) $(bench_cells) \
	bench/json.c \
	bench/main.c \
	bench/table.c \
	# EOL
bench_bench_CPPFLAGS = $(AM_CPPFLAGS) $(LIBUV_CFLAGS) $(LIBEVENT_CFLAGS)
bench_bench_LDADD = $(bench_libs)

bench_one_SOURCES = $(bench_common) $(bench_cells) bench/one.c
bench_one_CPPFLAGS = $(bench_bench_CPPFLAGS)
bench_one_LDADD = $(bench_libs)

bench_load_SOURCES = $(bench_common) bench/load-main.c
bench_load_LDADD =

# Times, beside a bare ring: make bench BENCH_FLAGS=--quick
bench: $(bench_programs)
	./bench/bench $(BENCH_FLAGS)

# Instructions and system calls, against the budget: they repeat.
check-cost: all $(bench_programs)
	builddir='$(abs_top_builddir)' AWK='$(AWK)' CFLAGS='$(CFLAGS)' \
	    $(SHELL) $(top_srcdir)/bench/cost.sh

.PHONY: bench check-cost
