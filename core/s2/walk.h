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
	struct gfn_range range;
	/*
	 * A run of @count entries of one table, from page @nr on, that overlap the range: the
	 * entries of a last-level table, of which some may be invalid, or one block.
	 */
	void (*leaves)(struct s2_walk *walk, u64 *entry, unsigned int count, u64 nr, int level);
	/* May be NULL. A table that lies in the range whole; true: done, do not go down. */
	bool (*table)(struct s2_walk *walk, u64 *entry, u64 nr, int level);
	unsigned int budget;	    /* tables and blocks that may still be visited */
	u64 stop;		    /* the page at which the walk has stopped for want of it */
	bool reap;		    /* free the tables that are found empty on the way up */
	bool young;		    /* for s2_range_age() */
	u64 stale_begin, stale_end; /* pages; equal: none */
	void *dead;		    /* tables, linked by their first word */
};

/*
 * Calls back for all that is mapped in the range, in order, as far as the budget lasts.
 * Returns the page to go on from: the end of the range when it is done.
 */
u64 s2_walk_run(struct s2_walk *walk);
/* The TLBs may hold what was mapped at [@begin, @end) and is no more. */
void s2_walk_stale(struct s2_walk *walk, u64 begin, u64 end);
/* @table is linked no more: it is freed by s2_walk_finish(). Its contents are overwritten. */
void s2_walk_bury(struct s2_walk *walk, u64 *table);
/* Invalidates the TLBs for what is stale, then frees what is dead. */
void s2_walk_finish(struct s2_walk *walk);

/* Makes @count entries of one table invalid; what they mapped is stale. */
void s2_unmap_leaves(struct s2_walk *walk, u64 *entry, unsigned int count, u64 nr, int level);

/* Buries the table that @entry, of @level, points to, and all tables below it. */
void s2_walk_bury_tree(struct s2_walk *walk, u64 entry, int level);

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
	return &s2->root[nr >> TSR_LEVEL_ORDER(s2->geom.start_level)];
}

/* First page of the span that an entry of @level has around @nr. */
static inline u64 s2_span_begin(u64 nr, int level)
{
	return nr & ~((1ULL << TSR_LEVEL_ORDER(level)) - 1);
}

/*
 * Break-before-make. s2_break() makes the valid @entry, of @level and around page @nr,
 * invalid, and the TLBs forget it. The table below it, if any, may be freed then.
 * s2_make() makes an invalid entry valid. Exclusive lock.
 */
void s2_break(struct s2 *s2, u64 *entry, u64 nr, int level);
void s2_make(u64 *entry, u64 desc);

/* Must a leaf be cleaned from the data caches when the guest loses it? */
static inline bool s2_leaf_cached(const struct s2 *s2, u64 desc, int level)
{
	return !s2->host->fwb && s2_desc_decode(s2->host, desc, level).type == MEMTYPE_WB;
}

static inline u64 s2_level_bytes(int level)
{
	return TSR_PAGE_SIZE << TSR_LEVEL_ORDER(level);
}

#endif
