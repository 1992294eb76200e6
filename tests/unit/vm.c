// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* The front door: accesses of a guest from hardware fault to outcome. */
#include "world.h"

#define IPA  0x40000000ULL
#define IPA2 0x80000000ULL

static struct world w;

static const struct emu_vma file = { .kind = BACKING_RAM };
static const struct emu_vma anon = { .kind = BACKING_RAM, .can_tag = true };

static void assert_runs(u64 gpa, enum emu_access access)
{
	struct vm_fault_result r = world_access(&w, gpa, access);

	assert_int_equal(r.outcome, VM_RESUME);
}

static void assert_exits(u64 gpa, enum emu_access access, u64 flags)
{
	struct vm_fault_result r = world_access(&w, gpa, access);

	assert_int_equal(r.outcome, VM_EXIT_FAULT);
	assert_int_equal(r.flags, flags);
	assert_int_equal(r.gpa, gpa & TSR_PAGE_MASK);
	assert_int_equal(r.size, PAGE);
	assert_int_equal(r.error, -EFAULT);
}

/* What the host does to [hva, hva + size): the notifier around a change of the VMA. */
static void host_replaces(struct emu_vma *vma, u64 offset, u64 size)
{
	vm_hva_invalidate_begin(&w.vm, vma->begin + offset, vma->begin + offset + size);
	vm_hva_invalidate_end(&w.vm, vma->begin + offset, vma->begin + offset + size);
}

/* The VMM's mmap() of @with over the whole of @vma. */
static void host_remaps(struct emu_vma *vma, struct emu_vma with)
{
	vm_hva_invalidate_begin(&w.vm, vma->begin, vma->end);
	with.begin = vma->begin;
	with.end = vma->end;
	with.hpa = emu_ram_alloc(9);
	*vma = with;
	vm_hva_invalidate_end(&w.vm, vma->begin, vma->end);
}

static void on_demand(void **state)
{
	struct emu_vma *vma;

	world_begin(&w, &host_max, 40);
	vma = world_ram(&w, 0, IPA, BLOCK, 0);
	assert_runs(IPA + 0x1234, EMU_WRITE);
	assert_int_equal(world_walk(&w, IPA + 0x1234, EMU_READ).pa, vma->hpa.addr + 0x1234);
	assert_true(emu_backing_last_dirtied());
	assert_runs(IPA + BLOCK - 1, EMU_FETCH_EL0);
	assert_int_equal(emu_backing_gets(), 2);
	assert_int_equal(w.vm.stats.pages_mapped, 2);
	assert_int_equal(w.vm.stats.faults, 2);
	host_replaces(vma, 0, PAGE);
	assert_int_equal(world_walk(&w, IPA, EMU_READ).fault, EMU_FAULT_TRANSLATION);
	assert_int_equal(world_walk(&w, IPA + BLOCK - 1, EMU_READ).fault, EMU_FAULT_NONE);
	vm_release(&w.vm);
	assert_int_equal(world_walk(&w, IPA + BLOCK - 1, EMU_READ).fault, EMU_FAULT_TRANSLATION);
	world_end(&w);
}

static void blocks(void **state)
{
	struct emu_vma *vma;

	world_begin(&w, &host_max, 40);
	vma = world_ram(&w, 0, IPA, 4 * BLOCK, 9);
	assert_runs(IPA + BLOCK + 5 * PAGE, EMU_READ);
	assert_int_equal(world_walk(&w, IPA + BLOCK, EMU_READ).level, 2);
	assert_int_equal(world_walk(&w, IPA + BLOCK, EMU_READ).pa, vma->hpa.addr + BLOCK);
	assert_int_equal(w.vm.stats.blocks_mapped, 1);
	world_end(&w);
}

static void holes(void **state)
{
	world_begin(&w, &host_max, 40);
	assert_int_equal(world_access(&w, IPA, EMU_READ).outcome, VM_EXIT_MMIO);
	assert_int_equal(world_access(&w, IPA, EMU_WRITE).outcome, VM_EXIT_MMIO);
	assert_int_equal(world_access(&w, IPA, EMU_FETCH_EL1).outcome, VM_INJECT_ABORT);
	assert_int_equal(world_fault(&w, IPA, ACCESS_WALK, PERM_R, false).outcome, VM_INJECT_ABORT);
	assert_int_equal(world_fault(&w, IPA, ACCESS_CACHE, PERM_R, false).outcome, VM_SKIP);
	/* A hole is MMIO whatever its attributes. */
	world_attr(&w, IPA, PAGE, ATTR_SET, ABI_ATTR_NR | ABI_ATTR_NW | ABI_ATTR_NX);
	assert_int_equal(world_access(&w, IPA, EMU_READ).outcome, VM_EXIT_MMIO);
	assert_int_equal(emu_backing_gets(), 0);
	world_end(&w);
}

