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

static enum emu_step step_fault(struct emu_walk *w, enum emu_fault fault, int level)
{
	w->fault = fault;
	w->level = level;
	return EMU_STEP_FAULT;
}

/* VTCR_EL2.PS, D24.2: output addresses beyond it are address size faults. */
static unsigned int output_bits(const struct emu_mmu *mmu)
{
	static const u8 sizes[] = { 32, 36, 40, 42, 44, 48, 48, 48 };
	unsigned int size = sizes[bits(mmu->vtcr, 18, 16)];

	return size < mmu->pa_bits ? size : mmu->pa_bits;
}

/* Is VTCR_EL2.T0SZ one that this PE has? AArch64.S2MinTxSZ and MaxTxSZ. */
static bool size_implemented(const struct emu_mmu *mmu, unsigned int t0sz)
{
	unsigned int ia_max = mmu->pa_bits < 48 ? mmu->pa_bits : 48;

	return t0sz >= 64 - ia_max && t0sz <= (mmu->ttst ? 48 : 39);
}

/* May a walk start at this level? AArch64.S2InvalidSL and S2InconsistentSL, D8.2.4. */
static bool start_level_fits(const struct emu_mmu *mmu, int level, unsigned int ia_bits)
{
	if ((level == 0 && mmu->pa_bits < 44) || (level == 3 && !mmu->ttst))
		return false;
	/* The start level takes at least one bit, and at most 16 tables of 9 bits. */
	return ia_bits > level_low(level) && ia_bits <= level_low(level) + 9 + 4;
}

/* What no software of this project writes into VTCR_EL2 and VTTBR_EL2. */
static bool registers_odd(const struct emu_mmu *mmu, u64 table, unsigned int index_bits)
{
	unsigned int concat = index_bits > 9 ? index_bits - 9 : 0;

	return bits(mmu->vtcr, 15, 14) != 0 || bits(mmu->vtcr, 7, 6) == 3 || !bit(mmu->vtcr, 31) ||
	       (table & ((0x1000ULL << concat) - 1));
}

static u64 descriptor_at(u64 table, u64 ipa, int level, unsigned int index_bits)
{
	unsigned int low = level_low(level);

	return table + bits(ipa, low + index_bits - 1, low) * 8;
}

/* D8.2.4, D8.2.10; the registers are described in D24.2. */
enum emu_step emu_mmu_start(const struct emu_mmu *mmu, u64 ipa, struct emu_walk *w)
{
	unsigned int t0sz = (unsigned int)bits(mmu->vtcr, 5, 0);
	unsigned int ia_bits = 64 - t0sz;
	unsigned int sl0 = (unsigned int)bits(mmu->vtcr, 7, 6);
	int level = sl0 == 3 ? 3 : 2 - (int)sl0;
	unsigned int index_bits;
	u64 table;

	*w = (struct emu_walk){ .fault = EMU_FAULT_NONE, .type = EMU_WB };
	if (!size_implemented(mmu, t0sz) || !start_level_fits(mmu, level, ia_bits))
		return step_fault(w, mmu->hardware ? EMU_FAULT_TRANSLATION : EMU_FAULT_RESERVED, 0);
	index_bits = ia_bits - level_low(level);
	table = bits(mmu->vttbr, 47, 1) << 1;
	if (!mmu->hardware && registers_odd(mmu, table, index_bits))
		return step_fault(w, EMU_FAULT_RESERVED, 0);
	if (ipa >> ia_bits)
		return step_fault(w, EMU_FAULT_TRANSLATION, 0);
	/* The table is aligned to its size; address bits below are RES0. */
	table &= ~((8ULL << index_bits) - 1);
	if (table >> output_bits(mmu))
		return step_fault(w, EMU_FAULT_ADDRESS_SIZE, 0);
	w->level = level;
	w->at = descriptor_at(table, ipa, level, index_bits);
	return EMU_STEP_TABLE;
}

/* D8.3.1: bit 1 tells a table or page from a block, which level 0 does not have. */
static bool is_invalid(u64 desc, int level)
{
	if (!bit(desc, 0))
		return true;
	return !bit(desc, 1) && (level == 0 || level == 3);
}

/* Bits that are RES0 in each valid descriptor; and an address that is no block's own multiple. */
static bool descriptor_odd(const struct emu_mmu *mmu, u64 desc, int level, bool leaf)
{
	u64 address = bits(desc, 47, 12) << 12;

	if (bits(desc, 50, 48))
		return true;
	if (!leaf)
		return bits(desc, 63, 59) != 0;
	return (address & ((1ULL << level_low(level)) - 1)) || bits(desc, 9, 8) == 1 ||
	       bit(desc, 52) || (!mmu->xnx && bit(desc, 53));
}

