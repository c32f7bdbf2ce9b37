#!/bin/sh
# SPDX-License-Identifier: ISC
# usage: kernels.sh SOURCE [VMLINUZ...]
# make check-kernels: the conformance suite on other kernels than this
# machine's, in qemu without hardware help (some minutes each).  Without
# names, on Debian's own cloud kernels: the newest of each version that apt-get
# offers.  Where no kernel can be had or run that is a skip, said so for
# .ci/run, not a failure.  What is done without the kernel is the same on all,
# and run on this machine's only.
set -u
source=$1
shift
work=$PWD/build-kernels

for tool in qemu-system-x86_64 cpio busybox dpkg-deb apt-get; do
	command -v "$tool" >/dev/null 2>&1 && continue
	echo "check-kernels: skipped, $tool is missing"
	exit 0
done
test "$(uname -m)" = x86_64 || {
	echo "check-kernels: skipped, these kernels are for x86_64"
	exit 0
}
rm -rf "$work"
mkdir -p "$work/root/bin" "$work/root/proc" "$work/root/sys" \
    "$work/root/dev" "$work/root/tmp"

# The programs, static: the guest has no libraries.
sh "$source/build-aux/variant.sh" "$source" "$work/static" \
    'check TESTS= LDFLAGS=-all-static' --disable-shared CFLAGS='-g -O1' \
    >"$work/build.log" 2>&1 || {
	tail "$work/build.log"
	exit 1
}
cp "$work/static/tests/conformance/conformance" \
    "$work/static/tests/conformance/differential" \
    "$work/static/tests/fault/fallback" "$work/static/tests/fault/refused" \
    "$work/static/tests/fault/without" \
    "$(command -v busybox)" "$work/root/bin/" || exit 1
cat >"$work/root/init" <<'TXT'
#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mount -t tmpfs tmp /tmp
ifconfig lo 127.0.0.1 up
cd /tmp
export PATH=/bin TMPDIR=/tmp PROACTOR_TEST_TIMEOUT=240
export PROACTOR_REQUIRE_BACKENDS="io_uring epoll poll"
# The machine is nobody else's.
export PROACTOR_TEST_SYSCTL=1
for program in 'conformance io_uring' differential refused fallback without
do
	echo "program: $program"
	$program
	echo "status: $?"
done
poweroff -f
TXT
chmod +x "$work/root/init"
(cd "$work/root" && find . | cpio -o -H newc 2>/dev/null | gzip -1) \
    >"$work/root.gz"

# Debian's kernels, by their packages.
if test $# -eq 0; then
	names=$(apt-cache search --names-only \
	    '^linux-image-[0-9.]*(-[0-9]*|[+]deb[0-9]*)-cloud-amd64$' |
	    awk '{print $1}' | sort -V)
	for name in $(printf '%s\n' "$names" |
	    awk -F '[-.]' '{newest[$3 "." $4] = $0}
		END {for (v in newest) print newest[v]}' | sort -V); do
		mkdir -p "$work/$name"
		(cd "$work/$name" && apt-get download "$name" >/dev/null 2>&1 &&
		    dpkg-deb -x ./*.deb .) || {
			echo "check-kernels: $name could not be had, left out"
			continue
		}
		set -- "$@" "$work/$name"/boot/vmlinuz-*
	done
fi

test $# -ne 0 || {
	echo "check-kernels: skipped, apt-get has none"
	exit 0
}

failed=
for kernel; do
	log=$work/${kernel##*/}.log
	timeout 1800 qemu-system-x86_64 -accel tcg -cpu max -m 1024 -smp 2 \
	    -nographic -no-reboot -net none -kernel "$kernel" \
	    -initrd "$work/root.gz" -append 'console=ttyS0 quiet panic=-1' \
	    </dev/null >"$log" 2>&1
	passed=$(grep -c '^ok' "$log")
	bad=$(grep -c '^not ok' "$log")
	ended=$(grep -c '^status: 0' "$log")
	echo "${kernel##*/}: $passed passed, $bad failed"
	if test "$bad" -ne 0 || test "$ended" -ne 5; then
		grep -B 8 '^not ok' "$log"
		failed="$failed ${kernel##*/}"
	fi
done
test -z "$failed" && exit 0
echo "check-kernels: failed:$failed" >&2
exit 1
