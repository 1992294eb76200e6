// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* The stage-2 tables, as the emulated hardware sees them after each operation. */
#include "tables.h"

static int begin(void **state)
{
	tables_begin(&host_max, 40);
	return 0;
}

static int end(void **state)
{
	return tables_end() ? 0 : -1;
}

static void maps_each_level(void **state)
{
	static const struct host *const hosts[] = { &host_max, &host_n2, &host_a710, &host_a76 };

	end(NULL);
	for (unsigned int i = 0; i < 4; i++) {
		tables_begin(hosts[i], 40);
		for (int level = 1; level <= 3; level++) {
			u64 size = PAGE << TSR_LEVEL_ORDER(level);

			assert_int_equal(map(IPA, PA, level, RWXT), S2_MAPPED);
			assert_int_equal(level_at(IPA), level);
			assert_maps(IPA, PA, RWXT);
			assert_maps(IPA + size - 1, PA + size - 1, RWXT);
			assert_absent(IPA + size);
			assert_absent(IPA - 1);
			assert_int_equal(map(IPA + size - PAGE, PA, level, RWXT), S2_UNCHANGED);
			unmap(IPA, size);
			assert_absent(IPA);
			assert_int_equal(emu_tables_live(), 2 + t.cache.count);
		}
		end(NULL);
	}
	tables_begin(&host_max, 40);
}

static void each_permission_is_what_it_says(void **state)
{
	for (perm_t perm = 1; perm <= RWXT; perm++) {
		if (!(perm & ~PERM_T))
			continue;
		assert_int_equal(map(IPA, PA, 3, perm), S2_MAPPED);
		assert_maps(IPA, PA, perm);
		assert_int_equal(s2_lookup(&t.s2, gfn_of(IPA / PAGE)).perm, perm);
		unmap(IPA, PAGE);
	}
}

static void lookup_finds_level_and_age(void **state)
{
	struct s2_entry e = s2_lookup(&t.s2, gfn_of(IPA / PAGE));

	assert_int_equal(e.kind, S2_INVALID);
	assert_int_equal(e.level, 1);
	map(IPA, PA, 2, PERM_R);
	e = s2_lookup(&t.s2, gfn_of(IPA / PAGE + 5));
	assert_int_equal(e.kind, S2_LEAF);
	assert_int_equal(e.level, 2);
	assert_int_equal(e.hpa.addr, PA);
	assert_true(e.young);
}

static void widening_keeps_what_was_granted(void **state)
{
	map(IPA, PA, 3, PERM_R | PERM_T);
	assert_int_equal(map_held(IPA, PA, 3, PERM_W | PERM_T, false), S2_MAPPED);
	assert_maps(IPA, PA, PERM_R | PERM_W | PERM_T);
	assert_int_equal(map_held(IPA, PA, 3, PERM_X | PERM_T, false), S2_MAPPED);
	assert_maps(IPA, PA, RWXT);
	assert_int_equal(map_held(IPA, PA, 3, PERM_R | PERM_T, false), S2_UNCHANGED);
	assert_maps(IPA, PA, RWXT);
}

/* Memory attributes and addresses change by break-before-make, hence exclusively. */
static void other_leaves_need_the_lock(void **state)
{
	map(IPA, PA, 3, RWXT & ~PERM_T);
	assert_int_equal(map_held(IPA, PA, 3, RWXT, false), S2_EXCLUSIVE);
	assert_maps(IPA, PA, RWXT & ~PERM_T);
	assert_int_equal(map_held(IPA, PA, 3, RWXT, true), S2_MAPPED);
	assert_maps(IPA, PA, RWXT);
	assert_int_equal(map_held(IPA, PA + PAGE, 3, PERM_R | PERM_T, false), S2_EXCLUSIVE);
	assert_int_equal(map_held(IPA, PA + PAGE, 3, PERM_R | PERM_T, true), S2_MAPPED);
	assert_maps(IPA, PA + PAGE, PERM_R | PERM_T);
}

