// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Blocks that change their size: what the tables say at each barrier and TLBI, by what the
 * host can do (D8.17.1; FEAT_BBM). And the access flag, which the hardware sets beside that.
 */
#include "tables.h"

static u64 watched;
static u64 *young_at; /* the hardware sets the access flag here, at the first TLBI */

static u64 desc_now(void *arg)
{
	struct emu_walk walk = emu_mmu_access(&t.mmu, watched, EMU_READ);

	if (young_at) {
		*young_at |= S2_DESC_AF;
		young_at = NULL;
	}
	return walk.fault == EMU_FAULT_TRANSLATION ? 0 : walk.desc;
}

static void begin(u8 bbm, u64 watch)
{
	struct host host = host_max;

	host.bbm = bbm;
	tables_begin(&host, 40);
	watched = watch;
}

static void watch(void)
{
	emu_log_reset();
	emu_log_watch(desc_now, NULL);
}

struct expected {
	enum emu_event_kind kind;
	u64 desc;  /* bits of it */
	u64 mask;  /* which ones */
	u64 count; /* TLBI: pages */
	int level; /* TLBI */
};

static void assert_events(const struct expected *e, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		const struct emu_event *found = emu_log_at(i);

		assert_non_null(found);
		assert_int_equal(found->kind, e[i].kind);
		assert_int_equal(found->desc & e[i].mask, e[i].desc);
		if (found->kind != EMU_TLBI_RANGE)
			continue;
		assert_int_equal(found->count, e[i].count);
		assert_int_equal(found->level, e[i].level);
	}
	assert_int_equal(emu_log_count(), count);
}

#define LEAF	      3ULL
#define PAGE_LEAF     3ULL
#define BLOCK_LEAF    1ULL
#define W	      (1ULL << 7)
#define COUNT(events) (sizeof(events) / sizeof(events[0]))

/* Level 0 and 1: nothing is there while the TLBs forget the block. */
static void split_breaks(void **state)
{
	static const struct expected events[] = {
		{ EMU_DSB, 0, ~0ULL, 0, 0 },
		{ EMU_TLBI_RANGE, 0, ~0ULL, 512, 2 },
		{ EMU_DSB, PAGE_LEAF | W, LEAF | W, 0, 0 },
	};

	for (u8 bbm = 0; bbm < 2; bbm++) {
		begin(bbm, IPA + PAGE);
		map(IPA, PA, 2, RWXT);
		watch();
		split_range(IPA, BLOCK, 3);
		assert_events(events, COUNT(events));
		assert_true(tables_end());
	}
}

/*
 * Level 2: the page is there all the time, and the old block forgotten at the end. The TLBs may
 * hold leaves of two levels then, so none is named (R_SQXYZ).
 */
static void split_in_place(void **state)
{
	static const struct expected events[] = {
		{ EMU_DSB, PAGE_LEAF | W, LEAF | W, 0, 0 },
		{ EMU_TLBI_RANGE, PAGE_LEAF | W, LEAF | W, 512, -1 },
	};

	begin(2, IPA + PAGE);
	map(IPA, PA, 2, RWXT);
	watch();
	split_range(IPA, BLOCK, 3);
	assert_events(events, COUNT(events));
	assert_true(tables_end());
}

/* A permission changes after the size, not with it. */
static void cut_in_place(void **state)
{
	static const struct expected events[] = {
		{ EMU_DSB, PAGE_LEAF | W, LEAF | W, 0, 0 },
		{ EMU_TLBI_RANGE, PAGE_LEAF | W, LEAF | W, 512, -1 },
		{ EMU_DSB, PAGE_LEAF, LEAF | W, 0, 0 },
		{ EMU_TLBI_RANGE, PAGE_LEAF, LEAF | W, 1, 3 },
	};

	begin(2, IPA + PAGE);
	map(IPA, PA, 2, RWXT);
	watch();
	write_protect_with(&t.cache, IPA + PAGE, PAGE);
	assert_events(events, COUNT(events));
	map(IPA, PA, 2, RWXT);
	watch();
	protect_with(&t.cache, IPA + PAGE, PAGE, PERM_W);
	assert_events(events, COUNT(events));
	assert_true(tables_end());
}

/* What walks have cached of the table must go, too: any level. */
static void join_breaks(void **state)
{
	static const struct expected events[] = {
		{ EMU_DSB, 0, ~0ULL, 0, 0 },
		{ EMU_TLBI_RANGE, 0, ~0ULL, 512, -1 },
		{ EMU_DSB, BLOCK_LEAF | W, LEAF | W, 0, 0 },
	};
	struct s2_leaf leaf = { hpa_of(PA), MEMTYPE_WB, RWXT, false, false, 0 };

	for (u8 bbm = 0; bbm < 2; bbm++) {
		begin(bbm, IPA + PAGE);
		map_range(IPA, BLOCK, 3, &leaf);
		watch();
		join_range(IPA, BLOCK, 2);
		assert_events(events, COUNT(events));
		assert_true(tables_end());
	}
}

