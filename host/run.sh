#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# host/run.sh [OPTION]... -- SHELL-COMMAND: boot an emulated arm64 host, load
# tessera.ko, run the command there with its output on stdout, unload, check,
# power off. host/README.md lists the options.
#
# The status is the command's, or one of these with a sentence on stderr:
#	120  the host did not come up, or tessera.ko did not load
#	121  it took longer than --timeout
#	122  the kernel died under the command
#	123  the command was fine, but the kernel complained or something was left
# Builds nothing: ./dev build does. Files reach the host in its initramfs.
set -eu
top=$(cd "$(dirname "$0")/.." && pwd -P)
. "$top/host/lib.sh"
[ -n "${TSR_IN_ROOT:-}" ] || exec "$top/host/in-root" "$0" "$@"

die_status=120
cpu=max
kernel=6.12
stock=
module=1
shell=
smp=
mem=
icount=
limit=300
log=
extra=
testdev=
vfio=
indirect=
job=

usage()
{
	die "usage: host/run.sh [--cpu M] [--kernel 6.12|newest] [--stock | --debug]
	[--smp N] [--mem SIZE] [--icount] [--timeout SECONDS] [--no-module]
	[--indirect] [--test-device] [--vfio DEVICE] [--file PATH[:DEST]]...
	[--append TEXT] [--qemu TEXT] [--log PATH] --shell | -- SHELL-COMMAND"
}

mkdir -p "$TSR_BUILD/run"
work=$(mktemp -d "$TSR_BUILD/run/XXXXXX")
qemu=
stop()
{
	[ -z "$qemu" ] || kill "$qemu" 2>/dev/null || :
	rm -rf "$work"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

stage=$work/stage
mkdir -p "$stage/etc"

# stage_file PATH[:DEST]: the default DEST is /root/NAME.
stage_file()
{
	path=${1%%:*}
	dest=/root/${path##*/}
	case $1 in
	*:*) dest=${1#*:} ;;
	esac
	[ -e "$path" ] || die "\
There is no $path inside the Debian root; files for the host must be under the
repository, the build folder or /tmp."
	mkdir -p "$stage$(dirname "$dest")"
	cp -RL "$path" "$stage$dest"
}

append=
while [ $# -gt 0 ]; do
	case $1 in
	--cpu) cpu=$2 && shift ;;
	--kernel) kernel=$2 && shift ;;
	--stock) stock=1 module= ;;
	--debug) kernel=debug mem=${mem:-2G} ;;
	--smp) smp=$2 && shift ;;
	--mem) mem=$2 && shift ;;
	--icount) icount=1 ;;
	--timeout) limit=$2 && shift ;;
	--no-module) module= ;;
	--indirect) indirect=1 ;;
	--test-device) testdev=1 ;;
	--vfio) vfio=$2 && shift ;;
	--file) stage_file "$2" && shift ;;
	--append) append="$append $2" && shift ;;
	--qemu) extra="$extra $2" && shift ;;
	--log) log=$2 && shift ;;
	--shell) shell=1 ;;
	--)
		shift
		job=$*
		break
		;;
	*) usage ;;
	esac
	shift
done
[ -n "$job$shell" ] || usage
mem=${mem:-1G}

# Tags need a machine option where the CPU has them, and only there; the
# counter runs at one rate on all; PAuth by QEMU's own hash is far faster.
machine=virt,virtualization=on,gic-version=3
model=$cpu,cntfrq=62500000
case $cpu in
max | neoverse-n2 | cortex-a710)
	machine=$machine,mte=on
	model=$model,pauth-impdef=on
	;;
esac

# The last 64 MiB of memory are kept from the kernel: the test device has them.
if [ -n "$testdev" ]; then
	bytes=$(numfmt --from=iec "$mem")
	append="$append mem=$((bytes - (64 << 20)))"
	cp "$TSR_BUILD/module/$kernel/tests/device/testdev.ko" "$stage/testdev.ko" ||
		die "Build the test device first: host/module.sh $kernel tests/device."
	echo "start=$(((1 << 30) + bytes - (64 << 20))) size=$((64 << 20))" \
		>"$stage/etc/testdev"
