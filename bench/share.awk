# SPDX-License-Identifier: GPL-2.0-only OR MIT
# awk -v who=kvm|tessera [-v only=REGEX] [-v top=N] -f share.awk SYMBOLS COUNTS: the instructions of
# COUNTS (from the plugin count.c) that lie in tessera.ko, or in the kernel's KVM; with
# only, in those of its functions whose names match that; with top, the N functions that have most of them. SYMBOLS is /proc/kallsyms by address.
#
# The linker lays the objects of KVM side by side, so KVM is the stretch of symbols that
# begins with its first tracepoint and ends before a hundred symbols in a row of which
# none is named after anything of KVM's. Addresses are 16 digits: they compare as text.

function is_kvm_name(name)
{
	return name ~ /kvm|vgic|stage2|vcpu|hyp_|its_/
}

FNR == NR {
	if ($2 !~ /^[tTwW]$/)
		next
	count++
	address[count] = $1
	name[count] = $3
	module[count] = $4
	if (!$4) {
		if (!first && $3 ~ /^__traceiter_kvm_/)
			first = last = count
		if (first && !over && is_kvm_name($3))
			last = count
		over = over || (first && count - last > 100)
	}
	next
}

# The last symbol that is not above @at.
function symbol_of(at,    low, high, middle)
{
	low = 1
	high = count
	while (low < high) {
		middle = int((low + high + 1) / 2)
		if (address[middle] <= at)
			low = middle
		else
			high = middle - 1
	}
	return low
}

{
	i = symbol_of($1)
	if (who == "kvm" ? i < first || i > last : module[i] != "[tessera]")
		next
	if (only && name[i] !~ only)
		next
	sum += $2 * $3
	spent[name[i]] += $2 * $3
}

END {
	print sum + 0
	for (; top > 0; top--) {
		most = ""
		for (f in spent) {
			if (most == "" || spent[f] > spent[most])
				most = f
		}
		if (most == "")
			break
		print "#", spent[most], most
		delete spent[most]
	}
}
