// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Blocks and tables: cut, split, joined, and mapped by range. */
#include "tables.h"

#define RXT (RWXT & ~PERM_W)

/* Blocks change their size by break-before-make, or in place (D8.17.1). */
static struct host hosts[4];
#define HOSTS (sizeof(hosts) / sizeof(hosts[0]))

static int group_begin(void **state)
{
	hosts[0] = host_max;
	hosts[1] = host_max;
	hosts[1].bbm = 0;
	hosts[2] = host_a76;
	hosts[3] = host_n2;
	hosts[3].bbm = 1;
	return 0;
}

/* Each of @ops on a block of each level: what it leaves of the page that it is about. */
struct cut {
	void (*op)(struct s2_cache *cache, u64 ipa, u64 size);
	perm_t left;
};

static void take_write(struct s2_cache *cache, u64 ipa, u64 size)
{
	protect_with(cache, ipa, size, PERM_W);
}

static void take_reading(struct s2_cache *cache, u64 ipa, u64 size)
{
	protect_with(cache, ipa, size, PERM_R | PERM_W);
}

static void take_all(struct s2_cache *cache, u64 ipa, u64 size)
{
	protect_with(cache, ipa, size, PERM_R | PERM_W | PERM_X);
}

static const struct cut cuts[] = {
	{ unmap_with, 0 }, { take_write, RXT },		{ take_reading, PERM_X | PERM_T },
	{ take_all, 0 },   { write_protect_with, RXT },
};

static void cut_keeps_the_rest(const struct cut *cut, int level, u64 offset)
{
	u64 size = PAGE << TSR_LEVEL_ORDER(level);

	map(IPA, PA, level, RWXT);
	cut->op(&t.cache, IPA + offset, 2 * PAGE);
	for (u64 at = offset; at < offset + 2 * PAGE; at += PAGE) {
		if (cut->left)
			assert_maps(IPA + at, PA + at, cut->left);
		else
			assert_absent(IPA + at);
	}
	assert_maps(IPA + offset - 1, PA + offset - 1, RWXT);
	assert_maps(IPA + offset + 2 * PAGE, PA + offset + 2 * PAGE, RWXT);
	assert_maps(IPA, PA, RWXT);
	assert_maps(IPA + size - 1, PA + size - 1, RWXT);
	/* No more is split than is cut. */
	assert_int_equal(level_at(IPA + offset - PAGE), 3);
	assert_int_equal(level_at(IPA + size - 1), offset < BLOCK && level == 1 ? 2 : 3);
	unmap(IPA, size);
	assert_int_equal(emu_tables_live(), 2 + t.cache.count);
}

static void cuts_split(void **state)
{
	for (unsigned int h = 0; h < HOSTS; h++)
		for (unsigned int i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
			tables_begin(&hosts[h], 40);
			cut_keeps_the_rest(&cuts[i], 2, 5 * PAGE);
			cut_keeps_the_rest(&cuts[i], 1, 5 * PAGE);
			cut_keeps_the_rest(&cuts[i], 1, GIB - BLOCK + 7 * PAGE);
			assert_true(tables_end());
		}
}

/* What is cut, put together and opened to tags is counted once. */
static void counted(void **state)
{
	tables_begin(&host_max, 40);
	map(IPA, PA, 1, RWXT);
	assert_int_equal(t.s2.stats.splits, 0);
	/* A page of a block of 1 GiB: two tables. */
	unmap_with(&t.cache, IPA, PAGE);
	assert_int_equal(t.s2.stats.splits, 2);
	unmap_with(&t.cache, IPA + PAGE, PAGE);
	split_range(IPA, BLOCK, 3);
	assert_int_equal(t.s2.stats.splits, 2);
	join_range(IPA, GIB, 1);
	assert_int_equal(t.s2.stats.joins, 0);
	map(IPA, PA, 3, RWXT);
	map(IPA + PAGE, PA + PAGE, 3, RWXT);
	join_range(IPA, GIB, 1);
	assert_int_equal(t.s2.stats.joins, 2);
	/* A block over a table is one, too; what is mapped there already is none. */
	split_range(IPA, GIB, 2);
	map(IPA, PA, 1, RWXT);
	map(IPA, PA, 1, RWXT);
	assert_int_equal(t.s2.stats.joins, 3);
	assert_int_equal(t.s2.stats.splits, 3);
	assert_true(tables_end());
}

