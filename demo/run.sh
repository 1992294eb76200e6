#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# demo/run.sh: an MTE guest on memory that cannot hold tags, on a host that has
# FEAT_MTE_PERM, on one that has not, and, as a control, under the stock
# kernel's KVM. Prints what happened for a person, and ends with a status other
# than 0 where a step was not what it has to be.
set -eu
top=$(cd "$(dirname "$0")/.." && pwd -P)
. "$top/host/lib.sh"
cd "$top"

kernel=6.12
mebibytes=8
unit_mebibytes=2

bold=''
plain=''
if [ -t 1 ]; then
	bold=$(printf '\033[1m') plain=$(printf '\033[0m')
fi

mkdir -p "$TSR_BUILD/run"
work=$(mktemp -d "$TSR_BUILD/run/demo.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
start=$(date +%s)

# machine NAME CPU HYPERVISOR [OPTION...]: boots it and runs the guest there.
machine()
{
	name=$1 cpu=$2 hypervisor=$3
	shift 3
	status=0
	host/run.sh --kernel "$kernel" --cpu "$cpu" --timeout 240 "$@" \
		--file "$work/ram:/demo/ram" --file demo/host.sh:/demo/host.sh \
		-- "sh /demo/host.sh $cksum" >"$work/$name.out" 2>"$work/$name.err" ||
		status=$?
	printf '@cpu=%s\n@hypervisor=%s\n@machine=%s\n' "$cpu" "$hypervisor" "$status" \
		>>"$work/$name.out"
}

value()
{
	sed -n "s/^$2=//p" "$work/$1.out"
}

# show NAME EXPECT TEXT: a host's part of the demo, and what is wrong with it.
show()
{
	printf '\n%s== %s%s\n' "$bold" "$3" "$plain"
	printf '   CPU %s, Linux %s, %s\n\n' "$(value "$1" @cpu)" "$(value "$1" @kernel)" \
		"$(value "$1" @hypervisor)"
	awk -v bold="$bold" -v plain="$plain" -f demo/timeline.awk "$work/$1.out"
	awk -v expect="$2" -v cksum="$cksum" -v units=$((mebibytes / unit_mebibytes)) \
		-f demo/check.awk "$work/$1.out" >"$work/$1.wrong"
	if [ "$(value "$1" @machine)" != 0 ]; then
		{
			echo "the emulated host itself failed"
			cat "$work/$1.err"
		} >>"$work/$1.wrong"
	fi
	if [ -s "$work/$1.wrong" ]; then
		wrong=1
		sed 's/^/  NOT AS EXPECTED: /' "$work/$1.wrong"
	else
		echo "  As expected."
	fi
}

say "Building (quick when nothing changed) ..."
host/build.sh arm64
host/module.sh "$kernel"

# Any file would do; this one is the same every time.
seq 1 2000000 | head -c $((mebibytes << 20)) >"$work/ram"
cksum=$(cksum <"$work/ram" | cut -d ' ' -f 1)

cat <<EOT

A guest with MTE has two regions of memory:
   0x40000000   64 MiB, anonymous
   0x80000000   $mebibytes MiB, page cache of a file on ext4 (checksum $cksum),
                which cannot hold allocation tags

   tessera run --mte --tags eager --ram 64M --ram 0x80000000:8M:file=/mnt/ram,private demo
EOT

say ""
say "Booting three emulated arm64 hosts, two at a time ..."
machine max max tessera.ko &
first=$!
machine n2 neoverse-n2 tessera.ko
wait "$first"
machine stock max "stock KVM" --stock

wrong=
show max notag "A host with FEAT_MTE_PERM: one exit, at the first tag"
show n2 touch "A host without: the same command, pages exit at their first touch"
show stock refused "The control, the stock kernel's KVM: the same command is refused"

printf '\n%s== Side by side%s\n\n' "$bold" "$plain"
awk -f demo/table.awk "$work/max.out" "$work/n2.out" "$work/stock.out"
printf '\nIt took %s s.\n' $(($(date +%s) - start))
if [ -n "$wrong" ]; then
	die "Something was not as expected; see above."
fi
echo "The guest saw and said the same on the first two hosts."
