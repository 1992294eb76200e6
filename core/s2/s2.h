/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Stage-2 translation tables of one VM.
 *
 * Who may do what: a fault holds the lock shared and installs by compare-and-exchange,
 * only into an invalid entry, or over a leaf of the same page and type of which it is
 * granted more. All that replaces or removes a valid entry holds the lock exclusively.
 * Beside both the hardware sets the access flag of valid leaves (FEAT_HAFDBS), atomically:
 * so what changes a leaf in place does that atomically, too. A table page is freed under
 * the exclusive lock, after the TLB invalidation that follows its unlinking: no walker of
 * ours and none of the hardware can hold it.
 *
 * Invariants: a leaf never grants more than policy grants to each page under it; whatever
 * narrows policy narrows the leaf inside the same invalidate bracket (vm.h). A table
 * other than the start tables is not empty, but for one that a fault has just linked.
 * An entry that is not valid is zero. Break-before-make is done by s2_break() and s2_make()
 * and nobody else (Arm ARM D8.17).
 *
 * Blocks: what concerns a part of a block splits it, if there are tables to do that with:
 * the caller fetches them before it takes the lock (s2_cache_fill() may fail, nothing here
 * can). Without, the block is dropped, or narrowed, whole; its other pages come back by
 * faults. A block that may be mapped where a table is replaces the table.
 * A split and a join change no translation, only what it is made of.
 */
#ifndef CORE_S2_S2_H
#define CORE_S2_S2_H

#include "s2/desc.h"
#include "s2/geom.h"
#include "seam.h"

#define S2_TYPES 4
#define S2_PERMS 16 /* sets of R, W, X and T */

/* Counters; seam_count() adds, readers take no lock. Those of the owner are in vm.h. */
struct s2_stats {
	u64 splits;	       /* blocks that became a table */
	u64 joins;	       /* tables that became a block */
	u64 pages_tags_opened; /* mapped anew with T over memory that holds tags */
};

struct s2 {
	const struct host *host; /* constant */
	struct seam_tlb *tlb;	 /* constant */
	seam_rwlock_t *lock;	 /* constant; the owner's */
	struct s2_geom geom;	 /* constant */
	u64 *root;		 /* geom.root_tables tables; entries: [lock] */
	u8 root_order;		 /* constant: log2 of the pages of an entry there */
	perm_t icache;		 /* constant: X, if memory to be fetched from is maintained first */
	bool cleans;		 /* leaves may have to be cleaned when they go; from then on */
	u64 attrs[S2_TYPES][S2_PERMS]; /* constant: of a block of each type and set of rights */
	struct s2_stats stats;
};

/* How many tables the cache must hold, at most. */
#define S2_TABLES_MAP 3U /* for one mapping: one for each level below a start level of 0 */
#define S2_TABLES_CUT 4U /* for both ends of a range: blocks of two levels at each */

/* Tables for later. Its owner's alone, a thread's or a lock's. Zeroed memory is an empty one. */
struct s2_cache {
	u64 *tables; /* linked by their first words; zeroes but for these */
	unsigned int count;
	/*
	 * The permission fault that found its need granted already, last: the page, and what
	 * its entry granted. See vm_fault().
	 */
	u64 again_nr;
	perm_t again_perm;
	struct seam_memo memo; /* of those faults, for seam_backing_get() */
};

/* What is to be mapped. */
struct s2_leaf {
	struct hpa hpa;	   /* of the first page of the block, or of the range */
	enum memtype type; /* not REFUSED */
	perm_t perm;	   /* has one of R, W, X */
	bool clean;	   /* clean and invalidate data caches to PoC first */
	bool tags;	   /* memory that holds tags, opened with PERM_T: sanitise them first */
	u64 soft;	   /* S2_DESC_UNTAGGED, if that is so; or 0 */
};

enum s2_map_result {
	S2_MAPPED,    /* the leaf is there, new or wider than before */
	S2_UNCHANGED, /* it was there before, and granted all this */
	/*
	 * A valid entry is in the way: come again with the lock held exclusively. Or the cache
	 * ran short of tables: come again with more.
	 */
	S2_EXCLUSIVE,
};

/*
 * @ipa_bits: 32..48. @lock protects the tables from now on.
 * Errors: -ENOMEM; nothing is held then.
 */
int s2_init(struct s2 *s2, const struct host *host, u8 ipa_bits, struct seam_tlb *tlb,
	    seam_rwlock_t *lock);
/*
 * Frees every table, in time that follows what is mapped. No vCPU runs, nobody else holds
 * the tables; the owner invalidates the TLBs before the VMID is used again.
 */
void s2_destroy(struct s2 *s2);

