// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "s2/walk.h"

u64 s2_leaf_leave(struct s2 *s2, u64 desc, int level)
{
	u64 bytes = s2_level_bytes(level);

	if (!s2_leaf_cached(s2, desc, level))
		return 0;
	seam_dcache_clean_inval_poc(s2_desc_hpa(desc), bytes);
	if (s2_has_window(s2, s2_desc_decode(s2->host, desc, level).type))
		seam_window_close(s2_desc_hpa(desc), bytes);
	return s2_level_pages(level);
}

/*
 * Without FEAT_S2FWB what the guest had cached must reach memory, and after the TLBs have
 * forgotten the mapping: so the entries keep their addresses, invalid, until then.
 */
static void s2_unmap_clean(struct s2_walk *walk, u64 *entry, unsigned int count, u64 nr, int level)
{
	struct s2 *s2 = walk->s2;

	for (unsigned int i = 0; i < count; i++)
		seam_bits_clear(&entry[i], S2_DESC_VALID);
	seam_dsb_ishst();
	seam_tlbi_range(s2->tlb, gfn_of(nr), (u64)count << TSR_LEVEL_ORDER(level), level);
	for (unsigned int i = 0; i < count; i++) {
		u64 was = READ_ONCE(entry[i]);

		if (!was)
			continue;
		s2_walk_spend_pages(walk, s2_leaf_leave(s2, was | S2_DESC_VALID, level));
		WRITE_ONCE(entry[i], 0);
	}
}

void s2_unmap_leaves(struct s2_walk *walk, u64 *entry, unsigned int count, u64 nr, int level)
{
	u64 first = count, last = 0;

	for (unsigned int i = 0; i < count; i++) {
		if (!READ_ONCE(entry[i]))
			continue;
		if (first == count)
			first = i;
		last = i + 1;
	}
	if (first == count)
		return;
	if (walk->s2->cleans) {
		s2_unmap_clean(walk, entry + first, (unsigned int)(last - first),
			       nr + (first << TSR_LEVEL_ORDER(level)), level);
		return;
	}
	for (u64 i = first; i < last; i++)
		WRITE_ONCE(entry[i], 0);
	s2_walk_stale(walk, nr + (first << TSR_LEVEL_ORDER(level)),
		      nr + (last << TSR_LEVEL_ORDER(level)), level);
}

static void s2_unmap_pages(struct s2_walk *walk, u64 *entry, unsigned int count, u64 nr)
{
	s2_unmap_leaves(walk, entry, count, nr, TSR_LEVEL_LAST);
}

/*
 * A whole last-level table goes without a look at its leaves, but where those need their
 * caches cleaned. Tables of other levels go when they are empty.
 */
static bool s2_unmap_enter(struct s2_walk *walk, u64 *entry, u64 nr, int level, bool whole)
{
	u64 old = READ_ONCE(*entry);

	if (!s2_desc_is_table(old, level)) {
		if (!whole && s2_split_cut(walk, entry, nr, level))
			return true;
		s2_unmap_leaves(walk, entry, 1, nr, level);
		return false;
	}
	if (!whole || walk->s2->cleans || level + 1 != TSR_LEVEL_LAST)
		return true;
	WRITE_ONCE(*entry, 0);
	s2_walk_stale(walk, nr, nr + s2_level_pages(level), -1);
	s2_walk_bury(walk, s2_entry_table(old));
	return false;
}

/* Do the tables end above the range? Most of what the host changes no guest has touched. */
static bool s2_range_hole(const struct s2 *s2, struct gfn_range range)
{
	const u64 *entry;
	int level;

	if (range.begin >= range.end || range.end > s2_geom_pages(&s2->geom))
		return false;
	entry = s2_follow(s2, range.begin, TSR_LEVEL_LAST, &level);
	return level < TSR_LEVEL_LAST && !READ_ONCE(*entry) &&
	       range.end <= s2_span_begin(range.begin, level) + s2_level_pages(level);
}

u64 s2_range_unmap(struct s2 *s2, struct s2_cache *cache, struct gfn_range range)
{
	struct s2_walk walk = {
		.s2 = s2,
		.cache = cache,
		.range = range,
		.enter = s2_unmap_enter,
		.pages = s2_unmap_pages,
		.leave = s2_walk_reap,
	};

	seam_write_assert_held(s2->lock);
	if (s2_range_hole(s2, range))
		return range.end;
	return s2_walk_run(&walk);
}

/* --- Cleaning alone. --- */

static void s2_leaf_clean(struct s2_walk *walk, u64 desc, int level)
{
	if (!s2_leaf_cached(walk->s2, desc, level))
		return;
	seam_dcache_clean_inval_poc(s2_desc_hpa(desc), s2_level_bytes(level));
	s2_walk_spend_pages(walk, s2_level_pages(level));
}

static void s2_clean_pages(struct s2_walk *walk, u64 *entry, unsigned int count, u64 nr)
{
	for (unsigned int i = 0; i < count; i++)
		s2_leaf_clean(walk, READ_ONCE(entry[i]), TSR_LEVEL_LAST);
}

static bool s2_clean_enter(struct s2_walk *walk, u64 *entry, u64 nr, int level, bool whole)
{
	u64 desc = READ_ONCE(*entry);

	if (s2_desc_is_table(desc, level))
		return true;
	s2_leaf_clean(walk, desc, level);
	return false;
}

u64 s2_range_clean(struct s2 *s2, struct gfn_range range)
{
	struct s2_walk walk = {
		.s2 = s2,
		.range = range,
		.enter = s2_clean_enter,
		.pages = s2_clean_pages,
	};

	return s2_walk_run(&walk);
}
