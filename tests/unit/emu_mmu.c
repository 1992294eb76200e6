// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The emulated walker itself, over tables written by hand: that the other tests can
 * rely on it, its answers are stated here from the Arm ARM.
 */
#include "world.h"

#define AF	  (1ULL << 10)
#define SH_INNER  (3ULL << 8)
#define RW	  (3ULL << 6)
#define ATTR(n)	  ((u64)(n) << 2)
#define WB_PAGE	  (3ULL | ATTR(0xf) | RW | SH_INNER | AF)
#define WB_BLOCK  (1ULL | ATTR(0xf) | RW | SH_INNER | AF)
#define XN(n)	  ((u64)(n) << 53)
#define TARGET	  0x87654000ULL
#define IPA_WHOLE (1ULL << 40)

/* 40 bits, start level 1, two tables: entry 1 -> level 2, its entry 1 -> level 3. */
struct tables {
	struct emu_mmu mmu;
	u64 *root, *level2, *level3;
};

#define IPA_PAGE  (0x40000000ULL + 0x200000 + 0x3000)
#define IPA_BLOCK (0x40000000ULL + 0x200000)

static struct tables t;

static int begin(void **state)
{
	emu_phys_reset();
	t.root = seam_table_alloc_contig(2);
	t.level2 = seam_table_alloc();
	t.level3 = seam_table_alloc();
	t.root[1] = seam_table_hpa(t.level2).addr | 3;
	t.level2[1] = seam_table_hpa(t.level3).addr | 3;
	t.level3[3] = TARGET | WB_PAGE;
	t.mmu = (struct emu_mmu){
		.vttbr = seam_table_hpa(t.root).addr | 7ULL << 48,
		.vtcr = 24 | 1 << 6 | 5 << 16 | 1ULL << 31,
		.xnx = true,
		.pa_bits = 48,
	};
	return 0;
}

static int end(void **state)
{
	seam_table_free_contig(t.root, 2);
	seam_table_free(t.level2);
	seam_table_free(t.level3);
	return emu_tables_live() ? -1 : 0;
}

static enum emu_fault page(u64 desc, enum emu_access access)
{
	t.level3[3] = desc;
	return emu_mmu_try(&t.mmu, IPA_PAGE, access);
}

static void walks(void **state)
{
	struct emu_walk w = emu_mmu_access(&t.mmu, IPA_PAGE + 0x123, EMU_READ);

	assert_int_equal(w.fault, EMU_FAULT_NONE);
	assert_int_equal(w.pa, TARGET + 0x123);
	assert_int_equal(w.level, 3);
	t.level2[1] = (TARGET & ~0x1fffffULL) | WB_BLOCK;
	w = emu_mmu_access(&t.mmu, IPA_PAGE + 0x123, EMU_WRITE);
	assert_int_equal(w.fault, EMU_FAULT_NONE);
	assert_int_equal(w.pa, (TARGET & ~0x1fffffULL) + 0x3123);
	assert_int_equal(w.level, 2);
	t.root[1] = 0x8000000000ULL | WB_BLOCK;
	w = emu_mmu_access(&t.mmu, IPA_PAGE, EMU_WRITE);
	assert_int_equal(w.pa, 0x8000000000ULL + 0x203000);
	assert_int_equal(w.level, 1);
	/* The second of the concatenated tables. */
	t.root[513] = 0x4000000000ULL | WB_BLOCK;
	w = emu_mmu_access(&t.mmu, 513ULL << 30, EMU_READ);
	assert_int_equal(w.pa, 0x4000000000ULL);
}

static void faults_of_the_walk(void **state)
{
	assert_int_equal(emu_mmu_access(&t.mmu, 0, EMU_READ).level, 1);
	assert_int_equal(emu_mmu_try(&t.mmu, 0, EMU_READ), EMU_FAULT_TRANSLATION);
	assert_int_equal(emu_mmu_access(&t.mmu, IPA_BLOCK, EMU_READ).level, 3);
	assert_int_equal(emu_mmu_try(&t.mmu, IPA_BLOCK, EMU_READ), EMU_FAULT_TRANSLATION);
	assert_int_equal(emu_mmu_try(&t.mmu, IPA_WHOLE, EMU_READ), EMU_FAULT_TRANSLATION);
	/* Bit 1 clear at level 3 is reserved, hence invalid. */
	assert_int_equal(page(TARGET | (WB_PAGE & ~2ULL), EMU_READ), EMU_FAULT_TRANSLATION);
	assert_int_equal(page(TARGET | (WB_PAGE & ~AF), EMU_READ), EMU_FAULT_ACCESS_FLAG);
	t.mmu.pa_bits = 40;
	assert_int_equal(page(1ULL << 40 | WB_PAGE, EMU_READ), EMU_FAULT_ADDRESS_SIZE);
	/* A block whose address is not its own multiple. */
	t.level2[1] = 0x1000 | WB_BLOCK;
	assert_int_equal(emu_mmu_try(&t.mmu, IPA_PAGE, EMU_READ), EMU_FAULT_RESERVED);
	t.level2[1] = EMU_PHYS_BASE + (EMU_PHYS_PAGES - 9) * PAGE + 3;
	assert_int_equal(emu_mmu_try(&t.mmu, IPA_PAGE, EMU_READ), EMU_FAULT_MEMORY);
}

