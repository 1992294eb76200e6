#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# bench/kvm.sh tessera|kvm [TOP]: Linux's own KVM selftests that measure, on an emulated
# host with tessera.ko or with the kernel's own KVM; a line "ROW UNIT VALUE" for each
# figure. With TOP, the TOP functions of the hypervisor that took most, in "#" lines on
# stderr. Part of ./dev bench; README.md says how the figures are taken.
set -eu
top=$(cd "$(dirname "$0")/.." && pwd -P)
. "$top/host/lib.sh"
cd "$top"

who=$1
most=${2:-0}
stock=
[ "$who" = tessera ] || stock=--stock
mkdir -p "$TSR_BUILD/run"
work=$(mktemp -d "$TSR_BUILD/run/kvm.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# Each test twice, the second time with more of what it does: 16 MiB more, or a second
# longer. Guest mode 3 has pages of 4 KiB and addresses of 48 bits.
cat >"$work/tests" <<'EOF'
page-table kvm_page_table_test -m 3 -b 16M
page-table+ kvm_page_table_test -m 3 -b 32M
demand-paging demand_paging_test -m 3 -b 16M
demand-paging+ demand_paging_test -m 3 -b 32M
dirty-log dirty_log_perf_test -m 3 -b 16M
dirty-log+ dirty_log_perf_test -m 3 -b 32M
memslot-map memslot_perf_test -s 512 -f 0 -e 0 -l 1
memslot-map+ memslot_perf_test -s 512 -f 0 -e 0 -l 2
memslot-unmap memslot_perf_test -s 512 -f 1 -e 1 -l 1
memslot-unmap+ memslot_perf_test -s 512 -f 1 -e 1 -l 2
memslot-unmap-chunked memslot_perf_test -s 512 -f 2 -e 2 -l 1
memslot-unmap-chunked+ memslot_perf_test -s 512 -f 2 -e 2 -l 2
memslot-move-active memslot_perf_test -s 512 -f 3 -e 3 -l 1
memslot-move-active+ memslot_perf_test -s 512 -f 3 -e 3 -l 2
memslot-move-inactive memslot_perf_test -s 512 -f 4 -e 4 -l 1
memslot-move-inactive+ memslot_perf_test -s 512 -f 4 -e 4 -l 2
memslot-rw memslot_perf_test -s 512 -f 5 -e 5 -l 1
EOF
cat >"$work/job" <<'EOF'
while read -r name program arguments; do
	bench-mark /kvmtests/$program $arguments </dev/null >/tmp/out 2>&1 ||
		echo "failed: $name: $(tail -n 1 /tmp/out)"
	sed "s/^/$name: /" /tmp/out
done </tests
cat /proc/kallsyms
EOF

# shellcheck disable=SC2086 # an option or none
host/run.sh --kernel newest --icount --mem 3G --timeout 1800 --cpu max,lpa2=off $stock \
	--qemu -plugin --qemu "$TSR_BUILD/bench/count.so,out=$work/counts" \
	--file "$(tests/kvm/build.sh):/kvmtests" --file "$work/tests:/tests" \
	--file "$work/job:/job" -- 'sleep 30; sh /job' >"$work/out" ||
	die "The measurement on $who did not come to its end."
grep '^failed: ' "$work/out" >&2 && die "A test failed on $who."
grep '^ffff' "$work/out" | sort >"$work/symbols"

# What is the hypervisor's own in each, between those of what the test says of itself.
grep -v '^ffff' "$work/out" >"$work/said"
number=0
while read -r name _; do
	number=$((number + 1))
	awk -v who="$who" -v top="$most" -f bench/share.awk "$work/symbols" \
		"$work/counts.$number" >"$work/share"
	sed -n "s/^#/# $who $name/p" "$work/share" >&2
	sed -n "1s/^/$name: own /p" "$work/share" >>"$work/said"
done <"$work/tests"

# Times in seconds are instructions by the billion: 1 ns is 1 instruction.
awk '
BEGIN {
	row["KVM_CREATE_MAPPINGS"] = "page-table-create"
	row["KVM_UPDATE_MAPPINGS"] = "page-table-update"
	row["KVM_ADJUST_MAPPINGS"] = "page-table-adjust"
	row["Total guest execution time"] = "demand-paging"
	row["Populate memory time"] = "dirty-populate"
	row["Iteration 2 dirty memory time"] = "dirty-iteration"
	row["Iteration 2 get dirty log time"] = "dirty-get"
	row["Iteration 2 clear dirty log time"] = "dirty-clear"
	row["Enabling dirty logging time"] = "dirty-enable"
	row["Disabling dirty logging time"] = "dirty-disable"
}

function show(what, value)
{
	print what, "instructions", sprintf("%.0f", value)
}

{
	test = $1
	sub(/:$/, "", test)
	what = $0
	sub(/^[^ ]* /, "", what)
	sub(/: .*|:\t.*/, "", what)
	if (test !~ /[+]$/ && what in row) {
		sub(/s$/, "", $NF)
		show(row[what], $NF * 1e9)
	}
}

/ Done [0-9]+ iterations/ {
	loops[test] = $3
	sub(/s$/, "", $6)
	if (test !~ /[+]$/)
		show(test, $6 * 1e9)
}

$2 == "own" {
	base = test
	own[test] = $3
	if (sub(/[+]$/, "", base)) {
		count = test in loops ? loops[test] - loops[base] : 1
		show(base "-own", (own[test] - own[base]) / count)
	}
}' "$work/said"
