#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# A VMM that is killed in the middle of a run leaves nothing behind: no use of
# the module, no memory, and a host on which the next VM runs.
# machines: all
# also: newest
# timeout: 900
# shellcheck source=tests/host/lib/uses.sh
. /tests/lib/uses.sh
rounds=20
[ -z "$TSR_FULL" ] || rounds=200

available()
{
	sync
	echo 3 >/proc/sys/vm/drop_caches
	awk '/^MemAvailable/ { print $2 }' /proc/meminfo
}

# Two sorts of victims: one that promotes under four vCPUs and a writer (where
# there is MTE; elsewhere it ends by itself), one that exits all the time.
victim()
{
	if [ $(($1 % 3)) = 0 ]; then
		exec tessera run --vcpus 2 /guest/exits 1000000000
	else
		exec test-promote "$TSR_DISK" forever
	fi
}

idle=$(uses)
sleep 1
before=$(available)
killed=0
stuck=0
for round in $(seq "$rounds"); do
	victim "$round" >/dev/null 2>&1 &
	pid=$!
	# From start-up (20 ms) to well into the run, another moment each time.
	usleep $((20000 + round * 7919 % 50 * 30000))
	kill -9 "$pid" 2>/dev/null && killed=$((killed + 1))
	wait "$pid" 2>/dev/null
	rm -f "$TSR_DISK"/promote.*
	uses_back_to "$idle" || stuck=$((stuck + 1))
done
# The last pages of a process are given back late, by deferred work.
after=$(available)
tries=0
while [ $((before - after)) -ge 32768 ] && [ $tries -lt 20 ]; do
	sleep 1
	after=$(available)
	tries=$((tries + 1))
done

echo 1..4
next_runs() { tessera run /guest/hello >/dev/null; }
result() { if "$@"; then echo "ok $n - $what"; else echo "not ok $n - $what"; fi; }
n=1 what="$killed of $rounds VMMs were killed while they ran"
result [ "$killed" -ge $((rounds / 4)) ]
n=2 what="none of them leaves a use of the module ($stuck did)"
result [ "$stuck" = 0 ]
n=3 what="memory comes back ($before KiB before, $after after)"
result [ $((before - after)) -lt 32768 ]
n=4 what="the next VM runs"
result next_runs
