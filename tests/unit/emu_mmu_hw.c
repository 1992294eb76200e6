// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The emulated walker as the hardware does it, on one page or block: permissions, access
 * flag and dirty state, memory types, stage-1 walks, sizes, and what is odd. The answers
 * are the Arm ARM's; that QEMU gives the same is tests/s2diff's to show.
 */
#include "world.h"

#define AF	(1ULL << 10)
#define DBM	(1ULL << 51)
#define CONTIG	(1ULL << 52)
#define XN(n)	((u64)(n) << 53)
#define S2AP(n) ((u64)(n) << 6)
#define ATTR(n) ((u64)(n) << 2)
#define SH(n)	((u64)(n) << 8)
#define TARGET	0x87654000ULL
#define LEAF	(TARGET | 3 | SH(3) | AF)
#define IPA	0x5000ULL

#define HA	   (1ULL << 21)
#define HD	   (1ULL << 22)
#define PS(n)	   ((u64)(n) << 16)
#define VTCR(t, s) ((64 - (u64)(t)) | (u64)(s) << 6 | PS(5) | 1ULL << 31)

static u64 *table;
static struct emu_mmu mmu;

/* 30 bits from level 2: the page is reached by entry 0 of level 2, entry 5 of level 3. */
static int begin(void **state)
{
	emu_phys_reset();
	table = seam_table_alloc_contig(16);
	table[0] = (seam_table_hpa(table).addr + 0x2000) | 3;
	mmu = (struct emu_mmu){
		.vttbr = seam_table_hpa(table).addr,
		.vtcr = VTCR(30, 0),
		.xnx = true,
		.mte_perm = true,
		.fwb = true,
		.pa_bits = 48,
		.hafdbs = 2,
		.ttst = true,
		.hardware = true,
	};
	return 0;
}

static int end(void **state)
{
	seam_table_free_contig(table, 16);
	return emu_tables_live() ? -1 : 0;
}

static u64 *leaf(void)
{
	return &table[2 * 512 + 5];
}

static struct emu_walk try(u64 desc, enum emu_access access)
{
	*leaf() = desc;
	return emu_mmu_access(&mmu, IPA, access);
}

/* What each access needs, in the order in which it is looked for. */
static const struct {
	enum emu_access access;
	bool read, write, tag;
	bool read_wnr, write_wnr, tag_wnr; /* ESR_EL2.WnR if that is what is missing */
	bool other_wnr;			   /* and in a fault of another kind */
} needs[] = {
	{ EMU_READ, true, false, false, false, false, false, false },
	{ EMU_WRITE, false, true, false, false, true, false, true },
	{ EMU_ATOMIC, true, true, false, false, true, false, false },
	{ EMU_TAG_READ, true, false, true, false, false, false, false },
	{ EMU_TAG_WRITE, false, true, true, false, true, true, true },
	{ EMU_CHECKED_READ, true, false, true, false, false, false, false },
	{ EMU_CHECKED_WRITE, false, true, true, false, true, false, true },
	{ EMU_TABLE_READ, true, false, false, false, false, false, false },
	{ EMU_TABLE_WRITE, true, true, false, false, false, false, false },
};

static void permissions(void **state)
{
	for (size_t i = 0; i < sizeof(needs) / sizeof(needs[0]); i++) {
		bool table_walk = needs[i].access >= EMU_TABLE_READ;

		for (unsigned int n = 0; n < 8; n++) {
			bool notag = n & 4;
			struct emu_walk w =
				try(LEAF | S2AP(n & 3) | ATTR(notag ? 0xf : 0x7), needs[i].access);

			assert_int_equal(w.level, 3);
			assert_int_equal(w.s1ptw, table_walk);
			if (needs[i].read && !(n & 1)) {
				assert_int_equal(w.fault, EMU_FAULT_PERMISSION);
				assert_int_equal(w.write, needs[i].read_wnr);
			} else if (needs[i].write && !(n & 2)) {
				assert_int_equal(w.fault, EMU_FAULT_PERMISSION);
				assert_int_equal(w.write, needs[i].write_wnr);
			} else if (needs[i].tag && notag) {
				assert_int_equal(w.fault, EMU_FAULT_TAG);
				assert_int_equal(w.write, needs[i].tag_wnr);
			} else {
				assert_int_equal(w.fault, EMU_FAULT_NONE);
				assert_int_equal(w.pa, TARGET);
			}
		}
		assert_int_equal(try(0, needs[i].access).write, needs[i].other_wnr);
		assert_int_equal(try(0, needs[i].access).s1ptw, table_walk);
	}
}

