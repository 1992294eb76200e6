// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * core/s2 alone: faults that map in parallel, one actor that does every operation on ranges,
 * and a guest that reaches whatever TLBs may hold. Memory is where it is: a page's address
 * never changes, so that whatever maps it must lead there.
 */
#include "drive.h"

#define IPA   0x40000000ULL
#define PA    0x840000000ULL
#define PAGES (2 * BLOCK / PAGE)
#define STEPS 12U

static struct s2 s2;
static struct seam_tlb tlb;
static seam_rwlock_t lock;
static struct emu_mmu mmu;
static struct s2_cache caches[3];

/* A block, some pages, or one of those that faults map. */
static struct gfn_range some_pages(void)
{
	u64 begin = emu_sched_random(PAGES), count = 1 + emu_sched_random(20);

	switch (emu_sched_random(3)) {
	case 0:
		begin &= ~(PAGES / 2 - 1);
		count = PAGES / 2;
		break;
	case 1:
		begin = emu_sched_random(8) * 61;
		count = 1;
		break;
	}
	if (count > PAGES - begin)
		count = PAGES - begin;
	return (struct gfn_range){ IPA / PAGE + begin, IPA / PAGE + begin + count };
}

static struct hpa memory_of(u64 nr)
{
	return hpa_of(PA + (nr * PAGE - IPA));
}

static struct s2_leaf some_leaf(u64 nr)
{
	static const perm_t perms[] = { PERM_R, PERM_R | PERM_W, PERM_R | PERM_X,
					PERM_R | PERM_W | PERM_X };
	perm_t tags = s2.host->mte_perm && !emu_sched_random(8) ? 0 : PERM_T;

	return (struct s2_leaf){
		.hpa = memory_of(nr),
		.type = MEMTYPE_WB,
		.perm = perms[emu_sched_random(4)] | tags,
		.clean = !s2.host->fwb,
	};
}

/* Mostly pages. */
static int some_level(void)
{
	static const int levels[] = { 3, 3, 3, 3, 3, 2, 2, 1 };

	return levels[emu_sched_random(8)];
}

static void fault(void *arg)
{
	struct s2_cache *cache = arg;

	for (unsigned int i = 0; i < STEPS; i++) {
		u64 nr = IPA / PAGE + emu_sched_random(8) * 61;
		int level = some_level();
		struct s2_leaf leaf =
			some_leaf(nr >> TSR_LEVEL_ORDER(level) << TSR_LEVEL_ORDER(level));
		enum s2_map_result r;

		if (s2_cache_fill(cache, S2_TABLES_MAP))
			emu_sched_fail("out of tables");
		seam_read_lock(&lock);
		r = s2_map(&s2, cache, gfn_of(nr), level, &leaf, false);
		seam_read_unlock(&lock);
		if (r != S2_EXCLUSIVE)
			continue;
		seam_write_lock(&lock);
		s2_map(&s2, cache, gfn_of(nr), level, &leaf, true);
		seam_write_unlock(&lock);
	}
}

/* Under the lock, after a piece of an operation that takes @remove away, or all. */
static void check_taken(u64 begin, u64 end, perm_t remove)
{
	/* The model's own complaint says more. */
	emu_tlb_op_end();
	for (u64 nr = begin; nr < end; nr++) {
		struct emu_tlb_rights rights = emu_tlb_rights(gfn_of(nr));

		if (remove == PERM_ALL && rights.mapped)
			emu_sched_fail("page %#llx is still mapped", nr);
		if ((remove & PERM_W && rights.write) || (remove & PERM_X && rights.fetch))
			emu_sched_fail("page %#llx still grants what was taken", nr);
	}
}

/* What pages granted before an operation that grants nothing. */
static struct emu_tlb_rights before[PAGES];

static void note_rights(u64 begin, u64 end)
{
	for (u64 nr = begin; nr < end; nr++)
		before[nr - IPA / PAGE] = emu_tlb_rights(gfn_of(nr));
}

static void check_not_more(u64 begin, u64 end)
{
	for (u64 nr = begin; nr < end; nr++) {
		struct emu_tlb_rights was = before[nr - IPA / PAGE],
				      is = emu_tlb_rights(gfn_of(nr));

		if ((is.read && !was.read) || (is.write && !was.write) || (is.fetch && !was.fetch))
			emu_sched_fail("page %#llx grants more than before", nr);
	}
}

enum range_op { MAP, UNMAP, PROTECT, WRITE_PROTECT, AGE, SPLIT, JOIN, RANGE_OPS };

