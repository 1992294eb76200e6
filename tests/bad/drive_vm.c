// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * A whole VM: vCPUs that access memory by whatever TLBs may hold and fault, the host's
 * notifier, which moves memory and takes pages, attributes, and in one run of four dirty
 * logging, which begins, is harvested and ends. The guest has its caches on in one run and off
 * in the next; before the last look at all pages it turns them round, as module/caches.c does.
 * Its memory is the host's, or in some runs without logging a device's, cacheable.
 */
#include "drive.h"

#define IPA   0x40000000ULL
#define SIZE  (2 * BLOCK)
#define PAGES (SIZE / PAGE)
#define AREAS 4U /* places for the slot's memory */
#define STEPS 12U

static struct world w;
static struct emu_vma *vma;
static struct s2_cache caches[2];
static u64 areas; /* the address of the first */
static bool caches_on;
static bool owned[AREAS]; /* the VMM's at present */
static u8 denied[PAGES];  /* ABI_ATTR_*: has been set and not begun to be cleared */
static unsigned int area; /* the VMA's */

static u64 some_gpa(void)
{
	return IPA + emu_sched_random(8) * 131 * PAGE;
}

static void check_access(u64 gpa, enum emu_access access, const struct emu_walk *walk)
{
	u8 attrs = denied[(gpa - IPA) / PAGE];
	u64 offset = walk->pa - areas;

	if (walk->fault == EMU_FAULT_RESERVED || walk->fault == EMU_FAULT_MEMORY ||
	    walk->fault == EMU_FAULT_ADDRESS_SIZE)
		emu_sched_fail("a broken walk for %#llx", gpa);
	if (walk->fault != EMU_FAULT_NONE)
		return;
	if (offset >= AREAS * SIZE || !owned[offset / SIZE] || offset % SIZE != gpa - IPA)
		emu_sched_fail("%#llx leads to %#llx", gpa, walk->pa);
	if ((access == EMU_WRITE && (attrs & ABI_ATTR_NW)) ||
	    (access == EMU_FETCH_EL1 && (attrs & ABI_ATTR_NX)))
		emu_sched_fail("%#llx is used although attributes deny it", gpa);
}

static const enum emu_access accesses[] = { EMU_READ, EMU_WRITE, EMU_FETCH_EL1 };
static const perm_t needs[] = { PERM_R, PERM_W, PERM_X };
static const u64 exits[] = { ABI_EXIT_READ, ABI_EXIT_WRITE, ABI_EXIT_EXEC };

/* One access of @kind, an index of the above. False: it has not got anywhere in a few tries. */
static bool use(struct s2_cache *cache, u64 gpa, unsigned int kind, u64 *exit)
{
	struct access access = { gpa_of(gpa), kind == 2 ? ACCESS_FETCH : ACCESS_DATA, needs[kind],
				 false };
	struct vm_fault_result result = { .outcome = VM_RESUME };

	*exit = 0;
	for (int tries = 0; tries < 6; tries++) {
		struct emu_walk walk;

		emu_mmu_begin();
		walk = emu_tlb_access(&w.mmu, gpa, accesses[kind], emu_sched_random(1024));
		check_access(gpa, accesses[kind], &walk);
		if (walk.fault == EMU_FAULT_NONE)
			emu_cache_guest(&walk, accesses[kind]);
		emu_mmu_end();
		if (walk.fault == EMU_FAULT_NONE)
			return true;
		access.permission = walk.fault == EMU_FAULT_PERMISSION;
		vm_fault(&w.vm, cache, &access, &result);
		if (result.outcome == VM_RESUME)
			continue;
		*exit = result.flags;
		return true;
	}
	return false;
}

static void vcpu(void *arg)
{
	u64 exit;

	for (unsigned int i = 0; i < 2 * STEPS; i++)
		use(arg, some_gpa(), (unsigned int)emu_sched_random(3), &exit);
}

