// SPDX-License-Identifier: GPL-2.0-only
/*
 * The host's changes of the VMM's address space (munmap, copy on write, KSM,
 * swap, migration, THP split and collapse, exit) come by the MMU notifier, and
 * all go to core's front door.
 *
 * Whoever calls may hold the mmap lock or locks of the reverse maps and may not
 * be able to sleep: core's invalidate takes RCU and spinning locks alone, so that
 * a start never fails, and starts and ends stay balanced. Who can sleep lets others
 * run while a large range is unmapped, which takes long where caches are cleaned.
 */
#include <linux/mmu_notifier.h>

#include "compat.h"
#include "tessera.h"

static struct tsr_vm *notifier_vm(struct mmu_notifier *notifier)
{
	return container_of(notifier, struct tsr_vm, notifier);
}

static int invalidate_start(struct mmu_notifier *notifier, const struct mmu_notifier_range *range)
{
	struct vm *vm = &notifier_vm(notifier)->mem;

	if (mmu_notifier_range_blockable(range))
		vm_hva_invalidate_begin_turns(vm, range->start, range->end);
	else
		vm_hva_invalidate_begin(vm, range->start, range->end);
	return 0;
}

static void invalidate_end(struct mmu_notifier *notifier, const struct mmu_notifier_range *range)
{
	vm_hva_invalidate_end(&notifier_vm(notifier)->mem, range->start, range->end);
}

static tsr_young_t clear_flush_young(struct mmu_notifier *notifier, struct mm_struct *mm,
				     unsigned long start, unsigned long end)
{
	return vm_hva_age(&notifier_vm(notifier)->mem, start, end, true);
}

static tsr_young_t clear_young(struct mmu_notifier *notifier, struct mm_struct *mm,
			       unsigned long start, unsigned long end)
{
	return vm_hva_age(&notifier_vm(notifier)->mem, start, end, true);
}

static tsr_young_t test_young(struct mmu_notifier *notifier, struct mm_struct *mm,
			      unsigned long address)
{
	return vm_hva_age(&notifier_vm(notifier)->mem, address, address + PAGE_SIZE, false);
}

/* No thread of the address space is left, so no vCPU runs. */
static void release(struct mmu_notifier *notifier, struct mm_struct *mm)
{
	vm_release(&notifier_vm(notifier)->mem);
}

static const struct mmu_notifier_ops notifier_ops = {
	.invalidate_range_start = invalidate_start,
	.invalidate_range_end = invalidate_end,
	.clear_flush_young = clear_flush_young,
	.clear_young = clear_young,
	.test_young = test_young,
	.release = release,
};

int tsr_notifier_register(struct tsr_vm *vm)
{
	vm->notifier.ops = &notifier_ops;
	return mmu_notifier_register(&vm->notifier, vm->mm);
}

void tsr_notifier_unregister(struct tsr_vm *vm)
{
	mmu_notifier_unregister(&vm->notifier, vm->mm);
}
