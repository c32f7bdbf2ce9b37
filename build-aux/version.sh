#!/bin/sh
# SPDX-License-Identifier: ISC
# Prints the version, which is written once, in include/proactor/version.h.
# No newline at the end: m4_esyscmd_s and others take it as it is.
set -eu
here=$(dirname "$0")
version=$(sed -n 's/^#define[[:space:]]*PROACTOR_VERSION[[:space:]]*"\(.*\)"$/\1/p' \
	"$here/../include/proactor/version.h")
test -n "$version" || { echo "version.sh: no version found" >&2; exit 1; }
printf '%s' "$version"
