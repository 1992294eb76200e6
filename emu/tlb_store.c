// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* The TLB model's view of stores to tables: what leaves the tables, and what enters them. */
#include "scheduler.h"
#include "tlb_room.h"

/* An entry that walkers can find from now on, among the ghosts of its span. */
struct entering {
	u64 gfn;
	int level;
	u64 desc;
	bool table;
};

/* Why TLBs must not hold two leaves at once that overlap, or NULL (D8.16.1). */
static const char *leaves_clash(u64 gfn, int level, u64 desc, const struct entering *e)
{
	u64 at = gfn > e->gfn ? gfn : e->gfn;

	if (level != e->level && tlb.vm.bbm < 2)
		return "other block size";
	if (tlb_output(desc, gfn, at) != tlb_output(e->desc, e->gfn, at))
		return "other output address";
	if ((desc ^ e->desc) & ~(TLB_SOFT | TLB_ADDR | 3))
		return "other memory attributes";
	return NULL;
}

/* The same for what a table of which a walk cache knows holds for the span. */
static const char *table_clashes(s64 page, const struct entering *e)
{
	const struct tlb_page *p = &tlb.page[page];
	u64 step = tlb_span(p->level), end = e->gfn + tlb_span(e->level);
	u64 first = e->gfn > p->gfn ? (e->gfn - p->gfn) / step : 0;

	for (u64 i = first; i < TSR_LEVEL_COUNT && p->gfn + i * step < end; i++) {
		u64 desc = tlb_table((u64)page)[i];
		const char *why = NULL;

		if (tlb_kind(desc, p->level) == TLB_LEAF && (desc & TLB_AF))
			why = leaves_clash(p->gfn + i * step, p->level, desc, e);
		else if (tlb_kind(desc, p->level) == TLB_TABLE &&
			 tlb_table_page(desc & TLB_ADDR) >= 0)
			why = table_clashes(tlb_table_page(desc & TLB_ADDR), e);
		if (why)
			return why;
	}
	return NULL;
}

static const char *ghost_clashes(const struct ghost *g, const struct entering *e)
{
	bool finer = g->level > e->level;

	if (g->table && e->table)
		return g->level == e->level && g->desc != e->desc ? "another table" : NULL;
	if (g->table) {
		if (tlb.vm.bbm < 2 && g->level >= e->level)
			return "a block for a table";
		return table_clashes(tlb_table_page(g->desc & TLB_ADDR), e);
	}
	if (e->table)
		return tlb.vm.bbm < 2 && !finer ? "a table for a block" : NULL;
	return leaves_clash(g->gfn, g->level, g->desc, e);
}

static bool meets(struct ghost *g, void *arg)
{
	const struct entering *e = arg;
	const char *why = g->reported ? NULL : ghost_clashes(g, e);

	if (why)
		tlb_complain(g->store == tlb.store ? EMU_TLB_BREAK : EMU_TLB_MAKE, g, e->gfn,
			     e->level, e->desc, why);
	return false;
}

static void enters(u64 gfn, int level, u64 desc)
{
	struct entering e = { gfn, level, desc, tlb_kind(desc, level) == TLB_TABLE };

	ghost_each(gfn, tlb_span(level), meets, &e);
	if (e.table)
		tlb_table_linked(tlb_table_page(desc & TLB_ADDR), gfn & ~(tlb_span(level) - 1),
				 level + 1);
}

void tlb_table_linked(s64 page, u64 gfn, int level)
{
	struct tlb_page *p;

	if (page < 0) {
		tlb_complain(EMU_TLB_TWICE, NULL, gfn, level, 0, "no table there");
		return;
	}
	p = &tlb.page[page];
	if (p->linked || (p->ghosts && (p->gfn != gfn || p->level != level))) {
		tlb_complain(EMU_TLB_TWICE, NULL, gfn, level, 0, "walkers reach it elsewhere");
		return;
	}
	p->linked = true;
	if (p->ghosts)
		return;
	p->gfn = gfn;
	p->level = level;
	memcpy(tlb.copy[page], tlb_table((u64)page), sizeof(tlb.copy[page]));
	if (level == TSR_LEVEL_LAST && !ghost_count())
		return;
	for (unsigned int i = 0; i < TSR_LEVEL_COUNT; i++)
		if (tlb_kind(tlb.copy[page][i], level) != TLB_NONE)
			enters(gfn + i * tlb_span(level), level, tlb.copy[page][i]);
}

