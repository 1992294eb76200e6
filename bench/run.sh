#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# bench/run.sh [-v] [GROUP...]: measure, and print a line a figure:
#	bench: GROUP/NAME ours=X peer=Y(NAME) unit=U ratio=R goal=G ok|short
# -v says in "#" lines where the instructions went, and what each peer took. Groups:
# e2e, kvm, s2, attr, lazy, tags, private. README.md says how the figures are taken. The status
# is 1 where a goal is missed.
set -eu
top=$(cd "$(dirname "$0")/.." && pwd -P)
. "$top/host/lib.sh"
cd "$top"

verbose=0
groups=
for word; do
	case $word in
	-v) verbose=10 ;;
	e2e | kvm | s2 | attr | lazy | tags | private) groups="$groups $word" ;;
	*) die "usage: ./dev bench [-v] [GROUP...]; the groups are:
	e2e kvm s2 attr lazy tags private" ;;
	esac
done

kernel=newest
faults=2048
touched=16384
linux_parts="Makefile arch/arm64/kvm/hyp arch/arm64/include include lib/xarray.c lib/radix-tree.h
lib/maple_tree.c"
short=

mkdir -p "$TSR_BUILD/run"
work=$(mktemp -d "$TSR_BUILD/run/bench.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# figure NAME OURS PEER(NAME) UNIT GOAL: one line; a goal is the largest ratio, - is none.
figure()
{
	awk -v name="$1" -v ours="$2" -v peer="$3" -v unit="$4" -v goal="$5" 'BEGIN {
		ratio = ours / peer
		ok = ours > 0 && (goal == "-" || ratio <= goal)
		printf "bench: %s ours=%s peer=%s unit=%s ratio=%.2f%s\n",
			name, ours, peer, unit, ratio,
			goal == "-" ? "" : " goal=" goal (ok ? " ok" : " short")
		exit !ok
	}' || short=1
}

# machine WHOSE OPTIONS JOB: the emulated host on which 1 ns is 1 instruction.
# It sleeps first: a kernel that has just come up has work of its own to do.
machine()
{
	options="--kernel $kernel --icount --timeout 900 $2"
	[ "$1" = tessera ] || options="$options --stock"
	# shellcheck disable=SC2086 # options are words
	host/run.sh $options -- "sleep 30; $3" ||
		die "The measurement on $1 did not come to its end."
}

# cost WHOSE NAME: what bench-e2e printed for it.
cost()
{
	sed -n "s/^$2 //p" "$work/$1.costs"
}

# share WHOSE: instructions a fault in the hypervisor's own code.
share()
{
	sort "$work/$1.symbols" | grep '^ffff' >"$work/$1.sorted"
	awk -v who="$1" -v top="$verbose" -f bench/share.awk \
		"$work/$1.sorted" "$work/$1.counts.1" >"$work/$1.share"
	awk -v n="$faults" -v who="$1" \
		'/^#/ { printf "# %s: %.0f %s\n", who, $2 / n, $3 }' "$work/$1.share" >&2
	awk -v n="$faults" 'NR == 1 { printf "%.0f\n", $1 / n }' "$work/$1.share"
}

e2e()
{
	host/build.sh all bench
	host/module.sh "$kernel"
	for who in tessera kvm; do
		machine "$who" "" "for what in hypercall load store; do
			bench-e2e \$what 5000; done" >"$work/$who.costs"
		plugin=$TSR_BUILD/bench/count.so,out=$work/$who.counts
		machine "$who" "--qemu -plugin --qemu $plugin" \
			"bench-e2e fault $faults; cat /proc/kallsyms" >"$work/$who.symbols"
	done
	figure e2e/hypercall "$(cost tessera hypercall)" "$(cost kvm hypercall)(kvm-7.2)" \
		instructions 0.8
	figure e2e/mmio-load "$(cost tessera load)" "$(cost kvm load)(kvm-7.2)" \
		instructions 0.8
	figure e2e/mmio-store "$(cost tessera store)" "$(cost kvm store)(kvm-7.2)" \
		instructions 0.8
	figure e2e/fault-own "$(share tessera)" "$(share kvm)(kvm-7.2)" instructions 0.6
}

