#!/bin/sh
# SPDX-License-Identifier: ISC
# usage: variant.sh SOURCE DIRECTORY TARGET [configure's arguments]
# Configures the source in the directory, in another way than usual, and makes
# the target there.  TARGET may hold several words: "check TESTS=...".
set -eu
source=$1
directory=$2
target=$3
shift 3
if test -f "$source/config.status"; then
	echo "variant.sh: $source is configured in place;" \
	    "run make distclean there and build in another directory" >&2
	exit 1
fi
mkdir -p "$directory"
cd "$directory"
"$source/configure" --quiet --enable-werror "$@"
${MAKE:-make}
# Word splitting is wanted.
# shellcheck disable=SC2086
${MAKE:-make} $target
