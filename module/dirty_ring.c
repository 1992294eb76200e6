// SPDX-License-Identifier: GPL-2.0-only
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/vmalloc.h>

#include "dirty_ring.h"
#include "tessera.h"
#include "vcpu.h"

/* What is left when a vCPU stops, as mainline's; a fault needs one. */
#define RING_RESERVE 64U

int tsr_dirty_ring_enable(struct tsr_vm *vm, u64 bytes)
{
	int err;

	if (!is_power_of_2(bytes) || bytes < PAGE_SIZE)
		return -EINVAL;
	if (bytes > TSR_DIRTY_RING_MAX)
		return -E2BIG;
	err = vm_dirty_enable_ring(&vm->mem);
	if (!err)
		vm->dirty_ring_bytes = bytes;
	return err;
}

int tsr_dirty_ring_init(struct tsr_dirty_ring *ring, u32 bytes)
{
	if (!bytes)
		return 0;
	ring->gfns = __vmalloc(bytes, GFP_KERNEL_ACCOUNT | __GFP_ZERO | __GFP_NOWARN);
	if (!ring->gfns)
		return -ENOMEM;
	ring->size = bytes / sizeof(*ring->gfns);
	return 0;
}

void tsr_dirty_ring_destroy(struct tsr_dirty_ring *ring)
{
	vfree(ring->gfns);
}

struct page *tsr_dirty_ring_page(const struct tsr_dirty_ring *ring, unsigned long offset)
{
	if (offset >= ring->size * sizeof(*ring->gfns) >> PAGE_SHIFT)
		return NULL;
	return vmalloc_to_page((u8 *)ring->gfns + (offset << PAGE_SHIFT));
}

static struct kvm_dirty_gfn *ring_entry(const struct tsr_dirty_ring *ring, u32 index)
{
	return &ring->gfns[index & (ring->size - 1)];
}

bool tsr_dirty_ring_full(const struct tsr_dirty_ring *ring)
{
	/* Pairs with reset_one(): an entry that counts as free has been left. */
	return ring->gfns &&
	       ring->dirty - smp_load_acquire(&ring->reset) >= ring->size - RING_RESERVE;
}

void tsr_dirty_ring_push(struct tsr_vcpu *v, const struct vm_dirty_page *page)
{
	struct tsr_dirty_ring *ring = &v->dirty_ring;
	struct kvm_dirty_gfn *entry;

	if (!page->valid || WARN_ON_ONCE(!ring->gfns))
		return;
	entry = ring_entry(ring, ring->dirty);
	WRITE_ONCE(entry->slot, page->slot);
	WRITE_ONCE(entry->offset, page->page);
	/* Pairs with the VMM's load-acquire of flags. */
	smp_store_release(&entry->flags, KVM_DIRTY_GFN_F_DIRTY);
	/* Pairs with ring_harvested(). */
	smp_store_release(&ring->dirty, ring->dirty + 1);
	if (tsr_dirty_ring_full(ring))
		set_bit(TSR_REQUEST_RING, &v->requests);
}

/* Pages in a row of one slot, to be made clean together. */
struct ring_run {
	u32 slot;
	u64 first, count;
};

static void run_end(struct tsr_vm *vm, struct ring_run *run)
{
	if (run->count)
		vm_dirty_reset(&vm->mem, run->slot, run->first, run->count);
	run->count = 0;
}

static void run_add(struct tsr_vm *vm, struct ring_run *run, u32 slot, u64 page)
{
	if (run->count && slot == run->slot && page == run->first + run->count) {
		run->count++;
		return;
	}
	run_end(vm, run);
	*run = (struct ring_run){ slot, page, 1 };
}

/* Has the VMM taken the oldest entry? */
static bool ring_harvested(const struct tsr_dirty_ring *ring)
{
	/* Pairs with tsr_dirty_ring_push(): the VMM may set flags where there is no entry. */
	if (ring->reset == smp_load_acquire(&ring->dirty))
		return false;
	/* Pairs with the VMM's store-release: it has read the entry. */
	return smp_load_acquire(&ring_entry(ring, ring->reset)->flags) & KVM_DIRTY_GFN_F_RESET;
}

static void reset_one(struct tsr_vm *vm, struct tsr_dirty_ring *ring, struct ring_run *run)
{
	struct kvm_dirty_gfn *entry = ring_entry(ring, ring->reset);

	run_add(vm, run, READ_ONCE(entry->slot), READ_ONCE(entry->offset));
	/* Pairs with the VMM's load-acquire: it finds the entry free. */
	smp_store_release(&entry->flags, 0);
	/* Pairs with tsr_dirty_ring_full(). */
	smp_store_release(&ring->reset, ring->reset + 1);
}

long tsr_dirty_ring_reset(void *self, void *arg, unsigned long raw)
{
	struct ring_run run = { 0 };
	struct tsr_vm *vm = self;
	struct tsr_vcpu *v;
	unsigned long id;
	long count = 0;

	mutex_lock(&vm->lock);
	if (!vm->dirty_ring_bytes)
		count = -EINVAL;
	xa_for_each(&vm->vcpus, id, v) {
		while (count < INT_MAX && !signal_pending(current) &&
		       ring_harvested(&v->dirty_ring)) {
			reset_one(vm, &v->dirty_ring, &run);
			count++;
		}
		cond_resched();
	}
	run_end(vm, &run);
	mutex_unlock(&vm->lock);
	return count;
}
