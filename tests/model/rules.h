/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The flat maps of the model of core/vm, slots, attributes and the host's memory, and what
 * docs/abi.md makes of them: what a page may grant, and what an access comes to.
 */
#ifndef MODEL_RULES_H
#define MODEL_RULES_H

#include "backing.h"
#include "look.h"
#include "vm.h"

#define HVA_BASE 0x7f0000000000ULL

/* The VMM's pages, in pieces that the host maps as one: large ones, small ones, then nothing. */
#define PIECES_LARGE 12U
#define PIECES	     28U
#define PIECE_SMALL  8U /* pages */
#define HVA_PAGES    ((PIECES_LARGE + 1) * LOOK_BLOCK)

#define SLOTS 8U

struct model_slot {
	bool used;
	u32 flags;
	struct look_range pages;
	u32 hva; /* page of the VMM */
};

struct rules {
	bool mte, mte_perm;
	bool lazy;  /* KVM_CAP_TSR_LAZY_TAGS; not without mte */
	bool apart; /* no two slots over the same memory of the VMM */
	u8 ipa_bits;
	struct model_slot slot[SLOTS];
	u8 attr[LOOK_PAGES];
	struct emu_vma *piece[PIECES];
};

extern struct rules rules;

struct look_range piece_pages(u32 number);
static inline u64 hva_bytes(u32 page)
{
	return HVA_BASE + ((u64)page << 12);
}

/* A page as the rules see it. */
struct page {
	const struct model_slot *slot;
	const struct emu_vma *vma;
	u32 hfn;
	perm_t denied; /* by attributes */
};

struct page page_at(u32 index);
const struct model_slot *slot_at(u32 index);

/* Can it hold tags, in this VM (6.2, 6.4)? */
bool memory_holds_tags(const struct emu_vma *vma);

/* All that a page may grant (4.2). */
perm_t effective(const struct page *page);

/* What an access comes to in the end, and the flags of an exit (5). */
struct verdict {
	enum vm_outcome outcome;
	u64 flags;
};
struct verdict judge(const struct page *page, perm_t need);

/* May the request be answered with @err? 0: it is done, and @new is what comes of it. */
bool slot_may(const struct slot_request *req, const struct model_slot *new, int err);

/* Would @new stand over memory of another slot than @id? */
bool slot_is_alias(u32 id, const struct model_slot *new);

#endif
