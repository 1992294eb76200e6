/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The attributes of every guest page (docs/abi.md, "KVM_SET_MEMORY_ATTRIBUTES").
 *
 * A radix tree of the translation table's geometry: a word is either one value for
 * its whole span or points to 512 words of the next level; the last level is a byte a
 * page. A span that is uniform has one word: nodes whose children agree are joined at
 * once, so "is this block uniform?" is answered on the way to the value.
 *
 * Invariants: no node has 512 equal values as children. A page never set has 0.
 *
 * Readers hold the RCU read lock. Writers are serialized by vm->lock. A reader that runs
 * beside a change may see it half made; the invalidate sequence (vm.h) makes such a
 * reader start again.
 *
 * A change is prepared (may fail, nothing has changed) and then committed (cannot).
 */
#ifndef CORE_ATTR_H
#define CORE_ATTR_H

#include "types.h"

/* Bits that fit in the store: a value is shifted by one in a word, and a byte in a leaf. */
#define ATTR_BITS_MAX 0x7fULL

enum attr_op {
	ATTR_EXACT, /* these bits and no others */
	ATTR_SET,   /* these as well */
	ATTR_CLEAR, /* these no more */
};

struct attr {
	void *root;    /* a word; [vm->lock to change, RCU to read] */
	s8 root_level; /* the level whose entry spans what root does; constant */
	u64 pages;     /* the size of the store; constant */
};

/* A page's value, and the level of the largest uniform block around it (-1..3). */
struct attr_view {
	u8 bits;
	s8 level;
};

/* At most a node for each level on each of the two paths where a range cuts a span. */
#define ATTR_PLAN_INNER 6
#define ATTR_PLAN_LEAF	2

/* A prepared change. Its nodes belong to the plan until the commit takes them. */
struct attr_plan {
	struct gfn_range range;
	enum attr_op op;
	u8 bits;
	u8 inner_count;
	u8 leaf_count;
	void *inner[ATTR_PLAN_INNER];
	void *leaf[ATTR_PLAN_LEAF];
};

/* All pages below 2^(@ipa_bits - TSR_PAGE_SHIFT) have value 0. Allocates nothing. */
void attr_init(struct attr *attr, u8 ipa_bits);
/* No reader is left. */
void attr_destroy(struct attr *attr);

/* RCU reader or vm->lock. @gfn below the size of the store. */
struct attr_view attr_get(const struct attr *attr, struct gfn gfn);

/*
 * Allocates what a change of the pages in @range may need. @range is not empty and within
 * the store; @bits <= ATTR_BITS_MAX. vm->lock; sleeps.
 * Errors: -ENOMEM; nothing is held then.
 */
int attr_prepare(const struct attr *attr, struct gfn_range range, enum attr_op op, u8 bits,
		 struct attr_plan *plan);
/* Makes the change, frees what it did not need. Under the same hold of vm->lock; sleeps. */
void attr_commit(struct attr *attr, struct attr_plan *plan);
/* Instead of committing. */
void attr_plan_drop(struct attr_plan *plan);

#endif
