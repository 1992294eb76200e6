// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "mmu.h"
#include "phys.h"

static u64 bits(u64 value, unsigned int high, unsigned int low)
{
	return (value >> low) & ((1ULL << (high - low + 1)) - 1);
}

static bool bit(u64 value, unsigned int n)
{
	return (value >> n) & 1;
}

/* Lowest address bit that a level resolves: 39, 30, 21, 12. */
static unsigned int level_low(int level)
{
	return 12U + 9U * (unsigned int)(3 - level);
}

static bool walk_fault(struct emu_walk *w, enum emu_fault fault)
{
	w->fault = fault;
	return false;
}

/*
 * Checks VTCR_EL2 (D24.2) and finds the start of the walk (D8.2.10): @table, and how many
 * bits of index the start level takes.
 */
static bool walk_start(const struct emu_mmu *mmu, u64 ipa, struct emu_walk *w, u64 *table,
		       unsigned int *index_bits)
{
	unsigned int ia_bits = 64 - (unsigned int)bits(mmu->vtcr, 5, 0);
	unsigned int sl0 = (unsigned int)bits(mmu->vtcr, 7, 6);
	unsigned int concat;

	if (bits(mmu->vtcr, 15, 14) != 0 || sl0 == 3 || ia_bits > 48 || !bit(mmu->vtcr, 31))
		return walk_fault(w, EMU_FAULT_RESERVED);
	w->level = 2 - (int)sl0;
	/* The start level must take at least one bit, and at most 16 tables of 9 bits. */
	if (ia_bits <= level_low(w->level) || ia_bits > level_low(w->level) + 9 + 4)
		return walk_fault(w, EMU_FAULT_RESERVED);
	if (w->level == 0 && ia_bits > 48)
		return walk_fault(w, EMU_FAULT_RESERVED);
	*index_bits = ia_bits - level_low(w->level);
	concat = *index_bits > 9 ? *index_bits - 9 : 0;
	*table = bits(mmu->vttbr, 47, 1) << 1;
	/* Concatenated tables are aligned to their size as a whole. */
	if (*table & ((0x1000ULL << concat) - 1))
		return walk_fault(w, EMU_FAULT_RESERVED);
	if (ipa >> ia_bits)
		return walk_fault(w, EMU_FAULT_TRANSLATION);
	return true;
}

/* Is a block or page allowed at the level? Level 0 of this granule has none. */
static bool is_leaf(u64 desc, int level)
{
	return level == 3 ? bit(desc, 1) : !bit(desc, 1) && level != 0;
}

/* Follows tables to a leaf descriptor; D8.3.1. */
static bool walk_tables(const struct emu_mmu *mmu, u64 ipa, struct emu_walk *w, u64 table,
			unsigned int index_bits)
{
	for (;;) {
		unsigned int low = level_low(w->level);
		u64 index = bits(ipa, low + index_bits - 1, low);

		if (!emu_phys_desc(table + index * 8, &w->desc))
			return walk_fault(w, EMU_FAULT_MEMORY);
		if (!bit(w->desc, 0))
			return walk_fault(w, EMU_FAULT_TRANSLATION);
		if (is_leaf(w->desc, w->level))
			return true;
		/* A reserved leaf encoding is an invalid descriptor. */
		if (!bit(w->desc, 1) || w->level == 3)
			return walk_fault(w, EMU_FAULT_TRANSLATION);
		table = bits(w->desc, 47, 12) << 12;
		if (table >> mmu->pa_bits)
			return walk_fault(w, EMU_FAULT_ADDRESS_SIZE);
		w->level++;
		index_bits = 9;
	}
}

/* MemAttr[3:0] with HCR_EL2.FWB = 0, D8.6.5. */
static bool memattr_plain(const struct emu_mmu *mmu, unsigned int attr, struct emu_walk *w)
{
	switch (attr) {
	case 0x0:
	case 0x1:
	case 0x2:
	case 0x3:
		w->type = (enum emu_type)(EMU_nGnRnE + attr);
		return true;
	case 0x4:
		w->notag = true;
		return mmu->mte_perm;
	case 0x5:
		w->type = EMU_NC;
		return true;
	case 0xf:
		return true;
	}
	/* Write-through and mixed cacheability: lawful, but nothing here may use them. */
	return false;
}

