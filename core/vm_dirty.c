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

/* The slot, if it has a log; vm->lock. */
static const struct slot *vm_dirty_slot(struct vm *vm, u32 id)
{
	const struct slot *slot = slot_by_id(vm_slots(vm), id);

	return slot && slot->log ? slot : NULL;
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
	const struct slot *slot = vm_dirty_slot(vm, id);
	bool keep = vm->dirty_manual & ABI_DIRTY_MANUAL;
	u64 words;
	int err;

	if (!slot)
		return -ENOENT;
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

	if (id >= ABI_SLOT_COUNT)
		return -EINVAL;
	seam_mutex_lock(&vm->lock);
	err = vm_dirty_get_locked(vm, id, user);
	seam_mutex_unlock(&vm->lock);
	return err;
}

static int vm_dirty_clear_locked(struct vm *vm, u32 id, u64 first, u64 count, u64 user)
{
	const struct slot *slot = vm_dirty_slot(vm, id);
	u64 word = first / DIRTY_WORD_PAGES, words = dirty_words(count), pages;
	int err;

	if (!slot)
		return -ENOENT;
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

	if (id >= ABI_SLOT_COUNT || first % DIRTY_WORD_PAGES)
		return -EINVAL;
	seam_mutex_lock(&vm->lock);
	err = vm_dirty_clear_locked(vm, id, first, count, user);
	seam_mutex_unlock(&vm->lock);
	return err;
}