static void read_only_slot(void **state)
{
	world_begin(&w, &host_max, 40);
	world_slot(&w, 0, ABI_MEM_READONLY, IPA, BLOCK, anon);
	world_attr(&w, IPA, PAGE, ATTR_SET, ABI_ATTR_NW);
	assert_runs(IPA, EMU_READ);
	assert_int_equal(world_access(&w, IPA, EMU_WRITE).outcome, VM_EXIT_MMIO);
	assert_int_equal(world_access(&w, IPA + PAGE, EMU_WRITE).outcome, VM_EXIT_MMIO);
	assert_false(emu_backing_last_dirtied());
	world_end(&w);
}

/* The zero page, then copy-on-write by the guest's store. */
static void zero_page(void **state)
{
	struct emu_vma vma = anon, *at;

	world_begin(&w, &host_max, 40);
	assert_int_equal(vm_enable_mte(&w.vm), 0);
	vma.zero = true;
	at = world_slot(&w, 0, 0, IPA, BLOCK, vma);
	assert_runs(IPA, EMU_READ);
	assert_int_equal(world_walk(&w, IPA, EMU_READ).pa, emu_zero_page().addr);
	assert_int_equal(world_walk(&w, IPA, EMU_WRITE).fault, EMU_FAULT_PERMISSION);
	assert_int_equal(world_walk(&w, IPA, EMU_TAG_WRITE).fault, EMU_FAULT_PERMISSION);
	/* seam_backing_get() breaks it; the notifier comes before that returns. */
	host_replaces(at, 0, PAGE);
	assert_runs(IPA, EMU_WRITE);
	assert_int_equal(world_walk(&w, IPA, EMU_WRITE).pa, at->hpa.addr);
	/* Even without a notifier no stale page stays. */
	at->zero = true;
	host_replaces(at, 0, PAGE);
	assert_runs(IPA, EMU_READ);
	assert_runs(IPA, EMU_WRITE);
	assert_int_equal(world_walk(&w, IPA, EMU_READ).pa, at->hpa.addr);
	world_end(&w);
}

static void what_the_host_cannot_supply(void **state)
{
	struct emu_vma vma = anon, *at;

	world_begin(&w, &host_a710, 40);
	vma.read_only = true;
	world_slot(&w, 0, 0, IPA, BLOCK, vma);
	assert_runs(IPA, EMU_READ);
	assert_exits(IPA, EMU_WRITE, ABI_EXIT_WRITE);
	at = world_slot(&w, 1, 0, IPA2, BLOCK, anon);
	at->kind = BACKING_POISON;
	assert_int_equal(world_access(&w, IPA2, EMU_READ).error, -EHWPOISON);
	at->kind = BACKING_NONE;
	assert_exits(IPA2, EMU_READ, ABI_EXIT_READ);
	assert_exits(IPA2, EMU_WRITE, ABI_EXIT_WRITE);
	assert_exits(IPA2, EMU_FETCH_EL1, ABI_EXIT_EXEC);
	at->kind = BACKING_PFN_CACHED;
	assert_exits(IPA2, EMU_READ, ABI_EXIT_READ);
	assert_int_equal(w.vm.stats.exits_fault, 6);
	world_end(&w);
}

static void device_memory(void **state)
{
	struct emu_vma device = { .kind = BACKING_PFN_DEVICE }, nc = { .kind = BACKING_PFN_NC };

	world_begin(&w, &host_max, 40);
	world_slot(&w, 0, 0, IPA, BLOCK, device);
	world_slot(&w, 1, 0, IPA2, BLOCK, nc);
	assert_runs(IPA, EMU_WRITE);
	assert_int_equal(world_walk(&w, IPA, EMU_READ).type, EMU_nGnRE);
	assert_int_equal(world_access(&w, IPA, EMU_FETCH_EL1).outcome, VM_INJECT_ABORT);
	assert_runs(IPA2, EMU_WRITE);
	assert_int_equal(world_walk(&w, IPA2, EMU_READ).type, EMU_NC);
	world_end(&w);
}

static void signals_and_errors(void **state)
{
	struct vm_fault_result r;

	world_begin(&w, &host_max, 40);
	world_ram(&w, 0, IPA, BLOCK, 0);
	emu_backing_error(-EINTR);
	r = world_fault(&w, IPA, ACCESS_DATA, PERM_R, false);
	assert_int_equal(r.outcome, VM_ERROR);
	assert_int_equal(r.error, -EINTR);
	emu_backing_error(-EAGAIN);
	assert_int_equal(world_fault(&w, IPA, ACCESS_DATA, PERM_R, false).outcome, VM_RESUME);
	assert_int_equal(world_walk(&w, IPA, EMU_READ).fault, EMU_FAULT_TRANSLATION);
	emu_backing_error(-ENOMEM);
	assert_int_equal(world_fault(&w, IPA, ACCESS_DATA, PERM_R, false).error, -ENOMEM);
	assert_runs(IPA, EMU_READ);
	world_end(&w);
}

