/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Every instruction that reads or writes tags as the very first that touches two
 * neighbouring pages of region 1, and again when these have been read and written:
 * within a page, at both sides of the boundary between pages and across it, and the
 * same where blocks of 2 MiB meet. All tags and all data of both pages are compared
 * with what the Arm ARM says (D10; C6 for each instruction). Through an untagged
 * window tags are neither read nor written; a wrong logical tag stops what is checked
 * and does not matter to what is not. x0 is not 0: region 1 may be smaller, and blocks
 * are left out.
 */
#include "guest.h"

#define SEED	   5
#define TAG	   9UL
#define OLD_TAG	   3UL
#define VALUE	   0xfeedfacecafebeefUL
#define SPAN	   (2 * PAGE_SIZE)
#define GRANULES   (SPAN / MTE_GRANULE)
#define BLOCK_SIZE (2UL << 20)

enum data { DATA_KEPT, DATA_ZERO, DATA_VALUE };

struct op {
	const char *name;
	void (*run)(u64 pointer);
	u64 (*size)(void); /* what it accesses; aligned as far as the Arm ARM says */
	bool aligned;	   /* to its size, not to a granule */
	bool tags;	   /* stores the pointer's tag */
	bool checked;
	enum data data;
};

static u64 seen; /* what the last LDG or LDGM read */

static u64 size_one(void)
{
	return MTE_GRANULE;
}

static u64 size_two(void)
{
	return 2 * MTE_GRANULE;
}

static void run_stgp(u64 pointer)
{
	mte_stgp(pointer, VALUE, VALUE);
}

/* The tags that it stores are in a register: 4 bits each. */
static void run_stgm(u64 pointer)
{
	mte_stgm(pointer, mte_tag_of(pointer) * 0x1111111111111111);
}

static void run_ldg(u64 pointer)
{
	seen = mte_ldg(pointer);
}

static void run_ldgm(u64 pointer)
{
	u64 read = mte_ldgm(pointer), count = mte_block_size() / MTE_GRANULE;

	/* The tag of the granule at an address is where bits 7:4 of this say (C6.2, LDGM). */
	read >>= pointer / MTE_GRANULE % 16 * 4;
	seen = read & 0xf;
	for (u64 i = 1; i < count; i++)
		if ((read >> 4 * i & 0xf) != seen)
			seen = 16;
}

static void run_load(u64 pointer)
{
	mte_load(pointer);
}

/* Of two granules, by one instruction. */
static void run_load_across(u64 pointer)
{
	mte_load(pointer + MTE_GRANULE - 4);
}

static void run_store_two(u64 pointer)
{
	asm volatile("stp %0, %0, [%1]" ::"r"(VALUE), "r"(pointer) : "memory");
}

static const struct op ops[] = {
	{ "STG", mte_stg, size_one, .tags = true },
	{ "ST2G", mte_st2g, size_two, .tags = true },
	{ "STZG", mte_stzg, size_one, .tags = true, .data = DATA_ZERO },
	{ "STZ2G", mte_stz2g, size_two, .tags = true, .data = DATA_ZERO },
	{ "STGP", run_stgp, size_one, .tags = true, .data = DATA_VALUE },
	{ "STGM", run_stgm, mte_block_size, .aligned = true, .tags = true },
	{ "STZGM", mte_stzgm, mte_zva_size, .aligned = true, .tags = true, .data = DATA_ZERO },
	{ "DC GVA", mte_dc_gva, mte_zva_size, .aligned = true, .tags = true },
	{ "DC GZVA", mte_dc_gzva, mte_zva_size, .aligned = true, .tags = true, .data = DATA_ZERO },
	{ "DC ZVA", mte_dc_zva, mte_zva_size, .aligned = true, .checked = true, .data = DATA_ZERO },
	{ "LDG", run_ldg, size_one, .tags = false },
	{ "LDGM", run_ldgm, mte_block_size, .aligned = true },
	{ "a load", run_load, size_one, .checked = true },
	{ "a load of two granules", run_load_across, size_two, .checked = true },
	{ "a store", run_store_two, size_one, .checked = true, .data = DATA_VALUE },
};

/* What both pages should be: tags by granules, and which words have changed. */
static u8 tags[GRANULES];
static u8 changes[GRANULES];
static u64 span;
static bool fresh;

static void span_begin(u64 at, bool touched)
{
	span = at;
	fresh = !touched;
	if (touched)
		pattern_fill(at, SPAN, SEED);
	for (u64 i = 0; i < GRANULES; i++) {
		tags[i] = touched ? OLD_TAG : 0;
		changes[i] = DATA_KEPT;
		if (touched)
			mte_stg(mte_pointer(at + i * MTE_GRANULE, OLD_TAG));
	}
}

static u64 word_now(u64 at, enum data change)
{
	if (change == DATA_VALUE)
		return VALUE;
	return change == DATA_ZERO || fresh ? 0 : pattern(at, SEED);
}

static u64 span_errors(void)
{
	u64 errors = 0;

	for (u64 i = 0; i < GRANULES; i++) {
		u64 at = span + i * MTE_GRANULE, word = at | WINDOW_UNTAGGED;
		enum data change = changes[i];

		errors += mte_ldg(at) != tags[i] || mem_load64(word) != word_now(at, change) ||
			  mem_load64(word + 8) != word_now(at + 8, change);
	}
	return errors;
}

