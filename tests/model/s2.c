// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* The model of core/s2: stage-2 tables against a flat map of pages. */
#include <stdio.h>

#include "log.h"
#include "phys.h"
#include "s2_ops.h"
#include "tlb.h"

#define RWX	((perm_t)(PERM_R | PERM_W | PERM_X))
#define VTCR_HA BIT_ULL(21)

struct s2_world m;

static const char *const op_names[OP_KINDS] = {
	"map", "map block", "map range", "unmap",  "protect",  "write-protect",
	"age", "split",	    "join",	 "access", "together",
};

/* How often each comes, in 32. */
static enum op_kind op_kind(const struct model_op *op)
{
	static const u8 share[OP_KINDS] = { 5, 3, 3, 4, 3, 2, 2, 2, 3, 2, 3 };
	unsigned int n = op->kind % 32, kind = 0;

	while (n >= share[kind])
		n -= share[kind++];
	return (enum op_kind)kind;
}

/* Some pages, some blocks, seldom everything in the first GiB. */
static struct look_range op_range(const struct model_op *op)
{
	struct look_range r = { look_index(op), 0 };
	u32 limit = r.begin < LOOK_LOW ? LOOK_LOW : LOOK_PAGES;

	if (op->size < 130) {
		r.end = r.begin + 1 + op->size % 4;
	} else if (op->size < 190) {
		r.end = r.begin + 1 + (op->size * 37U + op->how) % (3 * LOOK_BLOCK);
	} else if (op->size < 254 || (op->how & 0x30)) {
		r.begin -= r.begin % LOOK_BLOCK;
		r.end = r.begin + (1 + op->size % 3) * LOOK_BLOCK;
	} else {
		r = (struct look_range){ 0, LOOK_GIB };
	}
	if (r.end > limit)
		r.end = limit;
	return r;
}

static int op_level(const struct model_op *op)
{
	return op->memory >> 8 & 31 ? 2 : 1;
}

static struct look_range span(u32 index, int level)
{
	u32 pages = 1U << (9 * (3 - level));

	index -= index % pages;
	return (struct look_range){ index, index + pages };
}

/*
 * Host memory behind page @index: one piece in step with the guest's addresses, mostly; other
 * memory; memory that is in step for 2 MiB alone, or for pages alone.
 */
static u32 op_hfn(const struct model_op *op, u32 index)
{
	static const u32 base[8] = { 0x400000, 0x400000, 0x400000, 0x400000,
				     0x400000, 0x800000, 0x400200, 0x400001 };

	return base[op->memory % 8] + index;
}

static enum memtype op_type(const struct model_op *op)
{
	unsigned int n = op->memory >> 4 & 15;

	return n == 0 ? MEMTYPE_NC : n == 1 ? MEMTYPE_DEVICE : MEMTYPE_WB;
}

static struct s2_leaf op_leaf(const struct model_op *op, u32 hfn)
{
	struct s2_leaf leaf = {
		.hpa = hpa_of((u64)hfn << 12),
		.type = op_type(op),
		.perm = op->perm & (RWX | PERM_T),
		.clean = op->perm & 32,
		.tags = op->perm & 64,
	};

	/* Half of them with the same rights, or no two pages would make a block again. */
	if (op->perm & 16)
		leaf.perm = RWX | PERM_T;
	if (leaf.type != MEMTYPE_WB)
		leaf.perm &= ~PERM_X;
	if (!(leaf.perm & RWX))
		leaf.perm |= PERM_R;
	if (!m.host.mte_perm)
		leaf.perm |= PERM_T;
	return leaf;
}

/* --- What an operation means for a page. --- */

/* @level: of the leaf that is asked for; @was: of the entry that was there. */
static void page_map(u32 index, const struct s2_leaf *leaf, u32 hfn, int level, int was)
{
	struct flat_page *page = &flat[index], old = *page;
	/* Tags are denied to write-back memory alone. */
	perm_t perm = leaf->type == MEMTYPE_WB ? leaf->perm : leaf->perm | PERM_T;

	*page = (struct flat_page){ hfn, perm, perm, (u8)leaf->type, FLAT_MAPPED | FLAT_YOUNG };
	if (!(old.state & FLAT_MAPPED) || old.hfn != hfn || old.type != page->type)
		return;
	/* What the same memory grants already stays, unless its leaf has to go. */
	page->most |= old.most;
	if (!((old.most ^ perm) & PERM_T) && was <= level)
		page->least |= old.least;
}

