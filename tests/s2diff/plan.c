// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "plan.h"

#define HCR_VM	(1ULL << 0)
#define HCR_PTW (1ULL << HCR_PTW_BIT)
#define HCR_RW	(1ULL << 31)
#define HCR_FWB (1ULL << HCR_FWB_BIT)
#define HCR_ATA (1ULL << 56)

#define VTCR_SL0(n) ((u64)(n) << 6)
#define VTCR_WALKS  (1ULL << 8 | 1ULL << 10 | 3ULL << 12)
#define VTCR_PS(n)  ((u64)(n) << 16)
#define VTCR_HA	    (1ULL << 21)
#define VTCR_HD	    (1ULL << 22)
#define VTCR_RES1   (1ULL << 31)

#define VTTBR_VMID (1ULL << 48)

/* Stage-2 descriptors, D8.3. */
#define DESC_VALID   0x1ULL
#define DESC_TABLE   0x2ULL
#define DESC_ATTR(n) ((u64)(n) << 2)
#define DESC_S2AP(n) ((u64)(n) << 6)
#define DESC_SH(n)   ((u64)(n) << 8)
#define DESC_AF	     (1ULL << 10)
#define DESC_FNXS    (1ULL << 11)
#define DESC_DBM     (1ULL << 51)
#define DESC_CONTIG  (1ULL << 52)
#define DESC_XN(n)   ((u64)(n) << 53)
/* What the walk passes over: RES0 and ignored bits, of a leaf and of a table. */
#define LEAF_SPARE  (7ULL << 48 | 0x1ffULL << 55)
#define TABLE_SPARE (7ULL << 48 | 0x1fffULL << 51 | 0x3ffULL << 2)

static u64 state;

void random_seed(u64 seed)
{
	state = seed * 2 + 1;
}

/* xorshift64*. */
u64 random_next(void)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return state * 2685821657736338717ULL;
}

static u64 random_below(u64 n)
{
	return (random_next() >> 16) % n;
}

static bool chance(unsigned int percent)
{
	return random_below(100) < percent;
}

static unsigned int level_low(int level)
{
	return 12 + 9 * (unsigned int)(3 - level);
}

static u64 bit_up_to(unsigned int n)
{
	return (1ULL << n) - 1;
}

/* Between the sizes that all of this CPU's registers, tables and level allow. */
static unsigned int random_size(int level)
{
	unsigned int low = level_low(level) + 1, high = low + 12;
	unsigned int least = features.ttst ? 16 : 25;

	if (low < least)
		low = least;
	if (high > features.pa_bits)
		high = features.pa_bits;
	return low + (unsigned int)random_below(high - low + 1);
}

static u64 random_vtcr_flags(void)
{
	u64 flags = VTCR_RES1 | VTCR_WALKS | VTCR_PS(chance(70) ? 5 : random_below(8));

	if (chance(50))
		flags |= VTCR_HA;
	if (chance(50))
		flags |= VTCR_HD;
	return flags;
}

static u64 random_hcr(void)
{
	u64 hcr = HCR_VM | HCR_RW;

	if (features.mte)
		hcr |= HCR_ATA;
	if (features.fwb && chance(60))
		hcr |= HCR_FWB;
	if (chance(20))
		hcr |= HCR_PTW;
	return hcr;
}

static void random_access(struct plan *plan)
{
	unsigned int count = features.mte ? CASE_ACCESSES : CASE_TAGLESS;

	plan->access = CASE_LOAD + random_below(count - CASE_LOAD);
	if (plan->access == CASE_WALK_AF && !features.hafdbs)
		plan->access = CASE_WALK;
	if (plan->access == CASE_ATOMIC && !features.atomics)
		plan->access = CASE_LOAD;
	plan->el = (unsigned int)random_below(2);
	plan->s1 = features.mte && chance(75) ? S1_TAGGED : S1_WB + random_below(2);
}

/* A page other than those that are always mapped, reached by another start-level entry. */
static u64 random_ipa(int start_level, unsigned int ia_bits)
{
	u64 least = start_level == 3 ? IPA_GOOD * PAGE : 1ULL << level_low(start_level);
	u64 ipa = random_next() & bit_up_to(ia_bits) & ~(PAGE - 1);

	/* By a block of 1 GiB at RAM_BEGIN it should be in RAM, and never in the image. */
	if (ia_bits >= 30) {
		if (chance(80))
			ipa &= ~(u64)(bit_up_to(30) - (RAM_END - RAM_BEGIN - 1));
		if (!(ipa & bit_up_to(30) & ~(u64)(RAM_TARGET - RAM_BEGIN - 1)))
			ipa |= RAM_TARGET - RAM_BEGIN;
	}
	if (ipa < least)
		ipa |= least;
	if (ipa >> 32 == WALK_IPA >> 32)
		ipa ^= 1ULL << 32;
	if (ia_bits < features.pa_bits && chance(3))
		ipa |= 1ULL << ia_bits;
	return ipa;
}

