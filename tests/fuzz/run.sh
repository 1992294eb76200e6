#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# tests/fuzz/run.sh [TARGET...] [-t SECONDS]: fuzz s2, vm, tags, tags_file or all of them, so
# long each (60 s). What was found interesting is kept in build/fuzz/TARGET.corpus and
# built upon; an input that fails is left in build/fuzz/TARGET.failed/, with how
# to run it again.
set -eu
top=$(cd "$(dirname "$0")/../.." && pwd -P)
. "$top/host/lib.sh"
cd "$top"

seconds=60
targets=
while [ $# -gt 0 ]; do
	case $1 in
	-t)
		[ $# -gt 1 ] || die "-t needs a number of seconds"
		seconds=$2
		shift
		;;
	s2 | vm | tags | tags_file) targets="$targets $1" ;;
	*) die "usage: ./dev fuzz [s2] [vm] [tags] [tags_file] [-t SECONDS]" ;;
	esac
	shift
done

failed=0
for target in ${targets:-s2 vm tags tags_file}; do
	fuzz=$TSR_BUILD/fuzz/$target
	host/in-root make -s "$fuzz"
	mkdir -p "$fuzz.corpus" "$fuzz.failed"
	echo "== $target, $seconds s"
	host/in-root "$fuzz" -max_total_time="$seconds" -max_len=3074 -timeout=60 \
		-len_control=0 -artifact_prefix="$fuzz.failed/" "$fuzz.corpus" \
		>"$fuzz.log" 2>&1 || failed=1
	grep -E '^#[0-9]+[ 	]+DONE|^# |^==.*ERROR|runtime error|Test unit written' \
		"$fuzz.log" || tail -n 20 "$fuzz.log"
done
[ $failed = 0 ] || say "To run an input again: host/in-root build/fuzz/TARGET FILE"
exit $failed
