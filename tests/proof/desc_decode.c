// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * proves: every 64-bit value is decoded, at every level, on every host
 * sources: core/s2/desc.c
 */
#include "proof.h"
#include "s2/desc.h"

/* Arm ARM D8.3: what bits 1:0 mean at each level of this granule. */
static enum s2_kind kind_of(u64 desc, int level)
{
	if (!bit(desc, 0))
		return S2_INVALID;
	if (level == 3)
		return bit(desc, 1) ? S2_LEAF : S2_INVALID;
	if (bit(desc, 1))
		return S2_TABLE;
	return level == 0 ? S2_INVALID : S2_LEAF;
}

/* Does MemAttr deny tags, in one of the two types that core uses for that? */
static bool notag(const struct host *host, u64 desc)
{
	return host->mte_perm && bits(desc, 5, 2) == (host->fwb ? 0xe : 0x4);
}

static void prove_leaf(const struct host *host, u64 desc, struct s2_entry e)
{
	u64 xn = bits(desc, 54, 53);

	prove(e.type >= MEMTYPE_REFUSED && e.type <= MEMTYPE_DEVICE);
	prove(!(e.perm & PERM_H));
	prove(!!(e.perm & PERM_R) == bit(desc, 6));
	prove(!!(e.perm & PERM_W) == bit(desc, 7));
	/* Half of XN's values let one exception level fetch: that is not X. */
	prove(!(e.perm & PERM_X) || xn == 0);
	prove(xn != 0 || (e.perm & PERM_X));
	prove(e.young == bit(desc, 10));
	prove(!!(e.perm & PERM_T) == !notag(host, desc));
	prove((e.type == MEMTYPE_DEVICE) == (bits(desc, 5, 2) == 0x1));
	prove((e.type == MEMTYPE_NC) == (bits(desc, 5, 2) == 0x5));
	prove((e.type == MEMTYPE_WB) ==
	      (notag(host, desc) || bits(desc, 5, 2) == (host->fwb ? 0x6 : 0xf)));
}

int main(void)
{
	struct host host = any_host();
	int level = any_between(0, 3);
	u64 desc = nondet_u64();
	struct s2_entry e = s2_desc_decode(&host, desc, level);

	prove(e.kind == kind_of(desc, level));
	prove(e.level == level);
	prove(s2_desc_valid(desc) == bit(desc, 0));
	prove(s2_desc_is_table(desc, level) == (e.kind == S2_TABLE));
	if (e.kind == S2_INVALID)
		prove(!e.hpa.addr && !e.perm && !e.young);
	else
		prove(e.hpa.addr == bits(desc, 47, 12) << 12);
	if (e.kind == S2_LEAF)
		prove_leaf(&host, desc, e);
	else
		prove(!e.perm && !e.young);
	proved();
	return 0;
}