/* --- Tags: the demonstration's way, on both kinds of host. --- */

static void not_taggable_with_mte_perm(void **state)
{
	struct emu_vma *vma;

	world_begin(&w, &host_max, 40);
	assert_int_equal(vm_enable_mte(&w.vm), 0);
	vma = world_slot(&w, 0, ABI_MEM_TAGS_OPTIONAL, IPA, BLOCK, file);
	assert_runs(IPA, EMU_WRITE);
	assert_runs(IPA, EMU_FETCH_EL1);
	assert_exits(IPA + 16, EMU_TAG_WRITE, ABI_EXIT_TAG);
	assert_exits(IPA, EMU_TAG_READ, ABI_EXIT_TAG);
	/* A tag write to a page that lacks W exits for that first, and alone. */
	world_attr(&w, IPA, PAGE, ATTR_SET, ABI_ATTR_NW);
	assert_exits(IPA, EMU_TAG_WRITE, ABI_EXIT_WRITE);
	assert_exits(IPA, EMU_TAG_READ, ABI_EXIT_TAG);
	host_remaps(vma, anon);
	world_attr(&w, IPA, PAGE, ATTR_CLEAR, ABI_ATTR_NW);
	assert_runs(IPA, EMU_TAG_WRITE);
	assert_runs(IPA, EMU_TAG_READ);
	assert_int_equal(w.vm.stats.exits_tag, 3);
	assert_int_equal(w.vm.stats.exits_fault, 1);
	assert_int_equal(w.vm.s2.stats.pages_tags_opened, 1);
	world_end(&w);
}

static void not_taggable_on_touch(void **state)
{
	struct emu_vma *vma;

	world_begin(&w, &host_n2, 40);
	assert_int_equal(vm_enable_mte(&w.vm), 0);
	vma = world_slot(&w, 0, ABI_MEM_TAGS_OPTIONAL | ABI_MEM_TAGS_ON_TOUCH, IPA, BLOCK, file);
	assert_exits(IPA, EMU_READ, ABI_EXIT_TAG);
	assert_exits(IPA, EMU_FETCH_EL1, ABI_EXIT_TAG);
	world_attr(&w, IPA, PAGE, ATTR_SET, ABI_ATTR_NW);
	assert_exits(IPA, EMU_WRITE, ABI_EXIT_WRITE);
	host_remaps(vma, anon);
	world_attr(&w, IPA, PAGE, ATTR_CLEAR, ABI_ATTR_NW);
	assert_runs(IPA, EMU_WRITE);
	assert_runs(IPA, EMU_TAG_WRITE);
	assert_int_equal(w.vm.stats.exits_tag, 2);
	assert_int_equal(w.vm.s2.stats.pages_tags_opened, 1);
	world_end(&w);
}

static void without_mte_tags_are_no_matter(void **state)
{
	world_begin(&w, &host_max, 40);
	world_slot(&w, 0, 0, IPA, BLOCK, file);
	assert_runs(IPA, EMU_WRITE);
	assert_false(world_walk(&w, IPA, EMU_READ).notag);
	world_end(&w);
}

/* --- Needs that the syndrome hides (docs/abi.md 5.1). --- */

static void a_walk_that_wants_to_write(void **state)
{
	struct vm_fault_result r;

	world_begin(&w, &host_max, 40);
	world_ram(&w, 0, IPA, BLOCK, 0);
	world_attr(&w, IPA, PAGE, ATTR_SET, ABI_ATTR_NW);
	assert_int_equal(world_fault(&w, IPA, ACCESS_WALK, PERM_R, false).outcome, VM_RESUME);
	/* It may be a race that another vCPU won; once more, and it is not. */
	assert_int_equal(world_fault(&w, IPA, ACCESS_WALK, PERM_R, true).outcome, VM_RESUME);
	r = world_fault(&w, IPA, ACCESS_WALK, PERM_R, true);
	assert_int_equal(r.outcome, VM_EXIT_FAULT);
	assert_int_equal(r.flags, ABI_EXIT_WRITE);
	/* A fault elsewhere between the two: it starts anew. */
	assert_int_equal(world_fault(&w, IPA, ACCESS_WALK, PERM_R, true).outcome, VM_RESUME);
	assert_runs(IPA + PAGE, EMU_READ);
	assert_int_equal(world_fault(&w, IPA, ACCESS_WALK, PERM_R, true).outcome, VM_RESUME);
	world_end(&w);
}

