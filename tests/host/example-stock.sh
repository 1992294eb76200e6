#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# The stock kernel's own KVM refuses the memory of that VMM.
# machines: stock
file=$TSR_DISK/example
truncate -s 17M "$file"
echo 1..1
if example-minimal /guest/example.bin "$file" 2>&1 | grep 'slot 1: Invalid argument'; then
	echo "ok 1 - MTE over page cache is refused with EINVAL"
else
	echo "not ok 1 - MTE over page cache is refused with EINVAL"
fi
rm -f "$file"