static void permissions(void **state)
{
	for (unsigned int s2ap = 0; s2ap < 4; s2ap++) {
		u64 desc = TARGET | (WB_PAGE & ~RW) | (u64)s2ap << 6;

		assert_int_equal(page(desc, EMU_READ), s2ap & 1 ? 0 : EMU_FAULT_PERMISSION);
		assert_int_equal(page(desc, EMU_WRITE), s2ap & 2 ? 0 : EMU_FAULT_PERMISSION);
		assert_int_equal(page(desc, EMU_FETCH_EL1), EMU_FAULT_NONE);
	}
	for (unsigned int xn = 0; xn < 4; xn++) {
		u64 desc = TARGET | WB_PAGE | XN(xn);

		assert_int_equal(!page(desc, EMU_FETCH_EL1), xn == 0 || xn == 3);
		assert_int_equal(!page(desc, EMU_FETCH_EL0), xn == 0 || xn == 1);
		assert_int_equal(page(desc, EMU_READ), EMU_FAULT_NONE);
	}
	t.mmu.xnx = false;
	assert_int_equal(page(TARGET | WB_PAGE | XN(2), EMU_FETCH_EL1), EMU_FAULT_PERMISSION);
	assert_int_equal(page(TARGET | WB_PAGE | XN(2), EMU_FETCH_EL0), EMU_FAULT_PERMISSION);
	assert_int_equal(page(TARGET | WB_PAGE | XN(1), EMU_READ), EMU_FAULT_RESERVED);
}

struct attr_case {
	bool fwb, mte_perm;
	unsigned int memattr;
	enum emu_fault fault;
	enum emu_type type;
	bool forced, notag;
};

static const struct attr_case attr_cases[] = {
	{ false, false, 0x0, EMU_FAULT_NONE, EMU_nGnRnE, false, false },
	{ false, false, 0x1, EMU_FAULT_NONE, EMU_nGnRE, false, false },
	{ false, false, 0x3, EMU_FAULT_NONE, EMU_GRE, false, false },
	{ false, false, 0x4, EMU_FAULT_RESERVED, EMU_WB, false, true },
	{ false, true, 0x4, EMU_FAULT_NONE, EMU_WB, false, true },
	{ false, false, 0x5, EMU_FAULT_NONE, EMU_NC, false, false },
	{ false, false, 0xf, EMU_FAULT_NONE, EMU_WB, false, false },
	{ false, true, 0x6, EMU_FAULT_RESERVED, EMU_WB, false, false },
	{ true, false, 0x1, EMU_FAULT_NONE, EMU_nGnRE, false, false },
	{ true, false, 0x5, EMU_FAULT_NONE, EMU_NC, false, false },
	{ true, false, 0x6, EMU_FAULT_NONE, EMU_WB, true, false },
	{ true, false, 0x7, EMU_FAULT_NONE, EMU_WB, false, false },
	{ true, false, 0xe, EMU_FAULT_RESERVED, EMU_WB, false, false },
	{ true, true, 0xe, EMU_FAULT_NONE, EMU_WB, true, true },
	{ true, true, 0xf, EMU_FAULT_NONE, EMU_WB, false, true },
	{ true, true, 0x9, EMU_FAULT_RESERVED, EMU_WB, false, true },
	{ true, true, 0x4, EMU_FAULT_RESERVED, EMU_WB, false, false },
};

static void attributes(void **state)
{
	for (size_t i = 0; i < sizeof(attr_cases) / sizeof(attr_cases[0]); i++) {
		const struct attr_case *c = &attr_cases[i];
		struct emu_walk w;

		t.mmu.fwb = c->fwb;
		t.mmu.mte_perm = c->mte_perm;
		t.level3[3] = TARGET | (WB_PAGE & ~ATTR(0xf)) | ATTR(c->memattr);
		w = emu_mmu_access(&t.mmu, IPA_PAGE, EMU_READ);
		if (w.fault != c->fault)
			fail_msg("fwb %d memattr %x: fault %d", c->fwb, c->memattr, w.fault);
		if (w.fault)
			continue;
		assert_int_equal(w.type, c->type);
		assert_int_equal(w.forced, c->forced);
		assert_int_equal(w.notag, c->notag);
		assert_int_equal(emu_mmu_try(&t.mmu, IPA_PAGE, EMU_TAG_WRITE),
				 c->notag ? EMU_FAULT_TAG : EMU_FAULT_NONE);
	}
}

static void registers(void **state)
{
	u64 vtcr = t.mmu.vtcr;

	t.mmu.vtcr = vtcr | 1 << 14; /* TG0: 64K */
	assert_int_equal(emu_mmu_try(&t.mmu, IPA_PAGE, EMU_READ), EMU_FAULT_RESERVED);
	t.mmu.vtcr = (vtcr & ~0x3fULL) | 20; /* 44 bits at level 1: 32 tables */
	assert_int_equal(emu_mmu_try(&t.mmu, IPA_PAGE, EMU_READ), EMU_FAULT_RESERVED);
	t.mmu.vtcr = vtcr;
	t.mmu.vttbr += 0x1000; /* two tables are aligned to 8K */
	assert_int_equal(emu_mmu_try(&t.mmu, IPA_PAGE, EMU_READ), EMU_FAULT_RESERVED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(walks, begin, end),
		cmocka_unit_test_setup_teardown(faults_of_the_walk, begin, end),
		cmocka_unit_test_setup_teardown(permissions, begin, end),
		cmocka_unit_test_setup_teardown(attributes, begin, end),
		cmocka_unit_test_setup_teardown(registers, begin, end),
	};

	return RUN(tests);
}