/* Both ends of a range in blocks of 1 GiB, with tables for exactly that. */
static void both_ends(void **state)
{
	tables_begin(&host_max, 40);
	map(IPA, PA, 1, RWXT);
	map(IPA + GIB, PA + GIB, 1, RWXT);
	map(IPA + 2 * GIB, PA + 2 * GIB, 1, RWXT);
	s2_cache_drain(&t.cache);
	unmap_with(&t.cache, IPA + GIB - PAGE, GIB + 2 * PAGE);
	assert_int_equal(t.cache.count, 0);
	assert_maps(IPA + GIB - PAGE - 1, PA + GIB - PAGE - 1, RWXT);
	assert_absent(IPA + GIB - PAGE);
	assert_absent(IPA + 2 * GIB);
	assert_maps(IPA + 2 * GIB + PAGE, PA + 2 * GIB + PAGE, RWXT);
	assert_true(tables_end());
}

/* One table is not enough for a page of a block of 1 GiB: its block of 2 MiB goes whole. */
static void short_of_tables(void **state)
{
	struct gfn_range range = world_gfns(IPA + BLOCK, PAGE);

	tables_begin(&host_max, 40);
	map(IPA, PA, 1, RWXT);
	s2_cache_drain(&t.cache);
	assert_int_equal(s2_cache_fill(&t.cache, 1), 0);
	seam_write_lock(&t.lock);
	assert_int_equal(s2_range_unmap(&t.s2, &t.cache, range), range.end);
	seam_write_unlock(&t.lock);
	assert_absent(IPA + BLOCK);
	assert_absent(IPA + 2 * BLOCK - 1);
	assert_maps(IPA + BLOCK - 1, PA + BLOCK - 1, RWXT);
	assert_maps(IPA + 2 * BLOCK, PA + 2 * BLOCK, RWXT);
	assert_true(tables_end());
}

/* A block that loses nothing is not split. */
static void needless_cuts(void **state)
{
	tables_begin(&host_max, 40);
	map(IPA, PA, 2, RXT);
	write_protect_with(&t.cache, IPA + PAGE, PAGE);
	protect_with(&t.cache, IPA + PAGE, PAGE, PERM_W);
	assert_int_equal(level_at(IPA), 2);
	assert_int_equal(t.cache.count, S2_TABLES_CUT);
	assert_true(tables_end());
}

/* Write protection leaves alone all else, what grants nothing then included. */
static void write_protection(void **state)
{
	tables_begin(&host_max, 40);
	map(IPA, PA, 3, PERM_W | PERM_T);
	map(IPA + PAGE, PA + PAGE, 3, RWXT);
	map(IPA + 3 * PAGE, PA + 3 * PAGE, 3, PERM_R);
	age(IPA + PAGE, PAGE, true);
	write_protect_with(NULL, IPA, BLOCK);
	assert_maps(IPA, PA, PERM_T);
	assert_false(age(IPA + PAGE, PAGE, false));
	map(IPA + PAGE, PA + PAGE, 3, PERM_R | PERM_T);
	assert_maps(IPA + PAGE, PA + PAGE, RXT);
	assert_absent(IPA + 2 * PAGE);
	assert_maps(IPA + 3 * PAGE, PA + 3 * PAGE, PERM_R);
	assert_int_equal(map_held(IPA, PA, 3, PERM_W | PERM_T, false), S2_MAPPED);
	assert_maps(IPA, PA, PERM_W | PERM_T);
	assert_true(tables_end());
}

