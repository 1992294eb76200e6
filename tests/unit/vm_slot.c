// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Slots of a VM: what stands behind them, what becomes of mappings, MTE (docs/abi.md 6.2). */
#include "world.h"

#define IPA  0x40000000ULL
#define IPA2 0x80000000ULL
#define OPT  ABI_MEM_TAGS_OPTIONAL
#define TCH  ABI_MEM_TAGS_ON_TOUCH

static struct world w;

struct mte_case {
	const struct host *host;
	u32 flags;
	enum backing_kind kind;
	bool can_tag;
	int err;
};

/* The table of docs/abi.md 6.2: flags down, memory across. */
static const struct mte_case mte_cases[] = {
	{ &host_max, 0, BACKING_RAM, true, 0 },
	{ &host_max, 0, BACKING_RAM, false, -EINVAL },
	{ &host_n2, 0, BACKING_RAM, false, -EINVAL },
	{ &host_max, 0, BACKING_PFN_DEVICE, false, -EINVAL },
	{ &host_max, 0, BACKING_PFN_CACHED, false, -EINVAL },
	{ &host_max, OPT, BACKING_RAM, true, 0 },
	{ &host_max, OPT, BACKING_RAM, false, 0 },
	{ &host_n2, OPT, BACKING_RAM, false, -EINVAL },
	{ &host_max, OPT, BACKING_PFN_DEVICE, false, 0 },
	{ &host_n2, OPT, BACKING_PFN_NC, false, 0 },
	{ &host_max, OPT, BACKING_PFN_CACHED, false, 0 },
	{ &host_n2, OPT, BACKING_PFN_CACHED, false, -EINVAL },
	{ &host_a710, OPT, BACKING_PFN_CACHED, false, -EINVAL },
	{ &host_max, OPT | TCH, BACKING_RAM, true, 0 },
	{ &host_max, OPT | TCH, BACKING_RAM, false, 0 },
	{ &host_n2, OPT | TCH, BACKING_RAM, false, 0 },
	{ &host_max, OPT | TCH, BACKING_PFN_DEVICE, false, -EINVAL },
	{ &host_n2, OPT | TCH, BACKING_PFN_CACHED, false, -EINVAL },
};

/* The same answer whether the slot comes first or MTE does; nothing changed on a refusal. */
static void mte(void **state)
{
	for (size_t i = 0; i < sizeof(mte_cases) / sizeof(mte_cases[0]); i++) {
		const struct mte_case *c = &mte_cases[i];
		struct emu_vma vma = { .kind = c->kind, .can_tag = c->can_tag };
		int type_err = c->kind == BACKING_PFN_CACHED && !c->host->dic ? -EINVAL : 0;

		world_begin(&w, c->host, 40);
		assert_int_equal(vm_enable_mte(&w.vm), 0);
		if (world_slot_try(&w, 0, c->flags, IPA, BLOCK, &vma) != c->err)
			fail_msg("case %zu", i);
		assert_true(!w.vm.slots == !!c->err);
		world_end(&w);
		world_begin(&w, c->host, 40);
		assert_int_equal(world_slot_try(&w, 0, c->flags, IPA, BLOCK, &vma), type_err);
		if (!type_err && vm_enable_mte(&w.vm) != c->err)
			fail_msg("case %zu, the other way round", i);
		assert_true(type_err || w.vm.mte == !c->err);
		world_end(&w);
	}
}

static void mte_is_refused(void **state)
{
	world_begin(&w, &host_a76, 40);
	assert_int_equal(vm_enable_mte(&w.vm), -EINVAL);
	world_end(&w);
	world_begin(&w, &host_max, 40);
	assert_int_equal(vm_enable_mte(&w.vm), 0);
	assert_int_equal(vm_enable_mte(&w.vm), 0);
	vm_start(&w.vm);
	assert_int_equal(vm_enable_mte(&w.vm), -EINVAL);
	world_end(&w);
}

