#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# tests/proof/run.sh [--quick] [PATTERN...]: have CBMC decide the proofs of this
# folder, or those whose name holds a PATTERN; TAP, a line a proof. --quick
# leaves out the long ones.
set -eu
top=$(cd "$(dirname "$0")/../.." && pwd -P)
. "$top/host/lib.sh"
cd "$top"

quick=
[ "${1:-}" != --quick ] || { quick=1 && shift; }
case ${1:-} in
-*) die "usage: ./dev prove [--quick] [PATTERN...]" ;;
esac

# field NAME FILE: the value of a comment line " * NAME: VALUE".
field()
{
	sed -n "s/^ \* $1: *//p" "$2" | head -n 1
}

wanted()
{
	[ -z "$quick" ] || [ "$(field takes "$1")" != long ] || return 1
	name=$(basename "$1" .c)
	shift
	[ $# -gt 0 ] || return 0
	for pattern; do
		case $name in
		*"$pattern"*) return 0 ;;
		esac
	done
	return 1
}

conversions()
{
	[ -n "$(field truncates "$1")" ] || echo --conversion-check
}

# run_cbmc FILE OPTION...: signed overflow, pointers and bounds are checked; unsigned
# numbers may not wrap either, and no value may be lost in a conversion, where a
# proof does not say otherwise.
run_cbmc()
{
	file=$1
	shift
	# shellcheck disable=SC2046 # lists of words
	host/in-root cbmc --verbosity 4 -Icore -Iemu -Itests/proof "$@" \
		--unwinding-assertions --unsigned-overflow-check \
		--pointer-overflow-check $(conversions "$file") \
		$(field options "$file") "$file" $(field sources "$file")
}

# Proved, and not because there is nothing to prove.
decide()
{
	run_cbmc "$1" >"$work/$2" 2>&1 || return 1
	run_cbmc "$1" -DPROOF_REACHES --property main.assertion.1 >"$work/$2.reaches" 2>&1
	grep -q 'the end is reached: FAILURE' "$work/$2.reaches" || {
		echo "no value meets the assumptions: FAILURE" >"$work/$2"
		return 1
	}
}

work=$TSR_BUILD/proof
mkdir -p "$work"
number=0
failed=0
for file in tests/proof/*.c; do
	wanted "$file" "$@" || continue
	name=$(basename "$file" .c)
	number=$((number + 1))
	line="$number - $name: $(field proves "$file")"
	if decide "$file" "$name"; then
		echo "ok $line"
	else
		failed=1
		echo "not ok $line"
		grep -e FAILURE -e error "$work/$name" | sed 's/^/# /'
	fi
done
echo "1..$number"
exit $failed