/*
 * Upper bits of an address where the machine has nothing: not those of PCIe (bits 38 and
 * 39), perhaps beyond what the CPU has.
 */
static u64 random_far_bits(void)
{
	unsigned int bit = 32 + (unsigned int)random_below(14);

	return 1ULL << (bit < 38 ? bit : bit + 2);
}

static u64 random_leaf(int level)
{
	u64 page = RAM_TARGET + random_below((RAM_END - RAM_TARGET) / PAGE) * PAGE;
	u64 inside = bit_up_to(level_low(level)) & ~(PAGE - 1);
	u64 desc = DESC_VALID | (level == 3 ? DESC_TABLE : 0);

	if (!chance(15))
		page &= ~inside;
	if (chance(4))
		page |= random_far_bits();
	desc |= page | DESC_S2AP(chance(60) ? 3 : random_below(4)) | DESC_SH(random_below(4));
	desc |= DESC_ATTR(random_below(16)) | DESC_XN(chance(50) ? 0 : random_below(4));
	if (chance(80))
		desc |= DESC_AF;
	if (chance(30))
		desc |= DESC_DBM;
	if (chance(15))
		desc |= DESC_CONTIG;
	if (chance(15))
		desc |= DESC_FNXS;
	if (chance(25))
		desc |= random_next() & LEAF_SPARE;
	return desc;
}

static u64 random_table(const u64 *next)
{
	u64 desc = (uintptr_t)next | DESC_TABLE | DESC_VALID;

	if (chance(3))
		desc |= random_far_bits();
	if (chance(25))
		desc |= random_next() & TABLE_SPARE;
	return desc;
}

static u64 random_descriptor(int level, const u64 *next)
{
	unsigned int kind = (unsigned int)random_below(100);

	if (kind < 3)
		return random_next() & ~DESC_VALID;
	/* A type that the level does not have: a block at 0, or at 3. */
	if (kind < 6 && (level == 0 || level == 3))
		return random_leaf(level) & ~DESC_TABLE;
	if (level == 3 || (level > 0 && kind < 28))
		return random_leaf(level);
	return random_table(next);
}

static void plan_way(struct plan *plan, struct tables *tables, unsigned int ia_bits)
{
	int level = plan->start_level;
	u64 *table = plan->root;
	u64 mask = bit_up_to(ia_bits - level_low(level));
	u64 desc;

	do {
		desc = random_descriptor(level, tables->next[level < 3 ? level + 1 : 0]);
		plan->way[plan->count].at = table + (plan->ipa >> level_low(level) & mask);
		plan->way[plan->count++].desc = desc;
		table = tables->next[++level & 3];
		mask = 511;
	} while (level <= 3 && (desc & 3) == 3);
}

/* The start table anywhere that its size allows, and sometimes with RES0 bits set. */
static void plan_root(struct plan *plan, struct tables *tables, unsigned int ia_bits)
{
	u64 size = 8ULL << (ia_bits - level_low(plan->start_level));
	u64 at = (uintptr_t)tables->root;

	if (size < PAGE)
		at += random_below(PAGE / size) * size;
	plan->root = (u64 *)(uintptr_t)at;
	if (chance(5))
		at |= random_next() & (size - 1);
	plan->vttbr = VTTBR_VMID | at;
}

static void plan_registers(struct plan *plan, struct tables *tables)
{
	plan->access = CASE_REGISTERS;
	plan->el = 1;
	plan->root = tables->root;
	plan->vtcr = random_vtcr_flags() | VTCR_SL0(random_below(4)) | random_below(64);
	plan->vttbr = VTTBR_VMID | (uintptr_t)tables->root;
	/* Beyond VTCR_EL2.PS; no memory at all would be an abort without end in the guest. */
	if (chance(30)) {
		plan->vtcr = (plan->vtcr & ~VTCR_PS(7)) | VTCR_PS(random_below(3));
		plan->vttbr |= 1ULL << (40 + random_below(8));
	}
}

void plan_random(struct plan *plan, struct tables *tables)
{
	unsigned int ia_bits;

	*plan = (struct plan){ .hcr = random_hcr() };
	if (chance(3)) {
		plan_registers(plan, tables);
		return;
	}
	do
		plan->start_level = (int)random_below(4);
	while ((plan->start_level == 0 && features.pa_bits < 44) ||
	       (plan->start_level == 3 && !features.ttst));
	ia_bits = random_size(plan->start_level);
	plan->vtcr = random_vtcr_flags() | (64 - ia_bits) |
		     VTCR_SL0(plan->start_level == 3 ? 3 : 2 - plan->start_level);
	plan_root(plan, tables, ia_bits);
	plan->ipa = random_ipa(plan->start_level, ia_bits);
	random_access(plan);
	plan_way(plan, tables, ia_bits);
}
