// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * A VM with lazy tags: vCPUs that load and store tags, the host, which moves memory with its
 * tags or takes it, the VMM, which stores tags of its own, attributes, and in one run of four a
 * second slot over the same memory. What a vCPU finds is what was stored; what core says of
 * tags was so at some moment of its saying it.
 */
#include "drive.h"
#include "tags.h"

#define IPA   0x40000000ULL
#define IPA2  0x80000000ULL
#define SIZE  BLOCK
#define PAGES (SIZE / PAGE)
#define AREAS 3U /* places for the slot's memory */
#define STEPS 10U
#define USED  12U /* pages that are used, at a distance; in every other run FEW */
#define FEW   2U

static struct world w;
static struct emu_vma *vma;
static struct s2_cache caches[2];
static u64 areas;
static unsigned int area;
static bool twice; /* there is the second slot, too */
static bool few;
static bool calm; /* vCPUs leave tags alone: it is the VMM that stores them */

static u8 tag[PAGES];	    /* what a guest finds */
static u32 stores[PAGES];   /* counts changes of it */
static bool settled[PAGES]; /* the VMM is not about to store there */

static u64 some_page(void)
{
	return emu_sched_random(few ? FEW : USED) * 41;
}

static struct hpa page_hpa(u64 page)
{
	return hpa_of(vma->hpa.addr + page * PAGE);
}

static void tag_changes(u64 page, u8 value)
{
	tag[page] = value;
	stores[page]++;
}

/* The access has passed; no other actor runs between its look and its store. */
static void touch(u64 page, struct hpa hpa, enum emu_access access)
{
	if (access != EMU_TAG_READ && access != EMU_TAG_WRITE)
		return;
	if (!emu_tags_live(hpa))
		emu_sched_fail("page %llu is open to another's tags", page);
	if (emu_tag(hpa) != tag[page])
		emu_sched_fail("page %llu has tag %x, not %x", page, emu_tag(hpa), tag[page]);
	if (access == EMU_TAG_READ)
		return;
	tag_changes(page, (u8)(1 + emu_sched_random(15)));
	emu_tag_store(hpa, tag[page]);
}

static perm_t need_of(enum emu_access access, enum emu_fault fault)
{
	bool writes = access == EMU_WRITE || access == EMU_TAG_WRITE;

	if (fault == EMU_FAULT_TAG)
		return writes ? PERM_W | PERM_T : PERM_T;
	return writes ? PERM_W : PERM_R;
}

static void use(struct s2_cache *cache, u64 base, u64 page, enum emu_access access)
{
	struct access fault = { gpa_of(base + page * PAGE), ACCESS_DATA, PERM_R, false };
	struct vm_fault_result result = { .outcome = VM_RESUME };

	for (int tries = 0; tries < 6 && result.outcome == VM_RESUME; tries++) {
		struct emu_walk walk;

		emu_mmu_begin();
		walk = emu_tlb_access(&w.mmu, fault.gpa.addr, access, emu_sched_random(1024));
		if (walk.fault == EMU_FAULT_NONE)
			touch(page, hpa_of(walk.pa & ~(PAGE - 1)), access);
		emu_mmu_end();
		if (walk.fault == EMU_FAULT_NONE)
			return;
		fault.need = need_of(access, walk.fault);
		fault.permission =
			walk.fault == EMU_FAULT_PERMISSION || walk.fault == EMU_FAULT_TAG;
		vm_fault(&w.vm, cache, &fault, &result);
	}
}

static void check_page(u64 page)
{
	u64 nr = IPA / PAGE + page;
	bool live = emu_tags_live(page_hpa(page)), was_settled = settled[page];
	u32 before = stores[page];
	u8 value = tag[page];
	struct s2_tags tags = vm_tags_look(&w.vm, gfn_of(nr), 1);

	if (stores[page] != before || !settled[page] || !was_settled)
		return;
	if (tags.tagged && !live && !emu_tags_live(page_hpa(page)))
		emu_sched_fail("page %llu is said to have tags", page);
	if (tags.known && !tags.tagged && value)
		emu_sched_fail("page %llu is said to have no tags", page);
}

static void vcpu(void *arg)
{
	static const enum emu_access accesses[] = { EMU_READ, EMU_WRITE, EMU_TAG_READ,
						    EMU_TAG_WRITE };

	for (unsigned int i = 0; i < 2 * STEPS; i++) {
		u64 base = twice && emu_sched_random(2) ? IPA2 : IPA;

		use(arg, base, some_page(), accesses[emu_sched_random(calm ? 2 : 4)]);
		check_page(some_page());
	}
}