/* MemAttr[3:0] with HCR_EL2.FWB = 1, D8.6.6. */
static bool memattr_forced(const struct emu_mmu *mmu, unsigned int attr, struct emu_walk *w)
{
	if (attr & 8) {
		if (!mmu->mte_perm)
			return false;
		w->notag = true;
	}
	switch (attr) {
	case 0x0:
	case 0x1:
	case 0x2:
	case 0x3:
		w->type = (enum emu_type)(EMU_nGnRnE + attr);
		return true;
	case 0x5:
		w->type = EMU_NC;
		return true;
	case 0x6:
	case 0xe:
		w->forced = true;
		return true;
	case 0x7:
	case 0xf:
		return true;
	}
	return false;
}

/* XN[1:0], D8.4.2: without FEAT_XNX bit 53 is RES0 and bit 54 is for both levels. */
static bool may_fetch(const struct emu_mmu *mmu, u64 desc, bool el1)
{
	unsigned int xn = (unsigned int)bits(desc, 54, 53);

	if (!mmu->xnx)
		return !(xn & 2);
	switch (xn) {
	case 0:
		return true;
	case 1:
		return !el1;
	case 2:
		return false;
	}
	return el1;
}

/* Order of checks as hardware has it: read or write permission before NoTagAccess. */
static enum emu_fault check_access(const struct emu_mmu *mmu, const struct emu_walk *w,
				   enum emu_access access)
{
	bool read = bit(w->desc, 6), write = bit(w->desc, 7);
	bool ok = false;

	switch (access) {
	case EMU_READ:
	case EMU_TAG_READ:
		ok = read;
		break;
	case EMU_WRITE:
	case EMU_TAG_WRITE:
		ok = write;
		break;
	case EMU_FETCH_EL1:
	case EMU_FETCH_EL0:
		ok = may_fetch(mmu, w->desc, access == EMU_FETCH_EL1);
		break;
	}
	if (!ok)
		return EMU_FAULT_PERMISSION;
	if (w->notag && (access == EMU_TAG_READ || access == EMU_TAG_WRITE))
		return EMU_FAULT_TAG;
	return EMU_FAULT_NONE;
}

struct emu_walk emu_mmu_access(const struct emu_mmu *mmu, u64 ipa, enum emu_access access)
{
	struct emu_walk w = { .fault = EMU_FAULT_NONE, .type = EMU_WB };
	unsigned int index_bits, attr;
	u64 table, span;

	if (!walk_start(mmu, ipa, &w, &table, &index_bits) ||
	    !walk_tables(mmu, ipa, &w, table, index_bits))
		return w;
	span = 1ULL << level_low(w.level);
	w.pa = (bits(w.desc, 47, 12) << 12 & ~(span - 1)) | (ipa & (span - 1));
	attr = (unsigned int)bits(w.desc, 5, 2);
	/* Bits below the block's address are RES0; SH = 1 is reserved; contiguous is not used. */
	if ((bits(w.desc, 47, 12) << 12 & (span - 1)) || bits(w.desc, 9, 8) == 1 ||
	    bit(w.desc, 52) || (!mmu->xnx && bit(w.desc, 53)) ||
	    !(mmu->fwb ? memattr_forced(mmu, attr, &w) : memattr_plain(mmu, attr, &w)))
		w.fault = EMU_FAULT_RESERVED;
	else if (w.pa >> mmu->pa_bits)
		w.fault = EMU_FAULT_ADDRESS_SIZE;
	else if (!bit(w.desc, 10))
		w.fault = EMU_FAULT_ACCESS_FLAG;
	else
		w.fault = check_access(mmu, &w, access);
	return w;
}
