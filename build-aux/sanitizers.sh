#!/bin/sh
# SPDX-License-Identifier: ISC
# usage: sanitizers.sh SOURCE
# make check-sanitizers: whatever runs our code with AddressSanitizer and
# UndefinedBehaviorSanitizer, the same with ThreadSanitizer, and the unit tests
# under valgrind.  Each in a sub-build of its own; all are tried, then the
# result is told.
set -u
source=$1
variant=$source/build-aux/variant.sh
failed=

PROACTOR_TEST_TIMEOUT=${PROACTOR_TEST_TIMEOUT:-180}
ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=1:detect_stack_use_after_return=1}
UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}
TSAN_OPTIONS=${TSAN_OPTIONS:-second_deadlock_stack=1}
export PROACTOR_TEST_TIMEOUT ASAN_OPTIONS UBSAN_OPTIONS TSAN_OPTIONS

echo "== address and undefined behaviour"
sh "$variant" "$source" build-asan check-sanitized --disable-static \
    CFLAGS='-g -O1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined' ||
	failed="$failed address"

echo "== threads"
sh "$variant" "$source" build-tsan check-sanitized --disable-static \
    CFLAGS='-g -O1 -fno-omit-frame-pointer -fsanitize=thread' ||
	failed="$failed thread"

echo "== valgrind"
if command -v valgrind >/dev/null 2>&1; then
	# No -march of a newer machine than valgrind knows, hence plain -O1.
	# 3.19 holds its lock inside io_uring_enter: only the unit tests, and
	# where they want a proactor, one that does not wait through a ring.
	RUN="valgrind --error-exitcode=99 --leak-check=full \
	    --suppressions=$source/tests/valgrind.supp" PROACTOR_BACKEND=poll \
	    sh "$variant" "$source" build-valgrind check-unit \
	    CFLAGS='-g -O1' || failed="$failed valgrind"
	# A log in which valgrind says nothing is that of a run without it.
	if grep -L 'ERROR SUMMARY' build-valgrind/tests/unit/*.log | grep .; then
		failed="$failed valgrind-not-used"
	fi
else
	echo "check-sanitizers: skipped, in part: valgrind is not installed"
fi

test -z "$failed" && exit 0
echo "check-sanitizers: failed:$failed" >&2
exit 1
