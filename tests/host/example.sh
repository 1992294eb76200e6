#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# The VMM of docs/abi.md, as it is printed there, with a guest that uses tags in
# the page cache of a file.
# machines: max neoverse-n2
file=$TSR_DISK/example
truncate -s 17M "$file"
example-minimal /guest/example.bin "$file"
status=$?
rm -f "$file"
exit $status
