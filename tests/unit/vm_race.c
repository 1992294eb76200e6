// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The invalidate sequence: whatever changes between the look-up of a fault and its
 * mapping makes the fault start again. Single-threaded; the change comes from a hook at
 * the moment when the page has been found and is not yet mapped. And what is on its way into
 * the TLBs meanwhile: in turns by a seed.
 */
#include "scheduler.h"
#include "world.h"

#define IPA  0x40000000ULL
#define IPA2 0x80000000ULL

static struct world w;

static void assert_not_mapped(u64 gpa)
{
	assert_int_equal(world_walk(&w, gpa, EMU_READ).fault, EMU_FAULT_TRANSLATION);
}

static void fault_is_retried(void (*change)(void *arg), void *arg)
{
	emu_backing_hook(change, arg);
	assert_int_equal(world_fault(&w, IPA, ACCESS_DATA, PERM_W, false).outcome, VM_RESUME);
	assert_not_mapped(IPA);
	assert_int_equal(emu_backing_held(), 0);
}

static void host_changes_page(void *arg)
{
	struct emu_vma *vma = arg;

	vm_hva_invalidate_begin(&w.vm, vma->begin, vma->begin + PAGE);
	vma->hpa = emu_ram_alloc(9);
	vm_hva_invalidate_end(&w.vm, vma->begin, vma->begin + PAGE);
}

static void against_the_host(void **state)
{
	struct emu_vma *vma;

	world_begin(&w, &host_max, 40);
	vma = world_ram(&w, 0, IPA, BLOCK, 0);
	fault_is_retried(host_changes_page, vma);
	assert_int_equal(world_access(&w, IPA, EMU_WRITE).outcome, VM_RESUME);
	assert_int_equal(world_walk(&w, IPA, EMU_READ).pa, vma->hpa.addr);
	world_end(&w);
}

static void host_changes_nothing_of_ours(void *arg)
{
	vm_hva_invalidate_begin(&w.vm, PAGE, 2 * PAGE);
	vm_hva_invalidate_end(&w.vm, PAGE, 2 * PAGE);
}

/* What the VMM does with its other memory costs a guest no second fault. */
static void against_nothing(void **state)
{
	world_begin(&w, &host_max, 40);
	world_ram(&w, 0, IPA, BLOCK, 0);
	emu_backing_hook(host_changes_nothing_of_ours, NULL);
	assert_int_equal(world_fault(&w, IPA, ACCESS_DATA, PERM_W, false).outcome, VM_RESUME);
	assert_int_equal(world_walk(&w, IPA, EMU_READ).fault, EMU_FAULT_NONE);
	world_end(&w);
}

static void host_begins(void *arg)
{
	u64 offset = *(u64 *)arg;

	vm_hva_invalidate_begin(&w.vm, HVA_BASE + offset, HVA_BASE + offset + PAGE);
}

/* While a change of the page is open nothing is mapped; of another page, it is. */
static void change_is_open(void **state)
{
	u64 here = 0, elsewhere = 2 * PAGE;

	world_begin(&w, &host_max, 40);
	world_ram(&w, 0, IPA, BLOCK, 0);
	fault_is_retried(host_begins, &here);
	assert_int_equal(world_fault(&w, IPA, ACCESS_DATA, PERM_W, false).outcome, VM_RESUME);
	assert_not_mapped(IPA);
	vm_hva_invalidate_end(&w.vm, HVA_BASE, HVA_BASE + PAGE);
	host_begins(&elsewhere);
	assert_int_equal(world_access(&w, IPA, EMU_WRITE).outcome, VM_RESUME);
	vm_hva_invalidate_end(&w.vm, HVA_BASE + elsewhere, HVA_BASE + elsewhere + PAGE);
	world_end(&w);
}

