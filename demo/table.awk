# SPDX-License-Identifier: GPL-2.0-only OR MIT
# The hosts of the demo side by side; arguments: a file each.

FNR == 1 { hosts++ }
/^@?[a-z0-9_]+=/ {
	split($0, pair, "=")
	value[hosts, pair[1]] = pair[2]
}

function row(title, key, divide, unit,    i, cell)
{
	printf "  %-34s", title
	for (i = 1; i <= hosts; i++) {
		cell = (i, key) in value ? value[i, key] : "-"
		if (cell != "-" && divide)
			cell = sprintf("%.1f%s", cell / divide, unit)
		printf "%18s", cell
	}
	print ""
}

END {
	for (i = 1; i <= hosts; i++) {
		value[i, "outcome"] = value[i, "@status"] == "0" ? "passed" : "EINVAL"
		if ((i, "notag") in value)
			value[i, "notag"] = value[i, "notag"] ? "yes" : "no"
	}
	row("CPU", "@cpu")
	row("hypervisor", "@hypervisor")
	row("hardware enforces NoTagAccess", "notag")
	row("an MTE guest on page cache", "outcome")
	row("pages mapped: anonymous", "ram0_resident_pages")
	row("pages mapped: the file's region", "ram1_resident_pages")
	row("  promoted of these", "ram1_promoted_pages")
	row("exits: TAG", "exits_tag")
	row("exits: other memory faults", "exits_memory_fault")
	row("exits: MMIO (console, marks)", "exits_mmio")
	row("promotions", "promotions")
	row("  time in them", "promotion_microseconds", 1000, " ms")
	row("time of the whole run", "microseconds", 1000, " ms")
}