# native GROUP PEER...: programs of this machine, PEER beside ours, to files of
# $work; $peers are those of the peers, each with the release that it is of.
native()
{
	group=$1
	shift
	# shellcheck disable=SC2086 # a list of words
	linux=$(host/linux-source.sh $linux_parts)
	release=$(awk '/^VERSION/ { v = $3 } /^PATCHLEVEL/ { print v "." $3; exit }' \
		"$linux/Makefile")
	host/build.sh bench-ours bench-peers
	bench/measure.sh "$TSR_BUILD/bench/$group-ours" >"$work/ours"
	peers=
	for peer; do
		peers="$peers $peer-$release"
		bench/measure.sh "$TSR_BUILD/bench/$group-$peer" >"$work/$peer-$release"
	done
}

# compare GROUP: what native() measured, against bench/goals.
compare()
{
	(
		cd "$work"
		# shellcheck disable=SC2086 # a list of words
		[ "$verbose" = 0 ] || grep . ours $peers | sed 's/^/# /; s/:/: /' >&2
		# shellcheck disable=SC2086
		awk -v group="$1" -f "$top/bench/compare.awk" "$top/bench/goals" ours $peers
	) || short=1
}

kvm()
{
	host/build.sh all bench
	host/module.sh "$kernel"
	peers=kvm-$(kernel_release "$kernel" | cut -d . -f 1,2)
	bench/kvm.sh tessera "$verbose" >"$work/ours"
	bench/kvm.sh kvm "$verbose" >"$work/$peers"
	compare kvm
}

s2()
{
	native s2 linux
	host/build.sh ATOMICS=1 bench-ours bench-peers
	atomics=$TSR_BUILD/bench-atomics
	host/in-root "$atomics/s2-ours" time fault-atomics >>"$work/ours"
	host/in-root "$atomics/s2-linux" time fault-atomics >>"$work/linux-$release"
	compare s2
}

attr()
{
	native attr xarray maple
	bench/measure.sh "$TSR_BUILD/bench/attr-vm" >>"$work/ours"
	compare attr
}

# The codec of tags, beside what else makes them small.
tags_codec()
{
	host/build.sh bench-codecs
	bench/measure.sh "$TSR_BUILD/bench/codec-ours" >"$work/ours"
	peers=
	for peer in zstd lz4 runs bytes; do
		release=$(host/in-root pkg-config --modversion "lib$peer" 2>/dev/null) || release=
		peers="$peers $peer${release:+-$release}"
		bench/measure.sh "$TSR_BUILD/bench/codec-$peer" >"$work/$peer${release:+-$release}"
	done
	compare tags/codec
}

# What a guest with MTE that uses no tags pays for them. cost() finds the names in touch.costs.
tags_touch()
{
	host/build.sh arm64
	host/module.sh "$kernel"
	whats="touch-eager-4k touch-eager-2m again-eager"
	machine kvm "" "for what in $whats; do bench-e2e \$what $touched; done" \
		>"$work/kvm.costs"
	machine tessera "" "for what in $whats touch-lazy-4k touch-lazy-2m again-lazy; do
		bench-e2e \$what $touched; done" >"$work/tessera.costs"
	for size in 4k 2m; do
		stock=$(cost kvm touch-eager-$size)
		figure tags/first-touch-$size "$(cost tessera touch-lazy-$size)" \
			"$stock(kvm-7.2)" instructions 0.7
		figure tags/first-touch-$size-eager "$(cost tessera touch-eager-$size)" \
			"$stock(kvm-7.2)" instructions -
	done
	# docs/abi.md 6.4: a block is opened whole when that is no dearer than what came before.
	machine tessera "" "for what in open-1 open-2 open-9; do bench-e2e \$what 16; done" \
		>>"$work/tessera.costs"
	figure tags/open-block "$(cost tessera open-9)" \
		"$(($(cost tessera open-2 | cut -d . -f 1) * 8))(8-pages)" instructions 2
	figure tags/open-first "$(cost tessera open-1)" "$(cost tessera open-2)(the-next)" \
		instructions -
	# A page that is closed to tags is used like one that is open.
	figure tags/use-closed "$(cost tessera again-lazy)" "$(cost tessera again-eager)(open)" \
		instructions 1.01
}

