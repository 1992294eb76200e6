// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "look.h"

static struct emu_mmu walker; /* one that leaves descriptors alone */
static u64 top;		      /* first page of the upper window */

/* VTCR_EL2.HA and HD: a look must not make a page young. */
#define VTCR_HA_HD (BIT_ULL(21) | BIT_ULL(22))

void look_begin(const struct emu_mmu *mmu, u8 ipa_bits)
{
	walker = *mmu;
	walker.vtcr &= ~VTCR_HA_HD;
	top = (1ULL << (ipa_bits - 12)) - (LOOK_PAGES - LOOK_LOW);
}

struct look_range look_hot(u32 number)
{
	u32 block = number;

	/* The first of the low window, those around 1 GiB, and the upper window. */
	if (block >= 4 && block < 8)
		block += LOOK_BLOCK - 6;
	else if (block >= 8)
		block += LOOK_LOW / LOOK_BLOCK - 8;
	return (struct look_range){ block * LOOK_BLOCK, (block + 1) * LOOK_BLOCK };
}

u32 look_index(const struct model_op *op)
{
	struct look_range block = look_hot(op->where % LOOK_HOT);
	u32 page = op->where >> 8;

	switch (op->where >> 6 & 3) {
	case 0:
		return block.begin;
	case 1:
		return block.end - 1;
	case 2:
		return block.begin + page % LOOK_BLOCK;
	}
	return block.begin + page % 8;
}

struct gfn look_gfn(u32 index)
{
	return gfn_of(index < LOOK_LOW ? index : top + (index - LOOK_LOW));
}

struct gfn_range look_gfns(struct look_range range)
{
	u64 begin = look_gfn(range.begin).nr;

	return (struct gfn_range){ begin, begin + (range.end - range.begin) };
}

static u64 ipa_of(u32 index)
{
	return look_gfn(index).nr << 12;
}

/* Arm ARM D8.4: S2AP[0], S2AP[1], XN. */
static u8 desc_perm(u64 desc, bool notag)
{
	return (u8)((desc >> 6 & 1 ? PERM_R : 0) | (desc >> 7 & 1 ? PERM_W : 0) |
		    (desc >> 53 & 3 ? 0 : PERM_X) | (notag ? 0 : PERM_T));
}

static enum memtype type_of(const struct emu_walk *walk)
{
	if (walk->type == EMU_WB && walk->forced == walker.fwb)
		return MEMTYPE_WB;
	if (walk->type == EMU_NC)
		return MEMTYPE_NC;
	return walk->type == EMU_nGnRE ? MEMTYPE_DEVICE : MEMTYPE_REFUSED;
}

struct look look_at(u32 index)
{
	struct emu_walk walk = emu_mmu_access(&walker, ipa_of(index), EMU_READ);

	switch (walk.fault) {
	case EMU_FAULT_TRANSLATION:
		if (walk.desc)
			model_fail("page %llx: an invalid entry at level %d is %llx, not 0",
				   look_gfn(index).nr, walk.level, walk.desc);
		return (struct look){ .level = walk.level };
	case EMU_FAULT_NONE:
	case EMU_FAULT_ACCESS_FLAG:
	case EMU_FAULT_PERMISSION:
	case EMU_FAULT_TAG:
		break;
	case EMU_FAULT_ADDRESS_SIZE:
	case EMU_FAULT_RESERVED:
	case EMU_FAULT_MEMORY:
		model_fail("page %llx: the walk ends with fault %d at level %d, descriptor %llx",
			   look_gfn(index).nr, walk.fault, walk.level, walk.desc);
	}
	return (struct look){
		.mapped = true,
		.level = walk.level,
		.hfn = (u32)(walk.pa >> 12),
		.perm = desc_perm(walk.desc, walk.notag),
		.type = (u8)type_of(&walk),
		.young = walk.desc >> 10 & 1,
	};
}

struct look_range look_window(u32 index)
{
	return index < LOOK_LOW ? (struct look_range){ 0, LOOK_LOW }
				: (struct look_range){ LOOK_LOW, LOOK_PAGES };
}

struct look_range look_span(u32 index, int level)
{
	u64 nr = look_gfn(index).nr, pages = 1ULL << (9 * (3 - level));
	u64 before = nr & (pages - 1), after = pages - before;
	struct look_range all = look_window(index);

	return (struct look_range){
		index - all.begin > before ? index - (u32)before : all.begin,
		all.end - index > after ? index + (u32)after : all.end,
	};
}

struct look_range look_entry(u32 index, int *level)
{
	*level = look_at(index).level;
	return look_span(index, *level);
}

struct look_range look_leaf(u32 index)
{
	struct look seen = look_at(index);

	return look_span(index, seen.mapped ? seen.level : 3);
}

struct look_range look_round(struct look_range range)
{
	return (struct look_range){ look_leaf(range.begin).begin, look_leaf(range.end - 1).end };
}

/* What each access gives at a page, against what its descriptor was read as. */
void look_check_accesses(u32 index, const struct look *seen)
{
	static const struct {
		enum emu_access access;
		u8 need;
	} tries[] = {
		{ EMU_READ, PERM_R },
		{ EMU_WRITE, PERM_W },
		{ EMU_FETCH_EL1, PERM_X },
		{ EMU_FETCH_EL0, PERM_X },
		{ EMU_TAG_READ, PERM_R | PERM_T },
	};

	for (unsigned int i = 0; i < sizeof(tries) / sizeof(tries[0]); i++) {
		enum emu_fault fault = emu_mmu_try(&walker, ipa_of(index), tries[i].access);
		bool may = seen->young && (seen->perm & tries[i].need) == tries[i].need;

		if ((fault == EMU_FAULT_NONE) != may)
			model_fail("page %llx: access %d gives fault %d, its leaf has %x young %d",
				   look_gfn(index).nr, tries[i].access, fault, seen->perm,
				   seen->young);
	}
}
