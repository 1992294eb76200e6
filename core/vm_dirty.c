// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "vm_room.h"

int vm_dirty_manual(struct vm *vm, u64 bits)
{
	u64 known = bits & ABI_DIRTY_MANUAL ? ABI_DIRTY_MANUAL | ABI_DIRTY_SET : 0;

	if (bits & ~known)
		return -EINVAL;
	seam_mutex_lock(&vm->lock);
	vm->dirty_manual = (u8)bits;
	seam_mutex_unlock(&vm->lock);
	return 0;
}

int vm_dirty_enable_ring(struct vm *vm)
{
	int err = -EINVAL;

	seam_mutex_lock(&vm->lock);
	if (!vm->started && !vm->dirty_ring) {
		vm->dirty_ring = true;
		err = 0;
	}
	seam_mutex_unlock(&vm->lock);
	return err;
}

int vm_dirty_enable_bitmap(struct vm *vm)
{
	int err = -EINVAL;

	seam_mutex_lock(&vm->lock);
	if (vm->dirty_ring && !vm->slots) {
		vm->dirty_bitmap = true;
		err = 0;
	}
	seam_mutex_unlock(&vm->lock);
	return err;
}

void vm_dirty_mark(struct vm *vm, const struct slot *slot, u64 page, struct vm_dirty_page *dirty)
{
	if (READ_ONCE(vm->dirty_ring))
		*dirty = (struct vm_dirty_page){ true, slot->id, page };
	else if (slot->log)
		dirty_log_mark(slot->log, page);
}

void vm_dirty_written(struct vm *vm, struct gpa gpa, struct vm_dirty_page *dirty)
{
	struct gfn gfn = gpa_gfn(gpa);
	const struct slot *slot;

	dirty->valid = false;
	seam_rcu_read_lock();
	/* No other table is published meanwhile. */
	seam_read_lock(&vm->s2_lock);
	slot = slot_find(vm_slots(vm), gfn);
	if (slot && slot_logs(slot))
		vm_dirty_mark(vm, slot, gfn.nr - slot->gfns.begin, dirty);
	seam_read_unlock(&vm->s2_lock);
	seam_rcu_read_unlock();
}

int vm_dirty_outside(struct vm *vm, struct gfn gfn)
{
	const struct slot *slot;
	int err = 0;

	seam_rcu_read_lock();
	/* No other table is published meanwhile. */
	seam_read_lock(&vm->s2_lock);
	slot = slot_find(vm_slots(vm), gfn);
	if (slot && slot->log)
		dirty_log_mark(slot->log, gfn.nr - slot->gfns.begin);
	else if (slot && slot_logs(slot))
		err = -EBUSY;
	seam_read_unlock(&vm->s2_lock);
	seam_rcu_read_unlock();
	return err;
}

void vm_dirty_reset(struct vm *vm, u32 id, u64 first, u64 count)
{
	const struct slot *slot;

	seam_mutex_lock(&vm->lock);
	slot = slot_by_id(vm_slots(vm), id);
	if (slot && first < gfn_range_count(slot->gfns)) {
		struct gfn_range range = { slot->gfns.begin + first, slot->gfns.end };

		if (count < gfn_range_count(range))
			range.end = range.begin + count;
		vm_s2_write_protect(vm, range);
	}
	seam_mutex_unlock(&vm->lock);
}

/* The slot, if it has a log; vm->lock. Errors: -ENXIO, -EINVAL, -ENOENT. */
static int vm_dirty_slot(struct vm *vm, u32 id, const struct slot **slot)
{
	if (vm->dirty_ring && !vm->dirty_bitmap)
		return -ENXIO;
	if (id >= ABI_SLOT_COUNT)
		return -EINVAL;
	*slot = slot_by_id(vm_slots(vm), id);
	return *slot && (*slot)->log ? 0 : -ENOENT;
}

/* What has been taken of the pages [@first, @end) of the slot is written no more. */
static void vm_dirty_protect(struct vm *vm, const struct slot *slot, u64 first, u64 end)
{
	for (;;) {
		struct gfn_range run = dirty_log_run(slot->log, &first, end);

		if (gfn_range_empty(run))
			return;
		run.begin += slot->gfns.begin;
		run.end += slot->gfns.begin;
		vm_s2_write_protect(vm, run);
	}
}

static int vm_dirty_get_locked(struct vm *vm, u32 id, u64 user)
{
	bool keep = vm->dirty_manual & ABI_DIRTY_MANUAL;
	const struct slot *slot;
	int err = vm_dirty_slot(vm, id, &slot);
	u64 words;

	if (err)
		return err;
	words = dirty_words(slot->log->pages);
	dirty_log_read(slot->log, 0, words);
	if (!keep) {
		dirty_log_take(slot->log, 0, words);
		vm_dirty_protect(vm, slot, 0, slot->log->pages);
	}
	err = seam_user_write(user, slot->log->copy, words * sizeof(u64));
	if (err && !keep)
		dirty_log_give(slot->log, 0, words);
	return err;
}

int vm_dirty_get(struct vm *vm, u32 id, u64 user)
{
	int err;

	seam_mutex_lock(&vm->lock);
	err = vm_dirty_get_locked(vm, id, user);
	seam_mutex_unlock(&vm->lock);
	return err;
}

static int vm_dirty_clear_locked(struct vm *vm, u32 id, u64 first, u64 count, u64 user)
{
	u64 word = first / DIRTY_WORD_PAGES, words = dirty_words(count), pages;
	const struct slot *slot;
	int err = vm_dirty_slot(vm, id, &slot);

	if (first % DIRTY_WORD_PAGES && err != -ENXIO)
		return -EINVAL;
	if (err)
		return err;
	pages = slot->log->pages;
	if (first > pages || count > pages - first ||
	    (count < pages - first && count % DIRTY_WORD_PAGES))
		return -EINVAL;
	err = seam_user_read(&slot->log->copy[word], user, words * sizeof(u64));
	if (err)
		return err;
	dirty_log_take(slot->log, word, word + words);
	vm_dirty_protect(vm, slot, first, first + count);
	return 0;
}

int vm_dirty_clear(struct vm *vm, u32 id, u64 first, u64 count, u64 user)
{
	int err;

	seam_mutex_lock(&vm->lock);
	err = vm_dirty_clear_locked(vm, id, first, count, user);
	seam_mutex_unlock(&vm->lock);
	return err;
}
