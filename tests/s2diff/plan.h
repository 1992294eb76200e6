/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Random cases: which registers, descriptors and accesses. */
#ifndef S2DIFF_PLAN_H
#define S2DIFF_PLAN_H

#include "case.h"
#include "el2.h"

/* The guest's tables, written anew for each case. */
struct tables {
	u64 root[16 * 512]; /* concatenated, or less than a page of it */
	u64 next[4][512];   /* of levels 1 to 3, on the way to the tested page */
	u64 good[4][512];   /* the same, on the way to what is always mapped */
	u64 s1[3][512];	    /* stage 1: levels 1 to 3 */
};

struct plan {
	u64 hcr, vtcr, vttbr;
	u64 ipa; /* of the page */
	u64 va;	 /* of the access */
	enum case_access access;
	unsigned int el;
	enum case_s1 s1;
	int start_level;
	u64 *root; /* in tables.root */
	unsigned int count;
	struct {
		u64 *at;
		u64 desc;
	} way[4]; /* the descriptors that a walk to @ipa meets, from the start level on */
};

void random_seed(u64 seed);
u64 random_next(void);

/* Plans a case; tells which descriptors to write and writes none. */
void plan_random(struct plan *plan, struct tables *tables);

#endif
