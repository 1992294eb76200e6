#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# tests/tap.sh NAME STATUS FILE: read the TAP that a program NAME wrote to FILE
# before it ended with STATUS; print what a reader needs of it, and append
# "PASSED FAILED SKIPPED" to $TSR_WORK/counts. Several plans in one file add up.
set -eu
awk -v name="$1" -v status="$2" -v counts="$TSR_WORK/counts" '
function bad(text) { problem = problem "  FAILED " name ": " text "\n" }
{ sub(/\r$/, "") }
/^[0-9]+\.\.[0-9]+/ {
	split($1, plan, /\.\./)
	planned += plan[2] - plan[1] + 1
	plans++
	next
}
/^(not )?ok([ \t]|$)/ {
	text = $0
	sub(/^(not )?ok[ \t]*[0-9]*[ \t]*(- )?/, "", text)
	seen++
	shown = 0
	if (text ~ /# *[Ss][Kk][Ii][Pp]/) {
		skipped++
		reasons[++skips] = text
	} else if (/^not/) {
		failed++
		bad(text)
		shown = 1
	} else {
		passed++
	}
	next
}
/^Bail out!/ { bad($0); failed++; bailed = 1; next }
/^#/ { if (shown) problem = problem "      " $0 "\n"; next }
{ other[++others] = $0 }
END {
	if (!plans && !bailed) {
		bad("it gave no plan of its tests (status " status ")")
		failed++
		broken = 1
	} else if (planned != seen && !bailed) {
		bad(planned " tests were planned, " seen + 0 " ran (status " status ")")
		failed++
		broken = 1
	} else if (status != 0 && !failed) {
		bad("it ended with status " status)
		failed++
		broken = 1
	}
	printf "%-6s %s: %d tests", failed ? "FAILED" : "ok", name, seen
	print skipped ? ", " skipped " skipped" : ""
	for (i = 1; i <= skips; i++)
		print "  skip " reasons[i]
	printf "%s", problem
	if (broken || (failed && others)) {
		from = others > 40 ? others - 39 : 1
		for (i = from; i <= others; i++)
			print "      | " other[i]
	}
	print passed + 0, failed + 0, skipped + 0 >>counts
}' "$3"