/* A page that needs more than the block around it grants: the others keep what they have. */
static void page_splits_block(void **state)
{
	map(IPA, PA, 2, PERM_R | PERM_T);
	assert_int_equal(map_held(IPA + PAGE, PA + PAGE, 3, RWXT, false), S2_EXCLUSIVE);
	assert_int_equal(map_held(IPA + PAGE, PA + PAGE, 3, RWXT, true), S2_MAPPED);
	assert_maps(IPA + PAGE, PA + PAGE, RWXT);
	assert_maps(IPA, PA, PERM_R | PERM_T);
	assert_maps(IPA + BLOCK - 1, PA + BLOCK - 1, PERM_R | PERM_T);
	map(IPA + GIB, PA + GIB, 1, PERM_R | PERM_T);
	assert_int_equal(map(IPA + GIB, PA + GIB + PAGE, 3, RWXT), S2_MAPPED);
	assert_maps(IPA + GIB, PA + GIB + PAGE, RWXT);
	assert_maps(IPA + 2 * GIB - 1, PA + 2 * GIB - 1, PERM_R | PERM_T);
	assert_int_equal(level_at(IPA + GIB + BLOCK), 2);
}

/* A page that the block around it grants already leaves the block alone. */
static void block_serves_page(void **state)
{
	map(IPA, PA, 1, RWXT);
	assert_int_equal(map_held(IPA + PAGE, PA + PAGE, 3, PERM_R | PERM_T, false), S2_UNCHANGED);
	assert_int_equal(map_held(IPA + BLOCK, PA + BLOCK, 2, RWXT, false), S2_UNCHANGED);
	assert_int_equal(map_held(IPA + PAGE, PA, 3, PERM_R | PERM_T, false), S2_EXCLUSIVE);
	assert_int_equal(map_held(IPA + PAGE, PA + PAGE, 3, PERM_R, false), S2_EXCLUSIVE);
	age(IPA, PAGE, true);
	assert_int_equal(map_held(IPA + PAGE, PA + PAGE, 3, PERM_R | PERM_T, false), S2_MAPPED);
	assert_true(age(IPA, PAGE, false));
	assert_int_equal(level_at(IPA), 1);
}

static void block_replaces_tables(void **state)
{
	unsigned long tables = emu_tables_live();

	for (u64 at = 0; at < GIB; at += BLOCK)
		map(IPA + at, PA + at, 3, PERM_R | PERM_T);
	assert_int_equal(map_held(IPA, PA, 2, RWXT, false), S2_EXCLUSIVE);
	assert_int_equal(map_held(IPA, PA, 2, RWXT, true), S2_MAPPED);
	assert_maps(IPA + BLOCK - 1, PA + BLOCK - 1, RWXT);
	assert_maps(IPA + BLOCK, PA + BLOCK, PERM_R | PERM_T);
	assert_int_equal(map(IPA, PA, 1, RWXT), S2_MAPPED);
	assert_maps(IPA + GIB - 1, PA + GIB - 1, RWXT);
	assert_int_equal(emu_tables_live(), tables + t.cache.count);
}

static void unmap_is_exact(void **state)
{
	for (u64 at = 0; at < 2 * BLOCK; at += PAGE)
		map(IPA + at, PA + at, 3, RWXT);
	unmap(IPA + BLOCK - PAGE, 2 * PAGE);
	assert_maps(IPA + BLOCK - 2 * PAGE, PA + BLOCK - 2 * PAGE, RWXT);
	assert_absent(IPA + BLOCK - PAGE);
	assert_absent(IPA + BLOCK);
	assert_maps(IPA + BLOCK + PAGE, PA + BLOCK + PAGE, RWXT);
	/* The first table goes when its last page does. */
	assert_int_equal(emu_tables_live(), 2 + 1 + 2 + t.cache.count);
	for (u64 at = 0; at < BLOCK; at += PAGE)
		unmap(IPA + at, PAGE);
	assert_int_equal(emu_tables_live(), 2 + 1 + 1 + t.cache.count);
	unmap(0, 1ULL << 40);
	assert_int_equal(emu_tables_live(), 2 + t.cache.count);
}

/* A long range is done in pieces, each of which goes on and none of which is long. */
static void long_ranges_in_pieces(void **state)
{
	struct gfn_range range = world_gfns(IPA, 2 * GIB);
	unsigned int pieces = 0;

	for (u64 at = 0; at < 2 * GIB; at += BLOCK)
		map(IPA + at, PA + at, 3, RWXT);
	seam_write_lock(&t.lock);
	for (; !gfn_range_empty(range); pieces++) {
		u64 next = s2_range_protect(&t.s2, NULL, range, PERM_W);

		assert_true(next > range.begin && next <= range.end);
		range.begin = next;
	}
	seam_write_unlock(&t.lock);
	assert_true(pieces >= 4 && pieces <= 6);
	for (u64 at = 0; at < 2 * GIB; at += BLOCK)
		assert_maps(IPA + at, PA + at, RWXT & ~PERM_W);
	unmap(IPA + PAGE, 2 * GIB - PAGE);
	assert_maps(IPA, PA, RWXT & ~PERM_W);
	unmap(0, 1ULL << 40);
	assert_int_equal(emu_tables_live(), 2 + t.cache.count);
}

