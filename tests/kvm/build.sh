#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# tests/kvm/build.sh: build KVM's selftests for arm64, unmodified and static, from
# Debian's source of the newest kernel that is set up, into $TSR_CACHE/kvmtests,
# once; print the folder. A program a test; its name is the test's.
set -eu
top=$(cd "$(dirname "$0")/../.." && pwd -P)
. "$top/host/lib.sh"

release=$(kernel_release newest)
minor=${release#*.}
series=${release%%.*}.${minor%%.*}
dir=$TSR_CACHE/kvmtests/$series
src=$dir/.source

if [ -z "${TSR_IN_ROOT:-}" ]; then
	mkdir -p "$dir"
	exec 9>"$dir/.lock"
	flock 9
	[ -e "$dir/.done" ] ||
		"$top/host/linux-source.sh" --to "$src" --series "$series" \
			Makefile Kbuild scripts include arch/arm64 tools usr >/dev/null
	exec "$top/host/in-root" "$0"
fi

kmake()
{
	make -s -j2 ARCH=arm64 CROSS_COMPILE=aarch64-linux-gnu- \
		CC=aarch64-linux-gnu-gcc-14 "$@" >&2
}

if [ ! -e "$dir/.done" ]; then
	say "Building KVM's selftests of Linux $series."
	kmake -C "$src" headers
	kmake -C "$src/tools/testing/selftests/kvm" LDFLAGS=-static
	find "$src/tools/testing/selftests/kvm" -type f -perm -100 ! -name '*.sh' \
		-exec cp {} "$dir" \;
	aarch64-linux-gnu-strip "$dir"/*
	rm -r "$src"
	touch "$dir/.done"
fi
echo "$dir"
