/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What the hardware finds at a guest's page: the tables that core wrote, read by emu/mmu.h's
 * walker, which shares nothing with core.
 *
 * The pages that models use are a few windows of the IPA space, in one row of indices: the
 * first GiB and a bit, which crosses into the next block of 1 GiB, and the last blocks.
 */
#ifndef MODEL_LOOK_H
#define MODEL_LOOK_H

#include "memtype.h"
#include "mmu.h"
#include "model.h"
#include "perm.h"

#define LOOK_BLOCK 512U /* pages */
#define LOOK_GIB   (LOOK_BLOCK * LOOK_BLOCK)
#define LOOK_LOW   (LOOK_GIB + 4 * LOOK_BLOCK)
#define LOOK_PAGES (LOOK_LOW + 4 * LOOK_BLOCK)

/* Operations meet in so many blocks: the first, those around 1 GiB, the last. */
#define LOOK_HOT 12U

/* Pages [begin, end) of the row; not empty, and in one window. */
struct look_range {
	u32 begin, end;
};

/* The IPA space has @ipa_bits, and @mmu walks the tables. */
void look_begin(const struct emu_mmu *mmu, u8 ipa_bits);

struct gfn look_gfn(u32 index);
struct gfn_range look_gfns(struct look_range range);
struct look_range look_window(u32 index);
/* The block of LOOK_BLOCK pages of that number, below LOOK_HOT, that operations meet in. */
struct look_range look_hot(u32 number);
/* The page that an operation is about: in a hot block, often at its edge. */
u32 look_index(const struct model_op *op);

/* What is there, with any age: a look makes no page young. */
struct look {
	bool mapped;
	int level; /* of the leaf, or of the invalid entry */
	u32 hfn;
	u8 perm, type;
	bool young;
};
struct look look_at(u32 index);

/* The span that an entry of @level has around @index, as far as it is in the window. */
struct look_range look_span(u32 index, int level);
/* The pages that one entry of the tables covers around @index, in its window; its level. */
struct look_range look_entry(u32 index, int *level);
/* The pages of the leaf around @index; where nothing is mapped that page alone. */
struct look_range look_leaf(u32 index);
/* @range and the leaves that it cuts. */
struct look_range look_round(struct look_range range);

/* Each access must be granted at @index just as what was seen there says. */
void look_check_accesses(u32 index, const struct look *seen);

#endif
