#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# host/debug-kernel.sh: build a kernel with KASAN and lockdep from Debian's
# newest kernel source (trixie-backports) into $TSR_CACHE/debug-kernel, since
# Debian ships none: vmlinuz, release, and src/ and obj/ for building modules.
# Takes about seven minutes on two cores, once; a broken-off build goes on
# where it stopped. Remove the folder to move to a newer source.
set -eu
top=$(cd "$(dirname "$0")/.." && pwd -P)
. "$top/host/lib.sh"

dir=$TSR_CACHE/debug-kernel
config=$top/host/debug-kernel.config
if cmp -s "$config" "$dir/config" && [ -e "$dir/release" ]; then
	exit 0
fi
as_root "$@"
if [ -z "${TSR_IN_ROOT:-}" ]; then
	cat /etc/resolv.conf >"$root/etc/resolv.conf"
	exec flock "$TSR_CACHE/debug-kernel.lock" "$top/host/in-root" "$0" "$@"
fi
mkdir -p "$dir"
# What is there of another configuration has been pruned and cannot be built on.
cmp -s "$config" "$dir/config" || rm -rf "$dir/src" "$dir/obj" "$dir/config"
rm -f "$dir/release"
cd "$dir"

if [ ! -e busybox ]; then
	cp "$(kernel_dir newest)/busybox" busybox
fi
if [ ! -e src/.unpacked ]; then
	say "Fetching what builds the kernel's source."
	flock "$TSR_CACHE/root.lock" apt-get update -q=2
	flock "$TSR_CACHE/root.lock" apt-get install -q=2 -o "Dir::Cache::archives=$debs" \
		-o Dpkg::Use-Pty=0 --no-install-recommends \
		bc bison flex gcc libc6-dev libssl-dev >&2
fi
"$top/host/linux-source.sh" --to "$dir/src" >/dev/null

kmake()
{
	make -C src -s ARCH=arm64 CROSS_COMPILE=aarch64-linux-gnu- \
		CC=aarch64-linux-gnu-gcc-14 O="$dir/obj" "$@" >&2
}

if ! cmp -s "$config" config; then
	KCONFIG_ALLCONFIG=$config kmake allnoconfig
	cp "$config" config
fi
say "Building the debug kernel."
kmake -j2 Image modules
cp obj/arch/arm64/boot/Image vmlinuz
cp obj/include/config/kernel.release release

# Modules need headers, makefiles and tools only.
find obj -name '*.o' -size +1k ! -path 'obj/scripts/*' -delete
rm -rf src/Documentation src/drivers src/sound src/tools/testing obj/vmlinux.a