struct taker {
	unsigned int id;
	int level;
};

/*
 * What an operation changes is its own to clean up, unless another is still at it. A value
 * that was waiting for a DSB waits for ours: walkers that see our store of the same entry, or
 * of one above it, do not find what was there before.
 */
static bool takes_over(struct ghost *g, void *arg)
{
	const struct taker *t = arg;

	if (g->op == tlb.actor[g->owner].op)
		return false;
	g->owner = t->id;
	g->op = tlb.actor[t->id].op;
	if (g->level < t->level || g->store <= tlb.actor[g->storer].visible)
		return false;
	g->storer = t->id;
	g->store = tlb.store;
	return false;
}

static void leaves(u64 gfn, int level, u64 desc, unsigned int id)
{
	const struct tlb_actor *self = &tlb.actor[id];
	struct ghost g = {
		.gfn = gfn,
		.level = level,
		.table = tlb_kind(desc, level) == TLB_TABLE,
		.desc = desc,
		.store = tlb.store,
		.storer = id,
		.owner = id,
		.op = self->op,
	};
	s64 child = g.table ? tlb_table_page(desc & TLB_ADDR) : -1;

	if (self->tlbi_op == self->op && self->tlbi_store &&
	    (!self->tlbi_pages ||
	     (gfn < self->tlbi_gfn + self->tlbi_pages && self->tlbi_gfn < gfn + tlb_span(level))))
		g.miss = GHOST_TLBI_BEFORE_STORE;
	if (child >= 0)
		tlb.page[child].linked = false;
	if (ghost_add(&g) && child >= 0)
		tlb.page[child].ghosts++;
}

/* Valid to valid, whatever TLBs hold: an entry without AF is none of theirs. */
static bool replaced_badly(u64 gfn, int level, u64 old, u64 new)
{
	struct entering e = { gfn, level, new, tlb_kind(new, level) == TLB_TABLE };
	struct ghost g = {
		.gfn = gfn,
		.level = level,
		.table = tlb_kind(old, level) == TLB_TABLE,
		.desc = old,
		.store = tlb.store,
	};

	if (tlb_cacheable(old, level) || tlb_kind(old, level) == TLB_NONE)
		return false;
	return meets(&g, &e);
}

/*
 * A leaf leads to memory that has been made ready before the operation, or under a barrier;
 * a table was written to just now.
 */
static bool ordered(unsigned int id, u64 desc, int level)
{
	const struct tlb_actor *self = &tlb.actor[id];

	return tlb_kind(desc, level) == TLB_LEAF && self->fenced && self->fence_op == self->op;
}

void emu_fence(void)
{
	struct tlb_actor *self = &tlb.actor[tlb_self()];

	tlb_lock();
	self->fenced = true;
	self->fence_op = self->op;
	tlb_unlock();
}

static void store(struct tlb_page *p, unsigned int index, u64 old, u64 new, bool release)
{
	unsigned int id = tlb_self();
	struct taker taker = { id, p->level };
	u64 gfn = p->gfn + index * tlb_span(p->level);
	bool valid = tlb_kind(new, p->level) != TLB_NONE;
	bool soft = !((old ^ new) & ~TLB_SOFT);

	tlb.store++;
	tlb.actor[id].busy = true;
	ghost_each(gfn, tlb_span(p->level), takes_over, &taker);
	if (tlb_cacheable(old, p->level))
		leaves(gfn, p->level, old, id);
	if (!valid)
		return;
	if (!soft && !release && !ordered(id, new, p->level))
		tlb_complain(EMU_TLB_RELEASE, NULL, gfn, p->level, new, "an entry made valid");
	if (tlb_kind(old, p->level) == TLB_NONE && tlb_kind(new, p->level) == TLB_LEAF)
		tlb.actor[id].made = tlb.store;
	if (!soft)
		replaced_badly(gfn, p->level, old, new);
	enters(gfn, p->level, new);
}

