// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Slots of a VM, and what changes of them mean for what is mapped. */
#include "vm_room.h"

/* The pages about which faults may look up something else after @change than before. */
static struct gfn_range vm_slot_touched(const struct slot_change *change)
{
	struct gfn_range range;

	if (change->kind == SLOT_CREATE)
		return change->after.gfns;
	range = change->before.gfns;
	if (change->kind == SLOT_MOVE) {
		if (change->after.gfns.begin < range.begin)
			range.begin = change->after.gfns.begin;
		if (change->after.gfns.end > range.end)
			range.end = change->after.gfns.end;
	}
	return range;
}

/*
 * What is mapped by a slot that goes, or goes elsewhere, while it is published still: a notifier
 * that does not find a slot any more leaves its memory to the host at once.
 */
static void vm_slot_empty(struct vm *vm, const struct slot_change *change)
{
	if (change->kind == SLOT_DELETE || change->kind == SLOT_MOVE)
		vm_s2_unmap(vm, change->before.gfns, true);
}

/* What is mapped is to be logged from now on; what is dirty already may be written. */
static void vm_slot_narrow(struct vm *vm, const struct slot_change *change)
{
	if (change->kind == SLOT_FLAGS && slot_logs(&change->after) &&
	    (vm->dirty_ring || vm_dirty_begin(vm) != SLOT_LOG_DIRTY))
		vm_s2_write_protect(vm, change->after.gfns);
}

static void vm_slot_commit(struct vm *vm, struct slot_change *change)
{
	vm_inval_begin(vm, vm_slot_touched(change));
	vm_slot_empty(vm, change);
	if (change->kind == SLOT_DELETE && change->before.gmem)
		vm_gmem_unbind(vm, &change->before);
	/* Under the lock: a notifier sees either table, and the bracket's range with it. */
	seam_write_lock(&vm->s2_lock);
	seam_rcu_publish((void **)&vm->slots, change->next);
	seam_write_unlock(&vm->s2_lock);
	vm_slot_narrow(vm, change);
	vm_inval_end(vm);
	if (change->kind == SLOT_FLAGS && slot_logs(&change->before))
		vm_s2_join(vm, change->after.gfns);
	slot_plan_finish(change);
}

/* Looks at the memory that is to stand behind @slot, now. */
static int vm_slot_check(struct vm *vm, const struct fault_env *env, const struct slot *slot)
{
	struct backing_survey survey;
	u64 size = gfn_range_count(slot->gfns) << TSR_PAGE_SHIFT;
	int err;

	if (slot->flags & SLOT_GMEM_ALL)
		return 0;
	err = seam_backing_survey(vm, slot->hva, size, &survey);
	return err ? err : fault_slot_check(env, slot->flags, &survey);
}

/* Does another slot stand over some of the same memory of the VMM? */
static bool vm_slot_is_alias(const struct vm *vm, const struct slot *slot)
{
	struct slot_cursor cursor = { 0 };
	const struct slot *other;

	if (slot->flags & SLOT_GMEM_ALL)
		return false;
	while ((other = slot_hva_next(vm->slots, slot->hva.addr, slot_hva_end(slot), &cursor)))
		if (other->id != slot->id && !(other->flags & SLOT_GMEM_ALL))
			return true;
	return false;
}

/* With a file, which is bound first: that may fail yet. */
static int vm_slot_commit_gmem(struct vm *vm, struct slot_change *change)
{
	int err = 0;

	seam_rwsem_write_lock(&vm->gmem_lock);
	if (change->kind == SLOT_CREATE)
		err = vm_gmem_bind(vm, &change->after);
	if (!err)
		vm_slot_commit(vm, change);
	seam_rwsem_write_unlock(&vm->gmem_lock);
	return err;
}

/* Publishes what was planned and found good; -EEXIST or -ENOMEM of a file. */
static int vm_slot_change(struct vm *vm, struct slot_change *change)
{
	if (change->kind == SLOT_CREATE && vm_slot_is_alias(vm, &change->after))
		vm_tags_share(vm);
	if (change->before.gmem || change->after.gmem)
		return vm_slot_commit_gmem(vm, change);
	vm_slot_commit(vm, change);
	return 0;
}

static int vm_slot_set_locked(struct vm *vm, const struct slot_request *req,
			      const struct slot_file *file)
{
	struct fault_env env = vm_fault_env(vm);
	struct slot_change change;
	int err = slot_plan(vm->slots, req, file, vm->ipa_bits, vm_dirty_begin(vm), &change);

	if (err || change.kind == SLOT_NOTHING)
		return err;
	if (change.kind != SLOT_DELETE)
		err = vm_slot_check(vm, &env, &change.after);
	if (!err)
		err = vm_slot_change(vm, &change);
	if (err)
		slot_plan_drop(&change);
	return err;
}

int vm_slot_set_file(struct vm *vm, const struct slot_request *req, const struct slot_file *file)
{
	int err;

	seam_mutex_lock(&vm->lock);
	err = vm_slot_set_locked(vm, req, file);
	seam_mutex_unlock(&vm->lock);
	return err;
}

int vm_slot_set(struct vm *vm, const struct slot_request *req)
{
	return vm_slot_set_file(vm, req, NULL);
}

static int vm_enable_mte_locked(struct vm *vm)
{
	struct fault_env env = { .host = vm->host, .mte = true, .cmo = vm->cmo };
	struct slot_cursor cursor = { 0 };
	const struct slot *slot;

	if (vm->started || vm->host->mte < 2)
		return -EINVAL;
	while ((slot = slot_hva_next(vm->slots, 0, ~0ULL, &cursor))) {
		int err = vm_slot_check(vm, &env, slot);

		if (err)
			return err;
	}
	WRITE_ONCE(vm->mte, true);
	return 0;
}

int vm_enable_mte(struct vm *vm)
{
	int err;

	seam_mutex_lock(&vm->lock);
	err = vm_enable_mte_locked(vm);
	seam_mutex_unlock(&vm->lock);
	return err;
}

bool vm_hva_used(struct vm *vm, u64 begin, u64 end)
{
	struct slot_cursor cursor = { 0 };
	bool used;

	seam_rcu_read_lock();
	used = slot_hva_next(vm_slots(vm), begin, end, &cursor);
	seam_rcu_read_unlock();
	return used;
}

int vm_enable_cmo(struct vm *vm)
{
	int err;

	seam_mutex_lock(&vm->lock);
	err = vm->started ? -EINVAL : 0;
	if (!err)
		WRITE_ONCE(vm->cmo, true);
	seam_mutex_unlock(&vm->lock);
	return err;
}

bool vm_gpa_hva(struct vm *vm, struct gpa gpa, bool write, struct hva *hva)
{
	const struct slot *slot;
	bool found;

	seam_rcu_read_lock();
	slot = slot_find(vm_slots(vm), gpa_gfn(gpa));
	found = slot && !(write && (slot->flags & ABI_MEM_READONLY)) &&
		!vm_is_gmem(vm, slot, gpa_gfn(gpa));
	if (found)
		*hva = hva_of(slot_gfn_hva(slot, gpa_gfn(gpa)).addr +
			      (gpa.addr & (TSR_PAGE_SIZE - 1)));
	seam_rcu_read_unlock();
	return found;
}
