// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "s2/walk.h"

/* Atomically: the hardware does the same beside us. */
static void s2_leaf_set_young(u64 *entry)
{
	u64 old = READ_ONCE(*entry), was;

	while ((was = cmpxchg_release(entry, old, old | S2_DESC_AF)) != old)
		old = was;
}

/* --- Split. --- */

/* @table is not linked yet: plain stores. */
static void s2_split_fill(u64 *table, u64 block, int level)
{
	u64 leaf = block | (level + 1 == TSR_LEVEL_LAST ? S2_DESC_TABLE : 0);
	u64 step = s2_level_bytes(level + 1);

	for (unsigned int i = 0; i < TSR_LEVEL_COUNT; i++, leaf += step)
		table[i] = leaf;
}

bool s2_split(struct s2_walk *walk, u64 *entry, u64 nr, int level)
{
	u64 *table = s2_cache_take(walk->cache);
	u64 old = READ_ONCE(*entry), was;

	if (!table)
		return false;
	s2_split_fill(table, old, level);
	was = s2_resize(walk, entry, nr, level, s2_desc_table(seam_table_hpa(table)));
	if (was != old)
		for (unsigned int i = 0; i < TSR_LEVEL_COUNT; i++)
			s2_leaf_set_young(&table[i]);
	seam_count(&walk->s2->stats.splits, 1);
	return true;
}

/*
 * The architecture lets blocks change their size in place, and no more than that at once:
 * the old block is forgotten before what it maps changes.
 */
bool s2_split_cut(struct s2_walk *walk, u64 *entry, u64 nr, int level)
{
	if (!s2_split(walk, entry, nr, level))
		return false;
	s2_walk_flush(walk);
	return true;
}

struct s2_sizing {
	struct s2_walk walk;
	int level;
};

static bool s2_split_enter(struct s2_walk *walk, u64 *entry, u64 nr, int level, bool whole)
{
	int last = ((struct s2_sizing *)walk)->level;

	if (s2_desc_is_table(READ_ONCE(*entry), level))
		return level + 1 < last;
	if (level < last && !s2_split(walk, entry, nr, level)) {
		s2_walk_stop(walk, nr);
		return false;
	}
	return level + 1 < last;
}

u64 s2_range_split(struct s2 *s2, struct s2_cache *cache, struct gfn_range range, int level)
{
	struct s2_sizing sizing = {
		.walk = {
			.s2 = s2,
			.cache = cache,
			.range = range,
			.enter = s2_split_enter,
		},
		.level = level,
	};

	return s2_walk_run(&sizing.walk);
}

/* --- Join. --- */

/* In which bits four entries differ from leaves that go on from @leaf by @step. */
static inline u64 s2_differ(const u64 *entry, u64 *leaf, u64 step)
{
	u64 differ = READ_ONCE(entry[0]) ^ *leaf;

	differ |= READ_ONCE(entry[1]) ^ (*leaf += step);
	differ |= READ_ONCE(entry[2]) ^ (*leaf += step);
	differ |= READ_ONCE(entry[3]) ^ (*leaf += step);
	*leaf += step;
	return differ;
}

/* The block that maps what @table, below an entry of @level, does; 0: there is none. */
static u64 s2_join_block(const u64 *table, int level)
{
	u64 step = s2_level_bytes(level + 1);
	u64 leaf = READ_ONCE(*table) & ~S2_DESC_AF;
	u64 block = level + 1 == TSR_LEVEL_LAST ? leaf & ~S2_DESC_TABLE : leaf;
	u64 young = 0;

	if (!s2_desc_valid(leaf) || s2_desc_is_table(leaf, level + 1) ||
	    (s2_desc_hpa(leaf).addr & (s2_level_bytes(level) - 1)))
		return 0;
	for (unsigned int i = 0; i < TSR_LEVEL_COUNT; i += 8) {
		young |= s2_differ(&table[i], &leaf, step);
		young |= s2_differ(&table[i + 4], &leaf, step);
		if (young & ~S2_DESC_AF)
			return 0;
	}
	return block | young;
}

static void s2_join(struct s2_walk *walk, u64 *entry, u64 nr, int level)
{
	u64 *table = s2_entry_table(READ_ONCE(*entry));
	u64 block = s2_join_block(table, level);

	if (!block)
		return;
	s2_resize(walk, entry, nr, level, block);
	if (!(block & S2_DESC_AF)) {
		/* The hardware may have found a leaf until it had forgotten the table. */
		s2_walk_flush(walk);
		if (s2_join_block(table, level) & S2_DESC_AF)
			s2_leaf_set_young(entry);
	}
	s2_walk_bury(walk, table);
	seam_count(&walk->s2->stats.joins, 1);
}

static bool s2_join_enter(struct s2_walk *walk, u64 *entry, u64 nr, int level, bool whole)
{
	if (!s2_desc_is_table(READ_ONCE(*entry), level))
		return false;
	if (level + 1 < TSR_LEVEL_LAST)
		return true;
	s2_join(walk, entry, nr, level);
	return false;
}

static void s2_join_leave(struct s2_walk *walk, u64 *entry, u64 nr, int level)
{
	if (level >= ((struct s2_sizing *)walk)->level)
		s2_join(walk, entry, nr, level);
}

u64 s2_range_join(struct s2 *s2, struct gfn_range range, int level)
{
	struct s2_sizing sizing = {
		.walk = {
			.s2 = s2,
			.range = range,
			.enter = s2_join_enter,
			.leave = s2_join_leave,
		},
		.level = level,
	};

	return s2_walk_run(&sizing.walk);
}
