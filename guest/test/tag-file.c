/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Memory that cannot hold tags (region 1, a file): each kind of tag access brings
 * exactly one TAG exit and one promotion for the unit it touches, comes back with
 * the right result, keeps the page's data, and further ones do not exit. Plain
 * accesses before it do not exit where the host enforces NoTagAccess; elsewhere the
 * first of them takes the one exit. Over memory that can hold tags nothing exits.
 */
#include "guest.h"

#define SEED   21
#define OFFSET 0x100 /* of what is tagged within a page */
#define TAG    11UL
#define VALUE  0x0f1e2d3c4b5a6978UL

/* A tag access at @at: returns whether its result is right, and how many bytes it wrote. */
struct result {
	bool right;
	u64 written;
};

static struct result stg(u64 at)
{
	mte_stg(mte_pointer(at, TAG));
	return (struct result){ mte_ldg(at) == TAG, 0 };
}

static struct result st2g(u64 at)
{
	mte_st2g(mte_pointer(at, TAG));
	return (struct result){ mte_ldg(at) == TAG && mte_ldg(at + MTE_GRANULE) == TAG, 0 };
}

static struct result stzg(u64 at)
{
	mte_stzg(mte_pointer(at, TAG));
	return (struct result){ mte_ldg(at) == TAG && !mem_load64(at) && !mem_load64(at + 8),
				MTE_GRANULE };
}

static struct result stz2g(u64 at)
{
	mte_stz2g(mte_pointer(at, TAG));
	return (struct result){ mte_ldg(at + MTE_GRANULE) == TAG && !mem_load64(at) &&
					!mem_load64(at + MTE_GRANULE),
				2 * MTE_GRANULE };
}

static struct result stgp(u64 at)
{
	mte_stgp(mte_pointer(at, TAG), VALUE, ~VALUE);
	return (struct result){ mte_ldg(at) == TAG && mem_load64(at) == VALUE &&
					mem_load64(at + 8) == ~VALUE,
				MTE_GRANULE };
}

static struct result ldg(u64 at)
{
	return (struct result){ mte_ldg(at) == 0, 0 };
}

static struct result stgm(u64 at)
{
	mte_stgm(at, TAG);
	return (struct result){ mte_ldg(at) == TAG && mte_ldg(at + MTE_GRANULE) == 0, 0 };
}

static struct result ldgm(u64 at)
{
	return (struct result){ mte_ldgm(at) == 0, 0 };
}

static struct result dc_gva(u64 at)
{
	mte_dc_gva(mte_pointer(at, TAG));
	return (struct result){ mte_ldg(at) == TAG, 0 };
}

static struct result dc_gzva(u64 at)
{
	mte_dc_gzva(mte_pointer(at, TAG));
	return (struct result){ mte_ldg(at) == TAG && !mem_load64(at), mte_zva_size() };
}

static struct result checked_load(u64 at)
{
	u64 value;

	mte_check(MTE_CHECK_SYNC);
	value = mte_load(at);
	mte_check(MTE_CHECK_OFF);
	return (struct result){ value == pattern(at, SEED), 0 };
}

static struct result checked_store(u64 at)
{
	mte_check(MTE_CHECK_SYNC);
	mte_store(at, VALUE);
	mte_check(MTE_CHECK_OFF);
	return (struct result){ mem_load64(at) == VALUE, sizeof(u64) };
}

static struct result el0_stg(u64 at)
{
	el0_run(mte_stg, mte_pointer(at | WINDOW_USER, TAG), 0);
	return (struct result){ mte_ldg(at) == TAG, 0 };
}

static struct result el0_ldg(u64 at)
{
	return (struct result){ el0_run(mte_ldg, at | WINDOW_USER, 0) == 0, 0 };
}

static struct result el0_checked_load(u64 at)
{
	u64 value;

	mte_check(MTE_CHECK_SYNC);
	value = el0_run(mte_load, at | WINDOW_USER, 0);
	mte_check(MTE_CHECK_OFF);
	return (struct result){ value == pattern(at, SEED), 0 };
}

static struct result el0_checked_store(u64 at)
{
	mte_check(MTE_CHECK_SYNC);
	el0_run(mte_store, at | WINDOW_USER, VALUE);
	mte_check(MTE_CHECK_OFF);
	return (struct result){ mem_load64(at) == VALUE, sizeof(u64) };
}

