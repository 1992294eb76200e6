/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What vm.c, vm_slot.c and vm_fault.c share; for them alone. */
#ifndef CORE_VM_ROOM_H
#define CORE_VM_ROOM_H

#include "vm.h"
#include "fault.h"

/* The bracket around a change of what faults in @range, not empty, look up. Take s2_lock. */
void vm_inval_begin(struct vm *vm, struct gfn_range range);
void vm_inval_end(struct vm *vm);

/*
 * Unmaps @range piece by piece, with a turn for others between if the caller @sleeps; takes
 * s2_lock. A bracket over the range is open.
 */
void vm_s2_unmap(struct vm *vm, struct gfn_range range, bool sleeps);

/*
 * Takes W from what is mapped in @range, piece by piece, cutting blocks if there is memory for
 * tables; else they lose it whole. vm->lock; takes s2_lock.
 */
void vm_s2_write_protect(struct vm *vm, struct gfn_range range);

/* Tables in @range become blocks where they can. Takes s2_lock, piece by piece. */
void vm_s2_join(struct vm *vm, struct gfn_range range);

/*
 * @page of @slot, whose writes are logged, is written or may be from now on: to its bitmap, or
 * to @dirty. s2_lock, either way, and the slot is the one that is published.
 */
void vm_dirty_mark(struct vm *vm, const struct slot *slot, u64 page, struct vm_dirty_page *dirty);

/* How a new log begins; vm->lock. */
static inline enum slot_log vm_dirty_begin(const struct vm *vm)
{
	if (vm->dirty_ring && !vm->dirty_bitmap)
		return SLOT_LOG_NONE;
	return vm->dirty_manual & ABI_DIRTY_SET ? SLOT_LOG_DIRTY : SLOT_LOG_CLEAN;
}

/* --- vm_gmem.c --- */

/*
 * The page of a guest_memfd behind @gfn of @slot, for a fault that read the sequence as @seq. As
 * seam_gmem_get(); -EAGAIN too if the sequence has moved. Takes gmem_lock.
 */
int vm_gmem_get(struct vm *vm, u64 seq, const struct slot *slot, struct gfn gfn, u8 order,
		struct backing *out);

/*
 * Pages of @range that are not yet @private, or shared, are on their way there: nothing of them
 * is mapped, and what they have in files is gone. vm->lock, gmem_lock exclusive, and a bracket
 * over the range, in which the attributes change after this.
 */
void vm_gmem_convert(struct vm *vm, struct gfn_range range, bool private);

/*
 * @slot, which has GUEST_MEMFD, comes or goes: binds its file's pages, or gives them free.
 * vm->lock, gmem_lock exclusive. It is not mapped, nor to be: not published, or in a bracket of
 * its own.
 * bind: -EEXIST, -ENOMEM; nothing is held then.
 */
int vm_gmem_bind(struct vm *vm, const struct slot *slot);
void vm_gmem_unbind(struct vm *vm, const struct slot *slot);

/* Is any of @range mapped with tags that may not be zero? s2_lock, either way. */
bool vm_tags_any(const struct vm *vm, struct gfn_range range);
/*
 * How many pages of the block of memory @b around @gfn may have tags: no more than have the host's
 * flag, which all of a folio get together, and no leaf says that they have none.
 */
u32 vm_tags_count(struct vm *vm, struct gfn gfn, const struct backing *b);

/*
 * S2_DESC_UNTAGGED, if a leaf of @level and @perm over @b may say so; or 0. Where memory is
 * shared (vm_tags_share()) it may not in any case.
 */
u64 vm_tags_soft(const struct fault_env *env, enum memtype type, const struct backing *b, int level,
		 perm_t perm);

/* Does @gfn, which is in @slot, come from the slot's guest_memfd? RCU reader or vm->lock. */
static inline bool vm_is_gmem(const struct vm *vm, const struct slot *slot, struct gfn gfn)
{
	return (slot->flags & ABI_MEM_GUEST_MEMFD) &&
	       fault_from_gmem(slot, (u8)attr_get(&vm->attr, gfn).bits);
}

/* May a fault that read the sequence as @seq map @range? s2_lock, either way. */
bool vm_inval_passes(const struct vm *vm, u64 seq, struct gfn_range range);

static inline struct slots *vm_slots(const struct vm *vm)
{
	return seam_rcu_load((void *const *)&vm->slots);
}

static inline struct fault_env vm_fault_env(const struct vm *vm)
{
	return (struct fault_env){
		.host = vm->host,
		.mte = READ_ONCE(vm->mte),
		.cmo = READ_ONCE(vm->cmo),
		.lazy = READ_ONCE(vm->mte) && READ_ONCE(vm->lazy_tags),
	};
}

#endif
