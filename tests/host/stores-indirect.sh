#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# That QEMU still loses dirty state with indirect permissions, for which these hosts go without
# (host/direct): when this fails, they need not. And a guest on a host that has them.
# machines: max
# only: full
# options: --indirect
sh "$(dirname "$0")/stores.sh" lost || exit
echo "1..1"
tessera run --mte --vcpus 2 /guest/tag-heap 100 2000 256 >/tmp/stores.out 2>&1 || printf 'not '
echo "ok 1 - a guest's heap beside indirect permissions of the host"
sed 's/^/# /' /tmp/stores.out