static void join_in_place(void **state)
{
	static const struct expected events[] = {
		{ EMU_DSB, BLOCK_LEAF | W, LEAF | W, 0, 0 },
		{ EMU_TLBI_RANGE, BLOCK_LEAF | W, LEAF | W, 1024, -1 },
	};
	struct s2_leaf leaf = { hpa_of(PA), MEMTYPE_WB, RWXT, false, false, 0 };
	unsigned long tables;

	begin(2, IPA + PAGE);
	map_range(IPA, 2 * BLOCK, 3, &leaf);
	tables = emu_tables_live();
	watch();
	/* Both tables: one invalidation, and they are freed after it. */
	join_range(IPA, 2 * BLOCK, 2);
	assert_events(events, COUNT(events));
	assert_int_equal(emu_tables_live(), tables - 2);
	assert_true(tables_end());
}

/* Other memory in a page of a block: break-before-make of the page, after the split. */
static void other_page_in_block(void **state)
{
	static const struct expected events[] = {
		{ EMU_DSB, PAGE_LEAF | W, LEAF | W, 0, 0 },
		{ EMU_TLBI_RANGE, PAGE_LEAF | W, LEAF | W, 512, -1 },
		{ EMU_DSB, 0, ~0ULL, 0, 0 },
		{ EMU_TLBI_RANGE, 0, ~0ULL, 1, 3 },
		{ EMU_DSB, PAGE_LEAF | W, LEAF | W, 0, 0 },
	};

	begin(2, IPA + PAGE);
	map(IPA, PA, 2, RWXT);
	watch();
	assert_int_equal(map_held(IPA + PAGE, PA + GIB, 3, RWXT, true), S2_MAPPED);
	assert_events(events, COUNT(events));
	assert_true(tables_end());
}

static u64 *entry_of(u64 ipa, int level)
{
	u64 *table = t.s2.root + (ipa >> 30);

	for (int at = 1; at < level; at++)
		table = (u64 *)seam_table_ptr(s2_desc_hpa(*table)) +
			((ipa >> (12 + TSR_LEVEL_ORDER(at + 1))) & 511);
	return table;
}

/* An old page is found by the hardware while its table is being joined. */
static void join_keeps_what_is_found(void **state)
{
	struct s2_leaf leaf = { hpa_of(PA), MEMTYPE_WB, RWXT, false, false, 0 };

	for (u8 bbm = 0; bbm <= 2; bbm += 2) {
		begin(bbm, IPA);
		map_range(IPA, BLOCK, 3, &leaf);
		age(IPA, BLOCK, true);
		young_at = entry_of(IPA + 17 * PAGE, 3);
		watch();
		join_range(IPA, BLOCK, 2);
		assert_null(young_at);
		assert_int_equal(level_at(IPA), 2);
		assert_true(age(IPA, BLOCK, false));
		assert_true(tables_end());
	}
}

/* Long work is one invalidation a piece, of what was there alone. */
static void one_invalidation(void **state)
{
	begin(2, IPA);
	map(IPA + 3 * PAGE, PA + 3 * PAGE, 3, RWXT);
	map(IPA + 9 * PAGE, PA + 9 * PAGE, 3, RWXT);
	map(IPA + 2 * BLOCK, PA + 2 * BLOCK, 2, RWXT);
	map(IPA + 8 * BLOCK, PA + 8 * BLOCK, 2, RWXT);
	emu_log_reset();
	write_protect_with(NULL, IPA, BLOCK);
	assert_int_equal(emu_log_count(), 2);
	assert_int_equal(emu_log_at(1)->first, IPA / PAGE + 3);
	assert_int_equal(emu_log_at(1)->count, 7);
	assert_int_equal(emu_log_at(1)->level, 3);
	emu_log_reset();
	write_protect_with(NULL, IPA, GIB);
	assert_int_equal(emu_log_count(), 2);
	assert_int_equal(emu_log_at(1)->first, (IPA + 2 * BLOCK) / PAGE);
	assert_int_equal(emu_log_at(1)->count, 7 * 512);
	assert_int_equal(emu_log_at(1)->level, 2);
	emu_log_reset();
	/* Pages, blocks and a table: any level. */
	unmap(IPA, GIB);
	assert_int_equal(emu_log_count(), 2);
	assert_int_equal(emu_log_at(1)->level, -1);
	assert_true(tables_end());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(split_breaks),
		cmocka_unit_test(split_in_place),
		cmocka_unit_test(cut_in_place),
		cmocka_unit_test(join_breaks),
		cmocka_unit_test(join_in_place),
		cmocka_unit_test(other_page_in_block),
		cmocka_unit_test(join_keeps_what_is_found),
		cmocka_unit_test(one_invalidation),
	};

	return RUN(tests);
}
