// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The order of things: what the tables say of a page at the moment of each barrier, TLBI,
 * cache and tag operation (Arm ARM D8.17; docs/abi.md 6 and 9).
 */
#include "world.h"

#define IPA 0x40000000ULL

static struct world w;
static u64 watched;

static u64 desc_now(void *arg)
{
	struct emu_walk walk = emu_mmu_access(&w.mmu, watched, EMU_READ);

	return walk.fault == EMU_FAULT_TRANSLATION ? 0 : walk.desc;
}

static void watch(u64 ipa)
{
	emu_log_reset();
	watched = ipa;
	emu_log_watch(desc_now, NULL);
}

/* All events of @kind came while the watched page was mapped, or was not, as @mapped says. */
static unsigned int assert_all(enum emu_event_kind kind, bool mapped)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < emu_log_count(); i++)
		if (emu_log_at(i)->kind == kind) {
			assert_int_equal(emu_log_at(i)->desc != 0, mapped);
			n++;
		}
	return n;
}

/* A barrier makes the change of the tables visible before each TLBI. */
static void assert_barriers(void)
{
	for (unsigned int i = 0; i < emu_log_count(); i++)
		if (emu_log_at(i)->kind == EMU_TLBI_RANGE)
			assert_true(i && emu_log_at(i - 1)->kind == EMU_DSB);
}

static void assert_tlbi(u64 ipa, u64 size)
{
	const struct emu_event *e = emu_log_find(EMU_TLBI_RANGE, 0);

	assert_barriers();
	assert_int_equal(emu_log_count_of(EMU_TLBI_RANGE), 1);
	assert_true(e->first <= ipa / PAGE && e->first + e->count >= (ipa + size) / PAGE);
}

/* The last event is a barrier, with the page mapped. */
static void assert_barrier_last(void)
{
	const struct emu_event *e = emu_log_at(emu_log_count() - 1);

	assert_true(e && e->kind == EMU_DSB && e->desc);
}

static void first_mapping(void **state)
{
	world_begin(&w, &host_max, 40);
	world_ram(&w, 0, IPA, BLOCK, 9);
	watch(IPA);
	world_access(&w, IPA, EMU_WRITE);
	assert_int_equal(emu_log_count_of(EMU_TLBI_RANGE) + emu_log_count_of(EMU_TLBI_VMID), 0);
	assert_int_equal(emu_log_count_of(EMU_CLEAN_POC), 0);
	assert_int_equal(emu_log_count_of(EMU_ICACHE_POU), 0);
	assert_int_equal(emu_log_count_of(EMU_TAGS), 0);
	assert_barrier_last();
	world_end(&w);
}

/* Tags of exactly the leaf, while the guest cannot see it yet. */
static void tags_before_the_page(void **state)
{
	for (unsigned int order = 0; order <= 9; order += 9) {
		struct emu_vma *vma;
		const struct emu_event *e;

		world_begin(&w, &host_n2, 40);
		assert_int_equal(vm_enable_mte(&w.vm), 0);
		vma = world_ram(&w, 0, IPA, BLOCK, order);
		watch(IPA + 5 * PAGE);
		world_access(&w, IPA + 5 * PAGE, EMU_READ);
		assert_int_equal(assert_all(EMU_TAGS, false), 1);
		e = emu_log_find(EMU_TAGS, 0);
		assert_int_equal(e->count, 1U << order);
		assert_int_equal(e->first, vma->hpa.addr + (order ? 0 : 5 * PAGE));
		/* More permission for the same page is no second time. */
		world_access(&w, IPA + 5 * PAGE, EMU_TAG_WRITE);
		assert_int_equal(emu_log_count_of(EMU_TAGS), 1);
		world_end(&w);
	}
}

static void no_tags_without_need(void **state)
{
	struct emu_vma device = { .kind = BACKING_PFN_DEVICE };
	struct emu_vma file = { .kind = BACKING_RAM };

	world_begin(&w, &host_max, 40);
	assert_int_equal(vm_enable_mte(&w.vm), 0);
	world_slot(&w, 0, ABI_MEM_TAGS_OPTIONAL, IPA, BLOCK, file);
	world_slot(&w, 1, ABI_MEM_TAGS_OPTIONAL, IPA + GIB, BLOCK, device);
	world_access(&w, IPA, EMU_WRITE);
	world_access(&w, IPA + GIB, EMU_WRITE);
	assert_int_equal(emu_log_count_of(EMU_TAGS), 0);
	world_end(&w);
}

