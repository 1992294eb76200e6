// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The TLB model: sequences of stores, barriers and invalidations, done by hand as the Arm ARM
 * has them (D8.16), or with a mistake that must be found. Each begins with one page mapped at
 * PAGE_GFN, in a table that a table of level 2 points to.
 */
#include "world.h"

#define VMID	 5
#define TABLE	 3ULL
#define LEAF	 0x7c3ULL /* a page: read, write, AF, inner shareable, Device: MemAttr 0 */
#define BLOCK2	 0x7c1ULL
#define MEMATTR	 0x3cULL
#define READ_BIT BIT_ULL(6)
#define WRITABLE BIT_ULL(7)
#define AF	 BIT_ULL(10)
#define PA	 0x880000000ULL
#define PAGE_GFN 0x40007ULL /* in the second GiB, the first 2 MiB */
#define SPAN_GFN 0x40000ULL
#define SPAN	 512ULL

/* T0SZ for 39 bits, SL0 for level 1, PS for 48 bits. */
#define VTCR (25 | 1ULL << 6 | 5ULL << 16 | BIT_ULL(31))

static u64 *root, *mid, *last, *entry;
static struct seam_tlb ours = { VMID }, others = { VMID + 1 };

static u64 to_table(const u64 *table)
{
	return seam_table_hpa(table).addr | TABLE;
}

static void begin(u8 bbm)
{
	emu_phys_reset();
	root = seam_table_alloc();
	mid = seam_table_alloc();
	last = seam_table_alloc();
	root[1] = to_table(mid);
	mid[0] = to_table(last);
	entry = &last[7];
	*entry = PA | LEAF;
	emu_tlb_begin(&(struct emu_tlb_vm){ seam_table_hpa(root).addr, VTCR, VMID, bbm });
}

static void tlbi(u64 gfn, u64 pages, int level)
{
	seam_tlbi_range(&ours, gfn_of(gfn), pages, level);
}

/* Break, as it should be. */
static void break_page(void)
{
	WRITE_ONCE(*entry, 0);
	seam_dsb_ishst();
	tlbi(PAGE_GFN, 1, 3);
}

static void break_table(void)
{
	WRITE_ONCE(mid[0], 0);
	seam_dsb_ishst();
	tlbi(SPAN_GFN, SPAN, -1);
}

static void make(u64 *at, u64 desc)
{
	smp_store_release(at, desc);
	seam_dsb_ishst();
}

static u64 *pages_table(u64 pa, u64 bits)
{
	u64 *table = seam_table_alloc();

	for (unsigned int i = 0; i < SPAN; i++)
		table[i] = (pa + i * PAGE) | bits;
	return table;
}

/* --- What is right. --- */

static void unmap(void)
{
	break_page();
	emu_tlb_op_end();
	emu_tlb_page_gone(hpa_of(PA), PAGE);
}

static void remap(void)
{
	break_page();
	make(entry, (PA + GIB) | LEAF);
	emu_tlb_op_end();
}

static void narrow(void)
{
	WRITE_ONCE(*entry, *entry & ~WRITABLE);
	seam_dsb_ishst();
	tlbi(PAGE_GFN, 1, 3);
	emu_tlb_op_end();
}

static void narrow_all(void)
{
	WRITE_ONCE(*entry, *entry & ~WRITABLE);
	seam_dsb_ishst();
	seam_tlbi_vmid(&ours);
	emu_tlb_op_end();
}

static void get_old(void)
{
	seam_bits_clear(entry, AF);
	emu_tlb_op_end();
}

/* The old entry may still be held when the page that lost its age is unmapped. */
static void get_old_and_unmap(void)
{
	get_old();
	break_page();
	emu_tlb_op_end();
	assert_int_equal(emu_tlb_ghosts(), 0);
}

static void drop_table(void)
{
	break_table();
	seam_table_free(last);
	emu_tlb_op_end();
	assert_int_equal(emu_tlb_ghosts(), 0);
}

static void drop_tree(void)
{
	WRITE_ONCE(root[1], 0);
	seam_dsb_ishst();
	tlbi(0x40000, 0x40000, -1);
	seam_table_free(last);
	seam_table_free(mid);
	emu_tlb_op_end();
}

static void table_to_block(void)
{
	break_table();
	make(&mid[0], PA | BLOCK2);
	seam_table_free(last);
	emu_tlb_op_end();
}

