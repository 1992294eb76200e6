#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# host/module.sh SERIES [FOLDER]: build $TSR_BUILD/module/SERIES/tessera.ko for a
# stock kernel series (6.12, newest) or for the debug kernel (debug), and direct.ko, which
# every emulated host has; or the module of FOLDER alone, into $TSR_BUILD/module/SERIES/FOLDER.
# Quick when nothing changed. The kernel's build system writes beside the sources, so it is
# given a copy of them, one for each kernel.
set -eu
top=$(cd "$(dirname "$0")/.." && pwd -P)
. "$top/host/lib.sh"

series=$1
kdir=$(kernel_headers "$series")

# build FOLDER PART...: the parts are what there is to copy of it.
build()
{
	folder=$1
	dir=$TSR_BUILD/module/$series/$folder
	shift
	mkdir -p "$dir"

	# Newer files only, so that make sees what changed; and none that is gone. They get the
	# time of now: a file that is edited during a build is newer than what that build made.
	(cd "$top/$folder" && cp -Ru "$@" "$dir")
	(cd "$dir" && find "$@" -name '*.[chS]') | while read -r file; do
		[ -e "$top/$folder/$file" ] || rm "$dir/$file"
	done

	# BTF would need the kernel's own vmlinux, which Debian does not ship.
	"$top/host/in-root" make -C "$kdir" M="$dir" ARCH=arm64 -j2 -s \
		CROSS_COMPILE=aarch64-linux-gnu- CC=aarch64-linux-gnu-gcc-14 \
		CONFIG_DEBUG_INFO_BTF_MODULES= CONFIG_PAHOLE_VERSION=0 \
		KCFLAGS="${TSR_KCFLAGS--Werror}" modules >&2
}

if [ $# = 1 ]; then
	build . Kbuild core module include
	set -- "$series" host/direct
fi
# shellcheck disable=SC2046 # a list of files
build "$2" $(cd "$top/$2" && echo Kbuild ./*.[ch])
