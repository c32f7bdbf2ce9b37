#!/bin/sh
# SPDX-License-Identifier: ISC
# What an operation costs in user-space instructions (callgrind), system calls
# (strace) and allocations: the figures that repeat on any machine, so that
# some of them are gates.  Each is the difference of two runs of different
# length, by the difference of their lengths.  What a request costs depends on
# who is faster, the server or its client.  So both are on one processor: with
# many connections the server runs when its client has nothing left to do, and
# finds all requests together; with one the client does when the server waits.
# Prints TAP; diagnostic lines have what is not gated.
#
# builddir: where the programs are.  AWK, CFLAGS as make has them.

one=${builddir:-.}/bench/one
load=${builddir:-.}/bench/load
awk=${AWK:-awk}
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
points=0
failures=0
left_out=

ok() {
	points=$((points + 1))
	echo "ok $points - $1"
}

not_ok() {
	points=$((points + 1))
	failures=$((failures + 1))
	echo "not ok $points - $1"
}

skip() {
	points=$((points + 1))
	echo "ok $points - $1 # SKIP $2"
	left_out=$2
}

# run TOOL PEER WORKLOAD OPERATIONS: one cell, under a tool; the client of a
# server runs beside it, without.  Leaves what the tool counted in $count and
# the cell's allocations in $allocations.
run() {
	case $1 in
	callgrind)
		set -- "$@" valgrind --tool=callgrind \
		    --callgrind-out-file="$tmp/out" ;;
	strace)
		set -- "$@" strace -f -c -o "$tmp/out" ;;
	epoll_ctl)
		set -- "$@" strace -f -c -e trace=epoll_ctl -o "$tmp/out" ;;
	esac
	tool=$1 peer=$2 workload=$3 operations=$4
	shift 4
	beside=
	# Words are wanted.
	# shellcheck disable=SC2086
	case $workload in
	echo-64-*)
		beside=$pinned
		set -- $pinned nice -n 19 "$@" ;;
	echo-1-*)
		beside="$pinned nice -n 19"
		set -- $pinned "$@" ;;
	esac
	rm -f "$tmp/pipe" && mkfifo "$tmp/pipe" || exit 99
	"$@" "$one" "$peer" "$workload" "$operations" \
	    >"$tmp/pipe" 2>"$tmp/errors" &
	exec 3<"$tmp/pipe"
	case $workload in
	echo-* | accept)
		# shellcheck disable=SC2086
		read -r port <&3 &&
		    $beside "$load" "$workload" "$operations" "$port"
		;;
	esac
	read -r allocations words <&3
	exec 3<&-
	wait $! || return 1
	case $tool in
	callgrind)
		count=$(sed -n 's/^totals: //p' "$tmp/out") ;;
	*)
		count=$($awk '$1 + 0 == $1 && $NF != "total" { n += $4 }
		    END { print n + 0 }' "$tmp/out") ;;
	esac
	test -n "$count"
}

# measure TOOL PEER WORKLOAD FEW MANY: leaves the cost of an operation in
# $cost and its allocations in $allocated, or fails.
measure() {
	run "$1" "$2" "$3" "$4" || return 1
	few=$count
	few_allocations=$allocations
	run "$1" "$2" "$3" "$5" || return 1
	cost=$($awk "BEGIN { printf \"%.3f\", ($count - $few) / ($5 - $4) }")
	allocated=$((allocations - few_allocations))
}

# gate TOOL UNIT PEER REFERENCE WORKLOAD FEW MANY LIMIT: the peer within the
# limit, the reference beside it.
gate() {
	title="$5, $3"
	what="$title: at most $8 $2 a request"
	eval "reason=\$no_$1"
	"$one" "$3" nop-1 1 >/dev/null 2>&1
	test $? != 2 || reason="built without it"
	if test -n "$reason"; then
		skip "$what" "$reason"
		return
	fi
	theirs=
	measure "$1" "$4" "$5" "$6" "$7" && theirs=$cost
	if ! measure "$1" "$3" "$5" "$6" "$7"; then
		sed 's/^/# /' "$tmp/errors"
		not_ok "$what"
		return
	fi
	ratio=$($awk "BEGIN { if (0$theirs > 0)
	    printf \", x%.2f of it\", $cost / 0$theirs }")
	echo "# $5: $cost $2 a request, $4 ${theirs:-unknown}$ratio"
	if $awk "BEGIN { exit !($cost <= $8) }"; then
		ok "$what"
	else
		not_ok "$what"
	fi
	test "$1" = callgrind || return
	what="$title: no allocation"
	if test "$allocated" = 0; then
		ok "$what"
	else
		echo "# $allocated allocations more in $7 requests than in $6"
		not_ok "$what"
	fi
}

