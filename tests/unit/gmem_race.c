// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Conversions beside guests that use the pages, holes in the file and slots that go: in turns by
 * a seed. What a guest has is never a page that the file has given up, whatever the TLBs hold;
 * when a call returns, what was given up is nobody's.
 */
#include "gmem.h"
#include "scheduler.h"
#include "world.h"

#define IPA    0x40000000ULL
#define PAGES  4ULL
#define ROUNDS 6
#define SEEDS  400

static struct world w;
static struct seam_gmem file;
static struct hpa vmm; /* PAGES of its memory */

static bool private_now(u64 page)
{
	return vm_gfn_private(&w.vm, gpa_gfn(gpa_of(IPA + page * PAGE)));
}

/* One access, as far as the hardware lets it: between these two nobody invalidates a TLB. */
static bool access_once(u64 gpa)
{
	u64 page;
	struct emu_walk walk;
	bool good;

	emu_mmu_begin();
	walk = emu_tlb_access(&w.mmu, gpa, EMU_WRITE, emu_sched_random(1024));
	good = walk.fault || walk.pa - vmm.addr < PAGES * PAGE ||
	       emu_gmem_has(&file, hpa_of(walk.pa & ~(PAGE - 1)), &page);
	emu_mmu_end();
	if (!good)
		emu_sched_fail("a guest has a page that the file has given up");
	return !walk.fault;
}

static void guest(void *cache)
{
	for (int i = 0; i < ROUNDS; i++) {
		u64 gpa = IPA + emu_sched_random(PAGES) * PAGE;
		struct access access = { gpa_of(gpa), ACCESS_DATA, PERM_W, false };
		struct vm_fault_result result;

		if (!access_once(gpa))
			vm_fault(&w.vm, cache, &access, &result);
		access_once(gpa);
	}
}

/* Memory that is at an address while it is shared leaves nothing in the file. */
static void assert_given_up(u64 first, u64 end)
{
	for (u64 page = first; page < end; page++)
		if (file.there[page] && !private_now(page))
			emu_sched_fail("the file has a page that is shared");
}

static void converter(void *split)
{
	for (int i = 0; i < ROUNDS; i++) {
		u64 page = emu_sched_random(PAGES), count = 1 + emu_sched_random(PAGES - page);
		enum attr_op op = emu_sched_random(2) ? ATTR_SET : ATTR_CLEAR;

		if (vm_attr_set(&w.vm, world_gfns(IPA + page * PAGE, count * PAGE), op,
				ABI_ATTR_PRIVATE))
			emu_sched_fail("a conversion fails");
		for (u64 at = page; at < page + count; at++)
			if (private_now(at) != (op == ATTR_SET))
				emu_sched_fail("a page is not what it was made");
		if (split)
			assert_given_up(page, page + count);
	}
	if (split)
		assert_given_up(0, PAGES);
}

/* As the owner makes holes. */
static void puncher(void *arg)
{
	for (int i = 0; i < ROUNDS; i++) {
		u64 page = emu_sched_random(PAGES);

		seam_rwsem_write_lock(&w.vm.gmem_lock);
		if (file.bound[page]) {
			u64 nr = file.bound[page] - 1;

			vm_gmem_invalidate_begin(&w.vm, (struct gfn_range){ nr, nr + 1 });
			seam_gmem_drop(&file, page, 1);
			vm_gmem_invalidate_end(&w.vm);
		}
		seam_rwsem_write_unlock(&w.vm.gmem_lock);
	}
}

static void slot_set(void *all)
{
	struct slot_request req = { 0, ABI_MEM_GUEST_MEMFD, IPA, PAGES * PAGE, HVA_BASE };
	struct slot_file slot_file = { .gmem = &file, .all = all };

	if (vm_slot_set_file(&w.vm, &req, &slot_file))
		emu_sched_fail("the slot is refused");
}

static void slotter(void *all)
{
	for (int i = 0; i < 2; i++) {
		struct slot_request gone = { 0 };

		if (vm_slot_set(&w.vm, &gone))
			emu_sched_fail("the slot stays");
		if (file.refs)
			emu_sched_fail("the file is bound to no slot");
		slot_set(all);
	}
}

static void run(bool all, void (*other)(void *arg))
{
	for (u64 seed = 0; seed < SEEDS; seed++) {
		struct s2_cache caches[2] = { 0 };
		struct emu_vma vma = {
			.begin = HVA_BASE,
			.end = HVA_BASE + PAGES * PAGE,
			.kind = BACKING_RAM,
		};
		const struct emu_actor actors[] = {
			{ "vcpu 1", guest, &caches[0] },
			{ "vcpu 2", guest, &caches[1] },
			{ "VMM", converter, !all && other == puncher ? &w : NULL },
			{ "another", other, all ? &w : NULL },
		};
		const char *error;

		world_begin(&w, &host_max, 40);
		emu_gmem_make(&file, 0);
		vmm = emu_ram_alloc(2);
		vma.hpa = vmm;
		emu_mm_add(&vma);
		slot_set(all ? &w : NULL);
		error = emu_sched_run(seed, actors, 4);
		if (error)
			fail_msg("%s", error);
		s2_cache_drain(&caches[0]);
		s2_cache_drain(&caches[1]);
		world_end(&w);
		assert_int_equal(file.refs, 0);
	}
}

static void holes_in_split_memory(void **state)
{
	run(false, puncher);
}

static void holes_in_all_of_it(void **state)
{
	run(true, puncher);
}

static void slots_that_go(void **state)
{
	run(false, slotter);
	run(true, slotter);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(holes_in_split_memory),
		cmocka_unit_test(holes_in_all_of_it),
		cmocka_unit_test(slots_that_go),
	};

	return RUN(tests);
}
