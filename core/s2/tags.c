// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The state of a page's tags, as its leaf has it. A leaf that grants T was opened over
 * memory whose host page flag says that it holds live tags. One that says UNTAGGED was
 * installed while that flag was clear, over memory that nobody else gives tags unseen.
 * Whatever may change either way takes the leaf, or the bit, and so the state is exact for
 * as long as there is one, at no cost in memory.
 */
#include "s2/walk.h"

/* All of @mask are as the leaf @desc says. */
static void s2_tags_add(const struct s2 *s2, struct s2_tags *tags, u64 desc, int level, u64 mask)
{
	struct s2_entry entry = s2_desc_decode(s2->host, desc, level);

	if (entry.kind != S2_LEAF)
		return;
	if (entry.untagged || entry.type != MEMTYPE_WB) {
		tags->known |= mask;
	} else if (entry.perm & PERM_T) {
		tags->known |= mask;
		tags->tagged |= mask;
	}
}

/* @n entries of the last level, from bit @from on. Most say UNTAGGED, which leaves alone do. */
static void s2_tags_add_pages(const struct s2 *s2, struct s2_tags *tags, const u64 *entry,
			      unsigned int from, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		u64 desc = READ_ONCE(entry[i]);

		if (desc & S2_DESC_UNTAGGED)
			tags->known |= BIT_ULL(from + i);
		else
			s2_tags_add(s2, tags, desc, TSR_LEVEL_LAST, BIT_ULL(from + i));
	}
}

/* @n pages from bit @from on; n is 1 to 64. */
static u64 s2_tags_mask(unsigned int from, unsigned int n)
{
	return (~0ULL >> (64 - n)) << from;
}

struct s2_tags s2_tags_look(const struct s2 *s2, struct gfn first, unsigned int count)
{
	struct s2_tags tags = { 0, 0 };
	unsigned int i = 0;

	while (i < count) {
		u64 nr = first.nr + i, n;
		int level;
		const u64 *entry = s2_follow(s2, nr, TSR_LEVEL_LAST, &level);

		n = s2_span_begin(nr, level) + s2_level_pages(level) - nr;
		if (level == TSR_LEVEL_LAST)
			n = TSR_LEVEL_COUNT - s2_index(nr, level);
		if (n > count - i)
			n = count - i;
		if (level != TSR_LEVEL_LAST)
			s2_tags_add(s2, &tags, READ_ONCE(*entry), level,
				    s2_tags_mask(i, (unsigned int)n));
		else
			s2_tags_add_pages(s2, &tags, entry, i, (unsigned int)n);
		i += (unsigned int)n;
	}
	return tags;
}

static void s2_tags_forget_pages(struct s2_walk *walk, u64 *entry, unsigned int count, u64 nr)
{
	for (unsigned int i = 0; i < count; i++)
		if (READ_ONCE(entry[i]) & S2_DESC_UNTAGGED)
			seam_bits_clear(&entry[i], S2_DESC_UNTAGGED);
}

static bool s2_tags_forget_enter(struct s2_walk *walk, u64 *entry, u64 nr, int level, bool whole)
{
	if (s2_desc_is_table(READ_ONCE(*entry), level))
		return true;
	s2_tags_forget_pages(walk, entry, 1, nr);
	return false;
}

u64 s2_range_tags_forget(struct s2 *s2, struct gfn_range range)
{
	struct s2_walk walk = {
		.s2 = s2,
		.range = range,
		.enter = s2_tags_forget_enter,
		.pages = s2_tags_forget_pages,
	};

	return s2_walk_run(&walk);
}
