#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# tests/kvm/run.sh [--stock] [NAME...]: Linux's own KVM selftests (build.sh), those of
# tests/kvm/list or of the NAMEs, on an emulated host with the newest kernel and
# tessera.ko, and with --stock on that kernel's own KVM too. A line a test, as
# guest.sh has it, then a table. Fails if a test fails on tessera.ko.
set -eu
top=$(cd "$(dirname "$0")/../.." && pwd -P)
. "$top/host/lib.sh"
cd "$top"

stock=
names=
for word; do
	case $word in
	--stock) stock=1 ;;
	-*) die "usage: ./dev kvmtests [--stock] [NAME...]" ;;
	*) names="$names $word" ;;
	esac
done

programs=$(tests/kvm/build.sh)
host/build.sh arm64
host/module.sh newest
mkdir -p "$TSR_BUILD/run"
work=$(mktemp -d "$TSR_BUILD/run/kvmtests.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# A name takes all of its variants.
grep -v '^#' tests/kvm/list | awk -v names="$names" 'BEGIN {
	count = split(names, name, " ")
}
{
	program = $1
	sub(/:.*/, "", program)
	wanted = !count
	for (i = 1; i <= count; i++)
		if (name[i] == $1 || name[i] == program)
			wanted = 1
	if (wanted)
		print
}' >"$work/list"
[ -s "$work/list" ] || die "tests/kvm/list has no such test:$names"

# boot RESULTS OPTION...: one host for what is on $work/todo. A test that ends the host
# is taken off with a result of its own.
boot()
{
	results=$1
	shift
	limit=$(awk '{ sum += $2 + 6 } END { print sum + 60 }' "$work/todo")
	{
		status=0
		host/run.sh --kernel newest --mem 3G --timeout "$limit" "$@" \
			--file "$programs:/kvmtests" --file tests/kvm/guest.sh:/guest.sh \
			--file "$work/todo:/todo" -- 'sh /guest.sh </todo' \
			2>"$work/err" || status=$?
		echo "$status" >"$work/status"
	} | tr -d '\r' | tee "$work/out" | grep --line-buffered '^kvmtest: ' |
		tee -a "$results" || :
	status=$(cat "$work/status")
	running=$(awk '/^kvmtest-begin: / { name = $2 }
		/^kvmtest: / { name = "" }
		END { print name }' "$work/out")
	if [ -n "$running" ]; then
		echo "kvmtest: $running fail - the host ended under it (status $status)" |
			tee -a "$results"
		sed 's/^/    /' "$work/err" >&2
	elif [ "$status" != 0 ]; then
		echo "The host itself: status $status." >&2
		sed 's/^/    /' "$work/err" >&2
	fi
	awk 'NR == FNR { done[$2]; next } !($1 in done)' "$results" "$work/list" >"$work/left"
	# No step forward: do not boot for ever.
	cmp -s "$work/left" "$work/todo" && die "The host ran no test."
	mv "$work/left" "$work/todo"
}

# all RESULTS OPTION...: as many hosts as it takes.
all()
{
	cp "$work/list" "$work/todo"
	: >"$1"
	while [ -s "$work/todo" ]; do
		boot "$@"
	done
}

all "$work/tessera"
[ -z "$stock" ] || {
	echo "With the kernel's own KVM:"
	# The largest IPA size, which each test probes, costs stock KVM half a second.
	all "$work/stock" --stock --cpu max,lpa2=off
}

echo
awk -v stock="$stock" '
FNR == NR { verdict[$2] = $3; took[$2] = $4; next }
{ verdict["stock " $2] = $3; took["stock " $2] = $4 }
END {
	printf "%-40s %-14s%s\n", "test", "tessera.ko", stock ? " stock KVM" : ""
	while ((getline line < list) > 0) {
		split(line, word, " ")
		name = word[1]
		printf "%-40s %-5s %7s", name, verdict[name], took[name]
		printf stock ? "  %-5s %7s\n" : "\n", verdict["stock " name], took["stock " name]
		count[verdict[name]]++
	}
	printf "%d pass, %d skip, %d fail\n", count["pass"], count["skip"], count["fail"]
	exit count["fail"] > 0
}' list="$work/list" "$work/tessera" ${stock:+"$work/stock"}