static void splits(void **state)
{
	for (unsigned int h = 0; h < HOSTS; h++) {
		tables_begin(&hosts[h], 40);
		map(IPA, PA, 1, RXT);
		map(IPA + GIB + BLOCK, PA + GIB + BLOCK, 2, RWXT);
		split_range(IPA + PAGE, 2 * GIB, 2);
		assert_int_equal(level_at(IPA), 2);
		assert_int_equal(level_at(IPA + GIB - 1), 2);
		assert_int_equal(level_at(IPA + GIB + BLOCK), 2);
		for (u64 at = 0; at < GIB; at += BLOCK)
			assert_maps(IPA + at, PA + at, RXT);
		/* A part of the range: the blocks around it, and no others. */
		split_range(IPA + BLOCK + PAGE, BLOCK, 3);
		for (u64 at = BLOCK; at < 3 * BLOCK; at += PAGE) {
			assert_int_equal(level_at(IPA + at), 3);
			assert_maps(IPA + at, PA + at, RXT);
		}
		assert_int_equal(level_at(IPA + BLOCK - 1), 2);
		assert_int_equal(level_at(IPA + 3 * BLOCK), 2);
		split_range(IPA, 2 * GIB, 3);
		assert_maps(IPA + GIB - 1, PA + GIB - 1, RXT);
		assert_maps(IPA + GIB + BLOCK, PA + GIB + BLOCK, RWXT);
		assert_int_equal(level_at(IPA + GIB + 2 * BLOCK - 1), 3);
		assert_true(tables_end());
	}
}

/* Without a table the split says where it has stopped. */
static void split_waits_for_tables(void **state)
{
	struct gfn_range range = world_gfns(IPA + PAGE, 4 * BLOCK);

	tables_begin(&host_max, 40);
	map(IPA, PA, 2, RWXT);
	map(IPA + BLOCK, PA + BLOCK, 2, RWXT);
	s2_cache_drain(&t.cache);
	seam_write_lock(&t.lock);
	assert_int_equal(s2_range_split(&t.s2, &t.cache, range, 3), range.begin);
	assert_int_equal(s2_cache_fill(&t.cache, 1), 0);
	range.begin = s2_range_split(&t.s2, &t.cache, range, 3);
	seam_write_unlock(&t.lock);
	assert_int_equal(range.begin, (IPA + BLOCK) / PAGE);
	assert_int_equal(level_at(IPA), 3);
	assert_int_equal(level_at(IPA + BLOCK), 2);
	assert_true(tables_end());
}

static void joins(void **state)
{
	for (unsigned int h = 0; h < HOSTS; h++) {
		tables_begin(&hosts[h], 40);
		for (u64 at = 0; at < 2 * BLOCK; at += PAGE)
			map(IPA + at, PA + at, 3, RXT);
		/* Any part of the table is enough. */
		join_range(IPA + 7 * PAGE, PAGE, 2);
		assert_int_equal(level_at(IPA), 2);
		assert_int_equal(level_at(IPA + BLOCK), 3);
		assert_maps(IPA + BLOCK - 1, PA + BLOCK - 1, RXT);
		for (u64 at = 2 * BLOCK; at < GIB; at += BLOCK)
			map(IPA + at, PA + at, 2, RXT);
		join_range(IPA, GIB, 2);
		assert_int_equal(level_at(IPA + BLOCK), 2);
		join_range(IPA + GIB - PAGE, PAGE, 1);
		assert_int_equal(level_at(IPA), 1);
		assert_maps(IPA, PA, RXT);
		assert_maps(IPA + GIB - 1, PA + GIB - 1, RXT);
		assert_int_equal(emu_tables_live(), 2 + t.cache.count);
		/* What was joined can be cut again. */
		unmap_with(&t.cache, IPA + PAGE, PAGE);
		assert_maps(IPA + GIB - 1, PA + GIB - 1, RXT);
		assert_true(tables_end());
	}
}

