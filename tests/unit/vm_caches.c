// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Caches under a whole VM, by the model of emu/cache.h: what a guest reads is what was written,
 * and so it is for whoever has its memory next (docs/abi.md 9).
 */
#include "world.h"

#define IPA 0x40000000ULL

static struct world w;

static void touch_all(u64 size, enum emu_access access)
{
	for (u64 at = 0; at < size; at += PAGE)
		assert_int_equal(world_access(&w, IPA + at, access).outcome, VM_RESUME);
}

static void host_all(const struct emu_vma *vma, bool write, bool cacheable)
{
	for (u64 at = 0; at < vma->end - vma->begin; at += PAGE)
		emu_cache_host(hpa_of(vma->hpa.addr + at), write, cacheable);
}

static void fine(const char *when)
{
	if (emu_cache_complaint())
		fail_msg("%s: %s", when, emu_cache_complaint());
}

/* The host has the memory for a while: reads and writes it, as another owner does. */
static void host_turn(const struct emu_vma *vma, bool cacheable)
{
	vm_hva_invalidate_begin(&w.vm, vma->begin, vma->end);
	host_all(vma, false, cacheable);
	host_all(vma, true, cacheable);
	vm_hva_invalidate_end(&w.vm, vma->begin, vma->end);
}

static const struct host *const hosts[] = { &host_max, &host_n2, &host_a710, &host_a76 };

/* With the guest's caches on and off, by pages and by blocks, on each host. */
static void memory_of_the_host(void **state)
{
	for (unsigned int i = 0; i < 16; i++) {
		struct emu_vma *vma;

		world_begin(&w, hosts[i / 4], 40);
		emu_cache_guest_enable(i & 1);
		vma = world_ram(&w, 0, IPA, BLOCK, i & 2 ? 9 : 0);
		for (unsigned int turn = 0; turn < 2; turn++) {
			touch_all(BLOCK, EMU_READ);
			fine("read");
			touch_all(BLOCK, EMU_FETCH_EL1);
			fine("fetched");
			touch_all(BLOCK, EMU_WRITE);
			fine("written");
			host_turn(vma, true);
			fine("the host's turn");
		}
		world_end(&w);
	}
}

/* MMU and caches on and off again, with what module does then between. */
static void guest_toggles(void **state)
{
	for (unsigned int order = 0; order <= 9; order += 9) {
		world_begin(&w, &host_a76, 40);
		world_ram(&w, 0, IPA, 2 * BLOCK, order);
		emu_cache_guest_enable(false);
		touch_all(2 * BLOCK, EMU_WRITE);
		for (unsigned int i = 0; i < 4; i++) {
			vm_clean(&w.vm);
			emu_cache_guest_enable(i % 2 == 0);
			touch_all(2 * BLOCK, EMU_READ);
			touch_all(2 * BLOCK, EMU_WRITE);
			fine("toggled");
		}
		/* Caches are on or off for whoever comes next. */
		vm_clean(&w.vm);
		world_end(&w);
	}
}

static void nothing_to_clean(void **state)
{
	world_begin(&w, &host_max, 40);
	world_ram(&w, 0, IPA, BLOCK, 0);
	touch_all(BLOCK, EMU_WRITE);
	emu_log_reset();
	vm_clean(&w.vm);
	assert_int_equal(emu_log_count(), 0);
	world_end(&w);
}

/* A page that may be fetched from later than it was mapped. */
static void fetch_later(void **state)
{
	for (unsigned int i = 0; i < 8; i++) {
		world_begin(&w, hosts[i / 2], 40);
		emu_cache_guest_enable(i & 1);
		world_ram(&w, 0, IPA, BLOCK, 9);
		world_attr(&w, IPA, BLOCK, ATTR_SET, ABI_ATTR_NX);
		touch_all(BLOCK, EMU_READ);
		world_attr(&w, IPA, BLOCK, ATTR_CLEAR, ABI_ATTR_NX);
		touch_all(BLOCK, EMU_FETCH_EL0);
		world_end(&w);
	}
}

