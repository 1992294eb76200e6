// SPDX-License-Identifier: GPL-2.0-only
/* The tags of one page of a guest, found by its slot. */
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>

#include "gmem.h"
#include "tags.h"

/* The page of memory behind @gfn, to be put. */
static int page_get(struct tsr_vm *vm, const struct slot *slot, struct gfn gfn,
		    enum backing_use use, struct backing *b)
{
	struct seam_memo memo = { 0 };
	int err;

	do {
		cond_resched();
		err = seam_backing_get(&vm->mem, slot, gfn, use, &memo, b);
	} while (err == -EAGAIN && !signal_pending(current));
	if (err)
		return err == -EAGAIN ? -EINTR : err;
	if (b->kind == BACKING_RAM && b->ref)
		return 0;
	err = b->kind == BACKING_POISON ? -EHWPOISON : -EFAULT;
	seam_backing_put(&vm->mem, b, false);
	return err;
}

static int address_get(struct tsr_vm *vm, const struct slot *slot, struct gfn gfn,
		       struct tsr_page_tags *tags)
{
	struct page *page;
	struct backing b;
	int ret;

	if (get_user_page_fast_only(slot_gfn_hva(slot, gfn).addr, 0, &page)) {
		ret = tsr_page_tags_read(page, tags);
		put_page(page);
		return ret;
	}
	ret = page_get(vm, slot, gfn, USE_READ, &b);
	if (ret)
		return ret;
	ret = tsr_page_tags_read(b.ref, tags);
	seam_backing_put(&vm->mem, &b, false);
	return ret;
}

/* Of a file that the VMM sees; what is not there has none. */
static int gmem_get(struct tsr_vm *vm, struct gfn gfn, struct tsr_page_tags *tags)
{
	struct page *page;
	int ret = tsr_gmem_page(vm, gfn, TSR_GMEM_SEEN, &page);

	if (ret)
		return ret;
	if (!page) {
		memset(tags, 0, sizeof(*tags));
		return 0;
	}
	ret = tsr_page_tags_read(page, tags);
	put_page(page);
	return ret;
}

int tsr_guest_tags_get(struct tsr_vm *vm, struct gfn gfn, struct tsr_page_tags *tags)
{
	unsigned int count = 1;
	struct slot slot;
	enum vm_source source = vm_source_at(&vm->mem, gfn, &count, &slot);

	if (source == VM_GMEM)
		return gmem_get(vm, gfn, tags);
	return source == VM_ADDRESS ? address_get(vm, &slot, gfn, tags) : -EFAULT;
}

static int address_set(struct tsr_vm *vm, const struct slot *slot, struct gfn gfn,
		       const struct tsr_page_tags *tags)
{
	struct backing b;
	int err;

	if (slot->flags & ABI_MEM_READONLY)
		return -EFAULT;
	if (slot_logs(slot) && !slot->log)
		return -EBUSY;
	err = page_get(vm, slot, gfn, USE_WRITE, &b);
	if (err)
		return err;
	if (!b.can_tag && !b.own) {
		seam_backing_put(&vm->mem, &b, false);
		return -EFAULT;
	}
	tsr_page_tags_write(b.ref, tags);
	seam_backing_put(&vm->mem, &b, true);
	/* Who clears the log and then reads the tags finds these, or the page in the log anew. */
	return vm_dirty_outside(&vm->mem, gfn);
}

static int gmem_set(struct tsr_vm *vm, struct gfn gfn, const struct tsr_page_tags *tags)
{
	struct page *page;
	int err = tsr_gmem_page(vm, gfn, TSR_GMEM_SEEN | TSR_GMEM_MAKE, &page);

	if (err)
		return err;
	tsr_page_tags_write(page, tags);
	put_page(page);
	return 0;
}

int tsr_guest_tags_set(struct tsr_vm *vm, struct gfn gfn, const struct tsr_page_tags *tags)
{
	unsigned int count = 1;
	struct slot slot;
	enum vm_source source = vm_source_at(&vm->mem, gfn, &count, &slot);

	if (source == VM_GMEM)
		return gmem_set(vm, gfn, tags);
	return source == VM_ADDRESS ? address_set(vm, &slot, gfn, tags) : -EFAULT;
}
