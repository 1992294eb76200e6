// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Questions about what TLBs may hold. */
#include "tlb_room.h"

u64 tlb_walk(s64 page, int *level, u64 gfn)
{
	u64 desc = 0;

	while (page >= 0) {
		desc = tlb_table((u64)page)[(gfn >> TSR_LEVEL_ORDER(*level)) % TSR_LEVEL_COUNT];
		if (tlb_kind(desc, *level) != TLB_TABLE)
			return desc;
		page = tlb_table_page(desc & TLB_ADDR);
		++*level;
	}
	return 0;
}

#define LEAVES_MAX 32U

struct leaves {
	u64 gfn;
	unsigned int count;
	bool now; /* the first is what the tables say */
	struct {
		u64 desc;
		int level;
	} leaf[LEAVES_MAX];
};

static void leaf_found(struct leaves *l, u64 desc, int level)
{
	if (tlb_kind(desc, level) != TLB_LEAF || l->count == LEAVES_MAX)
		return;
	l->leaf[l->count].desc = desc;
	l->leaf[l->count++].level = level;
}

static bool ghost_found(struct ghost *g, void *arg)
{
	struct leaves *l = arg;
	int level = g->level;
	u64 desc = g->desc;

	if (g->table) {
		level++;
		desc = tlb_walk(tlb_table_page(g->desc & TLB_ADDR), &level, l->gfn);
	}
	leaf_found(l, desc, level);
	return false;
}

/* All leaves of the set that translate a page; the tables' own is the first. */
static void leaves_of(struct gfn gfn, struct leaves *l)
{
	int level = tlb_root_level();
	u64 root = tlb_root((unsigned int)(gfn.nr / (TSR_LEVEL_COUNT * tlb_span(level))));
	u64 desc = tlb_walk((s64)root, &level, gfn.nr);

	l->gfn = gfn.nr;
	l->count = 0;
	leaf_found(l, desc, level);
	l->now = l->count;
	ghost_each(gfn.nr, 1, ghost_found, l);
}

struct emu_tlb_rights emu_tlb_rights(struct gfn gfn)
{
	struct emu_tlb_rights rights = { 0 };
	struct leaves l;

	tlb_lock();
	leaves_of(gfn, &l);
	tlb_unlock();
	for (unsigned int i = 0; i < l.count; i++) {
		unsigned long grants = tlb_grants(l.leaf[i].desc);

		rights.mapped = true;
		rights.read |= grants & TLB_READ;
		rights.write |= (grants & TLB_WRITE) != 0;
		rights.fetch |= (grants & (TLB_FETCH_EL1 | TLB_FETCH_EL0)) != 0;
	}
	return rights;
}

struct emu_walk emu_tlb_access(const struct emu_mmu *mmu, u64 ipa, enum emu_access access,
			       u64 random)
{
	struct emu_walk w = { .fault = EMU_FAULT_NONE };
	struct leaves l = { .now = true };
	unsigned int i;

	tlb_lock();
	if (tlb.on)
		leaves_of(gfn_of(ipa >> TSR_PAGE_SHIFT), &l);
	tlb_unlock();
	i = l.count ? (unsigned int)(random % (l.count + !l.now)) : 0;
	if (i == l.count || (l.now && !i))
		return emu_mmu_access(mmu, ipa, access);
	w.desc = l.leaf[i].desc;
	w.level = l.leaf[i].level;
	emu_mmu_leaf(mmu, ipa, access, &w);
	return w;
}

struct gone {
	u64 begin, end;
};

static bool maps(const struct gone *gone, u64 desc, int level)
{
	u64 begin = desc & TLB_ADDR, end = begin + (tlb_span(level) << TSR_PAGE_SHIFT);

	return tlb_kind(desc, level) == TLB_LEAF && begin < gone->end && gone->begin < end;
}

static bool ghost_maps(struct ghost *g, void *arg)
{
	if (!g->table && maps(arg, g->desc, g->level))
		tlb_complain(EMU_TLB_PAGE, g, g->gfn, g->level, 0, "a stale entry");
	return false;
}

void emu_tlb_page_gone(struct hpa hpa, u64 bytes)
{
	struct gone gone = { hpa.addr, hpa.addr + bytes };

	if (!tlb.on)
		return;
	tlb_lock();
	ghost_each(0, 0, ghost_maps, &gone);
	for (u64 page = 0; page < EMU_PHYS_PAGES; page++) {
		const struct tlb_page *p = &tlb.page[page];

		if (!p->linked && !p->ghosts)
			continue;
		for (unsigned int i = 0; i < TSR_LEVEL_COUNT; i++)
			if (maps(&gone, tlb_table(page)[i], p->level))
				tlb_complain(EMU_TLB_PAGE, NULL, p->gfn + i * tlb_span(p->level),
					     p->level, tlb_table(page)[i], "still mapped");
	}
	tlb_unlock();
}

unsigned int emu_tlb_complaints(void)
{
	unsigned int count = 0;

	for (unsigned int rule = 0; rule < EMU_TLB_RULES; rule++)
		count += tlb.complaints[rule];
	return count;
}

unsigned int emu_tlb_complaints_of(enum emu_tlb_rule rule)
{
	return tlb.complaints[rule];
}

const char *emu_tlb_complaint(void)
{
	return tlb.complaint[0] ? tlb.complaint : NULL;
}

unsigned int emu_tlb_ghosts(void)
{
	return ghost_count();
}
