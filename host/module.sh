#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# host/module.sh SERIES: build $TSR_BUILD/module/SERIES/tessera.ko for a stock
# kernel series (6.12, newest) or for the debug kernel (debug). Quick when
# nothing changed. The kernel's build system writes beside the sources, so it
# is given a copy of them, one for each kernel.
set -eu
top=$(cd "$(dirname "$0")/.." && pwd -P)
. "$top/host/lib.sh"

series=$1
kdir=$(kernel_headers "$series")
dir=$TSR_BUILD/module/$series
mkdir -p "$dir"

# Newer files only, so that make sees what changed; and none that is gone.
(cd "$top" && cp -Rpu Kbuild core module include "$dir")
(cd "$dir" && find core module include -name '*.[chS]') | while read -r file; do
	[ -e "$top/$file" ] || rm "$dir/$file"
done

# BTF would need the kernel's own vmlinux, which Debian does not ship.
exec "$top/host/in-root" make -C "$kdir" M="$dir" ARCH=arm64 -j2 -s \
	CROSS_COMPILE=aarch64-linux-gnu- CC=aarch64-linux-gnu-gcc-14 \
	CONFIG_DEBUG_INFO_BTF_MODULES= CONFIG_PAHOLE_VERSION=0 KCFLAGS="${TSR_KCFLAGS--Werror}" \
	modules >&2
