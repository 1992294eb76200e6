#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# bench/lazy.sh: what `tessera run --lazy` costs before the guest runs, and how much
# it fetches for a guest that touches a tenth of its memory, with 64 and with 512 MiB:
#	bench: lazy/NAME ours=X peer=Y(NAME) unit=U ratio=R goal=G ok|short
# Part of ./dev bench; README.md says how the figures are taken. The status is 1 where
# a goal is missed.
set -eu
top=$(cd "$(dirname "$0")/.." && pwd -P)
. "$top/host/lib.sh"
cd "$top"

kernel=newest
window=256
mkdir -p "$TSR_BUILD/run"
work=$(mktemp -d "$TSR_BUILD/run/bench.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# On the host 1 ns is 1 instruction. The timeline's first line is when the guest wanted
# to execute its first instruction. Of several runs the least counts: what else the host
# does only adds.
cat >"$work/job" <<'EOT'
for size in 64 512 64 512; do
	rm -f /mnt/lazy
	truncate -s ${size}M /mnt/lazy
	# The guest leaves itself in the file.
	tessera run --ram ${size}M:file=/mnt/lazy,shared /guest/lazy 2 0 >/tmp/out || cat /tmp/out
	pages=$((size * 256))
	for walk in "scattered 10 0" "inorder 1 $((pages / 10))"; do
		set -- $walk
		tessera run --timeline --stats --ram ${size}M --lazy /mnt/lazy \
			--entry 0x40080000 1 $2 0 $3 >/tmp/out 2>&1 || cat /tmp/out
		awk -v what="$size $1 first" '/needs to execute/ {
			print what, $1 * 1000000
			exit
		}' /tmp/out
		echo "$size $1 fetched $(sed -n 's/^lazy_pages_fetched=//p' /tmp/out)"
		echo "$size $1 fetches $(sed -n 's/^lazy_fetches=//p' /tmp/out)"
		echo "$size $1 touched $((pages / 10))"
	done
done
EOT
host/run.sh --kernel $kernel --icount --timeout 900 --file "$work/job:/job" -- \
	'sleep 30; sh /job' >"$work/costs" ||
	die "The measurement did not come to its end."

awk -v window=$window '
$3 == "first" && (!first[$1] || $4 < first[$1]) { first[$1] = $4 }
$3 != "first" { value[$1, $2, $3] = $4 }
function figure(name, ours, peer, peername, unit, goal,    ok) {
	ok = ours > 0 && ours <= goal * peer
	missed = missed || !ok
	printf "bench: lazy/%s ours=%d peer=%d(%s) unit=%s ratio=%.2f goal=%.2f %s\n", name,
		ours, peer, peername, unit, peer ? ours / peer : 0, goal, ok ? "ok" : "short"
}
END {
	figure("first-instruction", first[512], first[64], "64-MiB", "instructions", 1.05)
	for (size = 64; size <= 512; size += 448)
		for (i = 0; i < 2; i++) {
			walk = i ? "inorder" : "scattered"
			touched = value[size, walk, "touched"]
			figure("fetched-" walk "-" size, value[size, walk, "fetched"], touched,
				"touched", "pages", touched ? 1.5 + window / touched : 0)
			printf "# %d MiB, %s: %d pages in %d fetches\n", size, walk,
				value[size, walk, "fetched"], value[size, walk, "fetches"]
		}
	exit missed
}' "$work/costs"
