#!/bin/sh
# SPDX-License-Identifier: ISC
# usage: systems.sh SOURCE [musl] [arm64]
# make check-systems: the library with another C library and for another
# processor, in build-systems below the current directory, without leaving this
# machine.  Missing tools are a skip, said so for .ci/run, not a failure.
set -u
source=$1
shift
test $# -ne 0 || set -- musl arm64
work=$PWD/build-systems
result=0

lacks() {
	what=$1
	shift
	for tool in "$@"; do
		command -v "$tool" >/dev/null 2>&1 && continue
		echo "check-systems: skipped, $tool is missing for $what"
		return 0
	done
	return 1
}

# musl's compiler finds nothing but musl: the kernel's headers and liburing,
# which asks little of a C library, are lent to it.
musl() {
	lacks musl musl-gcc pkg-config && return
	mkdir -p "$work/lent" || return 1
	for file in include/linux include/asm-generic include/liburing \
	    include/liburing.h "include/$(gcc -print-multiarch)/asm" \
	    "lib/$(gcc -print-multiarch)/liburing.a"; do
		ln -sfn "/usr/$file" "$work/lent/${file##*/}" || return 1
	done
	PROACTOR_REQUIRE_BACKENDS='io_uring epoll poll' \
	    sh "$source/build-aux/variant.sh" "$source" "$work/musl" \
	    check-backends --disable-shared CC=musl-gcc \
	    CPPFLAGS="-isystem $work/lent" LIBURING_CFLAGS=' ' \
	    LIBURING_LIBS="-L$work/lent -luring"
}

# By emulation, which has no io_uring: what a program does there is what it
# does in many a container.  qemu 7.2 fails an assertion of its own
# (plugins/core.c) when a child of a process with threads makes some.
arm64() {
	lacks arm64 aarch64-linux-gnu-gcc qemu-aarch64 && return
	RUN=qemu-aarch64 QEMU_LD_PREFIX=/usr/aarch64-linux-gnu \
	    PROACTOR_TEST_EMULATED=1 PROACTOR_TEST_TIMEOUT=240 \
	    PROACTOR_REQUIRE_BACKENDS='epoll poll' \
	    sh "$source/build-aux/variant.sh" "$source" "$work/arm64" \
	    check-backends --host=aarch64-linux-gnu --disable-shared
}

rm -rf "$work"
for system in "$@"; do
	case $system in
	musl)
		musl || result=1
		;;
	arm64)
		arm64 || result=1
		;;
	*)
		echo "systems.sh: $system is unknown" >&2
		result=2
		;;
	esac
done
exit $result