/* A slot over two VMAs is judged by each; a hole in them is no error. */
static void several_vmas(void **state)
{
	struct emu_vma vma = {
		.kind = BACKING_RAM, .can_tag = true, .begin = HVA_BASE, .end = HVA_BASE + PAGE
	};
	struct slot_request req = { 0, 0, IPA, 3 * PAGE, HVA_BASE };

	world_begin(&w, &host_max, 40);
	assert_int_equal(vm_enable_mte(&w.vm), 0);
	vma.hpa = emu_ram_alloc(0);
	emu_mm_add(&vma);
	assert_int_equal(vm_slot_set(&w.vm, &req), 0);
	assert_int_equal(world_access(&w, IPA + PAGE, EMU_READ).outcome, VM_EXIT_FAULT);
	vma.begin += 2 * PAGE;
	vma.end += 2 * PAGE;
	vma.can_tag = false;
	emu_mm_add(&vma);
	req.id = 1;
	req.gpa = IPA2;
	assert_int_equal(vm_slot_set(&w.vm, &req), -EINVAL);
	/* What has come behind a slot since is refused at the fault. */
	assert_int_equal(world_access(&w, IPA + 2 * PAGE, EMU_READ).outcome, VM_EXIT_FAULT);
	world_end(&w);
}

static void deleted_and_moved(void **state)
{
	struct slot_request req = { 0, 0, IPA2, BLOCK, HVA_BASE };
	u64 pa;

	world_begin(&w, &host_max, 40);
	world_ram(&w, 0, IPA, BLOCK, 9);
	world_access(&w, IPA, EMU_WRITE);
	pa = world_walk(&w, IPA, EMU_READ).pa;
	assert_int_equal(vm_slot_set(&w.vm, &req), 0);
	assert_int_equal(world_walk(&w, IPA, EMU_READ).fault, EMU_FAULT_TRANSLATION);
	assert_int_equal(world_access(&w, IPA, EMU_WRITE).outcome, VM_EXIT_MMIO);
	assert_int_equal(world_access(&w, IPA2, EMU_WRITE).outcome, VM_RESUME);
	assert_int_equal(world_walk(&w, IPA2, EMU_READ).pa, pa);
	req.size = 0;
	assert_int_equal(vm_slot_set(&w.vm, &req), 0);
	assert_int_equal(world_walk(&w, IPA2, EMU_READ).fault, EMU_FAULT_TRANSLATION);
	assert_int_equal(vm_slot_set(&w.vm, &req), -EINVAL);
	world_end(&w);
}

/* One piece of host memory at two guest addresses: the notifier reaches both. */
static void aliases(void **state)
{
	struct slot_request req = { 1, 0, IPA2, PAGE, HVA_BASE + PAGE };

	world_begin(&w, &host_max, 40);
	world_ram(&w, 0, IPA, BLOCK, 0);
	assert_int_equal(vm_slot_set(&w.vm, &req), 0);
	world_access(&w, IPA + PAGE, EMU_WRITE);
	world_access(&w, IPA2, EMU_WRITE);
	vm_hva_invalidate_begin(&w.vm, HVA_BASE + PAGE, HVA_BASE + 2 * PAGE);
	vm_hva_invalidate_end(&w.vm, HVA_BASE + PAGE, HVA_BASE + 2 * PAGE);
	assert_int_equal(world_walk(&w, IPA + PAGE, EMU_READ).fault, EMU_FAULT_TRANSLATION);
	assert_int_equal(world_walk(&w, IPA2, EMU_READ).fault, EMU_FAULT_TRANSLATION);
	world_end(&w);
}

static void addresses_of_the_vmm(void **state)
{
	struct hva hva = { 1 };

	world_begin(&w, &host_max, 40);
	world_ram(&w, 0, IPA, BLOCK, 0);
	assert_true(vm_gpa_hva(&w.vm, gpa_of(IPA + 0x12345), true, &hva));
	assert_int_equal(hva.addr, HVA_BASE + 0x12345);
	assert_false(vm_gpa_hva(&w.vm, gpa_of(IPA - 1), false, &hva));
	assert_false(vm_gpa_hva(&w.vm, gpa_of(IPA + BLOCK), false, &hva));
	assert_int_equal(hva.addr, HVA_BASE + 0x12345);
	world_end(&w);
}

