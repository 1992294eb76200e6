/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Tags in memory that can hold them: each instruction that stores or reads tags,
 * at EL1 and EL0, round trips; what should keep the data keeps it; a page starts
 * with tag 0; and none of it leaves the guest.
 */
#include "guest.h"

#define SEED	 11
#define PAIR_LOW 0x1010101010101010UL

static u8 page[PAGE_SIZE] __attribute__((aligned(PAGE_SIZE)));

static const u64 at = (u64)page;

static void single_test(void)
{
	u64 wrong = 0;

	tap_is(mte_ldg(at), 0, "a page starts with tag 0");
	for (u64 tag = 0; tag < 16; tag++) {
		mte_stg(mte_pointer(at, tag));
		wrong += mte_ldg(at) != tag || mte_ldg(at + MTE_GRANULE) != 0;
	}
	tap_is(wrong, 0, "STG and LDG: all 16 tags, one granule each");
	wrong = 0;
	for (u64 i = 0; i < PAGE_SIZE / MTE_GRANULE; i++)
		mte_stg(mte_pointer(at + i * MTE_GRANULE, i * 7 % 16));
	for (u64 i = 0; i < PAGE_SIZE / MTE_GRANULE; i++)
		wrong += mte_ldg(at + i * MTE_GRANULE) != i * 7 % 16;
	tap_is(wrong, 0, "STG and LDG: all granules of a page");
	tap_is(pattern_errors(at, PAGE_SIZE, SEED), 0, "STG keeps the data");
}

static void double_test(void)
{
	mte_st2g(mte_pointer(at, 9));
	tap_is(mte_ldg(at), 9, "ST2G: first granule");
	tap_is(mte_ldg(at + MTE_GRANULE), 9, "ST2G: second granule");
	tap_is(pattern_errors(at, PAGE_SIZE, SEED), 0, "ST2G keeps the data");
}

static void zeroing_test(void)
{
	u64 rest = at + 2 * MTE_GRANULE;

	mte_stzg(mte_pointer(at, 4));
	tap_is(mte_ldg(at), 4, "STZG: tag");
	tap_is(mem_load64(at) | mem_load64(at + 8), 0, "STZG: data");
	pattern_fill(at, MTE_GRANULE, SEED);
	mte_stz2g(mte_pointer(at, 5));
	tap_is(mte_ldg(at + MTE_GRANULE), 5, "STZ2G: tag");
	tap_is(mem_load64(at) | mem_load64(at + MTE_GRANULE), 0, "STZ2G: data");
	tap_is(pattern_errors(rest, at + PAGE_SIZE - rest, SEED), 0, "and no more than that");
	pattern_fill(at, PAGE_SIZE, SEED);
	mte_stgp(mte_pointer(at, 6), PAIR_LOW, ~PAIR_LOW);
	tap_is(mte_ldg(at), 6, "STGP: tag");
	tap_is(mem_load64(at), PAIR_LOW, "STGP: first word");
	tap_is(mem_load64(at + 8), ~PAIR_LOW, "STGP: second word");
	pattern_fill(at, PAGE_SIZE, SEED);
}

static void block_test(void)
{
	u64 size = mte_block_size(), tags = 0, wrong = 0;

	for (u64 i = 0; i < size / MTE_GRANULE; i++)
		tags |= (i * 5 + 3) % 16 << 4 * i;
	mte_stgm(at, tags);
	tap_is(mte_ldgm(at), tags, "STGM and LDGM: %lu bytes at once", size);
	for (u64 i = 0; i < size / MTE_GRANULE; i++)
		wrong += mte_ldg(at + i * MTE_GRANULE) != (i * 5 + 3) % 16;
	tap_is(wrong, 0, "LDG sees what STGM stored");
	tap_is(pattern_errors(at, PAGE_SIZE, SEED), 0, "STGM keeps the data");
}

static void cache_block_test(void)
{
	u64 size = mte_zva_size(), wrong = 0;

	mte_dc_gva(mte_pointer(at, 12));
	for (u64 i = 0; i < size; i += MTE_GRANULE)
		wrong += mte_ldg(at + i) != 12;
	tap_is(wrong, 0, "DC GVA tags %lu bytes", size);
	tap_is(pattern_errors(at, PAGE_SIZE, SEED), 0, "DC GVA keeps the data");
	mte_dc_gzva(mte_pointer(at, 13));
	for (u64 i = 0; i < size; i += MTE_GRANULE)
		wrong += mte_ldg(at + i) != 13 || mem_load64(at + i) || mem_load64(at + i + 8);
	tap_is(wrong, 0, "DC GZVA tags and zeroes");
	tap_is(pattern_errors(at + size, PAGE_SIZE - size, SEED), 0, "and no more than that");
}

static void random_test(void)
{
	u64 seen = 0, kept = 0;

	/* From a seed of 0 the tag never changes (Arm ARM, AArch64.NextRandomTagBit). */
	sysreg_write(RGSR_EL1, 0x1234 << 8);
	sysreg_write(GCR_EL1, 0);
	isb();
	for (u32 i = 0; i < 1000; i++) {
		u64 pointer = mte_irg(at, 0x00f1);

		seen |= 1UL << mte_tag_of(pointer);
		kept += mte_pointer(pointer, 0) == at;
	}
	tap_is(seen & 0x00f1, 0, "IRG: never an excluded tag");
	tap_ok(seen & (seen - 1), "IRG: more than one tag");
	tap_is(kept, 1000, "IRG: the address is kept");
}

static void el0_test(void)
{
	u64 there = el0_alias(page);

	el0_run(mte_stg, mte_pointer(there, 3), 0);
	tap_is(el0_run(mte_ldg, there, 0), 3, "EL0: STG and LDG");
	tap_is(mte_ldg(at), 3, "EL1 sees the tag that EL0 stored");
}

u64 main(unused u64 a, unused u64 b, unused u64 c, unused u64 d)
{
	mte_need();
	pattern_fill(at, PAGE_SIZE, SEED);
	single_test();
	double_test();
	zeroing_test();
	block_test();
	cache_block_test();
	random_test();
	el0_test();
	tap_is(control_read(CONTROL_TAG_EXITS), 0, "no TAG exit");
	tap_is(control_read(CONTROL_FAULT_EXITS), 0, "no other MEMORY_FAULT exit");
	return tap_done();
}