/* Cacheable memory that the kernel does not map, where it has to be cleaned. */
static void windows(void **state)
{
	for (unsigned int i = 0; i < 4; i++) {
		struct emu_vma vma = { .kind = BACKING_PFN_CACHED, .order = i & 2 ? 9 : 0 };
		struct emu_vma *at;

		world_begin(&w, &host_a76, 40);
		assert_int_equal(vm_enable_cmo(&w.vm), 0);
		emu_cache_guest_enable(i & 1);
		at = world_slot(&w, 0, 0, IPA, BLOCK, vma);
		touch_all(BLOCK, EMU_FETCH_EL1);
		touch_all(BLOCK, EMU_WRITE);
		assert_int_equal(emu_cache_windows(), BLOCK / PAGE);
		host_turn(at, true);
		/* Unmapped, they are closed. */
		assert_int_equal(emu_cache_windows(), 0);
		touch_all(BLOCK, EMU_READ);
		/* Half of a block, and what is left of it joined again. */
		world_attr(&w, IPA, BLOCK / 2, ATTR_SET, ABI_ATTR_NR | ABI_ATTR_NW | ABI_ATTR_NX);
		assert_int_equal(emu_cache_windows(), BLOCK / 2 / PAGE);
		world_attr(&w, IPA, BLOCK / 2, ATTR_CLEAR, ABI_ATTR_NR | ABI_ATTR_NW | ABI_ATTR_NX);
		touch_all(BLOCK, EMU_WRITE);
		assert_int_equal(emu_cache_windows(), BLOCK / PAGE);
		fine("attributes");
		vm_release(&w.vm);
		assert_int_equal(emu_cache_windows(), 0);
		/* The owner of the memory may go past the caches. */
		host_all(at, false, false);
		world_end(&w);
	}
}

/* The same pages at two addresses: the window is there for as long as either. */
static void window_of_two(void **state)
{
	struct slot_request alias = { 1, 0, 2 * IPA, BLOCK, HVA_BASE };
	struct emu_vma vma = { .kind = BACKING_PFN_CACHED };

	world_begin(&w, &host_a76, 40);
	assert_int_equal(vm_enable_cmo(&w.vm), 0);
	world_slot(&w, 0, 0, IPA, BLOCK, vma);
	assert_int_equal(vm_slot_set(&w.vm, &alias), 0);
	world_access(&w, IPA, EMU_WRITE);
	world_access(&w, 2 * IPA, EMU_WRITE);
	alias.size = 0;
	assert_int_equal(vm_slot_set(&w.vm, &alias), 0);
	assert_int_equal(emu_cache_windows(), 1);
	world_end(&w);
}

static void no_windows(void **state)
{
	for (unsigned int i = 0; i < 3; i++) {
		struct emu_vma vma = { .kind = BACKING_PFN_CACHED };

		world_begin(&w, hosts[i], 40);
		assert_int_equal(vm_enable_cmo(&w.vm), 0);
		world_slot(&w, 0, 0, IPA, BLOCK, vma);
		touch_all(BLOCK, EMU_FETCH_EL1);
		touch_all(BLOCK, EMU_WRITE);
		assert_int_equal(emu_cache_windows(), 0);
		assert_int_equal(emu_log_count_of(EMU_CLEAN_POC), 0);
		world_end(&w);
	}
}

/* Each allocation on the way fails once: KVM_RUN says so, and nothing is held. */
static void no_memory_for_a_window(void **state)
{
	struct emu_vma vma = { .kind = BACKING_PFN_CACHED };
	bool failed = true;

	for (unsigned long nth = 1; failed; nth++) {
		struct vm_fault_result r;

		world_begin(&w, &host_a76, 40);
		assert_int_equal(vm_enable_cmo(&w.vm), 0);
		world_slot(&w, 0, 0, IPA, BLOCK, vma);
		emu_fail_nth(nth);
		r = world_fault(&w, IPA, ACCESS_DATA, PERM_W, false);
		failed = emu_fail_happened();
		emu_fail_nth(0);
		assert_int_equal(r.outcome, failed ? VM_ERROR : VM_RESUME);
		assert_int_equal(r.error, failed ? -ENOMEM : 0);
		assert_int_equal(emu_cache_windows(), !failed);
		assert_int_equal(emu_backing_held(), 0);
		assert_true(nth < 8);
		world_access(&w, IPA, EMU_WRITE);
		world_end(&w);
	}
}

