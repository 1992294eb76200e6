#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# A guest's tags, in memory of each kind and while it is promoted, when the host swaps all of it
# out over and over, and while attributes come and go: its own checks find nothing, none is lost.
# machines: max neoverse-n2
# timeout: 180
# shellcheck source=tests/host/lib/tap.sh
. /tests/lib/tap.sh
milliseconds=${TSR_FULL:+20000}
milliseconds=${milliseconds:-600}
dir=$TSR_DISK/tag-churn
group=$dir/group/vm
file=$dir/file
out=$dir/out
mkdir -p "$dir/group"

swapped_in()
{
	awk '$1 == "pswpin" { print $2 }' /proc/vmstat
}

# swaps WHAT OPTION...: a guest with that region 1, of which the kernel takes all it can get.
swaps()
{
	what=$1
	shift
	truncate -s 0 "$file" && truncate -s 8M "$file"
	before=$(swapped_in)
	sh -c 'echo $$ >"$0/cgroup.procs" && exec tessera run "$@"' "$group" --mte --vcpus 2 \
		"$@" /guest/tag-heap 100 "$milliseconds" 256 >"$out" 2>&1 &
	vm=$!
	while kill -0 $vm 2>/dev/null; do
		echo 32M 2>/dev/null >"$group/memory.reclaim"
		usleep 50000
	done
	wait $vm
	status=$?
	echo "status $status" >>"$out"
	result $status "$what: the guest finds all as it should be"
	pages=$(($(swapped_in) - before))
	[ $pages -gt 20 ]
	result $? "$what: pages came back from swap"
	echo "# $pages of them"
}

for module in zsmalloc lz4_compress lz4hc_compress zram; do
	[ ! -e /lib/modules/$module.ko ] || insmod /lib/modules/$module.ko
done
if ! mount -t cgroup2 none "$dir/group" ||
	! echo +memory >"$dir/group/cgroup.subtree_control" || ! mkdir "$group" ||
	[ ! -e "$group/memory.reclaim" ]; then
	echo "1..0 # SKIP this kernel does not reclaim the memory of a group"
	exit 0
fi
echo 32M >/sys/block/zram0/disksize
mkswap /dev/zram0 >/dev/null && swapon /dev/zram0 || echo "# no swap"

low="--ram 32M --ram 0x80000000:8M"
# shellcheck disable=SC2086 # lists of words
{
	swaps "anonymous memory" $low
	swaps "a memfd, tags at once" --tags eager $low:memfd
	swaps "a file's pages, made the VM's own" $low:file=$file,private
	swaps "a memfd, and its pages are watched" --watch 0x80100000:0x200000:rw \
		--watch-every 100 $low:memfd
	swaps "a shared file, promoted" $low:file=$file,exclusive
}
# shellcheck disable=SC2086
[ -z "$TSR_FULL" ] || {
	swaps "a file's pages, promoted alone" --tags eager --promote-unit page \
		$low:file=$file,private
}
echo "1..$count"

swapoff /dev/zram0
rmdir "$group"
umount "$dir/group"
rm -rf "$dir"
