#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# tests/machine.sh "MODEL KERNEL SCRIPT[,SCRIPT...] [OPTION...]": boot that
# host once, run the scripts on it one after the other, and count each as a
# test program of its own; the host itself (did it live, is its kernel's log
# clean, did the module unload) counts as one more test.
set -eu
top=$(cd "$(dirname "$0")/.." && pwd -P)
cd "$top"

# shellcheck disable=SC2086 # the one argument is a list of words
set -- $1
model=$1
kernel=$2
scripts=$(echo "$3" | tr , ' ')
shift 3
where="$model $kernel${1:+ $*}"
dir=$(mktemp -d "$TSR_WORK/machine.XXXXXX")

limit=60
# The debug kernel checks every access to memory.
patience=1
[ "$kernel" != debug ] || patience=3
{
	echo "export TSR_FULL=$TSR_FULL"
	for script in $scripts; do
		seconds=$(sed -n 's/^# timeout: *//p' "tests/host/$script" | head -n 1)
		seconds=$((${seconds:-120} * patience))
		limit=$((limit + seconds))
		cat <<-EOT
		echo; echo "@@begin $script"
		timeout -k 5 $seconds sh /tests/$script
		status=\$?; echo; echo "@@end $script \$status"
		EOT
	done
} >"$dir/job"

if [ "$kernel" = debug ]; then
	set -- --debug "$@"
else
	set -- --kernel "$kernel" "$@"
fi
status=0
host/run.sh --cpu "$model" --timeout "$limit" --file tests/host:/tests \
	--file "$dir/job:/tests/.job" "$@" -- 'sh /tests/.job; true' \
	>"$dir/out" 2>"$dir/err" || status=$?

report()
{
	for script in $scripts; do
		sed -n "/^@@begin $script\$/,/^@@end $script /{/^@@/!p}" "$dir/out" \
			>"$dir/tap"
		ended=$(sed -n "s/^@@end $script //p" "$dir/out")
		case $ended in
		'') ended="unknown: the host ended first" ;;
		124 | 143) ended="$ended: it took too long" ;;
		esac
		tests/tap.sh "host/${script%.sh} on $where" "$ended" "$dir/tap"
	done
	{
		echo 1..1
		if [ "$status" = 0 ]; then
			echo "ok 1 - the host is as clean after the tests as before"
		else
			echo "not ok 1 - the host itself (host/run.sh: status $status)"
			sed 's/^/# /' "$dir/err"
		fi
	} >"$dir/tap"
	tests/tap.sh "host of $where" 0 "$dir/tap"
}
report >"$dir/report"

# Another machine may be reporting.
flock "$TSR_WORK/counts" cat "$dir/report"
