// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_TSR_TAG_BATCH: docs/abi.md 6.6. It goes by words of the bitmap; what is done of a word
 * is told once all of it is in the user's memory, or in the guest's.
 */
#include <linux/bitops.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>

#include "tags.h"

#define TAGS_BYTES sizeof(struct tsr_page_tags)

static_assert(TAGS_BYTES == 128);

/* The word in hand. */
struct word {
	u64 gfn;	    /* of its first page */
	u64 bits;	    /* pages with tags */
	unsigned int count; /* pages that are done, or to be done */
	u64 bytes;	    /* of tags, likewise */
	u64 room;	    /* bytes that are left in the user's memory */
	u8 __user *tags;
	u64 __user *bitmap;
	bool first; /* of the call: may be done in part */
	bool full;  /* count is what there is room for */
};

static u64 word_mask(const struct word *w)
{
	return w->count ? GENMASK_ULL(w->count - 1, 0) : 0;
}

/* Which of *@run pages of @slot from @gfn on may have tags, of which core knows @tags. */
static int run_find(const struct slot *slot, struct gfn gfn, struct s2_tags tags, unsigned int *run,
		    u64 *bits)
{
	u64 mask = GENMASK_ULL(*run - 1, 0);

	/* What the guest has mapped is there. */
	if ((tags.known & mask) != mask)
		return tsr_tags_find(slot_gfn_hva(slot, gfn).addr, run, bits);
	*bits = tags.tagged & mask;
	return 0;
}

/* Which pages may have tags; lowers w->count to the page of an error. */
static int word_find(struct tsr_vm *vm, struct word *w, u64 *may)
{
	struct s2_tags tags = vm_tags_look(&vm->mem, gfn_of(w->gfn), w->count);
	unsigned int i = 0;

	*may = 0;
	while (i < w->count) {
		const struct s2_tags rest = { tags.known >> i, tags.tagged >> i };
		struct gfn gfn = gfn_of(w->gfn + i);
		unsigned int run = w->count - i;
		struct slot slot;
		enum vm_source source = vm_source_at(&vm->mem, gfn, &run, &slot);
		u64 bits = source == VM_GMEM ? GENMASK_ULL(run - 1, 0) : 0;
		int err = 0;

		if (source == VM_ADDRESS)
			err = run_find(&slot, gfn, rest, &run, &bits);
		*may |= bits << i;
		if (err || source == VM_NOWHERE) {
			w->count = i + (err ? run : 0);
			return err ? err : -EFAULT;
		}
		i += run;
	}
	return 0;
}

static int page_read(struct tsr_vm *vm, struct word *w, unsigned int i)
{
	struct tsr_page_tags tags;
	int ret = tsr_guest_tags_get(vm, gfn_of(w->gfn + i), &tags);

	if (ret <= 0)
		return ret;
	if (w->room - w->bytes < TAGS_BYTES) {
		w->full = true;
		return -ENOSPC;
	}
	if (copy_to_user(w->tags + w->bytes, &tags, TAGS_BYTES))
		return -EFAULT;
	w->bits |= BIT_ULL(i);
	w->bytes += TAGS_BYTES;
	return 0;
}

static int word_read(struct tsr_vm *vm, struct word *w)
{
	u64 may, left;
	int err = word_find(vm, w, &may);

	for (left = may; left; left &= left - 1) {
		unsigned int i = __ffs64(left);
		int page_err = page_read(vm, w, i);

		if (page_err) {
			w->count = i;
			err = w->full ? 0 : page_err;
			break;
		}
	}
	if (put_user(w->bits, w->bitmap)) {
		w->count = 0;
		w->bytes = 0;
		return -EFAULT;
	}
	return err;
}

/* As many pages as there are tags for. */
static void word_fit(struct word *w)
{
	u64 fits = div_u64(w->room, TAGS_BYTES), left;

	w->bits &= word_mask(w);
	for (left = w->bits; left && fits; fits--)
		left &= left - 1;
	w->full = left;
	if (w->full)
		w->count = __ffs64(left);
	w->bits &= word_mask(w);
}

