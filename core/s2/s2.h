/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Stage-2 translation tables of one VM.
 *
 * Who may do what: a fault holds the lock shared and installs by compare-and-exchange,
 * only into an invalid entry, or over a leaf of the same page and type of which it is
 * granted more. All that replaces or removes a valid entry holds the lock exclusively.
 * A table page is freed under the exclusive lock, after the TLB invalidation that
 * follows its unlinking: no walker of ours and none of the hardware can hold it.
 *
 * Invariants: a leaf never grants more than policy grants to each page under it; whatever
 * narrows policy narrows the leaf inside the same invalidate bracket (vm.h). A table
 * other than the start tables is not empty, but for one that a fault has just linked.
 * An entry that is not valid is zero. Break-before-make is done by s2_break() and s2_make()
 * and nobody else (Arm ARM D8.17).
 *
 * Blocks: a block that covers only in part what is to be unmapped or narrowed is dropped
 * whole; its other pages come back by faults. A page that must be mapped where a block is
 * breaks the block. A block that may be mapped where a table is replaces the table.
 */
#ifndef CORE_S2_S2_H
#define CORE_S2_S2_H

#include "s2/desc.h"
#include "s2/geom.h"
#include "seam.h"

struct s2 {
	const struct host *host; /* constant */
	struct seam_tlb *tlb;	 /* constant */
	seam_rwlock_t *lock;	 /* constant; the owner's */
	struct s2_geom geom;	 /* constant */
	u64 *root;		 /* geom.root_tables tables; entries: [lock] */
};

/* Tables for one mapping: one for each level below a start level of 0. */
#define S2_CACHE_MAX 3

/* A vCPU's own; used by its thread alone. Zeroed memory is an empty one. */
struct s2_cache {
	void *table[S2_CACHE_MAX];
	u8 count;
	/*
	 * The permission fault that found its need granted already, last: the page, and what
	 * its entry granted. See vm_fault().
	 */
	u64 again_nr;
	perm_t again_perm;
};

/* What is to be mapped. */
struct s2_leaf {
	struct hpa hpa;	   /* of the first page of the block */
	enum memtype type; /* not REFUSED */
	perm_t perm;	   /* has one of R, W, X */
	bool clean;	   /* clean and invalidate data caches to PoC first */
	bool tags;	   /* memory that holds tags, opened with PERM_T: sanitise them first */
};

enum s2_map_result {
	S2_MAPPED,    /* the leaf is there, new or wider than before */
	S2_UNCHANGED, /* it was there before, and granted all this */
	S2_EXCLUSIVE, /* a valid entry is in the way: come again with the lock held exclusively */
};

/*
 * @ipa_bits: 32..48. @lock protects the tables from now on.
 * Errors: -ENOMEM; nothing is held then.
 */
int s2_init(struct s2 *s2, const struct host *host, u8 ipa_bits, struct seam_tlb *tlb,
	    seam_rwlock_t *lock);
/*
 * Frees every table. No vCPU runs, nobody else holds the tables; the owner invalidates the
 * TLBs before the VMID is used again.
 */
void s2_destroy(struct s2 *s2);

/* Fills the cache for one mapping. Sleeps. Errors: -ENOMEM; what is there stays. */
int s2_cache_fill(struct s2_cache *cache);
/* Frees what the cache holds; the vCPU ends. */
void s2_cache_drain(struct s2_cache *cache);

/*
 * Maps the block or page of @level around @gfn. @cache is full. @exclusive: how the lock
 * is held. What a leaf of the same page and type grants already stays granted. Caches and
 * tags are maintained before the leaf is visible (FEAT_S2FWB, CTR_EL0.DIC and IDC). TLBs
 * are invalidated for the leaf where one is changed.
 */
enum s2_map_result s2_map(struct s2 *s2, struct s2_cache *cache, struct gfn gfn, int level,
			  const struct s2_leaf *leaf, bool exclusive);

/* What maps @gfn: a leaf, or the invalid entry at which the walk ends. Lock: either way. */
struct s2_entry s2_lookup(const struct s2 *s2, struct gfn gfn);

/*
 * Operations on ranges. The caller holds the lock exclusively; each does a bounded piece of
 * work and returns the page to go on from, @range.end when it is done. What it did is
 * complete in the TLBs when it returns. Between pieces others may have the lock, if an
 * invalidate bracket keeps faults out of the range.
 */

/* Nothing in the piece is mapped any more; tables that are empty now are freed. */
u64 s2_range_unmap(struct s2 *s2, struct gfn_range range);
/* No leaf in the piece grants any of @remove any more. */
u64 s2_range_protect(struct s2 *s2, struct gfn_range range, perm_t remove);
/*
 * Sets @young if any page of the piece is. @clear: not any more. The TLBs are left alone: an
 * entry in them hides accesses for a while, which costs the page some of its age and nothing
 * else.
 */
u64 s2_range_age(struct s2 *s2, struct gfn_range range, bool clear, bool *young);

#endif
