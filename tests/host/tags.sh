#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# tessera tags, pause and resume: a guest stores tags, and finds those that were
# restored; files that are no good; who asks and goes away.
# machines: max neoverse-n2
# timeout: 300
# shellcheck source=tests/host/lib/tap.sh
. /tests/lib/tap.sh
dir=$TSR_DISK/tags
out=$dir/out
console=$dir/console
mkdir -p "$dir"

# said TEXT: waits, within reason, until the guest has said it.
said()
{
	tries=100
	until grep -q "$1" "$console"; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || return 1
		usleep 100000
	done
}

# guest COMMAND TEXT: the guest does so and says TEXT. What it said before is forgotten.
guest()
{
	: >"$console"
	printf %s "$1" >&3
	said "$2"
}

# start OPTION...: a VM with that region 1, and tag-keep with 9 pages, every 7th.
start()
{
	rm -f "$dir/fifo"
	mkfifo "$dir/fifo"
	: >"$console"
	tessera run --mte --vcpus 2 --console-input --ram 32M --ram "$@" /guest/tag-keep 9 7 \
		<"$dir/fifo" >>"$console" 2>&1 &
	pid=$!
	exec 3>"$dir/fifo"
	said ready || tail "$console"
}

stop()
{
	printf q. >&3
	exec 3>&-
	wait $pid
}

start 0x80000000:8M:memfd
ends 0 'slot 1  0x80000000' 'no tags yet' tags $pid
holds 'in either slot' [ "$(grep -c 'tags in 0 pages of' "$out")" = 2 ]
holds 'the guest stores tags' guest s1 'stored 1'
ends 0 'tags in 9 pages of 2048' 'they are counted' tags $pid
holds 'and none elsewhere' grep -q 'tags in 0 pages of 8192' "$out"
holds 'and drawn' grep -q ' 80000000  t..*t' "$out"
ends 0 '80007000     80008000      4 KiB  tags' 'and listed' tags --list $pid
holds 'each of them' [ "$(grep -c 'KiB  tags$' "$out")" = 9 ]
ends 0 'tags in 9 pages' 'as a picture' tags --svg - $pid
holds 'with a pattern of its own' grep -q 'url(#tagged)' "$out"

# --- dump and restore ---

ends 0 '^9 pages with tags of 10240' 'a dump' tags --dump "$dir/1" $pid
holds 'is for its owner alone' [ "$(stat -c %a "$dir/1")" = 600 ]
ends 0 '^9 pages with tags of 10240, 1 batches' 'its file is good' tags --check "$dir/1"
holds 'and small' [ "$(stat -c %s "$dir/1")" -lt 900 ]
holds 'the guest changes its tags' guest s2 'stored 2'
holds 'all of them' guest c1 'checked 1: [1-9]'
ends 0 '^9 pages with tags' 'restored' tags --restore "$dir/1" $pid
holds 'they are what they were' guest c1 'checked 1: 0 wrong'
ends 0 '^9 pages' 'a dump again' tags --dump "$dir/2" $pid
holds 'is the same' cmp "$dir/1" "$dir/2"
holds 'the guest goes on' guest s3 'stored 3'
ends 0 '^9 pages' 'over an old dump' tags --dump "$dir/2" $pid
holds 'it is another' sh -c "! cmp -s '$dir/1' '$dir/2'"
ends 0 'restore: 100 %' 'with its progress' tags --restore "$dir/1" --progress $pid
holds 'they are what they were' guest c1 'checked 1: 0 wrong'
holds 'nothing is left beside the dumps' [ "$(echo "$dir"/*)" = \
	"$dir/1 $dir/2 $dir/console $dir/fifo $dir/out" ]

# --- pause ---

ends 0 '' 'pause' pause $pid
before=$(cut -d' ' -f14 /proc/$pid/stat)
: >"$console"
printf c1 >&3
usleep 1500000
holds 'the guest rests' [ ! -s "$console" ]
holds 'and so do its threads' [ $(($(cut -d' ' -f14 /proc/$pid/stat) - before)) -lt 20 ]
ends 0 '' 'twice is once' pause $pid
ends 0 '^9 pages' 'a dump' tags --dump "$dir/2" $pid
holds 'leaves it at rest' [ ! -s "$console" ]
ends 0 'tags in 9 pages' 'and can be looked at' tags $pid
ends 0 '' 'resume' resume $pid
holds 'the guest goes on' said 'checked 1: 0 wrong'
ends 0 '' 'though it runs' resume $pid
ends 113 'No VM' 'no VM' pause 1
ends 100 'takes a process' 'nothing named' resume