/* FEAT_BBM level 2: in place, and the TLBI after it. */
static void join_and_split_in_place(void)
{
	u64 *pages = pages_table(PA, LEAF), *again = pages_table(PA, LEAF);

	break_table();
	make(&mid[0], to_table(pages));
	smp_store_release(&mid[0], PA | BLOCK2);
	seam_dsb_ishst();
	tlbi(SPAN_GFN, SPAN, -1);
	seam_table_free(pages);
	smp_store_release(&mid[0], to_table(again));
	seam_dsb_ishst();
	tlbi(SPAN_GFN, SPAN, -1);
	emu_tlb_op_end();
	assert_int_equal(emu_tlb_ghosts(), 0);
}

/* --- What is not. --- */

static void replaced(void)
{
	smp_store_release(entry, (PA + GIB) | LEAF);
}

static void retyped(void)
{
	smp_store_release(entry, *entry | MEMATTR);
}

static void replaced_when_old(void)
{
	get_old();
	seam_dsb_ishst();
	tlbi(PAGE_GFN, 1, 3);
	smp_store_release(entry, (PA + GIB) | LEAF);
}

static void block_in_place(void)
{
	smp_store_release(&mid[0], PA | BLOCK2);
}

static void split_in_place(void)
{
	table_to_block();
	smp_store_release(&mid[0], to_table(pages_table(PA, LEAF)));
}

static void split_to_other_memory(void)
{
	table_to_block();
	smp_store_release(&mid[0], to_table(pages_table(PA + GIB, LEAF)));
}

static void join_of_other_type(void)
{
	smp_store_release(&mid[0], (PA - 7 * PAGE) | BLOCK2 | MEMATTR);
}

/* Block and pages may both be held then: no level is true of all. */
static void split_with_a_level(void)
{
	table_to_block();
	smp_store_release(&mid[0], to_table(pages_table(PA, LEAF)));
	seam_dsb_ishst();
	tlbi(SPAN_GFN, SPAN, 2);
	emu_tlb_op_end();
}

static void split_without_tlbi(void)
{
	u64 *pages = pages_table(PA, LEAF);

	table_to_block();
	make(&mid[0], to_table(pages));
	emu_tlb_op_end();
}

static void made_at_once(void)
{
	WRITE_ONCE(*entry, 0);
	seam_dsb_ishst();
	make(entry, (PA + GIB) | LEAF);
}

static void made_before_dsb(void)
{
	WRITE_ONCE(*entry, 0);
	tlbi(PAGE_GFN, 1, 3);
	make(entry, (PA + GIB) | LEAF);
}

static void not_flushed(void)
{
	WRITE_ONCE(*entry, 0);
	seam_dsb_ishst();
	emu_tlb_op_end();
}

static void flushed_first(void)
{
	/* A store that is not ours before it, so that the TLBI is not the machine's first. */
	WRITE_ONCE(last[9], 0x100);
	seam_dsb_ishst();
	tlbi(PAGE_GFN, 1, 3);
	WRITE_ONCE(*entry, *entry & ~WRITABLE);
	seam_dsb_ishst();
	emu_tlb_op_end();
}

static void flushed_elsewhere(void)
{
	WRITE_ONCE(*entry, *entry & ~WRITABLE);
	seam_dsb_ishst();
	tlbi(SPAN_GFN, PAGE_GFN - SPAN_GFN, 3);
	emu_tlb_op_end();
}

static void flushed_other_level(void)
{
	WRITE_ONCE(*entry, *entry & ~READ_BIT);
	seam_dsb_ishst();
	tlbi(PAGE_GFN, 1, 2);
	emu_tlb_op_end();
}

static void flushed_other_vmid(void)
{
	WRITE_ONCE(*entry, *entry & ~WRITABLE);
	seam_dsb_ishst();
	seam_tlbi_range(&others, gfn_of(PAGE_GFN), 1, 3);
	emu_tlb_op_end();
}

static void table_flushed_as_leaves(void)
{
	WRITE_ONCE(mid[0], 0);
	seam_dsb_ishst();
	tlbi(SPAN_GFN, SPAN, 3);
	emu_tlb_op_end();
}

/* The walk cache goes with any page of the table; the page itself does not. */
static void table_flushed_in_part(void)
{
	WRITE_ONCE(mid[0], 0);
	seam_dsb_ishst();
	tlbi(SPAN_GFN, 1, -1);
	emu_tlb_op_end();
}

static void old_page_not_flushed(void)
{
	get_old();
	WRITE_ONCE(*entry, 0);
	seam_dsb_ishst();
	emu_tlb_op_end();
}

static void widened(void)
{
	narrow();
	smp_store_release(entry, *entry | WRITABLE);
	seam_dsb_ishst();
	emu_tlb_op_end();
}

