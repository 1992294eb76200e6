# SPDX-License-Identifier: GPL-2.0-only OR MIT
# host.sh CKSUM: the demo's part on the emulated host. The file becomes page cache of
# ext4; then one command, the same on every host. Lines with @ are for run.sh.
cp /demo/ram /mnt/ram || exit 1
sync
echo "@kernel=$(uname -r)"
tessera run --mte --tags eager --timeline --stats --ram 64M \
	--ram 0x80000000:8M:file=/mnt/ram,private /guest/demo "$1" 2>&1
echo "@status=$?"