/* Until the cache holds @count tables. Sleeps. Errors: -ENOMEM; what is there stays. */
int s2_cache_fill_short(struct s2_cache *cache, unsigned int count);
static inline int s2_cache_fill(struct s2_cache *cache, unsigned int count)
{
	return cache->count < count ? s2_cache_fill_short(cache, count) : 0;
}
/* Frees what the cache holds. */
void s2_cache_drain(struct s2_cache *cache);

/*
 * Maps the block or page of @level around @gfn. @cache holds S2_TABLES_MAP. @exclusive: how
 * the lock is held. What a leaf of the same memory and type grants already stays granted: a
 * block that grants all this is left alone, and one that grants less, in other pages than
 * those of a block of @level, is split. Caches and tags are maintained before the leaf is
 * visible (FEAT_S2FWB, CTR_EL0.DIC and IDC). TLBs are invalidated for the leaf where one is
 * changed.
 */
enum s2_map_result s2_map(struct s2 *s2, struct s2_cache *cache, struct gfn gfn, int level,
			  const struct s2_leaf *leaf, bool exclusive);

/*
 * The descriptor that maps @gfn: a leaf, or the invalid entry at which the walk ends. Lock:
 * either way.
 */
u64 s2_lookup_desc(const struct s2 *s2, struct gfn gfn, int *level);

/* The same, decoded. Inline: it costs what is looked at. */
static inline struct s2_entry s2_lookup(const struct s2 *s2, struct gfn gfn)
{
	int level;
	u64 desc = s2_lookup_desc(s2, gfn, &level);

	return s2_desc_decode(s2->host, desc, level);
}

/*
 * Operations on ranges. The caller holds the lock exclusively; each does a bounded piece of
 * work and returns the page to go on from, @range.end when it is done. What it did is
 * complete in the TLBs when it returns. Between pieces others may have the lock, if an
 * invalidate bracket keeps faults out of the range.
 *
 * @cache, where there is one: tables for blocks that the range cuts, S2_TABLES_CUT for all
 * pieces together; may be NULL or hold less. s2_range_map() and s2_range_split() need one
 * with S2_TABLES_MAP at least, and return early for want of more: fill it and go on.
 */

/*
 * Maps the range to memory that is one piece and begins at @leaf->hpa, which goes with
 * @range.begin from piece to piece; with blocks of @level at the coarsest, where both addresses
 * are aligned for them. As s2_map() otherwise.
 */
u64 s2_range_map(struct s2 *s2, struct s2_cache *cache, struct gfn_range range, int level,
		 const struct s2_leaf *leaf);
/* Nothing in the piece is mapped any more; tables that are empty now are freed. */
u64 s2_range_unmap(struct s2 *s2, struct s2_cache *cache, struct gfn_range range);
/*
 * The data caches are cleaned and invalidated to PoC of what the piece maps, where that is done
 * when it is unmapped.
 */
u64 s2_range_clean(struct s2 *s2, struct gfn_range range);
/*
 * No leaf in the piece grants any of @remove any more. Leaves that grant nothing then, or
 * that would change their memory attributes (T), are unmapped.
 */
u64 s2_range_protect(struct s2 *s2, struct s2_cache *cache, struct gfn_range range, perm_t remove);
/*
 * No leaf in the piece grants W any more, and that is all that changes: one that has
 * granted nothing else stays, and grants nothing.
 */
u64 s2_range_write_protect(struct s2 *s2, struct s2_cache *cache, struct gfn_range range);
/*
 * Sets @young if any page of the piece is. @clear: not any more. The TLBs are left alone: an
 * entry in them hides accesses for a while, which costs the page some of its age and nothing
 * else.
 */
u64 s2_range_age(struct s2 *s2, struct gfn_range range, bool clear, bool *young);
/* No block that overlaps the piece is coarser than one of @level. Grants stay what they are. */
u64 s2_range_split(struct s2 *s2, struct s2_cache *cache, struct gfn_range range, int level);
/*
 * Tables that overlap the piece become blocks, @level (1 or 2) at the coarsest, where all
 * their entries are leaves of memory in one piece, aligned, of one type and with the same
 * rights. The block is young if any of them was.
 */
u64 s2_range_join(struct s2 *s2, struct gfn_range range, int level);

/* --- What leaves say of tags. --- */

/* Of 64 pages, bit 0 the first: what is known, and of that which have tags. */
struct s2_tags {
	u64 known;
	u64 tagged;
};
/*
 * Of the pages from @first on, @count of them, 64 at most and inside the IPA size. Known are
 * pages that are mapped with T (tagged), or by leaves that say S2_DESC_UNTAGGED. Lock: either
 * way.
 */
struct s2_tags s2_tags_look(const struct s2 *s2, struct gfn first, unsigned int count);
/* A range operation, as above: no leaf in the piece says S2_DESC_UNTAGGED any more. */
u64 s2_range_tags_forget(struct s2 *s2, struct gfn_range range);

#endif