/* api.rst 4.35: what is READONLY nobody writes for a guest. */
static void addresses_to_write(void **state)
{
	struct emu_vma vma = { .kind = BACKING_RAM };
	struct hva hva = { 1 };

	world_begin(&w, &host_max, 40);
	world_slot(&w, 0, ABI_MEM_READONLY, IPA, BLOCK, vma);
	assert_false(vm_gpa_hva(&w.vm, gpa_of(IPA), true, &hva));
	assert_int_equal(hva.addr, 1);
	assert_true(vm_gpa_hva(&w.vm, gpa_of(IPA), false, &hva));
	assert_int_equal(hva.addr, HVA_BASE);
	world_end(&w);
}

/* The same memory behind one slot, for which a notifier gives turns, and behind several. */
static void unmapped_in_turns(void **state)
{
	for (u32 count = 1; count <= 3; count++) {
		struct emu_vma vma = { .kind = BACKING_RAM, .can_tag = true };

		world_begin(&w, &host_a76, 40);
		world_slot(&w, 0, 0, IPA, BLOCK, vma);
		for (u32 id = 1; id < count; id++) {
			struct slot_request alias = { id, 0, IPA + id * GIB, BLOCK, HVA_BASE };

			assert_int_equal(vm_slot_set(&w.vm, &alias), 0);
		}
		for (u32 id = 0; id < count; id++)
			for (u64 at = 0; at < BLOCK; at += 64 * PAGE)
				world_access(&w, IPA + id * GIB + at, EMU_WRITE);
		vm_hva_invalidate_begin_turns(&w.vm, HVA_BASE, HVA_BASE + BLOCK / 2);
		for (u32 id = 0; id < count; id++)
			for (u64 at = 0; at < BLOCK; at += 64 * PAGE)
				assert_int_equal(
					world_walk(&w, IPA + id * GIB + at, EMU_READ).fault,
					at < BLOCK / 2 ? EMU_FAULT_TRANSLATION : EMU_FAULT_NONE);
		assert_int_equal(world_fault(&w, IPA, ACCESS_DATA, PERM_R, false).outcome,
				 VM_RESUME);
		assert_int_equal(world_walk(&w, IPA, EMU_READ).fault, EMU_FAULT_TRANSLATION);
		vm_hva_invalidate_end(&w.vm, HVA_BASE, HVA_BASE + BLOCK / 2);
		world_access(&w, IPA, EMU_WRITE);
		world_end(&w);
	}
}

/* Memory behind two slots that is too much to be unmapped in one piece. */
static void unmapped_in_pieces(void **state)
{
	const struct emu_vma vma = { .kind = BACKING_RAM, .order = 9 };
	const u64 size = 32 * BLOCK;
	struct slot_request alias = { 1, 0, IPA + GIB, size, HVA_BASE };

	world_begin(&w, &host_a76, 40);
	world_slot(&w, 0, 0, IPA, size, vma);
	assert_int_equal(vm_slot_set(&w.vm, &alias), 0);
	for (u64 at = 0; at < 2 * size; at += BLOCK)
		world_access(&w, at < size ? IPA + at : IPA + GIB + at - size, EMU_READ);
	vm_hva_invalidate_begin_turns(&w.vm, HVA_BASE, HVA_BASE + size);
	for (u64 at = 0; at < size; at += BLOCK) {
		assert_int_equal(world_walk(&w, IPA + at, EMU_READ).fault, EMU_FAULT_TRANSLATION);
		assert_int_equal(world_walk(&w, IPA + GIB + at, EMU_READ).fault,
				 EMU_FAULT_TRANSLATION);
	}
	vm_hva_invalidate_end(&w.vm, HVA_BASE, HVA_BASE + size);
	world_end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mte),
		cmocka_unit_test(mte_is_refused),
		cmocka_unit_test(several_vmas),
		cmocka_unit_test(deleted_and_moved),
		cmocka_unit_test(aliases),
		cmocka_unit_test(addresses_of_the_vmm),
		cmocka_unit_test(addresses_to_write),
		cmocka_unit_test(unmapped_in_turns),
		cmocka_unit_test(unmapped_in_pieces),
	};

	return RUN(tests);
}