/* Before the operation: the walker tells what is there. */
static void range_map(struct look_range range, const struct s2_leaf *leaf, u32 hfn, int level)
{
	for (u32 i = range.begin; i < range.end;) {
		int was;
		struct look_range entry = look_entry(i, &was);

		for (; i < entry.end && i < range.end; i++)
			page_map(i, leaf, hfn + (i - range.begin), level, was);
	}
}

void page_protect(struct flat_page *page, perm_t remove)
{
	perm_t left = page->most & ~remove;

	if (!(page->state & FLAT_MAPPED))
		return;
	if (!(left & RWX) || (page->most & remove & PERM_T))
		*page = (struct flat_page){ 0 };
	else
		page->least = page->most = left;
}

/* The rest of a cut block, for want of a table: gone, or with as little as @left. */
static void loosen(u32 begin, u32 end, perm_t left)
{
	for (u32 i = begin; i < end; i++) {
		flat[i].least &= left;
		flat[i].state |= FLAT_LOOSE;
	}
}

static void loosen_around(struct look_range range, struct look_range rounded, perm_t left)
{
	loosen(rounded.begin, range.begin, left);
	loosen(range.end, rounded.end, left);
}

/* --- Operations. --- */

/* Tables for @count; false: an allocation was made to fail. */
static bool tables(const struct model_op *op, unsigned int count)
{
	int err;

	if ((op->how >> 3 & 7) == 7)
		emu_fail_nth(1 + (op->how >> 6));
	err = s2_cache_fill(&m.cache, count);
	model_check(err == (emu_fail_happened() ? -ENOMEM : 0));
	emu_fail_nth(0);
	model_check(err || m.cache.count >= count);
	return !err;
}

/* Tables to cut blocks with: enough, or some, or none. NULL: no cache at all. */
static struct s2_cache *cut_tables(const struct model_op *op, bool *enough)
{
	unsigned int count = op->how & 7;

	*enough = false;
	if (!count)
		return NULL;
	if (count < S2_TABLES_CUT)
		s2_cache_drain(&m.cache);
	*enough = tables(op, count) && m.cache.count >= S2_TABLES_CUT;
	return &m.cache;
}

/* The largest level from @level on for which the memory is in step. */
static int memory_level(const struct model_op *op, int level)
{
	while (level < 3 && op_hfn(op, 0) % (1U << (9 * (3 - level))))
		level++;
	return level;
}

/* As a fault does it. */
static void do_map(const struct model_op *op, int level)
{
	u32 index = look_index(op);
	struct look_range range, around = look_leaf(index);
	enum s2_map_result r = S2_EXCLUSIVE;
	int asked = memory_level(op, level == 1 && index >= LOOK_GIB ? 2 : level);
	struct s2_leaf leaf = op_leaf(op, op_hfn(op, span(index, asked).begin));

	/* Tables that start at level 2 have no blocks of 1 GiB. */
	level = asked < m.s2.geom.start_level ? m.s2.geom.start_level : asked;
	range = span(index, level);
	if (!tables(op, S2_TABLES_MAP))
		return;
	range_map(range, &leaf, op_hfn(op, range.begin), level);
	if (!(op->how & 1)) {
		seam_read_lock(&m.lock);
		r = s2_map(&m.s2, &m.cache, look_gfn(index), asked, &leaf, false);
		seam_read_unlock(&m.lock);
	}
	if (r == S2_EXCLUSIVE) {
		seam_write_lock(&m.lock);
		r = s2_map(&m.s2, &m.cache, look_gfn(index), asked, &leaf, true);
		seam_write_unlock(&m.lock);
	}
	model_check(r == S2_MAPPED || r == S2_UNCHANGED);
	flat_check(range);
	flat_check(around);
	model_check(look_at(index).level <= level);
}

