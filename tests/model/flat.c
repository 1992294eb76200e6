// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "flat.h"
#include "model.h"

struct flat_page flat[FLAT_PAGES];

static struct emu_mmu walker; /* one that leaves descriptors alone */
static u64 top;		      /* first page of the upper window */

/* VTCR_EL2.HA and HD: a look must not make a page young. */
#define VTCR_HA_HD (BIT_ULL(21) | BIT_ULL(22))

void flat_begin(const struct emu_mmu *mmu, u8 ipa_bits)
{
	memset(flat, 0, sizeof(flat));
	walker = *mmu;
	walker.vtcr &= ~VTCR_HA_HD;
	top = (1ULL << (ipa_bits - 12)) - (FLAT_PAGES - FLAT_LOW);
}

struct gfn flat_gfn(u32 index)
{
	return gfn_of(index < FLAT_LOW ? index : top + (index - FLAT_LOW));
}

struct gfn_range flat_gfns(struct flat_range range)
{
	u64 begin = flat_gfn(range.begin).nr;

	return (struct gfn_range){ begin, begin + (range.end - range.begin) };
}

static u64 flat_ipa(u32 index)
{
	return flat_gfn(index).nr << 12;
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

struct flat_seen flat_see(u32 index)
{
	struct emu_walk walk = emu_mmu_access(&walker, flat_ipa(index), EMU_READ);

	switch (walk.fault) {
	case EMU_FAULT_TRANSLATION:
		return (struct flat_seen){ .level = walk.level };
	case EMU_FAULT_NONE:
	case EMU_FAULT_ACCESS_FLAG:
	case EMU_FAULT_PERMISSION:
	case EMU_FAULT_TAG:
		break;
	case EMU_FAULT_ADDRESS_SIZE:
	case EMU_FAULT_RESERVED:
	case EMU_FAULT_MEMORY:
		model_fail("page %llx: the walk ends with fault %d at level %d, descriptor %llx",
			   flat_gfn(index).nr, walk.fault, walk.level, walk.desc);
	}
	return (struct flat_seen){
		.mapped = true,
		.level = walk.level,
		.hfn = (u32)(walk.pa >> 12),
		.perm = desc_perm(walk.desc, walk.notag),
		.type = (u8)type_of(&walk),
		.young = walk.desc >> 10 & 1,
	};
}

static struct flat_range window(u32 index)
{
	return index < FLAT_LOW ? (struct flat_range){ 0, FLAT_LOW }
				: (struct flat_range){ FLAT_LOW, FLAT_PAGES };
}

/* The span that an entry of @level has around @index, as far as it is in the window. */
static struct flat_range span_of(u32 index, int level)
{
	u64 nr = flat_gfn(index).nr, pages = 1ULL << (9 * (3 - level));
	u64 before = nr & (pages - 1), after = pages - before;
	struct flat_range all = window(index);

	return (struct flat_range){
		index - all.begin > before ? index - (u32)before : all.begin,
		all.end - index > after ? index + (u32)after : all.end,
	};
}

struct flat_range flat_entry(u32 index, int *level)
{
	*level = flat_see(index).level;
	return span_of(index, *level);
}

struct flat_range flat_leaf(u32 index)
{
	struct flat_seen seen = flat_see(index);

	return span_of(index, seen.mapped ? seen.level : 3);
}

struct flat_range flat_round(struct flat_range range)
{
	return (struct flat_range){ flat_leaf(range.begin).begin, flat_leaf(range.end - 1).end };
}

/* What each access gives at a page, against what its descriptor was read as. */
static void check_accesses(u32 index, const struct flat_seen *seen)
{
	static const struct {
		enum emu_access access;
		u8 need;
	} tries[] = {
		{ EMU_READ, PERM_R },	    { EMU_WRITE, PERM_W },
		{ EMU_FETCH_EL1, PERM_X },  { EMU_FETCH_EL0, PERM_X },
		{ EMU_TAG_READ, PERM_R | PERM_T },
	};

	for (unsigned int i = 0; i < sizeof(tries) / sizeof(tries[0]); i++) {
		enum emu_fault fault = emu_mmu_try(&walker, flat_ipa(index), tries[i].access);
		bool may = seen->young && (seen->perm & tries[i].need) == tries[i].need;

		if ((fault == EMU_FAULT_NONE) != may)
			model_fail("page %llx: access %d gives fault %d, its leaf has %x young %d",
				   flat_gfn(index).nr, tries[i].access, fault, seen->perm,
				   seen->young);
	}
}

static void settle_gone(u32 index)
{
	struct flat_page *page = &flat[index];

	if ((page->state & FLAT_MAPPED) && !(page->state & FLAT_LOOSE))
		model_fail("page %llx: not mapped, should be to %x with %x", flat_gfn(index).nr,
			   page->hfn, page->least);
	*page = (struct flat_page){ 0 };
}

static void settle_mapped(u32 index, const struct flat_seen *seen, u32 hfn, bool young)
{
	struct flat_page *page = &flat[index];

	if (!(page->state & FLAT_MAPPED))
		model_fail("page %llx: mapped to %x with %x at level %d, should not be",
			   flat_gfn(index).nr, hfn, seen->perm, seen->level);
	if (page->hfn != hfn || page->type != seen->type)
		model_fail("page %llx: mapped to %x with type %d, should be to %x with %d",
			   flat_gfn(index).nr, hfn, seen->type, page->hfn, page->type);
	if ((page->least & ~seen->perm) || (seen->perm & ~page->most))
		model_fail("page %llx: grants %x at level %d, should grant %x to %x",
			   flat_gfn(index).nr, seen->perm, seen->level, page->least, page->most);
	if (young != seen->young)
		model_fail("page %llx: young %d at level %d, should be %d", flat_gfn(index).nr,
			   seen->young, seen->level, young);
	page->least = page->most = seen->perm;
	page->state = FLAT_MAPPED | (young ? FLAT_YOUNG : 0);
}

/* The pages of a leaf share one access flag: it is young if one of them is. */
static bool any_young(struct flat_range range)
{
	for (u32 i = range.begin; i < range.end; i++)
		if (flat[i].state & FLAT_YOUNG)
			return true;
	return false;
}

/* The entry around @index as far as it is in @range. Returns its end. */
static u32 check_entry(u32 index, struct flat_range range)
{
	struct flat_seen seen = flat_see(index);
	struct flat_range span = span_of(index, seen.level);
	bool young = seen.mapped && any_young(span);
	u32 end = span.end < range.end ? span.end : range.end;

	if (seen.mapped && index == range.begin)
		check_accesses(index, &seen);
	/* One flag for all: the pages beside the range get it too. */
	for (u32 i = span.begin; young && i < span.end; i++)
		flat[i].state |= FLAT_YOUNG;
	for (u32 i = index; i < end; i++) {
		if (seen.mapped)
			settle_mapped(i, &seen, seen.hfn + (i - index), young);
		else
			settle_gone(i);
	}
	return end;
}

void flat_check(struct flat_range range)
{
	struct flat_range all = window(range.begin);

	range.begin -= range.begin > all.begin;
	range.end += range.end < all.end;
	for (u32 i = range.begin; i < range.end;)
		i = check_entry(i, range);
}

void flat_check_all(void)
{
	flat_check(window(0));
	flat_check(window(FLAT_LOW));
}
