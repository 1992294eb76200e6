#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# The tessera command as a user meets it: statuses, messages, signals, resets,
# figures, and files that are the guest's memory.
# machines: all
# also: newest
# timeout: 240
# shellcheck source=tests/host/lib/tap.sh
. /tests/lib/tap.sh
ram=$TSR_DISK/command.ram
out=/tmp/command.out
mte=
! tessera caps | grep -q 'ARM_MTE  *yes' || mte=1

# needs_mte WHAT: counts WHAT as skipped on a host without MTE.
needs_mte()
{
	[ -z "$mte" ] || return 0
	skip "$1" "this host has no MTE"
	return 1
}

# ended_by SIGNAL STATUS: with vCPUs that run and vCPUs that wait.
ended_by()
{
	timeout 60 tessera run --vcpus 4 /guest/exits 1000000000 >"$out" 2>&1 &
	usleep 700000
	kill "-$1" "$(pidof tessera)"
	wait $!
	status=$?
	echo "status $status" >>"$out"
	holds "ended by SIG$1: status $2" [ $status = "$2" ]
}

figure() { sed -n "s/^$1=//p" "$out"; }

truncate -s 16M "$ram"
elf=/tmp/command.elf
printf '\177ELF\002' >"$elf"
zeroes=$(md5sum <"$ram")

ends 0 'Exit status' 'help' --help
ends 0 'version 1' 'version' --version
ends 100 'usage:' 'no command'
ends 100 'No image' 'no image' run
ends 100 'overlaps' 'memory over a device' run --ram 0x09000000:4k /guest/hello
ends 101 'does not answer like KVM' 'another device' run --device /dev/null /guest/hello
ends 101 'Load tessera.ko' 'no device' caps /dev/nothing
ends 102 'Cannot open the image' 'no such image' run /guest/nothing
ends 102 'cannot be used' 'half an ELF file' run "$elf"
ends 102 'not all guest memory' 'too little memory' run --ram 64k /guest/hello
ends 103 'truncate -s' 'a file that is too short' run --ram "32M:file=$ram" /guest/hello
ends 105 'needs guest addresses' 'an address beyond the host' \
	run --ram 32M --ram 0x8000000000000:4k /guest/hello
ends 0 'tessera' 'caps' caps
ends 0 'anonymous memory  *yes' 'caps: which memory a VM may have' caps
ends 0 'ok 1' 'a guest' run /guest/hello
ends 109 'ok 1' 'a guest that resets' run --vcpus 2 /guest/psci-reset
ends 0 'ok 1' 'a guest that switches off' run --vcpus 2 /guest/psci-off
ended_by INT 130
ended_by TERM 143
ended_by HUP 129

timeout 4 tessera run --vcpus 2 --on-reset reboot --timeline /guest/psci-reset >"$out" 2>&1
resets=$(grep -c 'asks for a reset' "$out")
holds "a guest that resets is loaded again, and again" [ "$resets" -ge 3 ]

if needs_mte 'memory that cannot hold tags, without flags'; then
	ends 104 'cannot hold allocation tags' 'memory that cannot hold tags, without flags' \
		run --mte --slot-flags none --ram 32M --ram "16M:file=$ram" /guest/hello
fi
if [ -z "$mte" ]; then
	ends 105 'no MTE for guests' 'MTE where there is none' run --mte /guest/hello
fi
if needs_mte 'figures of a run'; then
	timeout 60 tessera run --mte --tags eager --stats --timeline --ram 32M \
		--ram "0x80000000:16M:file=$ram" /guest/demo >"$out" 2>&1
	[ "$(figure promotions)" -ge 1 ] && [ "$(figure exits_tag)" -ge 1 ] &&
		[ "$(figure ram1_promoted_pages)" -ge 512 ] && [ "$(figure status)" = 0 ] &&
		grep -q 'the guest needs allocation tags at 0x80000000' "$out" &&
		grep -q 'promoted 0x80000000-0x80200000' "$out"
	result $? "figures and timeline of a promotion"
	timeout 60 tessera run --mte --stats --ram 32M \
		--ram "0x80000000:16M:file=$ram" /guest/demo >"$out" 2>&1
	[ "$(figure promotions)" = 0 ] && [ "$(figure exits_tag)" = 0 ] &&
		[ "$(figure lazy_tags)" = 1 ] && [ "$(figure status)" = 0 ] &&
		grep -q 'guest: all as expected' "$out"
	result $? "with lazy tags there is nothing to promote"
	holds "a private file is what it was" [ "$(md5sum <"$ram")" = "$zeroes" ]
	timeout 60 tessera run --mte --stats --ram 32M \
		--ram "0x80000000:16M:file=$ram,exclusive" /guest/tag-scatter 2000 >"$out" 2>&1
	[ "$(figure ram1_promoted_pages)" = 4096 ] && [ "$(md5sum <"$ram")" != "$zeroes" ]
	result $? "an exclusive file has what the guest stored, though all of it was promoted"
fi
rm -f "$ram" "$out" "$elf"
echo "1..$count"
