// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "s2/walk.h"

void s2_break(struct s2 *s2, u64 *entry, u64 nr, int level)
{
	bool table = s2_desc_is_table(*entry, level);

	WRITE_ONCE(*entry, 0);
	seam_dsb_ishst();
	seam_tlbi_range(s2->tlb, gfn_of(s2_span_begin(nr, level)), 1ULL << TSR_LEVEL_ORDER(level),
			table ? -1 : level);
}

void s2_make(u64 *entry, u64 desc)
{
	/* Pairs with the hardware walker: what it finds below is written before the entry. */
	smp_store_release(entry, desc);
	seam_dsb_ishst();
}