/* When all is quiet each access passes, or attributes deny it. */
static void lone_vcpu(void *arg)
{
	vm_clean(&w.vm);
	emu_cache_guest_enable(!caches_on);
	for (u64 page = 0; page < PAGES; page += 131) {
		const bool denied_now[] = { false, denied[page] & ABI_ATTR_NW,
					    denied[page] & ABI_ATTR_NX };
		u64 exit;

		for (unsigned int kind = 0; kind < 3; kind++)
			if (!use(arg, IPA + page * PAGE, kind, &exit) ||
			    exit != (denied_now[kind] ? exits[kind] : 0))
				emu_sched_fail("page %llu cannot be used, or can", page);
	}
}

/* The host reads, or writes, what the guest has lost. */
static void host_uses(u64 hpa, u64 bytes, bool write)
{
	for (u64 at = 0; at < bytes; at += PAGE)
		emu_cache_host(hpa_of(hpa + at), write, true);
}

static void move_memory(void)
{
	unsigned int to = (area + 1 + (unsigned int)emu_sched_random(AREAS - 1)) % AREAS;
	u64 from;

	vm_hva_invalidate_begin(&w.vm, vma->begin, vma->end);
	emu_mm_lock();
	from = vma->hpa.addr;
	owned[area] = false;
	owned[to] = true;
	area = to;
	vma->hpa = hpa_of(areas + to * SIZE);
	vma->order = emu_sched_random(2) ? 9 : 0;
	emu_mm_unlock();
	emu_tlb_page_gone(hpa_of(from), SIZE);
	host_uses(from, SIZE, false);
	host_uses(areas + to * SIZE, SIZE, true);
	vm_hva_invalidate_end(&w.vm, vma->begin, vma->end);
}

/* Pages are taken for a moment: while they are, nothing leads to them. */
static void take_pages(void)
{
	u64 first = emu_sched_random(PAGES), count = 1 + emu_sched_random(PAGES - first);
	u64 begin = vma->begin + first * PAGE, end = begin + count * PAGE;

	vm_hva_invalidate_begin_turns(&w.vm, begin, end);
	emu_tlb_page_gone(hpa_of(vma->hpa.addr + first * PAGE), count * PAGE);
	host_uses(vma->hpa.addr + first * PAGE, count * PAGE, false);
	host_uses(vma->hpa.addr + first * PAGE, count * PAGE, true);
	vm_hva_invalidate_end(&w.vm, begin, end);
}

static void host(void *arg)
{
	for (unsigned int i = 0; i < STEPS; i++) {
		switch (emu_sched_random(3)) {
		case 0:
			move_memory();
			break;
		case 1:
			take_pages();
			break;
		case 2:
			vm_hva_age(&w.vm, vma->begin, vma->end, true);
			break;
		}
	}
}

static void attr_deny(u64 first, u64 count, u8 bits)
{
	struct gfn_range range = { IPA / PAGE + first, IPA / PAGE + first + count };

	if (vm_attr_set(&w.vm, range, ATTR_SET, bits))
		emu_sched_fail("an attribute cannot be set");
	for (u64 i = first; i < first + count; i++) {
		struct emu_tlb_rights rights = emu_tlb_rights(gfn_of(IPA / PAGE + i));

		denied[i] |= bits;
		if ((bits & ABI_ATTR_NW && rights.write) || (bits & ABI_ATTR_NX && rights.fetch))
			emu_sched_fail("page %llu still grants what was taken", i);
	}
}

static void attr_allow(u64 first, u64 count, u8 bits)
{
	struct gfn_range range = { IPA / PAGE + first, IPA / PAGE + first + count };

	for (u64 i = first; i < first + count; i++)
		denied[i] &= (u8)~bits;
	if (vm_attr_set(&w.vm, range, ATTR_CLEAR, bits))
		emu_sched_fail("an attribute cannot be cleared");
}

