#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# bench/measure.sh [--count] PROGRAM [ROW [SIZE]]: run a program of bench/meter.h, and
# print a line "ROW ns N" and a line "ROW instructions N" for each of its rows,
# both for one operation; with --count the latter alone.
set -eu
top=$(cd "$(dirname "$0")/.." && pwd -P)
. "$top/host/lib.sh"

what=all
if [ "${1:-}" = --count ]; then
	what=count
	shift
fi
program=$1
shift

mkdir -p "$TSR_BUILD/run"
work=$(mktemp -d "$TSR_BUILD/run/measure.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

[ "$what" = count ] || "$top/host/in-root" "$program" time "$@"
"$top/host/in-root" valgrind --tool=callgrind --instr-atstart=no \
	--callgrind-out-file="$work/dump" "$program" count "$@" \
	>"$work/counts" 2>"$work/log" || {
	cat "$work/log" >&2
	die "$program failed under callgrind."
}

# A dump names the row that it was made for, and ends with what it took.
for dump in "$work"/dump.*; do
	sed -n 's/^desc: Trigger: Client Request: //p; s/^totals: //p' "$dump" | tr '\n' ' '
	echo
done >"$work/totals"
awk 'FNR == NR { count[$1] = $3; if ($2 != "count") print; next }
	$1 in count { printf "%s instructions %.1f\n", $1, $2 / count[$1] }' \
	"$work/counts" "$work/totals"