static void execution(void **state)
{
	for (unsigned int xn = 0; xn < 4; xn++) {
		bool el1 = xn == 0 || xn == 3, el0 = xn < 2;

		mmu.xnx = true;
		assert_int_equal(!try(LEAF | XN(xn), EMU_FETCH_EL1).fault, el1);
		assert_int_equal(!try(LEAF | XN(xn), EMU_FETCH_EL0).fault, el0);
		/* Without FEAT_XNX bit 53 is RES0. */
		mmu.xnx = false;
		assert_int_equal(!try(LEAF | XN(xn), EMU_FETCH_EL1).fault, xn < 2);
		assert_int_equal(!try(LEAF | XN(xn), EMU_FETCH_EL0).fault, xn < 2);
	}
}

/* @after: the descriptor less its address and type; 0: a fault of the access flag. */
static void one_update(u64 vtcr, u8 hafdbs, u64 desc, enum emu_access access, u64 after)
{
	struct emu_walk w;

	mmu.vtcr = VTCR(30, 0) | vtcr;
	mmu.hafdbs = hafdbs;
	w = try(TARGET | 3 | ATTR(7) | desc, access);
	if (w.fault != (after ? EMU_FAULT_NONE : EMU_FAULT_ACCESS_FLAG) || w.update != *leaf() ||
	    (after && *leaf() != (TARGET | 3 | ATTR(7) | after)))
		fail_msg("vtcr %llx desc %llx access %d: fault %d, then %llx", vtcr, desc, access,
			 w.fault, *leaf());
}

static void flags_and_dirty_state(void **state)
{
	one_update(0, 2, S2AP(3), EMU_READ, 0);
	one_update(HD, 2, S2AP(3), EMU_READ, 0);
	one_update(HA, 0, S2AP(3), EMU_READ, 0);
	one_update(HA, 1, S2AP(3), EMU_READ, S2AP(3) | AF);
	one_update(HA, 2, S2AP(3), EMU_TABLE_READ, S2AP(3) | AF);
	one_update(HA | HD, 2, DBM | S2AP(1), EMU_READ, DBM | S2AP(1) | AF);
	one_update(HA | HD, 2, DBM | S2AP(1), EMU_TAG_READ, DBM | S2AP(1) | AF);
	one_update(HA | HD, 2, DBM | S2AP(1), EMU_FETCH_EL1, DBM | S2AP(1) | AF);
	one_update(HA | HD, 2, DBM | S2AP(1), EMU_WRITE, DBM | S2AP(3) | AF);
	one_update(HA | HD, 2, DBM | S2AP(0), EMU_WRITE, DBM | S2AP(2) | AF);
	one_update(HA | HD, 2, DBM | S2AP(1), EMU_ATOMIC, DBM | S2AP(3) | AF);
	one_update(HA | HD, 2, DBM | S2AP(1), EMU_TAG_WRITE, DBM | S2AP(3) | AF);
	one_update(HA | HD, 2, DBM | S2AP(1), EMU_TABLE_WRITE, DBM | S2AP(3) | AF);
	one_update(HA | HD, 2, S2AP(3), EMU_WRITE, S2AP(3) | AF);
	/* DBM does nothing without HD, nor HD without HA or the feature. */
	mmu.vtcr = VTCR(30, 0) | HA;
	assert_int_equal(try(LEAF | DBM | S2AP(1), EMU_WRITE).fault, EMU_FAULT_PERMISSION);
	mmu.vtcr = VTCR(30, 0) | HD;
	assert_int_equal(try(LEAF | DBM | S2AP(1), EMU_WRITE).fault, EMU_FAULT_PERMISSION);
	mmu.vtcr = VTCR(30, 0) | HA | HD;
	mmu.hafdbs = 1;
	assert_int_equal(try(LEAF | DBM | S2AP(1), EMU_WRITE).fault, EMU_FAULT_PERMISSION);
	/* A fault changes nothing. */
	mmu.hafdbs = 2;
	assert_int_equal(try((LEAF | S2AP(1)) & ~AF, EMU_WRITE).fault, EMU_FAULT_PERMISSION);
	assert_int_equal(*leaf(), (LEAF | S2AP(1)) & ~AF);
}

