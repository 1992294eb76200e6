#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# tests/kvm/run.sh [--stock] [--cpu MODEL] [--kernel SERIES] [NAME...]: Linux's own KVM
# selftests (build.sh), those of tests/kvm/list or of the NAMEs, on an emulated host with
# tessera.ko, and with --stock on that kernel's own KVM too. A line a test, as guest.sh has
# it, then a table of both: of what was not run now, the results kept from the last time.
# Fails if a test on tessera.ko comes to less than the list says.
#
# Results are kept in $TSR_BUILD/kvmtests/SERIES-MODEL/, tessera and stock: a line a test,
#	NAME pass|skip|fail SECONDS DATE RELEASE
set -eu
top=$(cd "$(dirname "$0")/../.." && pwd -P)
. "$top/host/lib.sh"
cd "$top"

stock=
model=max
kernel=newest
names=
while [ $# -gt 0 ]; do
	case $1 in
	--stock) stock=1 ;;
	--cpu) model=$2 && shift ;;
	--kernel) kernel=$2 && shift ;;
	-*)
		die "usage: ./dev kvmtests [--stock] [--cpu MODEL] [--kernel SERIES] [NAME...]"
		;;
	*) names="$names $1" ;;
	esac
	shift
done

release=$(kernel_release "$kernel")
programs=$(tests/kvm/build.sh)
host/build.sh arm64
host/module.sh "$kernel"
kept=$TSR_BUILD/kvmtests/$kernel-$model
mkdir -p "$TSR_BUILD/run" "$kept"
touch "$kept/tessera" "$kept/stock"
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

# keep RESULTS: in place of what was kept of the same tests.
keep()
{
	awk -v when="$(date -u +%Y-%m-%dT%H:%MZ) $release" '
	FNR == NR { now[$2] = $2 " " $3 " " $4 " " when; next }
	!($1 in now)
	END { for (name in now) print now[name] }' \
		"$1" "$kept/${1##*/}" >"$work/kept"
	mv "$work/kept" "$kept/${1##*/}"
}

# boot RESULTS OPTION...: one host for what is on $work/todo. A test that ends the host
# is taken off with a result of its own.
boot()
{
	results=$1
	shift
	limit=$(awk '{ sum += $2 + 6 } END { print sum + 60 }' "$work/todo")
	{
		status=0
		host/run.sh --kernel "$kernel" --mem 3G --timeout "$limit" "$@" \
			--file "$programs:/kvmtests" --file tests/kvm/guest.sh:/guest.sh \
			--file "$work/todo:/todo" -- 'sh /guest.sh </todo' \
			2>"$work/err" || status=$?
		echo "$status" >"$work/status"
	} | sed -u 's/\r$//' | tee "$work/out" | grep --line-buffered '^kvmtest: ' |
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
		[ "${results##*/}" = stock ] || touch "$work/unclean"
	fi
	keep "$results"
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

echo "On tessera.ko ($model, Linux $release):"
all "$work/tessera" --cpu "$model"
[ -z "$stock" ] || {
	echo "On the kernel's own KVM:"
	# The largest IPA size, which each test probes, costs stock KVM half a second.
	[ "$model" != max ] || model=max,lpa2=off
	all "$work/stock" --stock --cpu "$model"
}

echo
status=0
awk -f tests/kvm/table.awk "$kept/tessera" "$kept/stock" "$work/list" || status=$?
# A kernel's log that is not clean, or a module that does not unload, is a failure too.
[ ! -e "$work/unclean" ] || status=1
exit "$status"
