#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# host/verdict.sh LOG STATUS LIMIT: what the console of an emulated host says
# about its run, as a sentence and as the exit status that run.sh promises.
# STATUS is that of timeout(1) around QEMU, LIMIT its seconds.
set -eu
top=$(cd "$(dirname "$0")/.." && pwd -P)
log=$1
status=$2
limit=$3

# console_end: what was said last, without what is meant for this script.
console_end()
{
	echo "The console's last lines:"
	grep -v '^@@' "$log" | tail -n "$1" | sed 's/^/    /'
}

# complaints: lines of the kernel's log since the host was up that are of
# level err or worse, or speak of a broken kernel; but for those allowed.
complaints()
{
	for list in deny allow; do
		grep -v '^#' "$top/host/dmesg-$list" >"$log.$list"
	done
	sed -n '/^@@dmesg/,/^@@end/{/^@@/!p}' "$log" |
		grep -E -i -f "$log.deny" | grep -v -E -f "$log.allow" || :
	rm "$log.allow" "$log.deny"
}

if [ "$status" = 124 ] || [ "$status" = 137 ]; then
	echo "The emulated host was stopped after $limit seconds."
	console_end 20
	exit 121
fi
if grep '^@@fatal' "$log" | sed 's/^@@fatal /The host did not come up: /' | grep .; then
	console_end 20
	exit 120
fi
if ! grep -q '^@@up' "$log"; then
	echo "The host did not come up (QEMU ended with status $status)."
	console_end 40
	exit 120
fi
job=$(sed -n 's/^@@status //p' "$log")
if [ -z "$job" ]; then
	echo "The host's kernel died."
	console_end 80
	exit 122
fi
dirty=$(complaints)
left=$(sed -n 's/^@@left //p' "$log")
if [ -n "$dirty" ]; then
	echo "The host's kernel complained:"
	sed -n '/^@@dmesg/,/^@@end/{/^@@/!p}' "$log" | tail -n 200 | sed 's/^/    /'
fi
if [ -n "$left" ]; then
	echo "After the end of the job:"
	echo "$left" | sed 's/^/    /'
fi
if [ "$job" = 0 ] && [ -n "$dirty$left" ]; then
	exit 123
fi
exit "$job"
