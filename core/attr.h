/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The attributes of every guest page (docs/abi.md, "KVM_SET_MEMORY_ATTRIBUTES").
 *
 * A radix tree of the translation table's geometry: a word is either one value for
 * its whole span or points to 512 words of the next level; the last level is a byte a
 * page. A span that is uniform has one word: nodes whose children agree are joined at
 * once, so "is this block uniform, and with what?" is answered on the way to the value.
 * What is set costs what it cuts, not what it covers.
 *
 * Invariants: no node has 512 equal values as children. A page never set has 0.
 *
 * Readers hold the RCU read lock. Writers are serialized by vm->lock. A reader that runs
 * beside a change may see it half made, each page as it was or as it will be; the
 * invalidate sequence (vm.h) makes such a reader start again.
 *
 * A change is prepared (may fail, nothing has changed) and then committed (cannot).
 */
#ifndef CORE_ATTR_H
#define CORE_ATTR_H

#include "attr_node.h"

/*
 * The root is as many words of this level as the IPA space has, 512 for one of 48 bits. It is
 * not joined.
 */
#define ATTR_TOP_LEVEL 0

enum attr_op {
	ATTR_EXACT, /* these bits and no others */
	ATTR_SET,   /* these as well */
	ATTR_CLEAR, /* these no more */
};

struct attr {
	void **root; /* words of ATTR_TOP_LEVEL; [vm->lock to change them, RCU to read] */
	u64 pages;   /* the size of the store; constant */
};

/* A page's value, and the level of the largest uniform block around it (0..3). */
struct attr_view {
	u64 bits;
	s64 level;
};

/* A node for each level at which an end of the range cuts a span. */
#define ATTR_PLAN_NODES 6

/* A prepared change. Its nodes belong to the plan until the commit takes them. */
struct attr_plan {
	struct gfn_range range;
	u64 keep, add;	    /* what a word loses and gets: (old & keep) | add */
	void **word;	    /* of the smallest span that holds the range, if one does */
	int level;	    /* of that span; [vm->lock] */
	unsigned int count; /* of nodes */
	void *node[ATTR_PLAN_NODES];
};

/*
 * All pages below 2^(@ipa_bits - TSR_PAGE_SHIFT) have value 0. @ipa_bits: 32..48. Sleeps.
 * Errors: -ENOMEM; nothing is held then.
 */
int attr_init(struct attr *attr, u8 ipa_bits);
/* No reader is left. */
void attr_destroy(struct attr *attr);

/*
 * Queries. RCU reader or vm->lock. @gfn below the size of the store.
 */

static inline u64 attr_root_words(const struct attr *attr)
{
	return (attr->pages + (1ULL << TSR_LEVEL_ORDER(ATTR_TOP_LEVEL)) - 1) >>
	       TSR_LEVEL_ORDER(ATTR_TOP_LEVEL);
}

/* Where the way down to a page ends: a value, or the leaf. */
struct attr_place {
	void *word;
	int level; /* of the word */
};

/* Inline, and unrolled for constant shifts, as all look-ups: they cost what is looked at. */
static inline struct attr_place attr_find(const struct attr *attr, u64 nr)
{
	struct attr_place at = {
		seam_rcu_load(&attr->root[nr >> TSR_LEVEL_ORDER(ATTR_TOP_LEVEL)]),
		ATTR_TOP_LEVEL,
	};

#pragma GCC unroll 2
	for (int level = ATTR_TOP_LEVEL + 1; level <= ATTR_LEAF_LEVEL; level++) {
		const struct attr_node *node;

		if (!attr_word_is_node(at.word))
			return at;
		node = attr_word_node(at.word);
		at.word = seam_rcu_load(&node->child[attr_index(nr, level)]);
		at.level = level;
	}
	return at;
}

static inline struct attr_view attr_get(const struct attr *attr, struct gfn gfn)
{
	struct attr_place at = attr_find(attr, gfn.nr);

	if (attr_word_is_node(at.word))
		return (struct attr_view){ attr_leaf_value(at.word, gfn.nr), TSR_LEVEL_LAST };
	return (struct attr_view){ attr_word_value(at.word), at.level };
}

/* Has the block of @level around @gfn one value? */
static inline bool attr_uniform(const struct attr *attr, struct gfn gfn, int level)
{
	return attr_get(attr, gfn).level <= level;
}

/* The first page after @gfn, and before @end, that has another value than it; else @end. */
u64 attr_next(const struct attr *attr, struct gfn gfn, u64 end);

/*
 * Allocates what a change of the pages in @range may need. @range is not empty and within
 * the store; @bits <= ATTR_BITS_MAX. vm->lock; sleeps.
 * Errors: -ENOMEM; nothing is held then.
 */
int attr_prepare(struct attr *attr, struct gfn_range range, enum attr_op op, u8 bits,
		 struct attr_plan *plan);
/* Makes the change and frees what it left empty. Under the same hold of vm->lock; sleeps. */
void attr_commit(struct attr *attr, struct attr_plan *plan);
/* Instead of committing. */
void attr_plan_drop(struct attr_plan *plan);

#endif