/* Kernel-mapped memory that the VMM has mapped non-cacheable: the kernel's lines are old then. */
static void uncached_memory(void **state)
{
	for (unsigned int i = 0; i < 8; i++) {
		struct emu_vma vma = { .kind = BACKING_RAM_UNCACHED, .order = i & 1 ? 9 : 0 };
		struct emu_vma *at;

		world_begin(&w, hosts[i / 2], 40);
		world_ram(&w, 1, IPA + GIB, BLOCK, 0);
		at = world_slot(&w, 0, 0, IPA, BLOCK, vma);
		world_access(&w, IPA + GIB, EMU_WRITE);
		touch_all(BLOCK, EMU_READ);
		touch_all(BLOCK, EMU_WRITE);
		vm_hva_invalidate_begin(&w.vm, at->begin, at->end);
		host_all(at, false, true);
		vm_hva_invalidate_end(&w.vm, at->begin, at->end);
		fine("given back");
		world_end(&w);
	}
}

/* A guest's access in another VM than the world's, until the hardware lets it pass. */
static void access_in(struct vm *vm, struct s2_cache *cache, u64 gpa, enum emu_access access)
{
	struct access fault = { gpa_of(gpa), ACCESS_DATA, PERM_R, false };
	struct emu_mmu mmu = w.mmu;
	struct vm_fault_result r;
	struct emu_walk walk;

	mmu.vttbr = vm_vttbr_baddr(vm);
	fault.need = access == EMU_WRITE ? PERM_W : PERM_R;
	for (int tries = 0; tries < 4; tries++) {
		walk = emu_mmu_access(&mmu, gpa, access);
		if (walk.fault == EMU_FAULT_NONE)
			break;
		fault.permission = walk.fault == EMU_FAULT_PERMISSION;
		vm_fault(vm, cache, &fault, &r);
		assert_int_equal(r.outcome, VM_RESUME);
	}
	assert_int_equal(walk.fault, EMU_FAULT_NONE);
	emu_cache_guest(&walk, access);
}

/*
 * The same pages in one VM after the other, each with its caches on or off; the host zeroes them
 * between, or hands them over as they are.
 */
static void from_vm_to_vm(void **state)
{
	for (unsigned int i = 0; i < 32; i++) {
		struct slot_request req = { 0, 0, 2 * IPA, BLOCK, HVA_BASE };
		struct seam_tlb tlb = { .vmid = 6 };
		struct s2_cache cache = { 0 };
		struct emu_vma *vma;
		struct vm next;

		world_begin(&w, hosts[i / 8], 40);
		assert_int_equal(vm_init(&next, &w.host, 40, &tlb), 0);
		vma = world_ram(&w, 0, IPA, BLOCK, 9);
		emu_cache_guest_enable(i & 1);
		touch_all(BLOCK, EMU_WRITE);
		vm_release(&w.vm);
		if (i & 2)
			host_all(vma, true, true);
		emu_cache_guest_enable(i & 4);
		assert_int_equal(vm_slot_set(&next, &req), 0);
		for (u64 at = 0; at < BLOCK; at += PAGE) {
			access_in(&next, &cache, 2 * IPA + at, EMU_READ);
			access_in(&next, &cache, 2 * IPA + at, EMU_WRITE);
		}
		vm_release(&next);
		vm_destroy(&next);
		s2_cache_drain(&cache);
		fine("the next VM");
		world_end(&w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_of_the_host),
		cmocka_unit_test(guest_toggles),
		cmocka_unit_test(nothing_to_clean),
		cmocka_unit_test(fetch_later),
		cmocka_unit_test(windows),
		cmocka_unit_test(window_of_two),
		cmocka_unit_test(no_windows),
		cmocka_unit_test(no_memory_for_a_window),
		cmocka_unit_test(uncached_memory),
		cmocka_unit_test(from_vm_to_vm),
	};

	return RUN(tests);
}