static void do_range_map(const struct model_op *op)
{
	struct look_range range = op_range(op), rounded = look_round(range);
	struct gfn_range left = look_gfns(range);
	u64 begin = left.begin;
	int level = memory_level(op, 1 + (op->memory >> 8) % 3);
	struct s2_leaf leaf = op_leaf(op, op_hfn(op, range.begin));
	struct hpa hpa = leaf.hpa;

	range_map(range, &leaf, op_hfn(op, range.begin), level);
	while (!gfn_range_empty(left)) {
		u64 from = left.begin;

		model_check(!s2_cache_fill(&m.cache, S2_TABLES_MAP));
		leaf.hpa.addr = hpa.addr + ((from - begin) << 12);
		seam_write_lock(&m.lock);
		left.begin = s2_range_map(&m.s2, &m.cache, left, level, &leaf);
		seam_write_unlock(&m.lock);
		model_check(left.begin > from && left.begin <= left.end);
	}
	flat_check(range);
	flat_check(rounded);
}

/* One of the operations on a range that takes pieces; @left becomes empty. */
void in_pieces(const struct model_op *op, enum op_kind kind, struct gfn_range left,
	       struct s2_cache *cache, bool *young)
{
	perm_t remove = (op->perm & (RWX | PERM_T)) ? op->perm & (RWX | PERM_T) : PERM_W;
	int level = 1 + (op->memory >> 8) % 3;

	while (!gfn_range_empty(left)) {
		u64 from = left.begin;

		if (kind == OP_SPLIT)
			model_check(!s2_cache_fill(cache, S2_TABLES_MAP));
		seam_write_lock(&m.lock);
		if (kind == OP_UNMAP)
			left.begin = s2_range_unmap(&m.s2, cache, left);
		else if (kind == OP_PROTECT)
			left.begin = s2_range_protect(&m.s2, cache, left, remove);
		else if (kind == OP_WRITE_PROTECT)
			left.begin = s2_range_write_protect(&m.s2, cache, left);
		else if (kind == OP_AGE)
			left.begin = s2_range_age(&m.s2, left, op->how & 1, young);
		else if (kind == OP_SPLIT)
			left.begin = s2_range_split(&m.s2, cache, left, level);
		else
			left.begin = s2_range_join(&m.s2, left, level < 3 ? level : 2);
		seam_write_unlock(&m.lock);
		model_check(left.begin > from && left.begin <= left.end);
	}
}

static void do_unmap(const struct model_op *op)
{
	struct look_range range = op_range(op), rounded = look_round(range);
	bool enough;
	struct s2_cache *cache = cut_tables(op, &enough);

	if (!enough)
		loosen_around(range, rounded, RWX | PERM_T);
	memset(&flat[range.begin], 0, (range.end - range.begin) * sizeof(flat[0]));
	in_pieces(op, OP_UNMAP, look_gfns(range), cache, NULL);
	flat_check(range);
	flat_check(rounded);
}

static void do_protect(const struct model_op *op)
{
	struct look_range range = op_range(op), rounded = look_round(range);
	perm_t remove = (op->perm & (RWX | PERM_T)) ? op->perm & (RWX | PERM_T) : PERM_W;
	bool enough;
	struct s2_cache *cache = cut_tables(op, &enough);

	if (!enough)
		loosen_around(range, rounded, (perm_t)~remove);
	for (u32 i = range.begin; i < range.end; i++)
		page_protect(&flat[i], remove);
	in_pieces(op, OP_PROTECT, look_gfns(range), cache, NULL);
	flat_check(range);
	flat_check(rounded);
}

static void do_write_protect(const struct model_op *op)
{
	struct look_range range = op_range(op), rounded = look_round(range);
	bool enough;
	struct s2_cache *cache = cut_tables(op, &enough);

	if (!enough)
		loosen_around(range, rounded, (perm_t)~PERM_W);
	for (u32 i = range.begin; i < range.end; i++)
		flat[i].least = flat[i].most &= (u8)~PERM_W;
	in_pieces(op, OP_WRITE_PROTECT, look_gfns(range), cache, NULL);
	flat_check(range);
	flat_check(rounded);
}

static void do_age(const struct model_op *op)
{
	struct look_range range = op_range(op), rounded = look_round(range);
	bool young = false, expected = false;

	for (u32 i = range.begin; i < range.end; i++)
		expected |= flat[i].state & FLAT_YOUNG;
	in_pieces(op, OP_AGE, look_gfns(range), NULL, &young);
	model_check(young == expected);
	for (u32 i = rounded.begin; (op->how & 1) && i < rounded.end; i++)
		flat[i].state &= (u8)~FLAT_YOUNG;
	flat_check(rounded);
}

