# SPDX-License-Identifier: ISC
# Programs that are installed.  Each needs its sources, and LDFLAGS of its own
# because what is linked with -no-install cannot be installed.

bin_PROGRAMS += \
	tools/proactor-info \
	# EOL

tools_proactor_info_SOURCES = \
	tools/coordination.c \
	tools/coordination.h \
	tools/json.c \
	tools/proactor-info.c \
	tools/report.h \
	tools/words.c
tools_proactor_info_LDFLAGS =
