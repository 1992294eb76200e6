#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# --lazy, --watch, --protect-text and tessera inspect, each with guests that see
# or cause what they are about, alone and together.
# machines: max neoverse-n2 cortex-a76
# timeout: 300
# shellcheck source=tests/host/lib/tap.sh
. /tests/lib/tap.sh
out=/tmp/policies.out
ram=$TSR_DISK/policies.ram
text=$TSR_DISK/policies.text
mte='' notag=''
! tessera caps | grep -q 'ARM_MTE  *yes' || mte=1
! tessera caps | grep -q 'TSR_NOTAG  *yes' || notag=1

# run STATUS WHAT OPTION...: tessera run ends so; no test of the guest's failed.
run()
{
	want=$1 what=$2
	shift 2
	timeout 60 tessera run --stats "$@" >"$out" 2>&1 </dev/null
	status=$?
	echo "# status $status" >>"$out"
	[ $status = "$want" ] && ! grep -q '^not ok' "$out"
	result $? "$what: status $want"
}

figure() { sed -n "s/^$1=//p" "$out"; }
lines() { grep -c "$1" "$out"; }

# --- --lazy: 8 MiB, a guest with its memory, as another run left them ---

truncate -s 8M "$ram"
run 0 'a memory image is made' --ram "8M:file=$ram,shared" /guest/lazy 0

run 0 'every page' --ram 8M --lazy "$ram" --entry 0x40080000 1 1 8M
holds 'each page comes once' [ "$(figure lazy_pages_fetched)" -le 2048 ]
holds 'in order they come many at once' [ "$(figure lazy_fetches)" -le 60 ]
run 0 'every page, four vCPUs at once' --vcpus 4 --ram 8M --lazy "$ram" --entry 0x40080000 1 1 8M
holds 'each page comes once' [ "$(figure lazy_pages_fetched)" -le 2048 ]
run 0 'into a memfd, a page at a time' --ram 8M:memfd --lazy "$ram" --lazy-window 4k \
	--entry 0x40080000 1 1 8M
holds 'each in a fetch of its own' [ "$(figure lazy_fetches)" = "$(figure lazy_pages_fetched)" ]

# Of the pages behind the image every tenth; the image and its data in order.
run 0 'every tenth page' --ram 8M --lazy "$ram" --entry 0x40080000 1 10 8M
touched=$(((2048 - 128) / 10 + 90))
holds "at most 1.5 times the $touched pages that were touched, and the window" \
	[ "$(figure lazy_pages_fetched)" -le $((touched * 3 / 2 + 256)) ]

run 0 'memory behind the file is zero' --ram 32M --lazy "$ram" --entry 0x40080000 1 3 8M
truncate -s 4194404 "$ram"
run 0 'a file that ends within a page' --ram 8M --lazy "$ram" --entry 0x40080000 1 7 4194304
holds 'what it has not is not waited for' [ "$(figure lazy_pages)" = 1025 ]
run 103 'a file larger than the memory' --ram 2M --lazy "$ram" /guest/hello
run 103 'a file over a file' --ram "4M:file=$ram" --lazy "$ram" /guest/hello
run 103 'no such file' --lazy "$ram.not" /guest/hello
run 0 'an image over the file' --ram 8M --lazy "$ram" /guest/mem

truncate -s 8M "$ram"
: >"$out"
(tries=300
until grep -q waiting "$out" || [ $tries = 0 ]; do
	usleep 100000
	tries=$((tries - 1))
done
truncate -s 1M "$ram") &
run 112 'a file that is truncated while the guest runs' --ram 8M --lazy "$ram" \
	--lazy-window 4k /guest/lazy 2 1500
wait
holds 'and it says so' grep -q 'could not be read from' "$out"

# --- --watch ---

