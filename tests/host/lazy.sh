# SPDX-License-Identifier: GPL-2.0-only OR MIT
# Lazy tags beside fork, KSM, swap, PROT_MTE in the VMM, huge pages; tags in bulk of what is
# swapped out, and of huge pages.
# machines: all
# also: newest
# timeout: 120

# What is swapped to zram has left memory at once; a page on its way to a disk stays for long.
for module in zsmalloc lz4_compress lz4hc_compress zram; do
	[ ! -e /lib/modules/$module.ko ] || insmod /lib/modules/$module.ko
done
swap=/dev/zram0
if [ -b $swap ]; then
	echo 16M >/sys/block/zram0/disksize
else
	swap=$TSR_DISK/swap
	dd if=/dev/zero of="$swap" bs=1M count=16 2>/dev/null
	chmod 600 "$swap"
fi
mkswap "$swap" >/dev/null && swapon "$swap" || echo "# no swap"
echo 1 >/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages
abi lazyhost taghost
status=$?
echo 0 >/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages
swapoff "$swap" 2>/dev/null
rm -f "$TSR_DISK/swap"
exit $status
