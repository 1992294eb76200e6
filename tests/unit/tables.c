// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "tables.h"

struct tables t;

void tables_begin(const struct host *host, u8 ipa_bits)
{
	emu_phys_reset();
	emu_log_reset();
	memset(&t, 0, sizeof(t));
	t.host = *host;
	seam_rwlock_init(&t.lock);
	assert_int_equal(s2_init(&t.s2, &t.host, ipa_bits, &t.tlb, &t.lock), 0);
	t.mmu = (struct emu_mmu){
		.vttbr = seam_table_hpa(t.s2.root).addr,
		.vtcr = s2_geom_vtcr(&t.s2.geom, &t.host),
		.fwb = host->fwb,
		.mte_perm = host->mte_perm,
		.xnx = host->xnx,
		.pa_bits = 48,
	};
	emu_tlb_begin(&(struct emu_tlb_vm){ t.mmu.vttbr, t.mmu.vtcr, t.tlb.vmid, host->bbm });
}

bool tables_end(void)
{
	emu_tlb_audit();
	if (emu_tlb_complaint())
		fail_msg("%s", emu_tlb_complaint());
	emu_tlb_end();
	s2_destroy(&t.s2);
	s2_cache_drain(&t.cache);
	return !emu_tables_live() && !emu_allocs_live();
}

enum s2_map_result map_held(u64 ipa, u64 pa, int level, perm_t perm, bool exclusive)
{
	struct s2_leaf leaf = { .hpa = hpa_of(pa), .type = MEMTYPE_WB, .perm = perm };
	enum s2_map_result r;

	assert_int_equal(s2_cache_fill(&t.cache, S2_TABLES_MAP), 0);
	if (exclusive)
		seam_write_lock(&t.lock);
	else
		seam_read_lock(&t.lock);
	r = s2_map(&t.s2, &t.cache, gpa_gfn(gpa_of(ipa)), level, &leaf, exclusive);
	if (exclusive)
		seam_write_unlock(&t.lock);
	else
		seam_read_unlock(&t.lock);
	return r;
}

enum s2_map_result map(u64 ipa, u64 pa, int level, perm_t perm)
{
	enum s2_map_result r = map_held(ipa, pa, level, perm, false);

	return r == S2_EXCLUSIVE ? map_held(ipa, pa, level, perm, true) : r;
}

/* A piece is done: where to go on. */
static u64 piece(struct gfn_range range, u64 next)
{
	assert_true(next > range.begin && next <= range.end);
	return next;
}

void map_range(u64 ipa, u64 size, int level, const struct s2_leaf *leaf)
{
	struct gfn_range range = world_gfns(ipa, size);
	struct s2_leaf piece = *leaf;
	u64 offset = leaf->hpa.addr - ipa;

	while (!gfn_range_empty(range)) {
		assert_int_equal(s2_cache_fill(&t.cache, S2_TABLES_MAP), 0);
		piece.hpa = hpa_of(offset + (range.begin << TSR_PAGE_SHIFT));
		seam_write_lock(&t.lock);
		range.begin = s2_range_map(&t.s2, &t.cache, range, level, &piece);
		seam_write_unlock(&t.lock);
	}
}

static void cache_begin(struct s2_cache *cache)
{
	if (cache)
		assert_int_equal(s2_cache_fill(cache, S2_TABLES_CUT), 0);
	seam_write_lock(&t.lock);
}

void unmap_with(struct s2_cache *cache, u64 ipa, u64 size)
{
	struct gfn_range range = world_gfns(ipa, size);

	cache_begin(cache);
	while (!gfn_range_empty(range))
		range.begin = piece(range, s2_range_unmap(&t.s2, cache, range));
	seam_write_unlock(&t.lock);
}

void protect_with(struct s2_cache *cache, u64 ipa, u64 size, perm_t remove)
{
	struct gfn_range range = world_gfns(ipa, size);

	cache_begin(cache);
	while (!gfn_range_empty(range))
		range.begin = piece(range, s2_range_protect(&t.s2, cache, range, remove));
	seam_write_unlock(&t.lock);
}

void write_protect_with(struct s2_cache *cache, u64 ipa, u64 size)
{
	struct gfn_range range = world_gfns(ipa, size);

	cache_begin(cache);
	while (!gfn_range_empty(range))
		range.begin = piece(range, s2_range_write_protect(&t.s2, cache, range));
	seam_write_unlock(&t.lock);
}

bool age(u64 ipa, u64 size, bool clear)
{
	struct gfn_range range = world_gfns(ipa, size);
	bool young = false;

	seam_write_lock(&t.lock);
	while (!gfn_range_empty(range))
		range.begin = piece(range, s2_range_age(&t.s2, range, clear, &young));
	seam_write_unlock(&t.lock);
	return young;
}

void split_range(u64 ipa, u64 size, int level)
{
	struct gfn_range range = world_gfns(ipa, size);

	while (!gfn_range_empty(range)) {
		assert_int_equal(s2_cache_fill(&t.cache, S2_TABLES_MAP), 0);
		seam_write_lock(&t.lock);
		range.begin = s2_range_split(&t.s2, &t.cache, range, level);
		seam_write_unlock(&t.lock);
	}
}

void join_range(u64 ipa, u64 size, int level)
{
	struct gfn_range range = world_gfns(ipa, size);

	seam_write_lock(&t.lock);
	while (!gfn_range_empty(range))
		range.begin = piece(range, s2_range_join(&t.s2, range, level));
	seam_write_unlock(&t.lock);
}

perm_t granted(u64 ipa, u64 *pa)
{
	static const struct {
		enum emu_access access;
		perm_t perm;
	} tries[] = { { EMU_READ, PERM_R }, { EMU_WRITE, PERM_W }, { EMU_FETCH_EL1, PERM_X } };
	perm_t perm = 0;

	for (unsigned int i = 0; i < 3; i++) {
		struct emu_walk w = emu_mmu_access(&t.mmu, ipa, tries[i].access);

		if (w.fault == EMU_FAULT_TRANSLATION || w.fault == EMU_FAULT_ACCESS_FLAG)
			return 0;
		assert_true(w.fault == EMU_FAULT_NONE || w.fault == EMU_FAULT_PERMISSION);
		if (w.fault == EMU_FAULT_NONE)
			perm |= tries[i].perm;
		if (!w.notag)
			perm |= PERM_T;
		if (pa)
			*pa = w.pa;
	}
	return perm;
}

int level_at(u64 ipa)
{
	return emu_mmu_access(&t.mmu, ipa, EMU_READ).level;
}

void assert_maps(u64 ipa, u64 pa, perm_t perm)
{
	u64 found = 0;
	perm_t has = granted(ipa, &found);

	assert_int_equal(has, perm);
	assert_int_equal(found, pa);
}

void assert_absent(u64 ipa)
{
	assert_int_equal(emu_mmu_try(&t.mmu, ipa, EMU_READ), EMU_FAULT_TRANSLATION);
}
