/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * As much of a stage-2 descriptor as TLB maintenance depends on (Arm ARM D8.3, 4K granule):
 * what may change in place and what asks for break-before-make. Written from the Arm ARM as
 * mmu.c is; for the TLB model alone.
 */
#ifndef EMU_TLB_DESC_H
#define EMU_TLB_DESC_H

#include "types.h"

#define TLB_AF	 BIT_ULL(10)
#define TLB_ADDR GENMASK_ULL(47, 12)
/* S2AP, AF, DBM, XN and what is software's: no break-before-make (D8.16.1). */
#define TLB_SOFT (GENMASK_ULL(7, 6) | TLB_AF | BIT_ULL(51) | GENMASK_ULL(58, 53))

enum tlb_kind { TLB_NONE, TLB_TABLE, TLB_LEAF };

static inline u64 tlb_span(int level)
{
	return 1ULL << TSR_LEVEL_ORDER(level);
}

static inline enum tlb_kind tlb_kind(u64 desc, int level)
{
	if (!(desc & 1))
		return TLB_NONE;
	if (desc & 2)
		return level == 3 ? TLB_LEAF : TLB_TABLE;
	return level == 1 || level == 2 ? TLB_LEAF : TLB_NONE;
}

/* May a TLB keep it? */
static inline bool tlb_cacheable(u64 desc, int level)
{
	enum tlb_kind kind = tlb_kind(desc, level);

	return kind == TLB_TABLE || (kind == TLB_LEAF && (desc & TLB_AF));
}

/* What a leaf grants: read, write (if only after a dirty-state update), fetch at EL1, EL0. */
#define TLB_READ      BIT(0)
#define TLB_WRITE     BIT(1)
#define TLB_FETCH_EL1 BIT(2)
#define TLB_FETCH_EL0 BIT(3)

static inline unsigned long tlb_grants(u64 desc)
{
	u64 xn = FIELD_GET(GENMASK_ULL(54, 53), desc);

	return (desc & BIT_ULL(6) ? TLB_READ : 0) |
	       (desc & (BIT_ULL(7) | BIT_ULL(51)) ? TLB_WRITE : 0) |
	       (xn == 0 || xn == 3 ? TLB_FETCH_EL1 : 0) | (xn == 0 || xn == 1 ? TLB_FETCH_EL0 : 0);
}

/* Where a leaf of @level that begins at @gfn maps page @at. */
static inline u64 tlb_output(u64 desc, u64 gfn, u64 at)
{
	return (desc & TLB_ADDR) + ((at - gfn) << TSR_PAGE_SHIFT);
}

#endif
