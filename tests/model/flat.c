// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "flat.h"

struct flat_page flat[LOOK_PAGES];

static void settle_gone(u32 index)
{
	struct flat_page *page = &flat[index];

	if ((page->state & FLAT_MAPPED) && !(page->state & FLAT_LOOSE))
		model_fail("page %llx: not mapped, should be to %x with %x", look_gfn(index).nr,
			   page->hfn, page->least);
	*page = (struct flat_page){ 0 };
}

static void settle_mapped(u32 index, const struct look *seen, u32 hfn, bool young)
{
	struct flat_page *page = &flat[index];

	if (!(page->state & FLAT_MAPPED))
		model_fail("page %llx: mapped to %x with %x at level %d, should not be",
			   look_gfn(index).nr, hfn, seen->perm, seen->level);
	if (page->hfn != hfn || page->type != seen->type)
		model_fail("page %llx: mapped to %x with type %d, should be to %x with %d",
			   look_gfn(index).nr, hfn, seen->type, page->hfn, page->type);
	if ((page->least & ~seen->perm) || (seen->perm & ~page->most))
		model_fail("page %llx: grants %x at level %d, should grant %x to %x",
			   look_gfn(index).nr, seen->perm, seen->level, page->least, page->most);
	if (young != seen->young)
		model_fail("page %llx: young %d at level %d, should be %d", look_gfn(index).nr,
			   seen->young, seen->level, young);
	page->least = page->most = seen->perm;
	page->state = FLAT_MAPPED | (young ? FLAT_YOUNG : 0);
}

/*
 * The pages of a leaf share one access flag: it is young if one of them is. @seen: what it is,
 * for a page of which that is not known.
 */
static bool any_young(struct look_range range, bool seen)
{
	bool young = false;

	for (u32 i = range.begin; i < range.end; i++) {
		if (flat[i].state & FLAT_AGELESS)
			return seen;
		young |= flat[i].state & FLAT_YOUNG;
	}
	return young;
}

/* The entry around @index as far as it is in @range. Returns its end. */
static u32 check_entry(u32 index, struct look_range range)
{
	struct look seen = look_at(index);
	struct look_range span = look_span(index, seen.level);
	bool young = seen.mapped && any_young(span, seen.young);
	u32 end = span.end < range.end ? span.end : range.end;

	if (seen.mapped && index == range.begin)
		look_check_accesses(index, &seen);
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

void flat_check(struct look_range range)
{
	struct look_range all = look_window(range.begin);

	range.begin -= range.begin > all.begin;
	range.end += range.end < all.end;
	for (u32 i = range.begin; i < range.end;)
		i = check_entry(i, range);
}

void flat_check_all(void)
{
	flat_check(look_window(0));
	flat_check(look_window(LOOK_LOW));
}