static void attributes(void *arg)
{
	for (unsigned int i = 0; i < STEPS; i++) {
		u64 first = emu_sched_random(PAGES);
		u64 count = emu_sched_random(2) ? 1 : 1 + emu_sched_random(PAGES - first);
		u8 bits = emu_sched_random(2) ? ABI_ATTR_NW : ABI_ATTR_NX;

		if (emu_sched_random(2))
			attr_deny(first, count, bits);
		else
			attr_allow(first, count, bits);
	}
}

/* Nothing happens beside it: each page that may be written is in the log. */
static void check_log(const struct dirty_log *log)
{
	for (u64 page = 0; page < PAGES; page++)
		if (emu_tlb_rights(gfn_of(IPA / PAGE + page)).write &&
		    !(log->bits[page / 64] >> page % 64 & 1))
			emu_sched_fail("page %llu is clean and may be written", page);
}

static void logging(void *arg)
{
	struct slot_request req = { 0, ABI_MEM_LOG_DIRTY_PAGES, IPA, SIZE, vma->begin };
	static u64 bits[PAGES / 64];

	for (unsigned int i = 0; i < STEPS; i++) {
		int err = 0;

		if (emu_sched_random(4) == 0)
			req.flags ^= ABI_MEM_LOG_DIRTY_PAGES;
		err = vm_slot_set(&w.vm, &req);
		if (!err && req.flags)
			err = emu_sched_random(2)
				      ? vm_dirty_get(&w.vm, 0, (u64)(uintptr_t)bits)
				      : vm_dirty_clear(&w.vm, 0, 0, PAGES, (u64)(uintptr_t)bits);
		if (err)
			emu_sched_fail("dirty logging: error %d", err);
		if (req.flags)
			check_log(slot_by_id(w.vm.slots, 0)->log);
	}
}

static bool logs(u64 seed)
{
	return seed % 4 == 3;
}

/* The slot's memory. A device's is cleaned on every host, by leave of the VM. */
static void memory_begin(u64 seed)
{
	bool device = !logs(seed) && seed / 16 % 4 == 3;

	if (device)
		vm_enable_cmo(&w.vm);
	vma = world_ram(&w, 0, IPA, SIZE, 9);
	areas = emu_ram_alloc(12).addr;
	vma->hpa = hpa_of(areas);
	if (device) {
		vma->kind = BACKING_PFN_CACHED;
		emu_cache_unmapped(hpa_of(areas), AREAS * SIZE);
	}
	host_uses(areas, SIZE, true);
	owned[0] = true;
	area = 0;
	caches_on = seed / 8 % 2;
	emu_cache_guest_enable(caches_on);
}

const char *drive_vm(u64 seed)
{
	const struct emu_actor actors[] = {
		{ "vcpu 1", vcpu, &caches[0] }, { "vcpu 2", vcpu, &caches[1] },
		{ "host", host, NULL },		{ "attributes", attributes, NULL },
		{ "logging", logging, NULL },
	};
	const struct emu_actor quiet = { "the last vcpu", lone_vcpu, &caches[0] };
	const char *error;

	world_begin(&w, drive_host(seed), 40);
	memset(caches, 0, sizeof(caches));
	memset(denied, 0, sizeof(denied));
	memset(owned, 0, sizeof(owned));
	emu_sched_name(&w.vm.lock, "vm->lock");
	emu_sched_name(&w.vm.s2_lock, "vm->s2_lock");
	memory_begin(seed);
	error = emu_sched_run(seed, actors, logs(seed) ? 5 : 4);
	if (!error)
		error = emu_sched_run(seed, &quiet, 1);
	if (error)
		return error;
	s2_cache_drain(&caches[0]);
	s2_cache_drain(&caches[1]);
	error = world_stop(&w);
	if (error)
		return error;
	return emu_tables_live() || emu_allocs_live() ? "memory is left" : NULL;
}
