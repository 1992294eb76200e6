// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "scheduler.h"
#include "seam.h"
#include "tlb_room.h"

struct tlb_model tlb = { .lock = PTHREAD_MUTEX_INITIALIZER };
struct emu_watch emu_watch;

void tlb_lock(void)
{
	pthread_mutex_lock(&tlb.lock);
}

void tlb_unlock(void)
{
	bool wrong = tlb.complaint[0];

	pthread_mutex_unlock(&tlb.lock);
	if (wrong && emu_sched_active())
		emu_sched_fail("%s", tlb.complaint);
}

unsigned int tlb_self(void)
{
	static __thread unsigned int thread;
	static unsigned int threads;

	/* The scheduler's actors have the lower half. */
	if (emu_sched_active())
		return emu_sched_self();
	if (!thread)
		thread = TLB_ACTORS / 2 +
			 __atomic_fetch_add(&threads, 1, __ATOMIC_RELAXED) % (TLB_ACTORS / 2);
	return thread;
}

static const char *const rule_names[EMU_TLB_RULES] = {
	[EMU_TLB_BREAK] = "no break before make",
	[EMU_TLB_MAKE] = "made before the TLBs forgot",
	[EMU_TLB_STALE] = "a TLB may grant what was taken",
	[EMU_TLB_LESS] = "a TLB may deny what was granted",
	[EMU_TLB_UNSEEN] = "no DSB after a make",
	[EMU_TLB_RELEASE] = "no release",
	[EMU_TLB_FREED] = "a table freed that walkers reach",
	[EMU_TLB_PAGE] = "a page given back that a TLB maps",
	[EMU_TLB_PLAIN] = "a plain store",
	[EMU_TLB_TWICE] = "a table linked wrongly",
};

const char *emu_tlb_rule_name(enum emu_tlb_rule rule)
{
	return rule_names[rule];
}

static const char *miss_text(const struct ghost *g)
{
	const struct tlb_actor *owner = &tlb.actor[g->owner];

	switch (g->miss) {
	case GHOST_NO_TLBI:
		break;
	case GHOST_TLBI_BEFORE_STORE:
		return "TLBI before the store";
	case GHOST_TLBI_BEFORE_DSB:
		return "TLBI before the DSB";
	case GHOST_TLBI_OTHER_VMID:
		return "TLBI of another VMID";
	case GHOST_TLBI_OTHER_LEVEL:
		return "TLBI of another level";
	case GHOST_TLBI_UNALIGNED:
		return "TLBI of a range that is not aligned for its level";
	}
	if (owner->tlbi_op == g->op && owner->op == g->op && owner->tlbi_store >= g->store)
		return "TLBI of another range";
	return "no TLBI";
}

void tlb_complain(enum emu_tlb_rule rule, struct ghost *g, u64 gfn, int level, u64 desc,
		  const char *what)
{
	if (g && g->reported)
		return;
	if (g)
		g->reported = true;
	tlb.complaints[rule]++;
	if (tlb.complaint[0])
		return;
	snprintf(tlb.complaint, sizeof(tlb.complaint),
		 "%s: %s%s%s; %s; page %#llx, level %d, entry %#llx; stale: level %d, entry %#llx",
		 rule_names[rule], what, g ? "; " : "", g ? miss_text(g) : "",
		 emu_sched_self_name(), gfn, level, desc, g ? g->level : -1, g ? g->desc : 0);
}

s64 tlb_table_page(u64 hpa)
{
	u64 desc;

	if (!emu_phys_desc(hpa, &desc))
		return -1;
	return (s64)((hpa - EMU_PHYS_BASE) >> TSR_PAGE_SHIFT);
}

const u64 *tlb_table(u64 page)
{
	return seam_table_ptr(hpa_of(EMU_PHYS_BASE + (page << TSR_PAGE_SHIFT)));
}

/* VTCR_EL2.SL0 and T0SZ (D24.2), start tables side by side (D8.2). */
int tlb_root_level(void)
{
	return 2 - (int)FIELD_GET(GENMASK_ULL(7, 6), tlb.vm.vtcr);
}

unsigned int tlb_root_count(void)
{
	u64 ia_bits = 64 - FIELD_GET(GENMASK_ULL(5, 0), tlb.vm.vtcr);
	u64 one = TSR_PAGE_SHIFT + TSR_LEVEL_BITS + TSR_LEVEL_ORDER(tlb_root_level());

	return ia_bits > one ? 1U << (ia_bits - one) : 1;
}