static void do_split(const struct model_op *op)
{
	struct look_range range = op_range(op), rounded = look_round(range);
	int level = 1 + (op->memory >> 8) % 3, is;

	in_pieces(op, OP_SPLIT, look_gfns(range), &m.cache, NULL);
	for (u32 i = range.begin; i < range.end; i = look_entry(i, &is).end)
		model_check(!look_at(i).mapped || look_at(i).level >= level);
	flat_check(rounded);
}

/* Is the block around @index, of @level, one that could be a leaf? */
static bool uniform(u32 index, int level)
{
	struct look_range range = span(index, level);
	const struct flat_page *first = &flat[range.begin];

	if (!(first->state & FLAT_MAPPED) || first->hfn % (range.end - range.begin))
		return false;
	for (u32 i = range.begin; i < range.end; i++) {
		const struct flat_page *page = &flat[i];

		if (!(page->state & FLAT_MAPPED) || page->type != first->type ||
		    page->most != first->most || page->hfn != first->hfn + (i - range.begin))
			return false;
	}
	return true;
}

/* Makes the first GiB one piece of memory in blocks of 2 MiB: chance would seldom do that. */
static void heal(void)
{
	static const struct model_op all = { .size = 255, .perm = 16, .memory = 0x120 };

	do_range_map(&all);
}

static void do_join(const struct model_op *op)
{
	struct look_range range = op_range(op), whole = { 0, LOOK_GIB };
	int level = 1 + (op->memory >> 8) % 3;
	u32 first;

	if (op->size >= 253) {
		heal();
		range = whole;
	}
	first = range.begin - range.begin % LOOK_BLOCK;

	in_pieces(op, OP_JOIN, look_gfns(range), NULL, NULL);
	for (u32 i = first; i < range.end; i += LOOK_BLOCK)
		model_check(!uniform(i, 2) || look_at(i).level <= 2);
	if (level == 1 && m.s2.geom.start_level < 2 && range.begin == 0 && range.end >= LOOK_GIB &&
	    uniform(0, 1))
		model_check(look_at(0).level == 1);
	flat_check(range.begin < LOOK_GIB && look_at(range.begin).level == 1 ? whole : range);
	flat_check((struct look_range){ first, first + LOOK_BLOCK });
}

/* A guest's access by any CPU, and what core says of the page. */
static void do_access(const struct model_op *op)
{
	static const struct {
		enum emu_access access;
		perm_t need;
	} kinds[] = {
		{ EMU_READ, PERM_R },
		{ EMU_WRITE, PERM_W },
		{ EMU_FETCH_EL0, PERM_X },
		{ EMU_TAG_WRITE, PERM_W | PERM_T },
	};
	u32 index = look_index(op);
	struct flat_page *page = &flat[index];
	perm_t need = kinds[op->how % 4].need;
	struct emu_walk walk = emu_tlb_access(&m.mmu, look_gfn(index).nr << 12,
					      kinds[op->how % 4].access, op->memory);
	struct s2_entry e;
	bool may = (page->state & FLAT_MAPPED) && (page->most & need) == need;

	if (walk.fault == EMU_FAULT_NONE) {
		model_check(may && walk.pa >> 12 == page->hfn);
		/* A TLB may still have the page as young: then the table is not touched. */
		if ((m.mmu.vtcr & VTCR_HA) && look_at(index).young)
			page->state |= FLAT_YOUNG;
	} else {
		model_check(!may || (walk.fault == EMU_FAULT_ACCESS_FLAG &&
				     !(page->state & FLAT_YOUNG) && !(m.mmu.vtcr & VTCR_HA)));
	}
	seam_read_lock(&m.lock);
	e = s2_lookup(&m.s2, look_gfn(index));
	seam_read_unlock(&m.lock);
	model_check((e.kind == S2_LEAF) == !!(page->state & FLAT_MAPPED));
	if (e.kind == S2_LEAF)
		model_check(e.perm == page->most && e.type == (enum memtype)page->type &&
			    e.young == !!(page->state & FLAT_YOUNG) &&
			    e.hpa.addr >> 12 ==
				    page->hfn - (look_gfn(index).nr &
						 ((1ULL << TSR_LEVEL_ORDER(e.level)) - 1)));
	flat_check(look_leaf(index));
}

