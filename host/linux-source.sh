#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# host/linux-source.sh [--to FOLDER] [--series S] [PATH...]: unpack Debian's newest
# kernel source (trixie-backports), or that of series S (7.2), or only the PATHs asked
# for, and print its folder: FOLDER, or $TSR_CACHE/linux-source, which all share and
# nobody writes to: no series is asked for there.
#
# The package (170 MB) is fetched once. What is there stays: remove it from
# $TSR_CACHE/debs, and the folder, to move to a newer source. All of the source
# takes 1.7 GB; a few PATHs take as long, but little room.
set -eu
top=$(cd "$(dirname "$0")/.." && pwd -P)
. "$top/host/lib.sh"

asked=$*
dir=$TSR_CACHE/linux-source
if [ "${1:-}" = --to ]; then
	dir=$2
	shift 2
fi
series=
if [ "${1:-}" = --series ]; then
	series=$2
	shift 2
fi

# missing PATH...: those that are not unpacked yet; "." is all of the source.
missing()
{
	grep -qsx '\.' "$dir/.unpacked" && return
	for path; do
		grep -qsxF "$path" "$dir/.unpacked" || echo "$path"
	done
}

[ $# -gt 0 ] || set -- .
if [ -z "$(missing "$@")" ]; then
	echo "$dir"
	exit 0
fi
# shellcheck disable=SC2086 # the words that were given, which hold no blanks
as_root $asked
if [ -z "${TSR_IN_ROOT:-}" ]; then
	cat /etc/resolv.conf >"$root/etc/resolv.conf"
	# shellcheck disable=SC2086
	exec "$top/host/in-root" "$0" $asked
fi
exec 9>"$TSR_CACHE/linux-source.lock"
flock 9

# package: the newest source package that is here, of the series if one is asked for.
package()
{
	find "$debs" -maxdepth 1 -name "linux-source-${series:-*}_*.deb" | sort -V | tail -n 1
}

if [ -z "$(package)" ]; then
	say "Fetching the kernel's source (170 MB)."
	flock "$TSR_CACHE/root.lock" apt-get update -q=2
	name=linux-source-$series
	[ -n "$series" ] || name=$(apt-cache depends linux-source/trixie-backports |
		sed -n 's/.*Depends: //p' | head -n 1)
	(cd "$debs" && apt-get download -q=2 -o APT::Sandbox::User=root "$name")
fi

paths=$(missing "$@")
if [ -n "$paths" ]; then
	deb=$(package)
	name=${deb##*/}
	name=${name%%_*}
	mkdir -p "$dir"
	members=$name
	[ "$paths" = . ] || members=$(echo "$paths" | sed "s|^|$name/|")
	# shellcheck disable=SC2086 # a list of words
	dpkg --fsys-tarfile "$deb" | tar -xO "./usr/src/$name.tar.xz" |
		tar -xJ -C "$dir" --strip-components 1 $members
	echo "$paths" >>"$dir/.unpacked"
fi
echo "$dir"