# inform TOOL UNIT WORKLOAD FEW MANY PEERS: no gate, and no harm if it fails.
inform() {
	eval "reason=\$no_$1"
	test -z "$reason" || return
	line=
	for other in $6; do
		measure "$1" "$other" "$3" "$4" "$5" &&
		    test "$cost" != 0.000 && line="$line, $other $cost"
	done
	test -z "$line" || echo "# $3, $2 an operation: ${line#, }"
}

case " $CFLAGS " in
*" -O"[23s]*) ;;
*)
	echo "1..0 # SKIP built without optimisation (CFLAGS: $CFLAGS)"
	echo "check-cost: skipped, built without optimisation"
	exit 0 ;;
esac

# The first processor that may be used.
pinned="taskset -c $(taskset -cp $$ 2>/dev/null |
    sed -n 's/.*: \([0-9]*\).*/\1/p')"
$pinned true 2>/dev/null || pinned=

no_callgrind=
no_strace=
valgrind --tool=callgrind --callgrind-out-file=/dev/null true 2>/dev/null ||
	no_callgrind="valgrind is missing or does not run here"
strace -f -c -o /dev/null true 2>/dev/null ||
	no_strace="strace is missing or ptrace is forbidden here"

no_epoll_ctl=$no_strace

gate callgrind instructions proactor raw echo-64-cores-1 6400 64000 300
gate callgrind instructions proactor raw echo-1-cores-1 2000 12000 450
gate strace "system calls" proactor raw echo-64-cores-1 640 64000 0.10
gate strace "system calls" proactor raw echo-1-cores-1 20 3000 2.05

# One epoll_wait a turn, one receive and one send a request, nothing else.
gate callgrind instructions proactor-epoll raw-epoll \
    echo-64-cores-1 6400 64000 420
gate callgrind instructions proactor-epoll raw-epoll \
    echo-1-cores-1 2000 12000 700
gate strace "system calls" proactor-epoll raw-epoll \
    echo-64-cores-1 640 64000 2.10
gate strace "system calls" proactor-epoll raw-epoll \
    echo-1-cores-1 20 3000 3.05
gate epoll_ctl "calls of epoll_ctl" proactor-epoll raw-epoll \
    echo-64-cores-1 6400 32000 0.01

ours="proactor raw hand proactor-epoll"
others="libuv libevent asio"
inform callgrind instructions echo-64-cores-1 6400 64000 "$others"
inform callgrind instructions echo-1-cores-1 2000 12000 "$others"
inform callgrind instructions nop-1 2000 12000 "$ours"
inform callgrind instructions nop-256 25600 256000 "$ours"
inform callgrind instructions post-256 25600 256000 "$ours"
inform callgrind instructions timer-cancel-10000 100000 300000 "$ours"
inform callgrind instructions message-self 40960 409600 "$ours"
inform callgrind instructions accept 500 2500 "$ours raw-epoll"
inform callgrind instructions read-1 2000 12000 "$ours raw-epoll"
inform callgrind instructions read-32 3200 32000 "$ours raw-epoll"
inform strace "system calls" accept 500 2500 "$ours raw-epoll"
inform strace "system calls" read-1 2000 12000 "$ours raw-epoll"
inform strace "system calls" read-32 3200 32000 "$ours raw-epoll"

echo "1..$points"
# For .ci/run, whose step is a skip then.
test -z "$left_out" || echo "check-cost: skipped, in part: $left_out"
test "$failures" = 0
