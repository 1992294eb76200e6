#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# On the kernel's own KVM: a VM rests and goes on; its tags are refused with a reason.
# machines: stock
# timeout: 60
# shellcheck source=tests/host/lib/tap.sh
. /tests/lib/tap.sh
out=/tmp/tags-stock.out

tessera run --mte --vcpus 2 /guest/lazy 2 100000 >/dev/null 2>&1 </dev/null &
pid=$!
usleep 1500000
ends 0 '' 'pause' pause $pid
ends 114 'does not say which pages have tags' 'tags' tags $pid
ends 114 'does not say which pages have tags' 'a dump' tags --dump /tmp/tags-stock $pid
ends 0 '' 'resume' resume $pid
kill $pid
wait $pid
rm -f "$out"
echo "1..$count"