enum emu_step emu_mmu_step(const struct emu_mmu *mmu, u64 ipa, struct emu_walk *w, u64 desc)
{
	bool leaf = w->level == 3 || !bit(desc, 1);
	u64 address = bits(desc, 47, 12) << 12;

	w->desc = desc;
	if (is_invalid(desc, w->level))
		return step_fault(w, EMU_FAULT_TRANSLATION, w->level);
	if (!mmu->hardware && descriptor_odd(mmu, desc, w->level, leaf))
		return step_fault(w, EMU_FAULT_RESERVED, w->level);
	if (address >> output_bits(mmu))
		return step_fault(w, EMU_FAULT_ADDRESS_SIZE, w->level);
	if (leaf)
		return EMU_STEP_LEAF;
	w->level++;
	w->at = descriptor_at(address, ipa, w->level, 9);
	return EMU_STEP_TABLE;
}

/* MemAttr[3:0] = 0b00xx in either table. */
static enum emu_type device_type(unsigned int attr)
{
	static const enum emu_type types[] = { EMU_nGnRnE, EMU_nGnRE, EMU_nGRE, EMU_GRE };

	return types[attr & 3];
}

/* MemAttr[3:0] with HCR_EL2.FWB = 0, D8.6.5: outer cacheability, then inner. */
static void memattr_plain(const struct emu_mmu *mmu, unsigned int attr, struct emu_walk *w)
{
	unsigned int outer = attr >> 2, inner = attr & 3;

	if (outer == 0) {
		w->type = device_type(attr);
	} else if (attr == 4 && mmu->mte_perm) {
		w->type = EMU_WB;
		w->notag = true;
	} else if (inner == 0) {
		w->type = EMU_UNKNOWN;
	} else if (outer != inner || outer == 2) {
		w->type = EMU_MIXED;
	} else {
		w->type = outer == 1 ? EMU_NC : EMU_WB;
	}
}

/*
 * MemAttr[3:0] with HCR_EL2.FWB = 1, D8.6.6. Bit 3 is RES0 but in 0b1110 and 0b1111 with
 * FEAT_MTE_PERM; AArch64.S2ApplyFWBMemAttrs passes over it elsewhere.
 */
static void memattr_forced(const struct emu_mmu *mmu, unsigned int attr, struct emu_walk *w)
{
	switch (attr & 7) {
	case 4:
		w->type = EMU_UNKNOWN;
		return;
	case 5:
		w->type = EMU_NC;
		return;
	case 6:
	case 7:
		w->type = EMU_WB;
		w->forced = !(attr & 1);
		w->notag = mmu->mte_perm && (attr & 8);
		return;
	}
	w->type = device_type(attr);
}

/* What nothing of this project writes: a reserved encoding, or mixed cacheability. */
static bool memattr_odd(const struct emu_mmu *mmu, unsigned int attr, const struct emu_walk *w)
{
	return w->type == EMU_UNKNOWN || w->type == EMU_MIXED ||
	       (mmu->fwb && (attr & 8) && !w->notag);
}

static bool is_device(enum emu_type type)
{
	return type == EMU_nGnRnE || type == EMU_nGnRE || type == EMU_nGRE || type == EMU_GRE;
}

