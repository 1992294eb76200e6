// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Memory that is a guest_memfd's, and the conversion of pages between private and shared
 * (docs/abi.md, "Private memory").
 *
 * What a page is, its attribute says. A fault that has looked at that, and at the slot, gets the
 * file's page under gmem_lock, shared, and only if the sequence has not moved; who changes
 * either holds the lock exclusively for all of the change. So nobody puts a page into a file that
 * was emptied meanwhile, and the slot's file is there to be asked.
 */
#include "vm_room.h"

int vm_gmem_get(struct vm *vm, u64 seq, const struct slot *slot, struct gfn gfn, u8 order,
		struct backing *out)
{
	int err = -EAGAIN;

	seam_rwsem_read_lock(&vm->gmem_lock);
	if (READ_ONCE(vm->inval_seq) == seq)
		err = seam_gmem_get(slot->gmem, slot_gfn_gmem(slot, gfn), order, out);
	seam_rwsem_read_unlock(&vm->gmem_lock);
	return err;
}

bool vm_gfn_private(struct vm *vm, struct gfn gfn)
{
	bool private;

	seam_rcu_read_lock();
	private = (attr_get(&vm->attr, gfn).bits & ABI_ATTR_PRIVATE) != 0;
	seam_rcu_read_unlock();
	return private;
}

/* Of a page in @slot; RCU reader or vm->lock. */
static enum vm_source slot_source(const struct slot *slot, u8 attrs)
{
	if (fault_from_gmem(slot, attrs))
		return VM_GMEM;
	return attrs & ABI_ATTR_PRIVATE ? VM_NOWHERE : VM_ADDRESS;
}

enum vm_source vm_source_at(struct vm *vm, struct gfn gfn, unsigned int *count, struct slot *slot)
{
	enum vm_source source = VM_NOWHERE;
	u64 end = gfn.nr + *count;
	const struct slot *found;

	*count = 1;
	seam_rcu_read_lock();
	found = slot_find(vm_slots(vm), gfn);
	if (found) {
		end = end < found->gfns.end ? end : found->gfns.end;
		*slot = *found;
		*count = (unsigned int)(attr_next(&vm->attr, gfn, end) - gfn.nr);
		source = slot_source(found, (u8)attr_get(&vm->attr, gfn).bits);
	}
	seam_rcu_read_unlock();
	return source;
}

void vm_gmem_invalidate_begin(struct vm *vm, struct gfn_range gfns)
{
	vm_inval_begin(vm, gfns);
	vm_s2_unmap(vm, gfns, true);
}

void vm_gmem_invalidate_end(struct vm *vm)
{
	vm_inval_end(vm);
}

/* Empties the pages of the slot's file that are behind @range, in it or around. */
static void gmem_drop(const struct slot *slot, struct gfn_range range)
{
	if (range.begin < slot->gfns.begin)
		range.begin = slot->gfns.begin;
	if (range.end > slot->gfns.end)
		range.end = slot->gfns.end;
	seam_gmem_drop(slot->gmem, slot_gfn_gmem(slot, gfn_of(range.begin)),
		       gfn_range_count(range));
}

/*
 * What private pages in @range have in files, when they become shared; or when they become
 * private what they have in files that were all of their memory before, too.
 */
static void gmem_drop_slots(struct vm *vm, struct gfn_range range, bool private)
{
	const struct slots *slots = vm_slots(vm);
	const struct slot *slot = slot_from(slots, gfn_of(range.begin));
	u32 needs = ABI_MEM_GUEST_MEMFD | (private ? SLOT_GMEM_ALL : 0);

	while (slot && slot->gfns.begin < range.end) {
		if ((slot->flags & needs) == needs)
			gmem_drop(slot, range);
		slot = slot_from(slots, gfn_of(slot->gfns.end));
	}
}

/* The pages from @nr on, up to @end, that have one value; are they private? */
static struct gfn_range attr_run_of(const struct vm *vm, u64 nr, u64 end, bool *private)
{
	*private = (attr_get(&vm->attr, gfn_of(nr)).bits & ABI_ATTR_PRIVATE) != 0;
	return (struct gfn_range){ nr, attr_next(&vm->attr, gfn_of(nr), end) };
}

void vm_gmem_convert(struct vm *vm, struct gfn_range range, bool private)
{
	while (!gfn_range_empty(range)) {
		bool now;
		struct gfn_range run = attr_run_of(vm, range.begin, range.end, &now);

		if (now != private) {
			vm_s2_unmap(vm, run, true);
			gmem_drop_slots(vm, run, private);
		}
		range.begin = run.end;
		seam_relax();
	}
}

/* Of a slot that is all its file's: private pages are the guest's while it is there alone. */
static void gmem_drop_private(struct vm *vm, const struct slot *slot)
{
	struct gfn_range range = slot->gfns;

	if (!(slot->flags & SLOT_GMEM_ALL) || !vm->has_private)
		return;
	while (!gfn_range_empty(range)) {
		bool private;
		struct gfn_range run = attr_run_of(vm, range.begin, range.end, &private);

		if (private)
			gmem_drop(slot, run);
		range.begin = run.end;
		seam_relax();
	}
}

int vm_gmem_bind(struct vm *vm, const struct slot *slot)
{
	int err = seam_gmem_bind(slot->gmem, slot->gmem_page, slot->gfns);

	if (!err)
		gmem_drop_private(vm, slot);
	return err;
}

void vm_gmem_unbind(struct vm *vm, const struct slot *slot)
{
	gmem_drop_private(vm, slot);
	seam_gmem_unbind(slot->gmem, slot->gmem_page, slot->gfns);
}