static void made_unseen(void)
{
	smp_store_release(&last[8], PA | LEAF);
	emu_tlb_op_end();
}

static void leaf_unordered(void)
{
	WRITE_ONCE(last[8], PA | LEAF);
}

static void leaf_ordered(void)
{
	smp_wmb();
	WRITE_ONCE(last[8], PA | LEAF);
	seam_dsb_ishst();
	emu_tlb_op_end();
}

static void table_unordered(void)
{
	smp_wmb();
	WRITE_ONCE(mid[1], to_table(pages_table(PA, LEAF)));
}

static void freed_linked(void)
{
	seam_table_free(last);
}

static void freed_unflushed(void)
{
	WRITE_ONCE(mid[0], 0);
	seam_dsb_ishst();
	seam_table_free(last);
}

static void stored_after(void)
{
	drop_table();
	WRITE_ONCE(*entry, 0);
}

/* Leaves of level 2 begin at multiples of 512 pages. */
static void flushed_unaligned(void)
{
	table_to_block();
	WRITE_ONCE(mid[0], 0);
	seam_dsb_ishst();
	tlbi(SPAN_GFN + 1, SPAN, 2);
	emu_tlb_op_end();
}

static void page_mapped(void)
{
	emu_tlb_page_gone(hpa_of(PA), PAGE);
}

static void page_held(void)
{
	WRITE_ONCE(*entry, 0);
	seam_dsb_ishst();
	emu_tlb_page_gone(hpa_of(PA), PAGE);
}

/* A table that is linked no more leads there by a walk cache. */
static void page_in_lost_table(void)
{
	WRITE_ONCE(mid[0], 0);
	seam_dsb_ishst();
	tlbi(PAGE_GFN, 1, 3);
	emu_tlb_page_gone(hpa_of(PA), PAGE);
}

static void stored_plainly(void)
{
	*entry = 0;
	emu_tlb_audit();
}

static void stored_over_plainly(void)
{
	*entry = 0;
	WRITE_ONCE(*entry, 0);
}

static void linked_twice(void)
{
	smp_store_release(&mid[1], to_table(last));
}

static void linked_nowhere(void)
{
	smp_store_release(&mid[1], PA | TABLE);
}

