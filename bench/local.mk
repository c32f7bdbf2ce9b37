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
	bench/messages.c \
	bench/nop.c \
	bench/peers.c \
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
	bench/raw-stream.c \
	bench/raw-timers.c \
	bench/raw.c \
	bench/raw.h \
	# EOL
endif

bench_programs = \
	bench/bench \
	bench/load \
	bench/one \
	# EOL

EXTRA_PROGRAMS += $(bench_programs)
CLEANFILES += $(bench_programs)
EXTRA_DIST += bench/README bench/cost.sh

bench_bench_SOURCES = $(bench_common) $(bench_cells) \
	bench/json.c \
	bench/main.c \
	bench/table.c \
	# EOL
bench_bench_LDADD = $(LDADD) $(LIBURING_LIBS)

bench_one_SOURCES = $(bench_common) $(bench_cells) bench/one.c
bench_one_LDADD = $(LDADD) $(LIBURING_LIBS)

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
