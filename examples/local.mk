# SPDX-License-Identifier: ISC
# The programs a user copies.  One file is one program, in both lists.

example_programs = \
	examples/01-timer \
	examples/02-echo-server \
	examples/03-echo-client \
	examples/04-copy \
	examples/05-pipeline \
	examples/06-messages \
	examples/07-signals \
	examples/08-pool \
	examples/09-gate \
	examples/10-relay \
	examples/httpd \
	# EOL
example_files = \
	examples/01-timer.c \
	examples/02-echo-server.c \
	examples/03-echo-client.c \
	examples/04-copy.c \
	examples/05-pipeline.c \
	examples/06-messages.c \
	examples/07-signals.c \
	examples/08-pool.c \
	examples/09-gate.c \
	examples/10-relay.c \
	examples/httpd.c \
	# EOL

noinst_PROGRAMS += $(example_programs)
examplesdir = $(docdir)/examples
dist_examples_DATA = $(example_files)
EXTRA_DIST += examples/demo.sh
