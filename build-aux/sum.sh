#!/bin/sh
# SPDX-License-Identifier: ISC
# usage: sum.sh DIRECTORY...
# Adds up automake's test results below the directories and prints one line.
# Fails when a test failed, or when there was none.
find "$@" -name '*.trs' -exec sed -n 's/^:test-result: *\([A-Z]*\).*/\1/p' {} + |
awk '
	{ n[$1]++ }
	END {
		passed = n["PASS"] + n["XFAIL"]
		failed = n["FAIL"] + n["ERROR"] + n["XPASS"]
		printf "%d passed, %d failed, %d skipped\n", passed, failed, n["SKIP"]
		exit failed > 0 || passed == 0
	}'
