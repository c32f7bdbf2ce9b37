#!/bin/sh
# SPDX-License-Identifier: ISC
# What libproactor can do, shown with the programs of this folder: ./bootstrap
# demo runs it.  BUILD_DIR is where make has run, SRC_DIR the source.
set -eu
BUILD_DIR=${BUILD_DIR:-$PWD}
SRC_DIR=${SRC_DIR:-$(CDPATH='' cd "$(dirname "$0")/.." && pwd)}
LC_ALL=C
export LC_ALL
tmp=$(mktemp -d)
server=

end() {
	status=$?
	test -z "$server" || kill -9 "$server" 2>/dev/null || :
	rm -rf "$tmp"
	test "$status" -eq 0 || echo "demo: failed" >&2
	exit "$status"
}
trap end EXIT
trap 'exit 1' HUP INT TERM

title() {
	printf '\n%s\n' "$*"
}

die() {
	echo "demo: $*" >&2
	exit 1
}

# checksum FILE
checksum() {
	sha256sum <"$1" | cut -c1-16
}

command -v curl >/dev/null 2>&1 || die "curl is not installed"

title "What proactor-info(1) finds here"
"$BUILD_DIR/tools/proactor-info" >"$tmp/info" || {
	cat "$tmp/info"
	exit 1
}
sed -n '1,/^$/p' "$tmp/info" | sed '/^$/d; s/^/  /'
for tier in native emulated absent; do
	names=$(sed -n "s/^  \([A-Z_]*\)  *$tier .*/\1/p" "$tmp/info" |
	    tr 'A-Z\n' 'a-z ')
	test -z "$names" || printf '  %-13s %s\n' "$tier" "$names"
done | fold -s -w 76 | sed '/^  /!s/^/                /; s/ *$//'

title "04-copy: a file with sixteen reads and writes in flight"
tar -cf "$tmp/source.tar" -C "$SRC_DIR" include lib man examples tools tests
: >"$tmp/big"
times=0
while test "$(wc -c <"$tmp/big")" -lt 32000000; do
	cat "$tmp/source.tar" >>"$tmp/big"
	times=$((times + 1))
done
"$BUILD_DIR/examples/04-copy" -n 16 "$tmp/big" "$tmp/copy" >"$tmp/out"
echo "  $(cat "$tmp/out"), the source tree as an archive $times times"
sum=$(checksum "$tmp/big")
test -n "$sum" || die "sha256sum does not work"
test "$sum" = "$(checksum "$tmp/copy")" || die "the copy differs"
echo "  sha256 of both is $sum..."

title "02-echo-server, 03-echo-client and 05-pipeline"
mkfifo "$tmp/fifo"
"$BUILD_DIR/examples/02-echo-server" 127.0.0.1:0 >"$tmp/fifo" &
server=$!
read -r line <"$tmp/fifo"
address=${line##* }
"$BUILD_DIR/examples/03-echo-client" "$address" 10000 64 >"$tmp/out"
paste -s -d, "$tmp/out" | sed 's/,/, /g; s/^/  /'
"$BUILD_DIR/examples/05-pipeline" "$address" "$tmp/saved" \
    "connect, send, receive and write in one chain" >"$tmp/out"
echo "  saved by the pipeline: \"$(cat "$tmp/saved")\""
kill "$server"
wait "$server"
server=

title "httpd: the manual, rendered to HTML and served"
root=$tmp/root
pages=0
{
	echo '<!DOCTYPE html><title>libproactor</title><h1>libproactor</h1>'
	echo '<ul>'
} >"$tmp/index"
for page in "$SRC_DIR"/man/man[137]/*.[137]; do
	name=$(basename "$page")
	folder=man${name##*.}
	mkdir -p "$root/$folder"
	target=$(sed -n '1s/^\.so //p' "$page")
	if test -n "$target"; then
		ln -s "$(basename "$target").html" \
		    "$root/$folder/$name.html"
		continue
	fi
	if command -v mandoc >/dev/null 2>&1; then
		mandoc -Thtml -O man=../man%S/%N.%S.html "$page" \
		    >"$root/$folder/$name.html" 2>/dev/null
	else
		cp "$page" "$root/$folder/$name.html"
	fi
	pages=$((pages + 1))
	echo "<li><a href=\"$folder/$name.html\">$name</a>" >>"$tmp/index"
done
echo '</ul>' >>"$tmp/index"
mv "$tmp/index" "$root/index.html"
cp "$tmp/copy" "$root/copy.tar"

"$BUILD_DIR/examples/httpd" -p 0 -d "$root" -l "$tmp/log" >"$tmp/fifo" &
server=$!
read -r line <"$tmp/fifo"
url=${line##* at }
echo "  $pages pages at $url"

# Everything is fetched through one connection, and compared.
(cd "$root" && find . -name '*.html') | sed 's/^\.\///' >"$tmp/list"
mkdir "$tmp/got"
sed "s|.*|url=$url&\noutput=$tmp/got/&|" "$tmp/list" |
    curl -sS --fail --create-dirs -K - ||
	die "curl could not fetch the pages"
while read -r name; do
	cmp -s "$root/$name" "$tmp/got/$name" || die "$name differs"
done <"$tmp/list"
curl -sS --fail -o "$tmp/got/whole" "$url/copy.tar"
cmp -s "$tmp/got/whole" "$root/copy.tar" || die "copy.tar differs"
curl -sS --fail -o "$tmp/got/part" -r 1000000-2999999 "$url/copy.tar"
head -c 3000000 "$root/copy.tar" | tail -c 2000000 |
    cmp -s - "$tmp/got/part" || die "a range of copy.tar differs"
code=$(curl -s --path-as-is -o "$tmp/got/x" -w '%{http_code}' "${url}../log")
test "$code" = 400 || die "a path out of the docroot was answered with $code"
echo "  $(wc -l <"$tmp/list") names, a file of $(wc -c <"$tmp/copy") bytes and" \
    "a range of it fetched, unchanged"
echo "  GET /../log was refused with $code"
if command -v wrk >/dev/null 2>&1; then
	wrk -t 1 -c 64 -d 3 "${url}index.html" >"$tmp/out"
	! grep -e 'Socket errors' -e 'Non-2xx' "$tmp/out" ||
		die "the load saw errors"
	awk '/requests in/ { n = $1 } /^Requests/ { r = $2 } /^Transfer/ { t = $2 }
	    END { printf "  3 seconds of wrk, 64 connections: %d requests," \
	    " %d per second, %s per second\n", n, r, t }' "$tmp/out"
else
	echo "  no load: wrk is not installed"
fi
kill "$server"
wait "$server" || die "httpd did not end well"
server=
lines=$(wc -l <"$tmp/log")
echo "  stopped with SIGTERM after $lines lines of access log, the last one:"
tail -n 1 "$tmp/log" | sed 's/^/  /'
printf '\nAll of it worked.\n'
