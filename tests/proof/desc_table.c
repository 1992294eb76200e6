// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * proves: a table's descriptor reads back as one and sets no reserved bit
 * sources: core/s2/desc.c
 */
#include "proof.h"
#include "s2/desc.h"

int main(void)
{
	struct host host = any_host();
	int level = any_between(0, 2);
	struct hpa hpa = { any_page() << 12 };
	u64 desc = s2_desc_table(hpa);
	struct s2_entry e = s2_desc_decode(&host, desc, level);

	prove(bits(desc, 1, 0) == 3 && !bits(desc, 11, 2) && !bits(desc, 63, 48));
	prove(e.kind == S2_TABLE && e.hpa.addr == hpa.addr && !e.perm);
	/* What is linked at the last level is no table: recursion over levels ends there. */
	prove(!s2_desc_is_table(desc, 3));
	proved();
	return 0;
}
