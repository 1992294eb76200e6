#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# On the emulated host: run the selftests of a list (stdin, lines of tests/kvm/list)
# from /kvmtests and print a line for each:
#	kvmtest: NAME pass|skip|fail SECONDS REASON
# A line "kvmtest-begin: NAME" comes before it, so that the one which ends the host is
# known.
out=/tmp/kvmtest.out

# access_tracking_perf_test looks for what has aged in a memory cgroup of its own.
if ! grep -q ' /sys/fs/cgroup cgroup2 ' /proc/mounts; then
	mount -t cgroup2 cgroup2 /sys/fs/cgroup
	echo +memory >/sys/fs/cgroup/cgroup.subtree_control
fi

now()
{
	cut -d ' ' -f 1 /proc/uptime
}

# Why it was skipped: what the test says, or its last line.
skip_reason()
{
	sed -n 's/.*# SKIP[ -]*//p' "$out" | head -n 1 | grep . || tail -n 1 "$out"
}

# The failed assertion with its place, and the message under it; or the first "not ok".
fail_reason()
{
	awk '/Test Assertion Failure/ { at = NR }
	at && NR == at + 1 { place = $0 }
	at && /(addr2line: not found|^ +[0-9]+\t)/ { next }
	at && NR > at + 2 && NF { message = message " " $0 }
	/^not ok/ && !tap { tap = $0 }
	NF { last = $0 }
	END { print at ? place ":" message : tap ? tap : last }' "$out" | tr -s ' \t' '  '
}

while read -r name seconds _ _ arguments; do
	echo "kvmtest-begin: $name"
	begin=$(now)
	# shellcheck disable=SC2086 # a list of words
	timeout -k 5 "$seconds" "/kvmtests/${name%%:*}" $arguments </dev/null >"$out" 2>&1
	status=$?
	took=$(echo "$(now) $begin" | awk '{ printf "%.1f", $1 - $2 }')
	case $status in
	0) echo "kvmtest: $name pass $took" ;;
	4) echo "kvmtest: $name skip $took $(skip_reason)" ;;
	124 | 137 | 143) echo "kvmtest: $name fail $took not done in $seconds s" ;;
	*) echo "kvmtest: $name fail $took $(fail_reason | cut -c 1-300)" ;;
	esac
done
