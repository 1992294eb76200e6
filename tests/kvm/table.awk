# SPDX-License-Identifier: GPL-2.0-only OR MIT
# KVM's selftests side by side: awk -f table.awk KEPT/tessera KEPT/stock LIST, for the tests
# of LIST (lines of tests/kvm/list). Fails if one on tessera.ko comes to less than LIST says.

# A file may be empty, so files are told by their names.
FNR == 1 { whose = FILENAME ~ /\/tessera$/ ? "tessera" : FILENAME ~ /\/stock$/ ? "stock" : "" }

whose {
	verdict[whose, $1] = $2
	took[whose, $1] = $3
	when[whose, $1] = $4
	release[whose, $1] = $5
	next
}

# Notes which results column @column is made of.
function count(column, name)
{
	if (!((column, name) in verdict))
		return
	total[column, verdict[column, name]]++
	if (!(column in first) || when[column, name] < first[column])
		first[column] = when[column, name]
	if (when[column, name] > last[column])
		last[column] = when[column, name]
	of[column] = release[column, name]
}

function summary(title, column)
{
	if (!(column in first)) {
		printf "%s: never run here; --stock runs it\n", title
		return
	}
	printf "%s: %d pass, %d skip, %d fail; Linux %s, %s", title, total[column, "pass"],
		total[column, "skip"], total[column, "fail"], of[column], first[column]
	print last[column] == first[column] ? "" : " to " last[column]
}

BEGIN {
	rank["fail"] = 1
	rank["skip"] = 2
	rank["pass"] = 3
	printf "%-32s %13s  %13s\n", "test", "tessera.ko  s", "stock KVM  s"
}

{
	# Before anything looks an entry up, which makes it.
	count("tessera", $1)
	count("stock", $1)
	mine = verdict["tessera", $1]
	less = rank[mine] < rank[$4]
	lesser += less
	printf "%-32s %-5s %7s  %-5s %7s%s\n", $1, mine, took["tessera", $1],
		verdict["stock", $1], took["stock", $1], less ? "  expected: " $4 : ""
}

END {
	summary("tessera.ko", "tessera")
	summary("stock KVM", "stock")
	exit lesser > 0
}
