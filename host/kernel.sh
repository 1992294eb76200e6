#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# host/kernel.sh SERIES: put Debian's stock arm64 cloud kernel of a series into
# $TSR_CACHE/kernel/SERIES (vmlinuz, modules/, busybox, release) and its headers into
# the root at /usr/src, where their Makefiles expect to be.
#
# SERIES is 6.12 (Debian 13's own) or newest (the newest in its backports). A
# series is pinned, a point version is not: the archive drops old ones. What is
# there stays; remove the folder to move to the newest point version.
set -eu
top=$(cd "$(dirname "$0")/.." && pwd -P)
. "$top/host/lib.sh"

series=$1
dir=$TSR_CACHE/kernel/$series
case $series in
6.12) versions='6\.12\.' ;;
newest) versions= ;;
*) die "Unknown kernel series $series; there are: 6.12 newest." ;;
esac

if [ -e "$dir/release" ] &&
	[ -e "$root/usr/src/linux-headers-$(cat "$dir/release")" ]; then
	exit 0
fi
as_root "$@"
if [ -z "${TSR_IN_ROOT:-}" ]; then
	mkdir -p "$TSR_CACHE/kernel"
	cat /etc/resolv.conf >"$root/etc/resolv.conf"
	exec flock "$TSR_CACHE/root.lock" "$top/host/in-root" "$0" "$@"
fi

# The metapackage of each version names the package of the real kernel.
meta=linux-image-cloud-arm64:arm64
apt-get update -q=2
version=$(apt-cache madison "$meta" | tr -d ' ' | cut -d '|' -f 2 |
	grep "^$versions" | sort -V | tail -n 1)
[ -n "$version" ] || die "The archive has no arm64 cloud kernel of series $series."
release=$(apt-cache show "$meta=$version" |
	sed -n 's/^Depends:.* linux-image-\([0-9][^ ]*\).*/\1/p' | head -n 1)
[ -n "$release" ] || die "The package $meta $version names no kernel."
abi=${release%-cloud-arm64}
say "Fetching the stock kernel $release (60 MB)."

# Kernels after 6.19 keep image and modules in packages of their own.
images=linux-image-$release:arm64
if apt-cache show "$images" | grep -q '^Depends:.* linux-binary-'; then
	images="linux-binary-$release:arm64 linux-modules-$release:arm64"
fi
headers="linux-headers-$release:arm64 linux-headers-$abi-common
linux-kbuild-$abi"

# unpack FOLDER PACKAGE...: downloads what is not there yet.
unpack()
{
	dest=$1
	shift
	for package; do
		(cd "$debs" && apt-get download -q=2 -o APT::Sandbox::User=root "$package")
		for deb in "$debs/${package%:*}"_*.deb; do
			newest=$deb
		done
		dpkg -x "$newest" "$dest"
	done
}

work=$dir.tmp
rm -rf "$work" "$dir"
mkdir -p "$work"
# shellcheck disable=SC2086 # lists of words
{
	unpack / $headers
	unpack "$work" $images busybox-static:arm64
}
for modules in "$work/lib/modules" "$work/usr/lib/modules"; do
	if [ -d "$modules" ]; then
		mv "$modules/$release" "$work/modules"
	fi
done
for vmlinuz in "$work/boot/vmlinuz-$release" "$work/modules/vmlinuz"; do
	if [ -e "$vmlinuz" ]; then
		mv "$vmlinuz" "$work/vmlinuz"
	fi
done
mv "$work/usr/bin/busybox" "$work/busybox"
[ -e "$work/vmlinuz" ] && [ -d "$work/modules/kernel" ] || die "\
The packages $images hold no vmlinuz or no modules where expected."
rm -rf "${work:?}/boot" "${work:?}/lib" "${work:?}/usr"
echo "$release" >"$work/release"
mv "$work" "$dir"
