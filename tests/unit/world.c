// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "world.h"

/* What ID registers say of QEMU's models, and of what is emulated beneath. */
const struct host host_max = {
	.ipa_bits = 48,
	.pa_bits = 48,
	.mte = 3,
	.bbm = 2,
	.hafdbs = 2,
	.mte_perm = true,
	.fwb = true,
	.dic = true,
	.idc = true,
	.xnx = true,
	.tlb_range = true,
};
const struct host host_n2 = {
	.ipa_bits = 48,
	.pa_bits = 48,
	.mte = 2,
	.bbm = 2,
	.hafdbs = 2,
	.fwb = true,
	.dic = true,
	.idc = true,
	.xnx = true,
	.tlb_range = true,
};
const struct host host_a710 = {
	.ipa_bits = 40,
	.pa_bits = 40,
	.mte = 2,
	.bbm = 2,
	.hafdbs = 2,
	.fwb = true,
	.idc = true,
	.xnx = true,
	.tlb_range = true,
};
const struct host host_a76 = {
	.ipa_bits = 40,
	.pa_bits = 40,
	.hafdbs = 2,
};

void world_begin(struct world *w, const struct host *host, unsigned int ipa_bits)
{
	emu_phys_reset();
	emu_log_reset();
	emu_cache_begin(&(struct emu_cache_host){ .dic = host->dic, .idc = host->idc });
	emu_mm_reset();
	memset(w, 0, sizeof(*w));
	w->host = *host;
	w->next_hva = HVA_BASE;
	w->tlb.vmid = 5;
	assert_int_equal(vm_init(&w->vm, &w->host, ipa_bits, &w->tlb), 0);
	w->mmu = (struct emu_mmu){
		.vttbr = vm_vttbr_baddr(&w->vm),
		.vtcr = vm_vtcr(&w->vm),
		.fwb = host->fwb,
		.mte_perm = host->mte_perm,
		.xnx = host->xnx,
		.pa_bits = host->pa_bits,
		.hafdbs = host->hafdbs,
	};
	emu_tlb_begin(&(struct emu_tlb_vm){
		.vttbr = w->mmu.vttbr,
		.vtcr = w->mmu.vtcr,
		.vmid = w->tlb.vmid,
		.bbm = host->bbm,
	});
}

const char *world_stop(struct world *w)
{
	emu_tlb_audit();
	if (emu_tlb_complaint())
		return emu_tlb_complaint();
	emu_tlb_end();
	vm_destroy(&w->vm);
	s2_cache_drain(&w->cache);
	emu_cache_end();
	return emu_cache_complaint();
}

void world_end(struct world *w)
{
	const char *complaint = world_stop(w);

	if (complaint)
		fail_msg("%s", complaint);
	assert_int_equal(emu_tables_live(), 0);
	assert_int_equal(emu_allocs_live(), 0);
	assert_int_equal(emu_backing_held(), 0);
}

int world_slot_try(struct world *w, u32 id, u32 flags, u64 gpa, u64 size, struct emu_vma *vma)
{
	struct slot_request req = { id, flags, gpa, size, w->next_hva };
	unsigned int order = 0;

	while (PAGE << order < size)
		order++;
	vma->begin = w->next_hva;
	vma->end = w->next_hva + size;
	if (!vma->hpa.addr)
		vma->hpa = emu_ram_alloc(order);
	w->next_hva = (vma->end + GIB) & ~(GIB - 1);
	emu_mm_add(vma);
	return vm_slot_set(&w->vm, &req);
}

struct emu_vma *world_slot(struct world *w, u32 id, u32 flags, u64 gpa, u64 size,
			   struct emu_vma vma)
{
	assert_int_equal(world_slot_try(w, id, flags, gpa, size, &vma), 0);
	return emu_mm_last();
}

struct emu_vma *world_ram(struct world *w, u32 id, u64 gpa, u64 size, unsigned int order)
{
	struct emu_vma vma = { .kind = BACKING_RAM, .can_tag = true, .order = (u8)order };

	return world_slot(w, id, 0, gpa, size, vma);
}

struct emu_walk world_walk(const struct world *w, u64 gpa, enum emu_access access)
{
	return emu_mmu_access(&w->mmu, gpa, access);
}

struct vm_fault_result world_fault(struct world *w, u64 gpa, enum access_kind kind, perm_t need,
				   bool permission)
{
	struct access access = { gpa_of(gpa), kind, need, permission };
	struct vm_fault_result result;

	vm_fault(&w->vm, &w->cache, &access, &result);
	return result;
}

/* The need as the syndrome tells it: what lacks R or W as well as T lacks that first. */
static perm_t syndrome_need(const struct emu_walk *walk, bool fetch)
{
	perm_t write = walk->write ? PERM_W : PERM_NONE;

	if (fetch)
		return PERM_X;
	if (walk->fault == EMU_FAULT_TAG)
		return PERM_T | write;
	return write ? write : PERM_R;
}

struct vm_fault_result world_access(struct world *w, u64 gpa, enum emu_access access)
{
	bool fetch = access == EMU_FETCH_EL1 || access == EMU_FETCH_EL0;
	struct vm_fault_result result = { .outcome = VM_RESUME };

	for (int attempt = 0; attempt < 16; attempt++) {
		struct emu_walk walk = world_walk(w, gpa, access);
		enum emu_fault fault = walk.fault;

		if (fault == EMU_FAULT_NONE) {
			emu_cache_guest(&walk, access);
			return result;
		}
		assert_true(fault == EMU_FAULT_TRANSLATION || fault == EMU_FAULT_ACCESS_FLAG ||
			    fault == EMU_FAULT_PERMISSION || fault == EMU_FAULT_TAG);
		result = world_fault(w, gpa, fetch ? ACCESS_FETCH : ACCESS_DATA,
				     syndrome_need(&walk, fetch),
				     fault == EMU_FAULT_PERMISSION || fault == EMU_FAULT_TAG);
		if (result.outcome != VM_RESUME)
			return result;
	}
	fail_msg("no progress");
	return result;
}

struct gfn_range world_gfns(u64 gpa, u64 size)
{
	struct gfn_range range;

	assert_int_equal(gfn_range_make(gpa, size, &range), 0);
	return range;
}

void world_attr(struct world *w, u64 gpa, u64 size, enum attr_op op, u64 bits)
{
	assert_int_equal(vm_attr_set(&w->vm, world_gfns(gpa, size), op, bits), 0);
}

/* xorshift64*. */
u64 random_next(u64 *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 2685821657736338717ULL;
}

u64 random_below(u64 *state, u64 n)
{
	return random_next(state) % n;
}