/* A table of which one entry is not like the others stays what it is. */
static void joins_of_none(u64 page, u64 pa, perm_t perm)
{
	unsigned long tables;

	for (u64 at = 0; at < BLOCK; at += PAGE)
		if (at != page)
			map(IPA + at, PA + at, 3, RWXT);
	if (perm)
		map(IPA + page, pa, 3, perm);
	tables = emu_tables_live();
	join_range(IPA, BLOCK, 1);
	assert_int_equal(level_at(IPA), 3);
	assert_int_equal(emu_tables_live(), tables);
	assert_maps(IPA + 9 * PAGE, PA + 9 * PAGE, RWXT);
	unmap(IPA, BLOCK);
}

static void joins_refused(void **state)
{
	static const u64 pages[] = { 0, PAGE, 511 * PAGE, 300 * PAGE };

	tables_begin(&host_max, 40);
	for (unsigned int i = 0; i < 4; i++) {
		joins_of_none(pages[i], 0, 0);
		joins_of_none(pages[i], PA + pages[i], RXT);
		joins_of_none(pages[i], PA + pages[i], RWXT & ~PERM_T);
		joins_of_none(pages[i], PA + GIB, RWXT);
	}
	/* In one piece, but not aligned. */
	for (u64 at = 0; at < BLOCK; at += PAGE)
		map(IPA + at, PA + PAGE + at, 3, RWXT);
	join_range(IPA, BLOCK, 1);
	assert_int_equal(level_at(IPA), 3);
	/* Tables are no leaves. */
	for (u64 at = BLOCK; at < GIB; at += BLOCK)
		map(IPA + at, PA + at, 2, RWXT);
	join_range(IPA, GIB, 1);
	assert_int_equal(level_at(IPA + BLOCK), 2);
	assert_true(tables_end());
}

static void age_goes_along(void **state)
{
	for (unsigned int h = 0; h < HOSTS; h++) {
		tables_begin(&hosts[h], 40);
		map(IPA, PA, 2, RWXT);
		split_range(IPA, BLOCK, 3);
		assert_true(age(IPA + 5 * PAGE, PAGE, true));
		assert_true(age(IPA + 6 * PAGE, PAGE, false));
		join_range(IPA, BLOCK, 2);
		assert_int_equal(level_at(IPA), 2);
		assert_true(age(IPA, PAGE, true));
		split_range(IPA, BLOCK, 3);
		assert_false(age(IPA, BLOCK, false));
		join_range(IPA, BLOCK, 2);
		assert_int_equal(level_at(IPA), 2);
		assert_false(age(IPA, BLOCK, false));
		assert_true(tables_end());
	}
}

/* --- Ranges. --- */

static struct s2_leaf leaf_at(u64 pa, perm_t perm)
{
	return (struct s2_leaf){ .hpa = hpa_of(pa), .type = MEMTYPE_WB, .perm = perm };
}

static void maps_ranges(void **state)
{
	for (unsigned int h = 0; h < HOSTS; h++) {
		struct s2_leaf leaf = leaf_at(PA + BLOCK - PAGE, RWXT);

		tables_begin(&hosts[h], 40);
		map_range(IPA + BLOCK - PAGE, GIB + 2 * PAGE, 1, &leaf);
		assert_absent(IPA + BLOCK - PAGE - 1);
		assert_absent(IPA + BLOCK + GIB + PAGE);
		for (u64 at = BLOCK - PAGE; at < GIB + BLOCK + PAGE; at += PAGE)
			assert_maps(IPA + at, PA + at, RWXT);
		assert_int_equal(level_at(IPA + BLOCK - PAGE), 3);
		assert_int_equal(level_at(IPA + BLOCK), 2);
		assert_int_equal(level_at(IPA + GIB), 2);
		assert_int_equal(level_at(IPA + GIB + BLOCK), 3);
		/* The same again, and coarser where tables are. */
		leaf = leaf_at(PA, PERM_R | PERM_T);
		map_range(IPA, 2 * GIB, 1, &leaf);
		assert_int_equal(level_at(IPA), 1);
		assert_maps(IPA + GIB - 1, PA + GIB - 1, PERM_R | PERM_T);
		/* No coarser than was asked for. */
		leaf = leaf_at(PA + 4 * GIB, RWXT);
		map_range(IPA + 4 * GIB, 2 * BLOCK, 3, &leaf);
		assert_int_equal(level_at(IPA + 4 * GIB), 3);
		assert_maps(IPA + 4 * GIB + 2 * BLOCK - 1, PA + 4 * GIB + 2 * BLOCK - 1, RWXT);
		assert_true(tables_end());
	}
}

