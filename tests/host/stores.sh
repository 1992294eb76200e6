#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# The machine and its kernel keep what is stored while they swap: what the other tests that swap
# stand on (docs/testing.md, "Dirty state in QEMU").
# machines: all
# also: newest
dir=$TSR_DISK/stores
group=$dir/group/own

mkdir -p "$dir/group"
dd if=/dev/zero of="$dir/swap" bs=1M count=16 2>/dev/null
chmod 600 "$dir/swap"
if ! mount -t cgroup2 none "$dir/group" ||
	! echo +memory >"$dir/group/cgroup.subtree_control" || ! mkdir "$group" ||
	[ ! -e "$group/memory.reclaim" ]; then
	echo "1..0 # SKIP this kernel does not reclaim the memory of a group"
	exit 0
fi
mkswap "$dir/swap" >/dev/null && swapon "$dir/swap" || echo "# no swap"
sh -c 'echo $$ >"$0/cgroup.procs" && exec test-stores "$0" "$@"' "$group" "$@"
status=$?
swapoff "$dir/swap"
rmdir "$group"
umount "$dir/group"
rm -rf "$dir"
exit $status