static const struct {
	const char *name;
	struct result (*run)(u64 at);
} accesses[] = {
	{ "STG", stg },
	{ "ST2G", st2g },
	{ "STZG", stzg },
	{ "STZ2G", stz2g },
	{ "STGP", stgp },
	{ "LDG", ldg },
	{ "STGM", stgm },
	{ "LDGM", ldgm },
	{ "DC GVA", dc_gva },
	{ "DC GZVA", dc_gzva },
	{ "checked load", checked_load },
	{ "checked store", checked_store },
	{ "STG at EL0", el0_stg },
	{ "LDG at EL0", el0_ldg },
	{ "checked load at EL0", el0_checked_load },
	{ "checked store at EL0", el0_checked_store },
};

static u64 expected, expected_early;

static void access_test(u32 index, u64 page)
{
	const char *name = accesses[index].name;
	u64 at = page + OFFSET, exits, promotions, behind;
	struct result result;

	exits = control_read(CONTROL_TAG_EXITS);
	promotions = control_read(CONTROL_PROMOTIONS);
	pattern_fill(page, PAGE_SIZE, SEED);
	tap_is(control_read(CONTROL_TAG_EXITS) - exits, expected_early,
	       "%s: TAG exits of plain accesses before", name);
	result = accesses[index].run(at);
	tap_ok(result.right, "%s: does what it should", name);
	mte_stg(mte_pointer(at, TAG));
	tap_is(control_read(CONTROL_TAG_EXITS) - exits, expected, "%s: TAG exits in all", name);
	tap_is(control_read(CONTROL_PROMOTIONS) - promotions, expected, "%s: promotions", name);
	behind = at + result.written;
	tap_is(pattern_errors(page, OFFSET, SEED) +
		       pattern_errors(behind, page + PAGE_SIZE - behind, SEED),
	       0, "%s: the page's data is kept", name);
}

/*  is where one fresh unit ends and the next begins: each exits for itself. */
static void straddle_test(const char *name, void (*access)(u64), u64 boundary)
{
	u64 low = boundary - PAGE_SIZE, exits = control_read(CONTROL_TAG_EXITS);

	pattern_fill(low, 2 * PAGE_SIZE, SEED);
	access(boundary);
	tap_is(control_read(CONTROL_TAG_EXITS) - exits, 2 * expected, "%s: two TAG exits", name);
	tap_is(pattern_errors(low, 2 * PAGE_SIZE, SEED), 0, "%s: data is kept", name);
}

static void straddling_st2g(u64 boundary)
{
	mte_st2g(mte_pointer(boundary - MTE_GRANULE, TAG));
	tap_is(mte_ldg(boundary - MTE_GRANULE), TAG, "ST2G across pages: first granule");
	tap_is(mte_ldg(boundary), TAG, "ST2G across pages: second granule");
}

static void straddling_load(u64 boundary)
{
	u64 value;

	mte_check(MTE_CHECK_SYNC);
	value = mte_load(boundary - 4);
	mte_check(MTE_CHECK_OFF);
	tap_is(value, pattern(boundary - 8, SEED) >> 32 | pattern(boundary, SEED) << 32,
	       "checked load across pages: value");
}

u64 main(unused u64 a, unused u64 b, unused u64 c, unused u64 d)
{
	u64 unit = control_read(CONTROL_PROMOTE_UNIT);
	bool enforced = control_read(CONTROL_FLAGS) & CONTROL_FLAG_NOTAG;
	struct ram ram;

	mte_need();
	if (unit < PAGE_SIZE)
		unit = PAGE_SIZE;
	ram = ram_need(1, (ARRAY_SIZE(accesses) + 4) * unit / PAGE_SIZE);
	expected = ram_tags_exit(&ram);
	expected_early = expected && !enforced;
	tap_note("%s, %lu KiB to a promotion", ram_kind_name(ram.kind), unit / 1024);
	for (u32 i = 0; i < ARRAY_SIZE(accesses); i++)
		access_test(i, ram.base + i * unit);
	straddle_test("ST2G across pages", straddling_st2g,
		      ram.base + (ARRAY_SIZE(accesses) + 1) * unit);
	straddle_test("checked load across pages", straddling_load,
		      ram.base + (ARRAY_SIZE(accesses) + 3) * unit);
	tap_is(control_read(CONTROL_FAULT_EXITS), 0, "no other MEMORY_FAULT exit");
	return tap_done();
}