/* A block that an open change overlaps in any page is not mapped. */
static void change_in_the_block(void **state)
{
	u64 offset = 17 * PAGE;

	world_begin(&w, &host_max, 40);
	world_ram(&w, 0, IPA, BLOCK, 9);
	fault_is_retried(host_begins, &offset);
	vm_hva_invalidate_end(&w.vm, HVA_BASE + offset, HVA_BASE + offset + PAGE);
	assert_int_equal(world_access(&w, IPA, EMU_WRITE).outcome, VM_RESUME);
	world_end(&w);
}

static void attribute_comes(void *arg)
{
	world_attr(&w, IPA, PAGE, ATTR_SET, ABI_ATTR_NW);
}

static void against_attributes(void **state)
{
	world_begin(&w, &host_max, 40);
	world_ram(&w, 0, IPA, BLOCK, 0);
	fault_is_retried(attribute_comes, NULL);
	assert_int_equal(world_access(&w, IPA, EMU_WRITE).flags, ABI_EXIT_WRITE);
	world_end(&w);
}

static void slot_goes(void *arg)
{
	struct slot_request req = { 0, 0, IPA, 0, 0 };

	assert_int_equal(vm_slot_set(&w.vm, &req), 0);
}

static void against_slots(void **state)
{
	world_begin(&w, &host_max, 40);
	world_ram(&w, 0, IPA, BLOCK, 0);
	fault_is_retried(slot_goes, NULL);
	assert_int_equal(world_access(&w, IPA, EMU_WRITE).outcome, VM_EXIT_MMIO);
	world_end(&w);
}

/*
 * A notifier that began before the slot was there knows nothing of it; still nothing of the
 * slot is mapped until it ends.
 */
static void slot_within_a_change(void **state)
{
	world_begin(&w, &host_max, 40);
	vm_hva_invalidate_begin(&w.vm, HVA_BASE, HVA_BASE + PAGE);
	world_ram(&w, 0, IPA, BLOCK, 0);
	assert_int_equal(world_fault(&w, IPA, ACCESS_DATA, PERM_W, false).outcome, VM_RESUME);
	assert_not_mapped(IPA);
	vm_hva_invalidate_end(&w.vm, HVA_BASE, HVA_BASE + PAGE);
	assert_int_equal(world_access(&w, IPA, EMU_WRITE).outcome, VM_RESUME);
	world_end(&w);
}

static void change_ends(void *arg)
{
	vm_hva_invalidate_end(&w.vm, HVA_BASE, HVA_BASE + PAGE);
}

/* The same with a fault in flight when the change ends: what it found is of before. */
static void change_ends_under_a_new_slot(void **state)
{
	world_begin(&w, &host_max, 40);
	vm_hva_invalidate_begin(&w.vm, HVA_BASE, HVA_BASE + PAGE);
	world_ram(&w, 0, IPA, BLOCK, 0);
	fault_is_retried(change_ends, NULL);
	assert_int_equal(world_access(&w, IPA, EMU_WRITE).outcome, VM_RESUME);
	world_end(&w);
}

/* Changes nest and overlap; the last end opens the range. */
static void changes_overlap(void **state)
{
	world_begin(&w, &host_max, 40);
	world_ram(&w, 0, IPA, BLOCK, 0);
	vm_hva_invalidate_begin(&w.vm, HVA_BASE, HVA_BASE + PAGE);
	vm_hva_invalidate_begin(&w.vm, HVA_BASE + 8 * PAGE, HVA_BASE + 9 * PAGE);
	/* No slot is there: it opens nothing, and must balance. */
	vm_hva_invalidate_begin(&w.vm, 0, PAGE);
	vm_hva_invalidate_end(&w.vm, 0, PAGE);
	vm_hva_invalidate_end(&w.vm, HVA_BASE, HVA_BASE + PAGE);
	assert_int_equal(world_fault(&w, IPA, ACCESS_DATA, PERM_W, false).outcome, VM_RESUME);
	assert_not_mapped(IPA);
	vm_hva_invalidate_end(&w.vm, HVA_BASE + 8 * PAGE, HVA_BASE + 9 * PAGE);
	assert_int_equal(w.vm.inval_open, 0);
	assert_int_equal(world_access(&w, IPA, EMU_WRITE).outcome, VM_RESUME);
	world_end(&w);
}

