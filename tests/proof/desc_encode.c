// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * proves: a leaf reads back as what was asked, grants nothing else, sets no reserved bit
 * sources: core/s2/desc.c
 */
#include "proof.h"
#include "s2/desc.h"

/* Arm ARM D8.3, D8.4.2 and D8.6: bit by bit, what a stage-2 leaf may have. */
static void prove_bits(const struct host *host, u64 desc, int level, perm_t perm)
{
	u64 memattr = bits(desc, 5, 2);

	prove(bit(desc, 0));
	prove(bit(desc, 1) == (level == 3));
	prove(bit(desc, 6) == !!(perm & PERM_R));
	prove(bit(desc, 7) == !!(perm & PERM_W));
	prove(bits(desc, 9, 8) == 3);
	prove(bit(desc, 10));
	/* nT: for break-before-make of level 1, which nobody here uses. */
	prove(!bit(desc, 16) || level == 3);
	prove(!bits(desc, 51, 48) && !bit(desc, 52));
	prove(bits(desc, 54, 53) == (perm & PERM_X ? 0 : 2));
	prove(!bits(desc, 63, 55) && !bit(desc, 11));
	if (host->fwb)
		prove(memattr == 0x1 || memattr == 0x5 || memattr == 0x6 || memattr == 0xe);
	else
		prove(memattr == 0x1 || memattr == 0x5 || memattr == 0xf || memattr == 0x4);
	if (!host->mte_perm)
		prove(memattr != 0x4 && memattr != 0xe);
}

int main(void)
{
	struct host host = any_host();
	int level = any_between(1, 3);
	u64 span = 4096ULL << (9 * (3 - level));
	struct hpa hpa = { any_page() << 12 };
	enum memtype type = (enum memtype)any_between(MEMTYPE_WB, MEMTYPE_DEVICE);
	perm_t perm = any_perm(), as_read;
	struct s2_entry e;
	u64 desc;

	assume(!(hpa.addr & (span - 1)));
	assume(perm & (PERM_R | PERM_W | PERM_X));
	assume((perm & PERM_T) || host.mte_perm);
	desc = s2_desc_leaf(&host, hpa, level, type, perm);
	prove_bits(&host, desc, level, perm);
	prove(bits(desc, 47, 12) << 12 == hpa.addr);
	e = s2_desc_decode(&host, desc, level);
	/* Only write-back memory can deny tags; of the others none has any. */
	as_read = type == MEMTYPE_WB ? perm : perm | PERM_T;
	prove(e.kind == S2_LEAF && e.level == level && e.hpa.addr == hpa.addr);
	prove(e.type == type && e.perm == as_read && e.young);
	/* And again: the descriptor says no more than the entry does. */
	prove(s2_desc_leaf(&host, e.hpa, e.level, e.type, e.perm) == desc);
	proved();
	return 0;
}
