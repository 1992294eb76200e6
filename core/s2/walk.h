/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The one walker of ranges, and what its users share; for core/s2 alone.
 */
#ifndef CORE_S2_WALK_H
#define CORE_S2_WALK_H

#include "s2/s2.h"

/*
 * A walk over a range under the exclusive lock, and what it gathers on the way: the pages
 * whose TLB entries must go, and the tables to be freed after that.
 */
struct s2_walk {
	struct s2 *s2;
	struct s2_cache *cache; /* may be NULL */
	struct gfn_range range;
	/*
	 * Does what is to be done with an @entry of levels 0 to 2 that overlaps the range;
	 * @whole: lies in it. True: there is a table now, go down to it.
	 */
	bool (*enter)(struct s2_walk *walk, u64 *entry, u64 nr, int level, bool whole);
	/* A run of @count entries of one last-level table, from page @nr on, all in the range. */
	void (*pages)(struct s2_walk *walk, u64 *entry, unsigned int count, u64 nr);
	/* May be NULL. On the way up from the table at @entry. */
	void (*leave)(struct s2_walk *walk, u64 *entry, u64 nr, int level);
	bool holes;		    /* entries that are not valid are entered, too */
	unsigned int budget;	    /* see s2_walk_spend() */
	u64 pages_spent;	    /* of a table; see s2_walk_spend_pages() */
	u64 stop;		    /* the page at which the walk has stopped for want of it */
	u64 stale_begin, stale_end; /* pages; equal: none */
	int stale_level;	    /* of leaves, if all are of one; -1: tables, too */
	void *dead;		    /* tables, linked by their first word */
};

/*
 * Calls back for all that is mapped in the range, in order, as far as the budget lasts.
 * Returns the page to go on from: the end of the range when it is done.
 */
u64 s2_walk_run(struct s2_walk *walk);
/* Takes so much from the budget: one is a table's work, or a block's. */
void s2_walk_spend(struct s2_walk *walk, u64 cost);
/* Cleaning the caches of so many pages takes as long as the work on a table. */
#define S2_PAGES_A_TABLE 64U
/* Takes what @pages that were cleaned cost; what is less than one is kept for the next. */
void s2_walk_spend_pages(struct s2_walk *walk, u64 pages);
/* The walk ends here: it cannot do what it should with page @nr. */
void s2_walk_stop(struct s2_walk *walk, u64 nr);
/*
 * The TLBs may hold what was mapped at [@begin, @end) and is no more: leaves of @level, or
 * (-1) anything.
 */
void s2_walk_stale(struct s2_walk *walk, u64 begin, u64 end, int level);
/* @table is linked no more: it is freed by s2_walk_finish(). Its contents are overwritten. */
void s2_walk_bury(struct s2_walk *walk, u64 *table);
/*
 * Buries the table that @entry, of @level, points to, and all tables below it. What is mapped
 * there is no more: the TLBs have forgotten it.
 */
void s2_walk_bury_tree(struct s2_walk *walk, u64 entry, int level);
/* Invalidates the TLBs for what is stale. */
void s2_walk_flush(struct s2_walk *walk);
/* The same, then frees what is dead. */
void s2_walk_finish(struct s2_walk *walk);

/* For leave: a table that is empty goes. */
void s2_walk_reap(struct s2_walk *walk, u64 *entry, u64 nr, int level);

/* Makes @count entries of one table invalid; what they mapped is stale. */
void s2_unmap_leaves(struct s2_walk *walk, u64 *entry, unsigned int count, u64 nr, int level);

/*
 * Puts a table that maps the same in place of the block at @entry. False: the cache has
 * none. The TLBs may hold the block until s2_walk_flush().
 */
bool s2_split(struct s2_walk *walk, u64 *entry, u64 nr, int level);
/* The same for a block of which a part alone is going to change: it is flushed. */
bool s2_split_cut(struct s2_walk *walk, u64 *entry, u64 nr, int level);