static void caches_without_fwb(void **state)
{
	world_begin(&w, &host_a76, 40);
	world_ram(&w, 0, IPA, BLOCK, 0);
	watch(IPA);
	world_access(&w, IPA, EMU_WRITE);
	/* Clean for the guest's uncached reads; instructions as DIC is not there either. */
	assert_int_equal(assert_all(EMU_CLEAN_POC, false), 1);
	assert_int_equal(assert_all(EMU_ICACHE_POU, false), 1);
	emu_log_reset();
	watch(IPA);
	vm_hva_invalidate_begin(&w.vm, HVA_BASE, HVA_BASE + PAGE);
	/* First out of the tables and TLBs, then out of the caches. */
	assert_int_equal(assert_all(EMU_CLEAN_POC, false), 1);
	assert_int_equal(emu_log_at(0)->kind, EMU_DSB);
	assert_int_equal(emu_log_at(1)->kind, EMU_TLBI_RANGE);
	assert_int_equal(emu_log_at(1)->desc, 0);
	assert_int_equal(emu_log_at(2)->kind, EMU_CLEAN_POC);
	assert_barriers();
	/* The table that is empty now goes as well, and what walks have cached of it. */
	assert_int_equal(emu_log_find(EMU_TLBI_RANGE, 3)->level, -1);
	vm_hva_invalidate_end(&w.vm, HVA_BASE, HVA_BASE + PAGE);
	world_end(&w);
}

/* Nobody waits for a GiB to be cleaned, with the lock held: neither to be mapped nor after. */
static void no_cleaning_of_a_gib(void **state)
{
	struct emu_vma huge = { .kind = BACKING_RAM, .order = 18, .hpa = hpa_of(64 * GIB) };

	world_begin(&w, &host_a76, 40);
	world_slot(&w, 0, 0, IPA, GIB, huge);
	emu_log_reset();
	world_fault(&w, IPA + BLOCK, ACCESS_DATA, PERM_R, false);
	assert_int_equal(s2_lookup(&w.vm.s2, gpa_gfn(gpa_of(IPA + BLOCK))).level, 2);
	vm_hva_invalidate_begin(&w.vm, HVA_BASE, HVA_BASE + GIB);
	vm_hva_invalidate_end(&w.vm, HVA_BASE, HVA_BASE + GIB);
	assert_int_equal(emu_log_count_of(EMU_CLEAN_POC), 2);
	for (unsigned int i = 0; i < emu_log_count(); i++)
		if (emu_log_at(i)->kind == EMU_CLEAN_POC)
			assert_int_equal(emu_log_at(i)->count, BLOCK);
	world_end(&w);
}

static void instruction_caches(void **state)
{
	world_begin(&w, &host_a710, 40);
	world_ram(&w, 0, IPA, BLOCK, 9);
	world_attr(&w, IPA, BLOCK, ATTR_SET, ABI_ATTR_NX);
	watch(IPA);
	world_access(&w, IPA, EMU_WRITE);
	assert_int_equal(emu_log_count_of(EMU_ICACHE_POU), 0);
	world_attr(&w, IPA, BLOCK, ATTR_CLEAR, ABI_ATTR_NX);
	watch(IPA);
	world_access(&w, IPA, EMU_FETCH_EL0);
	/* In place: the page is there, and cannot be fetched from before the maintenance. */
	assert_int_equal(assert_all(EMU_ICACHE_POU, true), 1);
	assert_true(emu_log_find(EMU_ICACHE_POU, 0)->desc & 2ULL << 53);
	assert_int_equal(emu_log_find(EMU_ICACHE_POU, 0)->count, BLOCK);
	assert_int_equal(emu_log_count_of(EMU_CLEAN_POC), 0);
	world_end(&w);
}

