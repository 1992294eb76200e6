/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Stage-2 descriptors, 4K granule, 48-bit (Arm ARM D8.3; attributes D8.6.5 and D8.6.6,
 * NoTagAccess D8.6.4, execute-never D8.4.2).
 *
 * Permissions are composed apart from memory types: a leaf is encoded from a type and a
 * set of permissions, and NoTagAccess goes with whatever type the architecture lets it.
 *
 * A zero descriptor is what an absent mapping looks like; no other invalid descriptor is
 * left in a table.
 */
#ifndef CORE_S2_DESC_H
#define CORE_S2_DESC_H

#include "host.h"
#include "memtype.h"
#include "perm.h"

#define S2_DESC_VALID	BIT_ULL(0)
#define S2_DESC_TABLE	BIT_ULL(1) /* levels 0..2: a table; level 3: must be 1 */
#define S2_DESC_MEMATTR GENMASK_ULL(5, 2)
#define S2_DESC_S2AP	GENMASK_ULL(7, 6)
#define S2_DESC_S2AP_R	BIT_ULL(6)
#define S2_DESC_S2AP_W	BIT_ULL(7)
#define S2_DESC_SH	GENMASK_ULL(9, 8)
#define S2_DESC_AF	BIT_ULL(10)
#define S2_DESC_ADDR	GENMASK_ULL(47, 12)
#define S2_DESC_XN	GENMASK_ULL(54, 53)
/*
 * Software's: the tags of the memory are all zero, and stay so but for what comes through this
 * leaf, or by a change that takes the bit away. See tags.c.
 */
#define S2_DESC_UNTAGGED BIT_ULL(56)

#define S2_SH_INNER 3ULL
#define S2_XN_NONE  0ULL /* EL1 and EL0 may execute */
#define S2_XN_ALL   2ULL /* neither; without FEAT_XNX bit 53 is RES0 and this is the only XN */

enum s2_kind { S2_INVALID, S2_TABLE, S2_LEAF };

/* A descriptor, decoded. */
struct s2_entry {
	enum s2_kind kind;
	int level;
	struct hpa hpa;	   /* of the table, or of the block or page */
	enum memtype type; /* LEAF */
	perm_t perm;	   /* LEAF; PERM_H is not the descriptor's to say, and never set */
	bool young;	   /* LEAF: the access flag */
	bool untagged;	   /* LEAF: its memory has no tags that are not zero */
};

static inline bool s2_desc_valid(u64 desc)
{
	return desc & S2_DESC_VALID;
}

static inline bool s2_desc_is_table(u64 desc, int level)
{
	const u64 table = S2_DESC_TABLE | S2_DESC_VALID;

	return (desc & table) == table && level != TSR_LEVEL_LAST;
}

static inline struct hpa s2_desc_hpa(u64 desc)
{
	return hpa_of(desc & S2_DESC_ADDR);
}

static inline u64 s2_desc_table(struct hpa hpa)
{
	return hpa.addr | S2_DESC_TABLE | S2_DESC_VALID;
}

static_assert(PERM_R == 1 && PERM_W == 2, "S2AP is R and W");

/* The S2AP and XN bits of @perm: those that may change without break-before-make. */
static inline u64 s2_desc_perm(perm_t perm)
{
	return FIELD_PREP(S2_DESC_S2AP, perm & (PERM_R | PERM_W)) |
	       (perm & PERM_X ? 0 : FIELD_PREP(S2_DESC_XN, S2_XN_ALL));
}

/* The type of MemAttr[3:0], by host->fwb and host->mte_perm; what core never writes is REFUSED. */
extern const u8 s2_memattr_type[2][2][16];
/* There: tags are denied. */
#define S2_MEMATTR_NOTAG BIT(7)

/*
 * A leaf that is young. @type: not REFUSED; @perm: has one of R, W, X. Without
 * host->mte_perm PERM_T is in @perm: there is no encoding that denies it.
 */
u64 s2_desc_leaf(const struct host *host, struct hpa hpa, int level, enum memtype type,
		 perm_t perm);

/* Total: each 64-bit value is decoded. Reserved attributes come out as MEMTYPE_REFUSED. */
static inline struct s2_entry s2_desc_decode(const struct host *host, u64 desc, int level)
{
	struct s2_entry e = { .kind = S2_INVALID, .level = level };
	u8 type;

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
	type = s2_memattr_type[host->fwb][host->mte_perm][FIELD_GET(S2_DESC_MEMATTR, desc)];
	e.kind = S2_LEAF;
	e.type = (enum memtype)(type & ~S2_MEMATTR_NOTAG);
	e.perm = (perm_t)(FIELD_GET(S2_DESC_S2AP, desc) |
			  (FIELD_GET(S2_DESC_XN, desc) == S2_XN_NONE ? PERM_X : 0) |
			  (type & S2_MEMATTR_NOTAG ? 0 : PERM_T));
	e.young = desc & S2_DESC_AF;
	e.untagged = desc & S2_DESC_UNTAGGED;
	return e;
}

#endif
