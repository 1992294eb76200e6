#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# Private memory on a host: each way of others to it (private.c); what tessera inspect and tags
# say of it; what it is charged to, and what memory is left when there is too little of it, and
# when VMMs are killed while pages are converted.
# machines: max
# also: newest
# timeout: 300
# shellcheck source=tests/host/lib/tap.sh
. /tests/lib/tap.sh
# shellcheck source=tests/host/lib/uses.sh
. /tests/lib/uses.sh
rounds=6
[ -z "$TSR_FULL" ] || rounds=100
out=/tmp/private.out
group=/sys/fs/cgroup/private

figure() { sed -n "s/^$1=//p" "$out"; }
stat() { awk -v what="$1" '$1 == what { print $2 }' /proc/vmstat; }

# settled WHAT LEAST: so many pages of that are there again, soon; what is freed late counts.
# Of free pages some thousands come and go by themselves: lists of CPUs, page tables.
settled()
{
	tries=0
	sync
	until echo 3 >/proc/sys/vm/drop_caches && [ "$(stat "$1")" -ge "$2" ]; do
		[ $((tries += 1)) -lt 20 ] || return 1
		sleep 1
	done
}

# --- Others' ways to it ---

test-private "$TSR_DISK" >"$out" 2>&1
status=$?
grep -v '^1\.\.' "$out"
count=$(sed -n 's/^1\.\.//p' "$out")
count=${count:-0}
holds 'each way was tried' [ $status = 0 ]

# --- What is said of it ---

tessera caps >"$out" 2>&1
holds 'caps: what may be private' grep -q 'MEMORY_ATTRIBUTES .* PRIVATE ' "$out"
holds 'and what of that can be mapped' grep -q 'GUEST_MEMFD_FLAGS  *MMAP INIT_SHARED ' "$out"

tessera run --vcpus 2 --ram 32M --ram 0x80000000:4M --private 0x80000000:256k \
	/guest/touch 1 32 1 8000 >/dev/null 2>&1 &
vm=$!
tries=0
until tessera inspect --list $vm >"$out" 2>&1 && grep -q '0x80000000.*anonymous' "$out" &&
	grep -A 1 'slot 1' "$out" | grep -q 'mapped 128 KiB'; do
	[ $((tries += 1)) -lt 40 ] || break
	usleep 100000
done
holds 'inspect: how much is private' grep -q 'mapped 128 KiB.*private 256 KiB' "$out"
holds 'what of it is mapped, and what is not' grep -q ' 80000000  p\{32\}q\{32\}$' "$out"
holds 'and in the list' grep -q '^ *80000000 *80020000 .*private' "$out"
tessera inspect --svg "$out" $vm
holds 'and in a picture' grep -q 'mapped: private' "$out"
kill $vm
wait $vm 2>/dev/null

if tessera caps | grep -q 'ARM_MTE  *yes'; then
	tessera run --mte --ram 32M --ram 0x80000000:4M --private 0x80000000:1M \
		/guest/touch 3 8 1 8000 >/dev/null 2>&1 &
	vm=$!
	usleep 1500000
	tessera tags $vm >"$out" 2>&1
	holds 'tags: private pages are left out' [ $? = 0 ]
	holds 'and none are told of' grep -q 'tags in 0 pages of 1024' "$out"
	tessera tags --dump /tmp/private.tags $vm >"$out" 2>&1
	holds 'a dump is refused' [ $? = 114 ]
	holds 'and it says why' grep -q '256 pages of this VM are private' "$out"
	holds 'and there is none' [ ! -e /tmp/private.tags ]
	kill $vm
	wait $vm 2>/dev/null
fi

# --- Beside what else a VMM does ---

timeout 60 tessera run --ram 32M --ram 0x80000000:1M --private 0x80000000:1M \
	--watch 0x80000000:64k:rw --watch-every 0 /guest/touch 1 8 1 >"$out" 2>&1
holds 'private pages are watched' [ $? = 0 ]
holds 'and each is reported once' [ "$(grep -c '^watch:.* writes 0x8000' "$out")" = 8 ]
timeout 60 tessera run --private all --protect-text auto --on-text-fault inject /guest/text \
	>"$out" 2>&1
holds 'code is protected where all else is private' [ $? = 0 ]
timeout 5 tessera run --vcpus 2 --private all --on-reset reboot --timeline /guest/psci-reset \
	>"$out" 2>&1
holds 'a guest that resets is loaded again' [ "$(grep -c 'asks for a reset' "$out")" -ge 2 ]
truncate -s 4M "$TSR_DISK/private.file"
for options in "--private 0x90000000:4k" "--ram 4M:file=$TSR_DISK/private.file --private all" \
	"--lazy $TSR_DISK/private.file --private all"; do
	# shellcheck disable=SC2086 # a list of words
	tessera run $options /guest/hello >"$out" 2>&1
	holds "refused: ${options%%=*}" [ $? = 100 ]
	holds 'and it says why' grep -q -- '--private' "$out"