/* What policy grants is mapped at the first fault, whether it was a race or not. */
static void a_walk_that_may_write(void **state)
{
	world_begin(&w, &host_max, 40);
	world_ram(&w, 0, IPA, BLOCK, 0);
	world_attr(&w, IPA, PAGE, ATTR_SET, ABI_ATTR_NW);
	assert_runs(IPA, EMU_READ);
	world_attr(&w, IPA, PAGE, ATTR_CLEAR, ABI_ATTR_NW);
	assert_int_equal(world_walk(&w, IPA, EMU_WRITE).fault, EMU_FAULT_PERMISSION);
	assert_int_equal(world_fault(&w, IPA, ACCESS_WALK, PERM_R, true).outcome, VM_RESUME);
	assert_int_equal(world_walk(&w, IPA, EMU_WRITE).fault, EMU_FAULT_NONE);
	world_end(&w);
}

/* The walk lacked R when it faulted; W was no need of it. */
static void a_walk_that_was_overtaken(void **state)
{
	world_begin(&w, &host_max, 40);
	world_ram(&w, 0, IPA, BLOCK, 0);
	world_attr(&w, IPA, PAGE, ATTR_SET, ABI_ATTR_NW | ABI_ATTR_NR);
	assert_runs(IPA, EMU_FETCH_EL1);
	world_attr(&w, IPA, PAGE, ATTR_CLEAR, ABI_ATTR_NR);
	assert_int_equal(world_fault(&w, IPA, ACCESS_WALK, PERM_R, true).outcome, VM_RESUME);
	assert_int_equal(world_walk(&w, IPA, EMU_READ).fault, EMU_FAULT_NONE);
	world_end(&w);
}

static void an_atomic_without_read(void **state)
{
	struct vm_fault_result r;

	world_begin(&w, &host_max, 40);
	world_ram(&w, 0, IPA, BLOCK, 0);
	world_attr(&w, IPA, PAGE, ATTR_SET, ABI_ATTR_NR);
	assert_runs(IPA, EMU_WRITE);
	assert_int_equal(world_fault(&w, IPA, ACCESS_DATA, PERM_W, true).outcome, VM_RESUME);
	r = world_fault(&w, IPA, ACCESS_DATA, PERM_W, true);
	assert_int_equal(r.outcome, VM_EXIT_FAULT);
	assert_int_equal(r.flags, ABI_EXIT_READ);
	world_attr(&w, IPA, PAGE, ATTR_CLEAR, ABI_ATTR_NR);
	assert_runs(IPA, EMU_READ);
	/* Everything is granted: it just runs, however often it comes. */
	for (int i = 0; i < 4; i++)
		assert_int_equal(world_fault(&w, IPA, ACCESS_DATA, PERM_W, true).outcome,
				 VM_RESUME);
	world_end(&w);
}

static void ageing(void **state)
{
	world_begin(&w, &host_max, 40);
	world_ram(&w, 0, IPA, 2 * BLOCK, 9);
	assert_runs(IPA, EMU_WRITE);
	assert_true(vm_hva_age(&w.vm, HVA_BASE, HVA_BASE + BLOCK, false));
	assert_true(vm_hva_age(&w.vm, HVA_BASE, HVA_BASE + BLOCK, true));
	assert_false(vm_hva_age(&w.vm, HVA_BASE, HVA_BASE + BLOCK, true));
	assert_runs(IPA, EMU_WRITE);
	assert_true(vm_hva_age(&w.vm, HVA_BASE, HVA_BASE + BLOCK, true));
	assert_false(vm_hva_age(&w.vm, HVA_BASE + BLOCK, HVA_BASE + 2 * BLOCK, true));
	world_end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(on_demand),
		cmocka_unit_test(blocks),
		cmocka_unit_test(holes),
		cmocka_unit_test(read_only_slot),
		cmocka_unit_test(zero_page),
		cmocka_unit_test(what_the_host_cannot_supply),
		cmocka_unit_test(device_memory),
		cmocka_unit_test(signals_and_errors),
		cmocka_unit_test(not_taggable_with_mte_perm),
		cmocka_unit_test(not_taggable_on_touch),
		cmocka_unit_test(without_mte_tags_are_no_matter),
		cmocka_unit_test(a_walk_that_wants_to_write),
		cmocka_unit_test(a_walk_that_may_write),
		cmocka_unit_test(a_walk_that_was_overtaken),
		cmocka_unit_test(an_atomic_without_read),
		cmocka_unit_test(ageing),
	};

	return RUN(tests);
}