/* By MemAttr[3:0]. FWB = 0: D8.6.5; FWB = 1: D8.6.6. */
static const enum emu_type plain_types[16] = {
	EMU_nGnRnE,  EMU_nGnRE, EMU_nGRE,  EMU_GRE,   EMU_UNKNOWN, EMU_NC,    EMU_MIXED, EMU_MIXED,
	EMU_UNKNOWN, EMU_MIXED, EMU_MIXED, EMU_MIXED, EMU_UNKNOWN, EMU_MIXED, EMU_MIXED, EMU_WB,
};
static const enum emu_type forced_types[8] = {
	EMU_nGnRnE, EMU_nGnRE, EMU_nGRE, EMU_GRE, EMU_UNKNOWN, EMU_NC, EMU_WB, EMU_WB,
};

static void types(void **state)
{
	for (unsigned int n = 0; n < 64; n++) {
		unsigned int attr = n & 15;
		bool perm = n & 16, fwb = n & 32;
		bool notag = perm && (fwb ? attr >= 14 : attr == 4);
		enum emu_type type = fwb ? forced_types[attr & 7] : plain_types[attr];
		struct emu_walk w;

		if (notag)
			type = EMU_WB;
		mmu.fwb = fwb;
		mmu.mte_perm = perm;
		w = try(LEAF | S2AP(3) | ATTR(attr), EMU_READ);
		assert_int_equal(w.fault, EMU_FAULT_NONE);
		if (w.type != type || w.notag != notag || w.tagged != (type == EMU_WB) ||
		    w.forced != (fwb && (attr & 7) == 6))
			fail_msg("fwb %d mte_perm %d attr %x: type %d notag %d forced %d", fwb,
				 perm, attr, w.type, w.notag, w.forced);
	}
}

static void stage1_walks_in_device_memory(void **state)
{
	for (unsigned int attr = 0; attr < 8; attr++) {
		u64 desc = LEAF | S2AP(3) | ATTR(attr);

		mmu.ptw = true;
		assert_int_equal(try(desc, EMU_TABLE_READ).fault,
				 attr < 4 ? EMU_FAULT_PERMISSION : EMU_FAULT_NONE);
		assert_int_equal(try(desc, EMU_READ).fault, EMU_FAULT_NONE);
		mmu.ptw = false;
		assert_int_equal(try(desc, EMU_TABLE_READ).fault, EMU_FAULT_NONE);
	}
}

/* Input sizes from a start level: least, largest; D8.2.4. */
static const struct {
	int level;
	unsigned int sl0, least, largest;
} starts[] = { { 0, 2, 40, 48 }, { 1, 1, 31, 43 }, { 2, 0, 22, 34 }, { 3, 3, 16, 25 } };