/*
 * Two vCPUs walk their tables in a page that has just been opened for reading and stays closed
 * for writing. While one widens the entry the TLBs may still hold the old one, by which the
 * other faults again and again: it never meant to write.
 */
static void walker(void *arg)
{
	struct access access = { gpa_of(IPA), ACCESS_WALK, PERM_R, true };
	struct vm_fault_result result;

	while (emu_tlb_access(&w.mmu, IPA, EMU_READ, emu_sched_random(1024)).fault) {
		vm_fault(&w.vm, arg, &access, &result);
		if (result.outcome != VM_RESUME)
			emu_sched_fail("a walk that reads is told to write");
	}
}

static void against_a_widening(void **state)
{
	struct s2_cache caches[2];
	const struct emu_actor actors[] = {
		{ "vcpu 1", walker, &caches[0] },
		{ "vcpu 2", walker, &caches[1] },
	};

	for (u64 seed = 0; seed < 500; seed++) {
		const char *error;

		memset(caches, 0, sizeof(caches));
		world_begin(&w, &host_max, 40);
		world_ram(&w, 0, IPA, BLOCK, 0);
		world_attr(&w, IPA, PAGE, ATTR_SET, ABI_ATTR_NR | ABI_ATTR_NW);
		world_access(&w, IPA, EMU_FETCH_EL1);
		world_attr(&w, IPA, PAGE, ATTR_CLEAR, ABI_ATTR_NR);
		error = emu_sched_run(seed, actors, 2);
		if (error)
			fail_msg("%s", error);
		s2_cache_drain(&caches[0]);
		s2_cache_drain(&caches[1]);
		world_end(&w);
	}
}

/*
 * The host takes a slot's memory while the slot goes, or goes elsewhere: whether the notifier
 * finds it or not, nothing of that memory is mapped when it returns.
 */
static void slot_leaves(void *arg)
{
	const struct slot_request *req = arg;

	if (vm_slot_set(&w.vm, req))
		emu_sched_fail("the slot does not change");
}

static void host_takes(void *arg)
{
	const struct emu_vma *vma = arg;

	vm_hva_invalidate_begin(&w.vm, vma->begin, vma->end);
	if (!emu_tlb_access(&w.mmu, IPA, EMU_READ, emu_sched_random(1024)).fault)
		emu_sched_fail("the guest has memory that the host has taken");
	vm_hva_invalidate_end(&w.vm, vma->begin, vma->end);
}

static void against_a_slot_that_leaves(void **state)
{
	struct slot_request req = { 0 };
	struct emu_vma vma;
	const struct emu_actor actors[] = {
		{ "VMM", slot_leaves, &req },
		{ "host", host_takes, &vma },
	};

	for (u64 seed = 0; seed < 500; seed++) {
		const char *error;

		world_begin(&w, &host_max, 40);
		vma = *world_ram(&w, 0, IPA, BLOCK, 0);
		world_access(&w, IPA, EMU_WRITE);
		req = (struct slot_request){
			.gpa = IPA2,
			.size = seed & 1 ? BLOCK : 0,
			.hva = vma.begin,
		};
		error = emu_sched_run(seed, actors, 2);
		if (error)
			fail_msg("%s", error);
		world_end(&w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(against_the_host),
		cmocka_unit_test(change_is_open),
		cmocka_unit_test(against_nothing),
		cmocka_unit_test(change_in_the_block),
		cmocka_unit_test(against_attributes),
		cmocka_unit_test(against_slots),
		cmocka_unit_test(slot_within_a_change),
		cmocka_unit_test(change_ends_under_a_new_slot),
		cmocka_unit_test(changes_overlap),
		cmocka_unit_test(against_a_widening),
		cmocka_unit_test(against_a_slot_that_leaves),
	};

	return RUN(tests);
}
