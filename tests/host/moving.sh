#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# machines: all
# also: newest
# timeout: 240
dd if=/dev/zero of="$TSR_DISK/swap" bs=1M count=64 2>/dev/null
chmod 600 "$TSR_DISK/swap"
mkswap "$TSR_DISK/swap" >/dev/null && swapon "$TSR_DISK/swap" || echo "# no swap"
test-moving ${TSR_FULL:+5}
status=$?
swapoff "$TSR_DISK/swap" 2>/dev/null
rm -f "$TSR_DISK/swap"
exit $status