static void start_levels(void **state)
{
	memset(table, 0, 16 * PAGE);
	for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
		for (unsigned int bits = 16; bits <= 48; bits++) {
			bool fits = bits >= starts[i].least && bits <= starts[i].largest;
			unsigned int low = 12 + 9 * (3 - (unsigned int)starts[i].level);
			struct emu_walk w;

			mmu.vtcr = VTCR(bits, starts[i].sl0);
			w = emu_mmu_access(&mmu, (1ULL << bits) - 1, EMU_READ);
			assert_int_equal(w.fault, EMU_FAULT_TRANSLATION);
			assert_int_equal(w.level, fits ? starts[i].level : 0);
			if (fits)
				assert_int_equal(w.at,
						 mmu.vttbr + ((1ULL << (bits - low)) - 1) * 8);
			w = emu_mmu_access(&mmu, 1ULL << bits, EMU_READ);
			assert_int_equal(w.fault, EMU_FAULT_TRANSLATION);
			assert_int_equal(w.level, 0);
		}
	}
	/* Small tables, and a level 0 that the address size does not warrant. */
	mmu.ttst = false;
	mmu.vtcr = VTCR(25, 3);
	assert_int_equal(emu_mmu_access(&mmu, 0, EMU_READ).level, 0);
	mmu.vtcr = VTCR(24, 0);
	assert_int_equal(emu_mmu_access(&mmu, 0, EMU_READ).level, 0);
	mmu.vtcr = VTCR(25, 0);
	assert_int_equal(emu_mmu_access(&mmu, 0, EMU_READ).level, 2);
	mmu.vtcr = VTCR(40, 1);
	mmu.pa_bits = 40;
	assert_int_equal(emu_mmu_access(&mmu, 0, EMU_READ).level, 1);
	mmu.vtcr = VTCR(41, 1);
	assert_int_equal(emu_mmu_access(&mmu, 0, EMU_READ).level, 0);
	mmu.pa_bits = 42;
	mmu.vtcr = VTCR(40, 2);
	assert_int_equal(emu_mmu_access(&mmu, 0, EMU_READ).at, 0);
}

/* VTCR_EL2.PS and the address size that it means; 6 and 7 are no more with this granule. */
static const u8 sizes[] = { 32, 36, 40, 42, 44, 48, 48, 48 };

static void output_sizes(void **state)
{
	/* 32 bits do not even reach the tables. */
	mmu.vtcr &= ~PS(7);
	assert_int_equal(emu_mmu_try(&mmu, IPA, EMU_READ), EMU_FAULT_ADDRESS_SIZE);
	for (unsigned int ps = 1; ps < 8; ps++) {
		for (unsigned int pa_bits = 40; pa_bits <= 48; pa_bits += 4) {
			unsigned int size = sizes[ps] < pa_bits ? sizes[ps] : pa_bits;
			u64 beyond = 1ULL << size;

			mmu.pa_bits = (u8)pa_bits;
			mmu.vtcr = (VTCR(30, 0) & ~PS(7)) | PS(ps);
			/* All of it in level 2's entry 0: a block, then a table. */
			table[0] = (beyond - (1ULL << 21)) | 1 | ATTR(7) | S2AP(3) | AF;
			assert_int_equal(emu_mmu_try(&mmu, IPA, EMU_READ), EMU_FAULT_NONE);
			if (size == 48)
				continue;
			table[0] += 1ULL << 21;
			assert_int_equal(emu_mmu_access(&mmu, IPA, EMU_READ).level, 2);
			assert_int_equal(emu_mmu_try(&mmu, IPA, EMU_READ), EMU_FAULT_ADDRESS_SIZE);
			table[0] = beyond | 3;
			assert_int_equal(emu_mmu_try(&mmu, IPA, EMU_READ), EMU_FAULT_ADDRESS_SIZE);
			mmu.vttbr += beyond;
			assert_int_equal(emu_mmu_try(&mmu, IPA, EMU_READ), EMU_FAULT_ADDRESS_SIZE);
			assert_int_equal(emu_mmu_access(&mmu, IPA, EMU_READ).level, 0);
			mmu.vttbr -= beyond;
		}
	}
}

/* Each is refused by the strict walker, and passed over by the hardware. */
static const u64 odd_leaves[] = { 1ULL << 48, 1ULL << 50, CONTIG };
static const u64 odd_tables[] = { 1ULL << 49, 1ULL << 59, 1ULL << 63 };

