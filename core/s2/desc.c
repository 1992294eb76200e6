// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "s2/desc.h"

/* MemAttr[3:0] without FEAT_S2FWB (D8.6.5) and with it (D8.6.6). */
#define MEMATTR_DEVICE_nGnRE 0x1ULL
#define MEMATTR_NC	     0x5ULL
#define MEMATTR_WB	     0xfULL
#define MEMATTR_WB_NOTAG     0x4ULL
#define MEMATTR_FWB_WB	     0x6ULL
#define MEMATTR_FWB_WB_NOTAG 0xeULL

static u64 s2_memattr(const struct host *host, enum memtype type, perm_t perm)
{
	bool notag = !(perm & PERM_T) && host->mte_perm;

	switch (type) {
	case MEMTYPE_WB:
		if (host->fwb)
			return notag ? MEMATTR_FWB_WB_NOTAG : MEMATTR_FWB_WB;
		return notag ? MEMATTR_WB_NOTAG : MEMATTR_WB;
	case MEMTYPE_NC:
		return MEMATTR_NC;
	case MEMTYPE_DEVICE:
	case MEMTYPE_REFUSED:
		return MEMATTR_DEVICE_nGnRE;
	}
	return MEMATTR_DEVICE_nGnRE;
}

u64 s2_desc_leaf(const struct host *host, struct hpa hpa, int level, enum memtype type, perm_t perm)
{
	return S2_DESC_VALID | (level == TSR_LEVEL_LAST ? S2_DESC_TABLE : 0) |
	       FIELD_PREP(S2_DESC_MEMATTR, s2_memattr(host, type, perm)) |
	       FIELD_PREP(S2_DESC_SH, S2_SH_INNER) | S2_DESC_AF | s2_desc_perm(perm) |
	       (hpa.addr & S2_DESC_ADDR);
}

/* Type and tag permission of MemAttr; what core never writes is REFUSED. */
static enum memtype s2_memattr_decode(const struct host *host, u64 memattr, perm_t *perm)
{
	*perm |= PERM_T;
	if (memattr == MEMATTR_DEVICE_nGnRE)
		return MEMTYPE_DEVICE;
	if (memattr == MEMATTR_NC)
		return MEMTYPE_NC;
	if (memattr == (host->fwb ? MEMATTR_FWB_WB : MEMATTR_WB))
		return MEMTYPE_WB;
	if (!host->mte_perm || memattr != (host->fwb ? MEMATTR_FWB_WB_NOTAG : MEMATTR_WB_NOTAG))
		return MEMTYPE_REFUSED;
	*perm &= ~PERM_T;
	return MEMTYPE_WB;
}

struct s2_entry s2_desc_decode(const struct host *host, u64 desc, int level)
{
	struct s2_entry e = { .kind = S2_INVALID, .level = level };

	if (!s2_desc_valid(desc))
		return e;
	/* Reserved: a page without bit 1, a block where the granule has none. */
	if (!(desc & S2_DESC_TABLE) && (level == TSR_LEVEL_LAST || level == 0))
		return e;
	e.hpa = s2_desc_hpa(desc);
	if (s2_desc_is_table(desc, level)) {
		e.kind = S2_TABLE;
		return e;
	}
	e.kind = S2_LEAF;
	e.type = s2_memattr_decode(host, FIELD_GET(S2_DESC_MEMATTR, desc), &e.perm);
	e.young = desc & S2_DESC_AF;
	if (desc & S2_DESC_S2AP_R)
		e.perm |= PERM_R;
	if (desc & S2_DESC_S2AP_W)
		e.perm |= PERM_W;
	if (FIELD_GET(S2_DESC_XN, desc) == S2_XN_NONE)
		e.perm |= PERM_X;
	return e;
}