/* Cleaning caches is work as well, by pages as by blocks. */
static void cleaning_in_pieces(void **state)
{
	const struct s2_leaf leaf = { .hpa = hpa_of(PA), .type = MEMTYPE_WB, .perm = RWXT };
	const struct gfn_range range = world_gfns(IPA, GIB / 2);
	const u64 most = (IPA + GIB / 8) / PAGE;

	end(NULL);
	for (int level = 2; level <= 3; level++) {
		tables_begin(&host_a76, 40);
		map_range(IPA, GIB / 2, level, &leaf);
		seam_write_lock(&t.lock);
		assert_true(s2_range_clean(&t.s2, range) < most);
		assert_true(s2_range_unmap(&t.s2, NULL, range) < most);
		seam_write_unlock(&t.lock);
		map_range(IPA, GIB / 2, level, &leaf);
		seam_write_lock(&t.lock);
		assert_true(s2_range_protect(&t.s2, NULL, range, PERM_R | PERM_W | PERM_X) < most);
		seam_write_unlock(&t.lock);
		end(NULL);
	}
	tables_begin(&host_max, 40);
}

/* No table at hand: the whole block goes, or loses the permission. */
static void cut_without_a_table(void **state)
{
	map(IPA, PA, 2, RWXT);
	unmap(IPA + PAGE, PAGE);
	assert_absent(IPA);
	assert_absent(IPA + BLOCK - 1);
	map(IPA, PA, 2, RWXT);
	protect(IPA + PAGE, PAGE, PERM_W);
	assert_maps(IPA, PA, RWXT & ~PERM_W);
	assert_int_equal(level_at(IPA), 2);
}

static void protect_narrows(void **state)
{
	for (perm_t remove = 1; remove <= RWXT; remove++) {
		perm_t left = RWXT & ~remove;

		map(IPA, PA, 3, RWXT);
		map(IPA + PAGE, PA + PAGE, 3, PERM_R);
		map(IPA + BLOCK, PA + BLOCK, 2, RWXT);
		protect(IPA, 2 * BLOCK, remove);
		if (!(left & ~PERM_T) || (remove & PERM_T)) {
			assert_absent(IPA);
			assert_absent(IPA + BLOCK);
		} else {
			assert_maps(IPA, PA, left);
			assert_maps(IPA + BLOCK, PA + BLOCK, left);
		}
		assert_int_equal(granted(IPA + PAGE, NULL), remove & PERM_R ? 0 : PERM_R);
		unmap(IPA, 2 * BLOCK);
	}
}

static void ages(void **state)
{
	struct host host = host_max;

	/* The hardware must not set the access flag here. */
	host.hafdbs = 0;
	end(NULL);
	tables_begin(&host, 40);
	map(IPA, PA, 3, RWXT);
	map(IPA + BLOCK, PA + BLOCK, 2, RWXT);
	assert_true(age(IPA, PAGE, false));
	assert_true(age(IPA, 2 * BLOCK, true));
	assert_false(age(IPA, 2 * BLOCK, true));
	assert_int_equal(emu_mmu_try(&t.mmu, IPA, EMU_READ), EMU_FAULT_ACCESS_FLAG);
	/* The fault makes it young again, in place. */
	assert_int_equal(map_held(IPA, PA, 3, PERM_R | PERM_T, false), S2_MAPPED);
	assert_maps(IPA, PA, RWXT);
	assert_true(age(IPA, PAGE, false));
	assert_false(age(IPA + PAGE, PAGE, false));
	assert_false(age(IPA + BLOCK, BLOCK, false));
}

/* --- Random operations against a flat map. --- */

#define MODEL_PAGES 2048U /* four blocks */

/* What each page may grant at most. That it does grant is asserted where it is mapped. */
struct flat {
	u64 pa[MODEL_PAGES];
	perm_t may[MODEL_PAGES];
};