fi
if [ -n "$vfio" ]; then
	machine=$machine,iommu=smmuv3
	extra="$extra -device $vfio"
fi

clock=
if [ -n "$icount" ]; then
	[ "${smp:-1}" = 1 ] || die "--icount counts on one CPU only; leave --smp away."
	smp=1
	clock="-icount shift=0,sleep=off"
fi

release=$(kernel_release "$kernel")
dir=$(kernel_dir "$kernel")
ko=$TSR_BUILD/module/$kernel/tessera.ko
if [ -e "$ko" ]; then
	cp "$ko" "$stage/tessera.ko"
elif [ -n "$module" ]; then
	die "There is no tessera.ko for $kernel ($release). Run ./dev build first."
fi

# Without it QEMU loses what is stored while the host swaps: host/direct/direct.c.
if [ -z "$indirect" ]; then
	cp "$TSR_BUILD/module/$kernel/host/direct/direct.ko" "$stage/direct.ko" ||
		die "There is no direct.ko for $kernel ($release). Run ./dev build first."
fi

line="console=ttyAMA0 loglevel=4 log_buf_len=4M panic=-1 oops=panic$append"
[ -n "$stock" ] || line="$line kvm-arm.mode=none"
printf '%s\n' "$job" >"$stage/etc/job"
size=$(stty size 2>/dev/null </dev/tty || echo 24 80)
cat >"$stage/etc/job.env" <<EOT
export TSR_CPU=$cpu TSR_KERNEL=$kernel TSR_STOCK=$stock TSR_DISK=/mnt
JOB_MODULE=$module JOB_SHELL=$shell JOB_TERM=${TERM:-vt100}
JOB_ROWS=${size% *} JOB_COLUMNS=${size#* }
EOT
install -m 755 "$top/host/init" "$stage/init"

# Archives one after the other are one to the kernel.
pack()
{
	(cd "$1" && find . | cpio -o -H newc -R 0:0 --quiet)
}

sh "$top/host/base.sh" "$kernel"
{
	cat "$TSR_BUILD/host/$kernel.cpio"
	for made in bin guest; do
		if [ -d "$TSR_BUILD/$made" ]; then
			(cd "$TSR_BUILD" && find "$made" ! -name '*.d' |
				cpio -o -H newc -R 0:0 --quiet)
		fi
	done
	pack "$stage"
} >"$work/initrd"
truncate -s 512M "$work/disk"
mke2fs -q -t ext4 -E lazy_itable_init=1 "$work/disk"

if [ -n "$shell" ]; then
	serial="-serial mon:stdio"
	limit=0
else
	serial="-serial file:$work/console
		-chardev stdio,id=job,signal=off,mux=off -serial chardev:job"
fi

# shellcheck disable=SC2086 # options are lists of words
set -- timeout --foreground -k 5 "$limit" qemu-system-aarch64 -nodefaults \
	-display none -no-reboot -M "$machine" -cpu "$model" -smp "${smp:-2}" \
	-m "$mem" $clock $serial -kernel "$dir/vmlinuz" -initrd "$work/initrd" \
	-append "$line" \
	-drive "if=none,id=disk,format=raw,cache=unsafe,file=$work/disk" \
	-device virtio-blk-pci,drive=disk,romfile= $extra

if [ -n "$shell" ]; then
	say "This is $cpu with Linux $release. Ctrl-A x ends it, as does exit."
	"$@"
	exit
fi

"$@" </dev/null &
qemu=$!
took=0
wait "$qemu" || took=$?
qemu=
tr -d '\r' <"$work/console" >"$work/log"
[ -z "$log" ] || cp "$work/log" "$log"
"$top/host/verdict.sh" "$work/log" "$took" "$limit" >&2
