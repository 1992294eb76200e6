// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Memory types at the front door: what a slot may lie over is asked when it is made, moved or
 * its flags change, and again at each fault (docs/abi.md 6.2 and 9).
 */
#include "world.h"

#define IPA 0x40000000ULL

static struct world w;

/* Other memory is there, of another kind. */
static void hva_changes(struct emu_vma *vma, enum backing_kind kind)
{
	vm_hva_invalidate_begin(&w.vm, vma->begin, vma->end);
	vma->kind = kind;
	vma->hpa = emu_ram_alloc(9);
	if (kind >= BACKING_PFN_CACHED && kind <= BACKING_PFN_DEVICE)
		emu_cache_unmapped(vma->hpa, BLOCK);
	vma->can_tag = kind == BACKING_RAM;
	vm_hva_invalidate_end(&w.vm, vma->begin, vma->end);
}

static int try_slot(enum backing_kind kind)
{
	struct emu_vma vma = { .kind = kind };

	return world_slot_try(&w, 0, 0, IPA, BLOCK, &vma);
}

struct cmo_case {
	const struct host *host;
	bool cmo;
	int err;
};

/* Cacheable memory that the kernel does not map: what creation and a read answer. */
static void cacheable_pfnmap(void **state)
{
	static const struct cmo_case cases[] = {
		{ &host_max, false, 0 },	{ &host_max, true, 0 },
		{ &host_n2, false, 0 },		{ &host_n2, true, 0 },
		{ &host_a710, false, -EINVAL }, { &host_a710, true, 0 },
		{ &host_a76, false, -EINVAL },	{ &host_a76, true, 0 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct cmo_case *c = &cases[i];

		world_begin(&w, c->host, 40);
		if (c->cmo)
			assert_int_equal(vm_enable_cmo(&w.vm), 0);
		assert_int_equal(try_slot(BACKING_PFN_CACHED), c->err);
		if (!c->err) {
			assert_int_equal(world_access(&w, IPA, EMU_WRITE).outcome, VM_RESUME);
			assert_int_equal(world_walk(&w, IPA, EMU_READ).type, EMU_WB);
			assert_int_equal(world_walk(&w, IPA, EMU_READ).forced, c->host->fwb);
			assert_int_equal(world_access(&w, IPA, EMU_FETCH_EL0).outcome, VM_RESUME);
		}
		world_end(&w);
	}
}

static void opt_in_closes(void **state)
{
	world_begin(&w, &host_a76, 40);
	assert_int_equal(vm_enable_cmo(&w.vm), 0);
	assert_int_equal(vm_enable_cmo(&w.vm), 0);
	vm_start(&w.vm);
	assert_int_equal(vm_enable_cmo(&w.vm), -EINVAL);
	world_end(&w);
}

/* One VMA of several is enough to refuse the slot. */
static void each_vma_counts(void **state)
{
	struct slot_request req = { 0, 0, IPA, 3 * PAGE, HVA_BASE };

	for (unsigned int bad = 0; bad < 4; bad++) {
		world_begin(&w, &host_a76, 40);
		for (unsigned int i = 0; i < 3; i++) {
			struct emu_vma vma = {
				.begin = HVA_BASE + i * PAGE,
				.end = HVA_BASE + (i + 1) * PAGE,
				.kind = i == bad ? BACKING_PFN_CACHED : BACKING_RAM,
				.hpa = emu_ram_alloc(0),
			};

			emu_mm_add(&vma);
		}
		assert_int_equal(vm_slot_set(&w.vm, &req), bad < 3 ? -EINVAL : 0);
		world_end(&w);
	}
}

/* A slot whose memory has become another: moved, logged, or left alone. */
static void asked_again(void **state)
{
	struct slot_request move = { 0, 0, 2 * IPA, BLOCK, HVA_BASE };
	struct slot_request log = { 0, ABI_MEM_LOG_DIRTY_PAGES, IPA, BLOCK, HVA_BASE };
	struct slot_request same = { 0, 0, IPA, BLOCK, HVA_BASE };
	struct slot_request gone = { 0, 0, 0, 0, HVA_BASE };
	struct emu_vma *vma;

	world_begin(&w, &host_a76, 40);
	vma = world_ram(&w, 0, IPA, BLOCK, 0);
	hva_changes(vma, BACKING_PFN_CACHED);
	assert_int_equal(vm_slot_set(&w.vm, &move), -EINVAL);
	assert_int_equal(vm_slot_set(&w.vm, &log), -EINVAL);
	/* The slot is what it was, and its memory may come back. */
	assert_int_equal(vm_slot_set(&w.vm, &same), 0);
	hva_changes(vma, BACKING_PFN_DEVICE);
	assert_int_equal(vm_slot_set(&w.vm, &log), -EINVAL);
	hva_changes(vma, BACKING_RAM);
	assert_int_equal(vm_slot_set(&w.vm, &log), 0);
	assert_int_equal(vm_slot_set(&w.vm, &gone), 0);
	world_end(&w);
}

struct change_case {
	enum backing_kind kind;
	const struct host *host;
	enum vm_outcome outcome; /* of a load */
	enum emu_type type;	 /* if that is VM_RESUME */
};

/* The VMA is replaced under a live slot: an exit, or the type of what is there now. */
static void replaced(void **state)
{
	static const struct change_case cases[] = {
		{ BACKING_PFN_CACHED, &host_max, VM_RESUME, EMU_WB },
		{ BACKING_PFN_CACHED, &host_a710, VM_EXIT_FAULT, 0 },
		{ BACKING_PFN_CACHED, &host_a76, VM_EXIT_FAULT, 0 },
		{ BACKING_PFN_NC, &host_max, VM_RESUME, EMU_NC },
		{ BACKING_PFN_NC, &host_a76, VM_RESUME, EMU_NC },
		{ BACKING_PFN_DEVICE, &host_max, VM_RESUME, EMU_nGnRE },
		{ BACKING_PFN_DEVICE, &host_a76, VM_RESUME, EMU_nGnRE },
		{ BACKING_RAM_UNCACHED, &host_max, VM_RESUME, EMU_nGnRE },
		{ BACKING_RAM_UNCACHED, &host_a76, VM_RESUME, EMU_nGnRE },
		{ BACKING_POISON, &host_max, VM_EXIT_FAULT, 0 },
		{ BACKING_NONE, &host_max, VM_EXIT_FAULT, 0 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct change_case *c = &cases[i];
		struct vm_fault_result r;
		struct emu_vma *vma;

		world_begin(&w, c->host, 40);
		vma = world_ram(&w, 0, IPA, BLOCK, 9);
		world_access(&w, IPA, EMU_WRITE);
		hva_changes(vma, c->kind);
		r = world_access(&w, IPA + PAGE, EMU_READ);
		assert_int_equal(r.outcome, c->outcome);
		if (r.outcome == VM_EXIT_FAULT) {
			assert_int_equal(r.flags, ABI_EXIT_READ);
			assert_int_equal(r.gpa, IPA + PAGE);
			assert_int_equal(r.error, c->kind == BACKING_POISON ? -EHWPOISON : -EFAULT);
			assert_int_equal(world_walk(&w, IPA, EMU_READ).fault,
					 EMU_FAULT_TRANSLATION);
		} else {
			assert_int_equal(world_walk(&w, IPA + PAGE, EMU_READ).type, c->type);
		}
		world_end(&w);
	}
}

/* Nobody executes or walks in device memory: the guest gets an abort, each time. */
static void no_fetch_from_a_device(void **state)
{
	static const enum backing_kind kinds[] = { BACKING_PFN_NC, BACKING_PFN_DEVICE,
						   BACKING_RAM_UNCACHED };

	for (unsigned int i = 0; i < 3; i++) {
		bool device = kinds[i] != BACKING_PFN_NC;
		struct vm_fault_result r;

		world_begin(&w, &host_max, 40);
		world_slot(&w, 0, 0, IPA, BLOCK, (struct emu_vma){ .kind = kinds[i] });
		for (unsigned int times = 0; times < 3; times++) {
			r = world_fault(&w, IPA, ACCESS_FETCH, PERM_X, times > 1);
			assert_int_equal(r.outcome, VM_INJECT_ABORT);
			/* Mapped for data meanwhile. */
			world_access(&w, IPA, EMU_READ);
		}
		r = world_fault(&w, IPA + PAGE, ACCESS_WALK, PERM_R, false);
		assert_int_equal(r.outcome, device ? VM_INJECT_ABORT : VM_RESUME);
		/* HCR_EL2.PTW: a permission fault of a page that grants all there is. */
		world_access(&w, IPA + 2 * PAGE, EMU_WRITE);
		for (unsigned int times = 0; device && times < 2; times++)
			r = world_fault(&w, IPA + 2 * PAGE, ACCESS_WALK, PERM_R, true);
		assert_int_equal(r.outcome, device ? VM_INJECT_ABORT : VM_RESUME);
		world_end(&w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cacheable_pfnmap), cmocka_unit_test(opt_in_closes),
		cmocka_unit_test(each_vma_counts),  cmocka_unit_test(asked_again),
		cmocka_unit_test(replaced),	    cmocka_unit_test(no_fetch_from_a_device),
	};

	return RUN(tests);
}