# --- files that are no good ---

size=$(stat -c %s "$dir/1")
head -c $((size - 1)) "$dir/1" >"$dir/bad"
ends 114 "damaged at byte $((size - 1)): it ends there" 'one byte short' tags --check "$dir/bad"
ends 114 'damaged' 'nor is it restored' tags --restore "$dir/bad" $pid
head -c 100 "$dir/1" >"$dir/bad"
printf x >>"$dir/bad"
tail -c +102 "$dir/1" >>"$dir/bad"
ends 114 'checksum of what begins there is wrong' 'one byte changed' tags --restore "$dir/bad" $pid
(cat "$dir/1" && echo) >"$dir/bad"
ends 114 'something follows' 'one byte more' tags --restore "$dir/bad" $pid
ends 114 'no file of tessera tags' 'another kind of file' tags --restore "$0" $pid
ends 114 'Cannot open' 'no such file' tags --restore "$dir/none" $pid
ends 114 'no file of tessera tags' 'an empty file' tags --check /dev/null
ends 114 'cannot be read' 'a folder' tags --check "$dir"
ends 114 'no regular file' 'a dump over a device' tags --dump /dev/null $pid
ends 114 'Cannot write beside' 'a dump to nowhere' tags --dump /nowhere/x $pid
ends 100 'Try: tessera' 'two things at once' tags --dump "$dir/x" --restore "$dir/1" $pid
ends 100 'Try: tessera' 'a VM to check a file' tags --check "$dir/1" $pid
cp "$dir/1" "$dir/full"
# What it says goes to a pipe: no file grows.
(ulimit -f 0; tessera tags --dump "$dir/full" $pid; echo "status $?") 2>&1 | cat >"$out"
holds 'a dump without room: status 114' grep -q 'status 114' "$out"
holds 'and it says so' grep -q 'cannot be written: File too large' "$out"
holds 'the old file stands' cmp "$dir/1" "$dir/full"
holds 'and nothing beside it' [ "$(echo "$dir"/full*)" = "$dir/full" ]
holds 'none of this changed a tag' guest c1 'checked 1: 0 wrong'

# --- who asks and goes away ---

tessera tags --dump "$dir/x" $pid >/dev/null 2>&1 &
asking=$!
kill -STOP $asking
kill -KILL $asking
wait $asking 2>/dev/null
holds 'a VM goes on after who held it was killed' guest c1 'checked 1: 0 wrong'
rm -f "$dir"/x*
ends 0 '' 'a VM that rests' pause $pid
kill -TERM $pid
wait $pid
holds 'can be ended: status 143' [ $? = 143 ]
exec 3>&-

# --- another VM ---

truncate -s 8M "$dir/ram"
start 0x80000000:4M
ends 114 'other memory: it has 0x80000000-0x80800000' 'other memory' tags --restore "$dir/1" $pid
stop
start 0x80000000:8M --ram 4M
ends 114 'it has 2 slots where this VM has 3' 'more memory' tags --restore "$dir/1" $pid
stop
export GLIBC_TUNABLES=glibc.mem.tagging=3
start "0x80000000:8M:file=$dir/ram,exclusive" --promote-unit page
ends 0 '^9 pages' 'over memory that cannot hold tags' tags --restore "$dir/1" $pid
ends 0 'promoted 36 KiB' 'which is promoted, page by page' inspect $pid
holds 'they are what they were' guest c1 'checked 1: 0 wrong'
stop
start "0x80000000:8M:file=$dir/ram,exclusive" --on-tag-fault inject --slot-flags touch
ends 114 'cannot hold tags, and may not be promoted' 'nor where that is not wanted' \
	tags --restore "$dir/1" $pid
ends 0 'tags in 0 pages of 2048' 'then there are none' tags $pid
kill $pid
wait $pid
exec 3>&-
tessera run /guest/lazy 2 100000 >/dev/null 2>&1 </dev/null &
pid=$!
usleep 500000
ends 114 'has no MTE' 'a VM without MTE' tags $pid
kill $pid
wait $pid

rm -rf "$dir"
echo "1..$count"
