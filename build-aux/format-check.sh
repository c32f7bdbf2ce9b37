#!/bin/sh
# SPDX-License-Identifier: ISC
# usage: format-check.sh SOURCE [FILE...]
# Shows what clang-format would do otherwise, and fails when it is anything.  How
# wide a space is does not count: clang-format 14 cannot put a tab in front of a
# comment or between a macro and its value, as KNF does.
set -u
cd "$1" || exit 1
shift
if test $# -eq 0; then
	# No name has a space.
	# shellcheck disable=SC2046
	set -- $(find include lib tests tools examples bench -name '*.[ch]')
fi
tmp=$(mktemp) || exit 1
trap 'rm -f "$tmp"' EXIT
for file in "$@"; do
	"${CLANG_FORMAT:-clang-format}" --style=file "$file" |
	    diff -b -u --label "$file" --label "$file, formatted" "$file" -
done >"$tmp"
cat "$tmp"
test ! -s "$tmp"
