// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * proves: a block that fault_level() allows lies in the slot, the backing and the attributes
 * sources: core/fault.c core/memtype.c
 * options: --unwind 4
 */
#include "policy.h"

static bool fits(const struct slot *slot, u64 nr, u64 hfn, const struct backing *b, int level)
{
	u64 pages = 1ULL << (9 * (3 - level)), begin = nr & ~(pages - 1);

	return begin >= slot->gfns.begin && begin + pages <= slot->gfns.end &&
	       (nr & (pages - 1)) == (hfn & (pages - 1)) && pages <= 1ULL << b->order;
}

int main(void)
{
	struct slot slot = any_slot();
	struct backing b = any_backing();
	struct gfn gfn = { any_page() };
	u64 hfn = b.hpa.addr >> 12;
	int attr_level = any_between(-1, 3), level;

	assume(gfn_range_contains(slot.gfns, gfn));
	level = fault_level(&slot, gfn, &b, attr_level);
	prove(level >= 1 && level <= 3 && level >= attr_level);
	prove(level == 3 || fits(&slot, gfn.nr, hfn, &b, level));
	prove(level == 3 || !slot_logs(&slot));
	/* The largest: a level above does not fit, or is not uniform. */
	prove(slot_logs(&slot) || level == 1 || level - 1 < attr_level ||
	      !fits(&slot, gfn.nr, hfn, &b, level - 1));
	proved();
	return 0;
}
