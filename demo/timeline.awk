# SPDX-License-Identifier: GPL-2.0-only OR MIT
# What a host of the demo wrote, for a person: the guest's words and the VMM's timeline
# under one another. awk -v bold=ESC -v plain=ESC.

BEGIN {
	step[1] = "computes over the file-backed memory"
	step[2] = "stores a tag in anonymous memory"
	step[3] = "stores a tag in file-backed memory"
	step[4] = "reads it back"
	step[5] = "loads there with a wrong tag"
	step[6] = "computes over the file-backed memory again"
}

function line(time, who, what)
{
	printf "  %10s  %-5s  %s\n", time, who, what
}

/^ *[0-9]+\.[0-9]+ ms / {
	time = sprintf("%.1f ms", $1)
	what = $0
	if ($0 ~ /the guest reaches step [0-9]+$/) {
		line(time, "guest", bold step[$NF] plain)
	} else if (sub(/.*the guest needs /, "needs ", what)) {
		line(time, "guest", what "   <- KVM_EXIT_MEMORY_FAULT, TAG")
	} else if (sub(/^ *[0-9.]+ ms +vmm +/, "", what)) {
		sub(/; the guest goes on$/, "", what)
		line(time, "VMM", what)
	} else if (sub(/.*the guest ends/, "ends", what)) {
		line(time, "guest", what)
	}
	next
}

sub(/^guest: /, "") {
	line("", "", "\"" $0 "\"")
	next
}

sub(/^tessera: /, "") {
	while (length($0) > 70 && match(substr($0, 1, 70), /.* /)) {
		line("", head++ ? "" : "VMM", substr($0, 1, RLENGTH - 1))
		$0 = substr($0, RLENGTH + 1)
	}
	line("", head ? "" : "VMM", $0)
}