done
rm -f "$TSR_DISK/private.file"

# --- What the benchmark does, with little ---

for what in call-full-hide call-empty-share range-full-share range-empty-hide; do
	bench-private $what 8 >"$out" 2>&1
	holds "bench-private $what" grep -q "^$what-8 [1-9]" "$out"
done

# --- A memory cgroup ---

mkdir -p /sys/fs/cgroup
mount -t cgroup2 none /sys/fs/cgroup 2>"$out"
echo +memory >/sys/fs/cgroup/cgroup.subtree_control
mkdir -p $group

# confined LIMIT OPTION...: tessera run in the group, which has so much memory.
confined()
{
	echo "$1" >$group/memory.max
	shift
	(
		echo 0 >$group/cgroup.procs
		exec tessera run --stats "$@" >"$out" 2>&1 </dev/null
	)
}

emptied()
{
	tries=0
	until [ "$(cat $group/memory.current)" -le 4194304 ]; do
		[ $((tries += 1)) -lt 50 ] || return 1
		echo 64M >$group/memory.reclaim 2>/dev/null
		usleep 100000
	done
}

private='--ram 32M --ram 0x80000000:48M --private 0x80000000:48M'
if [ ! -e $group/memory.max ]; then
	skip 'memory cgroups' 'this kernel has none'
else
	before=$(stat nr_free_pages)
	file=$TSR_DISK/private.file
	dd if=/dev/zero of="$file" bs=1M count=64 2>/dev/null
	# shellcheck disable=SC2086 # a list of words
	confined 96M $private /guest/touch 1 12288 1
	holds 'a VM in a memory cgroup' [ $? = 0 ]
	holds 'its private memory is charged to that' \
		[ "$(cat $group/memory.peak)" -ge 50331648 ]
	holds 'and given back' emptied
	# Beside a file that wants all of it for the page cache.
	sh -c 'echo 0 >'$group'/cgroup.procs; while :; do cat "$1" >/dev/null; done' sh "$file" &
	reader=$!
	# shellcheck disable=SC2086
	confined 64M $private /guest/touch 1 12288 1
	holds 'beside a reader of files, in too little memory for both' [ $? = 0 ]
	kill $reader
	wait $reader 2>/dev/null
	# In too little for itself: the kernel kills it, with words that are no complaint here.
	dmesg -r | sed -n '/tessera host: up/,$p' >/tmp/private.dmesg
	dmesg -c >/dev/null
	# shellcheck disable=SC2086
	confined 24M $private /guest/touch 1 12288 1
	holds 'in too little memory for itself it is killed' [ $? = 137 ]
	dmesg >"$out"
	holds 'by the kernel, for that' grep -q 'Memory cgroup out of memory: Killed process' "$out"
	grep -E 'WARNING|BUG|Oops|Bad page|Unable to handle' "$out" >/tmp/private.bad
	holds 'which finds nothing wrong' [ ! -s /tmp/private.bad ]
	dmesg -c >/dev/null
	echo on >/proc/sys/kernel/printk_devkmsg
	while read -r line; do
		echo "$line" | sed 's/^\(<[0-9]*>\)\[[^]]*\] /\1/' >/dev/kmsg
	done </tmp/private.dmesg
	holds 'its memory is given back' emptied
	rm -f "$file"
	holds 'to the host, too' settled nr_free_pages $((before - 8192))
	rmdir $group
fi

# --- VMMs that are killed in the middle of conversions ---

victim()
{
	if [ $(($1 % 2)) = 0 ]; then
		exec tessera run --vcpus 4 --ram 32M --ram 0x80000000:4M --private all \
			/guest/private 1000000
	else
		# shellcheck disable=SC2086
		exec tessera run --vcpus 2 $private /guest/touch 1 12288 1 600000
	fi
}

idle=$(uses)
sync
echo 3 >/proc/sys/vm/drop_caches
free=$(stat nr_free_pages)
files=$(stat nr_file_pages)
killed=0 stuck=0
for round in $(seq $rounds); do
	victim "$round" >/dev/null 2>&1 &
	pid=$!
	usleep $((200000 + round * 7919 % 50 * 30000))
	kill -9 $pid 2>/dev/null && killed=$((killed + 1))
	wait $pid 2>/dev/null
	uses_back_to "$idle" || stuck=$((stuck + 1))
done
holds "$killed of $rounds VMMs were killed while they ran" [ $killed -ge $((rounds / 2)) ]
holds 'none of them leaves a use of the module' [ $stuck = 0 ]
holds 'their memory comes back' settled nr_free_pages $((free - 8192))
holds 'no page stays in a file of theirs' [ "$(stat nr_file_pages)" -le $((files + 64)) ]
tessera run --vcpus 4 --ram 32M --ram 0x80000000:4M --private all /guest/private >"$out" 2>&1
holds 'the next VM runs' [ $? = 0 ]
rm -f "$out" /tmp/private.*
echo "1..$count"
