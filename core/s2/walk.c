// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "s2/walk.h"

static void s2_walk_table(struct s2_walk *walk, u64 *entry, u64 nr, u64 end, int level);

/* The entry of @level that begins at page @nr; it overlaps the range. */
static void s2_walk_entry(struct s2_walk *walk, u64 *entry, u64 nr, int level)
{
	u64 end = nr + s2_level_pages(level);
	u64 first = nr > walk->range.begin ? nr : walk->range.begin;
	u64 last = end < walk->range.end ? end : walk->range.end;

	if (!walk->enter(walk, entry, nr, level, first == nr && last == end)) {
		s2_walk_spend(walk, 1);
		return;
	}
	s2_walk_table(walk, s2_entry_table(READ_ONCE(*entry)) + s2_index(first, level + 1), first,
		      last, level + 1);
	if (walk->leave)
		walk->leave(walk, entry, nr, level);
}

/* Entries of one table from @entry on, for pages [@nr, @end). At most four deep. */
static void s2_walk_table(struct s2_walk *walk, u64 *entry, u64 nr, u64 end, int level)
{
	u64 step = s2_level_pages(level);

	if (level == TSR_LEVEL_LAST) {
		s2_walk_spend(walk, 1);
		walk->pages(walk, entry, (unsigned int)(end - nr), nr);
		return;
	}
	for (nr = s2_span_begin(nr, level); nr < end; nr += step, entry++) {
		if (!walk->holes && !READ_ONCE(*entry))
			continue;
		if (!walk->budget) {
			if (walk->stop > nr)
				walk->stop = nr;
			return;
		}
		s2_walk_entry(walk, entry, nr, level);
	}
}

/* So much of a walk is some milliseconds at most, in which nobody else gets the lock. */
#define S2_WALK_BUDGET 256

u64 s2_walk_run(struct s2_walk *walk)
{
	struct s2 *s2 = walk->s2;
	u64 done = walk->range.end;
	u64 end = s2_geom_pages(&s2->geom);

	seam_write_assert_held(s2->lock);
	if (walk->range.end > end)
		walk->range.end = end;
	walk->budget = S2_WALK_BUDGET;
	walk->stop = walk->range.end;
	if (walk->range.begin < walk->range.end)
		s2_walk_table(walk, s2_root_entry(s2, walk->range.begin), walk->range.begin,
			      walk->range.end, s2->geom.start_level);
	s2_walk_finish(walk);
	return walk->stop < walk->range.end ? walk->stop : done;
}

void s2_walk_spend(struct s2_walk *walk, u64 cost)
{
	walk->budget -= cost < walk->budget ? (unsigned int)cost : walk->budget;
}

void s2_walk_spend_pages(struct s2_walk *walk, u64 pages)
{
	walk->pages_spent += pages;
	s2_walk_spend(walk, walk->pages_spent / S2_PAGES_A_TABLE);
	walk->pages_spent %= S2_PAGES_A_TABLE;
}

void s2_walk_stop(struct s2_walk *walk, u64 nr)
{
	if (nr < walk->range.begin)
		nr = walk->range.begin;
	if (walk->stop > nr)
		walk->stop = nr;
	walk->budget = 0;
}

void s2_walk_stale(struct s2_walk *walk, u64 begin, u64 end, int level)
{
	if (walk->stale_begin == walk->stale_end) {
		walk->stale_begin = begin;
		walk->stale_end = end;
		walk->stale_level = level;
		return;
	}
	if (begin < walk->stale_begin)
		walk->stale_begin = begin;
	if (end > walk->stale_end)
		walk->stale_end = end;
	if (level != walk->stale_level)
		walk->stale_level = -1;
}

static bool s2_table_empty(const u64 *table)
{
	for (unsigned int i = 0; i < TSR_LEVEL_COUNT; i++)
		if (READ_ONCE(table[i]))
			return false;
	return true;
}

void s2_walk_reap(struct s2_walk *walk, u64 *entry, u64 nr, int level)
{
	u64 *table = s2_entry_table(READ_ONCE(*entry));

	if (!s2_table_empty(table))
		return;
	WRITE_ONCE(*entry, 0);
	s2_walk_stale(walk, nr, nr + s2_level_pages(level), -1);
	s2_walk_bury(walk, table);
}

void s2_walk_bury(struct s2_walk *walk, u64 *table)
{
	/*
	 * The hardware may still walk here until the TLB invalidation. The address of a
	 * page has bit 0 clear, so it finds an invalid descriptor.
	 */
	WRITE_ONCE(*table, (u64)(unsigned long)walk->dead);
	walk->dead = table;
}

/* At most three deep. */
void s2_walk_bury_tree(struct s2_walk *walk, u64 entry, int level)
{
	u64 *table = s2_entry_table(entry);
	bool leaves = walk->s2->cleans;

	level++;
	for (unsigned int i = 0; (leaves || level < TSR_LEVEL_LAST) && i < TSR_LEVEL_COUNT; i++) {
		u64 desc = READ_ONCE(table[i]);

		if (s2_desc_is_table(desc, level))
			s2_walk_bury_tree(walk, desc, level);
		else if (leaves)
			s2_leaf_leave(walk->s2, desc, level);
	}
	s2_walk_bury(walk, table);
}

void s2_walk_flush(struct s2_walk *walk)
{
	if (walk->stale_begin == walk->stale_end)
		return;
	seam_dsb_ishst();
	seam_tlbi_range(walk->s2->tlb, gfn_of(walk->stale_begin),
			walk->stale_end - walk->stale_begin, walk->stale_level);
	walk->stale_begin = walk->stale_end;
}

void s2_walk_finish(struct s2_walk *walk)
{
	s2_walk_flush(walk);
	while (walk->dead) {
		u64 *table = walk->dead;

		walk->dead = (void *)(unsigned long)*table;
		seam_table_free(table);
	}
}
