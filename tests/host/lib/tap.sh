# SPDX-License-Identifier: GPL-2.0-only OR MIT
# For the scripts of tests/host that run commands on the host: TAP, of which $count tests have
# been counted, and what a command said is in $out, which a script may name anew. Sourced.
# shellcheck shell=sh
count=0
out=/tmp/tap.out

# result STATUS WHAT: a test has ended so.
result()
{
	count=$((count + 1))
	if [ "$1" = 0 ]; then
		echo "ok $count - $2"
	else
		echo "not ok $count - $2"
		tail -n 40 "$out" | sed 's/^/# /'
	fi
}

# skip WHAT WHY
skip()
{
	count=$((count + 1))
	echo "ok $count - $1 # SKIP $2"
}

# holds WHAT COMMAND...: the command, a test, succeeds.
holds()
{
	what=$1
	shift
	"$@"
	result $? "$what"
}

# ends STATUS TEXT WHAT ARGUMENT...: tessera ends so and says TEXT.
ends()
{
	want=$1 text=$2 what=$3
	shift 3
	timeout 60 tessera "$@" >"$out" 2>&1 </dev/null
	status=$?
	echo "status $status" >>"$out"
	[ $status = "$want" ] && grep -q -- "$text" "$out"
	result $? "$what: status $want"
}