u64 tlb_root(unsigned int i)
{
	return ((tlb.vm.vttbr & TLB_ADDR) - EMU_PHYS_BASE) / TSR_PAGE_SIZE + i;
}

void emu_tlb_begin(const struct emu_tlb_vm *vm)
{
	u64 bytes = EMU_PHYS_PAGES * TSR_PAGE_SIZE;

	if (EMU_TLB_OFF)
		return;
	emu_tlb_end();
	tlb_lock();
	if (!tlb.copy)
		tlb.copy = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (tlb.copy == MAP_FAILED)
		abort();
	tlb.vm = *vm;
	tlb.store = 0;
	tlb.complaint[0] = '\0';
	memset(tlb.page, 0, sizeof(tlb.page));
	memset(tlb.actor, 0, sizeof(tlb.actor));
	memset(tlb.complaints, 0, sizeof(tlb.complaints));
	for (unsigned int i = 0; i < tlb_root_count(); i++)
		tlb_table_linked((s64)tlb_root(i), i * TSR_LEVEL_COUNT * tlb_span(tlb_root_level()),
				 tlb_root_level());
	emu_watch.base = (unsigned long)seam_table_ptr(hpa_of(EMU_PHYS_BASE));
	emu_watch.size = bytes;
	tlb.on = true;
	tlb_unlock();
}

void emu_tlb_end(void)
{
	tlb_lock();
	tlb.on = false;
	emu_watch.size = 0;
	ghost_reset();
	tlb_unlock();
}

/* Is what the ghost holds no longer to be found in memory? */
static bool walkers_agree(const struct ghost *g)
{
	return g->store <= tlb.actor[g->storer].visible;
}

void emu_tlb_dsb(void)
{
	if (!tlb.on)
		return;
	tlb_lock();
	tlb.actor[tlb_self()].visible = tlb.store;
	tlb_unlock();
	emu_fence();
}

struct tlbi {
	unsigned int self;
	u16 vmid;
	u64 gfn, pages;
	int level;
};

/* Tables that no walker can reach any more and whose entries are to be looked at. */
static struct {
	unsigned int count;
	s64 page[EMU_PHYS_PAGES];
} lost;

/* With FEAT_BBM level 2: is a leaf of another size held beside the ghost? */
static bool has_another_size(const struct ghost *g)
{
	int level = tlb_root_level();
	u64 root = tlb_root((unsigned int)(g->gfn / (TSR_LEVEL_COUNT * tlb_span(level))));
	u64 desc = tlb_walk((s64)root, &level, g->gfn);

	return tlb_kind(desc, level) == TLB_LEAF && tlb_cacheable(desc, level) && level != g->level;
}

static bool tlbi_dooms(struct ghost *g, void *arg)
{
	const struct tlbi *t = arg;

	if (t->vmid != tlb.vm.vmid)
		g->miss = GHOST_TLBI_OTHER_VMID;
	else if (t->level >= 0 && (g->table || g->level != t->level || has_another_size(g)))
		g->miss = GHOST_TLBI_OTHER_LEVEL;
	else if (t->level >= 0 && (t->gfn & (tlb_span(t->level) - 1)))
		g->miss = GHOST_TLBI_UNALIGNED;
	else if (!walkers_agree(g))
		g->miss = GHOST_TLBI_BEFORE_DSB;
	else
		g->doomed |= BIT(t->self);
	return false;
}

void emu_tlb_tlbi_begin(u16 vmid, u64 gfn, u64 pages, int level)
{
	struct tlb_actor *self = &tlb.actor[tlb_self()];
	struct tlbi t = { tlb_self(), vmid, gfn, pages, level };

	if (!tlb.on)
		return;
	tlb_lock();
	self->tlbi_op = self->op;
	self->tlbi_gfn = gfn;
	self->tlbi_pages = pages;
	self->tlbi_store = tlb.store;
	ghost_each(gfn, pages, tlbi_dooms, &t);
	tlb_unlock();
}

static void page_lost(s64 page)
{
	if (page >= 0 && !tlb.page[page].linked && !tlb.page[page].ghosts)
		lost.page[lost.count++] = page;
}

static bool tlbi_removes(struct ghost *g, void *arg)
{
	const struct tlbi *t = arg;

	if (!(g->doomed & BIT(t->self)))
		return false;
	if (g->table) {
		s64 page = tlb_table_page(g->desc & TLB_ADDR);

		if (page >= 0)
			tlb.page[page].ghosts--;
		page_lost(page);
	}
	return true;
}

static bool tlbi_covers(const struct tlbi *t, u64 gfn, u64 pages)
{
	return !t->pages || (gfn < t->gfn + t->pages && t->gfn < gfn + pages);
}