/* Runs it with these tags there, and checks on: how many faults, of the right kind. */
static u64 op_run(const struct op *op, u64 pointer)
{
	struct fault fault;

	mte_check(MTE_CHECK_SYNC);
	fault_arm();
	op->run(pointer);
	fault = fault_take();
	mte_check(MTE_CHECK_OFF);
	if (fault.count && FIELD_GET(ESR_DFSC, fault.esr) != DFSC_TAG_CHECK)
		tap_die("%s at 0x%lx: esr %lx far %lx", op->name, pointer, fault.esr, fault.far);
	return fault.count;
}

static void expect(const struct op *op, u64 at, u64 tag)
{
	for (u64 i = (at - span) / MTE_GRANULE; i < (at + op->size() - span) / MTE_GRANULE; i++) {
		if (op->tags)
			tags[i] = (u8)tag;
		if (op->data != DATA_KEPT)
			changes[i] = op->data;
	}
}

/* @offset from the start of the span: both pages are as they should be afterwards. */
static bool op_at(const struct op *op, u64 offset)
{
	u64 at = span + offset, old = tags[offset / MTE_GRANULE];
	u64 tag = op->checked ? old : TAG;

	seen = ~0UL;
	if (op_run(op, mte_pointer(at, tag))) {
		tap_note("%s at +0x%lx: a fault", op->name, offset);
		return false;
	}
	expect(op, at, tag);
	return seen == ~0UL || seen == old;
}

/* The last of the first page, the first of the second, and between them what can be. */
static u64 span_test(const struct op *op)
{
	u64 size = op->size(), wrong = 0;

	if (!op->aligned && size > MTE_GRANULE)
		wrong += !op_at(op, PAGE_SIZE - size / 2);
	wrong += !op_at(op, PAGE_SIZE - size);
	wrong += !op_at(op, PAGE_SIZE);
	wrong += !op_at(op, size);
	return wrong + span_errors();
}

static void op_test(const struct op *op, u64 at, const char *where)
{
	u64 wrong;

	span_begin(at, false);
	wrong = span_test(op);
	tap_is(wrong, 0, "%s %s, never touched", op->name, where);
	span_begin(at, true);
	wrong = span_test(op);
	tap_is(wrong, 0, "%s %s, touched before", op->name, where);
}

/* With a logical tag that memory does not have: what is checked faults, and does nothing. */
static void wrong_tag_test(const struct op *op, u64 at)
{
	u64 faults;

	span_begin(at, true);
	faults = op_run(op, mte_pointer(at + op->size(), TAG));
	if (!op->checked)
		expect(op, at + op->size(), TAG);
	tap_is(faults, op->checked, "%s with another tag: faults", op->name);
	tap_is(span_errors(), 0, "%s with another tag: tags and data", op->name);
}

/* Memory that is not Tagged has no tags: LDG reads 0 there, and none is written. */
static void untagged_test(const struct op *op, u64 at)
{
	u64 faults;

	span_begin(at, true);
	seen = 0;
	faults = op_run(op, mte_pointer((at + op->size()) | WINDOW_UNTAGGED, TAG));
	expect(op, at + op->size(), OLD_TAG);
	tap_is(faults + seen + span_errors(), 0, "%s through an untagged window", op->name);
}

/* A tag that is stored nowhere needs no memory that can hold it. */
static void exits_test(u64 at)
{
	u64 exits = control_read(CONTROL_TAG_EXITS);

	for (u32 i = 0; i < ARRAY_SIZE(ops); i++)
		op_run(&ops[i], mte_pointer(at | WINDOW_UNTAGGED, TAG));
	tap_is(control_read(CONTROL_TAG_EXITS) - exits, 0,
	       "no TAG exit through an untagged window");
}

u64 main(u64 a, unused u64 b, unused u64 c, unused u64 d)
{
	struct ram ram;
	u64 block;

	mte_need();
	ram = ram_need(1, (ARRAY_SIZE(ops) + 2) * SPAN / PAGE_SIZE);
	block = (ram.base + BLOCK_SIZE) & ~(BLOCK_SIZE - 1);
	for (u32 i = 0; !a && i < ARRAY_SIZE(ops); i++, block += BLOCK_SIZE) {
		if (block + BLOCK_SIZE > ram.end)
			tap_die("region 1 has too few blocks");
		op_test(&ops[i], block - PAGE_SIZE, "where blocks meet");
	}
	if (control_read(CONTROL_FLAGS) & CONTROL_FLAG_NOTAG)
		exits_test(ram.end - SPAN);
	for (u32 i = 0; i < ARRAY_SIZE(ops); i++)
		op_test(&ops[i], ram.base + SPAN * (i + 1), "where pages meet");
	for (u32 i = 0; i < ARRAY_SIZE(ops); i++) {
		wrong_tag_test(&ops[i], ram.base + SPAN);
		untagged_test(&ops[i], ram.base + SPAN);
	}
	tap_is(control_read(CONTROL_FAULT_EXITS), 0, "no MEMORY_FAULT exit but for tags");
	return tap_done();
}
