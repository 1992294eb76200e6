/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Memory slots: which guest pages exist, and which addresses of the VMM stand
 * behind them (api.rst 4.35, KVM_SET_USER_MEMORY_REGION).
 *
 * All slots of a VM are one immutable table, in three orders. A change is planned as a
 * whole new table, which shares most of its parts with the old one (may fail, nothing has
 * changed), and committed by publishing it; readers hold the RCU read lock and see one
 * table or the other.
 *
 * Invariants: slots of a table do not overlap in guest pages, ids are unique, no
 * slot is empty or reaches beyond the IPA size. They may overlap in the VMM's
 * addresses. A VM without slots has no table: NULL.
 */
#ifndef CORE_SLOT_H
#define CORE_SLOT_H

#include "abi.h"
#include "dirty.h"

/* The owner's: a guest_memfd. */
struct seam_gmem;

/*
 * Beside the uABI's flags: all of the slot is the file's, which can be mapped, and the VMM's
 * address is not looked at. Else what is private is the file's, what is shared is at the address.
 */
#define SLOT_GMEM_ALL BIT(16)

struct slot {
	u32 id;
	u32 flags; /* ABI_MEM_*, SLOT_GMEM_ALL */
	struct gfn_range gfns;
	struct hva hva; /* of gfns.begin; page aligned */
	/* With LOG_DIRTY_PAGES and a bitmap, else NULL; the table's that is published. */
	struct dirty_log *log;
	/* With GUEST_MEMFD: the file, bound while the slot is published, and gfns.begin in it. */
	struct seam_gmem *gmem;
	u64 gmem_page;
};

/* The orders in which a table holds all slots. */
enum slot_order { SLOT_BY_GFN, SLOT_BY_HVA, SLOT_BY_ID, SLOT_ORDERS };

struct slot_index;

/* Immutable once published. */
struct slots {
	u32 count;
	struct slot_index *index[SLOT_ORDERS];
};

/* How the log of a slot begins, that has had none; NONE: its writes are logged elsewhere. */
enum slot_log { SLOT_LOG_CLEAN, SLOT_LOG_DIRTY, SLOT_LOG_NONE };

/* What a VMM asks for: KVM_SET_USER_MEMORY_REGION2 without guest_memfd. size 0 deletes. */
struct slot_request {
	u32 id;
	u32 flags;
	u64 gpa;
	u64 size;
	u64 hva;
};

/* And of the file that goes with GUEST_MEMFD. */
struct slot_file {
	struct seam_gmem *gmem; /* NULL: it cannot be had */
	int error;		/* and why */
	bool all;		/* SLOT_GMEM_ALL */
	u64 offset;		/* bytes into it */
};

enum slot_change_kind {
	SLOT_NOTHING,
	SLOT_CREATE,
	SLOT_DELETE,
	SLOT_MOVE,  /* and LOG_DIRTY_PAGES may change with it */
	SLOT_FLAGS, /* LOG_DIRTY_PAGES alone changes */
};

/*
 * Parts of tables on the way from one version to the next. An insertion makes three parts
 * at most and supersedes two, a removal two and two, in each order; and the table itself.
 */
#define SLOT_EDIT_MADE (5 * SLOT_ORDERS + 1)
#define SLOT_EDIT_DEAD (4 * SLOT_ORDERS + 1)

struct slot_edit {
	u8 made_count;
	u8 dead_count;
	void *made[SLOT_EDIT_MADE];
	void *dead[SLOT_EDIT_DEAD]; /* some of them made by this edit */
};

/* A planned change. What its edit has made belongs to the plan until it is published. */
struct slot_change {
	enum slot_change_kind kind;
	struct slot before; /* unless CREATE */
	struct slot after;  /* unless DELETE */
	struct slots *next;
	struct slot_edit edit;
};

/* The first byte of the VMM's addresses after @slot. */
static inline u64 slot_hva_end(const struct slot *slot)
{
	return slot->hva.addr + (gfn_range_count(slot->gfns) << TSR_PAGE_SHIFT);
}

/* Are writes to @slot logged? There are none to a READONLY one. */
static inline bool slot_logs(const struct slot *slot)
{
	return (slot->flags & (ABI_MEM_LOG_DIRTY_PAGES | ABI_MEM_READONLY)) ==
	       ABI_MEM_LOG_DIRTY_PAGES;
}

/* The page of the slot's file for @gfn; with GUEST_MEMFD. */
static inline u64 slot_gfn_gmem(const struct slot *slot, struct gfn gfn)
{
	return slot->gmem_page + (gfn.nr - slot->gfns.begin);
}

static inline struct hva slot_gfn_hva(const struct slot *slot, struct gfn gfn)
{
	return hva_of(slot->hva.addr + ((gfn.nr - slot->gfns.begin) << TSR_PAGE_SHIFT));
}

/* The slot that holds @gfn, or NULL. RCU reader or vm->lock; @slots may be NULL. */
const struct slot *slot_find(const struct slots *slots, struct gfn gfn);

/* The first slot that ends after @gfn, by guest page, or NULL. RCU reader or vm->lock. */
const struct slot *slot_from(const struct slots *slots, struct gfn gfn);

/* The slot numbered @id, or NULL. RCU reader or vm->lock; @slots may be NULL. */
const struct slot *slot_by_id(const struct slots *slots, u32 id);

/* Where in the order by address: until it has begun, a guess of where to begin. */
struct slot_cursor {
	bool begun;
	u32 span;
	u32 slot;
};

/*
 * Goes through the slots that hold any of the VMM's addresses [@begin, @end), in
 * bytes, by address. @cursor: any numbers and not begun to begin with, then left alone; the
 * right ones, where an earlier one found a slot, save the search. NULL at the end. RCU reader
 * or vm->lock.
 */
const struct slot *slot_hva_next(const struct slots *slots, u64 begin, u64 end,
				 struct slot_cursor *cursor);
/* The part of @slot, which overlaps, that stands for [@begin, @end) of the VMM's addresses. */
struct gfn_range slot_hva_gfns(const struct slot *slot, u64 begin, u64 end);

/*
 * Validates @req, with @file or NULL, and builds the table that would serve it, in mainline's
 * order of checks; a new log begins as @log says. Whether the memory behind the slot fits is not
 * looked at here. The owner of the seam has checked that hva and size lie in the VMM's address
 * space. Takes no lock; vm->lock is held. Nothing is held on failure.
 * Errors: -EINVAL (unknown flags, TAGS_ON_TOUCH without TAGS_OPTIONAL, alignment, id,
 * overflow, too many pages, deleting what is not there, changing size, hva or other flags
 * than LOG_DIRTY_PAGES of a slot, anything of one with GUEST_MEMFD), -EEXIST (overlaps another
 * slot), -EFAULT (beyond the IPA size), @file->error, -ENOMEM.
 */
int slot_plan(struct slots *now, const struct slot_request *req, const struct slot_file *file,
	      u8 ipa_bits, enum slot_log log, struct slot_change *change);
/* Frees what a plan has made and is not to be published. */
void slot_plan_drop(struct slot_change *change);
/*
 * The plan has been published, and the sequence has moved: frees what it superseded, after its
 * readers. Sleeps.
 */
void slot_plan_finish(struct slot_change *change);

/* Frees a whole table that has no readers; NULL is nothing. */
void slots_destroy(struct slots *slots);

#endif
