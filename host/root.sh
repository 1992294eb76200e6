#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# host/root.sh: make $TSR_CACHE/root, the Debian 13 root with every tool, or
# bring an existing one up to this recipe. Cheap when there is nothing to do.
#
# A root appears under its name only when it is complete; a later change of the
# package list is installed into it in place. Packages are kept in
# $TSR_CACHE/debs as they arrive, so none comes over the network twice.
set -eu
top=$(cd "$(dirname "$0")/.." && pwd -P)
. "$top/host/lib.sh"

suite=trixie
keyring=/usr/share/keyrings/debian-archive-keyring.gpg

# Compilers and libraries for this machine, the emulator, what checks the
# code, what packs images, and the libraries of the kernel's own build tools.
packages="gcc-14 libc6-dev make pkgconf libcmocka-dev liburcu-dev libfdt-dev
libzstd-dev liblz4-dev clang llvm libclang-rt-dev clang-format valgrind libc6-dbg cbmc
shellcheck gdb-multiarch qemu-system-arm cpio gzip xz-utils e2fsprogs file
ca-certificates libelf1t64 libssl3t64 zlib1g-dev"

native=$(dpkg --print-architecture 2>/dev/null) || die "\
There is no dpkg here. The emulated machine is made of Debian packages: run
this on Debian 12 or 13."
case $native in
amd64)
	arches=amd64,arm64
	packages="$packages gcc-14-aarch64-linux-gnu libc6-dev-arm64-cross
libc6-dev:arm64 libfdt-dev:arm64 libzstd-dev:arm64 liburcu-dev:arm64
libcmocka-dev:arm64 zlib1g-dev:arm64"
	;;
arm64)
	arches=arm64
	;;
*)
	die "The build machine must be amd64 or arm64; this one is $native."
	;;
esac
packages=$(echo $packages)

# Where this machine gets its own packages from is where the root's come from.
# apt_site RELEASE: the base URI of that release, or nothing.
apt_site()
{
	apt-get indextargets --format '$(SITE) $(RELEASE) $(COMPONENT)' |
		sed -n "s|^\([^ ]*\) $1 main\$|\1|p" | head -n 1 |
		while read -r site; do
			case $site in
			mirror+file:*) sed 1q "${site#mirror+file:}" ;;
			*) echo "$site" ;;
			esac
		done
}

# How it is reached (a proxy, a mirror frozen in time) belongs to that.
apt_settings()
{
	apt-config dump | grep -E \
		'^Acquire::(https?::.*Proxy|Check-Valid-Until|Check-Date|Retries) '
}

no_root()
{
	tail -n 20 "$TSR_CACHE/root.log" >&2
	die "\
The Debian root could not be built; the reason stands above. What was
downloaded is kept, so trying again costs little. If a signature was refused,
update the package debian-archive-keyring."
}

build_root()
{
	. /etc/os-release
	main=$(apt_site "$VERSION_CODENAME")
	if [ -z "$main" ]; then
		# apt speaks only of archives whose index it has fetched.
		apt-get update -q >&2
		main=$(apt_site "$VERSION_CODENAME")
	fi
	[ -n "$main" ] || die "\
apt on this machine names no Debian archive for $VERSION_CODENAME; the root is
built from the same archive. Add one to /etc/apt/sources.list."
	security=$(apt_site "$VERSION_CODENAME-security")

	if ! command -v mmdebstrap >/dev/null; then
		say "Installing mmdebstrap, which unpacks the Debian root."
		apt-get install -y -q --no-install-recommends mmdebstrap \
			debian-archive-keyring >&2
	fi

	say "Building the Debian 13 root in $root (about a minute and 350 MB)."
	work=$TSR_CACHE/root.tmp
	rm -rf --one-file-system "$work"
	apt_settings >"$TSR_CACHE/apt.conf" || :
	cat >"$TSR_CACHE/preferences" <<-EOT
	Explanation: older versions cannot refuse tag accesses by page
	Package: src:qemu
	Pin: release n=$suite-backports
	Pin-Priority: 990
	EOT
	{
		from="deb [signed-by=$keyring]"
		echo "$from $main $suite main"
		echo "$from $main $suite-updates main"
		echo "$from $main $suite-backports main"
		[ -z "$security" ] || echo "$from $security $suite-security main"
	} >"$TSR_CACHE/sources.list"

	# shellcheck disable=SC2016 # $1 and the rest are for mmdebstrap's hook
	mmdebstrap --mode=root --variant=apt --architectures="$arches" \
		--keyring="$keyring" --aptopt="$TSR_CACHE/apt.conf" \
		--aptopt='Acquire::Languages "none"' \
		--dpkgopt=force-unsafe-io --dpkgopt='path-exclude=/usr/share/man/*' \
		--skip=download/empty --skip=essential/unlink --skip=cleanup/apt \
		--setup-hook='cp "$TSR_CACHE/preferences" "$1/etc/apt/preferences.d/tessera"
			mkdir -p "$1/var/cache/apt/archives"
			mount --bind "$TSR_CACHE/debs" "$1/var/cache/apt/archives"' \
		--include="$(echo "$packages" | tr ' ' ,)" \
		"$suite" "$work" - <"$TSR_CACHE/sources.list" \
		>"$TSR_CACHE/root.log" 2>&1 || no_root
	umount "$work/var/cache/apt/archives"
	rm "$TSR_CACHE/apt.conf" "$TSR_CACHE/preferences" \
		"$TSR_CACHE/sources.list" "$TSR_CACHE/root.log"
	echo "$packages" >"$work/.tessera"
	mv "$work" "$root"
}

extend_root()
{
	say "Installing the packages that were added to the recipe of $root."
	packages=$(cat "$root/.tessera" && echo "$packages")
	packages=$(echo "$packages" | tr " " "\n" | sort -u | tr "\n" " ")
	cat /etc/resolv.conf >"$root/etc/resolv.conf"
	"$top/host/in-root" apt-get update -q >&2
	# shellcheck disable=SC2086 # a list of words
	"$top/host/in-root" apt-get install -y -q --no-install-recommends \
		-o "Dir::Cache::archives=$debs" $packages >&2
	echo "$packages" >"$root/.tessera"
}

# Other work trees may share the cache and have added packages of their own.
current()
{
	have=" $(cat "$root/.tessera" 2>/dev/null) "
	for package in $packages; do
		case $have in
		*" $package "*) ;;
		*) return 1 ;;
		esac
	done
}

if current; then
	exit 0
fi
as_root "$@"
if [ "${1:-}" != --locked ]; then
	exec unshare -m flock "$TSR_CACHE/root.lock" "$0" --locked
fi
mkdir -p "$debs/partial"
if current; then
	exit 0
elif [ -d "$root" ]; then
	extend_root
else
	build_root
fi