/* A permission is added in place, and the TLBs forget the old entry. */
static void relaxing(void **state)
{
	struct emu_vma *vma;

	world_begin(&w, &host_max, 40);
	vma = world_ram(&w, 0, IPA, BLOCK, 0);
	world_attr(&w, IPA, PAGE, ATTR_SET, ABI_ATTR_NW);
	world_access(&w, IPA, EMU_READ);
	world_attr(&w, IPA, PAGE, ATTR_CLEAR, ABI_ATTR_NW);
	watch(IPA);
	world_access(&w, IPA, EMU_WRITE);
	assert_int_equal(assert_all(EMU_TLBI_RANGE, true), 1);
	assert_tlbi(IPA, PAGE);
	assert_int_equal(emu_log_find(EMU_TLBI_RANGE, 0)->level, 3);
	assert_true(emu_log_find(EMU_TLBI_RANGE, 0)->desc & 1 << 7);
	assert_true(vma->hpa.addr);
	world_end(&w);
}

/* Tags denied, then granted: other memory attributes, so break, TLBI, make. */
static void break_before_make(void **state)
{
	world_begin(&w, &host_max, 40);
	assert_int_equal(vm_enable_mte(&w.vm), 0);
	world_ram(&w, 0, IPA, BLOCK, 0);
	world_attr(&w, IPA, PAGE, ATTR_SET, ABI_ATTR_NT);
	world_access(&w, IPA, EMU_READ);
	/* Tags that the guest cannot reach are left alone. */
	assert_int_equal(emu_log_count_of(EMU_TAGS), 0);
	world_attr(&w, IPA, PAGE, ATTR_CLEAR, ABI_ATTR_NT);
	watch(IPA);
	world_access(&w, IPA, EMU_TAG_READ);
	assert_int_equal(emu_log_at(0)->kind, EMU_DSB);
	assert_int_equal(emu_log_at(0)->desc, 0);
	assert_int_equal(emu_log_at(1)->kind, EMU_TLBI_RANGE);
	assert_int_equal(emu_log_at(1)->desc, 0);
	assert_int_equal(assert_all(EMU_TAGS, false), 1);
	assert_barrier_last();
	world_end(&w);
}

/* A block over a table: what walks have cached must go as well, and only then the table. */
static void block_over_table(void **state)
{
	struct emu_vma *vma;

	world_begin(&w, &host_max, 40);
	vma = world_ram(&w, 0, IPA, BLOCK, 0);
	world_access(&w, IPA, EMU_READ);
	vma->order = 9;
	watch(IPA);
	world_access(&w, IPA + PAGE, EMU_READ);
	assert_int_equal(world_walk(&w, IPA, EMU_READ).level, 2);
	assert_int_equal(assert_all(EMU_TLBI_RANGE, false), 1);
	assert_tlbi(IPA, BLOCK);
	assert_int_equal(emu_log_find(EMU_TLBI_RANGE, 0)->level, -1);
	assert_barrier_last();
	world_end(&w);
}

/* Narrowing a range is one invalidation, after the last entry. */
static void narrowing(void **state)
{
	world_begin(&w, &host_max, 40);
	world_ram(&w, 0, IPA, 2 * BLOCK, 0);
	/* Every other page, so that no block can be made of them. */
	for (u64 at = 0; at < 2 * BLOCK; at += 2 * PAGE)
		world_access(&w, IPA + at, EMU_WRITE);
	watch(IPA + 2 * BLOCK - 2 * PAGE);
	world_attr(&w, IPA, 2 * BLOCK, ATTR_SET, ABI_ATTR_NW);
	assert_int_equal(emu_log_count_of(EMU_TLBI_RANGE), 1);
	assert_tlbi(IPA, 2 * BLOCK - PAGE);
	assert_false(emu_log_find(EMU_TLBI_RANGE, 0)->desc & 1 << 7);
	watch(IPA);
	world_attr(&w, IPA, 2 * BLOCK, ATTR_SET, ABI_ATTR_NW);
	assert_int_equal(emu_log_count_of(EMU_TLBI_RANGE), 0);
	world_attr(&w, IPA, 2 * BLOCK, ATTR_CLEAR, ABI_ATTR_NW);
	assert_int_equal(emu_log_count_of(EMU_TLBI_RANGE), 0);
	world_end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_mapping),
		cmocka_unit_test(tags_before_the_page),
		cmocka_unit_test(no_tags_without_need),
		cmocka_unit_test(caches_without_fwb),
		cmocka_unit_test(no_cleaning_of_a_gib),
		cmocka_unit_test(instruction_caches),
		cmocka_unit_test(relaxing),
		cmocka_unit_test(break_before_make),
		cmocka_unit_test(block_over_table),
		cmocka_unit_test(narrowing),
	};

	return RUN(tests);
}
