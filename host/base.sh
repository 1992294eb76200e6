#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# host/base.sh SERIES: the part of the initramfs that does not change from run
# to run, $TSR_BUILD/host/SERIES.cpio: busybox and the kernel's own modules
# that the machine needs. Runs inside the root.
set -eu
top=$(cd "$(dirname "$0")/.." && pwd -P)
. "$top/host/lib.sh"

series=$1
kernel=$(kernel_dir "$series")
out=$TSR_BUILD/host/$series.cpio

# virtio_blk is needed to boot; the others are for networks, VFIO, and swap in memory.
modules="drivers/block/virtio_blk net/core/failover
drivers/net/net_failover drivers/net/virtio_net drivers/vfio/vfio
drivers/vfio/vfio_iommu_type1 drivers/vfio/pci/vfio-pci-core drivers/vfio/pci/vfio-pci
mm/zsmalloc lib/lz4/lz4_compress lib/lz4/lz4hc_compress drivers/block/zram/zram"

if [ -n "$(find "$out" -newer "$0" -newer "$kernel/release" 2>/dev/null)" ]; then
	exit 0
fi
mkdir -p "$TSR_BUILD/host"
stage=$(mktemp -d "$TSR_BUILD/host/XXXXXX")
trap 'rm -rf "$stage"' EXIT
mkdir -p "$stage/bin" "$stage/lib/modules" "$stage/dev" \
	"$stage/proc" "$stage/sys" "$stage/tmp" "$stage/mnt" "$stage/etc" \
	"$stage/guest" "$stage/root"
cp "$kernel/busybox" "$stage/bin/busybox"
ln -s busybox "$stage/bin/sh"
ln -s bin "$stage/sbin"
for module in $modules; do
	if [ -e "$kernel/modules/kernel/$module.ko.xz" ]; then
		xz -dc "$kernel/modules/kernel/$module.ko.xz" \
			>"$stage/lib/modules/${module##*/}.ko"
	fi
done
(cd "$stage" && find . | cpio -o -H newc -R 0:0 --quiet) >"$stage.cpio"
mv "$stage.cpio" "$out"
