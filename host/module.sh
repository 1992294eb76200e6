#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# host/module.sh SERIES [FOLDER]: build $TSR_BUILD/module/SERIES/tessera.ko for a
# stock kernel series (6.12, newest) or for the debug kernel (debug); or the module
# of FOLDER, into $TSR_BUILD/module/SERIES/FOLDER. Quick when nothing changed. The
# kernel's build system writes beside the sources, so it is given a copy of them,
# one for each kernel.
set -eu
top=$(cd "$(dirname "$0")/.." && pwd -P)
. "$top/host/lib.sh"

series=$1
folder=${2:-.}
kdir=$(kernel_headers "$series")
dir=$TSR_BUILD/module/$series/$folder
parts='Kbuild core module include'
[ "$folder" = . ] || parts=$(cd "$top/$folder" && echo Kbuild ./*.[ch])
mkdir -p "$dir"

# Newer files only, so that make sees what changed; and none that is gone. They get the time of
# now: a file that is edited during a build is newer than what that build made of it.
# shellcheck disable=SC2086 # a list of files
(cd "$top/$folder" && cp -Ru $parts "$dir")
# shellcheck disable=SC2086
(cd "$dir" && find $parts -name '*.[chS]') | while read -r file; do
	[ -e "$top/$folder/$file" ] || rm "$dir/$file"
done

# BTF would need the kernel's own vmlinux, which Debian does not ship.
exec "$top/host/in-root" make -C "$kdir" M="$dir" ARCH=arm64 -j2 -s \
	CROSS_COMPILE=aarch64-linux-gnu- CC=aarch64-linux-gnu-gcc-14 \
	CONFIG_DEBUG_INFO_BTF_MODULES= CONFIG_PAHOLE_VERSION=0 KCFLAGS="${TSR_KCFLAGS--Werror}" \
	modules >&2