/* XN[1:0], D8.4.2: without FEAT_XNX bit 53 is RES0 and bit 54 is for both levels. */
static bool may_fetch(const struct emu_mmu *mmu, u64 desc, bool el1)
{
	unsigned int xn = (unsigned int)bits(desc, 54, 53);

	if (!mmu->xnx)
		xn &= 2;
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

/* What an access does to memory. */
static const struct access_needs {
	bool read, write, fetch;
	bool tag;   /* reads or writes an allocation tag */
	bool table; /* of a stage-1 walk */
} access_needs[] = {
	[EMU_READ] = { .read = true },
	[EMU_WRITE] = { .write = true },
	[EMU_FETCH_EL1] = { .fetch = true },
	[EMU_FETCH_EL0] = { .fetch = true },
	[EMU_TAG_READ] = { .read = true, .tag = true },
	[EMU_TAG_WRITE] = { .write = true, .tag = true },
	[EMU_ATOMIC] = { .read = true, .write = true },
	[EMU_CHECKED_READ] = { .read = true, .tag = true },
	[EMU_CHECKED_WRITE] = { .write = true, .tag = true },
	[EMU_TABLE_READ] = { .read = true, .table = true },
	[EMU_TABLE_WRITE] = { .read = true, .write = true, .table = true },
};

/* ESR_EL2.WnR unless a permission says otherwise: an access that also reads reports the read. */
static bool reports_write(enum emu_access access)
{
	return access_needs[access].write && !access_needs[access].read;
}

static enum emu_step leaf_permission(struct emu_walk *w, bool write)
{
	w->write = write && !w->s1ptw;
	return step_fault(w, EMU_FAULT_PERMISSION, w->level);
}

/* AArch64.S2CheckPermissions, D8.4: reading, then writing, then tags. */
static enum emu_step check_access(const struct emu_mmu *mmu, struct emu_walk *w,
				  enum emu_access access, bool writable)
{
	const struct access_needs *needs = &access_needs[access];

	if (needs->table && mmu->ptw && is_device(w->type))
		return leaf_permission(w, false);
	if (needs->fetch && !may_fetch(mmu, w->desc, access == EMU_FETCH_EL1))
		return leaf_permission(w, false);
	if (needs->read && !bit(w->desc, 6))
		return leaf_permission(w, false);
	if (needs->write && !writable)
		return leaf_permission(w, true);
	if (needs->tag && w->notag) {
		w->write = access == EMU_TAG_WRITE;
		return step_fault(w, EMU_FAULT_TAG, w->level);
	}
	return EMU_STEP_LEAF;
}

void emu_mmu_leaf(const struct emu_mmu *mmu, u64 ipa, enum emu_access access, struct emu_walk *w)
{
	u64 span = 1ULL << level_low(w->level);
	unsigned int attr = (unsigned int)bits(w->desc, 5, 2);
	/* VTCR_EL2.HA and HD, D8.5; HD does nothing without HA. */
	bool ha = mmu->hafdbs >= 1 && bit(mmu->vtcr, 21);
	bool hd = mmu->hafdbs >= 2 && bit(mmu->vtcr, 22) && ha;
	bool dbm = hd && bit(w->desc, 51);

	*w = (struct emu_walk){
		.level = w->level,
		.at = w->at,
		.desc = w->desc,
		.update = w->desc,
		.s1ptw = access_needs[access].table,
		.write = reports_write(access),
		.pa = ((bits(w->desc, 47, 12) << 12) & ~(span - 1)) | (ipa & (span - 1)),
	};
	if (mmu->fwb)
		memattr_forced(mmu, attr, w);
	else
		memattr_plain(mmu, attr, w);
	w->tagged = w->type == EMU_WB;
	if (!mmu->hardware && memattr_odd(mmu, attr, w)) {
		step_fault(w, EMU_FAULT_RESERVED, w->level);
		return;
	}
	if (!bit(w->desc, 10) && !ha) {
		step_fault(w, EMU_FAULT_ACCESS_FLAG, w->level);
		return;
	}
	if (check_access(mmu, w, access, bit(w->desc, 7) || dbm) == EMU_STEP_FAULT)
		return;
	w->update |= 1ULL << 10;
	if (access_needs[access].write && dbm)
		w->update |= 1ULL << 7;
}

static enum emu_step walk_once(const struct emu_mmu *mmu, u64 ipa, enum emu_access access,
			       struct emu_walk *w)
{
	enum emu_step step = emu_mmu_start(mmu, ipa, w);
	u64 desc;

	while (step == EMU_STEP_TABLE) {
		if (!emu_phys_desc(w->at, &desc))
			return step_fault(w, EMU_FAULT_MEMORY, w->level);
		step = emu_mmu_step(mmu, ipa, w, desc);
	}
	if (step == EMU_STEP_LEAF)
		emu_mmu_leaf(mmu, ipa, access, w);
	return step;
}

struct emu_walk emu_mmu_access(const struct emu_mmu *mmu, u64 ipa, enum emu_access access)
{
	struct emu_walk w;

	/* A descriptor that changed under the update is walked anew (D8.5.2). */
	while (walk_once(mmu, ipa, access, &w) == EMU_STEP_LEAF) {
		if (w.update == w.desc || emu_phys_update(w.at, w.desc, w.update))
			return w;
	}
	w.s1ptw = access_needs[access].table;
	w.write = reports_write(access);
	return w;
}
