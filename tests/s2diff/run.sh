#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# tests/s2diff/run.sh [CPU [SEED [COUNT]]]: random stage-2 descriptors and
# accesses on QEMU's CPU, and the same through emu/mmu. TAP, a plan for each
# CPU. The image is booted at EL2 by itself, without Linux; it writes its
# cases by semihosting, which the checker reads.
set -eu
top=$(cd "$(dirname "$0")/../.." && pwd -P)
. "$top/host/lib.sh"
[ -n "${TSR_IN_ROOT:-}" ] || exec "$top/host/in-root" "$0" "$@"

cpus=${1:-max neoverse-n2 cortex-a710 cortex-a76 cortex-a57}
seed=${2:-1}
count=40000
[ -z "${TSR_FULL:-}" ] || count=300000
count=${3:-$count}

for cpu in $cpus; do
	machine=virt,virtualization=on
	case $cpu in
	max | neoverse-n2 | cortex-a710) machine=$machine,mte=on ;;
	esac
	timeout 300 qemu-system-aarch64 -nodefaults -display none -M "$machine" \
		-cpu "$cpu" -m 256M -kernel "$TSR_BUILD/s2diff/image" \
		-semihosting-config "enable=on,target=native,arg=cases,arg=$seed,arg=$count" \
		</dev/null |
		"$TSR_BUILD/s2diff/check" "$cpu" "$seed"
done
