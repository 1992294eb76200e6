#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# tests/run.sh [--full] [PATTERN...]: run all tests, or those whose name holds
# a PATTERN, and count them in the last line of output. Names:
#	lint/CHECK	the checks of tests/lint.sh
#	unit/NAME	native programs, the Makefile's unit-tests
#	s2diff		tests/s2diff/run.sh: emu/mmu beside the CPUs of QEMU
#	prove		the proofs of tests/proof
#	full/NAME	long native programs, the Makefile's full-tests; --full alone
#	host/NAME	tests/host/NAME.sh, a script that runs on emulated hosts
#
# Every one reports TAP; a plan that is not met, a crash or no plan at all is a
# failure. Scripts in tests/host say in lines of comment where they run:
#	# machines: all | MODEL... | stock	(all; stock is max with KVM on)
#	# also: newest	with the newest kernel too, on the first machine
#	# only: full	with --full only
#	# options: ...	of host/run.sh; such scripts share a boot only with
#			those that have the same options
#			(@kvmtests@: the folder with KVM's selftests)
#	# timeout: N	seconds for the script on the host (120)
# On the host they find programs in /bin, guests in /guest, all of tests/host
# in /tests, $TSR_CPU, $TSR_KERNEL, $TSR_DISK, and $TSR_FULL=1 with --full.
#
# Without --full the machines have the 6.12 kernel. With it they all run with
# the newest one and with the debug kernel as well.
set -eu
top=$(cd "$(dirname "$0")/.." && pwd -P)
. "$top/host/lib.sh"
cd "$top"

full=
patterns=
for word; do
	case $word in
	--full) full=1 ;;
	-*) die "usage: ./dev test [--full] [PATTERN...]" ;;
	*) patterns="$patterns $word" ;;
	esac
done
export TSR_FULL=$full

mkdir -p "$TSR_BUILD/run"
work=$(mktemp -d "$TSR_BUILD/run/test.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
export TSR_WORK="$work"
: >"$work/counts"

wanted()
{
	[ -n "$patterns" ] || return 0
	for pattern in $patterns; do
		case $1 in
		*"$pattern"*) return 0 ;;
		esac
	done
	return 1
}

# run_native NAME COMMAND...: a program of TAP on this machine.
run_native()
{
	name=$1
	shift
	wanted "$name" || return 0
	status=0
	CMOCKA_MESSAGE_OUTPUT=TAP timeout -k 5 "${native_timeout:-600}" "$@" \
		>"$work/tap" 2>&1 </dev/null || status=$?
	tests/tap.sh "$name" "$status" "$work/tap"
}

native_tests()
{
	run_native lint tests/lint.sh
	for program in $(host/in-root make -s list-unit-tests); do
		run_native "unit/${program##*/}" host/in-root "$program"
	done
	run_native s2diff tests/s2diff/run.sh
	if [ -n "$full" ]; then
		run_native prove tests/proof/run.sh
		full_tests
	else
		run_native prove tests/proof/run.sh --quick
	fi
}

# What takes long: without sanitizers, and an hour at most.
full_tests()
{
	host/in-root make -s full
	native_timeout=3600
	for program in $(host/in-root make -s list-full-tests); do
		run_native "full/${program##*/}" host/in-root "$program"
	done
}

# field NAME FILE: the value of a comment line "# NAME: VALUE".
field()
{
	sed -n "s/^# $1: *//p" "$2" | head -n 1
}

# boots SCRIPT: a line MODEL KERNEL SCRIPT OPTIONS for each boot it wants.
boots()
{
	script=$1
	options=$(field options "$script" | sed "s|@kvmtests@|$kvmtests|")
	models=$(field machines "$script")
	case ${models:-all} in
	all) models="max neoverse-n2 cortex-a710 cortex-a76" ;;
	stock) models=max && options="--stock $options" ;;
	esac
	kernels=6.12
	[ -z "$full" ] || kernels="6.12 newest debug"
	for kernel in $kernels; do
		for model in $models; do
			echo "$model $kernel ${script##*/} $options"
		done
	done
	if [ -z "$full" ] && [ -n "$(field also "$script")" ]; then
		echo "${models%% *} newest ${script##*/} $options"
	fi
}

# One line a machine: MODEL KERNEL SCRIPT[,SCRIPT...] OPTIONS.
plan_machines()
{
	for script in tests/host/*.sh; do
		[ -e "$script" ] || continue
		name=${script##*/}
		wanted "host/${name%.sh}" || continue
		[ -n "$full" ] || [ "$(field only "$script")" != full ] || continue
		boots "$script"
	done | awk '{
		options = ""
		for (i = 4; i <= NF; i++)
			options = options " " $i
		key = $1 " " $2 "," options
		if (!(key in scripts))
			order[++count] = key
		scripts[key] = scripts[key] (scripts[key] ? "," : "") $3
	}
	END {
		for (i = 1; i <= count; i++) {
			split(order[i], part, ",")
			print part[1], scripts[order[i]] part[2]
		}
	}'
}

# test_device KERNEL: builds it if a machine with that kernel has one.
test_device()
{
	! grep -q "^[^ ]* $1 .*--test-device" "$work/machines" ||
		must host/module.sh "$1" tests/device
}

# must COMMAND...: what must not fail; if it does, it is a failed test.
must()
{
	if ! "$@"; then
		echo "FAILED $*"
		echo 0 1 0 >>"$work/counts"
		return 1
	fi
}

must host/build.sh all || :
kvmtests=
if wanted host/kvmtests; then
	kvmtests=$(must tests/kvm/build.sh) || :
fi
native_tests
plan_machines >"$work/machines"
for kernel in $(cut -d ' ' -f 2 "$work/machines" | sort -u); do
	[ "$kernel" != debug ] || must host/debug-kernel.sh || :
	if ! must host/module.sh "$kernel" || ! test_device "$kernel"; then
		sed -i "/^[^ ]* $kernel /d" "$work/machines"
	fi
done
tr '\n' '\0' <"$work/machines" |
	must xargs -0 -r -n 1 -P "${TSR_JOBS:-2}" tests/machine.sh || :

awk '{ passed += $1; failed += $2; skipped += $3 }
END {
	if (!(passed + failed + skipped))
		print "No test has such a name: nothing ran."
	printf "%d passed, %d failed", passed, failed
	print skipped ? ", " skipped " skipped" : ""
	exit failed || !(passed + skipped)
}' "$work/counts"
