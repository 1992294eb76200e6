#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# The ways of a VMM to memory with tags, beside a heap of its own that is checked;
# then libtessera and the command with such a heap, whatever they do to the guest's memory.
# machines: max
# timeout: 180
export GLIBC_TUNABLES=glibc.mem.tagging=3
test-ways "$TSR_DISK" || exit
test-promote "$TSR_DISK" || exit

count=0
ram=$TSR_DISK/ways.ram
out=/tmp/ways.out
truncate -s 8M "$ram"

# passes WHAT OPTION...: tessera run ends with status 0, and so does each test of the guest.
passes()
{
	what=$1
	shift
	count=$((count + 1))
	if timeout 60 tessera run "$@" >"$out" 2>&1 </dev/null && ! grep -q '^not ok' "$out"; then
		echo "ok $count - with a checked heap: $what"
	else
		echo "not ok $count - with a checked heap: $what"
		tail -n 20 "$out" | sed 's/^/# /'
	fi
}

passes 'promotion while the guest checks' --mte --vcpus 4 --stats --timeline --ram 32M \
	--ram "0x80000000:8M:file=$ram,private" /guest/tag-smp
passes 'tag check faults of the guest' --mte --ram 32M /guest/tag-check
passes 'memory that arrives and is watched' --mte --vcpus 4 --ram 32M --lazy "$ram" \
	--ram 0x80000000:8M:memfd --watch 0x80000000:4M:rwx --watch-every 50 /guest/tag-smp
tessera run --mte /guest/lazy 2 3000 >/dev/null 2>&1 &
passes 'another run beside it' --mte /guest/tag-basic
count=$((count + 1))
tessera inspect --svg "$out" $! && tail -n 1 "$out" | grep -q '</svg>' ||
	printf 'not '
echo "ok $count - with a checked heap: tessera inspect"
wait
rm -f "$ram" "$out"
echo "1..$count"
