/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The flat map of the model of core/s2: what each guest page of a few windows must be, read
 * back by the hardware's walker (emu/mmu.h), which shares nothing with core.
 *
 * Where core has a choice, such as to drop the rest of a block that it has no table to split
 * by, a page's bounds are apart; comparing it settles them by what is there. What a page is
 * made of, page or block, is not in the map: the walker tells.
 *
 * The windows, in one row of indices: the first GiB and a bit, which crosses into the next
 * block of 1 GiB, and the last blocks of the IPA space.
 */
#ifndef MODEL_FLAT_H
#define MODEL_FLAT_H

#include "memtype.h"
#include "mmu.h"
#include "perm.h"

#define FLAT_BLOCK 512U /* pages */
#define FLAT_GIB   (FLAT_BLOCK * FLAT_BLOCK)
#define FLAT_LOW   (FLAT_GIB + 4 * FLAT_BLOCK)
#define FLAT_PAGES (FLAT_LOW + 4 * FLAT_BLOCK)

#define FLAT_MAPPED 1U
#define FLAT_YOUNG  2U
#define FLAT_LOOSE  4U /* may be gone */

struct flat_page {
	u32 hfn; /* the host's page frame */
	u8 least, most;
	u8 type;  /* enum memtype */
	u8 state; /* FLAT_* */
};

/* Indices [begin, end) of the map. */
struct flat_range {
	u32 begin, end;
};

extern struct flat_page flat[FLAT_PAGES];

/* Nothing is mapped in an IPA space of @ipa_bits, whose tables @mmu walks. */
void flat_begin(const struct emu_mmu *mmu, u8 ipa_bits);

struct gfn flat_gfn(u32 index);
/* @range is in one window. */
struct gfn_range flat_gfns(struct flat_range range);

/* What is there at a page, by the walker. */
struct flat_seen {
	bool mapped;
	int level;
	u32 hfn;
	u8 perm, type;
	bool young;
};
struct flat_seen flat_see(u32 index);

/* The pages that one entry of the tables covers around @index, in its window; its level. */
struct flat_range flat_entry(u32 index, int *level);
/* The pages of the leaf around @index; where nothing is mapped that page alone. */
struct flat_range flat_leaf(u32 index);
/* @range and the leaves that it cuts. */
struct flat_range flat_round(struct flat_range range);

/* Compares what is there in the range, and a page on each side, with the map. */
void flat_check(struct flat_range range);
void flat_check_all(void);

#endif