static void odd_descriptors(void **state)
{
	u64 desc = LEAF | S2AP(3) | ATTR(7);
	u64 block = (TARGET & ~0x1fffffULL) | 1 | AF | S2AP(3) | ATTR(7) | SH(3);
	u64 way = table[0];

	for (unsigned int strict = 0; strict < 2; strict++) {
		enum emu_fault fault = strict ? EMU_FAULT_RESERVED : EMU_FAULT_NONE;

		mmu.hardware = !strict;
		assert_int_equal(try(desc, EMU_READ).fault, EMU_FAULT_NONE);
		for (unsigned int i = 0; i < 3; i++)
			assert_int_equal(try(desc | odd_leaves[i], EMU_READ).fault, fault);
		assert_int_equal(try((desc & ~SH(3)) | SH(1), EMU_READ).fault, fault);
		*leaf() = desc;
		for (unsigned int i = 0; i < 3; i++) {
			table[0] = way | odd_tables[i];
			assert_int_equal(emu_mmu_try(&mmu, IPA, EMU_READ), fault);
		}
		table[0] = block | 0x1000;
		assert_int_equal(emu_mmu_try(&mmu, IPA, EMU_READ), fault);
		if (!strict)
			assert_int_equal(emu_mmu_access(&mmu, IPA, EMU_READ).pa,
					 (TARGET & ~0x1fffffULL) + IPA);
		table[0] = way;
		/* The start table's alignment. */
		mmu.vttbr += 0x40;
		assert_int_equal(emu_mmu_try(&mmu, IPA, EMU_READ), fault);
		mmu.vttbr -= 0x40;
	}
	/* Reserved types are invalid in either manner: a block at level 3, one at level 0. */
	mmu.hardware = true;
	assert_int_equal(try(desc & ~2ULL, EMU_READ).fault, EMU_FAULT_TRANSLATION);
	mmu.vtcr = VTCR(48, 2);
	table[0] = block;
	assert_int_equal(emu_mmu_try(&mmu, IPA, EMU_READ), EMU_FAULT_TRANSLATION);
	assert_int_equal(emu_mmu_access(&mmu, IPA, EMU_READ).level, 0);
}

/* The steps, one by one, come to what the walk at once does. */
static void steps(void **state)
{
	struct emu_walk w, whole = try(LEAF | S2AP(1) | ATTR(7), EMU_WRITE);

	assert_int_equal(emu_mmu_start(&mmu, IPA, &w), EMU_STEP_TABLE);
	assert_int_equal(w.level, 2);
	assert_int_equal(w.at, seam_table_hpa(table).addr);
	assert_int_equal(emu_mmu_step(&mmu, IPA, &w, table[0]), EMU_STEP_TABLE);
	assert_int_equal(w.level, 3);
	assert_int_equal(w.at, seam_table_hpa(leaf()).addr);
	assert_int_equal(emu_mmu_step(&mmu, IPA, &w, *leaf()), EMU_STEP_LEAF);
	emu_mmu_leaf(&mmu, IPA, EMU_WRITE, &w);
	assert_int_equal(w.fault, EMU_FAULT_PERMISSION);
	assert_int_equal(w.level, whole.level);
	assert_int_equal(w.write, whole.write);
	assert_int_equal(w.pa, whole.pa);
	assert_int_equal(w.at, whole.at);
	assert_int_equal(w.desc, whole.desc);
	assert_int_equal(w.update, whole.update);
	assert_int_equal(emu_mmu_start(&mmu, 1ULL << 30, &w), EMU_STEP_FAULT);
	assert_int_equal(emu_mmu_start(&mmu, IPA, &w), EMU_STEP_TABLE);
	assert_int_equal(emu_mmu_step(&mmu, IPA, &w, 0), EMU_STEP_FAULT);
	assert_int_equal(w.level, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(permissions, begin, end),
		cmocka_unit_test_setup_teardown(execution, begin, end),
		cmocka_unit_test_setup_teardown(flags_and_dirty_state, begin, end),
		cmocka_unit_test_setup_teardown(types, begin, end),
		cmocka_unit_test_setup_teardown(stage1_walks_in_device_memory, begin, end),
		cmocka_unit_test_setup_teardown(start_levels, begin, end),
		cmocka_unit_test_setup_teardown(output_sizes, begin, end),
		cmocka_unit_test_setup_teardown(odd_descriptors, begin, end),
		cmocka_unit_test_setup_teardown(steps, begin, end),
	};

	return RUN(tests);
}
