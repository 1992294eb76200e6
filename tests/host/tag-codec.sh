#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# The tag codec on an arm64 CPU: with its vectors, and built as for a kernel, without.
# machines: max
status=0
for program in test-tag-codec test-tag-codec-plain; do
	"$program" >/tmp/tap || status=1
	sed "/^1\.\./d; s/ - / - $program: /" /tmp/tap
done | awk '/^(not )?ok / { sub(/ok [0-9]+/, "ok " ++n) } { print } END { print "1.." n }'
exit $status
