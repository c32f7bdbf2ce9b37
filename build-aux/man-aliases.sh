#!/bin/sh
# SPDX-License-Identifier: ISC
# A page of man/ documents several names: the .Nm lines of its NAME section.
# Writes, for each name but the page's own, a file of one line that points to
# the page; removes pointers whose page no longer has the name; and lists all
# pointers in man/aliases.mk.  Run it after adding a name; commit the result.
set -eu
cd "$(dirname "$0")/../man"

# Prints the names of a page.
names() {
	sed -n '/^\.Sh NAME/,/^\.Nd/s/^\.Nm \([A-Za-z0-9_-]*\).*/\1/p' "$1"
}

for page in man1/*.1 man3/*.3 man7/*.7; do
	test -f "$page" || continue
	read -r first <"$page" || :
	case $first in
	'.so '*)
		target=${first#.so }
		name=$(basename "${page%.*}")
		if ! { test -f "$target" && names "$target" | grep -qx "$name"; }; then
			rm -f "$page"
		fi
		;;
	*)
		section=${page##*.}
		own=$(basename "${page%.*}")
		names "$page" | while read -r name; do
			test "$name" = "$own" && continue
			pointer=man$section/$name.$section
			if test -f "$pointer" && ! grep -q '^\.so ' "$pointer"; then
				echo "$pointer is a page, yet $page has its name" >&2
				continue
			fi
			echo ".so $page" >"$pointer"
		done
		;;
	esac
done

{
	echo '# SPDX-License-Identifier: ISC'
	echo '# Written by build-aux/man-aliases.sh.'
	printf '%s\n' 'dist_man_MANS += \'
	find man1 man3 man7 -type f -name '*.[137]' 2>/dev/null | LC_ALL=C sort |
	while read -r page; do
		read -r first <"$page" || :
		case $first in
		'.so '*) printf '\tman/%s \\\n' "$page" ;;
		esac
	done
	printf '\t# EOL\n'
} >aliases.mk