/*
 * No walker reaches the table any more, but what they found in it and the TLBI did not cover
 * may still be held.
 */
static void table_lost(const struct tlbi *t, s64 page)
{
	int level = tlb.page[page].level;
	const u64 *table = tlb_table((u64)page);

	for (unsigned int i = 0; i < TSR_LEVEL_COUNT; i++) {
		struct ghost g = {
			.gfn = tlb.page[page].gfn + i * tlb_span(level),
			.level = level,
			.table = tlb_kind(table[i], level) == TLB_TABLE,
			.desc = table[i],
			.owner = t->self,
			.op = tlb.actor[t->self].op,
		};
		s64 child = g.table ? tlb_table_page(table[i] & TLB_ADDR) : -1;
		bool kept = !tlbi_covers(t, g.gfn, tlb_span(level));

		if (!tlb_cacheable(table[i], level))
			continue;
		if (kept && ghost_add(&g) && child >= 0)
			tlb.page[child].ghosts++;
		if (child >= 0) {
			tlb.page[child].linked = false;
			page_lost(child);
		}
		if (kept)
			tlb.actor[t->self].busy = true;
	}
}

void emu_tlb_tlbi_end(void)
{
	const struct tlb_actor *self = &tlb.actor[tlb_self()];
	struct tlbi t = { .self = tlb_self(), .gfn = self->tlbi_gfn, .pages = self->tlbi_pages };

	if (!tlb.on)
		return;
	tlb_lock();
	ghost_each(t.gfn, t.pages, tlbi_removes, &t);
	while (lost.count)
		table_lost(&t, lost.page[--lost.count]);
	tlb.actor[t.self].visible = tlb.store;
	tlb_unlock();
}

struct freed {
	u64 page;
	bool found;
};

static bool points_to_freed(struct ghost *g, void *arg)
{
	struct freed *f = arg;

	if (!g->table || (g->desc & TLB_ADDR) != EMU_PHYS_BASE + (f->page << TSR_PAGE_SHIFT))
		return false;
	tlb_complain(EMU_TLB_FREED, g, g->gfn, g->level, 0, "held by a walk cache");
	return true;
}

void emu_tlb_freed(unsigned int page, unsigned int count)
{
	if (!tlb.on)
		return;
	tlb_lock();
	for (unsigned int i = 0; i < count; i++) {
		struct freed f = { .page = page + i };
		struct tlb_page *p = &tlb.page[page + i];

		if (p->linked)
			tlb_complain(EMU_TLB_FREED, NULL, p->gfn, p->level, 0, "still linked");
		if (p->ghosts)
			ghost_each(0, 0, points_to_freed, &f);
		memset(p, 0, sizeof(*p));
	}
	tlb_unlock();
}

static bool ends_stale(struct ghost *g, void *arg)
{
	unsigned int self = *(unsigned int *)arg;
	int level = tlb_root_level();
	unsigned int root = (unsigned int)(g->gfn / (TSR_LEVEL_COUNT * tlb_span(level)));
	unsigned long stale, granted;
	u64 now;

	if (g->owner != self || g->op != tlb.actor[self].op || g->reported)
		return false;
	now = tlb_walk((s64)tlb_root(root), &level, g->gfn);
	if (g->table) {
		tlb_complain(EMU_TLB_STALE, g, g->gfn, level, now, "a table");
		return false;
	}
	if (tlb_kind(now, level) != TLB_LEAF || level != g->level ||
	    ((now ^ g->desc) & ~TLB_SOFT)) {
		tlb_complain(EMU_TLB_STALE, g, g->gfn, level, now, "another translation");
		return false;
	}
	stale = tlb_grants(g->desc);
	granted = tlb_grants(now);
	if (stale & ~granted)
		tlb_complain(EMU_TLB_STALE, g, g->gfn, level, now, "a permission");
	else if (granted & ~stale)
		tlb_complain(EMU_TLB_LESS, g, g->gfn, level, now, "a permission");
	return false;
}

void emu_tlb_op_end(void)
{
	unsigned int id = tlb_self();
	struct tlb_actor *self = &tlb.actor[id];

	if (!tlb.on)
		return;
	tlb_lock();
	if (self->made > self->visible)
		tlb_complain(EMU_TLB_UNSEEN, NULL, 0, -1, 0, "a leaf was made valid");
	self->made = 0;
	if (self->busy)
		ghost_each(0, 0, ends_stale, &id);
	self->busy = false;
	self->op++;
	tlb_unlock();
}
