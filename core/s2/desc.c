// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "s2/desc.h"

/* MemAttr[3:0] without FEAT_S2FWB (D8.6.5) and with it (D8.6.6). */
#define MEMATTR_DEVICE_nGnRE 0x1
#define MEMATTR_NC	     0x5
#define MEMATTR_WB	     0xf
#define MEMATTR_WB_NOTAG     0x4
#define MEMATTR_FWB_WB	     0x6
#define MEMATTR_FWB_WB_NOTAG 0xe

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

static_assert(MEMTYPE_REFUSED == 0, "what is not listed is refused");

#define TYPES(wb) \
	[MEMATTR_DEVICE_nGnRE] = MEMTYPE_DEVICE, [MEMATTR_NC] = MEMTYPE_NC, [wb] = MEMTYPE_WB
#define WB_NOTAG (MEMTYPE_WB | S2_MEMATTR_NOTAG)

const u8 s2_memattr_type[2][2][16] = {
	{ { TYPES(MEMATTR_WB) }, { TYPES(MEMATTR_WB), [MEMATTR_WB_NOTAG] = WB_NOTAG } },
	{ { TYPES(MEMATTR_FWB_WB) }, { TYPES(MEMATTR_FWB_WB), [MEMATTR_FWB_WB_NOTAG] = WB_NOTAG } },
};