/* A table from the cache, zeroed; NULL: there is no cache, or none in it. And back. */
static inline u64 *s2_cache_take(struct s2_cache *cache)
{
	u64 *table = cache ? cache->tables : NULL;

	if (!table)
		return NULL;
	cache->tables = (u64 *)(unsigned long)*table;
	cache->count--;
	*table = 0;
	return table;
}

static inline void s2_cache_put(struct s2_cache *cache, u64 *table)
{
	*table = (u64)(unsigned long)cache->tables;
	cache->tables = table;
	cache->count++;
}

static inline u64 *s2_entry_table(u64 entry)
{
	return seam_table_ptr(s2_desc_hpa(entry));
}

/* The entry of page @nr in a table of @level; start tables take more bits. */
static inline unsigned int s2_index(u64 nr, int level)
{
	return (nr >> TSR_LEVEL_ORDER(level)) & (TSR_LEVEL_COUNT - 1);
}

static inline u64 *s2_root_entry(const struct s2 *s2, u64 nr)
{
	return &s2->root[nr >> s2->root_order];
}

/*
 * Follows tables from the start towards page @nr, down to @level at most: the entry found,
 * and its level in @at.
 */
static inline u64 *s2_follow(const struct s2 *s2, u64 nr, int level, int *at)
{
	unsigned int order = s2->root_order;
	u64 *entry = &s2->root[nr >> order];
	int here = s2->geom.start_level;

	for (; here < level; here++) {
		u64 desc = READ_ONCE(*entry);

		if (~desc & (S2_DESC_TABLE | S2_DESC_VALID))
			break;
		order -= TSR_LEVEL_BITS;
		entry = s2_entry_table(desc) + ((nr >> order) & (TSR_LEVEL_COUNT - 1));
	}
	*at = here;
	return entry;
}

static inline u64 s2_level_pages(int level)
{
	return 1ULL << TSR_LEVEL_ORDER(level);
}

static inline u64 s2_level_bytes(int level)
{
	return TSR_PAGE_SIZE << TSR_LEVEL_ORDER(level);
}

/* First page of the span that an entry of @level has around @nr. */
static inline u64 s2_span_begin(u64 nr, int level)
{
	return nr & ~(s2_level_pages(level) - 1);
}

/*
 * Break-before-make. s2_break() makes the valid @entry, of @level and around page @nr,
 * invalid, and the TLBs forget it; returns what it was, last. The table below it, if any,
 * may be freed then. s2_make() makes an invalid entry valid. Exclusive lock.
 */
u64 s2_break(struct s2 *s2, u64 *entry, u64 nr, int level);
void s2_make(u64 *entry, u64 desc);

/*
 * Makes @entry @desc, which maps the same by another size of block. Returns what it was,
 * last. With FEAT_BBM level 2 nothing is broken, and what it was is stale; else by the two
 * above (Arm ARM D8.17.1).
 */
u64 s2_resize(struct s2_walk *walk, u64 *entry, u64 nr, int level, u64 desc);

/* Has a leaf of @type a share of the windows to its memory, if that needs any? */
static inline bool s2_has_window(const struct s2 *s2, enum memtype type)
{
	return type == MEMTYPE_WB && !s2->host->fwb;
}

/*
 * Must a leaf be cleaned from the data caches when the guest loses it? Without FEAT_S2FWB its
 * own lines; and where it went past the caches, what somebody else's mapping brought there
 * meanwhile. Most Device memory is in no cache, and the seam knows that.
 */
static inline bool s2_leaf_cached(const struct s2 *s2, u64 desc, int level)
{
	enum memtype type;

	if (!s2->cleans)
		return false;
	type = s2_desc_decode(s2->host, desc, level).type;
	return type == MEMTYPE_DEVICE || s2_has_window(s2, type);
}

/* The guest has lost the leaf, and the TLBs have forgotten it. Returns how many were cleaned. */
u64 s2_leaf_leave(struct s2 *s2, u64 desc, int level);

#endif