# bulk FILE WHAT FIELD: what bench-tags-bulk printed.
bulk()
{
	awk -v what="$2" -v field="$3" '$1 == what { print $field }' "$work/$1"
}

# All tags of a guest of 256 MiB, of which each hundredth page has some.
tags_bulk()
{
	host/build.sh all
	host/module.sh "$kernel"
	for who in tessera kvm; do
		machine "$who" "" "bench-tags-bulk eager 65536 100" >"$work/$who.eager"
	done
	machine tessera "" "bench-tags-bulk lazy 65536 100" >"$work/tessera.lazy"
	peer=kvm-7.2-COPY_TAGS
	cost=$(bulk kvm.eager copy 2)
	size=$(bulk kvm.eager copy 3)
	figure tags/bulk-lazy "$(bulk tessera.lazy batch 2)" "$cost($peer)" instructions 0.02
	figure tags/bulk-eager "$(bulk tessera.eager batch 2)" "$cost($peer)" instructions -
	figure tags/bulk-copy-tags "$(bulk tessera.eager copy 2)" "$cost($peer)" instructions -
	figure tags/bulk-bytes-of-tags "$(bulk tessera.lazy tags 2)" "$size($peer)" bytes 0.005
	figure tags/bulk-bytes-encoded "$(bulk tessera.lazy encoded 2)" "$size($peer)" bytes 0.005
	echo "# with the bitmap $(bulk tessera.lazy batch 3) bytes," \
		"without lazy tags $(bulk tessera.eager batch 3)"
}

tags()
{
	tags_codec
	tags_touch
	tags_bulk
}

lazy()
{
	host/build.sh all
	host/module.sh "$kernel"
	bench/lazy.sh || short=1
}

# counted STRETCH [ONLY]: instructions of it in tessera.ko, or in functions of that name.
counted()
{
	awk -v who=tessera -v only="${2:-}" -f bench/share.awk "$work/symbols" \
		"$work/counts.$1" | sed -n 1p
}

# What it costs to convert memory, and how much of that is the store of attributes.
private()
{
	host/build.sh all bench
	host/module.sh "$kernel"
	gib=$((1 << 18))
	machine tessera "--mem 3G" "for way in full-hide full-share empty-hide empty-share; do
		bench-private call-\$way 64; bench-private range-\$way 1
		bench-private range-\$way 512; bench-private range-\$way $gib; done" \
		>"$work/tessera.costs"
	for way in full-hide full-share empty-hide empty-share; do
		page=$(cost tessera range-$way-1)
		block=$(cost tessera range-$way-512)
		figure "private/call-$way" "$(cost tessera call-$way-64)" "$page(range)" \
			instructions -
		figure "private/2m-$way" "$block" "$((page * 512))(512-pages)" instructions 0.5
		figure "private/1g-$way" "$(cost tessera range-$way-$gib)" \
			"$((block * 512))(512-blocks)" instructions 1.1
	done
	plugin=$TSR_BUILD/bench/count.so,out=$work/counts
	machine tessera "--qemu -plugin --qemu $plugin" "for pages in 1 512 32768; do
		bench-private range-full-hide \$pages; done; cat /proc/kallsyms" |
		grep '^ffff' | sort >"$work/symbols"
	stretch=1
	for pages in 1 512 32768; do
		all=$(awk '{ sum += $2 * $3 } END { print sum }' "$work/counts.$stretch")
		figure "private/store-$pages" "$(counted $stretch '^attr_')" "$all(all)" \
			instructions 0.1
		figure "private/own-$pages" "$(counted $stretch)" "$all(all)" instructions -
		stretch=$((stretch + 1))
	done
}

for group in ${groups:-e2e kvm s2 attr lazy tags private}; do
	"$group"
done
[ -z "$short" ] || exit 1
