#!/bin/sh
# SPDX-License-Identifier: ISC
# usage: format-check.sh SOURCE
# Fails when clang-format would change a file.
set -eu
cd "$1"
find include lib tests tools examples bench -name '*.[ch]' -exec \
    "${CLANG_FORMAT:-clang-format}" --dry-run --Werror --style=file {} +