static void flat_map(struct flat *f, u64 nr, int level, u64 shift, perm_t perm)
{
	u64 span = 1ULL << TSR_LEVEL_ORDER(level), first = nr & ~(span - 1);
	struct s2_entry old = s2_lookup(&t.s2, gfn_of(IPA / PAGE + nr));
	u64 old_first = nr & ~((1ULL << TSR_LEVEL_ORDER(old.level)) - 1);
	bool same = old.kind == S2_LEAF && old.level <= level &&
		    old.hpa.addr == PA + shift + old_first * PAGE &&
		    (old.perm & PERM_T) == (perm & PERM_T);

	assert_int_not_equal(map(IPA + nr * PAGE, PA + shift + first * PAGE, level, perm),
			     S2_EXCLUSIVE);
	for (u64 i = first; i < first + span; i++) {
		f->may[i] = same ? f->may[i] | perm : perm;
		f->pa[i] = PA + shift + i * PAGE;
	}
	assert_true(perm_has(granted(IPA + nr * PAGE, NULL), perm));
}

static void flat_step(struct flat *f, u64 *seed)
{
	u64 nr = random_below(seed, MODEL_PAGES), n = 1 + random_below(seed, 700);
	perm_t perm = (perm_t)(1 + random_below(seed, 7)) | (random_below(seed, 4) ? PERM_T : 0);
	u64 end = nr + n < MODEL_PAGES ? nr + n : MODEL_PAGES;

	switch (random_below(seed, 16)) {
	case 0:
		unmap(IPA + nr * PAGE, (end - nr) * PAGE);
		memset(&f->may[nr], 0, end - nr);
		return;
	case 1:
		protect(IPA + nr * PAGE, (end - nr) * PAGE, perm);
		for (u64 i = nr; i < end; i++)
			f->may[i] &= ~perm;
		return;
	case 2:
		age(IPA + nr * PAGE, (end - nr) * PAGE, true);
		return;
	case 3:
	case 4:
		flat_map(f, nr, 2, random_below(seed, 8) ? 0 : BLOCK, perm);
		return;
	default:
		flat_map(f, nr, 3, random_below(seed, 8) ? 0 : PAGE, perm);
		return;
	}
}

static void flat_compare(const struct flat *f)
{
	for (u64 nr = 0; nr < MODEL_PAGES; nr++) {
		u64 pa = 0;
		perm_t has = granted(IPA + nr * PAGE, &pa);

		if (!has)
			continue;
		assert_true(perm_has(f->may[nr] | PERM_T, has));
		assert_true(!(has & PERM_T) || (f->may[nr] & PERM_T));
		assert_int_equal(pa, f->pa[nr]);
	}
}

static void random_operations(void **state)
{
	static const struct host *const hosts[] = { &host_max, &host_a76 };

	end(NULL);
	for (unsigned int i = 0; i < 2; i++) {
		struct flat f = { 0 };
		struct host on = *hosts[i];
		u64 seed = 11 + i;

		on.mte_perm = true;
		tables_begin(&on, 40);
		for (int step = 0; step < 20000; step++) {
			flat_step(&f, &seed);
			if (step % 64 == 0)
				flat_compare(&f);
		}
		end(NULL);
	}
	tables_begin(&host_max, 40);
}

static void no_memory(void **state)
{
	emu_fail_nth(2);
	assert_int_equal(s2_cache_fill(&t.cache, S2_TABLES_MAP), -ENOMEM);
	assert_int_equal(t.cache.count, 1);
	assert_int_equal(s2_cache_fill(&t.cache, S2_TABLES_MAP), 0);
	assert_int_equal(t.cache.count, S2_TABLES_MAP);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(maps_each_level),
		TEST(each_permission_is_what_it_says),
		TEST(lookup_finds_level_and_age),
		TEST(widening_keeps_what_was_granted),
		TEST(other_leaves_need_the_lock),
		TEST(page_splits_block),
		TEST(block_serves_page),
		TEST(block_replaces_tables),
		TEST(unmap_is_exact),
		TEST(long_ranges_in_pieces),
		TEST(cleaning_in_pieces),
		TEST(cut_without_a_table),
		TEST(protect_narrows),
		TEST(ages),
		TEST(random_operations),
		TEST(no_memory),
	};

	return RUN(tests);
}
