/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Memory slots: which guest pages exist, and which addresses of the VMM stand
 * behind them (api.rst 4.35, KVM_SET_USER_MEMORY_REGION).
 *
 * All slots of a VM are one immutable table, sorted by guest page. A change is
 * planned as a whole new table (may fail, nothing has changed) and committed by
 * publishing it; readers hold the RCU read lock and see one table or the other.
 *
 * Invariants: slots of a table do not overlap in guest pages, ids are unique, no
 * slot is empty or reaches beyond the IPA size. They may overlap in the VMM's
 * addresses. A VM without slots has no table: NULL.
 */
#ifndef CORE_SLOT_H
#define CORE_SLOT_H

#include "abi.h"

struct slot {
	u32 id;
	u32 flags; /* ABI_MEM_* */
	struct gfn_range gfns;
	struct hva hva; /* of gfns.begin; page aligned */
};

/* One slot in the order of the VMM's addresses. */
struct slot_hva {
	u32 index;   /* in slots.slot[] */
	u64 max_end; /* the highest end, in bytes, of this slot and all before it */
};

/* Immutable once published. */
struct slots {
	u32 count;
	u32 *by_id;	       /* indices into slot[], sorted by id */
	struct slot_hva *by_hva; /* sorted by the first address */
	struct slot slot[];    /* sorted by guest page */
};

/* What a VMM asks for: KVM_SET_USER_MEMORY_REGION2 without guest_memfd. size 0 deletes. */
struct slot_request {
	u32 id;
	u32 flags;
	u64 gpa;
	u64 size;
	u64 hva;
};

enum slot_change_kind { SLOT_NOTHING, SLOT_CREATE, SLOT_DELETE, SLOT_MOVE, SLOT_FLAGS };

/* A planned change. @next belongs to the plan until it is published. */
struct slot_change {
	enum slot_change_kind kind;
	struct slot before; /* unless CREATE */
	struct slot after;  /* unless DELETE */
	struct slots *next;
};

/* The first byte of the VMM's addresses after @slot. */
static inline u64 slot_hva_end(const struct slot *slot)
{
	return slot->hva.addr + (gfn_range_count(slot->gfns) << TSR_PAGE_SHIFT);
}

static inline struct hva slot_gfn_hva(const struct slot *slot, struct gfn gfn)
{
	return hva_of(slot->hva.addr + ((gfn.nr - slot->gfns.begin) << TSR_PAGE_SHIFT));
}

/* The slot that holds @gfn, or NULL. RCU reader or vm->lock; @slots may be NULL. */
const struct slot *slot_find(const struct slots *slots, struct gfn gfn);

/* The slot numbered @id, or NULL. RCU reader or vm->lock; @slots may be NULL. */
const struct slot *slot_by_id(const struct slots *slots, u32 id);

/*
 * Goes through the slots that hold any of the VMM's addresses [@begin, @end), in
 * bytes, in no order that matters. @cursor: 0 to begin, then left alone. NULL at
 * the end. RCU reader or vm->lock.
 */
const struct slot *slot_hva_next(const struct slots *slots, u64 begin, u64 end, u32 *cursor);
/* The part of @slot, which overlaps, that stands for [@begin, @end) of the VMM's addresses. */
struct gfn_range slot_hva_gfns(const struct slot *slot, u64 begin, u64 end);

/*
 * Validates @req and builds the table that would serve it, in mainline's order of
 * checks. Whether the memory behind the slot fits is not looked at here. The owner of
 * the seam has checked that hva and size lie in the VMM's address space.
 * Takes no lock; vm->lock is held. Nothing is held on failure.
 * Errors: -EINVAL (unknown flags, TAGS_ON_TOUCH without TAGS_OPTIONAL, alignment, id,
 * overflow, too many pages, deleting what is not there, changing size, hva or READONLY
 * of a slot), -EEXIST (overlaps another slot), -EFAULT (beyond the IPA size), -ENOMEM.
 */
int slot_plan(const struct slots *now, const struct slot_request *req, u8 ipa_bits,
	      struct slot_change *change);
/* Frees what a plan holds that is not to be published. */
void slot_plan_drop(struct slot_change *change);

#endif
