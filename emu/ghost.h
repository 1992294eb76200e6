/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Entries that tables held once and TLBs may still hold (tlb.h): a set that is searched by
 * address and level. For the TLB model alone, which holds its lock around each function.
 */
#ifndef EMU_GHOST_H
#define EMU_GHOST_H

#include "types.h"

/* What came of the invalidations so far, for the complaint. */
enum ghost_miss {
	GHOST_NO_TLBI,
	GHOST_TLBI_BEFORE_STORE,
	GHOST_TLBI_BEFORE_DSB,
	GHOST_TLBI_OTHER_VMID,
	GHOST_TLBI_OTHER_LEVEL,
	GHOST_TLBI_UNALIGNED,
};

struct ghost {
	u64 gfn; /* of the span's first page */
	int level;
	bool table;
	u64 desc;	     /* of a leaf: with AF */
	u64 store;	     /* the number of the store that removed it; 0: in another way */
	unsigned int storer; /* until this actor's DSB walkers may find it in memory */
	unsigned int owner;  /* the actor whose operation has to remove it */
	u64 op;		     /* that operation's number */
	u64 doomed;	     /* actors whose TLBI removes it when it completes */
	enum ghost_miss miss;
	bool reported;
	struct ghost *next;
};

/* Adds @g, copied. False: the same entry of the same page was there, and is @g from now on. */
bool ghost_add(const struct ghost *g);
/*
 * Calls @visit for each ghost that overlaps [@gfn, @gfn + @pages), coarsest level first;
 * pages 0: for all. What @visit returns true for is removed. @visit adds none.
 */
void ghost_each(u64 gfn, u64 pages, bool (*visit)(struct ghost *g, void *arg), void *arg);
unsigned int ghost_count(void);
void ghost_reset(void);

#endif