/* What the hardware does to descriptors on its own: AF, and S2AP[1] where DBM is set. */
static u64 hardware_bits(u64 desc)
{
	return TLB_AF | (desc & BIT_ULL(51) ? BIT_ULL(7) : 0);
}

static bool plain(u64 copy, u64 desc)
{
	return (copy ^ desc) & ~((copy & 1) ? hardware_bits(copy) : 0);
}

/* Before @p, in @page of the pool, changes from @old to @new. */
static void stores(const u64 *p, u64 number, u64 old, u64 new, bool release)
{
	struct tlb_page *page = &tlb.page[number];
	unsigned int index = ((unsigned long)p & (TSR_PAGE_SIZE - 1)) / sizeof(u64);
	u64 *copy = &tlb.copy[number][index];

	if (!page->linked && !page->ghosts)
		return;
	if (plain(*copy, old))
		tlb_complain(EMU_TLB_PLAIN, NULL, page->gfn + index * tlb_span(page->level),
			     page->level, old, "a store unseen");
	if (old != new)
		store(page, index, old, new, release);
	*copy = new;
}

/* Makes @p @value: all stores of software to tables that are watched come here. Lock. */
static void put(u64 *p, u64 value, bool release)
{
	u64 page = ((unsigned long)p - emu_watch.base) >> TSR_PAGE_SHIFT;

	if (tlb_table_page(EMU_PHYS_BASE + (page << TSR_PAGE_SHIFT)) < 0) {
		tlb_complain(EMU_TLB_FREED, NULL, 0, -1, value, "a store to what is no table");
		return;
	}
	stores(p, page, *p, value, release);
	__atomic_store_n(p, value, __ATOMIC_RELEASE);
}

/* What is there; 0 if @p is in no table. Lock. */
static u64 get(const u64 *p)
{
	u64 desc = 0;

	emu_phys_desc(EMU_PHYS_BASE + ((unsigned long)p - emu_watch.base), &desc);
	return desc;
}

void emu_store(void *p, u64 value, bool release)
{
	emu_sched_point();
	tlb_lock();
	put(p, value, release);
	tlb_unlock();
}

u64 emu_exchange(u64 *p, u64 value)
{
	u64 old;

	emu_sched_point();
	tlb_lock();
	old = get(p);
	put(p, value, true);
	tlb_unlock();
	return old;
}

u64 emu_cmpxchg(u64 *p, u64 expected, u64 value)
{
	u64 old;

	emu_sched_point();
	tlb_lock();
	old = get(p);
	if (old == expected)
		put(p, value, true);
	tlb_unlock();
	return old;
}

void emu_bits_clear(u64 *p, u64 bits)
{
	emu_sched_point();
	tlb_lock();
	put(p, get(p) & ~bits, false);
	tlb_unlock();
}

bool emu_tlb_update(u64 *p, u64 was, u64 desc)
{
	bool locked = tlb.on, done;

	if (locked)
		tlb_lock();
	done = __atomic_compare_exchange_n(p, &was, desc, false, __ATOMIC_ACQ_REL,
					   __ATOMIC_ACQUIRE);
	if (locked)
		tlb_unlock();
	return done;
}

void emu_tlb_audit(void)
{
	if (!tlb.on)
		return;
	tlb_lock();
	for (u64 page = 0; page < EMU_PHYS_PAGES; page++) {
		const struct tlb_page *p = &tlb.page[page];

		if (!p->linked && !p->ghosts)
			continue;
		for (unsigned int i = 0; i < TSR_LEVEL_COUNT; i++)
			if (plain(tlb.copy[page][i], tlb_table(page)[i]))
				tlb_complain(EMU_TLB_PLAIN, NULL, p->gfn + i * tlb_span(p->level),
					     p->level, tlb_table(page)[i], "a store unseen");
	}
	tlb_unlock();
}