watch=0x80000000:1M
for kind in 0:r:reads 1:w:writes 2:x:executes; do
	IFS=: read -r how letter verb <<-EOT
		$kind
	EOT
	run 0 "8 pages $verb" --ram 32M --ram 0x80000000:1M --watch "$watch:$letter" \
		--watch-every 0 /guest/touch "$how" 8 5
	holds 'each is reported once' \
		[ "$(lines "^watch: vcpu 0 at pc 0x[0-9a-f]* $verb 0x800")" = 8 ]
	holds "by address" grep -q " $verb 0x80005000\$" "$out"
	holds 'and nothing else' [ "$(lines '^watch:')" = 8 ]
done
run 0 'reads where writes are watched' --ram 32M --ram 0x80000000:1M --watch $watch:w \
	/guest/touch 0 8 5
holds 'are not reported' [ "$(lines '^watch:')" = 0 ]
run 0 'a page again and again' --ram 32M --ram 0x80000000:1M --watch $watch:rw \
	--watch-every 100 /guest/touch 1 1 1 1000
holds 'is reported each time that it is armed' [ "$(lines '^watch:')" -ge 4 ]
holds 'and not more often' [ "$(lines '^watch:')" -le 30 ]
if [ -n "$notag" ]; then
	run 0 'tags' --mte --ram 32M --ram 0x80000000:1M:memfd --watch $watch:t /guest/touch 3 8 5
	holds 'are reported' [ "$(lines 'touches the tags of 0x800')" = 8 ]
else
	run 105 'tags, where they cannot be watched' --ram 32M --ram 0x80000000:1M \
		--watch $watch:t /guest/touch 0 1 1
	holds 'and it says so' grep -q FEAT_MTE_PERM "$out"
fi

# --- --protect-text ---

for options in auto auto:x; do
	number=0
	[ $options = auto ] || number=1
	run 0 "--protect-text $options, inject" --protect-text $options --on-text-fault inject \
		/guest/text $number
	holds 'each is reported' [ "$(lines '^protect-text:.*abort injected')" = $((3 + number)) ]
done
run 107 'stop' --protect-text auto /guest/text
holds 'and it says why' grep -q 'protected code' "$out"
run 105 'a flat image' --protect-text auto /guest/hello.bin
holds 'has no code of its own' grep -q 'name the range' "$out"
for guest in smp psci el0; do
	run 0 "$guest with its code execute-only" --vcpus 4 --protect-text auto:x /guest/$guest
done

# --- all at once ---

truncate -s 16M "$text"
run 0 'a memory image is made' --ram "16M:file=$text,shared" --protect-text auto \
	--on-text-fault inject /guest/text
run 0 'lazy, watched and protected pages' --ram 16M --lazy "$text" --entry 0x40080000 \
	--watch 0x40080000:64k:rwx --watch 0x40080000:16k:w --watch-every 20 \
	--protect-text 0x40080000:4k:x --protect-text 0x40081000:8k --on-text-fault inject 1
holds 'were fetched' [ "$(figure lazy_pages_fetched)" -gt 4 ]
holds 'were reported' [ "$(figure watched)" -gt 4 ]
holds 'were kept from being written' [ "$(figure text_faults)" = 4 ]
if [ -n "$mte" ]; then
	truncate -s 4M "$ram"
	truncate -s 8M "$text"
	run 0 'and memory is promoted beside, watched' --mte --tags eager --vcpus 4 --ram 32M \
		--ram "0x80000000:4M:file=$ram,private" --lazy "$text" \
		--watch 0x80000000:4M:rwx --watch-every 50 /guest/tag-smp
	holds 'it was promoted' [ "$(figure promotions)" -ge 1 ]
	holds 'and watched' [ "$(figure watched)" -ge 1 ]
	holds 'while other memory arrived' [ "$(figure lazy_pages_fetched)" -ge 1 ]
else
	skip 'and memory is promoted beside, watched' 'this host has no MTE'
fi

# --- tessera inspect ---

# until_shown TEXT ARGUMENT...: waits, within reason, until tessera inspect answers TEXT.
until_shown()
{
	tries=60
	answer=$1
	shift
	until tessera inspect "$@" 2>&1 | grep -q -- "$answer" || [ $tries = 0 ]; do
		tries=$((tries - 1))
		usleep 500000
	done
}