/* The host's page tables are locked, and no other actor runs. */
static void move_tags(struct hpa from, bool fresh)
{
	vma->hpa = hpa_of(areas + area * SIZE);
	if (!fresh) {
		emu_tags_move(from, vma->hpa, PAGES);
		return;
	}
	emu_tags_drop(from, PAGES);
	for (u64 page = 0; page < PAGES; page++)
		tag_changes(page, 0);
}

/* All of it goes elsewhere with its tags, or is new there. */
static void host(void *arg)
{
	for (unsigned int i = 0; i < STEPS / 2; i++) {
		struct hpa from = vma->hpa;
		bool fresh = emu_sched_random(2);

		vm_hva_invalidate_begin(&w.vm, vma->begin, vma->end);
		area = (area + 1) % AREAS;
		emu_mm_lock();
		vma->order = emu_sched_random(2) ? 9 : 0;
		move_tags(from, fresh);
		emu_mm_unlock();
		emu_tlb_page_gone(from, SIZE);
		vm_hva_invalidate_end(&w.vm, vma->begin, vma->end);
	}
}

static void vmm(void *arg)
{
	for (unsigned int i = 0; i < STEPS; i++) {
		u64 page = some_page(), nr = IPA / PAGE + page;

		if (emu_sched_random(3)) {
			check_page(page);
			continue;
		}
		settled[page] = false;
		tag_changes(page, (u8)(1 + emu_sched_random(15)));
		emu_tag_store(page_hpa(page), tag[page]);
		vm_tags_written(&w.vm, (struct gfn_range){ nr, nr + 1 });
		if (twice)
			vm_tags_written(&w.vm, (struct gfn_range){ IPA2 / PAGE + page,
								   IPA2 / PAGE + page + 1 });
		settled[page] = true;
		check_page(page);
	}
}

/* Blocks are cut, and joined again. */
static void attributes(void *arg)
{
	for (unsigned int i = 0; i < STEPS; i++) {
		bool all = emu_sched_random(2);
		u64 first = all ? 0 : emu_sched_random(PAGES), count = all ? PAGES : 1;
		struct gfn_range range = { IPA / PAGE + first, IPA / PAGE + first + count };

		if (vm_attr_set(&w.vm, range, emu_sched_random(3) ? ATTR_SET : ATTR_CLEAR,
				ABI_ATTR_NX))
			emu_sched_fail("an attribute cannot be set");
		check_page(some_page());
	}
}

static void second_slot(void *arg)
{
	struct slot_request req = { 1, 0, IPA2, SIZE, vma->begin };

	if (vm_slot_set(&w.vm, &req))
		emu_sched_fail("no second slot");
	twice = true;
	for (unsigned int i = 0; i < STEPS; i++)
		check_page(some_page());
}

static void begin(u64 seed)
{
	static struct host no_bbm;
	struct emu_vma own = { .kind = BACKING_RAM, .can_tag = true, .own = true, .order = 9 };

	no_bbm = host_max;
	no_bbm.bbm = 0;
	world_begin(&w, seed / 3 % 2 ? &host_max : &no_bbm, 40);
	memset(caches, 0, sizeof(caches));
	memset(tag, 0, sizeof(tag));
	memset(stores, 0, sizeof(stores));
	memset(settled, true, sizeof(settled));
	twice = false;
	few = seed / 6 % 2;
	calm = seed / 12 % 4 == 3;
	vm_enable_lazy_tags(&w.vm);
	vm_enable_mte(&w.vm);
	emu_sched_name(&w.vm.lock, "vm->lock");
	emu_sched_name(&w.vm.s2_lock, "vm->s2_lock");
	areas = emu_ram_alloc(11).addr;
	own.hpa = hpa_of(areas);
	area = 0;
	vma = world_slot(&w, 0, 0, IPA, SIZE, own);
}

const char *drive_tags(u64 seed)
{
	const struct emu_actor actors[] = {
		{ "vcpu 1", vcpu, &caches[0] },
		{ "vcpu 2", vcpu, &caches[1] },
		{ "host", host, NULL },
		{ "vmm", vmm, NULL },
		{ "attributes", attributes, NULL },
		{ "slot", second_slot, NULL },
	};
	const char *error;

	begin(seed);
	error = emu_sched_run(seed, actors, seed / 3 % 4 == 3 ? 6 : 5);
	emu_tlb_audit();
	if (!error)
		error = emu_tlb_complaint();
	if (error)
		return error;
	s2_cache_drain(&caches[0]);
	s2_cache_drain(&caches[1]);
	world_end(&w);
	return NULL;
}
