# SPDX-License-Identifier: GPL-2.0-only OR MIT
# For the scripts of tests/host that look for what a killed VMM has left. Sourced.
# shellcheck shell=sh

# How many uses of the module there are.
uses()
{
	cat /sys/module/tessera/refcnt
}

# uses_back_to COUNT: they are so many, soon. The last go with a process's deferred work.
uses_back_to()
{
	tries=0
	until [ "$(uses)" = "$1" ]; do
		[ $((tries += 1)) -le 50 ] || return 1
		usleep 20000
	done
}
