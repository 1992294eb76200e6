// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "s2/walk.h"

u64 s2_break(struct s2 *s2, u64 *entry, u64 nr, int level)
{
	u64 old = xchg_release(entry, 0ULL);

	seam_dsb_ishst();
	seam_tlbi_range(s2->tlb, gfn_of(s2_span_begin(nr, level)), s2_level_pages(level),
			s2_desc_is_table(old, level) ? -1 : level);
	return old;
}

void s2_make(u64 *entry, u64 desc)
{
	/* Pairs with the hardware walker: what it finds below is written before the entry. */
	smp_store_release(entry, desc);
	seam_dsb_ishst();
}

u64 s2_resize(struct s2_walk *walk, u64 *entry, u64 nr, int level, u64 desc)
{
	u64 begin = s2_span_begin(nr, level), old;

	if (walk->s2->host->bbm < 2) {
		old = s2_break(walk->s2, entry, nr, level);
		s2_make(entry, desc);
		return old;
	}
	/* Pairs with the hardware walker, as in s2_make(). */
	old = xchg_release(entry, desc);
	/* TLBs may hold both sizes now: no level is true of all that there is to invalidate. */
	s2_walk_stale(walk, begin, begin + s2_level_pages(level), -1);
	return old;
}