# asked WHAT TEXT ARGUMENT...: tessera inspect answers TEXT.
asked()
{
	what=$1 answer=$2
	shift 2
	tessera inspect "$@" >"$out" 2>&1 && grep -q -- "$answer" "$out"
	result $? "$what"
}

truncate -s 16M "$text"
tessera run --vcpus 2 --ram 32M --ram 0x80000000:16M --lazy "$text" --socket /tmp/policies.socket \
	--watch 0x80000000:1M:w --watch-every 0 /guest/touch 1 8 5 100000 >/dev/null 2>&1 &
pid=$!
tessera run /guest/lazy 2 100000 >/dev/null 2>&1 &
other=$!
until_shown '80023000     80024000      4 KiB  rwx' --list /tmp/policies.socket
until_shown 'mapped [1-9]' $other
asked 'by socket' 'slot 1  0x80000000-0x81000000  16 MiB  anonymous memory' /tmp/policies.socket
holds 'which others may not use' [ "$(stat -c %a /tmp/policies.socket)" = 700 ]
asked 'what waits is shown' '40200000  ~~~~' /tmp/policies.socket
asked 'a page that was written' '80005000     80006000      4 KiB  rwx' --list /tmp/policies.socket
asked 'and one that may not be' ' -w-- ' --list /tmp/policies.socket
asked 'blocks' '2 MiB ----' --list "$other"
asked 'by process' "Process $other: 1 vCPU," $other
asked 'as a picture' '^</svg>' --svg - $other
holds 'not by process where a socket was given' \
	sh -c "! tessera inspect $pid >/dev/null 2>&1"
tessera inspect 1 >"$out" 2>&1
holds 'a process that is none: status 113' [ $? = 113 ]
tessera inspect --svg /nowhere/x $other >"$out" 2>&1
holds 'nowhere to write: status 113' [ $? = 113 ]
tessera inspect >"$out" 2>&1
holds 'nothing named: status 100' [ $? = 100 ]

# Another user gets nothing out of root's VM, and root trusts none of another user's.
echo 'nobody:x:1000:1000::/:/bin/sh' >/etc/passwd
nobody='start-stop-daemon -S -q -n none -c nobody -a /bin/tessera --'
$nobody inspect $other >"$out" 2>&1
holds 'another user: status 113' [ $? = 113 ]
holds 'and no answer' grep -q 'gives no answer' "$out"
$nobody inspect /tmp/policies.socket >"$out" 2>&1
holds 'nor by the socket' grep -q 'Permission denied' "$out"
chmod 666 /dev/kvm
$nobody run /guest/lazy 2 100000 >/dev/null 2>&1 &
stranger=$!
until_shown 'Somebody else' $stranger
$nobody inspect $stranger >"$out" 2>&1
holds 'a VM of its own: status 0' [ $? = 0 ]
tessera inspect $stranger >"$out" 2>&1
holds 'which root does not trust: status 113' [ $? = 113 ]
holds 'and it says so' grep -q 'Somebody else' "$out"
kill $stranger
rm -f /etc/passwd
chmod 600 /dev/kvm
asked 'those who asked are forgotten' "Process $other: 1 vCPU," $other

# A VM that does not answer keeps nobody for ever, however many ask.
kill -STOP $other
asking=
for i in 0 1 2 3 4 5 6 7 8 9 10 11; do
	timeout 30 tessera inspect $other >"$out.$i" 2>&1 &
	asking="$asking $!"
done
patient=0
for i in $asking; do
	wait "$i"
	[ $? != 113 ] || patient=$((patient + 1))
done
cat "$out".* >"$out"
holds '12 who asked a VM that is stopped: status 113' [ $patient = 12 ]
kill -CONT $other
kill $pid $other
wait
holds 'the socket goes with the run' [ ! -e /tmp/policies.socket ]

rm -f "$ram" "$text" "$out" "$out".*
echo "1..$count"
