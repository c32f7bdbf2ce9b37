#!/bin/sh
# SPDX-License-Identifier: ISC
# usage: archive.sh, in a configured build directory
# make dist so that the same commit gives the same bytes: sorted names, no
# owner, no mode of somebody's umask, and the time of the commit.
set -eu
time=${SOURCE_DATE_EPOCH:-$(git -C "$(dirname "$0")" log -1 --format=%ct)}
LC_ALL=C
TAR_OPTIONS="--owner=0 --group=0 --numeric-owner --mode=go+u,go-w --sort=name --mtime=@$time"
XZ_OPT=-9
export LC_ALL TAR_OPTIONS XZ_OPT
exec "${MAKE:-make}" dist