/* Memory that is not congruent with the range can be no blocks. */
static void maps_what_is_not_aligned(void **state)
{
	struct s2_leaf leaf = leaf_at(PA + PAGE, RWXT);

	tables_begin(&host_max, 40);
	map_range(IPA, 2 * BLOCK, 1, &leaf);
	assert_int_equal(level_at(IPA), 3);
	assert_maps(IPA, PA + PAGE, RWXT);
	assert_maps(IPA + 2 * BLOCK - 1, PA + 2 * BLOCK + PAGE - 1, RWXT);
	assert_true(tables_end());
}

/* Over what is mapped: wider where it is the same memory, other where it is other. */
static void maps_over(void **state)
{
	struct s2_leaf leaf = leaf_at(PA + PAGE, PERM_R | PERM_T);

	tables_begin(&host_max, 40);
	map(IPA + 2 * PAGE, PA + 2 * PAGE, 3, PERM_W | PERM_T);
	map(IPA + 3 * PAGE, PA + GIB, 3, RWXT);
	map(IPA + BLOCK, PA + BLOCK, 2, RWXT);
	map(IPA + 2 * BLOCK, PA + 2 * BLOCK, 2, PERM_X | PERM_T);
	map(IPA + 3 * BLOCK, PA + GIB, 2, PERM_X | PERM_T);
	map_range(IPA + PAGE, 3 * BLOCK, 1, &leaf);
	assert_absent(IPA);
	assert_maps(IPA + PAGE, PA + PAGE, PERM_R | PERM_T);
	assert_maps(IPA + 2 * PAGE, PA + 2 * PAGE, PERM_R | PERM_W | PERM_T);
	assert_maps(IPA + 3 * PAGE, PA + 3 * PAGE, PERM_R | PERM_T);
	assert_maps(IPA + BLOCK, PA + BLOCK, RWXT);
	assert_maps(IPA + 2 * BLOCK, PA + 2 * BLOCK, RXT);
	/* Its end cuts the last block. */
	assert_maps(IPA + 3 * BLOCK, PA + 3 * BLOCK, PERM_R | PERM_T);
	assert_maps(IPA + 3 * BLOCK + PAGE, PA + GIB + PAGE, PERM_X | PERM_T);
	/* A page of a block that serves it. */
	leaf = leaf_at(PA + BLOCK + PAGE, PERM_R | PERM_T);
	map_range(IPA + BLOCK + PAGE, PAGE, 1, &leaf);
	assert_int_equal(level_at(IPA + BLOCK), 2);
	assert_true(tables_end());
}

/* Without tables it says where it has stopped, and nothing is half done. */
static void map_waits_for_tables(void **state)
{
	struct gfn_range range = world_gfns(IPA, 2 * BLOCK);
	struct s2_leaf leaf = leaf_at(PA, RWXT);

	tables_begin(&host_max, 40);
	seam_write_lock(&t.lock);
	assert_int_equal(s2_range_map(&t.s2, &t.cache, range, 3, &leaf), range.begin);
	assert_int_equal(s2_cache_fill(&t.cache, 2), 0);
	range.begin = s2_range_map(&t.s2, &t.cache, range, 3, &leaf);
	seam_write_unlock(&t.lock);
	assert_int_equal(range.begin, (IPA + BLOCK) / PAGE);
	assert_maps(IPA + BLOCK - 1, PA + BLOCK - 1, RWXT);
	assert_absent(IPA + BLOCK);
	assert_true(tables_end());
}