static const struct {
	const char *name;
	void (*run)(void);
	u8 bbm;
	int rule; /* the one that complains; -1: none may */
	const char *text;
} cases[] = {
	{ "unmap", unmap, 0, -1, NULL },
	{ "remap", remap, 0, -1, NULL },
	{ "narrow", narrow, 0, -1, NULL },
	{ "narrow all", narrow_all, 0, -1, NULL },
	{ "get old", get_old, 0, -1, NULL },
	{ "get old and unmap", get_old_and_unmap, 0, -1, NULL },
	{ "drop table", drop_table, 0, -1, NULL },
	{ "drop tree", drop_tree, 0, -1, NULL },
	{ "table to block", table_to_block, 0, -1, NULL },
	{ "join and split in place", join_and_split_in_place, 2, -1, NULL },
	{ "leaf ordered", leaf_ordered, 0, -1, NULL },
	{ "replaced", replaced, 2, EMU_TLB_BREAK, "other output address" },
	{ "retyped", retyped, 2, EMU_TLB_BREAK, "other memory attributes" },
	{ "replaced when old", replaced_when_old, 0, EMU_TLB_BREAK, "other output address" },
	{ "block in place", block_in_place, 0, EMU_TLB_BREAK, "a block for a table" },
	{ "block in place, level 1", block_in_place, 1, EMU_TLB_BREAK, "a block for a table" },
	{ "split in place", split_in_place, 1, EMU_TLB_BREAK, "a table for a block" },
	{ "split to other memory", split_to_other_memory, 2, EMU_TLB_BREAK,
	  "other output address" },
	{ "join of other type", join_of_other_type, 2, EMU_TLB_BREAK, "other memory attributes" },
	{ "split without TLBI", split_without_tlbi, 2, EMU_TLB_STALE, "no TLBI" },
	{ "split with a level", split_with_a_level, 2, EMU_TLB_STALE, "TLBI of another level" },
	{ "made at once", made_at_once, 0, EMU_TLB_MAKE, "other output address; no TLBI" },
	{ "made before DSB", made_before_dsb, 0, EMU_TLB_MAKE, "TLBI before the DSB" },
	{ "not flushed", not_flushed, 0, EMU_TLB_STALE, "no TLBI" },
	{ "flushed first", flushed_first, 0, EMU_TLB_STALE, "TLBI before the store" },
	{ "flushed elsewhere", flushed_elsewhere, 0, EMU_TLB_STALE, "TLBI of another range" },
	{ "flushed, other level", flushed_other_level, 0, EMU_TLB_STALE, "TLBI of another level" },
	{ "flushed, other VMID", flushed_other_vmid, 0, EMU_TLB_STALE, "TLBI of another VMID" },
	{ "table flushed as leaves", table_flushed_as_leaves, 0, EMU_TLB_STALE,
	  "a table; TLBI of another level" },
	{ "table flushed in part", table_flushed_in_part, 0, EMU_TLB_STALE, "another translation" },
	{ "old page not flushed", old_page_not_flushed, 0, EMU_TLB_STALE, "no TLBI" },
	{ "widened", widened, 0, EMU_TLB_LESS, "no TLBI" },
	{ "made unseen", made_unseen, 0, EMU_TLB_UNSEEN, "a leaf" },
	{ "leaf unordered", leaf_unordered, 0, EMU_TLB_RELEASE, "" },
	{ "table unordered", table_unordered, 0, EMU_TLB_RELEASE, "" },
	{ "freed linked", freed_linked, 0, EMU_TLB_FREED, "still linked" },
	{ "freed unflushed", freed_unflushed, 0, EMU_TLB_FREED, "walk cache; no TLBI" },
	{ "stored after", stored_after, 0, EMU_TLB_FREED, "no table" },
	{ "flushed, unaligned", flushed_unaligned, 0, EMU_TLB_STALE, "not aligned" },
	{ "page mapped", page_mapped, 0, EMU_TLB_PAGE, "still mapped" },
	{ "page held", page_held, 0, EMU_TLB_PAGE, "a stale entry" },
	{ "page in lost table", page_in_lost_table, 0, EMU_TLB_PAGE, "still mapped" },
	{ "stored plainly", stored_plainly, 0, EMU_TLB_PLAIN, "" },
	{ "stored over plainly", stored_over_plainly, 0, EMU_TLB_PLAIN, "" },
	{ "linked twice", linked_twice, 0, EMU_TLB_TWICE, "elsewhere" },
	{ "linked nowhere", linked_nowhere, 0, EMU_TLB_TWICE, "no table" },
};

static void rules(void **state)
{
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *text;

		begin(cases[i].bbm);
		cases[i].run();
		text = emu_tlb_complaint();
		if (cases[i].rule < 0) {
			emu_tlb_audit();
			if (text)
				fail_msg("%s: %s", cases[i].name, text);
			continue;
		}
		if (!emu_tlb_complaints_of((enum emu_tlb_rule)cases[i].rule) || !text ||
		    !strstr(text, cases[i].text))
			fail_msg("%s: %s", cases[i].name, text ? text : "not found");
		assert_int_equal(emu_tlb_complaints(), 1);
	}
}

/* What an access may find while a TLBI is due, and what it may not after that. */
static void accesses(void **state)
{
	struct emu_mmu mmu = { .vtcr = VTCR, .fwb = true, .pa_bits = 48 };
	unsigned int passed = 0;

	begin(0);
	mmu.vttbr = seam_table_hpa(root).addr;
	assert_true(emu_tlb_rights(gfn_of(PAGE_GFN)).write);
	assert_false(emu_tlb_rights(gfn_of(PAGE_GFN + 1)).mapped);
	WRITE_ONCE(*entry, *entry & ~WRITABLE);
	seam_dsb_ishst();
	assert_true(emu_tlb_rights(gfn_of(PAGE_GFN)).write);
	for (u64 random = 0; random < 10; random++)
		passed += !emu_tlb_access(&mmu, PAGE_GFN * PAGE, EMU_WRITE, random).fault;
	assert_int_equal(passed, 5);
	tlbi(PAGE_GFN, 1, 3);
	assert_false(emu_tlb_rights(gfn_of(PAGE_GFN)).write);
	assert_true(emu_tlb_rights(gfn_of(PAGE_GFN)).read);
	for (u64 random = 0; random < 10; random++)
		assert_int_equal(emu_tlb_access(&mmu, PAGE_GFN * PAGE, EMU_WRITE, random).fault,
				 EMU_FAULT_PERMISSION);
	WRITE_ONCE(mid[0], 0);
	assert_true(emu_tlb_rights(gfn_of(PAGE_GFN)).read);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules),
		cmocka_unit_test(accesses),
	};

	return RUN(tests);
}