/* --- The model. --- */

void s2_begin(const struct model_world *world)
{
	u8 ipa_bits;

	emu_phys_reset();
	emu_log_reset();
	memset(&m, 0, sizeof(m));
	m.host = model_host(world->host)->host;
	m.tlb.vmid = 7;
	ipa_bits = model_ipa_bits(&m.host, world->shape);
	seam_rwlock_init(&m.lock);
	emu_fail_nth(1);
	model_check(s2_init(&m.s2, &m.host, ipa_bits, &m.tlb, &m.lock) == -ENOMEM);
	model_check(!emu_tables_live());
	emu_fail_nth(0);
	model_check(!s2_init(&m.s2, &m.host, ipa_bits, &m.tlb, &m.lock));
	m.mmu = (struct emu_mmu){
		.vttbr = seam_table_hpa(m.s2.root).addr,
		.vtcr = s2_geom_vtcr(&m.s2.geom, &m.host),
		.fwb = m.host.fwb,
		.mte_perm = m.host.mte_perm,
		.xnx = m.host.xnx,
		.pa_bits = m.host.pa_bits,
		.hafdbs = m.host.hafdbs,
	};
	emu_tlb_begin(&(struct emu_tlb_vm){
		.vttbr = m.mmu.vttbr,
		.vtcr = m.mmu.vtcr,
		.vmid = m.tlb.vmid,
		.bbm = m.host.bbm,
	});
	memset(flat, 0, sizeof(flat));
	look_begin(&m.mmu, ipa_bits);
}

static void s2_step(const struct model_op *op)
{
	switch (op_kind(op)) {
	case OP_MAP:
		do_map(op, 3);
		break;
	case OP_MAP_BLOCK:
		do_map(op, op_level(op));
		break;
	case OP_RANGE_MAP:
		do_range_map(op);
		break;
	case OP_UNMAP:
		do_unmap(op);
		break;
	case OP_PROTECT:
		do_protect(op);
		break;
	case OP_WRITE_PROTECT:
		do_write_protect(op);
		break;
	case OP_AGE:
		do_age(op);
		break;
	case OP_SPLIT:
		do_split(op);
		break;
	case OP_JOIN:
		do_join(op);
		break;
	case OP_ACCESS:
	case OP_KINDS:
		do_access(op);
		break;
	case OP_TOGETHER:
		do_together(op, in_turns);
		break;
	}
	if (emu_tlb_complaint())
		model_fail("%s", emu_tlb_complaint());
	if (++m.steps % 256 == 0)
		flat_check_all();
}

/* All is unmapped: no table is left but the start tables and what the cache holds. */
static void check_empty(void)
{
	struct gfn_range all = { 0, s2_geom_pages(&m.s2.geom) };

	while (!gfn_range_empty(all)) {
		seam_write_lock(&m.lock);
		all.begin = s2_range_unmap(&m.s2, NULL, all);
		seam_write_unlock(&m.lock);
	}
	model_check(emu_tables_live() == m.s2.geom.root_tables + m.cache.count);
}

void s2_end(void)
{
	flat_check_all();
	/* Now and then; else s2_destroy() has something to do. */
	if (m.s2.geom.ipa_bits % 2)
		check_empty();
	emu_tlb_audit();
	if (emu_tlb_complaint())
		model_fail("%s", emu_tlb_complaint());
	emu_tlb_end();
	s2_destroy(&m.s2);
	s2_cache_drain(&m.cache);
	model_check(!emu_tables_live() && !emu_allocs_live());
}

static void s2_describe(const struct model_op *op, char *text, size_t size)
{
	struct look_range range = op_range(op);

	snprintf(
		text, size,
		"%-13s { %u, %u, %u, %u, 0x%x, 0x%x }: page %llx, range %llx+%u, host %x, level %u",
		op_names[op_kind(op)], op->kind, op->size, op->perm, op->how, op->where, op->memory,
		look_gfn(look_index(op)).nr, look_gfn(range.begin).nr, range.end - range.begin,
		op_hfn(op, look_index(op)), 1 + (op->memory >> 8) % 3);
}

const struct model model = { "s2", s2_begin, s2_step, s2_end, s2_describe };