/* Caches and tags: each page once, before it is mapped (docs/abi.md). */
static void maps_maintained(void **state)
{
	struct s2_leaf leaf = leaf_at(PA, RWXT);

	leaf.clean = true;
	leaf.tags = true;
	tables_begin(&host_a76, 40);
	map(IPA + 2 * PAGE, PA + 2 * PAGE, 3, RWXT);
	emu_log_reset();
	map_range(IPA, 5 * PAGE, 1, &leaf);
	/* Two runs, around the page that was there. */
	assert_int_equal(emu_log_count_of(EMU_TAGS), 2);
	assert_int_equal(emu_log_count_of(EMU_CLEAN_POC), 2);
	assert_int_equal(emu_log_count_of(EMU_ICACHE_POU), 2);
	assert_int_equal(emu_log_find(EMU_TAGS, 0)->first, PA);
	assert_int_equal(emu_log_find(EMU_TAGS, 0)->count, 2);
	assert_int_equal(emu_log_find(EMU_CLEAN_POC, 0)->count, 2 * PAGE);
	assert_int_equal(emu_log_at(emu_log_count() - 1)->kind, EMU_DSB);
	assert_true(tables_end());
}

/* --- Sizes. --- */

/* A level that the tables do not have is that of the start tables. */
static void blocks_of_each_size(void **state)
{
	for (u8 bits = 32; bits <= 48; bits++) {
		u64 ipa = (1ULL << bits) - GIB, pa = 8 * GIB;
		struct s2_leaf leaf = leaf_at(pa, RWXT);

		tables_begin(&host_max, bits);
		for (int level = 1; level <= 3; level++) {
			u64 at = ipa + GIB - BLOCK;

			assert_int_equal(map(at, level == 1 ? pa : pa + GIB - BLOCK, level, RWXT),
					 S2_MAPPED);
			assert_maps(at + PAGE - 1, pa + GIB - BLOCK + PAGE - 1, RWXT);
			unmap(ipa, GIB);
			assert_absent(at);
		}
		map_range(ipa, GIB, 1, &leaf);
		assert_maps(ipa, pa, RWXT);
		assert_maps(ipa + GIB - 1, pa + GIB - 1, RWXT);
		unmap_with(&t.cache, ipa + PAGE, PAGE);
		assert_maps(ipa + GIB - 1, pa + GIB - 1, RWXT);
		leaf = leaf_at(pa + PAGE, RWXT);
		map_range(ipa + PAGE, PAGE, 1, &leaf);
		join_range(ipa, GIB, 1);
		assert_int_equal(level_at(ipa), t.s2.geom.start_level < 2 ? 1 : 2);
		assert_true(tables_end());
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cuts_split),
		cmocka_unit_test(counted),
		cmocka_unit_test(both_ends),
		cmocka_unit_test(short_of_tables),
		cmocka_unit_test(needless_cuts),
		cmocka_unit_test(write_protection),
		cmocka_unit_test(splits),
		cmocka_unit_test(split_waits_for_tables),
		cmocka_unit_test(joins),
		cmocka_unit_test(joins_refused),
		cmocka_unit_test(age_goes_along),
		cmocka_unit_test(maps_ranges),
		cmocka_unit_test(maps_what_is_not_aligned),
		cmocka_unit_test(maps_over),
		cmocka_unit_test(map_waits_for_tables),
		cmocka_unit_test(maps_maintained),
		cmocka_unit_test(blocks_of_each_size),
	};

	return cmocka_run_group_tests(tests, group_begin, NULL);
}