static u64 piece(enum range_op op, struct s2_cache *cache, struct gfn_range range, perm_t remove)
{
	struct s2_leaf leaf = some_leaf(range.begin);
	u64 next = range.end;
	bool young;

	switch (op) {
	case MAP:
		return s2_range_map(&s2, cache, range, 2, &leaf);
	case UNMAP:
		next = s2_range_unmap(&s2, cache, range);
		check_taken(range.begin, next, PERM_ALL);
		break;
	case PROTECT:
		next = s2_range_protect(&s2, cache, range, remove);
		check_taken(range.begin, next, remove);
		break;
	case WRITE_PROTECT:
		next = s2_range_write_protect(&s2, cache, range);
		check_taken(range.begin, next, PERM_W);
		break;
	case AGE:
		return s2_range_age(&s2, range, true, &young);
	case SPLIT:
		note_rights(range.begin, range.end);
		next = s2_range_split(&s2, cache, range, 3);
		check_not_more(range.begin, range.end);
		break;
	case JOIN:
		note_rights(range.begin, range.end);
		next = s2_range_join(&s2, range, 2);
		check_not_more(range.begin, range.end);
		break;
	case RANGE_OPS:
		break;
	}
	return next;
}

static void ranges(void *arg)
{
	static const perm_t removes[] = { PERM_W, PERM_X, PERM_W | PERM_X };
	struct s2_cache *cache = arg;

	for (unsigned int i = 0; i < STEPS; i++) {
		enum range_op op = (enum range_op)emu_sched_random(RANGE_OPS);
		struct gfn_range range = some_pages();
		perm_t remove = removes[emu_sched_random(3)];
		bool fill = op == MAP || op == SPLIT || emu_sched_random(2);

		while (!gfn_range_empty(range)) {
			if (fill && s2_cache_fill(cache, S2_TABLES_CUT))
				emu_sched_fail("out of tables");
			seam_write_lock(&lock);
			range.begin = piece(op, cache, range, remove);
			seam_write_unlock(&lock);
			seam_relax();
		}
	}
}

/* Half of what a guest reads or writes; the hardware makes entries young on the way. */
static void guest(void *arg)
{
	for (unsigned int i = 0; i < 4 * STEPS; i++) {
		u64 ipa = IPA + emu_sched_random(PAGES) * PAGE;
		enum emu_access access = emu_sched_random(2) ? EMU_READ : EMU_WRITE;
		struct emu_walk walk;

		emu_mmu_begin();
		walk = emu_tlb_access(&mmu, ipa, access, emu_sched_random(1024));
		if (walk.fault == EMU_FAULT_RESERVED || walk.fault == EMU_FAULT_MEMORY ||
		    walk.fault == EMU_FAULT_ADDRESS_SIZE)
			emu_sched_fail("a broken walk for %#llx", ipa);
		if (walk.fault == EMU_FAULT_NONE && (walk.pa & ~(PAGE - 1)) != PA + (ipa - IPA))
			emu_sched_fail("%#llx leads to %#llx", ipa, walk.pa);
		emu_mmu_end();
	}
}

const char *drive_s2(u64 seed)
{
	static const u8 ipa_bits[] = { 32, 40, 48 };
	const struct host *host = drive_host(seed);
	u8 bits = ipa_bits[seed % 3] < host->ipa_bits ? ipa_bits[seed % 3] : host->ipa_bits;
	const struct emu_actor actors[] = {
		{ "fault 1", fault, &caches[0] },
		{ "fault 2", fault, &caches[1] },
		{ "ranges", ranges, &caches[2] },
		{ "guest", guest, NULL },
	};
	const char *error;

	emu_phys_reset();
	emu_log_reset();
	memset(caches, 0, sizeof(caches));
	seam_rwlock_init(&lock);
	emu_sched_name(&lock, "the lock");
	tlb.vmid = 5;
	if (s2_init(&s2, host, bits, &tlb, &lock))
		return "no memory";
	mmu = (struct emu_mmu){
		.vttbr = seam_table_hpa(s2.root).addr,
		.vtcr = s2_geom_vtcr(&s2.geom, host),
		.fwb = host->fwb,
		.mte_perm = host->mte_perm,
		.xnx = host->xnx,
		.pa_bits = host->pa_bits,
		.hafdbs = host->hafdbs,
	};
	emu_tlb_begin(&(struct emu_tlb_vm){ mmu.vttbr, mmu.vtcr, tlb.vmid, host->bbm });
	error = emu_sched_run(seed, actors, 4);
	emu_tlb_audit();
	if (!error)
		error = emu_tlb_complaint();
	emu_tlb_end();
	if (error)
		return error;
	for (unsigned int i = 0; i < 3; i++)
		s2_cache_drain(&caches[i]);
	s2_destroy(&s2);
	return emu_tables_live() || emu_allocs_live() ? "memory is left" : NULL;
}