static int page_write(struct tsr_vm *vm, struct word *w, unsigned int i)
{
	struct gfn gfn = gfn_of(w->gfn + i);
	struct tsr_page_tags tags;
	int ret;

	if (w->bits & BIT_ULL(i)) {
		if (copy_from_user(&tags, w->tags + w->bytes, TAGS_BYTES))
			return -EFAULT;
		ret = tsr_guest_tags_set(vm, gfn, &tags);
		if (!ret)
			w->bytes += TAGS_BYTES;
		return ret;
	}
	ret = tsr_guest_tags_get(vm, gfn, &tags);
	if (ret <= 0)
		return ret;
	memset(&tags, 0, sizeof(tags));
	return tsr_guest_tags_set(vm, gfn, &tags);
}

/* Pages from the first to the last that may have been written. */
static void word_written(struct tsr_vm *vm, const struct word *w, u64 pages)
{
	if (pages)
		vm_tags_written(&vm->mem, (struct gfn_range){ w->gfn + __ffs64(pages),
							      w->gfn + fls64(pages) });
}

static int word_write(struct tsr_vm *vm, struct word *w)
{
	u64 may, all, left;
	int err;

	word_fit(w);
	if (w->full && !w->first)
		return 0;
	err = word_find(vm, w, &may);
	all = may | (w->bits & word_mask(w));
	for (left = all; left; left &= left - 1) {
		unsigned int i = __ffs64(left);
		int page_err = page_write(vm, w, i);

		if (page_err) {
			w->count = i;
			err = page_err;
			break;
		}
	}
	word_written(vm, w, all);
	return err;
}

static int batch_word(struct tsr_vm *vm, struct kvm_tsr_tag_batch *batch, bool *full)
{
	bool to_guest = batch->flags & KVM_TSR_TAG_BATCH_TO_GUEST;
	struct word w = {
		.gfn = (batch->gpa >> PAGE_SHIFT) + batch->pages_done,
		.count = min_t(u64, batch->pages - batch->pages_done, BITS_PER_TYPE(u64)),
		.first = !batch->pages_done,
		.room = batch->tags_size - batch->tags_done,
		.tags = (u8 __user *)u64_to_user_ptr(batch->tags) + batch->tags_done,
		.bitmap = (u64 __user *)u64_to_user_ptr(batch->bitmap) +
			  batch->pages_done / BITS_PER_TYPE(u64),
	};
	int err;

	if (to_guest && get_user(w.bits, w.bitmap))
		return -EFAULT;
	err = to_guest ? word_write(vm, &w) : word_read(vm, &w);
	*full = w.full;
	/* Part of a word is told only where the caller could not go on with the next one. */
	if (err == -EINTR || (w.full && !err && !w.first))
		return err;
	batch->pages_done += w.count;
	batch->tags_done += w.bytes;
	return err;
}

static int batch_check(const struct tsr_vm *vm, const struct kvm_tsr_tag_batch *batch)
{
	struct gfn_range range;
	u64 size;

	if (!READ_ONCE(vm->mem.mte) || batch->pad || batch->bitmap % sizeof(u64))
		return -EINVAL;
	if (batch->flags & ~KVM_TSR_TAG_BATCH_TO_GUEST)
		return -EINVAL;
	if (check_mul_overflow(batch->pages, (u64)PAGE_SIZE, &size) ||
	    gfn_range_make(batch->gpa, size, &range))
		return -EINVAL;
	return range.end > 1ULL << (vm->mem.ipa_bits - PAGE_SHIFT) ? -EINVAL : 0;
}

static int batch_run(struct tsr_vm *vm, struct kvm_tsr_tag_batch *batch)
{
	bool full = false;
	int err = batch_check(vm, batch);

	while (!err && !full && batch->pages_done < batch->pages) {
		cond_resched();
		if (batch->pages_done && signal_pending(current))
			return -EINTR;
		err = batch_word(vm, batch, &full);
	}
	return err;
}

long tsr_tags_batch(void *self, void *arg, unsigned long raw)
{
	struct kvm_tsr_tag_batch __user *user = (void __user *)raw;
	struct kvm_tsr_tag_batch *batch = arg;
	int err;

	batch->pages_done = 0;
	batch->tags_done = 0;
	err = batch_run(self, batch);
	if (put_user(batch->pages_done, &user->pages_done) ||
	    put_user(batch->tags_done, &user->tags_done))
		return -EFAULT;
	return err;
}
